/* sample_options.c: the options, and what they are if they are not given. */
#include "sample.h"

static void print_plane(const void *entry) {
    const energy_entry *e = entry;
    if (e->dimension > 0)
        printf(", in %lld dimensions", (long long)e->dimension);
}

static void print_step(const void *entry) {
    const sampler_entry *s = entry;
    printf(" (step %g%s)", s->step, s->target > 0 ? ", adapted" : "");
}

static const program_choices energies = {"energies", energy_entries, sizeof(energy_entry),
                                         print_plane};
static const program_choices samplers = {"samplers", sampler_entries, sizeof(sampler_entry),
                                         print_step};

#define AT(field) .offset = offsetof(sample_options, field)

static const program_option options[] = {
    {"--energy", "NAME", "what is sampled: exp(-E)", PROGRAM_CHOICE, AT(energy),
     .choices = &energies},
    {"--sampler", "NAME", "how", PROGRAM_CHOICE, AT(sampler), .choices = &samplers},
    {"--dimension", "N", "of the space, where the energy leaves a choice", PROGRAM_WHOLE,
     AT(dimension), 1, 1000},
    {"--chains", "N", "that never mix", PROGRAM_WHOLE, AT(chains), 1, 1e4},
    {"--draws", "N", "kept of each chain", PROGRAM_WHOLE, AT(draws), 8, 1e6},
    {"--warmup", "N", "transitions of each chain before these", PROGRAM_WHOLE, AT(warm_up), 0, 1e9},
    {"--seed", "N", "of all random numbers", PROGRAM_SEED, AT(seed)},
    {"--step", "X", "step size; the warm-up of an adaptive sampler starts there", PROGRAM_REAL,
     AT(step), 1e-9, 1e3},
    {"--threads", "N", "at most this many; changes no result (all processors)", PROGRAM_WHOLE,
     AT(threads), 1, 256},
    {"--out", "DIR", "where draws and pictures go; made if missing", PROGRAM_TEXT, AT(out)},
    {0},
};

const program sample_program = {
    .name = "sample",
    .purpose = "Markov chains for an energy of which everything is known, with diagnostics.",
    .options = options,
};

bool read_options(int argc, char **argv, sample_options *o, int *exit_status) {
    *o = (sample_options){
        .out = "sample", .dimension = 2, .chains = 4, .draws = 1000, .warm_up = 1000, .seed = 1};
    o->energy = program_entry(&energies, "banana");
    o->sampler = program_entry(&samplers, "nuts");
    if (!program_read(&sample_program, argc, argv, o, exit_status))
        return false;
    if (o->energy->dimension == 0 || o->energy->dimension == o->dimension)
        return true;
    *exit_status =
        program_refuse(&sample_program, "--dimension needs %lld for %s, not %lld",
                       (long long)o->energy->dimension, o->energy->name, (long long)o->dimension);
    return false;
}

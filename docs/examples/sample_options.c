/* sample_options.c: the options, and what they are if they are not given. */
#include <string.h>

#include "sample.h"

static void print_plane(const void *entry) {
    const energy_entry *e = entry;
    if (e->dimension > 0)
        printf(", in %lld dimensions", (long long)e->dimension);
}

static void print_step(const void *entry) {
    const sampler_entry *s = entry;
    if (s->step > 0)
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
    {"--draws", "N", "kept of each chain; particles; steps of a descent", PROGRAM_WHOLE, AT(draws),
     8, 1e6},
    {"--warmup", "N", "transitions of each chain before these; moves of particles", PROGRAM_WHOLE,
     AT(warm_up), 0, 1e9},
    {"--seed", "N", "of all random numbers", PROGRAM_SEED, AT(seed)},
    {"--step", "X", "step size; the warm-up of an adaptive sampler starts there", PROGRAM_REAL,
     AT(step), 1e-9, 1e3},
    {"--threads", "N", "at most this many; changes no result (all processors)", PROGRAM_WHOLE,
     AT(threads), 1, 256},
    {"--pictures", "N", "1: pictures of the draws, 0: none", PROGRAM_WHOLE, AT(pictures), 0, 1},
    {"--out", "DIR", "where draws and pictures go; made if missing", PROGRAM_TEXT, AT(out)},
    {0},
};

/* Particles cost as their square. */
static void set_defaults(void *values) {
    sample_options *o = values;
    if (o->sampler->kind == SAMPLES_PARTICLES)
        o->draws = 200;
}

const program sample_program = {
    .name = "sample",
    .purpose = "draws from an energy of which everything is known, with diagnostics.",
    .options = options,
    .set_defaults = set_defaults,
};

/* What options say of each other. */
static int check(const sample_options *o) {
    if (o->energy->dimension != 0 && o->energy->dimension != o->dimension)
        return program_refuse(&sample_program, "--dimension needs %lld for %s, not %lld",
                              (long long)o->energy->dimension, o->energy->name,
                              (long long)o->dimension);
    if (o->sampler->kind == SAMPLES_PASS && !o->energy->smooth) {
        char names[256] = "";
        for (const energy_entry *e = energy_entries; e->name; e++)
            if (e->smooth)
                snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s",
                         names[0] ? ", " : "", e->name);
        return program_refuse(&sample_program,
                              "%s needs an energy whose smoothed density is known, one of %s, not "
                              "%s",
                              o->sampler->name, names, o->energy->name);
    }
    if (o->sampler->step == 0 && o->step > 0)
        return program_refuse(&sample_program, "%s takes no --step", o->sampler->name);
    return 0;
}

bool read_options(int argc, char **argv, sample_options *o, int *exit_status) {
    *o = (sample_options){.out = "sample",
                          .dimension = 2,
                          .chains = 4,
                          .draws = 1000,
                          .warm_up = 1000,
                          .pictures = 1,
                          .seed = 1};
    o->energy = program_entry(&energies, "banana");
    o->sampler = program_entry(&samplers, "nuts");
    if (!program_read(&sample_program, argc, argv, o, exit_status))
        return false;
    *exit_status = check(o);
    return *exit_status == 0;
}

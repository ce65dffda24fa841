/* ising_recover.c: which spins are bound to which, and how strongly, learned from nothing but samples.
 * The answer is known, so that the error of each method is, too. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ising_recover.h"

/* ------------------------------------------------------------------------------- options */

#define AT(field) .offset = offsetof(recover_options, field)

static const program_option options[] = {
    {"--side", "N", "of the torus, in spins; even", PROGRAM_WHOLE, AT(side), 4, 32},
    {"--samples", "N", "at most; a quarter of them and a sixteenth are tried, too", PROGRAM_WHOLE,
     AT(samples), 32, 1e6},
    {"--sweeps", "N", "of Gibbs sampling before samples are taken", PROGRAM_WHOLE, AT(sweeps), 1,
     1e6},
    {"--steps", "N", "of Adam for each matrix", PROGRAM_WHOLE, AT(steps), 1, 1e6},
    {"--batch", "N", "samples in a step", PROGRAM_WHOLE, AT(batch), 1, 1e6},
    {"--lr", "X", "first learning rate; it falls as a cosine", PROGRAM_REAL, AT(rate), 1e-9, 1},
    {"--sparsity", "X", "costs of sum |J_ij|, divided by the root of the number of samples",
     PROGRAM_REAL, AT(sparsity), 0, 100},
    {"--chains", "N", "of persistent CD", PROGRAM_WHOLE, AT(chains), 1, 1e6},
    {"--proposals", "N", "of each chain in a step", PROGRAM_WHOLE, AT(proposals), 1, 1e6},
    {"--seed", "N", "of all random numbers", PROGRAM_SEED, AT(seed)},
    {"--threads", "N", "at most this many; changes no result (all processors)", PROGRAM_WHOLE,
     AT(threads), 1, 256},
    {"--out", "DIR", "where the page goes; made if missing", PROGRAM_TEXT, AT(out)},
    {"--checkpoint", "FILE", "goes on from there if there is one; written after each matrix",
     PROGRAM_TEXT, AT(checkpoint)},
    {"--stop", "N", "ends when so many of the matrices are there", PROGRAM_WHOLE, AT(stop), 1,
     MATRICES},
    {0},
};

const program recover_program = {
    .name = "ising_recover",
    .purpose = "learns the couplings of an Ising model from samples, in two ways.",
    .options = options,
};

static const recover_options defaults = {
    .out = "ising",
    .side = 8,
    .samples = 4000,
    .sweeps = 1000,
    .steps = 1000,
    .batch = 256,
    .rate = 0.01,
    .sparsity = 1,
    .chains = 100,
    .proposals = 100,
    .stop = MATRICES,
    .seed = 1,
};

/* ------------------------------------------------------------------------------- the table */

const double strengths[STRENGTHS] = {0.2, 0.3, 0.4};
const char *const method_names[METHODS] = {"pseudo-likelihood", "persistent CD"};

int64_t sample_count(const recover_options *o, int size) {
    return o->samples >> 2 * (SIZES - 1 - size);
}

const float *matrix_at(const results *r, const recover_options *o, int number) {
    int64_t sites = o->side * o->side;
    return (const float *)erg_value(r->couplings)->data + number * sites * sites;
}

double true_coupling(const recover_options *o, int strength, int64_t i, int64_t j) {
    int64_t rows = llabs(i / o->side - j / o->side), columns = llabs(i % o->side - j % o->side);
    int64_t distance = (rows < o->side - rows ? rows : o->side - rows) +
                       (columns < o->side - columns ? columns : o->side - columns);
    return distance == 1 ? strengths[strength] : 0;
}

double coupling_error(const recover_options *o, int strength, const float *J) {
    int64_t sites = o->side * o->side;
    double sum = 0;
    for (int64_t i = 0; i < sites; i++)
        for (int64_t j = 0; j < i; j++)
            sum += pow((J ? J[i * sites + j] : 0) - true_coupling(o, strength, i, j), 2);
    return sqrt(2 * sum / (double)(sites * (sites - 1)));
}

/* ------------------------------------------------------------------------------- learning */

typedef struct run {
    const recover_options *options;
    erg_graph *graph; /* holds the results, for the checkpoint */
    results results;
} run;

static erg_status make_results(run *r) {
    int64_t sites = r->options->side * r->options->side;
    r->graph = erg_graph_new(r->options->seed);
    r->results.couplings = erg_state(r->graph, "couplings", ERG_FLOAT32,
                                     ERG_SHAPE(STRENGTHS, SIZES, METHODS, sites, sites));
    r->results.spins = erg_state(r->graph, "spins", ERG_FLOAT64, ERG_SHAPE(STRENGTHS, 3));
    return r->results.spins ? ERG_OK : erg_error_status();
}

static erg_status keep(run *r, bool save) {
    const recover_options *o = r->options;
    const erg_checkpoint_number numbers[] = {{"done", &r->results.done},
                                             {"seconds", &r->results.seconds}};
    const erg_checkpoint_options kept = {.numbers = numbers, .n_numbers = 2};
    return save ? erg_checkpoint_save(o->checkpoint, r->graph, kept)
                : erg_checkpoint_load(o->checkpoint, r->graph, kept);
}

/* One matrix, from the first samples of their strength. */
static erg_status learn_matrix(run *r, const erg_tensor *spins, int number) {
    const recover_options *o = r->options;
    int64_t count = sample_count(o, number / METHODS % SIZES), sites = o->side * o->side;
    erg_tensor *some = erg_tensor_from(ERG_FLOAT32, ERG_SHAPE(count, sites), spins->data);
    erg_tensor *J =
        some ? learn_couplings(o, some, number % METHODS, o->seed + (uint64_t)(1000 + number))
             : NULL;
    if (J)
        memcpy((float *)erg_value(r->results.couplings)->data + number * sites * sites, J->data,
               (size_t)(sites * sites) * sizeof(float));
    erg_tensor_free(some);
    erg_tensor_free(J);
    return J ? ERG_OK : erg_error_status();
}

/* The matrices of one strength that are not there yet. */
static erg_status learn_strength(run *r, int strength) {
    const recover_options *o = r->options;
    neighbours found = {0};
    erg_status status = ERG_OK;
    erg_tensor *spins = draw_spins(o, strength, &found);
    if (!spins)
        return erg_error_status();
    memcpy((double *)erg_value(r->results.spins)->data + 3 * strength,
           (double[]){found.mean, found.error, found.exact}, 3 * sizeof(double));
    int end = matrix_number(strength + 1, 0, 0);
    while (status == ERG_OK && r->results.done < end && r->results.done < (double)o->stop) {
        double start = seconds_now();
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "\rmatrix %g of %d \033[K", r->results.done + 1, MATRICES);
        status = learn_matrix(r, spins, (int)r->results.done);
        r->results.done += status == ERG_OK;
        r->results.seconds += seconds_now() - start;
        if (status == ERG_OK && o->checkpoint)
            status = keep(r, true);
    }
    erg_tensor_free(spins);
    return status;
}

static void print_results(const results *r, const recover_options *o) {
    for (int strength = 0; strength < STRENGTHS; strength++) {
        const double *spins = (const double *)erg_value(r->spins)->data + 3 * strength;
        if (r->done < matrix_number(strength + 1, 0, 0))
            return;
        printf("coupling %g: neighbours agree %.4f +- %.4f, exactly %.4f\n", strengths[strength],
               spins[0], spins[1], spins[2]);
        for (int size = 0; size < SIZES; size++) {
            printf("%7lld samples: error", (long long)sample_count(o, size));
            for (int method = 0; method < METHODS; method++)
                printf(" %.4f by %s,",
                       coupling_error(o, strength,
                                      matrix_at(r, o, matrix_number(strength, size, method))),
                       method_names[method]);
            printf(" %.4f of no coupling\n", coupling_error(o, strength, NULL));
        }
    }
}

static erg_status learn_all(run *r, int argc, char **argv) {
    const recover_options *o = r->options;
    erg_status status = make_folder(o->out);
    if (status == ERG_OK)
        status = make_results(r);
    if (status == ERG_OK && o->checkpoint && access(o->checkpoint, F_OK) == 0) {
        status = keep(r, false);
        if (status == ERG_OK)
            printf("resumed after %g of %d matrices\n", r->results.done, MATRICES);
    }
    for (int strength = 0; status == ERG_OK && strength < STRENGTHS; strength++)
        if (r->results.done < matrix_number(strength + 1, 0, 0) &&
            r->results.done < (double)o->stop)
            status = learn_strength(r, strength);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    if (status != ERG_OK)
        return status;
    print_results(&r->results, o);
    if (r->results.done < MATRICES)
        return ERG_OK;
    status = write_report(&r->results, o, argc, argv);
    if (status == ERG_OK)
        printf("%.0f s of learning; see %s/index.html\n", r->results.seconds, o->out);
    return status;
}

int main(int argc, char **argv) {
    recover_options o = defaults;
    int exit_status;
    if (!program_read(&recover_program, argc, argv, &o, &exit_status))
        return exit_status;
    if (o.side % 2 != 0)
        return program_refuse(&recover_program, "--side needs an even number, not %lld",
                              (long long)o.side);
    run run = {.options = &o};
    erg_status status = o.threads > 0 ? erg_set_threads((int)o.threads) : ERG_OK;
    if (status == ERG_OK)
        status = learn_all(&run, argc, argv);
    exit_status = program_end(&recover_program, status);
    erg_graph_free(run.graph);
    return exit_status;
}

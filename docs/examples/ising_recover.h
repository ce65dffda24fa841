/* ising_recover.h: what the files of ising_recover share. */
#ifndef ISING_RECOVER_H
#define ISING_RECOVER_H

#include "program.h"

typedef struct recover_options {
    const char *out, *checkpoint; /* checkpoint may be NULL */
    int64_t side, samples, sweeps;
    int64_t steps, batch, chains, proposals, stop, threads;
    double rate, sparsity;
    uint64_t seed;
} recover_options;

extern const program recover_program;

/* The table: for each strength of the bonds, number of samples and method a matrix is learned. */
enum { STRENGTHS = 3, SIZES = 3, METHODS = 2, MATRICES = STRENGTHS * SIZES * METHODS };
extern const double strengths[STRENGTHS];
extern const char *const method_names[METHODS];
/* The greatest number of samples, a quarter of it, and a sixteenth; size 0 is the least. */
int64_t sample_count(const recover_options *o, int size);
static inline int matrix_number(int strength, int size, int method) {
    return (strength * SIZES + size) * METHODS + method;
}

/* Spins (samples, D) from the torus of D = side x side sites whose bonds are all this strong, and the
 * mean product of two neighbours in them: its error, and what it should be. NULL on an error. */
typedef struct neighbours {
    double mean, error, exact;
} neighbours;
erg_tensor *draw_spins(const recover_options *o, int strength, neighbours *found);

/* The couplings (D, D), symmetric, learned from spins (n, D) by a method; the caller frees them. NULL
 * on an error. */
erg_tensor *learn_couplings(const recover_options *o, const erg_tensor *spins, int method,
                            uint64_t seed);

/* J_ij of that torus: the strength for neighbours, else 0. */
double true_coupling(const recover_options *o, int strength, int64_t i, int64_t j);
/* The root of the mean square of J - true J over all pairs; J NULL: of no coupling at all. */
double coupling_error(const recover_options *o, int strength, const float *J);

typedef struct results {
    erg_node *couplings; /* (STRENGTHS, SIZES, METHODS, D, D) float32: a state */
    erg_node *spins;     /* (STRENGTHS, 3) float64: mean, error, exact of the samples, a state */
    double done;         /* matrices */
    double seconds;
} results;
/* The matrix of that number. */
const float *matrix_at(const results *r, const recover_options *o, int number);

/* Pictures, couplings.npy and the page. */
erg_status write_report(const results *r, const recover_options *o, int argc, char **argv);

#endif

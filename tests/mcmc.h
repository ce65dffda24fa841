/* mcmc.h: what the tests of the Metropolis family share: energies, chains that start at rest, and
 * the same bits at any number of threads. */
#ifndef ERG_TESTS_MCMC_H
#define ERG_TESTS_MCMC_H

#include "modules.h"

/* E = |x|^2 / 2: N(0, I). */
static inline erg_energy standard_normal(void) {
    static double stiffness = 1;
    return (erg_energy){erg_harmonic_energy, &stiffness};
}

/* Fills a leaf with independent N(0, 1). */
static inline void fill_normal(erg_node *leaf, uint64_t seed) {
    ck_assert_int_eq(erg_random_normal(erg_value(leaf), (erg_random){.seed = seed}), ERG_OK);
}

/* A chain and its statistics, "statistics" in the graph. */
typedef struct counted {
    erg_chain *chain;
    erg_statistics *statistics;
} counted;

static inline counted count_chain(erg_node *x, erg_transition transition) {
    erg_graph *g = erg_node_graph(x);
    counted c = {.statistics = erg_statistics_new(g, "statistics", erg_node_shape(x).dims[0])};
    erg_node *count = erg_statistics_count(c.statistics, transition);
    c.chain = count ? erg_chain_of(x, transition, count) : NULL;
    ck_assert_msg(c.chain != NULL, "%s",
                  erg_graph_error(g) ? erg_graph_error(g) : erg_error_message());
    return c;
}

static inline erg_statistics_summary summary_of(counted c) {
    erg_statistics_summary s;
    ck_assert_int_eq(erg_statistics_get(c.statistics, -1, &s), ERG_OK);
    return s;
}

/* z of the mean of n independent numbers, by their own spread. */
static inline double z_of(const double *numbers, int64_t n, double expected) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += numbers[i];
        squares += numbers[i] * numbers[i];
    }
    double mean = sum / (double)n, variance = squares / (double)n - mean * mean;
    return (mean - expected) / sqrt(variance / (double)(n - 1));
}

#endif

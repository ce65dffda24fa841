/* tempered.h: two modes far apart, the exact density of each temperature, and a transition that leaves
 * it alone. */
#ifndef ERG_TESTS_TEMPERED_H
#define ERG_TESTS_TEMPERED_H

#include "modules.h"

/* 1/2 N(-3, 1) + 1/2 N(3, 1). */
static inline erg_energy two_modes(erg_graph *g) {
    const double means[] = {-3, 3}, stds[] = {1, 1};
    return (erg_energy){erg_gaussian_mixture_energy,
                        erg_gaussian_mixture_new(g, ERG_FLOAT64, 2, 1, NULL, means, stds)};
}

/* Metropolis with proposals x + 1.5 xi; x (B, 1). */
static inline erg_node *walk(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self;
    (void)beta;
    erg_graph *g = erg_node_graph(x);
    erg_shape shape = erg_node_shape(x);
    erg_node *xi = erg_normal(g, ERG_FLOAT64, shape), *u = erg_uniform(g, ERG_FLOAT64, shape);
    erg_node *proposal = erg_add(x, erg_mul_scalar(xi, 1.5));
    erg_node *gain = erg_sub(erg_energy_apply(tempered, x), erg_energy_apply(tempered, proposal));
    return erg_where(erg_less(erg_log(u), erg_unsqueeze(gain, 1)), proposal, x);
}

/* What exp(-beta E) is, on a grid. */
enum { GRID = 4001, BINS = 20 };
static const double edge = 12;

typedef struct law {
    double beta, cumulative[GRID];
} law;

static inline double density(double x, double beta) {
    double p = exp(-0.5 * (x + 3) * (x + 3)) + exp(-0.5 * (x - 3) * (x - 3));
    return pow(p, beta);
}

static inline law law_of(double beta) {
    law l = {.beta = beta};
    double sum = 0, width = 2 * edge / (GRID - 1);
    for (int i = 0; i < GRID; i++) {
        double x = -edge + width * i;
        sum += i > 0 ? density(x, beta) + density(x - width, beta) : 0;
        l.cumulative[i] = sum;
    }
    for (int i = 0; i < GRID; i++)
        l.cumulative[i] /= sum;
    return l;
}

static inline double cdf(const law *l, double x) {
    double place = fmin(fmax((x + edge) / (2 * edge) * (GRID - 1), 0), GRID - 1.001);
    int i = (int)place;
    return l->cumulative[i] + (place - i) * (l->cumulative[i + 1] - l->cumulative[i]);
}

/* Chi-squared over bins of equal probability, of rows that are independent chains. */
static inline double misfit(const law *l, const erg_tensor *x, int64_t first, int64_t rows) {
    double counts[BINS] = {0}, chi2 = 0, expected = (double)rows / BINS;
    for (int64_t b = first; b < first + rows; b++)
        counts[(int)fmin(cdf(l, erg_tensor_get(x, b)) * BINS, BINS - 1)] += 1;
    for (int i = 0; i < BINS; i++)
        chi2 += pow(counts[i] - expected, 2) / expected;
    return chi2;
}

/* E(x) = x_0. */
static inline erg_node *first_of(void *self, erg_node *x) {
    (void)self;
    return erg_select(x, 1, 0);
}

/* A transition to another shape. */
static inline erg_node *shrink(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self;
    (void)tempered;
    (void)beta;
    return erg_select(x, 1, 0);
}

#endif

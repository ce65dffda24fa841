/* sample_energies.c: the energies that sample knows by name. */
#include <math.h>
#include <stdlib.h>

#include "sample.h"

/* Those without params of their own, at their defaults. */
#define PLAIN(name)                                                                                \
    static erg_energy make_##name(erg_graph *graph, int64_t dimension) {                           \
        (void)graph, (void)dimension;                                                              \
        return (erg_energy){erg_##name##_energy, NULL};                                            \
    }
PLAIN(banana)
PLAIN(rosenbrock)
PLAIN(funnel)
PLAIN(double_well)
PLAIN(rings)
PLAIN(von_mises)
PLAIN(rastrigin)

static erg_energy make_harmonic(erg_graph *graph, int64_t dimension) {
    static double stiffness = 1;
    (void)graph, (void)dimension;
    return (erg_energy){erg_harmonic_energy, &stiffness};
}

/* Cov(x_i, x_j) = 0.9^|i - j| */
static erg_energy make_gaussian(erg_graph *graph, int64_t dimension) {
    int64_t d = dimension;
    double *covariance = malloc((size_t)(d * d) * sizeof *covariance);
    if (!covariance) {
        erg_fail(ERG_ERROR_MEMORY, "gaussian: out of memory");
        return (erg_energy){0};
    }
    for (int64_t i = 0; i < d * d; i++)
        covariance[i] = pow(0.9, fabs((double)(i / d - i % d)));
    erg_gaussian *gaussian = erg_gaussian_new(graph, ERG_FLOAT64, d, NULL, covariance, NULL);
    free(covariance);
    return (erg_energy){gaussian ? erg_gaussian_energy : NULL, gaussian};
}

static erg_energy make_mixture(erg_graph *graph, int64_t dimension) {
    const double weights[] = {0.5, 0.3, 0.2}, stds[] = {0.8, 0.6, 0.4};
    const double means[] = {-1.5, -1, 1.5, -1, 0, 1.5};
    erg_gaussian_mixture *mixture =
        erg_gaussian_mixture_new(graph, ERG_FLOAT64, 3, dimension, weights, means, stds);
    return (erg_energy){mixture ? erg_gaussian_mixture_energy : NULL, mixture};
}

/* Ackley's function is bounded: the bowl makes exp(-E) a density. */
static erg_energy make_ackley(erg_graph *graph, int64_t dimension) {
    static double stiffness = 0.02;
    (void)dimension;
    const erg_energy parts[] = {{erg_ackley_energy, NULL}, {erg_harmonic_energy, &stiffness}};
    return erg_energy_sum(graph, parts, 2, NULL);
}

static erg_energy make_two_moons(erg_graph *graph, int64_t dimension) {
    (void)dimension;
    return erg_two_moons_energy(graph, ERG_FLOAT64, 0);
}

static erg_energy make_eight_gaussians(erg_graph *graph, int64_t dimension) {
    (void)dimension;
    return erg_eight_gaussians_energy(graph, ERG_FLOAT64, 0, 0);
}

const energy_entry energy_entries[] = {
    {"harmonic", "N(0, I)", 0, false, make_harmonic},
    {"gaussian", "a correlated Gaussian, Cov(x_i, x_j) = 0.9^|i - j|", 0, false, make_gaussian},
    {"mixture", "three Gaussians of different weights and widths", 2, false, make_mixture},
    {"banana", "a bent Gaussian", 2, false, make_banana},
    {"rosenbrock", "a narrow bent valley", 2, false, make_rosenbrock},
    {"funnel", "Neal's funnel, whose width is e^(x_1 / 2)", 0, false, make_funnel},
    {"double_well", "two wells, a barrier of height 1 between them", 0, false, make_double_well},
    {"rings", "three rings about the origin", 2, false, make_rings},
    {"von_mises", "independent angles", 0, true, make_von_mises},
    {"rastrigin", "a bowl with a deep well at each integer point", 0, false, make_rastrigin},
    {"ackley", "Ackley's hole in a wavy plain, within a wide bowl", 0, false, make_ackley},
    {"two_moons", "two half circles", 2, false, make_two_moons},
    {"eight_gaussians", "eight Gaussians on a circle", 2, false, make_eight_gaussians},
    {0},
};

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

#define MIXTURE_WEIGHTS 0.5, 0.3, 0.2
#define MIXTURE_MEANS -1.5, -1, 1.5, -1, 0, 1.5
#define MIXTURE_STDS 0.8, 0.6, 0.4
static erg_energy make_mixture(erg_graph *graph, int64_t dimension) {
    const double weights[] = {MIXTURE_WEIGHTS}, means[] = {MIXTURE_MEANS}, stds[] = {MIXTURE_STDS};
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

/* ------------------------------------------------------------------------------- smoothed by noise */

/* K Gaussians of their own widths; noise s makes each wider,
 *     E(x, s) = -log sum_k w_k N(x; m_k, (std_k^2 + s^2) I). */
typedef struct gaussians {
    erg_node *log_weights, *means, *variances; /* (K), (K, d), (K) */
} gaussians;

/* x (B, d), noise () or (B) -> (B) */
static erg_node *smooth_energy(void *self, erg_node *x, erg_node *noise) {
    const gaussians *m = self;
    double d = (double)erg_node_shape(m->means).dims[1];
    erg_node *apart = erg_sub(erg_unsqueeze(x, 1), m->means); /* (B, K, d) */
    erg_node *away = erg_sum(erg_square(apart), ERG_AXES(2), 0), *added = erg_square(noise);
    bool of_each = erg_node_shape(noise).ndim == 1;
    erg_node *variance = erg_add(m->variances, of_each ? erg_unsqueeze(added, 1) : added);
    erg_node *exponent = erg_mul_scalar(erg_div(away, variance), -0.5);
    erg_node *scale = erg_mul_scalar(erg_log(erg_mul_scalar(variance, 2 * M_PI)), -d / 2);
    erg_node *log_terms = erg_add(m->log_weights, erg_add(exponent, scale));
    return erg_neg(erg_logsumexp(log_terms, ERG_AXES(1), 0));
}

static erg_node *constant(erg_graph *graph, erg_shape shape, const double *numbers) {
    erg_tensor *value = erg_tensor_from(ERG_FLOAT64, shape, numbers);
    erg_node *node = value ? erg_constant(graph, value) : NULL;
    erg_tensor_free(value);
    return node;
}

static erg_pair_energy smooth_of(erg_graph *graph, int64_t k, int64_t d, const double *weights,
                                 const double *means, const double *stds) {
    gaussians *m = erg_graph_alloc(graph, sizeof *m);
    if (!m)
        return (erg_pair_energy){0};
    *m = (gaussians){erg_log(constant(graph, ERG_SHAPE(k), weights)),
                     constant(graph, ERG_SHAPE(k, d), means),
                     erg_square(constant(graph, ERG_SHAPE(k), stds))};
    bool made = m->log_weights && m->means && m->variances;
    return (erg_pair_energy){made ? smooth_energy : NULL, m};
}

static erg_pair_energy smooth_harmonic(erg_graph *graph, int64_t dimension) {
    double one = 1, *zeros = calloc((size_t)dimension, sizeof *zeros);
    erg_pair_energy smooth = {0};
    if (zeros)
        smooth = smooth_of(graph, 1, dimension, &one, zeros, &one);
    else
        erg_fail(ERG_ERROR_MEMORY, "harmonic: out of memory");
    free(zeros);
    return smooth;
}

static erg_pair_energy smooth_mixture(erg_graph *graph, int64_t dimension) {
    const double weights[] = {MIXTURE_WEIGHTS}, means[] = {MIXTURE_MEANS}, stds[] = {MIXTURE_STDS};
    return smooth_of(graph, 3, dimension, weights, means, stds);
}

/* As erg_eight_gaussians_energy has them by default. */
static erg_pair_energy smooth_eight_gaussians(erg_graph *graph, int64_t dimension) {
    enum { K = 8 };
    const double radius = 2, std = 0.15;
    double weights[K], means[2 * K], stds[K];
    for (int k = 0; k < K; k++) {
        weights[k] = 1.0 / K;
        means[2 * k] = radius * cos(2 * M_PI * k / K);
        means[2 * k + 1] = radius * sin(2 * M_PI * k / K);
        stds[k] = std;
    }
    return smooth_of(graph, K, dimension, weights, means, stds);
}

/* ------------------------------------------------------------------------------- the table */

const energy_entry energy_entries[] = {
    {"harmonic", "N(0, I)", 0, false, make_harmonic, smooth_harmonic},
    {"gaussian", "a correlated Gaussian, Cov(x_i, x_j) = 0.9^|i - j|", 0, false, make_gaussian,
     NULL},
    {"mixture", "three Gaussians of different weights and widths", 2, false, make_mixture,
     smooth_mixture},
    {"banana", "a bent Gaussian", 2, false, make_banana, NULL},
    {"rosenbrock", "a narrow bent valley", 2, false, make_rosenbrock, NULL},
    {"funnel", "Neal's funnel, whose width is e^(x_1 / 2)", 0, false, make_funnel, NULL},
    {"double_well", "two wells, a barrier of height 1 between them", 0, false, make_double_well,
     NULL},
    {"rings", "three rings about the origin", 2, false, make_rings, NULL},
    {"von_mises", "independent angles", 0, true, make_von_mises, NULL},
    {"rastrigin", "a bowl with a deep well at each integer point", 0, false, make_rastrigin, NULL},
    {"ackley", "Ackley's hole in a wavy plain, within a wide bowl", 0, false, make_ackley, NULL},
    {"two_moons", "two half circles", 2, false, make_two_moons, NULL},
    {"eight_gaussians", "eight Gaussians on a circle", 2, false, make_eight_gaussians,
     smooth_eight_gaussians},
    {0},
};

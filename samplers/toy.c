/* toy.c: two-dimensional distributions to learn on, with exact samples and exact densities.
 *
 * Two moons is a Gaussian blurred along two half circles: p(x) = 1/2 sum over moons of the mean over
 * t in [0, pi] of N(x; m(t), noise^2 I). Gauss-Legendre quadrature turns the mean over t into a
 * weighted sum over nodes, that is, the density into a mixture of Gaussians, exact to rounding once
 * the nodes lie closer than the noise is wide. */
#include <math.h>

#include "samplers.h"

/* ------------------------------------------------------------------------------- two moons */

/* Gauss-Legendre nodes of an arc: 192 are less than 0.026 apart, half the least noise. */
enum { NODES = 192 };
static const double LEAST_NOISE = 0.05;

/* Zero number i of the Legendre polynomial P_n by Newton's method, and its weight
 * 2 / ((1 - z^2) P_n'(z)^2), from the recurrence (k+1) P_(k+1) = (2k+1) z P_k - k P_(k-1). */
static double legendre_node(int n, int i, double *weight) {
    double z = cos(M_PI * (i + 0.75) / (n + 0.5)), slope = 1;
    for (int iteration = 0; iteration < 8; iteration++) {
        double p = 1, before = 0;
        for (int k = 0; k < n; k++) {
            double next = ((2 * k + 1) * z * p - k * before) / (k + 1);
            before = p;
            p = next;
        }
        slope = n * (z * p - before) / (z * z - 1);
        z -= p / slope;
    }
    *weight = 2 / ((1 - z * z) * slope * slope);
    return z;
}

static double moon_noise(double noise) {
    return noise != 0 ? noise : 0.1;
}

erg_energy erg_two_moons_energy(erg_graph *graph, erg_dtype dtype, double noise) {
    if (!(moon_noise(noise) >= LEAST_NOISE)) {
        erg_graph_fail(graph, "two_moons: noise %g, must be at least %g for an exact density",
                       noise, LEAST_NOISE);
        return (erg_energy){0};
    }
    double weights[2 * NODES], means[4 * NODES], stds[2 * NODES];
    for (int i = 0; i < NODES; i++) {
        double t = M_PI / 2 * (1 + legendre_node(NODES, i, &weights[i]));
        weights[NODES + i] = weights[i];
        means[2 * i] = cos(t);
        means[2 * i + 1] = sin(t);
        means[2 * (NODES + i)] = 1 - cos(t);
        means[2 * (NODES + i) + 1] = 0.5 - sin(t);
        stds[i] = stds[NODES + i] = moon_noise(noise);
    }
    void *mixture =
        erg_gaussian_mixture_new(graph, dtype, (int64_t)2 * NODES, 2, weights, means, stds);
    return (erg_energy){mixture ? erg_gaussian_mixture_energy : NULL, mixture};
}

erg_node *erg_two_moons_sample(erg_graph *graph, erg_dtype dtype, int64_t n, double noise) {
    if (!(moon_noise(noise) > 0))
        return erg_graph_fail(graph, "two_moons: noise %g", noise);
    erg_node *t = erg_mul_scalar(erg_uniform(graph, dtype, ERG_SHAPE(n)), M_PI);
    erg_node *c = erg_cos(t), *s = erg_sin(t), *one = erg_full_like(t, 1);
    erg_node *upper = erg_less(erg_uniform(graph, dtype, ERG_SHAPE(n)), erg_full_like(t, 0.5));
    erg_node *x = erg_where(upper, c, erg_sub(one, c));
    erg_node *y = erg_where(upper, s, erg_sub(erg_mul_scalar(one, 0.5), s));
    erg_node *blur = erg_mul_scalar(erg_normal(graph, dtype, ERG_SHAPE(n, 2)), moon_noise(noise));
    return erg_add(erg_stack((erg_node *[]){x, y}, 2, 1), blur);
}

/* ------------------------------------------------------------------------------- eight Gaussians */

static erg_gaussian_mixture *eight_gaussians(erg_graph *graph, erg_dtype dtype, double radius,
                                             double std) {
    double means[16], stds[8];
    for (int k = 0; k < 8; k++) {
        means[2 * k] = (radius != 0 ? radius : 2) * cos(k * M_PI / 4);
        means[2 * k + 1] = (radius != 0 ? radius : 2) * sin(k * M_PI / 4);
        stds[k] = std != 0 ? std : 0.15;
    }
    return erg_gaussian_mixture_new(graph, dtype, 8, 2, NULL, means, stds);
}

erg_energy erg_eight_gaussians_energy(erg_graph *graph, erg_dtype dtype, double radius,
                                      double std) {
    void *mixture = eight_gaussians(graph, dtype, radius, std);
    return (erg_energy){mixture ? erg_gaussian_mixture_energy : NULL, mixture};
}

erg_node *erg_eight_gaussians_sample(erg_graph *graph, erg_dtype dtype, int64_t n, double radius,
                                     double std) {
    erg_gaussian_mixture *mixture = eight_gaussians(graph, dtype, radius, std);
    return mixture ? erg_gaussian_mixture_sample(mixture, n) : NULL;
}

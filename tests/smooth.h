/* smooth.h: energies E(x, s) of data smoothed by noise s, whose densities are known. */
#ifndef ERG_TESTS_SMOOTH_H
#define ERG_TESTS_SMOOTH_H

#include "modules.h"

/* E = |x|^2 / (2 (a^2 + s^2)): data N(0, a^2 I) smoothed by s, () or (B). self: a. */
static inline erg_node *smooth_gaussian(void *self, erg_node *x, erg_node *noise) {
    const double *a = self;
    erg_node *half = erg_mul_scalar(erg_sum(erg_square(x), ERG_AXES(1), 0), 0.5);
    return erg_div(half, erg_add_scalar(erg_square(noise), *a * *a));
}

enum { MODES = 2 };
static const double weights[MODES] = {0.3, 0.7}, means[MODES] = {-2, 2}, spread = 0.5;

/* -log sum_k w_k N(x; m_k, spread^2 + s^2) but for a constant of x; x (B, 1). self, if there is
 * one: a wrong factor of s. */
static inline erg_node *smooth_mixture(void *self, erg_node *x, erg_node *noise) {
    const double *wrong = self;
    erg_node *s = wrong ? erg_mul_scalar(noise, *wrong) : noise;
    erg_node *variance = erg_add_scalar(erg_square(s), spread * spread), *terms[MODES];
    for (int k = 0; k < MODES; k++) {
        erg_node *away = erg_square(erg_add_scalar(erg_squeeze(x, 1), -means[k]));
        terms[k] = erg_add_scalar(erg_mul_scalar(erg_div(away, variance), -0.5), log(weights[k]));
    }
    return erg_neg(erg_logsumexp(erg_stack(terms, MODES, 1), ERG_AXES(1), 0));
}

static inline double mixture_cdf_at(double x, double s) {
    double sum = 0;
    for (int k = 0; k < MODES; k++)
        sum += weights[k] * normal_cdf((x - means[k]) / hypot(spread, s));
    return sum;
}

#endif

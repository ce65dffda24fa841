/* likelihood.h: what the tests of losses of likelihood type share: leaves, models and numbers. */
#ifndef ERG_TESTS_LIKELIHOOD_H
#define ERG_TESTS_LIKELIHOOD_H

#include "modules.h"

static inline erg_node *labels_of(erg_graph *graph, int n, const int *labels) {
    erg_node *node = erg_input(graph, NULL, ERG_INT32, ERG_SHAPE(n));
    for (int i = 0; i < n; i++)
        erg_tensor_set(erg_value(node), i, labels[i]);
    return node;
}

static inline erg_node *normal_leaf(erg_graph *graph, erg_shape shape, uint64_t seed) {
    erg_node *x = input_of(graph, shape, NULL);
    ck_assert_int_eq(erg_random_normal(erg_value(x), (erg_random){.seed = seed}), ERG_OK);
    return x;
}

/* E = a |x|^2 / 2, the Gaussian N(0, I / a). */
static inline erg_node *quadratic(void *self, erg_node *x) {
    return erg_mul(erg_mul_scalar(self, 0.5), erg_sum(erg_square(x), ERG_AXES(1), 0));
}

static inline erg_node *mean(erg_node *x) {
    return erg_mean(x, ERG_ALL, 0);
}

static inline double slope_of(erg_node *loss, erg_node *a) {
    ck_assert_msg(loss != NULL, "%s", erg_error_message());
    return number_of(erg_gradient(loss, a));
}

static inline double dot(const erg_tensor *x, const erg_tensor *y) {
    double sum = 0;
    for (int64_t i = 0; i < erg_tensor_size(x); i++)
        sum += erg_tensor_get(x, i) * erg_tensor_get(y, i);
    return sum;
}

/* A network in a bowl, so that it is a density. */
static inline erg_node *bowl_energy(void *net, erg_node *x) {
    double bowl = 0.5;
    return erg_add(erg_mlp_energy(net, x), erg_harmonic_energy(&bowl, x));
}

#endif

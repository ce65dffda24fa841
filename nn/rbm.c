/* rbm.c: restricted Boltzmann machines. Hidden units h are 0 or 1, visible units v 0 or 1 or real,
 *
 *     binary    E(v, h) = -v^T W h - b^T v - c^T h                        (Smolensky 1986)
 *     Gaussian  E(v, h) = sum (v - b)^2 / 2 s^2 - (v / s^2)^T W h - c^T h  (Cho et al. 2011)
 *
 * There is no bond within a layer, so that the sum over all states of one layer is a product:
 * sum_h exp(a^T h) = prod_j (1 + exp(a_j)). */
#include <math.h>

#include "module.h"

erg_rbm *erg_rbm_new(erg_graph *graph, const char *name, int64_t visible, int64_t hidden,
                     erg_rbm_options options) {
    if (visible < 1 || hidden < 1) {
        erg_graph_fail(graph, "rbm: %lld visible and %lld hidden units, both must be at least 1",
                       (long long)visible, (long long)hidden);
        return NULL;
    }
    erg_rbm *rbm = erg_module_open(graph, name, sizeof *rbm);
    if (!rbm)
        return NULL;
    rbm->weight = erg_param(graph, "weight", options.dtype, ERG_SHAPE(visible, hidden));
    rbm->visible_bias =
        erg_module_param(graph, "visible_bias", options.dtype, ERG_SHAPE(visible), 0);
    rbm->hidden_bias = erg_module_param(graph, "hidden_bias", options.dtype, ERG_SHAPE(hidden), 0);
    if (options.gaussian)
        rbm->log_variance =
            erg_module_param(graph, "log_variance", options.dtype, ERG_SHAPE(visible), 0);
    if (!erg_graph_error(graph))
        erg_module_check(graph, "rbm",
                         erg_init_normal(rbm->weight, options.std != 0 ? options.std : 0.01));
    return erg_module_close(graph, rbm);
}

/* ------------------------------------------------------------------------------- given a layer */

static bool check(const char *function, const erg_rbm *rbm, erg_node *units, int axis) {
    if (!rbm)
        return erg_graph_fail(erg_node_graph(units), "%s: no machine", function);
    return erg_module_has_width(function, units, erg_node_shape(rbm->weight).dims[axis]);
}

static erg_node *variance(const erg_rbm *rbm) {
    return erg_exp(rbm->log_variance);
}

/* c + W^T v, with v / s^2 for v if visible units are Gaussian: what the hidden units feel. */
static erg_node *hidden_input(const erg_rbm *rbm, erg_node *v) {
    erg_node *scaled = rbm->log_variance ? erg_div(v, variance(rbm)) : v;
    return erg_add(erg_matmul(scaled, rbm->weight), rbm->hidden_bias);
}

/* b + W h */
static erg_node *visible_input(const erg_rbm *rbm, erg_node *h) {
    return erg_add(erg_matmul_transposed(h, 0, rbm->weight, 1), rbm->visible_bias);
}

/* The part of the energy that v has alone, (B). */
static erg_node *visible_energy(const erg_rbm *rbm, erg_node *v) {
    if (!rbm->log_variance)
        return erg_neg(erg_matmul(v, rbm->visible_bias));
    erg_node *square = erg_square(erg_sub(v, rbm->visible_bias));
    return erg_mul_scalar(erg_sum(erg_div(square, variance(rbm)), ERG_AXES(1), 0), 0.5);
}

erg_node *erg_rbm_energy(void *self, erg_node *v) {
    const erg_rbm *rbm = self;
    if (!check("rbm_energy", rbm, v, 0))
        return NULL;
    erg_node *freedom = erg_sum(erg_softplus(hidden_input(rbm, v)), ERG_AXES(1), 0);
    return erg_sub(visible_energy(rbm, v), freedom);
}

erg_node *erg_rbm_joint_energy(void *self, erg_node *v, erg_node *h) {
    const erg_rbm *rbm = self;
    if (!check("rbm_joint_energy", rbm, v, 0) || !check("rbm_joint_energy", rbm, h, 1))
        return NULL;
    if (erg_node_shape(v).dims[0] != erg_node_shape(h).dims[0])
        return erg_graph_fail(erg_node_graph(v), "rbm_joint_energy: %lld v and %lld h",
                              (long long)erg_node_shape(v).dims[0],
                              (long long)erg_node_shape(h).dims[0]);
    erg_node *agreement = erg_sum(erg_mul(hidden_input(rbm, v), h), ERG_AXES(1), 0);
    return erg_sub(visible_energy(rbm, v), agreement);
}

erg_node *erg_rbm_hidden(const erg_rbm *rbm, erg_node *v) {
    return check("rbm_hidden", rbm, v, 0) ? erg_sigmoid(hidden_input(rbm, v)) : NULL;
}

erg_node *erg_rbm_visible(const erg_rbm *rbm, erg_node *h) {
    if (!check("rbm_visible", rbm, h, 1))
        return NULL;
    erg_node *input = visible_input(rbm, h);
    return rbm->log_variance ? input : erg_sigmoid(input);
}

erg_node *erg_rbm_sample_hidden(const erg_rbm *rbm, erg_node *v) {
    return erg_bernoulli(erg_rbm_hidden(rbm, v));
}

erg_node *erg_rbm_sample_visible(const erg_rbm *rbm, erg_node *h) {
    erg_node *mean = erg_rbm_visible(rbm, h);
    if (!mean || !rbm->log_variance)
        return erg_bernoulli(mean);
    erg_node *std = erg_exp(erg_mul_scalar(rbm->log_variance, 0.5));
    erg_node *noise = erg_normal(erg_node_graph(mean), erg_node_dtype(mean), erg_node_shape(mean));
    return erg_add(mean, erg_mul(std, noise));
}

/* ------------------------------------------------------------------------------- all states */

enum { MOST_SUMMED = 20 }; /* units */

/* All states of n binary units, (2^n, n): state i has the binary digits of i. */
static erg_node *all_states(erg_graph *graph, erg_dtype dtype, int64_t n) {
    double scale[MOST_SUMMED];
    for (int j = 0; j < n; j++)
        scale[j] = ldexp(1, -j);
    erg_node *scales = erg_module_constant("rbm_log_z", graph, dtype, ERG_SHAPE(n), scale);
    erg_node *number = erg_unsqueeze(erg_arange(graph, dtype, (int64_t)1 << n), 1);
    erg_node *shifted = erg_floor(erg_mul(number, scales));
    erg_node *half = erg_floor(erg_mul_scalar(shifted, 0.5));
    return erg_sub(shifted, erg_mul_scalar(half, 2));
}

/* log of the sum (or integral) of exp(-E(v, h)) over all v, (B) from h (B, H). A Gaussian integral
 * completes the square: log sqrt(2 pi) s + ((b + W h)^2 - b^2) / 2 s^2 for each unit. */
static erg_node *log_sum_over_visible(const erg_rbm *rbm, erg_node *h) {
    erg_node *input = visible_input(rbm, h), *terms = erg_softplus(input);
    if (rbm->log_variance) {
        erg_node *gain = erg_sub(erg_square(input), erg_square(rbm->visible_bias));
        erg_node *width = erg_add_scalar(rbm->log_variance, log(2 * M_PI));
        terms = erg_mul_scalar(erg_add(width, erg_div(gain, variance(rbm))), 0.5);
    }
    return erg_add(erg_sum(terms, ERG_AXES(1), 0), erg_matmul(h, rbm->hidden_bias));
}

erg_node *erg_rbm_log_z(const erg_rbm *rbm) {
    if (!rbm)
        return erg_graph_fail(NULL, "rbm_log_z: no machine");
    erg_graph *graph = erg_node_graph(rbm->weight);
    erg_dtype dtype = erg_node_dtype(rbm->weight);
    erg_shape shape = erg_node_shape(rbm->weight);
    int64_t visible = shape.dims[0], hidden = shape.dims[1];
    bool over_visible = !rbm->log_variance && visible < hidden;
    int64_t n = over_visible ? visible : hidden;
    if (n > MOST_SUMMED)
        return erg_graph_fail(graph, "rbm_log_z: 2^%lld states to sum over, at most 2^%d",
                              (long long)n, MOST_SUMMED);
    erg_node *states = all_states(graph, dtype, n);
    erg_node *terms = over_visible ? erg_neg(erg_rbm_energy((void *)rbm, states))
                                   : log_sum_over_visible(rbm, states);
    return erg_logsumexp(terms, ERG_ALL, 0);
}

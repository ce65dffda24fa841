/* activation.c: activations that autograd.h does not have, and the choice of one by name. */
#include "module.h"

/* Klambauer et al. 2017: with these two numbers mean 0 and variance 1 are a fixed point. */
erg_node *erg_selu(erg_node *x) {
    return erg_mul_scalar(erg_elu(x, 1.6732632423543772848), 1.0507009873554804934);
}

static bool is_positive(const char *function, erg_node *x, const char *what, double number) {
    return number > 0 ||
           erg_graph_fail(erg_node_graph(x), "%s: %s %g, must be positive", function, what, number);
}

erg_node *erg_celu(erg_node *x, double alpha) {
    if (!is_positive("celu", x, "alpha", alpha))
        return NULL;
    return erg_mul_scalar(erg_elu(erg_mul_scalar(x, 1 / alpha), 1), alpha);
}

erg_node *erg_softplus_beta(erg_node *x, double beta) {
    if (!is_positive("softplus_beta", x, "beta", beta))
        return NULL;
    return erg_mul_scalar(erg_softplus(erg_mul_scalar(x, beta)), 1 / beta);
}

erg_node *erg_mish(erg_node *x) {
    return erg_mul(x, erg_tanh(erg_softplus(x)));
}

erg_node *erg_softsign(erg_node *x) {
    return erg_div(x, erg_add_scalar(erg_abs(x), 1));
}

erg_node *erg_hard_sigmoid(erg_node *x) {
    return erg_mul_scalar(erg_clamp(erg_add_scalar(x, 3), 0, 6), 1.0 / 6);
}

erg_node *erg_hard_swish(erg_node *x) {
    return erg_mul(x, erg_hard_sigmoid(x));
}

erg_node *erg_activate(erg_activation activation, erg_node *x) {
    switch (activation) {
    case ERG_SILU:
        return erg_silu(x);
    case ERG_RELU:
        return erg_relu(x);
    case ERG_LEAKY_RELU:
        return erg_leaky_relu(x, 0.01);
    case ERG_ELU:
        return erg_elu(x, 1);
    case ERG_SELU:
        return erg_selu(x);
    case ERG_GELU:
        return erg_gelu(x);
    case ERG_GELU_TANH:
        return erg_gelu_tanh(x);
    case ERG_MISH:
        return erg_mish(x);
    case ERG_TANH:
        return erg_tanh(x);
    case ERG_SIGMOID:
        return erg_sigmoid(x);
    case ERG_LOG_SIGMOID:
        return erg_log_sigmoid(x);
    case ERG_SOFTPLUS:
        return erg_softplus(x);
    case ERG_SOFTSIGN:
        return erg_softsign(x);
    case ERG_HARD_TANH:
        return erg_clamp(x, -1, 1);
    case ERG_HARD_SIGMOID:
        return erg_hard_sigmoid(x);
    case ERG_HARD_SWISH:
        return erg_hard_swish(x);
    case ERG_IDENTITY:
        return x;
    }
    return erg_graph_fail(erg_node_graph(x), "activate: unknown activation %d", (int)activation);
}

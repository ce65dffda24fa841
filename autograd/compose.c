/* compose.c: elementwise functions written with the primitives alone. Their derivatives, of every
 * order, follow from the chain rule; the compiler makes them fast. */
#include <math.h>

#include "graph.h"

/* ------------------------------------------------------------------------------- arithmetic */

erg_node *erg_add_scalar(erg_node *x, double c) {
    return erg_add(x, erg_full_like(x, c));
}

erg_node *erg_mul_scalar(erg_node *x, double c) {
    return erg_mul(x, erg_full_like(x, c));
}

erg_node *erg_pow_scalar(erg_node *x, double exponent) {
    return erg_pow(x, erg_full_like(x, exponent));
}

erg_node *erg_square(erg_node *x) {
    return erg_mul(x, x);
}

erg_node *erg_reciprocal(erg_node *x) {
    return erg_div(erg_full_like(x, 1), x);
}

erg_node *erg_rsqrt(erg_node *x) {
    return erg_reciprocal(erg_sqrt(x));
}

erg_node *erg_digamma(erg_node *x) {
    return erg_polygamma(0, x);
}

erg_node *erg_clamp(erg_node *x, double low, double high) {
    if (x && !(low <= high))
        return erg_graph_fail(x->graph, "clamp: low %g is not <= high %g", low, high);
    erg_node *floor = erg_full_like(x, low), *ceiling = erg_full_like(x, high);
    return erg_where(erg_less(x, floor), floor, erg_where(erg_less(ceiling, x), ceiling, x));
}

/* ------------------------------------------------------------------------------- masks */

erg_node *erg_greater(erg_node *a, erg_node *b) {
    return erg_less(b, a);
}

erg_node *erg_greater_equal(erg_node *a, erg_node *b) {
    return erg_less_equal(b, a);
}

erg_node *erg_not_equal(erg_node *a, erg_node *b) {
    return erg_logical_not(erg_equal(a, b));
}

erg_node *erg_logical_not(erg_node *a) {
    return erg_equal(a, erg_full_like(a, 0));
}

static erg_node *truth(erg_node *a) {
    return erg_logical_not(erg_logical_not(a));
}

erg_node *erg_logical_and(erg_node *a, erg_node *b) {
    return erg_mul(truth(a), truth(b));
}

erg_node *erg_logical_or(erg_node *a, erg_node *b) {
    return erg_maximum(truth(a), truth(b));
}

/* ------------------------------------------------------------------------------- activations */

/* True for x <= 0 and false for NaN, so that a NaN passes through the other arm. */
static erg_node *not_positive(erg_node *x) {
    return erg_less_equal(x, erg_full_like(x, 0));
}

erg_node *erg_relu(erg_node *x) {
    return erg_where(not_positive(x), erg_full_like(x, 0), x);
}

erg_node *erg_leaky_relu(erg_node *x, double slope) {
    return erg_where(not_positive(x), erg_mul_scalar(x, slope), x);
}

erg_node *erg_elu(erg_node *x, double alpha) {
    return erg_where(not_positive(x), erg_mul_scalar(erg_expm1(x), alpha), x);
}

erg_node *erg_silu(erg_node *x) {
    return erg_mul(x, erg_sigmoid(x));
}

/* Phi(x) = (1 + erf(x / sqrt 2)) / 2 */
erg_node *erg_gelu(erg_node *x) {
    erg_node *erf = erg_erf(erg_mul_scalar(x, M_SQRT1_2));
    return erg_mul(x, erg_mul_scalar(erg_add_scalar(erf, 1), 0.5));
}

/* x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
erg_node *erg_gelu_tanh(erg_node *x) {
    erg_node *cubic = erg_mul(x, erg_add_scalar(erg_mul_scalar(erg_square(x), 0.044715), 1));
    erg_node *tanh = erg_tanh(erg_mul_scalar(cubic, M_2_SQRTPI * M_SQRT1_2));
    return erg_mul(x, erg_mul_scalar(erg_add_scalar(tanh, 1), 0.5));
}

erg_node *erg_log_sigmoid(erg_node *x) {
    return erg_neg(erg_softplus(erg_neg(x)));
}

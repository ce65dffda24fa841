/* elementwise.c: operations that work element by element, each with its derivative rule beside it.
 *
 * If y_i = f(a_i, b_i) and g_i = dL/dy_i is the cotangent of y, then operand a has the cotangent
 * g_i df/da(a_i, b_i). A rule states just that with the public builders, so that the result is a
 * graph which can be differentiated again. Rules use the saved result y where that is cheaper or
 * cannot overflow: tanh' = 1 - y^2. Operands always have y's shape: broadcasting is an operation
 * of its own, with a derivative of its own. */
#include <math.h>

#include "graph.h"

/* Every vjp below has this form. */
#define VJP(name)                                                                                  \
    void erg_vjp_##name(erg_node *node, erg_node *g, const bool *wants, erg_node **out)
#define X (node->in[0])
#define A (node->in[0])
#define B (node->in[1])
#define Y node

/* ------------------------------------------------------------------------------- rules */

bool erg_rule_same(erg_node *node) {
    const erg_node *first = node->in[0];
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    for (int k = 0; k < node->n_in; k++) {
        const erg_node *x = node->in[k];
        if (!erg_is_float(x->dtype))
            return erg_node_error(node, "operand %d is %s, must be a float dtype", k + 1,
                                  erg_dtype_name(x->dtype));
        if (x->dtype != first->dtype)
            return erg_node_error(node, "dtypes differ: %s and %s (erg_cast converts)",
                                  erg_dtype_name(first->dtype), erg_dtype_name(x->dtype));
        if (!erg_shape_equal(x->shape, first->shape))
            return erg_node_error(node, "shapes differ: %s and %s", erg_shape_text(first->shape, a),
                                  erg_shape_text(x->shape, b));
    }
    node->dtype = first->dtype;
    node->shape = first->shape;
    return true;
}

bool erg_rule_any(erg_node *node) {
    node->dtype = node->in[0]->dtype;
    node->shape = node->in[0]->shape;
    return true;
}

bool erg_rule_cast(erg_node *node) {
    if (!erg_dtype_size(node->dtype))
        return erg_node_error(node, "unknown dtype %d", (int)node->dtype);
    node->shape = node->in[0]->shape;
    return true;
}

/* The derivative is zero wherever it exists: no operand gets a contribution. */
VJP(zero) {
    (void)node, (void)g, (void)wants, (void)out;
}

/* ------------------------------------------------------------------------------- one operand */

#define UNARY(name)                                                                                \
    erg_node *erg_##name(erg_node *x) {                                                            \
        return erg_node_unary(ERG_OP_##name, x);                                                   \
    }                                                                                              \
    VJP(name) {                                                                                    \
        (void)node, (void)wants;                                                                   \
        out[0] = d_##name(node, g);                                                                \
    }

/* g f'(x), where g is often one. */
static erg_node *times(erg_node *g, erg_node *slope) {
    return erg_is_full(g, 1) ? slope : erg_mul(g, slope);
}

/* d_f(node, g) = g f'(x) */
#define D(name) static erg_node *d_##name(erg_node *node, erg_node *g)

D(neg) {
    (void)node;
    return erg_neg(g);
}
D(abs) {
    return times(g, erg_sign(X));
}
D(exp) {
    return times(g, Y);
}
D(expm1) {
    return times(g, erg_exp(X));
}
D(log) {
    return erg_div(g, X);
}
D(log1p) {
    return erg_div(g, erg_add_scalar(X, 1));
}
D(sqrt) {
    return erg_div(erg_mul_scalar(g, 0.5), Y);
}
D(sin) {
    return times(g, erg_cos(X));
}
D(cos) {
    return erg_neg(times(g, erg_sin(X)));
}
D(tanh) {
    return times(g, erg_sub(erg_full_like(Y, 1), erg_square(Y)));
}
D(sigmoid) {
    return times(g, erg_mul(Y, erg_sub(erg_full_like(Y, 1), Y)));
}
D(softplus) {
    return times(g, erg_sigmoid(X));
}
D(erf) {
    return times(g, erg_mul_scalar(erg_exp(erg_neg(erg_square(X))), M_2_SQRTPI));
}
D(lgamma) {
    return times(g, erg_digamma(X));
}

UNARY(neg)
UNARY(abs)
UNARY(exp)
UNARY(expm1)
UNARY(log)
UNARY(log1p)
UNARY(sqrt)
UNARY(sin)
UNARY(cos)
UNARY(tanh)
UNARY(sigmoid)
UNARY(softplus)
UNARY(erf)
UNARY(lgamma)

erg_node *erg_sign(erg_node *x) {
    return erg_node_unary(ERG_OP_sign, x);
}

erg_node *erg_floor(erg_node *x) {
    return erg_node_unary(ERG_OP_floor, x);
}

erg_node *erg_polygamma(int order, erg_node *x) {
    if (x && order < 0)
        return erg_graph_fail(x->graph, "polygamma: order %d is negative", order);
    return erg_node_attr(ERG_OP_polygamma, x, 1, (int64_t[]){order});
}

VJP(polygamma) {
    (void)wants;
    out[0] = times(g, erg_polygamma((int)node->attr[0] + 1, X));
}

erg_node *erg_cast(erg_node *x, erg_dtype dtype) {
    return erg_node_new(&(erg_node){.op = ERG_OP_cast, .dtype = dtype, .n_in = 1, .in = &x});
}

VJP(cast) {
    (void)wants;
    out[0] = erg_cast(g, X->dtype);
}

/* ------------------------------------------------------------------------------- two operands */

static erg_node *binary(erg_op op, erg_node *a, erg_node *b) {
    if (a && b && a->graph == b->graph && !erg_broadcast_pair(erg_ops[op].name, &a, &b))
        return NULL;
    return erg_node_binary(op, a, b);
}

#define BINARY(name)                                                                               \
    erg_node *erg_##name(erg_node *a, erg_node *b) {                                               \
        return binary(ERG_OP_##name, a, b);                                                        \
    }

BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(pow)
BINARY(atan2)
BINARY(maximum)
BINARY(minimum)
BINARY(less)
BINARY(less_equal)
BINARY(equal)

VJP(add) {
    (void)node, (void)wants;
    out[0] = g;
    out[1] = g;
}

VJP(sub) {
    (void)node;
    out[0] = g;
    out[1] = wants[1] ? erg_neg(g) : NULL;
}

VJP(mul) {
    out[0] = wants[0] ? times(g, B) : NULL;
    out[1] = wants[1] ? times(g, A) : NULL;
}

/* y = a / b: dy/da = 1 / b, dy/db = -y / b */
VJP(div) {
    out[0] = erg_div(g, B);
    out[1] = wants[1] ? erg_neg(erg_mul(out[0], Y)) : NULL;
}

/* y = a^b: dy/da = b a^(b-1), dy/db = y log a, both 0 where the formula is 0 times infinity. */
VJP(pow) {
    if (wants[0]) {
        erg_node *slope = erg_mul(B, erg_pow(A, erg_add_scalar(B, -1)));
        erg_node *zero = erg_full_like(B, 0);
        out[0] = times(g, erg_where(erg_equal(B, zero), zero, slope));
    }
    if (wants[1]) {
        erg_node *zero = erg_full_like(A, 0);
        out[1] = times(g, erg_where(erg_equal(A, zero), zero, erg_mul(Y, erg_log(A))));
    }
}

/* y = angle of (b, a): dy/da = b / r^2, dy/db = -a / r^2 */
VJP(atan2) {
    erg_node *scaled = erg_div(g, erg_add(erg_square(A), erg_square(B)));
    out[0] = wants[0] ? erg_mul(scaled, B) : NULL;
    out[1] = wants[1] ? erg_neg(erg_mul(scaled, A)) : NULL;
}

/* The operand that is the result takes all of g; equal operands share it. */
VJP(extremum) {
    erg_node *beats = node->op == ERG_OP_maximum ? erg_less(B, A) : erg_less(A, B);
    erg_node *share = erg_where(erg_equal(A, B), erg_full_like(A, 0.5), beats);
    out[0] = wants[0] ? times(g, share) : NULL;
    out[1] = wants[1] ? times(g, erg_sub(erg_full_like(A, 1), share)) : NULL;
}

/* ------------------------------------------------------------------------------- selection */

erg_node *erg_where(erg_node *mask, erg_node *a, erg_node *b) {
    if (mask && a && b && mask->graph == a->graph && a->graph == b->graph) {
        if (!erg_broadcast_pair("where", &a, &b) || !erg_broadcast_pair("where", &mask, &a) ||
            !erg_broadcast_pair("where", &mask, &b))
            return NULL;
    }
    return erg_node_new(
        &(erg_node){.op = ERG_OP_where, .n_in = 3, .in = (erg_node *[]){mask, a, b}});
}

/* The arm that was taken gets g. The sweep relies on this form: a cotangent that is 0 by selection
 * stays 0 through the elementwise operations before it, whatever their derivatives are. */
VJP(where) {
    erg_node *zero = erg_full_like(g, 0);
    out[1] = wants[1] ? erg_where(node->in[0], g, zero) : NULL;
    out[2] = wants[2] ? erg_where(node->in[0], zero, g) : NULL;
}

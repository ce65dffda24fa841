/* reduce.c: sums, maxima and running sums over axes, and what is composed of them.
 *
 * The primitives reduce one run of neighbouring axes first .. last and keep them with size 1, so
 * that the derivative is a broadcast back to the operand's shape. Any set of axes is a composition:
 * one primitive for each run, then a reshape that drops what was kept. */
#include <limits.h>
#include <math.h>

#include "graph.h"

#define VJP(name)                                                                                  \
    void erg_vjp_##name(erg_node *node, erg_node *g, const bool *wants, erg_node **out)

/* ------------------------------------------------------------------------------- axes */

erg_axes erg_axes_make(int count, const int *axes) {
    erg_axes set = {.count = count < 0 ? -1 : count};
    for (int i = 0; i < count && i < ERG_MAX_DIMS; i++)
        set.axis[i] = axes ? axes[i] : INT_MIN; /* which no operation takes */
    return set;
}

/* The set as one bit an axis; false after recording an error: x is no float node, or the axes do
 * not fit it. */
static bool axes_mask(const erg_node *x, const char *operation, erg_axes axes, unsigned *mask) {
    *mask = 0;
    if (!x || !erg_is_float(x->dtype)) {
        erg_graph_fail(x ? x->graph : NULL, "%s: operand 1 is %s", operation,
                       x ? "int32, must be a float dtype" : "NULL");
        return false;
    }
    if (axes.count < 0) {
        *mask = (1u << x->shape.ndim) - 1;
        return true;
    }
    for (int i = 0; i < axes.count; i++) {
        if (i == ERG_MAX_DIMS) {
            erg_graph_fail(x->graph, "%s: more than %d axes", operation, ERG_MAX_DIMS);
            return false;
        }
        int axis = erg_axis(x, operation, axes.axis[i], x->shape.ndim);
        if (axis < 0)
            return false;
        if (*mask & 1u << axis) {
            erg_graph_fail(x->graph, "%s: axis %d is named twice", operation, axis);
            return false;
        }
        *mask |= 1u << axis;
    }
    return true;
}

/* Number of elements reduced into one. */
static double axes_count(const erg_node *x, unsigned mask) {
    double count = 1;
    for (int i = 0; i < x->shape.ndim; i++)
        count *= mask & 1u << i ? (double)x->shape.dims[i] : 1;
    return count;
}

static erg_node *drop_axes(erg_node *x, unsigned mask) {
    int64_t dims[ERG_MAX_DIMS];
    int ndim = 0;
    for (int i = 0; x && i < x->shape.ndim; i++)
        if (!(mask & 1u << i))
            dims[ndim++] = x->shape.dims[i];
    return erg_reshape(x, ndim, dims);
}

/* One primitive for each run of neighbouring axes in the set. */
static erg_node *reduce(erg_op op, erg_node *x, erg_axes axes, int keepdims) {
    unsigned mask;
    if (!axes_mask(x, erg_ops[op].name, axes, &mask))
        return NULL;
    erg_node *y = x;
    for (int first = 0; y && first < x->shape.ndim; first++) {
        int last = first;
        while (last < x->shape.ndim && mask & 1u << last)
            last++;
        if (last > first)
            y = erg_node_attr(op, y, 2, (int64_t[]){first, last - 1});
        first = last;
    }
    return keepdims || !mask ? y : drop_axes(y, mask);
}

/* ------------------------------------------------------------------------------- primitives */

bool erg_rule_reduce(erg_node *node) {
    if (!erg_rule_same(node))
        return false;
    for (int64_t i = node->attr[0]; i <= node->attr[1]; i++) {
        if (node->op == ERG_OP_max && node->shape.dims[i] == 0) {
            char text[ERG_SHAPE_TEXT];
            return erg_node_error(node, "no elements along axis %d of %s", (int)i,
                                  erg_shape_text(node->shape, text));
        }
        node->shape.dims[i] = 1;
    }
    return true;
}

erg_node *erg_sum(erg_node *x, erg_axes axes, int keepdims) {
    return reduce(ERG_OP_sum, x, axes, keepdims);
}

VJP(sum) {
    (void)wants;
    out[0] = erg_broadcast(g, node->in[0]->shape);
}

erg_node *erg_max(erg_node *x, erg_axes axes, int keepdims) {
    return reduce(ERG_OP_max, x, axes, keepdims);
}

/* Elements equal to the maximum share g. */
VJP(max) {
    (void)wants;
    erg_node *x = node->in[0];
    erg_node *winners = erg_equal(x, erg_broadcast(node, x->shape));
    erg_node *count = erg_node_attr(ERG_OP_sum, winners, 2, node->attr);
    out[0] = erg_mul(winners, erg_broadcast(erg_div(g, count), x->shape));
}

erg_node *erg_cumsum(erg_node *x, int axis) {
    if (x && (axis = erg_axis(x, "cumsum", axis, x->shape.ndim)) < 0)
        return NULL;
    return erg_node_attr(ERG_OP_cumsum, x, 1, (int64_t[]){axis});
}

bool erg_rule_cumsum(erg_node *node) {
    return erg_rule_same(node);
}

/* x_i is part of y_i, y_(i+1), ...: a running sum from the other end. */
VJP(cumsum) {
    (void)wants;
    int axis = (int)node->attr[0];
    out[0] = erg_flip(erg_cumsum(erg_flip(g, axis), axis), axis);
}

erg_node *erg_argmax(erg_node *x, int axis) {
    if (!x)
        return erg_node_unary(ERG_OP_argmax, x);
    if ((axis = erg_axis(x, "argmax", axis, x->shape.ndim)) < 0)
        return NULL;
    return drop_axes(erg_node_attr(ERG_OP_argmax, x, 1, (int64_t[]){axis}), 1u << axis);
}

bool erg_rule_argmax(erg_node *node) {
    if (!erg_rule_same(node))
        return false;
    int64_t *n = &node->shape.dims[node->attr[0]];
    if (*n == 0)
        return erg_node_error(node, "no elements along axis %d", (int)node->attr[0]);
    *n = 1;
    node->dtype = ERG_INT32;
    return true;
}

/* ------------------------------------------------------------------------------- compositions */

erg_node *erg_argmin(erg_node *x, int axis) {
    return erg_argmax(erg_neg(x), axis);
}

erg_node *erg_min(erg_node *x, erg_axes axes, int keepdims) {
    return erg_neg(erg_max(erg_neg(x), axes, keepdims));
}

erg_node *erg_mean(erg_node *x, erg_axes axes, int keepdims) {
    unsigned mask;
    if (!axes_mask(x, "mean", axes, &mask))
        return NULL;
    erg_node *sum = erg_sum(x, axes, keepdims);
    return erg_div(sum, erg_full_like(sum, axes_count(x, mask)));
}

erg_node *erg_var(erg_node *x, erg_axes axes, double correction, int keepdims) {
    unsigned mask;
    if (!axes_mask(x, "var", axes, &mask))
        return NULL;
    erg_node *deviation = erg_sub(x, erg_mean(x, axes, 1));
    erg_node *sum = erg_sum(erg_square(deviation), axes, keepdims);
    return erg_div(sum, erg_full_like(sum, axes_count(x, mask) - correction));
}

/* The chosen axes moved behind the others and flattened: (others ..., n). */
static erg_node *axes_last(erg_node *x, unsigned mask) {
    int order[ERG_MAX_DIMS], n = 0;
    int64_t dims[ERG_MAX_DIMS + 1];
    for (int i = 0; i < x->shape.ndim; i++)
        if (!(mask & 1u << i))
            order[n++] = i;
    int others = n;
    for (int i = 0; i < x->shape.ndim; i++)
        if (mask & 1u << i)
            order[n++] = i;
    for (int i = 0; i < others; i++)
        dims[i] = x->shape.dims[order[i]];
    dims[others] = (int64_t)axes_count(x, mask);
    return erg_reshape(erg_permute(x, order), others + 1, dims);
}

/* Multiplies the two halves of the last axis until one element is left. Every factor of the
 * derivative is then a product of other elements, and no element is divided by. */
static erg_node *product_of_last(erg_node *x) {
    while (x && x->shape.dims[x->shape.ndim - 1] > 1) {
        int64_t n = x->shape.dims[x->shape.ndim - 1], half = n / 2;
        erg_node *y = erg_mul(erg_slice(x, -1, 0, half, 1), erg_slice(x, -1, half, 2 * half, 1));
        erg_node *rest = n % 2 ? erg_slice(x, -1, n - 1, n, 1) : NULL;
        x = rest ? erg_concat((erg_node *[]){y, rest}, 2, -1) : y;
    }
    return x;
}

erg_node *erg_prod(erg_node *x, erg_axes axes, int keepdims) {
    unsigned mask;
    if (!axes_mask(x, "prod", axes, &mask))
        return NULL;
    if (!mask)
        return x;
    erg_node *shape = erg_sum(x, axes, keepdims); /* for its shape alone: never computed */
    if (!shape || axes_count(x, mask) == 0)
        return shape ? erg_full_like(shape, 1) : NULL;
    return erg_reshape(product_of_last(axes_last(x, mask)), shape->shape.ndim, shape->shape.dims);
}

/* log sum exp(x) = m + log sum exp(x - m) for any m; m = max x avoids overflow. Where all x are
 * -inf, m is taken as 0 and the selected constant has derivative 0. */
erg_node *erg_logsumexp(erg_node *x, erg_axes axes, int keepdims) {
    unsigned mask;
    if (!axes_mask(x, "logsumexp", axes, &mask))
        return NULL;
    if (axes_count(x, mask) == 0) {
        erg_node *empty = erg_sum(x, axes, keepdims);
        return empty ? erg_full_like(empty, -INFINITY) : NULL;
    }
    erg_node *max = erg_stop_gradient(erg_max(x, axes, 1));
    erg_node *finite = erg_less(erg_abs(max), erg_full_like(max, INFINITY));
    erg_node *shift = erg_where(finite, max, erg_full_like(max, 0));
    erg_node *sum = erg_sum(erg_exp(erg_sub(x, shift)), axes, 1);
    erg_node *empty = erg_equal(sum, erg_full_like(sum, 0));
    erg_node *log = erg_where(empty, erg_full_like(sum, -INFINITY), erg_log(sum));
    erg_node *y = erg_add(log, shift);
    return keepdims || !mask ? y : drop_axes(y, mask);
}

static erg_node *norm_2(erg_node *x, erg_axes axes, int keepdims) {
    erg_node *sum = erg_sum(erg_square(x), axes, keepdims);
    erg_node *positive = erg_less(erg_full_like(sum, 0), sum);
    return erg_where(positive, erg_sqrt(sum), erg_stop_gradient(sum));
}

erg_node *erg_norm(erg_node *x, double p, erg_axes axes, int keepdims) {
    if (p == 1)
        return erg_sum(erg_abs(x), axes, keepdims);
    if (p == 2)
        return norm_2(x, axes, keepdims);
    if (isinf(p) && p > 0)
        return erg_max(erg_abs(x), axes, keepdims);
    return erg_graph_fail(x ? x->graph : NULL, "norm: p is %g, must be 1, 2 or INFINITY", p);
}

/* x - max x along the axis: as weights of a softmax the same as x, and exp cannot overflow. */
static erg_node *below_max(const char *operation, erg_node *x, int axis) {
    unsigned mask;
    if (!axes_mask(x, operation, ERG_AXES(axis), &mask))
        return NULL;
    if (axes_count(x, mask) == 0)
        return x;
    return erg_sub(x, erg_stop_gradient(erg_max(x, ERG_AXES(axis), 1)));
}

erg_node *erg_softmax(erg_node *x, int axis) {
    erg_node *shifted = below_max("softmax", x, axis);
    if (!shifted)
        return NULL;
    erg_node *weight = erg_exp(shifted);
    return erg_div(weight, erg_sum(weight, ERG_AXES(axis), 1));
}

erg_node *erg_log_softmax(erg_node *x, int axis) {
    erg_node *shifted = below_max("log_softmax", x, axis);
    if (!shifted)
        return NULL;
    return erg_sub(shifted, erg_log(erg_sum(erg_exp(shifted), ERG_AXES(axis), 1)));
}

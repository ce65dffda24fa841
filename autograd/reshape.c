/* reshape.c: operations that move elements. All are linear, so each derivative rule is the transpose
 * of the move: what was copied out is added back, what was padded in is cut off.
 *
 *     reshape <-> reshape      permute <-> inverse permute      broadcast <-> sum
 *     slice <-> pad            concat <-> slices */
#include "graph.h"

#define VJP(name)                                                                                  \
    void erg_vjp_##name(erg_node *node, erg_node *g, const bool *wants, erg_node **out)

/* ------------------------------------------------------------------------------- reshape */

bool erg_rule_reshape(erg_node *node) {
    const erg_node *x = node->in[0];
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (erg_shape_size(node->shape) != erg_shape_size(x->shape))
        return erg_node_error(node, "%s does not hold the elements of %s",
                              erg_shape_text(node->shape, a), erg_shape_text(x->shape, b));
    node->dtype = x->dtype;
    return true;
}

static erg_node *reshape_to(erg_node *x, erg_shape shape) {
    if (x && erg_shape_equal(x->shape, shape))
        return x;
    return erg_node_new(&(erg_node){.op = ERG_OP_reshape, .shape = shape, .n_in = 1, .in = &x});
}

erg_node *erg_reshape(erg_node *x, int ndim, const int64_t *dims) {
    if (!x || ndim < 0 || ndim > ERG_MAX_DIMS)
        return x ? erg_graph_fail(x->graph, "reshape: %d axes, must be 0 to %d", ndim, ERG_MAX_DIMS)
                 : erg_node_unary(ERG_OP_reshape, x);
    if (ndim > 0 && !dims)
        return erg_graph_fail(x->graph, "reshape: no sizes");
    int64_t sizes[ERG_MAX_DIMS], known = 1;
    int open = -1;
    for (int i = 0; i < ndim; i++) {
        sizes[i] = dims[i];
        if (dims[i] == -1 && open >= 0)
            return erg_graph_fail(x->graph, "reshape: only one size may be -1");
        if (dims[i] == -1)
            open = i;
        else if (dims[i] < 0 || __builtin_mul_overflow(known, dims[i], &known))
            return erg_graph_fail(x->graph, "reshape: size %lld of axis %d", (long long)dims[i], i);
    }
    if (open >= 0)
        sizes[open] = known ? erg_shape_size(x->shape) / known : 0;
    return reshape_to(x, erg_shape_make(ndim, sizes));
}

VJP(reshape) {
    (void)wants;
    out[0] = reshape_to(g, node->in[0]->shape);
}

erg_node *erg_flatten(erg_node *x, int first_axis) {
    if (!x || (first_axis = erg_axis(x, "flatten", first_axis, x->shape.ndim)) < 0)
        return x ? NULL : erg_node_unary(ERG_OP_reshape, x);
    int64_t dims[ERG_MAX_DIMS] = {0};
    dims[first_axis] = 1;
    for (int i = 0; i < x->shape.ndim; i++)
        if (i < first_axis)
            dims[i] = x->shape.dims[i];
        else
            dims[first_axis] *= x->shape.dims[i];
    return erg_reshape(x, first_axis + 1, dims);
}

erg_node *erg_unsqueeze(erg_node *x, int axis) {
    if (!x || (axis = erg_axis(x, "unsqueeze", axis, x->shape.ndim + 1)) < 0)
        return x ? NULL : erg_node_unary(ERG_OP_reshape, x);
    if (x->shape.ndim == ERG_MAX_DIMS)
        return erg_graph_fail(x->graph, "unsqueeze: already %d axes", ERG_MAX_DIMS);
    int64_t dims[ERG_MAX_DIMS] = {0};
    for (int i = 0; i <= x->shape.ndim; i++)
        dims[i] = i == axis ? 1 : x->shape.dims[i - (i > axis)];
    return erg_reshape(x, x->shape.ndim + 1, dims);
}

erg_node *erg_squeeze(erg_node *x, int axis) {
    if (!x || (axis = erg_axis(x, "squeeze", axis, x->shape.ndim)) < 0)
        return x ? NULL : erg_node_unary(ERG_OP_reshape, x);
    char text[ERG_SHAPE_TEXT];
    if (x->shape.dims[axis] != 1)
        return erg_graph_fail(x->graph, "squeeze: axis %d of %s does not have size 1", axis,
                              erg_shape_text(x->shape, text));
    int64_t dims[ERG_MAX_DIMS] = {0};
    for (int i = 0; i < x->shape.ndim - 1; i++)
        dims[i] = x->shape.dims[i + (i >= axis)];
    return erg_reshape(x, x->shape.ndim - 1, dims);
}

/* ------------------------------------------------------------------------------- permute */

bool erg_rule_permute(erg_node *node) {
    const erg_node *x = node->in[0];
    unsigned seen = 0;
    node->dtype = x->dtype;
    node->shape = x->shape;
    for (int i = 0; i < x->shape.ndim; i++) {
        int64_t axis = node->attr[i];
        if (axis < 0 || axis >= x->shape.ndim || seen & 1u << axis)
            return erg_node_error(node, "the order is no permutation of %d axes", x->shape.ndim);
        seen |= 1u << axis;
        node->shape.dims[i] = x->shape.dims[axis];
    }
    return true;
}

erg_node *erg_permute(erg_node *x, const int *order) {
    if (!x || !order)
        return x ? erg_graph_fail(x->graph, "permute: no order")
                 : erg_node_unary(ERG_OP_permute, x);
    int64_t attr[ERG_MAX_DIMS];
    for (int i = 0; i < x->shape.ndim; i++)
        attr[i] = order[i] < 0 ? order[i] + x->shape.ndim : order[i];
    return erg_node_attr(ERG_OP_permute, x, x->shape.ndim, attr);
}

VJP(permute) {
    (void)wants;
    int inverse[ERG_MAX_DIMS];
    for (int i = 0; i < node->n_attr; i++)
        inverse[node->attr[i]] = i;
    out[0] = erg_permute(g, inverse);
}

erg_node *erg_transpose(erg_node *x) {
    if (!x || x->shape.ndim < 2)
        return x ? erg_graph_fail(x->graph, "transpose: needs two axes, has %d", x->shape.ndim)
                 : erg_node_unary(ERG_OP_permute, x);
    int order[ERG_MAX_DIMS], n = x->shape.ndim;
    for (int i = 0; i < n; i++)
        order[i] = i < n - 2 ? i : 2 * n - 3 - i;
    return erg_permute(x, order);
}

/* ------------------------------------------------------------------------------- broadcast */

bool erg_rule_broadcast(erg_node *node) {
    const erg_node *x = node->in[0];
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    bool fits = erg_shape_size(node->shape) >= 0 && x->shape.ndim == node->shape.ndim;
    for (int i = 0; fits && i < x->shape.ndim; i++)
        fits = x->shape.dims[i] == node->shape.dims[i] || x->shape.dims[i] == 1;
    if (!fits)
        return erg_node_error(node, "%s cannot be stretched to %s", erg_shape_text(x->shape, a),
                              erg_shape_text(node->shape, b));
    node->dtype = x->dtype;
    return true;
}

/* Adds axes of size 1 in front, so that the primitive need not align shapes. */
erg_node *erg_broadcast(erg_node *x, erg_shape shape) {
    if (x && erg_shape_equal(x->shape, shape))
        return x;
    if (x && x->shape.ndim < shape.ndim && erg_shape_size(shape) >= 0) {
        erg_shape aligned = {.ndim = shape.ndim};
        int lead = shape.ndim - x->shape.ndim;
        for (int i = 0; i < shape.ndim; i++)
            aligned.dims[i] = i < lead ? 1 : x->shape.dims[i - lead];
        x = reshape_to(x, aligned);
    }
    if (x && erg_shape_equal(x->shape, shape))
        return x;
    return erg_node_new(&(erg_node){.op = ERG_OP_broadcast, .shape = shape, .n_in = 1, .in = &x});
}

VJP(broadcast) {
    (void)wants;
    erg_axes axes = {0};
    for (int i = 0; i < node->shape.ndim; i++)
        if (node->in[0]->shape.dims[i] != node->shape.dims[i])
            axes.axis[axes.count++] = i;
    out[0] = erg_sum(g, axes, 1);
}

bool erg_broadcast_pair(const char *operation, erg_node **a, erg_node **b) {
    erg_shape s = (*a)->shape, t = (*b)->shape,
              common = {.ndim = s.ndim > t.ndim ? s.ndim : t.ndim};
    if (erg_shape_equal(s, t))
        return true;
    for (int i = 0; i < common.ndim; i++) {
        int j = i - (common.ndim - s.ndim), k = i - (common.ndim - t.ndim);
        int64_t m = j < 0 ? 1 : s.dims[j], n = k < 0 ? 1 : t.dims[k];
        char left[ERG_SHAPE_TEXT], right[ERG_SHAPE_TEXT];
        if (m != n && m != 1 && n != 1) {
            erg_graph_fail((*a)->graph, "%s: shapes %s and %s do not broadcast", operation,
                           erg_shape_text(s, left), erg_shape_text(t, right));
            return false;
        }
        common.dims[i] = m == 1 ? n : m;
    }
    *a = erg_broadcast(*a, common);
    *b = erg_broadcast(*b, common);
    return *a && *b;
}

/* ------------------------------------------------------------------------------- slice and pad */

/* Attributes: axis, start, step; the number of elements is the result's size, set by the builder. */
bool erg_rule_slice(erg_node *node) {
    const erg_node *x = node->in[0];
    int64_t axis = node->attr[0], start = node->attr[1], step = node->attr[2];
    int64_t count = node->shape.dims[axis], last = start + (count - 1) * step, size;
    size = x->shape.dims[axis];
    if (step == 0 || (count > 0 && (start < 0 || start >= size || last < 0 || last >= size)))
        return erg_node_error(node, "elements %lld, %lld, .. of %lld", (long long)start,
                              (long long)(start + step), (long long)size);
    node->dtype = x->dtype;
    return true;
}

static int64_t clip(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

erg_node *erg_slice(erg_node *x, int axis, int64_t start, int64_t stop, int64_t step) {
    if (!x || (axis = erg_axis(x, "slice", axis, x->shape.ndim)) < 0)
        return x ? NULL : erg_node_unary(ERG_OP_slice, x);
    if (step == 0 || step == INT64_MIN)
        return erg_graph_fail(x->graph, "slice: step must not be 0");
    int64_t n = x->shape.dims[axis];
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    start = clip(start < 0 ? start + n : start, low, high);
    stop = stop == ERG_END ? (step > 0 ? n : -1) : clip(stop < 0 ? stop + n : stop, low, high);
    int64_t span = step > 0 ? stop - start : start - stop, stride = step > 0 ? step : -step;
    erg_shape shape = x->shape;
    shape.dims[axis] = span > 0 ? (span - 1) / stride + 1 : 0;
    return erg_node_new(&(erg_node){.op = ERG_OP_slice,
                                    .shape = shape,
                                    .n_in = 1,
                                    .in = &x,
                                    .n_attr = 3,
                                    .attr = (int64_t[]){axis, start, step}});
}

/* Back to where the elements came from: turned round if step < 0, spread, and zeros around. */
VJP(slice) {
    (void)wants;
    int axis = (int)node->attr[0];
    int64_t start = node->attr[1], step = node->attr[2];
    int64_t count = node->shape.dims[axis], size = node->in[0]->shape.dims[axis];
    if (count == 0)
        return;
    int64_t last = start + (count - 1) * step;
    int64_t before = step > 0 ? start : last, after = size - 1 - (step > 0 ? last : start);
    int64_t between = count > 1 ? (step > 0 ? step : -step) - 1 : 0;
    out[0] = erg_pad(step > 0 ? g : erg_flip(g, axis), axis, before, after, between);
}

erg_node *erg_flip(erg_node *x, int axis) {
    return erg_slice(x, axis, ERG_END, ERG_END, -1);
}

erg_node *erg_select(erg_node *x, int axis, int64_t index) {
    if (!x || (axis = erg_axis(x, "select", axis, x->shape.ndim)) < 0)
        return x ? NULL : erg_node_unary(ERG_OP_slice, x);
    int64_t n = x->shape.dims[axis];
    if (index < -n || index >= n)
        return erg_graph_fail(x->graph, "select: index %lld is out of range for size %lld",
                              (long long)index, (long long)n);
    index = index < 0 ? index + n : index;
    return erg_squeeze(erg_slice(x, axis, index, index + 1, 1), axis);
}

/* Attributes: axis, before, after, between. */
bool erg_rule_pad(erg_node *node) {
    const erg_node *x = node->in[0];
    int64_t axis = node->attr[0], n = x->shape.dims[axis], gaps;
    node->dtype = x->dtype;
    node->shape = x->shape;
    int64_t *size = &node->shape.dims[axis];
    bool fits = node->attr[1] >= 0 && node->attr[2] >= 0 && node->attr[3] >= 0;
    if (!fits)
        return erg_node_error(node, "negative padding");
    if (__builtin_mul_overflow(n > 0 ? n - 1 : 0, node->attr[3], &gaps) ||
        __builtin_add_overflow(n, gaps, size) ||
        __builtin_add_overflow(*size, node->attr[1], size) ||
        __builtin_add_overflow(*size, node->attr[2], size) || erg_shape_size(node->shape) < 0)
        return erg_node_error(node, "the result is too large");
    return true;
}

erg_node *erg_pad(erg_node *x, int axis, int64_t before, int64_t after, int64_t between) {
    if (x && (axis = erg_axis(x, "pad", axis, x->shape.ndim)) < 0)
        return NULL;
    return erg_node_attr(ERG_OP_pad, x, 4, (int64_t[]){axis, before, after, between});
}

VJP(pad) {
    (void)wants;
    int axis = (int)node->attr[0];
    int64_t n = node->in[0]->shape.dims[axis], step = node->attr[3] + 1;
    int64_t stop = n ? node->attr[1] + (n - 1) * step + 1 : node->attr[1];
    out[0] = erg_slice(g, axis, node->attr[1], stop, step);
}

/* ------------------------------------------------------------------------------- concat */

bool erg_rule_concat(erg_node *node) {
    const erg_node *first = node->in[0];
    int64_t axis = node->attr[0], total = 0;
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    for (int k = 0; k < node->n_in; k++) {
        const erg_node *x = node->in[k];
        erg_shape aligned = x->shape;
        if (x->shape.ndim == first->shape.ndim)
            aligned.dims[axis] = first->shape.dims[axis];
        if (!erg_shape_equal(aligned, first->shape) || x->dtype != first->dtype)
            return erg_node_error(node, "operand %d is %s %s, which does not fit %s %s", k + 1,
                                  erg_dtype_name(x->dtype), erg_shape_text(x->shape, a),
                                  erg_dtype_name(first->dtype), erg_shape_text(first->shape, b));
        if (__builtin_add_overflow(total, x->shape.dims[axis], &total))
            return erg_node_error(node, "the result is too large");
    }
    node->dtype = first->dtype;
    node->shape = first->shape;
    node->shape.dims[axis] = total;
    return erg_shape_size(node->shape) >= 0 || erg_node_error(node, "the result is too large");
}

erg_node *erg_concat(erg_node *const *xs, int count, int axis) {
    if (!xs || count < 1)
        return erg_graph_fail(NULL, "concat: no operands");
    if (xs[0] && (axis = erg_axis(xs[0], "concat", axis, xs[0]->shape.ndim)) < 0)
        return NULL;
    return erg_node_new(&(erg_node){.op = ERG_OP_concat,
                                    .n_in = count,
                                    .in = (erg_node **)xs,
                                    .n_attr = 1,
                                    .attr = (int64_t[]){axis}});
}

VJP(concat) {
    int axis = (int)node->attr[0];
    int64_t start = 0;
    for (int k = 0; k < node->n_in; k++) {
        int64_t stop = start + node->in[k]->shape.dims[axis];
        out[k] = wants[k] ? erg_slice(g, axis, start, stop, 1) : NULL;
        start = stop;
    }
}

erg_node *erg_stack(erg_node *const *xs, int count, int axis) {
    if (!xs || count < 1)
        return erg_graph_fail(NULL, "stack: no operands");
    if (!xs[0])
        return erg_concat(xs, count, 0);
    erg_graph *graph = xs[0]->graph;
    erg_node **rows = erg_graph_alloc(graph, (size_t)count * sizeof *rows);
    if (!rows || (axis = erg_axis(xs[0], "stack", axis, xs[0]->shape.ndim + 1)) < 0)
        return NULL;
    for (int k = 0; k < count; k++) {
        if (xs[k] && !erg_shape_equal(xs[k]->shape, xs[0]->shape))
            return erg_graph_fail(graph, "stack: operand %d has another shape than the first",
                                  k + 1);
        rows[k] = erg_unsqueeze(xs[k], axis);
    }
    return erg_concat(rows, count, axis);
}

/* ------------------------------------------------------------------------------- diagonals */

/* The diagonal of an (M, N) matrix is every (N + 1)th element of its rows laid end to end. */
erg_node *erg_diagonal(erg_node *x) {
    if (!x || x->shape.ndim < 2)
        return x ? erg_graph_fail(x->graph, "diagonal: needs two axes, has %d", x->shape.ndim)
                 : erg_node_unary(ERG_OP_slice, x);
    int last = x->shape.ndim - 1;
    int64_t m = x->shape.dims[last - 1], n = x->shape.dims[last], count = m < n ? m : n;
    return erg_slice(erg_flatten(x, last - 1), last - 1, 0, count * (n + 1), n + 1);
}

erg_node *erg_diag_embed(erg_node *x) {
    if (!x || x->shape.ndim < 1 || x->shape.ndim == ERG_MAX_DIMS)
        return x ? erg_graph_fail(x->graph, "diag_embed: needs 1 to %d axes, has %d",
                                  ERG_MAX_DIMS - 1, x->shape.ndim)
                 : erg_node_unary(ERG_OP_pad, x);
    int64_t n = x->shape.dims[x->shape.ndim - 1], dims[ERG_MAX_DIMS];
    for (int i = 0; i < x->shape.ndim; i++)
        dims[i] = x->shape.dims[i];
    dims[x->shape.ndim] = n;
    return erg_reshape(erg_pad(x, -1, 0, 0, n), x->shape.ndim + 1, dims);
}

/* index.c: reading and adding at places given by data. gather and scatter_add are each other's
 * transpose: with index fixed both are linear, and sum(gather(x) * s) = sum(x * scatter_add(s)). */
#include "graph.h"

/* The index operand: int32, and x's shape but along the axis. */
static bool check_index(erg_node *node, const erg_node *x, const erg_node *index) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_shape aligned = index->shape;
    if (index->dtype != ERG_INT32)
        return erg_node_error(node, "the index is %s, must be int32", erg_dtype_name(index->dtype));
    if (index->shape.ndim == x->shape.ndim)
        aligned.dims[node->attr[0]] = x->shape.dims[node->attr[0]];
    if (!erg_shape_equal(aligned, x->shape))
        return erg_node_error(node, "index %s does not fit %s along axis %d",
                              erg_shape_text(index->shape, a), erg_shape_text(x->shape, b),
                              (int)node->attr[0]);
    return true;
}

bool erg_rule_gather(erg_node *node) {
    node->dtype = node->in[0]->dtype;
    node->shape = node->in[1]->shape;
    return check_index(node, node->in[0], node->in[1]);
}

erg_node *erg_gather(erg_node *x, erg_node *index, int axis) {
    if (x && index && (axis = erg_axis(x, "gather", axis, x->shape.ndim)) < 0)
        return NULL;
    return erg_node_new(&(erg_node){.op = ERG_OP_gather,
                                    .n_in = 2,
                                    .in = (erg_node *[]){x, index},
                                    .n_attr = 1,
                                    .attr = (int64_t[]){axis}});
}

void erg_vjp_gather(erg_node *node, erg_node *g, const bool *wants, erg_node **out) {
    int axis = (int)node->attr[0];
    if (wants[0])
        out[0] = erg_scatter_add(g, node->in[1], axis, node->in[0]->shape.dims[axis]);
}

/* Attributes: axis, size. */
bool erg_rule_scatter_add(erg_node *node) {
    const erg_node *source = node->in[0];
    char text[ERG_SHAPE_TEXT];
    if (!erg_is_float(source->dtype))
        return erg_node_error(node, "the source is %s, must be a float dtype",
                              erg_dtype_name(source->dtype));
    if (!check_index(node, source, node->in[1]))
        return false;
    if (!erg_shape_equal(source->shape, node->in[1]->shape))
        return erg_node_error(node, "source and index have different sizes along axis %d",
                              (int)node->attr[0]);
    node->dtype = source->dtype;
    node->shape = source->shape;
    node->shape.dims[node->attr[0]] = node->attr[1];
    return (node->attr[1] >= 0 && erg_shape_size(node->shape) >= 0) ||
           erg_node_error(node, "invalid result shape %s", erg_shape_text(node->shape, text));
}

erg_node *erg_scatter_add(erg_node *source, erg_node *index, int axis, int64_t size) {
    if (source && index && (axis = erg_axis(source, "scatter_add", axis, source->shape.ndim)) < 0)
        return NULL;
    return erg_node_new(&(erg_node){.op = ERG_OP_scatter_add,
                                    .n_in = 2,
                                    .in = (erg_node *[]){source, index},
                                    .n_attr = 2,
                                    .attr = (int64_t[]){axis, size}});
}

/* 1 where the index is in 0 .. size - 1; compared as float64, which holds every int32 exactly. */
static erg_node *in_range(erg_node *index, int64_t size, erg_dtype dtype) {
    erg_node *i = erg_cast(index, ERG_FLOAT64);
    erg_node *inside = erg_mul(erg_less_equal(erg_full_like(i, 0), i),
                               erg_less(i, erg_full_like(i, (double)size)));
    return erg_cast(inside, dtype);
}

/* What was added nowhere has derivative 0, where gather reads NaN. */
void erg_vjp_scatter_add(erg_node *node, erg_node *g, const bool *wants, erg_node **out) {
    erg_node *index = node->in[1];
    if (!wants[0])
        return;
    erg_node *inside = in_range(index, node->attr[1], g->dtype);
    erg_node *taken = erg_gather(g, index, (int)node->attr[0]);
    out[0] = erg_where(inside, taken, erg_full_like(taken, 0));
}

/* A gather whose index is the same for all elements of a slice. The shapes along the way, with
 * n index elements: x (o, v, i), index (1, n, 1) -> (o, n, i) -> (o, index's axes, i). */
erg_node *erg_take(erg_node *x, erg_node *index, int axis) {
    if (!x || !index || x->graph != index->graph)
        return erg_gather(x, index, axis);
    if ((axis = erg_axis(x, "take", axis, x->shape.ndim)) < 0)
        return NULL;
    int added = index->shape.ndim;
    if (x->shape.ndim - 1 + added > ERG_MAX_DIMS)
        return erg_graph_fail(x->graph, "take: more than %d axes", ERG_MAX_DIMS);
    erg_shape flat = {.ndim = x->shape.ndim}, wide = x->shape;
    erg_shape result = {.ndim = x->shape.ndim - 1 + added};
    for (int i = 0; i < x->shape.ndim; i++)
        flat.dims[i] = 1;
    flat.dims[axis] = wide.dims[axis] = erg_shape_size(index->shape);
    for (int i = 0; i < result.ndim; i++)
        result.dims[i] = i < axis           ? x->shape.dims[i]
                         : i < axis + added ? index->shape.dims[i - axis]
                                            : x->shape.dims[i - added + 1];
    erg_node *places = erg_broadcast(erg_reshape(index, flat.ndim, flat.dims), wide);
    return erg_reshape(erg_gather(x, places, axis), result.ndim, result.dims);
}

/* index = class, compared as float64, which holds every int32 exactly. */
erg_node *erg_one_hot(erg_node *index, int64_t classes, erg_dtype dtype) {
    if (!index)
        return erg_node_unary(ERG_OP_cast, index);
    if (index->dtype != ERG_INT32 || !erg_is_float(dtype))
        return erg_graph_fail(index->graph, "one_hot: from %s to %s, must be from int32 to a float",
                              erg_dtype_name(index->dtype), erg_dtype_name(dtype));
    if (classes < 0)
        return erg_graph_fail(index->graph, "one_hot: %lld classes", (long long)classes);
    erg_node *number = erg_unsqueeze(erg_cast(index, ERG_FLOAT64), -1);
    return erg_cast(erg_equal(number, erg_arange(index->graph, ERG_FLOAT64, classes)), dtype);
}

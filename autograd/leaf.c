/* leaf.c: nodes without operands: inputs, params, states, constants, and numbers that fill a shape.
 *
 * The first four hold a tensor. A `full` holds one number: most constants of a formula are of this
 * kind, and a compiler can fold them without looking at memory. */
#include "graph.h"

/* The dtype and shape come with the prototype. */
bool erg_rule_given(erg_node *node) {
    char text[ERG_SHAPE_TEXT];
    if (!erg_dtype_size(node->dtype))
        return erg_node_error(node, "unknown dtype %d", (int)node->dtype);
    if (erg_shape_size(node->shape) < 0)
        return erg_node_error(node, "invalid or too large shape %s",
                              erg_shape_text(node->shape, text));
    if ((erg_ops[node->op].flags & RANDOM) && !erg_is_float(node->dtype))
        return erg_node_error(node, "must be a float dtype, not %s", erg_dtype_name(node->dtype));
    return true;
}

bool erg_rule_leaf(erg_node *node) {
    return erg_rule_given(node);
}

/* A leaf with a value of its own; frees the value if the node cannot be made. */
static erg_node *leaf(erg_graph *graph, erg_op op, const char *name, erg_tensor *value) {
    if (!value)
        return erg_graph_fail(graph, "%s: %s", erg_ops[op].name, erg_error_message());
    erg_node *node = erg_node_new(&(erg_node){.graph = graph,
                                              .op = op,
                                              .dtype = value->dtype,
                                              .shape = value->shape,
                                              .value = value,
                                              .name = name});
    if (!node)
        erg_tensor_free(value);
    return node;
}

static erg_node *named_leaf(erg_graph *graph, erg_op op, const char *name, erg_dtype dtype,
                            erg_shape shape) {
    if (!graph)
        return erg_graph_fail(NULL, "%s: no graph", erg_ops[op].name);
    if (op == ERG_OP_param && !erg_is_float(dtype))
        return erg_graph_fail(graph, "param: must be a float dtype, not %s", erg_dtype_name(dtype));
    const char *path = NULL;
    if ((name || op == ERG_OP_param) && !(path = erg_graph_unique_name(graph, name)))
        return NULL;
    return leaf(graph, op, path, erg_tensor_new(dtype, shape));
}

erg_node *erg_input(erg_graph *graph, const char *name, erg_dtype dtype, erg_shape shape) {
    return named_leaf(graph, ERG_OP_input, name, dtype, shape);
}

erg_node *erg_param(erg_graph *graph, const char *name, erg_dtype dtype, erg_shape shape) {
    return named_leaf(graph, ERG_OP_param, name, dtype, shape);
}

erg_node *erg_state(erg_graph *graph, const char *name, erg_dtype dtype, erg_shape shape) {
    return named_leaf(graph, ERG_OP_state, name, dtype, shape);
}

erg_node *erg_constant(erg_graph *graph, const erg_tensor *value) {
    if (!graph || !value)
        return erg_graph_fail(graph, "constant: no %s", graph ? "tensor" : "graph");
    return leaf(graph, ERG_OP_constant, NULL, erg_tensor_clone(value));
}

erg_node *erg_full(erg_graph *graph, erg_dtype dtype, erg_shape shape, double value) {
    if (!graph)
        return erg_graph_fail(NULL, "full: no graph");
    return erg_node_new(&(erg_node){
        .graph = graph, .op = ERG_OP_full, .dtype = dtype, .shape = shape, .number = value});
}

erg_node *erg_scalar(erg_graph *graph, erg_dtype dtype, double value) {
    return erg_full(graph, dtype, ERG_SCALAR, value);
}

erg_node *erg_full_like(erg_node *x, double value) {
    if (!x)
        return erg_graph_fail(NULL, "full_like: operand 1 is NULL");
    return erg_full(x->graph, x->dtype, x->shape, value);
}

erg_node *erg_arange(erg_graph *graph, erg_dtype dtype, int64_t n) {
    if (!graph)
        return erg_graph_fail(NULL, "arange: no graph");
    erg_tensor *value = erg_tensor_new(dtype, ERG_SHAPE(n));
    for (int64_t i = 0; value && i < n; i++)
        erg_tensor_set(value, i, (double)i);
    if (!value)
        return erg_graph_fail(graph, "arange: %s", erg_error_message());
    return leaf(graph, ERG_OP_constant, NULL, value);
}

erg_tensor *erg_value(erg_node *node) {
    if (node && node->value && node->op != ERG_OP_constant)
        return node->value;
    erg_fail(ERG_ERROR_ARGUMENT, "value: %s",
             node ? "only an input, a param or a state has one" : "no node");
    return NULL;
}

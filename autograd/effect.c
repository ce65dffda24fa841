/* effect.c: nodes that matter for what they do: hold back derivatives, store into a leaf, bundle. */
#include <stdlib.h>

#include "graph.h"

erg_node *erg_stop_gradient(erg_node *x) {
    return erg_node_unary(ERG_OP_stop_gradient, x);
}

bool erg_rule_assign(erg_node *node) {
    const erg_node *leaf = node->in[0], *value = node->in[1];
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (leaf->op != ERG_OP_input && leaf->op != ERG_OP_param && leaf->op != ERG_OP_state)
        return erg_node_error(node, "to %s, must be to an input, a param or a state",
                              erg_ops[leaf->op].name);
    if (leaf->dtype != value->dtype || !erg_shape_equal(leaf->shape, value->shape))
        return erg_node_error(node, "%s %s to a leaf of %s %s", erg_dtype_name(value->dtype),
                              erg_shape_text(value->shape, a), erg_dtype_name(leaf->dtype),
                              erg_shape_text(leaf->shape, b));
    node->dtype = value->dtype;
    node->shape = value->shape;
    return true;
}

erg_node *erg_assign(erg_node *leaf, erg_node *value) {
    return erg_node_binary(ERG_OP_assign, leaf, value);
}

bool erg_rule_group(erg_node *node) {
    node->dtype = ERG_INT32;
    node->shape = ERG_SCALAR;
    return true;
}

erg_node *erg_group(erg_node *const *nodes, int count) {
    if (!nodes || count < 1)
        return erg_graph_fail(NULL, "group: no operands");
    return erg_node_new(&(erg_node){.op = ERG_OP_group, .n_in = count, .in = (erg_node **)nodes});
}

/* Groups refer to older nodes only: a walk backward over ids meets each group before its members. */
erg_node *erg_after(erg_node *effects, erg_node *leaf) {
    if (!effects || !leaf)
        return erg_graph_fail(effects ? effects->graph : erg_node_graph(leaf),
                              "after: operand %d is NULL", effects ? 2 : 1);
    if (effects->op != ERG_OP_assign && effects->op != ERG_OP_group)
        return erg_graph_fail(effects->graph, "after: %s has no effects",
                              erg_ops[effects->op].name);
    if (effects->graph != leaf->graph)
        return erg_graph_fail(effects->graph, "after: operands of two graphs");
    unsigned char *reached = calloc((size_t)effects->id + 1, 1);
    if (!reached)
        return erg_graph_fail(effects->graph, "after: out of memory");
    erg_node *value = leaf;
    reached[effects->id] = 1;
    for (int id = effects->id; id >= 0; id--) {
        const erg_node *node = effects->graph->nodes[id];
        if (reached[id] && node->op == ERG_OP_assign && node->in[0] == leaf)
            value = node->in[1];
        for (int k = 0; reached[id] && node->op == ERG_OP_group && k < node->n_in; k++)
            reached[node->in[k]->id] = 1;
    }
    free(reached);
    return value;
}

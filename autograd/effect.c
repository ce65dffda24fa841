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

/* Which nodes up to id `effects` are it or in its groups: a byte for each id, which the caller frees.
 * NULL (recorded) if memory is short. Groups refer to older nodes only: a walk backward over ids
 * meets each group before its members. */
static unsigned char *reach(const char *operation, const erg_node *effects) {
    unsigned char *reached = calloc((size_t)effects->id + 1, 1);
    if (!reached)
        return erg_graph_fail(effects->graph, "%s: out of memory", operation), NULL;
    reached[effects->id] = 1;
    for (int id = effects->id; id >= 0; id--) {
        const erg_node *node = effects->graph->nodes[id];
        for (int k = 0; reached[id] && node->op == ERG_OP_group && k < node->n_in; k++)
            reached[node->in[k]->id] = 1;
    }
    return reached;
}

static bool check_effects(const char *operation, const erg_node *effects, const erg_node *other) {
    if (!effects || !other)
        return erg_graph_fail(erg_node_graph(effects ? effects : other), "%s: no %s", operation,
                              effects ? "other operand" : "effects");
    if (effects->op != ERG_OP_assign && effects->op != ERG_OP_group)
        return erg_graph_fail(effects->graph, "%s: %s has no effects", operation,
                              erg_ops[effects->op].name);
    if (effects->graph != other->graph) {
        erg_graph_fail(other->graph, "%s: operands of two graphs", operation);
        return erg_graph_fail(effects->graph, "%s: operands of two graphs", operation);
    }
    return true;
}

erg_node *erg_after(erg_node *effects, erg_node *leaf) {
    if (!check_effects("after", effects, leaf))
        return NULL;
    unsigned char *reached = reach("after", effects);
    erg_node *value = reached ? leaf : NULL;
    for (int id = 0; reached && id <= effects->id; id++) {
        const erg_node *node = effects->graph->nodes[id];
        if (reached[id] && node->op == ERG_OP_assign && node->in[0] == leaf)
            value = node->in[1];
    }
    free(reached);
    return value;
}

/* leaf <- mask ? value : leaf, mask 0 or 1. Integers choose by way of float64, which holds them
 * all. */
static erg_node *assign_one_if(erg_node *mask, const erg_node *assign) {
    erg_node *leaf = assign->in[0], *value = assign->in[1];
    erg_dtype dtype = leaf->dtype == ERG_INT32 ? ERG_FLOAT64 : leaf->dtype;
    erg_node *chosen =
        erg_where(erg_cast(mask, dtype), erg_cast(value, dtype), erg_cast(leaf, dtype));
    return erg_assign(leaf, erg_cast(chosen, leaf->dtype));
}

erg_node *erg_assign_if(erg_node *condition, erg_node *effects) {
    char text[ERG_SHAPE_TEXT];
    if (!check_effects("assign_if", effects, condition))
        return NULL;
    erg_graph *graph = effects->graph;
    if (condition->shape.ndim != 0)
        return erg_graph_fail(graph, "assign_if: a condition %s must have shape ()",
                              erg_shape_text(condition->shape, text));
    unsigned char *reached = reach("assign_if", effects);
    erg_node *mask =
        erg_not_equal(erg_cast(condition, ERG_FLOAT64), erg_scalar(graph, ERG_FLOAT64, 0));
    int last = effects->id, n = 0;
    erg_node **guarded = reached ? calloc((size_t)last + 1, sizeof *guarded) : NULL;
    for (int id = 0; guarded && id <= last; id++)
        if (reached[id] && graph->nodes[id]->op == ERG_OP_assign)
            guarded[n++] = assign_one_if(mask, graph->nodes[id]);
    erg_node *all = NULL;
    if (n > 0)
        all = erg_group(guarded, n);
    else
        erg_graph_fail(graph, guarded ? "assign_if: a group without an assign"
                                      : "assign_if: out of memory");
    free(guarded);
    free(reached);
    return all;
}

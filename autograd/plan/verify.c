/* verify.c: is the work graph still one? Passes are tested with this after each of them. */
#include "../conv.h"
#include "passes.h"

static bool broken(const char *pass, const erg_node *node, const char *what) {
    erg_fail(ERG_ERROR_GRAPH, "compile: %s left %%%d %s broken: %s", pass, node->id,
             erg_ops[node->op].name, what);
    return false;
}

/* Attributes first .. last are axes of the operand, in order. */
static bool axes_in_range(const erg_node *node, int last) {
    int64_t before = 0;
    for (int i = 0; i <= last; i++) {
        if (node->attr[i] < before || node->attr[i] >= node->in[0]->shape.ndim)
            return false;
        before = node->attr[i];
    }
    return true;
}

/* What the operation's rule takes for granted. */
static bool attributes_in_range(const erg_node *node) {
    switch (node->op) {
    case ERG_OP_uniform:
    case ERG_OP_normal:
        return node->n_attr == 1;
    case ERG_OP_polygamma:
        return node->n_attr == 1 && node->attr[0] >= 0;
    case ERG_OP_sum:
    case ERG_OP_max:
        return node->n_attr == 2 && axes_in_range(node, 1);
    case ERG_OP_cumsum:
    case ERG_OP_argmax:
    case ERG_OP_concat:
    case ERG_OP_gather:
        return node->n_attr == 1 && axes_in_range(node, 0);
    case ERG_OP_scatter_add:
        return node->n_attr == 2 && axes_in_range(node, 0);
    case ERG_OP_slice:
        return node->n_attr == 3 && axes_in_range(node, 0);
    case ERG_OP_pad:
        return node->n_attr == 4 && axes_in_range(node, 0);
    case ERG_OP_matmul:
        return node->n_attr == 2 && node->in[0]->shape.ndim >= 2 && node->in[1]->shape.ndim >= 2;
    case ERG_OP_matvec:
        return node->n_attr == 1 &&
               erg_shape_size(node->in[1]->shape) ==
                   erg_shape_size(node->in[0]->shape) * erg_shape_size(node->shape);
    case ERG_OP_matmul_sparse:
        return node->n_attr == 2 && node->in[1]->op == ERG_OP_constant;
    case ERG_OP_pack:
        return node->n_attr == 3;
    case ERG_OP_conv2d:
        return node->n_attr == 7;
    case ERG_OP_conv2d_input:
    case ERG_OP_conv2d_weight:
        return node->n_attr == 9;
    case ERG_OP_conv2d_last:
        return node->n_attr == ERG_CONV_LAST_ATTRIBUTES &&
               (node->n_in == 2 ||
                (node->n_in == 3 && erg_shape_size(node->in[2]->shape) == node->shape.dims[3]));
    case ERG_OP_permute:
        return node->n_attr == node->in[0]->shape.ndim;
    default:
        return node->n_attr == 0;
    }
}

static bool check_operands(const erg_graph *graph, const erg_node *node) {
    int wanted = erg_ops[node->op].operands;
    if (wanted < 0 ? node->n_in < 1 : node->n_in != wanted)
        return false;
    for (int k = 0; k < node->n_in; k++) {
        const erg_node *x = node->in[k];
        if (!x || x->graph != graph || x->id < 0 || x->id >= node->id || graph->nodes[x->id] != x)
            return false;
    }
    return true;
}

static bool check_node(const erg_graph *graph, const erg_node *node, const char *pass) {
    if (node->op == ERG_OP_assign || node->op == ERG_OP_group)
        return broken(pass, node, "it is an effect, not a value");
    if (!check_operands(graph, node))
        return broken(pass, node, "its operands are not nodes before it");
    if (!attributes_in_range(node))
        return broken(pass, node, "attributes out of range");
    if (erg_ops[node->op].flags & LEAF && node->op != ERG_OP_full && !node->value)
        return broken(pass, node, "a leaf without a value");
    erg_node again = *node;
    if (!erg_ops[node->op].rule(&again))
        return broken(pass, node, erg_graph_error(graph));
    if (again.dtype != node->dtype || !erg_shape_equal(again.shape, node->shape))
        return broken(pass, node, "its dtype or shape is not what its rule gives");
    return true;
}

static bool contains(const erg_graph *graph, const erg_node *node) {
    return node->graph == graph && node->id >= 0 && node->id < graph->count &&
           graph->nodes[node->id] == node;
}

bool erg_program_verify(const erg_program *program, const char *pass) {
    const erg_graph *graph = program->graph;
    for (int id = 0; id < graph->count; id++) {
        if (graph->nodes[id]->id != id)
            return broken(pass, graph->nodes[id], "it is not where its id says");
        if (!check_node(graph, graph->nodes[id], pass))
            return false;
    }
    for (int k = 0; k < program->n_outputs; k++)
        if (!contains(graph, program->outputs[k]))
            return broken(pass, program->outputs[k], "an output outside the graph");
    for (int k = 0; k < program->n_effects; k++) {
        const erg_effect *effect = &program->effects[k];
        if (!contains(graph, effect->value) || effect->value->dtype != effect->leaf->dtype ||
            !erg_shape_equal(effect->value->shape, effect->leaf->shape))
            return broken(pass, effect->value, "not a value for the leaf it is stored in");
    }
    return true;
}

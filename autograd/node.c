/* node.c: how a node comes to be: a prototype is checked by its operation's rule, then copied into
 * the graph. The table of operations is expanded here from ops.def. */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

/* Operations marked NO_DERIVATIVE are refused by the sweep before a rule is asked for. */
#define erg_vjp_none NULL
/* Operations that the compiler makes are in no graph of a user. */
#define erg_eval_none NULL

const erg_op_info erg_ops[ERG_OP_COUNT] = {
#define OP(name, operands, flags, rule, vjp, eval, meaning)                                        \
    {#name, operands, flags, erg_rule_##rule, erg_vjp_##vjp, erg_eval_##eval, meaning},
#include "ops.def"
#undef OP
};

bool erg_is_float(erg_dtype dtype) {
    return dtype == ERG_FLOAT32 || dtype == ERG_FLOAT64;
}

bool erg_is_full(const erg_node *node, double number) {
    return node && node->op == ERG_OP_full && node->number == number;
}

/* Operands must exist and belong to one graph. Finds that graph. Of two graphs both keep the
 * mistake: nobody knows which of them will be asked. */
static bool check_operands(erg_node *node) {
    int missing = -1;
    for (int k = 0; k < node->n_in; k++) {
        if (!node->in[k])
            missing = k;
        else if (!node->graph)
            node->graph = node->in[k]->graph;
    }
    if (missing >= 0)
        return erg_node_error(node, "operand %d is NULL", missing + 1);
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k]->graph != node->graph) {
            erg_graph_fail(node->in[k]->graph, "%s: operands belong to different graphs",
                           erg_ops[node->op].name);
            return erg_node_error(node, "operands belong to different graphs");
        }
    return true;
}

erg_node *erg_node_new(const erg_node *prototype) {
    erg_node node = *prototype;
    if (!check_operands(&node) || !erg_ops[node.op].rule(&node))
        return NULL;
    size_t in = (size_t)node.n_in * sizeof *node.in;
    size_t attr = (size_t)node.n_attr * sizeof *node.attr;
    unsigned char *memory = erg_graph_alloc(node.graph, sizeof node + in + attr);
    if (!memory)
        return NULL;
    if (in)
        memcpy(memory + sizeof node, node.in, in);
    if (attr)
        memcpy(memory + sizeof node + in, node.attr, attr);
    node.in = (erg_node **)(memory + sizeof node);
    node.attr = (const int64_t *)(memory + sizeof node + in);
    if (!node.scope)
        node.scope = node.graph->scope;
    memcpy(memory, &node, sizeof node);
    if (!erg_graph_add(node.graph, (erg_node *)memory))
        return erg_graph_fail(node.graph, "%s: out of memory", erg_ops[node.op].name);
    return (erg_node *)memory;
}

erg_node *erg_node_unary(erg_op op, erg_node *x) {
    return erg_node_attr(op, x, 0, NULL);
}

erg_node *erg_node_attr(erg_op op, erg_node *x, int n_attr, const int64_t *attr) {
    return erg_node_new(&(erg_node){.op = op, .n_in = 1, .in = &x, .n_attr = n_attr, .attr = attr});
}

erg_node *erg_node_binary(erg_op op, erg_node *a, erg_node *b) {
    return erg_node_new(&(erg_node){.op = op, .n_in = 2, .in = (erg_node *[]){a, b}});
}

int erg_axis(const erg_node *x, const char *operation, int axis, int ndim) {
    if (axis >= -ndim && axis < ndim)
        return axis < 0 ? axis + ndim : axis;
    char text[ERG_SHAPE_TEXT];
    erg_graph_fail(x->graph, "%s: axis %d is out of range for %s", operation, axis,
                   erg_shape_text(x->shape, text));
    return -1;
}

erg_span erg_span_of(erg_shape shape, int first, int last) {
    erg_span span = {1, 1, 1};
    for (int i = 0; i < shape.ndim; i++) {
        int64_t *part = i < first ? &span.outer : i <= last ? &span.n : &span.inner;
        *part *= shape.dims[i];
    }
    return span;
}

/* ------------------------------------------------------------------------------- accessors */

erg_dtype erg_node_dtype(const erg_node *node) {
    return node ? node->dtype : ERG_FLOAT32;
}

erg_shape erg_node_shape(const erg_node *node) {
    return node ? node->shape : erg_shape_make(-1, NULL);
}

erg_graph *erg_node_graph(const erg_node *node) {
    return node ? node->graph : NULL;
}

const char *erg_node_name(const erg_node *node) {
    return node ? node->name : NULL;
}

const char *erg_node_text(const erg_node *node, char *text) {
    char shape[ERG_SHAPE_TEXT];
    if (!node)
        snprintf(text, ERG_NODE_TEXT, "no node");
    else
        snprintf(text, ERG_NODE_TEXT, "%s %s %s%s%s", erg_ops[node->op].name,
                 erg_dtype_name(node->dtype), erg_shape_text(node->shape, shape),
                 node->name || node->scope[0] ? " at " : "", node->name ? node->name : node->scope);
    return text;
}

/* draw.c: random nodes. Uniform and normal numbers are primitives, drawn from Philox by (seed,
 * stream, run, element); the other distributions are functions of uniform numbers. A random node
 * has no operands, so a derivative passes through what is done with it: x + sigma * normal is
 * differentiable in x and in sigma. */
#include <math.h>

#include "graph.h"

static erg_node *draw(erg_graph *graph, erg_op op, erg_dtype dtype, erg_shape shape) {
    if (!graph)
        return erg_graph_fail(NULL, "%s: no graph", erg_ops[op].name);
    erg_node *node = erg_node_new(&(erg_node){.graph = graph,
                                              .op = op,
                                              .dtype = dtype,
                                              .shape = shape,
                                              .n_attr = 1,
                                              .attr = (int64_t[]){graph->streams}});
    graph->streams += node != NULL;
    return node;
}

erg_node *erg_uniform(erg_graph *graph, erg_dtype dtype, erg_shape shape) {
    return draw(graph, ERG_OP_uniform, dtype, shape);
}

erg_node *erg_normal(erg_graph *graph, erg_dtype dtype, erg_shape shape) {
    return draw(graph, ERG_OP_normal, dtype, shape);
}

erg_node *erg_rademacher(erg_graph *graph, erg_dtype dtype, erg_shape shape) {
    erg_node *u = erg_uniform(graph, dtype, shape);
    if (!u)
        return NULL;
    return erg_where(erg_less(u, erg_full_like(u, 0.5)), erg_full_like(u, -1), erg_full_like(u, 1));
}

erg_node *erg_bernoulli(erg_node *p) {
    if (!p)
        return erg_node_unary(ERG_OP_stop_gradient, p);
    return erg_less(erg_uniform(p->graph, p->dtype, p->shape), erg_stop_gradient(p));
}

/* argmax of logits + Gumbel noise -log(-log u) has the probabilities softmax(logits)
 * (Gumbel 1954; Maddison, Tarlow & Minka 2014). */
erg_node *erg_categorical(erg_node *logits) {
    if (!logits)
        return erg_node_unary(ERG_OP_stop_gradient, logits);
    erg_node *u = erg_uniform(logits->graph, logits->dtype, logits->shape);
    erg_node *gumbel = erg_neg(erg_log(erg_neg(erg_log(u))));
    return erg_argmax(erg_add(erg_stop_gradient(logits), gumbel), -1);
}

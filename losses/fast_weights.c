/* fast_weights.c: weights for the chains alone, on top of the model's (Tieleman & Hinton 2009). The
 * chains of persistent CD run on the params theta + f. f takes larger steps than theta along the
 * same gradient and fades,
 *
 *     f <- decay f - rate dloss/dtheta,
 *
 * so the energy rises where the chains just were, and they move on: a memory that keeps them mixing
 * while theta itself learns slowly. */
#include "parts.h"

static bool check(erg_graph *graph, erg_node *const *params, int n) {
    if (!graph || !params || n < 1)
        return erg_graph_fail(graph, "fast_weights: no %s", graph ? "params" : "graph");
    for (int k = 0; k < n; k++)
        if (!params[k] || !erg_node_name(params[k]) || erg_node_graph(params[k]) != graph)
            return erg_graph_fail(graph, "fast_weights: number %d is no named leaf of this graph",
                                  k);
    return true;
}

erg_fast_weights *erg_fast_weights_new(erg_graph *graph, const char *name, erg_node *const *params,
                                       int n) {
    if (!check(graph, params, n) || erg_graph_error(graph))
        return NULL;
    erg_fast_weights *weights = erg_graph_alloc(graph, sizeof *weights);
    erg_node **nodes = erg_graph_alloc(graph, 3 * (size_t)n * sizeof *nodes);
    if (!weights || !nodes)
        return NULL;
    erg_scope_push(graph, name);
    if (erg_graph_error(graph))
        return NULL;
    *weights = (erg_fast_weights){n, nodes, nodes + n, nodes + 2 * n};
    for (int k = 0; k < n; k++) {
        weights->params[k] = params[k];
        weights->fast[k] = erg_state(graph, erg_node_name(params[k]), erg_node_dtype(params[k]),
                                     erg_node_shape(params[k]));
        weights->sums[k] = erg_add(params[k], weights->fast[k]);
    }
    erg_scope_pop(graph);
    return erg_graph_error(graph) ? NULL : weights;
}

erg_node *erg_fast_weights_update(const erg_fast_weights *weights, erg_node *loss,
                                  erg_fast_weights_options options) {
    erg_graph *graph = erg_node_graph(loss);
    double decay = erg_loss_option(options.decay, 0.95);
    double rate = erg_loss_option(options.learning_rate, 0.01);
    if (!weights || !loss)
        return erg_graph_fail(graph, "fast_weights_update: no %s", loss ? "weights" : "loss");
    if (!(decay >= 0 && decay < 1 && rate >= 0 && isfinite(rate)))
        return erg_graph_fail(graph, "fast_weights_update: decay %g, learning rate %g", decay,
                              rate);
    if (options.learning_rate_node && erg_node_shape(options.learning_rate_node).ndim != 0)
        return erg_graph_fail(graph, "fast_weights_update: the learning rate must have shape ()");
    erg_node **effects = erg_graph_alloc(graph, 2 * (size_t)weights->n * sizeof *effects);
    if (!effects)
        return NULL;
    erg_node **gradients = effects + weights->n;
    erg_grad(loss, weights->params, weights->n, gradients);
    for (int k = 0; k < weights->n; k++) {
        erg_node *step = options.learning_rate_node
                             ? erg_mul(options.learning_rate_node, gradients[k])
                             : erg_mul_scalar(gradients[k], rate);
        erg_node *kept = erg_mul_scalar(weights->fast[k], decay);
        effects[k] = erg_assign(weights->fast[k], erg_sub(kept, step));
    }
    return erg_group(effects, weights->n);
}

/* optimiser.c: the skeleton of an optimiser. A step of gradient descent is an expression of the
 * params, their gradients and states kept from step to step; its effect is a group of assignments:
 *
 *     gradients -> clipped, decayed -> the optimiser's rule -> new states, new params
 *
 * Numbers that change from step to step (learning rate, bias corrections) are 0-d nodes in float64,
 * so that they are computed once a step however many params there are. */
#include "optimiser.h"

#include <stdio.h>
#include <string.h>

erg_node *erg_optimiser_number(const erg_optimiser *optimiser, erg_node *number) {
    return erg_cast(number, optimiser->dtype);
}

/* ------------------------------------------------------------------------------- checks */

erg_graph *erg_optimiser_graph(const erg_node *loss, erg_node *const *params, int n) {
    return erg_node_graph(loss || !params || n < 1 ? loss : params[0]);
}

static bool check_params(const char *operation, erg_graph *graph, erg_node *const *params, int n) {
    if (!params || n < 1)
        return erg_graph_fail(graph, "%s: no params", operation);
    for (int k = 0; k < n; k++) {
        if (!erg_node_name(params[k]))
            return erg_graph_fail(graph, "%s: param number %d is NULL or has no name", operation,
                                  k);
        if (erg_node_dtype(params[k]) != erg_node_dtype(params[0]))
            return erg_graph_fail(
                graph, "%s: \"%s\" is %s, \"%s\" is %s: dtypes are mixed", operation,
                erg_node_name(params[k]), erg_dtype_name(erg_node_dtype(params[k])),
                erg_node_name(params[0]), erg_dtype_name(erg_node_dtype(params[0])));
    }
    return true;
}

static bool check_gradients(const char *operation, erg_node *loss, erg_node *const *params, int n,
                            erg_node *const *gradients) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_graph *graph = erg_node_graph(params[0]);
    if (!loss && !gradients)
        return erg_graph_fail(graph, "%s: no loss", operation);
    for (int k = 0; k < n && gradients; k++) {
        erg_shape wanted = erg_node_shape(params[k]), shape = erg_node_shape(gradients[k]);
        if (!gradients[k])
            return erg_graph_fail(graph, "%s: gradient number %d is NULL", operation, k);
        if (!erg_shape_equal(shape, wanted))
            return erg_graph_fail(graph, "%s: a gradient %s of \"%s\" %s", operation,
                                  erg_shape_text(shape, a), erg_node_name(params[k]),
                                  erg_shape_text(wanted, b));
    }
    return true;
}

static bool check_options(const char *operation, erg_graph *graph, erg_optimiser_options o) {
    if (!(o.learning_rate >= 0 && o.weight_decay >= 0 && o.clip_norm >= 0 && o.clip_value >= 0))
        return erg_graph_fail(graph, "%s: learning rate %g, weight decay %g, clip %g and %g",
                              operation, o.learning_rate, o.weight_decay, o.clip_norm,
                              o.clip_value);
    if (o.learning_rate_node && erg_node_shape(o.learning_rate_node).ndim != 0)
        return erg_graph_fail(graph, "%s: the learning rate must have shape ()", operation);
    if (o.step && (erg_node_shape(o.step).ndim != 0 || erg_node_dtype(o.step) != ERG_FLOAT64))
        return erg_graph_fail(graph, "%s: the step must be a 0-d float64 state", operation);
    return !erg_graph_error(graph);
}

/* ------------------------------------------------------------------------------- begin */

/* In the order of PyTorch: what clips comes before what decays. */
static void find_gradients(erg_optimiser *optimiser, erg_node *loss, erg_node *const *params, int n,
                           erg_optimiser_options o) {
    erg_node **gradients = optimiser->gradients;
    if (o.gradients)
        memcpy(gradients, o.gradients, (size_t)n * sizeof *gradients);
    else
        erg_grad(loss, params, n, gradients);
    if (o.clip_value > 0)
        erg_clip_value(gradients, n, o.clip_value);
    if (o.clip_norm > 0)
        erg_clip_norm(gradients, n, o.clip_norm);
    if (o.weight_decay > 0)
        erg_add_weight_decay(gradients, params, n, o.weight_decay);
}

static erg_optimiser *allocate(erg_graph *graph, erg_dtype dtype, size_t n) {
    erg_optimiser *optimiser = erg_graph_alloc(graph, sizeof *optimiser);
    erg_node **nodes = erg_graph_alloc(graph, ((ERG_OPTIMISER_STORES + 1) * n + 1) * sizeof *nodes);
    if (!optimiser || !nodes)
        return NULL;
    *optimiser =
        (erg_optimiser){.graph = graph, .dtype = dtype, .gradients = nodes, .effects = nodes + n};
    return optimiser;
}

erg_optimiser *erg_optimiser_begin(const char *operation, erg_node *loss, erg_node *const *params,
                                   int n, erg_optimiser_options options) {
    erg_graph *graph = erg_optimiser_graph(loss, params, n);
    if (!check_params(operation, graph, params, n) ||
        !check_gradients(operation, loss, params, n, options.gradients) ||
        !check_options(operation, graph, options))
        return NULL;
    erg_optimiser *optimiser = allocate(graph, erg_node_dtype(params[0]), (size_t)n);
    if (!optimiser)
        return NULL;
    find_gradients(optimiser, loss, params, n, options);
    if (!erg_graph_error(graph))
        erg_scope_push(graph, options.name ? options.name : operation);
    if (erg_graph_error(graph))
        return NULL;
    optimiser->step =
        options.step ? options.step : erg_state(graph, "step", ERG_FLOAT64, ERG_SCALAR);
    optimiser->rate = options.learning_rate_node
                          ? erg_cast(options.learning_rate_node, ERG_FLOAT64)
                          : erg_scalar(graph, ERG_FLOAT64, options.learning_rate);
    return optimiser;
}

/* ------------------------------------------------------------------------------- the rule's tools */

erg_node *erg_optimiser_state(erg_optimiser *optimiser, erg_node *param, const char *what) {
    size_t size = strlen(erg_node_name(param)) + strlen(what) + 2;
    char *name = erg_graph_alloc(optimiser->graph, size);
    if (!name)
        return NULL;
    snprintf(name, size, "%s/%s", erg_node_name(param), what);
    return erg_state(optimiser->graph, name, erg_node_dtype(param), erg_node_shape(param));
}

void erg_optimiser_store(erg_optimiser *optimiser, erg_node *leaf, erg_node *value) {
    optimiser->effects[optimiser->n_effects++] = erg_assign(leaf, value);
}

erg_node *erg_optimiser_end(erg_optimiser *optimiser) {
    erg_optimiser_store(optimiser, optimiser->step, erg_add_scalar(optimiser->step, 1));
    erg_scope_pop(optimiser->graph);
    return erg_graph_error(optimiser->graph) ? NULL
                                             : erg_group(optimiser->effects, optimiser->n_effects);
}

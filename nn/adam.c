/* adam.c: Adam (Kingma & Ba 2015) as graph nodes: the update is an expression of the params, their
 * gradients and the states m, v and t, and its effect is a group of assignments. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "nn.h"

/* 1 - beta^t without cancellation for beta near 1; for beta = 0 it is 1. */
static erg_node *bias_correction(erg_node *t, double beta) {
    return erg_neg(erg_expm1(erg_mul_scalar(t, log(beta))));
}

/* beta old + (1 - beta) new */
static erg_node *decay(erg_node *old, erg_node *new, double beta) {
    return erg_add(erg_mul_scalar(old, beta), erg_mul_scalar(new, 1 - beta));
}

/* min(1, limit / (norm + 1e-6)) with norm over all gradients: PyTorch's clip_grad_norm_. */
static erg_node *clip_factor(erg_node *const *gradients, int n, double limit) {
    erg_node *sum = NULL;
    for (int k = 0; k < n; k++) {
        erg_node *square = erg_sum(erg_square(gradients[k]), ERG_ALL, 0);
        sum = k ? erg_add(sum, square) : square;
    }
    erg_node *norm = erg_add_scalar(erg_sqrt(sum), 1e-6);
    return erg_minimum(erg_full_like(norm, 1), erg_div(erg_full_like(norm, limit), norm));
}

/* A zeroed state of the param's shape, "<param>/<what>" in the current scope. */
static erg_node *state_for(erg_graph *graph, erg_node *param, const char *what) {
    size_t size = strlen(erg_node_name(param)) + strlen(what) + 2;
    char *name = erg_graph_alloc(graph, size);
    if (!name)
        return NULL;
    snprintf(name, size, "%s/%s", erg_node_name(param), what);
    return erg_state(graph, name, erg_node_dtype(param), erg_node_shape(param));
}

/* What one step needs for every param. */
typedef struct adam {
    erg_graph *graph;
    erg_node *rate, *correction1, *correction2;
    double beta1, beta2, epsilon;
} adam;

static void update(const adam *a, erg_node *param, erg_node *gradient, erg_node **effects) {
    erg_node *m = state_for(a->graph, param, "m"), *v = state_for(a->graph, param, "v");
    erg_node *m_new = decay(m, gradient, a->beta1);
    erg_node *v_new = decay(v, erg_square(gradient), a->beta2);
    erg_node *size = erg_add_scalar(erg_sqrt(erg_div(v_new, a->correction2)), a->epsilon);
    erg_node *step = erg_div(erg_mul(a->rate, erg_div(m_new, a->correction1)), size);
    effects[0] = erg_assign(m, m_new);
    effects[1] = erg_assign(v, v_new);
    effects[2] = erg_assign(param, erg_sub(param, step));
}

static double or_default(double option, double value) {
    return option == 0 && !signbit(option) ? value : option;
}

static erg_adam_options with_defaults(erg_adam_options options) {
    options.learning_rate = or_default(options.learning_rate, 1e-3);
    options.beta1 = or_default(options.beta1, 0.9);
    options.beta2 = or_default(options.beta2, 0.999);
    options.epsilon = or_default(options.epsilon, 1e-8);
    options.name = options.name ? options.name : "adam";
    return options;
}

static bool check(erg_node *loss, erg_node *const *params, int n, erg_adam_options o) {
    erg_graph *graph = erg_node_graph(loss);
    if (!loss || !params || n < 1)
        return erg_graph_fail(graph, "adam: no %s", loss ? "params" : "loss");
    for (int k = 0; k < n; k++)
        if (!erg_node_name(params[k]))
            return erg_graph_fail(graph, "adam: param number %d is NULL or has no name", k);
    if (!(o.learning_rate >= 0 && o.beta1 >= 0 && o.beta1 < 1 && o.beta2 >= 0 && o.beta2 < 1 &&
          o.epsilon >= 0 && o.clip_norm >= 0))
        return erg_graph_fail(graph, "adam: learning rate %g, betas %g and %g, epsilon %g, clip %g",
                              o.learning_rate, o.beta1, o.beta2, o.epsilon, o.clip_norm);
    if (o.learning_rate_node && erg_node_shape(o.learning_rate_node).ndim != 0)
        return erg_graph_fail(graph, "adam: the learning rate must have shape ()");
    return !erg_graph_error(graph);
}

/* The step itself, in the optimiser's scope: three effects a param, and the count. */
static void build(erg_graph *graph, erg_node *const *params, erg_node *const *gradients, int n,
                  erg_adam_options o, erg_node **effects) {
    erg_dtype dtype = erg_node_dtype(params[0]);
    erg_node *step = erg_state(graph, "step", dtype, ERG_SCALAR);
    erg_node *t = erg_add_scalar(step, 1);
    adam a = {.graph = graph,
              .rate = o.learning_rate_node ? o.learning_rate_node
                                           : erg_scalar(graph, dtype, o.learning_rate),
              .correction1 = bias_correction(t, o.beta1),
              .correction2 = bias_correction(t, o.beta2),
              .beta1 = o.beta1,
              .beta2 = o.beta2,
              .epsilon = o.epsilon};
    erg_node *clip = o.clip_norm > 0 ? clip_factor(gradients, n, o.clip_norm) : NULL;
    for (int k = 0; k < n; k++)
        update(&a, params[k], clip ? erg_mul(clip, gradients[k]) : gradients[k], effects + 3 * k);
    effects[3 * n] = erg_assign(step, t);
}

erg_node *erg_adam(erg_node *loss, erg_node *const *params, int n, erg_adam_options options) {
    erg_adam_options o = with_defaults(options);
    if (!check(loss, params, n, o))
        return NULL;
    erg_graph *graph = erg_node_graph(loss);
    erg_node **gradients = erg_graph_alloc(graph, (size_t)n * sizeof *gradients);
    erg_node **effects = erg_graph_alloc(graph, (3 * (size_t)n + 1) * sizeof *effects);
    if (!gradients || !effects)
        return NULL;
    erg_grad(loss, params, n, gradients);
    if (!erg_graph_error(graph))
        erg_scope_push(graph, o.name);
    if (erg_graph_error(graph))
        return NULL;
    build(graph, params, gradients, n, o, effects);
    erg_scope_pop(graph);
    return erg_graph_error(graph) ? NULL : erg_group(effects, 3 * n + 1);
}

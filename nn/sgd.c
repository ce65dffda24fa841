/* sgd.c: gradient descent with momentum (Sutskever et al. 2013), in PyTorch's form:
 *     b <- mu b + (1 - dampening) g,  d = b, or g + mu b (Nesterov),  p <- p - rate d,
 * where the first step takes b = g. Stochastic is the gradient, not the rule. */
#include "optimiser.h"

#include <math.h>

static bool check(erg_graph *graph, erg_sgd_options o) {
    if (!(o.momentum >= 0 && isfinite(o.momentum) && isfinite(o.dampening)))
        return erg_graph_fail(graph, "sgd: momentum %g, dampening %g", o.momentum, o.dampening);
    return !o.nesterov || (o.momentum > 0 && o.dampening == 0) ||
           erg_graph_fail(graph, "sgd: Nesterov's form needs momentum %g > 0 and dampening %g = 0",
                          o.momentum, o.dampening);
}

/* The weight of a gradient in the momentum, NULL if it is always 1. */
static erg_node *gradient_weight(const erg_optimiser *o, double dampening) {
    if (dampening == 0)
        return NULL;
    erg_node *later = erg_full_like(o->step, 1 - dampening);
    return erg_optimiser_number(o, erg_where(o->step, later, erg_full_like(o->step, 1)));
}

/* The direction of descent. */
static erg_node *direction(erg_optimiser *o, erg_node *param, erg_node *gradient,
                           erg_sgd_options options, erg_node *weight) {
    if (options.momentum == 0)
        return gradient;
    erg_node *old = erg_optimiser_state(o, param, "momentum");
    erg_node *fresh = weight ? erg_mul(gradient, weight) : gradient;
    erg_node *momentum = erg_add(erg_mul_scalar(old, options.momentum), fresh);
    erg_optimiser_store(o, old, momentum);
    return options.nesterov ? erg_add(gradient, erg_mul_scalar(momentum, options.momentum))
                            : momentum;
}

erg_node *erg_sgd(erg_node *loss, erg_node *const *params, int n, erg_sgd_options options) {
    options.learning_rate = erg_option(options.learning_rate, 1e-3);
    if (!check(erg_optimiser_graph(loss, params, n), options))
        return NULL;
    erg_optimiser *o = erg_optimiser_begin("sgd", loss, params, n, ERG_SHARED_OPTIONS(options));
    if (!o)
        return NULL;
    erg_node *rate = erg_optimiser_number(o, o->rate);
    erg_node *weight = gradient_weight(o, options.dampening);
    for (int k = 0; k < n; k++) {
        erg_node *down = direction(o, params[k], o->gradients[k], options, weight);
        erg_optimiser_store(o, params[k], erg_sub(params[k], erg_mul(down, rate)));
    }
    return erg_optimiser_end(o);
}

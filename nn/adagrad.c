/* adagrad.c: Adagrad (Duchi, Hazan & Singer 2011): each element has a rate of its own, which falls
 * with the sum of the squares of its gradients:
 *     s <- s + g^2,  p <- p - rate / (1 + t rate_decay) g / (sqrt(s) + epsilon),  t = 0, 1, ... */
#include "optimiser.h"

#include <math.h>

static erg_adagrad_options with_defaults(erg_adagrad_options o) {
    o.learning_rate = erg_option(o.learning_rate, 0.01);
    o.epsilon = erg_option(o.epsilon, 1e-10);
    return o;
}

static bool check(erg_graph *graph, erg_adagrad_options o) {
    return (o.rate_decay >= 0 && isfinite(o.rate_decay) && o.initial_sum >= 0 &&
            isfinite(o.initial_sum) && o.epsilon >= 0) ||
           erg_graph_fail(graph, "adagrad: rate decay %g, initial sum %g, epsilon %g", o.rate_decay,
                          o.initial_sum, o.epsilon);
}

static void update(erg_optimiser *o, erg_node *param, erg_node *gradient,
                   erg_adagrad_options options, erg_node *rate) {
    erg_node *sum = erg_optimiser_state(o, param, "sum");
    if (sum)
        erg_tensor_fill(erg_value(sum), options.initial_sum);
    erg_node *next = erg_add(sum, erg_square(gradient));
    erg_node *size = erg_add_scalar(erg_sqrt(next), options.epsilon);
    erg_optimiser_store(o, sum, next);
    erg_optimiser_store(o, param, erg_sub(param, erg_div(erg_mul(gradient, rate), size)));
}

erg_node *erg_adagrad(erg_node *loss, erg_node *const *params, int n, erg_adagrad_options options) {
    options = with_defaults(options);
    if (!check(erg_optimiser_graph(loss, params, n), options))
        return NULL;
    erg_optimiser *o = erg_optimiser_begin("adagrad", loss, params, n, ERG_SHARED_OPTIONS(options));
    if (!o)
        return NULL;
    erg_node *slowed = erg_add_scalar(erg_mul_scalar(o->step, options.rate_decay), 1);
    erg_node *rate = erg_optimiser_number(o, erg_div(o->rate, slowed));
    for (int k = 0; k < n; k++)
        update(o, params[k], o->gradients[k], options, rate);
    return erg_optimiser_end(o);
}

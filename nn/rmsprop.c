/* rmsprop.c: RMSprop (Tieleman & Hinton 2012; Graves 2013 for the centred form), as PyTorch has it:
 *     v <- alpha v + (1 - alpha) g^2,  d = g / (sqrt(v) + epsilon),
 *     centred: a <- alpha a + (1 - alpha) g, and v - a^2, the variance, in the place of v,
 *     p <- p - rate d, with momentum b <- mu b + d, p <- p - rate b. */
#include "optimiser.h"

#include <math.h>

static erg_rmsprop_options with_defaults(erg_rmsprop_options o) {
    o.learning_rate = erg_option(o.learning_rate, 0.01);
    o.alpha = erg_option(o.alpha, 0.99);
    o.epsilon = erg_option(o.epsilon, 1e-8);
    return o;
}

static bool check(erg_graph *graph, erg_rmsprop_options o) {
    return (o.alpha >= 0 && o.alpha < 1 && o.epsilon >= 0 && o.momentum >= 0 &&
            isfinite(o.momentum)) ||
           erg_graph_fail(graph, "rmsprop: alpha %g, epsilon %g, momentum %g", o.alpha, o.epsilon,
                          o.momentum);
}

/* A running mean of values of the param's shape: its new value. */
static erg_node *running_mean(erg_optimiser *o, erg_node *param, const char *name, double alpha,
                              erg_node *value) {
    erg_node *mean = erg_optimiser_state(o, param, name);
    erg_node *next = erg_add(erg_mul_scalar(mean, alpha), erg_mul_scalar(value, 1 - alpha));
    erg_optimiser_store(o, mean, next);
    return next;
}

static void update(erg_optimiser *o, erg_node *param, erg_node *gradient,
                   erg_rmsprop_options options, erg_node *rate) {
    erg_node *square = running_mean(o, param, "square", options.alpha, erg_square(gradient));
    if (options.centred) {
        erg_node *mean = running_mean(o, param, "mean", options.alpha, gradient);
        square = erg_relu(erg_sub(square, erg_square(mean))); /* a variance, but for rounding */
    }
    erg_node *down = erg_div(gradient, erg_add_scalar(erg_sqrt(square), options.epsilon));
    if (options.momentum > 0) {
        erg_node *momentum = erg_optimiser_state(o, param, "momentum");
        down = erg_add(erg_mul_scalar(momentum, options.momentum), down);
        erg_optimiser_store(o, momentum, down);
    }
    erg_optimiser_store(o, param, erg_sub(param, erg_mul(down, rate)));
}

erg_node *erg_rmsprop(erg_node *loss, erg_node *const *params, int n, erg_rmsprop_options options) {
    options = with_defaults(options);
    if (!check(erg_optimiser_graph(loss, params, n), options))
        return NULL;
    erg_optimiser *o = erg_optimiser_begin("rmsprop", loss, params, n, ERG_SHARED_OPTIONS(options));
    if (!o)
        return NULL;
    erg_node *rate = erg_optimiser_number(o, o->rate);
    for (int k = 0; k < n; k++)
        update(o, params[k], o->gradients[k], options, rate);
    return erg_optimiser_end(o);
}

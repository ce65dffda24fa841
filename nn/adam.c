/* adam.c: Adam (Kingma & Ba 2015), AMSGrad (Reddi, Kale & Kumar 2018) and AdamW (Loshchilov &
 * Hutter 2019).
 *
 * The states are the moments as plain discounted sums, M = m / (1 - b1) and V = v / (1 - b2):
 *     M <- b1 M + g,  V <- b2 V + g^2.
 * Then the corrected moments are these sums divided by their weights,
 *     m / (1 - b1^t) = M / w1 with w1 = 1 + b1 + .. + b1^(t-1) = (1 - b1^t) / (1 - b1),
 * and the step is, with everything that does not depend on the param in two numbers,
 *     p <- p - a M / (sqrt(V) + e),  a = rate sqrt(w2) / w1,  e = epsilon sqrt(w2). */
#include "optimiser.h"

#include <math.h>

/* (1 - beta^t) / (1 - beta) without cancellation for beta near 1; 1 for beta = 0. */
static erg_node *sum_of_weights(erg_node *t, double beta) {
    return erg_mul_scalar(erg_expm1(erg_mul_scalar(t, log(beta))), 1 / (beta - 1));
}

/* What one step needs for every param; `keep` is what decoupled decay leaves of it, or NULL. */
typedef struct adam {
    erg_optimiser *optimiser;
    erg_adam_options options;
    erg_node *factor, *epsilon, *keep;
} adam;

static void update(const adam *a, erg_node *param, erg_node *gradient) {
    erg_optimiser *o = a->optimiser;
    erg_node *m = erg_optimiser_state(o, param, "m"), *v = erg_optimiser_state(o, param, "v");
    erg_node *m_new = erg_add(erg_mul_scalar(m, a->options.beta1), gradient);
    erg_node *v_new = erg_add(erg_mul_scalar(v, a->options.beta2), erg_square(gradient));
    erg_optimiser_store(o, m, m_new);
    erg_optimiser_store(o, v, v_new);
    if (a->options.amsgrad) {
        erg_node *greatest = erg_optimiser_state(o, param, "v_max");
        v_new = erg_maximum(greatest, v_new);
        erg_optimiser_store(o, greatest, v_new);
    }
    erg_node *size = erg_add(erg_sqrt(v_new), a->epsilon);
    erg_node *step = erg_div(erg_mul(m_new, a->factor), size);
    erg_node *kept = a->keep ? erg_mul(param, a->keep) : param;
    erg_optimiser_store(o, param, erg_sub(kept, step));
}

static bool check(erg_graph *graph, erg_adam_options o) {
    return (o.beta1 >= 0 && o.beta1 < 1 && o.beta2 >= 0 && o.beta2 < 1 && o.epsilon >= 0) ||
           erg_graph_fail(graph, "adam: betas %g and %g, epsilon %g", o.beta1, o.beta2, o.epsilon);
}

/* With decoupled > 0 the params decay by themselves, by rate decoupled in a step. */
static erg_node *build(const char *operation, erg_node *loss, erg_node *const *params, int n,
                       erg_adam_options options, double decoupled) {
    adam a = {.options = options};
    a.options.beta1 = erg_option(options.beta1, 0.9);
    a.options.beta2 = erg_option(options.beta2, 0.999);
    a.options.epsilon = erg_option(options.epsilon, 1e-8);
    a.options.learning_rate = erg_option(options.learning_rate, 1e-3);
    if (!check(erg_optimiser_graph(loss, params, n), a.options))
        return NULL;
    erg_optimiser *o = a.optimiser =
        erg_optimiser_begin(operation, loss, params, n, ERG_SHARED_OPTIONS(a.options));
    if (!o)
        return NULL;
    erg_node *t = erg_add_scalar(o->step, 1);
    erg_node *w1 = sum_of_weights(t, a.options.beta1);
    erg_node *root = erg_sqrt(sum_of_weights(t, a.options.beta2));
    a.factor = erg_optimiser_number(o, erg_div(erg_mul(o->rate, root), w1));
    a.epsilon = erg_optimiser_number(o, erg_mul_scalar(root, a.options.epsilon));
    if (decoupled > 0)
        a.keep = erg_optimiser_number(o, erg_add_scalar(erg_mul_scalar(o->rate, -decoupled), 1));
    for (int k = 0; k < n; k++)
        update(&a, params[k], o->gradients[k]);
    return erg_optimiser_end(o);
}

erg_node *erg_adam(erg_node *loss, erg_node *const *params, int n, erg_adam_options options) {
    return build("adam", loss, params, n, options, 0);
}

erg_node *erg_adamw(erg_node *loss, erg_node *const *params, int n, erg_adam_options options) {
    double decay = erg_option(options.weight_decay, 0.01);
    if (!(decay >= 0 && isfinite(decay)))
        return erg_graph_fail(erg_optimiser_graph(loss, params, n), "adamw: weight decay %g",
                              decay);
    options.weight_decay = 0;
    return build("adamw", loss, params, n, options, decay);
}

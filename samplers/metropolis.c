/* metropolis.c: the decision of Metropolis and Hastings,
 *     accept y with probability min(1, exp(E(x) - E(y)) q(x | y) / q(y | x)),
 * for proposals of the user's own and for the random walk. */
#include <math.h>

#include "metropolis.h"

/* ------------------------------------------------------------------------------- chain by chain */

erg_node *erg_chain_dot(erg_node *a, erg_node *b) {
    return erg_chain_total(erg_mul(a, b));
}

/* ------------------------------------------------------------------------------- the decision */

bool erg_metropolis_check(const char *operation, erg_node *x, erg_metropolis_options *options) {
    erg_metropolis_options *o = options;
    o->step_size = o->step_size != 0 ? o->step_size : 0.1;
    o->steps = o->steps ? o->steps : 10;
    o->max_depth = o->max_depth ? o->max_depth : 10;
    o->max_error = o->max_error != 0 ? o->max_error : 1000;
    o->name = o->name ? o->name : "nuts";
    erg_graph *graph = erg_node_graph(x);
    if (!(o->step_size > 0 && isfinite(o->step_size)) || o->steps < 1 ||
        !(o->jitter >= 0 && o->jitter < 1) || o->max_depth < 1 || o->max_depth > 20 ||
        !(o->max_error > 0))
        return erg_graph_fail(
            graph, "%s: step %g, %d leapfrog steps, jitter %g, depth %d, max error %g", operation,
            o->step_size, o->steps, o->jitter, o->max_depth, o->max_error);
    if (o->step_size_node && erg_node_shape(o->step_size_node).ndim != 0)
        return erg_graph_fail(graph, "%s: the node of the step size must have shape ()", operation);
    return erg_metric_fits(o->metric, operation, x);
}

erg_node *erg_metropolis_step_size(erg_node *x, erg_metropolis_options options) {
    return options.step_size_node
               ? options.step_size_node
               : erg_scalar(erg_node_graph(x), erg_node_dtype(x), options.step_size);
}

/* Where E(x) is not finite, as it may be where a chain starts, any finite E(y) is accepted. */
erg_transition erg_metropolis_decide(erg_node *x, erg_node *energy_x, erg_node *y,
                                     erg_node *energy_y, erg_node *log_ratio) {
    erg_node *zero = erg_full_like(energy_x, 0);
    erg_node *lost = erg_logical_not(erg_finite_mask(energy_x));
    erg_node *ratio = erg_where(lost, zero, log_ratio);
    erg_node *sound = erg_logical_and(erg_finite_mask(energy_y), erg_equal(ratio, ratio));
    erg_node *probability =
        erg_stop_gradient(erg_where(sound, erg_exp(erg_minimum(ratio, zero)), zero));
    erg_node *u = erg_uniform(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(energy_x));
    erg_node *accept = erg_less(u, probability);
    return (erg_transition){.next = erg_chain_where(accept, y, x),
                            .energy = erg_where(accept, energy_y, energy_x),
                            .acceptance = probability,
                            .not_finite = erg_logical_not(sound)};
}

/* ------------------------------------------------------------------------------- transitions */

erg_transition erg_metropolis_hastings(erg_energy energy, erg_node *x, erg_proposal proposal) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_graph *graph = erg_node_graph(x);
    erg_node *log_q = NULL, *energy_x = erg_energy_apply(energy, x);
    if (energy_x && !proposal.fn)
        erg_graph_fail(graph, "metropolis_hastings: the proposal has no function");
    erg_node *y = energy_x && proposal.fn ? proposal.fn(proposal.self, x, &log_q) : NULL;
    if (!y)
        return (erg_transition){0};
    if (!erg_shape_equal(erg_node_shape(y), erg_node_shape(x)) ||
        (log_q && !erg_shape_equal(erg_node_shape(log_q), erg_node_shape(energy_x)))) {
        erg_graph_fail(graph,
                       "metropolis_hastings: x is %s, its proposal %s; or the log ratio's shape",
                       erg_shape_text(erg_node_shape(x), a), erg_shape_text(erg_node_shape(y), b));
        return (erg_transition){0};
    }
    erg_node *energy_y = erg_energy_apply(energy, y);
    erg_node *ratio = erg_sub(energy_x, energy_y);
    return energy_y ? erg_metropolis_decide(x, energy_x, y, energy_y,
                                            log_q ? erg_add(ratio, log_q) : ratio)
                    : (erg_transition){0};
}

static erg_node *propose_walk(void *self, erg_node *x, erg_node **log_ratio) {
    const erg_metropolis_options *o = self;
    (void)log_ratio;
    erg_node *xi = erg_normal(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
    erg_node *step = erg_mul(erg_metropolis_step_size(x, *o), erg_metric_spread(o->metric, xi));
    return erg_add(x, step);
}

erg_transition erg_random_walk(erg_energy energy, erg_node *x, erg_metropolis_options options) {
    if (!erg_metropolis_check("random_walk", x, &options))
        return (erg_transition){0};
    return erg_metropolis_hastings(energy, x, (erg_proposal){propose_walk, &options});
}

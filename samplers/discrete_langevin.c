/* discrete_langevin.c: the discrete Langevin proposal (Zhang, Liu & Liu 2022). A Langevin step of size
 * a from x is a Gaussian around x - a grad E(x) / 2 of variance a. Restricted to the states of discrete
 * sites it is a product over sites,
 *
 *     q(x_i' | x) proportional to exp(-grad_i E . (x_i' - x_i) / 2 - |x_i' - x_i|^2 / 2 a),
 *
 * so all sites are drawn at once, and corrected as one proposal by Metropolis and Hastings. */
#include <math.h>

#include "discrete.h"

erg_site_view erg_discrete_langevin_view(erg_energy energy, erg_sites kind, erg_node *x,
                                         erg_node *step_size) {
    erg_node *e = erg_energy_apply(energy, x);
    if (!e)
        return (erg_site_view){0};
    erg_node *half = erg_mul_scalar(erg_sites_gain(kind, x, erg_gradient(e, x)), 0.5);
    double square = kind == ERG_BITS ? 1 : kind == ERG_SPINS ? 4 : 2;
    erg_node *cost = erg_div(erg_full_like(step_size, square / 2), step_size);
    if (kind == ERG_ONE_HOT) /* what is 1 now costs nothing */
        cost = erg_mul(cost, erg_logical_not(x));
    return (erg_site_view){x, e, erg_sub(half, cost)};
}

erg_node *erg_discrete_langevin_log_ratio(erg_sites kind, erg_site_view from, erg_site_view to) {
    erg_node *forth = erg_sites_log_prob(kind, from.logits, from.x, to.x);
    erg_node *back = erg_sites_log_prob(kind, to.logits, to.x, from.x);
    return erg_add(erg_sub(from.energy, to.energy), erg_sub(back, forth));
}

static erg_node *step_size_of(erg_node *x, erg_discrete_langevin_options o) {
    double size = o.step_size != 0 ? o.step_size : 0.2;
    if (!(size > 0 && isfinite(size)) ||
        (o.step_size_node && erg_node_shape(o.step_size_node).ndim != 0))
        return erg_graph_fail(erg_node_graph(x),
                              "discrete_langevin: step %g, must be above 0, or a node of shape ()",
                              size);
    return o.step_size_node ? o.step_size_node
                            : erg_scalar(erg_node_graph(x), erg_node_dtype(x), size);
}

erg_discrete_step erg_discrete_langevin(erg_energy energy, erg_node *x,
                                        erg_discrete_langevin_options options) {
    erg_sites kind = options.sites;
    erg_discrete_step step = {.next = erg_sites_start("discrete_langevin", kind, x)};
    erg_node *size = step.next ? step_size_of(x, options) : NULL;
    if (!size)
        return (erg_discrete_step){0};
    erg_site_view from = erg_discrete_langevin_view(energy, kind, step.next, size);
    erg_node *drawn = from.energy ? erg_sites_draw(kind, from.x, from.logits) : NULL;
    erg_site_view to = erg_discrete_langevin_view(energy, kind, drawn, size);
    if (!to.energy)
        return (erg_discrete_step){0};
    step.energy = from.energy;
    erg_node *ratio = options.uncorrected ? erg_full_like(to.energy, INFINITY)
                                          : erg_discrete_langevin_log_ratio(kind, from, to);
    erg_node *accepted = erg_discrete_accept(&step, 1, to.x, to.energy, ratio);
    return erg_discrete_done(step, accepted);
}

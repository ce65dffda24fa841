/* discrete_langevin.c: the discrete Langevin proposal (Zhang, Liu & Liu 2022). A Langevin step of size
 * a from x is a Gaussian around x - a grad E(x) / 2 of variance a. Restricted to the states of discrete
 * sites it is a product over sites,
 *
 *     q(x_i' | x) proportional to exp(-grad_i E . (x_i' - x_i) / 2 - |x_i' - x_i|^2 / 2 a),
 *
 * so all sites are drawn at once, and corrected as one proposal by Metropolis and Hastings. */
#include <math.h>

#include "discrete.h"

erg_node *erg_discrete_langevin_logits(erg_sites kind, erg_node *x, erg_node *energy_of_x,
                                       erg_node *step_size) {
    erg_node *gradient = erg_gradient(energy_of_x, x);
    erg_node *half = erg_mul_scalar(erg_sites_gain(kind, x, gradient), 0.5);
    double square = kind == ERG_BITS ? 1 : kind == ERG_SPINS ? 4 : 2;
    erg_node *cost = erg_div(erg_full_like(step_size, square / 2), step_size);
    if (kind == ERG_ONE_HOT) /* what is 1 now costs nothing */
        cost = erg_mul(cost, erg_logical_not(x));
    return erg_sub(half, cost);
}

/* log q(x' | x) - log q(x | x') is what the acceptance corrects for. */
erg_node *erg_discrete_langevin_log_ratio(erg_energy energy, erg_sites kind, erg_node *x,
                                          erg_node *to, erg_node *step_size) {
    erg_node *e = erg_energy_apply(energy, x), *e_to = erg_energy_apply(energy, to);
    if (!e || !e_to)
        return NULL;
    erg_node *forth = erg_discrete_langevin_logits(kind, x, e, step_size);
    erg_node *back = erg_discrete_langevin_logits(kind, to, e_to, step_size);
    return erg_add(erg_sub(e, e_to), erg_sub(erg_sites_log_prob(kind, back, to, x),
                                             erg_sites_log_prob(kind, forth, x, to)));
}

static erg_node *step_size_of(erg_node *x, erg_discrete_langevin_options o) {
    double size = o.step_size != 0 ? o.step_size : 0.2;
    if (!(size > 0 && isfinite(size)) ||
        (o.step_size_node && erg_node_shape(o.step_size_node).ndim != 0))
        return erg_graph_fail(erg_node_graph(x),
                              "discrete_langevin: step %g, must be above 0, or a "
                              "node of shape ()",
                              size);
    return o.step_size_node ? o.step_size_node
                            : erg_scalar(erg_node_graph(x), erg_node_dtype(x), size);
}

erg_discrete_step erg_discrete_langevin(erg_energy energy, erg_node *x,
                                        erg_discrete_langevin_options options) {
    erg_sites kind = options.sites;
    erg_discrete_step step = {.next = erg_sites_start("discrete_langevin", kind, x)};
    erg_node *from = step.next, *size = from ? step_size_of(x, options) : NULL;
    erg_node *e = size ? erg_energy_apply(energy, from) : NULL;
    if (!(step.energy = e))
        return (erg_discrete_step){0};
    erg_node *to = erg_sites_draw(kind, from, erg_discrete_langevin_logits(kind, from, e, size));
    erg_node *e_to = to ? erg_energy_apply(energy, to) : NULL;
    if (!e_to)
        return (erg_discrete_step){0};
    erg_node *always = erg_full_like(e, INFINITY);
    erg_node *ratio = options.uncorrected
                          ? always
                          : erg_discrete_langevin_log_ratio(energy, kind, from, to, size);
    erg_discrete_accept(&step, 1, to, e_to, ratio);
    return erg_discrete_done(step, e_to);
}

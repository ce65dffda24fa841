/* hmc.c: Hamiltonian dynamics by the leapfrog scheme,
 *     r <- r - step/2 L^T grad E(x),  x <- x + step L r,  r <- r - step/2 L^T grad E(x),
 * which is reversible and keeps volume, so that a trajectory is a symmetric proposal of (x, -r) and
 * the ratio of Metropolis is exp(H(x, r) - H(x', r')), H = E + |r|^2 / 2 (Neal 2011).
 *
 * One step from r ~ N(0, I) is x - step^2/2 L L^T grad E + step L r, the proposal of Langevin with
 * step size step^2 / 2, and its ratio is the one of MALA. So MALA is HMC with one step. */
#include <math.h>

#include "metropolis.h"

erg_phase erg_phase_at(erg_energy energy, const erg_metric *metric, erg_node *x, erg_node *r) {
    erg_node *e = erg_energy_apply(energy, x);
    erg_node *gradient = e ? erg_gradient(e, x) : NULL;
    if (!gradient)
        return (erg_phase){0};
    return (erg_phase){.x = x,
                       .r = r,
                       .slope = erg_metric_gather(metric, gradient),
                       .energy = e,
                       .gradient_norm = erg_sqrt(erg_chain_dot(gradient, gradient))};
}

static erg_node *kick(erg_phase at, erg_node *step) {
    return erg_sub(at.r, erg_mul(erg_mul_scalar(step, 0.5), at.slope));
}

erg_phase erg_leapfrog(erg_energy energy, const erg_metric *metric, erg_phase from,
                       erg_node *step) {
    erg_node *r = kick(from, step);
    erg_node *x = erg_add(from.x, erg_mul(step, erg_metric_spread(metric, r)));
    erg_phase to = erg_phase_at(energy, metric, x, r);
    if (to.x)
        to.r = kick(to, step);
    return to;
}

erg_node *erg_phase_hamiltonian(erg_phase point) {
    return erg_add(point.energy, erg_mul_scalar(erg_chain_dot(point.r, point.r), 0.5));
}

/* steps of the given size: 0-d or (B, 1, ...). */
static erg_transition trajectory(erg_energy energy, erg_node *x, erg_node *size, int steps,
                                 erg_metropolis_options o) {
    erg_node *r = erg_normal(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
    erg_phase start = erg_phase_at(energy, o.metric, x, r), end = start;
    for (int i = 0; end.x && i < steps; i++)
        end = erg_leapfrog(energy, o.metric, end, size);
    if (!end.x)
        return (erg_transition){0};
    erg_node *gain = erg_sub(erg_phase_hamiltonian(start), erg_phase_hamiltonian(end));
    erg_transition t = erg_metropolis_decide(x, start.energy, end.x, end.energy, gain);
    t.gradient_norm = start.gradient_norm;
    t.divergent = erg_logical_not(erg_greater_equal(gain, erg_full_like(gain, -o.max_error)));
    return t;
}

erg_transition erg_hmc(erg_energy energy, erg_node *x, erg_metropolis_options options) {
    if (!erg_metropolis_check("hmc", x, &options))
        return (erg_transition){0};
    erg_node *size = erg_metropolis_step_size(x, options);
    if (options.jitter > 0 && erg_node_shape(x).ndim > 0) {
        erg_shape chains = ERG_SHAPE(erg_node_shape(x).dims[0]);
        erg_node *u = erg_uniform(erg_node_graph(x), erg_node_dtype(x), chains);
        erg_node *factor =
            erg_add_scalar(erg_mul_scalar(u, 2 * options.jitter), 1 - options.jitter);
        size = erg_mul(size, erg_per_chain(factor, x));
    }
    return trajectory(energy, x, size, options.steps, options);
}

erg_transition erg_mala(erg_energy energy, erg_node *x, erg_metropolis_options options) {
    if (!erg_metropolis_check("mala", x, &options))
        return (erg_transition){0};
    erg_node *size = erg_sqrt(erg_mul_scalar(erg_metropolis_step_size(x, options), 2));
    erg_transition t = trajectory(energy, x, size, 1, options);
    t.divergent = NULL;
    return t;
}

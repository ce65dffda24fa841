/* probability_flow.c: the deterministic twin of the variance-exploding diffusion (Song et al.
 * 2021). Points that move by dx/ds = s grad E(x, s) have the density exp(-E(., s)) / Z at every
 * noise s, if they have it at one. In u = log s,
 *     dx/du = s^2 grad E(x, s),
 * whose steps are relative ones of s. Points of N(0, a^2 + s^2) move as sqrt(a^2 + s^2). */
#include "batch.h"

/* time: u of each chain, (B). */
static erg_node *flow(void *self, erg_node *x, erg_node *time) {
    const erg_pair_energy *energy = self;
    erg_node *noise = erg_exp(time);
    erg_node *e = erg_pair_energy_apply(*energy, x, noise);
    return e ? erg_mul(erg_per_chain(erg_square(noise), x), erg_gradient(e, x)) : NULL;
}

erg_field erg_probability_flow(erg_graph *graph, erg_pair_energy energy) {
    if (!energy.fn)
        erg_graph_fail(graph, "probability_flow: the energy has no function");
    erg_pair_energy *held = energy.fn ? erg_graph_alloc(graph, sizeof *held) : NULL;
    if (held)
        *held = energy;
    return (erg_field){held ? flow : NULL, held};
}

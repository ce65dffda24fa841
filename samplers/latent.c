/* latent.c: block Gibbs sampling of an energy with a latent variable, E(x, z). Each turn moves z at
 * fixed x, then x at fixed z, by transitions that leave
 *
 *     p(z | x) proportional to exp(-E(x, z))    and    p(x | z) proportional to exp(-E(x, z))
 *
 * as they are; then p(x, z) stays as it is too. */
#include "samplers.h"

static erg_node *move(erg_latent_move by, erg_energy energy, erg_node *start) {
    erg_node *next = by.fn(by.self, energy, start);
    if (next && !erg_shape_equal(erg_node_shape(next), erg_node_shape(start)))
        return erg_graph_fail(erg_node_graph(start), "latent_gibbs: a move changed the shape");
    return next;
}

erg_latent_states erg_latent_gibbs(erg_pair_energy energy, erg_latent_states from,
                                   erg_latent_move move_x, erg_latent_move move_z) {
    erg_graph *graph = erg_node_graph(from.x ? from.x : from.z);
    if (!energy.fn || !from.x || !from.z || !move_x.fn || !move_z.fn) {
        erg_graph_fail(graph, "latent_gibbs: needs an energy, x, z and a move for each");
        return (erg_latent_states){0};
    }
    erg_node *z = move(move_z, erg_energy_of_latent(graph, energy, from.x), from.z);
    erg_node *x = z ? move(move_x, erg_energy_given(graph, energy, z), from.x) : NULL;
    return x ? (erg_latent_states){x, z} : (erg_latent_states){0};
}

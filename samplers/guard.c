/* guard.c: a move to where the energy is NaN or infinite is a rejection: the chain stays where it
 * was, and the rejection can be counted. */
#include "batch.h"

erg_guarded erg_guard(erg_energy energy, erg_node *x, erg_node *next) {
    const erg_guarded none = {NULL, NULL, NULL};
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!x || !next)
        return none;
    if (!erg_shape_equal(erg_node_shape(x), erg_node_shape(next)))
        return erg_graph_fail(erg_node_graph(x), "guard: x is %s, next %s",
                              erg_shape_text(erg_node_shape(x), a),
                              erg_shape_text(erg_node_shape(next), b)),
               none;
    erg_node *before = erg_energy_apply(energy, x), *after = erg_energy_apply(energy, next);
    erg_node *good = erg_finite_mask(after);
    erg_guarded result = {.next = erg_chain_where(good, next, x),
                          .energy = erg_where(good, after, before),
                          .rejected = erg_logical_not(good)};
    return result.next && result.energy && result.rejected ? result : none;
}

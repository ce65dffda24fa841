/* parts.c: the contrast of energies, and derivatives that pass only where a loss wants them. A
 * sampler that is trained (a last transition, a generator) feels the energy through its samples x
 * alone, so the derivative by the energy's params must be cut, yet that by x kept:
 *
 *     [E(x)] + [dE/dx] (x - [x]),   where [ ] stops derivatives,
 *
 * has the value E(x) and the derivative dE/dx by x, and none by the params. */
#include "parts.h"

erg_node *erg_contrast(const char *loss, erg_node *low, erg_node *high, double penalty) {
    if (!low || !high)
        return erg_graph_fail(erg_node_graph(low ? low : high), "%s: no %s", loss,
                              low ? "negatives" : "data");
    if (erg_node_shape(low).dims[0] == 0 || erg_node_shape(high).dims[0] == 0)
        return erg_graph_fail(erg_node_graph(low), "%s: an empty batch", loss);
    if (!(penalty >= 0 && isfinite(penalty)))
        return erg_graph_fail(erg_node_graph(low), "%s: energy penalty %g", loss, penalty);
    erg_node *contrast = erg_sub(erg_mean(low, ERG_ALL, 0), erg_mean(high, ERG_ALL, 0));
    if (penalty == 0)
        return contrast;
    erg_node *size =
        erg_add(erg_mean(erg_square(low), ERG_ALL, 0), erg_mean(erg_square(high), ERG_ALL, 0));
    return erg_add(contrast, erg_mul_scalar(size, penalty));
}

erg_node *erg_pull(erg_node *x, erg_node *direction) {
    erg_node *move = erg_sub(x, erg_stop_gradient(x));
    return erg_samples_dot(erg_stop_gradient(direction), move);
}

erg_node *erg_energy_held(erg_energy energy, erg_node *x) {
    erg_node *fixed = erg_stop_gradient(x), *e = erg_energy_apply(energy, fixed);
    if (!e)
        return NULL;
    return erg_add(erg_stop_gradient(e), erg_pull(x, erg_gradient(e, fixed)));
}

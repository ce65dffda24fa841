/* block_gibbs.c: Gibbs sampling of many sites at once: of sites that do not interact, given all
 * others. If E is affine in each site, with s_i for the states of site i,
 *
 *     E(s) = a + b . s_i    with a and b of the other sites,
 *
 * then one gradient gives the exact distributions of all sites given their neighbours. Ising and Potts
 * models, Boltzmann machines and any polynomial that is linear in each site are of this kind. */
#include <math.h>

#include "discrete.h"

erg_node *erg_checkerboard(erg_graph *graph, erg_dtype dtype, erg_shape sites, int colour) {
    erg_node *number = NULL;
    if (sites.ndim < 1 || (colour != 0 && colour != 1))
        return erg_graph_fail(graph,
                              "checkerboard: %d axes, colour %d, must be at least 1, and 0 or 1",
                              sites.ndim, colour);
    for (int axis = 0; axis < sites.ndim; axis++) {
        erg_node *along = erg_arange(graph, dtype, sites.dims[axis]);
        number = number ? erg_add(erg_unsqueeze(number, -1), along) : along;
    }
    erg_node *half = erg_mul_scalar(erg_add_scalar(number, colour), 0.5);
    return erg_equal(half, erg_floor(half));
}

/* ------------------------------------------------------------------------------- block Gibbs */

/* The block's mask (sites...), laid out to broadcast to x; NULL if it does not fit. */
static erg_node *mask_of(erg_sites kind, erg_node *x, erg_node *block) {
    erg_shape shape = erg_node_shape(x), of = erg_node_shape(block);
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!block)
        return erg_graph_fail(erg_node_graph(x), "block_gibbs: a block is NULL");
    bool fits = of.ndim == shape.ndim - 1 - (kind == ERG_ONE_HOT);
    for (int axis = 0; fits && axis < of.ndim; axis++)
        fits = of.dims[axis] == shape.dims[axis + 1];
    if (!fits || erg_node_dtype(block) != erg_node_dtype(x))
        return erg_graph_fail(erg_node_graph(x), "block_gibbs: a block %s %s for x %s %s",
                              erg_dtype_name(erg_node_dtype(block)), erg_shape_text(of, a),
                              erg_dtype_name(erg_node_dtype(x)), erg_shape_text(shape, b));
    return kind == ERG_ONE_HOT ? erg_unsqueeze(block, -1) : block;
}

/* The logits of all sites given all others: of the changes of x, for erg_sites_draw. */
static erg_node *logits_of(erg_sites kind, erg_node *x, erg_node *energy_of_x) {
    return erg_sites_gain(kind, x, erg_gradient(energy_of_x, x));
}

erg_discrete_step erg_block_gibbs(erg_energy energy, erg_node *x, erg_node *const *blocks,
                                  int count, erg_sites kind) {
    erg_discrete_step step = {.next = erg_sites_start("block_gibbs", kind, x)};
    if (step.next && (!blocks || count < 1))
        step.next = erg_graph_fail(erg_node_graph(x), "block_gibbs: no blocks");
    erg_node *e = step.next ? erg_energy_apply(energy, step.next) : NULL;
    erg_node *logits = e ? logits_of(kind, step.next, e) : NULL;
    step.energy = e;
    for (int i = 0; logits && step.next && i < count; i++) {
        erg_node *mask = mask_of(kind, x, blocks[i]);
        erg_node *drawn = erg_sites_draw(kind, step.next, logits);
        erg_node *to = mask ? erg_where(mask, drawn, step.next) : NULL;
        if (!to || !(e = erg_energy_apply(energy, to)))
            return (erg_discrete_step){0};
        erg_node *always = erg_full_like(e, INFINITY);
        erg_node *accepted = erg_discrete_accept(&step, count, to, e, always);
        logits = erg_chain_where(accepted, logits_of(kind, to, e), logits);
    }
    return erg_discrete_done(step, logits);
}

/* ------------------------------------------------------------------------------- two layers */

erg_node *erg_rbm_gibbs(const erg_rbm *rbm, erg_node *v, int64_t sweeps) {
    if (sweeps < 1)
        return erg_graph_fail(erg_node_graph(v), "rbm_gibbs: %lld sweeps", (long long)sweeps);
    for (int64_t i = 0; v && i < sweeps; i++)
        v = erg_stop_gradient(erg_rbm_sample_visible(rbm, erg_rbm_sample_hidden(rbm, v)));
    return v;
}

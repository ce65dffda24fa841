/* sliced.c: score matching along random directions (Song, Garg, Shi & Ermon 2019). With E[v v^T] = I
 *
 *     mean(1/2 (v^T grad E)^2 - v^T H v)
 *
 * has the mean mean(1/2 |grad E|^2 - tr H) over v: exact score matching, for one Hessian-vector
 * product a direction. The first term need not be random: 1/2 |grad E|^2 in its place has the same
 * mean and less variance, and makes this Hutchinson's estimate. */
#include "projections.h"
#include "samples.h"

/* mean_k 1/2 (v_k^T g)^2, averaged over the batch. */
static erg_node *sliced_square(erg_node *gradient, erg_node *v) {
    erg_shape shape = erg_node_shape(gradient);
    erg_node *along = erg_mul(v, gradient);
    along = shape.ndim == 1 ? along : erg_sum(erg_flatten(along, 2), ERG_AXES(2), 0);
    return erg_mul_scalar(erg_mean(erg_square(along), ERG_ALL, 0), 0.5);
}

erg_node *erg_sliced_score_matching(erg_energy energy, erg_node *data, erg_sliced_options options) {
    erg_node *e = erg_energy_apply(energy, data);
    erg_node *v =
        e ? erg_projections_draw("sliced_score_matching", data, options.projections) : NULL;
    if (!v)
        return NULL;
    erg_node *gradient = erg_gradient(e, data);
    erg_node *kinetic =
        options.plain ? sliced_square(gradient, v) : erg_samples_half_square(gradient);
    erg_node *curvature = erg_projections_trace(gradient, data, NULL, v);
    return erg_sub(kinetic, erg_mean(curvature, ERG_ALL, 0));
}

/* bounded.c: score matching of densities on part of the line in each dimension: the non-negative
 * orthant, a box. Integration by parts then has a boundary term, which a weight h_i(x) removes that
 * is 0 at the boundary (Hyvarinen 2007; Yu, Drton & Shojaie 2019):
 *
 *     1/2 E sum_i h_i (s_i - s_data,i)^2
 *         = E sum_i [h_i (1/2 s_i^2 + ds_i/dx_i) + dh_i/dx_i s_i] + constant.
 *
 * h = x^2 is Hyvarinen's. A weight that stops growing has less variance: min(x, cap). */
#include <math.h>
#include <stdbool.h>

#include "projections.h"
#include "samples.h"

static const char *const NAME = "bounded_score_matching";

static bool check(erg_graph *graph, erg_bounded_options o) {
    if (!(o.low < o.high) || (isinf(o.low) && isinf(o.high)))
        return erg_graph_fail(graph, "%s: domain from %g to %g", NAME, o.low, o.high);
    if (!(o.cap > 0))
        return erg_graph_fail(graph, "%s: cap %g", NAME, o.cap);
    return true;
}

/* The distance to the nearest end. */
static erg_node *distance(erg_node *x, erg_bounded_options o) {
    erg_node *above = isinf(o.low) ? NULL : erg_add_scalar(x, -o.low);
    erg_node *below = isinf(o.high) ? NULL : erg_add_scalar(erg_neg(x), o.high);
    return above && below ? erg_minimum(above, below) : above ? above : below;
}

static erg_node *weight_of(erg_node *x, erg_bounded_options o) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    switch (o.weight) {
    case ERG_BOUNDED_SQUARE:
        return erg_square(distance(x, o));
    case ERG_BOUNDED_CAPPED:
        return erg_clamp(distance(x, o), -INFINITY, o.cap);
    case ERG_BOUNDED_OWN:
        break;
    }
    if (o.weight != ERG_BOUNDED_OWN || !o.fn)
        return erg_graph_fail(erg_node_graph(x), "%s: weight %d has no function", NAME,
                              (int)o.weight);
    erg_node *h = o.fn(o.self, x);
    if (h && !erg_shape_equal(erg_node_shape(h), erg_node_shape(x)))
        return erg_graph_fail(erg_node_graph(x), "%s: weights %s of data %s", NAME,
                              erg_shape_text(erg_node_shape(h), a),
                              erg_shape_text(erg_node_shape(x), b));
    return h;
}

/* sum_i h_i H_ii of each sample, (B). */
static erg_node *weighted_trace(erg_node *e, erg_node *x, erg_node *h, erg_bounded_options o) {
    if (!o.hutchinson)
        return erg_samples_dot(erg_samples_flat(h), erg_diagonal(erg_hessian(e, x)));
    erg_node *v = erg_projections_draw(NAME, x, o.projections);
    return v ? erg_projections_trace(erg_gradient(e, x), x, h, v) : NULL;
}

erg_node *erg_bounded_score_matching(erg_energy energy, erg_node *data,
                                     erg_bounded_options options) {
    erg_bounded_options o = options;
    o.high = erg_loss_option(o.high, INFINITY);
    o.cap = erg_loss_option(o.cap, 1);
    if (!check(erg_node_graph(data), o))
        return NULL;
    erg_node *e = erg_energy_apply(energy, data), *h = e ? weight_of(data, o) : NULL;
    if (!h)
        return NULL;
    erg_node *gradient = erg_gradient(e, data);
    erg_node *kinetic = erg_mul_scalar(erg_mul(h, erg_square(gradient)), 0.5);
    erg_node *edge = erg_mul(erg_gradient(h, data), gradient);
    erg_node *local = erg_sum(erg_samples_flat(erg_sub(kinetic, edge)), ERG_AXES(1), 0);
    return erg_mean(erg_sub(local, weighted_trace(e, data, h, o)), ERG_ALL, 0);
}

/* trace.c: exact score matching with a choice of how the trace of the Hessian is computed,
 *
 *     mean(1/2 |grad E|^2 - tr H).
 *
 * D products of H with unit vectors give it exactly: one after the other, which share all first
 * derivatives, or as rows of one batch D times as large, which keeps the graph small for many
 * dimensions. A few random vectors give it without bias (Hutchinson 1989). */
#include "projections.h"
#include "samples.h"

static erg_node *loss_of(erg_node *gradient, erg_node *trace) {
    return erg_sub(erg_samples_half_square(gradient), erg_mean(trace, ERG_ALL, 0));
}

/* Row i B + b of the large batch is sample b, to be asked for H_ii. */
static erg_node *batched(erg_energy energy, erg_node *data) {
    erg_node *units = erg_samples_units(data);
    if (!units)
        return NULL;
    erg_shape shape = erg_node_shape(data);
    int64_t d = erg_node_shape(units).dims[1];
    erg_node *x = erg_samples_repeat(data, d), *e = erg_energy_apply(energy, x);
    shape.dims[0] *= d;
    units = erg_reshape(units, shape.ndim, shape.dims);
    erg_node *gradient = e ? erg_gradient(e, x) : NULL;
    erg_node *diagonal = erg_samples_dot(units, erg_vjp(gradient, x, units));
    erg_node *trace = erg_sum(erg_samples_split(diagonal, d), ERG_AXES(0), 0);
    return loss_of(erg_slice(gradient, 0, 0, erg_node_shape(data).dims[0], 1), trace);
}

static erg_node *hutchinson(erg_energy energy, erg_node *data, erg_projections projections) {
    erg_node *e = erg_energy_apply(energy, data);
    erg_node *v = e ? erg_projections_draw("trace_score_matching", data, projections) : NULL;
    if (!v)
        return NULL;
    erg_node *gradient = erg_gradient(e, data);
    return loss_of(gradient, erg_projections_trace(gradient, data, NULL, v));
}

erg_node *erg_trace_score_matching(erg_energy energy, erg_node *data, erg_trace_options options) {
    if (!data)
        return erg_graph_fail(NULL, "trace_score_matching: no data");
    switch (options.trace) {
    case ERG_TRACE_UNROLLED:
        return erg_score_matching(energy, data);
    case ERG_TRACE_BATCHED:
        return batched(energy, data);
    case ERG_TRACE_HUTCHINSON:
        return hutchinson(energy, data, options.projections);
    }
    return erg_graph_fail(erg_node_graph(data), "trace_score_matching: unknown trace %d",
                          (int)options.trace);
}

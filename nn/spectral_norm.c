/* spectral_norm.c: W / sigma(W), a weight whose largest singular value is held at 1 (Miyato et al.
 * 2018, algorithm 1). The singular vectors are tracked by power iteration,
 *
 *     v <- W^T u / |W^T u|,   u <- W v / |W v|,   sigma = u^T W v,
 *
 * one step a run, as W moves little between runs. No derivative passes through u and v: at the
 * singular vectors the derivative of sigma by W is u v^T all the same. */
#include <math.h>

#include "module.h"

/* Steps when the module is made, from random vectors, so that W / sigma is right from the start. */
enum { WARM_UP = 15 };

/* The weight as a matrix: `axis` against all the others. */
static erg_node *matrix_of(erg_node *weight, int axis) {
    erg_shape shape = erg_node_shape(weight);
    int order[ERG_MAX_DIMS] = {axis};
    for (int i = 0, next = 1; i < shape.ndim; i++)
        if (i != axis)
            order[next++] = i;
    return ERG_RESHAPE(erg_permute(weight, order), shape.dims[axis], -1);
}

static erg_node *direction(erg_node *x, double epsilon) {
    erg_node *length = erg_norm(x, 2, ERG_ALL, 0);
    return erg_div(x, erg_maximum(length, erg_full_like(length, epsilon)));
}

static bool check(erg_graph *graph, erg_node *weight, erg_spectral_norm_options *o) {
    erg_shape shape = erg_node_shape(weight);
    o->iterations = o->iterations != 0 ? o->iterations : 1;
    o->epsilon = o->epsilon != 0 ? o->epsilon : 1e-12;
    if (!weight)
        return erg_graph_fail(graph, "spectral_norm: no weight");
    if (shape.ndim < 2 || erg_shape_size(shape) < 1 || o->axis < 0 || o->axis >= shape.ndim) {
        char text[ERG_SHAPE_TEXT];
        return erg_graph_fail(graph, "spectral_norm: axis %d of a weight of shape %s", o->axis,
                              erg_shape_text(shape, text));
    }
    if (!erg_module_check_flag(graph, "spectral_norm", o->training))
        return false;
    return (o->iterations >= 1 && o->epsilon > 0) ||
           erg_graph_fail(graph, "spectral_norm: %d iterations, epsilon %g", o->iterations,
                          o->epsilon);
}

/* u and v start as random directions and are brought close to the singular vectors. The graph's run
 * counter stays: the random numbers of later runs do not depend on how many modules there are. */
static void warm_up(erg_spectral_norm *norm, erg_node *u, erg_node *v) {
    erg_graph *graph = erg_node_graph(u);
    if (!graph || erg_graph_error(graph) ||
        !erg_module_check(graph, "spectral_norm", erg_init_normal(norm->u, 1)))
        return;
    erg_node *steps[] = {erg_assign(norm->u, u), erg_assign(norm->v, v)};
    erg_plan *plan = erg_compile(steps, 2);
    if (!plan) {
        erg_graph_fail(graph, "spectral_norm: %s", erg_error_message());
        return;
    }
    uint64_t runs = erg_graph_runs(graph);
    erg_run_n(plan, WARM_UP);
    erg_graph_set_runs(graph, runs);
    erg_plan_free(plan);
}

/* The vector after the iterations, or the state as it is if the training flag is 0. */
static erg_node *choose(erg_node *training, erg_node *iterated, erg_node *state) {
    return training ? erg_where(training, iterated, state) : iterated;
}

static void build(erg_spectral_norm *norm, erg_node *weight, erg_spectral_norm_options o) {
    erg_node *matrix = matrix_of(weight, o.axis), *fixed = erg_stop_gradient(matrix);
    erg_node *u = norm->u, *v = norm->v;
    for (int i = 0; i < o.iterations; i++) {
        v = direction(erg_matmul(u, fixed), o.epsilon);
        u = direction(erg_matmul(fixed, v), o.epsilon);
    }
    warm_up(norm, u, v);
    u = choose(o.training, u, norm->u);
    v = choose(o.training, v, norm->v);
    norm->weight = erg_div(weight, erg_dot(u, erg_matmul(matrix, v)));
    erg_node *effects[] = {erg_assign(norm->u, u), erg_assign(norm->v, v)};
    norm->update = erg_group(effects, 2);
}

erg_spectral_norm *erg_spectral_norm_new(erg_graph *graph, const char *name, erg_node *weight,
                                         erg_spectral_norm_options options) {
    if (!check(graph, weight, &options))
        return NULL;
    erg_spectral_norm *norm = erg_module_open(graph, name, sizeof *norm);
    if (!norm)
        return NULL;
    erg_shape shape = erg_node_shape(weight);
    int64_t rows = shape.dims[options.axis], columns = erg_shape_size(shape) / rows;
    erg_dtype dtype = erg_node_dtype(weight);
    norm->u = erg_state(graph, "weight_u", dtype, ERG_SHAPE(rows));
    norm->v = erg_state(graph, "weight_v", dtype, ERG_SHAPE(columns));
    build(norm, weight, options);
    return erg_module_close(graph, norm);
}

/* curvature_propagation.c: the trace of the Hessian from one sweep through the graph (Martens,
 * Sutskever & Swersky 2012). Where E is built of affine maps and functions h = f(a) applied element
 * by element, all its curvature comes from the bends f:
 *
 *     H = sum_l J_l^T diag(c_l) J_l,    J_l = da_l / dx,    c_l = dE/dh_l f''(a_l).
 *
 * With independent v_l, E[v_l v_l^T] = I, the two vectors S = sum_l J_l^T c_l v_l and
 * T = sum_l J_l^T v_l have E[S T^T] = H, so S . T estimates the trace. Both are products with first
 * derivatives. Unlike Hutchinson's, the estimate is exact whatever the directions where a single
 * element bends. (The paper takes S = T with square roots of c; two vectors need no roots, which have
 * no derivative where c = 0.) */
#include <stdbool.h>

#include "projections.h"
#include "samples.h"

static bool check(erg_node *e, erg_node *data, const erg_bend *bends, int n) {
    erg_graph *graph = erg_node_graph(data);
    const char *name = "curvature_propagation";
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    int64_t batch = erg_node_shape(data).dims[0];
    if (!e || !data || !bends || n < 1)
        return erg_graph_fail(graph ? graph : erg_node_graph(e), "%s: no %s", name,
                              !e     ? "energies"
                              : data ? "bends"
                                     : "data");
    if (!erg_shape_equal(erg_node_shape(e), ERG_SHAPE(batch)))
        return erg_graph_fail(graph, "%s: energies %s of data %s", name,
                              erg_shape_text(erg_node_shape(e), a),
                              erg_shape_text(erg_node_shape(data), b));
    for (int l = 0; l < n; l++) {
        erg_shape before = erg_node_shape(bends[l].before), after = erg_node_shape(bends[l].after);
        if (before.ndim < 1 || before.dims[0] != batch || !erg_shape_equal(before, after))
            return erg_graph_fail(graph, "%s: bend %d leads from %s to %s", name, l,
                                  erg_shape_text(before, a), erg_shape_text(after, b));
    }
    return true;
}

/* c = dE/dh f''(a) of each element, (B, elements). */
static erg_node *curvature_of(erg_node *e, erg_bend bend) {
    erg_node *slope = erg_gradient(bend.after, bend.before);
    erg_node *second = slope ? erg_gradient(slope, bend.before) : NULL;
    return second ? erg_samples_flat(erg_mul(erg_gradient(e, bend.after), second)) : NULL;
}

erg_node *erg_curvature_propagation(erg_node *e, erg_node *data, const erg_bend *bends, int n,
                                    erg_projections projections) {
    if (!check(e, data, bends, n))
        return NULL;
    size_t size = (size_t)n * sizeof(erg_node *);
    erg_node **places = erg_graph_alloc(erg_node_graph(e), size);
    erg_node **curvatures = erg_graph_alloc(erg_node_graph(e), size);
    for (int l = 0; places && curvatures && l < n; l++) {
        places[l] = erg_samples_flat(bends[l].before);
        curvatures[l] = curvature_of(e, bends[l]);
    }
    if (!places || !curvatures)
        return NULL;
    erg_node *a = erg_concat(places, n, 1), *c = erg_concat(curvatures, n, 1);
    erg_node *v = a && c ? erg_projections_draw("curvature_propagation", a, projections) : NULL;
    int64_t count = erg_projections_count(projections.count);
    erg_node *trace = NULL;
    for (int64_t k = 0; v && k < count; k++) {
        erg_node *direction = erg_select(v, 0, k);
        erg_node *s = erg_vjp(a, data, erg_mul(c, direction)), *t = erg_vjp(a, data, direction);
        erg_node *part = erg_mean(erg_samples_dot(s, t), ERG_ALL, 0);
        trace = k ? erg_add(trace, part) : part;
    }
    erg_node *kinetic = erg_samples_half_square(trace ? erg_gradient(e, data) : NULL);
    return erg_sub(kinetic, erg_mul_scalar(trace, 1 / (double)count));
}

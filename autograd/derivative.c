/* derivative.c: what follows from the vector-Jacobian product alone: J v, H v, Jacobians, Hessians,
 * Laplacians and scores. Each is a few nodes more, and can be differentiated like any other. */
#include <math.h>

#include "graph.h"

/* u -> u^T J is linear, and its own vector-Jacobian product at v is J v, whatever u is: a NaN would
 * show if anything depended on it. */
erg_node *erg_jvp(erg_node *y, erg_node *x, erg_node *v) {
    erg_node *u = y ? erg_full_like(y, NAN) : NULL;
    erg_node *pullback = erg_vjp(y, x, u);
    return pullback ? erg_vjp(pullback, u, v) : NULL;
}

/* H v = d/dx (grad . v) with v held fixed. */
erg_node *erg_hvp(erg_node *y, erg_node *x, erg_node *v) {
    erg_node *gradient = erg_gradient(y, x);
    return gradient ? erg_vjp(gradient, x, v) : NULL;
}

/* Row i of the n x n unit matrix, repeated for a batch of rows: (batch, n). */
static erg_node *unit_rows(erg_graph *graph, erg_dtype dtype, int64_t batch, int64_t n, int64_t i) {
    erg_tensor *unit = erg_tensor_new(dtype, ERG_SHAPE(1, n));
    if (!unit)
        return erg_graph_fail(graph, "jacobian: %s", erg_error_message());
    erg_tensor_set(unit, i, 1);
    erg_node *row = erg_constant(graph, unit);
    erg_tensor_free(unit);
    return erg_broadcast(row, ERG_SHAPE(batch, n));
}

static erg_node *check_rows(const char *operation, erg_node *y, erg_node *x, int y_ndim) {
    if (!y || !x || y->graph != x->graph)
        return erg_graph_fail(y   ? y->graph
                              : x ? x->graph
                                  : NULL,
                              "%s: %s", operation,
                              y && x ? "y and x are of different graphs" : "an operand is NULL");
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (y->shape.ndim != y_ndim || x->shape.ndim < 1 || x->shape.dims[0] != y->shape.dims[0])
        return erg_graph_fail(y->graph, "%s: y %s and x %s are not %s of one batch", operation,
                              erg_shape_text(y->shape, a), erg_shape_text(x->shape, b),
                              y_ndim == 1 ? "numbers and samples" : "rows");
    return y;
}

/* Row i of every sample's Jacobian is the vjp of the i-th unit vector: samples do not mix, so one
 * product serves the whole batch. */
erg_node *erg_jacobian(erg_node *y, erg_node *x) {
    if (!check_rows("jacobian", y, x, 2))
        return NULL;
    if (x->shape.ndim != 2)
        return erg_graph_fail(y->graph, "jacobian: x has %d axes, must have 2", x->shape.ndim);
    int64_t batch = y->shape.dims[0], m = y->shape.dims[1];
    if (m == 0)
        return erg_full(y->graph, y->dtype, ERG_SHAPE(batch, 0, x->shape.dims[1]), 0);
    erg_node **rows = erg_graph_alloc(y->graph, (size_t)m * sizeof *rows);
    for (int64_t i = 0; rows && i < m; i++)
        rows[i] = erg_vjp(y, x, unit_rows(y->graph, y->dtype, batch, m, i));
    return rows && rows[m - 1] ? erg_stack(rows, (int)m, 1) : NULL;
}

/* The gradient of each sample's energy as rows (B, D), in a form that can be asked for its rows'
 * derivatives: `flat` is x seen as (B, D). */
static erg_node *gradient_rows(const char *operation, erg_node *e, erg_node *x) {
    if (!check_rows(operation, e, x, 1))
        return NULL;
    erg_node *gradient = erg_gradient(e, x);
    return x->shape.ndim == 1 ? erg_unsqueeze(gradient, 1) : erg_flatten(gradient, 1);
}

/* Row i of every sample's Hessian: the derivative of gradient element i, as (B, D). */
static erg_node *hessian_row(erg_node *rows, erg_node *x, int64_t i) {
    int64_t batch = rows->shape.dims[0], n = rows->shape.dims[1];
    erg_node *row = erg_vjp(rows, x, unit_rows(rows->graph, rows->dtype, batch, n, i));
    return row ? erg_reshape(row, 2, (int64_t[]){batch, n}) : NULL;
}

erg_node *erg_hessian(erg_node *e, erg_node *x) {
    erg_node *gradient = gradient_rows("hessian", e, x);
    if (!gradient)
        return NULL;
    int64_t n = gradient->shape.dims[1];
    if (n == 0)
        return erg_full(e->graph, e->dtype, ERG_SHAPE(e->shape.dims[0], 0, 0), 0);
    erg_node **rows = erg_graph_alloc(e->graph, (size_t)n * sizeof *rows);
    for (int64_t i = 0; rows && i < n; i++)
        rows[i] = hessian_row(gradient, x, i);
    return rows ? erg_stack(rows, (int)n, 1) : NULL;
}

erg_node *erg_laplacian(erg_node *e, erg_node *x) {
    erg_node *gradient = gradient_rows("laplacian", e, x);
    if (!gradient)
        return NULL;
    erg_node *trace = gradient->shape.dims[1] ? NULL : erg_full_like(e, 0);
    for (int64_t i = 0; i < gradient->shape.dims[1]; i++) {
        erg_node *diagonal = erg_select(hessian_row(gradient, x, i), 1, i);
        trace = i ? erg_add(trace, diagonal) : diagonal;
    }
    return trace;
}

erg_node *erg_energy_apply(erg_energy energy, erg_node *x) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!x || !energy.fn)
        return erg_graph_fail(x ? x->graph : NULL, "energy: no %s", x ? "function" : "x");
    erg_node *e = energy.fn(energy.self, x);
    if (e && (e->shape.ndim != 1 || x->shape.ndim < 1 || e->shape.dims[0] != x->shape.dims[0]))
        return erg_graph_fail(x->graph, "energy: x %s gave %s, must give one number a sample",
                              erg_shape_text(x->shape, a), erg_shape_text(e->shape, b));
    return e;
}

erg_node *erg_score(erg_energy energy, erg_node *x) {
    erg_node *e = erg_energy_apply(energy, x);
    return e ? erg_neg(erg_gradient(e, x)) : NULL;
}

/* metric.c: the shape of steps. With x = L z a density with covariance L L^T is round in z: noise
 * L xi, the slope of the energy L^T grad E, and Hamiltonian dynamics with unit mass in z is
 * dynamics with mass (L L^T)^-1 in x (Neal 2011, section 5.4.1). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metropolis.h"

erg_metric *erg_metric_new(erg_graph *graph, const char *name, erg_dtype dtype, erg_shape sample,
                           erg_mass mass) {
    if (mass < ERG_MASS_IDENTITY || mass > ERG_MASS_DENSE || sample.ndim < 0 ||
        dtype == ERG_INT32) {
        erg_graph_fail(graph, "metric: an unknown mass, or not the shape or the type of a sample");
        return NULL;
    }
    erg_metric *metric = erg_graph_error(graph) ? NULL : erg_graph_alloc(graph, sizeof *metric);
    if (!metric)
        return NULL;
    *metric = (erg_metric){.mass = mass, .sample = sample};
    if (mass == ERG_MASS_IDENTITY)
        return metric;
    int64_t d = erg_shape_size(sample);
    bool dense = mass == ERG_MASS_DENSE;
    erg_scope_push(graph, name);
    if (erg_graph_error(graph))
        return NULL;
    metric->root = erg_state(graph, "root", dtype, dense ? ERG_SHAPE(d, d) : ERG_SHAPE(d));
    erg_scope_pop(graph);
    if (!metric->root)
        return NULL;
    for (int64_t i = 0; i < d; i++)
        erg_tensor_set(erg_value(metric->root), dense ? i * d + i : i, 1);
    return metric;
}

/* ------------------------------------------------------------------------------- L from L L^T */

/* The lower triangle of a (n, n) becomes L; false if a is not positive definite. */
static bool cholesky(double *a, int64_t n) {
    for (int64_t j = 0; j < n; j++) {
        for (int64_t i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (int64_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0 && isfinite(sum)))
                return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
        memset(a + j * n + j + 1, 0, (size_t)(n - j - 1) * sizeof *a);
    }
    return true;
}

static bool square_roots(double *a, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        if (!(a[i] > 0 && isfinite(a[i])))
            return false;
        a[i] = sqrt(a[i]);
    }
    return true;
}

erg_status erg_metric_set(erg_metric *metric, const erg_tensor *covariance) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!metric || !metric->root || !covariance)
        return erg_fail(ERG_ERROR_ARGUMENT, "metric_set: no metric, an identity, or no covariance");
    erg_tensor *root = erg_value(metric->root);
    if (covariance->dtype == ERG_INT32 || !erg_shape_equal(covariance->shape, root->shape))
        return erg_fail(ERG_ERROR_ARGUMENT, "metric_set: covariance is %s %s, must be %s",
                        erg_dtype_name(covariance->dtype), erg_shape_text(covariance->shape, a),
                        erg_shape_text(root->shape, b));
    int64_t size = erg_tensor_size(root), d = root->shape.dims[0];
    erg_tensor *copy = erg_tensor_new(ERG_FLOAT64, root->shape);
    if (!copy)
        return ERG_ERROR_MEMORY;
    double *l = copy->data;
    for (int64_t i = 0; i < size; i++)
        l[i] = erg_tensor_get(covariance, i);
    bool positive = metric->mass == ERG_MASS_DENSE ? cholesky(l, d) : square_roots(l, d);
    for (int64_t i = 0; positive && i < size; i++)
        erg_tensor_set(root, i, l[i]);
    erg_tensor_free(copy);
    return positive
               ? ERG_OK
               : erg_fail(ERG_ERROR_ARGUMENT, "metric_set: covariance %s is not positive definite",
                          erg_shape_text(root->shape, b));
}

/* ------------------------------------------------------------------------------- L v, L^T v */

static erg_node *multiply(const erg_metric *metric, erg_node *v, int transposed) {
    if (!metric || !metric->root)
        return v;
    erg_shape shape = erg_node_shape(v);
    erg_node *rows = ERG_RESHAPE(v, shape.dims[0], erg_shape_size(metric->sample));
    erg_node *product = metric->mass == ERG_MASS_DENSE
                            ? erg_matmul_transposed(rows, 0, metric->root, transposed)
                            : erg_mul(rows, metric->root);
    return erg_reshape(product, shape.ndim, shape.dims);
}

erg_node *erg_metric_spread(const erg_metric *metric, erg_node *v) {
    return multiply(metric, v, 1);
}

erg_node *erg_metric_gather(const erg_metric *metric, erg_node *v) {
    return multiply(metric, v, 0);
}

bool erg_metric_fits(const erg_metric *metric, const char *operation, erg_node *x) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_shape shape = erg_node_shape(x);
    if (!metric || !x)
        return true;
    erg_shape sample = erg_shape_make(shape.ndim > 0 ? shape.ndim - 1 : 0, shape.dims + 1);
    if (shape.ndim < 1 || !erg_shape_equal(sample, metric->sample))
        return erg_graph_fail(erg_node_graph(x), "%s: x is %s, its metric is for samples %s",
                              operation, erg_shape_text(shape, a),
                              erg_shape_text(metric->sample, b));
    return true;
}

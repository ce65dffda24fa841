/* standardise.c: data with mean 0 and variance 1 in each feature, z = (x - mean) / std; and back. */
#include <math.h>
#include <stdlib.h>

#include "module.h"

erg_standardiser *erg_standardiser_new(erg_graph *graph, const char *name, erg_dtype dtype,
                                       erg_shape sample) {
    if (dtype == ERG_INT32) {
        erg_graph_fail(graph, "standardiser: must be a float dtype, not int32");
        return NULL;
    }
    erg_standardiser *s = erg_module_open(graph, name, sizeof *s);
    if (!s)
        return NULL;
    s->mean = erg_state(graph, "mean", dtype, sample);
    s->std = erg_state(graph, "std", dtype, sample);
    if (s->std)
        erg_tensor_fill(erg_value(s->std), 1);
    return erg_module_close(graph, s);
}

static erg_status check_rows(const erg_tensor *x, const erg_tensor *mean) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    int good = x->shape.ndim == mean->shape.ndim + 1 && x->shape.dims[0] > 0;
    for (int i = 0; good && i < mean->shape.ndim; i++)
        good = x->shape.dims[i + 1] == mean->shape.dims[i];
    if (!good)
        return erg_fail(ERG_ERROR_ARGUMENT, "standardiser_fit: x %s is not rows of shape %s",
                        erg_shape_text(x->shape, a), erg_shape_text(mean->shape, b));
    if (!erg_tensor_all_finite(x))
        return erg_fail(ERG_ERROR_ARGUMENT, "standardiser_fit: x is not finite");
    return ERG_OK;
}

/* Two passes: the variance about a mean that is known loses nothing to cancellation. */
static void find_moments(const erg_tensor *x, int64_t features, double *mean, double *variance) {
    int64_t rows = x->shape.dims[0];
    for (int64_t i = 0; i < rows * features; i++)
        mean[i % features] += erg_tensor_get(x, i);
    for (int64_t j = 0; j < features; j++)
        mean[j] /= (double)rows;
    for (int64_t i = 0; i < rows * features; i++) {
        double deviation = erg_tensor_get(x, i) - mean[i % features];
        variance[i % features] += deviation * deviation / (double)rows;
    }
}

erg_status erg_standardiser_fit(const erg_standardiser *s, const erg_tensor *x) {
    if (!s || !x)
        return erg_fail(ERG_ERROR_ARGUMENT, "standardiser_fit: no %s", s ? "x" : "standardiser");
    erg_tensor *mean = erg_value(s->mean), *std = erg_value(s->std);
    erg_status status = check_rows(x, mean);
    if (status)
        return status;
    int64_t features = erg_tensor_size(mean);
    double *moments = calloc((size_t)features + 1, 2 * sizeof *moments);
    if (!moments)
        return erg_fail(ERG_ERROR_MEMORY, "standardiser_fit: out of memory");
    find_moments(x, features, moments, moments + features);
    for (int64_t j = 0; j < features; j++) {
        erg_tensor_set(mean, j, moments[j]);
        erg_tensor_set(std, j, sqrt(moments[features + j]));
        if (erg_tensor_get(std, j) == 0)
            erg_tensor_set(std, j, 1);
    }
    free(moments);
    return ERG_OK;
}

erg_node *erg_standardise(const erg_standardiser *s, erg_node *x) {
    if (!s)
        return erg_graph_fail(erg_node_graph(x), "standardise: no standardiser");
    return erg_div(erg_sub(x, s->mean), s->std);
}

erg_node *erg_unstandardise(const erg_standardiser *s, erg_node *z) {
    if (!s)
        return erg_graph_fail(erg_node_graph(z), "unstandardise: no standardiser");
    return erg_add(erg_mul(z, s->std), s->mean);
}

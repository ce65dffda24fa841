/* samples.c: arithmetic of batches of samples. Many points for each sample (its neighbours, its
 * directions) are rows of one larger batch, so that the energy is built once however many they are. */
#include "samples.h"

erg_node *erg_samples_flat(erg_node *x) {
    return erg_node_shape(x).ndim == 1 ? erg_unsqueeze(x, 1) : erg_flatten(x, 1);
}

erg_node *erg_samples_sum(erg_node *x) {
    return erg_sum(erg_samples_flat(x), ERG_AXES(1), 0);
}

erg_node *erg_samples_dot(erg_node *a, erg_node *b) {
    return erg_samples_sum(erg_mul(a, b));
}

erg_node *erg_samples_half_square(erg_node *x) {
    double batch = (double)erg_node_shape(x).dims[0];
    return erg_mul_scalar(erg_sum(erg_square(x), ERG_ALL, 0), 0.5 / batch);
}

erg_node *erg_samples_scale(erg_node *factors, erg_node *x) {
    for (int axis = 1; axis < erg_node_shape(x).ndim; axis++)
        factors = erg_unsqueeze(factors, axis);
    return erg_mul(factors, x);
}

erg_node *erg_samples_join(erg_node *x) {
    erg_shape shape = erg_node_shape(x), joined = {.ndim = shape.ndim - 1};
    if (!x)
        return NULL;
    joined.dims[0] = shape.dims[0] * shape.dims[1];
    for (int axis = 1; axis < joined.ndim; axis++)
        joined.dims[axis] = shape.dims[axis + 1];
    return erg_reshape(x, joined.ndim, joined.dims);
}

erg_node *erg_samples_split(erg_node *energies, int64_t n) {
    return ERG_RESHAPE(energies, n, erg_node_shape(energies).dims[0] / n);
}

/* x seen n times along a new axis. */
static erg_node *stretch(erg_node *x, int axis, int64_t n) {
    erg_node *one = erg_unsqueeze(x, axis);
    erg_shape shape = erg_node_shape(one);
    shape.dims[axis] = n;
    return one ? erg_broadcast(one, shape) : NULL;
}

erg_node *erg_samples_repeat(erg_node *x, int64_t n) {
    return erg_samples_join(stretch(x, 0, n));
}

erg_node *erg_samples_units(erg_node *x) {
    erg_shape shape = erg_node_shape(erg_samples_flat(x));
    if (shape.ndim != 2)
        return NULL;
    if (shape.dims[1] < 1)
        return erg_graph_fail(erg_node_graph(x), "loss: samples without elements");
    erg_node *index = erg_arange(erg_node_graph(x), ERG_INT32, shape.dims[1]);
    erg_node *units = erg_one_hot(index, shape.dims[1], erg_node_dtype(x));
    return erg_samples_join(stretch(units, 1, shape.dims[0]));
}

erg_node *erg_samples_total(erg_node *terms) {
    double batch = (double)erg_node_shape(terms).dims[1];
    return erg_mul_scalar(erg_sum(terms, ERG_ALL, 0), 1 / batch);
}

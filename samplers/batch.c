/* batch.c: numbers for each chain beside the states of the chains. */
#include <math.h>

#include "batch.h"

erg_node *erg_per_chain(erg_node *number, erg_node *x) {
    erg_shape shape = erg_node_shape(number);
    if (shape.ndim != 1 || !x)
        return number;
    int64_t dims[ERG_MAX_DIMS] = {shape.dims[0]};
    int ndim = erg_node_shape(x).ndim;
    for (int i = 1; i < ndim; i++)
        dims[i] = 1;
    return erg_reshape(number, ndim, dims);
}

erg_node *erg_chain_total(erg_node *x) {
    return erg_node_shape(x).ndim > 1 ? erg_sum(erg_flatten(x, 1), ERG_AXES(1), 0) : x;
}

erg_node *erg_chain_where(erg_node *mask, erg_node *a, erg_node *b) {
    return erg_where(erg_per_chain(mask, a), a, b);
}

erg_node *erg_finite_mask(erg_node *x) {
    return erg_less(erg_abs(x), erg_full_like(x, INFINITY)); /* no NaN is less than anything */
}

erg_node *erg_number_like(erg_node *x, double number, erg_node *node) {
    return node ? node : erg_scalar(erg_node_graph(x), erg_node_dtype(x), number);
}

bool erg_check_number(erg_node *x, const char *operation, erg_node *node) {
    if (!node || erg_node_shape(node).ndim == 0)
        return true;
    char text[ERG_SHAPE_TEXT];
    return erg_graph_fail(erg_node_graph(x),
                          "%s: a node in place of a number must have shape (), not %s", operation,
                          erg_shape_text(erg_node_shape(node), text));
}

/* energies.c: what the analytic energies share: the check of their argument, constants, squares. */
#include "energies.h"

bool erg_has_width(const char *energy, erg_node *x, int64_t d) {
    erg_shape shape = erg_node_shape(x);
    char text[ERG_SHAPE_TEXT];
    bool any = d == ERG_ANY_WIDTH;
    if (shape.ndim == 2 && (any ? shape.dims[1] >= 1 : shape.dims[1] == d))
        return true;
    if (any)
        erg_graph_fail(erg_node_graph(x), "%s: x is %s, must be (B, D) with D >= 1", energy,
                       erg_shape_text(shape, text));
    else
        erg_graph_fail(erg_node_graph(x), "%s: x is %s, must be (B, %lld)", energy,
                       erg_shape_text(shape, text), (long long)d);
    return false;
}

erg_node *erg_constant_from(const char *energy, erg_graph *graph, erg_dtype dtype, erg_shape shape,
                            const double *numbers) {
    erg_tensor *value = erg_tensor_new(dtype, shape);
    for (int64_t i = 0; value && i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, numbers[i]);
    erg_node *node = value ? erg_constant(graph, value)
                           : erg_graph_fail(graph, "%s: %s", energy, erg_error_message());
    erg_tensor_free(value);
    return node;
}

erg_node *erg_square_norm(erg_node *x) {
    erg_node *square = erg_square(x);
    return erg_node_shape(x).ndim > 1 ? erg_sum(erg_flatten(square, 1), ERG_AXES(1), 0) : square;
}

/* unroll.c: a transition applied k times as one expression. Without assignments the result is a
 * function of the first state and of the energy's params, so that a loss can be differentiated
 * through the whole chain. */
#include "batch.h"

erg_node *erg_unroll(erg_kernel kernel, erg_energy energy, erg_node *x, int64_t k) {
    erg_graph *graph = erg_node_graph(x);
    if (!kernel.fn || k < 0)
        return erg_graph_fail(graph, "unroll: %lld times, %s", (long long)k,
                              kernel.fn ? "must not be negative" : "no transition");
    erg_shape shape = erg_node_shape(x);
    erg_node *one = x ? erg_number_like(x, 1, NULL) : NULL, *next = x;
    for (int64_t i = 0; next && i < k; i++) {
        next = kernel.fn(kernel.self, energy, one, next);
        char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
        if (next && !erg_shape_equal(erg_node_shape(next), shape))
            return erg_graph_fail(graph, "unroll: the transition makes %s of %s",
                                  erg_shape_text(erg_node_shape(next), a),
                                  erg_shape_text(shape, b));
    }
    return next;
}

/* linear.c: the linear layer, y = x W^T + b. */
#include "module.h"

erg_linear *erg_linear_new(erg_graph *graph, const char *name, int64_t in, int64_t out,
                           erg_linear_options options) {
    if (in < 1 || out < 1) {
        erg_graph_fail(graph, "linear: %lld to %lld features, both must be at least 1",
                       (long long)in, (long long)out);
        return NULL;
    }
    erg_linear *linear = erg_module_open(graph, name, sizeof *linear);
    if (!linear)
        return NULL;
    linear->weight = erg_param(graph, "weight", options.dtype, ERG_SHAPE(out, in));
    if (!options.no_bias)
        linear->bias = erg_param(graph, "bias", options.dtype, ERG_SHAPE(out));
    erg_module_init("linear", linear->weight, linear->bias, options.init, options.gain);
    return erg_module_close(graph, linear);
}

erg_node *erg_linear_apply(const erg_linear *linear, erg_node *x) {
    if (!linear)
        return erg_graph_fail(erg_node_graph(x), "linear: no layer");
    erg_node *y = erg_matmul_transposed(x, 0, linear->weight, 1);
    return linear->bias ? erg_add(y, linear->bias) : y;
}

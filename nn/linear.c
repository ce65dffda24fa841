/* linear.c: the linear layer, y = x W^T + b. */
#include <math.h>

#include "nn.h"

/* First values of both params. */
static erg_status initialise(const erg_linear *linear, int64_t in, erg_linear_options options) {
    erg_status status = erg_init_weight(linear->weight, options.init, options.gain);
    if (status != ERG_OK || !linear->bias || options.init == ERG_INIT_ZEROS)
        return status;
    return erg_init_uniform(linear->bias, 1 / sqrt((double)in));
}

erg_linear *erg_linear_new(erg_graph *graph, const char *name, int64_t in, int64_t out,
                           erg_linear_options options) {
    if (in < 1 || out < 1) {
        erg_graph_fail(graph, "linear: %lld to %lld features, both must be at least 1",
                       (long long)in, (long long)out);
        return NULL;
    }
    erg_linear *linear = erg_graph_alloc(graph, sizeof *linear);
    if (!linear || erg_graph_error(graph))
        return NULL;
    erg_scope_push(graph, name);
    if (erg_graph_error(graph))
        return NULL;
    linear->weight = erg_param(graph, "weight", options.dtype, ERG_SHAPE(out, in));
    if (!options.no_bias)
        linear->bias = erg_param(graph, "bias", options.dtype, ERG_SHAPE(out));
    if (!erg_graph_error(graph) && initialise(linear, in, options) != ERG_OK)
        erg_graph_fail(graph, "linear: %s", erg_error_message());
    erg_scope_pop(graph);
    return erg_graph_error(graph) ? NULL : linear;
}

erg_node *erg_linear_apply(const erg_linear *linear, erg_node *x) {
    if (!linear)
        return erg_graph_fail(erg_node_graph(x), "linear: no layer");
    erg_node *y = erg_matmul_transposed(x, 0, linear->weight, 1);
    return linear->bias ? erg_add(y, linear->bias) : y;
}

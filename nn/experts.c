/* experts.c: products of Student-t experts. Each filter w_k looks at the sample, and its answer is
 * expected to be small, with heavy tails:
 *
 *     E(x) = sum_k alpha_k log(1 + (w_k . x)^2 / 2),   alpha_k > 0
 *
 * (Welling et al. 2003). In a field of experts the filters are small and look at every patch of an
 * image, which is a convolution (Roth & Black 2005). */
#include "module.h"

static erg_experts *make(erg_graph *graph, const char *name, erg_shape shape, erg_dtype dtype) {
    for (int i = 0; i < shape.ndim; i++)
        if (shape.dims[i] < 1) {
            char text[ERG_SHAPE_TEXT];
            erg_graph_fail(graph, "experts: filters of shape %s", erg_shape_text(shape, text));
            return NULL;
        }
    erg_experts *experts = erg_module_open(graph, name, sizeof *experts);
    if (!experts)
        return NULL;
    experts->weight = erg_param(graph, "weight", dtype, shape);
    experts->log_alpha = erg_module_param(graph, "log_alpha", dtype, ERG_SHAPE(shape.dims[0]), 0);
    erg_module_init("experts", experts->weight, NULL, ERG_INIT_FAN_IN, 0);
    return erg_module_close(graph, experts);
}

erg_experts *erg_product_of_experts_new(erg_graph *graph, const char *name, int64_t d,
                                        int64_t experts, erg_dtype dtype) {
    return make(graph, name, ERG_SHAPE(experts, d), dtype);
}

erg_experts *erg_field_of_experts_new(erg_graph *graph, const char *name, int64_t channels,
                                      int64_t experts, int64_t kernel, erg_dtype dtype) {
    return make(graph, name, ERG_SHAPE(experts, channels, kernel, kernel), dtype);
}

erg_node *erg_experts_energy(void *self, erg_node *x) {
    const erg_experts *experts = self;
    if (!experts)
        return erg_graph_fail(erg_node_graph(x), "experts_energy: no experts");
    erg_shape weight = erg_node_shape(experts->weight);
    bool is_field = weight.ndim == 4;
    if (!is_field && !erg_module_has_width("experts_energy", x, weight.dims[1]))
        return NULL;
    erg_node *answer = is_field ? erg_conv2d(x, experts->weight, (erg_conv2d_options){0})
                                : erg_matmul_transposed(x, 0, experts->weight, 1);
    erg_node *surprise = erg_log1p(erg_mul_scalar(erg_square(answer), 0.5));
    erg_node *alpha = erg_module_channels(erg_exp(experts->log_alpha), weight.ndim);
    return erg_module_sum(erg_mul(alpha, surprise));
}

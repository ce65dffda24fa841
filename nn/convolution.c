/* convolution.c: the convolution layer, y = conv2d(x, W) + b, and its transpose. */
#include "module.h"

static bool check(erg_graph *graph, int64_t in, int64_t out, erg_convolution_options o) {
    if (in < 1 || out < 1)
        return erg_graph_fail(graph, "convolution: %lld to %lld channels, both must be at least 1",
                              (long long)in, (long long)out);
    if (o.kernel[0] < 1 || o.kernel[1] < 1)
        return erg_graph_fail(graph, "convolution: a kernel of %lld x %lld", (long long)o.kernel[0],
                              (long long)o.kernel[1]);
    if (o.groups < 1 || in % o.groups != 0 || out % o.groups != 0)
        return erg_graph_fail(graph,
                              "convolution: %lld groups do not divide %lld and %lld channels",
                              (long long)o.groups, (long long)in, (long long)out);
    return true;
}

erg_convolution *erg_convolution_new(erg_graph *graph, const char *name, int64_t in, int64_t out,
                                     erg_convolution_options options) {
    options.groups = options.groups != 0 ? options.groups : 1;
    if (!check(graph, in, out, options))
        return NULL;
    erg_convolution *layer = erg_module_open(graph, name, sizeof *layer);
    if (!layer)
        return NULL;
    layer->options = options;
    int64_t rows = options.transposed ? in : out, others = options.transposed ? out : in;
    erg_shape shape =
        ERG_SHAPE(rows, others / options.groups, options.kernel[0], options.kernel[1]);
    layer->weight = erg_param(graph, "weight", options.dtype, shape);
    if (!options.no_bias)
        layer->bias = erg_param(graph, "bias", options.dtype, ERG_SHAPE(out));
    erg_module_init("convolution", layer->weight, layer->bias, options.init, options.gain);
    return erg_module_close(graph, layer);
}

static erg_node *convolve(const erg_convolution *layer, erg_node *x) {
    const erg_convolution_options *o = &layer->options;
    if (!o->transposed)
        return erg_conv2d(x, layer->weight,
                          (erg_conv2d_options){.stride = {o->stride[0], o->stride[1]},
                                               .padding = {o->padding[0], o->padding[1]},
                                               .dilation = {o->dilation[0], o->dilation[1]},
                                               .groups = o->groups});
    return erg_conv_transpose2d(x, layer->weight,
                                (erg_conv_transpose2d_options){
                                    .stride = {o->stride[0], o->stride[1]},
                                    .padding = {o->padding[0], o->padding[1]},
                                    .output_padding = {o->output_padding[0], o->output_padding[1]},
                                    .dilation = {o->dilation[0], o->dilation[1]},
                                    .groups = o->groups});
}

erg_node *erg_convolution_apply(const erg_convolution *layer, erg_node *x) {
    if (!layer)
        return erg_graph_fail(erg_node_graph(x), "convolution: no layer");
    erg_node *y = convolve(layer, x);
    return layer->bias ? erg_add(y, erg_module_channels(layer->bias, 4)) : y;
}

/* norm.c: normalisation within a sample, y = (x - mean) / sqrt(var + epsilon) weight + bias, over
 * the last axes (layer norm, Ba et al. 2016) or over groups of channels (group norm, Wu & He 2018).
 * var is the mean square, without Bessel's correction. */
#include <math.h>

#include "module.h"
#include "options.h"

static bool check(erg_graph *graph, const char *module, erg_norm_options *options) {
    options->epsilon = erg_option(options->epsilon, 1e-5);
    return (options->epsilon >= 0 && isfinite(options->epsilon)) ||
           erg_graph_fail(graph, "%s: epsilon %g", module, options->epsilon);
}

/* The scale and shift that follow, if they are wanted. */
static void add_affine(erg_graph *graph, erg_shape shape, erg_norm_options options,
                       erg_node **weight, erg_node **bias) {
    if (options.no_affine)
        return;
    *weight = erg_module_param(graph, "weight", options.dtype, shape, 1);
    *bias = erg_module_param(graph, "bias", options.dtype, shape, 0);
}

static erg_node *normalise(erg_node *x, erg_axes axes, double epsilon) {
    erg_node *centred = erg_sub(x, erg_mean(x, axes, 1));
    erg_node *variance = erg_mean(erg_square(centred), axes, 1);
    return erg_mul(centred, erg_rsqrt(erg_add_scalar(variance, epsilon)));
}

/* ------------------------------------------------------------------------------- layer norm */

erg_layer_norm *erg_layer_norm_new(erg_graph *graph, const char *name, erg_shape shape,
                                   erg_norm_options options) {
    if (shape.ndim < 1 || erg_shape_size(shape) < 1) {
        erg_graph_fail(graph, "layer_norm: needs one or more axes, with a size of at least 1");
        return NULL;
    }
    if (!check(graph, "layer_norm", &options))
        return NULL;
    erg_layer_norm *norm = erg_module_open(graph, name, sizeof *norm);
    if (!norm)
        return NULL;
    norm->shape = shape;
    norm->epsilon = options.epsilon;
    add_affine(graph, shape, options, &norm->weight, &norm->bias);
    return erg_module_close(graph, norm);
}

/* True if x ends in the normalised axes, after at least one other. */
static bool ends_in(erg_shape x, erg_shape end) {
    bool ends = x.ndim > end.ndim;
    for (int i = 0; ends && i < end.ndim; i++)
        ends = x.dims[x.ndim - end.ndim + i] == end.dims[i];
    return ends;
}

erg_node *erg_layer_norm_apply(const erg_layer_norm *norm, erg_node *x) {
    if (!norm)
        return erg_graph_fail(erg_node_graph(x), "layer_norm: no layer");
    char text[ERG_SHAPE_TEXT];
    if (!ends_in(erg_node_shape(x), norm->shape))
        return erg_module_refuse("layer_norm", x, "(B, ...) and end in %s",
                                 erg_shape_text(norm->shape, text));
    erg_axes axes = {.count = norm->shape.ndim};
    for (int i = 0; i < axes.count; i++)
        axes.axis[i] = i - axes.count;
    erg_node *y = normalise(x, axes, norm->epsilon);
    return norm->weight ? erg_add(erg_mul(y, norm->weight), norm->bias) : y;
}

/* ------------------------------------------------------------------------------- group norm */

erg_group_norm *erg_group_norm_new(erg_graph *graph, const char *name, int64_t groups,
                                   int64_t channels, erg_norm_options options) {
    if (groups < 1 || channels < 1 || channels % groups != 0) {
        erg_graph_fail(graph, "group_norm: %lld groups of %lld channels", (long long)groups,
                       (long long)channels);
        return NULL;
    }
    if (!check(graph, "group_norm", &options))
        return NULL;
    erg_group_norm *norm = erg_module_open(graph, name, sizeof *norm);
    if (!norm)
        return NULL;
    norm->groups = groups;
    norm->channels = channels;
    norm->epsilon = options.epsilon;
    add_affine(graph, ERG_SHAPE(channels), options, &norm->weight, &norm->bias);
    return erg_module_close(graph, norm);
}

erg_node *erg_group_norm_apply(const erg_group_norm *norm, erg_node *x) {
    if (!norm)
        return erg_graph_fail(erg_node_graph(x), "group_norm: no layer");
    erg_shape shape = erg_node_shape(x);
    if (shape.ndim < 2 || shape.dims[1] != norm->channels)
        return erg_module_refuse("group_norm", x, "(B, %lld, ...)", (long long)norm->channels);
    int64_t size = norm->channels / norm->groups;
    for (int i = 2; i < shape.ndim; i++)
        size *= shape.dims[i];
    erg_node *grouped = ERG_RESHAPE(x, shape.dims[0], norm->groups, size);
    erg_node *y = normalise(grouped, ERG_AXES(2), norm->epsilon);
    y = erg_reshape(y, shape.ndim, shape.dims);
    return norm->weight ? erg_add(erg_mul(y, erg_module_channels(norm->weight, shape.ndim)),
                                  erg_module_channels(norm->bias, shape.ndim))
                        : y;
}

/* pool.c: pooling and upsampling of images (B, C, H, W), composed of other operations.
 *
 *     average   a convolution of each channel with a constant kernel
 *     maximum   the greatest of KH KW strided slices, one for each place in the window
 *     upsample  a broadcast along axes that a reshape puts in */
#include <limits.h>
#include <math.h>

#include "graph.h"

typedef struct window {
    int64_t kernel, stride, padding, places;
} window;

/* The windows of both axes; false after recording an error. */
static bool find_windows(erg_node *x, const char *operation, erg_pool2d_options o, window *axes) {
    char text[ERG_SHAPE_TEXT];
    if (!x || !erg_is_float(x->dtype) || x->shape.ndim != 4) {
        erg_graph_fail(x ? x->graph : NULL, "%s: operand 1 is %s%s%s", operation,
                       x ? erg_dtype_name(x->dtype) : "NULL", x ? " " : "",
                       x ? erg_shape_text(x->shape, text) : "");
        return false;
    }
    for (int k = 0; k < 2; k++) {
        window *axis = &axes[k];
        int64_t size = x->shape.dims[2 + k];
        *axis = (window){o.kernel[k], o.stride[k] ? o.stride[k] : o.kernel[k], o.padding[k], 0};
        if (axis->kernel < 1 || axis->kernel > INT_MAX || axis->stride < 1 || axis->padding < 0 ||
            axis->padding > axis->kernel / 2) {
            erg_graph_fail(
                x->graph,
                "%s: kernel %lld, stride %lld, padding %lld of axis %d: must be positive, "
                "and the padding at most half of the kernel",
                operation, (long long)axis->kernel, (long long)axis->stride,
                (long long)axis->padding, 2 + k);
            return false;
        }
        if (size < 1 || size - axis->kernel < -2 * axis->padding) {
            erg_graph_fail(x->graph, "%s: a kernel of %lld does not fit into %s with padding %lld",
                           operation, (long long)axis->kernel, erg_shape_text(x->shape, text),
                           (long long)axis->padding);
            return false;
        }
        axis->places = (size - axis->kernel + 2 * axis->padding) / axis->stride + 1;
    }
    return true;
}

/* Channels are images of one channel. */
erg_node *erg_avg_pool2d(erg_node *x, erg_pool2d_options options) {
    window axes[2];
    if (!find_windows(x, "avg_pool2d", options, axes))
        return NULL;
    const int64_t *n = x->shape.dims, height = axes[0].kernel, width = axes[1].kernel;
    erg_node *weight = erg_full(x->graph, x->dtype, ERG_SHAPE(1, 1, height, width),
                                1 / ((double)height * (double)width));
    erg_node *y = erg_conv2d(ERG_RESHAPE(x, n[0] * n[1], 1, n[2], n[3]), weight,
                             (erg_conv2d_options){.stride = {axes[0].stride, axes[1].stride},
                                                  .padding = {axes[0].padding, axes[1].padding}});
    return y ? ERG_RESHAPE(y, n[0], n[1], axes[0].places, axes[1].places) : NULL;
}

/* -infinity around the image. */
static erg_node *surround(erg_node *x, const window *axes) {
    erg_node *inside = erg_full_like(x, 1), *y = x;
    for (int k = 0; k < 2; k++) {
        inside = erg_pad(inside, 2 + k, axes[k].padding, axes[k].padding, 0);
        y = erg_pad(y, 2 + k, axes[k].padding, axes[k].padding, 0);
    }
    return y ? erg_where(inside, y, erg_full_like(y, -INFINITY)) : NULL;
}

/* Every place of the window's element number `at` along an axis. */
static erg_node *places(erg_node *x, int axis, window w, int64_t at) {
    return erg_slice(x, axis, at, at + (w.places - 1) * w.stride + 1, w.stride);
}

erg_node *erg_max_pool2d(erg_node *x, erg_pool2d_options options) {
    window axes[2];
    if (!find_windows(x, "max_pool2d", options, axes))
        return NULL;
    int64_t count = axes[0].kernel * axes[1].kernel;
    if (count > INT_MAX)
        return erg_graph_fail(x->graph, "max_pool2d: a kernel of %lld elements is too large",
                              (long long)count);
    erg_node **slices = erg_graph_alloc(x->graph, (size_t)count * sizeof *slices);
    if (!slices)
        return NULL;
    if (axes[0].padding > 0 || axes[1].padding > 0)
        x = surround(x, axes);
    for (int64_t u = 0; x && u < axes[0].kernel; u++) {
        erg_node *rows = places(x, 2, axes[0], u);
        for (int64_t v = 0; rows && v < axes[1].kernel; v++)
            slices[u * axes[1].kernel + v] = places(rows, 3, axes[1], v);
    }
    return erg_max(erg_stack(slices, (int)count, 0), ERG_AXES(0), 0);
}

erg_node *erg_upsample_nearest2d(erg_node *x, int64_t scale) {
    if (!x || x->shape.ndim != 4 || scale < 1) {
        char text[ERG_SHAPE_TEXT];
        return erg_graph_fail(x ? x->graph : NULL, "upsample_nearest2d: %s%s by %lld",
                              x ? "image " : "operand 1 is NULL",
                              x ? erg_shape_text(x->shape, text) : "", (long long)scale);
    }
    const int64_t *n = x->shape.dims;
    erg_node *y = erg_broadcast(ERG_RESHAPE(x, n[0], n[1], n[2], 1, n[3], 1),
                                ERG_SHAPE(n[0], n[1], n[2], scale, n[3], scale));
    return y ? ERG_RESHAPE(y, n[0], n[1], n[2] * scale, n[3] * scale) : NULL;
}

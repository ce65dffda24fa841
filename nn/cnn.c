/* cnn.c: a convolutional energy of images: four convolutions of stride 2, each followed by the
 * activation, then two linear layers (Lippe, UvA Deep Learning Tutorials 2020, tutorial 8). The
 * first convolution has a wide kernel and a wide padding, so that pixels at the rim are seen as
 * often as others. */
#include <stdio.h>

#include "module.h"

static const struct {
    int64_t kernel, padding, widths;
} convolutions[ERG_CNN_CONVOLUTIONS] = {{5, 4, 1}, {3, 1, 2}, {3, 1, 4}, {3, 1, 4}};

enum { STRIDE = 2 };

/* The pixels of an axis after all convolutions. */
static int64_t size_after(int64_t pixels) {
    for (int i = 0; i < ERG_CNN_CONVOLUTIONS; i++)
        pixels = (pixels + 2 * convolutions[i].padding - convolutions[i].kernel) / STRIDE + 1;
    return pixels;
}

static void build(erg_graph *graph, erg_cnn *cnn, erg_cnn_options options) {
    int64_t channels = cnn->image[0];
    for (int i = 0; i < ERG_CNN_CONVOLUTIONS; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        int64_t kernel = convolutions[i].kernel, padding = convolutions[i].padding;
        int64_t width = convolutions[i].widths * options.width;
        cnn->convolutions[i] =
            erg_convolution_new(graph, number, channels, width,
                                (erg_convolution_options){.dtype = options.dtype,
                                                          .kernel = {kernel, kernel},
                                                          .stride = {STRIDE, STRIDE},
                                                          .padding = {padding, padding},
                                                          .init = options.init,
                                                          .gain = options.gain});
        channels = width;
    }
    int64_t pixels = size_after(cnn->image[1]) * size_after(cnn->image[2]);
    cnn->top = erg_mlp_new(graph, "top", (int64_t[]){channels * pixels, channels, 1}, 3,
                           (erg_mlp_options){.dtype = options.dtype,
                                             .activation = options.activation,
                                             .init = options.init,
                                             .gain = options.gain});
}

erg_cnn *erg_cnn_new(erg_graph *graph, const char *name, const int64_t image[3],
                     erg_cnn_options options) {
    const int64_t most = INT16_MAX; /* products of three of them do not overflow */
    options.width = options.width != 0 ? options.width : 16;
    if (options.width < 1 || options.width > most) {
        erg_graph_fail(graph, "cnn: a width of %lld", (long long)options.width);
        return NULL;
    }
    for (int i = 0; i < 3; i++)
        if (!image || image[i] < 1 || image[i] > most) {
            erg_graph_fail(graph, "cnn: %s",
                           image ? "a size of the image is out of range" : "no sizes of the image");
            return NULL;
        }
    erg_cnn *cnn = erg_module_open(graph, name, sizeof *cnn);
    if (!cnn)
        return NULL;
    for (int i = 0; i < 3; i++)
        cnn->image[i] = image[i];
    cnn->activation = options.activation;
    build(graph, cnn, options);
    return erg_module_close(graph, cnn);
}

erg_node *erg_cnn_energy(void *self, erg_node *x) {
    const erg_cnn *cnn = self;
    if (!cnn)
        return erg_graph_fail(erg_node_graph(x), "cnn_energy: no network");
    erg_shape shape = erg_node_shape(x);
    const int64_t *image = cnn->image;
    if (shape.ndim != 4 || shape.dims[1] != image[0] || shape.dims[2] != image[1] ||
        shape.dims[3] != image[2])
        return erg_module_refuse("cnn_energy", x, "(B, %lld, %lld, %lld)", (long long)image[0],
                                 (long long)image[1], (long long)image[2]);
    for (int i = 0; i < ERG_CNN_CONVOLUTIONS; i++)
        x = erg_activate(cnn->activation, erg_convolution_apply(cnn->convolutions[i], x));
    return erg_mlp_energy(cnn->top, erg_flatten(x, 1));
}

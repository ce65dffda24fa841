/* noise_mlp.c: an MLP that is told how noisy its input is: one network for the energies of all
 * smoothed densities p_sigma (Song & Ermon 2019). log sigma becomes Fourier features, these a
 * vector c, and c scales and shifts each hidden layer: h <- activation(film(linear(h), c)). */
#include <stdio.h>

#include "module.h"

static void build(erg_graph *graph, erg_noise_mlp *net, const int64_t *sizes,
                  erg_noise_mlp_options options, int64_t width) {
    erg_linear_options linear = {.dtype = options.dtype};
    net->features =
        erg_fourier_new(graph, "features", 1, width / 2,
                        (erg_fourier_options){.dtype = options.dtype, .scale = options.scale});
    net->embed = erg_linear_new(graph, "embed", width, width, linear);
    for (int i = 0; i < net->n_layers; i++) {
        char number[16], film[24];
        snprintf(number, sizeof number, "%d", i);
        snprintf(film, sizeof film, "film%d", i);
        net->layers[i] = erg_linear_new(graph, number, sizes[i], sizes[i + 1], linear);
        if (i + 1 < net->n_layers)
            net->films[i] = erg_film_new(graph, film, width, sizes[i + 1], linear);
    }
}

erg_noise_mlp *erg_noise_mlp_new(erg_graph *graph, const char *name, const int64_t *sizes,
                                 int n_sizes, erg_noise_mlp_options options) {
    int64_t width = options.embedding != 0 ? options.embedding : 64;
    if (!sizes || n_sizes < 2) {
        erg_graph_fail(graph, "noise_mlp: needs at least two sizes");
        return NULL;
    }
    if (width < 2 || width % 2 != 0) {
        erg_graph_fail(graph, "noise_mlp: an embedding of width %lld, must be even",
                       (long long)width);
        return NULL;
    }
    erg_noise_mlp *net = erg_module_open(graph, name, sizeof *net);
    if (!net)
        return NULL;
    net->n_layers = n_sizes - 1;
    net->activation = options.activation;
    net->layers = erg_graph_alloc(graph, (size_t)n_sizes * sizeof *net->layers);
    net->films = erg_graph_alloc(graph, (size_t)n_sizes * sizeof *net->films);
    if (net->layers && net->films)
        build(graph, net, sizes, options, width);
    return erg_module_close(graph, net);
}

erg_node *erg_noise_mlp_apply(const erg_noise_mlp *net, erg_node *x, erg_node *noise) {
    if (!net)
        return erg_graph_fail(erg_node_graph(x), "noise_mlp: no network");
    erg_shape shape = erg_node_shape(noise);
    if (noise && shape.ndim > 1)
        return erg_graph_fail(erg_node_graph(x), "noise_mlp: the noise must have shape () or (B)");
    erg_node *level = ERG_RESHAPE(erg_log(noise), shape.ndim == 0 ? 1 : shape.dims[0], 1);
    erg_node *c = erg_linear_apply(net->embed, erg_fourier_apply(net->features, level));
    c = erg_activate(net->activation, c);
    for (int i = 0; i < net->n_layers; i++) {
        x = erg_linear_apply(net->layers[i], x);
        if (i + 1 < net->n_layers)
            x = erg_activate(net->activation, erg_film_apply(net->films[i], x, c));
    }
    return x;
}

erg_node *erg_noise_mlp_energy(void *self, erg_node *x, erg_node *noise) {
    return erg_squeeze(erg_noise_mlp_apply(self, x, noise), -1);
}

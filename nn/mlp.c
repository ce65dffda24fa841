/* mlp.c: the multi-layer perceptron, linear layers with an activation between them, and the energy
 * it makes when its last layer has one output. */
#include <stdio.h>

#include "module.h"

erg_mlp *erg_mlp_new(erg_graph *graph, const char *name, const int64_t *sizes, int n_sizes,
                     erg_mlp_options options) {
    if (!sizes || n_sizes < 2) {
        erg_graph_fail(graph, "mlp: needs at least two sizes");
        return NULL;
    }
    erg_mlp *mlp = erg_module_open(graph, name, sizeof *mlp);
    if (!mlp)
        return NULL;
    erg_linear **layers = erg_graph_alloc(graph, (size_t)n_sizes * sizeof *layers);
    *mlp = (erg_mlp){.n_layers = n_sizes - 1, .layers = layers, .activation = options.activation};
    erg_linear_options linear = {
        .dtype = options.dtype, .init = options.init, .gain = options.gain};
    for (int i = 0; layers && i < mlp->n_layers; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        layers[i] = erg_linear_new(graph, number, sizes[i], sizes[i + 1], linear);
    }
    return erg_module_close(graph, mlp);
}

erg_node *erg_mlp_apply(const erg_mlp *mlp, erg_node *x) {
    if (!mlp)
        return erg_graph_fail(erg_node_graph(x), "mlp: no module");
    for (int i = 0; i < mlp->n_layers; i++) {
        x = erg_linear_apply(mlp->layers[i], x);
        if (i + 1 < mlp->n_layers)
            x = erg_activate(mlp->activation, x);
    }
    return x;
}

erg_node *erg_mlp_energy(void *self, erg_node *x) {
    return erg_squeeze(erg_mlp_apply(self, x), -1);
}

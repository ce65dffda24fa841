/* residual.c: residual blocks, y = shortcut(x) + f(x), with the activations before the layers, so
 * that a path without any of them leads through all blocks (He et al. 2016b); and the residual
 * energy of images made of them, after IGEBM (Du & Mordatch 2019). */
#include <stdio.h>

#include "module.h"

/* Puts W / sigma(W) in the place of a layer's weight. Returns the effect that keeps sigma right. */
static erg_node *constrain(erg_graph *graph, const char *name, erg_node **weight,
                           erg_node *training) {
    erg_spectral_norm *norm = erg_spectral_norm_new(
        graph, name, *weight, (erg_spectral_norm_options){.training = training});
    if (!norm)
        return NULL;
    *weight = norm->weight;
    return norm->update;
}

/* ------------------------------------------------------------------------------- linear */

erg_residual_linear *erg_residual_linear_new(erg_graph *graph, const char *name, int64_t width,
                                             int64_t hidden, erg_mlp_options options) {
    erg_residual_linear *block = erg_module_open(graph, name, sizeof *block);
    if (!block)
        return NULL;
    erg_linear_options linear = {
        .dtype = options.dtype, .init = options.init, .gain = options.gain};
    block->activation = options.activation;
    block->linear1 = erg_linear_new(graph, "linear1", width, hidden, linear);
    block->linear2 = erg_linear_new(graph, "linear2", hidden, width, linear);
    return erg_module_close(graph, block);
}

erg_node *erg_residual_linear_apply(const erg_residual_linear *block, erg_node *x) {
    if (!block)
        return erg_graph_fail(erg_node_graph(x), "residual_linear: no block");
    erg_node *h = erg_linear_apply(block->linear1, erg_activate(block->activation, x));
    h = erg_linear_apply(block->linear2, erg_activate(block->activation, h));
    return erg_add(x, h);
}

/* ------------------------------------------------------------------------------- images */

static erg_convolution *convolution(erg_graph *graph, const char *name, int64_t in, int64_t out,
                                    int64_t kernel, erg_dtype dtype) {
    return erg_convolution_new(graph, name, in, out,
                               (erg_convolution_options){.dtype = dtype,
                                                         .kernel = {kernel, kernel},
                                                         .padding = {kernel / 2, kernel / 2}});
}

static void constrain_block(erg_graph *graph, erg_residual_block *block, erg_node *training) {
    int count = 0;
    erg_node *updates[3];
    updates[count++] = constrain(graph, "conv1", &block->conv1->weight, training);
    updates[count++] = constrain(graph, "conv2", &block->conv2->weight, training);
    if (block->shortcut)
        updates[count++] = constrain(graph, "shortcut", &block->shortcut->weight, training);
    block->update = erg_group(updates, count);
}

erg_residual_block *erg_residual_block_new(erg_graph *graph, const char *name, int64_t in,
                                           int64_t out, erg_residual_options options) {
    erg_residual_block *block = erg_module_open(graph, name, sizeof *block);
    if (!block)
        return NULL;
    block->activation = options.activation;
    block->down = options.down;
    erg_norm_options norm = {.dtype = options.dtype};
    if (options.groups != 0)
        block->norm1 = erg_group_norm_new(graph, "norm1", options.groups, in, norm);
    block->conv1 = convolution(graph, "conv1", in, out, 3, options.dtype);
    if (options.groups != 0)
        block->norm2 = erg_group_norm_new(graph, "norm2", options.groups, out, norm);
    block->conv2 = convolution(graph, "conv2", out, out, 3, options.dtype);
    if (in != out)
        block->shortcut = convolution(graph, "shortcut", in, out, 1, options.dtype);
    if (options.spectral_norm && !erg_graph_error(graph))
        constrain_block(graph, block, options.training);
    return erg_module_close(graph, block);
}

erg_node *erg_residual_block_apply(const erg_residual_block *block, erg_node *x) {
    if (!block)
        return erg_graph_fail(erg_node_graph(x), "residual_block: no block");
    erg_node *h = block->norm1 ? erg_group_norm_apply(block->norm1, x) : x;
    h = erg_convolution_apply(block->conv1, erg_activate(block->activation, h));
    h = block->norm2 ? erg_group_norm_apply(block->norm2, h) : h;
    h = erg_convolution_apply(block->conv2, erg_activate(block->activation, h));
    erg_node *y = erg_add(block->shortcut ? erg_convolution_apply(block->shortcut, x) : x, h);
    return block->down ? erg_avg_pool2d(y, (erg_pool2d_options){.kernel = {2, 2}}) : y;
}

/* ------------------------------------------------------------------------------- the energy */

static bool check(erg_graph *graph, int64_t channels, const int64_t *widths, int n_widths,
                  erg_resnet_options options) {
    if (!widths || n_widths < 1)
        return erg_graph_fail(graph, "resnet: needs at least one width");
    for (int i = 0; i < n_widths; i++)
        if (widths[i] < 1)
            return erg_graph_fail(graph, "resnet: width %d is %lld", i, (long long)widths[i]);
    return (channels >= 1 && options.blocks >= 1 && options.blocks <= INT16_MAX &&
            n_widths <= INT16_MAX) ||
           erg_graph_fail(graph, "resnet: %lld channels, %d widths, %d blocks of each",
                          (long long)channels, n_widths, options.blocks);
}

/* Stem, blocks and the dense layer. */
static void build(erg_graph *graph, erg_resnet *net, int64_t channels, const int64_t *widths,
                  int blocks_of_a_width, erg_residual_options options) {
    net->stem = convolution(graph, "stem", channels, widths[0], 3, options.dtype);
    int64_t width = widths[0];
    for (int i = 0; i < net->n_blocks; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        int64_t next = widths[i / blocks_of_a_width];
        options.down = i % blocks_of_a_width == 0;
        net->blocks[i] = erg_residual_block_new(graph, number, width, next, options);
        width = next;
    }
    net->dense =
        erg_linear_new(graph, "dense", width, 1, (erg_linear_options){.dtype = options.dtype});
}

static void constrain_net(erg_graph *graph, erg_resnet *net, erg_node *training) {
    size_t count = (size_t)net->n_blocks + 2;
    erg_node **updates = erg_graph_alloc(graph, count * sizeof *updates);
    if (!updates)
        return;
    for (int i = 0; i < net->n_blocks; i++)
        updates[i] = net->blocks[i]->update;
    updates[count - 2] = constrain(graph, "stem", &net->stem->weight, training);
    updates[count - 1] = constrain(graph, "dense", &net->dense->weight, training);
    net->update = erg_group(updates, (int)count);
}

erg_resnet *erg_resnet_new(erg_graph *graph, const char *name, int64_t channels,
                           const int64_t *widths, int n_widths, erg_resnet_options options) {
    options.blocks = options.blocks != 0 ? options.blocks : 2;
    if (!check(graph, channels, widths, n_widths, options))
        return NULL;
    erg_resnet *net = erg_module_open(graph, name, sizeof *net);
    if (!net)
        return NULL;
    net->activation = options.activation;
    net->n_blocks = n_widths * options.blocks;
    net->blocks = erg_graph_alloc(graph, (size_t)net->n_blocks * sizeof *net->blocks);
    bool spectral_norm = !options.no_spectral_norm;
    if (net->blocks)
        build(graph, net, channels, widths, options.blocks,
              (erg_residual_options){.dtype = options.dtype,
                                     .activation = options.activation,
                                     .spectral_norm = spectral_norm,
                                     .training = options.training});
    if (spectral_norm && !erg_graph_error(graph))
        constrain_net(graph, net, options.training);
    return erg_module_close(graph, net);
}

erg_node *erg_resnet_energy(void *self, erg_node *x) {
    const erg_resnet *net = self;
    if (!net)
        return erg_graph_fail(erg_node_graph(x), "resnet_energy: no network");
    erg_node *h = erg_convolution_apply(net->stem, x);
    for (int i = 0; i < net->n_blocks; i++)
        h = erg_residual_block_apply(net->blocks[i], h);
    h = erg_sum(erg_activate(net->activation, h), ERG_AXES(2, 3), 0);
    return erg_squeeze(erg_linear_apply(net->dense, h), -1);
}

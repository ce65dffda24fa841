/* reconstruction.c: an energy trained by what descending it does. From a corrupted sample,
 *
 *     x_0 = corrupted,   x_(i+1) = x_i - step_size grad E(x_i),
 *     loss = 1/2 mean |x_k - clean|^2,
 *
 * with the derivative through all k steps (Domke 2012; Belanger & McCallum 2016). No sampling and
 * no Z: the energy is a machine that repairs. One step of size sigma^2 from noise of sigma is
 * denoising score matching times sigma^4: the best denoiser is x~ + sigma^2 score (Robbins
 * 1956). */
#include "parts.h"

erg_node *erg_reconstruct(erg_energy energy, erg_node *corrupted,
                          erg_reconstruction_options options) {
    erg_reconstruction_options o = options;
    o.steps = o.steps ? o.steps : 1;
    if (o.steps < 1)
        return erg_graph_fail(erg_node_graph(corrupted), "reconstruct: %lld steps",
                              (long long)o.steps);
    erg_langevin_options descent = {
        .step_size = o.step_size, .step_size_node = o.step_size_node, .noise = ERG_ZERO};
    erg_node *x = corrupted;
    for (int64_t k = 0; k < o.steps; k++) {
        erg_node *next = erg_langevin(energy, x, descent);
        if (!next)
            return NULL;
        x = o.missing ? erg_where(o.missing, next, x) : next;
    }
    return x;
}

erg_node *erg_reconstruction_loss(erg_energy energy, erg_node *corrupted, erg_node *clean,
                                  erg_reconstruction_options options) {
    erg_shape from = erg_node_shape(corrupted), to = erg_node_shape(clean);
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!corrupted || !clean || !erg_shape_equal(from, to))
        return erg_graph_fail(erg_node_graph(corrupted ? corrupted : clean),
                              "reconstruction_loss: corrupted %s, clean %s",
                              erg_shape_text(from, a), erg_shape_text(to, b));
    if (from.ndim > 0 && from.dims[0] == 0)
        return erg_graph_fail(erg_node_graph(clean), "reconstruction_loss: an empty batch");
    erg_node *miss = erg_sub(erg_reconstruct(energy, corrupted, options), clean);
    return erg_mul_scalar(erg_mean(erg_samples_sum(erg_square(miss)), ERG_ALL, 0), 0.5);
}

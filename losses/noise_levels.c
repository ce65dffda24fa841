/* noise_levels.c: denoising score matching at many levels of noise (Song & Ermon 2019). Each sample
 * has a level sigma of its own and is moved to
 *
 *     x~ = a x + sigma n,    a = 1, or a = sqrt(1 - sigma^2), which preserves the variance of data
 *                            with unit variance (Ho, Jain & Abbeel 2020),
 *
 * whose score given x is -n / sigma for either a. Weights lambda(sigma) = sigma^2 make all levels
 * count alike: lambda |n / sigma|^2 is |n|^2. */
#include <stdbool.h>

#include "samples.h"

static bool check(erg_node *data, erg_denoising_levels_options o) {
    erg_graph *graph = erg_node_graph(data);
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_shape shape = erg_node_shape(data), levels = erg_node_shape(o.sigmas);
    if (!data || shape.ndim < 1)
        return erg_graph_fail(graph, "denoising_levels: no %s", data ? "batch axis" : "data");
    if (levels.ndim != 1 || levels.dims[0] < 1)
        return erg_graph_fail(graph, "denoising_levels: no sigmas (K)");
    if (o.weights && !erg_shape_equal(levels, erg_node_shape(o.weights)))
        return erg_graph_fail(graph, "denoising_levels: weights %s for sigmas %s",
                              erg_shape_text(erg_node_shape(o.weights), a),
                              erg_shape_text(levels, b));
    if (o.levels && !erg_shape_equal(erg_node_shape(o.levels), ERG_SHAPE(shape.dims[0])))
        return erg_graph_fail(graph, "denoising_levels: levels %s for data %s",
                              erg_shape_text(erg_node_shape(o.levels), a),
                              erg_shape_text(shape, b));
    if (o.noise && !erg_shape_equal(shape, erg_node_shape(o.noise)))
        return erg_graph_fail(graph, "denoising_levels: noise is %s, data %s",
                              erg_shape_text(erg_node_shape(o.noise), a), erg_shape_text(shape, b));
    return true;
}

/* Which level each sample has, int32 (B): all equally likely. */
static erg_node *draw_levels(erg_node *data, int64_t count) {
    erg_shape shape = ERG_SHAPE(erg_node_shape(data).dims[0], count);
    return erg_categorical(erg_full(erg_node_graph(data), erg_node_dtype(data), shape, 0));
}

erg_node *erg_denoising_levels(erg_pair_energy energy, erg_node *data,
                               erg_denoising_levels_options options) {
    erg_denoising_levels_options o = options;
    if (!check(data, o))
        return NULL;
    erg_node *level = o.levels ? o.levels : draw_levels(data, erg_node_shape(o.sigmas).dims[0]);
    erg_node *noise =
        o.noise ? o.noise
                : erg_normal(erg_node_graph(data), erg_node_dtype(data), erg_node_shape(data));
    erg_node *sigma = erg_take(o.sigmas, level, 0), *kept = data;
    if (o.variance_preserving) {
        erg_node *scale = erg_sqrt(erg_add_scalar(erg_neg(erg_square(sigma)), 1));
        kept = erg_samples_scale(scale, data);
    }
    erg_node *moved = erg_add(kept, erg_samples_scale(sigma, noise));
    erg_node *e = erg_pair_energy_apply(energy, moved, sigma);
    if (!e)
        return NULL;
    /* sigma times the residual s + n / sigma, with s = -gradient. */
    erg_node *residual = erg_sub(noise, erg_samples_scale(sigma, erg_gradient(e, moved)));
    if (o.weights) {
        erg_node *weight = erg_sqrt(erg_take(o.weights, level, 0));
        residual = erg_samples_scale(erg_div(weight, sigma), residual);
    }
    return erg_samples_half_square(residual);
}

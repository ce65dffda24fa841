/* score_matching.c: fitting the score s = -grad E to the data's, which needs no normaliser: Z does
 * not depend on x. All three minimise the Fisher divergence F = 1/2 E |s - s_data|^2, to the data's
 * density or to that of the data with noise.
 *
 *   explicit    s_data is known: F itself
 *   exact       integration by parts (Hyvarinen 2005): F = E[1/2 |s|^2 + div s] + constant, and
 *               div s = -Laplacian E
 *   denoising   for x~ = x + sigma n the best s(x~) given x is -n / sigma; its mean given x~ is the
 *               score of the density of x~ (Vincent 2011) */
#include "losses.h"

/* Sum over the sample, mean over the batch. */
static erg_node *half_mean_square(erg_node *x) {
    erg_node *square = erg_square(erg_flatten(x, 1));
    return erg_mul_scalar(erg_mean(erg_sum(square, ERG_AXES(1), 0), ERG_ALL, 0), 0.5);
}

erg_node *erg_fisher_divergence(erg_energy energy, erg_energy data_energy, erg_node *x) {
    return half_mean_square(erg_sub(erg_score(energy, x), erg_score(data_energy, x)));
}

erg_node *erg_score_matching(erg_energy energy, erg_node *data) {
    erg_node *e = erg_energy_apply(energy, data);
    if (!e)
        return NULL;
    erg_node *kinetic = half_mean_square(erg_gradient(e, data));
    return erg_sub(kinetic, erg_mean(erg_laplacian(e, data), ERG_ALL, 0));
}

erg_node *erg_denoising_score_matching(erg_energy energy, erg_node *data,
                                       erg_denoising_options options) {
    erg_graph *graph = erg_node_graph(data);
    erg_dtype dtype = erg_node_dtype(data);
    if (!(options.sigma >= 0))
        return erg_graph_fail(graph, "denoising_score_matching: sigma %g", options.sigma);
    erg_node *sigma = options.sigma_node;
    if (!sigma)
        sigma = erg_scalar(graph, dtype, options.sigma != 0 ? options.sigma : 0.1);
    erg_node *noise = options.noise;
    if (!noise)
        noise = erg_normal(graph, dtype, erg_node_shape(data));
    erg_node *score = erg_score(energy, erg_add(data, erg_mul(sigma, noise)));
    return half_mean_square(erg_add(score, erg_div(noise, sigma)));
}

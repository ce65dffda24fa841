/* score_matching.c: fitting the score s = -grad E to the data's, which needs no normaliser: Z does
 * not depend on x. All three minimise the Fisher divergence F = 1/2 E |s - s_data|^2, to the data's
 * density or to that of the data with noise.
 *
 *   explicit    s_data is known: F itself
 *   exact       integration by parts (Hyvarinen 2005): F = E[1/2 |s|^2 + div s] + constant, and
 *               div s = -Laplacian E
 *   denoising   for x~ = x + sigma n the best s(x~) given x is -n / sigma; its mean given x~ is the
 *               score of the density of x~ (Vincent 2011) */
#include <math.h>
#include <stdbool.h>

#include "samples.h"

erg_node *erg_fisher_divergence(erg_energy energy, erg_energy data_energy, erg_node *x) {
    return erg_samples_half_square(erg_sub(erg_score(energy, x), erg_score(data_energy, x)));
}

erg_node *erg_score_matching(erg_energy energy, erg_node *data) {
    erg_node *e = erg_energy_apply(energy, data);
    if (!e)
        return NULL;
    erg_node *kinetic = erg_samples_half_square(erg_gradient(e, data));
    return erg_sub(kinetic, erg_mean(erg_laplacian(e, data), ERG_ALL, 0));
}

static bool check_denoising(erg_node *data, erg_denoising_options o) {
    erg_graph *graph = erg_node_graph(data);
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_shape shape = erg_node_shape(data), noise = erg_node_shape(o.noise);
    if (!data)
        return erg_graph_fail(graph, "denoising_score_matching: no data");
    if (!(o.sigma > 0 && isfinite(o.sigma)))
        return erg_graph_fail(graph, "denoising_score_matching: sigma %g", o.sigma);
    if (o.sigma_node && erg_node_shape(o.sigma_node).ndim != 0)
        return erg_graph_fail(graph, "denoising_score_matching: sigma must have shape ()");
    if (o.noise && !erg_shape_equal(shape, noise))
        return erg_graph_fail(graph, "denoising_score_matching: noise is %s, data %s",
                              erg_shape_text(noise, a), erg_shape_text(shape, b));
    return true;
}

erg_node *erg_denoising_score_matching(erg_energy energy, erg_node *data,
                                       erg_denoising_options options) {
    erg_denoising_options o = options;
    o.sigma = o.sigma != 0 ? o.sigma : 0.1;
    if (!check_denoising(data, o))
        return NULL;
    erg_graph *graph = erg_node_graph(data);
    erg_dtype dtype = erg_node_dtype(data);
    erg_node *sigma = o.sigma_node ? o.sigma_node : erg_scalar(graph, dtype, o.sigma);
    erg_node *noise = o.noise ? o.noise : erg_normal(graph, dtype, erg_node_shape(data));
    erg_node *score = erg_score(energy, erg_add(data, erg_mul(sigma, noise)));
    return erg_samples_half_square(erg_add(score, erg_div(noise, sigma)));
}

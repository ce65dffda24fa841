/* recovery.c: diffusion recovery likelihood (Gao, Song, Poole, Wu & Kingma 2021). Given the noisy
 * x~ = x + sigma n, n ~ N(0, I), the clean x has the conditional density
 *
 *     p(x | x~) proportional to exp(-E(x) - |x~ - x|^2 / 2 sigma^2),
 *
 * whose likelihood is maximised. It lies around x~, nearly a Gaussian for small sigma, so that
 * short chains from x~ sample it well; and the best E is still the energy of the data. */
#include "parts.h"

typedef struct recovery {
    erg_energy energy;
    erg_node *noisy, *sigma;
} recovery;

static erg_node *conditional_energy(void *self, erg_node *x) {
    const recovery *r = self;
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (x && !erg_shape_equal(erg_node_shape(x), erg_node_shape(r->noisy)))
        return erg_graph_fail(erg_node_graph(x), "recovery_energy: x is %s, the noisy %s",
                              erg_shape_text(erg_node_shape(x), a),
                              erg_shape_text(erg_node_shape(r->noisy), b));
    erg_node *e = erg_energy_apply(r->energy, x);
    erg_node *square = erg_samples_sum(erg_square(erg_sub(x, r->noisy)));
    erg_node *precision = erg_reciprocal(erg_mul_scalar(erg_square(r->sigma), 2));
    return erg_add(e, erg_mul(square, precision));
}

/* sigma is () or one number a sample. */
static bool check(erg_graph *graph, erg_node *noisy, erg_recovery_options o) {
    erg_shape shape = erg_node_shape(noisy), sigma = erg_node_shape(o.sigma_node);
    if (!noisy || shape.ndim < 1)
        return erg_graph_fail(graph, "recovery_energy: no noisy samples with a batch axis");
    if (!(o.sigma > 0 && isfinite(o.sigma)))
        return erg_graph_fail(graph, "recovery_energy: sigma %g", o.sigma);
    return !o.sigma_node || sigma.ndim == 0 || erg_shape_equal(sigma, ERG_SHAPE(shape.dims[0])) ||
           erg_graph_fail(graph, "recovery_energy: sigma must have shape () or (B)");
}

erg_energy erg_recovery_energy(erg_energy energy, erg_node *noisy, erg_recovery_options options) {
    erg_recovery_options o = options;
    erg_graph *graph = erg_node_graph(noisy);
    o.sigma = erg_loss_option(o.sigma, 0.1);
    recovery *own = check(graph, noisy, o) ? erg_graph_alloc(graph, sizeof *own) : NULL;
    if (!own)
        return (erg_energy){0};
    own->energy = energy;
    own->noisy = erg_stop_gradient(noisy);
    own->sigma = o.sigma_node ? o.sigma_node : erg_scalar(graph, erg_node_dtype(noisy), o.sigma);
    return (erg_energy){conditional_energy, own};
}

erg_node *erg_recovery_likelihood(erg_energy energy, erg_node *data, erg_node *noisy,
                                  erg_node *negatives, erg_recovery_options options) {
    erg_energy conditional = erg_recovery_energy(energy, noisy, options);
    if (!conditional.fn)
        return NULL;
    return erg_contrastive_divergence(conditional, data, negatives, (erg_contrastive_options){0});
}

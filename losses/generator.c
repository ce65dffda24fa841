/* generator.c: negatives from a generator instead of chains (VERA, Grathwohl et al. 2021). A latent
 * z ~ N(0, I) gives x = g(z) + sigma n, n ~ N(0, I). The generator minimises
 *
 *     KL(q || p) = mean E(x) - H(q) + log Z,   dH/dphi = -mean s_q(x) dx/dphi,
 *
 * with s_q = grad log q of its own density. By Fisher's identity s_q(x) is the mean of the score of
 * x given z', (g(z') - x) / sigma^2, over the posterior of z' given x. That is narrow around the z
 * which x came from: importance sampling with z' ~ N(z, eta^2 I). */
#include "parts.h"

static erg_node *normal_like(erg_node *x) {
    return erg_normal(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
}

static erg_generator_options defaults(erg_generator_options o) {
    o.sigma = erg_loss_option(o.sigma, 0.1);
    o.proposal = erg_loss_option(o.proposal, 0.1);
    o.samples = o.samples ? o.samples : 20;
    o.entropy_weight = erg_loss_option(o.entropy_weight, 1);
    return o;
}

static bool check(const char *function, erg_generator generator, erg_node *z,
                  erg_generator_options o) {
    erg_graph *graph = erg_node_graph(z);
    if (!generator.fn || !z)
        return erg_graph_fail(graph, "%s: no %s", function, z ? "generator" : "z");
    if (erg_node_shape(z).ndim != 2)
        return erg_graph_fail(graph, "%s: z must be (B, width)", function);
    return (o.sigma > 0 && isfinite(o.sigma) && o.proposal > 0 && isfinite(o.proposal) &&
            o.samples >= 1 && o.entropy_weight >= 0 && isfinite(o.entropy_weight)) ||
           erg_graph_fail(graph,
                          "%s: sigma %g, proposal %g, %lld samples, weight of the entropy %g",
                          function, o.sigma, o.proposal, (long long)o.samples, o.entropy_weight);
}

erg_node *erg_generator_sample(erg_generator generator, erg_node *z,
                               erg_generator_options options) {
    erg_generator_options o = defaults(options);
    if (!check("generator_sample", generator, z, o))
        return NULL;
    erg_node *mean = generator.fn(generator.self, z);
    if (!mean)
        return NULL;
    erg_shape shape = erg_node_shape(mean), noise = erg_node_shape(o.noise);
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (shape.ndim < 1 || shape.dims[0] != erg_node_shape(z).dims[0] ||
        (o.noise && !erg_shape_equal(shape, noise)))
        return erg_graph_fail(erg_node_graph(z), "generator_sample: z %s gave %s",
                              erg_shape_text(erg_node_shape(z), a), erg_shape_text(shape, b));
    return erg_add(mean, erg_mul_scalar(o.noise ? o.noise : normal_like(mean), o.sigma));
}

/* grad log q(x), (B, D), for x (B, D) made from z (B, W): the mean of (g(z') - x) / sigma^2 under
 * weights p(z') q(x | z') / N(z'; z, eta^2 I). */
static erg_node *own_score(erg_generator generator, erg_node *z, erg_node *x,
                           erg_generator_options o) {
    int64_t batch = erg_node_shape(z).dims[0], width = erg_node_shape(z).dims[1];
    erg_node *step =
        erg_normal(erg_node_graph(z), erg_node_dtype(z), ERG_SHAPE(o.samples, batch, width));
    erg_node *near = erg_add(z, erg_mul_scalar(step, o.proposal));
    erg_node *means = generator.fn(generator.self, ERG_RESHAPE(near, -1, width));
    erg_node *apart = erg_sub(ERG_RESHAPE(means, o.samples, batch, -1), x);
    erg_node *miss = erg_sum(erg_square(apart), ERG_AXES(2), 0);
    erg_node *prior = erg_sum(erg_sub(erg_square(near), erg_square(step)), ERG_AXES(2), 0);
    erg_node *log_weight =
        erg_mul_scalar(erg_add(erg_mul_scalar(miss, 1 / (o.sigma * o.sigma)), prior), -0.5);
    erg_node *weight = erg_unsqueeze(erg_softmax(log_weight, 0), 2);
    erg_node *mean = erg_sum(erg_mul(weight, apart), ERG_AXES(0), 0);
    return erg_mul_scalar(mean, 1 / (o.sigma * o.sigma));
}

erg_node *erg_generator_loss(erg_energy energy, erg_generator generator, erg_node *z, erg_node *x,
                             erg_generator_options options) {
    erg_generator_options o = defaults(options);
    if (!check("generator_loss", generator, z, o))
        return NULL;
    erg_shape shape = erg_node_shape(x);
    if (!x || shape.ndim < 1 || shape.dims[0] != erg_node_shape(z).dims[0])
        return erg_graph_fail(erg_node_graph(z), "generator_loss: no x of z's batch");
    erg_node *value = erg_energy_held(energy, x);
    if (value && o.entropy_weight > 0) {
        erg_node *flat = ERG_RESHAPE(x, shape.dims[0], -1);
        erg_node *score = own_score(generator, z, flat, o);
        value = erg_add(value, erg_mul_scalar(erg_pull(flat, score), o.entropy_weight));
    }
    return erg_mean(value, ERG_ALL, 0);
}

/* noise_contrastive.c: noise-contrastive estimation (Gutmann & Hyvarinen 2010, 2012). To tell data
 * from samples of a known density p_n, of which there are nu for each of the data, the best logit is
 *
 *     log p(x) - log p_n(x) - log nu,
 *
 * so a logistic regression with this logit, log p(x) = -E(x) - log Z, finds E and log Z. The other
 * way round, any classifier of data against noise is an energy. */
#include <math.h>
#include <stdbool.h>

#include "losses.h"

erg_node *erg_logistic_loss(erg_node *positive, erg_node *negative, double ratio) {
    if (!(ratio > 0 && isfinite(ratio)))
        return erg_graph_fail(erg_node_graph(positive), "logistic_loss: ratio %g", ratio);
    erg_node *found = erg_mean(erg_softplus(erg_neg(positive)), ERG_ALL, 0);
    erg_node *false_alarm = erg_mean(erg_softplus(negative), ERG_ALL, 0);
    return erg_add(found, erg_mul_scalar(false_alarm, ratio));
}

/* log p - log p_n - log nu, (B). */
static erg_node *logit(erg_energy energy, erg_noise noise, erg_node *x, erg_node *log_z,
                       double log_ratio) {
    erg_node *gap = erg_sub(erg_energy_apply(noise.energy, x), erg_energy_apply(energy, x));
    gap = log_z ? erg_sub(gap, log_z) : gap;
    return erg_add_scalar(gap, noise.log_z - log_ratio);
}

static bool check(erg_node *data, erg_node *samples, erg_noise noise,
                  erg_noise_contrastive_options o) {
    erg_graph *graph = erg_node_graph(data);
    const char *name = "noise_contrastive";
    if (!data || !samples)
        return erg_graph_fail(graph ? graph : erg_node_graph(samples), "%s: no %s", name,
                              data ? "samples of the noise" : "data");
    if (erg_node_shape(data).ndim < 1 || erg_node_shape(samples).ndim < 1)
        return erg_graph_fail(graph, "%s: data and noise need a batch axis", name);
    if (!(o.ratio >= 0 && isfinite(o.ratio)) || !isfinite(noise.log_z))
        return erg_graph_fail(graph, "%s: ratio %g, log Z of the noise %g", name, o.ratio,
                              noise.log_z);
    return !o.log_z || erg_node_shape(o.log_z).ndim == 0 ||
           erg_graph_fail(graph, "%s: log Z must have shape ()", name);
}

erg_node *erg_noise_contrastive(erg_energy energy, erg_node *data, erg_node *samples,
                                erg_noise noise, erg_noise_contrastive_options options) {
    if (!check(data, samples, noise, options))
        return NULL;
    double rows = (double)erg_node_shape(samples).dims[0];
    double ratio = options.ratio != 0 ? options.ratio : rows / (double)erg_node_shape(data).dims[0];
    erg_node *positive = logit(energy, noise, data, options.log_z, log(ratio));
    erg_node *negative = logit(energy, noise, samples, options.log_z, log(ratio));
    return erg_logistic_loss(positive, negative, ratio);
}

/* ------------------------------------------------------------------------------- the bridge */

typedef struct classifier {
    erg_energy logit;
    erg_noise noise;
    double log_ratio;
} classifier;

/* E = -log p_n - log nu - logit. */
static erg_node *energy_of(void *self, erg_node *x) {
    const classifier *c = self;
    erg_node *gap = erg_sub(erg_energy_apply(c->noise.energy, x), erg_energy_apply(c->logit, x));
    return erg_add_scalar(gap, c->noise.log_z - c->log_ratio);
}

erg_energy erg_logistic_energy(erg_graph *graph, erg_energy logit_of, erg_noise noise,
                               double ratio) {
    const erg_energy nothing = {0};
    if (!logit_of.fn || !noise.energy.fn || !(ratio > 0 && isfinite(ratio)))
        return erg_graph_fail(graph, "logistic_energy: %s, ratio %g",
                              logit_of.fn && noise.energy.fn ? "two functions" : "no function",
                              ratio),
               nothing;
    classifier *own = erg_graph_alloc(graph, sizeof *own);
    if (!own)
        return nothing;
    *own = (classifier){logit_of, noise, log(ratio)};
    return (erg_energy){energy_of, own};
}

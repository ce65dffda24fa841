/* fit2d_losses.c: the table of losses, and those that need no chains. A loss is one row and one
 * function that builds it from the batch and the energy. */
#include <math.h>
#include <string.h>

#include "fit2d.h"
#include "fit2d_chains.h"

/* ------------------------------------------------------------------------------- score matching */

/* -log p of the data, where it is known, in the dtype of the model. */
static erg_node *exact_energy(void *energy, erg_node *x) {
    const erg_energy *exact = energy;
    return erg_cast(erg_energy_apply(*exact, erg_cast(x, ERG_FLOAT64)), ERG_FLOAT32);
}

static bool build_fisher(objective *o) {
    if (!o->data->exact.fn)
        return erg_fail(ERG_ERROR_ARGUMENT, "fisher: the score of \"%s\" is not known",
                        o->options->data) == ERG_OK;
    erg_energy *exact = erg_graph_alloc(o->graph, sizeof *exact);
    if (!exact)
        return false;
    *exact = o->data->exact;
    o->loss = erg_fisher_divergence(o->energy, (erg_energy){exact_energy, exact}, o->batch);
    return o->loss;
}

static bool build_sm(objective *o) {
    o->loss = erg_score_matching(o->energy, o->batch);
    return o->loss;
}

static bool build_sm_batched(objective *o) {
    erg_trace_options options = {.trace = ERG_TRACE_BATCHED};
    o->loss = erg_trace_score_matching(o->energy, o->batch, options);
    return o->loss;
}

static bool build_hutchinson(objective *o) {
    erg_trace_options options = {.trace = ERG_TRACE_HUTCHINSON,
                                 .projections = {.count = o->options->set.count}};
    o->loss = erg_trace_score_matching(o->energy, o->batch, options);
    return o->loss;
}

static bool build_sliced(objective *o) {
    erg_sliced_options options = {.projections = {.count = o->options->set.count}};
    o->loss = erg_sliced_score_matching(o->energy, o->batch, options);
    return o->loss;
}

static bool build_sliced_plain(objective *o) {
    erg_sliced_options options = {.projections = {.count = o->options->set.count}, .plain = 1};
    o->loss = erg_sliced_score_matching(o->energy, o->batch, options);
    return o->loss;
}

static bool build_difference(objective *o) {
    erg_finite_difference_options options = {.step = o->options->set.sigma,
                                             .projections = {.count = o->options->set.count}};
    o->loss = erg_finite_difference_score_matching(o->energy, o->batch, options);
    return o->loss;
}

/* The network again, layer by layer, as its bends are named; the square of the bowl is one more. */
static bool build_curvature(objective *o) {
    const erg_mlp *mlp = o->model->mlp;
    erg_bend bends[4];
    int n = 0;
    erg_node *h = o->batch;
    for (int i = 0; i + 1 < mlp->n_layers; i++) {
        bends[n].before = erg_linear_apply(mlp->layers[i], h);
        bends[n].after = h = erg_activate(mlp->activation, bends[n].before);
        n++;
    }
    erg_node *e = erg_squeeze(erg_linear_apply(mlp->layers[mlp->n_layers - 1], h), 1);
    if (o->model->base > 0) {
        bends[n++] = (erg_bend){o->batch, erg_square(o->batch)};
        erg_node *bowl = erg_sum(bends[n - 1].after, ERG_AXES(1), 0);
        e = erg_add(e, erg_mul_scalar(bowl, o->model->base / 2));
    }
    erg_projections projections = {.count = o->options->set.count};
    o->loss = erg_curvature_propagation(e, o->batch, bends, n, projections);
    return o->loss;
}

static bool build_stein(objective *o) {
    erg_stein_options options = {.bandwidth = o->options->set.sigma};
    o->loss = erg_stein_discrepancy(o->energy, o->batch, options);
    return o->loss;
}

/* ------------------------------------------------------------------------------- denoising */

/* Pairs of noise n and -n, whose errors of odd order cancel: the batch stands there twice. */
static bool build_dsm(objective *o) {
    erg_node *half = erg_normal(o->graph, ERG_FLOAT32, erg_node_shape(o->batch));
    erg_node *noise[] = {half, erg_neg(half)}, *data[] = {o->batch, o->batch};
    erg_denoising_options options = {.sigma = o->options->set.sigma,
                                     .noise = erg_concat(noise, 2, 0)};
    o->loss = erg_denoising_score_matching(o->energy, erg_concat(data, 2, 0), options);
    return o->loss;
}

/* The geometric levels from `highest` down to sigma. */
static erg_node *levels_down_to_sigma(const objective *o, double highest) {
    int64_t n = o->options->set.count;
    double ratio = pow(o->options->set.sigma / highest, n > 1 ? 1 / (double)(n - 1) : 0);
    erg_tensor *sigmas = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(n));
    for (int64_t i = 0; sigmas && i < n; i++)
        erg_tensor_set(sigmas, i, highest * pow(ratio, (double)i));
    erg_node *node = sigmas ? erg_constant(o->graph, sigmas) : NULL;
    erg_tensor_free(sigmas);
    return node;
}

static bool build_ncsn(objective *o) {
    erg_denoising_levels_options options = {.sigmas = levels_down_to_sigma(o, 1)};
    o->loss = erg_denoising_levels(o->model->levels, o->batch, options);
    return o->loss;
}

static bool build_vp(objective *o) {
    erg_denoising_levels_options options = {.sigmas = levels_down_to_sigma(o, 0.99),
                                            .variance_preserving = 1};
    o->loss = erg_denoising_levels(o->model->levels, o->batch, options);
    return o->loss;
}

static erg_node *corrupt(const objective *o, erg_node *x) {
    erg_node *noise = erg_normal(o->graph, ERG_FLOAT32, erg_node_shape(x));
    return erg_add(x, erg_mul_scalar(noise, o->options->set.sigma));
}

/* k steps of sigma^2 / k. */
static bool build_reconstruction(objective *o) {
    const settings *set = &o->options->set;
    erg_reconstruction_options options = {
        .steps = set->count, .step_size = set->sigma * set->sigma / (double)set->count};
    erg_node *loss = erg_reconstruction_loss(o->energy, corrupt(o, o->batch), o->batch, options);
    /* The size of a denoising loss, so that the same learning rate and gradient norms fit. */
    o->loss = erg_mul_scalar(loss, pow(set->sigma, -4));
    return o->loss;
}

/* ------------------------------------------------------------------------------- noise contrast */

/* `count` points of noise for each point of the data. */
static erg_node *contrast(const objective *o, erg_gaussian *gaussian) {
    return gaussian ? erg_gaussian_sample(gaussian, o->options->set.count * o->options->batch)
                    : NULL;
}

/* log Z, learned with the energy. */
static erg_node *log_z_param(erg_graph *graph) {
    erg_scope_push(graph, "energy");
    erg_node *log_z = erg_param(graph, "log_z", ERG_FLOAT32, ERG_SCALAR);
    erg_scope_pop(graph);
    return log_z;
}

static bool build_nce(objective *o) {
    erg_gaussian *gaussian = data_gaussian(o->graph, o->data, o->options->set.sigma);
    erg_node *samples = contrast(o, gaussian);
    if (!samples)
        return false;
    erg_noise noise = {{erg_gaussian_energy, gaussian}, gaussian->log_z};
    erg_noise_contrastive_options options = {.log_z = log_z_param(o->graph)};
    o->loss = erg_noise_contrastive(o->energy, o->batch, samples, noise, options);
    return o->loss;
}

static bool build_ranking(objective *o) {
    erg_gaussian *gaussian = data_gaussian(o->graph, o->data, o->options->set.sigma);
    erg_node *samples = contrast(o, gaussian);
    erg_energy noise = {erg_gaussian_energy, gaussian};
    o->loss = samples ? erg_ranking(o->energy, o->batch, samples, noise) : NULL;
    return o->loss;
}

static bool build_conditional_nce(objective *o) {
    erg_perturbation perturbation = {.sigma = o->options->set.sigma,
                                     .count = o->options->set.count};
    o->loss = erg_conditional_nce(o->energy, o->batch, perturbation);
    return o->loss;
}

static bool build_flow(objective *o) {
    erg_fitted_noise *noise =
        erg_fitted_noise_new("noise", o->batch, (erg_fitted_noise_options){0});
    if (!noise)
        return false;
    erg_flow_contrastive_options options = {.log_z = log_z_param(o->graph),
                                            .ratio = o->options->set.count};
    o->loss = erg_flow_contrastive(o->energy, o->batch, noise, options);
    o->effect = noise->update;
    return o->loss;
}

/* ------------------------------------------------------------------------------- without samples */

static bool build_energy_discrepancy(objective *o) {
    erg_energy_discrepancy_options options = {.sigma = o->options->set.sigma,
                                              .count = o->options->set.count};
    o->loss = erg_energy_discrepancy(o->energy, o->batch, options);
    return o->loss;
}

static bool build_probability_flow(objective *o) {
    erg_perturbation perturbation = {.sigma = o->options->set.sigma,
                                     .count = o->options->set.count};
    o->loss = erg_minimum_probability_flow(o->energy, o->batch, perturbation);
    return o->loss;
}

/* ------------------------------------------------------------------------------- the table */

const loss_entry loss_entries[] = {
    {"cd", "contrastive divergence, chains from the data", build_cd,
     .defaults = {.langevin_steps = 20}},
    {"pcd", "the same, persistent chains", build_pcd,
     .defaults = {.langevin_steps = 20, .langevin_step = 3e-3}},
    {"pcd_mala", "persistent chains with Metropolis' correction", build_pcd_mala,
     .defaults = {.langevin_steps = 10, .langevin_step = 0.01}},
    {"improved_cd", "persistent chains, with the gradient through their last step",
     build_improved_cd, .defaults = {.langevin_steps = 20, .langevin_step = 3e-3}},
    {"recovery", "diffusion recovery: chains from noisy data (of sigma) back", build_recovery,
     .defaults = {.langevin_steps = 10, .langevin_step = 0.01, .sigma = 0.2, .penalty = 1e-3}},
    {"generator", "negatives from a network (VERA), x = g(z) + sigma n", build_generator,
     .defaults = {.lr = 1e-3, .sigma = 0.1, .count = 20}},

    {"fisher", "explicit score matching, to a toy's known score", build_fisher,
     .defaults = {.data_noise = 0.1}, .told = true},
    {"sm", "exact score matching", build_sm, .defaults = {.data_noise = 0.02}},
    {"sm_batched", "the same, its trace as one batch", build_sm_batched,
     .defaults = {.data_noise = 0.02}},
    {"hutchinson", "score matching, the trace by random directions", build_hutchinson,
     .defaults = {.count = 1, .data_noise = 0.02}},
    {"curvature", "score matching, the trace by curvature propagation", build_curvature,
     .defaults = {.count = 4, .data_noise = 0.02}},
    {"sliced", "sliced score matching, of reduced variance", build_sliced,
     .defaults = {.count = 1, .data_noise = 0.02}},
    {"sliced_plain", "sliced score matching as it is", build_sliced_plain,
     .defaults = {.count = 1, .data_noise = 0.02}},
    {"difference", "sliced score matching by differences over sigma", build_difference,
     .defaults = {.sigma = 0.05, .count = 1, .data_noise = 0.02}},
    {"stein", "kernel Stein discrepancy, bandwidth sigma", build_stein, .defaults = {.sigma = 0.3}},

    {"dsm", "denoising score matching, noise of sigma", build_dsm, .defaults = {.sigma = 0.04},
     .blurs = true},
    {"ncsn", "denoising at levels of noise from 1 to sigma, E(x, sigma)", build_ncsn,
     .defaults = {.sigma = 0.05, .count = 10}, .blurs = true, .levels = true},
    {"vp", "the same, variance preserving", build_vp, .defaults = {.sigma = 0.05, .count = 10},
     .blurs = true, .levels = true},
    {"reconstruction", "descent from noisy data (of sigma) back to it", build_reconstruction,
     .defaults = {.sigma = 0.05, .count = 2}, .blurs = true},

    {"nce", "noise contrast with a learned log Z; noise sigma times as wide", build_nce,
     .defaults = {.sigma = 1.3, .count = 2}},
    {"ranking", "ranking noise contrast (InfoNCE) against count points", build_ranking,
     .defaults = {.sigma = 1.3, .count = 8}},
    {"conditional_nce", "noise contrast with the data moved by sigma", build_conditional_nce,
     .defaults = {.sigma = 0.3, .count = 4}},
    {"flow", "noise contrast with a Gaussian fitted on the fly", build_flow,
     .defaults = {.count = 4}},

    {"discrepancy", "energy discrepancy, noise of sigma", build_energy_discrepancy,
     .defaults = {.sigma = 0.5, .count = 16}},
    {"mpf", "minimum probability flow to points moved by sigma", build_probability_flow,
     .defaults = {.sigma = 0.2, .count = 4}},
    {0},
};

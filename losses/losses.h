/* losses.h: training objectives as graph modules. Written with the public headers below alone.
 *
 * A loss is a 0-d node; its gradient by the energy's params trains the model. Reductions are always
 * a sum over the dimensions of a sample and a mean over the batch. p(x) is proportional to
 * exp(-E(x)), s(x) = -grad E(x) is its score, data x is (B, ...). Each loss says how often E is
 * differentiated by x before the derivative by the params. */
#ifndef ERG_LOSSES_H
#define ERG_LOSSES_H

#include "../samplers/samplers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------- likelihood */

typedef struct erg_contrastive_options {
    double energy_penalty; /* alpha: adds alpha mean(E(data)^2 + E(negatives)^2); default 0 */
} erg_contrastive_options;
/* mean E(data) - mean E(negatives) (Hinton 2002). Its gradient by the params is that of the negative
 * log-likelihood, with the model's expectation estimated by the negatives, through which no
 * derivative passes. The value itself is no measure of convergence. Order 0. */
ERG_API erg_node *erg_contrastive_divergence(erg_energy energy, erg_node *data, erg_node *negatives,
                                             erg_contrastive_options options);

/* Where the negatives come from: chains of k transitions, started anew for each batch. */
typedef enum erg_start {
    ERG_START_DATA = 0,  /* at the batch of data: CD-k (Hinton 2002) */
    ERG_START_NOISE,     /* at fresh states from init (Nijkamp et al. 2019) */
    ERG_START_PERSISTENT /* where earlier chains stopped, by a replay buffer (Tieleman 2008) */
} erg_start;
typedef struct erg_negatives erg_negatives;
typedef struct erg_negatives_options {
    erg_start start;
    int64_t steps;             /* transitions for each batch; default 20 */
    erg_replay_options replay; /* its init and seed also serve ERG_START_NOISE */
} erg_negatives_options;
/* x: an input or state leaf (B, ...), used as `negatives` in the loss; next: one transition of it.
 * NULL on a mistake. The caller frees it before the graph. */
ERG_API erg_negatives *erg_negatives_new(erg_node *x, erg_node *next,
                                         erg_negatives_options options);
ERG_API void erg_negatives_free(erg_negatives *negatives);
/* New negatives into erg_value(x). data (B, ...) is read for ERG_START_DATA only, else may be NULL.
 * Refuses chains that end where they are not finite, and keeps them out of the replay buffer. */
ERG_API erg_status erg_negatives_run(erg_negatives *negatives, const erg_tensor *data);
/* The replay buffer, or NULL if there is none. */
ERG_API erg_replay *erg_negatives_replay(erg_negatives *negatives);
/* The leaf x. */
ERG_API erg_node *erg_negatives_x(const erg_negatives *negatives);

/* Of pairs: mean E(data, condition) - mean E(negatives, negative_condition), with no derivative
 * through negatives and conditions. Order 0.
 *   labels  conditions are int32 (B): with negatives from chains of erg_energy_given(graph, energy,
 *           negative_condition), and negative_condition = condition, it is the likelihood of
 *           p(x | y); with labels drawn from p too, that of p(x, y).
 *   latent  conditions are z (B, ...): with z from p(z | x) for the data, by chains of
 *           erg_energy_of_latent, and pairs from p(x, z), by chains of erg_energy_joint, it is the
 *           likelihood of p(x) = int exp(-E(x, z)) dz / Z, whose gradient is the mean of dE over
 *           p(z | x) less that over p(x, z). */
ERG_API erg_node *erg_conditional_contrastive_divergence(erg_pair_energy energy, erg_node *data,
                                                         erg_node *condition, erg_node *negatives,
                                                         erg_node *negative_condition,
                                                         erg_contrastive_options options);

typedef struct erg_improved_options {
    double energy_penalty;         /* as for erg_contrastive_divergence */
    int64_t steps;                 /* transitions that derivatives pass through; default 1 */
    erg_langevin_options langevin; /* the transition, */
    erg_node *(*transition)(void *self, erg_energy energy, erg_node *x); /* unless this is set */
    void *self;
    double kl_weight;      /* default 1; ERG_ZERO: contrastive divergence alone */
    double entropy_weight; /* default 1; ERG_ZERO: without */
    erg_node *archive;     /* as for erg_nearest_entropy; default: none */
} erg_improved_options;
/* Improved contrastive divergence (Du et al. 2021): with x' the state `steps` transitions after
 * negatives,
 *     CD(data, x') + kl_weight (mean E(x') - entropy_weight H(x')),
 * where E in the second part is held, so that derivatives pass through x' alone, back to the first
 * of the transitions. H is erg_nearest_entropy: D times theirs, who leave the factor D out. Order 1
 * for each step, and 1. */
ERG_API erg_node *erg_improved_contrastive_divergence(erg_energy energy, erg_node *data,
                                                      erg_node *negatives,
                                                      erg_improved_options options);

/* The entropy in nats of the density that x (B, ...), D numbers a sample, are samples of
 * (Kozachenko & Leonenko 1987): D mean log r + log V_D + 1 + 1/2 + ... + 1/M, with V_D the volume
 * of the unit ball and r the distance of a sample to the nearest of the M = B - 1 others; or of
 * archive (M, ...), samples of the same density, through which no derivative passes, if that is not
 * NULL. Distances below 1e-10 count as that. (). */
ERG_API erg_node *erg_nearest_entropy(erg_node *x, erg_node *archive);

/* Fast weights (Tieleman & Hinton 2009) keep the chains of persistent CD moving: they run on
 * params + fast, sums that take the place of the params in the model of the chains, an erg_rbm with
 * sums for its nodes, say. The model itself, and its loss, use the params. */
typedef struct erg_fast_weights {
    int n;
    erg_node **params;
    erg_node **fast; /* states "<scope>/<name>/<param>", at first 0 */
    erg_node **sums; /* params + fast */
} erg_fast_weights;
typedef struct erg_fast_weights_options {
    double learning_rate;         /* of the fast weights; default 0.01 */
    erg_node *learning_rate_node; /* 0-d: if set, used instead */
    double decay;                 /* default 0.95; ERG_ZERO: no memory */
} erg_fast_weights_options;
/* In the memory of the graph. params are named leaves. */
ERG_API erg_fast_weights *erg_fast_weights_new(erg_graph *graph, const char *name,
                                               erg_node *const *params, int n);
/* An effect, for the outputs of a training step: fast <- decay fast - rate dloss/dparams. */
ERG_API erg_node *erg_fast_weights_update(const erg_fast_weights *weights, erg_node *loss,
                                          erg_fast_weights_options options);

/* Diffusion recovery likelihood (Gao et al. 2021): noisy = data + sigma n, n ~ N(0, I), made by the
 * caller, as chains and loss must see the same. E at one level of noise is that of an
 * erg_pair_energy with the level given; where the levels of the paper shrink x by
 * sqrt(1 - sigma^2), the caller shrinks data first. */
typedef struct erg_recovery_options {
    double sigma;         /* default 0.1 */
    erg_node *sigma_node; /* () or (B), of the data's dtype: if set, used instead */
} erg_recovery_options;
/* E(x) + |noisy - x|^2 / 2 sigma^2, the energy of p(x | noisy), for the chains: they start at
 * noisy. Uses the memory of the graph; fn is NULL on a mistake. */
ERG_API erg_energy erg_recovery_energy(erg_energy energy, erg_node *noisy,
                                       erg_recovery_options options);
/* Contrastive divergence of that energy: the gradient is that of -log p(data | noisy), if negatives
 * are its samples. data, noisy, negatives (B, ...). Order 0. */
ERG_API erg_node *erg_recovery_likelihood(erg_energy energy, erg_node *data, erg_node *noisy,
                                          erg_node *negatives, erg_recovery_options options);

/* -mean log softmax(logits)[label], logits (B, classes) and labels int32 (B), over the rows whose
 * label is a class; others, -1 by custom, have none. 0 if there are no labels at all. */
ERG_API erg_node *erg_cross_entropy(erg_node *logits, erg_node *labels);

typedef struct erg_jem_options {
    double weight;         /* of log p(x) against log p(y | x); default 1; ERG_ZERO: none */
    double energy_penalty; /* as for erg_contrastive_divergence */
} erg_jem_options;
/* A classifier as an energy (JEM, Grathwohl et al. 2020): cross entropy + weight CD(data,
 * negatives) of erg_classifier_energy, from whose chains the negatives are. Labelled and unlabelled
 * samples stand in one batch, with labels as for erg_cross_entropy. Of p(x | y) the second part is
 * erg_conditional_contrastive_divergence of erg_classifier_joint_energy instead. Order 0. */
ERG_API erg_node *erg_jem(const erg_classifier *classifier, erg_node *data, erg_node *labels,
                          erg_node *negatives, erg_jem_options options);

/* A generator of negatives without chains (VERA, Grathwohl et al. 2021): z (B, W) ~ N(0, I) gives
 * x = g(z) + sigma n. fn(self, z) is g: (B, W) -> (B, ...), row b depending on z[b]. */
typedef struct erg_generator {
    erg_node *(*fn)(void *self, erg_node *z);
    void *self;
} erg_generator;
typedef struct erg_generator_options {
    double sigma;          /* default 0.1 */
    erg_node *noise;       /* n, (B, ...); default: new numbers at each run */
    int64_t samples;       /* of z' near z, to estimate the score of x; default 20 */
    double proposal;       /* their standard deviation; default 0.1 */
    double entropy_weight; /* default 1; ERG_ZERO: without, the generator collapses to a minimum */
} erg_generator_options;
/* x, the negatives of erg_contrastive_divergence, (B, ...). */
ERG_API erg_node *erg_generator_sample(erg_generator generator, erg_node *z,
                                       erg_generator_options options);
/* The generator's own loss, with x = erg_generator_sample(generator, z, options): mean E(x), whose
 * gradient by the params of g is that of mean E(x) - entropy_weight H(x) = KL(q || p) - log Z.
 * Those of E get none. With few samples, or a proposal narrower than the z that give the same x, the
 * entropy counts for less than it should. Order 1. */
ERG_API erg_node *erg_generator_loss(erg_energy energy, erg_generator generator, erg_node *z,
                                     erg_node *x, erg_generator_options options);

/* Reconstruction by optimisation (Domke 2012): no sampling, no Z. */
typedef struct erg_reconstruction_options {
    int64_t steps;            /* k; default 1 */
    double step_size;         /* default 0.01 */
    erg_node *step_size_node; /* 0-d: if set, used instead; may be a param */
    erg_node *missing;        /* of x's shape: not 0 where x may change; default: everywhere */
} erg_reconstruction_options;
/* k steps x - step_size grad E(x) from corrupted (B, ...): a node of its shape, through which
 * derivatives pass. */
ERG_API erg_node *erg_reconstruct(erg_energy energy, erg_node *corrupted,
                                  erg_reconstruction_options options);
/* 1/2 mean |reconstruct(corrupted) - clean|^2. Order 1 for each step. One step of size sigma^2 from
 * data with noise of sigma gives sigma^4 erg_denoising_score_matching. */
ERG_API erg_node *erg_reconstruction_loss(erg_energy energy, erg_node *corrupted, erg_node *clean,
                                          erg_reconstruction_options options);

/* ------------------------------------------------------------------------------- score matching */

/* Explicit score matching: the Fisher divergence 1/2 mean |s(x) - s_data(x)|^2 to a density whose
 * energy is known, at points x (samples of that density). Order 1. */
ERG_API erg_node *erg_fisher_divergence(erg_energy energy, erg_energy data_energy, erg_node *x);

/* Exact score matching (Hyvarinen 2005): mean(1/2 |grad E|^2 - Laplacian E) = Fisher divergence -
 * 1/2 mean |s_data|^2, without knowing s_data. Order 2: D Hessian-vector products. */
ERG_API erg_node *erg_score_matching(erg_energy energy, erg_node *data);

typedef struct erg_denoising_options {
    double sigma;         /* standard deviation of the noise; default 0.1 */
    erg_node *sigma_node; /* 0-d, of the data's dtype: if set, used instead */
    erg_node *noise;      /* (B, ...) standard normal numbers; default: new ones at each run */
} erg_denoising_options;
/* Denoising score matching (Vincent 2011): with x~ = x + sigma n, n ~ N(0, I),
 *     1/2 mean |s(x~) + n / sigma|^2,
 * which is the Fisher divergence to the density of x~, the data's smoothed by sigma, plus a
 * constant. Order 1. */
ERG_API erg_node *erg_denoising_score_matching(erg_energy energy, erg_node *data,
                                               erg_denoising_options options);

/* Random vectors v with E[v v^T] = I, new ones at each run. */
typedef enum erg_direction_law {
    ERG_RADEMACHER_DIRECTIONS = 0, /* each element 1 or -1: the least variance for most Hessians */
    ERG_NORMAL_DIRECTIONS,
    ERG_SPHERE_DIRECTIONS /* uniform on the sphere of radius sqrt(D) */
} erg_direction_law;
typedef struct erg_projections {
    int64_t count; /* vectors for each sample; default 1 */
    erg_direction_law law;
    erg_node *directions; /* (count, B, ...) used instead */
} erg_projections;

/* erg_score_matching with another way to the trace of the Hessian. Order 2. */
typedef enum erg_trace {
    ERG_TRACE_UNROLLED = 0, /* exact: D products with unit vectors, as erg_score_matching */
    ERG_TRACE_BATCHED,      /* exact: the same as one product for D B rows; a small graph */
    ERG_TRACE_HUTCHINSON    /* an estimate without bias by random vectors (Hutchinson 1989) */
} erg_trace;
typedef struct erg_trace_options {
    erg_trace trace;
    erg_projections projections; /* for ERG_TRACE_HUTCHINSON */
} erg_trace_options;
ERG_API erg_node *erg_trace_score_matching(erg_energy energy, erg_node *data,
                                           erg_trace_options options);

/* Sliced score matching (Song, Garg, Shi & Ermon 2019), averaged over the projections v:
 *     mean(1/2 |grad E|^2 - v^T H v),  or plain  mean(1/2 (v^T grad E)^2 - v^T H v);
 * both have exact score matching as their mean over v, the first with less variance. Order 2: a
 * Hessian-vector product for each v. */
typedef struct erg_sliced_options {
    erg_projections projections;
    int plain; /* default: the form with reduced variance */
} erg_sliced_options;
ERG_API erg_node *erg_sliced_score_matching(erg_energy energy, erg_node *data,
                                            erg_sliced_options options);

/* Plain sliced score matching by differences of energies at x, x + h v and x - h v (Pang et al.
 * 2020), with an error of order h^2. Rounding adds about |E| times the dtype's precision over h^2: in
 * float32 take no smaller step than the default. Order 0. */
typedef struct erg_finite_difference_options {
    double step; /* h; default 0.1 */
    erg_projections projections;
} erg_finite_difference_options;
ERG_API erg_node *erg_finite_difference_score_matching(erg_energy energy, erg_node *data,
                                                       erg_finite_difference_options options);

/* Denoising at many levels: each sample has a level sigma, x~ = x + sigma n, and the loss is
 *     mean lambda(sigma) 1/2 |s(x~, sigma) + n / sigma|^2
 * (Song & Ermon 2019). E(x, sigma) is told the levels (B); an energy that ignores them is one that
 * has to fit all. Order 1. */
typedef struct erg_denoising_levels_options {
    erg_node *sigmas;        /* (K) > 0; required */
    erg_node *weights;       /* lambda of each level, (K) >= 0; default sigma^2 */
    int variance_preserving; /* x~ = sqrt(1 - sigma^2) x + sigma n, for sigma < 1 (Ho et al. 2020) */
    erg_node *levels;        /* int32 (B): which level; default: uniform, new at each run */
    erg_node *noise;         /* (B, ...) standard normal numbers; default: new ones at each run */
} erg_denoising_levels_options;
ERG_API erg_node *erg_denoising_levels(erg_pair_energy energy, erg_node *data,
                                       erg_denoising_levels_options options);

/* Exact score matching with the trace estimated by curvature propagation (Martens, Sutskever &
 * Swersky 2012): e (B) are the energies of the data, and made of affine maps but for n bends,
 * functions applied element by element, after = f(before), (B, ...) each. All bends must be named.
 * directions: (count, B, elements of all bends, flat and side by side). Order 2, with first
 * derivatives by x only and second derivatives of the f. */
typedef struct erg_bend {
    erg_node *before, *after;
} erg_bend;
ERG_API erg_node *erg_curvature_propagation(erg_node *e, erg_node *data, const erg_bend *bends,
                                            int n, erg_projections projections);

/* Score matching of a density on [low, high] in each dimension (Hyvarinen 2007; Yu, Drton & Shojaie
 * 2019), with a weight h_i(x) that is 0 at the boundary, d the distance from it:
 *     mean sum_i [h_i (1/2 g_i^2 - H_ii) - dh_i/dx_i g_i],  g = grad E.
 * Order 2: D Hessian-vector products, or one for each projection. */
typedef enum erg_bounded_weight {
    ERG_BOUNDED_SQUARE = 0, /* d^2 */
    ERG_BOUNDED_CAPPED,     /* min(d, cap) */
    ERG_BOUNDED_OWN         /* fn(self, x), (B, ...), whose element i depends on x_i alone */
} erg_bounded_weight;
typedef struct erg_bounded_options {
    double low;  /* default 0; may be -INFINITY */
    double high; /* default INFINITY; ERG_ZERO for 0. One of the two is finite */
    erg_bounded_weight weight;
    double cap; /* default 1 */
    erg_node *(*fn)(void *self, erg_node *x);
    void *self;
    int hutchinson; /* default: exact; else an estimate by the projections */
    erg_projections projections;
} erg_bounded_options;
ERG_API erg_node *erg_bounded_score_matching(erg_energy energy, erg_node *data,
                                             erg_bounded_options options);

/* The kernel Stein discrepancy between data and model (Liu, Lee & Jordan 2016; Chwialkowski et al.
 * 2016), squared: the mean over pairs of different samples of
 *     s(x)^T s(y) k + s(x)^T grad_y k + s(y)^T grad_x k + tr grad_x grad_y k.
 * Its mean is >= 0, and 0 for the right model alone; the estimate can be below 0. B >= 2. Order 1. */
typedef struct erg_stein_options {
    erg_stein_kernel kernel;
    double bandwidth;         /* c; default 1 */
    erg_node *bandwidth_node; /* 0-d, of the data's dtype: if set, used instead */
    int biased;               /* with the pairs of a sample and itself: >= 0 always */
} erg_stein_options;
ERG_API erg_node *erg_stein_discrepancy(erg_energy energy, erg_node *data,
                                        erg_stein_options options);

/* ------------------------------------------------------------------------------- noise contrast
 *
 * Order 0, all of them. */

/* A density known exactly, p_n = exp(-E) / Z. */
typedef struct erg_noise {
    erg_energy energy;
    double log_z; /* 0 if the energy is -log p_n */
} erg_noise;

/* Logistic regression with nu = ratio > 0 times as much weight on the negatives:
 * mean softplus(-positive) + nu mean softplus(negative), of logits (B) and (M). */
ERG_API erg_node *erg_logistic_loss(erg_node *positive, erg_node *negative, double ratio);

/* Noise-contrastive estimation (Gutmann & Hyvarinen 2012): the logistic loss of
 *     -E(x) - log Z - log p_n(x) - log nu
 * for data (B, ...) against samples (M, ...) of the noise. It finds E and log Z, that is a normalised
 * density; 2 log 2 where data and noise are the same and nu = 1. */
typedef struct erg_noise_contrastive_options {
    erg_node *log_z; /* (), a param to be learned; default: 0, E learns its own constant */
    double ratio;    /* nu; default M / B */
} erg_noise_contrastive_options;
ERG_API erg_node *erg_noise_contrastive(erg_energy energy, erg_node *data, erg_node *samples,
                                        erg_noise noise, erg_noise_contrastive_options options);
/* The energy of a classifier that was trained to tell data from noise, with nu noise samples for each
 * of the data: -log p_n - log nu - logit. logit_of gives (B) logits. Normalised, as far as the
 * classifier is right. fn is NULL on a mistake. */
ERG_API erg_energy erg_logistic_energy(erg_graph *graph, erg_energy logit_of, erg_noise noise,
                                       double ratio);

/* Ranking NCE (Ma & Collins 2018): mean -log of the probability to find the sample of the data among
 * K of the noise, r(x_0) / sum_j r(x_j) with r = exp(noise_energy - E). Leaves Z open. samples
 * (K B, ...): those of sample b are the rows b, B + b, ... */
ERG_API erg_node *erg_ranking(erg_energy energy, erg_node *data, erg_node *samples,
                              erg_energy noise_energy);
/* InfoNCE (van den Oord et al. 2018): mean -log softmax(scores)_bb over each row; scores (B, B), -E
 * of sample b with partner c, the right one is c = b. */
ERG_API erg_node *erg_info_nce(erg_node *scores);

/* Samples moved by noise, y = x + sigma n. */
typedef struct erg_perturbation {
    double sigma;         /* standard deviation; default 0.1 */
    erg_node *sigma_node; /* 0-d, of the data's dtype: if set, used instead */
    int64_t count;        /* of y for each x; default 1 */
    erg_node *noise; /* (count, B, ...) standard normal numbers; default: new ones at each run */
} erg_perturbation;
/* Conditional NCE (Ceylan & Gutmann 2018): 2 mean softplus(E(x) - E(y)). Leaves Z open. For
 * sigma -> 0: 2 log 2 + sigma^2 / 2 times plain sliced score matching. */
ERG_API erg_node *erg_conditional_nce(erg_energy energy, erg_node *data,
                                      erg_perturbation perturbation);

/* Noise that follows the data: a Gaussian with independent elements, its mean and variance running
 * means over the batches, in the states "<scope>/<name>/mean", ".../variance" and ".../batches". */
typedef struct erg_fitted_noise {
    erg_node *mean, *std; /* of the batches before this one, or of the first; a sample's shape */
    erg_node *update;     /* to be compiled among a plan's outputs */
} erg_fitted_noise;
typedef struct erg_fitted_noise_options {
    double rate;    /* of the running means; default 0.05; the first 1 / rate batches count alike */
    double min_std; /* of each element; default 1e-3 */
} erg_fitted_noise_options;
ERG_API erg_fitted_noise *erg_fitted_noise_new(const char *name, erg_node *data,
                                               erg_fitted_noise_options options);
/* The energy -log p_n; self is the erg_fitted_noise. And n samples, new ones at each run. */
ERG_API erg_node *erg_fitted_noise_energy(void *self, erg_node *x);
ERG_API erg_node *erg_fitted_noise_sample(const erg_fitted_noise *noise, int64_t n);
/* Noise-contrastive estimation against that noise (after Gao et al. 2020). The noise's moments have
 * no derivative. */
typedef struct erg_flow_contrastive_options {
    erg_node *log_z; /* as for erg_noise_contrastive */
    int64_t ratio;   /* nu: noise samples for each of the data; default 1 */
} erg_flow_contrastive_options;
ERG_API erg_node *erg_flow_contrastive(erg_energy energy, erg_node *data, erg_fitted_noise *noise,
                                       erg_flow_contrastive_options options);

/* ------------------------------------------------------------------------------- without samples
 *
 * Order 0. */

/* Energy discrepancy (Schroder et al. 2023), with y = x + sigma n and M draws n' for each sample:
 *     mean log(w / M + 1 / M sum_j exp(E(x) - E(y + sigma n'_j))).
 * Small sigma is like score matching, large sigma like maximum likelihood: take the width of the
 * data. Leaves Z open. */
typedef struct erg_energy_discrepancy_options {
    double sigma;             /* sqrt(t) of the paper; default 1 */
    erg_node *sigma_node;     /* 0-d, of the data's dtype: if set, used instead */
    int64_t count;            /* M; default 16 */
    double stabiliser;        /* w; default 1, ERG_ZERO: none */
    erg_node *noise;          /* n, (1, B, ...); default: new numbers at each run */
    erg_node *contrast_noise; /* n', (M, B, ...); likewise */
} erg_energy_discrepancy_options;
ERG_API erg_node *erg_energy_discrepancy(erg_energy energy, erg_node *data,
                                         erg_energy_discrepancy_options options);

/* Minimum probability flow (Sohl-Dickstein et al. 2011) to neighbours y = x + sigma n:
 *     mean exp((E(x) - E(y)) / 2),
 * which for sigma -> 0 is 1 + sigma^2 / 4 times score matching. Leaves Z open. */
ERG_API erg_node *erg_minimum_probability_flow(erg_energy energy, erg_node *data,
                                               erg_perturbation perturbation);

/* ------------------------------------------------------------------------------- discrete data
 *
 * Data of S sites with K states each, in the shapes of the samplers of discrete states: bits or spins
 * (B, sites...), K = 2, or one-hot vectors (B, sites..., K). What the data hold is not checked when a
 * plan runs. The neighbours y of x differ from it in one site: S (K - 1) of them, whose energies are
 * found as one batch of S (K - 1) B samples. Z stays open. Order 0. */

/* Pseudo-likelihood (Besag 1975): mean sum_i -log p(x_i | others) over the sites i, each term
 * log(1 + sum exp(E(x) - E(y))) over the K - 1 neighbours that differ in that site. */
ERG_API erg_node *erg_pseudo_likelihood(erg_energy energy, erg_node *data, erg_sites sites);
/* Ratio matching (Hyvarinen 2007, for bits): mean sum_y sigmoid(E(x) - E(y))^2. */
ERG_API erg_node *erg_ratio_matching(erg_energy energy, erg_node *data, erg_sites sites);
/* Concrete score matching (Meng et al. 2022): mean sum_y (r^2 - 2 / r), r = exp(E(x) - E(y)), which is
 * the mean squared error of p(y) / p(x) plus a constant. Weighs improbable samples heavily: the energy
 * should be bounded. */
ERG_API erg_node *erg_concrete_score_matching(erg_energy energy, erg_node *data, erg_sites sites);
/* Minimum probability flow: mean sum_y exp((E(x) - E(y)) / 2). */
ERG_API erg_node *erg_discrete_probability_flow(erg_energy energy, erg_node *data, erg_sites sites);
/* Composite likelihood (Lindsay 1988): mean of the sum over all S - m + 1 runs of m sites, in row-major
 * order, of -log p(x_block | others), each by all K^m settings of the block: (S - m + 1) K^m B
 * energies. */
typedef struct erg_composite_options {
    erg_sites sites; /* default bits */
    int64_t block;   /* m, at most S, with K^m <= 2^16; default 2 */
} erg_composite_options;
ERG_API erg_node *erg_composite_likelihood(erg_energy energy, erg_node *data,
                                           erg_composite_options options);

/* ------------------------------------------------------------------------------- the training loop
 *
 * Optional: without it a step is three calls, erg_dataset_next, erg_negatives_run and erg_run. A
 * trainer makes these and what a long training wants besides: a schedule, clipping, averages, noise
 * on the data, validation, a history, checkpoints, and a watch over its health. In a step whose loss
 * or gradient is NaN or infinite no params, states or averages change; the trainer then goes back
 * to the last good state with a smaller learning rate, some times, and says so. */

/* How gradients move params: builds the effect of a step, as erg_adam does. */
typedef struct erg_update {
    erg_node *loss;
    erg_node *const *params;
    int n;
    erg_node *const *gradients; /* n, of the loss, clipped */
    erg_node *learning_rate;    /* () float64 */
    erg_node *step; /* () float64 state: the number of steps done, which it must raise */
} erg_update;
typedef struct erg_update_rule {
    erg_node *(*fn)(void *self, const erg_update *update);
    void *self;
} erg_update_rule;
/* The optimisers of nn.h as rules; self: const erg_adam_options * and so on, or NULL. The fields
 * learning_rate, learning_rate_node, gradients and step of these are the trainer's and stay zero. */
ERG_API erg_node *erg_adam_rule(void *self, const erg_update *update);
ERG_API erg_node *erg_adamw_rule(void *self, const erg_update *update);
ERG_API erg_node *erg_sgd_rule(void *self, const erg_update *update);
ERG_API erg_node *erg_rmsprop_rule(void *self, const erg_update *update);
ERG_API erg_node *erg_adagrad_rule(void *self, const erg_update *update);

/* What a step is made from. Without dataset and fill, the data is drawn in the graph or stays. */
typedef struct erg_batches {
    erg_node *x;          /* the leaf of the data (B, ...) */
    erg_node *y;          /* the leaf of its labels (B, ...); default: none */
    erg_dataset *dataset; /* the next rows of which go into x and y before each step */
    /* Sets inputs before each step, after the dataset; step is the number of steps done, on which it
     * may depend, or on what is kept by a part of the checkpoint. An error ends the run. */
    erg_status (*fill)(void *self, int64_t step);
    void *self;
    double noise;                 /* standard deviation of the noise added to x; default 0 */
    double clamp_low, clamp_high; /* x is kept in this range then; both 0: not */
} erg_batches;

/* A look at data that is held out: value, or the mean of a node over a data set. Random nodes draw
 * what they would have drawn without it. */
typedef struct erg_validation {
    double (*fn)(void *self);
    void *self;
    erg_node *node;       /* (), used if fn is NULL: averaged over the batches of an epoch of the */
    erg_dataset *dataset; /* held-out rows, which go into the batches' x and y; NULL: one look */
    int64_t every;        /* steps; default 1000 */
    int averages;         /* not 0: with the averages (ema_decay) in the place of the params */
} erg_validation;

/* Numbers that tell how a training is: with each row of the history, from a plan of their own. */
typedef struct erg_health {
    erg_energy energy;   /* the model's; fn NULL: no energies, no gradients */
    erg_node *data;      /* default: the batches' x */
    erg_node *reference; /* what the energy gap compares the data with; default: the negatives */
    int weights;         /* not 0: the norm of each param; default: of all together */
} erg_health;

/* A 0-d float node that is recorded as well. */
typedef struct erg_column {
    const char *name; /* no comma; unique */
    erg_node *node;
} erg_column;

typedef struct erg_history_options {
    int64_t every;    /* steps between rows; default 10 */
    int64_t capacity; /* rows; when they are full every second one goes and `every` doubles;
                              even; default 1000 */
    const char
        *loss_name; /* default "loss"; with negatives "contrast (no measure of convergence)" */
    const erg_column *columns; /* n_columns more of them */
    int n_columns;
} erg_history_options;

/* A training has diverged when loss, gradient, energies or negatives are not finite, or when
 *   - the loss (the mean of a row) is more than `explosion` times what it was at most, in size, in
 *     all rows of the first half of the steps, and than 1. What grows like a power of the number of
 *     steps never is, what grows exponentially is soon. With negatives the loss is a contrast of
 *     energies, whose size is judged; so is the energy gap. In the place of 1 stands sqrt(D) for
 *     these, about the spread of an energy of D dimensions; or
 *   - the size of the energy gap is more than `gap`.
 * It then goes back to a good state: one after which `every` steps went well, no row being more than
 * sqrt(explosion) times as large. */
typedef struct erg_rollback {
    int64_t every; /* steps between states kept in memory, two at a time; default 100 */
    int times;     /* at most, in all; default 3; -1: never, the first divergence is an error */
    double factor; /* of the learning rate each time, in (0, 1); default 0.5 */
    erg_node *step_size; /* a () float state that gets smaller by the factor too: the step of the
                            chains, given as their step_size_node; default: none */
    double explosion;    /* > 1; default 100; INFINITY: not judged */
    double gap;          /* nats; default: not judged */
} erg_rollback;

typedef struct erg_saving {
    const char *path; /* of the checkpoint; default: none */
    int64_t every;    /* steps between savings of the good state, rounded up to that of rollbacks;
                         default: only when a run ends */
    erg_checkpoint_options also; /* what the program wants to be kept besides */
} erg_saving;

typedef struct erg_trainer erg_trainer;
typedef struct erg_trainer_options {
    erg_update_rule rule;         /* default: Adam */
    double learning_rate;         /* default 1e-3 */
    erg_node *learning_rate_node; /* () float: if set, used instead. A schedule of nn.h, of */
    erg_node *step; /* this 0-d float64 state, in which the trainer counts; default: an
                                     own one, "<name>/step" */
    double clip_norm, clip_value; /* of the gradients, see erg_clip_norm; default: not */
    double ema_decay;             /* averages of the params after each step; default: none */
    erg_node *also;               /* effects that come with each step; default: none */
    erg_node *training;           /* () input that is 1 in steps, 0 in validation; default: none */
    erg_batches batches;
    erg_negatives *negatives; /* run before each step, from the data in x */
    erg_validation validation;
    erg_health health;
    erg_history_options history;
    erg_rollback rollback;
    erg_saving saving;
    /* Called with each new row, note NULL, and after each rollback, when note says why. Anything but 0
     * stops the run. */
    int (*report)(void *self, erg_trainer *trainer, const char *note);
    void *self;
    FILE *progress;   /* stderr, say: if it is a terminal, a line there tells how far the run is */
    const char *name; /* of the scope of its states; default "trainer" */
} erg_trainer_options;
/* Minimises loss (), a float, over n params, named leaves of one dtype. All that the options point to
 * lives as long as the trainer. Averages start at the params' present values. NULL on a mistake. The
 * caller frees it before the graph. */
ERG_API erg_trainer *erg_trainer_new(erg_node *loss, erg_node *const *params, int n,
                                     erg_trainer_options options);
ERG_API void erg_trainer_free(erg_trainer *trainer);
/* Trains until this many steps are done, or this many epochs of the data set, since the beginning:
 * those before a checkpoint count. Between runs params and states are changed by erg_trainer_load
 * alone. At the end, with a path, it saves. After a last divergence the state is the last good one,
 * and the error names the first node that was not finite. */
ERG_API erg_status erg_trainer_run(erg_trainer *trainer, int64_t steps);
ERG_API erg_status erg_trainer_run_epochs(erg_trainer *trainer, int64_t epochs);
/* Checkpoints that hold everything: params, states, random numbers, data set, replay buffer, history.
 * A training built again in the same way that loads one goes on with the same bits, rollbacks
 * included, as the one that saved it. Saving makes the present state the good one. */
ERG_API erg_status erg_trainer_save(erg_trainer *trainer, const char *path);
ERG_API erg_status erg_trainer_load(erg_trainer *trainer, const char *path);

/* The number of steps done, and of rollbacks. */
ERG_API int64_t erg_trainer_steps(const erg_trainer *trainer);
ERG_API int erg_trainer_rollbacks(const erg_trainer *trainer);
/* The averages, or NULL without. */
ERG_API erg_ema *erg_trainer_ema(erg_trainer *trainer);
/* The rows so far, (n, columns) float64, owned by the trainer, good until it runs again. Columns:
 * "step", the loss (mean since the row before), "gradient norm" (the greatest, before clipping),
 * "learning rate", and as far as there is such a thing "energy of data", "energy gap" (mean energy
 * of the reference less that of the data), "Langevin gradient norm" (mean of |grad E| at the
 * reference), "weight norm", "|<param>|" for each, "replay age" (mean), "validation" (the last), and
 * those of the options. */
ERG_API const erg_tensor *erg_trainer_history(const erg_trainer *trainer);
/* The name of a column; NULL beyond the last. */
ERG_API const char *erg_trainer_column(const erg_trainer *trainer, int column);
/* The last row's value in a column; "loss" always means the second. NAN if there is none. */
ERG_API double erg_trainer_get(const erg_trainer *trainer, const char *column);
/* The history as a CSV file, and curves of n columns over the steps as a picture. */
ERG_API erg_status erg_trainer_write(const erg_trainer *trainer, const char *path);
ERG_API erg_status erg_trainer_plot(const erg_trainer *trainer, const char *const *columns, int n,
                                    const char *path);

#ifdef __cplusplus
}
#endif

#endif

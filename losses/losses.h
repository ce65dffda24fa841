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

#ifdef __cplusplus
}
#endif

#endif

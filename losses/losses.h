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

/* samplers.h: transitions as graph modules, the driver that runs them, replay buffers, exact 2-D toy
 * distributions, log Z, diagnostics and goodness of fit. Written with the public headers below alone.
 *
 * Chains are the first axis: x (B, ...) holds B chains that never mix. p(x) is proportional to
 * exp(-E(x)); samplers descend E. */
#ifndef ERG_SAMPLERS_H
#define ERG_SAMPLERS_H

#include "../nn/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------- transitions */

/* Unadjusted Langevin dynamics (Roberts & Tweedie 1996; Welling & Teh 2011):
 *     x' = x - step_size grad E(x) + noise xi,  xi ~ N(0, I).
 * With noise = sqrt(2 step_size), the default, it samples from exp(-E) as step_size -> 0: N(0, 1) has
 * the stationary variance 1 / (1 - step_size / 2). Papers that write alpha/2 and sqrt(alpha) mean
 * alpha = 2 step_size. Image models use step and noise of their own (decoupled). */
typedef struct erg_langevin_options {
    double step_size;             /* default 0.01 */
    erg_node *step_size_node;     /* 0-d, of x's dtype: if set, used instead */
    double noise;                 /* default sqrt(2 step_size); ERG_ZERO: gradient descent */
    erg_node *noise_node;         /* 0-d: if set, used instead */
    double clip_gradient;         /* each element of grad E is kept in +-this; default: not */
    double clamp_low, clamp_high; /* x' is kept in this range; both 0: not */
} erg_langevin_options;
/* The next state of the chains, a node of x's shape; derivatives pass through it. */
ERG_API erg_node *erg_langevin(erg_energy energy, erg_node *x, erg_langevin_options options);

/* ------------------------------------------------------------------------------- the driver */

/* Runs one transition over and over: a plan whose effect is x <- next. */
typedef struct erg_chain erg_chain;
/* x is an input or state leaf that holds the chains' present states; next a node of its shape. NULL
 * on a mistake. The caller frees it before the graph. */
ERG_API erg_chain *erg_chain_new(erg_node *x, erg_node *next);
ERG_API void erg_chain_free(erg_chain *chain);
/* n transitions; the states are in erg_value(x). */
ERG_API erg_status erg_chain_run(erg_chain *chain, int64_t n);

typedef struct erg_chain_options {
    int64_t burn_in; /* transitions before anything else; default 0 */
    int64_t thin;    /* transitions before each kept state; default 1 */
    /* Called after each kept state with its number; anything but 0 stops the run early. */
    int (*each)(void *self, int64_t kept, const erg_tensor *x);
    void *self;
} erg_chain_options;
/* Keeps `count` states: (count, B, ...), freed by the caller. If stopped early, the first dimension
 * is the number kept. NULL on an error. */
ERG_API erg_tensor *erg_chain_sample(erg_chain *chain, int64_t count, erg_chain_options options);

/* ------------------------------------------------------------------------------- replay buffer */

/* States of past chains from which new ones start (Du & Mordatch 2019): draw takes a batch of
 * different slots, of which a fraction is started afresh; store writes the batch back to the slots
 * it was drawn from. */
typedef struct erg_replay erg_replay;
typedef struct erg_replay_options {
    int64_t capacity; /* slots, below 2^32; default 10000 */
    double restart;   /* probability of a fresh start; default 0.05, ERG_ZERO: never */
    uint64_t seed;
    /* Fills a tensor (n, ...) with n fresh states; draws its numbers from `where`. Default: uniform
     * in [-1, 1). */
    erg_status (*init)(void *self, erg_tensor *out, erg_random where);
    void *self;
} erg_replay_options;
/* A buffer of samples of this shape, all slots filled by init. The caller frees it. */
ERG_API erg_replay *erg_replay_new(erg_dtype dtype, erg_shape sample, erg_replay_options options);
ERG_API void erg_replay_free(erg_replay *replay);
/* x (B, sample...), B at most the capacity. If init fails, x is left as it was. */
ERG_API erg_status erg_replay_draw(erg_replay *replay, erg_tensor *x);
/* Only after a draw of the same batch size, once. Refuses states that are not finite, and keeps the
 * old ones. */
ERG_API erg_status erg_replay_store(erg_replay *replay, const erg_tensor *x);
/* The buffer's slots (capacity, sample...), owned by it. */
ERG_API const erg_tensor *erg_replay_values(const erg_replay *replay);
/* How often each slot has been stored since it was started afresh, averaged over the buffer. */
ERG_API double erg_replay_mean_age(const erg_replay *replay);
/* Keeps slots, ages and random state in checkpoints; capacity, sample and seed must be the same
 * there. A batch drawn and not yet stored is forgotten. */
ERG_API erg_checkpoint_part erg_replay_part(erg_replay *replay, const char *name);

/* ------------------------------------------------------------------------------- 2-D toys */

/* Two moons: half the mass on (cos t, sin t), half on (1 - cos t, 1/2 - sin t), t uniform on
 * [0, pi], plus N(0, noise^2 I). Default noise (0) is 0.1. n exact samples (n, 2), new ones at each
 * run. */
ERG_API erg_node *erg_two_moons_sample(erg_graph *graph, erg_dtype dtype, int64_t n, double noise);
/* Its exact energy -log p, by Gauss-Legendre quadrature over t, as a mixture of Gaussians at the
 * nodes: relative error below 1e-12. Less noise than 0.05 is refused. fn is NULL on a mistake. */
ERG_API erg_energy erg_two_moons_energy(erg_graph *graph, erg_dtype dtype, double noise);

/* Eight Gaussians of standard deviation std (default 0.15) evenly on a circle of this radius
 * (default 2), the first at angle 0. */
ERG_API erg_node *erg_eight_gaussians_sample(erg_graph *graph, erg_dtype dtype, int64_t n,
                                             double radius, double std);
ERG_API erg_energy erg_eight_gaussians_energy(erg_graph *graph, erg_dtype dtype, double radius,
                                              double std);

/* ------------------------------------------------------------------------------- quadrature */

typedef struct erg_quadrature_options {
    double center_x, center_y, center_z; /* of the box, as many as there are dimensions */
    double half_width;                   /* of the first box; default 4 */
    int points;                          /* a side; default 4000, 400, 100 in 1, 2, 3 dimensions */
    double tail;                         /* widened until the outer ring holds less; default 1e-6 */
} erg_quadrature_options;
typedef struct erg_quadrature {
    double log_z;       /* log of the integral of exp(-E) */
    double mean_energy; /* E under p: log_z + mean_energy is the entropy in nats */
    double half_width;  /* of the last box */
    double outer_mass;  /* of p in the outer ring of that box: a tenth of its half width */
} erg_quadrature;
/* Integrate exp(-E) over the line, the plane or space by the midpoint rule, spectrally accurate for
 * smooth densities that vanish at the box's edge; what lies beyond the box is lost. The box grows by
 * half until the outer ring's mass is below `tail`, with the cell size kept up to 16 million points in
 * all, then growing; each box is judged with fewer points before it is integrated with all. Refuse an
 * energy that is NaN somewhere, and one whose tail stays heavy up to 1000 times the first box (not
 * normalisable). evaluator: of samples (1), (2) or (3). */
ERG_API erg_status erg_quadrature_1d(erg_evaluator *evaluator, erg_quadrature_options options,
                                     erg_quadrature *result);
ERG_API erg_status erg_quadrature_2d(erg_evaluator *evaluator, erg_quadrature_options options,
                                     erg_quadrature *result);
ERG_API erg_status erg_quadrature_3d(erg_evaluator *evaluator, erg_quadrature_options options,
                                     erg_quadrature *result);

/* ------------------------------------------------------------------------------- exact sums */

typedef struct erg_enumeration {
    double log_z;       /* log of the sum of exp(-E) */
    double mean_energy; /* E under p: log_z + mean_energy is the entropy in nats */
    int64_t states;
} erg_enumeration;
/* Sums exp(-E) over all states of a discrete model, at most 2^26: each element of a sample takes the
 * q values, {-1, 1} or {0, 1} for example; values NULL: the last axis of a sample has size q and is
 * one-hot. evaluator: of samples of this shape. Refuses an energy that is NaN or -infinity, or
 * infinite everywhere. */
ERG_API erg_status erg_enumerate(erg_evaluator *evaluator, erg_shape sample, const double *values,
                                 int q, erg_enumeration *result);

/* log Z of the Ising model on a torus of rows x columns >= 3 x 3 spins, exactly (Kaufman 1949): the
 * sum over all states of exp(K sum_<ij> s_i s_j), each pair of neighbours once, as
 * exp(-erg_ising_energy) with coupling K and no field. K < 0 needs even sizes. NAN on a mistake. */
ERG_API double erg_ising_torus_log_z(int64_t rows, int64_t columns, double coupling);

/* ------------------------------------------------------------------------------- log Z by annealing */

/* Builds one transition that leaves exp(-E_b) invariant, E_b = (1 - b) E_0 + b E: from x, of any
 * shape (B, ...), to a node of its shape. `tempered` is E_b, made of the two energies; beta, a 0-d
 * node of x's dtype, is b > 0, for transitions that are not made of energies, such as Gibbs. */
typedef struct erg_transition {
    erg_node *(*fn)(void *self, erg_energy tempered, erg_node *beta, erg_node *x);
    void *self;
} erg_transition;

typedef struct erg_ais_base {
    erg_energy energy; /* E_0 */
    erg_node *sample;  /* exact samples of exp(-E_0), of x's shape, new ones at each run */
    double log_z;      /* log of the integral (or sum) of exp(-E_0) */
} erg_ais_base;

/* Annealed importance sampling (Neal 2001) from a base with known Z to an energy and back. It adds
 * nodes to the graph when made, none when run. */
typedef struct erg_ais erg_ais;
/* x is an input or state leaf (B, ...), B >= 2, that holds the chains. NULL on a mistake. The caller
 * frees it before the graph. */
ERG_API erg_ais *erg_ais_new(erg_energy energy, erg_ais_base base, erg_node *x,
                             erg_transition transition);
ERG_API void erg_ais_free(erg_ais *ais);

typedef struct erg_ais_options {
    int64_t steps;       /* temperatures after 0; adaptive: the most allowed; default 1000 */
    const double *betas; /* steps + 1, rising from 0 to 1; default: evenly */
    /* In (0, 1): a pass ahead chooses each temperature so that this part of the chains stays
     * effective in the step (conditional ESS: Zhou, Johansen & Aston 2016); 0.999 is fine. */
    double adaptive;
    int64_t transitions; /* at each temperature; default 1 */
    int64_t settle;      /* transitions at b = 1 between the two ways; default 100 */
    /* Samples of exp(-E), of x's shape, from which the way back starts. Default: the chains that have
     * arrived, drawn again by their weights and settled: then `upper` is a bound as far as these are
     * samples of exp(-E). */
    const erg_tensor *exact;
} erg_ais_options;

typedef struct erg_ais_end {
    double log_z;
    double standard_error; /* of log_z; too small if effective_size is near 1 */
    double effective_size; /* (sum w)^2 / sum w^2, of B chains */
    int64_t lost;          /* chains of weight 0: where E was infinite or NaN */
} erg_ais_end;
typedef enum erg_crossing {
    ERG_NOT_CROSSED = 0,
    ERG_CROSSED_WITHIN_NOISE, /* by less than 3 standard errors: the bracket is as narrow as those */
    ERG_CROSSED /* by more: wrong energies or transitions, or the way back did not start from samples
                   of exp(-E). Believe neither end. */
} erg_crossing;
typedef struct erg_ais_result {
    erg_ais_end lower; /* from base to target: E[exp(log_z)] = Z, so log_z is low on average */
    erg_ais_end upper; /* from target to base: E[exp(-log_z)] = 1 / Z, log_z is high on average */
    double low, high;  /* the bracket: the ends, 3 standard errors further out */
    int64_t steps;     /* temperatures after 0 */
    erg_crossing crossed;
} erg_ais_result;
/* Runs both ways (Grosse, Ghahramani & Adams 2015). lower.log_z > upper.log_z is never put right, but
 * told by `crossed`. Refuses a run in which all chains have lost their weights. */
ERG_API erg_status erg_ais_run(erg_ais *ais, erg_ais_options options, erg_ais_result *result);
/* log w of the chains (B), float64, of the last run's way from base to target, or of its way back; and
 * its temperatures, *count of them from 0 to 1. Both belong to the sampler. */
ERG_API const erg_tensor *erg_ais_log_weights(const erg_ais *ais, int back);
ERG_API const double *erg_ais_betas(const erg_ais *ais, int64_t *count);

/* ------------------------------------------------------------------------------- log p by a flow */

/* log p of points under a noise-conditional energy E(x, s), whose score at noise s is that of the
 * data blurred by N(0, s^2 I), by the probability-flow ODE (Song et al. 2021)
 *     dx/ds = s grad E(x, s),  log p(x(s_min)) = log N(x(s_max); 0, prior^2 I) + integral s lap E ds,
 * in equal steps of log s by the classical Runge-Kutta method of fourth order. The density is that
 * of the data blurred by s_min. */
typedef struct erg_flow erg_flow;
typedef struct erg_flow_options {
    double sigma_min, sigma_max; /* default 0.01, 50 */
    double prior;                /* standard deviation at s_max; default sigma_max */
    int64_t steps;               /* default 100 */
    /* > 0: Hutchinson's estimate of the Laplacian from so many Rademacher vectors, the same ones along
     * a path; default: the exact one. */
    int probes;
} erg_flow_options;
/* x is an input or state leaf (B, ...); the condition given to the energy is 0-d, of x's dtype. NULL
 * on a mistake. The caller frees it before the graph. */
ERG_API erg_flow *erg_flow_new(erg_pair_energy energy, erg_node *x, erg_flow_options options);
ERG_API void erg_flow_free(erg_flow *flow);
/* log_p (B), float64, of the points in x, which end where the flow takes them. */
ERG_API erg_status erg_flow_run(erg_flow *flow, erg_tensor *log_p);

/* ------------------------------------------------------------------------------- diagnostics
 *
 * Of draws (draws, chains, ...) of any float dtype, as erg_chain_sample keeps them, element by element
 * of a state. The formulas are those of Vehtari et al. (2021), which Stan uses. */

/* NaN everywhere if a draw of the element is NaN or infinite; R-hat and ESS are NaN if all draws are
 * the same. */
typedef struct erg_diagnosis {
    double mean, std, mad;      /* mad: 1.4826 median |x - median|, std for a Gaussian */
    double q5, median, q95;     /* quantiles 0.05, 0.5, 0.95 */
    double mcse_mean, mcse_std; /* Monte-Carlo standard errors of mean and std */
    double ess_bulk;            /* effective sample size of the rank-normalised draws */
    double ess_tail;            /* the least of those for the quantiles 0.05 and 0.95 */
    double ess_mean;            /* of the draws as they are, for the mean */
    double rhat_split,
        rhat_folded; /* rank-normalised; of draws, and of their distances from the median */
    double rhat;     /* the greater of the two: below 1.01 if chains have mixed */
} erg_diagnosis;
/* results: count = elements of a state. At least 8 draws in each chain; one chain may do. */
ERG_API erg_status erg_diagnose(const erg_tensor *draws, erg_diagnosis *results, int64_t count);
/* The autocorrelation of each chain about its own mean, (lags, chains, ...) float64, 1 at lag 0; NaN
 * for a chain that does not move. lags 0: as many as draws. In O(n log n). The caller frees it. */
ERG_API erg_tensor *erg_autocorrelation(const erg_tensor *draws, int64_t lags);
/* The energy's Bayesian fraction of missing information (Betancourt 2016) of each chain,
 * sum (E_t - E_(t-1))^2 / sum (E_t - mean)^2, for the energies (draws, chains) of a Hamiltonian
 * sampler with the kinetic one included; below 0.3 it explores energies too slowly. result (chains),
 * float64. */
ERG_API erg_status erg_ebfmi(const erg_tensor *energies, erg_tensor *result);

typedef struct erg_summary_options {
    const char *const *names;   /* one for each element; default x[0], x[1], ... */
    const erg_tensor *energies; /* (draws, chains), for E-BFMI; default: not reported */
    int64_t divergences;        /* divergent transitions after warm-up */
} erg_summary_options;
/* Prints a row of statistics for each element in Stan's columns, and warnings: R-hat not below 1.01,
 * ESS below 100 a chain, divergences, E-BFMI not above 0.3. */
ERG_API erg_status erg_summary_print(const erg_tensor *draws, erg_summary_options options,
                                     FILE *out);

/* Write PNGs of one element of the states, one curve a chain; name may be NULL. The trace; the
 * histogram, in 20 bins, of the ranks of a chain's draws among all draws, flat if it has mixed; the
 * autocorrelation of the first 100 lags. */
ERG_API erg_status erg_trace_plot(const char *path, const erg_tensor *draws, int64_t element,
                                  const char *name);
ERG_API erg_status erg_rank_plot(const char *path, const erg_tensor *draws, int64_t element,
                                 const char *name);
ERG_API erg_status erg_autocorrelation_plot(const char *path, const erg_tensor *draws,
                                            int64_t element, const char *name);

/* ------------------------------------------------------------------------------- goodness of fit
 *
 * Of samples (n, ...) of any float dtype, all finite; a sample is a vector of its d elements. In
 * O(n^2 d), with sums in an order of their own: the same bits always. */

/* The kernel Stein discrepancy, squared (Liu, Lee & Jordan 2016; Chwialkowski et al. 2016): how far x is
 * from the density with these scores, whose Z need not be known; scores[i] = -grad E(x[i]), of x's
 * shape. The estimate without bias may be negative. */
typedef enum erg_kernel {
    ERG_KERNEL_IMQ =
        0,         /* (scale^2 + |x - y|^2)^exponent: sees all mass that strays (Gorham & Mackey
                           2017) */
    ERG_KERNEL_RBF /* exp(-|x - y|^2 / (2 scale^2)) */
} erg_kernel;
typedef struct erg_ksd_options {
    erg_kernel kernel;
    double scale;    /* default 1 */
    double exponent; /* of IMQ, in (-1, 0); default -1/2 */
    int biased;      /* not 0: pairs of a point with itself too, the square of a norm */
} erg_ksd_options;
ERG_API erg_status erg_ksd(const erg_tensor *x, const erg_tensor *scores, erg_ksd_options options,
                           double *square);

/* The maximum mean discrepancy, squared, of x (n, ...) and y (m, ...) (Gretton et al. 2012), without
 * bias, so that it may be negative; kernel exp(-|x - y|^2 / (2 bandwidth^2)). bandwidth 0: the median
 * distance of at most 1000 points of both. */
ERG_API erg_status erg_mmd(const erg_tensor *x, const erg_tensor *y, double bandwidth,
                           double *square);
/* The energy distance, squared (Szekely & Rizzo 2013): 2 E|X - Y| - E|X - X'| - E|Y - Y'| >= 0 with
 * the means over all pairs. */
ERG_API erg_status erg_energy_distance(const erg_tensor *x, const erg_tensor *y, double *square);
/* The Frechet distance, squared, between the Gaussians with the means and covariances (divided by
 * n - 1) of x and y. */
ERG_API erg_status erg_frechet_distance(const erg_tensor *x, const erg_tensor *y, double *square);
/* Precision: the part of the samples within the support of the data; recall: the part of the data
 * within that of the samples. A support is the union of balls around points, to the k-th nearest
 * neighbour (Kynkaanniemi et al. 2019). k 0: 3. */
ERG_API erg_status erg_precision_recall(const erg_tensor *samples, const erg_tensor *data, int k,
                                        double *precision, double *recall);

/* The classifier two-sample test (Lopez-Paz & Oquab 2017): an MLP with two hidden layers is trained to
 * tell half of the points of x and y, as many of each, and tested on the others. */
typedef struct erg_two_sample_options {
    int64_t width; /* of the hidden layers; default 32 */
    int64_t steps; /* of Adam, on all points at once; default 300 */
    uint64_t seed;
} erg_two_sample_options;
typedef struct erg_two_sample {
    double accuracy; /* on the points held out: 1/2 if the sets are alike */
    double p_value;  /* the probability of that accuracy or more if they are */
} erg_two_sample;
ERG_API erg_status erg_two_sample_test(const erg_tensor *x, const erg_tensor *y,
                                       erg_two_sample_options options, erg_two_sample *result);

#ifdef __cplusplus
}
#endif

#endif

/* samplers.h: transitions as graph modules, the driver that runs them, replay buffers, exact 2-D toy
 * distributions, and quadrature. Written with the public headers below alone.
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
    double center_x, center_y; /* of the box */
    double half_width;         /* of the first box; default 4 */
    int points;                /* a side; default 400 */
    double tail;               /* widened until the outer ring holds less; default 1e-6 */
} erg_quadrature_options;
typedef struct erg_quadrature {
    double log_z;       /* log of the integral of exp(-E) */
    double mean_energy; /* E under p: log_z + mean_energy is the entropy in nats */
    double half_width;  /* of the last box */
    double outer_mass;  /* of p in the outer ring of that box: a tenth of its half width */
} erg_quadrature;
/* Integrates exp(-E) over the plane by the midpoint rule, spectrally accurate for smooth densities
 * that vanish at the box's edge; what lies beyond the box is lost. The box grows by half until the
 * outer ring's mass is below `tail`, with the cell size kept up to 4000 points a side, then growing;
 * each box is judged with 100 points a side before it is integrated with all. Refuses an energy that
 * is NaN somewhere, and one whose tail stays heavy up to 1000 times the first box (not
 * normalisable). evaluator: of samples (2). */
ERG_API erg_status erg_quadrature_2d(erg_evaluator *evaluator, erg_quadrature_options options,
                                     erg_quadrature *result);

#ifdef __cplusplus
}
#endif

#endif

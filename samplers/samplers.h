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

/* ------------------------------------------------------------------------------- discrete states
 *
 * Transitions for any energy over discrete sites. States are floats, so that an energy is the same
 * function of nodes as ever, and has a gradient. All sites of x are of one kind:
 *
 *     ERG_BITS     x (B, sites...), 0 or 1
 *     ERG_SPINS    x (B, sites...), -1 or 1
 *     ERG_ONE_HOT  x (B, sites..., K), K >= 2: each site a vector of zeros and a one
 *
 * What x holds is not checked when a plan runs. All chains do the same; what each decides is a mask.
 * A state whose energy is NaN or infinite is never entered. No derivative passes through a
 * transition. On a mistake all nodes of the result are NULL. */

typedef enum erg_sites { ERG_BITS, ERG_SPINS, ERG_ONE_HOT } erg_sites;

/* What one transition does to each chain. What is (B) has x's dtype, and costs nothing if it is not
 * used. */
typedef struct erg_discrete_step {
    erg_node *next;       /* the next state, of x's shape; NULL after a mistake */
    erg_node *energy;     /* (B): E(next) */
    erg_node *acceptance; /* (B): probability of accepting what was proposed, the mean of several */
    erg_node *not_finite; /* (B), mask: an energy of a possible next state was NaN or infinite */
} erg_discrete_step;

/* Gibbs sampling (Geman & Geman 1984): one site after the other is drawn given all others. Each
 * update costs K - 1 energies (one for bits and spins). `acceptance` is the share of updates that
 * changed their site. */
typedef enum erg_scan {
    ERG_SCAN_RASTER, /* sites in row-major order: exp(-E) stays, without detailed balance */
    ERG_SCAN_RANDOM  /* each update of a site drawn evenly, by each chain for itself */
} erg_scan;
typedef struct erg_gibbs_options {
    erg_sites sites;     /* default bits */
    erg_scan scan;       /* default raster */
    int64_t updates;     /* a transition; default: the number of sites */
    erg_node *site_node; /* int32 (): if set, one update, of the site with this row-major number;
                          * none if it is out of range */
} erg_gibbs_options;
ERG_API erg_discrete_step erg_gibbs(erg_energy energy, erg_node *x, erg_gibbs_options options);

typedef struct erg_flips_options {
    erg_sites sites;   /* default bits */
    int64_t proposals; /* one after the other, a transition; default 1 */
} erg_flips_options;
/* Metropolis: proposes one change of one site, even among all, and accepts it with probability
 * min(1, exp(E(x) - E(x'))). Costs one energy a proposal. */
ERG_API erg_discrete_step erg_metropolis_flips(erg_energy energy, erg_node *x,
                                               erg_flips_options options);
/* Gibbs with gradients (Grathwohl et al. 2021): proposes a change with probability proportional to
 * exp(d / 2), d = -grad E . (x' - x), and corrects for that by Metropolis and Hastings: exact for any
 * energy, good for those nearly linear in each site. Costs a gradient a proposal. */
ERG_API erg_discrete_step erg_gibbs_with_gradients(erg_energy energy, erg_node *x,
                                                   erg_flips_options options);

/* Discrete Langevin proposal (Zhang, Liu & Liu 2022), step size a: all sites are drawn at once, each
 * from exp(-grad E . (x' - x) / 2 - |x' - x|^2 / 2 a), and the whole is accepted or not as in
 * Metropolis-Hastings (DMALA). Uncorrected (DULA) it samples from exp(-E) as a -> 0. Costs two
 * gradients. */
typedef struct erg_discrete_langevin_options {
    erg_sites sites;          /* default bits */
    double step_size;         /* a; default 0.2 */
    erg_node *step_size_node; /* 0-d, of x's dtype: if set, used instead */
    int uncorrected;          /* default: corrected */
} erg_discrete_langevin_options;
ERG_API erg_discrete_step erg_discrete_langevin(erg_energy energy, erg_node *x,
                                                erg_discrete_langevin_options options);

/* Block Gibbs: block after block, each a mask (sites...) of x's dtype, 1 where sites belong to it. All
 * sites of a block are drawn at once given the rest, from one gradient. Exact if sites of one block
 * do not interact and E is affine in each site (in each one-hot vector): Ising and Potts models,
 * Boltzmann machines; wrong otherwise, which is not checked. `acceptance` is 1 but for energies that
 * are not finite. */
ERG_API erg_discrete_step erg_block_gibbs(erg_energy energy, erg_node *x, erg_node *const *blocks,
                                          int count, erg_sites sites);
/* The mask of the sites whose indices have an even (colour 0) or an odd (1) sum. The two masks are
 * blocks of a lattice whose closed axes have even sizes. */
ERG_API erg_node *erg_checkerboard(erg_graph *graph, erg_dtype dtype, erg_shape sites, int colour);
/* v after sweeps >= 1 of h | v and v | h. */
ERG_API erg_node *erg_rbm_gibbs(const erg_rbm *rbm, erg_node *v, int64_t sweeps);

/* Block Gibbs for an energy E(x, z) of a sample and a latent variable: z moves at fixed x, then x at
 * fixed z. The moves are transitions of the caller's, any of this header, for the energy that they
 * are given: they return the next state, of the same shape. If they leave exp(-E(x, .)) and
 * exp(-E(., z)) as they are, then p(x, z) stays. */
typedef struct erg_latent_move {
    erg_node *(*fn)(void *self, erg_energy energy, erg_node *state);
    void *self;
} erg_latent_move;
typedef struct erg_latent_states {
    erg_node *x, *z;
} erg_latent_states;
/* The next states; both NULL on a mistake. */
ERG_API erg_latent_states erg_latent_gibbs(erg_pair_energy energy, erg_latent_states from,
                                           erg_latent_move move_x, erg_latent_move move_z);

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
 * different slots, of which a fraction is started afresh; store puts what became of them into the
 * buffer. */
typedef struct erg_replay erg_replay;
/* Where states are stored. The last two keep old states for longer than their chains go on. */
typedef enum erg_replay_policy {
    ERG_REPLAY_WRITE_BACK, /* in the slots that they were drawn from: capacity chains that go on */
    ERG_REPLAY_FIFO,       /* in place of those stored first */
    ERG_REPLAY_RESERVOIR /* in slots that make the buffer an even sample of all states ever stored,
                            * once it is full of them (Vitter 1985, algorithm R) */
} erg_replay_policy;
typedef struct erg_replay_options {
    int64_t capacity; /* slots, below 2^32; default 10000 */
    double restart;   /* probability of a fresh start; default 0.05, ERG_ZERO: never */
    uint64_t seed;
    erg_replay_policy policy; /* default write-back */
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
/* How often each slot's state has been stored since it was started afresh, and the average over the
 * buffer. -1 for a slot that is not there. */
ERG_API int64_t erg_replay_age(const erg_replay *replay, int64_t slot);
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

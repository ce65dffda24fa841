/* samplers.h: transitions as graph modules, the driver that runs them, replay buffers, exact 2-D toy
 * distributions, quadrature, and the Metropolis family. Written with public headers alone.
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

/* A transition of all chains: what the Metropolis family below builds, or a program of its own,
 * with `next` alone set. Masks are 1 or 0, and what is (B) has x's dtype. An energy that is NaN or
 * infinite is never accepted: the chain stays where it is. */
typedef struct erg_transition {
    erg_node *next;          /* x's shape; NULL after a mistake */
    erg_node *energy;        /* (B): E(next) */
    erg_node *acceptance;    /* (B): probability of the move that was proposed, in [0, 1] */
    erg_node *gradient_norm; /* (B): |grad E(x)|; NULL if no gradient is taken */
    erg_node *divergent;     /* (B), mask: the energy was lost on the way; NULL if it cannot be */
    erg_node *not_finite;    /* (B), mask: the proposal's energy was NaN or infinite */
    erg_node *effect;        /* besides x <- next; NULL: none */
    /* A transition may take several runs of a plan, as NUTS does; else these are NULL and 0. */
    erg_node *begin; /* an effect, run once before */
    erg_node *busy;  /* (B), state: not 0 while a chain needs more runs */
    erg_node *done;  /* (B), mask: the chain's transition ends with this run */
    int64_t runs;    /* no transition takes more */
} erg_transition;

/* Runs one transition over and over: a plan whose effect is x <- next. */
typedef struct erg_chain erg_chain;
/* x is an input or state leaf that holds the chains' present states; next a node of its shape. NULL
 * on a mistake. The caller frees it before the graph. */
ERG_API erg_chain *erg_chain_new(erg_node *x, erg_node *next);
/* The same for a transition with all its effects, and for one effect more (NULL: none) that comes
 * with each of its runs: erg_statistics_count, a schedule's counter, or an erg_group of such. */
ERG_API erg_chain *erg_chain_of(erg_node *x, erg_transition transition, erg_node *also);
ERG_API void erg_chain_free(erg_chain *chain);
/* n transitions; the states are in erg_value(x). */
ERG_API erg_status erg_chain_run(erg_chain *chain, int64_t n);

typedef struct erg_chain_options {
    int64_t burn_in; /* transitions before anything else; default 0 */
    int64_t thin;    /* transitions before each kept state; default 1 */
    /* Called after each kept state with its number; anything but 0 stops the run early. */
    int (*each)(void *self, int64_t kept, const erg_tensor *x);
    void *self;
    FILE *progress; /* stderr, say: if it is a terminal, a line there tells how far a long run is */
} erg_chain_options;
/* Keeps `count` states: (count, B, ...), freed by the caller. If stopped early, the first dimension
 * is the number kept. NULL on an error. */
ERG_API erg_tensor *erg_chain_sample(erg_chain *chain, int64_t count, erg_chain_options options);

/* from (to / from)^min(t / steps, 1), a 0-d node of step's dtype, for step sizes, temperatures and
 * noise levels: a schedule as those of nn.h. from and to have one sign and are not 0. */
ERG_API erg_node *erg_geometric_schedule(erg_node *step, double from, double to, int64_t steps);

/* What happened to each chain since the last reset: float64 states (B), named "<scope>/<name>/...".
 * They belong to the graph: any number of plans may count into them. */
typedef struct erg_statistics {
    erg_node *transitions;                         /* how many */
    erg_node *acceptance, *energy, *gradient_norm; /* sums over these transitions */
    erg_node *divergent, *not_finite;              /* numbers of transitions */
} erg_statistics;
ERG_API erg_statistics *erg_statistics_new(erg_graph *graph, const char *name, int64_t chains);
/* An effect that counts this transition; what the transition does not know stays 0. */
ERG_API erg_node *erg_statistics_count(const erg_statistics *statistics, erg_transition transition);
ERG_API erg_status erg_statistics_reset(const erg_statistics *statistics);
typedef struct erg_statistics_summary {
    double transitions;                       /* of all chains together */
    double acceptance, energy, gradient_norm; /* means; NaN if there were no transitions */
    double divergent, not_finite;             /* numbers */
} erg_statistics_summary;
/* Of one chain, or of all for chain = -1. */
ERG_API erg_status erg_statistics_get(const erg_statistics *statistics, int64_t chain,
                                      erg_statistics_summary *summary);

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

/* ------------------------------------------------------------------------------- Metropolis
 *
 * Transitions that leave exp(-E) invariant: they propose y and accept it with probability
 *     a = min(1, exp(E(x) - E(y)) q(x | y) / q(y | x))
 * (Metropolis et al. 1953; Hastings 1970). E(x) is computed anew in each transition, so params of
 * the energy may change between two. The decision of each chain is a mask, through which no
 * derivative passes; derivatives pass through the proposal. On a mistake `next` is NULL. */

/* The shape of the steps: L with L L^T near the covariance of exp(-E). Steps are made in z where
 * x = L z: for Hamiltonian dynamics that is the mass matrix (L L^T)^-1. */
typedef enum erg_mass {
    ERG_MASS_IDENTITY = 0,
    ERG_MASS_DIAGONAL, /* L is diagonal */
    ERG_MASS_DENSE     /* L is lower triangular */
} erg_mass;
typedef struct erg_metric {
    erg_mass mass;
    erg_shape sample; /* of one chain's state, with D elements */
    erg_node *root;   /* L: a state "<scope>/<name>/root", (D) or (D, D); NULL for the identity */
} erg_metric;
/* For states of this shape after the first axis; L = I at first. */
ERG_API erg_metric *erg_metric_new(erg_graph *graph, const char *name, erg_dtype dtype,
                                   erg_shape sample, erg_mass mass);
/* Sets L L^T to a covariance: variances (D) for diagonal mass, (D, D), of which the lower triangle
 * is read, for dense. Refuses one that is not positive definite. Any float dtype. */
ERG_API erg_status erg_metric_set(erg_metric *metric, const erg_tensor *covariance);

/* A proposal y of x's shape. fn may set *log_ratio to log q(x | y) - log q(y | x), (B); if it
 * leaves it NULL the proposal is symmetric. */
typedef struct erg_proposal {
    erg_node *(*fn)(void *self, erg_node *x, erg_node **log_ratio);
    void *self;
} erg_proposal;
ERG_API erg_transition erg_metropolis_hastings(erg_energy energy, erg_node *x,
                                               erg_proposal proposal);

/* For the transitions below. */
typedef struct erg_metropolis_options {
    double step_size;         /* default 0.1 */
    erg_node *step_size_node; /* 0-d, of x's dtype: if set, used instead */
    const erg_metric *metric; /* default: identity */
    int steps;                /* HMC: leapfrog steps of a trajectory; default 10 */
    double jitter;            /* HMC: each chain's step size is multiplied by 1 + jitter u, u
                                 uniform in [-1, 1), at each transition, so that the lengths of
                                 trajectories differ; below 1; default none */
    int max_depth;    /* NUTS: at most 2^max_depth - 1 leapfrog steps; 1 to 20; default 10 */
    double max_error; /* HMC, NUTS: divergent if the energy rises by more; default 1000 */
    const char *name; /* NUTS: of its states "<scope>/<name>/..."; default "nuts" */
} erg_metropolis_options;

/* Random walk: y = x + step_size L xi, xi ~ N(0, I). On N(0, 1) it accepts
 * (2 / pi) atan(2 / step_size) of its proposals. */
ERG_API erg_transition erg_random_walk(erg_energy energy, erg_node *x,
                                       erg_metropolis_options options);
/* Langevin with the Metropolis correction (Roberts & Tweedie 1996):
 *     y = x - step_size L L^T grad E(x) + sqrt(2 step_size) L xi. */
ERG_API erg_transition erg_mala(erg_energy energy, erg_node *x, erg_metropolis_options options);
/* Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011): momentum drawn anew, then `steps`
 * leapfrog steps of step_size, accepted by the change of E + kinetic energy. */
ERG_API erg_transition erg_hmc(erg_energy energy, erg_node *x, erg_metropolis_options options);
/* The no-U-turn sampler (Hoffman & Gelman 2014) in its multinomial form (Betancourt 2017), by the
 * iteration of Phan et al. (2019): one run of a plan is one leapfrog step of every chain; a chain
 * whose trajectory has ended waits for the others. x is the leaf that holds the chains, whose
 * effects need erg_chain_of. acceptance is the mean over the trajectory. */
ERG_API erg_transition erg_nuts(erg_energy energy, erg_node *x, erg_metropolis_options options);

/* Warm-up as in Stan: step_size by dual averaging (Hoffman & Gelman 2014), the metric from the
 * states of windows that double in length. All chains are taken to sample one density and share
 * what is learnt. */
typedef struct erg_warm_up_options {
    double target;      /* of the mean acceptance, in (0, 1); default 0.8 */
    erg_metric *metric; /* set after each window; default: none is learnt */
    FILE *progress;     /* as in erg_chain_options */
} erg_warm_up_options;
/* n transitions of the chain, whose transition reads step_size, a 0-d input or state that starts
 * at any value > 0, and counts into the statistics, which are reset before and after. A step size
 * that was left 0 or is not finite is refused. */
ERG_API erg_status erg_warm_up(erg_chain *chain, const erg_statistics *statistics,
                               erg_node *step_size, int64_t n, erg_warm_up_options options);

#ifdef __cplusplus
}
#endif

#endif

/* samplers.h: transitions as graph modules, the driver that runs them, replay buffers, exact 2-D toy
 * distributions, quadrature, and the Metropolis family. Written with the public headers below alone.
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
    erg_node *preconditioner;     /* P > 0, not of x, broadcast to x's shape: the step is
                                     step_size P grad E, after the clip, the noise sqrt(P) times
                                     as much; default 1 */
} erg_langevin_options;
/* The next state of the chains, a node of x's shape; derivatives pass through it. */
ERG_API erg_node *erg_langevin(erg_energy energy, erg_node *x, erg_langevin_options options);

/* The steps of stochastic gradient Langevin dynamics (Welling & Teh 2011), for step_size_node:
 *     scale (offset + t)^-power
 * with t, a 0-d float, the number of transitions done: a state that is raised by 1 in each run, as
 * for schedules. The energy may be an unbiased estimate from a part of the data. Averages over such
 * a chain weigh a state by its step. Steps in the paper, which has eps / 2 and sqrt(eps), are twice
 * these. */
typedef struct erg_sgld_options {
    double scale;  /* > 0; default 0.01 */
    double offset; /* > 0; default 1 */
    double power;  /* in (0, 1]; default 0.55; the chain converges for powers above 1/2 */
} erg_sgld_options;
ERG_API erg_node *erg_sgld_step(erg_node *t, erg_sgld_options options);

/* A chain with a velocity: two nodes of one shape (B, ...). Both NULL: a mistake. */
typedef struct erg_motion {
    erg_node *x, *v;
} erg_motion;
/* The effect now <- next of two leaves, an output of a plan that is a whole transition. */
ERG_API erg_node *erg_motion_assign(erg_motion now, erg_motion next);

/* Underdamped Langevin dynamics of unit mass and temperature, dx = v dt, dv = -grad E dt - friction
 * v dt + sqrt(2 friction) dW, by the splitting BAOAB (Leimkuhler & Matthews 2013), one gradient a
 * step. x has exactly the right law for Gaussians at any step below 2 s, s the least standard
 * deviation; elsewhere its error is of order step_size^2. v is taken half a kick, step_size / 2
 * grad E, ahead of x. It may start anywhere, best at N(0, 1). */
typedef struct erg_underdamped_options {
    double step_size;         /* default 0.1 */
    erg_node *step_size_node; /* 0-d: if set, used instead */
    double friction;          /* per unit of time; default 1; ERG_ZERO: conserves energy */
} erg_underdamped_options;
ERG_API erg_motion erg_underdamped_langevin(erg_energy energy, erg_motion now,
                                            erg_underdamped_options options);

/* Stochastic gradient Hamiltonian Monte Carlo (Chen, Fox & Guestrin 2014, eq. 15):
 *     v' = (1 - friction) v - learning_rate grad E(x) + sqrt(2 (friction - gradient_noise)
 *          learning_rate) xi,
 *     x' = x + v'.
 * It samples exp(-E) as learning_rate -> 0 at a constant friction / sqrt(learning_rate). */
typedef struct erg_sghmc_options {
    double learning_rate;         /* default 0.01 */
    erg_node *learning_rate_node; /* 0-d: if set, used instead */
    double friction;              /* alpha, in (0, 1]; default 0.1 */
    double gradient_noise;        /* beta^ <= friction: learning_rate / 2 times the variance of the
                                     gradient's own noise; default 0 */
} erg_sghmc_options;
ERG_API erg_motion erg_sghmc(erg_energy energy, erg_motion now, erg_sghmc_options options);

/* Descent to a mode by Nesterov's accelerated gradient (Sutskever et al. 2013):
 *     v' = momentum v - step_size grad E(x + momentum v),   x' = x + v'.
 * Start with v = 0. Gradient descent is erg_langevin with noise ERG_ZERO. */
typedef struct erg_nesterov_options {
    double step_size;         /* default 0.01 */
    erg_node *step_size_node; /* 0-d: if set, used instead */
    double momentum;          /* in [0, 1); default 0.9; ERG_ZERO: gradient descent */
} erg_nesterov_options;
ERG_API erg_motion erg_nesterov(erg_energy energy, erg_motion now, erg_nesterov_options options);

/* Stein variational gradient descent (Liu & Wang 2016): x (n, ...) are n particles that see each
 * other, no chains, moved by step_size times
 *     1/n sum_j [k(x_j, x_i) s(x_j) + grad_(x_j) k(x_j, x_i)],   k(x, y) = exp(-|x - y|^2 / h^2).
 * Memory and time grow as n^2 times the size of a particle. */
typedef struct erg_svgd_options {
    double step_size;         /* default 0.1 */
    erg_node *step_size_node; /* 0-d: if set, used instead */
    double bandwidth;         /* h; default: h^2 = median of all |x_i - x_j|^2 / log(n + 1), found
                                 anew in each step; no derivative passes through it */
    erg_node *bandwidth_node; /* 0-d: if set, used instead */
} erg_svgd_options;
/* The next places of the particles, a node of x's shape. */
ERG_API erg_node *erg_svgd(erg_energy energy, erg_node *x, erg_svgd_options options);

/* A move to where the energy is NaN or infinite is a rejection: for transitions without an
 * acceptance step of their own. All NULL on a mistake. */
typedef struct erg_guarded {
    erg_node *next;     /* `next` where its energy is finite, else x; of x's shape */
    erg_node *energy;   /* (B): of that state */
    erg_node *rejected; /* (B): 1 where the move was rejected, else 0 */
} erg_guarded;
ERG_API erg_guarded erg_guard(erg_energy energy, erg_node *x, erg_node *next);

/* ------------------------------------------------------------------------------- kernels and ladders */

/* Builds one transition that leaves exp(-E) invariant, E = tempered: from x, of any shape (B, ...),
 * to a node of its shape. beta, a node () or (B) of x's dtype, is the inverse temperature that is
 * already part of the energy, for transitions that are not made of energies, such as Gibbs. */
typedef struct erg_kernel {
    erg_node *(*fn)(void *self, erg_energy tempered, erg_node *beta, erg_node *x);
    void *self;
} erg_kernel;
/* erg_langevin as such a function; self: const erg_langevin_options *, or NULL. */
ERG_API erg_node *erg_langevin_kernel(void *self, erg_energy tempered, erg_node *beta, erg_node *x);

/* The state after k transitions, as one expression without assignments: derivatives pass through
 * all of them, to x and to the params of the energy (truncated backpropagation through the chain;
 * the KL term of Du et al. 2021). Each application has random numbers of its own. Acceptance
 * decisions are masks, whose derivative is 0: a gradient sees the path that was taken, not how
 * likely it was. k >= 0; memory grows with k. */
ERG_API erg_node *erg_unroll(erg_kernel kernel, erg_energy energy, erg_node *x, int64_t k);

/* Inverse temperatures 1 = beta_0 > beta_1 > .. > 0, of the densities exp(-beta E). */
typedef struct erg_ladder {
    int64_t levels;      /* >= 2; default 8 */
    double hottest;      /* 1 / the last beta of a geometric ladder, > 1; default 10 */
    const double *betas; /* if set, these numbers are used instead of `hottest` */
} erg_ladder;

/* Parallel tempering (Swendsen & Wang 1986; Geyer 1991): K temperatures times B chains in one batch
 * x (K B, ...), whose row k B + b is chain b at beta_k. Each round moves all rows by the transition
 * at their own beta (a shape (K B) there), then neighbours in temperature swap states with
 * probability
 *     min(1, exp((beta_k - beta_(k+1)) (E(x_k) - E(x_(k+1))))),
 * pairs of even and of odd k in turn. The first B rows are the chains of exp(-E). A move to where
 * the energy is not finite is rejected. A step fit for beta = 1 is timid at others: a
 * preconditioner of 1 / beta_k for row k B + b helps. */
typedef struct erg_parallel_tempering {
    erg_node *next;      /* of x's shape */
    erg_node *update;    /* an effect, to run with x <- next: counts the round */
    erg_node *rounds;    /* float64 states, all reset by filling them with 0: () */
    erg_node *attempted; /* (K - 1): swaps of each pair of neighbours, over all chains */
    erg_node *swapped;   /* (K - 1): those that were accepted */
    erg_node *rejected;  /* (): moves to energies that are not finite */
} erg_parallel_tempering;
typedef struct erg_parallel_tempering_options {
    erg_ladder ladder;
    const char *name; /* of the scope of the states; default "tempering" */
} erg_parallel_tempering_options;
ERG_API erg_parallel_tempering *erg_parallel_tempering_new(erg_energy energy, erg_node *x,
                                                           erg_kernel kernel,
                                                           erg_parallel_tempering_options options);

/* A proposal and what became of it. All NULL: a mistake. */
typedef struct erg_accepted {
    erg_node *next;      /* of x's shape */
    erg_node *accepted;  /* (B): 1 or 0; derivative 0 */
    erg_node *log_ratio; /* (B): accepted with probability min(1, exp(this)); NaN: never */
} erg_accepted;
/* Tempered transitions (Neal 1996): a transition at each beta down the ladder and up again is one
 * proposal. Leaves exp(-E) invariant if each transition is reversible: one with an acceptance step,
 * not Langevin without. 2 (levels - 1) transitions. */
ERG_API erg_accepted erg_tempered_transition(erg_energy energy, erg_node *x, erg_kernel kernel,
                                             erg_ladder ladder);

/* ------------------------------------------------------------------------------- levels of noise
 *
 * Sampling with an energy E(x, s) whose exp(-E(., s)) is the data's density smoothed by N(0, s^2).
 * t, a 0-d float (best float64), is the number of transitions done: a state raised by 1 in each
 * run. Start at N(0, high^2). */

typedef struct erg_noise_schedule {
    double high, low; /* the first level and the last; default 1, 0.01 */
    int64_t levels;   /* geometric between them; default 10 */
    int64_t steps;    /* transitions at each; default 100 */
} erg_noise_schedule;
/* s at t, 0-d of t's dtype; after all levels it stays at the last. */
ERG_API erg_node *erg_noise_level(erg_node *t, erg_noise_schedule schedule);

/* Annealed Langevin dynamics (Song & Ermon 2019): erg_langevin with step h = step s^2 at the level
 * of t. The paper has steps alpha with alpha / 2 and sqrt(alpha), so that alpha = 2 h; its eps =
 * 2e-5 at s = 0.01 is step = 0.1. */
typedef struct erg_annealed_options {
    erg_noise_schedule schedule;
    double step; /* in units of s^2; default 0.1 */
} erg_annealed_options;
ERG_API erg_node *erg_annealed_langevin(erg_pair_energy energy, erg_node *x, erg_node *t,
                                        erg_annealed_options options);

/* Predictor and corrector (Song et al. 2021) for the variance-exploding diffusion: from level t, s,
 * to level t + 1, s',
 *     x' = x - (s^2 - s'^2) grad E(x, s) + sqrt(s^2 - s'^2) xi,
 * then `corrections` Langevin steps of step s'^2 at s'. levels - 1 transitions are all. */
typedef struct erg_predictor_corrector_options {
    double high, low;    /* default 1, 0.01 */
    int64_t levels;      /* geometric between them; default 100 */
    int64_t corrections; /* default 1; -1: none */
    double step;         /* of these, in units of s'^2; default 0.1 */
} erg_predictor_corrector_options;
ERG_API erg_node *erg_predictor_corrector(erg_pair_energy energy, erg_node *x, erg_node *t,
                                          erg_predictor_corrector_options options);

/* The mean of the data given x = data + s xi: x - s^2 grad E(x, s) (Tweedie's formula); the last
 * step that takes out the noise of the lowest level. noise () or (B). */
ERG_API erg_node *erg_denoise(erg_pair_energy energy, erg_node *x, erg_node *noise);

/* ------------------------------------------------------------------------------- equations */

/* dx/dt = fn(self, x, t): x (B, ...), t (B) the time of each chain; a node of x's shape, row b of
 * which depends on x[b] and t[b] alone. */
typedef struct erg_field {
    erg_node *(*fn)(void *self, erg_node *x, erg_node *t);
    void *self;
} erg_field;
/* Solves it for all chains at once by Dormand & Prince's method of order 5 with step control, a
 * step of its own for each chain. */
typedef struct erg_ode erg_ode;
typedef struct erg_ode_options {
    double tolerance;  /* of a step's error, against 1 + |x|, root mean square over the elements of
                          a sample; default 1e-5 */
    int64_t max_steps; /* tried in a run, by the slowest chain; default 10000 */
} erg_ode_options;
/* x: an input or state leaf (B, ...). NULL on a mistake. The caller frees it before the graph. */
ERG_API erg_ode *erg_ode_new(erg_field field, erg_node *x, erg_ode_options options);
ERG_API void erg_ode_free(erg_ode *ode);
/* Moves the states in x from one time to another, which may be earlier. If max_steps do not
 * suffice, or slopes are not finite, x is as before and the run an error. */
ERG_API erg_status erg_ode_run(erg_ode *ode, double from, double to);
/* Steps tried in the last run, taken or not. */
ERG_API int64_t erg_ode_steps(const erg_ode *ode);

/* The field of the probability flow of E(x, s) (Song et al. 2021), with t = log s:
 *     dx/dt = s^2 grad E(x, s).
 * From t = log(high) to log(low), samples of exp(-E(., high)) become samples of exp(-E(., low));
 * back again they are encoded. fn is NULL on a mistake. */
ERG_API erg_field erg_probability_flow(erg_graph *graph, erg_pair_energy energy);
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

/* A transition of all chains: what the Metropolis family below builds, or a program of its own, with
 * `next` alone set. Masks are 1 or 0, and what is (B) has x's dtype. An energy that is NaN or
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
 * with each of its runs: erg_statistics_count, the counter of a schedule, or an erg_group of such. */
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

/* ------------------------------------------------------------------------------- Metropolis
 *
 * Transitions that leave exp(-E) invariant: they propose y and accept it with probability
 *     a = min(1, exp(E(x) - E(y)) q(x | y) / q(y | x))
 * (Metropolis et al. 1953; Hastings 1970). E(x) is computed anew in each transition, so params of the
 * energy may change between two. The decision of each chain is a mask, through which no derivative
 * passes; derivatives pass through the proposal. On a mistake `next` is NULL. */

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
/* Sets L L^T to a covariance: variances (D) for diagonal mass, (D, D), of which the lower triangle is
 * read, for dense. Refuses one that is not positive definite. Any float dtype. */
ERG_API erg_status erg_metric_set(erg_metric *metric, const erg_tensor *covariance);

/* A proposal y of x's shape. fn may set *log_ratio to log q(x | y) - log q(y | x), (B); if it leaves
 * it NULL the proposal is symmetric. */
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
/* Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011): momentum drawn anew, then `steps` leapfrog
 * steps of step_size, accepted by the change of E + kinetic energy. */
ERG_API erg_transition erg_hmc(erg_energy energy, erg_node *x, erg_metropolis_options options);
/* The no-U-turn sampler (Hoffman & Gelman 2014) in its multinomial form (Betancourt 2017), by the
 * iteration of Phan et al. (2019): one run of a plan is one leapfrog step of every chain; a chain whose
 * trajectory has ended waits for the others. x is the leaf that holds the chains, whose effects
 * need erg_chain_of. acceptance is the mean over the trajectory. */
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

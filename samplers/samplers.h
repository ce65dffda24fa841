/* samplers.h: transitions as graph modules, the driver that runs them, replay buffers, exact 2-D toy
 * distributions, quadrature, log Z, diagnostics and goodness of fit. Written with the public headers
 * below alone.
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
    erg_node *next;     /* of x's shape */
    erg_node *accepted; /* (B): 1 or 0; derivative 0 */
    erg_node
        *log_ratio; /* (B): accepted with probability min(1, exp(this)); never if it is NaN or the
                            energy of the proposal is not finite */
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
    /* r > 0: instead, their step is 2 (r sqrt(D) / g)^2, with D the elements of a sample and g the mean
     * over the chains of |grad E|: the paper's rule, in which r is the size of a step's gradient part
     * over that of its noise. The paper takes r = 0.16 for images. Chains then share one number, g. */
    double signal_to_noise;
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

/* From a base to an energy by way of E_b = (1 - b) E_0 + b E, 0 < b <= 1: transitions are made by an
 * erg_kernel, whose `tempered` is E_b and whose beta, 0-d, is b. */
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
                             erg_kernel transition);
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
typedef enum erg_stein_kernel {
    ERG_STEIN_IMQ = 0, /* (scale^2 + |x - y|^2)^exponent: sees all mass that strays (Gorham & Mackey
                           2017) */
    ERG_STEIN_RBF      /* exp(-|x - y|^2 / (2 scale^2)) */
} erg_stein_kernel;
typedef struct erg_ksd_options {
    erg_stein_kernel kernel;
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

/* Warm-up as in Stan: step_size by dual averaging (Hoffman & Gelman 2014) from a first one that is
 * doubled or halved until one move's mean acceptance crosses the target (their algorithm 4), the
 * metric from the states of windows that double in length. All chains are taken to sample one density
 * and share what is learnt. */
typedef struct erg_warm_up_options {
    double target;      /* of the mean acceptance, in (0, 1); default 0.8 */
    erg_metric *metric; /* set after each window; default: none is learnt */
    FILE *progress;     /* as in erg_chain_options */
} erg_warm_up_options;
/* n transitions of the chain, whose transition reads step_size, a 0-d input or state that starts
 * at any value > 0, and counts into the statistics, which are reset before and after. A step size
 * that was left 0 or is not finite is refused. An error too if no move is accepted however small the
 * step (the energy is not finite where the chains are) or moves of any size are (no density). */
ERG_API erg_status erg_warm_up(erg_chain *chain, const erg_statistics *statistics,
                               erg_node *step_size, int64_t n, erg_warm_up_options options);

#ifdef __cplusplus
}
#endif

#endif

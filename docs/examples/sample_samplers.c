/* sample_samplers.c: the samplers that sample knows by name. Each reads its step size from a state,
 * so that a warm-up can change it. */
#include <math.h>

#include "sample.h"

static erg_metropolis_options metropolis(sampler_setting s) {
    return (erg_metropolis_options){
        .step_size_node = s.step_size, .metric = s.metric, .jitter = 0.2};
}

static erg_transition make_random_walk(sampler_setting s) {
    return erg_random_walk(s.energy, s.x, metropolis(s));
}

static erg_transition make_mala(sampler_setting s) {
    return erg_mala(s.energy, s.x, metropolis(s));
}

static erg_transition make_hmc(sampler_setting s) {
    return erg_hmc(s.energy, s.x, metropolis(s));
}

static erg_transition make_nuts(sampler_setting s) {
    return erg_nuts(s.energy, s.x, metropolis(s));
}

static erg_transition make_langevin(sampler_setting s) {
    const erg_langevin_options options = {.step_size_node = s.step_size};
    return (erg_transition){.next = erg_langevin(s.energy, s.x, options)};
}

/* A counter of transitions, and the effect that raises it. */
static erg_node *clock_of(sampler_setting s) {
    return erg_state(erg_node_graph(s.x), "t", ERG_FLOAT64, ERG_SCALAR);
}

static erg_node *tick(erg_node *t) {
    return erg_assign(t, erg_add_scalar(t, 1));
}

static erg_transition make_sgld(sampler_setting s) {
    erg_node *t = clock_of(s);
    erg_node *step = erg_mul(s.step_size, erg_sgld_step(t, (erg_sgld_options){.scale = 1}));
    erg_node *next = erg_langevin(s.energy, s.x, (erg_langevin_options){.step_size_node = step});
    return (erg_transition){.next = next, .effect = next ? tick(t) : NULL};
}

/* A proposal of one's own: y = (x + a h xi) / sqrt(1 + h^2), h the step size, leaves N(0, a^2 I) as it
 * is, so that log q(x | y) - log q(y | x) = (|y|^2 - |x|^2) / (2 a^2) (Cotter et al. 2013). */
static erg_node *pull(void *self, erg_node *x, erg_node **log_ratio) {
    const double width = 2;
    erg_node *h = self, *xi = erg_normal(erg_node_graph(x), ERG_FLOAT64, erg_node_shape(x));
    erg_node *away = erg_add(x, erg_mul(erg_mul_scalar(h, width), xi));
    erg_node *y = erg_div(away, erg_sqrt(erg_add_scalar(erg_square(h), 1)));
    erg_node *growth = erg_sum(erg_sub(erg_square(y), erg_square(x)), ERG_AXES(1), 0);
    *log_ratio = erg_mul_scalar(growth, 1 / (2 * width * width));
    return y;
}

static erg_transition make_crank_nicolson(sampler_setting s) {
    return erg_metropolis_hastings(s.energy, s.x, (erg_proposal){pull, s.step_size});
}

/* -------------------------------------------------------------------------- with a velocity */

/* The velocity starts at 0. */
static erg_motion motion_of(sampler_setting s) {
    erg_node *v = erg_state(erg_node_graph(s.x), "velocity", ERG_FLOAT64, erg_node_shape(s.x));
    return (erg_motion){s.x, v};
}

/* x <- next.x is left to the chain. */
static erg_transition moved(erg_motion now, erg_motion next) {
    return (erg_transition){.next = next.x, .effect = next.x ? erg_assign(now.v, next.v) : NULL};
}

static erg_transition make_underdamped(sampler_setting s) {
    const erg_underdamped_options options = {.step_size_node = s.step_size};
    erg_motion now = motion_of(s);
    return moved(now, erg_underdamped_langevin(s.energy, now, options));
}

static erg_transition make_sghmc(sampler_setting s) {
    const erg_sghmc_options options = {.learning_rate_node = s.step_size};
    erg_motion now = motion_of(s);
    return moved(now, erg_sghmc(s.energy, now, options));
}

/* ------------------------------------------------------------------------------- temperatures */

enum { LEVELS = 8, HOTTEST = 30 };

/* A random walk with a step of step_size / sqrt(beta): hot chains take longer strides. The proposal
 * is symmetric, as no chain's beta changes. */
typedef struct stride {
    erg_node *step_size, *beta;
} stride;

static erg_node *propose(void *self, erg_node *x, erg_node **log_ratio) {
    const stride *s = self;
    (void)log_ratio;
    erg_node *size = erg_div(s->step_size, erg_sqrt(s->beta));
    erg_node *xi = erg_normal(erg_node_graph(x), ERG_FLOAT64, erg_node_shape(x));
    bool of_each = erg_node_shape(size).ndim == 1;
    return erg_add(x, erg_mul(of_each ? erg_unsqueeze(size, 1) : size, xi));
}

static erg_node *walk_at(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    stride s = {self, beta};
    return erg_metropolis_hastings(tempered, x, (erg_proposal){propose, &s}).next;
}

static const erg_ladder ladder = {.levels = LEVELS, .hottest = HOTTEST};

static erg_transition make_parallel_tempering(sampler_setting s) {
    erg_parallel_tempering *tempering =
        erg_parallel_tempering_new(s.energy, s.x, (erg_kernel){walk_at, s.step_size},
                                   (erg_parallel_tempering_options){.ladder = ladder});
    return tempering ? (erg_transition){.next = tempering->next, .effect = tempering->update}
                     : (erg_transition){0};
}

static erg_transition make_tempered_transitions(sampler_setting s) {
    erg_accepted move =
        erg_tempered_transition(s.energy, s.x, (erg_kernel){walk_at, s.step_size}, ladder);
    return (erg_transition){.next = move.next, .acceptance = move.accepted};
}

/* E(x) / s^2: the energy at the temperature s^2. Annealed Langevin dynamics steps by step s^2 there,
 * that is by `step` times grad E, with the noise of that temperature. */
static erg_node *at_temperature(void *self, erg_node *x, erg_node *root) {
    const erg_energy *energy = self;
    return erg_div(erg_energy_apply(*energy, x), erg_square(root));
}

/* Down to temperature 1 within the warm-up; after that it is Langevin dynamics. */
static erg_transition make_annealed_langevin(sampler_setting s) {
    erg_energy *energy = erg_graph_alloc(erg_node_graph(s.x), sizeof *energy);
    if (!energy)
        return (erg_transition){0};
    *energy = s.energy;
    int64_t levels = s.warm_up < 1 ? 1 : s.warm_up < 20 ? s.warm_up : 20;
    const erg_annealed_options options = {
        .schedule = {.high = levels > 1 ? sqrt(HOTTEST) : 1,
                     .low = 1,
                     .levels = levels,
                     .steps = s.warm_up > levels ? s.warm_up / levels : 1},
        .step = erg_tensor_get(erg_value(s.step_size), 0)};
    erg_node *t = clock_of(s);
    erg_pair_energy pair = {at_temperature, energy};
    erg_node *next = erg_annealed_langevin(pair, s.x, t, options);
    return (erg_transition){.next = next, .effect = next ? tick(t) : NULL};
}

/* ------------------------------------------------------------------------------- no chains */

static erg_transition make_svgd(sampler_setting s) {
    const erg_svgd_options options = {.step_size_node = s.step_size};
    return (erg_transition){.next = erg_svgd(s.energy, s.x, options)};
}

static erg_transition make_gradient_descent(sampler_setting s) {
    const erg_langevin_options options = {.step_size_node = s.step_size, .noise = ERG_ZERO};
    return (erg_transition){.next = erg_langevin(s.energy, s.x, options)};
}

static erg_transition make_nesterov(sampler_setting s) {
    const erg_nesterov_options options = {.step_size_node = s.step_size};
    erg_motion now = motion_of(s);
    return moved(now, erg_nesterov(s.energy, now, options));
}

/* ------------------------------------------------------------------------------- the table */

/* The targets are near the best for many dimensions: 0.234 of a random walk (Roberts, Gelman &
 * Gilks 1997), 0.574 of MALA (Roberts & Rosenthal 1998), and Stan's 0.8. */
const sampler_entry sampler_entries[] = {
    {"random_walk", "Metropolis: Gaussian steps", SAMPLES_CHAINS, 1, 0.234, 1, make_random_walk,
     NULL},
    {"crank_nicolson", "Metropolis-Hastings: towards the origin, and a Gaussian step",
     SAMPLES_CHAINS, 0.5, 0, 1, make_crank_nicolson, NULL},
    {"mala", "Metropolis-adjusted Langevin", SAMPLES_CHAINS, 0.1, 0.574, 1, make_mala, NULL},
    {"hmc", "Hamiltonian Monte Carlo, 10 leapfrog steps", SAMPLES_CHAINS, 0.1, 0.8, 1, make_hmc,
     NULL},
    {"nuts", "the no-U-turn sampler", SAMPLES_CHAINS, 0.1, 0.8, 1, make_nuts, NULL},
    {"langevin", "unadjusted Langevin dynamics", SAMPLES_CHAINS, 0.005, 0, 1, make_langevin, NULL},
    {"sgld", "the same with steps that decay as (1 + t)^-0.55", SAMPLES_CHAINS, 0.02, 0, 1,
     make_sgld, NULL},
    {"underdamped", "underdamped Langevin dynamics, BAOAB", SAMPLES_CHAINS, 0.05, 0, 1,
     make_underdamped, NULL},
    {"sghmc", "stochastic gradient Hamiltonian Monte Carlo", SAMPLES_CHAINS, 0.001, 0, 1,
     make_sghmc, NULL},
    {"annealed_langevin", "Langevin dynamics, cooled from temperature 30 to 1 in the warm-up",
     SAMPLES_CHAINS, 0.005, 0, 1, make_annealed_langevin, NULL},
    {"parallel_tempering", "random walks at 8 temperatures up to 30, which swap", SAMPLES_CHAINS,
     0.5, 0, LEVELS, make_parallel_tempering, NULL},
    {"tempered_transitions", "random walks up to temperature 30 and down, accepted as one",
     SAMPLES_CHAINS, 0.5, 0, 1, make_tempered_transitions, NULL},
    {"annealed_noise", "Langevin dynamics over levels of noise", SAMPLES_PASS, 0.2, 0, 1, NULL,
     pass_annealed},
    {"predictor_corrector", "the reverse diffusion, with Langevin steps between", SAMPLES_PASS, 0.1,
     0, 1, NULL, pass_predictor_corrector},
    {"probability_flow", "the diffusion's equation without noise", SAMPLES_PASS, 0, 0, 1, NULL,
     pass_probability_flow},
    {"svgd", "Stein variational gradient descent: particles, no chains", SAMPLES_PARTICLES, 0.1, 0,
     1, make_svgd, NULL},
    {"gradient_descent", "down to the modes: no draws", SAMPLES_DESCENT, 0.005, 0, 1,
     make_gradient_descent, NULL},
    {"nesterov", "the same with Nesterov's momentum", SAMPLES_DESCENT, 0.0005, 0, 1, make_nesterov,
     NULL},
    {0},
};

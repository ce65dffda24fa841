/* sample_samplers.c: the samplers that sample knows by name. Each reads its step size from a state,
 * so that a warm-up can change it. */
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

enum { LEVELS = 8 };

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
    return erg_add(x, erg_mul(erg_unsqueeze(size, 1), xi));
}

static erg_node *walk_at(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    stride s = {self, beta};
    return erg_metropolis_hastings(tempered, x, (erg_proposal){propose, &s}).next;
}

static erg_transition make_parallel_tempering(sampler_setting s) {
    erg_parallel_tempering *tempering = erg_parallel_tempering_new(
        s.energy, s.x, (erg_kernel){walk_at, s.step_size},
        (erg_parallel_tempering_options){.ladder = {.levels = LEVELS, .hottest = 30}});
    return tempering ? (erg_transition){.next = tempering->next, .effect = tempering->update}
                     : (erg_transition){0};
}

/* The targets are near the best for many dimensions: 0.234 of a random walk (Roberts, Gelman &
 * Gilks 1997), 0.574 of MALA (Roberts & Rosenthal 1998), and Stan's 0.8. */
const sampler_entry sampler_entries[] = {
    {"random_walk", "Metropolis: Gaussian steps", 1, 0.234, 1, make_random_walk},
    {"mala", "Metropolis-adjusted Langevin", 0.1, 0.574, 1, make_mala},
    {"hmc", "Hamiltonian Monte Carlo, 10 leapfrog steps", 0.1, 0.8, 1, make_hmc},
    {"nuts", "the no-U-turn sampler", 0.1, 0.8, 1, make_nuts},
    {"langevin", "unadjusted Langevin dynamics", 0.005, 0, 1, make_langevin},
    {"underdamped", "underdamped Langevin dynamics, BAOAB", 0.05, 0, 1, make_underdamped},
    {"sghmc", "stochastic gradient Hamiltonian Monte Carlo", 0.001, 0, 1, make_sghmc},
    {"parallel_tempering", "random walks at 8 temperatures up to 30, which swap", 0.5, 0, LEVELS,
     make_parallel_tempering},
    {0},
};

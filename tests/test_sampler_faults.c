/* test_sampler_faults.c: the system gives no memory for samplers, statistics of chains, log Z. */
#include <math.h>

#include "../samplers/samplers.h"
#include "memory_faults.h"

#define F64 ERG_FLOAT64

static erg_node *flips(void *self, erg_energy energy, erg_node *state) {
    (void)self;
    return erg_metropolis_flips(energy, state, (erg_flips_options){.proposals = 2}).next;
}

static erg_node *disagreement(void *self, erg_node *x, erg_node *z) {
    (void)self;
    return erg_sum(erg_square(erg_sub(x, z)), ERG_AXES(1), 0);
}

/* Transitions of discrete states of all kinds. */
static bool sample_discrete(void) {
    erg_graph *graph = erg_graph_new(1);
    if (!graph)
        return false;
    const erg_flips_options two = {.sites = ERG_ONE_HOT, .proposals = 2};
    erg_lattice lattice = {.coupling = erg_scalar(graph, F64, 1)};
    erg_energy ising = {erg_ising_energy, &lattice}, potts = {erg_potts_energy, &lattice};
    erg_node *bits = erg_input(graph, "bits", F64, ERG_SHAPE(2, 2));
    erg_node *s = erg_input(graph, "s", F64, ERG_SHAPE(2, 2, 2, 3));
    erg_node *block = erg_checkerboard(graph, F64, ERG_SHAPE(2, 2), 1);
    erg_latent_states both =
        erg_latent_gibbs((erg_pair_energy){disagreement, NULL}, (erg_latent_states){bits, bits},
                         (erg_latent_move){flips, NULL}, (erg_latent_move){flips, NULL});
    erg_node *next[] = {
        erg_gibbs(ising, bits, (erg_gibbs_options){.scan = ERG_SCAN_RANDOM}).next,
        erg_gibbs(potts, s, (erg_gibbs_options){.sites = ERG_ONE_HOT, .updates = 1}).next,
        erg_metropolis_flips(potts, s, two).next,
        erg_gibbs_with_gradients(potts, s, two).next,
        erg_discrete_langevin(ising, bits, (erg_discrete_langevin_options){0}).next,
        erg_block_gibbs(potts, s, &block, 1, ERG_ONE_HOT).next,
        both.x,
        both.z};
    bool built = true;
    for (int k = 0; k < COUNT(next); k++)
        built &= next[k] != NULL;
    expect(built == !erg_graph_error(graph), "one check after building is not enough");
    erg_plan *plan = erg_compile(next, COUNT(next));
    erg_plan_free(plan);
    erg_graph_free(graph);
    return plan != NULL;
}

/* Chains of several runs with all that belongs to them. */
static bool sample(void) {
    erg_graph *graph = erg_graph_new(1);
    double stiffness = 1;
    erg_energy energy = {erg_harmonic_energy, &stiffness};
    erg_node *x = erg_input(graph, "x", F64, ERG_SHAPE(4, 2));
    erg_node *step = erg_input(graph, "step", F64, ERG_SCALAR);
    erg_metric *metric = erg_metric_new(graph, "metric", F64, ERG_SHAPE(2), ERG_MASS_DENSE);
    erg_metropolis_options options = {.step_size_node = step, .metric = metric, .max_depth = 2};
    erg_transition nuts = erg_nuts(energy, x, options);
    erg_statistics *statistics = erg_statistics_new(graph, "statistics", 4);
    erg_node *count = erg_statistics_count(statistics, nuts);
    erg_chain *chain = count && metric ? erg_chain_of(x, nuts, count) : NULL;
    bool done = chain;
    if (done) {
        erg_tensor_fill(erg_value(step), 0.5);
        done = !erg_warm_up(chain, statistics, step, 9, (erg_warm_up_options){.metric = metric});
    }
    erg_tensor *kept = done ? erg_chain_sample(chain, 2, (erg_chain_options){0}) : NULL;
    done = kept;
    erg_tensor_free(kept);
    erg_chain_free(chain);
    erg_graph_free(graph);
    return done;
}

static erg_node *grow(void *self, erg_node *x, erg_node *t) {
    (void)self;
    (void)t;
    return x;
}

/* Compound transitions as one plan, and a differential equation. */
static bool sample_dynamics(void) {
    double one = 1;
    erg_graph *graph = erg_graph_new(1);
    erg_node *x = erg_state(graph, "x", F64, ERG_SHAPE(4, 1));
    erg_energy energy = {erg_harmonic_energy, &one};
    erg_kernel move = {erg_langevin_kernel, NULL};
    erg_parallel_tempering *tempering = erg_parallel_tempering_new(
        energy, x, move, (erg_parallel_tempering_options){.ladder.levels = 2});
    erg_node *next = tempering ? erg_svgd(energy, tempering->next, (erg_svgd_options){0}) : NULL;
    erg_node *effects[] = {erg_assign(x, erg_unroll(move, energy, next, 2)),
                           tempering ? tempering->update : NULL};
    erg_plan *plan = erg_compile(effects, 2);
    if (plan)
        erg_run(plan);
    erg_ode *ode = erg_ode_new((erg_field){grow, NULL}, x, (erg_ode_options){0});
    if (ode) {
        erg_tensor_fill(erg_value(x), 1);
        bool solved = erg_ode_run(ode, 0, 1) == ERG_OK;
        expect(solved && fabs(erg_tensor_get(erg_value(x), 3) - 2.718281828) < 1e-3, "no exp(1)");
    }
    bool done = plan && ode;
    erg_ode_free(ode);
    erg_plan_free(plan);
    erg_graph_free(graph);
    return done;
}

static erg_tensor *some_draws(void) {
    erg_tensor *draws = erg_tensor_new(F64, ERG_SHAPE(10, 2, 1));
    for (int i = 0; draws && i < 20; i++)
        erg_tensor_set(draws, i, i * i % 7);
    return draws;
}

static bool picture(void) {
    erg_tensor *draws = some_draws();
    bool done = draws && !erg_rank_plot("a.png", draws, 0, NULL) &&
                !erg_autocorrelation_plot("b.png", draws, 0, NULL);
    erg_tensor_free(draws);
    return done;
}

/* Statistics of chains, their table, and distances between samples. */
static bool examine(void) {
    erg_tensor *draws = some_draws(), *rho = draws ? erg_autocorrelation(draws, 3) : NULL;
    erg_diagnosis diagnosis;
    erg_two_sample test;
    double a = 0, b = 0;
    const erg_two_sample_options fast = {.width = 2, .steps = 2};
    FILE *sink = fopen("/dev/null", "w");
    bool done = rho && !erg_diagnose(draws, &diagnosis, 1) &&
                !erg_summary_print(draws, (erg_summary_options){.energies = draws}, sink) &&
                !erg_mmd(draws, draws, 0, &a) && !erg_energy_distance(draws, draws, &a) &&
                !erg_ksd(draws, draws, (erg_ksd_options){0}, &a) &&
                !erg_precision_recall(draws, draws, 0, &a, &b) &&
                !erg_frechet_distance(draws, draws, &b) &&
                !erg_two_sample_test(draws, draws, fast, &test);
    if (done)
        expect(a == 1 && b < 1e-12, "a set differs from itself");
    fclose(sink);
    erg_tensor_free(draws);
    erg_tensor_free(rho);
    return done;
}

static erg_node *half_langevin(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self, (void)beta;
    return erg_langevin(tempered, x, (erg_langevin_options){0});
}

static erg_node *gaussian_of_noise(void *self, erg_node *x, erg_node *sigma) {
    erg_node *e = erg_harmonic_energy(self, x);
    return erg_div(e, erg_add_scalar(erg_square(sigma), 1));
}

/* log Z by annealing and by sums, and log p by a flow. */
static bool normalise(void) {
    double one = 1, four = 4;
    erg_graph *graph = erg_graph_new(1);
    erg_node *x = erg_input(graph, NULL, F64, ERG_SHAPE(4, 1));
    erg_ais_base base = {{erg_harmonic_energy, &one}, erg_normal(graph, F64, ERG_SHAPE(4, 1)), 0};
    erg_ais *ais = erg_ais_new((erg_energy){erg_harmonic_energy, &four}, base, x,
                               (erg_kernel){half_langevin, NULL});
    erg_flow *flow = erg_flow_new((erg_pair_energy){gaussian_of_noise, &one}, x,
                                  (erg_flow_options){.steps = 2, .probes = 1});
    erg_evaluator *evaluator =
        erg_evaluator_new(graph, (erg_energy){erg_harmonic_energy, &one}, F64, ERG_SHAPE(1), 0);
    erg_tensor *log_p = erg_tensor_new(F64, ERG_SHAPE(4));
    erg_ais_result bracket;
    erg_enumeration sum;
    erg_quadrature integral;
    const erg_ais_options options = {.steps = 200, .adaptive = 0.9, .settle = 1};
    bool done = ais && flow && evaluator && log_p && !erg_ais_run(ais, options, &bracket) &&
                !erg_flow_run(flow, log_p) &&
                !erg_enumerate(evaluator, ERG_SHAPE(1), (double[]){0, 1}, 2, &sum) &&
                !erg_quadrature_1d(evaluator, (erg_quadrature_options){.half_width = 9}, &integral);
    if (done)
        expect(sum.states == 2 && integral.log_z > 0.9189385 && integral.log_z < 0.9189386,
               "another Z");
    erg_tensor_free(log_p);
    erg_evaluator_free(evaluator);
    erg_flow_free(flow);
    erg_ais_free(ais);
    erg_graph_free(graph);
    return done;
}

static const scenario scenarios[] = {
    {"sample discrete states", sample_discrete, 20},
    {"sample", sample, 60},
    {"sample dynamics", sample_dynamics, 40},
    {"picture", picture, 30},
    {"examine", examine, 60},
    {"normalise", normalise, 60},
};

int main(void) {
    return refuse_memory("sampler_faults", scenarios, COUNT(scenarios));
}

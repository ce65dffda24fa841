/* test_same_bits.c: every transition of samplers.h gives the same bits at 1, 2, 3 and 4 threads, others
 * with another seed, and moves what it is given. A function of the header without a row here must be
 * named as one that moves nothing. */
#include "discrete_kernels.h"
#include "header.h"
#include "modules.h"

enum { CHAINS = 301, ROUNDS = 10 };

/* ------------------------------------------------------------------------------- settings */

static erg_tensor *copy_of(erg_node *leaf) {
    const erg_tensor *value = erg_value(leaf);
    erg_tensor *copy = erg_tensor_from(value->dtype, value->shape, value->data);
    ck_assert_ptr_nonnull(copy);
    return copy;
}

/* States (rows, 2), float32, at N(0, 4). */
static erg_node *points(erg_graph *g, int64_t rows) {
    erg_node *x = erg_state(g, "x", ERG_FLOAT32, ERG_SHAPE(rows, 2));
    ck_assert_int_eq(erg_init_normal(x, 2), ERG_OK);
    return x;
}

static erg_energy banana(void) {
    return (erg_energy){erg_banana_energy, NULL};
}

/* The states after some transitions, and an effect with each (NULL: none). */
static erg_tensor *after(erg_node *x, erg_transition transition, erg_node *also) {
    erg_chain *chain = erg_chain_of(x, transition, also);
    ck_assert_msg(chain != NULL, "%s", erg_error_message());
    ck_assert_int_eq(erg_chain_run(chain, ROUNDS), ERG_OK);
    erg_chain_free(chain);
    return copy_of(x);
}

static erg_tensor *after_next(erg_node *x, erg_node *next) {
    return after(x, (erg_transition){.next = next}, NULL);
}

/* A state that counts transitions, and the effect. */
static erg_node *clock_of(erg_graph *g) {
    return erg_state(g, "t", ERG_FLOAT64, ERG_SCALAR);
}
static erg_node *tick(erg_node *t) {
    return erg_assign(t, erg_add_scalar(t, 1));
}

/* ------------------------------------------------------------------------------- gradients */

static erg_tensor *run_langevin(erg_graph *g) {
    erg_node *x = points(g, CHAINS);
    return after_next(x, erg_langevin(banana(), x, (erg_langevin_options){.step_size = 0.1}));
}

static erg_tensor *run_sgld_step(erg_graph *g) {
    erg_node *x = points(g, CHAINS), *t = clock_of(g);
    erg_node *step = erg_cast(erg_sgld_step(t, (erg_sgld_options){.scale = 0.2}), ERG_FLOAT32);
    erg_langevin_options options = {.step_size_node = step};
    return after(x, (erg_transition){.next = erg_langevin(banana(), x, options)}, tick(t));
}

static erg_tensor *run_geometric_schedule(erg_graph *g) {
    erg_node *x = points(g, CHAINS), *t = clock_of(g);
    erg_node *step = erg_cast(erg_geometric_schedule(t, 0.3, 0.01, ROUNDS), ERG_FLOAT32);
    erg_langevin_options options = {.step_size_node = step};
    return after(x, (erg_transition){.next = erg_langevin(banana(), x, options)}, tick(t));
}

static erg_tensor *run_langevin_kernel(erg_graph *g) {
    erg_node *x = points(g, CHAINS);
    return after_next(x, erg_langevin_kernel(NULL, banana(), NULL, x));
}

static erg_tensor *run_unroll(erg_graph *g) {
    erg_node *x = points(g, CHAINS);
    return after_next(x, erg_unroll((erg_kernel){erg_langevin_kernel, NULL}, banana(), x, 3));
}

static erg_tensor *run_guard(erg_graph *g) {
    erg_node *x = points(g, CHAINS);
    erg_node *next = erg_langevin(banana(), x, (erg_langevin_options){.step_size = 10});
    return after_next(x, erg_guard(banana(), x, next).next);
}

/* x <- next.x comes with the chain. */
static erg_tensor *moved(erg_motion now, erg_motion next) {
    return after(now.x, (erg_transition){.next = next.x}, erg_assign(now.v, next.v));
}
static erg_motion motion(erg_graph *g) {
    return (erg_motion){points(g, CHAINS), erg_state(g, "v", ERG_FLOAT32, ERG_SHAPE(CHAINS, 2))};
}

static erg_tensor *run_underdamped_langevin(erg_graph *g) {
    erg_motion now = motion(g);
    return moved(now, erg_underdamped_langevin(banana(), now, (erg_underdamped_options){0}));
}

static erg_tensor *run_sghmc(erg_graph *g) {
    erg_motion now = motion(g);
    return moved(now, erg_sghmc(banana(), now, (erg_sghmc_options){0}));
}

static erg_tensor *run_nesterov(erg_graph *g) {
    erg_motion now = motion(g);
    return moved(now, erg_nesterov(banana(), now, (erg_nesterov_options){0}));
}

static erg_tensor *run_motion_assign(erg_graph *g) {
    erg_motion now = motion(g);
    erg_motion next = erg_underdamped_langevin(banana(), now, (erg_underdamped_options){0});
    erg_node *effect = erg_motion_assign(now, next);
    erg_plan *plan = erg_compile(&effect, 1);
    ck_assert_ptr_nonnull(plan);
    erg_run_n(plan, ROUNDS);
    erg_plan_free(plan);
    return copy_of(now.v);
}

/* Sums over all particles. */
static erg_tensor *run_svgd(erg_graph *g) {
    erg_node *x = points(g, CHAINS);
    return after_next(x, erg_svgd(banana(), x, (erg_svgd_options){0}));
}

/* ------------------------------------------------------------------------------- Metropolis */

typedef erg_transition metropolis(erg_energy energy, erg_node *x, erg_metropolis_options options);

static erg_tensor *accepted(erg_graph *g, metropolis *make) {
    erg_node *x = points(g, CHAINS);
    const erg_metropolis_options options = {.step_size = 0.5, .jitter = 0.2};
    return after(x, make(banana(), x, options), NULL);
}
static erg_tensor *run_random_walk(erg_graph *g) {
    return accepted(g, erg_random_walk);
}
static erg_tensor *run_mala(erg_graph *g) {
    return accepted(g, erg_mala);
}
static erg_tensor *run_hmc(erg_graph *g) {
    return accepted(g, erg_hmc);
}
static erg_tensor *run_nuts(erg_graph *g) {
    return accepted(g, erg_nuts);
}

/* To independent proposals N(0, 9) and back: log q(x | y) - log q(y | x) = (|y|^2 - |x|^2) / 18. */
static erg_node *anywhere(void *self, erg_node *x, erg_node **log_ratio) {
    (void)self;
    erg_node *y = erg_normal(erg_node_graph(x), ERG_FLOAT32, erg_node_shape(x));
    y = erg_mul_scalar(y, 3);
    erg_node *growth = erg_sub(erg_square(y), erg_square(x));
    *log_ratio = erg_mul_scalar(erg_sum(growth, ERG_AXES(1), 0), 1.0 / 18);
    return y;
}
static erg_tensor *run_metropolis_hastings(erg_graph *g) {
    erg_node *x = points(g, CHAINS);
    return after(x, erg_metropolis_hastings(banana(), x, (erg_proposal){anywhere, NULL}), NULL);
}

/* The step size and the metric are means over chains; of the chains that follow, states and
 * statistics. */
static erg_tensor *run_warm_up(erg_graph *g) {
    erg_node *x = points(g, CHAINS), *step = erg_state(g, "step", ERG_FLOAT32, ERG_SCALAR);
    erg_tensor_fill(erg_value(step), 0.01);
    erg_metric *metric = erg_metric_new(g, "metric", ERG_FLOAT32, ERG_SHAPE(2), ERG_MASS_DENSE);
    const erg_metropolis_options options = {.step_size_node = step, .metric = metric};
    erg_transition hmc = erg_hmc(banana(), x, options);
    erg_statistics *statistics = erg_statistics_new(g, "statistics", CHAINS);
    erg_chain *chain = erg_chain_of(x, hmc, erg_statistics_count(statistics, hmc));
    erg_warm_up_options learn = {.metric = metric};
    ck_assert_int_eq(erg_warm_up(chain, statistics, step, 30, learn), ERG_OK);
    ck_assert_int_eq(erg_chain_run(chain, 3), ERG_OK);
    erg_chain_free(chain);
    erg_tensor *all = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(3 * CHAINS + 1));
    for (int64_t b = 0; b < CHAINS; b++) {
        erg_tensor_set(all, 3 * b, erg_tensor_get(erg_value(x), 2 * b));
        erg_tensor_set(all, 3 * b + 1, erg_tensor_get(erg_value(x), 2 * b + 1));
        erg_tensor_set(all, 3 * b + 2, erg_tensor_get(erg_value(statistics->energy), b));
    }
    erg_tensor_set(all, INT64_C(3) * CHAINS, erg_tensor_get(erg_value(step), 0));
    return all;
}

/* ------------------------------------------------------------------------------- temperatures */

static erg_node *walk(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self, (void)beta;
    return erg_random_walk(tempered, x, (erg_metropolis_options){.step_size = 0.8}).next;
}

static erg_tensor *run_parallel_tempering_new(erg_graph *g) {
    erg_node *x = points(g, INT64_C(4) * CHAINS);
    erg_parallel_tempering *tempering =
        erg_parallel_tempering_new(banana(), x, (erg_kernel){walk, NULL},
                                   (erg_parallel_tempering_options){.ladder = {.levels = 4}});
    ck_assert_ptr_nonnull(tempering);
    return after(x, (erg_transition){.next = tempering->next}, tempering->update);
}

static erg_tensor *run_tempered_transition(erg_graph *g) {
    erg_node *x = points(g, CHAINS);
    return after_next(
        x, erg_tempered_transition(banana(), x, (erg_kernel){walk, NULL}, (erg_ladder){.levels = 3})
               .next);
}

/* log Z, and the weights of all chains. */
static erg_tensor *run_ais_new(erg_graph *g) {
    static double stiffness = 1;
    erg_node *x = points(g, CHAINS);
    const erg_ais_base base = {{erg_harmonic_energy, &stiffness},
                               erg_normal(g, ERG_FLOAT32, ERG_SHAPE(CHAINS, 2)),
                               log(2 * M_PI)};
    erg_ais *ais = erg_ais_new(banana(), base, x, (erg_kernel){walk, NULL});
    ck_assert_ptr_nonnull(ais);
    erg_ais_result result;
    ck_assert_int_eq(
        erg_ais_run(ais, (erg_ais_options){.steps = ROUNDS, .settle = ROUNDS}, &result), ERG_OK);
    erg_tensor *all = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(CHAINS + 2));
    for (int64_t b = 0; b < CHAINS; b++)
        erg_tensor_set(all, b, erg_tensor_get(erg_ais_log_weights(ais, 1), b));
    erg_tensor_set(all, CHAINS, result.lower.log_z);
    erg_tensor_set(all, CHAINS + 1, result.upper.log_z);
    erg_ais_free(ais);
    return all;
}

/* ------------------------------------------------------------------------------- levels of noise */

/* N(0, I / 4) smoothed by s. */
static erg_node *smooth(void *self, erg_node *x, erg_node *noise) {
    (void)self;
    erg_node *half = erg_mul_scalar(erg_sum(erg_square(x), ERG_AXES(1), 0), 0.5);
    return erg_div(half, erg_add_scalar(erg_square(noise), 0.25));
}
static const erg_pair_energy smoothed = {smooth, NULL};

static erg_tensor *run_annealed_langevin(erg_graph *g) {
    erg_node *x = points(g, CHAINS), *t = clock_of(g);
    erg_annealed_options options = {.schedule = {.high = 3, .levels = 5, .steps = 2}};
    return after(x, (erg_transition){.next = erg_annealed_langevin(smoothed, x, t, options)},
                 tick(t));
}

static erg_tensor *corrected(erg_graph *g, double signal_to_noise) {
    erg_node *x = points(g, CHAINS), *t = clock_of(g);
    erg_predictor_corrector_options options = {
        .high = 3, .levels = 20, .corrections = 2, .signal_to_noise = signal_to_noise};
    return after(x, (erg_transition){.next = erg_predictor_corrector(smoothed, x, t, options)},
                 tick(t));
}
static erg_tensor *run_predictor_corrector(erg_graph *g) {
    return corrected(g, 0);
}
static erg_tensor *run_predictor_corrector_by_ratio(erg_graph *g) {
    return corrected(g, 0.16);
}

static erg_tensor *run_denoise(erg_graph *g) {
    erg_node *x = points(g, CHAINS);
    return after_next(x, erg_denoise(smoothed, x, erg_scalar(g, ERG_FLOAT32, 0.5)));
}

static erg_tensor *run_ode_new(erg_graph *g) {
    erg_node *x = points(g, CHAINS);
    erg_ode *ode = erg_ode_new(erg_probability_flow(g, smoothed), x, (erg_ode_options){0});
    ck_assert_ptr_nonnull(ode);
    ck_assert_int_eq(erg_ode_run(ode, log(2), log(0.1)), ERG_OK);
    erg_ode_free(ode);
    return copy_of(x);
}

/* Points at random, probes at random. */
static erg_tensor *run_flow_new(erg_graph *g) {
    erg_node *x = points(g, CHAINS);
    erg_flow *flow = erg_flow_new(smoothed, x, (erg_flow_options){.steps = ROUNDS, .probes = 2});
    erg_tensor *log_p = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(CHAINS));
    ck_assert(flow && log_p);
    ck_assert_int_eq(erg_flow_run(flow, log_p), ERG_OK);
    erg_flow_free(flow);
    return log_p;
}

/* ------------------------------------------------------------------------------- discrete states */

/* 5 spins on a line, or 5 sites of 3 states. */
static erg_tensor *discrete(erg_graph *g, erg_sites kind, discrete_kernel kernel) {
    erg_lattice *lattice = erg_graph_alloc(g, sizeof *lattice);
    *lattice = (erg_lattice){.coupling = erg_scalar(g, ERG_FLOAT32, 0.3), .open = 1};
    const bool spins = kind == ERG_SPINS;
    erg_node *x =
        erg_state(g, "x", ERG_FLOAT32, spins ? ERG_SHAPE(CHAINS, 5) : ERG_SHAPE(CHAINS, 5, 3));
    for (int64_t i = 0; i < INT64_C(5) * CHAINS; i++)
        erg_tensor_set(erg_value(x), spins ? i : 3 * i + i % 3, spins && i % 2 ? -1 : 1);
    erg_energy energy = {spins ? erg_ising_energy : erg_potts_energy, lattice};
    return after_next(x, kernel(energy, x, kind).next);
}

#define DISCRETE(name, kernel)                                                                     \
    static erg_tensor *run_##name(erg_graph *g) {                                                  \
        return discrete(g, ERG_SPINS, kernel);                                                     \
    }                                                                                              \
    static erg_tensor *run_##name##_categories(erg_graph *g) {                                     \
        return discrete(g, ERG_ONE_HOT, kernel);                                                   \
    }
DISCRETE(gibbs, raster_step)
DISCRETE(gibbs_random, random_step)
DISCRETE(metropolis_flips, metropolis_step)
DISCRETE(gibbs_with_gradients, gradients_step)
DISCRETE(discrete_langevin, langevin_step)
DISCRETE(discrete_langevin_uncorrected, uncorrected_step)
DISCRETE(block_gibbs, block_step)

static erg_tensor *run_rbm_gibbs(erg_graph *g) {
    const erg_rbm *rbm = erg_rbm_new(g, "rbm", 6, 4, (erg_rbm_options){.dtype = ERG_FLOAT32});
    erg_node *v = erg_state(g, "v", ERG_FLOAT32, ERG_SHAPE(CHAINS, 6));
    return after_next(v, erg_rbm_gibbs(rbm, v, 2));
}

/* E(x, z) = |x - 3 z + 1|^2 / 2 with bits z. */
static erg_node *centred(void *self, erg_node *x, erg_node *z) {
    (void)self;
    erg_node *away = erg_sub(x, erg_add_scalar(erg_mul_scalar(z, 3), -1));
    return erg_mul_scalar(erg_sum(erg_square(away), ERG_AXES(1), 0), 0.5);
}
static erg_node *move_x(void *self, erg_energy energy, erg_node *x) {
    (void)self;
    return erg_langevin(energy, x, (erg_langevin_options){.step_size = 0.1});
}
static erg_node *move_z(void *self, erg_energy energy, erg_node *z) {
    (void)self;
    return erg_gibbs(energy, z, (erg_gibbs_options){0}).next;
}
static erg_tensor *run_latent_gibbs(erg_graph *g) {
    erg_latent_states from = {points(g, CHAINS),
                              erg_state(g, "z", ERG_FLOAT32, ERG_SHAPE(CHAINS, 2))};
    erg_latent_states to =
        erg_latent_gibbs((erg_pair_energy){centred, NULL}, from, (erg_latent_move){move_x, NULL},
                         (erg_latent_move){move_z, NULL});
    return after(from.x, (erg_transition){.next = to.x}, erg_assign(from.z, to.z));
}

/* ------------------------------------------------------------------------------- exact samples */

static erg_tensor *run_two_moons_sample(erg_graph *g) {
    return erg_evaluate(erg_two_moons_sample(g, ERG_FLOAT32, CHAINS, 0));
}
static erg_tensor *run_eight_gaussians_sample(erg_graph *g) {
    return erg_evaluate(erg_eight_gaussians_sample(g, ERG_FLOAT32, CHAINS, 0, 0));
}

/* ------------------------------------------------------------------------------- the table */

/* A name may say more than the function's, after it. */
#define ROW(name)                                                                                  \
    { #name, run_##name }
static const struct {
    const char *name;
    erg_tensor *(*run)(erg_graph *graph);
} rows[] = {
    ROW(langevin),
    ROW(sgld_step),
    ROW(geometric_schedule),
    ROW(langevin_kernel),
    ROW(unroll),
    ROW(guard),
    ROW(underdamped_langevin),
    ROW(sghmc),
    ROW(nesterov),
    ROW(motion_assign),
    ROW(svgd),
    ROW(random_walk),
    ROW(mala),
    ROW(hmc),
    ROW(nuts),
    ROW(metropolis_hastings),
    ROW(warm_up),
    ROW(parallel_tempering_new),
    ROW(tempered_transition),
    ROW(ais_new),
    ROW(annealed_langevin),
    ROW(predictor_corrector),
    ROW(predictor_corrector_by_ratio),
    ROW(denoise),
    ROW(ode_new),
    ROW(flow_new),
    ROW(gibbs),
    ROW(gibbs_categories),
    ROW(gibbs_random),
    ROW(gibbs_random_categories),
    ROW(metropolis_flips),
    ROW(metropolis_flips_categories),
    ROW(gibbs_with_gradients),
    ROW(gibbs_with_gradients_categories),
    ROW(discrete_langevin),
    ROW(discrete_langevin_categories),
    ROW(discrete_langevin_uncorrected),
    ROW(discrete_langevin_uncorrected_categories),
    ROW(block_gibbs),
    ROW(block_gibbs_categories),
    ROW(rbm_gibbs),
    ROW(latent_gibbs),
    ROW(two_moons_sample),
    ROW(eight_gaussians_sample),
};

/* Functions that move nothing by themselves: what goes with those above, what measures, and the replay
 * buffer, which runs on one thread. Names that end in _ stand for all that begin so. */
static const char *const others[] = {
    "noise_level",
    "ode_",
    "probability_flow",
    "checkerboard",
    "chain_",
    "statistics_",
    "replay_",
    "two_moons_energy",
    "quadrature_",
    "enumerate",
    "ising_torus_log_z",
    "eight_gaussians_energy",
    "ais_",
    "flow_",
    "diagnose",
    "autocorrelation",
    "ebfmi",
    "summary_print",
    "trace_plot",
    "rank_plot",
    "ksd",
    "mmd",
    "energy_distance",
    "autocorrelation_plot",
    "metric_",
    "frechet_distance",
    "precision_recall",
    "two_sample_test",
};

static erg_tensor *run(int row, uint64_t seed) {
    erg_graph *g = erg_graph_new(seed);
    erg_tensor *states = rows[row].run(g);
    ck_assert_msg(states != NULL, "%s", erg_error_message());
    ck_assert(erg_tensor_all_finite(states));
    erg_graph_free(g);
    return states;
}

static bool same(const erg_tensor *a, const erg_tensor *b) {
    size_t bytes = (size_t)erg_tensor_size(a) * erg_dtype_size(a->dtype);
    return erg_shape_equal(a->shape, b->shape) && memcmp(a->data, b->data, bytes) == 0;
}

START_TEST(threads_change_nothing) {
    const int before = erg_threads();
    ck_assert_int_eq(erg_set_threads(1), ERG_OK);
    erg_tensor *first = run(_i, 37), *other = run(_i, 38);
    ck_assert_msg(!same(first, other), "%s: the seed changes nothing", rows[_i].name);
    erg_tensor_free(other);
    for (int threads = 2; threads <= 4; threads++) {
        ck_assert_int_eq(erg_set_threads(threads), ERG_OK);
        other = run(_i, 37);
        ck_assert_msg(same(first, other), "%s: %d threads change it", rows[_i].name, threads);
        erg_tensor_free(other);
    }
    erg_tensor_free(first);
    erg_set_threads(before);
}
END_TEST

/* ------------------------------------------------------------------------------- completeness */

static void assert_known(const char *name, const char *parameters) {
    (void)parameters;
    bool known = false;
    for (int i = 0; i < COUNT(rows); i++)
        known |= strcmp(rows[i].name, name) == 0;
    for (int i = 0; i < COUNT(others); i++) {
        size_t length = strlen(others[i]);
        bool family = others[i][length - 1] == '_';
        known |= family ? strncmp(others[i], name, length) == 0 : strcmp(others[i], name) == 0;
    }
    ck_assert_msg(known, "erg_%s: no row", name);
}

START_TEST(every_transition_has_a_row) {
    ck_assert_int_gt(each_function("samplers/samplers.h", assert_known), 60);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("same bits");
    TCase *tests = tcase_create("same bits");
    tcase_add_loop_test(tests, threads_change_nothing, 0, COUNT(rows));
    tcase_add_test(tests, every_transition_has_a_row);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* test_tempering.c: parallel tempering and tempered transitions on two modes far apart, against the
 * exact density of each temperature, with random-walk Metropolis as the transition: it is exact. */
#include "modules.h"

/* ------------------------------------------------------------------------------- energy, transition */

/* 1/2 N(-3, 1) + 1/2 N(3, 1). */
static erg_energy two_modes(erg_graph *g) {
    const double means[] = {-3, 3}, stds[] = {1, 1};
    return (erg_energy){erg_gaussian_mixture_energy,
                        erg_gaussian_mixture_new(g, ERG_FLOAT64, 2, 1, NULL, means, stds)};
}

/* Metropolis with proposals x + 1.5 xi; x (B, 1). */
static erg_node *walk(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self;
    (void)beta;
    erg_graph *g = erg_node_graph(x);
    erg_shape shape = erg_node_shape(x);
    erg_node *xi = erg_normal(g, ERG_FLOAT64, shape), *u = erg_uniform(g, ERG_FLOAT64, shape);
    erg_node *proposal = erg_add(x, erg_mul_scalar(xi, 1.5));
    erg_node *gain = erg_sub(erg_energy_apply(tempered, x), erg_energy_apply(tempered, proposal));
    return erg_where(erg_less(erg_log(u), erg_unsqueeze(gain, 1)), proposal, x);
}

/* What exp(-beta E) is, on a grid. */
enum { GRID = 4001, BINS = 20 };
static const double edge = 12;

typedef struct law {
    double beta, cumulative[GRID];
} law;

static double density(double x, double beta) {
    double p = exp(-0.5 * (x + 3) * (x + 3)) + exp(-0.5 * (x - 3) * (x - 3));
    return pow(p, beta);
}

static law law_of(double beta) {
    law l = {.beta = beta};
    double sum = 0, width = 2 * edge / (GRID - 1);
    for (int i = 0; i < GRID; i++) {
        double x = -edge + width * i;
        sum += i > 0 ? density(x, beta) + density(x - width, beta) : 0;
        l.cumulative[i] = sum;
    }
    for (int i = 0; i < GRID; i++)
        l.cumulative[i] /= sum;
    return l;
}

static double cdf(const law *l, double x) {
    double place = fmin(fmax((x + edge) / (2 * edge) * (GRID - 1), 0), GRID - 1.001);
    int i = (int)place;
    return l->cumulative[i] + (place - i) * (l->cumulative[i + 1] - l->cumulative[i]);
}

/* Chi-squared over bins of equal probability, of rows that are independent chains. */
static double misfit(const law *l, const erg_tensor *x, int64_t first, int64_t rows) {
    double counts[BINS] = {0}, chi2 = 0, expected = (double)rows / BINS;
    for (int64_t b = first; b < first + rows; b++)
        counts[(int)fmin(cdf(l, erg_tensor_get(x, b)) * BINS, BINS - 1)] += 1;
    for (int i = 0; i < BINS; i++)
        chi2 += pow(counts[i] - expected, 2) / expected;
    return chi2;
}

/* ------------------------------------------------------------------------------- parallel tempering */

typedef struct replicas {
    erg_graph *graph;
    erg_node *x;
    erg_parallel_tempering *tempering;
    erg_plan *plan;
} replicas;

/* K B rows, all at the left mode. */
static replicas new_replicas(int64_t chains, erg_ladder ladder, erg_kernel kernel) {
    replicas r = {.graph = erg_graph_new(61)};
    int64_t levels = ladder.levels ? ladder.levels : 8;
    r.x = erg_state(r.graph, "x", ERG_FLOAT64, ERG_SHAPE(levels * chains, 1));
    erg_tensor_fill(erg_value(r.x), -3);
    r.tempering = erg_parallel_tempering_new(two_modes(r.graph), r.x, kernel,
                                             (erg_parallel_tempering_options){.ladder = ladder});
    ck_assert_msg(r.tempering != NULL, "%s", erg_graph_error(r.graph));
    erg_node *effects[] = {erg_assign(r.x, r.tempering->next), r.tempering->update};
    r.plan = erg_compile(effects, 2);
    ck_assert_msg(r.plan != NULL, "%s", erg_error_message());
    return r;
}

static void free_replicas(replicas r) {
    erg_plan_free(r.plan);
    erg_graph_free(r.graph);
}

static const double betas[] = {1, 0.6, 0.35, 0.15, 0.05};
enum { LEVELS = COUNT(betas) };

/* Every temperature has its own law, from chains that all began in one mode. */
START_TEST(replicas_have_the_law_of_each_temperature) {
    const int64_t chains = draws(4000, 1200), rounds = 150;
    replicas r = new_replicas(chains, (erg_ladder){.levels = LEVELS, .betas = betas},
                              (erg_kernel){walk, NULL});
    erg_run_n(r.plan, rounds);
    for (int k = 0; k < LEVELS; k++) {
        law l = law_of(betas[k]), other = law_of(betas[k > 0 ? k - 1 : 1]);
        ck_assert_double_lt(misfit(&l, erg_value(r.x), k * chains, chains), 63.677);
        ck_assert_double_gt(misfit(&other, erg_value(r.x), k * chains, chains), 63.677);
    }
    for (int k = 0; k < LEVELS - 1; k++) {
        double tried = erg_tensor_get(erg_value(r.tempering->attempted), k);
        ck_assert_double_eq(tried, (double)(chains * rounds) / 2);
        double part = erg_tensor_get(erg_value(r.tempering->swapped), k) / tried;
        ck_assert(part > 0.2 && part < 0.95);
    }
    ck_assert_double_eq(number_of(r.tempering->rounds), (double)rounds);
    ck_assert_double_eq(number_of(r.tempering->rejected), 0);
    free_replicas(r);
}
END_TEST

/* The part of the first B rows that has got to the right mode. */
static double crossed(const erg_tensor *x, int64_t chains) {
    double right = 0;
    for (int64_t b = 0; b < chains; b++)
        right += erg_tensor_get(x, b) > 0;
    return right / (double)chains;
}

/* Langevin alone stays where it began; with tempering it finds both halves. The step at beta_k is
 * step / beta_k by the preconditioner. */
START_TEST(tempering_finds_both_halves) {
    const int64_t chains = draws(2000, 500), rounds = 200, levels = 6;
    const double hottest = 20;
    erg_graph *g = erg_graph_new(62);
    erg_node *alone = erg_state(g, "alone", ERG_FLOAT64, ERG_SHAPE(chains, 1));
    erg_tensor_fill(erg_value(alone), -3);
    erg_langevin_options options = {.step_size = 0.1};
    erg_chain *chain = erg_chain_new(alone, erg_langevin(two_modes(g), alone, options));
    ck_assert_int_eq(erg_chain_run(chain, rounds), ERG_OK);
    ck_assert_double_lt(crossed(erg_value(alone), chains), 0.25);
    erg_chain_free(chain);

    erg_node *x = erg_state(g, "x", ERG_FLOAT64, ERG_SHAPE(levels * chains, 1));
    erg_node *p = erg_input(g, "p", ERG_FLOAT64, ERG_SHAPE(levels * chains, 1));
    erg_tensor_fill(erg_value(x), -3);
    for (int64_t row = 0; row < levels * chains; row++)
        erg_tensor_set(erg_value(p), row,
                       pow(hottest, (double)(row / chains) / (double)(levels - 1)));
    options.preconditioner = p;
    erg_parallel_tempering *tempering = erg_parallel_tempering_new(
        two_modes(g), x, (erg_kernel){erg_langevin_kernel, &options},
        (erg_parallel_tempering_options){{.levels = levels, .hottest = hottest}, "ladder"});
    ck_assert_ptr_eq(erg_find(g, "ladder/swapped"), tempering->swapped);
    erg_node *effects[] = {erg_assign(x, tempering->next), tempering->update};
    erg_plan *plan = erg_compile(effects, 2);
    erg_run_n(plan, rounds);
    double half = crossed(erg_value(x), chains);
    ck_assert_double_lt(fabs(half - 0.5), CRITICAL_Z * 0.5 / sqrt((double)chains));
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ---- swaps alone */

static erg_node *stay(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self;
    (void)tempered;
    (void)beta;
    return x;
}

static erg_node *first_of(void *self, erg_node *x) {
    (void)self;
    return erg_select(x, 1, 0);
}

/* One round of n chains with E(x) = x and rows that stay: the part of each pair that swaps. Row (k,
 * b) is at energy[k], and its second column says who it is. */
static void swap_parts(const double *energy, int rounds, int64_t n, double *parts) {
    const double ladder[] = {1, 0.7, 0.3};
    erg_graph *g = erg_graph_new(63);
    erg_node *x = erg_state(g, "x", ERG_FLOAT64, ERG_SHAPE(3 * n, 2));
    for (int64_t row = 0; row < 3 * n; row++) {
        erg_tensor_set(erg_value(x), 2 * row, energy[row / n]);
        erg_tensor_set(erg_value(x), 2 * row + 1, (double)row);
    }
    erg_parallel_tempering *tempering = erg_parallel_tempering_new(
        (erg_energy){first_of, NULL}, x, (erg_kernel){stay, NULL},
        (erg_parallel_tempering_options){.ladder = {.levels = 3, .betas = ladder}});
    erg_tensor_fill(erg_value(tempering->rounds), rounds);
    erg_node *effects[] = {erg_assign(x, tempering->next), tempering->update};
    erg_plan *plan = erg_compile(effects, 2);
    erg_run(plan);
    parts[0] = parts[1] = 0;
    bool all_here = true; /* nobody is lost, nobody is in another chain */
    for (int64_t b = 0; b < n; b++) {
        int64_t at[3];
        for (int k = 0; k < 3; k++) {
            int64_t row = (int64_t)erg_tensor_get(erg_value(x), 2 * (k * n + b) + 1);
            at[k] = row / n;
            all_here &= row % n == b;
            all_here &= erg_tensor_get(erg_value(x), 2 * (k * n + b)) == energy[at[k]];
        }
        all_here &= at[0] + at[1] + at[2] == 3 && at[0] * at[1] * at[2] == 0;
        parts[0] += at[0] == 1;
        parts[1] += at[1] == 2;
    }
    ck_assert(all_here);
    for (int pair = 0; pair < 2; pair++) {
        ck_assert_double_eq(erg_tensor_get(erg_value(tempering->swapped), pair), parts[pair]);
        ck_assert_double_eq(erg_tensor_get(erg_value(tempering->attempted), pair),
                            pair == rounds % 2 ? (double)n : 0);
        parts[pair] /= (double)n;
    }
    erg_plan_free(plan);
    erg_graph_free(g);
}

/* The pair whose turn it is swaps with probability min(1, exp(gap (E_k - E_(k+1)))), the other
 * never. Planted: the ratio upside down. */
START_TEST(swaps_have_their_probability) {
    const double energies[][3] = {{1, 3, 4}, {3, 1, 0},        {0, 1, 1},
                                  {2, 2, 5}, {INFINITY, 1, 1}, {1, INFINITY, 2}};
    const double gaps[] = {0.3, 0.4};
    const int64_t n = draws(20000, 2000);
    for (int i = 0; i < COUNT(energies); i++)
        for (int round = 0; round < 2; round++) {
            double parts[2], rise = energies[i][round] - energies[i][round + 1];
            swap_parts(energies[i], round, n, parts);
            double p = fmin(1, exp(gaps[round] * rise)), q = fmin(1, exp(-gaps[round] * rise));
            double error = sqrt(p * (1 - p) / (double)n);
            ck_assert_double_le(fabs(parts[round] - p), CRITICAL_Z * error);
            ck_assert_double_eq(parts[1 - round], 0);
            if (rise != 0)
                ck_assert_double_gt(fabs(parts[round] - q), CRITICAL_Z * error);
        }
}
END_TEST

/* A move to where there is no energy is not made, and counted. */
static erg_node *fall_off(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self;
    (void)tempered;
    (void)beta;
    return erg_add_scalar(x, -1);
}

static erg_node *root(void *self, erg_node *x) {
    (void)self;
    return erg_sqrt(erg_squeeze(x, 1));
}

START_TEST(moves_to_no_energy_are_counted) {
    erg_graph *g = erg_graph_new(64);
    erg_node *x = input_of(g, ERG_SHAPE(4, 1), (double[]){3, 0.5, 1, 0});
    erg_parallel_tempering *tempering =
        erg_parallel_tempering_new((erg_energy){root, NULL}, x, (erg_kernel){fall_off, NULL},
                                   (erg_parallel_tempering_options){.ladder.levels = 2});
    erg_node *effects[] = {erg_assign(x, tempering->next), tempering->update};
    erg_plan *plan = erg_compile(effects, 2);
    erg_run_n(plan, 10);
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += erg_tensor_get(erg_value(x), i);
    ck_assert_double_eq(sum, 0.5);
    ck_assert_double_eq(number_of(tempering->rejected), 40 - 4);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- tempered transitions */

/* Chains that began in one mode have the law of both. Planted: what they would do without
 * acceptance, transitions at high temperature. */
START_TEST(tempered_transitions_keep_the_law) {
    const int64_t chains = draws(6000, 600);
    const double step_betas[] = {1, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1};
    const erg_ladder ladder = {.levels = COUNT(step_betas), .betas = step_betas};
    law target = law_of(1);
    for (int planted = 0; planted < 2; planted++) {
        erg_graph *g = erg_graph_new(65);
        erg_node *x = erg_state(g, "x", ERG_FLOAT64, ERG_SHAPE(chains, 1));
        erg_tensor_fill(erg_value(x), -3);
        erg_accepted move =
            erg_tempered_transition(two_modes(g), x, (erg_kernel){walk, NULL}, ladder);
        erg_node *always =
            erg_unroll((erg_kernel){walk, NULL},
                       erg_energy_tempered(g, two_modes(g), number_input(g, 10)), x, 3);
        erg_chain *chain = erg_chain_new(x, planted ? always : move.next);
        ck_assert_msg(chain != NULL, "%s", erg_error_message());
        ck_assert_int_eq(erg_chain_run(chain, 60), ERG_OK);
        double chi2 = misfit(&target, erg_value(x), 0, chains);
        ck_assert_msg(planted ? chi2 > 63.677 : chi2 < 63.677, "chi-squared %g", chi2);
        if (!planted) {
            double *taken = elements_of(move.accepted), part = 0;
            for (int64_t b = 0; b < chains; b++)
                part += taken[b] / (double)chains;
            ck_assert(part > 0.1 && part < 0.9);
            free(taken);
        }
        erg_chain_free(chain);
        erg_graph_free(g);
    }
}
END_TEST

/* Steps of a known length make the ratio a closed form: E(x) = x, each transition adds 1, so that
 * u_i = x + i, d_i = x + 2 n - i, and the sum over i of (b_(i-1) - b_i) (u_(i-1) - d_(i-1)) is
 * -(sum of the gaps times 2 (n - i + 1)). */
static erg_node *climb(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self;
    (void)tempered;
    (void)beta;
    return erg_add_scalar(x, 1);
}

START_TEST(tempered_ratio_is_exact) {
    const double ladder[] = {1, 0.8, 0.5, 0.1};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, 1), (double[]){0.5, -7});
    erg_accepted move =
        erg_tempered_transition((erg_energy){first_of, NULL}, x, (erg_kernel){climb, NULL},
                                (erg_ladder){.levels = 4, .betas = ladder});
    double *ratios = elements_of(move.log_ratio), expected = -(0.2 * 6 + 0.3 * 4 + 0.4 * 2);
    for (int b = 0; b < 2; b++)
        ck_assert_double_eq_tol(ratios[b], expected, 1e-14);
    free(ratios);
    erg_graph_free(g);
}
END_TEST

/* E = log x or -log x at 0 is infinite, with one sign or the other, and NaN below. */
static erg_node *log_of_first(void *self, erg_node *x) {
    return erg_mul(self, erg_log(erg_squeeze(x, 1)));
}
static erg_node *fall_to(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)tempered, (void)beta;
    return erg_full_like(x, *(double *)self);
}
START_TEST(tempered_moves_to_no_energy_are_refused) {
    double places[] = {0, -1, 2};
    for (int i = 0; i < 2 * COUNT(places); i++) {
        erg_graph *g = erg_graph_new(66);
        erg_node *x = input_of(g, ERG_SHAPE(1, 1), (double[]){2}),
                 *sign = number_input(g, i % 2 ? 1 : -1);
        erg_accepted move =
            erg_tempered_transition((erg_energy){log_of_first, sign}, x,
                                    (erg_kernel){fall_to, &places[i / 2]}, (erg_ladder){0});
        ck_assert_double_eq(number_of(move.next), 2);
        ck_assert_double_eq(number_of(move.accepted), places[i / 2] == 2);
        erg_graph_free(g);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

static erg_node *shrink(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self;
    (void)tempered;
    (void)beta;
    return erg_select(x, 1, 0);
}

#define BUILD(...)                                                                                 \
    erg_parallel_tempering_new(energy, x, move,                                                    \
                               (erg_parallel_tempering_options){.ladder = {__VA_ARGS__}})

START_TEST(tempering_refuses_misuse) {
    double one = 1;
    const erg_energy energy = {erg_harmonic_energy, &one};
    const erg_kernel move = {walk, NULL}, none = {NULL, NULL}, wrong = {shrink, NULL};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(6, 1), NULL), *number = number_input(g, 0);
    const double rising[] = {1, 0.2, 0.5}, late[] = {0.9, 0.5, 0.1}, zero[] = {1, 0.5, 0};
    REFUSES(g, "parallel_tempering: 1 temperatures", BUILD(.levels = 1));
    REFUSES(g, "parallel_tempering: -1 temperatures", BUILD(.levels = -1));
    REFUSES(g, "up to 1,", BUILD(.hottest = 1));
    REFUSES(g, "up to nan", BUILD(.hottest = NAN));
    REFUSES(g, "beta 2 is 0.5", BUILD(.levels = 3, .betas = rising));
    REFUSES(g, "beta 0 is 0.9", BUILD(.levels = 3, .betas = late));
    REFUSES(g, "beta 2 is 0;", BUILD(.levels = 3, .betas = zero));
    REFUSES(g, "x is (6, 1), must have a multiple of 4 rows", BUILD(.levels = 4));
    const erg_parallel_tempering_options usual = {.ladder.levels = 2};
    REFUSES(g, "x is ()", erg_parallel_tempering_new(energy, number, move, usual));
    REFUSES(g, "no transition", erg_parallel_tempering_new(energy, x, none, usual));
    erg_graph_free(g);

    g = erg_graph_new(0);
    x = input_of(g, ERG_SHAPE(6, 1), NULL);
    REFUSES(g, "makes (6) of (6, 1)", erg_parallel_tempering_new(energy, x, wrong, usual));
    ck_assert_ptr_null(erg_parallel_tempering_new(energy, NULL, move, usual));
    REFUSES(g, "tempered_transition: 1 temp",
            erg_tempered_transition(energy, x, move, (erg_ladder){.levels = 1}).next);
    REFUSES(g, "no transition", erg_tempered_transition(energy, x, none, (erg_ladder){0}).next);
    REFUSES(g, "tempered_transition: the transition makes (6)",
            erg_tempered_transition(energy, x, wrong, (erg_ladder){0}).next);
    REFUSES(g, "no function",
            erg_tempered_transition((erg_energy){0}, x, move, (erg_ladder){0}).next);
    ck_assert_ptr_null(erg_tempered_transition(energy, NULL, move, (erg_ladder){0}).next);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tempering");
    TCase *parallel = tcase_create("parallel");
    tcase_add_test(parallel, replicas_have_the_law_of_each_temperature);
    tcase_add_test(parallel, tempering_finds_both_halves);
    tcase_add_test(parallel, swaps_have_their_probability);
    tcase_add_test(parallel, moves_to_no_energy_are_counted);
    suite_add_tcase(suite, parallel);
    TCase *transitions = tcase_create("transitions");
    tcase_add_test(transitions, tempered_transitions_keep_the_law);
    tcase_add_test(transitions, tempered_ratio_is_exact);
    tcase_add_test(transitions, tempered_moves_to_no_energy_are_refused);
    suite_add_tcase(suite, transitions);
    TCase *general = tcase_create("general");
    tcase_add_test(general, tempering_refuses_misuse);
    suite_add_tcase(suite, general);
    return run_suite(suite);
}

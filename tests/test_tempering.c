/* test_tempering.c: parallel tempering on two modes far apart, against the exact density of each
 * temperature, with random-walk Metropolis as the transition: it is exact. */
#include "tempered.h"

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

/* beta of each row, as the kernel is given it. */
static erg_node *reveal(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)tempered;
    *(erg_node **)self = beta;
    return x;
}
START_TEST(ladders_are_geometric) {
    const erg_ladder ladders[] = {{.levels = 5, .hottest = 16}, {0}};
    const double last[] = {1.0 / 16, 0.1};
    for (int i = 0; i < COUNT(ladders); i++) {
        erg_graph *g = erg_graph_new(0);
        const int64_t levels = i ? 8 : 5;
        erg_node *x = input_of(g, ERG_SHAPE(2 * levels, 1), NULL), *beta = NULL;
        erg_parallel_tempering_options options = {.ladder = ladders[i]};
        ck_assert_ptr_nonnull(
            erg_parallel_tempering_new(two_modes(g), x, (erg_kernel){reveal, &beta}, options));
        double *found = elements_of(beta);
        for (int64_t row = 0; row < 2 * levels; row++) {
            double part = (double)(row / 2) / (double)(levels - 1);
            ck_assert_double_eq_tol(found[row], pow(last[i], part), 1e-14);
        }
        free(found);
        erg_graph_free(g);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

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
    tcase_add_test(parallel, ladders_are_geometric);
    suite_add_tcase(suite, parallel);
    TCase *general = tcase_create("general");
    tcase_add_test(general, tempering_refuses_misuse);
    suite_add_tcase(suite, general);
    return run_suite(suite);
}

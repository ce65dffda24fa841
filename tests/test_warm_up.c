/* test_warm_up.c: what chains learn before they sample: a first step size, against the acceptance that
 * is known exactly; the step size for a target; the metric. */
#include "../samplers/metropolis.h"
#include "study.h"

/* The metric learnt is near the covariance, the step size gives the acceptance asked for. */
START_TEST(warm_up_learns) {
    erg_graph *g = erg_graph_new(47);
    const double covariance[] = {25, 0, 0, 0.04};
    erg_energy energy = {erg_gaussian_energy,
                         erg_gaussian_new(g, ERG_FLOAT64, 2, NULL, covariance, NULL)};
    study s = new_study(erg_mala, energy, g, ERG_SHAPE(50, 2), ERG_MASS_DIAGONAL);
    erg_warm_up_options o = {.metric = s.metric, .target = 0.7};
    ck_assert_int_eq(erg_warm_up(s.counted.chain, s.counted.statistics, s.step, 300, o), ERG_OK);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(s.metric->root), 0), 5, 0.25);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(s.metric->root), 1), 0.2, 0.01);
    ck_assert_int_eq(erg_chain_run(s.counted.chain, 200), ERG_OK);
    ck_assert_double_eq_tol(summary_of(s.counted).acceptance, 0.7, 0.08);
    free_study(s);
}
END_TEST

/* What one leapfrog step of size s accepts on N(0, 1 / stiffness), at rest. */
static double accepted_by_one(double size, double stiffness) {
    double e = size * sqrt(stiffness), cosine = 1 - e * e / 2, chi = 1 - e * e / 4;
    double mu = 0.5 * (1 - cosine * cosine) * (chi + 1 / chi - 2);
    return e < 2 ? 2 / M_PI * atan(sqrt(2 / mu)) : 0;
}

static erg_transition one_step(erg_energy energy, erg_node *x, erg_metropolis_options options) {
    options.steps = 1;
    return erg_hmc(energy, x, options);
}

/* Twice or half the size would be on the other side of the target, from where it came. */
static bool is_reasonable(double size, double stiffness, double target) {
    double here = accepted_by_one(size, stiffness) - target;
    return here * (accepted_by_one(here > 0 ? size * 2 : size / 2, stiffness) - target) < 0;
}

/* The search takes as many doublings or halvings as the exact acceptance says, with many chains that
 * hardly fluctuate; no chain moves, nothing is counted. Planted: no search. */
START_TEST(first_steps_are_reasonable) {
    const double starts[] = {1e-3, 1, 100}, stiffnesses[] = {1, 1e8}, target = 0.8;
    maker *const makers[] = {one_step, erg_nuts};
    double stiffness = stiffnesses[_i % 2];
    for (int k = 0; k < COUNT(starts); k++) {
        erg_energy energy = {erg_harmonic_energy, &stiffness};
        study s = new_study(makers[_i / 2], energy, erg_graph_new(51),
                            ERG_SHAPE(draws(4000, 1000), 1), ERG_MASS_IDENTITY);
        double *x = erg_value(s.x)->data, first, scale = 1 / sqrt(stiffness), size = starts[k];
        for (int64_t b = 0; b < erg_tensor_size(erg_value(s.x)); b++)
            x[b] *= scale;
        first = x[0];
        erg_tensor *step = erg_value(s.step);
        erg_tensor_fill(step, size);
        bool grows = accepted_by_one(size, stiffness) > target;
        while ((accepted_by_one(size, stiffness) > target) == grows)
            size *= grows ? 2 : 0.5;
        erg_plan *probe = erg_chain_probe(s.counted.chain);
        ck_assert_int_eq(erg_first_step(s.counted.chain, probe, step, target), ERG_OK);
        ck_assert_double_eq(erg_tensor_get(step, 0), size);
        ck_assert(is_reasonable(size, stiffness, target));
        ck_assert(!is_reasonable(starts[k], stiffness, target) || (k == 1 && stiffness == 1));
        ck_assert_double_eq(x[0], first);
        ck_assert_double_eq(summary_of(s.counted).transitions, 0);
        erg_plan_free(probe);
        free_study(s);
    }
}
END_TEST

/* Ten transitions suffice from a step that is a million times too small, twenty if a metric is learnt too,
 * as dual averaging starts at the right order each time; alone it would be at a hundredth still. */
START_TEST(warm_up_begins_with_a_search) {
    maker *const makers[] = {erg_hmc, erg_nuts};
    const double starts[] = {1e-6, 10};
    for (int i = 0; i < 4; i++) {
        study s = new_study(makers[i / 2], standard_normal(), erg_graph_new(52), ERG_SHAPE(100, 2),
                            _i ? ERG_MASS_DIAGONAL : ERG_MASS_IDENTITY);
        erg_tensor_fill(erg_value(s.step), starts[i % 2]);
        warm_up(s, _i ? 20 : 10, 0.8);
        ck_assert_double_gt(erg_tensor_get(erg_value(s.step), 0), 0.3);
        ck_assert_double_lt(erg_tensor_get(erg_value(s.step), 0), 2);
        free_study(s);
    }
}
END_TEST

static erg_node *flat(void *self, erg_node *x) {
    (void)self;
    return erg_mul_scalar(erg_sum(x, ERG_AXES(1), 0), 0);
}
static erg_node *nowhere(void *self, erg_node *x) {
    (void)self;
    return erg_log(erg_sub(flat(NULL, x), erg_full_like(flat(NULL, x), 1)));
}
START_TEST(no_step_is_right) {
    const struct {
        erg_energy energy;
        const char *message;
    } cases[] = {{{flat, NULL}, "has exp(-E) an integral?"},
                 {{nowhere, NULL}, "is the energy finite where the chains are?"}};
    maker *const makers[] = {erg_random_walk, erg_hmc, erg_nuts};
    for (int i = 0; i < COUNT(cases) * COUNT(makers); i++) {
        study s = new_study(makers[i / 2], cases[i % 2].energy, erg_graph_new(53), ERG_SHAPE(3, 2),
                            ERG_MASS_DIAGONAL);
        FAILS(cases[i % 2].message, erg_warm_up(s.counted.chain, s.counted.statistics, s.step, 5,
                                                (erg_warm_up_options){.metric = s.metric}));
        ck_assert_double_eq(erg_tensor_get(erg_value(s.step), 0), 0.1);
        free_study(s);
    }
}
END_TEST

/* A walk of known steps: x' = x + (1, -2), with an acceptance that falls with the step size. */
static erg_transition march(erg_node *x, erg_node *step) {
    erg_graph *g = erg_node_graph(x);
    erg_tensor *way = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(2), (double[]){1, -2});
    erg_node *next = erg_add(x, erg_constant(g, way));
    erg_tensor_free(way);
    erg_node *ones = erg_full_like(erg_select(x, 1, 0), 1);
    return (erg_transition){.next = next, .acceptance = erg_mul(ones, erg_exp(erg_neg(step)))};
}

/* Where a step e is accepted with exp(-e): the first step size that the search finds, and dual averaging
 * from there, as their formulas have it. */
static double searched(double step) {
    const bool grows = exp(-step) > 0.8;
    do
        step *= grows ? 2 : 0.5;
    while ((exp(-step) > 0.8) == grows);
    return step;
}

static double averaged(double first, int64_t n, double shift, double decay) {
    double log_average = 0, step = first, error = 0;
    for (int64_t t = 1; t <= n; t++) {
        double share = 1 / ((double)t + shift), weight = pow((double)t, -decay);
        error = (1 - share) * error + share * (0.8 - exp(-step));
        double log_step = log(10 * first) - sqrt((double)t) / 0.05 * error;
        log_average = weight * log_step + (1 - weight) * log_average;
        step = exp(log_step);
    }
    return exp(log_average);
}

/* Planted: other constants. */
START_TEST(averaging_is_its_formula) {
    for (int64_t n = 1; n < 60; n += 7) {
        erg_graph *g = erg_graph_new(55);
        erg_node *x = input_of(g, ERG_SHAPE(1, 2), NULL), *step = number_input(g, 0.1);
        counted c = count_chain(x, march(x, step));
        ck_assert_int_eq(
            erg_warm_up(c.chain, c.statistics, step, n, (erg_warm_up_options){.target = 0.8}),
            ERG_OK);
        double found = erg_tensor_get(erg_value(step), 0);
        ck_assert_double_eq_tol(found, averaged(searched(0.1), n, 10, 0.75), 1e-12);
        ck_assert(n == 1 || fabs(found - averaged(searched(0.1), n, 10, 1)) > 1e-3);
        ck_assert(fabs(found - averaged(searched(0.1), n, 9, 0.75)) > 1e-4);
        erg_chain_free(c.chain);
        erg_graph_free(g);
    }
}
END_TEST

/* Of 20 transitions numbers 3 to 9 are a window. The metric is their covariance C, divided by n - 1, as
 * n / (n + 5) C + 5e-3 / (n + 5) I with n = 7: L L^T to the last digits. */
START_TEST(metric_is_that_of_the_window) {
    const bool dense = _i;
    erg_graph *g = erg_graph_new(54);
    erg_node *x = input_of(g, ERG_SHAPE(1, 2), (double[]){30, 40}), *step = number_input(g, 0.1);
    erg_metric *metric = erg_metric_new(g, "metric", ERG_FLOAT64, ERG_SHAPE(2),
                                        dense ? ERG_MASS_DENSE : ERG_MASS_DIAGONAL);
    counted c = count_chain(x, march(x, step));
    ck_assert_int_eq(
        erg_warm_up(c.chain, c.statistics, step, 20, (erg_warm_up_options){.metric = metric}),
        ERG_OK);
    ck_assert_double_eq(erg_tensor_get(erg_value(x), 0), 50);
    const double n = 7, variance = n * (n + 1) / 12; /* of 1, 2, .. n, divided by n - 1 */
    const double first = n / (n + 5) * variance + 5e-3 / (n + 5);
    const double second = n / (n + 5) * 4 * variance + 5e-3 / (n + 5);
    const double *l = erg_value(metric->root)->data;
    ck_assert_double_eq_tol(l[0] * l[0], first, 1e-12);
    /* The window ended after ten; then all begins again, from the average. */
    double before = averaged(searched(0.1), 10, 10, 0.75);
    double after = averaged(searched(before), 10, 10, 0.75);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(step), 0), after, 1e-12);
    ck_assert_double_gt(fabs(averaged(searched(0.1), 20, 10, 0.75) - after), 1e-4);
    if (dense) {
        ck_assert_double_eq_tol(l[2] * l[0], n / (n + 5) * -2 * variance, 1e-12);
        ck_assert_double_eq_tol(l[2] * l[2] + l[3] * l[3], second, 1e-12);
    } else {
        ck_assert_double_eq_tol(l[1] * l[1], second, 1e-12);
    }
    erg_chain_free(c.chain);
    erg_graph_free(g);
}
END_TEST

/* However short, and with one chain alone. */
START_TEST(short_warm_ups) {
    for (erg_mass mass = ERG_MASS_IDENTITY; mass <= ERG_MASS_DENSE; mass++)
        for (int64_t n = 0; n < 12; n++) {
            study s =
                new_study(erg_hmc, standard_normal(), erg_graph_new(50), ERG_SHAPE(1, 2), mass);
            warm_up(s, n, 0.8);
            ck_assert_int_eq(erg_chain_run(s.counted.chain, 1), ERG_OK);
            ck_assert(erg_tensor_all_finite(erg_value(s.x)));
            double step = erg_tensor_get(erg_value(s.step), 0);
            ck_assert(n ? step != 0.1 : step == 0.1);
            free_study(s);
        }
}
END_TEST

START_TEST(warm_up_refuses_misuse) {
    study s = new_study(erg_hmc, standard_normal(), erg_graph_new(48), ERG_SHAPE(3, 2),
                        ERG_MASS_DIAGONAL);
    erg_chain *chain = s.counted.chain;
    erg_statistics *statistics = s.counted.statistics;
    erg_warm_up_options o = {0};
    FAILS("no chain", erg_warm_up(NULL, statistics, s.step, 1, o));
    FAILS("no chain", erg_warm_up(chain, NULL, s.step, 1, o));
    FAILS("-1 transitions", erg_warm_up(chain, statistics, s.step, -1, o));
    FAILS("shape ()", erg_warm_up(chain, statistics, NULL, 1, o));
    FAILS("shape ()", erg_warm_up(chain, statistics, s.x, 1, o));
    FAILS("target 1",
          erg_warm_up(chain, statistics, s.step, 1, (erg_warm_up_options){.target = 1}));
    o.metric = erg_metric_new(s.graph, "other", ERG_FLOAT64, ERG_SHAPE(3), ERG_MASS_DENSE);
    FAILS("another shape", erg_warm_up(chain, statistics, s.step, 1, o));
    erg_tensor_fill(erg_value(s.step), 0);
    FAILS("value > 0", erg_warm_up(chain, statistics, s.step, 1, (erg_warm_up_options){0}));
    erg_tensor_fill(erg_value(s.step), 0.1);
    /* A chain that does not count tells nothing to learn from. */
    erg_chain *silent = erg_chain_new(s.x, erg_neg(s.x));
    FAILS("count its acceptance",
          erg_warm_up(silent, statistics, s.step, 1, (erg_warm_up_options){0}));
    ck_assert_double_eq(erg_tensor_get(erg_value(s.step), 0), 0.1);
    erg_chain_free(silent);
    free_study(s);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("warm-up");
    TCase *search = tcase_create("first step"), *whole = tcase_create("warm-up");
    tcase_add_loop_test(search, first_steps_are_reasonable, 0, 4);
    tcase_add_test(search, no_step_is_right);
    tcase_add_loop_test(search, warm_up_begins_with_a_search, 0, 2);
    suite_add_tcase(suite, search);
    tcase_add_test(whole, warm_up_learns);
    tcase_add_test(whole, averaging_is_its_formula);
    tcase_add_loop_test(whole, metric_is_that_of_the_window, 0, 2);
    tcase_add_test(whole, short_warm_ups);
    tcase_add_test(whole, warm_up_refuses_misuse);
    suite_add_tcase(suite, whole);
    return run_suite(suite);
}

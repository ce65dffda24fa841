/* test_generator.c: a linear generator, whose score is known, and what it becomes in training. */
#include "likelihood.h"

/* g(z) = w z in one dimension: q = N(0, w^2 + sigma^2), of which the score is known. With
 * E = a x^2 / 2, n's derivative of the loss shows the force on each sample,
 * (a x + score) sigma / B. Estimated by 100,000 points z', within 2 %. */
static erg_node *times(void *self, erg_node *z) {
    return erg_mul(self, z);
}

START_TEST(generator_knows_its_own_score) {
    const int64_t samples = draws(100000, 20000);
    const double w = 1.4, sigma = 0.6, a = 0.8, v = w * w + sigma * sigma;
    const double tolerance = 0.02 * sqrt(100000. / (double)samples);
    erg_graph *g = erg_graph_new(93);
    erg_node *z = input_of(g, ERG_SHAPE(4, 1), (double[]){-1, 0.2, 0.5, 1.5});
    erg_node *n = input_of(g, ERG_SHAPE(4, 1), (double[]){0.5, -1, 1, 0.3});
    erg_generator generator = {times, number_param(g, "w", w)};
    erg_energy energy = {quadratic, number_param(g, "a", a)};
    erg_generator_options options = {
        .sigma = sigma, .noise = n, .samples = samples, .proposal = 0.5};
    erg_node *x = erg_generator_sample(generator, z, options);
    double *states = elements_of(x);
    for (int entropy = 0; entropy < 2; entropy++) {
        options.entropy_weight = entropy ? 1 : ERG_ZERO;
        erg_node *loss = erg_generator_loss(energy, generator, z, x, options);
        double *force = elements_of(erg_gradient(loss, n));
        for (int i = 0; i < 4; i++) {
            double score = -states[i] / v, expected = a * states[i] + entropy * score;
            ck_assert_double_eq_tol(force[i] * 4 / sigma, expected, entropy ? tolerance : 1e-13);
            ck_assert_double_gt(fabs(score), 2 * tolerance);
        }
        free(force);
        ck_assert_double_eq(slope_of(loss, energy.self), 0);
    }
    free(states);
    erg_graph_free(g);
}
END_TEST

/* Trained on E = x^2 / 2 it becomes N(0, 1): w^2 + sigma^2 = 1. Without entropy it collapses, with
 * its sign flipped too. */
static double trained_weight(double entropy_weight, double sign) {
    enum { BATCH = 200 };
    const int64_t runs = draws(200, 20);
    erg_graph *g = erg_graph_new(94);
    erg_node *w = number_param(g, "w", 0.4);
    erg_generator generator = {times, w};
    erg_node *z = erg_normal(g, ERG_FLOAT64, ERG_SHAPE(BATCH, 1));
    erg_generator_options options = {
        .sigma = 0.6, .samples = 500, .proposal = 1, .entropy_weight = entropy_weight};
    erg_node *x = erg_generator_sample(generator, z, options);
    erg_node *loss = erg_generator_loss((erg_energy){quadratic, erg_scalar(g, ERG_FLOAT64, 1)},
                                        generator, z, x, options);
    erg_node *step =
        erg_adam(erg_mul_scalar(loss, sign), &w, 1, (erg_adam_options){.learning_rate = 0.02});
    erg_plan *plan = erg_compile(&step, 1);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    erg_run_n(plan, 60);
    double sum = 0;
    for (int64_t k = 0; k < runs; k++) {
        erg_run(plan);
        sum += erg_tensor_get(erg_value(w), 0) / (double)runs;
    }
    erg_plan_free(plan);
    erg_graph_free(g);
    return sum;
}

START_TEST(generator_finds_the_density) {
    ck_assert_double_eq_tol(trained_weight(1, 1), 0.8, 0.03);
    ck_assert_double_lt(fabs(trained_weight(ERG_ZERO, 1)), 0.1);
    ck_assert_double_lt(fabs(trained_weight(1, -1)), 0.1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("generator");
    TCase *tests = tcase_create("generator");
    tcase_add_test(tests, generator_knows_its_own_score);
    tcase_add_test(tests, generator_finds_the_density);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

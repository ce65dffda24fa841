/* test_recovery.c: diffusion recovery likelihood of a Gaussian, whose answer is known, beside losses
 * that are wrong in one place. */
#include "likelihood.h"

/* E = a |x|^2 / 2 and noise sigma: x given x~ has the precision k = a + 1 / sigma^2 and the mean
 * x~ / (sigma^2 k). Data +-s and noise +-1 in all combinations make a = 1 / s^2 the optimum. */
typedef struct recovered {
    erg_graph *graph;
    erg_node *a, *data, *noisy, *negatives;
    erg_recovery_options options;
} recovered;

enum { PAIRS = 8 };

static recovered new_recovered(double s, double sigma) {
    recovered f = {.graph = erg_graph_new(0), .options.sigma = sigma};
    double data[PAIRS], noisy[PAIRS], sign[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        data[i] = i & 1 ? s : -s;
        noisy[i] = data[i] + (i & 2 ? sigma : -sigma);
        sign[i] = i & 4 ? 1 : -1;
    }
    f.a = number_param(f.graph, "a", 1);
    f.data = input_of(f.graph, ERG_SHAPE(PAIRS, 1), data);
    f.noisy = input_of(f.graph, ERG_SHAPE(PAIRS, 1), noisy);
    erg_node *k = erg_add_scalar(f.a, 1 / (sigma * sigma));
    erg_node *centre = erg_div(erg_mul_scalar(f.noisy, 1 / (sigma * sigma)), k);
    erg_node *side = input_of(f.graph, ERG_SHAPE(PAIRS, 1), sign);
    f.negatives = erg_add(centre, erg_div(side, erg_sqrt(k)));
    return f;
}

static erg_node *right_recovery(recovered f) {
    return erg_recovery_likelihood((erg_energy){quadratic, f.a}, f.data, f.noisy, f.negatives,
                                   f.options);
}
static erg_node *recovery_by_node(recovered f) {
    f.options = (erg_recovery_options){.sigma_node = number_input(f.graph, f.options.sigma)};
    return right_recovery(f);
}
static erg_node *flipped_recovery(recovered f) {
    return erg_neg(right_recovery(f));
}
static erg_node *noisy_for_clean(recovered f) {
    f.data = f.noisy;
    return right_recovery(f);
}
static erg_node *summed_recovery(recovered f) {
    return erg_mul_scalar(right_recovery(f), PAIRS);
}

static const struct {
    erg_node *(*loss)(recovered f);
    bool right;
} recoveries[] = {
    {right_recovery, true},   {recovery_by_node, true}, {flipped_recovery, false},
    {noisy_for_clean, false}, {summed_recovery, false},
};

START_TEST(recovery_finds_the_energy_of_the_data) {
    const double s = 1.5, sigma = 0.8;
    recovered f = new_recovered(s, sigma);
    erg_node *slope = erg_gradient(recoveries[_i].loss(f), f.a);
    erg_plan *plan = erg_compile(&slope, 1);
    const double places[] = {0.2, 1 / (s * s), 3};
    bool good = true;
    for (int i = 0; i < 3; i++) {
        double a = places[i], k = a + 1 / (sigma * sigma);
        double square = (s * s + sigma * sigma) / pow(sigma * sigma * k, 2) + 1 / k;
        erg_tensor_fill(erg_value(f.a), a);
        erg_run(plan);
        double got = erg_tensor_get(erg_output(plan, 0), 0);
        good = good && fabs(got - (s * s - square) / 2) < 1e-13;
        good = good && (i != 1 || fabs(got) < 1e-13);
    }
    ck_assert(good == recoveries[_i].right);
    erg_plan_free(plan);
    erg_graph_free(f.graph);
}
END_TEST

/* The chains' energy, its minimum at the mean of x given x~; one sigma for each sample. */
START_TEST(recovery_energy_is_the_conditional) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, 1), (double[]){1, 2});
    erg_node *noisy = input_of(g, ERG_SHAPE(2, 1), (double[]){3, -1});
    erg_node *sigma = input_of(g, ERG_SHAPE(2), (double[]){0.5, 2});
    erg_energy energy = erg_recovery_energy((erg_energy){quadratic, erg_scalar(g, ERG_FLOAT64, 3)},
                                            noisy, (erg_recovery_options){.sigma_node = sigma});
    double *e = elements_of(erg_energy_apply(energy, x));
    ck_assert_double_eq_tol(e[0], 1.5 + 4 / 0.5, 1e-14);
    ck_assert_double_eq_tol(e[1], 6 + 9 / 8.0, 1e-14);
    free(e);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("recovery");
    TCase *tests = tcase_create("recovery");
    tcase_add_loop_test(tests, recovery_finds_the_energy_of_the_data, 0, COUNT(recoveries));
    tcase_add_test(tests, recovery_energy_is_the_conditional);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

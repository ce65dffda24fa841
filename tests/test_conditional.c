/* test_conditional.c: contrastive divergence of pairs: labels choose the energy, and a latent
 * variable is drawn from two chains; against closed forms, beside losses that are wrong in one place. */
#include "likelihood.h"

/* ------------------------------------------------------------------------------- labels */

/* E(x, y) = a_y |x|^2 / 2: by a_c the gradient is the share of label c's squares in the data minus
 * that in the negatives. */
static erg_node *labelled(void *self, erg_node *x, erg_node *label) {
    erg_node *a = erg_take(self, label, 0);
    return erg_mul(erg_mul_scalar(a, 0.5), erg_sum(erg_square(x), ERG_AXES(1), 0));
}

typedef struct pairs {
    erg_pair_energy energy;
    erg_node *data, *labels, *negatives, *negative_labels;
} pairs;

static erg_node *right_labels(pairs p) {
    return erg_conditional_contrastive_divergence(p.energy, p.data, p.labels, p.negatives,
                                                  p.negative_labels, (erg_contrastive_options){0});
}
static erg_node *swapped_pairs(pairs p) {
    return erg_conditional_contrastive_divergence(p.energy, p.negatives, p.negative_labels, p.data,
                                                  p.labels, (erg_contrastive_options){0});
}
static erg_node *labels_of_the_data(pairs p) {
    p.negative_labels = p.labels;
    return right_labels(p);
}
static erg_node *doubled_pairs(pairs p) {
    return erg_mul_scalar(right_labels(p), 2);
}
static erg_node *summed_pairs(pairs p) {
    return erg_mul_scalar(right_labels(p), 4);
}
static erg_node *no_negatives(pairs p) {
    return mean(erg_pair_energy_apply(p.energy, p.data, p.labels));
}

static const struct {
    erg_node *(*loss)(pairs p);
    bool right;
} pair_losses[] = {
    {right_labels, true},   {swapped_pairs, false}, {labels_of_the_data, false},
    {doubled_pairs, false}, {summed_pairs, false},  {no_negatives, false},
};

START_TEST(labels_choose_the_energy) {
    erg_graph *g = erg_graph_new(0);
    erg_node *a = input_of(g, ERG_SHAPE(2), (double[]){0.7, 1.9});
    pairs p = {.energy = {labelled, a},
               .data = input_of(g, ERG_SHAPE(4, 1), (double[]){1, 2, 3, 4}),
               .labels = labels_of(g, 4, (int[]){0, 1, 1, 0}),
               .negatives = input_of(g, ERG_SHAPE(4, 1), (double[]){5, 6, 7, 8}),
               .negative_labels = labels_of(g, 4, (int[]){0, 0, 1, 0})};
    double *slopes = elements_of(erg_gradient(pair_losses[_i].loss(p), a));
    const double by_0 = (1 + 16) / 8.0 - (25 + 36 + 64) / 8.0, by_1 = (4 + 9) / 8.0 - 49 / 8.0;
    bool good = fabs(slopes[0] - by_0) < 1e-13 && fabs(slopes[1] - by_1) < 1e-13;
    ck_assert(good == pair_losses[_i].right);
    free(slopes);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- latent */

/* E(x, z) = (x - w z)^2 / 2 + z^2 / 2: p(x) = N(0, 1 + w^2), and z given x is
 * N(w x / (1 + w^2), 1 / (1 + w^2)). Mean +- deviation are two points with the right moments. */
static erg_node *latent(void *self, erg_node *x, erg_node *z) {
    erg_node *miss = erg_square(erg_sub(x, erg_mul(self, z)));
    return erg_mul_scalar(erg_sum(erg_add(miss, erg_square(z)), ERG_AXES(1), 0), 0.5);
}

/* d/dw of 1/2 log(1 + w^2) + x^2 / 2 (1 + w^2), averaged over x = +-spread. */
static double latent_slope(double w, double spread) {
    double v = 1 + w * w;
    return w / v - spread * spread * w / (v * v);
}

static double latent_estimate(double w, double spread, double posterior_shift) {
    erg_graph *g = erg_graph_new(0);
    erg_node *weight = number_input(g, w);
    double v = 1 + w * w, m = posterior_shift * w * spread / v, s = sqrt(1 / v);
    erg_node *data = input_of(g, ERG_SHAPE(4, 1), (double[]){spread, spread, -spread, -spread});
    erg_node *z = input_of(g, ERG_SHAPE(4, 1), (double[]){m + s, m - s, -m + s, -m - s});
    erg_node *prior_z = input_of(g, ERG_SHAPE(4, 1), (double[]){1, 1, -1, -1});
    erg_node *x = input_of(g, ERG_SHAPE(4, 1), (double[]){w + 1, w - 1, -w + 1, -w - 1});
    erg_node *loss = erg_conditional_contrastive_divergence(
        (erg_pair_energy){latent, weight}, data, z, x, prior_z, (erg_contrastive_options){0});
    double slope = slope_of(loss, weight);
    erg_graph_free(g);
    return slope;
}

START_TEST(latent_gradient_is_the_likelihoods) {
    const double weights[] = {0.3, 1, 2.5};
    for (int k = 0; k < 3; k++) {
        double w = weights[k], expected = latent_slope(w, 2);
        ck_assert_double_eq_tol(latent_estimate(w, 2, 1), expected, 1e-13);
        ck_assert_double_gt(fabs(latent_estimate(w, 2, 0) - expected), 1e-2);
    }
    ck_assert_double_eq_tol(latent_estimate(sqrt(3), 2, 1), 0, 1e-13); /* 1 + w^2 = 2^2 */
}
END_TEST

/* Both chains by Langevin: z on E(x, .), and pairs on E, side by side. The gradient averaged over
 * chains and time, at the optimum and away from it, within the bias of the step. */
static double chain_slope(double w, double step) {
    enum { CHAINS = 200 };
    const int64_t burn = 400, runs = draws(4000, 400);
    erg_graph *g = erg_graph_new(91);
    erg_node *weight = number_input(g, w);
    erg_pair_energy energy = {latent, weight};
    erg_node *data = input_of(g, ERG_SHAPE(CHAINS, 1), NULL);
    for (int i = 0; i < CHAINS; i++)
        erg_tensor_set(erg_value(data), i, i % 2 ? 2 : -2);
    erg_node *z = erg_state(g, "z", ERG_FLOAT64, ERG_SHAPE(CHAINS, 1));
    erg_node *both = erg_state(g, "both", ERG_FLOAT64, ERG_SHAPE(CHAINS, 2));
    erg_langevin_options options = {.step_size = step};
    erg_node *loss = erg_conditional_contrastive_divergence(
        energy, data, z, erg_slice(both, 1, 0, 1, 1), erg_slice(both, 1, 1, 2, 1),
        (erg_contrastive_options){0});
    erg_node *outputs[] = {
        erg_gradient(loss, weight),
        erg_assign(z, erg_langevin(erg_energy_of_latent(g, energy, data), z, options)),
        erg_assign(both, erg_langevin(erg_energy_joint(g, energy, 1), both, options))};
    erg_plan *plan = erg_compile(outputs, 3);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    erg_run_n(plan, burn);
    double sum = 0;
    for (int64_t t = 0; t < runs; t++) {
        erg_run(plan);
        sum += erg_tensor_get(erg_output(plan, 0), 0) / (double)runs;
    }
    erg_plan_free(plan);
    erg_graph_free(g);
    return sum;
}

START_TEST(two_chains_find_the_latent_optimum) {
    double tolerance = getenv("ERG_TEST_FAST") ? 0.08 : 0.03;
    ck_assert_double_eq_tol(chain_slope(sqrt(3), 0.02), 0, tolerance);
    ck_assert_double_eq_tol(chain_slope(1, 0.02), latent_slope(1, 2), tolerance);
    ck_assert_double_lt(latent_slope(1, 2), -0.4);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("conditional");
    TCase *tests = tcase_create("conditional");
    tcase_add_loop_test(tests, labels_choose_the_energy, 0, COUNT(pair_losses));
    tcase_add_test(tests, latent_gradient_is_the_likelihoods);
    tcase_add_test(tests, two_chains_find_the_latent_optimum);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

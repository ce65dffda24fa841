/* test_reconstruction.c: descending a quadratic energy has a closed form; one step is denoising. */
#include "likelihood.h"

/* E = a |x|^2 / 2: k steps h leave (1 - h a)^k of x~, and the loss is
 * 1/2 mean |(1 - h a)^k x~ - x|^2. */
START_TEST(reconstruction_is_its_closed_form) {
    const double h = 0.3, a = 0.7;
    erg_graph *g = erg_graph_new(0);
    erg_node *param = number_param(g, "a", a), *step = number_input(g, h);
    erg_node *clean = normal_leaf(g, ERG_SHAPE(5, 2), 95);
    erg_node *corrupted = normal_leaf(g, ERG_SHAPE(5, 2), 96);
    erg_energy energy = {quadratic, param};
    const erg_tensor *x = erg_value(clean), *y = erg_value(corrupted);
    for (int k = 1; k < 5; k++) {
        erg_node *loss = erg_reconstruction_loss(
            energy, corrupted, clean,
            (erg_reconstruction_options){.steps = k, .step_size_node = step});
        double keep = pow(1 - h * a, k), by_a = -k * h * pow(1 - h * a, k - 1);
        double value = (keep * keep * dot(y, y) - 2 * keep * dot(x, y) + dot(x, x)) / 10;
        ck_assert_double_eq_tol(number_of(loss), value, 1e-13);
        ck_assert_double_eq_tol(slope_of(loss, param), by_a * (keep * dot(y, y) - dot(x, y)) / 5,
                                1e-13);
        ck_assert_double_eq_tol(slope_of(loss, step),
                                by_a * a / h * (keep * dot(y, y) - dot(x, y)) / 5, 1e-13);
    }
    erg_graph_free(g);
}
END_TEST

/* Only what is missing moves. */
START_TEST(known_parts_stay) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, 2), (double[]){1, 2, 3, 4});
    erg_node *missing = input_of(g, ERG_SHAPE(2, 2), (double[]){0, 1, 1, 0});
    erg_energy energy = {quadratic, erg_scalar(g, ERG_FLOAT64, 1)};
    double *y = elements_of(erg_reconstruct(
        energy, x, (erg_reconstruction_options){.steps = 2, .step_size = 0.5, .missing = missing}));
    const double expected[] = {1, 0.5, 0.75, 4};
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(y[i], expected[i], 1e-15);
    free(y);
    erg_graph_free(g);
}
END_TEST

/* One step of sigma^2 is denoising score matching, but for the factor sigma^4. */
START_TEST(one_step_is_denoising) {
    const double sigma = 0.6;
    erg_graph *g = erg_graph_new(0);
    erg_mlp *net =
        erg_mlp_new(g, "net", (int64_t[]){2, 5, 1}, 3, (erg_mlp_options){.dtype = ERG_FLOAT64});
    erg_energy energy = {bowl_energy, net};
    erg_node *data = normal_leaf(g, ERG_SHAPE(6, 2), 101),
             *n = normal_leaf(g, ERG_SHAPE(6, 2), 102);
    erg_node *noisy = erg_add(data, erg_mul_scalar(n, sigma));
    double step = sigma * sigma;
    double loss = number_of(erg_reconstruction_loss(
        energy, noisy, data, (erg_reconstruction_options){.step_size = step}));
    double denoising = number_of(erg_denoising_score_matching(
        energy, data, (erg_denoising_options){.sigma = sigma, .noise = n}));
    ck_assert_double_eq_tol(loss, step * step * denoising, 1e-13);
    ck_assert_double_gt(fabs(loss - step * denoising), 1e-3);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("reconstruction");
    TCase *tests = tcase_create("reconstruction");
    tcase_add_test(tests, reconstruction_is_its_closed_form);
    tcase_add_test(tests, known_parts_stay);
    tcase_add_test(tests, one_step_is_denoising);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

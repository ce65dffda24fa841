/* test_flow.c: likelihoods by the probability flow, on Gaussians blurred by noise. */
#include "modules.h"

/* N(0, A) blurred by sigma, A = R diag(a, b) R^T with R a rotation by 45 degrees. */
typedef struct blurred {
    double a, b;
} blurred;

static erg_node *blurred_energy(void *self, erg_node *x, erg_node *sigma) {
    const blurred *p = self;
    erg_node *x1 = erg_select(x, 1, 0), *x2 = erg_select(x, 1, 1), *square = erg_square(sigma);
    erg_node *u = erg_square(erg_add(x1, x2)), *v = erg_square(erg_sub(x1, x2));
    return erg_mul_scalar(
        erg_add(erg_div(u, erg_add_scalar(square, p->a)), erg_div(v, erg_add_scalar(square, p->b))),
        0.25);
}

static double blurred_log_p(blurred p, double sigma, double x, double y) {
    double a = p.a + sigma * sigma, b = p.b + sigma * sigma;
    double u = (x + y) * (x + y) / 2, v = (x - y) * (x - y) / 2;
    return -u / (2 * a) - v / (2 * b) - 0.5 * log(a * b) - log(2 * M_PI);
}

enum { POINTS = 1000 };

/* The mean error of log p over the points, and the largest. */
static double flow_error(blurred p, erg_flow_options options, double *largest) {
    erg_graph *g = erg_graph_new(7);
    erg_node *x = input_of(g, ERG_SHAPE(POINTS, 2), NULL);
    erg_random_normal(erg_value(x), (erg_random){.seed = 3});
    erg_tensor *at = erg_tensor_clone(erg_value(x));
    erg_flow *flow = erg_flow_new((erg_pair_energy){blurred_energy, &p}, x, options);
    ck_assert_msg(flow != NULL, "%s", erg_error_message());
    erg_tensor *log_p = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(POINTS));
    ck_assert_int_eq(erg_flow_run(flow, log_p), ERG_OK);
    double sum = 0;
    *largest = 0;
    for (int i = 0; i < POINTS; i++) {
        double known = blurred_log_p(p, options.sigma_min, erg_tensor_get(at, 2 * i),
                                     erg_tensor_get(at, 2 * i + 1));
        double error = erg_tensor_get(log_p, i) - known;
        sum += error / POINTS;
        *largest = fmax(*largest, fabs(error));
    }
    erg_tensor_free(at);
    erg_tensor_free(log_p);
    erg_flow_free(flow);
    erg_graph_free(g);
    return sum;
}

START_TEST(flow_finds_gaussian_likelihoods) {
    double largest, prior = sqrt(0.25 + 100), coarse;
    erg_flow_options o = {.sigma_min = 0.1, .sigma_max = 10, .prior = prior, .steps = 200};
    flow_error((blurred){0.25, 0.25}, o, &largest);
    ck_assert_double_le(largest, 1e-6);
    o.steps = 100; /* fourth order: half the steps, about 16 times the error */
    flow_error((blurred){0.25, 0.25}, o, &coarse);
    ck_assert(coarse > 10 * largest && coarse < 25 * largest);
    o = (erg_flow_options){.sigma_min = 0.1, .sigma_max = 1000, .steps = 300};
    flow_error((blurred){0.25, 2}, o, &largest);
    ck_assert_double_le(largest, 1e-4);
    o.prior = 1010; /* planted */
    flow_error((blurred){0.25, 2}, o, &largest);
    ck_assert_double_ge(largest, 1e-3);
}
END_TEST

/* Hutchinson's estimate has no bias, and many probes less variance. v^T H v is the trace plus
 * v_1 v_2 times the off-diagonal elements: the integral of these is (log(b' / a')) / 2 from end to end,
 * with either sign. */
START_TEST(flow_estimates_the_divergence) {
    double one, many;
    blurred p = {0.25, 2};
    erg_flow_options o = {.sigma_min = 0.1, .sigma_max = 1000, .steps = 200, .probes = 1};
    double error = flow_error(p, o, &one);
    double spread = 0.5 * log((2 + 0.01) / (0.25 + 0.01));
    ck_assert_double_eq_tol(one, spread, 1e-3);
    ck_assert_double_eq_tol(error, 0, CRITICAL_Z * spread / sqrt(POINTS));
    o.probes = 16;
    error = flow_error(p, o, &many);
    ck_assert_double_eq_tol(error, 0, CRITICAL_Z * spread / sqrt(16 * POINTS));
}
END_TEST

START_TEST(flow_refuses_misuse) {
    erg_graph *g = erg_graph_new(0);
    blurred p = {1, 1};
    const erg_pair_energy energy = {blurred_energy, &p};
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL), *flat = input_of(g, ERG_SHAPE(3), NULL);
    const erg_flow_options bad[] = {{.sigma_min = -1}, {.sigma_min = 2, .sigma_max = 1},
                                    {.prior = -1},     {.sigma_max = INFINITY},
                                    {.steps = -1},     {.probes = -1}};
    for (int i = 0; i < COUNT(bad); i++)
        REFUSES(g, "flow: ", erg_flow_new(energy, x, bad[i]));
    REFUSES(g, "flow: x is (3)", erg_flow_new(energy, flat, (erg_flow_options){0}));
    REFUSES(g, "no function", erg_flow_new((erg_pair_energy){0}, x, (erg_flow_options){0}));
    ck_assert_ptr_null(erg_flow_new(energy, NULL, (erg_flow_options){0}));
    erg_flow *flow = erg_flow_new(energy, x, (erg_flow_options){.steps = 2});
    FAILS("flow_run: log_p", erg_flow_run(flow, erg_value(x)));
    FAILS("no flow", erg_flow_run(NULL, erg_value(flat)));
    erg_flow_free(flow);
    erg_flow_free(NULL);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("flow");
    TCase *flow = tcase_create("flow");
    tcase_add_test(flow, flow_finds_gaussian_likelihoods);
    tcase_add_test(flow, flow_estimates_the_divergence);
    tcase_add_test(flow, flow_refuses_misuse);
    suite_add_tcase(suite, flow);
    return run_suite(suite);
}

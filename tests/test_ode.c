/* test_ode.c: equations solved for all chains at once, each with steps of its own, and the probability
 * flow of energies whose smoothed densities are known. */
#include "smooth.h"

/* ------------------------------------------------------------------------------- equations */

/* dx/dt = -rate_b x cos(t): x = x_0 exp(-rate_b sin t). self: the rates (B, 1). */
static erg_node *swing(void *self, erg_node *x, erg_node *t) {
    return erg_neg(erg_mul(erg_mul(self, erg_unsqueeze(erg_cos(t), 1)), x));
}

START_TEST(each_chain_keeps_its_tolerance) {
    const double rates[] = {0, 0.1, 1, 10}, tolerances[] = {1e-3, 1e-6, 1e-10};
    const double start[] = {1, -2, 3, 0.5, 1, 1, 2, -0.1};
    int64_t steps = 0;
    for (int k = 0; k < COUNT(tolerances); k++) {
        erg_graph *g = erg_graph_new(0);
        erg_node *x = input_of(g, ERG_SHAPE(4, 2), start);
        erg_ode *ode = erg_ode_new((erg_field){swing, input_of(g, ERG_SHAPE(4, 1), rates)}, x,
                                   (erg_ode_options){.tolerance = tolerances[k]});
        for (int back = 0; back < 2; back++) {
            ck_assert_int_eq(erg_ode_run(ode, back ? 2 : 0, back ? 0 : 2), ERG_OK);
            for (int i = 0; i < 8; i++) {
                double exact = start[i] * (back ? 1 : exp(-rates[i / 2] * sin(2)));
                double error = fabs(erg_tensor_get(erg_value(x), i) - exact);
                /* Back again what has shrunk by exp(-10 sin t) grows, and its errors with it. */
                double growth = back ? exp(rates[i / 2]) : 1;
                ck_assert_double_lt(error, 30 * tolerances[k] * growth);
            }
        }
        ck_assert_int_gt(erg_ode_steps(ode), steps); /* a better answer costs more */
        steps = erg_ode_steps(ode);
        ck_assert_int_eq(erg_ode_run(ode, 1, 1), ERG_OK);
        ck_assert_int_eq(erg_ode_steps(ode), 0);
        erg_ode_free(ode);
        erg_graph_free(g);
    }
    ck_assert_int_lt(steps, 1000);
}
END_TEST

/* Points of N(0, a^2 + s^2) move as its standard deviation, at whatever speed each chain takes. */
START_TEST(flow_of_a_gaussian_is_exact) {
    const double a = 0.7, high = 10, low = 0.01, at[] = {-12, -1, 0, 0.5, 3, 20};
    erg_graph *g = erg_graph_new(0);
    erg_pair_energy energy = {smooth_gaussian, (void *)&a};
    erg_node *x = input_of(g, ERG_SHAPE(6, 1), at);
    erg_ode *ode =
        erg_ode_new(erg_probability_flow(g, energy), x, (erg_ode_options){.tolerance = 1e-9});
    ck_assert_ptr_nonnull(ode);
    ck_assert_int_eq(erg_ode_run(ode, log(high), log(low)), ERG_OK);
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), i),
                                at[i] * hypot(a, low) / hypot(a, high), 1e-6);
    ck_assert_int_eq(erg_ode_run(ode, log(low), log(high)), ERG_OK);
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), i), at[i], 1e-6);
    erg_ode_free(ode);
    erg_graph_free(g);
}
END_TEST

/* In one dimension points cannot overtake each other: F_low(x(low)) = F_high(x(high)). Planted: the
 * sign of the flow. */
START_TEST(flow_of_a_mixture_is_its_quantiles) {
    const double high = 8, low = 0.05, at[] = {-20, -8, -3, -1, 0, 2, 5, 12};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(8, 1), at);
    erg_ode *ode = erg_ode_new(erg_probability_flow(g, (erg_pair_energy){smooth_mixture, NULL}), x,
                               (erg_ode_options){.tolerance = 1e-8});
    ck_assert_int_eq(erg_ode_run(ode, log(high), log(low)), ERG_OK);
    for (int i = 0; i < 8; i++)
        ck_assert_double_eq_tol(mixture_cdf_at(erg_tensor_get(erg_value(x), i), low),
                                mixture_cdf_at(at[i], high), 1e-6);
    erg_ode_free(ode);
    erg_graph_free(g);
}
END_TEST

/* dx/dt = x^2 from 1 is infinite at t = 1. */
static erg_node *blow_up(void *self, erg_node *x, erg_node *t) {
    (void)self;
    (void)t;
    return erg_square(x);
}

/* The square root of a negative number from t = 1 on. */
static erg_node *not_a_number(void *self, erg_node *x, erg_node *t) {
    (void)self;
    return erg_mul(x, erg_unsqueeze(erg_sqrt(erg_sub(erg_full_like(t, 1), t)), 1));
}

START_TEST(equations_that_cannot_be_solved_leave_x) {
    const erg_field fields[] = {{blow_up, NULL}, {not_a_number, NULL}};
    for (int i = 0; i < COUNT(fields); i++) {
        erg_graph *g = erg_graph_new(0);
        erg_node *x = input_of(g, ERG_SHAPE(2, 1), (double[]){1, -1});
        erg_ode *ode = erg_ode_new(fields[i], x, (erg_ode_options){.max_steps = 300});
        FAILS("are not at time 2 after 300 steps", erg_ode_run(ode, 0, 2));
        ck_assert_double_eq(erg_tensor_get(erg_value(x), 0), 1);
        ck_assert_double_eq(erg_tensor_get(erg_value(x), 1), -1);
        ck_assert_int_eq(erg_ode_run(ode, 0, 0.5), ERG_OK);
        ck_assert_double_ne(erg_tensor_get(erg_value(x), 0), 1);
        erg_ode_free(ode);
        erg_graph_free(g);
    }
}
END_TEST

/* dx/dt = -1000 x log x: log x decays as exp(-1000 t). The first step is so long that a logarithm
 * is of a negative number: it is tried again, shorter. */
static erg_node *steep(void *self, erg_node *x, erg_node *t) {
    (void)self;
    (void)t;
    return erg_mul_scalar(erg_mul(x, erg_log(x)), -1000);
}

START_TEST(steps_that_are_not_finite_are_tried_again) {
    const double to = 0.2, rest = exp(-1000 * 0.001);
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, 1), (double[]){10, 0.5});
    erg_ode *ode = erg_ode_new((erg_field){steep, NULL}, x, (erg_ode_options){.tolerance = 1e-8});
    ck_assert_int_eq(erg_ode_run(ode, 0, to), ERG_OK);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), 0), 1, 1e-6);
    erg_tensor_set(erg_value(x), 0, 10);
    erg_tensor_set(erg_value(x), 1, 0.5);
    ck_assert_int_eq(erg_ode_run(ode, 0.5, 0.501), ERG_OK);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), 0), pow(10, rest), 1e-6);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), 1), pow(0.5, rest), 1e-6);
    erg_ode_free(ode);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

static erg_node *of_another_shape(void *self, erg_node *x, erg_node *t) {
    (void)self;
    (void)x;
    return t;
}

START_TEST(equations_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL), *number = number_input(g, 0);
    const erg_field field = {blow_up, NULL};
    const erg_ode_options usual = {0};
    FAILS_NULL("needs a field", erg_ode_new((erg_field){0}, x, usual));
    FAILS_NULL("(B, ...)", erg_ode_new(field, number, usual));
    FAILS_NULL("value", erg_ode_new(field, NULL, usual));
    FAILS_NULL("value", erg_ode_new(field, erg_neg(x), usual));
    FAILS_NULL("tolerance -1", erg_ode_new(field, x, (erg_ode_options){.tolerance = -1}));
    FAILS_NULL("tolerance nan", erg_ode_new(field, x, (erg_ode_options){.tolerance = NAN}));
    FAILS_NULL("-3 steps", erg_ode_new(field, x, (erg_ode_options){.max_steps = -3}));
    REFUSES(g, "the field makes (3) of (3, 2)",
            erg_ode_new((erg_field){of_another_shape, NULL}, x, usual));
    erg_ode *ode = erg_ode_new(field, x, usual);
    FAILS("finite", erg_ode_run(ode, 0, NAN));
    FAILS("finite", erg_ode_run(ode, INFINITY, 0));
    FAILS("no equation", erg_ode_run(NULL, 0, 1));
    ck_assert_int_eq(erg_ode_steps(NULL), 0);
    erg_ode_free(ode);
    erg_ode_free(NULL);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ode");
    TCase *equations = tcase_create("equations");
    tcase_add_test(equations, each_chain_keeps_its_tolerance);
    tcase_add_test(equations, flow_of_a_gaussian_is_exact);
    tcase_add_test(equations, flow_of_a_mixture_is_its_quantiles);
    tcase_add_test(equations, steps_that_are_not_finite_are_tried_again);
    tcase_add_test(equations, equations_that_cannot_be_solved_leave_x);
    tcase_add_test(equations, equations_refuse_misuse);
    suite_add_tcase(suite, equations);
    return run_suite(suite);
}

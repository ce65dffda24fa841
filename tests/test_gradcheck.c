/* test_gradcheck.c: the gradient check finds derivatives that are wrong, at the order at which they
 * are, and says where. */
#include <stdlib.h>
#include <string.h>

#include "leaves.h"

/* x^order, but the derivative of that order is not its own: the Taylor polynomial around a copy of
 * x through which no derivative passes. Order 1 is flipped in sign, the others are 0. */
static erg_node *wrong_at_order(int order, erg_node *x) {
    erg_node *c = erg_stop_gradient(x), *d = erg_sub(x, c);
    if (order == 1)
        return erg_sub(erg_mul_scalar(erg_square(c), 2), erg_square(x));
    erg_node *y =
        erg_add(erg_pow_scalar(c, 4), erg_mul_scalar(erg_mul(erg_pow_scalar(c, 3), d), 4));
    if (order == 2)
        return y;
    return erg_add(y, erg_mul_scalar(erg_mul(erg_square(c), erg_square(d)), 6));
}

START_TEST(gradcheck_finds_the_wrong_order) {
    erg_node *x = erg_input(g, "angle", ERG_FLOAT64, ERG_SHAPE(3)), *other = VECTOR(7);
    for (int i = 0; i < 3; i++)
        erg_tensor_set(erg_value(x), i, 0.5 + 0.25 * i);
    erg_node *y = wrong_at_order(_i, x), *xs[] = {other, x};
    erg_gradcheck_result result;
    char part[64];
    for (int order = 1; order < _i; order++)
        ck_assert_int_eq(erg_gradcheck(y, xs, 2, (erg_gradcheck_options){.order = order}, NULL), 0);
    erg_gradcheck_options options = {.order = 3};
    ck_assert_int_eq(erg_gradcheck(y, xs, 2, options, &result), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(result.order, _i);
    ck_assert_int_eq(result.leaf, 1);
    ck_assert(result.element >= 0 && result.element < 3);
    ck_assert_double_gt(result.worst, 0.01);
    ck_assert_double_lt(result.error_estimate, 1e-6);
    ck_assert_msg(result.worst ==
                      fabs(result.analytic - result.numeric) / fmax(1, fabs(result.numeric)),
                  "%g", result.worst);
    if (_i == 1)
        ck_assert_double_lt(fabs(result.analytic + result.numeric), 1e-8);
    snprintf(part, sizeof part, "order %d, x number 1 \"angle\", element %d: derivative ", _i,
             (int)result.element);
    ck_assert_msg(strstr(result.message, part) != NULL, "%s", result.message);
    snprintf(part, sizeof part, "derivative %.12g", result.analytic);
    ck_assert_msg(strstr(result.message, part) != NULL, "%s", result.message);
    snprintf(part, sizeof part, "difference %.12g", result.numeric);
    ck_assert_msg(strstr(result.message, part) != NULL, "%s", result.message);
    ck_assert_str_eq(result.message, erg_error_message());
}
END_TEST

/* x^4 with a first derivative 2 % off and no second one. */
START_TEST(gradcheck_stops_at_the_first_wrong_order) {
    erg_node *x = VECTOR(1, 2), *c = erg_stop_gradient(x), *slope = erg_pow_scalar(c, 3);
    erg_node *y = erg_mul(erg_mul_scalar(slope, 4.08), erg_sub(x, c));
    erg_gradcheck_result result;
    y = erg_add(erg_pow_scalar(c, 4), y);
    ck_assert_int_eq(erg_gradcheck(y, &x, 1, (erg_gradcheck_options){.order = 3}, &result),
                     ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(result.order, 1);
    ck_assert_double_lt(result.worst, 0.03);
}
END_TEST

START_TEST(gradcheck_accepts_and_restores) {
    erg_node *x = random_leaf(ERG_SHAPE(5), 1), *y = erg_mul(erg_exp(x), erg_sin(x));
    erg_tensor *before = erg_tensor_clone(erg_value(x));
    erg_gradcheck_result result;
    erg_graph_set_runs(g, 9);
    ck_assert_int_eq(erg_gradcheck(y, &x, 1, (erg_gradcheck_options){.order = 3}, &result), ERG_OK);
    ck_assert(result.worst > 0 && result.worst <= 1e-8);
    ck_assert(result.element >= 0 && result.order >= 1);
    ck_assert_ptr_nonnull(strstr(result.message, "agree to"));
    ck_assert_mem_eq(erg_value(x)->data, before->data, 5 * sizeof(double));
    ck_assert_uint_eq(erg_graph_runs(g), 9);
    erg_gradcheck_options strict = {.tolerance = 1e-18, .step = 0.1};
    ck_assert_int_eq(erg_gradcheck(y, &x, 1, strict, &result), ERG_ERROR_ARGUMENT);
    ck_assert_double_gt(result.error_estimate, 0);
    ck_assert_mem_eq(erg_value(x)->data, before->data, 5 * sizeof(double));
    erg_tensor_free(before);
}
END_TEST

/* sqrt(x^2) at 0: the difference is 0, the chain rule says 0 times infinity. */
START_TEST(gradcheck_reports_nan) {
    erg_node *x = VECTOR(1, 0, 2), *y = erg_sqrt(erg_square(x)), *log = erg_log(VECTOR(-1));
    erg_gradcheck_result result;
    ck_assert_int_eq(erg_gradcheck(y, &x, 1, (erg_gradcheck_options){0}, &result),
                     ERG_ERROR_ARGUMENT);
    ck_assert(isnan(result.worst) && isnan(result.analytic) && result.element == 1);
    ck_assert_ptr_nonnull(strstr(result.message, "nan"));
    ck_assert_int_eq(erg_gradcheck(erg_add(log, x), &x, 1, (erg_gradcheck_options){0}, &result),
                     ERG_ERROR_ARGUMENT);
    ck_assert(isnan(result.numeric));
}
END_TEST

START_TEST(gradcheck_has_nothing_to_say_of_nothing) {
    erg_node *x = erg_input(g, NULL, ERG_FLOAT64, ERG_SHAPE(0)), *y = erg_exp(x);
    erg_gradcheck_result result;
    ck_assert_int_eq(erg_gradcheck(y, &x, 1, (erg_gradcheck_options){.order = 3}, &result), ERG_OK);
    ck_assert(result.element == -1 && result.worst == 0);
    ck_assert_int_eq(erg_gradcheck(y, NULL, 0, (erg_gradcheck_options){0}, &result), ERG_OK);
    ck_assert(result.element == -1 && result.worst == 0);
}
END_TEST

static void refuse(erg_node *y, erg_node *x, erg_gradcheck_options options, const char *message) {
    erg_gradcheck_result result;
    ck_assert_int_eq(erg_gradcheck(y, &x, 1, options, &result), ERG_ERROR_ARGUMENT);
    ck_assert_str_eq(result.message, message);
    ck_assert_msg(!erg_graph_error(g), "%s", erg_graph_error(g));
    ck_assert_int_eq(erg_gradcheck(y, &x, 1, options, NULL), ERG_ERROR_ARGUMENT);
}

START_TEST(gradcheck_refuses_wrong_calls) {
    const erg_gradcheck_options plain = {0};
    erg_node *x = VECTOR(1, 2), *y = erg_exp(x);
    erg_node *single = erg_input(g, NULL, ERG_FLOAT32, ERG_SCALAR);
    erg_graph *other = erg_graph_new(2);
    refuse(NULL, x, plain, "gradcheck: no y");
    refuse(y, NULL, plain, "gradcheck: x number 0 is NULL");
    refuse(y, y, plain, "gradcheck: x number 0 is of exp, must be an input, a param or a state");
    refuse(y, single, plain, "gradcheck: x number 0 is float32, must be float64");
    refuse(single, x, plain, "gradcheck: y is float32, must be float64");
    refuse(y, erg_input(other, NULL, ERG_FLOAT64, ERG_SCALAR), plain,
           "gradcheck: x is of another graph than y");
    refuse(erg_mul(y, erg_normal(g, ERG_FLOAT64, ERG_SHAPE(2))), x, plain,
           "gradcheck: y depends on a random node");
    refuse(erg_take(x, erg_argmax(x, 0), 0), x, plain,
           "argmax: has no derivative (erg_stop_gradient leaves it out)");
    refuse(y, x, (erg_gradcheck_options){.order = 4}, "gradcheck: order 4, must be 1 to 3");
    refuse(y, x, (erg_gradcheck_options){.order = -1}, "gradcheck: order -1, must be 1 to 3");
    refuse(y, x, (erg_gradcheck_options){.step = -1},
           "gradcheck: step -1 and tolerance 1e-08, must be positive");
    refuse(y, x, (erg_gradcheck_options){.tolerance = NAN},
           "gradcheck: step 0.001 and tolerance nan, must be positive");
    ck_assert_int_eq(erg_gradcheck(y, &x, -1, plain, NULL), ERG_ERROR_ARGUMENT);
    ck_assert_ptr_null(erg_add(x, NULL));
    ck_assert_int_eq(erg_gradcheck(y, &x, 1, plain, NULL), ERG_ERROR_GRAPH);
    ck_assert_str_eq(erg_error_message(), "add: operand 2 is NULL");
    erg_graph_free(other);
}
END_TEST

/* ------------------------------------------------------------------------------- suite */

static Suite *gradcheck_suite(void) {
    Suite *suite = suite_create("gradcheck");
    TCase *gradcheck = tcase_create("gradcheck");
    tcase_add_checked_fixture(gradcheck, setup, teardown);
    suite_add_tcase(suite, gradcheck);
    tcase_add_loop_test(gradcheck, gradcheck_finds_the_wrong_order, 1, 4);
    tcase_add_test(gradcheck, gradcheck_stops_at_the_first_wrong_order);
    tcase_add_test(gradcheck, gradcheck_accepts_and_restores);
    tcase_add_test(gradcheck, gradcheck_reports_nan);
    tcase_add_test(gradcheck, gradcheck_has_nothing_to_say_of_nothing);
    tcase_add_test(gradcheck, gradcheck_refuses_wrong_calls);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(gradcheck_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

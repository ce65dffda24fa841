/* test_dropout.c: dropout: what is kept is scaled, how much is kept, masks of their own for each
 * node and run, and evaluation. */
#include "modules.h"
#include "plan_tools.h"

enum { DROPPED = 4000 };

START_TEST(dropout_drops_and_scales) {
    const double rates[] = {0.1, 0.5, 0.8};
    erg_graph *g = erg_graph_new(3);
    double rate = rates[_i];
    erg_node *x = erg_full(g, ERG_FLOAT64, ERG_SHAPE(DROPPED), 3);
    erg_node *given = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(DROPPED));
    erg_node *training = number_input(g, 1), *y = erg_dropout(given, rate, training);
    erg_node *outputs[] = {y, erg_gradient(y, given), erg_dropout(x, rate, NULL)};
    erg_tensor_fill(erg_value(given), 3);
    erg_plan *plan = erg_compile(outputs, 3);
    erg_run(plan);
    int kept[2] = {0}, both = 0;
    for (int i = 0; i < DROPPED; i++) {
        double value = erg_tensor_get(erg_output(plan, 0), i);
        double other = erg_tensor_get(erg_output(plan, 2), i);
        ck_assert(value == 0 || fabs(value - 3 / (1 - rate)) < 1e-12);
        ck_assert_double_eq_tol(erg_tensor_get(erg_output(plan, 1), i), value / 3, 1e-12);
        kept[0] += value != 0;
        kept[1] += other != 0;
        both += value != 0 && other != 0;
    }
    double p = 1 - rate, spread = sqrt(DROPPED * p * rate);
    for (int k = 0; k < 2; k++)
        ck_assert_double_lt(fabs(kept[k] - DROPPED * p), CRITICAL_Z * spread);
    /* Two masks are independent, and each run has its own. */
    ck_assert_double_lt(fabs(both - DROPPED * p * p),
                        CRITICAL_Z * sqrt(DROPPED * p * p * (1 - p * p)));
    erg_tensor *before = erg_tensor_clone(erg_output(plan, 0));
    erg_run(plan);
    ck_assert_double_gt(distance(erg_output(plan, 0), before), 0.1);
    /* Evaluation: x, to the bit. */
    erg_tensor_fill(erg_value(training), 0);
    erg_run(plan);
    for (int i = 0; i < DROPPED; i++) {
        ck_assert_double_eq(erg_tensor_get(erg_output(plan, 0), i), 3);
        ck_assert_double_eq(erg_tensor_get(erg_output(plan, 1), i), 1);
    }
    ck_assert_ptr_eq(erg_dropout(given, 0, NULL), given);
    erg_tensor_free(before);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("dropout");
    TCase *single = tcase_create("dropout");
    tcase_add_loop_test(single, dropout_drops_and_scales, 0, 3);
    suite_add_tcase(suite, single);
    return run_suite(suite);
}

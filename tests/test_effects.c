/* test_effects.c: effects on a condition, and where a value that is not finite comes from. */
#include <stdio.h>

#include "modules.h"

#define F64 ERG_FLOAT64

/* ------------------------------------------------------------------------------- on a condition */

static void set(erg_node *leaf, double value) {
    erg_tensor_fill(erg_value(leaf), value);
}

static double get(erg_node *leaf) {
    return erg_tensor_get(erg_value(leaf), 0);
}

/* Leaves of every kind and dtype, in nested groups, in one plan. */
START_TEST(effects_on_a_condition) {
    static const double conditions[] = {1, 0, -2, NAN, 1e-300};
    erg_graph *g = erg_graph_new(1);
    erg_node *on = erg_input(g, "on", F64, ERG_SCALAR);
    erg_node *a = erg_param(g, "a", ERG_FLOAT32, ERG_SHAPE(2, 3));
    erg_node *b = erg_state(g, "b", F64, ERG_SCALAR);
    erg_node *c = erg_input(g, "c", ERG_INT32, ERG_SHAPE(2));
    erg_node *count = erg_cast(erg_add_scalar(erg_cast(c, F64), 1), ERG_INT32);
    erg_node *inner[] = {erg_assign(b, erg_log(b)), erg_assign(c, count), erg_exp(b)};
    erg_node *outer[] = {erg_assign(a, erg_add_scalar(a, 1)), erg_group(inner, 3)};
    erg_node *effects = erg_assign_if(on, erg_group(outer, 2));
    erg_plan *plan = erg_compile(&effects, 1);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    for (int i = 0; i < COUNT(conditions); i++) {
        bool happens = conditions[i] != 0;
        set(on, conditions[i]);
        set(a, 5);
        set(b, -1); /* the logarithm is NaN: no trace of it may stay */
        set(c, INT32_MAX - 1);
        erg_run(plan);
        ck_assert_double_eq(get(a), happens ? 6 : 5);
        ck_assert_double_eq(get(c), happens ? INT32_MAX : INT32_MAX - 1);
        ck_assert(happens ? isnan(get(b)) : get(b) == -1);
    }
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* erg_after sees what would be stored. */
START_TEST(after_a_condition) {
    erg_graph *g = erg_graph_new(1);
    erg_node *a = erg_param(g, "a", F64, ERG_SCALAR);
    erg_node *off = erg_scalar(g, F64, 0);
    set(a, 3);
    erg_node *effects = erg_assign_if(off, erg_assign(a, erg_square(a)));
    erg_tensor *after = erg_evaluate(erg_after(effects, a));
    ck_assert_double_eq(erg_tensor_get(after, 0), 3);
    erg_tensor_free(after);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- not finite */

typedef struct model {
    erg_graph *g;
    erg_node *x, *masked, *root, *quotient, *sum;
} model;

/* sum = x / root(y) + masked, where an infinite arm of `masked` is not taken. */
static model build(erg_dtype dtype) {
    model m = {.g = erg_graph_new(1)};
    m.x = erg_input(m.g, "x", dtype, ERG_SHAPE(3));
    erg_node *zero = erg_full_like(m.x, 0), *infinite = erg_log(zero);
    m.masked = erg_where(erg_full_like(m.x, 1), m.x, infinite);
    erg_scope_push(m.g, "inner");
    m.root = erg_sqrt(erg_add_scalar(m.x, 1));
    erg_scope_pop(m.g);
    m.quotient = erg_name(erg_div(m.x, m.root), "quotient");
    m.sum = erg_sum(erg_add(m.quotient, m.masked), ERG_ALL, 0);
    return m;
}

static erg_node *find(erg_node *const *outputs, int count) {
    erg_node *found = outputs[0];
    ck_assert_int_eq(erg_find_not_finite(outputs, count, &found), ERG_OK);
    return found;
}

START_TEST(first_not_finite_is_found) {
    char text[ERG_NODE_TEXT];
    model m = build(_i ? F64 : ERG_FLOAT32);
    erg_node *stored = erg_state(m.g, "stored", erg_node_dtype(m.sum), ERG_SCALAR);
    erg_node *effect = erg_assign(stored, m.sum), *group = erg_group(&effect, 1);
    set(m.x, 1);
    ck_assert_ptr_null(find(&m.sum, 1)); /* the infinity that is masked is not to blame */
    set(m.x, -1);                        /* 1 / 0 */
    ck_assert_ptr_eq(find(&m.sum, 1), m.quotient);
    ck_assert_ptr_null(find(&m.masked, 1));
    set(m.x, -2); /* the root of -1 */
    ck_assert_ptr_eq(find(&m.sum, 1), m.root);
    ck_assert_ptr_eq(find((erg_node *[]){m.masked, m.sum}, 2), m.root);
    ck_assert_ptr_eq(find(&group, 1), m.root);
    ck_assert_double_eq(get(stored), 0); /* nothing is assigned */
    snprintf(text, sizeof text, "sqrt %s (3) at inner", _i ? "float64" : "float32");
    char named[ERG_NODE_TEXT];
    ck_assert_str_eq(erg_node_text(m.root, named), text);
    erg_tensor_set(erg_value(m.x), 2, INFINITY);
    ck_assert_ptr_eq(find(&m.sum, 1), m.x); /* a leaf comes before all */
    ck_assert_ptr_eq(find(&m.x, 1), m.x);
    erg_graph_free(m.g);
}
END_TEST

/* Random nodes draw what the next run draws, which they then still do. */
START_TEST(random_numbers_are_those_of_the_next_run) {
    erg_graph *g = erg_graph_new(1);
    erg_node *u = erg_uniform(g, F64, ERG_SCALAR);
    erg_node *y = erg_log(erg_add_scalar(u, -0.5));
    erg_plan *plan = erg_compile(&y, 1);
    int bad = 0;
    for (int i = 0; i < 64; i++) {
        erg_node *found = find(&y, 1);
        erg_run(plan);
        bool finite = erg_tensor_all_finite(erg_output(plan, 0));
        ck_assert_ptr_eq(found, finite ? NULL : y);
        bad += !finite;
    }
    ck_assert_int_gt(bad, 16);
    ck_assert_int_lt(bad, 48);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("effects");
    TCase *tests = tcase_create("effects");
    tcase_add_test(tests, effects_on_a_condition);
    tcase_add_test(tests, after_a_condition);
    tcase_add_loop_test(tests, first_not_finite_is_found, 0, 2);
    tcase_add_test(tests, random_numbers_are_those_of_the_next_run);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* test_simplify.c: each rewrite rule of the compiler applies where it should, and the result is
 * right for every number there is: infinities, NaN, zeros of both signs, the largest and the
 * smallest. */
#include <float.h>

#include "plan_tools.h"

enum { N = 9 };

static erg_node *number(erg_node *x, double c) {
    return erg_full_like(x, c);
}

static erg_node *column(erg_node *x) {
    return erg_slice(x, 1, 0, 1, 1);
}

/* Finite, whatever x is: products of others overflow or not, depending on the order. */
static erg_node *mask(erg_node *x) {
    return erg_less(x, number(x, 1.5));
}

static erg_node *first_row(erg_node *x) {
    return ERG_RESHAPE(erg_slice(x, 0, 0, 1, 1), 1, N, 1);
}

static erg_node *wide(erg_node *x) {
    return erg_broadcast(x, ERG_SHAPE(N, N, 4));
}

static erg_node *constant_matrix(erg_node *x) {
    erg_node *row = erg_arange(erg_node_graph(x), F64, N);
    return erg_add(erg_unsqueeze(row, 1), row);
}

static erg_node *skew_matrix(erg_node *x) {
    erg_node *row = erg_arange(erg_node_graph(x), F64, N);
    return erg_sub(erg_unsqueeze(row, 1), row);
}

static erg_node *sine_and_transposed(erg_node *x, erg_node *a) {
    return erg_add(erg_sin(erg_matmul(x, a)), erg_matmul_transposed(x, 0, a, 1));
}

/* Expressions in x and y (9, 9), and how many steps a run takes for them. */
#define RULE(name, steps, expression)                                                              \
    static erg_node *rule_##name(erg_node *x, erg_node *y) {                                       \
        (void)x, (void)y;                                                                          \
        return expression;                                                                         \
    }
#define RULES                                                                                      \
    RULE(add_zero, 1, erg_add_scalar(erg_sin(x), 0))                                               \
    RULE(add_to_zero, 1, erg_add(number(x, 0), erg_sin(x)))                                        \
    RULE(add_negated, 1, erg_add(x, erg_neg(y)))                                                   \
    RULE(negated_added, 1, erg_add(erg_neg(x), y))                                                 \
    RULE(subtract_zero, 1, erg_sub(erg_sin(x), number(x, 0)))                                      \
    RULE(subtract_from_zero, 1, erg_sub(number(x, 0), x))                                          \
    RULE(subtract_negated, 1, erg_sub(x, erg_neg(y)))                                              \
    RULE(negate_twice, 1, erg_neg(erg_neg(erg_sin(x))))                                            \
    RULE(negate_difference, 1, erg_neg(erg_sub(x, y)))                                             \
    RULE(magnitude, 1, erg_abs(erg_neg(erg_abs(x))))                                               \
    RULE(multiply_by_one, 1, erg_mul_scalar(erg_sin(x), 1))                                        \
    RULE(multiply_by_minus_one, 1, erg_mul_scalar(x, -1))                                          \
    RULE(multiply_negated, 1, erg_mul(erg_neg(x), erg_neg(y)))                                     \
    RULE(multiply_negated_by_number, 1, erg_mul_scalar(erg_neg(x), 3))                             \
    RULE(multiply_by_zero, 1, erg_mul_scalar(x, 0))                                                \
    RULE(multiply_mask_by_zero, 0, erg_mul_scalar(erg_less(x, y), 0))                              \
    RULE(subtract_itself, 1, erg_sub(x, x))                                                        \
    RULE(divide_by_one, 1, erg_div(erg_sin(x), number(x, 1)))                                      \
    RULE(divide_by_minus_one, 1, erg_div(x, number(x, -1)))                                        \
    RULE(divide_negated, 1, erg_div(erg_neg(x), erg_neg(y)))                                       \
    RULE(divide_by_power_of_two, 1, erg_div(x, number(x, -0x1p-900)))                              \
    RULE(divide_by_tiny_power_of_two, 1, erg_div(x, number(x, 0x1p-1040)))                         \
    RULE(divide_by_number, 1, erg_div(x, number(x, 3)))                                            \
    RULE(power_zero, 0, erg_pow_scalar(x, 0))                                                      \
    RULE(power_one, 1, erg_pow_scalar(erg_sin(x), 1))                                              \
    RULE(power_two, 1, erg_pow_scalar(x, 2))                                                       \
    RULE(power_three, 2, erg_pow_scalar(x, 3))                                                     \
    RULE(power_minus_one, 1, erg_pow_scalar(x, -1))                                                \
    RULE(power_half, 1, erg_pow_scalar(x, 0.5))                                                    \
    RULE(select_known, 1, erg_where(number(x, NAN), erg_sin(x), erg_cos(x)))                       \
    RULE(select_known_other, 1, erg_where(number(x, 0), erg_sin(x), erg_cos(x)))                   \
    RULE(select_same, 1, erg_where(x, y, y))                                                       \
    RULE(select_by_inverted, 1, erg_where(erg_logical_not(x), y, number(x, 7)))                    \
    RULE(select_one_or_zero, 1, erg_where(erg_less(x, y), number(x, 1), number(x, 0)))             \
    RULE(invert_twice, 1, erg_logical_not(erg_logical_not(erg_less(x, y))))                        \
    RULE(invert_number_twice, 2, erg_logical_not(erg_logical_not(x)))                              \
    RULE(maximum_of_same, 1, erg_maximum(x, x))                                                    \
    RULE(cast_to_same, 1, erg_cast(erg_sin(x), F64))                                               \
    RULE(cast_through_float64, 1, erg_cast(erg_cast(erg_cast(x, F32), F64), F32))                  \
    RULE(cast_through_float32, 2, erg_cast(erg_cast(x, F32), F64))                                 \
    RULE(stop_gradient, 1, erg_stop_gradient(erg_sin(x)))                                          \
    RULE(numbers, 0, erg_tanh(erg_mul_scalar(number(x, 2), 3)))                                    \
    RULE(small_constants, 0, erg_matmul(constant_matrix(x), erg_sin(constant_matrix(x))))          \
    RULE(uniform_constant, 1, erg_add(x, erg_mul_scalar(constant_matrix(x), 0)))                   \
    RULE(no_elements, 0, erg_sin(erg_slice(x, 0, 3, 3, 1)))                                        \
    RULE(moved_number, 0, erg_transpose(ERG_RESHAPE(number(x, 3), 3, -1)))                         \
    RULE(padded_zero, 0, erg_pad(number(x, 0), 0, 1, 2, 3))                                        \
    RULE(joined_numbers, 0, erg_concat((erg_node *[]){number(x, 5), number(x, 5)}, 2, 0))          \
    RULE(summed_number, 0, erg_sum(number(x, 5), ERG_ALL, 0))                                      \
    RULE(place_of_number, 0, erg_argmax(number(x, 5), 0))                                          \
    RULE(reshape_twice, 1, ERG_RESHAPE(ERG_RESHAPE(erg_sin(x), 3, 27), 81))                        \
    RULE(permute_twice, 1, erg_transpose(erg_transpose(erg_sin(x))))                               \
    RULE(permute_one, 1, erg_transpose(erg_unsqueeze(erg_sum(x, ERG_AXES(0), 0), 0)))              \
    RULE(broadcast_twice, 2, wide(erg_broadcast(first_row(x), ERG_SHAPE(N, N, 1))))                \
    RULE(slice_of_all, 1, erg_slice(erg_sin(x), 0, 0, N, 1))                                       \
    RULE(slice_twice, 1, erg_slice(erg_slice(x, 0, 1, 8, 2), 0, 3, 0, -2))                         \
    RULE(slice_of_stretched, 2, erg_slice(wide(erg_unsqueeze(x, 2)), 0, 2, 5, 1))                  \
    RULE(slice_of_stretched_axis, 1, erg_slice(wide(erg_unsqueeze(x, 2)), 2, 2, 3, 1))             \
    RULE(pad_with_nothing, 1, erg_pad(erg_sin(x), 0, 0, 0, 0))                                     \
    RULE(concat_of_one, 1, erg_concat((erg_node *[]){erg_sin(x)}, 1, 0))                           \
    RULE(reduce_one, 1, erg_sum(erg_max(column(x), ERG_AXES(1), 1), ERG_AXES(1), 0))               \
    RULE(running_sum_of_one, 1, erg_cumsum(column(x), 1))                                          \
    RULE(sum_of_stretched, 1, erg_sum(wide(erg_unsqueeze(x, 2)), ERG_AXES(2), 0))                  \
    RULE(sum_of_partly_stretched, 2, erg_sum(wide(erg_unsqueeze(x, 2)), ERG_ALL, 0))               \
    RULE(max_of_stretched, 1, erg_max(wide(erg_unsqueeze(x, 2)), ERG_ALL, 0))                      \
    RULE(stretch_later, 2, erg_sin(wide(erg_unsqueeze(x, 2))))                                     \
    RULE(stretched_number, 2, erg_add(x, erg_sum(y, ERG_ALL, 0)))                                  \
    RULE(transposed_operand, 2, erg_matmul(erg_transpose(mask(x)), mask(x)))                       \
    RULE(symmetric_operand, 4, sine_and_transposed(mask(x), constant_matrix(x)))                   \
    RULE(skew_operand, 5, sine_and_transposed(mask(x), skew_matrix(x)))                            \
    RULE(transposed_product, 2, erg_transpose(erg_matmul(mask(x), erg_transpose(mask(x)))))        \
    RULE(product_of_nothing, 0, erg_matmul(erg_slice(x, 1, 0, 0, 1), erg_slice(y, 0, 0, 0, 1)))
RULES
#undef RULE

static const struct rule {
    const char *name;
    int steps;
    erg_node *(*build)(erg_node *x, erg_node *y);
} rules[] = {
#define RULE(name, steps, expression) {#name, steps, rule_##name},
    RULES
#undef RULE
};

/* Rules must hold for these too. */
static const double special[] = {0,        -0.0,    NAN,       INFINITY, -INFINITY, DBL_MAX,
                                 -DBL_MAX, DBL_MIN, 0x1p-1070, 1,        -1,        2,
                                 0.5,      -3,      1e-160,    1e103,    1e160,     -0x1p-1060};

static void fill(erg_node *x, erg_node *y, bool with_special) {
    for (int i = 0; i < N * N; i++) {
        int j = i + i / COUNT(special);
        erg_tensor_set(erg_value(x), i, with_special ? special[i % COUNT(special)] : 2 + sin(i));
        erg_tensor_set(erg_value(y), i, with_special ? special[j % COUNT(special)] : cos(i));
    }
}

static void compare(const char *name, const erg_tensor *a, const erg_tensor *b) {
    for (int64_t i = 0; i < erg_tensor_size(a); i++) {
        double x = erg_tensor_get(a, i), y = erg_tensor_get(b, i);
        ck_assert_msg(x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= 1e-14 * fabs(y),
                      "%s: element %lld is %g, not %g", name, (long long)i, x, y);
    }
}

START_TEST(rules_apply_and_hold) {
    const struct rule *rule = &rules[_i];
    erg_graph *g = erg_graph_new(1);
    erg_node *x = erg_input(g, "x", F64, ERG_SHAPE(N, N));
    erg_node *y = erg_input(g, "y", F64, ERG_SHAPE(N, N));
    erg_node *node = rule->build(x, y);
    ck_assert_msg(node != NULL, "%s: %s", rule->name, erg_graph_error(g));
    erg_plan *plan = compile_with("verify,no-chains", &node, 1);
    erg_plan *reference = compile_with("reference", &node, 1);
    ck_assert_msg(erg_plan_steps(plan) == rule->steps, "%s: %d steps, not %d", rule->name,
                  erg_plan_steps(plan), rule->steps);
    for (int with_special = 0; with_special < 2; with_special++) {
        fill(x, y, with_special);
        erg_run(plan);
        erg_run(reference);
        compare(rule->name, erg_output(plan, 0), erg_output(reference, 0));
    }
    erg_plan_free(plan);
    erg_plan_free(reference);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("simplify");
    TCase *rules_case = tcase_create("rules");
    tcase_add_loop_test(rules_case, rules_apply_and_hold, 0, COUNT(rules));
    suite_add_tcase(suite, rules_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

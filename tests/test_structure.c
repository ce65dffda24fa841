/* test_structure.c: products with rows or columns that are alike or zero do only what is needed. */
#include "compiler_graph.h"

enum { N = 20 };

static erg_node *first_column(erg_node *x) {
    return erg_slice(x, 1, 0, 1, 1);
}

/* Row 0 for all rows, and column 0 for all columns. */
static erg_node *equal_rows(erg_node *x) {
    return erg_broadcast(erg_slice(x, 0, 0, 1, 1), ERG_SHAPE(N, N));
}

static erg_node *equal_columns(erg_node *x) {
    return erg_broadcast(first_column(x), ERG_SHAPE(N, N));
}

/* This many rows, or columns, of x between zeros. */
static erg_node *zeros_around(erg_node *x, int axis, int size) {
    return erg_pad(erg_slice(x, axis, 0, size, 1), axis, 2, N - 2 - size, 0);
}

static erg_node *zeros_between(erg_node *x, int axis) {
    return erg_pad(erg_slice(x, axis, 0, 7, 1), axis, 1, 0, 2);
}

/* Column 4 is 1, for all rows of a batch: a coordinate. A constant of zeros but for rows 3 and 4. */
static erg_node *direction(void) {
    erg_node *one = erg_full(g, F64, ERG_SHAPE(1, 1), 1);
    return erg_broadcast(erg_pad(one, 1, 4, N - 5, 0), ERG_SHAPE(N, N));
}

static erg_node *two_rows(void) {
    erg_node *row = erg_arange(g, F64, N);
    erg_node *both = erg_concat((erg_node *[]){row, erg_square(row)}, 2, 0);
    return erg_pad(ERG_RESHAPE(both, 2, N), 0, 3, N - 5, 0);
}

/* (20, 0) (0, 20): a sum of no terms is 0, also of infinities. */
static erg_node *no_terms(erg_node *y) {
    erg_tensor *nothing = erg_tensor_new(F64, ERG_SHAPE(N, 0));
    erg_node *constant = erg_constant(g, nothing), *rows = erg_slice(y, 0, 0, 0, 1);
    erg_tensor_free(nothing);
    return erg_add(erg_matmul(constant, rows),
                   erg_matmul(erg_full(g, F64, ERG_SHAPE(N, 0), INFINITY), rows));
}

static erg_node *turned(erg_node *a, erg_node *b) {
    return erg_matmul_transposed(a, 1, b, 1);
}

static erg_node *part(erg_node *x, int axis) {
    return erg_slice(x, axis, 7, 1, -5);
}

static erg_node *part_and_whole(erg_node *x) {
    return erg_add(part(x, 0), erg_sum(x, ERG_AXES(0), 1));
}

/* Expressions in x and y (20, 20), and how many multiplications their products take: 8000 of
 * whole matrices, 400 of a row, 800 of two. */
#define CASES                                                                                      \
    CASE(equal_rows, 400, erg_matmul(equal_rows(x), y))                                            \
    CASE(equal_columns, 400, erg_matmul(y, equal_columns(x)))                                      \
    CASE(equal_rows_turned, 400, turned(y, equal_rows(x)))                                         \
    CASE(equal_columns_turned, 400, turned(equal_columns(x), y))                                   \
    CASE(with_equal_rows, 0, erg_matmul(y, equal_rows(x)))                                         \
    CASE(with_equal_columns, 0, erg_matmul(equal_columns(x), y))                                   \
    CASE(with_equal_rows_turned, 0, turned(equal_rows(x), y))                                      \
    CASE(with_number, 0, erg_matmul(y, erg_full_like(x, 3)))                                       \
    CASE(padded_rows, 800, erg_matmul(zeros_around(x, 0, 2), y))                                   \
    CASE(padded_columns, 800, erg_matmul(y, zeros_around(x, 1, 2)))                                \
    CASE(with_padded_rows, 800, erg_matmul(y, zeros_around(x, 0, 2)))                              \
    CASE(with_padded_columns, 800, erg_matmul(zeros_around(x, 1, 2), y))                           \
    CASE(padded_turned, 800, turned(zeros_around(x, 1, 2), y))                                     \
    CASE(with_padded_turned, 800, turned(zeros_around(x, 0, 2), y))                                \
    CASE(both_padded, 80, erg_matmul(zeros_around(x, 0, 2), zeros_around(y, 0, 2)))                \
    CASE(narrow_margins, 8000, erg_matmul(zeros_around(x, 0, 12), y))                              \
    CASE(zeros_between, 8000, erg_matmul(zeros_between(x, 0), y))                                  \
    CASE(constant_rows, 800, erg_matmul(two_rows(), y))                                            \
    CASE(with_constant_rows, 800, erg_matmul(y, two_rows()))                                       \
    CASE(direction, 0, erg_matmul_transposed(direction(), 0, y, 1))                                \
    CASE(with_direction, 0, erg_matmul_transposed(y, 1, direction(), 0))                           \
    CASE(part_of_rows, 800, part(erg_matmul(x, y), 0))                                             \
    CASE(part_of_columns, 800, part(erg_matmul(x, y), 1))                                          \
    CASE(part_of_rows_turned, 800, part(turned(x, y), 0))                                          \
    CASE(part_of_columns_turned, 800, part(turned(x, y), 1))                                       \
    CASE(no_terms, 0, no_terms(y))                                                                 \
    CASE(large_part, 8000, erg_slice(erg_matmul(x, y), 1, 1, 13, 1))                               \
    CASE(part_and_whole, 8000, part_and_whole(erg_matmul(x, y)))

#define CASE(name, multiplications, expression)                                                    \
    static erg_node *build_##name(erg_node *x, erg_node *y) {                                      \
        (void)x, (void)y;                                                                          \
        return expression;                                                                         \
    }
CASES
#undef CASE

static const struct {
    const char *name;
    int multiplications;
    erg_node *(*build)(erg_node *x, erg_node *y);
} cases[] = {
#define CASE(name, multiplications, expression) {#name, multiplications, build_##name},
    CASES
#undef CASE
};

static int multiplications(const erg_plan *plan) {
    int64_t sum = 0;
    for (int i = 0; i < plan->n_steps; i++) {
        const erg_node *node = plan->steps[i].node;
        if (node->op == ERG_OP_matmul)
            sum += erg_shape_size(node->shape) * node->in[0]->shape.dims[node->attr[0] ? 0 : 1];
    }
    return (int)sum;
}

START_TEST(only_what_is_needed_is_multiplied) {
    erg_node *node = cases[_i].build(input("x", ERG_SHAPE(N, N)), input("y", ERG_SHAPE(N, N)));
    ck_assert_msg(node != NULL, "%s: %s", cases[_i].name, erg_graph_error(g));
    erg_plan *plan = compile_with("verify,no-pack", &node, 1);
    ck_assert_msg(multiplications(plan) == cases[_i].multiplications, "%s: %d multiplications",
                  cases[_i].name, multiplications(plan));
    erg_run(plan);
    assert_agrees(plan, &node, 1);
    erg_plan_free(plan);
}
END_TEST

/* The trace of a Hessian goes along each coordinate: of its products with the outer weights only
 * those with one column are left. */
START_TEST(a_laplacian_multiplies_by_single_columns) {
    enum { BATCH = 20, INPUTS = 6, HIDDEN = 10 };
    erg_node *x = input("x", ERG_SHAPE(BATCH, INPUTS));
    erg_node *w = param("w", ERG_SHAPE(HIDDEN, INPUTS)), *v = param("v", ERG_SHAPE(HIDDEN));
    erg_node *h = erg_tanh(erg_matmul_transposed(x, 0, w, 1));
    erg_node *e = erg_sum(erg_mul(h, v), ERG_AXES(1), 0), *trace = erg_laplacian(e, x);
    erg_plan *plan = compile_with("verify,no-pack", &trace, 1);
    int forward = BATCH * INPUTS * HIDDEN, along = INPUTS * BATCH * HIDDEN;
    ck_assert_int_eq(multiplications(plan), forward + along);
    erg_run(plan);
    assert_agrees(plan, &trace, 1);
    erg_plan_free(plan);
}
END_TEST

/* A zero of a pad is no term: an infinity that it meets is not NaN. */
START_TEST(a_zero_of_a_pad_is_no_term) {
    erg_node *x = input("x", ERG_SHAPE(N, N)), *y = input("y", ERG_SHAPE(N, N));
    erg_tensor_set(erg_value(y), 0, INFINITY);
    erg_node *node = erg_matmul(zeros_around(x, 1, 2), y);
    erg_plan *plan = compile_with("verify", &node, 1);
    erg_run(plan);
    for (int64_t i = 0; i < (int64_t)N * N; i++)
        ck_assert(isfinite(erg_tensor_get(erg_output(plan, 0), i)));
    erg_plan_free(plan);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("structure");
    TCase *tests = tcase_create("structure");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, only_what_is_needed_is_multiplied, 0, COUNT(cases));
    tcase_add_test(tests, a_laplacian_multiplies_by_single_columns);
    tcase_add_test(tests, a_zero_of_a_pad_is_no_term);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

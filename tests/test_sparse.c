/* test_sparse.c: products with a constant most of whose elements are 0. */
#include "arrays.h"
#include "compiler_graph.h"

/* ------------------------------------------------------------------------------- the kernel */

/* A matrix (k, n) with this share of elements, and the same by columns. */
typedef struct matrix {
    double *dense;
    erg_sparse sparse;
} matrix;

static matrix matrix_new(erg_dtype dtype, int64_t k, int64_t n, double share) {
    matrix s = {.dense = calloc((size_t)(k * n + 1), sizeof(double))};
    int32_t *start = calloc((size_t)n + 1, sizeof *start);
    int32_t *row = calloc((size_t)(k * n + 1), sizeof *row), count = 0;
    void *values = array_random(dtype, k * n + 1, 5, 1);
    uint64_t seed = 6;
    for (int64_t j = 0; j < n; start[++j] = count)
        for (int64_t i = 0; i < k; i++)
            if (fabs(next_number(&seed)) < share) {
                s.dense[i * n + j] = get(dtype, values, count);
                row[count++] = (int32_t)i;
            }
    s.sparse = (erg_sparse){n, start, row, values};
    return s;
}

static void matrix_free(matrix *s) {
    free(s->dense);
    free((void *)s->sparse.start);
    free((void *)s->sparse.row);
    free((void *)s->sparse.values);
}

static const int64_t sizes[][3] = {{1, 1, 1},   {1, 7, 5},  {3, 40, 33}, {4, 0, 3},
                                   {5, 64, 64}, {9, 31, 2}, {16, 3, 50}, {11, 100, 0}};

/* The triple loop; rows computed in several calls have the same bits; what lies between the rows
 * stays as it was. */
START_TEST(the_kernel_agrees_with_loops) {
    const int64_t *s = sizes[_i / 2], m = s[0], k = s[1], n = s[2], lda = k + 3, ldc = n + 2;
    erg_dtype dtype = _i % 2 ? F64 : F32;
    double tolerance = dtype == F32 ? 1e-5 : 1e-14;
    const erg_kernels *sets[8];
    int count = erg_kernels_all(sets, 8);
    matrix b = matrix_new(dtype, k, n, 0.2);
    size_t size = size_of(dtype);
    char *a = array_random(dtype, m * lda, 1, 1);
    for (int set = 0; set < count; set++)
        for (int64_t step = 1; step <= m; step++) {
            char *c = array_random(dtype, m * ldc, 2, 1), *old = array_copy(dtype, m * ldc, c);
            for (int64_t i = 0; i < m; i += step)
                sets[set]->sparse[dtype](i + step < m ? step : m - i, &b.sparse,
                                         a + (size_t)(i * lda) * size, lda,
                                         c + (size_t)(i * ldc) * size, ldc);
            for (int64_t i = 0; i < m; i++)
                for (int64_t j = 0; j < ldc; j++) {
                    double want = j < n ? 0 : get(dtype, old, i * ldc + j);
                    for (int64_t p = 0; p < k && j < n; p++)
                        want += get(dtype, a, i * lda + p) * b.dense[p * n + j];
                    ck_assert_double_eq_tol(get(dtype, c, i * ldc + j), want, tolerance);
                }
            free(c);
            free(old);
        }
    free(a);
    matrix_free(&b);
}
END_TEST

/* ------------------------------------------------------------------------------- the plan */

/* Sites of a ring, coupled to neighbours at two distances: not symmetric, every column different. */
static erg_node *couplings(erg_dtype dtype, int64_t n) {
    erg_tensor *j = erg_tensor_new(dtype, ERG_SHAPE(n, n));
    for (int64_t i = 0; i < n; i++) {
        erg_tensor_set(j, i * n + (i + 1) % n, 0.5 + (double)i);
        erg_tensor_set(j, i * n + (i + 7) % n, 1 / (1 + (double)i));
    }
    erg_node *node = erg_constant(g, j);
    erg_tensor_free(j);
    return node;
}

/* Either way round, with one row and with many, in both dtypes. */
START_TEST(a_plan_multiplies_what_is_not_zero) {
    static const int64_t rows[] = {1, 3, 16, 50};
    int64_t batch = rows[_i % 4], n = 100;
    bool transposed = _i / 4 % 2;
    erg_dtype dtype = _i / 8 ? F64 : F32;
    erg_node *x = filled(erg_input(g, "x", dtype, ERG_SHAPE(batch, n)), 1);
    erg_node *y = erg_matmul_transposed(x, 0, couplings(dtype, n), transposed);
    erg_plan *plan = compile_with("verify", &y, 1), *reference = compile_with("reference", &y, 1);
    ck_assert_int_eq(computed(plan, ERG_OP_matmul_sparse), 1);
    erg_run(plan);
    erg_run(reference);
    double error = distance(erg_output(plan, 0), erg_output(reference, 0));
    ck_assert_double_le(error, dtype == F32 ? 1e-6 : 1e-15);
    erg_plan_free(plan);
    erg_plan_free(reference);
}
END_TEST

/* A matrix with too many elements, one that changes, and a left operand are multiplied whole. */
START_TEST(other_products_are_left_alone) {
    erg_node *x = input("x", ERG_SHAPE(20, 100)), *j = couplings(F64, 100);
    erg_node *full = erg_constant(g, erg_value(param("p", ERG_SHAPE(100, 100))));
    erg_node *w = param("w", ERG_SHAPE(100, 100));
    for (int64_t i = 1; i < 100 * 100; i++)
        erg_tensor_set(erg_value(w), i, 0);
    erg_node *products[] = {erg_matmul(x, full), erg_matmul(x, w), erg_matmul(j, erg_transpose(x))};
    erg_plan *plan = compile_with("verify", products, COUNT(products));
    ck_assert_int_eq(computed(plan, ERG_OP_matmul_sparse), 0);
    erg_run(plan);
    assert_agrees(plan, products, COUNT(products));
    erg_plan_free(plan);
}
END_TEST

/* The energy of a lattice and its derivatives: x J y, J y and x J. */
START_TEST(derivatives_use_it_too) {
    erg_node *x = input("x", ERG_SHAPE(20, 100)), *v = input("v", ERG_SHAPE(20, 100));
    erg_node *e = erg_sum(erg_mul(erg_matmul(x, couplings(F64, 100)), x), ERG_AXES(1), 0);
    erg_node *gradient = erg_gradient(e, x), *outputs[] = {e, gradient, erg_vjp(gradient, x, v)};
    erg_plan *plan = compile_with("verify", outputs, COUNT(outputs));
    ck_assert_int_ge(computed(plan, ERG_OP_matmul_sparse), 3);
    erg_run(plan);
    assert_agrees(plan, outputs, COUNT(outputs));
    erg_plan_free(plan);
}
END_TEST

/* An infinite site: its neighbours are infinite, and the others know nothing of it. */
START_TEST(a_zero_is_no_term) {
    erg_node *x = input("x", ERG_SHAPE(20, 100));
    erg_tensor_set(erg_value(x), 3 * 100 + 40, INFINITY);
    erg_node *y = erg_matmul(x, couplings(F64, 100));
    erg_plan *plan = compile_with("verify", &y, 1);
    erg_run(plan);
    for (int64_t i = 0; i < 20 * 100; i++) {
        bool neighbour = i == 3 * 100 + 41 || i == 3 * 100 + 47;
        double value = erg_tensor_get(erg_output(plan, 0), i);
        ck_assert_msg(neighbour ? value == INFINITY : (bool)isfinite(value), "element %d is %g",
                      (int)i, value);
    }
    erg_plan_free(plan);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sparse");
    TCase *kernel = tcase_create("kernel"), *plan = tcase_create("plan");
    tcase_add_loop_test(kernel, the_kernel_agrees_with_loops, 0, 2 * COUNT(sizes));
    tcase_add_checked_fixture(plan, setup, teardown);
    tcase_add_loop_test(plan, a_plan_multiplies_what_is_not_zero, 0, 16);
    tcase_add_test(plan, other_products_are_left_alone);
    tcase_add_test(plan, derivatives_use_it_too);
    tcase_add_test(plan, a_zero_is_no_term);
    suite_add_tcase(suite, kernel);
    suite_add_tcase(suite, plan);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

/* test_compiler.c: that each pass of the compiler does what it is for; that they change no value is
 * tested with random graphs elsewhere. */
#include "compiler_graph.h"

/* ------------------------------------------------------------------------------- derivatives */

/* dE/dz = c (s + z s (1 - s)) for E = c . z s(z): the slope once, and one product by the cotangent,
 * for however many cotangents. */
START_TEST(a_slope_is_computed_once) {
    erg_node *z = input("z", ERG_SHAPE(4, 3)), *h = erg_silu(z), *grads[3];
    int products[3];
    for (int k = 0; k < 3; k++) {
        char name[] = {(char)('a' + k), '\0'};
        grads[k] = erg_vjp(h, z, input(name, ERG_SHAPE(4, 3)));
        erg_plan *plan = compile_with("verify", grads, k + 1);
        products[k] = computed(plan, ERG_OP_mul);
        ck_assert_int_eq(computed(plan, ERG_OP_sigmoid), 1);
        erg_run(plan);
        assert_agrees(plan, grads, k + 1);
        erg_plan_free(plan);
    }
    ck_assert_int_eq(products[1], products[0] + 1);
    ck_assert_int_eq(products[2], products[0] + 2);
}
END_TEST

/* ------------------------------------------------------------------------------- factor */

START_TEST(common_factors_are_taken_out) {
    erg_node *f = input("f", ERG_SHAPE(5)), *p = input("p", ERG_SHAPE(5)),
             *q = input("q", ERG_SHAPE(5));
    erg_node *shared = erg_mul(f, p);
    struct {
        erg_node *node;
        int products;
    } rows[] = {
        {erg_add(erg_mul(f, p), erg_mul(q, f)), 1},
        {erg_sub(erg_mul(f, p), erg_mul(erg_mul(f, q), q)), 2},
        {erg_add(erg_mul(f, p), erg_mul(erg_mul(f, p), q)), 2},
        {erg_mul(shared, erg_add(shared, erg_mul(f, q))), 3}, /* somebody else needs f p */
    };
    for (int i = 0; i < COUNT(rows); i++) {
        erg_plan *plan = compile_with("verify", &rows[i].node, 1);
        ck_assert_msg(computed(plan, ERG_OP_mul) == rows[i].products, "row %d: %d products", i,
                      computed(plan, ERG_OP_mul));
        erg_run(plan);
        assert_agrees(plan, &rows[i].node, 1);
        erg_plan_free(plan);
    }
}
END_TEST

START_TEST(sums_of_matrix_products_are_one) {
    erg_node *x = input("x", ERG_SHAPE(20, 6)), *y = input("y", ERG_SHAPE(20, 6));
    erg_node *a = param("a", ERG_SHAPE(6, 6)), *b = param("b", ERG_SHAPE(30, 6));
    erg_node *quadratic = erg_sum(erg_mul(erg_matmul(x, a), x), ERG_AXES(1), 0);
    struct {
        erg_node *node;
        int products;
    } rows[] = {
        {erg_gradient(quadratic, x), 1}, /* x A + x A^T */
        {erg_sub(erg_matmul_transposed(x, 0, b, 1), erg_matmul_transposed(y, 0, b, 1)), 1},
        {erg_add(erg_matmul(x, a), erg_matmul(y, erg_transpose(a))), 2},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        erg_plan *plan = compile_with("verify,no-pack", &rows[i].node, 1);
        ck_assert_int_eq(computed(plan, ERG_OP_matmul), rows[i].products);
        erg_run(plan);
        assert_agrees(plan, &rows[i].node, 1);
        erg_plan_free(plan);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- pack */

START_TEST(weights_are_packed_once) {
    erg_node *x = input("x", ERG_SHAPE(64, 9)), *w = param("w", ERG_SHAPE(40, 9));
    erg_node *outputs[] = {erg_matmul_transposed(x, 0, w, 1),
                           erg_matmul_transposed(erg_sin(x), 0, w, 1)};
    erg_plan *plan = compile_with("verify", outputs, 2);
    ck_assert_int_eq(computed(plan, ERG_OP_pack), 1);
    ck_assert_int_eq(computed(plan, ERG_OP_matmul_packed), 2);
    erg_run(plan);
    assert_agrees(plan, outputs, 2);
    erg_plan_free(plan);
}
END_TEST

/* ------------------------------------------------------------------------------- epilogue */

/* A row that is added to a product, from either side; a product that somebody else reads, a column
 * and a whole matrix are added by steps of their own. */
START_TEST(biases_are_added_in_the_product) {
    erg_node *x = input("x", ERG_SHAPE(64, 9)), *w = param("w", ERG_SHAPE(40, 9));
    erg_node *bias = param("b", ERG_SHAPE(40)), *column = input("c", ERG_SHAPE(64, 1));
    erg_node *product = erg_matmul_transposed(x, 0, w, 1);
    struct {
        erg_node *node;
        int biased;
    } rows[] = {
        {erg_silu(erg_add(product, bias)), 1},
        {erg_add(bias, product), 1},
        {erg_mul(erg_add(product, bias), product), 0},
        {erg_add(product, column), 0},
        {erg_add(product, input("m", ERG_SHAPE(64, 40))), 0},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        erg_plan *plan = compile_with("verify", &rows[i].node, 1);
        erg_plan *apart = compile_with("verify,no-epilogue", &rows[i].node, 1);
        ck_assert_int_eq(computed(plan, ERG_OP_matmul_biased), rows[i].biased);
        ck_assert_int_eq(computed(apart, ERG_OP_matmul_biased), 0);
        erg_run(plan);
        erg_run(apart);
        assert_agrees(plan, &rows[i].node, 1);
        ck_assert(distance(erg_output(plan, 0), erg_output(apart, 0)) == 0);
        erg_plan_free(plan);
        erg_plan_free(apart);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- level */

START_TEST(independent_steps_share_threads) {
    int before = erg_threads();
    erg_node *x = input("x", ERG_SHAPE(300, 6)), *grads[4];
    for (int k = 0; k < 4; k++) {
        char name[] = {(char)('a' + k), '\0'};
        grads[k] = erg_matmul_transposed(x, 1, input(name, ERG_SHAPE(300, 40)), 0);
    }
    erg_set_threads(2);
    erg_plan *plan = compile_with("verify", grads, 4);
    int together = 0;
    for (int p = 0; p < plan->n_phases; p++)
        together += plan->phases[p].apart && plan->phases[p].count == 4;
    ck_assert_int_eq(together, 1);
    erg_run(plan);
    assert_agrees(plan, grads, 4);
    erg_plan_free(plan);
    erg_set_threads(before);
}
END_TEST

/* ------------------------------------------------------------------------------- store */

/* A gradient step writes into the parameter; what others still read is stored after the run. */
START_TEST(leaves_are_written_in_place) {
    erg_node *a = erg_state(g, "a", F64, ERG_SHAPE(3)), *b = erg_state(g, "b", F64, ERG_SHAPE(3));
    filled(a, 1);
    filled(b, 2);
    erg_node *step = erg_assign(a, erg_sub(a, erg_mul_scalar(erg_sin(a), 0.1)));
    erg_node *swap[] = {erg_assign(a, erg_neg(b)), erg_assign(b, erg_neg(a))};
    struct {
        erg_node *group;
        int stores;
    } rows[] = {
        {erg_group(&step, 1), 0}, {erg_group(swap, 2), 1}, {step, 1}, /* wanted as an output too */
    };
    int before = erg_threads();
    erg_set_threads(1); /* else the two steps that swap run side by side */
    for (int i = 0; i < COUNT(rows); i++) {
        erg_plan *plan = compile_with("verify", &rows[i].group, 1);
        ck_assert_msg(plan->n_stores == rows[i].stores, "row %d: %d stores", i, plan->n_stores);
        double old[] = {erg_tensor_get(erg_value(a), 1), erg_tensor_get(erg_value(b), 1)};
        erg_run(plan);
        double new[] = {erg_tensor_get(erg_value(a), 1), erg_tensor_get(erg_value(b), 1)};
        ck_assert_double_eq_tol(new[0], i == 1 ? -old[1] : old[0] - 0.1 * sin(old[0]), 1e-15);
        ck_assert_double_eq(new[1], i == 1 ? -old[0] : old[1]);
        erg_plan_free(plan);
    }
    erg_set_threads(before);
}
END_TEST

/* ------------------------------------------------------------------------------- once */

/* What depends on weights alone is computed in the first run of a call, and again in the next call:
 * somebody may have changed the weights. */
START_TEST(weights_are_prepared_once_a_call) {
    erg_node *x = erg_state(g, "x", F64, ERG_SHAPE(2)), *w = param("w", ERG_SHAPE(2));
    erg_node *next = erg_assign(x, erg_add(x, erg_exp(erg_mul(w, w)))),
             *group = erg_group(&next, 1);
    erg_plan *plan = compile_with("verify", &group, 1);
    int once = 0;
    for (int p = 0; p < plan->n_phases; p++)
        once += plan->phases[p].once;
    ck_assert_int_eq(once, 1);
    double want = 0;
    for (int call = 0; call < 3; call++) {
        erg_tensor_fill(erg_value(w), 0.25 * call);
        erg_run_n(plan, 5);
        want += 5 * exp(0.0625 * call * call);
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), 1), want, 1e-13);
    }
    erg_plan_free(plan);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("compiler");
    TCase *tests = tcase_create("passes");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_slope_is_computed_once);
    tcase_add_test(tests, common_factors_are_taken_out);
    tcase_add_test(tests, sums_of_matrix_products_are_one);
    tcase_add_test(tests, weights_are_packed_once);
    tcase_add_test(tests, biases_are_added_in_the_product);
    tcase_add_test(tests, independent_steps_share_threads);
    tcase_add_test(tests, leaves_are_written_in_place);
    tcase_add_test(tests, weights_are_prepared_once_a_call);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

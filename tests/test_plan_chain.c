/* test_plan_chain.c: what becomes of elementwise nodes: one step, values that are computed again,
 * rows that are read where they are, and machine code, if the system allows it. */
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compiler_graph.h"

/* ------------------------------------------------------------------------------- steps */

static erg_node *silu_layer(erg_node *x, const char *weight, const char *bias) {
    int64_t n = erg_node_shape(x).dims[1];
    return erg_silu(
        erg_add(erg_matmul(x, param(weight, ERG_SHAPE(n, 32))), param(bias, ERG_SHAPE(32))));
}

/* Between two products there is one step, and only what the next one reads is stored. */
START_TEST(elementwise_nodes_are_one_step) {
    erg_node *y = silu_layer(silu_layer(input("x", ERG_SHAPE(8, 32)), "w1", "b1"), "w2", "b2");
    erg_plan *plan = compile_with("verify", &y, 1);
    ck_assert_int_eq(erg_plan_steps(plan), 4);
    for (int i = 0; i < plan->n_steps; i++)
        ck_assert_int_eq(plan->steps[i].n_out, 1);
    erg_run(plan);
    assert_agrees(plan, &y, 1);
    erg_plan_free(plan);
}
END_TEST

/* The slope of an activation is computed with it, so the products' results are not kept for the
 * backward pass: of each layer only the slope is. */
START_TEST(slopes_are_computed_with_the_activation) {
    erg_node *x = input("x", ERG_SHAPE(8, 32));
    erg_node *e = erg_sum(silu_layer(silu_layer(x, "w1", "b1"), "w2", "b2"), ERG_AXES(1), 0);
    erg_node *score = erg_gradient(e, x);
    erg_plan *plan = compile_with("verify", &score, 1);
    int sigmoids = 0;
    for (int i = 0; i < plan->n_steps; i++)
        for (int k = 0; k < plan->steps[i].n_nodes; k++)
            if (plan->steps[i].nodes[k]->op == ERG_OP_sigmoid) {
                sigmoids++;
                ck_assert_int_le(plan->steps[i].n_out, 2);
            }
    ck_assert_int_eq(sigmoids, 2);
    ck_assert_int_eq(erg_plan_steps(plan), 7); /* four products, three chains */
    erg_run(plan);
    assert_agrees(plan, &score, 1);
    erg_plan_free(plan);
}
END_TEST

/* ------------------------------------------------------------------------------- recompute */

static int results_beside(const erg_plan *plan, erg_op op) {
    for (int i = 0; i < plan->n_steps; i++)
        for (int k = 0; k < plan->steps[i].n_nodes; k++)
            if (plan->steps[i].nodes[k]->op == op)
                return plan->steps[i].n_out;
    return 0;
}

/* Of s, 1 - s and s (1 - s), where s and 1 - s are wanted behind a product of the third, 1 - s is
 * cheaper to compute than to store and read. A sine is not. */
START_TEST(cheap_values_are_computed_again) {
    erg_node *w = param("w", ERG_SHAPE(80, 80));
    erg_node *s = erg_sigmoid(erg_matmul(input("x", ERG_SHAPE(70, 80)), w));
    erg_node *one = erg_full_like(s, 1);
    for (int k = 0; k < 2; k++) {
        erg_node *rest = k ? erg_sin(s) : erg_sub(one, s);
        erg_node *y = erg_matmul(erg_mul(s, rest), w), *z = erg_mul(erg_mul(y, s), rest);
        erg_plan *plan = compile_with("verify", &z, 1);
        erg_plan *other = compile_with("no-recompute", &z, 1);
        ck_assert_int_eq(results_beside(plan, ERG_OP_sigmoid), k ? 3 : 2);
        ck_assert_int_eq(results_beside(other, ERG_OP_sigmoid), 3);
        erg_run(plan);
        erg_run(other);
        ck_assert_mem_eq(erg_output(plan, 0)->data, erg_output(other, 0)->data,
                         70 * 80 * sizeof(double));
        assert_agrees(plan, &z, 1);
        erg_plan_free(plan);
        erg_plan_free(other);
    }
}
END_TEST

/* u (1 - s) is made of u and 1 - s where these are read. There 1 - s is not made of s, which is not
 * read, though a reader before it makes it so: that would take another sigmoid, and its product. */
START_TEST(only_cheap_values_are_computed_again) {
    erg_shape shape = ERG_SHAPE(70, 80);
    erg_node *w = param("w", ERG_SHAPE(80, 80));
    erg_node *s = erg_sigmoid(erg_matmul(input("x", shape), w));
    erg_node *rest = erg_sub(erg_full_like(s, 1), s), *y = erg_matmul(erg_sin(s), w);
    erg_node *u = erg_exp(y), *both = erg_mul(u, rest);
    erg_node *z = erg_matmul(erg_add(both, erg_mul(s, y)), w);
    erg_node *end = erg_mul(erg_mul(both, z), erg_mul(erg_maximum(rest, z), erg_maximum(u, z)));
    erg_plan *plan = compile_with("verify", &end, 1);
    ck_assert_int_eq(computed(plan, ERG_OP_sub), 2);
    ck_assert_int_eq(computed(plan, ERG_OP_sigmoid), 1);
    ck_assert_int_eq(computed(plan, ERG_OP_matmul_packed), 3);
    erg_run(plan);
    assert_agrees(plan, &end, 1);
    erg_plan_free(plan);
}
END_TEST

static void *compile_here(void *output) {
    return erg_compile((erg_node *const *)output, 1);
}

/* Each of these sums is computed again from the one before it, but not by functions that call each
 * other as often: there is no room for so many on this stack. */
START_TEST(many_values_are_computed_again) {
    enum { SUMS = 10000, STACK = 1 << 20 };
    erg_node *x = input("x", ERG_SHAPE(64, 64)), *sum = x, *sums[SUMS];
    for (int i = 0; i < SUMS; i++)
        sums[i] = sum = erg_add(erg_mul(sum, x), x);
    erg_node *y = erg_add(erg_matmul(sum, x), x);
    for (int i = SUMS - 1; i >= 0; i--)
        y = erg_maximum(y, sums[i]);
    pthread_attr_t small;
    pthread_t thread;
    void *plan;
    ck_assert_int_eq(pthread_attr_init(&small), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&small, STACK), 0);
    ck_assert_int_eq(pthread_create(&thread, &small, compile_here, &y), 0);
    ck_assert_int_eq(pthread_join(thread, &plan), 0);
    pthread_attr_destroy(&small);
    ck_assert_ptr_nonnull(plan);
    ck_assert_int_eq(computed(plan, ERG_OP_add), 2 * SUMS + 1);
    erg_plan_free(plan);
}
END_TEST

/* ------------------------------------------------------------------------------- rows */

/* A node alone goes through all of its elements at once, but never writes out as many rows. */
START_TEST(long_rows_are_not_written_out) {
    static const int64_t rows[] = {512, 513, 520, 1000, 1024};
    for (int i = 0; i < COUNT(rows); i++) {
        char name[3][16];
        for (int k = 0; k < 3; k++)
            snprintf(name[k], sizeof name[k], "%c%d", "xrc"[k], i);
        erg_node *x = input(name[0], ERG_SHAPE(50, rows[i]));
        erg_node *y[] = {erg_add(x, input(name[1], ERG_SHAPE(rows[i]))),
                         erg_mul(x, input(name[2], ERG_SHAPE(50, 1)))};
        for (int k = 0; k < 2; k++) {
            erg_plan *plan = compile_with("verify", &y[k], 1);
            ck_assert_uint_le(plan->scratch_size, 2048 * sizeof(double));
            erg_run(plan);
            assert_agrees(plan, &y[k], 1);
            erg_plan_free(plan);
        }
    }
}
END_TEST

/* Rows, columns and numbers, stretched in all ways, over lengths around that of a piece. */
START_TEST(stretched_operands_are_read_in_place) {
    static const int64_t sizes[][2] = {{1, 1},   {3, 16},  {40, 16},  {7, 100},
                                       {2, 512}, {3, 513}, {2, 2000}, {600, 17}};
    for (int i = 0; i < COUNT(sizes); i++) {
        char name[3][16];
        for (int k = 0; k < 3; k++)
            snprintf(name[k], sizeof name[k], "%c%d", "xrc"[k], i);
        erg_node *x = input(name[0], ERG_SHAPE(sizes[i][0], sizes[i][1]));
        erg_node *row = input(name[1], ERG_SHAPE(sizes[i][1]));
        erg_node *column = input(name[2], ERG_SHAPE(sizes[i][0], 1));
        erg_node *number = erg_sum(row, ERG_ALL, 0);
        erg_node *y = erg_sub(erg_mul(erg_add(x, row), column), erg_mul(column, number));
        erg_node *outputs[] = {erg_tanh(erg_add(y, erg_mul(row, column))), y};
        erg_plan *plan = compile_with("verify", outputs, 2);
        erg_run(plan);
        assert_agrees(plan, outputs, 2);
        erg_plan_free(plan);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- code */

/* One chain of as many nodes as there can be. Its selections read two arrays each, which are more
 * than one formula takes, or keep more values than there are registers: it is cut into formulas. */
START_TEST(formulas_are_cut_where_they_are_full) {
    enum { NODES = 48 };
    static const int selections[] = {40, 30, 24};
    int first = selections[_i];
    erg_node *kept[NODES], *y = input("y", ERG_SHAPE(9, 77));
    for (int i = 0; i < first; i++) {
        char name[2][16];
        for (int k = 0; k < 2; k++)
            snprintf(name[k], sizeof name[k], "%c%d", "ab"[k], i);
        erg_node *mask = input(name[0], ERG_SHAPE(9, 77));
        for (int k = i; k < 9 * 77; k += 5)
            erg_tensor_set(erg_value(mask), k, 0);
        kept[i] = y = erg_where(mask, input(name[1], ERG_SHAPE(9, 77)), y);
    }
    for (int i = first; i < NODES; i++)
        y = erg_sub(kept[i - first], y);
    erg_plan *plan = compile_with("verify", &y, 1), *other = compile_with("no-code", &y, 1);
    ck_assert_int_eq(erg_plan_steps(plan), 1);
    ck_assert_int_eq(plan->steps[0].n_nodes, NODES);
    ck_assert_int_eq(plan->steps[0].n_in, 2 * first + 1);
    erg_run(plan);
    erg_run(other);
    ck_assert_mem_eq(erg_output(plan, 0)->data, erg_output(other, 0)->data,
                     9 * 77 * sizeof(double));
    assert_agrees(plan, &y, 1);
    erg_plan_free(plan);
    erg_plan_free(other);
}
END_TEST

/* As a system does that lets no program execute what it has written. */
static bool refuse;

int mprotect(void *at, size_t size, int protection) {
    if (refuse) {
        errno = EACCES;
        return -1;
    }
    return (int)syscall(SYS_mprotect, at, size, protection);
}

START_TEST(a_system_may_forbid_code) {
    erg_node *x = input("x", ERG_SHAPE(100, 100));
    erg_node *y = erg_tanh(erg_sub(erg_mul(x, x), erg_sqrt(erg_abs(x))));
    erg_plan *plain = compile_with("", &y, 1);
    refuse = true;
    erg_plan *plan = compile_with("", &y, 1);
    refuse = false;
    ck_assert_ptr_null(plan->code.begin);
    ck_assert_int_eq(plan->n_steps, plain->n_steps);
    erg_run(plain);
    erg_run(plan);
    ck_assert_mem_eq(erg_output(plan, 0)->data, erg_output(plain, 0)->data, 10000 * sizeof(double));
    erg_plan_free(plan);
    erg_plan_free(plain);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("plan_chain");
    TCase *tests = tcase_create("chains");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, elementwise_nodes_are_one_step);
    tcase_add_test(tests, slopes_are_computed_with_the_activation);
    tcase_add_test(tests, cheap_values_are_computed_again);
    tcase_add_test(tests, only_cheap_values_are_computed_again);
    tcase_add_test(tests, many_values_are_computed_again);
    tcase_add_test(tests, long_rows_are_not_written_out);
    tcase_add_test(tests, stretched_operands_are_read_in_place);
    tcase_add_loop_test(tests, formulas_are_cut_where_they_are_full, 0, 3);
    tcase_add_test(tests, a_system_may_forbid_code);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

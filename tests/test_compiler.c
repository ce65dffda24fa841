/* test_compiler.c: that each pass of the compiler does what it is for; that they change no value is
 * tested with random graphs elsewhere. */
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plan_tools.h"

static erg_graph *g;

static void setup(void) {
    g = erg_graph_new(1);
}

static void teardown(void) {
    erg_graph_free(g);
}

static erg_node *filled(erg_node *leaf, double scale) {
    for (int64_t i = 0; i < erg_tensor_size(erg_value(leaf)); i++)
        erg_tensor_set(erg_value(leaf), i, scale * sin(1.3 * (double)i + 1));
    return leaf;
}

static erg_node *input(const char *name, erg_shape shape) {
    return filled(erg_input(g, name, F64, shape), 1);
}

static erg_node *param(const char *name, erg_shape shape) {
    return filled(erg_param(g, name, F64, shape), 0.5);
}

static int computed(const erg_plan *plan, erg_op op) {
    int nodes = 0;
    for (int i = 0; i < plan->n_steps; i++)
        for (int k = 0; k < plan->steps[i].n_nodes; k++)
            nodes += plan->steps[i].nodes[k]->op == op;
    return nodes;
}

static void assert_agrees(const erg_plan *plan, erg_node *const *outputs, int count) {
    erg_plan *reference = compile_with("reference", outputs, count);
    erg_run(reference);
    for (int k = 0; k < count; k++)
        ck_assert_double_le(distance(erg_output(plan, k), erg_output(reference, k)), 1e-13);
    erg_plan_free(reference);
}

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

/* ------------------------------------------------------------------------------- chain */

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
        kept[i] = y =
            erg_where(input(name[0], ERG_SHAPE(9, 77)), input(name[1], ERG_SHAPE(9, 77)), y);
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
    tcase_add_test(tests, elementwise_nodes_are_one_step);
    tcase_add_test(tests, slopes_are_computed_with_the_activation);
    tcase_add_test(tests, cheap_values_are_computed_again);
    tcase_add_test(tests, only_cheap_values_are_computed_again);
    tcase_add_test(tests, many_values_are_computed_again);
    tcase_add_test(tests, long_rows_are_not_written_out);
    tcase_add_test(tests, a_system_may_forbid_code);
    tcase_add_loop_test(tests, formulas_are_cut_where_they_are_full, 0, 3);
    tcase_add_test(tests, stretched_operands_are_read_in_place);
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

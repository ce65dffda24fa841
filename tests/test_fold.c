/* test_fold.c: sums and maxima that make their operand on the way: which do, that it is never an array,
 * and that no bit depends on it. */
#include <string.h>

#include "compiler_graph.h"

static erg_dtype dtype;

static erg_node *array(const char *name, erg_shape shape) {
    return filled(erg_input(g, name, dtype, shape), 1);
}

/* ------------------------------------------------------------------------------- graphs */

static erg_node *all_of_a_large_array(void) {
    erg_node *x = array("x", ERG_SHAPE(500, 700)), *y = array("y", ERG_SHAPE(500, 700));
    return erg_sum(erg_square(erg_sub(x, y)), ERG_ALL, 0);
}

static erg_node *all_of_a_small_array(void) {
    return erg_max(erg_sin(array("x", ERG_SHAPE(20, 3))), ERG_ALL, 0);
}

static erg_node *columns(void) {
    erg_node *x = array("x", ERG_SHAPE(3000, 70));
    return erg_sum(erg_mul(x, array("row", ERG_SHAPE(70))), ERG_AXES(0), 0);
}

static erg_node *long_rows(void) {
    erg_node *x = array("x", ERG_SHAPE(40, 9000));
    return erg_sum(erg_exp(erg_sub(x, array("each", ERG_SHAPE(40, 1)))), ERG_AXES(1), 0);
}

static erg_node *rows(void) {
    return erg_max(erg_square(array("x", ERG_SHAPE(70, 1000))), ERG_AXES(1), 0);
}

static erg_node *middle_axis(void) {
    return erg_sum(erg_square(array("x", ERG_SHAPE(30, 40, 32))), ERG_AXES(1), 0);
}

static erg_node *noise(void) {
    erg_node *z = erg_normal(g, dtype, ERG_SHAPE(50, 1024));
    return erg_sum(erg_mul(z, array("x", ERG_SHAPE(50, 1024))), ERG_AXES(1), 0);
}

static erg_node *all_of_noise(void) {
    return erg_sum(erg_square(erg_uniform(g, dtype, ERG_SHAPE(300, 1000))), ERG_ALL, 0);
}

/* Behind a product: rows of a region are summed, and then rows over the batch. */
static erg_node *of_a_product(void) {
    erg_node *y = erg_matmul(array("x", ERG_SHAPE(64, 8)), array("w", ERG_SHAPE(8, 1024)));
    return erg_sum(erg_sum(erg_square(y), ERG_AXES(1), 0), ERG_ALL, 0);
}

/* Somebody else wants a value of the chain. */
static erg_node *wanted_twice(void) {
    erg_node *s = erg_sin(array("x", ERG_SHAPE(64, 1024)));
    return erg_mul(s, erg_sum(erg_square(s), ERG_AXES(1), 1));
}

/* And here the operand itself. */
static erg_node *operand_wanted(void) {
    erg_node *s = erg_sin(array("x", ERG_SHAPE(64, 1024)));
    return erg_mul(s, erg_sum(s, ERG_AXES(1), 1));
}

/* A value of the chain is wanted as a whole: the product mixes rows. */
static erg_node *wanted_whole(void) {
    erg_node *s = erg_sin(array("x", ERG_SHAPE(64, 1024)));
    return erg_matmul_transposed(s, 1, erg_sum(erg_square(s), ERG_AXES(1), 1), 0);
}

/* Few rows, each of which is cut. */
static erg_node *few_long_rows(void) {
    return erg_sum(erg_square(array("x", ERG_SHAPE(3, 140000))), ERG_AXES(1), 0);
}

/* Two sums read the same chain. */
static erg_node *summed_twice(void) {
    erg_node *x = array("x", ERG_SHAPE(200, 800)), *s = erg_mul(x, array("y", ERG_SHAPE(200, 800)));
    return erg_add(erg_sum(erg_square(s), ERG_ALL, 0),
                   erg_max(erg_square(erg_add(s, x)), ERG_ALL, 0));
}

/* Too many to be made at once, but block by block they can be. */
static erg_node *many_long_rows(void) {
    return erg_sum(erg_square(array("x", ERG_SHAPE(64, 140000))), ERG_AXES(1), 0);
}

static erg_node *short_rows(void) {
    return erg_sum(erg_square(array("x", ERG_SHAPE(300, 96))), ERG_AXES(1), 0);
}

static erg_node *crooked_rows(void) {
    return erg_sum(erg_square(array("x", ERG_SHAPE(300, 1001))), ERG_AXES(1), 0);
}

static erg_node *reshaped(void) {
    erg_node *x = erg_square(array("x", ERG_SHAPE(64, 32, 32)));
    return erg_sum(ERG_RESHAPE(x, 64, 1024), ERG_AXES(1), 0);
}

/* The mean is stored to a leaf that the same chain reads. */
static erg_node *stored(void) {
    erg_node *mean = filled(erg_state(g, "mean", dtype, ERG_SHAPE(1, 700)), 1);
    erg_node *x = erg_sub(array("x", ERG_SHAPE(500, 700)), mean);
    return erg_assign(mean, erg_mean(erg_square(x), ERG_AXES(0), 1));
}

typedef struct row {
    const char *name;
    erg_node *(*build)(void);
    int folds; /* that make their operand */
} row;

static const row table[] = {
    {"all of a large array", all_of_a_large_array, 1},
    {"all of a small array", all_of_a_small_array, 1},
    {"columns", columns, 1},
    {"long rows", long_rows, 1},
    {"rows", rows, 1},
    {"middle axis", middle_axis, 1},
    {"noise", noise, 1},
    {"all of noise", all_of_noise, 0}, /* numbers are drawn in a region, for each row */
    {"of a product", of_a_product, 1},
    {"wanted twice", wanted_twice, 1},
    {"operand wanted", operand_wanted, 0},
    {"wanted whole", wanted_whole, 1},
    {"few long rows", few_long_rows, 1},
    {"many long rows", many_long_rows, 1},
    {"summed twice", summed_twice, 2}, /* what both read is made twice */
    {"short rows", short_rows, 0},
    {"crooked rows", crooked_rows, 0},
    {"reshaped", reshaped, 1},
    {"stored", stored, 1},
};

static int folds_with_chains(const erg_plan *plan) {
    int folds = 0;
    for (int i = 0; i < plan->n_steps; i++) {
        erg_op op = plan->steps[i].node->op;
        folds += (op == ERG_OP_sum || op == ERG_OP_max) && plan->steps[i].n_nodes > 1;
    }
    return folds;
}

START_TEST(operands_are_made_on_the_way) {
    dtype = _i % 2 ? F64 : F32;
    erg_node *node = table[_i / 2].build();
    int before = erg_threads();
    erg_set_threads(1);
    erg_plan *plan = compile_with("verify", &node, 1);
    erg_set_threads(before);
    ck_assert_msg(folds_with_chains(plan) == table[_i / 2].folds, "%s: %d folds with chains",
                  table[_i / 2].name, folds_with_chains(plan));
    erg_plan_free(plan);
}
END_TEST

/* Two runs: there may be random numbers, and a leaf that is stored to. */
static erg_tensor *run(const char *words, erg_node *node, int threads) {
    int before = erg_threads();
    g->runs = 7;
    erg_node *mean = erg_find(g, "mean");
    if (mean)
        filled(mean, 1);
    erg_set_threads(threads);
    erg_plan *plan = compile_with(words, &node, 1);
    erg_run_n(plan, 2);
    erg_set_threads(before);
    erg_tensor *value = erg_tensor_clone(mean ? erg_value(mean) : erg_output(plan, 0));
    erg_plan_free(plan);
    return value;
}

START_TEST(no_bit_depends_on_it) {
    static const char *const words[] = {"", "small-tiles", "no-regions", "no-code", "no-reuse"};
    dtype = _i % 2 ? F64 : F32;
    erg_node *node = table[_i / 2].build();
    erg_tensor *expected = run("no-chains", node, 1), *reference = run("reference", node, 1);
    double bound = dtype == F64 ? 1e-13 : 1e-5;
    ck_assert_double_le(distance(expected, reference), bound);
    for (int i = 0; i < COUNT(words); i++)
        for (int threads = 1; threads <= 3; threads++) {
            erg_tensor *got = run(words[i], node, threads);
            size_t bytes = (size_t)erg_tensor_size(got) * erg_dtype_size(dtype);
            ck_assert_msg(memcmp(got->data, expected->data, bytes) == 0, "%s, %s, %d threads",
                          table[_i / 2].name, words[i], threads);
            erg_tensor_free(got);
        }
    erg_tensor_free(expected);
    erg_tensor_free(reference);
}
END_TEST

START_TEST(what_is_summed_is_no_array) {
    dtype = F32;
    erg_node *node = all_of_a_large_array();
    erg_plan *plan = compile_with("", &node, 1), *apart = compile_with("no-chains", &node, 1);
    ck_assert_uint_lt(plan->arena_size, 4096);
    ck_assert_uint_lt(plan->scratch_size, 32768);
    ck_assert_uint_gt(apart->arena_size, 4 * 500 * 700);
    erg_plan_free(plan);
    erg_plan_free(apart);
}
END_TEST

/* A chain that takes long is shared by more threads than there are rows. */
START_TEST(few_rows_leave_a_chain_its_threads) {
    int before = erg_threads();
    dtype = F32;
    erg_node *node = erg_sum(erg_exp(array("x", ERG_SHAPE(3, 40000))), ERG_AXES(1), 0);
    for (int threads = 1; threads <= 5; threads++) {
        erg_set_threads(threads);
        erg_plan *plan = compile_with("", &node, 1);
        ck_assert_int_eq(folds_with_chains(plan), threads <= 3);
        erg_plan_free(plan);
    }
    erg_set_threads(before);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("fold");
    TCase *tests = tcase_create("fold");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, operands_are_made_on_the_way, 0, 2 * COUNT(table));
    tcase_add_loop_test(tests, no_bit_depends_on_it, 0, 2 * COUNT(table));
    tcase_add_test(tests, what_is_summed_is_no_array);
    tcase_add_test(tests, few_rows_leave_a_chain_its_threads);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

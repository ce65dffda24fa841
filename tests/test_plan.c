/* test_plan.c: what a compiled plan computes is what the interpreter computes, for every operation
 * and for random graphs, each pass on or off, with any number of threads. */
#include <stdio.h>
#include <string.h>

#include "ops_table.h"
#include "plan_tools.h"
#include "random_graph.h"

static void assert_same_bits(const erg_plan *a, const erg_plan *b, const char *what) {
    for (int k = 0; erg_output(a, k); k++) {
        const erg_tensor *x = erg_output(a, k), *y = erg_output(b, k);
        size_t bytes = (size_t)erg_tensor_size(x) * erg_dtype_size(x->dtype);
        ck_assert_msg(memcmp(x->data, y->data, bytes) == 0, "%s: other bits in output %d", what, k);
    }
}

/* ------------------------------------------------------------------------------- random graphs */

static const char *const variants[] = {
    "verify",
    "verify,no-cse",
    "verify,no-reuse",
    "verify,no-regions",
    "verify,no-chains",
    "verify,no-code",
    "verify,no-recompute",
    "verify,no-factor",
    "verify,small-tiles",
    "verify,no-simplify",
    "verify,no-simplify,no-cse,no-reuse",
};

/* Runs twice, as the first run must leave nothing that changes the second. */
static void run_from(erg_plan *plan, uint64_t runs) {
    for (int i = 0; i < 2; i++) {
        erg_graph_set_runs(plan->graph, runs);
        erg_run(plan);
    }
}

static void compare_with_reference(erg_node *const *outputs, int count, double tolerance,
                                   const char *what) {
    erg_plan *reference = compile_with("reference", outputs, count);
    run_from(reference, 7);
    for (int v = 0; v < COUNT(variants); v++) {
        erg_plan *plan = compile_with(variants[v], outputs, count);
        run_from(plan, 7);
        for (int k = 0; k < count; k++) {
            double d = distance(erg_output(plan, k), erg_output(reference, k));
            ck_assert_msg(d <= tolerance, "%s, %s: output %d is %g off", what, variants[v], k, d);
        }
        erg_plan_free(plan);
    }
    erg_plan_free(reference);
}

/* float32: the interpreter computes in double precision and rounds once an operation, a kernel may
 * be 2 ULP off, 2.4e-7, and a graph may amplify that some hundred times. Derivatives: those by a
 * number that was stretched are sums of a thousand terms that partly cancel, added in another
 * order. */
static const struct kind {
    random_graph_options options;
    int graphs;
    double tolerance;
} kinds[] = {
    {{.dtype = F64, .operations = 30}, 400, 1e-12},
    {{.dtype = F32, .operations = 12}, 300, 2e-5},
    {{.dtype = F64, .operations = 10, .derive = true}, 200, 1e-11},
};

START_TEST(random_graphs_agree_with_the_interpreter) {
    const struct kind *kind = &kinds[_i];
    for (int i = 0; i < repetitions(kind->graphs); i++) {
        uint64_t seed = 1000 * (uint64_t)_i + (uint64_t)i;
        char what[64];
        snprintf(what, sizeof what, "kind %d, seed %llu", _i, (unsigned long long)seed);
        random_graph r = random_graph_new(seed, kind->options);
        ck_assert_msg(!erg_graph_error(r.graph), "%s: %s", what, erg_graph_error(r.graph));
        compare_with_reference(r.outputs, r.count, kind->tolerance, what);
        erg_graph_free(r.graph);
    }
}
END_TEST

/* The comparison can fail. */
START_TEST(comparison_finds_differences) {
    erg_tensor *a = erg_tensor_from(F64, ERG_SHAPE(2), (double[]){1, 2});
    erg_tensor *b = erg_tensor_from(F64, ERG_SHAPE(2), (double[]){1, 2 + 1e-11});
    ck_assert_double_gt(distance(a, b), 1e-12);
    erg_tensor_set(b, 1, NAN);
    ck_assert(isinf(distance(a, b)));
    ck_assert_double_eq(distance(b, b), 0);
    erg_tensor_free(a);
    erg_tensor_free(b);
}
END_TEST

/* Merging the same computations, and sharing memory, change no bit. What factor takes apart depends
 * on what cse has merged. */
START_TEST(these_passes_change_no_bit) {
    static const char *const same_bits[] = {"no-factor,no-cse",
                                            "no-factor,no-reuse",
                                            "no-factor,no-chains",
                                            "no-factor,no-code",
                                            "no-factor,no-recompute",
                                            "no-factor,no-epilogue",
                                            "no-factor,no-cse,no-reuse,no-chains"};
    for (int i = 0; i < repetitions(200); i++) {
        random_graph_options options = {
            .dtype = i % 2 ? F64 : F32, .operations = 25, .derive = i % 3 == 0};
        random_graph r = random_graph_new(5000 + (uint64_t)i, options);
        erg_plan *plan = compile_with("no-factor", r.outputs, r.count);
        run_from(plan, 3);
        for (int v = 0; v < COUNT(same_bits); v++) {
            erg_plan *other = compile_with(same_bits[v], r.outputs, r.count);
            run_from(other, 3);
            char what[64];
            snprintf(what, sizeof what, "seed %d, %s", 5000 + i, same_bits[v]);
            assert_same_bits(plan, other, what);
            erg_plan_free(other);
        }
        erg_plan_free(plan);
        erg_graph_free(r.graph);
    }
}
END_TEST

static int computed_nodes(const erg_plan *plan) {
    int nodes = 0;
    for (int i = 0; i < plan->n_steps; i++)
        nodes += plan->steps[i].n_nodes;
    return nodes;
}

/* Only large values are computed again, mostly those that derivatives read: some of these graphs
 * must have such values. */
START_TEST(computing_again_changes_no_bit) {
    static const char *const same_bits[] = {"no-recompute", "no-code", "no-chains", "no-reuse",
                                            "no-recompute,no-code,no-chains,no-reuse"};
    int again = 0;
    for (int i = 0; i < repetitions(60); i++) {
        random_graph_options options = {
            .dtype = i % 2 ? F64 : F32, .operations = 40, .large = true, .derive = true};
        random_graph r = random_graph_new(7000 + (uint64_t)i, options);
        erg_plan *plan = compile_with("", r.outputs, r.count);
        run_from(plan, 3);
        for (int v = 0; v < COUNT(same_bits); v++) {
            erg_plan *other = compile_with(same_bits[v], r.outputs, r.count);
            run_from(other, 3);
            char what[96];
            snprintf(what, sizeof what, "seed %d, %s", 7000 + i, same_bits[v]);
            assert_same_bits(plan, other, what);
            again += v == 0 && computed_nodes(plan) > computed_nodes(other);
            erg_plan_free(other);
        }
        erg_plan_free(plan);
        erg_graph_free(r.graph);
    }
    ck_assert_int_gt(again, 0);
}
END_TEST

START_TEST(threads_change_no_bit) {
    static const int threads[] = {2, 3, 4, 7};
    int before = erg_threads();
    for (int i = 0; i < repetitions(30); i++) {
        random_graph_options options = {
            .dtype = i % 2 ? F64 : F32, .operations = 12, .large = true, .derive = i % 3 == 0};
        random_graph r = random_graph_new(9000 + (uint64_t)i, options);
        erg_set_threads(1);
        erg_plan *plan = compile_with("", r.outputs, r.count);
        run_from(plan, 3);
        for (int t = 0; t < COUNT(threads); t++) {
            erg_set_threads(threads[t]);
            erg_plan *other = compile_with("", r.outputs, r.count);
            erg_set_threads(threads[(t + i) % COUNT(threads)]); /* may change after compiling */
            run_from(other, 3);
            char what[64];
            snprintf(what, sizeof what, "seed %d, %d threads", 9000 + i, threads[t]);
            assert_same_bits(plan, other, what);
            erg_plan_free(other);
        }
        erg_plan_free(plan);
        erg_graph_free(r.graph);
    }
    erg_set_threads(before);
}
END_TEST

/* One value, computed or drawn, may be stored to several leaves. */
START_TEST(a_value_may_be_stored_often) {
    for (int runs = 1; runs <= 3; runs++) {
        erg_graph *g = erg_graph_new(0);
        erg_node *x = erg_input(g, NULL, F64, ERG_SHAPE(300, 2)), *leaves[3], *effects[4];
        erg_node *drawn = erg_normal(g, F64, ERG_SHAPE(300, 2)), *value = erg_add(x, drawn);
        for (int k = 0; k < 3; k++) {
            leaves[k] = erg_state(g, NULL, F64, ERG_SHAPE(300, 2));
            effects[k] = erg_assign(leaves[k], k < 2 ? value : drawn);
        }
        effects[3] = erg_assign(x, value);
        erg_plan *plan = erg_compile(effects, 4);
        ck_assert_ptr_nonnull(plan);
        erg_run_n(plan, runs);
        size_t bytes = 600 * sizeof(double);
        ck_assert_mem_eq(erg_value(leaves[0])->data, erg_value(x)->data, bytes);
        ck_assert_mem_eq(erg_value(leaves[1])->data, erg_value(x)->data, bytes);
        ck_assert_double_ne(erg_tensor_get(erg_value(x), 599), 0);
        if (runs == 1)
            ck_assert_mem_eq(erg_value(leaves[2])->data, erg_value(x)->data, bytes);
        erg_plan_free(plan);
        erg_graph_free(g);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- operations */

static bool seen[ERG_OP_COUNT];

static void compare_node(erg_node *node, const row *row) {
    const erg_graph *graph = erg_node_graph(node);
    ck_assert_msg(node && !erg_graph_error(graph), "%s: %s", row->text, erg_graph_error(graph));
    for (int i = 0; i < graph->count; i++)
        seen[graph->nodes[i]->op] = true;
    compare_with_reference(&node, 1, node->dtype == F64 ? 1e-12 : 2e-5, row->text);
}

/* Shapes of the three operands: odd sizes, one element, none, and stretched in several ways. */
static const int64_t shapes[][3][3] = {
    {{3, 5, 7}, {3, 5, 7}, {3, 5, 7}},   {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
    {{3, 0, 7}, {1, 1, 7}, {3, 0, 1}},   {{4, 3, 17}, {1, 1, 17}, {4, 3, 17}},
    {{4, 3, 17}, {4, 3, 1}, {1, 1, 17}}, {{4, 1, 17}, {1, 3, 17}, {1, 1, 1}},
    {{1, 1, 1}, {2, 3, 17}, {2, 3, 1}},
};

static void compare_elementwise(erg_dtype dtype) {
    for (int i = 0; i < elementwise_count; i++)
        for (int k = 0; k < COUNT(shapes); k++) {
            const elementwise_row *row = &elementwise_rows[i];
            setting s = setting_new(dtype, row->domain);
            erg_node *x[3];
            for (int j = 0; j < 3; j++)
                x[j] = j < row->operands ? setting_leaf(&s, j, 3, shapes[k][j]) : NULL;
            compare_node(row->build(x[0], x[1], x[2]), &row->row);
            setting_free(&s);
        }
}

static void compare_others(erg_dtype dtype) {
    static const double domain[] = {-2, 2};
    for (int i = 0; i < sample_count; i++) {
        setting s = setting_new(dtype, sample_rows[i].domain);
        compare_node(sample_rows[i].build(&s), &sample_rows[i].row);
        setting_free(&s);
    }
    for (int i = 0; i < value_count; i++) {
        setting s = setting_new(dtype, domain);
        compare_node(value_rows[i].build(&s), &value_rows[i].row);
        setting_free(&s);
    }
}

START_TEST(every_operation_agrees_with_the_interpreter) {
    compare_elementwise(_i ? F64 : F32);
    compare_others(_i ? F64 : F32);
    for (int op = 0; op < ERG_OP_COUNT; op++) {
        bool is_effect = op == ERG_OP_assign || op == ERG_OP_group;
        bool is_leaf = op == ERG_OP_param || op == ERG_OP_state; /* as input is */
        bool is_made = op == ERG_OP_pack || op == ERG_OP_matmul_packed ||
                       op == ERG_OP_matmul_biased || op == ERG_OP_matvec ||
                       op == ERG_OP_matmul_sparse || op == ERG_OP_conv2d_last; /* by the compiler */
        ck_assert_msg(seen[op] || is_effect || is_leaf || is_made, "%s is in no graph",
                      erg_ops[op].name);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("plan");
    TCase *oracle = tcase_create("oracle");
    tcase_set_timeout(oracle, 240);
    tcase_add_test(oracle, comparison_finds_differences);
    tcase_add_loop_test(oracle, every_operation_agrees_with_the_interpreter, 0, 2);
    tcase_add_loop_test(oracle, random_graphs_agree_with_the_interpreter, 0, COUNT(kinds));
    suite_add_tcase(suite, oracle);
    TCase *bits = tcase_create("bits");
    tcase_set_timeout(bits, 240);
    tcase_add_test(bits, these_passes_change_no_bit);
    tcase_add_test(bits, computing_again_changes_no_bit);
    tcase_add_test(bits, threads_change_no_bit);
    tcase_add_test(bits, a_value_may_be_stored_often);
    suite_add_tcase(suite, bits);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

/* test_graph.c: graphs as containers: leaves, names, scopes, the first mistake, memory, random
 * streams, the run counter, and graphs as text. */
#include <check.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "../autograd/graph.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define F64 ERG_FLOAT64

static erg_graph *g;

static void make_graph(void) {
    g = erg_graph_new(7);
    ck_assert_ptr_nonnull(g);
}

static void free_graph(void) {
    erg_graph_free(g);
}

static erg_node *input(const char *name) {
    return erg_input(g, name, F64, ERG_SHAPE(2));
}

static void assert_error(const char *message) {
    ck_assert_ptr_nonnull(erg_graph_error(g));
    ck_assert_str_eq(erg_graph_error(g), message);
}

static void assert_good(void) {
    ck_assert_msg(!erg_graph_error(g), "%s", erg_graph_error(g));
}

/* The node's value is these numbers. */
static void assert_value(erg_node *node, int count, const double *wanted) {
    erg_tensor *value = erg_evaluate(node);
    ck_assert_msg(value != NULL, "%s", erg_error_message());
    ck_assert_int_eq(erg_tensor_size(value), count);
    for (int i = 0; i < count; i++)
        ck_assert_double_eq(erg_tensor_get(value, i), wanted[i]);
    erg_tensor_free(value);
}

/* ------------------------------------------------------------------------------- leaves */

static const struct leaf_kind {
    const char *name;
    erg_node *(*make)(erg_graph *, const char *, erg_dtype, erg_shape);
} leaf_kinds[] = {{"input", erg_input}, {"param", erg_param}, {"state", erg_state}};

START_TEST(leaf_holds_a_tensor) {
    erg_node *x = leaf_kinds[_i].make(g, "x", ERG_FLOAT32, ERG_SHAPE(2, 3));
    ck_assert_ptr_nonnull(x);
    ck_assert_int_eq(erg_node_dtype(x), ERG_FLOAT32);
    ck_assert(erg_shape_equal(erg_node_shape(x), ERG_SHAPE(2, 3)));
    ck_assert_ptr_eq(erg_node_graph(x), g);
    ck_assert_str_eq(erg_node_name(x), "x");
    ck_assert_ptr_eq(erg_find(g, "x"), x);

    erg_tensor *value = erg_value(x);
    ck_assert_int_eq(value->dtype, ERG_FLOAT32);
    ck_assert(erg_shape_equal(value->shape, ERG_SHAPE(2, 3)));
    assert_value(x, 6, (double[6]){0});

    erg_node *doubled = erg_add(x, x);
    erg_plan *plan = erg_compile(&doubled, 1);
    for (int run = 1; run <= 2; run++) {
        erg_tensor_fill(value, run);
        erg_run(plan);
        ck_assert_double_eq(erg_tensor_get(erg_output(plan, 0), 5), 2.0 * run);
    }
    erg_plan_free(plan);
}
END_TEST

START_TEST(constants_do_not_change) {
    erg_tensor *numbers = erg_tensor_from(F64, ERG_SHAPE(3), (double[]){1, 2, 3});
    erg_node *c = erg_constant(g, numbers);
    erg_tensor_fill(numbers, 9);
    erg_tensor_free(numbers);
    assert_value(c, 3, (double[]){1, 2, 3});
    ck_assert_ptr_null(erg_node_name(c));
    ck_assert_ptr_null(erg_value(c));
    ck_assert_str_eq(erg_error_message(), "value: only an input, a param or a state has one");
    ck_assert_ptr_null(erg_value(erg_neg(c)));
    assert_good();
}
END_TEST

START_TEST(numbers_without_storage) {
    assert_value(erg_full(g, F64, ERG_SHAPE(3), 2.5), 3, (double[]){2.5, 2.5, 2.5});
    assert_value(erg_full(g, ERG_INT32, ERG_SHAPE(2), -3), 2, (double[]){-3, -3});
    assert_value(erg_scalar(g, ERG_FLOAT32, 0.5), 1, (double[]){0.5});
    assert_value(erg_full_like(input("x"), 4), 2, (double[]){4, 4});
    assert_value(erg_arange(g, ERG_INT32, 4), 4, (double[]){0, 1, 2, 3});
    assert_value(erg_arange(g, F64, 0), 0, NULL);
    ck_assert_int_eq(erg_node_shape(erg_scalar(g, F64, 1)).ndim, 0);
    ck_assert_ptr_nonnull(erg_full(g, F64, ERG_SHAPE(1 << 30, 1 << 29), 0));
    assert_good();
}
END_TEST

START_TEST(leaves_without_a_name) {
    erg_scope_push(g, "scope");
    erg_node *a = erg_input(g, NULL, F64, ERG_SCALAR), *b = erg_state(g, NULL, F64, ERG_SCALAR);
    erg_scope_pop(g);
    ck_assert(a && b && !erg_node_name(a) && !erg_node_name(b));
    erg_tensor_fill(erg_value(b), 3);
    assert_value(erg_add(a, b), 1, (double[]){3});
    ck_assert_ptr_null(erg_param(g, NULL, F64, ERG_SCALAR));
    assert_error("name: a name must not be empty");
}
END_TEST

/* ------------------------------------------------------------------------------- names */

START_TEST(names_are_unique) {
    erg_node *x = input("x");
    erg_tensor_fill(erg_value(x), 5);
    int count = g->count;
    ck_assert_ptr_null(leaf_kinds[_i].make(g, "x", F64, ERG_SCALAR));
    assert_error("name: there is already a node named \"x\"");
    erg_graph_clear_error(g);
    ck_assert_ptr_null(erg_name(erg_scalar(g, F64, 0), "x"));
    assert_error("name: there is already a node named \"x\"");
    ck_assert_int_eq(g->count, count + 1);
    ck_assert_ptr_eq(erg_find(g, "x"), x);
    erg_graph_clear_error(g);
    assert_value(x, 2, (double[]){5, 5});
}
END_TEST

START_TEST(other_nodes_can_be_named) {
    erg_node *x = input("x"), *y = erg_neg(x);
    ck_assert_ptr_null(erg_node_name(y));
    erg_scope_push(g, "a");
    ck_assert_ptr_eq(erg_name(y, "y"), y);
    erg_scope_pop(g);
    ck_assert_str_eq(erg_node_name(y), "a/y");
    ck_assert_ptr_eq(erg_find(g, "a/y"), y);
    ck_assert_ptr_null(erg_find(g, "y"));
    ck_assert_ptr_null(erg_find(g, "a"));
    assert_good();
    ck_assert_ptr_null(erg_name(y, "z"));
    assert_error("name: the node is already named \"a/y\"");
    ck_assert_str_eq(erg_node_name(y), "a/y");
    ck_assert_ptr_null(erg_find(g, "z"));
}
END_TEST

START_TEST(params_by_prefix_in_order) {
    static const char *const names[] = {"b", "a", "ab", "B"};
    erg_node *made[COUNT(names)];
    int count = -1;
    ck_assert_ptr_null(erg_params(g, NULL, &count));
    ck_assert_int_eq(count, 0);
    for (int i = 0; i < COUNT(names); i++) {
        made[i] = erg_param(g, names[i], F64, ERG_SCALAR);
        input(i % 2 ? "a1" : "a0");
        erg_graph_clear_error(g);
    }
    erg_name(erg_neg(made[0]), "a2");
    static const struct {
        const char *prefix;
        int count, which[COUNT(names)];
    } rows[] = {{NULL, 4, {0, 1, 2, 3}}, {"", 4, {0, 1, 2, 3}}, {"a", 2, {1, 2}},
                {"ab", 1, {2}},          {"B", 1, {3}},         {"abc", 0, {0}}};
    for (int r = 0; r < COUNT(rows); r++) {
        erg_node **found = erg_params(g, rows[r].prefix, &count);
        ck_assert_int_eq(count, rows[r].count);
        ck_assert_int_eq(found != NULL, count > 0);
        for (int k = 0; k < count; k++)
            ck_assert_ptr_eq(found[k], made[rows[r].which[k]]);
    }
    assert_good();
}
END_TEST

/* ------------------------------------------------------------------------------- scopes */

START_TEST(variables_in_order) {
    ck_assert_ptr_null(erg_next_variable(g, NULL));
    erg_node *x = input("x"), *a = erg_state(g, NULL, ERG_INT32, ERG_SCALAR);
    erg_node *b = erg_param(g, "b", F64, ERG_SCALAR), *c = erg_scalar(g, F64, 1);
    erg_node *last = erg_state(g, "c", F64, ERG_SCALAR), *sum = erg_add(b, c);
    ck_assert_ptr_eq(erg_next_variable(g, NULL), a);
    ck_assert_ptr_eq(erg_next_variable(g, a), b);
    ck_assert_ptr_eq(erg_next_variable(g, b), last);
    ck_assert_ptr_null(erg_next_variable(g, last));
    ck_assert_ptr_eq(erg_next_variable(g, c), last);
    erg_node *const others[] = {x, a, c, last, sum};
    for (int i = 0; i < COUNT(others); i++)
        ck_assert_int_eq(erg_is_param(others[i]), 0);
    ck_assert_int_eq(erg_is_param(b), 1);
}
END_TEST

START_TEST(scopes_make_paths) {
    erg_scope_push(g, "energy");
    ck_assert_str_eq(erg_node_name(input("x")), "energy/x");
    erg_scope_push(g, "0");
    ck_assert_str_eq(erg_node_name(input("x")), "energy/0/x");
    erg_scope_pop(g);
    erg_scope_push(g, "1");
    ck_assert_str_eq(erg_node_name(input("x")), "energy/1/x");
    erg_scope_pop(g);
    erg_scope_pop(g);
    ck_assert_str_eq(erg_node_name(input("x")), "x");
    assert_good();
    ck_assert_ptr_null(erg_input(g, "energy/0/x", F64, ERG_SCALAR)); /* the same full name */
    assert_error("name: there is already a node named \"energy/0/x\"");
}
END_TEST

START_TEST(refused_scopes_change_nothing) {
    erg_scope_push(g, "a");
    static const struct {
        const char *name, *message;
    } rows[] = {{"b/c", "scope_push: \"b/c\" contains a '/' at \"a\""},
                {"/", "scope_push: \"/\" contains a '/' at \"a\""},
                {"", "name: a name must not be empty at \"a\""},
                {NULL, "name: a name must not be empty at \"a\""}};
    for (int r = 0; r < COUNT(rows); r++) {
        erg_scope_push(g, rows[r].name);
        assert_error(rows[r].message);
        erg_graph_clear_error(g);
    }
    ck_assert_str_eq(erg_node_name(input("x")), "a/x");
    erg_scope_pop(g);
    assert_good();
    erg_scope_pop(g);
    assert_error("scope_pop: no scope is open");
    erg_graph_clear_error(g);
    ck_assert_str_eq(erg_node_name(input("x")), "x");
}
END_TEST

START_TEST(empty_names) {
    for (int i = 0; i < COUNT(leaf_kinds); i++) {
        ck_assert_ptr_null(leaf_kinds[i].make(g, "", F64, ERG_SCALAR));
        assert_error("name: a name must not be empty");
        erg_graph_clear_error(g);
    }
    ck_assert_int_eq(g->count, 0);
}
END_TEST

/* ------------------------------------------------------------------------------- mistakes */

START_TEST(the_first_mistake_is_kept) {
    assert_good();
    erg_node *x = input("x"), *i = erg_arange(g, ERG_INT32, 2);
    int count = g->count;
    ck_assert_ptr_null(erg_add(x, i));
    const char *first = "add: operand 2 is int32, must be a float dtype, operands \"x\"";
    assert_error(first);
    ck_assert_str_eq(erg_error_message(), first);
    ck_assert_ptr_null(erg_squeeze(x, 0));
    assert_error(first);
    ck_assert_str_eq(erg_error_message(), "squeeze: axis 0 of (2) does not have size 1");

    ck_assert_ptr_null(erg_compile(&x, 1));
    ck_assert_str_eq(erg_error_message(), first);
    ck_assert_ptr_null(erg_gradient(x, x));

    erg_graph_clear_error(g);
    assert_good();
    ck_assert_int_eq(g->count, count);
    erg_tensor_fill(erg_value(x), 2);
    assert_value(erg_gradient(erg_square(x), x), 2, (double[]){4, 4});
    ck_assert_ptr_null(erg_squeeze(x, 0));
    assert_error("squeeze: axis 0 of (2) does not have size 1");
}
END_TEST

/* (256, 2) x (3, 128) deep inside an expression, as in a wrongly sized model. */
START_TEST(nested_building) {
    erg_node *x = erg_input(g, "x", ERG_FLOAT32, ERG_SHAPE(256, 2));
    erg_scope_push(g, "energy");
    erg_scope_push(g, "0");
    erg_node *w = erg_param(g, "weight", ERG_FLOAT32, ERG_SHAPE(3, 128));
    erg_node *h = erg_tanh(erg_add_scalar(erg_matmul(x, w), 1));
    erg_node *e = erg_sum(erg_mul(h, erg_softmax(h, -1)), ERG_AXES(-1), 0);
    ck_assert_ptr_null(e);
    ck_assert_ptr_null(erg_laplacian(e, x));
    assert_error("matmul: inner sizes differ: (256, 2) x (3, 128) at \"energy/0\", "
                 "operands \"x\", \"energy/0/weight\"");
    ck_assert_ptr_null(erg_evaluate(e));
}
END_TEST

static erg_node *half(erg_node *x) {
    erg_shape shape = erg_node_shape(x);
    if (shape.ndim != 1 || shape.dims[0] % 2)
        return erg_graph_fail(erg_node_graph(x), "half: %d axes, size %s", shape.ndim, "odd");
    return erg_slice(x, 0, 0, shape.dims[0] / 2, 1);
}

START_TEST(mistakes_of_a_users_own) {
    erg_node *x = erg_input(g, "x", F64, ERG_SHAPE(3));
    erg_scope_push(g, "100%s");
    ck_assert_ptr_null(erg_neg(half(x)));
    assert_error("half: 1 axes, size odd at \"100%s\"");
    ck_assert_ptr_null(half(x));
    ck_assert_str_eq(erg_error_message(), "half: 1 axes, size odd at \"100%s\"");
    erg_graph_fail(g, "second");
    assert_error("half: 1 axes, size odd at \"100%s\"");
}
END_TEST

/* Whatever the names, the message ends where its buffer does. */
START_TEST(long_names) {
    char name[2000];
    memset(name, '%', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    erg_node *x = erg_input(g, name, F64, ERG_SHAPE(2));
    ck_assert_ptr_eq(erg_find(g, name), x);
    erg_scope_push(g, name);
    ck_assert_ptr_null(erg_matmul(x, erg_input(g, name, F64, ERG_SHAPE(3))));
    const char *message = erg_graph_error(g);
    ck_assert(strncmp(message, "matmul: inner sizes differ: (1, 2) x (3, 1) at", 46) == 0);
    ck_assert_uint_lt(strlen(message), sizeof g->error);
    erg_graph_clear_error(g);
    ck_assert_ptr_null(erg_input(g, name, F64, ERG_SCALAR));
    ck_assert(strncmp(erg_graph_error(g), "name: there is already", 22) == 0);
}
END_TEST

/* ------------------------------------------------------------------------------- memory */

static bool all_bytes(const unsigned char *bytes, size_t size, unsigned char value) {
    bool all = true;
    for (size_t i = 0; i < size; i++)
        all &= bytes[i] == value;
    return all;
}

START_TEST(memory_is_zeroed_and_aligned) {
    static const size_t sizes[] = {0,     1,     7,       16, 17,    100, 4096,
                                   65536, 65537, 1000000, 3,  60000, 9000};
    unsigned char *blocks[COUNT(sizes)];
    for (int i = 0; i < COUNT(sizes); i++) {
        blocks[i] = erg_graph_alloc(g, sizes[i]);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        ck_assert(all_bytes(blocks[i], sizes[i], 0));
        memset(blocks[i], i + 1, sizes[i]);
    }
    for (int i = 0; i < COUNT(sizes); i++)
        ck_assert(all_bytes(blocks[i], sizes[i], (unsigned char)(i + 1)));
    for (size_t less = 0; less <= 16; less++)
        ck_assert_ptr_null(erg_graph_alloc(g, SIZE_MAX - less));
    assert_error("out of memory");
}
END_TEST

/* ------------------------------------------------------------------------------- random streams */

START_TEST(streams_are_unique) {
    enum { N = 12 };
    uint32_t streams[N];
    for (int i = 0; i < N; i++) {
        erg_node *node = i % 3 == 1   ? erg_normal(g, F64, ERG_SHAPE(4))
                         : i % 3 == 2 ? erg_uniform(g, F64, ERG_SHAPE(4))
                                      : NULL;
        streams[i] = node ? (uint32_t)node->attr[0] : erg_graph_random(g).stream;
        for (int k = 0; k < i; k++)
            ck_assert_uint_ne(streams[i], streams[k]);
    }
    ck_assert_uint_eq(erg_graph_random(g).seed, 7);
}
END_TEST

/* What a run draws is what erg_random_normal draws for (seed, stream, runs). */
START_TEST(draws_follow_seed_and_runs) {
    static const uint64_t seeds[] = {0, 1, UINT64_MAX};
    erg_graph *graph = erg_graph_new(seeds[_i]);
    ck_assert_uint_eq(erg_graph_seed(graph), seeds[_i]);
    uint32_t stream = erg_graph_random(graph).stream + 1;
    erg_node *noise = erg_normal(graph, F64, ERG_SHAPE(16));
    erg_plan *plan = erg_compile(&noise, 1);
    erg_tensor *wanted = erg_tensor_new(F64, ERG_SHAPE(16));
    static const uint64_t runs[] = {0, 1, 2, UINT32_MAX, UINT64_MAX};
    for (int k = 0; k < COUNT(runs); k++) {
        erg_graph_set_runs(graph, runs[k]);
        erg_run(plan);
        ck_assert_uint_eq(erg_graph_runs(graph), runs[k] + 1);
        erg_random_normal(wanted, (erg_random){seeds[_i], stream, runs[k]});
        ck_assert_mem_eq(erg_output(plan, 0)->data, wanted->data, 16 * sizeof(double));
    }
    erg_tensor_free(wanted);
    erg_plan_free(plan);
    erg_graph_free(graph);
}
END_TEST

/* Two plans of a graph share the counter; setting it back repeats what was drawn. */
START_TEST(runs_are_counted_and_repeated) {
    erg_node *x = erg_state(g, "x", F64, ERG_SHAPE(8));
    erg_node *walk = erg_assign(x, erg_add(x, erg_normal(g, F64, ERG_SHAPE(8))));
    erg_node *noise = erg_uniform(g, F64, ERG_SHAPE(8));
    erg_plan *a = erg_compile(&walk, 1), *b = erg_compile(&noise, 1);
    double first[8];
    ck_assert_uint_eq(erg_graph_runs(g), 0);
    erg_run_n(a, 5);
    erg_run(b);
    erg_run(a);
    ck_assert_uint_eq(erg_graph_runs(g), 7);
    memcpy(first, erg_value(x)->data, sizeof first);

    erg_tensor_fill(erg_value(x), 0);
    erg_graph_set_runs(g, 0);
    erg_run_n(a, 3);
    ck_assert_mem_ne(erg_value(x)->data, first, sizeof first);
    erg_run_n(a, 2);
    erg_graph_set_runs(g, 6);
    erg_run(a);
    ck_assert_mem_eq(erg_value(x)->data, first, sizeof first);
    erg_run_n(a, 0);
    erg_run_n(a, -1);
    ck_assert_uint_eq(erg_graph_runs(g), 7);
    erg_plan_free(a);
    erg_plan_free(b);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("graph");
    TCase *tests = tcase_create("graph");
    tcase_add_checked_fixture(tests, make_graph, free_graph);
    tcase_add_loop_test(tests, leaf_holds_a_tensor, 0, COUNT(leaf_kinds));
    tcase_add_test(tests, constants_do_not_change);
    tcase_add_test(tests, numbers_without_storage);
    tcase_add_test(tests, leaves_without_a_name);
    tcase_add_loop_test(tests, names_are_unique, 0, COUNT(leaf_kinds));
    tcase_add_test(tests, other_nodes_can_be_named);
    tcase_add_test(tests, params_by_prefix_in_order);
    tcase_add_test(tests, variables_in_order);
    tcase_add_test(tests, scopes_make_paths);
    tcase_add_test(tests, refused_scopes_change_nothing);
    tcase_add_test(tests, empty_names);
    tcase_add_test(tests, the_first_mistake_is_kept);
    tcase_add_test(tests, nested_building);
    tcase_add_test(tests, mistakes_of_a_users_own);
    tcase_add_test(tests, long_names);
    tcase_add_test(tests, memory_is_zeroed_and_aligned);
    tcase_add_test(tests, streams_are_unique);
    tcase_add_loop_test(tests, draws_follow_seed_and_runs, 0, 3);
    tcase_add_test(tests, runs_are_counted_and_repeated);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

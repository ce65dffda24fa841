/* test_misuse.c: every function of autograd.h called wrongly. A mistake yields an error and nothing
 * else: NULL, a message that names the operation, an unchanged graph, on which building goes on.
 *
 * The tables here are compared with the header: a function without a row fails the test. */
#include <check.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../autograd/graph.h"
#include "header.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define BIG (INT64_C(1) << 32)

/* ------------------------------------------------------------------------------- messages */

static void forget_message(void) {
    erg_fail(ERG_OK, "%s", "");
}

/* True if a failure was reported since the last call, in words that hold `part`. */
static bool said(const char *part) {
    bool found = erg_error_message()[0] && strstr(erg_error_message(), part);
    if (!found)
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", erg_error_message(), part);
    forget_message();
    return found;
}

/* The same of the first mistake in a graph, if there was one that told which graph it was in. */
static bool graph_said(const erg_graph *graph, const char *part) {
    if (erg_graph_error(graph))
        erg_fail(ERG_OK, "%s", erg_graph_error(graph));
    return said(part);
}

/* After any mistake the graph still computes: x + x with x = 1, 2, 3, 4. */
static void assert_still_works(erg_graph *graph) {
    erg_graph_clear_error(graph);
    double values[] = {1, 2, 3, 4};
    erg_tensor *tensor = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(2, 2), values);
    erg_node *x = erg_constant(graph, tensor);
    erg_tensor *sum = erg_evaluate(erg_add(x, x));
    ck_assert_msg(sum != NULL, "%s", erg_error_message());
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq(erg_tensor_get(sum, i), 2 * values[i]);
    erg_tensor_free(sum);
    erg_tensor_free(tensor);
}

/* ------------------------------------------------------------------------------- builders */

static erg_node *square_norm(void *self, erg_node *x) {
    (void)self;
    return erg_sum(erg_square(x), ERG_AXES(1), 0);
}

static const erg_energy energy = {square_norm, NULL};

static erg_node *grad_of_one(erg_node *y, erg_node *x) {
    erg_node *dx = y;
    erg_grad(y, &x, 1, &dx);
    return dx;
}

enum {
    INTEGERS = 1, /* takes int32 where it takes floats */
    MIXED = 2     /* takes operands of different dtypes */
};

#define ROW(name, operands, flags, call)                                                           \
    static erg_node *build_##name(erg_node **in) {                                                 \
        return call;                                                                               \
    }
#include "misuse.def"
#undef ROW

static const struct builder {
    const char *name, *operands;
    int flags;
    erg_node *(*build)(erg_node **in);
} builders[] = {
#define ROW(name, operands, flags, call) {#name, operands, flags, build_##name},
#include "misuse.def"
#undef ROW
};

/* An operand of its kind in the graph, with a dtype of its own if it is not the kind's. */
static erg_node *operand(erg_graph *graph, char kind, erg_dtype dtype) {
    erg_shape shape = kind == 'v'   ? ERG_SHAPE(2)
                      : kind == 'u' ? ERG_SHAPE(2, 1)
                      : kind == 'm' ? ERG_SHAPE(1, 1, 2, 2)
                      : kind == 's' ? ERG_SCALAR
                                    : ERG_SHAPE(2, 2);
    return erg_state(graph, NULL, dtype, shape);
}

static erg_dtype own_dtype(char kind) {
    return kind == 'i' ? ERG_INT32 : ERG_FLOAT64;
}

static int fill(erg_graph *graph, const struct builder *b, erg_node **in) {
    int n = (int)strlen(b->operands);
    for (int k = 0; k < n; k++)
        in[k] = operand(graph, b->operands[k], own_dtype(b->operands[k]));
    return n;
}

static bool is_primitive(const char *name) {
    for (int op = 0; op < ERG_OP_COUNT; op++)
        if (strcmp(erg_ops[op].name, name) == 0)
            return true;
    return false;
}

/* Calls the builder, which must refuse; `what` tells the reader of a failure. */
static void assert_refused(const struct builder *b, erg_graph *graph, erg_node **in, bool known,
                           const char *what) {
    int count = graph->count;
    forget_message();
    ck_assert_msg(b->build(in) == NULL, "%s took %s", b->name, what);
    ck_assert_msg(erg_error_message()[0], "%s refused %s without a word", b->name, what);
    const char *error = erg_graph_error(graph);
    if (known)
        ck_assert_msg(error != NULL, "%s: the graph does not hold the mistake: %s", b->name, what);
    if (is_primitive(b->name))
        ck_assert_msg(graph->count == count, "%s left a node: %s", b->name, what);
    assert_still_works(graph);
}

START_TEST(right_operands_are_taken) {
    const struct builder *b = &builders[_i];
    erg_graph *graph = erg_graph_new(0);
    erg_node *in[3];
    int n = fill(graph, b, in);
    ck_assert_msg(b->build(in) != NULL, "%s: %s", b->name, erg_error_message());
    ck_assert_msg(!erg_graph_error(graph), "%s: %s", b->name, erg_graph_error(graph));
    for (int k = 0; k < n && b->flags & INTEGERS; k++)
        in[k] = operand(graph, b->operands[k], ERG_INT32);
    ck_assert_msg(b->build(in) != NULL, "%s: %s", b->name, erg_error_message());
    assert_still_works(graph);
    erg_graph_free(graph);
}
END_TEST

START_TEST(null_is_refused) {
    const struct builder *b = &builders[_i];
    erg_graph *graph = erg_graph_new(0);
    erg_node *in[3];
    int n = (int)strlen(b->operands);
    for (int k = 0; k < n; k++) {
        fill(graph, b, in);
        in[k] = NULL;
        assert_refused(b, graph, in, n > 1, "NULL");
    }
    memset(in, 0, sizeof in);
    assert_refused(b, graph, in, false, "NULL for all");
    erg_graph_free(graph);
}
END_TEST

START_TEST(two_graphs_are_refused) {
    const struct builder *b = &builders[_i];
    erg_graph *graph = erg_graph_new(0), *other = erg_graph_new(0);
    erg_node *in[3];
    int n = (int)strlen(b->operands);
    for (int k = 1; k < n; k++) {
        fill(graph, b, in);
        in[k] = operand(other, b->operands[k], own_dtype(b->operands[k]));
        assert_refused(b, graph, in, true, "an operand of another graph");
    }
    assert_still_works(other);
    erg_graph_free(graph);
    erg_graph_free(other);
}
END_TEST

START_TEST(wrong_dtypes_are_refused) {
    const struct builder *b = &builders[_i];
    erg_graph *graph = erg_graph_new(0);
    erg_node *in[3];
    int n = fill(graph, b, in), last = n - 1;
    for (int k = 0; k < n; k++) {
        fill(graph, b, in);
        bool index = b->operands[k] == 'i';
        in[k] = operand(graph, b->operands[k], index ? ERG_FLOAT64 : ERG_INT32);
        if (index || !(b->flags & INTEGERS))
            assert_refused(b, graph, in, true, index ? "a float as index" : "int32");
    }
    if (last > 0 && b->operands[last] != 'i' && !(b->flags & MIXED)) {
        fill(graph, b, in);
        in[last] = operand(graph, b->operands[last], ERG_FLOAT32);
        assert_refused(b, graph, in, true, "float64 with float32");
    }
    erg_graph_free(graph);
}
END_TEST

/* ------------------------------------------------------------------------------- axes */

#define AXIS(name, low, high, call)                                                                \
    static erg_node *axis_##name(erg_node *x, erg_node *i, int axis) {                             \
        (void)i;                                                                                   \
        return call;                                                                               \
    }
#include "misuse.def"
#undef AXIS

static const struct axis_row {
    const char *name;
    int low, high;
    erg_node *(*build)(erg_node *x, erg_node *i, int axis);
} axis_rows[] = {
#define AXIS(name, low, high, call) {#name, low, high, axis_##name},
#include "misuse.def"
#undef AXIS
};

START_TEST(axes_out_of_range_are_refused) {
    const struct axis_row *row = &axis_rows[_i];
    erg_graph *graph = erg_graph_new(0);
    erg_node *x = erg_state(graph, NULL, ERG_FLOAT64, ERG_SHAPE(1, 1));
    erg_node *i = erg_state(graph, NULL, ERG_INT32, ERG_SHAPE(1, 1));
    for (int axis = row->low; axis <= row->high; axis++)
        ck_assert_msg(row->build(x, i, axis) != NULL, "%s, axis %d: %s", row->name, axis,
                      erg_error_message());
    const int wrong[] = {row->low - 1, row->high + 1, INT_MIN, INT_MAX};
    for (int k = 0; k < COUNT(wrong); k++) {
        int count = graph->count;
        ck_assert_msg(row->build(x, i, wrong[k]) == NULL, "%s took axis %d", row->name, wrong[k]);
        ck_assert_ptr_nonnull(erg_graph_error(graph));
        ck_assert(graph_said(graph, "axis"));
        if (is_primitive(row->name))
            ck_assert_int_eq(graph->count, count);
        assert_still_works(graph);
    }
    erg_graph_free(graph);
}
END_TEST

/* ------------------------------------------------------------------------------- values */

#define F64 ERG_FLOAT64
#define FULL(...) erg_full(g, F64, ERG_SHAPE(__VA_ARGS__), 1)

static erg_node *itself(void *self, erg_node *x) {
    (void)self;
    return x;
}

static erg_node *concat_16(erg_node *x) {
    erg_node *xs[16];
    for (int k = 0; k < COUNT(xs); k++)
        xs[k] = x;
    return erg_concat(xs, COUNT(xs), 0);
}

static erg_node *gradient_of(erg_node *x, int n) {
    erg_node *dx = NULL;
    erg_grad(x, &x, n, &dx);
    return dx;
}

typedef struct values {
    erg_graph *g;
    erg_node *x, *i, *empty, *huge;
} values;

/* A number of its own for each row of one line or more. */
#define PASTE(a, b) a##b
#define NAME(line) PASTE(bad_, line)
#define BAD(message, call)                                                                         \
    static erg_node *NAME(__LINE__)(values v) {                                                    \
        erg_graph *g = v.g;                                                                        \
        erg_node *x = v.x, *i = v.i, *empty = v.empty, *huge = v.huge;                             \
        (void)g, (void)x, (void)i, (void)empty, (void)huge;                                        \
        return call;                                                                               \
    }
#include "misuse.def"
#undef BAD

static const struct bad {
    const char *message, *text;
    erg_node *(*build)(values v);
} bads[] = {
#define BAD(message, call) {message, #call, NAME(__LINE__)},
#include "misuse.def"
#undef BAD
};

static values some_values(erg_graph *g) {
    return (values){g, erg_state(g, NULL, F64, ERG_SHAPE(2, 2)),
                    erg_state(g, NULL, ERG_INT32, ERG_SHAPE(2, 2)),
                    erg_state(g, NULL, F64, ERG_SHAPE(0)), FULL(BIG)};
}

START_TEST(bad_values_are_refused) {
    const struct bad *b = &bads[_i];
    erg_graph *g = erg_graph_new(0);
    values v = some_values(g);
    ck_assert_ptr_nonnull(v.huge);
    forget_message();
    ck_assert_msg(b->build(v) == NULL, "%s was taken", b->text);
    ck_assert_msg(graph_said(g, b->message), "%s", b->text);
    assert_still_works(g);
    erg_graph_free(g);
}
END_TEST

/* Four results of 2^62 bytes each: their sum is 0 in a size_t. */
START_TEST(too_large_to_compile) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = erg_normal(g, F64, ERG_SHAPE(BIG << 27));
    erg_node *outputs[] = {x, erg_neg(x), erg_exp(x), erg_sin(x)};
    setenv("ERG_DEBUG", _i ? "reference" : "", 1);
    ck_assert_ptr_null(erg_compile(outputs, 4));
    ck_assert(said("compile: "));
    unsetenv("ERG_DEBUG");
    assert_still_works(g);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- NULL elsewhere */

#define NONE(name, condition)                                                                      \
    static bool none_##name(erg_graph *g, erg_node *x, erg_node *node, int number, FILE *sink) {   \
        (void)g, (void)x, (void)node, (void)number, (void)sink;                                    \
        return condition;                                                                          \
    }
#include "misuse.def"
#undef NONE

static const struct none {
    const char *name, *text;
    bool (*holds)(erg_graph *g, erg_node *x, erg_node *node, int number, FILE *sink);
} nones[] = {
#define NONE(name, condition) {#name, #condition, none_##name},
#include "misuse.def"
#undef NONE
};

START_TEST(null_elsewhere) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = erg_state(g, NULL, F64, ERG_SHAPE(2, 2));
    FILE *sink = fopen("/dev/null", "w");
    int count = g->count;
    forget_message();
    ck_assert_msg(nones[_i].holds(g, x, NULL, 0, sink), "%s", nones[_i].text);
    ck_assert_int_eq(g->count, count);
    assert_still_works(g);
    fclose(sink);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- completeness */

#define HAS_ROW(table, name)                                                                       \
    static bool in_##table(const char *name) {                                                     \
        for (int row = 0; row < COUNT(table); row++)                                               \
            if (strcmp(table[row].name, name) == 0)                                                \
                return true;                                                                       \
        return false;                                                                              \
    }
HAS_ROW(builders, name)
HAS_ROW(nones, name)
HAS_ROW(axis_rows, name)

/* A function that takes a pointer needs a row of ROW or NONE, one that takes an axis also AXIS. */
static void assert_rows(const char *name, const char *parameters) {
    bool pointer = strchr(parameters, '*') != NULL;
    bool axis = strstr(parameters, "axis") || strstr(parameters, "erg_axes ");
    ck_assert_msg(!pointer || in_builders(name) || in_nones(name), "erg_%s: no ROW, no NONE", name);
    ck_assert_msg(!axis || in_axis_rows(name), "erg_%s: no AXIS", name);
}

START_TEST(every_function_has_its_rows) {
    ck_assert_int_gt(each_function("autograd/autograd.h", assert_rows), 100);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("misuse");
    TCase *tests = tcase_create("misuse");
    tcase_add_loop_test(tests, right_operands_are_taken, 0, COUNT(builders));
    tcase_add_loop_test(tests, null_is_refused, 0, COUNT(builders));
    tcase_add_loop_test(tests, two_graphs_are_refused, 0, COUNT(builders));
    tcase_add_loop_test(tests, wrong_dtypes_are_refused, 0, COUNT(builders));
    tcase_add_loop_test(tests, axes_out_of_range_are_refused, 0, COUNT(axis_rows));
    tcase_add_loop_test(tests, bad_values_are_refused, 0, COUNT(bads));
    tcase_add_loop_test(tests, too_large_to_compile, 0, 2);
    tcase_add_loop_test(tests, null_elsewhere, 0, COUNT(nones));
    tcase_add_test(tests, every_function_has_its_rows);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

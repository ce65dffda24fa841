/* test_print_graph.c: graphs as text and as Graphviz. */
#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../autograd/autograd.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define F64 ERG_FLOAT64

static erg_graph *g;

static void make_graph(void) {
    g = erg_graph_new(0);
    ck_assert_ptr_nonnull(g);
}

static void free_graph(void) {
    erg_graph_free(g);
}

/* What one of the two functions writes; the caller frees it. */
static char *written(erg_status (*write)(erg_node *const *, int, FILE *), erg_node *const *outputs,
                     int count) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_msg(write(outputs, count, out) == ERG_OK, "%s", erg_error_message());
    fclose(out);
    return text;
}

static void assert_written(erg_status (*write)(erg_node *const *, int, FILE *), erg_node *output,
                           const char *wanted) {
    char *text = written(write, &output, 1);
    ck_assert_str_eq(text, wanted);
    free(text);
}

/* E(x) = sum tanh(x W^T), and one step of noisy descent. */
static erg_node *small_model(void) {
    erg_node *x = erg_input(g, "x", F64, ERG_SHAPE(4, 2));
    erg_scope_push(g, "energy");
    erg_node *w = erg_param(g, "weight", F64, ERG_SHAPE(3, 2));
    erg_node *h = erg_name(erg_tanh(erg_matmul_transposed(x, 0, w, 1)), "hidden");
    erg_exp(h); /* not needed, not shown */
    erg_node *e = erg_sum(h, ERG_AXES(1), 0);
    erg_scope_pop(g);
    erg_node *noise = erg_mul_scalar(erg_normal(g, F64, ERG_SHAPE(4)), 0.1);
    return erg_sub(e, noise);
}

START_TEST(text_of_a_small_model) {
    assert_written(erg_graph_print, small_model(),
                   "%0 = input \"x\"  float64 (4, 2)\n"
                   "%1 = param \"energy/weight\"  float64 (3, 2)\n"
                   "%2 = matmul(%0, %1) transpose_b  float64 (4, 3)  energy\n"
                   "%3 = tanh(%2) \"energy/hidden\"  float64 (4, 3)\n"
                   "%5 = sum(%3) axes 1 to 1  float64 (4, 1)  energy\n"
                   "%6 = reshape(%5)  float64 (4)  energy\n"
                   "%7 = normal stream 0  float64 (4)\n"
                   "%8 = full 0.1  float64 (4)\n"
                   "%9 = mul(%7, %8)  float64 (4)\n"
                   "%10 = sub(%6, %9)  float64 (4)\n");
}
END_TEST

START_TEST(graphviz_of_a_small_model) {
    assert_written(erg_graph_dot, small_model(),
                   "digraph erg {\n"
                   "node [shape=box, style=\"rounded,filled\"];\n"
                   "n0 [label=\"input\\nx\\nfloat64 (4, 2)\", fillcolor=\"#cfe2f3\"];\n"
                   "subgraph \"cluster energy\" { label=\"energy\";\n"
                   "n1 [label=\"param\\nenergy/weight\\nfloat64 (3, 2)\", fillcolor=\"#f9cb9c\"];\n"
                   "n2 [label=\"matmul transpose_b\\nfloat64 (4, 3)\", fillcolor=\"white\"];\n"
                   "n3 [label=\"tanh\\nenergy/hidden\\nfloat64 (4, 3)\", fillcolor=\"white\"];\n"
                   "n5 [label=\"sum axes 1 to 1\\nfloat64 (4, 1)\", fillcolor=\"white\"];\n"
                   "n6 [label=\"reshape\\nfloat64 (4)\", fillcolor=\"white\"];\n"
                   "}\n"
                   "n7 [label=\"normal stream 0\\nfloat64 (4)\", fillcolor=\"#fff2cc\"];\n"
                   "n8 [label=\"full 0.1\\nfloat64 (4)\", fillcolor=\"#eeeeee\"];\n"
                   "n9 [label=\"mul\\nfloat64 (4)\", fillcolor=\"white\"];\n"
                   "n10 [label=\"sub\\nfloat64 (4)\", fillcolor=\"white\", penwidth=3];\n"
                   "n0 -> n2;\nn1 -> n2;\nn2 -> n3;\nn3 -> n5;\nn5 -> n6;\n"
                   "n7 -> n9;\nn8 -> n9;\nn6 -> n10;\nn9 -> n10;\n"
                   "}\n");
}
END_TEST

/* ------------------------------------------------------------------------------- attributes */

/* x is float64 (2, 3), i int32 (2, 3); the last line of what is printed holds the text. */
#define ATTRIBUTES                                                                                 \
    ROW("= full -2.5  ", erg_scalar(g, F64, -2.5))                                                 \
    ROW("= full 0.7071067812  ", erg_scalar(g, F64, 0.70710678118654752))                          \
    ROW("= full inf  ", erg_scalar(g, F64, INFINITY))                                              \
    ROW("= uniform stream 1  ", (erg_graph_random(g), erg_uniform(g, F64, ERG_SCALAR)))            \
    ROW("= polygamma(%0) order 3  ", erg_polygamma(3, x))                                          \
    ROW("= sum(%0) axes 0 to 1  ", erg_sum(x, ERG_ALL, 1))                                         \
    ROW("= max(%0) axes 1 to 1  ", erg_max(x, ERG_AXES(-1), 1))                                    \
    ROW("= cumsum(%0) axis 1  ", erg_cumsum(x, -1))                                                \
    ROW("= matmul(%0, %0) transpose_a  ", erg_matmul_transposed(x, 1, x, 0))                       \
    ROW("= matmul(%0, %0) transpose_b  ", erg_matmul_transposed(x, 0, x, 1))                       \
    ROW("= permute(%0) order 1 0  ", erg_transpose(x))                                             \
    ROW("= slice(%0) axis 1 start 2 step -2  ", erg_slice(x, 1, ERG_END, ERG_END, -2))             \
    ROW("= pad(%0) axis 0 before 1 after 2 between 3  ", erg_pad(x, 0, 1, 2, 3))                   \
    ROW("= concat(%0, %0) axis 1  ", erg_concat((erg_node *[]){x, x}, 2, 1))                       \
    ROW("= gather(%0, %1) axis 1  ", erg_gather(x, i, 1))                                          \
    ROW("= scatter_add(%0, %1) axis 1 size 5  ", erg_scatter_add(x, i, 1, 5))                      \
    ROW("= cast(%0)  int32 (2, 3)", erg_cast(x, ERG_INT32))                                        \
    ROW("= assign(%0, %0)  ", erg_assign(x, x))                                                    \
    ROW("= group(%0, %1)  int32 ()", erg_group((erg_node *[]){x, i}, 2))

START_TEST(attributes_by_meaning) {
    erg_node *x = erg_state(g, NULL, F64, ERG_SHAPE(2, 3));
    erg_node *i = erg_state(g, NULL, ERG_INT32, ERG_SHAPE(2, 3));
    const struct {
        const char *wanted;
        erg_node *node;
    } rows[] = {
#define ROW(wanted, node) {wanted, node},
        ATTRIBUTES
#undef ROW
    };
    for (int r = 0; r < COUNT(rows); r++) {
        char *text = written(erg_graph_print, &rows[r].node, 1), *line = text;
        for (char *next = strchr(line, '\n'); next[1]; next = strchr(line, '\n'))
            line = next + 1;
        ck_assert_msg(strstr(line, rows[r].wanted), "\"%s\" lacks \"%s\"", line, rows[r].wanted);
        free(text);
    }
}
END_TEST

/* Where numbers have a comma, graphs still have a point; machines without such a locale see less. */
START_TEST(any_locale) {
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR"};
    for (int i = 0; i < COUNT(names) && !setlocale(LC_ALL, names[i]); i++) {
    }
    assert_written(erg_graph_print, erg_scalar(g, F64, 0.5), "%0 = full 0.5  float64 ()\n");
    setlocale(LC_ALL, "C");
}
END_TEST

/* ------------------------------------------------------------------------------- names */

START_TEST(names_are_escaped) {
    erg_scope_push(g, "a\"b");
    erg_node *x = erg_input(g, "x\\\n\"y", F64, ERG_SCALAR), *y = erg_neg(x);
    erg_scope_pop(g);
    assert_written(erg_graph_print, y,
                   "%0 = input \"a\\\"b/x\\\\\\n\\\"y\"  float64 ()\n"
                   "%1 = neg(%0)  float64 ()  a\\\"b\n");
    assert_written(erg_graph_dot, x,
                   "digraph erg {\n"
                   "node [shape=box, style=\"rounded,filled\"];\n"
                   "subgraph \"cluster a\\\"b\" { label=\"a\\\"b\";\n"
                   "n0 [label=\"input\\na\\\"b/x\\\\\\n\\\"y\\nfloat64 ()\", "
                   "fillcolor=\"#cfe2f3\", penwidth=3];\n"
                   "}\n}\n");
}
END_TEST

/* ------------------------------------------------------------------------------- grammar */

/* Braces balance, quotes end in their line, and every node of an edge was declared before. */
static void assert_graphviz(char *text, int *nodes, int *edges) {
    enum { MOST = 4096 };
    static bool declared[MOST];
    int depth = 0;
    memset(declared, 0, sizeof declared);
    *nodes = *edges = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        bool quoted = false;
        int from, to;
        for (const char *c = line; *c; c++) {
            if (*c == '\\')
                c++;
            else if (*c == '"')
                quoted = !quoted;
            else if (!quoted)
                depth += (*c == '{') - (*c == '}');
        }
        ck_assert_msg(!quoted, "open quote: %s", line);
        ck_assert_msg(depth >= 0 && (depth > 0 || line[0] == '}'), "depth %d: %s", depth, line);
        if (sscanf(line, "n%d -> n%d;", &from, &to) == 2) {
            ck_assert_msg(declared[from] && declared[to], "not declared: %s", line);
            ++*edges;
        } else if (sscanf(line, "n%d [label=", &from) == 1) {
            ck_assert_int_lt(from, MOST);
            ck_assert_msg(!declared[from], "declared twice: %s", line);
            declared[from] = true;
            ++*nodes;
        }
    }
    ck_assert_int_eq(depth, 0);
}

START_TEST(graphviz_of_a_derivative) {
    erg_node *x = erg_input(g, "x{\"", F64, ERG_SHAPE(5, 2)), *h = x;
    static const char *const layers[] = {"a", "b}", "c\\"};
    for (int k = 0; k < COUNT(layers); k++) {
        erg_scope_push(g, layers[k]);
        erg_scope_push(g, "inner");
        erg_node *w = erg_param(g, "w", F64, ERG_SHAPE(2, 2));
        erg_scope_pop(g);
        h = erg_silu(erg_matmul(h, w));
        erg_scope_pop(g);
    }
    erg_node *outputs[] = {erg_laplacian(erg_sum(h, ERG_AXES(1), 0), x), h};
    char *text = written(erg_graph_dot, outputs, 2);
    char *lines = written(erg_graph_print, outputs, 2);
    int nodes, edges, printed = 0, operands = 0;
    assert_graphviz(text, &nodes, &edges);
    for (const char *c = lines; *c; c++) {
        printed += *c == '\n';
        operands += *c == '%';
    }
    ck_assert_int_gt(nodes, 100);
    ck_assert_int_eq(nodes, printed);
    ck_assert_int_eq(edges, operands - printed);
    free(text);
    free(lines);
}
END_TEST

/* ------------------------------------------------------------------------------- failures */

START_TEST(streams_that_refuse) {
    erg_node *model = small_model();
    FILE *full = fopen("/dev/full", "w"), *closed = fopen("/dev/null", "r");
    FILE *const streams[] = {full, closed};
    for (int i = 0; i < COUNT(streams); i++) {
        ck_assert_ptr_nonnull(streams[i]);
        ck_assert_int_eq(erg_graph_print(&model, 1, streams[i]), ERG_ERROR_IO);
        ck_assert_str_eq(erg_error_message(), "graph_print: cannot write to the stream");
        ck_assert_int_eq(erg_graph_dot(&model, 1, streams[i]), ERG_ERROR_IO);
        ck_assert_str_eq(erg_error_message(), "graph_dot: cannot write to the stream");
        fclose(streams[i]);
    }
}
END_TEST

START_TEST(outputs_of_two_graphs) {
    erg_graph *other = erg_graph_new(0);
    erg_node *outputs[] = {small_model(), erg_scalar(other, F64, 0)};
    FILE *sink = fopen("/dev/null", "w");
    ck_assert_int_eq(erg_graph_print(outputs, 2, sink), ERG_ERROR_ARGUMENT);
    ck_assert_str_eq(erg_error_message(), "graph_print: outputs of different graphs");
    ck_assert_int_eq(erg_graph_dot(outputs, 2, sink), ERG_ERROR_ARGUMENT);
    ck_assert_str_eq(erg_error_message(), "graph_dot: outputs of different graphs");
    fclose(sink);
    erg_graph_free(other);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("print_graph");
    TCase *tests = tcase_create("print_graph");
    tcase_add_checked_fixture(tests, make_graph, free_graph);
    tcase_add_test(tests, text_of_a_small_model);
    tcase_add_test(tests, graphviz_of_a_small_model);
    tcase_add_test(tests, attributes_by_meaning);
    tcase_add_test(tests, any_locale);
    tcase_add_test(tests, names_are_escaped);
    tcase_add_test(tests, graphviz_of_a_derivative);
    tcase_add_test(tests, streams_that_refuse);
    tcase_add_test(tests, outputs_of_two_graphs);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

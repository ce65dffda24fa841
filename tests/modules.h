/* modules.h: what the tests of layers, samplers and losses share: leaves with given numbers, values
 * of nodes, refusals, and critical values of statistical tests at p = 1e-6. */
#ifndef ERG_TESTS_MODULES_H
#define ERG_TESTS_MODULES_H

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../losses/losses.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* ------------------------------------------------------------------------------- nodes */

/* A float64 input with these numbers; zeros if numbers is NULL. */
static inline erg_node *input_of(erg_graph *graph, erg_shape shape, const double *numbers) {
    erg_node *x = erg_input(graph, NULL, ERG_FLOAT64, shape);
    for (int64_t i = 0; x && numbers && i < erg_shape_size(shape); i++)
        erg_tensor_set(erg_value(x), i, numbers[i]);
    return x;
}

/* A 0-d float64 leaf, and how to change it. */
static inline erg_node *number_input(erg_graph *graph, double number) {
    return input_of(graph, ERG_SCALAR, &number);
}

static inline erg_node *number_param(erg_graph *graph, const char *name, double number) {
    erg_node *param = erg_param(graph, name, ERG_FLOAT64, ERG_SCALAR);
    erg_tensor_fill(erg_value(param), number);
    return param;
}

/* The elements of a node, in double precision; the caller frees them. Fails the test if the node
 * cannot be computed. */
static inline double *elements_of(erg_node *node) {
    erg_tensor *value = erg_evaluate(node);
    ck_assert_msg(value != NULL, "%s", erg_error_message());
    int64_t n = erg_tensor_size(value);
    double *elements = calloc((size_t)n + 1, sizeof *elements);
    for (int64_t i = 0; i < n; i++)
        elements[i] = erg_tensor_get(value, i);
    erg_tensor_free(value);
    return elements;
}

/* The first element of a node. */
static inline double number_of(erg_node *node) {
    double *elements = elements_of(node), first = elements[0];
    free(elements);
    return first;
}

static inline void check_shape(erg_node *node, erg_shape shape) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    ck_assert_msg(erg_shape_equal(erg_node_shape(node), shape), "shape %s, expected %s",
                  erg_shape_text(erg_node_shape(node), a), erg_shape_text(shape, b));
}

/* ------------------------------------------------------------------------------- refusals */

/* The builder gives NULL and leaves an error in the graph that holds this text. */
#define REFUSES(graph, text, call)                                                                 \
    do {                                                                                           \
        ck_assert_msg((call) == NULL, "not refused: %s", #call);                                   \
        const char *refusal_ = erg_graph_error(graph);                                             \
        ck_assert_msg(refusal_ &&strstr(refusal_, text), "%s: \"%s\" lacks \"%s\"", #call,         \
                      refusal_ ? refusal_ : "no error", text);                                     \
        erg_graph_clear_error(graph);                                                              \
    } while (0)

/* The function fails with a message that holds this text. */
#define FAILS(text, call)                                                                          \
    do {                                                                                           \
        ck_assert_msg((call) < 0, "did not fail: %s", #call);                                      \
        ck_assert_msg(strstr(erg_error_message(), text), "%s: \"%s\" lacks \"%s\"", #call,         \
                      erg_error_message(), text);                                                  \
    } while (0)
#define FAILS_NULL(text, call) FAILS(text, (call) == NULL ? -1 : 0)

/* ------------------------------------------------------------------------------- statistics */

/* ERG_TEST_FAST=1 (valgrind) asks for less work with the same logic. */
static inline int64_t draws(int64_t full, int64_t fast) {
    const char *wish = getenv("ERG_TEST_FAST");
    return wish && strcmp(wish, "0") != 0 ? fast : full;
}

/* Two-sided z, and Kolmogorov's sqrt(n) D, at p = 1e-6. */
#define CRITICAL_Z 4.89164
#define CRITICAL_KS 2.693386

/* Chi-squared at p = 1e-6 by Wilson & Hilferty (1931), within 1 % for 20 degrees and more. */
static inline double critical_chi2(int degrees) {
    double spread = 2.0 / (9.0 * degrees), root = 1 - spread + 4.75342 * sqrt(spread);
    return degrees * root * root * root;
}

static inline double normal_cdf(double x) {
    return 0.5 * erfc(-x * M_SQRT1_2);
}

static inline int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* sqrt(n) D of n numbers, which it sorts, against a distribution function. */
static inline double kolmogorov(double *x, int64_t n, double (*cdf)(double)) {
    qsort(x, (size_t)n, sizeof *x, compare_doubles);
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        double p = cdf(x[i]);
        worst = fmax(worst, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
    }
    return sqrt((double)n) * worst;
}

/* ------------------------------------------------------------------------------- programs */

/* Runs one suite, the tail of every main. */
static inline int run_suite(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif

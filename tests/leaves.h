/* leaves.h: a graph for each test, leaves with numbers, and comparison of what nodes hold. */
#ifndef ERG_TESTS_LEAVES_H
#define ERG_TESTS_LEAVES_H

#include <check.h>
#include <math.h>

#include "../autograd/autograd.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define NUMBERS(...)                                                                               \
    COUNT(((double[]){__VA_ARGS__})), (double[]) {                                                 \
        __VA_ARGS__                                                                                \
    }

/* The graph of the running test: a checked fixture. */
static erg_graph *g;

static inline void setup(void) {
    g = erg_graph_new(1);
}

static inline void teardown(void) {
    erg_graph_free(g);
}

static inline erg_node *leaf(erg_shape shape, int count, const double *values) {
    erg_node *x = erg_input(g, NULL, ERG_FLOAT64, shape);
    for (int i = 0; i < count; i++)
        erg_tensor_set(erg_value(x), i, values[i]);
    return x;
}

/* LEAF((2, 2), 1, 2, 3, 4), VECTOR(1, 2, 3) and NUMBER(1) are float64 inputs. */
#define LEAF(sizes, ...) leaf(ERG_SHAPE sizes, NUMBERS(__VA_ARGS__))
#define VECTOR(...) leaf(ERG_SHAPE(COUNT(((double[]){__VA_ARGS__}))), NUMBERS(__VA_ARGS__))
#define NUMBER(value) leaf(ERG_SCALAR, 1, (double[]){value})

/* A leaf with normal numbers, different for each seed. */
static inline erg_node *random_leaf(erg_shape shape, uint64_t seed) {
    erg_node *x = erg_input(g, NULL, ERG_FLOAT64, shape);
    erg_random_normal(erg_value(x), (erg_random){.seed = seed});
    return x;
}

static inline erg_tensor *evaluate(erg_node *y) {
    erg_tensor *value = y ? erg_evaluate(y) : NULL;
    ck_assert_msg(value != NULL, "%s",
                  erg_graph_error(g) ? erg_graph_error(g) : erg_error_message());
    return value;
}

/* The only element of y. */
static inline double value_of(erg_node *y) {
    erg_tensor *value = evaluate(y);
    ck_assert_int_eq(erg_tensor_size(value), 1);
    double number = erg_tensor_get(value, 0);
    erg_tensor_free(value);
    return number;
}

static inline int is_near(double a, double b, double tolerance) {
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * fmax(1, fabs(b));
}

static inline void check_numbers(const char *what, erg_node *y, double tolerance, int count,
                                 const double *expected) {
    erg_tensor *value = evaluate(y);
    ck_assert_msg(erg_tensor_size(value) == count, "%s: %d elements, not %d", what,
                  (int)erg_tensor_size(value), count);
    for (int i = 0; i < count; i++)
        ck_assert_msg(is_near(erg_tensor_get(value, i), expected[i], tolerance),
                      "%s: element %d is %.17g, not %.17g", what, i, erg_tensor_get(value, i),
                      expected[i]);
    erg_tensor_free(value);
}
#define ck_assert_values(y, tolerance, ...) check_numbers(#y, y, tolerance, NUMBERS(__VA_ARGS__))

/* Two nodes hold the same numbers. */
static inline void check_same(const char *what, erg_node *a, erg_node *b, double tolerance) {
    erg_tensor *value = evaluate(b);
    ck_assert_msg(erg_shape_equal(erg_node_shape(a), erg_node_shape(b)), "%s: shapes", what);
    check_numbers(what, a, tolerance, (int)erg_tensor_size(value), erg_tensor_f64(value));
    erg_tensor_free(value);
}
#define ck_assert_same(a, b, tolerance) check_same(#a, a, b, tolerance)

#endif

/* ops_table.c: expands ops_table.def: each row becomes a function that builds its expression, and an
 * entry of a table. */
#include "ops_table.h"

#include <math.h>
#include <stddef.h>

#include "../tensor/special.h"

/* ------------------------------------------------------------------------------- settings */

setting setting_new(erg_dtype dtype, const double *domain) {
    return (setting){.graph = erg_graph_new(1),
                     .foreign = erg_graph_new(2),
                     .dtype = dtype,
                     .domain = {domain[0], domain[1]}};
}

void setting_free(setting *s) {
    erg_graph_free(s->graph);
    erg_graph_free(s->foreign);
}

/* Numbers spread over the domain by the golden ratio, so that no two are near each other, and none
 * within 0.05 of an integer, where floor, abs and their like have no derivative. Rounded to
 * float32, so that both dtypes start from the same numbers. */
static double number(const double *domain, int leaf, int64_t i) {
    double fraction = fmod(0.19 + 0.27 * leaf + 0.6180339887498949 * (double)i, 1);
    double x = domain[0] + (domain[1] - domain[0]) * fraction;
    return (float)(fabs(x - rint(x)) < 0.05 ? x + 0.1 : x);
}

erg_node *setting_leaf(setting *s, int k, int ndim, const int64_t *dims) {
    static const char *const names[MAX_LEAVES] = {"a", "b", "c"};
    if (s->leaf[k])
        return s->leaf[k];
    s->leaf[k] = erg_input(s->graph, names[k], s->dtype, erg_shape_make(ndim, dims));
    erg_tensor *value = erg_value(s->leaf[k]);
    for (int64_t i = 0; i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, number(s->domain, k, i));
    return s->leaf[k];
}

static erg_node *constant(erg_graph *graph, erg_dtype dtype, int ndim, const int64_t *dims,
                          int count, const double *numbers) {
    erg_tensor *value = erg_tensor_new(dtype, erg_shape_make(ndim, dims));
    for (int i = 0; i < count; i++)
        erg_tensor_set(value, i, numbers[i]);
    erg_node *node = erg_constant(graph, value);
    erg_tensor_free(value);
    return node;
}

/* ------------------------------------------------------------------------------- vocabulary */

/* A list that may be empty, as "count, array". */
#define LIST(type, ...)                                                                            \
    (int)(sizeof((type[]){0, __VA_ARGS__}) / sizeof(type)) - 1, (const type[]){0, __VA_ARGS__} + 1
#define SIZES(...) LIST(int64_t, __VA_ARGS__)

#define A(...) setting_leaf(s, 0, SIZES(__VA_ARGS__))
#define B(...) setting_leaf(s, 1, SIZES(__VA_ARGS__))
#define C(...) setting_leaf(s, 2, SIZES(__VA_ARGS__))
#define F(sizes, ...) constant(s->graph, s->dtype, SIZES sizes, LIST(double, __VA_ARGS__))
#define I(sizes, ...) constant(s->graph, ERG_INT32, SIZES sizes, LIST(double, __VA_ARGS__))
#define ZEROS(...) constant(s->graph, s->dtype, SIZES(__VA_ARGS__), 0, NULL)
#define INDICES(...) constant(s->graph, ERG_INT32, SIZES(__VA_ARGS__), 0, NULL)
#define OTHER(...) constant(s->graph, ERG_FLOAT32, SIZES(__VA_ARGS__), 0, NULL)
#define FOREIGN(...) constant(s->foreign, s->dtype, SIZES(__VA_ARGS__), 0, NULL)
#define TYPE (s->dtype)
#define GRAPH (s->graph)

#define COUNT_NODES(...) (int)(sizeof((erg_node *[]){__VA_ARGS__}) / sizeof(erg_node *))
#define CONCAT(axis, ...) erg_concat((erg_node *[]){__VA_ARGS__}, COUNT_NODES(__VA_ARGS__), axis)
#define STACK(axis, ...) erg_stack((erg_node *[]){__VA_ARGS__}, COUNT_NODES(__VA_ARGS__), axis)
#define PERMUTE(x, ...) erg_permute(x, (int[]){__VA_ARGS__})

/* Domains. GAP lies between two poles of the gamma function. */
#define REAL -2, 2
#define POSITIVE 0.4, 2.5
#define UNIT -0.6, 0.9
#define GAP -0.7, -0.3
#define LARGE 2, 4

/* ------------------------------------------------------------------------------- functions */

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define HERE(prefix) JOIN(prefix, __LINE__)

#define ELEMENTWISE(operands, builder, domain, nodes, value)                                       \
    static erg_node *HERE(nodes_)(erg_node * a, erg_node * b, erg_node * c) {                      \
        (void)a, (void)b, (void)c;                                                                 \
        return nodes;                                                                              \
    }                                                                                              \
    static double HERE(value_)(double a, double b, double c) {                                     \
        (void)a, (void)b, (void)c;                                                                 \
        return value;                                                                              \
    }
#define BUILD(nodes)                                                                               \
    static erg_node *HERE(build_)(setting * s) {                                                   \
        (void)s;                                                                                   \
        return nodes;                                                                              \
    }
#define SAMPLE(builder, domain, nodes) BUILD(nodes)
#define VALUE(builder, nodes, sizes, ...) BUILD(nodes)
#define INDEX(builder, nodes, sizes, ...) BUILD(nodes)
#define ERROR(builder, nodes, message) BUILD(nodes)
#include "ops_table.def"
#undef ELEMENTWISE
#undef SAMPLE
#undef VALUE
#undef INDEX
#undef ERROR

/* ------------------------------------------------------------------------------- tables */

#define ROW(builder, text)                                                                         \
    { #builder, text, __LINE__ }
#define LENGTH(table) (int)(sizeof(table) / sizeof((table)[0]))

#define ELEMENTWISE(operands, builder, domain, nodes, value)                                       \
    {ROW(builder, #nodes), operands, {domain}, HERE(nodes_), HERE(value_)},
#define SAMPLE(builder, domain, nodes)
#define VALUE(builder, nodes, sizes, ...)
#define INDEX(builder, nodes, sizes, ...)
#define ERROR(builder, nodes, message)
const elementwise_row elementwise_rows[] = {
#include "ops_table.def"
};
const int elementwise_count = LENGTH(elementwise_rows);
#undef ELEMENTWISE
#undef SAMPLE

#define ELEMENTWISE(operands, builder, domain, nodes, value)
#define SAMPLE(builder, domain, nodes) {ROW(builder, #nodes), {domain}, HERE(build_)},
const sample_row sample_rows[] = {
#include "ops_table.def"
};
const int sample_count = LENGTH(sample_rows);
#undef SAMPLE
#undef VALUE
#undef INDEX

#define SAMPLE(builder, domain, nodes)
#define VALUE(builder, nodes, sizes, ...)                                                          \
    {ROW(builder, #nodes), HERE(build_), 0, SIZES sizes, LIST(double, __VA_ARGS__)},
#define INDEX(builder, nodes, sizes, ...)                                                          \
    {ROW(builder, #nodes), HERE(build_), 1, SIZES sizes, LIST(double, __VA_ARGS__)},
const value_row value_rows[] = {
#include "ops_table.def"
};
const int value_count = LENGTH(value_rows);
#undef VALUE
#undef INDEX
#undef ERROR

#define VALUE(builder, nodes, sizes, ...)
#define INDEX(builder, nodes, sizes, ...)
#define ERROR(builder, nodes, message) {ROW(builder, #nodes), HERE(build_), message},
const error_row error_rows[] = {
#include "ops_table.def"
};
const int error_count = LENGTH(error_rows);

/* constant.c: rules for what is known before the first run.
 *
 * A number that fills a shape (full) stays one through everything that treats all elements alike.
 * Small constant tensors are computed here and now, by the interpreter, so that folding changes no
 * meaning; large ones are left to the run, for a plan should not be larger than its graph. */
#include <stdlib.h>
#include <string.h>

#include "simplify.h"

/* Elements of an operand or a result that is computed at compile time. */
enum { FOLD_LIMIT = 1024 };

static erg_node *full(const erg_node *like, erg_shape shape, double number) {
    return erg_full(like->graph, like->dtype, shape, number);
}

static double number_at(erg_dtype dtype, const void *data) {
    erg_tensor element = {dtype, ERG_SCALAR, (void *)data};
    return erg_tensor_get(&element, 0);
}

/* ------------------------------------------------------------------------------- any operation */

/* A result without elements needs no computation. */
static erg_node *no_elements(erg_node *node) {
    if (erg_ops[node->op].flags & LEAF || erg_shape_size(node->shape) > 0)
        return NULL;
    return full(node, node->shape, 0);
}

static bool all_full(const erg_node *node) {
    bool all = node->n_in > 0;
    for (int k = 0; all && k < node->n_in; k++)
        all = node->in[k]->op == ERG_OP_full;
    return all;
}

/* f(c, d, ...) of numbers is a number, however often it is wanted. */
static erg_node *elementwise_on_numbers(erg_node *node) {
    enum { MOST_OPERANDS = 3 };
    if (!(erg_ops[node->op].flags & ELEMENTWISE) || !all_full(node))
        return NULL;
    double values[MOST_OPERANDS + 1]; /* aligned for every dtype; the last is the result */
    const void *in[MOST_OPERANDS];
    for (int k = 0; k < node->n_in; k++) {
        erg_node operand = *node->in[k];
        operand.shape = ERG_SCALAR;
        erg_eval_full(&operand, NULL, &values[k], 0);
        in[k] = &values[k];
    }
    erg_node element = *node;
    element.shape = ERG_SCALAR;
    erg_ops[node->op].eval(&element, in, &values[MOST_OPERANDS], 0);
    return full(node, node->shape, number_at(node->dtype, &values[MOST_OPERANDS]));
}

/* All elements have the same bits: a full takes no storage. */
static bool is_uniform(const erg_tensor *value) {
    size_t size = erg_dtype_size(value->dtype);
    const char *data = value->data;
    int64_t n = erg_tensor_size(value);
    for (int64_t i = 1; i < n; i++)
        if (memcmp(data, data + (size_t)i * size, size) != 0)
            return false;
    return n > 0;
}

static erg_node *uniform_constant(erg_node *node) {
    if (node->op != ERG_OP_constant || !is_uniform(node->value))
        return NULL;
    return full(node, node->shape, number_at(node->dtype, node->value->data));
}

/* A tensor that lives as long as the graph. */
static erg_tensor *new_value(erg_graph *graph, erg_dtype dtype, erg_shape shape) {
    size_t bytes = (size_t)erg_shape_size(shape) * erg_dtype_size(dtype);
    erg_tensor *tensor = erg_graph_alloc(graph, sizeof *tensor);
    unsigned char *memory = erg_graph_alloc(graph, bytes + 64);
    if (!tensor || !memory)
        return NULL;
    *tensor = (erg_tensor){dtype, shape, memory + (64 - (uintptr_t)memory % 64)};
    return tensor;
}

static bool is_small_constant(const erg_node *x) {
    return (x->op == ERG_OP_constant || x->op == ERG_OP_full) &&
           erg_shape_size(x->shape) <= FOLD_LIMIT;
}

static bool can_fold(const erg_node *node) {
    bool fold = node->n_in > 0 && erg_shape_size(node->shape) <= FOLD_LIMIT;
    for (int k = 0; fold && k < node->n_in; k++)
        fold = is_small_constant(node->in[k]);
    return fold;
}

/* An operand's elements; those of a full are written to memory of the graph. */
static const void *elements(const erg_node *x) {
    if (x->op == ERG_OP_constant)
        return x->value->data;
    erg_tensor *value = new_value(x->graph, x->dtype, x->shape);
    if (value)
        erg_eval_full(x, NULL, value->data, 0);
    return value ? value->data : NULL;
}

static erg_node *small_constants(erg_node *node) {
    if (!can_fold(node))
        return NULL;
    const void **in = erg_graph_alloc(node->graph, (size_t)node->n_in * sizeof *in);
    erg_tensor *value = new_value(node->graph, node->dtype, node->shape);
    if (!in || !value)
        return NULL;
    for (int k = 0; k < node->n_in; k++)
        if (!(in[k] = elements(node->in[k])))
            return NULL;
    erg_ops[node->op].eval(node, in, value->data, 0);
    return erg_node_new(&(erg_node){.graph = node->graph,
                                    .op = ERG_OP_constant,
                                    .dtype = node->dtype,
                                    .shape = node->shape,
                                    .value = value});
}

/* ------------------------------------------------------------------------------- on one number */

static erg_node *moved_number(erg_node *node) {
    return node->in[0]->op == ERG_OP_full ? full(node, node->shape, node->in[0]->number) : NULL;
}

/* Zeros around zeros. */
static erg_node *padded_zero(erg_node *node) {
    return erg_is_full(node->in[0], 0) ? full(node, node->shape, 0) : NULL;
}

static erg_node *joined_numbers(erg_node *node) {
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k]->op != ERG_OP_full ||
            memcmp(&node->in[k]->number, &node->in[0]->number, sizeof(double)) != 0)
            return NULL;
    return full(node, node->shape, node->in[0]->number);
}

/* n times the same number: rounds once, where a sum rounds n times. */
static erg_node *summed_number(erg_node *node) {
    const erg_node *x = node->in[0];
    erg_span s = erg_span_of(x->shape, (int)node->attr[0], (int)node->attr[1]);
    if (s.n == 0)
        return full(node, node->shape, 0);
    return x->op == ERG_OP_full ? full(node, node->shape, (double)s.n * x->number) : NULL;
}

/* The first of equals. */
static erg_node *place_of_number(erg_node *node) {
    const erg_node *x = node->in[0];
    bool one = x->shape.dims[node->attr[0]] == 1;
    return one || x->op == ERG_OP_full ? full(node, node->shape, 0) : NULL;
}

static const erg_simplify_table rules = {
    [ERG_OP_reshape] = {moved_number},   [ERG_OP_permute] = {moved_number},
    [ERG_OP_broadcast] = {moved_number}, [ERG_OP_slice] = {moved_number},
    [ERG_OP_max] = {moved_number},       [ERG_OP_pad] = {padded_zero},
    [ERG_OP_concat] = {joined_numbers},  [ERG_OP_sum] = {summed_number},
    [ERG_OP_argmax] = {place_of_number},
};

erg_node *erg_simplify_constant(erg_node *node) {
    static erg_simplify_rule *const any[] = {no_elements, uniform_constant, elementwise_on_numbers};
    erg_node *other = NULL;
    for (size_t i = 0; !other && i < sizeof any / sizeof *any; i++)
        other = any[i](node);
    if (!other)
        other = erg_simplify_by(rules, node);
    return other ? other : small_constants(node);
}

/* product.c: rules for sums, maxima and matrix products. */
#include <string.h>

#include "schedule.h"
#include "simplify.h"

#define X (node->in[0])
#define RULE(name) static erg_node *name(erg_node *node)

/* Over axes of size 1. */
RULE(reduce_one) {
    return erg_shape_equal(X->shape, node->shape) ? X : NULL;
}

RULE(running_sum_of_one) {
    return X->shape.dims[node->attr[0]] == 1 ? X : NULL;
}

/* The same reduction before the stretching. */
static erg_node *reduce_source(erg_node *node) {
    return erg_simplified(erg_node_attr(node->op, X->in[0], 2, node->attr));
}

/* n equal terms are n times the term: rounds once, where a sum rounds n times. */
RULE(sum_of_stretched) {
    if (X->op != ERG_OP_broadcast)
        return NULL;
    erg_span all = erg_span_of(X->shape, (int)node->attr[0], (int)node->attr[1]);
    erg_span own = erg_span_of(X->in[0]->shape, (int)node->attr[0], (int)node->attr[1]);
    erg_node *sum = reduce_source(node);
    if (sum && all.n != own.n)
        sum = erg_simplified(erg_mul_scalar(sum, (double)(all.n / own.n)));
    return sum ? erg_broadcast(sum, node->shape) : NULL;
}

RULE(max_of_stretched) {
    erg_node *max = X->op == ERG_OP_broadcast ? reduce_source(node) : NULL;
    return max ? erg_broadcast(max, node->shape) : NULL;
}

/* ------------------------------------------------------------------------------- matmul */

/* A transposed operand is read transposed. */
RULE(transposed_operand) {
    erg_node *in[] = {node->in[0], node->in[1]};
    int64_t flags[] = {node->attr[0], node->attr[1]};
    for (int k = 0; k < 2; k++)
        if (erg_is_transpose(in[k])) {
            in[k] = in[k]->in[0];
            flags[k] = !flags[k];
        }
    if (in[0] == node->in[0] && in[1] == node->in[1])
        return NULL;
    return erg_node_new(
        &(erg_node){.op = ERG_OP_matmul, .n_in = 2, .in = in, .n_attr = 2, .attr = flags});
}

/* A constant with A = A^T bit for bit, such as the couplings of a lattice. */
static bool is_symmetric(const erg_node *x) {
    if (x->op != ERG_OP_constant || x->shape.ndim != 2 || x->shape.dims[0] != x->shape.dims[1])
        return false;
    int64_t n = x->shape.dims[0];
    size_t size = erg_dtype_size(x->dtype);
    const char *a = x->value->data;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++)
            if (memcmp(a + (size_t)(i * n + j) * size, a + (size_t)(j * n + i) * size, size) != 0)
                return false;
    return true;
}

/* x A^T = x A: an energy x A x and its derivative x A + x A^T then need one product. */
RULE(symmetric_operand) {
    int64_t flags[] = {node->attr[0], node->attr[1]};
    for (int k = 0; k < 2; k++)
        if (flags[k] && is_symmetric(node->in[k]))
            flags[k] = 0;
    if (flags[0] == node->attr[0] && flags[1] == node->attr[1])
        return NULL;
    return erg_node_new(
        &(erg_node){.op = ERG_OP_matmul, .n_in = 2, .in = node->in, .n_attr = 2, .attr = flags});
}

RULE(product_of_nothing) {
    return erg_shape_size(X->shape) == 0 ? erg_full_like(node, 0) : NULL;
}

/* A sum of one term: (m, 1) (1, n), up to the sign of a zero. To stretch both operands to short rows
 * is as much work as the product. */
RULE(outer_product) {
    int last = node->shape.ndim - 1;
    int64_t m = node->shape.dims[last - 1], n = node->shape.dims[last];
    if (X->shape.dims[node->attr[0] ? last - 1 : last] != 1 ||
        (m > 1 && n > 1 && n < ERG_SHORTEST_ROW))
        return NULL;
    erg_shape left = node->shape, right = node->shape;
    left.dims[last] = right.dims[last - 1] = 1;
    erg_node *column = erg_simplified(erg_reshape(X, left.ndim, left.dims));
    erg_node *row = erg_simplified(erg_reshape(node->in[1], right.ndim, right.dims));
    return erg_mul(erg_simplified(erg_broadcast(column, node->shape)),
                   erg_simplified(erg_broadcast(row, node->shape)));
}

/* (c x) y = c (x y) for a number c: rounds where c x did not. */
RULE(product_of_multiple) {
    for (int k = 0; k < 2; k++) {
        erg_node *x = node->in[k], *in[] = {node->in[0], node->in[1]};
        if (x->op != ERG_OP_mul || (x->in[0]->op != ERG_OP_full && x->in[1]->op != ERG_OP_full))
            continue;
        int number = x->in[0]->op == ERG_OP_full ? 0 : 1;
        in[k] = x->in[1 - number];
        erg_node *product = erg_simplified(erg_node_new(&(erg_node){
            .op = ERG_OP_matmul, .n_in = 2, .in = in, .n_attr = 2, .attr = node->attr}));
        return product ? erg_mul(erg_full_like(node, x->in[number]->number), product) : NULL;
    }
    return NULL;
}

static const erg_simplify_table rules = {
    [ERG_OP_sum] = {reduce_one, sum_of_stretched},
    [ERG_OP_max] = {reduce_one, max_of_stretched},
    [ERG_OP_cumsum] = {running_sum_of_one},
    [ERG_OP_matmul] = {product_of_nothing, transposed_operand, symmetric_operand, outer_product,
                       product_of_multiple},
};

erg_node *erg_simplify_product(erg_node *node) {
    return erg_simplify_by(rules, node);
}

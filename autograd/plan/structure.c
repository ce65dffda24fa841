/* structure.c: matrix products with an operand whose rows or columns are known to be alike, or zero.
 *
 * Derivatives along coordinates are full of these. A coordinate's direction is a pad of ones, the
 * cotangent of a slice is a pad of it, and both are stretched over a batch:
 *
 *   a [0 b 0] = [0 ab 0],      [0 a 0] b = a b'          b' those rows of b that meet a
 *   a (1 b)   = (a 1) b,       (1 a) b   = 1 (a b)       1 a column, or a row, of ones
 *
 * A zero of a pad is the absence of a term: times an infinity it is nothing, not NaN, like the zeros
 * of a selection (see sweep.c). Sums are taken in another order. */
#include "simplify.h"

#define RULE(name) static erg_node *name(erg_node *node)

/* An axis of operand k: the one that is summed over, or the other, which the result has too. */
static int inner_axis(const erg_node *node, int k) {
    return (k == 0) != (node->attr[k] != 0);
}

static int outer_axis(const erg_node *node, int k) {
    return 1 - inner_axis(node, k);
}

static erg_node *multiply(const erg_node *node, erg_node *const *in) {
    return erg_simplified(
        erg_matmul_transposed(in[0], node->attr[0] != 0, in[1], node->attr[1] != 0));
}

/* ------------------------------------------------------------------------------- alike */

/* The first of x along an axis, if all are alike. */
static erg_node *one_of(erg_node *x, int axis) {
    erg_shape shape = x->shape;
    shape.dims[axis] = 1;
    if (x->shape.dims[axis] <= 1)
        return NULL;
    if (x->op == ERG_OP_full)
        return erg_full(x->graph, x->dtype, shape, x->number);
    if (x->op != ERG_OP_broadcast || x->in[0]->shape.dims[axis] != 1)
        return NULL;
    return erg_simplified(erg_broadcast(x->in[0], shape));
}

RULE(product_of_alike) {
    erg_node *in[] = {node->in[0], node->in[1]};
    for (int k = 0; k < 2 && node->shape.ndim == 2; k++) {
        erg_node *one = one_of(in[k], outer_axis(node, k));
        if (one) {
            in[k] = one;
            return erg_broadcast(multiply(node, in), node->shape);
        }
    }
    return NULL;
}

RULE(product_with_alike) {
    erg_node *in[] = {node->in[0], node->in[1]};
    for (int k = 0; k < 2 && node->shape.ndim == 2; k++) {
        erg_node *one = one_of(in[k], inner_axis(node, k));
        if (one) {
            in[k] = one;
            in[1 - k] = erg_simplified(erg_sum(in[1 - k], ERG_AXES(inner_axis(node, 1 - k)), 1));
            return multiply(node, in);
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------------------- zero */

/* Zeros in front of and behind `size` others, along an axis. */
typedef struct margins {
    int axis;
    int64_t before, size;
} margins;

static bool is_zero(const erg_tensor *value, int axis, int64_t index) {
    int64_t other = value->shape.dims[1 - axis], columns = value->shape.dims[1];
    bool zero = true;
    for (int64_t i = 0; zero && i < other; i++)
        zero = erg_tensor_get(value, axis == 0 ? index * columns + i : i * columns + index) == 0;
    return zero;
}

/* Those of a matrix; size < 0 if none are known. */
static margins margins_of(const erg_node *x, int axis) {
    margins m = {axis, 0, -1};
    if (x->op == ERG_OP_broadcast && x->in[0]->shape.dims[axis] == x->shape.dims[axis])
        return margins_of(x->in[0], axis);
    if (x->op == ERG_OP_pad && x->attr[0] == axis && x->attr[3] == 0)
        return (margins){axis, x->attr[1], x->in[0]->shape.dims[axis]};
    if (x->op != ERG_OP_constant)
        return m;
    int64_t last = x->shape.dims[axis] - 1;
    while (m.before < last && is_zero(x->value, axis, m.before))
        m.before++;
    while (last > m.before && is_zero(x->value, axis, last))
        last--;
    m.size = last + 1 - m.before;
    return m;
}

/* Elements first .. first + size of x. */
static erg_node *cut(erg_node *x, int axis, int64_t first, int64_t size) {
    return erg_simplified(erg_slice(x, axis, first, first + size, 1));
}

/* x without its margins. */
static erg_node *trimmed(erg_node *x, margins m) {
    if (x->op == ERG_OP_pad)
        return x->in[0];
    if (x->op != ERG_OP_broadcast)
        return cut(x, m.axis, m.before, m.size);
    erg_shape shape = x->shape;
    shape.dims[m.axis] = m.size;
    return erg_simplified(erg_broadcast(trimmed(x->in[0], m), shape));
}

/* Less than half is left, else the copies that are cut out cost more than they save. */
static bool is_worth_it(const erg_node *x, margins m) {
    int64_t size = x->shape.dims[m.axis];
    return m.size >= 0 && m.size < size && 2 * m.size <= size;
}

RULE(product_of_padded) {
    erg_node *in[] = {node->in[0], node->in[1]};
    for (int k = 0; k < 2 && node->shape.ndim == 2; k++) {
        margins m = margins_of(in[k], outer_axis(node, k));
        if (is_worth_it(in[k], m)) {
            in[k] = trimmed(in[k], m);
            int64_t after = node->shape.dims[k] - m.before - m.size;
            return erg_pad(multiply(node, in), k, m.before, after, 0);
        }
    }
    return NULL;
}

RULE(product_with_padded) {
    erg_node *in[] = {node->in[0], node->in[1]};
    for (int k = 0; k < 2 && node->shape.ndim == 2; k++) {
        margins m = margins_of(in[k], inner_axis(node, k));
        if (is_worth_it(in[k], m)) {
            in[k] = trimmed(in[k], m);
            in[1 - k] = cut(in[1 - k], inner_axis(node, 1 - k), m.before, m.size);
            return multiply(node, in);
        }
    }
    return NULL;
}

static const erg_simplify_table rules = {
    [ERG_OP_matmul] = {product_of_alike, product_of_padded, product_with_padded,
                       product_with_alike},
};

erg_node *erg_simplify_structure(erg_node *node) {
    return erg_simplify_by(rules, node);
}

/* ------------------------------------------------------------------------------- a part wanted */

/* Rows, or columns, of a product that nothing else of is wanted. */
erg_node *erg_sliced_product(erg_node *node) {
    erg_node *product = node->in[0];
    int axis = (int)node->attr[0];
    if (product->op != ERG_OP_matmul || product->shape.ndim != 2 ||
        2 * node->shape.dims[axis] > product->shape.dims[axis])
        return node;
    erg_node *in[] = {product->in[0], product->in[1]};
    int64_t attr[] = {outer_axis(product, axis), node->attr[1], node->attr[2]};
    erg_node slice = {.op = ERG_OP_slice,
                      .shape = in[axis]->shape,
                      .n_in = 1,
                      .in = &in[axis],
                      .n_attr = 3,
                      .attr = attr};
    slice.shape.dims[attr[0]] = node->shape.dims[axis];
    in[axis] = erg_simplified(erg_node_new(&slice));
    return multiply(product, in);
}

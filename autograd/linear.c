/* linear.c: the matrix product, y_bij = sum_k op(a)_bik op(b)_bkj, where op transposes the last two
 * axes if a flag says so.
 *
 * With the flags the product is closed under differentiation: for y = a b,
 *     da = g b^T,  db = a^T g,
 * and both are products of the same kind, so no transposed copy is ever made. */
#include "graph.h"

/* Rows and columns of an operand as the product sees it. */
static void matrix_size(const erg_node *x, bool transposed, int64_t *rows, int64_t *columns) {
    int last = x->shape.ndim - 1;
    *rows = x->shape.dims[transposed ? last : last - 1];
    *columns = x->shape.dims[transposed ? last - 1 : last];
}

/* Attributes: transpose_a, transpose_b. Leading axes are equal: the builder broadcasts them. */
bool erg_rule_matmul(erg_node *node) {
    const erg_node *a = node->in[0], *b = node->in[1];
    char s[ERG_SHAPE_TEXT], t[ERG_SHAPE_TEXT];
    int64_t m, k, inner, n;
    erg_shape_text(a->shape, s);
    erg_shape_text(b->shape, t);
    if (!erg_is_float(a->dtype) || a->dtype != b->dtype)
        return erg_node_error(node, "dtypes must be the same float: %s and %s",
                              erg_dtype_name(a->dtype), erg_dtype_name(b->dtype));
    matrix_size(a, node->attr[0], &m, &k);
    matrix_size(b, node->attr[1], &inner, &n);
    if (k != inner)
        return erg_node_error(node, "inner sizes differ: %s%s x %s%s", s,
                              node->attr[0] ? " transposed" : "", t,
                              node->attr[1] ? " transposed" : "");
    bool same = a->shape.ndim == b->shape.ndim;
    for (int i = 0; same && i < a->shape.ndim - 2; i++)
        same = a->shape.dims[i] == b->shape.dims[i];
    if (!same)
        return erg_node_error(node, "leading axes differ: %s x %s", s, t);
    node->dtype = a->dtype;
    node->shape = a->shape;
    node->shape.dims[a->shape.ndim - 2] = m;
    node->shape.dims[a->shape.ndim - 1] = n;
    return erg_shape_size(node->shape) >= 0 ||
           erg_node_error(node, "the result of %s x %s is too large", s, t);
}

/* x with its leading axes stretched to those of `other`, as far as they go together. */
static erg_node *stretch_leading(erg_node *x, const erg_node *other) {
    int ndim = x->shape.ndim > other->shape.ndim ? x->shape.ndim : other->shape.ndim;
    erg_shape target = {.ndim = ndim};
    for (int i = 0; i < ndim; i++) {
        int j = i - (ndim - x->shape.ndim), k = i - (ndim - other->shape.ndim);
        int64_t own = j < 0 ? 1 : x->shape.dims[j];
        target.dims[i] = i < ndim - 2 && own == 1 && k >= 0 ? other->shape.dims[k] : own;
    }
    return erg_broadcast(x, target);
}

static erg_node *product(erg_node *a, bool transpose_a, erg_node *b, bool transpose_b) {
    return erg_node_new(&(erg_node){.op = ERG_OP_matmul,
                                    .n_in = 2,
                                    .in = (erg_node *[]){a, b},
                                    .n_attr = 2,
                                    .attr = (int64_t[]){transpose_a, transpose_b}});
}

/* One matrix on the right of many on the left is one product of all their rows. */
static erg_node *rows_product(erg_node *a, erg_node *b, bool transpose_b) {
    erg_node *rows =
        ERG_RESHAPE(a, a->shape.dims[a->shape.ndim - 1] ? -1 : 0, a->shape.dims[a->shape.ndim - 1]);
    erg_node *y = product(rows, false, b, transpose_b);
    if (!y)
        return NULL;
    erg_shape shape = a->shape;
    shape.dims[shape.ndim - 1] = y->shape.dims[1];
    return erg_reshape(y, shape.ndim, shape.dims);
}

erg_node *erg_matmul_transposed(erg_node *a, int transpose_a, erg_node *b, int transpose_b) {
    bool ready = a && b && a->graph == b->graph;
    char s[ERG_SHAPE_TEXT], t[ERG_SHAPE_TEXT];
    if (ready && (a->shape.ndim < 2 || b->shape.ndim < 2))
        return erg_graph_fail(a->graph, "matmul: needs two axes each: %s x %s",
                              erg_shape_text(a->shape, s), erg_shape_text(b->shape, t));
    bool full = ready && erg_shape_size(a->shape) > 0;
    if (full && a->shape.ndim > 2 && b->shape.ndim == 2 && !transpose_a)
        return rows_product(a, b, transpose_b);
    if (ready) {
        erg_node *left = stretch_leading(a, b);
        b = stretch_leading(b, a);
        a = left;
    }
    return product(a, transpose_a != 0, b, transpose_b != 0);
}

erg_node *erg_matmul(erg_node *a, erg_node *b) {
    bool row = a && a->shape.ndim == 1, column = b && b->shape.ndim == 1;
    erg_node *y = erg_matmul_transposed(row ? erg_unsqueeze(a, 0) : a, 0,
                                        column ? erg_unsqueeze(b, 1) : b, 0);
    if (y && column)
        y = erg_squeeze(y, -1);
    if (y && row)
        y = erg_squeeze(y, column ? -1 : -2);
    return y;
}

/* With A = op(a), B = op(b): dA = g B^T and dB = A^T g; where an operand was transposed, so is its
 * cotangent: da = (g B^T)^T = B g^T. */
void erg_vjp_matmul(erg_node *node, erg_node *g, const bool *wants, erg_node **out) {
    erg_node *a = node->in[0], *b = node->in[1];
    bool ta = node->attr[0], tb = node->attr[1];
    if (wants[0])
        out[0] = ta ? product(b, tb, g, true) : product(g, false, b, !tb);
    if (wants[1])
        out[1] = tb ? product(g, true, a, ta) : product(a, !ta, g, false);
}

erg_node *erg_dot(erg_node *a, erg_node *b) {
    if (a && b && (a->shape.ndim != 1 || b->shape.ndim != 1)) {
        char s[ERG_SHAPE_TEXT], t[ERG_SHAPE_TEXT];
        return erg_graph_fail(a->graph, "dot: needs one axis each: %s . %s",
                              erg_shape_text(a->shape, s), erg_shape_text(b->shape, t));
    }
    return erg_matmul(a, b);
}

erg_node *erg_outer(erg_node *a, erg_node *b) {
    if (a && b && (a->shape.ndim != 1 || b->shape.ndim != 1)) {
        char s[ERG_SHAPE_TEXT], t[ERG_SHAPE_TEXT];
        return erg_graph_fail(a->graph, "outer: needs one axis each: %s x %s",
                              erg_shape_text(a->shape, s), erg_shape_text(b->shape, t));
    }
    return a && b ? erg_mul(erg_unsqueeze(a, 1), erg_unsqueeze(b, 0)) : erg_mul(a, b);
}

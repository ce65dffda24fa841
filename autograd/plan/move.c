/* move.c: rules for operations that only move elements. All are exact. */
#include "simplify.h"

#define X (node->in[0])
#define RULE(name) static erg_node *name(erg_node *node)

/* A node of the same kind on another operand. */
static erg_node *same_on(const erg_node *node, erg_node *x, const int64_t *attr) {
    return erg_node_new(&(erg_node){.op = node->op,
                                    .shape = node->shape,
                                    .n_in = 1,
                                    .in = &x,
                                    .n_attr = node->n_attr,
                                    .attr = attr});
}

RULE(nothing_changes) {
    return erg_shape_equal(X->shape, node->shape) ? X : NULL;
}

/* Two reshapes, or two broadcasts, are one. */
RULE(one_of_two) {
    return X->op == node->op ? same_on(node, X->in[0], node->attr) : NULL;
}

/* ------------------------------------------------------------------------------- permute */

bool erg_is_transpose(const erg_node *node) {
    int n = node->shape.ndim;
    bool is = node->op == ERG_OP_permute && n >= 2;
    for (int i = 0; is && i < n; i++)
        is = node->attr[i] == (i < n - 2 ? i : 2 * n - 3 - i);
    return is;
}

RULE(permute_twice) {
    int64_t order[ERG_MAX_DIMS];
    if (X->op != ERG_OP_permute)
        return NULL;
    for (int i = 0; i < node->n_attr; i++)
        order[i] = X->attr[node->attr[i]];
    return same_on(node, X->in[0], order);
}

/* Elements stay in order if the axes that have more than one stay in order. */
RULE(permute_is_reshape) {
    int64_t before = -1;
    for (int i = 0; i < node->n_attr; i++) {
        if (node->shape.dims[i] == 1)
            continue;
        if (node->attr[i] < before)
            return NULL;
        before = node->attr[i];
    }
    return erg_reshape(X, node->shape.ndim, node->shape.dims);
}

/* ------------------------------------------------------------------------------- slice and pad */

RULE(slice_of_all) {
    bool all = node->attr[1] == 0 && node->attr[2] == 1;
    return all && erg_shape_equal(X->shape, node->shape) ? X : NULL;
}

RULE(slice_twice) {
    if (X->op != ERG_OP_slice || X->attr[0] != node->attr[0])
        return NULL;
    int64_t axis = node->attr[0], start = X->attr[1] + node->attr[1] * X->attr[2];
    int64_t step = node->shape.dims[axis] > 1 ? node->attr[2] * X->attr[2] : 1;
    return same_on(node, X->in[0], (int64_t[]){axis, start, step});
}

/* Slices first: fewer elements are stretched, or the axis is stretched less. */
RULE(slice_of_broadcast) {
    if (X->op != ERG_OP_broadcast)
        return NULL;
    erg_node *x = X->in[0];
    int64_t axis = node->attr[0];
    if (x->shape.dims[axis] == X->shape.dims[axis]) {
        erg_node prototype = {.op = ERG_OP_slice,
                              .shape = x->shape,
                              .n_in = 1,
                              .in = &x,
                              .n_attr = 3,
                              .attr = node->attr};
        prototype.shape.dims[axis] = node->shape.dims[axis];
        x = erg_simplified(erg_node_new(&prototype));
    }
    return x ? erg_broadcast(x, node->shape) : NULL;
}

RULE(concat_of_one) {
    return node->n_in == 1 ? X : NULL;
}

static const erg_simplify_table rules = {
    [ERG_OP_reshape] = {nothing_changes, one_of_two},
    [ERG_OP_permute] = {permute_twice, permute_is_reshape},
    [ERG_OP_broadcast] = {nothing_changes, one_of_two},
    [ERG_OP_slice] = {slice_of_all, slice_twice, slice_of_broadcast},
    [ERG_OP_pad] = {nothing_changes},
    [ERG_OP_concat] = {concat_of_one},
};

erg_node *erg_simplify_move(erg_node *node) {
    return erg_simplify_by(rules, node);
}

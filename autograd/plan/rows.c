/* rows.c: which operations keep the rows of a batch apart: row b of the result, along axis 0, needs
 * row b of some operands, all of others, and no other row of anything. */
#include "lower.h"

/* Result and operand have the batch on axis 0. */
static int64_t same_row(const erg_node *node, int k) {
    return erg_shape_size(node->in[k]->shape) / node->shape.dims[0];
}

static int64_t if_apart(bool apart, const erg_node *node, int k) {
    return apart ? same_row(node, k) : -1;
}

/* The rows of a view are not those of the batch: there must be a whole number to each of these. */
static int64_t elementwise_row(const erg_node *node, int k) {
    erg_view view = erg_view_operand(node, k);
    int64_t each = erg_shape_size(node->shape) / node->shape.dims[0], row = erg_row_size(node);
    if (view.row == row && view.step == 1)
        return each;
    if (view.row == 0 && view.step == 0)
        return 0;
    return each % row == 0 ? each / row * view.row : -1;
}

static int64_t product_row(const erg_node *node, int k) {
    if (node->shape.ndim > 2)
        return erg_view_operand(node, k).row == 0 ? 0 : same_row(node, k);
    return k == 1 ? 0 : if_apart(!node->attr[0], node, k);
}

static int64_t broadcast_row(const erg_node *node, int k) {
    return node->in[k]->shape.dims[0] == 1 ? 0 : same_row(node, k);
}

/* Along axis 0 each row of the result is one of x, wherever that may be, and may have one index. */
static int64_t gather_row(const erg_node *node, int k) {
    if (node->attr[0] == 0 && k == 0)
        return 0;
    return erg_view_operand(node, k).step == 0 ? 1 : same_row(node, k);
}

int64_t erg_operand_row(const erg_node *node, int k) {
    if (erg_ops[node->op].flags & ELEMENTWISE)
        return elementwise_row(node, k);
    switch (node->op) {
    case ERG_OP_sum:
    case ERG_OP_max:
        return if_apart(node->attr[0] != 0 && !erg_fold_is_cut(node), node, k);
    case ERG_OP_matmul:
        return product_row(node, k);
    case ERG_OP_matmul_packed:
    case ERG_OP_matmul_biased:
    case ERG_OP_matmul_sparse:
    case ERG_OP_matvec:
    case ERG_OP_conv2d:
    case ERG_OP_conv2d_input:
    case ERG_OP_conv2d_last:
        return k >= 1 ? 0 : same_row(node, k);
    case ERG_OP_broadcast:
        return broadcast_row(node, k);
    case ERG_OP_gather:
        return gather_row(node, k);
    case ERG_OP_argmax:
    case ERG_OP_cumsum:
    case ERG_OP_permute:
    case ERG_OP_slice:
    case ERG_OP_pad:
    case ERG_OP_scatter_add:
        return if_apart((node->op == ERG_OP_permute) == (node->attr[0] == 0), node, k);
    case ERG_OP_concat:
        return if_apart(node->attr[0] != 0 && node->n_in <= ERG_STEP_OPERANDS, node, k);
    default:
        return -1;
    }
}

/* Fewer are not worth the trouble. */
enum { FEWEST_ROWS = 16 };

int64_t erg_row_count(const erg_node *node) {
    if (node->shape.ndim == 0 || node->shape.dims[0] < FEWEST_ROWS)
        return 0;
    for (int k = 0; k < node->n_in; k++)
        if (erg_operand_row(node, k) < 0)
            return 0;
    return node->shape.dims[0];
}

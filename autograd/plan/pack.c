/* pack.c: what all rows of a batch read is laid out once, as kernels read it: else each tile, and
 * each thread, would do that again for its rows. This is for the right operand of a product, the
 * weight of a convolution, and the bias of channels. Only the order of the elements in memory is
 * another, so no bit of the result changes, but for products of a single row, or with a matrix most
 * of which is 0. */
#include "../conv.h"
#include "lower.h"
#include "simplify.h"

/* With fewer rows the product is done by the time its operand is packed; with few columns it reads
 * the operand as it is. */
enum { ROWS = 16, THIN = 4 };

/* Elements of an image. */
enum { SHORTEST = 64 };

static erg_node *pack(erg_node *b, bool transposed, int64_t n, int64_t k) {
    size_t bytes = erg_kernels_get()->gemm_packed_bytes[b->dtype](n, k);
    int64_t elements = (int64_t)(bytes / erg_dtype_size(b->dtype));
    return erg_node_new(&(erg_node){.op = ERG_OP_pack,
                                    .dtype = b->dtype,
                                    .shape = ERG_SHAPE(elements),
                                    .n_in = 1,
                                    .in = &b,
                                    .n_attr = 3,
                                    .attr = (int64_t[]){transposed, n, k}});
}

static erg_node *lay_out_product(erg_node *node) {
    if (erg_is_sparse_product(node))
        return erg_sparse_product(node);
    if (node->shape.ndim == 2 && node->shape.dims[0] == 1)
        return erg_row_product(node);
    if (node->shape.ndim != 2 || node->attr[0] || node->shape.dims[0] < ROWS ||
        node->shape.dims[1] <= THIN)
        return NULL;
    erg_node *a = node->in[0];
    erg_node *packed = pack(node->in[1], node->attr[1], node->shape.dims[1], a->shape.dims[1]);
    return erg_node_new(&(erg_node){.op = ERG_OP_matmul_packed,
                                    .dtype = node->dtype,
                                    .shape = node->shape,
                                    .n_in = 2,
                                    .in = (erg_node *[]){a, packed}});
}

/* A weight turned, and turned back: the node stays what it was, but a step reads the weight between
 * the two (see schedule.h). */
static erg_node *lay_out_convolution(erg_node *node) {
    bool transposed = erg_conv_is_transposed(node);
    erg_conv conv = erg_conv_of(node);
    erg_conv_form form = {.transposed = transposed};
    if (!erg_kernels_get()->conv_needs[node->dtype](&conv, form).by_channel ||
        erg_is_turned_weight(node, node->in[1]))
        return NULL;
    const int *turn = transposed ? (int[]){0, 2, 3, 1} : (int[]){1, 2, 3, 0};
    const int *back = transposed ? (int[]){0, 3, 1, 2} : (int[]){3, 0, 1, 2};
    erg_node *turned = erg_permute(node->in[1], turn);
    erg_node *in[3];
    for (int k = 0; k < node->n_in; k++)
        in[k] = node->in[k];
    in[1] = erg_permute(turned ? erg_simplified(turned) : NULL, back);
    return erg_node_new(&(erg_node){.op = node->op,
                                    .dtype = node->dtype,
                                    .shape = node->shape,
                                    .n_in = node->n_in,
                                    .in = in,
                                    .n_attr = node->n_attr,
                                    .attr = node->attr});
}

/* What is stretched over the batch and over axes of an image, as a number for each channel is: first
 * over one image, which the others read where it is. Steps read an operand by rows, and those of
 * channels alone would be short. */
static erg_node *lay_out_stretched(erg_node *x) {
    erg_shape image = x->shape;
    int first = 0;
    if (x->op != ERG_OP_broadcast)
        return x;
    for (; first < image.ndim && x->in[0]->shape.dims[first] == 1; first++)
        image.dims[first] = 1;
    if (erg_shape_size(image) < SHORTEST || erg_shape_equal(image, x->shape) ||
        erg_shape_equal(image, x->in[0]->shape))
        return x;
    erg_node *one = erg_broadcast(x->in[0], image);
    return one ? erg_broadcast(one, x->shape) : NULL;
}

static erg_node *lay_out_elementwise(erg_node *node) {
    erg_node *in[3];
    bool changed = false;
    for (int k = 0; k < node->n_in; k++) {
        in[k] = lay_out_stretched(node->in[k]);
        changed |= in[k] != node->in[k];
    }
    return changed ? erg_node_new(&(erg_node){.op = node->op,
                                              .n_in = node->n_in,
                                              .in = in,
                                              .n_attr = node->n_attr,
                                              .attr = node->attr})
                   : NULL;
}

static erg_node *lay_out(void *unused, erg_node *node) {
    (void)unused;
    switch (node->op) {
    case ERG_OP_matmul:
        return lay_out_product(node);
    case ERG_OP_conv2d:
    case ERG_OP_conv2d_input:
    case ERG_OP_conv2d_last:
        return lay_out_convolution(node);
    default:
        return erg_ops[node->op].flags & ELEMENTWISE && node->n_in > 1 ? lay_out_elementwise(node)
                                                                       : NULL;
    }
}

bool erg_program_pack(erg_program *program) {
    return erg_program_rewrite(program, lay_out, NULL);
}

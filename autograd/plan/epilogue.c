/* epilogue.c: a row that is added to all rows of a product, as a layer's bias is, or to all pixels of
 * a convolution, is added while the result is still in registers: no other step has to read and write
 * it again. The bits are those of a sum of their own. */
#include <stdlib.h>

#include "passes.h"

/* The row, if x is one stretched along all axes but the last. */
static erg_node *row_of(erg_node *x) {
    const erg_node *stretched = x;
    while (x->op == ERG_OP_broadcast)
        x = x->in[0];
    int last = x->shape.ndim - 1;
    bool is_row = x != stretched && last >= 1 && x->shape.dims[last] == erg_shape_size(x->shape) &&
                  x->shape.dims[last] == stretched->shape.dims[last];
    return is_row ? x : NULL;
}

/* The same with a row, or 0. */
static erg_op with_row(const erg_node *node) {
    switch (node->op) {
    case ERG_OP_matmul_packed:
        return ERG_OP_matmul_biased;
    case ERG_OP_conv2d_last:
        return node->n_in == 2 ? ERG_OP_conv2d_last : 0;
    default:
        return 0;
    }
}

static erg_node *add_in_product(void *self, erg_node *node) {
    const int *uses = self;
    for (int k = 0; node->op == ERG_OP_add && k < 2; k++) {
        erg_node *product = node->in[k], *row = row_of(node->in[1 - k]);
        if (row && with_row(product) && uses[product->id] == 1)
            return erg_node_new(
                &(erg_node){.op = with_row(product),
                            .dtype = node->dtype,
                            .shape = node->shape,
                            .n_in = 3,
                            .in = (erg_node *[]){product->in[0], product->in[1], row},
                            .n_attr = product->n_attr,
                            .attr = product->attr});
    }
    return NULL;
}

bool erg_program_epilogue(erg_program *program) {
    int *uses = erg_count_uses(program, program->graph->count);
    bool done = uses && erg_program_rewrite(program, add_in_product, uses);
    free(uses);
    return done;
}

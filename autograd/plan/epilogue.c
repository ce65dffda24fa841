/* epilogue.c: a row that is added to all rows of a product, as a layer's bias is, is added while the
 * result is still in registers: no other step has to read and write it again. The bits are those of
 * a sum of their own. */
#include <stdlib.h>

#include "passes.h"

/* The row, if x is one stretched over all rows. */
static erg_node *row_of(const erg_node *x) {
    bool is_row = x->op == ERG_OP_broadcast && x->shape.ndim == 2 && x->in[0]->shape.dims[0] == 1 &&
                  x->in[0]->shape.dims[1] == x->shape.dims[1];
    return is_row ? x->in[0] : NULL;
}

static erg_node *add_in_product(void *self, erg_node *node) {
    const int *uses = self;
    for (int k = 0; node->op == ERG_OP_add && k < 2; k++) {
        erg_node *product = node->in[k], *row = row_of(node->in[1 - k]);
        if (row && product->op == ERG_OP_matmul_packed && uses[product->id] == 1)
            return erg_node_new(
                &(erg_node){.op = ERG_OP_matmul_biased,
                            .dtype = node->dtype,
                            .shape = node->shape,
                            .n_in = 3,
                            .in = (erg_node *[]){product->in[0], product->in[1], row}});
    }
    return NULL;
}

bool erg_program_epilogue(erg_program *program) {
    int *uses = erg_count_uses(program, program->graph->count);
    bool done = uses && erg_program_rewrite(program, add_in_product, uses);
    free(uses);
    return done;
}

/* transpose.c: a right operand that is stored transposed is laid out once, as the kernel reads it:
 * else each tile, and each thread, would do that again for its rows. Only the order of the elements
 * in memory is another, so no bit of the product changes. */
#include "simplify.h"

#include "passes.h"

/* With fewer rows the product is done by the time the transposed matrix is written; thin products
 * read a transposed operand as well as any. */
enum { ROWS = 64, THIN = 4 };

static erg_node *lay_out(void *unused, erg_node *node) {
    (void)unused;
    if (node->op != ERG_OP_matmul || node->shape.ndim != 2 || !node->attr[1] ||
        node->shape.dims[0] < ROWS || node->shape.dims[1] <= THIN)
        return NULL;
    erg_node *transposed = erg_transpose(node->in[1]);
    return erg_node_new(&(erg_node){
        .op = ERG_OP_matmul,
        .n_in = 2,
        .in = (erg_node *[]){node->in[0], transposed ? erg_simplified(transposed) : NULL},
        .n_attr = 2,
        .attr = (int64_t[]){node->attr[0], 0}});
}

bool erg_program_transpose(erg_program *program) {
    return erg_program_rewrite(program, lay_out, NULL);
}

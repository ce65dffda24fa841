/* pack.c: the right operand of a product is laid out once, as the kernel reads it: else each tile,
 * and each thread, would do that again for its rows. Only the order of the elements in memory is
 * another, so no bit of the product changes. */
#include "../../tensor/kernels.h"
#include "passes.h"

/* With fewer rows the product is done by the time its operand is packed; with few columns it reads
 * the operand as it is. */
enum { ROWS = 16, THIN = 4 };

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

static erg_node *pack_operand(void *unused, erg_node *node) {
    (void)unused;
    if (node->op != ERG_OP_matmul || node->shape.ndim != 2 || node->attr[0] ||
        node->shape.dims[0] < ROWS || node->shape.dims[1] <= THIN)
        return NULL;
    erg_node *a = node->in[0];
    erg_node *packed = pack(node->in[1], node->attr[1], node->shape.dims[1], a->shape.dims[1]);
    return erg_node_new(&(erg_node){.op = ERG_OP_matmul_packed,
                                    .dtype = node->dtype,
                                    .shape = node->shape,
                                    .n_in = 2,
                                    .in = (erg_node *[]){a, packed}});
}

bool erg_program_pack(erg_program *program) {
    return erg_program_rewrite(program, pack_operand, NULL);
}

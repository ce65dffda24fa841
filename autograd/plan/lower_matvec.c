/* lower_matvec.c: products of a single row with a matrix. To read the matrix is most of the work, so
 * products with the same one that do not need each other are one step (see chain.c). The elements of
 * the results may be cut anywhere. */
#include "lower.h"
#include "simplify.h"

typedef struct products {
    erg_gemv_kernel *kernel;
    int transposed;
    int64_t k, stride; /* from row to row of the matrix, as stored */
} products;

/* a b or a b^T for one row a: b^T a or b a, all rows and columns being vectors. A single column is
 * stored as its transpose is; a few columns are short rows, which products of matrices read better. */
erg_node *erg_row_product(erg_node *node) {
    int64_t n = node->shape.dims[1];
    if (!node->attr[1] && n > 1 && n < ERG_SHORTEST_ROW)
        return NULL;
    int64_t k = erg_shape_size(node->in[0]->shape);
    erg_node *row = erg_simplified(ERG_RESHAPE(node->in[0], 1, k)), *b = node->in[1];
    if (!row)
        return NULL;
    return erg_node_new(&(erg_node){.op = ERG_OP_matvec,
                                    .dtype = node->dtype,
                                    .shape = node->shape,
                                    .n_in = 2,
                                    .in = (erg_node *[]){row, b},
                                    .n_attr = 1,
                                    .attr = (int64_t[]){!node->attr[1] && n > 1}});
}

bool erg_is_with_same_matrix(const erg_node *a, const erg_node *b) {
    return a->in[1] == b->in[1] && a->attr[0] == b->attr[0] && erg_shape_equal(a->shape, b->shape);
}

static void products_part(const erg_step *step, const erg_work *work) {
    const products *p = step->detail;
    p->kernel(p->transposed, step->n_out, work->begin, work->end, p->k, work->in[0], p->stride,
              work->in + 1, work->results);
}

bool erg_lower_matvec(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    int64_t n = erg_shape_size(node->shape), k = erg_shape_size(node->in[0]->shape);
    products *p = erg_lower_alloc(lowering, sizeof *p);
    erg_read *reads = erg_lower_alloc(lowering, (size_t)(step->n_nodes + 1) * sizeof *reads);
    if (!p || !reads)
        return false;
    *p = (products){.kernel = lowering->kernels->gemv[node->dtype],
                    .transposed = node->attr[0] != 0,
                    .k = k,
                    .stride = node->attr[0] ? n : k};
    reads[0] = (erg_read){node, 1};
    for (int i = 0; i < step->n_nodes; i++)
        reads[i + 1] = (erg_read){step->nodes[i], 0};
    step->n_in = step->n_nodes + 1;
    step->reads = reads;
    step->n_out = step->n_nodes;
    step->result_nodes = step->nodes;
    step->items = n;
    step->grain = erg_grain(0.25 * (double)k * step->n_nodes + 1);
    step->part = products_part;
    step->detail = p;
    return true;
}

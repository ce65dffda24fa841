/* lower_sparse.c: products with a constant matrix most of whose elements are 0, such as the
 * couplings of a lattice, a banded matrix or a graph's: only the others are stored and multiplied. */
#include <string.h>

#include "lower.h"

static bool is_zero(const erg_node *x, int64_t i) {
    return x->dtype == ERG_FLOAT32 ? ((const float *)x->value->data)[i] == 0
                                   : ((const double *)x->value->data)[i] == 0;
}

static int64_t count_values(const erg_node *x) {
    int64_t n = erg_shape_size(x->shape), count = 0;
    for (int64_t i = 0; i < n; i++)
        count += !is_zero(x, i);
    return count;
}

/* An element that is multiplied by itself, and the end of a column, cost as much as this many in a
 * product of whole vectors. */
enum { COST = 16 };

bool erg_is_sparse_product(const erg_node *node) {
    const erg_node *b = node->in[1];
    if (node->op != ERG_OP_matmul || node->shape.ndim != 2 || node->attr[0] ||
        b->op != ERG_OP_constant)
        return false;
    int64_t n = erg_shape_size(b->shape), columns = node->shape.dims[1];
    return n <= INT32_MAX && COST * columns < n && COST * (count_values(b) + columns) < n;
}

erg_node *erg_sparse_product(erg_node *node) {
    return erg_node_new(&(erg_node){.op = ERG_OP_matmul_sparse,
                                    .dtype = node->dtype,
                                    .shape = node->shape,
                                    .n_in = 2,
                                    .in = node->in,
                                    .n_attr = 2,
                                    .attr = (int64_t[]){node->attr[1], count_values(node->in[1])}});
}

typedef struct sparse_product {
    erg_sparse_kernel *kernel;
    erg_sparse matrix;
    int64_t k, bytes; /* bytes of an element */
} sparse_product;

static void product_part(const erg_step *step, const erg_work *work) {
    const sparse_product *p = step->detail;
    p->kernel(work->end - work->begin, &p->matrix,
              (const char *)work->in[0] + work->begin * p->k * p->bytes, p->k,
              (char *)work->out + work->begin * p->matrix.columns * p->bytes, p->matrix.columns);
}

/* Column by column, in the order of rows. */
static bool compress(erg_lowering *lowering, const erg_node *node, erg_sparse *matrix) {
    const erg_node *b = node->in[1];
    int64_t rows = node->in[0]->shape.dims[1], columns = node->shape.dims[1];
    int64_t to_row = node->attr[0] ? 1 : columns, to_column = node->attr[0] ? rows : 1;
    size_t size = erg_dtype_size(node->dtype), count = (size_t)node->attr[1];
    int32_t *start = erg_lower_alloc(lowering, (size_t)(columns + 1) * sizeof *start);
    int32_t *row = erg_lower_alloc(lowering, (count + 1) * sizeof *row);
    char *values = erg_lower_alloc(lowering, (count + 1) * size);
    if (!start || !row || !values)
        return false;
    int32_t p = 0;
    for (int64_t j = 0; j < columns; start[++j] = p)
        for (int64_t i = 0; i < rows; i++) {
            int64_t at = i * to_row + j * to_column;
            if (is_zero(b, at))
                continue;
            memcpy(values + (size_t)p * size, (const char *)b->value->data + (size_t)at * size,
                   size);
            row[p++] = (int32_t)i;
        }
    *matrix = (erg_sparse){columns, start, row, values};
    return true;
}

bool erg_lower_matmul_sparse(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    sparse_product *p = erg_lower_alloc(lowering, sizeof *p);
    if (!p || !compress(lowering, node, &p->matrix))
        return false;
    p->kernel = lowering->kernels->sparse[node->dtype];
    p->k = node->in[0]->shape.dims[1];
    p->bytes = (int64_t)erg_dtype_size(node->dtype);
    step->items = node->shape.dims[0];
    step->grain = erg_grain((double)(node->attr[1] + p->matrix.columns));
    step->part = product_part;
    step->detail = p;
    return true;
}

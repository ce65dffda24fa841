/* lower_matmul.c: products of matrices, one for each batch. The rows of all results are one long
 * list that may be cut anywhere: an element's bits do not depend on the rows around it. */
#include "lower.h"

typedef struct product {
    erg_gemm_kernel *kernel;
    int trans_a, trans_b;
    int64_t m, n, k;
    int64_t lda, ldb;           /* from row to row, as stored */
    int64_t matrix_a, matrix_b; /* from batch to batch */
    int64_t bytes;              /* of an element */
} product;

/* Rows begin .. end of one batch. */
static void multiply(const erg_step *step, const erg_work *work, int64_t batch, int64_t begin,
                     int64_t end) {
    const product *p = step->detail;
    int64_t a = batch * p->matrix_a + begin * (p->trans_a ? 1 : p->lda);
    int64_t c = (batch * p->m + begin) * p->n;
    p->kernel(p->trans_a, p->trans_b, end - begin, p->n, p->k, 1,
              (const char *)work->in[0] + a * p->bytes, p->lda,
              (const char *)work->in[1] + batch * p->matrix_b * p->bytes, p->ldb, 0,
              (char *)work->out + c * p->bytes, p->n, work->scratch);
}

static void product_part(const erg_step *step, const erg_work *work) {
    const product *p = step->detail;
    for (int64_t row = work->begin, next; row < work->end; row = next) {
        int64_t batch = row / p->m, start = batch * p->m;
        next = start + p->m < work->end ? start + p->m : work->end;
        multiply(step, work, batch, row - start, next - start);
    }
}

bool erg_lower_matmul(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node, *a = node->in[0], *b = node->in[1];
    int last = node->shape.ndim - 1;
    product *p = erg_lower_alloc(lowering, sizeof *p);
    if (!p || !erg_lower_scratch(lowering, lowering->kernels->gemm_scratch[node->dtype]))
        return false;
    *p = (product){.kernel = lowering->kernels->gemm[node->dtype],
                   .trans_a = node->attr[0] != 0,
                   .trans_b = node->attr[1] != 0,
                   .m = node->shape.dims[last - 1],
                   .n = node->shape.dims[last],
                   .k = a->shape.dims[node->attr[0] ? last - 1 : last],
                   .lda = a->shape.dims[last],
                   .ldb = b->shape.dims[last],
                   .matrix_a = erg_view_operand(node, 0).row,
                   .matrix_b = erg_view_operand(node, 1).row,
                   .bytes = (int64_t)erg_dtype_size(node->dtype)};
    step->items = erg_shape_size(node->shape) / p->n;
    step->grain = erg_grain(0.25 * (double)p->n * (double)p->k + 1);
    step->part = product_part;
    step->detail = p;
    return true;
}

/* ------------------------------------------------------------------------------- packed */

typedef struct packing {
    erg_gemm_pack_kernel *kernel;
    int transposed;
    int64_t n, k, stride; /* from row to row, as stored */
} packing;

static void pack_part(const erg_step *step, const erg_work *work) {
    const packing *p = step->detail;
    p->kernel(p->transposed, p->n, p->k, work->begin, work->end, work->in[0], p->stride, work->out);
}

bool erg_lower_pack(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node, *b = node->in[0];
    packing *p = erg_lower_alloc(lowering, sizeof *p);
    if (!p)
        return false;
    *p = (packing){.kernel = lowering->kernels->gemm_pack[node->dtype],
                   .transposed = node->attr[0] != 0,
                   .n = node->attr[1],
                   .k = node->attr[2],
                   .stride = b->shape.dims[1]};
    step->items = lowering->kernels->gemm_panels[node->dtype](p->n);
    step->grain = erg_grain((double)erg_shape_size(node->shape) / (double)step->items);
    step->part = pack_part;
    step->detail = p;
    return true;
}

typedef struct packed_product {
    erg_gemm_packed_kernel *kernel;
    int64_t n, k, bytes;
    bool biased;
} packed_product;

static void packed_part(const erg_step *step, const erg_work *work) {
    const packed_product *p = step->detail;
    p->kernel(0, work->end - work->begin, p->n, p->k,
              (const char *)work->in[0] + work->begin * p->k * p->bytes, p->k, work->in[1],
              p->biased ? work->in[2] : NULL, (char *)work->out + work->begin * p->n * p->bytes,
              p->n, work->scratch);
}

bool erg_lower_matmul_packed(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    packed_product *p = erg_lower_alloc(lowering, sizeof *p);
    if (!p || !erg_lower_scratch(lowering, lowering->kernels->gemm_scratch[node->dtype]))
        return false;
    *p = (packed_product){.kernel = lowering->kernels->gemm_packed[node->dtype],
                          .n = node->shape.dims[1],
                          .k = node->in[0]->shape.dims[1],
                          .bytes = (int64_t)erg_dtype_size(node->dtype),
                          .biased = node->op == ERG_OP_matmul_biased};
    step->items = node->shape.dims[0];
    step->grain = erg_grain(0.25 * (double)p->n * (double)p->k + 1);
    step->part = packed_part;
    step->detail = p;
    return true;
}

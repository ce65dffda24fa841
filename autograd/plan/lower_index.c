/* lower_index.c: gather and scatter_add along the middle axis of (outer, n, inner), by an index
 * (outer, m, inner), or by one number for each row of inner elements. */
#include <string.h>

#include "lower.h"

typedef struct indexing {
    union {
        erg_gather_kernel *gather;
        erg_take_kernel *take;
        erg_scatter_add_kernel *scatter_add;
    } kernel;
    erg_span span; /* of what is read from, or added to */
    int64_t m;
    int64_t bytes; /* of an element */
} indexing;

/* `whole` has n along the axis, the index m. */
static indexing *prepare(erg_lowering *lowering, erg_step *step, const erg_node *whole) {
    const erg_node *node = step->node;
    int axis = (int)node->attr[0];
    indexing *x = erg_lower_alloc(lowering, sizeof *x);
    if (!x)
        return NULL;
    x->span = erg_span_of(whole->shape, axis, axis);
    x->m = node->in[1]->shape.dims[axis];
    x->bytes = (int64_t)erg_dtype_size(node->dtype);
    step->detail = x;
    return x;
}

/* ------------------------------------------------------------------------------- gather */

/* Rows of `inner` results, outer * m in all. */
static void gather_part(const erg_step *step, const erg_work *work) {
    const indexing *x = step->detail;
    int64_t inner = x->span.inner;
    for (int64_t row = work->begin, next; row < work->end; row = next) {
        int64_t outer = row / x->m, start = outer * x->m;
        next = start + x->m < work->end ? start + x->m : work->end;
        x->kernel.gather(1, x->span.n, inner, next - row,
                         (const char *)work->in[0] + outer * x->span.n * inner * x->bytes,
                         (const int32_t *)work->in[1] + row * inner,
                         (char *)work->out + row * inner * x->bytes);
    }
}

/* Whole rows, with an index for each. */
static void take_part(const erg_step *step, const erg_work *work) {
    const indexing *x = step->detail;
    x->kernel.take(x->span.n, x->span.inner, work->end - work->begin, work->in[0],
                   (const int32_t *)work->in[1] + work->begin,
                   (char *)work->out + work->begin * x->span.inner * x->bytes);
}

bool erg_lower_gather(erg_lowering *lowering, erg_step *step) {
    indexing *x = prepare(lowering, step, step->node->in[0]);
    if (!x)
        return false;
    bool rows = erg_view_operand(step->node, 1).step == 0;
    if (rows)
        x->kernel.take = lowering->kernels->take[step->node->dtype];
    else
        x->kernel.gather = lowering->kernels->gather[step->node->dtype];
    step->items = x->span.outer * x->m;
    step->grain = erg_grain((rows ? 1.0 : 2.0) * (double)x->span.inner);
    step->part = rows ? take_part : gather_part;
    return true;
}

/* ------------------------------------------------------------------------------- scatter_add */

/* Additions to one place happen in the order of the index, so only the outer axis is cut. */
static void scatter_part(const erg_step *step, const erg_work *work) {
    const indexing *x = step->detail;
    int64_t result = x->span.n * x->span.inner, source = x->m * x->span.inner;
    int64_t begin = work->begin, count = work->end - begin;
    char *out = (char *)work->out + begin * result * x->bytes;
    memset(out, 0, (size_t)(count * result * x->bytes));
    x->kernel.scatter_add(count, x->span.n, x->span.inner, x->m,
                          (const char *)work->in[0] + begin * source * x->bytes,
                          (const int32_t *)work->in[1] + begin * source, out);
}

bool erg_lower_scatter_add(erg_lowering *lowering, erg_step *step) {
    indexing *x = prepare(lowering, step, step->node);
    if (!x)
        return false;
    x->kernel.scatter_add = lowering->kernels->scatter_add[step->node->dtype];
    step->items = x->span.outer;
    step->grain = erg_grain((double)(x->span.n + 4 * x->m) * (double)x->span.inner);
    step->part = scatter_part;
    return true;
}

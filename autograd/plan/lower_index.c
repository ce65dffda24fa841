/* lower_index.c: gather and scatter_add along the middle axis of (outer, n, inner), by an index
 * (outer, m, inner). */
#include <string.h>

#include "../../tensor/threads.h"
#include "lower.h"

typedef struct indexing {
    union {
        erg_gather_kernel *gather;
        erg_scatter_add_kernel *scatter_add;
    } kernel;
    erg_span span; /* of what is read from, or added to */
    int64_t m;
    int64_t bytes; /* of an element */
    int64_t grain;
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
static void gather_range(void *ctx, int64_t begin, int64_t end, int thread) {
    const erg_step *step = ctx;
    const indexing *x = step->detail;
    int64_t inner = x->span.inner;
    (void)thread;
    for (int64_t row = begin, next; row < end; row = next) {
        int64_t outer = row / x->m, start = outer * x->m;
        next = start + x->m < end ? start + x->m : end;
        x->kernel.gather(1, x->span.n, inner, next - row,
                         (const char *)step->in[0] + outer * x->span.n * inner * x->bytes,
                         (const int32_t *)step->in[1] + row * inner,
                         (char *)step->out + row * inner * x->bytes);
    }
}

static void run_gather(const erg_step *step, uint64_t run) {
    const indexing *x = step->detail;
    (void)run;
    erg_parallel_for(x->span.outer * x->m, x->grain, gather_range, (void *)step);
}

bool erg_lower_gather(erg_lowering *lowering, erg_step *step) {
    indexing *x = prepare(lowering, step, step->node->in[0]);
    if (!x)
        return false;
    x->kernel.gather = lowering->kernels->gather[step->node->dtype];
    x->grain = erg_grain(2.0 * (double)x->span.inner);
    step->run = run_gather;
    return true;
}

/* ------------------------------------------------------------------------------- scatter_add */

/* Additions to one place happen in the order of the index, so only the outer axis is cut. */
static void scatter_range(void *ctx, int64_t begin, int64_t end, int thread) {
    const erg_step *step = ctx;
    const indexing *x = step->detail;
    int64_t result = x->span.n * x->span.inner, source = x->m * x->span.inner;
    char *out = (char *)step->out + begin * result * x->bytes;
    (void)thread;
    memset(out, 0, (size_t)((end - begin) * result * x->bytes));
    x->kernel.scatter_add(end - begin, x->span.n, x->span.inner, x->m,
                          (const char *)step->in[0] + begin * source * x->bytes,
                          (const int32_t *)step->in[1] + begin * source, out);
}

static void run_scatter_add(const erg_step *step, uint64_t run) {
    const indexing *x = step->detail;
    (void)run;
    erg_parallel_for(x->span.outer, x->grain, scatter_range, (void *)step);
}

bool erg_lower_scatter_add(erg_lowering *lowering, erg_step *step) {
    indexing *x = prepare(lowering, step, step->node);
    if (!x)
        return false;
    x->kernel.scatter_add = lowering->kernels->scatter_add[step->node->dtype];
    x->grain = erg_grain((double)(x->span.n + 4 * x->m) * (double)x->span.inner);
    step->run = run_scatter_add;
    return true;
}

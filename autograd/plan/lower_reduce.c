/* lower_reduce.c: argmax and cumsum along the middle axis of (outer, n, inner). They may be cut along the
 * outer axis. */
#include "lower.h"

typedef struct reduction {
    erg_reduce_kernel *kernel;
    erg_span span;
    int64_t in_bytes, out_bytes; /* of an element */
} reduction;

static void outer_part(const erg_step *step, const erg_work *work) {
    const reduction *r = step->detail;
    int64_t results = erg_shape_size(step->node->shape) / r->span.outer;
    r->kernel(work->end - work->begin, r->span.n, r->span.inner,
              (const char *)work->in[0] + work->begin * r->span.n * r->span.inner * r->in_bytes,
              (char *)work->out + work->begin * results * r->out_bytes);
}

bool erg_lower_reduce(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node, *x = node->in[0];
    reduction *r = erg_lower_alloc(lowering, sizeof *r);
    if (!r)
        return false;
    *r = (reduction){.kernel = (node->op == ERG_OP_argmax ? lowering->kernels->argmax
                                                          : lowering->kernels->cumsum)[x->dtype],
                     .span = erg_span_of(x->shape, (int)node->attr[0], (int)node->attr[0]),
                     .in_bytes = (int64_t)erg_dtype_size(x->dtype),
                     .out_bytes = (int64_t)erg_dtype_size(node->dtype)};
    step->items = r->span.outer;
    step->grain = erg_grain((double)r->span.n * (double)r->span.inner);
    step->part = outer_part;
    step->detail = r;
    return true;
}

/* lower_reduce.c: reductions over the middle axis of (outer, n, inner).
 *
 * Kernels may be cut along the outer axis. A sum over a batch has none: then the middle axis is cut
 * into pieces, each of which gives a partial result, and these are reduced in turn. The pieces
 * depend on the sizes alone, so the bits do not depend on the number of threads. */
#include "../../tensor/threads.h"
#include "lower.h"

typedef struct reduction {
    erg_reduce_kernel *kernel;
    erg_span span;
    int64_t in_bytes, out_bytes; /* of an element */
    int64_t grain;               /* outer elements, or pieces, a thread should have */
    int64_t pieces, length;      /* of the middle axis: how many, and how long but for the last */
    void *partial;               /* (outer, pieces, inner) */
} reduction;

static reduction *prepare(erg_lowering *lowering, erg_step *step, int last) {
    const erg_node *node = step->node, *x = node->in[0];
    reduction *r = erg_lower_alloc(lowering, sizeof *r);
    if (!r)
        return NULL;
    r->span = erg_span_of(x->shape, (int)node->attr[0], last);
    r->in_bytes = (int64_t)erg_dtype_size(x->dtype);
    r->out_bytes = (int64_t)erg_dtype_size(node->dtype);
    r->grain = erg_grain((double)r->span.n * (double)r->span.inner);
    step->detail = r;
    return r;
}

/* ------------------------------------------------------------------------------- outer axis */

static void outer_range(void *ctx, int64_t begin, int64_t end, int thread) {
    const erg_step *step = ctx;
    const reduction *r = step->detail;
    int64_t results = erg_shape_size(step->node->shape) / r->span.outer;
    (void)thread;
    r->kernel(end - begin, r->span.n, r->span.inner,
              (const char *)step->in[0] + begin * r->span.n * r->span.inner * r->in_bytes,
              (char *)step->out + begin * results * r->out_bytes);
}

static void run_outer(const erg_step *step, uint64_t run) {
    const reduction *r = step->detail;
    (void)run;
    erg_parallel_for(r->span.outer, r->grain, outer_range, (void *)step);
}

bool erg_lower_reduce(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    reduction *r = prepare(lowering, step, (int)node->attr[0]);
    if (!r)
        return false;
    r->kernel = (node->op == ERG_OP_argmax ? lowering->kernels->argmax
                                           : lowering->kernels->cumsum)[node->in[0]->dtype];
    step->run = run_outer;
    return true;
}

/* ------------------------------------------------------------------------------- in pieces */

static void piece_range(void *ctx, int64_t begin, int64_t end, int thread) {
    const erg_step *step = ctx;
    const reduction *r = step->detail;
    int64_t inner = r->span.inner;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i % r->pieces * r->length, left = r->span.n - first;
        int64_t at = (i / r->pieces * r->span.n + first) * inner;
        r->kernel(1, left < r->length ? left : r->length, inner,
                  (const char *)step->in[0] + at * r->in_bytes,
                  (char *)r->partial + i * inner * r->out_bytes);
    }
}

static void run_pieces(const erg_step *step, uint64_t run) {
    const reduction *r = step->detail;
    (void)run;
    erg_parallel_for(r->span.outer * r->pieces, 1, piece_range, (void *)step);
    r->kernel(r->span.outer, r->pieces, r->span.inner, r->partial, step->out);
}

/* Pieces of about this many elements, if there are not enough outer ones to go round. */
enum { PIECE = 32768, ENOUGH = 64, SHORTEST = 16 };

static void cut(reduction *r) {
    double elements = (double)r->span.n * (double)r->span.inner;
    if (r->span.outer >= ENOUGH || elements < 2.0 * PIECE)
        return;
    int64_t length = PIECE / r->span.inner > SHORTEST ? PIECE / r->span.inner : SHORTEST;
    r->length = length;
    r->pieces = (r->span.n + length - 1) / length;
}

bool erg_lower_fold(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    reduction *r = prepare(lowering, step, (int)node->attr[1]);
    if (!r)
        return false;
    r->kernel =
        (node->op == ERG_OP_sum ? lowering->kernels->sum : lowering->kernels->max)[node->dtype];
    step->run = run_outer;
    cut(r);
    if (r->pieces <= 1)
        return true;
    size_t partials = (size_t)(r->span.outer * r->pieces * r->span.inner);
    r->partial = erg_lower_alloc(lowering, partials * (size_t)r->out_bytes);
    step->run = run_pieces;
    return r->partial != NULL;
}

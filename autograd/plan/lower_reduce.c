/* lower_reduce.c: reductions over the middle axis of (outer, n, inner).
 *
 * Kernels may be cut along the outer axis. A sum over a batch has none: then the middle axis is cut
 * into pieces, each of which gives a partial result, and these are reduced in turn. The pieces
 * depend on the sizes alone, so the bits do not depend on the number of threads. */
#include "lower.h"

typedef struct reduction {
    erg_reduce_kernel *kernel;
    erg_span span;
    int64_t in_bytes, out_bytes; /* of an element */
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
    step->items = r->span.outer;
    step->grain = erg_grain((double)r->span.n * (double)r->span.inner);
    step->detail = r;
    return r;
}

/* ------------------------------------------------------------------------------- outer axis */

static void outer_part(const erg_step *step, const erg_work *work) {
    const reduction *r = step->detail;
    int64_t results = erg_shape_size(step->node->shape) / r->span.outer;
    r->kernel(work->end - work->begin, r->span.n, r->span.inner,
              (const char *)work->in[0] + work->begin * r->span.n * r->span.inner * r->in_bytes,
              (char *)work->out + work->begin * results * r->out_bytes);
}

bool erg_lower_reduce(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    reduction *r = prepare(lowering, step, (int)node->attr[0]);
    if (!r)
        return false;
    r->kernel = (node->op == ERG_OP_argmax ? lowering->kernels->argmax
                                           : lowering->kernels->cumsum)[node->in[0]->dtype];
    step->part = outer_part;
    return true;
}

/* ------------------------------------------------------------------------------- in pieces */

static void piece_part(const erg_step *step, const erg_work *work) {
    const reduction *r = step->detail;
    int64_t inner = r->span.inner;
    for (int64_t i = work->begin; i < work->end; i++) {
        int64_t first = i % r->pieces * r->length, left = r->span.n - first;
        int64_t at = (i / r->pieces * r->span.n + first) * inner;
        r->kernel(1, left < r->length ? left : r->length, inner,
                  (const char *)work->in[0] + at * r->in_bytes,
                  (char *)r->partial + i * inner * r->out_bytes);
    }
}

static void join_pieces(const erg_step *step) {
    const reduction *r = step->detail;
    r->kernel(r->span.outer, r->pieces, r->span.inner, r->partial, step->results[0]);
}

/* Pieces of about this many elements, if there are not enough outer ones to go round. */
enum { PIECE = 65536, ENOUGH = 64, SHORTEST = 16 };

/* n if it is not cut. */
static int64_t piece_length(erg_span span) {
    double elements = (double)span.n * (double)span.inner;
    if (span.outer >= ENOUGH || elements < 2.0 * PIECE)
        return span.n;
    int64_t length = PIECE / span.inner > SHORTEST ? PIECE / span.inner : SHORTEST;
    return length < span.n ? length : span.n;
}

bool erg_fold_is_cut(const erg_node *node) {
    erg_span span = erg_span_of(node->in[0]->shape, (int)node->attr[0], (int)node->attr[1]);
    return piece_length(span) < span.n;
}

bool erg_lower_fold(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    reduction *r = prepare(lowering, step, (int)node->attr[1]);
    if (!r)
        return false;
    r->kernel =
        (node->op == ERG_OP_sum ? lowering->kernels->sum : lowering->kernels->max)[node->dtype];
    step->part = outer_part;
    if (!erg_fold_is_cut(node))
        return true;
    r->length = piece_length(r->span);
    r->pieces = (r->span.n + r->length - 1) / r->length;
    step->items = r->span.outer * r->pieces;
    step->grain = 1;
    step->part = piece_part;
    step->finish = join_pieces;
    r->partial =
        erg_lower_alloc(lowering, (size_t)(step->items * r->span.inner) * (size_t)r->out_bytes);
    return r->partial != NULL;
}

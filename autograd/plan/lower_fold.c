/* lower_fold.c: sums and maxima over the middle axis of (outer, n, inner), of an array, or of what a
 * chain of elementwise nodes makes on the way: then that is never an array, but a part of one, in the
 * caches.
 *
 * A sum over a batch has no outer axis that threads could share. Then the middle axis is cut into
 * pieces, each of which gives a partial result, and these are reduced in turn. The pieces depend on
 * the sizes alone, so the bits depend neither on the number of threads nor on the chain. */
#include <stdint.h>
#include <string.h>

#include "chain_code.h"
#include "lower.h"

typedef struct fold {
    erg_reduce_kernel *kernel;
    erg_fold_kernel *made_kernel; /* of what the chain makes */
    erg_span span;
    int64_t bytes;          /* of an element */
    int64_t pieces, length; /* of the middle axis: how many, and how long but for the last */
    void *partial;          /* (outer, pieces, inner), if it is cut */
    int result;             /* which of the step's */
    const erg_step *chain;  /* what makes the operand, in place of that result; or NULL */
    size_t room;            /* bytes for what it has made, in front of its own scratch memory */
} fold;

/* ------------------------------------------------------------------------------- pieces */

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

static erg_span span_of(const erg_node *node) {
    return erg_span_of(node->in[0]->shape, (int)node->attr[0], (int)node->attr[1]);
}

bool erg_is_fold(const erg_node *node) {
    return node->op == ERG_OP_sum || node->op == ERG_OP_max;
}

bool erg_fold_is_cut(const erg_node *node) {
    return piece_length(span_of(node)) < span_of(node).n;
}

/* Long rows of numbers are made block by block, others whole: of more the caches would not hold what is
 * made. Rows that are short, or do not begin at half a cache line, are read faster if all are made before;
 * and a chain for few items has fewer threads than alone. */
bool erg_fold_takes_chains(const erg_node *node, int threads) {
    enum { SHORT = 512, ALIGNED = 8, SMALL = 8192 };
    if (!erg_is_fold(node))
        return false;
    erg_span span = span_of(node);
    int64_t length = piece_length(span), elements = length * span.inner;
    int64_t items = length > 0 ? (span.n + length - 1) / length * span.outer : span.outer;
    if (span.outer > 1 && (elements < SHORT || elements % ALIGNED != 0))
        return false;
    bool is_shared = items >= threads || erg_shape_size(node->in[0]->shape) <= SMALL;
    return is_shared && (span.inner == 1 || elements <= 2 * PIECE);
}

/* ------------------------------------------------------------------------------- work */

/* What a chain makes, element 0 being number `at` of the whole operand. */
typedef struct making {
    const fold *f;
    const erg_work *work;
    int64_t at;
} making;

static const void *make(void *context, int64_t first, int64_t count) {
    const making *m = context;
    const erg_step *chain = m->f->chain;
    void *results[ERG_STEP_OPERANDS];
    int64_t at = m->at + first;
    memcpy(results, m->work->results, (size_t)chain->n_out * sizeof *results);
    results[m->f->result] = (void *)((uintptr_t)m->work->scratch - (uintptr_t)(at * m->f->bytes));
    erg_work part = *m->work;
    part.results = results;
    part.begin = at;
    part.end = at + count;
    part.origin = m->work->origin * m->f->span.n * m->f->span.inner;
    part.scratch = (char *)m->work->scratch + m->f->room;
    chain->part(chain, &part);
    return m->work->scratch;
}

/* (outer, n, inner) elements from number `at` on. */
static void reduce(const fold *f, const erg_work *work, int64_t at, int64_t outer, int64_t n,
                   void *out) {
    making m = {f, work, at};
    erg_fold_source source = {make, &m};
    if (f->chain)
        f->made_kernel(outer, n, f->span.inner, &source, out);
    else
        f->kernel(outer, n, f->span.inner, (const char *)work->in[0] + at * f->bytes, out);
}

static void outer_part(const erg_step *step, const erg_work *work) {
    const fold *f = step->detail;
    reduce(f, work, work->begin * f->span.n * f->span.inner, work->end - work->begin, f->span.n,
           (char *)work->results[f->result] + work->begin * f->span.inner * f->bytes);
}

static void piece_part(const erg_step *step, const erg_work *work) {
    const fold *f = step->detail;
    int64_t inner = f->span.inner;
    for (int64_t i = work->begin; i < work->end; i++) {
        int64_t first = i % f->pieces * f->length, left = f->span.n - first;
        reduce(f, work, (i / f->pieces * f->span.n + first) * inner, 1,
               left < f->length ? left : f->length, (char *)f->partial + i * inner * f->bytes);
    }
}

static void join_pieces(const erg_step *step) {
    const fold *f = step->detail;
    f->kernel(f->span.outer, f->pieces, f->span.inner, f->partial, step->results[f->result]);
}

/* ------------------------------------------------------------------------------- lowering */

/* The nodes but the fold, as a step of their own, which makes the operand a result. */
static erg_step *chain_of(erg_lowering *lowering, const erg_step *step) {
    size_t count = (size_t)step->n_nodes;
    erg_step *chain = erg_lower_alloc(lowering, sizeof *chain);
    const erg_node **nodes = erg_lower_alloc(lowering, count * sizeof *nodes);
    if (!chain || !nodes)
        return NULL;
    *chain = (erg_step){.nodes = nodes};
    int root = lowering->schedule->root[step->node->in[0]->id];
    for (int i = 0; i < step->n_nodes; i++) {
        if (step->nodes[i]->id == root)
            chain->node = step->nodes[i];
        if (step->nodes[i] != step->node)
            nodes[chain->n_nodes++] = step->nodes[i];
    }
    return erg_lower_chain(lowering, chain) ? chain : NULL;
}

/* The step has the chain's operands and results, but for the fold's in place of its operand. */
static bool lower_chain(erg_lowering *lowering, erg_step *step, fold *f) {
    erg_step *chain = chain_of(lowering, step);
    if (!chain)
        return false;
    const erg_node **results = erg_lower_alloc(lowering, (size_t)chain->n_out * sizeof *results);
    if (!results)
        return false;
    for (int k = 0; k < chain->n_out; k++) {
        bool made = chain->result_nodes[k] == chain->node;
        results[k] = made ? step->node : chain->result_nodes[k];
        f->result = made ? k : f->result;
    }
    step->n_in = chain->n_in;
    step->reads = chain->reads;
    step->n_out = chain->n_out;
    step->result_nodes = results;
    f->chain = chain;
    return true;
}

/* Both take their time to an element. */
static int64_t find_grain(const fold *f, int64_t elements) {
    int64_t grain = erg_grain((double)elements),
            chain = f->chain ? f->chain->grain / elements : grain;
    chain = chain < 1 ? 1 : chain;
    return chain < grain ? chain : grain;
}

/* What is made lies some lines more than a power of two before the chain's buffers: without them exp
 * and its sum took up to 1.6 times as long on Zen 4, in some runs of the program and not in others. */
static bool reserve(erg_lowering *lowering, fold *f, int64_t elements) {
    enum { LINES = 25, LINE = 64 };
    if (!f->chain)
        return true;
    if (f->span.inner == 1 || elements < ERG_FOLD_TOGETHER)
        elements = ERG_FOLD_TOGETHER;
    f->room = ((size_t)(elements * f->bytes) + LINE - 1) / LINE * LINE + LINES * LINE;
    return erg_lower_scratch(lowering, f->room + ((const erg_chain *)f->chain->detail)->scratch);
}

bool erg_lower_fold(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    fold *f = erg_lower_alloc(lowering, sizeof *f);
    if (!f)
        return false;
    const erg_kernels *kernels = lowering->kernels;
    bool sums = node->op == ERG_OP_sum;
    *f = (fold){.kernel = (sums ? kernels->sum : kernels->max)[node->dtype],
                .made_kernel = (sums ? kernels->sum_made : kernels->max_made)[node->dtype],
                .span = span_of(node),
                .bytes = (int64_t)erg_dtype_size(node->dtype)};
    if (step->n_nodes > 1 ? !lower_chain(lowering, step, f)
                          : !erg_lower_own_operands(lowering, step))
        return false;
    f->length = piece_length(f->span);
    f->pieces = f->length < f->span.n ? (f->span.n + f->length - 1) / f->length : 1;
    int64_t elements = f->length * f->span.inner;
    step->detail = f;
    step->items = f->span.outer * f->pieces;
    step->grain = f->pieces > 1 ? 1 : find_grain(f, elements > 0 ? elements : 1);
    step->part = outer_part;
    if (!reserve(lowering, f, elements > 0 ? elements : 1))
        return false;
    if (f->pieces == 1)
        return true;
    step->part = piece_part;
    step->finish = join_pieces;
    f->partial = erg_lower_alloc(lowering, (size_t)(step->items * f->span.inner * f->bytes));
    return f->partial != NULL;
}

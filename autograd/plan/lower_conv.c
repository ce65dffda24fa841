/* lower_conv.c: convolutions. A result is cut into pieces, as many for each image: their bits do not
 * depend on each other. A derivative by the weight is a sum over the batch, for which
 * the batch is cut into parts, as many for any number of threads, whose sums are added two by
 * two. */
#include "../conv.h"
#include "lower.h"

typedef struct convolution {
    erg_conv conv;
    const erg_kernels *kernels;
    erg_dtype dtype;
    erg_conv_form form;
    bool biased;
    /* derivative by the weight: */
    int64_t rows, columns; /* of a sum */
    unsigned char *sums;   /* one for each part of the batch */
    size_t sum_size;       /*  */
} convolution;

/* 64-byte aligned, freed with the plan. */
static unsigned char *aligned(erg_lowering *lowering, size_t size) {
    unsigned char *memory = size < SIZE_MAX - 64 ? erg_lower_alloc(lowering, size + 64) : NULL;
    return memory ? memory + (64 - (uintptr_t)memory % 64) : NULL;
}

/* All three take as many products. */
static int64_t find_grain(const erg_conv *v, int64_t items) {
    double products = (double)v->batch * (double)v->groups * (double)v->channels *
                      (double)v->filters * (double)v->axis[0].kernel * (double)v->axis[1].kernel *
                      (double)v->axis[0].out * (double)v->axis[1].out;
    return erg_grain(0.25 * products / (double)(items > 0 ? items : 1) + 1);
}

static convolution *prepare(erg_lowering *lowering, erg_step *step) {
    convolution *c = erg_lower_alloc(lowering, sizeof *c);
    if (!c)
        return NULL;
    *c = (convolution){.conv = erg_conv_of(step->node),
                       .kernels = lowering->kernels,
                       .dtype = step->node->dtype,
                       .biased = step->node->n_in > 2};
    step->detail = c;
    return c;
}

/* ------------------------------------------------------------------------------- by pieces */

static void piece_part(const erg_step *step, const erg_work *work) {
    const convolution *c = step->detail;
    erg_conv_operands operands = {.source = work->in[0],
                                  .weight = work->in[1],
                                  .bias = c->biased ? work->in[2] : NULL,
                                  .result = work->out};
    c->kernels->conv[c->dtype](&c->conv, c->form, work->begin, work->end, &operands, work->scratch);
}

/* The operand is read below the permute that it is. */
static bool is_below(const erg_node *node, int k) {
    return erg_view_operand(node, k).source != node->in[k];
}

static bool lower_pieces(erg_lowering *lowering, erg_step *step, convolution *c) {
    c->form = (erg_conv_form){.transposed = erg_conv_is_transposed(step->node),
                              .turned = is_below(step->node, 1),
                              .source_last = is_below(step->node, 0),
                              .result_last = step->node->op == ERG_OP_conv2d_last};
    erg_conv_needs needs = c->kernels->conv_needs[c->dtype](&c->conv, c->form);
    step->items = c->conv.batch * needs.pieces;
    step->part = piece_part;
    return erg_lower_scratch(lowering, needs.scratch);
}

/* ------------------------------------------------------------------------------- by weight */

/* Where part k of n begins. */
static int64_t bound(int64_t batch, int64_t n, int64_t k) {
    int64_t rest = batch % n;
    return batch / n * k + (k < rest ? k : rest);
}

static void weight_part(const erg_step *step, const erg_work *work) {
    const convolution *c = step->detail;
    for (int64_t k = work->begin; k < work->end; k++)
        c->kernels->conv_weight[c->dtype](&c->conv, c->form, bound(c->conv.batch, step->items, k),
                                          bound(c->conv.batch, step->items, k + 1), work->in[0],
                                          work->in[1], c->sums + (size_t)k * c->sum_size,
                                          work->scratch);
}

/* Rows of a group's sum become columns of its weight. */
static void turn(const convolution *c, int64_t group, unsigned char *out) {
    erg_box box = {.ndim = 2,
                   .size = {c->conv.filters, c->rows},
                   .src_stride = {1, c->columns},
                   .dst_stride = {c->rows, 1},
                   .src_offset = group * c->rows * c->columns,
                   .dst_offset = group * c->rows * c->conv.filters};
    c->kernels->copy[c->dtype](&box, c->sums, out);
}

static void join_parts(const erg_step *step) {
    const convolution *c = step->detail;
    int64_t size = c->conv.groups * c->rows * c->columns;
    for (int64_t apart = 1; apart < step->items; apart *= 2)
        for (int64_t k = 0; k + apart < step->items; k += 2 * apart) {
            unsigned char *a = c->sums + (size_t)k * c->sum_size;
            const unsigned char *b = a + (size_t)apart * c->sum_size;
            c->kernels->binary[c->dtype][ERG_BINARY_add](size, a, 1, b, 1, a);
        }
    for (int64_t g = 0; g < c->conv.groups; g++)
        turn(c, g, step->results[0]);
}

/* At most eight parts, fewer if their sums would take much memory. */
static int64_t count_parts(const convolution *c) {
    const size_t most = (size_t)64 << 20;
    int64_t parts = (int64_t)(most / (c->sum_size + 1));
    parts = parts > 8 ? 8 : parts;
    parts = parts > c->conv.batch ? c->conv.batch : parts;
    return parts < 1 ? 1 : parts;
}

static bool lower_weight(erg_lowering *lowering, erg_step *step, convolution *c) {
    size_t size, all;
    c->form = (erg_conv_form){.source_last = is_below(step->node, 0),
                              .result_last = is_below(step->node, 1)};
    c->columns = c->kernels->conv_columns[c->dtype](&c->conv, &size);
    c->rows = c->conv.channels * c->conv.axis[0].kernel * c->conv.axis[1].kernel;
    int64_t elements = c->conv.groups * c->rows * c->columns;
    c->sum_size = (size_t)elements * erg_dtype_size(c->dtype);
    step->items = count_parts(c);
    if (__builtin_mul_overflow(c->sum_size, (size_t)step->items, &all))
        return false;
    c->sums = aligned(lowering, all); /* zeros, which an empty batch leaves */
    step->part = weight_part;
    step->finish = join_parts;
    return c->sums && erg_lower_scratch(lowering, size);
}

bool erg_lower_conv(erg_lowering *lowering, erg_step *step) {
    bool by_weight = step->node->op == ERG_OP_conv2d_weight;
    convolution *c = prepare(lowering, step);
    if (!c || !(by_weight ? lower_weight : lower_pieces)(lowering, step, c))
        return false;
    step->grain = find_grain(&c->conv, step->items);
    return true;
}

/* lower_move.c: permute, broadcast, slice, pad and concat are one strided copy each, or one for
 * each operand: out[sum_d i_d s_d] = in[sum_d i_d t_d] for all i, with strides s and t. */
#include <string.h>

#include "../../tensor/threads.h"
#include "lower.h"

typedef struct move {
    erg_copy_kernel *kernel;
    size_t zeros; /* bytes of the result to clear first */
    int count;    /* copies, one for each operand */
    struct part {
        erg_box box;
        int cut; /* the dimension split over threads, */
        int64_t grain;
    } part[];
} move;

/* Distances in elements between neighbours along each axis. */
static void strides_of(erg_shape shape, int64_t *strides) {
    int64_t stride = 1;
    for (int d = shape.ndim - 1; d >= 0; d--) {
        strides[d] = stride;
        stride *= shape.dims[d];
    }
}

/* A copy of elements `shape`, from and to contiguous arrays of these shapes. */
static erg_box box_of(erg_shape shape, erg_shape from, erg_shape to) {
    erg_box box = {.ndim = shape.ndim};
    memcpy(box.size, shape.dims, sizeof box.size);
    strides_of(from, box.src_stride);
    strides_of(to, box.dst_stride);
    return box;
}

static move *prepare(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    move *m = erg_lower_alloc(lowering, sizeof *m + (size_t)node->n_in * sizeof *m->part);
    if (!m)
        return NULL;
    m->kernel = lowering->kernels->copy[node->dtype];
    step->detail = m;
    return m;
}

/* Splits along the largest dimension. */
static void add_part(move *m, erg_box box) {
    struct part *part = &m->part[m->count++];
    double size = 1;
    int cut = 0;
    if (box.ndim == 0)
        box.size[box.ndim++] = 1;
    for (int d = 0; d < box.ndim; d++) {
        size *= (double)box.size[d];
        cut = box.size[d] > box.size[cut] ? d : cut;
    }
    *part = (struct part){box, cut, 1};
    if (size > 0)
        part->grain = erg_grain(size / (double)box.size[cut]);
}

/* One operand's copy at work. */
typedef struct copying {
    const move *move;
    const struct part *part;
    const void *in;
    void *out;
} copying;

static void copy_range(void *ctx, int64_t begin, int64_t end, int thread) {
    const copying *c = ctx;
    int d = c->part->cut;
    erg_box box = c->part->box;
    (void)thread;
    box.size[d] = end - begin;
    box.src_offset += begin * box.src_stride[d];
    box.dst_offset += begin * box.dst_stride[d];
    c->move->kernel(&box, c->in, c->out);
}

static void run_move(const erg_step *step, uint64_t run) {
    const move *m = step->detail;
    (void)run;
    memset(step->out, 0, m->zeros);
    for (int k = 0; k < m->count; k++) {
        const struct part *part = &m->part[k];
        copying c = {m, part, step->in[k], step->out};
        erg_parallel_for(part->box.size[part->cut], part->grain, copy_range, &c);
    }
}

static bool finish(erg_step *step, move *m, erg_box box) {
    add_part(m, box);
    step->run = run_move;
    return true;
}

/* ------------------------------------------------------------------------------- operations */

bool erg_lower_permute(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node, *x = node->in[0];
    int64_t strides[ERG_MAX_DIMS];
    move *m = prepare(lowering, step);
    if (!m)
        return false;
    erg_box box = box_of(node->shape, node->shape, node->shape);
    strides_of(x->shape, strides);
    for (int d = 0; d < box.ndim; d++)
        box.src_stride[d] = strides[node->attr[d]];
    return finish(step, m, box);
}

bool erg_lower_broadcast(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node, *x = node->in[0];
    move *m = prepare(lowering, step);
    if (!m)
        return false;
    erg_box box = box_of(node->shape, x->shape, node->shape);
    for (int d = 0; d < box.ndim; d++)
        if (x->shape.dims[d] == 1)
            box.src_stride[d] = 0;
    return finish(step, m, box);
}

bool erg_lower_slice(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    int64_t axis = node->attr[0];
    move *m = prepare(lowering, step);
    if (!m)
        return false;
    erg_box box = box_of(node->shape, node->in[0]->shape, node->shape);
    box.src_offset = node->attr[1] * box.src_stride[axis];
    /* one element has no next one, and a step that may be too large to multiply */
    box.src_stride[axis] *= node->shape.dims[axis] > 1 ? node->attr[2] : 1;
    return finish(step, m, box);
}

bool erg_lower_pad(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node, *x = node->in[0];
    int64_t axis = node->attr[0];
    move *m = prepare(lowering, step);
    if (!m)
        return false;
    m->zeros = (size_t)erg_shape_size(node->shape) * erg_dtype_size(node->dtype);
    erg_box box = box_of(x->shape, x->shape, node->shape);
    box.dst_offset = node->attr[1] * box.dst_stride[axis];
    box.dst_stride[axis] *= x->shape.dims[axis] > 1 ? node->attr[3] + 1 : 1;
    return finish(step, m, box);
}

bool erg_lower_concat(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    int64_t axis = node->attr[0], start = 0;
    move *m = prepare(lowering, step);
    if (!m)
        return false;
    for (int k = 0; k < node->n_in; k++) {
        const erg_node *x = node->in[k];
        erg_box box = box_of(x->shape, x->shape, node->shape);
        box.dst_offset = start * box.dst_stride[axis];
        start += x->shape.dims[axis];
        finish(step, m, box);
    }
    return true;
}

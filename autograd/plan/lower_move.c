/* lower_move.c: permute, broadcast, slice, pad and concat are one strided copy each, or one for
 * each operand: out[sum_d i_d s_d] = in[sum_d i_d t_d] for all i, with strides s and t. */
#include <string.h>

#include "lower.h"

typedef struct move {
    erg_copy_kernel *kernel;
    int cut;   /* the dimension along which the step's items lie */
    int clear; /* 1: the first copy fills the result with zeros, the others are the operands' */
    int count; /* copies */
    erg_box box[];
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

static void move_part(const erg_step *step, const erg_work *work) {
    static const double zero; /* of any dtype */
    const move *m = step->detail;
    int64_t begin = work->begin;
    for (int k = 0; k < m->count; k++) {
        erg_box box = m->box[k];
        box.size[m->cut] = work->end - begin;
        box.src_offset += begin * box.src_stride[m->cut];
        box.dst_offset += begin * box.dst_stride[m->cut];
        m->kernel(&box, k < m->clear ? &zero : work->in[k - m->clear], work->out);
    }
}

static move *prepare(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    move *m = erg_lower_alloc(lowering, sizeof *m + ((size_t)node->n_in + 1) * sizeof *m->box);
    if (!m)
        return NULL;
    m->kernel = lowering->kernels->copy[node->dtype];
    step->detail = m;
    step->part = move_part;
    return m;
}

static void cut_along(erg_step *step, move *m, int axis) {
    m->cut = axis;
    step->items = m->box[0].size[axis];
    step->grain = erg_grain((double)erg_shape_size(step->node->shape) / (double)step->items);
}

/* One copy, cut along its largest dimension, or along the batch if that is worked on in tiles. */
static bool finish(erg_lowering *lowering, erg_step *step, move *m, erg_box box) {
    int largest = 0;
    if (box.ndim == 0)
        box.size[box.ndim++] = 1;
    for (int d = 1; d < box.ndim && !lowering->rows; d++)
        largest = box.size[d] > box.size[largest] ? d : largest;
    m->box[m->count++] = box;
    cut_along(step, m, largest);
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
    return finish(lowering, step, m, box);
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
    return finish(lowering, step, m, box);
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
    return finish(lowering, step, m, box);
}

/* Pad and concat are cut along all axes before their own, or if there is nothing to cut along those
 * after it. */
static erg_shape span_shape(erg_shape shape, int64_t axis) {
    erg_span span = erg_span_of(shape, (int)axis, (int)axis);
    return ERG_SHAPE(span.outer, span.n, span.inner);
}

static int cut_axis(const erg_lowering *lowering, erg_shape span) {
    return span.dims[0] > 1 || lowering->rows ? 0 : 2;
}

bool erg_lower_pad(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    erg_shape from = span_shape(node->in[0]->shape, node->attr[0]);
    erg_shape to = span_shape(node->shape, node->attr[0]);
    move *m = prepare(lowering, step);
    if (!m)
        return false;
    erg_box cleared = box_of(to, to, to);
    memset(cleared.src_stride, 0, sizeof cleared.src_stride);
    m->clear = 1;
    m->box[m->count++] = cleared;
    erg_box box = box_of(from, from, to);
    box.dst_offset = node->attr[1] * box.dst_stride[1];
    box.dst_stride[1] *= from.dims[1] > 1 ? node->attr[3] + 1 : 1;
    m->box[m->count++] = box;
    cut_along(step, m, cut_axis(lowering, to));
    return true;
}

bool erg_lower_concat(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    erg_shape to = span_shape(node->shape, node->attr[0]);
    int64_t start = 0;
    move *m = prepare(lowering, step);
    if (!m)
        return false;
    for (int k = 0; k < node->n_in; k++) {
        erg_shape from = span_shape(node->in[k]->shape, node->attr[0]);
        erg_box box = box_of(from, from, to);
        box.dst_offset = start * box.dst_stride[1];
        start += from.dims[1];
        m->box[m->count++] = box;
    }
    cut_along(step, m, cut_axis(lowering, to));
    return true;
}

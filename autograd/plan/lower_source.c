/* lower_source.c: steps without operands: random numbers, and copies of leaves whose value before
 * the run is wanted after it. */
#include <string.h>

#include "../../tensor/random.h"
#include "lower.h"

static void copy_part(const erg_step *step, const erg_work *work) {
    size_t bytes = erg_dtype_size(step->node->dtype);
    memcpy((char *)work->out + (size_t)work->begin * bytes,
           (const char *)work->in[0] + (size_t)work->begin * bytes,
           (size_t)(work->end - work->begin) * bytes);
}

bool erg_lower_leaf(erg_lowering *lowering, erg_step *step) {
    (void)lowering;
    step->items = erg_shape_size(step->node->shape);
    step->grain = erg_grain(1);
    step->part = copy_part;
    return true;
}

/* ------------------------------------------------------------------------------- random numbers */

/* An element's number depends on its index in the whole alone. */
static void draw_part(const erg_step *step, const erg_work *work) {
    const erg_node *node = step->node;
    erg_random where = {node->graph->seed, (uint32_t)node->attr[0], work->run};
    int64_t begin = work->origin + work->begin, end = work->origin + work->end;
    void *out = (char *)work->out + (size_t)work->begin * erg_dtype_size(node->dtype);
    if (node->op == ERG_OP_normal)
        erg_normal_range(node->dtype, where, begin, end, out);
    else
        erg_uniform_range(node->dtype, where, begin, end, out);
}

bool erg_lower_random(erg_lowering *lowering, erg_step *step) {
    (void)lowering;
    step->items = erg_shape_size(step->node->shape);
    step->grain = erg_grain(16);
    step->part = draw_part;
    return true;
}

/* lower_source.c: copies of leaves whose value before the run is wanted after it. */
#include <string.h>

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

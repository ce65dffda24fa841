/* lower_source.c: steps without operands: random numbers, and copies of leaves whose value before
 * the run is wanted after it. */
#include <string.h>

#include "../../tensor/random.h"
#include "../../tensor/threads.h"
#include "lower.h"

static void run_leaf(const erg_step *step, uint64_t run) {
    const erg_tensor *value = step->node->value;
    (void)run;
    memcpy(step->out, value->data, (size_t)erg_tensor_size(value) * erg_dtype_size(value->dtype));
}

bool erg_lower_leaf(erg_lowering *lowering, erg_step *step) {
    (void)lowering;
    step->run = run_leaf;
    return true;
}

/* ------------------------------------------------------------------------------- random numbers */

typedef struct drawing {
    const erg_node *node;
    erg_random where;
    unsigned char *out;
} drawing;

/* An element's number depends on its index alone. */
static void draw_range(void *ctx, int64_t begin, int64_t end, int thread) {
    const drawing *d = ctx;
    erg_dtype dtype = d->node->dtype;
    void *out = d->out + (size_t)begin * erg_dtype_size(dtype);
    (void)thread;
    if (d->node->op == ERG_OP_normal)
        erg_normal_range(dtype, d->where, begin, end, out);
    else
        erg_uniform_range(dtype, d->where, begin, end, out);
}

static void run_random(const erg_step *step, uint64_t run) {
    const erg_node *node = step->node;
    erg_random where = {node->graph->seed, (uint32_t)node->attr[0], run};
    drawing d = {node, where, step->out};
    erg_parallel_for(erg_shape_size(node->shape), erg_grain(16), draw_range, &d);
}

bool erg_lower_random(erg_lowering *lowering, erg_step *step) {
    (void)lowering;
    step->run = run_random;
    return true;
}

/* lower.c: a step for each node that needs one, with a kernel prepared for it. */
#include "lower.h"

#include <stdlib.h>

static erg_lower_step *const families[ERG_OP_COUNT] = {
    [ERG_OP_input] = erg_lower_leaf,
    [ERG_OP_param] = erg_lower_leaf,
    [ERG_OP_state] = erg_lower_leaf,
    [ERG_OP_uniform] = erg_lower_random,
    [ERG_OP_normal] = erg_lower_random,
#define UNARY(name, y) [ERG_OP_##name] = erg_lower_unary,
#define BINARY(name, y) [ERG_OP_##name] = erg_lower_binary,
#include "../../tensor/scalar.def"
#undef UNARY
#undef BINARY
    [ERG_OP_lgamma] = erg_lower_unary,
    [ERG_OP_polygamma] = erg_lower_unary,
    [ERG_OP_cast] = erg_lower_unary,
    [ERG_OP_where] = erg_lower_where,
    [ERG_OP_sum] = erg_lower_fold,
    [ERG_OP_max] = erg_lower_fold,
    [ERG_OP_argmax] = erg_lower_reduce,
    [ERG_OP_cumsum] = erg_lower_reduce,
    [ERG_OP_matmul] = erg_lower_matmul,
    [ERG_OP_conv2d] = erg_lower_conv,
    [ERG_OP_conv2d_input] = erg_lower_conv,
    [ERG_OP_conv2d_weight] = erg_lower_conv,
    [ERG_OP_permute] = erg_lower_permute,
    [ERG_OP_broadcast] = erg_lower_broadcast,
    [ERG_OP_slice] = erg_lower_slice,
    [ERG_OP_pad] = erg_lower_pad,
    [ERG_OP_concat] = erg_lower_concat,
    [ERG_OP_gather] = erg_lower_gather,
    [ERG_OP_scatter_add] = erg_lower_scatter_add,
};

void *erg_lower_alloc(erg_lowering *lowering, size_t size) {
    return erg_graph_alloc(lowering->plan->work, size);
}

int64_t erg_grain(double cost) {
    const double additions = 32768;
    return cost < 1 ? (int64_t)additions : cost < additions ? (int64_t)(additions / cost) : 1;
}

/* More ranges than the threads that have scratch memory would be too many. */
static void limit_ranges(erg_step *step, int threads) {
    int64_t least = step->items / threads + (step->items % threads != 0);
    step->grain = step->grain < least ? least : step->grain;
}

static bool add_step(erg_lowering *lowering, const erg_node *node) {
    erg_step *step = &lowering->plan->steps[lowering->plan->n_steps++];
    bool is_leaf = erg_ops[node->op].flags & LEAF;
    step->node = node;
    step->n_in = is_leaf ? 1 : node->n_in;
    if (!families[node->op](lowering, step))
        return false;
    limit_ranges(step, lowering->plan->threads);
    return true;
}

bool erg_lower(erg_plan *plan, const erg_program *program, const erg_schedule *schedule) {
    erg_lowering lowering = {.plan = plan, .kernels = erg_kernels_get()};
    plan->steps = calloc((size_t)schedule->n_steps + 1, sizeof *plan->steps);
    bool done = plan->steps != NULL;
    for (int i = 0; done && i < schedule->n_steps; i++) {
        const erg_node *node = program->graph->nodes[schedule->order[i]];
        lowering.rows = schedule->phases[schedule->phase[node->id]].rows;
        done = add_step(&lowering, node);
    }
    return done;
}

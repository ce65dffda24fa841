/* lower.c: a step for each node that needs one, with a kernel prepared for it. */
#include "lower.h"

#include <stdlib.h>
#include <string.h>

static erg_lower_step *const families[ERG_OP_COUNT] = {
    [ERG_OP_input] = erg_lower_leaf,
    [ERG_OP_param] = erg_lower_leaf,
    [ERG_OP_state] = erg_lower_leaf,
    [ERG_OP_argmax] = erg_lower_reduce,
    [ERG_OP_cumsum] = erg_lower_reduce,
    [ERG_OP_matmul] = erg_lower_matmul,
    [ERG_OP_matmul_packed] = erg_lower_matmul_packed,
    [ERG_OP_matmul_biased] = erg_lower_matmul_packed,
    [ERG_OP_matmul_sparse] = erg_lower_matmul_sparse,
    [ERG_OP_pack] = erg_lower_pack,
    [ERG_OP_conv2d] = erg_lower_conv,
    [ERG_OP_conv2d_input] = erg_lower_conv,
    [ERG_OP_conv2d_weight] = erg_lower_conv,
    [ERG_OP_conv2d_last] = erg_lower_conv,
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
    step->work = (int64_t)((double)ERG_SHARES * (double)step->items / (double)step->grain) + 1;
    int64_t least = step->items / (threads + 1) + 1; /* items / least <= threads */
    step->grain = step->grain < least ? least : step->grain;
}

bool erg_lower_scratch(erg_lowering *lowering, size_t size) {
    erg_plan *plan = lowering->plan;
    if (size > SIZE_MAX - 63)
        return false;
    size = (size + 63) / 64 * 64;
    plan->scratch_size = plan->scratch_size < size ? size : plan->scratch_size;
    return true;
}

bool erg_lower_own_operands(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    step->n_in = erg_ops[node->op].flags & LEAF ? 1 : node->n_in;
    erg_read *reads = erg_lower_alloc(lowering, (size_t)step->n_in * sizeof *reads);
    for (int k = 0; reads && k < step->n_in; k++)
        reads[k] = (erg_read){node, k};
    step->reads = reads;
    step->n_out = 1;
    step->result_nodes = step->nodes;
    return reads != NULL;
}

static bool lower_step(erg_lowering *lowering, erg_step *step) {
    if (erg_ops[step->node->op].flags & (ELEMENTWISE | RANDOM))
        return erg_lower_chain(lowering, step);
    if (step->node->op == ERG_OP_matvec)
        return erg_lower_matvec(lowering, step);
    if (erg_is_fold(step->node))
        return erg_lower_fold(lowering, step);
    return erg_lower_own_operands(lowering, step) && families[step->node->op](lowering, step);
}

/* The last; or the fold, which need not be it: nodes are in the order of the graph, and those for others
 * may come later. */
static const erg_node *find_main(const erg_step *step) {
    const erg_node *node = step->nodes[step->n_nodes - 1];
    for (int i = 0; i < step->n_nodes; i++)
        node = erg_is_fold(step->nodes[i]) ? step->nodes[i] : node;
    return node;
}

static bool add_step(erg_lowering *lowering, int index) {
    const erg_schedule *s = lowering->schedule;
    erg_step *step = &lowering->plan->steps[lowering->plan->n_steps++];
    const erg_node **nodes;
    step->n_nodes = s->first[index + 1] - s->first[index];
    nodes = erg_lower_alloc(lowering, (size_t)step->n_nodes * sizeof *nodes);
    if (!nodes)
        return false;
    for (int i = 0; i < step->n_nodes; i++)
        nodes[i] = lowering->plan->work->nodes[s->order[s->first[index] + i]];
    step->nodes = nodes;
    step->node = find_main(step);
    lowering->rows = s->phases[s->phase[step->node->id]].rows;
    if (!lower_step(lowering, step))
        return false;
    step->row_items = lowering->rows ? step->items / lowering->rows : 0;
    limit_ranges(step, lowering->plan->threads);
    return true;
}

/* What a node needs at most: four reads, a selection, a store, and a loop's share. */
enum { BYTES_A_NODE = 256 };

/* Without it, plans are right, and slower. */
static void open_code(const erg_lowering *lowering) {
    const erg_schedule *s = lowering->schedule;
    if (s->code)
        erg_code_pages_open(&lowering->plan->code, lowering->kernels,
                            (size_t)s->n_placed * BYTES_A_NODE);
}

static bool add_steps(erg_lowering *lowering) {
    bool done = true;
    lowering->plan->n_steps = 0;
    for (int i = 0; done && i < lowering->schedule->n_steps; i++)
        done = add_step(lowering, i);
    return done;
}

/* Whether code may be executed is known when it is to be sealed. If not, all is done without it. */
bool erg_lower(erg_plan *plan, const erg_schedule *schedule) {
    erg_lowering lowering = {.plan = plan, .schedule = schedule, .kernels = erg_kernels_get()};
    size_t most = (size_t)schedule->n_steps + 1;
    plan->steps = calloc(most, sizeof *plan->steps);
    if (!plan->steps)
        return false;
    open_code(&lowering);
    if (!add_steps(&lowering))
        return false;
    if (erg_code_pages_seal(&plan->code))
        return true;
    erg_code_pages_free(&plan->code);
    memset(plan->steps, 0, most * sizeof *plan->steps);
    return add_steps(&lowering);
}

/* lower.c: fills a plan: a step for each node that needs one, with a kernel and the addresses it
 * works on; numbers that somebody reads as arrays, written once; stores for the effects. */
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

/* ------------------------------------------------------------------------------- addresses */

typedef struct addresses {
    const erg_program *program;
    const erg_schedule *schedule;
    void **data; /* by id of roots: what steps read */
} addresses;

/* A number in as many elements as are read. */
static void *written_number(const erg_node *node, unsigned use) {
    erg_node value = *node;
    if (!(use & AS_ARRAY))
        value.shape = ERG_SCALAR;
    size_t bytes = (size_t)erg_shape_size(value.shape) * erg_dtype_size(value.dtype);
    unsigned char *memory = erg_graph_alloc(node->graph, bytes + 64);
    if (!memory)
        return NULL;
    memory += 64 - (uintptr_t)memory % 64;
    erg_eval_full(&value, NULL, memory, 0);
    return memory;
}

static bool find_addresses(addresses *a, const erg_plan *plan) {
    const erg_graph *graph = a->program->graph;
    a->data = calloc((size_t)graph->count, sizeof *a->data);
    for (int id = 0; a->data && id < graph->count; id++) {
        const erg_node *node = graph->nodes[id];
        unsigned use = a->schedule->use[id];
        if (node->op == ERG_OP_full && use)
            a->data[id] = written_number(node, use);
        else
            a->data[id] = node->value ? node->value->data : plan->arena + a->schedule->offset[id];
        if (use && !a->data[id])
            return false;
    }
    return a->data != NULL;
}

/* Where a value stays after the last step: leaves may then be overwritten, so theirs is a copy. */
static void *result(const addresses *a, const erg_plan *plan, const erg_node *node) {
    int root = a->schedule->root[node->id];
    bool is_step = erg_is_step(a->schedule, a->program->graph->nodes[root]);
    return is_step ? plan->arena + a->schedule->offset[root] : a->data[root];
}

/* ------------------------------------------------------------------------------- the plan */

static bool allocate(erg_plan *plan, const erg_program *program, const erg_schedule *schedule) {
    int steps = 0;
    for (int id = 0; id < program->graph->count; id++)
        steps += erg_is_step(schedule, program->graph->nodes[id]);
    if (schedule->arena > SIZE_MAX - 64)
        return false;
    plan->arena_size = schedule->arena;
    plan->arena = aligned_alloc(64, schedule->arena + 64);
    plan->steps = calloc((size_t)steps + 1, sizeof *plan->steps);
    plan->stores = calloc((size_t)program->n_effects + 1, sizeof *plan->stores);
    plan->outputs = calloc((size_t)program->n_outputs, sizeof *plan->outputs);
    return plan->arena && plan->steps && plan->stores && plan->outputs;
}

static bool add_step(erg_lowering *lowering, const addresses *a, const erg_node *node) {
    const void **in = erg_lower_alloc(lowering, (size_t)node->n_in * sizeof *in);
    if (!in)
        return false;
    for (int k = 0; k < node->n_in; k++)
        in[k] = a->data[a->schedule->root[erg_view_operand(node, k).source->id]];
    erg_step *step = &lowering->plan->steps[lowering->plan->n_steps++];
    step->node = node;
    step->in = in;
    step->out = lowering->plan->arena + a->schedule->offset[node->id];
    return families[node->op](lowering, step);
}

static void add_results(erg_plan *plan, const addresses *a) {
    const erg_program *program = a->program;
    for (int k = 0; k < program->n_outputs; k++) {
        const erg_node *node = program->outputs[k];
        plan->outputs[plan->n_outputs++] =
            (erg_tensor){node->dtype, node->shape, result(a, plan, node)};
    }
    for (int k = 0; k < program->n_effects; k++) {
        const erg_effect *effect = &program->effects[k];
        size_t bytes = (size_t)erg_tensor_size(effect->leaf) * erg_dtype_size(effect->leaf->dtype);
        plan->stores[plan->n_stores++] =
            (erg_store){effect->leaf->data, result(a, plan, effect->value), bytes};
    }
}

bool erg_lower(erg_plan *plan, const erg_program *program, const erg_schedule *schedule) {
    addresses a = {.program = program, .schedule = schedule};
    erg_lowering lowering = {.plan = plan, .kernels = erg_kernels_get(), .threads = erg_threads()};
    bool done = allocate(plan, program, schedule) && find_addresses(&a, plan);
    for (int id = 0; done && id < program->graph->count; id++)
        if (erg_is_step(schedule, program->graph->nodes[id]))
            done = add_step(&lowering, &a, program->graph->nodes[id]);
    if (done)
        add_results(plan, &a);
    free(a.data);
    return done;
}

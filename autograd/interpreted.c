/* interpreted.c: the plan that does nothing clever: one step for each needed node, in the order they
 * were made, each with memory of its own. The oracle of the tests, and ERG_DEBUG=reference. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

typedef struct layout {
    const erg_graph *graph;
    unsigned char *needed;
    size_t *offsets; /* of each node's elements in the arena */
    size_t arena, pointers;
    int steps, stores;
} layout;

/* An output that is a leaf is copied, so that it shows the value the run saw. */
static bool has_step(const erg_node *node, unsigned char needed) {
    return needed && (!(erg_ops[node->op].flags & LEAF) || node->op == ERG_OP_full || needed & 2);
}

static bool lay_out(layout *l, erg_node *const *outputs, int count) {
    l->needed = erg_collect(l->graph, outputs, count);
    l->offsets = calloc((size_t)l->graph->count + 1, sizeof *l->offsets);
    for (int id = 0; l->needed && l->offsets && id < l->graph->count; id++) {
        const erg_node *node = l->graph->nodes[id];
        if (!has_step(node, l->needed[id]))
            continue;
        size_t bytes = (size_t)erg_shape_size(node->shape) * erg_dtype_size(node->dtype);
        bytes = (bytes + 63) / 64 * 64;
        if (bytes > SIZE_MAX / 2 - l->arena)
            return false;
        l->offsets[id] = l->arena;
        l->arena += bytes;
        l->pointers += (size_t)node->n_in + 2;
        l->steps++;
        l->stores += node->op == ERG_OP_assign && l->needed[id] & 2;
    }
    return l->needed && l->offsets;
}

static void run_leaf(const erg_step *step, const erg_work *work) {
    const erg_tensor *value = step->node->value;
    memcpy(work->out, value->data, (size_t)erg_tensor_size(value) * erg_dtype_size(value->dtype));
}

static void run_eval(const erg_step *step, const erg_work *work) {
    erg_ops[step->node->op].eval(step->node, work->in, work->out, work->run);
}

static void *elements(const erg_plan *plan, const layout *l, const erg_node *node) {
    return node->value ? node->value->data : plan->arena + l->offsets[node->id];
}

static void fill(erg_plan *plan, const layout *l) {
    const void **pointers = plan->memory;
    for (int id = 0; id < l->graph->count; id++) {
        const erg_node *node = l->graph->nodes[id];
        if (!has_step(node, l->needed[id]))
            continue;
        void *out = plan->arena + l->offsets[id];
        const erg_node **nodes = (const erg_node **)(pointers + node->n_in + 1);
        for (int k = 0; k < node->n_in; k++)
            pointers[k] = elements(plan, l, node->in[k]);
        pointers[node->n_in] = out;
        *nodes = node;
        plan->steps[plan->n_steps++] = (erg_step){.part = node->value ? run_leaf : run_eval,
                                                  .nodes = nodes,
                                                  .n_nodes = 1,
                                                  .node = node,
                                                  .n_out = 1,
                                                  .in = pointers,
                                                  .results = (void *const *)(pointers + node->n_in),
                                                  .result_nodes = nodes,
                                                  .items = 1,
                                                  .grain = 1};
        pointers += node->n_in + 2;
        if (node->op == ERG_OP_assign && l->needed[id] & 2)
            plan->stores[plan->n_stores++] =
                (erg_store){elements(plan, l, node->in[0]), out,
                            (size_t)erg_shape_size(node->shape) * erg_dtype_size(node->dtype)};
    }
}

bool erg_plan_interpreted(erg_plan *plan, erg_node *const *outputs, int count) {
    layout l = {.graph = plan->graph};
    bool done = lay_out(&l, outputs, count);
    if (done) {
        plan->arena_size = l.arena;
        plan->arena = aligned_alloc(64, l.arena + 64);
        plan->memory = calloc(l.pointers + 1, sizeof(void *));
        plan->steps = calloc((size_t)l.steps + 1, sizeof *plan->steps);
        plan->phases = calloc(1, sizeof *plan->phases);
        plan->stores = calloc((size_t)l.stores + 1, sizeof *plan->stores);
        plan->outputs = calloc((size_t)count, sizeof *plan->outputs);
        done = plan->arena && plan->memory && plan->steps && plan->phases && plan->stores &&
               plan->outputs;
    }
    if (!done)
        erg_fail(ERG_ERROR_MEMORY, "compile: out of memory");
    if (done) {
        fill(plan, &l);
        plan->phases[plan->n_phases++] = (erg_phase){.count = plan->n_steps};
        plan->n_outputs = count;
        for (int k = 0; k < count; k++)
            plan->outputs[k] = (erg_tensor){outputs[k]->dtype, outputs[k]->shape,
                                            plan->arena + l.offsets[outputs[k]->id]};
    }
    free(l.needed);
    free(l.offsets);
    return done;
}

/* memory.c: where each value lives while it is needed.
 *
 * A value lives from its step to the last step that reads it, and values that are not alive at the
 * same time share memory. An elementwise step may write its result over an operand that it is the
 * last to read. Results, and what is stored into leaves, live to the end of the run. */
#include <stdlib.h>

#include "arena.h"
#include "schedule.h"

typedef struct planner {
    erg_schedule *schedule;
    const erg_graph *graph;
    erg_arena arena;
    int *range; /* by id of roots: of the arena; 0 if none */
    bool reuse;
} planner;

static size_t bytes_of(const erg_node *node) {
    return (size_t)erg_shape_size(node->shape) * erg_dtype_size(node->dtype);
}

/* The root of operand k, if this step is the last to need its range; else -1. */
static int dying_root(const planner *p, const erg_node *node, int k) {
    int root = p->schedule->root[erg_view_operand(node, k).source->id];
    return p->reuse && p->schedule->last[root] == node->id && p->range[root] ? root : -1;
}

/* Kernels allow the result to be exactly one of the arrays they read, if it is as large. */
static bool may_overwrite(const erg_node *node, int k) {
    bool elementwise = erg_ops[node->op].flags & ELEMENTWISE && node->op != ERG_OP_cast;
    return (elementwise || node->op == ERG_OP_cumsum) &&
           erg_view_operand(node, k).source == node->in[k];
}

/* The range of a dying operand, taken from it; 0 if there is none. */
static int take_over(planner *p, const erg_node *node) {
    for (int k = 0; k < node->n_in; k++) {
        int root = may_overwrite(node, k) ? dying_root(p, node, k) : -1;
        if (root < 0)
            continue;
        int range = p->range[root];
        p->range[root] = 0;
        return range;
    }
    return 0;
}

static void place(planner *p, const erg_node *node) {
    int range = take_over(p, node);
    if (!range)
        range = erg_arena_take(&p->arena, bytes_of(node));
    p->schedule->offset[node->id] = erg_arena_offset(&p->arena, range);
    p->range[node->id] = range;
    for (int k = 0; k < node->n_in; k++) {
        int root = dying_root(p, node, k);
        if (root < 0)
            continue;
        erg_arena_give(&p->arena, p->range[root]);
        p->range[root] = 0;
    }
}

bool erg_schedule_memory(erg_schedule *schedule, const erg_program *program, bool reuse) {
    const erg_graph *graph = program->graph;
    planner p = {.schedule = schedule, .graph = graph, .reuse = reuse};
    p.range = calloc((size_t)graph->count, sizeof *p.range);
    bool done = erg_arena_init(&p.arena, graph->count) && p.range;
    for (int id = 0; done && id < graph->count; id++)
        if (erg_is_step(schedule, graph->nodes[id]))
            place(&p, graph->nodes[id]);
    schedule->arena = p.arena.size;
    free(p.range);
    erg_arena_free(&p.arena);
    return done;
}

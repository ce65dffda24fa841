/* memory.c: where each value lives while it is needed.
 *
 * A value lives from its step to the last step that reads it, and values that are not alive at the
 * same time share memory. An elementwise node may write its result over an operand that it is the
 * last to read; what only its own step reads has no place here. Results, and what is stored into
 * leaves, live to the end of the run.
 *
 * Steps of a region run in turn on each tile, so what one of them reads or writes as a whole array
 * is needed from the region's beginning to its end. Values that nobody else sees live in the tile's
 * own arena, as large as one tile of them. */
#include <stdlib.h>

#include "arena.h"
#include "lower.h"
#include "schedule.h"

typedef struct planner {
    erg_schedule *schedule;
    const erg_graph *graph;
    erg_arena whole;
    int *range; /* by id of roots: of the arena it lives in; 0 if none */
} planner;

static const erg_node *node_at(const planner *p, int place) {
    return p->graph->nodes[p->schedule->order[place]];
}

static size_t bytes_of(const erg_node *node) {
    return (size_t)erg_shape_size(node->shape) * erg_dtype_size(node->dtype);
}

/* The root of operand k, if no step after `place` needs its range; else -1. */
static int dying_root(const planner *p, const erg_node *node, int k, int place) {
    int root = p->schedule->root[erg_view_operand(node, k).source->id];
    return p->schedule->reuse && p->schedule->last[root] <= place && p->range[root] ? root : -1;
}

/* Kernels allow the result to be exactly one of the arrays they read, if it is as large. */
static bool may_overwrite(const erg_node *node, int k) {
    bool elementwise = erg_ops[node->op].flags & ELEMENTWISE && node->op != ERG_OP_cast;
    return (elementwise || node->op == ERG_OP_cumsum) &&
           erg_view_operand(node, k).source == node->in[k];
}

/* Of one size, and both a whole array or both a tile's. */
static bool is_alike(const planner *p, const erg_node *node, int root) {
    const erg_node *other = p->graph->nodes[root];
    return bytes_of(node) == bytes_of(other) &&
           erg_is_local(p->schedule, node) == erg_is_local(p->schedule, other);
}

/* The range of a dying operand of the node, or of one before it in the step, taken from it; 0 if
 * there is none. */
static int take_over(planner *p, const erg_node *result, int step, int place) {
    if (erg_is_fold(result))
        return 0;
    for (int i = p->schedule->first[step]; i <= place; i++) {
        const erg_node *node = node_at(p, i);
        for (int k = 0; k < node->n_in; k++) {
            int root = may_overwrite(node, k) ? dying_root(p, node, k, place) : -1;
            if (root < 0 || !is_alike(p, result, root))
                continue;
            int range = p->range[root];
            p->range[root] = 0;
            return range;
        }
    }
    return 0;
}

/* Operands of a step's nodes that no node behind `place` needs. */
static void give_dying(planner *p, erg_arena *arena, int step, int place, bool local) {
    const int *first = p->schedule->first;
    for (int i = first[step]; i < first[step + 1]; i++) {
        const erg_node *node = node_at(p, i);
        for (int k = 0; k < node->n_in; k++) {
            int root = dying_root(p, node, k, place);
            if (root < 0 || erg_is_local(p->schedule, p->graph->nodes[root]) != local)
                continue;
            erg_arena_give(arena, p->range[root]);
            p->range[root] = 0;
        }
    }
}

/* Has the value a place in an arena? */
static bool is_placed(const planner *p, const erg_node *node) {
    return !p->schedule->inner[node->id] && !p->schedule->stores[node->id];
}

static void put(planner *p, erg_arena *arena, const erg_node *node, int range, size_t bytes) {
    if (!range)
        range = erg_arena_take(arena, bytes);
    p->schedule->offset[node->id] = erg_arena_offset(arena, range);
    p->range[node->id] = range;
}

/* The place behind a step's last node. */
static int end_of(const planner *p, int step) {
    return p->schedule->first[step + 1];
}

/* Steps that run side by side: none may write where another still reads. */
static void place_level(planner *p, const erg_phase *phase) {
    int end = phase->first + phase->count, last = end_of(p, end - 1) - 1;
    for (int i = p->schedule->first[phase->first]; i <= last; i++)
        if (is_placed(p, node_at(p, i)))
            put(p, &p->whole, node_at(p, i), 0, bytes_of(node_at(p, i)));
    for (int t = phase->first; t < end; t++)
        give_dying(p, &p->whole, t, last, false);
}

static void place_steps(planner *p, const erg_phase *phase) {
    for (int t = phase->first; t < phase->first + phase->count; t++) {
        for (int i = p->schedule->first[t]; i < end_of(p, t); i++) {
            const erg_node *node = node_at(p, i);
            if (is_placed(p, node))
                put(p, &p->whole, node, take_over(p, node, t, i), bytes_of(node));
        }
        give_dying(p, &p->whole, t, end_of(p, t) - 1, false);
    }
}

static bool has_place_in_tile(const planner *p, const erg_node *node) {
    return erg_is_local(p->schedule, node) && is_placed(p, node);
}

/* Values of which there is only a tile. False if memory is short. */
static bool place_local(planner *p, const erg_phase *region, int64_t tile, size_t *size) {
    int begin = p->schedule->first[region->first],
        end = end_of(p, region->first + region->count - 1);
    erg_arena arena;
    if (!erg_arena_init(&arena, end - begin))
        return false;
    for (int t = region->first; t < region->first + region->count; t++) {
        for (int i = p->schedule->first[t]; i < end_of(p, t); i++) {
            const erg_node *node = node_at(p, i);
            if (has_place_in_tile(p, node))
                put(p, &arena, node, take_over(p, node, t, i),
                    bytes_of(node) / (size_t)region->rows * (size_t)tile);
        }
        give_dying(p, &arena, t, end_of(p, t) - 1, true);
    }
    for (int i = begin; i < end; i++)
        if (has_place_in_tile(p, node_at(p, i)))
            p->range[node_at(p, i)->id] = 0;
    *size = arena.size;
    erg_arena_free(&arena);
    return true;
}

/* Bytes that a row takes while it is worked on; 0 if memory is short. */
static size_t bytes_to_a_row(planner *p, const erg_phase *region) {
    enum { SAMPLE = 64 }; /* rows, so that alignment does not count */
    size_t size;
    return place_local(p, region, SAMPLE, &size) ? size / SAMPLE + 1 : 0;
}

static bool place_region(planner *p, const erg_phase *region) {
    int end = region->first + region->count;
    size_t size;
    for (int i = p->schedule->first[region->first]; i < end_of(p, end - 1); i++)
        if (!erg_is_local(p->schedule, node_at(p, i)) && is_placed(p, node_at(p, i)))
            put(p, &p->whole, node_at(p, i), 0, bytes_of(node_at(p, i)));
    if (!place_local(p, region, region->tile, &size))
        return false;
    for (int t = region->first; t < end; t++)
        give_dying(p, &p->whole, t, end_of(p, end - 1) - 1, false);
    if (size > p->schedule->tile_arena)
        p->schedule->tile_arena = size;
    return true;
}

static bool place_phase(planner *p, erg_phase *phase, const erg_step *steps) {
    if (phase->rows) {
        size_t row = bytes_to_a_row(p, phase);
        if (!row)
            return false;
        erg_choose_tile(p->schedule, phase, row, steps);
    }
    if (phase->rows)
        return place_region(p, phase);
    if (phase->apart && phase->count > 1)
        place_level(p, phase);
    else
        place_steps(p, phase);
    return true;
}

bool erg_schedule_memory(erg_schedule *schedule, const erg_graph *graph, const erg_step *steps) {
    planner p = {.schedule = schedule, .graph = graph};
    p.range = calloc((size_t)graph->count, sizeof *p.range);
    bool done = erg_arena_init(&p.whole, graph->count) && p.range;
    for (int i = 0; done && i < schedule->n_phases; i++)
        done = place_phase(&p, &schedule->phases[i], steps);
    schedule->arena = p.whole.size;
    free(p.range);
    erg_arena_free(&p.whole);
    return done;
}

/* region.c: the order of steps: which of them can go row by row together.
 *
 * Each step gets a level: even if its rows mix, odd if they do not. A step that keeps rows apart
 * can share a level with those whose rows it reads one by one; whatever else a step reads must be
 * complete, so its level is a higher one. Sorted by level, steps of an even level are a phase that
 * goes step by step, and steps of an odd level with the same number of rows are a region. */
#include <limits.h>
#include <stdlib.h>

#include "lower.h"
#include "schedule.h"

typedef struct place {
    bool once; /* a call that runs many times needs it in the first alone */
    int level;
    int64_t rows; /* 0: rows mix */
    int id;
} place;

static int ascending(const void *a, const void *b) {
    const place *x = a, *y = b;
    if (x->once != y->once)
        return x->once ? -1 : 1;
    if (x->level != y->level)
        return x->level < y->level ? -1 : 1;
    if (x->rows != y->rows)
        return x->rows < y->rows ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* The least level at which a step can read operand k, the value of step `from`. */
static int least_level(const erg_node *node, int k, place own, place from) {
    if (own.rows != from.rows)
        return from.level + (own.rows && from.rows ? 2 : 1);
    return from.level + (own.rows && erg_operand_row(node, k) == 0 ? 2 : 0);
}

/* By id of roots: somebody needs all of the value for each row. */
static void find_wanted_whole(const erg_schedule *s, const erg_graph *graph, bool *whole) {
    for (int id = 0; id < graph->count; id++) {
        const erg_node *node = graph->nodes[id];
        for (int k = 0; erg_is_step(s, node) && node->shape.ndim > 0 && k < node->n_in; k++)
            whole[s->root[erg_view_operand(node, k).source->id]] |= erg_operand_row(node, k) == 0;
    }
}

static bool is_stored_to(const erg_program *program, const erg_node *leaf) {
    bool is = false;
    for (int k = 0; k < program->n_effects && leaf->value; k++)
        is |= leaf->value == program->effects[k].leaf;
    return is;
}

/* By id: the value is the same in all runs of a call, and worth keeping: another layout of a leaf
 * that no run stores to; or, where there are effects and so a reason for many runs, what depends on
 * weights alone. */
static void find_same(const erg_schedule *s, const erg_program *program, bool *same) {
    const erg_graph *graph = program->graph;
    for (int id = 0; id < graph->count; id++) {
        const erg_node *node = graph->nodes[id];
        bool layout = node->op == ERG_OP_permute || node->op == ERG_OP_pack;
        bool kept = layout || node->n_in == 0 || program->n_effects > 0;
        same[id] = kept && !(erg_ops[node->op].flags & RANDOM) && node->op != ERG_OP_input &&
                   !(s->use[id] & HELD) && !is_stored_to(program, node);
        for (int k = 0; k < node->n_in; k++) {
            const erg_node *x = node->in[k];
            bool input = layout && x->op == ERG_OP_input && !is_stored_to(program, x);
            same[id] = same[id] && (same[x->id] || input);
        }
    }
}

/* Places in the order of ids; a node's `phase` is its place for now. What is wanted whole and can
 * be done before all regions, such as another layout of a weight, is none of a region's. */
static void find_levels(const erg_schedule *s, const erg_graph *graph, const bool *whole,
                        const bool *same, place *places) {
    int count = 0;
    for (int id = 0; id < graph->count; id++) {
        const erg_node *node = graph->nodes[id];
        if (!erg_is_step(s, node))
            continue;
        int64_t rows = s->regions ? erg_row_count(node) : 0;
        place own = {.level = rows != 0, .rows = rows, .id = id};
        bool early = whole[id];
        for (int k = 0; k < node->n_in; k++) {
            int root = s->root[erg_view_operand(node, k).source->id];
            if (!erg_is_step(s, graph->nodes[root]))
                continue;
            int least = least_level(node, k, own, places[s->phase[root]]);
            early = early && places[s->phase[root]].level == 0;
            own.level = least > own.level ? least : own.level;
        }
        if (early || same[id])
            own = (place){.once = same[id], .id = id};
        s->phase[id] = count;
        places[count++] = own;
    }
}

/* Much smaller than what reads it, as the rows and columns of an outer product are. */
static bool is_small(const erg_node *from, const erg_node *reader) {
    return erg_shape_size(from->shape) <= erg_shape_size(reader->shape) / 8;
}

/* Nodes of these kinds that read leaves, each other, and what is small: to keep what they read costs
 * little or nothing. Nor does what has no rows, if places say so: it is there as a whole anyway. */
static void find_movable(const erg_schedule *s, const erg_graph *graph, int kinds,
                         const place *places, bool *movable) {
    for (int id = 0; id < graph->count; id++) {
        const erg_node *node = graph->nodes[id];
        movable[id] = erg_ops[node->op].flags & kinds && !(s->use[id] & HELD);
        for (int k = 0; movable[id] && k < node->n_in; k++) {
            int root = s->root[erg_view_operand(node, k).source->id];
            const erg_node *from = graph->nodes[root];
            movable[id] = movable[root] || is_small(from, node) || !erg_is_step(s, from) ||
                          (places && places[s->phase[root]].rows == 0);
        }
    }
}

/* Moves these to the level of the first that reads them, so that they need not be stored till then.
 * A walk from users to operands; most[id] is the highest level that the node's users allow. */
static void sink_free(const erg_schedule *s, const erg_graph *graph, const bool *is_free, int *most,
                      place *places) {
    for (int id = 0; id < graph->count; id++)
        most[id] = INT_MAX;
    for (int id = graph->count - 1; id >= 0; id--) {
        const erg_node *node = graph->nodes[id];
        if (!erg_is_step(s, node))
            continue;
        place *own = &places[s->phase[id]];
        if (is_free[id] && !own->once && most[id] != INT_MAX && most[id] > own->level)
            own->level = most[id];
        for (int k = 0; k < node->n_in; k++) {
            int root = s->root[erg_view_operand(node, k).source->id];
            if (!erg_is_step(s, graph->nodes[root]))
                continue;
            place from = places[s->phase[root]];
            int limit = own->level + from.level - least_level(node, k, *own, from);
            most[root] = limit < most[root] ? limit : most[root];
        }
    }
}

/* Moves these to the fold over the batch that alone needs them, so that they can be one step with it
 * (see chain.c). A walk from users to operands; fold[id] is that fold's id. */
static void sink_into_folds(const erg_schedule *s, const erg_graph *graph, const bool *late,
                            int *fold, place *places) {
    enum { NOBODY = -1, OTHERS = -2 };
    for (int id = 0; id < graph->count; id++)
        fold[id] = NOBODY;
    for (int id = graph->count - 1; id >= 0; id--) {
        const erg_node *node = graph->nodes[id];
        if (!erg_is_step(s, node))
            continue;
        place *own = &places[s->phase[id]];
        int target = OTHERS;
        if (erg_fold_takes_chains(node, s->threads) && own->rows == 0 && !own->once)
            target = id;
        else if (late[id] && !own->once && fold[id] >= 0)
            target = fold[id];
        if (target >= 0)
            *own = (place){.level = places[s->phase[target]].level, .id = id};
        for (int k = 0; k < node->n_in; k++) {
            int root = s->root[erg_view_operand(node, k).source->id];
            fold[root] = fold[root] == NOBODY || fold[root] == target ? target : OTHERS;
        }
    }
}

/* Cuts the sorted steps into phases. */
static void make_phases(erg_schedule *s, const place *sorted) {
    for (int i = 0; i < s->n_placed; i++) {
        bool starts = i == 0 || sorted[i].once != sorted[i - 1].once ||
                      sorted[i].level != sorted[i - 1].level ||
                      sorted[i].rows != sorted[i - 1].rows;
        if (starts)
            s->phases[s->n_phases++] =
                (erg_phase){.first = i, .rows = sorted[i].rows, .once = sorted[i].once};
        s->phases[s->n_phases - 1].count++;
        s->phase[sorted[i].id] = s->n_phases - 1;
        s->order[i] = sorted[i].id;
    }
}

/* Wanted after the last step: as a result, or by later runs. */
static bool is_held(const erg_schedule *s, const erg_node *node) {
    return s->use[node->id] & HELD || (erg_is_step(s, node) && s->phases[s->phase[node->id]].once);
}

/* A walk backward meets the last reader of a value first. */
static void find_readers(erg_schedule *s, const erg_graph *graph) {
    for (int id = 0; id < graph->count; id++) {
        s->last[id] = is_held(s, graph->nodes[id]) ? INT_MAX : -1;
        s->inner[id] = true;
    }
    for (int i = s->n_placed - 1; i >= 0; i--) {
        const erg_node *node = graph->nodes[s->order[i]];
        s->shared[node->id] |= (s->use[node->id] & HELD) != 0;
        for (int k = 0; k < node->n_in; k++) {
            int root = s->root[erg_view_operand(node, k).source->id];
            s->last[root] = s->last[root] < 0 ? i : s->last[root];
            s->shared[root] |= s->phase[root] != s->phase[node->id];
            s->inner[root] &= s->step[root] == s->step[node->id];
        }
        s->inner[node->id] &= !(s->use[node->id] & HELD);
    }
}

bool erg_schedule_phases(erg_schedule *s, const erg_program *program) {
    const erg_graph *graph = program->graph;
    size_t count = (size_t)graph->count, most = (size_t)s->n_placed + 1;
    place *places = calloc(most, sizeof *places);
    bool *whole = calloc(count, sizeof *whole), *same = calloc(count, sizeof *same);
    bool *movable = calloc(count, sizeof *movable);
    int *of_users = calloc(count, sizeof *of_users);
    s->order = calloc(most, sizeof *s->order);
    s->first = calloc(most, sizeof *s->first);
    s->phases = calloc(most, sizeof *s->phases);
    s->phase = calloc(count, sizeof *s->phase);
    s->step = calloc(count, sizeof *s->step);
    s->last = calloc(count, sizeof *s->last);
    s->shared = calloc(count, sizeof *s->shared);
    s->inner = calloc(count, sizeof *s->inner);
    s->offset = calloc(count, sizeof *s->offset);
    bool done = places && whole && same && movable && of_users && s->order && s->first &&
                s->phases && s->phase && s->step && s->last && s->shared && s->inner && s->offset;
    if (done) {
        find_wanted_whole(s, graph, whole);
        find_same(s, program, same);
        find_levels(s, graph, whole, same, places);
        find_movable(s, graph, ELEMENTWISE | RANDOM, NULL, movable);
        sink_free(s, graph, movable, of_users, places);
        find_movable(s, graph, ELEMENTWISE, places, movable);
        if (s->chains)
            sink_into_folds(s, graph, movable, of_users, places);
        qsort(places, (size_t)s->n_placed, sizeof *places, ascending);
        make_phases(s, places);
        done = erg_schedule_waves(s, graph) && erg_schedule_chains(s, graph) &&
               erg_schedule_levels(s, graph);
    }
    if (done)
        find_readers(s, graph);
    free(places);
    free(whole);
    free(same);
    free(movable);
    free(of_users);
    return done;
}

bool erg_is_local(const erg_schedule *s, const erg_node *node) {
    return erg_is_step(s, node) && s->phases[s->phase[node->id]].rows > 0 && !s->shared[node->id];
}

/* chain.c: which elementwise nodes are done together, as one step.
 *
 * A chain of elementwise nodes goes through its elements piece by piece, all nodes on one piece
 * before the next: what one writes is in registers or in the first-level cache when another reads
 * it, and most of it never leaves there. So nodes of one shape are gathered in groups, from operands
 * to users.
 *
 * Groups have a rank, by which they run. A group of elementwise nodes waits for its rank, and for
 * more nodes, until a product or another node that cannot join needs one of its values. Then it
 * runs right there, or joins the group that made its operands, if that makes less to be stored: a
 * slope, say, is computed with the activation, and what it is computed from need not be kept for
 * the backward pass.
 *
 * A sum, or a maximum, joins the group that makes its operand, if that still waits: what is summed is
 * then never stored as a whole.
 *
 * Products of a wave (see wave.c) with one matrix are a group as well. */
#include <stdlib.h>

#include "lower.h"
#include "schedule.h"

enum { WAITING = -1, NONE = -1 };

typedef struct group {
    int rank;          /* or WAITING */
    int after;         /* the highest rank among its operands' groups, or NONE */
    int count;         /* nodes; 0 once it has joined another */
    int joined;        /* that other */
    int head, tail;    /* its nodes, linked by grouping.next */
    bool open;         /* elementwise */
    int64_t size, row; /* elements, and elements to a row; row = size if no node needs rows */
} group;

typedef struct grouping {
    const erg_schedule *schedule;
    const erg_graph *graph;
    group *groups;
    int count, ranks;
    int *ranked; /* groups by rank */
    int *of;     /* by id of computed nodes: the group each had first */
    int *next;   /* by id: the next node of its group, or NONE */
    int *uses;   /* by id of roots: how many operands of computed nodes it is */
} grouping;

static int find(const grouping *g, int i) {
    while (g->groups[i].count == 0)
        i = g->groups[i].joined;
    return i;
}

static int root_of(const grouping *g, const erg_node *node, int k) {
    return g->schedule->root[erg_view_operand(node, k).source->id];
}

/* The group of a value, if it is computed in the phase at hand; else NONE. */
static int group_of(const grouping *g, int root, int phase) {
    const erg_schedule *s = g->schedule;
    bool here = erg_is_step(s, g->graph->nodes[root]) && s->phase[root] == phase;
    return here ? find(g, g->of[root]) : NONE;
}

static int operand_group(const grouping *g, const erg_node *node, int k) {
    return group_of(g, root_of(g, node, k), g->schedule->phase[node->id]);
}

static bool fits(const group *a, const group *b) {
    bool rows = a->row == b->row || a->row == a->size || b->row == b->size;
    return a->open && b->open && a->size == b->size && rows &&
           a->count + b->count <= ERG_CHAIN_NODES;
}

static void join(grouping *g, int from, int to) {
    group *a = &g->groups[from], *b = &g->groups[to];
    g->next[b->tail] = a->head;
    b->tail = a->tail;
    b->count += a->count;
    b->row = a->row < b->row ? a->row : b->row;
    b->after = a->after > b->after ? a->after : b->after;
    a->count = 0;
    a->joined = to;
}

/* ------------------------------------------------------------------------------- storing less */

/* How many operands of a group's nodes the value is. */
static int reads_in(const grouping *g, const group *readers, int root) {
    int reads = 0;
    for (int id = readers->head; id != NONE; id = g->next[id]) {
        const erg_node *node = g->graph->nodes[id];
        for (int k = 0; k < node->n_in; k++)
            reads += root_of(g, node, k) == root;
    }
    return reads;
}

static bool is_held(const grouping *g, int id) {
    return g->schedule->use[id] & HELD;
}

/* Values of a group that others than these two groups need. */
static int count_stored(const grouping *g, const group *makers, const group *a, const group *b) {
    int stored = 0;
    for (int id = makers->head; id != NONE; id = g->next[id])
        stored += is_held(g, id) || g->uses[id] > reads_in(g, a, id) + reads_in(g, b, id);
    return stored;
}

/* Is it better for a waiting group to run with the one whose values it needs? If nothing runs in
 * between, or if no more has to be stored. */
static bool is_better_early(const grouping *g, const group *late, const group *early) {
    static const group nobody = {.head = NONE};
    if (early->rank == g->ranks - 1)
        return true;
    int apart = count_stored(g, early, early, &nobody) + count_stored(g, late, late, &nobody);
    return count_stored(g, early, early, late) + count_stored(g, late, late, &nobody) < apart;
}

static bool join_early(grouping *g, int i) {
    group *late = &g->groups[i];
    int to = late->after == NONE ? NONE : g->ranked[late->after];
    if (to == NONE || !fits(late, &g->groups[to]) || !is_better_early(g, late, &g->groups[to]))
        return false;
    join(g, i, to);
    return true;
}

/* ------------------------------------------------------------------------------- placing */

/* Ends the waiting of a group. */
static void settle(grouping *g, int i) {
    if (g->groups[i].rank != WAITING || (g->groups[i].open && join_early(g, i)))
        return;
    g->groups[i].rank = g->ranks;
    g->ranked[g->ranks++] = i;
}

static int latest_rank(const grouping *g, const erg_node *node) {
    int latest = NONE;
    for (int k = 0; k < node->n_in; k++) {
        int i = operand_group(g, node, k);
        int rank = i == NONE                      ? NONE
                   : g->groups[i].rank == WAITING ? g->groups[i].after
                                                  : g->groups[i].rank;
        latest = rank > latest ? rank : latest;
    }
    return latest;
}

/* Waiting groups of operands join the node's own group, or run before it. */
static void gather_waiting(grouping *g, const erg_node *node, int own) {
    for (int k = 0; k < node->n_in; k++) {
        int i = operand_group(g, node, k);
        if (i == NONE || i == own || g->groups[i].rank != WAITING)
            continue;
        bool behind = g->groups[i].after < g->groups[own].after;
        if (behind && join_early(g, i))
            continue;
        if (fits(&g->groups[i], &g->groups[own]))
            join(g, i, own);
        else
            settle(g, i);
    }
}

/* The group of a fold's operand, which nobody else reads; or NONE. */
static int summed_group(const grouping *g, const erg_node *node) {
    if (!g->schedule->chains || !erg_fold_takes_chains(node, g->schedule->threads))
        return NONE;
    int root = root_of(g, node, 0), i = operand_group(g, node, 0);
    bool alone = i != NONE && g->uses[root] == 1 && !is_held(g, root);
    return alone && g->groups[i].rank == WAITING && g->groups[i].open &&
                   g->groups[i].count < ERG_CHAIN_NODES
               ? i
               : NONE;
}

static void place(grouping *g, const erg_node *node) {
    int own = g->count++, id = node->id;
    g->groups[own] =
        (group){.rank = WAITING,
                .after = latest_rank(g, node),
                .count = 1,
                .head = id,
                .tail = id,
                .open = g->schedule->chains && erg_ops[node->op].flags & (ELEMENTWISE | RANDOM),
                .size = erg_shape_size(node->shape),
                .row = erg_row_size(node)};
    g->of[id] = own;
    g->next[id] = NONE;
    int summed = summed_group(g, node);
    if (summed != NONE)
        join(g, summed, own);
    gather_waiting(g, node, own);
    int latest = latest_rank(g, node); /* some operands' groups may have been ranked */
    g->groups[own].after = latest > g->groups[own].after ? latest : g->groups[own].after;
}

/* Groups from `first` on are those of the products of a wave: neighbours with the same matrix become
 * one. */
static void join_products(grouping *g, int first) {
    for (int to = first, i = first + 1; i < g->count; i++) {
        const erg_node *a = g->graph->nodes[g->groups[to].head];
        if (g->groups[to].count < ERG_CHAIN_NODES &&
            erg_is_with_same_matrix(a, g->graph->nodes[g->groups[i].head]))
            join(g, i, to);
        else
            to = i;
    }
}

/* ------------------------------------------------------------------------------- a phase */

typedef struct key {
    int rank, id;
} key;

static int ascending(const void *a, const void *b) {
    const key *x = a, *y = b;
    return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank)
                              : (x->id > y->id) - (x->id < y->id);
}

/* Products of a wave are next to each other: all are placed before they are settled. */
static void place_phase(grouping *g, const erg_phase *phase) {
    const erg_schedule *s = g->schedule;
    for (int i = phase->first, end = i + phase->count, next; i < end; i = next) {
        int first = g->count;
        bool product = erg_joins_products(s, g->graph->nodes[s->order[i]]);
        next = i + 1;
        while (product && next < end && erg_joins_products(s, g->graph->nodes[s->order[next]]) &&
               s->wave[s->order[next]] == s->wave[s->order[i]])
            next++;
        for (int k = i; k < next; k++)
            place(g, g->graph->nodes[s->order[k]]);
        if (product)
            join_products(g, first);
        for (int k = first; k < g->count; k++)
            if (g->groups[k].count && !g->groups[k].open)
                settle(g, k);
    }
}

/* Groups in their order, and a step for each. */
static void order_groups(grouping *g, erg_schedule *s, erg_phase *phase, key *keys) {
    int steps = s->n_steps;
    for (int i = 0; i < g->count; i++)
        if (g->groups[i].count)
            settle(g, i);
    for (int i = 0; i < phase->count; i++) {
        int id = s->order[phase->first + i];
        keys[i] = (key){g->groups[find(g, g->of[id])].rank, id};
    }
    qsort(keys, (size_t)phase->count, sizeof *keys, ascending);
    for (int i = 0; i < phase->count; i++) {
        s->order[phase->first + i] = keys[i].id;
        if (i == 0 || keys[i].rank != keys[i - 1].rank)
            s->first[s->n_steps++] = phase->first + i;
        s->step[keys[i].id] = s->n_steps - 1;
    }
    phase->first = steps;
    phase->count = s->n_steps - steps;
}

static void count_uses(grouping *g) {
    for (int i = 0; i < g->schedule->n_placed; i++) {
        const erg_node *node = g->graph->nodes[g->schedule->order[i]];
        for (int k = 0; k < node->n_in; k++)
            g->uses[root_of(g, node, k)]++;
    }
}

bool erg_schedule_chains(erg_schedule *s, const erg_graph *graph) {
    size_t most = (size_t)s->n_placed + 1, count = (size_t)graph->count;
    grouping g = {.schedule = s, .graph = graph};
    key *keys = calloc(most, sizeof *keys);
    g.groups = calloc(most, sizeof *g.groups);
    g.ranked = calloc(most, sizeof *g.ranked);
    g.of = calloc(count, sizeof *g.of);
    g.next = calloc(count, sizeof *g.next);
    g.uses = calloc(count, sizeof *g.uses);
    bool done = keys && g.groups && g.ranked && g.of && g.next && g.uses;
    if (done)
        count_uses(&g);
    for (int p = 0; done && p < s->n_phases; p++) {
        erg_phase *phase = &s->phases[p];
        g.count = g.ranks = 0;
        place_phase(&g, phase);
        order_groups(&g, s, phase, keys);
    }
    s->first[s->n_steps] = s->n_placed;
    free(keys);
    free(g.groups);
    free(g.ranked);
    free(g.of);
    free(g.next);
    free(g.uses);
    return done;
}

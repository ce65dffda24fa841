/* chain.c: which elementwise nodes are done together, as one step.
 *
 * A chain of elementwise nodes goes through its elements piece by piece, all nodes on one piece
 * before the next: what one writes is in the first-level cache when another reads it, and most of it
 * never leaves there. So nodes of one shape are gathered in groups, from operands to users.
 *
 * Groups have a rank, by which they run. A node can join any group that does not run before one of
 * its operands' groups, however early that is, for nobody needs the node yet. A group whose nodes
 * read nothing of their own phase has no rank at first: it waits for the first user to join, because
 * it can run anywhere before that. */
#include <limits.h>
#include <stdlib.h>

#include "schedule.h"

/* Nodes of a chain, so that what it reads and writes fits into its first-level cache; and how many
 * groups back one is looked for that reads the same values. */
enum { MOST_NODES = 24, LOOK_BACK = 16 };

enum { WAITING = -1 };

typedef struct group {
    int rank;          /* or WAITING */
    int count;         /* nodes; 0 once it has joined another */
    int joined;        /* that other */
    bool open;         /* elementwise */
    int64_t size, row; /* elements, and elements to a row; row = size if no node needs rows */
    int newest;        /* a node of it: id */
} group;

typedef struct grouping {
    const erg_schedule *schedule;
    const erg_graph *graph;
    group *groups;
    int count, ranks;
    int *of;     /* by id of computed nodes: its group when it was placed; -1 before */
    int *ranked; /* groups by rank */
} grouping;

static int find(const grouping *g, int i) {
    while (g->groups[i].count == 0)
        i = g->groups[i].joined;
    return i;
}

/* The group of operand k, if it is computed in the phase at hand; else -1. */
static int operand_group(const grouping *g, const erg_node *node, int k) {
    const erg_schedule *s = g->schedule;
    int root = s->root[erg_view_operand(node, k).source->id];
    bool here = erg_is_step(s, g->graph->nodes[root]) && s->phase[root] == s->phase[node->id];
    return here ? find(g, g->of[root]) : -1;
}

static bool fits(const group *a, const group *b) {
    bool rows = a->row == b->row || a->row == a->size || b->row == b->size;
    return a->open && b->open && a->size == b->size && rows && a->count + b->count <= MOST_NODES;
}

static void settle(grouping *g, int i) {
    if (g->groups[i].rank != WAITING)
        return;
    g->groups[i].rank = g->ranks;
    g->ranked[g->ranks++] = i;
}

/* Moves the nodes of one group to another. */
static void join(grouping *g, int from, int to) {
    group *a = &g->groups[from], *b = &g->groups[to];
    b->count += a->count;
    b->row = a->row < b->row ? a->row : b->row;
    b->newest = a->newest > b->newest ? a->newest : b->newest;
    a->count = 0;
    a->joined = to;
}

static bool reads(const erg_node *node, const erg_node *source) {
    bool found = false;
    for (int k = 0; k < node->n_in; k++)
        found |= erg_view_operand(node, k).source == source;
    return found && source->op != ERG_OP_full;
}

/* Is there a value that both read? */
static bool share_operand(const erg_node *a, const erg_node *b) {
    bool found = false;
    for (int k = 0; k < a->n_in; k++)
        found |= reads(b, erg_view_operand(a, k).source);
    return found;
}

/* A group that may run after `rank`, and whose newest node reads what this one reads; or -1. */
static int find_related(const grouping *g, const erg_node *node, const group *own, int rank) {
    for (int r = g->ranks - 1; r > rank && r >= g->ranks - LOOK_BACK; r--) {
        int i = g->ranked[r];
        if (g->groups[i].count && fits(&g->groups[i], own) &&
            share_operand(g->graph->nodes[g->groups[i].newest], node))
            return i;
    }
    return -1;
}

/* The latest rank among the operands' groups; -1 if none has one. */
static int latest_rank(const grouping *g, const erg_node *node) {
    int latest = WAITING;
    for (int k = 0; k < node->n_in; k++) {
        int i = operand_group(g, node, k);
        if (i >= 0 && g->groups[i].rank > latest)
            latest = g->groups[i].rank;
    }
    return latest;
}

/* Waiting groups of operands join the node's own group, or run before it. */
static void gather_waiting(grouping *g, const erg_node *node, int own) {
    for (int k = 0; k < node->n_in; k++) {
        int i = operand_group(g, node, k);
        if (i < 0 || i == own || g->groups[i].rank != WAITING)
            continue;
        if (fits(&g->groups[i], &g->groups[own]))
            join(g, i, own);
        else
            settle(g, i);
    }
}

/* A group that has its rank can take the node if no operand still has to be ranked after it. */
static bool can_join(const grouping *g, const erg_node *node, int to) {
    group all = g->groups[to];
    for (int k = 0; k < node->n_in; k++) {
        int i = operand_group(g, node, k);
        if (i < 0 || i == to || g->groups[i].rank != WAITING)
            continue;
        if (!fits(&g->groups[i], &all))
            return false;
        all.count += g->groups[i].count;
        all.row = g->groups[i].row < all.row ? g->groups[i].row : all.row;
    }
    return all.count < MOST_NODES;
}

static void place(grouping *g, const erg_node *node) {
    int own = g->count++, latest = latest_rank(g, node);
    group *new = &g->groups[own];
    bool open = g->schedule->chains && erg_ops[node->op].flags & (ELEMENTWISE | RANDOM);
    *new = (group){WAITING, 1, 0, open, erg_shape_size(node->shape), erg_row_size(node), node->id};
    g->of[node->id] = own;
    int to = latest >= 0 ? g->ranked[latest] : -1;
    if (to < 0 || !fits(&g->groups[to], new))
        to = latest >= 0 ? find_related(g, node, new, latest) : -1;
    if (to >= 0 && can_join(g, node, to)) {
        join(g, own, to);
        gather_waiting(g, node, to);
        return;
    }
    gather_waiting(g, node, own);
    if (latest_rank(g, node) >= 0 || !open)
        settle(g, own);
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

/* Nodes in the order of their groups, and a step for each group. */
static void order_phase(grouping *g, erg_schedule *s, erg_phase *phase, key *keys) {
    int begin = phase->first, steps = s->n_steps;
    for (int i = 0; i < g->count; i++)
        if (g->groups[i].count)
            settle(g, i);
    for (int i = 0; i < phase->count; i++) {
        int id = s->order[begin + i];
        keys[i] = (key){g->groups[find(g, g->of[id])].rank, id};
    }
    qsort(keys, (size_t)phase->count, sizeof *keys, ascending);
    for (int i = 0; i < phase->count; i++) {
        if (i == 0 || keys[i].rank != keys[i - 1].rank)
            s->first[s->n_steps++] = begin + i;
        s->order[begin + i] = keys[i].id;
        s->step[keys[i].id] = s->n_steps - 1;
    }
    phase->first = steps;
    phase->count = s->n_steps - steps;
}

bool erg_schedule_chains(erg_schedule *s, const erg_graph *graph) {
    size_t most = (size_t)s->n_placed + 1;
    grouping g = {.schedule = s, .graph = graph};
    key *keys = calloc(most, sizeof *keys);
    g.groups = calloc(most, sizeof *g.groups);
    g.ranked = calloc(most, sizeof *g.ranked);
    g.of = calloc((size_t)graph->count, sizeof *g.of);
    bool done = keys && g.groups && g.ranked && g.of;
    for (int p = 0; done && p < s->n_phases; p++) {
        erg_phase *phase = &s->phases[p];
        g.count = g.ranks = 0;
        for (int i = phase->first; i < phase->first + phase->count; i++)
            place(&g, graph->nodes[s->order[i]]);
        order_phase(&g, s, phase, keys);
    }
    s->first[s->n_steps] = s->n_placed;
    free(keys);
    free(g.groups);
    free(g.ranked);
    free(g.of);
    return done;
}

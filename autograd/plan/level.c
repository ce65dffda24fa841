/* level.c: which steps can run side by side.
 *
 * Steps that mix the rows of a batch, such as products that sum over it and updates of weights, are
 * each too small to be worth waking threads for. A phase of them is cut into levels: a step's level
 * is one more than the highest among the steps whose values it reads, so the steps of a level do not
 * wait for each other, and threads share the work of all of them at once. With one thread nothing is
 * gained, and the steps stay in the order in which they were made. */
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

typedef struct leveling {
    erg_schedule *schedule;
    const erg_graph *graph;
    int *level;         /* by step */
    int *sorted;        /* steps of a phase by level */
    int *begin;         /* by level: where in that its steps begin; one more at the end */
    int *order, *first; /* as in the schedule, but by level */
    erg_phase *phases;
    int n_phases, n_steps, n_placed;
} leveling;

/* The highest level in the phase among steps that a node reads. */
static int highest_read(const leveling *l, const erg_node *node) {
    const erg_schedule *s = l->schedule;
    int highest = -1;
    for (int k = 0; k < node->n_in; k++) {
        int root = s->root[erg_view_operand(node, k).source->id];
        if (!erg_is_step(s, l->graph->nodes[root]) || s->phase[root] != s->phase[node->id] ||
            s->step[root] == s->step[node->id])
            continue;
        int level = l->level[s->step[root]];
        highest = level > highest ? level : highest;
    }
    return highest;
}

/* Returns how many levels there are. */
static int find_levels(leveling *l, const erg_phase *phase) {
    const erg_schedule *s = l->schedule;
    int levels = 0;
    for (int t = phase->first; t < phase->first + phase->count; t++) {
        for (int i = s->first[t]; i < s->first[t + 1]; i++) {
            int level = 1 + highest_read(l, l->graph->nodes[s->order[i]]);
            l->level[t] = level > l->level[t] ? level : l->level[t];
        }
        levels = l->level[t] >= levels ? l->level[t] + 1 : levels;
    }
    return levels;
}

static void copy_step(leveling *l, int t) {
    const erg_schedule *s = l->schedule;
    int count = s->first[t + 1] - s->first[t];
    l->first[l->n_steps++] = l->n_placed;
    memcpy(&l->order[l->n_placed], &s->order[s->first[t]], (size_t)count * sizeof *l->order);
    l->n_placed += count;
}

/* Sorts the steps of a phase by level, those of a level as they were. */
static void sort_steps(leveling *l, const erg_phase *phase, int levels) {
    memset(l->begin, 0, (size_t)(levels + 1) * sizeof *l->begin);
    for (int t = phase->first; t < phase->first + phase->count; t++)
        l->begin[l->level[t] + 1]++;
    for (int i = 0; i < levels; i++)
        l->begin[i + 1] += l->begin[i];
    for (int t = phase->first; t < phase->first + phase->count; t++)
        l->sorted[l->begin[l->level[t]]++] = t;
    for (int i = levels; i > 0; i--)
        l->begin[i] = l->begin[i - 1];
    l->begin[0] = 0;
}

/* The steps of a level become a phase. */
static void copy_level(leveling *l, const erg_phase *phase, int level) {
    erg_phase *copy = &l->phases[l->n_phases++];
    *copy = *phase;
    copy->first = l->n_steps;
    for (int i = l->begin[level]; i < l->begin[level + 1]; i++)
        copy_step(l, l->sorted[i]);
    copy->count = l->n_steps - copy->first;
    copy->apart = phase->rows == 0;
}

static void copy_phase(leveling *l, const erg_phase *phase) {
    int levels = phase->rows ? 1 : find_levels(l, phase);
    sort_steps(l, phase, levels);
    for (int level = 0; level < levels; level++)
        copy_level(l, phase, level);
}

/* Everything that is indexed by what has moved. */
static void replace_order(leveling *l) {
    erg_schedule *s = l->schedule;
    free(s->order);
    free(s->first);
    free(s->phases);
    s->order = l->order;
    s->first = l->first;
    s->phases = l->phases;
    s->n_phases = l->n_phases;
    s->first[s->n_steps] = s->n_placed;
    for (int p = 0; p < s->n_phases; p++)
        for (int t = s->phases[p].first; t < s->phases[p].first + s->phases[p].count; t++)
            for (int i = s->first[t]; i < s->first[t + 1]; i++) {
                s->step[s->order[i]] = t;
                s->phase[s->order[i]] = p;
            }
}

bool erg_schedule_levels(erg_schedule *s, const erg_graph *graph) {
    size_t most = (size_t)s->n_placed + 1;
    if (s->threads == 1)
        return true;
    leveling l = {.schedule = s, .graph = graph};
    l.level = calloc(most, sizeof *l.level);
    l.sorted = calloc(most, sizeof *l.sorted);
    l.begin = calloc(most, sizeof *l.begin);
    l.order = calloc(most, sizeof *l.order);
    l.first = calloc(most, sizeof *l.first);
    l.phases = calloc(most, sizeof *l.phases);
    bool done = l.level && l.sorted && l.begin && l.order && l.first && l.phases;
    for (int p = 0; done && p < s->n_phases; p++)
        copy_phase(&l, &s->phases[p]);
    if (done) {
        replace_order(&l);
    } else {
        free(l.order);
        free(l.first);
        free(l.phases);
    }
    free(l.level);
    free(l.sorted);
    free(l.begin);
    return done;
}

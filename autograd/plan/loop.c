/* loop.c: can many runs of a plan go tile by tile? A sampler's transition writes its state's rows
 * from the same rows: then a tile can do all its runs before the next tile starts. What precedes the
 * region must be the same in each run. */
#include <stdlib.h>

#include "schedule.h"

/* By node id: leaves that the program stores to. NULL if memory is short. */
static bool *find_stored(const erg_program *program) {
    const erg_graph *graph = program->graph;
    bool *stored = calloc((size_t)graph->count, sizeof *stored);
    for (int id = 0; stored && id < graph->count; id++)
        for (int k = 0; k < program->n_effects && graph->nodes[id]->value; k++)
            stored[id] |= graph->nodes[id]->value == program->effects[k].leaf;
    return stored;
}

/* Does the step read stored leaves only by the rows of the last phase, or by none? */
static bool is_repeatable(const erg_schedule *s, const erg_node *node, const bool *stored) {
    bool last = s->phase[node->id] == s->n_phases - 1;
    if (!last && (erg_ops[node->op].flags & RANDOM || stored[node->id]))
        return false;
    for (int k = 0; k < node->n_in; k++) {
        const erg_node *source = erg_view_operand(node, k).source;
        if (stored[s->root[source->id]] && (!last || erg_operand_row(node, k) == 0))
            return false;
    }
    return true;
}

/* All steps, and all values that are stored: rows of the last phase. */
static bool all_repeatable(const erg_schedule *s, const erg_program *program, const bool *stored) {
    for (int i = 0; i < s->n_placed; i++)
        if (!is_repeatable(s, program->graph->nodes[s->order[i]], stored))
            return false;
    for (int k = 0; k < program->n_effects; k++) {
        const erg_node *value = program->effects[k].value;
        const erg_node *root = program->graph->nodes[s->root[value->id]];
        if (!erg_is_step(s, root) || s->phase[root->id] != s->n_phases - 1)
            return false;
    }
    return true;
}

bool erg_schedule_loops(const erg_schedule *s, const erg_program *program) {
    if (s->n_phases == 0 || s->phases[s->n_phases - 1].rows == 0)
        return false;
    bool *stored = find_stored(program);
    bool loops = stored && all_repeatable(s, program, stored);
    free(stored);
    return loops;
}

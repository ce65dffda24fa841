/* store.c: which new values of leaves are written right into the leaf, not to the arena first.
 *
 * All reads of a leaf in a run see its old value. So a step may write over it only if every reader
 * is done with those elements: it runs earlier, in a region earlier on the same rows, or it is the
 * same step, which reads an element before it writes it, if both nodes are elementwise. */
#include <stdlib.h>

#include "schedule.h"

typedef struct storing {
    erg_schedule *schedule;
    const erg_program *program;
    const erg_node *
        *writer;    /* by effect: the node that makes the value; NULL: it cannot write it */
    int *effect_of; /* by id of leaf nodes: which effect stores to it, or -1 */
    int *place;     /* by id of computed nodes */
} storing;

static const erg_node *root_of(const storing *s, const erg_node *value) {
    return s->program->graph->nodes[s->schedule->root[value->id]];
}

static bool is_output(const storing *s, const erg_node *root) {
    bool is = false;
    for (int k = 0; k < s->program->n_outputs; k++)
        is |= root_of(s, s->program->outputs[k]) == root;
    return is;
}

/* A computed value that is wanted for one leaf and nothing else after the run. */
static void find_writers(storing *s) {
    const erg_program *program = s->program;
    for (int k = 0; k < program->n_effects; k++) {
        const erg_node *root = root_of(s, program->effects[k].value);
        bool taken = root->value || is_output(s, root);
        for (int j = 0; j < k; j++)
            taken |= root_of(s, program->effects[j].value) == root;
        s->writer[k] = taken || !erg_is_step(s->schedule, root) ? NULL : root;
    }
}

static void find_leaves(storing *s) {
    const erg_graph *graph = s->program->graph;
    for (int id = 0; id < graph->count; id++) {
        s->effect_of[id] = -1;
        for (int k = 0; k < s->program->n_effects && graph->nodes[id]->value; k++)
            if (graph->nodes[id]->value == s->program->effects[k].leaf)
                s->effect_of[id] = k;
    }
}

/* Is the reader done with an element, or with a row, when the writer comes to it? */
static bool is_done_before(const storing *s, const erg_node *reader, int k,
                           const erg_node *writer) {
    const erg_schedule *schedule = s->schedule;
    const erg_phase *phase = &schedule->phases[schedule->phase[reader->id]];
    if (schedule->phase[reader->id] != schedule->phase[writer->id])
        return schedule->phase[reader->id] < schedule->phase[writer->id];
    if (s->place[reader->id] > s->place[writer->id])
        return false;
    if (schedule->step[reader->id] == schedule->step[writer->id])
        return erg_ops[reader->op].flags & ELEMENTWISE &&
               erg_view_operand(reader, k).source == reader->in[k];
    if (phase->rows)
        return reader->n_in == 0 || erg_operand_row(reader, k) > 0;
    return !phase->apart;
}

static void refuse(storing *s, const erg_node *leaf, const erg_node *reader, int k) {
    int effect = s->effect_of[leaf->id];
    if (effect >= 0 && s->writer[effect] && !is_done_before(s, reader, k, s->writer[effect]))
        s->writer[effect] = NULL;
}

/* Every reader of a leaf that is stored to; a leaf that is an output is read by its own step. */
static void check_readers(storing *s) {
    const erg_graph *graph = s->program->graph;
    for (int i = 0; i < s->schedule->n_placed; i++) {
        const erg_node *node = graph->nodes[s->schedule->order[i]];
        if (node->value)
            refuse(s, node, node, 0);
        for (int k = 0; k < node->n_in; k++)
            refuse(s, root_of(s, erg_view_operand(node, k).source), node, k);
    }
    for (int k = 0; k < s->program->n_effects; k++) {
        const erg_node *root = root_of(s, s->program->effects[k].value);
        int effect = s->effect_of[root->id]; /* one leaf's old value is stored to another */
        if (effect >= 0)
            s->writer[effect] = NULL;
    }
}

bool erg_schedule_stores(erg_schedule *schedule, const erg_program *program) {
    size_t count = (size_t)program->graph->count;
    storing s = {.schedule = schedule, .program = program};
    schedule->stores = calloc(count, sizeof *schedule->stores);
    s.writer = calloc((size_t)program->n_effects + 1, sizeof *s.writer);
    s.effect_of = calloc(count, sizeof *s.effect_of);
    s.place = calloc(count, sizeof *s.place);
    bool done = schedule->stores && s.writer && s.effect_of && s.place;
    if (done) {
        for (int i = 0; i < schedule->n_placed; i++)
            s.place[schedule->order[i]] = i;
        find_writers(&s);
        find_leaves(&s);
        check_readers(&s);
    }
    for (int k = 0; done && k < program->n_effects; k++)
        if (s.writer[k])
            schedule->stores[s.writer[k]->id] = program->effects[k].leaf;
    free(s.writer);
    free(s.effect_of);
    free(s.place);
    return done;
}

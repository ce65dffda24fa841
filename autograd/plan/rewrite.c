/* rewrite.c: one walk over the work graph in which a rule replaces nodes.
 *
 * The walk goes from operands to users, so a rule sees operands that are rewritten already. Nodes
 * that a rule makes get ids behind all others; when the walk is over they are put in front of the
 * node they were made for, and the graph is again in topological order. Nodes that nobody uses any
 * more are left where they are: the schedule starts from the outputs and never meets them. */
#include <stdlib.h>

#include "passes.h"

typedef struct rewriting {
    erg_graph *graph;
    int count;              /* nodes before */
    erg_node **replacement; /* of each of these; itself if kept */
    int *made;              /* nodes there were when the rule was asked about each, one more at the
                             * end */
} rewriting;

static bool walk(rewriting *r, erg_rewrite_rule *rule, void *self) {
    for (int id = 0; id < r->count; id++) {
        erg_node *node = r->graph->nodes[id];
        r->made[id] = r->graph->count;
        for (int k = 0; k < node->n_in; k++)
            node->in[k] = r->replacement[node->in[k]->id];
        r->graph->scope = node->scope; /* for the nodes that are made instead of it */
        erg_node *other = rule(self, node);
        if (erg_graph_error(r->graph))
            return false;
        r->replacement[id] = other ? other : node;
    }
    r->made[r->count] = r->graph->count;
    return true;
}

/* Puts everything in order and numbers it anew. */
static bool reorder(const rewriting *r) {
    erg_graph *graph = r->graph;
    erg_node **ordered = calloc((size_t)graph->capacity, sizeof *ordered);
    if (!ordered)
        return false;
    int n = 0;
    for (int id = 0; id < r->count; id++) {
        for (int i = r->made[id]; i < r->made[id + 1]; i++)
            ordered[n++] = graph->nodes[i];
        if (r->replacement[id] == graph->nodes[id])
            ordered[n++] = graph->nodes[id];
    }
    for (int i = 0; i < n; i++)
        ordered[i]->id = i;
    free(graph->nodes);
    graph->nodes = ordered;
    graph->count = n;
    return true;
}

bool erg_program_rewrite(erg_program *program, erg_rewrite_rule *rule, void *self) {
    rewriting r = {.graph = program->graph, .count = program->graph->count};
    r.replacement = calloc((size_t)r.count + 1, sizeof *r.replacement);
    r.made = calloc((size_t)r.count + 1, sizeof *r.made);
    bool done = r.replacement && r.made && walk(&r, rule, self);
    for (int k = 0; done && k < program->n_outputs; k++)
        program->outputs[k] = r.replacement[program->outputs[k]->id];
    for (int k = 0; done && k < program->n_effects; k++)
        program->effects[k].value = r.replacement[program->effects[k].value->id];
    done = done && reorder(&r);
    free(r.replacement);
    free(r.made);
    return done;
}

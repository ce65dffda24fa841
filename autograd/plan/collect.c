/* collect.c: a work graph with what the outputs need and nothing else.
 *
 * The user's graph is only read. Leaves of the copy share their tensors with it, and random nodes
 * keep their streams, so both graphs mean the same. What assign and group do is not a value: an
 * assign is replaced by the value it stores, and the storing is listed as an effect. */
#include <stdlib.h>

#include "passes.h"

typedef struct collection {
    erg_program *program;
    unsigned char *needed; /* by id, see erg_collect */
    erg_node **copies;     /* by id */
    erg_node **operands;   /* of one node, copied */
} collection;

static bool begin(collection *c, const erg_graph *source, erg_node *const *outputs, int count) {
    size_t most_operands = 1;
    int effects = 0;
    c->needed = erg_collect(source, outputs, count);
    for (int id = 0; c->needed && id < source->count; id++) {
        const erg_node *node = source->nodes[id];
        if (c->needed[id] && (size_t)node->n_in > most_operands)
            most_operands = (size_t)node->n_in;
        effects += node->op == ERG_OP_assign && c->needed[id] & 2;
    }
    erg_program *program = c->program;
    c->copies = calloc((size_t)source->count, sizeof *c->copies);
    c->operands = calloc(most_operands, sizeof *c->operands);
    program->graph->borrows = true;
    program->outputs = erg_graph_alloc(program->graph, (size_t)count * sizeof *program->outputs);
    program->effects = erg_graph_alloc(program->graph, (size_t)effects * sizeof *program->effects);
    return c->needed && c->copies && c->operands && program->outputs && program->effects;
}

static erg_node *copy(const collection *c, const erg_node *node) {
    if (node->op == ERG_OP_assign)
        return c->copies[node->in[1]->id];
    if (node->op == ERG_OP_group)
        return erg_scalar(c->program->graph, ERG_INT32, 0);
    erg_node prototype = *node;
    for (int k = 0; k < node->n_in; k++)
        c->operands[k] = c->copies[node->in[k]->id];
    prototype.graph = c->program->graph;
    prototype.in = c->operands;
    return erg_node_new(&prototype);
}

static bool copy_all(const collection *c, const erg_graph *source) {
    erg_program *program = c->program;
    for (int id = 0; id < source->count; id++) {
        const erg_node *node = source->nodes[id];
        if (!c->needed[id])
            continue;
        c->copies[id] = copy(c, node);
        if (!c->copies[id])
            return false;
        if (node->op == ERG_OP_assign && c->needed[id] & 2)
            program->effects[program->n_effects++] =
                (erg_effect){node->in[0]->value, c->copies[id]};
    }
    return true;
}

bool erg_program_collect(erg_program *program, erg_node *const *outputs, int count) {
    collection c = {.program = program};
    const erg_graph *source = outputs[0]->graph;
    bool done = begin(&c, source, outputs, count) && copy_all(&c, source);
    for (int k = 0; done && k < count; k++)
        program->outputs[program->n_outputs++] = c.copies[outputs[k]->id];
    free(c.needed);
    free(c.copies);
    free(c.operands);
    return done;
}

/* wave.c: products of single rows with one matrix, done together.
 *
 * A product of one row has as little to do with each element of the matrix as to read it. So what
 * two rows are multiplied by is read once for both, if neither needs the other: the activations of a
 * layer and their directional derivatives, say. Each node of a phase gets a wave: behind how many
 * products in a row it comes, itself among them. Two of one wave cannot need each other. Sorted by
 * waves, all products of one come first, and all that they read before them. */
#include <stdlib.h>

#include "schedule.h"

typedef struct key {
    int wave, id;
    bool product;
} key;

static int ascending(const void *a, const void *b) {
    const key *x = a, *y = b;
    if (x->wave != y->wave)
        return x->wave < y->wave ? -1 : 1;
    if (x->product != y->product)
        return x->product ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

bool erg_joins_products(const erg_schedule *s, const erg_node *node) {
    return s->chains && node->op == ERG_OP_matvec;
}

/* The highest among what it reads in its phase. */
static int wave_before(const erg_schedule *s, const erg_graph *graph, const erg_node *node) {
    int highest = 0;
    for (int k = 0; k < node->n_in; k++) {
        int root = s->root[erg_view_operand(node, k).source->id];
        bool here = erg_is_step(s, graph->nodes[root]) && s->phase[root] == s->phase[node->id];
        highest = here && s->wave[root] > highest ? s->wave[root] : highest;
    }
    return highest;
}

bool erg_schedule_waves(erg_schedule *s, const erg_graph *graph) {
    key *keys = calloc((size_t)s->n_placed + 1, sizeof *keys);
    s->wave = calloc((size_t)graph->count, sizeof *s->wave);
    bool done = keys && s->wave;
    for (int p = 0; done && p < s->n_phases; p++) {
        const erg_phase *phase = &s->phases[p];
        int *order = &s->order[phase->first];
        for (int i = 0; i < phase->count; i++) {
            const erg_node *node = graph->nodes[order[i]];
            bool product = erg_joins_products(s, node);
            s->wave[node->id] = wave_before(s, graph, node) + product;
            keys[i] = (key){s->wave[node->id], node->id, product};
        }
        qsort(keys, (size_t)phase->count, sizeof *keys, ascending);
        for (int i = 0; i < phase->count; i++)
            order[i] = keys[i].id;
    }
    free(keys);
    return done;
}

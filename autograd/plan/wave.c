/* wave.c: products of single rows with one matrix, done together.
 *
 * A product of one row has as little to do with each element of the matrix as to read it. So what
 * two rows are multiplied by is read once for both, if neither needs the other: the activations of a
 * layer and their directional derivatives, say. Each node of a phase gets a wave: the length of the
 * longest path of such products that leads to it, itself among them. Two of one wave cannot need each
 * other. Sorted by waves, all products of one come first, those with one matrix side by side, and all
 * that they read before them. */
#include <limits.h>
#include <stdlib.h>

#include "schedule.h"

typedef struct key {
    int wave, id;
    int matrix; /* of a product: the same for those that can be one step; else INT_MAX */
} key;

static int ascending(const void *a, const void *b) {
    const key *x = a, *y = b;
    if (x->wave != y->wave)
        return x->wave < y->wave ? -1 : 1;
    if (x->matrix != y->matrix)
        return x->matrix < y->matrix ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* All values of a wave live at the same time: they are to be much smaller than the matrix. */
enum { SMALLER = 8 };

bool erg_joins_products(const erg_schedule *s, const erg_node *node) {
    if (!s->chains || node->op != ERG_OP_matvec)
        return false;
    double n = (double)erg_shape_size(node->shape), k = (double)erg_shape_size(node->in[0]->shape);
    return SMALLER * (n + k) <= n * k;
}

static int matrix_of(const erg_schedule *s, const erg_node *node) {
    return erg_joins_products(s, node) ? 2 * node->in[1]->id + (int)node->attr[0] : INT_MAX;
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
            s->wave[node->id] = wave_before(s, graph, node) + erg_joins_products(s, node);
            keys[i] = (key){s->wave[node->id], node->id, matrix_of(s, node)};
        }
        qsort(keys, (size_t)phase->count, sizeof *keys, ascending);
        for (int i = 0; i < phase->count; i++)
            order[i] = keys[i].id;
    }
    free(keys);
    return done;
}

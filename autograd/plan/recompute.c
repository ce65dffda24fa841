/* recompute.c: a value that costs one or two additions is computed again rather than read again.
 *
 * Elementwise nodes that are done together are bound by memory: to read an array takes as long as a
 * few operations on what is there already. The forward values of an activation, say s, 1 - s and
 * s (1 - s), are wanted by every sweep that passes later; if that one reads s, it needs no other.
 * What is read by nobody else is then not even stored. (Chen, Xu, Zhang & Guestrin 2016, "Training
 * deep nets with sublinear memory cost", do the same to layers, to save memory.)
 *
 * Which nodes will be done together is not known yet. A cluster stands for them: elementwise nodes of
 * one shape that are connected, and behind as many nodes of other kinds. */
#include <stdlib.h>

#include "schedule.h"

/* Values below so many elements are in the first-level cache anyway. A value is made of at most so
 * many others that are not read. */
enum { FEW_ELEMENTS = 4096, DEPTH = 2 };

/* Cluster number `cluster` reads value number `value`, which is none of its own. */
typedef struct reading {
    int cluster, value;
    bool again; /* no: it computes it again, as `clone` */
    erg_node *clone;
} reading;

typedef struct recomputing {
    const erg_graph *graph;
    int count; /* nodes before the pass */
    int *era;  /* by id: the most nodes that are not elementwise on a way to it, itself included */
    int *cluster;      /* by id: the id of one of its cluster's nodes (a forest) */
    reading *readings; /* sorted */
    int n_readings;
} recomputing;

static bool is_elementwise(const erg_node *node) {
    return erg_ops[node->op].flags & ELEMENTWISE;
}

/* One instruction of a processor, and not a slow one. */
static bool is_cheap(const erg_node *node) {
    switch (node->op) {
    case ERG_OP_add:
    case ERG_OP_sub:
    case ERG_OP_mul:
    case ERG_OP_neg:
    case ERG_OP_abs:
        return true;
    default:
        return false;
    }
}

/* Read where it is, and much smaller than what it is stretched to. */
static bool is_free(const erg_node *x) {
    return x->op == ERG_OP_full || x->op == ERG_OP_broadcast;
}

/* ------------------------------------------------------------------------------- clusters */

static int find(const recomputing *r, int id) {
    while (r->cluster[id] != id)
        id = r->cluster[id] = r->cluster[r->cluster[id]];
    return id;
}

static bool mixes(const erg_node *node) {
    return !is_elementwise(node) && !(erg_ops[node->op].flags & LEAF) && !is_free(node) &&
           node->op != ERG_OP_reshape;
}

static void find_clusters(recomputing *r) {
    for (int id = 0; id < r->count; id++) {
        const erg_node *node = r->graph->nodes[id];
        r->cluster[id] = id;
        for (int k = 0; k < node->n_in; k++)
            r->era[id] =
                r->era[node->in[k]->id] > r->era[id] ? r->era[node->in[k]->id] : r->era[id];
        r->era[id] += mixes(node);
        for (int k = 0; is_elementwise(node) && k < node->n_in; k++) {
            const erg_node *x = node->in[k];
            if (is_elementwise(x) && r->era[x->id] == r->era[id] &&
                erg_shape_equal(x->shape, node->shape))
                r->cluster[find(r, x->id)] = find(r, id);
        }
    }
}

/* ------------------------------------------------------------------------------- readings */

static int ascending(const void *a, const void *b) {
    const reading *x = a, *y = b;
    return x->cluster != y->cluster ? (x->cluster > y->cluster) - (x->cluster < y->cluster)
                                    : (x->value > y->value) - (x->value < y->value);
}

static bool reads_large(const erg_node *node) {
    return is_elementwise(node) && erg_shape_size(node->shape) >= FEW_ELEMENTS;
}

static void find_readings(recomputing *r) {
    for (int id = 0; id < r->count; id++) {
        const erg_node *node = r->graph->nodes[id];
        for (int k = 0; reads_large(node) && k < node->n_in; k++)
            if (!is_free(node->in[k]) && find(r, node->in[k]->id) != find(r, id))
                r->readings[r->n_readings++] =
                    (reading){.cluster = find(r, id), .value = node->in[k]->id};
    }
    qsort(r->readings, (size_t)r->n_readings, sizeof *r->readings, ascending);
    int n = 0;
    for (int i = 0; i < r->n_readings; i++)
        if (i == 0 || ascending(&r->readings[i], &r->readings[n - 1]) != 0)
            r->readings[n++] = r->readings[i];
    r->n_readings = n;
}

static reading *find_reading(const recomputing *r, int cluster, int value) {
    reading wanted = {.cluster = cluster, .value = value};
    return r->n_readings
               ? bsearch(&wanted, r->readings, (size_t)r->n_readings, sizeof wanted, ascending)
               : NULL;
}

/* Can the cluster make it of what it reads? */
static bool can_make(const recomputing *r, int cluster, const erg_node *x, int depth) {
    bool can = is_cheap(x);
    for (int k = 0; can && k < x->n_in; k++) {
        const erg_node *y = x->in[k];
        can = is_free(y) || find_reading(r, cluster, y->id) ||
              (depth > 0 && can_make(r, cluster, y, depth - 1));
    }
    return can;
}

/* From users to operands: what the operands are made of in turn is decided later. */
static void decide(recomputing *r) {
    for (int i = r->n_readings - 1; i >= 0; i--) {
        reading *own = &r->readings[i];
        own->again = can_make(r, own->cluster, r->graph->nodes[own->value], DEPTH);
    }
}

/* ------------------------------------------------------------------------------- clones */

static erg_node *made_again(const recomputing *r, int cluster, erg_node *x);

/* x, or its clone for the cluster. */
static erg_node *as_read(const recomputing *r, int cluster, erg_node *x) {
    reading *own = is_free(x) ? NULL : find_reading(r, cluster, x->id);
    if (is_free(x) || (own && !own->again))
        return x;
    if (!own)
        return made_again(r, cluster, x);
    if (!own->clone)
        own->clone = made_again(r, cluster, x);
    return own->clone;
}

static erg_node *made_again(const recomputing *r, int cluster, erg_node *x) {
    enum { MOST_OPERANDS = 2 };
    erg_node *in[MOST_OPERANDS], prototype = *x;
    for (int k = 0; k < x->n_in; k++)
        in[k] = as_read(r, cluster, x->in[k]);
    prototype.in = in;
    prototype.name = NULL;
    return erg_node_new(&prototype);
}

static erg_node *rewrite(void *self, erg_node *node) {
    const recomputing *r = self;
    for (int k = 0; reads_large(node) && k < node->n_in; k++) {
        int cluster = find(r, node->id);
        reading *own = find_reading(r, cluster, node->in[k]->id);
        if (own && own->again)
            node->in[k] = as_read(r, cluster, node->in[k]);
    }
    return NULL;
}

bool erg_program_recompute(erg_program *program) {
    recomputing r = {.graph = program->graph, .count = program->graph->count};
    size_t count = (size_t)r.count + 1, most = 1;
    for (int id = 0; id < r.count; id++)
        most += (size_t)r.graph->nodes[id]->n_in;
    r.era = calloc(count, sizeof *r.era);
    r.cluster = calloc(count, sizeof *r.cluster);
    r.readings = calloc(most, sizeof *r.readings);
    bool done = r.era && r.cluster && r.readings;
    if (done) {
        find_clusters(&r);
        find_readings(&r);
        decide(&r);
        done = erg_program_rewrite(program, rewrite, &r);
    }
    free(r.era);
    free(r.cluster);
    free(r.readings);
    return done;
}

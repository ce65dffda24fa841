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

/* Values below so many elements are in the first-level cache anyway. Between a value that is computed
 * again and those that are read there are at most so many others, one behind the other. */
enum { FEW_ELEMENTS = 4096, DEPTH = 2 };

/* Cluster number `cluster` reads value number `value`, which is none of its own. */
typedef struct reading {
    int cluster, value;
    bool again;   /* no: it computes it again, as `clone`, */
    bool visited; /* which is made, if there is to be one */
    erg_node *clone;
} reading;

typedef struct recomputing {
    const erg_graph *graph;
    int count; /* nodes before the pass */
    int *era;  /* by id: the most nodes that are not elementwise on a way to it, itself included */
    int *cluster;      /* by id: the id of one of its cluster's nodes (a forest) */
    reading *readings; /* sorted */
    int n_readings;
    /* The pass gives nodes other operands, but what a value is made of, and so can be made of again,
     * is what it was before: */
    int *first;          /* by id: where its operands are among all */
    erg_node **operands; /* of all nodes */
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

static erg_node *made_again(const recomputing *r, int cluster, const erg_node *x);

/* x, or its clone for the cluster. */
static erg_node *as_read(const recomputing *r, int cluster, erg_node *x) {
    const reading *own = is_free(x) ? NULL : find_reading(r, cluster, x->id);
    if (own)
        return own->again ? own->clone : x;
    return is_free(x) ? x : made_again(r, cluster, x);
}

static erg_node *made_again(const recomputing *r, int cluster, const erg_node *x) {
    enum { MOST_OPERANDS = 2 };
    erg_node *in[MOST_OPERANDS], prototype = *x;
    for (int k = 0; k < x->n_in; k++)
        in[k] = as_read(r, cluster, r->operands[r->first[x->id] + k]);
    prototype.in = in;
    prototype.name = NULL;
    return erg_node_new(&prototype);
}

/* Makes the clones of the cluster up to this one. Those that a clone is made of come before it, so
 * none is made from within another, however many there are. */
static void make_clones(const recomputing *r, reading *own) {
    reading *next = own;
    while (next > r->readings && next[-1].cluster == own->cluster && !next[-1].visited)
        next--;
    for (; next <= own; next++) {
        next->visited = true;
        if (next->again)
            next->clone = made_again(r, next->cluster, r->graph->nodes[next->value]);
    }
}

static erg_node *rewrite(void *self, erg_node *node) {
    const recomputing *r = self;
    for (int k = 0; reads_large(node) && k < node->n_in; k++) {
        reading *own = find_reading(r, find(r, node->id), node->in[k]->id);
        if (!own || !own->again)
            continue;
        if (!own->visited)
            make_clones(r, own);
        node->in[k] = own->clone;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------- the pass */

static void copy_operands(recomputing *r) {
    int n = 0;
    for (int id = 0; id < r->count; id++) {
        const erg_node *node = r->graph->nodes[id];
        r->first[id] = n;
        for (int k = 0; k < node->n_in; k++)
            r->operands[n++] = node->in[k];
    }
}

bool erg_program_recompute(erg_program *program) {
    recomputing r = {.graph = program->graph, .count = program->graph->count};
    size_t count = (size_t)r.count + 1, most = 1;
    for (int id = 0; id < r.count; id++)
        most += (size_t)r.graph->nodes[id]->n_in;
    r.era = calloc(count, sizeof *r.era);
    r.cluster = calloc(count, sizeof *r.cluster);
    r.readings = calloc(most, sizeof *r.readings);
    r.first = calloc(count, sizeof *r.first);
    r.operands = calloc(most, sizeof(erg_node *));
    bool done = r.era && r.cluster && r.readings && r.first && r.operands;
    if (done) {
        copy_operands(&r);
        find_clusters(&r);
        find_readings(&r);
        decide(&r);
        done = erg_program_rewrite(program, rewrite, &r);
    }
    free(r.era);
    free(r.cluster);
    free(r.readings);
    free(r.first);
    free(r.operands);
    return done;
}

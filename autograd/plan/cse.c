/* cse.c: common subexpressions: a value that is computed twice is computed once.
 *
 * Two nodes are the same value if operation, dtype, shape, attributes and number are the same and
 * so are their operands, which have been merged already: one walk with a hash table finds all (Aho,
 * Lam, Sethi & Ullman 2006, "Compilers", value numbers). Derivatives repeat the forward computation
 * wherever a rule needs it; this is what makes that cost nothing. Random nodes are never merged. */
#include <stdlib.h>
#include <string.h>

#include "passes.h"

/* Open addressing; as the table is never more than half full, a search is short. */
typedef struct table {
    erg_node **nodes; /* NULL: empty */
    uint64_t *hashes;
    size_t mask; /* places - 1, a power of two less one */
} table;

/* Mixes a word into a hash (the finaliser of SplitMix64: Steele, Lea & Flood 2014). */
static uint64_t mix(uint64_t hash, uint64_t word) {
    uint64_t z = (hash ^ word) + 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t mix_bytes(uint64_t hash, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, size - i < sizeof word ? size - i : sizeof word);
        hash = mix(hash, word);
    }
    return hash;
}

/* a + b = b + a: operands in the order of their ids. */
static bool is_swapped(const erg_node *node) {
    return erg_ops[node->op].flags & COMMUTATIVE && node->in[0]->id > node->in[1]->id;
}

static const erg_node *operand(const erg_node *node, int k) {
    return node->in[is_swapped(node) ? 1 - k : k];
}

static size_t value_bytes(const erg_node *node) {
    return (size_t)erg_shape_size(node->shape) * erg_dtype_size(node->dtype);
}

static uint64_t hash_of(const erg_node *node) {
    uint64_t hash = mix(node->op, node->dtype);
    hash = mix_bytes(hash, node->shape.dims, (size_t)node->shape.ndim * sizeof(int64_t));
    hash = mix_bytes(hash, node->attr, (size_t)node->n_attr * sizeof *node->attr);
    hash = mix_bytes(hash, &node->number, sizeof node->number);
    for (int k = 0; k < node->n_in; k++)
        hash = mix(hash, (uint64_t)operand(node, k)->id);
    return node->op == ERG_OP_constant ? mix_bytes(hash, node->value->data, value_bytes(node))
                                       : hash;
}

static bool same(const erg_node *a, const erg_node *b) {
    bool equal = a->op == b->op && a->dtype == b->dtype && erg_shape_equal(a->shape, b->shape) &&
                 a->n_in == b->n_in && a->n_attr == b->n_attr &&
                 memcmp(&a->number, &b->number, sizeof a->number) == 0 &&
                 memcmp(a->attr, b->attr, (size_t)a->n_attr * sizeof *a->attr) == 0;
    for (int k = 0; equal && k < a->n_in; k++)
        equal = operand(a, k) == operand(b, k);
    if (equal && a->op == ERG_OP_constant)
        equal = memcmp(a->value->data, b->value->data, value_bytes(a)) == 0;
    return equal;
}

/* Inputs, params and states are what they are; two random nodes have different numbers. */
static bool can_merge(const erg_node *node) {
    return !(erg_ops[node->op].flags & RANDOM) && (!node->value || node->op == ERG_OP_constant);
}

static erg_node *find_or_add(void *self, erg_node *node) {
    const table *t = self;
    if (!can_merge(node))
        return NULL;
    uint64_t hash = hash_of(node);
    size_t place = hash & t->mask;
    for (; t->nodes[place]; place = (place + 1) & t->mask)
        if (t->hashes[place] == hash && same(t->nodes[place], node))
            return t->nodes[place];
    t->nodes[place] = node;
    t->hashes[place] = hash;
    return NULL;
}

bool erg_program_cse(erg_program *program) {
    size_t places = 64;
    while (places < 2 * (size_t)program->graph->count)
        places *= 2;
    table t = {calloc(places, sizeof *t.nodes), calloc(places, sizeof *t.hashes), places - 1};
    bool done = t.nodes && t.hashes && erg_program_rewrite(program, find_or_add, &t);
    free(t.nodes);
    free(t.hashes);
    return done;
}

/* lower_chain.c: steps that compute element i of their results from elements i of operands: a chain
 * of elementwise nodes, and of random ones, whose elements depend on nothing but i.
 *
 * Each node becomes an instruction. Of two sums, differences or products in a row, of which the
 * first is needed by the second alone, one instruction does both. */
#include "chain_code.h"
#include "lower.h"

/* Elements: a dozen pieces in the first-level cache, long enough for a call. */
enum { PIECE = 512 };

/* ------------------------------------------------------------------------------- kernels */

/* How many additions an element is worth. */
static double cost_of(erg_op op) {
    switch (op) {
    case ERG_OP_pow:
    case ERG_OP_atan2:
    case ERG_OP_lgamma:
    case ERG_OP_polygamma:
        return 64; /* one at a time, in libm */
    case ERG_OP_uniform:
    case ERG_OP_normal:
        return 16;
    case ERG_OP_exp:
    case ERG_OP_expm1:
    case ERG_OP_log:
    case ERG_OP_log1p:
    case ERG_OP_sin:
    case ERG_OP_cos:
    case ERG_OP_tanh:
    case ERG_OP_sigmoid:
    case ERG_OP_softplus:
    case ERG_OP_erf:
        return 4;
    default:
        return 1;
    }
}

static void choose_kernel(const erg_kernels *kernels, erg_chain_instruction *x) {
    erg_dtype dtype = x->node->dtype;
    switch (x->node->op) {
#define UNARY(name, y)                                                                             \
    case ERG_OP_##name:                                                                            \
        x->kind = UNARY;                                                                           \
        x->kernel.unary = kernels->unary[dtype][ERG_UNARY_##name];                                 \
        break;
#define BINARY(name, y)                                                                            \
    case ERG_OP_##name:                                                                            \
        x->kind = BINARY;                                                                          \
        x->kernel.binary = kernels->binary[dtype][ERG_BINARY_##name];                              \
        break;
#include "../../tensor/scalar.def"
#undef UNARY
#undef BINARY
    case ERG_OP_lgamma:
        x->kind = UNARY;
        x->kernel.unary = kernels->lgamma[dtype];
        break;
    case ERG_OP_cast:
        x->kind = UNARY;
        x->kernel.unary = kernels->cast[x->node->in[0]->dtype][dtype];
        break;
    case ERG_OP_polygamma:
        x->kind = POLYGAMMA;
        x->kernel.polygamma = kernels->polygamma[dtype];
        break;
    case ERG_OP_where:
        x->kind = SELECT;
        x->kernel.select = kernels->select[dtype];
        break;
    default:
        x->kind = DRAW;
        break;
    }
}

/* ------------------------------------------------------------------------------- lowering */

typedef struct builder {
    const erg_kernels *kernels;
    const erg_schedule *schedule;
    erg_step *step;
    erg_chain *chain;
    erg_read *reads; /* of the step's operands */
    const erg_node **results;
    const erg_node *const *nodes;
    int made[ERG_STEP_OPERANDS];     /* by node: the location of its result */
    int last[ERG_STEP_OPERANDS];     /* by node: the last one that reads its result */
    int reads_of[ERG_STEP_OPERANDS]; /* by node: how many operands it is */
    int first[ERG_STEP_OPERANDS]; /* by node: the one that it makes a pair with, the first; or -1 */
    bool paired[ERG_STEP_OPERANDS]; /* by node: it is the first of a pair */
    int buffers, n_free, free[ERG_STEP_OPERANDS];
} builder;

static int add_location(erg_chain *c, erg_chain_location l) {
    c->locations[c->count] = l;
    return c->count++;
}

/* The instruction of this chain that computes operand k; -1 if it comes from elsewhere. */
static int maker(const builder *b, const erg_node *node, int k) {
    int root = b->schedule->root[erg_view_operand(node, k).source->id], found = -1;
    for (int i = 0; i < b->step->n_nodes; i++)
        if (b->nodes[i]->id == root)
            found = i;
    return found;
}

static int kind_of(erg_view view) {
    return view.step == 1 ? view.row ? OPERAND : SAME_ROW : view.row ? NUMBER_A_ROW : NUMBER;
}

static bool is_read_alike(const builder *b, const erg_chain_location *l, int root, int kind) {
    if ((int)l->kind != kind)
        return false;
    const erg_read *read = &b->reads[l->index];
    return b->schedule->root[erg_view_operand(read->node, read->k).source->id] == root;
}

/* The location of an operand that comes from elsewhere. */
static int find_location(builder *b, const erg_node *node, int k) {
    erg_view view = erg_view_operand(node, k);
    int root = b->schedule->root[view.source->id], kind = kind_of(view);
    for (int i = 0; i < b->chain->count; i++)
        if (is_read_alike(b, &b->chain->locations[i], root, kind))
            return i;
    erg_chain_location l = {.kind = kind, .index = b->step->n_in};
    l.bytes = (int64_t)erg_dtype_size(view.source->dtype);
    l.fill = b->kernels->fill[view.source->dtype];
    if (kind == SAME_ROW || kind == NUMBER_A_ROW)
        l.buffer = b->buffers++;
    b->reads[b->step->n_in++] = (erg_read){node, k};
    return add_location(b->chain, l);
}

/* A buffer for an inner value, the step's own memory for a result. */
static erg_chain_location place_result(builder *b, const erg_node *node) {
    erg_chain_location l = {.kind = RESULT, .bytes = (int64_t)erg_dtype_size(node->dtype)};
    if (b->schedule->inner[node->id]) {
        l.kind = BUFFER;
        l.buffer = b->n_free ? b->free[--b->n_free] : b->buffers++;
    } else {
        l.index = b->step->n_out;
        b->results[b->step->n_out++] = node;
    }
    return l;
}

/* ---- pairs */

static const erg_op pair_ops[] = {ERG_OP_add, ERG_OP_sub, ERG_OP_mul};
enum { PAIR_OPS = sizeof pair_ops / sizeof *pair_ops };

static int pair_op(const erg_node *node) {
    int found = -1;
    for (int i = 0; i < PAIR_OPS; i++)
        if (node->op == pair_ops[i])
            found = i;
    return found;
}

/* Indexed by the first operation and the second; the last is c - (a first b). */
static const erg_pair pair_kernels[PAIR_OPS][PAIR_OPS + 1] = {
    {ERG_PAIR_add_add, ERG_PAIR_add_sub, ERG_PAIR_add_mul, ERG_PAIR_add_rsub},
    {ERG_PAIR_sub_add, ERG_PAIR_sub_sub, ERG_PAIR_sub_mul, ERG_PAIR_sub_rsub},
    {ERG_PAIR_mul_add, ERG_PAIR_mul_sub, ERG_PAIR_mul_mul, ERG_PAIR_mul_rsub},
};

/* Can operand k of node i be the first of a pair with it? It is then computed later, so nothing may
 * be written in between: that could be over an operand of the first. */
static bool can_pair(const builder *b, int i, int k) {
    int from = maker(b, b->nodes[i], k);
    bool can = from >= 0 && pair_op(b->nodes[i]) >= 0 && pair_op(b->nodes[from]) >= 0 &&
               b->reads_of[from] == 1 && b->first[from] < 0;
    for (int j = from; can && j < i; j++)
        can = b->schedule->inner[b->nodes[j]->id];
    return can;
}

static void find_pairs(builder *b) {
    for (int i = 0; i < b->step->n_nodes; i++)
        for (int k = 0; k < b->nodes[i]->n_in; k++) {
            int from = maker(b, b->nodes[i], k);
            if (from >= 0)
                b->reads_of[from]++;
        }
    for (int i = 0; i < b->step->n_nodes; i++) {
        bool binary = b->nodes[i]->n_in == 2;
        int k = binary && can_pair(b, i, 0) ? 0 : binary && can_pair(b, i, 1) ? 1 : -1;
        b->first[i] = k < 0 ? -1 : maker(b, b->nodes[i], k);
        if (k >= 0)
            b->paired[b->first[i]] = true;
    }
}

/* The operands of instruction i: of its node, or of the first of a pair and then the other one. */
static int find_reads(const builder *b, int i, erg_read *reads) {
    const erg_node *node = b->nodes[i];
    int n = 0, from = b->first[i];
    if (from >= 0) {
        reads[n++] = (erg_read){b->nodes[from], 0};
        reads[n++] = (erg_read){b->nodes[from], 1};
    }
    for (int k = 0; k < node->n_in; k++)
        if (from < 0 || maker(b, node, k) != from)
            reads[n++] = (erg_read){node, k};
    return n;
}

static void choose_pair(const builder *b, int i, erg_chain_instruction *x) {
    const erg_node *node = b->nodes[i], *first = b->nodes[b->first[i]];
    bool reversed = node->op == ERG_OP_sub && maker(b, node, 1) == b->first[i];
    x->kind = PAIR;
    x->kernel.pair =
        b->kernels
            ->pair[node->dtype][pair_kernels[pair_op(first)][reversed ? PAIR_OPS : pair_op(node)]];
}

/* ---- instructions */

/* Buffers that instruction i is the last to read. */
static void free_buffers(builder *b, const erg_read *reads, int n, int i) {
    for (int k = 0; k < n; k++) {
        int from = maker(b, reads[k].node, reads[k].k);
        if (from < 0 || b->last[from] != i)
            continue;
        const erg_chain_location *l = &b->chain->locations[b->made[from]];
        if (l->kind == BUFFER)
            b->free[b->n_free++] = l->buffer;
        b->last[from] = -1; /* once, if two operands are the same */
    }
}

/* Kernels may write over what they read, element by element of the same size. */
static void add_instruction(builder *b, int i) {
    const erg_node *node = b->nodes[i];
    erg_read reads[ERG_CHAIN_INPUTS];
    int n = find_reads(b, i, reads);
    erg_chain_instruction *x = &b->chain->code[b->chain->length++];
    x->node = node;
    if (b->first[i] >= 0)
        choose_pair(b, i, x);
    else
        choose_kernel(b->kernels, x);
    for (int k = 0; k < n; k++) {
        int from = maker(b, reads[k].node, reads[k].k);
        x->in[k] = from >= 0 ? b->made[from] : find_location(b, reads[k].node, reads[k].k);
        const erg_chain_location *l = &b->chain->locations[x->in[k]];
        x->step[k] = l->kind != NUMBER && !(l->kind == NUMBER_A_ROW && b->chain->long_rows);
    }
    if (node->op != ERG_OP_cast)
        free_buffers(b, reads, n, i);
    x->out = b->made[i] = add_location(b->chain, place_result(b, node));
    if (node->op == ERG_OP_cast)
        free_buffers(b, reads, n, i);
}

static void find_last_readers(builder *b) {
    erg_read reads[ERG_CHAIN_INPUTS];
    for (int i = 0; i < b->step->n_nodes; i++) {
        int n = b->paired[i] ? 0 : find_reads(b, i, reads);
        for (int k = 0; k < n; k++) {
            int from = maker(b, reads[k].node, reads[k].k);
            if (from >= 0)
                b->last[from] = i;
        }
    }
}

static int64_t find_row_size(const erg_step *step) {
    int64_t size = erg_row_size(step->nodes[0]);
    for (int i = 1; i < step->n_nodes; i++) {
        int64_t own = erg_row_size(step->nodes[i]);
        size = own < size ? own : size;
    }
    return size;
}

/* A single node has nothing to gain from pieces, unless rows are to be written out. */
static int64_t choose_piece(const erg_step *step, int64_t row_size) {
    bool alone = step->n_nodes == 1 && (row_size >= PIECE || row_size == step->items);
    return alone ? step->items : PIECE;
}

static bool prepare(erg_lowering *lowering, builder *b) {
    erg_step *step = b->step;
    size_t nodes = (size_t)step->n_nodes;
    erg_chain *c = erg_lower_alloc(lowering, sizeof *c);
    b->reads = erg_lower_alloc(lowering, nodes * ERG_CHAIN_INPUTS * sizeof *b->reads);
    b->results = erg_lower_alloc(lowering, nodes * sizeof(erg_node *));
    if (!c || !b->reads || !b->results)
        return false;
    c->code = erg_lower_alloc(lowering, nodes * sizeof *c->code);
    c->locations = erg_lower_alloc(lowering, nodes * (ERG_CHAIN_INPUTS + 1) * sizeof *c->locations);
    step->items = erg_shape_size(step->node->shape);
    step->n_in = step->n_out = 0;
    step->reads = b->reads;
    step->result_nodes = b->results;
    step->detail = b->chain = c;
    c->row_size = find_row_size(step);
    c->piece = choose_piece(step, c->row_size);
    c->long_rows = c->row_size > c->piece || c->row_size == step->items;
    return c->code && c->locations;
}

static size_t widest_element(const erg_chain *c) {
    int64_t widest = 0;
    for (int i = 0; i < c->count; i++)
        widest = c->locations[i].bytes > widest ? c->locations[i].bytes : widest;
    return (size_t)widest;
}

bool erg_lower_chain(erg_lowering *lowering, erg_step *step) {
    builder b = {.kernels = lowering->kernels,
                 .schedule = lowering->schedule,
                 .step = step,
                 .nodes = step->nodes};
    double cost = 0;
    if (!prepare(lowering, &b))
        return false;
    find_pairs(&b);
    find_last_readers(&b);
    for (int i = 0; i < step->n_nodes; i++) {
        if (!b.paired[i])
            add_instruction(&b, i);
        cost += cost_of(step->nodes[i]->op);
    }
    erg_chain *c = b.chain;
    int64_t longest = c->piece + (c->long_rows ? 0 : c->row_size);
    c->room = ((size_t)longest * widest_element(c) + 63) / 64 * 64;
    step->grain = erg_grain(cost);
    step->part = erg_chain_part;
    return erg_lower_scratch(lowering, (size_t)b.buffers * c->room);
}

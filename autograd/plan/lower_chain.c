/* lower_chain.c: steps that compute element i of their results from elements i of operands: a chain
 * of elementwise nodes, and of random ones, whose elements depend on nothing but i.
 *
 * A chain is a small program. It goes through its elements piece by piece, and each instruction is a
 * call of a kernel on one piece. Of two sums, differences or products in a row, of which the first is
 * needed by the second alone, one call does both. What no later step reads goes to a buffer of one piece's size, so
 * it stays in the first-level cache. An operand that is one row for all rows, or one number for each
 * row, is written out for a piece where rows are short, so that kernels are not called for each
 * row; where they are long, no piece crosses the end of a row. */
#include <string.h>

#include "../../tensor/random.h"
#include "lower.h"

enum {
    MOST_INPUTS = 3,
    PIECE = 512 /* elements: a dozen pieces in the first-level cache, long enough for a call */
};

/* Where an operand or a result of an instruction is. */
typedef struct location {
    enum { OPERAND, RESULT, NUMBER, SAME_ROW, NUMBER_A_ROW, BUFFER } kind;
    int index;     /* of the step's operand or result */
    int buffer;    /* of the last three */
    int64_t bytes; /* of an element */
    erg_fill_kernel *fill;
} location;

typedef struct instruction {
    enum { UNARY, BINARY, PAIR, SELECT, POLYGAMMA, DRAW } kind;
    union {
        erg_unary_kernel *unary;
        erg_binary_kernel *binary;
        erg_pair_kernel *pair;
        erg_select_kernel *select;
        erg_polygamma_kernel *polygamma;
    } kernel;
    const erg_node *node;
    int in[MOST_INPUTS], out; /* locations */
    int step[MOST_INPUTS];    /* 1, or 0 for one number */
} instruction;

typedef struct chain {
    instruction *code;
    int length;
    location *locations;
    int count;
    int64_t row_size; /* of operands that are read by rows; else the number of elements */
    int64_t piece;    /* elements */
    bool long_rows;   /* of more than a piece */
    size_t room;      /* bytes of a buffer */
} chain;

/* Each node makes one, and reads three at most. */
enum { MOST_LOCATIONS = 2 * ERG_STEP_OPERANDS };

/* ------------------------------------------------------------------------------- running */

/* What a piece reads and writes, by location. */
typedef struct piece {
    int64_t begin, n;
    void *at[MOST_LOCATIONS];
} piece;

static unsigned char *buffer(const chain *c, const location *l, const erg_work *work) {
    return (unsigned char *)work->scratch + (size_t)l->buffer * c->room;
}

static unsigned char *operand(const location *l, const erg_work *work) {
    return (unsigned char *)work->in[l->index];
}

/* The row, over and over: pieces begin anywhere in it. */
static void repeat_row(const chain *c, const location *l, const erg_work *work, int64_t n,
                       unsigned char *to) {
    size_t row = (size_t)(c->row_size * l->bytes), all = (size_t)(n * l->bytes) + row;
    memcpy(to, operand(l, work), row);
    for (size_t done = row; done < all; done *= 2)
        memcpy(to + done, to, done < all - done ? done : all - done);
}

/* The number of each row, as often as there are elements. */
static void repeat_numbers(const chain *c, const location *l, const unsigned char *from,
                           const piece *p, unsigned char *to) {
    int64_t column = p->begin % c->row_size, n;
    from += p->begin / c->row_size * l->bytes;
    for (int64_t i = 0; i < p->n; i += n, from += l->bytes, column = 0) {
        n = c->row_size - column < p->n - i ? c->row_size - column : p->n - i;
        l->fill(n, from, to + i * l->bytes);
    }
}

/* Locations that are the same for all pieces. */
static void begin_chain(const chain *c, const erg_work *work, piece *p) {
    int64_t n = work->end - work->begin < c->piece ? work->end - work->begin : c->piece;
    for (int i = 0; i < c->count; i++) {
        const location *l = &c->locations[i];
        if (l->kind == NUMBER)
            p->at[i] = operand(l, work);
        else if (l->kind == BUFFER)
            p->at[i] = buffer(c, l, work);
        else if (l->kind == SAME_ROW && !c->long_rows)
            repeat_row(c, l, work, n, buffer(c, l, work));
    }
}

static void find_piece(const chain *c, const erg_work *work, piece *p) {
    for (int i = 0; i < c->count; i++) {
        const location *l = &c->locations[i];
        if (l->kind == OPERAND) {
            p->at[i] = operand(l, work) + p->begin * l->bytes;
        } else if (l->kind == RESULT) {
            p->at[i] = (unsigned char *)work->results[l->index] + p->begin * l->bytes;
        } else if (l->kind == SAME_ROW) {
            unsigned char *row = c->long_rows ? operand(l, work) : buffer(c, l, work);
            p->at[i] = row + p->begin % c->row_size * l->bytes;
        } else if (l->kind == NUMBER_A_ROW && c->long_rows) {
            p->at[i] = operand(l, work) + p->begin / c->row_size * l->bytes;
        } else if (l->kind == NUMBER_A_ROW) {
            p->at[i] = buffer(c, l, work);
            repeat_numbers(c, l, operand(l, work), p, p->at[i]);
        }
    }
}

/* An element's number depends on its index in the whole alone. */
static void draw(const erg_node *node, const erg_work *work, const piece *p, void *out) {
    erg_random where = {node->graph->seed, (uint32_t)node->attr[0], work->run};
    int64_t begin = work->origin + p->begin;
    if (node->op == ERG_OP_normal)
        erg_normal_range(node->dtype, where, begin, begin + p->n, out);
    else
        erg_uniform_range(node->dtype, where, begin, begin + p->n, out);
}

static void execute(const instruction *x, const erg_work *work, const piece *p) {
    void *const *at = p->at, *out = at[x->out];
    switch (x->kind) {
    case UNARY:
        x->kernel.unary(p->n, at[x->in[0]], out);
        break;
    case BINARY:
        x->kernel.binary(p->n, at[x->in[0]], x->step[0], at[x->in[1]], x->step[1], out);
        break;
    case PAIR:
        x->kernel.pair(p->n, (const void *[]){at[x->in[0]], at[x->in[1]], at[x->in[2]]}, x->step,
                       out);
        break;
    case SELECT:
        x->kernel.select(p->n, at[x->in[0]], at[x->in[1]], x->step[1], at[x->in[2]], x->step[2],
                         out);
        break;
    case POLYGAMMA:
        x->kernel.polygamma((int)x->node->attr[0], p->n, at[x->in[0]], out);
        break;
    case DRAW:
        draw(x->node, work, p, out);
        break;
    }
}

static void chain_part(const erg_step *step, const erg_work *work) {
    const chain *c = step->detail;
    piece p;
    begin_chain(c, work, &p);
    for (p.begin = work->begin; p.begin < work->end; p.begin += p.n) {
        p.n = work->end - p.begin < c->piece ? work->end - p.begin : c->piece;
        if (c->long_rows && p.n > c->row_size - p.begin % c->row_size)
            p.n = c->row_size - p.begin % c->row_size;
        find_piece(c, work, &p);
        for (int i = 0; i < c->length; i++)
            execute(&c->code[i], work, &p);
    }
}

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

static void choose_kernel(const erg_kernels *kernels, instruction *x) {
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
    chain *chain;
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

static int add_location(chain *c, location l) {
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

static bool is_read_alike(const builder *b, const location *l, int root, int kind) {
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
    location l = {.kind = kind, .index = b->step->n_in};
    l.bytes = (int64_t)erg_dtype_size(view.source->dtype);
    l.fill = b->kernels->fill[view.source->dtype];
    if (kind == SAME_ROW || kind == NUMBER_A_ROW)
        l.buffer = b->buffers++;
    b->reads[b->step->n_in++] = (erg_read){node, k};
    return add_location(b->chain, l);
}

/* A buffer for an inner value, the step's own memory for a result. */
static location place_result(builder *b, const erg_node *node) {
    location l = {.kind = RESULT, .bytes = (int64_t)erg_dtype_size(node->dtype)};
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

static void choose_pair(const builder *b, int i, instruction *x) {
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
        const location *l = &b->chain->locations[b->made[from]];
        if (l->kind == BUFFER)
            b->free[b->n_free++] = l->buffer;
        b->last[from] = -1; /* once, if two operands are the same */
    }
}

/* Kernels may write over what they read, element by element of the same size. */
static void add_instruction(builder *b, int i) {
    const erg_node *node = b->nodes[i];
    erg_read reads[MOST_INPUTS];
    int n = find_reads(b, i, reads);
    instruction *x = &b->chain->code[b->chain->length++];
    x->node = node;
    if (b->first[i] >= 0)
        choose_pair(b, i, x);
    else
        choose_kernel(b->kernels, x);
    for (int k = 0; k < n; k++) {
        int from = maker(b, reads[k].node, reads[k].k);
        x->in[k] = from >= 0 ? b->made[from] : find_location(b, reads[k].node, reads[k].k);
        const location *l = &b->chain->locations[x->in[k]];
        x->step[k] = l->kind != NUMBER && !(l->kind == NUMBER_A_ROW && b->chain->long_rows);
    }
    if (node->op != ERG_OP_cast)
        free_buffers(b, reads, n, i);
    x->out = b->made[i] = add_location(b->chain, place_result(b, node));
    if (node->op == ERG_OP_cast)
        free_buffers(b, reads, n, i);
}

static void find_last_readers(builder *b) {
    erg_read reads[MOST_INPUTS];
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
    chain *c = erg_lower_alloc(lowering, sizeof *c);
    b->reads = erg_lower_alloc(lowering, nodes * MOST_INPUTS * sizeof *b->reads);
    b->results = erg_lower_alloc(lowering, nodes * sizeof(erg_node *));
    if (!c || !b->reads || !b->results)
        return false;
    c->code = erg_lower_alloc(lowering, nodes * sizeof *c->code);
    c->locations = erg_lower_alloc(lowering, nodes * (MOST_INPUTS + 1) * sizeof *c->locations);
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

static size_t widest_element(const chain *c) {
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
    chain *c = b.chain;
    int64_t longest = c->piece + (c->long_rows ? 0 : c->row_size);
    c->room = ((size_t)longest * widest_element(c) + 63) / 64 * 64;
    step->grain = erg_grain(cost);
    step->part = chain_part;
    return erg_lower_scratch(lowering, (size_t)b.buffers * c->room);
}

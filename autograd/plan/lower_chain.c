/* lower_chain.c: steps that compute element i of their results from elements i of operands: a chain
 * of elementwise nodes, and of random ones, whose elements depend on nothing but i.
 *
 * A node becomes a call of its kernel, or several in a row become a formula (lower_formula.c). */
#include "chain_builder.h"

/* Elements: long enough for a call, and short enough for the first-level cache to hold the few pieces
 * that lie between formulas and functions. */
enum { PIECE = 1024 };

_Static_assert((int)ERG_CHAIN_NODES *(int)ERG_CHAIN_INPUTS <= (int)ERG_STEP_OPERANDS,
               "room for the operands of every chain");
_Static_assert((int)ERG_CHAIN_NODES *((int)ERG_CHAIN_INPUTS + 1) + (int)ERG_CHAIN_LITERALS <=
                   (int)ERG_FORMULA_REACH,
               "and for its locations");

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

/* ------------------------------------------------------------------------------- locations */

int erg_chain_add_location(erg_chain *c, erg_chain_location l) {
    c->locations[c->count] = l;
    return c->count++;
}

int erg_chain_maker(const erg_chain_builder *b, const erg_node *node, int k) {
    int root = b->lowering->schedule->root[erg_view_operand(node, k).source->id], found = -1;
    for (int i = 0; i < b->step->n_nodes; i++)
        if (b->nodes[i]->id == root)
            found = i;
    return found;
}

static bool reads_rows(const erg_chain_builder *b, const erg_node *node) {
    int64_t lanes = erg_formula_lanes(b->lowering->kernels, node->dtype);
    return !b->chain->long_rows && lanes > 0 && b->chain->row_size % lanes == 0;
}

static int kind_of(erg_view view, bool rows) {
    if (view.step == 1)
        return view.row ? OPERAND : rows ? ROW : SAME_ROW;
    return view.row ? rows ? ROW_NUMBER : NUMBER_A_ROW : NUMBER;
}

static bool is_read_alike(const erg_chain_builder *b, const erg_chain_location *l, int root,
                          int kind) {
    if (l->kind != kind)
        return false;
    const erg_read *read = &b->reads[l->index];
    return b->lowering->schedule->root[erg_view_operand(read->node, read->k).source->id] == root;
}

int erg_chain_locate(erg_chain_builder *b, const erg_node *node, int k, bool formula) {
    int from = erg_chain_maker(b, node, k);
    if (from >= 0)
        return b->made[from];
    erg_view view = erg_view_operand(node, k);
    int root = b->lowering->schedule->root[view.source->id];
    int kind = kind_of(view, formula && reads_rows(b, node));
    for (int i = 0; i < b->chain->count; i++)
        if (is_read_alike(b, &b->chain->locations[i], root, kind))
            return i;
    erg_chain_location l = {.kind = (uint8_t)kind, .index = (int16_t)b->step->n_in};
    l.bytes = (uint8_t)erg_dtype_size(view.source->dtype);
    if (kind == NUMBER_A_ROW)
        l.with.fill = b->lowering->kernels->fill[view.source->dtype];
    if (!b->chain->long_rows && (kind == SAME_ROW || kind == NUMBER_A_ROW))
        l.buffer = b->buffers++;
    b->reads[b->step->n_in++] = (erg_read){node, k};
    return erg_chain_add_location(b->chain, l);
}

bool erg_chain_moves(const erg_chain_builder *b, int location) {
    int kind = b->chain->locations[location].kind;
    return kind != NUMBER && kind != LITERAL && !(kind == NUMBER_A_ROW && b->chain->long_rows);
}

bool erg_chain_has_result(const erg_chain_builder *b, int i) {
    return b->nodes[i] == b->step->node || !b->lowering->schedule->inner[b->nodes[i]->id];
}

/* A buffer for an inner value, the step's own memory for a result. */
void erg_chain_place(erg_chain_builder *b, int i) {
    const erg_node *node = b->nodes[i];
    erg_chain_location l = {.kind = RESULT, .bytes = (uint8_t)erg_dtype_size(node->dtype)};
    if (!erg_chain_has_result(b, i)) {
        l.kind = BUFFER;
        l.buffer = b->n_free ? b->free[--b->n_free] : b->buffers++;
    } else {
        l.index = (int16_t)b->step->n_out;
        b->results[b->step->n_out++] = node;
    }
    b->made[i] = erg_chain_add_location(b->chain, l);
}

void erg_chain_free_buffers(erg_chain_builder *b, int i) {
    for (int k = 0; k < b->nodes[i]->n_in; k++) {
        int from = erg_chain_maker(b, b->nodes[i], k);
        if (from < 0 || b->last[from] != i)
            continue;
        if (b->made[from] >= 0 && b->chain->locations[b->made[from]].kind == BUFFER)
            b->free[b->n_free++] = b->chain->locations[b->made[from]].buffer;
        b->last[from] = -1; /* once, if two operands are the same */
    }
}

/* ------------------------------------------------------------------------------- lowering */

/* Kernels may write over what they read, element by element of the same size. */
static void add_call(erg_chain_builder *b, int i) {
    const erg_node *node = b->nodes[i];
    erg_chain_instruction *x = &b->chain->code[b->chain->length++];
    x->node = node;
    choose_kernel(b->lowering->kernels, x);
    for (int k = 0; k < node->n_in; k++) {
        x->in[k] = erg_chain_locate(b, node, k, false);
        x->step[k] = erg_chain_moves(b, x->in[k]);
    }
    if (node->op != ERG_OP_cast)
        erg_chain_free_buffers(b, i);
    erg_chain_place(b, i);
    x->out = b->made[i];
    if (node->op == ERG_OP_cast)
        erg_chain_free_buffers(b, i);
}

static bool add_instructions(erg_chain_builder *b) {
    for (int i = 0, done; i < b->step->n_nodes; i += done) {
        done = erg_chain_add_formula(b, i);
        if (done < 0)
            return false;
        if (done == 0) {
            add_call(b, i);
            done = 1;
        }
    }
    return true;
}

static void find_last_readers(erg_chain_builder *b) {
    for (int i = 0; i < b->step->n_nodes; i++) {
        b->last[i] = b->made[i] = -1;
        for (int k = 0; k < b->nodes[i]->n_in; k++) {
            int from = erg_chain_maker(b, b->nodes[i], k);
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

static bool prepare(erg_chain_builder *b) {
    erg_lowering *lowering = b->lowering;
    erg_step *step = b->step;
    size_t nodes = (size_t)step->n_nodes;
    size_t locations = nodes * (ERG_CHAIN_INPUTS + 1) + ERG_CHAIN_LITERALS;
    erg_chain *c = erg_lower_alloc(lowering, sizeof *c);
    b->reads = erg_lower_alloc(lowering, nodes * ERG_CHAIN_INPUTS * sizeof *b->reads);
    b->results = erg_lower_alloc(lowering, nodes * sizeof(erg_node *));
    if (!c || !b->reads || !b->results)
        return false;
    c->code = erg_lower_alloc(lowering, nodes * sizeof *c->code);
    c->locations = erg_lower_alloc(lowering, locations * sizeof *c->locations);
    step->items = erg_shape_size(step->node->shape);
    step->n_in = step->n_out = 0;
    step->reads = b->reads;
    step->result_nodes = b->results;
    step->detail = b->chain = c;
    c->row_size = find_row_size(step);
    c->long_rows = c->row_size > PIECE || c->row_size == step->items;
    return c->code && c->locations;
}

static size_t widest_element(const erg_chain *c) {
    int64_t widest = 0;
    for (int i = 0; i < c->count; i++)
        widest = c->locations[i].bytes > widest ? c->locations[i].bytes : widest;
    return (size_t)widest;
}

/* One instruction has nothing to gain from pieces, unless rows are to be written out. */
static int64_t choose_piece(const erg_chain_builder *b) {
    return b->chain->length == 1 && b->buffers == 0 ? b->step->items : PIECE;
}

bool erg_lower_chain(erg_lowering *lowering, erg_step *step) {
    erg_chain_builder b = {.lowering = lowering, .step = step, .nodes = step->nodes};
    if (!prepare(&b))
        return false;
    find_last_readers(&b);
    if (!add_instructions(&b))
        return false;
    double cost = 0;
    for (int i = 0; i < step->n_nodes; i++)
        cost += cost_of(step->nodes[i]->op);
    erg_chain *c = b.chain;
    c->piece = choose_piece(&b);
    int64_t longest = c->piece + (c->long_rows ? 0 : c->row_size);
    c->room = ((size_t)longest * widest_element(c) + 63) / 64 * 64;
    step->grain = erg_grain(cost);
    step->part = erg_chain_part;
    c->scratch = (size_t)b.buffers * c->room;
    return erg_lower_scratch(lowering, c->scratch);
}

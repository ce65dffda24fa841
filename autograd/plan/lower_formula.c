/* lower_formula.c: nodes of a chain as one formula in machine code (see tensor/formula.h).
 *
 * A formula is as many nodes in a row as have operations that machine code is written for, and as
 * the registers can hold. What no other instruction reads is never stored. */
#include "chain_builder.h"

/* What is written for an operation of the graph. */
static const struct form {
    enum { NO_FORM, ARITHMETIC, WITH_LITERAL, EXTREMUM, COMPARISON, CHOICE } kind;
    int opcode; /* erg_x86_op, or for a comparison erg_x86_predicate */
} forms[ERG_OP_COUNT] = {
    [ERG_OP_add] = {ARITHMETIC, ERG_X86_ADD},
    [ERG_OP_sub] = {ARITHMETIC, ERG_X86_SUB},
    [ERG_OP_mul] = {ARITHMETIC, ERG_X86_MUL},
    [ERG_OP_div] = {ARITHMETIC, ERG_X86_DIV},
    [ERG_OP_sqrt] = {ARITHMETIC, ERG_X86_SQRT},
    [ERG_OP_neg] = {WITH_LITERAL, ERG_X86_XOR},
    [ERG_OP_abs] = {WITH_LITERAL, ERG_X86_AND},
    [ERG_OP_maximum] = {EXTREMUM, ERG_X86_MAX},
    [ERG_OP_minimum] = {EXTREMUM, ERG_X86_MIN},
    [ERG_OP_less] = {COMPARISON, ERG_X86_LESS},
    [ERG_OP_less_equal] = {COMPARISON, ERG_X86_LESS_EQUAL},
    [ERG_OP_equal] = {COMPARISON, ERG_X86_EQUAL},
    [ERG_OP_where] = {CHOICE, ERG_X86_NOT_EQUAL},
};

/* Numbers that some of them need, in both types. */
enum { ZERO, ONE, SIGN_BIT, ALL_BUT_SIGN, N_LITERALS };
static const uint32_t literals_f32[N_LITERALS] = {0, 0x3f800000, 0x80000000, 0x7fffffff};
static const uint64_t literals_f64[N_LITERALS] = {0, 0x3ff0000000000000, 0x8000000000000000,
                                                  0x7fffffffffffffff};
_Static_assert((int)N_LITERALS == (int)ERG_CHAIN_LITERALS, "room for each literal");

typedef struct writer {
    erg_chain_builder *b;
    int begin, end;              /* nodes */
    int line[ERG_STEP_OPERANDS]; /* by node from begin on: its value's */
    int read[ERG_FORMULA_REACH]; /* by location: the line that reads it, or -1 */
    erg_formula formula;
} writer;

static int add_line(writer *w, erg_formula_line line) {
    int i = w->formula.n_lines++;
    if (i < ERG_FORMULA_LINES)
        w->formula.lines[i] = line;
    return i;
}

static erg_x86_read way_of(const erg_chain_builder *b, int location) {
    int kind = b->chain->locations[location].kind;
    return kind == ROW                    ? ERG_X86_ROW
           : kind == ROW_NUMBER           ? ERG_X86_ROW_NUMBER
           : erg_chain_moves(b, location) ? ERG_X86_ARRAY
                                          : ERG_X86_NUMBER;
}

static int read_location(writer *w, int location) {
    if (w->read[location] < 0) {
        erg_x86_read read = way_of(w->b, location);
        if (read == ERG_X86_ROW || read == ERG_X86_ROW_NUMBER)
            w->formula.row = w->b->chain->row_size;
        w->read[location] =
            add_line(w, (erg_formula_line){.kind = ERG_FORMULA_READ, .read = read, .a = location});
    }
    return w->read[location];
}

static int operand(writer *w, const erg_node *node, int k) {
    int from = erg_chain_maker(w->b, node, k);
    return from >= w->begin ? w->line[from]
                            : read_location(w, erg_chain_locate(w->b, node, k, true));
}

static int literal(writer *w, int which) {
    erg_chain *c = w->b->chain;
    const void *at = w->formula.dtype == ERG_FLOAT32 ? (const void *)&literals_f32[which]
                                                     : (const void *)&literals_f64[which];
    for (int i = 0; i < c->count; i++)
        if (c->locations[i].kind == LITERAL && c->locations[i].with.literal == at)
            return read_location(w, i);
    erg_chain_location l = {.kind = LITERAL, .with.literal = at};
    return read_location(w, erg_chain_add_location(c, l));
}

static int add_vector(writer *w, int opcode, int a, int b) {
    return add_line(w, (erg_formula_line){
                           .kind = ERG_FORMULA_VECTOR, .op = (erg_x86_op)opcode, .a = a, .b = b});
}

static int add_select(writer *w, int predicate, int a, int b, int yes, int no) {
    return add_line(w, (erg_formula_line){.kind = ERG_FORMULA_SELECT,
                                          .predicate = (erg_x86_predicate)predicate,
                                          .a = a,
                                          .b = b,
                                          .yes = yes,
                                          .no = no});
}

/* The lines of a node, whose meaning is that of scalar.def; the last one is its value. */
static int add_node(writer *w, const erg_node *node) {
    struct form form = forms[node->op];
    int a = operand(w, node, 0), b = node->n_in > 1 ? operand(w, node, 1) : a;
    switch (form.kind) {
    case WITH_LITERAL:
        b = literal(w, form.opcode == ERG_X86_XOR ? SIGN_BIT : ALL_BUT_SIGN);
        return add_vector(w, form.opcode, a, b);
    case EXTREMUM: /* the instruction drops a NaN in a */
        return add_select(w, ERG_X86_UNORDERED, a, a, a, add_vector(w, form.opcode, a, b));
    case COMPARISON: {
        int one = literal(w, ONE), zero = literal(w, ZERO);
        return add_select(w, form.opcode, a, b, one, zero);
    }
    case CHOICE: {
        int no = operand(w, node, 2), zero = literal(w, ZERO);
        return add_select(w, form.opcode, a, zero, b, no);
    }
    default:
        return add_vector(w, form.opcode, a, b);
    }
}

/* Values that others need. They are stored last, where what was read for the last time can be. */
static void add_stores(writer *w) {
    erg_chain_builder *b = w->b;
    bool wanted[ERG_STEP_OPERANDS];
    for (int i = w->begin; i < w->end; i++)
        wanted[i] = b->last[i] >= w->end || erg_chain_has_result(b, i);
    for (int i = w->begin; i < w->end; i++)
        erg_chain_free_buffers(b, i);
    for (int i = w->begin; i < w->end; i++) {
        if (!wanted[i])
            continue;
        erg_chain_place(b, i);
        int k = w->formula.n_stores++;
        w->formula.stores[k].line = w->line[i];
        w->formula.stores[k].array = b->made[i];
    }
}

/* A formula of nodes begin .. end - 1. False if it does not fit; the builder has changed. */
static bool write_formula(erg_chain_builder *b, int begin, int end, erg_formula_code *code) {
    writer w = {.b = b, .begin = begin, .end = end};
    w.formula.dtype = b->nodes[begin]->dtype;
    for (int i = 0; i < ERG_FORMULA_REACH; i++)
        w.read[i] = -1;
    for (int i = begin; i < end; i++)
        w.line[i] = add_node(&w, b->nodes[i]);
    add_stores(&w);
    erg_lowering *lowering = b->lowering;
    return erg_formula_compile(&w.formula, lowering->kernels, &lowering->plan->code, code);
}

static bool can_join(const erg_chain_builder *b, int i, erg_dtype dtype) {
    const erg_node *node = b->nodes[i];
    bool can = forms[node->op].kind != NO_FORM && node->dtype == dtype && dtype != ERG_INT32;
    for (int k = 0; can && k < node->n_in; k++)
        can = node->in[k]->dtype == dtype;
    return can;
}

/* Then a formula of one node saves writing the row out. A view of a row has a step and no row size,
 * one of numbers a row size and no step. */
static bool reads_a_row(const erg_chain_builder *b, const erg_node *node) {
    bool reads = false;
    for (int k = 0; k < node->n_in && !b->chain->long_rows; k++) {
        erg_view view = erg_view_operand(node, k);
        reads |= erg_chain_maker(b, node, k) < 0 && (view.step == 1) == (view.row == 0);
    }
    return reads;
}

/* A formula reads and stores ERG_FORMULA_ARRAYS arrays; more nodes than this seldom fit. */
enum { MOST_NODES = ERG_FORMULA_ARRAYS / 2 };

/* As many nodes as fit: what a formula that does not has done to the builder is taken back. */
int erg_chain_add_formula(erg_chain_builder *b, int i) {
    if (!b->lowering->plan->code.begin)
        return 0;
    int end = i;
    while (end < b->step->n_nodes && end < i + MOST_NODES && can_join(b, end, b->nodes[i]->dtype))
        end++;
    int least = i + 1 + !reads_a_row(b, b->nodes[i]);
    if (end < least)
        return 0;
    erg_formula_code *code = erg_lower_alloc(b->lowering, sizeof *code);
    if (!code)
        return -1;
    const erg_chain_builder before = *b;
    const erg_chain chain = *b->chain;
    const int n_in = b->step->n_in, n_out = b->step->n_out;
    for (; end >= least; end--) {
        if (write_formula(b, i, end, code)) {
            b->chain->code[b->chain->length++] =
                (erg_chain_instruction){.kind = FORMULA, .kernel.formula = code};
            return end - i;
        }
        *b = before;
        *b->chain = chain;
        b->step->n_in = n_in;
        b->step->n_out = n_out;
    }
    return 0;
}

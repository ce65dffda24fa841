/* run_chain.c: a chain of elementwise nodes at work (see chain_code.h). */
#include <string.h>

#include "../../tensor/random.h"
#include "chain_code.h"

enum { MOST_LOCATIONS = ERG_FORMULA_REACH };

/* What a piece reads and writes, by location. */
typedef struct piece {
    int64_t begin, n;
    void *at[MOST_LOCATIONS];
} piece;

static unsigned char *buffer(const erg_chain *c, const erg_chain_location *l,
                             const erg_work *work) {
    return (unsigned char *)work->scratch + (size_t)l->buffer * c->room;
}

static unsigned char *operand(const erg_chain_location *l, const erg_work *work) {
    return (unsigned char *)work->in[l->index];
}

/* The row, over and over: pieces begin anywhere in it. */
static void repeat_row(const erg_chain *c, const erg_chain_location *l, const erg_work *work,
                       int64_t n, unsigned char *to) {
    size_t row = (size_t)(c->row_size * l->bytes), all = (size_t)(n * l->bytes) + row;
    memcpy(to, operand(l, work), row);
    for (size_t done = row; done < all; done *= 2)
        memcpy(to + done, to, done < all - done ? done : all - done);
}

/* The number of each row, as often as there are elements. */
static void repeat_numbers(const erg_chain *c, const erg_chain_location *l,
                           const unsigned char *from, const piece *p, unsigned char *to) {
    int64_t column = p->begin % c->row_size, n;
    from += p->begin / c->row_size * l->bytes;
    for (int64_t i = 0; i < p->n; i += n, from += l->bytes, column = 0) {
        n = c->row_size - column < p->n - i ? c->row_size - column : p->n - i;
        l->with.fill(n, from, to + i * l->bytes);
    }
}

/* Locations that are the same for all pieces. */
static void begin_chain(const erg_chain *c, const erg_work *work, piece *p) {
    int64_t n = work->end - work->begin < c->piece ? work->end - work->begin : c->piece;
    for (int i = 0; i < c->count; i++) {
        const erg_chain_location *l = &c->locations[i];
        if (l->kind == NUMBER || l->kind == ROW || l->kind == ROW_NUMBER)
            p->at[i] = operand(l, work);
        else if (l->kind == LITERAL)
            p->at[i] = (void *)(uintptr_t)l->with.literal;
        else if (l->kind == BUFFER)
            p->at[i] = buffer(c, l, work);
        else if (l->kind == SAME_ROW && !c->long_rows)
            repeat_row(c, l, work, n, buffer(c, l, work));
    }
}

static void find_piece(const erg_chain *c, const erg_work *work, piece *p) {
    for (int i = 0; i < c->count; i++) {
        const erg_chain_location *l = &c->locations[i];
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

static void execute(const erg_chain_instruction *x, const erg_work *work, const piece *p) {
    void *const *at = p->at, *out = x->kind == FORMULA ? NULL : at[x->out];
    switch (x->kind) {
    case UNARY:
        x->kernel.unary(p->n, at[x->in[0]], out);
        break;
    case BINARY:
        x->kernel.binary(p->n, at[x->in[0]], x->step[0], at[x->in[1]], x->step[1], out);
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
    case FORMULA:
        erg_formula_run(x->kernel.formula, p->begin, p->n, at);
        break;
    }
}

void erg_chain_part(const erg_step *step, const erg_work *work) {
    const erg_chain *c = step->detail;
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

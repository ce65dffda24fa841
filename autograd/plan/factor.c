/* factor.c: f p + f q = f (p + q): one product less, of numbers or of matrices.
 *
 * A derivative sums over all ways from a value to another, and each term starts with the same
 * cotangent f. Taken out, it leaves what depends on the forward values alone: the slope at that
 * place, which is then computed once, however many cotangents go through it. Terms are products of
 * several factors, in any order; only products that nobody else uses are taken apart.
 *
 * Differs by rounding, and where a partial product overflows that did not, or the other way. */
#include <stdlib.h>
#include <string.h>

#include "lower.h"
#include "passes.h"
#include "simplify.h"

enum { MOST_FACTORS = 6 };

/* How often each node is used, by id: also those that the pass makes. */
typedef struct usage {
    int *uses;
    int count;
} usage;

typedef struct term {
    erg_node *factors[MOST_FACTORS];
    int count;
} term;

static bool is_used_once(const usage *u, const erg_node *node) {
    return node->id < u->count && u->uses[node->id] == 1;
}

static term term_of(const usage *u, erg_node *x) {
    term t = {.factors = {x}, .count = 1};
    for (int i = 0; i < t.count;) {
        erg_node *factor = t.factors[i];
        if (factor->op != ERG_OP_mul || !is_used_once(u, factor) || t.count == MOST_FACTORS) {
            i++;
            continue;
        }
        t.factors[i] = factor->in[0];
        t.factors[t.count++] = factor->in[1];
    }
    return t;
}

static void drop(term *t, int i) {
    t->count--;
    memmove(&t->factors[i], &t->factors[i + 1], (size_t)(t->count - i) * sizeof *t->factors);
}

static void put_back(term *t, erg_node *factor) {
    memmove(&t->factors[1], t->factors, (size_t)t->count++ * sizeof *t->factors);
    t->factors[0] = factor;
}

/* Moves what two terms have in common to a third, but for one factor of each. */
static term take_common(term *a, term *b) {
    term common = {.count = 0};
    for (int i = 0; i < a->count;) {
        int j = 0;
        while (j < b->count && b->factors[j] != a->factors[i])
            j++;
        if (j == b->count) {
            i++;
            continue;
        }
        common.factors[common.count++] = a->factors[i];
        drop(a, i);
        drop(b, j);
    }
    if (common.count && (a->count == 0 || b->count == 0)) {
        erg_node *last = common.factors[--common.count];
        put_back(a, last);
        put_back(b, last);
    }
    return common;
}

static erg_node *counted(const usage *u, erg_node *node) {
    if (node && node->id < u->count)
        u->uses[node->id] = 1;
    return node;
}

static erg_node *product_of(const usage *u, const term *t) {
    erg_node *product = t->factors[0];
    for (int i = 1; i < t->count; i++)
        product = counted(u, erg_mul(product, t->factors[i]));
    return product;
}

/* ------------------------------------------------------------------------------- matrices */

/* With fewer rows a product costs no more than the sum of two matrices, unless these are weights,
 * whose sum is the same in many runs. A sparse product costs next to nothing. */
enum { ROWS = 16 };

static bool is_weight(const erg_node *x) {
    return x->op == ERG_OP_param || x->op == ERG_OP_constant;
}

static bool is_product(const usage *u, const erg_node *x) {
    return x->op == ERG_OP_matmul && x->shape.ndim == 2 && is_used_once(u, x);
}

/* Operand k as it is multiplied. */
static erg_node *operand(const erg_node *product, int k) {
    return product->attr[k] ? erg_transpose(product->in[k]) : product->in[k];
}

static erg_node *sum_of(erg_op op, erg_node *a, erg_node *b) {
    return op == ERG_OP_add ? erg_add(a, b) : erg_sub(a, b);
}

/* a B + a C = a (B + C), and a C + b C = (a + b) C. */
static erg_node *sum_of_products(const usage *u, erg_op op, erg_node *x, erg_node *y) {
    if (!is_product(u, x) || !is_product(u, y))
        return NULL;
    bool pays = x->shape.dims[0] >= ROWS || (is_weight(x->in[1]) && is_weight(y->in[1]));
    pays = pays && !erg_is_sparse_product(x) && !erg_is_sparse_product(y);
    if (x->in[0] == y->in[0] && x->attr[0] == y->attr[0] && pays) {
        erg_node *sum = sum_of(op, operand(x, 1), operand(y, 1));
        return erg_matmul_transposed(x->in[0], x->attr[0] != 0, sum, 0);
    }
    if (x->in[1] == y->in[1] && x->attr[1] == y->attr[1] && x->shape.dims[1] >= ROWS) {
        erg_node *sum = sum_of(op, operand(x, 0), operand(y, 0));
        return erg_matmul_transposed(sum, 0, x->in[1], x->attr[1] != 0);
    }
    return NULL;
}

/* ------------------------------------------------------------------------------- the pass */

static erg_node *shorter_sum(const usage *u, erg_op op, erg_node *a, erg_node *b) {
    erg_node *product = sum_of_products(u, op, a, b);
    return counted(u, product ? product : sum_of(op, a, b));
}

static erg_node *factor(void *self, erg_node *node) {
    const usage *u = self;
    if (node->op != ERG_OP_add && node->op != ERG_OP_sub)
        return NULL;
    term a = term_of(u, node->in[0]), b = term_of(u, node->in[1]);
    term common = take_common(&a, &b);
    if (common.count == 0)
        return sum_of_products(u, node->op, node->in[0], node->in[1]);
    erg_node *left = product_of(u, &a), *right = product_of(u, &b);
    erg_node *product = erg_mul(product_of(u, &common), shorter_sum(u, node->op, left, right));
    if (product && product->id < u->count)
        u->uses[product->id] = u->uses[node->id];
    return product;
}

bool erg_program_factor(erg_program *program) {
    enum { MADE = 2 * MOST_FACTORS };
    usage u = {.count = (1 + MADE) * program->graph->count};
    u.uses = erg_count_uses(program, u.count);
    bool done = u.uses && erg_program_rewrite(program, factor, &u);
    free(u.uses);
    return done;
}

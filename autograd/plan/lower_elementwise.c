/* lower_elementwise.c: steps that compute element i of the result from elements i of operands. */
#include "lower.h"

enum { MOST_OPERANDS = 3 };

typedef struct elementwise {
    union {
        erg_unary_kernel *unary;
        erg_polygamma_kernel *polygamma;
        erg_binary_kernel *binary;
        erg_select_kernel *select;
    } kernel;
    int64_t row_size;
    struct {
        int64_t row;   /* bytes from row to row, see erg_view */
        int64_t bytes; /* from element to element */
        int step;
    } operand[MOST_OPERANDS];
    int64_t bytes; /* of an element of the result */
} elementwise;

/* How many additions an element is worth. */
static double cost_of(erg_op op) {
    switch (op) {
    case ERG_OP_pow:
    case ERG_OP_atan2:
    case ERG_OP_lgamma:
    case ERG_OP_polygamma:
        return 64; /* one at a time, in libm */
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
        return 8;
    default:
        return 1;
    }
}

static elementwise *prepare(erg_lowering *lowering, erg_step *step) {
    const erg_node *node = step->node;
    elementwise *e = erg_lower_alloc(lowering, sizeof *e);
    if (!e)
        return NULL;
    step->items = erg_shape_size(node->shape);
    step->grain = erg_grain(cost_of(node->op));
    e->row_size = erg_row_size(node);
    e->bytes = (int64_t)erg_dtype_size(node->dtype);
    for (int k = 0; k < node->n_in; k++) {
        erg_view view = erg_view_operand(node, k);
        int64_t bytes = (int64_t)erg_dtype_size(view.source->dtype);
        e->operand[k].row = view.row * bytes;
        e->operand[k].bytes = view.step * bytes;
        e->operand[k].step = view.step;
    }
    step->detail = e;
    return e;
}

/* A run of elements within one row. */
typedef struct piece {
    int64_t n;
    const void *in[MOST_OPERANDS];
    void *out;
} piece;

static piece piece_at(const erg_step *step, const erg_work *work, int64_t begin) {
    const elementwise *e = step->detail;
    int64_t row = begin / e->row_size, column = begin % e->row_size, left = e->row_size - column;
    piece p = {.n = work->end - begin < left ? work->end - begin : left,
               .out = (char *)work->out + begin * e->bytes};
    for (int k = 0; k < step->n_in; k++)
        p.in[k] =
            (const char *)work->in[k] + row * e->operand[k].row + column * e->operand[k].bytes;
    return p;
}

/* ------------------------------------------------------------------------------- one operand */

static void unary_part(const erg_step *step, const erg_work *work) {
    const elementwise *e = step->detail;
    piece p = piece_at(step, work, work->begin);
    e->kernel.unary(p.n, p.in[0], p.out);
}

static void polygamma_part(const erg_step *step, const erg_work *work) {
    const elementwise *e = step->detail;
    piece p = piece_at(step, work, work->begin);
    e->kernel.polygamma((int)step->node->attr[0], p.n, p.in[0], p.out);
}

static erg_unary_kernel *unary_kernel(const erg_kernels *kernels, const erg_node *node) {
    switch (node->op) {
#define UNARY(name, y)                                                                             \
    case ERG_OP_##name:                                                                            \
        return kernels->unary[node->dtype][ERG_UNARY_##name];
#define BINARY(name, y)
#include "../../tensor/scalar.def"
#undef UNARY
#undef BINARY
    case ERG_OP_lgamma:
        return kernels->lgamma[node->dtype];
    default:
        return kernels->cast[node->in[0]->dtype][node->dtype];
    }
}

bool erg_lower_unary(erg_lowering *lowering, erg_step *step) {
    elementwise *e = prepare(lowering, step);
    if (!e)
        return false;
    if (step->node->op == ERG_OP_polygamma) {
        e->kernel.polygamma = lowering->kernels->polygamma[step->node->dtype];
        step->part = polygamma_part;
    } else {
        e->kernel.unary = unary_kernel(lowering->kernels, step->node);
        step->part = unary_part;
    }
    return true;
}

/* ------------------------------------------------------------------------------- two operands */

static void binary_part(const erg_step *step, const erg_work *work) {
    const elementwise *e = step->detail;
    piece p;
    for (int64_t at = work->begin; at < work->end; at += p.n) {
        p = piece_at(step, work, at);
        e->kernel.binary(p.n, p.in[0], e->operand[0].step, p.in[1], e->operand[1].step, p.out);
    }
}

static erg_binary_kernel *binary_kernel(const erg_kernels *kernels, const erg_node *node) {
    switch (node->op) {
#define UNARY(name, y)
#define BINARY(name, y)                                                                            \
    case ERG_OP_##name:                                                                            \
        return kernels->binary[node->dtype][ERG_BINARY_##name];
#include "../../tensor/scalar.def"
#undef UNARY
#undef BINARY
    default:
        return NULL;
    }
}

bool erg_lower_binary(erg_lowering *lowering, erg_step *step) {
    elementwise *e = prepare(lowering, step);
    if (!e)
        return false;
    e->kernel.binary = binary_kernel(lowering->kernels, step->node);
    step->part = binary_part;
    return true;
}

/* ------------------------------------------------------------------------------- selection */

static void select_part(const erg_step *step, const erg_work *work) {
    const elementwise *e = step->detail;
    piece p;
    for (int64_t at = work->begin; at < work->end; at += p.n) {
        p = piece_at(step, work, at);
        e->kernel.select(p.n, p.in[0], p.in[1], e->operand[1].step, p.in[2], e->operand[2].step,
                         p.out);
    }
}

bool erg_lower_where(erg_lowering *lowering, erg_step *step) {
    elementwise *e = prepare(lowering, step);
    if (!e)
        return false;
    e->kernel.select = lowering->kernels->select[step->node->dtype];
    step->part = select_part;
    return true;
}

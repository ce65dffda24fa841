/* graph.h: nodes and the table of operations. Internal to autograd/.
 *
 * A node is one row of a straight-line program y = op(x1, .., xn; attributes). Operands exist
 * before their users, so the order in which nodes were made is a topological order: every traversal
 * is a loop over ids, and depth costs no stack. */
#ifndef ERG_AUTOGRAD_GRAPH_H
#define ERG_AUTOGRAD_GRAPH_H

#include <stdbool.h>

#include "autograd.h"

typedef enum erg_op {
#define OP(name, operands, flags, rule, vjp, eval, meaning) ERG_OP_##name,
#include "ops.def"
#undef OP
    ERG_OP_COUNT
} erg_op;

enum { LEAF = 1, ELEMENTWISE = 2, COMMUTATIVE = 4, LINEAR = 8, RANDOM = 16, NO_DERIVATIVE = 32 };

struct erg_node {
    erg_graph *graph;
    erg_op op;
    erg_dtype dtype;
    erg_shape shape;
    int id;              /* position in the graph */
    int n_in;            /* operands */
    erg_node **in;       /*  */
    int n_attr;          /* attributes, whose meaning is the operation's: */
    const int64_t *attr; /* axes, starts, flags, orders */
    double number;       /* full: the value of every element */
    erg_tensor *value;   /* input, param, state, constant: the tensor */
    const char *name;    /* full name, or NULL */
    const char *scope;   /* where it was made, "" at the top */
};

/* What is known of an operation. */
typedef struct erg_op_info {
    const char *name;
    int operands;
    int flags;
    /* Checks a prototype's operands and attributes; sets its dtype and shape, or says what is wrong
     * through erg_node_error and returns false. Where the shape is itself an attribute (full,
     * random, reshape, broadcast) the prototype brings it. */
    bool (*rule)(erg_node *node);
    /* out[k] = the contribution to operand k's cotangent, where wants[k]; left NULL for zero. */
    void (*vjp)(erg_node *node, erg_node *cotangent, const bool *wants, erg_node **out);
    /* Writes the value: in[k] and out are element arrays of the nodes' dtypes and shapes. */
    void (*eval)(const erg_node *node, const void *const *in, void *out, uint64_t run);
    const char *meaning;
} erg_op_info;

extern const erg_op_info erg_ops[ERG_OP_COUNT];

#define OP(name, operands, flags, rule, vjp, eval, meaning)                                        \
    bool erg_rule_##rule(erg_node *);                                                              \
    void erg_vjp_##vjp(erg_node *, erg_node *, const bool *, erg_node **);                         \
    void erg_eval_##eval(const erg_node *, const void *const *, void *, uint64_t);
#include "ops.def"
#undef OP

struct erg_graph {
    struct erg_block *blocks; /* arena: everything below lives here, but for tensors and `nodes` */
    erg_node **nodes;
    int count, capacity;
    erg_node **named; /* those with a name, for erg_find and erg_params */
    int n_named, named_capacity;
    char error[512];   /* the first mistake; "" if there is none */
    const char *scope; /* current path */
    uint64_t seed, runs;
    uint32_t streams; /* random streams handed out */
    bool borrows;     /* leaf tensors belong to another graph (plan/ works on such a copy) */
};

/* Checks and adds a copy of the prototype: graph, op, operands and attributes are given, and what
 * the operation's rule does not set. Returns NULL if an operand is NULL or the rule refuses. */
erg_node *erg_node_new(const erg_node *prototype);
/* The common case: no attributes beyond these. */
erg_node *erg_node_unary(erg_op op, erg_node *x);
erg_node *erg_node_binary(erg_op op, erg_node *a, erg_node *b);
erg_node *erg_node_attr(erg_op op, erg_node *x, int n_attr, const int64_t *attr);

/* Records "op: what is wrong" with the place in the graph, and returns false. */
bool erg_node_error(const erg_node *node, const char *format, ...) ERG_PRINTF(2, 3);

/* Puts a finished node at the end of the graph; false if memory is short. */
bool erg_graph_add(erg_graph *graph, erg_node *node);
/* "name" below the current scope, or NULL after recording an error: empty, or taken. */
const char *erg_graph_unique_name(erg_graph *graph, const char *name);

bool erg_is_float(erg_dtype dtype);
/* True for a node made by erg_full whose elements are this number. */
bool erg_is_full(const erg_node *node, double number);
/* Axis in -ndim .. ndim-1 to 0 .. ndim-1; -1 after recording an error. */
int erg_axis(const erg_node *x, const char *operation, int axis, int ndim);
/* Sizes before, at and after axes first .. last: the (outer, n, inner) form of kernels. */
typedef struct erg_span {
    int64_t outer, n, inner;
} erg_span;
erg_span erg_span_of(erg_shape shape, int first, int last);

/* Broadcasts both to their common shape; false after recording an error. */
bool erg_broadcast_pair(const char *operation, erg_node **a, erg_node **b);

#endif

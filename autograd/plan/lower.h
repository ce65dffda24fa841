/* lower.h: from nodes to calls of kernels. Internal to plan/.
 *
 * Each family of operations has a function that prepares a step: it sets `part`, `finish`, `items`,
 * `grain` and `detail`, with everything that can be known before the first run. node and n_in are
 * set already. At work, in[k] are the elements of the source of operand k's view (see schedule.h).
 * False if memory is short. */
#ifndef ERG_AUTOGRAD_PLAN_LOWER_H
#define ERG_AUTOGRAD_PLAN_LOWER_H

#include "../../tensor/kernels.h"
#include "schedule.h"

typedef struct erg_lowering {
    erg_plan *plan;
    const erg_schedule *schedule;
    const erg_kernels *kernels;
    int64_t rows; /* of the batch, if the step is in a region: each has as many items; or 0 */
} erg_lowering;

typedef bool erg_lower_step(erg_lowering *lowering, erg_step *step);

erg_lower_step erg_lower_leaf;
erg_lower_step erg_lower_chain;  /* elementwise and random nodes, one or many */
erg_lower_step erg_lower_fold;   /* sum, max, and what makes their operand */
erg_lower_step erg_lower_reduce; /* argmax, cumsum */
erg_lower_step erg_lower_matmul;
erg_lower_step erg_lower_matmul_packed; /* and matmul_biased */
erg_lower_step erg_lower_matmul_sparse;
erg_lower_step erg_lower_matvec; /* one, or some with the same matrix */
erg_lower_step erg_lower_pack;
erg_lower_step erg_lower_conv; /* conv2d, conv2d_input, conv2d_weight, conv2d_last */
erg_lower_step erg_lower_permute;
erg_lower_step erg_lower_broadcast;
erg_lower_step erg_lower_slice;
erg_lower_step erg_lower_pad;
erg_lower_step erg_lower_concat;
erg_lower_step erg_lower_gather;
erg_lower_step erg_lower_scatter_add;

/* Gives a plan its steps, without addresses. */
bool erg_lower(erg_plan *plan, const erg_schedule *schedule);
/* bind.c: then the addresses, the arena, and what becomes of the results. */
bool erg_bind(erg_plan *plan, const erg_program *program, const erg_schedule *schedule);

/* A product with a constant of few elements that are not 0, and such a one as a matmul_sparse. */
bool erg_is_sparse_product(const erg_node *node);
erg_node *erg_sparse_product(erg_node *node);

/* A product with a single row as a matvec, or NULL if it is better as it is; and whether two of
 * these can be one step, unless one needs the other. */
erg_node *erg_row_product(erg_node *node);
bool erg_is_with_same_matrix(const erg_node *a, const erg_node *b);

/* Zeroed, and freed with the plan. NULL if memory is short. */
void *erg_lower_alloc(erg_lowering *lowering, size_t size);
/* The step's work needs so much scratch memory, 64-byte aligned. */
bool erg_lower_scratch(erg_lowering *lowering, size_t size);

/* How many items a thread should have at least, if each takes as long as `cost` additions: waking
 * another thread takes as long as some ten thousand. */
int64_t erg_grain(double cost);

/* The common case: one node, whose operands are the step's; a leaf's is its tensor. */
bool erg_lower_own_operands(erg_lowering *lowering, erg_step *step);

bool erg_is_fold(const erg_node *node); /* a sum or a maximum */
/* True if one is made of partial ones: the order depends on all sizes. */
bool erg_fold_is_cut(const erg_node *node);
/* True for a fold that should have the chain that makes its operand in its own step. */
bool erg_fold_takes_chains(const erg_node *node, int threads);

#endif

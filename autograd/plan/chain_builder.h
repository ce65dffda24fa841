/* chain_builder.h: a chain while it is being lowered. Internal to plan/.
 *
 * Locations are made as they are needed: of operands that come from elsewhere, of values that more
 * than one instruction uses, of results. */
#ifndef ERG_AUTOGRAD_PLAN_CHAIN_BUILDER_H
#define ERG_AUTOGRAD_PLAN_CHAIN_BUILDER_H

#include "chain_code.h"
#include "lower.h"

enum { ERG_CHAIN_LITERALS = 4 }; /* of a chain, at most */

typedef struct erg_chain_builder {
    erg_lowering *lowering;
    erg_step *step;
    erg_chain *chain;
    erg_read *reads; /* of the step's operands */
    const erg_node **results;
    const erg_node *const *nodes;
    int made[ERG_STEP_OPERANDS]; /* by node: the location of its result */
    int last[ERG_STEP_OPERANDS]; /* by node: the last one that reads its result; -1: none */
    int16_t buffers, n_free, free[ERG_STEP_OPERANDS];
} erg_chain_builder;

int erg_chain_add_location(erg_chain *chain, erg_chain_location location);
/* The node of this chain that computes operand k; -1 if it comes from elsewhere. */
int erg_chain_maker(const erg_chain_builder *b, const erg_node *node, int k);
/* Where instructions find operand k: calls of kernels; or a formula, which has arrays of rows read
 * where they are, if rows are a number of vectors. */
int erg_chain_locate(erg_chain_builder *b, const erg_node *node, int k, bool formula);
/* False if a kernel reads one number there. */
bool erg_chain_moves(const erg_chain_builder *b, int location);
/* True if the value of node number i is one of the step's results; that of the step's node is. */
bool erg_chain_has_result(const erg_chain_builder *b, int i);
/* A new location for the value of node number i. */
void erg_chain_place(erg_chain_builder *b, int i);
/* The buffers of values that node number i is the last to read can be used again. */
void erg_chain_free_buffers(erg_chain_builder *b, int i);

/* lower_formula.c: a formula for nodes i, i + 1, ...: how many; 0 if there can be none for two or
 * more. -1 if memory is short. */
int erg_chain_add_formula(erg_chain_builder *b, int i);

#endif

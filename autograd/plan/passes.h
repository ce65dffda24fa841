/* passes.h: the compiler, a row of passes from a graph to the steps of a plan. Internal to plan/.
 *
 *     collect    what the outputs need, copied to a work graph
 *     simplify   constants folded, identities applied
 *     cse        the same value computed once
 *     factor     common factors of sums taken out
 *     layout     where images have their channels
 *     pack       weights laid out as products read them, and cse again
 *     epilogue   rows added to products in the products
 *     recompute  cheap values computed again where they are wanted again
 *     schedule   which nodes are computed, and how each reads its operands
 *     region     which nodes can go row by row together, and so the order of all
 *     wave       which products of single rows do not need each other
 *     chain      which of these, and which elementwise nodes and sums, are one step
 *     level      which steps can run side by side
 *     store      which new values of leaves are written in place
 *     lower      a kernel for each step
 *     memory     when each value lives, and where in the arena
 *     bind       addresses
 *
 * Everything but collect, lower and bind could be left out, and the results would be the same. */
#ifndef ERG_AUTOGRAD_PLAN_PASSES_H
#define ERG_AUTOGRAD_PLAN_PASSES_H

#include "../plan.h"

/* After a run, the leaf holds the value. */
typedef struct erg_effect {
    erg_tensor *leaf; /* of the user's graph */
    erg_node *value;
} erg_effect;

/* What is compiled: values to compute and to store. Arrays and nodes live in the work graph, which
 * holds neither assign nor group: they have become effects. */
typedef struct erg_program {
    erg_graph *graph;
    erg_node **outputs;
    int n_outputs;
    erg_effect *effects;
    int n_effects;
} erg_program;

/* Passes return false if memory is short; the program can then only be freed, with its graph. */

/* Fills a program whose graph is new and empty. */
bool erg_program_collect(erg_program *program, erg_node *const *outputs, int count);
bool erg_program_simplify(erg_program *program);
bool erg_program_cse(erg_program *program);
bool erg_program_factor(erg_program *program);
bool erg_program_layout(erg_program *program);
bool erg_program_pack(erg_program *program);
bool erg_program_epilogue(erg_program *program);
bool erg_program_recompute(erg_program *program);

/* By node id: how often a value that the program needs is used; 0 for others, and for ids beyond the
 * graph's up to count. The caller frees it. NULL if memory is short. */
int *erg_count_uses(const erg_program *program, int count);

/* Offers each node, its operands rewritten already, to the rule. A rule returns the node to use
 * instead: an older one, or one it has just made in the program's graph; NULL keeps the node. */
typedef erg_node *erg_rewrite_rule(void *self, erg_node *node);
bool erg_program_rewrite(erg_program *program, erg_rewrite_rule *rule, void *self);

/* True if every operand precedes its user, attributes are in range, and each operation's rule gives
 * the dtype and shape that its node has. Else records what `pass` broke. */
bool erg_program_verify(const erg_program *program, const char *pass);

#endif

/* simplify.h: families of rewrite rules. Internal to plan/.
 *
 * A rule is a function from a node to an equal one that costs less, or NULL if it does not apply.
 * Rules may assume that operands are simplified. Values have the same bits, unless a rule says
 * otherwise: then they differ by rounding, or in the sign of a zero. A NaN stays a
 * NaN, but for what structure.c says of zeros. */
#ifndef ERG_AUTOGRAD_PLAN_SIMPLIFY_H
#define ERG_AUTOGRAD_PLAN_SIMPLIFY_H

#include "../graph.h"

typedef erg_node *erg_simplify_rule(erg_node *node);

enum { ERG_RULES_MAX = 8 };
/* Rules for each operation, ended by NULL. */
typedef erg_simplify_rule *erg_simplify_table[ERG_OP_COUNT][ERG_RULES_MAX];

/* Tries the rules for the node's operation in order; NULL if none applies. */
erg_node *erg_simplify_by(const erg_simplify_table table, erg_node *node);

/* The families. */
erg_simplify_rule erg_simplify_constant;  /* what is known before the first run */
erg_simplify_rule erg_simplify_algebra;   /* identities of arithmetic, masks and selection */
erg_simplify_rule erg_simplify_move;      /* reshape, permute, broadcast, slice, pad, concat */
erg_simplify_rule erg_simplify_product;   /* sums and matrix products */
erg_simplify_rule erg_simplify_structure; /* products of what is alike, or zero */

/* The node simplified as far as rules go; for what a rule builds below its result. */
erg_node *erg_simplified(erg_node *node);

/* A slice of a product that has no other user, as a product; else the node. */
erg_node *erg_sliced_product(erg_node *node);

/* True if a permute swaps the last two axes and nothing else. */
bool erg_is_transpose(const erg_node *node);

#endif

/* rejection.h: rejection sampling (von Neumann 1951) in a graph without loops. A proposal x from a
 * density q is accepted with probability p(x) / (M q(x)) <= 1; the accepted ones have density p.
 * Of K proposals for each sample the first accepted one is taken. None is with probability
 * (1 - a)^K, a the rate of acceptance: the result is exact to rounding if K makes that less than
 * 1e-17. */
#ifndef ERG_NN_REJECTION_H
#define ERG_NN_REJECTION_H

#include "nn.h"

/* The first of the proposals (..., K) that is accepted, (...), each with its probability, of the
 * same shape: one above 1 counts as 1, one below 0 as 0. Drawn anew at each run. */
erg_node *erg_rejection(erg_node *proposals, erg_node *probability);

#endif

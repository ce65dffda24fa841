/* batch.h: numbers for each chain, (B), beside states (B, ...): what transitions that decide chain
 * by chain share. */
#ifndef ERG_SAMPLERS_BATCH_H
#define ERG_SAMPLERS_BATCH_H

#include <stdbool.h>

#include "samplers.h"

/* A number for each chain, (B) -> (B, 1, ..., 1), which broadcasts against x (B, ...); 0-d stays.
 * */
erg_node *erg_per_chain(erg_node *number, erg_node *x);
/* The sum over the axes of a sample, (B, ...) -> (B). */
erg_node *erg_chain_total(erg_node *x);
/* a's row where the mask (B) is not 0, else b's. */
erg_node *erg_chain_where(erg_node *mask, erg_node *a, erg_node *b);
/* Mask: neither NaN nor infinite. */
erg_node *erg_finite_mask(erg_node *x);
/* The node, or the number as a constant of x's dtype if there is none. */
erg_node *erg_number_like(erg_node *x, double number, erg_node *node);

/* A node given instead of a number is 0-d. Records a mistake of the operation otherwise. */
bool erg_check_number(erg_node *x, const char *operation, erg_node *node);

#endif

/* tempering.h: ladders of inverse temperatures, and energies multiplied by them. */
#ifndef ERG_SAMPLERS_TEMPERING_H
#define ERG_SAMPLERS_TEMPERING_H

#include "samplers.h"

/* The checked inverse temperatures of a ladder, in the graph's memory, and their number; NULL on a
 * mistake of the operation. */
const double *erg_ladder_betas(erg_graph *graph, const char *operation, erg_ladder ladder,
                               int64_t *count);
/* beta E, with beta () or (B). fn is NULL on a mistake. */
erg_energy erg_energy_times(erg_graph *graph, erg_energy energy, erg_node *beta);
/* One transition for beta E, its shape checked. */
erg_node *erg_kernel_apply(const char *operation, erg_kernel kernel, erg_energy energy,
                           erg_node *beta, erg_node *x);

#endif

/* energies.h: what the analytic energies share. Internal to nn/. */
#ifndef ERG_NN_ENERGIES_H
#define ERG_NN_ENERGIES_H

#include "nn.h"
#include "options.h"

enum { ERG_ANY_WIDTH = -1 };

/* True if x is (B, d), d >= 1: a broadcast would give an energy of something else without a word. */
bool erg_has_width(const char *energy, erg_node *x, int64_t d);
/* A constant from numbers in double precision. */
erg_node *erg_constant_from(const char *energy, erg_graph *graph, erg_dtype dtype, erg_shape shape,
                            const double *numbers);
/* |x|^2, summed over all axes but the first. */
erg_node *erg_square_norm(erg_node *x);

#endif

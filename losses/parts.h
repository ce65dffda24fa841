/* parts.h: what losses are put together from. Internal to losses/. */
#ifndef ERG_LOSSES_PARTS_H
#define ERG_LOSSES_PARTS_H

#include <math.h>
#include <stdbool.h>

#include "samples.h"

/* The option, or its default if it is zero (but not ERG_ZERO). */
static inline double erg_loss_option(double option, double fallback) {
    return option == 0 && !signbit(option) ? fallback : option;
}

/* mean(low) - mean(high) + penalty (mean(low^2) + mean(high^2)) of energies (B) and (C). */
erg_node *erg_contrast(const char *loss, erg_node *low, erg_node *high, double penalty);

/* Zeros (B) whose derivative by x is direction, both (B, ...): how a derivative that was computed
 * elsewhere, and is not to be differentiated again, enters a loss. */
erg_node *erg_pull(erg_node *x, erg_node *direction);

/* E(x), (B), whose derivative passes through x alone: the params of E are held. */
erg_node *erg_energy_held(erg_energy energy, erg_node *x);

#endif

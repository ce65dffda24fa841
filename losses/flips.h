/* flips.h: the neighbours of a binary sample, which differ from it in one place. Internal to
 * losses/. */
#ifndef ERG_LOSSES_FLIPS_H
#define ERG_LOSSES_FLIPS_H

#include <stdbool.h>

#include "losses.h"

/* The two values: those given, or 0 and 1 if both are zero. False, with an error that names the loss,
 * if they are not two, or if there is no data (B, ...). */
bool erg_binary_check(const char *loss, erg_node *data, erg_binary *values);
/* mean sum_i f(E(x) - E(x with element i flipped)), for f of a node, element by element. The
 * conditional probability of what x_i is, given all others, is sigmoid(-drop) of its drop. */
erg_node *erg_flips_loss(const char *loss, erg_energy energy, erg_node *data, erg_binary values,
                         erg_node *(*f)(erg_node *drops));

#endif

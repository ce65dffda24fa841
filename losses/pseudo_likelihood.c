/* pseudo_likelihood.c: the likelihood of each element given all others (Besag 1975), in which Z
 * cancels. For binary data
 *
 *     -log p(x_i | x_-i) = softplus(E(x) - E(x with x_i flipped)). */
#include "flips.h"

erg_node *erg_pseudo_likelihood(erg_energy energy, erg_node *data, erg_binary values) {
    return erg_flips_loss("pseudo_likelihood", energy, data, values, erg_softplus);
}

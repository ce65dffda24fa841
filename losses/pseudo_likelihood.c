/* pseudo_likelihood.c: the likelihood of each site given all others (Besag 1975), in which Z cancels.
 * With y_k the sample in which site i has been turned by k states,
 *
 *     -log p(x_i | others) = log(1 + sum_k exp(E(x) - E(y_k))). */
#include "neighbours.h"

/* (K - 1, S, B) -> (S, B); the present state is the term 1 = exp(0). */
static erg_node *surprise(erg_node *drops) {
    return erg_logsumexp(erg_pad(drops, 0, 1, 0, 0), ERG_AXES(0), 0);
}

erg_node *erg_pseudo_likelihood(erg_energy energy, erg_node *data, erg_sites sites) {
    return erg_neighbours_loss("pseudo_likelihood", energy, data, sites, surprise);
}

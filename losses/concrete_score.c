/* concrete_score.c: concrete score matching (Meng et al. 2022). The score's place is taken by the
 * relative changes p(y) / p(x) - 1 to the neighbours y, here those that differ in one site. With
 * r(x, y) = p(y) / p(x) = exp(E(x) - E(y)) of the model,
 *
 *     E sum_y (r(x, y) - r_data(x, y))^2 = E sum_y [r(x, y)^2 - 2 / r(x, y)] + constant,
 *
 * because E sum_y r_data(x, y) r(x, y) is a sum over pairs of neighbours, in which the two may be
 * exchanged. */
#include "neighbours.h"

/* r^2 - 2 / r with r = exp(drop). */
static erg_node *error_of(erg_node *drops) {
    erg_node *square = erg_exp(erg_mul_scalar(drops, 2)), *inverse = erg_exp(erg_neg(drops));
    return erg_sub(square, erg_mul_scalar(inverse, 2));
}

erg_node *erg_concrete_score_matching(erg_energy energy, erg_node *data, erg_sites sites) {
    return erg_neighbours_loss("concrete_score_matching", energy, data, sites, error_of);
}

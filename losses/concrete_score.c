/* concrete_score.c: concrete score matching (Meng et al. 2022). The score's place is taken by the
 * relative changes p(y) / p(x) - 1 to the neighbours y, here those that differ in one element. With
 * r_i = p(x flipped at i) / p(x) = exp(E(x) - E(x flipped)) of the model,
 *
 *     E sum_i (r_i - r_data,i)^2 = E sum_i [r_i^2 - 2 / r_i] + constant,
 *
 * because E[r_data,i r_i] is a sum over pairs of neighbours, in which the two may be exchanged. */
#include "flips.h"

/* r^2 - 2 / r with r = exp(drop). */
static erg_node *error_of(erg_node *drops) {
    erg_node *square = erg_exp(erg_mul_scalar(drops, 2)), *inverse = erg_exp(erg_neg(drops));
    return erg_sub(square, erg_mul_scalar(inverse, 2));
}

erg_node *erg_concrete_score_matching(erg_energy energy, erg_node *data, erg_binary values) {
    return erg_flips_loss("concrete_score_matching", energy, data, values, error_of);
}

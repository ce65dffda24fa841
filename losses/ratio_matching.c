/* ratio_matching.c: score matching for binary data (Hyvarinen 2007): the ratios p(x) / p(x flipped)
 * of model and data are made to agree, through g(u) = 1 / (1 + u) that bounds them. The terms that
 * need the data's ratios cancel, and
 *
 *     mean sum_i sigmoid(E(x) - E(x with x_i flipped))^2
 *
 * is left: the probability of the wrong value, squared. */
#include "flips.h"

static erg_node *wrong_squared(erg_node *drops) {
    return erg_square(erg_sigmoid(drops));
}

erg_node *erg_ratio_matching(erg_energy energy, erg_node *data, erg_binary values) {
    return erg_flips_loss("ratio_matching", energy, data, values, wrong_squared);
}

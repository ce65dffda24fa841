/* ratio_matching.c: score matching for discrete data (Hyvarinen 2007, for bits): the ratios
 * p(x) / p(y) of model and data for neighbours x and y are made to agree, through g(u) = 1 / (1 + u)
 * that bounds them. The terms that need the data's ratios cancel, and
 *
 *     mean sum_y sigmoid(E(x) - E(y))^2
 *
 * is left. Of a pair it is q(x) s^2 + q(y) (1 - s)^2 with s = p(y) / (p(x) + p(y)), the squared error of
 * telling y from x, which is least at s = q(y) / (q(x) + q(y)): so it holds for any number of states. */
#include "neighbours.h"

static erg_node *wrong_squared(erg_node *drops) {
    return erg_square(erg_sigmoid(drops));
}

erg_node *erg_ratio_matching(erg_energy energy, erg_node *data, erg_sites sites) {
    return erg_neighbours_loss("ratio_matching", energy, data, sites, wrong_squared);
}

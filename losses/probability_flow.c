/* probability_flow.c: minimum probability flow (Sohl-Dickstein, Battaglino & DeWeese 2011). Let
 * probability flow from the data to neighbours at the rate exp((E(x) - E(y)) / 2), which leaves the
 * model at rest. How fast it leaves the data at first,
 *
 *     mean_x sum_y exp((E(x) - E(y)) / 2),
 *
 * is least where the model fits. With y = x + sigma n and small sigma it is 1 + sigma^2 / 4 times
 * exact score matching; of discrete data the neighbours differ in one site. */
#include "neighbours.h"
#include "projections.h"
#include "samples.h"

static erg_node *flow(erg_node *drops) {
    return erg_exp(erg_mul_scalar(drops, 0.5));
}

erg_node *erg_minimum_probability_flow(erg_energy energy, erg_node *data,
                                       erg_perturbation perturbation) {
    erg_node *moved = erg_perturb("probability_flow", data, perturbation);
    if (!moved)
        return NULL;
    int64_t count = erg_projections_count(perturbation.count);
    erg_node *drops = erg_sub(erg_samples_repeat(erg_energy_apply(energy, data), count),
                              erg_energy_apply(energy, moved));
    return erg_mean(flow(drops), ERG_ALL, 0);
}

erg_node *erg_discrete_probability_flow(erg_energy energy, erg_node *data, erg_sites sites) {
    return erg_neighbours_loss("discrete_probability_flow", energy, data, sites, flow);
}

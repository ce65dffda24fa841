/* conditional_nce.c: conditional noise-contrastive estimation (Ceylan & Gutmann 2018): the noise is
 * the data moved a little, y = x + sigma n. Which of x and y is real? The density of y given x is that
 * of x given y, so it cancels, and Z with it: the logit is E(y) - E(x),
 *
 *     2 mean softplus(E(x) - E(y)).
 *
 * For small sigma it is 2 log 2 + sigma^2 / 2 times sliced score matching. */
#include "projections.h"
#include "samples.h"

erg_node *erg_conditional_nce(erg_energy energy, erg_node *data, erg_perturbation perturbation) {
    erg_node *moved = erg_perturb("conditional_nce", data, perturbation);
    if (!moved)
        return NULL;
    int64_t count = erg_projections_count(perturbation.count);
    erg_node *apart = erg_sub(erg_samples_repeat(erg_energy_apply(energy, data), count),
                              erg_energy_apply(energy, moved));
    return erg_mul_scalar(erg_mean(erg_softplus(apart), ERG_ALL, 0), 2);
}

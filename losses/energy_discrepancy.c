/* energy_discrepancy.c: the energy discrepancy (Schroder et al. 2023). Smooth both the data and the
 * model by the same noise, y = x + sigma n: information is lost, less about the data than about any
 * other density, so
 *
 *     E[E(x)] - E[E_sigma(y)],    E_sigma(y) = -log E_n' exp(-E(y + sigma n')),
 *
 * is least where the model is the data. No sampling and no derivative by x; small sigma is score
 * matching, large sigma maximum likelihood. With M draws n'_j,
 *
 *     mean log(w / M + 1 / M sum_j exp(E(x) - E(x + sigma n + sigma n'_j))),
 *
 * where w > 0 bounds the logarithm from below, at the price of a bias of order w / M. */
#include <math.h>

#include "projections.h"
#include "samples.h"

/* log(w / M + 1 / M sum exp drops) over the first axis of (M, B). */
static erg_node *log_mean(erg_node *drops, double w) {
    erg_shape row = erg_node_shape(drops);
    double count = (double)row.dims[0];
    row.dims[0] = 1;
    if (drops && w > 0) {
        erg_node *floor = erg_full(erg_node_graph(drops), erg_node_dtype(drops), row, log(w));
        drops = erg_concat((erg_node *[]){drops, floor}, 2, 0);
    }
    return erg_add_scalar(erg_logsumexp(drops, ERG_AXES(0), 0), -log(count));
}

erg_node *erg_energy_discrepancy(erg_energy energy, erg_node *data,
                                 erg_energy_discrepancy_options options) {
    const char *name = "energy_discrepancy";
    double w = erg_loss_option(options.stabiliser, 1), sigma = erg_loss_option(options.sigma, 1);
    if (!(w >= 0 && isfinite(w)))
        return erg_graph_fail(erg_node_graph(data), "%s: stabiliser %g", name, w);
    erg_perturbation first = {sigma, options.sigma_node, 1, options.noise};
    erg_perturbation again = {sigma, options.sigma_node, options.count ? options.count : 16,
                              options.contrast_noise};
    erg_node *y = erg_perturb(name, data, first);
    erg_node *moved = y ? erg_perturb(name, y, again) : NULL;
    if (!moved)
        return NULL;
    erg_node *e = erg_energy_apply(energy, data), *around = erg_energy_apply(energy, moved);
    erg_node *drops = erg_sub(e, erg_samples_split(around, again.count));
    return erg_mean(log_mean(drops, w), ERG_ALL, 0);
}

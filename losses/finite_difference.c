/* finite_difference.c: sliced score matching with no derivative by x at all (Pang et al. 2020). Along
 * a direction v, E+ = E(x + h v), E- = E(x - h v):
 *
 *     v^T grad E = (E+ - E-) / 2h + O(h^2),    v^T H v = (E+ + E- - 2 E) / h^2 + O(h^2). */
#include <math.h>

#include "projections.h"
#include "samples.h"

erg_node *erg_finite_difference_score_matching(erg_energy energy, erg_node *data,
                                               erg_finite_difference_options options) {
    const char *name = "finite_difference_score_matching";
    double h = erg_loss_option(options.step, 0.1);
    if (!(h > 0 && isfinite(h)))
        return erg_graph_fail(erg_node_graph(data), "%s: step %g", name, h);
    erg_node *v = erg_projections_draw(name, data, options.projections);
    if (!v)
        return NULL;
    int64_t count = erg_projections_count(options.projections.count);
    v = erg_mul_scalar(v, h);
    erg_node *ahead = erg_energy_apply(energy, erg_samples_join(erg_add(data, v)));
    erg_node *behind = erg_energy_apply(energy, erg_samples_join(erg_sub(data, v)));
    erg_node *here = erg_samples_repeat(erg_energy_apply(energy, data), count);
    erg_node *slope = erg_mul_scalar(erg_sub(ahead, behind), 0.5 / h);
    erg_node *rise = erg_sub(erg_add(ahead, behind), erg_mul_scalar(here, 2));
    erg_node *curvature = erg_mul_scalar(rise, 1 / (h * h));
    erg_node *kinetic = erg_mul_scalar(erg_square(slope), 0.5);
    return erg_mean(erg_sub(kinetic, curvature), ERG_ALL, 0);
}

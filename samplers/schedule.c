/* schedule.c: from (to / from)^(t / steps), equal factors at equal steps: how noise levels and
 * temperatures are lowered (Kirkpatrick et al. 1983; Song & Ermon 2019). */
#include <math.h>

#include "samplers.h"

erg_node *erg_geometric_schedule(erg_node *step, double from, double to, int64_t steps) {
    double ratio = to / from;
    if (!(ratio > 0 && isfinite(ratio) && isfinite(from)) || steps < 1 ||
        erg_node_shape(step).ndim != 0)
        return erg_graph_fail(erg_node_graph(step),
                              "geometric_schedule: from %g to %g in %lld steps, or not a 0-d step",
                              from, to, (long long)steps);
    erg_node *part = erg_minimum(erg_mul_scalar(step, 1 / (double)steps), erg_full_like(step, 1));
    return erg_mul_scalar(erg_exp(erg_mul_scalar(part, log(ratio))), from);
}

/* sgld.c: the step sizes of stochastic gradient Langevin dynamics (Welling & Teh 2011). With steps
 * scale (offset + t)^-power, 1/2 < power <= 1, their sum diverges and the sum of their squares does
 * not: the chain reaches every place, the noise of the gradients and the error of the
 * discretisation die out, and no rejection is needed. */
#include <math.h>

#include "batch.h"

erg_node *erg_sgld_step(erg_node *t, erg_sgld_options options) {
    erg_sgld_options o = options;
    o.scale = o.scale != 0 ? o.scale : 0.01;
    o.offset = o.offset != 0 ? o.offset : 1;
    o.power = o.power != 0 ? o.power : 0.55;
    if (!(o.scale > 0 && isfinite(o.scale)) || !(o.offset > 0 && isfinite(o.offset)) ||
        !(o.power > 0 && o.power <= 1))
        return erg_graph_fail(erg_node_graph(t), "sgld_step: scale %g, offset %g, power %g",
                              o.scale, o.offset, o.power);
    if (!erg_check_number(t, "sgld_step", t))
        return NULL;
    return erg_mul_scalar(erg_pow_scalar(erg_add_scalar(t, o.offset), -o.power), o.scale);
}

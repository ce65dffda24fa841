/* underdamped.c: Langevin dynamics with a velocity,
 *     dx = v dt,   dv = -grad E(x) dt - friction v dt + sqrt(2 friction) dW,
 * whose stationary law is exp(-E(x) - |v|^2 / 2). Split into the kick B (v by the force), the drift
 * A (x by v) and O (friction and noise, exactly), the order B A O A B leaves x ~ N(0, s^2) exact at
 * any stable step (Leimkuhler & Matthews 2013). Two half kicks meet at the end of one step and the
 * beginning of the next, and B does not move x: so a transition here is A O A and one whole kick,
 * with a single gradient, and v runs half a kick ahead. */
#include <math.h>
#include <stdbool.h>

#include "batch.h"

static bool check_motion(const char *operation, erg_motion now) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_shape x = erg_node_shape(now.x), v = erg_node_shape(now.v);
    if (!now.x || !now.v)
        return erg_graph_fail(erg_node_graph(now.x), "%s: needs x and v, one is NULL", operation);
    return erg_shape_equal(x, v) ||
           erg_graph_fail(erg_node_graph(now.x), "%s: x is %s, v is %s", operation,
                          erg_shape_text(x, a), erg_shape_text(v, b));
}

static erg_node *gradient(erg_energy energy, erg_node *x) {
    erg_node *e = erg_energy_apply(energy, x);
    return e ? erg_gradient(e, x) : NULL;
}

static erg_node *noise_like(erg_node *x) {
    return erg_normal(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
}

/* Half a motion is none. */
static erg_motion whole(erg_motion next) {
    return next.x && next.v ? next : (erg_motion){NULL, NULL};
}

erg_node *erg_motion_assign(erg_motion now, erg_motion next) {
    erg_node *effects[] = {erg_assign(now.x, next.x), erg_assign(now.v, next.v)};
    return erg_group(effects, 2);
}

erg_motion erg_underdamped_langevin(erg_energy energy, erg_motion now,
                                    erg_underdamped_options options) {
    const erg_motion none = {NULL, NULL};
    erg_underdamped_options o = options;
    o.step_size = o.step_size != 0 ? o.step_size : 0.1;
    o.friction = o.friction != 0 || signbit(o.friction) ? o.friction : 1;
    if (!(o.step_size > 0 && isfinite(o.step_size)) || !(o.friction >= 0 && isfinite(o.friction)))
        return erg_graph_fail(erg_node_graph(now.x), "underdamped_langevin: step %g, friction %g",
                              o.step_size, o.friction),
               none;
    if (!check_motion("underdamped_langevin", now) ||
        !erg_check_number(now.x, "underdamped_langevin", o.step_size_node))
        return none;
    erg_node *h = erg_number_like(now.x, o.step_size, o.step_size_node);
    erg_node *half = erg_mul_scalar(h, 0.5), *decay = erg_exp(erg_mul_scalar(h, -o.friction));
    erg_node *spread = erg_sqrt(erg_neg(erg_expm1(erg_mul_scalar(h, -2 * o.friction))));
    erg_node *middle = erg_add(now.x, erg_mul(half, now.v));
    erg_node *v = erg_add(erg_mul(decay, now.v), erg_mul(spread, noise_like(now.x)));
    erg_node *x = erg_add(middle, erg_mul(half, v));
    return whole((erg_motion){x, erg_sub(v, erg_mul(h, gradient(energy, x)))});
}

erg_motion erg_sghmc(erg_energy energy, erg_motion now, erg_sghmc_options options) {
    const erg_motion none = {NULL, NULL};
    erg_sghmc_options o = options;
    o.learning_rate = o.learning_rate != 0 ? o.learning_rate : 0.01;
    o.friction = o.friction != 0 ? o.friction : 0.1;
    if (!(o.learning_rate > 0 && isfinite(o.learning_rate)) ||
        !(o.friction > 0 && o.friction <= 1) ||
        !(o.gradient_noise >= 0 && o.gradient_noise <= o.friction))
        return erg_graph_fail(erg_node_graph(now.x),
                              "sghmc: learning rate %g, friction %g, gradient noise %g",
                              o.learning_rate, o.friction, o.gradient_noise),
               none;
    if (!check_motion("sghmc", now) || !erg_check_number(now.x, "sghmc", o.learning_rate_node))
        return none;
    erg_node *rate = erg_number_like(now.x, o.learning_rate, o.learning_rate_node);
    erg_node *spread = erg_sqrt(erg_mul_scalar(rate, 2 * (o.friction - o.gradient_noise)));
    erg_node *kick =
        erg_sub(erg_mul(spread, noise_like(now.x)), erg_mul(rate, gradient(energy, now.x)));
    erg_node *v = erg_add(erg_mul_scalar(now.v, 1 - o.friction), kick);
    return whole((erg_motion){erg_add(now.x, v), v});
}

erg_motion erg_nesterov(erg_energy energy, erg_motion now, erg_nesterov_options options) {
    const erg_motion none = {NULL, NULL};
    erg_nesterov_options o = options;
    o.step_size = o.step_size != 0 ? o.step_size : 0.01;
    o.momentum = o.momentum != 0 || signbit(o.momentum) ? o.momentum : 0.9;
    if (!(o.step_size > 0 && isfinite(o.step_size)) || !(o.momentum >= 0 && o.momentum < 1))
        return erg_graph_fail(erg_node_graph(now.x), "nesterov: step %g, momentum %g", o.step_size,
                              o.momentum),
               none;
    if (!check_motion("nesterov", now) || !erg_check_number(now.x, "nesterov", o.step_size_node))
        return none;
    erg_node *h = erg_number_like(now.x, o.step_size, o.step_size_node);
    erg_node *carried = erg_mul_scalar(now.v, o.momentum);
    erg_node *force = gradient(energy, erg_add(now.x, carried));
    erg_node *v = erg_sub(carried, erg_mul(h, force));
    return whole((erg_motion){erg_add(now.x, v), v});
}

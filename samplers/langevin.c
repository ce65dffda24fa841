/* langevin.c: one step of overdamped Langevin dynamics, dx = -P grad E dt + sqrt(2 P) dW with a
 * diagonal P, the identity as a rule, by the scheme of Euler and Maruyama. The step is a node, so
 * that chains, losses that differentiate through them and plans are all built of the same thing. */
#include <math.h>
#include <stdbool.h>

#include "batch.h"

static bool check(erg_node *x, erg_langevin_options o) {
    if (!(o.step_size > 0 && isfinite(o.step_size)) || !(o.noise >= 0 && isfinite(o.noise)) ||
        !(o.clip_gradient >= 0) || !(o.clamp_low <= o.clamp_high))
        return erg_graph_fail(erg_node_graph(x),
                              "langevin: step %g, noise %g, clip %g, clamp %g to %g", o.step_size,
                              o.noise, o.clip_gradient, o.clamp_low, o.clamp_high);
    return erg_check_number(x, "langevin", o.step_size_node) &&
           erg_check_number(x, "langevin", o.noise_node);
}

/* The noise added to x: a node of x's shape, or NULL for none. */
static erg_node *noise_term(erg_node *x, erg_langevin_options o) {
    bool coupled = o.noise == 0 && !signbit(o.noise);
    erg_node *scale = o.noise_node;
    if (!scale && coupled && o.step_size_node)
        scale = erg_sqrt(erg_mul_scalar(o.step_size_node, 2));
    double fixed = coupled ? sqrt(2 * o.step_size) : o.noise;
    if (!scale && fixed == 0)
        return NULL;
    erg_node *xi = erg_normal(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
    if (o.preconditioner)
        xi = erg_mul(erg_sqrt(o.preconditioner), xi);
    return scale ? erg_mul(scale, xi) : erg_mul_scalar(xi, fixed);
}

erg_node *erg_langevin(erg_energy energy, erg_node *x, erg_langevin_options options) {
    erg_langevin_options o = options;
    o.step_size = o.step_size != 0 ? o.step_size : 0.01;
    if (!check(x, o))
        return NULL;
    if (o.preconditioner &&
        !(o.preconditioner = erg_broadcast(o.preconditioner, erg_node_shape(x))))
        return NULL;
    erg_node *e = erg_energy_apply(energy, x);
    erg_node *gradient = e ? erg_gradient(e, x) : NULL;
    if (!gradient)
        return NULL;
    if (o.clip_gradient > 0)
        gradient = erg_clamp(gradient, -o.clip_gradient, o.clip_gradient);
    if (o.preconditioner)
        gradient = erg_mul(o.preconditioner, gradient);
    erg_node *drift = o.step_size_node ? erg_mul(o.step_size_node, gradient)
                                       : erg_mul_scalar(gradient, o.step_size);
    erg_node *next = erg_sub(x, drift), *noise = noise_term(x, o);
    if (noise)
        next = erg_add(next, noise);
    bool clamped = o.clamp_low != 0 || o.clamp_high != 0;
    return clamped ? erg_clamp(next, o.clamp_low, o.clamp_high) : next;
}

erg_node *erg_langevin_kernel(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    const erg_langevin_options *options = self;
    (void)beta;
    return erg_langevin(tempered, x, options ? *options : (erg_langevin_options){0});
}

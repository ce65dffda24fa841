/* langevin.c: one step of overdamped Langevin dynamics, dx = -grad E dt + sqrt(2) dW, by the scheme
 * of Euler and Maruyama. The step is a node, so that chains, losses that differentiate through them
 * and plans are all built of the same thing. */
#include <math.h>
#include <stdbool.h>

#include "samplers.h"

/* The noise added to x: a node of x's shape, or NULL for none. */
static erg_node *noise_term(erg_node *x, erg_langevin_options options, double step) {
    bool coupled = options.noise == 0 && !signbit(options.noise);
    erg_node *scale = options.noise_node;
    if (!scale && coupled && options.step_size_node)
        scale = erg_sqrt(erg_mul_scalar(options.step_size_node, 2));
    double fixed = coupled ? sqrt(2 * step) : options.noise;
    if (!scale && fixed == 0)
        return NULL;
    erg_node *xi = erg_normal(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
    return scale ? erg_mul(scale, xi) : erg_mul_scalar(xi, fixed);
}

erg_node *erg_langevin(erg_energy energy, erg_node *x, erg_langevin_options options) {
    erg_graph *graph = erg_node_graph(x);
    double step = options.step_size != 0 ? options.step_size : 0.01;
    if (!(step > 0 && isfinite(step)) || !(options.noise >= 0) || !(options.clip_gradient >= 0) ||
        !(options.clamp_low <= options.clamp_high))
        return erg_graph_fail(graph, "langevin: step %g, noise %g, clip %g, clamp %g to %g", step,
                              options.noise, options.clip_gradient, options.clamp_low,
                              options.clamp_high);
    erg_node *gradient = erg_gradient(erg_energy_apply(energy, x), x);
    if (options.clip_gradient > 0)
        gradient = erg_clamp(gradient, -options.clip_gradient, options.clip_gradient);
    erg_node *drift = options.step_size_node ? erg_mul(options.step_size_node, gradient)
                                             : erg_mul_scalar(gradient, step);
    erg_node *next = erg_sub(x, drift);
    erg_node *noise = next ? noise_term(x, options, step) : NULL;
    if (noise)
        next = erg_add(next, noise);
    bool clamped = options.clamp_low != 0 || options.clamp_high != 0;
    return clamped ? erg_clamp(next, options.clamp_low, options.clamp_high) : next;
}

/* annealed.c: sampling with an energy E(x, s) of data smoothed by noise of standard deviation s,
 * from much noise to little. At a level s the density is smooth at the scale s, so a Langevin step
 * of step s^2 has the same relative error at every level (Song & Ermon 2019). Between two levels,
 * the variance-exploding diffusion run backwards removes the variance s^2 - s'^2:
 *     x' = x - (s^2 - s'^2) grad E(x, s) + sqrt(s^2 - s'^2) xi
 * is the predictor of Song et al. (2021), Langevin steps at the new level its corrector. */
#include <math.h>
#include <stdbool.h>

#include "batch.h"

/* ------------------------------------------------------------------------------- levels */

static erg_noise_schedule with_defaults(erg_noise_schedule s) {
    s.high = s.high != 0 ? s.high : 1;
    s.low = s.low != 0 ? s.low : 0.01;
    s.levels = s.levels != 0 ? s.levels : 10;
    s.steps = s.steps != 0 ? s.steps : 100;
    return s;
}

erg_node *erg_noise_level(erg_node *t, erg_noise_schedule schedule) {
    erg_noise_schedule s = with_defaults(schedule);
    if (!(s.low > 0 && s.low <= s.high && isfinite(s.high)) || s.levels < 1 || s.steps < 1)
        return erg_graph_fail(erg_node_graph(t),
                              "noise_level: from %g to %g in %lld levels of %lld steps", s.high,
                              s.low, (long long)s.levels, (long long)s.steps);
    if (!t || !erg_check_number(t, "noise_level", t))
        return NULL;
    double ratio = s.levels > 1 ? log(s.low / s.high) / (double)(s.levels - 1) : 0;
    erg_node *number = erg_floor(erg_div(t, erg_full_like(t, (double)s.steps)));
    erg_node *level = erg_minimum(number, erg_full_like(t, (double)(s.levels - 1)));
    return erg_mul_scalar(erg_exp(erg_mul_scalar(level, ratio)), s.high);
}

/* The level at t in x's dtype: t is counted in a dtype of its own. */
static erg_node *level_of(erg_node *x, erg_node *t, erg_noise_schedule schedule) {
    erg_node *level = erg_noise_level(t, schedule);
    return x && level ? erg_cast(level, erg_node_dtype(x)) : NULL;
}

/* ------------------------------------------------------------------------------- steps */

static erg_node *gradient_at(erg_pair_energy energy, erg_node *x, erg_node *noise) {
    erg_node *e = erg_pair_energy_apply(energy, x, noise);
    return e ? erg_gradient(e, x) : NULL;
}

/* A Langevin step of this size, 0-d. */
static erg_node *langevin_at(erg_pair_energy energy, erg_node *x, erg_node *noise, erg_node *size) {
    erg_energy given = erg_energy_given(erg_node_graph(x), energy, noise);
    return given.fn && size ? erg_langevin(given, x, (erg_langevin_options){.step_size_node = size})
                            : NULL;
}

/* h = 2 (r sqrt(D) / g)^2, g the mean of |grad E| over the chains. The gradient's part of the step,
 * h g, is then r times its noise's, sqrt(2 h D). The paper has |xi| averaged over the chains where
 * sqrt(D) is here, which it advises for few chains; so a step's size does not depend on its noise. */
static erg_node *step_by_ratio(erg_pair_energy energy, erg_node *x, erg_node *noise, double r) {
    erg_node *gradient = gradient_at(energy, x, noise);
    if (!gradient)
        return NULL;
    erg_shape shape = erg_node_shape(x);
    double d = 1;
    for (int axis = 1; axis < shape.ndim; axis++)
        d *= (double)shape.dims[axis];
    erg_node *norm = erg_mean(erg_sqrt(erg_chain_total(erg_square(gradient))), ERG_ALL, 0);
    return erg_mul_scalar(erg_reciprocal(erg_square(norm)), 2 * r * r * d);
}

static bool check_step(const char *operation, erg_node *x, double *step) {
    *step = *step != 0 ? *step : 0.1;
    return (*step > 0 && isfinite(*step)) ||
           erg_graph_fail(erg_node_graph(x), "%s: step %g", operation, *step);
}

erg_node *erg_annealed_langevin(erg_pair_energy energy, erg_node *x, erg_node *t,
                                erg_annealed_options options) {
    if (!check_step("annealed_langevin", x, &options.step))
        return NULL;
    erg_node *noise = level_of(x, t, options.schedule);
    erg_node *size = noise ? erg_mul_scalar(erg_square(noise), options.step) : NULL;
    return size ? langevin_at(energy, x, noise, size) : NULL;
}

/* The reverse diffusion from one level to a lower one. */
static erg_node *predict(erg_pair_energy energy, erg_node *x, erg_node *from, erg_node *to) {
    erg_node *removed = erg_sub(erg_square(from), erg_square(to));
    erg_node *xi = erg_normal(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
    erg_node *drift = erg_mul(removed, gradient_at(energy, x, from));
    return erg_add(erg_sub(x, drift), erg_mul(erg_sqrt(removed), xi));
}

erg_node *erg_predictor_corrector(erg_pair_energy energy, erg_node *x, erg_node *t,
                                  erg_predictor_corrector_options options) {
    erg_predictor_corrector_options o = options;
    int64_t corrections = o.corrections != 0 ? o.corrections : 1;
    if (!check_step("predictor_corrector", x, &o.step))
        return NULL;
    if (corrections < -1 || !(o.signal_to_noise >= 0 && isfinite(o.signal_to_noise)))
        return erg_graph_fail(erg_node_graph(x),
                              "predictor_corrector: %lld corrections, signal to noise %g",
                              (long long)corrections, o.signal_to_noise);
    erg_noise_schedule schedule = {o.high, o.low, o.levels != 0 ? o.levels : 100, 1};
    erg_node *from = level_of(x, t, schedule);
    erg_node *to = level_of(x, erg_add_scalar(t, 1), schedule);
    erg_node *next = from && to ? predict(energy, x, from, to) : NULL;
    for (int64_t i = 0; next && i < corrections; i++) {
        erg_node *size = o.signal_to_noise > 0 ? step_by_ratio(energy, next, to, o.signal_to_noise)
                                               : erg_mul_scalar(erg_square(to), o.step);
        next = langevin_at(energy, next, to, size);
    }
    return next;
}

erg_node *erg_denoise(erg_pair_energy energy, erg_node *x, erg_node *noise) {
    erg_node *gradient = gradient_at(energy, x, noise);
    return gradient ? erg_sub(x, erg_mul(erg_per_chain(erg_square(noise), x), gradient)) : NULL;
}

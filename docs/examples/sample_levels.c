/* sample_levels.c: samplers that need an energy E(x, s) of the density smoothed by noise s. All rows of x
 * start as pure noise and go down the levels together, once: then each is a draw, independent of the
 * others, and there is no chain to wait for. */
#include <math.h>

#include "sample.h"

/* The first level is wide beside the densities, the last narrow beside their details. */
static const double HIGH = 30, LOW = 0.01;
enum { LEVELS = 40, STEPS = 25, FINE_LEVELS = 200 };

static erg_status start(sampler_setting s) {
    return erg_init_normal(s.x, HIGH);
}

/* n transitions to next, of which t, at first 0, counts those done. */
static erg_status run(sampler_setting s, erg_node *t, erg_node *next, int64_t n) {
    erg_node *tick = next ? erg_assign(t, erg_add_scalar(t, 1)) : NULL;
    erg_chain *chain = tick ? erg_chain_of(s.x, (erg_transition){.next = next}, tick) : NULL;
    if (!chain)
        return erg_error_status();
    erg_chain_options options = {.burn_in = n - 1, .progress = stderr};
    erg_tensor *end = erg_chain_sample(chain, 1, options);
    erg_chain_free(chain);
    erg_tensor_free(end);
    return end ? ERG_OK : erg_error_status();
}

static erg_node *clock_of(sampler_setting s) {
    return erg_state(erg_node_graph(s.x), "t", ERG_FLOAT64, ERG_SCALAR);
}

static double step_of(sampler_setting s) {
    return erg_tensor_get(erg_value(s.step_size), 0);
}

erg_status pass_annealed(sampler_setting s) {
    const erg_annealed_options options = {
        .schedule = {.high = HIGH, .low = LOW, .levels = LEVELS, .steps = STEPS},
        .step = step_of(s)};
    erg_node *t = clock_of(s);
    erg_node *next = erg_annealed_langevin(s.smooth, s.x, t, options);
    erg_status status = start(s);
    return status == ERG_OK ? run(s, t, next, (int64_t)LEVELS * STEPS) : status;
}

erg_status pass_predictor_corrector(sampler_setting s) {
    const erg_predictor_corrector_options options = {
        .high = HIGH, .low = LOW, .levels = FINE_LEVELS, .step = step_of(s)};
    erg_node *t = clock_of(s);
    erg_node *next = erg_predictor_corrector(s.smooth, s.x, t, options);
    erg_status status = start(s);
    return status == ERG_OK ? run(s, t, next, FINE_LEVELS - 1) : status;
}

erg_status pass_probability_flow(sampler_setting s) {
    erg_field field = erg_probability_flow(erg_node_graph(s.x), s.smooth);
    erg_ode *ode = field.fn ? erg_ode_new(field, s.x, (erg_ode_options){0}) : NULL;
    erg_status status = ode ? start(s) : erg_error_status();
    if (status == ERG_OK)
        status = erg_ode_run(ode, log(HIGH), log(LOW));
    erg_ode_free(ode);
    return status;
}

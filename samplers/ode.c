/* ode.c: dx/dt = f(x, t) by the embedded pair of Dormand and Prince (1980), orders 5 and 4, in
 * lock-step over chains: each chain has its own time and step, and one plan tries one step of each.
 * With err the difference of the two orders, weighted by the tolerance and averaged over the
 * elements of a sample, a step with err <= 1 is taken, and the next is 0.9 err^(-1/5) times as
 * long, between 1/5 and 5 (Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I,
 * II.4). */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "batch.h"

enum { STAGES = 7, TRIES = 8 }; /* TRIES: steps between two looks at the clocks */

static const double NODES[STAGES] = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
/* Row s makes the state at which stage s is computed; the last row is the step of order 5. */
static const double WEIGHTS[STAGES][STAGES - 1] = {
    {0},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
};
/* Order 5 minus order 4. */
static const double ERROR[STAGES] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                     -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

struct erg_ode {
    erg_node *x, *time, *step, *end; /* time and step (B), end () */
    erg_plan *plan;
    erg_tensor *start; /* to return to after a failure */
    int64_t max_steps, tried;
};

/* ------------------------------------------------------------------------------- one step */

static erg_node *combine(const double *weights, erg_node *const *slopes, int n) {
    erg_node *sum = NULL;
    for (int i = 0; i < n; i++)
        if (weights[i] != 0) {
            erg_node *term = erg_mul_scalar(slopes[i], weights[i]);
            sum = sum ? erg_add(sum, term) : term;
        }
    return sum;
}

/* The slopes of all stages; the state after the step of each chain, h (B). NULL on a mistake. */
static erg_node *try_step(erg_field field, const erg_ode *ode, erg_node *h, erg_node **slopes) {
    erg_node *wide = erg_per_chain(h, ode->x), *at = ode->x;
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    for (int s = 0; s < STAGES; s++) {
        if (s > 0)
            at = erg_add(ode->x, erg_mul(wide, combine(WEIGHTS[s], slopes, s)));
        slopes[s] = field.fn(field.self, at, erg_add(ode->time, erg_mul_scalar(h, NODES[s])));
        if (!slopes[s])
            return NULL;
        if (!erg_shape_equal(erg_node_shape(slopes[s]), erg_node_shape(ode->x)))
            return erg_graph_fail(erg_node_graph(ode->x), "ode: the field makes %s of %s",
                                  erg_shape_text(erg_node_shape(slopes[s]), a),
                                  erg_shape_text(erg_node_shape(ode->x), b));
    }
    return at;
}

/* The error of each chain, (B), in units of what is tolerated. */
static erg_node *relative_error(const erg_ode *ode, erg_node *next, erg_node *difference,
                                double tolerance) {
    erg_node *size = erg_maximum(erg_abs(ode->x), erg_abs(next));
    erg_node *allowed = erg_mul_scalar(erg_add_scalar(size, 1), tolerance);
    erg_node *total = erg_chain_total(erg_square(erg_div(difference, allowed)));
    erg_shape shape = erg_node_shape(ode->x);
    double chains = (double)erg_shape_size(erg_node_shape(ode->time));
    double elements = (double)erg_shape_size(shape) / (chains > 0 ? chains : 1);
    return erg_sqrt(erg_mul_scalar(total, 1 / fmax(elements, 1)));
}

/* One plan: every chain that is not at the end tries a step. */
static erg_node *transition(erg_field field, const erg_ode *ode, double tolerance) {
    erg_node *slopes[STAGES];
    erg_node *end = erg_broadcast(ode->end, erg_node_shape(ode->time));
    erg_node *left = erg_sub(end, ode->time);
    erg_node *is_last = erg_greater_equal(erg_abs(ode->step), erg_abs(left));
    erg_node *h = erg_where(is_last, left, ode->step);
    erg_node *next = try_step(field, ode, h, slopes);
    if (!next)
        return NULL;
    erg_node *difference = erg_mul(erg_per_chain(h, ode->x), combine(ERROR, slopes, STAGES));
    erg_node *error = relative_error(ode, next, difference, tolerance);
    erg_node *taken = erg_less_equal(error, erg_full_like(error, 1));
    erg_node *clock = erg_where(is_last, end, erg_add(ode->time, h));
    /* An error that is NaN or infinite is no reason for a longer step. */
    erg_node *known = erg_less_equal(error, erg_full_like(error, FLT_MAX));
    erg_node *factor = erg_clamp(erg_mul_scalar(erg_pow_scalar(error, -0.2), 0.9), 0.2, 5);
    erg_node *longer = erg_mul(h, erg_where(known, factor, erg_full_like(error, 0.2)));
    erg_node *arrived = erg_equal(left, erg_full_like(left, 0));
    erg_node *effects[] = {
        erg_assign(ode->x, erg_chain_where(taken, next, ode->x)),
        erg_assign(ode->time, erg_where(taken, clock, ode->time)),
        erg_assign(ode->step, erg_where(arrived, ode->step, longer)),
    };
    return erg_group(effects, 3);
}

/* ------------------------------------------------------------------------------- the driver */

static bool assemble(erg_ode *ode, erg_field field, double tolerance) {
    erg_graph *graph = erg_node_graph(ode->x);
    const erg_tensor *x = erg_value(ode->x);
    erg_shape chains = ERG_SHAPE(x->shape.dims[0]);
    ode->time = erg_state(graph, NULL, x->dtype, chains);
    ode->step = erg_state(graph, NULL, x->dtype, chains);
    ode->end = erg_input(graph, NULL, x->dtype, ERG_SCALAR);
    erg_node *step = ode->time && ode->step && ode->end ? transition(field, ode, tolerance) : NULL;
    ode->plan = step ? erg_compile(&step, 1) : NULL;
    ode->start = ode->plan ? erg_tensor_new(x->dtype, x->shape) : NULL;
    return ode->start != NULL;
}

erg_ode *erg_ode_new(erg_field field, erg_node *x, erg_ode_options options) {
    double tolerance = options.tolerance != 0 ? options.tolerance : 1e-5;
    int64_t max_steps = options.max_steps != 0 ? options.max_steps : 10000;
    const erg_tensor *value = erg_value(x);
    if (!value)
        return NULL;
    if (!field.fn || value->shape.ndim < 1 || value->dtype == ERG_INT32 ||
        !(tolerance > 0 && isfinite(tolerance)) || max_steps < 1) {
        erg_fail(ERG_ERROR_ARGUMENT,
                 "ode: needs a field, floats (B, ...), a tolerance %g > 0, %lld steps >= 1",
                 tolerance, (long long)max_steps);
        return NULL;
    }
    erg_ode *ode = calloc(1, sizeof *ode);
    if (!ode) {
        erg_fail(ERG_ERROR_MEMORY, "ode: out of memory");
        return NULL;
    }
    ode->x = x;
    ode->max_steps = max_steps;
    if (assemble(ode, field, tolerance))
        return ode;
    erg_ode_free(ode);
    return NULL;
}

void erg_ode_free(erg_ode *ode) {
    if (!ode)
        return;
    erg_plan_free(ode->plan);
    erg_tensor_free(ode->start);
    free(ode);
}

/* How many chains are not at the end yet. */
static int64_t still_moving(const erg_ode *ode) {
    const erg_tensor *time = erg_value(ode->time);
    double end = erg_tensor_get(erg_value(ode->end), 0);
    int64_t count = 0;
    for (int64_t b = 0; b < erg_tensor_size(time); b++)
        count += erg_tensor_get(time, b) != end;
    return count;
}

erg_status erg_ode_run(erg_ode *ode, double from, double to) {
    if (!ode || !isfinite(from) || !isfinite(to))
        return erg_fail(ERG_ERROR_ARGUMENT, "ode_run: %s",
                        ode ? "times must be finite" : "no equation");
    erg_tensor_copy(ode->start, erg_value(ode->x));
    erg_tensor_fill(erg_value(ode->time), from);
    erg_tensor_fill(erg_value(ode->step), (to - from) / 100);
    erg_tensor_fill(erg_value(ode->end), to);
    int64_t moving = still_moving(ode);
    for (ode->tried = 0; moving > 0 && ode->tried < ode->max_steps; moving = still_moving(ode)) {
        int64_t n = ode->max_steps - ode->tried < TRIES ? ode->max_steps - ode->tried : TRIES;
        erg_run_n(ode->plan, n);
        ode->tried += n;
    }
    if (moving == 0)
        return ERG_OK;
    erg_tensor_copy(erg_value(ode->x), ode->start);
    return erg_fail(ERG_ERROR_ARGUMENT,
                    "ode_run: %lld chains are not at time %g after %lld steps: too small a "
                    "tolerance, or a slope that is not finite",
                    (long long)moving, to, (long long)ode->tried);
}

int64_t erg_ode_steps(const erg_ode *ode) {
    return ode ? ode->tried : 0;
}

/* schedules.c: learning rates as functions of the number of steps done, t = 0, 1, ..., in the
 * closed forms of PyTorch's schedulers. A schedule is a 0-d node like any other: schedules are
 * joined by multiplying them, and `where` puts one after the other. */
#include <math.h>
#include <stdbool.h>

#include "nn.h"

static bool check(const char *operation, erg_node *step, bool good, double a, double b, double n) {
    erg_graph *graph = erg_node_graph(step);
    if (!step)
        return erg_graph_fail(graph, "%s: no step", operation);
    if (erg_node_shape(step).ndim != 0)
        return erg_graph_fail(graph, "%s: the step must have shape ()", operation);
    return good || erg_graph_fail(graph, "%s: %g and %g over %g steps", operation, a, b, n);
}

static bool is_rate(double rate) {
    return rate >= 0 && isfinite(rate);
}

/* min(t / n, 1) */
static erg_node *fraction(erg_node *step, double n) {
    return erg_minimum(erg_mul_scalar(step, 1 / n), erg_full_like(step, 1));
}

/* From `from` at u = 0 to `to` at u = 1, half a period of a cosine. */
static erg_node *cosine(erg_node *u, double from, double to) {
    erg_node *wave = erg_add_scalar(erg_cos(erg_mul_scalar(u, M_PI)), 1);
    return erg_add_scalar(erg_mul_scalar(wave, (from - to) / 2), to);
}

static erg_node *line(erg_node *u, double from, double to) {
    return erg_add_scalar(erg_mul_scalar(u, to - from), from);
}

/* rate factor^t */
static erg_node *power(erg_node *t, double rate, double factor) {
    erg_node *base = erg_full_like(t, factor);
    return erg_mul_scalar(erg_pow(base, t), rate);
}

erg_node *erg_step_schedule(erg_node *step, double rate, int64_t every, double factor) {
    bool good = is_rate(rate) && is_rate(factor) && every > 0;
    if (!check("step_schedule", step, good, rate, factor, (double)every))
        return NULL;
    erg_node *n = erg_full_like(step, (double)every);
    return power(erg_floor(erg_div(step, n)), rate, factor);
}

erg_node *erg_exponential_schedule(erg_node *step, double rate, double factor) {
    bool good = is_rate(rate) && is_rate(factor);
    return check("exponential_schedule", step, good, rate, factor, 1) ? power(step, rate, factor)
                                                                      : NULL;
}

erg_node *erg_cosine_schedule(erg_node *step, double rate, double least, int64_t steps) {
    bool good = is_rate(rate) && is_rate(least) && steps > 0;
    if (!check("cosine_schedule", step, good, rate, least, (double)steps))
        return NULL;
    return cosine(erg_mul_scalar(step, 1 / (double)steps), rate, least);
}

erg_node *erg_linear_schedule(erg_node *step, double from, double to, int64_t steps) {
    bool good = is_rate(from) && is_rate(to) && steps > 0;
    if (!check("linear_schedule", step, good, from, to, (double)steps))
        return NULL;
    return line(fraction(step, (double)steps), from, to);
}

/* The phases meet at fractional steps, as in PyTorch: p1 = start total - 1 is the last step of the
 * rise, the last of the fall is total - 1. */
erg_node *erg_one_cycle_schedule(erg_node *step, erg_one_cycle_options options) {
    erg_one_cycle_options o = options;
    o.rise = o.rise != 0 ? o.rise : 0.3;
    o.first_divisor = o.first_divisor != 0 ? o.first_divisor : 25;
    o.last_divisor = o.last_divisor != 0 ? o.last_divisor : 1e4;
    double total = (double)o.steps, peak = o.rise * total - 1;
    bool good = is_rate(o.greatest) && o.rise > 0 && o.rise < 1 && o.first_divisor > 0 &&
                isfinite(o.first_divisor) && o.last_divisor > 0 && isfinite(o.last_divisor) &&
                peak > 0;
    if (!check("one_cycle_schedule", step, good, o.greatest, o.rise, total))
        return NULL;
    double first = o.greatest / o.first_divisor, last = first / o.last_divisor;
    erg_node *(*curve)(erg_node *, double, double) = o.linear ? line : cosine;
    erg_node *rise = curve(fraction(step, peak), first, o.greatest);
    erg_node *fall =
        curve(fraction(erg_add_scalar(step, -peak), total - 1 - peak), o.greatest, last);
    return erg_where(erg_less_equal(step, erg_full_like(step, peak)), rise, fall);
}

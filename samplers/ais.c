/* ais.c: annealed importance sampling (Neal 2001). Chains start as exact samples of a base with known
 * Z_0 and go through the energies E_b = (1 - b) E_0 + b E, b = 0 = b_0 < b_1 < ... < b_T = 1, by a
 * transition that leaves exp(-E_b) invariant. Their weights
 *     log w = sum_t (b_t - b_(t-1)) (E_0 - E)(x_(t-1)),  x_t ~ T_(b_t)(x_(t-1)),
 * have the mean Z / Z_0. The same way back, from samples of exp(-E), has the mean Z_0 / Z (Grosse,
 * Ghahramani & Adams 2015). By Jensen's inequality the first underestimates log Z and the second
 * overestimates it: a bracket. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "samplers.h"

enum { THERE, BACK };

struct erg_ais {
    erg_node *x;          /* the chains */
    erg_node *beta;       /* (), of x's dtype: the temperature of the transition */
    erg_node *step;       /* (), float64: by how much b changes before it */
    erg_node *log_w;      /* (B), float64 */
    erg_plan *start;      /* x ~ base, log w = 0 */
    erg_plan *weigh;      /* log w += step (E_0 - E), or -infinity; outputs E_0 - E, float64 */
    erg_plan *move;       /* x ~ T_beta(x) */
    double base_log_z;    /* log Z_0 */
    double *betas;        /* of the last run */
    int64_t count, room;  /* of betas */
    erg_tensor *ends[2];  /* log w (B) after the way there and the way back */
    erg_tensor *resample; /* of x's shape */
    int64_t *rows;        /* (B) */
};

/* ------------------------------------------------------------------------------- building */

static bool check(erg_node *x, erg_ais_base base, erg_kernel transition) {
    erg_graph *graph = erg_node_graph(x);
    erg_shape shape = erg_node_shape(x), sample = erg_node_shape(base.sample);
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!x)
        return false;
    if (!transition.fn || !base.sample || !isfinite(base.log_z))
        return erg_graph_fail(
            graph, "ais: no transition, no samples of the base, or its log Z is %g", base.log_z);
    if (shape.ndim < 1 || shape.dims[0] < 2 || !erg_shape_equal(shape, sample))
        return erg_graph_fail(graph,
                              "ais: x %s must hold two chains or more, and the base's samples "
                              "%s as many",
                              erg_shape_text(shape, a), erg_shape_text(sample, b));
    return true;
}

/* E_0 - E of each chain, in float64. */
static erg_node *difference(erg_energy energy, erg_energy base, erg_node *x) {
    erg_node *e = erg_energy_apply(energy, x), *e0 = erg_energy_apply(base, x);
    return erg_cast(erg_sub(e0, e), ERG_FLOAT64);
}

/* A chain whose weight cannot be computed has weight 0. */
static erg_node *weigh(erg_ais *ais, erg_node *difference) {
    erg_node *sum = erg_add(ais->log_w, erg_mul(ais->step, difference));
    erg_node *good = erg_less(sum, erg_full_like(sum, INFINITY));
    return erg_assign(ais->log_w, erg_where(good, sum, erg_full_like(sum, -INFINITY)));
}

static erg_plan *compile(erg_node *first, erg_node *second) {
    erg_node *outputs[] = {first, second};
    return erg_compile(outputs, second ? 2 : 1);
}

static bool build(erg_ais *ais, erg_energy energy, erg_ais_base base, erg_kernel transition) {
    erg_graph *graph = erg_node_graph(ais->x);
    erg_dtype dtype = erg_node_dtype(ais->x);
    int64_t chains = erg_node_shape(ais->x).dims[0];
    ais->beta = erg_input(graph, NULL, dtype, ERG_SCALAR);
    ais->step = erg_input(graph, NULL, ERG_FLOAT64, ERG_SCALAR);
    ais->log_w = erg_input(graph, NULL, ERG_FLOAT64, ERG_SHAPE(chains));
    erg_node *both[] = {erg_add_scalar(erg_neg(ais->beta), 1), ais->beta};
    erg_energy parts[] = {base.energy, energy};
    erg_energy tempered = erg_energy_sum(graph, parts, 2, erg_stack(both, 2, 0));
    erg_node *d = difference(energy, base.energy, ais->x);
    if (!tempered.fn || !d)
        return false;
    erg_node *zero = erg_full_like(ais->log_w, 0);
    erg_node *next = transition.fn(transition.self, tempered, ais->beta, ais->x);
    ais->start = compile(erg_assign(ais->x, base.sample), erg_assign(ais->log_w, zero));
    ais->weigh = compile(weigh(ais, d), d);
    ais->move = compile(erg_assign(ais->x, next), NULL);
    return ais->start && ais->weigh && ais->move;
}

erg_ais *erg_ais_new(erg_energy energy, erg_ais_base base, erg_node *x, erg_kernel transition) {
    if (!check(x, base, transition))
        return NULL;
    erg_ais *ais = calloc(1, sizeof *ais);
    int64_t chains = erg_node_shape(x).dims[0];
    int64_t *rows = calloc((size_t)chains, sizeof *rows);
    if (!ais || !rows) {
        free(ais);
        free(rows);
        erg_fail(ERG_ERROR_MEMORY, "ais: out of memory");
        return NULL;
    }
    *ais = (erg_ais){.x = x, .base_log_z = base.log_z, .rows = rows};
    ais->resample = erg_tensor_new(erg_node_dtype(x), erg_node_shape(x));
    for (int way = 0; way < 2; way++)
        ais->ends[way] = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(chains));
    if (ais->resample && ais->ends[0] && ais->ends[1] && build(ais, energy, base, transition))
        return ais;
    erg_ais_free(ais);
    return NULL;
}

void erg_ais_free(erg_ais *ais) {
    if (!ais)
        return;
    erg_plan_free(ais->start);
    erg_plan_free(ais->weigh);
    erg_plan_free(ais->move);
    erg_tensor_free(ais->ends[0]);
    erg_tensor_free(ais->ends[1]);
    erg_tensor_free(ais->resample);
    free(ais->betas);
    free(ais->rows);
    free(ais);
}

/* ------------------------------------------------------------------------------- one way */

static void move(erg_ais *ais, double beta, int64_t transitions) {
    erg_tensor_fill(erg_value(ais->beta), beta);
    erg_run_n(ais->move, transitions);
}

/* Weighs the chains for a change of beta, then moves them at the new one; exactly at 0 there is
 * nothing to be gained from it. */
static void advance(erg_ais *ais, double from, double to, int64_t transitions) {
    erg_tensor_fill(erg_value(ais->step), to - from);
    erg_run(ais->weigh);
    if (to > 0)
        move(ais, to, transitions);
}

/* Weights exp(log_w - top) and their sums. */
typedef struct weights {
    double top, sum, squares;
    int64_t lost; /* of weight 0 */
} weights;

static weights sum_weights(const double *log_w, const double *change, double step, int64_t n) {
    weights w = {.top = -INFINITY};
    for (int64_t i = 0; i < n; i++)
        w.top = fmax(w.top, log_w[i] + (change ? step * change[i] : 0));
    for (int64_t i = 0; i < n; i++) {
        double l = log_w[i] + (change ? step * change[i] : 0);
        double v = l > -INFINITY ? exp(l - w.top) : 0;
        w.lost += !(l > -INFINITY);
        w.sum += v;
        w.squares += v * v;
    }
    return w;
}

/* log of the mean weight; its standard error, by the delta method; (sum w)^2 / sum w^2. */
static erg_ais_end conclude(const erg_ais *ais, int way) {
    const double *log_w = erg_tensor_f64(ais->ends[way]);
    int64_t n = erg_tensor_size(ais->ends[way]);
    erg_tensor_copy(ais->ends[way], erg_value(ais->log_w));
    weights w = sum_weights(log_w, NULL, 0, n);
    double effective = w.sum * w.sum / w.squares;
    double mean = w.top + log(w.sum / (double)n);
    double variance = ((double)n / effective - 1) / (double)(n - 1);
    return (erg_ais_end){.log_z = ais->base_log_z + (way == THERE ? mean : -mean),
                         .standard_error = sqrt(fmax(variance, 0)),
                         .effective_size = effective,
                         .lost = w.lost};
}

/* ------------------------------------------------------------------------------- temperatures */

static erg_status push(erg_ais *ais, double beta) {
    if (ais->count == ais->room) {
        int64_t room = ais->room ? 2 * ais->room : 64;
        double *more = realloc(ais->betas, (size_t)room * sizeof *more);
        if (!more)
            return erg_fail(ERG_ERROR_MEMORY, "ais: out of memory");
        ais->betas = more;
        ais->room = room;
    }
    ais->betas[ais->count++] = beta;
    return ERG_OK;
}

static erg_status given_schedule(erg_ais *ais, const erg_ais_options *o) {
    erg_status status = ERG_OK;
    for (int64_t t = 0; status == ERG_OK && t <= o->steps; t++)
        status = push(ais, o->betas ? o->betas[t] : (double)t / (double)o->steps);
    return status;
}

/* The part of the chains that a step leaves effective, n sum(w u)^2 / (sum w sum(w u^2)) divided
 * by n, with u = exp(step d): the conditional ESS of Zhou, Johansen & Aston (2016). */
static double conditional_ess(const double *log_w, const double *d, double step, int64_t n) {
    weights before = sum_weights(log_w, NULL, 0, n);
    weights once = sum_weights(log_w, d, step, n), twice = sum_weights(log_w, d, 2 * step, n);
    double log_ratio =
        2 * (log(once.sum) + once.top) - log(before.sum) - before.top - log(twice.sum) - twice.top;
    return exp(log_ratio);
}

/* The largest step up to `most` that leaves the wished part effective. */
static double find_step(const erg_ais *ais, double most, double wish) {
    const double *log_w = erg_tensor_f64(erg_value(ais->log_w));
    const double *d = erg_tensor_f64(erg_output(ais->weigh, 1));
    int64_t n = erg_tensor_size(erg_value(ais->log_w));
    double low = 0, high = most;
    if (conditional_ess(log_w, d, most, n) >= wish)
        return most;
    for (int halving = 0; halving < 50; halving++) {
        double middle = (low + high) / 2;
        *(conditional_ess(log_w, d, middle, n) >= wish ? &low : &high) = middle;
    }
    return low;
}

/* A pass of its own finds the temperatures, so that the weights do not depend on them. */
static erg_status adapt_schedule(erg_ais *ais, const erg_ais_options *o) {
    double beta = 0;
    erg_run(ais->start);
    erg_status status = push(ais, beta);
    while (status == ERG_OK && beta < 1) {
        advance(ais, beta, beta, 0);
        double step = find_step(ais, 1 - beta, o->adaptive);
        double next = step < 1 - beta ? beta + step : 1;
        if (ais->count > o->steps || !(next > beta))
            return erg_fail(ERG_ERROR_ARGUMENT,
                            "ais: temperature %g reached in %lld steps, the most allowed", beta,
                            (long long)o->steps);
        advance(ais, beta, next, o->transitions);
        beta = next;
        status = push(ais, beta);
    }
    return status;
}

/* ------------------------------------------------------------------------------- both ways */

/* Chains for the way back: drawn again in proportion to their weights (systematic resampling), then
 * moved at beta = 1. */
static erg_status settle(erg_ais *ais, int64_t transitions) {
    const double *log_w = erg_tensor_f64(erg_value(ais->log_w));
    int64_t n = erg_tensor_size(erg_value(ais->log_w));
    weights w = sum_weights(log_w, NULL, 0, n);
    double below = 0;
    for (int64_t i = 0, k = 0; k < n; k++) {
        double aim = ((double)k + 0.5) / (double)n * w.sum;
        while (i < n - 1 && below + exp(log_w[i] - w.top) < aim)
            below += exp(log_w[i++] - w.top);
        ais->rows[k] = i;
    }
    erg_status status = erg_tensor_take_rows(ais->resample, erg_value(ais->x), ais->rows);
    if (status == ERG_OK)
        status = erg_tensor_copy(erg_value(ais->x), ais->resample);
    if (status == ERG_OK)
        move(ais, 1, transitions);
    return status;
}

static bool rises(const double *betas, int64_t steps) {
    bool good = betas[0] == 0 && betas[steps] == 1;
    for (int64_t t = 0; t < steps; t++)
        good &= betas[t] < betas[t + 1];
    return good;
}

static erg_status check_run(const erg_ais *ais, const erg_ais_options *o,
                            const erg_ais_result *result) {
    if (!ais || !result)
        return erg_fail(ERG_ERROR_ARGUMENT, "ais_run: no %s", ais ? "result" : "sampler");
    if (o->steps < 1 || o->transitions < 1 || o->settle < 0 ||
        !(o->adaptive >= 0 && o->adaptive < 1) || (o->betas && !rises(o->betas, o->steps)))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "ais_run: %lld steps, %lld transitions, %lld to settle, adaptive %g, or "
                        "temperatures that do not rise from 0 to 1",
                        (long long)o->steps, (long long)o->transitions, (long long)o->settle,
                        o->adaptive);
    if (o->exact && !erg_shape_equal(o->exact->shape, erg_node_shape(ais->x)))
        return erg_fail(ERG_ERROR_ARGUMENT, "ais_run: the exact samples have another shape");
    return ERG_OK;
}

static erg_ais_end forward(erg_ais *ais, int64_t transitions) {
    erg_run(ais->start);
    for (int64_t t = 1; t < ais->count; t++)
        advance(ais, ais->betas[t - 1], ais->betas[t], transitions);
    return conclude(ais, THERE);
}

static erg_ais_end reverse(erg_ais *ais, int64_t transitions) {
    erg_tensor_fill(erg_value(ais->log_w), 0);
    for (int64_t t = ais->count - 1; t > 0; t--)
        advance(ais, ais->betas[t], ais->betas[t - 1], transitions);
    return conclude(ais, BACK);
}

/* The two ends as they are, and what their order says. */
static erg_ais_result bracket(erg_ais_end lower, erg_ais_end upper, int64_t steps) {
    double noise = hypot(lower.standard_error, upper.standard_error);
    double gap = upper.log_z - lower.log_z;
    return (erg_ais_result){.lower = lower,
                            .upper = upper,
                            .low = lower.log_z - 3 * lower.standard_error,
                            .high = upper.log_z + 3 * upper.standard_error,
                            .steps = steps,
                            .crossed = gap >= 0            ? ERG_NOT_CROSSED
                                       : gap >= -3 * noise ? ERG_CROSSED_WITHIN_NOISE
                                                           : ERG_CROSSED};
}

static erg_status lost_all(const char *way) {
    return erg_fail(ERG_ERROR_ARGUMENT, "ais_run: all chains lost their weights on the way %s",
                    way);
}

erg_status erg_ais_run(erg_ais *ais, erg_ais_options options, erg_ais_result *result) {
    erg_ais_options o = options;
    o.steps = o.steps ? o.steps : 1000;
    o.transitions = o.transitions ? o.transitions : 1;
    o.settle = o.settle ? o.settle : 100;
    erg_status status = check_run(ais, &o, result);
    if (status != ERG_OK)
        return status;
    ais->count = 0;
    status = o.adaptive > 0 ? adapt_schedule(ais, &o) : given_schedule(ais, &o);
    if (status != ERG_OK)
        return status;
    erg_ais_end lower = forward(ais, o.transitions);
    if (!isfinite(lower.log_z))
        return lost_all("to the target");
    status = o.exact ? erg_tensor_copy(erg_value(ais->x), o.exact) : settle(ais, o.settle);
    if (status != ERG_OK)
        return status;
    erg_ais_end upper = reverse(ais, o.transitions);
    if (!isfinite(upper.log_z))
        return lost_all("back");
    *result = bracket(lower, upper, ais->count - 1);
    return ERG_OK;
}

const erg_tensor *erg_ais_log_weights(const erg_ais *ais, int back) {
    return ais ? ais->ends[back ? BACK : THERE] : NULL;
}

const double *erg_ais_betas(const erg_ais *ais, int64_t *count) {
    if (!ais || !count) {
        erg_fail(ERG_ERROR_ARGUMENT, "ais_betas: no %s", ais ? "count" : "sampler");
        return NULL;
    }
    *count = ais->count;
    return ais->betas;
}

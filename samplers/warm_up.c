/* warm_up.c: what a chain learns before it samples.
 *
 * Dual averaging (Hoffman & Gelman 2014, section 3.2; Nesterov 2009) begins at a first step size of the
 * right order (first_step.c), and moves log step until the mean acceptance is the target: with
 * mu = log(10 first step), t = 1, 2, ... and h the mean of target - acceptance,
 *     h <- (1 - 1/(t + 10)) h + (target - a) / (t + 10),    log step = mu - sqrt(t) / 0.05 h,
 * and keeps an average of log step with weights t^-0.75.
 *
 * Windows as in Stan: at first and at last only the step size is learnt; between, windows of 25,
 * 50, 100, ... transitions each end with the metric set to the covariance of their states, shrunk
 * a little towards a small multiple of I, and with dual averaging begun again at a first step size for
 * that metric. */
#include <math.h>
#include <stdlib.h>

#include "metropolis.h"
#include "progress.h"

/* ------------------------------------------------------------------------------- the step size */

typedef struct averaging {
    double target, mu, t, error, log_average;
} averaging;

static averaging averaging_from(double step, double target) {
    return (averaging){.target = target, .mu = log(10 * step)};
}

/* The step size to try after one of this acceptance. */
static double averaging_next(averaging *a, double acceptance) {
    a->t++;
    double share = 1 / (a->t + 10), weight = pow(a->t, -0.75);
    a->error += share * (a->target - acceptance - a->error);
    double log_step = a->mu - sqrt(a->t) / 0.05 * a->error;
    a->log_average += weight * (log_step - a->log_average);
    return exp(log_step);
}

/* ------------------------------------------------------------------------------- the metric */

/* The moments of the states of a window, by Welford's updates (1962). */
typedef struct moments {
    int64_t d, n;
    bool dense;
    double *mean, *difference; /* (d) */
    erg_tensor *products;      /* (d) or (d, d): sums of products about the mean */
} moments;

static void moments_clear(moments *m) {
    m->n = 0;
    for (int64_t i = 0; i < m->d; i++)
        m->mean[i] = 0;
    erg_tensor_fill(m->products, 0);
}

static void moments_add(moments *m, const erg_tensor *x, int64_t chain) {
    double *products = m->products->data;
    m->n++;
    for (int64_t i = 0; i < m->d; i++) {
        m->difference[i] = erg_tensor_get(x, chain * m->d + i) - m->mean[i];
        m->mean[i] += m->difference[i] / (double)m->n;
    }
    double factor = 1 - 1 / (double)m->n; /* (x - old mean)(x - new mean) */
    for (int64_t i = 0; i < m->d; i++) {
        int64_t first = m->dense ? i * m->d : i, columns = m->dense ? i + 1 : 1;
        for (int64_t k = 0; k < columns; k++)
            products[first + k] += factor * m->difference[i] * m->difference[m->dense ? k : i];
    }
}

/* n / (n + 5) covariance + 1e-3 5 / (n + 5) I, as in Stan. One state has no covariance. */
static erg_status moments_set(moments *m, erg_metric *metric) {
    if (m->n < 2)
        return ERG_OK;
    double n = (double)m->n, *products = m->products->data;
    double scale = n / (n + 5) / (n - 1);
    for (int64_t i = 0; i < m->d; i++) {
        int64_t first = m->dense ? i * m->d : i, columns = m->dense ? i + 1 : 1;
        for (int64_t k = 0; k < columns; k++)
            products[first + k] *= scale;
        products[first + columns - 1] += 1e-3 * 5 / (n + 5);
    }
    return erg_metric_set(metric, m->products);
}

static erg_status moments_make(moments *m, const erg_metric *metric) {
    erg_shape shape = erg_node_shape(metric->root);
    m->d = shape.dims[0];
    m->dense = shape.ndim == 2;
    m->products = erg_tensor_new(ERG_FLOAT64, shape);
    m->mean = calloc((size_t)m->d + 1, sizeof *m->mean);
    m->difference = calloc((size_t)m->d + 1, sizeof *m->difference);
    return m->products && m->mean && m->difference
               ? ERG_OK
               : erg_fail(ERG_ERROR_MEMORY, "warm_up: out of memory");
}

static void moments_free(moments *m) {
    erg_tensor_free(m->products);
    free(m->mean);
    free(m->difference);
}

/* ------------------------------------------------------------------------------- the windows */

/* Transitions number first to last - 1 are windows; `end` is that of the present one. */
typedef struct windows {
    int64_t first, last, size, end;
} windows;

/* Begins the window after the present one. If less than two of the next would be left, it takes
 * all. */
static void windows_next(windows *w) {
    int64_t begin = w->end;
    w->end = begin + w->size;
    w->size *= 2;
    if (w->end + w->size > w->last)
        w->end = w->last;
}

/* Of few transitions Stan has the last tenth for the step size alone. Here these are ten at least, or
 * half of all: dual averaging starts at ten times the first step size, and an average over two or three
 * transitions would stay there. */
static windows windows_of(int64_t n) {
    bool whole = n >= 150;
    int64_t least = n / 2 < 10 ? n / 2 : 10, end = n / 10 > least ? n / 10 : least;
    windows w = {.first = whole ? 75 : (int64_t)(0.15 * (double)n), .last = n - (whole ? 50 : end)};
    w.size = whole ? 25 : w.last - w.first;
    w.end = w.first;
    windows_next(&w);
    return w;
}

/* ------------------------------------------------------------------------------- the warm-up */

typedef struct warm_up {
    erg_chain *chain;
    const erg_statistics *statistics;
    erg_tensor *step_size;
    erg_plan *probe; /* NULL: the chain knows no acceptance */
    erg_metric *metric;
    double target;
    averaging averaging;
    moments moments;
    windows windows;
} warm_up;

/* Dual averaging from the step size that is there, or from one near it that is reasonable. */
static erg_status begin_averaging(warm_up *w) {
    erg_status status =
        w->probe ? erg_first_step(w->chain, w->probe, w->step_size, w->target) : ERG_OK;
    w->averaging = averaging_from(erg_tensor_get(w->step_size, 0), w->target);
    return status;
}

static erg_status transition(warm_up *w, int64_t i) {
    erg_statistics_summary summary;
    erg_statistics_reset(w->statistics);
    erg_chain_run(w->chain, 1);
    erg_statistics_get(w->statistics, -1, &summary);
    double step = averaging_next(&w->averaging, summary.acceptance);
    if (!(step > 0 && isfinite(step)))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "warm_up: the step size has become %g: does the chain "
                        "count its acceptance, and is its energy finite?",
                        step);
    erg_tensor_fill(w->step_size, step);
    if (!w->metric || i < w->windows.first || i >= w->windows.last)
        return ERG_OK;
    const erg_tensor *x = erg_value(erg_chain_x(w->chain));
    for (int64_t b = 0; b < x->shape.dims[0]; b++)
        moments_add(&w->moments, x, b);
    if (i + 1 < w->windows.end)
        return ERG_OK;
    erg_status status = moments_set(&w->moments, w->metric);
    moments_clear(&w->moments);
    windows_next(&w->windows);
    erg_tensor_fill(w->step_size, exp(w->averaging.log_average));
    return status == ERG_OK ? begin_averaging(w) : status;
}

static erg_status check(const erg_chain *chain, const erg_statistics *statistics,
                        erg_node *step_size, int64_t n, double target, const erg_metric *metric) {
    if (!chain || !statistics || n < 0 || !(target > 0 && target < 1))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "warm_up: %lld transitions, target %g, or no chain or statistics",
                        (long long)n, target);
    erg_tensor *step = step_size ? erg_value(step_size) : NULL;
    if (!step || step->shape.ndim != 0 ||
        !(erg_tensor_get(step, 0) > 0 && isfinite(erg_tensor_get(step, 0))))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "warm_up: step_size must be a leaf of shape () with a value > 0");
    erg_shape x = erg_node_shape(erg_chain_x(chain));
    if (x.ndim < 1 || (metric && erg_shape_size(x) != x.dims[0] * erg_shape_size(metric->sample)))
        return erg_fail(ERG_ERROR_ARGUMENT, "warm_up: the metric is for samples of another shape");
    return ERG_OK;
}

erg_status erg_warm_up(erg_chain *chain, const erg_statistics *statistics, erg_node *step_size,
                       int64_t n, erg_warm_up_options options) {
    double target = options.target != 0 ? options.target : 0.8;
    erg_status status = check(chain, statistics, step_size, n, target, options.metric);
    if (status != ERG_OK)
        return status;
    warm_up w = {.chain = chain,
                 .statistics = statistics,
                 .step_size = erg_value(step_size),
                 .metric = options.metric && options.metric->root ? options.metric : NULL,
                 .target = target,
                 .windows = windows_of(n)};
    if (w.metric)
        status = moments_make(&w.moments, w.metric);
    if (status == ERG_OK && n > 0 && erg_chain_accepts(chain))
        status = (w.probe = erg_chain_probe(chain)) ? ERG_OK : erg_error_status();
    if (status == ERG_OK && n > 0)
        status = begin_averaging(&w);
    erg_progress progress = erg_progress_begin(options.progress, "warm-up", n);
    for (int64_t i = 0; status == ERG_OK && i < n; i++) {
        status = transition(&w, i);
        erg_progress_add(&progress, 1);
    }
    erg_progress_end(&progress);
    if (status == ERG_OK && w.averaging.t > 0)
        erg_tensor_fill(w.step_size, exp(w.averaging.log_average));
    erg_statistics_reset(statistics);
    erg_plan_free(w.probe);
    moments_free(&w.moments);
    return status;
}

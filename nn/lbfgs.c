/* lbfgs.c: L-BFGS (Liu & Nocedal 1989; Nocedal & Wright 2006, algorithms 7.4 and 7.5): descent along
 * -H g, where H, the inverse of the Hessian, is known through the last few steps s = x' - x and
 * changes of the gradient y = g' - g alone. For losses without noise, of all data at once: then it
 * converges to many digits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "line_search.h"
#include "optimiser.h"

typedef struct pair {
    double *s, *y;
    double rho;   /* 1 / s^T y */
    double alpha; /* s^T q / s^T y of the first loop */
} pair;

typedef struct lbfgs {
    erg_plan *plan; /* outputs: loss, gradients */
    erg_node *const *params;
    int n;
    int64_t size;   /* elements of all params */
    double *memory; /* of all vectors */
    double *x, *g;  /* where it is, and the gradient there */
    double *g_new;  /* the gradient where the params are now */
    double *direction;
    pair *pairs; /* a ring of `history`, the newest at (made - 1) % history */
    int history, made;
    uint64_t runs;
    erg_lbfgs_result result;
} lbfgs;

/* ------------------------------------------------------------------------------- vectors */

static double dot(int64_t n, const double *a, const double *b) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* y += a x */
static void add(int64_t n, double *y, double a, const double *x) {
    for (int64_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

static double largest(int64_t n, const double *x) {
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fabs(x[i]) > most || isnan(x[i]) ? fabs(x[i]) : most;
    return most;
}

/* ------------------------------------------------------------------------------- the plan */

/* params <- x + t direction */
static void move(const lbfgs *b, double t) {
    int64_t at = 0;
    for (int k = 0; k < b->n; k++) {
        const erg_tensor *value = erg_value(b->params[k]);
        double *elements = value->data;
        for (int64_t i = 0; i < erg_tensor_size(value); i++, at++)
            elements[i] = t != 0 ? b->x[at] + t * b->direction[at] : b->x[at];
    }
}

/* The loss, and its gradient into g_new. Random nodes draw the same numbers each time. */
static double evaluate(lbfgs *b) {
    erg_graph_set_runs(erg_node_graph(b->params[0]), b->runs);
    erg_run(b->plan);
    b->result.evaluations++;
    double *to = b->g_new;
    for (int k = 0; k < b->n; k++) {
        const erg_tensor *gradient = erg_output(b->plan, k + 1);
        memcpy(to, gradient->data, (size_t)erg_tensor_size(gradient) * sizeof *to);
        to += erg_tensor_size(gradient);
    }
    return erg_tensor_get(erg_output(b->plan, 0), 0);
}

static erg_line_point at(void *self, double t) {
    lbfgs *b = self;
    move(b, t);
    double loss = evaluate(b);
    return (erg_line_point){t, loss, dot(b->size, b->g_new, b->direction)};
}

/* ------------------------------------------------------------------------------- the method */

/* direction = -H g by the two loops; returns its slope, direction^T g. */
static double find_direction(lbfgs *b) {
    int known = b->made < b->history ? b->made : b->history;
    double *q = b->direction;
    for (int64_t i = 0; i < b->size; i++)
        q[i] = -b->g[i];
    for (int k = 1; k <= known; k++) {
        pair *p = &b->pairs[(b->made - k) % b->history];
        p->alpha = p->rho * dot(b->size, p->s, q);
        add(b->size, q, -p->alpha, p->y);
    }
    if (known > 0) {
        const pair *newest = &b->pairs[(b->made - 1) % b->history];
        double scale = 1 / (newest->rho * dot(b->size, newest->y, newest->y));
        for (int64_t i = 0; i < b->size; i++)
            q[i] *= scale;
    }
    for (int k = known; k >= 1; k--) {
        const pair *p = &b->pairs[(b->made - k) % b->history];
        add(b->size, q, p->alpha - p->rho * dot(b->size, p->y, q), p->s);
    }
    return dot(b->size, b->direction, b->g);
}

/* Goes t along the direction, to where g_new is known, and remembers the step. */
static void take_step(lbfgs *b, double t) {
    pair *p = &b->pairs[b->made % b->history];
    for (int64_t i = 0; i < b->size; i++) {
        p->s[i] = t * b->direction[i];
        p->y[i] = b->g_new[i] - b->g[i];
        b->x[i] += p->s[i];
        b->g[i] = b->g_new[i];
    }
    double curvature = dot(b->size, p->s, p->y);
    p->rho = 1 / curvature;
    b->made += curvature > 0 && isfinite(p->rho);
    b->result.gradient = largest(b->size, b->g);
}

static void descend(lbfgs *b, int64_t most, double tolerance) {
    erg_lbfgs_result *r = &b->result;
    double least_loss = r->loss, least_gradient = r->gradient;
    for (; r->iterations < most && r->gradient > tolerance; r->iterations++) {
        double slope = find_direction(b);
        if (!(slope < 0) && b->made > 0) { /* rounding has spoiled what is remembered */
            b->made = 0;
            slope = find_direction(b);
        }
        erg_line line = {at, b, {0, r->loss, slope}};
        erg_line_point found;
        double guess = b->made ? 1 : 1 / sqrt(-slope);
        if (!erg_strong_wolfe(&line, fmin(guess, 1), &found))
            at(b, found.t);
        double gradient = largest(b->size, b->g_new);
        if (!(found.value < least_loss) && !(gradient < least_gradient))
            break; /* rounding is all that moves it */
        least_loss = fmin(least_loss, found.value);
        least_gradient = fmin(least_gradient, gradient);
        r->loss = found.value;
        take_step(b, found.t);
    }
    r->converged = r->gradient <= tolerance;
    move(b, 0);
}

/* ------------------------------------------------------------------------------- begin and end */

static erg_status check(erg_node *loss, erg_node *const *params, int n, erg_lbfgs_options o) {
    if (!loss || !params || n < 1)
        return erg_fail(ERG_ERROR_ARGUMENT, "lbfgs: no %s", loss ? "params" : "loss");
    if (erg_node_dtype(loss) != ERG_FLOAT64 || erg_node_shape(loss).ndim != 0)
        return erg_fail(ERG_ERROR_ARGUMENT, "lbfgs: the loss must be float64 ()");
    for (int k = 0; k < n; k++)
        if (erg_node_dtype(params[k]) != ERG_FLOAT64 || !erg_value(params[k]))
            return erg_fail(ERG_ERROR_ARGUMENT, "lbfgs: param number %d is no float64 leaf", k);
    if (o.history < 1 || o.max_iterations < 1 || !(o.tolerance >= 0))
        return erg_fail(ERG_ERROR_ARGUMENT, "lbfgs: history %d, %lld iterations, tolerance %g",
                        o.history, (long long)o.max_iterations, o.tolerance);
    return ERG_OK;
}

static erg_plan *compile(erg_node *loss, erg_node *const *params, int n) {
    erg_node **outputs = calloc((size_t)n + 1, sizeof *outputs);
    if (!outputs) {
        erg_fail(ERG_ERROR_MEMORY, "lbfgs: out of memory");
        return NULL;
    }
    outputs[0] = loss;
    erg_grad(loss, params, n, outputs + 1);
    erg_plan *plan = outputs[1] ? erg_compile(outputs, n + 1) : NULL;
    free(outputs);
    return plan;
}

/* Four vectors, and two for each pair. */
static bool allocate(lbfgs *b) {
    size_t vectors = 4 + 2 * (size_t)b->history, size = (size_t)b->size, count;
    b->pairs = calloc((size_t)b->history, sizeof *b->pairs);
    if (!__builtin_mul_overflow(vectors, size, &count))
        b->memory = calloc(count + 1, sizeof *b->memory);
    if (!b->pairs || !b->memory)
        return false;
    double *next = b->memory;
    double **const places[] = {&b->x, &b->g, &b->g_new, &b->direction};
    for (int k = 0; k < 4; k++, next += size)
        *places[k] = next;
    for (int k = 0; k < b->history; k++, next += 2 * size) {
        b->pairs[k].s = next;
        b->pairs[k].y = next + size;
    }
    return true;
}

static erg_status run(lbfgs *b, int64_t most, double tolerance) {
    double *to = b->x;
    for (int k = 0; k < b->n; k++) {
        const erg_tensor *value = erg_value(b->params[k]);
        memcpy(to, value->data, (size_t)erg_tensor_size(value) * sizeof *to);
        to += erg_tensor_size(value);
    }
    b->result.loss = evaluate(b);
    memcpy(b->g, b->g_new, (size_t)b->size * sizeof *b->g);
    b->result.gradient = largest(b->size, b->g);
    if (!isfinite(b->result.loss) || !isfinite(b->result.gradient))
        return erg_fail(ERG_ERROR_ARGUMENT, "lbfgs: at the start the loss is %g, its gradient %g",
                        b->result.loss, b->result.gradient);
    descend(b, most, tolerance);
    return ERG_OK;
}

erg_status erg_lbfgs(erg_node *loss, erg_node *const *params, int n, erg_lbfgs_options options,
                     erg_lbfgs_result *result) {
    erg_lbfgs_options o = options;
    o.history = o.history != 0 ? o.history : 10;
    o.max_iterations = o.max_iterations != 0 ? o.max_iterations : 1000;
    o.tolerance = erg_option(o.tolerance, 1e-8);
    erg_status status = check(loss, params, n, o);
    if (status != ERG_OK)
        return status;
    lbfgs b = {.params = params,
               .n = n,
               .size = erg_params_size(params, n),
               .history = o.history,
               .runs = erg_graph_runs(erg_node_graph(loss)),
               .plan = compile(loss, params, n)};
    if (!b.plan)
        status = ERG_ERROR_GRAPH;
    else if (!allocate(&b))
        status = erg_fail(ERG_ERROR_MEMORY, "lbfgs: out of memory for %d pairs", o.history);
    else
        status = run(&b, o.max_iterations, o.tolerance);
    if (result)
        *result = b.result;
    erg_plan_free(b.plan);
    free(b.pairs);
    free(b.memory);
    return status;
}

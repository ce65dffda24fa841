/* gradcheck.c: derivatives of every order against finite differences.
 *
 *     s_0 = sum w y,    s_k = sum over the leaves x of v . ds_(k-1)/dx
 *
 * are scalar functions of the leaves which the library builds itself, with random w and v. If the
 * gradient of s_(k-1) agrees with differences of the *value* of s_(k-1), for every element, then
 * derivatives of order k are right wherever those of order k - 1 are. Values are compared with
 * their sign: a gradient that points the wrong way is the mistake that counts most.
 *
 * The central differences with 4 and 6 points are exact for polynomials of degree 4 and 6
 * (Fornberg 1988, "Generation of finite difference formulas on arbitrarily spaced grids"). */
#include <math.h>
#include <stdlib.h>

#include "plan.h"

typedef struct comparison {
    erg_node *const *xs;
    int n;
    erg_gradcheck_options options;
    erg_gradcheck_result *result;
    erg_plan *value, *gradient; /* of the present order: s, and ds/dx for each x */
} comparison;

/* ------------------------------------------------------------------------------- arguments */

static bool has_random_node(erg_node *y, bool *found) {
    unsigned char *needed = erg_collect(y->graph, &y, 1);
    *found = false;
    for (int id = 0; needed && id <= y->id; id++)
        *found |= needed[id] && erg_ops[y->graph->nodes[id]->op].flags & RANDOM;
    free(needed);
    return needed != NULL;
}

static erg_status check_leaf(const erg_node *y, const erg_node *x, int k) {
    if (!x)
        return erg_fail(ERG_ERROR_ARGUMENT, "gradcheck: x number %d is NULL", k);
    if (x->graph != y->graph)
        return erg_fail(ERG_ERROR_ARGUMENT, "gradcheck: x is of another graph than y");
    if (x->op != ERG_OP_input && x->op != ERG_OP_param && x->op != ERG_OP_state)
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "gradcheck: x number %d is of %s, must be an input, a param or a state", k,
                        erg_ops[x->op].name);
    if (x->dtype != ERG_FLOAT64)
        return erg_fail(ERG_ERROR_ARGUMENT, "gradcheck: x number %d is %s, must be float64", k,
                        erg_dtype_name(x->dtype));
    return ERG_OK;
}

static erg_status check_arguments(erg_node *y, erg_node *const *xs, int n,
                                  erg_gradcheck_options options) {
    if (!y || n < 0 || (n > 0 && !xs))
        return erg_fail(ERG_ERROR_ARGUMENT, "gradcheck: no %s", y ? "xs" : "y");
    if (erg_graph_error(y->graph))
        return erg_fail(ERG_ERROR_GRAPH, "%s", erg_graph_error(y->graph));
    if (y->dtype != ERG_FLOAT64)
        return erg_fail(ERG_ERROR_ARGUMENT, "gradcheck: y is %s, must be float64",
                        erg_dtype_name(y->dtype));
    if (options.order < 1 || options.order > 3)
        return erg_fail(ERG_ERROR_ARGUMENT, "gradcheck: order %d, must be 1 to 3", options.order);
    if (!(options.step > 0 && options.tolerance > 0))
        return erg_fail(ERG_ERROR_ARGUMENT, "gradcheck: step %g and tolerance %g, must be positive",
                        options.step, options.tolerance);
    erg_status status = ERG_OK;
    for (int k = 0; k < n && !status; k++)
        status = check_leaf(y, xs[k], k);
    bool random = false;
    if (!status && !has_random_node(y, &random))
        return erg_fail(ERG_ERROR_MEMORY, "gradcheck: out of memory");
    return random ? erg_fail(ERG_ERROR_ARGUMENT, "gradcheck: y depends on a random node") : status;
}

/* ------------------------------------------------------------------------------- building */

/* Normal weights, so that errors of different elements do not cancel by symmetry. */
static erg_node *weights_like(const erg_node *y, erg_random where) {
    erg_tensor *weights = erg_tensor_new(ERG_FLOAT64, y->shape);
    if (!weights || erg_random_normal(weights, where)) {
        erg_tensor_free(weights);
        return erg_graph_fail(y->graph, "gradcheck: %s", erg_error_message());
    }
    erg_node *node = erg_constant(y->graph, weights);
    erg_tensor_free(weights);
    return node;
}

/* Sum of all elements of the ys, each with a random weight. */
static erg_node *weighted_sum(erg_graph *graph, erg_node *const *ys, int n, erg_random where) {
    erg_node *sum = erg_scalar(graph, ERG_FLOAT64, 0);
    for (int k = 0; k < n; k++) {
        where.run = (uint64_t)k;
        erg_node *terms = erg_mul(weights_like(ys[k], where), ys[k]);
        sum = erg_add(sum, erg_sum(terms, ERG_ALL, 0));
    }
    return sum;
}

/* ------------------------------------------------------------------------------- comparing */

/* The value of s where the element is x. */
static double value_at(const comparison *c, double *element, double x) {
    *element = x;
    erg_run(c->value);
    return erg_tensor_get(erg_output(c->value, 0), 0);
}

/* ds/d(element) by 6 points, and how far 4 of them are from that. */
static double difference(const comparison *c, double *element, double *error) {
    const double x = *element, h = c->options.step * fmax(1, fabs(x));
    double d[3];
    for (int k = 0; k < 3; k++)
        d[k] = value_at(c, element, x + (k + 1) * h) - value_at(c, element, x - (k + 1) * h);
    *element = x;
    double numeric = (45 * d[0] - 9 * d[1] + d[2]) / (60 * h);
    *error = fabs(numeric - (8 * d[0] - d[1]) / (12 * h));
    return numeric;
}

/* A NaN is worse than any number. */
static bool is_worse(double a, double b) {
    return isnan(a) ? !isnan(b) : a > b;
}

static void compare_element(comparison *c, int order, int leaf, int64_t i) {
    double analytic = erg_tensor_get(erg_output(c->gradient, leaf), i), error;
    double numeric = difference(c, erg_tensor_f64(c->xs[leaf]->value) + i, &error);
    double distance = fabs(analytic - numeric) / fmax(1, fabs(numeric));
    if (c->result->element >= 0 && !is_worse(distance, c->result->worst))
        return;
    *c->result = (erg_gradcheck_result){.worst = distance,
                                        .order = order,
                                        .leaf = leaf,
                                        .element = i,
                                        .analytic = analytic,
                                        .numeric = numeric,
                                        .error_estimate = error};
}

/* Compares the gradient of s with differences of s; false if memory is short. */
static bool compare_all(comparison *c, int order, erg_node *s, erg_node *const *gradient) {
    c->value = erg_compile(&s, 1);
    c->gradient = c->value ? erg_compile(gradient, c->n) : NULL;
    bool done = c->gradient != NULL;
    if (done)
        erg_run(c->gradient);
    for (int leaf = 0; done && leaf < c->n; leaf++)
        for (int64_t i = 0; i < erg_tensor_size(c->xs[leaf]->value); i++)
            compare_element(c, order, leaf, i);
    erg_plan_free(c->value);
    erg_plan_free(c->gradient);
    return done;
}

static bool agrees(const comparison *c) {
    return c->result->worst <= c->options.tolerance;
}

static erg_status conclude(const comparison *c) {
    erg_gradcheck_result *r = c->result;
    if (r->element < 0) {
        snprintf(r->message, sizeof r->message, "gradcheck: nothing to compare");
        return ERG_OK;
    }
    const char *name = c->xs[r->leaf]->name;
    snprintf(r->message, sizeof r->message,
             "gradcheck: order %d, x number %d \"%.48s\", element %lld: derivative %.12g, finite "
             "difference %.12g +- %.1e: they %s %.1e",
             r->order, r->leaf, name ? name : "", (long long)r->element, r->analytic, r->numeric,
             r->error_estimate, agrees(c) ? "agree to" : "differ, relatively, by", r->worst);
    return agrees(c) ? ERG_OK : erg_fail(ERG_ERROR_ARGUMENT, "%s", r->message);
}

/* Order after order, up to the first that disagrees: later ones follow from it. */
static erg_status compare_orders(comparison *c, erg_node *y, erg_node **gradient) {
    erg_graph *graph = y->graph;
    erg_random where = {.seed = c->options.seed};
    erg_node *s = weighted_sum(graph, &y, 1, where);
    for (int order = 1; c->n > 0 && order <= c->options.order && agrees(c); order++) {
        erg_grad(s, c->xs, c->n, gradient);
        if (erg_graph_error(graph))
            break;
        if (!compare_all(c, order, s, gradient))
            return erg_fail(ERG_ERROR_MEMORY, "gradcheck: out of memory");
        where.stream++;
        s = weighted_sum(graph, gradient, c->n, where);
    }
    if (!erg_graph_error(graph))
        return conclude(c);
    erg_status status = erg_fail(ERG_ERROR_ARGUMENT, "%s", erg_graph_error(graph));
    erg_graph_clear_error(graph);
    return status;
}

erg_status erg_gradcheck(erg_node *y, erg_node *const *xs, int n, erg_gradcheck_options options,
                         erg_gradcheck_result *result) {
    erg_gradcheck_result own;
    comparison c = {.xs = xs, .n = n, .options = options, .result = result ? result : &own};
    c.options.order = options.order ? options.order : 1;
    c.options.step = options.step == 0 ? 1e-3 : options.step;
    c.options.tolerance = options.tolerance == 0 ? 1e-8 : options.tolerance;
    *c.result = (erg_gradcheck_result){.element = -1};

    erg_status status = check_arguments(y, xs, n, c.options);
    if (!status) {
        uint64_t runs = erg_graph_runs(y->graph);
        erg_node **gradient = calloc((size_t)n + 1, sizeof *gradient);
        status = gradient ? compare_orders(&c, y, gradient)
                          : erg_fail(ERG_ERROR_MEMORY, "gradcheck: out of memory");
        free(gradient);
        erg_graph_set_runs(y->graph, runs);
    }
    if (status)
        snprintf(c.result->message, sizeof c.result->message, "%s", erg_error_message());
    return status;
}

/* flow.c: the likelihood of points by the probability-flow ODE of a noise-conditional energy. With
 * u = log s, the points and the logarithm of their density move along
 *     dx/du = f(x, u) = s^2 grad E(x, s),   d log p(x)/du = -div f = -s^2 lap E(x, s)
 * from s_min to s_max, where the density is known; one step of Runge and Kutta is one plan. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "samplers.h"

struct erg_flow {
    erg_node *x, *log_p, *u;
    erg_plan *begin, *step, *end; /* log_p = 0; x and log_p one step on; log_p += log prior */
    double first, length;         /* of u */
    int64_t steps;
};

/* What the builders of a step share. */
typedef struct field {
    erg_pair_energy energy;
    erg_node **probes; /* states of x's shape */
    int n_probes;
} field;

typedef struct slope {
    erg_node *x, *log_p; /* f and div f */
} slope;

/* ------------------------------------------------------------------------------- the field */

/* The Laplacian of each sample: exact, or the mean of v^T H v over the probes. */
static erg_node *laplacian(const field *f, erg_node *e, erg_node *x) {
    if (f->n_probes == 0)
        return erg_laplacian(e, x);
    erg_node *sum = NULL;
    for (int k = 0; k < f->n_probes; k++) {
        erg_node *product = erg_mul(f->probes[k], erg_hvp(e, x, f->probes[k]));
        erg_node *trace = erg_sum(erg_flatten(product, 1), ERG_AXES(1), 0);
        sum = sum ? erg_add(sum, trace) : trace;
    }
    return erg_mul_scalar(sum, 1.0 / f->n_probes);
}

static slope slope_at(const field *f, erg_node *x, erg_node *u) {
    erg_node *sigma = erg_exp(u), *square = erg_square(sigma);
    erg_node *e = erg_pair_energy_apply(f->energy, x, sigma);
    erg_node *div = e ? erg_mul(square, laplacian(f, e, x)) : NULL;
    return (slope){e ? erg_mul(square, erg_gradient(e, x)) : NULL, erg_cast(div, ERG_FLOAT64)};
}

/* x + (h/6) (k1 + 2 k2 + 2 k3 + k4) */
static erg_node *combine(erg_node *x, double h, erg_node *k1, erg_node *k2, erg_node *k3,
                         erg_node *k4) {
    erg_node *middle = erg_mul_scalar(erg_add(k2, k3), 2);
    return erg_add(x, erg_mul_scalar(erg_add(erg_add(k1, k4), middle), h / 6));
}

static erg_node *shifted(erg_node *x, erg_node *k, double h) {
    return erg_add(x, erg_mul_scalar(k, h));
}

/* log_p holds the integral of div f. */
static erg_node *runge_kutta(const erg_flow *flow, const field *f, double h) {
    erg_node *x = flow->x, *u = flow->u;
    erg_node *half = erg_add_scalar(u, h / 2), *full = erg_add_scalar(u, h);
    slope k1 = slope_at(f, x, u);
    slope k2 = slope_at(f, shifted(x, k1.x, h / 2), half);
    slope k3 = slope_at(f, shifted(x, k2.x, h / 2), half);
    slope k4 = slope_at(f, shifted(x, k3.x, h), full);
    erg_node *effects[] = {
        erg_assign(x, combine(x, h, k1.x, k2.x, k3.x, k4.x)),
        erg_assign(flow->log_p, combine(flow->log_p, h, k1.log_p, k2.log_p, k3.log_p, k4.log_p)),
        erg_assign(u, full)};
    return erg_group(effects, 3);
}

/* log N(x; 0, prior^2 I) */
static erg_node *log_prior(erg_node *x, double prior) {
    erg_shape shape = erg_node_shape(x);
    double d = (double)erg_shape_size(shape) / (double)shape.dims[0];
    erg_node *wide = erg_flatten(erg_cast(x, ERG_FLOAT64), 1);
    erg_node *square = erg_sum(erg_square(wide), ERG_AXES(1), 0);
    return erg_add_scalar(erg_mul_scalar(square, -0.5 / (prior * prior)),
                          -d * (log(prior) + 0.5 * log(2 * M_PI)));
}

/* ------------------------------------------------------------------------------- plans */

static erg_plan *compile(erg_node *effects) {
    return erg_compile(&effects, 1);
}

/* States for the probes, and the node that draws them all and sets log_p to 0. */
static erg_node *begin(const erg_flow *flow, field *f) {
    erg_graph *graph = erg_node_graph(flow->x);
    erg_dtype dtype = erg_node_dtype(flow->x);
    erg_shape shape = erg_node_shape(flow->x);
    size_t n = (size_t)f->n_probes;
    f->probes = erg_graph_alloc(graph, (n + 1) * sizeof *f->probes);
    erg_node **effects = erg_graph_alloc(graph, (n + 1) * sizeof *effects);
    if (!f->probes || !effects)
        return NULL;
    for (int k = 0; k < f->n_probes; k++) {
        f->probes[k] = erg_input(graph, NULL, dtype, shape);
        effects[k] = erg_assign(f->probes[k], erg_rademacher(graph, dtype, shape));
    }
    effects[n] = erg_assign(flow->log_p, erg_full_like(flow->log_p, 0));
    return erg_group(effects, f->n_probes + 1);
}

static bool build(erg_flow *flow, erg_pair_energy energy, erg_flow_options o) {
    erg_graph *graph = erg_node_graph(flow->x);
    field f = {.energy = energy, .n_probes = o.probes};
    flow->log_p = erg_input(graph, NULL, ERG_FLOAT64, ERG_SHAPE(erg_node_shape(flow->x).dims[0]));
    flow->u = erg_input(graph, NULL, erg_node_dtype(flow->x), ERG_SCALAR);
    erg_node *start = begin(flow, &f);
    if (!start)
        return false;
    erg_node *last = erg_add(flow->log_p, log_prior(flow->x, o.prior));
    flow->begin = compile(start);
    flow->step = compile(runge_kutta(flow, &f, flow->length / (double)flow->steps));
    flow->end = compile(erg_assign(flow->log_p, last));
    return flow->begin && flow->step && flow->end;
}

static bool check(erg_node *x, erg_flow_options o) {
    char text[ERG_SHAPE_TEXT];
    erg_shape shape = erg_node_shape(x);
    if (!(o.sigma_min > 0 && o.sigma_max > o.sigma_min && isfinite(o.sigma_max)) ||
        !(o.prior > 0 && isfinite(o.prior)) || o.steps < 1 || o.probes < 0)
        return erg_graph_fail(erg_node_graph(x),
                              "flow: sigma from %g to %g, prior %g, %lld steps, %d probes",
                              o.sigma_min, o.sigma_max, o.prior, (long long)o.steps, o.probes);
    return (shape.ndim >= 2 && erg_shape_size(shape) > 0) ||
           erg_graph_fail(erg_node_graph(x), "flow: x is %s, must be (B, ...) and not empty",
                          erg_shape_text(shape, text));
}

erg_flow *erg_flow_new(erg_pair_energy energy, erg_node *x, erg_flow_options options) {
    erg_flow_options o = options;
    o.sigma_min = o.sigma_min != 0 ? o.sigma_min : 0.01;
    o.sigma_max = o.sigma_max != 0 ? o.sigma_max : 50;
    o.prior = o.prior != 0 ? o.prior : o.sigma_max;
    o.steps = o.steps ? o.steps : 100;
    if (!x || !check(x, o))
        return NULL;
    erg_flow *flow = calloc(1, sizeof *flow);
    if (!flow) {
        erg_fail(ERG_ERROR_MEMORY, "flow: out of memory");
        return NULL;
    }
    *flow = (erg_flow){.x = x,
                       .first = log(o.sigma_min),
                       .length = log(o.sigma_max / o.sigma_min),
                       .steps = o.steps};
    if (build(flow, energy, o))
        return flow;
    erg_flow_free(flow);
    return NULL;
}

void erg_flow_free(erg_flow *flow) {
    if (!flow)
        return;
    erg_plan_free(flow->begin);
    erg_plan_free(flow->step);
    erg_plan_free(flow->end);
    free(flow);
}

erg_status erg_flow_run(erg_flow *flow, erg_tensor *log_p) {
    if (!flow || !log_p || log_p->dtype != ERG_FLOAT64 ||
        !erg_shape_equal(log_p->shape, erg_node_shape(flow->log_p)))
        return erg_fail(ERG_ERROR_ARGUMENT, "flow_run: %s",
                        flow ? "log_p must be float64 of shape (B)" : "no flow");
    erg_tensor_fill(erg_value(flow->u), flow->first);
    erg_run(flow->begin);
    erg_run_n(flow->step, flow->steps);
    erg_run(flow->end);
    return erg_tensor_copy(log_p, erg_value(flow->log_p));
}

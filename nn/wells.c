/* wells.c: energies with separate minima: two wells along a line, or rings around the origin. */
#include <math.h>

#include "module.h"
#include "options.h"
#include "rejection.h"

/* ------------------------------------------------------------------------------- double well */

static erg_double_well well_options(const erg_double_well *well) {
    erg_double_well w = well ? *well : (erg_double_well){0};
    w.height = erg_option(w.height, 1);
    w.distance = erg_option(w.distance, 1);
    return w;
}

static bool check_well(erg_graph *graph, erg_double_well w) {
    return (erg_is_positive(w.height) && erg_is_positive(w.distance)) ||
           erg_graph_fail(graph, "double_well: height %g, distance %g", w.height, w.distance);
}

erg_node *erg_double_well_energy(void *self, erg_node *x) {
    erg_double_well w = well_options(self);
    if (!erg_module_has_width("double_well_energy", x, ERG_ANY_WIDTH) ||
        !check_well(erg_node_graph(x), w))
        return NULL;
    erg_node *u = erg_mul_scalar(erg_select(x, 1, 0), 1 / w.distance);
    erg_node *quartic = erg_square(erg_add_scalar(erg_square(u), -1));
    erg_node *bowl = erg_module_sum(erg_square(erg_slice(x, 1, 1, ERG_END, 1)));
    return erg_add(erg_mul_scalar(quartic, w.height), erg_mul_scalar(bowl, 0.5));
}

/* The trapezium rule on the real line, for the analytic exp(-h (u^2 - 1)^2), errs by less than
 * exp(-2 pi^2 s^2 / step^2) with s = 1 / sqrt(8 h), the width of a well, or h^(-1/4), that of both,
 * if they are one (Trefethen & Weideman 2014). Beyond u = `far` there is nothing left. */
double erg_double_well_log_z(const erg_double_well *well, int64_t d) {
    erg_double_well w = well_options(well);
    if (!check_well(NULL, w))
        return NAN;
    double far = sqrt(1 + sqrt(40 / w.height));
    int64_t points = 64 + (int64_t)(8 * far * sqrt(w.height));
    double step = far / (double)points, sum = 0.5 * exp(-w.height);
    for (int64_t i = 1; i <= points; i++) {
        double u = (double)i * step;
        sum += exp(-w.height * (u * u - 1) * (u * u - 1));
    }
    return log(2 * step * sum * w.distance) + 0.5 * (double)(d - 1) * log(2 * M_PI);
}

/* exp(log_factor - (u - centre)^2 / (2 std^2)), a multiple of a normal density, lies above
 * exp(-h (u^2 - 1)^2) wherever centre u >= 0. */
struct bound {
    double centre, std, log_factor;
};

/* High wells: (u^2 - 1)^2 >= (u - 1)^2 for u >= 0. Low ones: the tangent of (y - 1)^2 at y = b lies
 * below it, so that (u^2 - 1)^2 >= 2 (b - 1) u^2 - (b^2 - 1), tightest for b (b - 1) = 1 / 4h. Both
 * have the same mass near h = 0.63. */
static struct bound well_bound(double height) {
    if (height > 0.63)
        return (struct bound){.centre = 1, .std = sqrt(0.5 / height)};
    double root = sqrt(1 + 1 / height), b = 0.5 * (1 + root), slope = 0.5 / (1 + root);
    return (struct bound){.std = 0.5 / sqrt(slope), .log_factor = slope * (b + 1)};
}

/* u^2 - 1 is taken from the noise z = (u - centre) / std: no digits are lost in narrow wells. */
static erg_node *well_sample(erg_graph *graph, erg_dtype dtype, double height, int64_t n) {
    enum { PROPOSALS = 60 };
    struct bound bound = well_bound(height);
    erg_node *z = erg_normal(graph, dtype, ERG_SHAPE(n, 1, PROPOSALS));
    erg_node *step = erg_mul_scalar(z, bound.std), *u = erg_add_scalar(step, bound.centre);
    erg_node *gain = erg_mul(step, erg_add_scalar(step, 2 * bound.centre));
    erg_node *away = erg_add_scalar(gain, bound.centre * bound.centre - 1);
    erg_node *energy = erg_mul_scalar(erg_square(away), height);
    erg_node *log_ratio = erg_sub(erg_mul_scalar(erg_square(z), 0.5), energy);
    erg_node *ratio = erg_exp(erg_add_scalar(log_ratio, -bound.log_factor));
    erg_node *zero = erg_full(graph, dtype, ERG_SCALAR, 0);
    erg_node *inside = erg_greater_equal(erg_mul_scalar(u, bound.centre), zero);
    erg_node *right = erg_rejection(u, erg_mul(ratio, inside));
    return erg_mul(right, erg_rademacher(graph, dtype, ERG_SHAPE(n, 1)));
}

erg_node *erg_double_well_sample(erg_graph *graph, erg_dtype dtype, const erg_double_well *well,
                                 int64_t n, int64_t d) {
    erg_double_well w = well_options(well);
    if (!check_well(graph, w))
        return NULL;
    if (n < 0 || d < 1)
        return erg_graph_fail(graph, "double_well_sample: %lld samples of %lld dimensions",
                              (long long)n, (long long)d);
    erg_node *first = erg_mul_scalar(well_sample(graph, dtype, w.height, n), w.distance);
    erg_node *others = erg_normal(graph, dtype, ERG_SHAPE(n, d - 1));
    return erg_concat((erg_node *[]){first, others}, 2, 1);
}

/* ------------------------------------------------------------------------------- rings */

static erg_rings ring_options(const erg_rings *rings) {
    erg_rings r = rings ? *rings : (erg_rings){0};
    r.count = r.count != 0 ? r.count : 3;
    r.spacing = erg_option(r.spacing, 1);
    r.width = erg_option(r.width, 0.1);
    return r;
}

static bool check_rings(erg_graph *graph, erg_rings r) {
    return (r.count >= 1 && r.count <= ERG_RINGS_MAX && erg_is_positive(r.spacing) &&
            erg_is_positive(r.width)) ||
           erg_graph_fail(graph, "rings: %d of spacing %g and width %g", r.count, r.spacing,
                          r.width);
}

erg_node *erg_rings_energy(void *self, erg_node *x) {
    erg_rings r = ring_options(self);
    if (!erg_module_has_width("rings_energy", x, 2) || !check_rings(erg_node_graph(x), r))
        return NULL;
    double radii[ERG_RINGS_MAX];
    for (int k = 0; k < r.count; k++)
        radii[k] = (k + 1) * r.spacing;
    erg_node *radius = erg_module_constant("rings_energy", erg_node_graph(x), erg_node_dtype(x),
                                           ERG_SHAPE(r.count), radii);
    erg_node *away = erg_sub(erg_norm(x, 2, ERG_AXES(1), 1), radius);
    erg_node *log_p = erg_mul_scalar(erg_square(away), -0.5 / (r.width * r.width));
    return erg_neg(erg_logsumexp(log_p, ERG_AXES(1), 0));
}

/* Integral of 2 pi r exp(-(r - R)^2 / 2 w^2) over r > 0. */
static double ring_mass(double radius, double width) {
    double z = radius / width;
    double tail = width * exp(-0.5 * z * z);
    return 2 * M_PI * width * (tail + radius * sqrt(M_PI / 2) * erfc(-z * M_SQRT1_2));
}

double erg_rings_log_z(const erg_rings *rings) {
    erg_rings r = ring_options(rings);
    if (!check_rings(NULL, r))
        return NAN;
    double sum = 0;
    for (int k = 1; k <= r.count; k++)
        sum += ring_mass(k * r.spacing, r.width);
    return log(sum);
}

/* Radii w (q + z), q = R / w, one for each q of (n, 1): z > -q has the density
 * (q + z) exp(-z^2 / 2). It lies below (q + max(z, 0)) exp(-z^2 / 2), a mixture of a normal
 * density, of mass q sqrt(2 pi), and z exp(-z^2 / 2), z > 0 (Rayleigh), of mass 1. */
static erg_node *ring_radius(erg_node *q, double width) {
    enum { PROPOSALS = 28 };
    erg_graph *graph = erg_node_graph(q);
    erg_dtype dtype = erg_node_dtype(q);
    erg_shape shape = ERG_SHAPE(erg_node_shape(q).dims[0], PROPOSALS);
    erg_node *mass = erg_add_scalar(erg_mul_scalar(q, sqrt(2 * M_PI)), 1);
    erg_node *is_rayleigh =
        erg_less(erg_mul(erg_uniform(graph, dtype, shape), mass), erg_full_like(mass, 1));
    erg_node *survival = erg_add_scalar(erg_neg(erg_uniform(graph, dtype, shape)), 1);
    erg_node *rayleigh = erg_sqrt(erg_mul_scalar(erg_log(survival), -2));
    erg_node *z = erg_where(is_rayleigh, rayleigh, erg_normal(graph, dtype, shape));
    erg_node *ratio = erg_div(erg_add(q, z), erg_add(q, erg_relu(z)));
    return erg_mul_scalar(erg_rejection(erg_add(q, z), ratio), width);
}

erg_node *erg_rings_sample(erg_graph *graph, erg_dtype dtype, const erg_rings *rings, int64_t n) {
    erg_rings r = ring_options(rings);
    if (!check_rings(graph, r))
        return NULL;
    if (n < 0)
        return erg_graph_fail(graph, "rings_sample: %lld samples", (long long)n);
    double ratios[ERG_RINGS_MAX], log_weights[ERG_RINGS_MAX];
    for (int k = 0; k < r.count; k++) {
        ratios[k] = (k + 1) * r.spacing / r.width;
        log_weights[k] = log(ring_mass(ratios[k], 1));
    }
    const char *name = "rings_sample";
    erg_node *q = erg_module_constant(name, graph, dtype, ERG_SHAPE(r.count), ratios);
    erg_node *logits = erg_module_constant(name, graph, dtype, ERG_SHAPE(r.count), log_weights);
    erg_node *which = erg_categorical(erg_broadcast(logits, ERG_SHAPE(n, r.count)));
    erg_node *radius = ring_radius(erg_unsqueeze(erg_take(q, which, 0), 1), r.width);
    erg_node *angle = erg_mul_scalar(erg_uniform(graph, dtype, ERG_SHAPE(n)), 2 * M_PI);
    erg_node *direction = erg_stack((erg_node *[]){erg_cos(angle), erg_sin(angle)}, 2, 1);
    return erg_mul(direction, erg_unsqueeze(radius, 1));
}

/* bent.c: Gaussians that have been bent: one coordinate is a Gaussian, the others are Gaussians whose
 * mean (banana, Rosenbrock) or width (funnel) is a function of it. The energy is minus the logarithm
 * of that product; so the normaliser is known, and one normal number for each coordinate makes an
 * exact sample. They are hard for chains, whose step fits one part and not the other. */
#include <math.h>

#include "module.h"
#include "options.h"

/* A column of n standard normal numbers, times std. */
static erg_node *column(erg_graph *graph, erg_dtype dtype, int64_t n, double std) {
    return erg_mul_scalar(erg_normal(graph, dtype, ERG_SHAPE(n)), std);
}

static erg_node *plane(erg_node *x1, erg_node *x2) {
    return erg_stack((erg_node *[]){x1, x2}, 2, 1);
}

/* ------------------------------------------------------------------------------- banana */

static erg_banana banana_options(const erg_banana *banana) {
    erg_banana b = banana ? *banana : (erg_banana){0};
    b.scale = erg_option(b.scale, 10);
    b.curvature = erg_option(b.curvature, 0.03);
    return b;
}

static bool check_banana(erg_graph *graph, erg_banana b) {
    return (erg_is_positive(b.scale) && isfinite(b.curvature)) ||
           erg_graph_fail(graph, "banana: scale %g, curvature %g", b.scale, b.curvature);
}

/* b (x_1^2 - s^2): how far the ridge of the banana is bent down at x_1. */
static erg_node *bend(erg_banana banana, erg_node *x1) {
    erg_node *centred = erg_add_scalar(erg_square(x1), -banana.scale * banana.scale);
    return erg_mul_scalar(centred, banana.curvature);
}

erg_node *erg_banana_energy(void *self, erg_node *x) {
    erg_banana banana = banana_options(self);
    if (!erg_module_has_width("banana_energy", x, 2) || !check_banana(erg_node_graph(x), banana))
        return NULL;
    erg_node *x1 = erg_select(x, 1, 0), *x2 = erg_select(x, 1, 1);
    erg_node *along = erg_square(erg_mul_scalar(x1, 1 / banana.scale));
    erg_node *across = erg_square(erg_add(x2, bend(banana, x1)));
    return erg_mul_scalar(erg_add(along, across), 0.5);
}

double erg_banana_log_z(const erg_banana *banana) {
    return log(2 * M_PI * banana_options(banana).scale);
}

erg_node *erg_banana_sample(erg_graph *graph, erg_dtype dtype, const erg_banana *banana,
                            int64_t n) {
    erg_banana b = banana_options(banana);
    if (!check_banana(graph, b))
        return NULL;
    erg_node *x1 = column(graph, dtype, n, b.scale);
    return plane(x1, erg_sub(column(graph, dtype, n, 1), bend(b, x1)));
}

/* ------------------------------------------------------------------------------- Rosenbrock */

static erg_rosenbrock rosenbrock_options(const erg_rosenbrock *rosenbrock) {
    erg_rosenbrock r = rosenbrock ? *rosenbrock : (erg_rosenbrock){0};
    r.centre = erg_option(r.centre, 1);
    r.steepness = erg_option(r.steepness, 100);
    r.temperature = erg_option(r.temperature, 20);
    return r;
}

static bool check_rosenbrock(erg_graph *graph, erg_rosenbrock r) {
    return (isfinite(r.centre) && erg_is_positive(r.steepness) && erg_is_positive(r.temperature)) ||
           erg_graph_fail(graph, "rosenbrock: centre %g, steepness %g, temperature %g", r.centre,
                          r.steepness, r.temperature);
}

erg_node *erg_rosenbrock_energy(void *self, erg_node *x) {
    erg_rosenbrock r = rosenbrock_options(self);
    if (!erg_module_has_width("rosenbrock_energy", x, 2) || !check_rosenbrock(erg_node_graph(x), r))
        return NULL;
    erg_node *x1 = erg_select(x, 1, 0), *x2 = erg_select(x, 1, 1);
    erg_node *valley = erg_mul_scalar(erg_square(erg_sub(x2, erg_square(x1))), r.steepness);
    erg_node *along = erg_square(erg_add_scalar(x1, -r.centre));
    return erg_mul_scalar(erg_add(valley, along), 1 / r.temperature);
}

double erg_rosenbrock_log_z(const erg_rosenbrock *rosenbrock) {
    erg_rosenbrock r = rosenbrock_options(rosenbrock);
    return log(M_PI * r.temperature / sqrt(r.steepness));
}

erg_node *erg_rosenbrock_sample(erg_graph *graph, erg_dtype dtype, const erg_rosenbrock *rosenbrock,
                                int64_t n) {
    erg_rosenbrock r = rosenbrock_options(rosenbrock);
    if (!check_rosenbrock(graph, r))
        return NULL;
    erg_node *noise = column(graph, dtype, n, sqrt(r.temperature / 2));
    erg_node *x1 = erg_add_scalar(noise, r.centre);
    erg_node *across = column(graph, dtype, n, sqrt(r.temperature / 2 / r.steepness));
    return plane(x1, erg_add(erg_square(x1), across));
}

/* ------------------------------------------------------------------------------- funnel */

static double funnel_scale(const erg_funnel *funnel) {
    return erg_option(funnel ? funnel->scale : 0, 3);
}

static bool check_funnel(erg_graph *graph, const erg_funnel *funnel) {
    return erg_is_positive(funnel_scale(funnel)) ||
           erg_graph_fail(graph, "funnel: scale %g", funnel_scale(funnel));
}

erg_node *erg_funnel_energy(void *self, erg_node *x) {
    if (!erg_module_has_width("funnel_energy", x, ERG_ANY_WIDTH) ||
        !check_funnel(erg_node_graph(x), self))
        return NULL;
    double others = (double)erg_node_shape(x).dims[1] - 1;
    erg_node *v = erg_select(x, 1, 0);
    erg_node *mouth = erg_square(erg_mul_scalar(v, 1 / funnel_scale(self)));
    erg_node *square = erg_module_sum(erg_square(erg_slice(x, 1, 1, ERG_END, 1)));
    erg_node *walls = erg_add(erg_mul(square, erg_exp(erg_neg(v))), erg_mul_scalar(v, others));
    return erg_mul_scalar(erg_add(mouth, walls), 0.5);
}

double erg_funnel_log_z(const erg_funnel *funnel, int64_t d) {
    return 0.5 * (double)d * log(2 * M_PI) + log(funnel_scale(funnel));
}

erg_node *erg_funnel_sample(erg_graph *graph, erg_dtype dtype, const erg_funnel *funnel, int64_t n,
                            int64_t d) {
    if (!check_funnel(graph, funnel))
        return NULL;
    if (n < 0 || d < 1)
        return erg_graph_fail(graph, "funnel_sample: %lld samples of %lld dimensions", (long long)n,
                              (long long)d);
    erg_node *v = erg_mul_scalar(erg_normal(graph, dtype, ERG_SHAPE(n, 1)), funnel_scale(funnel));
    erg_node *white = erg_normal(graph, dtype, ERG_SHAPE(n, d - 1));
    erg_node *others = erg_mul(white, erg_exp(erg_mul_scalar(v, 0.5)));
    return erg_concat((erg_node *[]){v, others}, 2, 1);
}

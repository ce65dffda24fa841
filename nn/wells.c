/* wells.c: energies with separate minima: two wells along a line, or rings around the origin. */
#include <math.h>

#include "module.h"
#include "options.h"

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

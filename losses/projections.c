/* projections.c: random vectors v with E[v v^T] = I, of which one product with a matrix tells its
 * trace without bias (Hutchinson 1989):
 *
 *     E[v^T H v] = tr H,    E[(w v)^T H v] = sum_i w_i H_ii.
 *
 * For a symmetric H the variance of v^T H v is 2 sum_{i != j} H_ij^2 for signs (Rademacher), and
 * 2 |H|^2 for normal numbers; on the sphere it is less than for normal numbers, and 0 if H is a
 * multiple of I. */
#include <math.h>
#include <stdbool.h>

#include "projections.h"
#include "samples.h"

double erg_loss_option(double option, double fallback) {
    return option == 0 && !signbit(option) ? fallback : option;
}

int64_t erg_projections_count(int64_t option) {
    return option ? option : 1;
}

/* (count, B, ...) for x (B, ...). */
static erg_shape shape_for(erg_node *x, int64_t count) {
    erg_shape sample = erg_node_shape(x), shape = {.ndim = sample.ndim + 1, .dims = {count}};
    for (int axis = 1; axis < shape.ndim && axis < ERG_MAX_DIMS; axis++)
        shape.dims[axis] = sample.dims[axis - 1];
    return shape;
}

static bool check(const char *loss, erg_node *x, int64_t count, erg_node *given) {
    erg_graph *graph = erg_node_graph(x);
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_shape shape = erg_node_shape(x), wanted, has = erg_node_shape(given);
    if (!x || shape.ndim < 1 || shape.ndim >= ERG_MAX_DIMS)
        return erg_graph_fail(graph, "%s: %s", loss, x ? "x has no batch axis" : "no data");
    if (count < 1)
        return erg_graph_fail(graph, "%s: %lld vectors a sample", loss, (long long)count);
    wanted = shape_for(x, count);
    if (given && !erg_shape_equal(has, wanted))
        return erg_graph_fail(graph, "%s: given %s, must be %s", loss, erg_shape_text(has, a),
                              erg_shape_text(wanted, b));
    return true;
}

/* Uniform on the sphere of radius sqrt(D): a direction, with E[v v^T] = I. */
static erg_node *on_sphere(erg_node *normal) {
    erg_shape shape = erg_node_shape(normal);
    erg_node *rows = shape.ndim == 2 ? erg_unsqueeze(normal, 2) : erg_flatten(normal, 2);
    double radius = sqrt((double)erg_node_shape(rows).dims[2]);
    erg_node *v = erg_div(rows, erg_norm(rows, 2, ERG_AXES(2), 1));
    return erg_reshape(erg_mul_scalar(v, radius), shape.ndim, shape.dims);
}

erg_node *erg_projections_draw(const char *loss, erg_node *x, erg_projections projections) {
    int64_t count = erg_projections_count(projections.count);
    if (!check(loss, x, count, projections.directions))
        return NULL;
    if (projections.directions)
        return projections.directions;
    erg_graph *graph = erg_node_graph(x);
    erg_dtype dtype = erg_node_dtype(x);
    switch (projections.law) {
    case ERG_RADEMACHER_DIRECTIONS:
        return erg_rademacher(graph, dtype, shape_for(x, count));
    case ERG_NORMAL_DIRECTIONS:
        return erg_normal(graph, dtype, shape_for(x, count));
    case ERG_SPHERE_DIRECTIONS:
        return on_sphere(erg_normal(graph, dtype, shape_for(x, count)));
    }
    return erg_graph_fail(graph, "%s: unknown law of directions %d", loss, (int)projections.law);
}

erg_node *erg_projections_trace(erg_node *gradient, erg_node *x, erg_node *weight, erg_node *v) {
    int64_t count = erg_node_shape(v).dims[0];
    erg_node *sum = NULL;
    for (int64_t k = 0; v && k < count; k++) {
        erg_node *direction = erg_select(v, 0, k);
        erg_node *left = weight ? erg_mul(weight, direction) : direction;
        erg_node *part = erg_samples_dot(left, erg_vjp(gradient, x, direction));
        sum = k ? erg_add(sum, part) : part;
    }
    return erg_mul_scalar(sum, 1 / (double)count);
}

erg_node *erg_perturb(const char *loss, erg_node *x, erg_perturbation perturbation) {
    erg_graph *graph = erg_node_graph(x);
    double sigma = erg_loss_option(perturbation.sigma, 0.1);
    erg_node *level = perturbation.sigma_node;
    if (!(sigma > 0 && isfinite(sigma)) || (level && erg_node_shape(level).ndim != 0))
        return erg_graph_fail(graph, "%s: sigma %g, which as a node must have shape ()", loss,
                              sigma);
    erg_node *noise = erg_projections_draw(loss, x,
                                           (erg_projections){.count = perturbation.count,
                                                             .law = ERG_NORMAL_DIRECTIONS,
                                                             .directions = perturbation.noise});
    if (!noise)
        return NULL;
    noise = level ? erg_mul(level, noise) : erg_mul_scalar(noise, sigma);
    return erg_samples_join(erg_add(x, noise));
}

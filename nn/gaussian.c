/* gaussian.c: quadratic energies. With the precision L = W^T W, W a triangle,
 *     E(x) = 1/2 (x - mean)^T L (x - mean) = 1/2 |W (x - mean)|^2,  log Z = D/2 log 2 pi - log det W:
 * W makes white noise of x, and its inverse samples of white noise. */
#include <math.h>
#include <stdlib.h>

#include "module.h"

erg_node *erg_harmonic_energy(void *self, erg_node *x) {
    const double *stiffness = self;
    if (!stiffness || !(*stiffness > 0 && isfinite(*stiffness)))
        return erg_graph_fail(erg_node_graph(x), "harmonic_energy: stiffness %g",
                              stiffness ? *stiffness : NAN);
    return erg_mul_scalar(erg_module_sum(erg_square(x)), *stiffness / 2);
}

/* ------------------------------------------------------------------------------- triangles */

/* The lower triangle with T T^T = a, zeros above (Cholesky); false if a is not positive definite or
 * not symmetric. */
static bool cholesky(int64_t n, const double *a, double *t) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = a[i * n + j], scale = sqrt(a[i * n + i] * a[j * n + j]);
            if (!(fabs(a[i * n + j] - a[j * n + i]) <= 1e-8 * scale))
                return false;
            for (int64_t k = 0; k < j; k++)
                sum -= t[i * n + k] * t[j * n + k];
            if (i == j && !(sum > 0))
                return false;
            t[i * n + j] = i == j ? sqrt(sum) : sum / t[j * n + j];
        }
    return true;
}

/* The inverse of a lower triangle: T X = 1, column by column. */
static void invert(int64_t n, const double *t, double *x) {
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = j; i < n; i++) {
            double sum = i == j;
            for (int64_t k = j; k < i; k++)
                sum -= t[i * n + k] * x[k * n + j];
            x[i * n + j] = sum / t[i * n + i];
        }
}

static void transpose(int64_t n, double *a) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) {
            double swap = a[i * n + j];
            a[i * n + j] = a[j * n + i];
            a[j * n + i] = swap;
        }
}

/* ------------------------------------------------------------------------------- the Gaussian */

/* From T T^T = covariance W = 1/T, from T T^T = precision W = T^T. */
static bool find_triangles(int64_t d, const double *covariance, const double *precision,
                           double *whiten, double *colour) {
    double *t = covariance ? colour : whiten, *inverse = covariance ? whiten : colour;
    if (!cholesky(d, covariance ? covariance : precision, t))
        return false;
    invert(d, t, inverse);
    if (precision) {
        transpose(d, whiten);
        transpose(d, colour);
    }
    return true;
}

static bool check(erg_graph *graph, int64_t d, const double *mean, const double *covariance,
                  const double *precision) {
    if (d < 1 || !covariance == !precision)
        return erg_graph_fail(graph, "gaussian: needs dimensions, and a covariance or a precision");
    if (erg_shape_size(ERG_SHAPE(d, d)) < 0)
        return erg_graph_fail(graph, "gaussian: too large");
    for (int64_t i = 0; mean && i < d; i++)
        if (!isfinite(mean[i]))
            return erg_graph_fail(graph, "gaussian: element %lld of the mean is %g", (long long)i,
                                  mean[i]);
    return true;
}

erg_gaussian *erg_gaussian_new(erg_graph *graph, erg_dtype dtype, int64_t d, const double *mean,
                               const double *covariance, const double *precision) {
    if (!check(graph, d, mean, covariance, precision))
        return NULL;
    size_t matrix = (size_t)d * (size_t)d;
    erg_gaussian *gaussian = erg_graph_alloc(graph, sizeof *gaussian);
    double *whiten = calloc(2 * matrix + (size_t)d, sizeof *whiten);
    if (!gaussian || !whiten) {
        free(whiten);
        return (void)erg_graph_fail(graph, "gaussian: out of memory"), NULL;
    }
    double *colour = whiten + matrix, *zeros = colour + matrix;
    if (find_triangles(d, covariance, precision, whiten, colour)) {
        gaussian->mean =
            erg_module_constant("gaussian", graph, dtype, ERG_SHAPE(d), mean ? mean : zeros);
        gaussian->whiten = erg_module_constant("gaussian", graph, dtype, ERG_SHAPE(d, d), whiten);
        gaussian->colour = erg_module_constant("gaussian", graph, dtype, ERG_SHAPE(d, d), colour);
        gaussian->log_z = 0.5 * (double)d * log(2 * M_PI);
        for (int64_t i = 0; i < d; i++)
            gaussian->log_z -= log(whiten[i * d + i]);
    } else
        erg_graph_fail(graph, "gaussian: the %s is not symmetric and positive definite",
                       covariance ? "covariance" : "precision");
    free(whiten);
    return erg_graph_error(graph) ? NULL : gaussian;
}

erg_node *erg_gaussian_energy(void *self, erg_node *x) {
    const erg_gaussian *gaussian = self;
    if (!gaussian)
        return erg_graph_fail(erg_node_graph(x), "gaussian_energy: no Gaussian");
    if (!erg_module_has_width("gaussian_energy", x, erg_node_shape(gaussian->mean).dims[0]))
        return NULL;
    erg_node *away = erg_sub(x, gaussian->mean);
    erg_node *white = erg_matmul_transposed(away, 0, gaussian->whiten, 1);
    return erg_mul_scalar(erg_module_sum(erg_square(white)), 0.5);
}

erg_node *erg_gaussian_sample(const erg_gaussian *gaussian, int64_t n) {
    if (!gaussian)
        return erg_graph_fail(NULL, "gaussian_sample: no Gaussian");
    erg_graph *graph = erg_node_graph(gaussian->mean);
    if (n < 0)
        return erg_graph_fail(graph, "gaussian_sample: %lld samples", (long long)n);
    int64_t d = erg_node_shape(gaussian->mean).dims[0];
    erg_node *white = erg_normal(graph, erg_node_dtype(gaussian->mean), ERG_SHAPE(n, d));
    return erg_add(erg_matmul_transposed(white, 0, gaussian->colour, 1), gaussian->mean);
}

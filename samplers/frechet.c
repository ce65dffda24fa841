/* frechet.c: the distance of Frechet between two Gaussians (Dowson & Landau 1982; Heusel et al. 2017),
 *     |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2),
 * where the matrix under the last root is symmetric, so that its trace is the sum of the roots of
 * eigenvalues. */
#include <math.h>
#include <stdlib.h>

#include "points.h"

/* (d) and (d, d), float64; and room for roots. */
typedef struct gaussian {
    erg_tensor *mean, *covariance;
} gaussian;

static void fit(const erg_points *p, gaussian *g) {
    double *mean = g->mean->data, *c = g->covariance->data;
    int64_t d = p->d;
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t k = 0; k < d; k++)
            mean[k] += p->x[i * d + k] / (double)p->n;
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t k = 0; k < d; k++)
            for (int64_t l = 0; l <= k; l++)
                c[k * d + l] +=
                    (p->x[i * d + k] - mean[k]) * (p->x[i * d + l] - mean[l]) / (double)(p->n - 1);
    for (int64_t k = 0; k < d; k++)
        for (int64_t l = 0; l < k; l++)
            c[l * d + k] = c[k * d + l];
}

/* out = a b^T, of (d, d) matrices; the lower half mirrored, as it is symmetric in exact arithmetic,
 * if `symmetric`. */
static void multiply(const erg_tensor *a, const erg_tensor *b, int symmetric, erg_tensor *out) {
    int64_t d = a->shape.dims[0];
    const double *x = a->data, *y = b->data;
    double *z = out->data;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < (symmetric ? i + 1 : d); j++) {
            double sum = 0;
            for (int64_t k = 0; k < d; k++)
                sum += x[i * d + k] * y[j * d + k];
            z[i * d + j] = sum;
            if (symmetric)
                z[j * d + i] = sum;
        }
}

/* Eigenvalues that rounding has made negative count as 0. */
static double root_of(double eigenvalue) {
    return sqrt(fmax(eigenvalue, 0));
}

/* tr (C1^1/2 C2 C1^1/2)^1/2 = tr (F C2 F^T)^1/2 with F = diag(sqrt(l)) V^T, as C1 = F^T F. */
static erg_status trace_of_root(const gaussian *a, const gaussian *b, double *trace) {
    int64_t d = a->mean->shape.dims[0];
    erg_tensor *values = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(d));
    erg_tensor *vectors = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(d, d));
    erg_tensor *factor = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(d, d));
    erg_tensor *half = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(d, d));
    erg_status status = values && vectors && factor && half ? ERG_OK : ERG_ERROR_MEMORY;
    if (status == ERG_OK)
        status = erg_eigen_symmetric(a->covariance, values, vectors);
    for (int64_t i = 0; status == ERG_OK && i < d * d; i++)
        erg_tensor_set(factor, i,
                       root_of(erg_tensor_get(values, i / d)) *
                           erg_tensor_get(vectors, i % d * d + i / d));
    if (status == ERG_OK) {
        multiply(factor, b->covariance, 0, half);
        multiply(half, factor, 1, vectors);
        status = erg_eigen_symmetric(vectors, values, NULL);
    }
    *trace = 0;
    for (int64_t k = 0; status == ERG_OK && k < d; k++)
        *trace += root_of(erg_tensor_get(values, k));
    erg_tensor_free(values);
    erg_tensor_free(vectors);
    erg_tensor_free(factor);
    erg_tensor_free(half);
    return status;
}

static erg_status distance(const gaussian *a, const gaussian *b, double *square) {
    double trace;
    erg_status status = trace_of_root(a, b, &trace);
    if (status != ERG_OK)
        return status;
    int64_t d = a->mean->shape.dims[0];
    double sum = -2 * trace;
    for (int64_t k = 0; k < d; k++)
        sum += pow(erg_tensor_get(a->mean, k) - erg_tensor_get(b->mean, k), 2) +
               erg_tensor_get(a->covariance, k * d + k) + erg_tensor_get(b->covariance, k * d + k);
    *square = fmax(sum, 0);
    return ERG_OK;
}

static gaussian gaussian_new(int64_t d) {
    return (gaussian){erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(d)),
                      erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(d, d))};
}

static void gaussian_free(gaussian g) {
    erg_tensor_free(g.mean);
    erg_tensor_free(g.covariance);
}

erg_status erg_frechet_distance(const erg_tensor *x, const erg_tensor *y, double *square) {
    erg_points p, q;
    if (!square)
        return erg_fail(ERG_ERROR_ARGUMENT, "frechet_distance: no result");
    erg_status status = erg_points_read_two("frechet_distance", x, y, 2, &p, &q);
    if (status != ERG_OK)
        return status;
    gaussian a = gaussian_new(p.d), b = gaussian_new(q.d);
    status = a.mean && a.covariance && b.mean && b.covariance ? ERG_OK : ERG_ERROR_MEMORY;
    if (status == ERG_OK) {
        fit(&p, &a);
        fit(&q, &b);
        status = distance(&a, &b, square);
    }
    gaussian_free(a);
    gaussian_free(b);
    free(p.x);
    free(q.x);
    return status;
}

/* eigen.c: eigenvalues and eigenvectors of a symmetric matrix by Jacobi's method (1846): rotations in
 * the planes of two axes, A <- J^T A J, each of which makes one pair of off-diagonal elements zero. A
 * sweep goes through all pairs; in the end the error falls quadratically (Golub & Van Loan 2013,
 * section 8.5). Slower than other methods, and simple and as accurate as any. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tensor.h"

enum { MAX_SWEEPS = 60 };

/* Turns rows p and q of an n x n matrix. */
static void turn_rows(double *m, int64_t n, int64_t p, int64_t q, double c, double s) {
    for (int64_t k = 0; k < n; k++) {
        double a = m[p * n + k], b = m[q * n + k];
        m[p * n + k] = c * a - s * b;
        m[q * n + k] = s * a + c * b;
    }
}

static void turn_columns(double *m, int64_t n, int64_t p, int64_t q, double c, double s) {
    for (int64_t k = 0; k < n; k++) {
        double a = m[k * n + p], b = m[k * n + q];
        m[k * n + p] = c * a - s * b;
        m[k * n + q] = s * a + c * b;
    }
}

/* The smaller of the two angles whose rotation makes a_pq zero: its tangent solves
 * t^2 + 2 t (a_qq - a_pp) / (2 a_pq) - 1 = 0. The rows of v are turned along. */
static void rotate(double *a, double *v, int64_t n, int64_t p, int64_t q) {
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = copysign(1, theta) / (fabs(theta) + hypot(theta, 1));
    double c = 1 / hypot(t, 1), s = t * c;
    turn_columns(a, n, p, q, c, s);
    turn_rows(a, n, p, q, c, s);
    turn_rows(v, n, p, q, c, s);
    a[p * n + q] = a[q * n + p] = 0;
}

/* One sweep; true if all off-diagonal elements were negligible beside their diagonal ones. */
static bool sweep(double *a, double *v, int64_t n) {
    bool diagonal = true;
    for (int64_t p = 0; p < n; p++)
        for (int64_t q = p + 1; q < n; q++) {
            double size = sqrt(fabs(a[p * n + p])) * sqrt(fabs(a[q * n + q]));
            if (fabs(a[p * n + q]) <= 0x1p-54 * size)
                continue;
            diagonal = false;
            rotate(a, v, n, p, q);
        }
    return diagonal;
}

/* Writes the eigenvalues in ascending order, and the rows of v as columns. */
static void sort_pairs(const double *a, const double *v, int64_t n, double *values,
                       double *vectors) {
    for (int64_t i = 0; i < n; i++) {
        int64_t place = 0;
        for (int64_t j = 0; j < n; j++) {
            double x = a[i * n + i], y = a[j * n + j];
            place += y < x || (y == x && j < i);
        }
        values[place] = a[i * n + i];
        for (int64_t k = 0; vectors && k < n; k++)
            vectors[k * n + place] = v[i * n + k];
    }
}

static erg_status check(const erg_tensor *a, const erg_tensor *values, const erg_tensor *vectors) {
    char text[ERG_SHAPE_TEXT];
    if (!a || !values || a->dtype != ERG_FLOAT64 || values->dtype != ERG_FLOAT64 ||
        (vectors && vectors->dtype != ERG_FLOAT64))
        return erg_fail(ERG_ERROR_ARGUMENT, "eigen_symmetric: matrix, values and vectors must be "
                                            "float64 tensors");
    int64_t n = a->shape.ndim == 2 ? a->shape.dims[0] : -1;
    if (n < 0 || a->shape.dims[1] != n || !erg_shape_equal(values->shape, ERG_SHAPE(n)) ||
        (vectors && !erg_shape_equal(vectors->shape, a->shape)))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "eigen_symmetric: matrix %s must be square, with as many values",
                        erg_shape_text(a->shape, text));
    const double *x = a->data;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++)
            if (!isfinite(x[i * n + j]) || x[i * n + j] != x[j * n + i])
                return erg_fail(
                    ERG_ERROR_ARGUMENT,
                    "eigen_symmetric: elements (%lld, %lld) and (%lld, %lld) are %g and "
                    "%g",
                    (long long)i, (long long)j, (long long)j, (long long)i, x[i * n + j],
                    x[j * n + i]);
    return ERG_OK;
}

erg_status erg_eigen_symmetric(const erg_tensor *a, erg_tensor *values, erg_tensor *vectors) {
    erg_status status = check(a, values, vectors);
    if (status != ERG_OK)
        return status;
    int64_t n = a->shape.dims[0];
    erg_tensor *work = erg_tensor_clone(a), *basis = erg_tensor_new(ERG_FLOAT64, a->shape);
    if (work && basis) {
        double *v = basis->data;
        bool done = false;
        for (int64_t i = 0; i < n; i++)
            v[i * n + i] = 1;
        for (int k = 0; k < MAX_SWEEPS && !done; k++)
            done = sweep(work->data, v, n);
        sort_pairs(work->data, v, n, values->data, vectors ? vectors->data : NULL);
    } else {
        status = ERG_ERROR_MEMORY;
    }
    erg_tensor_free(work);
    erg_tensor_free(basis);
    return status;
}

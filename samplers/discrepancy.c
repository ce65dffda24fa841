/* discrepancy.c: distances between samples, and between samples and a density, as means over pairs of
 * a function of their distance. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "chains.h"
#include "points.h"

/* The mean of f(|x - y|^2) over the pairs of two sets, or of one with itself: then of different
 * points if `distinct`. Row by row, so that rounding stays small. */
static double mean_over_pairs(const erg_points *a, const erg_points *b, bool distinct,
                              double (*f)(double square, double scale), double scale) {
    double total = 0;
    for (int64_t i = 0; i < a->n; i++) {
        double row = 0;
        for (int64_t j = 0; j < b->n; j++)
            if (!distinct || i != j)
                row += f(erg_square_distance(a->x + i * a->d, b->x + j * b->d, a->d), scale);
        total += row / (double)(distinct ? b->n - 1 : b->n);
    }
    return total / (double)a->n;
}

/* ------------------------------------------------------------------------------- MMD */

static double gaussian_kernel(double square, double bandwidth) {
    return exp(-square / (2 * bandwidth * bandwidth));
}

static const double *point_of_both(const erg_points *a, const erg_points *b, int64_t i) {
    return i < a->n ? a->x + i * a->d : b->x + (i - a->n) * b->d;
}

/* The median distance between different ones of at most 1000 points, evenly taken from both sets. */
static erg_status median_distance(const erg_points *a, const erg_points *b, double *median) {
    int64_t total = a->n + b->n, used = total < 1000 ? total : 1000, count = 0;
    double *distances = calloc((size_t)(used * (used - 1) / 2), sizeof *distances);
    if (!distances)
        return erg_fail(ERG_ERROR_MEMORY, "mmd: out of memory");
    for (int64_t i = 0; i < used; i++)
        for (int64_t j = 0; j < i; j++) {
            const double *x = point_of_both(a, b, i * total / used);
            const double *y = point_of_both(a, b, j * total / used);
            distances[count++] = sqrt(erg_square_distance(x, y, a->d));
        }
    erg_sort(distances, count);
    *median = erg_quantile(distances, count, 0.5);
    free(distances);
    return *median > 0
               ? ERG_OK
               : erg_fail(ERG_ERROR_ARGUMENT, "mmd: the median distance is 0, give a bandwidth");
}

erg_status erg_mmd(const erg_tensor *x, const erg_tensor *y, double bandwidth, double *square) {
    erg_points a, b;
    if (!square || !(bandwidth >= 0 && isfinite(bandwidth)))
        return erg_fail(ERG_ERROR_ARGUMENT, "mmd: bandwidth %g, or no result", bandwidth);
    erg_status status = erg_points_read_two("mmd", x, y, 2, &a, &b);
    if (status != ERG_OK)
        return status;
    double h = bandwidth;
    if (h == 0)
        status = median_distance(&a, &b, &h);
    if (status == ERG_OK)
        *square = mean_over_pairs(&a, &a, true, gaussian_kernel, h) +
                  mean_over_pairs(&b, &b, true, gaussian_kernel, h) -
                  2 * mean_over_pairs(&a, &b, false, gaussian_kernel, h);
    free(a.x);
    free(b.x);
    return status;
}

/* ------------------------------------------------------------------------------- energy distance */

static double distance(double square, double scale) {
    return scale * sqrt(square);
}

erg_status erg_energy_distance(const erg_tensor *x, const erg_tensor *y, double *square) {
    erg_points a, b;
    if (!square)
        return erg_fail(ERG_ERROR_ARGUMENT, "energy_distance: no result");
    erg_status status = erg_points_read_two("energy_distance", x, y, 1, &a, &b);
    if (status != ERG_OK)
        return status;
    *square = 2 * mean_over_pairs(&a, &b, false, distance, 1) -
              mean_over_pairs(&a, &a, false, distance, 1) -
              mean_over_pairs(&b, &b, false, distance, 1);
    free(a.x);
    free(b.x);
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- Stein discrepancy */

/* k(x, y) = f(r) of r = |x - y|^2, with its first two derivatives. */
typedef struct radial {
    double f, slope, bend;
} radial;

static radial kernel_at(double r, erg_ksd_options o) {
    if (o.kernel == ERG_STEIN_RBF) {
        double f = gaussian_kernel(r, o.scale), c = -1 / (2 * o.scale * o.scale);
        return (radial){f, c * f, c * c * f};
    }
    double base = o.scale * o.scale + r, f = pow(base, o.exponent);
    return (radial){f, o.exponent * f / base, o.exponent * (o.exponent - 1) * f / (base * base)};
}

/* The Stein kernel, with s and t the scores at x and y:
 *     k s.t + s.grad_y k + t.grad_x k + tr grad_x grad_y k
 *     = f s.t - 2 f' (s - t).(x - y) - 2 d f' - 4 r f''. */
static double stein_kernel(const double *x, const double *s, const double *y, const double *t,
                           int64_t d, erg_ksd_options o) {
    double r = erg_square_distance(x, y, d), product = 0, along = 0;
    for (int64_t k = 0; k < d; k++) {
        product += s[k] * t[k];
        along += (s[k] - t[k]) * (x[k] - y[k]);
    }
    radial f = kernel_at(r, o);
    return f.f * product - 2 * f.slope * along - 2 * (double)d * f.slope - 4 * r * f.bend;
}

static double mean_stein_kernel(const erg_points *x, const erg_points *s, erg_ksd_options o) {
    double total = 0;
    for (int64_t i = 0; i < x->n; i++) {
        double row = 0;
        for (int64_t j = 0; j < x->n; j++)
            if (o.biased || i != j)
                row += stein_kernel(x->x + i * x->d, s->x + i * x->d, x->x + j * x->d,
                                    s->x + j * x->d, x->d, o);
        total += row / (double)(o.biased ? x->n : x->n - 1);
    }
    return total / (double)x->n;
}

erg_status erg_ksd(const erg_tensor *x, const erg_tensor *scores, erg_ksd_options options,
                   double *square) {
    erg_points a, s;
    erg_ksd_options o = options;
    o.scale = o.scale != 0 ? o.scale : 1;
    o.exponent = o.exponent != 0 ? o.exponent : -0.5;
    if (!square || !(o.scale > 0 && isfinite(o.scale)) || !(o.exponent > -1 && o.exponent < 0) ||
        (o.kernel != ERG_STEIN_IMQ && o.kernel != ERG_STEIN_RBF))
        return erg_fail(ERG_ERROR_ARGUMENT, "ksd: kernel %d, scale %g, exponent %g, or no result",
                        (int)o.kernel, o.scale, o.exponent);
    if (x && scores && !erg_shape_equal(x->shape, scores->shape))
        return erg_fail(ERG_ERROR_ARGUMENT, "ksd: points and scores have different shapes");
    erg_status status = erg_points_read_two("ksd", x, scores, 2, &a, &s);
    if (status != ERG_OK)
        return status;
    *square = mean_stein_kernel(&a, &s, o);
    free(a.x);
    free(s.x);
    return ERG_OK;
}

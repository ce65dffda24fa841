/* ising_torus.c: the partition function of the Ising model on a torus, exactly (Onsager 1944; Kaufman
 * 1949). With m rows, n columns, coupling K on all bonds and
 *     cosh g_l = cosh 2K coth 2K - cos(l pi / n),  g_0 = 2K + log tanh K,
 *     Z = 1/2 (2 sinh 2K)^(mn/2) (  prod_(odd l) 2 cosh(m g_l / 2) + prod_(odd l)  2 sinh(m g_l / 2)
 *                                 + prod_(even l) 2 cosh(m g_l / 2) + prod_(even l) 2 sinh(m g_l / 2)),
 * l = 0, ..., 2n - 1, and the last product negative below the critical K, where g_0 is. All in
 * logarithms. */
#include <math.h>

#include "samplers.h"

/* g_l, from cosh g = 1 + 2 sinh^2(g/2), so that nothing cancels near the critical point. */
static double mode(double k, int64_t l, int64_t n) {
    if (l == 0)
        return 2 * k + log(tanh(k));
    double s = sinh(2 * k), wave = sin((double)l * M_PI / (2 * (double)n));
    return 2 * asinh(sqrt((1 - s) * (1 - s) / (2 * s) + wave * wave));
}

/* log 2 cosh a and log |2 sinh a|. */
static double log_two_cosh(double a) {
    return fabs(a) + log1p(exp(-2 * fabs(a)));
}

static double log_two_sinh(double a) {
    return fabs(a) + log(-expm1(-2 * fabs(a)));
}

static double largest(const double *x, int count) {
    double most = x[0];
    for (int i = 1; i < count; i++)
        most = fmax(most, x[i]);
    return most;
}

double erg_ising_torus_log_z(int64_t rows, int64_t columns, double coupling) {
    const double k = fabs(coupling), sites = (double)rows * (double)columns;
    /* Each second spin of a checkerboard turned over changes K's sign, if the board closes. */
    int mirrored = rows % 2 == 0 && columns % 2 == 0;
    if (rows < 3 || columns < 3 || !isfinite(coupling) || (coupling < 0 && !mirrored)) {
        erg_fail(
            ERG_ERROR_ARGUMENT,
            "ising_torus_log_z: %lld x %lld sites, coupling %g: at least 3 x 3, and even sizes "
            "for a negative coupling",
            (long long)rows, (long long)columns, coupling);
        return NAN;
    }
    if (k == 0)
        return sites * log(2);
    double logs[4] = {0}; /* cosh odd, sinh odd, cosh even, sinh even */
    for (int64_t l = 0; l < 2 * columns; l++) {
        double a = (double)rows / 2 * mode(k, l, columns);
        logs[l % 2 ? 0 : 2] += log_two_cosh(a);
        logs[l % 2 ? 1 : 3] += log_two_sinh(a);
    }
    double top = largest(logs, 4), sign = mode(k, 0, columns) < 0 ? -1 : 1, sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (i == 3 ? sign : 1) * exp(logs[i] - top);
    return top + log(sum / 2) + sites / 2 * log_two_sinh(2 * k);
}

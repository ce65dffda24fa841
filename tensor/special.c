/* special.c: the polygamma functions psi_n = (d/dx)^(n+1) log Gamma(x).
 *
 *   x < 0:    reflection      psi_n(x) = (-1)^n psi_n(1 - x) - pi (d/dx)^n cot(pi x)
 *   small x:  recurrence      psi_n(x) = psi_n(x + 1) - (-1)^n n! / x^(n+1)
 *   large x:  expansion       psi_0(x) ~ log x - 1/(2x) - sum_k B_2k / (2k x^2k)
 *             and, n > 0,     psi_n(x) ~ (-1)^(n+1) (n-1)!/x^n
 *                                        [1 + n/(2x) + sum_k B_2k C(2k+n-1, 2k) / x^2k]
 *
 * DLMF 5.15.5, 5.15.6, 5.11.2 and 5.15.8, https://dlmf.nist.gov/5.15. */
#include "special.h"

#include <math.h>

#define PI 3.14159265358979323846

/* The Bernoulli numbers B_2, B_4, ..., B_24. */
static const double bernoulli[] = {
    1.0 / 6, -1.0 / 30,     1.0 / 42,      -1.0 / 30,       5.0 / 66,       -691.0 / 2730,
    7.0 / 6, -3617.0 / 510, 43867.0 / 798, -174611.0 / 330, 854513.0 / 138, -236364091.0 / 2730,
};
#define BERNOULLI_COUNT ((int)(sizeof(bernoulli) / sizeof(bernoulli[0])))

/* From here + order on, the terms of the expansion fall below 1e-17 of the sum. */
#define LARGE 15

/* n!/x^(n+1), x > 0, factor by factor so that no part of it overflows before the whole does. */
static double factorial_over_power(int n, double x) {
    double product = 1 / x;
    for (int k = 1; k <= n; k++) {
        product *= k / x;
    }
    return product;
}

static double digamma_large(double x) {
    double sum = log(x) - 0.5 / x;
    double power = 1;
    for (int k = 1; k <= BERNOULLI_COUNT; k++) {
        power /= x * x;
        sum -= bernoulli[k - 1] * power / (2 * k);
    }
    return sum;
}

/* |psi_n(x)| for n > 0. */
static double polygamma_large(int n, double x) {
    double sum = 1 + n / (2 * x);
    double term = 1; /* C(2k+n-1, 2k) / x^2k */
    for (int k = 1; k <= BERNOULLI_COUNT; k++) {
        term *= (2 * k + n - 2) / x * (2 * k + n - 1) / x / (2 * k * (2 * k - 1));
        sum += bernoulli[k - 1] * term;
    }
    return sum * factorial_over_power(n - 1, x);
}

/* psi_n(x) for x > 0. */
static double polygamma_positive(int n, double x) {
    double shift = 0;
    while (x < LARGE + n) {
        shift += factorial_over_power(n, x);
        x += 1;
    }
    if (n == 0) {
        return digamma_large(x) - shift;
    }
    double size = polygamma_large(n, x) + shift;
    return n % 2 == 1 ? size : -size;
}

/* cot(pi x), x not an integer, without losing digits near the poles or the zeros. */
static double cot_pi(double x) {
    double r = x - rint(x); /* exact, in [-1/2, 1/2] */
    return fabs(r) < 0.25 ? 1 / tan(PI * r) : copysign(tan(PI * (0.5 - fabs(r))), r);
}

/* (-1)^n (d/dx)^n cot(pi x) = n! pi^n Q_n(c) with c = cot(pi x), where
 * Q_0 = c and Q_(n+1) = (1 + c^2) Q_n' / (n + 1) are polynomials of the parity of n + 1 whose
 * coefficients are all >= 0, so that nothing cancels. */
static double cot_pi_derivative(int n, double x) {
    double q[ERG_POLYGAMMA_MAX_ORDER + 2] = {0, 1}; /* coefficients of Q_m, of degree m + 1 */
    double factor = 1;                              /* m! pi^m */
    for (int m = 0; m < n; m++) {
        double next[ERG_POLYGAMMA_MAX_ORDER + 2] = {0};
        for (int k = 1; k <= m + 1; k++) {
            next[k - 1] += k * q[k] / (m + 1);
            next[k + 1] += k * q[k] / (m + 1);
        }
        for (int k = 0; k <= m + 2; k++) {
            q[k] = next[k];
        }
        factor *= PI * (m + 1);
    }
    double c = cot_pi(x);
    double sum = 0;
    for (int k = n + 1; k >= 0; k -= 2) {
        sum = sum * c * c + q[k];
    }
    return factor * (n % 2 == 0 ? sum * c : sum);
}

double erg_scalar_polygamma(int order, double x) {
    if (order < 0 || order > ERG_POLYGAMMA_MAX_ORDER || isnan(x) || x == -INFINITY) {
        return NAN;
    }
    if (x > 0) {
        return polygamma_positive(order, x);
    }
    if (x == rint(x)) {
        return order % 2 == 1 ? INFINITY : x == 0 ? -copysign(INFINITY, x) : NAN;
    }
    double value = polygamma_positive(order, 1 - x) - PI * cot_pi_derivative(order, x);
    return order % 2 == 1 ? -value : value;
}

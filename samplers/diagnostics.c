/* diagnostics.c: whether chains have mixed, and what their draws are worth, as Stan says it (Vehtari,
 * Gelman, Simpson, Carpenter & Buerkner 2021).
 *
 * Chains are split in halves, so that one that drifts differs from itself. With n draws in each of m
 * half chains, B/n the variance of their means and W the mean of their variances,
 *     var+ = (n-1)/n W + B/n,   R-hat = sqrt(var+ / W),
 *     rho_t = 1 - (W - mean autocovariance_t) / var+,   ESS = m n / (1 + 2 sum_t rho_t).
 * Numbers are replaced by the normal scores of their ranks, which exist for heavy tails too. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chains.h"

enum { LEAST_DRAWS = 8 };

/* The draws of one element, and room for what is made of them. */
typedef struct diagnosis {
    erg_chains whole, halves;
    double *sorted;     /* all draws */
    double *covariance; /* (n): of a half chain */
    double *mean_covariance;
    double *work; /* of erg_autocovariance */
} diagnosis;

/* ------------------------------------------------------------------------------- two statistics */

static double mean_of(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

/* With divisor n - 1. */
static double variance_of(const double *x, int64_t n) {
    double mean = mean_of(x, n), sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum / (double)(n - 1);
}

static bool is_constant(const double *x, int64_t n) {
    for (int64_t i = 1; i < n; i++)
        if (x[i] != x[0])
            return false;
    return true;
}

/* The variance of the chains' means, 0 for one chain. */
static double variance_between(const erg_chains *c) {
    double mean = 0, sum = 0;
    for (int64_t k = 0; k < c->chains; k++)
        mean += mean_of(c->x + k * c->n, c->n) / (double)c->chains;
    for (int64_t k = 0; k < c->chains; k++)
        sum += pow(mean_of(c->x + k * c->n, c->n) - mean, 2);
    return c->chains > 1 ? sum / (double)(c->chains - 1) : 0;
}

static double rhat(const erg_chains *c) {
    double within = 0, n = (double)c->n;
    if (is_constant(c->x, c->chains * c->n))
        return NAN;
    for (int64_t k = 0; k < c->chains; k++)
        within += variance_of(c->x + k * c->n, c->n) / (double)c->chains;
    return sqrt((n - 1) / n + variance_between(c) / within);
}

/* rho_t is summed in pairs, rho_2k + rho_(2k+1), which decrease and stay positive for a reversible
 * chain: up to the first that is not, none above the one before (Geyer 1992). */
static double effective_size(const diagnosis *d, const erg_chains *c) {
    int64_t n = c->n;
    double *cov = d->mean_covariance, total = (double)(c->chains * n);
    if (is_constant(c->x, c->chains * n))
        return NAN;
    memset(cov, 0, (size_t)n * sizeof *cov);
    for (int64_t k = 0; k < c->chains; k++) {
        erg_autocovariance(c->x + k * n, n, d->covariance, d->work);
        for (int64_t t = 0; t < n; t++)
            cov[t] += d->covariance[t] / (double)c->chains;
    }
    double within = cov[0] * (double)n / (double)(n - 1), all = cov[0] + variance_between(c);
    double tau = -1, before = INFINITY, even = 1, odd = 1 - (within - cov[1]) / all;
    for (int64_t t = 1; t < n - 3 && even + odd > 0; t += 2) {
        before = fmin(before, even + odd);
        tau += 2 * before;
        even = 1 - (within - cov[t + 1]) / all;
        odd = 1 - (within - cov[t + 2]) / all;
    }
    tau += fmax(even, 0);
    return total / fmax(tau, 1 / log10(total));
}

/* ------------------------------------------------------------------------------- what is measured */

/* The inverse of the normal distribution function: a rational start (Abramowitz & Stegun 1964,
 * 26.2.23) and Newton's method on the logarithm of the tail, which is nearly a parabola. */
static double normal_quantile(double p) {
    double tail = fmin(p, 1 - p), t = sqrt(-2 * log(tail));
    double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int i = 0; i < 4; i++) {
        double upper = 0.5 * erfc(z * M_SQRT1_2);
        double density = exp(-z * z / 2) / sqrt(2 * M_PI);
        z += upper / density * log(upper / tail);
    }
    return p < 0.5 ? -z : z;
}

/* z = Phi^-1((r - 3/8) / (S + 1/4)) of the ranks r = 1 .. S (Blom 1958). */
static erg_status normalise(erg_chains *c) {
    int64_t total = c->chains * c->n;
    erg_status status = erg_ranks(c->x, total, c->x);
    for (int64_t i = 0; status == ERG_OK && i < total; i++)
        c->x[i] = normal_quantile((c->x[i] - 0.375) / ((double)total + 0.25));
    return status;
}

/* The halves of the chains; the middle draw of an odd number is left out. */
static void split(diagnosis *d) {
    int64_t half = d->halves.n, n = d->whole.n;
    for (int64_t c = 0; c < d->whole.chains; c++) {
        const double *from = d->whole.x + c * n;
        double *to = d->halves.x + 2 * c * half;
        memcpy(to, from, (size_t)half * sizeof *to);
        memcpy(to + half, from + n - half, (size_t)half * sizeof *to);
    }
}

/* Distances from the median: chains that differ in scale then differ in location. */
static void fold(diagnosis *d, double *scratch) {
    int64_t total = d->halves.chains * d->halves.n;
    memcpy(scratch, d->halves.x, (size_t)total * sizeof *scratch);
    erg_sort(scratch, total);
    double median = erg_quantile(scratch, total, 0.5);
    for (int64_t i = 0; i < total; i++)
        d->halves.x[i] = fabs(d->halves.x[i] - median);
}

/* The effective size for a quantile, that of the indicator x <= q. */
static double quantile_size(diagnosis *d, double q) {
    split(d);
    for (int64_t i = 0; i < d->halves.chains * d->halves.n; i++)
        d->halves.x[i] = d->halves.x[i] <= q;
    return effective_size(d, &d->halves);
}

static double square_size(diagnosis *d, double mean) {
    split(d);
    for (int64_t i = 0; i < d->halves.chains * d->halves.n; i++)
        d->halves.x[i] = pow(d->halves.x[i] - mean, 2);
    return effective_size(d, &d->halves);
}

/* ------------------------------------------------------------------------------- one element */

/* The standard error of the standard deviation: that of the variance, by the delta method. */
static double std_error(const erg_chains *c, double mean, double effective) {
    double second = 0, fourth = 0, total = (double)(c->chains * c->n);
    for (int64_t i = 0; i < c->chains * c->n; i++) {
        double square = pow(c->x[i] - mean, 2);
        second += square / total;
        fourth += square * square / total;
    }
    return sqrt((fourth - second * second) / effective / second) / 2;
}

static void describe(diagnosis *d, erg_diagnosis *r) {
    int64_t total = d->whole.chains * d->whole.n;
    memcpy(d->sorted, d->whole.x, (size_t)total * sizeof *d->sorted);
    erg_sort(d->sorted, total);
    r->mean = mean_of(d->whole.x, total);
    r->std = sqrt(variance_of(d->whole.x, total));
    r->q5 = erg_quantile(d->sorted, total, 0.05);
    r->median = erg_quantile(d->sorted, total, 0.5);
    r->q95 = erg_quantile(d->sorted, total, 0.95);
    for (int64_t i = 0; i < total; i++)
        d->sorted[i] = fabs(d->sorted[i] - r->median);
    erg_sort(d->sorted, total);
    r->mad = 1.482602218505602 * erg_quantile(d->sorted, total, 0.5); /* 1 / Phi^-1(3/4) */
}

static erg_status diagnose(diagnosis *d, erg_diagnosis *r) {
    describe(d, r);
    r->ess_tail = fmin(quantile_size(d, r->q5), quantile_size(d, r->q95));
    r->mcse_std = std_error(&d->whole, r->mean, square_size(d, r->mean));
    split(d);
    r->ess_mean = effective_size(d, &d->halves);
    r->mcse_mean = r->std / sqrt(r->ess_mean);
    erg_status status = normalise(&d->halves);
    if (status != ERG_OK)
        return status;
    r->ess_bulk = effective_size(d, &d->halves);
    r->rhat_split = rhat(&d->halves);
    split(d);
    fold(d, d->sorted);
    status = normalise(&d->halves);
    r->rhat_folded = rhat(&d->halves);
    r->rhat = fmax(r->rhat_split, r->rhat_folded);
    return status;
}

/* An element with a draw that is NaN or infinite has no statistics. */
static bool all_finite(const erg_chains *c) {
    for (int64_t i = 0; i < c->chains * c->n; i++)
        if (!isfinite(c->x[i]))
            return false;
    return true;
}

static const erg_diagnosis unknown = {NAN, NAN, NAN, NAN, NAN, NAN, NAN,
                                      NAN, NAN, NAN, NAN, NAN, NAN, NAN};

/* ------------------------------------------------------------------------------- all elements */

static bool prepare(diagnosis *d, const erg_tensor *draws) {
    *d = (diagnosis){.whole = erg_chains_new("diagnose", draws)};
    int64_t half = d->whole.n / 2, total = d->whole.chains * d->whole.n;
    d->halves = (erg_chains){.chains = 2 * d->whole.chains, .n = half};
    d->halves.x = calloc((size_t)total, sizeof(double));
    d->sorted = calloc((size_t)total, sizeof(double));
    d->covariance = calloc((size_t)half, sizeof(double));
    d->mean_covariance = calloc((size_t)half, sizeof(double));
    d->work = calloc(2 * (size_t)erg_padded_size(half), sizeof(double));
    return d->whole.x && d->halves.x && d->sorted && d->covariance && d->mean_covariance && d->work;
}

static void release(diagnosis *d) {
    free(d->whole.x);
    free(d->halves.x);
    free(d->sorted);
    free(d->covariance);
    free(d->mean_covariance);
    free(d->work);
}

erg_status erg_diagnose(const erg_tensor *draws, erg_diagnosis *results, int64_t count) {
    int64_t elements;
    erg_status status = erg_chains_check("diagnose", draws, LEAST_DRAWS, &elements);
    if (status != ERG_OK)
        return status;
    if (!results || count != elements)
        return erg_fail(ERG_ERROR_ARGUMENT, "diagnose: %lld results for %lld elements",
                        results ? (long long)count : 0, (long long)elements);
    diagnosis d;
    if (!prepare(&d, draws))
        status = erg_fail(ERG_ERROR_MEMORY, "diagnose: out of memory");
    for (int64_t k = 0; status == ERG_OK && k < elements; k++) {
        erg_chains_read(&d.whole, draws, k);
        results[k] = unknown;
        if (all_finite(&d.whole))
            status = diagnose(&d, &results[k]);
    }
    release(&d);
    return status;
}

erg_status erg_ebfmi(const erg_tensor *energies, erg_tensor *result) {
    int64_t elements;
    erg_status status = erg_chains_check("ebfmi", energies, 2, &elements);
    if (status != ERG_OK)
        return status;
    if (elements != 1 || !result || result->dtype != ERG_FLOAT64 ||
        !erg_shape_equal(result->shape, ERG_SHAPE(energies->shape.dims[1])))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "ebfmi: energies must be (draws, chains), the result float64 (chains)");
    erg_chains c = erg_chains_new("ebfmi", energies);
    if (!c.x)
        return ERG_ERROR_MEMORY;
    erg_chains_read(&c, energies, 0);
    for (int64_t k = 0; k < c.chains; k++) {
        const double *e = c.x + k * c.n;
        double steps = 0;
        for (int64_t t = 1; t < c.n; t++)
            steps += pow(e[t] - e[t - 1], 2);
        erg_tensor_set(result, k, steps / (variance_of(e, c.n) * (double)(c.n - 1)));
    }
    free(c.x);
    return ERG_OK;
}

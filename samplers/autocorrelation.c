/* autocorrelation.c: how much a chain remembers: the autocovariance at lag t,
 *     c_t = 1/n sum_s (x_s - m)(x_(s+t) - m),  rho_t = c_t / c_0,
 * for all lags in O(n log n): the transform of |FFT(x - m)|^2, with zeros behind x so that its two ends
 * do not meet (Wiener & Khinchin). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chains.h"
#include "fft.h"

int64_t erg_padded_size(int64_t n) {
    int64_t size = 1;
    while (size < 2 * n)
        size *= 2;
    return size;
}

double erg_autocovariance(const double *x, int64_t n, double *covariance, double *work) {
    int64_t size = erg_padded_size(n);
    double mean = 0;
    for (int64_t t = 0; t < n; t++)
        mean += x[t] / (double)n;
    memset(work, 0, 2 * (size_t)size * sizeof *work);
    for (int64_t t = 0; t < n; t++)
        work[2 * t] = x[t] - mean;
    erg_fft(work, size);
    for (int64_t k = 0; k < size; k++) {
        work[2 * k] = work[2 * k] * work[2 * k] + work[2 * k + 1] * work[2 * k + 1];
        work[2 * k + 1] = 0;
    }
    erg_fft(work, size); /* even and real: the inverse but for its factor */
    for (int64_t t = 0; t < n; t++)
        covariance[t] = work[2 * t] / ((double)size * (double)n);
    return mean;
}

static void correlate(const erg_chains *chains, int64_t elements, int64_t element,
                      double *covariance, double *work, erg_tensor *rho) {
    for (int64_t c = 0; c < chains->chains; c++) {
        erg_autocovariance(chains->x + c * chains->n, chains->n, covariance, work);
        for (int64_t t = 0; t < rho->shape.dims[0]; t++)
            erg_tensor_set(rho, (t * chains->chains + c) * elements + element,
                           covariance[t] / covariance[0]);
    }
}

erg_tensor *erg_autocorrelation(const erg_tensor *draws, int64_t lags) {
    int64_t elements;
    if (erg_chains_check("autocorrelation", draws, 2, &elements) != ERG_OK)
        return NULL;
    if (lags < 0 || lags > draws->shape.dims[0]) {
        erg_fail(ERG_ERROR_ARGUMENT, "autocorrelation: %lld lags of %lld draws", (long long)lags,
                 (long long)draws->shape.dims[0]);
        return NULL;
    }
    erg_shape shape = draws->shape;
    shape.dims[0] = lags ? lags : shape.dims[0];
    erg_chains chains = erg_chains_new("autocorrelation", draws);
    double *covariance = calloc((size_t)chains.n, sizeof *covariance);
    double *work = calloc(2 * (size_t)erg_padded_size(chains.n), sizeof *work);
    erg_tensor *rho = NULL;
    if (!chains.x || !covariance || !work)
        erg_fail(ERG_ERROR_MEMORY, "autocorrelation: out of memory");
    else
        rho = erg_tensor_new(ERG_FLOAT64, shape);
    for (int64_t element = 0; rho && element < elements; element++) {
        erg_chains_read(&chains, draws, element);
        correlate(&chains, elements, element, covariance, work, rho);
    }
    free(chains.x);
    free(covariance);
    free(work);
    return rho;
}

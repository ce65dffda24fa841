/* fft.h: the discrete Fourier transform. Internal. */
#ifndef ERG_SAMPLERS_FFT_H
#define ERG_SAMPLERS_FFT_H

#include <stdint.h>

/* X_k = sum_j x_j exp(-2 pi i j k / n), in place, for n numbers that are a power of two, whose real
 * and imaginary parts alternate: z[2 n]. */
void erg_fft(double *z, int64_t n);

#endif

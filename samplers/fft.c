/* fft.c: the discrete Fourier transform of a power of two of numbers (Cooley & Tukey 1965): with its
 * elements in the order of their reversed bits, a transform of length 2m is made of two of length m,
 *     X_k = E_k + w^k O_k,  X_(k+m) = E_k - w^k O_k,  w = exp(-pi i / m). */
#include <math.h>

#include "fft.h"

static void swap(double *a, double *b) {
    double c = *a;
    *a = *b;
    *b = c;
}

/* j runs through the reversed bits of i: the carry goes from the highest bit down. */
static void reverse_bits(double *z, int64_t n) {
    for (int64_t i = 0, j = 0; i < n; i++) {
        if (i < j) {
            swap(&z[2 * i], &z[2 * j]);
            swap(&z[2 * i + 1], &z[2 * j + 1]);
        }
        int64_t bit = n / 2;
        for (; bit && j & bit; bit /= 2)
            j -= bit;
        j += bit;
    }
}

static void butterfly(double *even, double *odd, double re, double im) {
    double x = re * odd[0] - im * odd[1], y = re * odd[1] + im * odd[0];
    odd[0] = even[0] - x;
    odd[1] = even[1] - y;
    even[0] += x;
    even[1] += y;
}

void erg_fft(double *z, int64_t n) {
    reverse_bits(z, n);
    for (int64_t m = 1; m < n; m *= 2)
        for (int64_t k = 0; k < m; k++) {
            double angle = -M_PI * (double)k / (double)m, re = cos(angle), im = sin(angle);
            for (int64_t i = k; i < n; i += 2 * m)
                butterfly(&z[2 * i], &z[2 * (i + m)], re, im);
        }
}

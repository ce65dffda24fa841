/* det.c: numbers that need no file and no library: splitmix64 (Steele, Lea & Flood 2014) of a
 * counter. */
#include <math.h>

#include "bench.h"

double det_uniform(uint64_t seed, uint64_t i) {
    uint64_t z = ((seed << 32) + i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (double)(z >> 40) / 16777216.0;
}

void det_fill(erg_tensor *value, uint64_t seed, double low, double high) {
    for (int64_t i = 0; i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, low + (high - low) * det_uniform(seed, (uint64_t)i));
}

void det_normal(erg_tensor *value, uint64_t seed) {
    int64_t n = erg_tensor_size(value);
    for (int64_t i = 0; i < n; i++) {
        double radius = sqrt(-2 * log(1 - det_uniform(seed, (uint64_t)i)));
        erg_tensor_set(value, i, radius * cos(2 * M_PI * det_uniform(seed, (uint64_t)(n + i))));
    }
}

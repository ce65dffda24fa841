/* arrays.h: arrays of any dtype for the tests of the kernels, seen as doubles. */
#ifndef ERG_TESTS_ARRAYS_H
#define ERG_TESTS_ARRAYS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../tensor/kernels.h"

static inline double get(erg_dtype dtype, const void *array, int64_t i) {
    return dtype == ERG_FLOAT32   ? ((const float *)array)[i]
           : dtype == ERG_FLOAT64 ? ((const double *)array)[i]
                                  : ((const int32_t *)array)[i];
}

static inline void set(erg_dtype dtype, void *array, int64_t i, double value) {
    if (dtype == ERG_FLOAT32)
        ((float *)array)[i] = (float)value;
    else if (dtype == ERG_FLOAT64)
        ((double *)array)[i] = value;
    else
        ((int32_t *)array)[i] = (int32_t)value;
}

static inline size_t size_of(erg_dtype dtype) {
    return dtype == ERG_FLOAT64 ? 8 : 4;
}

static inline double epsilon_of(erg_dtype dtype) {
    return dtype == ERG_FLOAT64 ? 0x1p-52 : 0x1p-23;
}

/* Exactly n elements, so that tools see every access beyond them; n = 0 has an address too. */
static inline void *array_new(erg_dtype dtype, int64_t n) {
    return calloc((size_t)n + (n == 0), size_of(dtype));
}

/* Pseudo-random numbers in [-1, 1] (SplitMix64). */
static inline double next_number(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1;
}

static inline void *array_random(erg_dtype dtype, int64_t n, uint64_t seed, double scale) {
    void *array = array_new(dtype, n);
    for (int64_t i = 0; i < n; i++)
        set(dtype, array, i, scale * next_number(&seed));
    return array;
}

static inline void *array_copy(erg_dtype dtype, int64_t n, const void *array) {
    void *copy = array_new(dtype, n);
    memcpy(copy, array, (size_t)n * size_of(dtype));
    return copy;
}

/* The same number, bit for bit but for the payload of a NaN. */
static inline int same(double a, double b) {
    return (isnan(a) && isnan(b)) || (a == b && !signbit(a) == !signbit(b));
}

#endif

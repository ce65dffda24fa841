/* random.h: random numbers in pieces. Internal.
 *
 * How words become numbers, so that other kernels can make the same ones. Block b of an array is
 * philox(counter = (b, stream, run mod 2^32, run div 2^32), key = (seed mod 2^32, seed div 2^32)).
 *
 * float32, four elements a block: uniform (w >> 8) 2^-24; normals in pairs from words (0, 1) and
 * (2, 3): r cos a, r sin a with r = sqrt(-2 log u), u = (w + 1) 2^-32, a = 2 pi w' 2^-32.
 *
 * float64, two elements a block, each from the 64-bit word w = (second word << 32) | first:
 * uniform (w >> 11) 2^-53; one pair of normals with u = ((w >> 11) + 1) 2^-53 and
 * a = 2 pi (w' >> 11) 2^-53.
 *
 * Uniforms have the same bits on every machine. Normals are within 5 units in the last place of
 * these formulas, also where u is near 1 or a near a multiple of pi/2. */
#ifndef ERG_TENSOR_RANDOM_H
#define ERG_TENSOR_RANDOM_H

#include "tensor.h"

/* Writes elements begin <= i < end of the array `where` names to out[0], out[1], ...: the same
 * bits however [0, n) is cut into ranges. dtype is ERG_FLOAT32 or ERG_FLOAT64, 0 <= begin and
 * end <= 2^33. */
void erg_uniform_range(erg_dtype dtype, erg_random where, int64_t begin, int64_t end, void *out);
void erg_normal_range(erg_dtype dtype, erg_random where, int64_t begin, int64_t end, void *out);

#endif

/* deflate.h: lossless compression. Internal. */
#ifndef ERG_TENSOR_DEFLATE_H
#define ERG_TENSOR_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

/* The most bytes that erg_zlib_compress makes of `size` bytes, for sizes up to 2^60. */
size_t erg_zlib_bound(size_t size);

/* Compresses bytes into out, which has room for erg_zlib_bound(size) bytes, as a zlib stream (RFC
 * 1950). Returns its length, 0 if memory is short. */
size_t erg_zlib_compress(const uint8_t *bytes, size_t size, uint8_t *out);

#endif

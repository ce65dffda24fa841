/* deflate.h: lossless compression and the two checksums that go with it. Internal. */
#ifndef ERG_TENSOR_DEFLATE_H
#define ERG_TENSOR_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

/* The most bytes that erg_zlib_compress makes of `size` bytes, for sizes up to 2^60. */
size_t erg_zlib_bound(size_t size);

/* Compresses bytes into out, which has room for erg_zlib_bound(size) bytes, as a zlib stream (RFC
 * 1950). Returns its length, 0 if memory is short. */
size_t erg_zlib_compress(const uint8_t *bytes, size_t size, uint8_t *out);

/* The checksum of zlib streams. */
uint32_t erg_adler32(const uint8_t *bytes, size_t size);

/* The checksum of PNG and gzip; a sequence is checked piece by piece, starting from crc = 0. */
uint32_t erg_crc32(uint32_t crc, const uint8_t *bytes, size_t size);

#endif

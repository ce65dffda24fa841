/* checksum.h: two checksums of bytes. Internal. */
#ifndef ERG_TENSOR_CHECKSUM_H
#define ERG_TENSOR_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of zlib streams. */
uint32_t erg_adler32(const uint8_t *bytes, size_t size);

/* The checksum of PNG, gzip and zip; a sequence is checked piece by piece, from crc = 0 on. */
uint32_t erg_crc32(uint32_t crc, const uint8_t *bytes, size_t size);

#endif

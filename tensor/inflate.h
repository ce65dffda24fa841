/* inflate.h: what deflate packed, unpacked. Internal. */
#ifndef ERG_TENSOR_INFLATE_H
#define ERG_TENSOR_INFLATE_H

#include <stddef.h>
#include <stdint.h>

/* No stream unpacks to more than this many times its size: at best, two bits make 258 bytes. */
#define ERG_MAX_INFLATION 1032

/* Unpacks a deflate stream (RFC 1951) that makes exactly out_size bytes and ends within size; *used
 * is its length. NULL if all is well, else what is wrong; erg_no_memory if memory is short. */
const char *erg_inflate(const uint8_t *bytes, size_t size, uint8_t *out, size_t out_size,
                        size_t *used);

/* Unpacks a whole .gz file (RFC 1952) of one member, and checks its checksum. The caller frees
 * *out, which is never larger than ERG_MAX_INFLATION times the file. */
const char *erg_gunzip(const uint8_t *bytes, size_t size, uint8_t **out, size_t *out_size);
/* 1 if the bytes begin as a .gz file does. */
int erg_is_gzip(const uint8_t *bytes, size_t size);

#endif

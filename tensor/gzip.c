/* gzip.c: .gz files (RFC 1952): a header, a deflate stream, the CRC-32 and the size of what it
 * unpacks to. */
#include "inflate.h"

#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "decode.h"

#define HEADER_SIZE 10
#define TRAILER_SIZE 8

/* What follows the header, by bit of its flags; bit 0 says only that the content is text. */
enum { HEADER_CRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xe0 };

int erg_is_gzip(const uint8_t *bytes, size_t size) {
    return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

/* Moves *at behind a text that ends in 0. 0 if it does not end. */
static int skip_text(const uint8_t *bytes, size_t size, size_t *at) {
    const uint8_t *end = memchr(bytes + *at, 0, size - *at);
    *at = end != NULL ? (size_t)(end - bytes) + 1 : *at;
    return end != NULL;
}

/* Where the stream begins; 0 if the header is not one. */
static size_t skip_header(const uint8_t *bytes, size_t size) {
    size_t at = HEADER_SIZE;
    if (size < HEADER_SIZE || !erg_is_gzip(bytes, size) || bytes[2] != 8 || bytes[3] & RESERVED) {
        return 0;
    }
    int flags = bytes[3];
    if (flags & EXTRA) {
        size_t length = size - at >= 2 ? 2 + (size_t)erg_load_bits(bytes + at, 2, 0) : SIZE_MAX;
        if (length > size - at) {
            return 0;
        }
        at += length;
    }
    if ((flags & NAME && !skip_text(bytes, size, &at)) ||
        (flags & COMMENT && !skip_text(bytes, size, &at))) {
        return 0;
    }
    if (flags & HEADER_CRC) {
        if (size - at < 2 ||
            erg_load_bits(bytes + at, 2, 0) != (erg_crc32(0, bytes, at) & 0xffff)) {
            return 0;
        }
        at += 2;
    }
    return at;
}

const char *erg_gunzip(const uint8_t *bytes, size_t size, uint8_t **out, size_t *out_size) {
    size_t start = skip_header(bytes, size), used = 0;
    if (start == 0 || size - start < TRAILER_SIZE) {
        return "not a .gz file";
    }
    const uint8_t *trailer = bytes + size - TRAILER_SIZE;
    size_t packed = size - start - TRAILER_SIZE;
    *out_size = (size_t)erg_load_bits(trailer + 4, 4, 0);
    if (*out_size / ERG_MAX_INFLATION > packed) {
        return "the .gz file announces more than it can hold";
    }
    *out = malloc(*out_size + 1);
    if (*out == NULL) {
        return erg_no_memory;
    }
    const char *problem = erg_inflate(bytes + start, packed, *out, *out_size, &used);
    if (problem == NULL && used != packed) {
        problem = "something stands behind the packed data";
    }
    if (problem == NULL && erg_crc32(0, *out, *out_size) != erg_load_bits(trailer, 4, 0)) {
        problem = "the file is damaged: the checksum of its content is another";
    }
    if (problem != NULL) {
        free(*out);
        *out = NULL;
    }
    return problem;
}

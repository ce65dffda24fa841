/* decode.h: numbers as files hold them. Internal. */
#ifndef ERG_TENSOR_DECODE_H
#define ERG_TENSOR_DECODE_H

#include "scan.h"

/* How a file writes the numbers of an array. */
typedef struct erg_encoding {
    char kind;   /* 'f' IEEE 754, 'g' bfloat16, 'i' and 'u' integers, 'b' truth values */
    size_t size; /* bytes of one number: 2, 4 or 8 for 'f', 2 for 'g', 1 to 8 for the others */
    int big_endian;
    int fortran_order; /* the first index runs fastest */
} erg_encoding;

/* The bytes of one number as the bits of an integer, whatever machine this is; and back, lowest
 * byte first. */
uint64_t erg_load_bits(const uint8_t *bytes, size_t size, int big_endian);
void erg_store_bits(uint8_t *bytes, size_t size, uint64_t bits);

/* A tensor of this shape, whose size the caller has checked, from size * encoding.size bytes:
 * float64 from 8 bytes of floats, float32 from fewer, int32 from all others, all without a change
 * of value. NULL (with a message) if memory is short or an integer is no int32. */
erg_tensor *erg_decode(erg_encoding encoding, erg_shape shape, const uint8_t *bytes,
                       const erg_place *place);

/* The bytes of all elements, as they lie in memory. */
size_t erg_byte_count(const erg_tensor *tensor);

#endif

/* npy.h: an array in NumPy's format, alone in a file or a member of an .npz. Internal. */
#ifndef ERG_TENSOR_NPY_H
#define ERG_TENSOR_NPY_H

#include "decode.h"

/* NumPy leaves room for the first size to grow to 21 digits, so that rows can be appended in place,
 * and rounds up to a multiple of 64 bytes. For every shape that a tensor can have, at most 8 sizes
 * with a product below 2^60, that makes 128: from 66 bytes for () to 126 for the longest. */
#define ERG_NPY_HEADER 128

/* What stands before the elements, byte for byte as NumPy writes it. */
void erg_npy_header(const erg_tensor *tensor, char header[ERG_NPY_HEADER]);

/* The tensor of a whole array; NULL (with a message) if it breaks the format or memory is short. */
erg_tensor *erg_npy_parse_at(const erg_place *place, const uint8_t *bytes, size_t size);

#endif

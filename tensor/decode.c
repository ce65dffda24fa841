/* decode.c: numbers as files hold them, to the elements of a tensor. float16 (IEEE 754) and
 * bfloat16 (a float32 without its lower half) become float32, integers of any size int32 where they
 * fit. */
#include "decode.h"

#include <math.h>
#include <string.h>

uint64_t erg_load_bits(const uint8_t *bytes, size_t size, int big_endian) {
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | bytes[big_endian ? i : size - 1 - i];
    }
    return bits;
}

void erg_store_bits(uint8_t *bytes, size_t size, uint64_t bits) {
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(bits >> 8 * i);
    }
}

size_t erg_byte_count(const erg_tensor *tensor) {
    return (size_t)erg_tensor_size(tensor) * erg_dtype_size(tensor->dtype);
}

/* ------------------------------------------------------------------------------- one number */

/* A sign, 5 bits of exponent with bias 15, 10 bits of fraction. */
static float half_value(uint64_t bits) {
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float size = exponent == 0    ? ldexpf((float)fraction, -24)
                 : exponent == 31 ? (fraction ? NAN : INFINITY)
                                  : ldexpf((float)(1024 + fraction), exponent - 25);
    return bits >> 15 ? -size : size;
}

static float float_value(const erg_encoding *encoding, uint64_t bits) {
    if (encoding->kind == 'f' && encoding->size == 2) {
        return half_value(bits);
    }
    uint32_t word = (uint32_t)(encoding->kind == 'g' ? bits << 16 : bits);
    float value;
    memcpy(&value, &word, sizeof(value));
    return value;
}

/* An integer or a truth value. Beyond int64 it comes out negative, which no unsigned one is. */
static int64_t integer_value(const erg_encoding *encoding, uint64_t bits) {
    if (encoding->kind == 'i') {
        uint64_t sign = (uint64_t)1 << (8 * encoding->size - 1);
        return (int64_t)((bits ^ sign) - sign);
    }
    return encoding->kind == 'b' ? bits != 0 : (int64_t)bits;
}

static int is_int32(const erg_encoding *encoding, int64_t value) {
    return value <= INT32_MAX && value >= (encoding->kind == 'i' ? INT32_MIN : 0);
}

/* ------------------------------------------------------------------------------- arrays */

/* Row-major position of the element that comes k-th in Fortran order. */
static int64_t row_major_position(const erg_shape *shape, int64_t k) {
    int64_t position = 0, stride = erg_shape_size(*shape);
    for (int d = 0; d < shape->ndim; d++) {
        stride /= shape->dims[d];
        position += k % shape->dims[d] * stride;
        k /= shape->dims[d];
    }
    return position;
}

static erg_dtype tensor_dtype(const erg_encoding *encoding) {
    int is_float = encoding->kind == 'f' || encoding->kind == 'g';
    return !is_float ? ERG_INT32 : encoding->size == 8 ? ERG_FLOAT64 : ERG_FLOAT32;
}

/* The bytes are the tensor's own. */
static int is_native(const erg_encoding *encoding) {
    int big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    return encoding->size == erg_dtype_size(tensor_dtype(encoding)) &&
           encoding->big_endian == big_endian && !encoding->fortran_order &&
           (encoding->kind == 'f' || encoding->kind == 'i');
}

/* Stores one element. 0 if it does not fit the tensor's dtype. */
static int store(erg_tensor *tensor, int64_t position, const erg_encoding *encoding,
                 uint64_t bits) {
    if (tensor->dtype == ERG_FLOAT64) {
        memcpy((double *)tensor->data + position, &bits, sizeof(double));
        return 1;
    }
    if (tensor->dtype == ERG_FLOAT32) {
        ((float *)tensor->data)[position] = float_value(encoding, bits);
        return 1;
    }
    int64_t value = integer_value(encoding, bits);
    ((int32_t *)tensor->data)[position] = (int32_t)value;
    return is_int32(encoding, value);
}

static void fail_integer(const erg_encoding *encoding, int64_t position, uint64_t bits,
                         const erg_place *place) {
    char problem[96];
    int64_t value = integer_value(encoding, bits);
    const char *sign = encoding->kind == 'i' && value < 0 ? "-" : "";
    unsigned long long size = sign[0] ? -(uint64_t)value : (uint64_t)value;
    snprintf(problem, sizeof(problem), "element %lld is %s%llu, which is no int32",
             (long long)position, sign, size);
    erg_fail_at(place, problem);
}

static int decode_each(erg_tensor *tensor, const erg_encoding *encoding, const uint8_t *bytes,
                       const erg_place *place) {
    int64_t size = erg_tensor_size(tensor);
    for (int64_t k = 0; k < size; k++, bytes += encoding->size) {
        uint64_t bits = erg_load_bits(bytes, encoding->size, encoding->big_endian);
        int64_t position = encoding->fortran_order ? row_major_position(&tensor->shape, k) : k;
        if (!store(tensor, position, encoding, bits)) {
            fail_integer(encoding, position, bits, place);
            return 0;
        }
    }
    return 1;
}

erg_tensor *erg_decode(erg_encoding encoding, erg_shape shape, const uint8_t *bytes,
                       const erg_place *place) {
    erg_tensor *tensor = erg_tensor_new(tensor_dtype(&encoding), shape);
    if (tensor == NULL) {
        return NULL;
    }
    if (is_native(&encoding)) {
        memcpy(tensor->data, bytes, erg_byte_count(tensor));
    } else if (!decode_each(tensor, &encoding, bytes, place)) {
        erg_tensor_free(tensor);
        tensor = NULL;
    }
    return tensor;
}

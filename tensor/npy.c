/* npy.c: NumPy's .npy files (NEP 1): a preamble, a header that is a Python dictionary written out,
 * and the elements.
 *
 *     "\x93NUMPY" major minor | length | header | elements
 *     header: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
 *
 * The length of the header has two bytes in format 1.0, four in 2.0 and 3.0, least significant
 * first. descr is byte order, kind and size: '<f4' is a little-endian float32. The reader knows
 * the few Python literals that can stand there and refuses everything else. */
#include <stdlib.h>
#include <string.h>

#include "tensor.h"
#include "file.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6
#define PREAMBLE_SIZE 10

typedef struct npy_header {
    char kind;        /* 'f', 'i', 'u' or 'b' as NumPy calls them */
    size_t item_size; /* bytes of one element in the file */
    int big_endian;
    int fortran_order; /* the first index runs fastest */
    erg_shape shape;
} npy_header;

/* ------------------------------------------------------------------------------- header in */

/* What is left of the header's text. The parsers below return NULL if all is well, else what is
 * wrong. */
typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_space(cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t')) {
        c->at++;
    }
}

/* Skips space and this word, if it is next. */
static int accept(cursor *c, const char *word) {
    size_t length = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0) {
        return 0;
    }
    c->at += length;
    return 1;
}

static const char *parse_descr(cursor *c, npy_header *header) {
    static const char known[][3] = {"f4", "f8", "i4", "i8", "b1", "u1", "i1", "i2", "u2"};
    static const char *const problem = "descr is none of f4, f8, i4, i8, b1, u1, i1, i2, u2 "
                                       "in byte order < or >";
    skip_space(c);
    if (c->end - c->at < 5 || (c->at[0] != '\'' && c->at[0] != '"') || c->at[4] != c->at[0]) {
        return problem;
    }
    char order = c->at[1];
    const char *type = c->at + 2;
    c->at += 5;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (memcmp(type, known[i], 2) == 0) {
            header->kind = type[0];
            header->item_size = (size_t)(type[1] - '0');
            header->big_endian = order == '>';
            int has_order = order == '<' || order == '>';
            return has_order || (order == '|' && header->item_size == 1) ? NULL : problem;
        }
    }
    return problem;
}

static const char *parse_fortran_order(cursor *c, npy_header *header) {
    header->fortran_order = accept(c, "True");
    return header->fortran_order || accept(c, "False") ? NULL
                                                       : "fortran_order is not True or False";
}

/* A decimal number that fits int64_t. */
static int accept_size(cursor *c, int64_t *size) {
    skip_space(c);
    const char *start = c->at;
    for (*size = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        int digit = *c->at - '0';
        if (*size > (INT64_MAX - digit) / 10) {
            return 0;
        }
        *size = *size * 10 + digit;
    }
    return c->at > start;
}

/* A Python tuple: (), (2,), (2, 3), (2, 3,), but not (2), which is a number. */
static const char *parse_shape(cursor *c, npy_header *header) {
    int64_t dims[ERG_MAX_DIMS];
    int ndim = 0, comma = 1;
    if (!accept(c, "(")) {
        return "shape is not a tuple";
    }
    while (!accept(c, ")")) {
        if (ndim == ERG_MAX_DIMS) {
            return "shape has more than 8 dimensions";
        }
        if (!comma || !accept_size(c, &dims[ndim])) {
            return "shape is not a tuple of sizes";
        }
        comma = accept(c, ",");
        ndim++;
    }
    if (ndim == 1 && !comma) {
        return "shape is not a tuple";
    }
    header->shape = erg_shape_make(ndim, dims);
    return erg_shape_size(header->shape) < 0 ? "shape is too large" : NULL;
}

static const struct field {
    const char *names[2]; /* in either kind of quotes */
    const char *(*parse)(cursor *c, npy_header *header);
} fields[] = {
    {{"'descr'", "\"descr\""}, parse_descr},
    {{"'fortran_order'", "\"fortran_order\""}, parse_fortran_order},
    {{"'shape'", "\"shape\""}, parse_shape},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const char *parse_field(cursor *c, npy_header *header, int seen[FIELDS]) {
    for (size_t i = 0; i < FIELDS; i++) {
        if (accept(c, fields[i].names[0]) || accept(c, fields[i].names[1])) {
            if (seen[i]++) {
                return "the header holds a key twice";
            }
            return accept(c, ":") ? fields[i].parse(c, header) : "a key without a value";
        }
    }
    return "the header holds something other than descr, fortran_order and shape";
}

static const char *parse_dictionary(cursor *c, npy_header *header) {
    int seen[FIELDS] = {0}, comma = 1;
    if (!accept(c, "{")) {
        return "the header is not a dictionary";
    }
    while (!accept(c, "}")) {
        const char *problem = comma ? parse_field(c, header, seen) : "the header lacks a comma";
        if (problem != NULL) {
            return problem;
        }
        comma = accept(c, ",");
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (!seen[i]) {
            return "the header lacks descr, fortran_order or shape";
        }
    }
    skip_space(c);
    return c->at == c->end ? NULL : "text follows the header's dictionary";
}

/* ------------------------------------------------------------------------------- elements in */

/* The bytes of one number as the bits of an integer, whatever machine this is. */
static uint64_t load_bits(const uint8_t *bytes, size_t size, int big_endian) {
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | bytes[big_endian ? i : size - 1 - i];
    }
    return bits;
}

/* An integer or a truth value of any size. */
static int64_t integer_value(const npy_header *header, uint64_t bits) {
    if (header->kind == 'i') {
        uint64_t sign = (uint64_t)1 << (8 * header->item_size - 1);
        return (int64_t)((bits ^ sign) - sign);
    }
    return header->kind == 'b' ? bits != 0 : (int64_t)bits;
}

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

/* Stores one element. 0 if it does not fit the tensor's dtype. */
static int store(erg_tensor *tensor, int64_t position, const npy_header *header, uint64_t bits) {
    if (tensor->dtype == ERG_FLOAT64) {
        memcpy((double *)tensor->data + position, &bits, sizeof(double));
        return 1;
    }
    if (tensor->dtype == ERG_FLOAT32) {
        uint32_t low = (uint32_t)bits;
        memcpy((float *)tensor->data + position, &low, sizeof(float));
        return 1;
    }
    int64_t value = integer_value(header, bits);
    if (value < INT32_MIN || value > INT32_MAX) {
        return 0;
    }
    ((int32_t *)tensor->data)[position] = (int32_t)value;
    return 1;
}

static erg_tensor *read_elements(const npy_header *header, const uint8_t *bytes, const char *name) {
    erg_dtype dtype = header->kind != 'f'      ? ERG_INT32
                      : header->item_size == 4 ? ERG_FLOAT32
                                               : ERG_FLOAT64;
    erg_tensor *tensor = erg_tensor_new(dtype, header->shape);
    int64_t size = erg_tensor_size(tensor);
    for (int64_t k = 0; k < size; k++) {
        uint64_t bits =
            load_bits(bytes + (size_t)k * header->item_size, header->item_size, header->big_endian);
        int64_t position = header->fortran_order ? row_major_position(&header->shape, k) : k;
        if (!store(tensor, position, header, bits)) {
            erg_fail(ERG_ERROR_FORMAT, "npy_read: \"%s\": element %lld is %lld, which is no int32",
                     name, (long long)position, (long long)integer_value(header, bits));
            erg_tensor_free(tensor);
            return NULL;
        }
    }
    return tensor;
}

/* ------------------------------------------------------------------------------- whole files */

/* The preamble: how long it is and how long the header that follows. */
static const char *parse_preamble(const uint8_t *bytes, size_t size, size_t *preamble,
                                  size_t *length) {
    if (size < PREAMBLE_SIZE || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0) {
        return "not a .npy file";
    }
    uint8_t major = bytes[6], minor = bytes[7];
    if (major < 1 || major > 3 || minor != 0) {
        return "the format version is none of 1.0, 2.0 and 3.0";
    }
    size_t length_size = major == 1 ? 2 : 4;
    *preamble = MAGIC_SIZE + 2 + length_size;
    if (size < *preamble) {
        return "the file ends before its header";
    }
    *length = (size_t)load_bits(bytes + MAGIC_SIZE + 2, length_size, 0);
    return *length <= size - *preamble ? NULL : "the file ends within its header";
}

static const char *parse_header(const uint8_t *bytes, size_t size, npy_header *header,
                                size_t *data_start) {
    size_t preamble, length;
    const char *problem = parse_preamble(bytes, size, &preamble, &length);
    if (problem != NULL) {
        return problem;
    }
    const char *text = (const char *)bytes + preamble;
    *data_start = preamble + length;
    return parse_dictionary(&(cursor){text, text + length}, header);
}

erg_tensor *erg_npy_parse(const uint8_t *bytes, size_t size, const char *name) {
    npy_header header = {0};
    size_t start = 0;
    const char *problem = parse_header(bytes, size, &header, &start);
    if (problem != NULL) {
        erg_fail(ERG_ERROR_FORMAT, "npy_read: \"%s\": %s", name, problem);
        return NULL;
    }
    uint64_t wanted = (uint64_t)erg_shape_size(header.shape) * header.item_size;
    if (wanted != size - start) {
        char shape[ERG_SHAPE_TEXT];
        erg_fail(ERG_ERROR_FORMAT, "npy_read: \"%s\": %zu bytes of data, not the %llu of shape %s",
                 name, size - start, (unsigned long long)wanted,
                 erg_shape_text(header.shape, shape));
        return NULL;
    }
    return read_elements(&header, bytes + start, name);
}

erg_tensor *erg_npy_read(const char *path) {
    uint8_t *bytes;
    size_t size;
    if (erg_file_read("npy_read", path, &bytes, &size) != ERG_OK) {
        return NULL;
    }
    erg_tensor *tensor = erg_npy_parse(bytes, size, path);
    free(bytes);
    return tensor;
}

/* ------------------------------------------------------------------------------- writing */

/* NumPy leaves room for the first size to grow to 21 digits, so that rows can be appended in place,
 * and rounds up to a multiple of 64 bytes. For every shape that a tensor can have, at most 8 sizes
 * with a product below 2^60, that makes 128: from 66 bytes for () to 126 for the longest. */
#define HEADER_SIZE 128

/* Elements go to the file as they lie in memory. */
#define NATIVE_ORDER (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>')

/* Writes preamble and header, byte for byte as NumPy does. */
static void write_header(char header[HEADER_SIZE], const erg_tensor *tensor) {
    static const char *const types[] = {
        [ERG_FLOAT32] = "f4", [ERG_FLOAT64] = "f8", [ERG_INT32] = "i4"};
    char shape[ERG_SHAPE_TEXT];
    erg_shape_text(tensor->shape, shape);
    if (tensor->shape.ndim == 1) {
        snprintf(shape, sizeof(shape), "(%lld,)", (long long)tensor->shape.dims[0]);
    }
    memcpy(header, MAGIC "\x01\0\x76\0", PREAMBLE_SIZE); /* 1.0, 118 bytes follow */
    int used = PREAMBLE_SIZE + snprintf(header + PREAMBLE_SIZE, HEADER_SIZE - PREAMBLE_SIZE,
                                        "{'descr': '%c%s', 'fortran_order': False, 'shape': %s, }",
                                        NATIVE_ORDER, types[tensor->dtype], shape);
    memset(header + used, ' ', (size_t)(HEADER_SIZE - used));
    header[HEADER_SIZE - 1] = '\n';
}

erg_status erg_npy_write(const char *path, const erg_tensor *tensor) {
    if (tensor == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "npy_write: no tensor");
    }
    char header[HEADER_SIZE];
    write_header(header, tensor);
    const erg_piece pieces[] = {
        {header, HEADER_SIZE},
        {tensor->data, (size_t)erg_tensor_size(tensor) * erg_dtype_size(tensor->dtype)},
    };
    return erg_file_replace("npy_write", path, pieces, 2);
}

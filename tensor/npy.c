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

#include "npy.h"
#include "file.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6
#define PREAMBLE_SIZE 10

typedef struct npy_header {
    erg_encoding encoding;
    erg_shape shape;
} npy_header;

/* ------------------------------------------------------------------------------- header in */

static const char *parse_descr(erg_cursor *c, npy_header *header) {
    static const char known[][3] = {"f2", "f4", "f8", "i4", "i8", "b1", "u1", "i1", "i2", "u2"};
    static const char *const problem = "descr is none of f2, f4, f8, i4, i8, b1, u1, i1, i2, u2 "
                                       "in byte order < or >";
    erg_skip_space(c);
    if (c->end - c->at < 5 || (c->at[0] != '\'' && c->at[0] != '"') || c->at[4] != c->at[0]) {
        return problem;
    }
    char order = c->at[1];
    const char *type = c->at + 2;
    c->at += 5;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (memcmp(type, known[i], 2) == 0) {
            header->encoding.kind = type[0];
            header->encoding.size = (size_t)(type[1] - '0');
            header->encoding.big_endian = order == '>';
            int has_order = order == '<' || order == '>';
            return has_order || (order == '|' && header->encoding.size == 1) ? NULL : problem;
        }
    }
    return problem;
}

static const char *parse_fortran_order(erg_cursor *c, npy_header *header) {
    header->encoding.fortran_order = erg_accept(c, "True");
    return header->encoding.fortran_order || erg_accept(c, "False")
               ? NULL
               : "fortran_order is not True or False";
}

/* A Python tuple: (), (2,), (2, 3), (2, 3,), but not (2), which is a number. */
static const char *parse_shape(erg_cursor *c, npy_header *header) {
    int64_t dims[ERG_MAX_DIMS];
    int ndim = 0, comma = 1;
    if (!erg_accept(c, "(")) {
        return "shape is not a tuple";
    }
    while (!erg_accept(c, ")")) {
        if (ndim == ERG_MAX_DIMS) {
            return "shape has more than 8 dimensions";
        }
        if (!comma || !erg_accept_size(c, &dims[ndim])) {
            return "shape is not a tuple of sizes";
        }
        comma = erg_accept(c, ",");
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
    const char *(*parse)(erg_cursor *c, npy_header *header);
} fields[] = {
    {{"'descr'", "\"descr\""}, parse_descr},
    {{"'fortran_order'", "\"fortran_order\""}, parse_fortran_order},
    {{"'shape'", "\"shape\""}, parse_shape},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const char *parse_field(erg_cursor *c, npy_header *header, int seen[FIELDS]) {
    for (size_t i = 0; i < FIELDS; i++) {
        if (erg_accept(c, fields[i].names[0]) || erg_accept(c, fields[i].names[1])) {
            if (seen[i]++) {
                return "the header holds a key twice";
            }
            return erg_accept(c, ":") ? fields[i].parse(c, header) : "a key without a value";
        }
    }
    return "the header holds something other than descr, fortran_order and shape";
}

static const char *parse_dictionary(erg_cursor *c, npy_header *header) {
    int seen[FIELDS] = {0}, comma = 1;
    if (!erg_accept(c, "{")) {
        return "the header is not a dictionary";
    }
    while (!erg_accept(c, "}")) {
        const char *problem = comma ? parse_field(c, header, seen) : "the header lacks a comma";
        if (problem != NULL) {
            return problem;
        }
        comma = erg_accept(c, ",");
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (!seen[i]) {
            return "the header lacks descr, fortran_order or shape";
        }
    }
    erg_skip_space(c);
    return c->at == c->end ? NULL : "text follows the header's dictionary";
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
    *length = (size_t)erg_load_bits(bytes + MAGIC_SIZE + 2, length_size, 0);
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
    return parse_dictionary(&(erg_cursor){text, text + length}, header);
}

erg_tensor *erg_npy_parse_at(const erg_place *place, const uint8_t *bytes, size_t size) {
    npy_header header = {0};
    size_t start = 0;
    const char *problem = parse_header(bytes, size, &header, &start);
    if (problem != NULL) {
        erg_fail_at(place, problem);
        return NULL;
    }
    uint64_t wanted = (uint64_t)erg_shape_size(header.shape) * header.encoding.size;
    if (wanted != size - start) {
        char shape[ERG_SHAPE_TEXT], text[ERG_SHAPE_TEXT + 96];
        snprintf(text, sizeof(text), "%zu bytes of data, not the %llu of shape %s", size - start,
                 (unsigned long long)wanted, erg_shape_text(header.shape, shape));
        erg_fail_at(place, text);
        return NULL;
    }
    return erg_decode(header.encoding, header.shape, bytes + start, place);
}

erg_tensor *erg_npy_parse(const uint8_t *bytes, size_t size, const char *name) {
    return erg_npy_parse_at(&(erg_place){.operation = "npy_read", .file = name}, bytes, size);
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

/* Elements go to the file as they lie in memory. */
#define NATIVE_ORDER (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>')

void erg_npy_header(const erg_tensor *tensor, char header[ERG_NPY_HEADER]) {
    static const char *const types[] = {
        [ERG_FLOAT32] = "f4", [ERG_FLOAT64] = "f8", [ERG_INT32] = "i4"};
    char shape[ERG_SHAPE_TEXT];
    erg_shape_text(tensor->shape, shape);
    if (tensor->shape.ndim == 1) {
        snprintf(shape, sizeof(shape), "(%lld,)", (long long)tensor->shape.dims[0]);
    }
    memcpy(header, MAGIC "\x01\0\x76\0", PREAMBLE_SIZE); /* 1.0, 118 bytes follow */
    int used = PREAMBLE_SIZE + snprintf(header + PREAMBLE_SIZE, ERG_NPY_HEADER - PREAMBLE_SIZE,
                                        "{'descr': '%c%s', 'fortran_order': False, 'shape': %s, }",
                                        NATIVE_ORDER, types[tensor->dtype], shape);
    memset(header + used, ' ', (size_t)(ERG_NPY_HEADER - used));
    header[ERG_NPY_HEADER - 1] = '\n';
}

erg_status erg_npy_write(const char *path, const erg_tensor *tensor) {
    if (tensor == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "npy_write: no tensor");
    }
    char header[ERG_NPY_HEADER];
    erg_npy_header(tensor, header);
    const erg_piece pieces[] = {
        {header, ERG_NPY_HEADER},
        {tensor->data, erg_byte_count(tensor)},
    };
    return erg_file_replace("npy_write", path, pieces, 2);
}

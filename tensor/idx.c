/* idx.c: IDX files, in which MNIST comes, plain or as .gz:
 *
 *     0 0 type ndim | ndim sizes of 4 bytes | elements, the last index fastest
 *
 * All numbers have their highest byte first. */
#include <stdlib.h>

#include "decode.h"
#include "file.h"
#include "inflate.h"

#define PREAMBLE_SIZE 4
#define SIZE_SIZE 4

static const char *parse_type(uint8_t type, erg_encoding *encoding) {
    static const struct {
        uint8_t type;
        char kind;
        size_t size;
    } known[] = {{0x08, 'u', 1}, {0x09, 'i', 1}, {0x0b, 'i', 2},
                 {0x0c, 'i', 4}, {0x0d, 'f', 4}, {0x0e, 'f', 8}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (type == known[i].type) {
            *encoding =
                (erg_encoding){.kind = known[i].kind, .size = known[i].size, .big_endian = 1};
            return NULL;
        }
    }
    return "the type is none of 8, 9, 11, 12, 13, 14";
}

/* Everything but the elements, which begin at *start. */
static const char *parse_header(const uint8_t *bytes, size_t size, erg_encoding *encoding,
                                erg_shape *shape, size_t *start) {
    if (size < PREAMBLE_SIZE || bytes[0] != 0 || bytes[1] != 0) {
        return "not an IDX file";
    }
    const char *problem = parse_type(bytes[2], encoding);
    if (problem != NULL) {
        return problem;
    }
    int ndim = bytes[3];
    if (ndim < 1 || ndim > ERG_MAX_DIMS) {
        return "the shape has not 1 to 8 dimensions";
    }
    *start = PREAMBLE_SIZE + (size_t)ndim * SIZE_SIZE;
    if (size < *start) {
        return "the file ends within its header";
    }
    int64_t dims[ERG_MAX_DIMS];
    for (int d = 0; d < ndim; d++) {
        dims[d] = (int64_t)erg_load_bits(bytes + PREAMBLE_SIZE + SIZE_SIZE * d, SIZE_SIZE, 1);
    }
    *shape = erg_shape_make(ndim, dims);
    if (erg_shape_size(*shape) < 0) {
        return "the shape is too large";
    }
    uint64_t wanted = (uint64_t)erg_shape_size(*shape) * encoding->size;
    return wanted == size - *start ? NULL : "the file's size does not fit its shape and type";
}

static erg_tensor *parse_plain(const erg_place *place, const uint8_t *bytes, size_t size) {
    erg_encoding encoding;
    erg_shape shape;
    size_t start;
    const char *problem = parse_header(bytes, size, &encoding, &shape, &start);
    if (problem != NULL) {
        erg_fail_at(place, problem);
        return NULL;
    }
    return erg_decode(encoding, shape, bytes + start, place);
}

erg_tensor *erg_idx_parse(const uint8_t *bytes, size_t size, const char *name) {
    erg_place place = {.operation = "idx_read", .file = name};
    if (!erg_is_gzip(bytes, size)) {
        return parse_plain(&place, bytes, size);
    }
    uint8_t *unpacked;
    size_t unpacked_size;
    const char *problem = erg_gunzip(bytes, size, &unpacked, &unpacked_size);
    if (problem != NULL) {
        erg_fail_at(&place, problem);
        return NULL;
    }
    erg_tensor *tensor = parse_plain(&place, unpacked, unpacked_size);
    free(unpacked);
    return tensor;
}

erg_tensor *erg_idx_read(const char *path) {
    uint8_t *bytes;
    size_t size;
    if (erg_file_read("idx_read", path, &bytes, &size) != ERG_OK) {
        return NULL;
    }
    erg_tensor *tensor = erg_idx_parse(bytes, size, path);
    free(bytes);
    return tensor;
}

/* shape.c: dtypes and shapes. A shape's size is the product of its sizes, 1 for (). */
#include "tensor.h"

/* 2^60 elements of 8 bytes are 2^63 bytes: below it, byte counts and offsets fit int64_t. */
#define SIZE_LIMIT ((int64_t)1 << 60)

size_t erg_dtype_size(erg_dtype dtype) {
    switch (dtype) {
    case ERG_FLOAT32:
        return sizeof(float);
    case ERG_FLOAT64:
        return sizeof(double);
    case ERG_INT32:
        return sizeof(int32_t);
    }
    return 0;
}

const char *erg_dtype_name(erg_dtype dtype) {
    switch (dtype) {
    case ERG_FLOAT32:
        return "float32";
    case ERG_FLOAT64:
        return "float64";
    case ERG_INT32:
        return "int32";
    }
    return "?";
}

erg_shape erg_shape_make(int ndim, const int64_t *dims) {
    const erg_shape invalid = {.ndim = -1};
    if (ndim < 0 || ndim > ERG_MAX_DIMS || (ndim > 0 && dims == NULL)) {
        return invalid;
    }
    erg_shape shape = {.ndim = ndim};
    for (int i = 0; i < ndim; i++) {
        if (dims[i] < 0) {
            return invalid;
        }
        shape.dims[i] = dims[i];
    }
    return shape;
}

static int is_valid(const erg_shape *shape) {
    if (shape->ndim < 0 || shape->ndim > ERG_MAX_DIMS) {
        return 0;
    }
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->dims[i] < 0) {
            return 0;
        }
    }
    return 1;
}

int64_t erg_shape_size(erg_shape shape) {
    if (!is_valid(&shape)) {
        return -1;
    }
    int64_t nonzero = 1;
    int empty = 0;
    for (int i = 0; i < shape.ndim; i++) {
        int64_t dim = shape.dims[i];
        if (dim == 0) {
            empty = 1;
        } else if (dim > (SIZE_LIMIT - 1) / nonzero) {
            return -1;
        } else {
            nonzero *= dim;
        }
    }
    return empty ? 0 : nonzero;
}

int erg_shape_equal(erg_shape a, erg_shape b) {
    if (!is_valid(&a) || !is_valid(&b) || a.ndim != b.ndim) {
        return 0;
    }
    for (int i = 0; i < a.ndim; i++) {
        if (a.dims[i] != b.dims[i]) {
            return 0;
        }
    }
    return 1;
}

const char *erg_shape_text(erg_shape shape, char *text) {
    if (!is_valid(&shape)) {
        snprintf(text, ERG_SHAPE_TEXT, "(invalid)");
        return text;
    }
    int length = snprintf(text, ERG_SHAPE_TEXT, "(");
    for (int i = 0; i < shape.ndim; i++) {
        length += snprintf(text + length, ERG_SHAPE_TEXT - (size_t)length, "%s%lld",
                           i == 0 ? "" : ", ", (long long)shape.dims[i]);
    }
    snprintf(text + length, ERG_SHAPE_TEXT - (size_t)length, ")");
    return text;
}

/* tensor.c: storage. A tensor is one block of memory, the struct and then its aligned elements:
 *
 *     | erg_tensor | gap < 64 bytes | elements, row-major, 64-byte aligned | slack |
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor.h"

#define ALIGNMENT 64

erg_tensor *erg_tensor_new(erg_dtype dtype, erg_shape shape) {
    size_t element = erg_dtype_size(dtype);
    if (element == 0) {
        erg_fail(ERG_ERROR_ARGUMENT, "tensor_new: unknown dtype %d", (int)dtype);
        return NULL;
    }
    char text[ERG_SHAPE_TEXT];
    int64_t size = erg_shape_size(shape);
    if (size < 0) {
        erg_fail(ERG_ERROR_ARGUMENT, "tensor_new: shape %s is invalid or too large",
                 erg_shape_text(shape, text));
        return NULL;
    }
    size_t overhead = sizeof(erg_tensor) + ALIGNMENT;
    erg_tensor *tensor = NULL;
    if ((uint64_t)size <= (SIZE_MAX - overhead) / element) {
        tensor = calloc(1, overhead + (size_t)size * element);
    }
    if (tensor == NULL) {
        erg_fail(ERG_ERROR_MEMORY, "tensor_new: no memory for %s of shape %s",
                 erg_dtype_name(dtype), erg_shape_text(shape, text));
        return NULL;
    }
    char *data = (char *)(tensor + 1);
    size_t gap = (ALIGNMENT - (uintptr_t)data % ALIGNMENT) % ALIGNMENT;
    tensor->dtype = dtype;
    tensor->shape = shape;
    tensor->data = data + gap;
    return tensor;
}

erg_tensor *erg_tensor_from(erg_dtype dtype, erg_shape shape, const void *data) {
    if (data == NULL && erg_shape_size(shape) > 0) {
        erg_fail(ERG_ERROR_ARGUMENT, "tensor_from: no data");
        return NULL;
    }
    erg_tensor *tensor = erg_tensor_new(dtype, shape);
    if (tensor != NULL && data != NULL) {
        memcpy(tensor->data, data, (size_t)erg_shape_size(shape) * erg_dtype_size(dtype));
    }
    return tensor;
}

erg_tensor *erg_tensor_clone(const erg_tensor *tensor) {
    if (tensor == NULL) {
        erg_fail(ERG_ERROR_ARGUMENT, "tensor_clone: no tensor");
        return NULL;
    }
    return erg_tensor_from(tensor->dtype, tensor->shape, tensor->data);
}

void erg_tensor_free(erg_tensor *tensor) {
    free(tensor);
}

int64_t erg_tensor_size(const erg_tensor *tensor) {
    return tensor == NULL ? 0 : erg_shape_size(tensor->shape);
}

static void *data_as(const erg_tensor *tensor, erg_dtype dtype) {
    if (tensor == NULL) {
        erg_fail(ERG_ERROR_ARGUMENT, "tensor: no tensor where %s was expected",
                 erg_dtype_name(dtype));
        return NULL;
    }
    if (tensor->dtype != dtype) {
        erg_fail(ERG_ERROR_ARGUMENT, "tensor: the dtype is %s, not %s",
                 erg_dtype_name(tensor->dtype), erg_dtype_name(dtype));
        return NULL;
    }
    return tensor->data;
}

float *erg_tensor_f32(const erg_tensor *tensor) {
    return data_as(tensor, ERG_FLOAT32);
}

double *erg_tensor_f64(const erg_tensor *tensor) {
    return data_as(tensor, ERG_FLOAT64);
}

int32_t *erg_tensor_i32(const erg_tensor *tensor) {
    return data_as(tensor, ERG_INT32);
}

static double load(const erg_tensor *tensor, int64_t index) {
    switch (tensor->dtype) {
    case ERG_FLOAT32:
        return ((const float *)tensor->data)[index];
    case ERG_FLOAT64:
        return ((const double *)tensor->data)[index];
    case ERG_INT32:
        return ((const int32_t *)tensor->data)[index];
    }
    return NAN;
}

static int32_t nearest_int32(double value) {
    if (isnan(value)) {
        return 0;
    }
    return (int32_t)fmin(fmax(rint(value), INT32_MIN), INT32_MAX);
}

static void store(erg_tensor *tensor, int64_t index, double value) {
    switch (tensor->dtype) {
    case ERG_FLOAT32:
        ((float *)tensor->data)[index] = (float)value;
        break;
    case ERG_FLOAT64:
        ((double *)tensor->data)[index] = value;
        break;
    case ERG_INT32:
        ((int32_t *)tensor->data)[index] = nearest_int32(value);
        break;
    }
}

double erg_tensor_get(const erg_tensor *tensor, int64_t index) {
    return index >= 0 && index < erg_tensor_size(tensor) ? load(tensor, index) : NAN;
}

void erg_tensor_set(erg_tensor *tensor, int64_t index, double value) {
    if (index >= 0 && index < erg_tensor_size(tensor)) {
        store(tensor, index, value);
    }
}

void erg_tensor_fill(erg_tensor *tensor, double value) {
    int64_t size = erg_tensor_size(tensor);
    for (int64_t i = 0; i < size; i++) {
        store(tensor, i, value);
    }
}

erg_status erg_tensor_copy(erg_tensor *dst, const erg_tensor *src) {
    if (dst == NULL || src == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "tensor_copy: no tensor");
    }
    if (!erg_shape_equal(dst->shape, src->shape)) {
        char to[ERG_SHAPE_TEXT], from[ERG_SHAPE_TEXT];
        return erg_fail(ERG_ERROR_ARGUMENT, "tensor_copy: shapes differ: %s and %s",
                        erg_shape_text(dst->shape, to), erg_shape_text(src->shape, from));
    }
    int64_t size = erg_tensor_size(src);
    if (dst->dtype == src->dtype) {
        memmove(dst->data, src->data, (size_t)size * erg_dtype_size(src->dtype));
        return ERG_OK;
    }
    for (int64_t i = 0; i < size; i++) {
        store(dst, i, load(src, i));
    }
    return ERG_OK;
}

static erg_status check_take_rows(const erg_tensor *dst, const erg_tensor *src,
                                  const int64_t *rows) {
    if (dst == NULL || src == NULL || dst == src) {
        return erg_fail(ERG_ERROR_ARGUMENT, "tensor_take_rows: two tensors are needed");
    }
    if (dst->dtype != src->dtype) {
        return erg_fail(ERG_ERROR_ARGUMENT, "tensor_take_rows: dtypes differ: %s and %s",
                        erg_dtype_name(dst->dtype), erg_dtype_name(src->dtype));
    }
    erg_shape wanted = src->shape;
    wanted.dims[0] = dst->shape.dims[0];
    if (src->shape.ndim < 1 || !erg_shape_equal(dst->shape, wanted)) {
        char to[ERG_SHAPE_TEXT], from[ERG_SHAPE_TEXT];
        return erg_fail(ERG_ERROR_ARGUMENT, "tensor_take_rows: no rows of %s fit in %s",
                        erg_shape_text(src->shape, from), erg_shape_text(dst->shape, to));
    }
    int64_t count = dst->shape.dims[0];
    if (rows == NULL && count > 0) {
        return erg_fail(ERG_ERROR_ARGUMENT, "tensor_take_rows: no row numbers");
    }
    for (int64_t i = 0; i < count; i++) {
        if (rows[i] < 0 || rows[i] >= src->shape.dims[0]) {
            return erg_fail(ERG_ERROR_ARGUMENT, "tensor_take_rows: row %lld is outside 0..%lld",
                            (long long)rows[i], (long long)src->shape.dims[0] - 1);
        }
    }
    return ERG_OK;
}

erg_status erg_tensor_take_rows(erg_tensor *dst, const erg_tensor *src, const int64_t *rows) {
    erg_status status = check_take_rows(dst, src, rows);
    int64_t size = erg_tensor_size(dst);
    if (status != ERG_OK || size == 0) {
        return status;
    }
    int64_t count = dst->shape.dims[0];
    size_t bytes = (size_t)(size / count) * erg_dtype_size(dst->dtype);
    for (int64_t i = 0; i < count; i++) {
        memcpy((char *)dst->data + (size_t)i * bytes,
               (const char *)src->data + (size_t)rows[i] * bytes, bytes);
    }
    return ERG_OK;
}

int erg_tensor_all_finite(const erg_tensor *tensor) {
    int64_t size = erg_tensor_size(tensor);
    for (int64_t i = 0; i < size; i++) {
        if (!isfinite(load(tensor, i))) {
            return 0;
        }
    }
    return 1;
}

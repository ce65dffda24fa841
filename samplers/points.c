/* points.c: sets of points read from tensors. */
#include <stdlib.h>

#include "points.h"

erg_points erg_points_read(const char *who, const erg_tensor *samples, int64_t least) {
    char text[ERG_SHAPE_TEXT];
    const erg_points nothing = {0};
    if (!samples) {
        erg_fail(ERG_ERROR_ARGUMENT, "%s: no samples", who);
        return nothing;
    }
    int64_t size = erg_tensor_size(samples);
    if (samples->shape.ndim < 1 || size == 0 || samples->shape.dims[0] < least ||
        !erg_tensor_all_finite(samples)) {
        erg_fail(ERG_ERROR_ARGUMENT, "%s: samples %s must be %lld or more, all finite", who,
                 erg_shape_text(samples->shape, text), (long long)least);
        return nothing;
    }
    erg_points p = {.n = samples->shape.dims[0], .d = size / samples->shape.dims[0]};
    p.x = calloc((size_t)size, sizeof *p.x);
    if (!p.x)
        erg_fail(ERG_ERROR_MEMORY, "%s: out of memory", who);
    for (int64_t i = 0; p.x && i < size; i++)
        p.x[i] = erg_tensor_get(samples, i);
    return p;
}

erg_status erg_points_read_two(const char *who, const erg_tensor *x, const erg_tensor *y,
                               int64_t least, erg_points *a, erg_points *b) {
    *a = erg_points_read(who, x, least);
    *b = a->x ? erg_points_read(who, y, least) : (erg_points){0};
    if (a->x && b->x && a->d == b->d)
        return ERG_OK;
    if (a->x && b->x)
        erg_fail(ERG_ERROR_ARGUMENT, "%s: points of %lld and of %lld elements", who,
                 (long long)a->d, (long long)b->d);
    free(a->x);
    free(b->x);
    a->x = b->x = NULL;
    return erg_error_status();
}

/* image_grid.c: many small pictures in one, row by row, one pixel apart. */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor.h"

#define GAP 1
#define GAP_SHADE 0xFF /* white, also where the last row has no image */

typedef struct grid {
    int64_t count, height, width, channels; /* of the images */
    int64_t columns, rows;
    double low, high;
} grid;

static erg_status check_images(const erg_tensor *images, int columns, double low, double high) {
    char text[ERG_SHAPE_TEXT];
    if (images == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "image_grid_write: no images");
    }
    if (images->dtype != ERG_FLOAT32 && images->dtype != ERG_FLOAT64) {
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "image_grid_write: images are %s: float32 or float64 is needed",
                        erg_dtype_name(images->dtype));
    }
    if (!(images->shape.ndim == 3 || (images->shape.ndim == 4 && images->shape.dims[3] == 3)) ||
        erg_tensor_size(images) == 0) {
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "image_grid_write: images have shape %s: (N, H, W) or (N, H, W, 3) with "
                        "no size 0 is needed",
                        erg_shape_text(images->shape, text));
    }
    if (columns < 0) {
        return erg_fail(ERG_ERROR_ARGUMENT, "image_grid_write: %d columns", columns);
    }
    if (!(low == 0 && high == 0) && !(isfinite(low) && isfinite(high) && low < high)) {
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "image_grid_write: values from %g to %g: finite and rising ends are needed",
                        low, high);
    }
    return ERG_OK;
}

/* The range of the finite values; 0 to 1 if there are none. */
static void find_range(const erg_tensor *images, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t i = 0, n = erg_tensor_size(images); i < n; i++) {
        double value = erg_tensor_get(images, i);
        if (isfinite(value)) {
            *low = fmin(*low, value);
            *high = fmax(*high, value);
        }
    }
    if (*low > *high) {
        *low = 0;
        *high = 1;
    }
}

/* Grey for NaN, and everywhere if all values are equal. */
static uint8_t shade(const grid *grid, double value) {
    /* halves, so that the difference of two huge ends is finite */
    double t = (value / 2 - grid->low / 2) / (grid->high / 2 - grid->low / 2);
    return isnan(t) ? 128 : (uint8_t)(fmin(fmax(t, 0), 1) * 255 + 0.5);
}

static void paint_image(const grid *grid, const erg_tensor *images, int64_t index,
                        uint8_t *pixels) {
    int64_t line = (grid->columns * (grid->width + GAP) - GAP) * grid->channels;
    int64_t left = index % grid->columns * (grid->width + GAP) * grid->channels;
    int64_t top = index / grid->columns * (grid->height + GAP);
    int64_t length = grid->width * grid->channels;
    for (int64_t y = 0; y < grid->height; y++) {
        for (int64_t x = 0; x < length; x++) {
            pixels[(top + y) * line + left + x] =
                shade(grid, erg_tensor_get(images, (index * grid->height + y) * length + x));
        }
    }
}

static erg_status too_many(const grid *grid) {
    return erg_fail(ERG_ERROR_ARGUMENT,
                    "image_grid_write: %" PRId64 " x %" PRId64 " images of %" PRId64 " x %" PRId64
                    " pixels: a PNG is smaller than that",
                    grid->columns, grid->rows, grid->width, grid->height);
}

erg_status erg_image_grid_write(const char *path, const erg_tensor *images, int columns, double low,
                                double high) {
    if (path == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "image_grid_write: no path");
    }
    if (check_images(images, columns, low, high)) {
        return ERG_ERROR_ARGUMENT;
    }

    const int64_t *dims = images->shape.dims;
    grid grid = {.count = dims[0], .height = dims[1], .width = dims[2], .low = low, .high = high};
    grid.channels = images->shape.ndim == 4 ? 3 : 1;
    grid.columns = columns ? columns : (int64_t)ceil(sqrt((double)grid.count));
    if (grid.columns > grid.count) {
        grid.columns = grid.count;
    }
    grid.rows = (grid.count + grid.columns - 1) / grid.columns;
    if (grid.width >= INT_MAX / grid.columns || grid.height >= INT_MAX / grid.rows) {
        return too_many(&grid);
    }
    int64_t width = grid.columns * (grid.width + GAP) - GAP;
    int64_t height = grid.rows * (grid.height + GAP) - GAP;
    if ((uint64_t)height > SIZE_MAX / ((uint64_t)width * (uint64_t)grid.channels)) {
        return too_many(&grid);
    }
    if (low == high) {
        find_range(images, &grid.low, &grid.high);
    }

    size_t size = (size_t)width * (size_t)height * (size_t)grid.channels;
    uint8_t *pixels = malloc(size);
    if (pixels == NULL) {
        return erg_fail(ERG_ERROR_MEMORY, "image_grid_write: no memory for %zu bytes", size);
    }
    memset(pixels, GAP_SHADE, size);
    for (int64_t i = 0; i < grid.count; i++) {
        paint_image(&grid, images, i, pixels);
    }
    erg_status status = erg_png_write(path, pixels, (int)width, (int)height, (int)grid.channels);
    free(pixels);
    return status;
}

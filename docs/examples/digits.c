/* digits.c: see digits.h. The files are LeCun, Cortes & Burges's MNIST. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "digits.h"

/* ------------------------------------------------------------------------------- files */

static erg_tensor *read_file(digits_source source, const char *kind) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s-%s-ubyte", source.folder, source.files, kind);
    if (access(path, R_OK) != 0)
        snprintf(path, sizeof path, "%s/%s-%s-ubyte.gz", source.folder, source.files, kind);
    return erg_idx_read(path);
}

static erg_status check(const digits *all, digits_source source) {
    const erg_shape *images = &all->images->shape, *labels = &all->labels->shape;
    if (images->ndim != 3 || labels->ndim != 1 || images->dims[0] != labels->dims[0])
        return erg_fail(ERG_ERROR_FORMAT, "images and labels of different number");
    if (images->dims[0] < source.held_out + source.batch || images->dims[1] < 4 ||
        images->dims[2] < 4)
        return erg_fail(ERG_ERROR_FORMAT, "%lld images of %lld x %lld are too few or too small",
                        (long long)images->dims[0], (long long)images->dims[1],
                        (long long)images->dims[2]);
    for (int64_t i = 0; i < labels->dims[0]; i++) {
        double label = erg_tensor_get(all->labels, i);
        if (!(label >= 0 && label < DIGITS_CLASSES))
            return erg_fail(ERG_ERROR_FORMAT, "label %lld is %g", (long long)i, label);
    }
    return ERG_OK;
}

/* Rows first, first + 1, ..., as a tensor of its own; four bytes an element. */
static erg_tensor *rows_of(const erg_tensor *all, int64_t first, int64_t count) {
    erg_shape shape = all->shape;
    int64_t row = erg_tensor_size(all) / shape.dims[0];
    shape.dims[0] = count;
    return erg_tensor_from(all->dtype, shape, (const int32_t *)all->data + first * row);
}

erg_status digits_read(digits_source source, digits *train, digits *held_out) {
    digits all = {read_file(source, "images-idx3"), NULL};
    all.labels = all.images ? read_file(source, "labels-idx1") : NULL;
    erg_status status = all.labels ? check(&all, source) : erg_error_status();
    if (status == ERG_OK) {
        int64_t last = source.held_out, first = all.images->shape.dims[0] - last;
        *train = (digits){rows_of(all.images, 0, first), rows_of(all.labels, 0, first)};
        *held_out = (digits){rows_of(all.images, first, last), rows_of(all.labels, first, last)};
        if (!train->images || !train->labels || !held_out->images || !held_out->labels)
            status = erg_error_status();
    }
    digits_free(&all);
    return status;
}

void digits_free(digits *d) {
    erg_tensor_free(d->images);
    erg_tensor_free(d->labels);
    *d = (digits){NULL, NULL};
}

/* ------------------------------------------------------------------------------- pixels */

erg_tensor *digits_pixels(const erg_tensor *images) {
    const int64_t *n = images->shape.dims;
    erg_tensor *pixels = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(n[0], 1, n[1], n[2]));
    for (int64_t i = 0; pixels && i < erg_tensor_size(pixels); i++)
        erg_tensor_set(pixels, i, erg_tensor_get(images, i) / 127.5 - 1);
    return pixels;
}

erg_tensor *digits_first(const erg_tensor *pixels, int64_t count) {
    return rows_of(pixels, 0, count);
}

erg_tensor *digits_flipped(const erg_tensor *pixels) {
    int64_t height = pixels->shape.dims[2], width = pixels->shape.dims[3];
    erg_tensor *flipped = erg_tensor_clone(pixels);
    for (int64_t i = 0; flipped && i < pixels->shape.dims[0] * height; i++) {
        int64_t row = i % height, other = i + height - 1 - 2 * row;
        memcpy((float *)flipped->data + i * width, (const float *)pixels->data + other * width,
               (size_t)width * sizeof(float));
    }
    return flipped;
}

erg_tensor *digits_occluded(const erg_tensor *pixels) {
    int64_t height = pixels->shape.dims[2], width = pixels->shape.dims[3];
    erg_tensor *occluded = erg_tensor_clone(pixels);
    for (int64_t i = 0; occluded && i < erg_tensor_size(occluded); i++) {
        int64_t row = i / width % height, column = i % width;
        if (row >= height / 4 && row < height / 4 + height / 2 && column >= width / 4 &&
            column < width / 4 + width / 2)
            erg_tensor_set(occluded, i, -1);
    }
    return occluded;
}

/* Each pixel as ZOOM x ZOOM. */
erg_status digits_draw(const char *path, const erg_tensor *pixels, int columns) {
    enum { ZOOM = 2 };
    const int64_t *n = pixels->shape.dims;
    int64_t height = ZOOM * n[2], width = ZOOM * n[3];
    erg_tensor *images = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(n[0], height, width));
    for (int64_t i = 0; images && i < erg_tensor_size(images); i++) {
        int64_t row = i / width / ZOOM, column = i % width / ZOOM; /* rows of all images count on */
        erg_tensor_set(images, i, erg_tensor_get(pixels, row * n[3] + column));
    }
    erg_status status =
        images ? erg_image_grid_write(path, images, columns, -1, 1) : erg_error_status();
    erg_tensor_free(images);
    return status;
}

/* ------------------------------------------------------------------------------- scores */

double digits_auroc(const erg_tensor *usual, const erg_tensor *others) {
    int64_t n = erg_tensor_size(usual), m = erg_tensor_size(others);
    double above = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < m; k++) {
            double low = erg_tensor_get(usual, i), high = erg_tensor_get(others, k);
            above += high > low ? 1 : high == low ? 0.5 : 0;
        }
    return above / ((double)n * (double)m);
}

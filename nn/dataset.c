/* dataset.c: samples in memory, in mini-batches. An epoch goes through a permutation of the rows
 * that is a function of seed and epoch alone: Fisher and Yates (1938) with numbers from Philox. So
 * three numbers say where a training stands. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nn.h"

struct erg_dataset {
    const erg_tensor *x, *y; /* the caller's; y may be NULL */
    int64_t *rows;           /* of x and y that belong to the set */
    int64_t *order;          /* the present epoch's, twice, so that a last batch can be filled up */
    int64_t *numbers;        /* random ones, for a permutation */
    int64_t size;
    erg_dataset_options options;
    uint64_t epoch;
    int64_t position; /* rows of the epoch that are done */
    int64_t fresh;    /* rows of the last batch that were new in its epoch */
};

/* Streams of the set's own Philox key: one for each use. */
enum { STREAM_EPOCHS, STREAM_SPLIT };

/* A random permutation of rows, from 32-bit numbers r by floor(r n / 2^32). */
static void shuffle(int64_t *rows, int64_t n, int64_t *numbers, erg_random where) {
    erg_random_integers(numbers, n, UINT64_C(1) << 32, where);
    for (int64_t i = 0; i < n; i++) {
        int64_t pick = i + (int64_t)((uint64_t)numbers[i] * (uint64_t)(n - i) >> 32);
        int64_t row = rows[pick];
        rows[pick] = rows[i];
        rows[i] = row;
    }
}

static void start_epoch(erg_dataset *data, uint64_t epoch, int64_t position) {
    size_t bytes = (size_t)data->size * sizeof *data->rows;
    erg_random where = {.seed = data->options.seed, .stream = STREAM_EPOCHS, .run = epoch};
    memcpy(data->order, data->rows, bytes);
    if (!data->options.ordered)
        shuffle(data->order, data->size, data->numbers, where);
    memcpy(data->order + data->size, data->order, bytes);
    data->epoch = epoch;
    data->position = position;
}

/* ------------------------------------------------------------------------------- life */

/* A set of `size` rows of the tensors, which rows[] names, or NULL for 0, 1, 2, ... */
static erg_dataset *make(const erg_tensor *x, const erg_tensor *y, const int64_t *rows,
                         int64_t size, erg_dataset_options options) {
    erg_dataset *data = calloc(1, sizeof *data);
    if (!data) {
        erg_fail(ERG_ERROR_MEMORY, "dataset: out of memory");
        return NULL;
    }
    *data = (erg_dataset){.x = x, .y = y, .size = size, .options = options};
    data->rows = calloc((size_t)size, sizeof *data->rows);
    data->order = calloc((size_t)size, 2 * sizeof *data->order);
    data->numbers = calloc((size_t)size, sizeof *data->numbers);
    if (!data->rows || !data->order || !data->numbers) {
        erg_fail(ERG_ERROR_MEMORY, "dataset: out of memory for %lld rows", (long long)size);
        erg_dataset_free(data);
        return NULL;
    }
    for (int64_t i = 0; i < size; i++)
        data->rows[i] = rows ? rows[i] : i;
    start_epoch(data, 0, 0);
    return data;
}

erg_dataset *erg_dataset_new(const erg_tensor *x, const erg_tensor *y,
                             erg_dataset_options options) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!x || x->shape.ndim < 1 || x->shape.dims[0] < 1 || x->shape.dims[0] > UINT32_MAX) {
        erg_fail(ERG_ERROR_ARGUMENT, "dataset: x %s needs 1 to 2^32 - 1 rows",
                 x ? erg_shape_text(x->shape, a) : "NULL");
        return NULL;
    }
    if (y && (y->shape.ndim < 1 || y->shape.dims[0] != x->shape.dims[0])) {
        erg_fail(ERG_ERROR_ARGUMENT, "dataset: x %s and y %s have not the same number of rows",
                 erg_shape_text(x->shape, a), erg_shape_text(y->shape, b));
        return NULL;
    }
    return make(x, y, NULL, x->shape.dims[0], options);
}

void erg_dataset_free(erg_dataset *data) {
    if (!data)
        return;
    free(data->rows);
    free(data->order);
    free(data->numbers);
    free(data);
}

erg_status erg_dataset_split(const erg_dataset *data, double fraction, uint64_t seed,
                             erg_dataset **train, erg_dataset **held_out) {
    if (!data || !train || !held_out)
        return erg_fail(ERG_ERROR_ARGUMENT, "dataset_split: no data, or nowhere to put the parts");
    int64_t count = fraction > 0 && fraction < 1 ? llrint(fraction * (double)data->size) : 0;
    if (count < 1 || count == data->size)
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "dataset_split: a fraction of %g leaves one part of %lld rows empty",
                        fraction, (long long)data->size);
    int64_t *order = calloc((size_t)data->size, 2 * sizeof *order);
    if (!order)
        return erg_fail(ERG_ERROR_MEMORY, "dataset_split: out of memory");
    memcpy(order, data->rows, (size_t)data->size * sizeof *order);
    shuffle(order, data->size, order + data->size,
            (erg_random){.seed = seed, .stream = STREAM_SPLIT});
    erg_dataset *first = make(data->x, data->y, order, count, data->options);
    erg_dataset *second =
        first ? make(data->x, data->y, order + count, data->size - count, data->options) : NULL;
    free(order);
    if (!second) {
        erg_dataset_free(first);
        return ERG_ERROR_MEMORY;
    }
    *train = first;
    *held_out = second;
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- batches */

/* dst holds rows like those of src, at most as many as the set has. */
static erg_status check_batch(const erg_dataset *data, const char *what, const erg_tensor *dst,
                              const erg_tensor *src) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!dst || !src)
        return erg_fail(ERG_ERROR_ARGUMENT, "dataset_next: %s is %s", what,
                        dst ? "not in the data set" : "NULL");
    erg_shape shape = dst->shape;
    shape.dims[0] = src->shape.dims[0];
    if (dst->shape.ndim < 1 || dst->dtype != src->dtype || !erg_shape_equal(shape, src->shape) ||
        dst->shape.dims[0] < 1 || dst->shape.dims[0] > data->size)
        return erg_fail(
            ERG_ERROR_ARGUMENT, "dataset_next: %s is %s %s, the data set has %lld rows of %s %s",
            what, erg_dtype_name(dst->dtype), erg_shape_text(dst->shape, a), (long long)data->size,
            erg_dtype_name(src->dtype), erg_shape_text(src->shape, b));
    return ERG_OK;
}

erg_status erg_dataset_next(erg_dataset *data, erg_tensor *x, erg_tensor *y) {
    if (!data)
        return erg_fail(ERG_ERROR_ARGUMENT, "dataset_next: no data set");
    erg_status status = check_batch(data, "x", x, data->x);
    if (!status && y)
        status = check_batch(data, "y", y, data->y);
    if (!status && y && y->shape.dims[0] != x->shape.dims[0])
        status = erg_fail(ERG_ERROR_ARGUMENT, "dataset_next: x has %lld rows, y %lld",
                          (long long)x->shape.dims[0], (long long)y->shape.dims[0]);
    if (status)
        return status;
    int64_t batch = x->shape.dims[0], least = data->options.keep_last ? 1 : batch;
    if (data->size - data->position < least) /* batches have grown since the last one */
        start_epoch(data, data->epoch + 1, 0);
    const int64_t *rows = data->order + data->position;
    int64_t left = data->size - data->position;
    erg_tensor_take_rows(x, data->x, rows);
    if (y)
        erg_tensor_take_rows(y, data->y, rows);
    data->fresh = batch < left ? batch : left;
    data->position += data->fresh;
    if (data->size - data->position < least)
        start_epoch(data, data->epoch + 1, 0);
    return ERG_OK;
}

int64_t erg_dataset_size(const erg_dataset *data) {
    return data ? data->size : 0;
}

int64_t erg_dataset_epoch(const erg_dataset *data) {
    return data ? (int64_t)data->epoch : 0;
}

int64_t erg_dataset_fresh(const erg_dataset *data) {
    return data ? data->fresh : 0;
}

/* All rows of the set, from x or y. */
static erg_tensor *all_rows(const erg_dataset *data, const erg_tensor *src) {
    if (!src) {
        erg_fail(ERG_ERROR_ARGUMENT, "dataset: no %s", data ? "y" : "data set");
        return NULL;
    }
    erg_shape shape = src->shape;
    shape.dims[0] = data->size;
    erg_tensor *all = erg_tensor_new(src->dtype, shape);
    if (all)
        erg_tensor_take_rows(all, src, data->rows);
    return all;
}

erg_tensor *erg_dataset_x(const erg_dataset *data) {
    return all_rows(data, data ? data->x : NULL);
}

erg_tensor *erg_dataset_y(const erg_dataset *data) {
    return all_rows(data, data ? data->y : NULL);
}

/* ------------------------------------------------------------------------------- checkpoints */

#define STATE "position" /* rows, seed, epoch, position */

static erg_status save(void *self, erg_bundle *state) {
    const erg_dataset *data = self;
    const uint64_t counts[] = {(uint64_t)data->size, data->options.seed, data->epoch,
                               (uint64_t)data->position};
    return erg_bundle_add_counts(state, STATE, counts, 4);
}

static erg_status load(void *self, const erg_bundle *state, int apply) {
    erg_dataset *data = self;
    uint64_t counts[4];
    erg_status status = erg_bundle_counts(state, STATE, counts, 4);
    if (status)
        return status;
    if (counts[0] != (uint64_t)data->size || counts[1] != data->options.seed ||
        counts[3] > counts[0])
        return erg_fail(ERG_ERROR_FORMAT,
                        "dataset: row %llu of %llu with seed %llu, here it has %lld and %llu",
                        (unsigned long long)counts[3], (unsigned long long)counts[0],
                        (unsigned long long)counts[1], (long long)data->size,
                        (unsigned long long)data->options.seed);
    if (apply)
        start_epoch(data, counts[2], (int64_t)counts[3]);
    return ERG_OK;
}

erg_checkpoint_part erg_dataset_part(erg_dataset *data, const char *name) {
    return (erg_checkpoint_part){
        .name = name, .self = data, .save = data ? save : NULL, .load = data ? load : NULL};
}

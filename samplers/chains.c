/* chains.c: draws read chain by chain, their order and their ranks. */
#include <math.h>
#include <stdlib.h>

#include "chains.h"

erg_status erg_chains_check(const char *who, const erg_tensor *draws, int64_t least,
                            int64_t *elements) {
    char text[ERG_SHAPE_TEXT];
    if (!draws)
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: no draws", who);
    int64_t size = erg_tensor_size(draws);
    if (draws->shape.ndim < 2 || size == 0 || draws->shape.dims[0] < least)
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "%s: draws are %s, must be (draws, chains, ...) with %lld draws or more",
                        who, erg_shape_text(draws->shape, text), (long long)least);
    *elements = size / draws->shape.dims[0] / draws->shape.dims[1];
    return ERG_OK;
}

erg_chains erg_chains_new(const char *who, const erg_tensor *draws) {
    erg_chains c = {.chains = draws->shape.dims[1], .n = draws->shape.dims[0]};
    c.x = calloc((size_t)(c.chains * c.n), sizeof *c.x);
    if (!c.x)
        erg_fail(ERG_ERROR_MEMORY, "%s: out of memory", who);
    return c;
}

void erg_chains_read(erg_chains *chains, const erg_tensor *draws, int64_t element) {
    int64_t elements = erg_tensor_size(draws) / chains->n / chains->chains;
    for (int64_t t = 0; t < chains->n; t++)
        for (int64_t c = 0; c < chains->chains; c++)
            chains->x[c * chains->n + t] =
                erg_tensor_get(draws, (t * chains->chains + c) * elements + element);
}

/* ------------------------------------------------------------------------------- order */

typedef struct entry {
    double value;
    int64_t index;
} entry;

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int compare_entries(const void *a, const void *b) {
    return compare(&((const entry *)a)->value, &((const entry *)b)->value);
}

void erg_sort(double *x, int64_t n) {
    qsort(x, (size_t)n, sizeof *x, compare);
}

double erg_quantile(const double *sorted, int64_t n, double p) {
    double place = p * (double)(n - 1), below = floor(place);
    int64_t i = (int64_t)below;
    double next = sorted[i + 1 < n ? i + 1 : i];
    return sorted[i] + (place - below) * (next - sorted[i]);
}

erg_status erg_ranks(const double *x, int64_t n, double *ranks) {
    entry *entries = calloc((size_t)n, sizeof *entries);
    if (!entries)
        return erg_fail(ERG_ERROR_MEMORY, "ranks: out of memory");
    for (int64_t i = 0; i < n; i++)
        entries[i] = (entry){x[i], i};
    qsort(entries, (size_t)n, sizeof *entries, compare_entries);
    for (int64_t first = 0, next = 0; first < n; first = next) {
        while (next < n && entries[next].value == entries[first].value)
            next++;
        for (int64_t k = first; k < next; k++)
            ranks[entries[k].index] = (double)(first + next + 1) / 2;
    }
    free(entries);
    return ERG_OK;
}

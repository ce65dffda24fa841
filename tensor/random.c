/* random.c: counter-based random numbers (Salmon, Moraes, Dror and Shaw 2011, "Parallel random
 * numbers: as easy as 1, 2, 3"). Ten rounds of multiplication scramble a counter under a key; an
 * element's number depends on its index and the array's name alone, never on what was drawn
 * before. */
#include "random.h"

#include <math.h>

#include "kernels.h"
#include "tensor.h"
#include "threads.h"

#define MAX_ELEMENTS ((int64_t)1 << 33)
#define CHUNK 256   /* elements drawn at a time where they are not the result themselves */
#define GRAIN 65536 /* elements that are worth another thread */

/* ------------------------------------------------------------------------------- words */

void erg_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)c0 * 0xD2511F53u;
        uint64_t p1 = (uint64_t)c2 * 0xCD9E8D57u;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u; /* the golden ratio */
        k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void draw_block(erg_random where, int64_t block, uint32_t words[4]) {
    const uint32_t key[2] = {(uint32_t)where.seed, (uint32_t)(where.seed >> 32)};
    const uint32_t counter[4] = {(uint32_t)block, where.stream, (uint32_t)where.run,
                                 (uint32_t)(where.run >> 32)};
    erg_philox4x32(counter, key, words);
}

static uint64_t word64(const uint32_t words[2]) {
    return (uint64_t)words[1] << 32 | words[0];
}

/* ------------------------------------------------------------------------------- numbers */

void erg_uniform_range(erg_dtype dtype, erg_random where, int64_t begin, int64_t end, void *out) {
    erg_kernels_get()->uniform[dtype](where, begin, end, out);
}

void erg_normal_range(erg_dtype dtype, erg_random where, int64_t begin, int64_t end, void *out) {
    erg_kernels_get()->normal[dtype](where, begin, end, out);
}

/* ------------------------------------------------------------------------------- tensors */

static erg_status check_float(const char *operation, const char *what, const erg_tensor *tensor) {
    if (tensor == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: no %s", operation, what);
    }
    if (tensor->dtype != ERG_FLOAT32 && tensor->dtype != ERG_FLOAT64) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: %s is %s, not float32 or float64", operation, what,
                        erg_dtype_name(tensor->dtype));
    }
    if (erg_tensor_size(tensor) >= MAX_ELEMENTS) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: %s has 2^33 elements or more", operation, what);
    }
    return ERG_OK;
}

typedef struct drawing {
    erg_random_kernel *kernel;
    erg_random where;
    erg_tensor *out;
} drawing;

static void draw_range(void *ctx, int64_t begin, int64_t end, int thread) {
    const drawing *d = ctx;
    char *out = (char *)d->out->data + (size_t)begin * erg_dtype_size(d->out->dtype);
    (void)thread;
    d->kernel(d->where, begin, end, out);
}

static void draw_tensor(erg_random_kernel *const kernels[2], erg_tensor *out, erg_random where) {
    drawing d = {kernels[out->dtype], where, out};
    erg_parallel_for(erg_tensor_size(out), GRAIN, draw_range, &d);
}

erg_status erg_random_uniform(erg_tensor *out, erg_random where) {
    erg_status status = check_float("random_uniform", "out", out);
    if (status == ERG_OK) {
        draw_tensor(erg_kernels_get()->uniform, out, where);
    }
    return status;
}

erg_status erg_random_normal(erg_tensor *out, erg_random where) {
    erg_status status = check_float("random_normal", "out", out);
    if (status == ERG_OK) {
        draw_tensor(erg_kernels_get()->normal, out, where);
    }
    return status;
}

/* ------------------------------------------------------------------------------- choices */

/* The uniform draws begin <= i < end of the array, CHUNK at most, as double. */
static void draw_uniforms(erg_dtype dtype, erg_random where, int64_t begin, int64_t end,
                          double u[CHUNK]) {
    if (dtype == ERG_FLOAT64) {
        erg_uniform_range(dtype, where, begin, end, u);
        return;
    }
    float narrow[CHUNK];
    erg_uniform_range(dtype, where, begin, end, narrow);
    for (int64_t i = 0; i < end - begin; i++) {
        u[i] = narrow[i];
    }
}

static int64_t chunk_end(int64_t begin, int64_t size) {
    return size - begin < CHUNK ? size : begin + CHUNK;
}

static double element(const erg_tensor *tensor, int64_t i) {
    return tensor->dtype == ERG_FLOAT32 ? (double)((const float *)tensor->data)[i]
                                        : ((const double *)tensor->data)[i];
}

static void set_element(erg_tensor *tensor, int64_t i, double value) {
    if (tensor->dtype == ERG_FLOAT32) {
        ((float *)tensor->data)[i] = (float)value;
    } else {
        ((double *)tensor->data)[i] = value;
    }
}

erg_status erg_random_rademacher(erg_tensor *out, erg_random where) {
    erg_status status = check_float("random_rademacher", "out", out);
    if (status != ERG_OK) {
        return status;
    }
    int64_t size = erg_tensor_size(out);
    double u[CHUNK];
    for (int64_t begin = 0; begin < size; begin += CHUNK) {
        int64_t end = chunk_end(begin, size);
        draw_uniforms(out->dtype, where, begin, end, u);
        for (int64_t i = begin; i < end; i++) {
            set_element(out, i, u[i - begin] < 0.5 ? -1 : 1);
        }
    }
    return ERG_OK;
}

erg_status erg_random_bernoulli(erg_tensor *out, const erg_tensor *p, erg_random where) {
    erg_status status = check_float("random_bernoulli", "out", out);
    if (status == ERG_OK) {
        status = check_float("random_bernoulli", "p", p);
    }
    if (status != ERG_OK) {
        return status;
    }
    if (out->dtype != p->dtype || !erg_shape_equal(out->shape, p->shape)) {
        char to[ERG_SHAPE_TEXT], from[ERG_SHAPE_TEXT];
        return erg_fail(ERG_ERROR_ARGUMENT, "random_bernoulli: out is %s %s but p is %s %s",
                        erg_dtype_name(out->dtype), erg_shape_text(out->shape, to),
                        erg_dtype_name(p->dtype), erg_shape_text(p->shape, from));
    }
    int64_t size = erg_tensor_size(out);
    double u[CHUNK];
    for (int64_t begin = 0; begin < size; begin += CHUNK) {
        int64_t end = chunk_end(begin, size);
        draw_uniforms(out->dtype, where, begin, end, u);
        for (int64_t i = begin; i < end; i++) {
            set_element(out, i, u[i - begin] < element(p, i));
        }
    }
    return ERG_OK;
}

static erg_status check_categorical(const erg_tensor *out, const erg_tensor *logits) {
    erg_status status = check_float("random_categorical", "logits", logits);
    if (status != ERG_OK) {
        return status;
    }
    if (out == NULL || out->dtype != ERG_INT32) {
        return erg_fail(ERG_ERROR_ARGUMENT, "random_categorical: out is %s, not int32",
                        out == NULL ? "NULL" : erg_dtype_name(out->dtype));
    }
    erg_shape rows = logits->shape;
    rows.ndim--;
    if (!erg_shape_equal(out->shape, rows) || logits->shape.dims[rows.ndim] < 1 ||
        logits->shape.dims[rows.ndim] > INT32_MAX) {
        char to[ERG_SHAPE_TEXT], from[ERG_SHAPE_TEXT];
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "random_categorical: out %s and logits %s are not (...) and (..., K)",
                        erg_shape_text(out->shape, to), erg_shape_text(logits->shape, from));
    }
    return ERG_OK;
}

/* With u uniform, logit - log(-log u) is a Gumbel variable about logit, and the largest of K is
 * the k-th with probability softmax(logits)[k] (Maddison, Tarlow and Minka 2014, "A* sampling").
 * u = 0 gives -infinity, which never wins. */
erg_status erg_random_categorical(erg_tensor *out, const erg_tensor *logits, erg_random where) {
    erg_status status = check_categorical(out, logits);
    if (status != ERG_OK) {
        return status;
    }
    int32_t *winners = out->data;
    int64_t size = erg_tensor_size(logits);
    int64_t classes = logits->shape.dims[logits->shape.ndim - 1];
    double u[CHUNK], best = -INFINITY;
    for (int64_t begin = 0; begin < size; begin += CHUNK) {
        int64_t end = chunk_end(begin, size);
        draw_uniforms(logits->dtype, where, begin, end, u);
        for (int64_t i = begin; i < end; i++) {
            int64_t row = i / classes, k = i % classes;
            double score = element(logits, i) - log(-log(u[i - begin]));
            if (k == 0 || score > best) {
                best = score;
                winners[row] = (int32_t)k;
            }
        }
    }
    return ERG_OK;
}

/* Lemire 2019, "Fast random integer generation in an interval": floor(word * bound / 2^64). */
static int64_t scale_word(uint64_t word, uint64_t bound) {
    uint64_t high = (word >> 32) * bound;
    uint64_t low = (word & UINT32_MAX) * bound;
    return (int64_t)((high + (low >> 32)) >> 32);
}

erg_status erg_random_integers(int64_t *out, int64_t n, uint64_t bound, erg_random where) {
    if (n < 0 || n >= MAX_ELEMENTS || (out == NULL && n > 0)) {
        return erg_fail(ERG_ERROR_ARGUMENT, "random_integers: cannot fill %lld elements%s",
                        (long long)n, out == NULL ? " of NULL" : "");
    }
    if (bound < 1 || bound > (uint64_t)1 << 32) {
        return erg_fail(ERG_ERROR_ARGUMENT, "random_integers: bound %llu is not in 1..2^32",
                        (unsigned long long)bound);
    }
    uint32_t words[4];
    for (int64_t i = 0; i < n; i++) {
        if (i % 2 == 0) {
            draw_block(where, i / 2, words);
        }
        out[i] = scale_word(word64(words + 2 * (i % 2)), bound);
    }
    return ERG_OK;
}

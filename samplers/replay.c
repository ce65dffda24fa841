/* replay.c: a buffer of chain states. A batch is drawn without replacement, so that every state
 * goes back to a slot of its own; each store belongs to the last draw. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "samplers.h"

struct erg_replay {
    erg_tensor *values; /* (capacity, sample...) */
    int64_t *order;   /* a permutation of the slots: the first `drawn` are those of the last draw */
    int64_t *ages;    /* stores since the slot was started afresh */
    bool *fresh;      /* of the last draw: started afresh */
    int64_t *numbers; /* random numbers of a draw */
    int64_t drawn;    /* 0 when there is nothing to store */
    erg_random random; /* its run counts draws */
    double restart;
    erg_status (*init)(void *self, erg_tensor *out, erg_random where);
    void *self;
};

static erg_status init_uniform(void *self, erg_tensor *out, erg_random where) {
    (void)self;
    erg_status status = erg_random_uniform(out, where);
    for (int64_t i = 0; status == ERG_OK && i < erg_tensor_size(out); i++)
        erg_tensor_set(out, i, 2 * erg_tensor_get(out, i) - 1);
    return status;
}

/* Streams of the buffer's own Philox key: one for each use. */
enum { STREAM_INIT, STREAM_SLOTS, STREAM_RESTART };

static erg_random stream(const erg_replay *replay, uint32_t number) {
    erg_random random = replay->random;
    random.stream = number;
    return random;
}

static erg_status allocate(erg_replay *replay, erg_dtype dtype, erg_shape shape) {
    if (!(replay->values = erg_tensor_new(dtype, shape)))
        return ERG_ERROR_ARGUMENT;
    size_t capacity = (size_t)shape.dims[0];
    replay->order = calloc(capacity, sizeof *replay->order);
    replay->ages = calloc(capacity, sizeof *replay->ages);
    replay->fresh = calloc(capacity, sizeof *replay->fresh);
    replay->numbers = calloc(capacity, sizeof *replay->numbers);
    if (!replay->order || !replay->ages || !replay->fresh || !replay->numbers)
        return erg_fail(ERG_ERROR_MEMORY, "replay: out of memory");
    for (size_t i = 0; i < capacity; i++)
        replay->order[i] = (int64_t)i;
    return ERG_OK;
}

erg_replay *erg_replay_new(erg_dtype dtype, erg_shape sample, erg_replay_options options) {
    bool never = options.restart == 0 && signbit(options.restart);
    double restart = options.restart == 0 && !never ? 0.05 : options.restart;
    int64_t capacity = options.capacity ? options.capacity : 10000;
    if (capacity < 1 || capacity > UINT32_MAX || !(restart >= 0 && restart <= 1) ||
        sample.ndim < 0 || sample.ndim >= ERG_MAX_DIMS || dtype == ERG_INT32) {
        erg_fail(ERG_ERROR_ARGUMENT, "replay: capacity %lld, restart %g, or the sample's type",
                 (long long)capacity, restart);
        return NULL;
    }
    int64_t dims[ERG_MAX_DIMS] = {capacity};
    memcpy(dims + 1, sample.dims, (size_t)sample.ndim * sizeof *dims);
    erg_replay *replay = calloc(1, sizeof *replay);
    if (!replay) {
        erg_fail(ERG_ERROR_MEMORY, "replay: out of memory");
        return NULL;
    }
    *replay = (erg_replay){.random.seed = options.seed,
                           .restart = restart,
                           .init = options.init ? options.init : init_uniform,
                           .self = options.self};
    if (allocate(replay, dtype, erg_shape_make(sample.ndim + 1, dims)) == ERG_OK &&
        replay->init(replay->self, replay->values, stream(replay, STREAM_INIT)) == ERG_OK) {
        replay->random.run = 1;
        return replay;
    }
    erg_replay_free(replay);
    return NULL;
}

void erg_replay_free(erg_replay *replay) {
    if (!replay)
        return;
    erg_tensor_free(replay->values);
    free(replay->order);
    free(replay->ages);
    free(replay->fresh);
    free(replay->numbers);
    free(replay);
}

const erg_tensor *erg_replay_values(const erg_replay *replay) {
    return replay ? replay->values : NULL;
}

double erg_replay_mean_age(const erg_replay *replay) {
    double sum = 0;
    int64_t capacity = replay ? replay->values->shape.dims[0] : 0;
    for (int64_t i = 0; i < capacity; i++)
        sum += (double)replay->ages[i];
    return capacity ? sum / (double)capacity : 0;
}

/* A batch has the buffer's dtype and sample shape and at most as many rows. */
static erg_status check(const erg_replay *replay, const erg_tensor *x, const char *operation) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!replay || !x)
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: no %s", operation, replay ? "x" : "buffer");
    erg_shape shape = x->shape, slots = replay->values->shape;
    shape.dims[0] = slots.dims[0];
    if (x->shape.ndim < 1 || x->dtype != replay->values->dtype || !erg_shape_equal(shape, slots) ||
        x->shape.dims[0] > slots.dims[0])
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: x is %s %s, the buffer %s %s", operation,
                        erg_dtype_name(x->dtype), erg_shape_text(x->shape, a),
                        erg_dtype_name(replay->values->dtype), erg_shape_text(slots, b));
    return ERG_OK;
}

static void copy_row(erg_tensor *dst, int64_t to, const erg_tensor *src, int64_t from) {
    size_t row = (size_t)(erg_tensor_size(src) / src->shape.dims[0]) * erg_dtype_size(src->dtype);
    memcpy((char *)dst->data + (size_t)to * row, (const char *)src->data + (size_t)from * row, row);
}

/* A new random batch of slots in front of the permutation (Fisher and Yates 1938), from 32-bit
 * random numbers r by floor(r n / 2^32). */
static void choose_slots(erg_replay *replay, int64_t n) {
    int64_t capacity = replay->values->shape.dims[0];
    erg_random_integers(replay->numbers, n, UINT64_C(1) << 32, stream(replay, STREAM_SLOTS));
    for (int64_t i = 0; i < n; i++) {
        uint64_t left = (uint64_t)(capacity - i);
        int64_t pick = i + (int64_t)((uint64_t)replay->numbers[i] * left >> 32);
        int64_t slot = replay->order[pick];
        replay->order[pick] = replay->order[i];
        replay->order[i] = slot;
    }
}

/* Which of the n drawn are started afresh; returns how many. */
static int64_t choose_fresh(erg_replay *replay, int64_t n) {
    double bound = replay->restart * 4294967296.0;
    int64_t count = 0;
    erg_random_integers(replay->numbers, n, UINT64_C(1) << 32, stream(replay, STREAM_RESTART));
    for (int64_t i = 0; i < n; i++) {
        replay->fresh[i] = (double)replay->numbers[i] < bound;
        count += replay->fresh[i];
    }
    return count;
}

/* Makes a tensor of count fresh states. */
static erg_status make_fresh(erg_replay *replay, erg_shape shape, int64_t count,
                             erg_tensor **states) {
    shape.dims[0] = count;
    *states = erg_tensor_new(replay->values->dtype, shape);
    if (!*states)
        return ERG_ERROR_MEMORY;
    if (!count)
        return ERG_OK;
    return replay->init(replay->self, *states, stream(replay, STREAM_INIT));
}

erg_status erg_replay_draw(erg_replay *replay, erg_tensor *x) {
    erg_status status = check(replay, x, "replay_draw");
    if (status != ERG_OK)
        return status;
    int64_t n = x->shape.dims[0], next = 0;
    erg_tensor *states;
    replay->drawn = 0;
    status = make_fresh(replay, x->shape, choose_fresh(replay, n), &states);
    if (status == ERG_OK) {
        choose_slots(replay, n);
        for (int64_t i = 0; i < n; i++)
            if (replay->fresh[i])
                copy_row(x, i, states, next++);
            else
                copy_row(x, i, replay->values, replay->order[i]);
        replay->random.run++;
        replay->drawn = n;
    }
    erg_tensor_free(states);
    return status;
}

erg_status erg_replay_store(erg_replay *replay, const erg_tensor *x) {
    erg_status status = check(replay, x, "replay_store");
    if (status != ERG_OK)
        return status;
    int64_t n = x->shape.dims[0];
    if (n != replay->drawn)
        return erg_fail(ERG_ERROR_ARGUMENT, "replay_store: %lld states, but %lld were drawn",
                        (long long)n, (long long)replay->drawn);
    if (!erg_tensor_all_finite(x))
        return erg_fail(ERG_ERROR_ARGUMENT, "replay_store: a state is not finite");
    for (int64_t i = 0; i < n; i++) {
        int64_t slot = replay->order[i];
        copy_row(replay->values, slot, x, i);
        replay->ages[slot] = replay->fresh[i] ? 1 : replay->ages[slot] + 1;
    }
    replay->drawn = 0;
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- checkpoints */

/* Integers as float64, which holds all that can occur. */
static erg_status add_integers(erg_bundle *state, const char *name, const int64_t *integers,
                               int64_t n) {
    erg_tensor *tensor = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    for (int64_t i = 0; tensor && i < n; i++)
        erg_tensor_set(tensor, i, (double)integers[i]);
    erg_status status = tensor ? erg_bundle_add(state, name, tensor) : ERG_ERROR_MEMORY;
    erg_tensor_free(tensor);
    return status;
}

static erg_status save(void *self, erg_bundle *state) {
    const erg_replay *replay = self;
    int64_t capacity = replay->values->shape.dims[0];
    const uint64_t random[] = {replay->random.seed, replay->random.run};
    erg_status status = erg_bundle_add(state, "values", replay->values);
    if (status == ERG_OK)
        status = erg_bundle_add_counts(state, "random", random, 2);
    if (status == ERG_OK)
        status = add_integers(state, "order", replay->order, capacity);
    if (status == ERG_OK)
        status = add_integers(state, "ages", replay->ages, capacity);
    return status;
}

/* `order` is a permutation of the slots, which `seen` marks one by one; ages count stores. */
static bool is_sound(const erg_tensor *order, const erg_tensor *ages, bool *seen) {
    int64_t capacity = erg_tensor_size(order);
    for (int64_t i = 0; i < capacity; i++) {
        double slot = erg_tensor_get(order, i), age = erg_tensor_get(ages, i);
        if (!(slot >= 0 && slot < (double)capacity && slot == floor(slot)) ||
            !(age >= 0 && age <= 0x1p53 && age == floor(age)) || seen[(int64_t)slot])
            return false;
        seen[(int64_t)slot] = true;
    }
    return true;
}

static erg_status check_state(const erg_replay *replay, const erg_bundle *state) {
    uint64_t random[2];
    erg_status status = erg_bundle_counts(state, "random", random, 2);
    if (status != ERG_OK)
        return status;
    bool *seen = calloc((size_t)replay->values->shape.dims[0], sizeof *seen);
    if (!seen)
        return erg_fail(ERG_ERROR_MEMORY, "replay: out of memory");
    if (random[0] != replay->random.seed)
        status = erg_fail(ERG_ERROR_FORMAT, "replay: the buffer's seed was %llu, here it is %llu",
                          (unsigned long long)random[0], (unsigned long long)replay->random.seed);
    else if (!erg_tensor_all_finite(erg_bundle_find(state, "values")) ||
             !is_sound(erg_bundle_find(state, "order"), erg_bundle_find(state, "ages"), seen))
        status = erg_fail(ERG_ERROR_FORMAT, "replay: slots that are not finite, or in no order");
    free(seen);
    return status;
}

static erg_status load(void *self, const erg_bundle *state, int apply) {
    erg_replay *replay = self;
    const erg_tensor *order = erg_bundle_find(state, "order");
    const erg_tensor *ages = erg_bundle_find(state, "ages");
    uint64_t random[2];
    if (!apply)
        return check_state(replay, state);
    for (int64_t i = 0; i < erg_tensor_size(order); i++) {
        replay->order[i] = (int64_t)erg_tensor_get(order, i);
        replay->ages[i] = (int64_t)erg_tensor_get(ages, i);
    }
    erg_bundle_counts(state, "random", random, 2);
    replay->random.run = random[1];
    replay->drawn = 0;
    return erg_tensor_copy(replay->values, erg_bundle_find(state, "values"));
}

erg_checkpoint_part erg_replay_part(erg_replay *replay, const char *name) {
    return (erg_checkpoint_part){
        .name = name, .self = replay, .save = replay ? save : NULL, .load = replay ? load : NULL};
}

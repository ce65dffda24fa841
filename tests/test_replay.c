/* test_replay.c: the replay buffer: which slots a batch comes from, and where it goes. */
#include "modules.h"

/* Slots are filled with their numbers, later fresh states with FRESH. */
enum { FRESH = 1000000 };

typedef struct source {
    int calls;
    int64_t states;
    int fail_at; /* call that fails; 0: none */
} source;

static erg_status numbered(void *self, erg_tensor *out, erg_random where) {
    source *s = self;
    (void)where;
    if (++s->calls == s->fail_at)
        return erg_fail(ERG_ERROR_IO, "numbered: no more states");
    int64_t n = out->shape.dims[0], width = n ? erg_tensor_size(out) / n : 0;
    for (int64_t i = 0; i < n * width; i++)
        erg_tensor_set(out, i, s->calls == 1 ? (double)(i / width) : FRESH);
    s->states += n;
    return ERG_OK;
}

static erg_replay *new_buffer(source *s, int64_t capacity, double restart, uint64_t seed) {
    *s = (source){0};
    erg_replay *replay = erg_replay_new(
        ERG_FLOAT32, ERG_SHAPE(2),
        (erg_replay_options){
            .capacity = capacity, .restart = restart, .seed = seed, .init = numbered, .self = s});
    ck_assert_msg(replay != NULL, "%s", erg_error_message());
    return replay;
}

/* True if the first elements of the rows are numbers of slots, none twice. */
static bool are_different_slots(const double *rows, int64_t n, int64_t capacity) {
    bool *seen = calloc((size_t)capacity, sizeof *seen), good = true;
    for (int64_t i = 0; i < n; i++) {
        int64_t slot = (int64_t)rows[i];
        good = good && slot >= 0 && slot < capacity && !seen[slot];
        if (good)
            seen[slot] = true;
    }
    free(seen);
    return good;
}

static void first_elements(const erg_tensor *x, double *rows) {
    for (int64_t i = 0; i < x->shape.dims[0]; i++) {
        rows[i] = erg_tensor_get(x, 2 * i);
        ck_assert_double_eq(rows[i], erg_tensor_get(x, 2 * i + 1));
    }
}

/* ------------------------------------------------------------------------------- slots */

static const struct {
    int64_t capacity, batch;
} sizes[] = {{100, 10}, {32, 32}, {33, 32}, {1, 1}, {7, 0}};

START_TEST(draw_takes_different_slots) {
    source s;
    int64_t n = sizes[_i].batch, capacity = sizes[_i].capacity;
    erg_replay *replay = new_buffer(&s, capacity, ERG_ZERO, 31);
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(n, 2));
    double rows[32];
    for (int k = 0; k < 200; k++) {
        ck_assert_int_eq(erg_replay_draw(replay, x), ERG_OK);
        first_elements(x, rows);
        ck_assert(are_different_slots(rows, n, capacity));
    }
    ck_assert_int_eq(s.calls, 1);
    erg_tensor_free(x);
    erg_replay_free(replay);
}
END_TEST

/* Planted: slots drawn independently of each other repeat. */
START_TEST(repeated_slots_show) {
    int64_t slots[32];
    double rows[32];
    ck_assert_int_eq(erg_random_integers(slots, 32, 100, (erg_random){.seed = 31}), ERG_OK);
    for (int i = 0; i < 32; i++)
        rows[i] = (double)slots[i];
    ck_assert(!are_different_slots(rows, 32, 100));
}
END_TEST

/* Chi-squared of how often each of 50 slots is drawn, 5 at a time: a draw without replacement
 * varies less than independent draws, by (1 - 4 / 49), and the statistic is divided by that. And z of
 * how many slots a draw has in common with the last one: hypergeometric, mean 5 * 5 / 50, variance
 * 0.5 (1 - 5 / 50) (45 / 49). */
START_TEST(slots_are_drawn_evenly) {
    enum { SLOTS = 50, BATCH = 5 };
    const int64_t rounds = draws(20000, 2000);
    source s;
    erg_replay *replay = new_buffer(&s, SLOTS, ERG_ZERO, 32);
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(BATCH, 2));
    double counts[SLOTS] = {0}, expected = (double)rounds * BATCH / SLOTS, chi2 = 0, planted = 0;
    double common = 0;
    bool before[SLOTS] = {0};
    for (int64_t k = 0; k < rounds; k++) {
        bool now[SLOTS] = {0};
        ck_assert_int_eq(erg_replay_draw(replay, x), ERG_OK);
        for (int i = 0; i < BATCH; i++) {
            int slot = (int)erg_tensor_get(x, 2 * i);
            counts[slot]++;
            common += before[slot];
            now[slot] = true;
        }
        memcpy(before, now, sizeof before);
    }
    for (int i = 0; i < SLOTS; i++) {
        double skewed = expected * (1 + 0.2 * (i - 24.5) / 24.5);
        chi2 += pow(counts[i] - expected, 2) / expected / (1 - 4.0 / 49);
        planted += pow(counts[i] - skewed, 2) / skewed / (1 - 4.0 / 49);
    }
    ck_assert_double_lt(chi2, critical_chi2(SLOTS - 1));
    ck_assert_double_gt(planted, critical_chi2(SLOTS - 1));
    double pairs = (double)rounds - 1, spread = sqrt(0.5 * 0.9 * 45 / 49 * pairs);
    ck_assert_double_lt(fabs(common - 0.5 * pairs) / spread, CRITICAL_Z);
    erg_tensor_free(x);
    erg_replay_free(replay);
}
END_TEST

/* ------------------------------------------------------------------------------- writing back */

/* After stores of slot + 1000, the buffer is a copy kept by hand; `shift` plants a write-back to
 * another slot of the batch. */
static bool writes_back(int shift) {
    enum { SLOTS = 20, BATCH = 6 };
    source s;
    erg_replay *replay = new_buffer(&s, SLOTS, ERG_ZERO, 33);
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(BATCH, 2));
    double copy[SLOTS], rows[BATCH];
    for (int i = 0; i < SLOTS; i++)
        copy[i] = i;
    for (int k = 0; k < 30; k++) {
        ck_assert_int_eq(erg_replay_draw(replay, x), ERG_OK);
        first_elements(x, rows);
        for (int i = 0; i < BATCH; i++) {
            double stored = rows[i] + 1000;
            copy[(int)fmod(rows[(i + shift) % BATCH], 1000)] = stored;
            erg_tensor_set(x, 2 * i, stored);
            erg_tensor_set(x, 2 * i + 1, stored);
        }
        ck_assert_int_eq(erg_replay_store(replay, x), ERG_OK);
    }
    bool same = true;
    for (int i = 0; i < 2 * SLOTS; i++)
        same = same && erg_tensor_get(erg_replay_values(replay), i) == copy[i / 2];
    erg_tensor_free(x);
    erg_replay_free(replay);
    return same;
}

START_TEST(store_writes_back_to_the_slots) {
    ck_assert(writes_back(0));
    ck_assert(!writes_back(1));
}
END_TEST

START_TEST(draw_without_store_changes_nothing) {
    source s;
    erg_replay *replay = new_buffer(&s, 16, 0.5, 34);
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(8, 2));
    for (int k = 0; k < 20; k++)
        ck_assert_int_eq(erg_replay_draw(replay, x), ERG_OK);
    for (int i = 0; i < 32; i++)
        ck_assert_double_eq(erg_tensor_get(erg_replay_values(replay), i), i / 2);
    ck_assert_double_eq(erg_replay_mean_age(replay), 0);
    erg_tensor_free(x);
    erg_replay_free(replay);
}
END_TEST

/* ------------------------------------------------------------------------------- restarts, ages */

/* Binomial z of the number of fresh states among `total` against probability p. */
static double restart_z(double fresh, double total, double p) {
    return (fresh - total * p) / sqrt(total * p * (1 - p));
}

static const double restarts[][2] = {{0, 0.05}, {0.05, 0.05}, {0.5, 0.5}, {0.01, 0.01}};

START_TEST(restarts_have_their_frequency) {
    const int64_t rounds = draws(4000, 400);
    const double p = restarts[_i][1];
    source s;
    erg_replay *replay = new_buffer(&s, 64, restarts[_i][0], 35);
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(32, 2));
    double rows[32], fresh = 0, total = 32.0 * (double)rounds;
    for (int64_t k = 0; k < rounds; k++) {
        ck_assert_int_eq(erg_replay_draw(replay, x), ERG_OK);
        first_elements(x, rows);
        for (int i = 0; i < 32; i++)
            fresh += rows[i] == FRESH;
    }
    ck_assert_double_eq((double)s.states - 64, fresh);
    ck_assert_double_lt(fabs(restart_z(fresh, total, p)), CRITICAL_Z);
    ck_assert_double_gt(fabs(restart_z(fresh, total, p / 2)), CRITICAL_Z);
    erg_tensor_free(x);
    erg_replay_free(replay);
}
END_TEST

START_TEST(restart_can_be_never_and_always) {
    for (int always = 0; always < 2; always++) {
        source s;
        erg_replay *replay = new_buffer(&s, 8, always ? 1 : ERG_ZERO, 36);
        erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(8, 2));
        double rows[8];
        for (int k = 1; k <= 50; k++) {
            ck_assert_int_eq(erg_replay_draw(replay, x), ERG_OK);
            first_elements(x, rows);
            for (int i = 0; i < 8; i++)
                ck_assert((rows[i] == FRESH) == always);
            ck_assert_int_eq(erg_replay_store(replay, x), ERG_OK);
            ck_assert_double_eq(erg_replay_mean_age(replay), always ? 1 : k);
        }
        erg_tensor_free(x);
        erg_replay_free(replay);
    }
}
END_TEST

static erg_status zeros(void *self, erg_tensor *out, erg_random where) {
    (void)self, (void)where;
    erg_tensor_fill(out, 0);
    return ERG_OK;
}

/* States that start at 0 and grow by 1 before each store are their own ages, wherever they go. */
START_TEST(ages_count_stores) {
    enum { SLOTS = 12, BATCH = 5 };
    const erg_replay_options options = {
        .capacity = SLOTS, .restart = 0.3, .init = zeros, .policy = (erg_replay_policy)_i};
    erg_replay *replay = erg_replay_new(ERG_FLOAT64, ERG_SCALAR, options);
    erg_tensor *x = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(BATCH));
    double oldest = 0;
    for (int k = 0; k < 60; k++) {
        ck_assert_int_eq(erg_replay_draw(replay, x), ERG_OK);
        for (int i = 0; i < BATCH; i++)
            erg_tensor_set(x, i, erg_tensor_get(x, i) + 1);
        ck_assert_int_eq(erg_replay_store(replay, x), ERG_OK);
        double sum = 0;
        for (int i = 0; i < SLOTS; i++) {
            double age = erg_tensor_get(erg_replay_values(replay), i);
            ck_assert_double_eq((double)erg_replay_age(replay, i), age);
            sum += age;
        }
        ck_assert_double_eq_tol(erg_replay_mean_age(replay), sum / SLOTS, 1e-12);
        oldest = fmax(oldest, erg_replay_mean_age(replay));
    }
    ck_assert_double_gt(oldest, 1.5);
    erg_tensor_free(x);
    erg_replay_free(replay);
}
END_TEST

/* ------------------------------------------------------------------------------- policies */

enum { KEPT = 8, STORED = 21 };

/* A buffer of KEPT slots in which states 0, 1, ... were stored, 3 at a time. */
static erg_replay *store_numbers(source *s, erg_replay_policy policy, uint64_t seed, int count) {
    *s = (source){0};
    erg_replay *replay = erg_replay_new(
        ERG_FLOAT32, ERG_SHAPE(2),
        (erg_replay_options){
            .capacity = KEPT, .seed = seed, .policy = policy, .init = numbered, .self = s});
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(3, 2));
    for (int first = 0; first < count; first += 3) {
        ck_assert_int_eq(erg_replay_draw(replay, x), ERG_OK);
        for (int i = 0; i < 6; i++)
            erg_tensor_set(x, i, first + i / 2);
        ck_assert_int_eq(erg_replay_store(replay, x), ERG_OK);
    }
    erg_tensor_free(x);
    return replay;
}

START_TEST(fifo_replaces_the_oldest) {
    source s;
    for (int count = 3; count <= STORED; count += 3) {
        erg_replay *replay = store_numbers(&s, ERG_REPLAY_FIFO, 37, count);
        bool there[STORED] = {0};
        for (int i = 0; i < KEPT && count >= KEPT; i++)
            there[(int)erg_tensor_get(erg_replay_values(replay), 2 * i)] = true;
        for (int i = 0; i < count && count >= KEPT; i++)
            ck_assert(there[i] == (i >= count - KEPT));
        erg_replay_free(replay);
    }
}
END_TEST

/* Chi-squared, over its critical value, of which of STORED states are kept: each with probability
 * KEPT / STORED, without replacement. */
static double keep_misfit(erg_replay_policy policy) {
    const int64_t rounds = draws(4000, 1000);
    double counts[STORED] = {0}, expected = (double)rounds * KEPT / STORED, chi2 = 0;
    for (int64_t k = 0; k < rounds; k++) {
        source s;
        erg_replay *replay = store_numbers(&s, policy, 1000 + (uint64_t)k, STORED);
        for (int i = 0; i < KEPT; i++)
            counts[(int)erg_tensor_get(erg_replay_values(replay), 2 * i)]++;
        erg_replay_free(replay);
    }
    for (int i = 0; i < STORED; i++)
        chi2 += pow(counts[i] - expected, 2) / expected;
    double spread = (1 - (double)KEPT / STORED) * STORED / (STORED - 1);
    return chi2 / spread / critical_chi2(STORED - 1);
}

START_TEST(reservoir_is_an_even_sample) {
    ck_assert_double_lt(keep_misfit(ERG_REPLAY_RESERVOIR), 1);
    ck_assert_double_gt(keep_misfit(ERG_REPLAY_FIFO), 1);
    source s;
    erg_replay *replay = store_numbers(&s, ERG_REPLAY_RESERVOIR, 38, 6);
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq(erg_tensor_get(erg_replay_values(replay), 2 * i), i);
    erg_replay_free(replay);
}
END_TEST

/* A buffer that takes over another's state goes on as that one does. */
START_TEST(policies_resume) {
    source first, second;
    const erg_replay_policy policy = (erg_replay_policy)_i;
    erg_replay *a = store_numbers(&first, policy, 41, STORED);
    erg_replay *b = store_numbers(&second, policy, 41, 3);
    erg_bundle *state = erg_bundle_new();
    erg_checkpoint_part from = erg_replay_part(a, "replay"), to = erg_replay_part(b, "replay");
    ck_assert_int_eq(from.save(from.self, state), ERG_OK);
    ck_assert_int_eq(to.load(to.self, state, 0), ERG_OK);
    ck_assert_int_eq(to.load(to.self, state, 1), ERG_OK);
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(5, 2));
    for (int k = 0; k < 20; k++) {
        erg_replay *both[] = {a, b};
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(erg_replay_draw(both[i], x), ERG_OK);
            erg_tensor_set(x, 2 * (k % 5), 100 + k);
            ck_assert_int_eq(erg_replay_store(both[i], x), ERG_OK);
        }
        ck_assert_mem_eq(erg_replay_values(a)->data, erg_replay_values(b)->data,
                         2 * KEPT * sizeof(float));
        ck_assert_double_eq(erg_replay_mean_age(a), erg_replay_mean_age(b));
    }
    erg_tensor_free(x);
    erg_bundle_free(state);
    erg_replay_free(a);
    erg_replay_free(b);
}
END_TEST

/* ------------------------------------------------------------------------------- seeds, defaults */

START_TEST(default_buffer_is_uniform) {
    erg_replay *a = erg_replay_new(ERG_FLOAT64, ERG_SHAPE(3), (erg_replay_options){.seed = 1});
    erg_replay *b = erg_replay_new(ERG_FLOAT64, ERG_SHAPE(3), (erg_replay_options){.seed = 1});
    erg_replay *c = erg_replay_new(ERG_FLOAT64, ERG_SHAPE(3), (erg_replay_options){.seed = 2});
    const erg_tensor *values = erg_replay_values(a);
    ck_assert(erg_shape_equal(values->shape, ERG_SHAPE(10000, 3)));
    double sum = 0, squares = 0, n = 30000;
    for (int i = 0; i < 30000; i++) {
        double x = erg_tensor_get(values, i);
        ck_assert(x >= -1 && x < 1);
        sum += x;
        squares += x * x;
    }
    ck_assert_double_lt(fabs(sum / sqrt(n / 3)), CRITICAL_Z);
    ck_assert_double_lt(fabs((squares - n / 3) / sqrt(n * 4 / 45)), CRITICAL_Z);
    size_t bytes = 30000 * sizeof(double);
    ck_assert_mem_eq(values->data, erg_replay_values(b)->data, bytes);
    ck_assert_mem_ne(values->data, erg_replay_values(c)->data, bytes);
    erg_tensor *x = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(9, 3));
    erg_tensor *y = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(9, 3));
    for (int k = 0; k < 20; k++) {
        ck_assert_int_eq(erg_replay_draw(a, x), ERG_OK);
        ck_assert_int_eq(erg_replay_draw(b, y), ERG_OK);
        ck_assert_mem_eq(x->data, y->data, 27 * sizeof(double));
    }
    ck_assert_int_eq(erg_replay_draw(a, x), ERG_OK);
    ck_assert_mem_ne(x->data, y->data, 27 * sizeof(double));
    erg_tensor_free(x);
    erg_tensor_free(y);
    erg_replay_free(a);
    erg_replay_free(b);
    erg_replay_free(c);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(replay_refuses_options) {
    const erg_replay_options bad[] = {{.capacity = -1},
                                      {.capacity = (int64_t)1 << 40},
                                      {.restart = -0.1},
                                      {.restart = 1.1},
                                      {.restart = NAN},
                                      {.policy = (erg_replay_policy)3},
                                      {.policy = (erg_replay_policy)-1}};
    for (int i = 0; i < COUNT(bad); i++)
        FAILS_NULL("replay: capacity", erg_replay_new(ERG_FLOAT32, ERG_SHAPE(2), bad[i]));
    const erg_replay_options good = {.capacity = 4};
    erg_shape deep = ERG_SHAPE(1, 1, 1, 1, 1, 1, 1, 1);
    FAILS_NULL("replay", erg_replay_new(ERG_INT32, ERG_SHAPE(2), good));
    FAILS_NULL("replay", erg_replay_new(ERG_FLOAT32, ERG_SHAPE(-1), good));
    FAILS_NULL("replay", erg_replay_new(ERG_FLOAT32, deep, good));
    FAILS_NULL("dtype", erg_replay_new((erg_dtype)9, ERG_SHAPE(2), good));
    FAILS_NULL("", erg_replay_new(ERG_FLOAT32, ERG_SHAPE(INT64_MAX / 2), good));
    source s = {.fail_at = 1};
    FAILS_NULL("no more states",
               erg_replay_new(ERG_FLOAT32, ERG_SHAPE(2),
                              (erg_replay_options){.init = numbered, .self = &s}));
    erg_replay_free(NULL);
    ck_assert_ptr_null(erg_replay_values(NULL));
    ck_assert_double_eq(erg_replay_mean_age(NULL), 0);
    ck_assert_int_eq(erg_replay_age(NULL, 0), -1);
}
END_TEST

START_TEST(replay_refuses_batches) {
    source s;
    erg_replay *replay = new_buffer(&s, 4, 1, 39);
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(3, 2));
    erg_tensor *pair = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(2, 2));
    erg_tensor *many = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(5, 2));
    erg_tensor *wide = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(3, 3));
    erg_tensor *twice = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(3, 2));
    erg_tensor *single = erg_tensor_new(ERG_FLOAT32, ERG_SCALAR);
    ck_assert_int_eq(erg_replay_age(replay, -1), -1);
    ck_assert_int_eq(erg_replay_age(replay, 4), -1);
    FAILS("no buffer", erg_replay_draw(NULL, x));
    FAILS("no x", erg_replay_draw(replay, NULL));
    FAILS("(5, 2)", erg_replay_draw(replay, many));
    FAILS("(3, 3)", erg_replay_draw(replay, wide));
    FAILS("float64", erg_replay_draw(replay, twice));
    FAILS("()", erg_replay_draw(replay, single));
    FAILS("3 states, but 0", erg_replay_store(replay, x));
    ck_assert_int_eq(erg_replay_draw(replay, x), ERG_OK);
    FAILS("2 states, but 3", erg_replay_store(replay, pair));
    FAILS("(3, 3)", erg_replay_store(replay, wide));
    FAILS("no buffer", erg_replay_store(NULL, x));
    erg_tensor_set(x, 3, NAN);
    FAILS("not finite", erg_replay_store(replay, x));
    ck_assert(erg_tensor_all_finite(erg_replay_values(replay)));
    erg_tensor_set(x, 3, 5);
    ck_assert_int_eq(erg_replay_store(replay, x), ERG_OK);
    FAILS("but 0 were drawn", erg_replay_store(replay, x));

    s.fail_at = s.calls + 1;
    erg_tensor_fill(x, 7);
    FAILS("no more states", erg_replay_draw(replay, x));
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq(erg_tensor_get(x, i), 7);
    FAILS("but 0 were drawn", erg_replay_store(replay, x));
    ck_assert_int_eq(erg_replay_draw(replay, x), ERG_OK);
    erg_tensor *all[] = {x, pair, many, wide, twice, single};
    for (int i = 0; i < COUNT(all); i++)
        erg_tensor_free(all[i]);
    erg_replay_free(replay);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("replay");
    TCase *slots = tcase_create("slots");
    tcase_add_loop_test(slots, draw_takes_different_slots, 0, COUNT(sizes));
    tcase_add_test(slots, repeated_slots_show);
    tcase_add_test(slots, slots_are_drawn_evenly);
    tcase_add_test(slots, store_writes_back_to_the_slots);
    tcase_add_test(slots, draw_without_store_changes_nothing);
    suite_add_tcase(suite, slots);
    TCase *life = tcase_create("life");
    tcase_add_loop_test(life, restarts_have_their_frequency, 0, COUNT(restarts));
    tcase_add_test(life, restart_can_be_never_and_always);
    tcase_add_loop_test(life, ages_count_stores, 0, ERG_REPLAY_RESERVOIR + 1);
    tcase_add_test(life, fifo_replaces_the_oldest);
    tcase_add_test(life, reservoir_is_an_even_sample);
    tcase_add_loop_test(life, policies_resume, 0, ERG_REPLAY_RESERVOIR + 1);
    tcase_add_test(life, default_buffer_is_uniform);
    suite_add_tcase(suite, life);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, replay_refuses_options);
    tcase_add_test(misuse, replay_refuses_batches);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

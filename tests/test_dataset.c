/* test_dataset.c: data sets in mini-batches: which rows come when; and standardised features. */
#include "modules.h"

enum { ROWS = 50, BATCH = 7 };

/* Row i is (i, i + 1/2), its label 2 i. */
typedef struct samples {
    erg_tensor *x, *y;
} samples;

static samples make_samples(int64_t rows) {
    samples s = {erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(rows, 2)),
                 erg_tensor_new(ERG_INT32, ERG_SHAPE(rows))};
    for (int64_t i = 0; i < rows; i++) {
        erg_tensor_set(s.x, 2 * i, (double)i);
        erg_tensor_set(s.x, 2 * i + 1, (double)i + 0.5);
        erg_tensor_set(s.y, i, 2 * (double)i);
    }
    return s;
}

static void free_samples(samples s) {
    erg_tensor_free(s.x);
    erg_tensor_free(s.y);
}

/* The next batch as numbers of rows; checks that x and y are of the same row. */
static void next_rows(erg_dataset *data, int64_t batch, int *rows) {
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(batch, 2));
    erg_tensor *y = erg_tensor_new(ERG_INT32, ERG_SHAPE(batch));
    ck_assert_msg(erg_dataset_next(data, x, y) == ERG_OK, "%s", erg_error_message());
    for (int64_t i = 0; i < batch; i++) {
        rows[i] = (int)erg_tensor_get(x, 2 * i);
        ck_assert_double_eq(erg_tensor_get(x, 2 * i + 1), rows[i] + 0.5);
        ck_assert_double_eq(erg_tensor_get(y, i), 2 * rows[i]);
    }
    erg_tensor_free(x);
    erg_tensor_free(y);
}

static int compare_ints(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

/* True if no number is there twice. */
static bool all_differ(const int *rows, int n) {
    int sorted[ROWS];
    memcpy(sorted, rows, (size_t)n * sizeof *rows);
    qsort(sorted, (size_t)n, sizeof *sorted, compare_ints);
    for (int i = 1; i < n; i++)
        if (sorted[i] == sorted[i - 1])
            return false;
    return true;
}

/* ------------------------------------------------------------------------------- epochs */

START_TEST(an_epoch_takes_each_row_once) {
    samples s = make_samples(ROWS);
    erg_dataset *data = erg_dataset_new(s.x, s.y, (erg_dataset_options){.seed = 1});
    int first[ROWS], rows[ROWS];
    ck_assert_int_eq(erg_dataset_size(data), ROWS);
    for (int epoch = 0; epoch < 3; epoch++) {
        for (int k = 0; k < ROWS / BATCH; k++) {
            ck_assert_int_eq(erg_dataset_epoch(data), epoch);
            next_rows(data, BATCH, rows + k * BATCH);
            ck_assert_int_eq(erg_dataset_fresh(data), BATCH);
        }
        ck_assert(all_differ(rows, ROWS / BATCH * BATCH));
        if (epoch == 0)
            memcpy(first, rows, sizeof first);
        else
            ck_assert(memcmp(rows, first, 10 * sizeof *rows) != 0);
    }
    ck_assert_int_eq(erg_dataset_epoch(data), 3);
    erg_dataset_free(data);
    free_samples(s);
}
END_TEST

/* The order of an epoch depends on its seed and number, not on the size of batches. */
START_TEST(orders_belong_to_seeds) {
    samples s = make_samples(ROWS);
    int rows[3][ROWS];
    for (int k = 0; k < 3; k++) {
        erg_dataset *data = erg_dataset_new(s.x, s.y, (erg_dataset_options){.seed = 1 + k / 2});
        for (int i = 0; i < ROWS; i += k == 1 ? 10 : 25)
            next_rows(data, k == 1 ? 10 : 25, rows[k] + i);
        erg_dataset_free(data);
    }
    ck_assert_mem_eq(rows[0], rows[1], sizeof rows[0]);
    ck_assert(memcmp(rows[0], rows[2], sizeof rows[0]) != 0);
    free_samples(s);
}
END_TEST

START_TEST(ordered_sets_stay_in_order) {
    samples s = make_samples(10);
    erg_dataset *data = erg_dataset_new(s.x, s.y, (erg_dataset_options){.ordered = 1});
    int rows[10];
    for (int epoch = 0; epoch < 2; epoch++) {
        next_rows(data, 10, rows);
        for (int i = 0; i < 10; i++)
            ck_assert_int_eq(rows[i], i);
    }
    erg_dataset_free(data);
    free_samples(s);
}
END_TEST

START_TEST(a_short_batch_is_filled_up) {
    samples s = make_samples(10);
    erg_dataset *data = erg_dataset_new(s.x, s.y, (erg_dataset_options){.seed = 1, .keep_last = 1});
    for (int epoch = 0; epoch < 3; epoch++) {
        int rows[12];
        for (int k = 0; k < 3; k++) {
            ck_assert_int_eq(erg_dataset_epoch(data), epoch);
            next_rows(data, 4, rows + 4 * k);
            ck_assert_int_eq(erg_dataset_fresh(data), k == 2 ? 2 : 4);
        }
        ck_assert(all_differ(rows, 10));
        ck_assert_mem_eq(rows, rows + 10, 2 * sizeof *rows);
    }
    erg_dataset_free(data);
    free_samples(s);
}
END_TEST

/* A batch larger than what is left of the epoch belongs to the next one. */
START_TEST(batches_may_grow) {
    samples s = make_samples(10);
    erg_dataset *data = erg_dataset_new(s.x, s.y, (erg_dataset_options){.seed = 1});
    int rows[10];
    next_rows(data, 4, rows);
    next_rows(data, 10, rows);
    ck_assert(all_differ(rows, 10));
    ck_assert_int_eq(erg_dataset_epoch(data), 2);
    erg_dataset_free(data);
    free_samples(s);
}
END_TEST

/* ------------------------------------------------------------------------------- chance */

enum { FEW = 4, ORDERS = 24, TIMES = 24000 };

/* The number of a permutation of FEW rows: Lehmer's code. */
static int number_of_order(const int *rows) {
    int number = 0;
    for (int i = 0; i < FEW; i++) {
        int smaller = 0;
        for (int j = i + 1; j < FEW; j++)
            smaller += rows[j] < rows[i];
        number = number * (FEW - i) + smaller;
    }
    return number;
}

static double chi2_of(const int *counts) {
    double chi2 = 0, expected = (double)TIMES / ORDERS;
    for (int i = 0; i < ORDERS; i++)
        chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
    return chi2;
}

START_TEST(orders_are_equally_likely) {
    samples s = make_samples(FEW);
    erg_dataset *data = erg_dataset_new(s.x, s.y, (erg_dataset_options){.seed = 4});
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(FEW, 2));
    int counts[ORDERS] = {0};
    for (int k = 0; k < TIMES; k++) {
        int rows[FEW];
        erg_dataset_next(data, x, NULL);
        for (int i = 0; i < FEW; i++)
            rows[i] = (int)erg_tensor_get(x, 2 * i);
        counts[number_of_order(rows)]++;
    }
    ck_assert_double_lt(chi2_of(counts), critical_chi2(ORDERS - 1));
    erg_tensor_free(x);
    erg_dataset_free(data);
    free_samples(s);
}
END_TEST

/* The well-known mistake, each row swapped with any other, shows in the same test. */
START_TEST(a_wrong_shuffle_shows) {
    int counts[ORDERS] = {0};
    for (int k = 0; k < TIMES; k++) {
        int64_t picks[FEW];
        int rows[FEW] = {0, 1, 2, 3};
        erg_random_integers(picks, FEW, FEW, (erg_random){.seed = 4, .run = (uint64_t)k});
        for (int i = 0; i < FEW; i++) {
            int row = rows[i];
            rows[i] = rows[picks[i]];
            rows[picks[i]] = row;
        }
        counts[number_of_order(rows)]++;
    }
    ck_assert_double_gt(chi2_of(counts), critical_chi2(ORDERS - 1));
}
END_TEST

/* ------------------------------------------------------------------------------- splits */

static void all_rows(const erg_dataset *data, int *rows) {
    erg_tensor *x = erg_dataset_x(data), *y = erg_dataset_y(data);
    for (int64_t i = 0; i < erg_dataset_size(data); i++) {
        rows[i] = (int)erg_tensor_get(x, 2 * i);
        ck_assert_double_eq(erg_tensor_get(y, i), 2 * rows[i]);
    }
    erg_tensor_free(x);
    erg_tensor_free(y);
}

START_TEST(split_shares_the_rows_out) {
    samples s = make_samples(ROWS);
    int rows[2][ROWS];
    for (int k = 0; k < 2; k++) {
        erg_dataset *data = erg_dataset_new(s.x, s.y, (erg_dataset_options){.seed = 1}), *a, *b, *c;
        ck_assert_int_eq(erg_dataset_split(data, 0.8, 1 + (uint64_t)k, &a, &b), ERG_OK);
        ck_assert_int_eq(erg_dataset_size(a), 40);
        ck_assert_int_eq(erg_dataset_size(b), 10);
        erg_dataset_free(data);
        data = b;
        ck_assert_int_eq(erg_dataset_split(data, 0.25, 1, &b, &c), ERG_OK);
        ck_assert_int_eq(erg_dataset_size(b), 2);
        all_rows(a, rows[k]);
        all_rows(b, rows[k] + 40);
        all_rows(c, rows[k] + 42);
        ck_assert(all_differ(rows[k], ROWS));
        int batch[40];
        next_rows(a, 40, batch);
        ck_assert(memcmp(batch, rows[k], sizeof batch) != 0);
        qsort(batch, 40, sizeof *batch, compare_ints);
        qsort(rows[k], 40, sizeof *batch, compare_ints);
        ck_assert_mem_eq(batch, rows[k], sizeof batch);
        erg_dataset *const sets[] = {data, a, b, c};
        for (int i = 0; i < COUNT(sets); i++)
            erg_dataset_free(sets[i]);
    }
    ck_assert(memcmp(rows[0], rows[1], sizeof rows[0]) != 0);
    free_samples(s);
}
END_TEST

/* ------------------------------------------------------------------------------- refusals */

START_TEST(bad_calls_are_refused) {
    samples s = make_samples(10), more = make_samples(11);
    erg_tensor *scalar = erg_tensor_new(ERG_FLOAT32, ERG_SCALAR);
    erg_tensor *empty = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(0, 2));
    erg_tensor *wide = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(4, 3));
    erg_tensor *twice = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(4, 2));
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(4, 2));
    erg_tensor *y = erg_tensor_new(ERG_INT32, ERG_SHAPE(3));
    const erg_dataset_options none = {0};
    FAILS_NULL("x NULL needs", erg_dataset_new(NULL, NULL, none));
    FAILS_NULL("x () needs", erg_dataset_new(scalar, NULL, none));
    FAILS_NULL("x (0, 2) needs", erg_dataset_new(empty, NULL, none));
    FAILS_NULL("x (10, 2) and y (11)", erg_dataset_new(s.x, more.y, none));
    erg_dataset *data = erg_dataset_new(s.x, s.y, none), *a = NULL, *b = NULL;
    erg_dataset *bare = erg_dataset_new(s.x, NULL, none);
    FAILS("no data set", erg_dataset_next(NULL, x, NULL));
    FAILS("x is NULL", erg_dataset_next(data, NULL, NULL));
    FAILS("x is float32 (4, 3)", erg_dataset_next(data, wide, NULL));
    FAILS("x is float64 (4, 2)", erg_dataset_next(data, twice, NULL));
    FAILS("x is float32 (11, 2), the data set has 10 rows", erg_dataset_next(data, more.x, NULL));
    FAILS("x is float32 (0, 2)", erg_dataset_next(data, empty, NULL));
    FAILS("x is float32 ()", erg_dataset_next(data, scalar, NULL));
    FAILS("x has 4 rows, y 3", erg_dataset_next(data, x, y));
    FAILS("y is not in the data set", erg_dataset_next(bare, x, y));
    ck_assert_double_eq(erg_tensor_get(x, 1), 0);
    FAILS_NULL("no y", erg_dataset_y(bare));
    FAILS_NULL("no data set", erg_dataset_x(NULL));
    static const double fractions[] = {0, 1, -1, 2, 0.01, 0.99, NAN};
    for (int i = 0; i < COUNT(fractions); i++)
        FAILS("leaves one part", erg_dataset_split(data, fractions[i], 1, &a, &b));
    FAILS("no data", erg_dataset_split(NULL, 0.5, 1, &a, &b));
    FAILS("nowhere", erg_dataset_split(data, 0.5, 1, &a, NULL));
    ck_assert(!a && !b);
    ck_assert_int_eq(erg_dataset_size(NULL) + erg_dataset_epoch(NULL) + erg_dataset_fresh(NULL), 0);
    erg_dataset_free(NULL);
    erg_dataset_free(data);
    erg_dataset_free(bare);
    erg_tensor *const all[] = {scalar, empty, wide, twice, x, y};
    for (int i = 0; i < COUNT(all); i++)
        erg_tensor_free(all[i]);
    free_samples(s);
    free_samples(more);
}
END_TEST

/* ------------------------------------------------------------------------------- going on */

/* At any batch, the state kept and loaded into a new set goes on with the same rows. */
START_TEST(a_position_is_kept) {
    samples s = make_samples(ROWS);
    const erg_dataset_options options = {.seed = 6, .keep_last = _i % 2};
    erg_dataset *data = erg_dataset_new(s.x, s.y, options);
    int rows[BATCH], again[BATCH];
    for (int k = 0; k < _i; k++)
        next_rows(data, BATCH, rows);
    erg_bundle *state = erg_bundle_new();
    erg_checkpoint_part part = erg_dataset_part(data, "data");
    ck_assert_int_eq(part.save(part.self, state), ERG_OK);
    erg_dataset *other = erg_dataset_new(s.x, s.y, options);
    part = erg_dataset_part(other, "data");
    ck_assert_int_eq(part.load(part.self, state, 0), ERG_OK);
    ck_assert_int_eq(erg_dataset_epoch(other), 0);
    ck_assert_int_eq(part.load(part.self, state, 1), ERG_OK);
    for (int k = 0; k < 10; k++) {
        next_rows(data, BATCH, rows);
        next_rows(other, BATCH, again);
        ck_assert_mem_eq(rows, again, sizeof rows);
        ck_assert_int_eq(erg_dataset_epoch(data), erg_dataset_epoch(other));
    }
    erg_bundle_free(state);
    erg_dataset_free(data);
    erg_dataset_free(other);
    free_samples(s);
}
END_TEST

/* ------------------------------------------------------------------------------- standardising */

/* Features 1, 3 (mean 2, std 1), 10, 10 and -2, 6 (mean 2, std 4). */
START_TEST(features_get_mean_0_and_std_1) {
    const float numbers[] = {1, 10, -2, 3, 10, 6}, wanted[] = {-1, 0, -1, 1, 0, 1};
    erg_dtype dtype = _i == 0 ? ERG_FLOAT32 : ERG_FLOAT64;
    erg_graph *g = erg_graph_new(0);
    erg_standardiser *s = erg_standardiser_new(g, "z", dtype, ERG_SHAPE(3));
    erg_node *x = erg_input(g, "x", dtype, ERG_SHAPE(2, 3)), *z = erg_standardise(s, x);
    erg_tensor *data = erg_tensor_from(ERG_FLOAT32, ERG_SHAPE(2, 3), numbers);
    erg_tensor *labels = erg_tensor_new(ERG_INT32, ERG_SHAPE(2, 3));
    erg_tensor_copy(labels, data);
    erg_tensor_copy(erg_value(x), data);
    for (int pass = 0; pass < 3; pass++) {
        if (pass)
            ck_assert_int_eq(erg_standardiser_fit(s, pass == 1 ? data : labels), ERG_OK);
        double *values = elements_of(z), *back = elements_of(erg_unstandardise(s, z));
        for (int i = 0; i < 6; i++) {
            ck_assert_double_eq(values[i], pass ? wanted[i] : numbers[i]);
            ck_assert_double_eq(back[i], numbers[i]);
        }
        free(values);
        free(back);
    }
    ck_assert_ptr_eq(erg_find(g, "z/std"), s->std);
    ck_assert_double_eq(erg_tensor_get(erg_value(erg_find(g, "z/mean")), 1), 10);
    erg_tensor_free(data);
    erg_tensor_free(labels);
    erg_graph_free(g);
}
END_TEST

/* Far from 0 the variance does not cancel. */
START_TEST(far_features_keep_their_spread) {
    erg_graph *g = erg_graph_new(0);
    erg_standardiser *s = erg_standardiser_new(g, "z", ERG_FLOAT64, ERG_SCALAR);
    erg_tensor *x = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(2), (double[]){1e9 - 1, 1e9 + 1});
    ck_assert_int_eq(erg_standardiser_fit(s, x), ERG_OK);
    ck_assert_double_eq(erg_tensor_get(erg_value(s->std), 0), 1);
    erg_tensor_free(x);
    erg_graph_free(g);
}
END_TEST

START_TEST(standardiser_refuses) {
    erg_graph *g = erg_graph_new(0);
    erg_standardiser *s = erg_standardiser_new(g, "z", ERG_FLOAT64, ERG_SHAPE(3));
    erg_tensor *wide = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(2, 4));
    erg_tensor *flat = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(3));
    erg_tensor *empty = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(0, 3));
    erg_tensor *x = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(2, 3));
    erg_tensor_set(x, 4, NAN);
    FAILS("no standardiser", erg_standardiser_fit(NULL, x));
    FAILS("no x", erg_standardiser_fit(s, NULL));
    FAILS("x (2, 4) is not rows of shape (3)", erg_standardiser_fit(s, wide));
    FAILS("x (3) is not rows", erg_standardiser_fit(s, flat));
    FAILS("x (0, 3) is not rows", erg_standardiser_fit(s, empty));
    FAILS("not finite", erg_standardiser_fit(s, x));
    ck_assert_double_eq(erg_tensor_get(erg_value(s->std), 1), 1);
    erg_node *node = input_of(g, ERG_SHAPE(2, 3), NULL);
    REFUSES(g, "no standardiser", erg_standardise(NULL, node));
    REFUSES(g, "no standardiser", erg_unstandardise(NULL, node));
    REFUSES(g, "must be a float dtype", erg_standardiser_new(g, "i", ERG_INT32, ERG_SHAPE(3)));
    REFUSES(g, "already", erg_standardiser_new(g, "z", ERG_FLOAT64, ERG_SHAPE(3)));
    erg_tensor *const all[] = {wide, flat, empty, x};
    for (int i = 0; i < COUNT(all); i++)
        erg_tensor_free(all[i]);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("dataset");
    TCase *tests = tcase_create("dataset");
    tcase_add_test(tests, an_epoch_takes_each_row_once);
    tcase_add_test(tests, orders_belong_to_seeds);
    tcase_add_test(tests, ordered_sets_stay_in_order);
    tcase_add_test(tests, a_short_batch_is_filled_up);
    tcase_add_test(tests, batches_may_grow);
    tcase_add_test(tests, orders_are_equally_likely);
    tcase_add_test(tests, a_wrong_shuffle_shows);
    tcase_add_test(tests, split_shares_the_rows_out);
    tcase_add_test(tests, bad_calls_are_refused);
    tcase_add_loop_test(tests, a_position_is_kept, 0, 17);
    suite_add_tcase(suite, tests);
    TCase *standard = tcase_create("standardise");
    tcase_add_loop_test(standard, features_get_mean_0_and_std_1, 0, 2);
    tcase_add_test(standard, far_features_keep_their_spread);
    tcase_add_test(standard, standardiser_refuses);
    suite_add_tcase(suite, standard);
    return run_suite(suite);
}

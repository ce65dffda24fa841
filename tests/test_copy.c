/* test_copy.c: strided copies against the loop that defines them, for every set of kernels here. */
#include <check.h>

#include "arrays.h"

static const erg_kernels *sets[8];
static int set_count;

/* Where the lowest and the highest index of one side lie. */
static void extent(const erg_box *box, const int64_t *stride, int64_t *low, int64_t *high) {
    *low = *high = 0;
    for (int d = 0; d < box->ndim; d++)
        *(stride[d] < 0 ? low : high) += stride[d] * (box->size[d] - 1);
}

/* Runs the copy on arrays that are just large enough, after moving the offsets so that the first
 * element of each is used, and compares the whole destination. */
static void check_copy(erg_box box) {
    int64_t src_low, src_high, dst_low, dst_high, count = 1;
    for (int d = 0; d < box.ndim; d++)
        count *= box.size[d];
    extent(&box, box.src_stride, &src_low, &src_high);
    extent(&box, box.dst_stride, &dst_low, &dst_high);
    box.src_offset = -src_low;
    box.dst_offset = -dst_low;
    int64_t src_size = count ? src_high - src_low + 1 : 1,
            dst_size = count ? dst_high - dst_low + 1 : 1;

    for (int which = 0; which < set_count; which++)
        for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_INT32; dtype++) {
            void *src = array_random(dtype, src_size, 1, 1e6),
                 *got = array_random(dtype, dst_size, 2, 1);
            void *want = array_copy(dtype, dst_size, got);
            for (int64_t flat = 0; flat < count; flat++) {
                int64_t from = box.src_offset, to = box.dst_offset, rest = flat;
                for (int d = box.ndim - 1; d >= 0; rest /= box.size[d--]) {
                    from += rest % box.size[d] * box.src_stride[d];
                    to += rest % box.size[d] * box.dst_stride[d];
                }
                set(dtype, want, to, get(dtype, src, from));
            }
            sets[which]->copy[dtype](&box, src, got);
            ck_assert(memcmp(got, want, (size_t)dst_size * size_of(dtype)) == 0);
            free(src);
            free(got);
            free(want);
        }
}

START_TEST(test_named) {
    static const erg_box boxes[] = {
        {.ndim = 0},
        {1, {9}, {1}, {1}, 0, 0},
        {1, {9}, {0}, {1}, 0, 0},  /* fill */
        {1, {9}, {-1}, {1}, 0, 0}, /* reverse */
        {1, {9}, {3}, {2}, 0, 0},
        {2, {5, 7}, {7, 1}, {7, 1}, 0, 0},   /* one run */
        {2, {5, 7}, {9, 1}, {8, 1}, 0, 0},   /* slice */
        {2, {5, 70}, {0, 1}, {70, 1}, 0, 0}, /* a row for all rows */
        {2, {5, 70}, {1, 0}, {70, 1}, 0, 0}, /* a column for all columns */
        {2, {70, 2}, {1, 0}, {2, 1}, 0, 0},
        {2, {70, 3}, {3, 1}, {5, 1}, 0, 0},    /* pad */
        {2, {37, 53}, {1, 37}, {53, 1}, 0, 0}, /* transpose */
        {2, {37, 53}, {1, 40}, {60, 1}, 0, 0},
        {3, {3, 37, 21}, {777, 1, 37}, {777, 21, 1}, 0, 0},
        {3, {19, 4, 23}, {1, 19, 76}, {92, 23, 1}, 0, 0},  /* axes reversed */
        {3, {4, 19, 23}, {19, 1, 76}, {437, 23, 1}, 0, 0}, /* axes rotated */
        {3, {2, 19, 23}, {19, 1, 38}, {23, 46, 1}, 0, 0},
        {3, {3, 4, 5}, {1, 0, 1}, {20, 5, 1}, 0, 0}, /* windows that overlap */
        {3, {4, 0, 5}, {1, 1, 1}, {1, 1, 1}, 0, 0},  /* nothing */
    };
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++)
        check_copy(boxes[i]);
}
END_TEST

/* Destinations laid out in a random order of axes, with gaps; sources with any small strides. */
START_TEST(test_random) {
    uint64_t state = (uint64_t)_i;
    for (int round = 0; round < 100; round++) {
        erg_box box = {.ndim = (int)(4.5 + 4.49 * next_number(&state))};
        int64_t stride = 1;
        for (int d = 0; d < box.ndim; d++)
            box.size[d] = (int64_t)(2.5 + 2 * next_number(&state));
        for (int left = box.ndim; left > 0; left--) {
            int d = (int)((next_number(&state) + 1) / 2 * box.ndim) % box.ndim;
            while (box.dst_stride[d] != 0)
                d = (d + 1) % box.ndim;
            int flip = next_number(&state) < -0.8;
            box.dst_stride[d] = flip ? -stride : stride;
            stride *= box.size[d] + (next_number(&state) > 0.7);
            box.src_stride[d] = (int64_t)(4 * next_number(&state));
        }
        check_copy(box);
    }
}
END_TEST

int main(void) {
    set_count = erg_kernels_all(sets, 8);
    Suite *suite = suite_create("copy");
    TCase *tests = tcase_create("copy");
    tcase_add_test(tests, test_named);
    tcase_add_loop_test(tests, test_random, 0, 5);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

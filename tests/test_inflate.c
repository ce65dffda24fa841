/* test_inflate.c: what was packed is unpacked again, and nothing else is. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tensor/checksum.h"
#include "../tensor/deflate.h"
#include "../tensor/inflate.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ------------------------------------------------------------------------------- contents */

/* Contents that repeat at the lengths and distances where the bins and the window end. */
typedef uint8_t (*content)(size_t i);

static uint8_t zeros(size_t i) {
    return (uint8_t)(0 * i);
}
static uint8_t noise(size_t i) {
    return (uint8_t)((i * 2654435761u) >> 13 ^ i * i >> 7);
}
static uint8_t far_repeats(size_t i) {
    return noise(i % 32768);
}
static uint8_t too_far_repeats(size_t i) {
    return noise(i % 32769);
}
static uint8_t long_repeats(size_t i) {
    return i % 700 < 258 + 2 ? noise(i % 700) : noise(i);
}
static uint8_t near_repeats(size_t i) {
    return noise(i % (1 + i / 5000));
}

static const content contents[] = {zeros,           noise,        far_repeats,
                                   too_far_repeats, long_repeats, near_repeats};
static const size_t sizes[] = {0, 1, 2, 3, 257, 258, 259, 260, 70000, 100001};
#define CASES (COUNT(contents) * COUNT(sizes))

static uint8_t *make(content c, size_t size) {
    uint8_t *bytes = malloc(size + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = c(i);
    }
    return bytes;
}

/* ------------------------------------------------------------------------------- streams */

/* A zlib stream has two bytes in front of the deflate stream, four behind it. */
START_TEST(what_was_packed_is_unpacked) {
    size_t size = sizes[_i / COUNT(contents)], used = 0;
    uint8_t *bytes = make(contents[_i % COUNT(contents)], size);
    uint8_t *packed = malloc(erg_zlib_bound(size)), *back = malloc(size + 1);
    size_t packed_size = erg_zlib_compress(bytes, size, packed);
    const char *problem = erg_inflate(packed + 2, packed_size - 2, back, size, &used);
    ck_assert_msg(problem == NULL, "%s", problem);
    ck_assert_uint_eq(used, packed_size - 6);
    ck_assert(memcmp(back, bytes, size) == 0);
    ck_assert_uint_le(size, ERG_MAX_INFLATION * used);
    if (size > 0) {
        ck_assert_ptr_nonnull(erg_inflate(packed + 2, packed_size - 2, back, size - 1, &used));
    }
    ck_assert_ptr_nonnull(erg_inflate(packed + 2, packed_size - 2, back, size + 1, &used));
    free(bytes);
    free(packed);
    free(back);
}
END_TEST

/* Every beginning of a stream ends too early. */
START_TEST(beginnings_are_refused) {
    const size_t size = 300;
    uint8_t *bytes = make(contents[_i], size), back[300];
    uint8_t *packed = malloc(erg_zlib_bound(size));
    size_t end = erg_zlib_compress(bytes, size, packed) - 4, used;
    for (size_t cut = 2; cut < end; cut++) {
        uint8_t *copy = malloc(cut - 2 + 1);
        memcpy(copy, packed + 2, cut - 2);
        ck_assert_ptr_nonnull(erg_inflate(copy, cut - 2, back, size, &used));
        free(copy);
    }
    free(bytes);
    free(packed);
}
END_TEST

/* ------------------------------------------------------------------------------- files */

/* A .gz file of the content; the caller frees it. */
static uint8_t *gzip(const uint8_t *bytes, size_t size, size_t *gz_size) {
    static const uint8_t head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    uint8_t *packed = malloc(erg_zlib_bound(size)), *gz = malloc(erg_zlib_bound(size) + 18);
    size_t length = erg_zlib_compress(bytes, size, packed) - 6;
    uint32_t words[] = {erg_crc32(0, bytes, size), (uint32_t)size};
    memcpy(gz, head, 10);
    memcpy(gz + 10, packed + 2, length);
    for (int i = 0; i < 8; i++) {
        gz[10 + length + (size_t)i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
    }
    free(packed);
    *gz_size = length + 18;
    return gz;
}

/* A bit that flips changes nothing of the content, as in the time of the header, or is noticed, as
 * always in checksum and size. */
START_TEST(every_flipped_bit_is_noticed) {
    const size_t size = 600;
    size_t gz_size, back_size;
    uint8_t *bytes = make(contents[_i], size), *gz = gzip(bytes, size, &gz_size), *back;
    int unnoticed = 0;
    ck_assert_ptr_null(erg_gunzip(gz, gz_size, &back, &back_size));
    ck_assert_uint_eq(back_size, size);
    ck_assert(memcmp(back, bytes, size) == 0);
    free(back);
    for (size_t bit = 0; bit < 8 * gz_size; bit++) {
        gz[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (erg_gunzip(gz, gz_size, &back, &back_size) == NULL) {
            if (bit >= 8 * (gz_size - 8) || back_size != size || memcmp(back, bytes, size) != 0) {
                ck_abort_msg("bit %zu is not noticed", bit);
            }
            free(back);
            unnoticed++;
        }
        gz[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_int_ge(unnoticed, 8 * 6); /* time, effort and system */
    ck_assert_int_lt(unnoticed, 8 * 9);
    free(bytes);
    free(gz);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("inflate");
    TCase *tests = tcase_create("inflate");
    tcase_add_loop_test(tests, what_was_packed_is_unpacked, 0, CASES);
    tcase_add_loop_test(tests, beginnings_are_refused, 0, COUNT(contents));
    tcase_add_loop_test(tests, every_flipped_bit_is_noticed, 0, COUNT(contents));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

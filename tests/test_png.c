/* test_png.c: pictures, the compression in them and its checksums. What is written is decoded by
 * an independent reader. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tensor/checksum.h"
#include "../tensor/deflate.h"
#include "../tensor/tensor.h"
#include "decode_png.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define PATH "test_png.png"

static void remove_file(void) {
    unlink(PATH);
}

START_TEST(checksums) {
    const uint8_t *digits = (const uint8_t *)"123456789", *name = (const uint8_t *)"Wikipedia";
    ck_assert_uint_eq(erg_crc32(0, digits, 9), 0xcbf43926u);
    ck_assert_uint_eq(erg_crc32(erg_crc32(0, digits, 4), digits + 4, 5), 0xcbf43926u);
    ck_assert_uint_eq(erg_adler32(name, 9), 0x11e60398u);
    ck_assert_uint_eq(erg_adler32(NULL, 0), 1);
}
END_TEST

/* Pictures of every kind: flat, smooth, noisy, and repeating at the distances and lengths where
 * the compressor's bins and its window end. */
typedef uint8_t (*painter)(int x, int y, int c);

static uint8_t flat(int x, int y, int c) {
    return (uint8_t)(200 + 0 * (x + y + c));
}
static uint8_t smooth(int x, int y, int c) {
    return (uint8_t)(x * (c + 1) + y * 2);
}
static uint8_t curved(int x, int y, int c) {
    return (uint8_t)(x * y / 7 + c * x);
}
static uint8_t noise(int x, int y, int c) {
    uint32_t h = (uint32_t)x * 2654435761u ^ (uint32_t)y * 2246822519u ^ (uint32_t)c * 3266489917u;
    h = (h ^ h >> 15) * 2246822519u;
    h = (h ^ h >> 13) * 3266489917u;
    return (uint8_t)(h >> 24);
}
/* The first 100 pixels of noise come again and again, farther away in every row. */
static uint8_t echo(int x, int y, int c) {
    return x % (100 + 3 * y) < 100 ? noise(x % (100 + 3 * y), 0, c) : noise(x, y, c);
}
static uint8_t stripes(int x, int y, int c) {
    return (uint8_t)(x % (y + 1) == 0 ? 255 : 13 * c);
}

static const struct png_case {
    painter paint;
    int width, height, channels;
    size_t most_bytes; /* what the file may be large, 0 for no demand */
} png_cases[] = {
    {flat, 1, 1, 1, 80},         {flat, 640, 480, 3, 8000},   {flat, 1, 300, 4, 0},
    {smooth, 300, 200, 1, 2000}, {smooth, 300, 200, 3, 3500}, {smooth, 7, 5, 4, 0},
    {curved, 257, 129, 3, 0},    {curved, 64, 64, 4, 0},      {noise, 100, 100, 3, 0},
    {noise, 33000, 2, 1, 0},     {noise, 3, 1, 3, 0},         {echo, 700, 120, 1, 0},
    {echo, 33100, 3, 1, 0},      {stripes, 320, 240, 3, 0},   {stripes, 2, 2, 4, 0},
};

static uint8_t *paint(const struct png_case *c, size_t *size) {
    *size = (size_t)c->width * (size_t)c->height * (size_t)c->channels;
    uint8_t *pixels = malloc(*size), *next = pixels;
    ck_assert_ptr_nonnull(pixels);
    for (int y = 0; y < c->height; y++) {
        for (int x = 0; x < c->width; x++) {
            for (int k = 0; k < c->channels; k++) {
                *next++ = c->paint(x, y, k);
            }
        }
    }
    return pixels;
}

START_TEST(decodes_to_the_same_pixels) {
    const struct png_case *c = &png_cases[_i];
    size_t count;
    uint8_t *pixels = paint(c, &count);
    ck_assert_int_eq(erg_png_write(PATH, pixels, c->width, c->height, c->channels), ERG_OK);
    decoded_png png = decode_png_file(PATH);
    ck_assert_int_eq(png.width, c->width);
    ck_assert_int_eq(png.height, c->height);
    ck_assert_int_eq(png.channels, c->channels);
    ck_assert(memcmp(png.pixels, pixels, count) == 0);
    if (c->most_bytes > 0) {
        ck_assert_uint_le(png.file_size, c->most_bytes);
    }
    free(png.pixels);
    free(pixels);
}
END_TEST

static const size_t distances[] = {1,   2,   3,   4,    5,    6,     7,     8,     9,     255,
                                   256, 257, 258, 4096, 4097, 24576, 24577, 32767, 32768, 32769};

/* Text that repeats at exactly this distance, between noise. */
START_TEST(zlib_distances) {
    static uint8_t bytes[40000], out[46000], back[40000];
    size_t distance = distances[_i], size = distance + 600;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = i < distance ? noise((int)i, 1, 2) : bytes[i - distance];
    }
    ck_assert_uint_le(erg_zlib_bound(size), sizeof(out));
    size_t length = erg_zlib_compress(bytes, size, out);
    ck_assert_uint_le(length, erg_zlib_bound(size));
    png_inflate(out, length, back, size);
    ck_assert_mem_eq(back, bytes, size);
    /* Three matches of at most 31 bits, or 600 more bytes. */
    size_t noise_alone = erg_zlib_compress(bytes, distance, out);
    ck_assert_int_eq(length <= noise_alone + 24, distance <= 32768);
}
END_TEST

static const struct png_refusal {
    int pixels, width, height, channels;
    const char *message;
} png_refusals[] = {
    {0, 1, 1, 1, "no pixels"},           {1, 1, 1, 2, "2 channels"},
    {1, 1, 1, -1, "-1 channels"},        {1, 0, 1, 1, "no pixel in 0 x 1"},
    {1, 1, -5, 1, "no pixel in 1 x -5"}, {1, 40000, 40000, 4, "too many"},
    {1, 1, INT32_MAX, 1, "too many"},    {1, INT32_MAX, INT32_MAX, 4, "too many"},
};

START_TEST(refuses) {
    const struct png_refusal *c = &png_refusals[_i];
    const uint8_t pixel[4] = {0};
    ck_assert_int_eq(
        erg_png_write(PATH, c->pixels ? pixel : NULL, c->width, c->height, c->channels),
        ERG_ERROR_ARGUMENT);
    ck_assert_msg(strstr(erg_error_message(), c->message) != NULL, "%s", erg_error_message());
    ck_assert_int_ne(access(PATH, F_OK), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("png");
    TCase *tests = tcase_create("png");
    tcase_add_checked_fixture(tests, remove_file, remove_file);
    tcase_add_test(tests, checksums);
    tcase_add_loop_test(tests, zlib_distances, 0, COUNT(distances));
    tcase_add_loop_test(tests, decodes_to_the_same_pixels, 0, COUNT(png_cases));
    tcase_add_loop_test(tests, refuses, 0, COUNT(png_refusals));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

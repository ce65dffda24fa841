/* test_image_grid.c: many pictures in one, decoded again by an independent reader. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tensor/tensor.h"
#include "decode_png.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define PATH "test_image_grid.png"
#define UNWRITABLE "no-such-folder/picture.png"

static void remove_file(void) {
    unlink(PATH);
}

static const struct {
    int count, height, width, channels, columns;
    int png_width, png_height;
} grids[] = {
    {1, 4, 5, 1, 0, 5, 4},       {4, 4, 5, 1, 0, 11, 9}, {5, 4, 5, 1, 0, 17, 9},
    {5, 4, 5, 3, 2, 11, 14},     {3, 1, 1, 1, 10, 5, 1}, {6, 2, 3, 3, 6, 23, 2},
    {10, 28, 28, 1, 5, 144, 57},
};

/* Where the value k of image n must be, by the definition of the grid. */
START_TEST(grid_shows_every_value_in_its_place) {
    int count = grids[_i].count, height = grids[_i].height, width = grids[_i].width;
    int channels = grids[_i].channels;
    erg_tensor *images =
        erg_tensor_new(ERG_FLOAT32, channels == 3 ? ERG_SHAPE(count, height, width, 3)
                                                  : ERG_SHAPE(count, height, width));
    for (int64_t i = 0; i < erg_tensor_size(images); i++) {
        erg_tensor_set(images, i, (double)(i % 256) - 7);
    }
    ck_assert_int_eq(erg_image_grid_write(PATH, images, grids[_i].columns, -7, 248), ERG_OK);
    decoded_png png = decode_png_file(PATH);
    ck_assert_int_eq(png.width, grids[_i].png_width);
    ck_assert_int_eq(png.height, grids[_i].png_height);
    ck_assert_int_eq(png.channels, channels);
    int columns = (png.width + 1) / (width + 1), index = 0;
    for (int n = 0; n < count; n++) {
        for (int y = 0; y < height; y++) {
            for (int k = 0; k < width * channels; k++) {
                int row = n / columns * (height + 1) + y, left = n % columns * (width + 1);
                int at = (row * png.width + left) * channels + k;
                ck_assert_uint_eq(png.pixels[at], index++ % 256);
            }
        }
    }
    int painted = 0;
    for (int y = 0; y < png.height; y++) {
        for (int x = 0; x < png.width; x++) {
            int n = y / (height + 1) * columns + x / (width + 1);
            int inside = y % (height + 1) < height && x % (width + 1) < width && n < count;
            painted += inside;
            ck_assert(inside || png.pixels[(y * png.width + x) * channels] == 255);
        }
    }
    ck_assert_int_eq(painted * channels, index);
    free(png.pixels);
    erg_tensor_free(images);
}
END_TEST

static const struct {
    double low, high, values[4];
    int shades[4];
} shade_cases[] = {
    {0, 1, {-5, 0.5, 7, NAN}, {0, 128, 255, 128}},
    {-1, 1, {-1, 0, INFINITY, -INFINITY}, {0, 128, 255, 0}},
    {0, 0, {10, 20, 15, INFINITY}, {0, 255, 128, 255}},
    {0, 0, {3, 3, 3, 3}, {128, 128, 128, 128}},
    {0, 0, {NAN, NAN, NAN, NAN}, {128, 128, 128, 128}},
    {0, 0, {-1.7e308, 1.7e308, 0, 0}, {0, 255, 128, 128}},
};

START_TEST(grid_clamps_values) {
    erg_tensor *images = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(1, 2, 2), shade_cases[_i].values);
    ck_assert_int_eq(
        erg_image_grid_write(PATH, images, 0, shade_cases[_i].low, shade_cases[_i].high), ERG_OK);
    decoded_png png = decode_png_file(PATH);
    for (int k = 0; k < 4; k++) {
        ck_assert_int_eq(png.pixels[k], shade_cases[_i].shades[k]);
    }
    free(png.pixels);
    erg_tensor_free(images);
}
END_TEST

static const struct {
    erg_dtype dtype;
    erg_shape shape;
    int columns;
    double low, high;
    const char *message;
} wrong_grids[] = {
    {ERG_INT32, {3, {1, 2, 2}}, 0, 0, 1, "int32"},
    {ERG_FLOAT32, {2, {2, 2}}, 0, 0, 1, "(2, 2)"},
    {ERG_FLOAT32, {4, {1, 2, 2, 4}}, 0, 0, 1, "(1, 2, 2, 4)"},
    {ERG_FLOAT32, {3, {0, 2, 2}}, 0, 0, 1, "(0, 2, 2)"},
    {ERG_FLOAT32, {3, {1, 2, 0}}, 0, 0, 1, "(1, 2, 0)"},
    {ERG_FLOAT32, {3, {1, 2, 2}}, -1, 0, 1, "-1 columns"},
    {ERG_FLOAT32, {3, {1, 2, 2}}, 0, 1, 0, "from 1 to 0"},
    {ERG_FLOAT32, {3, {1, 2, 2}}, 0, 1, 1, "from 1 to 1"},
    {ERG_FLOAT32, {3, {1, 2, 2}}, 0, NAN, 1, "nan"},
    {ERG_FLOAT32, {3, {1, (int64_t)1 << 31, 1}}, 0, 0, 1, "a PNG is smaller"},
    {ERG_FLOAT32, {3, {(int64_t)1 << 32, 1, (int64_t)1 << 20}}, 0, 0, 1, "a PNG is smaller"},
};

static void assert_refused(erg_status status, const char *message) {
    ck_assert_int_eq(status, ERG_ERROR_ARGUMENT);
    ck_assert_msg(strstr(erg_error_message(), message) != NULL, "%s", erg_error_message());
    ck_assert_int_ne(access(PATH, F_OK), 0);
}

START_TEST(grid_refuses_mistakes) {
    /* refused for its shape, before any element is read */
    erg_tensor images = {.dtype = wrong_grids[_i].dtype, .shape = wrong_grids[_i].shape};
    assert_refused(erg_image_grid_write(PATH, &images, wrong_grids[_i].columns, wrong_grids[_i].low,
                                        wrong_grids[_i].high),
                   wrong_grids[_i].message);
    assert_refused(erg_image_grid_write(PATH, NULL, 0, 0, 1), "no images");
}
END_TEST

START_TEST(grid_needs_a_path) {
    erg_tensor *images = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(2, 3, 3));
    assert_refused(erg_image_grid_write(NULL, images, 0, 0, 1), "no path");
    ck_assert_int_eq(erg_image_grid_write(UNWRITABLE, images, 0, 0, 1), ERG_ERROR_IO);
    erg_tensor_free(images);
}
END_TEST

/* ------------------------------------------------------------------------------- the suite */

#define ADD_LOOP(test, table) tcase_add_loop_test(tests, test, 0, COUNT(table))

static Suite *image_grid_suite(void) {
    Suite *suite = suite_create("image_grid");
    TCase *tests = tcase_create("image grid");
    tcase_add_checked_fixture(tests, NULL, remove_file);
    ADD_LOOP(grid_shows_every_value_in_its_place, grids);
    ADD_LOOP(grid_clamps_values, shade_cases);
    ADD_LOOP(grid_refuses_mistakes, wrong_grids);
    tcase_add_test(tests, grid_needs_a_path);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(image_grid_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

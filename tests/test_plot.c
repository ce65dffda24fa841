/* test_plot.c: plots, saved and decoded again by an independent reader. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tensor/plot.h"
#include "decode_png.h"
#include "lightness.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define PATH "test_plot.png"
#define UNWRITABLE "no-such-folder/picture.png"
#define INK 0x262626u
#define WHITE 0xFFFFFFu

static void remove_file(void) {
    unlink(PATH);
}

/* ------------------------------------------------------------------------------- plots */

static erg_tensor *tensor_of(int rows, int columns, const double *values) {
    erg_tensor *tensor =
        erg_tensor_from(ERG_FLOAT64, columns ? ERG_SHAPE(rows, columns) : ERG_SHAPE(rows), values);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

static uint32_t color_at(const decoded_png *png, int x, int y) {
    const uint8_t *pixel = png->pixels + ((size_t)y * (size_t)png->width + (size_t)x) * 3;
    return (uint32_t)pixel[0] << 16 | (uint32_t)pixel[1] << 8 | pixel[2];
}

static int64_t count_color(const decoded_png *png, erg_box box, uint32_t color) {
    int64_t count = 0;
    for (int y = box.top; y < box.bottom; y++) {
        for (int x = box.left; x < box.right; x++) {
            count += color_at(png, x, y) == color;
        }
    }
    return count;
}

/* Saves, frees and reads back. */
static decoded_png picture_of(erg_plot *plot) {
    ck_assert_msg(erg_plot_save(plot, PATH) == ERG_OK, "%s", erg_error_message());
    erg_plot_free(plot);
    return decode_png_file(PATH);
}

static erg_plot *new_plot(erg_plot_options options) {
    erg_plot *plot = erg_plot_new(options);
    ck_assert_msg(plot != NULL, "%s", erg_error_message());
    return plot;
}

/* The inside of the frame, found by its dark lines: the longest runs of ink that cross the middle. */
static erg_box find_frame(const decoded_png *png) {
    erg_box box = {0, 0, png->width, png->height};
    int row = png->height / 2, column = png->width / 2;
    while (box.left < column &&
           count_color(png, (erg_box){box.left, row - 9, box.left + 1, row + 9}, INK) < 18) {
        box.left++;
    }
    while (box.top < row &&
           count_color(png, (erg_box){column - 9, box.top, column + 9, box.top + 1}, INK) < 18) {
        box.top++;
    }
    box.left++;
    box.top++;
    box.right = box.left;
    box.bottom = box.top;
    while (box.right < png->width &&
           count_color(png, (erg_box){box.right, row - 9, box.right + 1, row + 9}, INK) < 18) {
        box.right++;
    }
    while (box.bottom < png->height - 1 &&
           count_color(png, (erg_box){column - 9, box.bottom, column + 9, box.bottom + 1}, INK) <
               18) {
        box.bottom++;
    }
    return box;
}

static const struct {
    erg_plot_options options;
    int width, height;
} sizes[] = {
    {{0}, 640, 480}, {{.width = 300}, 300, 480}, {{.width = 1900, .height = 1500}, 1900, 1500}};

START_TEST(empty_plot_is_a_white_box_in_a_frame) {
    decoded_png png = picture_of(new_plot(sizes[_i].options));
    ck_assert_int_eq(png.width, sizes[_i].width);
    ck_assert_int_eq(png.height, sizes[_i].height);
    ck_assert_int_eq(png.channels, 3);
    ck_assert_uint_eq(color_at(&png, 0, 0), WHITE);
    erg_box box = find_frame(&png);
    ck_assert_int_gt(box.right - box.left, png.width * 3 / 4);
    ck_assert_int_gt(box.bottom - box.top, png.height * 3 / 4);
    for (int x = box.left - 1; x <= box.right; x++) {
        ck_assert_uint_eq(color_at(&png, x, box.top - 1), INK);
        ck_assert_uint_eq(color_at(&png, x, box.bottom), INK);
    }
    ck_assert_int_eq(count_color(&png, box, INK), 0);
    free(png.pixels);
}
END_TEST

START_TEST(points_are_where_they_belong) {
    static const double points[] = {2, 30, 4, 10, NAN, 20, 3, INFINITY, 9, 20};
    erg_tensor *tensor = tensor_of(5, 2, points);
    erg_plot *plot = new_plot((erg_plot_options){.x_min = 1, .x_max = 5, .y_min = 0, .y_max = 40});
    ck_assert_int_eq(
        erg_plot_scatter(plot, tensor, (erg_mark_options){.color = 0xD01020, .size = 9}), ERG_OK);
    erg_tensor_free(tensor); /* the plot has its own copy */
    decoded_png png = picture_of(plot);
    erg_box box = find_frame(&png), all = {0, 0, png.width, png.height};
    int width = box.right - box.left, height = box.bottom - box.top;
    ck_assert_uint_eq(color_at(&png, box.left + width / 4, box.bottom - height * 3 / 4), 0xD01020);
    ck_assert_uint_eq(color_at(&png, box.left + width * 3 / 4, box.bottom - height / 4), 0xD01020);
    ck_assert_int_lt(count_color(&png, all, 0xD01020), 2 * 64);
    free(png.pixels);
}
END_TEST

START_TEST(layers_stay_inside_the_axes) {
    static const double x[] = {-1e300, 0, 1, 1e300}, y[] = {-100, 5, -1e308, 1e308};
    erg_tensor *xs = tensor_of(4, 0, x), *ys = tensor_of(4, 0, y);
    erg_plot *plot = new_plot((erg_plot_options){.x_min = 0, .x_max = 1, .y_min = 0, .y_max = 1});
    erg_mark_options thick = {.color = 0x1030D0, .size = 60};
    ck_assert_int_eq(erg_plot_line(plot, xs, ys, thick), ERG_OK);
    decoded_png png = picture_of(plot);
    erg_box box = find_frame(&png), all = {0, 0, png.width, png.height};
    ck_assert_int_gt(count_color(&png, box, 0x1030D0), 1000);
    ck_assert_int_eq(count_color(&png, box, 0x1030D0), count_color(&png, all, 0x1030D0));
    free(png.pixels);
    erg_tensor_free(xs);
    erg_tensor_free(ys);
}
END_TEST

START_TEST(heatmap_runs_from_dark_to_bright) {
    static const double values[] = {-1, 0, NAN, 3};
    erg_tensor *tensor = tensor_of(2, 2, values);
    erg_plot *plot = new_plot((erg_plot_options){0});
    ck_assert_int_eq(erg_plot_heatmap(plot, tensor, (erg_heatmap_options){.label = "E"}), ERG_OK);
    erg_tensor_free(tensor);
    decoded_png png = picture_of(plot);
    erg_box box = find_frame(&png);
    ck_assert_uint_eq(color_at(&png, box.left, box.bottom - 1), erg_colormap(0));
    ck_assert_uint_eq(color_at(&png, box.left, box.top), ERG_COLOR_NAN);
    ck_assert_uint_eq(color_at(&png, box.right - 1, box.top), erg_colormap(1));
    double here = lightness(color_at(&png, box.right - 1, box.bottom - 1));
    ck_assert_double_eq_tol(here, lightness(erg_colormap(0.25)), 1);
    /* the colour bar: bright above, dark below */
    int bar = box.right + 17;
    ck_assert_double_gt(lightness(color_at(&png, bar, box.top + 1)), 85);
    ck_assert_double_lt(lightness(color_at(&png, bar, box.bottom - 2)), 20);
    free(png.pixels);
}
END_TEST

START_TEST(heatmap_of_small_cells_is_smooth) {
    double values[100 * 100];
    for (int i = 0; i < COUNT(values); i++) {
        values[i] = i % 100;
    }
    erg_tensor *tensor = tensor_of(100, 100, values);
    erg_plot *plot = new_plot((erg_plot_options){.equal = 1});
    erg_heatmap_options half = {.x_min = -1, .x_max = 1, .y_min = -1, .y_max = 1, .high = 49.5};
    ck_assert_int_eq(erg_plot_heatmap(plot, tensor, half), ERG_OK);
    decoded_png png = picture_of(plot);
    erg_box box = find_frame(&png);
    int width = box.right - box.left, row = box.top + 50;
    ck_assert_int_le(abs(width - (box.bottom - box.top)), 1);
    for (int x = box.left + 1; x < box.left + width / 2; x++) {
        double step = lightness(color_at(&png, x, row)) - lightness(color_at(&png, x - 1, row));
        ck_assert_double_gt(step, -0.4);
        ck_assert_double_lt(step, 1);
    }
    /* beyond the range that was asked for */
    ck_assert_uint_eq(color_at(&png, box.right - 5, row), erg_colormap(1));
    free(png.pixels);
    erg_tensor_free(tensor);
}
END_TEST

START_TEST(points_on_a_heatmap_have_a_white_edge) {
    static const double zeros[4] = {0}, middle[] = {1, 1};
    erg_tensor *map = tensor_of(2, 2, zeros), *point = tensor_of(1, 2, middle);
    for (int with_map = 0; with_map < 2; with_map++) {
        erg_plot *plot = new_plot((erg_plot_options){.x_max = 2, .y_max = 2});
        if (with_map) {
            ck_assert_int_eq(erg_plot_heatmap(plot, map, (erg_heatmap_options){0}), ERG_OK);
        }
        erg_mark_options options = {.color = 0x010101, .size = 21};
        ck_assert_int_eq(erg_plot_scatter(plot, point, options), ERG_OK);
        decoded_png png = picture_of(plot);
        erg_box box = find_frame(&png);
        int x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
        ck_assert_uint_eq(color_at(&png, x, y), 0x010101);
        if (with_map) {
            ck_assert_double_gt(lightness(color_at(&png, x - 11, y)),
                                lightness(color_at(&png, x - 30, y)) + 10);
        }
        free(png.pixels);
    }
    erg_tensor_free(map);
    erg_tensor_free(point);
}
END_TEST

START_TEST(legend_appears_with_a_label) {
    static const double values[] = {0, 1};
    erg_tensor *y = tensor_of(2, 0, values);
    int64_t ink_inside[2];
    for (int labelled = 0; labelled < 2; labelled++) {
        char label[] = "loss σ";
        erg_plot *plot = new_plot((erg_plot_options){0});
        erg_mark_options options = {.color = 0xD01020, .label = labelled ? label : NULL};
        ck_assert_int_eq(erg_plot_line(plot, NULL, y, options), ERG_OK);
        strcpy(label, "######"); /* the plot has its own copy */
        decoded_png png = picture_of(plot);
        erg_box box = find_frame(&png);
        ink_inside[labelled] = count_color(&png, box, INK);
        /* the curve rises: the legend goes to the upper left, where it hides nothing */
        erg_box corner = {box.left, box.top, box.left + 100, box.top + 40};
        ck_assert_int_eq(count_color(&png, corner, INK), ink_inside[labelled]);
        free(png.pixels);
    }
    ck_assert_int_eq(ink_inside[0], 0);
    ck_assert_int_gt(ink_inside[1], 40);
    ck_assert_int_lt(ink_inside[1], 120);
    erg_tensor_free(y);
}
END_TEST

START_TEST(texts_are_drawn_outside_the_frame) {
    char text[] = "W";
    decoded_png plain = picture_of(new_plot((erg_plot_options){.x_max = 1, .y_max = 1}));
    erg_plot_options options = {
        .x_max = 1, .y_max = 1, .title = text, .x_label = text, .y_label = text};
    erg_plot *plot = new_plot(options);
    text[0] = '.';
    decoded_png png = picture_of(plot);
    erg_box box = find_frame(&png), before = find_frame(&plain);
    ck_assert_int_gt(box.top, before.top);
    ck_assert_int_gt(box.left, before.left);
    ck_assert_int_lt(box.bottom, before.bottom);
    int x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
    ck_assert_int_gt(count_color(&png, (erg_box){x - 6, 0, x + 6, box.top - 1}, INK), 20);
    ck_assert_int_gt(count_color(&png, (erg_box){x - 6, png.height - 22, x + 6, png.height}, INK),
                     15);
    ck_assert_int_gt(count_color(&png, (erg_box){0, y - 6, 22, y + 6}, INK), 15);
    free(png.pixels);
    free(plain.pixels);
}
END_TEST

START_TEST(log_axis_leaves_out_what_is_not_positive) {
    static const double values[] = {0.01, 1, -1, 0, NAN, 100, 100};
    erg_tensor *y = tensor_of(7, 0, values);
    erg_plot *plot = new_plot((erg_plot_options){.log_y = 1});
    ck_assert_int_eq(erg_plot_line(plot, NULL, y, (erg_mark_options){.color = 0xD01020, .size = 5}),
                     ERG_OK);
    decoded_png png = picture_of(plot);
    erg_box box = find_frame(&png);
    double width = box.right - box.left, height = box.bottom - box.top;
    /* with 5 % on each side; in decades the line to the second point rises half of the way */
    int x = box.left + (int)(width * (0.5 / 6 * 0.90909 + 0.04545));
    int line = box.bottom - (int)(height * (0.25 * 0.90909 + 0.04545));
    ck_assert_uint_eq(color_at(&png, x, line), 0xD01020);
    /* the curve is broken between the second and the sixth point */
    erg_box gap = box;
    gap.left += (int)(width * 0.25);
    gap.right -= (int)(width * 0.25);
    ck_assert_int_eq(count_color(&png, gap, 0xD01020), 0);
    free(png.pixels);
    erg_tensor_free(y);
}
END_TEST

/* ERG_TEST_FAST asks for less work: smaller pictures, fewer points. */
static bool fast(void) {
    return getenv("ERG_TEST_FAST") != NULL;
}

static const struct {
    int count;
    double values[3];
} degenerate[] = {
    {0, {0}},
    {1, {3.3}},
    {3, {5, 5, 5}},
    {3, {0, 0, 0}},
    {3, {NAN, INFINITY, -INFINITY}},
    {3, {1e-300, 1, 1e300}},
    {3, {-1.7e308, 1.7e308, 0}},
    {3, {1e308, 1.79e308, 1.2e308}},
    {3, {5e-324, 1e-323, 5e-324}},
    {3, {1, 1 + 1e-15, 1}},
    {3, {-1, 0, -3}},
};

START_TEST(degenerate_data_can_be_drawn) {
    static const int side[][2] = {{640, 480}, {40, 30}, {1, 1}};
    erg_tensor *y = tensor_of(degenerate[_i].count, 0, degenerate[_i].values);
    for (int i = fast() ? 2 : 0; i < 2 * COUNT(side); i++) {
        erg_plot *plot = new_plot((erg_plot_options){.width = side[i / 2][0],
                                                     .height = side[i / 2][1],
                                                     .title = "t",
                                                     .log_y = i % 2,
                                                     .equal = 1 - i % 2});
        if (degenerate[_i].count > 0) {
            erg_tensor *map = tensor_of(degenerate[_i].count, 1, degenerate[_i].values);
            ck_assert_int_eq(erg_plot_heatmap(plot, map, (erg_heatmap_options){0}), ERG_OK);
            erg_tensor_free(map);
        }
        ck_assert_int_eq(erg_plot_line(plot, NULL, y, (erg_mark_options){.label = "l"}), ERG_OK);
        ck_assert_int_eq(erg_plot_line(plot, y, y, (erg_mark_options){.size = 40}), ERG_OK);
        decoded_png png = picture_of(plot);
        ck_assert_int_eq(png.width, side[i / 2][0]);
        ck_assert_int_eq(png.height, side[i / 2][1]);
        free(png.pixels);
    }
    erg_tensor_free(y);
}
END_TEST

/* A curve of very many points covers the same pixels as their envelope. */
START_TEST(a_million_points_can_be_drawn) {
    int64_t count = fast() ? 20000 : 1000000;
    erg_tensor *y = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(count));
    for (int64_t i = 0; i < count; i++) {
        erg_tensor_f32(y)[i] = i % 2 ? 1 : -1;
    }
    erg_plot *plot = new_plot((erg_plot_options){.y_min = -2, .y_max = 2});
    ck_assert_int_eq(erg_plot_line(plot, NULL, y, (erg_mark_options){.color = 0xD01020}), ERG_OK);
    decoded_png png = picture_of(plot);
    erg_box box = find_frame(&png);
    double width = box.right - box.left, height = box.bottom - box.top;
    ck_assert_double_eq_tol((double)count_color(&png, box, 0xD01020), width / 1.1 * height / 2,
                            4 * (width + height));
    free(png.pixels);
    erg_tensor_free(y);
}
END_TEST

/* ------------------------------------------------------------------------------- errors */

static const erg_plot_options wrong_plots[] = {
    {.width = -1},
    {.height = -480},
    {.width = 1 << 20},
    {.x_min = 2, .x_max = 1},
    {.y_min = 1, .y_max = 1},
    {.x_min = NAN, .x_max = 1},
    {.y_max = INFINITY},
    {.log_y = 1, .y_min = -1, .y_max = 1},
    {.log_y = 1, .y_max = 1},
    {.log_y = 1, .y_min = -1},
    {.log_y = 1, .equal = 1},
};

START_TEST(plot_new_refuses_mistakes) {
    ck_assert_ptr_null(erg_plot_new(wrong_plots[_i]));
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "plot_new: "));
}
END_TEST

static const struct {
    erg_dtype dtype;
    erg_shape shape;
    const char *heatmap, *scatter, *line; /* in the message; NULL: it is right */
} wrong_tensors[] = {
    {ERG_INT32, {2, {3, 2}}, "int32", "int32", "int32"},
    {ERG_INT32, {1, {3}}, "int32", "int32", "int32"},
    {ERG_FLOAT32, {0, {0}}, "shape ()", "shape ()", "shape ()"},
    {ERG_FLOAT32, {1, {4}}, "shape (4)", "shape (4)", NULL},
    {ERG_FLOAT64, {2, {4, 3}}, NULL, "shape (4, 3)", "shape (4, 3)"},
    {ERG_FLOAT64, {2, {2, 4}}, NULL, "shape (2, 4)", "shape (2, 4)"},
    {ERG_FLOAT32, {3, {4, 2, 1}}, "shape (4, 2, 1)", "shape (4, 2, 1)", "shape (4, 2, 1)"},
    {ERG_FLOAT64, {2, {0, 2}}, "no cell", NULL, "shape (0, 2)"},
};

static void assert_status(erg_status status, const char *message) {
    ck_assert_int_eq(status, message ? ERG_ERROR_ARGUMENT : ERG_OK);
    ck_assert_msg(message == NULL || strstr(erg_error_message(), message) != NULL, "%s",
                  erg_error_message());
}

START_TEST(layers_refuse_wrong_tensors) {
    erg_tensor *tensor = erg_tensor_new(wrong_tensors[_i].dtype, wrong_tensors[_i].shape);
    erg_plot *plot = new_plot((erg_plot_options){0});
    erg_mark_options marks = {.label = "l"};
    assert_status(erg_plot_heatmap(plot, tensor, (erg_heatmap_options){0}),
                  wrong_tensors[_i].heatmap);
    assert_status(erg_plot_scatter(plot, tensor, marks), wrong_tensors[_i].scatter);
    assert_status(erg_plot_line(plot, NULL, tensor, marks), wrong_tensors[_i].line);
    int layers = 0;
    for (const erg_layer *layer = plot->first; layer != NULL; layer = layer->next) {
        layers++;
    }
    ck_assert_int_eq(layers, !wrong_tensors[_i].heatmap + !wrong_tensors[_i].scatter +
                                 !wrong_tensors[_i].line);
    erg_plot_free(plot);
    erg_tensor_free(tensor);
}
END_TEST

static const erg_heatmap_options wrong_heatmaps[] = {
    {.low = 2, .high = 1}, {.low = 1, .high = 1},    {.high = NAN},
    {.x_min = 1},          {.y_min = 3, .y_max = 2}, {.x_max = INFINITY},
};
static const erg_mark_options wrong_marks[] = {
    {.color = 0x1000000}, {.size = -1},      {.size = NAN},    {.size = 1e9},
    {.opacity = -0.5},    {.opacity = 1.01}, {.opacity = NAN},
};

START_TEST(layers_refuse_wrong_options) {
    static const double values[] = {0, 1, 2, 3};
    erg_tensor *square = tensor_of(2, 2, values), *row = tensor_of(4, 0, values);
    erg_tensor *longer = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(5));
    erg_plot *plot = new_plot((erg_plot_options){0});
    for (int i = 0; i < COUNT(wrong_heatmaps); i++) {
        assert_status(erg_plot_heatmap(plot, square, wrong_heatmaps[i]), "plot_heatmap: ");
    }
    for (int i = 0; i < COUNT(wrong_marks); i++) {
        assert_status(erg_plot_scatter(plot, square, wrong_marks[i]), "plot_scatter: ");
        assert_status(erg_plot_line(plot, NULL, row, wrong_marks[i]), "plot_line: ");
    }
    erg_mark_options right = {0};
    assert_status(erg_plot_line(plot, longer, row, right), "x has shape (5), y (4)");
    assert_status(erg_plot_line(plot, square, row, right), "plot_line: ");
    assert_status(erg_plot_line(plot, row, NULL, right), "plot_line: no y values");
    assert_status(erg_plot_scatter(plot, NULL, right), "plot_scatter: no points");
    assert_status(erg_plot_heatmap(plot, NULL, (erg_heatmap_options){0}),
                  "plot_heatmap: no values");
    assert_status(erg_plot_heatmap(NULL, square, (erg_heatmap_options){0}),
                  "plot_heatmap: no plot");
    assert_status(erg_plot_scatter(NULL, square, right), "plot_scatter: no plot");
    assert_status(erg_plot_line(NULL, NULL, row, right), "plot_line: no plot");
    assert_status(erg_plot_save(NULL, PATH), "plot_save: no plot");
    assert_status(erg_plot_save(plot, NULL), "plot_save: no path");
    ck_assert_ptr_null(plot->first);
    ck_assert_int_eq(erg_plot_save(plot, UNWRITABLE), ERG_ERROR_IO);
    ck_assert_int_ne(access(PATH, F_OK), 0);
    erg_plot_free(plot);
    erg_plot_free(NULL);
    erg_tensor_free(square);
    erg_tensor_free(row);
    erg_tensor_free(longer);
}
END_TEST

/* ------------------------------------------------------------------------------- the suite */

#define ADD_LOOP(test, table) tcase_add_loop_test(tests, test, 0, COUNT(table))

static Suite *plot_suite(void) {
    Suite *suite = suite_create("plot");
    TCase *tests = tcase_create("plots");
    tcase_add_checked_fixture(tests, NULL, remove_file);
    ADD_LOOP(empty_plot_is_a_white_box_in_a_frame, sizes);
    tcase_add_test(tests, points_are_where_they_belong);
    tcase_add_test(tests, layers_stay_inside_the_axes);
    tcase_add_test(tests, heatmap_runs_from_dark_to_bright);
    tcase_add_test(tests, heatmap_of_small_cells_is_smooth);
    tcase_add_test(tests, points_on_a_heatmap_have_a_white_edge);
    tcase_add_test(tests, legend_appears_with_a_label);
    tcase_add_test(tests, texts_are_drawn_outside_the_frame);
    tcase_add_test(tests, log_axis_leaves_out_what_is_not_positive);
    ADD_LOOP(degenerate_data_can_be_drawn, degenerate);
    tcase_add_test(tests, a_million_points_can_be_drawn);
    ADD_LOOP(plot_new_refuses_mistakes, wrong_plots);
    ADD_LOOP(layers_refuse_wrong_tensors, wrong_tensors);
    tcase_add_test(tests, layers_refuse_wrong_options);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(plot_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* test_canvas.c: what pictures are made of: shapes, the font, the colour map and ticks. */
#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../tensor/canvas.h"
#include "../tensor/ticks.h"
#include "lightness.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define PI 3.14159265358979323846

/* ------------------------------------------------------------------------------- canvas */

static double light(const erg_canvas *canvas, int x, int y) {
    return canvas->rgb[3 * (y * canvas->width + x)];
}

/* How much black there is on a white canvas, in pixels. */
static double ink(const erg_canvas *canvas) {
    double sum = 0;
    for (int i = 0; i < canvas->width * canvas->height; i++) {
        sum += 1 - canvas->rgb[3 * i];
    }
    return sum;
}

static const struct {
    double x, y, diameter, tolerance;
} discs[] = {{20, 20, 3, 0.06},
             {20.3, 19.6, 3, 0.06},
             {20.5, 20.5, 8, 0.02},
             {20, 20.25, 20, 0.01},
             {20.7, 20.1, 30, 0.01}};

START_TEST(disc_has_its_area_and_its_colour) {
    erg_canvas canvas;
    ck_assert_int_eq(erg_canvas_open(&canvas, 40, 40), ERG_OK);
    erg_canvas_disc(&canvas, discs[_i].x, discs[_i].y, discs[_i].diameter, 0, 1);
    double area = PI / 4 * discs[_i].diameter * discs[_i].diameter;
    ck_assert_double_eq_tol(ink(&canvas), area, discs[_i].tolerance * area);
    ck_assert_double_eq_tol(light(&canvas, 20, 20), 0, 1e-6);
    erg_canvas_disc(&canvas, discs[_i].x, discs[_i].y, discs[_i].diameter, 0xFFFFFF, 0.25);
    ck_assert_double_eq_tol(light(&canvas, 20, 20), 0.25, 1e-6);
    erg_canvas_close(&canvas);
}
END_TEST

static const struct {
    double x0, y0, x1, y1, width;
} segments[] = {{10, 10, 40, 10, 1},   {10, 10.5, 40, 10.5, 2}, {10, 12, 45, 40, 1.5},
                {45, 12, 10, 40, 1.5}, {20, 8, 21, 44, 3},      {30, 30, 30, 30, 4}};

START_TEST(segment_has_its_area) {
    erg_canvas canvas;
    ck_assert_int_eq(erg_canvas_open(&canvas, 50, 50), ERG_OK);
    double width = segments[_i].width;
    double length = hypot(segments[_i].x1 - segments[_i].x0, segments[_i].y1 - segments[_i].y0);
    double area = width * length + PI / 4 * width * width;
    erg_canvas_segment(&canvas, segments[_i].x0, segments[_i].y0, segments[_i].x1, segments[_i].y1,
                       width);
    erg_canvas_paint_path(&canvas, 0, 1);
    ck_assert_double_eq_tol(ink(&canvas), area, 0.04 * area + 0.3);
    /* the mask is empty again */
    erg_canvas_paint_path(&canvas, 0xFFFFFF, 1);
    ck_assert_double_eq_tol(ink(&canvas), area, 0.04 * area + 0.3);
    erg_canvas_close(&canvas);
}
END_TEST

START_TEST(path_is_no_darker_where_it_crosses) {
    erg_canvas canvas;
    ck_assert_int_eq(erg_canvas_open(&canvas, 40, 40), ERG_OK);
    erg_canvas_segment(&canvas, 5, 20.5, 35, 20.5, 3);
    erg_canvas_segment(&canvas, 20.5, 5, 20.5, 35, 3);
    erg_canvas_paint_path(&canvas, 0, 0.5);
    ck_assert_double_eq_tol(light(&canvas, 20, 20), 0.5, 1e-6);
    ck_assert_double_eq_tol(light(&canvas, 10, 20), 0.5, 1e-6);
    ck_assert_double_eq_tol(light(&canvas, 10, 10), 1, 1e-6);
    erg_canvas_close(&canvas);
}
END_TEST

static void draw_everything(erg_canvas *canvas, double x, double y) {
    erg_canvas_disc(canvas, x, y, 10, 0, 1);
    erg_canvas_segment(canvas, x, y, x + 20, y + 20, 5);
    erg_canvas_segment(canvas, x, y, x, y, 5);
    erg_canvas_paint_path(canvas, 0, 1);
}

static const double far_away[] = {-1e3, 1e3, -1e12, 1e12, -1e300, 1e300, -INFINITY, INFINITY};

START_TEST(what_is_outside_is_not_drawn) {
    erg_canvas canvas;
    ck_assert_int_eq(erg_canvas_open(&canvas, 30, 30), ERG_OK);
    for (int i = 0; i < COUNT(far_away); i++) {
        draw_everything(&canvas, far_away[i], 15);
        draw_everything(&canvas, 15, far_away[i]);
    }
    erg_canvas_blend(&canvas, -1, 0, 0, 1);
    erg_canvas_blend(&canvas, 0, 30, 0, 1);
    erg_canvas_rectangle(&canvas, (erg_box){30, -50, 80, 0}, 0, 1);
    ck_assert_double_eq_tol(ink(&canvas), 0, 1e-6);
    canvas.clip = (erg_box){10, 10, 12, 13};
    erg_canvas_rectangle(&canvas, (erg_box){-5, -5, 100, 100}, 0, 1);
    draw_everything(&canvas, 11, 11);
    ck_assert_double_eq_tol(ink(&canvas), 6, 1e-6);
    erg_canvas_close(&canvas);
}
END_TEST

START_TEST(faint_layers_add_up) {
    erg_canvas canvas;
    ck_assert_int_eq(erg_canvas_open(&canvas, 8, 8), ERG_OK);
    for (int i = 0; i < 2000; i++) {
        erg_canvas_disc(&canvas, 4.5, 4.5, 5, 0x800000, 0.005);
    }
    ck_assert_double_eq_tol(light(&canvas, 4, 4), 128.0 / 255, 1e-3);
    erg_canvas_close(&canvas);
}
END_TEST

/* ------------------------------------------------------------------------------- font */

static int same_glyph(const char *a, const char *b) {
    erg_glyph one, other;
    ck_assert_int_eq(erg_font_next(&a, &one), 1);
    ck_assert_int_eq(erg_font_next(&b, &other), 1);
    return one.width == other.width && memcmp(one.rows, other.rows, sizeof(one.rows)) == 0;
}

START_TEST(every_printable_character_has_a_glyph_of_its_own) {
    for (char c = '!'; c <= '~'; c++) {
        ck_assert(!same_glyph((char[]){c, 0}, "\xEF\xBF\xBD"));
        ck_assert(!same_glyph((char[]){c, 0}, " "));
        for (char d = '!'; d < c; d++) {
            ck_assert_msg(!same_glyph((char[]){c, 0}, (char[]){d, 0}), "%c and %c", c, d);
        }
    }
}
END_TEST

static const char *const symbols[] = {"σ", "∇", "μ", "²", "°", "−", "×", "θ", "⁻", "⁰", "₁"};

START_TEST(symbols_are_one_character) {
    const char *text = symbols[_i];
    erg_glyph glyph;
    ck_assert(!same_glyph(text, "\xEF\xBF\xBD"));
    ck_assert_int_eq(erg_font_next(&text, &glyph), 1);
    ck_assert_int_eq(erg_font_next(&text, &glyph), 0);
}
END_TEST

static const struct {
    const char *text;
    int characters;
} malformed[] = {{"\xFF", 1},     {"\x80x", 2}, {"\xC3", 1},
                 {"\xE2\x88", 2}, {"\xE2x", 2}, {"\xC0\x80", 2}};

START_TEST(malformed_text_is_shown_as_missing) {
    const char *text = malformed[_i].text;
    erg_glyph glyph;
    ck_assert(same_glyph(text, "\xEF\xBF\xBD"));
    for (int i = 0; i < malformed[_i].characters; i++) {
        ck_assert_int_eq(erg_font_next(&text, &glyph), 1);
    }
    ck_assert_int_eq(erg_font_next(&text, &glyph), 0);
}
END_TEST

START_TEST(text_can_be_scaled_and_turned) {
    const char *text = "gW−3 ‖∇‖";
    erg_text_style plain = {.scale = 1}, large = {.scale = 2};
    erg_text_style upwards = {.scale = 1, .upwards = 1};
    erg_canvas a, b, c;
    ck_assert_int_eq(erg_canvas_open(&a, 80, 80), ERG_OK);
    ck_assert_int_eq(erg_canvas_open(&b, 160, 160), ERG_OK);
    ck_assert_int_eq(erg_canvas_open(&c, 80, 80), ERG_OK);
    erg_canvas_text(&a, 3, 2, text, plain);
    erg_canvas_text(&b, 6, 4, text, large);
    erg_canvas_text(&c, 2, 77, text, upwards);
    ck_assert_double_gt(ink(&a), 50);
    for (int y = 0; y < 80; y++) {
        for (int x = 0; x < 80; x++) {
            ck_assert(light(&a, x, y) == light(&b, 2 * x + 1, 2 * y));
            ck_assert(light(&a, x, y) == light(&c, y, 79 - x));
        }
    }
    ck_assert_int_eq(erg_text_width(text, large), 2 * erg_text_width(text, plain));
    erg_canvas_close(&a);
    erg_canvas_close(&b);
    erg_canvas_close(&c);
}
END_TEST

/* ------------------------------------------------------------------------------- colours */

START_TEST(colormap_rises_evenly_in_lightness) {
    double low = lightness(erg_colormap(0)), high = lightness(erg_colormap(1));
    ck_assert_double_lt(low, 20);
    ck_assert_double_gt(high, 85);
    for (int i = 1; i <= 64; i++) {
        double here = lightness(erg_colormap(i / 64.0));
        ck_assert_double_gt(here, lightness(erg_colormap((i - 1) / 64.0)));
        ck_assert_double_eq_tol(here, low + (high - low) * i / 64, 1);
    }
    ck_assert_uint_eq(erg_colormap(-INFINITY), erg_colormap(0));
    ck_assert_uint_eq(erg_colormap(7), erg_colormap(1));
    ck_assert_uint_eq(erg_colormap(NAN), ERG_COLOR_NAN);
}
END_TEST

/* ------------------------------------------------------------------------------- ticks */

static const struct {
    double low, high;
    int log, most;
    const char *labels; /* between spaces, ending with the factor */
} ticks_cases[] = {
    {0, 1, 0, 5, "0.0 0.2 0.4 0.6 0.8 1.0 "},
    {0, 10, 0, 5, "0 2 4 6 8 10 "},
    {-1.3, 1.1, 0, 6, "−1.0 −0.5 0.0 0.5 1.0 "},
    {0, 6000, 0, 8, "0 1000 2000 3000 4000 5000 6000 "},
    {0, 99999, 0, 5, "0 20000 40000 60000 80000 "},
    {0, 1e6, 0, 5, "0.0 0.2 0.4 0.6 0.8 1.0 ×10⁶"},
    {-3e-5, 4e-5, 0, 4, "−2 0 2 4 ×10⁻⁵"},
    {0.001, 0.004, 0, 4, "0.001 0.002 0.003 0.004 "},
    {1e6, 1000001, 0, 4, "1.0000000 1.0000005 1.0000010 ×10⁶"},
    {1e-300, 1e300, 0, 4, "0.0 0.5 1.0 ×10³⁰⁰"},
    {-1e-300, 1e-300, 0, 4, "−1.0 −0.5 0.0 0.5 1.0 ×10⁻³⁰⁰"},
    {7, 7, 0, 4, "6.5 7.0 7.5 "},
    {0, 0, 0, 4, "−1.0 −0.5 0.0 0.5 1.0 "},
    {INFINITY, -INFINITY, 0, 4, "0.0 0.5 1.0 "},
    {0.001, 100, 1, 8, "10⁻³ 10⁻² 10⁻¹ 10⁰ 10¹ 10² "},
    {1e-300, 1e300, 1, 8, "10⁻³⁰⁰ 10⁻²⁰⁰ 10⁻¹⁰⁰ 10⁰ 10¹⁰⁰ 10²⁰⁰ 10³⁰⁰ "},
    {1, 30, 1, 8, "10⁰ 2×10⁰ 5×10⁰ 10¹ 2×10¹ "},
    {3, 4, 1, 5, "3.0 3.2 3.4 3.6 3.8 4.0 "},
    {5, 5, 1, 8, "10⁰ 10¹ "},
    {INFINITY, -INFINITY, 1, 8, "10⁰ 2×10⁰ 5×10⁰ 10¹ "},
};

static void assert_labels(int i) {
    char text[512] = "";
    erg_ticks ticks;
    erg_axis axis = erg_axis_around(ticks_cases[i].low, ticks_cases[i].high, ticks_cases[i].log);
    erg_axis_ticks(&axis, ticks_cases[i].most, &ticks);
    for (int k = 0; k < ticks.count; k++) {
        if (*ticks.tick[k].label) {
            strcat(strcat(text, ticks.tick[k].label), " ");
        }
        ck_assert(k == 0 || ticks.tick[k].place > ticks.tick[k - 1].place);
    }
    ck_assert_str_eq(strcat(text, ticks.factor), ticks_cases[i].labels);
}

START_TEST(ticks_are_round_numbers) {
    assert_labels(_i);
}
END_TEST

START_TEST(ticks_are_the_same_in_every_locale) {
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR"};
    for (int i = 0; i < COUNT(names) && setlocale(LC_ALL, names[i]) == NULL; i++) {
    }
    assert_labels(_i);
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(ticks_stand_at_their_values) {
    erg_ticks ticks;
    erg_axis axis = erg_axis_around(2, 12, 0);
    erg_axis_ticks(&axis, 5, &ticks);
    for (int k = 0; k < ticks.count; k++) {
        ck_assert_double_eq_tol(ticks.tick[k].place, (atof(ticks.tick[k].label) - 2) / 10, 1e-12);
        ck_assert_double_eq_tol(erg_axis_value(&axis, ticks.tick[k].place),
                                atof(ticks.tick[k].label), 1e-12);
    }
    axis = erg_axis_around(0.01, 10, 1);
    ck_assert_double_eq_tol(erg_axis_place(&axis, 0.1), 1.0 / 3, 1e-12);
    ck_assert_double_eq_tol(erg_axis_value(&axis, 2.0 / 3), 1, 1e-12);
}
END_TEST

/* ------------------------------------------------------------------------------- the suite */

#define ADD_LOOP(test, table) tcase_add_loop_test(tests, test, 0, COUNT(table))

static Suite *canvas_suite(void) {
    Suite *suite = suite_create("canvas");
    TCase *tests = tcase_create("canvas");
    ADD_LOOP(disc_has_its_area_and_its_colour, discs);
    ADD_LOOP(segment_has_its_area, segments);
    tcase_add_test(tests, path_is_no_darker_where_it_crosses);
    tcase_add_test(tests, what_is_outside_is_not_drawn);
    tcase_add_test(tests, faint_layers_add_up);
    tcase_add_test(tests, every_printable_character_has_a_glyph_of_its_own);
    ADD_LOOP(symbols_are_one_character, symbols);
    ADD_LOOP(malformed_text_is_shown_as_missing, malformed);
    tcase_add_test(tests, text_can_be_scaled_and_turned);
    tcase_add_test(tests, colormap_rises_evenly_in_lightness);
    suite_add_tcase(suite, tests);

    tests = tcase_create("ticks");
    ADD_LOOP(ticks_are_round_numbers, ticks_cases);
    ADD_LOOP(ticks_are_the_same_in_every_locale, ticks_cases);
    tcase_add_test(tests, ticks_stand_at_their_values);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(canvas_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

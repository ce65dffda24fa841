/* canvas.h: a picture in memory, with anti-aliased shapes and text. Internal.
 *
 * Coordinates are in pixels, y downwards; pixel (i, j) is the square [i, i+1) x [j, j+1), so its
 * centre is (i + 1/2, j + 1/2). Everything is clipped: nothing drawn outside can do harm. */
#ifndef ERG_TENSOR_CANVAS_H
#define ERG_TENSOR_CANVAS_H

#include "tensor.h"

/* Pixels with left <= x < right and top <= y < bottom. */
typedef struct erg_box {
    int left, top, right, bottom;
} erg_box;

typedef struct erg_canvas {
    int width, height;
    erg_box clip; /* what may be drawn on; the whole canvas at first */
    float *rgb;   /* (height, width, 3), 0 to 1: 8 bits would lose faint layers to rounding */
    float *mask;  /* (height, width), the part of each pixel that the open path covers */
} erg_canvas;

/* Makes a white canvas; on failure it holds nothing. */
erg_status erg_canvas_open(erg_canvas *canvas, int width, int height);
void erg_canvas_close(erg_canvas *canvas);
/* Writes the picture as a PNG. */
erg_status erg_canvas_write(const erg_canvas *canvas, const char *path);

/* The pixels that lie in both. */
erg_box erg_box_intersect(erg_box a, erg_box b);

/* Mixes 0xRRGGBB into one pixel inside the clip box, or into the pixels of a box. */
void erg_canvas_blend(erg_canvas *canvas, int x, int y, uint32_t color, double opacity);
void erg_canvas_rectangle(erg_canvas *canvas, erg_box box, uint32_t color, double opacity);
/* A disc around (x, y). */
void erg_canvas_disc(erg_canvas *canvas, double x, double y, double diameter, uint32_t color,
                     double opacity);

/* A path of round-ended segments is first gathered in the mask and then painted at once, so that
 * its joints and crossings are no darker than the rest. Coordinates must not be NaN, and the clip box must stay the same. */
void erg_canvas_segment(erg_canvas *canvas, double x0, double y0, double x1, double y1,
                        double width);
void erg_canvas_paint_path(erg_canvas *canvas, uint32_t color, double opacity);

/* The font (font.c): rows of a glyph from the top of the capitals down to the descenders, bit c of
 * a row standing for column c. */
#define ERG_FONT_ROWS 12
#define ERG_FONT_ASCENT 9 /* rows above the baseline: the height of a capital */
typedef struct erg_glyph {
    int width;
    uint8_t rows[ERG_FONT_ROWS];
} erg_glyph;

/* Takes one character off UTF-8 text. Returns 0 at its end. */
int erg_font_next(const char **text, erg_glyph *glyph);

typedef struct erg_text_style {
    uint32_t color;
    int scale;   /* pixels a dot of the font */
    int upwards; /* turned by 90 degrees: runs from the bottom to the top */
    int bold;
} erg_text_style;

/* Length of a text in pixels. */
int erg_text_width(const char *text, erg_text_style style);
/* Writes text whose line of capitals has its first top corner at (x, y): the top left corner, or,
 * upwards, the bottom left one. */
void erg_canvas_text(erg_canvas *canvas, int x, int y, const char *text, erg_text_style style);

/* A colour of the map of heat maps (colormap.c), t from 0 (dark) to 1 (bright); NaN is grey. */
uint32_t erg_colormap(double t);
#define ERG_COLOR_NAN 0xA0A0A0u

#endif

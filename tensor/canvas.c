/* canvas.c: anti-aliased shapes by signed distance.
 *
 * A disc or a round-ended segment of radius r covers about clamp(r + 1/2 - d, 0, 1) of a pixel
 * whose centre is at distance d from the shape's point or axis. Mixing is
 * pixel + (color - pixel) * coverage * opacity ("over" of Porter and Duff, 1984). */
#include "canvas.h"

#include <math.h>
#include <stdlib.h>

#include "tensor.h"

/* Drawn coordinates beyond this are moved to it, which no picture can show. */
#define FAR 1e9

erg_status erg_canvas_open(erg_canvas *canvas, int width, int height) {
    size_t pixels = (size_t)width * (size_t)height;
    *canvas = (erg_canvas){.width = width, .height = height, .clip = {0, 0, width, height}};
    canvas->rgb = malloc(pixels * 3 * sizeof(*canvas->rgb));
    canvas->mask = calloc(pixels, sizeof(*canvas->mask));
    if (canvas->rgb == NULL || canvas->mask == NULL) {
        erg_canvas_close(canvas);
        return erg_fail(ERG_ERROR_MEMORY, "canvas: no memory for %d x %d pixels", width, height);
    }
    for (size_t i = 0; i < pixels * 3; i++) {
        canvas->rgb[i] = 1;
    }
    return ERG_OK;
}

void erg_canvas_close(erg_canvas *canvas) {
    free(canvas->rgb);
    free(canvas->mask);
    *canvas = (erg_canvas){0};
}

erg_status erg_canvas_write(const erg_canvas *canvas, const char *path) {
    size_t size = (size_t)canvas->width * (size_t)canvas->height * 3;
    uint8_t *bytes = malloc(size);
    erg_status status;
    if (bytes == NULL) {
        return erg_fail(ERG_ERROR_MEMORY, "canvas: no memory for %zu bytes", size);
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(canvas->rgb[i] * 255 + 0.5f);
    }
    status = erg_png_write(path, bytes, canvas->width, canvas->height, 3);
    free(bytes);
    return status;
}

erg_box erg_box_intersect(erg_box a, erg_box b) {
    return (erg_box){a.left > b.left ? a.left : b.left, a.top > b.top ? a.top : b.top,
                     a.right < b.right ? a.right : b.right,
                     a.bottom < b.bottom ? a.bottom : b.bottom};
}

static void mix(erg_canvas *canvas, int x, int y, uint32_t color, double amount) {
    float *pixel = canvas->rgb + 3 * ((size_t)y * (size_t)canvas->width + (size_t)x);
    for (int c = 0; c < 3; c++) {
        float wanted = (float)(color >> (16 - 8 * c) & 0xFF) / 255;
        pixel[c] += (wanted - pixel[c]) * (float)amount;
    }
}

void erg_canvas_blend(erg_canvas *canvas, int x, int y, uint32_t color, double opacity) {
    const erg_box *clip = &canvas->clip;
    if (x >= clip->left && x < clip->right && y >= clip->top && y < clip->bottom) {
        mix(canvas, x, y, color, opacity);
    }
}

void erg_canvas_rectangle(erg_canvas *canvas, erg_box box, uint32_t color, double opacity) {
    box = erg_box_intersect(box, canvas->clip);
    for (int y = box.top; y < box.bottom; y++) {
        for (int x = box.left; x < box.right; x++) {
            mix(canvas, x, y, color, opacity);
        }
    }
}

/* Of a pixel at distance d; thinner than a pixel, it is never more than the width. */
static double coverage(double d, double width) {
    return fmin(fmax(width / 2 + 0.5 - d, 0), fmin(width, 1));
}

static double within(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

/* The pixels of the clip box that touch [x0, x1] x [y0, y1]. */
static erg_box pixels_of(const erg_canvas *canvas, double x0, double y0, double x1, double y1) {
    erg_box box = {(int)floor(within(x0, -FAR, FAR)), (int)floor(within(y0, -FAR, FAR)),
                   (int)floor(within(x1, -FAR, FAR)) + 1, (int)floor(within(y1, -FAR, FAR)) + 1};
    return erg_box_intersect(box, canvas->clip);
}

void erg_canvas_disc(erg_canvas *canvas, double x, double y, double diameter, uint32_t color,
                     double opacity) {
    double reach = diameter / 2 + 0.5;
    erg_box box = pixels_of(canvas, x - reach, y - reach, x + reach, y + reach);
    for (int j = box.top; j < box.bottom; j++) {
        for (int i = box.left; i < box.right; i++) {
            mix(canvas, i, j, color, coverage(hypot(i + 0.5 - x, j + 0.5 - y), diameter) * opacity);
        }
    }
}

/* Cuts the segment a + t (b - a), t in [*t0, *t1], to low <= coordinate <= high (Liang and Barsky,
 * 1984). Returns 0 if nothing is left. */
static int cut(double a, double b, double low, double high, double *t0, double *t1) {
    double along = b - a;
    if (along == 0) {
        return a >= low && a <= high;
    }
    *t0 = fmax(*t0, ((along > 0 ? low : high) - a) / along);
    *t1 = fmin(*t1, ((along > 0 ? high : low) - a) / along);
    return *t0 <= *t1;
}

void erg_canvas_segment(erg_canvas *canvas, double x0, double y0, double x1, double y1,
                        double width) {
    const erg_box clip = canvas->clip;
    double reach = width / 2 + 1, t0 = 0, t1 = 1;
    x0 = within(x0, -FAR, FAR);
    y0 = within(y0, -FAR, FAR);
    double dx = within(x1, -FAR, FAR) - x0, dy = within(y1, -FAR, FAR) - y0;
    double length2 = dx * dx + dy * dy;
    if (!cut(x0, x0 + dx, clip.left - reach, clip.right + reach, &t0, &t1) ||
        !cut(y0, y0 + dy, clip.top - reach, clip.bottom + reach, &t0, &t1)) {
        return;
    }
    double y_start = y0 + t0 * dy, y_end = y0 + t1 * dy;
    erg_box rows = pixels_of(canvas, clip.left, fmin(y_start, y_end) - reach, clip.right,
                             fmax(y_start, y_end) + reach);
    for (int j = rows.top; j < rows.bottom; j++) {
        /* only the part of the segment that is near this row of pixels */
        double s0 = t0, s1 = t1, y = j + 0.5;
        if (!cut(y0, y0 + dy, y - reach, y + reach, &s0, &s1)) {
            continue;
        }
        erg_box row = pixels_of(canvas, fmin(x0 + s0 * dx, x0 + s1 * dx) - reach, j,
                                fmax(x0 + s0 * dx, x0 + s1 * dx) + reach, j);
        float *mask = canvas->mask + (size_t)j * (size_t)canvas->width;
        for (int i = row.left; i < row.right; i++) {
            double x = i + 0.5;
            double t = length2 > 0 ? ((x - x0) * dx + (y - y0) * dy) / length2 : 0;
            t = within(t, 0, 1);
            double covered = coverage(hypot(x - x0 - t * dx, y - y0 - t * dy), width);
            mask[i] = fmaxf(mask[i], (float)covered);
        }
    }
}

void erg_canvas_paint_path(erg_canvas *canvas, uint32_t color, double opacity) {
    const erg_box *clip = &canvas->clip;
    for (int y = clip->top; y < clip->bottom; y++) {
        float *mask = canvas->mask + (size_t)y * (size_t)canvas->width;
        for (int x = clip->left; x < clip->right; x++) {
            if (mask[x] > 0) {
                mix(canvas, x, y, color, mask[x] * opacity);
                mask[x] = 0;
            }
        }
    }
}

/* Dots between two glyphs, and the width of bold ones, which are struck twice. */
static int advance(const erg_glyph *glyph, erg_text_style style) {
    return (glyph->width + 2 + (style.bold != 0)) * style.scale;
}

int erg_text_width(const char *text, erg_text_style style) {
    erg_glyph glyph;
    int64_t width = 0;
    while (erg_font_next(&text, &glyph) && width < (int64_t)FAR) {
        width += advance(&glyph, style);
    }
    return width ? (int)width - 2 * style.scale : 0;
}

static void draw_glyph(erg_canvas *canvas, int x, int y, const erg_glyph *glyph,
                       erg_text_style style) {
    int scale = style.scale;
    for (int row = 0; row < ERG_FONT_ROWS; row++) {
        unsigned bits = glyph->rows[row];
        if (style.bold) {
            bits |= bits << 1;
        }
        for (int column = 0; bits >> column; column++) {
            if (!(bits >> column & 1)) {
                continue;
            }
            int left = style.upwards ? x + row * scale : x + column * scale;
            int top = style.upwards ? y - (column + 1) * scale : y + row * scale;
            erg_canvas_rectangle(canvas, (erg_box){left, top, left + scale, top + scale},
                                 style.color, 1);
        }
    }
}

void erg_canvas_text(erg_canvas *canvas, int x, int y, const char *text, erg_text_style style) {
    erg_glyph glyph;
    while (x < canvas->width && y > -ERG_FONT_ROWS * style.scale && erg_font_next(&text, &glyph)) {
        draw_glyph(canvas, x, y, &glyph, style);
        if (style.upwards) {
            y -= advance(&glyph, style);
        } else {
            x += advance(&glyph, style);
        }
    }
}

/* legend.c: a box with a sample and the label of each named curve and point set. */
#include <math.h>
#include <stddef.h>

#include "plot.h"

/* Lengths in units, see axes.c. */
#define PAD 7
#define SAMPLE 20 /* width of a sample */
#define LINE 15
#define OFFSET 8 /* from the edge of the axes */

static erg_text_style style_of(const erg_axes *axes) {
    return (erg_text_style){.color = 0x262626, .scale = axes->unit};
}

static int is_listed(const erg_layer *layer) {
    return layer->label && layer->kind != ERG_LAYER_HEATMAP;
}

/* The number of pixels of the box that show data: neither white nor the grid's light grey. */
static int64_t hidden_pixels(const erg_canvas *canvas, erg_box box) {
    int64_t hidden = 0;
    box = erg_box_intersect(box, canvas->clip);
    for (int y = box.top; y < box.bottom; y++) {
        for (int x = box.left; x < box.right; x++) {
            const float *rgb = canvas->rgb + 3 * ((size_t)y * (size_t)canvas->width + (size_t)x);
            hidden += fminf(rgb[0], fminf(rgb[1], rgb[2])) < 0.85f;
        }
    }
    return hidden;
}

/* A box of this size in that corner of the axes which hides least; the upper right one first. */
static erg_box find_place(const erg_axes *axes, const erg_canvas *canvas, int width, int height) {
    const erg_box *box = &axes->box;
    int offset = OFFSET * axes->unit;
    int64_t fewest = INT64_MAX;
    erg_box best = {0};
    for (int corner = 0; corner < 4; corner++) {
        int left = corner & 1 ? box->left + offset : box->right - offset - width;
        int top = corner & 2 ? box->bottom - offset - height : box->top + offset;
        erg_box place = {left, top, left + width, top + height};
        int64_t hidden = hidden_pixels(canvas, place);
        if (hidden < fewest) {
            fewest = hidden;
            best = place;
        }
    }
    return best;
}

/* Named points are shown large enough to tell their colour. */
static void draw_sample(const erg_layer *layer, erg_canvas *canvas, double x, double y, int unit) {
    double width = SAMPLE * unit;
    if (layer->kind == ERG_LAYER_SCATTER) {
        double diameter = fmin(fmax(layer->size, 6 * unit), 12 * unit);
        erg_canvas_disc(canvas, x + width / 2, y, diameter, layer->color, 1);
        return;
    }
    erg_canvas_segment(canvas, x, y, x + width, y, fmin(layer->size, 6 * unit));
    erg_canvas_paint_path(canvas, layer->color, layer->opacity);
}

void erg_legend_draw(const erg_axes *axes, const erg_layer *layers, erg_canvas *canvas) {
    erg_text_style style = style_of(axes);
    int u = axes->unit, entries = 0, widest = 0;
    for (const erg_layer *layer = layers; layer; layer = layer->next) {
        if (is_listed(layer)) {
            int width = erg_text_width(layer->label, style);
            widest = width > widest ? width : widest;
            entries++;
        }
    }
    if (!entries) {
        return;
    }

    erg_box box = find_place(axes, canvas, widest + (3 * PAD + SAMPLE) * u,
                             (entries * LINE - LINE + ERG_FONT_ASCENT + 2 * PAD) * u);
    erg_canvas_rectangle(canvas, box, 0xCCCCCC, 1);
    erg_canvas_rectangle(
        canvas, (erg_box){box.left + 1, box.top + 1, box.right - 1, box.bottom - 1}, 0xFFFFFF, 1);
    int y = box.top + PAD * u;
    for (const erg_layer *layer = layers; layer; layer = layer->next) {
        if (!is_listed(layer)) {
            continue;
        }
        draw_sample(layer, canvas, box.left + PAD * u, y + ERG_FONT_ASCENT * u / 2.0, u);
        erg_canvas_text(canvas, box.left + (2 * PAD + SAMPLE) * u, y, layer->label, style);
        y += LINE * u;
    }
}

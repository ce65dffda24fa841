/* axes.c: what surrounds the data: frame, grid, ticks, texts and the colour bar.
 *
 * All lengths are multiples of `unit`, one dot of the font, so that a large picture looks like a
 * small one. The box gets what the texts around it leave free. */
#include "plot.h"

#define INK 0x262626
#define GRID 0xE4E4E4

/* Lengths in units. */
#define PAD 10       /* between the parts, and to the edge of the picture */
#define TICK 4       /* length of a tick */
#define TICK_GAP 4   /* from a tick to its label */
#define BAR 14       /* width of the colour bar */
#define LABEL_GAP 12 /* at least, between the labels of neighbouring ticks */
#define LINE 14      /* from one line of text to the next */

static int at_least(int low, int value) {
    return value > low ? value : low;
}

static erg_text_style style_of(const erg_axes *axes) {
    return (erg_text_style){.color = INK, .scale = axes->unit};
}

/* ------------------------------------------------------------------------------- arrangement */

static int widest_label(const erg_axes *axes, const erg_ticks *ticks) {
    int widest = 0;
    for (int i = 0; i < ticks->count; i++) {
        widest = at_least(widest, erg_text_width(ticks->tick[i].label, style_of(axes)));
    }
    return widest;
}

static int parts(int length, int part) {
    return length / part < 3 ? 3 : length / part > 10 ? 10 : length / part;
}

static int labels_fit(const erg_axes *axes, int width) {
    int room = widest_label(axes, &axes->x_ticks) + LABEL_GAP * axes->unit;
    return room * axes->x_ticks.count <= width;
}

/* Ticks for the box as it is. */
static void choose_ticks(erg_axes *axes) {
    int width = axes->box.right - axes->box.left, height = axes->box.bottom - axes->box.top;
    int most = parts(width, 50 * axes->unit);
    erg_axis_ticks(&axes->y, parts(height, 45 * axes->unit), &axes->y_ticks);
    if (axes->heatmap) {
        erg_axis_ticks(&axes->colors, parts(height, 45 * axes->unit), &axes->color_ticks);
    }
    erg_axis_ticks(&axes->x, most, &axes->x_ticks);
    while (most > 3 && !labels_fit(axes, width)) {
        erg_axis_ticks(&axes->x, --most, &axes->x_ticks);
    }
}

/* Between the title and the box. */
static int has_factor_above(const erg_axes *axes) {
    return *axes->y_ticks.factor || (axes->heatmap && *axes->color_ticks.factor);
}

/* What the texts leave free. */
static void place_box(erg_axes *axes, const erg_plot_options *options) {
    int u = axes->unit, labels = (TICK + TICK_GAP) * u;
    int left = PAD * u + labels + widest_label(axes, &axes->y_ticks);
    int right = 2 * PAD * u, top = PAD * u;
    int bottom = PAD * u + labels + ERG_FONT_ASCENT * u;
    if (options->y_label) {
        left += (LINE + TICK_GAP) * u;
    }
    if (options->title) {
        top += (LINE + TICK_GAP) * u;
    }
    if (has_factor_above(axes)) {
        top += LINE * u;
    }
    if (options->x_label || *axes->x_ticks.factor) {
        bottom += (LINE + TICK_GAP) * u;
    }
    if (axes->heatmap) {
        right = (2 * PAD + BAR) * u + labels + widest_label(axes, &axes->color_ticks);
        if (axes->heatmap->label) {
            right += (LINE + TICK_GAP) * u;
        }
    }
    axes->box = (erg_box){left, top, at_least(left + 1, options->width - right),
                          at_least(top + 1, options->height - bottom)};
}

/* Shrinks the box around its centre until a unit of x is as long as a unit of y. */
static void make_equal(erg_axes *axes) {
    erg_box *box = &axes->box;
    double x = axes->x.high - axes->x.low, y = axes->y.high - axes->y.low;
    int width = box->right - box->left, height = box->bottom - box->top;
    int wanted_width = width, wanted_height = height;
    if (width / x > height / y) {
        wanted_width = at_least(1, (int)(height / y * x + 0.5));
    } else {
        wanted_height = at_least(1, (int)(width / x * y + 0.5));
    }
    box->left += (width - wanted_width) / 2;
    box->right = box->left + wanted_width;
    box->top += (height - wanted_height) / 2;
    box->bottom = box->top + wanted_height;
}

void erg_axes_arrange(erg_axes *axes, const erg_plot_options *options) {
    int u =
        options->width / 900 < options->height / 700 ? options->width / 900 : options->height / 700;

    axes->unit = at_least(1, u);
    if (axes->heatmap) {
        axes->colors = erg_axis_around(axes->heatmap->low, axes->heatmap->high, 0);
    }
    /* the ticks' labels decide how large the box is, and the box which ticks there are */
    axes->box = (erg_box){0, 0, options->width, options->height};
    choose_ticks(axes);
    place_box(axes, options);
    if (options->equal) {
        make_equal(axes);
    }
    choose_ticks(axes);
}

/* ------------------------------------------------------------------------------- drawing */

/* The column of pixels of an x tick, from the left line of the frame to the right one. */
static int tick_column(const erg_box *box, double place) {
    return box->left - 1 + (int)(place * (box->right - box->left + 1) + 0.5);
}

static int tick_row(const erg_box *box, double place) {
    return box->bottom - (int)(place * (box->bottom - box->top + 1) + 0.5);
}

static void fill(erg_canvas *canvas, int left, int top, int right, int bottom, uint32_t color) {
    erg_canvas_rectangle(canvas, (erg_box){left, top, right, bottom}, color, 1);
}

void erg_axes_draw_grid(const erg_axes *axes, erg_canvas *canvas) {
    const erg_box *box = &axes->box;
    for (int i = 0; i < axes->x_ticks.count; i++) {
        int x = tick_column(box, axes->x_ticks.tick[i].place);
        fill(canvas, x, box->top, x + 1, box->bottom, GRID);
    }
    for (int i = 0; i < axes->y_ticks.count; i++) {
        int y = tick_row(box, axes->y_ticks.tick[i].place);
        if (*axes->y_ticks.tick[i].label) {
            fill(canvas, box->left, y, box->right, y + 1, GRID);
        }
    }
}

static void draw_frame(erg_canvas *canvas, const erg_box *box) {
    fill(canvas, box->left - 1, box->top - 1, box->right + 1, box->top, INK);
    fill(canvas, box->left - 1, box->bottom, box->right + 1, box->bottom + 1, INK);
    fill(canvas, box->left - 1, box->top, box->left, box->bottom, INK);
    fill(canvas, box->right, box->top, box->right + 1, box->bottom, INK);
}

static void draw_x_ticks(const erg_axes *axes, erg_canvas *canvas) {
    const erg_box *box = &axes->box;
    erg_text_style style = style_of(axes);
    int end = box->bottom + 1 + TICK * axes->unit;
    for (int i = 0; i < axes->x_ticks.count; i++) {
        const char *label = axes->x_ticks.tick[i].label;
        int x = tick_column(box, axes->x_ticks.tick[i].place);
        fill(canvas, x, box->bottom, x + 1, end, INK);
        erg_canvas_text(canvas, x - erg_text_width(label, style) / 2, end + TICK_GAP * axes->unit,
                        label, style);
    }
    erg_canvas_text(canvas, box->right - erg_text_width(axes->x_ticks.factor, style),
                    end + (TICK_GAP + LINE + 2) * axes->unit, axes->x_ticks.factor, style);
}

/* Ticks on the left (side -1) or right (1) edge of a box, and the factor above it. */
static void draw_y_ticks(const erg_axes *axes, const erg_box *box, const erg_ticks *ticks, int side,
                         erg_canvas *canvas) {
    erg_text_style style = style_of(axes);
    int edge = side < 0 ? box->left - 1 : box->right;
    for (int i = 0; i < ticks->count; i++) {
        const char *label = ticks->tick[i].label;
        int length = (*label ? TICK : TICK / 2) * axes->unit;
        int y = tick_row(box, ticks->tick[i].place);
        int gap = (TICK + TICK_GAP) * axes->unit;
        fill(canvas, side < 0 ? edge - length : edge, y, side < 0 ? edge : edge + 1 + length, y + 1,
             INK);
        erg_canvas_text(canvas, side < 0 ? edge - gap - erg_text_width(label, style) : edge + gap,
                        y - ERG_FONT_ASCENT * axes->unit / 2, label, style);
    }
    erg_canvas_text(canvas, box->left - 1, box->top - LINE * axes->unit, ticks->factor, style);
}

/* Text that reads upwards, centred on the box, its capitals' top at x. */
static void draw_side_label(const erg_axes *axes, int x, const char *label, erg_canvas *canvas) {
    erg_text_style style = style_of(axes);
    style.upwards = 1;
    erg_canvas_text(canvas, x,
                    (axes->box.top + axes->box.bottom + erg_text_width(label, style)) / 2, label,
                    style);
}

static void draw_color_bar(const erg_axes *axes, erg_canvas *canvas) {
    erg_box bar = axes->box;
    int u = axes->unit, height = bar.bottom - bar.top;
    bar.left = axes->box.right + PAD * u;
    bar.right = bar.left + BAR * u;
    for (int y = bar.top; y < bar.bottom; y++) {
        fill(canvas, bar.left, y, bar.right, y + 1, erg_colormap((bar.bottom - y - 0.5) / height));
    }
    draw_frame(canvas, &bar);
    draw_y_ticks(axes, &bar, &axes->color_ticks, 1, canvas);
    if (axes->heatmap->label) {
        draw_side_label(
            axes, bar.right + (TICK + 2 * TICK_GAP) * u + widest_label(axes, &axes->color_ticks),
            axes->heatmap->label, canvas);
    }
}

void erg_axes_draw(const erg_axes *axes, const erg_plot_options *options, erg_canvas *canvas) {
    const erg_box *box = &axes->box;
    erg_text_style style = style_of(axes);
    int u = axes->unit, middle = (box->left + box->right) / 2;
    draw_frame(canvas, box);
    draw_x_ticks(axes, canvas);
    draw_y_ticks(axes, box, &axes->y_ticks, -1, canvas);
    if (axes->heatmap) {
        draw_color_bar(axes, canvas);
    }
    if (options->x_label) {
        erg_canvas_text(canvas, middle - erg_text_width(options->x_label, style) / 2,
                        box->bottom + (TICK + TICK_GAP + LINE + 2) * u, options->x_label, style);
    }
    if (options->y_label) {
        draw_side_label(
            axes, box->left - (TICK + 2 * TICK_GAP + LINE) * u - widest_label(axes, &axes->y_ticks),
            options->y_label, canvas);
    }
    if (options->title) {
        int above = has_factor_above(axes) ? LINE : 0;
        style.bold = 1;
        erg_canvas_text(canvas, middle - erg_text_width(options->title, style) / 2,
                        box->top - (above + LINE + TICK_GAP) * u, options->title, style);
    }
}

/* plot_save.c: from layers to pixels.
 *
 * place = (value - low) / (high - low) on each axis, then x = left + place * width and
 * y = bottom - place * height. */
#include <math.h>
#include <stddef.h>

#include "tensor.h"
#include "plot.h"

/* Part of the range of points and curves that is left free on each side. */
#define MARGIN 0.05
/* Cells at least this many pixels wide and high are shown as flat rectangles. */
#define FLAT_CELL 8
#define RIM 0.5 /* pixels */

/* ------------------------------------------------------------------------------- ranges */

static int usable(double value, int log) {
    return isfinite(value) && (!log || value > 0);
}

static void include(double *low, double *high, double value, int log) {
    if (usable(value, log)) {
        *low = fmin(*low, value);
        *high = fmax(*high, value);
    }
}

/* The axis for what is drawn, along column 0 (x) or 1 (y): for the heat maps if there are any, as
 * they are the ground of the picture, else for the points and curves. */
static erg_axis axis_of(const erg_layer *layers, int column, int log_y) {
    int log = column && log_y, ground = 0;
    double low = INFINITY, high = -INFINITY;
    for (const erg_layer *layer = layers; layer; layer = layer->next) {
        if (layer->kind == ERG_LAYER_HEATMAP) {
            include(&low, &high, column ? layer->y_min : layer->x_min, log);
            include(&low, &high, column ? layer->y_max : layer->x_max, log);
            ground = 1;
        }
    }
    if (ground) {
        return erg_axis_around(low, high, log);
    }

    for (const erg_layer *layer = layers; layer; layer = layer->next) {
        for (int64_t i = 0; i < layer->rows; i++) {
            const double *point = layer->values + 2 * i;
            if (usable(point[0], 0) && usable(point[1], log_y)) {
                include(&low, &high, point[column], log);
            }
        }
    }
    erg_axis axis = erg_axis_around(low, high, log);
    if (low < high) {
        erg_axis_widen(&axis, MARGIN);
    }
    return axis;
}

static void choose_ranges(erg_axes *axes, const erg_plot *plot) {
    const erg_plot_options *options = &plot->options;
    axes->x = options->x_min < options->x_max ? erg_axis_around(options->x_min, options->x_max, 0)
                                              : axis_of(plot->first, 0, options->log_y);
    axes->y = options->y_min < options->y_max
                  ? erg_axis_around(options->y_min, options->y_max, options->log_y)
                  : axis_of(plot->first, 1, options->log_y);
}

/* ------------------------------------------------------------------------------- layers */

static double pixel_x(const erg_axes *axes, double x) {
    return axes->box.left + erg_axis_place(&axes->x, x) * (axes->box.right - axes->box.left);
}

static double pixel_y(const erg_axes *axes, double y) {
    return axes->box.bottom - erg_axis_place(&axes->y, y) * (axes->box.bottom - axes->box.top);
}

/* The value at a point measured in cells; cell (0, 0) has its centre at (1/2, 1/2). */
static double nearest(const erg_layer *map, double column, double row) {
    return map->values[(int64_t)row * map->columns + (int64_t)column];
}

static double bilinear(const erg_layer *map, double column, double row) {
    double x = fmin(fmax(column - 0.5, 0), (double)map->columns - 1);
    double y = fmin(fmax(row - 0.5, 0), (double)map->rows - 1);
    double right = x - floor(x), up = y - floor(y);
    const double *low = map->values + (int64_t)y * map->columns + (int64_t)x;
    const double *high = low + (up > 0 ? map->columns : 0);
    int64_t next = right > 0;
    double value = (1 - up) * ((1 - right) * low[0] + right * low[next]) +
                   up * ((1 - right) * high[0] + right * high[next]);
    return isfinite(value) ? value : nearest(map, column, row);
}

static void draw_heatmap(const erg_axes *axes, const erg_layer *map, erg_canvas *canvas) {
    const erg_box *box = &axes->box;
    erg_axis colors = erg_axis_around(map->low, map->high, 0);
    double width = pixel_x(axes, map->x_max) - pixel_x(axes, map->x_min);
    double height = pixel_y(axes, map->y_min) - pixel_y(axes, map->y_max);
    int flat = width >= FLAT_CELL * (double)map->columns && height >= FLAT_CELL * (double)map->rows;
    uint32_t shades[256];
    for (int i = 0; i < 256; i++) {
        shades[i] = erg_colormap(i / 255.0);
    }
    for (int j = box->top; j < box->bottom; j++) {
        double y = erg_axis_value(&axes->y, (box->bottom - j - 0.5) / (box->bottom - box->top));
        double row = (y - map->y_min) / (map->y_max - map->y_min) * (double)map->rows;
        if (!(row >= 0 && row < (double)map->rows)) {
            continue;
        }
        for (int i = box->left; i < box->right; i++) {
            double x = erg_axis_value(&axes->x, (i - box->left + 0.5) / (box->right - box->left));
            double column = (x - map->x_min) / (map->x_max - map->x_min) * (double)map->columns;
            if (!(column >= 0 && column < (double)map->columns)) {
                continue;
            }
            double value = flat ? nearest(map, column, row) : bilinear(map, column, row);
            double t = fmin(fmax(erg_axis_place(&colors, value), 0), 1);
            erg_canvas_blend(canvas, i, j,
                             isnan(value) ? ERG_COLOR_NAN : shades[(int)(t * 255 + 0.5)], 1);
        }
    }
}

static void draw_scatter(const erg_axes *axes, const erg_layer *layer, erg_canvas *canvas) {
    for (int64_t i = 0; i < layer->rows; i++) {
        const double *point = layer->values + 2 * i;
        if (!usable(point[0], 0) || !usable(point[1], axes->y.log)) {
            continue;
        }
        double x = pixel_x(axes, point[0]), y = pixel_y(axes, point[1]);
        if (layer->on_heatmap) {
            erg_canvas_disc(canvas, x, y, layer->size + 2 * RIM, 0xFFFFFF, layer->opacity);
        }
        erg_canvas_disc(canvas, x, y, layer->size, layer->color, layer->opacity);
    }
}

/* The part of a curve that lies in one column of pixels. */
typedef struct stroke {
    int drawing; /* 0: the pen is up */
    double column, top, bottom;
    double travel; /* sum of |dy| */
    double first[2], last[2];
} stroke;

/* Draws first - last in place of all points of the column or, if they go up and down in between,
 * first - top - bottom - last: up to half a pixel the same picture (M4 of Jugel et al., VLDB 2014),
 * however many points there are. */
static void end_stroke(erg_canvas *canvas, stroke *stroke, double width) {
    const double *first = stroke->first, *last = stroke->last, middle = stroke->column + 0.5;
    if (!stroke->drawing) {
        return;
    }
    if (stroke->travel > fabs(last[1] - first[1]) + 1) {
        erg_canvas_segment(canvas, first[0], first[1], middle, stroke->top, width);
        erg_canvas_segment(canvas, middle, stroke->top, middle, stroke->bottom, width);
        erg_canvas_segment(canvas, middle, stroke->bottom, last[0], last[1], width);
    } else {
        erg_canvas_segment(canvas, first[0], first[1], last[0], last[1], width);
    }
    stroke->drawing = 0;
}

static void extend_stroke(erg_canvas *canvas, stroke *stroke, double x, double y, double width) {
    if (stroke->drawing && stroke->column != floor(x)) {
        end_stroke(canvas, stroke, width);
        erg_canvas_segment(canvas, stroke->last[0], stroke->last[1], x, y, width);
    }
    if (!stroke->drawing) {
        *stroke = (struct stroke){1, floor(x), y, y, 0, {x, y}, {x, y}};
    }
    stroke->top = fmin(stroke->top, y);
    stroke->bottom = fmax(stroke->bottom, y);
    stroke->travel += fabs(y - stroke->last[1]);
    stroke->last[0] = x;
    stroke->last[1] = y;
}

static void draw_line(const erg_axes *axes, const erg_layer *layer, erg_canvas *canvas) {
    stroke stroke = {0};
    for (int64_t i = 0; i < layer->rows; i++) {
        const double *value = layer->values + 2 * i;
        if (!usable(value[0], 0) || !usable(value[1], axes->y.log)) {
            end_stroke(canvas, &stroke, layer->size);
            continue;
        }
        extend_stroke(canvas, &stroke, pixel_x(axes, value[0]), pixel_y(axes, value[1]),
                      layer->size);
    }
    end_stroke(canvas, &stroke, layer->size);
    erg_canvas_paint_path(canvas, layer->color, layer->opacity);
}

static void draw_layer(const erg_axes *axes, const erg_layer *layer, erg_canvas *canvas) {
    if (layer->kind == ERG_LAYER_HEATMAP) {
        draw_heatmap(axes, layer, canvas);
    } else if (layer->kind == ERG_LAYER_SCATTER) {
        draw_scatter(axes, layer, canvas);
    } else {
        draw_line(axes, layer, canvas);
    }
}

erg_status erg_plot_save(const erg_plot *plot, const char *path) {
    erg_axes axes = {0};
    erg_canvas canvas;
    erg_status status;
    if (plot == NULL || path == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "plot_save: no %s", plot ? "path" : "plot");
    }
    status = erg_canvas_open(&canvas, plot->options.width, plot->options.height);
    if (status) {
        return status;
    }

    choose_ranges(&axes, plot);
    for (const erg_layer *layer = plot->first; layer; layer = layer->next) {
        if (layer->kind == ERG_LAYER_HEATMAP) {
            axes.heatmap = layer;
        }
    }
    erg_axes_arrange(&axes, &plot->options);

    if (!axes.heatmap) {
        erg_axes_draw_grid(&axes, &canvas);
    }
    canvas.clip = erg_box_intersect(axes.box, canvas.clip);
    for (const erg_layer *layer = plot->first; layer; layer = layer->next) {
        draw_layer(&axes, layer, &canvas);
    }
    canvas.clip = (erg_box){0, 0, canvas.width, canvas.height};
    erg_axes_draw(&axes, &plot->options, &canvas);
    erg_legend_draw(&axes, plot->first, &canvas);

    status = erg_canvas_write(&canvas, path);
    erg_canvas_close(&canvas);
    return status;
}

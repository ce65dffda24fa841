/* plot.c: a plot is a list of layers; each owns a copy of its data, checked when it is added. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor.h"

#define SIZE_MAX_PIXELS 16384
#define MARK_MAX_PIXELS 1000

/* Okabe and Ito, "Color universal design" (2008), without yellow, which is lost on white. */
static const uint32_t cycle[] = {0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9};
#define CYCLE_LENGTH ((int)(sizeof(cycle) / sizeof(*cycle)))

/* An option that was left zero gets its default; ERG_ZERO is the number zero. */
static double or_default(double value, double fallback) {
    return value != 0 ? value : signbit(value) ? 0 : fallback;
}

/* A pair of ends is in order, or both are left zero. */
static erg_status check_ends(const char *where, const char *what, double low, double high) {
    if ((low == 0 && high == 0) || (isfinite(low) && isfinite(high) && low < high)) {
        return ERG_OK;
    }
    return erg_fail(ERG_ERROR_ARGUMENT, "%s: %s from %g to %g: finite and rising ends are needed",
                    where, what, low, high);
}

static erg_status check_options(const erg_plot_options *options) {
    if (options->width < 0 || options->width > SIZE_MAX_PIXELS || options->height < 0 ||
        options->height > SIZE_MAX_PIXELS) {
        return erg_fail(ERG_ERROR_ARGUMENT, "plot_new: %d x %d pixels: 1 to %d are possible",
                        options->width, options->height, SIZE_MAX_PIXELS);
    }
    if (check_ends("plot_new", "x", options->x_min, options->x_max) ||
        check_ends("plot_new", "y", options->y_min, options->y_max)) {
        return ERG_ERROR_ARGUMENT;
    }
    if (options->log_y && options->equal) {
        return erg_fail(ERG_ERROR_ARGUMENT, "plot_new: log_y and equal exclude each other");
    }
    if (options->log_y && options->y_min <= 0 && (options->y_min != 0 || options->y_max != 0)) {
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "plot_new: y from %g on a logarithmic axis: it must be positive",
                        options->y_min);
    }
    return ERG_OK;
}

/* Returns 0 if there is no memory for the copy. */
static int copy_text(const char **copy, const char *text) {
    *copy = text ? strdup(text) : NULL;
    return !text || *copy;
}

erg_plot *erg_plot_new(erg_plot_options options) {
    if (check_options(&options)) {
        return NULL;
    }

    erg_plot *plot = calloc(1, sizeof(*plot));
    if (plot == NULL) {
        erg_fail(ERG_ERROR_MEMORY, "plot_new: no memory for the plot");
        return NULL;
    }
    plot->options = options;
    plot->options.width = options.width ? options.width : 640;
    plot->options.height = options.height ? options.height : 480;
    /* all three, so that none is left pointing at the caller's text */
    if (!(copy_text(&plot->options.title, options.title) &
          copy_text(&plot->options.x_label, options.x_label) &
          copy_text(&plot->options.y_label, options.y_label))) {
        erg_plot_free(plot);
        erg_fail(ERG_ERROR_MEMORY, "plot_new: no memory for the texts");
        return NULL;
    }
    return plot;
}

static void free_layer(erg_layer *layer) {
    if (layer != NULL) {
        free(layer->label);
    }
    free(layer);
}

void erg_plot_free(erg_plot *plot) {
    if (plot == NULL) {
        return;
    }
    for (erg_layer *layer = plot->first, *next; layer; layer = next) {
        next = layer->next;
        free_layer(layer);
    }
    free((void *)plot->options.title);
    free((void *)plot->options.x_label);
    free((void *)plot->options.y_label);
    free(plot);
}

static erg_status check_values(const char *where, const char *what, const erg_tensor *tensor,
                               int ndim) {
    char text[ERG_SHAPE_TEXT];
    if (tensor == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: no %s", where, what);
    }
    if (tensor->dtype != ERG_FLOAT32 && tensor->dtype != ERG_FLOAT64) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: %s are %s: float32 or float64 is needed", where,
                        what, erg_dtype_name(tensor->dtype));
    }
    if (tensor->shape.ndim != ndim) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: %s have shape %s: %d dimension%s needed", where,
                        what, erg_shape_text(tensor->shape, text), ndim,
                        ndim == 1 ? " is" : "s are");
    }
    return ERG_OK;
}

/* A layer with room for its values, not yet in the plot. NULL if memory is short. */
static erg_layer *new_layer(const char *where, erg_layer_kind kind, int64_t rows, int64_t columns,
                            const char *label) {
    /* rows * columns is at most twice the size of a tensor, hence below 2^61 */
    size_t count = (size_t)(rows * columns);
    erg_layer *layer = NULL;

    if (count <= (SIZE_MAX - sizeof(*layer)) / sizeof(layer->values[0])) {
        layer = calloc(1, sizeof(*layer) + count * sizeof(layer->values[0]));
    }
    if (layer && label && !(layer->label = strdup(label))) {
        free_layer(layer);
        layer = NULL;
    }
    if (layer == NULL) {
        erg_fail(ERG_ERROR_MEMORY, "%s: no memory for %zu numbers", where, count);
        return NULL;
    }
    layer->kind = kind;
    layer->rows = rows;
    layer->columns = columns;
    return layer;
}

static void append(erg_plot *plot, erg_layer *layer) {
    if (plot->last) {
        plot->last->next = layer;
    } else {
        plot->first = layer;
    }
    plot->last = layer;
}

static erg_status check_heatmap(const erg_plot *plot, const erg_tensor *values,
                                const erg_heatmap_options *options) {
    const char *where = "plot_heatmap";
    char text[ERG_SHAPE_TEXT];
    if (plot == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: no plot", where);
    }
    if (check_values(where, "values", values, 2) ||
        check_ends(where, "x", options->x_min, options->x_max) ||
        check_ends(where, "y", options->y_min, options->y_max) ||
        check_ends(where, "colours", options->low, options->high)) {
        return ERG_ERROR_ARGUMENT;
    }
    if (erg_tensor_size(values) == 0) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: values of shape %s have no cell", where,
                        erg_shape_text(values->shape, text));
    }
    return ERG_OK;
}

erg_status erg_plot_heatmap(erg_plot *plot, const erg_tensor *values, erg_heatmap_options options) {
    if (check_heatmap(plot, values, &options)) {
        return ERG_ERROR_ARGUMENT;
    }

    int64_t rows = values->shape.dims[0], columns = values->shape.dims[1];
    erg_layer *layer = new_layer("plot_heatmap", ERG_LAYER_HEATMAP, rows, columns, options.label);
    if (layer == NULL) {
        return ERG_ERROR_MEMORY;
    }
    layer->x_min = options.x_min;
    layer->x_max = options.x_min == options.x_max ? (double)columns : options.x_max;
    layer->y_min = options.y_min;
    layer->y_max = options.y_min == options.y_max ? (double)rows : options.y_max;
    for (int64_t i = 0; i < rows * columns; i++) {
        layer->values[i] = erg_tensor_get(values, i);
    }

    layer->low = options.low;
    layer->high = options.high;
    if (options.low == options.high) {
        layer->low = INFINITY;
        layer->high = -INFINITY;
        for (int64_t i = 0; i < rows * columns; i++) {
            if (isfinite(layer->values[i])) {
                layer->low = fmin(layer->low, layer->values[i]);
                layer->high = fmax(layer->high, layer->values[i]);
            }
        }
    }
    append(plot, layer);
    return ERG_OK;
}

static erg_status check_mark(const char *where, const erg_plot *plot,
                             const erg_mark_options *options) {
    if (plot == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: no plot", where);
    }
    if (options->color > 0xFFFFFF) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: color 0x%X: at most 0xFFFFFF is possible", where,
                        (unsigned)options->color);
    }
    if (!(options->size >= 0 && options->size <= MARK_MAX_PIXELS)) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: size %g: 0 to %d pixels are possible", where,
                        options->size, MARK_MAX_PIXELS);
    }
    if (!(options->opacity >= 0 && options->opacity <= 1)) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: opacity %g: 0 to 1 is possible", where,
                        options->opacity);
    }
    return ERG_OK;
}

static void append_marks(erg_plot *plot, erg_layer *layer, const erg_mark_options *options) {
    double size = layer->kind == ERG_LAYER_LINE ? 1.5 : 3;
    for (const erg_layer *below = plot->first; below; below = below->next) {
        layer->on_heatmap |= below->kind == ERG_LAYER_HEATMAP;
    }
    layer->size = or_default(options->size, size);
    layer->opacity = or_default(options->opacity, 1);
    layer->color = options->color;
    if (!layer->color) { /* blue is lost on a heat map: the second comes first there */
        layer->color = cycle[(plot->cycled++ + layer->on_heatmap) % CYCLE_LENGTH];
    }
    append(plot, layer);
}

erg_status erg_plot_scatter(erg_plot *plot, const erg_tensor *points, erg_mark_options options) {
    const char *where = "plot_scatter";
    char text[ERG_SHAPE_TEXT];
    if (check_mark(where, plot, &options) || check_values(where, "points", points, 2)) {
        return ERG_ERROR_ARGUMENT;
    }
    if (points->shape.dims[1] != 2) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: points have shape %s: (N, 2) is needed", where,
                        erg_shape_text(points->shape, text));
    }

    erg_layer *layer = new_layer(where, ERG_LAYER_SCATTER, points->shape.dims[0], 2, options.label);
    if (layer == NULL) {
        return ERG_ERROR_MEMORY;
    }
    for (int64_t i = 0; i < 2 * layer->rows; i++) {
        layer->values[i] = erg_tensor_get(points, i);
    }
    append_marks(plot, layer, &options);
    return ERG_OK;
}

erg_status erg_plot_line(erg_plot *plot, const erg_tensor *x, const erg_tensor *y,
                         erg_mark_options options) {
    const char *where = "plot_line";
    char x_text[ERG_SHAPE_TEXT], y_text[ERG_SHAPE_TEXT];
    if (check_mark(where, plot, &options) || check_values(where, "y values", y, 1) ||
        (x && check_values(where, "x values", x, 1))) {
        return ERG_ERROR_ARGUMENT;
    }
    if (x && !erg_shape_equal(x->shape, y->shape)) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: x has shape %s, y %s: they must be equal", where,
                        erg_shape_text(x->shape, x_text), erg_shape_text(y->shape, y_text));
    }

    erg_layer *layer = new_layer(where, ERG_LAYER_LINE, y->shape.dims[0], 2, options.label);
    if (layer == NULL) {
        return ERG_ERROR_MEMORY;
    }
    for (int64_t i = 0; i < layer->rows; i++) {
        layer->values[2 * i] = x ? erg_tensor_get(x, i) : (double)i;
        layer->values[2 * i + 1] = erg_tensor_get(y, i);
    }
    append_marks(plot, layer, &options);
    return ERG_OK;
}

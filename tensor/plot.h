/* plot.h: what a plot holds until it is drawn. Internal.
 *
 * plot.c checks and copies what the caller gives, plot_save.c finds the ranges, places the parts of
 * the picture and draws the layers, axes.c what surrounds them. */
#ifndef ERG_TENSOR_PLOT_H
#define ERG_TENSOR_PLOT_H

#include "canvas.h"
#include "tensor.h"
#include "ticks.h"

typedef enum erg_layer_kind { ERG_LAYER_HEATMAP, ERG_LAYER_SCATTER, ERG_LAYER_LINE } erg_layer_kind;

typedef struct erg_layer {
    struct erg_layer *next; /* drawn later */
    erg_layer_kind kind;
    char *label;                                  /* may be NULL */
    int64_t rows, columns;                        /* of values; 2 columns, x and y, for marks */
    double x_min, x_max, y_min, y_max, low, high; /* heat maps: the extent and the colours' ends */
    uint32_t color;                               /* marks */
    double size, opacity;
    int on_heatmap;  /* points then have a white edge, to tell them from it */
    double values[]; /* row-major */
} erg_layer;

struct erg_plot {
    erg_plot_options options; /* complete: no size is 0; the texts are the plot's own */
    erg_layer *first, *last;
    int cycled; /* colours taken from the cycle */
};

/* The parts of a picture. */
typedef struct erg_axes {
    erg_box box; /* inside the frame */
    erg_axis x, y;
    erg_ticks x_ticks, y_ticks;
    int unit;                 /* pixels a dot of the font; other lengths follow it */
    const erg_layer *heatmap; /* the last one, which the colour bar explains; NULL: no bar */
    erg_axis colors;
    erg_ticks color_ticks;
} erg_axes;

/* Places the parts and chooses the ticks; x, y and heatmap are given. */
void erg_axes_arrange(erg_axes *axes, const erg_plot_options *options);
/* Lines across the box at the ticks. */
void erg_axes_draw_grid(const erg_axes *axes, erg_canvas *canvas);
/* The frame, its ticks and all texts, and the colour bar. */
void erg_axes_draw(const erg_axes *axes, const erg_plot_options *options, erg_canvas *canvas);
/* The labels of the layers, in the corner of the box where they hide least. */
void erg_legend_draw(const erg_axes *axes, const erg_layer *layers, erg_canvas *canvas);

#endif

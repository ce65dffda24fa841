/* fit2d_report.c: pictures of the fit, tables, and a page that shows them.
 *
 * The energy is drawn as E + log Z + log(scale_1 scale_2) = -log p(x), so that pictures of
 * different fits can be compared. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fit2d.h"

/* Cells a side of a heat map, points drawn over it, and the nats above the lowest energy that the
 * colours tell apart: a density of exp(-DEPTH) times the highest is as good as none. */
enum { CELLS = 300, SHOWN = 1000, DEPTH = 12 };

/* ------------------------------------------------------------------------------- heat maps */

/* What a picture of the plane shows: the data with a margin. */
typedef struct view {
    double low[2], high[2];            /* in the units of the fit */
    double x_min, x_max, y_min, y_max; /* in those of the data */
    int equal;                         /* both axes have one scale */
    int height;                        /* of the picture */
} view;

static view view_of(const dataset *data) {
    view v;
    for (int c = 0; c < 2; c++) {
        double margin = 0.15 * (data->high[c] - data->low[c]);
        v.low[c] = data->low[c] - margin;
        v.high[c] = data->high[c] + margin;
    }
    v.x_min = data->shift[0] + data->scale[0] * v.low[0];
    v.x_max = data->shift[0] + data->scale[0] * v.high[0];
    v.y_min = data->shift[1] + data->scale[1] * v.low[1];
    v.y_max = data->shift[1] + data->scale[1] * v.high[1];
    v.equal = data->exact.fn != NULL;
    double frame = 580 * (v.y_max - v.y_min) / (v.x_max - v.x_min);
    v.height = v.equal ? 100 + (int)fmin(fmax(frame, 200), 700) : 560;
    return v;
}

/* The energy at the middle of each cell, (CELLS, CELLS), rows from the lowest y. */
static erg_tensor *energy_map(erg_graph *graph, erg_energy energy, erg_dtype dtype, const view *v) {
    erg_evaluator *evaluator = erg_evaluator_new(graph, energy, dtype, ERG_SHAPE(2), 0);
    erg_tensor *points = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(CELLS * CELLS, 2));
    erg_tensor *flat = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(CELLS * CELLS));
    erg_tensor *map = NULL;
    for (int i = 0; points && i < CELLS * CELLS; i++) {
        double place[2] = {(i % CELLS + 0.5) / CELLS, (i / CELLS + 0.5) / CELLS};
        for (int c = 0; c < 2; c++)
            erg_tensor_set(points, 2 * i + c, v->low[c] + place[c] * (v->high[c] - v->low[c]));
    }
    if (evaluator && points && flat && erg_evaluator_run(evaluator, points, flat) == ERG_OK)
        map = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(CELLS, CELLS), flat->data);
    erg_tensor_free(flat);
    erg_tensor_free(points);
    erg_evaluator_free(evaluator);
    return map;
}

/* map <- map + shift; returns the least value. */
static double shift_map(erg_tensor *map, double shift) {
    double *e = map->data, least = INFINITY;
    for (int64_t i = 0; i < erg_tensor_size(map); i++) {
        e[i] += shift;
        least = fmin(least, e[i]);
    }
    return least;
}

typedef struct picture {
    const char *name, *title, *label;
    const erg_tensor *map;
    double low, high;         /* of the colours */
    const erg_tensor *points; /* in the units of the data, or NULL */
    uint32_t color;
} picture;

static erg_status draw_plane(const fit *fit, const view *v, picture p) {
    path_text path;
    erg_plot *plot = erg_plot_new((erg_plot_options){.width = 720,
                                                     .height = v->height,
                                                     .title = p.title,
                                                     .x_label = "x",
                                                     .y_label = "y",
                                                     .x_min = v->x_min,
                                                     .x_max = v->x_max,
                                                     .y_min = v->y_min,
                                                     .y_max = v->y_max,
                                                     .equal = v->equal});
    erg_status status = plot ? join_path(path, fit->options->out, p.name) : ERG_ERROR_MEMORY;
    if (status == ERG_OK)
        status = erg_plot_heatmap(plot, p.map,
                                  (erg_heatmap_options){.x_min = v->x_min,
                                                        .x_max = v->x_max,
                                                        .y_min = v->y_min,
                                                        .y_max = v->y_max,
                                                        .low = p.low,
                                                        .high = p.high,
                                                        .label = p.label});
    if (status == ERG_OK && p.points)
        status = erg_plot_scatter(plot, p.points,
                                  (erg_mark_options){.color = p.color, .size = 3, .opacity = 0.8});
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    return status;
}

/* The first rows, up to SHOWN, in the units of the data. */
static erg_tensor *some_points(const dataset *data) {
    int64_t n = data->train->shape.dims[0] < SHOWN ? data->train->shape.dims[0] : SHOWN;
    erg_tensor *points = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n, 2));
    for (int64_t i = 0; points && i < 2 * n; i++)
        erg_tensor_set(points, i, erg_tensor_get(data->train, i));
    if (points)
        dataset_restore(data, points);
    return points;
}

/* exp(-map), where map is -log p. */
static void to_density(erg_tensor *map) {
    double *e = map->data;
    for (int64_t i = 0; i < erg_tensor_size(map); i++)
        e[i] = exp(-e[i]);
}

static double greatest(const erg_tensor *map) {
    double high = 0;
    for (int64_t i = 0; i < erg_tensor_size(map); i++)
        high = fmax(high, erg_tensor_get(map, i));
    return high;
}

/* The true density of a toy, in the colours of the model's. */
static erg_status draw_truth(const fit *fit, const view *v, double high) {
    char title[96];
    erg_tensor *map = energy_map(fit->graph, fit->data->exact, ERG_FLOAT64, v);
    if (!map)
        return ERG_ERROR_MEMORY;
    to_density(map);
    snprintf(title, sizeof title, "the true density: %.4f nats", fit->evaluation->best);
    erg_status status =
        draw_plane(fit, v, (picture){"truth.png", title, "p(x)", map, 0, high, NULL, 0});
    erg_tensor_free(map);
    return status;
}

static erg_status draw_density(const fit *fit, const view *v, erg_tensor *map) {
    char title[96];
    to_density(map);
    double high = greatest(map);
    snprintf(title, sizeof title, "the model's density: %.4f nats",
             fit->evaluation->log_likelihood);
    erg_status status =
        draw_plane(fit, v, (picture){"density.png", title, "exp(-E) / Z", map, 0, high, NULL, 0});
    if (status == ERG_OK && fit->data->exact.fn)
        status = draw_truth(fit, v, high);
    return status;
}

/* The energy with the data, the same with samples, and the density, which takes the map's place. */
static erg_status draw_maps(const fit *fit, const view *v, erg_tensor *map,
                            const erg_tensor *points) {
    const evaluation *e = fit->evaluation;
    double jacobian = log(fit->data->scale[0]) + log(fit->data->scale[1]);
    double low = shift_map(map, e->normalised ? e->log_z + jacobian : 0);
    picture p = {.label = e->normalised ? "E + log Z  [nats]" : "E  [nats]",
                 .map = map,
                 .low = low,
                 .high = low + DEPTH};
    char title[96];
    p.title = title;

    int length = snprintf(title, sizeof title, "energy and data, %lld steps of %s",
                          (long long)fit->history->steps, fit->options->loss->name);
    if (e->normalised && fit->data->exact.fn)
        snprintf(title + length, sizeof title - (size_t)length, ": %.4f nats, best possible %.4f",
                 e->log_likelihood, e->best);
    else if (e->normalised)
        snprintf(title + length, sizeof title - (size_t)length, ": %.4f nats", e->log_likelihood);
    p.name = "landscape.png";
    p.points = points;
    p.color = 0xD55E00;
    erg_status status = draw_plane(fit, v, p);
    if (status != ERG_OK)
        return status;

    snprintf(title, sizeof title, "energy and %lld samples of it",
             (long long)fit->samples->shape.dims[0]);
    p.name = "samples.png";
    p.points = fit->samples;
    p.color = 0x0072B2;
    status = draw_plane(fit, v, p);
    return status == ERG_OK && e->normalised ? draw_density(fit, v, map) : status;
}

static erg_status draw_planes(const fit *fit) {
    view v = view_of(fit->data);
    erg_tensor *points = some_points(fit->data);
    erg_tensor *map =
        energy_map(fit->graph, (erg_energy){model_energy, fit->model}, ERG_FLOAT32, &v);
    erg_status status = points && map ? draw_maps(fit, &v, map, points) : ERG_ERROR_MEMORY;
    erg_tensor_free(map);
    erg_tensor_free(points);
    return status;
}

/* ------------------------------------------------------------------------------- curves */

/* One column of the history, averaged over rows i - reach .. i + reach as far as they exist. */
static void column_of(const history *h, int column, int64_t reach, double *out) {
    const double *rows = h->rows->data;
    for (int64_t i = 0; i < h->count; i++) {
        int64_t first = i > reach ? i - reach : 0;
        int64_t last = i + reach < h->count ? i + reach : h->count - 1;
        out[i] = 0;
        for (int64_t k = first; k <= last; k++)
            out[i] += rows[3 * k + column] / (double)(last - first + 1);
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The range of all but the most extreme hundredth at either end, with a margin; zeros, which leave
 * the choice to the plot, if there is none. */
static erg_status middle_range(const erg_tensor *y, double *low, double *high) {
    erg_tensor *sorted = erg_tensor_clone(y);
    if (!sorted)
        return ERG_ERROR_MEMORY;
    int64_t n = erg_tensor_size(y);
    qsort(sorted->data, (size_t)n, sizeof(double), ascending);
    *low = erg_tensor_get(sorted, n / 100);
    *high = erg_tensor_get(sorted, n - 1 - n / 100);
    double margin = 0.08 * (*high - *low);
    *low = margin > 0 ? *low - margin : 0;
    *high = margin > 0 ? *high + margin : 0;
    erg_tensor_free(sorted);
    return ERG_OK;
}

/* A column of the history against the step: as it is, faint, and smoothed. */
static erg_status draw_curve(const fit *fit, int column, const char *name, const char *title,
                             const char *label) {
    const history *h = fit->history;
    path_text path;
    erg_tensor *step = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(h->count));
    erg_tensor *raw = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(h->count));
    erg_tensor *smooth = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(h->count));
    erg_plot *plot = NULL;
    erg_status status =
        step && raw && smooth ? join_path(path, fit->options->out, name) : ERG_ERROR_MEMORY;
    if (status == ERG_OK) {
        double low, high;
        column_of(h, 0, 0, step->data);
        column_of(h, column, 0, raw->data);
        column_of(h, column, h->count / 50, smooth->data);
        status = middle_range(raw, &low, &high);
        plot = status ? NULL
                      : erg_plot_new((erg_plot_options){.width = 720,
                                                        .height = 400,
                                                        .title = title,
                                                        .x_label = "step",
                                                        .y_label = label,
                                                        .y_min = low,
                                                        .y_max = high});
        status = plot ? ERG_OK : ERG_ERROR_MEMORY;
    }
    if (status == ERG_OK)
        status = erg_plot_line(plot, step, raw,
                               (erg_mark_options){.color = 0x0072B2, .size = 1, .opacity = 0.3});
    if (status == ERG_OK)
        status =
            erg_plot_line(plot, step, smooth, (erg_mark_options){.color = 0x0072B2, .size = 2});
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    erg_tensor_free(smooth);
    erg_tensor_free(raw);
    erg_tensor_free(step);
    return status;
}

static erg_status draw_curves(const fit *fit) {
    char title[2][96];
    const history *h = fit->history;
    const double *last = (const double *)h->rows->data + 3 * (h->count - 1);
    snprintf(title[0], sizeof title[0], "%s loss: %.4g at the end", fit->options->loss->name,
             last[1]);
    snprintf(title[1], sizeof title[1], "energy gap to the data: %.4g at the end", last[2]);
    erg_status status = draw_curve(fit, 1, "loss.png", title[0], "loss");
    return status ? status : draw_curve(fit, 2, "gap.png", title[1], "gap  [nats]");
}

/* ------------------------------------------------------------------------------- files */

static erg_status write_tables(const fit *fit) {
    path_text samples, log;
    const history *h = fit->history;
    erg_status status = join_path(samples, fit->options->out, "samples.npy");
    if (status == ERG_OK)
        status = erg_npy_write(samples, fit->samples);
    if (status == ERG_OK)
        status = join_path(log, fit->options->out, "log.csv");
    if (status != ERG_OK)
        return status;
    erg_tensor *rows = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(h->count, 3), h->rows->data);
    status = rows ? erg_csv_write(log, rows, "step,loss,gap") : ERG_ERROR_MEMORY;
    erg_tensor_free(rows);
    return status;
}

/* Pictures that this fit may lack must not be left from an earlier one. */
static erg_status remove_pictures(const fit *fit) {
    static const char *const names[] = {"density.png", "truth.png"};
    path_text path;
    for (int i = 0; i < 2; i++) {
        erg_status status = join_path(path, fit->options->out, names[i]);
        if (status != ERG_OK)
            return status;
        remove(path);
    }
    return ERG_OK;
}

erg_status write_report(const fit *fit) {
    erg_status status = remove_pictures(fit);
    if (status == ERG_OK)
        status = write_tables(fit);
    if (status == ERG_OK)
        status = draw_planes(fit);
    if (status == ERG_OK)
        status = draw_curves(fit);
    path_text path;
    if (status == ERG_OK)
        status = join_path(path, fit->options->out, "index.html");
    return status ? status : write_page(fit, path);
}

/* fit2d_report.c: pictures of the fit, tables, and a page that shows them.
 *
 * The energy is drawn as E + log Z + log(scale_1 scale_2) = -log p(x), so that pictures of
 * different fits can be compared. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit2d_report.h"

/* Pixels across, points drawn over a heat map, and the nats above the lowest energy that the colours
 * tell apart: a density of exp(-DEPTH) times the highest is as good as none. */
enum { WIDTH = 720, SHOWN = 1000, DEPTH = 12 };

/* ------------------------------------------------------------------------------- heat maps */

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

/* map <- map + shift; returns the least value. */
static double shift_map(erg_tensor *map, double shift) {
    double *e = map->data, least = INFINITY;
    for (int64_t i = 0; i < erg_tensor_size(map); i++) {
        e[i] += shift;
        least = fmin(least, e[i]);
    }
    return least;
}

static erg_status draw(const fit *fit, const view *v, const char *name, picture picture) {
    path_text path;
    erg_status status = join_path(path, fit->options->out, name);
    return status == ERG_OK ? draw_plane(path, v, picture) : status;
}

/* The true density of a toy, in the colours of the model's. */
static erg_status draw_truth(const fit *fit, const view *v, double high) {
    char title[96];
    erg_tensor *map = energy_map(fit->graph, fit->data.exact, ERG_FLOAT64, v);
    if (!map)
        return ERG_ERROR_MEMORY;
    to_density(map, 0);
    snprintf(title, sizeof title, "the true density: %.4f nats", fit->truth->best);
    erg_status status = draw(fit, v, "truth.png", (picture){title, "p(x)", map, 0, high, NULL, 0});
    erg_tensor_free(map);
    return status;
}

static erg_status draw_density(const fit *fit, const view *v, erg_tensor *map) {
    char title[96];
    to_density(map, 0);
    double high = greatest_in(map);
    snprintf(title, sizeof title, "the model's density: %.4f nats", fit->evaluation.log_likelihood);
    erg_status status =
        draw(fit, v, "density.png", (picture){title, "exp(-E) / Z", map, 0, high, NULL, 0});
    if (status == ERG_OK && fit->truth->points)
        status = draw_truth(fit, v, high);
    return status;
}

/* The energy with the data, the same with samples, and the density, which takes the map's place. */
static erg_status draw_maps(const fit *fit, const view *v, erg_tensor *map,
                            const erg_tensor *points) {
    const evaluation *e = &fit->evaluation;
    double jacobian = log(fit->data.scale[0]) + log(fit->data.scale[1]);
    double low = shift_map(map, e->normalised ? e->log_z + jacobian : 0);
    picture p = {.label = e->normalised ? "E + log Z  [nats]" : "E  [nats]",
                 .map = map,
                 .low = low,
                 .high = low + DEPTH};
    char title[96];
    p.title = title;

    int length =
        snprintf(title, sizeof title, "energy and data, %lld steps of %s",
                 (long long)erg_trainer_steps(fit->training.trainer), fit->options->loss->name);
    if (e->normalised && fit->truth->points)
        snprintf(title + length, sizeof title - (size_t)length, ": %.4f nats, best possible %.4f",
                 e->mean, fit->truth->best);
    else if (e->normalised)
        snprintf(title + length, sizeof title - (size_t)length, ": %.4f nats", e->log_likelihood);
    p.points = points;
    p.color = 0xD55E00;
    erg_status status = draw(fit, v, "landscape.png", p);
    if (status != ERG_OK)
        return status;

    snprintf(title, sizeof title, "energy and %lld samples of it",
             (long long)fit->samples->shape.dims[0]);
    p.points = fit->samples;
    p.color = 0x0072B2;
    status = draw(fit, v, "samples.png", p);
    return status == ERG_OK && e->normalised ? draw_density(fit, v, map) : status;
}

static erg_status draw_planes(const fit *fit) {
    view v = view_of(&fit->data, WIDTH);
    erg_tensor *points = some_points(&fit->data);
    erg_tensor *map = energy_map(fit->graph, fit->model.energy, ERG_FLOAT32, &v);
    erg_status status = points && map ? draw_maps(fit, &v, map, points) : ERG_ERROR_MEMORY;
    erg_tensor_free(map);
    erg_tensor_free(points);
    return status;
}

/* ------------------------------------------------------------------------------- curves */

/* One column of the history. */
static erg_tensor *column_of(const erg_tensor *rows, int column) {
    int64_t n = rows->shape.dims[0], columns = rows->shape.dims[1];
    erg_tensor *values = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    for (int64_t i = 0; values && i < n; i++)
        erg_tensor_set(values, i, erg_tensor_get(rows, i * columns + column));
    return values;
}

/* Means over elements i - reach .. i + reach as far as they exist. */
static erg_tensor *smooth(const erg_tensor *raw, int64_t reach) {
    int64_t n = erg_tensor_size(raw);
    erg_tensor *means = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    for (int64_t i = 0; means && i < n; i++) {
        int64_t first = i > reach ? i - reach : 0, last = i + reach < n ? i + reach : n - 1;
        double sum = 0;
        for (int64_t k = first; k <= last; k++)
            sum += erg_tensor_get(raw, k);
        erg_tensor_set(means, i, sum / (double)(last - first + 1));
    }
    return means;
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

/* A curve as it is, faint, and smoothed. */
static erg_status draw_lines(const char *path, erg_plot_options options, const erg_tensor *step,
                             const erg_tensor *raw, const erg_tensor *means) {
    erg_status status = middle_range(raw, &options.y_min, &options.y_max);
    erg_plot *plot = status == ERG_OK ? erg_plot_new(options) : NULL;
    if (!plot)
        return erg_error_status();
    status = erg_plot_line(plot, step, raw,
                           (erg_mark_options){.color = 0x0072B2, .size = 1, .opacity = 0.3});
    if (status == ERG_OK)
        status = erg_plot_line(plot, step, means, (erg_mark_options){.color = 0x0072B2, .size = 2});
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    return status;
}

/* A column of the history against the step. */
static erg_status draw_curve(const fit *fit, int column, const char *name, const char *what) {
    const erg_tensor *rows = erg_trainer_history(fit->training.trainer);
    erg_tensor *step = column_of(rows, 0), *raw = column_of(rows, column);
    erg_tensor *means = raw ? smooth(raw, erg_tensor_size(raw) / 50) : NULL;
    char title[96];
    path_text path;
    erg_status status =
        step && means ? join_path(path, fit->options->out, name) : erg_error_status();
    if (status == ERG_OK) {
        snprintf(title, sizeof title, "%s: %.4g at the end", what,
                 erg_tensor_get(means, erg_tensor_size(means) - 1));
        erg_plot_options options = {
            .width = WIDTH, .height = 400, .title = title, .x_label = "step", .y_label = what};
        status = draw_lines(path, options, step, raw, means);
    }
    erg_tensor_free(means);
    erg_tensor_free(raw);
    erg_tensor_free(step);
    return status;
}

static int column_named(const fit *fit, const char *name) {
    int column = 0;
    const char *found;
    while ((found = erg_trainer_column(fit->training.trainer, column)) && strcmp(found, name) != 0)
        column++;
    return column;
}

/* With samples from chains the loss compares two energies that rise and fall together. */
static erg_status draw_curves(const fit *fit) {
    bool chains = fit->options->set.langevin_steps > 0;
    erg_status status =
        draw_curve(fit, 1, "loss.png", chains ? "contrast (no measure of convergence)" : "loss");
    return status
               ? status
               : draw_curve(fit, column_named(fit, "energy gap"), "gap.png", "energy gap  [nats]");
}

/* ------------------------------------------------------------------------------- files */

static erg_status write_tables(const fit *fit) {
    path_text samples, log;
    erg_status status = join_path(samples, fit->options->out, "samples.npy");
    if (status == ERG_OK)
        status = erg_npy_write(samples, fit->samples);
    if (status == ERG_OK)
        status = join_path(log, fit->options->out, "log.csv");
    return status == ERG_OK ? erg_trainer_write(fit->training.trainer, log) : status;
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

erg_status write_report(const fit *fit, double seconds, int argc, char **argv) {
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
    return status ? status : write_page(fit, path, seconds, argc, argv);
}

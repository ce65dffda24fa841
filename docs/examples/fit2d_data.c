/* fit2d_data.c: points to learn from: toys whose density is known, or the rows of a file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit2d.h"

enum { MIN_POINTS = 10 };

/* ------------------------------------------------------------------------------- toys */

typedef struct toy {
    const char *name;
    double noise; /* what the smoothing adds to */
    erg_node *(*sample)(erg_graph *graph, int64_t n);
    erg_energy (*energy)(erg_graph *graph, double noise);
} toy;

static erg_node *sample_moons(erg_graph *graph, int64_t n) {
    return erg_two_moons_sample(graph, ERG_FLOAT32, n, 0);
}

static erg_energy moons_energy(erg_graph *graph, double noise) {
    return erg_two_moons_energy(graph, ERG_FLOAT64, noise);
}

static erg_node *sample_gaussians(erg_graph *graph, int64_t n) {
    return erg_eight_gaussians_sample(graph, ERG_FLOAT32, n, 0, 0);
}

static erg_energy gaussians_energy(erg_graph *graph, double noise) {
    return erg_eight_gaussians_energy(graph, ERG_FLOAT64, 0, noise);
}

static const toy toys[] = {
    {"two_moons", 0.1, sample_moons, moons_energy},
    {"eight_gaussians", 0.15, sample_gaussians, gaussians_energy},
};

static const toy *find_toy(const char *name) {
    for (size_t i = 0; i < sizeof toys / sizeof toys[0]; i++)
        if (strcmp(name, toys[i].name) == 0)
            return &toys[i];
    return NULL;
}

bool is_toy(const char *name) {
    return find_toy(name) != NULL;
}

/* Both toys are made of Gaussians, so N(0, blur^2 I) makes them wider and changes nothing else. */
static erg_status load_toy(dataset *data, erg_graph *graph, const toy *toy,
                           const fit_options *options) {
    double blur = blur_of(options);
    data->train = erg_evaluate(toy->sample(graph, options->points));
    data->held_out = erg_evaluate(toy->sample(graph, options->points));
    data->exact = toy->energy(graph, toy->noise);
    if (blur > 0)
        data->smoothed = toy->energy(graph, hypot(toy->noise, blur));
    if (!data->train || !data->held_out)
        return ERG_ERROR_MEMORY;
    return erg_graph_error(graph) ? erg_fail(ERG_ERROR_GRAPH, "%s", erg_graph_error(graph))
                                  : ERG_OK;
}

/* ------------------------------------------------------------------------------- files */

static erg_tensor *read_file(const char *path) {
    const char *suffix = strrchr(path, '.');
    erg_tensor *raw = strcmp(suffix, ".csv") == 0 ? erg_csv_read(path) : erg_npy_read(path);
    erg_tensor *points = raw ? erg_tensor_new(ERG_FLOAT64, raw->shape) : NULL;
    if (points)
        erg_tensor_copy(points, raw);
    erg_tensor_free(raw);
    return points;
}

static erg_status check_points(const char *path, const erg_tensor *points) {
    char shape[ERG_SHAPE_TEXT];
    if (points->shape.ndim != 2 || points->shape.dims[1] != 2)
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "%s: has the shape %s, but points are rows of 2 columns", path,
                        erg_shape_text(points->shape, shape));
    const double *p = points->data;
    for (int64_t i = 0; i < points->shape.dims[0]; i++)
        if (!isfinite(p[2 * i]) || !isfinite(p[2 * i + 1]))
            return erg_fail(ERG_ERROR_ARGUMENT, "%s: row %lld is not finite: %g, %g", path,
                            (long long)i + 1, p[2 * i], p[2 * i + 1]);
    if (points->shape.dims[0] < MIN_POINTS)
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: has %lld rows, but a fit needs %d", path,
                        (long long)points->shape.dims[0], MIN_POINTS);
    return ERG_OK;
}

/* Shuffles the rows (Fisher and Yates 1938). */
static erg_status shuffle(erg_tensor *points, erg_random random) {
    double *p = points->data;
    for (int64_t left = points->shape.dims[0]; left > 1; left--) {
        int64_t pick;
        random.run = (uint64_t)left;
        erg_status status = erg_random_integers(&pick, 1, (uint64_t)left, random);
        if (status != ERG_OK)
            return status;
        for (int c = 0; c < 2; c++) {
            double kept = p[2 * pick + c];
            p[2 * pick + c] = p[2 * (left - 1) + c];
            p[2 * (left - 1) + c] = kept;
        }
    }
    return ERG_OK;
}

/* Each column to mean 0 and variance 1, computed on a scale where squares cannot overflow. */
static erg_status standardise(dataset *data, const char *path, erg_tensor *points) {
    double *p = points->data;
    int64_t n = points->shape.dims[0];
    for (int c = 0; c < 2; c++) {
        double low = p[c], high = p[c], sum = 0, squares = 0;
        for (int64_t i = 0; i < n; i++) {
            low = fmin(low, p[2 * i + c]);
            high = fmax(high, p[2 * i + c]);
        }
        double range = high - low;
        if (!(range > 0 && isfinite(range)))
            return erg_fail(ERG_ERROR_ARGUMENT, "%s: column %d %s", path, c + 1,
                            range > 0 ? "has a range that is too large" : "is constant");
        for (int64_t i = 0; i < n; i++)
            sum += (p[2 * i + c] - low) / range;
        double mean = sum / (double)n;
        for (int64_t i = 0; i < n; i++)
            squares += pow((p[2 * i + c] - low) / range - mean, 2);
        double std = sqrt(squares / (double)n);
        for (int64_t i = 0; i < n; i++)
            p[2 * i + c] = ((p[2 * i + c] - low) / range - mean) / std;
        data->shift[c] = low + range * mean;
        data->scale[c] = range * std;
    }
    return ERG_OK;
}

/* Rows first .. first + n - 1 as float32. */
static erg_tensor *take(const erg_tensor *points, int64_t first, int64_t n) {
    erg_tensor *part = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(n, 2));
    for (int64_t i = 0; part && i < 2 * n; i++)
        erg_tensor_set(part, i, erg_tensor_get(points, 2 * first + i));
    return part;
}

/* One point in five is held out. */
static erg_status load_file(dataset *data, const char *path, erg_random random) {
    erg_tensor *points = read_file(path);
    if (!points)
        return ERG_ERROR_IO;
    erg_status status = check_points(path, points);
    if (status == ERG_OK)
        status = standardise(data, path, points);
    if (status == ERG_OK)
        status = shuffle(points, random);
    if (status == ERG_OK) {
        int64_t n = points->shape.dims[0];
        data->held_out = take(points, 0, n / 5);
        data->train = take(points, n / 5, n - n / 5);
        status = data->held_out && data->train ? ERG_OK : ERG_ERROR_MEMORY;
    }
    erg_tensor_free(points);
    return status;
}

/* ------------------------------------------------------------------------------- both */

static void describe(dataset *data) {
    int64_t n = data->train->shape.dims[0];
    for (int c = 0; c < 2; c++) {
        double sum = 0, squares = 0;
        data->low[c] = INFINITY;
        data->high[c] = -INFINITY;
        for (int64_t i = 0; i < n; i++) {
            double x = erg_tensor_get(data->train, 2 * i + c);
            data->low[c] = fmin(data->low[c], x);
            data->high[c] = fmax(data->high[c], x);
            sum += x;
            squares += x * x;
        }
        data->mean[c] = sum / (double)n;
        data->std[c] = sqrt(fmax(squares / (double)n - data->mean[c] * data->mean[c], 0));
    }
    for (int64_t i = 0; i < n; i++)
        data->covariance += (erg_tensor_get(data->train, 2 * i) - data->mean[0]) *
                            (erg_tensor_get(data->train, 2 * i + 1) - data->mean[1]) / (double)n;
}

erg_status dataset_load(dataset *data, erg_graph *graph, const fit_options *options) {
    const toy *toy = find_toy(options->data);
    data->scale[0] = data->scale[1] = 1;
    erg_status status = toy ? load_toy(data, graph, toy, options)
                            : load_file(data, options->data, erg_graph_random(graph));
    if (status == ERG_OK)
        describe(data);
    return status;
}

void dataset_free(dataset *data) {
    erg_tensor_free(data->train);
    erg_tensor_free(data->held_out);
}

void dataset_restore(const dataset *data, erg_tensor *points) {
    for (int64_t i = 0; i < erg_tensor_size(points); i++)
        erg_tensor_set(points, i,
                       data->shift[i % 2] + data->scale[i % 2] * erg_tensor_get(points, i));
}

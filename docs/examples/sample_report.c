/* sample_report.c: the draws as a file, and pictures of them. */
#include <math.h>
#include <stdio.h>

#include "sample.h"

/* Cells a side of the picture of the energy, and the nats above the lowest energy in it that the
 * colours tell apart. */
enum { CELLS = 200, DEPTH = 12 };

/* ------------------------------------------------------------------------------- at points */

bool energies_and_scores(erg_graph *graph, erg_energy energy, const erg_tensor *points,
                         erg_tensor **energies, erg_tensor **scores) {
    erg_node *x = erg_constant(graph, points), *e = x ? erg_energy_apply(energy, x) : NULL;
    *energies = e ? erg_evaluate(e) : NULL;
    *scores = e ? erg_evaluate(erg_score(energy, x)) : NULL;
    if (*energies && *scores)
        return true;
    erg_tensor_free(*energies);
    erg_tensor_free(*scores);
    *energies = *scores = NULL;
    return false;
}

/* ------------------------------------------------------------------------------- the plane */

typedef struct view {
    double low[2], high[2];
} view;

/* All points (n, 2), with a margin. */
static view view_of(const erg_tensor *points) {
    view v = {{INFINITY, INFINITY}, {-INFINITY, -INFINITY}};
    for (int64_t i = 0; i < erg_tensor_size(points); i++) {
        v.low[i % 2] = fmin(v.low[i % 2], erg_tensor_get(points, i));
        v.high[i % 2] = fmax(v.high[i % 2], erg_tensor_get(points, i));
    }
    for (int c = 0; c < 2; c++) {
        double margin = 0.1 * (v.high[c] - v.low[c]) + 1e-3;
        v.low[c] -= margin;
        v.high[c] += margin;
    }
    return v;
}

/* The energy at the middle of each cell, (CELLS, CELLS), rows from the lowest y; the least of them
 * into *least. */
static erg_tensor *energy_map(erg_graph *graph, erg_energy energy, const view *v, double *least) {
    erg_evaluator *evaluator = erg_evaluator_new(graph, energy, ERG_FLOAT64, ERG_SHAPE(2), 0);
    erg_tensor *points = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(CELLS * CELLS, 2));
    erg_tensor *flat = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(CELLS * CELLS)), *map = NULL;
    for (int i = 0; points && i < CELLS * CELLS; i++) {
        double place[2] = {(i % CELLS + 0.5) / CELLS, (i / CELLS + 0.5) / CELLS};
        for (int c = 0; c < 2; c++)
            erg_tensor_set(points, 2 * i + c, v->low[c] + place[c] * (v->high[c] - v->low[c]));
    }
    if (evaluator && points && flat && erg_evaluator_run(evaluator, points, flat) == ERG_OK)
        map = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(CELLS, CELLS), flat->data);
    *least = INFINITY;
    for (int i = 0; map && i < CELLS * CELLS; i++)
        *least = fmin(*least, erg_tensor_get(map, i));
    erg_tensor_free(flat);
    erg_tensor_free(points);
    erg_evaluator_free(evaluator);
    return map;
}

static erg_status draw_plane(const char *path, const char *title, const view *v,
                             const erg_tensor *map, double least, const erg_tensor *points) {
    erg_plot *plot = erg_plot_new((erg_plot_options){.width = 720,
                                                     .height = 560,
                                                     .title = title,
                                                     .x_label = "x[0]",
                                                     .y_label = "x[1]",
                                                     .x_min = v->low[0],
                                                     .x_max = v->high[0],
                                                     .y_min = v->low[1],
                                                     .y_max = v->high[1]});
    const erg_heatmap_options colours = {.x_min = v->low[0],
                                         .x_max = v->high[0],
                                         .y_min = v->low[1],
                                         .y_max = v->high[1],
                                         .low = least,
                                         .high = least + DEPTH,
                                         .label = "energy"};
    const erg_mark_options dots = {.color = 0xFFFFFF, .size = 2, .opacity = 0.6};
    erg_status status = plot ? erg_plot_heatmap(plot, map, colours) : ERG_ERROR_MEMORY;
    if (status == ERG_OK)
        status = erg_plot_scatter(plot, points, dots);
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    return status;
}

/* The energy with all draws on it. */
static erg_status picture_plane(const sample_options *o, erg_graph *graph, erg_energy energy,
                                const erg_tensor *draws, const char *path) {
    char title[128];
    snprintf(title, sizeof title, "%s by %s", o->energy->name, o->sampler->name);
    erg_tensor *points =
        erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(erg_tensor_size(draws) / 2, 2), draws->data);
    if (!points)
        return erg_error_status();
    view v = view_of(points);
    double least;
    erg_tensor *map = energy_map(graph, energy, &v, &least);
    erg_status status = map ? draw_plane(path, title, &v, map, least, points) : erg_error_status();
    erg_tensor_free(map);
    erg_tensor_free(points);
    return status;
}

/* ------------------------------------------------------------------------------- the files */

/* The pictures of element x[0], with the kinds of samplers that have them. */
static const struct plot {
    const char *name;
    bool of_paths; /* of any path; else only of draws that are in equilibrium */
    erg_status (*write)(const char *path, const erg_tensor *draws, int64_t element,
                        const char *name);
} plots[] = {{"trace.png", true, erg_trace_plot},
             {"rank.png", false, erg_rank_plot},
             {"autocorrelation.png", false, erg_autocorrelation_plot}};

static bool has_plot(const sample_options *o, const struct plot *plot) {
    sampler_kind kind = o->sampler->kind;
    return o->pictures && (kind == SAMPLES_CHAINS || kind == SAMPLES_PASS ||
                           (kind == SAMPLES_DESCENT && plot->of_paths));
}

/* A picture that this run lacks must not be left from an earlier one. */
erg_status write_report(const sample_options *o, erg_graph *graph, erg_energy energy,
                        const erg_tensor *draws) {
    path_text path;
    erg_status status = join_path(path, o->out, "draws.npy");
    if (status == ERG_OK)
        status = erg_npy_write(path, draws);
    for (int i = 0; status == ERG_OK && i < 3; i++) {
        status = join_path(path, o->out, plots[i].name);
        if (status == ERG_OK && has_plot(o, &plots[i]))
            status = plots[i].write(path, draws, 0, "x[0]");
        else if (status == ERG_OK)
            remove(path);
    }
    if (status == ERG_OK)
        status = join_path(path, o->out, "energy.png");
    if (status != ERG_OK)
        return status;
    remove(path);
    bool plane = o->pictures && o->dimension == 2;
    return plane ? picture_plane(o, graph, energy, draws, path) : ERG_OK;
}

/* fit2d_plane.c: pictures of the plane around the data. */
#include <math.h>

#include "fit2d.h"

view view_of(const dataset *data, int width) {
    view v = {.width = width};
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
    double frame = (width - 140) * (v.y_max - v.y_min) / (v.x_max - v.x_min);
    v.height = v.equal ? 100 + (int)fmin(fmax(frame, 0.3 * width), width) : 560;
    return v;
}

erg_tensor *energy_map(erg_graph *graph, erg_energy energy, erg_dtype dtype, const view *v) {
    erg_evaluator *evaluator = erg_evaluator_new(graph, energy, dtype, ERG_SHAPE(2), 0);
    erg_tensor *points = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(MAP_CELLS * MAP_CELLS, 2));
    erg_tensor *flat = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(MAP_CELLS * MAP_CELLS));
    erg_tensor *map = NULL;
    for (int i = 0; points && i < MAP_CELLS * MAP_CELLS; i++) {
        double place[2] = {(i % MAP_CELLS + 0.5) / MAP_CELLS, (i / MAP_CELLS + 0.5) / MAP_CELLS};
        for (int c = 0; c < 2; c++)
            erg_tensor_set(points, 2 * i + c, v->low[c] + place[c] * (v->high[c] - v->low[c]));
    }
    if (evaluator && points && flat && erg_evaluator_run(evaluator, points, flat) == ERG_OK)
        map = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(MAP_CELLS, MAP_CELLS), flat->data);
    erg_tensor_free(flat);
    erg_tensor_free(points);
    erg_evaluator_free(evaluator);
    return map;
}

erg_status draw_plane(const char *path, const view *v, picture p) {
    erg_plot *plot = erg_plot_new((erg_plot_options){.width = v->width,
                                                     .height = v->height,
                                                     .title = p.title,
                                                     .x_label = "x",
                                                     .y_label = "y",
                                                     .x_min = v->x_min,
                                                     .x_max = v->x_max,
                                                     .y_min = v->y_min,
                                                     .y_max = v->y_max,
                                                     .equal = v->equal});
    erg_status status = plot ? ERG_OK : ERG_ERROR_MEMORY;
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

void to_density(erg_tensor *map, double offset) {
    double *e = map->data;
    for (int64_t i = 0; i < erg_tensor_size(map); i++)
        e[i] = exp(-e[i] - offset);
}

double greatest_in(const erg_tensor *map) {
    double high = 0;
    for (int64_t i = 0; i < erg_tensor_size(map); i++)
        high = fmax(high, erg_tensor_get(map, i));
    return high;
}

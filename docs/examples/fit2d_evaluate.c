/* fit2d_evaluate.c: how good a fit is. In the plane the partition function can be computed by
 * quadrature, so the mean log-likelihood is known, not estimated:
 *
 *     log p(x) = -E(u) - log Z - log(scale_1 scale_2),  x = shift + scale u.
 *
 * Of a toy the density q is known too, and another sum over a grid gives the mean of log p over
 * endlessly many points, int q log p. It is below its greatest value, int q log q, by the
 * Kullback-Leibler divergence from q to p. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fit2d.h"

/* A box around the data, in cells that are small against what two hidden layers can resolve. */
static erg_quadrature_options box_around(const dataset *data) {
    double half = 0;
    for (int c = 0; c < 2; c++)
        half = fmax(half, 1.25 * fmax(data->high[c] - data->mean[c], data->mean[c] - data->low[c]));
    return (erg_quadrature_options){.center_x = data->mean[0],
                                    .center_y = data->mean[1],
                                    .half_width = half,
                                    .points = (int)fmin(fmax(ceil(half / 0.00625), 400), 2000)};
}

/* ------------------------------------------------------------------------------- held-out points */

/* Mean and standard error over the held-out points of -E - offset. */
static erg_status mean_log_likelihood(erg_evaluator *evaluator, const dataset *data, double offset,
                                      double *mean, double *error) {
    int64_t n = data->held_out->shape.dims[0];
    erg_tensor *energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    erg_status status =
        energies ? erg_evaluator_run(evaluator, data->held_out, energies) : ERG_ERROR_MEMORY;
    if (status == ERG_OK) {
        const double *e = energies->data;
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < n; i++)
            sum -= e[i];
        for (int64_t i = 0; i < n; i++)
            squares += pow(-e[i] - sum / (double)n, 2);
        *mean = sum / (double)n - offset;
        *error = sqrt(squares / (double)(n - 1) / (double)n);
    }
    erg_tensor_free(energies);
    return status;
}

/* ------------------------------------------------------------------------------- grids */

/* Energies at the middles of side^2 square cells. */
typedef struct grid {
    erg_tensor *points, *energies; /* (side^2, 2) and (side^2), float64 */
    int64_t n;
    double cell; /* width of a cell */
} grid;

static void grid_free(grid *g) {
    erg_tensor_free(g->points);
    erg_tensor_free(g->energies);
}

/* Fills a zeroed grid; freed by grid_free also after a failure. */
static erg_status grid_fill(grid *g, erg_evaluator *evaluator, const dataset *data,
                            double half_width, int side) {
    g->n = (int64_t)side * side;
    g->cell = 2 * half_width / side;
    g->points = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(g->n, 2));
    g->energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(g->n));
    if (!evaluator || !g->points || !g->energies)
        return erg_error_status();
    double *p = g->points->data;
    for (int64_t i = 0; i < g->n; i++) {
        p[2 * i] = data->mean[0] - half_width + g->cell * ((double)(i % side) + 0.5);
        p[2 * i + 1] = data->mean[1] - half_width + g->cell * ((double)(i / side) + 0.5);
    }
    return erg_evaluator_run(evaluator, g->points, g->energies);
}

/* ------------------------------------------------------------------------------- the truth */

/* Cells of less mass are left out. */
static const double least_mass = 1e-12;

static erg_status keep_cells(truth *t, const grid *g) {
    const double *e = g->energies->data;
    const double area = g->cell * g->cell;
    int64_t n = 0;
    for (int64_t i = 0; i < g->n; i++)
        n += exp(-e[i]) * area > least_mass;
    t->points = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n, 2));
    t->weights = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    if (!t->points || !t->weights)
        return erg_error_status();
    double *p = t->points->data, *w = t->weights->data;
    for (int64_t i = 0; i < g->n; i++)
        if (exp(-e[i]) * area > least_mass) {
            *p++ = erg_tensor_get(g->points, 2 * i);
            *p++ = erg_tensor_get(g->points, 2 * i + 1);
            *w++ = exp(-e[i]) * area;
            t->best -= exp(-e[i]) * area * e[i];
        }
    return ERG_OK;
}

/* A coarser grid than that of Z is exact enough for a toy: the error of cells of size h falls with
 * exp(-2 (pi noise / h)^2). */
erg_status truth_find(truth *t, erg_graph *graph, const dataset *data) {
    if (!data->exact.fn)
        return ERG_OK;
    erg_evaluator *exact = erg_evaluator_new(graph, data->exact, ERG_FLOAT64, ERG_SHAPE(2), 0);
    erg_quadrature_options box = box_around(data);
    grid g = {0};
    double error;
    erg_status status = grid_fill(&g, exact, data, box.half_width, box.points / 2);
    if (status == ERG_OK)
        status = keep_cells(t, &g);
    if (status == ERG_OK)
        status = mean_log_likelihood(exact, data, 0, &t->exact, &error);
    grid_free(&g);
    erg_evaluator_free(exact);
    return status;
}

void truth_free(truth *t) {
    erg_tensor_free(t->points);
    erg_tensor_free(t->weights);
}

/* The mean of -E over the truth. */
static erg_status mean_over(const truth *t, erg_evaluator *evaluator, double *mean) {
    int64_t n = t->weights->shape.dims[0];
    erg_tensor *energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    erg_status status = energies && evaluator ? erg_evaluator_run(evaluator, t->points, energies)
                                              : erg_error_status();
    *mean = 0;
    for (int64_t i = 0; status == ERG_OK && i < n; i++)
        *mean -= erg_tensor_get(t->weights, i) * erg_tensor_get(energies, i);
    erg_tensor_free(energies);
    return status;
}

/* ------------------------------------------------------------------------------- the model */

static erg_status evaluate_model(erg_evaluator *evaluator, const dataset *data,
                                 evaluation *result) {
    erg_quadrature q;
    result->normalised = erg_quadrature_2d(evaluator, box_around(data), &q) == ERG_OK;
    if (!result->normalised) {
        snprintf(result->problem, sizeof result->problem, "%s", erg_error_message());
        return ERG_OK;
    }
    result->log_z = q.log_z;
    result->half_width = q.half_width;
    result->outer_mass = q.outer_mass;
    double jacobian = log(data->scale[0]) + log(data->scale[1]);
    return mean_log_likelihood(evaluator, data, q.log_z + jacobian, &result->log_likelihood,
                               &result->error);
}

/* Toys have log Z = 0, smoothed or not. */
static erg_status compare_with_truth(const fit *fit, erg_evaluator *model, evaluation *result) {
    const truth *t = fit->truth;
    erg_status status = ERG_OK;
    result->best_blur = t->best;
    if (fit->data.smoothed.fn) {
        erg_evaluator *smoothed =
            erg_evaluator_new(fit->graph, fit->data.smoothed, ERG_FLOAT64, ERG_SHAPE(2), 0);
        status = mean_over(t, smoothed, &result->best_blur);
        erg_evaluator_free(smoothed);
    }
    if (status == ERG_OK && result->normalised)
        status = mean_over(t, model, &result->mean);
    result->mean -= result->log_z;
    return status;
}

erg_status evaluate(const fit *fit, erg_energy energy, erg_dtype dtype, evaluation *result) {
    erg_evaluator *evaluator = erg_evaluator_new(fit->graph, energy, dtype, ERG_SHAPE(2), 0);
    erg_status status =
        evaluator ? evaluate_model(evaluator, &fit->data, result) : erg_error_status();
    if (status == ERG_OK && fit->truth->points)
        status = compare_with_truth(fit, evaluator, result);
    erg_evaluator_free(evaluator);
    return status;
}

/* ------------------------------------------------------------------------------- exact samples */

/* The first of n rising sums that is greater than u. */
static int64_t find_cell(const double *sums, int64_t n, double u) {
    int64_t low = 0, high = n - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (sums[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Three uniform numbers make a point: the cell, and the place in it. */
static void place_points(const grid *g, double log_z, const erg_tensor *uniform, erg_tensor *out) {
    double *sums = g->energies->data, sum = 0;
    for (int64_t i = 0; i < g->n; i++)
        sums[i] = sum += exp(-sums[i] - log_z) * g->cell * g->cell;
    for (int64_t i = 0; i < out->shape.dims[0]; i++) {
        int64_t cell = find_cell(sums, g->n, sum * erg_tensor_get(uniform, 3 * i));
        for (int c = 0; c < 2; c++)
            erg_tensor_set(out, 2 * i + c,
                           erg_tensor_get(g->points, 2 * cell + c) +
                               g->cell * (erg_tensor_get(uniform, 3 * i + 1 + c) - 0.5));
    }
}

erg_tensor *draw_from_grid(const fit *fit, erg_energy energy, erg_dtype dtype,
                           const evaluation *evaluation, int64_t n) {
    erg_evaluator *evaluator = erg_evaluator_new(fit->graph, energy, dtype, ERG_SHAPE(2), 0);
    erg_tensor *uniform = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n, 3));
    erg_tensor *out = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(n, 2));
    grid g = {0};
    int side = (int)fmin(ceil(evaluation->half_width / 0.00625), 2000);
    if (uniform && out && erg_random_uniform(uniform, erg_graph_random(fit->graph)) == ERG_OK &&
        grid_fill(&g, evaluator, &fit->data, evaluation->half_width, side) == ERG_OK) {
        place_points(&g, evaluation->log_z, uniform, out);
    } else {
        erg_tensor_free(out);
        out = NULL;
    }
    grid_free(&g);
    erg_tensor_free(uniform);
    erg_evaluator_free(evaluator);
    return out;
}

/* fit2d.c: fits an energy to points in the plane, says how good the fit is, and draws it.
 *
 * In the plane the partition function can be computed by quadrature, so the mean log-likelihood of
 * held-out points is known, not estimated:
 *     log p(x) = -E(u) - log Z - log(scale_1 scale_2),  x = shift + scale u. */
#include <math.h>
#include <stdio.h>

#include "fit2d.h"

enum { N_SAMPLES = 2000 };

/* ------------------------------------------------------------------------------- evaluation */

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

/* What the true density of a toy would reach; its log Z is 0. A coarser grid is exact enough for
 * it: the error of cells of size h falls with exp(-2 (pi noise / h)^2). */
static erg_status evaluate_toy(erg_graph *graph, const dataset *data, evaluation *result) {
    erg_shape point = ERG_SHAPE(2);
    erg_evaluator *exact = erg_evaluator_new(graph, data->exact, ERG_FLOAT64, point, 0);
    erg_evaluator *smoothed = erg_evaluator_new(graph, data->smoothed, ERG_FLOAT64, point, 0);
    erg_quadrature_options box = box_around(data);
    erg_quadrature q;
    double error;
    box.points /= 2;
    erg_status status = exact && smoothed ? ERG_OK : ERG_ERROR_GRAPH;
    if (status == ERG_OK)
        status = erg_quadrature_2d(exact, box, &q);
    if (status == ERG_OK) {
        result->best = -(q.log_z + q.mean_energy);
        status = mean_log_likelihood(exact, data, 0, &result->exact, &error);
    }
    if (status == ERG_OK)
        status = mean_log_likelihood(smoothed, data, 0, &result->best_smooth, &error);
    erg_evaluator_free(exact);
    erg_evaluator_free(smoothed);
    return status;
}

static erg_status evaluate(erg_graph *graph, model *model, const dataset *data,
                           evaluation *result) {
    erg_evaluator *evaluator =
        erg_evaluator_new(graph, (erg_energy){model_energy, model}, ERG_FLOAT32, ERG_SHAPE(2), 0);
    erg_status status = evaluator ? evaluate_model(evaluator, data, result) : ERG_ERROR_GRAPH;
    if (status == ERG_OK && data->exact.fn)
        status = evaluate_toy(graph, data, result);
    erg_evaluator_free(evaluator);
    return status;
}

/* ------------------------------------------------------------------------------- summary */

static void print_summary(const fit *fit) {
    const fit_options *o = fit->options;
    const evaluation *e = fit->evaluation;
    const history *h = fit->history;
    printf("%s by %s: %lld steps in %.1f s, %.1f s in all\n", o->data, o->loss->name,
           (long long)h->steps, h->seconds, fit->seconds);
    if (h->steps < o->steps)
        printf("interrupted: %lld steps were still to come\n", (long long)(o->steps - h->steps));
    if (e->normalised)
        printf("held-out log-likelihood  %.4f +- %.4f nats, mean over %lld points\n",
               e->log_likelihood, e->error, (long long)fit->data->held_out->shape.dims[0]);
    else
        printf("held-out log-likelihood  unknown: %s\n", e->problem);
    if (fit->data->exact.fn) {
        printf("best possible            %.4f, minus the entropy; the true density has %.4f on "
               "these points\n",
               e->best, e->exact);
        if (o->loss->id == LOSS_DSM)
            printf("best possible for dsm    %.4f, of the density smoothed by sigma = %g on these "
                   "points\n",
                   e->best_smooth, o->sigma);
    }
    if (e->normalised)
        printf("normalised on a box of half width %.3g, whose outer ring holds %.1g of the mass\n",
               e->half_width, e->outer_mass);
    if (!erg_tensor_all_finite(fit->samples))
        printf("some samples are not finite: the chains ran away\n");
    printf("see %s/index.html\n", o->out);
}

/* ------------------------------------------------------------------------------- the program */

/* The weights start larger than by default, as an energy has to bend sharply around the data. */
static model build_model(erg_graph *graph, const fit_options *options) {
    int64_t sizes[] = {2, options->hidden, options->hidden, 1};
    erg_mlp_options mlp = {.activation = ERG_SILU, .init = ERG_INIT_KAIMING_UNIFORM};
    return (model){erg_mlp_new(graph, "energy", sizes, 4, mlp), options->base};
}

static erg_status learn_and_report(fit *fit, model *model, dataset *data, history *history,
                                   evaluation *evaluation) {
    double start = seconds_now();
    const fit_options *options = fit->options;
    erg_status status = dataset_load(data, fit->graph, options);
    if (status != ERG_OK)
        return status;
    *model = build_model(fit->graph, options);
    status = train(fit->graph, model, data, options, history);
    if (status == ERG_OK)
        status = evaluate(fit->graph, model, data, evaluation);
    if (status != ERG_OK)
        return status;
    erg_tensor *samples = draw_samples(fit->graph, model, data, options, N_SAMPLES);
    if (!samples)
        return ERG_ERROR_MEMORY;
    dataset_restore(data, samples);
    fit->samples = samples;
    fit->seconds = seconds_now() - start;
    status = write_report(fit);
    if (status == ERG_OK)
        print_summary(fit);
    erg_tensor_free(samples);
    return status;
}

int main(int argc, char **argv) {
    fit_options options = fit2d_defaults;
    int exit_status;
    if (!program_read(&fit2d_program, argc, argv, &options, &exit_status))
        return exit_status;
    if (options.threads > 0)
        erg_set_threads((int)options.threads);
    catch_interrupts();

    dataset data = {0};
    history history = {0};
    model model = {0};
    evaluation evaluation = {0};
    fit fit = {.options = &options,
               .argc = argc,
               .argv = argv,
               .graph = erg_graph_new(options.seed),
               .model = &model,
               .data = &data,
               .history = &history,
               .evaluation = &evaluation};
    erg_status status = fit.graph ? make_folder(options.out) : ERG_ERROR_MEMORY;
    if (status == ERG_OK)
        status = learn_and_report(&fit, &model, &data, &history, &evaluation);
    exit_status = program_end(&fit2d_program, status);
    erg_tensor_free(history.rows);
    dataset_free(&data);
    erg_graph_free(fit.graph);
    return exit_status;
}

/* sample.c: draws from p(x) = exp(-E(x)) / Z by Markov chains, for an energy and a sampler that are
 * known by name, and says how far the draws can be trusted: R-hat, effective sample sizes,
 * divergences, pictures. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sample.h"

/* A chain with all that it needs. */
typedef struct sampling {
    erg_graph *graph;
    sampler_setting setting;
    erg_transition transition;
    erg_statistics *statistics;
    erg_chain *chain;
} sampling;

/* The chains start at N(0, 4), wider than most of the energies are. */
static erg_status make_sampling(sampling *s, const sample_options *o) {
    const double start = 2;
    int64_t rows = o->chains * o->sampler->levels;
    erg_graph *g = s->graph = erg_graph_new(o->seed);
    s->setting = (sampler_setting){
        .energy = o->energy->make(g, o->dimension),
        .x = erg_state(g, "x", ERG_FLOAT64, ERG_SHAPE(rows, o->dimension)),
        .step_size = erg_state(g, "step_size", ERG_FLOAT64, ERG_SCALAR),
        .metric =
            erg_metric_new(g, "metric", ERG_FLOAT64, ERG_SHAPE(o->dimension), ERG_MASS_DIAGONAL),
    };
    s->statistics = erg_statistics_new(g, "statistics", rows);
    if (!s->setting.energy.fn || !s->setting.x || !s->setting.step_size || !s->setting.metric ||
        !s->statistics)
        return erg_error_status();
    erg_tensor_fill(erg_value(s->setting.step_size), o->step > 0 ? o->step : o->sampler->step);
    s->transition = o->sampler->make(s->setting);
    erg_node *count =
        s->transition.next ? erg_statistics_count(s->statistics, s->transition) : NULL;
    s->chain = count ? erg_chain_of(s->setting.x, s->transition, count) : NULL;
    return s->chain ? erg_init_normal(s->setting.x, start) : erg_error_status();
}

/* The statistics are those after it. Angles are not adapted to: a step of many turns is accepted as
 * often as one of half a turn, so that targets may be out of reach, and variances grow for ever. */
static erg_status warm_up(sampling *s, const sample_options *o) {
    if (o->sampler->target > 0 && o->warm_up > 0 && !o->energy->angles)
        return erg_warm_up(s->chain, s->statistics, s->setting.step_size, o->warm_up,
                           (erg_warm_up_options){.target = o->sampler->target,
                                                 .metric = s->setting.metric,
                                                 .progress = stderr});
    erg_status status = erg_chain_run(s->chain, o->warm_up);
    return status == ERG_OK ? erg_statistics_reset(s->statistics) : status;
}

/* ------------------------------------------------------------------------------- draws */

/* The draws (draws, chains, dimension) of the first chains among all rows. */
static erg_tensor *first_chains(const erg_tensor *all, int64_t chains) {
    int64_t draws = all->shape.dims[0], rows = all->shape.dims[1], d = all->shape.dims[2];
    erg_tensor *first = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(draws, chains, d));
    for (int64_t i = 0; first && i < draws; i++)
        memcpy((double *)first->data + i * chains * d, (const double *)all->data + i * rows * d,
               (size_t)(chains * d) * sizeof(double));
    return first;
}

/* Angles go to [-pi, pi]; draws that are not finite are a mistake. */
static erg_status finish(erg_tensor *draws, bool angles) {
    double *x = draws->data;
    for (int64_t i = 0; i < erg_tensor_size(draws); i++) {
        if (!isfinite(x[i]))
            return erg_fail(ERG_ERROR_ARGUMENT, "a chain left for infinity: a smaller --step may "
                                                "help");
        if (angles)
            x[i] = remainder(x[i], 2 * M_PI);
    }
    return ERG_OK;
}

static erg_tensor *draw(sampling *s, const sample_options *o) {
    erg_tensor *all = erg_chain_sample(s->chain, o->draws, (erg_chain_options){.progress = stderr});
    erg_tensor *draws = all ? first_chains(all, o->chains) : NULL;
    erg_tensor_free(all);
    if (draws && finish(draws, o->energy->angles) != ERG_OK) {
        erg_tensor_free(draws);
        draws = NULL;
    }
    return draws;
}

/* ------------------------------------------------------------------------------- the program */

static erg_status print_report(const sampling *s, const sample_options *o,
                               const erg_tensor *draws) {
    erg_statistics_summary summary;
    erg_status status = erg_statistics_get(s->statistics, -1, &summary);
    if (status != ERG_OK)
        return status;
    printf("%s by %s: %lld chains, %lld draws of each after a warm-up of %lld\n", o->energy->name,
           o->sampler->name, (long long)o->chains, (long long)o->draws, (long long)o->warm_up);
    printf("step size %.4g", erg_tensor_get(erg_value(s->setting.step_size), 0));
    if (s->transition.acceptance)
        printf(", acceptance %.3f", summary.acceptance);
    printf("\n\n");
    return erg_summary_print(
        draws, (erg_summary_options){.divergences = (int64_t)summary.divergent}, stdout);
}

static erg_status run(sampling *s, const sample_options *o) {
    erg_status status = make_folder(o->out);
    if (status == ERG_OK)
        status = make_sampling(s, o);
    if (status == ERG_OK)
        status = warm_up(s, o);
    if (status != ERG_OK)
        return status;
    erg_tensor *draws = draw(s, o);
    status = draws ? write_report(o, s->graph, s->setting.energy, draws) : erg_error_status();
    if (status == ERG_OK)
        status = print_report(s, o, draws);
    erg_tensor_free(draws);
    return status;
}

int main(int argc, char **argv) {
    sample_options options;
    int exit_status;
    if (!read_options(argc, argv, &options, &exit_status))
        return exit_status;
    sampling sampling = {0};
    erg_status status = options.threads > 0 ? erg_set_threads((int)options.threads) : ERG_OK;
    if (status == ERG_OK)
        status = run(&sampling, &options);
    exit_status = program_end(&sample_program, status);
    erg_chain_free(sampling.chain);
    erg_graph_free(sampling.graph);
    return exit_status;
}

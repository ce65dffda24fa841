/* sample.c: draws from p(x) = exp(-E(x)) / Z for an energy and a sampler that are known by name, and says
 * how far they can be trusted: R-hat, effective sample sizes, divergences, pictures. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sample.h"

/* A sampler with all that it needs. */
typedef struct sampling {
    erg_graph *graph;
    sampler_setting setting;
    erg_transition transition;
    erg_statistics *statistics;
    erg_chain *chain; /* NULL: one pass */
} sampling;

static int64_t rows_of(const sample_options *o) {
    switch (o->sampler->kind) {
    case SAMPLES_PASS:
        return o->chains * o->draws;
    case SAMPLES_PARTICLES:
        return o->draws;
    default:
        return o->chains * o->sampler->levels;
    }
}

static erg_status make_setting(sampling *s, const sample_options *o) {
    erg_graph *g = s->graph = erg_graph_new(o->seed);
    s->setting = (sampler_setting){
        .energy = o->energy->make(g, o->dimension),
        .x = erg_state(g, "x", ERG_FLOAT64, ERG_SHAPE(rows_of(o), o->dimension)),
        .step_size = erg_state(g, "step_size", ERG_FLOAT64, ERG_SCALAR),
        .metric =
            erg_metric_new(g, "metric", ERG_FLOAT64, ERG_SHAPE(o->dimension), ERG_MASS_DIAGONAL),
        .warm_up = o->warm_up,
    };
    if (o->sampler->kind == SAMPLES_PASS)
        s->setting.smooth = o->energy->smooth(g, o->dimension);
    if (!s->setting.energy.fn || !s->setting.x || !s->setting.step_size || !s->setting.metric ||
        (o->sampler->kind == SAMPLES_PASS && !s->setting.smooth.fn))
        return erg_error_status();
    erg_tensor_fill(erg_value(s->setting.step_size), o->step > 0 ? o->step : o->sampler->step);
    return ERG_OK;
}

/* The chains start at N(0, 4), wider than most of the energies are. */
static erg_status make_chain(sampling *s, const sample_options *o) {
    const double start = 2;
    s->statistics = erg_statistics_new(s->graph, "statistics", rows_of(o));
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

/* Angles go to [-pi, pi]; draws that are not finite, or as good as that, are a mistake. */
static erg_status finish(erg_tensor *draws, bool angles) {
    const double far = 1e30;
    double *x = draws->data;
    for (int64_t i = 0; i < erg_tensor_size(draws); i++) {
        if (!(fabs(x[i]) < far))
            return erg_fail(ERG_ERROR_ARGUMENT, "a chain left for infinity: a smaller --step may "
                                                "help");
        if (angles)
            x[i] = remainder(x[i], 2 * M_PI);
    }
    return ERG_OK;
}

/* The rows of x as draws (draws, columns, dimension). */
static erg_tensor *rows_as_draws(const sampling *s, int64_t columns) {
    const erg_tensor *x = erg_value(s->setting.x);
    int64_t rows = x->shape.dims[0], d = x->shape.dims[1];
    return erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(rows / columns, columns, d), x->data);
}

static erg_tensor *draw_chains(sampling *s, const sample_options *o) {
    bool descent = o->sampler->kind == SAMPLES_DESCENT;
    if (!descent && warm_up(s, o) != ERG_OK)
        return NULL;
    erg_tensor *all = erg_chain_sample(s->chain, o->draws, (erg_chain_options){.progress = stderr});
    erg_tensor *draws = all ? first_chains(all, o->chains) : NULL;
    erg_tensor_free(all);
    return draws;
}

static erg_tensor *move_particles(sampling *s, const sample_options *o) {
    const erg_chain_options options = {.thin = o->warm_up, .progress = stderr};
    erg_tensor *last = erg_chain_sample(s->chain, 1, options);
    erg_tensor_free(last);
    return last ? rows_as_draws(s, 1) : NULL;
}

static erg_tensor *draw(sampling *s, const sample_options *o) {
    erg_tensor *draws = NULL;
    if (o->sampler->kind == SAMPLES_PASS)
        draws = o->sampler->pass(s->setting) == ERG_OK ? rows_as_draws(s, o->chains) : NULL;
    else if (make_chain(s, o) == ERG_OK)
        draws = o->sampler->kind == SAMPLES_PARTICLES ? move_particles(s, o) : draw_chains(s, o);
    if (draws && finish(draws, o->energy->angles) != ERG_OK) {
        erg_tensor_free(draws);
        draws = NULL;
    }
    return draws;
}

/* ------------------------------------------------------------------------------- the program */

/* What was done, in a line or two. */
static void print_work(const sampling *s, const sample_options *o) {
    const long long chains = o->chains, draws = o->draws, warm_up = o->warm_up;
    printf("%s by %s: ", o->energy->name, o->sampler->name);
    switch (o->sampler->kind) {
    case SAMPLES_CHAINS:
        printf("%lld chains, %lld draws of each after a warm-up of %lld\n", chains, draws, warm_up);
        break;
    case SAMPLES_PASS:
        printf("%lld draws, independent of each other, in one pass\n"
               "(called %lld chains of %lld below)\n",
               chains * draws, chains, draws);
        break;
    case SAMPLES_PARTICLES:
        printf("%lld particles after %lld moves\n", draws, warm_up > 0 ? warm_up : 1);
        break;
    case SAMPLES_DESCENT:
        printf("%lld descents of %lld steps\n", chains, draws);
        break;
    }
    erg_statistics_summary summary;
    bool accepts =
        s->transition.acceptance && erg_statistics_get(s->statistics, -1, &summary) == ERG_OK;
    if (o->sampler->step > 0)
        printf("step size %.4g", erg_tensor_get(erg_value(s->setting.step_size), 0));
    if (accepts)
        printf(", acceptance %.3f", summary.acceptance);
    printf(o->sampler->step > 0 ? "\n\n" : "\n");
}

static erg_status print_report(const sampling *s, const sample_options *o,
                               const erg_tensor *draws) {
    print_work(s, o);
    if (o->sampler->kind == SAMPLES_PARTICLES)
        return print_particles(s->graph, s->setting.energy, draws);
    if (o->sampler->kind == SAMPLES_DESCENT)
        return print_modes(s->graph, s->setting.energy, draws);
    erg_statistics_summary summary = {0};
    if (s->chain && erg_statistics_get(s->statistics, -1, &summary) != ERG_OK)
        return erg_error_status();
    return erg_summary_print(
        draws, (erg_summary_options){.divergences = (int64_t)summary.divergent}, stdout);
}

static erg_status run(sampling *s, const sample_options *o) {
    erg_status status = make_folder(o->out);
    if (status == ERG_OK)
        status = make_setting(s, o);
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

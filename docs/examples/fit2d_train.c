/* fit2d_train.c: a trainer of the objective, and chains that sample from what it has learned.
 *
 * The learning rate falls to 0 along half a cosine, and what remains at the end is the average of the
 * params over the last tenth or so of the steps. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fit2d.h"

/* Rows of the history that even a short training has, and transitions of the chains that make the
 * samples. */
enum { ROWS = 500, SAMPLE_STEPS = 2000 };

/* ------------------------------------------------------------------------------- building */

/* Rows drawn with replacement, by the number of the step alone. The trainer adds noise to its x. */
static erg_status fill_batch(void *self, int64_t step) {
    training *t = self;
    const objective *o = &t->objective;
    erg_tensor *batch = erg_value(o->batch);
    const erg_tensor *rows = o->data->train;
    t->random.run = (uint64_t)step;
    erg_status status = erg_random_integers(t->picks, batch->shape.dims[0],
                                            (uint64_t)rows->shape.dims[0], t->random);
    if (status == ERG_OK)
        status = erg_tensor_take_rows(batch, rows, t->picks);
    return status == ERG_OK && o->noisy ? erg_tensor_copy(erg_value(o->noisy), batch) : status;
}

static int stop_when_interrupted(void *self, erg_trainer *trainer, const char *note) {
    training *t = self;
    (void)trainer;
    if (note)
        snprintf(t->note, sizeof t->note, "%s", note);
    return interrupted;
}

/* What the energy gap compares the data with. */
static erg_node *reference_of(const objective *o) {
    if (o->others)
        return o->others;
    erg_gaussian *gaussian = data_gaussian(o->graph, o->data, 1);
    return gaussian ? erg_gaussian_sample(gaussian, o->options->batch) : NULL;
}

static erg_status build_trainer(training *t) {
    objective *o = &t->objective;
    int64_t steps = o->options->set.steps;
    int n = 0;
    erg_node *reference = reference_of(o), **params = erg_params(o->graph, "energy", &n);
    t->trainer = erg_trainer_new(
        o->loss, params, n,
        (erg_trainer_options){
            .learning_rate_node = o->rate,
            .step = o->step,
            .ema_decay = 1 - 1 / (1 + fmin(1000, (double)steps / 20)),
            .also = o->effect,
            .batches = {.x = o->noisy ? o->noisy : o->batch,
                        .fill = fill_batch,
                        .self = t,
                        .noise = o->noisy ? o->options->set.sigma : o->options->set.data_noise},
            .negatives = o->negatives,
            .health = {.energy = o->energy, .data = o->batch, .reference = reference},
            .history = {.every = steps < 10 * ROWS ? 1 + steps / ROWS : 10, .loss_name = "loss"},
            .report = stop_when_interrupted,
            .self = t,
            .progress = stderr});
    return t->trainer ? ERG_OK : erg_error_status();
}

/* ------------------------------------------------------------------------------- training */

erg_status train(fit *fit) {
    const fit_options *options = fit->options;
    training *t = &fit->training;
    objective *o = &t->objective;
    erg_graph *g = fit->graph;
    erg_node *step = erg_state(g, "step", ERG_FLOAT64, ERG_SCALAR);
    *o = (objective){.graph = g,
                     .options = options,
                     .data = &fit->data,
                     .model = &fit->model,
                     .energy = fit->model.energy,
                     .batch = erg_input(g, "batch", ERG_FLOAT32, ERG_SHAPE(options->batch, 2)),
                     .step = step,
                     .rate = erg_cosine_schedule(step, options->set.lr, 0, options->set.steps)};
    t->random = erg_graph_random(g);
    t->picks = calloc((size_t)options->batch, sizeof *t->picks);
    if (!t->picks)
        return erg_fail(ERG_ERROR_MEMORY, "out of memory");
    erg_status status = options->loss->build(o) ? build_trainer(t) : erg_error_status();
    double start = seconds_now(), processor = processor_seconds();
    if (status == ERG_OK)
        status = erg_trainer_run(t->trainer, options->set.steps);
    if (status == ERG_OK)
        erg_ema_swap(erg_trainer_ema(t->trainer));
    t->seconds = seconds_now() - start;
    t->processor = processor_seconds() - processor;
    return status;
}

void training_free(training *t) {
    erg_trainer_free(t->trainer);
    erg_negatives_free(t->objective.negatives);
    free(t->picks);
}

/* ------------------------------------------------------------------------------- sampling */

/* Steps that are fit for Metropolis' correction are too long without it. */
erg_tensor *draw_samples(const fit *fit, int64_t n) {
    erg_node *x = erg_state(fit->graph, "samples", ERG_FLOAT32, ERG_SHAPE(n, 2));
    erg_langevin_options langevin = {.step_size = fmin(fit->options->set.langevin_step, 2e-3)};
    erg_chain *chain = erg_chain_new(x, erg_langevin(fit->model.energy, x, langevin));
    erg_tensor *samples = NULL;
    if (chain &&
        fill_noise((void *)(uintptr_t)&fit->data, erg_value(x), erg_graph_random(fit->graph)) ==
            ERG_OK &&
        erg_chain_run(chain, SAMPLE_STEPS) == ERG_OK)
        samples = erg_tensor_clone(erg_value(x));
    if (samples)
        dataset_restore(&fit->data, samples);
    erg_chain_free(chain);
    return samples;
}

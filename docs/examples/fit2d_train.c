/* fit2d_train.c: the model, its training, and chains that sample from it.
 *
 * One plan is one training step: the loss of a batch, its gradient, and Adam's update. For cd and
 * pcd the chains that make the negatives run before it, as a plan of their own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fit2d.h"

/* Rows of the history at most, and transitions of the chains that make the samples. */
enum { MAX_ROWS = 1000, SAMPLE_STEPS = 2000 };

/* Slots of pcd's replay buffer, and the part of them that is started afresh at each draw. The
 * weight of a mode is learned from how many chains are in it. The fewer the slots, the sooner the
 * chains follow a change of the energy; the more, the less they fluctuate. */
enum { REPLAY_SLOTS = 2048 };
#define REPLAY_RESTART 0.02

erg_node *model_energy(void *self, erg_node *x) {
    model *model = self;
    erg_node *e = erg_mlp_energy(model->mlp, x);
    return model->base > 0 ? erg_add(e, erg_harmonic_energy(&model->base, x)) : e;
}

/* ------------------------------------------------------------------------------- noise */

/* Where chains start and what the energy gap compares the data with: a Gaussian with the mean and
 * the spread of the data. */
static erg_status fill_noise(void *self, erg_tensor *out, erg_random where) {
    const dataset *data = self;
    erg_status status = erg_random_normal(out, where);
    for (int64_t i = 0; status == ERG_OK && i < erg_tensor_size(out); i++)
        erg_tensor_set(out, i, data->mean[i % 2] + data->std[i % 2] * erg_tensor_get(out, i));
    return status;
}

static erg_node *noise_node(erg_graph *graph, const dataset *data, int64_t n) {
    erg_node *columns[2];
    for (int c = 0; c < 2; c++) {
        erg_node *normal = erg_normal(graph, ERG_FLOAT32, ERG_SHAPE(n));
        columns[c] = erg_add_scalar(erg_mul_scalar(normal, data->std[c]), data->mean[c]);
    }
    return erg_stack(columns, 2, 1);
}

/* ------------------------------------------------------------------------------- building */

typedef struct trainer {
    erg_node *batch;          /* (B, 2) points of the data */
    erg_node *rate;           /* () Adam's learning rate */
    erg_negatives *negatives; /* of cd and pcd, else NULL */
    erg_plan *update;         /* output 0 is the loss */
    erg_plan *gap;            /* mean E(negatives or noise) - mean E(batch) */
    erg_random random;        /* chooses batches; its run is the step */
    int64_t *picks;           /* (B) rows of a batch */
} trainer;

static erg_node *mean_energy(erg_energy energy, erg_node *x) {
    return erg_mean(erg_energy_apply(energy, x), ERG_ALL, 0);
}

static erg_node *build_loss(const trainer *t, erg_energy energy, erg_node *chains,
                            const fit_options *options) {
    switch (options->loss->id) {
    case LOSS_DSM:
        return erg_denoising_score_matching(energy, t->batch,
                                            (erg_denoising_options){.sigma = options->sigma});
    case LOSS_SM:
        return erg_score_matching(energy, t->batch);
    default:
        return erg_contrastive_divergence(
            energy, t->batch, chains,
            (erg_contrastive_options){.energy_penalty = options->penalty});
    }
}

static erg_negatives *build_negatives(erg_energy energy, erg_node *chains, const dataset *data,
                                      const fit_options *options) {
    erg_node *next =
        erg_langevin(energy, chains, (erg_langevin_options){.step_size = options->langevin_step});
    erg_replay_options replay = {
        .capacity = options->batch > REPLAY_SLOTS ? options->batch : REPLAY_SLOTS,
        .restart = REPLAY_RESTART,
        .seed = options->seed + 1, /* a key of its own: the graph's streams use seed */
        .init = fill_noise,
        .self = (void *)(uintptr_t)data};
    return erg_negatives_new(chains, next,
                             (erg_negatives_options){.start = options->loss->id == LOSS_PCD
                                                                  ? ERG_START_PERSISTENT
                                                                  : ERG_START_DATA,
                                                     .steps = options->langevin_steps,
                                                     .replay = replay});
}

/* Fills a zeroed trainer; closed by close_trainer also after a failure. */
static erg_status open_trainer(trainer *t, erg_graph *graph, model *model, const dataset *data,
                               const fit_options *options) {
    erg_energy energy = {model_energy, model};
    erg_shape shape = ERG_SHAPE(options->batch, 2);
    bool sampled = options->loss->id == LOSS_CD || options->loss->id == LOSS_PCD;
    t->batch = erg_input(graph, "batch", ERG_FLOAT32, shape);
    t->rate = erg_input(graph, "rate", ERG_FLOAT32, ERG_SCALAR);
    t->random = erg_graph_random(graph);
    t->picks = calloc((size_t)options->batch, sizeof *t->picks);
    if (!t->picks)
        return erg_fail(ERG_ERROR_MEMORY, "out of memory");

    erg_node *others = sampled ? erg_state(graph, "chains", ERG_FLOAT32, shape)
                               : noise_node(graph, data, options->batch);
    if (sampled && !(t->negatives = build_negatives(energy, others, data, options)))
        return ERG_ERROR_GRAPH;
    int n = 0;
    erg_node **params = erg_params(graph, "energy", &n);
    erg_node *loss = build_loss(t, energy, others, options);
    erg_node *adam = erg_adam(loss, params, n, (erg_adam_options){.learning_rate_node = t->rate});
    erg_node *gap = erg_sub(mean_energy(energy, others), mean_energy(energy, t->batch));
    t->update = erg_compile((erg_node *[]){loss, adam}, 2);
    t->gap = t->update ? erg_compile(&gap, 1) : NULL;
    return t->gap ? ERG_OK : ERG_ERROR_GRAPH;
}

static void close_trainer(trainer *t) {
    erg_plan_free(t->update);
    erg_plan_free(t->gap);
    erg_negatives_free(t->negatives);
    free(t->picks);
}

/* ------------------------------------------------------------------------------- running */

/* Step number `step` of `steps`, from 0; its loss into *loss. */
static erg_status make_step(trainer *t, const dataset *data, int64_t step, int64_t steps,
                            double *loss) {
    erg_tensor *batch = erg_value(t->batch);
    t->random.run = (uint64_t)step;
    erg_status status = erg_random_integers(t->picks, batch->shape.dims[0],
                                            (uint64_t)data->train->shape.dims[0], t->random);
    if (status == ERG_OK)
        status = erg_tensor_take_rows(batch, data->train, t->picks);
    if (status == ERG_OK && t->negatives)
        status = erg_negatives_run(t->negatives, batch);
    if (status != ERG_OK)
        return status;
    erg_run(t->update);
    *loss = erg_tensor_get(erg_output(t->update, 0), 0);
    if (!isfinite(*loss))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "the loss is %g at step %lld of %lld: smaller values "
                        "of --lr or --langevin-step may help",
                        *loss, (long long)step + 1, (long long)steps);
    return ERG_OK;
}

/* One line, rewritten in place. */
static void show_progress(const history *h, int64_t steps) {
    const double *row = (const double *)h->rows->data + 3 * (h->count - 1);
    double rate = (double)h->steps / h->seconds;
    double left = (double)(steps - h->steps) / rate;
    fprintf(stderr, "\r%lld/%lld  loss %.4g  gap %.4g  %.0f steps/s  %d:%02d left \033[K",
            (long long)h->steps, (long long)steps, row[1], row[2], rate, (int)(left / 60),
            (int)left % 60);
}

static void add_row(history *h, erg_plan *gap, double mean_loss) {
    double *row = (double *)h->rows->data + 3 * h->count++;
    erg_run(gap);
    row[0] = (double)h->steps;
    row[1] = mean_loss;
    row[2] = erg_tensor_get(erg_output(gap, 0), 0);
}

static erg_status run_steps(trainer *t, const dataset *data, const fit_options *options,
                            history *h) {
    int64_t steps = options->steps, every = (steps + MAX_ROWS - 1) / MAX_ROWS, since = 0;
    double start = seconds_now(), shown = start, sum = 0, loss = 0;
    bool terminal = isatty(STDERR_FILENO), last = false;
    while (!last) {
        double progress = (double)h->steps / (double)steps;
        erg_tensor_set(erg_value(t->rate), 0, options->lr * (1 + cos(M_PI * progress)) / 2);
        erg_status status = make_step(t, data, h->steps, steps, &loss);
        if (status != ERG_OK)
            return status;
        h->steps++;
        sum += loss;
        last = interrupted || h->steps == steps;
        if (++since < every && !last)
            continue;
        add_row(h, t->gap, sum / (double)since);
        sum = 0;
        since = 0;
        h->seconds = seconds_now() - start;
        if (terminal && start + h->seconds - shown > 0.1) {
            show_progress(h, steps);
            shown = start + h->seconds;
        }
    }
    if (terminal && shown > start)
        fputs("\r\033[K", stderr);
    return ERG_OK;
}

erg_status train(erg_graph *graph, model *model, const dataset *data, const fit_options *options,
                 history *history) {
    trainer trainer = {0};
    erg_status status = ERG_ERROR_MEMORY;
    history->rows = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(MAX_ROWS, 3));
    if (history->rows)
        status = open_trainer(&trainer, graph, model, data, options);
    if (status == ERG_OK)
        status = run_steps(&trainer, data, options, history);
    close_trainer(&trainer);
    return status;
}

/* ------------------------------------------------------------------------------- sampling */

erg_tensor *draw_samples(erg_graph *graph, model *model, const dataset *data,
                         const fit_options *options, int64_t n) {
    erg_node *x = erg_state(graph, "samples", ERG_FLOAT32, ERG_SHAPE(n, 2));
    erg_node *next = erg_langevin((erg_energy){model_energy, model}, x,
                                  (erg_langevin_options){.step_size = options->langevin_step});
    erg_chain *chain = erg_chain_new(x, next);
    erg_tensor *samples = NULL;
    if (chain &&
        fill_noise((void *)(uintptr_t)data, erg_value(x), erg_graph_random(graph)) == ERG_OK &&
        erg_chain_run(chain, SAMPLE_STEPS) == ERG_OK)
        samples = erg_tensor_clone(erg_value(x));
    erg_chain_free(chain);
    return samples;
}

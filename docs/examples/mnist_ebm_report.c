/* mnist_ebm_report.c: what the energy has learned: samples from noise, energies of images that are
 * digits and of some that are not, the chains of the replay buffer. */
#include <math.h>
#include <string.h>

#include "mnist_ebm.h"

enum { TRAIN, HELD_OUT, FLIPPED, OCCLUDED, NOISE, SETS }; /* noise is the last */

/* ------------------------------------------------------------------------------- samples */

/* Pixels from U(-1, 1). */
static erg_status fill_with_noise(erg_tensor *pixels, erg_random where) {
    erg_status status = erg_random_uniform(pixels, where);
    for (int64_t i = 0; status == ERG_OK && i < erg_tensor_size(pixels); i++)
        erg_tensor_set(pixels, i, 2 * erg_tensor_get(pixels, i) - 1);
    return status;
}

/* Chains from noise, a column each; the rows are after 0, 4, ... 256 steps. */
static erg_status draw_samples(ebm *ebm, const char *path) {
    static const int64_t rows[] = {0, 4, 8, 16, 32, 64, 128, 256};
    enum { CHAINS = 16, ROWS = sizeof rows / sizeof rows[0] };
    erg_shape shape = ebm->train->shape;
    shape.dims[0] = CHAINS;
    erg_node *x = erg_state(ebm->graph, "samples", ERG_FLOAT32, shape);
    erg_chain *chain = x ? erg_chain_new(x, langevin_step(ebm, x)) : NULL;
    shape.dims[0] = ROWS * CHAINS;
    erg_tensor *all = erg_tensor_new(ERG_FLOAT32, shape);
    erg_status status = chain && all ? fill_with_noise(erg_value(x), erg_graph_random(ebm->graph))
                                     : erg_error_status();
    for (int r = 0; status == ERG_OK && r < ROWS; r++) {
        status = erg_chain_run(chain, rows[r] - (r > 0 ? rows[r - 1] : 0));
        size_t bytes = (size_t)erg_tensor_size(all) / ROWS * sizeof(float);
        memcpy((char *)all->data + (size_t)r * bytes, erg_value(x)->data, bytes);
    }
    if (status == ERG_OK)
        status = digits_draw(path, all, CHAINS);
    erg_tensor_free(all);
    erg_chain_free(chain);
    return status;
}

static erg_status draw_replay(const ebm *ebm, const char *path) {
    const erg_tensor *slots = erg_replay_values(erg_negatives_replay(ebm->negatives));
    int64_t count = slots->shape.dims[0] < 96 ? slots->shape.dims[0] : 96;
    erg_tensor *first = digits_first(slots, count);
    erg_status status = first ? digits_draw(path, first, 16) : erg_error_status();
    erg_tensor_free(first);
    return status;
}

/* ------------------------------------------------------------------------------- energies */

/* As many images of each kind. */
static erg_status make_sets(const ebm *ebm, image_set *sets) {
    int64_t train = ebm->train->shape.dims[0], held_out = ebm->held_out->shape.dims[0];
    int64_t n = train < held_out ? train : held_out;
    sets[TRAIN] = (image_set){"digits trained on", digits_first(ebm->train, n), NULL};
    sets[HELD_OUT] = (image_set){"held-out digits", digits_first(ebm->held_out, n), NULL};
    if (!sets[TRAIN].pixels || !sets[HELD_OUT].pixels)
        return erg_error_status();
    sets[FLIPPED] = (image_set){"upside down", digits_flipped(sets[HELD_OUT].pixels), NULL};
    sets[OCCLUDED] = (image_set){"middle hidden", digits_occluded(sets[HELD_OUT].pixels), NULL};
    sets[NOISE] = (image_set){"uniform noise", erg_tensor_clone(sets[HELD_OUT].pixels), NULL};
    if (!sets[FLIPPED].pixels || !sets[OCCLUDED].pixels || !sets[NOISE].pixels)
        return erg_error_status();
    return fill_with_noise(sets[NOISE].pixels, erg_graph_random(ebm->graph));
}

static erg_status weigh_sets(const ebm *ebm, image_set *sets) {
    const int64_t *sizes = ebm->train->shape.dims;
    erg_evaluator *evaluator = erg_evaluator_new(ebm->graph, ebm->energy, ERG_FLOAT32,
                                                 ERG_SHAPE(sizes[1], sizes[2], sizes[3]), 0);
    erg_status status = evaluator ? make_sets(ebm, sets) : erg_error_status();
    for (int s = 0; status == ERG_OK && s < SETS; s++) {
        sets[s].energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(sets[s].pixels->shape.dims[0]));
        status = sets[s].energies ? erg_evaluator_run(evaluator, sets[s].pixels, sets[s].energies)
                                  : erg_error_status();
    }
    erg_evaluator_free(evaluator);
    return status;
}

/* A row of each set. */
static erg_status draw_sets(const image_set *sets, const char *path) {
    enum { COLUMNS = 16 };
    erg_shape shape = sets[HELD_OUT].pixels->shape;
    int64_t columns = shape.dims[0] < COLUMNS ? shape.dims[0] : COLUMNS;
    size_t bytes = (size_t)(columns * shape.dims[2] * shape.dims[3]) * sizeof(float);
    shape.dims[0] = (SETS - 1) * columns;
    erg_tensor *all = erg_tensor_new(ERG_FLOAT32, shape);
    for (int s = HELD_OUT; all && s < SETS; s++)
        memcpy((char *)all->data + (size_t)(s - 1) * bytes, sets[s].pixels->data, bytes);
    erg_status status = all ? digits_draw(path, all, (int)columns) : erg_error_status();
    erg_tensor_free(all);
    return status;
}

/* ------------------------------------------------------------------------------- the page */

static void moments(const erg_tensor *values, double *mean, double *std) {
    int64_t n = erg_tensor_size(values);
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        sum += erg_tensor_get(values, i) / (double)n;
    for (int64_t i = 0; i < n; i++)
        squares += pow(erg_tensor_get(values, i) - sum, 2) / (double)n;
    *mean = sum;
    *std = sqrt(squares);
}

static void put_energies(page *page, const image_set *sets) {
    page_table(page, (const char *[]){"images", "mean energy", "std", "AUROC"}, 4);
    for (int s = 0; s < SETS; s++) {
        double mean, std, auroc = digits_auroc(sets[HELD_OUT].energies, sets[s].energies);
        moments(sets[s].energies, &mean, &std);
        page_row(page);
        page_cell(page, "%s", sets[s].name);
        page_cell(page, "%.3f", mean);
        page_cell(page, "%.3f", std);
        if (s != HELD_OUT)
            page_cell(page, "%.3f", auroc);
        printf("%-18s energy %7.3f, std %.3f", sets[s].name, mean, std);
        if (s == HELD_OUT)
            printf("\n");
        else
            printf(", AUROC %.3f\n", auroc);
    }
}

static void put_page(page *page, const ebm *ebm, const image_set *sets) {
    const ebm_options *o = ebm->options;
    int64_t steps = erg_trainer_steps(ebm->trainer);
    double passes = (double)(steps * o->common.batch) / (double)ebm->train->shape.dims[0];
    page_paragraph(page,
                   "Trained for %lld steps, %.1f passes over %lld digits. The recipe this follows "
                   "trains for 28000, on more digits: what is below is an early stage.",
                   (long long)steps, passes, (long long)ebm->train->shape.dims[0]);
    page_heading(page, "Samples");
    page_figure(page, "samples.png",
                "Chains from uniform noise, one a column, after 0, 4, 8, 16, 32, 64, 128 and 256 "
                "steps.");
    page_figure(page, "replay.png",
                "States in the replay buffer: the negatives of the training. Those that look like "
                "noise were started afresh not long ago.");
    page_figure(page, "ages.png", "How old they are. Age 0: the noise that the buffer began with.");
    page_heading(page, "Energies");
    page_paragraph(page, "AUROC is the probability that an image of the kind has a higher energy "
                         "than a held-out digit: 1 if all are told apart, 0.5 if none are, and "
                         "below 0.5 where the model takes them for better digits. 0, 1, 3 and 8 "
                         "upside down are still digits, or nearly.");
    put_energies(page, sets);
    page_figure(page, "kinds.png",
                "Rows: held-out digits, upside down, with their middle hidden, uniform noise.");
    page_figure(page, "energies.png", "Energies of digits, and of digits that were tampered with.");
    page_figure(page, "with_noise.png", "The same, with uniform noise.");
    page_heading(page, "Training");
    if (digits_has_history(ebm->trainer))
        page_figure(
            page, "training.png",
            "Mean energy of the digits in a batch, and how much higher that of the chains is. "
            "A gap near 0 is the goal and no proof of it.");
    page_fact(page, "time of this run's training", "%.0f s", ebm->seconds);
    page_fact(page, "mean age in the replay buffer", "%.2f",
              erg_replay_mean_age(erg_negatives_replay(ebm->negatives)));
    page_fact(page, "rollbacks", "%d", erg_trainer_rollbacks(ebm->trainer));
    if (digits_has_history(ebm->trainer))
        page_link(page, "history.csv", "the curves, with norms of gradients and weights");
    page_link(page, "weights.safetensors", "the weights");
}

static erg_status write_page(const ebm *ebm, const image_set *sets, const char *path) {
    page page;
    erg_status status =
        page_open(&page, path, "An energy of handwritten digits", ebm->argc, ebm->argv);
    if (status != ERG_OK)
        return status;
    put_page(&page, ebm, sets);
    return page_close(&page);
}

/* ------------------------------------------------------------------------------- all of it */

enum { SAMPLES, REPLAY, AGES, KINDS, ENERGIES, WITH_NOISE, PAGE, FILES };
static const char *const files[FILES] = {"samples.png",  "replay.png",     "ages.png",  "kinds.png",
                                         "energies.png", "with_noise.png", "index.html"};

static erg_status write_file(ebm *ebm, const image_set *sets, int file) {
    path_text path;
    erg_status status = join_path(path, ebm->options->common.out, files[file]);
    if (status != ERG_OK)
        return status;
    switch (file) {
    case SAMPLES:
        return draw_samples(ebm, path);
    case REPLAY:
        return draw_replay(ebm, path);
    case AGES:
        return draw_ages(path, erg_negatives_replay(ebm->negatives));
    case KINDS:
        return draw_sets(sets, path);
    case ENERGIES:
        return draw_energies(path, sets, NOISE);
    case WITH_NOISE:
        return draw_energies(path, sets, SETS);
    default:
        return write_page(ebm, sets, path);
    }
}

erg_status write_report(ebm *ebm) {
    const char *const curves[] = {"energy of data", "energy gap"};
    image_set sets[SETS] = {{0}};
    erg_status status = digits_write_training(ebm->trainer, ebm->graph, &ebm->options->common,
                                              curves, 2, "training.png");
    if (status == ERG_OK)
        status = weigh_sets(ebm, sets);
    for (int file = 0; status == ERG_OK && file < FILES; file++)
        status = write_file(ebm, sets, file);
    for (int s = 0; s < SETS; s++) {
        erg_tensor_free(sets[s].pixels);
        erg_tensor_free(sets[s].energies);
    }
    return status;
}

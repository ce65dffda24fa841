/* fit2d_options.c: the options, and what they are if they are not given. */
#include <math.h>
#include <string.h>

#include "fit2d.h"

static const program_choices losses = {
    .heading = "losses", .entries = loss_entries, .size = sizeof(loss_entry)};

static bool is_data(const char *text) {
    const char *suffix = strrchr(text, '.');
    return is_toy(text) || (suffix && suffix > text &&
                            (strcmp(suffix, ".npy") == 0 || strcmp(suffix, ".csv") == 0));
}

#define AT(field) .offset = offsetof(fit_options, field)

static const program_option options[] = {
    {"--data", "WHAT", "two_moons, eight_gaussians, FILE.npy or FILE.csv", PROGRAM_TEXT, AT(data),
     .accepts = is_data, .wanted = "two_moons, eight_gaussians, FILE.npy or FILE.csv"},
    {"--loss", "LOSS", "how it learns", PROGRAM_CHOICE, AT(loss), .choices = &losses},
    {"--out", "DIR", "where pictures and tables go; made if missing", PROGRAM_TEXT, AT(out)},
    {"--steps", "N", "training steps", PROGRAM_WHOLE, AT(set.steps), 1, 1e9},
    {"--points", "N", "of a toy, to train on, and as many held out", PROGRAM_WHOLE, AT(points), 10,
     1e6},
    {"--batch", "N", "points in a step", PROGRAM_WHOLE, AT(batch), 1, 1e6},
    {"--hidden", "N", "width of each of the two hidden layers", PROGRAM_WHOLE, AT(hidden), 1, 4096},
    {"--lr", "X", "Adam's first learning rate; it falls to 0 along a cosine", PROGRAM_REAL,
     AT(set.lr), 1e-9, 10},
    {"--base", "X", "stiffness of the bowl X |x|^2 / 2 under the network, 0 for none", PROGRAM_REAL,
     AT(set.base), 0, 1e6},
    {"--sigma", "X", "a length of the loss's own, see below", PROGRAM_REAL, AT(set.sigma), 1e-6,
     1e6},
    {"--count", "N", "of directions, levels, steps or points that the loss draws for a point",
     PROGRAM_WHOLE, AT(set.count), 1, 1e4},
    {"--data-noise", "X", "standard deviation of noise on the data, which keeps a fit smooth",
     PROGRAM_REAL, AT(set.data_noise), 0, 1e6},
    {"--langevin-steps", "N", "transitions of the chains in a training step", PROGRAM_WHOLE,
     AT(set.langevin_steps), 1, 1e6},
    {"--langevin-step", "X", "size e of a transition x - e grad E + sqrt(2 e) noise", PROGRAM_REAL,
     AT(set.langevin_step), 1e-9, 1e6},
    {"--penalty", "X", "weight of mean(E(data)^2 + E(chains)^2), 0 for none", PROGRAM_REAL,
     AT(set.penalty), 0, 1e6},
    {"--seed", "N", "of all random numbers", PROGRAM_SEED, AT(seed)},
    {"--threads", "N", "at most this many; changes no result (all processors)", PROGRAM_WHOLE,
     AT(threads), 1, 256},
    {0},
};

/* What a row of the table of losses leaves 0. */
static const settings common_defaults = {
    .steps = 6000, .lr = 5e-3, .langevin_step = 2e-3, .penalty = 0.02, .base = 0.1};

void take_loss_defaults(void *values) {
    fit_options *o = values;
    settings s = o->loss->defaults;
    s.steps = s.steps ? s.steps : common_defaults.steps;
    s.lr = s.lr > 0 ? s.lr : common_defaults.lr;
    s.langevin_step = s.langevin_step > 0 ? s.langevin_step : common_defaults.langevin_step;
    s.penalty = s.penalty > 0 ? s.penalty : common_defaults.penalty;
    s.base = s.base > 0 ? s.base : common_defaults.base;
    o->set = s;
}

double blur_of(const fit_options *options) {
    if (options->loss && options->loss->told)
        return 0;
    return hypot(options->loss && options->loss->blurs ? options->set.sigma : 0,
                 options->set.data_noise);
}

const program fit2d_program = {
    .name = "fit2d",
    .purpose = "fits an energy E, p(x) = exp(-E(x)) / Z, to points in the plane.",
    .options = options,
    .set_defaults = take_loss_defaults,
};

const fit_options fit2d_defaults = {.data = "two_moons",
                                    .out = "fit2d",
                                    .loss = &loss_entries[1], /* pcd */
                                    .points = 8192,
                                    .batch = 256,
                                    .hidden = 128,
                                    .seed = 1};

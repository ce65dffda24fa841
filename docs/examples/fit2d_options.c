/* fit2d_options.c: the options, and what they are if they are not given. */
#include <string.h>

#include "fit2d.h"

const loss_entry loss_entries[] = {
    {"cd", "contrastive divergence: chains start from the data", LOSS_CD, 3000},
    {"pcd", "the same with persistent chains", LOSS_PCD, 3000},
    {"dsm", "denoising score matching", LOSS_DSM, 12000},
    {"sm", "exact score matching", LOSS_SM, 3000},
    {0},
};

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
    {"--steps", "N", "training steps", PROGRAM_WHOLE, AT(steps), 1, 1e9},
    {"--batch", "N", "points in a step", PROGRAM_WHOLE, AT(batch), 1, 1e6},
    {"--hidden", "N", "width of each of the two hidden layers", PROGRAM_WHOLE, AT(hidden), 1, 4096},
    {"--lr", "X", "Adam's first learning rate; it falls to 0 along a cosine", PROGRAM_REAL, AT(lr),
     1e-9, 10},
    {"--base", "X", "stiffness of the bowl X |x|^2 / 2 under the network, 0 for none", PROGRAM_REAL,
     AT(base), 0, 1e6},
    {"--sigma", "X", "dsm: standard deviation of the noise", PROGRAM_REAL, AT(sigma), 1e-6, 1e6},
    {"--langevin-steps", "N", "cd, pcd: transitions of the chains in a training step",
     PROGRAM_WHOLE, AT(langevin_steps), 1, 1e6},
    {"--langevin-step", "X", "size e of a transition x - e grad E + sqrt(2 e) noise", PROGRAM_REAL,
     AT(langevin_step), 1e-9, 1e6},
    {"--penalty", "X", "cd, pcd: weight of mean(E(data)^2 + E(chains)^2), 0 for none", PROGRAM_REAL,
     AT(penalty), 0, 1e6},
    {"--seed", "N", "of all random numbers", PROGRAM_SEED, AT(seed)},
    {"--threads", "N", "at most this many; changes no result (all processors)", PROGRAM_WHOLE,
     AT(threads), 1, 256},
    {0},
};

static void set_defaults(void *values) {
    fit_options *o = values;
    o->steps = o->loss->steps;
}

const program fit2d_program = {
    .name = "fit2d",
    .purpose = "fits an energy E, p(x) = exp(-E(x)) / Z, to points in the plane.",
    .options = options,
    .set_defaults = set_defaults,
};

const fit_options fit2d_defaults = {
    .data = "two_moons",
    .out = "fit2d",
    .loss = &loss_entries[LOSS_PCD],
    .batch = 256,
    .hidden = 128,
    .lr = 5e-3,
    .base = 0.1,
    .sigma = 0.1,
    .langevin_steps = 20,
    .langevin_step = 2e-3,
    .penalty = 0.02,
    .seed = 1,
};

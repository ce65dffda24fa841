/* mnist_classifier_options.c: the options, and what they are if they are not given. */
#include "mnist_classifier.h"

#define AT(field) .offset = offsetof(classifier_options, field)

static const program_option options[] = {
    {"--data", "DIR", "where the files are, .gz or not", PROGRAM_TEXT, AT(data)},
    {"--files", "NAME", "reads NAME-images-idx3-ubyte and NAME-labels-idx1-ubyte", PROGRAM_TEXT,
     AT(files)},
    {"--held-out", "N", "the last N images are for testing, the others for training", PROGRAM_WHOLE,
     AT(held_out), 1, 1e9},
    {"--passes", "N", "over the training images, those before a checkpoint included", PROGRAM_WHOLE,
     AT(passes), 1, 1e6},
    {"--batch", "N", "images in a step", PROGRAM_WHOLE, AT(batch), 1, 1e6},
    {"--lr", "X", "first learning rate; it halves with every pass", PROGRAM_REAL, AT(rate), 1e-9,
     1},
    {"--dropout", "X", "rate of dropout before the last layer", PROGRAM_REAL, AT(dropout), 0, 0.99},
    {"--seed", "N", "of all random numbers", PROGRAM_SEED, AT(seed)},
    {"--threads", "N", "at most this many; changes no result (all processors)", PROGRAM_WHOLE,
     AT(threads), 1, 256},
    {"--out", "FILE", "the weights, with PyTorch's names", PROGRAM_TEXT, AT(out)},
    {"--checkpoint", "FILE", "goes on from there if there is one; written after each pass",
     PROGRAM_TEXT, AT(checkpoint)},
    {0},
};

const program classifier_program = {
    .name = "mnist_classifier",
    .purpose = "learns to read digits, and says how many it has not seen before it reads.",
    .options = options,
};

const classifier_options classifier_defaults = {
    .data = ".",
    .files = "t10k",
    .out = "mnist.safetensors",
    .held_out = 2000,
    .passes = 5,
    .batch = 64,
    .rate = 0.003,
    .seed = 1,
};

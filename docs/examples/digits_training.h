/* digits_training.h: what the programs that train on digits share beyond the digits: the options that
 * all of them have, a training that is resumed and interrupted, and what it leaves behind. */
#ifndef DIGITS_TRAINING_H
#define DIGITS_TRAINING_H

#include "digits.h"
#include "program.h"

typedef struct digits_options {
    const char *data, *files, *out, *checkpoint; /* checkpoint may be NULL */
    int64_t held_out, steps, batch, threads;
    uint64_t seed;
} digits_options;

/* One row of the table of a program whose options have these as the field `common`, and those that
 * all programs have. */
#define DIGITS_ROW(options, name, value, help, kind, field, low, high)                             \
    {                                                                                              \
        name, value, help, kind, offsetof(options, common) + offsetof(digits_options, field), low, \
            high, NULL, NULL, NULL                                                                 \
    }
#define DIGITS_ROWS(o)                                                                             \
    DIGITS_ROW(o, "--data", "DIR", "where the files are, .gz or not", PROGRAM_TEXT, data, 0, 0),   \
        DIGITS_ROW(o, "--files", "NAME",                                                           \
                   "reads NAME-images-idx3-ubyte and NAME-labels-idx1-ubyte", PROGRAM_TEXT, files, \
                   0, 0),                                                                          \
        DIGITS_ROW(o, "--held-out", "N",                                                           \
                   "the last N images are for testing, the others for training", PROGRAM_WHOLE,    \
                   held_out, 1, 1e9),                                                              \
        DIGITS_ROW(o, "--steps", "N", "of training, those before a checkpoint included",           \
                   PROGRAM_WHOLE, steps, 1, 1e9),                                                  \
        DIGITS_ROW(o, "--seed", "N", "of all random numbers", PROGRAM_SEED, seed, 0, 0),           \
        DIGITS_ROW(o, "--threads", "N", "at most this many; changes no result (all processors)",   \
                   PROGRAM_WHOLE, threads, 1, 256),                                                \
        DIGITS_ROW(o, "--out", "DIR", "where page, pictures and weights go; made if missing",      \
                   PROGRAM_TEXT, out, 0, 0),                                                       \
        DIGITS_ROW(o, "--checkpoint", "FILE",                                                      \
                   "goes on from there if there is one; written every 100 steps", PROGRAM_TEXT,    \
                   checkpoint, 0, 0)

/* Sets the number of threads, makes the folder, and reads the digits, which the caller frees whatever
 * the result; or the images alone, as pixels (N, 1, H, W), likewise. All are zeros at first. */
erg_status digits_start(const digits_options *options, digits *train, digits *held_out);
erg_status digits_start_pixels(const digits_options *options, erg_tensor **train,
                               erg_tensor **held_out);

/* The options of a trainer that stops at Ctrl-C, says what goes wrong, and saves every 100 steps;
 * the program fills in the rest. */
erg_trainer_options digits_trainer_options(const digits_options *options);
/* Trains to the number of steps, from the checkpoint if there is one; *seconds is how long it took. */
erg_status digits_train(erg_trainer *trainer, const digits_options *options, double *seconds);
/* Whether the history has rows: a training that was stopped at once has none. */
bool digits_has_history(const erg_trainer *trainer);
/* In the folder: weights.safetensors, and if there is a history, history.csv and a picture of n
 * columns of it. */
erg_status digits_write_training(const erg_trainer *trainer, erg_graph *graph,
                                 const digits_options *options, const char *const *columns, int n,
                                 const char *picture);

#endif

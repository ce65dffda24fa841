/* mnist_classifier.h: what the two files of mnist_classifier share. */
#ifndef MNIST_CLASSIFIER_H
#define MNIST_CLASSIFIER_H

#include "program.h"

typedef struct classifier_options {
    const char *data, *files, *out, *checkpoint; /* checkpoint may be NULL */
    int64_t held_out, passes, batch, threads;    /* threads 0: all */
    uint64_t seed;
    double rate, dropout;
} classifier_options;

extern const program classifier_program;
extern const classifier_options classifier_defaults;

#endif

/* mnist_classifier.h: what the two files of mnist_classifier share. */
#ifndef MNIST_CLASSIFIER_H
#define MNIST_CLASSIFIER_H

#include <stdbool.h>
#include <erg.h>

enum { EXIT_DATA = 1, EXIT_USAGE = 2 };

typedef struct classifier_options {
    const char *data, *files, *out, *checkpoint; /* checkpoint may be NULL */
    double held_out, passes, batch, seed, threads;
    double rate, dropout;
} classifier_options;

/* Reads the command line. Returns false if the program is to end with *exit_status: after --help,
 * or after a line on stderr about a mistake. */
bool read_options(int argc, char **argv, classifier_options *options, int *exit_status);

#endif

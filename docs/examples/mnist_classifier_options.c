/* mnist_classifier_options.c: the command line, read by one table. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mnist_classifier.h"

#define FIELD(field) offsetof(classifier_options, field)

/* A value called N is a whole number, X any number, both from low to high; others are texts. */
static const struct row {
    const char *name, *value, *help;
    size_t offset;
    double low, high;
} rows[] = {
    {"--data", "DIR", "where the files are, .gz or not (.)", FIELD(data), 0, 0},
    {"--files", "NAME", "reads NAME-images-idx3-ubyte and NAME-labels-idx1-ubyte (t10k)",
     FIELD(files), 0, 0},
    {"--held-out", "N", "the last N images are for testing, the others for training (2000)",
     FIELD(held_out), 1, 1e9},
    {"--passes", "N", "over the training images, those before a checkpoint included (5)",
     FIELD(passes), 1, 1e6},
    {"--batch", "N", "images in a step (64)", FIELD(batch), 1, 1e6},
    {"--lr", "X", "first learning rate; it halves with every pass (0.003)", FIELD(rate), 1e-9, 1},
    {"--dropout", "X", "rate of dropout before the last layer (0)", FIELD(dropout), 0, 0.99},
    {"--seed", "N", "of all random numbers (1)", FIELD(seed), 0, 1e15},
    {"--threads", "N", "at most this many; changes no result (all processors)", FIELD(threads), 1,
     256},
    {"--out", "FILE", "the weights, with PyTorch's names (mnist.safetensors)", FIELD(out), 0, 0},
    {"--checkpoint", "FILE", "goes on from there if there is one; written after each pass",
     FIELD(checkpoint), 0, 0},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static void print_help(void) {
    printf("mnist_classifier: learns to read digits, and says how many it has not seen before it "
           "reads.\n\nusage: mnist_classifier [OPTION VALUE]...\n\n");
    for (int i = 0; i < N_ROWS; i++)
        printf("  %-12s %-4s  %s\n", rows[i].name, rows[i].value, rows[i].help);
    printf("  %-12s %-4s  this text\n", "--help", "");
}

/* Sets the row's field; false if the text is none of its values. */
static bool store(const struct row *row, const char *text, classifier_options *options) {
    void *field = (char *)options + row->offset;
    bool whole = strcmp(row->value, "N") == 0;
    if (!whole && strcmp(row->value, "X") != 0) {
        *(const char **)field = text;
        return text[0] != '\0';
    }
    char *end;
    double number = strtod(text, &end);
    *(double *)field = number;
    return end != text && *end == '\0' && number >= row->low && number <= row->high &&
           (!whole || number == floor(number));
}

static const struct row *find_row(const char *name) {
    for (int i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static bool complain(const struct row *row, const char *name, const char *text) {
    if (!row)
        fprintf(stderr, "mnist_classifier: no option \"%s\"; --help lists them\n", name);
    else if (!text)
        fprintf(stderr, "mnist_classifier: %s needs a value\n", name);
    else if (row->high > 0)
        fprintf(stderr, "mnist_classifier: %s needs a %snumber from %g to %g, not \"%s\"\n", name,
                strcmp(row->value, "N") == 0 ? "whole " : "", row->low, row->high, text);
    else
        fprintf(stderr, "mnist_classifier: %s needs a name\n", name);
    return false;
}

bool read_options(int argc, char **argv, classifier_options *options, int *exit_status) {
    *options = (classifier_options){.data = ".",
                                    .files = "t10k",
                                    .out = "mnist.safetensors",
                                    .held_out = 2000,
                                    .passes = 5,
                                    .batch = 64,
                                    .rate = 0.003,
                                    .seed = 1};
    for (int i = 1; i < argc; i += 2) {
        *exit_status = 0;
        if (strcmp(argv[i], "--help") == 0)
            return print_help(), false;
        *exit_status = EXIT_USAGE;
        const struct row *row = find_row(argv[i]);
        if (!row || i + 1 == argc || !store(row, argv[i + 1], options))
            return complain(row, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
    }
    return true;
}

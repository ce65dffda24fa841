/* gallery.h: what the two files of gallery share. */
#ifndef GALLERY_H
#define GALLERY_H

#include "fit2d.h"

/* Bandwidth of the kernel exp(-|x - y|^2 / (2 h^2)) of the maximum mean discrepancy. */
#define BANDWIDTH 0.3

/* One loss, and what became of it. */
typedef struct result {
    fit_options options;
    evaluation evaluation;
    double seconds;      /* of processor time, of the training */
    double mmd;          /* squared, of samples of the model and the held-out points */
    erg_tensor *density; /* a map, in the view of the data; NULL if there is none */
    char problem[256];   /* why there is none */
} result;

/* Results of fits to the same data; the first is the truth itself, whose options have no loss. */
typedef struct gallery {
    const char *data, *out, *losses; /* losses: names with commas between them, or "all" */
    int64_t steps;                   /* 0: as many as the loss has by default */
    int64_t points, batch, hidden, threads;
    double base; /* likewise */
    uint64_t seed;
    truth truth;
    view view; /* of all maps */
    result *results;
    int count;
    double seconds; /* of everything */
} gallery;

/* The Kullback-Leibler divergence from the truth, not below 0 by rounding. */
double gap_of(const gallery *gallery, const result *result);

/* The pictures and index.html, into the folder. */
erg_status write_gallery(const gallery *gallery, int argc, char **argv);

#endif

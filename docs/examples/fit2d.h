/* fit2d.h: the parts of fit2d, which fits an energy to points in the plane.
 *
 *     options -> dataset -> model -> training -> evaluation -> report
 *
 * Everything happens in the units of the fit: those of the file, moved and scaled so that each
 * column has mean 0 and variance 1; toys are left as they are. What a reader sees, numbers and
 * pictures, is in the units of the data. */
#ifndef FIT2D_H
#define FIT2D_H

#include "program.h"

/* ------------------------------------------------------------------------------- options */

typedef enum fit_loss { LOSS_CD, LOSS_PCD, LOSS_DSM, LOSS_SM } fit_loss;

typedef struct loss_entry {
    const char *name, *help;
    fit_loss id;
    int64_t steps; /* if not given */
} loss_entry;
extern const loss_entry loss_entries[];

typedef struct fit_options {
    const char *data, *out;
    const loss_entry *loss;
    int64_t steps, batch, hidden, langevin_steps, threads; /* threads 0: all */
    double lr, sigma, langevin_step, penalty, base;
    uint64_t seed;
} fit_options;

extern const program fit2d_program;
extern const fit_options fit2d_defaults;

/* ------------------------------------------------------------------------------- data */

/* Points are (N, 2) in the units of the fit: original = shift + scale fitted, for each column. */
typedef struct dataset {
    erg_tensor *train, *held_out;
    double shift[2], scale[2];
    double low[2], high[2]; /* the range of the training points */
    double mean[2], std[2]; /* of the training points */
    erg_energy exact;       /* of a toy: -log p; fn is NULL for a file */
    erg_energy smoothed;    /* of a toy with N(0, sigma^2 I) added */
} dataset;

bool is_toy(const char *name);
/* Fills a zeroed dataset; freed by dataset_free also after a failure. */
erg_status dataset_load(dataset *data, erg_graph *graph, const fit_options *options);
void dataset_free(dataset *data);
/* Points (N, 2) to the units of the file, in place. */
void dataset_restore(const dataset *data, erg_tensor *points);

/* ------------------------------------------------------------------------------- training */

/* E(x) = mlp(x) + base |x|^2 / 2, as an erg_energy: {model_energy, &model}. */
typedef struct model {
    erg_mlp *mlp;
    double base;
} model;
erg_node *model_energy(void *self, erg_node *x);

/* One row for every few steps: step, mean loss since the last row, energy gap. */
typedef struct history {
    erg_tensor *rows; /* (capacity, 3) */
    int64_t count;
    int64_t steps; /* made */
    double seconds;
} history;

/* Fills a zeroed history, whose rows the caller frees. Ends early when interrupted. */
erg_status train(erg_graph *graph, model *model, const dataset *data, const fit_options *options,
                 history *history);
/* n samples (n, 2) in the units of the fit, from Langevin chains that start at noise. */
erg_tensor *draw_samples(erg_graph *graph, model *model, const dataset *data,
                         const fit_options *options, int64_t n);

/* ------------------------------------------------------------------------------- evaluation */

/* Mean log-likelihoods on the held-out points, in nats and in the units of the data. */
typedef struct evaluation {
    bool normalised; /* else what follows is missing, and problem says why */
    char problem[256];
    double log_likelihood; /* of the model, */
    double error;          /* its standard error, */
    double log_z;          /* and the log-partition function in the units of the fit */
    double outer_mass, half_width;
    double best;        /* of a toy: minus its entropy, the mean for endlessly many points */
    double exact;       /* of a toy's own density on these points */
    double best_smooth; /* of a toy's density smoothed by sigma on these points */
} evaluation;

/* ------------------------------------------------------------------------------- report */

/* Everything the report speaks of. */
typedef struct fit {
    const fit_options *options;
    int argc;
    char **argv;
    erg_graph *graph;
    model *model;
    const dataset *data;
    const history *history;
    const evaluation *evaluation;
    const erg_tensor *samples; /* in the units of the data */
    double seconds;            /* of the whole program */
} fit;
/* Pictures, tables and index.html, into the folder of the options. */
erg_status write_report(const fit *fit);
/* index.html alone, to this path. */
erg_status write_page(const fit *fit, const char *path);

#endif

/* fit2d.h: the parts of fit2d, which fits an energy to points in the plane. gallery is made of the
 * same parts.
 *
 *     options -> dataset -> model -> objective -> training -> evaluation -> report
 *
 * Everything happens in the units of the fit: those of the file, moved and scaled so that each
 * column has mean 0 and variance 1; toys are left as they are. What a reader sees, numbers and
 * pictures, is in the units of the data. */
#ifndef FIT2D_H
#define FIT2D_H

#include "program.h"

/* ------------------------------------------------------------------------------- options */

/* What a loss has defaults of its own for. */
typedef struct settings {
    int64_t steps;          /* of training */
    double lr;              /* Adam's first learning rate */
    double sigma;           /* the loss's own length, see its help; 0: it has none */
    int64_t count;          /* of whatever it draws for a point; 0: nothing */
    int64_t langevin_steps; /* of the chains for each batch; 0: it has no chains */
    double langevin_step;   /* their step size */
    double penalty;         /* on the squares of energies */
    double data_noise;      /* standard deviation of what is added to the points */
    double base;            /* stiffness of the bowl under the network */
} settings;

typedef struct fit_options fit_options;
typedef struct objective objective;
typedef struct fit fit;

typedef struct loss_entry {
    const char *name, *help;
    bool (*build)(objective *o); /* false, or a mistake in the graph, if it cannot */
    settings defaults;           /* zeros: those of common_defaults */
    bool blurs;                  /* it learns the data smoothed by N(0, sigma^2) */
    bool levels;                 /* the model is told the level of noise: E(x, sigma) */
    bool told;                   /* it is told the score: noise says where, and blurs nothing */
} loss_entry;
/* All losses; the last has no name. */
extern const loss_entry loss_entries[];

struct fit_options {
    const char *data, *out;
    const loss_entry *loss;
    settings set;
    int64_t points, batch, hidden; /* points: of a toy, to train on and as many held out */
    int64_t threads;               /* 0: all */
    uint64_t seed;
};
extern const fit_options fit2d_defaults;
extern const program fit2d_program;
/* Its `set` becomes that of its loss. Of the form of program's set_defaults. */
void take_loss_defaults(void *fit_options);

/* The standard deviation of the smoothing of the density that the loss learns. */
double blur_of(const fit_options *options);

/* ------------------------------------------------------------------------------- data */

/* Points are (N, 2) in the units of the fit: original = shift + scale fitted, for each column. */
typedef struct dataset {
    erg_tensor *train, *held_out;
    double shift[2], scale[2];
    double low[2], high[2]; /* the range of the training points */
    double mean[2], std[2]; /* of the training points */
    double covariance;      /* of their columns */
    erg_energy exact;       /* of a toy: -log p, float64; fn is NULL for a file */
    erg_energy smoothed;    /* the same with N(0, blur^2 I) added; fn is NULL for no blur */
} dataset;

bool is_toy(const char *name);
/* Fills a zeroed dataset; freed by dataset_free also after a failure. */
erg_status dataset_load(dataset *data, erg_graph *graph, const fit_options *options);
void dataset_free(dataset *data);
/* Points (N, 2) to the units of the file, in place. */
void dataset_restore(const dataset *data, erg_tensor *points);

/* ------------------------------------------------------------------------------- the model */

/* E(x) = network(x) + base |x|^2 / 2, or E(x, sigma) with a network that is told the level of noise.
 * Its params are in the scope "energy". */
typedef struct model {
    erg_mlp *mlp;         /* one of the two, */
    erg_noise_mlp *noisy; /* the other is NULL */
    double base;
    erg_energy energy;      /* what is learned, evaluated and sampled */
    erg_pair_energy levels; /* of a model with levels: E(x, sigma) */
} model;
/* Fills *model, which stays where it is. A mistake is in the graph. */
void model_build(model *model, erg_graph *graph, const fit_options *options);

/* N(mean, covariance) of the data with `width` times its standard deviations. */
erg_gaussian *data_gaussian(erg_graph *graph, const dataset *data, double width);
/* Of the form of a replay buffer's init: that Gaussian, width 1; self is the dataset. */
erg_status fill_noise(void *self, erg_tensor *out, erg_random where);

/* ------------------------------------------------------------------------------- the loss */

/* What a loss is made of, and what it makes. */
struct objective {
    erg_graph *graph;
    const fit_options *options;
    const dataset *data;
    const model *model;
    erg_energy energy; /* the model's */
    erg_node *batch;   /* (B, 2), a leaf: points of the data */
    erg_node *step;    /* () steps done */
    erg_node *rate;    /* () the learning rate */

    erg_node *loss;   /* () */
    erg_node *effect; /* besides the step of the energy's params, in the same run; or NULL */
    erg_negatives *negatives; /* chains to be run before each step, or NULL */
    erg_node *noisy;  /* (B, 2), a leaf: the batch with noise of sigma, from which the chains
                               * start then; or NULL */
    erg_node *others; /* points of the model; NULL: the gap is that to Gaussian noise */
};

/* ------------------------------------------------------------------------------- training */

typedef struct training {
    objective objective;
    erg_trainer *trainer;
    erg_random random; /* chooses the rows of a batch */
    int64_t *picks;    /* (B) */
    double seconds;    /* by the clock, */
    double processor;  /* and of processors */
    char note[256];    /* about the last rollback; "" if there was none */
} training;

/* The training of a fit with data and model. Ends early when interrupted. */
erg_status train(fit *fit);
void training_free(training *training);
/* n samples (n, 2) in the units of the data, from Langevin chains that start at noise. NULL on an
 * error. */
erg_tensor *draw_samples(const fit *fit, int64_t n);

/* ------------------------------------------------------------------------------- evaluation */

/* The true density q of a toy, as points with the weights q h^2 of cells of width h around them: a sum
 * over them is an integral over q. */
typedef struct truth {
    erg_tensor *points, *weights; /* (n, 2) and (n), float64; NULL for a file */
    double best;                  /* the mean of log q: no density has a greater one */
    double exact;                 /* its mean over the held-out points */
} truth;
/* Fills a zeroed truth; freed by truth_free also after a failure. */
erg_status truth_find(truth *truth, erg_graph *graph, const dataset *data);
void truth_free(truth *truth);

/* Mean log-likelihoods in nats and in the units of the data. */
typedef struct evaluation {
    bool normalised; /* else what follows is missing, and problem says why */
    char problem[256];
    double log_likelihood; /* of the model, on the held-out points, */
    double error;          /* its standard error, */
    double log_z;          /* and the log-partition function in the units of the fit */
    double outer_mass, half_width;
    double mean;      /* of a toy: the model's mean over the truth: for endlessly many points */
    double best_blur; /* and that of the truth smoothed by the blur */
} evaluation;
/* Of an energy on points (B, 2) of this dtype, in the units of the fit. */
erg_status evaluate(const fit *fit, erg_energy energy, erg_dtype dtype, evaluation *evaluation);
/* n points (n, 2) of a normalised energy, in the units of the fit: cells of the quadrature by their
 * mass, and a place in the cell, evenly. No chain is needed. NULL on an error. */
erg_tensor *draw_from_grid(const fit *fit, erg_energy energy, erg_dtype dtype,
                           const evaluation *evaluation, int64_t n);

/* ------------------------------------------------------------------------------- pictures */

/* What a picture of the plane shows: the data with a margin. */
typedef struct view {
    double low[2], high[2];            /* in the units of the fit */
    double x_min, x_max, y_min, y_max; /* in those of the data */
    int equal;                         /* both axes have one scale */
    int width, height;                 /* of the picture, in pixels */
} view;
view view_of(const dataset *data, int width);

/* Cells a side of a map. */
enum { MAP_CELLS = 300 };
/* The energy at the middle of each cell, (MAP_CELLS, MAP_CELLS), rows from the lowest y. NULL on an
 * error. */
erg_tensor *energy_map(erg_graph *graph, erg_energy energy, erg_dtype dtype, const view *v);
/* map <- exp(-map - offset) */
void to_density(erg_tensor *map, double offset);
/* Of a density. */
double greatest_in(const erg_tensor *map);

typedef struct picture {
    const char *title, *label;
    const erg_tensor *map;
    double low, high;         /* of the colours */
    const erg_tensor *points; /* in the units of the data, or NULL */
    uint32_t color;
} picture;
erg_status draw_plane(const char *path, const view *v, picture p);

/* ------------------------------------------------------------------------------- all together */

/* A fit: options, and the truth if there is one, are the caller's; all else begins as zeros. */
struct fit {
    const fit_options *options;
    const truth *truth;
    erg_graph *graph;
    dataset data;
    model model;
    training training;
    evaluation evaluation;
    erg_tensor *samples; /* in the units of the data, or NULL */
};
/* Makes the graph and the data; then model, training and evaluation. fit_free is due after both, also
 * after a failure. */
erg_status fit_load(fit *fit);
erg_status fit_learn(fit *fit);
void fit_free(fit *fit);

#endif

/* optimiser.h: the skeleton of an optimiser, internal to nn/: what all of them do before and after
 * their own rule, which is a loop over the params in between. */
#ifndef ERG_NN_OPTIMISER_H
#define ERG_NN_OPTIMISER_H

#include "nn.h"
#include "options.h"

typedef struct erg_optimiser_options {
    ERG_OPTIMISER_OPTIONS;
} erg_optimiser_options;

/* The shared part of any optimiser's options. */
#define ERG_SHARED_OPTIONS(o)                                                                      \
    ((erg_optimiser_options){.learning_rate = (o).learning_rate,                                   \
                             .learning_rate_node = (o).learning_rate_node,                         \
                             .weight_decay = (o).weight_decay,                                     \
                             .clip_norm = (o).clip_norm,                                           \
                             .clip_value = (o).clip_value,                                         \
                             .gradients = (o).gradients,                                           \
                             .step = (o).step,                                                     \
                             .name = (o).name})

typedef struct erg_optimiser {
    erg_graph *graph;
    erg_dtype dtype;      /* of the params */
    erg_node **gradients; /* as the rule is to see them */
    erg_node *step;       /* 0-d float64: how many steps were done before this one */
    erg_node *rate;       /* 0-d float64: the learning rate */
    erg_node **effects;
    int n_effects;
} erg_optimiser;

/* Where mistakes go: the graph of the loss, or of the first param if there is no loss. */
erg_graph *erg_optimiser_graph(const erg_node *loss, erg_node *const *params, int n);
/* Checks, builds the gradients, and opens the optimiser's scope, which erg_optimiser_end closes.
 * Defaults of shared options must be filled in. The coupled weight decay is added to the gradients,
 * as if the loss held weight_decay |p|^2 / 2. NULL on a mistake. */
erg_optimiser *erg_optimiser_begin(const char *operation, erg_node *loss, erg_node *const *params,
                                   int n, erg_optimiser_options options);
/* A zeroed state of the param's shape, "<param>/<what>". */
erg_node *erg_optimiser_state(erg_optimiser *optimiser, erg_node *param, const char *what);
/* leaf holds value after the step. At most ERG_OPTIMISER_STORES times for each param. */
void erg_optimiser_store(erg_optimiser *optimiser, erg_node *leaf, erg_node *value);
/* All stores as one node; NULL after a mistake. */
erg_node *erg_optimiser_end(erg_optimiser *optimiser);

enum { ERG_OPTIMISER_STORES = 4 };

/* A 0-d number of the step in the params' dtype: computed once, read by all params. */
erg_node *erg_optimiser_number(const erg_optimiser *optimiser, erg_node *number);

#endif

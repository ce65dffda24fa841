/* trainer.h: what the files of the training loop share. Internal to losses/.
 *
 *     trainer.c            making one, and the loop
 *     trainer_update.c     the plan of a step
 *     trainer_rules.c      optimisers as rules
 *     trainer_batches.c    data, noise, validation
 *     trainer_health.c     numbers that tell how a training is
 *     trainer_history.c    rows of them
 *     trainer_rollback.c   good states, divergence and the way back
 *     trainer_progress.c   a line on a terminal */
#ifndef ERG_LOSSES_TRAINER_H
#define ERG_LOSSES_TRAINER_H

#include "parts.h"

/* Columns that every history has, in this order. */
enum { COLUMN_STEP, COLUMN_LOSS, COLUMN_GRADIENT, COLUMN_RATE, COLUMN_OTHERS };

/* Outputs of the plan of a step. */
enum { OUTPUT_LOSS, OUTPUT_GRADIENT, OUTPUT_RATE, OUTPUT_EFFECTS, N_OUTPUTS };

enum { TRAINER_TEXT = 1024 };

typedef struct trainer_history {
    erg_tensor *rows; /* (capacity, columns) */
    erg_tensor view;  /* the rows so far */
    const char **names;
    int columns;
    int gap, replay, validation; /* columns of these; 0: there is none */
    int health;                  /* the first column that comes from the health plan */
    int64_t count, every;
    int64_t steps;      /* since the last row, */
    double sum;         /* of the loss in these; */
    double gradient;    /* the greatest norm of the gradient in these */
    double last_looked; /* the last validation */
} trainer_history;

struct erg_trainer {
    erg_graph *graph;
    erg_trainer_options options; /* defaults filled in */
    erg_node *loss, *const *params;
    int n;
    erg_node *step;        /* state: steps done */
    erg_node *rate_factor; /* state: what rollbacks have made of the learning rate */
    erg_ema *ema;
    erg_node *outputs[N_OUTPUTS];
    erg_plan *update, *noise, *health, *validation;
    erg_node **health_nodes;
    int n_health;
    trainer_history history;
    erg_checkpoint_part *parts; /* data set, replay buffer, history, the program's */
    int n_parts;
    erg_bundle *good, *newer; /* states: the last good one, and one not yet known to be; */
    int64_t good_step, newer_step;
    int64_t saved; /* the step of the last file */
    int rollbacks;
    bool stopped;
    bool hopeless;           /* the data itself is not finite */
    bool tense, tense_now;   /* a row was far off: one since `newer` was taken, and the last one */
    char note[TRAINER_TEXT]; /* why it diverged, and what was done */
};

/* A name that lives as long as the graph; NULL after recording an error. */
const char *erg_trainer_text(erg_graph *graph, const char *format, ...) ERG_PRINTF(2, 3);
/* A checkpoint of the trainer as it is asked for: what it holds. */
erg_checkpoint_options erg_trainer_kept(const erg_trainer *trainer);
/* The step count as a double, and a 0-d output of a plan. */
static inline double erg_trainer_number(const erg_plan *plan, int output) {
    return erg_tensor_get(erg_output(plan, output), 0);
}
/* Runs a plan that only looks: random nodes draw later what they would have drawn without it. */
void erg_trainer_look(erg_trainer *trainer, erg_plan *plan);

/* ---- trainer_update.c */

/* Builds the outputs of a step. Mistakes are recorded in the graph. */
void erg_trainer_build_update(erg_trainer *trainer);

/* ---- trainer_batches.c */

erg_status erg_trainer_check_batches(const erg_trainer *trainer);
/* The plans of noise and validation, as far as they are asked for. */
erg_status erg_trainer_build_batches(erg_trainer *trainer);
/* Puts the data of the next step in place. */
erg_status erg_trainer_next_batch(erg_trainer *trainer);
/* The validation into *value. */
erg_status erg_trainer_validate(erg_trainer *trainer, double *value);

/* ---- trainer_health.c */

/* The nodes of the health plan, and columns for them. */
erg_status erg_trainer_build_health(erg_trainer *trainer);

/* ---- trainer_history.c */

/* Adds a column, the name of which lives as long as the graph; its number, or -1 after a mistake. */
int erg_trainer_add_column(erg_trainer *trainer, const char *name);
/* Its number, or -1. */
int erg_trainer_find_column(const erg_trainer *trainer, const char *name);
erg_status erg_trainer_build_history(erg_trainer *trainer);
/* Counts a step; true if a row is due. */
bool erg_trainer_count(erg_trainer *trainer, double loss, double gradient);
/* A row of what was counted and of health, whose plan has run. */
void erg_trainer_add_row(erg_trainer *trainer);
/* Rows, counts and number of rollbacks, as a part of a checkpoint. */
erg_checkpoint_part erg_trainer_history_part(erg_trainer *trainer, const char *name);

/* ---- trainer_rollback.c */

erg_status erg_trainer_check_rollback(erg_trainer *trainer);
/* Says into the note why: n nodes, of which one should be not finite. */
void erg_trainer_blame(erg_trainer *trainer, const char *what, erg_node *const *nodes, int n);
/* True (with a note) if the last row tells of a divergence. */
bool erg_trainer_row_diverged(erg_trainer *trainer);
/* False if nothing is ever gone back to or saved while it runs: then no state is kept. */
bool erg_trainer_wants_good(const erg_trainer *trainer);
/* Makes the present state the good one. */
erg_status erg_trainer_keep(erg_trainer *trainer);
/* After a step that went well: takes and promotes states, and saves them, when that is due. */
erg_status erg_trainer_went_well(erg_trainer *trainer);
/* After a divergence, about which the note tells: back, or an error. */
erg_status erg_trainer_go_back(erg_trainer *trainer);

/* ---- trainer_progress.c */

typedef struct trainer_progress {
    FILE *terminal; /* NULL: nothing is shown */
    int64_t from, to;
    double started, shown; /* seconds */
} trainer_progress;
trainer_progress erg_trainer_progress_begin(const erg_trainer *trainer, int64_t to);
void erg_trainer_progress_show(trainer_progress *progress, const erg_trainer *trainer);
void erg_trainer_progress_end(trainer_progress *progress);

#endif

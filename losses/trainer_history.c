/* trainer_history.c: rows of numbers over the steps, in memory that does not grow: when all rows are
 * taken, every second one goes, and rows are made half as often from then on. What is kept of two
 * rows is the mean of their losses and the greater norm of their gradients, as if there had been one
 * row for both; of what was only looked at, the later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer.h"

static double *row(const trainer_history *h, int64_t i) {
    return erg_tensor_f64(h->rows) + i * h->columns;
}

static void show_rows(trainer_history *h) {
    h->view = *h->rows;
    h->view.shape.dims[0] = h->count;
}

/* ------------------------------------------------------------------------------- columns */

int erg_trainer_add_column(erg_trainer *t, const char *name) {
    trainer_history *h = &t->history;
    const char *kept = name ? erg_trainer_text(t->graph, "%s", name) : NULL;
    if (!kept || !*kept || strpbrk(kept, ",\n"))
        return erg_graph_fail(t->graph, "trainer: a column without a name, or with a comma in it"),
               -1;
    for (int i = 0; i < h->columns; i++)
        if (strcmp(h->names[i], kept) == 0)
            return erg_graph_fail(t->graph, "trainer: two columns \"%s\"", kept), -1;
    h->names[h->columns] = kept;
    return h->columns++;
}

/* The first columns. The number of those to come is known. */
static erg_status name_columns(erg_trainer *t) {
    const char *loss = t->options.history.loss_name;
    size_t most = COLUMN_OTHERS + 6 + (size_t)t->n + (size_t)t->options.history.n_columns;
    t->history.names = erg_graph_alloc(t->graph, most * sizeof(char *));
    if (!t->history.names)
        return ERG_ERROR_MEMORY;
    if (!loss)
        loss = t->options.negatives ? "contrast (no measure of convergence)" : "loss";
    const char *const names[COLUMN_OTHERS] = {"step", loss, "gradient norm", "learning rate"};
    for (int i = 0; i < COLUMN_OTHERS; i++)
        erg_trainer_add_column(t, names[i]);
    return ERG_OK;
}

erg_status erg_trainer_build_history(erg_trainer *t) {
    trainer_history *h = &t->history;
    erg_history_options *o = &t->options.history;
    o->every = o->every ? o->every : 10;
    o->capacity = o->capacity ? o->capacity : 1000;
    if (o->every < 0 || o->capacity < 2 || o->capacity % 2 || o->n_columns < 0 ||
        (o->n_columns && !o->columns))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "trainer: a history of %lld rows, one in %lld steps, with %d columns more",
                        (long long)o->capacity, (long long)o->every, o->n_columns);
    h->every = o->every;
    h->last_looked = NAN;
    erg_status status = name_columns(t);
    if (status == ERG_OK)
        status = erg_trainer_build_health(t);
    if (status != ERG_OK)
        return status;
    h->rows = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(o->capacity, h->columns));
    if (!h->rows)
        return erg_error_status();
    show_rows(h);
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- rows */

bool erg_trainer_count(erg_trainer *t, double loss, double gradient) {
    trainer_history *h = &t->history;
    h->steps++;
    h->sum += loss;
    h->gradient = fmax(h->gradient, gradient);
    return h->steps == h->every;
}

static void merge_pairs(trainer_history *h) {
    for (int64_t i = 0; i < h->count / 2; i++) {
        const double *a = row(h, 2 * i), *b = row(h, 2 * i + 1);
        double loss = (a[COLUMN_LOSS] + b[COLUMN_LOSS]) / 2;
        double gradient = fmax(a[COLUMN_GRADIENT], b[COLUMN_GRADIENT]);
        double *to = row(h, i);
        memmove(to, b, (size_t)h->columns * sizeof *to);
        to[COLUMN_LOSS] = loss;
        to[COLUMN_GRADIENT] = gradient;
    }
    h->count /= 2;
    h->every *= 2;
}

void erg_trainer_add_row(erg_trainer *t) {
    trainer_history *h = &t->history;
    double *to = row(h, h->count);
    to[COLUMN_STEP] = (double)erg_trainer_steps(t);
    to[COLUMN_LOSS] = h->sum / (double)h->steps;
    to[COLUMN_GRADIENT] = h->gradient;
    to[COLUMN_RATE] = erg_trainer_number(t->update, OUTPUT_RATE);
    for (int i = 0; i < t->n_health; i++)
        to[h->health + i] = erg_trainer_number(t->health, i);
    if (h->replay)
        to[h->replay] = erg_replay_mean_age(erg_negatives_replay(t->options.negatives));
    if (h->validation)
        to[h->validation] = h->last_looked;
    h->steps = 0;
    h->sum = h->gradient = 0;
    if (++h->count == h->rows->shape.dims[0])
        merge_pairs(h);
    show_rows(h);
}

const erg_tensor *erg_trainer_history(const erg_trainer *t) {
    if (!t)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer_history: no trainer"), NULL;
    return &t->history.view;
}

const char *erg_trainer_column(const erg_trainer *t, int column) {
    return t && column >= 0 && column < t->history.columns ? t->history.names[column] : NULL;
}

int erg_trainer_find_column(const erg_trainer *t, const char *name) {
    for (int i = 0; name && i < t->history.columns; i++)
        if (strcmp(t->history.names[i], name) == 0)
            return i;
    return name && strcmp(name, "loss") == 0 ? COLUMN_LOSS : -1;
}

double erg_trainer_get(const erg_trainer *t, const char *column) {
    int number = t && t->history.count ? erg_trainer_find_column(t, column) : -1;
    return number < 0 ? NAN : row(&t->history, t->history.count - 1)[number];
}

/* ------------------------------------------------------------------------------- checkpoints */

static erg_status save(void *self, erg_bundle *state) {
    const erg_trainer *t = self;
    const trainer_history *h = &t->history;
    const uint64_t counts[] = {(uint64_t)h->count, (uint64_t)h->every, (uint64_t)h->steps,
                               (uint64_t)t->rollbacks};
    const double sums[] = {h->sum, h->gradient, h->last_looked};
    erg_tensor *tensor = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(3), sums);
    erg_status status = tensor ? erg_bundle_add(state, "sums", tensor) : erg_error_status();
    if (status == ERG_OK)
        status = erg_bundle_add(state, "rows", h->rows);
    if (status == ERG_OK)
        status = erg_bundle_add_counts(state, "counts", counts, 4);
    erg_tensor_free(tensor);
    return status;
}

static erg_status load(void *self, const erg_bundle *state, int apply) {
    erg_trainer *t = self;
    trainer_history *h = &t->history;
    uint64_t counts[4];
    erg_status status = erg_bundle_counts(state, "counts", counts, 4);
    if (status != ERG_OK)
        return status;
    if (counts[0] >= (uint64_t)h->rows->shape.dims[0] || counts[1] < 1 || counts[1] > INT64_MAX ||
        counts[2] >= counts[1] || counts[3] > INT32_MAX)
        return erg_fail(ERG_ERROR_FORMAT, "trainer: %llu rows, one in %llu steps, are no history",
                        (unsigned long long)counts[0], (unsigned long long)counts[1]);
    if (!apply)
        return ERG_OK;
    const double *sums = erg_tensor_f64(erg_bundle_find(state, "sums"));
    h->count = (int64_t)counts[0];
    h->every = (int64_t)counts[1];
    h->steps = (int64_t)counts[2];
    t->rollbacks = (int)counts[3];
    h->sum = sums[0];
    h->gradient = sums[1];
    h->last_looked = sums[2];
    status = erg_tensor_copy(h->rows, erg_bundle_find(state, "rows"));
    show_rows(h);
    return status;
}

erg_checkpoint_part erg_trainer_history_part(erg_trainer *t, const char *name) {
    return (erg_checkpoint_part){.name = name, .self = t, .save = save, .load = load};
}

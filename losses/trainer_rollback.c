/* trainer_rollback.c: good states in memory, what counts as a divergence, and the way back.
 *
 * Two states are kept. The newer one is good only once a whole period after it went well, without a
 * row that was tense, half the way (on a logarithmic scale) to an explosion: a state taken in the
 * middle of one is finite, but leads nowhere. Going back means to take over
 * the older state, random numbers and history included, with a smaller learning rate; so what
 * follows is a function of that state alone. This is also the state that goes into files while
 * training runs: a program that was killed, and goes on from the file, does what it would have done. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "trainer.h"

/* True for a param or state of one number, which checkpoints keep. */
static bool is_number_kept(const erg_graph *graph, const erg_node *node) {
    bool kept = false;
    for (erg_node *v = NULL; (v = erg_next_variable(graph, v));)
        kept |= v == node;
    return kept && erg_node_shape(node).ndim == 0 && erg_node_dtype(node) != ERG_INT32;
}

erg_status erg_trainer_check_rollback(erg_trainer *t) {
    erg_rollback *r = &t->options.rollback;
    erg_saving *s = &t->options.saving;
    r->every = r->every ? r->every : 100;
    r->times = r->times ? r->times : 3;
    r->factor = r->factor != 0 ? r->factor : 0.5;
    r->explosion = r->explosion != 0 ? r->explosion : 100;
    if (r->every < 0 || !(r->factor > 0 && r->factor < 1) || !(r->explosion > 1) || !(r->gap >= 0))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "trainer: rollback every %lld steps, by factor %g, explosion %g, gap %g",
                        (long long)r->every, r->factor, r->explosion, r->gap);
    if (r->gap > 0 && !t->history.gap)
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "trainer: a bound of the energy gap needs the energy in "
                        "health, and a reference");
    if (r->step_size && !is_number_kept(t->graph, r->step_size))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "trainer: rollback's step_size must be a float state ()");
    if (s->every < 0 || (s->every && !s->path))
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: saving every %lld steps to %s",
                        (long long)s->every, s->path ? s->path : "no path");
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- divergence */

static void say(erg_trainer *t, const char *format, ...) ERG_PRINTF(2, 3);

/* More of the note. */
static void say(erg_trainer *t, const char *format, ...) {
    size_t length = strlen(t->note);
    va_list list;
    va_start(list, format);
    vsnprintf(t->note + length, sizeof t->note - length, format, list);
    va_end(list);
}

void erg_trainer_blame(erg_trainer *t, const char *what, erg_node *const *nodes, int n) {
    char text[ERG_NODE_TEXT];
    erg_node *found = NULL;
    t->note[0] = 0;
    t->hopeless = false;
    say(t, "after step %lld: %s", (long long)erg_trainer_steps(t), what);
    if (erg_find_not_finite(nodes, n, &found) != ERG_OK || !found)
        return;
    say(t, "; the first node that is not finite: %s", erg_node_text(found, text));
    t->hopeless = found == t->options.batches.x || found == t->options.batches.y;
}

/* What rows in the first half of the steps had at most; negative: there are none. */
static double greatest_before(const trainer_history *h, int column) {
    const double *row = erg_tensor_f64(h->rows);
    double greatest = -1, last = row[(h->count - 1) * h->columns + COLUMN_STEP];
    for (int64_t i = 0; i < h->count && 2 * row[COLUMN_STEP] <= last; i++, row += h->columns)
        greatest = fmax(greatest, fabs(row[column]));
    return greatest;
}

/* How far an energy spreads: that of a Gaussian of D dimensions has the variance D / 2. */
static double spread(const erg_trainer *t) {
    const erg_health *h = &t->options.health;
    erg_shape shape = erg_node_shape(h->data ? h->data : t->options.batches.x);
    if (shape.ndim < 1 || shape.dims[0] < 1)
        return 1;
    return fmax(1, sqrt((double)(erg_shape_size(shape) / shape.dims[0])));
}

/* The last row of a column against those of the first half, as a part of what is a divergence. A loss
 * explodes when it rises; a contrast of energies, which may as well fall without end, by its size. */
static double danger(const erg_trainer *t, int column) {
    const trainer_history *h = &t->history;
    bool contrast = column != COLUMN_LOSS || t->options.negatives;
    double now = erg_tensor_get(h->rows, (h->count - 1) * h->columns + column);
    double before = greatest_before(h, column);
    if (before < 0)
        return 0;
    double usual = fmax(before, contrast ? spread(t) : 1);
    return (contrast ? fabs(now) : now) / (t->options.rollback.explosion * usual);
}

static bool exploded(erg_trainer *t, int column) {
    double part = danger(t, column), factor = t->options.rollback.explosion;
    t->tense_now |= part * sqrt(factor) > 1;
    if (part <= 1)
        return false;
    t->note[0] = 0;
    say(t, "after step %lld: %s is %g, in the first half of the steps it was %g at most",
        (long long)erg_trainer_steps(t), t->history.names[column],
        erg_tensor_get(t->history.rows, (t->history.count - 1) * t->history.columns + column),
        greatest_before(&t->history, column));
    return true;
}

/* Of the numbers of the trainer's own, not of those that the options add. */
static bool health_is_finite(erg_trainer *t) {
    int own = t->n_health - t->options.history.n_columns;
    for (int i = 0; i < own; i++) {
        if (isfinite(erg_trainer_number(t->health, i)))
            continue;
        erg_trainer_blame(t, "energies or weights are not finite", t->health_nodes, own);
        return false;
    }
    return true;
}

bool erg_trainer_row_diverged(erg_trainer *t) {
    double limit = t->options.rollback.gap;
    t->tense_now = false;
    bool diverged = !health_is_finite(t) || exploded(t, COLUMN_LOSS) ||
                    (t->history.gap && exploded(t, t->history.gap));
    t->tense |= t->tense_now;
    if (diverged || limit == 0 || fabs(erg_trainer_get(t, "energy gap")) <= limit)
        return diverged;
    t->note[0] = 0;
    say(t, "after step %lld: the energy gap is %g", (long long)erg_trainer_steps(t),
        erg_trainer_get(t, "energy gap"));
    return true;
}

/* ------------------------------------------------------------------------------- good states */

static erg_status write_good(erg_trainer *t, const char *path) {
    erg_status status =
        erg_safetensors_write(path, t->good, (erg_safetensors_options){.checksum = 1});
    if (status == ERG_OK)
        t->saved = t->good_step;
    return status;
}

/* What comes is judged anew, from the good state on. */
static void forget_newer(erg_trainer *t) {
    erg_bundle_free(t->newer);
    t->newer = NULL;
    t->tense = t->tense_now = false;
}

erg_status erg_trainer_keep(erg_trainer *t) {
    erg_bundle *state = erg_checkpoint_take(t->graph, erg_trainer_kept(t));
    if (!state)
        return erg_error_status();
    erg_bundle_free(t->good);
    t->good = state;
    t->good_step = erg_trainer_steps(t);
    forget_newer(t);
    return ERG_OK;
}

bool erg_trainer_wants_good(const erg_trainer *t) {
    return t->options.rollback.times > 0 || t->options.saving.every > 0;
}

erg_status erg_trainer_went_well(erg_trainer *t) {
    const erg_saving *s = &t->options.saving;
    int64_t step = erg_trainer_steps(t);
    bool well = !t->tense, now = !t->tense_now;
    if (step % t->options.rollback.every || !erg_trainer_wants_good(t))
        return ERG_OK;
    erg_bundle *state = now ? erg_checkpoint_take(t->graph, erg_trainer_kept(t)) : NULL;
    if (now && !state)
        return erg_error_status();
    if (t->newer && well) {
        erg_bundle_free(t->good);
        t->good = t->newer;
        t->good_step = t->newer_step;
    } else {
        erg_bundle_free(t->newer);
    }
    t->newer = state;
    t->newer_step = step;
    t->tense = t->tense_now;
    return s->every && t->good_step - t->saved >= s->every ? write_good(t, s->path) : ERG_OK;
}

erg_status erg_trainer_save(erg_trainer *t, const char *path) {
    if (!t || !path)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer_save: no %s", t ? "path" : "trainer");
    erg_status status = erg_trainer_keep(t);
    return status ? status : write_good(t, path);
}

erg_status erg_trainer_load(erg_trainer *t, const char *path) {
    if (!t)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer_load: no trainer");
    erg_status status = erg_checkpoint_load(path, t->graph, erg_trainer_kept(t));
    if (status != ERG_OK)
        return status;
    erg_bundle_free(t->good); /* the next run begins with the state that was loaded */
    t->good = NULL;
    forget_newer(t);
    t->saved = erg_trainer_steps(t);
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- the way back */

/* The good state, with what is known since: one rollback more, or not, and steps so much smaller. */
static erg_status restore(erg_trainer *t, int more, double factor) {
    erg_node *steps[] = {t->rate_factor, t->options.rollback.step_size};
    double sizes[] = {1, 1};
    int rollbacks = t->rollbacks + more;
    for (int i = 0; i < 2 && steps[i]; i++)
        sizes[i] = factor * erg_tensor_get(erg_value(steps[i]), 0);
    erg_status status = erg_checkpoint_restore(t->good, t->graph, erg_trainer_kept(t));
    if (status != ERG_OK)
        return status;
    forget_newer(t);
    t->rollbacks = rollbacks;
    for (int i = 0; i < 2 && steps[i]; i++)
        erg_tensor_set(erg_value(steps[i]), 0, sizes[i]);
    return ERG_OK;
}

erg_status erg_trainer_go_back(erg_trainer *t) {
    const erg_rollback *r = &t->options.rollback;
    bool last = r->times < 0 || t->rollbacks >= r->times || t->hopeless;
    erg_status status = ERG_OK;
    if (r->times > 0)
        status = last ? restore(t, 0, 1) : restore(t, 1, r->factor);
    if (status != ERG_OK)
        return status;
    if (last && t->rollbacks)
        say(t, "; after %d rollbacks", t->rollbacks);
    if (last)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: %s", t->note);
    say(t, "; back to step %lld, learning rate times %g (%d of %d)", (long long)t->good_step,
        r->factor, t->rollbacks, r->times);
    if (t->options.report)
        t->stopped = t->options.report(t->options.self, t, t->note) != 0;
    return ERG_OK;
}

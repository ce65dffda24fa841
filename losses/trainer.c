/* trainer.c: the training loop. A step is
 *
 *     the next batch -> negatives by chains from it -> one run of the plan of a step,
 *
 * and everything else happens between steps. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer.h"

/* ------------------------------------------------------------------------------- making */

const char *erg_trainer_text(erg_graph *graph, const char *format, ...) {
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    char *text = length < 0 ? NULL : erg_graph_alloc(graph, (size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(list);
    return text;
}

static erg_status check_rates(const erg_trainer_options *o) {
    if (!(o->learning_rate >= 0 && isfinite(o->learning_rate)) || !(o->clip_norm >= 0) ||
        !(o->clip_value >= 0) || !(o->ema_decay >= 0 && o->ema_decay < 1))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "trainer: learning rate %g, clip %g and %g, decay of averages %g",
                        o->learning_rate, o->clip_norm, o->clip_value, o->ema_decay);
    if (o->learning_rate_node && erg_node_shape(o->learning_rate_node).ndim != 0)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: the learning rate must have shape ()");
    if (o->learning_rate_node && !o->step && !erg_value(o->learning_rate_node))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "trainer: a schedule of the learning rate needs the step "
                        "that it is made of");
    return ERG_OK;
}

static erg_status check_params(erg_node *loss, erg_node *const *params, int n) {
    char text[ERG_SHAPE_TEXT];
    if (!loss || !params || n < 1)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: no %s", loss ? "params" : "loss");
    if (erg_graph_error(erg_node_graph(loss)))
        return erg_fail(ERG_ERROR_GRAPH, "%s", erg_graph_error(erg_node_graph(loss)));
    if (erg_node_shape(loss).ndim != 0 || erg_node_dtype(loss) == ERG_INT32)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: a loss %s %s, must be a float ()",
                        erg_dtype_name(erg_node_dtype(loss)),
                        erg_shape_text(erg_node_shape(loss), text));
    for (int k = 0; k < n; k++)
        if (!erg_node_name(params[k]) || !erg_value(params[k]))
            return erg_fail(ERG_ERROR_ARGUMENT, "trainer: param number %d is no named leaf", k);
    return ERG_OK;
}

static erg_status check(erg_node *loss, erg_node *const *params, int n,
                        const erg_trainer_options *o) {
    erg_status status = check_params(loss, params, n);
    return status ? status : check_rates(o);
}

/* The data sets, the replay buffer, the history, and what the program adds. */
static erg_status gather_parts(erg_trainer *t) {
    const erg_checkpoint_options *also = &t->options.saving.also;
    const char *name = t->options.name;
    if (also->n_parts < 0 || (also->n_parts && !also->parts))
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: %d parts to be kept", also->n_parts);
    t->parts = erg_graph_alloc(t->graph, ((size_t)also->n_parts + 4) * sizeof *t->parts);
    if (!t->parts)
        return ERG_ERROR_MEMORY;
    for (int i = 0; i < also->n_parts; i++)
        t->parts[t->n_parts++] = also->parts[i];
    erg_dataset *data = t->options.batches.dataset, *held_out = t->options.validation.dataset;
    erg_replay *replay = erg_negatives_replay(t->options.negatives);
    const char *names[4];
    const char *const what[4] = {"data", "validation", "replay", "history"};
    for (int i = 0; i < 4; i++)
        if (!(names[i] = erg_trainer_text(t->graph, "%s.%s", name, what[i])))
            return ERG_ERROR_MEMORY;
    if (data)
        t->parts[t->n_parts++] = erg_dataset_part(data, names[0]);
    if (held_out)
        t->parts[t->n_parts++] = erg_dataset_part(held_out, names[1]);
    if (replay)
        t->parts[t->n_parts++] = erg_replay_part(replay, names[2]);
    t->parts[t->n_parts++] = erg_trainer_history_part(t, names[3]);
    return ERG_OK;
}

static void fill_defaults(erg_trainer_options *o) {
    o->name = o->name ? o->name : "trainer";
    o->learning_rate = erg_loss_option(o->learning_rate, 1e-3);
    o->rule.fn = o->rule.fn ? o->rule.fn : erg_adam_rule;
    o->validation.every = o->validation.every ? o->validation.every : 1000;
}

/* In the trainer's scope: the step, its plan and what it keeps. */
static erg_status build_step(erg_trainer *t) {
    erg_scope_push(t->graph, t->options.name);
    if (erg_graph_error(t->graph))
        return erg_fail(ERG_ERROR_GRAPH, "%s", erg_graph_error(t->graph));
    t->step =
        t->options.step ? t->options.step : erg_state(t->graph, "step", ERG_FLOAT64, ERG_SCALAR);
    t->rate_factor = erg_state(t->graph, "rate_factor", ERG_FLOAT64, ERG_SCALAR);
    if (t->rate_factor) {
        erg_tensor_fill(erg_value(t->rate_factor), 1);
        erg_trainer_build_update(t);
    }
    erg_scope_pop(t->graph);
    if (erg_graph_error(t->graph))
        return erg_fail(ERG_ERROR_GRAPH, "%s", erg_graph_error(t->graph));
    t->update = erg_compile(t->outputs, N_OUTPUTS);
    return t->update ? ERG_OK : erg_error_status();
}

static erg_status build(erg_trainer *t) {
    erg_status status = erg_trainer_check_batches(t);
    if (status == ERG_OK)
        status = gather_parts(t);
    if (status == ERG_OK)
        status = build_step(t);
    if (status == ERG_OK)
        status = erg_trainer_build_batches(t);
    if (status == ERG_OK)
        status = erg_trainer_build_history(t);
    return status ? status : erg_trainer_check_rollback(t);
}

erg_trainer *erg_trainer_new(erg_node *loss, erg_node *const *params, int n,
                             erg_trainer_options options) {
    if (check(loss, params, n, &options) != ERG_OK)
        return NULL;
    fill_defaults(&options);
    erg_trainer *t = calloc(1, sizeof *t);
    erg_node **kept = erg_graph_alloc(erg_node_graph(loss), (size_t)n * sizeof *kept);
    if (!t || !kept) {
        free(t);
        erg_fail(ERG_ERROR_MEMORY, "trainer: out of memory");
        return NULL;
    }
    memcpy(kept, params, (size_t)n * sizeof *kept);
    *t = (erg_trainer){
        .graph = erg_node_graph(loss), .options = options, .loss = loss, .params = kept, .n = n};
    if (build(t) == ERG_OK)
        return t;
    erg_trainer_free(t);
    return NULL;
}

void erg_trainer_free(erg_trainer *t) {
    if (!t)
        return;
    erg_plan_free(t->update);
    erg_plan_free(t->noise);
    erg_plan_free(t->health);
    erg_plan_free(t->validation);
    erg_tensor_free(t->history.rows);
    erg_bundle_free(t->good);
    erg_bundle_free(t->newer);
    free(t);
}

/* ------------------------------------------------------------------------------- looking */

erg_checkpoint_options erg_trainer_kept(const erg_trainer *t) {
    erg_checkpoint_options kept = t->options.saving.also;
    kept.parts = t->parts;
    kept.n_parts = t->n_parts;
    return kept;
}

void erg_trainer_look(erg_trainer *t, erg_plan *plan) {
    uint64_t runs = erg_graph_runs(t->graph);
    erg_run(plan);
    erg_graph_set_runs(t->graph, runs);
}

int64_t erg_trainer_steps(const erg_trainer *t) {
    return t ? (int64_t)erg_tensor_get(erg_value(t->step), 0) : 0;
}

int erg_trainer_rollbacks(const erg_trainer *t) {
    return t ? t->rollbacks : 0;
}

erg_ema *erg_trainer_ema(erg_trainer *t) {
    return t ? t->ema : NULL;
}

/* ------------------------------------------------------------------------------- running */

/* New negatives. That chains end where they are not finite is a divergence like any other. */
static erg_status run_negatives(erg_trainer *t, bool *diverged) {
    erg_negatives *negatives = t->options.negatives;
    erg_node *x = t->options.batches.x, *leaf = erg_negatives_x(negatives);
    if (!negatives)
        return ERG_OK;
    erg_status status = erg_negatives_run(negatives, x ? erg_value(x) : NULL);
    *diverged = status != ERG_OK && !erg_tensor_all_finite(erg_value(leaf));
    if (*diverged)
        erg_trainer_blame(t, "chains of negatives are not finite", &leaf, 1);
    return *diverged ? ERG_OK : status;
}

/* One run of the plan of a step, which has no effects if something is not finite. */
static bool update_diverged(erg_trainer *t) {
    uint64_t run = erg_graph_runs(t->graph);
    erg_run(t->update);
    bool loss = isfinite(erg_trainer_number(t->update, OUTPUT_LOSS));
    if (loss && isfinite(erg_trainer_number(t->update, OUTPUT_GRADIENT)))
        return false;
    erg_graph_set_runs(t->graph, run);
    erg_trainer_blame(t, loss ? "the gradient is not finite" : "the loss is not finite", t->outputs,
                      OUTPUT_GRADIENT + 1);
    return true;
}

/* What is only looked at. Health first: validation puts other data into the inputs. */
static erg_status look(erg_trainer *t, bool row_is_due) {
    if (row_is_due) {
        if (t->options.training)
            erg_tensor_fill(erg_value(t->options.training), 0);
        erg_trainer_look(t, t->health);
    }
    if (t->history.validation && erg_trainer_steps(t) % t->options.validation.every == 0)
        return erg_trainer_validate(t, &t->history.last_looked);
    return ERG_OK;
}

/* True if the row that ends here tells of a divergence. */
static bool row_diverged(erg_trainer *t) {
    erg_trainer_add_row(t);
    if (erg_trainer_row_diverged(t))
        return true;
    if (t->options.report)
        t->stopped = t->options.report(t->options.self, t, NULL) != 0;
    return false;
}

static erg_status make_step(erg_trainer *t) {
    bool diverged = false;
    erg_status status = erg_trainer_next_batch(t);
    if (status == ERG_OK)
        status = run_negatives(t, &diverged);
    if (status != ERG_OK)
        return status;
    if (diverged || update_diverged(t))
        return erg_trainer_go_back(t);
    bool due = erg_trainer_count(t, erg_trainer_number(t->update, OUTPUT_LOSS),
                                 erg_trainer_number(t->update, OUTPUT_GRADIENT));
    status = look(t, due);
    if (status != ERG_OK)
        return status;
    return due && row_diverged(t) ? erg_trainer_go_back(t) : erg_trainer_went_well(t);
}

static bool is_done(const erg_trainer *t, int64_t steps, int64_t epochs) {
    if (epochs >= 0)
        return erg_dataset_epoch(t->options.batches.dataset) >= epochs;
    return erg_trainer_steps(t) >= steps;
}

/* Until `steps` are done, or with epochs >= 0 about so many. */
static erg_status run(erg_trainer *t, int64_t steps, int64_t epochs) {
    bool missing = !t->good && erg_trainer_wants_good(t);
    erg_status status = missing ? erg_trainer_keep(t) : ERG_OK;
    trainer_progress progress = erg_trainer_progress_begin(t, steps);
    bool moved = false;
    t->stopped = false;
    while (status == ERG_OK && !t->stopped && !is_done(t, steps, epochs)) {
        status = make_step(t);
        erg_trainer_progress_show(&progress, t);
        moved = true;
    }
    erg_trainer_progress_end(&progress);
    if (status == ERG_OK && moved && t->options.saving.path)
        status = erg_trainer_save(t, t->options.saving.path);
    return status;
}

erg_status erg_trainer_run(erg_trainer *t, int64_t steps) {
    if (!t || steps < 0)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer_run: %s", t ? "negative count" : "no trainer");
    return run(t, steps, -1);
}

erg_status erg_trainer_run_epochs(erg_trainer *t, int64_t epochs) {
    erg_dataset *data = t ? t->options.batches.dataset : NULL;
    if (!data || epochs < 0)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer_run_epochs: %s",
                        !t     ? "no trainer"
                        : data ? "negative count"
                               : "no data set");
    int64_t batch = erg_node_shape(t->options.batches.x).dims[0];
    return run(t, epochs * (erg_dataset_size(data) / batch), epochs);
}

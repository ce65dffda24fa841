/* test_trainer_options.c: options and calls that make no sense are refused, in words that say what is
 * wrong; and the line on a terminal. */
#include "terminal.h"
#include "trainer_fit.h"

static double one(void *self) {
    (void)self;
    return 1;
}

static erg_node *nothing(void *self, const erg_update *update) {
    (void)self;
    return erg_assign(update->params[0], update->params[0]);
}

static const struct mistake {
    const char *message;
    erg_trainer_options options;
} mistakes[] = {
    {"learning rate -1", {.learning_rate = -1}},
    {"learning rate nan", {.learning_rate = NAN}},
    {"decay of averages 1", {.ema_decay = 1}},
    {"clip -1", {.clip_norm = -1}},
    {"the rule does not raise the step", {.rule = {nothing, NULL}}},
    {"sgd_rule: learning rate, gradients and step",
     {.rule = {erg_sgd_rule, &(erg_sgd_options){.learning_rate = 1}}}},
    {"sgd: momentum", {.rule = {erg_sgd_rule, &(erg_sgd_options){.momentum = -1}}}},
    {"noise -1 on the data", {.batches = {.noise = -1}}},
    {"kept in [1, 0]", {.batches = {.clamp_low = 1}}},
    {"noise on the data needs a float leaf", {.batches = {.noise = 1}}},
    {"validation every -1", {.validation = {.fn = one, .every = -1}}},
    {"with averages that there are not", {.validation = {.fn = one, .averages = 1}}},
    {"a history of 3 rows", {.history = {.capacity = 3}}},
    {"one in -1 steps", {.history = {.every = -1}}},
    {"with 1 columns more", {.history = {.n_columns = 1}}},
    {"column \"c\" must be a float ()",
     {.history = {.columns = &(erg_column){"c", NULL}, .n_columns = 1}}},
    {"a column without a name", {.history = {.loss_name = "a,b"}}},
    {"two columns \"step\"", {.history = {.loss_name = "step"}}},
    {"rollback every -1", {.rollback = {.every = -1}}},
    {"by factor 1", {.rollback = {.factor = 1}}},
    {"explosion 0.5", {.rollback = {.explosion = 0.5}}},
    {"a bound of the energy gap", {.rollback = {.gap = 1}}},
    {"health has an energy, but no data", {.health = {.energy = {quadratic, NULL}}}},
    {"saving every 5 steps to no path", {.saving = {.every = 5}}},
    {"1 parts to be kept", {.saving = {.also = {.n_parts = 1}}}},
    {"scope_push", {.name = "a/b"}},
};

START_TEST(mistakes_are_refused) {
    const struct mistake *m = &mistakes[_i];
    fit f = begin(1);
    erg_node *loss = erg_score_matching(f.energy, f.x);
    erg_fail(ERG_OK, "%s", "");
    ck_assert_ptr_null(erg_trainer_new(loss, &f.a, 1, m->options));
    ck_assert_msg(strstr(erg_error_message(), m->message), "\"%s\" lacks \"%s\"",
                  erg_error_message(), m->message);
    end(&f);
}
END_TEST

static void assert_said(bool refused, const char *message) {
    ck_assert_msg(refused && strstr(erg_error_message(), message), "\"%s\" lacks \"%s\"",
                  erg_error_message(), message);
}

START_TEST(wrong_calls_are_refused) {
    fit f = begin(1);
    erg_node *loss = erg_score_matching(f.energy, f.x),
             *step = erg_input(f.graph, "t", F64, ERG_SCALAR);
    const erg_trainer_options none = {0};
    assert_said(!erg_trainer_new(NULL, &f.a, 1, none), "no loss");
    assert_said(!erg_trainer_new(loss, NULL, 1, none), "no params");
    assert_said(!erg_trainer_new(f.x, &f.a, 1, none), "a loss float64 (4, 2)");
    assert_said(!erg_trainer_new(loss, &loss, 1, none), "param number 0 is no named leaf");
    assert_said(!erg_trainer_new(loss, &f.a, 1,
                                 (erg_trainer_options){.learning_rate_node =
                                                           erg_linear_schedule(step, 1, 0, 5)}),
                "a schedule of the learning rate needs the step");
    assert_said(!erg_trainer_new(loss, &f.a, 1, (erg_trainer_options){.batches.x = loss}),
                "must be leaves");
    assert_said(!erg_trainer_new(loss, &f.a, 1, (erg_trainer_options){.training = f.x}),
                "training must be an input of shape ()");
    assert_said(
        !erg_trainer_new(loss, &f.a, 1,
                         (erg_trainer_options){.name = "other", .rollback.step_size = step}),
        "step_size must be a float state ()");
    assert_said(erg_trainer_run(NULL, 1) < 0, "no trainer");
    assert_said(erg_trainer_run_epochs(NULL, 1) < 0, "no trainer");
    assert_said(erg_trainer_save(NULL, "x") < 0, "no trainer");
    assert_said(erg_trainer_load(NULL, "x") < 0, "no trainer");
    assert_said(!erg_trainer_history(NULL), "no trainer");
    assert_said(erg_trainer_write(NULL, "x") < 0, "no trainer");
    assert_said(erg_trainer_plot(NULL, NULL, 0, "x") < 0, "no trainer");
    ck_assert(isnan(erg_trainer_get(NULL, "loss")) && !erg_trainer_column(NULL, 0));
    ck_assert(!erg_trainer_ema(NULL) && !erg_trainer_steps(NULL) && !erg_trainer_rollbacks(NULL));
    make(&f, loss, none);
    assert_said(erg_trainer_run(f.trainer, -1) < 0, "negative count");
    assert_said(erg_trainer_save(f.trainer, NULL) < 0, "no path");
    assert_said(erg_trainer_load(f.trainer, NULL) < 0, "no path");
    assert_said(erg_trainer_load(f.trainer, "not/there") < 0, "not/there");
    assert_said(erg_trainer_write(f.trainer, NULL) < 0, "no path");
    assert_said(erg_trainer_plot(f.trainer, NULL, 1, "x") < 0, "no columns");
    ck_assert(!erg_trainer_ema(f.trainer) && !erg_trainer_column(f.trainer, -1));
    ck_assert(isnan(erg_trainer_get(f.trainer, "loss")));
    erg_trainer_free(NULL);
    end(&f);
}
END_TEST

/* ------------------------------------------------------------------------------- progress */

static int wait_a_little(void *self, erg_trainer *trainer, const char *note) {
    (void)self, (void)trainer, (void)note;
    usleep(200000);
    return 0;
}

/* Longer than the half second after which a line is shown. */
static void train_to(FILE *file) {
    persistent p = begin_persistent(
        (erg_trainer_options){.progress = file, .report = wait_a_little}, LANGEVIN_STEP);
    run(&p.fit, 40);
    end_persistent(&p);
}

START_TEST(progress_on_a_terminal) {
    char text[4096];
    if (!read_terminal(train_to, text))
        return;
    ck_assert_ptr_nonnull(strstr(text, "\rstep "));
    ck_assert_ptr_nonnull(strstr(text, " of 40, contrast (no measure of convergence) "));
    ck_assert_ptr_nonnull(strstr(text, ", energy gap "));
    ck_assert_ptr_nonnull(strstr(text, " s left"));
}
END_TEST

START_TEST(no_progress_in_files) {
    assert_silent(train_to);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("trainer_options");
    TCase *tests = tcase_create("options");
    tcase_add_loop_test(tests, mistakes_are_refused, 0, COUNT(mistakes));
    tcase_add_test(tests, wrong_calls_are_refused);
    tcase_add_test(tests, progress_on_a_terminal);
    tcase_add_test(tests, no_progress_in_files);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

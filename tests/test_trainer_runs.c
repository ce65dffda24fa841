/* test_trainer_runs.c: trainings that stop, go on, and go wrong. One that goes on from a checkpoint,
 * after a kill at any moment or at another number of threads, ends with the same bits as one that
 * never stopped. A divergence is undone, said, and named. */
#include <signal.h>
#include <sys/wait.h>

#include "faults.h"
#undef COUNT
#include "trainer_fit.h"

/* The bytes of a file. */
static char *read_all(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "no %s", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* Checkpoints hold everything, and the same bytes for the same content. */
static bool same_files(const char *a, const char *b) {
    size_t size, other;
    char *first = read_all(a, &size), *second = read_all(b, &other);
    bool same = size == other && memcmp(first, second, size) == 0;
    free(first);
    free(second);
    return same;
}

/* ------------------------------------------------------------------------------- going on */

enum { ALL = 300, JUMP_AT = 230, EVERY = 50 };
#define JUMP 1e4

/* Everything at once: averages, noise on the data, a history that is merged, and a learning rate that
 * jumps at one step, so that the training diverges and goes back, to a rate that is right there. */
static persistent begin_all(const char *path, int (*report)(void *, erg_trainer *, const char *),
                            void *self) {
    persistent p = open_persistent(LANGEVIN_STEP);
    erg_graph *g = p.fit.graph;
    erg_node *step = erg_state(g, "step", F64, ERG_SCALAR);
    erg_node *late = erg_greater_equal(step, erg_scalar(g, F64, JUMP_AT));
    erg_node *rate = erg_add_scalar(erg_mul_scalar(late, 0.01 * JUMP - 0.01), 0.01);
    make_persistent(
        &p, (erg_trainer_options){.learning_rate_node = rate,
                                  .step = step,
                                  .ema_decay = 0.9,
                                  .batches.noise = 0.1,
                                  .history = {.every = 2, .capacity = 60},
                                  .rollback = {.every = EVERY, .factor = 1 / JUMP, .gap = 1e6},
                                  .saving = {.path = path, .every = path ? EVERY : 0},
                                  .report = report,
                                  .self = self});
    return p;
}

/* Trains until a step; *from is a checkpoint to begin with, or NULL; path gets the end. */
static void train(const char *from, int64_t steps, const char *path) {
    persistent p = begin_all(path, NULL, NULL);
    if (from)
        ck_assert_msg(erg_trainer_load(p.fit.trainer, from) == ERG_OK, "%s", erg_error_message());
    run(&p.fit, steps);
    end_persistent(&p);
}

static int keep_note(void *self, erg_trainer *trainer, const char *note) {
    (void)trainer;
    if (note)
        snprintf(self, 1000, "%s", note);
    return 0;
}

START_TEST(divergence_is_undone) {
    char note[1000] = "";
    persistent p = begin_all(NULL, keep_note, note);
    run(&p.fit, ALL);
    ck_assert_int_eq(erg_trainer_rollbacks(p.fit.trainer), 1);
    ck_assert_ptr_nonnull(strstr(note, "back to step 150, learning rate times 0.0001 (1 of 3)"));
    ck_assert_double_eq_tol(erg_trainer_get(p.fit.trainer, "learning rate"), 0.01, 1e-12);
    ck_assert_double_eq_tol(a_of(&p.fit), 1, 0.3);
    end_persistent(&p);
}
END_TEST

START_TEST(stopped_and_resumed) {
    train(NULL, ALL, "whole");
    train(NULL, 131, "part");
    train("part", ALL, "resumed");
    ck_assert(same_files("whole", "resumed"));
    /* the twin: random numbers that do not go on */
    persistent p = begin_all("other", NULL, NULL);
    ck_assert_int_eq(erg_trainer_load(p.fit.trainer, "part"), ERG_OK);
    erg_graph_set_runs(p.fit.graph, 0);
    run(&p.fit, ALL);
    ck_assert(!same_files("whole", "other"));
    end_persistent(&p);
}
END_TEST

/* The same in one process: runs that do not save add up to one. */
START_TEST(runs_add_up) {
    train(NULL, ALL, "whole");
    persistent p = begin_all(NULL, NULL, NULL);
    for (int64_t steps = 7; steps < ALL; steps += 40)
        run(&p.fit, steps);
    run(&p.fit, ALL);
    ck_assert_int_eq(erg_trainer_save(p.fit.trainer, "pieces"), ERG_OK);
    ck_assert(same_files("whole", "pieces"));
    end_persistent(&p);
}
END_TEST

static int die_at_216(void *self, erg_trainer *trainer, const char *note) {
    (void)self, (void)note;
    if (erg_trainer_steps(trainer) == 216)
        raise(SIGKILL);
    return 0;
}

/* Killed after a checkpoint of step 150 was saved, the state that the divergence goes back to. */
START_TEST(killed_and_resumed) {
    int state;
    train(NULL, ALL, "whole");
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        persistent p = begin_all("killed", die_at_216, NULL);
        erg_trainer_run(p.fit.trainer, ALL);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL);
    persistent p = begin_all("killed", NULL, NULL);
    ck_assert_int_eq(erg_trainer_load(p.fit.trainer, "killed"), ERG_OK);
    ck_assert_int_eq(erg_trainer_steps(p.fit.trainer), 150);
    end_persistent(&p);
    train("killed", ALL, "resumed");
    ck_assert(same_files("whole", "resumed"));
}
END_TEST

START_TEST(any_number_of_threads) {
    ck_assert_int_eq(erg_set_threads(1), ERG_OK);
    train(NULL, ALL, "one");
    for (int threads = 2; threads <= 3; threads++) {
        ck_assert_int_eq(erg_set_threads(threads), ERG_OK);
        train(NULL, ALL, "many");
        ck_assert(same_files("one", "many"));
    }
}
END_TEST

START_TEST(other_checkpoints_are_refused) {
    train(NULL, 10, "kept");
    persistent p = begin_persistent((erg_trainer_options){0}, LANGEVIN_STEP);
    ck_assert_int_lt(erg_trainer_load(p.fit.trainer, "kept"), 0);
    ck_assert_int_eq(erg_trainer_steps(p.fit.trainer), 0);
    end_persistent(&p);
}
END_TEST

/* ------------------------------------------------------------------------------- going wrong */

/* loss = a - log a, least at a = 1; log is NaN where a step was too long. */
static fit begin_logarithm(double a, erg_trainer_options options) {
    fit f = begin(a);
    erg_scope_push(f.graph, "model");
    erg_node *loss = erg_sub(f.a, erg_name(erg_log(f.a), "logarithm"));
    erg_scope_pop(f.graph);
    options.rule.fn = erg_sgd_rule;
    make(&f, loss, options);
    return f;
}

/* From a = 2 the first step of rate 5 leads to -1/2; none of rate 5/4 does. */
START_TEST(first_bad_node_is_named) {
    char note[1000] = "";
    fit f = begin_logarithm(
        2, (erg_trainer_options){
               .learning_rate = 5, .rollback.factor = 0.25, .report = keep_note, .self = note});
    run(&f, 200);
    ck_assert_double_eq_tol(a_of(&f), 1, 1e-9);
    ck_assert_int_eq(erg_trainer_rollbacks(f.trainer), 1);
    ck_assert_ptr_nonnull(strstr(note, "log float64 () at model/logarithm"));
    ck_assert_ptr_nonnull(strstr(note, "back to step 0, learning rate times 0.25"));
    end(&f);
}
END_TEST

/* Without rollbacks the bad step itself is undone, and nothing else. */
START_TEST(bad_step_has_no_effects) {
    fit f = begin_logarithm(
        2, (erg_trainer_options){.learning_rate = 5, .ema_decay = 0.5, .rollback = {.times = -1}});
    ck_assert_int_lt(erg_trainer_run(f.trainer, 200), 0);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "after step 1: the loss is not finite"));
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "log float64 () at model/logarithm"));
    ck_assert_int_eq(erg_trainer_steps(f.trainer), 1);
    ck_assert_double_eq(a_of(&f), -0.5);
    ck_assert_double_eq(erg_tensor_get(erg_value(erg_trainer_ema(f.trainer)->averages[0]), 0),
                        0.5 * 2 - 0.5 * 0.5);
    end(&f);
}
END_TEST

/* Too far from the mark for two rollbacks: the last good state, and an error. */
START_TEST(rollbacks_come_to_an_end) {
    fit f = begin_logarithm(
        2, (erg_trainer_options){.learning_rate = 1e6, .rollback = {.times = 2, .factor = 0.1}});
    ck_assert_int_lt(erg_trainer_run(f.trainer, 200), 0);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "at model/logarithm; after 2 rollbacks"));
    ck_assert_double_eq(a_of(&f), 2);
    ck_assert_int_eq(erg_trainer_steps(f.trainer), 0);
    ck_assert_int_eq(erg_trainer_rollbacks(f.trainer), 2);
    end(&f);
}
END_TEST

/* A gradient that is not finite where the loss is: sqrt at 0. */
START_TEST(gradients_are_watched) {
    fit f = begin(0);
    make(&f, erg_sqrt(erg_abs(f.a)), (erg_trainer_options){.rollback = {.times = -1}});
    ck_assert_int_lt(erg_trainer_run(f.trainer, 1), 0);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "the gradient is not finite"));
    ck_assert_double_eq(a_of(&f), 0);
    end(&f);
}
END_TEST

/* Gradient descent on a^2 - 2 a at rate 1.5 doubles its distance in each step: finite for long. */
START_TEST(explosions_are_seen) {
    char note[1000] = "";
    const erg_trainer_options options = {
        .learning_rate = 1.5, .history.every = 1, .report = keep_note, .self = note};
    fit f = descend(2, options);
    run(&f, 200);
    ck_assert_ptr_nonnull(strstr(note, "in the first half of the steps it was"));
    ck_assert_int_eq(erg_trainer_rollbacks(f.trainer), 1);
    ck_assert_double_eq_tol(a_of(&f), 1, 1e-9);
    end(&f);
    erg_trainer_options blind = options;
    blind.rollback.explosion = INFINITY;
    f = descend(2, blind);
    run(&f, 200); /* the twin: not judged */
    ck_assert_double_gt(fabs(a_of(&f)), 1e30);
    end(&f);
}
END_TEST

/* From 1 + 1e-6 the distance 2^t 1e-6 makes row t + 1 tense at t = 22 (loss 16.6) and a divergence at
 * t = 24: the state of step 22, not yet known to be good at that time, is not gone back to. */
START_TEST(tense_states_are_not_good) {
    char note[1000] = "";
    fit f = descend(1 + 1e-6, (erg_trainer_options){.learning_rate = 1.5,
                                                    .history.every = 1,
                                                    .rollback.every = 1,
                                                    .report = keep_note,
                                                    .self = note});
    run(&f, 200);
    ck_assert_ptr_nonnull(strstr(note, "after step 25: loss is 280"));
    ck_assert_ptr_nonnull(strstr(note, "back to step 21,"));
    ck_assert_double_eq_tol(a_of(&f), 1, 1e-9);
    end(&f);
}
END_TEST

/* Only a contrast of energies may explode downward. */
START_TEST(losses_may_fall) {
    fit f = begin(1);
    make(&f, erg_neg(erg_exp(f.a)),
         (erg_trainer_options){.learning_rate = 0.1, .history.every = 1});
    run(&f, 200);
    ck_assert_double_lt(erg_trainer_get(f.trainer, "loss"), -1e6);
    ck_assert_int_eq(erg_trainer_rollbacks(f.trainer), 0);
    end(&f);
}
END_TEST

/* The step of the chains gets smaller with the learning rate. */
START_TEST(step_of_chains_shrinks) {
    fit f = begin(2);
    erg_node *size = erg_state(f.graph, "size", F64, ERG_SCALAR);
    erg_tensor_fill(erg_value(size), 3);
    make(&f, erg_sub(f.a, erg_log(f.a)),
         (erg_trainer_options){.rule.fn = erg_sgd_rule,
                               .learning_rate = 20,
                               .rollback = {.factor = 0.25, .step_size = size}});
    run(&f, 100);
    ck_assert_int_eq(erg_trainer_rollbacks(f.trainer), 2);
    ck_assert_double_eq(erg_tensor_get(erg_value(size), 0), 3.0 / 16);
    ck_assert_double_eq_tol(erg_trainer_get(f.trainer, "learning rate"), 20.0 / 16, 1e-12);
    end(&f);
}
END_TEST

/* Langevin steps far too long: chains leave all bounds before the first step of training. */
START_TEST(negatives_are_watched) {
    persistent p = begin_persistent((erg_trainer_options){.rollback = {.times = 1}}, 1e200);
    ck_assert_int_lt(erg_trainer_run(p.fit.trainer, 10), 0);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "chains of negatives are not finite"));
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "state float64 (256, 2) at chains"));
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "after 1 rollbacks"));
    end_persistent(&p);
}
END_TEST

/* No smaller step helps against data that is not finite. */
START_TEST(data_is_watched) {
    persistent p = open_persistent(LANGEVIN_STEP);
    erg_tensor_set(p.rows, 3, NAN);
    make_persistent(&p, (erg_trainer_options){0});
    ck_assert_int_lt(erg_trainer_run(p.fit.trainer, 10), 0);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "input float64 (4, 2) at x"));
    ck_assert_int_eq(erg_trainer_rollbacks(p.fit.trainer), 0);
    end_persistent(&p);
}
END_TEST

START_TEST(energy_gap_has_a_bound) {
    persistent p = begin_persistent(
        (erg_trainer_options){.learning_rate = 0.01, .rollback = {.gap = 1e-9}}, LANGEVIN_STEP);
    ck_assert_int_lt(erg_trainer_run(p.fit.trainer, 100), 0);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "after step 10: the energy gap is"));
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "after 3 rollbacks"));
    end_persistent(&p);
}
END_TEST

/* An energy that is not finite somewhere, though the loss, which does not look there, is. */
START_TEST(energies_are_watched) {
    persistent p = open_persistent(LANGEVIN_STEP);
    erg_node *far = erg_full(p.fit.graph, F64, ERG_SHAPE(1, 2), 1e300);
    make_persistent(&p, (erg_trainer_options){.health.reference = far, .rollback = {.times = 1}});
    ck_assert_int_lt(erg_trainer_run(p.fit.trainer, 100), 0);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "energies or weights are not finite"));
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "float64 (1, 2)"));
    end_persistent(&p);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("trainer_runs");
    TCase *tests = tcase_create("going on");
    tcase_add_checked_fixture(tests, enter_folder, leave_folder);
    tcase_add_test(tests, divergence_is_undone);
    tcase_add_test(tests, stopped_and_resumed);
    tcase_add_test(tests, runs_add_up);
    tcase_add_test(tests, killed_and_resumed);
    tcase_add_test(tests, any_number_of_threads);
    tcase_add_test(tests, other_checkpoints_are_refused);
    suite_add_tcase(suite, tests);
    tests = tcase_create("going wrong");
    tcase_add_test(tests, first_bad_node_is_named);
    tcase_add_test(tests, bad_step_has_no_effects);
    tcase_add_test(tests, rollbacks_come_to_an_end);
    tcase_add_test(tests, gradients_are_watched);
    tcase_add_test(tests, explosions_are_seen);
    tcase_add_test(tests, tense_states_are_not_good);
    tcase_add_test(tests, losses_may_fall);
    tcase_add_test(tests, step_of_chains_shrinks);
    tcase_add_test(tests, negatives_are_watched);
    tcase_add_test(tests, data_is_watched);
    tcase_add_test(tests, energy_gap_has_a_bound);
    tcase_add_test(tests, energies_are_watched);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

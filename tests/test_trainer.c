/* test_trainer.c: the training loop. It finds the closed-form optimum, and what it says it applies
 * (schedule, clipping, averages, noise) is applied as by hand; a twin that leaves it out must differ. */
#include "trainer_fit.h"

/* ------------------------------------------------------------------------------- the optimum */

/* a = 1 / s^2 with s = 1. The twin climbs. */
START_TEST(finds_the_optimum) {
    fit f = begin(0.5);
    make(&f, erg_score_matching(f.energy, f.x), (erg_trainer_options){.learning_rate = 0.1});
    run(&f, 500);
    ck_assert_double_eq_tol(a_of(&f), 1, 1e-6);
    end(&f);
    f = begin(0.5);
    make(&f, erg_neg(erg_score_matching(f.energy, f.x)),
         (erg_trainer_options){.learning_rate = 0.01});
    run(&f, 500);
    ck_assert_double_gt(fabs(a_of(&f) - 1), 1);
    end(&f);
}
END_TEST

/* The a at which chains of this step have the data's variance: 1 / (a (1 - a step / 2)) = 1. */
START_TEST(finds_the_likelihood) {
    persistent p = begin_persistent(
        (erg_trainer_options){.learning_rate = 0.01, .ema_decay = 0.998}, LANGEVIN_STEP);
    const erg_trainer *t = p.fit.trainer;
    run(&p.fit, 2000);
    erg_ema *ema = erg_trainer_ema(p.fit.trainer);
    double mean = erg_tensor_get(erg_value(ema->averages[0]), 0);
    ck_assert_double_eq_tol(mean, (1 - sqrt(1 - 2 * LANGEVIN_STEP)) / LANGEVIN_STEP, 0.03);
    ck_assert_int_eq(erg_trainer_history(t)->shape.dims[0], 200);
    ck_assert_str_eq(erg_trainer_column(t, 1), "contrast (no measure of convergence)");
    ck_assert_double_eq(erg_trainer_get(t, "step"), 2000);
    ck_assert_double_eq_tol(erg_trainer_get(t, "energy of data"), a_of(&p.fit), 1e-12);
    ck_assert_double_eq_tol(erg_trainer_get(t, "energy gap"), 0, 0.3);
    /* |a x| of two normal numbers of variance 1: the mean of a chi with two degrees of freedom */
    ck_assert_double_eq_tol(erg_trainer_get(t, "Langevin gradient norm"), sqrt(M_PI / 2), 0.25);
    ck_assert_double_eq(erg_trainer_get(t, "weight norm"), a_of(&p.fit));
    ck_assert_double_eq(erg_trainer_get(t, "replay age"),
                        erg_replay_mean_age(erg_negatives_replay(p.negatives)));
    end_persistent(&p);
}
END_TEST

/* ------------------------------------------------------------------------------- by hand */

enum { STEPS = 20 };

/* What gradient descent on a^2 - 2 a does, with what a trainer may add. */
typedef struct by_hand {
    double a, average;
} by_hand;

static by_hand descend_by_hand(double a, bool scheduled, double clip, double decay, bool after) {
    by_hand h = {a, a};
    for (int t = 0; t < STEPS; t++) {
        double gradient = 2 * h.a - 2, before = h.a;
        double rate = scheduled ? 0.1 - 0.1 * fmin(t / 15.0, 1) : 0.1;
        if (clip > 0 && fabs(gradient) > clip)
            gradient *= clip / (fabs(gradient) + 1e-6);
        h.a -= rate * gradient;
        h.average = decay * h.average + (1 - decay) * (after ? h.a : before);
    }
    return h;
}

START_TEST(schedule_is_applied) {
    fit f = begin(3);
    erg_node *step = erg_state(f.graph, "step", F64, ERG_SCALAR);
    make(&f, erg_score_matching(f.energy, f.x),
         (erg_trainer_options){.rule = {erg_sgd_rule, NULL},
                               .learning_rate_node = erg_linear_schedule(step, 0.1, 0, 15),
                               .step = step});
    run(&f, STEPS);
    ck_assert_double_eq_tol(a_of(&f), descend_by_hand(3, true, 0, 0, true).a, 1e-12);
    ck_assert_double_gt(fabs(a_of(&f) - descend_by_hand(3, false, 0, 0, true).a), 0.1);
    ck_assert_double_eq(erg_trainer_get(f.trainer, "learning rate"), 0);
    ck_assert_double_eq(erg_tensor_get(erg_value(step), 0), STEPS);
    end(&f);
}
END_TEST

START_TEST(gradients_are_clipped) {
    fit f = descend(3, (erg_trainer_options){.learning_rate = 0.1, .clip_norm = 1.5});
    run(&f, STEPS);
    ck_assert_double_eq_tol(a_of(&f), descend_by_hand(3, false, 1.5, 0, true).a, 1e-12);
    ck_assert_double_gt(fabs(a_of(&f) - descend_by_hand(3, false, 0, 0, true).a), 0.03);
    /* the history tells of the gradient as it was */
    ck_assert_double_eq(erg_tensor_get(erg_trainer_history(f.trainer), 2), 4);
    end(&f);
    f = descend(3, (erg_trainer_options){.learning_rate = 0.1, .clip_value = 1.5});
    run(&f, STEPS);
    ck_assert_double_eq_tol(a_of(&f), descend_by_hand(3, false, 1.5, 0, true).a, 1e-5);
    end(&f);
}
END_TEST

START_TEST(averages_are_kept) {
    fit f = descend(3, (erg_trainer_options){.learning_rate = 0.1, .ema_decay = 0.8});
    run(&f, STEPS);
    double average = erg_tensor_get(erg_value(erg_trainer_ema(f.trainer)->averages[0]), 0);
    ck_assert_double_eq_tol(average, descend_by_hand(3, false, 0, 0.8, true).average, 1e-12);
    ck_assert_double_gt(fabs(average - descend_by_hand(3, false, 0, 0.8, false).average), 1e-3);
    ck_assert_ptr_nonnull(erg_find(f.graph, "trainer/ema/a"));
    end(&f);
}
END_TEST

static erg_status refill(void *self, int64_t step) {
    const fit *f = self;
    ck_assert_int_eq(step, erg_trainer_steps(f->trainer));
    put_points(f);
    return ERG_OK;
}

/* With noise of deviation s on the data, score matching is least at a = 1 / (1 + s^2). */
static double optimum_with_noise(double noise, double clamp, double *mean_square) {
    fit f = begin(0.5);
    erg_node *square = erg_mean(erg_square(f.x), ERG_ALL, 0);
    make(&f, erg_score_matching(f.energy, f.x),
         (erg_trainer_options){.learning_rate = 0.01,
                               .ema_decay = 0.998,
                               .batches = {.x = f.x,
                                           .fill = refill,
                                           .self = &f,
                                           .noise = noise,
                                           .clamp_low = -clamp,
                                           .clamp_high = clamp},
                               .history = {.every = 1,
                                           .capacity = 4000,
                                           .columns = &(erg_column){"square", square},
                                           .n_columns = 1}});
    run(&f, 3000);
    const erg_tensor *rows = erg_trainer_history(f.trainer);
    int64_t width = rows->shape.dims[1];
    *mean_square = 0;
    for (int64_t i = 0; i < 3000; i++)
        *mean_square += erg_tensor_get(rows, i * width + width - 1) / 3000;
    double a = erg_tensor_get(erg_value(erg_trainer_ema(f.trainer)->averages[0]), 0);
    end(&f);
    return a;
}

/* 24,000 numbers 1 + 0.5 xi have a mean square of 1.25 with a standard error of 0.007. */
START_TEST(noise_is_added) {
    double square;
    ck_assert_double_eq_tol(optimum_with_noise(0.5, 0, &square), 0.8, 0.03);
    ck_assert_double_eq_tol(square, 1.25, 0.035);
    ck_assert_double_eq_tol(optimum_with_noise(0, 0, &square), 1, 0.01);
    ck_assert_double_eq_tol(square, 1, 1e-12);
    optimum_with_noise(0.5, 1, &square);
    ck_assert_double_lt(square, 0.85);
}
END_TEST

/* ------------------------------------------------------------------------------- rules */

#define BUILD(name, options)                                                                       \
    static erg_node *build_##name(erg_node *loss, erg_node *const *params, double rate) {          \
        erg_##options o = some_##options;                                                          \
        o.learning_rate = rate;                                                                    \
        return erg_##name(loss, params, 1, o);                                                     \
    }
static const erg_adam_options some_adam_options = {.beta1 = 0.5, .weight_decay = 0.1};
static const erg_sgd_options some_sgd_options = {.momentum = 0.5};
static const erg_rmsprop_options some_rmsprop_options = {.alpha = 0.9, .centred = 1};
static const erg_adagrad_options some_adagrad_options = {.rate_decay = 0.1};
BUILD(adam, adam_options)
BUILD(adamw, adam_options)
BUILD(sgd, sgd_options)
BUILD(rmsprop, rmsprop_options)
BUILD(adagrad, adagrad_options)

#define RULE(name, options)                                                                        \
    { #name, erg_##name##_rule, &some_##options, build_##name }
static const struct rule {
    const char *name;
    erg_node *(*rule)(void *, const erg_update *);
    const void *options;
    erg_node *(*build)(erg_node *loss, erg_node *const *params, double rate);
} rules[] = {RULE(adam, adam_options), RULE(adamw, adam_options), RULE(sgd, sgd_options),
             RULE(rmsprop, rmsprop_options), RULE(adagrad, adagrad_options)};

/* The steps of the optimiser that is named, with its options. */
START_TEST(rules_are_the_optimisers) {
    const struct rule *r = &rules[_i];
    fit f = begin(3);
    erg_node *loss = erg_score_matching(f.energy, f.x);
    erg_plan *plan = erg_compile((erg_node *[]){loss, r->build(loss, &f.a, 0.1)}, 2);
    ck_assert_ptr_nonnull(plan);
    for (int t = 0; t < STEPS; t++)
        erg_run(plan);
    double wanted = a_of(&f);
    erg_plan_free(plan);
    end(&f);
    f = descend(3, (erg_trainer_options){.learning_rate = 0.1,
                                         .rule = {r->rule, (void *)(uintptr_t)r->options}});
    run(&f, STEPS);
    ck_assert_msg(fabs(a_of(&f) - wanted) < 1e-14, "%s: %.17g by hand, %.17g", r->name, wanted,
                  a_of(&f));
    end(&f);
}
END_TEST

/* ------------------------------------------------------------------------------- looking */

static double one_more(void *self) {
    fit *f = self;
    return a_of(f) + 1;
}

/* What is held out: the node's mean over one epoch, with the averages in the place of the params. */
START_TEST(validation_is_of_the_averages) {
    fit f = begin(3);
    erg_tensor *rows = erg_tensor_new(F64, ERG_SHAPE(2 * POINTS, 2));
    for (int i = 0; i < 4 * POINTS; i++)
        erg_tensor_set(rows, i, i % 2 ? 2 : 0);
    erg_dataset *held_out = erg_dataset_new(rows, NULL, (erg_dataset_options){0});
    erg_node *node = erg_mean(erg_energy_apply(f.energy, f.x), ERG_ALL, 0);
    erg_node *training = erg_input(f.graph, "training", F64, ERG_SCALAR);
    node = erg_add(node, erg_mul_scalar(training, 1000));
    make(&f, erg_score_matching(f.energy, f.x),
         (erg_trainer_options){
             .rule = {erg_sgd_rule, NULL},
             .learning_rate = 0.1,
             .ema_decay = 0.8,
             .training = training,
             .batches = {.x = f.x, .fill = refill, .self = &f},
             .validation = {.node = node, .dataset = held_out, .every = 10, .averages = 1}});
    run(&f, STEPS);
    by_hand wanted = descend_by_hand(3, false, 0, 0.8, true);
    ck_assert_double_eq_tol(a_of(&f), wanted.a, 1e-12);
    ck_assert_double_eq_tol(erg_trainer_get(f.trainer, "validation"), 2 * wanted.average, 1e-12);
    ck_assert_int_eq(erg_dataset_epoch(held_out), 2);
    end(&f);
    erg_dataset_free(held_out);
    erg_tensor_free(rows);
    f = begin(3);
    make(&f, erg_score_matching(f.energy, f.x),
         (erg_trainer_options){.validation = {.fn = one_more, .self = &f, .every = 7}});
    run(&f, 6);
    ck_assert(isnan(erg_trainer_get(f.trainer, "validation")));
    run(&f, 7);
    double at_7 = a_of(&f) + 1;
    run(&f, 10);
    ck_assert_double_eq(erg_trainer_get(f.trainer, "validation"), at_7);
    end(&f);
}
END_TEST

/* Rows are merged when there are too many; no step is forgotten. */
START_TEST(history_has_a_size) {
    fit all = descend(3, (erg_trainer_options){.learning_rate = 0.01, .history = {.every = 1}});
    fit few = descend(
        3, (erg_trainer_options){.learning_rate = 0.01, .history = {.every = 1, .capacity = 8}});
    run(&all, 96);
    run(&few, 96);
    const erg_tensor *a = erg_trainer_history(all.trainer), *b = erg_trainer_history(few.trainer);
    int64_t width = a->shape.dims[1], n = b->shape.dims[0], each = 96 / n;
    ck_assert_int_eq(a->shape.dims[0], 96);
    ck_assert_int_eq(n, 6);
    for (int64_t i = 0; i < n; i++) {
        double mean = 0;
        for (int64_t k = 0; k < each; k++)
            mean += erg_tensor_get(a, (i * each + k) * width + 1) / (double)each;
        ck_assert_double_eq(erg_tensor_get(b, i * width), (double)((i + 1) * each));
        ck_assert_double_eq_tol(erg_tensor_get(b, i * width + 1), mean, 1e-12);
        ck_assert_double_eq(erg_tensor_get(b, i * width + 2), /* the greatest is the first */
                            erg_tensor_get(a, i * each * width + 2));
    }
    end(&all);
    end(&few);
}
END_TEST

static int stop_at_30(void *self, erg_trainer *trainer, const char *note) {
    ck_assert_ptr_null(note);
    ++*(int *)self;
    return erg_trainer_steps(trainer) == 30;
}

START_TEST(report_may_stop) {
    int calls = 0;
    fit f = descend(
        3, (erg_trainer_options){.learning_rate = 0.01, .report = stop_at_30, .self = &calls});
    ck_assert_int_eq(erg_trainer_run(f.trainer, 100), ERG_OK);
    ck_assert_int_eq(erg_trainer_steps(f.trainer), 30);
    ck_assert_int_eq(calls, 3);
    run(&f, 100); /* and may be asked to go on */
    ck_assert_int_eq(calls, 10);
    end(&f);
}
END_TEST

START_TEST(epochs_are_counted) {
    persistent p = begin_persistent((erg_trainer_options){0}, LANGEVIN_STEP);
    ck_assert_int_eq(erg_trainer_run_epochs(p.fit.trainer, 7), ERG_OK);
    ck_assert_int_eq(erg_dataset_epoch(p.data), 7);
    ck_assert_int_eq(erg_trainer_steps(p.fit.trainer), 7); /* one batch is all rows */
    ck_assert_int_eq(erg_trainer_run_epochs(p.fit.trainer, 7), ERG_OK);
    ck_assert_int_eq(erg_trainer_steps(p.fit.trainer), 7);
    end_persistent(&p);
    fit f = descend(3, (erg_trainer_options){0});
    ck_assert_int_lt(erg_trainer_run_epochs(f.trainer, 1), 0);
    end(&f);
}
END_TEST

/* ------------------------------------------------------------------------------- files */

START_TEST(history_goes_to_files) {
    char folder[] = "test_trainer-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    persistent p = begin_persistent((erg_trainer_options){.health.weights = 1}, LANGEVIN_STEP);
    const erg_trainer *t = p.fit.trainer;
    run(&p.fit, 50);
    snprintf(path, sizeof path, "%s/history.csv", folder);
    ck_assert_int_eq(erg_trainer_write(t, path), ERG_OK);
    erg_tensor *back = erg_csv_read(path);
    const erg_tensor *rows = erg_trainer_history(t);
    ck_assert(erg_shape_equal(back->shape, rows->shape));
    ck_assert_mem_eq(back->data, rows->data, (size_t)erg_tensor_size(rows) * sizeof(double));
    erg_tensor_free(back);
    remove(path);
    snprintf(path, sizeof path, "%s/history.png", folder);
    const char *const columns[] = {"loss", "energy gap", "|a|"};
    ck_assert_int_eq(erg_trainer_plot(t, columns, 3, path), ERG_OK);
    ck_assert_int_eq(remove(path), 0);
    ck_assert_int_lt(erg_trainer_plot(t, (const char *const[]){"nothing"}, 1, path), 0);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "no column \"nothing\""));
    ck_assert_int_eq(rmdir(folder), 0);
    end_persistent(&p);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("trainer");
    TCase *tests = tcase_create("training");
    tcase_add_test(tests, finds_the_optimum);
    tcase_add_test(tests, finds_the_likelihood);
    tcase_add_test(tests, schedule_is_applied);
    tcase_add_test(tests, gradients_are_clipped);
    tcase_add_test(tests, averages_are_kept);
    tcase_add_test(tests, noise_is_added);
    tcase_add_loop_test(tests, rules_are_the_optimisers, 0, COUNT(rules));
    suite_add_tcase(suite, tests);
    tests = tcase_create("looking");
    tcase_add_test(tests, validation_is_of_the_averages);
    tcase_add_test(tests, history_has_a_size);
    tcase_add_test(tests, report_may_stop);
    tcase_add_test(tests, epochs_are_counted);
    tcase_add_test(tests, history_goes_to_files);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* test_trainer.c: the training loop. It finds the closed-form optimum; what it says it applies
 * (schedule, clipping, averages, noise) is applied, which a twin that leaves it out shows; a run that
 * goes on from a checkpoint has the same bits as one that never stopped; a divergence is undone. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../losses/losses.h"

#define F64 ERG_FLOAT64

/* E(x) = a |x|^2 / 2 */
static erg_node *quadratic(void *a, erg_node *x) {
    return erg_mul(erg_mul_scalar(a, 0.5), erg_sum(erg_square(x), ERG_AXES(1), 0));
}

enum { POINTS = 4 };

/* A model and a trainer of it. Data of mean 0 and mean square 1 in each of two dimensions. */
typedef struct fit {
    erg_graph *graph;
    erg_node *a, *x;
    erg_energy energy;
    erg_trainer *trainer;
} fit;

static fit begin(double a) {
    static const double points[POINTS][2] = {{1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
    fit f = {.graph = erg_graph_new(3)};
    f.a = erg_param(f.graph, "a", F64, ERG_SCALAR);
    f.x = erg_input(f.graph, "x", F64, ERG_SHAPE(POINTS, 2));
    erg_tensor_fill(erg_value(f.a), a);
    for (int i = 0; i < 2 * POINTS; i++)
        erg_tensor_set(erg_value(f.x), i, points[i / 2][i % 2]);
    f.energy = (erg_energy){quadratic, f.a};
    return f;
}

static void end(fit *f) {
    erg_trainer_free(f->trainer);
    erg_graph_free(f->graph);
}

static double a_of(const fit *f) {
    return erg_tensor_get(erg_value(f->a), 0);
}

static void make(fit *f, erg_node *loss, erg_trainer_options options) {
    f->trainer = erg_trainer_new(loss, &f->a, 1, options);
    ck_assert_msg(f->trainer != NULL, "%s", erg_error_message());
}

static void run(fit *f, int64_t steps) {
    ck_assert_msg(erg_trainer_run(f->trainer, steps) == ERG_OK, "%s", erg_error_message());
    ck_assert_int_eq(erg_trainer_steps(f->trainer), steps);
}

/* ------------------------------------------------------------------------------- the optimum */

/* a = 1 / s^2 with s = 1. The twin climbs. */
START_TEST(finds_the_optimum) {
    fit f = begin(0.5);
    erg_node *loss = erg_score_matching(f.energy, f.x);
    make(&f, loss, (erg_trainer_options){.learning_rate = 0.1});
    run(&f, 500);
    ck_assert_double_eq_tol(a_of(&f), 1, 1e-6);
    end(&f);
    f = begin(0.5);
    loss = erg_neg(erg_score_matching(f.energy, f.x));
    make(&f, loss, (erg_trainer_options){.learning_rate = 0.01});
    run(&f, 500);
    ck_assert_double_gt(fabs(a_of(&f) - 1), 1);
    end(&f);
}
END_TEST

/* Persistent contrastive divergence, with everything that there is beside it. */
typedef struct persistent {
    fit fit;
    erg_negatives *negatives;
    erg_tensor *rows;
    erg_dataset *data;
} persistent;

enum { CHAINS = 256 };
#define LANGEVIN_STEP 0.1

static persistent begin_persistent(erg_trainer_options options) {
    persistent p = {.fit = begin(0.5)};
    fit *f = &p.fit;
    erg_node *chains = erg_state(f->graph, "chains", F64, ERG_SHAPE(CHAINS, 2));
    erg_node *next =
        erg_langevin(f->energy, chains, (erg_langevin_options){.step_size = LANGEVIN_STEP});
    p.negatives = erg_negatives_new(
        chains, next,
        (erg_negatives_options){
            .start = ERG_START_PERSISTENT, .steps = 5, .replay = {.capacity = 500, .seed = 4}});
    p.rows = erg_tensor_clone(erg_value(f->x));
    p.data = erg_dataset_new(p.rows, NULL, (erg_dataset_options){.seed = 5});
    options.negatives = p.negatives;
    options.batches.x = f->x;
    options.batches.dataset = p.data;
    options.health.energy = f->energy;
    erg_node *loss =
        erg_contrastive_divergence(f->energy, f->x, chains, (erg_contrastive_options){0});
    make(f, loss, options);
    return p;
}

static void end_persistent(persistent *p) {
    erg_trainer_free(p->fit.trainer);
    p->fit.trainer = NULL;
    erg_negatives_free(p->negatives);
    erg_dataset_free(p->data);
    erg_tensor_free(p->rows);
    end(&p->fit);
}

/* The a at which chains of this step have the data's variance: 1 / (a (1 - a step / 2)) = 1. */
START_TEST(finds_the_likelihood) {
    persistent p =
        begin_persistent((erg_trainer_options){.learning_rate = 0.01, .ema_decay = 0.998});
    run(&p.fit, 2000);
    erg_ema *ema = erg_trainer_ema(p.fit.trainer);
    double mean = erg_tensor_get(erg_value(ema->averages[0]), 0);
    ck_assert_double_eq_tol(mean, (1 - sqrt(1 - 2 * LANGEVIN_STEP)) / LANGEVIN_STEP, 0.03);
    const erg_tensor *history = erg_trainer_history(p.fit.trainer);
    ck_assert_int_eq(history->shape.dims[0], 200);
    ck_assert_str_eq(erg_trainer_column(p.fit.trainer, 1), "contrast (no measure of convergence)");
    ck_assert_double_eq(erg_trainer_get(p.fit.trainer, "step"), 2000);
    ck_assert_double_eq_tol(erg_trainer_get(p.fit.trainer, "energy of data"), a_of(&p.fit), 1e-12);
    ck_assert_double_eq_tol(erg_trainer_get(p.fit.trainer, "energy gap"), 0, 0.3);
    ck_assert_double_gt(erg_trainer_get(p.fit.trainer, "Langevin gradient norm"), 1);
    ck_assert_double_eq(erg_trainer_get(p.fit.trainer, "weight norm"), a_of(&p.fit));
    ck_assert_double_gt(erg_trainer_get(p.fit.trainer, "replay age"), 10);
    end_persistent(&p);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("trainer");
    TCase *tests = tcase_create("optimum");
    tcase_add_test(tests, finds_the_optimum);
    tcase_add_test(tests, finds_the_likelihood);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

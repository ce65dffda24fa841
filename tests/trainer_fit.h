/* trainer_fit.h: small models with trainers, for the tests of the training loop. */
#ifndef TESTS_TRAINER_FIT_H
#define TESTS_TRAINER_FIT_H

#include <stdio.h>
#include <unistd.h>

#include "modules.h"

#define F64 ERG_FLOAT64

/* E(x) = a |x|^2 / 2 */
static inline erg_node *quadratic(void *a, erg_node *x) {
    return erg_mul(erg_mul_scalar(a, 0.5), erg_sum(erg_square(x), ERG_AXES(1), 0));
}

enum { POINTS = 4 };

/* Data of mean 0 and mean square 1 in each of two dimensions: score matching and likelihood are
 * least at a = 1, where the former is a^2 - 2 a, of gradient 2 a - 2. */
typedef struct fit {
    erg_graph *graph;
    erg_node *a, *x;
    erg_energy energy;
    erg_trainer *trainer;
} fit;

static inline void put_points(const fit *f) {
    static const double points[POINTS][2] = {{1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
    for (int i = 0; i < 2 * POINTS; i++)
        erg_tensor_set(erg_value(f->x), i, points[i / 2][i % 2]);
}

static inline fit begin(double a) {
    fit f = {.graph = erg_graph_new(3)};
    f.a = erg_param(f.graph, "a", F64, ERG_SCALAR);
    f.x = erg_input(f.graph, "x", F64, ERG_SHAPE(POINTS, 2));
    erg_tensor_fill(erg_value(f.a), a);
    put_points(&f);
    f.energy = (erg_energy){quadratic, f.a};
    return f;
}

static inline void end(fit *f) {
    erg_trainer_free(f->trainer);
    erg_graph_free(f->graph);
}

static inline double a_of(const fit *f) {
    return erg_tensor_get(erg_value(f->a), 0);
}

static inline void make(fit *f, erg_node *loss, erg_trainer_options options) {
    f->trainer = erg_trainer_new(loss, &f->a, 1, options);
    ck_assert_msg(f->trainer != NULL, "%s", erg_error_message());
}

static inline void run(fit *f, int64_t steps) {
    ck_assert_msg(erg_trainer_run(f->trainer, steps) == ERG_OK, "%s", erg_error_message());
    ck_assert_int_eq(erg_trainer_steps(f->trainer), steps);
}

/* Exact score matching by gradient descent, unless the options say otherwise. */
static inline fit descend(double a, erg_trainer_options options) {
    fit f = begin(a);
    options.rule = options.rule.fn ? options.rule : (erg_update_rule){erg_sgd_rule, NULL};
    make(&f, erg_score_matching(f.energy, f.x), options);
    return f;
}

/* ------------------------------------------------------------------------------- persistent chains */

/* Persistent contrastive divergence. */
typedef struct persistent {
    fit fit;
    erg_node *chains;
    erg_negatives *negatives;
    erg_tensor *rows;
    erg_dataset *data;
} persistent;

enum { CHAINS = 256 };
#define LANGEVIN_STEP 0.1

static inline persistent open_persistent(double langevin_step) {
    persistent p = {.fit = begin(0.5)};
    fit *f = &p.fit;
    p.chains = erg_state(f->graph, "chains", F64, ERG_SHAPE(CHAINS, 2));
    erg_node *next =
        erg_langevin(f->energy, p.chains, (erg_langevin_options){.step_size = langevin_step});
    p.negatives = erg_negatives_new(
        p.chains, next,
        (erg_negatives_options){
            .start = ERG_START_PERSISTENT, .steps = 5, .replay = {.capacity = 500, .seed = 4}});
    p.rows = erg_tensor_clone(erg_value(f->x));
    p.data = erg_dataset_new(p.rows, NULL, (erg_dataset_options){.seed = 5});
    return p;
}

static inline void make_persistent(persistent *p, erg_trainer_options options) {
    fit *f = &p->fit;
    options.negatives = p->negatives;
    options.batches.x = f->x;
    options.batches.dataset = p->data;
    options.health.energy = f->energy;
    make(f, erg_contrastive_divergence(f->energy, f->x, p->chains, (erg_contrastive_options){0}),
         options);
}

static inline persistent begin_persistent(erg_trainer_options options, double langevin_step) {
    persistent p = open_persistent(langevin_step);
    make_persistent(&p, options);
    return p;
}

static inline void end_persistent(persistent *p) {
    erg_trainer_free(p->fit.trainer);
    p->fit.trainer = NULL;
    erg_negatives_free(p->negatives);
    erg_dataset_free(p->data);
    erg_tensor_free(p->rows);
    end(&p->fit);
}

#endif

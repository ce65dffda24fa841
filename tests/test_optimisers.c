/* test_optimisers.c: optimisers and schedules against PyTorch's numbers; clipping and weight decay
 * of gradients; sets of params: frozen, tied, copied, averaged. */
#include "descent.h"

enum { STEPS = 50, KEPT = 3, RATES = 40 };

typedef struct golden {
    const char *name;
    double params[2][KEPT * N]; /* float64, float32; after 1, 10 and 50 steps */
} golden;

typedef struct golden_rates {
    const char *name;
    double rates[RATES];
} golden_rates;

#include "golden_optimisers.h"

/* ------------------------------------------------------------------------------- PyTorch's steps */

#define CASE(name, optimiser, ...)                                                                 \
    static erg_node *name(problem p) {                                                             \
        return erg_##optimiser(p.loss, p.params, 2, (erg_##optimiser##_options){__VA_ARGS__});     \
    }
#define erg_adamw_options erg_adam_options
CASE(sgd, sgd, 0)
CASE(sgd_decay, sgd, .weight_decay = 0.3)
CASE(sgd_momentum, sgd, .momentum = 0.9)
CASE(sgd_dampening, sgd, .learning_rate = 2e-3, .momentum = 0.8, .dampening = 0.4)
CASE(sgd_nesterov, sgd, .momentum = 0.8, .nesterov = 1, .weight_decay = 0.1)
CASE(sgd_clip, sgd, .learning_rate = 0.05, .momentum = 0.5, .clip_norm = 0.7)
CASE(sgd_clip_value, sgd, .learning_rate = 0.01, .clip_value = 0.5)
CASE(sgd_clip_both, sgd, .learning_rate = 0.02, .weight_decay = 0.1, .clip_norm = 0.7,
     .clip_value = 0.5)
CASE(rmsprop, rmsprop, 0)
CASE(rmsprop_alpha, rmsprop, .learning_rate = 1e-3, .alpha = 0.9, .epsilon = 1e-3,
     .weight_decay = 0.2)
CASE(rmsprop_momentum, rmsprop, .learning_rate = 1e-3, .momentum = 0.7)
CASE(rmsprop_centred, rmsprop, .learning_rate = 1e-3, .alpha = 0.9, .epsilon = 1e-2, .centred = 1)
CASE(rmsprop_all, rmsprop, .learning_rate = 1e-3, .alpha = 0.9, .epsilon = 1e-2, .centred = 1,
     .momentum = 0.5, .weight_decay = 0.2, .clip_norm = 1)
CASE(adagrad, adagrad, 0)
CASE(adagrad_all, adagrad, .learning_rate = 0.1, .rate_decay = 0.05, .weight_decay = 0.1,
     .epsilon = 1e-3, .initial_sum = 0.2)
CASE(adam, adam, 0)
CASE(adam_betas, adam, .learning_rate = 0.01, .beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-3)
CASE(adam_memoryless, adam, .learning_rate = 0.01, .beta1 = ERG_ZERO)
CASE(adam_decay, adam, .learning_rate = 0.02, .weight_decay = 0.3, .clip_norm = 0.1)
CASE(adam_amsgrad, adam, .learning_rate = 0.05, .beta2 = 0.8, .amsgrad = 1)
CASE(adamw, adamw, 0)
CASE(adamw_decay, adamw, .learning_rate = 0.02, .weight_decay = 0.3)
CASE(adamw_amsgrad, adamw, .learning_rate = 0.02, .weight_decay = 0.1, .beta2 = 0.8, .amsgrad = 1)

static const struct {
    const char *name;
    erg_node *(*build)(problem p);
} optimisers[] = {
#define ROW(name)                                                                                  \
    { #name, name }
    ROW(sgd),          ROW(sgd_decay),       ROW(sgd_momentum),     ROW(sgd_dampening),
    ROW(sgd_nesterov), ROW(sgd_clip),        ROW(sgd_clip_value),   ROW(sgd_clip_both),
    ROW(rmsprop),      ROW(rmsprop_alpha),   ROW(rmsprop_momentum), ROW(rmsprop_centred),
    ROW(rmsprop_all),  ROW(adagrad),         ROW(adagrad_all),      ROW(adam),
    ROW(adam_betas),   ROW(adam_memoryless), ROW(adam_decay),       ROW(adam_amsgrad),
    ROW(adamw),        ROW(adamw_decay),     ROW(adamw_amsgrad),
};

/* Relative to max(1, |expected|). */
static double difference(double got, double expected) {
    return fabs(got - expected) / fmax(1, fabs(expected));
}

/* How far rounding to float32 takes PyTorch itself. */
static double rounding(const golden *g) {
    double worst = 0;
    for (int i = 0; i < KEPT * N; i++)
        worst = fmax(worst, difference(g->params[1][i], g->params[0][i]));
    return worst;
}

/* The largest difference of the params. */
static double distance(const golden *expected, int k, erg_dtype dtype) {
    problem p = make_problem(dtype);
    erg_node *step = optimisers[k].build(p);
    ck_assert_msg(step != NULL, "%s", erg_error_message());
    erg_plan *plan = erg_compile(&step, 1);
    const double *numbers = expected->params[dtype == ERG_FLOAT32];
    double worst = 0;
    for (int t = 1; t <= STEPS; t++) {
        erg_run(plan);
        for (int i = 0; i < N && (t == 1 || t == 10 || t == STEPS); i++, numbers++)
            worst = fmax(worst, difference(param_at(p, i), *numbers));
    }
    erg_plan_free(plan);
    erg_graph_free(p.graph);
    return worst;
}

START_TEST(optimisers_are_pytorchs) {
    ck_assert_int_eq(COUNT(golden_optimisers), COUNT(optimisers));
    const golden *expected = &golden_optimisers[_i];
    ck_assert_str_eq(optimisers[_i].name, expected->name);
    double far = distance(expected, _i, ERG_FLOAT64);
    ck_assert_msg(far < 1e-12, "%s: %g", expected->name, far);
    far = distance(expected, _i, ERG_FLOAT32);
    ck_assert_msg(far < fmax(1e-6, 3 * rounding(expected)), "%s in float32: %g", expected->name,
                  far);
}
END_TEST

/* No two of the cases are so close that one could stand for the other. */
START_TEST(optimisers_differ) {
    for (int k = 0; k < COUNT(optimisers); k++)
        if (k != _i)
            ck_assert_double_gt(distance(&golden_optimisers[_i], k, ERG_FLOAT64), 1e-10);
}
END_TEST

/* ------------------------------------------------------------------------------- schedules */

static erg_node *schedule(int k, erg_node *step) {
    switch (k) {
    case 0:
        return erg_step_schedule(step, 0.5, 7, 0.3);
    case 1:
        return erg_exponential_schedule(step, 0.5, 0.9);
    case 2:
        return erg_cosine_schedule(step, 0.5, 0.01, 25);
    case 3:
        return erg_linear_schedule(step, 0.05, 0.5, 12);
    case 4:
        return erg_one_cycle_schedule(step,
                                      (erg_one_cycle_options){.greatest = 0.5, .steps = RATES});
    default:
        return erg_one_cycle_schedule(step, (erg_one_cycle_options){.greatest = 0.4,
                                                                    .steps = RATES,
                                                                    .rise = 0.45,
                                                                    .first_divisor = 10,
                                                                    .last_divisor = 50,
                                                                    .linear = 1});
    }
}

/* The rate is read in the plan that counts the steps: p goes down by it, for a gradient of 1. */
START_TEST(schedules_are_pytorchs) {
    erg_graph *g = erg_graph_new(0);
    erg_node *p = number_param(g, "p", 0);
    erg_node *step = erg_state(g, "count", ERG_FLOAT64, ERG_SCALAR);
    erg_node *rate = schedule(_i, step);
    erg_node *update =
        erg_sgd(p, &p, 1, (erg_sgd_options){.learning_rate_node = rate, .step = step});
    erg_plan *plan = erg_compile(&update, 1);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    double before = 0;
    for (int t = 0; t < RATES; t++) {
        ck_assert_double_eq(erg_tensor_get(erg_value(step), 0), t);
        erg_run(plan);
        double now = erg_tensor_get(erg_value(p), 0);
        double expected = golden_schedules[_i].rates[t];
        ck_assert_msg(fabs(before - now - expected) < 1e-13, "%s, step %d: %.17g, not %.17g",
                      golden_schedules[_i].name, t, before - now, expected);
        before = now;
    }
    ck_assert_ptr_null(erg_find(g, "sgd/step"));
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* A warm-up is a product. */
START_TEST(schedules_multiply) {
    erg_graph *g = erg_graph_new(0);
    erg_node *step = number_input(g, 0);
    erg_node *rate =
        erg_mul(erg_linear_schedule(step, 0, 1, 4), erg_exponential_schedule(step, 2, 0.5));
    const double expected[] = {0, 0.25, 0.25, 0.1875, 0.125, 0.0625};
    for (int t = 0; t < COUNT(expected); t++) {
        erg_tensor_fill(erg_value(step), t);
        ck_assert_double_eq_tol(number_of(rate), expected[t], 1e-15);
    }
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- gradients */

START_TEST(gradients_are_clipped_and_decayed) {
    const double numbers[] = {3, 0, -4, 12}, params[] = {1, -1, 2, 10};
    erg_graph *g = erg_graph_new(0);
    erg_node *a = input_of(g, ERG_SHAPE(2), numbers), *b = input_of(g, ERG_SHAPE(2), numbers + 2);
    erg_node *at[] = {input_of(g, ERG_SHAPE(2), params), input_of(g, ERG_SHAPE(2), params + 2)};
    erg_node *tight[] = {a, b}, *loose[] = {a, b}, *cut[] = {a, b}, *decayed[] = {a, b};
    ck_assert_double_eq_tol(number_of(erg_clip_norm(tight, 2, 6.5)), 13, 1e-14);
    erg_clip_norm(loose, 2, 100);
    erg_clip_value(cut, 2, 3.5);
    erg_add_weight_decay(decayed, at, 2, 0.5);
    const double limited[] = {3, 0, -3.5, 3.5};
    for (int k = 0; k < 2; k++) {
        double *t = elements_of(tight[k]), *l = elements_of(loose[k]);
        double *c = elements_of(cut[k]), *d = elements_of(decayed[k]);
        for (int i = 0; i < 2; i++) {
            double own = numbers[2 * k + i];
            ck_assert_double_eq_tol(t[i], own * 6.5 / (13 + 1e-6), 1e-14);
            ck_assert_double_eq(l[i], own);
            ck_assert_double_eq(c[i], limited[2 * k + i]);
            ck_assert_double_eq(d[i], own + 0.5 * params[2 * k + i]);
        }
        free(t);
        free(l);
        free(c);
        free(d);
    }
    erg_graph_free(g);
}
END_TEST

/* With gradients given by the caller there is no loss: here they are doubled. */
START_TEST(gradients_can_be_given) {
    problem p = make_problem(ERG_FLOAT64), same = make_problem(ERG_FLOAT64);
    erg_node *gradients[2];
    erg_grad(erg_mul_scalar(p.loss, 0.5), p.params, 2, gradients);
    for (int k = 0; k < 2; k++)
        gradients[k] = erg_mul_scalar(gradients[k], 2);
    erg_node *steps[] = {erg_sgd(NULL, p.params, 2, (erg_sgd_options){.gradients = gradients}),
                         erg_sgd(same.loss, same.params, 2, (erg_sgd_options){0})};
    for (int k = 0; k < 2; k++) {
        erg_plan *plan = erg_compile(&steps[k], 1);
        erg_run_n(plan, 10);
        erg_plan_free(plan);
    }
    for (int i = 0; i < N; i++)
        ck_assert_double_eq_tol(param_at(p, i), param_at(same, i), 1e-15);
    erg_graph_free(p.graph);
    erg_graph_free(same.graph);
}
END_TEST

/* Gradients that are all the same have the variance 0, or a rounding error below it. */
START_TEST(centred_rmsprop_stays_finite) {
    erg_graph *g = erg_graph_new(0);
    erg_node *p = number_param(g, "p", 0);
    erg_node *loss = erg_mul_scalar(p, 0.1);
    erg_node *step = erg_rmsprop(loss, &p, 1, (erg_rmsprop_options){.alpha = 0.9, .centred = 1});
    erg_plan *plan = erg_compile(&step, 1);
    for (int t = 0; t < 1000; t++) {
        erg_run(plan);
        ck_assert(isfinite(erg_tensor_get(erg_value(p), 0)));
    }
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- sets of params */

static erg_mlp *small_net(erg_graph *g, const char *name) {
    return erg_mlp_new(g, name, (int64_t[]){2, 3, 2, 1}, 4,
                       (erg_mlp_options){.dtype = ERG_FLOAT64});
}

START_TEST(frozen_params_stay) {
    erg_graph *g = erg_graph_new(3);
    erg_mlp *net = small_net(g, "net");
    int all, n;
    erg_node **params = erg_params(g, "net/", &all);
    ck_assert_int_eq(all, 6);
    ck_assert_int_eq(erg_params_size(params, all), 9 + 8 + 3);
    erg_node **free_ones = erg_params_without(params, all, "net/1/", &n);
    ck_assert_int_eq(n, 4);
    double before[6];
    for (int k = 0; k < all; k++)
        before[k] = number_of(params[k]);
    erg_node *x = input_of(g, ERG_SHAPE(2, 2), (double[]){1, 2, 3, -4});
    erg_node *loss = erg_sum(erg_square(erg_mlp_apply(net, x)), ERG_ALL, 0);
    erg_node *step = erg_sgd(loss, free_ones, n, (erg_sgd_options){.learning_rate = 0.01});
    erg_plan *plan = erg_compile(&step, 1);
    erg_run(plan);
    for (int k = 0; k < all; k++)
        ck_assert((number_of(params[k]) == before[k]) == (k == 2 || k == 3));
    ck_assert_ptr_null(erg_params_without(params, all, "net", &n));
    ck_assert_int_eq(n, 0);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* y = W (W x): the derivative of the tied weight has both parts. */
START_TEST(tied_params_are_one) {
    erg_graph *g = erg_graph_new(4);
    erg_linear_options options = {.dtype = ERG_FLOAT64, .no_bias = 1};
    erg_linear *a = erg_linear_new(g, "a", 2, 2, options);
    erg_linear *b = erg_linear_new(g, "b", 2, 2, options);
    b->weight = erg_tie(b->weight, a->weight);
    int n;
    erg_node **params = erg_params(g, "", &n);
    ck_assert_int_eq(n, 1);
    ck_assert_ptr_eq(params[0], a->weight);
    ck_assert_ptr_null(erg_find(g, "b/weight"));
    ck_assert_ptr_null(erg_next_variable(g, a->weight));
    const double w[] = {1, 2, 0, 3}, x[] = {1, 1};
    for (int i = 0; i < 4; i++)
        erg_tensor_set(erg_value(a->weight), i, w[i]);
    erg_node *y = erg_linear_apply(b, erg_linear_apply(a, input_of(g, ERG_SHAPE(1, 2), x)));
    double *dw = elements_of(erg_gradient(erg_sum(y, ERG_ALL, 0), a->weight));
    const double expected[] = {4, 4, 8, 8}; /* 1 (W x)^T + W^T 1 x^T = [3 3; 3 3] + [1 1; 5 5] */
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq(dw[i], expected[i]);
    free(dw);
    erg_linear *c = erg_linear_new(g, "b", 2, 2, options);
    ck_assert_ptr_nonnull(c);
    erg_graph_free(g);
}
END_TEST

START_TEST(params_are_copied_between_graphs) {
    erg_graph *a = erg_graph_new(1), *b = erg_graph_new(2);
    erg_mlp *from = small_net(a, "net"), *to = small_net(b, "model");
    (void)to;
    erg_node *x = input_of(a, ERG_SHAPE(1, 2), (double[]){1, 2});
    double expected = number_of(erg_mlp_apply(from, x));
    int n;
    erg_node **params = erg_params(b, "model/", &n);
    ck_assert_int_eq(erg_params_copy(params, n, "model/", a, "net/"), ERG_OK);
    double got = number_of(erg_mlp_apply(to, input_of(b, ERG_SHAPE(1, 2), (double[]){1, 2})));
    ck_assert_double_eq(got, expected);

    erg_mlp *wide =
        erg_mlp_new(b, "wide", (int64_t[]){2, 3, 5, 1}, 4, (erg_mlp_options){.dtype = ERG_FLOAT64});
    double first = number_of(wide->layers[0]->weight);
    FAILS("\"net/1/weight\" is float64 (2, 3)",
          erg_params_copy(erg_params(b, "wide/", &n), n, "wide/", a, "net/"));
    ck_assert_double_eq(number_of(wide->layers[0]->weight), first);
    FAILS("no leaf \"nets/0/weight\"", erg_params_copy(params, n, "model/", a, "nets/"));
    FAILS("\"model/0/weight\" is no leaf \"mode/...\"",
          erg_params_copy(params, n, "mode/", a, "net/"));
    FAILS("no params", erg_params_copy(NULL, n, "", a, ""));
    FAILS("no graph", erg_params_copy(params, n, "", NULL, ""));
    erg_graph_free(a);
    erg_graph_free(b);
}
END_TEST

/* ------------------------------------------------------------------------------- averages */

/* In the optimiser's plan, of the params before or after the step. */
START_TEST(averages_follow) {
    const bool after = _i;
    problem p = make_problem(ERG_FLOAT64);
    erg_node *step = erg_sgd(p.loss, p.params, 2, (erg_sgd_options){.momentum = 0.5});
    erg_ema *ema =
        erg_ema_new(p.params, 2, (erg_ema_options){.decay = 0.75, .after = after ? step : NULL});
    ck_assert_msg(ema != NULL, "%s", erg_error_message());
    erg_node *both[] = {step, ema->update}, *all = erg_group(both, 2);
    ck_assert_ptr_eq(erg_after(step, ema->averages[0]), ema->averages[0]);
    ck_assert_ptr_ne(erg_after(all, ema->averages[0]), ema->averages[0]);
    ck_assert_ptr_eq(erg_after(all, p.params[1]), erg_after(step, p.params[1]));
    erg_plan *plan = erg_compile(&all, 1);
    double average[N], now[N];
    memcpy(average, start, sizeof average);
    for (int t = 0; t < 20; t++) {
        for (int i = 0; i < N; i++)
            now[i] = param_at(p, i);
        erg_run(plan);
        for (int i = 0; i < N; i++)
            average[i] = 0.75 * average[i] + 0.25 * (after ? param_at(p, i) : now[i]);
    }
    erg_node *const averages[] = {erg_find(p.graph, "ema/p"), erg_find(p.graph, "ema/net/q")};
    for (int i = 0; i < N; i++) {
        now[i] = param_at(p, i);
        double got = erg_tensor_get(erg_value(averages[i >= P]), i < P ? i : i - P);
        ck_assert_double_eq_tol(got, average[i], 1e-14);
    }
    for (int round = 0; round < 2; round++) {
        erg_ema_swap(ema);
        for (int i = 0; i < N; i++)
            ck_assert_double_eq_tol(param_at(p, i), round ? now[i] : average[i], 1e-14);
    }
    ck_assert_int_eq(erg_params_copy(p.params, 2, "", p.graph, "ema/"), ERG_OK);
    ck_assert_double_eq_tol(param_at(p, 5), average[5], 1e-14);
    erg_plan_free(plan);
    erg_graph_free(p.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(optimisers_refuse_misuse) {
    problem p = make_problem(ERG_FLOAT64);
    erg_graph *g = p.graph;
    erg_node *vector = input_of(g, ERG_SHAPE(2), NULL), *single = erg_scalar(g, ERG_FLOAT32, 0);
    erg_node *lacking[] = {p.params[0], NULL}, *other[] = {p.params[1], p.params[1]};
#define WITH(kind, ...) erg_##kind(p.loss, p.params, 2, (erg_##kind##_options){__VA_ARGS__})
    REFUSES(g, "sgd: momentum", WITH(sgd, .momentum = -1));
    REFUSES(g, "sgd: momentum", WITH(sgd, .momentum = 0.5, .dampening = NAN));
    REFUSES(g, "sgd: Nesterov", WITH(sgd, .nesterov = 1));
    REFUSES(g, "sgd: Nesterov", WITH(sgd, .nesterov = 1, .momentum = 0.5, .dampening = 0.1));
    REFUSES(g, "sgd: learning rate -1", WITH(sgd, .learning_rate = -1));
    REFUSES(g, "weight decay nan", WITH(sgd, .weight_decay = NAN));
    REFUSES(g, "clip", WITH(sgd, .clip_value = -1));
    REFUSES(g, "gradient number 1", WITH(sgd, .gradients = lacking));
    REFUSES(g, "(2, 2) of \"p\" (3)", WITH(sgd, .gradients = other));
    REFUSES(g, "sgd: momentum",
            erg_sgd(NULL, p.params, 2, (erg_sgd_options){.gradients = other, .momentum = -1}));
    REFUSES(g, "sgd: no loss", erg_sgd(NULL, p.params, 2, (erg_sgd_options){0}));
    REFUSES(g, "shape ()", WITH(sgd, .learning_rate_node = vector));
    REFUSES(g, "0-d float64", WITH(sgd, .step = vector));
    REFUSES(g, "0-d float64", WITH(sgd, .step = single));
    REFUSES(g, "assign", WITH(sgd, .step = erg_scalar(g, ERG_FLOAT64, 0)));
    REFUSES(g, "rmsprop: alpha 1", WITH(rmsprop, .alpha = 1));
    REFUSES(g, "rmsprop: alpha", WITH(rmsprop, .momentum = -0.5));
    REFUSES(g, "adagrad: rate decay -1", WITH(adagrad, .rate_decay = -1));
    REFUSES(g, "initial sum -1", WITH(adagrad, .initial_sum = -1));
    REFUSES(g, "adamw: weight decay -1",
            erg_adamw(p.loss, p.params, 2, (erg_adam_options){.weight_decay = -1}));
    FAILS_NULL("sgd: no params", erg_sgd(NULL, NULL, 2, (erg_sgd_options){0}));
    ck_assert_ptr_nonnull(WITH(sgd, 0));
    erg_graph_free(g);
}
END_TEST

START_TEST(schedules_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *step = number_input(g, 0), *vector = input_of(g, ERG_SHAPE(2), NULL);
    FAILS_NULL("step_schedule: no step", erg_step_schedule(NULL, 1, 1, 1));
    REFUSES(g, "shape ()", erg_cosine_schedule(vector, 1, 0, 3));
    REFUSES(g, "step_schedule: ", erg_step_schedule(step, 1, 0, 1));
    REFUSES(g, "exponential_schedule: ", erg_exponential_schedule(step, -1, 1));
    REFUSES(g, "exponential_schedule: ", erg_exponential_schedule(step, 1, NAN));
    REFUSES(g, "cosine_schedule: ", erg_cosine_schedule(step, 1, 0, -3));
    REFUSES(g, "linear_schedule: ", erg_linear_schedule(step, 1, INFINITY, 3));
    const erg_one_cycle_options bad[] = {{.greatest = 1},
                                         {.greatest = 1, .steps = 3},
                                         {.greatest = 1, .steps = 100, .rise = 1},
                                         {.greatest = 1, .steps = 100, .first_divisor = -1},
                                         {.greatest = NAN, .steps = 100}};
    for (int k = 0; k < COUNT(bad); k++)
        REFUSES(g, "one_cycle_schedule: ", erg_one_cycle_schedule(step, bad[k]));
    erg_graph_free(g);
}
END_TEST

static erg_node *first_after(void (*change)(erg_node **gradients), erg_node *x) {
    erg_node *gradients[] = {x, NULL};
    change(gradients);
    return gradients[0] == x ? NULL : x;
}
static void clip_value_of_null(erg_node **gradients) {
    erg_clip_value(gradients, 2, 1);
}
static void clip_value_by_nan(erg_node **gradients) {
    erg_clip_value(gradients, 1, NAN);
}
static void decay_without_params(erg_node **gradients) {
    erg_add_weight_decay(gradients, NULL, 1, 1);
}

START_TEST(sets_refuse_misuse) {
    erg_graph *g = erg_graph_new(0), *h = erg_graph_new(0);
    erg_node *p = number_param(g, "p", 1), *q = number_param(g, "q", 1);
    erg_node *wide = erg_param(g, "wide", ERG_FLOAT64, ERG_SHAPE(2));
    erg_node *elsewhere = number_param(h, "p", 1), *unnamed = number_input(g, 1);
    int n;
    REFUSES(g, "no prefix", erg_params_without(&p, 1, NULL, &n));
    REFUSES(g, "no count", erg_params_without(&p, 1, "", NULL));
    FAILS_NULL("no params", erg_params_without(NULL, 1, "", &n));
    ck_assert_int_eq(erg_params_size(NULL, 3), 0);
    REFUSES(g, "two params", erg_tie(p, unnamed));
    REFUSES(g, "two params", erg_tie(p, elsewhere));
    REFUSES(g, "\"wide\" is float64 (2), \"p\" float64 ()", erg_tie(wide, p));
    ck_assert_ptr_nonnull(erg_square(q));
    REFUSES(g, "\"q\" is used already", erg_tie(q, p));
    ck_assert_ptr_eq(erg_tie(p, q), q);
    REFUSES(g, "ema", erg_ema_new(&unnamed, 1, (erg_ema_options){0}));
    REFUSES(g, "decay 1", erg_ema_new(&q, 1, (erg_ema_options){.decay = 1}));
    FAILS_NULL("ema", erg_ema_new(NULL, 1, (erg_ema_options){0}));
    REFUSES(g, "'/'", erg_ema_new(&q, 1, (erg_ema_options){.name = "a/b"}));
    erg_ema_swap(NULL);
    REFUSES(g, "gradient number 1 is NULL", first_after(clip_value_of_null, unnamed));
    REFUSES(g, "clip_value: by nan", first_after(clip_value_by_nan, unnamed));
    FAILS_NULL("no params", first_after(decay_without_params, unnamed));
    FAILS_NULL("clip_norm: no gradients", erg_clip_norm(NULL, 2, 1));
    erg_graph_free(g);
    erg_graph_free(h);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("optimisers");
    TCase *steps = tcase_create("optimisers");
    tcase_add_loop_test(steps, optimisers_are_pytorchs, 0, COUNT(optimisers));
    tcase_add_loop_test(steps, optimisers_differ, 0, COUNT(optimisers));
    tcase_add_loop_test(steps, schedules_are_pytorchs, 0, COUNT(golden_schedules));
    tcase_add_test(steps, schedules_multiply);
    tcase_add_test(steps, gradients_are_clipped_and_decayed);
    tcase_add_test(steps, gradients_can_be_given);
    tcase_add_test(steps, centred_rmsprop_stays_finite);
    suite_add_tcase(suite, steps);
    TCase *params = tcase_create("params");
    tcase_add_test(params, frozen_params_stay);
    tcase_add_test(params, tied_params_are_one);
    tcase_add_test(params, params_are_copied_between_graphs);
    tcase_add_loop_test(params, averages_follow, 0, 2);
    suite_add_tcase(suite, params);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, optimisers_refuse_misuse);
    tcase_add_test(misuse, schedules_refuse_misuse);
    tcase_add_test(misuse, sets_refuse_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

/* test_contrastive.c: maximum likelihood with negatives: its gradient against closed forms, where
 * its chains start, and a training that must end where the equations say. */
#include "modules.h"

/* E = a |x|^2 / 2, the Gaussian N(0, I / a). */
static erg_node *quadratic(void *self, erg_node *x) {
    erg_node *square = erg_sum(erg_square(x), ERG_AXES(1), 0);
    return erg_mul(erg_mul_scalar(self, 0.5), square);
}

/* ------------------------------------------------------------------------------- closed forms */

/* With exact negatives z / sqrt(a), z standard normal, the gradient by a is
 * (mean |x|^2 - mean |z|^2 / a) / 2: no derivative passes through what made them. Its root is the
 * maximum of the likelihood, a = mean |z|^2 / mean |x|^2. */
enum { BATCH = 400, DIMS = 2 };

typedef struct fit {
    erg_graph *graph;
    erg_node *a, *data, *negatives;
    double data_square, noise_square; /* mean |x|^2, mean |z|^2 */
} fit;

static double mean_square(const erg_tensor *x) {
    double sum = 0;
    for (int i = 0; i < BATCH * DIMS; i++)
        sum += pow(erg_tensor_get(x, i), 2) / BATCH;
    return sum;
}

static fit new_fit(void) {
    fit f = {.graph = erg_graph_new(0)};
    f.a = number_param(f.graph, "a", 1);
    f.data = input_of(f.graph, ERG_SHAPE(BATCH, DIMS), NULL);
    erg_node *z = input_of(f.graph, ERG_SHAPE(BATCH, DIMS), NULL);
    ck_assert_int_eq(erg_random_normal(erg_value(f.data), (erg_random){.seed = 71}), ERG_OK);
    ck_assert_int_eq(erg_random_normal(erg_value(z), (erg_random){.seed = 72}), ERG_OK);
    for (int i = 0; i < BATCH * DIMS; i++)
        erg_tensor_set(erg_value(f.data), i, 1.5 * erg_tensor_get(erg_value(f.data), i));
    f.data_square = mean_square(erg_value(f.data));
    f.noise_square = mean_square(erg_value(z));
    f.negatives = erg_div(z, erg_sqrt(f.a));
    return f;
}

static erg_node *right(fit f) {
    return erg_contrastive_divergence((erg_energy){quadratic, f.a}, f.data, f.negatives,
                                      (erg_contrastive_options){0});
}

/* Mistakes: the sign, a factor, a derivative through the negatives, sums for means, mean over dims. */
static erg_node *mean_energy(fit f, erg_node *x) {
    return erg_mean(erg_energy_apply((erg_energy){quadratic, f.a}, x), ERG_ALL, 0);
}
static erg_node *swapped(fit f) {
    return erg_contrastive_divergence((erg_energy){quadratic, f.a}, f.negatives, f.data,
                                      (erg_contrastive_options){0});
}
static erg_node *through_negatives(fit f) {
    return erg_sub(mean_energy(f, f.data), mean_energy(f, f.negatives));
}
static erg_node *doubled(fit f) {
    return erg_mul_scalar(right(f), 2);
}
static erg_node *half_negatives(fit f) {
    erg_node *negatives = mean_energy(f, erg_stop_gradient(f.negatives));
    return erg_sub(mean_energy(f, f.data), erg_mul_scalar(negatives, 0.5));
}
static erg_node *summed(fit f) {
    return erg_mul_scalar(right(f), BATCH);
}
static erg_node *over_dims(fit f) {
    return erg_mul_scalar(right(f), 1.0 / DIMS);
}

/* Value and gradient at two places, and the root of the gradient by bisection. */
static bool is_likelihood(erg_node *loss, fit f) {
    erg_plan *plan = erg_compile((erg_node *[]){loss, erg_gradient(loss, f.a)}, 2);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    const double places[] = {0.3, 1.7};
    bool good = true;
    for (int k = 0; k < 2; k++) {
        double a = places[k];
        erg_tensor_fill(erg_value(f.a), a);
        erg_run(plan);
        double value = erg_tensor_get(erg_output(plan, 0), 0);
        double slope = erg_tensor_get(erg_output(plan, 1), 0);
        good = good && fabs(value - (a * f.data_square - f.noise_square) / 2) < 1e-10;
        good = good && fabs(slope - (f.data_square - f.noise_square / a) / 2) < 1e-10;
    }
    double low = 1e-2, high = 1e2;
    for (int k = 0; k < 60; k++) {
        double middle = (low + high) / 2;
        erg_tensor_fill(erg_value(f.a), middle);
        erg_run(plan);
        *(erg_tensor_get(erg_output(plan, 1), 0) < 0 ? &low : &high) = middle;
    }
    erg_plan_free(plan);
    return good && fabs(low - f.noise_square / f.data_square) < 1e-10;
}

static const struct {
    erg_node *(*loss)(fit f);
    bool right;
} losses[] = {
    {right, true},           {swapped, false}, {through_negatives, false}, {doubled, false},
    {half_negatives, false}, {summed, false},  {over_dims, false},
};

START_TEST(contrastive_divergence_is_the_likelihood) {
    fit f = new_fit();
    ck_assert(is_likelihood(losses[_i].loss(f), f) == losses[_i].right);
    erg_graph_free(f.graph);
}
END_TEST

START_TEST(no_derivative_passes_through_negatives) {
    erg_graph *g = erg_graph_new(0);
    erg_node *a = number_param(g, "a", 2);
    erg_node *data = input_of(g, ERG_SHAPE(2, 1), (double[]){1, 3});
    erg_node *source = input_of(g, ERG_SHAPE(3, 1), (double[]){1, 2, 3});
    for (int penalty = 0; penalty < 2; penalty++) {
        erg_node *loss =
            erg_contrastive_divergence((erg_energy){quadratic, a}, data, erg_square(source),
                                       (erg_contrastive_options){.energy_penalty = penalty});
        double *by_source = elements_of(erg_gradient(loss, source));
        double *by_data = elements_of(erg_gradient(loss, data));
        for (int i = 0; i < 3; i++)
            ck_assert_double_eq(by_source[i], 0);
        for (int i = 0; i < 2; i++)
            ck_assert_double_gt(fabs(by_data[i]), 0.5);
        free(by_source);
        free(by_data);
    }
    erg_graph_free(g);
}
END_TEST

/* alpha (mean E(data)^2 + mean E(negatives)^2): energies 1, 9 and 4, 16, 0. */
START_TEST(energy_penalty_has_its_value) {
    erg_graph *g = erg_graph_new(0);
    erg_energy energy = {quadratic, erg_scalar(g, ERG_FLOAT64, 2)};
    erg_node *data = input_of(g, ERG_SHAPE(2, 1), (double[]){1, 3});
    erg_node *negatives = input_of(g, ERG_SHAPE(3, 1), (double[]){2, 4, 0});
    erg_contrastive_options options = {0};
    double difference = 5 - 20.0 / 3;
    ck_assert_double_eq_tol(number_of(erg_contrastive_divergence(energy, data, negatives, options)),
                            difference, 1e-14);
    options.energy_penalty = 0.1;
    double size = (1 + 81) / 2.0 + (16 + 256) / 3.0;
    ck_assert_double_eq_tol(number_of(erg_contrastive_divergence(energy, data, negatives, options)),
                            difference + 0.1 * size, 1e-13);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- starts */

/* States from init: 100 times the call's number. The transition is x <- x + 1. */
static erg_status hundreds(void *self, erg_tensor *out, erg_random where) {
    (void)where;
    erg_tensor_fill(out, 100.0 * ++*(int *)self);
    return ERG_OK;
}

typedef struct chains {
    erg_graph *graph;
    erg_node *x;
    erg_negatives *negatives;
} chains;

static chains new_chains(erg_negatives_options options) {
    chains c = {.graph = erg_graph_new(0)};
    c.x = erg_input(c.graph, "x", ERG_FLOAT32, ERG_SHAPE(4, 2));
    c.negatives = erg_negatives_new(c.x, erg_add_scalar(c.x, 1), options);
    ck_assert_msg(c.negatives != NULL, "%s", erg_error_message());
    return c;
}

static void free_chains(chains c) {
    erg_negatives_free(c.negatives);
    erg_graph_free(c.graph);
}

static void check_states(chains c, double expected) {
    for (int i = 0; i < 8; i++)
        ck_assert_double_eq(erg_tensor_get(erg_value(c.x), i), expected);
}

START_TEST(chains_start_at_data) {
    chains c = new_chains((erg_negatives_options){.steps = 3});
    erg_tensor *data = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(4, 2));
    for (int round = 1; round < 4; round++) {
        erg_tensor_fill(data, 10 * round);
        ck_assert_int_eq(erg_negatives_run(c.negatives, data), ERG_OK);
        check_states(c, 10 * round + 3);
    }
    ck_assert_ptr_null(erg_negatives_replay(c.negatives));
    FAILS("no data", erg_negatives_run(c.negatives, NULL));
    erg_tensor *few = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(3, 2));
    FAILS("(3, 2)", erg_negatives_run(c.negatives, few));
    erg_tensor_free(few);
    erg_tensor_free(data);
    free_chains(c);
}
END_TEST

START_TEST(chains_start_at_noise) {
    int calls = 0;
    chains c = new_chains((erg_negatives_options){.start = ERG_START_NOISE,
                                                  .replay = {.init = hundreds, .self = &calls}});
    for (int round = 2; round < 6; round++) {
        ck_assert_int_eq(erg_negatives_run(c.negatives, NULL), ERG_OK);
        check_states(c, 100 * round + 20);
    }
    free_chains(c);
}
END_TEST

/* By default uniform noise in [-1, 1), of a seed, and new for every batch. */
START_TEST(noise_is_new_for_every_batch) {
    const erg_negatives_options options = {.start = ERG_START_NOISE, .replay.seed = 3, .steps = 1};
    chains a = new_chains(options), b = new_chains(options);
    double before = 0;
    for (int round = 0; round < 20; round++) {
        ck_assert_int_eq(erg_negatives_run(a.negatives, NULL), ERG_OK);
        ck_assert_int_eq(erg_negatives_run(b.negatives, NULL), ERG_OK);
        for (int i = 0; i < 8; i++) {
            double state = erg_tensor_get(erg_value(a.x), i);
            ck_assert(state >= 0 && state < 2);
            ck_assert_double_eq(state, erg_tensor_get(erg_value(b.x), i));
        }
        ck_assert_double_ne(before, erg_tensor_get(erg_value(a.x), 0));
        before = erg_tensor_get(erg_value(a.x), 0);
    }
    free_chains(a);
    free_chains(b);
}
END_TEST

/* As many slots as chains, and no restart: every chain goes on, in whatever row it comes back. */
START_TEST(persistent_chains_go_on) {
    int calls = 0;
    erg_negatives_options options = {
        .start = ERG_START_PERSISTENT,
        .steps = 5,
        .replay = {.capacity = 4, .restart = ERG_ZERO, .init = hundreds, .self = &calls}};
    chains c = new_chains(options);
    for (int round = 1; round < 5; round++) {
        ck_assert_int_eq(erg_negatives_run(c.negatives, NULL), ERG_OK);
        check_states(c, 100 + 5 * round);
        ck_assert_double_eq(erg_replay_mean_age(erg_negatives_replay(c.negatives)), round);
    }
    ck_assert_int_eq(calls, 1);
    free_chains(c);

    /* Of eight slots, the four of each batch are stored and the others kept. */
    options.replay.capacity = 8;
    calls = 0;
    c = new_chains(options);
    double sum = 0;
    for (int round = 1; round < 5; round++) {
        ck_assert_int_eq(erg_negatives_run(c.negatives, NULL), ERG_OK);
        const erg_tensor *slots = erg_replay_values(erg_negatives_replay(c.negatives));
        sum = 0;
        for (int i = 0; i < 16; i++)
            sum += erg_tensor_get(slots, i);
        ck_assert_double_eq(sum, 1600 + 40 * round);
    }
    free_chains(c);
}
END_TEST

/* x <- 1e30 x leaves float32's range in two steps; the buffer must not keep what came of it. */
START_TEST(lost_chains_are_refused) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = erg_input(g, "x", ERG_FLOAT32, ERG_SHAPE(4, 2));
    for (erg_start start = ERG_START_DATA; start <= ERG_START_PERSISTENT; start++) {
        erg_negatives *negatives = erg_negatives_new(
            x, erg_mul_scalar(x, 1e30),
            (erg_negatives_options){.start = start, .steps = 2, .replay.capacity = 6});
        erg_tensor *data = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(4, 2));
        erg_tensor_fill(data, 1);
        FAILS("not finite after 2 steps", erg_negatives_run(negatives, data));
        if (erg_negatives_replay(negatives))
            ck_assert(erg_tensor_all_finite(erg_replay_values(erg_negatives_replay(negatives))));
        erg_tensor_free(data);
        erg_negatives_free(negatives);
    }
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- a training */

/* Persistent CD with Langevin steps h on data of mean square m finds the a at which its chains,
 * whose stationary variance is 1 / (a (1 - a h / 2)), have the variance of the data:
 * m a (1 - a h / 2) = 1. The mean of a over the second half, against blocks of its own variation. */
typedef struct result {
    double mean, error; /* of a, one standard deviation */
} result;

static result train(double step, double sign) {
    enum { CHAINS = 256, BLOCKS = 16 };
    const int64_t updates = draws(2048, 256);
    erg_graph *g = erg_graph_new(73);
    erg_node *a = number_param(g, "a", 0.6);
    erg_energy energy = {quadratic, a};
    erg_node *x = input_of(g, ERG_SHAPE(CHAINS, 1), NULL);
    erg_node *data = input_of(g, ERG_SHAPE(2, 1), (double[]){1, -1});
    erg_node *next = erg_langevin(energy, x, (erg_langevin_options){.step_size = step});
    erg_negatives *negatives = erg_negatives_new(
        x, next,
        (erg_negatives_options){.start = ERG_START_PERSISTENT,
                                .steps = 10,
                                .replay = {.capacity = CHAINS, .restart = ERG_ZERO}});
    erg_node *loss = erg_contrastive_divergence(energy, data, x, (erg_contrastive_options){0});
    erg_node *effect =
        erg_adam(erg_mul_scalar(loss, sign), &a, 1, (erg_adam_options){.learning_rate = 0.02});
    erg_plan *plan = erg_compile(&effect, 1);
    ck_assert_msg(plan && negatives, "%s", erg_error_message());
    double blocks[BLOCKS] = {0}, mean = 0, spread = 0;
    for (int64_t t = 0; t < 2 * updates; t++) {
        if (erg_negatives_run(negatives, NULL) != ERG_OK)
            break;
        erg_run(plan);
        if (t >= updates)
            blocks[(t - updates) * BLOCKS / updates] +=
                erg_tensor_get(erg_value(a), 0) * BLOCKS / (double)updates;
    }
    for (int i = 0; i < BLOCKS; i++)
        mean += blocks[i] / BLOCKS;
    for (int i = 0; i < BLOCKS; i++)
        spread += pow(blocks[i] - mean, 2) / (BLOCKS - 1);
    erg_plan_free(plan);
    erg_negatives_free(negatives);
    erg_graph_free(g);
    return (result){mean, sqrt(spread / BLOCKS)};
}

/* t of 15 degrees at p = 1e-6, and an error small enough to mean something. */
static bool found(result r, double a) {
    return fabs(r.mean - a) < 7.64 * r.error && r.error < 0.01;
}

START_TEST(persistent_training_finds_its_optimum) {
    const double steps[] = {0.05, 0.2};
    for (int k = 0; k < 2; k++) {
        double h = steps[k], optimum = (1 - sqrt(1 - 2 * h)) / h;
        result r = train(h, 1);
        ck_assert_msg(found(r, optimum), "h = %g: a = %g +- %g, expected %g", h, r.mean, r.error,
                      optimum);
        ck_assert(!found(r, k ? 1 : 1.1));
    }
    ck_assert(!found(train(0.2, -1), (1 - sqrt(1 - 0.4)) / 0.2));
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(contrastive_refuses_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_energy energy = {quadratic, erg_scalar(g, ERG_FLOAT64, 1)};
    erg_node *x = input_of(g, ERG_SHAPE(4, 2), NULL), *flat = input_of(g, ERG_SHAPE(4), NULL);
    const erg_contrastive_options none = {0};
    const double bad[] = {-1, NAN, INFINITY};
    for (int i = 0; i < COUNT(bad); i++)
        REFUSES(g, "energy penalty",
                erg_contrastive_divergence(energy, x, x,
                                           (erg_contrastive_options){.energy_penalty = bad[i]}));
    REFUSES(g, "no function", erg_contrastive_divergence((erg_energy){0}, x, x, none));
    REFUSES(g, "axis", erg_contrastive_divergence(energy, flat, x, none));
    REFUSES(g, "axis", erg_contrastive_divergence(energy, x, flat, none));
    ck_assert_ptr_null(erg_contrastive_divergence(energy, NULL, x, none));
    ck_assert_ptr_null(erg_contrastive_divergence(energy, x, NULL, none));
    erg_graph_free(g);
}
END_TEST

START_TEST(negatives_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(4, 2), NULL), *next = erg_neg(x);
    erg_node *scalar = number_input(g, 1);
    const erg_negatives_options usual = {0};
    FAILS_NULL("value", erg_negatives_new(NULL, next, usual));
    FAILS_NULL("value", erg_negatives_new(next, next, usual));
    FAILS_NULL("batch axis", erg_negatives_new(scalar, scalar, usual));
    FAILS_NULL("steps", erg_negatives_new(x, next, (erg_negatives_options){.steps = -1}));
    FAILS_NULL("unknown start 9", erg_negatives_new(x, next, (erg_negatives_options){.start = 9}));
    FAILS_NULL(
        "4 chains, but the replay buffer has 3",
        erg_negatives_new(
            x, next, (erg_negatives_options){.start = ERG_START_PERSISTENT, .replay.capacity = 3}));
    FAILS_NULL("restart", erg_negatives_new(x, next,
                                            (erg_negatives_options){.start = ERG_START_PERSISTENT,
                                                                    .replay.restart = 2}));
    REFUSES(g, "assign", erg_negatives_new(x, erg_select(x, 1, 0), usual));
    REFUSES(g, "NULL", erg_negatives_new(x, NULL, usual));
    FAILS("no negatives", erg_negatives_run(NULL, NULL));
    ck_assert_ptr_null(erg_negatives_replay(NULL));
    erg_negatives_free(NULL);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("contrastive");
    TCase *loss = tcase_create("loss");
    tcase_add_loop_test(loss, contrastive_divergence_is_the_likelihood, 0, COUNT(losses));
    tcase_add_test(loss, no_derivative_passes_through_negatives);
    tcase_add_test(loss, energy_penalty_has_its_value);
    tcase_add_test(loss, contrastive_refuses_misuse);
    suite_add_tcase(suite, loss);
    TCase *negatives = tcase_create("negatives");
    tcase_add_test(negatives, chains_start_at_data);
    tcase_add_test(negatives, chains_start_at_noise);
    tcase_add_test(negatives, noise_is_new_for_every_batch);
    tcase_add_test(negatives, persistent_chains_go_on);
    tcase_add_test(negatives, lost_chains_are_refused);
    tcase_add_test(negatives, negatives_refuse_misuse);
    suite_add_tcase(suite, negatives);
    TCase *training = tcase_create("training");
    tcase_add_test(training, persistent_training_finds_its_optimum);
    suite_add_tcase(suite, training);
    return run_suite(suite);
}

/* test_persistent.c: what keeps persistent chains moving, fast weights and tempering, and where
 * contrastive divergence leads: to the likelihood of a machine whose states can be counted. */
#include "likelihood.h"

/* ------------------------------------------------------------------------------- fast weights */

/* A gradient g that stays the same: f = -rate g (1 + decay + decay^2 + ...). */
START_TEST(fast_weights_follow_their_rule) {
    erg_graph *g = erg_graph_new(0);
    erg_node *a = number_param(g, "a", 1), *rate = number_input(g, 0.2);
    erg_node *data = input_of(g, ERG_SHAPE(1, 1), (double[]){1});
    erg_node *negatives = input_of(g, ERG_SHAPE(1, 1), (double[]){3});
    erg_fast_weights *fast = erg_fast_weights_new(g, "fast", &a, 1);
    erg_node *loss = erg_contrastive_divergence((erg_energy){quadratic, a}, data, negatives,
                                                (erg_contrastive_options){0});
    erg_node *update = erg_fast_weights_update(
        fast, loss, (erg_fast_weights_options){.learning_rate_node = rate, .decay = 0.5});
    erg_plan *plan = erg_compile((erg_node *[]){update, fast->sums[0]}, 2);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    ck_assert_str_eq(erg_node_name(fast->fast[0]), "fast/a");
    double expected = 0;
    for (int t = 0; t < 5; t++) {
        erg_run(plan);
        ck_assert_double_eq_tol(erg_tensor_get(erg_output(plan, 1), 0), 1 + expected, 1e-14);
        expected = 0.5 * expected - 0.2 * (1 - 9) / 2;
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(fast->fast[0]), 0), expected, 1e-14);
        ck_assert_double_eq(erg_tensor_get(erg_value(a), 0), 1);
    }
    erg_plan_free(plan);
    /* Defaults: decay .95, rate .01. */
    update = erg_fast_weights_update(fast, loss, (erg_fast_weights_options){0});
    plan = erg_compile(&update, 1);
    erg_run(plan);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(fast->fast[0]), 0), 0.95 * expected + 0.04,
                            1e-14);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- an exact RBM */

enum { VISIBLE = 3, HIDDEN = 2, STATES = 1 << VISIBLE };

static erg_rbm *small_rbm(erg_graph *g) {
    const double w[] = {-.5, .25, 0, -.5, .5, 0}, b[] = {-.125, 0, .125}, c[] = {.25, -.25};
    erg_rbm *rbm = erg_rbm_new(g, "rbm", VISIBLE, HIDDEN, (erg_rbm_options){.dtype = ERG_FLOAT64});
    ck_assert_ptr_nonnull(rbm);
    memcpy(erg_value(rbm->weight)->data, w, sizeof w);
    memcpy(erg_value(rbm->visible_bias)->data, b, sizeof b);
    memcpy(erg_value(rbm->hidden_bias)->data, c, sizeof c);
    return rbm;
}

/* Row v of all states, its bits. */
static erg_node *all_states(erg_graph *g) {
    double bits[STATES][VISIBLE];
    for (int v = 0; v < STATES; v++)
        for (int i = 0; i < VISIBLE; i++)
            bits[v][i] = v >> i & 1;
    return input_of(g, ERG_SHAPE(STATES, VISIBLE), bits[0]);
}

/* The kernel of a sweep of Gibbs sampling, P[v][u] = sum_h p(h | v) p(u | h). */
static void gibbs_kernel(erg_graph *g, const erg_rbm *rbm, double p[STATES][STATES]) {
    double bits[1 << HIDDEN][HIDDEN];
    for (int h = 0; h < 1 << HIDDEN; h++)
        for (int j = 0; j < HIDDEN; j++)
            bits[h][j] = h >> j & 1;
    double *up = elements_of(erg_rbm_hidden(rbm, all_states(g)));
    double *down =
        elements_of(erg_rbm_visible(rbm, input_of(g, ERG_SHAPE(1 << HIDDEN, HIDDEN), bits[0])));
    for (int v = 0; v < STATES; v++)
        for (int u = 0; u < STATES; u++) {
            p[v][u] = 0;
            for (int h = 0; h < 1 << HIDDEN; h++) {
                double path = 1;
                for (int j = 0; j < HIDDEN; j++)
                    path *= bits[h][j] > 0 ? up[v * HIDDEN + j] : 1 - up[v * HIDDEN + j];
                for (int i = 0; i < VISIBLE; i++) {
                    double on = down[h * VISIBLE + i];
                    path *= u >> i & 1 ? on : 1 - on;
                }
                p[v][u] += path;
            }
        }
    free(up);
    free(down);
}

/* The mean of CD-k's gradient by the weights: data {0, 5}, negatives k sweeps from there, weighted
 * by their exact probabilities. Less the gradient of the likelihood, its largest element. */
static double distance_to_likelihood(int sweeps, double sign) {
    erg_graph *g = erg_graph_new(0);
    erg_rbm *rbm = small_rbm(g);
    erg_energy energy = {erg_rbm_energy, rbm};
    double p[STATES][STATES], weight[STATES] = {[0] = 0.5, [5] = 0.5};
    gibbs_kernel(g, rbm, p);
    for (int k = 0; k < sweeps; k++) {
        double next[STATES] = {0};
        for (int v = 0; v < STATES; v++)
            for (int u = 0; u < STATES; u++)
                next[u] += weight[v] * p[v][u];
        memcpy(weight, next, sizeof next);
    }
    erg_node *states = all_states(g), *v = input_of(g, ERG_SHAPE(1, VISIBLE), NULL);
    erg_node *data = erg_slice(states, 0, 0, 6, 5);
    erg_node *loss = erg_mul_scalar(
        erg_contrastive_divergence(energy, data, v, (erg_contrastive_options){0}), sign);
    erg_node *likelihood = erg_add(mean(erg_energy_apply(energy, data)), erg_rbm_log_z(rbm));
    double *exact = elements_of(erg_gradient(likelihood, rbm->weight));
    erg_node *slope = erg_gradient(loss, rbm->weight);
    erg_plan *plan = erg_compile(&slope, 1);
    double sum[VISIBLE * HIDDEN] = {0}, worst = 0;
    for (int u = 0; u < STATES; u++) {
        for (int i = 0; i < VISIBLE; i++)
            erg_tensor_set(erg_value(v), i, u >> i & 1);
        erg_run(plan);
        for (int i = 0; i < VISIBLE * HIDDEN; i++)
            sum[i] += weight[u] * erg_tensor_get(erg_output(plan, 0), i);
    }
    for (int i = 0; i < VISIBLE * HIDDEN; i++)
        worst = fmax(worst, fabs(sum[i] - exact[i]));
    erg_plan_free(plan);
    free(exact);
    erg_graph_free(g);
    return worst;
}

START_TEST(likelihood_is_the_limit_of_cd) {
    ck_assert_double_lt(distance_to_likelihood(60, 1), 1e-12);
    double before = distance_to_likelihood(1, 1);
    ck_assert_double_gt(before, 1e-4);
    for (int k = 2; k < 6; k++) {
        double after = distance_to_likelihood(k, 1);
        ck_assert_double_lt(after, before / 2);
        before = after;
    }
    ck_assert_double_gt(distance_to_likelihood(60, -1), 1e-2);
}
END_TEST

/* Persistent chains with fast weights learn a distribution of three patterns with probability 1/4
 * each and 1/20 for the other five. The surprise by enumeration is at best the entropy of the data,
 * 1.7886, that of a machine which has learned nothing log 8 = 2.08. */
static double trained_surprise(double sign) {
    enum { PARTICLES = 200, DATA = 20 };
    const int patterns[] = {0, 3, 6};
    double rows[DATA][VISIBLE];
    for (int i = 0; i < DATA; i++)
        for (int j = 0; j < VISIBLE; j++)
            rows[i][j] = (i < STATES ? i : patterns[i % 3]) >> j & 1;
    erg_graph *g = erg_graph_new(92);
    erg_rbm *rbm =
        erg_rbm_new(g, "rbm", VISIBLE, 4, (erg_rbm_options){.dtype = ERG_FLOAT64, .std = 0.5});
    erg_node *params[] = {rbm->weight, rbm->visible_bias, rbm->hidden_bias};
    erg_fast_weights *fast = erg_fast_weights_new(g, "fast", params, 3);
    erg_rbm moving = {fast->sums[0], fast->sums[1], fast->sums[2], NULL};
    erg_node *data = input_of(g, ERG_SHAPE(DATA, VISIBLE), rows[0]);
    erg_node *v = erg_state(g, "v", ERG_FLOAT64, ERG_SHAPE(PARTICLES, VISIBLE));
    erg_node *next = erg_rbm_sample_visible(&moving, erg_rbm_sample_hidden(&moving, v));
    erg_energy energy = {erg_rbm_energy, rbm};
    erg_node *loss = erg_contrastive_divergence(energy, data, next, (erg_contrastive_options){0});
    erg_node *outputs[] = {
        erg_assign(v, next),
        erg_fast_weights_update(fast, loss, (erg_fast_weights_options){.learning_rate = 0.05}),
        erg_adam(erg_mul_scalar(loss, sign), params, 3,
                 (erg_adam_options){.learning_rate = 0.005})};
    erg_plan *plan = erg_compile(outputs, 3);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    erg_run_n(plan, draws(6000, 2000));
    double surprise = number_of(erg_add(mean(erg_energy_apply(energy, data)), erg_rbm_log_z(rbm)));
    erg_plan_free(plan);
    erg_graph_free(g);
    return surprise;
}

START_TEST(fast_weights_train_a_machine) {
    double entropy = 0.75 * log(4) + 0.25 * log(20), surprise = trained_surprise(1);
    ck_assert_msg(surprise > entropy && surprise < entropy + 0.05, "%g", surprise);
    ck_assert_double_gt(trained_surprise(-1), log(8));
}
END_TEST

/* ------------------------------------------------------------------------------- tempering */

/* E = 10 (x^2 - 1)^2 - b x on data of which nine in ten are at 1, the others at -1. Chains that start
 * at 1 do not cross the barrier in the time of a training, so that b runs away to push them; with
 * hotter chains beside them, of which the first rows are the negatives, it is found: the mean of x
 * under the model, by quadrature, is that of the data. */
enum { LEVELS = 5, ROWS = 60 };
static const double RATIO = 0.5; /* of one inverse temperature to the next */

static erg_node *wells(void *self, erg_node *x) {
    erg_node *wall = erg_mul_scalar(erg_square(erg_add_scalar(erg_square(x), -1)), 10);
    return erg_sum(erg_sub(wall, erg_mul(self, x)), ERG_AXES(1), 0);
}

/* Langevin at each beta, then swaps of neighbours. x: `levels` nodes (ROWS, 1). */
static void move(erg_energy energy, erg_node **x, int levels) {
    erg_graph *g = erg_node_graph(x[0]);
    for (int k = 0; k < levels; k++) {
        erg_node *beta = erg_scalar(g, ERG_FLOAT64, pow(RATIO, k));
        erg_energy tempered = erg_energy_tempered(g, energy, erg_reciprocal(beta));
        for (int step = 0; step < 4; step++)
            x[k] = erg_langevin(tempered, x[k], (erg_langevin_options){.step_size = 0.005});
    }
    for (int k = 0; k + 1 < levels; k++) {
        erg_node *gap = erg_sub(erg_energy_apply(energy, x[k]), erg_energy_apply(energy, x[k + 1]));
        erg_node *ratio = erg_mul_scalar(gap, pow(RATIO, k) - pow(RATIO, k + 1));
        erg_node *u = erg_log(erg_uniform(g, ERG_FLOAT64, ERG_SHAPE(ROWS)));
        erg_node *swap = erg_unsqueeze(erg_less(u, ratio), 1), *cold = x[k];
        x[k] = erg_where(swap, x[k + 1], cold);
        x[k + 1] = erg_where(swap, cold, x[k + 1]);
    }
}

static double mean_of_wells(double b) {
    double z = 0, sum = 0;
    for (double x = -3; x < 3; x += 1e-3) {
        double p = exp(-10 * pow(x * x - 1, 2) + b * x);
        z += p;
        sum += x * p;
    }
    return sum / z;
}

static double trained_mean(int levels) {
    erg_graph *g = erg_graph_new(103);
    erg_node *b = number_param(g, "b", 0), *data = input_of(g, ERG_SHAPE(10, 1), NULL);
    for (int i = 0; i < 10; i++)
        erg_tensor_set(erg_value(data), i, i ? 1 : -1);
    erg_energy energy = {wells, b};
    erg_node *x = erg_state(g, "x", ERG_FLOAT64, ERG_SHAPE(levels * ROWS, 1)), *parts[LEVELS];
    erg_tensor_fill(erg_value(x), 1);
    for (int k = 0; k < levels; k++)
        parts[k] = erg_slice(x, 0, k * ROWS, (k + 1) * ROWS, 1);
    move(energy, parts, levels);
    erg_node *loss =
        erg_contrastive_divergence(energy, data, parts[0], (erg_contrastive_options){0});
    erg_node *outputs[] = {
        erg_assign(x, erg_concat(parts, levels, 0)),
        erg_adam(loss, &b, 1, (erg_adam_options){.learning_rate = 0.02, .beta1 = ERG_ZERO})};
    erg_plan *plan = erg_compile(outputs, 2);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    const int64_t updates = draws(4000, 3000);
    erg_run_n(plan, updates / 2);
    double found = 0;
    for (int64_t t = 0; t < updates / 2; t++) {
        erg_run(plan);
        found += erg_tensor_get(erg_value(b), 0) * 2 / (double)updates;
    }
    erg_plan_free(plan);
    erg_graph_free(g);
    return mean_of_wells(found);
}

START_TEST(tempered_chains_cross_barriers) {
    ck_assert_double_eq_tol(trained_mean(LEVELS), 0.8, 0.05);
    ck_assert_double_gt(fabs(trained_mean(1) - 0.8), 0.08);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("persistent");
    TCase *tests = tcase_create("persistent");
    tcase_add_test(tests, fast_weights_follow_their_rule);
    tcase_add_test(tests, likelihood_is_the_limit_of_cd);
    tcase_add_test(tests, fast_weights_train_a_machine);
    tcase_add_test(tests, tempered_chains_cross_barriers);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

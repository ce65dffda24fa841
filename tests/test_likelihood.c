/* test_likelihood.c: losses of likelihood type where the answer is known: their gradients against
 * closed forms, exact samples standing in for chains; with losses that are wrong in one place, which
 * must fail the same check. */
#include "modules.h"

static erg_node *labels_of(erg_graph *graph, int n, const int *labels) {
    erg_node *node = erg_input(graph, NULL, ERG_INT32, ERG_SHAPE(n));
    for (int i = 0; i < n; i++)
        erg_tensor_set(erg_value(node), i, labels[i]);
    return node;
}

static erg_node *normal_leaf(erg_graph *graph, erg_shape shape, uint64_t seed) {
    erg_node *x = input_of(graph, shape, NULL);
    ck_assert_int_eq(erg_random_normal(erg_value(x), (erg_random){.seed = seed}), ERG_OK);
    return x;
}

/* E = a |x|^2 / 2, the Gaussian N(0, I / a). */
static erg_node *quadratic(void *self, erg_node *x) {
    return erg_mul(erg_mul_scalar(self, 0.5), erg_sum(erg_square(x), ERG_AXES(1), 0));
}

static erg_node *mean(erg_node *x) {
    return erg_mean(x, ERG_ALL, 0);
}

static double slope_of(erg_node *loss, erg_node *a) {
    ck_assert_msg(loss != NULL, "%s", erg_error_message());
    return number_of(erg_gradient(loss, a));
}

/* ------------------------------------------------------------------------------- labels */

/* E(x, y) = a_y |x|^2 / 2: by a_c the gradient is the share of label c's squares in the data minus
 * that in the negatives. */
static erg_node *labelled(void *self, erg_node *x, erg_node *label) {
    erg_node *a = erg_take(self, label, 0);
    return erg_mul(erg_mul_scalar(a, 0.5), erg_sum(erg_square(x), ERG_AXES(1), 0));
}

typedef struct pairs {
    erg_pair_energy energy;
    erg_node *data, *labels, *negatives, *negative_labels;
} pairs;

static erg_node *right_labels(pairs p) {
    return erg_conditional_contrastive_divergence(p.energy, p.data, p.labels, p.negatives,
                                                  p.negative_labels, (erg_contrastive_options){0});
}
static erg_node *swapped_pairs(pairs p) {
    return erg_conditional_contrastive_divergence(p.energy, p.negatives, p.negative_labels, p.data,
                                                  p.labels, (erg_contrastive_options){0});
}
static erg_node *labels_of_the_data(pairs p) {
    p.negative_labels = p.labels;
    return right_labels(p);
}
static erg_node *doubled_pairs(pairs p) {
    return erg_mul_scalar(right_labels(p), 2);
}
static erg_node *summed_pairs(pairs p) {
    return erg_mul_scalar(right_labels(p), 4);
}
static erg_node *no_negatives(pairs p) {
    return mean(erg_pair_energy_apply(p.energy, p.data, p.labels));
}

static const struct {
    erg_node *(*loss)(pairs p);
    bool right;
} pair_losses[] = {
    {right_labels, true},   {swapped_pairs, false}, {labels_of_the_data, false},
    {doubled_pairs, false}, {summed_pairs, false},  {no_negatives, false},
};

START_TEST(labels_choose_the_energy) {
    erg_graph *g = erg_graph_new(0);
    erg_node *a = input_of(g, ERG_SHAPE(2), (double[]){0.7, 1.9});
    pairs p = {.energy = {labelled, a},
               .data = input_of(g, ERG_SHAPE(4, 1), (double[]){1, 2, 3, 4}),
               .labels = labels_of(g, 4, (int[]){0, 1, 1, 0}),
               .negatives = input_of(g, ERG_SHAPE(4, 1), (double[]){5, 6, 7, 8}),
               .negative_labels = labels_of(g, 4, (int[]){0, 0, 1, 0})};
    double *slopes = elements_of(erg_gradient(pair_losses[_i].loss(p), a));
    const double by_0 = (1 + 16) / 8.0 - (25 + 36 + 64) / 8.0, by_1 = (4 + 9) / 8.0 - 49 / 8.0;
    bool good = fabs(slopes[0] - by_0) < 1e-13 && fabs(slopes[1] - by_1) < 1e-13;
    ck_assert(good == pair_losses[_i].right);
    free(slopes);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- latent */

/* E(x, z) = (x - w z)^2 / 2 + z^2 / 2: p(x) = N(0, 1 + w^2), and z given x is
 * N(w x / (1 + w^2), 1 / (1 + w^2)). Mean +- deviation are two points with the right moments. */
static erg_node *latent(void *self, erg_node *x, erg_node *z) {
    erg_node *miss = erg_square(erg_sub(x, erg_mul(self, z)));
    return erg_mul_scalar(erg_sum(erg_add(miss, erg_square(z)), ERG_AXES(1), 0), 0.5);
}

/* d/dw of 1/2 log(1 + w^2) + x^2 / 2 (1 + w^2), averaged over x = +-spread. */
static double latent_slope(double w, double spread) {
    double v = 1 + w * w;
    return w / v - spread * spread * w / (v * v);
}

static double latent_estimate(double w, double spread, double posterior_shift) {
    erg_graph *g = erg_graph_new(0);
    erg_node *weight = number_input(g, w);
    double v = 1 + w * w, m = posterior_shift * w * spread / v, s = sqrt(1 / v);
    erg_node *data = input_of(g, ERG_SHAPE(4, 1), (double[]){spread, spread, -spread, -spread});
    erg_node *z = input_of(g, ERG_SHAPE(4, 1), (double[]){m + s, m - s, -m + s, -m - s});
    erg_node *prior_z = input_of(g, ERG_SHAPE(4, 1), (double[]){1, 1, -1, -1});
    erg_node *x = input_of(g, ERG_SHAPE(4, 1), (double[]){w + 1, w - 1, -w + 1, -w - 1});
    erg_node *loss = erg_conditional_contrastive_divergence(
        (erg_pair_energy){latent, weight}, data, z, x, prior_z, (erg_contrastive_options){0});
    double slope = slope_of(loss, weight);
    erg_graph_free(g);
    return slope;
}

START_TEST(latent_gradient_is_the_likelihoods) {
    const double weights[] = {0.3, 1, 2.5};
    for (int k = 0; k < 3; k++) {
        double w = weights[k], expected = latent_slope(w, 2);
        ck_assert_double_eq_tol(latent_estimate(w, 2, 1), expected, 1e-13);
        ck_assert_double_gt(fabs(latent_estimate(w, 2, 0) - expected), 1e-2);
    }
    ck_assert_double_eq_tol(latent_estimate(sqrt(3), 2, 1), 0, 1e-13); /* 1 + w^2 = 2^2 */
}
END_TEST

/* Both chains by Langevin: z on E(x, .), and pairs on E, side by side. The gradient averaged over
 * chains and time, at the optimum and away from it, within the bias of the step. */
static double chain_slope(double w, double step) {
    enum { CHAINS = 200 };
    const int64_t burn = 400, runs = draws(4000, 400);
    erg_graph *g = erg_graph_new(91);
    erg_node *weight = number_input(g, w);
    erg_pair_energy energy = {latent, weight};
    erg_node *data = input_of(g, ERG_SHAPE(CHAINS, 1), NULL);
    for (int i = 0; i < CHAINS; i++)
        erg_tensor_set(erg_value(data), i, i % 2 ? 2 : -2);
    erg_node *z = erg_state(g, "z", ERG_FLOAT64, ERG_SHAPE(CHAINS, 1));
    erg_node *both = erg_state(g, "both", ERG_FLOAT64, ERG_SHAPE(CHAINS, 2));
    erg_langevin_options options = {.step_size = step};
    erg_node *loss = erg_conditional_contrastive_divergence(
        energy, data, z, erg_slice(both, 1, 0, 1, 1), erg_slice(both, 1, 1, 2, 1),
        (erg_contrastive_options){0});
    erg_node *outputs[] = {
        erg_gradient(loss, weight),
        erg_assign(z, erg_langevin(erg_energy_of_latent(g, energy, data), z, options)),
        erg_assign(both, erg_langevin(erg_energy_joint(g, energy, 1), both, options))};
    erg_plan *plan = erg_compile(outputs, 3);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    erg_run_n(plan, burn);
    double sum = 0;
    for (int64_t t = 0; t < runs; t++) {
        erg_run(plan);
        sum += erg_tensor_get(erg_output(plan, 0), 0) / (double)runs;
    }
    erg_plan_free(plan);
    erg_graph_free(g);
    return sum;
}

START_TEST(two_chains_find_the_latent_optimum) {
    double tolerance = getenv("ERG_TEST_FAST") ? 0.08 : 0.03;
    ck_assert_double_eq_tol(chain_slope(sqrt(3), 0.02), 0, tolerance);
    ck_assert_double_eq_tol(chain_slope(1, 0.02), latent_slope(1, 2), tolerance);
    ck_assert_double_lt(latent_slope(1, 2), -0.4);
}
END_TEST

/* ------------------------------------------------------------------------------- improved CD */

/* One Langevin step from x with given noise: x' = x - h a x + sqrt(2 h) xi. With E held,
 * d/da mean a x'^2 / 2 = mean a x' (-h x): the KL term's gradient. */
typedef struct steps {
    double h;
    erg_node *xi;
} steps;

static erg_node *given_noise(void *self, erg_energy energy, erg_node *x) {
    const steps *s = self;
    erg_node *drift = erg_mul_scalar(erg_score(energy, x), s->h);
    return erg_add(erg_add(x, drift), erg_mul_scalar(s->xi, sqrt(2 * s->h)));
}

enum { CHAINS = 6, WIDTH = 2 };

typedef struct improved {
    erg_graph *graph;
    erg_node *a, *data, *x;
    steps steps;
    erg_improved_options options;
} improved;

static improved new_improved(steps *s, double entropy_weight) {
    improved f = {.graph = erg_graph_new(0)};
    f.a = number_param(f.graph, "a", 1.3);
    f.data = normal_leaf(f.graph, ERG_SHAPE(5, WIDTH), 81);
    f.x = normal_leaf(f.graph, ERG_SHAPE(CHAINS, WIDTH), 82);
    *s = (steps){0.1, normal_leaf(f.graph, ERG_SHAPE(CHAINS, WIDTH), 83)};
    f.steps = *s;
    f.options = (erg_improved_options){
        .transition = given_noise, .self = s, .entropy_weight = entropy_weight};
    return f;
}

static erg_node *improved_loss(improved f) {
    return erg_improved_contrastive_divergence((erg_energy){quadratic, f.a}, f.data, f.x,
                                               f.options);
}

static double dot(const erg_tensor *x, const erg_tensor *y) {
    double sum = 0;
    for (int64_t i = 0; i < erg_tensor_size(x); i++)
        sum += erg_tensor_get(x, i) * erg_tensor_get(y, i);
    return sum;
}

/* The gradient of the whole loss: of CD, and `kl` times the KL term's. */
static double expected_slope(improved f, double kl) {
    const erg_tensor *x = erg_value(f.x), *data = erg_value(f.data), *xi = erg_value(f.steps.xi);
    double a = erg_tensor_get(erg_value(f.a), 0), h = f.steps.h;
    double keep = 1 - h * a, root = sqrt(2 * h);
    double xx = dot(x, x) / CHAINS, xn = dot(x, xi) / CHAINS, nn = dot(xi, xi) / CHAINS;
    double moved = keep * keep * xx + 2 * keep * root * xn + 2 * h * nn;
    return (dot(data, data) / 5 - moved) / 2 - kl * h * a * (keep * xx + root * xn);
}

/* Mistakes: the term's sign, its factor, its absence, a derivative through E's params. */
static erg_node *kl_of(improved f, bool held) {
    erg_energy energy = {quadratic, f.a};
    erg_node *moved = given_noise(&f.steps, energy, f.x);
    erg_energy last = {quadratic, held ? erg_stop_gradient(f.a) : f.a};
    return mean(erg_energy_apply(last, moved));
}
static erg_node *without_kl(improved f) {
    f.options.kl_weight = ERG_ZERO;
    return improved_loss(f);
}
static erg_node *by_hand(improved f) {
    return erg_add(without_kl(f), kl_of(f, true));
}
static erg_node *negative_kl(improved f) {
    return erg_sub(without_kl(f), kl_of(f, true));
}
static erg_node *free_kl(improved f) {
    return erg_add(without_kl(f), kl_of(f, false));
}
static erg_node *summed_kl(improved f) {
    f.options.kl_weight = CHAINS;
    return improved_loss(f);
}

static const struct {
    erg_node *(*loss)(improved f);
    bool right;
} improved_losses[] = {
    {improved_loss, true}, {by_hand, true},  {without_kl, false},
    {negative_kl, false},  {free_kl, false}, {summed_kl, false},
};

START_TEST(kl_gradient_is_its_closed_form) {
    steps s;
    improved f = new_improved(&s, ERG_ZERO);
    double slope = slope_of(improved_losses[_i].loss(f), f.a);
    ck_assert((fabs(slope - expected_slope(f, 1)) < 1e-13) == improved_losses[_i].right);
    ck_assert_double_eq_tol(slope_of(without_kl(f), f.a), expected_slope(f, 0), 1e-13);
    f.options.kl_weight = 0.3;
    ck_assert_double_eq_tol(slope_of(improved_loss(f), f.a), expected_slope(f, 0.3), 1e-13);
    erg_graph_free(f.graph);
}
END_TEST

/* Three steps and the entropy: what the loss holds fixed is a second param here, and the states of
 * its negatives are a leaf, so that nothing hides from finite differences. */
START_TEST(improved_gradient_is_that_of_differences) {
    steps s;
    improved f = new_improved(&s, 0.7);
    f.options.steps = 3;
    erg_node *held = number_input(f.graph, 1.3);
    erg_energy energy = {quadratic, f.a}, fixed = {quadratic, held};
    erg_node *x = f.x;
    for (int k = 0; k < 3; k++)
        x = given_noise(&s, energy, x);
    double *states = elements_of(x);
    erg_node *negatives = input_of(f.graph, ERG_SHAPE(CHAINS, WIDTH), states);
    erg_node *likelihood =
        erg_contrastive_divergence(energy, f.data, negatives, (erg_contrastive_options){0});
    erg_node *kl = erg_sub(mean(erg_energy_apply(fixed, x)),
                           erg_mul_scalar(erg_nearest_entropy(x, NULL), 0.7));
    erg_node *plain = erg_add(likelihood, kl), *loss = improved_loss(f);
    erg_gradcheck_result result;
    ck_assert_msg(erg_gradcheck(plain, &f.a, 1, (erg_gradcheck_options){0}, &result) == ERG_OK,
                  "%s", result.message);
    ck_assert_double_eq_tol(number_of(loss), number_of(plain), 1e-13);
    ck_assert_double_eq_tol(slope_of(loss, f.a), slope_of(plain, f.a), 1e-13);
    f.options.entropy_weight = ERG_ZERO;
    ck_assert_double_gt(fabs(slope_of(improved_loss(f), f.a) - slope_of(plain, f.a)), 1e-3);
    free(states);
    erg_graph_free(f.graph);
}
END_TEST

/* By default the transition is Langevin's. */
START_TEST(improved_steps_by_langevin) {
    steps s;
    improved f = new_improved(&s, ERG_ZERO);
    f.options = (erg_improved_options){.langevin = {.step_size = 0.1, .noise = ERG_ZERO},
                                       .entropy_weight = ERG_ZERO};
    erg_tensor_fill(erg_value(f.steps.xi), 0);
    ck_assert_double_eq_tol(slope_of(improved_loss(f), f.a), expected_slope(f, 1), 1e-13);
    erg_graph_free(f.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- entropy */

START_TEST(nearest_entropy_has_known_numbers) {
    erg_graph *g = erg_graph_new(0);
    /* Distances 1, 1, 2 on the line: V = 2, and 1 + 1/2 for two others. */
    erg_node *x = input_of(g, ERG_SHAPE(3, 1), (double[]){0, 1, 3});
    ck_assert_double_eq_tol(number_of(erg_nearest_entropy(x, NULL)), log(2) / 3 + log(2) + 1.5,
                            1e-14);
    /* Distances 5 and 2 in the plane to an archive of one: V = pi. */
    erg_node *y = input_of(g, ERG_SHAPE(2, 2), (double[]){3, 4, 0, 2});
    erg_node *origin = input_of(g, ERG_SHAPE(1, 2), NULL);
    ck_assert_double_eq_tol(number_of(erg_nearest_entropy(y, origin)),
                            log(5) + log(2) + log(M_PI) + 1, 1e-14);
    /* Coincident samples: finite, without derivative. */
    erg_node *same = input_of(g, ERG_SHAPE(2, 2), (double[]){1, 1, 1, 1});
    double *slopes = elements_of(erg_gradient(erg_nearest_entropy(same, NULL), same));
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq(slopes[i], 0);
    free(slopes);
    erg_gradcheck_result result;
    ck_assert_msg(erg_gradcheck(erg_nearest_entropy(y, origin), &y, 1, (erg_gradcheck_options){0},
                                &result) == ERG_OK,
                  "%s", result.message);
    erg_graph_free(g);
}
END_TEST

/* N(0, s^2 I) in D dimensions: D/2 log(2 pi e s^2). The spread of log r^D is near 1.3, more for the
 * dependence between neighbours: 8 / sqrt(n) is far outside. */
START_TEST(nearest_entropy_estimates) {
    const int64_t n = draws(2000, 500);
    const double s = 0.4;
    for (int d = 1; d <= 3; d++) {
        erg_graph *g = erg_graph_new(84);
        erg_node *x = erg_mul_scalar(normal_leaf(g, ERG_SHAPE(n, d), 85), s);
        erg_node *others = erg_mul_scalar(normal_leaf(g, ERG_SHAPE(n, d), 86), s);
        double exact = 0.5 * d * log(2 * M_PI * M_E * s * s), error = 8 / sqrt((double)n);
        double own = number_of(erg_nearest_entropy(x, NULL));
        ck_assert_double_eq_tol(own, exact, error);
        ck_assert_double_eq_tol(number_of(erg_nearest_entropy(x, others)), exact, error);
        /* Planted: without the factor D of the distances. */
        if (d > 1)
            ck_assert_double_gt(fabs(own / d - exact), error);
        erg_graph_free(g);
    }
}
END_TEST

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

/* ------------------------------------------------------------------------------- recovery */

/* E = a |x|^2 / 2 and noise sigma: x given x~ has the precision k = a + 1 / sigma^2 and the mean
 * x~ / (sigma^2 k). Data +-s and noise +-1 in all combinations make a = 1 / s^2 the optimum. */
typedef struct recovered {
    erg_graph *graph;
    erg_node *a, *data, *noisy, *negatives;
    erg_recovery_options options;
} recovered;

enum { PAIRS = 8 };

static recovered new_recovered(double s, double sigma) {
    recovered f = {.graph = erg_graph_new(0), .options.sigma = sigma};
    double data[PAIRS], noisy[PAIRS], sign[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        data[i] = i & 1 ? s : -s;
        noisy[i] = data[i] + (i & 2 ? sigma : -sigma);
        sign[i] = i & 4 ? 1 : -1;
    }
    f.a = number_param(f.graph, "a", 1);
    f.data = input_of(f.graph, ERG_SHAPE(PAIRS, 1), data);
    f.noisy = input_of(f.graph, ERG_SHAPE(PAIRS, 1), noisy);
    erg_node *k = erg_add_scalar(f.a, 1 / (sigma * sigma));
    erg_node *centre = erg_div(erg_mul_scalar(f.noisy, 1 / (sigma * sigma)), k);
    erg_node *side = input_of(f.graph, ERG_SHAPE(PAIRS, 1), sign);
    f.negatives = erg_add(centre, erg_div(side, erg_sqrt(k)));
    return f;
}

static erg_node *right_recovery(recovered f) {
    return erg_recovery_likelihood((erg_energy){quadratic, f.a}, f.data, f.noisy, f.negatives,
                                   f.options);
}
static erg_node *recovery_by_node(recovered f) {
    f.options = (erg_recovery_options){.sigma_node = number_input(f.graph, f.options.sigma)};
    return right_recovery(f);
}
static erg_node *flipped_recovery(recovered f) {
    return erg_neg(right_recovery(f));
}
static erg_node *noisy_for_clean(recovered f) {
    f.data = f.noisy;
    return right_recovery(f);
}
static erg_node *summed_recovery(recovered f) {
    return erg_mul_scalar(right_recovery(f), PAIRS);
}

static const struct {
    erg_node *(*loss)(recovered f);
    bool right;
} recoveries[] = {
    {right_recovery, true},   {recovery_by_node, true}, {flipped_recovery, false},
    {noisy_for_clean, false}, {summed_recovery, false},
};

START_TEST(recovery_finds_the_energy_of_the_data) {
    const double s = 1.5, sigma = 0.8;
    recovered f = new_recovered(s, sigma);
    erg_node *slope = erg_gradient(recoveries[_i].loss(f), f.a);
    erg_plan *plan = erg_compile(&slope, 1);
    const double places[] = {0.2, 1 / (s * s), 3};
    bool good = true;
    for (int i = 0; i < 3; i++) {
        double a = places[i], k = a + 1 / (sigma * sigma);
        double square = (s * s + sigma * sigma) / pow(sigma * sigma * k, 2) + 1 / k;
        erg_tensor_fill(erg_value(f.a), a);
        erg_run(plan);
        double got = erg_tensor_get(erg_output(plan, 0), 0);
        good = good && fabs(got - (s * s - square) / 2) < 1e-13;
        good = good && (i != 1 || fabs(got) < 1e-13);
    }
    ck_assert(good == recoveries[_i].right);
    erg_plan_free(plan);
    erg_graph_free(f.graph);
}
END_TEST

/* The chains' energy, its minimum at the mean of x given x~; one sigma for each sample. */
START_TEST(recovery_energy_is_the_conditional) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, 1), (double[]){1, 2});
    erg_node *noisy = input_of(g, ERG_SHAPE(2, 1), (double[]){3, -1});
    erg_node *sigma = input_of(g, ERG_SHAPE(2), (double[]){0.5, 2});
    erg_energy energy = erg_recovery_energy((erg_energy){quadratic, erg_scalar(g, ERG_FLOAT64, 3)},
                                            noisy, (erg_recovery_options){.sigma_node = sigma});
    double *e = elements_of(erg_energy_apply(energy, x));
    ck_assert_double_eq_tol(e[0], 1.5 + 4 / 0.5, 1e-14);
    ck_assert_double_eq_tol(e[1], 6 + 9 / 8.0, 1e-14);
    free(e);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- classifiers */

static erg_node *as_given(void *self, erg_node *x) {
    (void)self;
    return x;
}

START_TEST(cross_entropy_has_known_numbers) {
    erg_graph *g = erg_graph_new(0);
    erg_node *logits = input_of(g, ERG_SHAPE(3, 2), (double[]){0, log(3), 2, 2, 1e4, -1e4});
    ck_assert_double_eq_tol(number_of(erg_cross_entropy(logits, labels_of(g, 3, (int[]){1, 0, 0}))),
                            (log(4. / 3) + log(2)) / 3, 1e-14);
    /* Rows without a label do not count, and get no derivative. */
    erg_node *loss = erg_cross_entropy(logits, labels_of(g, 3, (int[]){0, -1, -1}));
    ck_assert_double_eq_tol(number_of(loss), log(4), 1e-14);
    double *slopes = elements_of(erg_gradient(loss, logits));
    const double expected[] = {-0.75, 0.75, 0, 0, 0, 0};
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(slopes[i], expected[i], 1e-14);
    free(slopes);
    ck_assert_double_eq(number_of(erg_cross_entropy(logits, labels_of(g, 3, (int[]){-1, -1, -1}))),
                        0);
    erg_graph_free(g);
}
END_TEST

/* With all labels known, log p(y | x) + log p(x) is log p(x, y): the loss is
 * mean E(x, y) - mean E(negatives). */
typedef struct joint {
    erg_classifier classifier;
    erg_node *data, *labels, *negatives;
} joint;

static erg_node *right_jem(joint j) {
    return erg_jem(&j.classifier, j.data, j.labels, j.negatives, (erg_jem_options){0});
}
static erg_node *classifier_alone(joint j) {
    return erg_jem(&j.classifier, j.data, j.labels, j.negatives,
                   (erg_jem_options){.weight = ERG_ZERO});
}
static erg_node *upside_down(joint j) {
    return erg_jem(&j.classifier, j.negatives, j.labels, j.data, (erg_jem_options){0});
}
static erg_node *half_weight(joint j) {
    return erg_jem(&j.classifier, j.data, j.labels, j.negatives, (erg_jem_options){.weight = 0.5});
}

static const struct {
    erg_node *(*loss)(joint j);
    bool right;
} jem_losses[] = {
    {right_jem, true}, {classifier_alone, false}, {upside_down, false}, {half_weight, false}};

START_TEST(jem_is_the_joint_likelihood) {
    erg_graph *g = erg_graph_new(0);
    joint j = {.classifier = {as_given, NULL},
               .data = normal_leaf(g, ERG_SHAPE(4, 3), 87),
               .labels = labels_of(g, 4, (int[]){2, 0, 1, 1}),
               .negatives = normal_leaf(g, ERG_SHAPE(4, 3), 88)};
    erg_node *low = mean(erg_classifier_joint_energy(&j.classifier, j.data, j.labels));
    erg_node *high = mean(erg_classifier_energy(&j.classifier, j.negatives));
    double expected = number_of(erg_sub(low, high)), got = number_of(jem_losses[_i].loss(j));
    ck_assert((fabs(got - expected) < 1e-13) == jem_losses[_i].right);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- a generator */

/* g(z) = w z in one dimension: q = N(0, w^2 + sigma^2), of which the score is known. With
 * E = a x^2 / 2, n's derivative of the loss shows the force on each sample,
 * (a x + score) sigma / B. Estimated by 100,000 points z', within 2 %. */
static erg_node *times(void *self, erg_node *z) {
    return erg_mul(self, z);
}

START_TEST(generator_knows_its_own_score) {
    const int64_t samples = draws(100000, 20000);
    const double w = 1.4, sigma = 0.6, a = 0.8, v = w * w + sigma * sigma;
    const double tolerance = 0.02 * sqrt(100000. / (double)samples);
    erg_graph *g = erg_graph_new(93);
    erg_node *z = input_of(g, ERG_SHAPE(4, 1), (double[]){-1, 0.2, 0.5, 1.5});
    erg_node *n = input_of(g, ERG_SHAPE(4, 1), (double[]){0.5, -1, 1, 0.3});
    erg_generator generator = {times, number_param(g, "w", w)};
    erg_energy energy = {quadratic, number_param(g, "a", a)};
    erg_generator_options options = {
        .sigma = sigma, .noise = n, .samples = samples, .proposal = 0.5};
    erg_node *x = erg_generator_sample(generator, z, options);
    double *states = elements_of(x);
    for (int entropy = 0; entropy < 2; entropy++) {
        options.entropy_weight = entropy ? 1 : ERG_ZERO;
        erg_node *loss = erg_generator_loss(energy, generator, z, x, options);
        double *force = elements_of(erg_gradient(loss, n));
        for (int i = 0; i < 4; i++) {
            double score = -states[i] / v, expected = a * states[i] + entropy * score;
            ck_assert_double_eq_tol(force[i] * 4 / sigma, expected, entropy ? tolerance : 1e-13);
            ck_assert_double_gt(fabs(score), 2 * tolerance);
        }
        free(force);
        ck_assert_double_eq(slope_of(loss, energy.self), 0);
    }
    free(states);
    erg_graph_free(g);
}
END_TEST

/* Trained on E = x^2 / 2 it becomes N(0, 1): w^2 + sigma^2 = 1. Without entropy it collapses, with
 * its sign flipped too. */
static double trained_weight(double entropy_weight, double sign) {
    enum { BATCH = 200 };
    erg_graph *g = erg_graph_new(94);
    erg_node *w = number_param(g, "w", 0.4);
    erg_generator generator = {times, w};
    erg_node *z = erg_normal(g, ERG_FLOAT64, ERG_SHAPE(BATCH, 1));
    erg_generator_options options = {
        .sigma = 0.6, .samples = 500, .proposal = 1, .entropy_weight = entropy_weight};
    erg_node *x = erg_generator_sample(generator, z, options);
    erg_node *loss = erg_generator_loss((erg_energy){quadratic, erg_scalar(g, ERG_FLOAT64, 1)},
                                        generator, z, x, options);
    erg_node *step =
        erg_adam(erg_mul_scalar(loss, sign), &w, 1, (erg_adam_options){.learning_rate = 0.01});
    erg_plan *plan = erg_compile(&step, 1);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    erg_run_n(plan, 200);
    double sum = 0;
    for (int k = 0; k < 200; k++) {
        erg_run(plan);
        sum += erg_tensor_get(erg_value(w), 0) / 200;
    }
    erg_plan_free(plan);
    erg_graph_free(g);
    return sum;
}

START_TEST(generator_finds_the_density) {
    ck_assert_double_eq_tol(trained_weight(1, 1), 0.8, 0.02);
    ck_assert_double_lt(fabs(trained_weight(ERG_ZERO, 1)), 0.1);
    ck_assert_double_lt(fabs(trained_weight(1, -1)), 0.1);
}
END_TEST

/* ------------------------------------------------------------------------------- reconstruction */

/* E = a |x|^2 / 2: k steps h leave (1 - h a)^k of x~, and the loss is
 * 1/2 mean |(1 - h a)^k x~ - x|^2. */
START_TEST(reconstruction_is_its_closed_form) {
    const double h = 0.3, a = 0.7;
    erg_graph *g = erg_graph_new(0);
    erg_node *param = number_param(g, "a", a), *step = number_input(g, h);
    erg_node *clean = normal_leaf(g, ERG_SHAPE(5, 2), 95);
    erg_node *corrupted = normal_leaf(g, ERG_SHAPE(5, 2), 96);
    erg_energy energy = {quadratic, param};
    const erg_tensor *x = erg_value(clean), *y = erg_value(corrupted);
    for (int k = 1; k < 5; k++) {
        erg_node *loss = erg_reconstruction_loss(
            energy, corrupted, clean,
            (erg_reconstruction_options){.steps = k, .step_size_node = step});
        double keep = pow(1 - h * a, k), by_a = -k * h * pow(1 - h * a, k - 1);
        double value = (keep * keep * dot(y, y) - 2 * keep * dot(x, y) + dot(x, x)) / 10;
        ck_assert_double_eq_tol(number_of(loss), value, 1e-13);
        ck_assert_double_eq_tol(slope_of(loss, param), by_a * (keep * dot(y, y) - dot(x, y)) / 5,
                                1e-13);
        ck_assert_double_eq_tol(slope_of(loss, step),
                                by_a * a / h * (keep * dot(y, y) - dot(x, y)) / 5, 1e-13);
    }
    erg_graph_free(g);
}
END_TEST

/* Only what is missing moves. */
START_TEST(known_parts_stay) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, 2), (double[]){1, 2, 3, 4});
    erg_node *missing = input_of(g, ERG_SHAPE(2, 2), (double[]){0, 1, 1, 0});
    erg_energy energy = {quadratic, erg_scalar(g, ERG_FLOAT64, 1)};
    double *y = elements_of(erg_reconstruct(
        energy, x, (erg_reconstruction_options){.steps = 2, .step_size = 0.5, .missing = missing}));
    const double expected[] = {1, 0.5, 0.75, 4};
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(y[i], expected[i], 1e-15);
    free(y);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- networks */

static erg_node *bowl_energy(void *net, erg_node *x) {
    double bowl = 0.5;
    return erg_add(erg_mlp_energy(net, x), erg_harmonic_energy(&bowl, x));
}

static erg_node *pair_energy(void *net, erg_node *x, erg_node *z) {
    return bowl_energy(net, erg_concat((erg_node *[]){x, z}, 2, 1));
}

typedef struct network {
    erg_graph *graph;
    erg_mlp *net, *wide; /* 2 numbers to 1, and to 3 */
    erg_node *x, *y, *noise;
} network;

static erg_node *network_conditional(network n) {
    erg_mlp *four = erg_mlp_new(n.graph, "four", (int64_t[]){4, 4, 1}, 3,
                                (erg_mlp_options){.dtype = ERG_FLOAT64, .activation = ERG_TANH});
    return erg_conditional_contrastive_divergence((erg_pair_energy){pair_energy, four}, n.x,
                                                  n.noise, n.y, n.x,
                                                  (erg_contrastive_options){.energy_penalty = 0.1});
}
static erg_node *network_recovery(network n) {
    return erg_recovery_likelihood((erg_energy){bowl_energy, n.net}, n.x, erg_add(n.x, n.noise),
                                   n.y, (erg_recovery_options){0});
}
static erg_node *logits(void *net, erg_node *x) {
    return erg_mlp_apply(net, x);
}
static erg_node *network_jem(network n) {
    erg_classifier *classifier = erg_graph_alloc(n.graph, sizeof *classifier);
    *classifier = (erg_classifier){logits, n.wide};
    return erg_jem(classifier, n.x, labels_of(n.graph, 3, (int[]){1, -1, 2}), n.y,
                   (erg_jem_options){.weight = 0.7, .energy_penalty = 0.2});
}
static erg_node *network_reconstruction(network n) {
    return erg_reconstruction_loss((erg_energy){bowl_energy, n.net}, n.y, n.x,
                                   (erg_reconstruction_options){.steps = 3, .step_size = 0.2});
}

static erg_node *(*const networks[])(network n) = {network_conditional, network_recovery,
                                                   network_jem, network_reconstruction};

START_TEST(gradients_are_those_of_differences) {
    network n = {.graph = erg_graph_new(97)};
    erg_mlp_options options = {.dtype = ERG_FLOAT64, .activation = ERG_TANH};
    n.net = erg_mlp_new(n.graph, "net", (int64_t[]){2, 4, 1}, 3, options);
    n.wide = erg_mlp_new(n.graph, "wide", (int64_t[]){2, 4, 3}, 3, options);
    n.x = normal_leaf(n.graph, ERG_SHAPE(3, 2), 97);
    n.y = normal_leaf(n.graph, ERG_SHAPE(3, 2), 98);
    n.noise = normal_leaf(n.graph, ERG_SHAPE(3, 2), 99);
    erg_node *loss = networks[_i](n);
    ck_assert_msg(loss != NULL, "%s", erg_graph_error(n.graph));
    check_shape(loss, ERG_SCALAR);
    int count;
    erg_node **params = erg_params(n.graph, "", &count);
    erg_gradcheck_result result;
    ck_assert_msg(
        erg_gradcheck(loss, params, count, (erg_gradcheck_options){.order = 2}, &result) == ERG_OK,
        "%s", result.message);
    erg_graph_free(n.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- a matrix */

/* E = x^T L x / 2 in the plane, data of second moments S: at L = S^-1 the gradient is zero, at other
 * L it is not. Samples of a Gaussian are its mean +- sqrt(2) times the columns of a root of its
 * covariance, which have its moments. */
static erg_node *bilinear(void *self, erg_node *x) {
    return erg_mul_scalar(erg_sum(erg_mul(x, erg_matmul(x, self)), ERG_AXES(1), 0), 0.5);
}

typedef struct matrix {
    double xx, xy, yy;
} matrix;

static matrix inverse(matrix m) {
    double determinant = m.xx * m.yy - m.xy * m.xy;
    return (matrix){m.yy / determinant, -m.xy / determinant, m.xx / determinant};
}

/* Point i = 0 .. 3 of N(0, m). */
static void point(matrix m, int i, double *x) {
    double sign = i & 1 ? M_SQRT2 : -M_SQRT2, root = sqrt(m.xx);
    x[0] = i & 2 ? 0 : sign * root;
    x[1] = sign * (i & 2 ? sqrt(m.yy - m.xy * m.xy / m.xx) : m.xy / root);
}

enum { COMBINED = 4 * 4 * 4 };

typedef struct plane {
    erg_node *l, *data, *noisy, *negatives;
} plane;

static erg_node *plane_contrastive(plane p) {
    return erg_contrastive_divergence((erg_energy){bilinear, p.l}, p.data, p.negatives,
                                      (erg_contrastive_options){0});
}
static erg_node *plane_recovery(plane p) {
    return erg_recovery_likelihood((erg_energy){bilinear, p.l}, p.data, p.noisy, p.negatives,
                                   (erg_recovery_options){.sigma = 0.5});
}
static erg_node *plane_reconstruction(plane p) {
    return erg_reconstruction_loss((erg_energy){bilinear, p.l}, p.noisy, p.data,
                                   (erg_reconstruction_options){.step_size = 0.25});
}

static const struct {
    erg_node *(*loss)(plane p);
    double noise;     /* variance that the optimum has on top of the data's */
    double condition; /* precision that the noisy samples add to that of the negatives */
} matrices[] = {{plane_contrastive, 0, 0}, {plane_recovery, 0, 4}, {plane_reconstruction, 0.25, 0}};

/* The largest element of the gradient at the inverse of S + add I: over all combinations of data,
 * noise and negatives. */
static double steepest(int which, double add) {
    const matrix moments = {1.5, 0.6, 0.9};
    matrix l = inverse((matrix){moments.xx + add, moments.xy, moments.yy + add});
    double k = matrices[which].condition, rows[3][COMBINED][2], worst = 0;
    matrix spread = inverse((matrix){l.xx + k, l.xy, l.yy + k});
    for (int i = 0; i < COMBINED; i++) {
        double noise[2], *x = rows[0][i], *noisy = rows[1][i], *negative = rows[2][i];
        point(moments, i & 3, x);
        point((matrix){0.25, 0, 0.25}, i >> 2 & 3, noise);
        point(spread, i >> 4, negative);
        for (int j = 0; j < 2; j++)
            noisy[j] = x[j] + noise[j];
        negative[0] += k * (spread.xx * noisy[0] + spread.xy * noisy[1]);
        negative[1] += k * (spread.xy * noisy[0] + spread.yy * noisy[1]);
    }
    erg_graph *g = erg_graph_new(0);
    plane p = {input_of(g, ERG_SHAPE(2, 2), (double[]){l.xx, l.xy, l.xy, l.yy}),
               input_of(g, ERG_SHAPE(COMBINED, 2), rows[0][0]),
               input_of(g, ERG_SHAPE(COMBINED, 2), rows[1][0]),
               input_of(g, ERG_SHAPE(COMBINED, 2), rows[2][0])};
    double *slopes = elements_of(erg_gradient(matrices[which].loss(p), p.l));
    for (int i = 0; i < 4; i++)
        worst = fmax(worst, fabs(slopes[i]));
    free(slopes);
    erg_graph_free(g);
    return worst;
}

START_TEST(precision_is_the_inverse_covariance) {
    ck_assert_double_lt(steepest(_i, matrices[_i].noise), 1e-13);
    ck_assert_double_gt(steepest(_i, matrices[_i].noise + 0.01), 1e-4);
    ck_assert_double_gt(steepest(_i, 0.25 - matrices[_i].noise), 1e-3);
}
END_TEST

/* One step of sigma^2 is denoising score matching, but for the factor sigma^4. */
START_TEST(one_step_is_denoising) {
    const double sigma = 0.6;
    erg_graph *g = erg_graph_new(0);
    erg_mlp *net =
        erg_mlp_new(g, "net", (int64_t[]){2, 5, 1}, 3, (erg_mlp_options){.dtype = ERG_FLOAT64});
    erg_energy energy = {bowl_energy, net};
    erg_node *data = normal_leaf(g, ERG_SHAPE(6, 2), 101),
             *n = normal_leaf(g, ERG_SHAPE(6, 2), 102);
    erg_node *noisy = erg_add(data, erg_mul_scalar(n, sigma));
    double step = sigma * sigma;
    double loss = number_of(erg_reconstruction_loss(
        energy, noisy, data, (erg_reconstruction_options){.step_size = step}));
    double denoising = number_of(erg_denoising_score_matching(
        energy, data, (erg_denoising_options){.sigma = sigma, .noise = n}));
    ck_assert_double_eq_tol(loss, step * step * denoising, 1e-13);
    ck_assert_double_gt(fabs(loss - step * denoising), 1e-3);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(likelihoods_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(4, 2), NULL), *wide = input_of(g, ERG_SHAPE(4, 3), NULL);
    erg_node *few = input_of(g, ERG_SHAPE(3, 2), NULL), *one = input_of(g, ERG_SHAPE(1, 2), NULL);
    erg_node *labels = labels_of(g, 3, (int[]){0, 0, 0});
    erg_energy energy = {quadratic, erg_scalar(g, ERG_FLOAT64, 1)}, none = {0};
    erg_pair_energy pair = {latent, erg_scalar(g, ERG_FLOAT64, 1)};
    const erg_contrastive_options usual = {0};
    REFUSES(g, "no function",
            erg_conditional_contrastive_divergence((erg_pair_energy){0}, x, x, x, x, usual));
    REFUSES(g, "one batch", erg_conditional_contrastive_divergence(pair, x, x, x, few, usual));
    REFUSES(g, "no condition", erg_conditional_contrastive_divergence(pair, x, NULL, x, x, usual));
    REFUSES(g, "conditional_contrastive_divergence: energy penalty -1",
            erg_conditional_contrastive_divergence(
                pair, x, x, x, x, (erg_contrastive_options){.energy_penalty = -1}));

    const erg_improved_options improve = {0};
    REFUSES(g, "no function", erg_improved_contrastive_divergence(none, x, x, improve));
    FAILS_NULL("is NULL", erg_improved_contrastive_divergence(energy, x, NULL, improve));
    REFUSES(g, "no data", erg_improved_contrastive_divergence(energy, NULL, x, improve));
    REFUSES(g, "-1 steps",
            erg_improved_contrastive_divergence(energy, x, x, (erg_improved_options){.steps = -1}));
    REFUSES(g, "weights nan",
            erg_improved_contrastive_divergence(energy, x, x,
                                                (erg_improved_options){.kl_weight = NAN}));
    REFUSES(g, "nearest_entropy: x (1, 2)",
            erg_improved_contrastive_divergence(energy, x, one, improve));
    REFUSES(g, "x (4, 2), others (4, 3)", erg_nearest_entropy(x, wide));
    FAILS_NULL("nearest_entropy", erg_nearest_entropy(NULL, NULL));

    erg_fast_weights *fast = erg_fast_weights_new(g, "fast", &x, 0);
    ck_assert_ptr_null(fast);
    REFUSES(g, "no params", erg_fast_weights_new(g, "fast", NULL, 1));
    REFUSES(g, "no named leaf", erg_fast_weights_new(g, "fast", &x, 1));
    erg_node *a = number_param(g, "a", 1), *loss = erg_square(a);
    fast = erg_fast_weights_new(g, "fast", &a, 1);
    REFUSES(g, "already", erg_fast_weights_new(g, "fast", &a, 1));
    REFUSES(g, "decay 1",
            erg_fast_weights_update(fast, loss, (erg_fast_weights_options){.decay = 1}));
    REFUSES(g, "learning rate -1",
            erg_fast_weights_update(fast, loss, (erg_fast_weights_options){.learning_rate = -1}));
    REFUSES(
        g, "shape ()",
        erg_fast_weights_update(fast, loss, (erg_fast_weights_options){.learning_rate_node = x}));
    REFUSES(g, "no weights", erg_fast_weights_update(NULL, loss, (erg_fast_weights_options){0}));
    FAILS_NULL("no loss", erg_fast_weights_update(fast, NULL, (erg_fast_weights_options){0}));

    const erg_recovery_options recover = {0};
    REFUSES(g, "x is (4, 2), the noisy (4, 3)",
            erg_recovery_likelihood(energy, x, wide, x, recover));
    FAILS_NULL("no noisy", erg_recovery_likelihood(energy, x, NULL, x, recover));
    REFUSES(g, "sigma -1",
            erg_recovery_likelihood(energy, x, x, x, (erg_recovery_options){.sigma = -1}));
    REFUSES(g, "shape () or (B)",
            erg_recovery_likelihood(energy, x, x, x, (erg_recovery_options){.sigma_node = few}));
    REFUSES(g, "no function", erg_recovery_likelihood(none, x, x, x, recover));

    erg_classifier classifier = {as_given, NULL};
    REFUSES(g, "logits (4, 2) and labels (3)", erg_cross_entropy(x, labels));
    REFUSES(g, "no labels", erg_cross_entropy(x, NULL));
    REFUSES(g, "no logits", erg_cross_entropy(NULL, labels));
    REFUSES(g, "logits (4, 2) and labels (3)",
            erg_jem(&classifier, x, labels, x, (erg_jem_options){0}));
    REFUSES(g, "weight -1", erg_jem(&classifier, few, labels, x, (erg_jem_options){.weight = -1}));
    REFUSES(g, "no classifier", erg_jem(NULL, few, labels, x, (erg_jem_options){0}));
    REFUSES(g, "no logits", erg_jem(&(erg_classifier){0}, few, labels, x, (erg_jem_options){0}));

    const erg_generator_options draw = {0};
    erg_generator generator = {times, erg_scalar(g, ERG_FLOAT64, 1)};
    REFUSES(g, "no generator", erg_generator_sample((erg_generator){0}, x, draw));
    FAILS_NULL("no z", erg_generator_sample(generator, NULL, draw));
    REFUSES(g, "(B, width)", erg_generator_sample(generator, a, draw));
    REFUSES(g, "generator_sample: sigma -1",
            erg_generator_sample(generator, x, (erg_generator_options){.sigma = -1}));
    REFUSES(g, "z (4, 2) gave (4, 2)",
            erg_generator_sample(generator, x, (erg_generator_options){.noise = few}));
    REFUSES(g, "x of z's batch", erg_generator_loss(energy, generator, x, few, draw));
    REFUSES(g, "no function", erg_generator_loss(none, generator, x, x, draw));
    REFUSES(g, "-2 samples",
            erg_generator_loss(energy, generator, x, x, (erg_generator_options){.samples = -2}));

    const erg_reconstruction_options descend = {0};
    REFUSES(g, "corrupted (4, 2), clean (3, 2)", erg_reconstruction_loss(energy, x, few, descend));
    REFUSES(g, "reconstruction_loss", erg_reconstruction_loss(energy, NULL, x, descend));
    FAILS_NULL("", erg_reconstruct(energy, NULL, descend));
    REFUSES(g, "no function", erg_reconstruct(none, x, descend));
    REFUSES(g, "-1 steps", erg_reconstruct(energy, x, (erg_reconstruction_options){.steps = -1}));
    REFUSES(g, "step -1",
            erg_reconstruct(energy, x, (erg_reconstruction_options){.step_size = -1}));
    ck_assert_ptr_nonnull(erg_reconstruct(energy, x, descend));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("likelihood");
    TCase *pairs = tcase_create("pairs");
    tcase_add_loop_test(pairs, labels_choose_the_energy, 0, COUNT(pair_losses));
    tcase_add_test(pairs, latent_gradient_is_the_likelihoods);
    tcase_add_test(pairs, two_chains_find_the_latent_optimum);
    suite_add_tcase(suite, pairs);
    TCase *improved = tcase_create("improved");
    tcase_add_loop_test(improved, kl_gradient_is_its_closed_form, 0, COUNT(improved_losses));
    tcase_add_test(improved, improved_gradient_is_that_of_differences);
    tcase_add_test(improved, improved_steps_by_langevin);
    tcase_add_test(improved, nearest_entropy_has_known_numbers);
    tcase_add_test(improved, nearest_entropy_estimates);
    suite_add_tcase(suite, improved);
    TCase *machine = tcase_create("machine");
    tcase_add_test(machine, fast_weights_follow_their_rule);
    tcase_add_test(machine, fast_weights_train_a_machine);
    tcase_add_test(machine, likelihood_is_the_limit_of_cd);
    suite_add_tcase(suite, machine);
    TCase *tempering = tcase_create("tempering");
    tcase_add_test(tempering, tempered_chains_cross_barriers);
    suite_add_tcase(suite, tempering);
    TCase *recovery = tcase_create("recovery");
    tcase_add_loop_test(recovery, recovery_finds_the_energy_of_the_data, 0, COUNT(recoveries));
    tcase_add_test(recovery, recovery_energy_is_the_conditional);
    suite_add_tcase(suite, recovery);
    TCase *classifier = tcase_create("classifier");
    tcase_add_test(classifier, cross_entropy_has_known_numbers);
    tcase_add_loop_test(classifier, jem_is_the_joint_likelihood, 0, COUNT(jem_losses));
    suite_add_tcase(suite, classifier);
    TCase *generator = tcase_create("generator");
    tcase_add_test(generator, generator_knows_its_own_score);
    tcase_add_test(generator, generator_finds_the_density);
    suite_add_tcase(suite, generator);
    TCase *reconstruction = tcase_create("reconstruction");
    tcase_add_test(reconstruction, reconstruction_is_its_closed_form);
    tcase_add_test(reconstruction, known_parts_stay);
    tcase_add_test(reconstruction, one_step_is_denoising);
    suite_add_tcase(suite, reconstruction);
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, gradients_are_those_of_differences, 0, COUNT(networks));
    tcase_add_loop_test(all, precision_is_the_inverse_covariance, 0, COUNT(matrices));
    tcase_add_test(all, likelihoods_refuse_misuse);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}

/* test_noise_contrast.c: noise contrast, energy discrepancy and probability flow where the answer is
 * known: the data are a Gaussian, as points of a grid with its weights, and the losses are least, with
 * no gradient at all, where E is that Gaussian's energy and log Z its own. */
#include "modules.h"

/* ------------------------------------------------------------------------------- setting */

/* E = x^T L x / 2 + b . x in D dimensions, with log Z a param of its own. */
enum { D = 2, SIDE = 16, GRID = SIDE * SIDE, PARAMS = 3 };
static const double PRECISION[D][D] = {{1.1, 0.4}, {0.4, 0.8}}, LINEAR[D] = {0.3, -0.2};

typedef struct setting {
    erg_graph *graph;
    erg_node *params[PARAMS]; /* L, b, log Z */
    erg_energy energy;
    erg_node *x, *y; /* (1, D): one sample of the data, one of the noise */
    erg_noise noise; /* N(0, 1.5^2 I) */
} setting;

static erg_node *bilinear(void *self, erg_node *x) {
    erg_node *const *params = self;
    erg_node *square = erg_mul_scalar(erg_mul(x, erg_matmul(x, params[0])), 0.5);
    return erg_sum(erg_add(square, erg_mul(x, params[1])), ERG_AXES(1), 0);
}

static erg_node *nothing(void *self, erg_node *x) {
    (void)self;
    return erg_mul_scalar(erg_sum(x, ERG_AXES(1), 0), 0);
}

static const double NOISE_STIFFNESS = 1 / (1.5 * 1.5);
static double stiffness = 1 / (1.5 * 1.5);

/* log Z = log 2 pi - 1/2 log det L + 1/2 b^T L^-1 b. */
static double true_log_z(void) {
    double det = PRECISION[0][0] * PRECISION[1][1] - PRECISION[0][1] * PRECISION[1][0];
    double square =
        (PRECISION[1][1] * LINEAR[0] * LINEAR[0] - 2 * PRECISION[0][1] * LINEAR[0] * LINEAR[1] +
         PRECISION[0][0] * LINEAR[1] * LINEAR[1]) /
        det;
    return log(2 * M_PI) - 0.5 * log(det) + 0.5 * square;
}

static setting *new_setting(void) {
    erg_graph *g = erg_graph_new(91);
    setting *s = erg_graph_alloc(g, sizeof *s);
    s->graph = g;
    s->params[0] = erg_param(g, "precision", ERG_FLOAT64, ERG_SHAPE(D, D));
    s->params[1] = erg_param(g, "linear", ERG_FLOAT64, ERG_SHAPE(D));
    s->params[2] = number_param(g, "log_z", true_log_z());
    memcpy(erg_value(s->params[0])->data, PRECISION, sizeof PRECISION);
    memcpy(erg_value(s->params[1])->data, LINEAR, sizeof LINEAR);
    s->energy = (erg_energy){bilinear, s->params};
    s->x = input_of(g, ERG_SHAPE(1, D), NULL);
    s->y = input_of(g, ERG_SHAPE(1, D), NULL);
    s->noise = (erg_noise){{erg_harmonic_energy, &stiffness}, log(2 * M_PI / NOISE_STIFFNESS)};
    return s;
}

/* A grid on which sums over Gaussians are exact to 1e-7, with the weights of the data's density, or
 * of N(0, std^2 I). */
static const double REACH = 7.5;
static void place(int i, double point[D]) {
    for (int k = 0; k < D; k++, i /= SIDE)
        point[k] = REACH * (2 * (i % SIDE + 0.5) / SIDE - 1);
}
static double data_weight(const double *x) {
    double cell = pow(2 * REACH / SIDE, D), e = 0;
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            e += 0.5 * x[i] * PRECISION[i][j] * x[j];
    return cell * exp(-e - LINEAR[0] * x[0] - LINEAR[1] * x[1] - true_log_z());
}
static double normal_weight(const double *x, double std) {
    double cell = pow(2 * REACH / SIDE, D), square = (x[0] * x[0] + x[1] * x[1]) / (std * std);
    return cell * exp(-square / 2) / (2 * M_PI * std * std);
}

/* The expectation over x ~ data and y ~ N(0, std^2 I) of the loss, [0], and the elements of its
 * gradient by the params, [1 ..]. */
enum { NUMBERS = 1 + D * D + D + 1 };
static void expect(setting *s, erg_node *loss, double std, double sums[NUMBERS]) {
    erg_node *outputs[1 + PARAMS] = {loss};
    ck_assert_msg(loss != NULL, "%s", erg_error_message());
    erg_grad(loss, s->params, PARAMS, outputs + 1);
    erg_plan *plan = erg_compile(outputs, 1 + PARAMS);
    double *x = erg_value(s->x)->data, *y = erg_value(s->y)->data;
    memset(sums, 0, NUMBERS * sizeof *sums);
    for (int64_t pair = 0; pair < (int64_t)GRID * GRID; pair++) {
        place((int)(pair % GRID), x);
        place((int)(pair / GRID), y);
        double weight = data_weight(x) * normal_weight(y, std);
        if (weight < 1e-11)
            continue;
        erg_run(plan);
        for (int k = 0, at = 0; k <= PARAMS; k++)
            for (int64_t i = 0; i < erg_tensor_size(erg_output(plan, k)); i++)
                sums[at++] += weight * erg_tensor_get(erg_output(plan, k), i);
    }
    erg_plan_free(plan);
}

/* ------------------------------------------------------------------------------- losses */

static erg_node *nce_with(setting *s, erg_noise noise, double ratio) {
    return erg_noise_contrastive(
        s->energy, s->x, s->y, noise,
        (erg_noise_contrastive_options){.log_z = s->params[2], .ratio = ratio});
}
static erg_node *nce(setting *s) {
    return nce_with(s, s->noise, 0);
}
static erg_node *nce_with_more_noise(setting *s) {
    return nce_with(s, s->noise, 3);
}
static erg_node *ranking(setting *s) {
    return erg_ranking(s->energy, s->x, s->y, s->noise.energy);
}
/* The y are standard normal, as the noise of one move. */
static erg_perturbation move(setting *s) {
    return (erg_perturbation){.sigma = 0.9, .noise = erg_unsqueeze(s->y, 0)};
}
static erg_node *conditional(setting *s) {
    return erg_conditional_nce(s->energy, s->x, move(s));
}
static erg_node *flow(setting *s) {
    return erg_minimum_probability_flow(s->energy, s->x, move(s));
}

/* With one mistake each. */
static erg_node *shortcut(setting *s) {
    return nce_with(s, (erg_noise){{nothing, NULL}, 0}, 0);
}
static erg_node *forgotten_log_z(setting *s) {
    return nce_with(s, (erg_noise){s->noise.energy, 0}, 0);
}
static erg_node *forgotten_ratio(setting *s) {
    erg_node *log_z = erg_add_scalar(s->params[2], -log(3));
    return erg_noise_contrastive(s->energy, s->x, s->y, s->noise,
                                 (erg_noise_contrastive_options){.log_z = log_z, .ratio = 3});
}
static erg_node *swapped(setting *s) {
    return erg_noise_contrastive(s->energy, s->y, s->x, s->noise,
                                 (erg_noise_contrastive_options){.log_z = s->params[2]});
}
static erg_node *negated(setting *s) {
    return erg_neg(nce(s));
}
static erg_node *ranking_without_noise(setting *s) {
    return erg_ranking(s->energy, s->x, s->y, (erg_energy){nothing, NULL});
}
static erg_node *inverted_conditional(setting *s) {
    erg_node *moved = erg_add(s->x, erg_mul_scalar(s->y, 0.9));
    erg_node *rise = erg_sub(erg_energy_apply(s->energy, moved), erg_energy_apply(s->energy, s->x));
    return erg_mean(erg_softplus(rise), ERG_ALL, 0);
}
static erg_node *flow_without_half(setting *s) {
    erg_node *moved = erg_add(s->x, erg_mul_scalar(s->y, 0.2));
    erg_node *drop = erg_sub(erg_energy_apply(s->energy, s->x), erg_energy_apply(s->energy, moved));
    return erg_mean(erg_exp(drop), ERG_ALL, 0);
}

static const struct {
    erg_node *(*loss)(setting *s);
    double std; /* of y */
    bool right;
} losses[] = {
    {nce, 1.5, true},
    {nce_with_more_noise, 1.5, true},
    {ranking, 1.5, true},
    {conditional, 1, true},
    {flow, 1, true},
    {shortcut, 1.5, false},
    {forgotten_log_z, 1.5, false},
    {forgotten_ratio, 1.5, false},
    {swapped, 1.5, false},
    {negated, 1.5, false},
    {ranking_without_noise, 1.5, false},
    {inverted_conditional, 1, false},
    {flow_without_half, 1, false},
};

START_TEST(least_at_the_density_of_the_data) {
    setting *s = new_setting();
    double best[NUMBERS], beside[NUMBERS], gradient = 0;
    erg_node *loss = losses[_i].loss(s);
    expect(s, loss, losses[_i].std, best);
    for (int i = 1; i < NUMBERS; i++)
        gradient = fmax(gradient, fabs(best[i]));
    bool found = gradient < 1e-5;
    erg_tensor_set(erg_value(s->params[0]), 0, PRECISION[0][0] + 0.1);
    expect(s, loss, losses[_i].std, beside);
    found = found && beside[0] > best[0] + 1e-6 && fabs(beside[1]) > 1e-3;
    ck_assert_msg(found == losses[_i].right, "gradient %g, value %g, beside %g", gradient, best[0],
                  beside[0]);
    erg_graph_free(s->graph);
}
END_TEST

/* What the shortcut estimates: log p / p_n instead of log p. */
START_TEST(shortcut_finds_the_ratio_to_the_noise) {
    setting *s = new_setting();
    double sums[NUMBERS];
    for (int i = 0; i < D; i++)
        erg_tensor_set(erg_value(s->params[0]), i * D + i, PRECISION[i][i] - NOISE_STIFFNESS);
    erg_tensor_fill(erg_value(s->params[2]), true_log_z() - s->noise.log_z);
    expect(s, shortcut(s), 1.5, sums);
    for (int i = 1; i < NUMBERS; i++)
        ck_assert_double_eq_tol(sums[i], 0, 1e-5);
    erg_graph_free(s->graph);
}
END_TEST

/* ------------------------------------------------------------------------------- known numbers */

/* The loss of data N(0, 1) against noise N(0, std^2), both with their true densities: the data's
 * part and the noise's, each over a grid, with y and x at 0 for the other. */
static double nce_value(double std) {
    double one = 1, other = 1 / (std * std), sum = 0, at_zero = 0;
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(1, 1), NULL), *y = input_of(g, ERG_SHAPE(1, 1), NULL);
    erg_noise noise = {{erg_harmonic_energy, &other}, 0.5 * log(2 * M_PI / other)};
    erg_node *log_z = number_input(g, 0.5 * log(2 * M_PI));
    erg_node *loss = erg_noise_contrastive((erg_energy){erg_harmonic_energy, &one}, x, y, noise,
                                           (erg_noise_contrastive_options){.log_z = log_z});
    erg_plan *plan = erg_compile(&loss, 1);
    for (int i = 0; i < 2001; i++) {
        double z = (i - 1000) * 0.01, weight = 0.01 * exp(-z * z / 2) / sqrt(2 * M_PI);
        erg_tensor_fill(erg_value(x), z);
        erg_tensor_fill(erg_value(y), 0);
        erg_run(plan);
        sum += weight * erg_tensor_get(erg_output(plan, 0), 0);
        erg_tensor_fill(erg_value(x), 0);
        erg_tensor_fill(erg_value(y), std * z);
        erg_run(plan);
        sum += weight * erg_tensor_get(erg_output(plan, 0), 0);
        at_zero = i == 1000 ? erg_tensor_get(erg_output(plan, 0), 0) : at_zero;
    }
    erg_plan_free(plan);
    erg_graph_free(g);
    return sum - at_zero;
}

START_TEST(nce_has_known_numbers) {
    ck_assert_double_eq_tol(nce_value(1), 2 * log(2), 1e-12);
    ck_assert_double_eq_tol(nce_value(2), 1.2008275977870656, 1e-12);
}
END_TEST

/* Scores 0 leave chance; a right score of 3 in each row of 4 has -log softmax = log(1 + 3 e^-3). */
START_TEST(info_nce_has_known_numbers) {
    erg_graph *g = erg_graph_new(0);
    erg_node *scores = input_of(g, ERG_SHAPE(4, 4), NULL);
    ck_assert_double_eq_tol(number_of(erg_info_nce(scores)), log(4), 1e-14);
    for (int i = 0; i < 4; i++)
        erg_tensor_set(erg_value(scores), 5 * i, 3);
    ck_assert_double_eq_tol(number_of(erg_info_nce(scores)), log(1 + 3 * exp(-3)), 1e-14);
    erg_tensor_set(erg_value(scores), 4, 3); /* row 1, column 0: another likely partner of row 1 */
    double expected = (3 * log(1 + 3 * exp(-3)) + log(2 + 2 * exp(-3))) / 4;
    ck_assert_double_eq_tol(number_of(erg_info_nce(scores)), expected, 1e-14);
    erg_graph_free(g);
}
END_TEST

/* Several rivals: row b is ranked against the rows b and B + b of the noise. */
START_TEST(ranking_takes_its_own_rivals) {
    double one = 1, x[] = {0.3, -1.1}, y[] = {0.5, 2, -0.7, 1.4}, expected = 0;
    erg_graph *g = erg_graph_new(0);
    erg_node *loss =
        erg_ranking((erg_energy){erg_harmonic_energy, &one}, input_of(g, ERG_SHAPE(2, 1), x),
                    input_of(g, ERG_SHAPE(4, 1), y), (erg_energy){nothing, NULL});
    for (int b = 0; b < 2; b++) {
        double r[] = {exp(-x[b] * x[b] / 2), exp(-y[b] * y[b] / 2), exp(-y[2 + b] * y[2 + b] / 2)};
        expected -= log(r[0] / (r[0] + r[1] + r[2])) / 2;
    }
    ck_assert_double_eq_tol(number_of(loss), expected, 1e-14);
    erg_graph_free(g);
}
END_TEST

/* A classifier's logits, as an energy in noise contrast, are the logits again. */
START_TEST(noise_contrast_is_logistic_regression) {
    setting *s = new_setting();
    double numbers[] = {0.2, 0.4, -0.3, 1.2, 0.9, -2, 0.1, 0.6, -0.5, 0.8};
    erg_node *data = input_of(s->graph, ERG_SHAPE(2, D), numbers);
    erg_node *samples = input_of(s->graph, ERG_SHAPE(3, D), numbers + 4);
    erg_energy energy = erg_logistic_energy(s->graph, s->energy, s->noise, 1.5);
    erg_node *contrast =
        erg_noise_contrastive(energy, data, samples, s->noise, (erg_noise_contrastive_options){0});
    erg_node *logistic = erg_logistic_loss(erg_energy_apply(s->energy, data),
                                           erg_energy_apply(s->energy, samples), 1.5);
    ck_assert_double_eq_tol(number_of(contrast), number_of(logistic), 1e-13);
    /* With another ratio log nu stays. */
    energy = erg_logistic_energy(s->graph, s->energy, s->noise, 1);
    contrast =
        erg_noise_contrastive(energy, data, samples, s->noise, (erg_noise_contrastive_options){0});
    ck_assert_double_gt(fabs(number_of(contrast) - number_of(logistic)), 1e-3);
    erg_graph_free(s->graph);
}
END_TEST

/* ------------------------------------------------------------------------------- discrepancy */

/* With M = 2000 normal quantiles for n', the energy discrepancy of a x^2 / 2 on N(0, s^2), where the
 * smoothed energy is 1/2 log(1 + a t) + a y^2 / 2 (1 + a t), t = sigma^2. */
static double discrepancy(double a, double s, double sigma, double *gradient) {
    enum { M = 2000, NODES = 31 };
    erg_graph *g = erg_graph_new(0);
    erg_node *stiff = number_param(g, "a", a), *l = ERG_RESHAPE(stiff, 1, 1);
    erg_node *params[] = {l, input_of(g, ERG_SHAPE(1), NULL)};
    erg_node *x = input_of(g, ERG_SHAPE(1, 1), NULL), *n = input_of(g, ERG_SHAPE(1, 1, 1), NULL);
    erg_node *again = input_of(g, ERG_SHAPE(M, 1, 1), NULL);
    for (int j = 0; j < M; j++) {
        double low = -9, high = 9, p = (j + 0.5) / M;
        for (int i = 0; i < 60; i++)
            *(normal_cdf((low + high) / 2) < p ? &low : &high) = (low + high) / 2;
        erg_tensor_set(erg_value(again), j, low);
    }
    erg_energy_discrepancy_options o = {
        .sigma = sigma, .count = M, .stabiliser = ERG_ZERO, .noise = n, .contrast_noise = again};
    erg_node *loss = erg_energy_discrepancy((erg_energy){bilinear, params}, x, o);
    ck_assert_msg(loss != NULL, "%s", erg_error_message());
    erg_plan *plan = erg_compile((erg_node *[]){loss, erg_gradient(loss, stiff)}, 2);
    double value = *gradient = 0;
    for (int i = 0; i < NODES * NODES; i++) {
        double step = 0.4, u = (i % NODES - 15) * step, v = (i / NODES - 15) * step;
        double weight = step * step * exp(-(u * u + v * v) / 2) / (2 * M_PI);
        erg_tensor_fill(erg_value(x), s * u);
        erg_tensor_fill(erg_value(n), v);
        erg_run(plan);
        value += weight * erg_tensor_get(erg_output(plan, 0), 0);
        *gradient += weight * erg_tensor_get(erg_output(plan, 1), 0);
    }
    erg_plan_free(plan);
    erg_graph_free(g);
    return value;
}

START_TEST(energy_discrepancy_has_known_numbers) {
    const double s = 1.3, sigma = 0.8, t = sigma * sigma, places[] = {1 / (s * s), 0.9, 0.3};
    for (int i = 0; i < COUNT(places); i++) {
        double a = places[i], width = 1 + a * t, slope;
        double value = discrepancy(a, s, sigma, &slope);
        double expected = a * s * s / 2 - a * (s * s + t) / (2 * width) - log(width) / 2;
        double rise = s * s / 2 - (s * s + t) / (2 * width * width) - t / (2 * width);
        ck_assert_double_eq_tol(value, expected, 2e-3);
        ck_assert_double_eq_tol(slope, rise, 2e-3);
        ck_assert(i == 0 ? fabs(rise) < 1e-12 : fabs(rise) > 0.02);
    }
}
END_TEST

/* One draw and w = 1: the logarithm is log(1 + exp(E(x) - E(x + sigma (n + n')))). */
START_TEST(energy_discrepancy_is_stabilised) {
    double one = 1, x = 0.7, n = -0.4, again = 1.1;
    erg_graph *g = erg_graph_new(0);
    erg_energy_discrepancy_options o = {.sigma_node = number_input(g, 0.5),
                                        .count = 1,
                                        .noise = input_of(g, ERG_SHAPE(1, 1, 1), &n),
                                        .contrast_noise = input_of(g, ERG_SHAPE(1, 1, 1), &again)};
    erg_node *loss = erg_energy_discrepancy((erg_energy){erg_harmonic_energy, &one},
                                            input_of(g, ERG_SHAPE(1, 1), &x), o);
    double y = x + 0.5 * (n + again);
    ck_assert_double_eq_tol(number_of(loss), log1p(exp((x * x - y * y) / 2)), 1e-14);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- fitted noise */

/* The first batch meets its own moments, the others those of the batches before, which count alike. */
START_TEST(fitted_noise_has_the_moments_of_the_data) {
    const double batches[3][4] = {{1, 3, -2, 2}, {5, 7, 0, 8}, {0}};
    erg_graph *g = erg_graph_new(92);
    erg_node *data = input_of(g, ERG_SHAPE(2, 2), NULL);
    erg_fitted_noise *noise =
        erg_fitted_noise_new("noise", data, (erg_fitted_noise_options){.rate = 0.1});
    ck_assert_msg(noise != NULL, "%s", erg_error_message());
    erg_node *outputs[] = {noise->mean, noise->std, noise->update};
    erg_plan *plan = erg_compile(outputs, 3);
    double mean[4][2] = {{0}}, variance[4][2] = {{0}};
    for (int t = 0; t < 3; t++) {
        memcpy(erg_value(data)->data, batches[t], sizeof batches[t]);
        erg_run(plan);
        for (int i = 0; i < 2; i++) {
            double a = batches[t][i], b = batches[t][2 + i];
            double m = mean[t][i] + ((a + b) / 2 - mean[t][i]) / (t + 1);
            double square = (pow(a - m, 2) + pow(b - m, 2)) / 2;
            mean[t + 1][i] = m;
            variance[t + 1][i] = variance[t][i] + (square - variance[t][i]) / (t + 1);
            int met = t ? t : 1;
            ck_assert_double_eq_tol(erg_tensor_get(erg_output(plan, 0), i), mean[met][i], 1e-13);
            ck_assert_double_eq_tol(erg_tensor_get(erg_output(plan, 1), i), sqrt(variance[met][i]),
                                    1e-13);
        }
    }
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(erg_find(g, "noise/mean")), 1), mean[3][1],
                            1e-13);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* Constant data: the least standard deviation. Samples and energy belong together: E[E] is the
 * entropy D (1 + log 2 pi) / 2 + D log std, with a variance of D / 2. */
START_TEST(fitted_noise_samples_its_energy) {
    const int64_t n = draws(100000, 10000);
    erg_graph *g = erg_graph_new(93);
    erg_node *data = input_of(g, ERG_SHAPE(3, 2), (double[]){1, 2, 1, 2, 1, 2});
    erg_fitted_noise *noise =
        erg_fitted_noise_new("noise", data, (erg_fitted_noise_options){.min_std = 0.2});
    erg_node *e = erg_fitted_noise_energy(noise, erg_fitted_noise_sample(noise, n));
    double z = number_of(erg_mean(e, ERG_ALL, 0)) - (1 + log(2 * M_PI) + 2 * log(0.2));
    ck_assert_double_lt(fabs(z) * sqrt((double)n), CRITICAL_Z);
    erg_graph_free(g);
}
END_TEST

/* The gradient at the truth of flow contrastive estimation, over many runs, is 0 in the mean; with
 * another log Z, or another precision, it is not. */
static double flow_z(double a, double log_z, int which) {
    const int runs = (int)draws(4000, 400);
    erg_graph *g = erg_graph_new(94);
    erg_node *params[] = {number_param(g, "a", a), number_param(g, "log_z", log_z)};
    erg_node *pair[] = {ERG_RESHAPE(params[0], 1, 1), input_of(g, ERG_SHAPE(1), NULL)};
    erg_node *data = erg_mul_scalar(erg_normal(g, ERG_FLOAT64, ERG_SHAPE(64, 1)), 1.5);
    erg_fitted_noise *noise =
        erg_fitted_noise_new("noise", data, (erg_fitted_noise_options){.rate = 0.01});
    erg_node *loss =
        erg_flow_contrastive((erg_energy){bilinear, pair}, data, noise,
                             (erg_flow_contrastive_options){.log_z = params[1], .ratio = 2});
    erg_node *outputs[] = {erg_gradient(loss, params[which]), noise->update};
    erg_plan *plan = erg_compile(outputs, 2);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    erg_run_n(plan, 200);
    double sum = 0, square = 0;
    for (int i = 0; i < runs; i++) {
        erg_run(plan);
        double slope = erg_tensor_get(erg_output(plan, 0), 0);
        sum += slope;
        square += slope * slope;
    }
    erg_plan_free(plan);
    erg_graph_free(g);
    return sum / sqrt(square - sum * sum / runs);
}

START_TEST(flow_contrast_finds_the_gaussian) {
    const double a = 1 / 2.25, log_z = 0.5 * log(2 * M_PI * 2.25);
    for (int which = 0; which < 2; which++) {
        ck_assert_double_lt(fabs(flow_z(a, log_z, which)), CRITICAL_Z);
        ck_assert_double_gt(fabs(flow_z(a, log_z + 0.2, which)), CRITICAL_Z);
        ck_assert_double_gt(fabs(flow_z(a * 1.2, log_z, which)), CRITICAL_Z);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(noise_contrast_refuses_misuse) {
    setting *s = new_setting();
    erg_graph *g = s->graph;
    const erg_noise none = {{0}, 0}, infinite = {s->noise.energy, INFINITY};
    const erg_noise_contrastive_options usual = {0}, bad = {.ratio = -1}, wide = {.log_z = s->x};
    REFUSES(g, "no function", erg_noise_contrastive(s->energy, s->x, s->y, none, usual));
    REFUSES(g, "no function", erg_noise_contrastive(none.energy, s->x, s->y, s->noise, usual));
    REFUSES(g, "ratio -1", erg_noise_contrastive(s->energy, s->x, s->y, s->noise, bad));
    REFUSES(g, "log Z of the noise inf",
            erg_noise_contrastive(s->energy, s->x, s->y, infinite, usual));
    REFUSES(g, "shape ()", erg_noise_contrastive(s->energy, s->x, s->y, s->noise, wide));
    REFUSES(g, "no samples", erg_noise_contrastive(s->energy, s->x, NULL, s->noise, usual));
    REFUSES(g, "no data", erg_noise_contrastive(s->energy, NULL, s->y, s->noise, usual));
    REFUSES(g, "ratio 0", erg_logistic_loss(s->x, s->y, 0));
    ck_assert(!erg_logistic_energy(g, none.energy, s->noise, 1).fn);
    ck_assert_ptr_nonnull(strstr(erg_graph_error(g), "no function"));
    erg_graph_clear_error(g);
    ck_assert(!erg_logistic_energy(g, s->energy, s->noise, -1).fn);
    ck_assert_ptr_nonnull(strstr(erg_graph_error(g), "ratio -1"));
    erg_graph_clear_error(g);
    erg_node *three = input_of(g, ERG_SHAPE(3, D), NULL), *two = input_of(g, ERG_SHAPE(2, D), NULL);
    REFUSES(g, "noise (3, 2) is no multiple of data (2, 2)",
            erg_ranking(s->energy, two, three, s->noise.energy));
    REFUSES(g, "no samples", erg_ranking(s->energy, two, NULL, s->noise.energy));
    REFUSES(g, "scores (3, 2), must be (B, B)", erg_info_nce(three));
    FAILS_NULL("scores NULL", erg_info_nce(NULL));
    erg_node *empty = input_of(g, ERG_SHAPE(0, D), NULL);
    REFUSES(g, "ratio inf", erg_noise_contrastive(s->energy, empty, two, s->noise, usual));
    REFUSES(g, "no multiple", erg_ranking(s->energy, empty, two, s->noise.energy));
    const erg_perturbation still = {.sigma = -1}, nodes = {.sigma_node = s->x},
                           many = {.count = -2};
    REFUSES(g, "conditional_nce: sigma -1", erg_conditional_nce(s->energy, s->x, still));
    REFUSES(g, "shape ()", erg_conditional_nce(s->energy, s->x, nodes));
    REFUSES(g, "probability_flow: -2 vectors", erg_minimum_probability_flow(s->energy, s->x, many));
    FAILS_NULL("no data", erg_minimum_probability_flow(s->energy, NULL, many));
    REFUSES(g, "stabiliser -1",
            erg_energy_discrepancy(s->energy, s->x,
                                   (erg_energy_discrepancy_options){.stabiliser = -1}));
    FAILS_NULL("no data",
               erg_energy_discrepancy(s->energy, NULL, (erg_energy_discrepancy_options){0}));
    REFUSES(g, "rate 2",
            (erg_node *)(void *)erg_fitted_noise_new("n", s->x, (erg_fitted_noise_options){2, 0}));
    FAILS_NULL("no data", erg_fitted_noise_new("n", NULL, (erg_fitted_noise_options){0}));
    REFUSES(g, "no noise",
            erg_flow_contrastive(s->energy, s->x, NULL, (erg_flow_contrastive_options){0}));
    FAILS_NULL("no noise", erg_fitted_noise_sample(NULL, 3));
    erg_fitted_noise *noise = erg_fitted_noise_new("n", s->x, (erg_fitted_noise_options){0});
    REFUSES(
        g, "-1 noise samples",
        erg_flow_contrastive(s->energy, s->x, noise, (erg_flow_contrastive_options){.ratio = -1}));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("noise contrast");
    TCase *optima = tcase_create("optima");
    tcase_set_timeout(optima, 60);
    tcase_add_loop_test(optima, least_at_the_density_of_the_data, 0, COUNT(losses));
    tcase_add_test(optima, shortcut_finds_the_ratio_to_the_noise);
    suite_add_tcase(suite, optima);
    TCase *known = tcase_create("known numbers");
    tcase_add_test(known, nce_has_known_numbers);
    tcase_add_test(known, info_nce_has_known_numbers);
    tcase_add_test(known, ranking_takes_its_own_rivals);
    tcase_add_test(known, noise_contrast_is_logistic_regression);
    tcase_add_test(known, energy_discrepancy_has_known_numbers);
    tcase_add_test(known, energy_discrepancy_is_stabilised);
    suite_add_tcase(suite, known);
    TCase *fitted = tcase_create("fitted noise");
    tcase_add_test(fitted, fitted_noise_has_the_moments_of_the_data);
    tcase_add_test(fitted, fitted_noise_samples_its_energy);
    tcase_add_test(fitted, flow_contrast_finds_the_gaussian);
    suite_add_tcase(suite, fitted);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, noise_contrast_refuses_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

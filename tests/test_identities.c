/* test_identities.c: the identities that make score matching work, integrated by quadrature on
 * densities that are not Gaussian, and the gradients of every loss by finite differences.
 *
 * The loss of one point is a function of the point; weighted by a density on a grid and summed, it
 * is the loss of infinitely many samples of that density. */
#include "modules.h"

/* 0.3 N(-1, 1) + 0.7 N(2, 0.8^2), as the density of the data; with its noise, wider components. */
static const double data_weights[] = {0.3, 0.7}, data_means[] = {-1, 2};

static erg_energy data_energy(erg_graph *g, double sigma) {
    const double stds[] = {sqrt(1 + sigma * sigma), sqrt(0.64 + sigma * sigma)};
    return (erg_energy){
        erg_gaussian_mixture_energy,
        erg_gaussian_mixture_new(g, ERG_FLOAT64, 2, 1, data_weights, data_means, stds)};
}

/* Models far from the data and near. */
static const struct {
    double means[2], stds[2];
} models[] = {{{-2, 1}, {1.5, 1.2}}, {{0, 2.5}, {2, 1}}, {{-1, 2}, {1, 0.8}}};

static erg_energy model_energy(erg_graph *g, int i) {
    return (erg_energy){erg_gaussian_mixture_energy,
                        erg_gaussian_mixture_new(g, ERG_FLOAT64, 2, 1, data_weights,
                                                 models[i].means, models[i].stds)};
}

enum { POINTS = 240 };
static const double LOW = -11, HIGH = 13;
static double place(int i) {
    return LOW + (i + 0.5) * (HIGH - LOW) / POINTS;
}

/* exp(-E) dx at the places; and E |s|^2 of the density. */
static double weigh(erg_energy energy, erg_graph *g, double *weights) {
    erg_node *x = input_of(g, ERG_SHAPE(POINTS, 1), NULL);
    for (int i = 0; i < POINTS; i++)
        erg_tensor_set(erg_value(x), i, place(i));
    double *e = elements_of(erg_energy_apply(energy, x)), *s = elements_of(erg_score(energy, x));
    double square = 0;
    for (int i = 0; i < POINTS; i++) {
        weights[i] = exp(-e[i]) * (HIGH - LOW) / POINTS;
        square += weights[i] * s[i] * s[i];
    }
    free(e);
    free(s);
    return square;
}

/* The sum over the places, of weights times a loss of one sample. */
static double expectation(erg_node *loss, erg_node *x, const double *weights) {
    double sum = 0;
    erg_plan *plan = erg_compile(&loss, 1);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    for (int i = 0; i < POINTS; i++) {
        erg_tensor_set(erg_value(x), 0, place(i));
        erg_run(plan);
        sum += weights[i] * erg_tensor_get(erg_output(plan, 0), 0);
    }
    erg_plan_free(plan);
    return sum;
}

static erg_node *kinetic_only(erg_energy energy, erg_node *x) {
    return erg_mul_scalar(erg_sum(erg_square(erg_score(energy, x)), ERG_ALL, 0), 0.5);
}
static erg_node *flipped(erg_energy energy, erg_node *x) {
    erg_node *e = erg_energy_apply(energy, x);
    return erg_add(kinetic_only(energy, x), erg_mean(erg_laplacian(e, x), ERG_ALL, 0));
}

/* Exact score matching - Fisher divergence + E |s_data|^2 / 2, which is 0. */
START_TEST(score_matching_is_fisher_plus_constant) {
    double weights[POINTS];
    erg_graph *g = erg_graph_new(0);
    erg_energy model = model_energy(g, _i), data = data_energy(g, 0);
    double square = weigh(data, g, weights);
    erg_node *x = input_of(g, ERG_SHAPE(1, 1), NULL);
    double fisher = expectation(erg_fisher_divergence(model, data, x), x, weights);
    double exact = expectation(erg_score_matching(model, x), x, weights);
    ck_assert_double_eq_tol(exact - fisher + square / 2, 0, 1e-10);
    ck_assert(_i == 2 ? fisher < 1e-20 : fisher > 0.01);
    double planted = expectation(kinetic_only(model, x), x, weights);
    ck_assert_double_gt(fabs(planted - fisher + square / 2), 1e-3);
    planted = expectation(flipped(model, x), x, weights);
    ck_assert_double_gt(fabs(planted - fisher + square / 2), 1e-3);
    erg_graph_free(g);
}
END_TEST

/* Denoising with the noise on a grid of its own, weighted by the normal density. A planted sign
 * turns the target. */
static double denoising_expectation(erg_energy model, erg_graph *g, double sigma, double sign,
                                    const double *weights) {
    enum { NODES = 60 };
    erg_node *x = input_of(g, ERG_SHAPE(1, 1), NULL), *n = input_of(g, ERG_SHAPE(1, 1), NULL);
    erg_node *loss =
        erg_denoising_score_matching(model, x, (erg_denoising_options){.sigma = sigma, .noise = n});
    if (sign < 0) {
        erg_node *moved = erg_add(x, erg_mul_scalar(n, sigma));
        erg_node *residual = erg_sub(erg_score(model, moved), erg_mul_scalar(n, 1 / sigma));
        loss = erg_mul_scalar(erg_sum(erg_square(residual), ERG_ALL, 0), 0.5);
    }
    double sum = 0;
    for (int k = 0; k < NODES; k++) {
        double width = 18.0 / NODES, z = -9 + (k + 0.5) * width;
        erg_tensor_fill(erg_value(n), z);
        sum += width * exp(-z * z / 2) / sqrt(2 * M_PI) * expectation(loss, x, weights);
    }
    return sum;
}

/* DSM = Fisher divergence to the smoothed density + (1 / sigma^2 - E |s_smoothed|^2) / 2. */
START_TEST(denoising_is_fisher_of_smoothed_plus_constant) {
    const double sigmas[] = {0.5, 1};
    for (int k = 0; k < 2; k++) {
        double sigma = sigmas[k], weights[POINTS], smoothed_weights[POINTS];
        erg_graph *g = erg_graph_new(0);
        erg_energy model = model_energy(g, _i), smoothed = data_energy(g, sigma);
        weigh(data_energy(g, 0), g, weights);
        double square = weigh(smoothed, g, smoothed_weights);
        erg_node *x = input_of(g, ERG_SHAPE(1, 1), NULL);
        double fisher = expectation(erg_fisher_divergence(model, smoothed, x), x, smoothed_weights);
        double constant = (1 / (sigma * sigma) - square) / 2;
        double denoising = denoising_expectation(model, g, sigma, 1, weights);
        ck_assert_double_eq_tol(denoising, fisher + constant, 1e-9);
        double planted = denoising_expectation(model, g, sigma, -1, weights);
        ck_assert_double_gt(fabs(planted - fisher - constant), 1e-3);
        /* Not the Fisher divergence to the density without noise. */
        fisher = expectation(erg_fisher_divergence(model, data_energy(g, 0), x), x, weights);
        ck_assert_double_gt(fabs(denoising - fisher - constant), 1e-3);
        erg_graph_free(g);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- gradients */

typedef struct setting {
    erg_energy energy, data_energy;
    erg_node *data, *other, *noise;
} setting;

static erg_node *contrastive(setting s) {
    return erg_contrastive_divergence(s.energy, s.data, s.other, (erg_contrastive_options){0});
}
static erg_node *contrastive_with_penalty(setting s) {
    return erg_contrastive_divergence(s.energy, s.data, s.other,
                                      (erg_contrastive_options){.energy_penalty = 0.3});
}
static erg_node *fisher(setting s) {
    return erg_fisher_divergence(s.energy, s.data_energy, s.data);
}
static erg_node *exact(setting s) {
    return erg_score_matching(s.energy, s.data);
}
static erg_node *denoising(setting s) {
    return erg_denoising_score_matching(s.energy, s.data,
                                        (erg_denoising_options){.sigma = 0.4, .noise = s.noise});
}

static const struct {
    erg_node *(*loss)(setting s);
    int order;
} losses[] = {
    {contrastive, 3}, {contrastive_with_penalty, 3}, {fisher, 2}, {exact, 2}, {denoising, 2}};

/* By the params of an MLP, and by the data. */
START_TEST(losses_have_true_gradients) {
    double stiffness = 1.3;
    const double numbers[] = {0.31, -0.72, 1.23, 0.44, -0.95, 0.16, 0.8, -0.4, 0.6, 1.1, -1.2, 0.3};
    erg_graph *g = erg_graph_new(61);
    erg_mlp *mlp =
        erg_mlp_new(g, "energy", (int64_t[]){2, 5, 1}, 3, (erg_mlp_options){.dtype = ERG_FLOAT64});
    setting s = {.energy = {erg_mlp_energy, mlp},
                 .data_energy = {erg_harmonic_energy, &stiffness},
                 .data = input_of(g, ERG_SHAPE(3, 2), numbers),
                 .other = input_of(g, ERG_SHAPE(2, 2), numbers + 6),
                 .noise = input_of(g, ERG_SHAPE(3, 2), numbers + 5)};
    erg_node *xs[] = {s.data, mlp->layers[0]->weight, mlp->layers[0]->bias, mlp->layers[1]->weight};
    erg_gradcheck_result result;
    erg_status status = erg_gradcheck(losses[_i].loss(s), xs, COUNT(xs),
                                      (erg_gradcheck_options){.order = losses[_i].order}, &result);
    ck_assert_msg(status == ERG_OK, "%s", result.message);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("identities");
    TCase *identities = tcase_create("identities");
    tcase_add_loop_test(identities, score_matching_is_fisher_plus_constant, 0, COUNT(models));
    tcase_add_loop_test(identities, denoising_is_fisher_of_smoothed_plus_constant, 0,
                        COUNT(models));
    tcase_add_loop_test(identities, losses_have_true_gradients, 0, COUNT(losses));
    suite_add_tcase(suite, identities);
    return run_suite(suite);
}

/* test_annealed.c: sampling through levels of noise, with energies whose smoothed densities are known:
 * Gaussians, where every step is a linear recursion, and mixtures of them. */
#include "smooth.h"

/* ------------------------------------------------------------------------------- levels */

START_TEST(levels_are_geometric) {
    const erg_noise_schedule schedule = {.high = 8, .low = 0.5, .levels = 5, .steps = 3};
    const double expected[] = {8, 8, 8, 4, 4, 4, 2, 2, 2, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5};
    erg_graph *g = erg_graph_new(0);
    for (int i = 0; i < COUNT(expected); i++)
        ck_assert_double_eq_tol(number_of(erg_noise_level(number_input(g, i), schedule)),
                                expected[i], 1e-14);
    const erg_noise_schedule usual = {0};
    ck_assert_double_eq(number_of(erg_noise_level(number_input(g, 99), usual)), 1);
    ck_assert_double_eq_tol(number_of(erg_noise_level(number_input(g, 900), usual)), 0.01, 1e-15);
    ck_assert_double_eq(number_of(erg_noise_level(number_input(g, 7),
                                                  (erg_noise_schedule){.high = 3, .levels = 1})),
                        3);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- annealed sampling */

typedef struct anneal {
    erg_graph *graph;
    erg_node *x, *t;
} anneal;

/* Chains (B, 1) at N(0, start^2). */
static anneal new_anneal(int64_t chains, double start) {
    anneal a = {.graph = erg_graph_new(41)};
    a.x = erg_state(a.graph, "x", ERG_FLOAT64, ERG_SHAPE(chains, 1));
    a.t = erg_state(a.graph, "t", ERG_FLOAT64, ERG_SCALAR);
    ck_assert_int_eq(erg_init_normal(a.x, start), ERG_OK);
    return a;
}

static void run_anneal(anneal a, erg_node *next, int64_t n) {
    erg_node *effects[] = {erg_assign(a.x, next), erg_assign(a.t, erg_add_scalar(a.t, 1))};
    erg_plan *plan = erg_compile(effects, 2);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    erg_run_n(plan, n);
    erg_plan_free(plan);
}

static double z_of_variance(const anneal *a, double variance) {
    const erg_tensor *value = erg_value(a->x);
    double squares = 0, n = (double)erg_tensor_size(value);
    for (int64_t b = 0; b < erg_tensor_size(value); b++)
        squares += pow(erg_tensor_get(value, b), 2);
    return (squares / n / variance - 1) / sqrt(2 / n);
}

/* The variance after a Langevin step of size h, and after a predictor's, for data N(0, a^2). */
static double after_langevin(double variance, double a, double s, double h, double noise) {
    return pow(1 - h / (a * a + s * s), 2) * variance + noise * h;
}

static double after_predictor(double variance, double a, double s, double next) {
    double removed = s * s - next * next;
    return pow(1 - removed / (a * a + s * s), 2) * variance + removed;
}

START_TEST(annealed_langevin_has_its_law) {
    const erg_noise_schedule schedule = {.high = 2, .low = 0.25, .levels = 4, .steps = 3};
    const double step = 0.4, data = 0.6;
    anneal a = new_anneal(draws(40000, 2000), 2);
    erg_pair_energy energy = {smooth_gaussian, (void *)&data};
    run_anneal(a, erg_annealed_langevin(energy, a.x, a.t, (erg_annealed_options){schedule, step}),
               12);
    double variance = 4, planted = 4;
    for (int i = 0; i < 12; i++) {
        double s = 2 * pow(0.5, i / 3);
        variance = after_langevin(variance, data, s, step * s * s, 2);
        planted = after_langevin(planted, data, s, step * s * s, 1);
    }
    ck_assert_double_lt(fabs(z_of_variance(&a, variance)), CRITICAL_Z);
    ck_assert_double_gt(fabs(z_of_variance(&a, planted)), CRITICAL_Z);
    erg_graph_free(a.graph);
}
END_TEST

START_TEST(predictor_corrector_has_its_law) {
    const double step = 0.4, data = 0.6;
    for (int64_t corrections = -1; corrections < 3; corrections++) {
        anneal a = new_anneal(draws(40000, 2000), 2);
        erg_pair_energy energy = {smooth_gaussian, (void *)&data};
        run_anneal(a,
                   erg_predictor_corrector(
                       energy, a.x, a.t,
                       (erg_predictor_corrector_options){2, 0.25, 7, corrections, step, 0}),
                   6);
        double variance = 4, planted = 4;
        for (int i = 0; i < 6; i++) {
            double s = 2 * pow(0.125, i / 6.0), next = 2 * pow(0.125, (i + 1) / 6.0);
            variance = after_predictor(variance, data, s, next);
            planted = after_predictor(planted, data, s, 2 * next - s);
            int64_t n = corrections < 0 ? 0 : corrections == 0 ? 1 : corrections;
            for (int64_t k = 0; k < n; k++) {
                variance = after_langevin(variance, data, next, step * next * next, 2);
                planted = after_langevin(planted, data, next, step * next * next, 1);
            }
        }
        ck_assert_double_lt(fabs(z_of_variance(&a, variance)), CRITICAL_Z);
        ck_assert_double_gt(fabs(z_of_variance(&a, planted)), CRITICAL_Z);
        erg_graph_free(a.graph);
    }
}
END_TEST

/* At a single level the predictor does nothing, and x' = x - h g + sqrt(2 h) xi gives xi back if h is
 * the rule's: 2 (r sqrt(D) / mean |g|)^2. Planted: twice that, and a step for each chain from its own
 * gradient. */
START_TEST(corrector_follows_signal_to_noise) {
    enum { D = 3 };
    const double data = 0.6, level = 2, r = 0.3;
    const int64_t chains = 20000;
    erg_graph *g = erg_graph_new(43);
    erg_node *x = erg_state(g, "x", ERG_FLOAT64, ERG_SHAPE(chains, D));
    ck_assert_int_eq(erg_init_normal(x, 5), ERG_OK);
    erg_predictor_corrector_options options = {
        .high = level, .low = level, .levels = 1, .step = 7, .signal_to_noise = r};
    double *next = elements_of(erg_predictor_corrector(
        (erg_pair_energy){smooth_gaussian, (void *)&data}, x, number_input(g, 0), options));
    const double *at = erg_value(x)->data, stiffness = 1 / (data * data + level * level);
    double *norms = calloc((size_t)chains, sizeof *norms), mean = 0;
    for (int64_t b = 0; b < chains; b++) {
        norms[b] = stiffness * sqrt(at[b * D] * at[b * D] + at[b * D + 1] * at[b * D + 1] +
                                    at[b * D + 2] * at[b * D + 2]);
        mean += norms[b] / (double)chains;
    }
    double *xi = calloc((size_t)(chains * D), sizeof *xi);
    for (int planted = 0; planted < 3; planted++) {
        for (int64_t i = 0; i < chains * D; i++) {
            double norm = planted == 2 ? norms[i / D] : mean;
            double h = (planted == 1 ? 4 : 2) * r * r * D / (norm * norm);
            xi[i] = (next[i] - at[i] + h * stiffness * at[i]) / sqrt(2 * h);
        }
        double distance = kolmogorov(xi, chains * D, normal_cdf);
        ck_assert((distance < CRITICAL_KS) == (planted == 0));
    }
    free(xi);
    free(norms);
    free(next);
    erg_graph_free(g);
}
END_TEST

/* Kolmogorov's distance to the mixture smoothed at the last level. */
static double distance(anneal a, double low) {
    int64_t n = erg_tensor_size(erg_value(a.x));
    double *x = erg_tensor_f64(erg_value(a.x)), worst = 0;
    qsort(x, (size_t)n, sizeof *x, compare_doubles);
    for (int64_t i = 0; i < n; i++)
        worst = fmax(worst, fabs(mixture_cdf_at(x[i], low) - ((double)i + 0.5) / (double)n));
    return worst;
}

/* From one wide heap to two peaks with their weights. What is allowed is the error of levels that
 * are not infinitely many, and the fluctuation of so many chains at p = 1e-6. Planted: scores of
 * another noise. */
START_TEST(annealing_finds_the_mixture) {
    const int64_t chains = draws(10000, 2000);
    const double low = 0.1, allowed = 0.015 + CRITICAL_KS / sqrt((double)chains);
    double wrong = 3;
    for (int planted = 0; planted < 2; planted++) {
        erg_pair_energy energy = {smooth_mixture, planted ? &wrong : NULL};
        anneal a = new_anneal(chains, 8);
        const erg_noise_schedule schedule = {.high = 8, .low = low, .levels = 30, .steps = 12};
        run_anneal(a, erg_annealed_langevin(energy, a.x, a.t, (erg_annealed_options){schedule, 0}),
                   360);
        double d = distance(a, low);
        ck_assert_msg(planted ? d > allowed : d < allowed, "Langevin: %g", d);
        erg_graph_free(a.graph);

        a = new_anneal(chains, 8);
        run_anneal(a,
                   erg_predictor_corrector(energy, a.x, a.t,
                                           (erg_predictor_corrector_options){8, low, 150, 1, 0, 0}),
                   149);
        d = distance(a, low);
        ck_assert_msg(planted ? d > allowed : d < allowed, "predictor and corrector: %g", d);
        erg_graph_free(a.graph);
    }
}
END_TEST

/* For data N(0, a^2), E[data | x] = x a^2 / (a^2 + s^2). */
START_TEST(denoising_is_the_posterior_mean) {
    const double a = 0.5, at[] = {1, -2, 0.3, 4, 5, -6}, noises[] = {0.25, 1, 2};
    erg_graph *g = erg_graph_new(0);
    erg_pair_energy energy = {smooth_gaussian, (void *)&a};
    double *clean = elements_of(
        erg_denoise(energy, input_of(g, ERG_SHAPE(3, 2), at), input_of(g, ERG_SHAPE(3), noises)));
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(clean[i], at[i] * a * a / (a * a + pow(noises[i / 2], 2)), 1e-14);
    free(clean);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(levels_refuse_misuse) {
    const double a = 1;
    erg_graph *g = erg_graph_new(0);
    erg_pair_energy energy = {smooth_gaussian, (void *)&a};
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL), *t = number_input(g, 0);
    const erg_noise_schedule bad[] = {{.high = 0.001}, {.low = 2},         {.low = -1},
                                      {.high = NAN},   {.high = INFINITY}, {.levels = -1},
                                      {.steps = -1}};
    for (int i = 0; i < COUNT(bad); i++) {
        REFUSES(g, "noise_level: from", erg_noise_level(t, bad[i]));
        REFUSES(g, "noise_level: from",
                erg_annealed_langevin(energy, x, t, (erg_annealed_options){.schedule = bad[i]}));
    }
    const double steps[] = {-1, NAN, INFINITY};
    for (int i = 0; i < COUNT(steps); i++) {
        REFUSES(g, "annealed_langevin: step",
                erg_annealed_langevin(energy, x, t, (erg_annealed_options){.step = steps[i]}));
        REFUSES(g, "predictor_corrector: step",
                erg_predictor_corrector(energy, x, t,
                                        (erg_predictor_corrector_options){.step = steps[i]}));
    }
    const double ratios[] = {-1, NAN, INFINITY};
    for (int i = 0; i < COUNT(ratios); i++)
        REFUSES(g, "signal to noise",
                erg_predictor_corrector(
                    energy, x, t, (erg_predictor_corrector_options){.signal_to_noise = ratios[i]}));
    REFUSES(g, "-2 corrections",
            erg_predictor_corrector(energy, x, t,
                                    (erg_predictor_corrector_options){.corrections = -2}));
    REFUSES(g, "noise_level: from",
            erg_predictor_corrector(energy, x, t, (erg_predictor_corrector_options){.levels = -2}));
    REFUSES(g, "shape ()", erg_noise_level(x, (erg_noise_schedule){0}));
    ck_assert_ptr_null(erg_noise_level(NULL, (erg_noise_schedule){0}));
    ck_assert_ptr_null(erg_annealed_langevin(energy, NULL, t, (erg_annealed_options){0}));
    ck_assert_ptr_null(erg_annealed_langevin(energy, x, NULL, (erg_annealed_options){0}));
    ck_assert_ptr_null(
        erg_predictor_corrector(energy, x, NULL, (erg_predictor_corrector_options){0}));
    REFUSES(g, "function", erg_denoise((erg_pair_energy){0}, x, t));
    REFUSES(g, "probability_flow: the energy has no function",
            erg_probability_flow(g, (erg_pair_energy){0}).self);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("annealed");
    TCase *levels = tcase_create("levels");
    tcase_add_test(levels, levels_are_geometric);
    tcase_add_test(levels, annealed_langevin_has_its_law);
    tcase_add_test(levels, predictor_corrector_has_its_law);
    tcase_add_test(levels, corrector_follows_signal_to_noise);
    tcase_add_test(levels, annealing_finds_the_mixture);
    tcase_add_test(levels, denoising_is_the_posterior_mean);
    tcase_add_test(levels, levels_refuse_misuse);
    suite_add_tcase(suite, levels);
    return run_suite(suite);
}

/* test_annealed.c: sampling through levels of noise, and the differential equations behind it, with
 * energies whose smoothed densities are known: Gaussians, where every step is a linear recursion,
 * and mixtures of them. */
#include "modules.h"

/* ------------------------------------------------------------------------------- energies */

/* E = |x|^2 / (2 (a^2 + s^2)): data N(0, a^2 I) smoothed by s, () or (B). self: a. */
static erg_node *smooth_gaussian(void *self, erg_node *x, erg_node *noise) {
    const double *a = self;
    erg_node *half = erg_mul_scalar(erg_sum(erg_square(x), ERG_AXES(1), 0), 0.5);
    return erg_div(half, erg_add_scalar(erg_square(noise), *a * *a));
}

enum { MODES = 2 };
static const double weights[MODES] = {0.3, 0.7}, means[MODES] = {-2, 2}, spread = 0.5;

/* -log sum_k w_k N(x; m_k, spread^2 + s^2) but for a constant of x; x (B, 1). self, if there is
 * one: a wrong factor of s. */
static erg_node *smooth_mixture(void *self, erg_node *x, erg_node *noise) {
    const double *wrong = self;
    erg_node *s = wrong ? erg_mul_scalar(noise, *wrong) : noise;
    erg_node *variance = erg_add_scalar(erg_square(s), spread * spread), *terms[MODES];
    for (int k = 0; k < MODES; k++) {
        erg_node *away = erg_square(erg_add_scalar(erg_squeeze(x, 1), -means[k]));
        terms[k] = erg_add_scalar(erg_mul_scalar(erg_div(away, variance), -0.5), log(weights[k]));
    }
    return erg_neg(erg_logsumexp(erg_stack(terms, MODES, 1), ERG_AXES(1), 0));
}

static double mixture_cdf_at(double x, double s) {
    double sum = 0;
    for (int k = 0; k < MODES; k++)
        sum += weights[k] * normal_cdf((x - means[k]) / hypot(spread, s));
    return sum;
}

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
        run_anneal(
            a,
            erg_predictor_corrector(
                energy, a.x, a.t, (erg_predictor_corrector_options){2, 0.25, 7, corrections, step}),
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
                                           (erg_predictor_corrector_options){8, low, 150, 1, 0}),
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

/* ------------------------------------------------------------------------------- equations */

/* dx/dt = -rate_b x cos(t): x = x_0 exp(-rate_b sin t). self: the rates (B, 1). */
static erg_node *swing(void *self, erg_node *x, erg_node *t) {
    return erg_neg(erg_mul(erg_mul(self, erg_unsqueeze(erg_cos(t), 1)), x));
}

START_TEST(each_chain_keeps_its_tolerance) {
    const double rates[] = {0, 0.1, 1, 10}, tolerances[] = {1e-3, 1e-6, 1e-10};
    const double start[] = {1, -2, 3, 0.5, 1, 1, 2, -0.1};
    int64_t steps = 0;
    for (int k = 0; k < COUNT(tolerances); k++) {
        erg_graph *g = erg_graph_new(0);
        erg_node *x = input_of(g, ERG_SHAPE(4, 2), start);
        erg_ode *ode = erg_ode_new((erg_field){swing, input_of(g, ERG_SHAPE(4, 1), rates)}, x,
                                   (erg_ode_options){.tolerance = tolerances[k]});
        for (int back = 0; back < 2; back++) {
            ck_assert_int_eq(erg_ode_run(ode, back ? 2 : 0, back ? 0 : 2), ERG_OK);
            for (int i = 0; i < 8; i++) {
                double exact = start[i] * (back ? 1 : exp(-rates[i / 2] * sin(2)));
                double error = fabs(erg_tensor_get(erg_value(x), i) - exact);
                /* Back again what has shrunk by exp(-10 sin t) grows, and its errors with it. */
                double growth = back ? exp(rates[i / 2]) : 1;
                ck_assert_double_lt(error, 30 * tolerances[k] * growth);
            }
        }
        ck_assert_int_gt(erg_ode_steps(ode), steps); /* a better answer costs more */
        steps = erg_ode_steps(ode);
        ck_assert_int_eq(erg_ode_run(ode, 1, 1), ERG_OK);
        ck_assert_int_eq(erg_ode_steps(ode), 0);
        erg_ode_free(ode);
        erg_graph_free(g);
    }
    ck_assert_int_lt(steps, 1000);
}
END_TEST

/* Points of N(0, a^2 + s^2) move as its standard deviation, at whatever speed each chain takes. */
START_TEST(flow_of_a_gaussian_is_exact) {
    const double a = 0.7, high = 10, low = 0.01, at[] = {-12, -1, 0, 0.5, 3, 20};
    erg_graph *g = erg_graph_new(0);
    erg_pair_energy energy = {smooth_gaussian, (void *)&a};
    erg_node *x = input_of(g, ERG_SHAPE(6, 1), at);
    erg_ode *ode =
        erg_ode_new(erg_probability_flow(g, energy), x, (erg_ode_options){.tolerance = 1e-9});
    ck_assert_ptr_nonnull(ode);
    ck_assert_int_eq(erg_ode_run(ode, log(high), log(low)), ERG_OK);
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), i),
                                at[i] * hypot(a, low) / hypot(a, high), 1e-6);
    ck_assert_int_eq(erg_ode_run(ode, log(low), log(high)), ERG_OK);
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), i), at[i], 1e-6);
    erg_ode_free(ode);
    erg_graph_free(g);
}
END_TEST

/* In one dimension points cannot overtake each other: F_low(x(low)) = F_high(x(high)). Planted: the
 * sign of the flow. */
START_TEST(flow_of_a_mixture_is_its_quantiles) {
    const double high = 8, low = 0.05, at[] = {-20, -8, -3, -1, 0, 2, 5, 12};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(8, 1), at);
    erg_ode *ode = erg_ode_new(erg_probability_flow(g, (erg_pair_energy){smooth_mixture, NULL}), x,
                               (erg_ode_options){.tolerance = 1e-8});
    ck_assert_int_eq(erg_ode_run(ode, log(high), log(low)), ERG_OK);
    for (int i = 0; i < 8; i++)
        ck_assert_double_eq_tol(mixture_cdf_at(erg_tensor_get(erg_value(x), i), low),
                                mixture_cdf_at(at[i], high), 1e-6);
    erg_ode_free(ode);
    erg_graph_free(g);
}
END_TEST

/* dx/dt = x^2 from 1 is infinite at t = 1. */
static erg_node *blow_up(void *self, erg_node *x, erg_node *t) {
    (void)self;
    (void)t;
    return erg_square(x);
}

/* The square root of a negative number from t = 1 on. */
static erg_node *not_a_number(void *self, erg_node *x, erg_node *t) {
    (void)self;
    return erg_mul(x, erg_unsqueeze(erg_sqrt(erg_sub(erg_full_like(t, 1), t)), 1));
}

START_TEST(equations_that_cannot_be_solved_leave_x) {
    const erg_field fields[] = {{blow_up, NULL}, {not_a_number, NULL}};
    for (int i = 0; i < COUNT(fields); i++) {
        erg_graph *g = erg_graph_new(0);
        erg_node *x = input_of(g, ERG_SHAPE(2, 1), (double[]){1, -1});
        erg_ode *ode = erg_ode_new(fields[i], x, (erg_ode_options){.max_steps = 300});
        FAILS("are not at time 2 after 300 steps", erg_ode_run(ode, 0, 2));
        ck_assert_double_eq(erg_tensor_get(erg_value(x), 0), 1);
        ck_assert_double_eq(erg_tensor_get(erg_value(x), 1), -1);
        ck_assert_int_eq(erg_ode_run(ode, 0, 0.5), ERG_OK);
        ck_assert_double_ne(erg_tensor_get(erg_value(x), 0), 1);
        erg_ode_free(ode);
        erg_graph_free(g);
    }
}
END_TEST

/* dx/dt = -1000 x log x: log x decays as exp(-1000 t). The first step is so long that a logarithm
 * is of a negative number: it is tried again, shorter. */
static erg_node *steep(void *self, erg_node *x, erg_node *t) {
    (void)self;
    (void)t;
    return erg_mul_scalar(erg_mul(x, erg_log(x)), -1000);
}

START_TEST(steps_that_are_not_finite_are_tried_again) {
    const double to = 0.2, rest = exp(-1000 * 0.001);
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, 1), (double[]){10, 0.5});
    erg_ode *ode = erg_ode_new((erg_field){steep, NULL}, x, (erg_ode_options){.tolerance = 1e-8});
    ck_assert_int_eq(erg_ode_run(ode, 0, to), ERG_OK);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), 0), 1, 1e-6);
    erg_tensor_set(erg_value(x), 0, 10);
    erg_tensor_set(erg_value(x), 1, 0.5);
    ck_assert_int_eq(erg_ode_run(ode, 0.5, 0.501), ERG_OK);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), 0), pow(10, rest), 1e-6);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), 1), pow(0.5, rest), 1e-6);
    erg_ode_free(ode);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- threads, misuse */

static erg_tensor *flowed_with(int threads) {
    ck_assert_int_eq(erg_set_threads(threads), ERG_OK);
    erg_graph *g = erg_graph_new(42);
    const double a = 0.5;
    erg_pair_energy energy = {smooth_gaussian, (void *)&a};
    erg_node *x = erg_state(g, "x", ERG_FLOAT32, ERG_SHAPE(777, 2));
    erg_node *t = erg_state(g, "t", ERG_FLOAT64, ERG_SCALAR);
    ck_assert_int_eq(erg_init_normal(x, 3), ERG_OK);
    erg_predictor_corrector_options options = {.high = 3, .levels = 20};
    erg_node *effects[] = {erg_assign(x, erg_predictor_corrector(energy, x, t, options)),
                           erg_assign(t, erg_add_scalar(t, 1))};
    erg_plan *plan = erg_compile(effects, 2);
    erg_ode *ode = erg_ode_new(erg_probability_flow(g, energy), x, (erg_ode_options){0});
    ck_assert(plan && ode);
    erg_run_n(plan, 10);
    ck_assert_int_eq(erg_ode_run(ode, log(0.3), log(0.01)), ERG_OK);
    erg_tensor *copy = erg_tensor_from(ERG_FLOAT32, erg_value(x)->shape, erg_value(x)->data);
    erg_plan_free(plan);
    erg_ode_free(ode);
    erg_graph_free(g);
    return copy;
}

START_TEST(levels_have_the_same_bits_at_any_threads) {
    erg_tensor *first = flowed_with(1);
    for (int threads = 2; threads <= 4; threads++) {
        erg_tensor *other = flowed_with(threads);
        ck_assert_mem_eq(first->data, other->data, 777 * 2 * sizeof(float));
        erg_tensor_free(other);
    }
    erg_tensor_free(first);
}
END_TEST

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

static erg_node *of_another_shape(void *self, erg_node *x, erg_node *t) {
    (void)self;
    (void)x;
    return t;
}

START_TEST(equations_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL), *number = number_input(g, 0);
    const erg_field field = {blow_up, NULL};
    const erg_ode_options usual = {0};
    FAILS_NULL("needs a field", erg_ode_new((erg_field){0}, x, usual));
    FAILS_NULL("(B, ...)", erg_ode_new(field, number, usual));
    FAILS_NULL("value", erg_ode_new(field, NULL, usual));
    FAILS_NULL("value", erg_ode_new(field, erg_neg(x), usual));
    FAILS_NULL("tolerance -1", erg_ode_new(field, x, (erg_ode_options){.tolerance = -1}));
    FAILS_NULL("tolerance nan", erg_ode_new(field, x, (erg_ode_options){.tolerance = NAN}));
    FAILS_NULL("-3 steps", erg_ode_new(field, x, (erg_ode_options){.max_steps = -3}));
    REFUSES(g, "the field makes (3) of (3, 2)",
            erg_ode_new((erg_field){of_another_shape, NULL}, x, usual));
    erg_ode *ode = erg_ode_new(field, x, usual);
    FAILS("finite", erg_ode_run(ode, 0, NAN));
    FAILS("finite", erg_ode_run(ode, INFINITY, 0));
    FAILS("no equation", erg_ode_run(NULL, 0, 1));
    ck_assert_int_eq(erg_ode_steps(NULL), 0);
    erg_ode_free(ode);
    erg_ode_free(NULL);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("annealed");
    TCase *levels = tcase_create("levels");
    tcase_add_test(levels, levels_are_geometric);
    tcase_add_test(levels, annealed_langevin_has_its_law);
    tcase_add_test(levels, predictor_corrector_has_its_law);
    tcase_add_test(levels, annealing_finds_the_mixture);
    tcase_add_test(levels, denoising_is_the_posterior_mean);
    suite_add_tcase(suite, levels);
    TCase *equations = tcase_create("equations");
    tcase_add_test(equations, each_chain_keeps_its_tolerance);
    tcase_add_test(equations, flow_of_a_gaussian_is_exact);
    tcase_add_test(equations, flow_of_a_mixture_is_its_quantiles);
    tcase_add_test(equations, steps_that_are_not_finite_are_tried_again);
    tcase_add_test(equations, equations_that_cannot_be_solved_leave_x);
    suite_add_tcase(suite, equations);
    TCase *general = tcase_create("general");
    tcase_add_test(general, levels_have_the_same_bits_at_any_threads);
    tcase_add_test(general, levels_refuse_misuse);
    tcase_add_test(general, equations_refuse_misuse);
    suite_add_tcase(suite, general);
    return run_suite(suite);
}

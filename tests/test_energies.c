/* test_energies.c: energies in closed form against the densities they name: values, integrals,
 * derivatives and exact samples; and the evaluator. */
#include "modules.h"

/* ------------------------------------------------------------------------------- values */

START_TEST(harmonic_has_its_values) {
    const double points[] = {1, 2, -3, 0, 0, 0, 0.5, 0.5, 0.5, 2, -2, 1};
    double stiffness = 3;
    erg_energy energy = {erg_harmonic_energy, &stiffness};
    erg_graph *g = erg_graph_new(0);
    const erg_shape shapes[] = {ERG_SHAPE(12), ERG_SHAPE(4, 3), ERG_SHAPE(2, 2, 3)};
    for (int k = 0; k < COUNT(shapes); k++) {
        erg_node *e = erg_energy_apply(energy, input_of(g, shapes[k], points));
        double *values = elements_of(e);
        int64_t batch = shapes[k].dims[0], width = 12 / batch;
        check_shape(e, ERG_SHAPE(batch));
        for (int64_t b = 0; b < batch; b++) {
            double square = 0;
            for (int64_t i = 0; i < width; i++)
                square += pow(points[b * width + i], 2);
            ck_assert_double_eq_tol(values[b], 1.5 * square, 1e-14);
        }
        free(values);
    }
    erg_graph_free(g);
}
END_TEST

/* -log sum_k w_k N(x; m_k, s_k^2 I) in plain C. */
static double mixture_by_hand(int k, int d, const double *weights, const double *means,
                              const double *stds, const double *x) {
    double p = 0;
    for (int i = 0; i < k; i++) {
        double density = weights[i];
        for (int j = 0; j < d; j++) {
            double z = (x[j] - means[i * d + j]) / stds[i];
            density *= exp(-z * z / 2) / (stds[i] * sqrt(2 * M_PI));
        }
        p += density;
    }
    return -log(p);
}

START_TEST(mixture_has_its_values) {
    const double weights[] = {0.5, 0.3, 0.2, 0}, given[] = {5, 3, 2, 0};
    const double means[] = {0, 1, -2, 0.5, 3, 3, 9, 9}, stds[] = {1, 0.5, 2, 1};
    const double points[] = {0, 0, -2, 0.5, 3, 2.5, 7, -7, 0.1, -0.3};
    erg_graph *g = erg_graph_new(0);
    erg_gaussian_mixture *mixture =
        erg_gaussian_mixture_new(g, ERG_FLOAT64, 4, 2, given, means, stds);
    erg_energy energy = {erg_gaussian_mixture_energy, mixture};
    double *values = elements_of(erg_energy_apply(energy, input_of(g, ERG_SHAPE(5, 2), points)));
    for (int i = 0; i < 5; i++) {
        double expected = mixture_by_hand(4, 2, weights, means, stds, points + 2 * i);
        ck_assert_double_eq_tol(values[i], expected, 1e-13 * fmax(1, fabs(expected)));
    }
    free(values);
    erg_graph_free(g);
}
END_TEST

START_TEST(banana_has_its_values) {
    const double points[] = {0, 0, 10, 0, -3, 5, 20, -9};
    erg_banana bananas[] = {{0}, {.scale = 2, .curvature = 0.5}, {.curvature = ERG_ZERO}};
    const double s[] = {10, 2, 10}, b[] = {0.03, 0.5, 0};
    erg_graph *g = erg_graph_new(0);
    for (int k = 0; k < 3; k++) {
        erg_energy energy = {erg_banana_energy, &bananas[k]};
        erg_node *x = input_of(g, ERG_SHAPE(4, 2), points);
        double *values = elements_of(erg_energy_apply(energy, x));
        for (int i = 0; i < 4; i++) {
            double x1 = points[2 * i], x2 = points[2 * i + 1];
            double across = x2 + b[k] * (x1 * x1 - s[k] * s[k]);
            double expected = x1 * x1 / (2 * s[k] * s[k]) + across * across / 2;
            ck_assert_double_eq_tol(values[i], expected, 1e-13 * fmax(1, expected));
        }
        free(values);
        ck_assert_double_eq_tol(erg_banana_log_z(&bananas[k]), log(2 * M_PI * s[k]), 1e-15);
    }
    ck_assert_double_eq_tol(erg_banana_log_z(NULL), 4.1404621594033912, 1e-15);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- integrals */

/* The mixture 1/2 N(-3, 1) + 1/2 N(3, 1) with means moved by `shift`, integrated by the midpoint
 * rule on [-15, 15]. */
typedef struct integrals {
    double mass, entropy, score_square, score_at_1;
} integrals;

static integrals integrate_mixture(double shift) {
    enum { N = 3000 };
    const double means[] = {-3 - shift, 3 + shift}, stds[] = {1, 1}, h = 30.0 / N;
    erg_graph *g = erg_graph_new(0);
    erg_energy energy = {erg_gaussian_mixture_energy,
                         erg_gaussian_mixture_new(g, ERG_FLOAT64, 2, 1, NULL, means, stds)};
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(N, 1));
    for (int i = 0; i < N; i++)
        erg_tensor_set(erg_value(x), i, -15 + (i + 0.5) * h);
    double *e = elements_of(erg_energy_apply(energy, x));
    double *s = elements_of(erg_score(energy, x));
    integrals sums = {0};
    for (int i = 0; i < N; i++) {
        sums.mass += h * exp(-e[i]);
        sums.entropy += h * exp(-e[i]) * e[i];
        sums.score_square += h * exp(-e[i]) * s[i] * s[i];
    }
    sums.score_at_1 = number_of(erg_score(energy, input_of(g, ERG_SHAPE(1, 1), (double[]){1})));
    free(e);
    free(s);
    erg_graph_free(g);
    return sums;
}

static bool is_known_mixture(integrals sums) {
    return fabs(sums.mass - 1) < 1e-12 && fabs(sums.entropy - 2.1082364662337505) < 1e-12 &&
           fabs(sums.score_square - 0.96264028234086838) < 1e-12 &&
           fabs(sums.score_at_1 - 1.9851642610601914) < 1e-12;
}

START_TEST(mixture_has_its_integrals) {
    ck_assert(is_known_mixture(integrate_mixture(0)));
    ck_assert(!is_known_mixture(integrate_mixture(1e-6)));
}
END_TEST

/* ------------------------------------------------------------------------------- derivatives */

START_TEST(energies_have_true_derivatives) {
    const double points[] = {0.31, -0.72, 1.23, 0.44, -0.95, 0.16};
    const double means[] = {0, 1, -1, 0.5}, stds[] = {1, 0.7};
    double stiffness = 1.7;
    erg_banana banana = {.scale = 1.5, .curvature = 0.4};
    erg_graph *g = erg_graph_new(0);
    const erg_energy energies[] = {
        {erg_harmonic_energy, &stiffness},
        {erg_gaussian_mixture_energy,
         erg_gaussian_mixture_new(g, ERG_FLOAT64, 2, 2, (double[]){1, 3}, means, stds)},
        {erg_banana_energy, &banana},
    };
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), points);
    erg_gradcheck_result result;
    erg_status status = erg_gradcheck(erg_energy_apply(energies[_i], x), &x, 1,
                                      (erg_gradcheck_options){.order = 3}, &result);
    ck_assert_msg(status == ERG_OK, "%s", result.message);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- samples */

/* 0.8 N(-5, 1) + 0.2 N(5, 0.5^2) */
static double mixture_cdf(double x) {
    return 0.8 * normal_cdf(x + 5) + 0.2 * normal_cdf((x - 5) / 0.5);
}
static double swapped_cdf(double x) {
    return 0.2 * normal_cdf(x + 5) + 0.8 * normal_cdf((x - 5) / 0.5);
}

START_TEST(mixture_samples_are_exact) {
    const int64_t n = draws(50000, 2000);
    for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
        erg_graph *g = erg_graph_new(11);
        erg_gaussian_mixture *mixture = erg_gaussian_mixture_new(
            g, dtype, 2, 1, (double[]){4, 1}, (double[]){-5, 5}, (double[]){1, 0.5});
        erg_node *sample = erg_gaussian_mixture_sample(mixture, n);
        check_shape(sample, ERG_SHAPE(n, 1));
        double *x = elements_of(sample), *again = elements_of(sample);
        ck_assert_mem_ne(x, again, (size_t)n * sizeof *x);
        ck_assert_double_lt(kolmogorov(x, n, mixture_cdf), CRITICAL_KS);
        ck_assert_double_gt(kolmogorov(x, n, swapped_cdf), CRITICAL_KS);
        free(x);
        free(again);
        erg_graph_free(g);
    }
}
END_TEST

/* x_1 / s and x_2 + b (x_1^2 - s^2) are standard normal; Var x_2 = 19, tested with the fourth
 * moment of x_2 = n - b s^2 (z^2 - 1): E x_2^4 = 3 + 6 * 18 + 81 * 60. */
static bool is_banana(const double *x, int64_t n, double b) {
    double *along = malloc((size_t)n * sizeof *along), *across = malloc((size_t)n * sizeof *across);
    double squares = 0;
    for (int64_t i = 0; i < n; i++) {
        along[i] = x[2 * i] / 10;
        across[i] = x[2 * i + 1] + b * (x[2 * i] * x[2 * i] - 100);
        squares += x[2 * i + 1] * x[2 * i + 1];
    }
    double z = (squares / (double)n - 19) / sqrt((3 + 108 + 4860 - 361) / (double)n);
    double worst = fmax(kolmogorov(along, n, normal_cdf), kolmogorov(across, n, normal_cdf));
    free(along);
    free(across);
    return worst < CRITICAL_KS && fabs(z) < CRITICAL_Z;
}

START_TEST(banana_samples_are_exact) {
    const int64_t n = draws(50000, 2000);
    erg_graph *g = erg_graph_new(12);
    double *x = elements_of(erg_banana_sample(g, ERG_FLOAT64, NULL, n));
    ck_assert(is_banana(x, n, 0.03));
    ck_assert(!is_banana(x, n, -0.03));
    free(x);
    double *narrow = elements_of(erg_banana_sample(g, ERG_FLOAT32, &(erg_banana){.scale = 9}, n));
    ck_assert(!is_banana(narrow, n, 0.03));
    free(narrow);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- evaluator */

/* Numbers of points around the chunk, and both dtypes of points and energy. */
static const int64_t point_counts[] = {0, 1, 7, 8, 9, 20};

START_TEST(evaluator_takes_any_number_of_points) {
    const int64_t n = point_counts[_i];
    double stiffness = 2;
    for (int kind = 0; kind < 4; kind++) {
        erg_dtype inside = kind & 1 ? ERG_FLOAT64 : ERG_FLOAT32;
        erg_dtype outside = kind & 2 ? ERG_FLOAT64 : ERG_FLOAT32;
        erg_graph *g = erg_graph_new(0);
        erg_evaluator *evaluator = erg_evaluator_new(
            g, (erg_energy){erg_harmonic_energy, &stiffness}, inside, ERG_SHAPE(3, 1), 8);
        erg_tensor *points = erg_tensor_new(outside, ERG_SHAPE(n, 3, 1));
        erg_tensor *energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
        ck_assert_int_eq(erg_random_normal(points, (erg_random){.seed = 1}), ERG_OK);
        erg_graph_set_runs(g, 5);
        ck_assert_int_eq(erg_evaluator_run(evaluator, points, energies), ERG_OK);
        ck_assert_uint_eq(erg_graph_runs(g), 5);
        for (int64_t i = 0; i < n; i++) {
            double expected = 0;
            for (int64_t j = 0; j < 3; j++)
                expected += pow(erg_tensor_get(points, 3 * i + j), 2);
            double tolerance = kind == 3 ? 1e-14 : 1e-6;
            ck_assert_double_eq_tol(erg_tensor_get(energies, i), expected,
                                    tolerance * fmax(1, expected));
        }
        erg_tensor_free(points);
        erg_tensor_free(energies);
        erg_evaluator_free(evaluator);
        erg_graph_free(g);
    }
}
END_TEST

/* A chunk that is not full must not show what was in it before. */
static erg_node *one_over_x(void *self, erg_node *x) {
    erg_node *scale = self;
    return erg_squeeze(erg_div(scale, x), 1);
}

START_TEST(evaluator_sees_present_params) {
    erg_graph *g = erg_graph_new(0);
    erg_node *scale = number_param(g, "scale", 1);
    erg_evaluator *evaluator =
        erg_evaluator_new(g, (erg_energy){one_over_x, scale}, ERG_FLOAT64, ERG_SHAPE(1), 0);
    erg_tensor *points = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(3, 1));
    erg_tensor *energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(3));
    for (int round = 1; round < 4; round++) {
        erg_tensor_fill(erg_value(scale), round);
        for (int i = 0; i < 3; i++)
            erg_tensor_set(points, i, i + round);
        ck_assert_int_eq(erg_evaluator_run(evaluator, points, energies), ERG_OK);
        for (int i = 0; i < 3; i++)
            ck_assert_double_eq_tol(erg_tensor_get(energies, i), (double)round / (i + round),
                                    1e-15);
    }
    erg_tensor_free(points);
    erg_tensor_free(energies);
    erg_evaluator_free(evaluator);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(energies_refuse_misuse) {
    double negative = -1, nan = NAN;
    const double one[] = {1, 1}, bad[] = {1, -1}, zeros[] = {0, 0}, nans[] = {0, NAN};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(4, 3), NULL), *flat = input_of(g, ERG_SHAPE(2), NULL);
    erg_node *narrow = input_of(g, ERG_SHAPE(4, 1), NULL);
    REFUSES(g, "stiffness", erg_harmonic_energy(NULL, x));
    REFUSES(g, "stiffness -1", erg_harmonic_energy(&negative, x));
    REFUSES(g, "stiffness", erg_harmonic_energy(&nan, x));
#define MIXTURE(k, d, weights, means, stds)                                                        \
    erg_gaussian_mixture_new(g, ERG_FLOAT64, k, d, weights, means, stds)
    REFUSES(g, "needs", MIXTURE(0, 1, NULL, one, one));
    REFUSES(g, "needs", MIXTURE(1, 0, NULL, one, one));
    REFUSES(g, "needs", MIXTURE(1, 1, NULL, NULL, one));
    REFUSES(g, "needs", MIXTURE(1, 1, NULL, one, NULL));
    REFUSES(g, "too large", MIXTURE(INT64_MAX / 2, 8, NULL, one, one));
    REFUSES(g, "component 1", MIXTURE(2, 1, bad, one, one));
    REFUSES(g, "component 1", MIXTURE(2, 1, NULL, one, bad));
    REFUSES(g, "mean nan", MIXTURE(2, 1, NULL, nans, one));
    REFUSES(g, "weight nan", MIXTURE(2, 1, nans, one, one));
    REFUSES(g, "sum to 0", MIXTURE(2, 1, zeros, one, one));
    REFUSES(g, "unknown dtype", erg_gaussian_mixture_new(g, (erg_dtype)9, 2, 1, NULL, one, one));
    erg_gaussian_mixture *mixture = MIXTURE(1, 2, NULL, one, one);
    REFUSES(g, "no mixture", erg_gaussian_mixture_energy(NULL, x));
    REFUSES(g, "(4, 3)", erg_gaussian_mixture_energy(mixture, x));
    REFUSES(g, "(B, 2)", erg_gaussian_mixture_energy(mixture, narrow));
    REFUSES(g, "(B, 2)", erg_gaussian_mixture_energy(mixture, flat));
    ck_assert_ptr_null(erg_gaussian_mixture_energy(mixture, NULL));
    FAILS_NULL("no mixture", erg_gaussian_mixture_sample(NULL, 3));
    REFUSES(g, "-1 samples", erg_gaussian_mixture_sample(mixture, -1));
    REFUSES(g, "(B, 2)", erg_banana_energy(NULL, x));
    erg_banana mirrored = {.scale = -1}, bent = {.curvature = NAN};
    REFUSES(g, "scale -1", erg_banana_energy(&mirrored, input_of(g, ERG_SHAPE(1, 2), NULL)));
    REFUSES(g, "curvature nan", erg_banana_sample(g, ERG_FLOAT64, &bent, 3));
    ck_assert_ptr_null(erg_banana_sample(NULL, ERG_FLOAT64, NULL, 3));
    ck_assert(isnan(erg_banana_log_z(&mirrored)));
    erg_graph_free(g);
    ck_assert_ptr_null(erg_gaussian_mixture_new(NULL, ERG_FLOAT64, 1, 1, NULL, one, one));
}
END_TEST

static erg_node *not_one_number(void *self, erg_node *x) {
    (void)self;
    return x;
}

START_TEST(evaluator_refuses_misuse) {
    double stiffness = 1;
    const erg_energy energy = {erg_harmonic_energy, &stiffness};
    erg_graph *g = erg_graph_new(0);
    erg_shape deep = ERG_SHAPE(1, 1, 1, 1, 1, 1, 1, 1);
    FAILS_NULL("", erg_evaluator_new(NULL, energy, ERG_FLOAT64, ERG_SHAPE(2), 0));
    REFUSES(g, "axes", erg_evaluator_new(g, energy, ERG_FLOAT64, deep, 0));
    REFUSES(g, "axes", erg_evaluator_new(g, energy, ERG_FLOAT64, ERG_SHAPE(-2), 0));
    REFUSES(g, "chunk", erg_evaluator_new(g, energy, ERG_FLOAT64, ERG_SHAPE(2), -1));
    REFUSES(g, "no function", erg_evaluator_new(g, (erg_energy){0}, ERG_FLOAT64, ERG_SHAPE(2), 0));
    REFUSES(g, "one number",
            erg_evaluator_new(g, (erg_energy){not_one_number, NULL}, ERG_FLOAT64, ERG_SHAPE(2), 0));
    erg_evaluator *evaluator = erg_evaluator_new(g, energy, ERG_FLOAT64, ERG_SHAPE(2), 0);
    erg_tensor *points = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(3, 2));
    erg_tensor *wide = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(3, 3));
    erg_tensor *flat = erg_tensor_new(ERG_FLOAT64, ERG_SCALAR);
    erg_tensor *indices = erg_tensor_new(ERG_INT32, ERG_SHAPE(3, 2));
    erg_tensor *energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(3));
    erg_tensor *single = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(3));
    erg_tensor *few = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(2));
    erg_tensor_fill(energies, 7);
    FAILS("no evaluator", erg_evaluator_run(NULL, points, energies));
    FAILS("no points", erg_evaluator_run(evaluator, NULL, energies));
    FAILS("no energies", erg_evaluator_run(evaluator, points, NULL));
    FAILS("(3, 3)", erg_evaluator_run(evaluator, wide, energies));
    FAILS("points", erg_evaluator_run(evaluator, flat, energies));
    FAILS("int32", erg_evaluator_run(evaluator, indices, energies));
    FAILS("float32", erg_evaluator_run(evaluator, points, single));
    FAILS("(2)", erg_evaluator_run(evaluator, points, few));
    ck_assert_double_eq(erg_tensor_get(energies, 0), 7);
    ck_assert_int_eq(erg_evaluator_run(evaluator, points, energies), ERG_OK);
    erg_tensor *all[] = {points, wide, flat, indices, energies, single, few};
    for (int i = 0; i < COUNT(all); i++)
        erg_tensor_free(all[i]);
    erg_evaluator_free(evaluator);
    erg_evaluator_free(NULL);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("energies");
    TCase *energies = tcase_create("energies");
    tcase_add_test(energies, harmonic_has_its_values);
    tcase_add_test(energies, mixture_has_its_values);
    tcase_add_test(energies, banana_has_its_values);
    tcase_add_test(energies, mixture_has_its_integrals);
    tcase_add_loop_test(energies, energies_have_true_derivatives, 0, 3);
    suite_add_tcase(suite, energies);
    TCase *samples = tcase_create("samples");
    tcase_add_test(samples, mixture_samples_are_exact);
    tcase_add_test(samples, banana_samples_are_exact);
    suite_add_tcase(suite, samples);
    TCase *evaluator = tcase_create("evaluator");
    tcase_add_loop_test(evaluator, evaluator_takes_any_number_of_points, 0, COUNT(point_counts));
    tcase_add_test(evaluator, evaluator_sees_present_params);
    suite_add_tcase(suite, evaluator);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, energies_refuse_misuse);
    tcase_add_test(misuse, evaluator_refuses_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

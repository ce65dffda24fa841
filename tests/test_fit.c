/* test_fit.c: goodness of fit: distances between samples against numbers from their definitions and
 * closed forms, and that they tell samples apart that differ and no others; eigenvalues. */
#include "golden_fit.h"
#include "modules.h"

/* ------------------------------------------------------------------------------- points */

/* Those of the script that made the goldens. */
static erg_tensor *golden_points(int n, uint64_t seed, double scale, double shift) {
    erg_tensor *x = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n, 3));
    uint64_t state = seed;
    for (int i = 0; i < 3 * n; i++) {
        state = (state * 1103515245 + 12345) % (UINT64_C(1) << 31);
        erg_tensor_set(x, i, scale * (i % 3 + 1) * ((double)state / 2147483648.0 - 0.5) + shift);
    }
    return x;
}

/* -grad of |x|^2 / 2 + x_1^4 / 4 */
static erg_tensor *golden_scores(const erg_tensor *x) {
    erg_tensor *s = erg_tensor_clone(x);
    for (int64_t i = 0; i < erg_tensor_size(x); i++) {
        double v = erg_tensor_get(x, i);
        erg_tensor_set(s, i, i % 3 == 0 ? -v - v * v * v : -v);
    }
    return s;
}

/* n points of N(shift, scale^2 I) in d dimensions. */
static erg_tensor *normal_points(int64_t n, int64_t d, uint64_t seed, double scale, double shift) {
    erg_tensor *x = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n, d));
    erg_random_normal(x, (erg_random){.seed = seed});
    for (int64_t i = 0; i < n * d; i++)
        erg_tensor_set(x, i, scale * erg_tensor_get(x, i) + shift);
    return x;
}

/* ------------------------------------------------------------------------------- goldens */

static double ksd(const erg_tensor *x, const erg_tensor *scores, erg_ksd_options options) {
    double square;
    ck_assert_msg(erg_ksd(x, scores, options, &square) == ERG_OK, "%s", erg_error_message());
    return square;
}

static double mmd(const erg_tensor *x, const erg_tensor *y, double bandwidth) {
    double square;
    ck_assert_msg(erg_mmd(x, y, bandwidth, &square) == ERG_OK, "%s", erg_error_message());
    return square;
}

static double energy_distance(const erg_tensor *x, const erg_tensor *y) {
    double square;
    ck_assert_msg(erg_energy_distance(x, y, &square) == ERG_OK, "%s", erg_error_message());
    return square;
}

static double frechet(const erg_tensor *x, const erg_tensor *y) {
    double square;
    ck_assert_msg(erg_frechet_distance(x, y, &square) == ERG_OK, "%s", erg_error_message());
    return square;
}

START_TEST(distances_are_their_definitions) {
    erg_tensor *a = golden_points(40, 1, 2, 0), *b = golden_points(30, 7, 2.5, 0.4);
    erg_tensor *s = golden_scores(a);
    const erg_ksd_options other = {.scale = 0.5, .exponent = -0.3};
    const erg_ksd_options rbf = {.kernel = ERG_STEIN_RBF, .scale = 1.5};
    double precision, recall, precision_1, recall_1;
    ck_assert_int_eq(erg_precision_recall(a, b, 0, &precision, &recall), ERG_OK);
    ck_assert_int_eq(erg_precision_recall(a, b, 1, &precision_1, &recall_1), ERG_OK);
    const double pairs[][2] = {
        {mmd(a, b, 0.8), golden_mmd},
        {mmd(a, b, 0), golden_mmd_median},
        {energy_distance(a, b), golden_energy_distance},
        {frechet(a, b), golden_frechet},
        {ksd(a, s, (erg_ksd_options){0}), golden_ksd_imq},
        {ksd(a, s, (erg_ksd_options){.biased = 1}), golden_ksd_imq_biased},
        {ksd(a, s, other), golden_ksd_imq_other},
        {ksd(a, s, rbf), golden_ksd_rbf},
        {precision, golden_precision},
        {recall, golden_recall},
        {precision_1, golden_precision_1},
        {recall_1, golden_recall_1},
    };
    for (int i = 0; i < COUNT(pairs); i++)
        ck_assert_msg(fabs(pairs[i][0] - pairs[i][1]) < 1e-12 * fmax(1, fabs(pairs[i][1])),
                      "number %d: %.15g, not %.15g", i, pairs[i][0], pairs[i][1]);
    erg_tensor_free(a);
    erg_tensor_free(b);
    erg_tensor_free(s);
}
END_TEST

/* ------------------------------------------------------------------------------- closed forms */

/* Between N(0, 1) and N(m, s^2), one dimension each: m^2 + (1 - s)^2 for their moments. */
START_TEST(frechet_of_gaussians) {
    const double x[] = {-1, 0, 1}, y[] = {-1, 1, 3};
    erg_tensor *a = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(3), x);
    erg_tensor *b = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(3, 1), y);
    ck_assert_double_eq_tol(frechet(a, b), 1 + 1, 1e-14);
    ck_assert_double_eq_tol(frechet(b, b), 0, 1e-14);
    erg_tensor_free(a);
    erg_tensor_free(b);
    /* Covariances of less than full rank: a line in space, and the same line turned by a right angle. */
    const double line[] = {-1, 0, 0, 0, 0, 0, 1, 0, 0}, turned[] = {0, -1, 0, 0, 0, 0, 0, 1, 0};
    a = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(3, 3), line);
    b = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(3, 3), turned);
    ck_assert_double_eq_tol(frechet(a, b), 2, 1e-14);
    erg_tensor_free(a);
    erg_tensor_free(b);
}
END_TEST

/* MMD^2 of N(0, I) and N(m, I) with bandwidth h is 2 (h^2 / (h^2 + 2))^(d/2) (1 - exp(-|m|^2 / (2 (h^2 +
 * 2)))). */
START_TEST(mmd_of_gaussians) {
    enum { D = 2 };
    const int64_t n = draws(1500, 200);
    const double h = 1.2, m = 0.7, wide = h * h + 2;
    erg_tensor *x = normal_points(n, D, 1, 1, 0), *y = normal_points(n, D, 2, 1, m);
    erg_tensor *z = normal_points(n, D, 3, 1, 0);
    double exact = 2 * pow(h * h / wide, D / 2.0) * (1 - exp(-D * m * m / (2 * wide)));
    double error = 0.012 * sqrt(1500.0 / (double)n);
    ck_assert_double_eq_tol(mmd(x, y, h), exact, error);
    ck_assert_double_eq_tol(mmd(x, z, h), 0, error / 2);
    if (draws(1, 0)) /* planted: exp(-r^2 / h^2) */
        ck_assert_double_ge(fabs(mmd(x, y, h * M_SQRT1_2) - exact), error);
    erg_tensor_free(x);
    erg_tensor_free(y);
    erg_tensor_free(z);
}
END_TEST

/* ------------------------------------------------------------------------------- power
 *
 * Samples x, and y from the same density or from one that differs a little. */

static const struct {
    const char *name;
    double scale, shift;
    bool differs;
} fits[] = {{"the same", 1, 0, false}, {"wider", 1.5, 0, true}, {"moved", 1, 0.5, true}};

START_TEST(discrepancies_tell_differences) {
    enum { N = 600, D = 2 };
    bool differs = fits[_i].differs;
    erg_tensor *x = normal_points(N, D, 21, 1, 0);
    erg_tensor *y = normal_points(N, D, 22, fits[_i].scale, fits[_i].shift),
               *s = erg_tensor_clone(y);
    for (int i = 0; i < N * D; i++)
        erg_tensor_set(s, i, -erg_tensor_get(y, i));
    erg_two_sample test;
    ck_assert_msg(erg_two_sample_test(x, y, (erg_two_sample_options){0}, &test) == ERG_OK, "%s",
                  erg_error_message());
    const struct {
        const char *name;
        double value, limit;
    } found[] = {{"ksd", ksd(y, s, (erg_ksd_options){0}), 0.02},
                 {"mmd", mmd(x, y, 0), 0.01},
                 {"energy distance", energy_distance(x, y), 0.02},
                 {"frechet", frechet(x, y), 0.05},
                 {"two-sample test", -log(test.p_value), 5}};
    for (int k = 0; k < COUNT(found); k++)
        ck_assert_msg((found[k].value > found[k].limit) == differs, "%s, %s: %g", found[k].name,
                      fits[_i].name, found[k].value);
    erg_tensor_free(x);
    erg_tensor_free(y);
    erg_tensor_free(s);
}
END_TEST

/* Samples of one half of the data are precise and do not recall; samples all over the place recall. */
START_TEST(precision_and_recall_are_two_things) {
    enum { N = 300 };
    erg_tensor *data = normal_points(N, 2, 1, 0.1, 0), *half = normal_points(N, 2, 2, 0.1, 0);
    erg_tensor *wide = normal_points(N, 2, 3, 3, 0);
    for (int i = 0; i < N; i++)
        erg_tensor_set(data, 2 * i, erg_tensor_get(data, 2 * i) + (i % 2 ? 5 : 0));
    double precision, recall;
    ck_assert_int_eq(erg_precision_recall(half, data, 0, &precision, &recall), ERG_OK);
    ck_assert(precision > 0.9 && recall > 0.4 && recall < 0.55);
    ck_assert_int_eq(erg_precision_recall(wide, data, 0, &precision, &recall), ERG_OK);
    ck_assert(precision < 0.1 && recall > 0.9);
    ck_assert_int_eq(erg_precision_recall(data, data, 0, &precision, &recall), ERG_OK);
    ck_assert(precision == 1 && recall == 1);
    erg_tensor_free(data);
    erg_tensor_free(half);
    erg_tensor_free(wide);
}
END_TEST

/* Two sets of one density: p-values are not small more often than they say. */
START_TEST(two_sample_test_keeps_its_level) {
    int small = 0;
    for (int run = 0; run < draws(20, 2); run++) {
        erg_tensor *x = normal_points(100, 1, (uint64_t)(2 * run), 1, 0);
        erg_tensor *y = normal_points(100, 1, (uint64_t)(2 * run + 1), 1, 0);
        erg_two_sample test;
        erg_two_sample_options options = {.seed = (uint64_t)run, .width = 8, .steps = 50};
        ck_assert_int_eq(erg_two_sample_test(x, y, options, &test), ERG_OK);
        ck_assert_double_eq_tol(test.accuracy, 0.5, 0.5 * CRITICAL_Z / 10);
        small += test.p_value < 0.1;
        erg_tensor_free(x);
        erg_tensor_free(y);
    }
    ck_assert_int_le(small, 10); /* binomial (20, 0.1): p = 7e-7 */
}
END_TEST

/* ------------------------------------------------------------------------------- eigenvalues */

/* The matrix of second differences has the eigenvalues 2 - 2 cos(k pi / (n + 1)). */
START_TEST(eigenvalues_of_second_differences) {
    const int64_t n = (int64_t[]){1, 2, 3, 10, 40}[_i];
    erg_tensor *a = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n, n)), *v = erg_tensor_clone(a);
    erg_tensor *values = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    for (int64_t i = 0; i < n; i++) {
        erg_tensor_set(a, i * n + i, 2);
        if (i > 0)
            erg_tensor_set(a, i * n + i - 1, -1);
        if (i < n - 1)
            erg_tensor_set(a, i * n + i + 1, -1);
    }
    ck_assert_int_eq(erg_eigen_symmetric(a, values, v), ERG_OK);
    for (int64_t k = 0; k < n; k++)
        ck_assert_double_eq_tol(erg_tensor_get(values, k),
                                2 - 2 * cos((double)(k + 1) * M_PI / (double)(n + 1)), 1e-13);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0, product = 0;
            for (int64_t k = 0; k < n; k++) {
                double vik = erg_tensor_get(v, i * n + k), vjk = erg_tensor_get(v, j * n + k);
                sum += vik * erg_tensor_get(values, k) * vjk;
                product += vik * vjk;
            }
            ck_assert_double_eq_tol(sum, erg_tensor_get(a, i * n + j), 1e-13);
            ck_assert_double_eq_tol(product, i == j, 1e-13);
        }
    erg_tensor_free(a);
    erg_tensor_free(v);
    erg_tensor_free(values);
}
END_TEST

/* Over many orders of magnitude: diag(s) M diag(s), whose small eigenvalues keep their digits. */
START_TEST(eigenvalues_of_graded_matrices) {
    const double s[] = {1e8, 1, 1e-8};
    erg_tensor *a = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(3, 3));
    erg_tensor *values = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(3));
    for (int i = 0; i < 9; i++)
        erg_tensor_set(a, i, s[i / 3] * s[i % 3] * (i / 3 == i % 3 ? 1 : 0.5));
    ck_assert_int_eq(erg_eigen_symmetric(a, values, NULL), ERG_OK);
    /* Schur complements of M: 1, 3/4, 2/3. */
    ck_assert_double_eq_tol(erg_tensor_get(values, 0) * 1e16, 2.0 / 3, 1e-12);
    ck_assert_double_eq_tol(erg_tensor_get(values, 1), 0.75, 1e-12);
    ck_assert_double_eq_tol(erg_tensor_get(values, 2) * 1e-16, 1, 1e-12);
    erg_tensor_fill(a, 0);
    ck_assert_int_eq(erg_eigen_symmetric(a, values, NULL), ERG_OK);
    ck_assert_double_eq(erg_tensor_get(values, 2), 0);
    erg_tensor_free(a);
    erg_tensor_free(values);
}
END_TEST

/* ------------------------------------------------------------------------------- refusals */

START_TEST(fit_refuses_misuse) {
    erg_tensor *x = normal_points(5, 2, 1, 1, 0), *y = normal_points(5, 3, 1, 1, 0);
    erg_tensor *one = normal_points(1, 2, 1, 1, 0), *nan = normal_points(5, 2, 1, 1, NAN);
    erg_tensor *none = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(5, 0)),
               *same = normal_points(4, 1, 1, 0, 1);
    double r, s;
    erg_two_sample test;
    FAILS("mmd: no samples", erg_mmd(NULL, x, 1, &r));
    FAILS("mmd: no samples", erg_mmd(x, NULL, 1, &r));
    FAILS("2 and of 3 elements", erg_mmd(x, y, 1, &r));
    FAILS("(1, 2) must be 2 or more", erg_mmd(x, one, 1, &r));
    FAILS("all finite", erg_mmd(x, nan, 1, &r));
    FAILS("(5, 0)", erg_mmd(none, none, 1, &r));
    FAILS("bandwidth -1", erg_mmd(x, x, -1, &r));
    FAILS("median distance is 0", erg_mmd(same, same, 0, &r));
    FAILS("no result", erg_mmd(x, x, 1, NULL));
    FAILS("energy_distance: no result", erg_energy_distance(x, x, NULL));
    FAILS("energy_distance: points of", erg_energy_distance(x, y, &r));
    FAILS("frechet_distance: no result", erg_frechet_distance(x, x, NULL));
    FAILS("frechet_distance: samples (1, 2)", erg_frechet_distance(x, one, &r));
    FAILS("ksd: points and scores", erg_ksd(x, y, (erg_ksd_options){0}, &r));
    FAILS("exponent -1", erg_ksd(x, x, (erg_ksd_options){.exponent = -1}, &r));
    FAILS("scale nan", erg_ksd(x, x, (erg_ksd_options){.scale = NAN}, &r));
    FAILS("ksd: no samples", erg_ksd(x, NULL, (erg_ksd_options){0}, &r));
    FAILS("-1 neighbours", erg_precision_recall(x, x, -1, &r, &s));
    FAILS("6 or more", erg_precision_recall(x, x, 5, &r, &s));
    FAILS("no result", erg_precision_recall(x, x, 1, &r, NULL));
    FAILS("width -1", erg_two_sample_test(x, x, (erg_two_sample_options){.width = -1}, &test));
    FAILS("no result", erg_two_sample_test(x, x, (erg_two_sample_options){0}, NULL));
    FAILS("two_sample_test: no samples",
          erg_two_sample_test(x, NULL, (erg_two_sample_options){0}, &test));
    erg_tensor *values = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(5));
    FAILS("(5, 2) must be square", erg_eigen_symmetric(x, values, NULL));
    FAILS("float64", erg_eigen_symmetric(x, NULL, NULL));
    erg_tensor *skew = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(2, 2), (double[]){1, 2, 3, 4});
    erg_tensor *two = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(2));
    FAILS("elements (1, 0) and (0, 1) are 3 and 2", erg_eigen_symmetric(skew, two, NULL));
    erg_tensor *all[] = {x, y, one, nan, none, same, values, skew, two};
    for (int i = 0; i < COUNT(all); i++)
        erg_tensor_free(all[i]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("fit");
    TCase *fit = tcase_create("fit");
    tcase_add_test(fit, distances_are_their_definitions);
    tcase_add_test(fit, frechet_of_gaussians);
    tcase_add_test(fit, mmd_of_gaussians);
    tcase_add_loop_test(fit, discrepancies_tell_differences, 0, COUNT(fits));
    tcase_add_test(fit, precision_and_recall_are_two_things);
    tcase_add_test(fit, two_sample_test_keeps_its_level);
    tcase_add_test(fit, fit_refuses_misuse);
    suite_add_tcase(suite, fit);
    TCase *eigen = tcase_create("eigen");
    tcase_add_loop_test(eigen, eigenvalues_of_second_differences, 0, 5);
    tcase_add_test(eigen, eigenvalues_of_graded_matrices);
    suite_add_tcase(suite, eigen);
    return run_suite(suite);
}

/* test_toy.c: the 2-D toy distributions: their energies against direct integration, their samples
 * against their energies, and their entropies. */
#include "modules.h"

typedef enum toy { MOONS, RING } toy;

/* shape: the noise of the moons, or the standard deviation of the eight Gaussians; 0: default. */
static erg_energy toy_energy(erg_graph *graph, toy which, double radius, double shape) {
    return which == MOONS ? erg_two_moons_energy(graph, ERG_FLOAT64, shape)
                          : erg_eight_gaussians_energy(graph, ERG_FLOAT64, radius, shape);
}

static erg_node *toy_sample(erg_graph *graph, erg_dtype dtype, int64_t n, toy which) {
    return which == MOONS ? erg_two_moons_sample(graph, dtype, n, 0)
                          : erg_eight_gaussians_sample(graph, dtype, n, 0, 0);
}

/* ------------------------------------------------------------------------------- densities */

/* The mean over t in [0, pi] of the density at (x, y) of N((cos t, sin t), noise^2 I), by Simpson's
 * rule with n intervals. */
static double arc_density(double x, double y, double noise) {
    enum { INTERVALS = 20000 };
    double sum = 0;
    for (int i = 0; i <= INTERVALS; i++) {
        double t = M_PI * i / INTERVALS, dx = x - cos(t), dy = y - sin(t);
        double weight = i == 0 || i == INTERVALS ? 1 : i % 2 ? 4 : 2;
        sum += weight * exp(-(dx * dx + dy * dy) / (2 * noise * noise));
    }
    return sum / (3 * INTERVALS) / (2 * M_PI * noise * noise);
}

static const double moon_noises[] = {0.05, 0.1, 0.15, 0.5};

START_TEST(two_moons_energy_is_exact) {
    const double points[] = {0,    1, 1,   0,   -1,   0,   0.5, 0.25, 0,
                             -0.5, 2, 0.5, 1.7, -0.4, 0.3, 0.6, 0,    0};
    const double noise = moon_noises[_i];
    erg_graph *g = erg_graph_new(0);
    erg_energy energy = erg_two_moons_energy(g, ERG_FLOAT64, noise);
    int n = COUNT(points) / 2;
    double *e = elements_of(erg_energy_apply(energy, input_of(g, ERG_SHAPE(n, 2), points)));
    for (int i = 0; i < n; i++) {
        double x = points[2 * i], y = points[2 * i + 1];
        double p = arc_density(x, y, noise) / 2 + arc_density(1 - x, 0.5 - y, noise) / 2;
        ck_assert_double_eq_tol(e[i], -log(p), 1e-12 * fmax(1, fabs(log(p))));
    }
    free(e);
    erg_graph_free(g);
}
END_TEST

START_TEST(eight_gaussians_energy_is_exact) {
    const double points[] = {2, 0, 0, 0, 1.4, 1.4, -2, 0.1, 3, 3};
    erg_graph *g = erg_graph_new(0);
    erg_energy energy = erg_eight_gaussians_energy(g, ERG_FLOAT64, 1.5, 0.3);
    double *e = elements_of(erg_energy_apply(energy, input_of(g, ERG_SHAPE(5, 2), points)));
    for (int i = 0; i < 5; i++) {
        double p = 0;
        for (int k = 0; k < 8; k++) {
            double dx = points[2 * i] - 1.5 * cos(k * M_PI / 4);
            double dy = points[2 * i + 1] - 1.5 * sin(k * M_PI / 4);
            p += exp(-(dx * dx + dy * dy) / 0.18) / (8 * M_PI * 0.18);
        }
        ck_assert_double_eq_tol(e[i], -log(p), 1e-12);
    }
    free(e);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- entropies */

static const struct {
    toy which;
    double shape;
    double entropy; /* in nats: minus the best mean log-likelihood that a model can have */
    double planted; /* another shape, whose entropy must differ; 0: none */
} entropies[] = {
    {MOONS, 0, 1.0075848348, 0},
    {MOONS, 0.15, 1.4167943637, 0},
    {RING, 0, 1.1230776272, 0.15001},
};

static erg_quadrature integrate(toy which, double shape) {
    erg_graph *g = erg_graph_new(0);
    erg_evaluator *evaluator =
        erg_evaluator_new(g, toy_energy(g, which, 0, shape), ERG_FLOAT64, ERG_SHAPE(2), 64);
    erg_quadrature result;
    erg_quadrature_options options = {.center_x = which == MOONS ? 0.5 : 0,
                                      .center_y = which == MOONS ? 0.25 : 0,
                                      .half_width = which == MOONS ? 2.5 : 3.2,
                                      .points = which == MOONS ? 140 : 200};
    ck_assert_msg(erg_quadrature_2d(evaluator, options, &result) == ERG_OK, "%s",
                  erg_error_message());
    erg_evaluator_free(evaluator);
    erg_graph_free(g);
    return result;
}

static bool has_entropy(double entropy, erg_quadrature found) {
    return fabs(found.log_z + found.mean_energy - entropy) < 1e-9 && fabs(found.log_z) < 1e-12;
}

START_TEST(toys_have_their_entropies) {
    const toy which = entropies[_i].which;
    erg_quadrature found = integrate(which, entropies[_i].shape);
    ck_assert_msg(has_entropy(entropies[_i].entropy, found), "entropy %.12f, log Z %g",
                  found.log_z + found.mean_energy, found.log_z);
    double planted = entropies[_i].planted;
    if (planted != 0)
        ck_assert(!has_entropy(entropies[_i].entropy, integrate(which, planted)));
    for (int other = 0; other < COUNT(entropies); other++)
        ck_assert(other == _i || !has_entropy(entropies[other].entropy, found));
}
END_TEST

/* ------------------------------------------------------------------------------- samples */

/* The density on a fine grid over [-3.2, 3.2]^2, whose cells are summed to coarse ones for chi-squared
 * and to columns for the distribution of x. */
enum { FINE = 160, MERGE = 5, COARSE = FINE / MERGE };
static const double HALF = 3.2;

typedef struct table {
    double cells[COARSE * COARSE]; /* probabilities */
    double below[FINE + 1];        /* P(x < left edge of column j) */
} table;

static void tabulate(toy which, double radius, double shape, table *t) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(FINE, 2));
    erg_node *density = erg_exp(erg_neg(erg_energy_apply(toy_energy(g, which, radius, shape), x)));
    erg_plan *plan = erg_compile(&density, 1);
    const double width = 2 * HALF / FINE;
    *t = (table){0};
    for (int j = 0; j < FINE; j++) {
        for (int i = 0; i < FINE; i++) {
            erg_tensor_set(erg_value(x), 2 * i, -HALF + (j + 0.5) * width);
            erg_tensor_set(erg_value(x), 2 * i + 1, -HALF + (i + 0.5) * width);
        }
        erg_run(plan);
        t->below[j + 1] = t->below[j];
        for (int i = 0; i < FINE; i++) {
            double mass = width * width * erg_tensor_get(erg_output(plan, 0), i);
            t->cells[i / MERGE * COARSE + j / MERGE] += mass;
            t->below[j + 1] += mass;
        }
    }
    erg_plan_free(plan);
    erg_graph_free(g);
}

/* Chi-squared over the coarse cells, those that expect fewer than 10 points taken together; and
 * Kolmogorov's statistic of x, at the edges of the columns. */
static bool fits(const double *points, int64_t n, const table *t) {
    double counts[COARSE * COARSE] = {0}, columns[FINE + 1] = {0};
    double rest = 0, rest_expected = 0, chi2 = 0, worst = 0;
    for (int64_t k = 0; k < n; k++) {
        double u = (points[2 * k] / HALF + 1) / 2, v = (points[2 * k + 1] / HALF + 1) / 2;
        if (!(u >= 0 && u < 1 && v >= 0 && v < 1))
            return false;
        counts[(int)(v * COARSE) * COARSE + (int)(u * COARSE)]++;
        columns[(int)(u * FINE) + 1]++;
    }
    int degrees = 0;
    for (int c = 0; c < COARSE * COARSE; c++) {
        double expected = (double)n * t->cells[c];
        bool enough = expected >= 10;
        degrees += enough;
        chi2 += enough ? pow(counts[c] - expected, 2) / expected : 0;
        rest += enough ? 0 : counts[c];
        rest_expected += enough ? 0 : expected;
    }
    chi2 += pow(rest - rest_expected, 2) / rest_expected;
    double below = 0;
    for (int j = 0; j <= FINE; j++) {
        below += columns[j];
        worst = fmax(worst, fabs(below / (double)n - t->below[j]));
    }
    return chi2 < critical_chi2(degrees) && sqrt((double)n) * worst < CRITICAL_KS;
}

static const struct {
    toy which;
    double planted_radius, planted_shape;
} samples[] = {
    {MOONS, 0, 0.12},
    {RING, 2, 0.17},
    {RING, 2.05, 0.15},
};

/* Planted: densities of another width or radius, and samples mirrored and moved. */
START_TEST(toy_samples_are_exact) {
    const int64_t n = draws(100000, 10000);
    table *right = malloc(sizeof *right), *wrong = malloc(sizeof *wrong);
    tabulate(samples[_i].which, 0, 0, right);
    tabulate(samples[_i].which, samples[_i].planted_radius, samples[_i].planted_shape, wrong);
    ck_assert_double_eq_tol(right->below[FINE], 1, 1e-9);
    for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
        erg_graph *g = erg_graph_new(41);
        erg_node *sample = toy_sample(g, dtype, n, samples[_i].which);
        check_shape(sample, ERG_SHAPE(n, 2));
        double *points = elements_of(sample);
        ck_assert(fits(points, n, right));
        ck_assert(!fits(points, n, wrong));
        for (int64_t k = 0; k < n; k++)
            points[2 * k] = 0.1 - points[2 * k];
        ck_assert(!fits(points, n, right));
        free(points);
        erg_graph_free(g);
    }
    free(right);
    free(wrong);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(toys_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    REFUSES(g, "noise -1", erg_two_moons_sample(g, ERG_FLOAT32, 3, -1));
    REFUSES(g, "noise nan", erg_two_moons_sample(g, ERG_FLOAT32, 3, NAN));
    REFUSES(g, "shape", erg_two_moons_sample(g, ERG_FLOAT32, -3, 0));
    REFUSES(g, "float", erg_two_moons_sample(g, ERG_INT32, 3, 0));
    REFUSES(g, "at least 0.05", erg_two_moons_energy(g, ERG_FLOAT32, 0.01).fn);
    REFUSES(g, "at least 0.05", erg_two_moons_energy(g, ERG_FLOAT32, NAN).fn);
    REFUSES(g, "std inf", erg_two_moons_energy(g, ERG_FLOAT32, INFINITY).fn);
    REFUSES(g, "std -1", erg_eight_gaussians_energy(g, ERG_FLOAT32, 0, -1).fn);
    REFUSES(g, "mean", erg_eight_gaussians_energy(g, ERG_FLOAT32, INFINITY, 0).fn);
    REFUSES(g, "std nan", erg_eight_gaussians_sample(g, ERG_FLOAT32, 3, 0, NAN));
    REFUSES(g, "-3 samples", erg_eight_gaussians_sample(g, ERG_FLOAT32, -3, 0, 0));
    erg_graph_free(g);
    ck_assert_ptr_null(erg_two_moons_sample(NULL, ERG_FLOAT32, 3, 0));
    ck_assert(!erg_two_moons_energy(NULL, ERG_FLOAT32, 0).fn);
    ck_assert_ptr_null(erg_eight_gaussians_sample(NULL, ERG_FLOAT32, 3, 0, 0));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("toy");
    TCase *toys = tcase_create("toys");
    tcase_add_loop_test(toys, two_moons_energy_is_exact, 0, COUNT(moon_noises));
    tcase_add_test(toys, eight_gaussians_energy_is_exact);
    tcase_add_loop_test(toys, toys_have_their_entropies, 0, COUNT(entropies));
    tcase_add_loop_test(toys, toy_samples_are_exact, 0, COUNT(samples));
    tcase_add_test(toys, toys_refuse_misuse);
    suite_add_tcase(suite, toys);
    return run_suite(suite);
}

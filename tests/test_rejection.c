/* test_rejection.c: the exact samplers that reject: distribution functions of one marginal by
 * quadrature, moments in closed form, for float32 and float64. */
#include "modules.h"

/* The distribution function of a density on [low, high], which need not be normalised. */
enum { POINTS = 20000 };
static struct table { double low, high, mass[POINTS + 1]; } table;

static void tabulate(double (*density)(double x, double option), double option, double low,
                     double high) {
    double h = (high - low) / POINTS;
    table.low = low, table.high = high, table.mass[0] = 0;
    for (int i = 0; i < POINTS; i++)
        table.mass[i + 1] = table.mass[i] + h * density(low + (i + 0.5) * h, option);
}

static double table_cdf(double x) {
    double at = fmin(fmax((x - table.low) / (table.high - table.low), 0), 1) * POINTS;
    int i = (int)fmin(at, POINTS - 1);
    double mass = table.mass[i] + (at - i) * (table.mass[i + 1] - table.mass[i]);
    return mass / table.mass[POINTS];
}

/* Of the first coordinate; for rings of the radius, with the option the width and R = 1, 2, 3. */
static double von_mises_density(double x, double k) {
    return exp(k * (cos(x) - 1));
}
static double well_density(double x, double h) {
    return exp(-h * (x * x - 1) * (x * x - 1));
}
static double rings_density(double x, double width) {
    double p = 0;
    for (int k = 1; k <= 3; k++)
        p += x * exp(-0.5 * (x - k) * (x - k) / (width * width));
    return p;
}

static erg_node *draw_von_mises(erg_graph *g, erg_dtype dtype, double k, int64_t n) {
    return erg_von_mises_sample(g, dtype, &(erg_von_mises){.concentration = k}, n, 2);
}
static erg_node *draw_well(erg_graph *g, erg_dtype dtype, double h, int64_t n) {
    return erg_double_well_sample(g, dtype, &(erg_double_well){.height = h}, n, 2);
}
static erg_node *draw_rings(erg_graph *g, erg_dtype dtype, double width, int64_t n) {
    return erg_rings_sample(g, dtype, &(erg_rings){.width = width}, n);
}

static const struct row {
    const char *name;
    erg_node *(*draw)(erg_graph *g, erg_dtype dtype, double option, int64_t n);
    double (*density)(double x, double option);
    double option, low, high;
} rows[] = {
    {"uniform angle", draw_von_mises, von_mises_density, ERG_ZERO, -M_PI, M_PI},
    {"blunt von Mises", draw_von_mises, von_mises_density, 0.3, -M_PI, M_PI},
    {"von Mises", draw_von_mises, von_mises_density, 2, -M_PI, M_PI},
    {"sharp von Mises", draw_von_mises, von_mises_density, 1e6, -0.01, 0.01},
    {"flat well", draw_well, well_density, 1e-3, -20, 20},
    {"low double well", draw_well, well_density, 0.5, -5, 5},
    {"double well", draw_well, well_density, 1, -5, 5},
    {"high double well", draw_well, well_density, 30, -2, 2},
    {"thin rings", draw_rings, rings_density, 0.05, 0, 4},
    {"rings", draw_rings, rings_density, 0.4, 0, 8},
    {"merged rings", draw_rings, rings_density, 1.5, 0, 16},
    {"a disc", draw_rings, rings_density, 20, 0, 200},
};

/* sqrt(n) D of the marginal of n samples (n, 2). */
static double misfit(const struct row *row, const double *x, int64_t n) {
    double *marginal = malloc((size_t)n * sizeof *marginal);
    for (int64_t i = 0; i < n; i++)
        marginal[i] = row->draw == draw_rings ? hypot(x[2 * i], x[2 * i + 1]) : x[2 * i];
    double distance = kolmogorov(marginal, n, table_cdf);
    free(marginal);
    return distance;
}

/* The same samples lie far from a density of another option. */
START_TEST(marginals_are_exact) {
    const struct row *row = &rows[_i];
    const int64_t n = draws(40000, 2000);
    for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
        erg_graph *g = erg_graph_new(5);
        erg_node *sample = row->draw(g, dtype, row->option, n);
        check_shape(sample, ERG_SHAPE(n, 2));
        ck_assert_int_eq(erg_node_dtype(sample), dtype);
        double *x = elements_of(sample);
        tabulate(row->density, row->option, row->low, row->high);
        double distance = misfit(row, x, n);
        ck_assert_msg(distance < CRITICAL_KS, "%s: %g", row->name, distance);
        tabulate(row->density, 3 * row->option + 0.5, row->low, row->high);
        distance = misfit(row, x, n);
        ck_assert_msg(distance > CRITICAL_KS, "%s: %g of another", row->name, distance);
        free(x);
        erg_graph_free(g);
    }
}
END_TEST

/* The mean of f over n samples (n, 2) against its expectation, in standard errors. */
static void check_mean(const char *name, const double *x, int64_t n, double (*f)(const double *x),
                       double expected) {
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; i++) {
        double y = f(x + 2 * i) - expected;
        sum += y;
        square += y * y;
    }
    double z = sum / sqrt(square);
    ck_assert_msg(fabs(z) < CRITICAL_Z, "%s: %g standard errors", name, z);
}

static double cosines(const double *x) {
    return cos(x[0] - 0.7) + cos(x[1] - 0.7);
}
static double cosine_product(const double *x) {
    return cos(x[0] - 0.7) * cos(x[1] - 0.7);
}
static double sine(const double *x) {
    return sin(x[0] - 0.7);
}
static double first(const double *x) {
    return x[0];
}
static double first_square(const double *x) {
    return x[0] * x[0];
}
static double second_square(const double *x) {
    return x[1] * x[1];
}
static double product(const double *x) {
    return x[0] * x[1];
}
static double signs(const double *x) {
    return copysign(1, x[0]) * copysign(1, x[1]);
}

START_TEST(moments_are_exact) {
    const int64_t n = draws(40000, 2000);
    const double bessel = 0.69777465796400798; /* I_1(2) / I_0(2) */
    for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
        erg_graph *g = erg_graph_new(6);
        erg_von_mises turned = {.concentration = 2, .mean = 0.7};
        double *x = elements_of(erg_von_mises_sample(g, dtype, &turned, n, 2));
        check_mean("cos", x, n, cosines, 2 * bessel);
        check_mean("cos cos", x, n, cosine_product, bessel * bessel);
        check_mean("sin", x, n, sine, 0);
        free(x);
        x = elements_of(erg_double_well_sample(g, dtype, &(erg_double_well){.distance = 2}, n, 2));
        check_mean("well x", x, n, first, 0);
        check_mean("well x^2", x, n, first_square, 4 * 0.83274548712838007);
        check_mean("bowl", x, n, second_square, 1);
        check_mean("well and bowl", x, n, product, 0);
        free(x);
        /* E r^2 = R^2 + 3 w^2 but for exp(-R^2 / 2 w^2), which is nothing here. */
        erg_rings ring = {.count = 1, .spacing = 4, .width = 0.5};
        x = elements_of(erg_rings_sample(g, dtype, &ring, n));
        check_mean("ring x", x, n, first, 0);
        check_mean("ring x^2", x, n, first_square, 0.5 * (16 + 3 * 0.25));
        check_mean("ring quadrants", x, n, signs, 0);
        free(x);
        erg_graph_free(g);
    }
}
END_TEST

START_TEST(samplers_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_von_mises bad_von_mises = {.concentration = -1};
    erg_double_well bad_well = {.height = -1};
    erg_rings bad_rings = {.count = ERG_RINGS_MAX + 1};
    REFUSES(g, "concentration -1", erg_von_mises_sample(g, ERG_FLOAT64, &bad_von_mises, 3, 2));
    REFUSES(g, "height -1", erg_double_well_sample(g, ERG_FLOAT64, &bad_well, 3, 2));
    REFUSES(g, "rings: 65", erg_rings_sample(g, ERG_FLOAT64, &bad_rings, 3));
    REFUSES(g, "0 dimensions", erg_von_mises_sample(g, ERG_FLOAT64, NULL, 3, 0));
    REFUSES(g, "0 dimensions", erg_double_well_sample(g, ERG_FLOAT64, NULL, 3, 0));
    REFUSES(g, "-1 samples", erg_von_mises_sample(g, ERG_FLOAT64, NULL, -1, 1));
    REFUSES(g, "-1 samples", erg_double_well_sample(g, ERG_FLOAT64, NULL, -1, 1));
    REFUSES(g, "-1 samples", erg_rings_sample(g, ERG_FLOAT64, NULL, -1));
    check_shape(erg_von_mises_sample(g, ERG_FLOAT64, NULL, 0, 3), ERG_SHAPE(0, 3));
    check_shape(erg_double_well_sample(g, ERG_FLOAT64, NULL, 5, 1), ERG_SHAPE(5, 1));
    check_shape(erg_rings_sample(g, ERG_FLOAT64, NULL, 0), ERG_SHAPE(0, 2));
    erg_graph_free(g);
    ck_assert_ptr_null(erg_von_mises_sample(NULL, ERG_FLOAT64, NULL, 3, 1));
    ck_assert_ptr_null(erg_double_well_sample(NULL, ERG_FLOAT64, NULL, 3, 1));
    ck_assert_ptr_null(erg_rings_sample(NULL, ERG_FLOAT64, NULL, 3));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rejection");
    TCase *samples = tcase_create("samples");
    tcase_add_loop_test(samples, marginals_are_exact, 0, COUNT(rows));
    tcase_add_test(samples, moments_are_exact);
    tcase_add_test(samples, samplers_refuse_misuse);
    suite_add_tcase(suite, samples);
    return run_suite(suite);
}

/* test_analytic.c: the analytic energies: values against the formulas in plain C, normalisers and
 * moments against known numbers and quadrature, derivatives to third order, exact samples against
 * the white noise that they must turn into. */
#include "modules.h"

static double mean[] = {1, -2}, covariance[] = {2, 0.6, 0.6, 1};
static double precision[] = {1 / 1.64, -0.6 / 1.64, -0.6 / 1.64, 2 / 1.64};
static erg_funnel mild = {.scale = 0.5};
static erg_rosenbrock plain = {.temperature = 1}, round_one = {-0.5, 2, 3};
static erg_double_well high = {.height = 3, .distance = 1.5}, low = {.height = 0.01};
static erg_rings one_ring = {.count = 1, .spacing = 2, .width = 0.3}, thick = {.width = 0.6};
static erg_von_mises turned = {.concentration = 2, .mean = 0.7};
static erg_rastrigin gentle = {.height = 1.5};
static erg_ackley other_ackley = {.height = 3, .slope = 0.7, .frequency = 2};

/* Pointers to graph memory are made for each test. */
static erg_energy gaussian_energy(erg_graph *g, bool by_precision) {
    erg_gaussian *gaussian = erg_gaussian_new(
        g, ERG_FLOAT64, 2, mean, by_precision ? NULL : covariance, by_precision ? precision : NULL);
    return (erg_energy){erg_gaussian_energy, gaussian};
}

/* ------------------------------------------------------------------------------- values */

static double gaussian_by_hand(const void *self, const double *x, int d) {
    (void)self, (void)d;
    double a = x[0] - 1, b = x[1] + 2;
    return (a * a - 2 * 0.6 * a * b + 2 * b * b) / 1.64 / 2;
}
static double rosenbrock_by_hand(const void *self, const double *x, int d) {
    (void)d;
    double c = self == &round_one ? -0.5 : 1, b = self == &round_one ? 2 : 100;
    double t = self == &round_one ? 3 : self == &plain ? 1 : 20;
    return (b * pow(x[1] - x[0] * x[0], 2) + pow(x[0] - c, 2)) / t;
}
static double funnel_by_hand(const void *self, const double *x, int d) {
    double s = self ? 0.5 : 3, e = x[0] * x[0] / (2 * s * s) + (d - 1) * x[0] / 2;
    for (int i = 1; i < d; i++)
        e += x[i] * x[i] * exp(-x[0]) / 2;
    return e;
}
static double well_by_hand(const void *self, const double *x, int d) {
    double h = self == &high ? 3 : self == &low ? 0.01 : 1, a = self == &high ? 1.5 : 1;
    double e = h * pow(x[0] * x[0] / (a * a) - 1, 2);
    for (int i = 1; i < d; i++)
        e += x[i] * x[i] / 2;
    return e;
}
static double rings_by_hand(const void *self, const double *x, int d) {
    (void)d;
    double spacing = self == &one_ring ? 2 : 1, p = 0;
    double width = self == &one_ring ? 0.3 : self == &thick ? 0.6 : 0.1;
    for (int k = 1; k <= (self == &one_ring ? 1 : 3); k++)
        p += exp(-pow((hypot(x[0], x[1]) - k * spacing) / width, 2) / 2);
    return -log(p);
}
static double von_mises_by_hand(const void *self, const double *x, int d) {
    double e = 0;
    for (int i = 0; i < d; i++)
        e -= self ? 2 * cos(x[i] - 0.7) : cos(x[i]);
    return e;
}
static double rastrigin_by_hand(const void *self, const double *x, int d) {
    double e = 0, height = self ? 1.5 : 10;
    for (int i = 0; i < d; i++)
        e += x[i] * x[i] + height * (1 - cos(2 * M_PI * x[i]));
    return e;
}
static double ackley_by_hand(const void *self, const double *x, int d) {
    double a = self ? 3 : 20, b = self ? 0.7 : 0.2, c = self ? 2 : 2 * M_PI, square = 0, wave = 0;
    for (int i = 0; i < d; i++) {
        square += x[i] * x[i] / d;
        wave += cos(c * x[i]) / d;
    }
    return a + M_E - a * exp(-b * sqrt(square)) - exp(wave);
}

static const struct row {
    const char *name;
    erg_node *(*energy)(void *self, erg_node *x); /* NULL: the Gaussian */
    void *self;
    int d;
    double (*by_hand)(const void *self, const double *x, int d);
} rows[] = {
    {"covariance", NULL, NULL, 2, gaussian_by_hand},
    {"precision", NULL, &precision, 2, gaussian_by_hand},
    {"rosenbrock", erg_rosenbrock_energy, NULL, 2, rosenbrock_by_hand},
    {"rosenbrock T = 1", erg_rosenbrock_energy, &plain, 2, rosenbrock_by_hand},
    {"round rosenbrock", erg_rosenbrock_energy, &round_one, 2, rosenbrock_by_hand},
    {"funnel", erg_funnel_energy, NULL, 3, funnel_by_hand},
    {"funnel of v alone", erg_funnel_energy, NULL, 1, funnel_by_hand},
    {"mild funnel", erg_funnel_energy, &mild, 2, funnel_by_hand},
    {"double well", erg_double_well_energy, NULL, 1, well_by_hand},
    {"high double well", erg_double_well_energy, &high, 2, well_by_hand},
    {"low double well", erg_double_well_energy, &low, 3, well_by_hand},
    {"rings", erg_rings_energy, NULL, 2, rings_by_hand},
    {"one ring", erg_rings_energy, &one_ring, 2, rings_by_hand},
    {"thick rings", erg_rings_energy, &thick, 2, rings_by_hand},
    {"von Mises", erg_von_mises_energy, NULL, 1, von_mises_by_hand},
    {"turned von Mises", erg_von_mises_energy, &turned, 2, von_mises_by_hand},
    {"rastrigin", erg_rastrigin_energy, NULL, 3, rastrigin_by_hand},
    {"gentle rastrigin", erg_rastrigin_energy, &gentle, 1, rastrigin_by_hand},
    {"ackley", erg_ackley_energy, NULL, 2, ackley_by_hand},
    {"other ackley", erg_ackley_energy, &other_ackley, 3, ackley_by_hand},
};

static erg_energy energy_of(erg_graph *g, const struct row *row) {
    return row->energy ? (erg_energy){row->energy, row->self}
                       : gaussian_energy(g, row->self != NULL);
}

static const double points[] = {0.31,  -0.72, 1.23, 0.44, -0.95, 0.16, 1.87, 0.58,
                                -1.36, 2.71,  0.09, 0.83, -0.27, 1.6,  -2.1};

START_TEST(energies_have_their_values) {
    const struct row *row = &rows[_i];
    const int n = COUNT(points) / row->d;
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(n, row->d), points);
    erg_node *e = erg_energy_apply(energy_of(g, row), x);
    ck_assert_msg(e != NULL, "%s: %s", row->name, erg_error_message());
    double *values = elements_of(e);
    for (int b = 0; b < n; b++) {
        double expected = row->by_hand(row->self, points + b * row->d, row->d);
        ck_assert_msg(fabs(values[b] - expected) < 1e-13 * fmax(1, fabs(expected)),
                      "%s: %.17g, not %.17g", row->name, values[b], expected);
    }
    free(values);
    erg_graph_free(g);
}
END_TEST

START_TEST(energies_have_true_derivatives) {
    const struct row *row = &rows[_i];
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, row->d), points);
    erg_gradcheck_result result;
    erg_gradcheck_options options = {.order = 3, .step = 5e-4};
    erg_status status =
        erg_gradcheck(erg_energy_apply(energy_of(g, row), x), &x, 1, options, &result);
    ck_assert_msg(status == ERG_OK, "%s: %s", row->name, result.message);
    erg_graph_free(g);
}
END_TEST

/* f(-1.2, 1) = 24.2, gradient (-215.6, -88), Hessian [[1330, 480], [480, 200]]. */
START_TEST(rosenbrock_has_its_derivatives) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(1, 2), (double[]){-1.2, 1});
    erg_energy energy = {erg_rosenbrock_energy, &plain};
    erg_node *e = erg_energy_apply(energy, x);
    double *score = elements_of(erg_score(energy, x)), *hessian = elements_of(erg_hessian(e, x));
    ck_assert_double_eq_tol(number_of(e), 24.2, 1e-13);
    ck_assert_double_eq_tol(score[0], 215.6, 1e-12);
    ck_assert_double_eq_tol(score[1], 88, 1e-12);
    const double expected[] = {1330, 480, 480, 200};
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(hessian[i], expected[i], 1e-11);
    ck_assert_double_eq_tol(number_of(erg_laplacian(e, x)), 1530, 1e-11);
    free(score);
    free(hessian);
    erg_graph_free(g);
}
END_TEST

/* Score and Laplacian where they are one line. */
START_TEST(laplacians_are_known) {
    const double at[] = {0.8, -0.3};
    erg_graph *g = erg_graph_new(0);
    const double wave = cos(2 * M_PI * 0.8) + cos(2 * M_PI * 0.3);
    const struct {
        erg_energy energy;
        double score[2], laplacian;
    } known[] = {
        {gaussian_energy(g, false), {(0.2 + 0.6 * 1.7) / 1.64, (-0.12 - 2 * 1.7) / 1.64}, 3 / 1.64},
        {{erg_double_well_energy, NULL}, {4 * 0.8 * (1 - 0.64), 0.3}, 12 * 0.64 - 4 + 1},
        {{erg_von_mises_energy, &turned}, {-2 * sin(0.1), 2 * sin(1.0)}, 2 * (cos(0.1) + cos(1.0))},
        {{erg_rastrigin_energy, NULL},
         {-1.6 - 20 * M_PI * sin(1.6 * M_PI), 0.6 + 20 * M_PI * sin(0.6 * M_PI)},
         4 + 40 * M_PI * M_PI * wave},
    };
    for (int k = 0; k < COUNT(known); k++) {
        erg_node *x = input_of(g, ERG_SHAPE(1, 2), at);
        double *score = elements_of(erg_score(known[k].energy, x));
        double laplacian = number_of(erg_laplacian(erg_energy_apply(known[k].energy, x), x));
        for (int i = 0; i < 2; i++)
            ck_assert_double_eq_tol(score[i], known[k].score[i], 1e-12);
        ck_assert_double_eq_tol(laplacian, known[k].laplacian, 1e-11);
        free(score);
    }
    erg_graph_free(g);
}
END_TEST

/* At their least points the values are 0 and the corners have derivative 0. */
START_TEST(corners_have_no_slope) {
    erg_graph *g = erg_graph_new(0);
    erg_node *origin = input_of(g, ERG_SHAPE(1, 2), NULL);
    const erg_energy energies[] = {{erg_ackley_energy, NULL}, {erg_rings_energy, NULL}};
    ck_assert_double_eq_tol(number_of(erg_energy_apply(energies[0], origin)), 0, 1e-14);
    for (int k = 0; k < 2; k++) {
        double *score = elements_of(erg_score(energies[k], origin));
        ck_assert_double_eq(score[0], 0);
        ck_assert_double_eq(score[1], 0);
        free(score);
    }
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- normalisers */

static double gaussian_log_z(bool by_precision) {
    erg_graph *g = erg_graph_new(0);
    double log_z = ((erg_gaussian *)gaussian_energy(g, by_precision).self)->log_z;
    erg_graph_free(g);
    return log_z;
}

START_TEST(normalisers_are_known) {
    const erg_von_mises two = {.concentration = 2}, flat = {.concentration = ERG_ZERO};
    const struct {
        double got, expected;
    } known[] = {
        {gaussian_log_z(false), 2.085225187327399},
        {gaussian_log_z(true), 2.085225187327399},
        {erg_double_well_log_z(NULL, 1), 0.67992624289378653},
        {erg_von_mises_log_z(&two, 1), 2.6618706078923018},
        {erg_von_mises_log_z(&two, 3), 3 * 2.6618706078923018},
        {erg_von_mises_log_z(&flat, 1), log(2 * M_PI)},
        {erg_funnel_log_z(NULL, 10), 10.287997620714837},
        {erg_banana_log_z(NULL), 4.1404621594033912},
        {erg_rosenbrock_log_z(NULL), log(2 * M_PI)},
    };
    for (int k = 0; k < COUNT(known); k++)
        ck_assert_msg(fabs(known[k].got - known[k].expected) < 1e-14 * known[k].expected * 4,
                      "number %d: %.17g, not %.17g", k, known[k].got, known[k].expected);
}
END_TEST

/* For the largest concentrations a von Mises distribution is a Gaussian of variance 1 / k, and a
 * well of great height one of variance 1 / 8 h, twice. */
START_TEST(normalisers_have_their_limits) {
    erg_von_mises sharp = {.concentration = 1e8};
    ck_assert_double_eq_tol(erg_von_mises_log_z(&sharp, 1) - 1e8, 0.5 * log(2 * M_PI / 1e8), 1e-7);
    erg_double_well deep = {.height = 1e8};
    ck_assert_double_eq_tol(erg_double_well_log_z(&deep, 1), log(2) + 0.5 * log(M_PI / 4e8), 1e-7);
    erg_rastrigin none = {.height = ERG_ZERO};
    ck_assert_double_eq_tol(erg_rastrigin_log_z(&none, 2), log(M_PI), 1e-14);
}
END_TEST

/* log Z, by quadrature in the plane. */
static double by_quadrature(erg_energy energy, erg_graph *g, double half_width, int side) {
    erg_quadrature result = {0};
    erg_evaluator *evaluator = erg_evaluator_new(g, energy, ERG_FLOAT64, ERG_SHAPE(2), 0);
    erg_quadrature_options options = {.half_width = half_width, .points = side, .tail = 1e-15};
    ck_assert_msg(erg_quadrature_2d(evaluator, options, &result) == ERG_OK, "%s",
                  erg_error_message());
    erg_evaluator_free(evaluator);
    return result.log_z;
}

START_TEST(normalisers_are_integrals) {
    erg_graph *g = erg_graph_new(0);
    const struct {
        erg_energy energy;
        double log_z, half_width, tolerance;
        int side;
    } planes[] = {
        {gaussian_energy(g, false), gaussian_log_z(false), 12, 1e-12, 200},
        {gaussian_energy(g, true), gaussian_log_z(true), 12, 1e-12, 200},
        {{erg_rosenbrock_energy, &round_one}, erg_rosenbrock_log_z(&round_one), 40, 1e-12, 800},
        {{erg_funnel_energy, &mild}, erg_funnel_log_z(&mild, 2), 30, 1e-9, 800},
        {{erg_double_well_energy, &high}, erg_double_well_log_z(&high, 2), 9, 1e-12, 400},
        {{erg_double_well_energy, &low}, erg_double_well_log_z(&low, 2), 12, 1e-12, 400},
        {{erg_rings_energy, NULL}, erg_rings_log_z(NULL), 4.5, 1e-12, 800},
        {{erg_rings_energy, &one_ring}, erg_rings_log_z(&one_ring), 6, 1e-9, 400},
        {{erg_rings_energy, &thick}, erg_rings_log_z(&thick), 9, 1e-4, 600},
        {{erg_rastrigin_energy, NULL}, erg_rastrigin_log_z(NULL, 2), 7, 1e-12, 600},
        {{erg_rastrigin_energy, &gentle}, erg_rastrigin_log_z(&gentle, 2), 7, 1e-12, 600},
    };
    double log_z = by_quadrature(planes[_i].energy, g, planes[_i].half_width, planes[_i].side);
    ck_assert_msg(fabs(log_z - planes[_i].log_z) < planes[_i].tolerance, "%d: %.17g, not %.17g", _i,
                  planes[_i].log_z, log_z);
    erg_graph_free(g);
}
END_TEST

/* Means under exp(-E) on n points of a line. */
static double mean_on_line(erg_energy energy, double low_end, double high_end,
                           double (*of)(double x)) {
    enum { POINTS = 4000 };
    double sum = 0, mass = 0, h = (high_end - low_end) / POINTS;
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(POINTS, 1), NULL);
    for (int i = 0; i < POINTS; i++)
        erg_tensor_set(erg_value(x), i, low_end + (i + 0.5) * h);
    double *e = elements_of(erg_energy_apply(energy, x));
    for (int i = 0; i < POINTS; i++) {
        mass += exp(-e[i]);
        sum += exp(-e[i]) * of(low_end + (i + 0.5) * h);
    }
    free(e);
    erg_graph_free(g);
    return sum / mass;
}

static double square(double x) {
    return x * x;
}

START_TEST(moments_are_known) {
    erg_von_mises two = {.concentration = 2};
    erg_energy well = {erg_double_well_energy, NULL}, angle = {erg_von_mises_energy, &two};
    ck_assert_double_eq_tol(mean_on_line(well, -5, 5, square), 0.83274548712838007, 1e-13);
    ck_assert_double_eq_tol(mean_on_line(angle, -M_PI, M_PI, cos), 0.69777465796400798, 1e-13);
}
END_TEST

/* ------------------------------------------------------------------------------- samples */

enum { WIDEST = 3 };

/* White noise of a sample: independent standard normal numbers. */
static void whiten_gaussian(const double *x, double *z) {
    z[0] = (x[0] - 1) / sqrt(2);
    z[1] = (x[1] + 2 - 0.3 * (x[0] - 1)) / sqrt(1 - 0.18);
}
static void whiten_rosenbrock(const double *x, double *z) {
    z[0] = (x[0] - 1) / sqrt(10);
    z[1] = (x[1] - x[0] * x[0]) / sqrt(0.1);
}
static void whiten_funnel(const double *x, double *z) {
    z[0] = x[0] / 3;
    z[1] = x[1] * exp(-x[0] / 2);
    z[2] = x[2] * exp(-x[0] / 2);
}

/* Each coordinate is normal, and squares and products are uncorrelated. */
static bool is_white(const double *x, int64_t n, int d, void (*whiten)(const double *, double *)) {
    double *z[WIDEST], products[WIDEST][WIDEST] = {0}, white[WIDEST], worst = 0;
    for (int i = 0; i < d; i++)
        z[i] = malloc((size_t)n * sizeof **z);
    for (int64_t b = 0; b < n; b++) {
        whiten(x + b * d, white);
        for (int i = 0; i < d; i++) {
            z[i][b] = white[i];
            for (int j = 0; j < i; j++) {
                products[i][j] += white[i] * white[j] / sqrt((double)n);
                products[j][i] += (square(white[i]) - 1) * white[j] / sqrt(2 * (double)n);
            }
        }
    }
    for (int i = 0; i < d; i++) {
        worst = fmax(worst, kolmogorov(z[i], n, normal_cdf) / CRITICAL_KS);
        for (int j = 0; j < d; j++)
            worst = fmax(worst, fabs(products[i][j]) / CRITICAL_Z);
        free(z[i]);
    }
    return worst < 1;
}

START_TEST(samples_are_exact) {
    const int64_t n = draws(40000, 2000);
    for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
        erg_graph *g = erg_graph_new(21);
        erg_gaussian *a = erg_gaussian_new(g, dtype, 2, mean, covariance, NULL);
        erg_gaussian *b = erg_gaussian_new(g, dtype, 2, mean, NULL, precision);
        erg_gaussian *uncorrelated =
            erg_gaussian_new(g, dtype, 2, mean, (double[]){2, 0, 0, 1}, NULL);
        const struct {
            erg_node *sample;
            int d;
            void (*whiten)(const double *, double *);
            bool good;
        } samples[] = {
            {erg_gaussian_sample(a, n), 2, whiten_gaussian, true},
            {erg_gaussian_sample(b, n), 2, whiten_gaussian, true},
            {erg_gaussian_sample(uncorrelated, n), 2, whiten_gaussian, false},
            {erg_rosenbrock_sample(g, dtype, NULL, n), 2, whiten_rosenbrock, true},
            {erg_rosenbrock_sample(g, dtype, &plain, n), 2, whiten_rosenbrock, false},
            {erg_funnel_sample(g, dtype, NULL, n, 3), 3, whiten_funnel, true},
            {erg_funnel_sample(g, dtype, &mild, n, 3), 3, whiten_funnel, false},
        };
        for (int k = 0; k < COUNT(samples); k++) {
            check_shape(samples[k].sample, ERG_SHAPE(n, samples[k].d));
            ck_assert_int_eq(erg_node_dtype(samples[k].sample), dtype);
            double *x = elements_of(samples[k].sample);
            ck_assert_msg(is_white(x, n, samples[k].d, samples[k].whiten) == samples[k].good,
                          "sampler %d", k);
            free(x);
        }
        check_shape(erg_funnel_sample(g, dtype, NULL, 5, 1), ERG_SHAPE(5, 1));
        erg_graph_free(g);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(energies_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *flat = input_of(g, ERG_SHAPE(4), NULL), *x = input_of(g, ERG_SHAPE(4, 2), NULL);
    erg_node *none = input_of(g, ERG_SHAPE(4, 0), NULL),
             *three = input_of(g, ERG_SHAPE(4, 3), NULL);
    const double skewed[] = {1, 0.5, 0.2, 1}, indefinite[] = {1, 2, 2, 1}, nans[] = {NAN, 0};
    REFUSES(g, "covariance or a precision", erg_gaussian_new(g, ERG_FLOAT64, 2, mean, NULL, NULL));
    REFUSES(g, "covariance or a precision",
            erg_gaussian_new(g, ERG_FLOAT64, 2, mean, covariance, precision));
    REFUSES(g, "needs dimensions", erg_gaussian_new(g, ERG_FLOAT64, 0, mean, covariance, NULL));
    REFUSES(g, "too large",
            erg_gaussian_new(g, ERG_FLOAT64, INT64_C(1) << 40, NULL, covariance, NULL));
    REFUSES(g, "mean is nan", erg_gaussian_new(g, ERG_FLOAT64, 2, nans, covariance, NULL));
    REFUSES(g, "the covariance is not", erg_gaussian_new(g, ERG_FLOAT64, 2, mean, skewed, NULL));
    REFUSES(g, "the precision is not", erg_gaussian_new(g, ERG_FLOAT64, 2, mean, NULL, indefinite));
    REFUSES(g, "unknown dtype", erg_gaussian_new(g, (erg_dtype)9, 2, mean, covariance, NULL));
    ck_assert_ptr_null(erg_gaussian_new(NULL, ERG_FLOAT64, 2, mean, covariance, NULL));
    REFUSES(g, "no Gaussian", erg_gaussian_energy(NULL, x));
    FAILS_NULL("no Gaussian", erg_gaussian_sample(NULL, 3));
    erg_gaussian *gaussian = erg_gaussian_new(g, ERG_FLOAT64, 2, NULL, covariance, NULL);
    REFUSES(g, "(B, 2)", erg_gaussian_energy(gaussian, three));
    REFUSES(g, "-1 samples", erg_gaussian_sample(gaussian, -1));
    erg_node *(*const energies[])(void *, erg_node *) = {
        erg_rosenbrock_energy, erg_funnel_energy,    erg_double_well_energy, erg_rings_energy,
        erg_von_mises_energy,  erg_rastrigin_energy, erg_ackley_energy,
    };
    for (int k = 0; k < COUNT(energies); k++) {
        REFUSES(g, "x is (4)", energies[k](NULL, flat));
        REFUSES(g, "x is (4, 0)", energies[k](NULL, none));
        ck_assert_ptr_null(energies[k](NULL, NULL));
    }
    REFUSES(g, "(B, 2)", erg_rings_energy(NULL, three));
    erg_rosenbrock bad_rosenbrock = {.steepness = -1};
    erg_funnel bad_funnel = {.scale = NAN};
    erg_double_well bad_well = {.height = -1};
    erg_rings bad_rings = {.count = ERG_RINGS_MAX + 1};
    erg_von_mises bad_von_mises = {.concentration = -1};
    erg_rastrigin bad_rastrigin = {.height = INFINITY};
    erg_ackley bad_ackley = {.slope = NAN};
    void *const bad[] = {&bad_rosenbrock, &bad_funnel,    &bad_well,  &bad_rings,
                         &bad_von_mises,  &bad_rastrigin, &bad_ackley};
    const char *const says[] = {"steepness -1",     "scale nan",  "height -1", "rings: 65",
                                "concentration -1", "height inf", "slope nan"};
    for (int k = 0; k < COUNT(energies); k++)
        REFUSES(g, says[k], energies[k](bad[k], x));
    ck_assert(isnan(erg_rosenbrock_log_z(&bad_rosenbrock)) && isnan(erg_rings_log_z(&bad_rings)));
    ck_assert(isnan(erg_funnel_log_z(&bad_funnel, 2)) &&
              isnan(erg_double_well_log_z(&bad_well, 1)));
    ck_assert(isnan(erg_von_mises_log_z(&bad_von_mises, 1)));
    ck_assert(isnan(erg_rastrigin_log_z(&bad_rastrigin, 1)));
    REFUSES(g, "steepness", erg_rosenbrock_sample(g, ERG_FLOAT64, &bad_rosenbrock, 3));
    REFUSES(g, "scale nan", erg_funnel_sample(g, ERG_FLOAT64, &bad_funnel, 3, 2));
    REFUSES(g, "0 dimensions", erg_funnel_sample(g, ERG_FLOAT64, NULL, 3, 0));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("analytic");
    TCase *values = tcase_create("values");
    tcase_add_loop_test(values, energies_have_their_values, 0, COUNT(rows));
    tcase_add_loop_test(values, energies_have_true_derivatives, 0, COUNT(rows));
    tcase_add_test(values, rosenbrock_has_its_derivatives);
    tcase_add_test(values, laplacians_are_known);
    tcase_add_test(values, corners_have_no_slope);
    suite_add_tcase(suite, values);
    TCase *integrals = tcase_create("integrals");
    tcase_add_test(integrals, normalisers_are_known);
    tcase_add_test(integrals, normalisers_have_their_limits);
    tcase_add_loop_test(integrals, normalisers_are_integrals, 0, 11);
    tcase_add_test(integrals, moments_are_known);
    suite_add_tcase(suite, integrals);
    TCase *samples = tcase_create("samples");
    tcase_add_test(samples, samples_are_exact);
    suite_add_tcase(suite, samples);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, energies_refuse_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

/* test_svgd.c: Stein variational gradient descent, against its definition in plain loops and the
 * places where few particles come to rest. */
#include "modules.h"

static const double unit = 1;

static erg_energy normal(void) {
    return (erg_energy){erg_harmonic_energy, (void *)&unit};
}

/* ------------------------------------------------------------------------------- one step */

static const double at[] = {0.5, -2, 3, 0, -0.25, 1, 0.75, 0.5, -1, -1.5};
enum { N = 5, D = 2 };

static double squared_distance(const double *x, int i, int j) {
    double sum = 0;
    for (int d = 0; d < D; d++)
        sum += pow(x[i * D + d] - x[j * D + d], 2);
    return sum;
}

/* The median as defined: half of the n^2 numbers are not above it. */
static double median_width(void) {
    double all[N * N];
    for (int i = 0; i < N * N; i++)
        all[i] = squared_distance(at, i / N, i % N);
    qsort(all, N * N, sizeof *all, compare_doubles);
    return all[N * N / 2] / log(N + 1);
}

static const struct {
    erg_svgd_options options;
    double step, width; /* h^2; 0: by the median */
} cases[] = {
    {{.bandwidth = 1.5}, 0.1, 2.25},
    {{.step_size = 0.4, .bandwidth = 0.5}, 0.4, 0.25},
    {{.step_size = 0.4}, 0.4, 0},
};

START_TEST(one_step_is_its_definition) {
    double width = cases[_i].width > 0 ? cases[_i].width : median_width();
    for (int by_node = 0; by_node < 2; by_node++) {
        erg_graph *g = erg_graph_new(0);
        erg_svgd_options options = cases[_i].options;
        if (by_node) {
            options.step_size_node = number_input(g, cases[_i].step);
            options.bandwidth_node = number_input(g, sqrt(width));
        }
        double *next = elements_of(erg_svgd(normal(), input_of(g, ERG_SHAPE(N, D), at), options));
        for (int i = 0; i < N * D; i++) {
            double phi = 0;
            for (int j = 0; j < N; j++) {
                double other = at[j * D + i % D];
                double kernel = exp(-squared_distance(at, i / D, j) / width);
                phi += kernel * (-other + 2 / width * (at[i] - other)) / N;
            }
            ck_assert_double_eq_tol(next[i], at[i] + cases[_i].step * phi, 1e-7);
        }
        free(next);
        erg_graph_free(g);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- at rest */

static void move(erg_node *x, erg_energy energy, erg_svgd_options options, int64_t n) {
    erg_chain *chain = erg_chain_new(x, erg_svgd(energy, x, options));
    ck_assert_msg(chain != NULL, "%s", erg_error_message());
    erg_chain_run(chain, n);
    erg_chain_free(chain);
}

/* A single particle descends the energy. Two of N(0, 1) at +-a feel no force when
 * exp(-4 a^2 / h^2) (1 + 4 / h^2) = 1, for the pull k - 1 and the push 4 k / h^2 cancel then. */
START_TEST(few_particles_rest_where_forces_cancel) {
    erg_graph *g = erg_graph_new(0);
    erg_node *one = input_of(g, ERG_SHAPE(1, 1), (double[]){2});
    move(one, normal(), (erg_svgd_options){.step_size = 0.25}, 3);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(one), 0), 2 * pow(0.75, 3), 1e-14);
    const double widths[] = {0.5, 1, 2};
    for (int k = 0; k < COUNT(widths); k++) {
        double h2 = widths[k] * widths[k], a = sqrt(h2 / 4 * log(1 + 4 / h2));
        erg_node *two = input_of(g, ERG_SHAPE(2, 1), (double[]){1.5, 0.7});
        move(two, normal(), (erg_svgd_options){.step_size = 0.2, .bandwidth = widths[k]}, 800);
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(two), 0), a, 1e-9);
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(two), 1), -a, 1e-9);
    }
    /* Particles in one place are one particle, also for the median. */
    erg_node *same = input_of(g, ERG_SHAPE(3, 1), (double[]){2, 2, 2});
    move(same, normal(), (erg_svgd_options){.step_size = 0.25}, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(same), i), 2 * pow(0.75, 3), 1e-14);
    erg_graph_free(g);
}
END_TEST

/* Mean and variance of many particles on N(m, s^2 I), as errors relative to s and s^2. */
static void errors_of_moments(erg_svgd_options options, double *mean, double *variance) {
    const double means[] = {3, -1}, std = 1.5;
    const int64_t n = draws(200, 60);
    erg_graph *g = erg_graph_new(51);
    erg_energy energy = {erg_gaussian_mixture_energy,
                         erg_gaussian_mixture_new(g, ERG_FLOAT64, 1, 2, NULL, means, &std)};
    erg_node *x = input_of(g, ERG_SHAPE(n, 2), NULL);
    ck_assert_int_eq(erg_init_normal(x, 1), ERG_OK);
    move(x, energy, options, draws(600, 300));
    *mean = *variance = 0;
    for (int d = 0; d < 2; d++) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < n; i++) {
            double away = (erg_tensor_get(erg_value(x), 2 * i + d) - means[d]) / std;
            sum += away / (double)n;
            squares += away * away / (double)n;
        }
        *mean = fmax(*mean, fabs(sum));
        *variance = fmax(*variance, fabs(squares - 1));
    }
    erg_graph_free(g);
}

/* Near enough: particles are as sharp as the kernel is wide. Planted: a kernel so wide that nothing
 * drives them apart, and so narrow that each descends alone. */
START_TEST(many_particles_have_the_moments) {
    double mean, variance;
    errors_of_moments((erg_svgd_options){.step_size = 1}, &mean, &variance);
    ck_assert_double_lt(mean, 0.02);
    ck_assert_double_lt(variance, 0.15);
    const double bandwidths[] = {1000, 1e-3};
    for (int k = 0; k < COUNT(bandwidths); k++) {
        /* Alone a particle is pulled by 1 / n of the force. */
        double step = k == 0 ? 1 : 50;
        errors_of_moments((erg_svgd_options){.step_size = step, .bandwidth = bandwidths[k]}, &mean,
                          &variance);
        ck_assert_double_gt(variance, 0.3);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(particles_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL), *empty = input_of(g, ERG_SHAPE(0, 2), NULL);
    const erg_svgd_options bad[] = {{.step_size = -1}, {.step_size = NAN}, {.step_size = INFINITY},
                                    {.bandwidth = -1}, {.bandwidth = NAN}, {.bandwidth = INFINITY}};
    for (int i = 0; i < COUNT(bad); i++)
        REFUSES(g, "svgd: step", erg_svgd(normal(), x, bad[i]));
    REFUSES(g, "svgd: a node in place of a number must have shape (), not (3, 2)",
            erg_svgd(normal(), x, (erg_svgd_options){.step_size_node = x}));
    REFUSES(g, "shape ()", erg_svgd(normal(), x, (erg_svgd_options){.bandwidth_node = x}));
    REFUSES(g, "x is (0, 2)", erg_svgd(normal(), empty, (erg_svgd_options){0}));
    REFUSES(g, "x is ()", erg_svgd(normal(), number_input(g, 1), (erg_svgd_options){0}));
    REFUSES(g, "no function", erg_svgd((erg_energy){0}, x, (erg_svgd_options){0}));
    ck_assert_ptr_null(erg_svgd(normal(), NULL, (erg_svgd_options){0}));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("svgd");
    TCase *all = tcase_create("svgd");
    tcase_add_loop_test(all, one_step_is_its_definition, 0, COUNT(cases));
    tcase_add_test(all, few_particles_rest_where_forces_cancel);
    tcase_add_test(all, many_particles_have_the_moments);
    tcase_add_test(all, particles_refuse_misuse);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}

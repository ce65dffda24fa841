/* test_quadrature.c: log Z, mean energy and box of the quadratures against closed forms. */
#include "modules.h"

/* 1/2 (x - m)^T P (x - m) for the numbers m_1, m_2, P_11, P_12, P_22. */
static erg_node *gaussian(void *self, erg_node *x) {
    const double *p = self;
    erg_node *dx = erg_add_scalar(erg_select(x, 1, 0), -p[0]);
    erg_node *dy = erg_add_scalar(erg_select(x, 1, 1), -p[1]);
    erg_node *sum =
        erg_add(erg_mul_scalar(erg_square(dx), p[2]), erg_mul_scalar(erg_square(dy), p[4]));
    return erg_mul_scalar(erg_add(sum, erg_mul_scalar(erg_mul(dx, dy), 2 * p[3])), 0.5);
}

/* The inverse of [[2, .6], [.6, 1]], and others. */
static double correlated[] = {0, 0, 1 / 1.64, -0.6 / 1.64, 2 / 1.64};
static double correlated_more[] = {0, 0, 1.0000001 / 1.64, -0.6 / 1.64, 2 / 1.64};
static double wide[] = {0, 0, 1.0 / 9, 0, 1.0 / 9};
static double shifted[] = {30, -20, 1, 0, 1};
static double narrow[] = {0.3, 0.1, 400, 0, 400};

/* A constant, a density that grows, and energies with NaN, infinite and minus infinite places. */
static erg_node *constant(void *self, erg_node *x) {
    return erg_mul_scalar(erg_select(x, 1, 0), *(double *)self);
}
static erg_node *inverted(void *self, erg_node *x) {
    return erg_neg(erg_harmonic_energy(self, x));
}
static erg_node *logarithm(void *self, erg_node *x) {
    (void)self;
    return erg_log(erg_select(x, 1, 0));
}
static erg_node *well(void *self, erg_node *x) {
    (void)self;
    return erg_log(erg_abs(erg_floor(erg_select(x, 1, 0))));
}
/* N(0, I) where x > 0. Cells that end at 0 give exactly half. */
static erg_node *half_gaussian(void *self, erg_node *x) {
    erg_node *e = erg_harmonic_energy(self, x), *x1 = erg_select(x, 1, 0);
    return erg_where(erg_greater(x1, erg_full_like(x1, 0)), e, erg_full_like(e, INFINITY));
}
static erg_node *disk(void *self, erg_node *x) {
    erg_node *square = erg_sum(erg_square(x), ERG_AXES(1), 0), *zero = erg_full_like(square, 0);
    erg_node *inside = erg_less(square, erg_full_like(square, *(double *)self));
    return erg_where(inside, zero, erg_full_like(square, INFINITY));
}

static double zero = 0, one = 1, slope = 0.001, nothing = -1;

static erg_status integrate(erg_energy energy, erg_quadrature_options options,
                            erg_quadrature *result) {
    erg_graph *g = erg_graph_new(0);
    erg_evaluator *evaluator = erg_evaluator_new(g, energy, ERG_FLOAT64, ERG_SHAPE(2), 0);
    ck_assert_msg(evaluator != NULL, "%s", erg_error_message());
    erg_status status = erg_quadrature_2d(evaluator, options, result);
    erg_evaluator_free(evaluator);
    erg_graph_free(g);
    return status;
}

/* ------------------------------------------------------------------------------- closed forms */

static const struct {
    erg_energy energy;
    erg_quadrature_options options;
    double log_z, mean_energy;
    double half_width; /* the box that must be reached at least */
} known[] = {
    {{gaussian, correlated}, {.half_width = 14, .points = 200}, 2.085225187327399, 1, 14},
    {{gaussian, correlated}, {.points = 100, .tail = 1e-15}, 2.085225187327399, 1, 12},
    {{erg_banana_energy, NULL},
     {.center_y = -60, .half_width = 140, .points = 700},
     4.1404621594033912,
     1,
     140},
    {{gaussian, wide}, {.half_width = 1, .points = 16, .tail = 1e-15}, 4.0351016437455645, 1, 20},
    {{gaussian, shifted},
     {.center_x = 30, .center_y = -20, .half_width = 10},
     1.8378770664093453,
     1,
     10},
    {{gaussian, narrow}, {.half_width = 1}, -4.153587480698636, 1, 1},
    {{half_gaussian, &one}, {.half_width = 10, .points = 100}, 1.1447298858494002, 1, 10},
};

static bool is_known(int i, erg_quadrature found) {
    return fabs(found.log_z - known[i].log_z) < 1e-10 &&
           fabs(found.mean_energy - known[i].mean_energy) < 1e-9 &&
           found.half_width >= known[i].half_width;
}

START_TEST(quadrature_finds_closed_forms) {
    erg_quadrature found;
    erg_status status = integrate(known[_i].energy, known[_i].options, &found);
    ck_assert_msg(status == ERG_OK, "%s", erg_error_message());
    ck_assert_msg(is_known(_i, found), "log Z %.12f, mean energy %.12f, half width %g", found.log_z,
                  found.mean_energy, found.half_width);
    ck_assert_double_le(found.outer_mass,
                        known[_i].options.tail != 0 ? known[_i].options.tail : 1e-6);
}
END_TEST

/* On the line and in space. */
static erg_quadrature integrate_in(int dims, erg_energy energy, erg_quadrature_options options) {
    erg_graph *g = erg_graph_new(0);
    erg_evaluator *evaluator = erg_evaluator_new(g, energy, ERG_FLOAT64, ERG_SHAPE(dims), 0);
    erg_quadrature found = {0};
    erg_status status = dims == 1 ? erg_quadrature_1d(evaluator, options, &found)
                                  : erg_quadrature_3d(evaluator, options, &found);
    ck_assert_msg(status == ERG_OK, "%s", erg_error_message());
    erg_evaluator_free(evaluator);
    erg_graph_free(g);
    return found;
}

static erg_node *quartic(void *self, erg_node *x) {
    (void)self;
    return erg_mul_scalar(erg_pow_scalar(erg_select(x, 1, 0), 4), 0.25);
}

/* N((0, 0, 5), I) */
static erg_node *high(void *self, erg_node *x) {
    erg_node *lift = erg_mul_scalar(erg_add_scalar(erg_select(x, 1, 2), -2.5), -5);
    return erg_add(erg_harmonic_energy(self, x), lift);
}

START_TEST(quadrature_finds_closed_forms_in_other_dimensions) {
    const erg_energy well = {erg_double_well_energy, NULL},
                     gaussian_3 = {erg_harmonic_energy, &one};
    erg_quadrature found =
        integrate_in(1, (erg_energy){quartic, NULL}, (erg_quadrature_options){0});
    ck_assert_double_eq_tol(exp(found.log_z), 2.5636933520408476, 1e-12);
    found = integrate_in(1, well, (erg_quadrature_options){.center_x = 0.5, .half_width = 1});
    ck_assert_double_eq_tol(found.log_z, 0.67992624289378653, 1e-9);
    found = integrate_in(3, gaussian_3, (erg_quadrature_options){.half_width = 8, .points = 40});
    ck_assert_double_eq_tol(found.log_z, 1.5 * log(2 * M_PI), 1e-11);
    ck_assert_double_eq_tol(found.mean_energy, 1.5, 1e-10);
    erg_quadrature_options there = {.center_z = 5, .half_width = 7.5, .points = 40, .tail = 1e-9};
    found = integrate_in(3, (erg_energy){high, &one}, there);
    ck_assert_double_eq_tol(found.log_z, 1.5 * log(2 * M_PI), 1e-10);
    ck_assert_double_eq(found.half_width, 7.5);
}
END_TEST

START_TEST(quadrature_names_the_place_in_other_dimensions) {
    erg_graph *g = erg_graph_new(0);
    erg_quadrature result;
    erg_evaluator *line =
        erg_evaluator_new(g, (erg_energy){logarithm, NULL}, ERG_FLOAT64, ERG_SHAPE(1), 0);
    erg_evaluator *space =
        erg_evaluator_new(g, (erg_energy){logarithm, NULL}, ERG_FLOAT64, ERG_SHAPE(3), 0);
    erg_quadrature_options tiny = {.points = 4};
    FAILS("at -3 is NaN", erg_quadrature_1d(line, tiny, &result));
    FAILS("at (-3, -3, -3) is NaN", erg_quadrature_3d(space, tiny, &result));
    FAILS("2 to 250", erg_quadrature_3d(space, (erg_quadrature_options){.points = 251}, &result));
    erg_evaluator_free(line);
    erg_evaluator_free(space);
    erg_graph_free(g);
}
END_TEST

/* Planted: another energy, a box that cuts the tail, cells wider than the density. */
START_TEST(quadrature_mistakes_show) {
    erg_quadrature found;
    ck_assert_int_eq(integrate((erg_energy){gaussian, correlated_more}, known[0].options, &found),
                     0);
    ck_assert(!is_known(0, found));
    erg_quadrature_options cut = {.half_width = 4, .tail = 1};
    ck_assert_int_eq(integrate(known[1].energy, cut, &found), 0);
    ck_assert(!is_known(1, found));
    ck_assert_double_eq(found.half_width, 4);
    erg_quadrature_options coarse = {.half_width = 14, .points = 9};
    ck_assert_int_eq(integrate(known[0].energy, coarse, &found), 0);
    ck_assert(!is_known(0, found));
}
END_TEST

/* The area of a disk of radius 1 is pi; cells at its edge are in or out. */
START_TEST(quadrature_takes_hard_walls) {
    double square = 1;
    erg_quadrature found;
    ck_assert_int_eq(integrate((erg_energy){disk, &square},
                               (erg_quadrature_options){.half_width = 1.5, .points = 600}, &found),
                     ERG_OK);
    ck_assert_double_eq_tol(exp(found.log_z), M_PI, 1e-2);
    ck_assert_double_eq(found.mean_energy, 0);
}
END_TEST

/* Float32 energies integrate to float32's precision. */
START_TEST(quadrature_takes_float32) {
    erg_graph *g = erg_graph_new(0);
    erg_evaluator *evaluator =
        erg_evaluator_new(g, (erg_energy){gaussian, correlated}, ERG_FLOAT32, ERG_SHAPE(2), 100);
    erg_quadrature found;
    ck_assert_int_eq(erg_quadrature_2d(evaluator,
                                       (erg_quadrature_options){.points = 60, .half_width = 8},
                                       &found),
                     ERG_OK);
    ck_assert_double_eq_tol(found.log_z, 2.085225187327399, 1e-5);
    erg_evaluator_free(evaluator);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- refusals */

static const struct {
    erg_energy energy;
    const char *message;
} improper[] = {
    {{constant, &zero}, "does not grow enough"},
    {{constant, &slope}, "does not grow enough"},
    {{inverted, &one}, "does not grow enough"},
    {{logarithm, NULL}, "is NaN"},
    {{well, NULL}, "is -infinity"},
    {{disk, &nothing}, "infinite everywhere"},
};

START_TEST(quadrature_refuses_improper_energies) {
    erg_quadrature untouched = {.log_z = 7};
    FAILS(improper[_i].message,
          integrate(improper[_i].energy, (erg_quadrature_options){.points = 40}, &untouched));
    ck_assert_double_eq(untouched.log_z, 7);
}
END_TEST

START_TEST(quadrature_refuses_misuse) {
    const erg_quadrature_options bad[] = {
        {.half_width = -1}, {.half_width = NAN}, {.half_width = INFINITY}, {.half_width = 1e307},
        {.points = 1},      {.points = -5},      {.points = 4001},         {.tail = -1},
        {.tail = NAN},      {.center_x = NAN},   {.center_y = INFINITY},
    };
    const erg_energy energy = {gaussian, correlated};
    erg_quadrature result;
    for (int i = 0; i < COUNT(bad); i++)
        FAILS("quadrature: ", integrate(energy, bad[i], &result));
    FAILS("no result", integrate(energy, (erg_quadrature_options){0}, NULL));
    FAILS("no evaluator", erg_quadrature_2d(NULL, (erg_quadrature_options){0}, &result));
    double stiffness = 1;
    erg_graph *g = erg_graph_new(0);
    erg_evaluator *three = erg_evaluator_new(g, (erg_energy){erg_harmonic_energy, &stiffness},
                                             ERG_FLOAT64, ERG_SHAPE(3), 0);
    FAILS("(1024, 3)", erg_quadrature_2d(three, (erg_quadrature_options){0}, &result));
    erg_evaluator_free(three);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("quadrature");
    TCase *quadrature = tcase_create("quadrature");
    tcase_add_loop_test(quadrature, quadrature_finds_closed_forms, 0, COUNT(known));
    tcase_add_test(quadrature, quadrature_finds_closed_forms_in_other_dimensions);
    tcase_add_test(quadrature, quadrature_names_the_place_in_other_dimensions);
    tcase_add_test(quadrature, quadrature_mistakes_show);
    tcase_add_test(quadrature, quadrature_takes_hard_walls);
    tcase_add_test(quadrature, quadrature_takes_float32);
    tcase_add_loop_test(quadrature, quadrature_refuses_improper_energies, 0, COUNT(improper));
    tcase_add_test(quadrature, quadrature_refuses_misuse);
    suite_add_tcase(suite, quadrature);
    return run_suite(suite);
}

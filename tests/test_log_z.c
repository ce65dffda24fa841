/* test_log_z.c: partition functions without chance: sums over all states, and Kaufman's formula. */
#include "log_z.h"

/* ------------------------------------------------------------------------------- enumeration */

static const double bits[] = {0, 1}, spins[] = {-1, 1};

static erg_enumeration enumerate(erg_graph *g, erg_energy energy, erg_shape sample,
                                 const double *values, int q) {
    erg_evaluator *evaluator = erg_evaluator_new(g, energy, ERG_FLOAT64, sample, 0);
    ck_assert_msg(evaluator != NULL, "%s", erg_error_message());
    erg_enumeration found;
    ck_assert_msg(erg_enumerate(evaluator, sample, values, q, &found) == ERG_OK, "%s",
                  erg_error_message());
    erg_evaluator_free(evaluator);
    return found;
}

START_TEST(enumeration_sums_all_states) {
    erg_graph *g = erg_graph_new(0);
    erg_rbm rbm = known_rbm(g);
    erg_enumeration found = enumerate(g, (erg_energy){erg_rbm_energy, &rbm}, ERG_SHAPE(3), bits, 2);
    ck_assert_double_eq_tol(found.log_z, rbm_log_z, 1e-13);
    ck_assert_int_eq(found.states, 8);
    erg_lattice torus = {.coupling = number_input(g, 0.4)};
    found = enumerate(g, (erg_energy){erg_ising_energy, &torus}, ERG_SHAPE(4, 4), spins, 2);
    ck_assert_double_eq_tol(found.log_z, 14.561093023844043, 1e-12);
    ck_assert_double_eq_tol(found.mean_energy, -1.3791164822593486 * 16 * 0.4, 1e-11);
    /* Potts with three states on a ring of four: transfer matrix, (e^J + 2)^4 + 2 (e^J - 1)^4. */
    torus.coupling = number_input(g, 0.7);
    found = enumerate(g, (erg_energy){erg_potts_energy, &torus}, ERG_SHAPE(4, 3), NULL, 3);
    double z = pow(exp(0.7) + 2, 4) + 2 * pow(exp(0.7) - 1, 4);
    ck_assert_double_eq_tol(found.log_z, log(z), 1e-13);
    ck_assert_int_eq(found.states, 81);
    erg_graph_free(g);
}
END_TEST

START_TEST(enumeration_refuses_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_evaluator *e =
        erg_evaluator_new(g, (erg_energy){nothing, NULL}, ERG_FLOAT64, ERG_SHAPE(3), 0);
    erg_evaluator *bad =
        erg_evaluator_new(g, (erg_energy){nan_energy, NULL}, ERG_FLOAT64, ERG_SHAPE(3), 0);
    erg_enumeration r;
    FAILS("no result", erg_enumerate(e, ERG_SHAPE(3), bits, 2, NULL));
    FAILS("0 values", erg_enumerate(e, ERG_SHAPE(3), bits, 0, &r));
    FAILS("one-hot", erg_enumerate(e, ERG_SHAPE(3), NULL, 2, &r));
    FAILS("(0)", erg_enumerate(e, ERG_SHAPE(0), bits, 2, &r));
    FAILS("more than 2^26", erg_enumerate(e, ERG_SHAPE(27), bits, 2, &r));
    FAILS("(16, 4)", erg_enumerate(e, ERG_SHAPE(4), bits, 2, &r));
    FAILS("is NaN", erg_enumerate(bad, ERG_SHAPE(3), bits, 2, &r));
    FAILS("no evaluator", erg_enumerate(NULL, ERG_SHAPE(3), bits, 2, &r));
    erg_evaluator_free(e);
    erg_evaluator_free(bad);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- Kaufman */

static const struct {
    int size;
    double k, log_z, tolerance;
} tori[] = {
    {4, 0.1, 11.2525884516, 1e-10},       {4, 0.2, 11.771470358541582, 1e-13},
    {4, 0.4, 14.561093023844043, 1e-13},  {4, K_CRITICAL, 15.521915458755283, 1e-13},
    {4, 0.5, 17.105367118731583, 1e-13},  {4, 0.6, 20.0565328843, 1e-10},
    {10, 0.1, 70.32312423, 1e-8},         {10, 0.2, 73.45309780, 1e-8},
    {10, K_CRITICAL, 93.61030051, 1e-8},  {10, 0.5, 103.27297542, 1e-8},
    {10, 0.6, 121.70638997, 1e-8},        {25, 0.1, 439.51952643, 1e-8},
    {25, 0.2, 459.08175767, 1e-8},        {25, K_CRITICAL, 581.69966683, 1e-8},
    {25, 0.5, 641.81365895, 1e-8},        {25, 0.6, 757.02588986, 1e-8},
    {4, -0.4, 14.561093023844043, 1e-13}, {4, 0, 11.090354888959125, 1e-14},
};

START_TEST(kaufman_is_exact) {
    double found = erg_ising_torus_log_z(tori[_i].size, tori[_i].size, tori[_i].k);
    ck_assert_double_eq_tol(found, tori[_i].log_z, tori[_i].tolerance * tori[_i].log_z);
}
END_TEST

/* Rows and columns that differ, and odd ones, against all states. */
START_TEST(kaufman_agrees_with_enumeration) {
    erg_graph *g = erg_graph_new(0);
    for (int rows = 3; rows <= 5; rows++) {
        double k = 0.15 * rows;
        erg_lattice torus = {.coupling = number_input(g, k)};
        erg_enumeration all =
            enumerate(g, (erg_energy){erg_ising_energy, &torus}, ERG_SHAPE(rows, 3), spins, 2);
        ck_assert_double_eq_tol(erg_ising_torus_log_z(rows, 3, k), all.log_z, 1e-12);
        ck_assert_double_eq_tol(erg_ising_torus_log_z(3, rows, k), all.log_z, 1e-12);
    }
    erg_graph_free(g);
    ck_assert(isnan(erg_ising_torus_log_z(2, 4, 0.1)) && isnan(erg_ising_torus_log_z(4, 3, -0.1)));
    ck_assert(isnan(erg_ising_torus_log_z(4, 4, NAN)) &&
              strstr(erg_error_message(), "ising_torus_log_z"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("log_z");
    TCase *exact = tcase_create("exact");
    tcase_add_test(exact, enumeration_sums_all_states);
    tcase_add_test(exact, enumeration_refuses_misuse);
    tcase_add_loop_test(exact, kaufman_is_exact, 0, COUNT(tori));
    tcase_add_test(exact, kaufman_agrees_with_enumeration);
    suite_add_tcase(suite, exact);
    return run_suite(suite);
}

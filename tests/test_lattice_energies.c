/* test_lattice_energies.c: the Ising and the Potts energy: bonds and fields counted by hand, log Z
 * from all states against closed forms and known answers. */
#include "models.h"

/* log Z and its derivative by the coupling, from all states. */
static double log_z_of_ising(erg_graph *g, erg_lattice lattice, int64_t rows, int64_t columns,
                             double *derivative) {
    erg_node *all = states(g, (int)(rows * columns), -1, 1);
    int64_t count = (int64_t)1 << (rows * columns);
    erg_node *s = ERG_RESHAPE(all, count, rows, columns);
    erg_node *log_z = erg_logsumexp(erg_neg(apply(erg_ising_energy, &lattice, s)), ERG_ALL, 0);
    if (derivative)
        *derivative = number_of(erg_gradient(log_z, lattice.coupling));
    return number_of(log_z);
}

static const struct {
    double coupling, log_z, energy; /* per site */
} tori[] = {
    {.2, 11.771470358541582, -.45613536954284717},
    {.4, 14.561093023844043, -1.3791164822593486},
    {0.44068679350977151, 15.521915458755283, -1.5656237876383186},
    {.5, 17.105367118731583, -1.7553802887774352},
};

START_TEST(ising_torus_has_known_answers) {
    erg_graph *g = erg_graph_new(13);
    erg_lattice lattice = {.coupling = number_input(g, tori[_i].coupling)};
    double bonds, log_z = log_z_of_ising(g, lattice, 4, 4, &bonds);
    ck_assert_double_eq_tol(log_z, tori[_i].log_z, 1e-12);
    ck_assert_double_eq_tol(-bonds / 16, tori[_i].energy, 1e-12);
    erg_graph_free(g);
}
END_TEST

/* Ring: (2 cosh J)^N + (2 sinh J)^N; open chain: 2 (2 cosh J)^(N - 1), and with a field and no
 * coupling (2 cosh h)^N. */
START_TEST(ising_chains_have_closed_forms) {
    const double j = 0.5, h = 0.3;
    erg_graph *g = erg_graph_new(14);
    erg_node *coupling = number_input(g, j), *field = number_input(g, h);
    double log_z = log_z_of_ising(g, (erg_lattice){.coupling = coupling}, 1, 8, NULL);
    ck_assert_double_eq_tol(log_z, 6.5081711172776463, 1e-13);
    ck_assert_double_eq_tol(log_z, log(pow(2 * cosh(j), 8) + pow(2 * sinh(j), 8)), 1e-13);
    log_z = log_z_of_ising(g, (erg_lattice){.coupling = coupling, .open = 1}, 8, 1, NULL);
    ck_assert_double_eq_tol(log_z, log(2) + 7 * log(2 * cosh(j)), 1e-13);
    erg_lattice free_spins = {.coupling = number_input(g, 0), .field = field};
    ck_assert_double_eq_tol(log_z_of_ising(g, free_spins, 2, 3, NULL), 6 * log(2 * cosh(h)), 1e-13);
    /* A field up means that up is low in energy. */
    erg_node *up = erg_full(g, ERG_FLOAT64, ERG_SHAPE(1, 5), 1);
    ck_assert_double_eq_tol(number_of(apply(erg_ising_energy, &free_spins, up)), -5 * h, 1e-15);
    erg_graph_free(g);
}
END_TEST

static const struct {
    erg_shape sites;
    int open, bonds;
} lattices[] = {
    {{2, {4, 4}}, 0, 32}, {{2, {4, 4}}, 1, 24}, {{3, {3, 3, 3}}, 0, 81}, {{3, {3, 3, 3}}, 1, 54},
    {{1, {1}}, 0, 0},     {{1, {2}}, 0, 1},     {{1, {2}}, 1, 1},        {{1, {3}}, 0, 3},
    {{2, {2, 2}}, 0, 4},  {{2, {3, 4}}, 1, 17}, {{2, {1, 5}}, 0, 5},     {{4, {3, 2, 1, 2}}, 0, 24},
};

/* With all spins up every bond gives -J; flipping one spin turns the sign of its bonds alone. Potts
 * has the same bonds. */
START_TEST(lattice_has_its_bonds) {
    erg_graph *g = erg_graph_new(15);
    erg_lattice lattice = {.coupling = number_input(g, 0.5), .open = lattices[_i].open};
    erg_shape sites = lattices[_i].sites, shape = {.ndim = sites.ndim + 1, .dims = {1}};
    for (int i = 0; i < sites.ndim; i++)
        shape.dims[i + 1] = sites.dims[i];
    erg_node *s = erg_full(g, ERG_FLOAT64, shape, 1);
    ck_assert_double_eq(number_of(apply(erg_ising_energy, &lattice, s)), -0.5 * lattices[_i].bonds);
    shape.dims[shape.ndim++] = 1; /* one state: all agree */
    s = erg_full(g, ERG_FLOAT64, shape, 1);
    ck_assert_double_eq(number_of(apply(erg_potts_energy, &lattice, s)), -0.5 * lattices[_i].bonds);
    erg_graph_free(g);
}
END_TEST

/* A 2 x 3 torus by hand: sites 0 1 2 / 3 4 5. */
START_TEST(ising_knows_its_neighbours) {
    const int bonds[][2] = {{0, 1}, {1, 2}, {2, 0}, {3, 4}, {4, 5}, {5, 3}, {0, 3}, {1, 4}, {2, 5}};
    erg_graph *g = erg_graph_new(16);
    const double field[] = {0.1, -0.2, 0.3, 0.4, -0.5, 0.6};
    erg_lattice lattice = {number_input(g, -0.7), input_of(g, ERG_SHAPE(2, 3), field), 0};
    erg_node *s = ERG_RESHAPE(states(g, 6, -1, 1), 64, 2, 3);
    double *values = elements_of(apply(erg_ising_energy, &lattice, s)), *spin = elements_of(s);
    for (int k = 0; k < 64; k++) {
        double e = 0;
        for (int i = 0; i < COUNT(bonds); i++)
            e += 0.7 * spin[6 * k + bonds[i][0]] * spin[6 * k + bonds[i][1]];
        for (int i = 0; i < 6; i++)
            e -= field[i] * spin[6 * k + i];
        ck_assert_double_eq_tol(values[k], e, 1e-14);
    }
    free(values);
    free(spin);
    erg_graph_free(g);
}
END_TEST

/* The Potts ring has Z = (exp(J) + Q - 1)^N + (Q - 1) (exp(J) - 1)^N. */
START_TEST(potts_ring_has_its_closed_form) {
    const int q = 3, n = 4, count = 81;
    const double j = 0.8, h = 0.4;
    erg_graph *g = erg_graph_new(17);
    erg_node *index = erg_input(g, NULL, ERG_INT32, ERG_SHAPE(count, n));
    for (int i = 0; i < count; i++)
        for (int site = 0, rest = i; site < n; site++, rest /= q)
            erg_tensor_set(erg_value(index), i * n + site, rest % q);
    erg_node *s = erg_one_hot(index, q, ERG_FLOAT64);
    erg_lattice ring = {.coupling = number_input(g, j)};
    double log_z = number_of(erg_logsumexp(erg_neg(apply(erg_potts_energy, &ring, s)), ERG_ALL, 0));
    ck_assert_double_eq_tol(log_z, log(pow(exp(j) + 2, n) + 2 * pow(exp(j) - 1, n)), 1e-13);
    /* A field for state 1, no coupling: (2 + exp(h))^N. */
    erg_lattice free_sites = {.coupling = number_input(g, 0),
                              .field = input_of(g, ERG_SHAPE(3), (double[]){0, h, 0})};
    log_z = number_of(erg_logsumexp(erg_neg(apply(erg_potts_energy, &free_sites, s)), ERG_ALL, 0));
    ck_assert_double_eq_tol(log_z, n * log(2 + exp(h)), 1e-13);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("lattice_energies");
    TCase *spins = tcase_create("lattices");
    tcase_add_loop_test(spins, ising_torus_has_known_answers, 0, COUNT(tori));
    tcase_add_test(spins, ising_chains_have_closed_forms);
    tcase_add_loop_test(spins, lattice_has_its_bonds, 0, COUNT(lattices));
    tcase_add_test(spins, ising_knows_its_neighbours);
    tcase_add_test(spins, potts_ring_has_its_closed_form);
    suite_add_tcase(suite, spins);
    return run_suite(suite);
}

/* test_lattices.c: samplers of discrete states on closed lattices, in the long run: averages that are
 * known from all states or from transfer matrices. */
#include "discrete_kernels.h"
#include "enumerate.h"

static erg_discrete_step flips_16(erg_energy energy, erg_node *x, erg_sites kind) {
    return erg_metropolis_flips(energy, x, (erg_flips_options){.sites = kind, .proposals = 16});
}

static erg_discrete_step gradients_16(erg_energy energy, erg_node *x, erg_sites kind) {
    return erg_gibbs_with_gradients(energy, x, (erg_flips_options){.sites = kind, .proposals = 16});
}

static erg_discrete_step random_sweep(erg_energy energy, erg_node *x, erg_sites kind) {
    return erg_gibbs(energy, x, (erg_gibbs_options){.sites = kind, .scan = ERG_SCAN_RANDOM});
}

static erg_discrete_step checkerboard(erg_energy energy, erg_node *x, erg_sites kind) {
    erg_shape shape = erg_node_shape(x),
              sites = {.ndim = 2, .dims = {shape.dims[1], shape.dims[2]}};
    erg_node *blocks[2];
    for (int colour = 0; colour < 2; colour++)
        blocks[colour] = erg_checkerboard(erg_node_graph(x), erg_node_dtype(x), sites, colour);
    return erg_block_gibbs(energy, x, blocks, 2, kind);
}

/* Closed lattices at coupling 0.4, energies in units of it; 4 x 4: known to all digits. The 3 x 3
 * Ising and the Potts lattice are enumerated. */
static const struct {
    const char *name;
    discrete_kernel step;
    int rows, columns, states; /* states 2: Ising */
    double mean;               /* of the energy; NAN: enumerate */
    int transitions;
    bool right;
} lattices[] = {
    {"raster", raster_step, 3, 3, 2, NAN, 60, true},
    {"random", random_sweep, 3, 3, 2, NAN, 80, true},
    {"Metropolis", flips_16, 3, 3, 2, NAN, 80, true},
    {"with gradients", gradients_16, 3, 3, 2, NAN, 60, true},
    {"Langevin", langevin_step, 3, 3, 2, NAN, 200, true},
    {"checkerboard", checkerboard, 4, 4, 2, 16 * -1.3791164822593486, 150, true},
    {"odd checkerboard", checkerboard, 3, 3, 2, NAN, 60, false},
    {"uncorrected", uncorrected_step, 3, 3, 2, NAN, 200, false},
    {"Potts raster", raster_step, 2, 3, 3, NAN, 40, true},
    {"Potts with gradients", gradients_16, 2, 3, 3, NAN, 30, true},
    {"Potts Langevin", langevin_step, 2, 3, 3, NAN, 200, true},
    {"Potts checkerboard", checkerboard, 2, 4, 3, NAN, 60, true},
};

static const double COUPLING = 0.4;

static erg_energy lattice_energy(erg_graph *graph, erg_lattice *lattice, space s) {
    lattice->coupling = erg_scalar(graph, ERG_FLOAT64, COUPLING);
    return (erg_energy){s.kind == ERG_SPINS ? erg_ising_energy : erg_potts_energy, lattice};
}

static erg_shape lattice_shape(int i, space s, int64_t rows) {
    if (s.kind == ERG_SPINS)
        return ERG_SHAPE(rows, lattices[i].rows, lattices[i].columns);
    return ERG_SHAPE(rows, lattices[i].rows, lattices[i].columns, s.states);
}

static double exact_mean(int i, space s) {
    erg_graph *g = erg_graph_new(0);
    erg_lattice lattice = {0};
    erg_energy energy = lattice_energy(g, &lattice, s);
    erg_node *x = input_of(g, lattice_shape(i, s, s.size), NULL);
    for (int state = 0; state < s.size; state++)
        put_state(s, erg_value(x), state, state);
    double *e = elements_of(erg_energy_apply(energy, x)), z = 0, sum = 0;
    for (int state = 0; state < s.size; state++) {
        z += exp(-e[state]);
        sum += e[state] * exp(-e[state]);
    }
    free(e);
    erg_graph_free(g);
    return sum / z / COUPLING;
}

/* z of the mean energy of chains that start all up. */
START_TEST(lattices_have_their_energy) {
    const int64_t chains = 2000;
    int states = lattices[_i].states;
    space s = space_of(states == 2 ? ERG_SPINS : ERG_ONE_HOT,
                       lattices[_i].rows * lattices[_i].columns, states);
    erg_graph *g = erg_graph_new(50);
    erg_lattice lattice = {0};
    erg_energy energy = lattice_energy(g, &lattice, s);
    erg_node *x = input_of(g, lattice_shape(_i, s, chains), NULL);
    for (int64_t row = 0; row < chains; row++)
        put_state(s, erg_value(x), row, s.size - 1);
    erg_chain *chain = erg_chain_new(x, lattices[_i].step(energy, x, s.kind).next);
    ck_assert_msg(chain != NULL, "%s", erg_error_message());
    ck_assert_int_eq(erg_chain_run(chain, lattices[_i].transitions), ERG_OK);
    double *e = elements_of(erg_energy_apply(energy, x)), sum = 0, squares = 0, n = (double)chains;
    for (int64_t row = 0; row < chains; row++) {
        sum += e[row] / COUPLING;
        squares += e[row] * e[row] / COUPLING / COUPLING;
    }
    double known = lattices[_i].mean, mean = isnan(known) ? exact_mean(_i, s) : known;
    double z = (sum / n - mean) / sqrt((squares / n - sum * sum / n / n) / n);
    ck_assert_msg((fabs(z) < CRITICAL_Z) == lattices[_i].right, "%s: %g, not %g: z = %g",
                  lattices[_i].name, sum / n, mean, z);
    free(e);
    erg_chain_free(chain);
    erg_graph_free(g);
}
END_TEST

/* Closed square lattices: the mean product of neighbours, and of the magnetisation m the mean |m| and
 * m^2, exactly; NAN: not known here. */
static const struct {
    int64_t side;
    double coupling, edge, magnetisation, square;
    int64_t sweeps;
} tori[] = {
    {4, 0.2, NAN, 0.3427656275275899, 0.1751994780928021, 40},
    {4, 0.4, NAN, 0.76471239322168283, 0.65482575693664239, 150},
    {10, 0.1, 0.101689, NAN, NAN, 30},
    {10, 0.2, 0.214120, NAN, NAN, 60},
    {10, 0.5, 0.872716, NAN, NAN, 150},
    {10, 0.6, 0.954542, NAN, NAN, 100},
    {32, 0.5, 1.74556453457034 / 2, NAN, NAN, 150},
};

static double z_of_mean(const double *numbers, int64_t n, double mean) {
    double sum = 0, squares = 0, count = (double)n;
    for (int64_t i = 0; i < n; i++) {
        sum += numbers[i];
        squares += numbers[i] * numbers[i];
    }
    return (sum / count - mean) / sqrt((squares / count - sum * sum / count / count) / count);
}

/* Chains start all up. Planted: a coupling that is a quarter greater. */
START_TEST(tori_have_their_averages) {
    const int64_t side = tori[_i].side, spins = side * side;
    const int64_t chains = side > 10 ? draws(300, 50) : draws(2000, 400);
    double *numbers = calloc((size_t)(3 * chains), sizeof *numbers);
    for (int planted = 0; planted <= draws(1, 0); planted++) {
        erg_graph *g = erg_graph_new(60);
        const double coupling = tori[_i].coupling * (planted ? 1.25 : 1);
        erg_lattice lattice = {.coupling = erg_scalar(g, ERG_FLOAT32, coupling)};
        erg_energy energy = {erg_ising_energy, &lattice};
        erg_node *x = erg_input(g, NULL, ERG_FLOAT32, ERG_SHAPE(chains, side, side));
        erg_tensor_fill(erg_value(x), 1);
        erg_chain *chain = erg_chain_new(x, checkerboard(energy, x, ERG_SPINS).next);
        ck_assert_msg(chain != NULL, "%s", erg_error_message());
        ck_assert_int_eq(erg_chain_run(chain, tori[_i].sweeps), ERG_OK);
        double *e = elements_of(erg_energy_apply(energy, x));
        for (int64_t b = 0; b < chains; b++) {
            double m = 0;
            for (int64_t i = 0; i < spins; i++)
                m += erg_tensor_get(erg_value(x), b * spins + i) / (double)spins;
            numbers[b] = -e[b] / coupling / (double)(2 * spins);
            numbers[chains + b] = fabs(m);
            numbers[2 * chains + b] = m * m;
        }
        const double known[] = {tori[_i].edge, tori[_i].magnetisation, tori[_i].square};
        for (int k = 0; k < COUNT(known); k++) {
            double z = isnan(known[k]) ? 0 : z_of_mean(numbers + k * chains, chains, known[k]);
            if (!isnan(known[k]))
                ck_assert_msg((fabs(z) < CRITICAL_Z) == !planted, "average %d: z = %g", k, z);
        }
        free(e);
        erg_chain_free(chain);
        erg_graph_free(g);
    }
    free(numbers);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("lattices");
    TCase *laws = tcase_create("laws");
    tcase_add_loop_test(laws, lattices_have_their_energy, 0, COUNT(lattices));
    tcase_add_loop_test(laws, tori_have_their_averages, 0, COUNT(tori));
    suite_add_tcase(suite, laws);
    return run_suite(suite);
}

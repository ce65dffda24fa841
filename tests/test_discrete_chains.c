/* test_discrete_chains.c: samplers of discrete states in the long run: Boltzmann machines, latent
 * variables, forbidden states; reproducibility and refusals. */
#include "discrete_kernels.h"
#include "enumerate.h"

static const discrete_kernel all_kernels[] = {raster_step,    random_step,   metropolis_step,
                                              gradients_step, langevin_step, uncorrected_step,
                                              block_step};

/* ------------------------------------------------------------------------------- machines */

/* The machine of 3 visible and 2 hidden units whose averages are known. */
static erg_rbm *small_machine(erg_graph *graph) {
    const double weight[] = {-0.5, 0.25, 0, -0.5, 0.5, 0}, visible[] = {-0.125, 0, 0.125};
    const double hidden[] = {0.25, -0.25};
    erg_rbm *rbm = erg_rbm_new(graph, "m", 3, 2, (erg_rbm_options){.dtype = ERG_FLOAT64});
    for (int i = 0; i < 6; i++)
        erg_tensor_set(erg_value(rbm->weight), i, weight[i]);
    for (int i = 0; i < 3; i++)
        erg_tensor_set(erg_value(rbm->visible_bias), i, visible[i]);
    for (int i = 0; i < 2; i++)
        erg_tensor_set(erg_value(rbm->hidden_bias), i, hidden[i]);
    return rbm;
}

/* Probability of a state of bits, from those of ones. */
static double product(space s, const double *p, int state) {
    double result = 1;
    for (int i = 0; i < s.sites; i++)
        result *= digit(s, state, i) ? p[i] : 1 - p[i];
    return result;
}

/* P(v, v') = sum_h p(h | v) p(v' | h); with a mistake, p(v' | h) from the h of p(h | 1 - v). */
static void machine_matrix(erg_rbm *rbm, erg_graph *g, bool mistake, matrix p) {
    space v = space_of(ERG_BITS, 3, 2), h = space_of(ERG_BITS, 2, 2);
    double *hidden = elements_of(erg_rbm_hidden(rbm, all_states(g, ERG_FLOAT64, v, 1)));
    double *visible = elements_of(erg_rbm_visible(rbm, all_states(g, ERG_FLOAT64, h, 1)));
    memset(p, 0, sizeof(matrix));
    for (int i = 0; i < v.size; i++)
        for (int k = 0; k < h.size; k++)
            for (int j = 0; j < v.size; j++)
                p[i][j] += product(h, hidden + 2 * (mistake ? v.size - 1 - i : i), k) *
                           product(v, visible + 3 * k, j);
    free(hidden);
    free(visible);
}

START_TEST(machines_leave_p_alone) {
    space v = space_of(ERG_BITS, 3, 2);
    erg_graph *g = erg_graph_new(51);
    erg_rbm *rbm = small_machine(g);
    double pi[MOST_STATES], mean = 0;
    matrix p, planted, squared, counts = {{0}};
    probabilities(g, (erg_energy){erg_rbm_energy, rbm}, v, pi);
    for (int i = 4; i < 8; i++)
        mean += pi[i];
    ck_assert_double_eq_tol(mean, 0.42364539131004355, 1e-12);
    machine_matrix(rbm, g, false, p);
    machine_matrix(rbm, g, true, planted);
    ck_assert_double_lt(drift_of(8, pi, p), 1e-12);
    ck_assert_double_lt(imbalance_of(8, pi, p), 1e-12);
    ck_assert_double_gt(drift_of(8, pi, planted), 1e-3);

    const int times = 1000;
    const int64_t rounds = 10;
    erg_plan *plan =
        erg_compile((erg_node *[]){erg_rbm_gibbs(rbm, all_states(g, ERG_FLOAT64, v, times), 2)}, 1);
    for (int64_t k = 0; k < rounds; k++) {
        erg_run(plan);
        for (int row = 0; row < 8 * times; row++)
            counts[row / times][get_state(v, erg_output(plan, 0), row)]++;
    }
    multiply(8, p, p, squared);
    ck_assert_double_lt(misfit_of(8, counts, squared, (double)(times * rounds)), 1);
    ck_assert_double_gt(misfit_of(8, counts, planted, (double)(times * rounds)), 1);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- latent variables */

static erg_node *by_gibbs(void *self, erg_energy energy, erg_node *state) {
    (void)self;
    return erg_gibbs(energy, state, (erg_gibbs_options){0}).next;
}

static erg_node *by_flips(void *self, erg_energy energy, erg_node *state) {
    return erg_metropolis_flips(energy, state, *(erg_flips_options *)self).next;
}

static erg_node *forgetful(void *self, erg_energy energy, erg_node *state) {
    (void)self, (void)energy;
    return erg_bernoulli(erg_full_like(state, 0.5));
}

/* Chi-squared of (x, z) after some turns, over its critical value. */
static double latent_misfit(erg_latent_move move_x, erg_latent_move move_z) {
    const int64_t chains = draws(20000, 4000);
    space x_space = space_of(ERG_BITS, 3, 2), z_space = space_of(ERG_BITS, 2, 2);
    erg_graph *g = erg_graph_new(52);
    erg_rbm *rbm = small_machine(g);
    erg_node *x = input_of(g, ERG_SHAPE(chains, 3), NULL);
    erg_node *z = input_of(g, ERG_SHAPE(chains, 2), NULL);
    erg_latent_states next = erg_latent_gibbs((erg_pair_energy){erg_rbm_joint_energy, rbm},
                                              (erg_latent_states){x, z}, move_x, move_z);
    erg_node *turn = erg_group((erg_node *[]){erg_assign(x, next.x), erg_assign(z, next.z)}, 2);
    erg_plan *plan = erg_compile(&turn, 1);
    erg_run_n(plan, 30);
    double counts[32] = {0}, chi2 = 0, log_z = number_of(erg_rbm_log_z(rbm));
    for (int64_t row = 0; row < chains; row++)
        counts[4 * get_state(x_space, erg_value(x), row) + get_state(z_space, erg_value(z), row)]++;
    for (int i = 0; i < 32; i++) {
        put_state(x_space, erg_value(x), i, i / 4);
        put_state(z_space, erg_value(z), i, i % 4);
    }
    double *e = elements_of(erg_rbm_joint_energy(rbm, x, z));
    for (int i = 0; i < 32; i++) {
        double expected = (double)chains * exp(-e[i] - log_z);
        chi2 += pow(counts[i] - expected, 2) / expected;
    }
    free(e);
    erg_plan_free(plan);
    erg_graph_free(g);
    return chi2 / critical_chi2(31);
}

START_TEST(latent_gibbs_samples_both) {
    erg_flips_options three = {.proposals = 3};
    erg_latent_move gibbs = {by_gibbs, NULL}, flips = {by_flips, &three}, lost = {forgetful, NULL};
    ck_assert_double_lt(latent_misfit(gibbs, gibbs), 1);
    ck_assert_double_lt(latent_misfit(flips, gibbs), 1);
    ck_assert_double_lt(latent_misfit(flips, flips), 1);
    ck_assert_double_gt(latent_misfit(gibbs, lost), 1);
}
END_TEST

/* ------------------------------------------------------------------------------- forbidden states */

/* sum of x, but NaN, infinite or -infinite where x_0 and x_1, x_2 or x_3 are 1. */
static erg_node *holed(void *self, erg_node *x) {
    erg_node *e = erg_mul_scalar(erg_sum(x, ERG_AXES(1), 0), 0.5), *first = erg_select(x, 1, 0);
    const double holes[] = {NAN, INFINITY, -INFINITY};
    (void)self;
    for (int i = 0; i < 3; i++)
        e = erg_where(erg_mul(first, erg_select(x, 1, i + 1)), erg_full_like(e, holes[i]), e);
    return e;
}

START_TEST(forbidden_states_are_never_entered) {
    const int64_t chains = draws(4000, 1000);
    space s = space_of(ERG_BITS, 4, 2);
    erg_graph *g = erg_graph_new(53);
    erg_energy energy = {holed, NULL};
    double pi[MOST_STATES], counts[16] = {0}, chi2 = 0, met = 0;
    probabilities(g, energy, s, pi);
    erg_node *x = input_of(g, ERG_SHAPE(chains, 4), NULL);
    erg_discrete_step step = all_kernels[_i](energy, x, s.kind);
    erg_plan *plan = erg_compile((erg_node *[]){step.not_finite, erg_assign(x, step.next)}, 2);
    for (int k = 0; k < 60; k++) {
        erg_run(plan);
        for (int64_t row = 0; row < chains; row++)
            met += erg_tensor_get(erg_output(plan, 0), row);
    }
    for (int64_t row = 0; row < chains; row++)
        counts[get_state(s, erg_value(x), row)]++;
    ck_assert_double_gt(met, 100);
    for (int i = 0; i < 16; i++) {
        double expected = pi[i] * (double)chains;
        if (pi[i] == 0)
            ck_assert_double_eq(counts[i], 0);
        else
            chi2 += pow(counts[i] - expected, 2) / expected;
    }
    bool exact = all_kernels[_i] != uncorrected_step;
    if (exact)
        ck_assert_double_lt(chi2, critical_chi2(8));
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* A chain that was put where it must not be gets out by Gibbs, and says so. */
START_TEST(gibbs_leaves_forbidden_states) {
    erg_graph *g = erg_graph_new(54);
    erg_node *x = input_of(g, ERG_SHAPE(1, 4), (double[]){1, 1, 0, 0});
    erg_discrete_step step = raster_step((erg_energy){holed, NULL}, x, ERG_BITS);
    ck_assert_double_gt(number_of(step.not_finite), 0);
    double *next = elements_of(step.next);
    ck_assert(next[0] == 0 || next[1] + next[2] + next[3] == 0);
    free(next);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- one site */

START_TEST(gibbs_updates_the_site_of_the_run) {
    erg_graph *g = erg_graph_new(55);
    erg_lattice lattice = {.coupling = erg_scalar(g, ERG_FLOAT64, 0.1)};
    erg_node *x = input_of(g, ERG_SHAPE(50, 2, 3), NULL);
    erg_tensor_fill(erg_value(x), 1);
    erg_node *site = erg_input(g, NULL, ERG_INT32, ERG_SCALAR);
    const erg_gibbs_options options = {.sites = ERG_SPINS, .site_node = site};
    erg_node *next = erg_gibbs((erg_energy){erg_ising_energy, &lattice}, x, options).next;
    erg_plan *plan = erg_compile(&next, 1);
    for (int number = -1; number <= 6; number++) {
        int changed[6] = {0};
        erg_tensor_fill(erg_value(site), number);
        erg_run(plan);
        for (int i = 0; i < 300; i++)
            changed[i % 6] += erg_tensor_get(erg_output(plan, 0), i) == -1;
        for (int i = 0; i < 6; i++)
            ck_assert((changed[i] > 0) == (i == number));
    }
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- reproducibility */

/* States of `chains` chains after 20 transitions on a chain of 5 spins or three-state sites. */
static erg_tensor *states_after(int kernel, bool spins, int64_t chains) {
    erg_graph *g = erg_graph_new(56);
    erg_lattice lattice = {.coupling = erg_scalar(g, ERG_FLOAT32, 0.3), .open = 1};
    space s = space_of(spins ? ERG_SPINS : ERG_ONE_HOT, 5, spins ? 2 : 3);
    erg_node *x = erg_input(g, NULL, ERG_FLOAT32, shape_of(s, chains));
    for (int64_t row = 0; row < chains; row++)
        put_state(s, erg_value(x), row, (int)(row % s.size));
    erg_energy energy = {spins ? erg_ising_energy : erg_potts_energy, &lattice};
    erg_chain *chain = erg_chain_new(x, all_kernels[kernel](energy, x, s.kind).next);
    ck_assert_msg(chain != NULL, "%s", erg_error_message());
    ck_assert_int_eq(erg_chain_run(chain, 20), ERG_OK);
    erg_tensor *states = erg_tensor_from(ERG_FLOAT32, shape_of(s, chains), erg_value(x)->data);
    erg_chain_free(chain);
    erg_graph_free(g);
    return states;
}

START_TEST(chains_have_the_same_bits) {
    int before = erg_threads();
    for (int spins = 0; spins < 2; spins++) {
        erg_tensor *first = NULL;
        size_t row = (spins ? 5 : 15) * sizeof(float);
        for (int threads = 1; threads <= 4; threads++) {
            erg_set_threads(threads);
            erg_tensor *states = states_after(_i, spins, 301);
            if (first)
                ck_assert_mem_eq(states->data, first->data, 301 * row);
            if (threads > 1)
                erg_tensor_free(states);
            else
                first = states;
        }
        erg_tensor *few = states_after(_i, spins, 7);
        ck_assert_mem_eq(few->data, first->data, 7 * row);
        erg_tensor_free(few);
        erg_tensor_free(first);
    }
    erg_set_threads(before);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

static erg_node *fails_to_build(void *self, erg_node *x) {
    (void)self;
    return erg_sum(x, ERG_ALL, 0);
}

static erg_node *other_shape(void *self, erg_energy energy, erg_node *state) {
    (void)self, (void)energy;
    return erg_sum(state, ERG_AXES(1), 0);
}

START_TEST(transitions_are_no_path_of_derivatives) {
    erg_graph *g = erg_graph_new(57);
    erg_lattice lattice = {.coupling = number_param(g, "j", 0.3)};
    erg_node *x = input_of(g, ERG_SHAPE(4, 3, 4), NULL);
    erg_tensor_fill(erg_value(x), 1);
    erg_node *next = all_kernels[_i]((erg_energy){erg_ising_energy, &lattice},
                                     erg_reshape(x, 2, (int64_t[]){4, 12}), ERG_SPINS)
                         .next;
    erg_node *square = erg_square(erg_add(next, erg_mul_scalar(next, 0.5)));
    double *dx = elements_of(erg_gradient(square, x));
    for (int i = 0; i < 48; i++)
        ck_assert_double_eq(dx[i], 0);
    ck_assert_double_eq(number_of(erg_gradient(square, lattice.coupling)), 0);
    free(dx);
    erg_graph_free(g);
}
END_TEST

START_TEST(kernels_refuse_misuse) {
    discrete_kernel kernel = all_kernels[_i];
    erg_graph *g = erg_graph_new(0);
    erg_energy energy = {holed, NULL};
    erg_node *x = input_of(g, ERG_SHAPE(3, 4), NULL),
             *i = erg_input(g, NULL, ERG_INT32, ERG_SHAPE(3, 4));
    erg_node *number = number_input(g, 1), *none = input_of(g, ERG_SHAPE(3, 0), NULL);
    if (kernel != block_step) /* whose blocks have x's dtype */
        REFUSES(g, "is int32 (3, 4), must be a float (B, sites...)",
                kernel(energy, i, ERG_BITS).next);
    REFUSES(g, "is float64 (), must be", kernel(energy, number, ERG_BITS).next);
    REFUSES(g, "(3, 0)", kernel(energy, none, ERG_SPINS).next);
    REFUSES(g, "states), 2 states or more",
            kernel(energy, input_of(g, ERG_SHAPE(3, 1), NULL), ERG_ONE_HOT).next);
    REFUSES(g, "unknown kind of sites 3", kernel(energy, x, (erg_sites)3).next);
    REFUSES(g, "unknown kind of sites -1", kernel(energy, x, (erg_sites)-1).next);
    REFUSES(g, "no function", kernel((erg_energy){0}, x, ERG_BITS).next);
    REFUSES(g, "one number a sample", kernel((erg_energy){fails_to_build, NULL}, x, ERG_BITS).next);
    FAILS_NULL("no x", kernel(energy, NULL, ERG_BITS).next);
    erg_discrete_step step = kernel(energy, x, ERG_BITS);
    check_shape(step.next, ERG_SHAPE(3, 4));
    check_shape(step.acceptance, ERG_SHAPE(3));
    check_shape(step.not_finite, ERG_SHAPE(3));
    check_shape(step.energy, ERG_SHAPE(3));
    erg_graph_free(g);
}
END_TEST

START_TEST(options_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_energy energy = {holed, NULL};
    erg_node *x = input_of(g, ERG_SHAPE(3, 4), NULL), *row = input_of(g, ERG_SHAPE(4), NULL);
    erg_node *single = erg_input(g, NULL, ERG_FLOAT32, ERG_SCALAR);
#define GIBBS(...) erg_gibbs(energy, x, (erg_gibbs_options){__VA_ARGS__}).next
#define LANGEVIN(...)                                                                              \
    erg_discrete_langevin(energy, x, (erg_discrete_langevin_options){__VA_ARGS__}).next
    REFUSES(g, "gibbs: -1 updates", GIBBS(.updates = -1));
    REFUSES(g, "scan 2", GIBBS(.scan = (erg_scan)2));
    REFUSES(g, "int32 ()", GIBBS(.site_node = row));
    REFUSES(g, "int32 ()", GIBBS(.site_node = single));
    REFUSES(g, "-2 proposals",
            erg_metropolis_flips(energy, x, (erg_flips_options){.proposals = -2}).next);
    REFUSES(g, "-2 proposals",
            erg_gibbs_with_gradients(energy, x, (erg_flips_options){.proposals = -2}).next);
    REFUSES(g, "step -1", LANGEVIN(.step_size = -1));
    REFUSES(g, "step nan", LANGEVIN(.step_size = NAN));
    REFUSES(g, "step inf", LANGEVIN(.step_size = INFINITY));
    REFUSES(g, "shape ()", LANGEVIN(.step_size_node = row));
    REFUSES(g, "float32", LANGEVIN(.step_size_node = single));
    REFUSES(g, "no blocks", erg_block_gibbs(energy, x, NULL, 1, ERG_BITS).next);
    REFUSES(g, "no blocks", erg_block_gibbs(energy, x, &row, 0, ERG_BITS).next);
    REFUSES(g, "a block float64 (3, 4) for x float64 (3, 4)",
            erg_block_gibbs(energy, x, &x, 1, ERG_BITS).next);
    REFUSES(g, "a block float32 ()", erg_block_gibbs(energy, x, &single, 1, ERG_BITS).next);
    REFUSES(g, "a block is NULL",
            erg_block_gibbs(energy, x, (erg_node *[]){NULL}, 1, ERG_BITS).next);
    REFUSES(g, "checkerboard: 2 axes, colour 2",
            erg_checkerboard(g, ERG_FLOAT64, ERG_SHAPE(2, 2), 2));
    REFUSES(g, "checkerboard: 0 axes", erg_checkerboard(g, ERG_FLOAT64, ERG_SCALAR, 0));
    erg_rbm *rbm = small_machine(g);
    REFUSES(g, "rbm_gibbs: 0 sweeps", erg_rbm_gibbs(rbm, x, 0));
    REFUSES(g, "rbm_hidden", erg_rbm_gibbs(rbm, x, 1));
    REFUSES(g, "no machine", erg_rbm_gibbs(NULL, x, 1));
    erg_graph_free(g);
}
END_TEST

START_TEST(latent_gibbs_refuses_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_pair_energy energy = {erg_rbm_joint_energy, small_machine(g)};
    erg_latent_states from = {input_of(g, ERG_SHAPE(4, 3), NULL),
                              input_of(g, ERG_SHAPE(4, 2), NULL)};
    erg_latent_move gibbs = {by_gibbs, NULL}, none = {0}, shape = {other_shape, NULL};
    REFUSES(g, "needs an energy", erg_latent_gibbs((erg_pair_energy){0}, from, gibbs, gibbs).x);
    REFUSES(g, "needs an energy", erg_latent_gibbs(energy, from, none, gibbs).x);
    REFUSES(g, "needs an energy", erg_latent_gibbs(energy, from, gibbs, none).z);
    REFUSES(g, "needs an energy",
            erg_latent_gibbs(energy, (erg_latent_states){.x = from.x}, gibbs, gibbs).z);
    FAILS_NULL("needs an energy", erg_latent_gibbs(energy, (erg_latent_states){0}, gibbs, gibbs).x);
    REFUSES(g, "changed the shape", erg_latent_gibbs(energy, from, shape, gibbs).z);
    REFUSES(g, "changed the shape", erg_latent_gibbs(energy, from, gibbs, shape).x);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    const int kernels = COUNT(all_kernels), exact = kernels - 1; /* without blocks */
    Suite *suite = suite_create("discrete_chains");
    TCase *laws = tcase_create("laws");
    tcase_add_test(laws, machines_leave_p_alone);
    tcase_add_test(laws, latent_gibbs_samples_both);
    tcase_add_loop_test(laws, forbidden_states_are_never_entered, 0, exact);
    tcase_add_test(laws, gibbs_leaves_forbidden_states);
    tcase_add_test(laws, gibbs_updates_the_site_of_the_run);
    suite_add_tcase(suite, laws);
    TCase *bits = tcase_create("bits");
    tcase_add_loop_test(bits, chains_have_the_same_bits, 0, kernels);
    suite_add_tcase(suite, bits);
    TCase *misuse = tcase_create("misuse");
    tcase_add_loop_test(misuse, transitions_are_no_path_of_derivatives, 0, kernels);
    tcase_add_loop_test(misuse, kernels_refuse_misuse, 0, kernels);
    tcase_add_test(misuse, options_refuse_misuse);
    tcase_add_test(misuse, latent_gibbs_refuses_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

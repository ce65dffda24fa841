/* test_log_z.c: partition functions: sums over all states, Kaufman's formula, annealed importance
 * sampling with all its paths enumerated and on models with known Z, and likelihoods by a flow. */
#include "modules.h"

/* ------------------------------------------------------------------------------- models */

/* The RBM with units 0/1 whose sums are known. */
static const double weight[] = {-.5, .25, 0, -.5, .5, 0};
static const double visible_bias[] = {-.125, 0, .125}, hidden_bias[] = {.25, -.25};
static const double rbm_log_z = 3.4906674731100645;

static erg_rbm known_rbm(erg_graph *g) {
    return (erg_rbm){.weight = input_of(g, ERG_SHAPE(3, 2), weight),
                     .visible_bias = input_of(g, ERG_SHAPE(3), visible_bias),
                     .hidden_bias = input_of(g, ERG_SHAPE(2), hidden_bias)};
}

static erg_node *nothing(void *self, erg_node *x) {
    (void)self;
    erg_node *flat = erg_flatten(x, 1);
    return erg_mul_scalar(erg_sum(flat, ERG_AXES(1), 0), 0);
}

static erg_node *nan_energy(void *self, erg_node *x) {
    return erg_log(erg_add_scalar(nothing(self, x), -1));
}

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

#define K_CRITICAL 0.44068679350977147

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

/* ------------------------------------------------------------------------------- all paths of AIS
 *
 * Every path x_0, x_1, x_2 over the 32 states (v, h) of the RBM is one chain, written side by side;
 * its "transition" goes on to the next state of the path. The weights that come out, times the
 * probability of each path under block Gibbs sampling, must add up to Z / Z_0, and on the way
 * back to Z_0 / Z: the importance weights of annealing, with no statistics. */

enum { UNITS = 5, STATES = 32, STOPS = 3, PATHS = STATES * STATES * STATES };

static const double path_betas[] = {0, 0.3, 0.6, 1};

static erg_node *joint_energy(void *self, erg_node *x) {
    return erg_rbm_joint_energy(self, erg_slice(x, 1, 0, 3, 1), erg_slice(x, 1, 3, UNITS, 1));
}

static erg_node *next_stop(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self, (void)tempered, (void)beta;
    erg_node *parts[] = {erg_slice(x, 1, UNITS, ERG_END, 1), erg_slice(x, 1, 0, UNITS, 1)};
    return erg_concat(parts, 2, 1);
}

static int unit(int state, int i) {
    return state >> i & 1;
}

static double rbm_energy(int state) {
    double e = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++)
            e -= unit(state, i) * weight[2 * i + j] * unit(state, 3 + j);
    for (int i = 0; i < 3; i++)
        e -= visible_bias[i] * unit(state, i);
    for (int j = 0; j < 2; j++)
        e -= hidden_bias[j] * unit(state, 3 + j);
    return e;
}

/* p(y | x): hidden units of y given the visible ones of x, then visible units given those of y. */
static double gibbs(int x, int y, double beta) {
    double p = 1;
    for (int j = 0; j < 2; j++) {
        double input = hidden_bias[j];
        for (int i = 0; i < 3; i++)
            input += weight[2 * i + j] * unit(x, i);
        p /= 1 + exp((unit(y, 3 + j) ? -1 : 1) * beta * input);
    }
    for (int i = 0; i < 3; i++) {
        double input = visible_bias[i];
        for (int j = 0; j < 2; j++)
            input += weight[2 * i + j] * unit(y, 3 + j);
        p /= 1 + exp((unit(y, i) ? -1 : 1) * beta * input);
    }
    return p;
}

/* sum over paths of p(x_0) P_b1(x_0, x_1) P_b2(x_1, x_2) w */
static double mean_weight(const erg_tensor *log_w, double start_beta, double b1, double b2) {
    double sum = 0, z = 0;
    for (int x = 0; x < STATES; x++)
        z += exp(-start_beta * rbm_energy(x));
    for (int path = 0; path < PATHS; path++) {
        int x = path % STATES, y = path / STATES % STATES, last = path / STATES / STATES;
        sum += exp(-start_beta * rbm_energy(x)) / z * gibbs(x, y, b1) * gibbs(y, last, b2) *
               exp(erg_tensor_get(log_w, path));
    }
    return sum;
}

START_TEST(ais_weights_are_exact) {
    erg_graph *g = erg_graph_new(0);
    erg_rbm rbm = known_rbm(g);
    erg_node *paths = input_of(g, ERG_SHAPE(PATHS, STOPS * UNITS), NULL);
    for (int path = 0, rest = 0; path < PATHS; path++)
        for (int stop = rest = 0; stop < STOPS; stop++)
            for (int i = 0; i < UNITS; i++, rest++)
                erg_tensor_set(erg_value(paths), (int64_t)path * STOPS * UNITS + rest,
                               unit(path >> (5 * stop), i));
    erg_node *x = input_of(g, ERG_SHAPE(PATHS, STOPS * UNITS), NULL);
    erg_ais_base base = {{nothing, NULL}, paths, UNITS * log(2)};
    erg_ais *ais =
        erg_ais_new((erg_energy){joint_energy, &rbm}, base, x, (erg_kernel){next_stop, NULL});
    ck_assert_msg(ais != NULL, "%s", erg_error_message());
    erg_ais_result result;
    erg_ais_options options = {.steps = 3, .betas = path_betas, .exact = erg_value(paths)};
    ck_assert_msg(erg_ais_run(ais, options, &result) == ERG_OK, "%s", erg_error_message());
    double ratio = exp(rbm_log_z) / STATES;
    const erg_tensor *there = erg_ais_log_weights(ais, 0), *back = erg_ais_log_weights(ais, 1);
    ck_assert_double_eq_tol(mean_weight(there, 0, 0.3, 0.6), ratio, 1e-12);
    ck_assert_double_eq_tol(mean_weight(back, 1, 0.6, 0.3), 1 / ratio, 1e-12);
    /* Planted: temperatures in the wrong order, transitions at the temperature before. */
    ck_assert_double_ge(fabs(mean_weight(there, 0, 0.6, 0.3) - ratio), 1e-6);
    ck_assert_double_ge(fabs(mean_weight(there, 0, 0, 0.3) - ratio), 1e-6);
    ck_assert_double_ge(fabs(mean_weight(back, 1, 1, 0.6) - 1 / ratio), 1e-6);
    erg_ais_free(ais);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- AIS on models */

/* Heat bath on one colour of a checkerboard after the other, at K = beta coupling. `stuck`, planted:
 * at the coupling itself. */
typedef struct heat_bath {
    erg_lattice lattice;
    erg_node *colour; /* (L, L) mask */
    bool stuck;
} heat_bath;

static erg_node *rolled(erg_node *x, int axis, int64_t by) {
    erg_node *parts[] = {erg_slice(x, axis, by, ERG_END, 1), erg_slice(x, axis, 0, by, 1)};
    return erg_concat(parts, 2, axis);
}

static erg_node *neighbours(erg_node *x) {
    int64_t last = erg_node_shape(x).dims[1] - 1;
    erg_node *vertical = erg_add(rolled(x, 1, 1), rolled(x, 1, last));
    return erg_add(vertical, erg_add(rolled(x, 2, 1), rolled(x, 2, last)));
}

static erg_node *heat_bath_sweep(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    const heat_bath *bath = self;
    (void)tempered;
    erg_node *two_k = erg_mul_scalar(bath->lattice.coupling, 2);
    if (!bath->stuck)
        two_k = erg_mul(two_k, beta);
    erg_node *colour = bath->colour;
    for (int half = 0; half < 2; half++, colour = erg_logical_not(colour)) {
        erg_node *up = erg_bernoulli(erg_sigmoid(erg_mul(two_k, neighbours(x))));
        x = erg_where(erg_broadcast(colour, erg_node_shape(x)),
                      erg_add_scalar(erg_mul_scalar(up, 2), -1), x);
    }
    return x;
}

enum { SIDE = 10 };

static erg_node *checkerboard(erg_graph *g) {
    erg_node *colour = erg_input(g, NULL, ERG_FLOAT32, ERG_SHAPE(SIDE, SIDE));
    for (int i = 0; i < SIDE * SIDE; i++)
        erg_tensor_set(erg_value(colour), i, (i / SIDE + i) % 2);
    return colour;
}

static erg_ais_result anneal_ising(double k, bool stuck, erg_ais_options options) {
    erg_graph *g = erg_graph_new(3);
    erg_shape shape = ERG_SHAPE(draws(1000, 100), SIDE, SIDE);
    erg_node *x = erg_input(g, "x", ERG_FLOAT32, shape);
    heat_bath bath = {{.coupling = erg_scalar(g, ERG_FLOAT32, k)}, checkerboard(g), stuck};
    erg_ais_base base = {
        {nothing, NULL}, erg_rademacher(g, ERG_FLOAT32, shape), SIDE * SIDE * log(2)};
    erg_ais *ais = erg_ais_new((erg_energy){erg_ising_energy, &bath.lattice}, base, x,
                               (erg_kernel){heat_bath_sweep, &bath});
    ck_assert_msg(ais != NULL, "%s", erg_error_message());
    erg_ais_result result;
    ck_assert_msg(erg_ais_run(ais, options, &result) == ERG_OK, "%s", erg_error_message());
    erg_ais_free(ais);
    erg_graph_free(g);
    return result;
}

static bool brackets(erg_ais_result r, double log_z) {
    double near = draws(1, 0) ? 0.05 : 0.2;
    return r.low <= log_z && log_z <= r.high && fabs(r.lower.log_z - log_z) < near &&
           fabs(r.upper.log_z - log_z) < near && r.crossed != ERG_CROSSED;
}

static void check_brackets(erg_ais_result r, double log_z) {
    ck_assert_msg(brackets(r, log_z), "%.4f +- %.4f (%.0f), %.4f +- %.4f (%.0f), crossed %d: %.4f",
                  r.lower.log_z, r.lower.standard_error, r.lower.effective_size, r.upper.log_z,
                  r.upper.standard_error, r.upper.effective_size, (int)r.crossed, log_z);
}

static const struct {
    double k;
    erg_ais_options options;
    bool stuck; /* planted */
} anneals[] = {
    {0.2, {.steps = 100}, false},  {K_CRITICAL, {.steps = 2000}, false},
    {0.5, {.steps = 2000}, false}, {0.5, {.steps = 4000, .adaptive = 0.9999}, false},
    {0.5, {.steps = 100}, true},
};

START_TEST(ais_brackets_the_ising_torus) {
    double exact = erg_ising_torus_log_z(SIDE, SIDE, anneals[_i].k);
    erg_ais_result r = anneal_ising(anneals[_i].k, anneals[_i].stuck, anneals[_i].options);
    if (anneals[_i].stuck)
        ck_assert(!brackets(r, exact));
    else
        check_brackets(r, exact);
}
END_TEST

/* Block Gibbs sampling of (v, h) at a temperature. */
static erg_node *block_gibbs(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    const erg_rbm *rbm = self;
    (void)tempered;
    int64_t v = erg_node_shape(rbm->weight).dims[0];
    erg_node *input = erg_add(erg_matmul(erg_slice(x, 1, 0, v, 1), rbm->weight), rbm->hidden_bias);
    erg_node *h = erg_bernoulli(erg_sigmoid(erg_mul(beta, input)));
    input = erg_add(erg_matmul_transposed(h, 0, rbm->weight, 1), rbm->visible_bias);
    erg_node *parts[] = {erg_bernoulli(erg_sigmoid(erg_mul(beta, input))), h};
    return erg_concat(parts, 2, 1);
}

enum { VISIBLE = 24, HIDDEN = 20 };

static erg_node *wide_joint_energy(void *self, erg_node *x) {
    return erg_rbm_joint_energy(self, erg_slice(x, 1, 0, VISIBLE, 1),
                                erg_slice(x, 1, VISIBLE, ERG_END, 1));
}

START_TEST(ais_brackets_an_rbm) {
    erg_graph *g = erg_graph_new(5);
    erg_rbm *rbm = erg_rbm_new(g, "rbm", VISIBLE, HIDDEN, (erg_rbm_options){.std = 0.5});
    erg_init_normal(rbm->visible_bias, 0.5);
    erg_init_normal(rbm->hidden_bias, 0.5);
    double exact = number_of(erg_rbm_log_z(rbm));
    erg_shape shape = ERG_SHAPE(draws(500, 100), VISIBLE + HIDDEN);
    erg_node *x = erg_input(g, "x", ERG_FLOAT32, shape);
    erg_node *fair = erg_bernoulli(erg_full(g, ERG_FLOAT32, shape, 0.5));
    erg_ais_base base = {{nothing, NULL}, fair, (VISIBLE + HIDDEN) * log(2)};
    erg_ais *ais =
        erg_ais_new((erg_energy){wide_joint_energy, rbm}, base, x, (erg_kernel){block_gibbs, rbm});
    erg_ais_result r;
    ck_assert_msg(ais && erg_ais_run(ais, (erg_ais_options){.steps = 1000}, &r) == ERG_OK, "%s",
                  erg_error_message());
    check_brackets(r, exact);
    erg_ais_free(ais);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- AIS: the rest */

/* From N(0, I) to N(0, I / stiffness) by Langevin steps that are small enough. */
static erg_node *langevin(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)beta;
    return erg_langevin(tempered, x, (erg_langevin_options){.step_size = *(double *)self});
}

static double unit_stiffness = 1, stiffness = 4, step_size = 0.01;

static erg_node *harmonic_half(void *self, erg_node *x) {
    erg_node *e = erg_harmonic_energy(self, x), *first = erg_select(x, 1, 0);
    return erg_where(erg_greater(first, erg_full_like(first, 0)), e, erg_full_like(e, INFINITY));
}

static erg_ais *gaussian_ais(erg_graph *g, erg_energy energy, erg_kernel transition) {
    erg_shape shape = ERG_SHAPE(1000, 2);
    erg_ais_base base = {
        {erg_harmonic_energy, &unit_stiffness}, erg_normal(g, ERG_FLOAT64, shape), log(2 * M_PI)};
    return erg_ais_new(energy, base, erg_input(g, NULL, ERG_FLOAT64, shape), transition);
}

START_TEST(ais_takes_transitions_made_of_the_energy) {
    erg_graph *g = erg_graph_new(1);
    erg_ais *ais = gaussian_ais(g, (erg_energy){erg_harmonic_energy, &stiffness},
                                (erg_kernel){langevin, &step_size});
    erg_ais_result r;
    ck_assert_int_eq(erg_ais_run(ais, (erg_ais_options){.steps = 200, .transitions = 5}, &r), 0);
    check_brackets(r, log(2 * M_PI / 4));
    ck_assert_int_eq(r.lower.lost, 0);
    ck_assert_int_eq(r.steps, 200);
    int64_t count;
    const double *betas = erg_ais_betas(ais, &count);
    ck_assert(count == 201 && betas[0] == 0 && betas[100] == 0.5 && betas[200] == 1);
    erg_ais_free(ais);
    erg_graph_free(g);
}
END_TEST

/* Half of the base's samples lie where the energy is infinite: Z is half, and they are counted. */
START_TEST(ais_counts_lost_chains) {
    erg_graph *g = erg_graph_new(1);
    double no_step = 1e-300;
    erg_ais *ais = gaussian_ais(g, (erg_energy){harmonic_half, &unit_stiffness},
                                (erg_kernel){langevin, &no_step});
    erg_ais_result r;
    ck_assert_msg(erg_ais_run(ais, (erg_ais_options){.steps = 1, .settle = 1}, &r) == 0, "%s",
                  erg_error_message());
    ck_assert_double_eq_tol(exp(r.lower.log_z), M_PI, CRITICAL_Z * M_PI / sqrt(1000));
    ck_assert_double_eq_tol((double)r.lower.lost, 500, CRITICAL_Z * sqrt(250));
    ck_assert_double_eq_tol(r.lower.effective_size, 1000 - (double)r.lower.lost, 1e-9);
    erg_ais_free(ais);
    ais = gaussian_ais(g, (erg_energy){nan_energy, NULL}, (erg_kernel){langevin, &no_step});
    FAILS("lost their weights", erg_ais_run(ais, (erg_ais_options){.steps = 2}, &r));
    erg_ais_free(ais);
    erg_graph_free(g);
}
END_TEST

/* Where nothing changes all weights are 1, and there is no error. */
START_TEST(ais_from_a_density_to_itself) {
    erg_graph *g = erg_graph_new(1);
    erg_ais *ais = gaussian_ais(g, (erg_energy){erg_harmonic_energy, &unit_stiffness},
                                (erg_kernel){langevin, &step_size});
    erg_ais_result r;
    ck_assert_int_eq(erg_ais_run(ais, (erg_ais_options){.steps = 3, .settle = 1}, &r), ERG_OK);
    ck_assert_double_eq_tol(r.lower.log_z, log(2 * M_PI), 1e-12);
    ck_assert_double_eq_tol(r.upper.log_z, log(2 * M_PI), 1e-12);
    ck_assert_double_eq_tol(r.lower.effective_size, 1000, 1e-9);
    ck_assert_double_lt(r.lower.standard_error, 1e-9);
    ck_assert_double_lt(r.upper.standard_error, 1e-9);
    erg_ais_free(ais);
    erg_graph_free(g);
}
END_TEST

/* A way back that does not start from the target gives ends in the wrong order, which is said. */
START_TEST(ais_tells_crossed_ends) {
    erg_graph *g = erg_graph_new(1);
    erg_ais *ais = gaussian_ais(g, (erg_energy){erg_harmonic_energy, &stiffness},
                                (erg_kernel){langevin, &step_size});
    erg_tensor *wrong = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(1000, 2));
    erg_tensor_fill(wrong, 2);
    erg_ais_result r;
    ck_assert_int_eq(
        erg_ais_run(ais, (erg_ais_options){.steps = 50, .transitions = 5, .exact = wrong}, &r), 0);
    ck_assert_int_eq(r.crossed, ERG_CROSSED);
    ck_assert_double_gt(r.lower.log_z, r.upper.log_z);
    erg_tensor_free(wrong);
    erg_ais_free(ais);
    erg_graph_free(g);
}
END_TEST

START_TEST(ais_refuses_misuse) {
    erg_graph *g = erg_graph_new(0);
    const erg_energy energy = {erg_harmonic_energy, &stiffness};
    const erg_kernel transition = {langevin, &step_size};
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL), *one = input_of(g, ERG_SHAPE(1, 2), NULL);
    erg_ais_base base = {{nothing, NULL}, erg_normal(g, ERG_FLOAT64, ERG_SHAPE(3, 2)), 0};
    ck_assert_ptr_null(erg_ais_new(energy, base, NULL, transition));
    REFUSES(g, "ais: no transition", erg_ais_new(energy, base, x, (erg_kernel){0}));
    REFUSES(g, "(1, 2)", erg_ais_new(energy, base, one, transition));
    REFUSES(g, "no function", erg_ais_new((erg_energy){0}, base, x, transition));
    base.log_z = NAN;
    REFUSES(g, "log Z is nan", erg_ais_new(energy, base, x, transition));
    base.log_z = 0;
    erg_ais *ais = erg_ais_new(energy, base, x, transition);
    erg_ais_result r;
    erg_tensor *other = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(2, 2));
    const erg_ais_options bad[] = {{.steps = -1},    {.transitions = -1},
                                   {.settle = -1},   {.adaptive = 1},
                                   {.exact = other}, {.steps = 2, .betas = (double[]){0, 0, 1}}};
    for (int i = 0; i < COUNT(bad); i++)
        FAILS("ais_run: ", erg_ais_run(ais, bad[i], &r));
    FAILS("no sampler", erg_ais_run(NULL, (erg_ais_options){0}, &r));
    FAILS("no result", erg_ais_run(ais, (erg_ais_options){0}, NULL));
    FAILS("the most allowed",
          erg_ais_run(ais, (erg_ais_options){.steps = 1, .adaptive = 0.999}, &r));
    ck_assert_ptr_null(erg_ais_log_weights(NULL, 0));
    FAILS_NULL("ais_betas: no count", erg_ais_betas(ais, NULL));
    erg_tensor_free(other);
    erg_ais_free(ais);
    erg_ais_free(NULL);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- flows */

/* N(0, A) blurred by sigma, A = R diag(a, b) R^T with R a rotation by 45 degrees. */
typedef struct blurred {
    double a, b;
} blurred;

static erg_node *blurred_energy(void *self, erg_node *x, erg_node *sigma) {
    const blurred *p = self;
    erg_node *x1 = erg_select(x, 1, 0), *x2 = erg_select(x, 1, 1), *square = erg_square(sigma);
    erg_node *u = erg_square(erg_add(x1, x2)), *v = erg_square(erg_sub(x1, x2));
    return erg_mul_scalar(
        erg_add(erg_div(u, erg_add_scalar(square, p->a)), erg_div(v, erg_add_scalar(square, p->b))),
        0.25);
}

static double blurred_log_p(blurred p, double sigma, double x, double y) {
    double a = p.a + sigma * sigma, b = p.b + sigma * sigma;
    double u = (x + y) * (x + y) / 2, v = (x - y) * (x - y) / 2;
    return -u / (2 * a) - v / (2 * b) - 0.5 * log(a * b) - log(2 * M_PI);
}

enum { POINTS = 1000 };

/* The mean error of log p over the points, and the largest. */
static double flow_error(blurred p, erg_flow_options options, double *largest) {
    erg_graph *g = erg_graph_new(7);
    erg_node *x = input_of(g, ERG_SHAPE(POINTS, 2), NULL);
    erg_random_normal(erg_value(x), (erg_random){.seed = 3});
    erg_tensor *at = erg_tensor_clone(erg_value(x));
    erg_flow *flow = erg_flow_new((erg_pair_energy){blurred_energy, &p}, x, options);
    ck_assert_msg(flow != NULL, "%s", erg_error_message());
    erg_tensor *log_p = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(POINTS));
    ck_assert_int_eq(erg_flow_run(flow, log_p), ERG_OK);
    double sum = 0;
    *largest = 0;
    for (int i = 0; i < POINTS; i++) {
        double known = blurred_log_p(p, options.sigma_min, erg_tensor_get(at, 2 * i),
                                     erg_tensor_get(at, 2 * i + 1));
        double error = erg_tensor_get(log_p, i) - known;
        sum += error / POINTS;
        *largest = fmax(*largest, fabs(error));
    }
    erg_tensor_free(at);
    erg_tensor_free(log_p);
    erg_flow_free(flow);
    erg_graph_free(g);
    return sum;
}

START_TEST(flow_finds_gaussian_likelihoods) {
    double largest, prior = sqrt(0.25 + 100), coarse;
    erg_flow_options o = {.sigma_min = 0.1, .sigma_max = 10, .prior = prior, .steps = 200};
    flow_error((blurred){0.25, 0.25}, o, &largest);
    ck_assert_double_le(largest, 1e-6);
    o.steps = 100; /* fourth order: half the steps, about 16 times the error */
    flow_error((blurred){0.25, 0.25}, o, &coarse);
    ck_assert(coarse > 10 * largest && coarse < 25 * largest);
    o = (erg_flow_options){.sigma_min = 0.1, .sigma_max = 1000, .steps = 300};
    flow_error((blurred){0.25, 2}, o, &largest);
    ck_assert_double_le(largest, 1e-4);
    o.prior = 1010; /* planted */
    flow_error((blurred){0.25, 2}, o, &largest);
    ck_assert_double_ge(largest, 1e-3);
}
END_TEST

/* Hutchinson's estimate has no bias, and many probes less variance. v^T H v is the trace plus
 * v_1 v_2 times the off-diagonal elements: the integral of these is (log(b' / a')) / 2 from end to end,
 * with either sign. */
START_TEST(flow_estimates_the_divergence) {
    double one, many;
    blurred p = {0.25, 2};
    erg_flow_options o = {.sigma_min = 0.1, .sigma_max = 1000, .steps = 200, .probes = 1};
    double error = flow_error(p, o, &one);
    double spread = 0.5 * log((2 + 0.01) / (0.25 + 0.01));
    ck_assert_double_eq_tol(one, spread, 1e-3);
    ck_assert_double_eq_tol(error, 0, CRITICAL_Z * spread / sqrt(POINTS));
    o.probes = 16;
    error = flow_error(p, o, &many);
    ck_assert_double_eq_tol(error, 0, CRITICAL_Z * spread / sqrt(16 * POINTS));
}
END_TEST

START_TEST(flow_refuses_misuse) {
    erg_graph *g = erg_graph_new(0);
    blurred p = {1, 1};
    const erg_pair_energy energy = {blurred_energy, &p};
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL), *flat = input_of(g, ERG_SHAPE(3), NULL);
    const erg_flow_options bad[] = {{.sigma_min = -1}, {.sigma_min = 2, .sigma_max = 1},
                                    {.prior = -1},     {.sigma_max = INFINITY},
                                    {.steps = -1},     {.probes = -1}};
    for (int i = 0; i < COUNT(bad); i++)
        REFUSES(g, "flow: ", erg_flow_new(energy, x, bad[i]));
    REFUSES(g, "flow: x is (3)", erg_flow_new(energy, flat, (erg_flow_options){0}));
    REFUSES(g, "no function", erg_flow_new((erg_pair_energy){0}, x, (erg_flow_options){0}));
    ck_assert_ptr_null(erg_flow_new(energy, NULL, (erg_flow_options){0}));
    erg_flow *flow = erg_flow_new(energy, x, (erg_flow_options){.steps = 2});
    FAILS("flow_run: log_p", erg_flow_run(flow, erg_value(x)));
    FAILS("no flow", erg_flow_run(NULL, erg_value(flat)));
    erg_flow_free(flow);
    erg_flow_free(NULL);
    erg_graph_free(g);
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
    TCase *ais = tcase_create("ais");
    tcase_add_test(ais, ais_weights_are_exact);
    tcase_add_loop_test(ais, ais_brackets_the_ising_torus, 0, COUNT(anneals));
    tcase_add_test(ais, ais_brackets_an_rbm);
    tcase_add_test(ais, ais_takes_transitions_made_of_the_energy);
    tcase_add_test(ais, ais_counts_lost_chains);
    tcase_add_test(ais, ais_from_a_density_to_itself);
    tcase_add_test(ais, ais_tells_crossed_ends);
    tcase_add_test(ais, ais_refuses_misuse);
    suite_add_tcase(suite, ais);
    TCase *flow = tcase_create("flow");
    tcase_add_test(flow, flow_finds_gaussian_likelihoods);
    tcase_add_test(flow, flow_estimates_the_divergence);
    tcase_add_test(flow, flow_refuses_misuse);
    suite_add_tcase(suite, flow);
    return run_suite(suite);
}

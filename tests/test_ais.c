/* test_ais.c: annealed importance sampling on models with known Z, what it tells of its chains, and
 * what it refuses. */
#include "log_z.h"

/* ------------------------------------------------------------------------------- models */

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

/* ------------------------------------------------------------------------------- the rest */

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

int main(void) {
    Suite *suite = suite_create("ais");
    TCase *ais = tcase_create("ais");
    tcase_add_loop_test(ais, ais_brackets_the_ising_torus, 0, COUNT(anneals));
    tcase_add_test(ais, ais_brackets_an_rbm);
    tcase_add_test(ais, ais_takes_transitions_made_of_the_energy);
    tcase_add_test(ais, ais_counts_lost_chains);
    tcase_add_test(ais, ais_from_a_density_to_itself);
    tcase_add_test(ais, ais_tells_crossed_ends);
    tcase_add_test(ais, ais_refuses_misuse);
    suite_add_tcase(suite, ais);
    return run_suite(suite);
}

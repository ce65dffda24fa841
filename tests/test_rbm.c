/* test_rbm.c: restricted Boltzmann machines: energies, conditionals and log Z against sums over all
 * states, quadrature and known answers; and their draws. */
#include "models.h"

static erg_rbm *small_rbm(erg_graph *g) {
    const double w[] = {-.5, .25, 0, -.5, .5, 0}, b[] = {-.125, 0, .125}, c[] = {.25, -.25};
    erg_rbm *machine = erg_rbm_new(g, "m", 3, 2, (erg_rbm_options){F64_OPTIONS});
    ck_assert_ptr_nonnull(machine);
    memcpy(erg_value(machine->weight)->data, w, sizeof w);
    memcpy(erg_value(machine->visible_bias)->data, b, sizeof b);
    memcpy(erg_value(machine->hidden_bias)->data, c, sizeof c);
    return machine;
}

/* Figures computed with thirty digits elsewhere. */
START_TEST(rbm_has_known_answers) {
    erg_graph *g = erg_graph_new(8);
    erg_rbm *machine = small_rbm(g);
    erg_node *log_z = erg_rbm_log_z(machine);
    ck_assert_double_eq_tol(number_of(log_z), 3.4906674731100645, 1e-14);
    double *v = elements_of(erg_gradient(log_z, machine->visible_bias));
    ck_assert_double_eq_tol(v[0], .42364539131004355, 1e-14);
    ck_assert_double_eq_tol(v[1], .44972858039671355, 1e-14);
    ck_assert_double_eq_tol(v[2], .60109439329259498, 1e-14);
    ck_assert_double_eq_tol(number_of(erg_gradient(log_z, machine->weight)), .21670451819206955,
                            1e-14);
    erg_node *zeros = input_of(g, ERG_SHAPE(1, 3), NULL);
    ck_assert_double_eq_tol(number_of(apply(erg_rbm_energy, machine, zeros)), -1.401878839757687,
                            1e-14);
    free(v);
    erg_graph_free(g);
}
END_TEST

static const struct { int visible, hidden; } machines[] = {{4, 3}, {3, 5}, {1, 1}, {2, 2}, {6, 1}};

/* Energy, conditionals and log Z against sums over all pairs of states. */
START_TEST(rbm_agrees_with_enumeration) {
    int visible = machines[_i].visible, hidden = machines[_i].hidden;
    int n_v = 1 << visible, n_h = 1 << hidden;
    erg_graph *g = erg_graph_new(9);
    erg_rbm *machine = erg_rbm_new(g, "m", visible, hidden, (erg_rbm_options){F64_OPTIONS});
    fill(machine->weight, 1);
    fill(machine->visible_bias, 2);
    fill(machine->hidden_bias, 3);
    const double *w = erg_tensor_f64(erg_value(machine->weight));
    const double *b = erg_tensor_f64(erg_value(machine->visible_bias));
    const double *c = erg_tensor_f64(erg_value(machine->hidden_bias));
    double *p = calloc((size_t)(n_v * n_h), sizeof *p), z = 0; /* exp(-E(v, h)) */
    for (int v = 0; v < n_v; v++)
        for (int h = 0; h < n_h; h++) {
            double e = 0;
            for (int i = 0; i < visible; i++)
                for (int j = 0; j < hidden; j++)
                    e -= w[i * hidden + j] * (v >> i & 1) * (h >> j & 1);
            for (int i = 0; i < visible; i++)
                e -= b[i] * (v >> i & 1);
            for (int j = 0; j < hidden; j++)
                e -= c[j] * (h >> j & 1);
            z += p[v * n_h + h] = exp(-e);
        }
    ck_assert_double_eq_tol(number_of(erg_rbm_log_z(machine)), log(z), 1e-12);
    erg_node *all_v = states(g, visible, 0, 1), *all_h = states(g, hidden, 0, 1);
    double *energy = elements_of(apply(erg_rbm_energy, machine, all_v));
    double *on = elements_of(erg_rbm_hidden(machine, all_v));
    for (int v = 0; v < n_v; v++) {
        double sum = 0, with[8] = {0};
        for (int h = 0; h < n_h; h++) {
            sum += p[v * n_h + h];
            for (int j = 0; j < hidden; j++)
                with[j] += (h >> j & 1) * p[v * n_h + h];
        }
        ck_assert_double_eq_tol(energy[v], -log(sum), 1e-12);
        for (int j = 0; j < hidden; j++)
            ck_assert_double_eq_tol(on[v * hidden + j], with[j] / sum, 1e-12);
    }
    double *seen = elements_of(erg_rbm_visible(machine, all_h));
    for (int h = 0; h < n_h; h++) {
        double sum = 0, with[8] = {0};
        for (int v = 0; v < n_v; v++) {
            sum += p[v * n_h + h];
            for (int i = 0; i < visible; i++)
                with[i] += (v >> i & 1) * p[v * n_h + h];
        }
        for (int i = 0; i < visible; i++)
            ck_assert_double_eq_tol(seen[h * visible + i], with[i] / sum, 1e-12);
    }
    /* Pairs of a v and an h. */
    erg_node *some_h = erg_slice(all_h, 0, 0, n_h < n_v ? n_h : n_v, 1);
    erg_node *some_v = erg_slice(all_v, 0, 0, n_h < n_v ? n_h : n_v, 1);
    double *joint = elements_of(erg_rbm_joint_energy(machine, some_v, some_h));
    for (int k = 0; k < (n_h < n_v ? n_h : n_v); k++)
        ck_assert_double_eq_tol(joint[k], -log(p[k * n_h + k]), 1e-12);
    free(joint);
    free(seen);
    free(on);
    free(energy);
    free(p);
    erg_graph_free(g);
}
END_TEST

/* Units that are not connected, 20 of them on the smaller side: log Z = sum of log(1 + exp(bias)).
 * The million states are not all in memory at once. */
START_TEST(rbm_log_z_of_many_units) {
    erg_graph *g = erg_graph_new(10);
    int64_t visible = _i ? 20 : 25, hidden = _i ? 25 : 20;
    erg_rbm *machine = erg_rbm_new(g, "m", visible, hidden, (erg_rbm_options){F64_OPTIONS});
    fill(machine->visible_bias, 1);
    fill(machine->hidden_bias, 2);
    erg_tensor_fill(erg_value(machine->weight), 0);
    double expected = 0;
    for (int64_t i = 0; i < visible; i++)
        expected += log1p(exp(erg_tensor_get(erg_value(machine->visible_bias), i)));
    for (int64_t j = 0; j < hidden; j++)
        expected += log1p(exp(erg_tensor_get(erg_value(machine->hidden_bias), j)));
    erg_node *log_z = erg_rbm_log_z(machine);
    erg_plan *plan = erg_compile(&log_z, 1);
    ck_assert_uint_lt(erg_plan_arena(plan), 100 << 20);
    erg_run(plan);
    ck_assert_double_eq_tol(erg_tensor_get(erg_output(plan, 0), 0), expected, 1e-11);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* One real visible unit: log Z by quadrature; the mean given h is where E(v, h) is least, and its
 * curvature is 1 / s^2. */
START_TEST(gaussian_rbm_agrees_with_quadrature) {
    enum { POINTS = 4001, HIDDEN = 3 };
    erg_graph *g = erg_graph_new(11);
    erg_rbm_options options = {F64_OPTIONS, .gaussian = 1};
    erg_rbm *machine = erg_rbm_new(g, "m", 1, HIDDEN, options);
    fill(machine->weight, 1);
    fill(machine->visible_bias, 2);
    fill(machine->hidden_bias, 3);
    erg_tensor_fill(erg_value(machine->log_variance), log(0.49));
    erg_node *grid = erg_input(g, NULL, ERG_FLOAT64, ERG_SHAPE(POINTS, 1));
    for (int i = 0; i < POINTS; i++)
        erg_tensor_set(erg_value(grid), i, -10 + 0.005 * i);
    erg_node *sum = erg_logsumexp(erg_neg(apply(erg_rbm_energy, machine, grid)), ERG_ALL, 0);
    ck_assert_double_eq_tol(number_of(erg_rbm_log_z(machine)), number_of(sum) + log(0.005), 1e-12);

    /* Energies and p(h | v) by sums over h. */
    erg_node *h = states(g, HIDDEN, 0, 1);
    erg_node *v = erg_input(g, NULL, ERG_FLOAT64, ERG_SHAPE(8, 1));
    erg_tensor_fill(erg_value(v), 0.7);
    erg_node *joint = erg_rbm_joint_energy(machine, v, h);
    double total = number_of(erg_logsumexp(erg_neg(joint), ERG_ALL, 0));
    ck_assert_double_eq_tol(-total, number_of(apply(erg_rbm_energy, machine, v)), 1e-13);
    double *on = elements_of(erg_rbm_hidden(machine, v)), *e = elements_of(joint);
    for (int j = 0; j < HIDDEN; j++) {
        double with = 0;
        for (int k = 0; k < 8; k++)
            with += (k >> j & 1) * exp(-e[k] - total);
        ck_assert_double_eq_tol(on[j], with, 1e-13);
    }
    erg_node *mean = erg_rbm_visible(machine, h);
    erg_node *slope = erg_gradient(erg_rbm_joint_energy(machine, mean, h), mean);
    ck_assert_double_lt(number_of(erg_norm(slope, INFINITY, ERG_ALL, 0)), 1e-13);
    ck_assert_double_eq_tol(number_of(erg_laplacian(joint, v)), 1 / 0.49, 1e-12);
    free(on);
    free(e);
    erg_graph_free(g);
}
END_TEST

/* z of a mean of n draws against its exact value. */
static double z_of(const erg_tensor *draws, int column, double mean, double std) {
    int64_t rows = draws->shape.dims[0], columns = draws->shape.dims[1];
    double sum = 0;
    for (int64_t i = 0; i < rows; i++)
        sum += erg_tensor_get(draws, i * columns + column);
    return (sum / (double)rows - mean) / (std / sqrt((double)rows));
}

/* Draws of one layer have the conditional means (and spread); 1 - p in the place of p is found. */
START_TEST(rbm_draws_are_exact) {
    int64_t rows = draws(40000, 4000);
    erg_graph *g = erg_graph_new(12);
    erg_rbm *machine =
        erg_rbm_new(g, "m", 2, 3, (erg_rbm_options){F64_OPTIONS, .gaussian = _i, .std = 1});
    if (_i)
        erg_tensor_fill(erg_value(machine->log_variance), log(0.09));
    erg_node *v = erg_broadcast(input_of(g, ERG_SHAPE(2), (double[]){1, -0.5}), ERG_SHAPE(rows, 2));
    erg_node *h = erg_broadcast(input_of(g, ERG_SHAPE(3), (double[]){1, 0, 1}), ERG_SHAPE(rows, 3));
    double *on = elements_of(erg_rbm_hidden(machine, v));
    double *seen = elements_of(erg_rbm_visible(machine, h));
    erg_node *drawn = erg_rbm_sample_visible(machine, h);
    erg_node *centred = erg_sub(drawn, erg_rbm_visible(machine, h));
    erg_node *outputs[] = {erg_rbm_sample_hidden(machine, v), drawn, erg_square(centred)};
    erg_plan *plan = erg_compile(outputs, 3);
    erg_run(plan);
    for (int j = 0; j < 3; j++) {
        double std = sqrt(on[j] * (1 - on[j]));
        ck_assert_double_lt(fabs(z_of(erg_output(plan, 0), j, on[j], std)), CRITICAL_Z);
        if (fabs(on[j] - 0.5) > 0.1)
            ck_assert_double_gt(fabs(z_of(erg_output(plan, 0), j, 1 - on[j], std)), CRITICAL_Z);
    }
    for (int i = 0; i < 2; i++) {
        double variance = _i ? 0.09 : seen[i] * (1 - seen[i]);
        double of_square =
            _i ? 2 * variance * variance : variance * pow(1 - 2 * seen[i], 2); /* of (v - p)^2 */
        ck_assert_double_lt(fabs(z_of(erg_output(plan, 1), i, seen[i], sqrt(variance))),
                            CRITICAL_Z);
        ck_assert_double_lt(fabs(z_of(erg_output(plan, 2), i, variance, sqrt(of_square))),
                            CRITICAL_Z);
    }
    free(on);
    free(seen);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rbm");
    TCase *boltzmann = tcase_create("boltzmann machines");
    tcase_add_test(boltzmann, rbm_has_known_answers);
    tcase_add_loop_test(boltzmann, rbm_agrees_with_enumeration, 0, COUNT(machines));
    tcase_add_loop_test(boltzmann, rbm_log_z_of_many_units, 0, 2);
    tcase_add_test(boltzmann, gaussian_rbm_agrees_with_quadrature);
    tcase_add_loop_test(boltzmann, rbm_draws_are_exact, 0, 2);
    suite_add_tcase(suite, boltzmann);
    return run_suite(suite);
}

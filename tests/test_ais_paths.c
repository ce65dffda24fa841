/* test_ais_paths.c: annealed importance sampling with all its paths enumerated.
 *
 * Every path x_0, x_1, x_2 over the 32 states (v, h) of the RBM is one chain, written side by side;
 * its "transition" goes on to the next state of the path. The weights that come out, times the
 * probability of each path under block Gibbs sampling, must add up to Z / Z_0, and on the way
 * back to Z_0 / Z: the importance weights of annealing, with no statistics. */
#include "log_z.h"

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

int main(void) {
    Suite *suite = suite_create("ais_paths");
    TCase *ais = tcase_create("ais");
    tcase_add_test(ais, ais_weights_are_exact);
    suite_add_tcase(suite, ais);
    return run_suite(suite);
}

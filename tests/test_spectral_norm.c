/* test_spectral_norm.c: weights divided by their largest singular value: against PyTorch, matrices
 * with known singular values, and what is refused. */
#include "golden_checks.h"

static const struct {
    const char *name;
    erg_shape x, weight;
    int axis;
    bool evaluation;
} spectral[] = {
    {"spectral linear", {2, {2, 4}}, {2, {3, 4}}, 0, false},
    {"spectral linear in evaluation", {2, {2, 4}}, {2, {3, 4}}, 0, true},
    {"spectral convolution", {4, {1, 2, 4, 3}}, {4, {3, 2, 3, 3}}, 0, false},
    {"spectral transposed convolution", {4, {1, 2, 3, 3}}, {4, {2, 3, 2, 2}}, 1, false},
};

static void fill_direction(erg_node *state, double seed) {
    erg_tensor *value = erg_value(state);
    double square = 0;
    fill(state, seed);
    for (int64_t i = 0; i < erg_tensor_size(value); i++)
        square += pow(erg_tensor_get(value, i), 2);
    for (int64_t i = 0; i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, erg_tensor_get(value, i) / sqrt(square));
}

/* y with the weight normalised. */
static erg_node *apply_weight(int i, erg_node *x, erg_node *weight, erg_node *bias) {
    if (spectral[i].x.ndim == 2)
        return erg_linear_apply(&(erg_linear){weight, bias}, x);
    erg_convolution layer = {weight, bias, {.transposed = spectral[i].axis}};
    for (int k = 0; k < 2; k++)
        layer.options.padding[k] = spectral[i].axis ? 0 : 1;
    return erg_convolution_apply(&layer, x);
}

START_TEST(spectral_norm_is_as_pytorch) {
    const char *name = spectral[_i].name;
    char after[80];
    snprintf(after, sizeof after, "%s, u and v after", name);
    erg_graph *g = erg_graph_new(1);
    erg_node *training = number_input(g, !spectral[_i].evaluation);
    erg_node *leaves[] = {erg_input(g, "x", ERG_FLOAT64, spectral[_i].x),
                          erg_param(g, "w", ERG_FLOAT64, spectral[_i].weight),
                          erg_param(g, "b", ERG_FLOAT64, ERG_SHAPE(3))};
    for (int k = 0; k < 3; k++)
        fill(leaves[k], 1 + k);
    erg_spectral_norm *norm = erg_spectral_norm_new(
        g, "m", leaves[1],
        (erg_spectral_norm_options){.axis = spectral[_i].axis, .training = training});
    ck_assert_msg(norm != NULL, "%s", erg_graph_error(g));
    fill_direction(norm->u, 20);
    fill_direction(norm->v, 21);
    erg_node *y = apply_weight(_i, leaves[0], norm->weight, leaves[2]);
    check_golden(name, y, leaves, 3);
    check_plan(name, y, leaves, 3);
    if (spectral[_i].evaluation)
        check_derivatives(name, y, leaves, 3, 3);
    erg_plan *plan = erg_compile(&norm->update, 1);
    erg_run(plan);
    check_sum(name, 0, checksum(erg_value(norm->u)), golden_of(after)->sums[0]);
    check_sum(name, 1, checksum(erg_value(norm->v)), golden_of(after)->sums[1]);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* Of a matrix with singular values 3, 2, 1, made of two rotations: the norm is 3 from the start, in
 * training and in evaluation, and random numbers are as if nothing had been run. */
START_TEST(spectral_norm_finds_the_largest_singular_value) {
    const double c = cos(0.4), s = sin(0.4);
    const double w[] = {3 * c, -s, 0, 3 * s, c, 0, 0, 0, 2};
    erg_graph *g = erg_graph_new(_i);
    erg_node *weight = erg_param(g, "weight", ERG_FLOAT64, ERG_SHAPE(3, 3));
    memcpy(erg_value(weight)->data, w, sizeof w);
    erg_node *training = number_input(g, _i % 2);
    erg_spectral_norm *norm =
        erg_spectral_norm_new(g, "m", weight, (erg_spectral_norm_options){.training = training});
    ck_assert_ptr_nonnull(norm);
    ck_assert_uint_eq(erg_graph_runs(g), 0);
    ck_assert_str_eq(erg_node_name(norm->u), "m/weight_u");
    ck_assert_str_eq(erg_node_name(norm->v), "m/weight_v");
    double *values = elements_of(norm->weight);
    for (int i = 0; i < 9; i++)
        ck_assert_double_eq_tol(values[i], w[i] / 3, 2e-4);
    free(values);
    erg_plan *plan = erg_compile(&norm->update, 1);
    erg_run_n(plan, 40);
    values = elements_of(norm->weight);
    for (int i = 0; i < 9; i++)
        ck_assert_double_eq_tol(values[i], w[i] / 3, _i % 2 ? 1e-14 : 2e-4);
    free(values);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* With spectral norm and without biases to speak of, no weight of a block stretches by more than 1;
 * the update is one effect for all three. */
START_TEST(residual_block_is_constrained) {
    erg_graph *g = erg_graph_new(8);
    erg_residual_block *block = erg_residual_block_new(
        g, "m", 2, 4, (erg_residual_options){F64_OPTIONS, .spectral_norm = 1});
    ck_assert_ptr_nonnull(block);
    erg_plan *plan = erg_compile(&block->update, 1);
    erg_run_n(plan, 300);
    erg_plan_free(plan);
    const char *names[] = {"conv1", "conv2", "shortcut"};
    erg_convolution *convolutions[] = {block->conv1, block->conv2, block->shortcut};
    for (int k = 0; k < 3; k++) {
        char name[64];
        snprintf(name, sizeof name, "m/%s/weight_u", names[k]);
        erg_node *u = param_of(g, name);
        snprintf(name, sizeof name, "m/%s/weight_v", names[k]);
        erg_node *v = param_of(g, name);
        erg_node *matrix = ERG_RESHAPE(convolutions[k]->weight, 4, -1);
        /* W v = u and W^T u = v: the singular value of these vectors is 1. */
        erg_node *off = erg_sub(erg_matmul(matrix, v), u);
        ck_assert_double_lt(number_of(erg_norm(off, INFINITY, ERG_ALL, 0)), 1e-5);
        off = erg_sub(erg_matmul(u, matrix), v);
        ck_assert_double_lt(number_of(erg_norm(off, INFINITY, ERG_ALL, 0)), 1e-5);
    }
    erg_graph_free(g);
}
END_TEST

START_TEST(spectral_norm_refuses_misuse) {
    const erg_spectral_norm_options plain = {0};
    erg_graph *g = erg_graph_new(0);
    erg_node *weight = erg_param(g, "w", ERG_FLOAT32, ERG_SHAPE(3, 4));
    erg_node *bias = erg_param(g, "b", ERG_FLOAT32, ERG_SHAPE(3));
    erg_node *wide = erg_input(g, "t", ERG_FLOAT32, ERG_SHAPE(2));
    erg_node *other = erg_input(g, "u", ERG_FLOAT64, ERG_SCALAR);
    ck_assert_ptr_null(erg_spectral_norm_new(NULL, "n", weight, plain));
    REFUSES(g, "no weight", erg_spectral_norm_new(g, "n", NULL, plain));
    REFUSES(g, "axis 0 of a weight of shape (3)", erg_spectral_norm_new(g, "n", bias, plain));
    REFUSES(g, "axis 2",
            erg_spectral_norm_new(g, "n", weight, (erg_spectral_norm_options){.axis = 2}));
    REFUSES(g, "-1 iterations",
            erg_spectral_norm_new(g, "n", weight, (erg_spectral_norm_options){.iterations = -1}));
    REFUSES(g, "epsilon",
            erg_spectral_norm_new(g, "n", weight, (erg_spectral_norm_options){.epsilon = -1}));
    REFUSES(g, "shape ()",
            erg_spectral_norm_new(g, "n", weight, (erg_spectral_norm_options){.training = wide}));
    REFUSES(g, "float64",
            erg_spectral_norm_new(g, "n", weight, (erg_spectral_norm_options){.training = other}));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("spectral_norm");
    TCase *norm = tcase_create("spectral norm");
    tcase_add_loop_test(norm, spectral_norm_is_as_pytorch, 0, COUNT(spectral));
    tcase_add_loop_test(norm, spectral_norm_finds_the_largest_singular_value, 0, 4);
    tcase_add_test(norm, residual_block_is_constrained);
    suite_add_tcase(suite, norm);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, spectral_norm_refuses_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

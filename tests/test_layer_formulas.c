/* test_layer_formulas.c: single layers against their formulas, written out with operations of the
 * graph or in plain C. */
#include "module_checks.h"

START_TEST(fourier_has_its_values) {
    const double points[] = {0.3, -0.7, 1.2, 0.4, 0, 0};
    erg_graph *g = erg_graph_new(4);
    erg_fourier *features =
        erg_fourier_new(g, "m", 2, 3, (erg_fourier_options){F64_OPTIONS, .scale = 2});
    ck_assert_str_eq(erg_node_name(features->frequencies), "m/frequencies");
    const double *f = erg_tensor_f64(erg_value(features->frequencies));
    erg_node *y = erg_fourier_apply(features, input_of(g, ERG_SHAPE(3, 2), points));
    check_shape(y, ERG_SHAPE(3, 6));
    double *values = elements_of(y);
    for (int b = 0; b < 3; b++)
        for (int k = 0; k < 3; k++) {
            double turns = f[2 * k] * points[2 * b] + f[2 * k + 1] * points[2 * b + 1];
            ck_assert_double_eq_tol(values[6 * b + k], cos(2 * M_PI * turns), 1e-13);
            ck_assert_double_eq_tol(values[6 * b + 3 + k], sin(2 * M_PI * turns), 1e-13);
        }
    free(values);
    int count;
    erg_params(g, "", &count);
    ck_assert_int_eq(count, 0); /* frequencies are not trained */
    /* The spread is what was asked for: the mean square of many is scale^2. */
    erg_fourier *many = erg_fourier_new(g, "n", 10, 200, (erg_fourier_options){.scale = 2});
    double square = 0;
    for (int i = 0; i < 2000; i++)
        square += pow(erg_tensor_get(erg_value(many->frequencies), i), 2) / 2000;
    ck_assert_double_lt(fabs(square - 4), CRITICAL_Z * 4 * sqrt(2 / 2000.0));
    erg_graph_free(g);
}
END_TEST

START_TEST(sinusoidal_has_its_values) {
    const double times[] = {0, 1, 2.5, 700};
    erg_graph *g = erg_graph_new(5);
    erg_node *y = erg_sinusoidal(input_of(g, ERG_SHAPE(4), times), 6, 0);
    check_shape(y, ERG_SHAPE(4, 6));
    double *values = elements_of(y);
    for (int b = 0; b < 4; b++)
        for (int i = 0; i < 3; i++) {
            double angle = times[b] / pow(10000, 2 * i / 6.0);
            ck_assert_double_eq_tol(values[6 * b + i], cos(angle), 1e-12);
            ck_assert_double_eq_tol(values[6 * b + 3 + i], sin(angle), 1e-12);
        }
    free(values);
    erg_graph_free(g);
}
END_TEST

/* (1 + gamma) x + beta by hand. */
START_TEST(film_has_its_values) {
    const double w[] = {0.5, 2, -1, 3}, b[] = {0.25, -0.5, 1, -2}, c[] = {2, -1};
    const double x[] = {1, 2, 3, 4, 5, 6, 7, 8};
    erg_graph *g = erg_graph_new(6);
    erg_film *layer = erg_film_new(g, "m", 1, 2, (erg_linear_options){F64_OPTIONS});
    memcpy(erg_value(layer->weight)->data, w, sizeof w);
    memcpy(erg_value(layer->bias)->data, b, sizeof b);
    for (int shared = 0; shared < 2; shared++) {
        erg_node *condition = input_of(g, ERG_SHAPE(shared ? 1 : 2, 1), c);
        double *values =
            elements_of(erg_film_apply(layer, input_of(g, ERG_SHAPE(2, 2, 2), x), condition));
        for (int i = 0; i < 8; i++) {
            int channel = i / 2 % 2;
            double given = c[shared ? 0 : i / 4];
            double gamma = w[channel] * given + b[channel];
            double beta = w[2 + channel] * given + b[2 + channel];
            ck_assert_double_eq_tol(values[i], (1 + gamma) * x[i] + beta, 1e-14);
        }
        free(values);
    }
    erg_graph_free(g);
}
END_TEST

/* conv2d with weight and bias from the names, padding 1 for 3 x 3 kernels. */
static erg_node *convolve(erg_graph *g, const char *weight, const char *bias, erg_node *x) {
    erg_node *w = param_of(g, weight);
    int64_t padding = erg_node_shape(w).dims[2] / 2;
    erg_node *y = erg_conv2d(x, w, (erg_conv2d_options){.padding = {padding, padding}});
    return erg_add(y, ERG_RESHAPE(param_of(g, bias), -1, 1, 1));
}

/* The blocks, written out with operations of the graph. */
START_TEST(residual_blocks_have_their_formula) {
    erg_graph *g = erg_graph_new(7);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(2, 2, 4, 6));
    fill(x, 1);
    erg_residual_block *same =
        erg_residual_block_new(g, "s", 2, 2, (erg_residual_options){F64_OPTIONS});
    erg_residual_block *down = erg_residual_block_new(
        g, "d", 2, 4, (erg_residual_options){F64_OPTIONS, .activation = ERG_TANH, .down = 1});
    erg_node *y = erg_residual_block_apply(same, x), *z = erg_residual_block_apply(down, x);
    check_shape(y, ERG_SHAPE(2, 2, 4, 6));
    check_shape(z, ERG_SHAPE(2, 4, 2, 3));
    ck_assert(!same->shortcut && !same->norm1 && !same->update);
    erg_node *h = convolve(g, "s/conv1/weight", "s/conv1/bias", erg_silu(x));
    h = erg_add(x, convolve(g, "s/conv2/weight", "s/conv2/bias", erg_silu(h)));
    ck_assert_double_lt(number_of(erg_norm(erg_sub(y, h), INFINITY, ERG_ALL, 0)), 1e-14);
    h = convolve(g, "d/conv1/weight", "d/conv1/bias", erg_tanh(x));
    h = convolve(g, "d/conv2/weight", "d/conv2/bias", erg_tanh(h));
    h = erg_add(convolve(g, "d/shortcut/weight", "d/shortcut/bias", x), h);
    h = erg_avg_pool2d(h, (erg_pool2d_options){.kernel = {2, 2}});
    ck_assert_double_lt(number_of(erg_norm(erg_sub(z, h), INFINITY, ERG_ALL, 0)), 1e-14);

    erg_residual_block *normed =
        erg_residual_block_new(g, "n", 2, 2, (erg_residual_options){F64_OPTIONS, .groups = 2});
    erg_group_norm norm1 = {param_of(g, "n/norm1/weight"), param_of(g, "n/norm1/bias"), 2, 2, 1e-5};
    erg_group_norm norm2 = {param_of(g, "n/norm2/weight"), param_of(g, "n/norm2/bias"), 2, 2, 1e-5};
    h = erg_silu(erg_group_norm_apply(&norm1, x));
    h = erg_silu(erg_group_norm_apply(&norm2, convolve(g, "n/conv1/weight", "n/conv1/bias", h)));
    h = erg_add(x, convolve(g, "n/conv2/weight", "n/conv2/bias", h));
    h = erg_sub(h, erg_residual_block_apply(normed, x));
    ck_assert_double_lt(number_of(erg_norm(h, INFINITY, ERG_ALL, 0)), 1e-14);

    erg_node *v = erg_input(g, "v", ERG_FLOAT64, ERG_SHAPE(2, 5, 3));
    fill(v, 2);
    erg_residual_linear *linear =
        erg_residual_linear_new(g, "l", 3, 4, (erg_mlp_options){F64_OPTIONS});
    erg_linear first = {param_of(g, "l/linear1/weight"), param_of(g, "l/linear1/bias")};
    erg_linear second = {param_of(g, "l/linear2/weight"), param_of(g, "l/linear2/bias")};
    h = erg_linear_apply(&second, erg_silu(erg_linear_apply(&first, erg_silu(v))));
    erg_node *off = erg_sub(erg_residual_linear_apply(linear, v), erg_add(v, h));
    ck_assert_double_lt(number_of(erg_norm(off, INFINITY, ERG_ALL, 0)), 1e-14);
    erg_graph_free(g);
}
END_TEST

/* Attention to a set: rows permuted before or after are the same. */
START_TEST(attention_is_equivariant) {
    const int order[] = {2, 0, 3, 1};
    erg_graph *g = erg_graph_new(9);
    erg_attention *layer = erg_attention_new(g, "m", 6, 3, (erg_attention_options){F64_OPTIONS});
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(2, 4, 6));
    erg_node *index = erg_input(g, "i", ERG_INT32, ERG_SHAPE(4));
    fill(x, 1);
    for (int i = 0; i < 4; i++)
        erg_tensor_set(erg_value(index), i, order[i]);
    erg_node *a = erg_take(erg_attention_apply(layer, x, NULL), index, 1);
    erg_node *b = erg_attention_apply(layer, erg_take(x, index, 1), NULL);
    ck_assert_double_lt(number_of(erg_norm(erg_sub(a, b), INFINITY, ERG_ALL, 0)), 1e-14);
    erg_node *not_the_same = erg_sub(b, erg_attention_apply(layer, x, NULL));
    ck_assert_double_gt(number_of(erg_norm(not_the_same, INFINITY, ERG_ALL, 0)), 1e-3);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("layer_formulas");
    TCase *single = tcase_create("single layers");
    tcase_add_test(single, fourier_has_its_values);
    tcase_add_test(single, sinusoidal_has_its_values);
    tcase_add_test(single, film_has_its_values);
    tcase_add_test(single, residual_blocks_have_their_formula);
    tcase_add_test(single, attention_is_equivariant);
    suite_add_tcase(suite, single);
    return run_suite(suite);
}

/* test_layers.c: every layer: against PyTorch, finite differences and the interpreter; the names,
 * the shapes and the first values of its params. */
#include "golden_checks.h"

/* ------------------------------------------------------------------------------- the layers */

static erg_node *convolution(erg_graph *g, erg_node *x) {
    return erg_convolution_apply(
        erg_convolution_new(g, "m", 4, 6,
                            (erg_convolution_options){F64_OPTIONS, .kernel = {3, 2},
                                                      .stride = {2, 1}, .padding = {1, 2},
                                                      .dilation = {1, 2}, .groups = 2}),
        x);
}

static erg_node *plain_convolution(erg_graph *g, erg_node *x) {
    return erg_convolution_apply(
        erg_convolution_new(g, "m", 2, 3,
                            (erg_convolution_options){F64_OPTIONS, .kernel = {3, 3}, .no_bias = 1}),
        x);
}

static erg_node *transposed(erg_graph *g, erg_node *x) {
    erg_convolution_options options = {
        F64_OPTIONS,       .kernel = {3, 2},         .stride = {2, 3},
        .padding = {1, 0}, .output_padding = {1, 2}, .dilation = {1, 1},
        .groups = 2,       .transposed = 1};
    return erg_convolution_apply(erg_convolution_new(g, "m", 4, 6, options), x);
}

static erg_node *layer_norm(erg_graph *g, erg_node *x) {
    return erg_layer_norm_apply(
        erg_layer_norm_new(g, "m", ERG_SHAPE(5), (erg_norm_options){F64_OPTIONS}), x);
}

static erg_node *layer_norm_of_two(erg_graph *g, erg_node *x) {
    erg_norm_options options = {F64_OPTIONS, .epsilon = 0.1};
    return erg_layer_norm_apply(erg_layer_norm_new(g, "m", ERG_SHAPE(4, 5), options), x);
}

static erg_node *bare_layer_norm(erg_graph *g, erg_node *x) {
    erg_norm_options options = {F64_OPTIONS, .no_affine = 1};
    return erg_layer_norm_apply(erg_layer_norm_new(g, "m", ERG_SHAPE(5), options), x);
}

static erg_node *group_norm(erg_graph *g, erg_node *x) {
    return erg_group_norm_apply(erg_group_norm_new(g, "m", 2, 4, (erg_norm_options){F64_OPTIONS}),
                                x);
}

static erg_node *group_norm_of_features(erg_graph *g, erg_node *x) {
    erg_norm_options options = {F64_OPTIONS, .epsilon = 0.01};
    return erg_group_norm_apply(erg_group_norm_new(g, "m", 2, 6, options), x);
}

static erg_node *instance_norm(erg_graph *g, erg_node *x) {
    erg_norm_options options = {F64_OPTIONS, .no_affine = 1};
    return erg_group_norm_apply(erg_group_norm_new(g, "m", 3, 3, options), x);
}

static erg_node *attend(erg_graph *g, erg_node *x, erg_node *mask) {
    return erg_attention_apply(
        erg_attention_new(g, "m", 6, 2, (erg_attention_options){F64_OPTIONS}), x, mask);
}

static erg_node *attention(erg_graph *g, erg_node *x) {
    return attend(g, x, NULL);
}

static erg_node *bare_attention(erg_graph *g, erg_node *x) {
    erg_attention_options options = {F64_OPTIONS, .no_bias = 1};
    return erg_attention_apply(erg_attention_new(g, "m", 6, 2, options), x, NULL);
}

static erg_node *causal_attention(erg_graph *g, erg_node *x) {
    const double visible[] = {1, 0, 0, 1, 1, 0, 1, 1, 1};
    return attend(g, x, erg_attention_mask(input_of(g, ERG_SHAPE(3, 3), visible)));
}

static erg_node *padded_attention(erg_graph *g, erg_node *x) {
    const double visible[] = {1, 1, 0, 1, 1, 1};
    return attend(g, x, erg_attention_mask(input_of(g, ERG_SHAPE(2, 1, 3), visible)));
}

static erg_node *embedding(erg_graph *g, erg_node *x) {
    const int indices[] = {0, 4, 2, 2, 1, 0};
    (void)x;
    erg_node *index = erg_input(g, NULL, ERG_INT32, ERG_SHAPE(3, 2));
    for (int i = 0; i < 6; i++)
        erg_tensor_set(erg_value(index), i, indices[i]);
    return erg_embedding_apply(
        erg_embedding_new(g, "m", 5, 3, (erg_embedding_options){F64_OPTIONS}), index);
}

static erg_node *fourier(erg_graph *g, erg_node *x) {
    erg_fourier_options options = {F64_OPTIONS, .scale = 0.3};
    return erg_fourier_apply(erg_fourier_new(g, "m", 2, 3, options), x);
}

static erg_node *sinusoidal(erg_graph *g, erg_node *x) {
    (void)g;
    return erg_sinusoidal(x, 6, 50);
}

static erg_node *film(erg_graph *g, erg_node *x) {
    erg_node *condition = input_of(g, ERG_SHAPE(2, 3), (double[]){0.3, -1, 0.5, 2, 0.1, -0.4});
    return erg_film_apply(erg_film_new(g, "m", 3, 4, (erg_linear_options){F64_OPTIONS}), x,
                          condition);
}

static erg_node *residual_linear(erg_graph *g, erg_node *x) {
    erg_mlp_options options = {F64_OPTIONS, .activation = ERG_TANH};
    return erg_residual_linear_apply(erg_residual_linear_new(g, "m", 3, 4, options), x);
}

static erg_node *residual_block(erg_graph *g, erg_node *x) {
    erg_residual_options options = {F64_OPTIONS, .activation = ERG_SILU};
    return erg_residual_block_apply(erg_residual_block_new(g, "m", 2, 2, options), x);
}

static erg_node *residual_block_down(erg_graph *g, erg_node *x) {
    erg_residual_options options = {F64_OPTIONS, .activation = ERG_SOFTPLUS, .groups = 2,
                                    .down = 1};
    return erg_residual_block_apply(erg_residual_block_new(g, "m", 2, 4, options), x);
}

static const struct {
    const char *name;
    erg_shape shape; /* of x */
    erg_node *(*build)(erg_graph *g, erg_node *x);
    bool has_golden, no_x;
} layers[] = {
    {"convolution", {4, {2, 4, 5, 6}}, convolution, true, false},
    {"convolution without bias", {4, {1, 2, 4, 4}}, plain_convolution, true, false},
    {"transposed convolution", {4, {2, 4, 3, 2}}, transposed, true, false},
    {"layer norm", {3, {3, 4, 5}}, layer_norm, true, false},
    {"layer norm of two axes", {3, {3, 4, 5}}, layer_norm_of_two, true, false},
    {"layer norm without affine", {2, {3, 5}}, bare_layer_norm, true, false},
    {"group norm", {4, {2, 4, 3, 2}}, group_norm, true, false},
    {"group norm of features", {2, {3, 6}}, group_norm_of_features, true, false},
    {"instance norm", {4, {2, 3, 2, 2}}, instance_norm, true, false},
    {"attention", {3, {2, 3, 6}}, attention, true, false},
    {"attention without bias", {3, {2, 3, 6}}, bare_attention, true, false},
    {"causal attention", {3, {2, 3, 6}}, causal_attention, true, false},
    {"padded attention", {3, {2, 3, 6}}, padded_attention, true, false},
    {"embedding", {1, {1}}, embedding, true, true},
    {"fourier", {2, {3, 2}}, fourier, false, false},
    {"sinusoidal", {1, {4}}, sinusoidal, false, false},
    {"film", {3, {2, 4, 3}}, film, false, false},
    {"residual linear", {2, {3, 3}}, residual_linear, false, false},
    {"residual block", {4, {1, 2, 3, 4}}, residual_block, false, false},
    {"residual block down", {4, {1, 2, 5, 4}}, residual_block_down, false, false},
};

/* A layer with numbers in x and the params. */
static erg_node *build_layer(erg_graph *g, int i, erg_node **leaves, int *count) {
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, layers[i].shape);
    erg_node *y = layers[i].build(g, x);
    ck_assert_msg(y != NULL, "%s: %s", layers[i].name, erg_graph_error(g));
    *count = leaves_of(g, layers[i].no_x ? NULL : x, leaves);
    for (int k = 0; k < *count; k++)
        fill(leaves[k], 1 + k);
    return y;
}

START_TEST(layer_is_as_pytorch) {
    erg_graph *g = erg_graph_new(1);
    erg_node *leaves[MOST_LEAVES];
    int count;
    erg_node *y = build_layer(g, _i, leaves, &count);
    if (layers[_i].has_golden)
        check_golden(layers[_i].name, y, leaves, count);
    erg_graph_free(g);
}
END_TEST

START_TEST(layer_has_true_derivatives) {
    erg_graph *g = erg_graph_new(1);
    erg_node *leaves[MOST_LEAVES];
    int count;
    erg_node *y = build_layer(g, _i, leaves, &count);
    check_derivatives(layers[_i].name, y, leaves, count, 3);
    erg_graph_free(g);
}
END_TEST

START_TEST(layer_runs_as_interpreted) {
    erg_graph *g = erg_graph_new(1);
    erg_node *leaves[MOST_LEAVES];
    int count;
    erg_node *y = build_layer(g, _i, leaves, &count);
    check_plan(layers[_i].name, y, leaves, count);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- params */

static const struct {
    const char *layer;
    int count;
    struct {
        const char *name;
        erg_shape shape;
        double uniform, normal; /* first values: the bound or the spread; both 0: `constant` */
        double constant;
    } params[4];
} params[] = {
    {"convolution",
     2,
     {{"m/weight", {4, {6, 2, 3, 2}}, 0.28867513459481287, 0, 0},
      {"m/bias", {1, {6}}, 0.28867513459481287, 0, 0}}},
    {"convolution without bias", 1, {{"m/weight", {4, {3, 2, 3, 3}}, 0.23570226039551584, 0, 0}}},
    {"transposed convolution",
     2,
     {{"m/weight", {4, {4, 3, 3, 2}}, 0.23570226039551584, 0, 0},
      {"m/bias", {1, {6}}, 0.23570226039551584, 0, 0}}},
    {"layer norm", 2, {{"m/weight", {1, {5}}, 0, 0, 1}, {"m/bias", {1, {5}}, 0, 0, 0}}},
    {"layer norm without affine", 0, {{0}}},
    {"group norm", 2, {{"m/weight", {1, {4}}, 0, 0, 1}, {"m/bias", {1, {4}}, 0, 0, 0}}},
    {"attention",
     4,
     {{"m/in_proj_weight", {2, {18, 6}}, 0.5, 0, 0},
      {"m/in_proj_bias", {1, {18}}, 0, 0, 0},
      {"m/out_proj/weight", {2, {6, 6}}, 0.40824829046386302, 0, 0},
      {"m/out_proj/bias", {1, {6}}, 0, 0, 0}}},
    {"attention without bias",
     2,
     {{"m/in_proj_weight", {2, {18, 6}}, 0.5, 0, 0},
      {"m/out_proj/weight", {2, {6, 6}}, 0.40824829046386302, 0, 0}}},
    {"embedding", 1, {{"m/weight", {2, {5, 3}}, 0, 1, 0}}},
    {"film",
     2,
     {{"m/weight", {2, {8, 3}}, 0.57735026918962576, 0, 0},
      {"m/bias", {1, {8}}, 0.57735026918962576, 0, 0}}},
};

/* Uniform numbers keep their bound and come near it, many of them very near; normal ones pass it. The
 * exact distributions are test_nn's subject. */
static void check_first(const char *name, const erg_tensor *values, double uniform, double normal,
                        double constant) {
    double largest = 0;
    for (int64_t i = 0; i < erg_tensor_size(values); i++)
        largest = fmax(largest, fabs(erg_tensor_get(values, i)));
    double least = erg_tensor_size(values) > 50 ? 0.9 : 0.5;
    if (uniform > 0)
        ck_assert_msg(largest <= uniform && largest > least * uniform, "%s: %g", name, largest);
    else if (normal > 0)
        ck_assert_msg(largest > normal && largest < 4 * normal, "%s: %g", name, largest);
    else
        for (int64_t i = 0; i < erg_tensor_size(values); i++)
            ck_assert_double_eq(erg_tensor_get(values, i), constant);
}

START_TEST(layer_has_its_params) {
    int i = 0;
    while (strcmp(layers[i].name, params[_i].layer) != 0)
        ck_assert_int_lt(++i, COUNT(layers));
    erg_graph *g = erg_graph_new(2);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, layers[i].shape);
    ck_assert_ptr_nonnull(layers[i].build(g, x));
    int count;
    erg_node **found = erg_params(g, "", &count);
    ck_assert_int_eq(count, params[_i].count);
    for (int k = 0; k < count; k++) {
        const char *name = params[_i].params[k].name;
        ck_assert_str_eq(erg_node_name(found[k]), name);
        check_shape(found[k], params[_i].params[k].shape);
        check_first(name, erg_value(found[k]), params[_i].params[k].uniform,
                    params[_i].params[k].normal, params[_i].params[k].constant);
    }
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("layers");
    TCase *every = tcase_create("every layer");
    tcase_add_loop_test(every, layer_is_as_pytorch, 0, COUNT(layers));
    tcase_add_loop_test(every, layer_has_true_derivatives, 0, COUNT(layers));
    tcase_add_loop_test(every, layer_runs_as_interpreted, 0, COUNT(layers));
    tcase_add_loop_test(every, layer_has_its_params, 0, COUNT(params));
    suite_add_tcase(suite, every);
    return run_suite(suite);
}

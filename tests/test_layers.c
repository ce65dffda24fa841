/* test_layers.c: layers against PyTorch, closed forms, finite differences and the interpreter. */
#include "module_checks.h"

enum { MOST_SUMS = 11 };

typedef struct golden {
    const char *name;
    double sums[MOST_SUMS]; /* of what derive() gives */
} golden;
#include "golden_layers.h"

static double checksum(const erg_tensor *t) {
    double sum = 0;
    for (int64_t i = 0; i < erg_tensor_size(t); i++)
        sum += erg_tensor_get(t, i) * cos(0.3 * (double)i);
    return sum;
}

static const golden *golden_of(const char *name) {
    for (int i = 0; i < COUNT(golden_layers); i++)
        if (strcmp(golden_layers[i].name, name) == 0)
            return &golden_layers[i];
    ck_abort_msg("no golden \"%s\"", name);
    return NULL;
}

static void check_sum(const char *name, int number, double sum, double expected) {
    ck_assert_msg(fabs(sum - expected) <= 1e-10 * fmax(1, fabs(expected)),
                  "%s: sum number %d is %.17g, not %.17g", name, number, sum, expected);
}

/* True if y and its derivatives have the golden's sums. */
static void check_golden(const char *name, erg_node *y, erg_node *const *leaves, int count) {
    erg_node *nodes[1 + 2 * MOST_LEAVES];
    ck_assert_int_le(1 + 2 * count, MOST_SUMS);
    derive(y, leaves, count, nodes);
    erg_plan *plan = erg_compile(nodes, 1 + 2 * count);
    ck_assert_msg(plan != NULL, "%s: %s", name, erg_error_message());
    erg_run(plan);
    for (int k = 0; k < 1 + 2 * count; k++)
        check_sum(name, k, checksum(erg_output(plan, k)), golden_of(name)->sums[k]);
    erg_plan_free(plan);
}

/* ------------------------------------------------------------------------------- the layers */

#define F64_OPTIONS .dtype = ERG_FLOAT64

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

/* ------------------------------------------------------------------------------- activations */

static const struct {
    const char *name;
    erg_activation activation;
} activations[] = {
    {"silu", ERG_SILU},
    {"relu", ERG_RELU},
    {"leaky_relu", ERG_LEAKY_RELU},
    {"elu", ERG_ELU},
    {"selu", ERG_SELU},
    {"gelu", ERG_GELU},
    {"gelu_tanh", ERG_GELU_TANH},
    {"mish", ERG_MISH},
    {"tanh", ERG_TANH},
    {"sigmoid", ERG_SIGMOID},
    {"log_sigmoid", ERG_LOG_SIGMOID},
    {"softplus", ERG_SOFTPLUS},
    {"softsign", ERG_SOFTSIGN},
    {"hard_tanh", ERG_HARD_TANH},
    {"hard_sigmoid", ERG_HARD_SIGMOID},
    {"hard_swish", ERG_HARD_SWISH},
    {"identity", ERG_IDENTITY},
};

static void check_activation(const char *name, erg_node *(*f)(int which, erg_node *x), int which) {
    erg_graph *g = erg_graph_new(1);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(15));
    fill(x, 1);
    for (int i = 0; i < 15; i++)
        erg_tensor_set(erg_value(x), i, 4 * erg_tensor_get(erg_value(x), i));
    erg_node *y = f(which, x);
    check_golden(name, y, &x, 1);
    check_derivatives(name, y, &x, 1, 3);
    check_plan(name, y, &x, 1);
    erg_graph_free(g);
}

static erg_node *activate(int which, erg_node *x) {
    return erg_activate((erg_activation)which, x);
}

static erg_node *with_parameter(int which, erg_node *x) {
    return which ? erg_softplus_beta(x, 2.5) : erg_celu(x, 0.5);
}

START_TEST(activation_is_as_pytorch) {
    check_activation(activations[_i].name, activate, (int)activations[_i].activation);
}
END_TEST

START_TEST(activation_with_parameter_is_as_pytorch) {
    check_activation(_i ? "softplus, 2.5" : "celu, 0.5", with_parameter, _i);
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

/* ------------------------------------------------------------------------------- spectral norm */

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

/* ------------------------------------------------------------------------------- dropout */

enum { DROPPED = 4000 };

START_TEST(dropout_drops_and_scales) {
    const double rates[] = {0.1, 0.5, 0.8};
    erg_graph *g = erg_graph_new(3);
    double rate = rates[_i];
    erg_node *x = erg_full(g, ERG_FLOAT64, ERG_SHAPE(DROPPED), 3);
    erg_node *given = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(DROPPED));
    erg_node *training = number_input(g, 1), *y = erg_dropout(given, rate, training);
    erg_node *outputs[] = {y, erg_gradient(y, given), erg_dropout(x, rate, NULL)};
    erg_tensor_fill(erg_value(given), 3);
    erg_plan *plan = erg_compile(outputs, 3);
    erg_run(plan);
    int kept[2] = {0}, both = 0;
    for (int i = 0; i < DROPPED; i++) {
        double value = erg_tensor_get(erg_output(plan, 0), i);
        double other = erg_tensor_get(erg_output(plan, 2), i);
        ck_assert(value == 0 || fabs(value - 3 / (1 - rate)) < 1e-12);
        ck_assert_double_eq_tol(erg_tensor_get(erg_output(plan, 1), i), value / 3, 1e-12);
        kept[0] += value != 0;
        kept[1] += other != 0;
        both += value != 0 && other != 0;
    }
    double p = 1 - rate, spread = sqrt(DROPPED * p * rate);
    for (int k = 0; k < 2; k++)
        ck_assert_double_lt(fabs(kept[k] - DROPPED * p), CRITICAL_Z * spread);
    /* Two masks are independent, and each run has its own. */
    ck_assert_double_lt(fabs(both - DROPPED * p * p),
                        CRITICAL_Z * sqrt(DROPPED * p * p * (1 - p * p)));
    erg_tensor *before = erg_tensor_clone(erg_output(plan, 0));
    erg_run(plan);
    ck_assert_double_gt(distance(erg_output(plan, 0), before), 0.1);
    /* Evaluation: x, to the bit. */
    erg_tensor_fill(erg_value(training), 0);
    erg_run(plan);
    for (int i = 0; i < DROPPED; i++) {
        ck_assert_double_eq(erg_tensor_get(erg_output(plan, 0), i), 3);
        ck_assert_double_eq(erg_tensor_get(erg_output(plan, 1), i), 1);
    }
    ck_assert_ptr_eq(erg_dropout(given, 0, NULL), given);
    erg_tensor_free(before);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- closed forms */

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

static erg_node *param_of(erg_graph *g, const char *name) {
    erg_node *param = erg_find(g, name);
    ck_assert_msg(param != NULL, "no param \"%s\"", name);
    return param;
}

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

/* ------------------------------------------------------------------------------- misuse */

START_TEST(makers_refuse_misuse) {
    const erg_convolution_options three = {.kernel = {3, 3}};
    const erg_norm_options norm = {0};
    erg_graph *g = erg_graph_new(0);
    ck_assert_ptr_null(erg_convolution_new(NULL, "c", 1, 1, three));
    ck_assert_ptr_null(erg_attention_new(NULL, "a", 4, 2, (erg_attention_options){0}));
    ck_assert_ptr_null(erg_layer_norm_new(NULL, "n", ERG_SHAPE(3), norm));
    ck_assert_ptr_null(erg_residual_block_new(NULL, "n", 3, 3, (erg_residual_options){0}));
    REFUSES(g, "0 to 3 channels", erg_convolution_new(g, "c", 0, 3, three));
    REFUSES(g, "kernel of 0 x 3",
            erg_convolution_new(g, "c", 1, 1, (erg_convolution_options){.kernel = {0, 3}}));
    REFUSES(g, "2 groups do not divide 3",
            erg_convolution_new(g, "c", 3, 4,
                                (erg_convolution_options){.kernel = {3, 3}, .groups = 2}));
    REFUSES(g, "groups",
            erg_convolution_new(g, "c", 3, 3,
                                (erg_convolution_options){.kernel = {3, 3}, .groups = -1}));
    REFUSES(g, "large", erg_convolution_new(g, "c", INT64_MAX / 4, INT64_MAX / 4, three));
    REFUSES(g, "name", erg_convolution_new(g, NULL, 1, 1, three));
    REFUSES(g, "one or more axes", erg_layer_norm_new(g, "n", ERG_SCALAR, norm));
    REFUSES(g, "size", erg_layer_norm_new(g, "n", ERG_SHAPE(3, 0), norm));
    REFUSES(g, "epsilon -1",
            erg_layer_norm_new(g, "n", ERG_SHAPE(3), (erg_norm_options){.epsilon = -1}));
    REFUSES(g, "epsilon", erg_group_norm_new(g, "n", 1, 3, (erg_norm_options){.epsilon = NAN}));
    REFUSES(g, "2 groups of 3", erg_group_norm_new(g, "n", 2, 3, norm));
    REFUSES(g, "0 groups", erg_group_norm_new(g, "n", 0, 3, norm));
    REFUSES(g, "3 heads", erg_attention_new(g, "a", 4, 3, (erg_attention_options){0}));
    REFUSES(g, "too large", erg_attention_new(g, "a", INT64_MAX, 1, (erg_attention_options){0}));
    REFUSES(g, "0 vectors", erg_embedding_new(g, "e", 0, 3, (erg_embedding_options){0}));
    REFUSES(g, "float",
            erg_embedding_new(g, "e", 3, 3, (erg_embedding_options){.dtype = ERG_INT32}));
    REFUSES(g, "0 inputs", erg_fourier_new(g, "f", 0, 3, (erg_fourier_options){0}));
    REFUSES(g, "spread", erg_fourier_new(g, "g", 1, 3, (erg_fourier_options){.scale = -1}));
    REFUSES(g, "0 channels", erg_film_new(g, "f", 3, 0, (erg_linear_options){0}));
    REFUSES(g, "channels", erg_film_new(g, "f", 3, INT64_MAX, (erg_linear_options){0}));
    REFUSES(g, "at \"r\"", erg_residual_block_new(g, "r", 0, 3, (erg_residual_options){0}));
    REFUSES(g, "3 groups of 4",
            erg_residual_block_new(g, "r", 4, 3, (erg_residual_options){.groups = 3}));
    REFUSES(g, "0 to 3", erg_residual_linear_new(g, "r", 0, 3, (erg_mlp_options){0}));
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

START_TEST(layers_refuse_misuse) {
    const erg_linear_options linear = {0};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = erg_input(g, "x", ERG_FLOAT32, ERG_SHAPE(2, 4)), *none = NULL;
    erg_node *images = erg_input(g, "images", ERG_FLOAT32, ERG_SHAPE(2, 4, 3, 3));
    erg_node *sets = erg_input(g, "sets", ERG_FLOAT32, ERG_SHAPE(2, 3, 4));
    REFUSES(g, "no layer", erg_convolution_apply(NULL, x));
    REFUSES(g, "no layer", erg_layer_norm_apply(NULL, x));
    REFUSES(g, "no layer", erg_group_norm_apply(NULL, x));
    REFUSES(g, "no layer", erg_attention_apply(NULL, x, NULL));
    REFUSES(g, "no layer", erg_embedding_apply(NULL, x));
    REFUSES(g, "no layer", erg_fourier_apply(NULL, x));
    REFUSES(g, "no layer", erg_film_apply(NULL, x, x));
    REFUSES(g, "no block", erg_residual_linear_apply(NULL, x));
    REFUSES(g, "no block", erg_residual_block_apply(NULL, x));
    REFUSES(g, "rate of 1", erg_dropout(x, 1, NULL));
    REFUSES(g, "rate of -0.5", erg_dropout(x, -0.5, NULL));
    REFUSES(g, "shape ()", erg_dropout(x, 0.5, x));
    REFUSES(g, "alpha 0", erg_celu(x, 0));
    REFUSES(g, "beta -1", erg_softplus_beta(x, -1));
    REFUSES(g, "width of 3", erg_sinusoidal(x, 3, 0));
    REFUSES(g, "period of -2", erg_sinusoidal(x, 4, -2));

    erg_layer_norm *norm = erg_layer_norm_new(g, "n", ERG_SHAPE(3), (erg_norm_options){0});
    REFUSES(g, "layer_norm: x is (2, 4), must be (B, ...) and end in (3)",
            erg_layer_norm_apply(norm, x));
    REFUSES(g, "end in (3)",
            erg_layer_norm_apply(norm, erg_input(g, NULL, ERG_FLOAT32, ERG_SHAPE(3))));
    erg_group_norm *group = erg_group_norm_new(g, "g", 1, 3, (erg_norm_options){0});
    REFUSES(g, "group_norm: x is (2, 4), must be (B, 3, ...)", erg_group_norm_apply(group, x));
    erg_attention *attention = erg_attention_new(g, "a", 4, 2, (erg_attention_options){0});
    REFUSES(g, "attention: x is (2, 4), must be (B, N, 4)",
            erg_attention_apply(attention, x, NULL));
    REFUSES(g, "the mask is (2, 4), must fit (2, 3, 3)", erg_attention_apply(attention, sets, x));
    REFUSES(g, "the mask is (2, 3, 4)", erg_attention_apply(attention, sets, sets));
    REFUSES(g, "the mask is (2, 4, 3, 3)", erg_attention_apply(attention, sets, images));
    erg_film *film = erg_film_new(g, "f", 4, 5, linear);
    REFUSES(g, "film: x is (2, 4), must be (B, 5, ...)", erg_film_apply(film, x, x));
    erg_film *fitting = erg_film_new(g, "h", 4, 4, linear);
    REFUSES(g, "0 conditions for 2", erg_film_apply(fitting, x, images));
    REFUSES(g, "3 conditions for 2",
            erg_film_apply(fitting, x, erg_input(g, NULL, ERG_FLOAT32, ERG_SHAPE(3, 4))));
    REFUSES(g, "3", erg_film_apply(fitting, x, erg_input(g, NULL, ERG_FLOAT32, ERG_SHAPE(2, 3))));
    erg_convolution *convolution =
        erg_convolution_new(g, "c", 3, 1, (erg_convolution_options){.kernel = {3, 3}});
    REFUSES(g, "conv2d", erg_convolution_apply(convolution, images));
    erg_embedding *embedding = erg_embedding_new(g, "e", 3, 3, (erg_embedding_options){0});
    REFUSES(g, "int32", erg_embedding_apply(embedding, x));
    erg_node *ignored[] = {erg_layer_norm_apply(norm, none),
                           erg_group_norm_apply(group, none),
                           erg_attention_apply(attention, none, none),
                           erg_film_apply(film, none, none),
                           erg_film_apply(fitting, x, none),
                           erg_dropout(none, 0.5, none),
                           erg_attention_mask(none),
                           erg_sinusoidal(none, 4, 0),
                           erg_mish(none),
                           erg_selu(none),
                           erg_softsign(none),
                           erg_hard_swish(none)};
    for (int i = 0; i < COUNT(ignored); i++)
        ck_assert_msg(ignored[i] == NULL, "number %d", i);
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
    TCase *functions = tcase_create("activations");
    tcase_add_loop_test(functions, activation_is_as_pytorch, 0, COUNT(activations));
    tcase_add_loop_test(functions, activation_with_parameter_is_as_pytorch, 0, 2);
    suite_add_tcase(suite, functions);
    TCase *norm = tcase_create("spectral norm");
    tcase_add_loop_test(norm, spectral_norm_is_as_pytorch, 0, COUNT(spectral));
    tcase_add_loop_test(norm, spectral_norm_finds_the_largest_singular_value, 0, 4);
    tcase_add_test(norm, residual_block_is_constrained);
    suite_add_tcase(suite, norm);
    TCase *single = tcase_create("single layers");
    tcase_add_loop_test(single, dropout_drops_and_scales, 0, 3);
    tcase_add_test(single, fourier_has_its_values);
    tcase_add_test(single, sinusoidal_has_its_values);
    tcase_add_test(single, film_has_its_values);
    tcase_add_test(single, residual_blocks_have_their_formula);
    tcase_add_test(single, attention_is_equivariant);
    suite_add_tcase(suite, single);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, makers_refuse_misuse);
    tcase_add_test(misuse, spectral_norm_refuses_misuse);
    tcase_add_test(misuse, layers_refuse_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

/* test_nn.c: layers, activations and first values of weights. */
#include "modules.h"

/* ------------------------------------------------------------------------------- linear, MLP */

/* y = x W^T + b with numbers small enough to do in the head. */
START_TEST(linear_computes_x_wt_plus_b) {
    const double weight[] = {1, 2, 3, -1, 0, 1}, bias[] = {10, 20};
    const double x[] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1};
    const double expected[] = {11, 19, 12, 20, 13, 21, 16, 20};
    for (int with_bias = 0; with_bias < 2; with_bias++) {
        erg_graph *g = erg_graph_new(1);
        erg_linear *linear = erg_linear_new(
            g, "layer", 3, 2, (erg_linear_options){.dtype = ERG_FLOAT64, .no_bias = !with_bias});
        ck_assert_ptr_nonnull(linear);
        memcpy(erg_value(linear->weight)->data, weight, sizeof weight);
        if (with_bias)
            memcpy(erg_value(linear->bias)->data, bias, sizeof bias);
        else
            ck_assert_ptr_null(linear->bias);
        erg_node *y = erg_linear_apply(linear, input_of(g, ERG_SHAPE(2, 2, 3), x));
        check_shape(y, ERG_SHAPE(2, 2, 2));
        double *values = elements_of(y);
        for (int i = 0; i < 8; i++)
            ck_assert_double_eq(values[i], expected[i] - (with_bias ? 0 : bias[i % 2]));
        free(values);
        erg_graph_free(g);
    }
}
END_TEST

static const struct {
    int n_sizes;
    int64_t sizes[4];
    int64_t elements; /* of all params */
} mlps[] = {
    {2, {3, 2}, 8},
    {3, {2, 8, 1}, 33},
    {4, {2, 8, 3, 1}, 55},
    {4, {2, 128, 128, 1}, 17025},
};

START_TEST(mlp_has_its_params) {
    for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
        erg_graph *g = erg_graph_new(2);
        erg_mlp *mlp = erg_mlp_new(g, "energy", mlps[_i].sizes, mlps[_i].n_sizes,
                                   (erg_mlp_options){.dtype = dtype});
        ck_assert_ptr_nonnull(mlp);
        int count;
        erg_node **params = erg_params(g, "energy/", &count);
        ck_assert_int_eq(count, 2 * (mlps[_i].n_sizes - 1));
        int64_t elements = 0;
        for (int k = 0; k < count; k++) {
            char name[64];
            snprintf(name, sizeof name, "energy/%d/%s", k / 2, k % 2 ? "bias" : "weight");
            ck_assert_str_eq(erg_node_name(params[k]), name);
            ck_assert_int_eq(erg_node_dtype(params[k]), dtype);
            elements += erg_shape_size(erg_node_shape(params[k]));
        }
        ck_assert_int_eq(elements, mlps[_i].elements);
        check_shape(params[0], ERG_SHAPE(mlps[_i].sizes[1], mlps[_i].sizes[0]));
        erg_node *x = erg_input(g, "x", dtype, ERG_SHAPE(5, mlps[_i].sizes[0]));
        check_shape(erg_mlp_apply(mlp, x), ERG_SHAPE(5, mlps[_i].sizes[mlps[_i].n_sizes - 1]));
        ck_assert_str_eq(erg_node_name(x), "x");
        erg_graph_free(g);
    }
}
END_TEST

/* v . tanh(W x + b) + c, written out. */
START_TEST(mlp_computes_its_formula) {
    const double points[] = {0.3, -0.7, 1.2, 0.4, 0, 0};
    erg_graph *g = erg_graph_new(3);
    erg_mlp *mlp = erg_mlp_new(g, "energy", (int64_t[]){2, 4, 1}, 3,
                               (erg_mlp_options){.dtype = ERG_FLOAT64, .activation = ERG_TANH});
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), points);
    erg_node *e = erg_energy_apply((erg_energy){erg_mlp_energy, mlp}, x);
    check_shape(e, ERG_SHAPE(3));
    const double *w = erg_tensor_f64(erg_value(erg_find(g, "energy/0/weight")));
    const double *b = erg_tensor_f64(erg_value(erg_find(g, "energy/0/bias")));
    const double *v = erg_tensor_f64(erg_value(erg_find(g, "energy/1/weight")));
    const double *c = erg_tensor_f64(erg_value(erg_find(g, "energy/1/bias")));
    double *values = elements_of(e);
    for (int i = 0; i < 3; i++) {
        double sum = c[0];
        for (int j = 0; j < 4; j++)
            sum += v[j] * tanh(w[2 * j] * points[2 * i] + w[2 * j + 1] * points[2 * i + 1] + b[j]);
        ck_assert_double_eq_tol(values[i], sum, 1e-14);
    }
    free(values);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- activations */

static double silu(double x) {
    return x / (1 + exp(-x));
}
static double relu(double x) {
    return x > 0 ? x : 0;
}
static double leaky_relu(double x) {
    return x > 0 ? x : 0.01 * x;
}
static double elu(double x) {
    return x > 0 ? x : expm1(x);
}
static double gelu(double x) {
    return x * normal_cdf(x);
}
static double gelu_tanh(double x) {
    return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}
static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}
static double softplus(double x) {
    return log1p(exp(x));
}
static double identity(double x) {
    return x;
}

static const struct {
    erg_activation activation;
    double (*f)(double);
    int orders; /* of derivatives checked by differences: 1 where there is a kink */
} activations[] = {
    {ERG_SILU, silu, 3},         {ERG_RELU, relu, 1},       {ERG_LEAKY_RELU, leaky_relu, 1},
    {ERG_ELU, elu, 1},           {ERG_GELU, gelu, 3},       {ERG_GELU_TANH, gelu_tanh, 3},
    {ERG_TANH, tanh, 3},         {ERG_SIGMOID, sigmoid, 3}, {ERG_SOFTPLUS, softplus, 3},
    {ERG_IDENTITY, identity, 3},
};

START_TEST(activation_has_its_values) {
    const double points[] = {-6, -2, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 2, 6};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(COUNT(points)), points);
    double *values = elements_of(erg_activate(activations[_i].activation, x));
    for (int i = 0; i < COUNT(points); i++)
        ck_assert_double_eq_tol(values[i], activations[_i].f(points[i]), 2e-15);
    free(values);
    erg_graph_free(g);
}
END_TEST

START_TEST(mlp_energy_has_true_derivatives) {
    const double points[] = {0.31, -0.72, 1.23, 0.44, -0.95, 0.16};
    erg_graph *g = erg_graph_new(4);
    erg_mlp *mlp = erg_mlp_new(g, "energy", (int64_t[]){2, 4, 3, 1}, 4,
                               (erg_mlp_options){.dtype = ERG_FLOAT64,
                                                 .activation = activations[_i].activation,
                                                 .init = ERG_INIT_XAVIER_NORMAL});
    erg_node *xs[7] = {input_of(g, ERG_SHAPE(3, 2), points)};
    int count;
    erg_node **params = erg_params(g, "energy/", &count);
    ck_assert_int_eq(count, 6);
    memcpy(xs + 1, params, 6 * sizeof *xs);
    erg_node *e = erg_energy_apply((erg_energy){erg_mlp_energy, mlp}, xs[0]);
    erg_gradcheck_result result;
    erg_gradcheck_options options = {.order = activations[_i].orders, .seed = 5};
    erg_status status = erg_gradcheck(e, xs, 7, options, &result);
    ck_assert_msg(status == ERG_OK, "%s", result.message);
    ck_assert_int_ge((int)result.element, 0);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- first values */

/* The spread that each initialisation documents for fan_in and fan_out: the bound of a uniform
 * distribution, the standard deviation of a normal one. */
static double fan_in_bound(double in, double out, double gain) {
    (void)out, (void)gain;
    return 1 / sqrt(in);
}
static double kaiming_bound(double in, double out, double gain) {
    (void)out;
    return (gain != 0 ? gain : sqrt(2)) * sqrt(3 / in);
}
static double kaiming_std(double in, double out, double gain) {
    (void)out;
    return (gain != 0 ? gain : sqrt(2)) / sqrt(in);
}
static double xavier_bound(double in, double out, double gain) {
    return (gain != 0 ? gain : 1) * sqrt(6 / (in + out));
}
static double xavier_std(double in, double out, double gain) {
    return (gain != 0 ? gain : 1) * sqrt(2 / (in + out));
}

static const struct {
    erg_init init;
    bool uniform;
    double (*spread)(double in, double out, double gain);
    double gain;
} inits[] = {
    {ERG_INIT_FAN_IN, true, fan_in_bound, 0},
    {ERG_INIT_KAIMING_UNIFORM, true, kaiming_bound, 0},
    {ERG_INIT_KAIMING_UNIFORM, true, kaiming_bound, 1},
    {ERG_INIT_KAIMING_NORMAL, false, kaiming_std, 0},
    {ERG_INIT_KAIMING_NORMAL, false, kaiming_std, 0.5},
    {ERG_INIT_XAVIER_UNIFORM, true, xavier_bound, 0},
    {ERG_INIT_XAVIER_UNIFORM, true, xavier_bound, 3},
    {ERG_INIT_XAVIER_NORMAL, false, xavier_std, 0},
    {ERG_INIT_XAVIER_NORMAL, false, xavier_std, 2},
};

/* The numbers have mean 0 and the variance of the distribution: z tests with the exact variances
 * of x (s^2, or b^2 / 3) and of x^2 (2 s^4, or 4 b^4 / 45); uniform ones also keep their bound. */
static bool fits(const erg_tensor *values, bool uniform, double spread) {
    double n = (double)erg_tensor_size(values), sum = 0, squares = 0, largest = 0;
    for (int64_t i = 0; i < erg_tensor_size(values); i++) {
        double x = erg_tensor_get(values, i);
        sum += x;
        squares += x * x;
        largest = fmax(largest, fabs(x));
    }
    double variance = spread * spread / (uniform ? 3 : 1);
    double variance_of_square = pow(spread, 4) * (uniform ? 4.0 / 45 : 2);
    double z_mean = sum / sqrt(n * variance);
    double z_variance = (squares - n * variance) / sqrt(n * variance_of_square);
    bool bounded = !uniform || (largest <= spread * (1 + 1e-6) && largest > 0.99 * spread);
    return fabs(z_mean) < CRITICAL_Z && fabs(z_variance) < CRITICAL_Z && bounded;
}

static const struct {
    erg_shape shape;
    double in, out;
} weights[] = {
    {{2, {120, 180}}, 180, 120},
    {{4, {16, 24, 5, 5}}, 600, 400},
};

START_TEST(init_has_its_distribution) {
    for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++)
        for (int k = 0; k < COUNT(weights); k++) {
            erg_graph *g = erg_graph_new(6);
            erg_node *weight = erg_param(g, "w", dtype, weights[k].shape);
            double gain = inits[_i].gain, in = weights[k].in, out = weights[k].out;
            ck_assert_int_eq(erg_init_weight(weight, inits[_i].init, gain), ERG_OK);
            double spread = inits[_i].spread(in, out, gain);
            bool uniform = inits[_i].uniform;
            ck_assert(fits(erg_value(weight), uniform, spread));
            /* Planted: fan_out taken for fan_in, and the other distribution. */
            double wrong = inits[_i].spread(out, out, gain);
            ck_assert(!fits(erg_value(weight), uniform, wrong));
            ck_assert(!fits(erg_value(weight), !uniform, spread));
            erg_graph_free(g);
        }
}
END_TEST

START_TEST(same_seed_gives_same_weights) {
    erg_graph *graphs[3];
    for (int k = 0; k < 3; k++) {
        graphs[k] = erg_graph_new(k == 2 ? 8 : 7);
        ck_assert_ptr_nonnull(
            erg_mlp_new(graphs[k], "m", (int64_t[]){3, 3, 3}, 3, (erg_mlp_options){0}));
    }
    const char *names[] = {"m/0/weight", "m/0/bias", "m/1/weight", "m/1/bias"};
    for (int i = 0; i < COUNT(names); i++) {
        const erg_tensor *a = erg_value(erg_find(graphs[0], names[i]));
        const erg_tensor *b = erg_value(erg_find(graphs[1], names[i]));
        const erg_tensor *c = erg_value(erg_find(graphs[2], names[i]));
        size_t bytes = (size_t)erg_tensor_size(a) * sizeof(float);
        ck_assert_mem_eq(a->data, b->data, bytes);
        ck_assert_mem_ne(a->data, c->data, bytes);
    }
    ck_assert_mem_ne(erg_value(erg_find(graphs[0], "m/0/weight"))->data,
                     erg_value(erg_find(graphs[0], "m/1/weight"))->data, 9 * sizeof(float));
    for (int k = 0; k < 3; k++)
        erg_graph_free(graphs[k]);
}
END_TEST

START_TEST(linear_initialises_both_params) {
    erg_graph *g = erg_graph_new(9);
    erg_linear *plain = erg_linear_new(g, "plain", 400, 3000, (erg_linear_options){0});
    ck_assert(fits(erg_value(plain->bias), true, 1 / sqrt(400)));
    ck_assert(!fits(erg_value(plain->bias), true, 1 / sqrt(3000)));
    ck_assert(fits(erg_value(plain->weight), true, 1 / sqrt(400)));
    erg_linear *zeros =
        erg_linear_new(g, "zeros", 5, 7, (erg_linear_options){.init = ERG_INIT_ZEROS});
    for (int i = 0; i < 35; i++)
        ck_assert_double_eq(erg_tensor_get(erg_value(zeros->weight), i), 0);
    for (int i = 0; i < 7; i++)
        ck_assert_double_eq(erg_tensor_get(erg_value(zeros->bias), i), 0);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(init_refuses_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *w = erg_param(g, "w", ERG_FLOAT32, ERG_SHAPE(2, 2));
    erg_node *indices = erg_input(g, "i", ERG_INT32, ERG_SHAPE(2, 2));
    erg_node *empty = erg_param(g, "empty", ERG_FLOAT32, ERG_SHAPE(2, 0));
    erg_tensor_fill(erg_value(w), 7);
    FAILS("value", erg_init_weight(NULL, ERG_INIT_FAN_IN, 0));
    FAILS("value", erg_init_uniform(erg_neg(w), 1));
    FAILS("value", erg_init_normal(NULL, 1));
    FAILS("spread", erg_init_uniform(w, -1));
    FAILS("spread", erg_init_normal(w, NAN));
    FAILS("spread", erg_init_weight(w, ERG_INIT_KAIMING_NORMAL, INFINITY));
    FAILS("unknown initialisation 42", erg_init_weight(w, (erg_init)42, 0));
    FAILS("int32", erg_init_normal(indices, 1));
    ck_assert_int_eq(erg_init_weight(empty, ERG_INIT_FAN_IN, 0), ERG_OK);
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq(erg_tensor_get(erg_value(w), i), 7);
    erg_graph_free(g);
}
END_TEST

START_TEST(layers_refuse_misuse) {
    const int64_t sizes[] = {2, 3, 1};
    erg_graph *g = erg_graph_new(0);
    erg_linear_options linear = {0};
    erg_mlp_options mlp = {0};
    erg_node *x = erg_input(g, "x", ERG_FLOAT32, ERG_SHAPE(4, 2));
    ck_assert_ptr_null(erg_linear_new(NULL, "l", 2, 2, linear));
    ck_assert_ptr_null(erg_mlp_new(NULL, "m", sizes, 3, mlp));
    REFUSES(g, "0 to 3 features", erg_linear_new(g, "l", 0, 3, linear));
    REFUSES(g, "at least 1", erg_linear_new(g, "l", 3, -1, linear));
    REFUSES(g, "name", erg_linear_new(g, NULL, 3, 3, linear));
    REFUSES(g, "name", erg_linear_new(g, "", 3, 3, linear));
    REFUSES(g, "'/'", erg_linear_new(g, "a/b", 3, 3, linear));
    REFUSES(g, "'/'", erg_mlp_new(g, "a/b", sizes, 3, mlp));
    REFUSES(g, "float", erg_linear_new(g, "i", 3, 3, (erg_linear_options){.dtype = ERG_INT32}));
    REFUSES(g, "unknown init", erg_linear_new(g, "j", 3, 3, (erg_linear_options){.init = 42}));
    REFUSES(g, "large", erg_linear_new(g, "k", INT64_MAX / 4, INT64_MAX / 4, linear));
    REFUSES(g, "no layer", erg_linear_apply(NULL, x));
    REFUSES(g, "two sizes", erg_mlp_new(g, "m", sizes, 1, mlp));
    REFUSES(g, "two sizes", erg_mlp_new(g, "m", NULL, 3, mlp));
    REFUSES(g, "at \"m\"", erg_mlp_new(g, "m", (int64_t[]){2, 0, 1}, 3, mlp));
    REFUSES(g, "no module", erg_mlp_apply(NULL, x));
    REFUSES(g, "unknown activation 42", erg_activate((erg_activation)42, x));
    ck_assert_ptr_null(erg_activate(ERG_SILU, NULL));

    erg_mlp *good = erg_mlp_new(g, "good", sizes, 3, mlp);
    ck_assert_ptr_nonnull(good);
    ck_assert_str_eq(erg_node_name(good->layers[1]->weight), "good/1/weight");
    REFUSES(g, "already", erg_mlp_new(g, "good", sizes, 3, mlp));
    erg_node *wide = erg_input(g, "wide", ERG_FLOAT32, ERG_SHAPE(4, 3));
    REFUSES(g, "(4, 3)", erg_mlp_apply(good, wide));
    erg_mlp *two = erg_mlp_new(g, "two", (int64_t[]){2, 2}, 2, mlp);
    REFUSES(g, "squeeze", erg_energy_apply((erg_energy){erg_mlp_energy, two}, x));
    erg_graph_fail(g, "broken: before");
    REFUSES(g, "broken: before", erg_mlp_new(g, "late", sizes, 3, mlp));
    ck_assert_ptr_null(erg_find(g, "late/0/weight"));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("nn");
    TCase *layers = tcase_create("layers");
    tcase_add_test(layers, linear_computes_x_wt_plus_b);
    tcase_add_loop_test(layers, mlp_has_its_params, 0, COUNT(mlps));
    tcase_add_test(layers, mlp_computes_its_formula);
    tcase_add_loop_test(layers, activation_has_its_values, 0, COUNT(activations));
    tcase_add_loop_test(layers, mlp_energy_has_true_derivatives, 0, COUNT(activations));
    suite_add_tcase(suite, layers);
    TCase *first = tcase_create("first values");
    tcase_add_loop_test(first, init_has_its_distribution, 0, COUNT(inits));
    tcase_add_test(first, same_seed_gives_same_weights);
    tcase_add_test(first, linear_initialises_both_params);
    suite_add_tcase(suite, first);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, init_refuses_misuse);
    tcase_add_test(misuse, layers_refuse_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

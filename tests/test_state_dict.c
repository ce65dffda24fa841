/* test_state_dict.c: weights from and to PyTorch. Networks built here with PyTorch's weights have
 * PyTorch's energies, and weights written here are the same files. The goldens are made by
 * tests/goldens/state_dict.py. */
#include <unistd.h>

#include "golden_state_dict.h"
#include "modules.h"

/* Relative, for energies near 1: roundings of a few hundred sums. */
static double tolerance(erg_dtype dtype) {
    return dtype == ERG_FLOAT64 ? 1e-13 : 1e-6;
}

static const char *golden_path(const char *name) {
    static char path[1024];
    const char *source = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/goldens/%s", source ? source : ".", name);
    return path;
}

static erg_bundle *golden(const char *name) {
    const char *path = golden_path(name);
    erg_bundle *bundle = strstr(name, ".npz") ? erg_npz_read(path) : erg_safetensors_read(path);
    ck_assert_msg(bundle != NULL, "%s", erg_error_message());
    return bundle;
}

/* ------------------------------------------------------------------------------- networks */

static erg_node *conv_layer(erg_graph *g, const char *name, erg_dtype dtype, erg_node *x,
                            int64_t filters) {
    const erg_convolution_options half = {
        .dtype = dtype, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}};
    erg_convolution *layer = erg_convolution_new(g, name, erg_node_shape(x).dims[1], filters, half);
    return erg_silu(erg_convolution_apply(layer, x));
}

static erg_node *conv(erg_graph *g, erg_dtype dtype, erg_node *x) {
    x = conv_layer(g, "conv2", dtype, conv_layer(g, "conv1", dtype, x, 4), 6);
    erg_linear *head = erg_linear_new(g, "head", 24, 1, (erg_linear_options){.dtype = dtype});
    return erg_linear_apply(head, erg_flatten(x, 1));
}

/* The pixels of a convolution's output as tokens that attend to each other, with all norms. */
static erg_node *vision(erg_graph *g, erg_dtype dtype, erg_node *x) {
    const erg_norm_options norm = {.dtype = dtype};
    erg_group_norm *group = erg_group_norm_new(g, "norm1", 2, 4, norm);
    x = erg_group_norm_apply(group, conv_layer(g, "conv", dtype, x, 4));
    x = erg_permute(erg_flatten(x, 2), (int[]){0, 2, 1});
    erg_attention *attention =
        erg_attention_new(g, "attention", 4, 2, (erg_attention_options){.dtype = dtype});
    x = erg_add(x, erg_attention_apply(attention, x, NULL));
    x = erg_layer_norm_apply(erg_layer_norm_new(g, "norm2", ERG_SHAPE(4), norm), x);
    erg_linear *head = erg_linear_new(g, "head", 64, 1, (erg_linear_options){.dtype = dtype});
    return erg_linear_apply(head, erg_flatten(x, 1));
}

static erg_node *mlp(erg_graph *g, erg_dtype dtype, erg_node *x) {
    erg_mlp *layers =
        erg_mlp_new(g, "layers", (int64_t[]){2, 8, 8, 1}, 4, (erg_mlp_options){.dtype = dtype});
    return erg_mlp_apply(layers, x);
}

static const struct network {
    const char *file;
    erg_node *(*build)(erg_graph *g, erg_dtype dtype, erg_node *x);
    erg_shape x;
    const double *energies;
    int count;
} networks[] = {
    {"mlp.safetensors", mlp, {2, {5, 2}}, golden_mlp, COUNT(golden_mlp)},
    {"mlp.npz", mlp, {2, {5, 2}}, golden_mlp, COUNT(golden_mlp)},
    {"conv.safetensors", conv, {4, {3, 1, 8, 8}}, golden_conv, COUNT(golden_conv)},
    {"vision.safetensors", vision, {4, {3, 1, 8, 8}}, golden_vision, COUNT(golden_vision)},
};

/* x = sin(0.1 + 0.7 i) */
static erg_node *input(erg_graph *g, erg_dtype dtype, erg_shape shape) {
    erg_node *x = erg_input(g, "x", dtype, shape);
    for (int64_t i = 0; i < erg_shape_size(shape); i++)
        erg_tensor_set(erg_value(x), i, sin(0.1 + 0.7 * (double)i));
    return x;
}

/* ------------------------------------------------------------------------------- tests */

static void check_energies(const struct network *n, erg_node *e, double bound) {
    double *energies = elements_of(e);
    for (int i = 0; i < n->count; i++)
        ck_assert_msg(fabs(energies[i] - n->energies[i]) <= bound,
                      "%s, sample %d: %.17g, not %.17g", n->file, i, energies[i], n->energies[i]);
    free(energies);
}

START_TEST(energies_are_pytorch_s) {
    const struct network *n = &networks[_i % COUNT(networks)];
    erg_dtype dtype = _i < COUNT(networks) ? ERG_FLOAT32 : ERG_FLOAT64;
    erg_graph *g = erg_graph_new(7);
    erg_node *e = n->build(g, dtype, input(g, dtype, n->x));
    erg_bundle *weights = golden(n->file);
    erg_load_result result;
    ck_assert_msg(erg_load_weights(g, weights, (erg_load_options){0}, &result) == ERG_OK, "%s",
                  erg_error_message());
    ck_assert_int_eq(result.loaded, erg_bundle_count(weights));
    ck_assert_int_eq(result.missing + result.unused, 0);
    check_energies(n, e, tolerance(dtype));
    erg_bundle_free(weights);
    erg_graph_free(g);
}
END_TEST

static void assert_same_file(const char *a, const char *b) {
    char bytes[2][8192];
    size_t sizes[2];
    for (int i = 0; i < 2; i++) {
        FILE *file = fopen(i ? b : a, "rb");
        ck_assert_ptr_nonnull(file);
        sizes[i] = fread(bytes[i], 1, sizeof bytes[i], file);
        fclose(file);
    }
    ck_assert_uint_gt(sizes[0], 100);
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(bytes[0], bytes[1], sizes[0]);
}

/* The script sorts and writes on its own; the params come in another order. */
START_TEST(files_are_the_same) {
    const struct network *n = &networks[_i == 0 ? 0 : _i + 1];
    char path[] = "test_state_dict.safetensors";
    erg_graph *g = erg_graph_new(7);
    n->build(g, ERG_FLOAT32, input(g, ERG_FLOAT32, n->x));
    erg_bundle *in = golden(n->file);
    ck_assert_int_eq(erg_load_weights(g, in, (erg_load_options){0}, NULL), ERG_OK);
    erg_bundle *out = erg_weights(g, NULL);
    ck_assert_int_eq(erg_safetensors_write(path, out, (erg_safetensors_options){0}), ERG_OK);
    assert_same_file(path, golden_path(n->file));
    unlink(path);
    erg_bundle_free(in);
    erg_bundle_free(out);
    erg_graph_free(g);
}
END_TEST

/* A network below a scope, in a graph with another one. */
START_TEST(weights_of_a_scope) {
    const struct network *n = &networks[0];
    erg_graph *g = erg_graph_new(7);
    erg_node *x = input(g, ERG_FLOAT64, n->x);
    erg_scope_push(g, "a");
    erg_node *e = n->build(g, ERG_FLOAT64, x);
    erg_scope_pop(g);
    erg_scope_push(g, "ab");
    n->build(g, ERG_FLOAT64, x);
    erg_scope_pop(g);
    erg_bundle *in = golden(n->file);
    FAILS("12 params are not in the bundle, the first is \"a.layers.0.weight\"",
          erg_load_weights(g, in, (erg_load_options){0}, NULL));
    ck_assert_int_eq(erg_load_weights(g, in, (erg_load_options){.scope = "a"}, NULL), ERG_OK);
    check_energies(n, e, tolerance(ERG_FLOAT64));
    erg_bundle *out = erg_weights(g, "a");
    ck_assert_int_eq(erg_bundle_count(out), 6);
    ck_assert_str_eq(erg_bundle_name(out, 0), "layers.0.weight");
    erg_bundle_free(out);
    out = erg_weights(g, "a/layers");
    ck_assert_str_eq(erg_bundle_name(out, 5), "2.bias");
    erg_bundle_free(out);
    FAILS_NULL("weights: b has no params", erg_weights(g, "b"));
    erg_bundle_free(in);
    erg_graph_free(g);
}
END_TEST

/* A bundle with one param of three, and one tensor too many. */
static erg_bundle *part_of_a_linear(void) {
    erg_bundle *bundle = erg_bundle_new();
    erg_tensor *weight = erg_tensor_from(ERG_FLOAT32, ERG_SHAPE(1, 2), (float[]){3, 4});
    erg_bundle_add(bundle, "l.weight", weight);
    erg_bundle_add(bundle, "steps", weight);
    erg_tensor_free(weight);
    return bundle;
}

START_TEST(partial_loading) {
    erg_graph *g = erg_graph_new(7);
    erg_linear *l = erg_linear_new(g, "l", 2, 1, (erg_linear_options){0});
    erg_node *a = number_param(g, "a", 5);
    double bias = erg_tensor_get(erg_value(l->bias), 0);
    erg_bundle *bundle = part_of_a_linear();
    erg_load_result result;
    const erg_load_options partial = {.partial = 1};
    FAILS("2 params are not in the bundle, the first is \"l.bias\"",
          erg_load_weights(g, bundle, (erg_load_options){0}, &result));
    ck_assert(erg_tensor_get(erg_value(l->weight), 0) != 3);
    ck_assert_int_eq(erg_load_weights(g, bundle, partial, &result), ERG_OK);
    ck_assert_int_eq(result.loaded, 1);
    ck_assert_int_eq(result.missing, 2);
    ck_assert_int_eq(result.unused, 1);
    ck_assert_double_eq(erg_tensor_get(erg_value(l->weight), 1), 4);
    ck_assert_double_eq(erg_tensor_get(erg_value(l->bias), 0), bias);
    ck_assert_double_eq(erg_tensor_get(erg_value(a), 0), 5);
    erg_bundle_add(bundle, "l.bias", erg_value(l->bias));
    erg_bundle_add(bundle, "a", erg_value(a));
    FAILS("1 tensors of the bundle are no params, the first is \"steps\"",
          erg_load_weights(g, bundle, (erg_load_options){0}, &result));
    erg_bundle_free(bundle);
    erg_graph_free(g);
}
END_TEST

/* Partial or not: what does not fit is refused, and nothing is loaded. */
START_TEST(misfits_are_refused) {
    erg_graph *g = erg_graph_new(7);
    number_param(g, "first", 1);
    erg_node *last = erg_param(g, "last", ERG_FLOAT64, ERG_SHAPE(2, 3));
    erg_bundle *bundle = erg_bundle_new();
    erg_tensor *one = erg_tensor_new(ERG_FLOAT32, ERG_SCALAR);
    erg_tensor *turned = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(3, 2));
    erg_tensor *whole = erg_tensor_new(ERG_INT32, ERG_SHAPE(2, 3));
    const erg_load_options options = {.partial = _i};
    erg_bundle_add(bundle, "first", one);
    erg_bundle_add(bundle, "last", turned);
    FAILS("\"last\" is float32 (3, 2), the param float64 (2, 3)",
          erg_load_weights(g, bundle, options, NULL));
    erg_bundle_free(bundle);
    bundle = erg_bundle_new();
    erg_bundle_add(bundle, "first", one);
    erg_bundle_add(bundle, "last", whole);
    FAILS("\"last\" is int32 (2, 3)", erg_load_weights(g, bundle, options, NULL));
    ck_assert_double_eq(erg_tensor_get(erg_value(erg_find(g, "first")), 0), 1);
    ck_assert_double_eq(erg_tensor_get(erg_value(last), 0), 0);
    FAILS("no bundle", erg_load_weights(g, NULL, options, NULL));
    FAILS("no graph", erg_load_weights(NULL, bundle, options, NULL));
    FAILS_NULL("no params", erg_weights(NULL, NULL));
    erg_bundle_free(bundle);
    erg_tensor_free(one);
    erg_tensor_free(turned);
    erg_tensor_free(whole);
    erg_graph_free(g);
}
END_TEST

/* Two params whose names become one in files. */
START_TEST(names_that_meet) {
    erg_graph *g = erg_graph_new(7);
    number_param(g, "a.b", 1);
    erg_scope_push(g, "a");
    number_param(g, "b", 2);
    erg_scope_pop(g);
    FAILS_NULL("\"a.b\" is there already", erg_weights(g, NULL));
    erg_bundle *bundle = erg_bundle_new();
    erg_bundle_add(bundle, "a.b", erg_value(erg_find(g, "a/b")));
    FAILS("two params have one name", erg_load_weights(g, bundle, (erg_load_options){0}, NULL));
    erg_bundle_free(bundle);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("state_dict");
    TCase *tests = tcase_create("state_dict");
    tcase_add_loop_test(tests, energies_are_pytorch_s, 0, 2 * COUNT(networks));
    tcase_add_loop_test(tests, files_are_the_same, 0, 3);
    tcase_add_test(tests, weights_of_a_scope);
    tcase_add_test(tests, partial_loading);
    tcase_add_loop_test(tests, misfits_are_refused, 0, 2);
    tcase_add_test(tests, names_that_meet);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

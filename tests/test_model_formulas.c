/* test_model_formulas.c: energies with params against their formulas, written out with operations
 * of the graph or in plain C. */
#include "models.h"

/* ------------------------------------------------------------------------------- networks */

static int64_t numbers_in(erg_graph *g, const char *prefix) {
    int count;
    int64_t numbers = 0;
    erg_node **params = erg_params(g, prefix, &count);
    for (int k = 0; k < count; k++)
        numbers += erg_shape_size(erg_node_shape(params[k]));
    return numbers;
}

START_TEST(networks_have_their_sizes) {
    erg_graph *g = erg_graph_new(1);
    erg_cnn *mnist = erg_cnn_new(g, "cnn", (int64_t[]){1, 28, 28}, (erg_cnn_options){0});
    ck_assert_int_eq(numbers_in(g, "cnn/"), 76993);
    check_shape(erg_find(g, "cnn/3/weight"), ERG_SHAPE(64, 64, 3, 3));
    check_shape(erg_find(g, "cnn/top/0/weight"), ERG_SHAPE(64, 256));
    erg_node *digits = erg_input(g, "x", ERG_FLOAT32, ERG_SHAPE(5, 1, 28, 28));
    check_shape(apply(erg_cnn_energy, mnist, digits), ERG_SHAPE(5));

    erg_resnet *cifar =
        erg_resnet_new(g, "resnet", 3, (int64_t[]){128, 256, 256}, 3, (erg_resnet_options){0});
    ck_assert_ptr_nonnull(cifar);
    ck_assert_int_eq(numbers_in(g, "resnet/"), 5052929);
    ck_assert_int_eq(cifar->n_blocks, 6);
    erg_node *photos = erg_input(g, "y", ERG_FLOAT32, ERG_SHAPE(2, 3, 32, 32));
    check_shape(apply(erg_resnet_energy, cifar, photos), ERG_SHAPE(2));
    erg_graph_free(g);
}
END_TEST

/* The tutorial's network with operations of the graph. */
START_TEST(cnn_has_its_formula) {
    const int64_t padding[] = {4, 1, 1, 1};
    erg_graph *g = erg_graph_new(2);
    erg_cnn *net = erg_cnn_new(g, "m", (int64_t[]){2, 12, 9},
                               (erg_cnn_options){F64_OPTIONS, .width = 2, .activation = ERG_TANH});
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(3, 2, 12, 9)), *h = x;
    fill(x, 1);
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "m/%d/weight", i);
        erg_conv2d_options options = {.stride = {2, 2}, .padding = {padding[i], padding[i]}};
        h = erg_conv2d(h, erg_find(g, name), options);
        snprintf(name, sizeof name, "m/%d/bias", i);
        h = erg_tanh(erg_add(h, ERG_RESHAPE(erg_find(g, name), -1, 1, 1)));
    }
    h = erg_matmul_transposed(erg_flatten(h, 1), 0, erg_find(g, "m/top/0/weight"), 1);
    h = erg_tanh(erg_add(h, erg_find(g, "m/top/0/bias")));
    h = erg_matmul_transposed(h, 0, erg_find(g, "m/top/1/weight"), 1);
    h = erg_squeeze(erg_add(h, erg_find(g, "m/top/1/bias")), 1);
    erg_node *off = erg_sub(h, apply(erg_cnn_energy, net, x));
    ck_assert_double_lt(number_of(erg_norm(off, INFINITY, ERG_ALL, 0)), 1e-14);
    erg_graph_free(g);
}
END_TEST

/* Stem, blocks of which the first of each width halves the image, activation, sum, dense layer. */
START_TEST(resnet_has_its_formula) {
    erg_graph *g = erg_graph_new(3);
    erg_resnet_options options = {F64_OPTIONS, .activation = ERG_TANH, .no_spectral_norm = 1};
    erg_resnet *net = erg_resnet_new(g, "m", 1, (int64_t[]){2, 3}, 2, options);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(3, 1, 8, 8));
    fill(x, 1);
    ck_assert_int_eq(net->n_blocks, 4);
    erg_node *h =
        erg_conv2d(x, erg_find(g, "m/stem/weight"), (erg_conv2d_options){.padding = {1, 1}});
    h = erg_add(h, ERG_RESHAPE(erg_find(g, "m/stem/bias"), -1, 1, 1));
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(net->blocks[i]->down, i % 2 == 0);
        h = erg_residual_block_apply(net->blocks[i], h);
    }
    check_shape(h, ERG_SHAPE(3, 3, 2, 2));
    h = erg_sum(erg_tanh(h), ERG_AXES(2, 3), 0);
    h = erg_matmul_transposed(h, 0, erg_find(g, "m/dense/weight"), 1);
    h = erg_squeeze(erg_add(h, erg_find(g, "m/dense/bias")), 1);
    erg_node *off = erg_sub(h, apply(erg_resnet_energy, net, x));
    ck_assert_double_lt(number_of(erg_norm(off, INFINITY, ERG_ALL, 0)), 1e-14);
    erg_graph_free(g);
}
END_TEST

/* With spectral norm on every layer, weights seven times as large make the same energy. */
START_TEST(resnet_is_normalised_everywhere) {
    erg_graph *g = erg_graph_new(3);
    erg_resnet_options options = {F64_OPTIONS, .no_spectral_norm = _i,
                                  .training = number_input(g, 0)};
    erg_resnet *net = erg_resnet_new(g, "m", 1, (int64_t[]){2, 3}, 2, options);
    ck_assert_ptr_nonnull(net);
    ck_assert_int_eq(net->update == NULL, _i);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(1, 1, 8, 8));
    fill(x, 1);
    erg_node *e = apply(erg_resnet_energy, net, x);
    double before = number_of(e);
    int count;
    erg_node **params = erg_params(g, "m/", &count);
    for (int k = 0; k < count; k++) {
        erg_tensor *value = erg_value(params[k]);
        bool is_weight = strstr(erg_node_name(params[k]), "/weight") != NULL;
        for (int64_t i = 0; is_weight && i < erg_tensor_size(value); i++)
            erg_tensor_set(value, i, 7 * erg_tensor_get(value, i));
    }
    double change = fabs(number_of(e) - before);
    ck_assert_msg(_i ? change > 1e-3 : change < 1e-12, "%g", change);
    erg_graph_free(g);
}
END_TEST

/* The modulated network written out, for one noise for each sample and one for all. */
START_TEST(noise_mlp_has_its_formula) {
    const double sigmas[] = {0.3, 0.3, 0.3};
    erg_graph *g = erg_graph_new(4);
    erg_noise_mlp_options options = {F64_OPTIONS, .embedding = 6, .scale = 0.5};
    erg_noise_mlp *net = erg_noise_mlp_new(g, "m", (int64_t[]){2, 4, 1}, 3, options);
    ck_assert_int_eq(numbers_in(g, "m/"), (6 * 6 + 6) + (2 * 4 + 4) + (6 * 8 + 8) + (4 + 1));
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(3, 2));
    fill(x, 1);
    erg_node *angle = erg_mul_scalar(erg_find(g, "m/features/frequencies"), 2 * M_PI * log(0.3));
    erg_node *waves = erg_transpose(
        erg_concat((erg_node *[]){erg_cos(angle), erg_sin(angle)}, 2, 0)); /* (1, 6) */
    erg_linear embed = {erg_find(g, "m/embed/weight"), erg_find(g, "m/embed/bias")};
    erg_linear film = {erg_find(g, "m/film0/weight"), erg_find(g, "m/film0/bias")};
    erg_linear first = {erg_find(g, "m/0/weight"), erg_find(g, "m/0/bias")};
    erg_linear last = {erg_find(g, "m/1/weight"), erg_find(g, "m/1/bias")};
    erg_node *both = erg_linear_apply(&film, erg_silu(erg_linear_apply(&embed, waves)));
    erg_node *gamma = erg_slice(both, 1, 0, 4, 1), *beta = erg_slice(both, 1, 4, 8, 1);
    erg_node *h = erg_linear_apply(&first, x);
    h = erg_silu(erg_add(erg_add(h, erg_mul(gamma, h)), beta));
    erg_node *expected = erg_squeeze(erg_linear_apply(&last, h), 1);
    erg_node *levels[] = {input_of(g, ERG_SHAPE(3), sigmas), number_input(g, 0.3)};
    for (int k = 0; k < 2; k++) {
        erg_node *off = erg_sub(expected, apply_pair(erg_noise_mlp_energy, net, x, levels[k]));
        ck_assert_double_lt(number_of(erg_norm(off, INFINITY, ERG_ALL, 0)), 1e-14);
    }
    erg_tensor_fill(erg_value(levels[1]), 0.4);
    erg_node *off = erg_sub(expected, apply_pair(erg_noise_mlp_energy, net, x, levels[1]));
    ck_assert_double_gt(number_of(erg_norm(off, INFINITY, ERG_ALL, 0)), 1e-4);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- closed forms */

START_TEST(experts_have_their_values) {
    const double w[] = {1, 2, -1, 0.5, 0, 3}, x[] = {1, -2, 0.5, 3}, log_alpha[] = {0, 1, -0.5};
    erg_graph *g = erg_graph_new(5);
    erg_experts *product = erg_product_of_experts_new(g, "p", 2, 3, ERG_FLOAT64);
    memcpy(erg_value(product->weight)->data, w, sizeof w);
    memcpy(erg_value(product->log_alpha)->data, log_alpha, sizeof log_alpha);
    double *values =
        elements_of(apply(erg_experts_energy, product, input_of(g, ERG_SHAPE(2, 2), x)));
    for (int b = 0; b < 2; b++) {
        double e = 0;
        for (int k = 0; k < 3; k++)
            e += exp(log_alpha[k]) *
                 log(1 + pow(w[2 * k] * x[2 * b] + w[2 * k + 1] * x[2 * b + 1], 2) / 2);
        ck_assert_double_eq_tol(values[b], e, 1e-14);
    }
    free(values);

    /* Filters of 2 x 2 on an image of 3 x 4: six patches each. */
    erg_experts *field = erg_field_of_experts_new(g, "f", 1, 2, 2, ERG_FLOAT64);
    erg_node *image = erg_input(g, "image", ERG_FLOAT64, ERG_SHAPE(1, 1, 3, 4));
    fill(image, 1);
    fill(field->weight, 2);
    fill(field->log_alpha, 3);
    const double *pixels = erg_tensor_f64(erg_value(image));
    const double *filter = erg_tensor_f64(erg_value(field->weight));
    double e = 0;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 3; j++) {
                double y = 0;
                for (int uv = 0; uv < 4; uv++)
                    y += filter[4 * k + uv] * pixels[4 * (i + uv / 2) + j + uv % 2];
                e += exp(erg_tensor_get(erg_value(field->log_alpha), k)) * log(1 + y * y / 2);
            }
    ck_assert_double_eq_tol(number_of(apply(erg_experts_energy, field, image)), e, 1e-13);
    erg_graph_free(g);
}
END_TEST

/* beta E is the energy of a mixture of Gaussians but for a constant, 0 <= E near the patterns, and
 * retrieval is a step down the slope. */
START_TEST(hopfield_is_a_mixture) {
    enum { N = 3, D = 2, POINTS = 4 };
    const double patterns[N * D] = {1, 0, -0.5, 2, 0.3, -1};
    const double points[POINTS * D] = {0.2, 0.1, 1, 0, -0.5, 2, -3, 1};
    const double betas[] = {0, 0.5, 4}, beta = betas[_i] != 0 ? betas[_i] : 1;
    erg_graph *g = erg_graph_new(6);
    erg_hopfield memory = {input_of(g, ERG_SHAPE(N, D), patterns), betas[_i]};
    erg_node *x = input_of(g, ERG_SHAPE(POINTS, D), points);
    erg_node *e = apply(erg_hopfield_energy, &memory, x);
    double weights[N], stds[N], longest = 0;
    for (int i = 0; i < N; i++) {
        double square = pow(patterns[2 * i], 2) + pow(patterns[2 * i + 1], 2);
        weights[i] = exp(beta * square / 2);
        stds[i] = 1 / sqrt(beta);
        longest = fmax(longest, square);
    }
    erg_gaussian_mixture *mixture =
        erg_gaussian_mixture_new(g, ERG_FLOAT64, N, D, weights, patterns, stds);
    double *values = elements_of(e);
    double *others = elements_of(apply(erg_gaussian_mixture_energy, mixture, x));
    for (int i = 1; i < POINTS; i++)
        ck_assert_double_eq_tol(beta * (values[i] - values[0]), others[i] - others[0], 1e-12);
    /* The constants: at a point far from all, one value by hand. */
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += exp(beta * (patterns[2 * i] * 0.2 + patterns[2 * i + 1] * 0.1));
    double first = -log(sum) / beta + 0.025 + log(N) / beta + longest / 2;
    ck_assert_double_eq_tol(values[0], first, 1e-13);
    for (int i = 0; i < 3; i++)
        ck_assert(values[i] >= 0 && values[i] <= 2 * longest);
    erg_node *step = erg_sub(x, erg_gradient(e, x));
    erg_node *off = erg_sub(step, erg_hopfield_retrieve(&memory, x));
    ck_assert_double_lt(number_of(erg_norm(off, INFINITY, ERG_ALL, 0)), 1e-13);
    free(values);
    free(others);
    erg_graph_free(g);
}
END_TEST

/* p(y | x) = exp(E(x) - E(x, y)) is the softmax of the logits, and E(x) sums E(x, y) over all y. */
START_TEST(classifier_has_its_posterior) {
    const int classes[] = {2, 0, 1};
    erg_graph *g = erg_graph_new(7);
    erg_mlp *net = network(g);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(3, 3));
    fill(x, 1);
    erg_classifier model = {logits, net};
    const erg_pair_energy pair = {erg_classifier_joint_energy, &model};
    erg_node *marginal = apply(erg_classifier_energy, &model, x);
    erg_node *joint = erg_pair_energy_apply(pair, x, labels(g, classes));
    erg_node *sum = erg_energy_apply(erg_energy_over_labels(g, pair, 3), x);
    ck_assert_double_lt(number_of(erg_norm(erg_sub(marginal, sum), INFINITY, ERG_ALL, 0)), 1e-14);
    erg_node *posterior = erg_exp(erg_sub(marginal, joint));
    double *found = elements_of(posterior);
    double *softmax = elements_of(erg_softmax(erg_mlp_apply(net, x), 1));
    for (int b = 0; b < 3; b++)
        ck_assert_double_eq_tol(found[b], softmax[3 * b + classes[b]], 1e-14);
    free(found);
    free(softmax);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("model_formulas");
    TCase *networks = tcase_create("networks");
    tcase_add_test(networks, networks_have_their_sizes);
    tcase_add_test(networks, cnn_has_its_formula);
    tcase_add_test(networks, resnet_has_its_formula);
    tcase_add_loop_test(networks, resnet_is_normalised_everywhere, 0, 2);
    tcase_add_test(networks, noise_mlp_has_its_formula);
    suite_add_tcase(suite, networks);
    TCase *closed = tcase_create("closed forms");
    tcase_add_test(closed, experts_have_their_values);
    tcase_add_loop_test(closed, hopfield_is_a_mixture, 0, 3);
    tcase_add_test(closed, classifier_has_its_posterior);
    suite_add_tcase(suite, closed);
    return run_suite(suite);
}

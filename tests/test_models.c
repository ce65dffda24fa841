/* test_models.c: energies with params against enumeration, closed forms, finite differences and the
 * interpreter. */
#include "module_checks.h"

/* ------------------------------------------------------------------------------- every energy */

#define F64_OPTIONS .dtype = ERG_FLOAT64

static erg_node *apply(erg_node *(*fn)(void *, erg_node *), void *self, erg_node *x) {
    return self ? erg_energy_apply((erg_energy){fn, self}, x) : NULL;
}

/* The same for energies of two; NULL if there is no condition either. */
static erg_node *apply_pair(erg_node *(*fn)(void *, erg_node *, erg_node *), void *self,
                            erg_node *x, erg_node *condition) {
    return self && condition ? erg_pair_energy_apply((erg_pair_energy){fn, self}, x, condition)
                             : NULL;
}

/* A param of module "m", for energies that the caller fills in. */
static erg_node *param(erg_graph *g, const char *name, erg_shape shape) {
    erg_scope_push(g, "m");
    erg_node *node = erg_param(g, name, ERG_FLOAT64, shape);
    erg_scope_pop(g);
    return node;
}

static erg_node *noise_mlp(erg_graph *g, erg_node *x) {
    erg_noise_mlp_options options = {F64_OPTIONS, .embedding = 4, .activation = ERG_TANH};
    erg_noise_mlp *net = erg_noise_mlp_new(g, "m", (int64_t[]){2, 4, 3, 1}, 4, options);
    return apply_pair(erg_noise_mlp_energy, net, x,
                      input_of(g, ERG_SHAPE(3), (double[]){0.1, 0.5, 2}));
}

static erg_node *cnn(erg_graph *g, erg_node *x) {
    erg_cnn_options options = {F64_OPTIONS, .width = 1};
    return apply(erg_cnn_energy, erg_cnn_new(g, "m", (int64_t[]){1, 5, 4}, options), x);
}

static erg_node *resnet(erg_graph *g, erg_node *x) {
    erg_resnet_options options = {F64_OPTIONS, .blocks = 1, .no_spectral_norm = 1};
    return apply(erg_resnet_energy, erg_resnet_new(g, "m", 1, (int64_t[]){2, 3}, 2, options), x);
}

/* In evaluation: u and v are numbers, so that differences see the true function. */
static erg_node *spectral_resnet(erg_graph *g, erg_node *x) {
    erg_resnet_options options = {F64_OPTIONS, .blocks = 1, .activation = ERG_SOFTPLUS,
                                  .training = number_input(g, 0)};
    return apply(erg_resnet_energy, erg_resnet_new(g, "m", 2, (int64_t[]){3}, 1, options), x);
}

static erg_node *product_of_experts(erg_graph *g, erg_node *x) {
    return apply(erg_experts_energy, erg_product_of_experts_new(g, "m", 3, 4, ERG_FLOAT64), x);
}

static erg_node *field_of_experts(erg_graph *g, erg_node *x) {
    return apply(erg_experts_energy, erg_field_of_experts_new(g, "m", 2, 3, 2, ERG_FLOAT64), x);
}

static erg_node *hopfield(erg_graph *g, erg_node *x) {
    erg_hopfield memory = {param(g, "patterns", ERG_SHAPE(4, 3)), .beta = 1.7};
    return apply(erg_hopfield_energy, &memory, x);
}

static erg_node *rbm(erg_graph *g, erg_node *x) {
    return apply(erg_rbm_energy, erg_rbm_new(g, "m", 3, 2, (erg_rbm_options){F64_OPTIONS}), x);
}

static erg_node *gaussian_rbm(erg_graph *g, erg_node *x) {
    erg_rbm_options options = {F64_OPTIONS, .gaussian = 1};
    return apply(erg_rbm_energy, erg_rbm_new(g, "m", 3, 2, options), x);
}

/* log Z does not depend on x, which stands for h to be of use. */
static erg_node *joint_rbm(erg_graph *g, erg_node *x) {
    erg_rbm *machine = erg_rbm_new(g, "m", 2, 3, (erg_rbm_options){F64_OPTIONS, .gaussian = 1});
    erg_node *v = input_of(g, ERG_SHAPE(3, 2), (double[]){0.3, -0.2, 1, 2, 0, -1});
    return erg_add(erg_rbm_joint_energy(machine, v, x), erg_rbm_log_z(machine));
}

static erg_node *wide_rbm_log_z(erg_graph *g, erg_node *x) {
    erg_rbm *machine = erg_rbm_new(g, "m", 2, 3, (erg_rbm_options){F64_OPTIONS});
    return erg_add(erg_sum(erg_rbm_visible(machine, x), ERG_AXES(1), 0), erg_rbm_log_z(machine));
}

static erg_node *ising(erg_graph *g, erg_node *x) {
    erg_lattice lattice = {param(g, "coupling", ERG_SCALAR), param(g, "field", ERG_SHAPE(3, 1)), 0};
    return apply(erg_ising_energy, &lattice, x);
}

static erg_node *potts(erg_graph *g, erg_node *x) {
    erg_lattice lattice = {param(g, "coupling", ERG_SCALAR), param(g, "field", ERG_SHAPE(3)), 1};
    return apply(erg_potts_energy, &lattice, x);
}

static erg_node *logits(void *self, erg_node *x) {
    return erg_mlp_apply(self, x);
}

static erg_mlp *network(erg_graph *g) {
    return erg_mlp_new(g, "m", (int64_t[]){3, 4, 3}, 3,
                       (erg_mlp_options){F64_OPTIONS, .activation = ERG_TANH});
}

static erg_node *classifier(erg_graph *g, erg_node *x) {
    erg_classifier model = {logits, network(g)};
    return apply(erg_classifier_energy, &model, x);
}

static erg_node *labels(erg_graph *g, const int *numbers) {
    erg_node *label = erg_input(g, NULL, ERG_INT32, ERG_SHAPE(3));
    for (int i = 0; i < 3; i++)
        erg_tensor_set(erg_value(label), i, numbers[i]);
    return label;
}

static erg_node *conditional_classifier(erg_graph *g, erg_node *x) {
    erg_classifier model = {logits, network(g)};
    return apply_pair(erg_classifier_joint_energy, &model, x, labels(g, (int[]){2, 0, 1}));
}

static const struct {
    const char *name;
    erg_shape shape; /* of x */
    erg_node *(*build)(erg_graph *g, erg_node *x);
    bool keeps_first; /* values of its params, which the states u and v fit */
} energies[] = {
    {"noise mlp", {2, {3, 2}}, noise_mlp, false},
    {"cnn", {4, {2, 1, 5, 4}}, cnn, false},
    {"resnet", {4, {1, 1, 4, 4}}, resnet, false},
    {"spectral resnet", {4, {2, 2, 2, 3}}, spectral_resnet, true},
    {"product of experts", {2, {3, 3}}, product_of_experts, false},
    {"field of experts", {4, {2, 2, 3, 4}}, field_of_experts, false},
    {"hopfield", {2, {3, 3}}, hopfield, false},
    {"rbm", {2, {3, 3}}, rbm, false},
    {"gaussian rbm", {2, {3, 3}}, gaussian_rbm, false},
    {"joint rbm", {2, {3, 3}}, joint_rbm, false},
    {"log Z of a wide rbm", {2, {3, 3}}, wide_rbm_log_z, false},
    {"ising", {3, {2, 3, 4}}, ising, false},
    {"potts", {4, {2, 3, 2, 3}}, potts, false},
    {"classifier", {2, {3, 3}}, classifier, false},
    {"conditional classifier", {2, {3, 3}}, conditional_classifier, false},
};

static erg_node *build_energy(erg_graph *g, int i, erg_node **leaves, int *count) {
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, energies[i].shape);
    erg_node *e = energies[i].build(g, x);
    ck_assert_msg(e != NULL, "%s: %s", energies[i].name, erg_graph_error(g));
    check_shape(e, ERG_SHAPE(energies[i].shape.dims[0]));
    *count = leaves_of(g, x, leaves);
    for (int k = 0; k < (energies[i].keeps_first ? 1 : *count); k++)
        fill(leaves[k], 1 + k);
    return e;
}

START_TEST(energy_has_true_derivatives) {
    erg_graph *g = erg_graph_new(1);
    erg_node *leaves[MOST_LEAVES];
    int count;
    erg_node *e = build_energy(g, _i, leaves, &count);
    check_derivatives(energies[_i].name, e, leaves, count, 3);
    erg_graph_free(g);
}
END_TEST

START_TEST(energy_runs_as_interpreted) {
    erg_graph *g = erg_graph_new(1);
    erg_node *leaves[MOST_LEAVES];
    int count;
    erg_node *e = build_energy(g, _i, leaves, &count);
    check_plan(energies[_i].name, e, leaves, count);
    erg_graph_free(g);
}
END_TEST

/* Row b of the energy depends on row b of x alone: a change of row 0 moves energy 0 only. */
START_TEST(energy_keeps_samples_apart) {
    erg_graph *g = erg_graph_new(1);
    erg_node *leaves[MOST_LEAVES];
    int count;
    erg_node *e = build_energy(g, _i, leaves, &count);
    int64_t batch = energies[_i].shape.dims[0];
    int64_t width = erg_shape_size(energies[_i].shape) / batch;
    double *before = elements_of(e);
    for (int64_t i = 0; i < width; i++)
        erg_tensor_set(erg_value(leaves[0]), i, 0.5 + 0.1 * (double)i);
    double *after = elements_of(e);
    ck_assert_msg(before[0] != after[0], "%s", energies[_i].name);
    for (int64_t b = 1; b < batch; b++)
        ck_assert_msg(before[b] == after[b], "%s", energies[_i].name);
    free(before);
    free(after);
    erg_graph_free(g);
}
END_TEST

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

/* ------------------------------------------------------------------------------- RBM */

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

/* The states of n binary units, in the order of counting. */
static erg_node *states(erg_graph *g, int n, double off, double on) {
    int64_t count = (int64_t)1 << n;
    erg_node *all = erg_input(g, NULL, ERG_FLOAT64, ERG_SHAPE(count, n));
    for (int64_t i = 0; i < count * n; i++)
        erg_tensor_set(erg_value(all), i, i / n >> i % n & 1 ? on : off);
    return all;
}

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

/* ------------------------------------------------------------------------------- lattices */

/* log Z and its derivative by the coupling, from all states. */
static double log_z_of_ising(erg_graph *g, erg_lattice lattice, int64_t rows, int64_t columns,
                             double *derivative) {
    erg_node *all = states(g, (int)(rows * columns), -1, 1);
    int64_t count = (int64_t)1 << (rows * columns);
    erg_node *s = ERG_RESHAPE(all, count, rows, columns);
    erg_node *log_z = erg_logsumexp(erg_neg(apply(erg_ising_energy, &lattice, s)), ERG_ALL, 0);
    if (derivative)
        *derivative = number_of(erg_gradient(log_z, lattice.coupling));
    return number_of(log_z);
}

static const struct {
    double coupling, log_z, energy; /* per site */
} tori[] = {
    {.2, 11.771470358541582, -.45613536954284717},
    {.4, 14.561093023844043, -1.3791164822593486},
    {0.44068679350977151, 15.521915458755283, -1.5656237876383186},
    {.5, 17.105367118731583, -1.7553802887774352},
};

START_TEST(ising_torus_has_known_answers) {
    erg_graph *g = erg_graph_new(13);
    erg_lattice lattice = {.coupling = number_input(g, tori[_i].coupling)};
    double bonds, log_z = log_z_of_ising(g, lattice, 4, 4, &bonds);
    ck_assert_double_eq_tol(log_z, tori[_i].log_z, 1e-12);
    ck_assert_double_eq_tol(-bonds / 16, tori[_i].energy, 1e-12);
    erg_graph_free(g);
}
END_TEST

/* Ring: (2 cosh J)^N + (2 sinh J)^N; open chain: 2 (2 cosh J)^(N - 1), and with a field and no
 * coupling (2 cosh h)^N. */
START_TEST(ising_chains_have_closed_forms) {
    const double j = 0.5, h = 0.3;
    erg_graph *g = erg_graph_new(14);
    erg_node *coupling = number_input(g, j), *field = number_input(g, h);
    double log_z = log_z_of_ising(g, (erg_lattice){.coupling = coupling}, 1, 8, NULL);
    ck_assert_double_eq_tol(log_z, 6.5081711172776463, 1e-13);
    ck_assert_double_eq_tol(log_z, log(pow(2 * cosh(j), 8) + pow(2 * sinh(j), 8)), 1e-13);
    log_z = log_z_of_ising(g, (erg_lattice){.coupling = coupling, .open = 1}, 8, 1, NULL);
    ck_assert_double_eq_tol(log_z, log(2) + 7 * log(2 * cosh(j)), 1e-13);
    erg_lattice free_spins = {.coupling = number_input(g, 0), .field = field};
    ck_assert_double_eq_tol(log_z_of_ising(g, free_spins, 2, 3, NULL), 6 * log(2 * cosh(h)), 1e-13);
    /* A field up means that up is low in energy. */
    erg_node *up = erg_full(g, ERG_FLOAT64, ERG_SHAPE(1, 5), 1);
    ck_assert_double_eq_tol(number_of(apply(erg_ising_energy, &free_spins, up)), -5 * h, 1e-15);
    erg_graph_free(g);
}
END_TEST

static const struct {
    erg_shape sites;
    int open, bonds;
} lattices[] = {
    {{2, {4, 4}}, 0, 32}, {{2, {4, 4}}, 1, 24}, {{3, {3, 3, 3}}, 0, 81}, {{3, {3, 3, 3}}, 1, 54},
    {{1, {1}}, 0, 0},     {{1, {2}}, 0, 1},     {{1, {2}}, 1, 1},        {{1, {3}}, 0, 3},
    {{2, {2, 2}}, 0, 4},  {{2, {3, 4}}, 1, 17}, {{2, {1, 5}}, 0, 5},     {{4, {3, 2, 1, 2}}, 0, 24},
};

/* With all spins up every bond gives -J; flipping one spin turns the sign of its bonds alone. Potts
 * has the same bonds. */
START_TEST(lattice_has_its_bonds) {
    erg_graph *g = erg_graph_new(15);
    erg_lattice lattice = {.coupling = number_input(g, 0.5), .open = lattices[_i].open};
    erg_shape sites = lattices[_i].sites, shape = {.ndim = sites.ndim + 1, .dims = {1}};
    for (int i = 0; i < sites.ndim; i++)
        shape.dims[i + 1] = sites.dims[i];
    erg_node *s = erg_full(g, ERG_FLOAT64, shape, 1);
    ck_assert_double_eq(number_of(apply(erg_ising_energy, &lattice, s)), -0.5 * lattices[_i].bonds);
    shape.dims[shape.ndim++] = 1; /* one state: all agree */
    s = erg_full(g, ERG_FLOAT64, shape, 1);
    ck_assert_double_eq(number_of(apply(erg_potts_energy, &lattice, s)), -0.5 * lattices[_i].bonds);
    erg_graph_free(g);
}
END_TEST

/* A 2 x 3 torus by hand: sites 0 1 2 / 3 4 5. */
START_TEST(ising_knows_its_neighbours) {
    const int bonds[][2] = {{0, 1}, {1, 2}, {2, 0}, {3, 4}, {4, 5}, {5, 3}, {0, 3}, {1, 4}, {2, 5}};
    erg_graph *g = erg_graph_new(16);
    const double field[] = {0.1, -0.2, 0.3, 0.4, -0.5, 0.6};
    erg_lattice lattice = {number_input(g, -0.7), input_of(g, ERG_SHAPE(2, 3), field), 0};
    erg_node *s = ERG_RESHAPE(states(g, 6, -1, 1), 64, 2, 3);
    double *values = elements_of(apply(erg_ising_energy, &lattice, s)), *spin = elements_of(s);
    for (int k = 0; k < 64; k++) {
        double e = 0;
        for (int i = 0; i < COUNT(bonds); i++)
            e += 0.7 * spin[6 * k + bonds[i][0]] * spin[6 * k + bonds[i][1]];
        for (int i = 0; i < 6; i++)
            e -= field[i] * spin[6 * k + i];
        ck_assert_double_eq_tol(values[k], e, 1e-14);
    }
    free(values);
    free(spin);
    erg_graph_free(g);
}
END_TEST

/* The Potts ring has Z = (exp(J) + Q - 1)^N + (Q - 1) (exp(J) - 1)^N. */
START_TEST(potts_ring_has_its_closed_form) {
    const int q = 3, n = 4, count = 81;
    const double j = 0.8, h = 0.4;
    erg_graph *g = erg_graph_new(17);
    erg_node *index = erg_input(g, NULL, ERG_INT32, ERG_SHAPE(count, n));
    for (int i = 0; i < count; i++)
        for (int site = 0, rest = i; site < n; site++, rest /= q)
            erg_tensor_set(erg_value(index), i * n + site, rest % q);
    erg_node *s = erg_one_hot(index, q, ERG_FLOAT64);
    erg_lattice ring = {.coupling = number_input(g, j)};
    double log_z = number_of(erg_logsumexp(erg_neg(apply(erg_potts_energy, &ring, s)), ERG_ALL, 0));
    ck_assert_double_eq_tol(log_z, log(pow(exp(j) + 2, n) + 2 * pow(exp(j) - 1, n)), 1e-13);
    /* A field for state 1, no coupling: (2 + exp(h))^N. */
    erg_lattice free_sites = {.coupling = number_input(g, 0),
                              .field = input_of(g, ERG_SHAPE(3), (double[]){0, h, 0})};
    log_z = number_of(erg_logsumexp(erg_neg(apply(erg_potts_energy, &free_sites, s)), ERG_ALL, 0));
    ck_assert_double_eq_tol(log_z, n * log(2 + exp(h)), 1e-13);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

static erg_node *flat_logits(void *self, erg_node *x) {
    (void)self;
    return erg_sum(x, ERG_AXES(1), 0);
}

START_TEST(makers_refuse_misuse) {
    const int64_t image[] = {1, 28, 28}, sizes[] = {2, 3, 1}, widths[] = {4};
    const erg_cnn_options cnn = {0};
    const erg_resnet_options plain = {0};
    const erg_noise_mlp_options noise = {0};
    erg_graph *g = erg_graph_new(0);
    ck_assert_ptr_null(erg_cnn_new(NULL, "c", image, cnn));
    ck_assert_ptr_null(erg_resnet_new(NULL, "r", 1, widths, 1, plain));
    ck_assert_ptr_null(erg_noise_mlp_new(NULL, "n", sizes, 3, noise));
    ck_assert_ptr_null(erg_rbm_new(NULL, "r", 2, 2, (erg_rbm_options){0}));
    ck_assert_ptr_null(erg_product_of_experts_new(NULL, "p", 2, 2, ERG_FLOAT32));
    REFUSES(g, "no sizes", erg_cnn_new(g, "c", NULL, cnn));
    REFUSES(g, "out of range", erg_cnn_new(g, "c", (int64_t[]){1, 0, 3}, cnn));
    REFUSES(g, "out of range", erg_cnn_new(g, "c", (int64_t[]){1, INT64_MAX, 3}, cnn));
    REFUSES(g, "width of -1", erg_cnn_new(g, "c", image, (erg_cnn_options){.width = -1}));
    REFUSES(g, "at least one width", erg_resnet_new(g, "r", 1, NULL, 1, plain));
    REFUSES(g, "at least one width", erg_resnet_new(g, "r", 1, widths, 0, plain));
    REFUSES(g, "width 0 is 0", erg_resnet_new(g, "r", 1, (int64_t[]){0}, 1, plain));
    REFUSES(g, "0 channels", erg_resnet_new(g, "r", 0, widths, 1, plain));
    REFUSES(g, "-1 blocks",
            erg_resnet_new(g, "r", 1, widths, 1, (erg_resnet_options){.blocks = -1}));
    REFUSES(g, "two sizes", erg_noise_mlp_new(g, "n", sizes, 1, noise));
    REFUSES(g, "width 3",
            erg_noise_mlp_new(g, "n", sizes, 3, (erg_noise_mlp_options){.embedding = 3}));
    REFUSES(g, "at \"n\"", erg_noise_mlp_new(g, "n", (int64_t[]){0, 3, 1}, 3, noise));
    REFUSES(g, "0 visible", erg_rbm_new(g, "b", 0, 2, (erg_rbm_options){0}));
    REFUSES(g, "spread", erg_rbm_new(g, "b", 2, 2, (erg_rbm_options){.std = -1}));
    REFUSES(g, "(0, 3)", erg_product_of_experts_new(g, "p", 3, 0, ERG_FLOAT32));
    REFUSES(g, "(2, 3, 0, 0)", erg_field_of_experts_new(g, "p", 3, 2, 0, ERG_FLOAT32));
    REFUSES(g, "float", erg_product_of_experts_new(g, "p", 3, 3, ERG_INT32));
    erg_graph_free(g);
}
END_TEST

START_TEST(energies_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(4, 3), NULL), *two = input_of(g, ERG_SHAPE(4, 2), NULL);
    erg_node *image = input_of(g, ERG_SHAPE(2, 1, 6, 6), NULL);
    erg_rbm *machine = small_rbm(g);
    REFUSES(g, "no network", erg_cnn_energy(NULL, x));
    REFUSES(g, "no network", erg_resnet_energy(NULL, x));
    REFUSES(g, "no network", erg_noise_mlp_energy(NULL, x, two));
    REFUSES(g, "no experts", erg_experts_energy(NULL, x));
    REFUSES(g, "no machine", erg_rbm_energy(NULL, x));
    REFUSES(g, "no machine", erg_rbm_visible(NULL, x));
    ck_assert_ptr_null(erg_rbm_log_z(NULL));
    REFUSES(g, "needs patterns", erg_hopfield_energy(NULL, x));
    REFUSES(g, "no lattice", erg_ising_energy(NULL, x));
    REFUSES(g, "no classifier", erg_classifier_energy(NULL, x));
    REFUSES(g, "no classifier", erg_classifier_joint_energy(NULL, x, two));

    erg_cnn *cnn = erg_cnn_new(g, "c", (int64_t[]){1, 5, 6}, (erg_cnn_options){F64_OPTIONS});
    REFUSES(g, "cnn_energy: x is (2, 1, 6, 6), must be (B, 1, 5, 6)", erg_cnn_energy(cnn, image));
    erg_noise_mlp *net =
        erg_noise_mlp_new(g, "n", (int64_t[]){3, 1}, 2, (erg_noise_mlp_options){F64_OPTIONS});
    REFUSES(g, "shape () or (B)", erg_noise_mlp_apply(net, x, two));
    REFUSES(g, "no network", erg_noise_mlp_apply(NULL, x, two));
    erg_experts *experts = erg_product_of_experts_new(g, "p", 3, 2, ERG_FLOAT64);
    REFUSES(g, "x is (4, 2), must be (B, 3)", erg_experts_energy(experts, two));
    REFUSES(g, "rbm_energy: x is (4, 2), must be (B, 3)", erg_rbm_energy(machine, two));
    REFUSES(g, "rbm_visible: x is (4, 3)", erg_rbm_visible(machine, x));
    REFUSES(g, "rbm_hidden: x is (4, 2)", erg_rbm_sample_hidden(machine, two));
    REFUSES(g, "4 v and 1 h", erg_rbm_joint_energy(machine, x, input_of(g, ERG_SHAPE(1, 2), NULL)));
    erg_rbm *wide = erg_rbm_new(g, "w", 21, 22, (erg_rbm_options){0});
    REFUSES(g, "2^21 states", erg_rbm_log_z(wide));
    erg_rbm *deep = erg_rbm_new(g, "d", 2, 21, (erg_rbm_options){.gaussian = 1});
    REFUSES(g, "2^21 states", erg_rbm_log_z(deep));

    erg_hopfield memory = {.patterns = two};
    REFUSES(g, "x is (4, 3), must be (B, 2)", erg_hopfield_energy(&memory, x));
    memory = (erg_hopfield){x, -1};
    REFUSES(g, "beta -1", erg_hopfield_retrieve(&memory, x));
    erg_lattice lattice = {0};
    REFUSES(g, "no coupling", erg_ising_energy(&lattice, x));
    lattice.coupling = x;
    REFUSES(g, "shape ()", erg_potts_energy(&lattice, x));
    lattice.coupling = number_input(g, 1);
    REFUSES(g, "potts_energy: x is (4, 3), must be (B, sites..., states)",
            erg_potts_energy(&lattice, x));
    lattice.field = image;
    REFUSES(g, "broadcast", erg_ising_energy(&lattice, input_of(g, ERG_SHAPE(2, 6), NULL)));
    lattice.field = x;
    REFUSES(g, "larger", erg_ising_energy(&lattice, input_of(g, ERG_SHAPE(1, 3), NULL)));
    erg_classifier model = {0};
    REFUSES(g, "no logits", erg_classifier_energy(&model, x));
    model.logits = flat_logits;
    REFUSES(g, "the logits are (4), must be (B, classes)", erg_classifier_energy(&model, x));
    model = (erg_classifier){logits, network(g)};
    REFUSES(g, "gather", erg_classifier_joint_energy(&model, x, two));
    ck_assert_ptr_null(erg_rbm_energy(machine, NULL));
    ck_assert_ptr_null(erg_ising_energy(&lattice, NULL));
    ck_assert_ptr_null(erg_hopfield_energy(&(erg_hopfield){x, 1}, NULL));
    ck_assert_ptr_null(erg_classifier_energy(&model, NULL));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("models");
    TCase *every = tcase_create("every energy");
    tcase_add_loop_test(every, energy_has_true_derivatives, 0, COUNT(energies));
    tcase_add_loop_test(every, energy_runs_as_interpreted, 0, COUNT(energies));
    tcase_add_loop_test(every, energy_keeps_samples_apart, 0, COUNT(energies));
    suite_add_tcase(suite, every);
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
    TCase *boltzmann = tcase_create("boltzmann machines");
    tcase_add_test(boltzmann, rbm_has_known_answers);
    tcase_add_loop_test(boltzmann, rbm_agrees_with_enumeration, 0, COUNT(machines));
    tcase_add_loop_test(boltzmann, rbm_log_z_of_many_units, 0, 2);
    tcase_add_test(boltzmann, gaussian_rbm_agrees_with_quadrature);
    tcase_add_loop_test(boltzmann, rbm_draws_are_exact, 0, 2);
    suite_add_tcase(suite, boltzmann);
    TCase *spins = tcase_create("lattices");
    tcase_add_loop_test(spins, ising_torus_has_known_answers, 0, COUNT(tori));
    tcase_add_test(spins, ising_chains_have_closed_forms);
    tcase_add_loop_test(spins, lattice_has_its_bonds, 0, COUNT(lattices));
    tcase_add_test(spins, ising_knows_its_neighbours);
    tcase_add_test(spins, potts_ring_has_its_closed_form);
    suite_add_tcase(suite, spins);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, makers_refuse_misuse);
    tcase_add_test(misuse, energies_refuse_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

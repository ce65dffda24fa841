/* test_models.c: every energy with params: its derivatives against finite differences, its plan
 * against the interpreter, samples that do not see each other, and what is refused. */
#include "models.h"

/* ------------------------------------------------------------------------------- every energy */

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

static erg_node *classifier(erg_graph *g, erg_node *x) {
    erg_classifier model = {logits, network(g)};
    return apply(erg_classifier_energy, &model, x);
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
    erg_rbm *machine = erg_rbm_new(g, "m", 3, 2, (erg_rbm_options){F64_OPTIONS});
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
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, makers_refuse_misuse);
    tcase_add_test(misuse, energies_refuse_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

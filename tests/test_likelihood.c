/* test_likelihood.c: all losses of likelihood type: gradients of networks against finite differences,
 * the precision matrix that each finds, and refusals. */
#include "likelihood.h"

/* ------------------------------------------------------------------------------- networks */

static erg_node *pair_energy(void *net, erg_node *x, erg_node *z) {
    return bowl_energy(net, erg_concat((erg_node *[]){x, z}, 2, 1));
}

typedef struct network {
    erg_graph *graph;
    erg_mlp *net, *wide; /* 2 numbers to 1, and to 3 */
    erg_node *x, *y, *noise;
} network;

static erg_node *network_conditional(network n) {
    erg_mlp *four = erg_mlp_new(n.graph, "four", (int64_t[]){4, 4, 1}, 3,
                                (erg_mlp_options){.dtype = ERG_FLOAT64, .activation = ERG_TANH});
    return erg_conditional_contrastive_divergence((erg_pair_energy){pair_energy, four}, n.x,
                                                  n.noise, n.y, n.x,
                                                  (erg_contrastive_options){.energy_penalty = 0.1});
}
static erg_node *network_recovery(network n) {
    return erg_recovery_likelihood((erg_energy){bowl_energy, n.net}, n.x, erg_add(n.x, n.noise),
                                   n.y, (erg_recovery_options){0});
}
static erg_node *logits(void *net, erg_node *x) {
    return erg_mlp_apply(net, x);
}
static erg_node *network_jem(network n) {
    erg_classifier *classifier = erg_graph_alloc(n.graph, sizeof *classifier);
    *classifier = (erg_classifier){logits, n.wide};
    return erg_jem(classifier, n.x, labels_of(n.graph, 3, (int[]){1, -1, 2}), n.y,
                   (erg_jem_options){.weight = 0.7, .energy_penalty = 0.2});
}
static erg_node *network_reconstruction(network n) {
    return erg_reconstruction_loss((erg_energy){bowl_energy, n.net}, n.y, n.x,
                                   (erg_reconstruction_options){.steps = 3, .step_size = 0.2});
}

static erg_node *(*const networks[])(network n) = {network_conditional, network_recovery,
                                                   network_jem, network_reconstruction};

START_TEST(gradients_are_those_of_differences) {
    network n = {.graph = erg_graph_new(97)};
    erg_mlp_options options = {.dtype = ERG_FLOAT64, .activation = ERG_TANH};
    n.net = erg_mlp_new(n.graph, "net", (int64_t[]){2, 4, 1}, 3, options);
    n.wide = erg_mlp_new(n.graph, "wide", (int64_t[]){2, 4, 3}, 3, options);
    n.x = normal_leaf(n.graph, ERG_SHAPE(3, 2), 97);
    n.y = normal_leaf(n.graph, ERG_SHAPE(3, 2), 98);
    n.noise = normal_leaf(n.graph, ERG_SHAPE(3, 2), 99);
    erg_node *loss = networks[_i](n);
    ck_assert_msg(loss != NULL, "%s", erg_graph_error(n.graph));
    check_shape(loss, ERG_SCALAR);
    int count;
    erg_node **params = erg_params(n.graph, "", &count);
    erg_gradcheck_result result;
    ck_assert_msg(
        erg_gradcheck(loss, params, count, (erg_gradcheck_options){.order = 2}, &result) == ERG_OK,
        "%s", result.message);
    erg_graph_free(n.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- a matrix */

/* E = x^T L x / 2 in the plane, data of second moments S: at L = S^-1 the gradient is zero, at other
 * L it is not. Samples of a Gaussian are its mean +- sqrt(2) times the columns of a root of its
 * covariance, which have its moments. */
static erg_node *bilinear(void *self, erg_node *x) {
    return erg_mul_scalar(erg_sum(erg_mul(x, erg_matmul(x, self)), ERG_AXES(1), 0), 0.5);
}

typedef struct matrix {
    double xx, xy, yy;
} matrix;

static matrix inverse(matrix m) {
    double determinant = m.xx * m.yy - m.xy * m.xy;
    return (matrix){m.yy / determinant, -m.xy / determinant, m.xx / determinant};
}

/* Point i = 0 .. 3 of N(0, m). */
static void point(matrix m, int i, double *x) {
    double sign = i & 1 ? M_SQRT2 : -M_SQRT2, root = sqrt(m.xx);
    x[0] = i & 2 ? 0 : sign * root;
    x[1] = sign * (i & 2 ? sqrt(m.yy - m.xy * m.xy / m.xx) : m.xy / root);
}

enum { COMBINED = 4 * 4 * 4 };

typedef struct plane {
    erg_node *l, *data, *noisy, *negatives;
} plane;

static erg_node *plane_contrastive(plane p) {
    return erg_contrastive_divergence((erg_energy){bilinear, p.l}, p.data, p.negatives,
                                      (erg_contrastive_options){0});
}
static erg_node *plane_recovery(plane p) {
    return erg_recovery_likelihood((erg_energy){bilinear, p.l}, p.data, p.noisy, p.negatives,
                                   (erg_recovery_options){.sigma = 0.5});
}
static erg_node *plane_reconstruction(plane p) {
    return erg_reconstruction_loss((erg_energy){bilinear, p.l}, p.noisy, p.data,
                                   (erg_reconstruction_options){.step_size = 0.25});
}

static const struct {
    erg_node *(*loss)(plane p);
    double noise;     /* variance that the optimum has on top of the data's */
    double condition; /* precision that the noisy samples add to that of the negatives */
} matrices[] = {{plane_contrastive, 0, 0}, {plane_recovery, 0, 4}, {plane_reconstruction, 0.25, 0}};

/* The largest element of the gradient at the inverse of S + add I: over all combinations of data,
 * noise and negatives. */
static double steepest(int which, double add) {
    const matrix moments = {1.5, 0.6, 0.9};
    matrix l = inverse((matrix){moments.xx + add, moments.xy, moments.yy + add});
    double k = matrices[which].condition, rows[3][COMBINED][2], worst = 0;
    matrix spread = inverse((matrix){l.xx + k, l.xy, l.yy + k});
    for (int i = 0; i < COMBINED; i++) {
        double noise[2], *x = rows[0][i], *noisy = rows[1][i], *negative = rows[2][i];
        point(moments, i & 3, x);
        point((matrix){0.25, 0, 0.25}, i >> 2 & 3, noise);
        point(spread, i >> 4, negative);
        for (int j = 0; j < 2; j++)
            noisy[j] = x[j] + noise[j];
        negative[0] += k * (spread.xx * noisy[0] + spread.xy * noisy[1]);
        negative[1] += k * (spread.xy * noisy[0] + spread.yy * noisy[1]);
    }
    erg_graph *g = erg_graph_new(0);
    plane p = {input_of(g, ERG_SHAPE(2, 2), (double[]){l.xx, l.xy, l.xy, l.yy}),
               input_of(g, ERG_SHAPE(COMBINED, 2), rows[0][0]),
               input_of(g, ERG_SHAPE(COMBINED, 2), rows[1][0]),
               input_of(g, ERG_SHAPE(COMBINED, 2), rows[2][0])};
    double *slopes = elements_of(erg_gradient(matrices[which].loss(p), p.l));
    for (int i = 0; i < 4; i++)
        worst = fmax(worst, fabs(slopes[i]));
    free(slopes);
    erg_graph_free(g);
    return worst;
}

START_TEST(precision_is_the_inverse_covariance) {
    ck_assert_double_lt(steepest(_i, matrices[_i].noise), 1e-13);
    ck_assert_double_gt(steepest(_i, matrices[_i].noise + 0.01), 1e-4);
    ck_assert_double_gt(steepest(_i, 0.25 - matrices[_i].noise), 1e-3);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

static erg_node *as_given(void *self, erg_node *x) {
    (void)self;
    return x;
}

static erg_node *distance(void *self, erg_node *x, erg_node *z) {
    (void)self;
    return erg_sum(erg_square(erg_sub(x, z)), ERG_AXES(1), 0);
}

START_TEST(likelihoods_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(4, 2), NULL), *wide = input_of(g, ERG_SHAPE(4, 3), NULL);
    erg_node *few = input_of(g, ERG_SHAPE(3, 2), NULL), *one = input_of(g, ERG_SHAPE(1, 2), NULL);
    erg_node *labels = labels_of(g, 3, (int[]){0, 0, 0});
    erg_energy energy = {quadratic, erg_scalar(g, ERG_FLOAT64, 1)}, none = {0};
    erg_pair_energy pair = {distance, NULL};
    const erg_contrastive_options usual = {0};
    REFUSES(g, "no function",
            erg_conditional_contrastive_divergence((erg_pair_energy){0}, x, x, x, x, usual));
    REFUSES(g, "one batch", erg_conditional_contrastive_divergence(pair, x, x, x, few, usual));
    REFUSES(g, "no condition", erg_conditional_contrastive_divergence(pair, x, NULL, x, x, usual));
    REFUSES(g, "conditional_contrastive_divergence: energy penalty -1",
            erg_conditional_contrastive_divergence(
                pair, x, x, x, x, (erg_contrastive_options){.energy_penalty = -1}));

    erg_node *empty = input_of(g, ERG_SHAPE(0, 2), NULL);
    REFUSES(g, "an empty batch", erg_contrastive_divergence(energy, empty, x, usual));
    REFUSES(g, "an empty batch",
            erg_conditional_contrastive_divergence(pair, x, x, empty, empty, usual));
    REFUSES(g, "an empty batch",
            erg_reconstruction_loss(energy, empty, empty, (erg_reconstruction_options){0}));
    REFUSES(g, "x (0, 2), others the same", erg_nearest_entropy(empty, NULL));

    const erg_improved_options improve = {0};
    REFUSES(g, "no function", erg_improved_contrastive_divergence(none, x, x, improve));
    FAILS_NULL("is NULL", erg_improved_contrastive_divergence(energy, x, NULL, improve));
    REFUSES(g, "no data", erg_improved_contrastive_divergence(energy, NULL, x, improve));
    REFUSES(g, "-1 steps",
            erg_improved_contrastive_divergence(energy, x, x, (erg_improved_options){.steps = -1}));
    REFUSES(g, "weights nan",
            erg_improved_contrastive_divergence(energy, x, x,
                                                (erg_improved_options){.kl_weight = NAN}));
    REFUSES(g, "nearest_entropy: x (1, 2)",
            erg_improved_contrastive_divergence(energy, x, one, improve));
    REFUSES(g, "x (4, 2), others (4, 3)", erg_nearest_entropy(x, wide));
    FAILS_NULL("nearest_entropy", erg_nearest_entropy(NULL, NULL));

    erg_fast_weights *fast = erg_fast_weights_new(g, "fast", &x, 0);
    ck_assert_ptr_null(fast);
    REFUSES(g, "no params", erg_fast_weights_new(g, "fast", NULL, 1));
    FAILS_NULL("no graph", erg_fast_weights_new(NULL, "fast", &x, 1));
    REFUSES(g, "no named leaf", erg_fast_weights_new(g, "fast", &x, 1));
    erg_node *a = number_param(g, "a", 1), *loss = erg_square(a);
    fast = erg_fast_weights_new(g, "fast", &a, 1);
    REFUSES(g, "already", erg_fast_weights_new(g, "fast", &a, 1));
    REFUSES(g, "decay 1",
            erg_fast_weights_update(fast, loss, (erg_fast_weights_options){.decay = 1}));
    REFUSES(g, "learning rate -1",
            erg_fast_weights_update(fast, loss, (erg_fast_weights_options){.learning_rate = -1}));
    REFUSES(
        g, "shape ()",
        erg_fast_weights_update(fast, loss, (erg_fast_weights_options){.learning_rate_node = x}));
    REFUSES(g, "no weights", erg_fast_weights_update(NULL, loss, (erg_fast_weights_options){0}));
    FAILS_NULL("no loss", erg_fast_weights_update(fast, NULL, (erg_fast_weights_options){0}));

    const erg_recovery_options recover = {0};
    REFUSES(g, "x is (4, 2), the noisy (4, 3)",
            erg_recovery_likelihood(energy, x, wide, x, recover));
    FAILS_NULL("no noisy", erg_recovery_likelihood(energy, x, NULL, x, recover));
    REFUSES(g, "sigma -1",
            erg_recovery_likelihood(energy, x, x, x, (erg_recovery_options){.sigma = -1}));
    REFUSES(g, "shape () or (B)",
            erg_recovery_likelihood(energy, x, x, x, (erg_recovery_options){.sigma_node = few}));
    REFUSES(g, "no function", erg_recovery_likelihood(none, x, x, x, recover));

    erg_classifier classifier = {as_given, NULL};
    REFUSES(g, "logits (4, 2) and labels (3)", erg_cross_entropy(x, labels));
    REFUSES(g, "no labels", erg_cross_entropy(x, NULL));
    REFUSES(g, "no logits", erg_cross_entropy(NULL, labels));
    REFUSES(g, "logits (4, 2) and labels (3)",
            erg_jem(&classifier, x, labels, x, (erg_jem_options){0}));
    REFUSES(g, "weight -1", erg_jem(&classifier, few, labels, x, (erg_jem_options){.weight = -1}));
    REFUSES(g, "no classifier", erg_jem(NULL, few, labels, x, (erg_jem_options){0}));
    REFUSES(g, "no logits", erg_jem(&(erg_classifier){0}, few, labels, x, (erg_jem_options){0}));

    const erg_generator_options draw = {0};
    erg_generator generator = {as_given, NULL};
    REFUSES(g, "no generator", erg_generator_sample((erg_generator){0}, x, draw));
    FAILS_NULL("no z", erg_generator_sample(generator, NULL, draw));
    REFUSES(g, "(B, width)", erg_generator_sample(generator, a, draw));
    REFUSES(g, "generator_sample: sigma -1",
            erg_generator_sample(generator, x, (erg_generator_options){.sigma = -1}));
    REFUSES(g, "z (4, 2) gave (4, 2)",
            erg_generator_sample(generator, x, (erg_generator_options){.noise = few}));
    REFUSES(g, "x of z's batch", erg_generator_loss(energy, generator, x, few, draw));
    REFUSES(g, "no function", erg_generator_loss(none, generator, x, x, draw));
    REFUSES(g, "-2 samples",
            erg_generator_loss(energy, generator, x, x, (erg_generator_options){.samples = -2}));

    const erg_reconstruction_options descend = {0};
    REFUSES(g, "corrupted (4, 2), clean (3, 2)", erg_reconstruction_loss(energy, x, few, descend));
    REFUSES(g, "reconstruction_loss", erg_reconstruction_loss(energy, NULL, x, descend));
    FAILS_NULL("", erg_reconstruct(energy, NULL, descend));
    REFUSES(g, "no function", erg_reconstruct(none, x, descend));
    REFUSES(g, "-1 steps", erg_reconstruct(energy, x, (erg_reconstruction_options){.steps = -1}));
    REFUSES(g, "step -1",
            erg_reconstruct(energy, x, (erg_reconstruction_options){.step_size = -1}));
    ck_assert_ptr_nonnull(erg_reconstruct(energy, x, descend));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("likelihood");
    TCase *tests = tcase_create("likelihood");
    tcase_add_loop_test(tests, gradients_are_those_of_differences, 0, COUNT(networks));
    tcase_add_loop_test(tests, precision_is_the_inverse_covariance, 0, COUNT(matrices));
    tcase_add_test(tests, likelihoods_refuse_misuse);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

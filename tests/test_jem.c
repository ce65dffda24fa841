/* test_jem.c: a classifier that is an energy too: its loss is that of the joint density, and it learns
 * from samples without labels: two moons, ten labelled points. */
#include "likelihood.h"

/* ------------------------------------------------------------------------------- classifiers */

static erg_node *as_given(void *self, erg_node *x) {
    (void)self;
    return x;
}

START_TEST(cross_entropy_has_known_numbers) {
    erg_graph *g = erg_graph_new(0);
    erg_node *logits = input_of(g, ERG_SHAPE(3, 2), (double[]){0, log(3), 2, 2, 1e4, -1e4});
    ck_assert_double_eq_tol(number_of(erg_cross_entropy(logits, labels_of(g, 3, (int[]){1, 0, 0}))),
                            (log(4. / 3) + log(2)) / 3, 1e-14);
    /* Rows without a label do not count, and get no derivative. */
    erg_node *loss = erg_cross_entropy(logits, labels_of(g, 3, (int[]){0, -1, -1}));
    ck_assert_double_eq_tol(number_of(loss), log(4), 1e-14);
    double *slopes = elements_of(erg_gradient(loss, logits));
    const double expected[] = {-0.75, 0.75, 0, 0, 0, 0};
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(slopes[i], expected[i], 1e-14);
    free(slopes);
    ck_assert_double_eq(number_of(erg_cross_entropy(logits, labels_of(g, 3, (int[]){-1, -1, -1}))),
                        0);
    erg_graph_free(g);
}
END_TEST

/* With all labels known, log p(y | x) + log p(x) is log p(x, y): the loss is
 * mean E(x, y) - mean E(negatives). */
typedef struct joint {
    erg_classifier classifier;
    erg_node *data, *labels, *negatives;
} joint;

static erg_node *right_jem(joint j) {
    return erg_jem(&j.classifier, j.data, j.labels, j.negatives, (erg_jem_options){0});
}
static erg_node *classifier_alone(joint j) {
    return erg_jem(&j.classifier, j.data, j.labels, j.negatives,
                   (erg_jem_options){.weight = ERG_ZERO});
}
static erg_node *swapped(joint j) {
    return erg_jem(&j.classifier, j.negatives, j.labels, j.data, (erg_jem_options){0});
}
static erg_node *half_weight(joint j) {
    return erg_jem(&j.classifier, j.data, j.labels, j.negatives, (erg_jem_options){.weight = 0.5});
}

static const struct {
    erg_node *(*loss)(joint j);
    bool right;
} jem_losses[] = {
    {right_jem, true}, {classifier_alone, false}, {swapped, false}, {half_weight, false}};

START_TEST(jem_is_the_joint_likelihood) {
    erg_graph *g = erg_graph_new(0);
    joint j = {.classifier = {as_given, NULL},
               .data = normal_leaf(g, ERG_SHAPE(4, 3), 87),
               .labels = labels_of(g, 4, (int[]){2, 0, 1, 1}),
               .negatives = normal_leaf(g, ERG_SHAPE(4, 3), 88)};
    erg_node *low = mean(erg_classifier_joint_energy(&j.classifier, j.data, j.labels));
    erg_node *high = mean(erg_classifier_energy(&j.classifier, j.negatives));
    double expected = number_of(erg_sub(low, high)), got = number_of(jem_losses[_i].loss(j));
    ck_assert((fabs(got - expected) < 1e-13) == jem_losses[_i].right);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- two moons */

enum { LABELLED = 10, BATCH = 64, POOL = 1000, HELD_OUT = 1000, SEEDS = 5 };

static erg_node *logits(void *net, erg_node *x) {
    return erg_mlp_apply(net, x);
}

/* Two moons of noise 0.1, row i of class i % 2: x (n, 2) as doubles, which the caller frees. */
static double *moons(int n, erg_random where) {
    erg_tensor *angle = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    erg_tensor *noise = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n, 2));
    double *x = calloc(2 * (size_t)n, sizeof *x);
    ck_assert(angle && noise && x);
    ck_assert_int_eq(erg_random_uniform(angle, where), ERG_OK);
    where.stream++;
    ck_assert_int_eq(erg_random_normal(noise, where), ERG_OK);
    for (int i = 0; i < n; i++) {
        double t = M_PI * erg_tensor_get(angle, i);
        x[2 * i] = (i % 2 ? 1 - cos(t) : cos(t)) + 0.1 * erg_tensor_get(noise, 2 * i);
        x[2 * i + 1] = (i % 2 ? 0.5 - sin(t) : sin(t)) + 0.1 * erg_tensor_get(noise, 2 * i + 1);
    }
    erg_tensor_free(angle);
    erg_tensor_free(noise);
    return x;
}

static void put(erg_node *leaf, int row, int n, const double *x) {
    for (int i = 0; i < 2 * n; i++)
        erg_tensor_set(erg_value(leaf), 2 * row + i, x[i]);
}

typedef struct task {
    uint64_t seed;
    erg_graph *graph;
    erg_mlp *net;
    erg_classifier classifier;
    erg_node *data, *labels, *x; /* the first LABELLED rows of data have labels */
    erg_negatives *negatives;
} task;

static void build(task *t, uint64_t seed) {
    *t = (task){.seed = seed, .graph = erg_graph_new(seed)};
    erg_graph *g = t->graph;
    t->net = erg_mlp_new(g, "net", (int64_t[]){2, 32, 32, 2}, 4,
                         (erg_mlp_options){.activation = ERG_GELU_TANH});
    t->classifier = (erg_classifier){logits, t->net};
    t->data = erg_input(g, "data", ERG_FLOAT32, ERG_SHAPE(LABELLED + BATCH, 2));
    t->labels = erg_input(g, "labels", ERG_INT32, ERG_SHAPE(LABELLED + BATCH));
    for (int i = 0; i < LABELLED + BATCH; i++)
        erg_tensor_set(erg_value(t->labels), i, i < LABELLED ? i % 2 : -1);
    double *few = moons(LABELLED, (erg_random){.seed = seed, .run = 1});
    put(t->data, 0, LABELLED, few);
    free(few);
    t->x = erg_input(g, "x", ERG_FLOAT32, ERG_SHAPE(BATCH, 2));
    erg_node *next =
        erg_langevin((erg_energy){erg_classifier_energy, &t->classifier}, t->x,
                     (erg_langevin_options){.step_size = 0.01, .clamp_low = -2, .clamp_high = 3});
    t->negatives = erg_negatives_new(t->x, next,
                                     (erg_negatives_options){.start = ERG_START_PERSISTENT,
                                                             .steps = 10,
                                                             .replay = {.capacity = 500}});
    ck_assert_msg(t->negatives != NULL, "%s", erg_error_message());
}

static erg_node *labels_alone(const task *t) {
    return erg_jem(&t->classifier, t->data, t->labels, t->x, (erg_jem_options){.weight = ERG_ZERO});
}
static erg_node *all(const task *t) {
    return erg_jem(&t->classifier, t->data, t->labels, t->x,
                   (erg_jem_options){.weight = 0.3, .energy_penalty = 0.01});
}
/* A mistake: the energy upside down, low where the chains are. */
static erg_node *upside_down(const task *t) {
    return erg_sub(erg_mul_scalar(labels_alone(t), 2), all(t));
}

static void train(task *t, erg_node *loss) {
    int n;
    erg_node **params = erg_params(t->graph, "net/", &n);
    erg_node *step = erg_adam(loss, params, n, (erg_adam_options){.learning_rate = 3e-3});
    erg_plan *plan = erg_compile(&step, 1);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    double *pool = moons(POOL, (erg_random){.seed = t->seed, .run = 2});
    for (uint64_t update = 0; update < 1500; update++) {
        int64_t rows[BATCH];
        erg_random_integers(rows, BATCH, POOL, (erg_random){.seed = t->seed, .run = update});
        for (int i = 0; i < BATCH; i++)
            put(t->data, LABELLED + i, 1, pool + 2 * rows[i]);
        ck_assert_int_eq(erg_negatives_run(t->negatives, NULL), ERG_OK);
        erg_run(plan);
    }
    free(pool);
    erg_plan_free(plan);
}

static double accuracy(uint64_t seed, erg_node *(*loss)(const task *t)) {
    task t;
    build(&t, seed);
    train(&t, loss(&t));
    double *held_out = moons(HELD_OUT, (erg_random){.seed = seed, .run = 3});
    erg_node *at = erg_input(t.graph, NULL, ERG_FLOAT32, ERG_SHAPE(HELD_OUT, 2));
    put(at, 0, HELD_OUT, held_out);
    double *classes = elements_of(erg_argmax(erg_mlp_apply(t.net, at), 1)), right = 0;
    for (int i = 0; i < HELD_OUT; i++)
        right += classes[i] == i % 2;
    free(classes);
    free(held_out);
    erg_negatives_free(t.negatives);
    erg_graph_free(t.graph);
    return right / HELD_OUT;
}

/* Over five seeds: at least 12 points of a hundred more on average, and more for each. */
static bool beats_the_labels(erg_node *(*loss)(const task *t), int seeds) {
    double gain = 0;
    bool each = true;
    for (uint64_t seed = 1; seed <= (uint64_t)seeds; seed++) {
        double before = accuracy(seed, labels_alone), after = accuracy(seed, loss);
        printf("seed %d: %.3f by labels alone, %.3f\n", (int)seed, before, after);
        each = each && after > before;
        gain += (after - before) / seeds;
    }
    return each && gain > 0.12;
}

START_TEST(samples_without_labels_help) {
    int seeds = (int)draws(SEEDS, 1);
    ck_assert(beats_the_labels(all, seeds));
    ck_assert(!beats_the_labels(upside_down, 1));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("jem");
    TCase *numbers = tcase_create("numbers");
    tcase_add_test(numbers, cross_entropy_has_known_numbers);
    tcase_add_loop_test(numbers, jem_is_the_joint_likelihood, 0, COUNT(jem_losses));
    suite_add_tcase(suite, numbers);
    TCase *moons = tcase_create("moons");
    tcase_add_test(moons, samples_without_labels_help);
    suite_add_tcase(suite, moons);
    return run_suite(suite);
}

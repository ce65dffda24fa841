/* jem_mnist.c: a classifier of digits that knows what a digit is (JEM, Grathwohl et al. 2020). The
 * logits f(x)[y] of a network define
 *
 *     p(y | x) = softmax(f(x))[y],   p(x) = exp(-E(x)) / Z,   E(x) = -log sum_y exp f(x)[y],
 *
 * and training maximises log p(y | x) + weight log p(x). Beside it, on the same batches, the same
 * network is trained as a classifier alone. */
#include <math.h>

#include "jem_mnist.h"

const char *const model_names[MODELS] = {"jem", "plain"};

/* The learning rate rises for the first steps, and halves after so many. */
enum { WARM_UP = 100, HALVED = 400 };

/* ------------------------------------------------------------------------------- the network */

/* Three convolutions, each of which halves the image, and two linear layers. It has no batch norm,
 * whose energy would depend on the other images. */
static network make_network(erg_graph *g, const char *name, int64_t height, int64_t width) {
    static const char *const names[] = {"conv1", "conv2", "conv3"};
    network net = {0};
    int64_t channels = 1;
    erg_scope_push(g, name);
    for (int i = 0; i < CONVOLUTIONS; i++) {
        int64_t kernel = i == 0 ? 5 : 3, more = i == 0 ? 16 : 2 * channels;
        net.convolutions[i] = erg_convolution_new(
            g, names[i], channels, more,
            (erg_convolution_options){
                .kernel = {kernel, kernel}, .stride = {2, 2}, .padding = {kernel / 2, kernel / 2}});
        channels = more;
        height = (height + 1) / 2;
        width = (width + 1) / 2;
    }
    net.linear1 =
        erg_linear_new(g, "linear1", channels * height * width, 128, (erg_linear_options){0});
    net.linear2 = erg_linear_new(g, "linear2", 128, DIGITS_CLASSES, (erg_linear_options){0});
    erg_scope_pop(g);
    return net;
}

/* (B, 1, H, W) -> (B, DIGITS_CLASSES) */
static erg_node *logits_of(void *self, erg_node *x) {
    const network *net = self;
    for (int i = 0; i < CONVOLUTIONS; i++)
        x = erg_silu(erg_convolution_apply(net->convolutions[i], x));
    x = erg_silu(erg_linear_apply(net->linear1, erg_flatten(x, 1)));
    return erg_linear_apply(net->linear2, x);
}

/* ------------------------------------------------------------------------------- chains */

erg_node *langevin_step(erg_energy energy, erg_node *x) {
    return erg_langevin(
        energy, x,
        (erg_langevin_options){.step_size = 1, .noise = 0.01, .clamp_low = -1, .clamp_high = 1});
}

static erg_negatives *make_negatives(task *t, erg_shape shape) {
    const jem_options *o = t->options;
    erg_energy energy = {erg_classifier_energy, &t->classifiers[JEM]};
    erg_node *x = erg_state(t->graph, "chains", ERG_FLOAT32, shape);
    int64_t slots = o->slots > o->common.batch ? o->slots : o->common.batch;
    return erg_negatives_new(
        x, langevin_step(energy, x),
        (erg_negatives_options){
            .start = ERG_START_PERSISTENT,
            .steps = o->chain_steps,
            .replay = {.capacity = slots, .restart = 0.05, .seed = o->common.seed}});
}

/* ------------------------------------------------------------------------------- training */

static erg_status make_models(task *t) {
    const jem_options *o = t->options;
    erg_shape shape = t->train->shape;
    erg_graph *g = t->graph = erg_graph_new(o->common.seed);
    shape.dims[0] = o->common.batch;
    for (int model = 0; model < MODELS; model++) {
        t->networks[model] = make_network(g, model_names[model], shape.dims[2], shape.dims[3]);
        t->classifiers[model] = (erg_classifier){logits_of, &t->networks[model]};
    }
    t->images = erg_input(g, "images", ERG_FLOAT32, shape);
    t->labels = erg_input(g, "labels", ERG_INT32, ERG_SHAPE(shape.dims[0]));
    t->negatives = make_negatives(t, shape);
    t->batches = erg_dataset_new(t->train, t->train_digits.labels,
                                 (erg_dataset_options){.seed = o->common.seed});
    t->looks = erg_dataset_new(t->held_out, t->held_out_digits.labels,
                               (erg_dataset_options){.ordered = 1});
    return t->negatives && t->batches && t->looks ? ERG_OK : erg_error_status();
}

/* The networks share nothing, so the sum of their losses trains each as if it were alone. */
static erg_node *make_loss(task *t) {
    const jem_options *o = t->options;
    erg_node *losses[MODELS], *chains = erg_negatives_x(t->negatives);
    for (int model = 0; model < MODELS; model++) {
        erg_node *entropy = erg_cross_entropy(logits_of(&t->networks[model], t->images), t->labels);
        t->columns[model] =
            (erg_column){model == JEM ? "cross entropy of jem" : "cross entropy of plain", entropy};
        losses[model] = entropy;
    }
    losses[JEM] = erg_jem(&t->classifiers[JEM], t->images, t->labels, chains,
                          (erg_jem_options){.weight = o->weight > 0 ? o->weight : ERG_ZERO,
                                            .energy_penalty = o->penalty});
    return erg_add(losses[JEM], losses[PLAIN]);
}

static erg_node *accuracy_of(task *t) {
    erg_node *choice = erg_argmax(logits_of(&t->networks[JEM], t->images), 1);
    erg_node *right = erg_equal(erg_cast(choice, ERG_FLOAT32), erg_cast(t->labels, ERG_FLOAT32));
    return erg_mean(right, ERG_ALL, 0);
}

static erg_status make_trainer(task *t) {
    const jem_options *o = t->options;
    erg_node *step = erg_state(t->graph, "step", ERG_FLOAT64, ERG_SCALAR);
    erg_node *falling = erg_exponential_schedule(step, o->rate, pow(0.5, 1.0 / HALVED));
    int n;
    erg_node **params = erg_params(t->graph, NULL, &n);
    erg_trainer_options options = digits_trainer_options(&o->common);
    options.step = step;
    options.learning_rate_node = erg_mul(erg_linear_schedule(step, 0, 1, WARM_UP), falling);
    options.batches =
        (erg_batches){.x = t->images, .y = t->labels, .dataset = t->batches, .noise = o->noise};
    options.negatives = t->negatives;
    options.health.energy = (erg_energy){erg_classifier_energy, &t->classifiers[JEM]};
    options.validation =
        (erg_validation){.node = accuracy_of(t), .dataset = t->looks, .every = 100};
    erg_node *loss = make_loss(t);
    options.history = (erg_history_options){.columns = t->columns, .n_columns = MODELS};
    t->trainer = erg_trainer_new(loss, params, n, options);
    return t->trainer ? ERG_OK : erg_error_status();
}

/* ------------------------------------------------------------------------------- the program */

#define AT(field) .offset = offsetof(jem_options, field)

static const program_option options[] = {
    DIGITS_ROWS(jem_options),
    DIGITS_ROW(jem_options, "--batch", "N", "digits, and chains, in a step", PROGRAM_WHOLE, batch,
               1, 1e5),
    {"--chain-steps", "N", "of each chain in a step of training", PROGRAM_WHOLE, AT(chain_steps), 1,
     1e5},
    {"--slots", "N", "of the replay buffer", PROGRAM_WHOLE, AT(slots), 1, 1e6},
    {"--weight", "X", "of log p(x) against log p(y | x)", PROGRAM_REAL, AT(weight), 0, 100},
    {"--penalty", "X", "of the squared energies", PROGRAM_REAL, AT(penalty), 0, 100},
    {"--noise", "X", "on the digits: its standard deviation", PROGRAM_REAL, AT(noise), 0, 1},
    {"--lr", "X", "learning rate, after 100 steps; it halves every 400", PROGRAM_REAL, AT(rate),
     1e-9, 1},
    {0},
};

static const program jem_program = {
    .name = "jem_mnist",
    .purpose = "a classifier of digits that is an energy too.",
    .options = options,
};

static const jem_options defaults = {
    .common = {.data = ".",
               .files = "t10k",
               .out = "jem_mnist",
               .held_out = 2000,
               .steps = 1000,
               .batch = 64,
               .seed = 1},
    .chain_steps = 20,
    .slots = 1000,
    .weight = 0.1,
    .penalty = 0.01,
    .noise = 0.1,
    .rate = 2e-3,
};

static void print_evaluations(const task *t, const evaluation *e) {
    printf("%lld steps in %.1f s\n", (long long)erg_trainer_steps(t->trainer), t->seconds);
    for (int model = 0; model < MODELS; model++)
        printf("%-5s %.2f %% right, calibration error %.4f, AUROC of log p(x) %.3f against noise, "
               "%.3f against flipped digits\n",
               model_names[model], 100 * e[model].accuracy, e[model].calibration.error,
               e[model].noise, e[model].flipped);
}

static erg_status read_pixels(task *t) {
    erg_status status = digits_start(&t->options->common, &t->train_digits, &t->held_out_digits);
    if (status != ERG_OK)
        return status;
    t->train = digits_pixels(t->train_digits.images);
    t->held_out = digits_pixels(t->held_out_digits.images);
    return t->train && t->held_out ? ERG_OK : erg_error_status();
}

static erg_status run(task *t) {
    evaluation evaluations[MODELS];
    erg_status status = read_pixels(t);
    if (status == ERG_OK)
        status = make_models(t);
    if (status == ERG_OK)
        status = make_trainer(t);
    if (status == ERG_OK)
        status = digits_train(t->trainer, &t->options->common, &t->seconds);
    for (int model = 0; status == ERG_OK && model < MODELS; model++)
        status = evaluate_model(t, model, &evaluations[model]);
    if (status == ERG_OK)
        status = write_report(t, evaluations);
    if (status == ERG_OK)
        print_evaluations(t, evaluations);
    return status;
}

int main(int argc, char **argv) {
    jem_options o = defaults;
    int exit_status;
    if (!program_read(&jem_program, argc, argv, &o, &exit_status))
        return exit_status;
    task t = {.options = &o, .argc = argc, .argv = argv};
    exit_status = program_end(&jem_program, run(&t));
    erg_trainer_free(t.trainer);
    erg_negatives_free(t.negatives);
    erg_dataset_free(t.batches);
    erg_dataset_free(t.looks);
    erg_graph_free(t.graph);
    erg_tensor_free(t.train);
    erg_tensor_free(t.held_out);
    digits_free(&t.train_digits);
    digits_free(&t.held_out_digits);
    return exit_status;
}

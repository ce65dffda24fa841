/* mnist_classifier.c: a convolutional network that reads handwritten digits, from the files of
 * MNIST to weights for PyTorch. It minimises the cross-entropy
 *     -mean log p(y | x),   p(y | x) = softmax(logits(x))[y],
 * by AdamW with a learning rate that halves with every pass over the data. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "digits.h"
#include "mnist_classifier.h"

/* ------------------------------------------------------------------------------- the network */

typedef struct network {
    erg_convolution *conv1, *conv2;
    erg_linear *linear1, *linear2;
    erg_node *training; /* a flag */
    double dropout;
} network;

/* Two convolutions, each halved by pooling, and two linear layers; the names are those of the
 * attributes of the same module in PyTorch. */
static network make_network(erg_graph *g, int64_t height, int64_t width, double dropout) {
    const erg_convolution_options same_size = {.kernel = {3, 3}, .padding = {1, 1}};
    return (network){
        .conv1 = erg_convolution_new(g, "conv1", 1, 16, same_size),
        .conv2 = erg_convolution_new(g, "conv2", 16, 32, same_size),
        .linear1 = erg_linear_new(g, "linear1", 32 * (height / 4) * (width / 4), 128,
                                  (erg_linear_options){0}),
        .linear2 = erg_linear_new(g, "linear2", 128, DIGITS_CLASSES, (erg_linear_options){0}),
        .training = erg_input(g, "training", ERG_FLOAT32, ERG_SCALAR),
        .dropout = dropout,
    };
}

static erg_node *convolve(const erg_convolution *layer, erg_node *x) {
    const erg_pool2d_options halve = {.kernel = {2, 2}};
    return erg_max_pool2d(erg_relu(erg_convolution_apply(layer, x)), halve);
}

/* Bytes (B, H, W) -> logits (B, DIGITS_CLASSES). */
static erg_node *logits_of(const network *net, erg_node *images) {
    erg_node *grey = erg_mul_scalar(erg_cast(images, ERG_FLOAT32), 1 / 255.0);
    erg_node *x = convolve(net->conv2, convolve(net->conv1, erg_unsqueeze(grey, 1)));
    x = erg_relu(erg_linear_apply(net->linear1, erg_flatten(x, 1)));
    return erg_linear_apply(net->linear2, erg_dropout(x, net->dropout, net->training));
}

/* ------------------------------------------------------------------------------- training */

typedef struct classifier {
    erg_graph *graph;
    erg_node *images, *labels; /* inputs */
    erg_plan *predict;         /* the most probable classes (B) */
    erg_dataset *train, *test; /* that to learn from, and that which is held out */
    erg_trainer *trainer;
} classifier;

/* The part of the held-out images that is read right. */
static double part_read_right(void *self) {
    classifier *c = self;
    int64_t epoch = erg_dataset_epoch(c->test), right = 0;
    while (erg_dataset_epoch(c->test) == epoch) {
        if (erg_dataset_next(c->test, erg_value(c->images), erg_value(c->labels)) != ERG_OK)
            return NAN;
        erg_run(c->predict);
        for (int64_t i = 0; i < erg_dataset_fresh(c->test); i++)
            right += erg_tensor_get(erg_output(c->predict, 0), i) ==
                     erg_tensor_get(erg_value(c->labels), i);
    }
    return (double)right / (double)erg_dataset_size(c->test);
}

/* A row of the trainer's history is a pass. */
static erg_trainer *make_trainer(classifier *c, const classifier_options *o, erg_node *loss,
                                 erg_node *training) {
    int64_t steps_of_pass = erg_dataset_size(c->train) / o->batch;
    erg_node *step = erg_state(c->graph, "step", ERG_FLOAT64, ERG_SCALAR);
    erg_node *rate = erg_exponential_schedule(step, o->rate, pow(0.5, 1 / (double)steps_of_pass));
    int n;
    erg_node **params = erg_params(c->graph, NULL, &n);
    return erg_trainer_new(
        loss, params, n,
        (erg_trainer_options){
            .rule.fn = erg_adamw_rule,
            .learning_rate_node = rate,
            .step = step,
            .training = training,
            .batches = {.x = c->images, .y = c->labels, .dataset = c->train},
            .validation = {.fn = part_read_right, .self = c, .every = steps_of_pass},
            .history.every = steps_of_pass,
            .saving.path = o->checkpoint,
            .progress = stderr});
}

static erg_status make_classifier(classifier *c, const classifier_options *o, const digits *train,
                                  const digits *held_out) {
    erg_shape shape = train->images->shape;
    erg_graph *g = c->graph = erg_graph_new(o->seed);
    network net = make_network(g, shape.dims[1], shape.dims[2], o->dropout);
    shape.dims[0] = o->batch;
    c->images = erg_input(g, "images", ERG_INT32, shape);
    c->labels = erg_input(g, "labels", ERG_INT32, ERG_SHAPE(shape.dims[0]));
    erg_node *logits = logits_of(&net, c->images);
    erg_node *loss = erg_cross_entropy(logits, c->labels);
    erg_node *predicted = erg_argmax(logits, 1);
    c->predict = erg_compile(&predicted, 1);
    c->train =
        erg_dataset_new(train->images, train->labels, (erg_dataset_options){.seed = o->seed});
    c->test = erg_dataset_new(held_out->images, held_out->labels,
                              (erg_dataset_options){.ordered = 1, .keep_last = 1});
    if (c->predict && c->train && c->test)
        c->trainer = make_trainer(c, o, loss, net.training);
    return c->trainer ? ERG_OK : erg_error_status();
}

static void free_classifier(classifier *c) {
    erg_trainer_free(c->trainer);
    erg_plan_free(c->predict);
    erg_dataset_free(c->train);
    erg_dataset_free(c->test);
    erg_graph_free(c->graph);
}

static erg_status train_and_report(classifier *c, const classifier_options *o) {
    while (erg_dataset_epoch(c->train) < o->passes) {
        double start = seconds_now();
        int64_t pass = erg_dataset_epoch(c->train) + 1;
        erg_status status = erg_trainer_run_epochs(c->trainer, pass);
        if (status != ERG_OK)
            return status;
        printf("pass %lld: loss %.4f, %.2f %% of %lld held-out images right, %.1f s\n",
               (long long)pass, erg_trainer_get(c->trainer, "loss"),
               100 * erg_trainer_get(c->trainer, "validation"), (long long)o->held_out,
               seconds_now() - start);
        fflush(stdout);
    }
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- the program */

static erg_status write_weights(classifier *c, const char *path) {
    erg_bundle *weights = erg_weights(c->graph, NULL);
    erg_status status = weights ? erg_safetensors_write(path, weights, (erg_safetensors_options){0})
                                : erg_error_status();
    erg_bundle_free(weights);
    return status;
}

static erg_status run(classifier *c, const classifier_options *o) {
    erg_status status = ERG_OK;
    if (o->checkpoint && access(o->checkpoint, F_OK) == 0) {
        status = erg_trainer_load(c->trainer, o->checkpoint);
        if (status == ERG_OK)
            printf("resumed after pass %lld\n", (long long)erg_dataset_epoch(c->train));
    }
    if (status == ERG_OK)
        status = train_and_report(c, o);
    return status == ERG_OK ? write_weights(c, o->out) : status;
}

int main(int argc, char **argv) {
    classifier_options options = classifier_defaults;
    int exit_status;
    if (!program_read(&classifier_program, argc, argv, &options, &exit_status))
        return exit_status;
    digits train = {0}, held_out = {0};
    classifier classifier = {0};
    erg_status status = options.threads > 0 ? erg_set_threads((int)options.threads) : ERG_OK;
    if (status == ERG_OK)
        status = digits_read((digits_source){.folder = options.data,
                                             .files = options.files,
                                             .held_out = (int64_t)options.held_out,
                                             .batch = (int64_t)options.batch},
                             &train, &held_out);
    if (status == ERG_OK)
        status = make_classifier(&classifier, &options, &train, &held_out);
    if (status == ERG_OK)
        status = run(&classifier, &options);
    exit_status = program_end(&classifier_program, status);
    free_classifier(&classifier);
    digits_free(&train);
    digits_free(&held_out);
    return exit_status;
}

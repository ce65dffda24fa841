/* jem_mnist.h: what the files of jem_mnist share. */
#ifndef JEM_MNIST_H
#define JEM_MNIST_H

#include "digits_training.h"

typedef struct jem_options {
    digits_options common;
    int64_t chain_steps, slots;
    double weight, penalty, noise, rate;
} jem_options;

enum { CONVOLUTIONS = 3 };
typedef struct network {
    erg_convolution *convolutions[CONVOLUTIONS];
    erg_linear *linear1, *linear2;
} network;

/* Two networks of one kind, trained side by side on the same batches. */
enum { JEM, PLAIN, MODELS };
extern const char *const model_names[MODELS];

typedef struct task {
    const jem_options *options;
    int argc;
    char **argv;
    digits train_digits, held_out_digits;
    erg_tensor *train, *held_out; /* pixels (N, 1, H, W) */
    erg_graph *graph;
    network networks[MODELS];
    erg_classifier classifiers[MODELS];
    erg_node *images, *labels; /* inputs (B, 1, H, W) and (B) */
    erg_column columns[MODELS];
    erg_negatives *negatives;
    erg_dataset *batches, *looks;
    erg_trainer *trainer;
    double seconds;
} task;

/* A step of Langevin dynamics with the steps and the noise of JEM's chains. */
erg_node *langevin_step(erg_energy energy, erg_node *x);

enum { BINS = 15 };
/* How sure a model is, and how often it is right, for held-out digits by their highest probability. */
typedef struct calibration {
    int64_t count[BINS];
    double confidence[BINS], accuracy[BINS]; /* means over a bin, NAN if it is empty */
    double
        error; /* expected calibration error: the mean over all digits of |confidence - accuracy| */
} calibration;

typedef struct evaluation {
    double accuracy;
    calibration calibration;
    double noise, flipped; /* AUROC of log p(x) for telling digits from these */
} evaluation;
erg_status evaluate_model(const task *t, int model, evaluation *result);

/* Pictures, numbers and the page. */
erg_status write_report(task *t, const evaluation *evaluations);

#endif

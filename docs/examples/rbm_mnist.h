/* rbm_mnist.h: what the files of rbm_mnist share. */
#ifndef RBM_MNIST_H
#define RBM_MNIST_H

#include "digits_training.h"

typedef struct rbm_options {
    digits_options common;
    int64_t hidden, sweeps, temperatures, paths;
    double rate, decay;
} rbm_options;

typedef struct machine {
    const rbm_options *options;
    int argc;
    char **argv;
    int64_t height, width;        /* of a digit */
    erg_tensor *train, *held_out; /* bits (N, V) */
    erg_tensor *frequency;        /* (V): how often each pixel is 1 among the digits to train on */
    erg_graph *graph;
    erg_rbm *rbm;
    erg_node *digits;         /* (B, V), input */
    erg_negatives *negatives; /* the chains, as many as there are digits in a batch */
    erg_dataset *batches, *look;
    erg_trainer *trainer;
    double seconds;
} machine;

/* What is known of log Z and of log p(v) = -E(v) - log Z. */
typedef struct likelihood {
    erg_ais_result log_z;
    double exact;       /* log Z, or NAN if the hidden units are too many */
    double mean, error; /* of -E over the held-out digits: add nothing but -log Z */
    double base;        /* mean log p of them if pixels were independent */
    double seconds;
} likelihood;
erg_status estimate_likelihood(const machine *m, likelihood *result);

/* Pictures, numbers and the page. */
erg_status write_report(const machine *m, const likelihood *l);

#endif

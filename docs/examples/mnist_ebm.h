/* mnist_ebm.h: what the files of mnist_ebm share. */
#ifndef MNIST_EBM_H
#define MNIST_EBM_H

#include "digits_training.h"

typedef struct ebm_options {
    digits_options common;
    int64_t chain_steps, slots;
    double rate;
} ebm_options;

/* A model with what trains it. */
typedef struct ebm {
    const ebm_options *options;
    int argc;
    char **argv;
    erg_tensor *train, *held_out; /* pixels (N, 1, H, W) */
    erg_graph *graph;
    erg_energy energy;
    erg_node *digits; /* an input (B, 1, H, W) */
    erg_dataset *batches;
    erg_negatives *negatives;
    erg_trainer *trainer;
    double seconds; /* of training */
} ebm;

/* One step of the chains from x, (N, 1, H, W). */
erg_node *langevin_step(const ebm *ebm, erg_node *x);

/* Draws samples, weighs images of several kinds, and writes the page into the folder. */
erg_status write_report(ebm *ebm);

/* ---- pictures of numbers */

/* Images of one kind and their energies. */
typedef struct image_set {
    const char *name;
    erg_tensor *pixels, *energies; /* (N, 1, H, W); float64 (N) */
} image_set;
/* Histograms of the energies of n sets in one picture. */
erg_status draw_energies(const char *path, const image_set *sets, int n);
/* How many slots of the replay buffer have which age. */
erg_status draw_ages(const char *path, const erg_replay *replay);

#endif

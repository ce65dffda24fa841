/* inpaint.h: what the files of inpaint share. */
#ifndef INPAINT_H
#define INPAINT_H

#include "digits_training.h"

typedef struct inpaint_options {
    digits_options common;
    int64_t descent, hole; /* steps; pixels */
    double noise, rate;
} inpaint_options;

/* A model with what trains it. Of each batch the first half has noise, the second a hole. */
typedef struct inpaint {
    const inpaint_options *options;
    int argc;
    char **argv;
    erg_tensor *train, *held_out; /* pixels (N, 1, H, W) */
    erg_graph *graph;
    erg_energy energy;
    erg_node *clean;     /* an input (B, 1, H, W) */
    erg_node *corrupted; /* the same with noise or a hole, new ones at each run */
    erg_node *missing;   /* not 0 where pixels may change */
    erg_node *step_size; /* (), learned */
    erg_column column;   /* of the history: the step size */
    erg_dataset *batches, *looks;
    erg_trainer *trainer;
    double seconds; /* of training */
} inpaint;

/* What needs no training, for images of height x width pixels. */
typedef struct image_size {
    int64_t height, width;
} image_size;
/* A Gaussian blur; what lies outside of the image does not count. */
void blur_image(float *out, const float *in, image_size size, double width);
/* Where missing is not 0, the smoothest surface that fits what is there: Laplace's equation. */
void smooth_holes(float *out, const float *in, const float *missing, image_size size);
/* The mean of images (N, 1, H, W), which the caller frees; NULL if memory is short. */
float *mean_image(const erg_tensor *images);

/* Repairs the held-out digits, and writes numbers and pictures into the folder. */
erg_status write_report(inpaint *task);

#endif

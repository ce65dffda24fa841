/* digits.h: handwritten digits for the example programs: read from MNIST's files, scaled, spoiled in
 * known ways, drawn, and told apart by a number. Functions that return a tensor return NULL with a
 * message on failure; the caller frees it. */
#ifndef DIGITS_H
#define DIGITS_H

#include <erg.h>

enum { DIGITS_CLASSES = 10 };

typedef struct digits {
    erg_tensor *images; /* int32 (N, H, W), from 0, the ground, to 255 */
    erg_tensor *labels; /* int32 (N), from 0 to 9 */
} digits;

typedef struct digits_source {
    const char *folder, *files; /* reads folder/files-images-idx3-ubyte and -labels-idx1-ubyte, or
                                   the same with .gz */
    int64_t held_out;           /* the last images of the file; the others are to train on */
    int64_t batch;              /* at least as many must be left to train on */
} digits_source;
/* Whatever the result, the caller frees both, which are all zeros at first. */
erg_status digits_read(digits_source source, digits *train, digits *held_out);
void digits_free(digits *d);

/* Bytes (N, H, W) as pixels, float32 (N, 1, H, W), from -1, the ground, to 1. */
erg_tensor *digits_pixels(const erg_tensor *images);

/* Of pixels (N, 1, H, W): the first `count`; all upside down; all with a square in the middle, half
 * as high and half as wide as the image, that shows the ground. */
erg_tensor *digits_first(const erg_tensor *pixels, int64_t count);
erg_tensor *digits_flipped(const erg_tensor *pixels);
erg_tensor *digits_occluded(const erg_tensor *pixels);

/* Draws pixels (N, 1, H, W) from -1 (black) to 1 (white), `columns` in a row. */
erg_status digits_draw(const char *path, const erg_tensor *pixels, int columns);

/* The area under the ROC curve of a score that is to be higher for `others` than for `usual`: the
 * probability that it is, for one of each by chance, equal scores counting half. 1-d tensors. */
double digits_auroc(const erg_tensor *usual, const erg_tensor *others);

#endif

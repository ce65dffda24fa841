/* conv_cases.h: geometries of convolutions: those with PyTorch's answers, and larger ones. */
#ifndef ERG_TESTS_CONV_CASES_H
#define ERG_TESTS_CONV_CASES_H

#include "../tensor/conv.h"
#include "plan_tools.h"

/* Sizes as in golden_conv.h: batch, groups, channels and filters of a group, then height and width
 * of image, kernel, stride, padding, dilation and output padding. */
enum {
    BATCH,
    GROUPS,
    CHANNELS,
    FILTERS,
    IMAGE,
    KERNEL = 6,
    STRIDE = 8,
    PADDING = 10,
    DILATION = 12,
    MORE = 14,
    N_SIZES = 16
};
typedef struct golden {
    int64_t size[N_SIZES];
    double sums[5];
} golden;
#include "golden_conv.h"

/* Besides those: more images than lanes, tiles of every height and width, several tiles above each
 * other, a kernel that the padding shifts out of the image, a stride longer than kernel and image,
 * tiles of several phases and of several rows of the image in one or more pieces, images of which a
 * copy with the channels last is made. */
static const golden larger[] = {
    {{33, 1, 2, 29, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1}, {0}},
    {{2, 2, 7, 15, 9, 33, 3, 2, 2, 2, 1, 1, 1, 1}, {0}},
    {{5, 1, 24, 1, 61, 70, 3, 3, 1, 1, 1, 1, 1, 1}, {0}},
    {{5, 1, 2, 20, 90, 64, 5, 3, 2, 1, 2, 0, 1, 2}, {0}},
    {{3, 1, 2, 2, 4, 4, 3, 3, 1, 2, 6, 5, 2, 1}, {0}},
    {{3, 1, 2, 5, 4, 9, 2, 3, 7, 4, 0, 3, 1, 1}, {0}},
    {{130, 1, 1, 3, 4, 4, 2, 2, 2, 2, 0, 0, 1, 1}, {0}},
    {{2, 1, 40, 2, 41, 40, 3, 3, 1, 2, 1, 1, 1, 1}, {0}},
    {{2, 1, 2, 1, 3, 200, 1, 2, 1, 1, 0, 0, 1, 150}, {0}},
    {{17, 2, 9, 33, 5, 4, 3, 1, 1, 1, 1, 0, 2, 1}, {0}},
    {{3, 1, 3, 20, 29, 31, 5, 4, 2, 2, 4, 1, 1, 1}, {0}},
    {{2, 1, 2, 24, 30, 31, 7, 7, 3, 3, 3, 3, 1, 1}, {0}},
    {{2, 1, 1, 2, 61, 30, 5, 5, 1, 1, 2, 2, 1, 1}, {0}},
    {{3, 2, 1, 1, 50, 9, 7, 3, 1, 2, 3, 0, 1, 1}, {0}},
    {{2, 1, 1, 3, 45, 70, 5, 3, 2, 1, 8, 2, 2, 1}, {0}},
    {{1, 1, 1, 40, 121, 60, 5, 5, 1, 1, 2, 2, 1, 1}, {0}},
    {{17, 2, 130, 40, 4, 4, 3, 3, 2, 2, 0, 1, 1, 1}, {0}},
    {{13, 1, 40, 180, 1, 2, 3, 3, 1, 1, 2, 2, 1, 1}, {0}},
    {{20, 1, 1, 1, 6, 5, 2, 2, 2, 1, 0, 0, 1, 1}, {0}},
};

static inline const golden *case_of(int i) {
    return i < COUNT(golden_conv) ? &golden_conv[i] : &larger[i - COUNT(golden_conv)];
}
enum { CASES = COUNT(golden_conv) + COUNT(larger) };

static inline erg_conv conv_of(const golden *g) {
    const int64_t *s = g->size;
    erg_conv conv = {s[BATCH], s[GROUPS], s[CHANNELS], s[FILTERS], {{0}}};
    for (int k = 0; k < 2; k++) {
        erg_conv_axis *a = &conv.axis[k];
        *a = (erg_conv_axis){.in = s[IMAGE + k],
                             .kernel = s[KERNEL + k],
                             .stride = s[STRIDE + k],
                             .padding = s[PADDING + k],
                             .dilation = s[DILATION + k]};
        a->out = (a->in + 2 * a->padding - a->dilation * (a->kernel - 1) - 1) / a->stride + 1;
    }
    return conv;
}

#endif

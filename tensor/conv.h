/* conv.h: the geometry of a 2-D convolution, shared by the graph and the kernels. Internal.
 *
 *     y[b, o, i, j] = sum_cuv w[o, c, u, v] x[b, first(o) + c, i s + u d - p, j s + v d - p]
 *
 * with x zero outside of itself. Channels and filters are cut into groups, and first(o) is the
 * first channel of the group of filter o. Stride s, padding p and dilation d are those of an
 * axis. */
#ifndef ERG_TENSOR_CONV_H
#define ERG_TENSOR_CONV_H

#include <stdbool.h>
#include <stdint.h>

typedef struct erg_conv_axis {
    int64_t in, kernel, out; /* sizes of x, w and y */
    int64_t stride, padding, dilation;
} erg_conv_axis;

typedef struct erg_conv {
    int64_t batch, groups;
    int64_t channels, filters; /* of one group */
    erg_conv_axis axis[2];     /* height and width */
} erg_conv;

/* Which way it goes, and where the channels are. As first axis of an image they are planes; as last
 * axis all numbers of a pixel are neighbours. */
typedef struct erg_conv_form {
    bool transposed;               /* the source is y and the result x, else x and y */
    bool turned;                   /* w has the channels of the result as its last axis: */
                                   /* (channels, KH, KW, filters of all groups), or transposed */
                                   /* (filters of all groups, KH, KW, channels) */
    bool source_last, result_last; /* channels are the last axis */
} erg_conv_form;

#endif

/* conv.h: the geometry of a 2-D convolution, shared by the graph and the kernels. Internal.
 *
 *     y[b, o, i, j] = sum_cuv w[o, c, u, v] x[b, first(o) + c, i s + u d - p, j s + v d - p]
 *
 * with x zero outside of itself. Channels and filters are cut into groups, and first(o) is the
 * first channel of the group of filter o. Stride s, padding p and dilation d are those of an
 * axis. */
#ifndef ERG_TENSOR_CONV_H
#define ERG_TENSOR_CONV_H

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

#endif

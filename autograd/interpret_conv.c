/* interpret_conv.c: what the three convolutions mean, one element at a time (see interpret.c; the
 * indices are those of tensor/conv.h). */
#include "conv.h"
#include "interpret.h"

/* Where place i of the kernel has its element u, as an index of the image. */
static int64_t reach(erg_conv_axis a, int64_t i, int64_t u) {
    return i * a.stride + u * a.dilation - a.padding;
}

/* The place whose element u is at h, or -1. */
static int64_t place_at(erg_conv_axis a, int64_t h, int64_t u) {
    int64_t from = h + a.padding - u * a.dilation;
    return from >= 0 && from % a.stride == 0 && from / a.stride < a.out ? from / a.stride : -1;
}

/* Image b, channel c of group g: zero outside. */
static double pixel(const erg_node *x, const void *data, erg_conv v, const int64_t *bgc, int64_t h,
                    int64_t w) {
    if (h < 0 || h >= v.axis[0].in || w < 0 || w >= v.axis[1].in)
        return 0;
    int64_t plane = (bgc[0] * v.groups + bgc[1]) * v.channels + bgc[2];
    return load(x->dtype, data, (plane * v.axis[0].in + h) * v.axis[1].in + w);
}

/* Runs over two indices. */
#define EACH(i, m, j, n)                                                                           \
    for (int64_t i = 0; i < (m); i++)                                                              \
        for (int64_t j = 0; j < (n); j++)

/* A filter is counted through all groups: o = group * filters + o'. */
EVAL(conv2d) {
    (void)run;
    erg_conv v = erg_conv_of(node);
    erg_conv_axis a = v.axis[0], e = v.axis[1];
    int64_t at = 0;
    EACH(b, v.batch, o, v.groups * v.filters)
    EACH(i, a.out, j, e.out) {
        double sum = 0;
        for (int64_t c = 0; c < v.channels; c++)
            EACH(k, a.kernel, l, e.kernel) {
                int64_t from[] = {b, o / v.filters, c};
                double w =
                    load(node->dtype, in[1], ((o * v.channels + c) * a.kernel + k) * e.kernel + l);
                sum += w * pixel(node, in[0], v, from, reach(a, i, k), reach(e, j, l));
            }
        store(node->dtype, out, at++, sum);
    }
}

EVAL(conv2d_input) {
    (void)run;
    erg_conv v = erg_conv_of(node);
    erg_conv_axis a = v.axis[0], e = v.axis[1];
    int64_t at = 0;
    EACH(b, v.batch, c, v.groups * v.channels)
    EACH(h, a.in, w, e.in) {
        double sum = 0;
        for (int64_t f = 0; f < v.filters; f++)
            EACH(k, a.kernel, l, e.kernel) {
                int64_t i = place_at(a, h, k), j = place_at(e, w, l);
                int64_t o = c / v.channels * v.filters + f;
                int64_t y = ((b * v.groups * v.filters + o) * a.out + i) * e.out + j;
                int64_t from = ((o * v.channels + c % v.channels) * a.kernel + k) * e.kernel + l;
                if (i >= 0 && j >= 0)
                    sum += load(node->dtype, in[0], y) * load(node->dtype, in[1], from);
            }
        store(node->dtype, out, at++, sum);
    }
}

EVAL(conv2d_weight) {
    (void)run;
    erg_conv v = erg_conv_of(node);
    erg_conv_axis a = v.axis[0], e = v.axis[1];
    int64_t at = 0;
    EACH(o, v.groups * v.filters, c, v.channels)
    EACH(k, a.kernel, l, e.kernel) {
        double sum = 0;
        for (int64_t b = 0; b < v.batch; b++)
            EACH(i, a.out, j, e.out) {
                int64_t from[] = {b, o / v.filters, c};
                int64_t y = ((b * v.groups * v.filters + o) * a.out + i) * e.out + j;
                sum += load(node->dtype, in[1], y) *
                       pixel(node, in[0], v, from, reach(a, i, k), reach(e, j, l));
            }
        store(node->dtype, out, at++, sum);
    }
}

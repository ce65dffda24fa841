/* composite_likelihood.c: the likelihood of blocks of elements given all others (Lindsay 1988). The
 * blocks are the D - m + 1 runs of m elements one after the other, S their 2^m settings:
 *
 *     -log p(x_block | others) = E(x) + log sum_S exp(-E(x with block S)).
 *
 * m = 1 is the pseudo-likelihood, m = D the likelihood itself. */
#include "flips.h"
#include "samples.h"

enum { LARGEST_BLOCK = 16 };

/* What is put into a sample, (blocks 2^m, 1, D): the mask says where, the fill what. */
typedef struct settings {
    erg_tensor *mask, *fill;
} settings;

static void write_settings(settings s, int64_t d, int m, erg_binary values) {
    int64_t states = INT64_C(1) << m, row = 0;
    for (int64_t first = 0; first + m <= d; first++)
        for (int64_t state = 0; state < states; state++, row++)
            for (int i = 0; i < m; i++) {
                erg_tensor_set(s.mask, row * d + first + i, 1);
                erg_tensor_set(s.fill, row * d + first + i,
                               state >> i & 1 ? values.high : values.low);
            }
}

/* Each sample with each setting, (rows, B, D). */
static erg_node *substitute(erg_node *x, int m, erg_binary values) {
    erg_graph *graph = erg_node_graph(x);
    int64_t d = erg_node_shape(x).dims[1], rows = (d - m + 1) * (INT64_C(1) << m);
    erg_shape shape = ERG_SHAPE(rows, 1, d);
    settings s = {erg_tensor_new(erg_node_dtype(x), shape),
                  erg_tensor_new(erg_node_dtype(x), shape)};
    erg_node *result = NULL;
    if (s.mask && s.fill) {
        write_settings(s, d, m, values);
        erg_node *keep = erg_add_scalar(erg_neg(erg_constant(graph, s.mask)), 1);
        result = erg_add(erg_mul(keep, x), erg_constant(graph, s.fill));
    } else {
        erg_graph_fail(graph, "composite_likelihood: %s", erg_error_message());
    }
    erg_tensor_free(s.mask);
    erg_tensor_free(s.fill);
    return result;
}

erg_node *erg_composite_likelihood(erg_energy energy, erg_node *data,
                                   erg_composite_options options) {
    const char *name = "composite_likelihood";
    int64_t m = options.block ? options.block : 2;
    erg_binary values = options.values;
    erg_node *e = erg_binary_check(name, data, &values) ? erg_energy_apply(energy, data) : NULL;
    if (!e)
        return NULL;
    erg_shape shape = erg_node_shape(data);
    erg_node *x = erg_samples_flat(data);
    int64_t d = erg_node_shape(x).dims[1];
    if (m < 1 || m > d || m > LARGEST_BLOCK)
        return erg_graph_fail(erg_node_graph(data),
                              "%s: blocks of %lld in %lld elements, at most %d", name, (long long)m,
                              (long long)d, LARGEST_BLOCK);
    erg_node *all = erg_samples_join(substitute(x, (int)m, values));
    int64_t blocks = d - m + 1, states = INT64_C(1) << m, batch = shape.dims[0];
    shape.dims[0] = erg_node_shape(all).dims[0];
    erg_node *others = erg_energy_apply(energy, erg_reshape(all, shape.ndim, shape.dims));
    others = ERG_RESHAPE(erg_neg(others), blocks, states, batch);
    return erg_samples_total(erg_add(e, erg_logsumexp(others, ERG_AXES(1), 0)));
}

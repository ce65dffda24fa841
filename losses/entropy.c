/* entropy.c: the entropy of samples from the distances to their nearest neighbours (Kozachenko &
 * Leonenko 1987). The density at x_i is about one sample in M within a ball of radius r_i, the
 * distance to the nearest of M others, so in D dimensions
 *
 *     H ~ D mean_i log r_i + log V_D + psi(M + 1) - psi(1),   V_D = pi^(D/2) / Gamma(D/2 + 1),
 *
 * where the digamma functions make up for r_i^D being drawn from an exponential law, not its mean,
 * and their difference is 1 + 1/2 + ... + 1/M. */
#include <string.h>

#include "parts.h"

/* A squared distance below this counts as this, and has no derivative. */
static const double LEAST_SQUARE = 1e-20;

/* For each row of x (B, D) its nearest row of others (M, D), by |y|^2 - 2 x y^T; not itself if both
 * are the same. */
static erg_node *nearest(erg_node *x, erg_node *others) {
    erg_node *product = erg_mul_scalar(erg_matmul_transposed(x, 0, others, 1), -2);
    erg_node *distance = erg_add(erg_sum(erg_square(others), ERG_AXES(1), 0), product);
    if (others == x) {
        erg_node *self = erg_full(erg_node_graph(x), erg_node_dtype(x),
                                  ERG_SHAPE(erg_node_shape(x).dims[0]), INFINITY);
        distance = erg_add(distance, erg_diag_embed(self));
    }
    return erg_take(others, erg_argmin(erg_stop_gradient(distance), 1), 0);
}

static erg_node *rows(erg_node *x) {
    return ERG_RESHAPE(x, erg_node_shape(x).dims[0], -1);
}

static bool check(erg_node *x, erg_node *archive) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_shape shape = erg_node_shape(x), other = erg_node_shape(archive ? archive : x);
    int64_t others = archive ? other.dims[0] : shape.dims[0] - 1;
    bool good =
        x && shape.ndim > 0 && other.ndim == shape.ndim && others > 0 &&
        memcmp(shape.dims + 1, other.dims + 1, (size_t)(shape.ndim - 1) * sizeof *shape.dims) == 0;
    return good || erg_graph_fail(erg_node_graph(x), "nearest_entropy: x %s, others %s",
                                  erg_shape_text(shape, a),
                                  archive ? erg_shape_text(other, b) : "the same");
}

erg_node *erg_nearest_entropy(erg_node *x, erg_node *archive) {
    if (!check(x, archive))
        return NULL;
    erg_node *samples = rows(x);
    erg_node *others = archive ? rows(erg_stop_gradient(archive)) : samples;
    double count = (double)erg_node_shape(others).dims[0] - (archive ? 0 : 1);
    double d = (double)erg_node_shape(samples).dims[1], harmonic = 0;
    for (double i = 1; i <= count; i++)
        harmonic += 1 / i;
    double volume = d / 2 * log(M_PI) - lgamma(d / 2 + 1);
    erg_node *apart = erg_sub(samples, nearest(samples, others));
    erg_node *square = erg_sum(erg_square(apart), ERG_AXES(1), 0);
    erg_node *floored = erg_maximum(square, erg_full_like(square, LEAST_SQUARE));
    erg_node *mean = erg_mean(erg_log(floored), ERG_ALL, 0);
    return erg_add_scalar(erg_mul_scalar(mean, d / 2), volume + harmonic);
}

/* stein.c: the kernel Stein discrepancy (Liu, Lee & Jordan 2016; Chwialkowski et al. 2016), which is
 * 0 only where data and model agree. With s the model's score and k(x, y) = f(r), r = |x - y|^2,
 *
 *     u(x, y) = s(x)^T s(y) k + s(x)^T grad_y k + s(y)^T grad_x k + tr grad_x grad_y k
 *             = s(x)^T s(y) f - 2 f' (s(x) - s(y))^T (x - y) - 2 D f' - 4 r f''
 *
 * has the mean 0 over y ~ p for any x, and E u(x, y) over pairs of data is the discrepancy squared.
 * It is a Fisher divergence seen through a kernel: first derivatives are enough, and each sample
 * counts in B - 1 pairs. */
#include <math.h>
#include <stdbool.h>

#include "projections.h"
#include "samples.h"

/* f, f' and f'' at each pair. */
typedef struct radial {
    erg_node *f, *first, *second;
} radial;

/* Inverse multiquadric: f = (1 + r / c^2)^(-1/2). */
static radial multiquadric(erg_node *r, erg_node *inverse_square) {
    erg_node *base = erg_add_scalar(erg_mul(r, inverse_square), 1), *f = erg_rsqrt(base);
    erg_node *first = erg_mul_scalar(erg_mul(erg_div(f, base), inverse_square), -0.5);
    erg_node *second = erg_mul_scalar(erg_mul(erg_div(first, base), inverse_square), -1.5);
    return (radial){f, first, second};
}

/* Gaussian: f = exp(-r / 2 c^2). */
static radial gaussian(erg_node *r, erg_node *inverse_square) {
    erg_node *rate = erg_mul_scalar(inverse_square, -0.5), *f = erg_exp(erg_mul(r, rate));
    erg_node *first = erg_mul(f, rate);
    return (radial){f, first, erg_mul(first, rate)};
}

/* a_i . b_j for all pairs of rows, (B, B). */
static erg_node *products(erg_node *a, erg_node *b) {
    return erg_matmul_transposed(a, 0, b, 1);
}

/* (a_i - a_j) . (b_i - b_j) for all pairs, from the products m_ij = a_i . b_j. */
static erg_node *differences(erg_node *m) {
    erg_node *own = erg_diagonal(m);
    erg_node *sum = erg_add(erg_unsqueeze(own, 0), erg_unsqueeze(own, 1));
    return erg_sub(sum, erg_add(m, erg_transpose(m)));
}

/* u of all pairs, (B, B). */
static erg_node *stein_kernel(erg_node *x, erg_node *s, erg_stein_kernel kernel,
                              erg_node *bandwidth) {
    erg_node *inverse_square = erg_reciprocal(erg_square(bandwidth));
    erg_node *r = erg_relu(differences(products(x, x)));
    radial k =
        kernel == ERG_STEIN_RBF ? gaussian(r, inverse_square) : multiquadric(r, inverse_square);
    double d = (double)erg_node_shape(x).dims[1];
    erg_node *drift = erg_add_scalar(differences(products(s, x)), d);
    erg_node *u = erg_sub(erg_mul(products(s, s), k.f), erg_mul_scalar(erg_mul(k.first, drift), 2));
    return erg_sub(u, erg_mul_scalar(erg_mul(r, k.second), 4));
}

static bool check(erg_node *data, double bandwidth, erg_stein_options o) {
    erg_graph *graph = erg_node_graph(data);
    if (!(bandwidth > 0 && isfinite(bandwidth)) ||
        (o.bandwidth_node && erg_node_shape(o.bandwidth_node).ndim != 0))
        return erg_graph_fail(graph, "stein_discrepancy: bandwidth %g, as a node of shape ()",
                              bandwidth);
    if (o.kernel != ERG_STEIN_IMQ && o.kernel != ERG_STEIN_RBF)
        return erg_graph_fail(graph, "stein_discrepancy: unknown kernel %d", (int)o.kernel);
    return true;
}

erg_node *erg_stein_discrepancy(erg_energy energy, erg_node *data, erg_stein_options options) {
    double bandwidth = erg_loss_option(options.bandwidth, 1);
    erg_node *s = check(data, bandwidth, options) ? erg_score(energy, data) : NULL;
    if (!s)
        return NULL;
    double batch = (double)erg_node_shape(data).dims[0];
    if (batch < 2)
        return erg_graph_fail(erg_node_graph(data), "stein_discrepancy: needs pairs of samples");
    erg_node *width = options.bandwidth_node
                          ? options.bandwidth_node
                          : erg_scalar(erg_node_graph(data), erg_node_dtype(data), bandwidth);
    erg_node *u = stein_kernel(erg_samples_flat(data), erg_samples_flat(s), options.kernel, width);
    if (options.biased)
        return erg_mean(u, ERG_ALL, 0);
    erg_node *others = erg_sub(erg_sum(u, ERG_ALL, 0), erg_sum(erg_diagonal(u), ERG_ALL, 0));
    return erg_mul_scalar(others, 1 / (batch * (batch - 1)));
}

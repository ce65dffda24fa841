/* svgd.c: Stein variational gradient descent (Liu & Wang 2016). n particles move together along
 *     phi(x_i) = 1/n sum_j [k(x_j, x_i) s(x_j) + grad_(x_j) k(x_j, x_i)],   s = -grad E,
 * the direction in the space of the kernel that lowers the divergence to exp(-E) fastest. With
 * k = exp(-|x - y|^2 / h) the second term is 2/h sum_j k(x_j, x_i) (x_i - x_j): it drives particles
 * apart. */
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "batch.h"

/* |x_i - x_j|^2 of x (n, d), as (n, n): through differences, for |x|^2 + |y|^2 - 2 x y cancels. */
static erg_node *squared_distances(erg_node *x) {
    erg_node *apart = erg_sub(erg_unsqueeze(x, 1), erg_unsqueeze(x, 0));
    return erg_sum(erg_square(apart), ERG_AXES(2), 0);
}

/* The median by bisection between 0 and the largest: half of the numbers are not above it. 24
 * halvings are float32's precision. */
static erg_node *median(erg_node *x) {
    erg_node *high = erg_max(x, ERG_ALL, 0), *low = high ? erg_full_like(high, 0) : NULL;
    for (int i = 0; i < 24; i++) {
        erg_node *middle = erg_mul_scalar(erg_add(low, high), 0.5);
        erg_node *part = erg_mean(erg_less_equal(x, middle), ERG_ALL, 0);
        erg_node *reached = erg_greater_equal(part, erg_full_like(middle, 0.5));
        low = erg_where(reached, low, middle);
        high = erg_where(reached, middle, high);
    }
    return high;
}

/* h, a number: the median heuristic is med^2 / log(n + 1), so that the n particles together weigh
 * about as much as one particle does on itself. */
static erg_node *width(erg_node *distances, erg_svgd_options o) {
    if (o.bandwidth_node)
        return erg_square(o.bandwidth_node);
    if (o.bandwidth > 0)
        return erg_number_like(distances, o.bandwidth * o.bandwidth, NULL);
    double n = (double)erg_node_shape(distances).dims[0];
    erg_node *middle = erg_mul_scalar(median(distances), 1 / log(n + 1));
    /* Particles in one place have distance 0 and no force between them. */
    return erg_stop_gradient(erg_maximum(middle, erg_full_like(middle, FLT_MIN)));
}

static bool check(erg_node *x, erg_svgd_options o) {
    if (!(o.step_size > 0 && isfinite(o.step_size)) || !(o.bandwidth >= 0 && isfinite(o.bandwidth)))
        return erg_graph_fail(erg_node_graph(x), "svgd: step %g, bandwidth %g", o.step_size,
                              o.bandwidth);
    erg_shape shape = erg_node_shape(x);
    char text[ERG_SHAPE_TEXT];
    if (x && (shape.ndim < 1 || erg_shape_size(shape) == 0))
        return erg_graph_fail(erg_node_graph(x), "svgd: x is %s, needs particles and dimensions",
                              erg_shape_text(shape, text));
    return erg_check_number(x, "svgd", o.step_size_node) &&
           erg_check_number(x, "svgd", o.bandwidth_node);
}

erg_node *erg_svgd(erg_energy energy, erg_node *x, erg_svgd_options options) {
    erg_svgd_options o = options;
    o.step_size = o.step_size != 0 ? o.step_size : 0.1;
    erg_node *score = check(x, o) && x ? erg_score(energy, x) : NULL;
    if (!score)
        return NULL;
    erg_shape shape = erg_node_shape(x);
    int64_t n = shape.dims[0];
    erg_node *flat = ERG_RESHAPE(x, n, -1), *slope = ERG_RESHAPE(score, n, -1);
    erg_node *distances = squared_distances(flat), *h = width(distances, o);
    erg_node *kernel = erg_exp(erg_neg(erg_div(distances, h)));
    erg_node *apart =
        erg_sub(erg_mul(flat, erg_sum(kernel, ERG_AXES(1), 1)), erg_matmul(kernel, flat));
    erg_node *phi =
        erg_add(erg_matmul(kernel, slope), erg_mul(erg_mul_scalar(erg_reciprocal(h), 2), apart));
    erg_node *size =
        erg_mul_scalar(erg_number_like(x, o.step_size, o.step_size_node), 1 / (double)n);
    return erg_add(x, erg_reshape(erg_mul(size, phi), shape.ndim, shape.dims));
}

/* energies.c: energies in closed form, with what is known of them exactly. */
#include <math.h>
#include <stdbool.h>

#include "nn.h"

erg_node *erg_harmonic_energy(void *self, erg_node *x) {
    const double *stiffness = self;
    if (!stiffness || !(*stiffness > 0 && isfinite(*stiffness)))
        return erg_graph_fail(erg_node_graph(x), "harmonic_energy: stiffness %g",
                              stiffness ? *stiffness : NAN);
    erg_node *square = erg_square(x);
    if (erg_node_shape(x).ndim > 1)
        square = erg_sum(erg_flatten(square, 1), ERG_AXES(1), 0);
    return erg_mul_scalar(square, *stiffness / 2);
}

/* True if x is (B, d): a broadcast would give an energy of something else without a word. */
static bool has_width(const char *energy, erg_node *x, int64_t d) {
    erg_shape shape = erg_node_shape(x);
    char text[ERG_SHAPE_TEXT];
    if (shape.ndim == 2 && shape.dims[1] == d)
        return true;
    erg_graph_fail(erg_node_graph(x), "%s: x is %s, must be (B, %lld)", energy,
                   erg_shape_text(shape, text), (long long)d);
    return false;
}

/* ------------------------------------------------------------------------------- mixture */

/* A constant from numbers in double precision. */
static erg_node *constant(erg_graph *graph, erg_dtype dtype, erg_shape shape,
                          const double *numbers) {
    erg_tensor *value = erg_tensor_new(dtype, shape);
    for (int64_t i = 0; value && i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, numbers[i]);
    erg_node *node = value ? erg_constant(graph, value)
                           : erg_graph_fail(graph, "gaussian_mixture: %s", erg_error_message());
    erg_tensor_free(value);
    return node;
}

static bool check_mixture(erg_graph *graph, int64_t k, int64_t d, const double *weights,
                          const double *means, const double *stds) {
    if (k < 1 || d < 1 || !means || !stds)
        return erg_graph_fail(graph, "gaussian_mixture: needs components, dimensions, means, stds");
    if (erg_shape_size(ERG_SHAPE(k, d)) < 0)
        return erg_graph_fail(graph, "gaussian_mixture: too large");
    double sum = 0;
    for (int64_t i = 0; i < k; i++) {
        double weight = weights ? weights[i] : 1;
        if (!(weight >= 0 && isfinite(weight) && stds[i] > 0 && isfinite(stds[i])))
            return erg_graph_fail(graph,
                                  "gaussian_mixture: component %lld has weight %g and std %g",
                                  (long long)i, weight, stds[i]);
        for (int64_t j = 0; j < d; j++)
            if (!isfinite(means[i * d + j]))
                return erg_graph_fail(graph, "gaussian_mixture: component %lld has a mean %g",
                                      (long long)i, means[i * d + j]);
        sum += weight;
    }
    return (sum > 0 && isfinite(sum)) ||
           erg_graph_fail(graph, "gaussian_mixture: the weights sum to %g", sum);
}

erg_gaussian_mixture *erg_gaussian_mixture_new(erg_graph *graph, erg_dtype dtype, int64_t k,
                                               int64_t d, const double *weights,
                                               const double *means, const double *stds) {
    if (!check_mixture(graph, k, d, weights, means, stds))
        return NULL;
    erg_gaussian_mixture *mixture = erg_graph_alloc(graph, sizeof *mixture);
    double *log_weights = erg_graph_alloc(graph, (size_t)k * sizeof *log_weights);
    if (!mixture || !log_weights)
        return NULL;
    double sum = 0;
    for (int64_t i = 0; i < k; i++)
        sum += weights ? weights[i] : 1;
    for (int64_t i = 0; i < k; i++)
        log_weights[i] = log((weights ? weights[i] : 1) / sum);
    mixture->log_weights = constant(graph, dtype, ERG_SHAPE(k), log_weights);
    mixture->means = constant(graph, dtype, ERG_SHAPE(k, d), means);
    mixture->stds = constant(graph, dtype, ERG_SHAPE(k), stds);
    return erg_graph_error(graph) ? NULL : mixture;
}

/* With (B, K) terms log w_k - D log(sqrt(2 pi) s_k) - |x - mean_k|^2 / (2 s_k^2). */
erg_node *erg_gaussian_mixture_energy(void *self, erg_node *x) {
    const erg_gaussian_mixture *mixture = self;
    if (!mixture)
        return erg_graph_fail(erg_node_graph(x), "gaussian_mixture_energy: no mixture");
    int64_t d = erg_node_shape(mixture->means).dims[1];
    if (!has_width("gaussian_mixture_energy", x, d))
        return NULL;
    erg_node *away = erg_sub(erg_unsqueeze(x, 1), mixture->means);
    erg_node *scaled = erg_div(away, erg_unsqueeze(mixture->stds, 1));
    erg_node *exponent = erg_mul_scalar(erg_sum(erg_square(scaled), ERG_AXES(-1), 0), -0.5);
    erg_node *log_scale = erg_add_scalar(erg_log(mixture->stds), 0.5 * log(2 * M_PI));
    erg_node *log_factor = erg_sub(mixture->log_weights, erg_mul_scalar(log_scale, (double)d));
    return erg_neg(erg_logsumexp(erg_add(exponent, log_factor), ERG_AXES(-1), 0));
}

erg_node *erg_gaussian_mixture_sample(const erg_gaussian_mixture *mixture, int64_t n) {
    if (!mixture)
        return erg_graph_fail(NULL, "gaussian_mixture_sample: no mixture");
    erg_graph *graph = erg_node_graph(mixture->means);
    erg_shape shape = erg_node_shape(mixture->means);
    erg_dtype dtype = erg_node_dtype(mixture->means);
    int64_t k = shape.dims[0], d = shape.dims[1];
    if (n < 0)
        return erg_graph_fail(graph, "gaussian_mixture_sample: %lld samples", (long long)n);
    erg_node *which = erg_categorical(erg_broadcast(mixture->log_weights, ERG_SHAPE(n, k)));
    erg_node *std = erg_unsqueeze(erg_take(mixture->stds, which, 0), 1);
    erg_node *noise = erg_mul(std, erg_normal(graph, dtype, ERG_SHAPE(n, d)));
    return erg_add(erg_take(mixture->means, which, 0), noise);
}

/* ------------------------------------------------------------------------------- banana */

static erg_banana with_defaults(const erg_banana *banana) {
    erg_banana b = banana ? *banana : (erg_banana){0};
    b.scale = b.scale != 0 ? b.scale : 10;
    if (b.curvature == 0 && !signbit(b.curvature))
        b.curvature = 0.03;
    return b;
}

static bool is_good(erg_graph *graph, erg_banana b) {
    return (b.scale > 0 && isfinite(b.scale) && isfinite(b.curvature)) ||
           erg_graph_fail(graph, "banana: scale %g, curvature %g", b.scale, b.curvature);
}

/* b (x_1^2 - s^2): how far the ridge of the banana is bent down at x_1. */
static erg_node *bend(erg_banana banana, erg_node *x1) {
    erg_node *centred = erg_add_scalar(erg_square(x1), -banana.scale * banana.scale);
    return erg_mul_scalar(centred, banana.curvature);
}

erg_node *erg_banana_energy(void *self, erg_node *x) {
    erg_banana banana = with_defaults(self);
    if (!has_width("banana_energy", x, 2) || !is_good(erg_node_graph(x), banana))
        return NULL;
    erg_node *x1 = erg_select(x, 1, 0), *x2 = erg_select(x, 1, 1);
    erg_node *along = erg_square(erg_mul_scalar(x1, 1 / banana.scale));
    erg_node *across = erg_square(erg_add(x2, bend(banana, x1)));
    return erg_mul_scalar(erg_add(along, across), 0.5);
}

double erg_banana_log_z(const erg_banana *banana) {
    return log(2 * M_PI * with_defaults(banana).scale);
}

erg_node *erg_banana_sample(erg_graph *graph, erg_dtype dtype, const erg_banana *banana,
                            int64_t n) {
    erg_banana b = with_defaults(banana);
    if (!is_good(graph, b))
        return NULL;
    erg_node *x1 = erg_mul_scalar(erg_normal(graph, dtype, ERG_SHAPE(n)), b.scale);
    erg_node *x2 = erg_sub(erg_normal(graph, dtype, ERG_SHAPE(n)), bend(b, x1));
    return erg_stack((erg_node *[]){x1, x2}, 2, 1);
}

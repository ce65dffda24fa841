/* mixture.c: the mixture of Gaussians, E(x) = -log sum_k w_k N(x; mean_k, std_k^2 I). */
#include <math.h>

#include "module.h"

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
    mixture->log_weights =
        erg_module_constant("gaussian_mixture", graph, dtype, ERG_SHAPE(k), log_weights);
    mixture->means = erg_module_constant("gaussian_mixture", graph, dtype, ERG_SHAPE(k, d), means);
    mixture->stds = erg_module_constant("gaussian_mixture", graph, dtype, ERG_SHAPE(k), stds);
    return erg_graph_error(graph) ? NULL : mixture;
}

/* With (B, K) terms log w_k - D log(sqrt(2 pi) s_k) - |x - mean_k|^2 / (2 s_k^2). */
erg_node *erg_gaussian_mixture_energy(void *self, erg_node *x) {
    const erg_gaussian_mixture *mixture = self;
    if (!mixture)
        return erg_graph_fail(erg_node_graph(x), "gaussian_mixture_energy: no mixture");
    int64_t d = erg_node_shape(mixture->means).dims[1];
    if (!erg_module_has_width("gaussian_mixture_energy", x, d))
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

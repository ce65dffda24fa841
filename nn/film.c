/* film.c: feature-wise linear modulation (Perez et al. 2018), y = (1 + gamma) x + beta, where the
 * linear layer of a condition c gives gamma and beta, one of each for a channel. */
#include "module.h"

erg_film *erg_film_new(erg_graph *graph, const char *name, int64_t condition, int64_t channels,
                       erg_linear_options options) {
    if (channels < 1 || channels > INT64_MAX / 2) {
        erg_graph_fail(graph, "film: %lld channels", (long long)channels);
        return NULL;
    }
    return erg_linear_new(graph, name, condition, 2 * channels, options);
}

erg_node *erg_film_apply(const erg_film *film, erg_node *x, erg_node *condition) {
    if (!film)
        return erg_graph_fail(erg_node_graph(x), "film: no layer");
    erg_shape shape = erg_node_shape(x);
    int64_t channels = erg_node_shape(film->weight).dims[0] / 2;
    if (shape.ndim < 2 || shape.dims[1] != channels)
        return erg_module_refuse("film", x, "(B, %lld, ...)", (long long)channels);
    erg_shape given = erg_node_shape(condition);
    if (condition && (given.ndim != 2 || (given.dims[0] != shape.dims[0] && given.dims[0] != 1)))
        return erg_graph_fail(erg_node_graph(x), "film: %lld conditions for %lld samples",
                              (long long)(given.ndim == 2 ? given.dims[0] : 0),
                              (long long)shape.dims[0]);
    erg_node *both = erg_linear_apply(film, condition);
    erg_node *gamma = erg_module_channels(erg_slice(both, 1, 0, channels, 1), shape.ndim);
    erg_node *beta = erg_module_channels(erg_slice(both, 1, channels, ERG_END, 1), shape.ndim);
    return erg_add(erg_mul(erg_add_scalar(gamma, 1), x), beta);
}

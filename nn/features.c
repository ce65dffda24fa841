/* features.c: waves of many frequencies as features of a number or a point, so that a network can
 * tell values apart that lie close together. */
#include <math.h>

#include "module.h"

erg_fourier *erg_fourier_new(erg_graph *graph, const char *name, int64_t in, int64_t count,
                             erg_fourier_options options) {
    if (in < 1 || count < 1) {
        erg_graph_fail(graph, "fourier: %lld frequencies of %lld inputs, both must be at least 1",
                       (long long)count, (long long)in);
        return NULL;
    }
    erg_fourier *fourier = erg_module_open(graph, name, sizeof *fourier);
    if (!fourier)
        return NULL;
    fourier->frequencies = erg_state(graph, "frequencies", options.dtype, ERG_SHAPE(count, in));
    if (fourier->frequencies)
        erg_module_check(
            graph, "fourier",
            erg_init_normal(fourier->frequencies, options.scale != 0 ? options.scale : 1));
    return erg_module_close(graph, fourier);
}

static erg_node *cosines_and_sines(erg_node *angle) {
    return erg_concat((erg_node *[]){erg_cos(angle), erg_sin(angle)}, 2, -1);
}

erg_node *erg_fourier_apply(const erg_fourier *fourier, erg_node *x) {
    if (!fourier)
        return erg_graph_fail(erg_node_graph(x), "fourier: no layer");
    erg_node *turns = erg_matmul_transposed(x, 0, fourier->frequencies, 1);
    return cosines_and_sines(erg_mul_scalar(turns, 2 * M_PI));
}

erg_node *erg_sinusoidal(erg_node *t, int64_t width, double period) {
    erg_graph *graph = erg_node_graph(t);
    if (width < 2 || width % 2 != 0)
        return erg_graph_fail(graph, "sinusoidal: a width of %lld, must be even", (long long)width);
    period = period != 0 ? period : 10000;
    if (!(period > 0 && isfinite(period)))
        return erg_graph_fail(graph, "sinusoidal: a period of %g", period);
    double step = -2 * log(period) / (double)width;
    erg_node *index = erg_arange(graph, erg_node_dtype(t), width / 2);
    erg_node *frequencies = erg_exp(erg_mul_scalar(index, step));
    return cosines_and_sines(erg_mul(erg_unsqueeze(t, -1), frequencies));
}

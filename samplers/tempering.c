/* tempering.c: p_k is proportional to exp(-beta_k E), from beta_0 = 1, the one that is wanted, to a
 * small beta, where chains cross what separates the modes. */
#include "tempering.h"

#include <math.h>

const double *erg_ladder_betas(erg_graph *graph, const char *operation, erg_ladder ladder,
                               int64_t *count) {
    int64_t n = ladder.levels != 0 ? ladder.levels : 8;
    double hottest = ladder.hottest != 0 ? ladder.hottest : 10;
    if (n < 2 || n > INT32_MAX || !(hottest > 1 && isfinite(hottest)))
        return (void *)erg_graph_fail(graph,
                                      "%s: %lld temperatures up to %g, must be 2 or more above 1",
                                      operation, (long long)n, hottest);
    double *betas = erg_graph_alloc(graph, (size_t)n * sizeof *betas);
    if (!betas)
        return NULL;
    for (int64_t k = 0; k < n; k++)
        betas[k] = ladder.betas ? ladder.betas[k] : pow(hottest, -(double)k / (double)(n - 1));
    for (int64_t k = 0; k < n; k++)
        if (k == 0 ? betas[0] != 1 : !(betas[k] > 0 && betas[k] < betas[k - 1]))
            return (void *)erg_graph_fail(
                graph, "%s: beta %lld is %g; they must start at 1, fall and stay above 0",
                operation, (long long)k, betas[k]);
    *count = n;
    return betas;
}

typedef struct product {
    erg_energy energy;
    erg_node *beta;
} product;

static erg_node *product_energy(void *self, erg_node *x) {
    const product *p = self;
    return erg_mul(p->beta, erg_energy_apply(p->energy, x));
}

erg_energy erg_energy_times(erg_graph *graph, erg_energy energy, erg_node *beta) {
    product *p = beta ? erg_graph_alloc(graph, sizeof *p) : NULL;
    if (p)
        *p = (product){energy, beta};
    return (erg_energy){p ? product_energy : NULL, p};
}

erg_node *erg_kernel_apply(const char *operation, erg_kernel kernel, erg_energy energy,
                           erg_node *beta, erg_node *x) {
    erg_graph *graph = erg_node_graph(x);
    if (!kernel.fn)
        return erg_graph_fail(graph, "%s: no transition", operation);
    erg_energy tempered = erg_energy_times(graph, energy, beta);
    erg_node *next = tempered.fn ? kernel.fn(kernel.self, tempered, beta, x) : NULL;
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (next && !erg_shape_equal(erg_node_shape(next), erg_node_shape(x)))
        return erg_graph_fail(graph, "%s: the transition makes %s of %s", operation,
                              erg_shape_text(erg_node_shape(next), a),
                              erg_shape_text(erg_node_shape(x), b));
    return next;
}

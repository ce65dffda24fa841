/* hopfield.c: the modern Hopfield network (Ramsauer et al. 2021), an associative memory of N
 * patterns x_i of D numbers, M the length of the longest:
 *
 *     E(x) = -1/beta log sum_i exp(beta x_i . x) + |x|^2 / 2 + log(N) / beta + M^2 / 2.
 *
 * Its rule of retrieval, x <- sum_i x_i softmax(beta x_i . x), is a step x - dE/dx. */
#include <math.h>

#include "module.h"

/* beta x_i . x, (B, N); NULL after a refusal. */
static erg_node *similarities(const char *function, const erg_hopfield *hopfield, erg_node *x,
                              double *beta) {
    erg_shape shape = erg_node_shape(hopfield ? hopfield->patterns : NULL);
    if (shape.ndim != 2 || shape.dims[0] < 1)
        return erg_graph_fail(erg_node_graph(x), "%s: needs patterns (N, D), N at least 1",
                              function);
    *beta = hopfield->beta != 0 ? hopfield->beta : 1;
    if (!(*beta > 0 && isfinite(*beta)))
        return erg_graph_fail(erg_node_graph(x), "%s: beta %g, must be positive", function, *beta);
    if (!erg_module_has_width(function, x, shape.dims[1]))
        return NULL;
    return erg_mul_scalar(erg_matmul_transposed(x, 0, hopfield->patterns, 1), *beta);
}

erg_node *erg_hopfield_energy(void *self, erg_node *x) {
    const erg_hopfield *hopfield = self;
    double beta;
    erg_node *similar = similarities("hopfield_energy", hopfield, x, &beta);
    if (!similar)
        return NULL;
    double n = (double)erg_node_shape(hopfield->patterns).dims[0];
    erg_node *lengths = erg_sum(erg_square(hopfield->patterns), ERG_AXES(1), 0);
    erg_node *bowl = erg_add(erg_sum(erg_square(x), ERG_AXES(1), 0), erg_max(lengths, ERG_ALL, 0));
    erg_node *match = erg_add_scalar(erg_logsumexp(similar, ERG_AXES(1), 0), -log(n));
    return erg_sub(erg_mul_scalar(bowl, 0.5), erg_mul_scalar(match, 1 / beta));
}

erg_node *erg_hopfield_retrieve(const erg_hopfield *hopfield, erg_node *x) {
    double beta;
    erg_node *similar = similarities("hopfield_retrieve", hopfield, x, &beta);
    return similar ? erg_matmul(erg_softmax(similar, 1), hopfield->patterns) : NULL;
}

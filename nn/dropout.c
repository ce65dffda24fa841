/* dropout.c: y = x m / (1 - rate) with m a mask of independent Bernoulli(1 - rate) numbers, so that
 * the mean of y is x (Srivastava et al. 2014). With the training flag t the rate is t times that:
 * at t = 0 the mask is all ones, and y = x exactly. */
#include "module.h"

erg_node *erg_dropout(erg_node *x, double rate, erg_node *training) {
    erg_graph *graph = erg_node_graph(x);
    if (!(rate >= 0 && rate < 1))
        return erg_graph_fail(graph, "dropout: a rate of %g, must be in [0, 1)", rate);
    if (!erg_module_check_flag(graph, "dropout", training))
        return NULL;
    if (rate == 0)
        return x;
    erg_node *keep = training ? erg_add_scalar(erg_mul_scalar(training, -rate), 1)
                              : erg_scalar(graph, erg_node_dtype(x), 1 - rate);
    erg_node *mask = erg_bernoulli(erg_broadcast(keep, erg_node_shape(x)));
    return erg_mul(x, erg_div(mask, keep));
}

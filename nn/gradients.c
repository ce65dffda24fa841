/* gradients.c: what is done to the gradients of all params together before a step: clipping keeps
 * a rare steep batch from throwing the params far away, weight decay pulls them to zero. */
#include <math.h>
#include <stdbool.h>

#include "nn.h"

static bool check(const char *operation, erg_node *const *gradients, int n, double number) {
    erg_graph *graph = erg_node_graph(gradients && n > 0 ? gradients[0] : NULL);
    if (!gradients || n < 1)
        return erg_graph_fail(graph, "%s: no gradients", operation);
    if (!(number >= 0 && isfinite(number)))
        return erg_graph_fail(graph, "%s: by %g", operation, number);
    for (int k = 0; k < n; k++)
        if (!gradients[k])
            return erg_graph_fail(graph, "%s: gradient number %d is NULL", operation, k);
    return true;
}

void erg_clip_value(erg_node **gradients, int n, double limit) {
    if (check("clip_value", gradients, n, limit))
        for (int k = 0; k < n; k++)
            gradients[k] = erg_clamp(gradients[k], -limit, limit);
}

erg_node *erg_clip_norm(erg_node **gradients, int n, double limit) {
    if (!check("clip_norm", gradients, n, limit))
        return NULL;
    erg_node *sum = NULL;
    for (int k = 0; k < n; k++) {
        erg_node *square = erg_sum(erg_square(gradients[k]), ERG_ALL, 0);
        sum = k ? erg_add(sum, square) : square;
    }
    erg_node *norm = erg_sqrt(sum);
    erg_node *factor = erg_mul_scalar(erg_reciprocal(erg_add_scalar(norm, 1e-6)), limit);
    factor = erg_minimum(factor, erg_full_like(factor, 1));
    for (int k = 0; k < n; k++)
        gradients[k] = erg_mul(gradients[k], factor);
    return norm;
}

void erg_add_weight_decay(erg_node **gradients, erg_node *const *params, int n, double decay) {
    if (!params) {
        erg_graph_fail(NULL, "add_weight_decay: no params");
        return;
    }
    if (check("add_weight_decay", gradients, n, decay))
        for (int k = 0; k < n; k++)
            gradients[k] = erg_add(gradients[k], erg_mul_scalar(params[k], decay));
}

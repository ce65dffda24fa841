/* ema.c: averages of params over the steps of a training, a <- decay a + (1 - decay) p (Polyak &
 * Juditsky 1992 with weights that fade). Averaged weights of an energy sample better than those of
 * any one step, whose chains are half a step behind. */
#include <string.h>

#include "nn.h"
#include "options.h"

/* "<scope>/<name>/<param>", which starts as the param's present value. */
static erg_node *average_of(erg_graph *graph, erg_node *param) {
    erg_node *average =
        erg_state(graph, erg_node_name(param), erg_node_dtype(param), erg_node_shape(param));
    if (average)
        erg_tensor_copy(erg_value(average), erg_value(param));
    return average;
}

static erg_node *update(erg_ema *ema, erg_ema_options o) {
    erg_graph *graph = erg_node_graph(ema->params[0]);
    erg_node **effects = erg_graph_alloc(graph, (size_t)ema->n * sizeof *effects);
    for (int k = 0; effects && k < ema->n; k++) {
        erg_node *param = o.after ? erg_after(o.after, ema->params[k]) : ema->params[k];
        ema->averages[k] = average_of(graph, ema->params[k]);
        erg_node *kept = erg_mul_scalar(ema->averages[k], o.decay);
        erg_node *next = erg_add(kept, erg_mul_scalar(param, 1 - o.decay));
        effects[k] = erg_assign(ema->averages[k], next);
    }
    return effects ? erg_group(effects, ema->n) : NULL;
}

erg_ema *erg_ema_new(erg_node *const *params, int n, erg_ema_options options) {
    erg_ema_options o = options;
    o.decay = erg_option(o.decay, 0.999);
    erg_graph *graph = erg_node_graph(params && n > 0 ? params[0] : NULL);
    bool named = params && n > 0;
    for (int k = 0; named && k < n; k++)
        named = erg_node_name(params[k]) && erg_value(params[k]);
    if (!named || !(o.decay >= 0 && o.decay < 1)) {
        erg_graph_fail(graph, "ema: %d params, decay %g: needs named leaves and 0 <= decay < 1", n,
                       o.decay);
        return NULL;
    }
    erg_ema *ema = erg_graph_alloc(graph, sizeof *ema);
    erg_node **nodes = erg_graph_alloc(graph, 2 * (size_t)n * sizeof *nodes);
    if (!ema || !nodes || erg_graph_error(graph))
        return NULL;
    *ema = (erg_ema){.n = n, .params = nodes, .averages = nodes + n};
    memcpy(ema->params, params, (size_t)n * sizeof *params);
    erg_scope_push(graph, o.name ? o.name : "ema");
    if (erg_graph_error(graph))
        return NULL;
    ema->update = update(ema, o);
    erg_scope_pop(graph);
    return erg_graph_error(graph) ? NULL : ema;
}

void erg_ema_swap(erg_ema *ema) {
    for (int k = 0; ema && k < ema->n; k++) {
        unsigned char *a = erg_value(ema->params[k])->data;
        unsigned char *b = erg_value(ema->averages[k])->data;
        size_t bytes = (size_t)erg_tensor_size(erg_value(ema->params[k])) *
                       erg_dtype_size(erg_node_dtype(ema->params[k]));
        for (size_t i = 0; i < bytes; i++) {
            unsigned char byte = a[i];
            a[i] = b[i];
            b[i] = byte;
        }
    }
}

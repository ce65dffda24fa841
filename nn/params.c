/* params.c: sets of params. A set is an array of nodes, as erg_params gives it; a frozen param is one
 * that is not in the array an optimiser gets. */
#include <stdio.h>
#include <string.h>

#include "nn.h"

erg_node **erg_params_without(erg_node *const *params, int n, const char *prefix, int *count) {
    erg_graph *graph = erg_node_graph(params && n > 0 ? params[0] : NULL);
    if (count)
        *count = 0;
    if (!graph || !prefix || !count) {
        erg_graph_fail(graph, "params_without: no %s",
                       !graph    ? "params"
                       : !prefix ? "prefix"
                                 : "count");
        return NULL;
    }
    erg_node **kept = erg_graph_alloc(graph, (size_t)n * sizeof *kept);
    for (int k = 0; kept && k < n; k++) {
        const char *name = erg_node_name(params[k]);
        if (!name || strncmp(name, prefix, strlen(prefix)) != 0)
            kept[(*count)++] = params[k];
    }
    return *count ? kept : NULL;
}

int64_t erg_params_size(erg_node *const *params, int n) {
    int64_t size = 0;
    for (int k = 0; params && k < n; k++)
        size += params[k] ? erg_shape_size(erg_node_shape(params[k])) : 0;
    return size;
}

/* The leaf of `from` for a param: its name with from_prefix in the place of prefix. NULL, with a
 * message, if there is none with a value of the param's dtype and shape. */
static erg_node *counterpart(erg_node *param, const char *prefix, erg_graph *from,
                             const char *from_prefix) {
    const char *own = erg_node_name(param);
    if (!own || !erg_value(param) || strncmp(own, prefix, strlen(prefix)) != 0)
        return (void)erg_fail(ERG_ERROR_ARGUMENT, "params_copy: \"%s\" is no leaf \"%s...\"",
                              own ? own : "", prefix),
               NULL;
    char name[1024], a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    snprintf(name, sizeof name, "%s%s", from_prefix, own + strlen(prefix));
    erg_node *leaf = erg_find(from, name);
    if (!leaf || !erg_value(leaf))
        return (void)erg_fail(ERG_ERROR_ARGUMENT, "params_copy: no leaf \"%s\" for \"%s\"", name,
                              own),
               NULL;
    if (erg_shape_equal(erg_node_shape(leaf), erg_node_shape(param)) &&
        erg_node_dtype(leaf) == erg_node_dtype(param))
        return leaf;
    erg_fail(ERG_ERROR_ARGUMENT, "params_copy: \"%s\" is %s %s, \"%s\" %s %s", name,
             erg_dtype_name(erg_node_dtype(leaf)), erg_shape_text(erg_node_shape(leaf), a), own,
             erg_dtype_name(erg_node_dtype(param)), erg_shape_text(erg_node_shape(param), b));
    return NULL;
}

erg_status erg_params_copy(erg_node *const *params, int n, const char *prefix, erg_graph *from,
                           const char *from_prefix) {
    if (!params || n < 1 || !from)
        return erg_fail(ERG_ERROR_ARGUMENT, "params_copy: no %s", from ? "params" : "graph");
    prefix = prefix ? prefix : "";
    from_prefix = from_prefix ? from_prefix : "";
    for (int k = 0; k < n; k++)
        if (!counterpart(params[k], prefix, from, from_prefix))
            return ERG_ERROR_ARGUMENT;
    for (int k = 0; k < n; k++)
        erg_tensor_copy(erg_value(params[k]),
                        erg_value(counterpart(params[k], prefix, from, from_prefix)));
    return ERG_OK;
}

/* weights.c: the params of a graph from and to bundles of tensors, which files hold: how weights
 * are exchanged with PyTorch. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

char *erg_file_name_buffer(const erg_graph *graph) {
    size_t longest = 0;
    for (erg_node *v = NULL; (v = erg_next_variable(graph, v));) {
        size_t length = erg_node_name(v) ? strlen(erg_node_name(v)) : 0;
        longest = length > longest ? length : longest;
    }
    char *buffer = malloc(longest + 1);
    if (!buffer)
        erg_fail(ERG_ERROR_MEMORY, "file_name: out of memory");
    return buffer;
}

const char *erg_file_name(char *buffer, const char *name) {
    char *to = buffer;
    for (; *name; name++)
        *to++ = *name == '/' ? '.' : *name;
    *to = '\0';
    return buffer;
}

/* ------------------------------------------------------------------------------- params */

/* A param's name below the scope; NULL for other nodes, and for params elsewhere. */
static const char *name_below(const erg_node *node, const char *scope) {
    size_t length = scope ? strlen(scope) : 0;
    if (!erg_is_param(node))
        return NULL;
    const char *name = erg_node_name(node);
    if (!length)
        return name;
    return strncmp(name, scope, length) == 0 && name[length] == '/' ? name + length + 1 : NULL;
}

/* The next param below the scope, with its name in files. */
static erg_node *next_param(const erg_graph *graph, const char *scope, char *buffer,
                            erg_node *after) {
    while ((after = erg_next_variable(graph, after))) {
        const char *name = name_below(after, scope);
        if (name) {
            erg_file_name(buffer, name);
            return after;
        }
    }
    return NULL;
}

erg_bundle *erg_weights(erg_graph *graph, const char *scope) {
    char *name = erg_file_name_buffer(graph);
    erg_bundle *bundle = name ? erg_bundle_new() : NULL;
    erg_status status = bundle ? ERG_OK : ERG_ERROR_MEMORY;
    for (erg_node *p = NULL; !status && (p = next_param(graph, scope, name, p));)
        status = erg_bundle_add(bundle, name, erg_value(p));
    free(name);
    if (!status && erg_bundle_count(bundle))
        return bundle;
    if (!status)
        erg_fail(ERG_ERROR_ARGUMENT, "weights: %s has no params",
                 !graph  ? "NULL"
                 : scope ? scope
                         : "the graph");
    erg_bundle_free(bundle);
    return NULL;
}

/* ------------------------------------------------------------------------------- loading */

typedef struct loading {
    const erg_graph *graph;
    const erg_bundle *bundle;
    const char *scope;
    char *name; /* of the param at hand */
} loading;

/* The tensor fits the param: a float of the same shape. */
static erg_status check_tensor(const loading *l, erg_node *param, const erg_tensor *tensor) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (tensor->dtype != ERG_INT32 && erg_shape_equal(tensor->shape, erg_node_shape(param)))
        return ERG_OK;
    return erg_fail(ERG_ERROR_ARGUMENT, "load_weights: \"%s\" is %s %s, the param %s %s", l->name,
                    erg_dtype_name(tensor->dtype), erg_shape_text(tensor->shape, a),
                    erg_dtype_name(erg_node_dtype(param)),
                    erg_shape_text(erg_node_shape(param), b));
}

/* Counts what fits and what is missing; a tensor that does not fit is an error. */
static erg_status compare(const loading *l, erg_load_result *result) {
    erg_status status = ERG_OK;
    *result = (erg_load_result){0};
    for (erg_node *p = NULL; !status && (p = next_param(l->graph, l->scope, l->name, p));) {
        const erg_tensor *tensor = erg_bundle_find(l->bundle, l->name);
        if (tensor)
            status = check_tensor(l, p, tensor);
        result->loaded += tensor != NULL;
        result->missing += tensor == NULL;
    }
    result->unused = erg_bundle_count(l->bundle) - result->loaded;
    if (!status && result->unused < 0)
        status = erg_fail(ERG_ERROR_ARGUMENT, "load_weights: two params have one name in files");
    return status;
}

static bool is_param(const loading *l, const char *name) {
    for (erg_node *p = NULL; (p = next_param(l->graph, l->scope, l->name, p));)
        if (strcmp(name, l->name) == 0)
            return true;
    return false;
}

/* Names the first param, or tensor, without a partner. */
static erg_status fail_unmatched(const loading *l, const erg_load_result *result) {
    for (erg_node *p = NULL; (p = next_param(l->graph, l->scope, l->name, p));)
        if (!erg_bundle_find(l->bundle, l->name))
            return erg_fail(ERG_ERROR_ARGUMENT,
                            "load_weights: %d params are not in the bundle, the first is \"%s\"",
                            result->missing, l->name);
    int i = 0;
    while (i < erg_bundle_count(l->bundle) && is_param(l, erg_bundle_name(l->bundle, i)))
        i++;
    return erg_fail(ERG_ERROR_ARGUMENT,
                    "load_weights: %d tensors of the bundle are no params, the first is \"%s\"",
                    result->unused, erg_bundle_name(l->bundle, i));
}

erg_status erg_load_weights(erg_graph *graph, const erg_bundle *bundle, erg_load_options options,
                            erg_load_result *result) {
    if (!graph || !bundle)
        return erg_fail(ERG_ERROR_ARGUMENT, "load_weights: no %s", graph ? "bundle" : "graph");
    erg_load_result counts;
    loading l = {graph, bundle, options.scope, erg_file_name_buffer(graph)};
    if (!l.name)
        return ERG_ERROR_MEMORY;
    erg_status status = compare(&l, &counts);
    if (!status && !options.partial && (counts.missing || counts.unused))
        status = fail_unmatched(&l, &counts);
    for (erg_node *p = NULL; !status && (p = next_param(graph, l.scope, l.name, p));) {
        const erg_tensor *tensor = erg_bundle_find(bundle, l.name);
        if (tensor)
            erg_tensor_copy(erg_value(p), tensor);
    }
    free(l.name);
    if (!status && result)
        *result = counts;
    return status;
}

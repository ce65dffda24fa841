/* module.c: opening and closing a module, its params and their first values, refusals. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "module.h"

void *erg_module_open(erg_graph *graph, const char *name, size_t size) {
    void *module = erg_graph_alloc(graph, size);
    if (!module || erg_graph_error(graph))
        return NULL;
    erg_scope_push(graph, name);
    return erg_graph_error(graph) ? NULL : module;
}

void *erg_module_close(erg_graph *graph, void *module) {
    erg_scope_pop(graph);
    return erg_graph_error(graph) ? NULL : module;
}

bool erg_module_check(erg_graph *graph, const char *module, erg_status status) {
    return status == ERG_OK || erg_graph_fail(graph, "%s: %s", module, erg_error_message());
}

erg_node *erg_module_param(erg_graph *graph, const char *name, erg_dtype dtype, erg_shape shape,
                           double value) {
    erg_node *param = erg_param(graph, name, dtype, shape);
    if (param)
        erg_tensor_fill(erg_value(param), value);
    return param;
}

erg_node *erg_module_constant(const char *module, erg_graph *graph, erg_dtype dtype,
                              erg_shape shape, const double *numbers) {
    erg_tensor *value = erg_tensor_new(dtype, shape);
    for (int64_t i = 0; value && i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, numbers[i]);
    erg_node *node = value ? erg_constant(graph, value)
                           : erg_graph_fail(graph, "%s: %s", module, erg_error_message());
    erg_tensor_free(value);
    return node;
}

void erg_module_init(const char *module, erg_node *weight, erg_node *bias, erg_init init,
                     double gain) {
    erg_graph *graph = erg_node_graph(weight);
    if (!graph || erg_graph_error(graph))
        return;
    erg_status status = erg_init_weight(weight, init, gain);
    erg_shape shape = erg_node_shape(weight);
    if (status == ERG_OK && bias && init != ERG_INIT_ZEROS)
        status = erg_init_uniform(bias, 1 / sqrt((double)(erg_shape_size(shape) / shape.dims[0])));
    erg_module_check(graph, module, status);
}

erg_node *erg_module_refuse(const char *module, erg_node *x, const char *shape, ...) {
    if (!x)
        return NULL;
    char text[ERG_SHAPE_TEXT], wanted[128];
    va_list arguments;
    va_start(arguments, shape);
    vsnprintf(wanted, sizeof wanted, shape, arguments);
    va_end(arguments);
    return erg_graph_fail(erg_node_graph(x), "%s: x is %s, must be %s", module,
                          erg_shape_text(erg_node_shape(x), text), wanted);
}

bool erg_module_has_width(const char *module, erg_node *x, int64_t width) {
    erg_shape shape = erg_node_shape(x);
    if (width == ERG_ANY_WIDTH)
        return (shape.ndim == 2 && shape.dims[1] >= 1) ||
               erg_module_refuse(module, x, "(B, D) with D >= 1");
    return (shape.ndim == 2 && shape.dims[1] == width) ||
           erg_module_refuse(module, x, "(B, %lld)", (long long)width);
}

bool erg_module_check_flag(erg_graph *graph, const char *module, const erg_node *training) {
    return !training || erg_node_shape(training).ndim == 0 ||
           erg_graph_fail(graph, "%s: the training flag must have shape ()", module);
}

erg_node *erg_module_channels(erg_node *vector, int ndim) {
    for (int i = 2; i < ndim; i++)
        vector = erg_unsqueeze(vector, -1);
    return vector;
}

erg_node *erg_module_sum(erg_node *x) {
    return erg_node_shape(x).ndim > 1 ? erg_sum(erg_flatten(x, 1), ERG_AXES(1), 0) : x;
}

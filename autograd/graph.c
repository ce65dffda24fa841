/* graph.c: the graph: an arena of nodes, the names of things, and the first mistake.
 *
 * Nodes are never freed one by one: they are bumped off large blocks, and erg_graph_free frees the
 * blocks. That makes building cheap and leaves no ownership questions inside a graph. */
#include "graph.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------- arena */

enum { BLOCK_SIZE = 64 * 1024 };

struct erg_block {
    struct erg_block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char bytes[];
};

static struct erg_block *add_block(erg_graph *graph, size_t size) {
    if (size > SIZE_MAX - sizeof(struct erg_block))
        return NULL;
    struct erg_block *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    *block = (struct erg_block){.next = graph->blocks, .size = size};
    graph->blocks = block;
    return block;
}

void *erg_graph_alloc(erg_graph *graph, size_t size) {
    if (!graph)
        return erg_graph_fail(NULL, "graph_alloc: no graph");
    const size_t align = _Alignof(max_align_t);
    struct erg_block *block = graph->blocks;
    if (size <= SIZE_MAX - align)
        size = (size + align - 1) / align * align;
    if (!block || size > block->size - block->used)
        block = add_block(graph, size > BLOCK_SIZE ? size : BLOCK_SIZE);
    if (!block) {
        erg_graph_fail(graph, "out of memory");
        return NULL;
    }
    void *memory = block->bytes + block->used;
    block->used += size;
    return memset(memory, 0, size);
}

/* Appends to one of the graph's growing arrays of nodes. */
static bool append(erg_node ***array, int *count, int *capacity, erg_node *node) {
    if (*count == *capacity) {
        if (*capacity > INT32_MAX / 2)
            return false;
        int larger = *capacity ? *capacity * 2 : 64;
        erg_node **grown = realloc(*array, (size_t)larger * sizeof *grown);
        if (!grown)
            return false;
        *array = grown;
        *capacity = larger;
    }
    (*array)[(*count)++] = node;
    return true;
}

bool erg_graph_add(erg_graph *graph, erg_node *node) {
    node->id = graph->count;
    if (node->name && !append(&graph->named, &graph->n_named, &graph->named_capacity, node))
        return false;
    if (append(&graph->nodes, &graph->count, &graph->capacity, node))
        return true;
    graph->n_named -= node->name != NULL;
    return false;
}

/* ------------------------------------------------------------------------------- life */

erg_graph *erg_graph_new(uint64_t seed) {
    erg_graph *graph = calloc(1, sizeof *graph);
    if (!graph) {
        erg_fail(ERG_ERROR_MEMORY, "graph_new: out of memory");
        return NULL;
    }
    graph->seed = seed;
    graph->scope = "";
    return graph;
}

void erg_graph_free(erg_graph *graph) {
    if (!graph)
        return;
    for (int i = 0; i < graph->count && !graph->borrows; i++)
        erg_tensor_free(graph->nodes[i]->value);
    while (graph->blocks) {
        struct erg_block *next = graph->blocks->next;
        free(graph->blocks);
        graph->blocks = next;
    }
    free(graph->nodes);
    free(graph->named);
    free(graph);
}

uint64_t erg_graph_seed(const erg_graph *graph) {
    return graph ? graph->seed : 0;
}

uint64_t erg_graph_runs(const erg_graph *graph) {
    return graph ? graph->runs : 0;
}

void erg_graph_set_runs(erg_graph *graph, uint64_t runs) {
    if (graph)
        graph->runs = runs;
}

erg_random erg_graph_random(erg_graph *graph) {
    return (erg_random){.seed = erg_graph_seed(graph), .stream = graph ? graph->streams++ : 0};
}

/* ------------------------------------------------------------------------------- mistakes */

const char *erg_graph_error(const erg_graph *graph) {
    if (!graph)
        return "no graph";
    return graph->error[0] ? graph->error : NULL;
}

void erg_graph_clear_error(erg_graph *graph) {
    if (graph)
        graph->error[0] = '\0';
}

/* Keeps the message if it is the first. `suffix` says where. */
static void record(erg_graph *graph, const char *suffix, const char *format, va_list arguments) {
    char message[sizeof graph->error];
    vsnprintf(message, sizeof message, format, arguments);
    size_t length = strlen(message);
    snprintf(message + length, sizeof message - length, "%s", suffix);
    erg_fail(ERG_ERROR_GRAPH, "%s", message);
    if (graph && !graph->error[0])
        memcpy(graph->error, message, sizeof message);
}

/* The current scope as ` at "energy/0"`, or nothing at the top. */
static void place(const erg_graph *graph, char *text, size_t size) {
    text[0] = '\0';
    if (graph && graph->scope[0])
        snprintf(text, size, " at \"%s\"", graph->scope);
}

erg_node *erg_graph_fail(erg_graph *graph, const char *format, ...) {
    char where[256];
    place(graph, where, sizeof where);
    va_list arguments;
    va_start(arguments, format);
    record(graph, where, format, arguments);
    va_end(arguments);
    return NULL;
}

bool erg_node_error(const erg_node *node, const char *format, ...) {
    char where[256];
    place(node->graph, where, sizeof where);
    size_t length = strlen(where);
    bool first = true;
    for (int k = 0; k < node->n_in && length < sizeof where; k++) {
        if (!node->in[k] || !node->in[k]->name)
            continue;
        length += (size_t)snprintf(where + length, sizeof where - length, "%s\"%s\"",
                                   first ? ", operands " : ", ", node->in[k]->name);
        first = false;
    }
    char prefixed[256];
    snprintf(prefixed, sizeof prefixed, "%s: %s", erg_ops[node->op].name, format);
    va_list arguments;
    va_start(arguments, format);
    record(node->graph, where, prefixed, arguments);
    va_end(arguments);
    return false;
}

/* ------------------------------------------------------------------------------- names */

/* "name" below the current scope; NULL after recording an error. */
static const char *full_name(erg_graph *graph, const char *name) {
    if (!name || !name[0]) {
        erg_graph_fail(graph, "name: a name must not be empty");
        return NULL;
    }
    size_t scope = strlen(graph->scope);
    char *path = erg_graph_alloc(graph, scope + strlen(name) + 2);
    if (!path)
        return NULL;
    if (scope) {
        memcpy(path, graph->scope, scope);
        path[scope++] = '/';
    }
    strcpy(path + scope, name);
    return path;
}

const char *erg_graph_unique_name(erg_graph *graph, const char *name) {
    const char *path = full_name(graph, name);
    if (path && erg_find(graph, path)) {
        erg_graph_fail(graph, "name: there is already a node named \"%s\"", path);
        return NULL;
    }
    return path;
}

erg_node *erg_name(erg_node *node, const char *name) {
    if (!node)
        return NULL;
    erg_graph *graph = node->graph;
    if (node->name)
        return erg_graph_fail(graph, "name: the node is already named \"%s\"", node->name);
    const char *path = erg_graph_unique_name(graph, name);
    if (!path)
        return NULL;
    if (!append(&graph->named, &graph->n_named, &graph->named_capacity, node))
        return erg_graph_fail(graph, "name: out of memory");
    node->name = path;
    return node;
}

void erg_scope_push(erg_graph *graph, const char *name) {
    if (!graph)
        return;
    if (name && strchr(name, '/')) {
        erg_graph_fail(graph, "scope_push: \"%s\" contains a '/'", name);
        return;
    }
    const char *path = full_name(graph, name);
    if (path)
        graph->scope = path;
}

void erg_scope_pop(erg_graph *graph) {
    if (!graph)
        return;
    if (!graph->scope[0]) {
        erg_graph_fail(graph, "scope_pop: no scope is open");
        return;
    }
    const char *slash = strrchr(graph->scope, '/');
    size_t length = slash ? (size_t)(slash - graph->scope) : 0;
    char *outer = erg_graph_alloc(graph, length + 1);
    if (outer)
        graph->scope = memcpy(outer, graph->scope, length);
}

erg_node *erg_find(erg_graph *graph, const char *name) {
    for (int i = 0; graph && name && i < graph->n_named; i++)
        if (strcmp(graph->named[i]->name, name) == 0)
            return graph->named[i];
    return NULL;
}

erg_node **erg_params(erg_graph *graph, const char *prefix, int *count) {
    if (count)
        *count = 0;
    if (!graph || !count)
        return (void)erg_graph_fail(graph, "params: no %s", graph ? "count" : "graph"), NULL;
    size_t length = prefix ? strlen(prefix) : 0;
    erg_node **found = erg_graph_alloc(graph, (size_t)graph->n_named * sizeof *found + 1);
    for (int i = 0; found && i < graph->n_named; i++) {
        erg_node *node = graph->named[i];
        if (node->op == ERG_OP_param && strncmp(node->name, prefix ? prefix : "", length) == 0)
            found[(*count)++] = node;
    }
    return *count ? found : NULL;
}

/* A param has lost its name when another has taken its place. */
static bool is_named_param(const erg_node *node) {
    return node->op == ERG_OP_param && node->name;
}

erg_node *erg_next_variable(const erg_graph *graph, const erg_node *after) {
    for (int id = after ? after->id + 1 : 0; graph && id < graph->count; id++)
        if (graph->nodes[id]->op == ERG_OP_state || is_named_param(graph->nodes[id]))
            return graph->nodes[id];
    return NULL;
}

int erg_is_param(const erg_node *node) {
    return node && node->op == ERG_OP_param;
}

/* ------------------------------------------------------------------------------- ties */

static bool is_used(const erg_node *leaf) {
    const erg_graph *graph = leaf->graph;
    for (int id = leaf->id + 1; id < graph->count; id++)
        for (int k = 0; k < graph->nodes[id]->n_in; k++)
            if (graph->nodes[id]->in[k] == leaf)
                return true;
    return false;
}

static void forget_name(erg_graph *graph, erg_node *node) {
    int kept = 0;
    for (int i = 0; i < graph->n_named; i++)
        if (graph->named[i] != node)
            graph->named[kept++] = graph->named[i];
    graph->n_named = kept;
    node->name = NULL;
}

erg_node *erg_tie(erg_node *param, erg_node *shared) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!param || !shared)
        return erg_graph_fail(param ? param->graph : erg_node_graph(shared),
                              "tie: operand %d is NULL", param ? 2 : 1);
    erg_graph *graph = param->graph;
    if (!is_named_param(param) || !is_named_param(shared) || shared->graph != graph)
        return erg_graph_fail(graph, "tie: needs two params of one graph, neither tied to another");
    if (param->dtype != shared->dtype || !erg_shape_equal(param->shape, shared->shape))
        return erg_graph_fail(graph, "tie: \"%s\" is %s %s, \"%s\" %s %s", param->name,
                              erg_dtype_name(param->dtype), erg_shape_text(param->shape, a),
                              shared->name, erg_dtype_name(shared->dtype),
                              erg_shape_text(shared->shape, b));
    if (param != shared && is_used(param))
        return erg_graph_fail(graph, "tie: \"%s\" is used already", param->name);
    if (param != shared)
        forget_name(graph, param);
    return shared;
}

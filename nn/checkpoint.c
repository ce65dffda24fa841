/* checkpoint.c: all that a training needs to go on as if it had never stopped, in one .safetensors
 * file with a checksum. What a checkpoint holds is a bundle; a file fits if it has the names,
 * dtypes and shapes that a checkpoint saved now would have. Everything is checked before anything
 * changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

#define RANDOM "graph.random" /* seed and runs */
#define NUMBERS "numbers"

/* "<scope>.<name>", which the caller frees; NULL (with a message) if memory is short. */
static char *join(const char *scope, const char *name) {
    size_t size = strlen(scope) + strlen(name) + 2;
    char *joined = malloc(size);
    if (joined)
        snprintf(joined, size, "%s.%s", scope, name);
    else
        erg_fail(ERG_ERROR_MEMORY, "checkpoint: out of memory");
    return joined;
}

static erg_status add_below(erg_bundle *bundle, const char *scope, const char *name,
                            const erg_tensor *tensor) {
    char *joined = join(scope, name);
    erg_status status = joined ? erg_bundle_add(bundle, joined, tensor) : ERG_ERROR_MEMORY;
    free(joined);
    return status;
}

/* ------------------------------------------------------------------------------- what to keep */

static erg_status add_variables(erg_bundle *bundle, const erg_graph *graph) {
    char *name = erg_file_name_buffer(graph), shape[ERG_SHAPE_TEXT];
    erg_status status = name ? ERG_OK : ERG_ERROR_MEMORY;
    for (erg_node *v = NULL; !status && (v = erg_next_variable(graph, v));)
        if (erg_node_name(v))
            status = erg_bundle_add(bundle, erg_file_name(name, erg_node_name(v)), erg_value(v));
        else
            status = erg_fail(ERG_ERROR_ARGUMENT,
                              "checkpoint: a state of shape %s has no name to be kept by",
                              erg_shape_text(erg_node_shape(v), shape));
    free(name);
    return status;
}

static erg_status add_numbers(erg_bundle *bundle, erg_checkpoint_options options) {
    erg_tensor *number = erg_tensor_new(ERG_FLOAT64, ERG_SCALAR);
    erg_status status = number ? ERG_OK : ERG_ERROR_MEMORY;
    for (int i = 0; !status && i < options.n_numbers; i++) {
        erg_tensor_fill(number, *options.numbers[i].value);
        status = add_below(bundle, NUMBERS, options.numbers[i].name, number);
    }
    erg_tensor_free(number);
    return status;
}

static erg_status add_part(erg_bundle *bundle, const erg_checkpoint_part *part) {
    erg_bundle *state = erg_bundle_new();
    erg_status status = state ? part->save(part->self, state) : ERG_ERROR_MEMORY;
    for (int i = 0; !status && i < erg_bundle_count(state); i++)
        status =
            add_below(bundle, part->name, erg_bundle_name(state, i), erg_bundle_tensor(state, i));
    erg_bundle_free(state);
    return status;
}

/* All that is kept, as it is now, in an empty bundle. */
static erg_status snapshot(erg_bundle *bundle, const erg_graph *graph,
                           erg_checkpoint_options options) {
    const uint64_t random[] = {erg_graph_seed(graph), erg_graph_runs(graph)};
    erg_status status = erg_bundle_add_counts(bundle, RANDOM, random, 2);
    if (!status)
        status = add_variables(bundle, graph);
    if (!status)
        status = add_numbers(bundle, options);
    for (int i = 0; !status && i < options.n_parts; i++)
        status = add_part(bundle, &options.parts[i]);
    return status;
}

static erg_status check_call(const char *what, const void *given, const erg_graph *graph,
                             erg_checkpoint_options options) {
    if (!given || !graph)
        return erg_fail(ERG_ERROR_ARGUMENT, "checkpoint: no %s", given ? "graph" : what);
    if (erg_graph_error(graph))
        return erg_fail(ERG_ERROR_GRAPH, "%s", erg_graph_error(graph));
    for (int i = 0; i < options.n_numbers; i++)
        if (!options.numbers || !options.numbers[i].name || !options.numbers[i].value)
            return erg_fail(ERG_ERROR_ARGUMENT, "checkpoint: number %d has no name or value", i);
    for (int i = 0; i < options.n_parts; i++)
        if (!options.parts || !options.parts[i].name || !options.parts[i].save ||
            !options.parts[i].load)
            return erg_fail(ERG_ERROR_ARGUMENT, "checkpoint: part %d lacks name, save or load", i);
    return ERG_OK;
}

erg_bundle *erg_checkpoint_take(erg_graph *graph, erg_checkpoint_options options) {
    if (check_call("graph", graph, graph, options))
        return NULL;
    erg_bundle *bundle = erg_bundle_new();
    if (!bundle || snapshot(bundle, graph, options) == ERG_OK)
        return bundle;
    erg_bundle_free(bundle);
    return NULL;
}

erg_status erg_checkpoint_save(const char *path, erg_graph *graph, erg_checkpoint_options options) {
    erg_status status = check_call("path", path, graph, options);
    if (status)
        return status;
    erg_bundle *bundle = erg_checkpoint_take(graph, options);
    status = bundle ? erg_safetensors_write(path, bundle, (erg_safetensors_options){.checksum = 1})
                    : erg_error_status();
    erg_bundle_free(bundle);
    return status;
}

/* ------------------------------------------------------------------------------- does it fit? */

static erg_status compare_tensors(const char *path, const char *name, const erg_tensor *wanted,
                                  const erg_tensor *found) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!found)
        return erg_fail(ERG_ERROR_FORMAT, "checkpoint: \"%s\": \"%s\" is missing", path, name);
    if (found->dtype == wanted->dtype && erg_shape_equal(found->shape, wanted->shape))
        return ERG_OK;
    return erg_fail(ERG_ERROR_FORMAT, "checkpoint: \"%s\": \"%s\" is %s %s, here it is %s %s", path,
                    name, erg_dtype_name(found->dtype), erg_shape_text(found->shape, a),
                    erg_dtype_name(wanted->dtype), erg_shape_text(wanted->shape, b));
}

/* The same names, dtypes and shapes. */
static erg_status compare_bundles(const char *path, const erg_bundle *now, const erg_bundle *file) {
    for (int i = 0; i < erg_bundle_count(now); i++) {
        const char *name = erg_bundle_name(now, i);
        erg_status status =
            compare_tensors(path, name, erg_bundle_tensor(now, i), erg_bundle_find(file, name));
        if (status)
            return status;
    }
    for (int i = 0; i < erg_bundle_count(file); i++)
        if (!erg_bundle_find(now, erg_bundle_name(file, i)))
            return erg_fail(ERG_ERROR_FORMAT, "checkpoint: \"%s\": \"%s\" is there, but not here",
                            path, erg_bundle_name(file, i));
    return ERG_OK;
}

/* Random nodes draw by seed and run, so that another seed would be another training. */
static erg_status check_seed(const char *path, const erg_graph *graph, const erg_bundle *file) {
    uint64_t random[2];
    erg_status status = erg_bundle_counts(file, RANDOM, random, 2);
    if (status || random[0] == erg_graph_seed(graph))
        return status;
    return erg_fail(ERG_ERROR_FORMAT,
                    "checkpoint: \"%s\": the graph's seed was %llu, here it is %llu", path,
                    (unsigned long long)random[0], (unsigned long long)erg_graph_seed(graph));
}

/* path: where it comes from, for messages. */
static erg_status check_fit(const char *path, const erg_graph *graph, const erg_bundle *file,
                            erg_checkpoint_options options) {
    erg_bundle *now = erg_bundle_new();
    erg_status status = now ? snapshot(now, graph, options) : ERG_ERROR_MEMORY;
    if (!status)
        status = compare_bundles(path, now, file);
    erg_bundle_free(now);
    return status ? status : check_seed(path, graph, file);
}

/* ------------------------------------------------------------------------------- taking it over */

/* The part's own tensors, under its own names for them. */
static erg_bundle *part_state(const erg_checkpoint_part *part, const erg_bundle *file) {
    erg_bundle *state = erg_bundle_new();
    size_t length = strlen(part->name);
    for (int i = 0; state && i < erg_bundle_count(file); i++) {
        const char *name = erg_bundle_name(file, i);
        if (strncmp(name, part->name, length) != 0 || name[length] != '.')
            continue;
        if (erg_bundle_add(state, name + length + 1, erg_bundle_tensor(file, i))) {
            erg_bundle_free(state);
            return NULL;
        }
    }
    return state;
}

static void apply(erg_graph *graph, const erg_bundle *file, erg_checkpoint_options options,
                  erg_bundle *const *states, char *const *names, char *buffer) {
    uint64_t random[2];
    erg_bundle_counts(file, RANDOM, random, 2);
    erg_graph_set_runs(graph, random[1]);
    for (erg_node *v = NULL; (v = erg_next_variable(graph, v));)
        erg_tensor_copy(erg_value(v),
                        erg_bundle_find(file, erg_file_name(buffer, erg_node_name(v))));
    for (int i = 0; i < options.n_numbers; i++)
        *options.numbers[i].value = erg_tensor_get(erg_bundle_find(file, names[i]), 0);
    for (int i = 0; i < options.n_parts; i++)
        options.parts[i].load(options.parts[i].self, states[i], 1);
}

/* Gets all memory and asks every part before the first change. */
static erg_status take_over(erg_graph *graph, const erg_bundle *file,
                            erg_checkpoint_options options) {
    erg_bundle **states = calloc((size_t)options.n_parts + 1, sizeof *states);
    char **names = calloc((size_t)options.n_numbers + 1, sizeof *names);
    char *buffer = erg_file_name_buffer(graph);
    erg_status status = ERG_OK;
    if (!states || !names || !buffer)
        status = erg_fail(ERG_ERROR_MEMORY, "checkpoint: out of memory");
    for (int i = 0; !status && i < options.n_numbers; i++)
        status = (names[i] = join(NUMBERS, options.numbers[i].name)) ? ERG_OK : ERG_ERROR_MEMORY;
    for (int i = 0; !status && i < options.n_parts; i++) {
        states[i] = part_state(&options.parts[i], file);
        status = states[i] ? options.parts[i].load(options.parts[i].self, states[i], 0)
                           : ERG_ERROR_MEMORY;
    }
    if (!status)
        apply(graph, file, options, states, names, buffer);
    for (int i = 0; states && i < options.n_parts; i++)
        erg_bundle_free(states[i]);
    for (int i = 0; names && i < options.n_numbers; i++)
        free(names[i]);
    free(states);
    free(names);
    free(buffer);
    return status;
}

erg_status erg_checkpoint_load(const char *path, erg_graph *graph, erg_checkpoint_options options) {
    erg_status status = check_call("path", path, graph, options);
    if (status)
        return status;
    erg_bundle *file = erg_safetensors_read(path);
    if (!file)
        return erg_error_status();
    if (!erg_bundle_verified(file))
        status =
            erg_fail(ERG_ERROR_FORMAT,
                     "checkpoint: \"%s\": the file has no checksum: it is no checkpoint", path);
    if (!status)
        status = check_fit(path, graph, file, options);
    if (!status)
        status = take_over(graph, file, options);
    erg_bundle_free(file);
    return status;
}

erg_status erg_checkpoint_restore(const erg_bundle *checkpoint, erg_graph *graph,
                                  erg_checkpoint_options options) {
    erg_status status = check_call("checkpoint", checkpoint, graph, options);
    if (!status)
        status = check_fit("in memory", graph, checkpoint, options);
    return status ? status : take_over(graph, checkpoint, options);
}

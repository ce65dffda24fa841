/* bind.c: addresses for the steps of a plan: in the arena, in leaves, in numbers that somebody reads
 * as arrays, written once; and what becomes of the results: outputs and stores. */
#include <stdlib.h>

#include "lower.h"

typedef struct binding {
    erg_plan *plan;
    const erg_program *program;
    const erg_schedule *schedule;
    void **data; /* by id of roots: the elements; of local values: those of slot 0 */
} binding;

/* ------------------------------------------------------------------------------- memory */

static bool allocate(erg_plan *plan, const erg_program *program, const erg_schedule *schedule) {
    size_t tiles;
    if (__builtin_mul_overflow(schedule->tile_arena, (size_t)plan->threads, &tiles) ||
        __builtin_add_overflow(schedule->arena, tiles, &plan->arena_size) ||
        plan->arena_size > SIZE_MAX - 64)
        return false;
    plan->tile_arena = schedule->tile_arena;
    plan->scratch = aligned_alloc(64, plan->scratch_size * (size_t)plan->threads + 64);
    plan->arena = aligned_alloc(64, plan->arena_size + 64);
    plan->phases = calloc((size_t)schedule->n_phases + 1, sizeof *plan->phases);
    plan->stores = calloc((size_t)program->n_effects + 1, sizeof *plan->stores);
    plan->outputs = calloc((size_t)program->n_outputs, sizeof *plan->outputs);
    return plan->arena && plan->scratch && plan->phases && plan->stores && plan->outputs;
}

/* A number in as many elements as are read. */
static void *written_number(const erg_node *node, unsigned use) {
    erg_node value = *node;
    if (!(use & AS_ARRAY))
        value.shape = ERG_SCALAR;
    size_t bytes = (size_t)erg_shape_size(value.shape) * erg_dtype_size(value.dtype);
    unsigned char *memory = erg_graph_alloc(node->graph, bytes + 64);
    if (!memory)
        return NULL;
    memory += 64 - (uintptr_t)memory % 64;
    erg_eval_full(&value, NULL, memory, 0);
    return memory;
}

static bool find_data(binding *b) {
    const erg_graph *graph = b->program->graph;
    const erg_schedule *s = b->schedule;
    b->data = calloc((size_t)graph->count, sizeof *b->data);
    for (int id = 0; b->data && id < graph->count; id++) {
        const erg_node *node = graph->nodes[id];
        if (node->op == ERG_OP_full && s->use[id])
            b->data[id] = written_number(node, s->use[id]);
        else if (node->value)
            b->data[id] = node->value->data;
        else if (s->stores[id])
            b->data[id] = s->stores[id]->data;
        else
            b->data[id] = b->plan->arena + (erg_is_local(s, node) ? s->arena : 0) + s->offset[id];
        if (s->use[id] && !b->data[id])
            return false;
    }
    return b->data != NULL;
}

/* ------------------------------------------------------------------------------- steps */

static const erg_node *source_of(const erg_read *read) {
    return read->node->n_in ? erg_view_operand(read->node, read->k).source : read->node;
}

static void *result_data(const binding *b, const erg_node *node) {
    return node->value ? b->plan->arena + b->schedule->offset[node->id] : b->data[node->id];
}

static bool bind_whole(const binding *b, erg_step *step) {
    const void **in = erg_graph_alloc(b->program->graph, (size_t)step->n_in * sizeof *in);
    void **results = erg_graph_alloc(b->program->graph, (size_t)step->n_out * sizeof *results);
    for (int k = 0; in && k < step->n_in; k++)
        in[k] = b->data[b->schedule->root[source_of(&step->reads[k])->id]];
    for (int k = 0; results && k < step->n_out; k++)
        results[k] = result_data(b, step->result_nodes[k]);
    step->in = in;
    step->results = results;
    return in && results;
}

/* `elements` of the value belong to a row. */
static erg_place place_of(const binding *b, const erg_node *value, void *data, int64_t elements) {
    const erg_node *root = b->program->graph->nodes[b->schedule->root[value->id]];
    if (erg_is_local(b->schedule, root))
        return (erg_place){.data = data, .per_slot = b->plan->tile_arena};
    return (erg_place){.data = data, .per_row = (size_t)elements * erg_dtype_size(value->dtype)};
}

static bool bind_rows(const binding *b, erg_step *step, int64_t rows) {
    size_t count = (size_t)step->n_in + (size_t)step->n_out;
    erg_place *places = erg_graph_alloc(b->program->graph, count * sizeof *places);
    step->places = places;
    if (!places)
        return false;
    for (int k = 0; k < step->n_in; k++, places++) {
        const erg_read *read = &step->reads[k];
        *places = place_of(b, source_of(read), (void *)step->in[k],
                           read->node->n_in ? erg_operand_row(read->node, read->k)
                                            : erg_shape_size(read->node->shape) / rows);
    }
    for (int k = 0; k < step->n_out; k++, places++)
        *places = place_of(b, step->result_nodes[k], step->results[k],
                           erg_shape_size(step->result_nodes[k]->shape) / rows);
    return true;
}

static bool bind_steps(const binding *b) {
    erg_plan *plan = b->plan;
    for (int p = 0; p < b->schedule->n_phases; p++) {
        const erg_phase *phase = &b->schedule->phases[p];
        plan->phases[plan->n_phases++] = *phase;
        for (int i = phase->first; i < phase->first + phase->count; i++)
            if (!bind_whole(b, &plan->steps[i]) ||
                (phase->rows && !bind_rows(b, &plan->steps[i], phase->rows)))
                return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------- results */

/* Where a value stays after the last step: leaves may then be overwritten, so theirs is a copy. */
static void *result(const binding *b, const erg_node *value) {
    const erg_node *root = b->program->graph->nodes[b->schedule->root[value->id]];
    return erg_is_step(b->schedule, root) ? result_data(b, root) : b->data[root->id];
}

static void bind_results(const binding *b) {
    const erg_program *program = b->program;
    erg_plan *plan = b->plan;
    for (int k = 0; k < program->n_outputs; k++) {
        const erg_node *node = program->outputs[k];
        plan->outputs[plan->n_outputs++] = (erg_tensor){node->dtype, node->shape, result(b, node)};
    }
    for (int k = 0; k < program->n_effects; k++) {
        const erg_effect *effect = &program->effects[k];
        const erg_node *root = program->graph->nodes[b->schedule->root[effect->value->id]];
        if (b->schedule->stores[root->id] == effect->leaf)
            continue;
        size_t bytes = (size_t)erg_tensor_size(effect->leaf) * erg_dtype_size(effect->leaf->dtype);
        plan->stores[plan->n_stores++] =
            (erg_store){effect->leaf->data, result(b, effect->value), bytes};
    }
    plan->loops = erg_schedule_loops(b->schedule, program);
}

bool erg_bind(erg_plan *plan, const erg_program *program, const erg_schedule *schedule) {
    binding b = {.plan = plan, .program = program, .schedule = schedule};
    bool done = allocate(plan, program, schedule) && find_data(&b) && bind_steps(&b);
    if (done)
        bind_results(&b);
    free(b.data);
    return done;
}

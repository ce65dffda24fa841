/* run.c: compiling, whatever makes the steps, and the plan's public face. */
#include <stdlib.h>

#include "plan.h"

/* Every node needed by a node is needed; and what a group among the outputs bundles is an effect. */
unsigned char *erg_collect(const erg_graph *graph, erg_node *const *outputs, int count) {
    unsigned char *needed = calloc((size_t)graph->count + 1, 1);
    for (int k = 0; needed && k < count; k++)
        needed[outputs[k]->id] = 2;
    for (int id = graph->count - 1; needed && id >= 0; id--) {
        const erg_node *node = graph->nodes[id];
        unsigned char mark = node->op == ERG_OP_group ? needed[id] : needed[id] != 0;
        for (int k = 0; k < node->n_in; k++)
            needed[node->in[k]->id] |= mark;
    }
    return needed;
}

/* Two different values for one leaf would make the result depend on their order. */
static bool check_assigns(const erg_graph *graph, const unsigned char *needed) {
    bool *assigned = calloc((size_t)graph->count + 1, sizeof *assigned);
    bool good = assigned != NULL;
    if (!good)
        erg_fail(ERG_ERROR_MEMORY, "compile: out of memory");
    for (int id = 0; good && id < graph->count; id++) {
        const erg_node *node = graph->nodes[id];
        if (node->op != ERG_OP_assign || !(needed[id] & 2))
            continue;
        good = !assigned[node->in[0]->id];
        assigned[node->in[0]->id] = true;
        if (!good)
            erg_fail(ERG_ERROR_ARGUMENT, "compile: leaf \"%s\" is assigned twice",
                     node->in[0]->name ? node->in[0]->name : "");
    }
    free(assigned);
    return good;
}

static bool check_outputs(erg_node *const *outputs, int count) {
    if (!outputs || count < 1)
        return erg_fail(ERG_ERROR_ARGUMENT, "compile: no outputs"), false;
    const erg_graph *graph = NULL;
    for (int k = 0; k < count; k++)
        graph = outputs[k] ? outputs[k]->graph : graph;
    if (graph && erg_graph_error(graph))
        return erg_fail(ERG_ERROR_GRAPH, "%s", erg_graph_error(graph)), false;
    for (int k = 0; k < count; k++) {
        if (!outputs[k])
            return erg_fail(ERG_ERROR_ARGUMENT, "compile: output %d is NULL", k), false;
        if (outputs[k]->graph != graph)
            return erg_fail(ERG_ERROR_ARGUMENT, "compile: outputs of different graphs"), false;
    }
    unsigned char *needed = erg_collect(graph, outputs, count);
    if (!needed)
        return erg_fail(ERG_ERROR_MEMORY, "compile: out of memory"), false;
    bool good = check_assigns(graph, needed);
    free(needed);
    return good;
}

static erg_plan *compile(erg_node *const *outputs, int count, bool interpreted) {
    if (!check_outputs(outputs, count))
        return NULL;
    erg_debug_warn();
    erg_plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        erg_fail(ERG_ERROR_MEMORY, "compile: out of memory");
        return NULL;
    }
    plan->graph = outputs[0]->graph;
    plan->check_finite = erg_debug("nan");
    plan->timed = erg_debug("time");
    bool done = interpreted ? erg_plan_interpreted(plan, outputs, count)
                            : erg_plan_optimised(plan, outputs, count);
    if (done && erg_debug("plan"))
        erg_plan_print(plan);
    if (done)
        return plan;
    erg_plan_free(plan);
    return NULL;
}

erg_plan *erg_compile(erg_node *const *outputs, int count) {
    return compile(outputs, count, erg_debug("reference"));
}

erg_plan *erg_compile_interpreted(erg_node *const *outputs, int count) {
    return compile(outputs, count, true);
}

void erg_plan_free(erg_plan *plan) {
    if (!plan)
        return;
    if (plan->timed && plan->steps)
        erg_plan_print_times(plan);
    erg_graph_free(plan->work);
    free(plan->steps);
    free(plan->phases);
    free(plan->stores);
    free(plan->outputs);
    free(plan->arena);
    free(plan->memory);
    erg_code_pages_free(&plan->code);
    free(plan->scratch);
    free(plan);
}

/* ------------------------------------------------------------------------------- running */

void erg_run(erg_plan *plan) {
    erg_run_n(plan, 1);
}

void erg_run_n(erg_plan *plan, int64_t n) {
    if (plan)
        erg_plan_execute(plan, n);
}

const erg_tensor *erg_output(const erg_plan *plan, int index) {
    if (plan && index >= 0 && index < plan->n_outputs)
        return &plan->outputs[index];
    erg_fail(ERG_ERROR_ARGUMENT, "output: %s", plan ? "index out of range" : "no plan");
    return NULL;
}

int erg_plan_steps(const erg_plan *plan) {
    return plan ? plan->n_steps : 0;
}

size_t erg_plan_arena(const erg_plan *plan) {
    return plan ? plan->arena_size : 0;
}

erg_tensor *erg_evaluate(erg_node *node) {
    erg_plan *plan = erg_compile(&node, 1);
    if (!plan)
        return NULL;
    erg_run(plan);
    erg_tensor *value = erg_tensor_clone(erg_output(plan, 0));
    erg_plan_free(plan);
    return value;
}

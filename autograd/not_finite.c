/* not_finite.c: where a NaN or an infinity comes from. All values are computed by the plain
 * interpreter, and kept; then those that are not finite are followed back from the outputs. A node
 * whose infinity reaches no output (an arm of where that is not taken) is not to blame. */
#include <stdlib.h>

#include "plan.h"

/* The value of every node that is needed, in the order in which nodes were made. */
static void compute(const erg_plan *plan) {
    for (int i = 0; i < plan->n_steps; i++) {
        const erg_step *step = &plan->steps[i];
        erg_work work = {.in = step->in,
                         .results = step->results,
                         .out = step->results[0],
                         .end = 1,
                         .run = plan->graph->runs};
        step->part(step, &work);
    }
}

static bool is_finite(const erg_node *node, void *elements) {
    erg_tensor value = {node->dtype, node->shape, elements};
    return erg_tensor_all_finite(&value);
}

/* blamed: a byte for each id: 1 for what an output needs by way of values that are not finite. Of a
 * step's operands only those count that are not finite themselves. */
static erg_node *follow_back(const erg_plan *plan, unsigned char *blamed) {
    erg_node *first = NULL;
    for (int i = plan->n_steps - 1; i >= 0; i--) {
        const erg_step *step = &plan->steps[i];
        const erg_node *node = step->node;
        bool bundle = node->op == ERG_OP_group;
        if (!blamed[node->id] || (!bundle && is_finite(node, step->results[0])))
            continue;
        first = bundle ? first : plan->graph->nodes[node->id];
        for (int k = 0; k < node->n_in; k++)
            blamed[node->in[k]->id] = 1;
    }
    return first;
}

/* Leaves have no steps of their own: the first that is blamed and is not finite. */
static erg_node *find_leaf(const erg_graph *graph, const unsigned char *blamed) {
    for (int id = 0; id < graph->count; id++) {
        erg_node *node = graph->nodes[id];
        if (blamed[id] && node->value && !erg_tensor_all_finite(node->value))
            return node;
    }
    return NULL;
}

erg_status erg_find_not_finite(erg_node *const *outputs, int count, erg_node **found) {
    if (!found)
        return erg_fail(ERG_ERROR_ARGUMENT, "find_not_finite: nowhere to put the node");
    erg_plan *plan = erg_compile_interpreted(outputs, count);
    if (!plan)
        return erg_error_status();
    unsigned char *blamed = calloc((size_t)plan->graph->count + 1, 1);
    if (blamed) {
        for (int k = 0; k < count; k++)
            blamed[outputs[k]->id] = 1;
        compute(plan);
        erg_node *first = follow_back(plan, blamed), *leaf = find_leaf(plan->graph, blamed);
        *found = leaf ? leaf : first;
    }
    erg_status status =
        blamed ? ERG_OK : erg_fail(ERG_ERROR_MEMORY, "find_not_finite: out of memory");
    free(blamed);
    erg_plan_free(plan);
    return status;
}

/* compiler_graph.h: a graph for each test of what a pass of the compiler does; a look at plans. */
#ifndef ERG_TESTS_COMPILER_GRAPH_H
#define ERG_TESTS_COMPILER_GRAPH_H

#include "plan_tools.h"

static erg_graph *g;

static inline void setup(void) {
    g = erg_graph_new(1);
}

static inline void teardown(void) {
    erg_graph_free(g);
}

static inline erg_node *filled(erg_node *leaf, double scale) {
    for (int64_t i = 0; i < erg_tensor_size(erg_value(leaf)); i++)
        erg_tensor_set(erg_value(leaf), i, scale * sin(1.3 * (double)i + 1));
    return leaf;
}

static inline erg_node *input(const char *name, erg_shape shape) {
    return filled(erg_input(g, name, F64, shape), 1);
}

static inline erg_node *param(const char *name, erg_shape shape) {
    return filled(erg_param(g, name, F64, shape), 0.5);
}

static inline int computed(const erg_plan *plan, erg_op op) {
    int nodes = 0;
    for (int i = 0; i < plan->n_steps; i++)
        for (int k = 0; k < plan->steps[i].n_nodes; k++)
            nodes += plan->steps[i].nodes[k]->op == op;
    return nodes;
}

static inline void assert_agrees(const erg_plan *plan, erg_node *const *outputs, int count) {
    erg_plan *reference = compile_with("reference", outputs, count);
    erg_run(reference);
    for (int k = 0; k < count; k++)
        ck_assert_double_le(distance(erg_output(plan, k), erg_output(reference, k)), 1e-13);
    erg_plan_free(reference);
}

#endif

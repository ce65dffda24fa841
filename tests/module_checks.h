/* module_checks.h: what every layer and every energy is tested for: its derivatives to third order,
 * and that the compiled plan computes what the interpreter does. */
#ifndef ERG_TESTS_MODULE_CHECKS_H
#define ERG_TESTS_MODULE_CHECKS_H

#include "modules.h"
#include "plan_tools.h"

/* The first option of modules whose derivatives are compared. */
#define F64_OPTIONS .dtype = ERG_FLOAT64

enum { MOST_LEAVES = 40 };

/* Numbers without a pattern, as tests/goldens has them: sin(seed + 0.7 i + 0.01 i^2). */
static inline void fill(erg_node *leaf, double seed) {
    erg_tensor *value = erg_value(leaf);
    for (int64_t i = 0; i < erg_tensor_size(value); i++) {
        double t = (double)i;
        erg_tensor_set(value, i, sin(seed + 0.7 * t + 0.01 * t * t));
    }
}

/* x, unless it is NULL, and all params of module "m". Returns their number. */
static inline int leaves_of(erg_graph *graph, erg_node *x, erg_node **leaves) {
    int params, count = 0;
    erg_node **found = erg_params(graph, "m/", &params);
    if (x)
        leaves[count++] = x;
    ck_assert_int_le(count + params, MOST_LEAVES);
    for (int k = 0; k < params; k++)
        leaves[count++] = found[k];
    return count;
}

static inline erg_node *param_of(erg_graph *g, const char *name) {
    erg_node *param = erg_find(g, name);
    ck_assert_msg(param != NULL, "no param \"%s\"", name);
    return param;
}

static inline void check_derivatives(const char *name, erg_node *y, erg_node *const *leaves,
                                     int count, int order) {
    erg_gradcheck_result result;
    erg_gradcheck_options options = {.order = order, .seed = 5};
    ck_assert_msg(erg_gradcheck(y, leaves, count, options, &result) == ERG_OK, "%s: %s", name,
                  result.message);
    ck_assert_msg(result.element >= 0, "%s: nothing was compared", name);
}

/* Of y, with s = sum sin(y) and n the sum of the squares of all derivatives of s: y, the
 * derivatives of s, and those of n: 1 + 2 count nodes. */
static inline void derive(erg_node *y, erg_node *const *leaves, int count, erg_node **nodes) {
    erg_node *n = NULL;
    nodes[0] = y;
    erg_grad(erg_sin(y), leaves, count, nodes + 1);
    for (int k = 0; k < count; k++) {
        erg_node *square = erg_sum(erg_square(nodes[1 + k]), ERG_ALL, 0);
        n = n ? erg_add(n, square) : square;
    }
    erg_grad(n, leaves, count, nodes + 1 + count);
}

static inline void check_plan(const char *name, erg_node *y, erg_node *const *leaves, int count) {
    erg_node *nodes[1 + 2 * MOST_LEAVES];
    derive(y, leaves, count, nodes);
    erg_plan *compiled = compile_with("verify", nodes, 1 + 2 * count);
    erg_plan *reference = compile_with("reference", nodes, 1 + 2 * count);
    erg_run(compiled);
    erg_graph_set_runs(erg_node_graph(y), erg_graph_runs(erg_node_graph(y)) - 1);
    erg_run(reference);
    for (int k = 0; k < 1 + 2 * count; k++) {
        double off = distance(erg_output(compiled, k), erg_output(reference, k));
        ck_assert_msg(off < 1e-11, "%s: output %d is off by %g", name, k, off);
    }
    erg_plan_free(compiled);
    erg_plan_free(reference);
}

#endif

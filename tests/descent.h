/* descent.h: a loss for the tests of optimisers, sum c_i (p_i - a_i)^4 + sum d_j (q_j - b_j)^2, whose
 * gradient is one line; clipping by norm alone ties p and q together. */
#ifndef ERG_TESTS_DESCENT_H
#define ERG_TESTS_DESCENT_H

#include "modules.h"

enum { P = 3, Q = 4, N = P + Q };

static const double centres[N] = {1, -2, 0.5, 3, 0, -1, 0.25};
static const double factors[N] = {0.5, 1, 3, 2, 0.1, 1e-3, 40};
static const double start[N] = {0, 0.3, -1, 1, 2, -2, 0};

typedef struct problem {
    erg_graph *graph;
    erg_node *params[2], *loss;
} problem;

/* sum factor (x - centre)^power */
static inline erg_node *term(erg_node *x, int first, int power) {
    erg_graph *g = erg_node_graph(x);
    erg_shape shape = erg_node_shape(x);
    erg_node *centre = erg_cast(input_of(g, shape, centres + first), erg_node_dtype(x));
    erg_node *factor = erg_cast(input_of(g, shape, factors + first), erg_node_dtype(x));
    erg_node *square = erg_square(erg_sub(x, centre));
    return erg_sum(erg_mul(factor, power == 4 ? erg_square(square) : square), ERG_ALL, 0);
}

static inline problem make_problem(erg_dtype dtype) {
    problem p = {.graph = erg_graph_new(0)};
    p.params[0] = erg_param(p.graph, "p", dtype, ERG_SHAPE(P));
    p.params[1] = erg_param(p.graph, "net/q", dtype, ERG_SHAPE(2, Q / 2));
    p.loss = erg_add(term(p.params[0], 0, 4), term(p.params[1], P, 2));
    for (int i = 0; i < N; i++)
        erg_tensor_set(erg_value(p.params[i >= P]), i < P ? i : i - P, start[i]);
    return p;
}

static inline double param_at(problem p, int i) {
    return erg_tensor_get(erg_value(p.params[i >= P]), i < P ? i : i - P);
}

#endif

/* random_graph.h: graphs of random operations on random shapes, for tests of the compiler. */
#ifndef ERG_TESTS_RANDOM_GRAPH_H
#define ERG_TESTS_RANDOM_GRAPH_H

#include <stdbool.h>

#include "../autograd/autograd.h"

enum { RANDOM_GRAPH_OUTPUTS = 8 };

typedef struct random_graph_options {
    erg_dtype dtype;
    int operations; /* that many are drawn; some are several nodes */
    bool large;     /* sizes of tens of thousands of elements, else of tens */
    bool rows;      /* all axes of tens of elements: a leading one is a batch */
    bool derive;    /* outputs are derivatives of a sum, of first and second order */
} random_graph_options;

/* A graph and some of its nodes. Everything is a function of seed and options. Values are of
 * moderate size, and a step function (floor, argmax, less, ..) is applied only to values without
 * rounding errors, so that two ways to compute the same thing give nearly the same. */
typedef struct random_graph {
    erg_graph *graph;
    erg_node *outputs[RANDOM_GRAPH_OUTPUTS];
    int count;
} random_graph;

random_graph random_graph_new(uint64_t seed, random_graph_options options);

/* A number below n, and the next state. */
int random_below(uint64_t *state, int n);

#endif

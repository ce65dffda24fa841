/* plan.h: a compiled plan: steps over one arena. Internal to autograd/.
 *
 * Running is a loop over steps, then the stores of assigned leaves. The reference interpreter fills
 * this struct with one step a node; autograd/plan/ fills it with better ones. The executor does not
 * know the difference. */
#ifndef ERG_AUTOGRAD_PLAN_H
#define ERG_AUTOGRAD_PLAN_H

#include "graph.h"

typedef struct erg_step erg_step;
struct erg_step {
    void (*run)(const erg_step *step, uint64_t run);
    const erg_node *node;   /* what it computes: for kernels that read attributes, and messages */
    const void *const *in;  /* operands' elements */
    void *out;              /* the result's elements */
    const void *detail;     /* what the kernel was prepared with, owned by the plan */
    uint64_t calls;         /* ERG_DEBUG=time: how often, */
    double seconds;         /* and how long */
};

/* After the steps: dst = src, so that all reads of a leaf in a run saw its old value. */
typedef struct erg_store {
    void *dst;
    const void *src;
    size_t bytes;
} erg_store;

struct erg_plan {
    erg_graph *graph; /* whose leaves and run counter it uses */
    erg_graph *work;  /* the rewritten copy that steps refer to; NULL: the graph itself */
    erg_step *steps;
    int n_steps;
    erg_store *stores;
    int n_stores;
    erg_tensor *outputs; /* data points into the arena */
    int n_outputs;
    unsigned char *arena;
    size_t arena_size;
    void *memory; /* everything the steps point to, in one allocation */
    bool check_finite, timed;
};

/* Which nodes count outputs need, effects of groups included: a byte for each id of the graph,
 * 1 for needed and 2 for an effect of the outputs (an assign among them or in their groups). The
 * caller frees it. NULL if memory is short. */
unsigned char *erg_collect(const erg_graph *graph, erg_node *const *outputs, int count);

/* Fill a zeroed plan. On failure they record the error, and the caller frees what there is. */
bool erg_plan_interpreted(erg_plan *plan, erg_node *const *outputs, int count);
bool erg_plan_optimised(erg_plan *plan, erg_node *const *outputs, int count);

/* True if ERG_DEBUG holds this word. */
bool erg_debug(const char *word);

#endif

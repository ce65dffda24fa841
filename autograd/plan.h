/* plan.h: a compiled plan: steps over one arena. Internal to autograd/.
 *
 * A step computes one value, or some of one shape, or some and a sum or maximum of one of them. Its
 * work is a number of items that do not depend on each other; the executor hands out ranges of them to
 * threads. Steps are grouped into phases. In the simplest a step does all of its items before the next
 * step starts. Where steps do not read each other, threads share the items of all of them. In a *region*
 * no step mixes the rows of the batch, so a tile of some rows goes through all steps while its values
 * stay in the caches.
 *
 * The reference interpreter fills this struct with one step a node; autograd/plan/ fills it with
 * better ones. The executor does not know the difference. */
#ifndef ERG_AUTOGRAD_PLAN_H
#define ERG_AUTOGRAD_PLAN_H

#include "../tensor/formula.h"
#include "graph.h"

/* A range of a step's items, for one call of its kernel. */
typedef struct erg_work {
    const void *const *in; /* operands' elements, */
    void *const *results;  /* and the results', from item 0 on */
    void *out;             /* the first of these */
    int64_t begin, end;
    int64_t origin; /* items of the whole before item 0 */
    int slot;       /* of memory that nobody else uses now; < threads of the plan */
    void *scratch;  /* such memory, as much as the step asked for */
    uint64_t run;
} erg_work;

/* Where a region's step finds the first row of a tile, in an operand or in its result. */
typedef struct erg_place {
    unsigned char *data;
    size_t per_row;  /* bytes; 0: all rows read the same, or the value lives in a tile's arena, */
    size_t per_slot; /* of which there is one for each slot */
} erg_place;

/* Work that is worth a thread is counted in so many parts. */
enum { ERG_SHARES = 16 };

enum { ERG_STEP_OPERANDS = 160 }; /* of a step in a region, at most; and as many results */

/* Operand k of a node; of a leaf, its tensor. */
typedef struct erg_read {
    const erg_node *node;
    int k;
} erg_read;

typedef struct erg_step erg_step;
struct erg_step {
    void (*part)(const erg_step *step, const erg_work *work);
    void (*finish)(const erg_step *step); /* after all items; or NULL */
    const erg_node *const *nodes;         /* what is computed, results among them */
    int n_nodes;
    const erg_node *node;  /* the main one, a fold or the last: for kernels that read attributes */
    int n_in, n_out;       /* operands, of which a leaf has one, its tensor; results */
    const erg_read *reads; /* what the operands are: */
    const void *const *in; /* their elements, */
    void *const *results;  /* and the results': of all rows */
    const erg_node *const *result_nodes;
    const erg_place *places; /* in a region: of operands, then of results */
    int64_t row_items;       /* in a region: of each row */
    const void *detail;      /* what the kernel was prepared with, owned by the plan */
    int64_t items, grain;    /* a thread should have `grain` items at least */
    int64_t work;            /* in ERG_SHARES of what a thread should have at least; 1 or more */
    uint64_t calls;          /* ERG_DEBUG=time: how many runs, */
    double seconds;          /* and how long in all */
};

typedef struct erg_phase {
    int first, count; /* steps */
    int64_t rows;     /* of the batch, if it is a region; else 0 */
    int64_t tile;     /* rows that go through all steps together */
    int64_t grain;    /* tiles a thread should have at least */
    bool once;        /* later runs of a call find its values as they are */
    bool apart;       /* no step reads another's result */
} erg_phase;

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
    erg_phase *phases;
    int n_phases;
    erg_store *stores;
    int n_stores;
    /* The last phase is a region whose rows alone are stored, and read by none but the same rows of
     * it: so a tile may do many runs before the next tile starts. */
    bool loops;
    erg_tensor *outputs; /* data points into the arena */
    int n_outputs;
    int threads;            /* that have memory of their own */
    unsigned char *scratch; /* for each of them, */
    size_t scratch_size;    /* so many bytes */
    unsigned char *arena;   /* whole arrays, then a tile's for each thread */
    size_t arena_size, tile_arena;
    void *memory;        /* everything the steps point to, in one allocation */
    erg_code_pages code; /* and the machine code */
    bool check_finite, timed;
    bool found; /* check_finite: in this run */
};

/* Which nodes count outputs need, effects of groups included: a byte for each id of the graph,
 * 1 for needed and 2 for an effect of the outputs (an assign among them or in their groups). The
 * caller frees it. NULL if memory is short. */
unsigned char *erg_collect(const erg_graph *graph, erg_node *const *outputs, int count);

/* Fill a zeroed plan. On failure they record the error, and the caller frees what there is. */
bool erg_plan_interpreted(erg_plan *plan, erg_node *const *outputs, int count);
bool erg_plan_optimised(erg_plan *plan, erg_node *const *outputs, int count);

/* erg_compile to the plan of the interpreter, which keeps the values of all nodes. */
erg_plan *erg_compile_interpreted(erg_node *const *outputs, int count);

/* ---- execute.c */

/* Runs n times. */
void erg_plan_execute(erg_plan *plan, int64_t n);

/* ---- watch.c: what ERG_DEBUG asks for */

/* True if ERG_DEBUG holds this word. */
bool erg_debug(const char *word);
/* Words this library does not know are said, so that a typing mistake is not a silent nothing. */
void erg_debug_warn(void);
void erg_plan_print(const erg_plan *plan);
void erg_plan_print_times(const erg_plan *plan);
/* Around work on a step: the time before, and then what is to be noted; `results` were computed,
 * with so many rows if that is not 0, and `last` tells that the run's work on this step is done. */
double erg_watch_begin(void);
void erg_watch_end(erg_plan *plan, erg_step *step, double start, void *const *results, int64_t rows,
                   uint64_t run, bool last);

#endif

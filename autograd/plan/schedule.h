/* schedule.h: what becomes a step, in which order, what each step reads, and where values are.
 * Internal to plan/.
 *
 * Arrays are indexed by node id, unless said otherwise. A value's root is the node whose memory
 * holds it: the node itself, or the operand of a reshape, which costs nothing. */
#ifndef ERG_AUTOGRAD_PLAN_SCHEDULE_H
#define ERG_AUTOGRAD_PLAN_SCHEDULE_H

#include "passes.h"

enum {
    AS_ARRAY = 1,  /* somebody reads the elements */
    AS_NUMBER = 2, /* somebody reads the number of a full */
    HELD = 4       /* the value is wanted after the last step */
};

typedef struct erg_schedule {
    /* What is wanted. */
    bool regions;     /* else there are none */
    bool small_tiles; /* wherever there can be any: so that small tests have some */
    bool chains;      /* else each step computes one value */
    bool code;        /* else elementwise nodes are calls of kernels */
    bool reuse;       /* else each value has memory of its own, apart from the leaves */
    int threads;
    /* What is found. */
    unsigned char *use; /* of roots: the flags above */
    int *root;          /* id of the node whose memory holds the value */
    int *order;         /* ids of the nodes that are computed, as they run: indexed by place */
    int n_placed;
    int *first; /* of steps: the place of its first node; one more at the end */
    int n_steps;
    erg_phase *phases;
    int n_phases;
    int *phase;   /* of computed nodes: index of the phase */
    int *wave;    /* of computed nodes: see wave.c */
    int *step;    /* of computed nodes: index of the step */
    int *last;    /* of roots: place of the last node that reads it; INT_MAX if held */
    bool *shared; /* of computed nodes: the value is held, or read in another phase than its own */
    bool *inner;  /* of computed nodes: the value is read in its own step alone */
    erg_tensor **stores; /* of computed nodes: the leaf that the value is written to; or NULL */
    size_t *offset;      /* of computed nodes: the result's place in the arena, or in a tile's */
    size_t arena, tile_arena; /* bytes */
} erg_schedule;

/* How an elementwise node reads an operand. Row r of the result's elements, e to a row, is computed
 * from elements r * row + i * step of the source, i = 0 .. e - 1: an array of the result's shape
 * has row = e, step = 1; one number row = step = 0; one row for all rows row = 0, step = 1; one
 * number for each row row = 1, step = 0. So a broadcast need not be a step of its own. */
typedef struct erg_view {
    const erg_node *source;
    int64_t row;
    int step;
} erg_view;

/* A kernel is called once a row; operands with shorter rows are stretched by a step of their own. */
enum { ERG_SHORTEST_ROW = 16 };

/* Elements to a row of the result; all operands are read by the same rows. */
int64_t erg_row_size(const erg_node *node);
erg_view erg_view_operand(const erg_node *node, int k);
/* True if x, the weight of a convolution, is made by turning back one that has the channels of the
 * result as last axis, as kernels like it: then the step reads that one. */
bool erg_is_turned_weight(const erg_node *node, const erg_node *x);
/* True if x is an image with its channels last, permuted to (B, C, H, W). Convolutions read what is
 * permuted, if there are ERG_CHANNELS or more: kernels that want planes transpose fewer one by one. */
bool erg_is_in_planes(const erg_node *x);
enum { ERG_CHANNELS = 16 };

/* ---- rows.c */

/* Elements of operand k's source that one row of the batch needs, if the step's result has a row
 * for each: row b reads elements b * n .. (b + 1) * n - 1 of the source. 0: all rows read the same;
 * -1: the rows cannot be kept apart. */
int64_t erg_operand_row(const erg_node *node, int k);
/* The size of the result's leading axis, if its rows can be computed one by one; else 0. */
int64_t erg_row_count(const erg_node *node);

/* Nodes of a chain at most, so that what it reads and writes fits into the first-level cache. */
enum { ERG_CHAIN_NODES = 48 };

/* ---- the passes */

/* Which nodes are computed; with phases, but for how many rows are a tile, and steps. */
bool erg_schedule_make(erg_schedule *schedule, const erg_program *program);
/* Order and phases, in places: of a schedule that knows what is computed. */
bool erg_schedule_phases(erg_schedule *schedule, const erg_program *program);
/* Sorts the nodes of phases by waves; before chains are made. */
bool erg_schedule_waves(erg_schedule *schedule, const erg_graph *graph);
/* Products that waves are counted by, and that can be one step with others of their wave. */
bool erg_joins_products(const erg_schedule *schedule, const erg_node *node);
/* Steps: puts nodes that are done together next to each other, and counts phases in steps. */
bool erg_schedule_chains(erg_schedule *schedule, const erg_graph *graph);
/* Phases whose steps do not read each other, of those that are no regions. */
bool erg_schedule_levels(erg_schedule *schedule, const erg_graph *graph);
/* Which values are written right into the leaves that are to hold them. */
bool erg_schedule_stores(erg_schedule *schedule, const erg_program *program);
/* Offsets in the arena, and how many rows are a tile. `steps` are the prepared ones, in order. */
bool erg_schedule_memory(erg_schedule *schedule, const erg_graph *graph, const erg_step *steps);
/* Sets a region's tile and grain, if a row takes so many bytes; a region that is not worth it
 * becomes a phase without rows. */
void erg_choose_tile(const erg_schedule *schedule, erg_phase *region, size_t bytes_to_a_row,
                     const erg_step *steps);
/* True if a run's last phase can be repeated tile by tile (see erg_plan). */
bool erg_schedule_loops(const erg_schedule *schedule, const erg_program *program);
void erg_schedule_free(erg_schedule *schedule);

/* True if a run has to compute the node's value. */
bool erg_is_step(const erg_schedule *schedule, const erg_node *node);
/* True if a computed value lives in the tiles of its region and nowhere else. */
bool erg_is_local(const erg_schedule *schedule, const erg_node *node);

#endif

/* schedule.h: what becomes a step, what each step reads, and where values are. Internal to plan/.
 *
 * Arrays are indexed by node id. A value's root is the node whose memory holds it: the node itself,
 * or the operand of a reshape, which costs nothing. */
#ifndef ERG_AUTOGRAD_PLAN_SCHEDULE_H
#define ERG_AUTOGRAD_PLAN_SCHEDULE_H

#include "passes.h"

enum {
    AS_ARRAY = 1,  /* somebody reads the elements */
    AS_NUMBER = 2, /* somebody reads the number of a full */
    HELD = 4       /* the value is wanted after the last step */
};

typedef struct erg_schedule {
    unsigned char *use; /* of roots: the flags above */
    int *root;          /* id of the node whose memory holds the value */
    int *last;          /* of roots: the last step that reads it; INT_MAX if held */
    size_t *offset;     /* of steps: the result's place in the arena */
    size_t arena;       /* bytes */
} erg_schedule;

/* How a step reads an operand. Row r of the result's elements, e to a row, is computed from
 * elements r * row + i * step of the source, i = 0 .. e - 1: an array of the result's shape has
 * row = e, step = 1; one number row = step = 0; one row for all rows row = 0, step = 1; one number
 * for each row row = 1, step = 0. So a broadcast need not be a step of its own. */
typedef struct erg_view {
    const erg_node *source;
    int64_t row;
    int step;
} erg_view;

/* Elements to a row of the result; all operands are read by the same rows. */
int64_t erg_row_size(const erg_node *node);
erg_view erg_view_operand(const erg_node *node, int k);

/* Makes all but the offsets. */
bool erg_schedule_make(erg_schedule *schedule, const erg_program *program);
/* Offsets in the arena; each step has memory of its own unless `reuse`. */
bool erg_schedule_memory(erg_schedule *schedule, const erg_program *program, bool reuse);
void erg_schedule_free(erg_schedule *schedule);

/* True if a run has to do something for the node's value. */
bool erg_is_step(const erg_schedule *schedule, const erg_node *node);

#endif

/* chain_code.h: what a chain of elementwise nodes is compiled to. Internal to plan/.
 *
 * A chain is a small program. It goes through its elements piece by piece, and each instruction is a
 * call of a kernel on one piece, or a formula of several nodes in machine code, whose values stay in
 * registers. What other instructions read, but no later step, goes to a buffer of one piece's size,
 * so it stays in the first-level cache. An operand that is one row for all rows, or one number for each
 * row, is written out for a piece where rows are short, so that kernels are not called for each
 * row; where they are long, no piece crosses the end of a row. A chain of one instruction that needs
 * no buffers is one piece. */
#ifndef ERG_AUTOGRAD_PLAN_CHAIN_CODE_H
#define ERG_AUTOGRAD_PLAN_CHAIN_CODE_H

#include "../../tensor/formula.h"
#include "../../tensor/kernels.h"
#include "../plan.h"

enum { ERG_CHAIN_INPUTS = 3 }; /* of an instruction, at most */

enum {
    OPERAND,
    RESULT,
    NUMBER,
    LITERAL,
    ROW,        /* one row for all, and one number for each row, which formulas read */
    ROW_NUMBER, /* where they are */
    SAME_ROW,   /* the same, written out for kernels */
    NUMBER_A_ROW,
    BUFFER
};

/* Where an operand or a result of an instruction is. Small: a run of one sample spends much of its
 * time in finding out. */
typedef struct erg_chain_location {
    uint8_t kind;   /* of the above */
    uint8_t bytes;  /* of an element */
    int16_t index;  /* of the step's operand or result */
    int16_t buffer; /* of the last three; long rows are not written out */
    union {
        const void *literal;   /* a number that is known */
        erg_fill_kernel *fill; /* of NUMBER_A_ROW */
    } with;
} erg_chain_location;

typedef struct erg_chain_instruction {
    enum { UNARY, BINARY, SELECT, POLYGAMMA, DRAW, FORMULA } kind;
    union {
        erg_unary_kernel *unary;
        erg_binary_kernel *binary;
        erg_select_kernel *select;
        erg_polygamma_kernel *polygamma;
        const erg_formula_code *formula; /* its arrays are the locations */
    } kernel;
    const erg_node *node;
    int in[ERG_CHAIN_INPUTS], out; /* locations */
    int step[ERG_CHAIN_INPUTS];    /* 1, or 0 for one number */
} erg_chain_instruction;

typedef struct erg_chain {
    erg_chain_instruction *code;
    int length;
    erg_chain_location *locations;
    int count;
    int64_t row_size; /* of operands that are read by rows; else the number of elements */
    int64_t piece;    /* elements */
    bool long_rows;   /* longer than a piece should be, or one row: none is written out */
    size_t room;      /* bytes of a buffer, */
    size_t scratch;   /* and of all */
} erg_chain;

/* Runs a step whose detail is a chain (see plan.h). */
void erg_chain_part(const erg_step *step, const erg_work *work);

#endif

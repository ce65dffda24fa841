/* formula.h: elementwise formulas as machine code. Internal.
 *
 * A formula computes some arrays from others, element i from elements i. Done operation by operation,
 * each reads and writes arrays; as one loop, what lies between stays in registers. Which formulas a
 * plan needs is not known before it is compiled, so the loop is written then, as machine code. All
 * operations are exact or rounded as IEEE 754 says, so the bits are those of the kernels.
 *
 * There is machine code for the instruction sets of x86-64, see x86.h. Elsewhere, and where a system
 * lets no program write code, nothing can be compiled, and kernels do the work. */
#ifndef ERG_TENSOR_FORMULA_H
#define ERG_TENSOR_FORMULA_H

#include <stdbool.h>

#include "kernels.h"
#include "x86.h"

/* ------------------------------------------------------------------------------- pages */

/* Memory for code: it is written first, and sealed before it is called. */
typedef struct erg_code_pages {
    unsigned char *begin, *at, *end; /* NULL if there is none */
} erg_code_pages;

/* At least so many bytes; false, and no pages, if the system or the kernels do not allow it. */
bool erg_code_pages_open(erg_code_pages *pages, const erg_kernels *kernels, size_t bytes);
/* Gives back what was not written to. False if the system lets nothing be executed that a program
 * has written; the pages can then only be freed. */
bool erg_code_pages_seal(erg_code_pages *pages);
void erg_code_pages_free(erg_code_pages *pages);

/* ------------------------------------------------------------------------------- formulas */

/* One line of a formula; a, b, yes and no are lines before it. */
typedef struct erg_formula_line {
    enum {
        ERG_FORMULA_READ,   /* array number a, as `read` says */
        ERG_FORMULA_VECTOR, /* a op b; of a square root b alone counts */
        ERG_FORMULA_SELECT  /* predicate holds for a and b ? yes : no */
    } kind;
    erg_x86_read read;
    erg_x86_op op;
    erg_x86_predicate predicate;
    int a, b, yes, no;
} erg_formula_line;

/* Lines; arrays that are read or stored to element by element; numbers of arrays. */
enum { ERG_FORMULA_LINES = 192, ERG_FORMULA_ARRAYS = 64, ERG_FORMULA_REACH = 256 };

typedef struct erg_formula {
    erg_dtype dtype; /* of all arrays */
    int64_t row;     /* elements of a row, if anything is read by rows: a number of vectors */
    erg_formula_line lines[ERG_FORMULA_LINES];
    int n_lines;
    struct {
        int line, array;
    } stores[ERG_FORMULA_ARRAYS]; /* after all lines are done, to other numbers than are read; but
                                     two numbers may have one address */
    int n_stores;
} erg_formula;

typedef struct erg_formula_code {
    erg_x86_function *run;  /* for whole vectors */
    int64_t lanes, size;    /* elements of a vector, bytes of an element */
    int64_t row;            /* elements; 0: nothing is read by rows */
    int reach;              /* above all numbers of arrays */
    int n_arrays, n_stores; /* arrays of elements, those that are stored to last */
    int arrays[ERG_FORMULA_ARRAYS];
} erg_formula_code;

/* Elements of a vector; 0: there is no machine code. */
int64_t erg_formula_lanes(const erg_kernels *kernels, erg_dtype dtype);

/* False if the formula has too many lines, or needs more registers or bytes than there are. */
bool erg_formula_compile(const erg_formula *formula, const erg_kernels *kernels,
                         erg_code_pages *pages, erg_formula_code *code);
/* n elements from number `begin` on. at[] holds the arrays' addresses: of those with an element for
 * each, that of element `begin`; of others, that of the first. */
void erg_formula_run(const erg_formula_code *code, int64_t begin, int64_t n, void *const *at);

#endif

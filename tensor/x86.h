/* x86.h: the few instructions of x86-64 that formulas need, written as bytes. Internal to tensor/.
 *
 * Vectors are those of AVX-512 (EVEX prefix, 32 registers of 64 bytes) or of AVX2 (VEX prefix, 16 of
 * 32), their elements float or double. The encoding is that of the Intel 64 and IA-32 Architectures
 * Software Developer's Manual, volume 2, chapter 2. */
#ifndef ERG_TENSOR_X86_H
#define ERG_TENSOR_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ERG_X86_KEPT = 6 }; /* registers for addresses */

typedef struct erg_x86 {
    unsigned char *at, *end; /* where the next byte goes; none at or behind `end` is written, */
    bool full;               /* and this tells that one should have been */
    bool wide, is_double;    /* AVX-512; double */
    int kept[ERG_X86_KEPT];  /* arrays whose addresses have registers of their own */
    int n_kept;
} erg_x86;

/* Opcodes of the operations on two vectors, or one. */
typedef enum erg_x86_op {
    ERG_X86_AND = 0x54,
    ERG_X86_XOR = 0x57,
    ERG_X86_ADD = 0x58,
    ERG_X86_MUL = 0x59,
    ERG_X86_SUB = 0x5c,
    ERG_X86_MIN = 0x5d,
    ERG_X86_DIV = 0x5e,
    ERG_X86_MAX = 0x5f,
    ERG_X86_SQRT = 0x51
} erg_x86_op;

/* Predicates of comparisons: none of them traps. */
typedef enum erg_x86_predicate {
    ERG_X86_EQUAL = 0x00,
    ERG_X86_UNORDERED = 0x03,
    ERG_X86_NOT_EQUAL = 0x04,
    ERG_X86_LESS = 0x11,
    ERG_X86_LESS_EQUAL = 0x12
} erg_x86_predicate;

int erg_x86_registers(const erg_x86 *x);
size_t erg_x86_vector_bytes(const erg_x86 *x);

/* A function that goes through arrays vector by vector. Arrays have rows, of a whole number of
 * vectors; an element is at the same byte of its row as of an array that is one row for all, and a
 * third kind of array has one number for each row.
 *     bytes    to be done: a number of vectors, and not none
 *     at       the arrays
 *     row      bytes of a row
 *     unused   its register is the loop's own
 *     column   the byte of its row at which the first vector is
 *     number   the byte at which that row's number is */
typedef void erg_x86_function(int64_t bytes, void *const *at, int64_t row, int64_t unused,
                              int64_t column, int64_t number);

/* The function begins; the first of these arrays, as many as there are registers for, are found
 * faster than others. */
void erg_x86_begin(erg_x86 *x, const int *arrays, int count);
/* Between loop and end stands what is done for one vector; loop returns the place that end jumps
 * back to. Without `rows` there is one row, and the last three are not read. */
unsigned char *erg_x86_loop(erg_x86 *x);
void erg_x86_end(erg_x86 *x, const unsigned char *loop, bool rows);

/* How array at[index] is read: the present vector of it, or of one row, as a vector; the row's
 * number, or the first, in all elements. */
typedef enum erg_x86_read {
    ERG_X86_ARRAY,
    ERG_X86_ROW,
    ERG_X86_ROW_NUMBER,
    ERG_X86_NUMBER
} erg_x86_read;
void erg_x86_load(erg_x86 *x, erg_x86_read read, int r, int index);
/* The present vector of array at[index] <- r. */
void erg_x86_store(erg_x86 *x, int r, int index);

/* r <- a op b; of a square root b is the operand. */
void erg_x86_vector(erg_x86 *x, erg_x86_op op, int r, int a, int b);
/* r <- c holds for a and b ? yes : no. r may be none of the others. */
void erg_x86_select(erg_x86 *x, erg_x86_predicate c, int r, int a, int b, int yes, int no);

#endif

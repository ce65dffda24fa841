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

typedef struct erg_x86 {
    unsigned char *at, *end; /* where the next byte goes; none at or behind `end` is written, */
    bool full;               /* and this tells that one should have been */
    bool wide, is_double;    /* AVX-512; double */
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

/* A function void f(int64_t bytes, void *const *at) that goes through arrays vector by vector, from
 * byte 0 to `bytes`, of which there are a multiple of a vector's, and not none. Between begin and end
 * stands what is done for one vector; begin returns the place that end jumps back to. */
unsigned char *erg_x86_begin(erg_x86 *x);
void erg_x86_end(erg_x86 *x, const unsigned char *loop);

/* Vector register r <- the present vector of array at[index], and back; r <- at[index][0]. */
void erg_x86_load(erg_x86 *x, int r, int index);
void erg_x86_store(erg_x86 *x, int r, int index);
void erg_x86_broadcast(erg_x86 *x, int r, int index);

/* r <- a op b; of a square root b is the operand. */
void erg_x86_vector(erg_x86 *x, erg_x86_op op, int r, int a, int b);
/* r <- c holds for a and b ? yes : no. r may be none of the others. */
void erg_x86_select(erg_x86 *x, erg_x86_predicate c, int r, int a, int b, int yes, int no);

#endif

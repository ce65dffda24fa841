/* x86.c: machine code of x86-64, byte by byte (see x86.h).
 *
 * An instruction on vectors is a prefix, an opcode, and a byte that names two registers, or a register
 * and how an address is made. The prefix names a third register and holds the high bits of all
 * register numbers, inverted, and which table of opcodes is meant.
 *
 *     rdi   bytes     rdx   row      r9    number     rax   at[index], if no other register has it
 *     rsi   at        r8    column                    rcx   bytes done so far */
#include "x86.h"

enum { MAP_0F = 1, MAP_0F38 = 2, MAP_0F3A = 3 };

enum { RAX = 0, RCX = 1, RBX = 3, R8 = 8, R9, R10, R11, R12, R14 = 14, R15 };

/* Those that hold addresses throughout: two are free, the others are the caller's. (rbp and r13 are
 * left out, for as a base they are written in another way.) */
static const int holders[ERG_X86_KEPT] = {R10, R11, RBX, R12, R14, R15};
enum { FIRST_OF_CALLER = 2 };

int erg_x86_registers(const erg_x86 *x) {
    return x->wide ? 32 : 16;
}

size_t erg_x86_vector_bytes(const erg_x86 *x) {
    return x->wide ? 64 : 32;
}

static void put(erg_x86 *x, unsigned byte) {
    x->full |= x->at == x->end;
    if (!x->full)
        *x->at++ = (unsigned char)byte;
}

static void put_all(erg_x86 *x, const char *bytes, int n) {
    for (int i = 0; i < n; i++)
        put(x, (unsigned char)bytes[i]);
}

static void put_number(erg_x86 *x, int32_t number) {
    for (int i = 0; i < 32; i += 8)
        put(x, (uint32_t)number >> i & 0xff);
}

/* Bit i of a register's number, inverted. */
static unsigned bit(int r, int i) {
    return !(r >> i & 1);
}

enum { NONE = -1 };

/* In the place of a register: the memory at base + index, or at base alone. */
typedef struct address {
    int base, index;
} address;

typedef struct instruction {
    int map, opcode;
    bool size_66; /* the prefix for doubles, and for integers */
    bool w;       /* of AVX-512: the same for doubles */
    int r, a, b;  /* result, first operand (0 if there is none), second: a register, */
    address from; /* or, if it is NONE, memory */
    int mask;     /* of AVX-512: the mask register that chooses elements; 0: all */
} instruction;

/* The high bits of the second operand: two of a register, or one of an index and one of a base. */
static unsigned high_bits(const instruction *i) {
    if (i->b != NONE)
        return bit(i->b, 4) << 1 | bit(i->b, 3);
    return (i->from.index == NONE || bit(i->from.index, 3)) << 1 | bit(i->from.base, 3);
}

static void put_evex(erg_x86 *x, const instruction *i) {
    put(x, 0x62);
    put(x, bit(i->r, 3) << 7 | high_bits(i) << 5 | bit(i->r, 4) << 4 | (unsigned)i->map);
    put(x, (unsigned)i->w << 7 | (~(unsigned)i->a & 15) << 3 | 4 | i->size_66);
    put(x, 2 << 5 | bit(i->a, 4) << 3 | (unsigned)i->mask); /* 2: vectors of 64 bytes */
}

static void put_vex(erg_x86 *x, const instruction *i) {
    put(x, 0xc4);
    put(x, bit(i->r, 3) << 7 | high_bits(i) << 5 | (unsigned)i->map);
    put(x, (~(unsigned)i->a & 15) << 3 | 4 | i->size_66); /* 4: vectors of 32 bytes */
}

static void put_instruction(erg_x86 *x, instruction i) {
    if (x->wide)
        put_evex(x, &i);
    else
        put_vex(x, &i);
    put(x, (unsigned)i.opcode);
    unsigned r = (unsigned)(i.r & 7) << 3, base = (unsigned)(i.from.base & 7);
    if (i.b != NONE) {
        put(x, 0xc0 | r | (unsigned)(i.b & 7));
    } else if (i.from.index == NONE) {
        put(x, r | base);
    } else {
        put(x, r | 4);
        put(x, (unsigned)(i.from.index & 7) << 3 | base);
    }
}

/* An instruction for both types: those for doubles have another prefix. */
static void put_float(erg_x86 *x, int opcode, int r, int a, int b) {
    put_instruction(x, (instruction){.map = MAP_0F,
                                     .opcode = opcode,
                                     .size_66 = x->is_double,
                                     .w = x->is_double,
                                     .r = r,
                                     .a = a,
                                     .b = b});
}

/* ------------------------------------------------------------------------------- the loop */

/* A prefix for the high registers, then the opcode. */
static void put_push(erg_x86 *x, int r, bool pop) {
    if (r >= R8)
        put(x, 0x41);
    put(x, (pop ? 0x58u : 0x50u) | (unsigned)(r & 7));
}

/* r <- at[index] */
static void put_pointer(erg_x86 *x, int r, int index) {
    put(x, r >= R8 ? 0x4c : 0x48); /* mov r, [rsi + 8 index] */
    put(x, 0x8b);
    put(x, 0x80 | (unsigned)(r & 7) << 3 | 6);
    put_number(x, 8 * index);
}

void erg_x86_begin(erg_x86 *x, const int *arrays, int count) {
    put_all(x, "\xf3\x0f\x1e\xfa", 4); /* endbr64: where calls may arrive */
    x->n_kept = count < ERG_X86_KEPT ? count : ERG_X86_KEPT;
    for (int k = FIRST_OF_CALLER; k < x->n_kept; k++)
        put_push(x, holders[k], false);
    for (int k = 0; k < x->n_kept; k++) {
        x->kept[k] = arrays[k];
        put_pointer(x, holders[k], arrays[k]);
    }
}

unsigned char *erg_x86_loop(erg_x86 *x) {
    put_all(x, "\x31\xc9", 2); /* xor ecx, ecx */
    return x->at;
}

/* To the next column, or to the first of the next row. */
static void put_next_column(erg_x86 *x) {
    put_all(x, "\x49\x83\xc0", 3); /* add r8, bytes of a vector */
    put(x, (unsigned)erg_x86_vector_bytes(x));
    put_all(x, "\x49\x39\xd0\x72\x07", 5);     /* cmp r8, rdx; jb over the next two */
    put_all(x, "\x45\x31\xc0\x49\x83\xc1", 6); /* xor r8d, r8d; add r9, bytes of an element */
    put(x, x->is_double ? 8 : 4);
}

void erg_x86_end(erg_x86 *x, const unsigned char *loop, bool rows) {
    if (rows)
        put_next_column(x);
    put_all(x, "\x48\x83\xc1", 3); /* add rcx, bytes of a vector */
    put(x, (unsigned)erg_x86_vector_bytes(x));
    put_all(x, "\x48\x39\xf9\x0f\x8c", 5); /* cmp rcx, rdi; jl loop, counted from the next byte */
    put_number(x, (int32_t)(loop - x->at - 4));
    put_all(x, "\xc5\xf8\x77", 3); /* vzeroupper */
    for (int k = x->n_kept - 1; k >= FIRST_OF_CALLER; k--)
        put_push(x, holders[k], true);
    put(x, 0xc3); /* ret */
}

/* ------------------------------------------------------------------------------- memory */

/* The register with the address of an array: its own, or rax. */
static int find_array(erg_x86 *x, int index) {
    for (int k = 0; k < x->n_kept; k++)
        if (x->kept[k] == index)
            return holders[k];
    put_pointer(x, RAX, index);
    return RAX;
}

/* vmovup: a vector from memory or to it. */
static void put_move(erg_x86 *x, int opcode, int r, address where) {
    put_instruction(x, (instruction){.map = MAP_0F,
                                     .opcode = opcode,
                                     .size_66 = x->is_double,
                                     .w = x->is_double,
                                     .r = r,
                                     .b = NONE,
                                     .from = where});
}

void erg_x86_load(erg_x86 *x, erg_x86_read read, int r, int index) {
    if (read == ERG_X86_ARRAY || read == ERG_X86_ROW) {
        address from = {find_array(x, index), read == ERG_X86_ARRAY ? RCX : R8};
        put_move(x, 0x10, r, from);
        return;
    }
    put_pointer(x, RAX, index);
    put_instruction(x, (instruction){.map = MAP_0F38,
                                     .opcode = x->is_double ? 0x19 : 0x18, /* vbroadcasts */
                                     .size_66 = true,
                                     .w = x->is_double,
                                     .r = r,
                                     .b = NONE,
                                     .from = {RAX, read == ERG_X86_ROW_NUMBER ? R9 : NONE}});
}

void erg_x86_store(erg_x86 *x, int r, int index) {
    put_move(x, 0x11, r, (address){find_array(x, index), RCX});
}

/* ------------------------------------------------------------------------------- arithmetic */

void erg_x86_vector(erg_x86 *x, erg_x86_op op, int r, int a, int b) {
    put_float(x, (int)op, r, op == ERG_X86_SQRT ? 0 : a, b);
}

void erg_x86_select(erg_x86 *x, erg_x86_predicate c, int r, int a, int b, int yes, int no) {
    const int compare = 0xc2, mask = 1;
    put_float(x, compare, x->wide ? mask : r, a, b); /* to mask register 1, or to all bits of r */
    put(x, (unsigned)c);
    instruction blend = {.size_66 = true, .w = x->is_double, .r = r, .a = no, .b = yes};
    blend.map = x->wide ? MAP_0F38 : MAP_0F3A;
    blend.opcode = x->wide ? 0x65 : x->is_double ? 0x4b : 0x4a; /* vblendm, vblendv */
    blend.mask = x->wide ? mask : 0;
    put_instruction(x, blend);
    if (!x->wide)
        put(x, (unsigned)r << 4); /* the mask's register */
}

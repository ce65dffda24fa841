/* inflate.c: what deflate packed, unpacked (RFC 1951). A stream is a sequence of blocks of symbols:
 * bytes, and pairs (length, distance) that repeat what came out before. Frequent symbols have short
 * codes. A table for all continuations of the stream, as many bits as the longest code, gives the
 * next symbol and the length of its code at once. */
#include "inflate.h"

#include <stdlib.h>
#include <string.h>

#include "scan.h"

#define MAX_CODE_BITS 15
#define END_OF_BLOCK 256
#define LITERALS 286
#define DISTANCES 30
/* The fixed code also numbers symbols that never occur. */
#define FIXED_LITERALS 288
#define FIXED_DISTANCES 32

typedef struct code {
    int bits;                           /* of the longest */
    uint16_t entry[1 << MAX_CODE_BITS]; /* symbol << 4 | length of its code; 0: no code */
} code;

typedef struct inflater {
    const uint8_t *at, *end;
    uint64_t pending; /* `count` bits, the next one lowest */
    int count;
    uint8_t *start, *out, *limit;
    code literals, distances;
} inflater;

/* ------------------------------------------------------------------------------- bits */

/* The next bits; behind the end of the stream they are zeros. */
static uint32_t peek(inflater *f, int count) {
    while (f->count <= 56 && f->at < f->end) {
        f->pending |= (uint64_t)*f->at++ << f->count;
        f->count += 8;
    }
    return (uint32_t)(f->pending & (((uint64_t)1 << count) - 1));
}

/* Takes bits that were seen. 0 if the stream has ended before. */
static int drop(inflater *f, int count) {
    if (count > f->count) {
        return 0;
    }
    f->pending >>= count;
    f->count -= count;
    return 1;
}

static int take(inflater *f, int count, uint32_t *bits) {
    *bits = peek(f, count);
    return drop(f, count);
}

/* The next symbol, or -1. */
static int decode(inflater *f, const code *c) {
    uint16_t entry = c->entry[peek(f, c->bits)];
    return entry != 0 && drop(f, entry & 15) ? entry >> 4 : -1;
}

/* ------------------------------------------------------------------------------- codes */

/* Codes of equal length are consecutive numbers; next[] gets the first of each length (3.2.2). 0 if
 * the lengths make no code: every continuation of the stream must mean something, unless there is at
 * most one code, of one bit. */
static int first_codes(code *c, const uint8_t *lengths, int count,
                       uint32_t next[MAX_CODE_BITS + 1]) {
    uint32_t of_length[MAX_CODE_BITS + 1] = {0}, word = 0;
    int free_codes = 1, symbols = 0;
    for (int i = 0; i < count; i++) {
        of_length[lengths[i]] += lengths[i] > 0;
        symbols += lengths[i] > 0;
    }
    c->bits = 1;
    for (int length = 1; length <= MAX_CODE_BITS; length++) {
        word = (word + of_length[length - 1]) << 1;
        next[length] = word;
        free_codes = 2 * free_codes - (int)of_length[length];
        c->bits = of_length[length] > 0 ? length : c->bits;
        if (free_codes < 0) {
            return 0;
        }
    }
    return free_codes == 0 || (symbols <= 1 && c->bits == 1);
}

/* The order in which the stream has the bits of a code: highest first. */
static uint32_t reverse(uint32_t word, int length) {
    uint32_t reversed = 0;
    for (int bit = 0; bit < length; bit++) {
        reversed |= (word >> bit & 1) << (length - 1 - bit);
    }
    return reversed;
}

/* Makes the table for codes of these lengths, 0 for symbols that do not occur. 0 if there is no such
 * code. */
static int build(code *c, const uint8_t *lengths, int count) {
    uint32_t next[MAX_CODE_BITS + 1];
    if (!first_codes(c, lengths, count, next)) {
        return 0;
    }
    memset(c->entry, 0, sizeof(*c->entry) << c->bits);
    for (int i = 0; i < count; i++) {
        int length = lengths[i];
        uint32_t k = length > 0 ? reverse(next[length]++, length) : UINT32_MAX;
        for (; k < 1u << c->bits; k += 1u << length) {
            c->entry[k] = (uint16_t)(i << 4 | length);
        }
    }
    return 1;
}

static void build_fixed(inflater *f) {
    uint8_t lengths[FIXED_LITERALS];
    for (int i = 0; i < FIXED_LITERALS; i++) {
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    }
    build(&f->literals, lengths, FIXED_LITERALS);
    memset(lengths, 5, FIXED_DISTANCES);
    build(&f->distances, lengths, FIXED_DISTANCES);
}

/* The lengths of both codes are one sequence, with repeats, itself in a code (3.2.7). */
static const char *read_lengths(inflater *f, uint8_t *lengths, int count) {
    for (int i = 0; i < count;) {
        int symbol = decode(f, &f->literals);
        uint32_t more = 0;
        if (symbol < 0 || (symbol == 16 && i == 0)) {
            return "the packed data hold a symbol that means nothing";
        }
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        int extra = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
        if (!take(f, extra, &more)) {
            return "the packed data end too early";
        }
        int repeat = (symbol == 18 ? 11 : 3) + (int)more;
        if (repeat > count - i) {
            return "the packed data hold too many code lengths";
        }
        memset(lengths + i, symbol == 16 ? lengths[i - 1] : 0, (size_t)repeat);
        i += repeat;
    }
    return NULL;
}

static const char *read_codes(inflater *f) {
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + DISTANCES] = {0}, of_lengths[19] = {0};
    uint32_t literals, distances, count, length;
    if (!take(f, 5, &literals) || !take(f, 5, &distances) || !take(f, 4, &count)) {
        return "the packed data end too early";
    }
    literals += 257;
    distances += 1;
    if (literals > LITERALS || distances > DISTANCES) {
        return "the packed data hold too many code lengths";
    }
    for (uint32_t i = 0; i < count + 4; i++) {
        if (!take(f, 3, &length)) {
            return "the packed data end too early";
        }
        of_lengths[order[i]] = (uint8_t)length;
    }
    if (!build(&f->literals, of_lengths, 19)) {
        return "the packed data hold an impossible code";
    }
    const char *problem = read_lengths(f, lengths, (int)(literals + distances));
    if (problem != NULL) {
        return problem;
    }
    int good = lengths[END_OF_BLOCK] > 0 && build(&f->literals, lengths, (int)literals) &&
               build(&f->distances, lengths + literals, (int)distances);
    return good ? NULL : "the packed data hold an impossible code";
}

/* ------------------------------------------------------------------------------- blocks */

/* Lengths and distances are cut into bins that grow: `group` bins of each number of extra bits,
 * after 2 group bins of none. The value is the bin's start plus the extra bits. 0 if these are not
 * there. */
static int read_value(inflater *f, int bin, int group, size_t *value) {
    int extra = bin < 2 * group ? 0 : bin / group - 1;
    uint32_t bits;
    *value = bin < 2 * group ? (size_t)bin : (size_t)(group + bin % group) << extra;
    if (!take(f, extra, &bits)) {
        return 0;
    }
    *value += bits;
    return 1;
}

/* Repeats what came out before: after a symbol for a length comes one for the distance. */
static const char *repeat(inflater *f, int symbol) {
    size_t length = 255, distance; /* the greatest, 258, is a bin of its own */
    int good = symbol == 285 || (symbol < 285 && read_value(f, symbol - 257, 4, &length));
    int bin = good ? decode(f, &f->distances) : -1;
    if (bin < 0 || bin >= DISTANCES || !read_value(f, bin, 2, &distance)) {
        return "the packed data hold a symbol that means nothing";
    }
    length += 3;
    distance += 1;
    if (distance > (size_t)(f->out - f->start) || length > (size_t)(f->limit - f->out)) {
        return "the packed data repeat what is not there, or unpack to more than was announced";
    }
    for (const uint8_t *from = f->out - distance; length > 0; length--) {
        *f->out++ = *from++; /* may overlap: a short piece repeated */
    }
    return NULL;
}

static const char *read_symbols(inflater *f) {
    for (;;) {
        int symbol = decode(f, &f->literals);
        if (symbol == END_OF_BLOCK) {
            return NULL;
        }
        if (symbol < 0) {
            return "the packed data hold a symbol that means nothing";
        }
        if (symbol > END_OF_BLOCK) {
            const char *problem = repeat(f, symbol);
            if (problem != NULL) {
                return problem;
            }
        } else if (f->out == f->limit) {
            return "the data unpack to more than was announced";
        } else {
            *f->out++ = (uint8_t)symbol;
        }
    }
}

/* A block that is not packed: from the next whole byte on, its length, the same inverted, bytes. */
static const char *copy_stored(inflater *f) {
    uint32_t length, inverted;
    drop(f, f->count % 8);
    if (!take(f, 16, &length) || !take(f, 16, &inverted) || length != (inverted ^ 0xffff)) {
        return "a block that is not packed has no length";
    }
    f->at -= f->count / 8; /* whole bytes go back */
    f->pending = 0;
    f->count = 0;
    if (length > (size_t)(f->end - f->at) || length > (size_t)(f->limit - f->out)) {
        return "a block that is not packed is too long";
    }
    memcpy(f->out, f->at, length);
    f->at += length;
    f->out += length;
    return NULL;
}

static const char *read_block(inflater *f, int *last) {
    uint32_t final, kind;
    if (!take(f, 1, &final) || !take(f, 2, &kind)) {
        return "the packed data end too early";
    }
    *last = (int) final;
    if (kind == 0) {
        return copy_stored(f);
    }
    if (kind == 3) {
        return "the packed data hold a block of an unknown kind";
    }
    if (kind == 2) {
        const char *problem = read_codes(f);
        return problem != NULL ? problem : read_symbols(f);
    }
    build_fixed(f);
    return read_symbols(f);
}

const char *erg_inflate(const uint8_t *bytes, size_t size, uint8_t *out, size_t out_size,
                        size_t *used) {
    inflater *f = malloc(sizeof(*f));
    if (f == NULL) {
        return erg_no_memory;
    }
    f->at = bytes;
    f->end = bytes + size;
    f->pending = 0;
    f->count = 0;
    f->start = f->out = out;
    f->limit = out + out_size;
    const char *problem = NULL;
    for (int last = 0; problem == NULL && !last;) {
        problem = read_block(f, &last);
    }
    if (problem == NULL && f->out != f->limit) {
        problem = "the data unpack to less than was announced";
    }
    *used = size - (size_t)(f->end - f->at) - (size_t)(f->count / 8);
    free(f);
    return problem;
}

/* deflate.c: lossless compression (RFC 1950 and 1951): LZ77 with the fixed Huffman code.
 *
 * Text that occurred before, at most 32768 bytes ago, becomes a pair (length, distance); other
 * bytes stand for themselves. Frequent symbols have short codes. The fixed code needs no table in
 * the stream; pictures of plots, mostly repeats, lose little by it. */
#include "deflate.h"

#include <stdlib.h>
#include <string.h>

#include "checksum.h"

#define WINDOW 32768
#define MIN_MATCH 3
#define MAX_MATCH 258
#define HASH_BITS 15
/* How many earlier places are compared: more compresses better and slower. */
#define MAX_CANDIDATES 64
#define END_OF_BLOCK 256

/* ------------------------------------------------------------------------------- bits and codes */

typedef struct bit_writer {
    uint8_t *out;
    uint32_t pending; /* fewer than 8 bits between calls; the lowest is the first to go */
    int count;
} bit_writer;

static void put_bits(bit_writer *w, uint32_t bits, int count) {
    w->pending |= bits << w->count;
    w->count += count;
    while (w->count >= 8) {
        *w->out++ = (uint8_t)w->pending;
        w->pending >>= 8;
        w->count -= 8;
    }
}

/* Codes go highest bit first, unlike all other numbers in the stream. */
static void put_code(bit_writer *w, int code, int length) {
    while (length-- > 0) {
        put_bits(w, code >> length & 1, 1);
    }
}

/* The fixed code of a byte, of END_OF_BLOCK or of a length (RFC 1951, 3.2.6). */
static void put_symbol(bit_writer *w, int symbol) {
    if (symbol < 144) {
        put_code(w, 0x30 + symbol, 8);
    } else if (symbol < 256) {
        put_code(w, 0x190 + symbol - 144, 9);
    } else if (symbol < 280) {
        put_code(w, symbol - 256, 7);
    } else {
        put_code(w, 0xc0 + symbol - 280, 8);
    }
}

/* Lengths and distances are cut into bins that grow: `group` bins of each number of extra bits,
 * after 2 group bins of none. Finds the bin of a value and its place in it. */
static int find_bin(uint32_t value, int group, int *extra_bits, uint32_t *place) {
    for (int bin = 0;; bin++) {
        int bits = bin < 2 * group ? 0 : bin / group - 1;
        if (value < 1u << bits) {
            *extra_bits = bits;
            *place = value;
            return bin;
        }
        value -= 1u << bits;
    }
}

static void put_match(bit_writer *w, size_t length, size_t distance) {
    int extra_bits;
    uint32_t place;
    if (length == MAX_MATCH) {
        put_symbol(w, 285); /* a bin of its own, although bin 284 reaches so far */
    } else {
        put_symbol(w, 257 + find_bin((uint32_t)length - MIN_MATCH, 4, &extra_bits, &place));
        put_bits(w, place, extra_bits);
    }
    put_code(w, find_bin((uint32_t)distance - 1, 2, &extra_bits, &place), 5);
    put_bits(w, place, extra_bits);
}

/* ------------------------------------------------------------------------------- matches */

/* Where three bytes occurred before: newest[hash] is the last position, older[position % WINDOW]
 * the one before it with the same hash. Positions count from 1; 0 is none. */
typedef struct history {
    size_t newest[1 << HASH_BITS];
    size_t older[WINDOW];
} history;

static uint32_t hash(const uint8_t *bytes) {
    uint32_t three = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
    return three * 2654435761u >> (32 - HASH_BITS); /* Knuth's multiplicative hash */
}

static void remember(history *h, const uint8_t *bytes, size_t size, size_t at) {
    if (size - at >= MIN_MATCH) {
        size_t *newest = &h->newest[hash(bytes + at)];
        h->older[(at + 1) % WINDOW] = *newest;
        *newest = at + 1;
    }
}

static size_t common_length(const uint8_t *a, const uint8_t *b, size_t limit) {
    size_t length = 0;
    while (length < limit && a[length] == b[length]) {
        length++;
    }
    return length;
}

/* The longest earlier text that continues as the text at `at`, the nearest of equals. 0 if it has
 * fewer than MIN_MATCH bytes. */
static size_t find_match(const history *h, const uint8_t *bytes, size_t size, size_t at,
                         size_t *distance) {
    size_t limit = size - at < MAX_MATCH ? size - at : MAX_MATCH;
    size_t best = MIN_MATCH - 1;
    if (limit < MIN_MATCH) {
        return 0;
    }
    size_t candidate = h->newest[hash(bytes + at)];
    for (int tried = 0; tried < MAX_CANDIDATES && candidate > 0 && best < limit; tried++) {
        size_t from = candidate - 1;
        if (at - from > WINDOW) {
            break;
        }
        size_t length = common_length(bytes + from, bytes + at, limit);
        if (length > best) {
            best = length;
            *distance = at - from;
        }
        candidate = h->older[candidate % WINDOW];
    }
    return best < MIN_MATCH ? 0 : best;
}

/* ------------------------------------------------------------------------------- the stream */

/* Two bytes of head, three bits of block head, at most nine bits a byte (a match of three bytes
 * has at most 25 bits), seven bits of end, four bytes of checksum. */
size_t erg_zlib_bound(size_t size) {
    return size + size / 8 + 9;
}

static void put_block(bit_writer *w, history *h, const uint8_t *bytes, size_t size) {
    put_bits(w, 1, 1); /* the last block */
    put_bits(w, 1, 2); /* fixed code */
    for (size_t at = 0; at < size;) {
        size_t distance = 0;
        size_t length = find_match(h, bytes, size, at, &distance);
        if (length > 0) {
            put_match(w, length, distance);
        } else {
            put_symbol(w, bytes[at]);
            length = 1;
        }
        for (size_t end = at + length; at < end; at++) {
            remember(h, bytes, size, at);
        }
    }
    put_symbol(w, END_OF_BLOCK);
    put_bits(w, 0, (8 - w->count) % 8);
}

size_t erg_zlib_compress(const uint8_t *bytes, size_t size, uint8_t *out) {
    history *h = calloc(1, sizeof(*h));
    if (h == NULL) {
        return 0;
    }
    /* Deflate with a window of 2^15; the two bytes are, as they must be, a multiple of 31. */
    out[0] = 0x78;
    out[1] = 0x01;
    bit_writer w = {.out = out + 2};
    put_block(&w, h, bytes, size);
    free(h);
    uint32_t check = erg_adler32(bytes, size);
    for (int shift = 24; shift >= 0; shift -= 8) {
        *w.out++ = (uint8_t)(check >> shift);
    }
    return (size_t)(w.out - out);
}

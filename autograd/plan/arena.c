/* arena.c: best fit with coalescing (Knuth 1997, "The Art of Computer Programming", 2.5), without
 * the memory itself: only offsets are planned.
 *
 * Ranges are linked in the order of their offsets, so that a free one finds free neighbours to
 * merge with. Free ranges are also in a treap (Seidel & Aragon 1996), a search tree by size that
 * random priorities keep balanced: taking and giving cost O(log n). */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>

enum { ALIGNMENT = 64 };

typedef struct erg_range {
    size_t offset, size;
    int before, after; /* neighbours */
    int left, right;   /* in the tree */
    bool is_free;
} range;

bool erg_arena_init(erg_arena *arena, int takes) {
    *arena = (erg_arena){.most = takes + 1}; /* a take makes one range at most */
    arena->ranges = calloc((size_t)arena->most, sizeof *arena->ranges);
    return arena->ranges != NULL;
}

void erg_arena_free(erg_arena *arena) {
    free(arena->ranges);
}

size_t erg_arena_offset(const erg_arena *arena, int number) {
    return arena->ranges[number].offset;
}

/* ------------------------------------------------------------------------------- the tree */

/* As good as random (the finaliser of MurmurHash3). */
static uint32_t priority(int number) {
    uint32_t h = (uint32_t)number;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h ^ h >> 16;
}

/* By size; equal sizes by number. */
static bool is_before(const range *ranges, int a, int b) {
    if (ranges[a].size != ranges[b].size)
        return ranges[a].size < ranges[b].size;
    return a < b;
}

static void insert(erg_arena *arena, int number) {
    range *ranges = arena->ranges;
    int *link = &arena->free;
    while (*link && priority(*link) > priority(number))
        link = is_before(ranges, *link, number) ? &ranges[*link].right : &ranges[*link].left;
    int below = *link;
    *link = number;
    int *smaller = &ranges[number].left, *larger = &ranges[number].right;
    while (below) { /* cut what is below into two trees */
        if (is_before(ranges, below, number)) {
            *smaller = below;
            smaller = &ranges[below].right;
            below = *smaller;
        } else {
            *larger = below;
            larger = &ranges[below].left;
            below = *larger;
        }
    }
    *smaller = *larger = 0;
}

static void erase(erg_arena *arena, int number) {
    range *ranges = arena->ranges;
    int *link = &arena->free;
    while (*link != number)
        link = is_before(ranges, *link, number) ? &ranges[*link].right : &ranges[*link].left;
    int left = ranges[number].left, right = ranges[number].right;
    while (left && right) { /* join the two trees */
        if (priority(left) > priority(right)) {
            *link = left;
            link = &ranges[left].right;
            left = *link;
        } else {
            *link = right;
            link = &ranges[right].left;
            right = *link;
        }
    }
    *link = left ? left : right;
}

/* The smallest free range that is large enough, or 0. */
static int best_fit(const erg_arena *arena, size_t size) {
    int best = 0;
    for (int at = arena->free; at;) {
        bool fits = arena->ranges[at].size >= size;
        best = fits ? at : best;
        at = fits ? arena->ranges[at].left : arena->ranges[at].right;
    }
    return best;
}

/* ------------------------------------------------------------------------------- ranges */

static void link_pair(erg_arena *arena, int before, int after) {
    if (before)
        arena->ranges[before].after = after;
    if (after)
        arena->ranges[after].before = before;
    else
        arena->last = before;
}

/* A new range between two neighbours. */
static int add(erg_arena *arena, int before, int after, size_t offset, size_t size) {
    int number = ++arena->count;
    arena->ranges[number] = (range){.offset = offset, .size = size};
    link_pair(arena, before, number);
    link_pair(arena, number, after);
    return number;
}

static void grow(erg_arena *arena, size_t bytes) {
    if (__builtin_add_overflow(arena->size, bytes, &arena->size))
        arena->size = SIZE_MAX;
}

/* The end of the arena, moved as far as needed. */
static int take_end(erg_arena *arena, size_t size) {
    int last = arena->last;
    if (last && arena->ranges[last].is_free) {
        erase(arena, last);
        grow(arena, size - arena->ranges[last].size);
        arena->ranges[last].size = size;
        return last;
    }
    size_t offset = arena->size;
    grow(arena, size);
    return add(arena, last, 0, offset, size);
}

int erg_arena_take(erg_arena *arena, size_t bytes) {
    size_t size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    int number = best_fit(arena, size);
    if (number) {
        range *r = &arena->ranges[number];
        erase(arena, number);
        if (r->size > size) {
            int rest = add(arena, number, r->after, r->offset + size, r->size - size);
            r->size = size;
            arena->ranges[rest].is_free = true;
            insert(arena, rest);
        }
    } else {
        number = take_end(arena, size);
    }
    arena->ranges[number].is_free = false;
    return number;
}

/* Adds the range after `number` to it. */
static void absorb(erg_arena *arena, int number) {
    int next = arena->ranges[number].after;
    arena->ranges[number].size += arena->ranges[next].size;
    link_pair(arena, number, arena->ranges[next].after);
}

void erg_arena_give(erg_arena *arena, int number) {
    int after = arena->ranges[number].after, before = arena->ranges[number].before;
    if (after && arena->ranges[after].is_free) {
        erase(arena, after);
        absorb(arena, number);
    }
    if (before && arena->ranges[before].is_free) {
        erase(arena, before);
        absorb(arena, before);
        number = before;
    }
    arena->ranges[number].is_free = true;
    insert(arena, number);
}

/* arena.h: places in one block of memory, planned ahead. Internal to plan/. */
#ifndef ERG_AUTOGRAD_PLAN_ARENA_H
#define ERG_AUTOGRAD_PLAN_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct erg_arena {
    struct erg_range *ranges; /* in use and free; number 0 is none */
    int count, most;
    int last;    /* the one that ends the arena */
    int free;    /* root of the tree of free ones */
    size_t size; /* of the arena; SIZE_MAX once it has become too large */
} erg_arena;

/* Prepares for so many calls of take; false if memory is short. */
bool erg_arena_init(erg_arena *arena, int takes);
void erg_arena_free(erg_arena *arena);
/* The number of a range of at least that many bytes, 64-byte aligned. */
int erg_arena_take(erg_arena *arena, size_t bytes);
void erg_arena_give(erg_arena *arena, int range);
size_t erg_arena_offset(const erg_arena *arena, int range);

#endif

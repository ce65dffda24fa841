/* tile.c: how many rows of a region are a tile: as many as keep their values in the second-level
 * cache, and an equal share for each thread. */
#include "schedule.h"

/* Second-level caches have 512 KiB or more; half of that is for what all rows read. But a product
 * reads a whole matrix for each tile, and each call of a kernel takes some time to start: lower
 * tiles than these cost more than caches give. So do tiles for one thread of a batch that nearly
 * fits as it is. */
enum { TILE_BYTES = 64 * 1024, LOWEST_TILE = 16, BATCH_BYTES = 64 * 1024 };

/* Tiles begin where rows of every dtype are aligned as whole vectors are. */
enum { MULTIPLE = 8 };

static int64_t divide_up(int64_t a, int64_t b) {
    return a / b + (a % b != 0);
}

/* How many threads the region's work would keep busy. */
static double useful_threads(const erg_phase *region, const erg_step *steps) {
    double threads = 0;
    for (int i = region->first; i < region->first + region->count; i++)
        threads += (double)steps[i].items / (double)steps[i].grain;
    return threads;
}

static bool is_worth_it(const erg_schedule *schedule, const erg_phase *region, double bytes,
                        int64_t parts) {
    if (region->tile >= region->rows || schedule->small_tiles)
        return region->tile < region->rows;
    return region->count > 1 && (parts > 1 || bytes > BATCH_BYTES);
}

void erg_choose_tile(const erg_schedule *schedule, erg_phase *region, size_t bytes_to_a_row,
                     const erg_step *steps) {
    double useful = useful_threads(region, steps);
    int64_t parts = useful < schedule->threads ? (int64_t)useful : schedule->threads;
    int64_t most = (int64_t)(TILE_BYTES / bytes_to_a_row);
    most = most < LOWEST_TILE ? LOWEST_TILE : most;
    if (schedule->small_tiles) {
        most = MULTIPLE;
        parts = schedule->threads;
    }
    parts = parts < 1 ? 1 : parts;
    int64_t tiles = divide_up(divide_up(region->rows, most), parts) * parts;
    region->tile = divide_up(divide_up(region->rows, tiles), MULTIPLE) * MULTIPLE;
    region->grain = divide_up(divide_up(region->rows, region->tile), parts);
    if (!is_worth_it(schedule, region, (double)bytes_to_a_row * (double)region->rows, parts))
        region->rows = 0;
}

/* tile.c: how many rows of a region are a tile: as many as keep their values in the second-level
 * cache, and an equal share for each thread. */
#include "schedule.h"

/* Second-level caches have 512 KiB or more, most of which is for what all rows read. But a product
 * reads a whole matrix for each tile, and each call of a kernel takes some time to start: tiles of
 * few rows cost more than caches give, unless rows are as large as those of images. */
enum { TILE_BYTES = 256 * 1024, FEW_ROWS = 32 };

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

static double bytes_of(const erg_node *node) {
    return (double)erg_shape_size(node->shape) * (double)erg_dtype_size(node->dtype);
}

/* So many rows that a tile writes as much as what all rows read, FEW_ROWS at most. */
static int64_t lowest_tile(const erg_phase *region, const erg_step *steps) {
    double read = 0, written = 1;
    for (int i = region->first; i < region->first + region->count; i++) {
        const erg_step *step = &steps[i];
        for (int k = 0; k < step->n_out; k++)
            written += bytes_of(step->result_nodes[k]) / (double)region->rows;
        for (int k = 0; k < step->n_in; k++) {
            const erg_node *node = step->reads[k].node;
            if (node->n_in && erg_operand_row(node, step->reads[k].k) == 0)
                read += bytes_of(erg_view_operand(node, step->reads[k].k).source);
        }
    }
    return read / written < FEW_ROWS ? (int64_t)(read / written) : FEW_ROWS;
}

static bool is_worth_it(const erg_schedule *schedule, const erg_phase *region, double bytes,
                        int64_t parts) {
    if (region->tile >= region->rows || schedule->small_tiles)
        return region->tile < region->rows;
    return region->count > 1 && (parts > 1 || bytes > TILE_BYTES);
}

void erg_choose_tile(const erg_schedule *schedule, erg_phase *region, size_t bytes_to_a_row,
                     const erg_step *steps) {
    double useful = useful_threads(region, steps);
    int64_t parts = useful < schedule->threads ? (int64_t)useful : schedule->threads;
    int64_t most = (int64_t)(TILE_BYTES / bytes_to_a_row), least = lowest_tile(region, steps);
    most = most < least ? least : most;
    if (schedule->small_tiles || most < MULTIPLE)
        most = MULTIPLE;
    if (schedule->small_tiles)
        parts = schedule->threads;
    parts = parts < 1 ? 1 : parts;
    int64_t tiles = divide_up(divide_up(region->rows, most), parts) * parts;
    region->tile = divide_up(divide_up(region->rows, tiles), MULTIPLE) * MULTIPLE;
    region->grain = divide_up(region->rows, region->tile) / (parts + 1) + 1; /* at most `parts` */
    if (!is_worth_it(schedule, region, (double)bytes_to_a_row * (double)region->rows, parts))
        region->rows = 0;
}

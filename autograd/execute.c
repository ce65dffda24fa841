/* execute.c: runs a plan: its phases in order, then the stores of assigned leaves, then one more on
 * the graph's run counter, from which random nodes draw. It allocates nothing and has nothing left
 * to check.
 *
 * A region goes tile by tile: rows [first, first + tile) through all its steps, and through all
 * runs if the plan loops, before the next tile. Threads have tiles of their own and meet only at
 * the end. Nobody's numbers depend on where tiles begin, so the bits are those of whole arrays. */
#include <string.h>

#include "../tensor/threads.h"
#include "plan.h"

static bool is_watched(const erg_plan *plan) {
    return plan->check_finite || plan->timed;
}

/* ------------------------------------------------------------------------------- whole steps */

typedef struct whole_step {
    const erg_plan *plan;
    const erg_step *step;
    uint64_t run;
} whole_step;

static void step_range(void *ctx, int64_t begin, int64_t end, int thread) {
    const whole_step *whole = ctx;
    const erg_step *step = whole->step;
    erg_work work = {.in = step->in,
                     .results = step->results,
                     .out = step->results[0],
                     .begin = begin,
                     .end = end,
                     .slot = thread,
                     .scratch = whole->plan->scratch + (size_t)thread * whole->plan->scratch_size,
                     .run = whole->run};
    step->part(step, &work);
}

static void run_step(const erg_plan *plan, const erg_step *step, uint64_t run) {
    whole_step whole = {plan, step, run};
    if (step->items <= step->grain)
        step_range(&whole, 0, step->items, 0);
    else
        erg_parallel_for(step->items, step->grain, step_range, &whole);
    if (step->finish)
        step->finish(step);
}

static void run_steps(erg_plan *plan, const erg_phase *phase, uint64_t run) {
    for (int i = phase->first; i < phase->first + phase->count; i++) {
        erg_step *step = &plan->steps[i];
        double start = is_watched(plan) ? erg_watch_begin() : 0;
        run_step(plan, step, run);
        if (is_watched(plan))
            erg_watch_end(plan, step, start, step->results, 0, run, true);
    }
}

/* ------------------------------------------------------------------------------- side by side */

typedef struct level {
    const erg_plan *plan;
    const erg_phase *phase;
    uint64_t run;
} level;

/* Work begin .. end of what the steps have together: of each step the items in proportion. */
static void level_range(void *ctx, int64_t begin, int64_t end, int thread) {
    const level *l = ctx;
    const erg_step *step = &l->plan->steps[l->phase->first];
    for (int64_t at = 0; at < end; at += step->work, step++) {
        if (at + step->work <= begin)
            continue;
        double share = (double)step->items / (double)step->work;
        int64_t from = begin <= at ? 0 : (int64_t)(share * (double)(begin - at));
        int64_t to = end >= at + step->work ? step->items : (int64_t)(share * (double)(end - at));
        whole_step whole = {l->plan, step, l->run};
        if (from < to)
            step_range(&whole, from, to, thread);
    }
}

static void run_level(const erg_plan *plan, const erg_phase *phase, uint64_t run) {
    level l = {plan, phase, run};
    int64_t work = 0, grain;
    for (int i = phase->first; i < phase->first + phase->count; i++)
        work += plan->steps[i].work;
    grain = work / (plan->threads + 1) + 1; /* at most as many ranges as threads */
    erg_parallel_for(work, grain < ERG_SHARES ? ERG_SHARES : grain, level_range, &l);
    for (int i = phase->first; i < phase->first + phase->count; i++)
        if (plan->steps[i].finish)
            plan->steps[i].finish(&plan->steps[i]);
}

/* ------------------------------------------------------------------------------- regions */

typedef struct region {
    erg_plan *plan;
    const erg_phase *phase;
    uint64_t run; /* the first */
    int64_t runs;
} region;

typedef struct tile {
    int64_t first, rows;
    int slot;
} tile;

static void *place_of(erg_place place, tile t) {
    return place.data + (size_t)t.first * place.per_row + (size_t)t.slot * place.per_slot;
}

static void run_on_tile(const region *r, erg_step *step, tile t, uint64_t run) {
    const void *in[ERG_STEP_OPERANDS];
    void *results[ERG_STEP_OPERANDS];
    for (int k = 0; k < step->n_in; k++)
        in[k] = place_of(step->places[k], t);
    for (int k = 0; k < step->n_out; k++)
        results[k] = place_of(step->places[step->n_in + k], t);
    erg_work work = {.in = in,
                     .results = results,
                     .out = results[0],
                     .end = t.rows * step->row_items,
                     .origin = t.first * step->row_items,
                     .slot = t.slot,
                     .scratch = r->plan->scratch + (size_t)t.slot * r->plan->scratch_size,
                     .run = run};
    double start = is_watched(r->plan) ? erg_watch_begin() : 0;
    step->part(step, &work);
    if (is_watched(r->plan))
        erg_watch_end(r->plan, step, start, results, t.rows, run,
                      t.first + t.rows == r->phase->rows);
}

/* The tile's rows of assigned leaves, which nobody else reads. */
static void store_rows(const region *r, tile t) {
    for (int i = 0; i < r->plan->n_stores; i++) {
        const erg_store *store = &r->plan->stores[i];
        size_t row = store->bytes / (size_t)r->phase->rows, offset = (size_t)t.first * row;
        memcpy((char *)store->dst + offset, (const char *)store->src + offset,
               (size_t)t.rows * row);
    }
}

static void tile_range(void *ctx, int64_t begin, int64_t end, int thread) {
    const region *r = ctx;
    const erg_phase *phase = r->phase;
    for (int64_t i = begin; i < end; i++) {
        tile t = {.first = i * phase->tile, .rows = phase->tile, .slot = thread};
        if (t.rows > phase->rows - t.first)
            t.rows = phase->rows - t.first;
        for (int64_t run = 0; run < r->runs; run++) {
            for (int k = phase->first; k < phase->first + phase->count; k++)
                run_on_tile(r, &r->plan->steps[k], t, r->run + (uint64_t)run);
            if (r->plan->loops)
                store_rows(r, t);
        }
    }
}

/* Who watches, watches one thread. */
static void run_region(erg_plan *plan, const erg_phase *phase, uint64_t run, int64_t runs) {
    region r = {plan, phase, run, runs};
    int64_t tiles = (phase->rows + phase->tile - 1) / phase->tile;
    erg_parallel_for(tiles, is_watched(plan) ? tiles : phase->grain, tile_range, &r);
}

/* ------------------------------------------------------------------------------- plans */

/* Of a plan that loops, only the last phase has something new to do in later runs; of others, all
 * phases but some. */
static void run_phases(erg_plan *plan, int64_t runs, bool again) {
    plan->found = false;
    for (int i = 0; i < plan->n_phases; i++) {
        const erg_phase *phase = &plan->phases[i];
        bool repeats = plan->loops && i == plan->n_phases - 1;
        if (phase->once && again)
            continue;
        if (phase->rows)
            run_region(plan, phase, plan->graph->runs, repeats ? runs : 1);
        else if (phase->apart && phase->count > 1 && !is_watched(plan))
            run_level(plan, phase, plan->graph->runs);
        else
            run_steps(plan, phase, plan->graph->runs);
    }
    for (int i = 0; i < plan->n_stores && !plan->loops; i++)
        memcpy(plan->stores[i].dst, plan->stores[i].src, plan->stores[i].bytes);
    plan->graph->runs += (uint64_t)runs;
}

void erg_plan_execute(erg_plan *plan, int64_t n) {
    if (plan->loops && n > 0)
        run_phases(plan, n, false);
    else
        for (int64_t i = 0; i < n; i++)
            run_phases(plan, 1, i > 0);
}

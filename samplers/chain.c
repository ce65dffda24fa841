/* chain.c: the driver: one transition, compiled once with the effect x <- next, run many times. A
 * transition of several runs begins with a plan of its own, and goes on until no chain is busy. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "samplers.h"

struct erg_chain {
    erg_node *x;
    erg_plan *begin; /* NULL for a transition of one run */
    erg_plan *step;
    const erg_tensor *busy; /* (B), with begin */
    int64_t runs;
    erg_node *acceptance; /* of the transition; may be NULL */
};

erg_chain *erg_chain_new(erg_node *x, erg_node *next) {
    return erg_chain_of(x, (erg_transition){.next = next}, NULL);
}

/* x <- next and what comes with it, as one effect. */
static erg_node *step_of(erg_node *x, erg_transition t, erg_node *also) {
    erg_node *effects[3] = {erg_assign(x, t.next)};
    int n = 1;
    if (t.effect)
        effects[n++] = t.effect;
    if (also)
        effects[n++] = also;
    return effects[0] ? erg_group(effects, n) : NULL;
}

erg_chain *erg_chain_of(erg_node *x, erg_transition transition, erg_node *also) {
    erg_transition t = transition;
    if (t.begin && (!t.busy || !erg_value(t.busy) || t.runs < 1)) {
        erg_fail(ERG_ERROR_ARGUMENT, "chain: a transition of several runs needs a state `busy` and "
                                     "the greatest number of runs");
        return NULL;
    }
    erg_node *step = step_of(x, t, also);
    erg_chain made = {.x = x,
                      .step = step ? erg_compile(&step, 1) : NULL,
                      .runs = t.runs,
                      .acceptance = t.acceptance};
    if (made.step && t.begin) {
        made.begin = erg_compile(&t.begin, 1);
        made.busy = erg_value(t.busy);
    }
    bool compiled = made.step && (made.begin || !t.begin);
    erg_chain *chain = compiled ? malloc(sizeof *chain) : NULL;
    if (compiled && !chain)
        erg_fail(ERG_ERROR_MEMORY, "chain: out of memory");
    if (chain) {
        *chain = made;
    } else {
        erg_plan_free(made.begin);
        erg_plan_free(made.step);
    }
    return chain;
}

void erg_chain_free(erg_chain *chain) {
    if (!chain)
        return;
    erg_plan_free(chain->begin);
    erg_plan_free(chain->step);
    free(chain);
}

erg_node *erg_chain_x(const erg_chain *chain) {
    return chain->x;
}

bool erg_chain_accepts(const erg_chain *chain) {
    return chain->acceptance != NULL;
}

erg_plan *erg_chain_probe(const erg_chain *chain) {
    erg_node *acceptance = chain->acceptance;
    return erg_compile(&acceptance, 1);
}

double erg_chain_probe_run(const erg_chain *chain, erg_plan *probe) {
    if (chain->begin)
        erg_run(chain->begin);
    erg_run(probe);
    const erg_tensor *acceptance = erg_output(probe, 0);
    double sum = 0;
    for (int64_t b = 0; b < erg_tensor_size(acceptance); b++)
        sum += erg_tensor_get(acceptance, b);
    return sum / (double)erg_tensor_size(acceptance);
}

static bool is_busy(const erg_chain *chain) {
    for (int64_t b = 0; b < erg_tensor_size(chain->busy); b++)
        if (erg_tensor_get(chain->busy, b) != 0)
            return true;
    return false;
}

/* Transition t always has the same run numbers, and so the same random numbers, however many runs
 * the transitions before it took: a chain does not depend on the chains beside it. */
static void run_several(erg_chain *chain) {
    erg_graph *graph = erg_node_graph(chain->x);
    uint64_t first = erg_graph_runs(graph);
    erg_run(chain->begin);
    for (int64_t i = 0; i < chain->runs && is_busy(chain); i++)
        erg_run(chain->step);
    erg_graph_set_runs(graph, first + 1 + (uint64_t)chain->runs);
}

static void advance(erg_chain *chain, int64_t n) {
    if (!chain->begin)
        erg_run_n(chain->step, n);
    for (int64_t i = 0; chain->begin && i < n; i++)
        run_several(chain);
}

erg_status erg_chain_run(erg_chain *chain, int64_t n) {
    if (!chain || n < 0)
        return erg_fail(ERG_ERROR_ARGUMENT, "chain_run: %s", chain ? "negative count" : "no chain");
    advance(chain, n);
    return ERG_OK;
}

/* (count, sizes of one state ...) */
static erg_shape trajectory(const erg_tensor *x, int64_t count) {
    int64_t dims[ERG_MAX_DIMS + 1] = {count};
    memcpy(dims + 1, x->shape.dims, (size_t)x->shape.ndim * sizeof *dims);
    return erg_shape_make(x->shape.ndim + 1, dims);
}

/* n transitions, in pieces if somebody watches. */
static void advance_watched(erg_chain *chain, int64_t n, erg_progress *progress) {
    const int64_t piece = progress->terminal ? 16 : n;
    for (int64_t done = 0; done < n;) {
        int64_t now = n - done < piece ? n - done : piece;
        advance(chain, now);
        erg_progress_add(progress, now);
        done += now;
    }
}

/* Fills `kept` with states; returns how many it got before the caller's function stopped it. */
static int64_t collect(erg_chain *chain, const erg_tensor *x, erg_tensor *kept, int64_t count,
                       erg_chain_options options, erg_progress *progress) {
    size_t bytes = (size_t)erg_tensor_size(x) * erg_dtype_size(x->dtype);
    advance_watched(chain, options.burn_in, progress);
    for (int64_t i = 0; i < count; i++) {
        advance_watched(chain, options.thin ? options.thin : 1, progress);
        memcpy((char *)kept->data + (size_t)i * bytes, x->data, bytes);
        if (options.each && options.each(options.self, i, x))
            return i + 1;
    }
    return count;
}

erg_tensor *erg_chain_sample(erg_chain *chain, int64_t count, erg_chain_options options) {
    int64_t thin = options.thin ? options.thin : 1, total;
    if (!chain || count < 0 || options.burn_in < 0 || options.thin < 0) {
        erg_fail(ERG_ERROR_ARGUMENT, "chain_sample: %s",
                 chain ? "count, burn_in and thin must not be negative" : "no chain");
        return NULL;
    }
    if (__builtin_mul_overflow(count, thin, &total) ||
        __builtin_add_overflow(total, options.burn_in, &total)) {
        erg_fail(ERG_ERROR_ARGUMENT, "chain_sample: more transitions than can be counted");
        return NULL;
    }
    const erg_tensor *x = erg_value(chain->x);
    erg_tensor *kept = erg_tensor_new(x->dtype, trajectory(x, count));
    if (!kept)
        return NULL;
    erg_progress progress = erg_progress_begin(options.progress, "sampling", total);
    int64_t got = collect(chain, x, kept, count, options, &progress);
    erg_progress_end(&progress);
    if (got == count)
        return kept;
    erg_tensor *part = erg_tensor_from(x->dtype, trajectory(x, got), kept->data);
    erg_tensor_free(kept);
    return part;
}

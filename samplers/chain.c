/* chain.c: the driver: one transition, compiled once with the effect x <- next, run many times. */
#include <stdlib.h>
#include <string.h>

#include "samplers.h"

struct erg_chain {
    erg_node *x;
    erg_plan *plan;
};

erg_chain *erg_chain_new(erg_node *x, erg_node *next) {
    erg_node *step = erg_assign(x, next);
    erg_plan *plan = step ? erg_compile(&step, 1) : NULL;
    erg_chain *chain = plan ? malloc(sizeof *chain) : NULL;
    if (plan && !chain)
        erg_fail(ERG_ERROR_MEMORY, "chain: out of memory");
    if (chain)
        *chain = (erg_chain){x, plan};
    else
        erg_plan_free(plan);
    return chain;
}

void erg_chain_free(erg_chain *chain) {
    if (chain)
        erg_plan_free(chain->plan);
    free(chain);
}

erg_status erg_chain_run(erg_chain *chain, int64_t n) {
    if (!chain || n < 0)
        return erg_fail(ERG_ERROR_ARGUMENT, "chain_run: %s", chain ? "negative count" : "no chain");
    erg_run_n(chain->plan, n);
    return ERG_OK;
}

/* (count, sizes of one state ...) */
static erg_shape trajectory(const erg_tensor *x, int64_t count) {
    int64_t dims[ERG_MAX_DIMS + 1] = {count};
    memcpy(dims + 1, x->shape.dims, (size_t)x->shape.ndim * sizeof *dims);
    return erg_shape_make(x->shape.ndim + 1, dims);
}

/* Fills `kept` with states; returns how many it got before the caller's function stopped it. */
static int64_t collect(erg_chain *chain, const erg_tensor *x, erg_tensor *kept, int64_t count,
                       erg_chain_options options) {
    size_t bytes = (size_t)erg_tensor_size(x) * erg_dtype_size(x->dtype);
    erg_run_n(chain->plan, options.burn_in);
    for (int64_t i = 0; i < count; i++) {
        erg_run_n(chain->plan, options.thin ? options.thin : 1);
        memcpy((char *)kept->data + (size_t)i * bytes, x->data, bytes);
        if (options.each && options.each(options.self, i, x))
            return i + 1;
    }
    return count;
}

erg_tensor *erg_chain_sample(erg_chain *chain, int64_t count, erg_chain_options options) {
    if (!chain || count < 0 || options.burn_in < 0 || options.thin < 0) {
        erg_fail(ERG_ERROR_ARGUMENT, "chain_sample: %s",
                 chain ? "count, burn_in and thin must not be negative" : "no chain");
        return NULL;
    }
    const erg_tensor *x = erg_value(chain->x);
    erg_tensor *kept = erg_tensor_new(x->dtype, trajectory(x, count));
    if (!kept)
        return NULL;
    int64_t got = collect(chain, x, kept, count, options);
    if (got == count)
        return kept;
    erg_tensor *part = erg_tensor_from(x->dtype, trajectory(x, got), kept->data);
    erg_tensor_free(kept);
    return part;
}

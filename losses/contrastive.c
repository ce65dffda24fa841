/* contrastive.c: maximum likelihood with sampled negatives. With p = exp(-E) / Z,
 *
 *     d/dtheta (-log p(x)) = dE(x)/dtheta - E_p[dE/dtheta],
 *
 * so the gradient of mean E(data) - mean E(negatives) is the likelihood's, as far as the negatives
 * are samples of p. Contrastive divergence and its kin differ only in where the chains that make the
 * negatives start. */
#include <stdlib.h>

#include "parts.h"

erg_node *erg_contrastive_divergence(erg_energy energy, erg_node *data, erg_node *negatives,
                                     erg_contrastive_options options) {
    erg_node *low = erg_energy_apply(energy, data);
    erg_node *high = erg_energy_apply(energy, erg_stop_gradient(negatives));
    return erg_contrast("contrastive_divergence", low, high, options.energy_penalty);
}

erg_node *erg_conditional_contrastive_divergence(erg_pair_energy energy, erg_node *data,
                                                 erg_node *condition, erg_node *negatives,
                                                 erg_node *negative_condition,
                                                 erg_contrastive_options options) {
    erg_node *low = erg_pair_energy_apply(energy, data, erg_stop_gradient(condition));
    erg_node *high = erg_pair_energy_apply(energy, erg_stop_gradient(negatives),
                                           erg_stop_gradient(negative_condition));
    return erg_contrast("conditional_contrastive_divergence", low, high, options.energy_penalty);
}

struct erg_negatives {
    erg_node *x;
    erg_chain *chain;
    erg_replay *replay; /* for fresh and persistent starts */
    int64_t steps;
    erg_start start;
};

/* Fresh starts are a buffer that forgets: as large as a batch, started afresh at every draw. */
static erg_replay *make_replay(const erg_tensor *x, erg_negatives_options options) {
    erg_replay_options replay = options.replay;
    if (options.start == ERG_START_NOISE) {
        replay.capacity = x->shape.dims[0];
        replay.restart = 1;
    }
    int64_t sample[ERG_MAX_DIMS] = {0};
    for (int i = 1; i < x->shape.ndim; i++)
        sample[i - 1] = x->shape.dims[i];
    return erg_replay_new(x->dtype, erg_shape_make(x->shape.ndim - 1, sample), replay);
}

static bool check(const erg_tensor *x, erg_negatives_options options) {
    if (x->shape.ndim < 1 || options.steps < 0)
        return erg_fail(ERG_ERROR_ARGUMENT, "negatives: x needs a batch axis, and steps >= 0"),
               false;
    if (options.start < ERG_START_DATA || options.start > ERG_START_PERSISTENT)
        return erg_fail(ERG_ERROR_ARGUMENT, "negatives: unknown start %d", (int)options.start),
               false;
    return true;
}

/* The parts of new negatives, as far as the start needs them. */
static bool assemble(erg_negatives *negatives, erg_node *next, erg_negatives_options options) {
    const erg_tensor *x = erg_value(negatives->x);
    if (!(negatives->chain = erg_chain_new(negatives->x, next)))
        return false;
    if (options.start == ERG_START_DATA)
        return true;
    if (!(negatives->replay = make_replay(x, options)))
        return false;
    int64_t capacity = erg_replay_values(negatives->replay)->shape.dims[0];
    if (capacity < x->shape.dims[0])
        erg_fail(ERG_ERROR_ARGUMENT, "negatives: %lld chains, but the replay buffer has %lld slots",
                 (long long)x->shape.dims[0], (long long)capacity);
    return capacity >= x->shape.dims[0];
}

erg_negatives *erg_negatives_new(erg_node *x, erg_node *next, erg_negatives_options options) {
    const erg_tensor *value = erg_value(x);
    if (!value || !check(value, options))
        return NULL;
    erg_negatives *negatives = calloc(1, sizeof *negatives);
    if (!negatives) {
        erg_fail(ERG_ERROR_MEMORY, "negatives: out of memory");
        return NULL;
    }
    *negatives = (erg_negatives){
        .x = x, .steps = options.steps ? options.steps : 20, .start = options.start};
    if (assemble(negatives, next, options))
        return negatives;
    erg_negatives_free(negatives);
    return NULL;
}

void erg_negatives_free(erg_negatives *negatives) {
    if (!negatives)
        return;
    erg_chain_free(negatives->chain);
    erg_replay_free(negatives->replay);
    free(negatives);
}

erg_status erg_negatives_run(erg_negatives *negatives, const erg_tensor *data) {
    if (!negatives)
        return erg_fail(ERG_ERROR_ARGUMENT, "negatives_run: no negatives");
    erg_tensor *x = erg_value(negatives->x);
    erg_status status;
    if (negatives->start != ERG_START_DATA)
        status = erg_replay_draw(negatives->replay, x);
    else
        status = data ? erg_tensor_copy(x, data)
                      : erg_fail(ERG_ERROR_ARGUMENT, "negatives_run: no data to start from");
    if (status == ERG_OK)
        status = erg_chain_run(negatives->chain, negatives->steps);
    if (status == ERG_OK && !erg_tensor_all_finite(x))
        status =
            erg_fail(ERG_ERROR_ARGUMENT, "negatives_run: a chain is not finite after %lld steps",
                     (long long)negatives->steps);
    if (status == ERG_OK && negatives->replay)
        status = erg_replay_store(negatives->replay, x);
    return status;
}

erg_replay *erg_negatives_replay(erg_negatives *negatives) {
    return negatives ? negatives->replay : NULL;
}

erg_node *erg_negatives_x(const erg_negatives *negatives) {
    return negatives ? negatives->x : NULL;
}

/* fit2d_chains.c: losses that follow the likelihood, <E(data)> - <E(negatives)>, by samples of the
 * model: from chains that run before each step, or from a generator that learns beside it. */
#include <math.h>
#include <stdint.h>

#include "fit2d_chains.h"

/* Slots of the replay buffer, at least as many as a batch, and the part of them that is started afresh
 * at each draw. The weight of a mode is learned from how many chains are in it, so chains should move
 * on at every step, and few should be still on their way from where they were started. */
enum { REPLAY_SLOTS = 256 };
#define REPLAY_RESTART 0.01

/* ------------------------------------------------------------------------------- chains */

static erg_langevin_options langevin(const objective *o) {
    return (erg_langevin_options){.step_size = o->options->set.langevin_step};
}

/* Chains of a transition from o->others to next. */
static bool add_chains(objective *o, erg_start start, erg_node *next) {
    const fit_options *options = o->options;
    erg_replay_options replay = {
        .capacity = options->batch > REPLAY_SLOTS ? options->batch : REPLAY_SLOTS,
        .restart = REPLAY_RESTART,
        .seed = options->seed + 1, /* a key of its own: the graph's streams use seed */
        .init = fill_noise,
        .self = (void *)(uintptr_t)o->data};
    o->negatives = erg_negatives_new(o->others, next,
                                     (erg_negatives_options){.start = start,
                                                             .steps = options->set.langevin_steps,
                                                             .replay = replay});
    return o->negatives;
}

static erg_node *chain_states(objective *o) {
    return o->others = erg_state(o->graph, "chains", ERG_FLOAT32, erg_node_shape(o->batch));
}

static bool contrast_chains(objective *o) {
    erg_contrastive_options options = {.energy_penalty = o->options->set.penalty};
    o->loss = erg_contrastive_divergence(o->energy, o->batch, o->others, options);
    return o->loss;
}

bool build_cd(objective *o) {
    erg_node *next = erg_langevin(o->energy, chain_states(o), langevin(o));
    return add_chains(o, ERG_START_DATA, next) && contrast_chains(o);
}

bool build_pcd(objective *o) {
    erg_node *next = erg_langevin(o->energy, chain_states(o), langevin(o));
    return add_chains(o, ERG_START_PERSISTENT, next) && contrast_chains(o);
}

bool build_pcd_mala(objective *o) {
    erg_metropolis_options options = {.step_size = o->options->set.langevin_step};
    erg_node *next = erg_mala(o->energy, chain_states(o), options).next;
    return add_chains(o, ERG_START_PERSISTENT, next) && contrast_chains(o);
}

/* The last transition is in the loss, and differentiated. */
bool build_improved_cd(objective *o) {
    erg_node *next = erg_langevin(o->energy, chain_states(o), langevin(o));
    erg_improved_options options = {.energy_penalty = o->options->set.penalty,
                                    .langevin = langevin(o)};
    if (!add_chains(o, ERG_START_PERSISTENT, next))
        return false;
    o->loss = erg_improved_contrastive_divergence(o->energy, o->batch, o->others, options);
    return o->loss;
}

/* Both the chains and the loss see the noisy points. */
bool build_recovery(objective *o) {
    erg_recovery_options recovery = {.sigma = o->options->set.sigma};
    erg_metropolis_options mala = {.step_size = o->options->set.langevin_step};
    o->noisy = erg_input(o->graph, "noisy", ERG_FLOAT32, erg_node_shape(o->batch));
    erg_energy energy = erg_recovery_energy(o->energy, o->noisy, recovery);
    erg_node *next = erg_mala(energy, chain_states(o), mala).next;
    if (!add_chains(o, ERG_START_DATA, next))
        return false;
    o->loss = erg_recovery_likelihood(o->energy, o->batch, o->noisy, o->others, recovery);
    return o->loss;
}

/* ------------------------------------------------------------------------------- a generator */

/* Its learning rate, in those of the energy. */
#define GENERATOR_RATE (getenv("GR") ? atof(getenv("GR")) : 10)

static erg_node *generate(void *self, erg_node *z) {
    return erg_mlp_apply(self, z);
}

/* The generator's params are not among the energy's: it has an optimiser of its own, which learns
 * faster, as the generator has to follow the energy. */
bool build_generator(objective *o) {
    const settings *set = &o->options->set;
    erg_mlp *network = erg_mlp_new(o->graph, "generator", (int64_t[]){2, 64, 64, 2}, 4,
                                   (erg_mlp_options){.init = ERG_INIT_KAIMING_UNIFORM});
    erg_generator generator = {generate, network};
    erg_generator_options options = {.sigma = set->sigma, .samples = set->count};
    erg_node *z = erg_normal(o->graph, ERG_FLOAT32, ERG_SHAPE(o->options->batch, 2));
    o->others = erg_generator_sample(generator, z, options);
    erg_node *loss = erg_generator_loss(o->energy, generator, z, o->others, options);
    int n = 0;
    erg_node **params = erg_params(o->graph, "generator", &n);
    o->effect =
        erg_adam(loss, params, n,
                 (erg_adam_options){.learning_rate_node = o->rate, .name = "adam_generator"});
    return o->effect && contrast_chains(o);
}

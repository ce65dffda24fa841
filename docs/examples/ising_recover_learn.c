/* ising_recover_learn.c: samples of an Ising model whose couplings are known, and two ways to learn them
 * from the samples alone. The model has a number of its own for each pair of spins,
 *
 *     E(s) = -sum_(i<j) J_ij s_i s_j,   s_i = -1 or 1:
 *
 * each pair counts once. (Papers that write E = -s^T J s with a symmetric J count it twice: their J is
 * half of this one.) */
#include <math.h>

#include "ising_recover.h"

/* ------------------------------------------------------------------------------- the samples */

/* d log Z / dK over the number of bonds, by Kaufman's formula. */
static double exact_neighbours(int64_t side, double strength) {
    const double h = 1e-4;
    double rise = erg_ising_torus_log_z(side, side, strength + h) -
                  erg_ising_torus_log_z(side, side, strength - h);
    return rise / (2 * h) / (double)(2 * side * side);
}

/* From the energies -K sum s_i s_j of all samples. */
static neighbours summarise(const erg_tensor *energies, int64_t side, double strength) {
    int64_t n = erg_tensor_size(energies);
    double sum = 0, squares = 0, scale = -1 / (strength * (double)(2 * side * side));
    for (int64_t i = 0; i < n; i++)
        sum += scale * erg_tensor_get(energies, i);
    for (int64_t i = 0; i < n; i++)
        squares += pow(scale * erg_tensor_get(energies, i) - sum / (double)n, 2);
    return (neighbours){.mean = sum / (double)n,
                        .error = sqrt(squares / (double)(n - 1) / (double)n),
                        .exact = exact_neighbours(side, strength)};
}

/* Each sample is the end of a chain of its own: block Gibbs sampling, every second site at once. */
erg_tensor *draw_spins(const recover_options *o, int strength, neighbours *found) {
    erg_graph *g = erg_graph_new(o->seed + (uint64_t)strength);
    erg_shape sites = ERG_SHAPE(o->side, o->side);
    erg_lattice torus = {.coupling = erg_scalar(g, ERG_FLOAT32, strengths[strength])};
    erg_energy energy = {erg_ising_energy, &torus};
    erg_node *s = erg_input(g, "s", ERG_FLOAT32, ERG_SHAPE(o->samples, o->side, o->side));
    erg_node *blocks[] = {erg_checkerboard(g, ERG_FLOAT32, sites, 0),
                          erg_checkerboard(g, ERG_FLOAT32, sites, 1)};
    erg_chain *chain = erg_chain_new(s, erg_block_gibbs(energy, s, blocks, 2, ERG_SPINS).next);
    erg_tensor *energies = NULL, *spins = NULL;
    if (chain && erg_random_rademacher(erg_value(s), erg_graph_random(g)) == ERG_OK &&
        erg_chain_run(chain, o->sweeps) == ERG_OK)
        energies = erg_evaluate(erg_energy_apply(energy, s));
    if (energies) {
        *found = summarise(energies, o->side, strengths[strength]);
        spins = erg_tensor_from(ERG_FLOAT32, ERG_SHAPE(o->samples, o->side * o->side),
                                erg_value(s)->data);
    }
    erg_tensor_free(energies);
    erg_chain_free(chain);
    erg_graph_free(g);
    return spins;
}

/* ------------------------------------------------------------------------------- the model */

/* J above the diagonal, (D, D); the rest of the param is not used. */
static erg_node *upper(erg_node *weight) {
    erg_node *index =
        erg_arange(erg_node_graph(weight), ERG_FLOAT32, erg_node_shape(weight).dims[0]);
    return erg_mul(weight, erg_less(erg_unsqueeze(index, 1), index));
}

static erg_node *pair_energy(void *weight, erg_node *s) {
    return erg_neg(erg_sum(erg_mul(erg_matmul(s, upper(weight)), s), ERG_AXES(1), 0));
}

/* ------------------------------------------------------------------------------- the losses */

typedef struct learning {
    erg_graph *graph;
    erg_node *weight;         /* (D, D) */
    erg_node *batch;          /* (B, D), input */
    erg_negatives *negatives; /* of persistent CD, else NULL */
    erg_dataset *data;
    erg_plan *step; /* outputs: the loss; the effect of Adam */
} learning;

static erg_status random_spins(void *self, erg_tensor *out, erg_random where) {
    (void)self;
    return erg_random_rademacher(out, where);
}

/* Chains of Gibbs with gradients, which go on from where the last step left them. */
static erg_node *persistent_cd(learning *l, erg_energy energy, const recover_options *o,
                               uint64_t seed) {
    const erg_flips_options spins = {.sites = ERG_SPINS};
    erg_node *s =
        erg_input(l->graph, "chains", ERG_FLOAT32, ERG_SHAPE(o->chains, o->side * o->side));
    erg_discrete_step move = erg_gibbs_with_gradients(energy, s, spins);
    erg_replay_options buffer = {
        .capacity = o->chains, .restart = ERG_ZERO, .seed = ~seed, .init = random_spins};
    l->negatives = erg_negatives_new(s, move.next,
                                     (erg_negatives_options){.start = ERG_START_PERSISTENT,
                                                             .steps = o->proposals,
                                                             .replay = buffer});
    return erg_contrastive_divergence(energy, l->batch, s, (erg_contrastive_options){0});
}

/* Each pair is in the conditionals of both its spins, so that half the sum weighs it as CD does. */
static erg_node *pseudo_likelihood(const learning *l, erg_energy energy) {
    return erg_mul_scalar(erg_pseudo_likelihood(energy, l->batch, ERG_SPINS), 0.5);
}

/* Most pairs are no neighbours: |J_ij| costs, in the measure of the error that n samples leave. */
static erg_node *sparsity(erg_node *weight, const recover_options *o, int64_t n) {
    erg_node *sum = erg_sum(erg_abs(upper(weight)), ERG_ALL, 0);
    return erg_mul_scalar(sum, o->sparsity / sqrt((double)n));
}

static erg_status make_learning(learning *l, const recover_options *o, const erg_tensor *spins,
                                int method, uint64_t seed) {
    int64_t n = spins->shape.dims[0], sites = spins->shape.dims[1];
    erg_graph *g = l->graph = erg_graph_new(seed);
    l->weight = erg_param(g, "couplings", ERG_FLOAT32, ERG_SHAPE(sites, sites));
    l->batch = erg_input(g, "batch", ERG_FLOAT32, ERG_SHAPE(o->batch < n ? o->batch : n, sites));
    erg_energy energy = {pair_energy, l->weight};
    erg_node *loss = method == 0 ? pseudo_likelihood(l, energy) : persistent_cd(l, energy, o, seed);
    erg_node *step = erg_state(g, "step", ERG_FLOAT64, ERG_SCALAR);
    erg_node *adam = erg_adam(
        erg_add(loss, sparsity(l->weight, o, n)), &l->weight, 1,
        (erg_adam_options){.learning_rate_node = erg_cosine_schedule(step, o->rate, 0, o->steps),
                           .step = step});
    l->step = erg_compile((erg_node *[]){loss, adam}, 2);
    l->data = erg_dataset_new(spins, NULL, (erg_dataset_options){.seed = seed});
    return l->step && l->data ? ERG_OK : erg_error_status();
}

static void free_learning(learning *l) {
    erg_plan_free(l->step);
    erg_negatives_free(l->negatives);
    erg_dataset_free(l->data);
    erg_graph_free(l->graph);
}

static erg_status make_step(learning *l) {
    erg_status status = erg_dataset_next(l->data, erg_value(l->batch), NULL);
    if (status == ERG_OK && l->negatives)
        status = erg_negatives_run(l->negatives, NULL);
    if (status == ERG_OK)
        erg_run(l->step);
    return status;
}

erg_tensor *learn_couplings(const recover_options *o, const erg_tensor *spins, int method,
                            uint64_t seed) {
    learning l = {0};
    erg_tensor *found = NULL;
    erg_status status = make_learning(&l, o, spins, method, seed);
    for (int64_t i = 0; status == ERG_OK && i < o->steps; i++)
        status = make_step(&l);
    if (status == ERG_OK) {
        erg_node *J = upper(l.weight);
        found = erg_evaluate(erg_add(J, erg_transpose(J)));
    }
    free_learning(&l);
    return found;
}

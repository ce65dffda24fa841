/* improved_contrastive.c: contrastive divergence with the term it leaves out (Du, Li, Tenenbaum &
 * Mordatch 2021). CD minimises KL(data || p) - KL(q || p), where q is the distribution of the
 * negatives, which depends on the params too. Its last term, with the derivative that passes
 * through the samples x' of q,
 *
 *     KL(q || p) = mean E(x') - H(q) + log Z,
 *
 * is minimised by chains that find low energies and stay apart: a push for the energy to be one
 * that its sampler can follow. Derivatives pass through the last transitions only. */
#include "parts.h"

/* The transitions that are differentiated. */
static erg_node *unroll(erg_energy energy, erg_node *x, const erg_improved_options *o) {
    for (int64_t k = 0; x && k < o->steps; k++)
        x = o->transition ? o->transition(o->self, energy, x)
                          : erg_langevin(energy, x, o->langevin);
    return x;
}

static bool check(erg_node *negatives, const erg_improved_options *o) {
    return (o->steps >= 1 && isfinite(o->kl_weight) && o->kl_weight >= 0 &&
            isfinite(o->entropy_weight) && o->entropy_weight >= 0) ||
           erg_graph_fail(erg_node_graph(negatives),
                          "improved_contrastive_divergence: %lld steps, weights %g and %g",
                          (long long)o->steps, o->kl_weight, o->entropy_weight);
}

erg_node *erg_improved_contrastive_divergence(erg_energy energy, erg_node *data,
                                              erg_node *negatives, erg_improved_options options) {
    erg_improved_options o = options;
    o.steps = o.steps ? o.steps : 1;
    o.kl_weight = erg_loss_option(o.kl_weight, 1);
    o.entropy_weight = erg_loss_option(o.entropy_weight, 1);
    if (!check(negatives, &o))
        return NULL;
    erg_node *moved = unroll(energy, erg_stop_gradient(negatives), &o);
    if (!moved)
        return NULL;
    erg_node *loss = erg_contrastive_divergence(
        energy, data, moved, (erg_contrastive_options){.energy_penalty = o.energy_penalty});
    if (!loss || o.kl_weight == 0)
        return loss;
    erg_node *divergence = erg_mean(erg_energy_held(energy, moved), ERG_ALL, 0);
    if (o.entropy_weight > 0)
        divergence = erg_sub(
            divergence, erg_mul_scalar(erg_nearest_entropy(moved, o.archive), o.entropy_weight));
    return erg_add(loss, erg_mul_scalar(divergence, o.kl_weight));
}

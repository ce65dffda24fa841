/* single_site.c: Metropolis-Hastings on discrete states (Hastings 1970): change one site to another
 * state, drawn from q(x' | x), and keep it with probability
 *
 *     min(1, exp(E(x) - E(x')) q(x | x') / q(x' | x)).
 *
 * Metropolis draws evenly from all changes. Gibbs with gradients (Grathwohl et al. 2021) prefers
 * those that lower the energy: q(x' | x) proportional to exp((E(x) - E(x')) / 2), the square root of
 * the ratio of probabilities (Zanella 2020), with the difference to first order, so that one gradient
 * gives it for all changes. */
#include <math.h>

#include "discrete.h"

/* ------------------------------------------------------------------------------- proposals */

/* Logits of all changes, (B, M), to first order: those of a one-hot vector to what it is are none. */
static erg_node *logits_of(erg_sites kind, erg_node *x, erg_node *energy_of_x) {
    erg_node *gain = erg_sites_gain(kind, x, erg_gradient(energy_of_x, x));
    erg_node *logits = erg_mul_scalar(gain, 0.5);
    if (kind == ERG_ONE_HOT)
        logits = erg_where(x, erg_full_like(x, -INFINITY), logits);
    return erg_flatten(logits, 1);
}

erg_site_view erg_site_view_of(erg_energy energy, erg_sites kind, bool informed, erg_node *x) {
    erg_site_view view = {.x = x, .energy = erg_energy_apply(energy, x)};
    if (view.energy && informed)
        view.logits = logits_of(kind, x, view.energy);
    return view;
}

/* Any change, laid out as x: any site, and any state but the one that it is in. */
static erg_node *draw_evenly(erg_sites kind, erg_node *x) {
    erg_node *site = erg_sites_mask(kind, x, erg_sites_any(kind, x));
    if (kind != ERG_ONE_HOT)
        return site;
    erg_shape shape = erg_node_shape(x);
    int64_t states = erg_sites_states(kind, x), chains = shape.dims[0];
    erg_node *marked = ERG_RESHAPE(erg_mul(site, x), chains, erg_sites_count(kind, x), states);
    erg_node *present = erg_sum(marked, ERG_AXES(1), 0);
    erg_node *others =
        erg_where(present, erg_full_like(present, -INFINITY), erg_full_like(present, 0));
    erg_node *choice = erg_one_hot(erg_categorical(others), states, erg_node_dtype(x));
    for (int axis = 1; axis < shape.ndim - 1; axis++)
        choice = erg_unsqueeze(choice, 1);
    return erg_mul(site, choice);
}

static erg_node *draw_change(erg_sites kind, erg_site_view view) {
    if (!view.logits)
        return draw_evenly(kind, view.x);
    erg_shape shape = erg_node_shape(view.x);
    int64_t changes = erg_node_shape(view.logits).dims[1];
    erg_node *change = erg_one_hot(erg_categorical(view.logits), changes, erg_node_dtype(view.x));
    return erg_reshape(change, shape.ndim, shape.dims);
}

/* The sites that change, broadcast to x. */
static erg_node *changing(erg_sites kind, erg_node *change) {
    return kind == ERG_ONE_HOT ? erg_sum(change, ERG_AXES(-1), 1) : change;
}

erg_node *erg_site_change(erg_sites kind, erg_node *x, erg_node *change) {
    erg_node *to = kind == ERG_ONE_HOT ? change : erg_sites_turn(kind, x, 1);
    return erg_where(changing(kind, change), to, x);
}

/* The change that undoes it. */
static erg_node *undo(erg_sites kind, erg_node *x, erg_node *change) {
    return kind == ERG_ONE_HOT ? erg_mul(changing(kind, change), x) : change;
}

/* log q of one change, (B). */
static erg_node *log_proposal(erg_site_view view, erg_node *change) {
    erg_node *log_q = erg_log_softmax(view.logits, 1);
    return erg_chain_total(erg_where(erg_flatten(change, 1), log_q, erg_full_like(log_q, 0)));
}

erg_node *erg_site_log_ratio(erg_sites kind, erg_site_view from, erg_site_view to,
                             erg_node *change) {
    erg_node *ratio = erg_sub(from.energy, to.energy);
    if (!from.logits)
        return ratio;
    erg_node *back = log_proposal(to, undo(kind, from.x, change));
    return erg_add(ratio, erg_sub(back, log_proposal(from, change)));
}

/* ------------------------------------------------------------------------------- transitions */

static erg_discrete_step walk(const char *function, erg_energy energy, erg_node *x, bool informed,
                              erg_flips_options o) {
    erg_discrete_step step = {.next = erg_sites_start(function, o.sites, x)};
    int64_t proposals = o.proposals ? o.proposals : 1;
    if (step.next && proposals < 1)
        step.next =
            erg_graph_fail(erg_node_graph(x), "%s: %lld proposals", function, (long long)proposals);
    if (!step.next)
        return step;
    erg_site_view at = erg_site_view_of(energy, o.sites, informed, step.next);
    step.energy = at.energy;
    for (int64_t i = 0; at.x && at.energy && i < proposals; i++) {
        erg_node *change = draw_change(o.sites, at);
        erg_node *next = change ? erg_site_change(o.sites, at.x, change) : NULL;
        erg_site_view to = erg_site_view_of(energy, o.sites, informed, next);
        if (!to.energy)
            return (erg_discrete_step){0};
        erg_node *ratio = erg_site_log_ratio(o.sites, at, to, change);
        erg_node *accepted = erg_discrete_accept(&step, proposals, to.x, to.energy, ratio);
        erg_node *logits = informed ? erg_chain_where(accepted, to.logits, at.logits) : NULL;
        at = (erg_site_view){step.next, step.energy, logits};
    }
    return erg_discrete_done(step, at.energy);
}

erg_discrete_step erg_metropolis_flips(erg_energy energy, erg_node *x, erg_flips_options options) {
    return walk("metropolis_flips", energy, x, false, options);
}

erg_discrete_step erg_gibbs_with_gradients(erg_energy energy, erg_node *x,
                                           erg_flips_options options) {
    return walk("gibbs_with_gradients", energy, x, true, options);
}

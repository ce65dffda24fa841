/* gibbs.c: Gibbs sampling (Geman & Geman 1984): a site takes a new state from its distribution given
 * all others, p(x_i = k | rest) proportional to exp(-E(x with x_i = k)).
 *
 * The candidates are the present state turned by 0, 1, ... places, so that the energy of the first
 * is known from the update before, and a site none of whose states is possible stays. */
#include <math.h>

#include "discrete.h"

/* x with the masked site turned. */
static erg_node *candidate(erg_sites kind, erg_node *x, erg_node *mask, int64_t places) {
    return erg_where(mask, erg_sites_turn(kind, x, places), x);
}

erg_node *erg_gibbs_energies(erg_energy energy, erg_sites kind, erg_node *x, erg_node *energy_of_x,
                             erg_node *mask) {
    int64_t states = erg_sites_states(kind, x);
    if (states > INT32_MAX)
        return erg_graph_fail(erg_node_graph(x), "gibbs: %lld states of a site", (long long)states);
    erg_node **energies = erg_graph_alloc(erg_node_graph(x), (size_t)states * sizeof(erg_node *));
    if (!energies)
        return NULL;
    energies[0] = energy_of_x;
    for (int64_t j = 1; j < states; j++)
        energies[j] = erg_energy_apply(energy, candidate(kind, x, mask, j));
    return erg_stack(energies, (int)states, 1);
}

/* Differences to the present energy, since large numbers would swallow the noise that draws from
 * logits. */
erg_node *erg_gibbs_logits(erg_node *energies) {
    erg_node *present = erg_slice(energies, 1, 0, 1, 1), *zero = erg_full_like(present, 0);
    erg_node *origin = erg_where(erg_finite_mask(present), present, zero);
    return erg_where(erg_finite_mask(energies), erg_sub(origin, energies),
                     erg_full_like(energies, -INFINITY));
}

/* One of `updates` updates, of the masked site. */
static void update(erg_discrete_step *step, int64_t updates, erg_energy energy, erg_sites kind,
                   erg_node *mask) {
    erg_node *x = step->next, *moved = NULL;
    erg_node *energies = erg_gibbs_energies(energy, kind, x, step->energy, mask);
    int64_t states = erg_sites_states(kind, x);
    erg_node *drawn = energies ? erg_categorical(erg_gibbs_logits(energies)) : NULL;
    erg_node *choice = erg_one_hot(drawn, states, erg_node_dtype(x));
    for (int64_t j = 1; choice && j < states; j++) {
        erg_node *chosen = erg_select(choice, 1, j);
        step->next = erg_chain_where(chosen, candidate(kind, x, mask, j), step->next);
        moved = moved ? erg_add(moved, chosen) : chosen;
    }
    erg_node *refused = erg_logical_not(erg_finite_mask(energies));
    erg_discrete_report(step, updates, moved, erg_max(refused, ERG_AXES(1), 0));
    step->energy = erg_chain_total(erg_where(choice, energies, erg_full_like(energies, 0)));
}

/* The site of update number i, int32 () or (B). */
static erg_node *site_of(erg_node *x, erg_gibbs_options o, int64_t i) {
    double number = (double)(i % erg_sites_count(o.sites, x));
    if (o.site_node)
        return o.site_node;
    return o.scan == ERG_SCAN_RANDOM ? erg_sites_any(o.sites, x)
                                     : erg_full(erg_node_graph(x), ERG_INT32, ERG_SCALAR, number);
}

static bool check(erg_node *x, erg_gibbs_options o) {
    erg_node *site = o.site_node;
    if (o.updates < 0 || o.scan < ERG_SCAN_RASTER || o.scan > ERG_SCAN_RANDOM)
        return erg_graph_fail(erg_node_graph(x), "gibbs: %lld updates, scan %d",
                              (long long)o.updates, (int)o.scan);
    bool one = !site || (erg_node_dtype(site) == ERG_INT32 && erg_node_shape(site).ndim == 0);
    return one || erg_graph_fail(erg_node_graph(x), "gibbs: the site must be int32 ()");
}

erg_discrete_step erg_gibbs(erg_energy energy, erg_node *x, erg_gibbs_options options) {
    erg_discrete_step step = {.next = erg_sites_start("gibbs", options.sites, x)};
    if (!step.next || !check(x, options))
        return (erg_discrete_step){0};
    int64_t updates = options.updates ? options.updates : erg_sites_count(options.sites, x);
    if (options.site_node)
        updates = 1;
    step.energy = erg_energy_apply(energy, step.next);
    for (int64_t i = 0; step.energy && step.next && i < updates; i++) {
        erg_node *mask = erg_sites_mask(options.sites, x, site_of(x, options, i));
        update(&step, updates, energy, options.sites, mask);
    }
    return erg_discrete_done(step, step.energy);
}

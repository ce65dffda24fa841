/* discrete.h: what samplers of discrete states share. Internal to samplers/.
 *
 * A site's states lie on a circle: bits and spins have two, opposite each other, one-hot vectors K.
 * To turn a site is to go round that circle, by 0 .. states - 1 places. A change is a turn of one
 * site to another state; the changes of x are laid out as x is, so bits and spins have one for each
 * site and one-hot vectors one for each element, those that are 1 now being no change at all. */
#ifndef ERG_SAMPLERS_DISCRETE_H
#define ERG_SAMPLERS_DISCRETE_H

#include <stdbool.h>

#include "batch.h"

/* ------------------------------------------------------------------------------- sites.c */

/* x as the start of a transition, through which no derivative passes; NULL if it has no such sites
 * (recorded as the graph's error). */
erg_node *erg_sites_start(const char *function, erg_sites kind, erg_node *x);
int64_t erg_sites_count(erg_sites kind, erg_node *x);
int64_t erg_sites_states(erg_sites kind, erg_node *x);

/* The number of a site drawn evenly by each chain, int32 (B). */
erg_node *erg_sites_any(erg_sites kind, erg_node *x);
/* 1 at the site with this number (int32 () or (B)) and 0 elsewhere; broadcasts to x. */
erg_node *erg_sites_mask(erg_sites kind, erg_node *x, erg_node *site);
/* All sites turned by `places`. */
erg_node *erg_sites_turn(erg_sites kind, erg_node *x, int64_t places);
/* How much -E grows at each change, to first order, from the energy's gradient: x's shape. Exact if
 * E is affine in each site. */
erg_node *erg_sites_gain(erg_sites kind, erg_node *x, erg_node *gradient);
/* New states for all sites, independently, from the logits of their changes: those of bits and spins
 * against staying, those of one-hot vectors against each other. And log of the probability that
 * `to` was drawn, (B). */
erg_node *erg_sites_draw(erg_sites kind, erg_node *x, erg_node *logits);
erg_node *erg_sites_log_prob(erg_sites kind, erg_node *logits, erg_node *from, erg_node *to);

/* Adds to what the step reports a decision, one of `count`, and whether an energy was not finite,
 * both (B). */
void erg_discrete_report(erg_discrete_step *step, int64_t count, erg_node *acceptance,
                         erg_node *not_finite);
/* Goes to `to`, of this energy, with probability min(1, exp(log ratio)) and never if the energy is
 * not finite; reported as one of `count` decisions. Returns where it went, a mask (B). */
erg_node *erg_discrete_accept(erg_discrete_step *step, int64_t count, erg_node *to,
                              erg_node *energy, erg_node *log_ratio);
/* The step, or none of it after a mistake: if a part of it, or what was built last, is NULL. */
erg_discrete_step erg_discrete_done(erg_discrete_step step, erg_node *last);

/* ------------------------------------------------------------------------------- probabilities
 *
 * What the kernels draw from, for tests that enumerate them. */

/* gibbs.c: the energies of x with the masked site turned by 0, 1, ..., (B, states), and the logits
 * of its new state; energy_of_x is known. */
erg_node *erg_gibbs_energies(erg_energy energy, erg_sites kind, erg_node *x, erg_node *energy_of_x,
                             erg_node *mask);
erg_node *erg_gibbs_logits(erg_node *energies);

/* A state with what proposals need to know of it. */
typedef struct erg_site_view {
    erg_node *x, *energy; /* (B, ...), (B) */
    erg_node *logits;     /* of its changes; NULL: all are as likely */
} erg_site_view;

/* single_site.c: logits (B, M), one of all changes is drawn. */
erg_site_view erg_site_view_of(erg_energy energy, erg_sites kind, bool informed, erg_node *x);
/* x after the changes marked by 1, one a chain. */
erg_node *erg_site_change(erg_sites kind, erg_node *x, erg_node *change);
erg_node *erg_site_log_ratio(erg_sites kind, erg_site_view from, erg_site_view to,
                             erg_node *change);

/* discrete_langevin.c: logits as x, for erg_sites_draw. */
erg_site_view erg_discrete_langevin_view(erg_energy energy, erg_sites kind, erg_node *x,
                                         erg_node *step_size);
erg_node *erg_discrete_langevin_log_ratio(erg_sites kind, erg_site_view from, erg_site_view to);

#endif

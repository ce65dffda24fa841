/* metropolis.h: what the transitions of the Metropolis family share. Not installed. */
#ifndef ERG_SAMPLERS_METROPOLIS_H
#define ERG_SAMPLERS_METROPOLIS_H

#include <stdbool.h>

#include "batch.h"

/* The sum over all axes but the first, of a b: (B). */
erg_node *erg_chain_dot(erg_node *a, erg_node *b);

/* Options with their defaults. False after a mistake, which `operation` has made. */
bool erg_metropolis_check(const char *operation, erg_node *x, erg_metropolis_options *options);
/* The step size, a 0-d node. */
erg_node *erg_metropolis_step_size(erg_node *x, erg_metropolis_options options);
/* Accepts y with probability min(1, exp(log_ratio)) where the log ratio (B) is not NaN and E(y) is
 * finite. */
erg_transition erg_metropolis_decide(erg_node *x, erg_node *energy_x, erg_node *y,
                                     erg_node *energy_y, erg_node *log_ratio);

/* L v and L^T v for v (B, ...); v itself if there is no metric. */
erg_node *erg_metric_spread(const erg_metric *metric, erg_node *v);
erg_node *erg_metric_gather(const erg_metric *metric, erg_node *v);
/* True if the metric, which may be NULL, is for states like x. */
bool erg_metric_fits(const erg_metric *metric, const char *operation, erg_node *x);

/* A point of phase space, in whitened coordinates x = L z: momentum r is that of z. */
typedef struct erg_phase {
    erg_node *x, *r;                  /* (B, ...) */
    erg_node *slope;                  /* L^T grad E(x), (B, ...) */
    erg_node *energy, *gradient_norm; /* E(x) and |grad E(x)|, (B) */
} erg_phase;
/* x NULL after a mistake. r may be NULL. */
erg_phase erg_phase_at(erg_energy energy, const erg_metric *metric, erg_node *x, erg_node *r);
/* One leapfrog step; step is 0-d or (B, 1, ...). */
erg_phase erg_leapfrog(erg_energy energy, const erg_metric *metric, erg_phase from, erg_node *step);
/* E + |r|^2 / 2: (B). */
erg_node *erg_phase_hamiltonian(erg_phase point);

/* The leaf that holds a chain's states. */
erg_node *erg_chain_x(const erg_chain *chain);
/* Whether its transition knows its acceptance; if so, a plan that looks ahead, to be freed by the
 * caller, and the mean acceptance of the next move, which is not made: of NUTS, of one leapfrog
 * step. */
bool erg_chain_accepts(const erg_chain *chain);
erg_plan *erg_chain_probe(const erg_chain *chain);
double erg_chain_probe_run(const erg_chain *chain, erg_plan *probe);

/* Doubles or halves the number in `step`, > 0, until the mean acceptance that the probe sees crosses
 * the target. If it never does, an error, and the number is as before. */
erg_status erg_first_step(const erg_chain *chain, erg_plan *probe, erg_tensor *step, double target);

#endif

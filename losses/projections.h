/* projections.h: random vectors for each sample, and what they say about a Hessian. Internal to
 * losses/. */
#ifndef ERG_LOSSES_PROJECTIONS_H
#define ERG_LOSSES_PROJECTIONS_H

#include "losses.h"

/* The option, or its default if it is zero (but not ERG_ZERO). */
double erg_loss_option(double option, double fallback);
/* How many vectors a sample: the option, or 1. */
int64_t erg_projections_count(int64_t option);
/* The vectors v for x (B, ...): (count, B, ...). NULL with an error that names the loss. */
erg_node *erg_projections_draw(const char *loss, erg_node *x, erg_projections projections);
/* mean_k (w v_k)^T H v_k of each sample, (B), with H the derivative of the gradient by x. Its mean
 * is sum_i w_i H_ii. weight has x's shape; NULL: 1. */
erg_node *erg_projections_trace(erg_node *gradient, erg_node *x, erg_node *weight, erg_node *v);
/* Samples moved by noise, (count B, ...): row k B + b is x_b + sigma n_kb. */
erg_node *erg_perturb(const char *loss, erg_node *x, erg_perturbation perturbation);

#endif

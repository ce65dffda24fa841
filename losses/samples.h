/* samples.h: arithmetic of batches of samples (B, ...), for the losses. Internal to losses/. Given
 * NULL, these return NULL. */
#ifndef ERG_LOSSES_SAMPLES_H
#define ERG_LOSSES_SAMPLES_H

#include "losses.h"

/* (B, ...) -> (B, D). */
erg_node *erg_samples_flat(erg_node *x);
/* The sum of each sample's elements, (B, ...) -> (B), and sum_i a_i b_i of each. */
erg_node *erg_samples_sum(erg_node *x);
erg_node *erg_samples_dot(erg_node *a, erg_node *b);
/* 1/2 |x|^2: summed over each sample, averaged over the batch, (). */
erg_node *erg_samples_half_square(erg_node *x);
/* A number for each sample times the sample: (B) and (B, ...). */
erg_node *erg_samples_scale(erg_node *factors, erg_node *x);
/* The batch n times, one after the other: (n B, ...), row k B + b is sample b. */
erg_node *erg_samples_repeat(erg_node *x, int64_t n);
/* The unit vectors that go with the batch repeated D times: (D B, D), row i B + b is e_i. */
erg_node *erg_samples_units(erg_node *x);
/* (n, B, ...) -> (n B, ...) and back, for the energies (n B) -> (n, B). */
erg_node *erg_samples_join(erg_node *x);
erg_node *erg_samples_split(erg_node *energies, int64_t n);
/* Terms of each sample, (n, B): summed over n, averaged over the batch, (). */
erg_node *erg_samples_total(erg_node *terms);

#endif

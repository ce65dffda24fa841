/* special.h: special functions that libm does not have. Internal. */
#ifndef ERG_TENSOR_SPECIAL_H
#define ERG_TENSOR_SPECIAL_H

#define ERG_POLYGAMMA_MAX_ORDER 100

/* The polygamma function: order 0 is the digamma function psi = (log Gamma)', order n its n-th
 * derivative. NaN if the order is not in 0..ERG_POLYGAMMA_MAX_ORDER.
 *
 * Relative error below 1e-13 away from zeros. At the poles 0, -1, -2, ... odd orders are +infinity.
 * Even orders have different limits from the two sides: -infinity at +0, +infinity at -0, NaN at
 * the other poles. */
double erg_scalar_polygamma(int order, double x);

#endif

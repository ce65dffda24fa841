/* chains.h: the draws of one quantity, chain by chain, and statistics of them. Internal. */
#ifndef ERG_SAMPLERS_CHAINS_H
#define ERG_SAMPLERS_CHAINS_H

#include <stdbool.h>

#include "samplers.h"

/* Draw t of chain c is x[c n + t]. */
typedef struct erg_chains {
    int64_t chains, n;
    double *x;
} erg_chains;

/* The sizes of draws (n, chains, ...), and the number of elements of a state. Refuses other shapes,
 * and fewer than `least` draws, in the name of `who`. */
erg_status erg_chains_check(const char *who, const erg_tensor *draws, int64_t least,
                            int64_t *elements);
/* Room for as many numbers as draws (n, chains, ...) has of one element; x is NULL if memory is
 * short, with a message in the name of `who`. The caller frees x. */
erg_chains erg_chains_new(const char *who, const erg_tensor *draws);
/* Copies one element of the states. */
void erg_chains_read(erg_chains *chains, const erg_tensor *draws, int64_t element);

/* The autocovariance of n numbers about their mean, divided by n: covariance[t], t = 0 .. n - 1, from
 * work, which holds 2 erg_padded_size(n) numbers. Returns the mean. */
int64_t erg_padded_size(int64_t n);
double erg_autocovariance(const double *x, int64_t n, double *covariance, double *work);

/* The quantile of sorted numbers, linear between them (Hyndman & Fan 1996, type 7). */
double erg_quantile(const double *sorted, int64_t n, double p);
/* Sorts numbers, none of them NaN. */
void erg_sort(double *x, int64_t n);
/* Ranks from 1 to n; equal numbers share their average rank. None is NaN. */
erg_status erg_ranks(const double *x, int64_t n, double *ranks);

#endif

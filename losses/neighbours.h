/* neighbours.h: the neighbours of a discrete sample, which differ from it in one site. Internal to
 * losses/. */
#ifndef ERG_LOSSES_NEIGHBOURS_H
#define ERG_LOSSES_NEIGHBOURS_H

#include <stdbool.h>

#include "losses.h"

/* Data of S sites with K states each, C numbers a site: K of a one-hot vector, else one. */
typedef struct erg_site_data {
    erg_sites kind;
    int64_t batch, sites, states, numbers; /* B, S, K, C */
    erg_shape shape;                       /* of the data */
    erg_node *x;                           /* (B, S, C) */
} erg_site_data;

/* Reads the data's shape. False, with an error that names the loss, if it has no such sites. */
bool erg_site_data_of(const char *loss, erg_node *data, erg_sites kind, erg_site_data *result);
/* The energies of samples (n B, S, C) in the data's shape, as (n, B). */
erg_node *erg_site_energies(const erg_site_data *data, erg_energy energy, erg_node *samples);

/* mean over samples x of sum f(E(x) - E(y)) over the neighbours y: f makes of the drops (K - 1, S, B),
 * row k those of the neighbours in which a site has been turned k + 1 states on, terms (..., B). */
erg_node *erg_neighbours_loss(const char *loss, erg_energy energy, erg_node *data, erg_sites kind,
                              erg_node *(*f)(erg_node *drops));

#endif

/* log_z.h: what the tests of partition functions share: the critical coupling of the Ising model, a
 * machine whose Z is known, energies that are 0 and that are NaN. */
#ifndef ERG_TESTS_LOG_Z_H
#define ERG_TESTS_LOG_Z_H

#include "modules.h"

#define K_CRITICAL 0.44068679350977147

/* The RBM with units 0/1 whose sums are known. */
static const double weight[] = {-.5, .25, 0, -.5, .5, 0};
static const double visible_bias[] = {-.125, 0, .125}, hidden_bias[] = {.25, -.25};
static const double rbm_log_z = 3.4906674731100645;

static inline erg_rbm known_rbm(erg_graph *g) {
    return (erg_rbm){.weight = input_of(g, ERG_SHAPE(3, 2), weight),
                     .visible_bias = input_of(g, ERG_SHAPE(3), visible_bias),
                     .hidden_bias = input_of(g, ERG_SHAPE(2), hidden_bias)};
}

static inline erg_node *nothing(void *self, erg_node *x) {
    (void)self;
    erg_node *flat = erg_flatten(x, 1);
    return erg_mul_scalar(erg_sum(flat, ERG_AXES(1), 0), 0);
}

static inline erg_node *nan_energy(void *self, erg_node *x) {
    return erg_log(erg_add_scalar(nothing(self, x), -1));
}

#endif

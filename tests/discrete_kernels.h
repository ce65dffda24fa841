/* discrete_kernels.h: samplers of discrete states with one signature, for tables of tests. */
#ifndef ERG_TESTS_DISCRETE_KERNELS_H
#define ERG_TESTS_DISCRETE_KERNELS_H

#include "../samplers/discrete.h"

typedef erg_discrete_step (*discrete_kernel)(erg_energy energy, erg_node *x, erg_sites kind);

static const double STEP = 0.7;

static inline erg_discrete_step raster_step(erg_energy energy, erg_node *x, erg_sites kind) {
    return erg_gibbs(energy, x, (erg_gibbs_options){.sites = kind});
}

static inline erg_discrete_step random_step(erg_energy energy, erg_node *x, erg_sites kind) {
    const erg_gibbs_options options = {.sites = kind, .scan = ERG_SCAN_RANDOM, .updates = 1};
    return erg_gibbs(energy, x, options);
}

static inline erg_discrete_step metropolis_step(erg_energy energy, erg_node *x, erg_sites kind) {
    return erg_metropolis_flips(energy, x, (erg_flips_options){.sites = kind});
}

static inline erg_discrete_step gradients_step(erg_energy energy, erg_node *x, erg_sites kind) {
    return erg_gibbs_with_gradients(energy, x, (erg_flips_options){.sites = kind});
}

static inline erg_discrete_step langevin_step(erg_energy energy, erg_node *x, erg_sites kind) {
    const erg_discrete_langevin_options options = {.sites = kind, .step_size = STEP};
    return erg_discrete_langevin(energy, x, options);
}

static inline erg_discrete_step uncorrected_step(erg_energy energy, erg_node *x, erg_sites kind) {
    erg_discrete_langevin_options options = {.sites = kind, .uncorrected = 1};
    options.step_size_node = erg_scalar(erg_node_graph(x), erg_node_dtype(x), STEP);
    return erg_discrete_langevin(energy, x, options);
}

static inline erg_discrete_step block_step(erg_energy energy, erg_node *x, erg_sites kind) {
    erg_node *blocks[2];
    int64_t sites = erg_sites_count(kind, x);
    for (int colour = 0; colour < 2; colour++)
        blocks[colour] =
            erg_checkerboard(erg_node_graph(x), erg_node_dtype(x), ERG_SHAPE(sites), colour);
    return erg_block_gibbs(energy, x, blocks, 2, kind);
}

#endif

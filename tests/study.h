/* study.h: chains of one transition with a warm-up, for tests of densities that are hard. */
#ifndef ERG_TESTS_STUDY_H
#define ERG_TESTS_STUDY_H

#include "mcmc.h"

/* All in the graph. */
typedef struct study {
    erg_graph *graph;
    erg_node *x, *step;
    erg_metric *metric;
    counted counted;
} study;

typedef erg_transition maker(erg_energy energy, erg_node *x, erg_metropolis_options options);

static inline study new_study(maker *make, erg_energy energy, erg_graph *g, erg_shape shape,
                              erg_mass mass) {
    study s = {.graph = g, .x = erg_input(g, "x", ERG_FLOAT64, shape)};
    s.step = number_input(g, 0.1);
    erg_shape sample = erg_shape_make(shape.ndim - 1, shape.dims + 1);
    s.metric = erg_metric_new(g, "metric", ERG_FLOAT64, sample, mass);
    erg_metropolis_options o = {.step_size_node = s.step, .metric = s.metric};
    s.counted = count_chain(s.x, make(energy, s.x, o));
    fill_normal(s.x, 91);
    return s;
}

static inline void free_study(study s) {
    erg_chain_free(s.counted.chain);
    erg_graph_free(s.graph);
}

static inline void warm_up(study s, int64_t n, double target) {
    erg_warm_up_options o = {.metric = s.metric, .target = target};
    ck_assert_msg(erg_warm_up(s.counted.chain, s.counted.statistics, s.step, n, o) == ERG_OK, "%s",
                  erg_error_message());
    ck_assert_double_eq(summary_of(s.counted).transitions, 0);
}

#endif

/* models.h: what the tests of energies with params share: how to apply one, a classifier, and all
 * states of a few units. */
#ifndef ERG_TESTS_MODELS_H
#define ERG_TESTS_MODELS_H

#include "module_checks.h"

/* The energy of x; NULL if the energy could not be made. */
static inline erg_node *apply(erg_node *(*fn)(void *, erg_node *), void *self, erg_node *x) {
    return self ? erg_energy_apply((erg_energy){fn, self}, x) : NULL;
}

/* The same for energies of two; NULL if there is no condition either. */
static inline erg_node *apply_pair(erg_node *(*fn)(void *, erg_node *, erg_node *), void *self,
                                   erg_node *x, erg_node *condition) {
    return self && condition ? erg_pair_energy_apply((erg_pair_energy){fn, self}, x, condition)
                             : NULL;
}

/* ------------------------------------------------------------------------------- a classifier */

/* Three classes of vectors of three elements, by a network "m". */
static inline erg_node *logits(void *self, erg_node *x) {
    return erg_mlp_apply(self, x);
}

static inline erg_mlp *network(erg_graph *g) {
    return erg_mlp_new(g, "m", (int64_t[]){3, 4, 3}, 3,
                       (erg_mlp_options){F64_OPTIONS, .activation = ERG_TANH});
}

/* The labels of three samples. */
static inline erg_node *labels(erg_graph *g, const int *numbers) {
    erg_node *label = erg_input(g, NULL, ERG_INT32, ERG_SHAPE(3));
    for (int i = 0; i < 3; i++)
        erg_tensor_set(erg_value(label), i, numbers[i]);
    return label;
}

/* ------------------------------------------------------------------------------- states */

/* The states of n binary units, in the order of counting. */
static inline erg_node *states(erg_graph *g, int n, double off, double on) {
    int64_t count = (int64_t)1 << n;
    erg_node *all = erg_input(g, NULL, ERG_FLOAT64, ERG_SHAPE(count, n));
    for (int64_t i = 0; i < count * n; i++)
        erg_tensor_set(erg_value(all), i, i / n >> i % n & 1 ? on : off);
    return all;
}

#endif

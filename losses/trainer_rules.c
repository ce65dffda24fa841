/* trainer_rules.c: the optimisers of nn/ as rules of a trainer. Each takes the options of its own,
 * of which what the trainer keeps (rate, gradients, step) must be left alone: two learning rates
 * would be one too many. */
#include "losses.h"

/* o: a copy of the options, or zeros, which gets what the trainer keeps. NULL if it has that. */
#define RULE(name, type)                                                                           \
    erg_node *erg_##name##_rule(void *self, const erg_update *update) {                            \
        const type none = {0};                                                                     \
        type o = self ? *(const type *)self : none;                                                \
        if (!update)                                                                               \
            return erg_graph_fail(NULL, #name "_rule: no update");                                 \
        if (o.learning_rate != 0 || o.learning_rate_node || o.gradients || o.step)                 \
            return erg_graph_fail(erg_node_graph(update->loss),                                    \
                                  #name "_rule: learning rate, gradients and step are the "        \
                                        "trainer's options");                                      \
        o.learning_rate_node = update->learning_rate;                                              \
        o.gradients = update->gradients;                                                           \
        o.step = update->step;                                                                     \
        return erg_##name(update->loss, update->params, update->n, o);                             \
    }

RULE(adam, erg_adam_options)
RULE(adamw, erg_adam_options)
RULE(sgd, erg_sgd_options)
RULE(rmsprop, erg_rmsprop_options)
RULE(adagrad, erg_adagrad_options)

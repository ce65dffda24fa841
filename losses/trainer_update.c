/* trainer_update.c: one step of training as one plan,
 *
 *     loss -> gradients -> clipped -> the rule's update -> averages,
 *
 * with everything that it stores stored on one condition: that the loss and the norm of its gradient
 * are finite. A step that is not has no effects; params, moments and averages are as before it, so
 * that it can be looked into and done again. */
#include <float.h>

#include "trainer.h"

/* The norm of all gradients together, (). */
static erg_node *norm_of(erg_node *const *gradients, int n) {
    erg_node *sum = NULL;
    for (int k = 0; k < n; k++) {
        erg_node *square = erg_sum(erg_square(gradients[k]), ERG_ALL, 0);
        sum = k ? erg_add(sum, square) : square;
    }
    return erg_sqrt(sum);
}

/* 1 if the float () is finite, else 0: NaN compares as false. */
static erg_node *is_finite(erg_node *x) {
    double greatest = erg_node_dtype(x) == ERG_FLOAT32 ? FLT_MAX : DBL_MAX;
    return erg_less_equal(erg_abs(x), erg_full_like(x, greatest));
}

static erg_node *learning_rate(const erg_trainer *t) {
    erg_node *given = t->options.learning_rate_node;
    erg_node *rate = given ? erg_cast(given, ERG_FLOAT64)
                           : erg_scalar(t->graph, ERG_FLOAT64, t->options.learning_rate);
    return erg_mul(rate, t->rate_factor);
}

/* The params after the step, and what comes with it: one effect. */
static erg_node *effects_of(erg_trainer *t, const erg_update *update) {
    erg_node *moved = t->options.rule.fn(t->options.rule.self, update), *all[3] = {moved};
    int n = 1;
    if (!moved)
        return erg_graph_fail(t->graph, "trainer: the rule gave no update");
    if (erg_after(moved, t->step) == t->step)
        return erg_graph_fail(t->graph, "trainer: the rule does not raise the step");
    if (t->options.ema_decay > 0) {
        t->ema = erg_ema_new(t->params, t->n,
                             (erg_ema_options){.decay = t->options.ema_decay, .after = moved});
        all[n++] = t->ema ? t->ema->update : NULL;
    }
    if (t->options.also)
        all[n++] = t->options.also;
    return erg_group(all, n);
}

void erg_trainer_build_update(erg_trainer *t) {
    erg_node **gradients = erg_graph_alloc(t->graph, (size_t)t->n * sizeof *gradients);
    if (!gradients)
        return;
    erg_grad(t->loss, t->params, t->n, gradients);
    if (erg_graph_error(t->graph))
        return;
    erg_node *norm = norm_of(gradients, t->n);
    if (t->options.clip_value > 0)
        erg_clip_value(gradients, t->n, t->options.clip_value);
    if (t->options.clip_norm > 0)
        erg_clip_norm(gradients, t->n, t->options.clip_norm);
    const erg_update update = {.loss = t->loss,
                               .params = t->params,
                               .n = t->n,
                               .gradients = gradients,
                               .learning_rate = learning_rate(t),
                               .step = t->step};
    erg_node *effects = effects_of(t, &update);
    erg_node *finite =
        erg_mul(erg_cast(is_finite(t->loss), ERG_FLOAT32), erg_cast(is_finite(norm), ERG_FLOAT32));
    t->outputs[OUTPUT_LOSS] = t->loss;
    t->outputs[OUTPUT_GRADIENT] = norm;
    t->outputs[OUTPUT_RATE] = update.learning_rate;
    t->outputs[OUTPUT_EFFECTS] = erg_assign_if(finite, effects);
}

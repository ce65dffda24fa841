/* sites.c: bits, spins and one-hot vectors under one roof. The first two are numbers with a low and
 * a high value; a change of theirs is x -> low + high - x. */
#include <string.h>

#include "discrete.h"

/* ------------------------------------------------------------------------------- shapes */

erg_node *erg_sites_start(const char *function, erg_sites kind, erg_node *x) {
    erg_shape shape = erg_node_shape(x);
    int inner = kind == ERG_ONE_HOT;
    char text[ERG_SHAPE_TEXT];
    if (!x)
        return erg_graph_fail(NULL, "%s: no x", function);
    if (kind < ERG_BITS || kind > ERG_ONE_HOT)
        return erg_graph_fail(erg_node_graph(x), "%s: unknown kind of sites %d", function,
                              (int)kind);
    if (erg_node_dtype(x) == ERG_INT32 || shape.ndim < 1 + inner ||
        (inner && shape.dims[shape.ndim - 1] < 2) || erg_sites_count(kind, x) < 1 ||
        erg_sites_count(kind, x) > INT32_MAX)
        return erg_graph_fail(erg_node_graph(x), "%s: x is %s %s, must be a float (B, sites...%s)",
                              function, erg_dtype_name(erg_node_dtype(x)),
                              erg_shape_text(shape, text),
                              inner ? ", states), 2 states or more" : ")");
    return erg_stop_gradient(x);
}

int64_t erg_sites_count(erg_sites kind, erg_node *x) {
    erg_shape shape = erg_node_shape(x);
    int64_t count = 1;
    for (int axis = 1; axis < shape.ndim - (kind == ERG_ONE_HOT); axis++)
        count *= shape.dims[axis];
    return count;
}

int64_t erg_sites_states(erg_sites kind, erg_node *x) {
    erg_shape shape = erg_node_shape(x);
    return kind == ERG_ONE_HOT ? shape.dims[shape.ndim - 1] : 2;
}

erg_node *erg_sites_any(erg_sites kind, erg_node *x) {
    erg_shape chains = ERG_SHAPE(erg_node_shape(x).dims[0]);
    erg_node *u = erg_uniform(erg_node_graph(x), ERG_FLOAT64, chains);
    return erg_cast(erg_mul_scalar(u, (double)erg_sites_count(kind, x)), ERG_INT32);
}

erg_node *erg_sites_mask(erg_sites kind, erg_node *x, erg_node *site) {
    erg_node *mask = erg_one_hot(site, erg_sites_count(kind, x), erg_node_dtype(x));
    erg_shape shape = erg_node_shape(x);
    shape.dims[0] = erg_node_shape(site).ndim ? shape.dims[0] : 1;
    if (kind == ERG_ONE_HOT)
        shape.dims[shape.ndim - 1] = 1;
    return erg_reshape(mask, shape.ndim, shape.dims);
}

/* ------------------------------------------------------------------------------- changes */

/* low + high - x */
static erg_node *opposite(erg_sites kind, erg_node *x) {
    return kind == ERG_BITS ? erg_sub(erg_full_like(x, 1), x) : erg_neg(x);
}

erg_node *erg_sites_turn(erg_sites kind, erg_node *x, int64_t places) {
    if (kind != ERG_ONE_HOT)
        return places ? opposite(kind, x) : x;
    int64_t split = erg_sites_states(kind, x) - places;
    erg_node *last = erg_slice(x, -1, split, ERG_END, 1), *first = erg_slice(x, -1, 0, split, 1);
    return erg_concat((erg_node *[]){last, first}, 2, -1);
}

erg_node *erg_sites_gain(erg_sites kind, erg_node *x, erg_node *gradient) {
    if (kind != ERG_ONE_HOT)
        return erg_mul(gradient, erg_sub(x, opposite(kind, x)));
    return erg_sub(erg_sum(erg_mul(gradient, x), ERG_AXES(-1), 1), gradient);
}

erg_node *erg_sites_draw(erg_sites kind, erg_node *x, erg_node *logits) {
    if (kind == ERG_ONE_HOT)
        return erg_one_hot(erg_categorical(logits), erg_sites_states(kind, x), erg_node_dtype(x));
    return erg_where(erg_bernoulli(erg_sigmoid(logits)), opposite(kind, x), x);
}

erg_node *erg_sites_log_prob(erg_sites kind, erg_node *logits, erg_node *from, erg_node *to) {
    if (kind == ERG_ONE_HOT)
        return erg_chain_total(erg_where(to, erg_log_softmax(logits, -1), erg_full_like(to, 0)));
    return erg_chain_total(
        erg_where(erg_equal(from, to), erg_log_sigmoid(erg_neg(logits)), erg_log_sigmoid(logits)));
}

/* ------------------------------------------------------------------------------- chains */

void erg_discrete_report(erg_discrete_step *step, int64_t count, erg_node *acceptance,
                         erg_node *not_finite) {
    erg_node *share = erg_mul_scalar(acceptance, 1 / (double)count);
    step->acceptance = step->acceptance ? erg_add(step->acceptance, share) : share;
    step->not_finite = step->not_finite ? erg_logical_or(step->not_finite, not_finite) : not_finite;
}

erg_node *erg_discrete_accept(erg_discrete_step *step, int64_t count, erg_node *to,
                              erg_node *energy, erg_node *log_ratio) {
    erg_node *u =
        erg_uniform(erg_node_graph(energy), erg_node_dtype(energy), erg_node_shape(energy));
    erg_node *finite = erg_finite_mask(energy), *ratio = erg_exp(log_ratio);
    erg_node *zero = erg_full_like(energy, 0), *one = erg_full_like(energy, 1);
    erg_node *possible = erg_logical_and(finite, erg_greater(ratio, zero)); /* no NaN */
    erg_node *acceptance = erg_where(possible, erg_minimum(ratio, one), zero);
    erg_node *accepted = erg_less(u, acceptance);
    erg_discrete_report(step, count, acceptance, erg_logical_not(finite));
    step->next = erg_chain_where(accepted, to, step->next);
    step->energy = erg_where(accepted, energy, step->energy);
    return accepted;
}

erg_discrete_step erg_discrete_done(erg_discrete_step step, erg_node *last) {
    bool whole = step.next && step.energy && step.acceptance && step.not_finite && last;
    return whole ? step : (erg_discrete_step){0};
}

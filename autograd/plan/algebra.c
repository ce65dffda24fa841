/* algebra.c: identities of elementwise operations.
 *
 * An identity of the real numbers is used if it holds for NaN and infinities too: x * 0 is not 0,
 * and x - x is not. Rules marked (0) may change the sign of a zero. */
#include <math.h>

#include "simplify.h"

#define A (node->in[0])
#define B (node->in[1])
#define RULE(name) static erg_node *name(erg_node *node)

/* x, if the node is -x. */
static erg_node *negated(erg_node *node) {
    return node->op == ERG_OP_neg ? node->in[0] : NULL;
}

/* True if every element is 0 or 1. */
static bool is_mask(const erg_node *x) {
    return x->op == ERG_OP_less || x->op == ERG_OP_less_equal || x->op == ERG_OP_equal ||
           erg_is_full(x, 0) || erg_is_full(x, 1);
}

/* m, if the node is "m = 0": the logical not of m. */
static erg_node *inverted(erg_node *node) {
    return node->op == ERG_OP_equal && erg_is_full(B, 0) ? A : NULL;
}

/* ------------------------------------------------------------------------------- + and - */

RULE(add_zero) { /* (0) */
    return erg_is_full(B, 0) ? A : erg_is_full(A, 0) ? B : NULL;
}

RULE(add_negated) { /* a + (-b) = a - b */
    return negated(B) ? erg_sub(A, negated(B)) : negated(A) ? erg_sub(B, negated(A)) : NULL;
}

RULE(subtract_zero) { /* (0) */
    return erg_is_full(B, 0) ? A : NULL;
}

RULE(subtract_from_zero) { /* (0) */
    return erg_is_full(A, 0) ? erg_neg(B) : NULL;
}

RULE(subtract_negated) { /* a - (-b) = a + b */
    return negated(B) ? erg_add(A, negated(B)) : NULL;
}

RULE(negate_twice) {
    return negated(A);
}

RULE(negate_difference) { /* (0): -(a - b) = b - a */
    return A->op == ERG_OP_sub ? erg_sub(A->in[1], A->in[0]) : NULL;
}

RULE(magnitude) { /* ||x|| = |-x| = |x| */
    return A->op == ERG_OP_abs ? A : negated(A) ? erg_abs(negated(A)) : NULL;
}

/* ------------------------------------------------------------------------------- * and / */

RULE(multiply_by_one) {
    return erg_is_full(B, 1) ? A : erg_is_full(A, 1) ? B : NULL;
}

RULE(multiply_by_minus_one) {
    return erg_is_full(B, -1) ? erg_neg(A) : erg_is_full(A, -1) ? erg_neg(B) : NULL;
}

RULE(multiply_negated) { /* (-a)(-b) = ab; (-a) c = a (-c) for a number c */
    if (negated(A) && negated(B))
        return erg_mul(negated(A), negated(B));
    if (negated(A) && B->op == ERG_OP_full)
        return erg_mul(negated(A), erg_full_like(B, -B->number));
    if (negated(B) && A->op == ERG_OP_full)
        return erg_mul(erg_full_like(A, -A->number), negated(B));
    return NULL;
}

RULE(multiply_mask_by_zero) { /* (0): only what is known to be finite vanishes */
    bool vanishes = (is_mask(A) && erg_is_full(B, 0)) || (is_mask(B) && erg_is_full(A, 0));
    return vanishes ? erg_full_like(node, 0) : NULL;
}

RULE(divide_by_one) {
    return erg_is_full(B, 1) ? A : erg_is_full(B, -1) ? erg_neg(A) : NULL;
}

RULE(divide_negated) {
    return negated(A) && negated(B) ? erg_div(negated(A), negated(B)) : NULL;
}

/* x / 2^k = x 2^-k exactly, if 2^-k is a normal number. */
RULE(divide_by_power_of_two) {
    int exponent, limit = node->dtype == ERG_FLOAT32 ? 120 : 1000;
    if (B->op != ERG_OP_full || fabs(frexp(B->number, &exponent)) != 0.5 || exponent > limit ||
        exponent < -limit)
        return NULL;
    return erg_mul(A, erg_full_like(B, 1 / B->number));
}

/* ------------------------------------------------------------------------------- powers */

/* Up to rounding. x^(1/2) is not here: sqrt(-infinity) is NaN and (-infinity)^(1/2) is not. */
RULE(small_power) {
    if (erg_is_full(B, 0))
        return erg_full_like(node, 1); /* also of NaN, as C has it */
    if (erg_is_full(B, 1))
        return A;
    if (erg_is_full(B, 2))
        return erg_mul(A, A);
    if (erg_is_full(B, 3))
        return erg_mul(A, erg_simplified(erg_mul(A, A)));
    return erg_is_full(B, -1) ? erg_div(erg_full_like(A, 1), A) : NULL;
}

/* ------------------------------------------------------------------------------- masks */

RULE(select_known) {
    if (A->op == ERG_OP_full)
        return A->number != 0 ? B : node->in[2];
    return B == node->in[2] ? B : NULL;
}

RULE(select_by_inverted) { /* a NaN is not 0: it selects the same arm in both forms */
    return inverted(A) ? erg_where(inverted(A), node->in[2], B) : NULL;
}

RULE(select_one_or_zero) { /* (0) */
    return is_mask(A) && erg_is_full(B, 1) && erg_is_full(node->in[2], 0) ? A : NULL;
}

RULE(invert_twice) {
    erg_node *inner = inverted(node);
    return inner && inverted(inner) && is_mask(inverted(inner)) ? inverted(inner) : NULL;
}

RULE(extremum_of_same) {
    return A == B ? A : NULL;
}

/* ------------------------------------------------------------------------------- identities */

RULE(cast_to_same) {
    return A->dtype == node->dtype ? A : NULL;
}

/* Every float32 and every int32 is a float64, so a step through float64 changes nothing. */
RULE(cast_through_float64) {
    return A->op == ERG_OP_cast && A->dtype == ERG_FLOAT64 ? erg_cast(A->in[0], node->dtype) : NULL;
}

RULE(no_gradient_wanted) { /* derivatives have been built by now */
    return A;
}

static const erg_simplify_table rules = {
    [ERG_OP_add] = {add_zero, add_negated},
    [ERG_OP_sub] = {subtract_zero, subtract_from_zero, subtract_negated},
    [ERG_OP_neg] = {negate_twice, negate_difference},
    [ERG_OP_abs] = {magnitude},
    [ERG_OP_mul] = {multiply_by_one, multiply_by_minus_one, multiply_negated,
                    multiply_mask_by_zero},
    [ERG_OP_div] = {divide_by_one, divide_negated, divide_by_power_of_two},
    [ERG_OP_pow] = {small_power},
    [ERG_OP_where] = {select_known, select_by_inverted, select_one_or_zero},
    [ERG_OP_equal] = {invert_twice},
    [ERG_OP_maximum] = {extremum_of_same},
    [ERG_OP_minimum] = {extremum_of_same},
    [ERG_OP_cast] = {cast_to_same, cast_through_float64},
    [ERG_OP_stop_gradient] = {no_gradient_wanted},
};

/* ------------------------------------------------------------------------------- stretching */

/* x, if a node stretches x. */
static erg_node *stretched(erg_node *node) {
    return node->op == ERG_OP_broadcast ? node->in[0] : NULL;
}

/* f(stretched a, stretched b, numbers) = stretched f(a, b, numbers): fewer elements to compute. */
static erg_node *stretch_later(erg_node *node) {
    enum { MOST_OPERANDS = 3 };
    erg_node *small[MOST_OPERANDS], *first = NULL;
    for (int k = 0; k < node->n_in; k++) {
        erg_node *x = node->in[k], *source = stretched(x);
        if (!source && x->op != ERG_OP_full)
            return NULL;
        if (source && first && !erg_shape_equal(source->shape, first->shape))
            return NULL;
        first = first ? first : source;
    }
    if (!first)
        return NULL;
    for (int k = 0; k < node->n_in; k++) {
        erg_node *x = node->in[k];
        small[k] =
            stretched(x) ? stretched(x) : erg_full(x->graph, x->dtype, first->shape, x->number);
    }
    erg_node prototype = *node;
    prototype.in = small;
    prototype.name = NULL;
    erg_node *value = erg_simplified(erg_node_new(&prototype));
    return value ? erg_broadcast(value, node->shape) : NULL;
}

erg_node *erg_simplify_algebra(erg_node *node) {
    erg_node *other = erg_simplify_by(rules, node);
    if (!other && erg_ops[node->op].flags & ELEMENTWISE)
        other = stretch_later(node);
    return other;
}

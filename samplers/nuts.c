/* nuts.c: the no-U-turn sampler, for many chains in step. Each run of the plan makes one leapfrog
 * step of every chain, whose tree lies in states of the graph.
 *
 * A trajectory doubles: again and again a direction is drawn and the trajectory is prolonged there
 * by as many points as it has, until it turns back. It turns between two points with momenta r and
 * r' when (Betancourt 2017, A.4.2; the sum rho of the momenta between them is near the integral of
 * r dt, and by the trapezoidal rule the ends count half)
 *     r . (rho - (r + r') / 2) <= 0   or   r' . (rho - (r + r') / 2) <= 0.
 * If a subtree of the new half turns, or diverges, the new half is dropped. Else a point of it,
 * drawn with weights exp(-H), becomes the next state with probability min(1, weight of the new
 * half / weight of the old).
 *
 * Recursion visits the subtrees of a new half in the order of their last points: point n closes
 * those of 2^k points for which 2^k divides n + 1. So each level k remembers where its present
 * subtree began (Phan, Pradhan & Jankowiak 2019), and no recursion is needed. */
#include <math.h>

#include "metropolis.h"

/* The tree, chain by chain. */
typedef struct tree {
    erg_node *left_x, *left_r, *left_slope;    /* (B, ...): the two ends, */
    erg_node *right_x, *right_r, *right_slope; /* */
    erg_node *sum, *weight;                    /* sum of r, and log of the sum of exp(-H) */
    erg_node *new_sum, *new_weight;            /* the same of the new half */
    erg_node *draw, *draw_energy;              /* the point drawn from the new half */
    erg_node *first_r, *sum_before;            /* (B, K, D): where each level's subtree began */
    erg_node *direction, *size, *count;        /* (B): size of the new half, points it has */
    erg_node *start;                           /* (B): H at the start */
    erg_node *energy, *gradient_norm;          /* (B): of x */
    erg_node *accept, *steps;                  /* (B): sum of min(1, exp(-dH)), leapfrog steps */
    erg_node *busy;                            /* (B) */
} tree;

/* Weights are logs relative to the start: less than any that counts, yet finite. */
static const double NO_WEIGHT = -1e30;

/* log(exp(a) + exp(b)) */
static erg_node *log_add(erg_node *a, erg_node *b) {
    erg_node *difference = erg_neg(erg_abs(erg_sub(a, b)));
    return erg_add(erg_maximum(a, b), erg_log1p(erg_exp(difference)));
}

static erg_node *uniform_like(erg_node *x) {
    return erg_uniform(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
}

static erg_node *rademacher_like(erg_node *x) {
    return erg_rademacher(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
}

static int levels_of(int max_depth) {
    return max_depth > 1 ? max_depth - 1 : 1;
}

static tree make_states(erg_node *x, erg_metropolis_options o) {
    erg_graph *g = erg_node_graph(x);
    erg_dtype dtype = erg_node_dtype(x);
    erg_shape all = erg_node_shape(x), chains = ERG_SHAPE(all.dims[0]);
    int64_t d = 1;
    for (int i = 1; i < all.ndim; i++)
        d *= all.dims[i];
    erg_shape levels = ERG_SHAPE(all.dims[0], levels_of(o.max_depth), d);
    erg_scope_push(g, o.name);
    if (erg_graph_error(g))
        return (tree){0};
    tree t = {
        .left_x = erg_state(g, "left_x", dtype, all),
        .left_r = erg_state(g, "left_r", dtype, all),
        .left_slope = erg_state(g, "left_slope", dtype, all),
        .right_x = erg_state(g, "right_x", dtype, all),
        .right_r = erg_state(g, "right_r", dtype, all),
        .right_slope = erg_state(g, "right_slope", dtype, all),
        .sum = erg_state(g, "sum", dtype, all),
        .weight = erg_state(g, "weight", dtype, chains),
        .new_sum = erg_state(g, "new_sum", dtype, all),
        .new_weight = erg_state(g, "new_weight", dtype, chains),
        .draw = erg_state(g, "draw", dtype, all),
        .draw_energy = erg_state(g, "draw_energy", dtype, chains),
        .first_r = erg_state(g, "first_r", dtype, levels),
        .sum_before = erg_state(g, "sum_before", dtype, levels),
        .direction = erg_state(g, "direction", dtype, chains),
        .size = erg_state(g, "size", dtype, chains),
        .count = erg_state(g, "count", dtype, chains),
        .start = erg_state(g, "start", dtype, chains),
        .energy = erg_state(g, "energy", dtype, chains),
        .gradient_norm = erg_state(g, "gradient_norm", dtype, chains),
        .accept = erg_state(g, "accept", dtype, chains),
        .steps = erg_state(g, "steps", dtype, chains),
        .busy = erg_state(g, "busy", dtype, chains),
    };
    erg_scope_pop(g);
    return t;
}

/* ------------------------------------------------------------------------------- the start */

/* A trajectory of the one point p. */
static erg_node *begin(const tree *t, erg_phase p) {
    erg_node *r = p.r;
    erg_node *zero = erg_full_like(p.energy, 0), *one = erg_full_like(p.energy, 1);
    erg_node *effects[] = {
        erg_assign(t->left_x, p.x),
        erg_assign(t->left_r, r),
        erg_assign(t->left_slope, p.slope),
        erg_assign(t->right_x, p.x),
        erg_assign(t->right_r, r),
        erg_assign(t->right_slope, p.slope),
        erg_assign(t->sum, r),
        erg_assign(t->weight, zero),
        erg_assign(t->new_sum, erg_full_like(r, 0)),
        erg_assign(t->new_weight, erg_full_like(zero, NO_WEIGHT)),
        erg_assign(t->direction, rademacher_like(zero)),
        erg_assign(t->size, one),
        erg_assign(t->count, zero),
        erg_assign(t->start, erg_phase_hamiltonian(p)),
        erg_assign(t->energy, p.energy),
        erg_assign(t->gradient_norm, p.gradient_norm),
        erg_assign(t->accept, zero),
        erg_assign(t->steps, zero),
        erg_assign(t->busy, one),
    };
    return erg_group(effects, (int)(sizeof effects / sizeof *effects));
}

/* ------------------------------------------------------------------------------- U-turns */

/* Mask, without the last axis: momenta r and s at the ends of a sum rho of momenta have turned. */
static erg_node *turned(erg_node *r, erg_node *s, erg_node *rho) {
    erg_node *between = erg_sub(rho, erg_mul_scalar(erg_add(r, s), 0.5));
    erg_node *at_r = erg_sum(erg_mul(r, between), ERG_AXES(-1), 0);
    erg_node *at_s = erg_sum(erg_mul(s, between), ERG_AXES(-1), 0);
    return erg_less_equal(erg_minimum(at_r, at_s), erg_full_like(at_r, 0));
}

/* (B, ...) -> (B, D) */
static erg_node *rows(erg_node *x) {
    erg_shape shape = erg_node_shape(x);
    return shape.ndim > 1 ? erg_flatten(x, 1) : erg_unsqueeze(x, 1);
}

/* 2, 4, 8, ...: the sizes of the levels' subtrees, (1, K). */
static erg_node *level_sizes(erg_node *like) {
    int64_t k = erg_node_shape(like).dims[1];
    erg_tensor *sizes = erg_tensor_new(erg_node_dtype(like), ERG_SHAPE(1, k));
    for (int64_t i = 0; sizes && i < k; i++)
        erg_tensor_set(sizes, i, exp2((double)(i + 1)));
    erg_node *node = sizes ? erg_constant(erg_node_graph(like), sizes) : NULL;
    erg_tensor_free(sizes);
    return node;
}

/* Where point number count opens and closes the levels' subtrees: what the levels remember, and
 * whether (B) one of those closed has turned. */
typedef struct levels {
    erg_node *first_r, *sum_before, *turned;
} levels;

static levels visit(const tree *t, erg_node *r, erg_node *sum) {
    erg_node *sizes = level_sizes(t->first_r), *count = erg_unsqueeze(t->count, 1);
    erg_node *place = erg_sub(count, erg_mul(sizes, erg_floor(erg_div(count, sizes))));
    erg_node *opens = erg_unsqueeze(erg_equal(place, erg_full_like(place, 0)), 2);
    erg_node *closes = erg_equal(place, erg_add_scalar(sizes, -1));
    erg_node *now = erg_unsqueeze(rows(r), 1), *after = erg_unsqueeze(rows(sum), 1);
    levels l = {.first_r = erg_where(opens, now, t->first_r),
                .sum_before = erg_where(opens, erg_sub(after, now), t->sum_before)};
    erg_node *within = turned(l.first_r, now, erg_sub(after, l.sum_before));
    l.turned = erg_max(erg_mul(closes, within), ERG_AXES(1), 0);
    return l;
}

/* ------------------------------------------------------------------------------- one step */

/* What a leapfrog step makes of the new half. */
typedef struct step {
    erg_phase point;
    erg_node *gain; /* start - H, (B): the log of the point's weight; NO_WEIGHT if not finite */
    erg_node *not_finite, *divergent;
    erg_node *sum, *weight, *draw, *draw_energy, *accept, *steps;
    levels levels;
    erg_node *complete, *failed; /* masks: the half has all its points; it is to be dropped */
} step;

static step extend(const tree *t, erg_energy energy, erg_node *x, erg_metropolis_options o) {
    erg_node *forward = erg_greater(t->direction, erg_full_like(t->direction, 0));
    erg_phase end = {.x = erg_chain_where(forward, t->right_x, t->left_x),
                     .r = erg_chain_where(forward, t->right_r, t->left_r),
                     .slope = erg_chain_where(forward, t->right_slope, t->left_slope)};
    erg_node *size = erg_mul(erg_metropolis_step_size(x, o), erg_per_chain(t->direction, x));
    step s = {.point = erg_leapfrog(energy, o.metric, end, size)};
    if (!s.point.x)
        return s;
    erg_node *h = erg_phase_hamiltonian(s.point), *gain = erg_sub(t->start, h);
    erg_node *finite = erg_finite_mask(gain), *nothing = erg_full_like(gain, NO_WEIGHT);
    s.not_finite = erg_logical_not(finite);
    s.gain = erg_where(finite, gain, nothing);
    s.divergent = erg_less(s.gain, erg_full_like(gain, -o.max_error));
    s.accept = erg_add(t->accept, erg_exp(erg_minimum(s.gain, erg_full_like(gain, 0))));
    s.steps = erg_add_scalar(t->steps, 1);
    s.sum = erg_add(t->new_sum, s.point.r);
    s.weight = log_add(t->new_weight, s.gain);
    erg_node *draw = erg_less(uniform_like(gain), erg_exp(erg_sub(s.gain, s.weight)));
    s.draw = erg_chain_where(draw, s.point.x, t->draw);
    s.draw_energy = erg_where(draw, s.point.energy, t->draw_energy);
    s.levels = visit(t, s.point.r, s.sum);
    s.failed = erg_logical_or(s.divergent, s.levels.turned);
    s.complete = erg_greater_equal(erg_add_scalar(t->count, 1), t->size);
    return s;
}

/* Where `joins` the new half becomes part of the trajectory, where `moves` its draw the next
 * state. */
typedef struct joint {
    erg_node *joins, *moves, *done, *sum, *weight;
    erg_phase left, right;
} joint;

static joint join(const tree *t, const step *s, erg_metropolis_options o) {
    joint j = {.joins = erg_logical_and(s->complete, erg_logical_not(s->failed))};
    erg_node *zero = erg_full_like(s->gain, 0);
    erg_node *forward = erg_greater(t->direction, zero);
    erg_node *backward = erg_logical_not(forward);
    j.right = (erg_phase){.x = erg_chain_where(forward, s->point.x, t->right_x),
                          .r = erg_chain_where(forward, s->point.r, t->right_r),
                          .slope = erg_chain_where(forward, s->point.slope, t->right_slope)};
    j.left = (erg_phase){.x = erg_chain_where(backward, s->point.x, t->left_x),
                         .r = erg_chain_where(backward, s->point.r, t->left_r),
                         .slope = erg_chain_where(backward, s->point.slope, t->left_slope)};
    erg_node *log_ratio = erg_minimum(erg_sub(s->weight, t->weight), zero);
    erg_node *accept = erg_less(uniform_like(zero), erg_exp(log_ratio));
    j.moves = erg_logical_and(erg_logical_and(j.joins, accept), t->busy);
    j.sum = erg_chain_where(j.joins, erg_add(t->sum, s->sum), t->sum);
    j.weight = erg_where(j.joins, log_add(t->weight, s->weight), t->weight);
    erg_node *whole = turned(rows(j.left.r), rows(j.right.r), rows(j.sum));
    erg_node *last = erg_greater_equal(t->size, erg_full_like(zero, exp2(o.max_depth - 1)));
    erg_node *ends = erg_logical_and(j.joins, erg_logical_or(whole, last));
    j.done = erg_logical_and(erg_logical_or(s->failed, ends), t->busy);
    return j;
}

/* The states after the step. Those of a chain that is not busy change too, to be set by the next
 * begin. */
static erg_node *update(const tree *t, const step *s, const joint *j) {
    erg_node *zero = erg_full_like(s->gain, 0);
    erg_node *turn = rademacher_like(zero);
    erg_node *effects[] = {
        erg_assign(t->left_x, j->left.x),
        erg_assign(t->left_r, j->left.r),
        erg_assign(t->left_slope, j->left.slope),
        erg_assign(t->right_x, j->right.x),
        erg_assign(t->right_r, j->right.r),
        erg_assign(t->right_slope, j->right.slope),
        erg_assign(t->sum, j->sum),
        erg_assign(t->weight, j->weight),
        erg_assign(t->new_sum, erg_chain_where(j->joins, erg_full_like(s->sum, 0), s->sum)),
        erg_assign(t->new_weight, erg_where(j->joins, erg_full_like(zero, NO_WEIGHT), s->weight)),
        erg_assign(t->draw, s->draw),
        erg_assign(t->draw_energy, s->draw_energy),
        erg_assign(t->first_r, s->levels.first_r),
        erg_assign(t->sum_before, s->levels.sum_before),
        erg_assign(t->direction, erg_where(j->joins, turn, t->direction)),
        erg_assign(t->size, erg_where(j->joins, erg_mul_scalar(t->size, 2), t->size)),
        erg_assign(t->count, erg_where(j->joins, zero, erg_add_scalar(t->count, 1))),
        erg_assign(t->energy, erg_where(j->moves, s->draw_energy, t->energy)),
        erg_assign(t->accept, s->accept),
        erg_assign(t->steps, s->steps),
        erg_assign(t->busy, erg_where(j->done, zero, t->busy)),
    };
    return erg_group(effects, (int)(sizeof effects / sizeof *effects));
}

erg_transition erg_nuts(erg_energy energy, erg_node *x, erg_metropolis_options options) {
    erg_metropolis_options o = options;
    erg_transition none = {0};
    if (!erg_metropolis_check("nuts", x, &o))
        return none;
    if (!x || !erg_value(x) || erg_node_shape(x).ndim < 1) {
        erg_graph_fail(erg_node_graph(x), "nuts: x must be a leaf that holds the chains");
        return none;
    }
    erg_node *r = erg_normal(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
    erg_phase p = erg_phase_at(energy, o.metric, x, r);
    if (!p.x)
        return none;
    tree t = make_states(x, o);
    erg_node *first = begin(&t, p);
    step s = first ? extend(&t, energy, x, o) : (step){0};
    if (!s.point.x)
        return none;
    joint j = join(&t, &s, o);
    return (erg_transition){
        .next = erg_chain_where(j.moves, s.draw, x),
        .energy = erg_where(j.moves, s.draw_energy, t.energy),
        .acceptance = erg_div(s.accept, s.steps),
        .gradient_norm = t.gradient_norm,
        .divergent = s.divergent,
        .not_finite = s.not_finite,
        .effect = update(&t, &s, &j),
        .begin = first,
        .busy = t.busy,
        .done = j.done,
        .runs = (INT64_C(1) << o.max_depth) - 1,
    };
}

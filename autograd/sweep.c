/* sweep.c: reverse mode, in one loop.
 *
 * For a scalar L computed by a graph, the cotangent of a node x is dL/dx. The chain rule gives it
 * from the cotangents of the nodes y that use x:
 *
 *     cotangent(x) = sum over users y of  J_y(x)^T cotangent(y),
 *
 * and each operation knows its J^T as a rule that builds nodes. Users come after their operands in
 * the graph, so one walk from the last node to the first meets every node when its cotangent is
 * complete. The result is part of the same graph: differentiating again needs nothing new.
 *
 * A cotangent that is zero is not built at all. Others are kept as a product, base * slope. Through
 * elementwise operations only the slope grows, so that two ways from y to x that start with the same
 * cotangent meet as base * (slope + slope'): for y = x s(x), where x = z + b, that is
 * base * (s + x s'), in which the bracket depends on x alone. Where only one elementwise way on is
 * left, the product is built and is the new base.
 *
 * A slope that is zero by selection, where(m, t, 0), is carried on as the pair (m, t), because
 *
 *     where(m, t, 0) f'(x) = where(m, t f'(x), 0)
 *
 * and only the right-hand side is 0 where m is false and f' infinite: the derivative of
 * where(x > 0, sqrt(x), 0) is 0, not NaN, for x <= 0. */
#include <stdlib.h>
#include <string.h>

#include "graph.h"

enum {
    NEEDED = 1,  /* y depends on the node */
    DEPENDS = 2, /* the node depends on one of the xs, through operations with a derivative */
    BLOCKED = 4  /* it does, but through one that has none */
};

/* What cotangents are multiples of; `pending` elementwise nodes with such cotangents are still to be
 * visited. */
typedef struct base {
    erg_node *value;
    int pending;
} base;

typedef struct cotangent {
    base *base;      /* NULL: the cotangent is zero */
    erg_node *slope; /* NULL: one */
} cotangent;

/* No node before the first of the xs depends on one, so a sweep takes as long as what lies between
 * them and y, however large the graph is. */
typedef struct sweep {
    int first;            /* id */
    unsigned char *marks; /* by id - first, as are */
    cotangent *cotangents;
} sweep;

static unsigned mark_of(const sweep *s, const erg_node *node) {
    return node->id < s->first ? 0 : s->marks[node->id - s->first];
}

static void mark(sweep *s, const erg_node *node, unsigned flags) {
    if (node->id >= s->first)
        s->marks[node->id - s->first] |= (unsigned char)flags;
}

/* Of a node that is not before the first. */
static cotangent *cotangent_of(const sweep *s, const erg_node *node) {
    return &s->cotangents[node->id - s->first];
}

/* ------------------------------------------------------------------------------- marking */

static void mark_needed(sweep *s, const erg_node *y) {
    mark(s, y, NEEDED);
    for (int id = y->id; id >= s->first; id--) {
        const erg_node *node = y->graph->nodes[id];
        for (int k = 0; mark_of(s, node) & NEEDED && k < node->n_in; k++)
            mark(s, node->in[k], NEEDED);
    }
}

static void mark_depends(sweep *s, const erg_node *y) {
    for (int id = s->first; id <= y->id; id++) {
        const erg_node *node = y->graph->nodes[id];
        if (!(mark_of(s, node) & NEEDED) || node->op == ERG_OP_stop_gradient)
            continue;
        bool depends = false;
        for (int k = 0; k < node->n_in; k++)
            depends |= (mark_of(s, node->in[k]) & (DEPENDS | BLOCKED)) != 0;
        bool has_derivative =
            !(erg_ops[node->op].flags & NO_DERIVATIVE) && erg_is_float(node->dtype);
        if (depends)
            mark(s, node, has_derivative ? DEPENDS : BLOCKED);
    }
}

/* ------------------------------------------------------------------------------- selection */

/* A cotangent of the form where(mask, t, 0), or where(mask, 0, t) if inverted. */
typedef struct selected {
    erg_node *mask, *t;
    bool inverted;
} selected;

static bool is_selected(const erg_node *g, selected *s) {
    if (!g || g->op != ERG_OP_where)
        return false;
    bool inverted = erg_is_full(g->in[1], 0);
    *s = (selected){g->in[0], g->in[inverted ? 2 : 1], inverted};
    return inverted || erg_is_full(g->in[2], 0);
}

static erg_node *select_by(erg_node *mask, bool inverted, erg_node *t) {
    if (erg_is_full(t, 0))
        return t;
    erg_node *zero = erg_full_like(t, 0);
    return inverted ? erg_where(mask, zero, t) : erg_where(mask, t, zero);
}

/* The mask that is not 0 where t is selected. */
static erg_node *mask_of(selected s) {
    return s.inverted ? erg_logical_not(s.mask) : s.mask;
}

/* where(outer, r, 0), as one selection by both masks if r is a selection itself. */
static erg_node *select_again(selected outer, erg_node *r) {
    selected inner;
    if (!is_selected(r, &inner))
        return select_by(outer.mask, outer.inverted, r);
    erg_node *mask = select_by(outer.mask, outer.inverted, mask_of(inner));
    return select_by(mask, false, inner.t);
}

/* base * slope, 0 by selection where the slope is. */
static erg_node *product_of(erg_node *value, erg_node *slope) {
    selected s;
    if (!slope || erg_is_full(slope, 1))
        return value;
    if (is_selected(slope, &s))
        return select_by(s.mask, s.inverted, product_of(value, s.t));
    return erg_is_full(value, 1) ? slope : erg_mul(value, slope);
}

/* a + b is 0 by selection where both are. */
static erg_node *sum_of(erg_node *a, erg_node *b) {
    selected s, t;
    if (!is_selected(a, &s) || !is_selected(b, &t))
        return erg_add(a, b);
    if (s.mask == t.mask && s.inverted == t.inverted)
        return select_by(s.mask, s.inverted, erg_add(s.t, t.t));
    if (s.mask == t.mask)
        return s.inverted ? erg_where(s.mask, t.t, s.t) : erg_where(s.mask, s.t, t.t);
    erg_node *p = mask_of(s), *q = mask_of(t);
    return select_by(erg_where(p, p, q), false, erg_add(a, b));
}

/* ------------------------------------------------------------------------------- cotangents */

static erg_node *value_of(cotangent c) {
    return c.base ? product_of(c.base->value, c.slope) : NULL;
}

/* A base must not be a selection: that is put into the slope. */
static cotangent new_cotangent(erg_node *g) {
    selected by;
    base *b = g ? erg_graph_alloc(g->graph, sizeof *b) : NULL;
    if (!b)
        return (cotangent){NULL, NULL};
    bool selects = is_selected(g, &by);
    *b = (base){.value = selects ? by.t : g};
    return (cotangent){b, selects ? select_by(by.mask, by.inverted, erg_full_like(g, 1)) : NULL};
}

/* Do slopes go through the node? Not through a cast: base and slope have one dtype. */
static bool is_elementwise(const erg_node *node) {
    bool is = erg_ops[node->op].flags & ELEMENTWISE;
    for (int k = 0; is && k < node->n_in; k++)
        is = node->in[k]->dtype == node->dtype;
    return is;
}

static void set_cotangent(sweep *s, const erg_node *x, cotangent c) {
    cotangent *own = cotangent_of(s, x);
    if (own->base && is_elementwise(x))
        own->base->pending--;
    *own = c;
    if (c.base && is_elementwise(x))
        c.base->pending++;
}

/* Adds to the cotangent of x. */
static void contribute(sweep *s, erg_node *x, cotangent c) {
    cotangent own = *cotangent_of(s, x);
    if (!own.base || !c.base) {
        set_cotangent(s, x, own.base ? own : c);
    } else if (own.base == c.base) {
        erg_node *one = own.slope && c.slope ? NULL : erg_full_like(x, 1);
        own.slope = sum_of(own.slope ? own.slope : one, c.slope ? c.slope : one);
        set_cotangent(s, x, own);
    } else {
        set_cotangent(s, x, new_cotangent(sum_of(value_of(own), value_of(c))));
    }
}

/* ------------------------------------------------------------------------------- the sweep */

/* The rule of an elementwise operation, with a selection pulled out in front of it. */
static void slope_rule(erg_node *node, erg_node *slope, const bool *wants, erg_node **out) {
    selected s;
    bool pull = is_selected(slope, &s);
    erg_ops[node->op].vjp(node, pull ? s.t : slope, wants, out);
    for (int k = 0; pull && k < node->n_in; k++)
        out[k] = wants[k] && out[k] ? select_again(s, out[k]) : NULL;
}

/* All that is still to come of this base comes through the node: its cotangent is the new base. */
static cotangent rebased(sweep *s, erg_node *node) {
    cotangent c = *cotangent_of(s, node);
    selected by;
    c.base->pending--;
    bool only_way = c.base->pending == 0 && c.slope && !is_selected(c.slope, &by);
    return only_way ? new_cotangent(value_of(c)) : c;
}

static void apply_rule(sweep *s, erg_node *node, const bool *wants, erg_node **out) {
    bool by_slopes = is_elementwise(node);
    cotangent c = by_slopes ? rebased(s, node) : *cotangent_of(s, node);
    if (by_slopes)
        slope_rule(node, c.slope ? c.slope : erg_full_like(node, 1), wants, out);
    else
        erg_ops[node->op].vjp(node, value_of(c), wants, out);
    for (int k = 0; k < node->n_in; k++)
        if (wants[k] && out[k] && !erg_is_full(out[k], 0))
            contribute(s, node->in[k],
                       by_slopes ? (cotangent){c.base, out[k]} : new_cotangent(out[k]));
}

/* Where what x depends on is cut off: the operation without a derivative. */
static const erg_node *blocker(const sweep *s, const erg_node *x) {
    for (int k = 0; k < x->n_in; k++)
        if (mark_of(s, x->in[k]) & BLOCKED) {
            x = x->in[k];
            k = -1;
        }
    return x;
}

/* Adds what `node` passes on to its operands' cotangents; false after recording an error. */
static bool visit(sweep *s, erg_node *node) {
    enum { FEW = 8 };
    bool few_wants[FEW], *wants = few_wants;
    erg_node *few_out[FEW], **out = few_out;
    if (node->n_in > FEW) {
        wants = erg_graph_alloc(node->graph, (size_t)node->n_in * sizeof *wants);
        out = erg_graph_alloc(node->graph, (size_t)node->n_in * sizeof *out);
        if (!wants || !out)
            return false;
    }
    for (int k = 0; k < node->n_in; k++) {
        const erg_node *x = node->in[k];
        if (mark_of(s, x) & BLOCKED)
            return erg_node_error(blocker(s, x),
                                  "has no derivative (erg_stop_gradient leaves it out)");
        wants[k] = mark_of(s, x) & DEPENDS;
        out[k] = NULL;
    }
    apply_rule(s, node, wants, out);
    return !erg_graph_error(node->graph);
}

static bool run_sweep(sweep *s, erg_node *y, erg_node *seed, erg_node *const *xs, int n) {
    mark_needed(s, y);
    for (int k = 0; k < n; k++)
        if (xs[k]->id <= y->id)
            mark(s, xs[k], DEPENDS);
    mark_depends(s, y);
    if (mark_of(s, y) & BLOCKED)
        return erg_node_error(blocker(s, y), "has no derivative");
    set_cotangent(s, y, new_cotangent(seed));
    for (int id = y->id; id >= s->first; id--) {
        erg_node *node = y->graph->nodes[id];
        if (mark_of(s, node) & DEPENDS && cotangent_of(s, node)->base && node->n_in &&
            !visit(s, node))
            return false;
    }
    return true;
}

/* Derivatives of sum(seed * y) by the xs. */
static bool differentiate(erg_node *y, erg_node *seed, erg_node *const *xs, int n, erg_node **dxs) {
    int first = y->id;
    for (int k = 0; k < n; k++)
        first = xs[k]->id < first ? xs[k]->id : first;
    size_t count = (size_t)(y->id - first) + 1;
    sweep s = {first, calloc(count, 1), calloc(count, sizeof *s.cotangents)};
    bool done = s.marks && s.cotangents;
    if (!done)
        erg_graph_fail(y->graph, "grad: out of memory");
    done = done && run_sweep(&s, y, seed, xs, n);
    for (int k = 0; done && k < n; k++) {
        erg_node *g = xs[k]->id <= y->id ? value_of(*cotangent_of(&s, xs[k])) : NULL;
        dxs[k] = g ? g : erg_full_like(xs[k], 0);
    }
    free(s.marks);
    free(s.cotangents);
    return done;
}

static bool check(const char *operation, erg_node *y, erg_node *const *xs, int n) {
    if (!y) {
        erg_node *x = n > 0 && xs ? xs[0] : NULL;
        return erg_graph_fail(x ? x->graph : NULL, "%s: y is NULL", operation), false;
    }
    erg_graph *graph = y->graph;
    if (erg_graph_error(graph))
        return false;
    if (n < 0 || (n > 0 && !xs))
        return erg_graph_fail(graph, "%s: no xs", operation), false;
    if (!erg_is_float(y->dtype))
        return erg_graph_fail(graph, "%s: y is int32, must be a float dtype", operation), false;
    for (int k = 0; k < n; k++) {
        if (!xs[k])
            return erg_graph_fail(graph, "%s: x number %d is NULL", operation, k), false;
        if (xs[k]->graph != graph)
            return erg_graph_fail(graph, "%s: x is of another graph than y", operation), false;
        if (!erg_is_float(xs[k]->dtype))
            return erg_graph_fail(graph, "%s: x is int32, must be a float dtype", operation), false;
    }
    return true;
}

void erg_grad(erg_node *y, erg_node *const *xs, int n, erg_node **dxs) {
    for (int k = 0; dxs && k < n; k++)
        dxs[k] = NULL;
    if (!check("grad", y, xs, n))
        return;
    if (!dxs)
        erg_graph_fail(y->graph, "grad: nowhere to put the result");
    else if (!differentiate(y, erg_full_like(y, 1), xs, n, dxs))
        for (int k = 0; k < n; k++)
            dxs[k] = NULL;
}

erg_node *erg_gradient(erg_node *y, erg_node *x) {
    erg_node *dx = NULL;
    erg_grad(y, &x, 1, &dx);
    return dx;
}

erg_node *erg_vjp(erg_node *y, erg_node *x, erg_node *v) {
    erg_node *dx = NULL;
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!check("vjp", y, &x, 1))
        return NULL;
    if (!v || v->graph != y->graph)
        return erg_graph_fail(y->graph, "vjp: v is %s", v ? "of another graph" : "NULL");
    if (v->dtype != y->dtype || !erg_shape_equal(v->shape, y->shape))
        return erg_graph_fail(y->graph, "vjp: v is %s %s, must be as y, %s %s",
                              erg_dtype_name(v->dtype), erg_shape_text(v->shape, a),
                              erg_dtype_name(y->dtype), erg_shape_text(y->shape, b));
    differentiate(y, v, &x, 1, &dx);
    return dx;
}

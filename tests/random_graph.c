/* random_graph.c: draws graphs. Each operation is a row of a table: a function from the nodes there
 * are to one more. */
#include "random_graph.h"

#include <stdio.h>

#include "../autograd/graph.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { MOST_NODES = 64 };

typedef struct drawer {
    random_graph_options options;
    uint64_t state;
    erg_graph *graph;
    int64_t sizes[3];            /* every shape is made of these and of 1 */
    erg_node *nodes[MOST_NODES]; /* float nodes to choose from */
    bool exact[MOST_NODES];      /* moves, selections and signs of leaves: no rounding */
    int count;
} drawer;

static uint64_t next(uint64_t *state) { /* SplitMix64 */
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int random_below(uint64_t *state, int n) {
    return (int)(next(state) % (uint64_t)n);
}

static int below(drawer *d, int n) {
    return random_below(&d->state, n);
}

/* In [-1.5, 1.5]. */
static double number(drawer *d) {
    return ((double)(next(&d->state) >> 11) * 0x1p-53 - 0.5) * 3;
}

static void keep(drawer *d, erg_node *node, bool exact) {
    if (node && d->count < MOST_NODES) {
        d->nodes[d->count] = node;
        d->exact[d->count++] = exact;
    }
}

/* ------------------------------------------------------------------------------- leaves */

static erg_shape random_shape(drawer *d) {
    erg_shape shape = {.ndim = 3 - below(d, 2) * below(d, 4)};
    shape.ndim = shape.ndim < 0 ? 0 : shape.ndim;
    for (int i = 0; i < shape.ndim; i++)
        shape.dims[i] = below(d, 4) ? d->sizes[3 - shape.ndim + i] : 1;
    return shape;
}

static void add_leaf(drawer *d, int k) {
    char name[16];
    snprintf(name, sizeof name, "x%d", k);
    erg_node *leaf = erg_param(d->graph, name, d->options.dtype, random_shape(d));
    erg_tensor *value = erg_value(leaf);
    for (int64_t i = 0; i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, number(d));
    keep(d, leaf, true);
}

static erg_node *random_constant(drawer *d, erg_shape shape) {
    erg_tensor *value = erg_tensor_new(d->options.dtype, shape);
    for (int64_t i = 0; i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, number(d));
    erg_node *node = erg_constant(d->graph, value);
    erg_tensor_free(value);
    return node;
}

/* Indices below n. */
static erg_node *random_index(drawer *d, erg_shape shape, int64_t n) {
    erg_tensor *value = erg_tensor_new(ERG_INT32, shape);
    for (int64_t i = 0; i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, below(d, (int)n));
    erg_node *node = erg_constant(d->graph, value);
    erg_tensor_free(value);
    return node;
}

/* ------------------------------------------------------------------------------- operands */

static erg_node *pick(drawer *d) {
    return d->nodes[below(d, d->count)];
}

static erg_node *pick_exact(drawer *d) {
    int at = below(d, d->count);
    while (!d->exact[at])
        at = (at + 1) % d->count;
    return d->nodes[at];
}

static bool fit(erg_shape s, erg_shape t) {
    for (int i = 1; i <= s.ndim && i <= t.ndim; i++) {
        int64_t m = s.dims[s.ndim - i], n = t.dims[t.ndim - i];
        if (m != n && m != 1 && n != 1)
            return false;
    }
    return true;
}

/* One that can be combined with x: x itself if no other is found. */
static erg_node *partner(drawer *d, const erg_node *x, bool exact) {
    for (int i = 0; i < 8; i++) {
        erg_node *y = exact ? pick_exact(d) : pick(d);
        if (fit(x->shape, y->shape))
            return y;
    }
    return (erg_node *)x;
}

/* One with axes, all of which have elements. */
static erg_node *pick_array(drawer *d) {
    for (int i = 0; i < 16; i++) {
        erg_node *x = pick(d);
        if (x->shape.ndim > 0 && erg_shape_size(x->shape) > 0)
            return x;
    }
    return erg_full(d->graph, d->options.dtype, ERG_SHAPE(2, 3), 0.5);
}

static int axis_of(drawer *d, const erg_node *x) {
    return below(d, x->shape.ndim);
}

static erg_node *squash(erg_node *x) {
    return erg_tanh(erg_mul_scalar(x, 0.5));
}

static erg_node *positive(erg_node *x) {
    return erg_add_scalar(erg_square(squash(x)), 0.5);
}

/* ------------------------------------------------------------------------------- operations */

#define DRAW(name) static erg_node *name(drawer *d)

DRAW(smooth) {
    erg_node *x = pick(d);
    switch (below(d, 12)) {
    case 0:
        return erg_neg(x);
    case 1:
        return erg_exp(squash(x));
    case 2:
        return erg_expm1(squash(x));
    case 3:
        return erg_log(positive(x));
    case 4:
        return erg_log1p(positive(x));
    case 5:
        return erg_sqrt(positive(x));
    case 6:
        return erg_sin(x);
    case 7:
        return erg_cos(x);
    case 8:
        return erg_tanh(x);
    case 9:
        return erg_sigmoid(x);
    case 10:
        return erg_softplus(x);
    default:
        return erg_erf(x);
    }
}

DRAW(special) {
    erg_node *x = positive(pick(d));
    return below(d, 2) ? erg_lgamma(x) : erg_polygamma(below(d, 2), x);
}

DRAW(activation) {
    erg_node *x = pick(d);
    switch (below(d, 4)) {
    case 0:
        return erg_silu(x);
    case 1:
        return erg_gelu(x);
    case 2:
        return erg_gelu_tanh(x);
    default:
        return erg_elu(squash(x), 1.5);
    }
}

/* What rewrite rules look for. */
DRAW(with_number) {
    static const double numbers[] = {0, 1, -1, 2, 0.25, 3};
    erg_node *x = pick(d);
    double c = numbers[below(d, COUNT(numbers))];
    switch (below(d, 6)) {
    case 0:
        return erg_add_scalar(x, c);
    case 1:
        return erg_mul_scalar(x, c);
    case 2:
        return erg_sub(erg_full_like(x, c), x);
    case 3:
        return erg_div(x, erg_full_like(x, c == 0 ? 4 : c));
    case 4:
        return erg_pow_scalar(positive(x), c);
    default:
        return erg_pow_scalar(squash(x), c < 0 || c == 0.25 ? 2 : c);
    }
}

DRAW(arithmetic) {
    erg_node *a = pick(d), *b = partner(d, a, false);
    switch (below(d, 6)) {
    case 0:
        return erg_add(a, b);
    case 1:
        return erg_sub(a, b);
    case 2:
        return erg_mul(squash(a), b);
    case 3:
        return erg_div(a, positive(b));
    case 4:
        return erg_pow(positive(a), squash(b));
    default:
        return erg_atan2(a, positive(b));
    }
}

DRAW(selection) {
    erg_node *x = pick_exact(d), *y = partner(d, x, true), *mask;
    switch (below(d, 4)) {
    case 0:
        mask = erg_less(x, y);
        break;
    case 1:
        mask = erg_logical_not(erg_less_equal(x, y));
        break;
    case 2:
        mask = erg_equal(x, y);
        break;
    default:
        mask = erg_logical_or(erg_less(x, y), erg_equal(x, x));
    }
    erg_node *a = partner(d, mask, false), *b = partner(d, mask, false);
    return fit(a->shape, b->shape) ? erg_where(mask, a, b) : erg_where(mask, a, a);
}

DRAW(extremum) {
    erg_node *a = pick_exact(d), *b = partner(d, a, true);
    return below(d, 2) ? erg_maximum(a, b) : erg_minimum(a, b);
}

DRAW(step_function) {
    erg_node *x = pick_exact(d);
    switch (below(d, 4)) {
    case 0:
        return erg_abs(x);
    case 1:
        return erg_sign(x);
    case 2:
        return erg_floor(x);
    default:
        return erg_cast(erg_cast(erg_stop_gradient(x), ERG_INT32), x->dtype);
    }
}

DRAW(casted) {
    erg_node *x = pick(d);
    bool wide = x->dtype == ERG_FLOAT64;
    return below(d, 2) || wide ? erg_stop_gradient(x)
                               : erg_cast(erg_sin(erg_cast(x, ERG_FLOAT64)), x->dtype);
}

DRAW(reduction) {
    erg_node *x = pick_array(d);
    erg_axes axes = below(d, 3) ? ERG_AXES(axis_of(d, x)) : ERG_ALL;
    int keep = below(d, 2);
    switch (below(d, 6)) {
    case 0:
        return erg_mean(x, axes, keep);
    case 1:
        return erg_sum(squash(x), axes, keep);
    case 2:
        return erg_var(x, axes, 0, keep);
    case 3:
        return erg_logsumexp(x, axes, keep);
    case 4:
        return erg_softmax(x, axis_of(d, x));
    default:
        return squash(erg_cumsum(x, axis_of(d, x)));
    }
}

DRAW(largest) {
    erg_node *x = pick_exact(d);
    if (x->shape.ndim == 0 || erg_shape_size(x->shape) == 0)
        return NULL;
    if (below(d, 2))
        return erg_max(x, ERG_AXES(axis_of(d, x)), below(d, 2));
    return erg_cast(erg_argmax(erg_stop_gradient(x), axis_of(d, x)), x->dtype);
}

/* Of a matrix with another of the same shape, one of them transposed in one of the ways there are,
 * or with a number of columns. */
DRAW(product) {
    erg_node *x = pick_array(d), *y;
    if (x->shape.ndim < 2)
        return NULL;
    int last = x->shape.ndim - 1;
    switch (below(d, 5)) {
    case 0:
        y = erg_matmul_transposed(x, 0, erg_sin(x), 1);
        break;
    case 1:
        y = erg_matmul_transposed(erg_sin(x), 1, x, 0);
        break;
    case 2:
        y = erg_matmul(x, erg_transpose(x));
        break;
    case 3:
        y = erg_transpose(erg_matmul(erg_transpose(x), x));
        break;
    default:
        y = erg_matmul(x, random_constant(d, ERG_SHAPE(x->shape.dims[last], 1 + below(d, 5))));
    }
    return squash(y);
}

DRAW(move) {
    erg_node *x = pick_array(d);
    int axis = axis_of(d, x), n = x->shape.ndim, order[3] = {2, 0, 1};
    int64_t size = x->shape.dims[axis];
    switch (below(d, 10)) {
    case 0:
        return erg_flatten(x, axis);
    case 1:
        return n == 3 ? erg_permute(x, order) : n == 2 ? erg_transpose(x) : erg_unsqueeze(x, axis);
    case 2:
        return erg_flip(x, axis);
    case 3:
        return erg_slice(x, axis, below(d, (int)size), ERG_END, 1 + below(d, 3));
    case 4:
        return erg_slice(x, axis, ERG_END, below(d, (int)size) - 1, -1 - below(d, 2));
    case 5:
        return erg_select(x, axis, below(d, (int)size));
    case 6:
        return erg_stack((erg_node *[]){x, erg_neg(x), x}, n < 3 ? 3 : 1, 0);
    case 7:
        return n < 3 ? erg_diag_embed(x) : erg_diagonal(x);
    case 8:
        return n == 1 ? erg_broadcast(x, ERG_SHAPE(3, size)) : erg_neg(x);
    default:
        return n == 2 ? erg_broadcast(x, ERG_SHAPE(3, x->shape.dims[0], x->shape.dims[1])) : x;
    }
}

/* Results whose sizes are others than the graph's: put back by a sum. */
DRAW(resize) {
    erg_node *x = pick_array(d);
    int axis = axis_of(d, x);
    erg_shape shape = x->shape;
    int64_t size = shape.dims[axis];
    switch (below(d, 5)) {
    case 0:
        return erg_pad(x, axis, below(d, 2), below(d, 3), below(d, 2));
    case 1:
        return erg_concat((erg_node *[]){x, erg_full_like(x, 0), squash(x)}, 3, axis);
    case 2:
        shape.dims[axis] = 1 + below(d, 6);
        return erg_gather(x, random_index(d, shape, size), axis);
    case 3:
        return erg_take(x, random_index(d, ERG_SHAPE(1 + below(d, 6)), size), axis);
    default:
        return erg_scatter_add(squash(x), random_index(d, shape, 4), axis, 3);
    }
}

DRAW(random_numbers) {
    erg_shape shape = random_shape(d);
    switch (below(d, 4)) {
    case 0:
        return erg_uniform(d->graph, d->options.dtype, shape);
    case 1:
        return erg_normal(d->graph, d->options.dtype, shape);
    case 2:
        return erg_rademacher(d->graph, d->options.dtype, shape);
    default:
        return erg_bernoulli(erg_full(d->graph, d->options.dtype, shape, 0.5));
    }
}

DRAW(constant) {
    return below(d, 2) ? random_constant(d, random_shape(d))
                       : erg_full(d->graph, d->options.dtype, random_shape(d), number(d));
}

static const struct operation {
    erg_node *(*draw)(drawer *d);
    int weight;
    bool exact; /* if all nodes it took are, and it takes no others */
} operations[] = {
    {smooth, 6, false},      {special, 1, false},      {activation, 2, false},
    {with_number, 4, false}, {arithmetic, 6, false},   {selection, 3, false},
    {extremum, 2, true},     {step_function, 2, true}, {casted, 1, false},
    {reduction, 4, false},   {largest, 2, true},       {product, 3, false},
    {move, 5, false},        {resize, 2, false},       {random_numbers, 1, false},
    {constant, 1, true},
};

/* ------------------------------------------------------------------------------- graphs */

static const struct operation *draw_operation(drawer *d) {
    int total = 0, k = 0;
    for (int i = 0; i < COUNT(operations); i++)
        total += operations[i].weight;
    for (int ticket = below(d, total); ticket >= operations[k].weight; k++)
        ticket -= operations[k].weight;
    return &operations[k];
}

/* The sum of all nodes that nobody has used may be large: each is squashed. */
static erg_node *total(const drawer *d) {
    erg_node *sum = erg_scalar(d->graph, d->options.dtype, 0);
    for (int i = d->count - 1; i >= 0 && i >= d->count - 4; i--)
        sum = erg_add(sum, erg_sum(squash(d->nodes[i]), ERG_ALL, 0));
    return sum;
}

/* g = d total / dx and d(sum sin g) / dx for the first leaves. */
static void derive(random_graph *r, const drawer *d, int leaves) {
    erg_node *first[4], *second[4], *sum = erg_scalar(d->graph, d->options.dtype, 0);
    r->outputs[r->count++] = total(d);
    erg_grad(r->outputs[0], d->nodes, leaves, first);
    for (int k = 0; k < leaves; k++) {
        sum = erg_add(sum, erg_sum(erg_sin(first[k]), ERG_ALL, 0));
        r->outputs[r->count++] = first[k];
    }
    erg_grad(sum, d->nodes, leaves, second);
    for (int k = 0; k < leaves; k++)
        r->outputs[r->count++] = second[k];
}

random_graph random_graph_new(uint64_t seed, random_graph_options options) {
    static const int64_t small[] = {1, 2, 3, 5, 7, 17, 20}, large[] = {3, 20, 40, 64};
    static const int64_t rows[] = {16, 17, 21, 24};
    drawer d = {.options = options, .state = seed, .graph = erg_graph_new(seed)};
    for (int i = 0; i < 3; i++)
        d.sizes[i] = options.large  ? large[below(&d, COUNT(large))]
                     : options.rows ? rows[below(&d, COUNT(rows))]
                                    : small[below(&d, COUNT(small))];
    if (!options.large && !options.rows && below(&d, 20) == 0)
        d.sizes[below(&d, 3)] = 0;
    int leaves = 3;
    for (int k = 0; k < leaves; k++)
        add_leaf(&d, k);
    for (int i = 0; i < options.operations && !erg_graph_error(d.graph); i++) {
        const struct operation *operation = draw_operation(&d);
        erg_node *node = operation->draw(&d);
        if (node && erg_shape_size(node->shape) < (options.large ? 2000000 : 20000))
            keep(&d, node, operation->exact);
    }
    random_graph r = {.graph = d.graph};
    if (options.derive)
        derive(&r, &d, leaves);
    for (int i = d.count - 1; i >= 0 && r.count < RANDOM_GRAPH_OUTPUTS; i--)
        r.outputs[r.count++] = d.nodes[i];
    return r;
}

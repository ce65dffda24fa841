/* compositions.c: energies made of energies. Densities multiply where energies add, and add where
 * energies go through -logsumexp(-E). */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "nn.h"

typedef struct composition {
    const char *name;
    const erg_energy *parts;
    int n;
    erg_node *numbers; /* weights (n), temperature () and so on, or NULL */
    double level;      /* added */
} composition;

static bool check(erg_graph *graph, composition form, erg_shape shape) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!graph || !form.parts || form.n < 1)
        return erg_graph_fail(graph, "%s: no %s", form.name, graph ? "energies" : "graph");
    for (int k = 0; k < form.n; k++)
        if (!form.parts[k].fn)
            return erg_graph_fail(graph, "%s: energy number %d has no function", form.name, k);
    erg_shape given = erg_node_shape(form.numbers);
    return !form.numbers || erg_shape_equal(given, shape) ||
           erg_graph_fail(graph, "%s: numbers %s for %d energies, must be %s", form.name,
                          erg_shape_text(given, a), form.n, erg_shape_text(shape, b));
}

/* An energy with a copy of the form as its self; the numbers, if any, must have this shape. */
static erg_energy compose(erg_graph *graph, composition form, erg_shape shape,
                          erg_node *(*fn)(void *self, erg_node *x)) {
    const erg_energy nothing = {0};
    if (!check(graph, form, shape))
        return nothing;
    composition *own = erg_graph_alloc(graph, sizeof *own);
    erg_energy *parts = erg_graph_alloc(graph, (size_t)form.n * sizeof *parts);
    if (!own || !parts)
        return nothing;
    memcpy(parts, form.parts, (size_t)form.n * sizeof *parts);
    *own = form;
    own->parts = parts;
    return (erg_energy){fn, own};
}

/* The values of all parts side by side, (B, n). */
static erg_node *stack(const composition *c, erg_node *x) {
    erg_node **each = erg_graph_alloc(erg_node_graph(x), (size_t)c->n * sizeof *each);
    for (int k = 0; each && k < c->n; k++)
        each[k] = erg_energy_apply(c->parts[k], x);
    return each ? erg_stack(each, c->n, 1) : NULL;
}

/* ------------------------------------------------------------------------------- sums */

static erg_node *sum_of(void *self, erg_node *x) {
    const composition *c = self;
    erg_node *sum = NULL;
    for (int k = 0; k < c->n; k++) {
        erg_node *e = erg_energy_apply(c->parts[k], x);
        if (c->numbers)
            e = erg_mul(e, erg_select(c->numbers, 0, k));
        sum = k ? erg_add(sum, e) : e;
    }
    return sum;
}

erg_energy erg_energy_sum(erg_graph *graph, const erg_energy *energies, int n, erg_node *weights) {
    composition form = {.name = "energy_sum", .parts = energies, .n = n, .numbers = weights};
    return compose(graph, form, ERG_SHAPE(n), sum_of);
}

static erg_node *mean_of(void *self, erg_node *x) {
    const composition *c = self;
    return erg_mul_scalar(sum_of(self, x), 1.0 / c->n);
}

erg_energy erg_energy_mean(erg_graph *graph, const erg_energy *energies, int n) {
    return compose(graph, (composition){.name = "energy_mean", .parts = energies, .n = n},
                   ERG_SCALAR, mean_of);
}

/* A norm, because it has a derivative where it is 0. */
static erg_node *disagreement_of(void *self, erg_node *x) {
    const composition *c = self;
    erg_node *each = stack(c, x);
    erg_node *away = erg_sub(each, erg_mean(each, ERG_AXES(1), 1));
    return erg_mul_scalar(erg_norm(away, 2, ERG_AXES(1), 0), 1 / sqrt(c->n));
}

erg_energy erg_energy_disagreement(erg_graph *graph, const erg_energy *energies, int n) {
    composition form = {.name = "energy_disagreement", .parts = energies, .n = n};
    return compose(graph, form, ERG_SCALAR, disagreement_of);
}

/* ------------------------------------------------------------------------------- mixtures */

static erg_node *mixture_of(void *self, erg_node *x) {
    const composition *c = self;
    erg_node *log_p = erg_neg(stack(c, x));
    if (c->numbers)
        log_p = erg_add(log_p, c->numbers);
    return erg_add_scalar(erg_neg(erg_logsumexp(log_p, ERG_AXES(1), 0)), c->level);
}

/* log w_k - log Z_k, NULL for zeros. */
static erg_node *log_factors(erg_energy_mixture_options o) {
    erg_node *log_w = o.logits && o.normalised ? erg_log_softmax(o.logits, 0) : o.logits;
    if (!o.log_z)
        return log_w;
    return log_w ? erg_sub(log_w, o.log_z) : erg_neg(o.log_z);
}

erg_energy erg_energy_mixture(erg_graph *graph, const erg_energy *energies, int n,
                              erg_energy_mixture_options options) {
    composition form = {
        .name = "energy_mixture", .parts = energies, .n = n, .numbers = options.logits};
    if (!check(graph, form, ERG_SHAPE(n)))
        return (erg_energy){0};
    form.numbers = options.log_z;
    if (!check(graph, form, ERG_SHAPE(n)))
        return (erg_energy){0};
    form.numbers = log_factors(options);
    form.level = options.normalised && !options.logits ? log(n) : 0;
    return compose(graph, form, ERG_SHAPE(n), mixture_of);
}

/* ------------------------------------------------------------------------------- one number */

static erg_node *tempered_of(void *self, erg_node *x) {
    const composition *c = self;
    return erg_div(erg_energy_apply(c->parts[0], x), c->numbers);
}

/* NULL is no number here. */
static bool has_number(erg_graph *graph, const char *name, const erg_node *number) {
    return number || erg_graph_fail(graph, "%s: no number", name);
}

erg_energy erg_energy_tempered(erg_graph *graph, erg_energy energy, erg_node *temperature) {
    if (!has_number(graph, "energy_tempered", temperature))
        return (erg_energy){0};
    composition form = {
        .name = "energy_tempered", .parts = &energy, .n = 1, .numbers = temperature};
    return compose(graph, form, ERG_SCALAR, tempered_of);
}

static erg_node *guided_of(void *self, erg_node *x) {
    const composition *c = self;
    erg_node *with = erg_energy_apply(c->parts[0], x), *without = erg_energy_apply(c->parts[1], x);
    return erg_add(with, erg_mul(erg_sub(with, without), c->numbers));
}

erg_energy erg_energy_guided(erg_graph *graph, erg_energy conditional, erg_energy unconditional,
                             erg_node *weight) {
    const erg_energy parts[] = {conditional, unconditional};
    if (!has_number(graph, "energy_guided", weight))
        return (erg_energy){0};
    return compose(
        graph, (composition){.name = "energy_guided", .parts = parts, .n = 2, .numbers = weight},
        ERG_SCALAR, guided_of);
}

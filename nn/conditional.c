/* conditional.c: energies of two things, E(x, c). With c held it is the energy of a conditional
 * density p(x | c), with x held that of a latent variable, with both free that of the joint density;
 * summed over all c it is the free energy of x, F(x) = -log sum_c exp(-E(x, c)). */
#include <stdbool.h>

#include "nn.h"

typedef struct half {
    erg_pair_energy energy;
    erg_node *held;
    int64_t number; /* of columns of x, or of labels */
} half;

static bool check(erg_node *x, erg_node *condition, erg_pair_energy energy) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_graph *graph = erg_node_graph(x ? x : condition);
    erg_shape shape = erg_node_shape(x), other = erg_node_shape(condition);
    if (!x || !condition || !energy.fn)
        return erg_graph_fail(graph, "pair_energy: no %s",
                              !energy.fn ? "function"
                              : x        ? "condition"
                                         : "x");
    return (shape.ndim > 0 && (other.ndim == 0 || other.dims[0] == shape.dims[0])) ||
           erg_graph_fail(graph, "pair_energy: x %s and condition %s are not of one batch",
                          erg_shape_text(shape, a), erg_shape_text(other, b));
}

erg_node *erg_pair_energy_apply(erg_pair_energy energy, erg_node *x, erg_node *condition) {
    if (!check(x, condition, energy))
        return NULL;
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_node *e = energy.fn(energy.self, x, condition);
    if (!e || erg_shape_equal(erg_node_shape(e), ERG_SHAPE(erg_node_shape(x).dims[0])))
        return e;
    return erg_graph_fail(erg_node_graph(x), "pair_energy: x %s gave %s, not one number a sample",
                          erg_shape_text(erg_node_shape(x), a),
                          erg_shape_text(erg_node_shape(e), b));
}

/* An energy of the one half with the other in its self. */
static erg_energy make(erg_graph *graph, const char *name, half form, bool good,
                       erg_node *(*fn)(void *self, erg_node *x)) {
    half *own = erg_graph_alloc(graph, sizeof *own);
    if (!own || !form.energy.fn || !good) {
        erg_graph_fail(graph, "%s: no %s", name, form.energy.fn ? "second half" : "function");
        return (erg_energy){0};
    }
    *own = form;
    return (erg_energy){fn, own};
}

static erg_node *given(void *self, erg_node *x) {
    const half *h = self;
    return erg_pair_energy_apply(h->energy, x, h->held);
}

erg_energy erg_energy_given(erg_graph *graph, erg_pair_energy energy, erg_node *condition) {
    half form = {.energy = energy, .held = condition};
    return make(graph, "energy_given", form, condition != NULL, given);
}

static erg_node *of_latent(void *self, erg_node *z) {
    const half *h = self;
    return erg_pair_energy_apply(h->energy, h->held, z);
}

erg_energy erg_energy_of_latent(erg_graph *graph, erg_pair_energy energy, erg_node *x) {
    half form = {.energy = energy, .held = x};
    return make(graph, "energy_of_latent", form, x != NULL, of_latent);
}

static erg_node *joint(void *self, erg_node *both) {
    const half *h = self;
    char text[ERG_SHAPE_TEXT];
    erg_shape shape = erg_node_shape(both);
    if (shape.ndim != 2 || shape.dims[1] < h->number)
        return erg_graph_fail(erg_node_graph(both), "energy_joint: %s, must be (B, %lld or more)",
                              erg_shape_text(shape, text), (long long)h->number);
    erg_node *x = erg_slice(both, 1, 0, h->number, 1);
    return erg_pair_energy_apply(h->energy, x, erg_slice(both, 1, h->number, ERG_END, 1));
}

erg_energy erg_energy_joint(erg_graph *graph, erg_pair_energy energy, int64_t width) {
    half form = {.energy = energy, .number = width};
    return make(graph, "energy_joint", form, width >= 0, joint);
}

static erg_node *over_labels(void *self, erg_node *x) {
    const half *h = self;
    erg_graph *graph = erg_node_graph(x);
    erg_shape shape = erg_node_shape(x);
    erg_node **each = erg_graph_alloc(graph, (size_t)h->number * sizeof *each);
    if (!each || shape.ndim < 1)
        return erg_graph_fail(graph, "energy_over_labels: x has no batch");
    for (int64_t c = 0; c < h->number; c++) {
        erg_node *label = erg_full(graph, ERG_INT32, ERG_SHAPE(shape.dims[0]), (double)c);
        each[c] = erg_neg(erg_pair_energy_apply(h->energy, x, label));
    }
    return erg_neg(erg_logsumexp(erg_stack(each, (int)h->number, 1), ERG_AXES(1), 0));
}

erg_energy erg_energy_over_labels(erg_graph *graph, erg_pair_energy energy, int64_t classes) {
    half form = {.energy = energy, .number = classes};
    bool good = classes >= 1 && classes <= INT32_MAX;
    return make(graph, "energy_over_labels", form, good, over_labels);
}

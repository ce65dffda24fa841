/* neighbours.c: the neighbours of a discrete sample, as one batch S (K - 1) times as large. The K states
 * of a site lie on a circle, two opposite each other; to turn a site by k = 1 .. K - 1 places leads to
 * all states but its own. Row ((k - 1) S + i) B + b is sample b with site i turned by k. */
#include "neighbours.h"
#include "samples.h"

/* ------------------------------------------------------------------------------- sites */

bool erg_site_data_of(const char *loss, erg_node *data, erg_sites kind, erg_site_data *result) {
    erg_graph *graph = erg_node_graph(data);
    erg_shape shape = erg_node_shape(data);
    const bool one_hot = kind == ERG_ONE_HOT;
    char text[ERG_SHAPE_TEXT];
    if (!data)
        return erg_graph_fail(graph, "%s: no data", loss);
    if (kind < ERG_BITS || kind > ERG_ONE_HOT)
        return erg_graph_fail(graph, "%s: unknown kind of sites %d", loss, (int)kind);
    int64_t sites = 1, states = one_hot && shape.ndim > 0 ? shape.dims[shape.ndim - 1] : 2;
    for (int axis = 1; axis < shape.ndim - one_hot; axis++)
        sites *= shape.dims[axis];
    if (erg_node_dtype(data) == ERG_INT32 || shape.ndim < 1 + one_hot || states < 2 || sites < 1 ||
        sites > INT32_MAX || states > INT32_MAX)
        return erg_graph_fail(graph, "%s: data is %s %s, must be a float (B, sites...%s)", loss,
                              erg_dtype_name(erg_node_dtype(data)), erg_shape_text(shape, text),
                              one_hot ? ", states), 2 states or more" : ")");
    int64_t batch = shape.dims[0], numbers = one_hot ? states : 1;
    erg_node *x = erg_reshape(data, 3, (int64_t[]){batch, sites, numbers});
    *result = (erg_site_data){kind, batch, sites, states, numbers, shape, x};
    return x != NULL;
}

erg_node *erg_site_energies(const erg_site_data *data, erg_energy energy, erg_node *samples) {
    erg_shape shape = data->shape;
    shape.dims[0] = erg_node_shape(samples).dims[0];
    erg_node *e = erg_energy_apply(energy, erg_reshape(samples, shape.ndim, shape.dims));
    return e ? ERG_RESHAPE(e, -1, data->batch) : NULL;
}

/* All sites turned by `places`, (B, S, C). */
static erg_node *turn(const erg_site_data *data, int64_t places) {
    if (data->kind == ERG_SPINS)
        return erg_neg(data->x);
    if (data->kind == ERG_BITS)
        return erg_sub(erg_full_like(data->x, 1), data->x);
    int64_t split = data->states - places;
    erg_node *parts[] = {erg_slice(data->x, -1, split, ERG_END, 1),
                         erg_slice(data->x, -1, 0, split, 1)};
    return erg_concat(parts, 2, -1);
}

/* ------------------------------------------------------------------------------- neighbours */

/* ((K - 1) S B, S, C) */
static erg_node *neighbours_of(const erg_site_data *data) {
    erg_graph *graph = erg_node_graph(data->x);
    int64_t s = data->sites, turns = data->states - 1;
    erg_node **turned = erg_graph_alloc(graph, (size_t)turns * sizeof(erg_node *));
    if (!turned)
        return NULL;
    for (int64_t k = 0; k < turns; k++)
        turned[k] = turn(data, k + 1);
    erg_node *all = erg_unsqueeze(erg_stack(turned, (int)turns, 0), 1); /* (K - 1, 1, B, S, C) */
    erg_node *unit = erg_one_hot(erg_arange(graph, ERG_INT32, s), s, erg_node_dtype(data->x));
    erg_node *changes = ERG_RESHAPE(unit, s, 1, s, 1);
    erg_node *y = erg_where(changes, all, data->x); /* (K - 1, S, B, S, C) */
    return ERG_RESHAPE(y, turns * s * data->batch, s, data->numbers);
}

erg_node *erg_neighbours_loss(const char *loss, erg_energy energy, erg_node *data, erg_sites kind,
                              erg_node *(*f)(erg_node *drops)) {
    erg_site_data d;
    erg_node *e = erg_site_data_of(loss, data, kind, &d) ? erg_energy_apply(energy, data) : NULL;
    erg_node *y = e ? neighbours_of(&d) : NULL;
    erg_node *there = y ? erg_site_energies(&d, energy, y) : NULL;
    if (!there)
        return NULL;
    erg_node *drops = erg_sub(e, ERG_RESHAPE(there, d.states - 1, d.sites, d.batch));
    erg_node *terms = f(drops);
    return terms ? erg_samples_total(ERG_RESHAPE(terms, -1, d.batch)) : NULL;
}

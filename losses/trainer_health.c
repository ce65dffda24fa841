/* trainer_health.c: numbers that tell how a training is, in a plan of their own that runs once in
 * some steps. With E the model's energy,
 *
 *     energy gap = mean E(reference) - mean E(data),
 *
 * which is about 0 where the reference are samples of the model and the model is that of the data. A
 * gap that runs away says that chains no longer find where the energy is low. */
#include "trainer.h"

static erg_node *mean_of(erg_node *x) {
    return erg_mean(x, ERG_ALL, 0);
}

/* The mean over a batch of |grad E|: what drives the steps of Langevin chains. */
static erg_node *mean_slope(erg_energy energy, erg_node *x) {
    erg_node *score = erg_samples_flat(erg_score(energy, x));
    return mean_of(erg_norm(score, 2, ERG_AXES(1), 0));
}

/* A node to be recorded, as float64; returns its column. */
static int add_node(erg_trainer *t, const char *name, erg_node *node) {
    t->health_nodes[t->n_health++] = erg_cast(node, ERG_FLOAT64);
    return erg_trainer_add_column(t, name);
}

static void add_energies(erg_trainer *t) {
    const erg_health *h = &t->options.health;
    erg_node *data = h->data ? h->data : t->options.batches.x;
    erg_node *reference = h->reference ? h->reference : erg_negatives_x(t->options.negatives);
    erg_node *low = mean_of(erg_energy_apply(h->energy, data));
    add_node(t, "energy of data", low);
    if (!reference)
        return;
    erg_node *high = mean_of(erg_energy_apply(h->energy, reference));
    t->history.gap = add_node(t, "energy gap", erg_sub(high, low));
    add_node(t, "Langevin gradient norm", mean_slope(h->energy, reference));
}

static void add_weights(erg_trainer *t) {
    erg_node *sum = NULL;
    for (int k = 0; k < t->n; k++) {
        erg_node *square = erg_sum(erg_square(erg_cast(t->params[k], ERG_FLOAT64)), ERG_ALL, 0);
        sum = k ? erg_add(sum, square) : square;
        if (t->options.health.weights)
            add_node(t, erg_trainer_text(t->graph, "|%s|", erg_node_name(t->params[k])),
                     erg_sqrt(square));
    }
    add_node(t, "weight norm", erg_sqrt(sum));
}

static erg_status add_columns_of_options(erg_trainer *t) {
    const erg_history_options *o = &t->options.history;
    for (int i = 0; i < o->n_columns; i++) {
        const erg_column *c = &o->columns[i];
        if (!c->node || erg_node_shape(c->node).ndim != 0 || erg_node_dtype(c->node) == ERG_INT32)
            return erg_fail(ERG_ERROR_ARGUMENT, "trainer: column \"%s\" must be a float ()",
                            c->name ? c->name : "");
        add_node(t, c->name, c->node);
    }
    return ERG_OK;
}

erg_status erg_trainer_build_health(erg_trainer *t) {
    const erg_health *h = &t->options.health;
    size_t most = (size_t)t->n + 4 + (size_t)t->options.history.n_columns;
    if (h->energy.fn && !h->data && !t->options.batches.x)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: health has an energy, but no data");
    if (!(t->health_nodes = erg_graph_alloc(t->graph, most * sizeof(erg_node *))))
        return ERG_ERROR_MEMORY;
    t->history.health = t->history.columns;
    if (h->energy.fn)
        add_energies(t);
    add_weights(t);
    erg_status status = add_columns_of_options(t);
    if (status != ERG_OK)
        return status;
    if (erg_negatives_replay(t->options.negatives))
        t->history.replay = erg_trainer_add_column(t, "replay age");
    if (t->options.validation.fn || t->options.validation.node)
        t->history.validation = erg_trainer_add_column(t, "validation");
    if (erg_graph_error(t->graph))
        return erg_fail(ERG_ERROR_GRAPH, "%s", erg_graph_error(t->graph));
    t->health = erg_compile(t->health_nodes, t->n_health);
    return t->health ? ERG_OK : erg_error_status();
}

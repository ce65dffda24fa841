/* statistics.c: sums over the transitions of each chain, in states of the graph: one addition to
 * each at every run, masked where a chain's transition has not ended yet. */
#include <math.h>

#include "samplers.h"

erg_statistics *erg_statistics_new(erg_graph *graph, const char *name, int64_t chains) {
    erg_statistics *s = erg_graph_error(graph) ? NULL : erg_graph_alloc(graph, sizeof *s);
    if (!s)
        return NULL;
    erg_scope_push(graph, name);
    if (erg_graph_error(graph))
        return NULL;
    s->transitions = erg_state(graph, "transitions", ERG_FLOAT64, ERG_SHAPE(chains));
    s->acceptance = erg_state(graph, "acceptance", ERG_FLOAT64, ERG_SHAPE(chains));
    s->energy = erg_state(graph, "energy", ERG_FLOAT64, ERG_SHAPE(chains));
    s->gradient_norm = erg_state(graph, "gradient_norm", ERG_FLOAT64, ERG_SHAPE(chains));
    s->divergent = erg_state(graph, "divergent", ERG_FLOAT64, ERG_SHAPE(chains));
    s->not_finite = erg_state(graph, "not_finite", ERG_FLOAT64, ERG_SHAPE(chains));
    erg_scope_pop(graph);
    return erg_graph_error(graph) ? NULL : s;
}

/* sum <- sum + value, for the chains that are done. */
static erg_node *add(erg_node *sum, erg_node *value, erg_node *done) {
    erg_node *more = erg_cast(value, ERG_FLOAT64);
    if (done)
        more = erg_where(erg_cast(done, ERG_FLOAT64), more, erg_full_like(more, 0));
    return erg_assign(sum, erg_add(sum, more));
}

erg_node *erg_statistics_count(const erg_statistics *statistics, erg_transition transition) {
    if (!statistics || !transition.next)
        return NULL;
    erg_node *sums[] = {statistics->acceptance, statistics->energy, statistics->gradient_norm,
                        statistics->divergent, statistics->not_finite};
    erg_node *values[] = {transition.acceptance, transition.energy, transition.gradient_norm,
                          transition.divergent, transition.not_finite};
    erg_node *effects[6];
    effects[0] =
        add(statistics->transitions, erg_full_like(statistics->transitions, 1), transition.done);
    int n = 1;
    for (int i = 0; i < 5; i++)
        if (values[i])
            effects[n++] = add(sums[i], values[i], transition.done);
    return erg_group(effects, n);
}

erg_status erg_statistics_reset(const erg_statistics *statistics) {
    if (!statistics)
        return erg_fail(ERG_ERROR_ARGUMENT, "statistics_reset: no statistics");
    erg_node *all[] = {statistics->transitions,   statistics->acceptance, statistics->energy,
                       statistics->gradient_norm, statistics->divergent,  statistics->not_finite};
    for (int i = 0; i < 6; i++)
        erg_tensor_fill(erg_value(all[i]), 0);
    return ERG_OK;
}

static double total(erg_node *sums, int64_t first, int64_t end) {
    double sum = 0;
    for (int64_t b = first; b < end; b++)
        sum += erg_tensor_get(erg_value(sums), b);
    return sum;
}

erg_status erg_statistics_get(const erg_statistics *statistics, int64_t chain,
                              erg_statistics_summary *summary) {
    int64_t chains = statistics ? erg_node_shape(statistics->transitions).dims[0] : 0;
    if (!statistics || !summary || chain < -1 || chain >= chains)
        return erg_fail(ERG_ERROR_ARGUMENT, "statistics_get: chain %lld of %lld, or no summary",
                        (long long)chain, (long long)chains);
    int64_t first = chain < 0 ? 0 : chain, end = chain < 0 ? chains : chain + 1;
    double n = total(statistics->transitions, first, end);
    *summary = (erg_statistics_summary){
        .transitions = n,
        .acceptance = total(statistics->acceptance, first, end) / n,
        .energy = total(statistics->energy, first, end) / n,
        .gradient_norm = total(statistics->gradient_norm, first, end) / n,
        .divergent = total(statistics->divergent, first, end),
        .not_finite = total(statistics->not_finite, first, end),
    };
    return ERG_OK;
}

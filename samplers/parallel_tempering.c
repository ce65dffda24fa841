/* parallel_tempering.c: replicas at every temperature of a ladder that exchange their states
 * (Swendsen & Wang 1986; Geyer 1991). After a move of each at its own temperature, neighbours k and
 * k + 1 swap with probability
 *     min(1, exp((beta_k - beta_(k+1)) (E(x_k) - E(x_(k+1))))),
 * the pairs of even k in one round, those of odd k in the next. Chains and temperatures are one
 * batch: row k B + b is chain b at beta_k. */
#include "batch.h"
#include "tempering.h"

/* Numbers as a constant (count, 1). */
static erg_node *column(erg_node *x, const double *numbers, int64_t count) {
    erg_tensor *value = erg_tensor_new(erg_node_dtype(x), ERG_SHAPE(count, 1));
    for (int64_t k = 0; value && k < count; k++)
        erg_tensor_set(value, k, numbers[k]);
    erg_node *node =
        value ? erg_constant(erg_node_graph(x), value)
              : erg_graph_fail(erg_node_graph(x), "parallel_tempering: %s", erg_error_message());
    erg_tensor_free(value);
    return node;
}

/* 1 for the pairs whose turn it is, (K - 1, 1): those with k + round even. */
static erg_node *turn(erg_node *x, erg_node *round, int64_t pairs) {
    erg_node *k = erg_arange(erg_node_graph(x), erg_node_dtype(x), pairs);
    erg_node *sum = erg_add(k, erg_cast(round, erg_node_dtype(x)));
    erg_node *odd = erg_sub(sum, erg_mul_scalar(erg_floor(erg_mul_scalar(sum, 0.5)), 2));
    return erg_unsqueeze(erg_logical_not(odd), 1);
}

/* 1 for each pair that swaps, (K - 1, B); e (K, B). */
static erg_node *decide(erg_node *e, erg_node *beta, erg_node *turn_of) {
    erg_node *low = erg_slice(e, 0, 0, -1, 1), *high = erg_slice(e, 0, 1, ERG_END, 1);
    erg_node *gap = erg_sub(erg_slice(beta, 0, 0, -1, 1), erg_slice(beta, 0, 1, ERG_END, 1));
    erg_node *log_ratio = erg_mul(gap, erg_sub(low, high));
    erg_node *u = erg_uniform(erg_node_graph(e), erg_node_dtype(e), erg_node_shape(log_ratio));
    return erg_logical_and(turn_of, erg_less(erg_log(u), log_ratio));
}

/* Row k of x (K, B, S) becomes row k + 1 where pair k swaps, row k - 1 where pair k - 1 does. */
static erg_node *exchange(erg_node *x, erg_node *swaps) {
    erg_node *above = erg_concat(
        (erg_node *[]){erg_slice(x, 0, 1, ERG_END, 1), erg_slice(x, 0, -1, ERG_END, 1)}, 2, 0);
    erg_node *below =
        erg_concat((erg_node *[]){erg_slice(x, 0, 0, 1, 1), erg_slice(x, 0, 0, -1, 1)}, 2, 0);
    erg_node *up = erg_unsqueeze(erg_pad(swaps, 0, 0, 1, 0), 2);
    erg_node *down = erg_unsqueeze(erg_pad(swaps, 0, 1, 0, 0), 2);
    return erg_where(up, above, erg_where(down, below, x));
}

/* state + what was counted in this round, a node of x's dtype. */
static erg_node *count(erg_node *state, erg_node *counted) {
    return erg_assign(state, erg_add(state, erg_cast(counted, ERG_FLOAT64)));
}

static erg_parallel_tempering *make_states(erg_graph *graph, const char *name, int64_t pairs) {
    erg_parallel_tempering *p = erg_graph_alloc(graph, sizeof *p);
    if (!p)
        return NULL;
    erg_scope_push(graph, name ? name : "tempering");
    p->rounds = erg_state(graph, "rounds", ERG_FLOAT64, ERG_SCALAR);
    p->attempted = erg_state(graph, "attempted", ERG_FLOAT64, ERG_SHAPE(pairs));
    p->swapped = erg_state(graph, "swapped", ERG_FLOAT64, ERG_SHAPE(pairs));
    p->rejected = erg_state(graph, "rejected", ERG_FLOAT64, ERG_SCALAR);
    erg_scope_pop(graph);
    return p->rounds && p->attempted && p->swapped && p->rejected ? p : NULL;
}

/* The nodes of next and update, once all is checked. */
static bool build(erg_parallel_tempering *p, erg_energy energy, erg_node *x, erg_kernel kernel,
                  const double *betas, int64_t k) {
    erg_shape shape = erg_node_shape(x);
    int64_t chains = shape.dims[0] / k;
    erg_node *beta = column(x, betas, k);
    erg_node *of_rows = erg_flatten(erg_broadcast(beta, ERG_SHAPE(k, chains)), 0);
    erg_node *moved = erg_kernel_apply("parallel_tempering", kernel, energy, of_rows, x);
    erg_guarded kept = erg_guard(energy, x, moved);
    if (!kept.next)
        return false;
    erg_node *turn_of = turn(x, p->rounds, k - 1);
    erg_node *swaps = decide(ERG_RESHAPE(kept.energy, k, chains), beta, turn_of);
    erg_node *swapped = exchange(ERG_RESHAPE(kept.next, k, chains, -1), swaps);
    erg_node *tried = erg_mul_scalar(erg_squeeze(turn_of, 1), (double)chains);
    erg_node *effects[] = {
        erg_assign(p->rounds, erg_add_scalar(p->rounds, 1)),
        count(p->attempted, tried),
        count(p->swapped, erg_sum(swaps, ERG_AXES(1), 0)),
        count(p->rejected, erg_sum(kept.rejected, ERG_ALL, 0)),
    };
    p->next = erg_reshape(swapped, shape.ndim, shape.dims);
    p->update = erg_group(effects, 4);
    return p->next && p->update;
}

erg_parallel_tempering *erg_parallel_tempering_new(erg_energy energy, erg_node *x,
                                                   erg_kernel kernel,
                                                   erg_parallel_tempering_options options) {
    erg_graph *graph = erg_node_graph(x);
    erg_shape shape = erg_node_shape(x);
    char text[ERG_SHAPE_TEXT];
    int64_t k = 0;
    const double *betas =
        x ? erg_ladder_betas(graph, "parallel_tempering", options.ladder, &k) : NULL;
    if (!betas)
        return NULL;
    if (shape.ndim < 1 || erg_shape_size(shape) == 0 || shape.dims[0] % k != 0)
        return (void *)erg_graph_fail(
            graph, "parallel_tempering: x is %s, must have a multiple of %lld rows",
            erg_shape_text(shape, text), (long long)k);
    erg_parallel_tempering *p = make_states(graph, options.name, k - 1);
    return p && build(p, energy, x, kernel, betas, k) ? p : NULL;
}

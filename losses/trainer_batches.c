/* trainer_batches.c: what steps are made from, and the look at what is held out.
 *
 * Noise on the data, x <- x + noise xi with xi ~ N(0, I), is a plan that runs after each batch is in
 * place: chains that start at the data, and the loss, see the same x. */
#include "trainer.h"

/* ------------------------------------------------------------------------------- checks */

static bool is_leaf(erg_node *node) {
    return node && erg_value(node);
}

static erg_status check_inputs(const erg_trainer *t) {
    const erg_batches *b = &t->options.batches;
    if ((b->x && !is_leaf(b->x)) || (b->y && !is_leaf(b->y)))
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: the batches' x and y must be leaves");
    if (b->dataset && !b->x)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: no leaf x for the rows of the data set");
    if (t->options.training &&
        (!is_leaf(t->options.training) || erg_node_shape(t->options.training).ndim != 0))
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: training must be an input of shape ()");
    return ERG_OK;
}

static erg_status check_noise(const erg_batches *b) {
    bool clamps = b->clamp_low != 0 || b->clamp_high != 0;
    if (b->noise == 0 && !clamps)
        return ERG_OK;
    if (!(b->noise >= 0 && isfinite(b->noise)) || (clamps && !(b->clamp_low < b->clamp_high)))
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: noise %g on the data, kept in [%g, %g]",
                        b->noise, b->clamp_low, b->clamp_high);
    if (!b->x || erg_node_dtype(b->x) == ERG_INT32 || (!b->dataset && !b->fill))
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: noise on the data needs a float leaf x that "
                                            "is set anew before each step");
    return ERG_OK;
}

static erg_status check_validation(const erg_trainer *t) {
    const erg_validation *v = &t->options.validation;
    if (!v->fn && !v->node)
        return ERG_OK;
    if (v->every < 0 || (v->averages && !(t->options.ema_decay > 0)))
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: validation every %lld steps%s",
                        (long long)v->every,
                        v->averages ? ", with averages that there are not" : "");
    if (v->fn)
        return ERG_OK;
    if (erg_node_shape(v->node).ndim != 0 || erg_node_dtype(v->node) == ERG_INT32)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: the validation node must be a float ()");
    const erg_batches *b = &t->options.batches;
    if (v->dataset && !b->dataset && !b->fill)
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "trainer: validation on a data set puts its rows into x, "
                        "which nothing sets back");
    if (v->dataset && (!b->x || erg_dataset_size(v->dataset) < erg_node_shape(b->x).dims[0]))
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer: the validation's data set has no whole batch "
                                            "for x");
    return ERG_OK;
}

erg_status erg_trainer_check_batches(const erg_trainer *t) {
    erg_status status = check_inputs(t);
    if (status == ERG_OK)
        status = check_noise(&t->options.batches);
    return status ? status : check_validation(t);
}

/* ------------------------------------------------------------------------------- plans */

static erg_node *noisy(const erg_batches *b) {
    erg_node *x = b->x;
    if (b->noise > 0) {
        erg_node *xi = erg_normal(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(x));
        x = erg_add(x, erg_mul_scalar(xi, b->noise));
    }
    if (b->clamp_low != 0 || b->clamp_high != 0)
        x = erg_clamp(x, b->clamp_low, b->clamp_high);
    return erg_assign(b->x, x);
}

erg_status erg_trainer_build_batches(erg_trainer *t) {
    const erg_batches *b = &t->options.batches;
    const erg_validation *v = &t->options.validation;
    if (b->noise > 0 || b->clamp_low != 0 || b->clamp_high != 0) {
        erg_node *effect = noisy(b);
        if (!(t->noise = erg_compile(&effect, 1)))
            return erg_error_status();
    }
    if (v->node && !v->fn && !(t->validation = erg_compile(&v->node, 1)))
        return erg_error_status();
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- running */

erg_status erg_trainer_next_batch(erg_trainer *t) {
    const erg_batches *b = &t->options.batches;
    erg_status status = ERG_OK;
    if (t->options.training)
        erg_tensor_fill(erg_value(t->options.training), 1);
    if (b->dataset)
        status = erg_dataset_next(b->dataset, erg_value(b->x), b->y ? erg_value(b->y) : NULL);
    if (status == ERG_OK && b->fill)
        status = b->fill(b->self, erg_trainer_steps(t));
    if (status == ERG_OK && t->noise)
        erg_run(t->noise);
    return status;
}

/* The node's mean over the batches of one epoch of the held-out rows. */
static erg_status mean_over_batches(erg_trainer *t, double *mean) {
    const erg_batches *b = &t->options.batches;
    erg_dataset *data = t->options.validation.dataset;
    int64_t epoch = erg_dataset_epoch(data), batches = 0;
    erg_status status = ERG_OK;
    double sum = 0;
    do {
        if (data)
            status = erg_dataset_next(data, erg_value(b->x), b->y ? erg_value(b->y) : NULL);
        if (status != ERG_OK)
            return status;
        erg_trainer_look(t, t->validation);
        sum += erg_trainer_number(t->validation, 0);
        batches++;
    } while (data && erg_dataset_epoch(data) == epoch);
    *mean = sum / (double)batches;
    return ERG_OK;
}

erg_status erg_trainer_validate(erg_trainer *t, double *value) {
    const erg_validation *v = &t->options.validation;
    uint64_t runs = erg_graph_runs(t->graph);
    erg_status status = ERG_OK;
    if (t->options.training)
        erg_tensor_fill(erg_value(t->options.training), 0);
    if (v->averages)
        erg_ema_swap(t->ema);
    if (v->fn)
        *value = v->fn(v->self);
    else
        status = mean_over_batches(t, value);
    if (v->averages)
        erg_ema_swap(t->ema);
    erg_graph_set_runs(t->graph, runs);
    return status;
}

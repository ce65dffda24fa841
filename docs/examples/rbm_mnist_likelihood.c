/* rbm_mnist_likelihood.c: log Z of the machine by annealed importance sampling, there and back
 * (Salakhutdinov & Murray 2008; Grosse, Ghahramani & Adams 2015).
 *
 * The chains are pairs (v, h). The base has no weights: each pixel is 1 as often as among the digits,
 * each hidden unit half of the time. Between the two the energy is (1 - beta) E_0 + beta E, again that
 * of a machine, so that a sweep of Gibbs sampling is exact at every temperature. */
#include <math.h>

#include "rbm_mnist.h"

/* Hidden units whose states, 2^units, are summed over: the terms must fit into memory. And sweeps between
 * the two ways. */
enum { MOST_SUMMED = 16, SETTLE = 500 };

/* A machine and its base, as seen by the functions below. */
typedef struct bridge {
    const erg_rbm *rbm;
    erg_node *bias; /* (V): of the base */
} bridge;

static erg_node *visible_part(const bridge *b, erg_node *x) {
    return erg_slice(x, 1, 0, erg_node_shape(b->bias).dims[0], 1);
}

static erg_node *pair_energy(void *self, erg_node *x) {
    const bridge *b = self;
    erg_node *h = erg_slice(x, 1, erg_node_shape(b->bias).dims[0], ERG_END, 1);
    return erg_rbm_joint_energy((void *)b->rbm, visible_part(b, x), h);
}

static erg_node *base_energy(void *self, erg_node *x) {
    const bridge *b = self;
    return erg_neg(erg_matmul(visible_part(b, x), b->bias));
}

/* A sweep of the machine whose energy is (1 - beta) E_0 + beta E. */
static erg_node *sweep(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    const bridge *b = self;
    (void)tempered;
    erg_node *rest = erg_mul(b->bias, erg_add_scalar(erg_neg(beta), 1));
    erg_rbm between = {.weight = erg_mul(b->rbm->weight, beta),
                       .visible_bias = erg_add(erg_mul(b->rbm->visible_bias, beta), rest),
                       .hidden_bias = erg_mul(b->rbm->hidden_bias, beta)};
    erg_node *h = erg_rbm_sample_hidden(&between, visible_part(b, x));
    return erg_concat((erg_node *[]){erg_rbm_sample_visible(&between, h), h}, 2, 1);
}

/* log Z_0 = sum log(1 + exp(bias)) + H log 2, with samples of that base. */
static erg_ais_base make_base(const machine *m, bridge *b) {
    int64_t visible = erg_tensor_size(m->frequency), hidden = m->options->hidden;
    erg_node *p = erg_constant(m->graph, m->frequency);
    erg_node *half = erg_full(m->graph, ERG_FLOAT32, ERG_SHAPE(hidden), 0.5);
    erg_shape shape = ERG_SHAPE(m->options->paths, visible + hidden);
    double log_z = (double)hidden * log(2);
    for (int64_t j = 0; j < visible; j++)
        log_z -= log1p(-erg_tensor_get(m->frequency, j));
    b->bias = erg_sub(erg_log(p), erg_log1p(erg_neg(p)));
    erg_node *both = erg_concat((erg_node *[]){p, half}, 2, 0);
    return (erg_ais_base){.energy = {base_energy, b},
                          .sample = erg_bernoulli(erg_broadcast(both, shape)),
                          .log_z = log_z};
}

/* The way back starts from the paths that have arrived, drawn again by their weights and settled. */
static erg_status bracket_log_z(const machine *m, erg_ais_result *result) {
    const erg_ais_options options = {.steps = m->options->temperatures, .settle = SETTLE};
    bridge b = {.rbm = m->rbm};
    erg_ais_base base = make_base(m, &b);
    erg_node *x = erg_input(m->graph, NULL, ERG_FLOAT32, erg_node_shape(base.sample));
    erg_ais *ais = erg_ais_new((erg_energy){pair_energy, &b}, base, x, (erg_kernel){sweep, &b});
    erg_status status = ais ? erg_ais_run(ais, options, result) : erg_error_status();
    erg_ais_free(ais);
    return status;
}

static erg_status exact_log_z(const machine *m, double *log_z) {
    *log_z = NAN;
    if (m->options->hidden > MOST_SUMMED)
        return ERG_OK;
    erg_tensor *value = erg_evaluate(erg_rbm_log_z(m->rbm));
    if (value)
        *log_z = erg_tensor_get(value, 0);
    erg_tensor_free(value);
    return value ? ERG_OK : erg_error_status();
}

/* Mean and standard error of -E over the held-out digits. */
static erg_status mean_energy(const machine *m, likelihood *l) {
    int64_t n = m->held_out->shape.dims[0];
    erg_tensor *energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    erg_evaluator *evaluator =
        erg_evaluator_new(m->graph, (erg_energy){erg_rbm_energy, m->rbm}, ERG_FLOAT32,
                          ERG_SHAPE(m->held_out->shape.dims[1]), 0);
    erg_status status = energies && evaluator ? erg_evaluator_run(evaluator, m->held_out, energies)
                                              : erg_error_status();
    double sum = 0, squares = 0;
    for (int64_t i = 0; status == ERG_OK && i < n; i++)
        sum -= erg_tensor_get(energies, i);
    for (int64_t i = 0; status == ERG_OK && i < n; i++)
        squares += pow(erg_tensor_get(energies, i) + sum / (double)n, 2);
    l->mean = sum / (double)n;
    l->error = sqrt(squares / ((double)n * (double)(n > 1 ? n - 1 : 1)));
    erg_evaluator_free(evaluator);
    erg_tensor_free(energies);
    return status;
}

/* sum_i [v_i log p_i + (1 - v_i) log(1 - p_i)], averaged. */
static double independent_pixels(const machine *m) {
    int64_t n = m->held_out->shape.dims[0], visible = m->held_out->shape.dims[1];
    double sum = 0;
    for (int64_t i = 0; i < n * visible; i++) {
        double p = erg_tensor_get(m->frequency, i % visible);
        sum += log(erg_tensor_get(m->held_out, i) > 0 ? p : 1 - p);
    }
    return sum / (double)n;
}

erg_status estimate_likelihood(const machine *m, likelihood *l) {
    double start = seconds_now();
    l->base = independent_pixels(m);
    erg_status status = bracket_log_z(m, &l->log_z);
    if (status == ERG_OK)
        status = exact_log_z(m, &l->exact);
    if (status == ERG_OK)
        status = mean_energy(m, l);
    l->seconds = seconds_now() - start;
    return status;
}

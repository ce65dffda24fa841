/* rbm_mnist.c: a restricted Boltzmann machine of handwritten digits in black and white, trained by
 * persistent contrastive divergence (Tieleman 2008),
 *
 *     E(v, h) = -v^T W h - b^T v - c^T h,   E(v) = -b^T v - sum_j softplus(c_j + (W^T v)_j),
 *
 * as scikit-learn's BernoulliRBM is, and its likelihood, which that one does not tell. */
#include <math.h>

#include "rbm_mnist.h"

/* Steps after which the learning rate is half as large. */
enum { HALVED = 1200 };

/* ------------------------------------------------------------------------------- digits */

/* Bytes (N, H, W) as bits (N, V): 1 where a pixel is brighter than half. */
static erg_tensor *bits_of(const erg_tensor *images) {
    int64_t n = images->shape.dims[0], size = erg_tensor_size(images);
    erg_tensor *bits = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(n, size / n));
    for (int64_t i = 0; bits && i < size; i++)
        erg_tensor_set(bits, i, erg_tensor_get(images, i) > 127);
    return bits;
}

/* How often each pixel is 1, with half a digit more of either kind, so that nothing is impossible. */
static erg_tensor *frequency_of(const erg_tensor *bits) {
    int64_t n = bits->shape.dims[0], v = bits->shape.dims[1];
    erg_tensor *frequency = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(v));
    for (int64_t j = 0; frequency && j < v; j++) {
        double count = 0.5;
        for (int64_t i = 0; i < n; i++)
            count += erg_tensor_get(bits, i * v + j);
        erg_tensor_set(frequency, j, count / (double)(n + 1));
    }
    return frequency;
}

static erg_status read_bits(machine *m) {
    digits train = {0}, held_out = {0};
    erg_status status = digits_start(&m->options->common, &train, &held_out);
    if (status == ERG_OK) {
        m->height = train.images->shape.dims[1];
        m->width = train.images->shape.dims[2];
        m->train = bits_of(train.images);
        m->held_out = bits_of(held_out.images);
        m->frequency = m->train ? frequency_of(m->train) : NULL;
        status = m->frequency && m->held_out ? ERG_OK : erg_error_status();
    }
    digits_free(&train);
    digits_free(&held_out);
    return status;
}

/* ------------------------------------------------------------------------------- the machine */

static erg_status random_bits(void *self, erg_tensor *out, erg_random where) {
    (void)self;
    erg_status status = erg_random_uniform(out, where);
    for (int64_t i = 0; status == ERG_OK && i < erg_tensor_size(out); i++)
        erg_tensor_set(out, i, erg_tensor_get(out, i) < 0.5);
    return status;
}

/* The visible biases start where the machine without weights has the pixels' own frequencies (Hinton
 * 2012). */
static erg_status make_machine(machine *m) {
    const rbm_options *o = m->options;
    int64_t visible = m->train->shape.dims[1];
    erg_shape shape = ERG_SHAPE(o->common.batch, visible);
    erg_graph *g = m->graph = erg_graph_new(o->common.seed);
    m->rbm = erg_rbm_new(g, "rbm", visible, o->hidden, (erg_rbm_options){0});
    m->digits = erg_input(g, "digits", ERG_FLOAT32, shape);
    erg_node *chains = erg_state(g, "chains", ERG_FLOAT32, shape);
    m->negatives = erg_negatives_new(chains, erg_rbm_gibbs(m->rbm, chains, 1),
                                     (erg_negatives_options){
                                         .start = ERG_START_PERSISTENT,
                                         .steps = o->sweeps,
                                         .replay = {.capacity = o->common.batch,
                                                    .restart = ERG_ZERO,
                                                    .seed = o->common.seed,
                                                    .init = random_bits},
                                     });
    m->batches = erg_dataset_new(m->train, NULL, (erg_dataset_options){.seed = o->common.seed});
    m->look = erg_dataset_new(m->held_out, NULL, (erg_dataset_options){.ordered = 1});
    if (!m->negatives || !m->batches || !m->look)
        return erg_error_status();
    for (int64_t j = 0; j < visible; j++) {
        double p = erg_tensor_get(m->frequency, j);
        erg_tensor_set(erg_value(m->rbm->visible_bias), j, log(p / (1 - p)));
    }
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- training */

/* An estimate of the pseudo-likelihood sum_i log p(v_i | others), which needs no Z: V times the mean
 * over some pixels of each digit, other ones in the next, so that a batch has them all. (scikit-learn
 * takes one pixel of each digit by chance.) The terms are log sigmoid(E(v with pixel i turned) - E(v)). */
static erg_node *pseudo_likelihood(const machine *m) {
    erg_energy energy = {erg_rbm_energy, m->rbm};
    int64_t b = m->options->common.batch, v = erg_tensor_size(m->frequency), k = (v + b - 1) / b;
    erg_node *count = erg_arange(m->graph, ERG_FLOAT32, k * b);
    erg_node *turns = erg_floor(erg_mul_scalar(erg_add_scalar(count, 0.5), 1 / (double)v));
    erg_node *pixel = erg_cast(erg_sub(count, erg_mul_scalar(turns, (double)v)), ERG_INT32);
    erg_node *hot = erg_one_hot(ERG_RESHAPE(pixel, k, b), v, ERG_FLOAT32);
    erg_node *others = erg_abs(erg_sub(hot, m->digits)); /* (k, B, V) */
    erg_node *energies = erg_energy_apply(energy, ERG_RESHAPE(others, k * b, v));
    erg_node *rise = erg_sub(ERG_RESHAPE(energies, k, b), erg_energy_apply(energy, m->digits));
    return erg_mul_scalar(erg_mean(erg_log_sigmoid(rise), ERG_ALL, 0), (double)v);
}

static erg_status make_trainer(machine *m) {
    const rbm_options *o = m->options;
    erg_energy energy = {erg_rbm_energy, m->rbm};
    erg_node *contrast = erg_contrastive_divergence(
        energy, m->digits, erg_negatives_x(m->negatives), (erg_contrastive_options){0});
    erg_node *weights = erg_sum(erg_square(m->rbm->weight), ERG_ALL, 0);
    erg_node *loss = erg_add(contrast, erg_mul_scalar(weights, o->decay / 2));
    erg_node *step = erg_state(m->graph, "step", ERG_FLOAT64, ERG_SCALAR);
    int n;
    erg_node **params = erg_params(m->graph, NULL, &n);
    erg_trainer_options t = digits_trainer_options(&o->common);
    t.rule = (erg_update_rule){erg_sgd_rule, NULL};
    t.step = step;
    t.learning_rate_node = erg_exponential_schedule(step, o->rate, pow(0.5, 1.0 / HALVED));
    t.batches = (erg_batches){.x = m->digits, .dataset = m->batches};
    t.negatives = m->negatives;
    t.validation = (erg_validation){.node = pseudo_likelihood(m), .dataset = m->look, .every = 100};
    t.health.energy = energy;
    t.history.every = 20;
    m->trainer = erg_trainer_new(loss, params, n, t);
    return m->trainer ? ERG_OK : erg_error_status();
}

/* ------------------------------------------------------------------------------- the program */

#define AT(field) .offset = offsetof(rbm_options, field)

static const program_option options[] = {
    DIGITS_ROWS(rbm_options),
    DIGITS_ROW(rbm_options, "--batch", "N", "digits, and chains, in a step", PROGRAM_WHOLE, batch,
               2, 1e5),
    {"--hidden", "N", "units; up to 16 log Z is known exactly, too", PROGRAM_WHOLE, AT(hidden), 1,
     1e5},
    {"--sweeps", "N", "of Gibbs sampling in a step", PROGRAM_WHOLE, AT(sweeps), 1, 1e5},
    {"--lr", "X", "first learning rate; it halves every 1200 steps", PROGRAM_REAL, AT(rate), 1e-9,
     10},
    {"--decay", "X", "costs of half the sum of the squared weights", PROGRAM_REAL, AT(decay), 0, 1},
    {"--temperatures", "N", "of annealed importance sampling", PROGRAM_WHOLE, AT(temperatures), 1,
     1e7},
    {"--paths", "N", "of it, each way", PROGRAM_WHOLE, AT(paths), 2, 1e5},
    {0},
};

static const program rbm_program = {
    .name = "rbm_mnist",
    .purpose = "a Boltzmann machine of handwritten digits, and how likely it finds new ones.",
    .options = options,
};

static const rbm_options defaults = {
    .common = {.data = ".",
               .files = "t10k",
               .out = "rbm_mnist",
               .held_out = 2000,
               .steps = 6000,
               .batch = 100,
               .seed = 1},
    .hidden = 256,
    .sweeps = 1,
    .rate = 0.15,
    .decay = 1e-4,
    .temperatures = 2000,
    .paths = 500,
};

static void print_likelihood(const machine *m, const likelihood *l) {
    const erg_ais_result *z = &l->log_z;
    printf("%lld steps in %.1f s, pseudo-likelihood of held-out digits %.1f\n",
           (long long)erg_trainer_steps(m->trainer), m->seconds,
           erg_trainer_get(m->trainer, "validation"));
    printf(
        "log Z: %.3f +- %.3f there, %.3f +- %.3f back (%.0f and %.0f of %lld paths effective), in "
        "[%.3f, %.3f]%s\n",
        z->lower.log_z, z->lower.standard_error, z->upper.log_z, z->upper.standard_error,
        z->lower.effective_size, z->upper.effective_size, (long long)m->options->paths, z->low,
        z->high, z->crossed == ERG_CROSSED ? ": crossed, believe neither" : "");
    if (isfinite(l->exact))
        printf("log Z exactly: %.3f, %s the bracket\n", l->exact,
               l->exact >= z->low && l->exact <= z->high ? "inside" : "OUTSIDE");
    printf("mean log p of held-out digits: in [%.2f, %.2f] +- %.2f nats; of independent pixels "
           "%.2f\n",
           l->mean - z->high, l->mean - z->low, l->error, l->base);
}

static erg_status run(machine *m) {
    likelihood likelihood = {0};
    erg_status status = read_bits(m);
    if (status == ERG_OK)
        status = make_machine(m);
    if (status == ERG_OK)
        status = make_trainer(m);
    if (status == ERG_OK)
        status = digits_train(m->trainer, &m->options->common, &m->seconds);
    if (status == ERG_OK)
        status = estimate_likelihood(m, &likelihood);
    if (status == ERG_OK)
        status = write_report(m, &likelihood);
    if (status == ERG_OK)
        print_likelihood(m, &likelihood);
    return status;
}

int main(int argc, char **argv) {
    rbm_options o = defaults;
    int exit_status;
    if (!program_read(&rbm_program, argc, argv, &o, &exit_status))
        return exit_status;
    machine m = {.options = &o, .argc = argc, .argv = argv};
    exit_status = program_end(&rbm_program, run(&m));
    erg_trainer_free(m.trainer);
    erg_negatives_free(m.negatives);
    erg_dataset_free(m.batches);
    erg_dataset_free(m.look);
    erg_graph_free(m.graph);
    erg_tensor_free(m.train);
    erg_tensor_free(m.held_out);
    erg_tensor_free(m.frequency);
    return exit_status;
}

/* sampling_cases.c: transitions run many times: Langevin on an MLP, contrastive divergence with it,
 * Hamiltonian Monte Carlo, Gibbs with gradients, block Gibbs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static erg_energy mlp_energy(bench *bench) {
    return (erg_energy){erg_mlp_energy, bench_mlp(bench, (int64_t[]){2, 128, 128, 1}, 4, ERG_SILU)};
}

/* Sum of absolute values, for checks. */
static double sum_abs(erg_node *x) {
    return bench_value(erg_sum(erg_abs(x), ERG_ALL, 0));
}

int bench_make_langevin(bench *bench, const char *name) {
    int64_t batch = bench_batch(bench, strstr(name, "big") ? 4096 : 256);
    erg_energy energy = mlp_energy(bench);
    erg_node *x = bench_input(bench, ERG_SHAPE(batch, 2), 100, -2, 2);
    bench->check_what = "sum|dE/dx| at x0";
    bench->check = sum_abs(erg_score(energy, x));
    erg_node *step = erg_assign(x, erg_langevin(energy, x, (erg_langevin_options){0}));
    return bench_compile(bench, &step, 1, 100);
}

/* ------------------------------------------------------------------------------- images */

enum { CONV_LAYERS = 4, LAYERS = 6 };

/* Four convolutions and two linear layers (University of Amsterdam, deep learning tutorial 8). */
typedef struct image_energy {
    erg_node *weight[LAYERS], *bias[LAYERS];
} image_energy;

static const struct {
    int64_t in, out, kernel, stride, padding;
} conv_layers[CONV_LAYERS] = {
    {1, 16, 5, 2, 4}, {16, 32, 3, 2, 1}, {32, 64, 3, 2, 1}, {64, 64, 3, 2, 1}};

static image_energy *image_energy_new(bench *bench) {
    static const int64_t widths[] = {256, 64, 1};
    image_energy *e = erg_graph_alloc(bench->graph, sizeof *e);
    for (int l = 0; e && l < LAYERS; l++) {
        int linear = l - CONV_LAYERS;
        int64_t in = linear < 0 ? conv_layers[l].in : widths[linear];
        int64_t out = linear < 0 ? conv_layers[l].out : widths[linear + 1];
        int64_t kernel = linear < 0 ? conv_layers[l].kernel : 1;
        erg_shape shape = linear < 0 ? ERG_SHAPE(out, in, kernel, kernel) : ERG_SHAPE(out, in);
        erg_shape channels = linear < 0 ? ERG_SHAPE(out, 1, 1) : ERG_SHAPE(out);
        double bound = 1 / sqrt((double)(in * kernel * kernel));
        e->weight[l] = bench_input(bench, shape, 1 + 2 * (uint64_t)l, -bound, bound);
        e->bias[l] = bench_input(bench, channels, 2 + 2 * (uint64_t)l, -bound, bound);
    }
    return e;
}

static erg_node *image_energy_apply(void *self, erg_node *x) {
    const image_energy *e = self;
    for (int l = 0; l < CONV_LAYERS; l++) {
        int64_t stride = conv_layers[l].stride, padding = conv_layers[l].padding;
        erg_conv2d_options options = {.stride = {stride, stride}, .padding = {padding, padding}};
        x = erg_silu(erg_add(erg_conv2d(x, e->weight[l], options), e->bias[l]));
    }
    x = erg_flatten(x, 1);
    for (int l = CONV_LAYERS; l < LAYERS; l++) {
        x = erg_add(erg_matmul_transposed(x, 0, e->weight[l], 1), e->bias[l]);
        x = l + 1 < LAYERS ? erg_silu(x) : erg_squeeze(x, 1);
    }
    return x;
}

typedef struct images {
    erg_node *x;
    erg_tensor *start;
} images;

/* Every block starts from the same images. */
static void run_images(bench *bench) {
    const images *own = bench->self;
    erg_tensor_copy(erg_value(own->x), own->start);
    bench_run_plan(bench);
}

static void release_images(bench *bench) {
    erg_tensor_free(((images *)bench->self)->start);
}

int bench_make_images(bench *bench, const char *name) {
    (void)name;
    erg_energy energy = {image_energy_apply, image_energy_new(bench)};
    erg_node *x = bench_input(bench, ERG_SHAPE(bench_batch(bench, 64), 1, 28, 28), 100, -1, 1);
    bench->check_what = "sum|dE/dx| at x0";
    bench->check = sum_abs(erg_score(energy, x));
    erg_node *noise = erg_normal(bench->graph, bench->dtype, erg_node_shape(x));
    erg_node *noisy = erg_clamp(erg_add(x, erg_mul_scalar(noise, 0.005)), -1, 1);
    erg_node *slope = erg_clamp(erg_score(energy, noisy), -0.03, 0.03);
    erg_node *next = erg_clamp(erg_add(noisy, erg_mul_scalar(slope, 10)), -1, 1);
    erg_node *step = erg_assign(x, next);
    images *own = erg_graph_alloc(bench->graph, sizeof *own);
    *own = (images){x, erg_tensor_clone(erg_value(x))};
    bench->self = own;
    bench->release = release_images;
    bench->run = run_images;
    return own->start ? bench_compile(bench, &step, 1, 20) : -1;
}

/* ------------------------------------------------------------------------------- contrastive */

typedef struct contrastive {
    erg_negatives *negatives;
    erg_node *data;
    erg_tensor *set;
    int64_t *rows;
    erg_random random;
} contrastive;

static erg_status uniform_square(void *self, erg_tensor *out, erg_random where) {
    (void)self;
    erg_status status = erg_random_uniform(out, where);
    for (int64_t i = 0; status == ERG_OK && i < erg_tensor_size(out); i++)
        erg_tensor_set(out, i, 4 * erg_tensor_get(out, i) - 2);
    return status;
}

static void run_contrastive(bench *bench) {
    contrastive *c = bench->self;
    int64_t batch = erg_value(c->data)->shape.dims[0];
    for (int64_t i = 0; i < bench->iterations; i++) {
        erg_negatives_run(c->negatives, NULL);
        c->random.run++;
        erg_random_integers(c->rows, batch, (uint64_t)c->set->shape.dims[0], c->random);
        erg_tensor_take_rows(erg_value(c->data), c->set, c->rows);
        erg_run(bench->plan);
    }
}

static void release_contrastive(bench *bench) {
    contrastive *c = bench->self;
    erg_negatives_free(c->negatives);
    erg_tensor_free(c->set);
    free(c->rows);
}

static erg_node *contrastive_loss(erg_energy energy, erg_node *data, erg_node *negatives) {
    return erg_contrastive_divergence(energy, data, negatives,
                                      (erg_contrastive_options){.energy_penalty = 0.1});
}

int bench_make_contrastive(bench *bench, const char *name) {
    (void)name;
    int64_t batch = bench_batch(bench, 256);
    contrastive *c = erg_graph_alloc(bench->graph, sizeof *c);
    erg_energy energy = mlp_energy(bench);
    c->set = erg_tensor_new(bench->dtype, ERG_SHAPE(4096, 2));
    det_normal(c->set, 100);
    c->rows = calloc((size_t)batch, sizeof *c->rows);
    c->random = (erg_random){.seed = 1, .stream = 1};
    erg_node *set = erg_constant(bench->graph, c->set);
    erg_node *half = erg_mul_scalar(erg_slice(set, 0, batch, 2 * batch, 1), 0.5);
    bench->check_what = "CD loss(data[:nb], 0.5*data[nb:2nb]) at initial weights";
    bench->check = bench_value(contrastive_loss(energy, erg_slice(set, 0, 0, batch, 1), half));
    erg_node *x = erg_state(bench->graph, "negatives", bench->dtype, ERG_SHAPE(batch, 2));
    erg_node *next = erg_langevin(energy, x, (erg_langevin_options){0});
    c->negatives = erg_negatives_new(x, next,
                                     (erg_negatives_options){.start = ERG_START_PERSISTENT,
                                                             .steps = 60,
                                                             .replay.init = uniform_square});
    c->data = erg_input(bench->graph, "data", bench->dtype, ERG_SHAPE(batch, 2));
    bench->self = c;
    bench->run = run_contrastive;
    bench->release = release_contrastive;
    int count;
    erg_node **params = erg_params(bench->graph, "energy/", &count);
    erg_node *loss = contrastive_loss(energy, c->data, x);
    erg_node *step = erg_adam(loss, params, count, (erg_adam_options){0});
    return c->negatives ? bench_compile(bench, (erg_node *[]){loss, step}, 2, 2) : -1;
}

/* ------------------------------------------------------------------------------- HMC */

static erg_node *row_sum(erg_node *x) {
    return erg_sum(x, ERG_AXES(1), 0);
}

static erg_node *kinetic(erg_node *p) {
    return erg_mul_scalar(row_sum(erg_square(p)), 0.5);
}

int bench_make_hmc(bench *bench, const char *name) {
    (void)name;
    enum { D = 100, LEAPS = 10 };
    const double step = 0.1;
    int64_t n = bench_batch(bench, 256);
    erg_graph *g = bench->graph;
    erg_node *r = bench_input(bench, ERG_SHAPE(D, D), 50, -1, 1);
    erg_node *unit = erg_diag_embed(erg_full(g, bench->dtype, ERG_SHAPE(D), 1));
    erg_tensor *value =
        erg_evaluate(erg_add(unit, erg_mul_scalar(erg_matmul_transposed(r, 0, r, 1), 1.0 / D)));
    erg_node *a = erg_constant(g, value);
    erg_tensor_free(value);
    erg_node *x = bench_normal_input(bench, ERG_SHAPE(n, D), 100);
    erg_node *u = erg_state(g, "u", bench->dtype, ERG_SHAPE(n));
    erg_node *du = erg_state(g, "du", bench->dtype, ERG_SHAPE(n, D));
    erg_node *u_new = erg_mul_scalar(row_sum(erg_mul(erg_matmul(x, a), x)), 0.5);
    erg_node *start[] = {erg_assign(u, u_new), erg_assign(du, erg_gradient(u_new, x))};
    erg_plan *plan = erg_compile(start, 2);
    erg_run(plan);
    erg_plan_free(plan);
    bench->check_what = "sum|dU/dx| at x0";
    bench->check = sum_abs(du);
    erg_node *p = erg_normal(g, bench->dtype, ERG_SHAPE(n, D)), *q = x, *grad = du;
    erg_node *before = erg_add(u, kinetic(p));
    p = erg_sub(p, erg_mul_scalar(grad, step / 2));
    for (int i = 0; i < LEAPS; i++) {
        q = erg_add(q, erg_mul_scalar(p, step));
        u_new = erg_mul_scalar(row_sum(erg_mul(erg_matmul(q, a), q)), 0.5);
        grad = erg_gradient(u_new, q);
        p = erg_sub(p, erg_mul_scalar(grad, i + 1 < LEAPS ? step : step / 2));
    }
    erg_node *gain = erg_sub(before, erg_add(u_new, kinetic(p)));
    erg_node *accept = erg_less(erg_uniform(g, bench->dtype, ERG_SHAPE(n)), erg_exp(gain));
    erg_node *rows = erg_unsqueeze(accept, 1);
    erg_node *next[] = {erg_assign(x, erg_where(rows, q, x)),
                        erg_assign(u, erg_where(accept, u_new, u)),
                        erg_assign(du, erg_where(rows, grad, du))};
    return bench_compile(bench, next, 3, 10);
}

/* ------------------------------------------------------------------------------- Ising */

/* log p up to a constant: s^T J s + b sum s with spins s = 2 x - 1. */
static erg_node *ising(erg_node *x, erg_node *coupling) {
    erg_node *s = erg_add_scalar(erg_mul_scalar(x, 2), -1);
    return erg_add(row_sum(erg_mul(erg_matmul(s, coupling), s)), erg_mul_scalar(row_sum(s), 0.05));
}

/* log of the probability of proposing each flip (Grathwohl et al. 2021). */
static erg_node *proposal(erg_node *x, erg_node *gradient) {
    erg_node *direction = erg_sub(erg_full_like(x, 1), erg_mul_scalar(x, 2));
    return erg_log_softmax(erg_mul_scalar(erg_mul(direction, gradient), 0.5), 1);
}

int bench_make_gwg(bench *bench, const char *name) {
    (void)name;
    enum { L = 25, D = L * L };
    int64_t n = bench_batch(bench, 64);
    erg_graph *g = bench->graph;
    erg_tensor *j = erg_tensor_new(bench->dtype, ERG_SHAPE(D, D));
    for (int i = 0; j && i < D; i++) {
        int right = i / L * L + (i + 1) % L, below = (i + L) % D;
        for (int k = 0; k < 2; k++) {
            int other = k ? below : right;
            erg_tensor_set(j, i * D + other, 0.1 + erg_tensor_get(j, i * D + other));
            erg_tensor_set(j, other * D + i, 0.1 + erg_tensor_get(j, other * D + i));
        }
    }
    erg_node *coupling = erg_constant(g, j);
    erg_tensor_free(j);
    erg_node *x = bench_input(bench, ERG_SHAPE(n, D), 100, 0, 1);
    for (int64_t i = 0; x && i < n * D; i++)
        erg_tensor_set(erg_value(x), i, erg_tensor_get(erg_value(x), i) > 0.5);
    erg_node *f = ising(x, coupling), *df = erg_gradient(f, x);
    bench->check_what = "sum f + sum|grad| at x0";
    bench->check = bench_value(erg_sum(f, ERG_ALL, 0)) + sum_abs(df);
    erg_node *forward = proposal(x, df);
    erg_node *i = erg_unsqueeze(erg_categorical(forward), 1);
    erg_node *flip = erg_one_hot(erg_squeeze(i, 1), D, bench->dtype);
    erg_node *y = erg_abs(erg_sub(flip, x));
    erg_node *fy = ising(y, coupling), *backward = proposal(y, erg_gradient(fy, y));
    erg_node *back = erg_gather(backward, i, 1), *forth = erg_gather(forward, i, 1);
    erg_node *log_ratio = erg_add(erg_sub(fy, f), erg_squeeze(erg_sub(back, forth), 1));
    erg_node *accept = erg_less(erg_uniform(g, bench->dtype, ERG_SHAPE(n)), erg_exp(log_ratio));
    erg_node *step = erg_assign(x, erg_where(erg_unsqueeze(accept, 1), y, x));
    return bench_compile(bench, &step, 1, 50);
}

/* ------------------------------------------------------------------------------- RBM */

int bench_make_rbm(bench *bench, const char *name) {
    (void)name;
    int64_t n = bench_batch(bench, 128);
    erg_node *w = bench_input(bench, ERG_SHAPE(500, 784), 1, -0.05, 0.05);
    erg_node *bv = bench_input(bench, ERG_SHAPE(784), 2, -0.1, 0.1);
    erg_node *bh = bench_input(bench, ERG_SHAPE(500), 3, -0.1, 0.1);
    erg_node *v = bench_input(bench, ERG_SHAPE(n, 784), 100, 0, 1);
    for (int64_t i = 0; v && i < n * 784; i++)
        erg_tensor_set(erg_value(v), i, erg_tensor_get(erg_value(v), i) > 0.7);
    erg_node *p = erg_sigmoid(erg_add(erg_matmul_transposed(v, 0, w, 1), bh));
    bench->check_what = "sum p(h|v0)";
    bench->check = bench_value(erg_sum(p, ERG_ALL, 0));
    erg_node *h = erg_bernoulli(p);
    erg_node *next = erg_bernoulli(erg_sigmoid(erg_add(erg_matmul(h, w), bv)));
    erg_node *step = erg_assign(v, next);
    return bench_compile(bench, &step, 1, 20);
}

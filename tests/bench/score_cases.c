/* score_cases.c: a whole training step (loss by score matching, gradient, Adam), data drawn from a
 * fixed set at each step. */
#include "bench.h"

/* batch rows of the data, other ones at each run. */
static erg_node *batch_of(bench *bench, erg_node *data, int64_t batch) {
    int64_t rows = erg_node_shape(data).dims[0];
    erg_node *u = erg_uniform(bench->graph, ERG_FLOAT32, ERG_SHAPE(batch));
    return erg_take(data, erg_cast(erg_mul_scalar(u, (double)rows), ERG_INT32), 0);
}

static int compile_step(bench *bench, erg_node *loss, int64_t block) {
    int count;
    erg_node **params = erg_params(bench->graph, "energy/", &count);
    erg_node *step = erg_adam(loss, params, count, (erg_adam_options){0});
    return bench_compile(bench, (erg_node *[]){loss, step}, 2, block);
}

static erg_energy mlp_energy(bench *bench, const int64_t *sizes, int n) {
    return (erg_energy){erg_mlp_energy, bench_mlp(bench, sizes, n, ERG_SILU)};
}

int bench_make_denoising(bench *bench, const char *name) {
    (void)name;
    int64_t batch = bench_batch(bench, 512);
    erg_energy energy = mlp_energy(bench, (int64_t[]){2, 128, 128, 128, 1}, 5);
    erg_node *data = bench_normal_input(bench, ERG_SHAPE(8192, 2), 100);
    erg_node *noise = bench_normal_input(bench, ERG_SHAPE(batch, 2), 101);
    erg_node *first = erg_slice(data, 0, 0, batch, 1);
    bench->check_what = "loss at initial weights";
    bench->check = bench_value(
        erg_denoising_score_matching(energy, first, (erg_denoising_options){.noise = noise}));
    erg_node *loss = erg_denoising_score_matching(energy, batch_of(bench, data, batch),
                                                  (erg_denoising_options){0});
    return compile_step(bench, loss, 10);
}

/* mean(1/2 |g|^2 - v^T H v) with g = grad E: sliced score matching, variance reduced. */
static erg_node *sliced(erg_energy energy, erg_node *x, erg_node *v) {
    erg_node *e = erg_energy_apply(energy, x);
    erg_node *g = erg_gradient(e, x);
    erg_node *hv = erg_vjp(g, x, v);
    erg_node *kinetic = erg_mul_scalar(erg_sum(erg_square(g), ERG_AXES(1), 0), 0.5);
    return erg_mean(erg_sub(kinetic, erg_sum(erg_mul(hv, v), ERG_AXES(1), 0)), ERG_ALL, 0);
}

int bench_make_sliced(bench *bench, const char *name) {
    (void)name;
    int64_t batch = bench_batch(bench, 512);
    erg_energy energy = mlp_energy(bench, (int64_t[]){2, 128, 128, 1}, 4);
    erg_node *data = bench_normal_input(bench, ERG_SHAPE(8192, 2), 100);
    erg_node *v = bench_normal_input(bench, ERG_SHAPE(batch, 2), 101);
    bench->check_what = "loss at initial weights";
    bench->check = bench_value(sliced(energy, erg_slice(data, 0, 0, batch, 1), v));
    erg_node *fresh = erg_normal(bench->graph, bench->dtype, ERG_SHAPE(batch, 2));
    return compile_step(bench, sliced(energy, batch_of(bench, data, batch), fresh), 10);
}

int bench_make_hyvarinen(bench *bench, const char *name) {
    (void)name;
    int64_t batch = bench_batch(bench, 256);
    erg_energy energy = mlp_energy(bench, (int64_t[]){10, 64, 64, 1}, 4);
    erg_node *data = bench_normal_input(bench, ERG_SHAPE(4096, 10), 100);
    bench->check_what = "loss at initial weights";
    bench->check = bench_value(erg_score_matching(energy, erg_slice(data, 0, 0, batch, 1)));
    return compile_step(bench, erg_score_matching(energy, batch_of(bench, data, batch)), 2);
}

int bench_make_classifier(bench *bench, const char *name) {
    (void)name;
    enum { SAMPLES = 4096, TURNS = 20 };
    int64_t batch = bench_batch(bench, 128);
    erg_mlp *mlp = bench_mlp(bench, (int64_t[]){784, 256, 10}, 3, ERG_RELU);
    erg_node *data = bench_input(bench, ERG_SHAPE(SAMPLES, 784), 100, 0, 1);
    erg_tensor *labels = erg_tensor_new(ERG_INT32, ERG_SHAPE(SAMPLES));
    for (int64_t i = 0; labels && i < SAMPLES; i++)
        erg_tensor_set(labels, i, (double)(int)(10 * det_uniform(101, (uint64_t)i)));
    erg_node *all = labels ? erg_constant(bench->graph, labels) : NULL;
    erg_tensor_free(labels);
    /* Batch number k mod TURNS of the data, in order, as the peers take it. */
    erg_node *turn = erg_state(bench->graph, NULL, ERG_FLOAT32, ERG_SCALAR);
    erg_node *next = erg_add_scalar(turn, (double)batch);
    erg_node *end = erg_full_like(next, (double)(TURNS * batch));
    erg_node *wrapped = erg_where(erg_less(next, end), next, erg_full_like(next, 0));
    erg_node *rows =
        erg_cast(erg_add(erg_arange(bench->graph, ERG_FLOAT32, batch), turn), ERG_INT32);
    erg_node *x = erg_take(data, rows, 0), *y = erg_take(all, rows, 0);
    erg_node *log_p = erg_log_softmax(erg_mlp_apply(mlp, x), -1);
    erg_node *picked = erg_gather(log_p, erg_unsqueeze(y, 1), 1);
    erg_node *loss = erg_neg(erg_mean(picked, ERG_ALL, 0));
    bench->check_what = "loss(data[:nb]) at initial weights";
    bench->check = bench_value(loss);
    int count;
    erg_node **params = erg_params(bench->graph, "energy/", &count);
    erg_node *step = erg_adam(loss, params, count, (erg_adam_options){0});
    return bench_compile(bench, (erg_node *[]){loss, step, erg_assign(turn, wrapped)}, 3, TURNS);
}

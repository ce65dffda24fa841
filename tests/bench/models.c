/* models.c: the parts that several cases are made of. */
#include <math.h>

#include "bench.h"

int64_t bench_batch(const bench *bench, int64_t own) {
    return bench->batch ? bench->batch : own;
}

erg_mlp *bench_mlp(bench *bench, const int64_t *sizes, int n_sizes, erg_activation activation) {
    erg_mlp_options options = {.dtype = bench->dtype, .activation = activation};
    erg_mlp *mlp = erg_mlp_new(bench->graph, "energy", sizes, n_sizes, options);
    for (int l = 0; mlp && l < mlp->n_layers; l++) {
        double bound = 1 / sqrt((double)sizes[l]);
        det_fill(erg_value(mlp->layers[l]->weight), 1 + 2 * (uint64_t)l, -bound, bound);
        det_fill(erg_value(mlp->layers[l]->bias), 2 + 2 * (uint64_t)l, -bound, bound);
    }
    return mlp;
}

erg_node *bench_input(bench *bench, erg_shape shape, uint64_t seed, double low, double high) {
    erg_node *x = erg_input(bench->graph, NULL, bench->dtype, shape);
    if (x)
        det_fill(erg_value(x), seed, low, high);
    return x;
}

erg_node *bench_normal_input(bench *bench, erg_shape shape, uint64_t seed) {
    erg_node *x = erg_input(bench->graph, NULL, bench->dtype, shape);
    if (x)
        det_normal(erg_value(x), seed);
    return x;
}

double bench_value(erg_node *scalar) {
    erg_tensor *value = erg_evaluate(scalar);
    double number = value ? erg_tensor_get(value, 0) : NAN;
    erg_tensor_free(value);
    return number;
}

void bench_run_plan(bench *bench) {
    erg_run_n(bench->plan, bench->iterations);
}

int bench_compile(bench *bench, erg_node *const *outputs, int count, int64_t iterations) {
    double start = bench_seconds();
    bench->plan = erg_compile(outputs, count);
    bench->compile_seconds = bench_seconds() - start;
    bench->iterations = iterations;
    if (!bench->run)
        bench->run = bench_run_plan;
    return bench->plan ? 0 : -1;
}

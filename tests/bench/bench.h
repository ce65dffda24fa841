/* bench.h: what the benchmark's cases share. A case builds a model with the public API, as a user
 * would, from weights and data that any other program can make too (det.c), so that its check value
 * can be compared across libraries. */
#ifndef ERG_BENCH_H
#define ERG_BENCH_H

#include "../../erg.h"

typedef struct bench {
    erg_dtype dtype;
    int64_t batch; /* 0: the case's own */
    erg_graph *graph;
    erg_plan *plan;     /* what run times, if the case has no run of its own */
    int64_t iterations; /* steps in one block: what one timed call of run does */
    void (*run)(struct bench *bench);
    double check; /* a number any right implementation reproduces */
    const char *check_what;
    double flops;           /* of a step, 0 if not counted */
    double compile_seconds; /* what compiling the plan took */
    void *self;             /* the case's own */
    void (*release)(struct bench *bench);
} bench;

typedef struct bench_case {
    const char *name;
    /* Fills graph, plan or run, iterations and check. 0, or -1 with an error message. */
    int (*make)(bench *bench, const char *name);
} bench_case;

extern const bench_case bench_cases[];
extern const int bench_case_count;

/* ---- det.c: numbers in [0, 1) from splitmix64(seed 2^32 + i), the top 24 bits. */
double det_uniform(uint64_t seed, uint64_t i);
/* value[i] = low + (high - low) u_i */
void det_fill(erg_tensor *value, uint64_t seed, double low, double high);
/* Normals by Box and Muller from u[0..n) and u[n..2n). */
void det_normal(erg_tensor *value, uint64_t seed);

/* ---- models.c: the MLP energy of the cases: layer l has the seeds seed + 2l and seed + 2l + 1. */
erg_mlp *bench_mlp(bench *bench, const int64_t *sizes, int n_sizes, erg_activation activation);
erg_node *bench_input(bench *bench, erg_shape shape, uint64_t seed, double low, double high);
erg_node *bench_normal_input(bench *bench, erg_shape shape, uint64_t seed);
/* The batch size: what the command line said, or the case's own. */
int64_t bench_batch(const bench *bench, int64_t own);
/* The value of a 0-d node now; NaN on an error. */
double bench_value(erg_node *scalar);
/* Runs plan `iterations` times. */
void bench_run_plan(bench *bench);
/* The time on a clock that only goes forward. */
double bench_seconds(void);
/* Compiles bench->plan; 0 or -1. */
int bench_compile(bench *bench, erg_node *const *outputs, int count, int64_t iterations);

int bench_make_langevin(bench *bench, const char *name);
int bench_make_images(bench *bench, const char *name);
int bench_make_contrastive(bench *bench, const char *name);
int bench_make_denoising(bench *bench, const char *name);
int bench_make_sliced(bench *bench, const char *name);
int bench_make_hyvarinen(bench *bench, const char *name);
int bench_make_hmc(bench *bench, const char *name);
int bench_make_gwg(bench *bench, const char *name);
int bench_make_rbm(bench *bench, const char *name);
int bench_make_classifier(bench *bench, const char *name);
int bench_make_gemm(bench *bench, const char *name);
int bench_make_elementwise(bench *bench, const char *name);
int bench_make_tiny(bench *bench, const char *name);

#endif

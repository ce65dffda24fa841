/* bench.c: times energy-based workloads and prints one JSON line a case, of which table.awk makes a
 * table:
 *
 *   bench --list
 *   bench --case langevin_mlp2d,dsm_mlp --threads 1 --repeat 11
 *   bench --case all --batch 1 --dtype float64
 *
 * A sample is one or more blocks of `iterations` steps, at least --min-sample seconds long; the
 * median and the least over the samples are printed. */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

const bench_case bench_cases[] = {
    {"langevin_mlp2d", bench_make_langevin},
    {"langevin_mlp2d_big", bench_make_langevin},
    {"langevin_conv", bench_make_images},
    {"cd_mlp2d", bench_make_contrastive},
    {"dsm_mlp", bench_make_denoising},
    {"ssm_mlp", bench_make_sliced},
    {"hyvarinen_exact", bench_make_hyvarinen},
    {"hmc_gauss100", bench_make_hmc},
    {"gwg_ising", bench_make_gwg},
    {"rbm_gibbs", bench_make_rbm},
    {"clf_mlp", bench_make_classifier},
    {"sgemm_128", bench_make_gemm},
    {"sgemm_256", bench_make_gemm},
    {"sgemm_512", bench_make_gemm},
    {"sgemm_1024", bench_make_gemm},
    {"sgemm_2048", bench_make_gemm},
    {"sgemm_256x128@128x128", bench_make_gemm},
    {"sgemm_256x128@128x128_bt", bench_make_gemm},
    {"sgemm_128x784@784x512", bench_make_gemm},
    {"sgemm_4096x128@128x128", bench_make_gemm},
    {"silu_1e6", bench_make_elementwise},
    {"silu_fwdbwd_1e6", bench_make_elementwise},
    {"silu_1e4", bench_make_elementwise},
    {"silu_fwdbwd_1e4", bench_make_elementwise},
    {"exp_1e6", bench_make_elementwise},
    {"exp_1e4", bench_make_elementwise},
    {"sum_1e6", bench_make_elementwise},
    {"sum_1e4", bench_make_elementwise},
    {"randn_1e6", bench_make_elementwise},
    {"rand_1e6", bench_make_elementwise},
    {"op_add_tiny", bench_make_tiny},
    {"op_linear_tiny", bench_make_tiny},
    {"op_fwdbwd_tiny", bench_make_tiny},
};
const int bench_case_count = (int)(sizeof bench_cases / sizeof bench_cases[0]);

typedef struct options {
    const char *cases;
    int repeat;
    int64_t batch;
    erg_dtype dtype;
    double min_sample;
} options;

double bench_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds of `blocks` blocks. */
static double sample(bench *b, int blocks) {
    double start = bench_seconds();
    for (int i = 0; i < blocks; i++)
        b->run(b);
    return bench_seconds() - start;
}

/* Of `repeat` samples, in ascending order, each the time of one block in a row of `blocks`. A batch
 * that was asked for is part of the case's name. */
static void print_line(const bench *b, const bench_case *c, const double *seconds, int repeat,
                       int blocks) {
    double median = seconds[repeat / 2], steps = (double)b->iterations;
    printf("{\"case\": \"%s", c->name);
    if (b->batch)
        printf("@b%lld", (long long)b->batch);
    printf("\", \"impl\": \"erg\", \"threads\": %d, \"dtype\": \"%s\", "
           "\"median_s\": %.9g, \"min_s\": %.9g, \"per_step_us\": %.6g, \"min_step_us\": %.6g, "
           "\"iterations\": %lld, \"samples\": %d, \"inner\": %d, \"check\": %.9g, "
           "\"check_what\": \"%s\", \"compile_ms\": %.4g, \"arena_bytes\": %zu",
           erg_threads(), erg_dtype_name(b->dtype), median, seconds[0], 1e6 * median / steps,
           1e6 * seconds[0] / steps, (long long)b->iterations, repeat, blocks, b->check,
           b->check_what, 1e3 * b->compile_seconds, erg_plan_arena(b->plan));
    if (b->flops > 0)
        printf(", \"gflops\": %.4g, \"gflops_best\": %.4g", 1e-9 * b->flops * steps / median,
               1e-9 * b->flops * steps / seconds[0]);
    printf("}\n");
    fflush(stdout);
}

/* Two blocks warm the caches and tell how many make a sample. */
static int time_case(bench *b, const bench_case *c, options o) {
    double *seconds = calloc((size_t)o.repeat, sizeof *seconds);
    if (!seconds)
        return -1;
    double once = sample(b, 1);
    once = fmin(once, sample(b, 1));
    int blocks = once > 0 && once < o.min_sample ? (int)ceil(o.min_sample / once) : 1;
    for (int i = 0; i < o.repeat; i++)
        seconds[i] = sample(b, blocks) / blocks;
    qsort(seconds, (size_t)o.repeat, sizeof *seconds, ascending);
    print_line(b, c, seconds, o.repeat, blocks);
    free(seconds);
    return 0;
}

static int run_case(const bench_case *c, options o) {
    bench b = {.dtype = o.dtype, .batch = o.batch, .graph = erg_graph_new(1)};
    int failed = !b.graph || c->make(&b, c->name) || time_case(&b, c, o);
    if (failed)
        fprintf(stderr, "%s: %s\n", c->name, erg_error_message());
    if (b.release)
        b.release(&b);
    erg_plan_free(b.plan);
    erg_graph_free(b.graph);
    return failed;
}

/* True if the comma list holds the name, or is "all". */
static int chosen(const char *list, const char *name) {
    size_t length = strlen(name);
    if (strcmp(list, "all") == 0)
        return 1;
    for (const char *item = list; *item; item += strcspn(item, ","), item += *item == ',')
        if (strcspn(item, ",") == length && memcmp(item, name, length) == 0)
            return 1;
    return 0;
}

static int usage(FILE *out, int status) {
    fprintf(out, "usage: bench [--list] [--case NAME,NAME|all] [--threads N] [--repeat N]\n"
                 "             [--batch N] [--dtype float32|float64] [--min-sample SECONDS]\n");
    return status;
}

static int list_cases(void) {
    for (int i = 0; i < bench_case_count; i++)
        puts(bench_cases[i].name);
    return 0;
}

int main(int argc, char **argv) {
    static const struct option known[] = {{"list", no_argument, NULL, 'l'},
                                          {"case", required_argument, NULL, 'c'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"repeat", required_argument, NULL, 'r'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {"dtype", required_argument, NULL, 'd'},
                                          {"min-sample", required_argument, NULL, 'm'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    options o = {.cases = "all", .repeat = 11, .min_sample = 0.04};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'l')
            return list_cases();
        else if (c == 'h')
            return usage(stdout, 0);
        else if (c == 'c')
            o.cases = optarg;
        else if (c == 't' && erg_set_threads(atoi(optarg)) == ERG_OK)
            continue;
        else if (c == 'r' && atoi(optarg) > 0)
            o.repeat = atoi(optarg);
        else if (c == 'b' && atoi(optarg) > 0)
            o.batch = atoi(optarg);
        else if (c == 'd' && (strcmp(optarg, "float32") == 0 || strcmp(optarg, "float64") == 0))
            o.dtype = strcmp(optarg, "float64") == 0 ? ERG_FLOAT64 : ERG_FLOAT32;
        else if (c == 'm' && atof(optarg) > 0)
            o.min_sample = atof(optarg);
        else
            return usage(stderr, 2);
    }
    int found = 0, failures = 0;
    for (int i = 0; i < bench_case_count; i++)
        if (chosen(o.cases, bench_cases[i].name)) {
            found++;
            failures += run_case(&bench_cases[i], o);
        }
    return found ? failures != 0 : usage(stderr, 2);
}

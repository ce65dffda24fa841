/* kernel_cases.c: single operations: matrix products, elementwise functions, sums, random numbers;
 * and on a few numbers only, where the price of a call is all there is. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

static double sum_of(erg_node *x) {
    return bench_value(erg_sum(x, ERG_ALL, 0));
}

static int64_t at_least(double count, int64_t least, int64_t most) {
    int64_t n = (int64_t)count;
    return n < least ? least : n > most ? most : n;
}

/* "sgemm_N" or "sgemm_MxK@KxN", with "_bt" for a transposed right operand. */
int bench_make_gemm(bench *bench, const char *name) {
    long m, k, inner, n;
    const char *size = name + strlen("sgemm_");
    if (sscanf(size, "%ldx%ld@%ldx%ld", &m, &k, &inner, &n) != 4) {
        sscanf(size, "%ld", &m);
        n = k = m;
    }
    int transposed = strstr(name, "_bt") != NULL;
    erg_node *a = bench_input(bench, ERG_SHAPE(m, k), 1, -1, 1);
    erg_shape shape = transposed ? ERG_SHAPE(n, k) : ERG_SHAPE(k, n);
    erg_node *c = erg_matmul_transposed(a, 0, bench_input(bench, shape, 2, -1, 1), transposed);
    bench->check_what = "sum C";
    bench->check = sum_of(c);
    bench->flops = 2.0 * (double)m * (double)n * (double)k;
    return bench_compile(bench, &c, 1, at_least(2e9 / bench->flops, 3, 2000));
}

/* "<operation>_1e4" or "_1e6". */
int bench_make_elementwise(bench *bench, const char *name) {
    double size = 1;
    sscanf(strrchr(name, '_') + 1, "%lf", &size);
    erg_shape shape = ERG_SHAPE((int64_t)size);
    erg_node *x = bench_input(bench, shape, 1, -4, 4), *y[2] = {NULL, NULL};
    int outputs = 1;
    bench->check_what = "sum of the result";
    if (strncmp(name, "silu_fwdbwd", 11) == 0) {
        y[0] = erg_silu(x);
        y[1] = erg_vjp(y[0], x, bench_input(bench, shape, 2, -1, 1));
        outputs = 2;
    } else if (strncmp(name, "silu", 4) == 0) {
        y[0] = erg_silu(x);
    } else if (strncmp(name, "exp", 3) == 0) {
        y[0] = erg_exp(x);
    } else if (strncmp(name, "sum", 3) == 0) {
        y[0] = erg_sum(x, ERG_ALL, 0);
    } else if (strncmp(name, "randn", 5) == 0) {
        y[0] = erg_normal(bench->graph, bench->dtype, shape);
    } else {
        y[0] = erg_uniform(bench->graph, bench->dtype, shape);
    }
    bench->check = strncmp(name, "rand", 4) == 0 ? 0 : sum_of(y[outputs - 1]);
    return bench_compile(bench, y, outputs, at_least(2e7 / size, 4, 2000));
}

int bench_make_tiny(bench *bench, const char *name) {
    enum { N = 4 };
    bench->check_what = "sum";
    if (strcmp(name, "op_add_tiny") == 0) {
        erg_node *a = bench_input(bench, ERG_SHAPE(N), 1, -1, 1);
        erg_node *y = erg_add(a, bench_input(bench, ERG_SHAPE(N), 2, -1, 1));
        bench->check = sum_of(y);
        return bench_compile(bench, &y, 1, 20000);
    }
    if (strcmp(name, "op_linear_tiny") == 0) {
        erg_node *x = bench_input(bench, ERG_SHAPE(1, N), 1, -1, 1);
        erg_node *w = bench_input(bench, ERG_SHAPE(N, N), 2, -1, 1);
        erg_node *b = bench_input(bench, ERG_SHAPE(N), 3, -1, 1);
        erg_node *y = erg_add(erg_matmul_transposed(x, 0, w, 1), b);
        bench->check = sum_of(y);
        return bench_compile(bench, &y, 1, 10000);
    }
    erg_node *x = bench_input(bench, ERG_SHAPE(N), 1, -1, 1), *y = erg_silu(x);
    bench->check = sum_of(y);
    return bench_compile(bench, (erg_node *[]){y, erg_gradient(y, x)}, 2, 5000);
}

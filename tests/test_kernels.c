/* test_kernels.c: the kernels of every instruction set here against plain loops in double, on odd
 * sizes; the vector functions and products have programs of their own. */
#include <check.h>
#include <stdio.h>

#include "../tensor/special.h"
#include "arrays.h"

static const erg_kernels *sets[8];
static int set_count;
static const char *program;

/* Every set and both floating-point types: test number i is one pair. */
#define EACH (2 * set_count)
#define KERNELS sets[_i / 2]
#define DTYPE ((erg_dtype)(_i % 2))

static const int64_t lengths[] = {0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 127, 1025};
enum { LENGTHS = sizeof lengths / sizeof lengths[0], LONGEST = 1025 };

/* got must be want to within a few roundings; exactly, if want is a whole number or not finite. */
static void check(erg_dtype dtype, double got, double want, const char *what, int64_t i) {
    double bound = want == floor(want) || !isfinite(want) ? 0 : 4 * epsilon_of(dtype) * fabs(want);
    if (!(same(got, want) || (got == want && want == 0) || fabs(got - want) <= bound))
        ck_abort_msg("%s: [%d] = %.17g, not %.17g", what, (int)i, got, want);
}

/* ---- elementwise */

#define T double
#define C(c) ((double)(c))
#define M(f) f
#define UNARY(name, y)                                                                             \
    static double unary_##name(double x) {                                                         \
        return y;                                                                                  \
    }
#define BINARY(name, y)                                                                            \
    static double binary_##name(double a, double b) {                                              \
        return y;                                                                                  \
    }
#include "../tensor/scalar.def"
#undef UNARY
#undef BINARY
#undef T
#undef C
#undef M

static const struct {
    const char *name;
    double (*f)(double);
} unaries[] = {
#define UNARY(name, y) {#name, unary_##name},
#define BINARY(name, y)
#include "../tensor/scalar.def"
#undef UNARY
#undef BINARY
};

static const struct {
    const char *name;
    double (*f)(double, double);
} binaries[] = {
#define UNARY(name, y)
#define BINARY(name, y) {#name, binary_##name},
#include "../tensor/scalar.def"
#undef UNARY
#undef BINARY
};

static const double specials[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1, -1, 0.5, -2.5, 3};
enum { SPECIALS = sizeof specials / sizeof specials[0] };

/* Random numbers, with special ones among them at places that share no factor with a vector. */
static void *numbers(erg_dtype dtype, int64_t n, uint64_t seed) {
    void *x = array_random(dtype, n, seed, 4);
    for (int64_t i = 0; i < n; i += 7)
        set(dtype, x, i, specials[(i / 7 + (int64_t)seed) % SPECIALS]);
    return x;
}

START_TEST(test_unary) {
    for (int op = 0; op < ERG_UNARY_COUNT; op++)
        for (int l = 0; l < LENGTHS; l++) {
            int64_t n = lengths[l];
            void *x = numbers(DTYPE, n, 1), *y = array_new(DTYPE, n);
            KERNELS->unary[DTYPE][op](n, x, y);
            for (int64_t i = 0; i < n; i++)
                check(DTYPE, get(DTYPE, y, i), unaries[op].f(get(DTYPE, x, i)), unaries[op].name,
                      i);
            KERNELS->unary[DTYPE][op](n, x, x);
            ck_assert_msg(memcmp(x, y, (size_t)n * size_of(DTYPE)) == 0, "%s in place",
                          unaries[op].name);
            free(x);
            free(y);
        }
}
END_TEST

START_TEST(test_binary) {
    for (int op = 0; op < ERG_BINARY_COUNT; op++)
        for (int l = 0; l < LENGTHS; l++)
            for (int steps = 0; steps < 4; steps++) {
                int64_t n = lengths[l];
                int a_step = steps & 1, b_step = steps >> 1;
                void *a = numbers(DTYPE, n + 1, 1), *b = numbers(DTYPE, n + 1, 4);
                void *y = array_new(DTYPE, n);
                KERNELS->binary[DTYPE][op](n, a, a_step, b, b_step, y);
                for (int64_t i = 0; i < n; i++)
                    check(DTYPE, get(DTYPE, y, i),
                          binaries[op].f(get(DTYPE, a, i * a_step), get(DTYPE, b, i * b_step)),
                          binaries[op].name, i);
                void *in_place = a_step ? a : b_step ? b : y;
                KERNELS->binary[DTYPE][op](n, a, a_step, b, b_step, in_place);
                ck_assert_msg(memcmp(in_place, y, (size_t)n * size_of(DTYPE)) == 0, "%s in place",
                              binaries[op].name);
                free(a);
                free(b);
                free(y);
            }
}
END_TEST

START_TEST(test_fill) {
    for (int l = 0; l < LENGTHS; l++) {
        void *x = array_random(DTYPE, 1, 5, 9), *y = array_new(DTYPE, lengths[l]);
        KERNELS->fill[DTYPE](lengths[l], x, y);
        for (int64_t i = 0; i < lengths[l]; i++)
            ck_assert_double_eq(get(DTYPE, y, i), get(DTYPE, x, 0));
        free(x);
        free(y);
    }
}
END_TEST

START_TEST(test_select) {
    for (int l = 0; l < LENGTHS; l++)
        for (int steps = 0; steps < 4; steps++) {
            int64_t n = lengths[l];
            int a_step = steps & 1, b_step = steps >> 1;
            void *mask = numbers(DTYPE, n, 0), *y = array_new(DTYPE, n);
            void *a = numbers(DTYPE, n + 1, 1), *b = numbers(DTYPE, n + 1, 4);
            KERNELS->select[DTYPE](n, mask, a, a_step, b, b_step, y);
            for (int64_t i = 0; i < n; i++)
                check(DTYPE, get(DTYPE, y, i),
                      get(DTYPE, mask, i) != 0 ? get(DTYPE, a, i * a_step)
                                               : get(DTYPE, b, i * b_step),
                      "select", i);
            KERNELS->select[DTYPE](n, mask, a, a_step, b, b_step, mask);
            ck_assert(memcmp(mask, y, (size_t)n * size_of(DTYPE)) == 0);
            free(mask);
            free(a);
            free(b);
            free(y);
        }
}
END_TEST

/* An element's bits do not depend on where it stands: alone it gives the same as among others. */
START_TEST(test_place) {
    enum { N = 67 };
    void *x = numbers(DTYPE, N, 2);
    unsigned char y[8 * N], one[8];
    size_t size = size_of(DTYPE);
    for (int op = 0; op < ERG_UNARY_COUNT; op++) {
        KERNELS->unary[DTYPE][op](N, x, y);
        for (size_t i = 0; i < N; i++) {
            KERNELS->unary[DTYPE][op](1, (char *)x + size * i, one);
            ck_assert_msg(memcmp(one, y + size * i, size) == 0, "%s: element %d", unaries[op].name,
                          (int)i);
        }
    }
    free(x);
}
END_TEST

START_TEST(test_gamma) {
    enum { N = 35 };
    void *x = array_new(DTYPE, N), *y = array_new(DTYPE, N);
    for (int i = 0; i < N; i++)
        set(DTYPE, x, i, i / 3.0 - 4.1);
    KERNELS->lgamma[DTYPE](N, x, y);
    for (int i = 0; i < N; i++)
        check(DTYPE, get(DTYPE, y, i), lgamma(get(DTYPE, x, i)), "lgamma", i);
    for (int order = 0; order < 3; order++) {
        KERNELS->polygamma[DTYPE](order, N, x, y);
        for (int i = 0; i < N; i++)
            check(DTYPE, get(DTYPE, y, i), erg_scalar_polygamma(order, get(DTYPE, x, i)),
                  "polygamma", i);
    }
    free(x);
    free(y);
}
END_TEST

/* ---- cast */

START_TEST(test_cast) {
    static const struct {
        double from;
        int32_t to;
    } rows[] = {
        {0, 0},
        {1.99, 1},
        {-1.99, -1},
        {-0.5, 0},
        {2147483520, 2147483520},
        {2147483648.0, INT32_MAX},
        {1e30, INT32_MAX},
        {INFINITY, INT32_MAX},
        {-2147483648.0, INT32_MIN},
        {-1e30, INT32_MIN},
        {-INFINITY, INT32_MIN},
        {NAN, 0},
    };
    enum { ROWS = sizeof rows / sizeof rows[0], N = 5 * ROWS };
    int32_t to[N];
    void *from = array_new(DTYPE, N);
    for (int i = 0; i < N; i++)
        set(DTYPE, from, i, rows[i % ROWS].from);
    KERNELS->cast[DTYPE][ERG_INT32](N, from, to);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(to[i], rows[i % ROWS].to);
    free(from);

    for (erg_dtype a = ERG_FLOAT32; a <= ERG_INT32; a++)
        for (erg_dtype b = ERG_FLOAT32; b <= ERG_INT32; b++) {
            void *x = array_new(a, LONGEST), *y = array_new(b, LONGEST);
            for (int i = 0; i < LONGEST; i++)
                set(a, x, i, a == ERG_INT32 || b == ERG_INT32 ? i - 500 : i / 7.0);
            KERNELS->cast[a][b](LONGEST, x, y);
            for (int i = 0; i < LONGEST; i++) {
                double want = get(a, x, i);
                ck_assert(get(b, y, i) == (b == ERG_FLOAT32 ? (double)(float)want : want));
            }
            free(x);
            free(y);
        }
}
END_TEST

/* ---- reductions */

static const int64_t reduced[][3] = {
    {1, 1, 1},    {3, 0, 2},    {0, 3, 2},    {3, 2, 0},     {7, 2, 1},    {5, 8, 1},
    {5, 9, 1},    {2, 17, 1},   {3, 1000, 1}, {4, 33, 2},    {2, 100, 4},  {3, 5, 3},
    {2, 50, 3},   {2, 40, 10},  {1, 9, 16},   {2, 300, 17},  {2, 7, 64},   {1, 35, 129},
    {2, 18, 300}, {1, 513, 5},  {2, 16, 1},   {1, 256, 1},   {35, 2, 1},   {35, 3, 1},
    {35, 4, 1},   {3, 4096, 1}, {2, 5000, 1}, {1, 20001, 1}, {2, 4500, 2}, {1, 5000, 3},
    {2, 90, 100},
};
enum { REDUCED = sizeof reduced / sizeof reduced[0] };

/* Elements of an array one call at a time, in order; what a call gave is gone with the next. */
typedef struct maker {
    erg_dtype dtype;
    const char *x;
    void *part;
    int64_t next, most;
} maker;

static const void *make(void *context, int64_t first, int64_t count) {
    maker *m = context;
    int64_t bytes = (int64_t)size_of(m->dtype);
    ck_assert(first == m->next && count > 0 && count <= m->most);
    m->next += count;
    memset(m->part, 0xff, (size_t)(m->most * bytes));
    memcpy(m->part, m->x + first * bytes, (size_t)(count * bytes));
    return m->part;
}

static void check_made(erg_fold_kernel *fold, erg_dtype dtype, const int64_t *s, const void *x,
                       const void *expected) {
    int64_t each = s[1] * s[2];
    int64_t most = s[2] > 1 && each > ERG_FOLD_TOGETHER ? each : ERG_FOLD_TOGETHER;
    maker m = {.dtype = dtype, .x = x, .part = array_new(dtype, most), .most = most};
    void *y = array_new(dtype, s[0] * s[2]);
    fold(s[0], s[1], s[2], &(erg_fold_source){make, &m}, y);
    ck_assert_int_eq(m.next, s[0] * each);
    ck_assert(memcmp(y, expected, (size_t)(s[0] * s[2]) * size_of(dtype)) == 0);
    free(m.part);
    free(y);
}

static void check_reductions(const erg_kernels *kernels, erg_dtype dtype, const int64_t *s,
                             int nans) {
    int64_t outer = s[0], n = s[1], inner = s[2];
    void *x = array_random(dtype, outer * n * inner, 5, 1),
         *running = array_new(dtype, outer * n * inner);
    for (int64_t i = 0; nans && i < outer * n * inner; i += 11)
        set(dtype, x, i, NAN);
    void *sum = array_new(dtype, outer * inner), *max = array_new(dtype, outer * inner);
    int32_t *place = array_new(ERG_INT32, outer * inner);
    kernels->sum[dtype](outer, n, inner, x, sum);
    kernels->max[dtype](outer, n, inner, x, max);
    kernels->argmax[dtype](outer, n, inner, x, place);
    kernels->cumsum[dtype](outer, n, inner, x, running);
    if (outer * n * inner > 0) {
        check_made(kernels->sum_made[dtype], dtype, s, x, sum);
        check_made(kernels->max_made[dtype], dtype, s, x, max);
    }

    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < inner; j++) {
            double total = 0, largest = -INFINITY;
            int64_t first = 0, at = o * inner + j;
            for (int64_t i = 0; i < n; i++) {
                double value = get(dtype, x, (o * n + i) * inner + j);
                total += value;
                if (value > largest || (isnan(value) && !isnan(largest))) {
                    largest = value;
                    first = i;
                }
                double got = get(dtype, running, (o * n + i) * inner + j);
                if (!(fabs(got - total) <= (double)n * epsilon_of(dtype) || same(got, total)))
                    ck_abort_msg("cumsum %g, not %g", got, total);
            }
            double got = get(dtype, sum, at);
            if (!(fabs(got - total) <= 16 * epsilon_of(dtype) * sqrt((double)n) ||
                  same(got, total)))
                ck_abort_msg("sum %g, not %g", got, total);
            check(dtype, get(dtype, max, at), largest, "max", at);
            ck_assert_int_eq(place[at], first);
        }
    free(x);
    free(running);
    free(sum);
    free(max);
    free(place);
}

/* Equal values and NaN in every place: the first counts. */
START_TEST(test_argmax_ties) {
    enum { N = 70, INNER = 3 };
    for (int64_t inner = 1; inner <= INNER; inner += 2)
        for (int64_t first = 0; first < N; first++)
            for (int kind = 0; kind < 3; kind++) {
                void *x = array_new(DTYPE, N * inner);
                int32_t place[INNER];
                for (int64_t i = 0; i < N; i++)
                    set(DTYPE, x, i * inner, kind == 0 ? -INFINITY : (double)i / N);
                for (int64_t i = first; i < N && kind > 0; i += 5)
                    set(DTYPE, x, i * inner, kind == 1 ? 2 : NAN);
                KERNELS->argmax[DTYPE](1, N, inner, x, place);
                ck_assert_int_eq(place[0], kind == 0 ? 0 : first);
                free(x);
            }
}
END_TEST

START_TEST(test_reductions) {
    for (int r = 0; r < REDUCED; r++)
        for (int nans = 0; nans < 2; nans++)
            check_reductions(KERNELS, DTYPE, reduced[r], nans);
}
END_TEST

/* The outer axis can be cut anywhere, and cumsum can work in place. */
START_TEST(test_reduction_cuts) {
    for (int r = 0; r < REDUCED; r++) {
        int64_t outer = reduced[r][0], n = reduced[r][1], inner = reduced[r][2];
        size_t in = (size_t)(n * inner) * size_of(DTYPE), out = (size_t)inner * size_of(DTYPE);
        char *x = array_random(DTYPE, outer * n * inner, 6, 1);
        char *whole = array_new(DTYPE, outer * inner), *parts = array_new(DTYPE, outer * inner);
        KERNELS->sum[DTYPE](outer, n, inner, x, whole);
        for (int64_t o = 0; o < outer; o++)
            KERNELS->sum[DTYPE](1, n, inner, x + (size_t)o * in, parts + (size_t)o * out);
        ck_assert(memcmp(whole, parts, (size_t)outer * out) == 0);
        char *running = array_new(DTYPE, outer * n * inner);
        KERNELS->cumsum[DTYPE](outer, n, inner, x, running);
        KERNELS->cumsum[DTYPE](outer, n, inner, x, x);
        ck_assert(memcmp(x, running, (size_t)outer * in) == 0);
        free(x);
        free(whole);
        free(parts);
        free(running);
    }
}
END_TEST

/* A million times 0.1: one after the other, the sum in float32 would be off by 1e-2. */
START_TEST(test_sum_error) {
    enum { N = 1000000 };
    for (int64_t inner = 1; inner <= 64; inner *= 4) {
        void *x = array_new(DTYPE, N), *y = array_new(DTYPE, inner);
        for (int64_t i = 0; i < N; i++)
            set(DTYPE, x, i, 0.1);
        KERNELS->sum[DTYPE](1, N / inner, inner, x, y);
        double want = (double)(N / inner) * get(DTYPE, x, 0);
        for (int64_t j = 0; j < inner; j++)
            ck_assert_msg(fabs(get(DTYPE, y, j) / want - 1) <= 8 * epsilon_of(DTYPE),
                          "%.9g for %.9g", get(DTYPE, y, j), want);
        free(x);
        free(y);
    }
}
END_TEST

/* ---- gather, scatter */

START_TEST(test_gather) {
    enum { OUTER = 3, N = 5, INNER = 7, M = 9 };
    const erg_dtype dtype = (erg_dtype)(_i % 3);
    const erg_kernels *kernels = sets[_i / 3];
    void *x = array_random(dtype, OUTER * N * INNER, 7, 1000),
         *y = array_new(dtype, OUTER * M * INNER);
    int32_t *index = array_new(ERG_INT32, OUTER * M * INNER);
    for (int i = 0; i < OUTER * M * INNER; i++)
        index[i] = i % 10 == 9 ? INT32_MIN : i * 3 % 8 - 1; /* -1 and 5, 6 are out of range too */
    kernels->gather[dtype](OUTER, N, INNER, M, x, index, y);

    double sums[OUTER * N * INNER] = {0};
    for (int at = 0; at < OUTER * M * INNER; at++) {
        int64_t o = at / (M * INNER), j = at % INNER, k = index[at];
        int64_t from = (o * N + k) * INNER + j;
        int valid = k >= 0 && k < N;
        double out_of_range = dtype == ERG_INT32 ? INT32_MIN : NAN;
        ck_assert(same(get(dtype, y, at), valid ? get(dtype, x, from) : out_of_range));
        if (valid)
            sums[from] += get(dtype, y, at);
    }
    if (dtype != ERG_INT32) { /* what was gathered from a place, put back there, comes on top */
        void *back = array_new(dtype, OUTER * N * INNER);
        kernels->scatter_add[dtype](OUTER, N, INNER, M, y, index, back);
        for (int i = 0; i < OUTER * N * INNER; i++)
            ck_assert(fabs(get(dtype, back, i) - sums[i]) <= 1e4 * epsilon_of(dtype));
        free(back);
    }
    free(x);
    free(y);
    free(index);
}
END_TEST

START_TEST(test_take) {
    enum { N = 5, M = 9, WIDEST = 40 };
    const erg_dtype dtype = (erg_dtype)(_i % 3);
    for (int64_t inner = 1; inner <= WIDEST; inner = inner * 3 - 1 + (inner == 1)) {
        void *x = array_random(dtype, N * inner, 7, 1000), *y = array_new(dtype, M * inner);
        int32_t index[M] = {4, -1, 0, 0, 5, 3, INT32_MIN, INT32_MAX, 2};
        sets[_i / 3]->take[dtype](N, inner, M, x, index, y);
        for (int64_t at = 0; at < M * inner; at++) {
            int32_t row = index[at / inner];
            double out_of_range = dtype == ERG_INT32 ? INT32_MIN : NAN;
            int valid = row >= 0 && row < N;
            ck_assert(same(get(dtype, y, at),
                           valid ? get(dtype, x, row * inner + at % inner) : out_of_range));
        }
        free(x);
        free(y);
    }
}
END_TEST

/* ---- which kernels */

/* What a new process chooses, the environment being so. */
static void choice(const char *environment, char name[16]) {
    char command[4096];
    snprintf(command, sizeof command, "%s '%s' --name", environment, program);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    ck_assert_int_eq(fscanf(pipe, "%15s", name), 1);
    pclose(pipe);
}

/* A set that is not here, or that does not exist, leaves the usual choice. */
START_TEST(test_choice) {
    static const char *const names[] = {"portable", "avx2", "avx512", "", "none"};
    char usual[16], got[16];
    choice("env -u ERG_CPU", usual);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *want = usual;
        for (int s = 0; s < set_count; s++)
            if (strcmp(sets[s]->name, names[i]) == 0)
                want = names[i];
        char environment[32];
        snprintf(environment, sizeof environment, "ERG_CPU=%s", names[i]);
        choice(environment, got);
        ck_assert_str_eq(got, want);
    }
    const erg_kernels *first[1];
    ck_assert_int_eq(erg_kernels_all(first, 1), 1);
    ck_assert_str_eq(first[0]->name, "portable");
    ck_assert_int_eq(erg_kernels_all(first, 0), 0);
}
END_TEST

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 2 && strcmp(argv[1], "--name") == 0)
        return puts(erg_kernels_get()->name) < 0;
    set_count = erg_kernels_all(sets, 8);
    Suite *suite = suite_create("kernels");
    TCase *tests = tcase_create("kernels");
    tcase_add_loop_test(tests, test_unary, 0, EACH);
    tcase_add_loop_test(tests, test_binary, 0, EACH);
    tcase_add_loop_test(tests, test_fill, 0, EACH);
    tcase_add_loop_test(tests, test_select, 0, EACH);
    tcase_add_loop_test(tests, test_place, 0, EACH);
    tcase_add_loop_test(tests, test_gamma, 0, EACH);
    tcase_add_loop_test(tests, test_cast, 0, EACH);
    tcase_add_loop_test(tests, test_argmax_ties, 0, EACH);
    tcase_add_loop_test(tests, test_reductions, 0, EACH);
    tcase_add_loop_test(tests, test_reduction_cuts, 0, EACH);
    tcase_add_loop_test(tests, test_sum_error, 0, EACH);
    tcase_add_loop_test(tests, test_gather, 0, 3 * set_count);
    tcase_add_loop_test(tests, test_take, 0, 3 * set_count);
    tcase_add_test(tests, test_choice);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* test_gemm.c: products of matrices against triple loops, for every instruction set here. */
#include <check.h>

#include "arrays.h"

static const erg_kernels *sets[8];
static int set_count;

/* Strides longer than the rows: what lies between must stay as it was. */
typedef struct problem {
    erg_dtype dtype;
    int trans_a, trans_b;
    int64_t m, n, k, lda, ldb, ldc;
    void *a, *b, *c;
    int64_t c_size;
} problem;

static problem problem_new(erg_dtype dtype, int trans, int64_t m, int64_t n, int64_t k, int gap) {
    problem p = {
        .dtype = dtype, .trans_a = trans & 1, .trans_b = trans >> 1, .m = m, .n = n, .k = k};
    p.lda = (p.trans_a ? m : k) + gap;
    p.ldb = (p.trans_b ? k : n) + gap;
    p.ldc = n + gap;
    p.a = array_random(dtype, (p.trans_a ? k : m) * p.lda, 1, 1);
    p.b = array_random(dtype, (p.trans_b ? n : k) * p.ldb, 2, 1);
    p.c_size = m * p.ldc;
    p.c = array_random(dtype, p.c_size, 3, 1);
    return p;
}

static void problem_free(problem *p) {
    free(p->a);
    free(p->b);
    free(p->c);
}

/* Rows begin..end of C, by the kernel. */
static void run(const erg_kernels *kernels, const problem *p, int64_t begin, int64_t end,
                double alpha, double beta, void *c) {
    size_t size = size_of(p->dtype);
    void *scratch = aligned_alloc(64, kernels->gemm_scratch[p->dtype]);
    memset(scratch, 0xff, kernels->gemm_scratch[p->dtype]); /* NaN */
    const char *a = (const char *)p->a + size * (size_t)(begin * (p->trans_a ? 1 : p->lda));
    kernels->gemm[p->dtype](p->trans_a, p->trans_b, end - begin, p->n, p->k, alpha, a, p->lda, p->b,
                            p->ldb, beta, (char *)c + size * (size_t)(begin * p->ldc), p->ldc,
                            scratch);
    free(scratch);
}

/* B in panels, the array no longer than it has to be. */
static void *pack(const erg_kernels *kernels, const problem *p) {
    size_t bytes = kernels->gemm_packed_bytes[p->dtype](p->n, p->k);
    void *packed = malloc(bytes + !bytes);
    memset(packed, 0xff, bytes);
    int64_t panels = kernels->gemm_panels[p->dtype](p->n), half = panels / 2;
    kernels->gemm_pack[p->dtype](p->trans_b, p->n, p->k, half, panels, p->b, p->ldb, packed);
    kernels->gemm_pack[p->dtype](p->trans_b, p->n, p->k, 0, half, p->b, p->ldb, packed);
    return packed;
}

static void run_packed(const erg_kernels *kernels, const problem *p, int64_t begin, int64_t end,
                       const void *packed, const void *bias, void *c) {
    size_t size = size_of(p->dtype);
    void *scratch = aligned_alloc(64, kernels->gemm_scratch[p->dtype]);
    memset(scratch, 0xff, kernels->gemm_scratch[p->dtype]);
    const char *a = (const char *)p->a + size * (size_t)(begin * (p->trans_a ? 1 : p->lda));
    kernels->gemm_packed[p->dtype](p->trans_a, end - begin, p->n, p->k, a, p->lda, packed, bias,
                                   (char *)c + size * (size_t)(begin * p->ldc), p->ldc, scratch);
    free(scratch);
}

/* Compares every element of c with its definition, and the gaps with what they were. */
static void check(const erg_kernels *kernels, const problem *p, double alpha, double beta,
                  const void *c) {
    for (int64_t at = 0; at < p->c_size; at++) {
        int64_t i = at / p->ldc, j = at % p->ldc;
        double got = get(p->dtype, c, at), old = get(p->dtype, p->c, at);
        if (j >= p->n) {
            if (!same(got, old))
                ck_abort_msg("%s wrote outside", kernels->name);
            continue;
        }
        double sum = 0, bound = 0;
        for (int64_t q = 0; q < p->k; q++) {
            double a = get(p->dtype, p->a, p->trans_a ? q * p->lda + i : i * p->lda + q);
            double b = get(p->dtype, p->b, p->trans_b ? j * p->ldb + q : q * p->ldb + j);
            sum += a * b;
            bound += fabs(a * b);
        }
        double want = alpha * sum + (beta == 0 ? 0 : beta * old);
        bound = epsilon_of(p->dtype) * (fabs(alpha) * bound * (1 + (double)p->k / 8) + fabs(want) +
                                        (beta == 0 ? 0 : fabs(beta * old)));
        if (!(fabs(got - want) <= bound))
            ck_abort_msg("%s %dx%dx%d trans %d%d alpha %g beta %g: c[%d,%d] = %.17g, not %.17g",
                         kernels->name, (int)p->m, (int)p->n, (int)p->k, p->trans_a, p->trans_b,
                         alpha, beta, (int)i, (int)j, got, want);
    }
}

static const int64_t sizes[][3] = {
    {1, 1, 1},     {1, 1, 300},   {5, 1, 17},    {4, 2, 33},    {13, 3, 5},    {7, 4, 128},
    {3, 5, 2},     {1, 37, 41},   {2, 64, 1},    {12, 32, 64},  {11, 33, 257}, {23, 65, 31},
    {64, 16, 16},  {97, 10, 64},  {131, 40, 9},  {110, 70, 70}, {40, 530, 20}, {9, 9, 700},
    {205, 70, 30}, {6, 1100, 12}, {3, 40, 1100}, {2, 3, 33000}, {7, 40, 0},
};

START_TEST(test_product) {
    const int64_t *s = sizes[_i];
    for (int which = 0; which < set_count; which++)
        for (int variant = 0; variant < 16; variant++) {
            static const double factors[][2] = {{1, 0}, {1, 1}, {-0.5, 0.25}, {2, 0}};
            double alpha = factors[variant / 4][0], beta = factors[variant / 4][1];
            for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
                problem p = problem_new(dtype, variant % 4, s[0], s[1], s[2], variant % 3);
                void *c = array_copy(dtype, p.c_size, p.c);
                run(sets[which], &p, 0, p.m, alpha, beta, c);
                check(sets[which], &p, alpha, beta, c);
                free(c);
                problem_free(&p);
            }
        }
}
END_TEST

/* The bits of a row do not depend on the rows computed with it. */
START_TEST(test_split_rows) {
    const int64_t *s = sizes[_i];
    for (int which = 0; which < set_count; which++)
        for (int trans = 0; trans < 4; trans++)
            for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
                problem p = problem_new(dtype, trans, s[0], s[1], s[2], 1);
                void *whole = array_copy(dtype, p.c_size, p.c);
                run(sets[which], &p, 0, p.m, 0.3, 0.7, whole);
                for (int64_t step = 1; step < p.m; step += 1 + step / 2) {
                    void *parts = array_copy(dtype, p.c_size, p.c);
                    for (int64_t i = 0; i < p.m; i += step)
                        run(sets[which], &p, i, i + step < p.m ? i + step : p.m, 0.3, 0.7, parts);
                    ck_assert_msg(memcmp(whole, parts, (size_t)p.c_size * size_of(dtype)) == 0,
                                  "%s %dx%dx%d trans %d: rows by %d differ", sets[which]->name,
                                  (int)p.m, (int)p.n, (int)p.k, trans, (int)step);
                    free(parts);
                }
                free(whole);
                problem_free(&p);
            }
}
END_TEST

/* A packed B, its panels filled in two calls, gives the bits of the product without, whatever rows
 * are computed at a time. */
START_TEST(test_packed) {
    const int64_t *s = sizes[_i];
    for (int which = 0; which < set_count; which++)
        for (int trans = 0; trans < 4; trans++)
            for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
                problem p = problem_new(dtype, trans, s[0], s[1], s[2], trans);
                size_t bytes = (size_t)p.c_size * size_of(dtype);
                void *want = array_copy(dtype, p.c_size, p.c);
                run(sets[which], &p, 0, p.m, 1, 0, want);
                void *packed = pack(sets[which], &p);
                for (int64_t step = 1; step <= p.m; step += 1 + step / 2) {
                    void *got = array_copy(dtype, p.c_size, p.c);
                    for (int64_t i = 0; i < p.m; i += step)
                        run_packed(sets[which], &p, i, i + step < p.m ? i + step : p.m, packed,
                                   NULL, got);
                    ck_assert_msg(memcmp(want, got, bytes) == 0,
                                  "%s %dx%dx%d trans %d: packed, rows by %d differ",
                                  sets[which]->name, (int)p.m, (int)p.n, (int)p.k, trans,
                                  (int)step);
                    free(got);
                }
                free(packed);
                free(want);
                problem_free(&p);
            }
}
END_TEST

/* A bias has the bits of a sum of its own, whatever rows are computed at a time. */
START_TEST(test_bias) {
    const int64_t *s = sizes[_i];
    for (int which = 0; which < set_count; which++)
        for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
            problem p = problem_new(dtype, _i % 4, s[0], s[1], s[2], 1);
            size_t bytes = (size_t)p.c_size * size_of(dtype);
            void *bias = array_random(dtype, p.n, 9, 1), *packed = pack(sets[which], &p);
            void *want = array_copy(dtype, p.c_size, p.c);
            run_packed(sets[which], &p, 0, p.m, packed, NULL, want);
            for (int64_t at = 0; at < p.c_size; at++)
                if (at % p.ldc < p.n)
                    set(dtype, want, at, get(dtype, want, at) + get(dtype, bias, at % p.ldc));
            for (int64_t step = 1; step <= p.m; step += 1 + step / 2) {
                void *got = array_copy(dtype, p.c_size, p.c);
                for (int64_t i = 0; i < p.m; i += step)
                    run_packed(sets[which], &p, i, i + step < p.m ? i + step : p.m, packed, bias,
                               got);
                ck_assert_msg(memcmp(want, got, bytes) == 0, "%s %dx%dx%d: rows by %d differ",
                              sets[which]->name, (int)p.m, (int)p.n, (int)p.k, (int)step);
                free(got);
            }
            free(want);
            free(packed);
            free(bias);
            problem_free(&p);
        }
}
END_TEST

/* However many columns are left for the last tile, whole, half or part of a vector: what they hold is
 * right, and has the bits of the same columns of a wider product. */
START_TEST(test_columns) {
    enum { M = 31, WIDE = 80, K = 21 };
    int beta = _i;
    for (int which = 0; which < set_count; which++)
        for (int trans = 0; trans < 4; trans++)
            for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
                size_t size = size_of(dtype);
                problem wide = problem_new(dtype, trans, M, WIDE, K, 1), p = wide;
                void *want = array_copy(dtype, p.c_size, p.c);
                run(sets[which], &wide, 0, M, 1, beta, want);
                for (p.n = 1; p.n <= 40; p.n++) {
                    void *c = array_copy(dtype, p.c_size, p.c), *packed = pack(sets[which], &p);
                    int64_t rows = p.n % 2 ? M : 1 + p.n / 3; /* tiles of all heights */
                    for (int64_t i = 0; i < M; i += rows) {
                        int64_t end = i + rows < M ? i + rows : M;
                        if (beta == 0 && p.n % 4 < 2)
                            run_packed(sets[which], &p, i, end, packed, NULL, c);
                        else
                            run(sets[which], &p, i, end, 1, beta, c);
                    }
                    check(sets[which], &p, 1, beta, c);
                    for (int64_t i = 0; i < M && p.n > 4; i++)
                        ck_assert_msg(memcmp((char *)c + (size_t)(i * p.ldc) * size,
                                             (char *)want + (size_t)(i * p.ldc) * size,
                                             (size_t)p.n * size) == 0,
                                      "%s trans %d: row %d of %d columns differs",
                                      sets[which]->name, trans, (int)i, (int)p.n);
                    free(packed);
                    free(c);
                }
                free(want);
                problem_free(&wide);
            }
}
END_TEST

START_TEST(test_packed_bytes) {
    for (int which = 0; which < set_count; which++)
        for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
            erg_gemm_bytes *bytes = sets[which]->gemm_packed_bytes[dtype];
            for (int64_t n = 1; n < 100; n++)
                ck_assert_uint_ge(bytes(n, 7), size_of(dtype) * 7 * (size_t)n);
            ck_assert_uint_eq(bytes(40, 0), 0);
            ck_assert_uint_eq(bytes(1, INT64_MAX / 8), SIZE_MAX);
            ck_assert_uint_eq(bytes(INT64_MAX / 8, INT64_MAX / 8), SIZE_MAX);
        }
}
END_TEST

/* With beta = 0 nothing of C is read: a NaN in it must not come through, nor with an empty sum. */
START_TEST(test_garbage_in_c) {
    static const int64_t shapes[][3] = {
        {30, 50, 20}, {30, 50, 0}, {30, 2, 20}, {0, 5, 5}, {5, 0, 5}};
    const int64_t *s = shapes[_i];
    for (int which = 0; which < set_count; which++)
        for (int trans = 0; trans < 4; trans++)
            for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
                problem p = problem_new(dtype, trans, s[0], s[1], s[2], 0);
                void *c = array_copy(dtype, p.c_size, p.c);
                memset(c, 0xff, (size_t)p.c_size * size_of(dtype));
                run(sets[which], &p, 0, p.m, 1, 0, c);
                check(sets[which], &p, 1, 0, c);
                problem_free(&p);
                free(c);
            }
}
END_TEST

/* beta C alone: when there is nothing to add, or alpha is 0, and then A and B are not read. */
START_TEST(test_scale_only) {
    for (int which = 0; which < set_count; which++)
        for (erg_dtype dtype = ERG_FLOAT32; dtype <= ERG_FLOAT64; dtype++) {
            problem p = problem_new(dtype, 0, 5, 7, 3, 0);
            void *c = array_copy(dtype, p.c_size, p.c);
            set(dtype, p.a, 0, NAN);
            run(sets[which], &p, 0, p.m, 0, 0.5, c);
            for (int64_t i = 0; i < p.c_size; i++)
                ck_assert(get(dtype, c, i) == 0.5 * get(dtype, p.c, i));
            free(c);
            problem_free(&p);
        }
}
END_TEST

int main(void) {
    set_count = erg_kernels_all(sets, 8);
    Suite *suite = suite_create("gemm");
    TCase *tests = tcase_create("gemm");
    int shapes = getenv("ERG_TEST_FAST") ? 9 : sizeof sizes / sizeof sizes[0];
    tcase_add_loop_test(tests, test_product, 0, shapes);
    tcase_add_loop_test(tests, test_split_rows, 0, shapes);
    tcase_add_loop_test(tests, test_packed, 0, shapes);
    tcase_add_loop_test(tests, test_bias, 0, shapes);
    tcase_add_loop_test(tests, test_columns, 0, 2);
    tcase_add_test(tests, test_packed_bytes);
    tcase_add_loop_test(tests, test_garbage_in_c, 0, 5);
    tcase_add_test(tests, test_scale_only);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

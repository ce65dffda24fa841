/* test_vmath.c: the vector functions in units in the last place, for every instruction set here.
 *
 * float32 against libm in double, over all bit patterns at a stride; float64 against libm in long
 * double where that is longer, else against libm itself, which has an error of its own. */
#include <check.h>
#include <float.h>
#include <stdbool.h>

#include "arrays.h"

static const erg_kernels *sets[8];
static int set_count;

#define SIGMOID(x, exp) ((x) >= 0 ? 1 / (1 + exp(-(x))) : exp(x) / (1 + exp(x)))
#define SOFTPLUS(x, exp, log1p, fabs) (((x) > 0 ? (x) : 0) + log1p(exp(-fabs(x))))

static double sigmoid(double x) {
    return SIGMOID(x, exp);
}
static double softplus(double x) {
    return SOFTPLUS(x, exp, log1p, fabs);
}
static long double sigmoidl(long double x) {
    return SIGMOID(x, expl);
}
static long double softplusl(long double x) {
    return SOFTPLUS(x, expl, log1pl, fabsl);
}

static const struct function {
    const char *name;
    erg_unary op;
    double (*in_double)(double);
    long double (*in_long_double)(long double);
} functions[] = {
#define FUNCTION(name)                                                                             \
    { #name, ERG_UNARY_##name, name, name##l }
    FUNCTION(exp), FUNCTION(expm1), FUNCTION(log),     FUNCTION(log1p),    FUNCTION(sin),
    FUNCTION(cos), FUNCTION(tanh),  FUNCTION(sigmoid), FUNCTION(softplus), FUNCTION(erf),
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0], BATCH = 4096 };

/* How far y is from the exact value, in units of the last of `digits` binary digits there, which
 * are fewer for values below 2^lowest. Infinite where one is a NaN, an infinity or a zero of some
 * sign and the other is not. */
static double ulps(long double exact, double y, double rounded, int digits, int lowest) {
    if (isnan(rounded) || isinf(rounded) || rounded == 0 || isnan(y) || isinf(y))
        return same(rounded, y)         ? 0
               : y != 0 && rounded == 0 ? fabs(y) / ldexp(1, lowest - digits)
                                        : INFINITY;
    int exponent;
    frexpl(exact, &exponent);
    if (exponent < lowest)
        exponent = lowest;
    return (double)(fabsl(y - exact) / ldexpl(1, exponent - digits));
}

static void check32(const struct function *f, int n, const float *x) {
    static float y[BATCH];
    static double exact[BATCH];
    for (int i = 0; i < n; i++)
        exact[i] = f->in_double(x[i]);
    for (int s = 0; s < set_count; s++) {
        sets[s]->unary[ERG_FLOAT32][f->op](n, x, y);
        for (int i = 0; i < n; i++) {
            double error = ulps(exact[i], y[i], (float)exact[i], FLT_MANT_DIG, FLT_MIN_EXP);
            if (!(error <= 2)) /* an assertion writes to a pipe each time */
                ck_abort_msg("%s %s(%.9g) = %.9g, not %.9g: %g units", sets[s]->name, f->name, x[i],
                             y[i], exact[i], error);
        }
    }
}

/* False where long double is double, also where it is emulated so, as valgrind does. */
static bool exact_is_wider(void) {
    volatile long double one = 1, more = one + 2 * LDBL_EPSILON;
    return LDBL_MANT_DIG > DBL_MANT_DIG && more > one;
}

static void check64(const struct function *f, int n, const double *x) {
    static double y[BATCH];
    static long double exact[BATCH];
    const double bound = exact_is_wider() ? 2 : 4;
    for (int i = 0; i < n; i++)
        exact[i] = f->in_long_double(x[i]);
    for (int s = 0; s < set_count; s++) {
        sets[s]->unary[ERG_FLOAT64][f->op](n, x, y);
        for (int i = 0; i < n; i++) {
            double error = ulps(exact[i], y[i], (double)exact[i], DBL_MANT_DIG, DBL_MIN_EXP);
            if (!(error <= bound)) /* an assertion writes to a pipe each time */
                ck_abort_msg("%s %s(%.17g) = %.17g, not %.17Lg: %g units", sets[s]->name, f->name,
                             x[i], y[i], exact[i], error);
        }
    }
}

START_TEST(test_float32) {
    static float x[BATCH];
    const uint32_t stride = getenv("ERG_TEST_FAST") ? 100003 : 1009;
    int n = 0;
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += stride) {
        uint32_t pattern = (uint32_t)bits;
        memcpy(&x[n++], &pattern, sizeof pattern);
        if (n == BATCH) {
            check32(&functions[_i], n, x);
            n = 0;
        }
    }
    check32(&functions[_i], n, x);
}
END_TEST

/* Half of the arguments have any bits at all, half are of a size where the function does something;
 * and for float32, so that the strides above miss nothing there, as many again. */
START_TEST(test_float64) {
    static double x[BATCH];
    static float narrow[BATCH];
    const int rounds = getenv("ERG_TEST_FAST") ? 1 : 25;
    uint64_t state = 1;
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < BATCH; i++) {
            x[i] = ldexp(next_number(&state), i % 16 - 5);
            narrow[i] = (float)x[i];
        }
        check32(&functions[_i], BATCH, narrow);
        for (int i = 0; i < BATCH; i += 2) {
            uint64_t bits = (uint64_t)(int64_t)(next_number(&state) * 0x1p63);
            memcpy(&x[i], &bits, sizeof bits);
        }
        check64(&functions[_i], BATCH, x);
    }
}
END_TEST

/* Each of these with its neighbours: where a function changes its formula, overflows, underflows;
 * multiples of pi/2, for which nearly all digits of the argument cancel. */
START_TEST(test_special) {
    static const double values[] = {
        0,
        FLT_TRUE_MIN,
        FLT_MIN,
        FLT_MAX,
        FLT_EPSILON,
        DBL_TRUE_MIN,
        DBL_MIN,
        DBL_MAX,
        DBL_EPSILON,
        INFINITY,
        NAN,
        1,
        2,
        0.5,
        0x1p-24,
        0x1p-53,
        0x1p24,
        0x1p53,
        0.31,
        0.1733,
        10,
        20,
        40,
        80,
        89,
        3.95,
        5.95,
        1e5,
        1e6,
        88.72284,
        87.336545,
        103.2789,
        103.97208,
        709.782712893384,
        708.396418,
        744.440072,
        745.13322,
        0.34657359,
        0.34657359028,
        0.70710678,
        1.41421356,
        16.635532,
        36.7368,
        17.328680,
        16.6891384,
        0.881373587,
        9.0109134,
        19.061547,
    };
    for (int sign = -1; sign <= 1; sign += 2)
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            double v = sign * values[i];
            float f = (float)v;
            check64(&functions[_i], 3, (double[]){nextafter(v, -1e308), v, nextafter(v, 1e308)});
            check32(&functions[_i], 3, (float[]){nextafterf(f, -1e38f), f, nextafterf(f, 1e38f)});
        }
    for (int k = -100000; k <= 100000; k += 1 + abs(k) / 50) {
        double v = k * 1.5707963267948966;
        check64(&functions[_i], 3, (double[]){nextafter(v, -1e308), v, nextafter(v, 1e308)});
        check32(&functions[_i], 1, &(float){(float)v});
    }
}
END_TEST

int main(void) {
    set_count = erg_kernels_all(sets, 8);
    Suite *suite = suite_create("vmath");
    TCase *tests = tcase_create("vmath");
    tcase_add_loop_test(tests, test_float32, 0, FUNCTIONS);
    tcase_add_loop_test(tests, test_float64, 0, FUNCTIONS);
    tcase_add_loop_test(tests, test_special, 0, FUNCTIONS);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* test_random.c: the generator against published vectors, the mapping from words to numbers, and
 * the distributions. Statistical tests have fixed seeds and fail with probability 1e-6 when all is
 * right; each has a planted twin with a plausible mistake, which must fail the same test. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../tensor/random.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define DRAWS 100000

/* Critical values at p = 1e-6: Kolmogorov's sqrt(n) D, a two-sided z, chi-squared by degrees of
 * freedom. */
#define KOLMOGOROV 2.693386
#define NORMAL_Z 4.89164
#define CHI2_9 44.811
#define CHI2_31 83.643
#define CHI2_99 180.792
#define CHI2_255 377.078

/* ------------------------------------------------------------------------------- words */

/* The first three: Random123, kat_vectors. The others test the carries of the counter. */
static const struct {
    uint32_t counter[4], key[2], out[4];
} philox[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    {{~0u, 0, 0, 0}, {0, 0}, {0xc5b20a9d, 0x4434ec4e, 0x11bbe4fb, 0x2a1ef7a5}},
    {{0, 1, 0, 0}, {0, 0}, {0x6ad0c5ec, 0xea236249, 0x73a459f5, 0x074944b3}},
};

START_TEST(philox_gives_published_words) {
    uint32_t out[4];
    erg_philox4x32(philox[_i].counter, philox[_i].key, out);
    ck_assert_mem_eq(out, philox[_i].out, sizeof(out));
}
END_TEST

/* The array and the first element whose block has the third published counter. */
static const erg_random published = {
    .seed = 0x299f31d0a4093822, .stream = 0x85a308d3, .run = 0x0370734413198a2e};
#define PUBLISHED_BLOCK ((int64_t)0x243f6a88)

START_TEST(words_become_uniforms) {
    const uint32_t *words = philox[2].out;
    float narrow[4];
    erg_uniform_range(ERG_FLOAT32, published, 4 * PUBLISHED_BLOCK, 4 * PUBLISHED_BLOCK + 4, narrow);
    for (int i = 0; i < 4; i++) {
        ck_assert_float_eq(narrow[i], (float)(words[i] / 256) / 16777216.0f);
    }
    double wide[2];
    erg_uniform_range(ERG_FLOAT64, published, 2 * PUBLISHED_BLOCK, 2 * PUBLISHED_BLOCK + 2, wide);
    for (int i = 0; i < 2; i++) {
        double top21 = words[2 * i + 1], low = words[2 * i] / 2048;
        ck_assert_double_eq(wide[i], ldexp(ldexp(top21, 21) + low, -53));
    }
}
END_TEST

START_TEST(words_become_normals) {
    const uint32_t *words = philox[2].out;
    const double two_pi = 2 * acos(-1);
    float narrow[4];
    erg_normal_range(ERG_FLOAT32, published, 4 * PUBLISHED_BLOCK, 4 * PUBLISHED_BLOCK + 4, narrow);
    for (int i = 0; i < 4; i += 2) {
        double radius = sqrt(-2 * log((words[i] + 1.0) / 4294967296));
        double angle = two_pi * words[i + 1] / 4294967296;
        ck_assert_double_eq_tol(narrow[i], radius * cos(angle), 1e-6);
        ck_assert_double_eq_tol(narrow[i + 1], radius * sin(angle), 1e-6);
    }
    double wide[2], u[2];
    erg_normal_range(ERG_FLOAT64, published, 2 * PUBLISHED_BLOCK, 2 * PUBLISHED_BLOCK + 2, wide);
    erg_uniform_range(ERG_FLOAT64, published, 2 * PUBLISHED_BLOCK, 2 * PUBLISHED_BLOCK + 2, u);
    double radius = sqrt(-2 * log(u[0] + ldexp(1, -53)));
    ck_assert_double_eq_tol(wide[0], radius * cos(two_pi * u[1]), 1e-14);
    ck_assert_double_eq_tol(wide[1], radius * sin(two_pi * u[1]), 1e-14);
}
END_TEST

START_TEST(words_become_integers) {
    int64_t out[2];
    const uint64_t bounds[] = {1, 10, (uint64_t)1 << 32};
    for (int i = 0; i < COUNT(bounds); i++) {
        ck_assert_int_eq(erg_random_integers(out, 2, bounds[i], (erg_random){.seed = 0}), ERG_OK);
        for (int k = 0; k < 2; k++) {
            double fraction = philox[0].out[2 * k + 1] / 4294967296.0;
            ck_assert_int_eq(out[k], (int64_t)(fraction * (double)bounds[i]));
        }
    }
}
END_TEST

/* ------------------------------------------------------------------------------- edges */

/* With seed and stream 0 the blocks of these elements begin a pair with the word 0 or 2^32 - 1,
 * found by search: u = 2^-32, the largest radius, and u = 1, the smallest. */
static const struct {
    uint64_t run;
    int64_t block;
    int word;
    double radius;
} rare_words[] = {
    {2, 0x6ddd5094, 0, 6.66043688},
    {0, 0x78ac0cb1, 2, 0},
};

START_TEST(normal_is_finite_for_rare_words) {
    int64_t begin = 4 * rare_words[_i].block + rare_words[_i].word;
    float z[2];
    erg_normal_range(ERG_FLOAT32, (erg_random){.run = rare_words[_i].run}, begin, begin + 2, z);
    ck_assert_double_eq_tol(hypot(z[0], z[1]), rare_words[_i].radius, 1e-5);
}
END_TEST

/* With this seed, found by search, the first float32 uniform is 0. */
#define SEED_OF_ZERO ((erg_random){.seed = 12121362})

START_TEST(categorical_never_takes_u_zero) {
    const float logits[] = {1000, 0};
    erg_tensor *first = erg_tensor_new(ERG_FLOAT32, ERG_SCALAR);
    erg_tensor *pair = erg_tensor_from(ERG_FLOAT32, ERG_SHAPE(2), logits);
    erg_tensor *out = erg_tensor_new(ERG_INT32, ERG_SCALAR);
    ck_assert_int_eq(erg_random_uniform(first, SEED_OF_ZERO), ERG_OK);
    ck_assert_double_eq(erg_tensor_get(first, 0), 0);
    ck_assert_int_eq(erg_random_categorical(out, pair, SEED_OF_ZERO), ERG_OK);
    ck_assert_double_eq(erg_tensor_get(out, 0), 1);
    erg_tensor_set(pair, 1, -INFINITY);
    ck_assert_int_eq(erg_random_categorical(out, pair, SEED_OF_ZERO), ERG_OK);
    ck_assert_double_eq(erg_tensor_get(out, 0), 0);
    erg_tensor_free(first);
    erg_tensor_free(pair);
    erg_tensor_free(out);
}
END_TEST

typedef void range_function(erg_dtype dtype, erg_random where, int64_t begin, int64_t end,
                            void *out);
static range_function *const ranges[] = {erg_uniform_range, erg_normal_range};

/* Every range between 0 and 13, and ranges about the ends of batches. */
START_TEST(ranges_do_not_depend_on_the_cut) {
    enum { SIZE = 600, SHORT = 13 };
    const erg_random where = {.seed = 5, .stream = 6, .run = 7};
    for (int t = ERG_FLOAT32; t <= ERG_FLOAT64; t++) {
        size_t element = erg_dtype_size((erg_dtype)t);
        char whole[SIZE * sizeof(double)], part[sizeof(whole)], untouched[sizeof(whole)];
        memset(untouched, 0xee, sizeof(untouched));
        ranges[_i]((erg_dtype)t, where, 0, SIZE, whole);
        for (int begin = 0; begin <= SIZE; begin += begin < SHORT ? 1 : 37) {
            for (int end = begin; end <= SIZE; end += end < SHORT ? 1 : 41) {
                memset(part, 0xee, sizeof(part));
                ranges[_i]((erg_dtype)t, where, begin, end, part);
                size_t bytes = (size_t)(end - begin) * element;
                ck_assert(memcmp(part, whole + (size_t)begin * element, bytes) == 0);
                ck_assert(memcmp(part + bytes, untouched, sizeof(part) - bytes) == 0);
            }
        }
    }
}
END_TEST

typedef erg_status fill_function(erg_tensor *out, erg_random where);
static fill_function *const fills[] = {erg_random_uniform, erg_random_normal,
                                       erg_random_rademacher};

START_TEST(elements_do_not_depend_on_the_size) {
    const erg_random where = {.seed = 1, .stream = 2, .run = 3};
    for (int t = ERG_FLOAT32; t <= ERG_FLOAT64; t++) {
        erg_tensor *longest = erg_tensor_new((erg_dtype)t, ERG_SHAPE(600));
        ck_assert_int_eq(fills[_i](longest, where), ERG_OK);
        const int64_t sizes[] = {0, 1, 2, 3, 4, 5, 255, 256, 257, 599};
        for (int i = 0; i < COUNT(sizes); i++) {
            erg_tensor *tensor = erg_tensor_new((erg_dtype)t, ERG_SHAPE(sizes[i]));
            ck_assert_int_eq(fills[_i](tensor, where), ERG_OK);
            size_t bytes = (size_t)sizes[i] * erg_dtype_size((erg_dtype)t);
            ck_assert(memcmp(tensor->data, longest->data, bytes) == 0);
            erg_tensor_free(tensor);
        }
        erg_tensor_free(longest);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- distributions */

static erg_tensor *draw(fill_function *fill, erg_dtype dtype, erg_random where) {
    erg_tensor *tensor = erg_tensor_new(dtype, ERG_SHAPE(DRAWS));
    ck_assert_int_eq(fill(tensor, where), ERG_OK);
    return tensor;
}

static void scale(erg_tensor *tensor, double factor) {
    for (int64_t i = 0; i < DRAWS; i++) {
        erg_tensor_set(tensor, i, factor * erg_tensor_get(tensor, i));
    }
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov's sqrt(n) D. */
static double kolmogorov(const erg_tensor *sample, double (*cdf)(double)) {
    static double x[DRAWS];
    for (int64_t i = 0; i < DRAWS; i++) {
        x[i] = erg_tensor_get(sample, i);
    }
    qsort(x, DRAWS, sizeof(double), compare_doubles);
    double largest = 0;
    for (int i = 0; i < DRAWS; i++) {
        double p = cdf(x[i]);
        largest = fmax(largest, fmax(p - i / (double)DRAWS, (i + 1) / (double)DRAWS - p));
    }
    return sqrt(DRAWS) * largest;
}

/* The largest of |z| of the means of x, x^2, x^3, x^4 if x is normal. */
static double moments_z(const erg_tensor *sample) {
    const double means[] = {0, 1, 0, 3}, variances[] = {1, 2, 15, 96};
    double sums[4] = {0}, largest = 0;
    for (int64_t i = 0; i < DRAWS; i++) {
        double x = erg_tensor_get(sample, i), power = 1;
        for (int k = 0; k < 4; k++) {
            power *= x;
            sums[k] += power;
        }
    }
    for (int k = 0; k < 4; k++) {
        double z = (sums[k] / DRAWS - means[k]) / sqrt(variances[k] / DRAWS);
        largest = fmax(largest, fabs(z));
    }
    return largest;
}

static double chi_squared(const int64_t *counts, const double *p, int n) {
    double total = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        total += (double)counts[i];
    }
    for (int i = 0; i < n; i++) {
        double expected = total * (p == NULL ? 1.0 / n : p[i]);
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    }
    return sum;
}

static double uniform_cdf(double x) {
    return fmin(fmax(x, 0), 1);
}

static double normal_cdf(double x) {
    return 0.5 * erfc(-x * sqrt(0.5));
}

static const struct {
    erg_dtype dtype;
    uint64_t seed;
} seeds[] = {
    {ERG_FLOAT32, 0}, {ERG_FLOAT32, UINT64_MAX}, {ERG_FLOAT32, 1234},
    {ERG_FLOAT64, 0}, {ERG_FLOAT64, UINT64_MAX}, {ERG_FLOAT64, 1234},
};

START_TEST(uniform_is_uniform) {
    erg_tensor *u = draw(erg_random_uniform, seeds[_i].dtype, (erg_random){seeds[_i].seed, 1, 2});
    double lowest = 1, highest = 0;
    for (int64_t i = 0; i < DRAWS; i++) {
        lowest = fmin(lowest, erg_tensor_get(u, i));
        highest = fmax(highest, erg_tensor_get(u, i));
    }
    ck_assert_double_ge(lowest, 0);
    ck_assert_double_lt(highest, 1);
    ck_assert_double_lt(kolmogorov(u, uniform_cdf), KOLMOGOROV);
    scale(u, 0.99);
    ck_assert_double_gt(kolmogorov(u, uniform_cdf), KOLMOGOROV);
    erg_tensor_free(u);
}
END_TEST

START_TEST(normal_is_normal) {
    erg_tensor *z = draw(erg_random_normal, seeds[_i].dtype, (erg_random){seeds[_i].seed, 1, 2});
    ck_assert(erg_tensor_all_finite(z));
    ck_assert_double_lt(kolmogorov(z, normal_cdf), KOLMOGOROV);
    ck_assert_double_lt(moments_z(z), NORMAL_Z);
    scale(z, 1.03);
    ck_assert_double_gt(moments_z(z), NORMAL_Z);
    scale(z, sqrt(0.5) / 1.03); /* Box and Muller without the 2 */
    ck_assert_double_gt(kolmogorov(z, normal_cdf), KOLMOGOROV);
    erg_tensor_free(z);
}
END_TEST

/* Chi-squared of 10 x 10 cells of the pairs (x[i], y[i + shift]). */
static double pair_chi_squared(const erg_tensor *x, const erg_tensor *y, double (*cdf)(double),
                               int shift) {
    int64_t counts[100] = {0};
    for (int64_t i = 0; i + shift < DRAWS; i += shift + 1) {
        int a = (int)(10 * cdf(erg_tensor_get(x, i)));
        int b = (int)(10 * cdf(erg_tensor_get(y, i + shift)));
        counts[10 * a + b]++;
    }
    return chi_squared(counts, NULL, 100);
}

START_TEST(neighbours_are_independent) {
    erg_random where = {seeds[_i].seed, 3, 4};
    erg_tensor *u = draw(erg_random_uniform, seeds[_i].dtype, where);
    erg_tensor *z = draw(erg_random_normal, seeds[_i].dtype, where);
    for (int shift = 1; shift <= 4; shift++) {
        ck_assert_double_lt(pair_chi_squared(u, u, uniform_cdf, shift), CHI2_99);
        ck_assert_double_lt(pair_chi_squared(z, z, normal_cdf, shift), CHI2_99);
    }
    ck_assert_double_gt(pair_chi_squared(u, u, uniform_cdf, 0), CHI2_99);
    erg_tensor_free(u);
    erg_tensor_free(z);
}
END_TEST

/* Names that differ from {9, 9, 9} in one bit. */
static const erg_random other_names[] = {
    {8, 9, 9}, {9 + ((uint64_t)1 << 32), 9, 9}, {9, 8, 9}, {9, 9 + ((uint32_t)1 << 31), 9},
    {9, 9, 8}, {9, 9, 9 + ((uint64_t)1 << 32)},
};

START_TEST(names_give_independent_arrays) {
    erg_random name = {9, 9, 9};
    erg_tensor *x = draw(erg_random_uniform, ERG_FLOAT32, name);
    erg_tensor *y = draw(erg_random_uniform, ERG_FLOAT32, other_names[_i]);
    ck_assert_double_lt(pair_chi_squared(x, y, uniform_cdf, 0), CHI2_99);
    ck_assert_double_gt(pair_chi_squared(x, x, uniform_cdf, 0), CHI2_99);
    erg_tensor_free(x);
    erg_tensor_free(y);
}
END_TEST

START_TEST(rademacher_is_a_fair_sign) {
    erg_tensor *signs =
        draw(erg_random_rademacher, seeds[_i].dtype, (erg_random){seeds[_i].seed, 5, 6});
    double sum = 0, neighbours = 0, others = 0;
    for (int64_t i = 0; i < DRAWS; i++) {
        double sign = erg_tensor_get(signs, i);
        others += sign != 1 && sign != -1;
        sum += sign;
        neighbours += i > 0 ? sign * erg_tensor_get(signs, i - 1) : 0;
    }
    ck_assert_double_eq(others, 0);
    ck_assert_double_lt(fabs(sum) / sqrt(DRAWS), NORMAL_Z);
    ck_assert_double_lt(fabs(neighbours) / sqrt(DRAWS), NORMAL_Z);
    erg_tensor_free(signs);
}
END_TEST

START_TEST(bernoulli_has_its_probability) {
    const double ps[] = {0, 0.001, 0.3, 0.5, 0.97, 1};
    for (int k = 0; k < COUNT(ps); k++) {
        erg_tensor *x = erg_tensor_new(seeds[_i].dtype, ERG_SHAPE(DRAWS));
        erg_tensor_fill(x, ps[k]);
        ck_assert_int_eq(erg_random_bernoulli(x, x, (erg_random){seeds[_i].seed, 7, 8}), ERG_OK);
        double sum = 0, others = 0;
        for (int64_t i = 0; i < DRAWS; i++) {
            double value = erg_tensor_get(x, i);
            others += value != 0 && value != 1;
            sum += value;
        }
        ck_assert_double_eq(others, 0);
        double deviation = NORMAL_Z * sqrt(DRAWS * ps[k] * (1 - ps[k]));
        ck_assert_double_le(fabs(sum - DRAWS * ps[k]), deviation);
        ck_assert_double_gt(fabs(sum - DRAWS * fabs(ps[k] - 0.02)), deviation);
        erg_tensor_free(x);
    }
}
END_TEST

/* Chi-squared of categorical draws with logits `sharpness` * logits against softmax(logits). */
static double categorical_chi_squared(erg_dtype dtype, uint64_t seed, double sharpness) {
    const double logits[] = {0, -1, 2, 0.5, -2, 1, 0.1, 1.5, -0.7, -3, -INFINITY};
    enum { CLASSES = COUNT(logits) };
    double p[CLASSES], total = 0;
    erg_tensor *table = erg_tensor_new(dtype, ERG_SHAPE(100, DRAWS / 100, CLASSES));
    erg_tensor *out = erg_tensor_new(ERG_INT32, ERG_SHAPE(100, DRAWS / 100));
    for (int64_t i = 0; i < erg_tensor_size(table); i++) {
        erg_tensor_set(table, i, sharpness * logits[i % CLASSES]);
    }
    ck_assert_int_eq(erg_random_categorical(out, table, (erg_random){seed, 9, 10}), ERG_OK);
    int64_t counts[CLASSES] = {0};
    for (int64_t i = 0; i < DRAWS; i++) {
        counts[(int)erg_tensor_get(out, i)]++;
    }
    for (int k = 0; k < CLASSES; k++) {
        p[k] = exp(logits[k]);
        total += p[k];
    }
    for (int k = 0; k < CLASSES; k++) {
        p[k] /= total;
    }
    erg_tensor_free(table);
    erg_tensor_free(out);
    ck_assert_int_eq(counts[CLASSES - 1], 0);
    return chi_squared(counts, p, CLASSES - 1);
}

START_TEST(categorical_follows_softmax) {
    erg_dtype dtype = seeds[_i].dtype;
    ck_assert_double_lt(categorical_chi_squared(dtype, seeds[_i].seed, 1), CHI2_9);
    ck_assert_double_gt(categorical_chi_squared(dtype, seeds[_i].seed, 1.1), CHI2_9);
}
END_TEST

static const struct {
    int bound;
    double critical;
} bounds[] = {{10, CHI2_9}, {32, CHI2_31}, {100, CHI2_99}, {256, CHI2_255}};

/* Chi-squared of integers below `range`, taken modulo `bound`. */
static double integers_chi_squared(int bound, int range) {
    static int64_t draws[DRAWS];
    int64_t counts[256] = {0};
    ck_assert_int_eq(erg_random_integers(draws, DRAWS, (uint64_t)range, (erg_random){11, 12, 13}),
                     ERG_OK);
    for (int i = 0; i < DRAWS; i++) {
        if (draws[i] < 0 || draws[i] >= range) {
            ck_abort_msg("%lld is not in 0..%d", (long long)draws[i], range - 1);
        }
        counts[draws[i] % bound]++;
    }
    return chi_squared(counts, NULL, bound);
}

START_TEST(integers_are_uniform) {
    int bound = bounds[_i].bound;
    ck_assert_double_lt(integers_chi_squared(bound, bound), bounds[_i].critical);
    ck_assert_double_gt(integers_chi_squared(bound, bound * 9 / 2), bounds[_i].critical);
}
END_TEST

/* ------------------------------------------------------------------------------- errors */

START_TEST(fills_refuse_mistakes) {
    erg_tensor *integers = erg_tensor_new(ERG_INT32, ERG_SHAPE(2));
    ck_assert_int_eq(fills[_i](integers, (erg_random){1, 0, 0}), ERG_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "out is int32"));
    ck_assert_int_eq(fills[_i](NULL, (erg_random){1, 0, 0}), ERG_ERROR_ARGUMENT);
    erg_tensor_free(integers);
    float nothing;
    erg_tensor too_large = {ERG_FLOAT32, ERG_SHAPE((int64_t)1 << 33), &nothing};
    ck_assert_int_eq(fills[_i](&too_large, (erg_random){1, 0, 0}), ERG_ERROR_ARGUMENT);
}
END_TEST

typedef struct array {
    erg_dtype dtype;
    erg_shape shape;
} array;

static const struct {
    array out, input;
    erg_status bernoulli, categorical;
} arguments[] = {
    {{ERG_FLOAT32, {1, {3}}}, {ERG_FLOAT32, {1, {3}}}, ERG_OK, ERG_ERROR_ARGUMENT},
    {{ERG_FLOAT32, {2, {0, 3}}}, {ERG_FLOAT32, {2, {0, 3}}}, ERG_OK, ERG_ERROR_ARGUMENT},
    {{ERG_FLOAT32, {1, {3}}}, {ERG_FLOAT64, {1, {3}}}, ERG_ERROR_ARGUMENT, ERG_ERROR_ARGUMENT},
    {{ERG_FLOAT32, {1, {3}}}, {ERG_FLOAT32, {1, {4}}}, ERG_ERROR_ARGUMENT, ERG_ERROR_ARGUMENT},
    {{ERG_INT32, {1, {3}}}, {ERG_INT32, {1, {3}}}, ERG_ERROR_ARGUMENT, ERG_ERROR_ARGUMENT},
    {{ERG_INT32, {0, {0}}}, {ERG_FLOAT32, {1, {3}}}, ERG_ERROR_ARGUMENT, ERG_OK},
    {{ERG_INT32, {1, {2}}}, {ERG_FLOAT64, {2, {2, 1}}}, ERG_ERROR_ARGUMENT, ERG_OK},
    {{ERG_INT32, {1, {0}}}, {ERG_FLOAT64, {2, {0, 3}}}, ERG_ERROR_ARGUMENT, ERG_OK},
    {{ERG_INT32, {1, {2}}}, {ERG_FLOAT32, {2, {2, 0}}}, ERG_ERROR_ARGUMENT, ERG_ERROR_ARGUMENT},
    {{ERG_INT32, {1, {3}}}, {ERG_FLOAT32, {2, {2, 3}}}, ERG_ERROR_ARGUMENT, ERG_ERROR_ARGUMENT},
    {{ERG_INT32, {0, {0}}}, {ERG_FLOAT32, {0, {0}}}, ERG_ERROR_ARGUMENT, ERG_ERROR_ARGUMENT},
};

START_TEST(bernoulli_and_categorical_check_arguments) {
    erg_tensor *out = erg_tensor_new(arguments[_i].out.dtype, arguments[_i].out.shape);
    erg_tensor *input = erg_tensor_new(arguments[_i].input.dtype, arguments[_i].input.shape);
    erg_random where = {1, 0, 0};
    ck_assert_int_eq(erg_random_bernoulli(out, input, where), arguments[_i].bernoulli);
    ck_assert_int_eq(erg_random_categorical(out, input, where), arguments[_i].categorical);
    ck_assert_int_eq(erg_random_bernoulli(out, NULL, where), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_random_categorical(NULL, input, where), ERG_ERROR_ARGUMENT);
    erg_tensor_free(out);
    erg_tensor_free(input);
}
END_TEST

START_TEST(integers_refuse_mistakes) {
    int64_t out[1] = {-5};
    const uint64_t too_large = ((uint64_t)1 << 32) + 1;
    const erg_random where = {1, 0, 0};
    ck_assert_int_eq(erg_random_integers(out, 1, 0, where), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_random_integers(out, 1, too_large, where), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_random_integers(out, -1, 5, where), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_random_integers(out, (int64_t)1 << 33, 5, where), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_random_integers(NULL, 1, 5, where), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_random_integers(NULL, 0, 5, where), ERG_OK);
    ck_assert_int_eq(out[0], -5);
}
END_TEST

#define ADD_LOOP(test, table) tcase_add_loop_test(tests, test, 0, COUNT(table))

static Suite *random_suite(void) {
    Suite *suite = suite_create("random");
    TCase *tests = tcase_create("words");
    ADD_LOOP(philox_gives_published_words, philox);
    tcase_add_test(tests, words_become_uniforms);
    tcase_add_test(tests, words_become_normals);
    tcase_add_test(tests, words_become_integers);
    suite_add_tcase(suite, tests);

    tests = tcase_create("edges");
    ADD_LOOP(normal_is_finite_for_rare_words, rare_words);
    tcase_add_test(tests, categorical_never_takes_u_zero);
    ADD_LOOP(ranges_do_not_depend_on_the_cut, ranges);
    ADD_LOOP(elements_do_not_depend_on_the_size, fills);
    suite_add_tcase(suite, tests);

    tests = tcase_create("distributions");
    ADD_LOOP(uniform_is_uniform, seeds);
    ADD_LOOP(normal_is_normal, seeds);
    ADD_LOOP(neighbours_are_independent, seeds);
    ADD_LOOP(names_give_independent_arrays, other_names);
    ADD_LOOP(rademacher_is_a_fair_sign, seeds);
    ADD_LOOP(bernoulli_has_its_probability, seeds);
    ADD_LOOP(categorical_follows_softmax, seeds);
    ADD_LOOP(integers_are_uniform, bounds);
    suite_add_tcase(suite, tests);

    tests = tcase_create("errors");
    ADD_LOOP(fills_refuse_mistakes, fills);
    ADD_LOOP(bernoulli_and_categorical_check_arguments, arguments);
    tcase_add_test(tests, integers_refuse_mistakes);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(random_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

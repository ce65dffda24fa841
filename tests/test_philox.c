/* test_philox.c: the random kernels of every instruction set against the definition in random.h,
 * block by block: uniforms to the bit, normals to 5 units in the last place. */
#include <check.h>

#include "../tensor/random.h"
#include "arrays.h"

/* Pieces of arrays: words of the counter and the key that are all ones, elements whose numbers or
 * blocks do not fit 31 or 32 bits, and beginnings and ends within a block. */
static const struct {
    erg_random where;
    int64_t begin, end;
} places[] = {
    {{0, 0, 0}, 0, 1021},
    {{UINT64_MAX, UINT32_MAX, UINT64_MAX}, 1, 400},
    {{0, UINT32_MAX, (uint64_t)1 << 32}, 3, 260},
    {{UINT32_MAX, 7, UINT32_MAX}, 2, 130},
    {{(uint64_t)1 << 32, 1, ((uint64_t)5 << 32) + 6}, 4097, 4098},
    {{12345, 6, 7}, ((int64_t)1 << 31) - 301, ((int64_t)1 << 31) + 299},
    {{12345, 6, 7}, ((int64_t)1 << 32) - 301, ((int64_t)1 << 32) + 299},
    {{12345, 6, 7}, ((int64_t)1 << 33) - 301, (int64_t)1 << 33},
};
enum { MOST = 1024 }; /* elements at a place */

/* The words of a block, by the definition. */
static void words_of(erg_random where, int64_t block, uint32_t words[4]) {
    const uint32_t key[] = {(uint32_t)where.seed, (uint32_t)(where.seed >> 32)};
    const uint32_t counter[] = {(uint32_t)block, where.stream, (uint32_t)where.run,
                                (uint32_t)(where.run >> 32)};
    erg_philox4x32(counter, key, words);
}

/* The word that element i of a uniform array is made of. */
static uint64_t word_of(erg_dtype dtype, erg_random where, int64_t i) {
    uint32_t words[4];
    if (dtype == ERG_FLOAT32) {
        words_of(where, i / 4, words);
        return words[i % 4];
    }
    words_of(where, i / 2, words);
    return ((uint64_t)words[i % 2 * 2 + 1] << 32 | words[i % 2 * 2]) >> 11;
}

static double uniform_by_definition(erg_dtype dtype, erg_random where, int64_t i) {
    uint64_t word = word_of(dtype, where, i);
    return dtype == ERG_FLOAT32 ? (double)(word >> 8) * 0x1p-24 : (double)word * 0x1p-53;
}

/* Near a zero of the sine or cosine, an angle that was rounded would be an inexact reference: the
 * quarters of the circle are taken off the word. */
static long double normal_by_definition(erg_dtype dtype, erg_random where, int64_t i) {
    static const int cosine_of[] = {1, 0, -1, 0}, sine_of[] = {0, 1, 0, -1};
    const long double two_pi = 2 * acosl(-1);
    int bits = dtype == ERG_FLOAT32 ? 32 : 53;
    uint64_t u = word_of(dtype, where, i & ~1), turn = word_of(dtype, where, i | 1);
    int quarter = (int)(((turn >> (bits - 3)) + 1) / 2);
    int64_t rest = (int64_t)turn - ((int64_t)quarter << (bits - 2));
    long double angle = two_pi * ldexpl((long double)rest, -bits);
    long double log_u = u >> (bits - 1)
                            ? log1pl(-ldexpl((long double)(((uint64_t)1 << bits) - 1 - u), -bits))
                            : logl(ldexpl((long double)(u + 1), -bits));
    int x = cosine_of[quarter % 4], y = sine_of[quarter % 4];
    return sqrtl(-2 * log_u) *
           (i % 2 == 0 ? x * cosl(angle) - y * sinl(angle) : y * cosl(angle) + x * sinl(angle));
}

START_TEST(kernels_follow_the_definition) {
    const erg_kernels *sets[8];
    int set_count = erg_kernels_all(sets, 8);
    const erg_random where = places[_i].where;
    double numbers[MOST + 1], untouched = -7;
    for (int s = 0; s < set_count; s++) {
        for (int t = ERG_FLOAT32; t <= ERG_FLOAT64; t++) {
            erg_dtype dtype = (erg_dtype)t;
            int64_t count = places[_i].end - places[_i].begin;
            char *after = (char *)numbers + (size_t)count * size_of(dtype);
            memcpy(after, &untouched, sizeof(untouched));
            sets[s]->uniform[t](where, places[_i].begin, places[_i].end, numbers);
            for (int64_t k = 0; k < count; k++) {
                double exact = uniform_by_definition(dtype, where, places[_i].begin + k);
                ck_assert_double_eq(get(dtype, numbers, k), exact);
            }
            sets[s]->normal[t](where, places[_i].begin, places[_i].end, numbers);
            for (int64_t k = 0; k < count; k++) {
                long double exact = normal_by_definition(dtype, where, places[_i].begin + k);
                int exponent;
                frexpl(exact, &exponent);
                double unit = ldexp(1, exponent - (dtype == ERG_FLOAT32 ? 24 : 53));
                ck_assert_double_le((double)fabsl(get(dtype, numbers, k) - exact), 5 * unit);
            }
            ck_assert(memcmp(after, &untouched, sizeof(untouched)) == 0);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("philox");
    TCase *tests = tcase_create("philox");
    tcase_add_loop_test(tests, kernels_follow_the_definition, 0,
                        (int)(sizeof(places) / sizeof(places[0])));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* test_matvec.c: products of a matrix with single rows, and several of them with one matrix. */
#include <sys/mman.h>
#include <unistd.h>

#include "arrays.h"
#include "compiler_graph.h"

/* ------------------------------------------------------------------------------- the kernel */

enum { MOST = 5 }; /* vectors at once */

static const int64_t sizes[][2] = {/* n, k */
                                   {1, 1},  {1, 40},    {7, 0},   {37, 2},   {64, 3},  {130, 4},
                                   {16, 5}, {17, 31},   {50, 64}, {128, 17}, {3, 200}, {131, 128},
                                   {8, 8},  {1100, 19}, {15, 7},  {300, 33}, {64, 16}};

/* A copy that ends where memory ends. */
static void *array_at_the_end(erg_dtype dtype, int64_t n, const void *array) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)n * size_of(dtype);
    size_t room = (bytes + page - 1) / page * page;
    char *memory =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(memory != MAP_FAILED && mprotect(memory + room, page, PROT_NONE) == 0);
    return memcpy(memory + room - bytes, array, bytes);
}

static void array_at_the_end_free(erg_dtype dtype, int64_t n, void *array) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)n * size_of(dtype);
    size_t room = (bytes + page - 1) / page * page;
    munmap((char *)array + bytes - room, room + page);
}

/* One product in a few calls that end anywhere; the gaps between rows of A are NaN, and what lies
 * around the results stays as it was. */
typedef struct products {
    erg_dtype dtype;
    int transposed;
    int64_t n, k, lda, size;
    void *a, *x[MOST];
} products;

static products products_new(erg_dtype dtype, int transposed, const int64_t *size, int64_t gap) {
    products p = {.dtype = dtype, .transposed = transposed, .n = size[0], .k = size[1]};
    int64_t rows = transposed ? p.k : p.n, columns = transposed ? p.n : p.k;
    p.lda = columns + gap;
    p.size = rows * p.lda;
    void *a = array_random(dtype, p.size, 1, 1);
    for (int64_t i = 0; i < p.size; i++)
        if (i % p.lda >= columns)
            set(dtype, a, i, NAN);
    p.a = array_at_the_end(dtype, p.size, a);
    free(a);
    for (int i = 0; i < MOST; i++)
        p.x[i] = array_random(dtype, p.k, (uint64_t)i + 2, 1);
    return p;
}

static void products_free(products *p) {
    array_at_the_end_free(p->dtype, p->size, p->a);
    for (int i = 0; i < MOST; i++)
        free(p->x[i]);
}

/* Elements first .. last of products `from` and `count` more from there. */
static void multiply(const erg_kernels *kernels, const products *p, int from, int count,
                     int64_t first, int64_t last, void *const *y) {
    const void *x[MOST];
    void *to[MOST];
    for (int i = 0; i < count; i++) {
        x[i] = p->x[from + i];
        to[i] = y[from + i];
    }
    kernels->gemv[p->dtype](p->transposed, count, first, last, p->k, p->a, p->lda, x, to);
}

static double element(const products *p, int i, int64_t j) {
    double sum = 0;
    for (int64_t k = 0; k < p->k; k++)
        sum += get(p->dtype, p->x[i], k) *
               get(p->dtype, p->a, p->transposed ? k * p->lda + j : j * p->lda + k);
    return sum;
}

static void check(const erg_kernels *kernels, const products *p) {
    double tolerance = epsilon_of(p->dtype) * ((double)p->k + 2);
    void *whole[MOST], *pieces[MOST];
    for (int i = 0; i < MOST; i++) {
        whole[i] = array_random(p->dtype, p->n + 1, 9, 1);
        pieces[i] = array_copy(p->dtype, p->n + 1, whole[i]);
    }
    double behind = get(p->dtype, whole[0], p->n);
    multiply(kernels, p, 0, MOST, 0, p->n, whole);
    for (int64_t length = 1; length <= p->n + 7; length += length < 20 ? 1 : 37) {
        for (int64_t first = 0; first < p->n; first += length)
            for (int i = 0, count; i < MOST; i += count) {
                count = 1 + (int)(first + length) % (MOST - i);
                multiply(kernels, p, i, count, first, first + length < p->n ? first + length : p->n,
                         pieces);
            }
        for (int i = 0; i < MOST; i++)
            ck_assert_mem_eq(pieces[i], whole[i], (size_t)(p->n + 1) * size_of(p->dtype));
    }
    for (int i = 0; i < MOST; i++) {
        for (int64_t j = 0; j < p->n; j++)
            ck_assert_double_eq_tol(get(p->dtype, whole[i], j), element(p, i, j), tolerance);
        ck_assert(get(p->dtype, whole[i], p->n) == behind);
        free(whole[i]);
        free(pieces[i]);
    }
}

START_TEST(the_kernel_agrees_with_loops) {
    const erg_kernels *sets[8];
    int count = erg_kernels_all(sets, 8);
    for (int set = 0; set < count; set++)
        for (int way = 0; way < 8; way++) {
            products p =
                products_new(way & 1 ? F64 : F32, way >> 1 & 1, sizes[_i], way & 4 ? 3 : 0);
            check(sets[set], &p);
            products_free(&p);
        }
}
END_TEST

/* ------------------------------------------------------------------------------- the plan */

/* Steps that are products of single rows. */
static int product_steps(const erg_plan *plan) {
    int steps = 0;
    for (int i = 0; i < plan->n_steps; i++)
        steps += plan->steps[i].node->op == ERG_OP_matvec;
    return steps;
}

/* With one thread and with more, whose steps are ordered in another way. */
static void check_plan(erg_node *const *outputs, int count, int products, int steps) {
    const int before = erg_threads();
    for (int threads = 1; threads <= 3; threads += 2) {
        erg_set_threads(threads);
        erg_plan *plan = compile_with("verify", outputs, count);
        erg_plan *apart = compile_with("verify,no-chains", outputs, count);
        ck_assert_int_eq(computed(plan, ERG_OP_matvec), products);
        ck_assert_int_eq(product_steps(plan), steps);
        ck_assert_int_eq(product_steps(apart), products);
        for (int run = 0; run < 2; run++) {
            erg_run(plan);
            erg_run(apart);
            for (int k = 0; k < count; k++)
                ck_assert(distance(erg_output(plan, k), erg_output(apart, k)) == 0);
        }
        assert_agrees(plan, outputs, count);
        erg_plan_free(plan);
        erg_plan_free(apart);
    }
    erg_set_threads(before);
}

/* Either way round, stored as a row or as a column, and with a single column. */
START_TEST(a_row_times_a_matrix) {
    static const int64_t widths[] = {1, 2, 33, 200};
    int64_t n = widths[_i % 4], k = 70;
    bool column = _i / 4 % 2, transposed = _i / 8;
    erg_node *x = input("x", column ? ERG_SHAPE(k, 1) : ERG_SHAPE(1, k));
    erg_node *w = param("w", transposed ? ERG_SHAPE(n, k) : ERG_SHAPE(k, n));
    erg_node *y = erg_matmul_transposed(x, column, w, transposed);
    int expected = transposed || n == 1 || n >= 16; /* a few columns are short rows */
    check_plan(&y, 1, expected, expected);
}
END_TEST

/* Three rows and one matrix, two of another orientation, one of another matrix. */
START_TEST(products_with_one_matrix_are_one_step) {
    erg_node *w = param("w", ERG_SHAPE(40, 40)), *u = param("u", ERG_SHAPE(40, 40)), *y[6];
    for (int i = 0; i < 6; i++) {
        char name[] = {'x', (char)('0' + i), 0};
        erg_node *x = erg_tanh(erg_mul_scalar(input(name, ERG_SHAPE(1, 40)), 1 + i));
        y[i] = erg_matmul_transposed(x, 0, i == 5 ? u : w, i >= 3 && i < 5);
    }
    check_plan(y, 6, 6, 3);
}
END_TEST

/* x W, (x W) W and so on need each other; what is between them makes no difference. */
START_TEST(products_that_need_each_other_are_apart) {
    erg_node *w = param("w", ERG_SHAPE(40, 40)), *x = input("x", ERG_SHAPE(1, 40)), *y[4];
    for (int i = 0; i < 4; i++)
        y[i] = x = erg_matmul(i % 2 ? erg_tanh(x) : erg_mul_scalar(x, 2), w);
    check_plan(y, 4, 4, 4);
}
END_TEST

/* A network of two layers and its derivatives: the directional derivative goes along with the values. */
START_TEST(forward_mode_shares_the_weights) {
    erg_node *w = param("w", ERG_SHAPE(40, 40)), *u = param("u", ERG_SHAPE(40, 40));
    erg_node *x = input("x", ERG_SHAPE(1, 40)), *v = input("v", ERG_SHAPE(1, 40));
    erg_node *y = erg_matmul(erg_tanh(erg_matmul(x, w)), u), *outputs[] = {y, erg_jvp(y, x, v)};
    check_plan(outputs, 2, 4, 2);
}
END_TEST

/* More than one step can hold. */
START_TEST(many_products) {
    enum { MANY = 60 };
    erg_node *w = param("w", ERG_SHAPE(40, 40)), *x = input("x", ERG_SHAPE(1, 40)), *y[MANY];
    for (int i = 0; i < MANY; i++)
        y[i] = erg_matmul(erg_mul_scalar(erg_add_scalar(x, 0.1 * i), 1), w);
    check_plan(y, MANY, MANY, 2);
}
END_TEST

/* Small matrices, whose rows and results would take as much room. */
START_TEST(narrow_products_stay_apart) {
    erg_node *w = param("w", ERG_SHAPE(4, 100)), *y[2];
    y[0] = erg_matmul(input("x", ERG_SHAPE(1, 4)), w);
    y[1] = erg_matmul(input("z", ERG_SHAPE(1, 4)), w);
    check_plan(y, 2, 2, 2);
}
END_TEST

/* a <- b W, b <- a W: neither is written before both are read. */
START_TEST(leaves_change_places) {
    erg_node *w = param("w", ERG_SHAPE(40, 40)), *a = input("a", ERG_SHAPE(1, 40));
    erg_node *b = input("b", ERG_SHAPE(1, 40)), *y[2];
    for (int i = 0; i < 2; i++)
        y[i] = erg_matmul_transposed(i ? a : b, 0, w, _i);
    erg_plan *reference = compile_with("reference", y, 2);
    erg_node *both = erg_group((erg_node *[]){erg_assign(a, y[0]), erg_assign(b, y[1])}, 2);
    erg_plan *plan = compile_with("verify", &both, 1);
    ck_assert_int_eq(product_steps(plan), 1);
    erg_run(reference);
    erg_run(plan);
    ck_assert_double_le(distance(erg_value(a), erg_output(reference, 0)), 1e-13);
    ck_assert_double_le(distance(erg_value(b), erg_output(reference, 1)), 1e-13);
    erg_plan_free(plan);
    erg_plan_free(reference);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("matvec");
    TCase *kernel = tcase_create("kernel"), *plan = tcase_create("plan");
    tcase_set_timeout(kernel, 60);
    tcase_add_loop_test(kernel, the_kernel_agrees_with_loops, 0, COUNT(sizes));
    tcase_add_checked_fixture(plan, setup, teardown);
    tcase_add_loop_test(plan, a_row_times_a_matrix, 0, 16);
    tcase_add_test(plan, products_with_one_matrix_are_one_step);
    tcase_add_test(plan, products_that_need_each_other_are_apart);
    tcase_add_test(plan, forward_mode_shares_the_weights);
    tcase_add_test(plan, many_products);
    tcase_add_test(plan, narrow_products_stay_apart);
    tcase_add_loop_test(plan, leaves_change_places, 0, 2);
    suite_add_tcase(suite, kernel);
    suite_add_tcase(suite, plan);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

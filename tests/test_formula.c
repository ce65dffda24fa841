/* test_formula.c: formulas in machine code give the bits of the kernels: for each operation, wherever
 * an element stands, however operands are read, in place, with every register in use. */
#include <check.h>

#include "../tensor/formula.h"
#include "arrays.h"

static const erg_kernels *sets[4];
static int set_count;

/* The sets that code is written for, and both types: test number i is one pair. */
#define EACH (2 * set_count)
#define KERNELS sets[_i / 2]
#define DTYPE ((erg_dtype)(_i % 2))

static const int64_t lengths[] = {1, 2, 7, 8, 15, 16, 17, 33, 64, 100, 515};
enum { LENGTHS = sizeof lengths / sizeof lengths[0], LONGEST = 515 };

/* Numbers where operations differ: all pairs of them are among the elements. */
static const double special[] = {0, -0.0, 1, -1, 2.5, -3, 1e-310, 1e300, INFINITY, -INFINITY, NAN};
enum { SPECIAL = sizeof special / sizeof special[0] };

static void *operand_new(erg_dtype dtype, int64_t n, int which) {
    void *x = array_random(dtype, n, (uint64_t)which + 1, 4);
    for (int64_t i = 0; i < n && i < SPECIAL * SPECIAL; i++)
        set(dtype, x, i, special[(which ? i / SPECIAL : i) % SPECIAL]);
    return x;
}

static int read_array(erg_formula *f, erg_x86_read read, int array) {
    f->lines[f->n_lines] = (erg_formula_line){.kind = ERG_FORMULA_READ, .read = read, .a = array};
    return f->n_lines++;
}

static int vector(erg_formula *f, erg_x86_op op, int a, int b) {
    f->lines[f->n_lines] = (erg_formula_line){.kind = ERG_FORMULA_VECTOR, .op = op, .a = a, .b = b};
    return f->n_lines++;
}

static void store(erg_formula *f, int line, int array) {
    f->stores[f->n_stores].line = line;
    f->stores[f->n_stores++].array = array;
}

/* One formula, compiled and ready. */
typedef struct ready {
    erg_code_pages pages;
    erg_formula_code code;
} ready;

static ready compile(const erg_formula *formula, const erg_kernels *kernels) {
    ready r;
    ck_assert(erg_code_pages_open(&r.pages, kernels, 8192));
    ck_assert(erg_formula_compile(formula, kernels, &r.pages, &r.code));
    ck_assert(erg_code_pages_seal(&r.pages));
    return r;
}

/* All bits but a NaN's payload. */
static void assert_same(erg_dtype dtype, const void *a, const void *b, int64_t n,
                        const char *what) {
    for (int64_t i = 0; i < n; i++)
        if (!same(get(dtype, a, i), get(dtype, b, i)))
            ck_abort_msg("%s: [%d] of %d is %.17g, not %.17g", what, (int)i, (int)n,
                         get(dtype, a, i), get(dtype, b, i));
}

/* ------------------------------------------------------------------------------- operations */

static const struct {
    const char *name;
    erg_x86_op op;
    erg_binary kernel;
} operations[] = {
    {"add", ERG_X86_ADD, ERG_BINARY_add},
    {"sub", ERG_X86_SUB, ERG_BINARY_sub},
    {"mul", ERG_X86_MUL, ERG_BINARY_mul},
    {"div", ERG_X86_DIV, ERG_BINARY_div},
};

START_TEST(operations_are_those_of_kernels) {
    for (size_t k = 0; k < sizeof operations / sizeof *operations; k++)
        for (int l = 0; l < LENGTHS; l++) {
            int64_t n = lengths[l];
            void *a = operand_new(DTYPE, n, 0), *b = operand_new(DTYPE, n, 1);
            void *y = array_new(DTYPE, n), *want = array_new(DTYPE, n);
            erg_formula f = {.dtype = DTYPE};
            int left = read_array(&f, ERG_X86_ARRAY, 0), right = read_array(&f, ERG_X86_ARRAY, 1);
            store(&f, vector(&f, operations[k].op, left, right), 2);
            ready r = compile(&f, KERNELS);
            erg_formula_run(&r.code, 0, n, (void *[]){a, b, y});
            KERNELS->binary[DTYPE][operations[k].kernel](n, a, 1, b, 1, want);
            assert_same(DTYPE, y, want, n, operations[k].name);
            erg_formula_run(&r.code, 0, n, (void *[]){a, b, a}); /* over an operand */
            assert_same(DTYPE, a, want, n, operations[k].name);
            erg_code_pages_free(&r.pages);
            free(a);
            free(b);
            free(y);
            free(want);
        }
}
END_TEST

START_TEST(square_roots) {
    void *x = operand_new(DTYPE, LONGEST, 0), *y = array_new(DTYPE, LONGEST);
    void *want = array_new(DTYPE, LONGEST);
    erg_formula f = {.dtype = DTYPE};
    store(&f, vector(&f, ERG_X86_SQRT, 0, read_array(&f, ERG_X86_ARRAY, 0)), 1);
    ready r = compile(&f, KERNELS);
    erg_formula_run(&r.code, 0, LONGEST, (void *[]){x, y});
    KERNELS->unary[DTYPE][ERG_UNARY_sqrt](LONGEST, x, want);
    assert_same(DTYPE, y, want, LONGEST, "sqrt");
    erg_code_pages_free(&r.pages);
    free(x);
    free(y);
    free(want);
}
END_TEST

static double choice(erg_x86_predicate p, double a, double b, double yes, double no) {
    switch (p) {
    case ERG_X86_EQUAL:
        return a == b ? yes : no;
    case ERG_X86_UNORDERED:
        return isnan(a) || isnan(b) ? yes : no;
    case ERG_X86_NOT_EQUAL:
        return a != b ? yes : no;
    case ERG_X86_LESS:
        return a < b ? yes : no;
    default:
        return a <= b ? yes : no;
    }
}

START_TEST(selections) {
    static const erg_x86_predicate all[] = {ERG_X86_EQUAL, ERG_X86_UNORDERED, ERG_X86_NOT_EQUAL,
                                            ERG_X86_LESS, ERG_X86_LESS_EQUAL};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        void *a = operand_new(DTYPE, LONGEST, 0), *b = operand_new(DTYPE, LONGEST, 1);
        void *c = array_random(DTYPE, LONGEST, 7, 1), *y = array_new(DTYPE, LONGEST);
        erg_formula f = {.dtype = DTYPE};
        int lines[3];
        for (int i = 0; i < 3; i++)
            lines[i] = read_array(&f, ERG_X86_ARRAY, i);
        f.lines[f.n_lines++] = (erg_formula_line){.kind = ERG_FORMULA_SELECT,
                                                  .predicate = all[k],
                                                  .a = lines[0],
                                                  .b = lines[1],
                                                  .yes = lines[2],
                                                  .no = lines[0]};
        store(&f, f.n_lines - 1, 3);
        ready r = compile(&f, KERNELS);
        erg_formula_run(&r.code, 0, LONGEST, (void *[]){a, b, c, y});
        for (int64_t i = 0; i < LONGEST; i++) {
            double want = choice(all[k], get(DTYPE, a, i), get(DTYPE, b, i), get(DTYPE, c, i),
                                 get(DTYPE, a, i));
            ck_assert_msg(same(get(DTYPE, y, i), want), "predicate %d at %d", (int)all[k], (int)i);
        }
        erg_code_pages_free(&r.pages);
        free(a);
        free(b);
        free(c);
        free(y);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- reading */

/* (x - row) number[row] + c, with rows of three vectors, from any element to any other. */
START_TEST(rows_are_read_where_they_are) {
    enum { ROWS = 5 };
    int64_t row = 3 * erg_formula_lanes(KERNELS, DTYPE), n = ROWS * row;
    void *x = array_random(DTYPE, n, 1, 2), *line = array_random(DTYPE, row, 2, 2);
    void *numbers = array_random(DTYPE, ROWS, 3, 2), *c = array_random(DTYPE, 1, 4, 2);
    erg_formula f = {.dtype = DTYPE, .row = row};
    int a = read_array(&f, ERG_X86_ARRAY, 0), b = read_array(&f, ERG_X86_ROW, 1);
    int d = read_array(&f, ERG_X86_ROW_NUMBER, 2), e = read_array(&f, ERG_X86_NUMBER, 3);
    store(&f, vector(&f, ERG_X86_ADD, vector(&f, ERG_X86_MUL, vector(&f, ERG_X86_SUB, a, b), d), e),
          4);
    ready r = compile(&f, KERNELS);
    for (int64_t begin = 0; begin < n; begin += 7)
        for (int64_t end = begin + 1; end <= n; end += 13) {
            void *y = array_new(DTYPE, end - begin);
            char *from = (char *)x + (size_t)begin * size_of(DTYPE);
            erg_formula_run(&r.code, begin, end - begin, (void *[]){from, line, numbers, c, y});
            for (int64_t i = begin; i < end; i++) {
                double want = get(DTYPE, x, i) - get(DTYPE, line, i % row);
                want = DTYPE == ERG_FLOAT32 ? (float)want : want;
                want *= get(DTYPE, numbers, i / row);
                want = DTYPE == ERG_FLOAT32 ? (float)want : want;
                want += get(DTYPE, c, 0);
                want = DTYPE == ERG_FLOAT32 ? (float)want : want;
                ck_assert_msg(get(DTYPE, y, i - begin) == want, "element %d of %d .. %d", (int)i,
                              (int)begin, (int)end);
            }
            free(y);
        }
    erg_code_pages_free(&r.pages);
    free(x);
    free(line);
    free(numbers);
    free(c);
}
END_TEST

/* ------------------------------------------------------------------------------- registers */

/* x_0 + (x_1 + (x_2 + ...)): all are read before the first sum. */
static erg_formula deep_sum(erg_dtype dtype, int terms) {
    erg_formula f = {.dtype = dtype};
    for (int i = 0; i < terms; i++)
        read_array(&f, ERG_X86_ARRAY, i);
    int sum = terms - 1;
    for (int i = terms - 2; i >= 0; i--)
        sum = vector(&f, ERG_X86_ADD, i, sum);
    store(&f, sum, terms);
    return f;
}

/* As many values at a time as there are registers: each of them is encoded in each place. */
START_TEST(all_registers_are_used_and_no_more) {
    int registers = KERNELS->machine_code == ERG_CODE_AVX512 ? 32 : 16;
    void *at[40];
    for (int i = 0; i <= registers; i++)
        at[i] = array_random(DTYPE, LONGEST, (uint64_t)i, 1);
    erg_formula fits = deep_sum(DTYPE, registers), more = deep_sum(DTYPE, registers + 1);
    ready r = compile(&fits, KERNELS);
    erg_formula_run(&r.code, 0, LONGEST, at);
    void *want = array_copy(DTYPE, LONGEST, at[registers - 1]);
    for (int k = registers - 2; k >= 0; k--)
        KERNELS->binary[DTYPE][ERG_BINARY_add](LONGEST, at[k], 1, want, 1, want);
    assert_same(DTYPE, at[registers], want, LONGEST, "sum");
    erg_code_pages_free(&r.pages);
    erg_formula_code code;
    ck_assert(erg_code_pages_open(&r.pages, KERNELS, 8192));
    ck_assert(!erg_formula_compile(&more, KERNELS, &r.pages, &code));
    ck_assert_ptr_eq(r.pages.at, r.pages.begin);
    erg_code_pages_free(&r.pages);
    for (int i = 0; i <= registers; i++)
        free(at[i]);
    free(want);
}
END_TEST

/* x_0 + ... + x_4 + n_0 + n_1 + ...: numbers are read before the loop, as many as there are registers
 * for; and more arrays than the caller's registers have to be kept for. */
START_TEST(numbers_stay_in_registers) {
    enum { ARRAYS = 5, ALL = 80 };
    int registers = KERNELS->machine_code == ERG_CODE_AVX512 ? 32 : 16;
    const int counts[] = {1, registers - 2, registers - 1, registers, 2 * registers + 3};
    void *at[ALL];
    for (int i = 0; i < ALL; i++)
        at[i] = array_random(DTYPE, i <= ARRAYS ? LONGEST : 1, (uint64_t)i, 1);
    void *want = array_copy(DTYPE, LONGEST, at[1]);
    for (int k = 2; k <= ARRAYS; k++)
        KERNELS->binary[DTYPE][ERG_BINARY_add](LONGEST, want, 1, at[k], 1, want);
    for (int i = 0, done = 0; i < 5; i++) {
        erg_formula f = {.dtype = DTYPE};
        int sum = read_array(&f, ERG_X86_ARRAY, 1);
        for (int k = 2; k <= ARRAYS + counts[i]; k++)
            sum = vector(&f, ERG_X86_ADD, sum,
                         read_array(&f, k <= ARRAYS ? ERG_X86_ARRAY : ERG_X86_NUMBER, k));
        store(&f, sum, 0);
        ready r = compile(&f, KERNELS);
        erg_formula_run(&r.code, 0, LONGEST, at);
        for (; done < counts[i]; done++)
            KERNELS->binary[DTYPE][ERG_BINARY_add](LONGEST, want, 1, at[ARRAYS + 1 + done], 0,
                                                   want);
        assert_same(DTYPE, at[0], want, LONGEST, "sum");
        erg_code_pages_free(&r.pages);
    }
    for (int i = 0; i < ALL; i++)
        free(at[i]);
    free(want);
}
END_TEST

START_TEST(too_few_bytes) {
    erg_formula f = deep_sum(DTYPE, 3);
    erg_formula_code code;
    ready r;
    ck_assert(erg_code_pages_open(&r.pages, KERNELS, 1));
    r.pages.end = r.pages.begin + 20;
    ck_assert(!erg_formula_compile(&f, KERNELS, &r.pages, &code));
    erg_code_pages_free(&r.pages);
}
END_TEST

/* Without code nothing is compiled, and nothing has to be freed. */
START_TEST(portable_kernels_have_no_code) {
    erg_code_pages pages;
    erg_formula f = deep_sum(ERG_FLOAT32, 2);
    erg_formula_code code;
    ck_assert(!erg_code_pages_open(&pages, &erg_kernels_portable, 100));
    ck_assert(!erg_formula_compile(&f, &erg_kernels_portable, &pages, &code));
    ck_assert(erg_code_pages_seal(&pages));
    erg_code_pages_free(&pages);
    ck_assert_int_eq(erg_formula_lanes(&erg_kernels_portable, ERG_FLOAT32), 0);
}
END_TEST

int main(void) {
    const erg_kernels *all[8];
    int count = erg_kernels_all(all, 8);
    for (int i = 0; i < count; i++)
        if (all[i]->machine_code)
            sets[set_count++] = all[i];
    Suite *suite = suite_create("formula");
    TCase *tests = tcase_create("formulas");
    tcase_add_loop_test(tests, operations_are_those_of_kernels, 0, EACH);
    tcase_add_loop_test(tests, square_roots, 0, EACH);
    tcase_add_loop_test(tests, selections, 0, EACH);
    tcase_add_loop_test(tests, rows_are_read_where_they_are, 0, EACH);
    tcase_add_loop_test(tests, all_registers_are_used_and_no_more, 0, EACH);
    tcase_add_loop_test(tests, numbers_stay_in_registers, 0, EACH);
    tcase_add_loop_test(tests, too_few_bytes, 0, EACH);
    tcase_add_test(tests, portable_kernels_have_no_code);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

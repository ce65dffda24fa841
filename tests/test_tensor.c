/* test_tensor.c: errors, shapes, tensors, printing, special functions. */
#include <check.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tensor/special.h"
#include "../tensor/tensor.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define TWO_32 ((int64_t)1 << 32)

/* ------------------------------------------------------------------------------- errors */

START_TEST(version_has_three_numbers) {
    int major, minor, patch;
    ck_assert_int_eq(sscanf(erg_version(), "%d.%d.%d", &major, &minor, &patch), 3);
}
END_TEST

START_TEST(message_is_kept_until_the_next) {
    ck_assert_str_eq(erg_error_message(), "");
    ck_assert_int_eq(erg_error_status(), ERG_OK);
    ck_assert_int_eq(erg_fail(ERG_ERROR_IO, "read: %d bytes", 3), ERG_ERROR_IO);
    ck_assert_str_eq(erg_error_message(), "read: 3 bytes");
    erg_fail(ERG_ERROR_FORMAT, "load: %s", erg_error_message());
    ck_assert_str_eq(erg_error_message(), "load: read: 3 bytes");
    ck_assert_int_eq(erg_error_status(), ERG_ERROR_FORMAT);
}
END_TEST

static void *fail_in_a_thread(void *unused) {
    (void)unused;
    erg_fail(ERG_ERROR_IO, "other thread");
    return NULL;
}

START_TEST(message_belongs_to_its_thread) {
    pthread_t thread;
    erg_fail(ERG_ERROR_IO, "this thread");
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_in_a_thread, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(erg_error_message(), "this thread");
}
END_TEST

START_TEST(long_message_is_cut) {
    char text[5000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    erg_fail(ERG_ERROR_ARGUMENT, "%s", text);
    size_t length = strlen(erg_error_message());
    ck_assert_uint_gt(length, 200);
    ck_assert_uint_lt(length, 5000);
}
END_TEST

/* ------------------------------------------------------------------------------- shapes */

static const struct {
    erg_dtype dtype;
    size_t size;
    const char *name;
} dtypes[] = {
    {ERG_FLOAT32, 4, "float32"},
    {ERG_FLOAT64, 8, "float64"},
    {ERG_INT32, 4, "int32"},
    {(erg_dtype)3, 0, "?"},
};

START_TEST(dtype_has_size_and_name) {
    ck_assert_uint_eq(erg_dtype_size(dtypes[_i].dtype), dtypes[_i].size);
    ck_assert_str_eq(erg_dtype_name(dtypes[_i].dtype), dtypes[_i].name);
}
END_TEST

static const struct {
    erg_shape shape;
    int64_t size;
    const char *text;
} shapes[] = {
    {{0, {0}}, 1, "()"},
    {{1, {3}}, 3, "(3)"},
    {{2, {2, 3}}, 6, "(2, 3)"},
    {{2, {0, 7}}, 0, "(0, 7)"},
    {{8, {1, 2, 1, 2, 1, 2, 1, 3}}, 24, "(1, 2, 1, 2, 1, 2, 1, 3)"},
    {{2, {TWO_32, TWO_32}}, -1, "(4294967296, 4294967296)"},
    {{3, {TWO_32, TWO_32, 0}}, -1, "(4294967296, 4294967296, 0)"},
    {{3, {0, TWO_32, TWO_32}}, -1, "(0, 4294967296, 4294967296)"},
    {{1, {INT64_MAX}}, -1, "(9223372036854775807)"},
    {{2, {(int64_t)1 << 30, ((int64_t)1 << 30) - 1}},
     ((int64_t)1 << 60) - ((int64_t)1 << 30),
     "(1073741824, 1073741823)"},
    {{-1, {0}}, -1, "(invalid)"},
    {{9, {0}}, -1, "(invalid)"},
    {{2, {2, -1}}, -1, "(invalid)"},
};

START_TEST(shape_has_size_and_text) {
    char text[ERG_SHAPE_TEXT];
    ck_assert_int_eq(erg_shape_size(shapes[_i].shape), shapes[_i].size);
    ck_assert_str_eq(erg_shape_text(shapes[_i].shape, text), shapes[_i].text);
}
END_TEST

START_TEST(longest_shape_text_fits) {
    int64_t dims[ERG_MAX_DIMS];
    for (int i = 0; i < ERG_MAX_DIMS; i++) {
        dims[i] = INT64_MAX;
    }
    char text[ERG_SHAPE_TEXT];
    erg_shape_text(erg_shape_make(ERG_MAX_DIMS, dims), text);
    ck_assert_str_eq(text + strlen(text) - 4, "807)");
}
END_TEST

START_TEST(shape_make_refuses_mistakes) {
    const int64_t dims[ERG_MAX_DIMS + 1] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    ck_assert_int_eq(erg_shape_make(ERG_MAX_DIMS, dims).ndim, ERG_MAX_DIMS);
    ck_assert_int_eq(erg_shape_make(ERG_MAX_DIMS + 1, dims).ndim, -1);
    ck_assert_int_eq(erg_shape_make(-1, dims).ndim, -1);
    ck_assert_int_eq(erg_shape_make(1, NULL).ndim, -1);
    ck_assert_int_eq(ERG_SHAPE(2, -3).ndim, -1);
    ck_assert_int_eq(ERG_SHAPE(2, 3).dims[2], 0);
    ck_assert_int_eq(ERG_SCALAR.ndim, 0);
}
END_TEST

START_TEST(shapes_are_equal_if_all_sizes_are) {
    ck_assert(erg_shape_equal(ERG_SHAPE(2, 3), ERG_SHAPE(2, 3)));
    ck_assert(erg_shape_equal(ERG_SCALAR, ERG_SCALAR));
    ck_assert(!erg_shape_equal(ERG_SHAPE(2, 3), ERG_SHAPE(3, 2)));
    ck_assert(!erg_shape_equal(ERG_SHAPE(2), ERG_SHAPE(2, 1)));
    ck_assert(!erg_shape_equal(ERG_SHAPE(-1), ERG_SHAPE(-1)));
}
END_TEST

/* ------------------------------------------------------------------------------- tensors */

static const struct {
    erg_dtype dtype;
    erg_shape shape;
} refused[] = {
    {ERG_FLOAT32, {-1, {0}}},           {ERG_FLOAT32, {9, {0}}},
    {ERG_FLOAT64, {1, {-1}}},           {ERG_FLOAT64, {2, {TWO_32, TWO_32}}},
    {ERG_INT32, {3, {TWO_32, TWO_32}}}, {(erg_dtype)7, {1, {2}}},
};

START_TEST(tensor_new_refuses_mistakes) {
    erg_fail(ERG_ERROR_ARGUMENT, "old");
    ck_assert_ptr_null(erg_tensor_new(refused[_i].dtype, refused[_i].shape));
    ck_assert_int_eq(strncmp(erg_error_message(), "tensor_new: ", 12), 0);
    ck_assert_ptr_null(erg_tensor_from(refused[_i].dtype, refused[_i].shape, "data"));
}
END_TEST

START_TEST(tensor_new_reports_short_memory) {
    ck_assert_ptr_null(erg_tensor_new(ERG_FLOAT64, ERG_SHAPE((int64_t)1 << 58)));
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "no memory for float64"));
}
END_TEST

static const erg_shape new_shapes[] = {
    {0, {0}}, {1, {0}}, {2, {0, 5}}, {1, {1}}, {2, {3, 5}}, {1, {4097}},
};

START_TEST(new_tensor_is_zero_and_aligned) {
    for (int t = ERG_FLOAT32; t <= ERG_INT32; t++) {
        erg_tensor *tensor = erg_tensor_new((erg_dtype)t, new_shapes[_i]);
        ck_assert_ptr_nonnull(tensor);
        ck_assert_int_eq(tensor->dtype, t);
        ck_assert(erg_shape_equal(tensor->shape, new_shapes[_i]));
        ck_assert_ptr_nonnull(tensor->data);
        ck_assert_uint_eq((uintptr_t)tensor->data % 64, 0);
        int64_t size = erg_tensor_size(tensor);
        ck_assert_int_eq(size, erg_shape_size(new_shapes[_i]));
        for (int64_t i = 0; i < size; i++) {
            ck_assert_double_eq(erg_tensor_get(tensor, i), 0);
        }
        erg_tensor_fill(tensor, 7);
        for (int64_t i = 0; i < size; i++) {
            ck_assert_double_eq(erg_tensor_get(tensor, i), 7);
        }
        erg_tensor_free(tensor);
    }
}
END_TEST

START_TEST(tensor_from_and_clone_copy) {
    float values[] = {1, 2, 3, 4, 5, 6};
    erg_tensor *tensor = erg_tensor_from(ERG_FLOAT32, ERG_SHAPE(2, 3), values);
    erg_tensor *clone = erg_tensor_clone(tensor);
    values[0] = 9;
    erg_tensor_set(tensor, 1, 9);
    ck_assert_double_eq(erg_tensor_get(tensor, 0), 1);
    for (int i = 0; i < 6; i++) {
        ck_assert_double_eq(erg_tensor_get(clone, i), i + 1);
    }
    erg_tensor_free(tensor);
    erg_tensor_free(clone);
    erg_tensor *empty = erg_tensor_from(ERG_FLOAT32, ERG_SHAPE(0), NULL);
    ck_assert_ptr_nonnull(empty);
    erg_tensor_free(empty);
    ck_assert_ptr_null(erg_tensor_from(ERG_FLOAT32, ERG_SHAPE(1), NULL));
    ck_assert_str_eq(erg_error_message(), "tensor_from: no data");
    ck_assert_ptr_null(erg_tensor_clone(NULL));
    erg_tensor_free(NULL);
}
END_TEST

START_TEST(typed_data_needs_the_dtype) {
    for (int t = ERG_FLOAT32; t <= ERG_INT32; t++) {
        erg_tensor *tensor = erg_tensor_new((erg_dtype)t, ERG_SHAPE(2));
        ck_assert_ptr_eq(erg_tensor_f32(tensor), t == ERG_FLOAT32 ? tensor->data : NULL);
        ck_assert_ptr_eq(erg_tensor_f64(tensor), t == ERG_FLOAT64 ? tensor->data : NULL);
        ck_assert_ptr_eq(erg_tensor_i32(tensor), t == ERG_INT32 ? tensor->data : NULL);
        erg_tensor_free(tensor);
    }
    ck_assert_str_eq(erg_error_message(), "tensor: the dtype is int32, not float64");
    ck_assert_ptr_null(erg_tensor_f32(NULL));
    ck_assert_int_eq(erg_tensor_size(NULL), 0);
}
END_TEST

static const struct {
    double value, stored;
} integers[] = {
    {2.4, 2},
    {-2.6, -3},
    {2.5, 2},
    {1e10, INT32_MAX},
    {-1e10, INT32_MIN},
    {INFINITY, INT32_MAX},
    {-INFINITY, INT32_MIN},
    {NAN, 0},
    {INT32_MAX, INT32_MAX},
    {INT32_MIN, INT32_MIN},
};

START_TEST(set_rounds_and_clamps_int32) {
    erg_tensor *tensor = erg_tensor_new(ERG_INT32, ERG_SHAPE(1));
    erg_tensor_set(tensor, 0, 5);
    erg_tensor_set(tensor, 0, integers[_i].value);
    ck_assert_double_eq(erg_tensor_get(tensor, 0), integers[_i].stored);
    erg_tensor_free(tensor);
}
END_TEST

START_TEST(index_out_of_range_is_harmless) {
    const double values[] = {1, 2, 3};
    erg_tensor *tensor = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(3), values);
    const int64_t outside[] = {-1, 3, INT64_MAX, INT64_MIN};
    for (int i = 0; i < COUNT(outside); i++) {
        erg_tensor_set(tensor, outside[i], 9);
        ck_assert_double_nan(erg_tensor_get(tensor, outside[i]));
    }
    ck_assert_mem_eq(tensor->data, values, sizeof(values));
    ck_assert_double_nan(erg_tensor_get(NULL, 0));
    erg_tensor_free(tensor);
}
END_TEST

START_TEST(copy_converts) {
    const double values[] = {1.5, -2, NAN, 0.1};
    const double as_float[] = {1.5, -2, NAN, (double)0.1f};
    const double as_int[] = {2, -2, 0, 0};
    const double *expected[] = {as_float, values, as_int};
    erg_tensor *source = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(4), values);
    for (int t = ERG_FLOAT32; t <= ERG_INT32; t++) {
        erg_tensor *copy = erg_tensor_new((erg_dtype)t, ERG_SHAPE(4));
        ck_assert_int_eq(erg_tensor_copy(copy, source), ERG_OK);
        for (int i = 0; i < 4; i++) {
            double got = erg_tensor_get(copy, i);
            ck_assert(isnan(expected[t][i]) ? isnan(got) : got == expected[t][i]);
        }
        erg_tensor_free(copy);
    }
    erg_tensor *row = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(1, 4));
    ck_assert_int_eq(erg_tensor_copy(row, source), ERG_ERROR_ARGUMENT);
    ck_assert_str_eq(erg_error_message(), "tensor_copy: shapes differ: (1, 4) and (4)");
    ck_assert_int_eq(erg_tensor_copy(NULL, source), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_tensor_copy(row, NULL), ERG_ERROR_ARGUMENT);
    erg_tensor_free(row);
    erg_tensor_free(source);
}
END_TEST

START_TEST(take_rows_gathers) {
    const int32_t values[] = {0, 1, 10, 11, 20, 21};
    const int32_t expected[] = {20, 21, 0, 1, 20, 21, 10, 11};
    erg_tensor *source = erg_tensor_from(ERG_INT32, ERG_SHAPE(3, 2), values);
    erg_tensor *taken = erg_tensor_new(ERG_INT32, ERG_SHAPE(4, 2));
    ck_assert_int_eq(erg_tensor_take_rows(taken, source, (int64_t[]){2, 0, 2, 1}), ERG_OK);
    ck_assert_mem_eq(taken->data, expected, sizeof(expected));

    ck_assert_int_eq(erg_tensor_take_rows(taken, source, (int64_t[]){0, 0, 0, 3}),
                     ERG_ERROR_ARGUMENT);
    ck_assert_str_eq(erg_error_message(), "tensor_take_rows: row 3 is outside 0..2");
    ck_assert_int_eq(erg_tensor_take_rows(taken, source, (int64_t[]){0, -1, 0, 0}),
                     ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_tensor_take_rows(taken, source, NULL), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_tensor_take_rows(source, source, (int64_t[]){0, 1, 2}),
                     ERG_ERROR_ARGUMENT);
    ck_assert_mem_eq(taken->data, expected, sizeof(expected));
    erg_tensor_free(taken);
    erg_tensor_free(source);
}
END_TEST

static const struct {
    erg_dtype dtype;
    erg_shape dst, src;
    erg_status status;
} row_shapes[] = {
    {ERG_FLOAT32, {2, {0, 2}}, {2, {3, 2}}, ERG_OK},
    {ERG_FLOAT32, {2, {1, 0}}, {2, {3, 0}}, ERG_OK},
    {ERG_FLOAT32, {1, {1}}, {1, {3}}, ERG_OK},
    {ERG_FLOAT32, {2, {1, 3}}, {2, {3, 2}}, ERG_ERROR_ARGUMENT},
    {ERG_FLOAT32, {1, {1}}, {2, {3, 1}}, ERG_ERROR_ARGUMENT},
    {ERG_FLOAT32, {0, {0}}, {0, {0}}, ERG_ERROR_ARGUMENT},
    {ERG_FLOAT64, {1, {1}}, {1, {3}}, ERG_ERROR_ARGUMENT},
    {ERG_FLOAT32, {1, {1}}, {1, {0}}, ERG_ERROR_ARGUMENT},
};

START_TEST(take_rows_checks_shapes) {
    erg_tensor *dst = erg_tensor_new(row_shapes[_i].dtype, row_shapes[_i].dst);
    erg_tensor *src = erg_tensor_new(ERG_FLOAT32, row_shapes[_i].src);
    ck_assert_int_eq(erg_tensor_take_rows(dst, src, (int64_t[]){0}), row_shapes[_i].status);
    erg_tensor_free(dst);
    erg_tensor_free(src);
}
END_TEST

START_TEST(all_finite_sees_every_element) {
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int t = ERG_FLOAT32; t <= ERG_FLOAT64; t++) {
        erg_tensor *tensor = erg_tensor_new((erg_dtype)t, ERG_SHAPE(37));
        ck_assert_int_eq(erg_tensor_all_finite(tensor), 1);
        for (int i = 0; i < 37; i++) {
            erg_tensor_set(tensor, i, bad[i % 3]);
            ck_assert_int_eq(erg_tensor_all_finite(tensor), 0);
            erg_tensor_set(tensor, i, 0);
        }
        erg_tensor_free(tensor);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- printing */

static const struct {
    erg_dtype dtype;
    erg_shape shape;
    double values[8];
    const char *text;
} prints[] = {
    {ERG_FLOAT32, {2, {2, 2}}, {1, 2.5, -3, 0}, "[[ 1.   2.5]\n [-3.   0. ]]\n"},
    {ERG_FLOAT64, {0, {0}}, {-1.5}, "-1.5\n"},
    {ERG_INT32, {0, {0}}, {42}, "42\n"},
    {ERG_FLOAT64, {1, {0}}, {0}, "[]\n"},
    {ERG_FLOAT64, {2, {2, 0}}, {0}, "[]\n"},
    {ERG_FLOAT64, {4, {1, 1, 1, 1}}, {3}, "[[[[3.]]]]\n"},
    {ERG_INT32, {2, {2, 2}}, {1, -20, 300, 4}, "[[  1 -20]\n [300   4]]\n"},
    {ERG_INT32, {1, {2}}, {INT32_MIN, INT32_MAX}, "[-2147483648  2147483647]\n"},
    {ERG_INT32, {3, {2, 1, 2}}, {1, 2, 3, 4}, "[[[1 2]]\n\n [[3 4]]]\n"},
    {ERG_FLOAT64, {1, {4}}, {NAN, -INFINITY, INFINITY, -0.0}, "[ nan -inf  inf  -0.]\n"},
    {ERG_FLOAT64, {1, {2}}, {NAN, 1.25}, "[ nan 1.25]\n"},
    {ERG_FLOAT64, {1, {3}}, {0.1, 0.2, 0.3}, "[0.1 0.2 0.3]\n"},
    {ERG_FLOAT32, {1, {3}}, {0.1, 0.3, 1 / 3.0}, "[0.1        0.3        0.33333334]\n"},
    {ERG_FLOAT64, {1, {2}}, {2 / 3.0, 1}, "[0.66666667 1.        ]\n"},
    {ERG_FLOAT64, {1, {1}}, {99999999}, "[99999999.]\n"},
    {ERG_FLOAT64, {1, {1}}, {1e8}, "[1.e+08]\n"},
    {ERG_FLOAT64, {1, {1}}, {1e-4}, "[0.0001]\n"},
    {ERG_FLOAT64, {1, {1}}, {9e-5}, "[9.e-05]\n"},
    {ERG_FLOAT64, {1, {3}}, {0, 1, 1000}, "[   0.    1. 1000.]\n"},
    {ERG_FLOAT64, {1, {2}}, {1, 1001}, "[1.000e+00 1.001e+03]\n"},
    {ERG_FLOAT64, {1, {3}}, {1e-5, 1e100, NAN}, "[1.e-005 1.e+100     nan]\n"},
    {ERG_FLOAT64, {1, {2}}, {-5e-324, 0}, "[-5.e-324  0.e+000]\n"},
    {ERG_FLOAT32, {1, {1}}, {16777216}, "[16777216.]\n"},
};

static void assert_prints(const erg_tensor *tensor, const char *expected) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    ck_assert_int_eq(erg_tensor_print(tensor, stream), ERG_OK);
    fclose(stream);
    ck_assert_str_eq(text, expected);
    free(text);
}

/* In every locale at hand: some write the decimal point as a comma. */
START_TEST(printed_text_is_numpys) {
    const char *locales[] = {"C", "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    erg_tensor *tensor = erg_tensor_new(prints[_i].dtype, prints[_i].shape);
    for (int64_t i = 0; i < erg_tensor_size(tensor); i++) {
        erg_tensor_set(tensor, i, prints[_i].values[i]);
    }
    for (int i = 0; i < COUNT(locales); i++) {
        if (setlocale(LC_ALL, locales[i]) != NULL) {
            assert_prints(tensor, prints[_i].text);
        }
    }
    setlocale(LC_ALL, "C");
    erg_tensor_free(tensor);
}
END_TEST

static const struct {
    erg_dtype dtype;
    erg_shape shape;
    double step;
    const char *text;
} long_prints[] = {
    {ERG_INT32, {1, {1001}}, 1, "[   0    1    2 ...  998  999 1000]\n"},
    {ERG_INT32,
     {2, {501, 2}},
     1,
     "[[   0    1]\n [   2    3]\n [   4    5]\n ...\n"
     " [ 996  997]\n [ 998  999]\n [1000 1001]]\n"},
    {ERG_FLOAT64,
     {1, {32}},
     0.25,
     "[0.   0.25 0.5  0.75 1.   1.25 1.5  1.75 2.   2.25 2.5  2.75 3.   3.25\n"
     " 3.5  3.75 4.   4.25 4.5  4.75 5.   5.25 5.5  5.75 6.   6.25 6.5  6.75\n"
     " 7.   7.25 7.5  7.75]\n"},
};

START_TEST(long_tensors_are_summarised_and_wrapped) {
    erg_tensor *tensor = erg_tensor_new(long_prints[_i].dtype, long_prints[_i].shape);
    for (int64_t i = 0; i < erg_tensor_size(tensor); i++) {
        erg_tensor_set(tensor, i, (double)i * long_prints[_i].step);
    }
    assert_prints(tensor, long_prints[_i].text);
    erg_tensor_free(tensor);
}
END_TEST

START_TEST(print_reports_errors) {
    erg_tensor *tensor = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(2));
    ck_assert_int_eq(erg_tensor_print(NULL, stdout), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_tensor_print(tensor, NULL), ERG_ERROR_ARGUMENT);
    char buffer[4];
    FILE *read_only = fmemopen(buffer, sizeof(buffer), "r");
    ck_assert_int_eq(erg_tensor_print(tensor, read_only), ERG_ERROR_IO);
    fclose(read_only);
    erg_tensor_free(tensor);
}
END_TEST

/* ------------------------------------------------------------------------------- polygamma */

/* Closed forms, or computed with 60 digits. */
static const struct {
    int order;
    double x, value;
} polygammas[] = {
    {0, 1, -0.5772156649015329},   /* minus the Euler-Mascheroni constant */
    {0, 0.5, -1.9635100260214235}, /* -gamma - 2 log 2 */
    {1, 1, 1.6449340668482264},    /* pi^2/6 */
    {1, 0.5, 4.934802200544679},   /* pi^2/2 */
    {2, 1, -2.4041138063191885},   /* -2 zeta(3) */
    {3, 1, 6.493939402266829},     /* pi^4/15 */
    {0, 100, 4.600161852738087},
    {0, 10000000000.0, 23.025850929890456},
    {1, 10000000000.0, 1.00000000005e-10},
    {0, 1e-10, -10000000000.577215},
    {3, 0.001, 6000000000006.469},
    {5, 2.5, 0.5785691785671835},
    {10, 40, -3.9130747998980846e-11},
    {30, 3.5, -3611857616302858.0},
    {100, 2, -3.6810701397980478e+127},
    {0, -0.5, 0.03648997397857652},
    {0, -1.75, -2.322691628614361},
    {1, -0.5, 8.934802200544679},
    {1, -20.25, 19.69102535100871},
    {2, -9.5, -0.00997514424771517},
    {2, -0.25, 122.69736678366236},
    {3, -3.75, 1558.5200920240343},
    {8, -1000.125, 5411658672725.667},
    {25, -2.5, 2.0818793705474857e+33},
    {0, -12345678.25, 19.470409314613764},
};

START_TEST(polygamma_has_known_values) {
    double value = erg_scalar_polygamma(polygammas[_i].order, polygammas[_i].x);
    ck_assert_double_eq_tol(value / polygammas[_i].value, 1, 1e-13);
}
END_TEST

/* psi_n(x + 1) = psi_n(x) + (-1)^n n! / x^(n+1), across every change of method. */
START_TEST(polygamma_satisfies_the_recurrence) {
    for (int order = 0; order <= 12; order++) {
        for (double x = -8.3; x < 40; x += 0.61) {
            double step = pow(-1, order) * tgamma(order + 1) / pow(x, order + 1);
            double here = erg_scalar_polygamma(order, x), next = erg_scalar_polygamma(order, x + 1);
            double scale = fabs(here) + fabs(next) + fabs(step);
            ck_assert_double_eq_tol(here + step, next, 1e-13 * scale);
        }
    }
}
END_TEST

static const struct {
    int order;
    double x, value;
} polygamma_edges[] = {
    {0, 0.0, -INFINITY},
    {0, -0.0, INFINITY},
    {0, -3, NAN},
    {1, 0.0, INFINITY},
    {1, -7, INFINITY},
    {2, 0.0, -INFINITY},
    {2, -1, NAN},
    {0, INFINITY, INFINITY},
    {1, INFINITY, 0},
    {2, INFINITY, 0},
    {0, -INFINITY, NAN},
    {1, -INFINITY, NAN},
    {0, NAN, NAN},
    {-1, 1, NAN},
    {ERG_POLYGAMMA_MAX_ORDER + 1, 1, NAN},
    {100, 1e-3, -INFINITY},
    {3, 1e200, 0},
};

START_TEST(polygamma_has_poles_and_limits) {
    double value = erg_scalar_polygamma(polygamma_edges[_i].order, polygamma_edges[_i].x);
    double expected = polygamma_edges[_i].value;
    ck_assert(isnan(expected) ? isnan(value) : value == expected);
}
END_TEST

#define ADD_LOOP(test, table) tcase_add_loop_test(tests, test, 0, COUNT(table))

static Suite *tensor_suite(void) {
    Suite *suite = suite_create("tensor");
    TCase *tests = tcase_create("errors");
    tcase_add_test(tests, version_has_three_numbers);
    tcase_add_test(tests, message_is_kept_until_the_next);
    tcase_add_test(tests, message_belongs_to_its_thread);
    tcase_add_test(tests, long_message_is_cut);
    suite_add_tcase(suite, tests);

    tests = tcase_create("shapes");
    ADD_LOOP(dtype_has_size_and_name, dtypes);
    ADD_LOOP(shape_has_size_and_text, shapes);
    tcase_add_test(tests, longest_shape_text_fits);
    tcase_add_test(tests, shape_make_refuses_mistakes);
    tcase_add_test(tests, shapes_are_equal_if_all_sizes_are);
    suite_add_tcase(suite, tests);

    tests = tcase_create("tensors");
    ADD_LOOP(tensor_new_refuses_mistakes, refused);
    tcase_add_test(tests, tensor_new_reports_short_memory);
    ADD_LOOP(new_tensor_is_zero_and_aligned, new_shapes);
    tcase_add_test(tests, tensor_from_and_clone_copy);
    tcase_add_test(tests, typed_data_needs_the_dtype);
    ADD_LOOP(set_rounds_and_clamps_int32, integers);
    tcase_add_test(tests, index_out_of_range_is_harmless);
    tcase_add_test(tests, copy_converts);
    tcase_add_test(tests, take_rows_gathers);
    ADD_LOOP(take_rows_checks_shapes, row_shapes);
    tcase_add_test(tests, all_finite_sees_every_element);
    suite_add_tcase(suite, tests);

    tests = tcase_create("printing");
    ADD_LOOP(printed_text_is_numpys, prints);
    ADD_LOOP(long_tensors_are_summarised_and_wrapped, long_prints);
    tcase_add_test(tests, print_reports_errors);
    suite_add_tcase(suite, tests);

    tests = tcase_create("polygamma");
    ADD_LOOP(polygamma_has_known_values, polygammas);
    tcase_add_test(tests, polygamma_satisfies_the_recurrence);
    ADD_LOOP(polygamma_has_poles_and_limits, polygamma_edges);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(tensor_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* test_files.c: .npy and CSV files out and back in, and what is left when writing fails. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tensor/tensor.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ------------------------------------------------------------------------------- a folder */

/* Every test has a folder of its own, the working directory while it runs. */
static char folder[64];
static int home;

static void enter_folder(void) {
    home = open(".", O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(home, 0);
    snprintf(folder, sizeof(folder), "test_files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

/* Calls visit, if given, for every name in the working directory and returns how many there are. */
static int each_entry(int (*visit)(const char *name)) {
    int count = 0;
    DIR *directory = opendir(".");
    ck_assert_ptr_nonnull(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            count++;
            if (visit != NULL) {
                visit(entry->d_name);
            }
        }
    }
    closedir(directory);
    return count;
}

static void leave_folder(void) {
    each_entry(remove);
    ck_assert_int_eq(fchdir(home), 0);
    close(home);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* A file's content with a 0 behind it; the caller frees it. */
static char *content(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = calloc(1, *size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void assert_content(const char *path, const char *wanted) {
    size_t size;
    char *bytes = content(path, &size);
    ck_assert_str_eq(bytes, wanted);
    ck_assert_uint_eq(size, strlen(wanted));
    free(bytes);
}

static void put_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void assert_message(const char *part) {
    ck_assert_msg(strstr(erg_error_message(), part) != NULL, "\"%s\" lacks \"%s\"",
                  erg_error_message(), part);
}

/* ------------------------------------------------------------------------------- npy */

static const struct npy_case {
    erg_dtype dtype;
    erg_shape shape;
    const char *header; /* as numpy.save writes it, without the spaces and the newline */
} npy_cases[] = {
    {ERG_FLOAT32, {0, {0}}, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }"},
    {ERG_FLOAT64, {1, {3}}, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"},
    {ERG_INT32, {2, {2, 3}}, "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }"},
    {ERG_FLOAT32, {2, {0, 5}}, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 5), }"},
    {ERG_FLOAT64,
     {8, {1, 2, 1, 2, 1, 2, 1, 11}},
     "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2, 1, 2, 1, 2, 1, 11), }"},
    {ERG_INT32,
     {8, {0, 10, 1000, 1000, 1000, 1000, 1000, 100}},
     "{'descr': '<i4', 'fortran_order': False, "
     "'shape': (0, 10, 1000, 1000, 1000, 1000, 1000, 100), }"},
};

/* A tensor whose bytes are all different patterns, NaNs among them. */
static erg_tensor *patterned(erg_dtype dtype, erg_shape shape) {
    erg_tensor *tensor = erg_tensor_new(dtype, shape);
    ck_assert_ptr_nonnull(tensor);
    size_t size = (size_t)erg_tensor_size(tensor) * erg_dtype_size(dtype);
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)tensor->data)[i] = (uint8_t)(255 - 37 * i);
    }
    return tensor;
}

static void assert_same(const erg_tensor *a, const erg_tensor *b) {
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(a->dtype, b->dtype);
    ck_assert(erg_shape_equal(a->shape, b->shape));
    size_t size = (size_t)erg_tensor_size(a) * erg_dtype_size(a->dtype);
    ck_assert(memcmp(a->data, b->data, size) == 0);
}

START_TEST(npy_as_numpy_writes_it) {
    const struct npy_case *c = &npy_cases[_i];
    erg_tensor *tensor = patterned(c->dtype, c->shape);
    ck_assert_int_eq(erg_npy_write("a.npy", tensor), ERG_OK);

    char header[129];
    snprintf(header, sizeof(header), "%-117s\n", c->header);
    size_t size, data = (size_t)erg_tensor_size(tensor) * erg_dtype_size(c->dtype);
    char *bytes = content("a.npy", &size);
    ck_assert_uint_eq(size, 128 + data);
    ck_assert_mem_eq(bytes, "\x93NUMPY\x01\x00\x76\x00", 10);
    ck_assert_mem_eq(bytes + 10, header, 118);
    ck_assert(memcmp(bytes + 128, tensor->data, data) == 0);
    free(bytes);

    erg_tensor *back = erg_npy_read("a.npy");
    assert_same(back, tensor);
    erg_tensor_free(back);
    erg_tensor_free(tensor);
}
END_TEST

/* One integer of every kind, at the ends of its range. */
static const struct integer_case {
    const char *descr;
    uint8_t size, bytes[8];
    int valid;
    int32_t value;
} integer_cases[] = {
    {"|i1", 1, {0xff}, 1, -1},
    {"|i1", 1, {0x80}, 1, -128},
    {"|u1", 1, {0xff}, 1, 255},
    {"|b1", 1, {2}, 1, 1},
    {"<i2", 2, {0xfe, 0xff}, 1, -2},
    {">i2", 2, {0x80, 0x00}, 1, -32768},
    {">u2", 2, {0xff, 0xfe}, 1, 65534},
    {"<i4", 4, {0, 0, 0, 0x80}, 1, INT32_MIN},
    {">i4", 4, {0xff, 0xff, 0xff, 0xf0}, 1, -16},
    {"<i8", 8, {0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0xff}, 1, INT32_MIN},
    {">i8", 8, {0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}, 1, INT32_MAX},
    {"<i8", 8, {0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff}, 0, 0},
    {">i8", 8, {0, 0, 0, 0, 0x80, 0, 0, 0}, 0, 0},
};

START_TEST(npy_integers) {
    const struct integer_case *c = &integer_cases[_i];
    char header[65];
    snprintf(header, sizeof(header), "{'descr':'%s','fortran_order':False,'shape':()}", c->descr);
    FILE *file = fopen("a.npy", "wb");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "\x93NUMPY\x01%c\x40%c%-63s\n", 0, 0, header);
    fwrite(c->bytes, 1, c->size, file);
    ck_assert_int_eq(fclose(file), 0);
    erg_tensor *tensor = erg_npy_read("a.npy");
    if (c->valid) {
        ck_assert_msg(tensor != NULL, "%s", erg_error_message());
        ck_assert_int_eq(tensor->dtype, ERG_INT32);
        ck_assert_int_eq(*erg_tensor_i32(tensor), c->value);
    } else {
        ck_assert_ptr_null(tensor);
        assert_message("element 0 is");
    }
    erg_tensor_free(tensor);
}
END_TEST

/* ------------------------------------------------------------------------------- csv */

static void write_row(erg_dtype dtype, int64_t count, const double *values, const char *wanted) {
    erg_tensor *row = erg_tensor_new(dtype, ERG_SHAPE(1, count));
    ck_assert_ptr_nonnull(row);
    for (int64_t i = 0; i < count; i++) {
        erg_tensor_set(row, i, values[i]);
    }
    ck_assert_int_eq(erg_csv_write("a.csv", row, NULL), ERG_OK);
    assert_content("a.csv", wanted);
    erg_tensor_free(row);
}

START_TEST(csv_shortest_digits) {
    const double values[] = {0, -0.0, 1, 0.1, -2.5, 1e9, 1.0 / 3, INFINITY, -INFINITY, NAN};
    write_row(ERG_FLOAT64, COUNT(values), values,
              "0,-0,1,0.1,-2.5,1000000000,0.3333333333333333,inf,-inf,nan\n");
    write_row(ERG_FLOAT32, COUNT(values), values,
              "0,-0,1,0.1,-2.5,1e+09,0.33333334,inf,-inf,nan\n");
    write_row(ERG_FLOAT32, 3, (double[]){0x1.fffffep127, 0x1p-149, 16777216},
              "3.4028235e+38,1.4013e-45,16777216\n");
    write_row(ERG_FLOAT64, 3, (double[]){0x1.fffffffffffffp1023, -0x1p-1022, 0.1 + 0.2},
              "1.7976931348623157e+308,-2.2250738585072014e-308,0.30000000000000004\n");
    write_row(ERG_INT32, 3, (double[]){INT32_MIN, 0, INT32_MAX}, "-2147483648,0,2147483647\n");
}
END_TEST

/* Bit patterns all over the range come back as they were, NaN's apart. */
START_TEST(csv_exact) {
    erg_dtype dtype = _i == 0 ? ERG_FLOAT32 : ERG_FLOAT64;
    erg_tensor *tensor = erg_tensor_new(dtype, ERG_SHAPE(500, 4));
    ck_assert_ptr_nonnull(tensor);
    size_t size = 2000 * erg_dtype_size(dtype);
    uint64_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)tensor->data)[i] = (uint8_t)(state >> 56);
    }
    ck_assert_int_eq(erg_csv_write("a.csv", tensor, "a,b,c,d"), ERG_OK);
    erg_tensor *back = erg_csv_read("a.csv");
    ck_assert_ptr_nonnull(back);
    ck_assert(erg_shape_equal(back->shape, tensor->shape));
    for (int64_t i = 0; i < 2000; i++) {
        double x = erg_tensor_get(tensor, i), y = erg_tensor_get(back, i);
        y = dtype == ERG_FLOAT32 ? (float)y : y;
        ck_assert_msg((isnan(x) && isnan(y)) || (x == y && !signbit(x) == !signbit(y)),
                      "%a came back as %a", x, y);
    }
    erg_tensor_free(back);
    erg_tensor_free(tensor);
}
END_TEST

START_TEST(csv_vector_is_a_column) {
    erg_tensor *vector = erg_tensor_from(ERG_INT32, ERG_SHAPE(3), (int32_t[]){1, 2, 3});
    ck_assert_int_eq(erg_csv_write("a.csv", vector, "count"), ERG_OK);
    assert_content("a.csv", "count\n1\n2\n3\n");
    erg_tensor_free(vector);
}
END_TEST

START_TEST(csv_special_numbers) {
    put_text("a.csv", "nan,-NaN,inf,-Inf\nInfinity,1e999,-1e-999,+0\n");
    erg_tensor *tensor = erg_csv_read("a.csv");
    ck_assert_ptr_nonnull(tensor);
    ck_assert(erg_shape_equal(tensor->shape, ERG_SHAPE(2, 4)));
    const double *x = erg_tensor_f64(tensor);
    ck_assert(isnan(x[0]) && isnan(x[1]));
    ck_assert(x[2] == INFINITY && x[3] == -INFINITY && x[4] == INFINITY && x[5] == INFINITY);
    ck_assert(x[6] == 0 && x[7] == 0);
    erg_tensor_free(tensor);
}
END_TEST

/* Where numbers have a comma, files still have a point, and the caller's locale stays. Machines
 * without such a locale see only the last line. */
START_TEST(csv_any_locale) {
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR"};
    for (int i = 0; i < COUNT(names) && setlocale(LC_ALL, names[i]) == NULL; i++) {
    }
    char before[32], after[32];
    snprintf(before, sizeof(before), "%.1f", 0.5);
    write_row(ERG_FLOAT64, 2, (double[]){0.5, -1.25}, "0.5,-1.25\n");
    erg_tensor *back = erg_csv_read("a.csv");
    snprintf(after, sizeof(after), "%.1f", 0.5);
    setlocale(LC_ALL, "C");
    ck_assert_str_eq(before, after);
    ck_assert_ptr_nonnull(back);
    ck_assert(erg_tensor_get(back, 0) == 0.5 && erg_tensor_get(back, 1) == -1.25);
    erg_tensor_free(back);
}
END_TEST

static const struct csv_refusal {
    erg_shape shape;
    const char *header, *message;
} csv_refusals[] = {
    {{0, {0}}, NULL, "shape () has not 1 or 2 dimensions"},
    {{3, {1, 1, 1}}, NULL, "shape (1, 1, 1) has not 1 or 2 dimensions"},
    {{1, {0}}, NULL, "shape (0) has no row"},
    {{2, {3, 0}}, NULL, "shape (3, 0) has no row"},
    {{1, {2}}, "x\ny", "more than one line"},
    {{1, {2}}, "x\r", "more than one line"},
    {{2, {1, 2}}, " 1, 2 ", "is a row of numbers"},
};

START_TEST(csv_write_refuses) {
    const struct csv_refusal *c = &csv_refusals[_i];
    erg_tensor *tensor = erg_tensor_new(ERG_FLOAT32, c->shape);
    ck_assert_int_eq(erg_csv_write("a.csv", tensor, c->header), ERG_ERROR_ARGUMENT);
    assert_message(c->message);
    ck_assert_int_eq(each_entry(NULL), 0);
    erg_tensor_free(tensor);
}
END_TEST

/* ------------------------------------------------------------------------------- failures */

static erg_tensor *read_npy(const char *path) {
    return erg_npy_read(path);
}
static erg_tensor *read_csv(const char *path) {
    return erg_csv_read(path);
}
static erg_status write_npy(const char *path, const erg_tensor *tensor) {
    return erg_npy_write(path, tensor);
}
static erg_status write_csv(const char *path, const erg_tensor *tensor) {
    return erg_csv_write(path, tensor, NULL);
}
static erg_status write_png(const char *path, const erg_tensor *tensor) {
    return erg_png_write(path, tensor->data, 32, 100, 1);
}

static const struct format {
    const char *name;
    erg_tensor *(*read)(const char *path);
    erg_status (*write)(const char *path, const erg_tensor *tensor);
} formats[] = {
    {"npy", read_npy, write_npy}, {"csv", read_csv, write_csv}, {"png", NULL, write_png}};

static erg_tensor *table(void) {
    erg_tensor *tensor = patterned(ERG_INT32, ERG_SHAPE(100, 8));
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

/* Paths that cannot be written: /proc takes no files, not even the superuser's. */
static const char *const no_file[] = {"missing/a", "file/a",      "sub",       ".",   "..",
                                      "/",         "/proc/a.npy", "new/",      "",    "pipe",
                                      "sub/",      "file/",       "/dev/null", "loop"};

START_TEST(write_fails_with_the_reason) {
    erg_tensor *tensor = table();
    put_text("file", "old");
    ck_assert_int_eq(mkdir("sub", 0777), 0);
    ck_assert_int_eq(mkfifo("pipe", 0666), 0);
    ck_assert_int_eq(symlink("loop", "loop"), 0);
    for (int i = 0; i < COUNT(formats); i++) {
        ck_assert_int_eq(formats[i].write(no_file[_i], tensor), ERG_ERROR_IO);
        assert_message(formats[i].name);
        assert_message(no_file[_i]);
        ck_assert_int_eq(formats[i].write(NULL, tensor), ERG_ERROR_ARGUMENT);
    }
    ck_assert_int_eq(each_entry(NULL), 4);
    assert_content("file", "old");
    erg_tensor_free(tensor);
}
END_TEST

START_TEST(write_needs_a_tensor) {
    ck_assert_int_eq(erg_npy_write("a", NULL), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_csv_write("a", NULL, NULL), ERG_ERROR_ARGUMENT);
}
END_TEST

START_TEST(read_fails_with_the_reason) {
    put_text("file", "old");
    ck_assert_int_eq(mkfifo("pipe", 0666), 0);
    static const char *const paths[][2] = {{"missing", "No such file"},
                                           {".", "not a regular file"},
                                           {"file/a", "Not a directory"},
                                           {"pipe", "not a regular file"},
                                           {"/dev/null", "not a regular file"}};
    for (int i = 0; i < 2; i++) {
        for (int p = 0; p < COUNT(paths); p++) {
            ck_assert_ptr_null(formats[i].read(paths[p][0]));
            assert_message(formats[i].name);
            assert_message(paths[p][1]);
        }
        ck_assert_ptr_null(formats[i].read(NULL));
        assert_message("no path");
    }
}
END_TEST

/* A disk that fills up: the old file stays and nothing is left beside it. */
START_TEST(failed_write_keeps_the_old_file) {
    erg_tensor *tensor = table();
    put_text("file", "old");
    struct rlimit before, tiny;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    tiny = before;
    tiny.rlim_cur = 100;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    erg_status old = formats[_i].write("file", tensor), new = formats[_i].write("new", tensor);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    ck_assert_int_eq(old, ERG_ERROR_IO);
    ck_assert_int_eq(new, ERG_ERROR_IO);
    assert_message(strerror(EFBIG));
    ck_assert_int_eq(each_entry(NULL), 1);
    assert_content("file", "old");
    erg_tensor_free(tensor);
}
END_TEST

/* A new file has the permissions that the umask leaves; one that is replaced keeps its own. */
START_TEST(permissions) {
    erg_tensor *tensor = table();
    mode_t mask = umask(027);
    struct stat info;
    ck_assert_int_eq(formats[_i].write("a", tensor), ERG_OK);
    ck_assert_int_eq(stat("a", &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0640);
    ck_assert_int_eq(chmod("a", 0600), 0);
    ck_assert_int_eq(formats[_i].write("a", tensor), ERG_OK);
    ck_assert_int_eq(stat("a", &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    umask(mask);
    ck_assert_int_eq(each_entry(NULL), 1);
    erg_tensor_free(tensor);
}
END_TEST

START_TEST(links_are_followed) {
    erg_tensor *tensor = table();
    ck_assert_int_eq(mkdir("sub", 0777), 0);
    put_text("sub/file", "old");
    ck_assert_int_eq(symlink("sub/file", "link"), 0);
    ck_assert_int_eq(erg_npy_write("link", tensor), ERG_OK);
    struct stat info;
    ck_assert_int_eq(lstat("link", &info), 0);
    ck_assert(S_ISLNK(info.st_mode));
    erg_tensor *back = erg_npy_read("sub/file");
    assert_same(back, tensor);
    erg_tensor_free(back);
    erg_tensor_free(tensor);
    ck_assert_int_eq(unlink("sub/file"), 0);
    ck_assert_int_eq(each_entry(NULL), 2);
}
END_TEST

/* The temporary's name must fit too, and what a crash left behind must not be in the way. */
START_TEST(any_name_and_stale_temporaries) {
    erg_tensor *tensor = table();
    char longest[256], stale[64];
    memset(longest, 'x', 255);
    longest[255] = '\0';
    snprintf(stale, sizeof(stale), ".erg-%ld-0.tmp", (long)getpid());
    put_text(stale, "stale");
    ck_assert_int_eq(erg_npy_write(longest, tensor), ERG_OK);
    erg_tensor *back = erg_npy_read(longest);
    assert_same(back, tensor);
    assert_content(stale, "stale");
    ck_assert_int_eq(each_entry(NULL), 2);
    erg_tensor_free(back);
    erg_tensor_free(tensor);
}
END_TEST

/* ------------------------------------------------------------------------------- main */

int main(void) {
    Suite *suite = suite_create("files");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, enter_folder, leave_folder);
    tcase_add_loop_test(tests, npy_as_numpy_writes_it, 0, COUNT(npy_cases));
    tcase_add_loop_test(tests, npy_integers, 0, COUNT(integer_cases));
    tcase_add_test(tests, csv_shortest_digits);
    tcase_add_loop_test(tests, csv_exact, 0, 2);
    tcase_add_test(tests, csv_vector_is_a_column);
    tcase_add_test(tests, csv_special_numbers);
    tcase_add_test(tests, csv_any_locale);
    tcase_add_loop_test(tests, csv_write_refuses, 0, COUNT(csv_refusals));
    tcase_add_loop_test(tests, write_fails_with_the_reason, 0, COUNT(no_file));
    tcase_add_test(tests, write_needs_a_tensor);
    tcase_add_test(tests, read_fails_with_the_reason);
    tcase_add_loop_test(tests, failed_write_keeps_the_old_file, 0, COUNT(formats));
    tcase_add_loop_test(tests, permissions, 0, COUNT(formats));
    tcase_add_test(tests, links_are_followed);
    tcase_add_test(tests, any_name_and_stale_temporaries);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

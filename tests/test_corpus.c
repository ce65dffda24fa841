/* test_corpus.c: the readers of files against the corpora of the fuzzers.
 *
 * Every file, every beginning of it and many damaged copies of it are read. A reader returns a
 * tensor or an error, reads nothing outside the file (address sanitizer and valgrind see to that:
 * each copy is a block of exactly its size) and asks for no more memory than the file justifies.
 *
 * Files named good-* hold 0, 1, 2, ... in row-major order; bad-* are refused. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tensor/file.h"

#define MAX_FILES 256
#define MAX_FILE_SIZE 8192

/* ------------------------------------------------------------------------------- memory asked */

/* The program is linked with --wrap, which sends the library's requests through here. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static size_t memory_asked;

void *__wrap_malloc(size_t size) {
    memory_asked += size;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    memory_asked += count * size;
    return __real_calloc(count, size);
}

/* A byte may become an int32, and two characters a float64. */
static size_t memory_allowed(size_t file_size) {
    return 4 * file_size + 1024;
}

/* ------------------------------------------------------------------------------- corpora */

typedef struct format {
    const char *name;
    erg_tensor *(*parse)(const uint8_t *bytes, size_t size, const char *name);
    int complete; /* no beginning of a good file is a good file */
    int least_files;
} format;

static const format formats[] = {
    {"npy", erg_npy_parse, 1, 55},
    {"csv", erg_csv_parse, 0, 25},
};
#define FORMATS ((int)(sizeof(formats) / sizeof(formats[0])))

/* A part of the message that each of these files is refused with. */
static const struct refusal {
    const char *file, *message;
} refusals[] = {
    {"bad-empty-file.npy", "not a .npy file"},
    {"bad-magic.npy", "not a .npy file"},
    {"bad-version-4.npy", "version"},
    {"bad-version-1-1.npy", "version"},
    {"bad-preamble-only.npy", "ends before its header"},
    {"bad-header-length.npy", "ends within its header"},
    {"bad-header-length-4g.npy", "ends within its header"},
    {"bad-header-empty.npy", "not a dictionary"},
    {"bad-not-a-dictionary.npy", "not a dictionary"},
    {"bad-data-short.npy", "8 bytes of data, not the 12 of shape (3)"},
    {"bad-data-trailing.npy", "9 bytes of data, not the 8 of shape (2)"},
    {"bad-shape-huge.npy", "8 bytes of data, not the 4398046511104"},
    {"bad-shape-overflow.npy", "shape is too large"},
    {"bad-shape-overflow-empty.npy", "shape is too large"},
    {"bad-shape-beyond-int64.npy", "not a tuple of sizes"},
    {"bad-shape-nine-dims.npy", "more than 8 dimensions"},
    {"bad-shape-negative.npy", "not a tuple of sizes"},
    {"bad-shape-number.npy", "shape is not a tuple"},
    {"bad-shape-list.npy", "shape is not a tuple"},
    {"bad-shape-no-comma.npy", "not a tuple of sizes"},
    {"bad-dtype-complex.npy", "descr is none of"},
    {"bad-dtype-object.npy", "descr is none of"},
    {"bad-dtype-u4.npy", "descr is none of"},
    {"bad-dtype-no-order.npy", "descr is none of"},
    {"bad-dtype-native-order.npy", "descr is none of"},
    {"bad-dtype-record.npy", "descr is none of"},
    {"bad-int64-value.npy", "element 2 is 2147483648"},
    {"bad-key-twice.npy", "a key twice"},
    {"bad-key-missing.npy", "lacks descr, fortran_order or shape"},
    {"bad-key-unknown.npy", "something other than"},
    {"bad-key-no-value.npy", "a key without a value"},
    {"bad-no-comma.npy", "lacks a comma"},
    {"bad-fortran-number.npy", "not True or False"},
    {"bad-text-after.npy", "text follows"},
    {"bad-empty-file.csv", "no row of numbers"},
    {"bad-only-comments.csv", "no row of numbers"},
    {"bad-only-header.csv", "no row of numbers"},
    {"bad-two-headers.csv", "line 2: field 1 is not a number"},
    {"bad-ragged-short.csv", "line 2: 1 fields, not 2"},
    {"bad-ragged-long.csv", "line 4: 3 fields, not 2"},
    {"bad-word.csv", "line 2: field 2 is not a number"},
    {"bad-empty-field.csv", "line 2: field 2 is not a number"},
    {"bad-hexadecimal.csv", "line 2: field 1 is not a number"},
    {"bad-nan-payload.csv", "line 2: field 1 is not a number"},
    {"bad-decimal-comma.csv", "line 2: field 2 is not a number"},
    {"bad-nul.csv", "line 2: field 1 is not a number"},
    {"bad-two-numbers.csv", "line 2: field 1 is not a number"},
    {"bad-lone-return.csv", "line 2: field 1 is not a number"},
    {"bad-long-field.csv", "line 2: field 1 is not a number"},
};
#define REFUSALS ((int)(sizeof(refusals) / sizeof(refusals[0])))

typedef struct sample {
    char name[256];
    uint8_t bytes[MAX_FILE_SIZE];
    size_t size;
} sample;

static sample samples[MAX_FILES];
static int sample_count;

static void load_sample(const char *folder, const char *name) {
    ck_assert_int_lt(sample_count, MAX_FILES);
    sample *s = &samples[sample_count++];
    char path[1024];
    snprintf(s->name, sizeof(s->name), "%s", name);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    s->size = fread(s->bytes, 1, sizeof(s->bytes), file);
    ck_assert_msg(feof(file), "%s is larger than this test expects", path);
    fclose(file);
}

/* Automake's harness says where the sources are; without it they are here. */
static void load_corpus(const format *f) {
    const char *source = getenv("srcdir");
    char folder[512];
    snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", source != NULL ? source : ".",
             f->name);
    DIR *directory = opendir(folder);
    ck_assert_msg(directory != NULL, "cannot open %s", folder);
    sample_count = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.') {
            load_sample(folder, entry->d_name);
        }
    }
    closedir(directory);
    ck_assert_int_ge(sample_count, f->least_files);
}

static int has_prefix(const sample *s, const char *prefix) {
    return strncmp(s->name, prefix, strlen(prefix)) == 0;
}

/* ------------------------------------------------------------------------------- tests */

/* Reads bytes as a file of the format and checks what any content must keep to. */
static erg_tensor *parse(const format *f, const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    memory_asked = 0;
    erg_tensor *tensor = f->parse(copy, size, "sample");
    ck_assert_uint_le(memory_asked, memory_allowed(size));
    free(copy);
    if (tensor == NULL) {
        ck_assert_ptr_nonnull(strstr(erg_error_message(), "\"sample\": "));
        return NULL;
    }
    /* Shows also that requests are seen at all. */
    size_t held = (size_t)erg_tensor_size(tensor) * erg_dtype_size(tensor->dtype);
    ck_assert_uint_ge(memory_asked, held + 1);
    return tensor;
}

START_TEST(every_file) {
    const format *f = &formats[_i];
    load_corpus(f);
    for (int n = 0; n < sample_count; n++) {
        const sample *s = &samples[n];
        erg_tensor *tensor = parse(f, s->bytes, s->size);
        if (has_prefix(s, "good-")) {
            ck_assert_msg(tensor != NULL, "%s: %s", s->name, erg_error_message());
            for (int64_t i = 0; i < erg_tensor_size(tensor); i++) {
                ck_assert_msg(erg_tensor_get(tensor, i) == (double)i, "%s: element %lld is %g",
                              s->name, (long long)i, erg_tensor_get(tensor, i));
            }
        } else if (has_prefix(s, "bad-")) {
            ck_assert_msg(tensor == NULL, "%s was read", s->name);
        }
        erg_tensor_free(tensor);
    }
}
END_TEST

START_TEST(every_beginning) {
    const format *f = &formats[_i];
    load_corpus(f);
    for (int n = 0; n < sample_count; n++) {
        const sample *s = &samples[n];
        for (size_t size = 0; size < s->size; size++) {
            erg_tensor *tensor = parse(f, s->bytes, size);
            int must_fail = f->complete && has_prefix(s, "good-");
            ck_assert_msg(tensor == NULL || !must_fail, "%zu bytes of %s were read", size, s->name);
            erg_tensor_free(tensor);
        }
    }
}
END_TEST

/* Single bits, all bits, and what makes a digit, a space or a letter of something else. */
START_TEST(every_damaged_byte) {
    static const uint8_t patterns[] = {1, 2, 4, 8, 16, 32, 64, 128, 0xff, 0x0f, 0x1d};
    const format *f = &formats[_i];
    load_corpus(f);
    for (int n = 0; n < sample_count; n++) {
        sample *s = &samples[n];
        for (size_t at = 0; at < s->size && at < 256; at++) {
            for (size_t p = 0; p < sizeof(patterns); p++) {
                s->bytes[at] ^= patterns[p];
                erg_tensor_free(parse(f, s->bytes, s->size));
                s->bytes[at] ^= patterns[p];
            }
        }
    }
}
END_TEST

START_TEST(refused_with_the_reason) {
    const struct refusal *r = &refusals[_i];
    const format *f = strstr(r->file, ".npy") != NULL ? &formats[0] : &formats[1];
    load_corpus(f);
    int found = 0;
    for (int n = 0; n < sample_count; n++) {
        if (strcmp(samples[n].name, r->file) == 0) {
            found = 1;
            ck_assert_ptr_null(parse(f, samples[n].bytes, samples[n].size));
            ck_assert_msg(strstr(erg_error_message(), r->message) != NULL, "%s: %s", r->file,
                          erg_error_message());
        }
    }
    ck_assert_msg(found, "no file %s", r->file);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("corpus");
    TCase *files = tcase_create("files");
    tcase_add_loop_test(files, every_file, 0, FORMATS);
    tcase_add_loop_test(files, every_beginning, 0, FORMATS);
    tcase_add_loop_test(files, every_damaged_byte, 0, FORMATS);
    tcase_add_loop_test(files, refused_with_the_reason, 0, REFUSALS);
    suite_add_tcase(suite, files);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

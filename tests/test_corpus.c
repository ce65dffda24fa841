/* test_corpus.c: the readers of files against the corpora of the fuzzers.
 *
 * Every file, every beginning of it and many damaged copies of it are read. A reader returns a
 * tensor or an error, reads nothing outside the file (address sanitizer and valgrind see to that:
 * each copy is a block of exactly its size) and asks for no more memory than the file justifies.
 *
 * Files named good-* hold 0, 1, 2, ... in row-major order, which goes on from tensor to tensor; bad-*
 * are refused. */
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

/* A byte may become an int32, and two characters a float64. A tensor with a name takes some hundred
 * bytes, its description in a header fifty. Deflate makes at most 1032 bytes of one, which are held
 * twice, the second time as int32; its tables take 128 kB. */
enum { PLAIN = 4, NAMED = 12, PACKED = 5 * 1032 };

static size_t memory_allowed(size_t file_size, int growth) {
    return (size_t)growth * file_size + (growth == PACKED ? 140000 : 1024);
}

/* ------------------------------------------------------------------------------- corpora */

typedef struct format {
    const char *name;
    erg_tensor *(*parse)(const uint8_t *bytes, size_t size, const char *name);
    erg_bundle *(*parse_bundle)(const uint8_t *bytes, size_t size, const char *name);
    int complete; /* no beginning of a good file is a good file */
    int growth;   /* bytes of memory for a byte of the file */
    int least_files;
} format;

static const format formats[] = {
    {"npy", erg_npy_parse, NULL, 1, PLAIN, 55},
    {"csv", erg_csv_parse, NULL, 0, PLAIN, 25},
    {"idx", erg_idx_parse, NULL, 1, PACKED, 48},
    {"safetensors", NULL, erg_safetensors_parse, 1, NAMED, 80},
    {"npz", NULL, erg_npz_parse, 1, PACKED, 43},
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
    {"bad-empty-file.idx", "not an IDX file"},
    {"bad-magic.idx", "not an IDX file"},
    {"bad-type.idx", "the type is none of"},
    {"bad-no-dims.idx", "not 1 to 8 dimensions"},
    {"bad-nine-dims.idx", "not 1 to 8 dimensions"},
    {"bad-header-short.idx", "ends within its header"},
    {"bad-data-short.idx", "does not fit its shape"},
    {"bad-data-trailing.idx", "does not fit its shape"},
    {"bad-shape-huge.idx", "does not fit its shape"},
    {"bad-shape-overflow.idx", "shape is too large"},
    {"bad-gzip-magic-only.idx", "not a .gz file"},
    {"bad-gzip-method.idx", "not a .gz file"},
    {"bad-gzip-flags.idx", "not a .gz file"},
    {"bad-gzip-extra.idx", "not a .gz file"},
    {"bad-gzip-name-open.idx", "not a .gz file"},
    {"bad-gzip-header-crc.idx", "not a .gz file"},
    {"bad-gzip-crc.idx", "the checksum of its content"},
    {"bad-gzip-size.idx", "is too long"},
    {"bad-gzip-bomb.idx", "more than it can hold"},
    {"bad-gzip-two-members.idx", "stands behind"},
    {"bad-gzip-content.idx", "not an IDX file"},
    {"bad-gzip-block-kind.idx", "a block of an unknown kind"},
    {"bad-deflate-distance.idx", "repeat what is not there"},
    {"bad-deflate-distance-30.idx", "a symbol that means nothing"},
    {"bad-deflate-length-286.idx", "a symbol that means nothing"},
    {"bad-deflate-counts.idx", "too many code lengths"},
    {"bad-deflate-oversubscribed.idx", "an impossible code"},
    {"bad-deflate-incomplete.idx", "an impossible code"},
    {"bad-deflate-repeat-first.idx", "a symbol that means nothing"},
    {"bad-deflate-repeat-many.idx", "too many code lengths"},
    {"bad-deflate-no-end.idx", "an impossible code"},
    {"bad-deflate-stored-length.idx", "has no length"},
    {"bad-deflate-stored-long.idx", "is too long"},
    {"bad-deflate-cut.idx", "a symbol that means nothing"},
    {"bad-checksum.safetensors", "the file is damaged"},
    {"bad-checksum-short.safetensors", "not one string of 8 digits"},
    {"bad-checksum-twice.safetensors", "not one string of 8 digits"},
    {"bad-empty-file.safetensors", "ends before its header"},
    {"bad-length-only.safetensors", "ends within its header"},
    {"bad-length-huge.safetensors", "longer than 100 MB"},
    {"bad-length-100mb.safetensors", "longer than 100 MB"},
    {"bad-not-an-object.safetensors", "does not begin with {"},
    {"bad-leading-space.safetensors", "does not begin with {"},
    {"bad-header-empty.safetensors", "does not begin with {"},
    {"bad-text-after.safetensors", "text follows the header"},
    {"bad-trailing-comma.safetensors", "a string is missing"},
    {"bad-no-comma.safetensors", "lacks a comma"},
    {"bad-open.safetensors", "does not end"},
    {"bad-name-twice.safetensors", "tensor \"a\": the name is there twice"},
    {"bad-name-escaped-twice.safetensors", "tensor \"a\": the name is there twice"},
    {"bad-overlap.safetensors", "tensor \"b\": it overlaps"},
    {"bad-same-place.safetensors", "tensor \"b\": it overlaps"},
    {"bad-gap.safetensors", "tensor \"a\": bytes before it"},
    {"bad-gap-inside.safetensors", "tensor \"b\": bytes before it"},
    {"bad-data-short.safetensors", "the data end before or after"},
    {"bad-data-trailing.safetensors", "the data end before or after"},
    {"bad-span.safetensors", "do not span"},
    {"bad-offsets-reversed.safetensors", "the wrong way round"},
    {"bad-offsets-three.safetensors", "are not two sizes"},
    {"bad-offsets-negative.safetensors", "are not two sizes"},
    {"bad-shape-huge.safetensors", "the data end before or after"},
    {"bad-shape-overflow.safetensors", "shape is too large"},
    {"bad-shape-overflow-empty.safetensors", "shape is too large"},
    {"bad-shape-beyond-int64.safetensors", "not a list of at most 8 sizes"},
    {"bad-shape-nine-dims.safetensors", "not a list of at most 8 sizes"},
    {"bad-shape-number.safetensors", "not a list of at most 8 sizes"},
    {"bad-shape-fraction.safetensors", "not a list of at most 8 sizes"},
    {"bad-shape-leading-zero.safetensors", "not a list of at most 8 sizes"},
    {"bad-shape-trailing-comma.safetensors", "not a list of at most 8 sizes"},
    {"bad-dtype-f8.safetensors", "tensor \"a\": dtype is none of"},
    {"bad-dtype-complex.safetensors", "dtype is none of"},
    {"bad-dtype-number.safetensors", "dtype is none of"},
    {"bad-i64-value.safetensors", "element 1 is -2147483649"},
    {"bad-u32-value.safetensors", "element 0 is 4294967295"},
    {"bad-u64-value.safetensors", "element 0 is 18446744073709551615"},
    {"bad-key-missing.safetensors", "are missing"},
    {"bad-key-twice.safetensors", "are there twice"},
    {"bad-key-unknown.safetensors", "something other than"},
    {"bad-key-no-value.safetensors", "a key without a value"},
    {"bad-description-array.safetensors", "is not an object"},
    {"bad-description-open.safetensors", "does not end"},
    {"bad-name-no-value.safetensors", "tensor \"a\": it has no description"},
    {"bad-name-number.safetensors", "a string is missing"},
    {"bad-name-open.safetensors", "a string does not end"},
    {"bad-name-control.safetensors", "a control character"},
    {"bad-name-zero.safetensors", "a backslash that means nothing"},
    {"bad-name-not-utf8.safetensors", "not UTF-8"},
    {"bad-name-overlong.safetensors", "not UTF-8"},
    {"bad-name-surrogate.safetensors", "not UTF-8"},
    {"bad-escape.safetensors", "a backslash that means nothing"},
    {"bad-escape-lone-high.safetensors", "a backslash that means nothing"},
    {"bad-escape-lone-low.safetensors", "a backslash that means nothing"},
    {"bad-escape-two-high.safetensors", "a backslash that means nothing"},
    {"bad-metadata-twice.safetensors", "__metadata__ is there twice"},
    {"bad-metadata-key-twice.safetensors", "holds a key twice"},
    {"bad-metadata-number.safetensors", "a string is missing"},
    {"bad-metadata-array.safetensors", "__metadata__ is not an object"},
    {"bad-metadata-open.safetensors", "__metadata__ does not end"},
    {"bad-empty-file.npz", "not a zip archive"},
    {"bad-not-a-zip.npz", "does not end as a zip archive"},
    {"bad-comment.npz", "does not end as a zip archive"},
    {"bad-trailing.npz", "does not end as a zip archive"},
    {"bad-no-suffix.npz", "does not end in .npy"},
    {"bad-short-name.npz", "does not end in .npy"},
    {"bad-name-twice.npz", "tensor \"a\": the name is there twice"},
    {"bad-bzip2.npz", "a method other than deflate"},
    {"bad-not-an-array.npz", "tensor \"a\": not a .npy file"},
    {"bad-object.npz", "tensor \"a\": descr is none of"},
    {"bad-crc.npz", "tensor \"a\": the file is damaged"},
    {"bad-encrypted.npz", "is encrypted"},
    {"bad-local-name.npz", "disagree"},
    {"bad-local-method.npz", "disagree"},
    {"bad-local-signature.npz", "disagree"},
    {"bad-entry-signature.npz", "directory is damaged"},
    {"bad-two-sizes.npz", "has two sizes"},
    {"bad-too-long.npz", "reaches into the directory"},
    {"bad-overlap.npz", "members overlap"},
    {"bad-offset-far.npz", "members overlap"},
    {"bad-zip64-member.npz", "zip64"},
    {"bad-zip64.npz", "zip64"},
    {"bad-disks.npz", "not where its end says"},
    {"bad-count-less.npz", "stands behind the archive"},
    {"bad-count-more.npz", "directory is damaged"},
    {"bad-directory-offset.npz", "not where its end says"},
    {"bad-name-not-utf8.npz", "not UTF-8"},
    {"bad-name-no-flag.npz", "neither ASCII nor UTF-8"},
    {"bad-bomb.npz", "more than it can hold"},
    {"bad-unpacks-to-more.npz", "more than was announced"},
    {"bad-unpacks-to-less.npz", "less than was announced"},
    {"bad-deflate.npz", "tensor \"a\": "},
    {"bad-behind-deflate.npz", "stands behind the packed data"},
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

/* What a file holds: a tensor, or several with names, seen as one sequence of elements. */
typedef struct content {
    erg_tensor *tensor;
    erg_bundle *bundle;
    int count;
} content;

static int is_read(const content *c) {
    return c->tensor != NULL || c->bundle != NULL;
}

static const erg_tensor *tensor_at(const content *c, int k) {
    return c->bundle != NULL ? erg_bundle_tensor(c->bundle, k) : c->tensor;
}

static void forget(content c) {
    erg_tensor_free(c.tensor);
    erg_bundle_free(c.bundle);
}

/* Reads bytes as a file of the format and checks what any content must keep to. */
static content parse(const format *f, const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    memory_asked = 0;
    content c = {0};
    if (f->parse != NULL) {
        c.tensor = f->parse(copy, size, "sample");
        c.count = c.tensor != NULL;
    } else {
        c.bundle = f->parse_bundle(copy, size, "sample");
        c.count = erg_bundle_count(c.bundle);
    }
    ck_assert_uint_le(memory_asked, memory_allowed(size, f->growth));
    free(copy);
    if (!is_read(&c)) {
        ck_assert_ptr_nonnull(strstr(erg_error_message(), "\"sample\": "));
        return c;
    }
    /* Shows also that requests are seen at all. */
    size_t held = 0;
    for (int k = 0; k < c.count; k++) {
        const erg_tensor *tensor = tensor_at(&c, k);
        held += (size_t)erg_tensor_size(tensor) * erg_dtype_size(tensor->dtype);
    }
    ck_assert_uint_ge(memory_asked, held + 1);
    return c;
}

/* 0, 1, 2, ... through all tensors. */
static void assert_counts_up(const content *c, const char *name) {
    double wanted = 0;
    for (int k = 0; k < c->count; k++) {
        const erg_tensor *tensor = tensor_at(c, k);
        for (int64_t i = 0; i < erg_tensor_size(tensor); i++, wanted++) {
            if (erg_tensor_get(tensor, i) != wanted) {
                ck_abort_msg("%s: tensor %d, element %lld is %g", name, k, (long long)i,
                             erg_tensor_get(tensor, i));
            }
        }
    }
}

START_TEST(every_file) {
    const format *f = &formats[_i];
    load_corpus(f);
    for (int n = 0; n < sample_count; n++) {
        const sample *s = &samples[n];
        content c = parse(f, s->bytes, s->size);
        if (has_prefix(s, "good-")) {
            ck_assert_msg(is_read(&c), "%s: %s", s->name, erg_error_message());
            assert_counts_up(&c, s->name);
        } else if (has_prefix(s, "bad-")) {
            ck_assert_msg(!is_read(&c), "%s was read", s->name);
        }
        forget(c);
    }
}
END_TEST

START_TEST(every_beginning) {
    const format *f = &formats[_i];
    load_corpus(f);
    for (int n = 0; n < sample_count; n++) {
        const sample *s = &samples[n];
        for (size_t size = 0; size < s->size; size++) {
            content c = parse(f, s->bytes, size);
            int must_fail = f->complete && has_prefix(s, "good-");
            ck_assert_msg(!is_read(&c) || !must_fail, "%zu bytes of %s were read", size, s->name);
            forget(c);
        }
    }
}
END_TEST

/* Headers stand at the beginning, but for zip's, at the end. */
#define HEADERS 256

/* Single bits, all bits, and what makes a digit, a space or a letter of something else. */
START_TEST(every_damaged_byte) {
    static const uint8_t patterns[] = {1, 2, 4, 8, 16, 32, 64, 128, 0xff, 0x0f, 0x1d};
    const format *f = &formats[_i];
    load_corpus(f);
    for (int n = 0; n < sample_count; n++) {
        sample *s = &samples[n];
        for (size_t at = 0; at < s->size; at++) {
            if (at == HEADERS && s->size > 2 * HEADERS) {
                at = s->size - HEADERS;
            }
            for (size_t p = 0; p < sizeof(patterns); p++) {
                s->bytes[at] ^= patterns[p];
                forget(parse(f, s->bytes, s->size));
                s->bytes[at] ^= patterns[p];
            }
        }
    }
}
END_TEST

START_TEST(refused_with_the_reason) {
    const struct refusal *r = &refusals[_i];
    const format *f = formats;
    while (strcmp(strchr(r->file, '.') + 1, f->name) != 0) {
        f++;
    }
    load_corpus(f);
    int found = 0;
    for (int n = 0; n < sample_count; n++) {
        if (strcmp(samples[n].name, r->file) == 0) {
            found = 1;
            content c = parse(f, samples[n].bytes, samples[n].size);
            ck_assert(!is_read(&c));
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

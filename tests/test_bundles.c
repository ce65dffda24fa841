/* test_bundles.c: named tensors, and the files that hold them. The expected bytes were read by NumPy
 * and by tests/goldens/state_dict.py, a reader of its own. */
#include <math.h>

#include "../tensor/file.h"
#include "faults.h"

#define FAILS(text, call)                                                                          \
    do {                                                                                           \
        ck_assert_msg((call) < 0, "did not fail: %s", #call);                                      \
        ck_assert_msg(strstr(erg_error_message(), text) != NULL, "%s: \"%s\" lacks \"%s\"", #call, \
                      erg_error_message(), text);                                                  \
    } while (0)

static erg_tensor *counting(erg_dtype dtype, erg_shape shape) {
    erg_tensor *tensor = erg_tensor_new(dtype, shape);
    ck_assert_ptr_nonnull(tensor);
    for (int64_t i = 0; i < erg_tensor_size(tensor); i++) {
        erg_tensor_set(tensor, i, (double)(i + 1));
    }
    return tensor;
}

static void add_new(erg_bundle *bundle, const char *name, erg_tensor *tensor) {
    ck_assert_msg(erg_bundle_add(bundle, name, tensor) == ERG_OK, "%s", erg_error_message());
    erg_tensor_free(tensor);
}

/* ------------------------------------------------------------------------------- bundles */

START_TEST(names_are_found) {
    enum { MANY = 5000 };
    erg_bundle *bundle = erg_bundle_new();
    char name[32];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "layer.%d", i);
        ck_assert_ptr_null(erg_bundle_find(bundle, name));
        add_new(bundle, name, counting(ERG_INT32, ERG_SHAPE(i % 3)));
    }
    ck_assert_int_eq(erg_bundle_count(bundle), MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "layer.%d", i);
        const erg_tensor *found = erg_bundle_find(bundle, name);
        if (found == NULL || found != erg_bundle_tensor(bundle, i) ||
            found->shape.dims[0] != i % 3 || strcmp(erg_bundle_name(bundle, i), name) != 0) {
            ck_abort_msg("%s is not at its place", name);
        }
    }
    ck_assert_ptr_null(erg_bundle_find(bundle, "layer."));
    ck_assert_ptr_null(erg_bundle_tensor(bundle, MANY));
    ck_assert_ptr_null(erg_bundle_name(bundle, -1));
    erg_bundle_free(bundle);
}
END_TEST

START_TEST(tensors_are_copied) {
    erg_bundle *bundle = erg_bundle_new();
    erg_tensor *tensor = counting(ERG_FLOAT64, ERG_SHAPE(2));
    ck_assert_int_eq(erg_bundle_add(bundle, "", tensor), ERG_OK);
    erg_tensor_fill(tensor, 9);
    ck_assert(erg_tensor_get(erg_bundle_find(bundle, ""), 1) == 2);
    erg_tensor_free(tensor);
    erg_bundle_free(bundle);
}
END_TEST

START_TEST(mistakes_are_refused) {
    erg_bundle *bundle = erg_bundle_new();
    erg_tensor *one = counting(ERG_FLOAT32, ERG_SCALAR);
    ck_assert_int_eq(erg_bundle_add(bundle, "a", one), ERG_OK);
    ck_assert_int_eq(erg_bundle_add_text(bundle, "a", "text"), ERG_OK);
    FAILS("bundle_add: \"a\" is there already", erg_bundle_add(bundle, "a", one));
    FAILS("no bundle", erg_bundle_add(NULL, "b", one));
    FAILS("no name", erg_bundle_add(bundle, NULL, one));
    FAILS("no tensor for \"b\"", erg_bundle_add(bundle, "b", NULL));
    FAILS("not UTF-8", erg_bundle_add(bundle, "\xff", one));
    FAILS("\"a\" is there already", erg_bundle_add_text(bundle, "a", "other"));
    FAILS("no bundle", erg_bundle_add_text(NULL, "b", "text"));
    FAILS("no text for \"b\"", erg_bundle_add_text(bundle, "b", NULL));
    FAILS("a text that is not UTF-8", erg_bundle_add_text(bundle, "b", "\xc3"));
    FAILS("no counts", erg_bundle_add_counts(bundle, "b", NULL, 1));
    FAILS("tensor_new", erg_bundle_add_counts(bundle, "b", (uint64_t[]){1}, -1));
    ck_assert_int_eq(erg_bundle_count(bundle), 1);
    ck_assert_str_eq(erg_bundle_text(bundle, "a"), "text");
    ck_assert_ptr_null(erg_bundle_text(bundle, "b"));
    ck_assert_ptr_null(erg_bundle_text(NULL, "a"));
    ck_assert_ptr_null(erg_bundle_find(NULL, "a"));
    ck_assert_ptr_null(erg_bundle_find(bundle, NULL));
    ck_assert_int_eq(erg_bundle_count(NULL), 0);
    ck_assert_int_eq(erg_bundle_verified(bundle), 0);
    erg_bundle_free(NULL);
    erg_tensor_free(one);
    erg_bundle_free(bundle);
}
END_TEST

START_TEST(counts_keep_64_bits) {
    const uint64_t counts[] = {
        0, 1, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX, 1234567890123456789};
    uint64_t back[COUNT(counts)];
    erg_bundle *bundle = erg_bundle_new();
    ck_assert_int_eq(erg_bundle_add_counts(bundle, "c", counts, COUNT(counts)), ERG_OK);
    ck_assert_int_eq(erg_bundle_counts(bundle, "c", back, COUNT(counts)), ERG_OK);
    ck_assert_mem_eq(back, counts, sizeof(counts));
    FAILS("no 5 counts \"c\"", erg_bundle_counts(bundle, "c", back, 5));
    FAILS("no 6 counts \"d\"", erg_bundle_counts(bundle, "d", back, 6));
    add_new(bundle, "f", counting(ERG_FLOAT32, ERG_SHAPE(1, 2)));
    FAILS("no 1 counts \"f\"", erg_bundle_counts(bundle, "f", back, 1));
    FAILS("no 1 counts", erg_bundle_counts(NULL, NULL, back, 1));
    erg_bundle_free(bundle);
}
END_TEST

/* ------------------------------------------------------------------------------- files */

/* A file's content; the caller frees it. */
static uint8_t *content(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    uint8_t *bytes = calloc(1, 1 << 16);
    *size = fread(bytes, 1, 1 << 16, file);
    fclose(file);
    return bytes;
}

static void put(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void assert_same(const erg_tensor *a, const erg_tensor *b) {
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(a->dtype, b->dtype);
    ck_assert(erg_shape_equal(a->shape, b->shape));
    ck_assert(memcmp(a->data, b->data, (size_t)erg_tensor_size(a) * erg_dtype_size(a->dtype)) == 0);
}

/* The tensors of the examples, added forwards or backwards. */
static erg_bundle *example(int backwards) {
    static const struct {
        const char *name;
        erg_dtype dtype;
        erg_shape shape;
    } tensors[] = {{"n", ERG_INT32, {0, {0}}},
                   {"layers.0.weight", ERG_FLOAT32, {2, {2, 3}}},
                   {"b\"\\\n\x01\xc3\xa4", ERG_FLOAT64, {1, {1}}},
                   {"layers.0.bias", ERG_FLOAT32, {1, {2}}},
                   {"a", ERG_FLOAT64, {2, {1, 0}}}};
    erg_bundle *bundle = erg_bundle_new();
    for (int i = 0; i < COUNT(tensors); i++) {
        int k = backwards ? COUNT(tensors) - 1 - i : i;
        add_new(bundle, tensors[k].name, counting(tensors[k].dtype, tensors[k].shape));
    }
    return bundle;
}

static void add_texts(erg_bundle *bundle, int backwards) {
    ck_assert_int_eq(erg_bundle_add_text(bundle, backwards ? "format" : "a/\t", "pt"), ERG_OK);
    ck_assert_int_eq(erg_bundle_add_text(bundle, backwards ? "a/\t" : "format", "pt"), ERG_OK);
}

/* Sorted by dtype, the widest first, then by name; 8 bytes, header, elements. */
static const char safetensors_header[] =
    "{\"__metadata__\":{\"a/\\t\":\"pt\",\"format\":\"pt\"},"
    "\"a\":{\"dtype\":\"F64\",\"shape\":[1,0],\"data_offsets\":[0,0]},"
    "\"b\\\"\\\\\\n\\u0001\xc3\xa4\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
    "\"layers.0.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]},"
    "\"layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[16,40]},"
    "\"n\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[40,44]}}";
START_TEST(safetensors_bytes) {
    erg_bundle *bundle = example(_i);
    add_texts(bundle, _i);
    ck_assert_int_eq(erg_safetensors_write("a", bundle, (erg_safetensors_options){0}), ERG_OK);
    size_t size, length = (sizeof(safetensors_header) - 1 + 7) / 8 * 8;
    uint8_t *bytes = content("a", &size);
    ck_assert_uint_eq(size, 8 + length + 44);
    ck_assert_uint_eq(bytes[0] + 256u * bytes[1], length);
    ck_assert_mem_eq(bytes + 8, safetensors_header, sizeof(safetensors_header) - 1);
    for (size_t i = sizeof(safetensors_header) - 1; i < length; i++) {
        ck_assert_int_eq(bytes[8 + i], ' ');
    }
    const double first = 1;
    const float floats[] = {1, 2, 1, 2, 3, 4, 5, 6};
    const int32_t last = 1;
    ck_assert_mem_eq(bytes + 8 + length, &first, 8);
    ck_assert_mem_eq(bytes + 8 + length + 8, floats, 32);
    ck_assert_mem_eq(bytes + 8 + length + 40, &last, 4);
    free(bytes);

    erg_bundle *back = erg_safetensors_read("a");
    ck_assert_msg(back != NULL, "%s", erg_error_message());
    ck_assert_int_eq(erg_bundle_count(back), erg_bundle_count(bundle));
    for (int i = 0; i < erg_bundle_count(bundle); i++) {
        assert_same(erg_bundle_find(back, erg_bundle_name(bundle, i)),
                    erg_bundle_tensor(bundle, i));
    }
    ck_assert_str_eq(erg_bundle_name(back, 4), "n");
    ck_assert_str_eq(erg_bundle_text(back, "a/\t"), "pt");
    ck_assert_int_eq(erg_bundle_verified(back), 0);
    erg_bundle_free(back);
    erg_bundle_free(bundle);
}
END_TEST

/* A bit that flips anywhere is noticed; in the checksum's own name it takes the checksum away. */
START_TEST(safetensors_checksum) {
    erg_bundle *bundle = example(0);
    ck_assert_int_eq(erg_safetensors_write("a", bundle, (erg_safetensors_options){.checksum = 1}),
                     ERG_OK);
    erg_bundle_free(bundle);
    bundle = erg_safetensors_read("a");
    ck_assert_msg(bundle != NULL, "%s", erg_error_message());
    ck_assert_int_eq(erg_bundle_verified(bundle), 1);
    ck_assert_ptr_null(erg_bundle_text(bundle, "erg.crc32"));
    erg_bundle_free(bundle);
    size_t size;
    uint8_t *bytes = content("a", &size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        bundle = erg_safetensors_parse(bytes, size, "a");
        if (erg_bundle_verified(bundle)) {
            ck_abort_msg("bit %zu of byte %zu is not noticed", bit % 8, bit / 8);
        }
        erg_bundle_free(bundle);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(bytes);
}
END_TEST

/* The numbers of both 16-bit kinds: zeros, the least, ones, the greatest, infinities. */
static const struct half_case {
    const char *dtype;
    uint16_t bits;
    double value;
} half_cases[] = {
    {"F16", 0x0000, 0},          {"F16", 0x0001, 0x1p-24},  {"F16", 0x03ff, 0x3ffp-24},
    {"F16", 0x0400, 0x1p-14},    {"F16", 0x3c00, 1},        {"F16", 0xc500, -5},
    {"F16", 0x7bff, 65504},      {"F16", 0x7c00, INFINITY}, {"F16", 0xfc00, -INFINITY},
    {"F16", 0x8000, -0.0},       {"F16", 0x7e00, NAN},      {"BF16", 0x0001, 0x1p-133},
    {"BF16", 0x3f80, 1},         {"BF16", 0xc0a0, -5},      {"BF16", 0x7f7f, 0xffp120},
    {"BF16", 0xff80, -INFINITY}, {"BF16", 0x8000, -0.0},    {"BF16", 0x7fc0, NAN},
};

START_TEST(half_floats) {
    const struct half_case *h = &half_cases[_i];
    uint8_t file[256] = {0};
    int length =
        snprintf((char *)file + 8, 200,
                 "{\"x\":{\"dtype\":\"%s\",\"shape\":[],\"data_offsets\":[0,2]}}", h->dtype);
    file[0] = (uint8_t)length;
    file[8 + length] = (uint8_t)h->bits;
    file[9 + length] = (uint8_t)(h->bits >> 8);
    put("a", file, (size_t)length + 10);
    erg_bundle *bundle = erg_safetensors_read("a");
    ck_assert_msg(bundle != NULL, "%s", erg_error_message());
    const erg_tensor *x = erg_bundle_find(bundle, "x");
    ck_assert_int_eq(x->dtype, ERG_FLOAT32);
    double value = erg_tensor_get(x, 0);
    ck_assert(isnan(h->value) ? isnan(value) : value == h->value);
    ck_assert_int_eq(!signbit(value), !signbit(h->value));
    erg_bundle_free(bundle);
}
END_TEST

/* zip's header and name, NumPy's file, zip's directory and end. */
static const uint8_t npz_before[] =
    "PK\3\4\x14\0\0\x08\0\0\0\0\x21\0\xd0\x72\xda\x91\x84\0\0\0\x84\0\0\0"
    "\5\0\0\0n.npy\x93NUMPY\1\0\x76\0"
    "{'descr': '<i4', 'fortran_order': False, 'shape': (), }";
static const uint8_t npz_after[] =
    "\1\0\0\0PK\1\2\x14\0\x14\0\0\x08\0\0\0\0\x21\0\xd0\x72\xda\x91\x84\0\0\0\x84\0\0\0\5\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0n.npyPK\5\6\0\0\0\0\1\0\1\0\x33\0\0\0\xa7\0\0\0\0\0";

START_TEST(npz_bytes) {
    erg_bundle *bundle = erg_bundle_new();
    add_new(bundle, "n", counting(ERG_INT32, ERG_SCALAR));
    ck_assert_int_eq(erg_npz_write("a", bundle), ERG_OK);
    erg_bundle_free(bundle);
    size_t size, before = sizeof(npz_before) - 1, after = sizeof(npz_after) - 1;
    uint8_t *bytes = content("a", &size);
    ck_assert_uint_eq(size, 30 + 5 + 128 + 4 + 46 + 5 + 22);
    ck_assert_mem_eq(bytes, npz_before, before);
    ck_assert_mem_eq(bytes + size - after, npz_after, after);
    for (size_t i = before; i < size - after - 1; i++) {
        ck_assert_int_eq(bytes[i], ' ');
    }
    ck_assert_int_eq(bytes[size - after - 1], '\n');
    free(bytes);
}
END_TEST

START_TEST(npz_there_and_back) {
    erg_bundle *bundle = example(_i);
    ck_assert_int_eq(erg_npz_write("a", bundle), ERG_OK);
    erg_bundle *back = erg_npz_read("a");
    ck_assert_msg(back != NULL, "%s", erg_error_message());
    ck_assert_int_eq(erg_bundle_count(back), erg_bundle_count(bundle));
    for (int i = 0; i < erg_bundle_count(bundle); i++) {
        ck_assert_str_eq(erg_bundle_name(back, i), erg_bundle_name(bundle, i));
        assert_same(erg_bundle_tensor(back, i), erg_bundle_tensor(bundle, i));
    }
    erg_bundle_free(back);
    erg_bundle_free(bundle);
}
END_TEST

START_TEST(writers_refuse) {
    const erg_safetensors_options plain = {0};
    erg_bundle *bundle = erg_bundle_new();
    FAILS("safetensors_write: no bundle", erg_safetensors_write("a", NULL, plain));
    FAILS("npz_write: no bundle", erg_npz_write("a", NULL));
    FAILS("safetensors_write: no path", erg_safetensors_write(NULL, bundle, plain));
    FAILS("npz_write: no path", erg_npz_write(NULL, bundle));
    ck_assert_int_eq(erg_bundle_add_text(bundle, "t", "text"), ERG_OK);
    FAILS("no place for the text \"t\"", erg_npz_write("a", bundle));
    ck_assert_int_eq(erg_bundle_add_text(bundle, "erg.crc32", "text"), ERG_OK);
    FAILS("no text \"erg.crc32\"", erg_safetensors_write("a", bundle, plain));
    erg_bundle_free(bundle);
    bundle = erg_bundle_new();
    add_new(bundle, "__metadata__", counting(ERG_INT32, ERG_SCALAR));
    FAILS("called \"__metadata__\"", erg_safetensors_write("a", bundle, plain));
    erg_bundle_free(bundle);
    ck_assert_int_eq(remove_files(""), 0);
}
END_TEST

/* What zip's 16 bits cannot count. */
START_TEST(npz_limits) {
    static char name[65536];
    memset(name, 'x', sizeof(name) - 1);
    erg_bundle *bundle = erg_bundle_new();
    add_new(bundle, name, counting(ERG_INT32, ERG_SCALAR));
    FAILS("a name of 65539 bytes is too long", erg_npz_write("a", bundle));
    erg_bundle_free(bundle);
    bundle = erg_bundle_new();
    erg_tensor *one = counting(ERG_INT32, ERG_SCALAR);
    for (int i = 0; i < 65535; i++) {
        snprintf(name, sizeof(name), "%d", i);
        if (erg_bundle_add(bundle, name, one) != ERG_OK) {
            ck_abort_msg("%s", erg_error_message());
        }
    }
    FAILS("more than 4 GB or 65534 arrays need zip64", erg_npz_write("a", bundle));
    ck_assert_int_eq(remove_files(""), 0);
    erg_tensor_free(one);
    erg_bundle_free(bundle);
}
END_TEST

START_TEST(readers_need_a_file) {
    FAILS("safetensors_read: no path", erg_safetensors_read(NULL) == NULL ? -1 : 0);
    FAILS("safetensors_read: cannot open", erg_safetensors_read("missing") == NULL ? -1 : 0);
    FAILS("npz_read: no path", erg_npz_read(NULL) == NULL ? -1 : 0);
    FAILS("npz_read: cannot open", erg_npz_read("missing") == NULL ? -1 : 0);
    FAILS("idx_read: no path", erg_idx_read(NULL) == NULL ? -1 : 0);
    FAILS("idx_read: cannot open", erg_idx_read("missing") == NULL ? -1 : 0);
    put("a", "\0\0\x08\1\0\0\0\2\7\xff", 10);
    erg_tensor *x = erg_idx_read("a");
    ck_assert_msg(x != NULL, "%s", erg_error_message());
    ck_assert_int_eq(x->dtype, ERG_INT32);
    ck_assert(erg_tensor_get(x, 0) == 7 && erg_tensor_get(x, 1) == 255);
    erg_tensor_free(x);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("bundles");
    TCase *tests = tcase_create("bundles");
    tcase_add_checked_fixture(tests, enter_folder, leave_folder);
    tcase_add_test(tests, names_are_found);
    tcase_add_test(tests, tensors_are_copied);
    tcase_add_test(tests, mistakes_are_refused);
    tcase_add_test(tests, counts_keep_64_bits);
    tcase_add_loop_test(tests, safetensors_bytes, 0, 2);
    tcase_add_test(tests, safetensors_checksum);
    tcase_add_loop_test(tests, half_floats, 0, COUNT(half_cases));
    tcase_add_test(tests, npz_bytes);
    tcase_add_loop_test(tests, npz_there_and_back, 0, 2);
    tcase_add_test(tests, writers_refuse);
    tcase_add_test(tests, npz_limits);
    tcase_add_test(tests, readers_need_a_file);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

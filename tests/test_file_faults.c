/* test_file_faults.c: the file system refuses. The k-th request to open, write, sync or rename
 * fails, for every k: once, and for ever from then on; or it is interrupted, or writes a part.
 * Whatever failed, the file holds its old content or the new one, and nothing lies beside it.
 *
 * The program is linked with --wrap for all functions that stand in WRAP. */
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "../nn/nn.h"
#include "faults.h"

static fault files;

/* ------------------------------------------------------------------------------- operations */

static enum { FAIL, INTERRUPT, HALVE } how; /* what a refusal of a file operation looks like */

static bool no_file(void) {
    bool refused = how != HALVE && refuses(&files);
    if (refused)
        errno = how == INTERRUPT ? EINTR : EIO;
    return refused;
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

WRAP(int, open, (const char *path, int flags, ...)) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return how != INTERRUPT && no_file() ? -1 : __real_open(path, flags, mode);
}

WRAP(int, openat, (int at, const char *path, int flags, ...)) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return how != INTERRUPT && no_file() ? -1 : __real_openat(at, path, flags, mode);
}

WRAP(ssize_t, write, (int file, const void *bytes, size_t size)) {
    if (files.at && how == HALVE && size > 1)
        size /= 2;
    return no_file() ? -1 : __real_write(file, bytes, size);
}

WRAP(int, fsync, (int file)) {
    return no_file() ? -1 : __real_fsync(file);
}

WRAP(int, rename, (const char *from, const char *to)) {
    return how != INTERRUPT && no_file() ? -1 : __real_rename(from, to);
}

WRAP(int, renameat, (int at, const char *from, int to_at, const char *to)) {
    return how != INTERRUPT && no_file() ? -1 : __real_renameat(at, from, to_at, to);
}

/* ------------------------------------------------------------------------------- files */

static erg_status write_npy(const erg_tensor *tensor) {
    return erg_npy_write("file", tensor);
}
static erg_status write_csv(const erg_tensor *tensor) {
    return erg_csv_write("file", tensor, NULL);
}
static erg_status write_png(const erg_tensor *tensor) {
    return erg_png_write("file", tensor->data, 10, 10, 4);
}

static erg_status write_bundle(const erg_tensor *tensor, int npz) {
    erg_bundle *bundle = erg_bundle_new();
    ck_assert_int_eq(erg_bundle_add(bundle, "a", tensor), ERG_OK);
    ck_assert_int_eq(erg_bundle_add(bundle, "b", tensor), ERG_OK);
    erg_status status = npz ? erg_npz_write("file", bundle)
                            : erg_safetensors_write("file", bundle, (erg_safetensors_options){0});
    erg_bundle_free(bundle);
    return status;
}
static erg_status write_safetensors(const erg_tensor *tensor) {
    return write_bundle(tensor, 0);
}
static erg_status write_npz(const erg_tensor *tensor) {
    return write_bundle(tensor, 1);
}
static erg_status write_checkpoint(const erg_tensor *tensor) {
    erg_graph *graph = erg_graph_new(1);
    erg_node *state = erg_state(graph, "a", tensor->dtype, tensor->shape);
    ck_assert_int_eq(erg_tensor_copy(erg_value(state), tensor), ERG_OK);
    erg_status status = erg_checkpoint_save("file", graph, (erg_checkpoint_options){0});
    erg_graph_free(graph);
    return status;
}

static erg_status (*const writers[])(const erg_tensor *) = {
    write_npy, write_csv, write_png, write_safetensors, write_npz, write_checkpoint};

/* The content of the file; the caller frees it. */
static char *content(size_t *size) {
    FILE *file = fopen("file", "rb");
    ck_assert_ptr_nonnull(file);
    char *bytes = calloc(1, 4096);
    *size = fread(bytes, 1, 4096, file);
    fclose(file);
    return bytes;
}

static bool holds(const char *wanted, size_t wanted_size) {
    size_t size;
    char *bytes = content(&size);
    bool same_bytes = size == wanted_size && memcmp(bytes, wanted, size) == 0;
    free(bytes);
    return same_bytes;
}

static void put_old_file(void) {
    FILE *file = fopen("file", "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("old", file), 0);
    fclose(file);
}

typedef struct expected {
    erg_tensor *tensor;
    char *bytes; /* of the new file */
    size_t size;
} expected;

static expected new_file(int writer) {
    expected e = {.tensor = erg_tensor_new(ERG_INT32, ERG_SHAPE(100))};
    erg_tensor_fill(e.tensor, 0x01020304);
    ck_assert_int_eq(writers[writer](e.tensor), ERG_OK);
    e.bytes = content(&e.size);
    return e;
}

static void forget(expected e) {
    erg_tensor_free(e.tensor);
    free(e.bytes);
}

/* ------------------------------------------------------------------------------- tests */

/* The last operation syncs the folder: when it fails the new file is already in its place. */
static void refuse_each_operation(int writer, bool for_ever) {
    expected e = new_file(writer);
    int replaced = 0;
    how = FAIL;
    for (int k = 1;; k++) {
        put_old_file();
        arm(&files, k, for_ever);
        erg_status status = writers[writer](e.tensor);
        disarm(&files);
        bool refused = atomic_load(&files.refused) > 0;
        ck_assert_int_eq(status, refused ? ERG_ERROR_IO : ERG_OK);
        ck_assert_int_eq(remove_files("file"), 0);
        replaced += holds(e.bytes, e.size);
        ck_assert_msg(holds(e.bytes, e.size) || holds("old", 3), "operation %d left a mixture", k);
        if (!refused) {
            ck_assert_int_gt(k, 6); /* open, openat, write, fsync, renameat, fsync */
            ck_assert_int_eq(replaced, 2);
            break;
        }
        ck_assert_ptr_nonnull(strstr(erg_error_message(), strerror(EIO)));
    }
    forget(e);
}

START_TEST(file_operation_refused_once) {
    refuse_each_operation(_i, false);
}
END_TEST

START_TEST(file_operation_refused_for_ever) {
    refuse_each_operation(_i, true);
}
END_TEST

/* A signal, or a write that takes a part, is no failure. */
START_TEST(file_operation_interrupted) {
    expected e = new_file(_i);
    int k = 1;
    for (bool refused = true; refused; k++) {
        put_old_file();
        how = INTERRUPT;
        arm(&files, k, false);
        ck_assert_int_eq(writers[_i](e.tensor), ERG_OK);
        refused = atomic_load(&files.refused) > 0;
        disarm(&files);
        ck_assert(holds(e.bytes, e.size));
    }
    ck_assert_int_gt(k, 3);
    put_old_file();
    how = HALVE;
    arm(&files, 1, true);
    ck_assert_int_eq(writers[_i](e.tensor), ERG_OK);
    disarm(&files);
    ck_assert(holds(e.bytes, e.size));
    ck_assert_int_eq(remove_files("file"), 0);
    forget(e);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("file_faults");
    TCase *tests = tcase_create("file_faults");
    tcase_add_checked_fixture(tests, enter_folder, leave_folder);
    tcase_add_loop_test(tests, file_operation_refused_once, 0, COUNT(writers));
    tcase_add_loop_test(tests, file_operation_refused_for_ever, 0, COUNT(writers));
    tcase_add_loop_test(tests, file_operation_interrupted, 0, COUNT(writers));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

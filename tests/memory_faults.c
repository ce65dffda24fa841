/* memory_faults.c: refuses requests for memory, and counts the blocks that are not freed. */
#include <errno.h>
#include <locale.h>

#include "../tensor/tensor.h"
#include "memory_faults.h"

static fault memory;

/* ------------------------------------------------------------------------------- counting blocks */

static atomic_int live;

static bool no_memory(void) {
    bool refused = refuses(&memory);
    if (refused)
        errno = ENOMEM;
    return refused;
}

static void *counted(void *block) {
    atomic_fetch_add(&live, block != NULL);
    return block;
}

WRAP(void *, malloc, (size_t size)) {
    return no_memory() ? NULL : counted(__real_malloc(size));
}

WRAP(void *, calloc, (size_t count, size_t size)) {
    return no_memory() ? NULL : counted(__real_calloc(count, size));
}

WRAP(void *, realloc, (void *block, size_t size)) {
    if (no_memory())
        return NULL;
    void *moved = __real_realloc(block, size);
    return block ? moved : counted(moved);
}

WRAP(void *, aligned_alloc, (size_t alignment, size_t size)) {
    return no_memory() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

WRAP(int, posix_memalign, (void **block, size_t alignment, size_t size)) {
    int failed = no_memory() ? ENOMEM : __real_posix_memalign(block, alignment, size);
    atomic_fetch_add(&live, !failed);
    return failed;
}

WRAP(char *, strdup, (const char *text)) {
    return no_memory() ? NULL : counted(__real_strdup(text));
}

WRAP(char *, realpath, (const char *path, char *resolved)) {
    char *real = no_memory() ? NULL : __real_realpath(path, resolved);
    return resolved ? real : counted(real);
}

WRAP(locale_t, newlocale, (int mask, const char *name, locale_t base)) {
    return no_memory() ? (locale_t)0 : __real_newlocale(mask, name, base);
}

WRAP(void, free, (void *block)) {
    atomic_fetch_sub(&live, block != NULL);
    __real_free(block);
}

/* ------------------------------------------------------------------------------- scenarios */

static const char *wrong; /* NULL: nothing */

void expect(bool condition, const char *what) {
    if (!condition)
        wrong = what;
}

static const scenario *table; /* of this program */

/* Number k refused, for every k until the scenario asks less often than that. */
static void refuse_each(const scenario *s, bool for_ever) {
    for (int k = 1;; k++) {
        erg_fail(ERG_OK, "%s", "");
        wrong = NULL;
        int before = atomic_load(&live);
        arm(&memory, k, for_ever);
        bool done = s->act();
        disarm(&memory);
        ck_assert_msg(!wrong, "%s, request %d: %s", s->name, k, wrong);
        ck_assert_msg(atomic_load(&live) == before, "%s, request %d: %d blocks left", s->name, k,
                      atomic_load(&live) - before);
        ck_assert_msg(done || erg_error_message()[0], "%s, request %d: no message", s->name, k);
        if (atomic_load(&memory.refused) == 0) {
            ck_assert_msg(done, "%s: %s", s->name, erg_error_message());
            ck_assert_int_gt(k, s->least_requests);
            return;
        }
        remove_files("");
    }
}

START_TEST(memory_refused_once) {
    ck_assert(table[_i].act()); /* what is made once and kept is made here */
    refuse_each(&table[_i], false);
}
END_TEST

START_TEST(memory_refused_for_ever) {
    ck_assert(table[_i].act());
    refuse_each(&table[_i], true);
}
END_TEST

int refuse_memory(const char *name, const scenario *scenarios, int count) {
    table = scenarios;
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 60); /* files are synchronised, which a busy disk takes its time for */
    tcase_add_checked_fixture(tests, enter_folder, leave_folder);
    tcase_add_loop_test(tests, memory_refused_once, 0, count);
    tcase_add_loop_test(tests, memory_refused_for_ever, 0, count);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

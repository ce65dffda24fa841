/* test_threads.c: the pool of threads: every element once, whatever happens around it. */
#include <check.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tensor/tensor.h"
#include "../tensor/threads.h"

static const char *program;

/* ThreadSanitizer stops a forked child that starts threads unless it is told not to. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "die_after_fork=0";
}

enum { LONGEST = 1000, MOST = 256 };

/* What one loop did: how often each element came, and the range each thread had. */
typedef struct record {
    int times[LONGEST];
    int64_t begin[MOST], end[MOST];
    atomic_int ranges, outside; /* outside: thread numbers out of bounds */
    pthread_t caller;
    int caller_thread; /* the number under which the calling thread took part */
} record;

static void note(void *ctx, int64_t begin, int64_t end, int thread) {
    record *r = ctx;
    if (thread < 0 || thread >= erg_threads()) {
        atomic_fetch_add(&r->outside, 1);
        return;
    }
    r->begin[thread] = begin;
    r->end[thread] = end;
    if (pthread_equal(pthread_self(), r->caller))
        r->caller_thread = thread;
    for (int64_t i = begin; i < end; i++)
        r->times[i]++;
    atomic_fetch_add(&r->ranges, 1);
}

/* Runs a loop, checks what must always hold, and returns the number of ranges. */
static int run(int64_t n, int64_t grain, record *recorded) {
    record r = {.caller = pthread_self(), .caller_thread = -1};
    erg_parallel_for(n, grain, note, &r);
    for (int64_t i = 0; i < LONGEST; i++)
        ck_assert_msg(r.times[i] == (i < n), "element %d of %d: %d times", (int)i, (int)n,
                      r.times[i]);
    ck_assert_int_eq(r.outside, 0);
    ck_assert_int_eq(r.caller_thread, n > 0 ? 0 : -1);
    *recorded = r;
    return r.ranges;
}

START_TEST(test_every_element_once) {
    static const int counts[] = {1, 2, 3, 4, 7, 40};
    static const int64_t sizes[] = {0, 1, 2, 3, 4, 7, 8, 39, 100, 999, 1000};
    ck_assert_int_eq(erg_set_threads(counts[_i]), ERG_OK);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int64_t grain = 1; grain <= 600; grain = grain * 2 + 1) {
            int64_t n = sizes[s], parts = n / grain < counts[_i] ? n / grain : counts[_i];
            record r;
            ck_assert_int_eq(run(n, grain, &r), n == 0 ? 0 : parts < 1 ? 1 : parts);
            for (int64_t p = 0; p < parts; p++)
                ck_assert(r.end[p] - r.begin[p] >= grain && r.begin[p] == (p ? r.end[p - 1] : 0));
        }
}
END_TEST

/* The bounds of a range must not come from products that overflow. */
static void cover(void *ctx, int64_t begin, int64_t end, int thread) {
    (void)thread;
    atomic_llong *length = ctx;
    if (begin >= 0 && begin <= end)
        atomic_fetch_add(length, end - begin);
}

START_TEST(test_huge_range) {
    atomic_llong length = 0;
    erg_set_threads(7);
    erg_parallel_for(INT64_MAX, 1, cover, &length);
    ck_assert(length == INT64_MAX);
}
END_TEST

START_TEST(test_idle_workers_wake) {
    erg_set_threads(4);
    record r;
    for (int round = 0; round < 5; round++) {
        ck_assert_int_eq(run(LONGEST, 1, &r), 4);
        usleep(5000); /* long enough for the workers to fall asleep */
    }
}
END_TEST

/* A loop within a loop is one range, on the thread that is there. */
static void nest(void *ctx, int64_t begin, int64_t end, int thread) {
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        record r = {.caller = pthread_self(), .caller_thread = -1};
        erg_parallel_for(100, 1, note, &r);
        if (r.ranges == 1 && r.caller_thread == 0 && r.times[0] == 1 && r.times[99] == 1)
            atomic_fetch_add((atomic_int *)ctx, 1);
    }
}

START_TEST(test_nested) {
    atomic_int good = 0;
    erg_set_threads(3);
    erg_parallel_for(30, 1, nest, &good);
    ck_assert_int_eq(good, 30);
}
END_TEST

/* Several threads of the user's: one gets the pool, the others work alone; all are right. */
static void *use_pool(void *unused) {
    (void)unused;
    intptr_t wrong = 0;
    for (int round = 0; round < 300; round++) {
        record r = {.caller = pthread_self()};
        erg_parallel_for(64, 1, note, &r);
        for (int i = 0; i < 64; i++)
            wrong += r.times[i] != 1;
    }
    return (void *)wrong;
}

START_TEST(test_many_callers) {
    pthread_t callers[4];
    erg_set_threads(3);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&callers[i], NULL, use_pool, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(callers[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

START_TEST(test_fork) {
    record before, after;
    erg_set_threads(3);
    ck_assert_int_eq(run(LONGEST, 1, &before), 3);
    pid_t child = fork();
    if (child == 0) {
        record r = {.caller = pthread_self()};
        erg_parallel_for(LONGEST, 1, note, &r);
        erg_parallel_for(LONGEST, 1, note, &r);
        int good = r.ranges == 6;
        for (int i = 0; i < LONGEST; i++)
            good = good && r.times[i] == 2;
        if (good)
            raise(SIGKILL); /* a quick end: no tool looks for what the lost threads leave behind */
        _exit(1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_int_eq(run(LONGEST, 1, &after), 3);
}
END_TEST

#ifdef __GLIBC__
/* Stacks too large for any machine, so that no thread can start: in a process of its own, as
 * threads that run already would do the work. */
static int run_without_threads(void) {
    record r = {.caller = pthread_self()};
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, (size_t)1 << 60);
    erg_set_threads(4);
    if (pthread_setattr_default_np(&huge) != 0)
        return 2;
    erg_parallel_for(LONGEST, 1, note, &r);
    for (int i = 0; i < LONGEST; i++)
        if (r.times[i] != 1)
            return 3;
    if (r.ranges != 1)
        return 4;
    pthread_attr_setstacksize(&huge, 1 << 20);
    pthread_setattr_default_np(&huge);
    erg_set_threads(2); /* asks again */
    erg_parallel_for(LONGEST, 1, note, &r);
    return r.ranges == 3 ? 0 : 5;
}

START_TEST(test_no_thread_to_be_had) {
    char command[PATH_MAX + 32];
    snprintf(command, sizeof command, "'%s' --without-threads", program);
    ck_assert_int_eq(system(command), 0);
}
END_TEST
#endif

START_TEST(test_count) {
    erg_set_threads(2);
    ck_assert_int_eq(erg_set_threads(0), ERG_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "set_threads: 0"));
    ck_assert_int_eq(erg_set_threads(-3), ERG_ERROR_ARGUMENT);
    ck_assert_int_eq(erg_threads(), 2);
    ck_assert_int_eq(erg_set_threads(1000), ERG_OK);
    ck_assert_int_eq(erg_threads(), 256);
}
END_TEST

static int count_with(const char *environment) {
    char command[PATH_MAX + 64];
    snprintf(command, sizeof command, "%s '%s' --count", environment, program);
    FILE *pipe = popen(command, "r");
    int count = -1;
    ck_assert_ptr_nonnull(pipe);
    ck_assert_int_eq(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

START_TEST(test_environment) {
    int usual = count_with("env -u ERG_THREADS");
    ck_assert_int_ge(usual, 1);
    ck_assert_int_eq(count_with("ERG_THREADS=3"), 3);
    ck_assert_int_eq(count_with("ERG_THREADS=100000"), 256);
    ck_assert_int_eq(count_with("ERG_THREADS=0"), usual);
    ck_assert_int_eq(count_with("ERG_THREADS=-1"), usual);
    ck_assert_int_eq(count_with("ERG_THREADS=2x"), usual);
    ck_assert_int_eq(count_with("ERG_THREADS="), usual);
}
END_TEST

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 2 && strcmp(argv[1], "--count") == 0)
        return printf("%d\n", erg_threads()) < 0;
#ifdef __GLIBC__
    if (argc == 2 && strcmp(argv[1], "--without-threads") == 0)
        return run_without_threads();
#endif
    Suite *suite = suite_create("threads");
    TCase *tests = tcase_create("threads");
    tcase_add_loop_test(tests, test_every_element_once, 0, 6);
    tcase_add_test(tests, test_huge_range);
    tcase_add_test(tests, test_idle_workers_wake);
    tcase_add_test(tests, test_nested);
    tcase_add_test(tests, test_many_callers);
    tcase_add_test(tests, test_fork);
#ifdef __GLIBC__
    tcase_add_test(tests, test_no_thread_to_be_had);
#endif
    tcase_add_test(tests, test_count);
    tcase_add_test(tests, test_environment);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

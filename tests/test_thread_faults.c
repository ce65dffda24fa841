/* test_thread_faults.c: the system gives no threads, or fewer than were asked for.
 *
 * The program is linked with --wrap for the function that stands in WRAP. */
#include <errno.h>
#include <pthread.h>

#include "../tensor/tensor.h"
#include "../tensor/threads.h"
#include "faults.h"

static fault threads;

WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *self)) {
    return refuses(&threads) ? EAGAIN : __real_pthread_create(thread, attributes, start, self);
}

enum { ELEMENTS = 1000, WANTED = 4 };

typedef struct visits {
    atomic_int element[ELEMENTS];
    atomic_bool thread[WANTED];
} visits;

static void visit(void *self, int64_t begin, int64_t end, int thread) {
    visits *v = self;
    atomic_store(&v->thread[thread], true);
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add(&v->element[i], 1);
}

/* Threads that took part in a loop over all elements, each of which was visited once. */
static int threads_at_work(void) {
    static visits v;
    int count = 0;
    memset(&v, 0, sizeof v);
    erg_parallel_for(ELEMENTS, 1, visit, &v);
    for (int i = 0; i < ELEMENTS; i++)
        ck_assert_int_eq(atomic_load(&v.element[i]), 1);
    for (int i = 0; i < WANTED; i++)
        count += atomic_load(&v.thread[i]);
    return count;
}

/* Those that there are do the work; a new erg_set_threads asks for the others again. */
START_TEST(threads_refused) {
    for (int granted = 0; granted < WANTED; granted++) {
        ck_assert_int_eq(erg_set_threads(WANTED), ERG_OK);
        arm(&threads, granted ? 2 : 1, true);
        ck_assert_int_eq(threads_at_work(), granted + 1);
        ck_assert_int_eq(threads_at_work(), granted + 1);
        ck_assert_int_le(atomic_load(&threads.refused), 1);
        disarm(&threads);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("thread_faults");
    TCase *crew = tcase_create("threads");
    tcase_add_test(crew, threads_refused);
    suite_add_tcase(suite, crew);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* threads.c: a pool of threads that all parallel loops share.
 *
 * A loop over [0, n) is cut into equal ranges, one for each thread: which thread does what is
 * fixed, and only the caller ever waits for others. Workers are started when first needed and then
 * sleep between loops. One loop owns the pool at a time; whoever finds it taken (a nested loop, or
 * another thread of the user's) does its work alone, so nobody waits for a turn and nothing can
 * deadlock. */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tensor.h"
#include "threads.h"

enum { MAX_THREADS = 256 };

/* ---- how many */

static atomic_int thread_count; /* 0 until it is first asked for */

static int processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more processors than a cpu_set_t holds */
    return online < 1 ? 1 : online > MAX_THREADS ? MAX_THREADS : (int)online;
}

static int default_threads(void) {
    const char *text = getenv("ERG_THREADS");
    char *end = NULL;
    long count = text ? strtol(text, &end, 10) : 0;
    if (count < 1 || *end != '\0')
        count = processors();
    return count > MAX_THREADS ? MAX_THREADS : (int)count;
}

int erg_threads(void) {
    int count = atomic_load(&thread_count);
    if (count == 0) {
        int fresh = default_threads();
        count = atomic_compare_exchange_strong(&thread_count, &count, fresh) ? fresh : count;
    }
    return count;
}

/* ---- gates: a count that one thread awaits until others have brought it down to zero */

typedef struct gate {
    atomic_int count;
    pthread_mutex_t mutex;
    pthread_cond_t zero;
} gate;

/* A waiting thread looks often, some microseconds without a pause, then for as long as this giving way
 * to others in between, and then sleeps: to wake a thread takes 50 microseconds on a virtual machine,
 * and a training step waits where its rows meet. */
enum { SPINS = 4000, PATIENCE = 200000 /* nanoseconds */ };

static void gate_init(gate *g, int count) {
    atomic_init(&g->count, count);
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->zero, NULL);
}

static int64_t nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool is_open(gate *g) {
    return atomic_load_explicit(&g->count, memory_order_acquire) == 0;
}

static void gate_wait(gate *g) {
    for (int i = 0; i < SPINS; i++)
        if (is_open(g))
            return;
    for (int64_t start = nanoseconds(); nanoseconds() - start < PATIENCE; sched_yield())
        if (is_open(g))
            return;
    pthread_mutex_lock(&g->mutex);
    while (atomic_load(&g->count) != 0)
        pthread_cond_wait(&g->zero, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static void gate_lower(gate *g) {
    if (atomic_fetch_sub(&g->count, 1) != 1)
        return;
    pthread_mutex_lock(&g->mutex);
    pthread_cond_signal(&g->zero);
    pthread_mutex_unlock(&g->mutex);
}

/* ---- the pool */

typedef struct worker {
    pthread_t thread;
    gate start; /* 1: nothing to do */
    int64_t begin, end;
} worker;

static struct pool {
    atomic_flag taken; /* whoever sets it owns the rest */
    int workers;       /* running threads: worker[0..workers) */
    int stop;
    atomic_int refused; /* the system gave no thread: do not ask again at each loop */
    gate done;          /* workers that are not done yet */
    void (*body)(void *ctx, int64_t begin, int64_t end, int thread);
    void *ctx;
    worker worker[MAX_THREADS - 1];
} pool = {.taken = ATOMIC_FLAG_INIT};

static void *work(void *self) {
    worker *w = self;
    for (;;) {
        gate_wait(&w->start);
        if (pool.stop)
            return NULL;
        pool.body(pool.ctx, w->begin, w->end, (int)(w - pool.worker) + 1);
        atomic_store(&w->start.count, 1);
        gate_lower(&pool.done);
    }
}

/* A child of fork has no threads but the one that forked: start over. */
static void forget_workers(void) {
    pool.workers = 0;
    gate_init(&pool.done, 0);
    atomic_flag_clear(&pool.taken);
}

static void prepare_pool(void) {
    gate_init(&pool.done, 0);
    pthread_atfork(NULL, NULL, forget_workers);
}

/* Starts workers until there are `wanted`; returns how many of those there are. They take no
 * signals, so that the program's handlers run on the program's threads. */
static int hire(int wanted) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_pool);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.workers < wanted && !atomic_load(&pool.refused)) {
        worker *w = &pool.worker[pool.workers];
        gate_init(&w->start, 1);
        if (pthread_create(&w->thread, NULL, work, w) == 0)
            pool.workers++;
        else
            atomic_store(&pool.refused, 1);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool.workers < wanted ? pool.workers : wanted;
}

/* At exit, or when the library is unloaded. The pool stays taken: what still comes runs alone. */
__attribute__((destructor)) static void dismiss_workers(void) {
    if (atomic_flag_test_and_set(&pool.taken))
        return;
    pool.stop = 1;
    for (int i = 0; i < pool.workers; i++)
        gate_lower(&pool.worker[i].start);
    for (int i = 0; i < pool.workers; i++)
        pthread_join(pool.worker[i].thread, NULL);
    pool.workers = 0;
}

/* The first element of range `part` of `parts` equal ones, without a product that overflows. */
static int64_t range_begin(int64_t n, int parts, int part) {
    int64_t rest = n % parts;
    return n / parts * part + (part < rest ? part : rest);
}

void erg_parallel_for(int64_t n, int64_t grain,
                      void (*body)(void *ctx, int64_t begin, int64_t end, int thread), void *ctx) {
    int threads = erg_threads();
    int parts = n / grain < threads ? (int)(n / grain) : threads;

    if (parts <= 1 || atomic_flag_test_and_set(&pool.taken)) {
        if (n > 0)
            body(ctx, 0, n, 0);
        return;
    }
    parts = hire(parts - 1) + 1;
    pool.body = body;
    pool.ctx = ctx;
    atomic_store(&pool.done.count, parts - 1);
    for (int i = 1; i < parts; i++) {
        worker *w = &pool.worker[i - 1];
        w->begin = range_begin(n, parts, i);
        w->end = range_begin(n, parts, i + 1);
        gate_lower(&w->start);
    }
    body(ctx, 0, range_begin(n, parts, 1), 0);
    gate_wait(&pool.done);
    atomic_flag_clear(&pool.taken);
}

erg_status erg_set_threads(int count) {
    if (count < 1)
        return erg_fail(ERG_ERROR_ARGUMENT, "set_threads: %d is not a number of threads", count);
    atomic_store(&thread_count, count > MAX_THREADS ? MAX_THREADS : count);
    atomic_store(&pool.refused, 0);
    return ERG_OK;
}

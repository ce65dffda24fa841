/* progress.c: one line on a terminal, written over and over: what, how much of how much, and the
 * time that is left if the rest is as fast. */
#include <time.h>
#include <unistd.h>

#include "progress.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

erg_progress erg_progress_begin(FILE *file, const char *what, int64_t total) {
    double t = now();
    FILE *terminal = file && isatty(fileno(file)) ? file : NULL;
    return (erg_progress){
        .terminal = terminal, .what = what, .total = total, .started = t, .shown = t};
}

void erg_progress_add(erg_progress *progress, int64_t n) {
    progress->done += n;
    if (!progress->terminal || !progress->done)
        return;
    double t = now();
    if (t - progress->shown < 0.5)
        return;
    double left = (t - progress->started) * (double)(progress->total - progress->done) /
                  (double)progress->done;
    fprintf(progress->terminal, "\r%s: %lld of %lld, %.0f s left\033[K", progress->what,
            (long long)progress->done, (long long)progress->total, left);
    fflush(progress->terminal);
    progress->shown = t;
}

void erg_progress_end(erg_progress *progress) {
    if (!progress->terminal || progress->shown == progress->started)
        return;
    fputs("\r\033[K", progress->terminal);
    fflush(progress->terminal);
}

/* trainer_progress.c: how far a run is, on a terminal: one line, written over and over. */
#include <time.h>
#include <unistd.h>

#include "trainer.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

trainer_progress erg_trainer_progress_begin(const erg_trainer *t, int64_t to) {
    FILE *file = t->options.progress;
    double start = now();
    return (trainer_progress){.terminal = file && isatty(fileno(file)) ? file : NULL,
                              .from = erg_trainer_steps(t),
                              .to = to,
                              .started = start,
                              .shown = start};
}

void erg_trainer_progress_show(trainer_progress *p, const erg_trainer *t) {
    if (!p->terminal)
        return;
    double seconds = now();
    int64_t done = erg_trainer_steps(t);
    if (seconds - p->shown < 0.5 || done <= p->from)
        return;
    double rate = (double)(done - p->from) / (seconds - p->started);
    fprintf(p->terminal, "\rstep %lld of %lld", (long long)done, (long long)p->to);
    if (t->history.count)
        fprintf(p->terminal, ", %s %.4g", erg_trainer_column(t, COLUMN_LOSS),
                erg_trainer_get(t, "loss"));
    if (t->history.gap && t->history.count)
        fprintf(p->terminal, ", energy gap %.4g", erg_trainer_get(t, "energy gap"));
    fprintf(p->terminal, ", %.0f s left\033[K", (double)(p->to - done) / rate);
    fflush(p->terminal);
    p->shown = seconds;
}

void erg_trainer_progress_end(trainer_progress *p) {
    if (!p->terminal || p->shown == p->started)
        return;
    fputs("\r\033[K", p->terminal);
    fflush(p->terminal);
}

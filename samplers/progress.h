/* progress.h: how far a long run is, on a terminal. Not installed. */
#ifndef ERG_SAMPLERS_PROGRESS_H
#define ERG_SAMPLERS_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

typedef struct erg_progress {
    FILE *terminal; /* NULL: nothing is shown */
    const char *what;
    int64_t total, done;
    double started, shown; /* seconds */
} erg_progress;

/* file may be NULL, or no terminal: then nothing is ever written. */
erg_progress erg_progress_begin(FILE *file, const char *what, int64_t total);
/* n more of the total are done. Writes at most twice a second. */
void erg_progress_add(erg_progress *progress, int64_t n);
/* Clears the line. */
void erg_progress_end(erg_progress *progress);

#endif

/* program_files.c: folders, paths, the clock and interrupts, as POSIX has them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

erg_status make_folder(const char *path) {
    char *copy = strdup(path);
    if (!copy)
        return erg_fail(ERG_ERROR_MEMORY, "out of memory");
    for (char *end = copy; (end = strchr(end + 1, '/'));) {
        *end = '\0';
        mkdir(copy, 0777);
        *end = '/';
    }
    mkdir(copy, 0777);
    free(copy);
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
        errno = ENOTDIR;
    else if (access(path, W_OK | X_OK) == 0)
        return ERG_OK;
    return erg_fail(ERG_ERROR_IO, "cannot write into the folder \"%s\": %s", path, strerror(errno));
}

erg_status join_path(path_text path, const char *folder, const char *name) {
    int length = snprintf(path, sizeof(path_text), "%s/%s", folder, name);
    return length < (int)sizeof(path_text)
               ? ERG_OK
               : erg_fail(ERG_ERROR_ARGUMENT, "the path to \"%s\" is too long", name);
}

static double seconds_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double seconds_now(void) {
    return seconds_of(CLOCK_MONOTONIC);
}

double processor_seconds(void) {
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

/* The handler serves once: a second Ctrl-C does what it always does. */
void catch_interrupts(void) {
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* terminal.h: what a run writes to a pseudo terminal, for tests of progress lines. */
#ifndef TESTS_TERMINAL_H
#define TESTS_TERMINAL_H

#include <check.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Runs, and reads what was written into text, which holds 4096 bytes, up to what clears the line; if
 * that never comes, the test runs out of time. False on a system without terminals. */
static inline bool read_terminal(void (*run)(FILE *terminal), char *text) {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0)
        return false;
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    FILE *terminal = fopen(ptsname(master), "w");
    ck_assert_ptr_nonnull(terminal);
    run(terminal);
    memset(text, 0, 4096);
    for (size_t n = 0; !strstr(text, "\r\033[K");) {
        ssize_t more = read(master, text + n, 4096 - 1 - n);
        ck_assert_int_gt(more, 0);
        n += (size_t)more;
    }
    fclose(terminal);
    close(master);
    return true;
}

/* Fails if a run writes to a file that is no terminal. */
static inline void assert_silent(void (*run)(FILE *file)) {
    FILE *file = tmpfile();
    run(file);
    ck_assert_int_eq(ftell(file), 0);
    fclose(file);
}

#endif

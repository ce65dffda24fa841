/* faults.h: a system that refuses the k-th request of a kind, and a folder to work in, for the tests
 * of what happens then. */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ------------------------------------------------------------------------------- refusing */

/* Requests are counted from 1; number `at` fails, and later ones too if `for_ever`. 0: none. */
typedef struct fault {
    int at;
    bool for_ever;
    atomic_int seen, refused;
} fault;

static inline void arm(fault *f, int at, bool for_ever) {
    f->at = at;
    f->for_ever = for_ever;
    atomic_store(&f->seen, 0);
    atomic_store(&f->refused, 0);
}

static inline void disarm(fault *f) {
    f->at = 0;
}

static inline bool refuses(fault *f) {
    if (f->at == 0)
        return false;
    int number = atomic_fetch_add(&f->seen, 1) + 1;
    bool refused = f->for_ever ? number >= f->at : number == f->at;
    atomic_fetch_add(&f->refused, refused);
    return refused;
}

/* The real function, and what its calls are replaced with: the program is linked with --wrap. */
#define WRAP(type, name, parameters)                                                               \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters

/* ------------------------------------------------------------------------------- a folder */

static char folder[64];
static int home;

static inline void enter_folder(void) {
    home = open(".", O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(home, 0);
    snprintf(folder, sizeof folder, "test_faults-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

/* Removes all files of the working directory but `kept`, and returns how many there were. */
static inline int remove_files(const char *kept) {
    int count = 0;
    DIR *directory = opendir(".");
    ck_assert_ptr_nonnull(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            strcmp(entry->d_name, kept)) {
            count++;
            remove(entry->d_name);
        }
    closedir(directory);
    return count;
}

static inline void leave_folder(void) {
    remove_files("");
    ck_assert_int_eq(fchdir(home), 0);
    close(home);
    ck_assert_int_eq(rmdir(folder), 0);
}

#endif

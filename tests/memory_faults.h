/* memory_faults.h: the system gives no memory. The k-th request for memory fails, for every k:
 * once, and for ever from then on. Whatever failed, a function returns an error or the right result,
 * nothing crashes, and no memory stays behind.
 *
 * Programs with memory_faults.c are linked with --wrap for all functions in a WRAP there. */
#ifndef ERG_TESTS_MEMORY_FAULTS_H
#define ERG_TESTS_MEMORY_FAULTS_H

#include "faults.h"

/* Returns true, or false after a reported failure. It runs in a folder of its own. */
typedef struct scenario {
    const char *name;
    bool (*act)(void);
    int least_requests;
} scenario;

/* A wrong result of a scenario is told by this: Check's own assertions need memory. */
void expect(bool condition, const char *what);

/* Runs one suite of scenarios, the tail of every main. */
int refuse_memory(const char *name, const scenario *scenarios, int count);

#endif

/* dispatch.c: the choice among the kernels, once, at run time. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "kernels.h"

enum { MAX_SETS = 3 };

int erg_kernels_all(const erg_kernels **list, int max) {
    const erg_kernels *all[MAX_SETS];
    int count = 0;
    all[count++] = &erg_kernels_portable;
#ifdef ERG_HAVE_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        all[count++] = &erg_kernels_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        all[count++] = &erg_kernels_avx512;
#endif
    if (count > max)
        count = max > 0 ? max : 0;
    for (int i = 0; i < count; i++)
        list[i] = all[i];
    return count;
}

static const erg_kernels *chosen;

/* The best of the sets up to the one that ERG_CPU names. A machine that lacks that one has
 * nothing above it either. */
static void choose(void) {
    const char *limit = getenv("ERG_CPU");
    const erg_kernels *sets[MAX_SETS];
    int count = erg_kernels_all(sets, MAX_SETS);
    for (int i = 0; limit && i < count; i++)
        if (strcmp(sets[i]->name, limit) == 0)
            count = i + 1;
    chosen = sets[count - 1];
}

const erg_kernels *erg_kernels_get(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, choose);
    return chosen;
}

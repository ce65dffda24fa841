/* options.h: what an option that is zero means. Internal to nn/. */
#ifndef ERG_NN_OPTIONS_H
#define ERG_NN_OPTIONS_H

#include <math.h>
#include <stdbool.h>

/* The option, or its default if it is zero (but not ERG_ZERO). */
static inline double erg_option(double option, double fallback) {
    return option == 0 && !signbit(option) ? fallback : option;
}

static inline bool erg_is_positive(double option) {
    return option > 0 && isfinite(option);
}

#endif

/* boltzmann.h: sums over states of exp(-E) that neither overflow nor underflow. Internal. */
#ifndef ERG_SAMPLERS_BOLTZMANN_H
#define ERG_SAMPLERS_BOLTZMANN_H

#include <math.h>

/* Everything is multiplied by exp(low). Starts as ERG_BOLTZMANN_EMPTY. */
typedef struct erg_boltzmann {
    double low;    /* the least energy */
    double mass;   /* sum exp(low - E) */
    double energy; /* sum E exp(low - E) */
} erg_boltzmann;

#define ERG_BOLTZMANN_EMPTY ((erg_boltzmann){.low = INFINITY})

/* Adds a state, rescaling what is there if it has a new least energy. e is neither NaN nor
 * -infinity. */
static inline void erg_boltzmann_add(erg_boltzmann *sum, double e) {
    if (e < sum->low) {
        double factor = isfinite(sum->low) ? exp(e - sum->low) : 0;
        sum->mass *= factor;
        sum->energy *= factor;
        sum->low = e;
    }
    double p = e < INFINITY ? exp(sum->low - e) : 0;
    sum->mass += p;
    sum->energy += p > 0 ? e * p : 0;
}

/* log sum exp(-E), -infinity if no energy was finite. */
static inline double erg_boltzmann_log(const erg_boltzmann *sum) {
    return sum->mass > 0 ? log(sum->mass) - sum->low : -INFINITY;
}

#endif

/* points.h: sets of points as rows of doubles. Internal. */
#ifndef ERG_SAMPLERS_POINTS_H
#define ERG_SAMPLERS_POINTS_H

#include "samplers.h"

/* n points of d elements. */
typedef struct erg_points {
    int64_t n, d;
    double *x; /* (n, d); NULL if reading failed */
} erg_points;

/* Reads samples (n, ...) with n >= least, all finite; refuses others in the name of `who`. The caller
 * frees x. */
erg_points erg_points_read(const char *who, const erg_tensor *samples, int64_t least);
/* Reads two sets of points of the same size; on a mistake both have x NULL. */
erg_status erg_points_read_two(const char *who, const erg_tensor *x, const erg_tensor *y,
                               int64_t least, erg_points *a, erg_points *b);

static inline double erg_square_distance(const double *x, const double *y, int64_t d) {
    double sum = 0;
    for (int64_t k = 0; k < d; k++)
        sum += (x[k] - y[k]) * (x[k] - y[k]);
    return sum;
}

#endif

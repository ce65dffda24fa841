/* line_search.h: how far to go along a line. Internal to nn/. */
#ifndef ERG_NN_LINE_SEARCH_H
#define ERG_NN_LINE_SEARCH_H

#include <stdbool.h>

/* phi at t >= 0, and its derivative. */
typedef struct erg_line_point {
    double t, value, slope;
} erg_line_point;

typedef struct erg_line {
    erg_line_point (*at)(void *self, double t);
    void *self;
    erg_line_point start; /* t = 0, with a slope below 0 */
} erg_line;

/* A point with the strong Wolfe conditions, from a first guess > 0: true, and it is the last that was
 * evaluated. Else false, with the best point seen: the start, if none is lower. */
bool erg_strong_wolfe(const erg_line *line, double guess, erg_line_point *found);

#endif

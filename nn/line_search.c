/* line_search.c: a step t along a line with the strong Wolfe conditions (Nocedal & Wright 2006,
 * algorithms 3.5 and 3.6):
 *     phi(t) <= phi(0) + c1 t phi'(0)     it goes down enough,
 *     |phi'(t)| <= c2 |phi'(0)|           and far enough that the slope is nearly gone.
 * Steps grow until an interval must hold such a t, which then shrinks onto it. */
#include "line_search.h"

#include <float.h>
#include <math.h>

static const double C1 = 1e-4, C2 = 0.9;
enum { MOST_EVALUATIONS = 40 };

typedef struct search {
    const erg_line *line;
    erg_line_point low; /* the lowest with enough decrease so far */
    int left;           /* evaluations */
} search;

static erg_line_point evaluate(search *s, double t) {
    s->left--;
    return s->line->at(s->line->self, t);
}

/* The slack is what rounding makes of two equal values; false for NaN. */
static bool is_low_enough(const erg_line *line, erg_line_point p) {
    double slack = 8 * DBL_EPSILON * fabs(line->start.value);
    return p.value <= line->start.value + C1 * p.t * line->start.slope + slack;
}

static bool is_flat_enough(const erg_line *line, erg_line_point p) {
    return fabs(p.slope) <= C2 * fabs(line->start.slope);
}

/* The minimum of the cubic through both points (Nocedal & Wright, 3.59), kept away from the ends;
 * the middle if there is none. */
static double interpolate(erg_line_point a, erg_line_point b) {
    double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t);
    double root = copysign(sqrt(d1 * d1 - a.slope * b.slope), b.t - a.t);
    double t = b.t - (b.t - a.t) * (b.slope + root - d1) / (b.slope - a.slope + 2 * root);
    double margin = 0.1 * fabs(b.t - a.t);
    double least = fmin(a.t, b.t) + margin, most = fmax(a.t, b.t) - margin;
    return isfinite(t) ? fmin(fmax(t, least), most) : (a.t + b.t) / 2;
}

/* Between s->low and other lies a good t. */
static bool zoom(search *s, erg_line_point other, erg_line_point *found) {
    while (s->left > 0) {
        erg_line_point p = evaluate(s, interpolate(s->low, other));
        if (!is_low_enough(s->line, p) || p.value > s->low.value) {
            other = p;
            continue;
        }
        *found = p;
        if (is_flat_enough(s->line, p))
            return true;
        if (p.slope * (other.t - s->low.t) >= 0)
            other = s->low;
        s->low = p;
    }
    *found = s->low;
    return false;
}

bool erg_strong_wolfe(const erg_line *line, double guess, erg_line_point *found) {
    search s = {.line = line, .low = line->start, .left = MOST_EVALUATIONS};
    for (double t = guess; s.left > 0; t *= 2) {
        erg_line_point p = evaluate(&s, t);
        if (!is_low_enough(line, p) || (s.low.t > 0 && p.value >= s.low.value))
            return zoom(&s, p, found);
        *found = p;
        if (is_flat_enough(line, p))
            return true;
        erg_line_point before = s.low;
        s.low = p;
        if (p.slope >= 0)
            return zoom(&s, before, found);
    }
    return false;
}

/* ticks.h: one axis of a plot: its range, its ticks, and the text at the ticks. Internal. */
#ifndef ERG_TENSOR_TICKS_H
#define ERG_TENSOR_TICKS_H

/* low < high. On a logarithmic axis they are log10 of the ends. */
typedef struct erg_axis {
    double low, high;
    int log;
} erg_axis;

/* The smallest range around the values low and high (low > high: there is none) whose width is not
 * zero to rounding; never so wide that it overflows. On a logarithmic axis both are positive. */
erg_axis erg_axis_around(double low, double high, int log);
/* Moves both ends outwards by this part of the width. */
void erg_axis_widen(erg_axis *axis, double part);

/* Where a value lies, 0 at the low end and 1 at the high one; and back. */
double erg_axis_place(const erg_axis *axis, double value);
double erg_axis_value(const erg_axis *axis, double place);

#define ERG_TICKS_MAX 200
typedef struct erg_ticks {
    int count;
    struct {
        double place;
        char label[32]; /* "" for a minor tick */
    } tick[ERG_TICKS_MAX];
    char factor[24]; /* what the labels are to be multiplied with, "×10⁵", or "" */
} erg_ticks;

/* Ticks at 1, 2 or 5 times a power of ten; those with a label divide the axis into at most `most`
 * (>= 3) parts. The text is the same in every locale. */
void erg_axis_ticks(const erg_axis *axis, int most, erg_ticks *ticks);

#endif

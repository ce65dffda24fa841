/* ticks.c: where ticks stand and what they say.
 *
 * A linear axis has its ticks at n m 10^k for whole n and m in {1, 2, 5}, the smallest step that
 * gives no more ticks than wanted. The labels are made of the integers n m and the exponent, so
 * they are exact and no rounding or locale can touch them. A logarithmic axis has ticks at powers
 * of ten; where it shows few of these, at 2 and 5 times them too, or it is divided linearly. */
#include "ticks.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* The largest end: high - low and 10 % more must not overflow. */
#define LARGEST (DBL_MAX / 4)
/* Narrower than this (relative; absolute; in decades) a range is taken for a single value. */
#define NARROW 1e-11
#define NARROWEST (1e6 * DBL_MIN)
#define NARROW_LOG 1e-9

erg_axis erg_axis_around(double low, double high, int log) {
    if (low > high) {
        return (erg_axis){0, 1, log};
    }
    if (log) {
        low = log10(low);
        high = log10(high);
        return high - low < NARROW_LOG ? (erg_axis){low - 1, high + 1, 1}
                                       : (erg_axis){low, high, 1};
    }
    low = fmin(fmax(low, -LARGEST), LARGEST);
    high = fmin(fmax(high, -LARGEST), LARGEST);
    double size = fmax(fabs(low), fabs(high));
    if (high - low <= fmax(NARROW * size, NARROWEST)) {
        double middle = low / 2 + high / 2;
        double half = size > NARROWEST ? size / 10 : 1;
        return (erg_axis){middle - half, middle + half, 0};
    }
    return (erg_axis){low, high, 0};
}

void erg_axis_widen(erg_axis *axis, double part) {
    double more = part * (axis->high - axis->low);
    axis->low -= more;
    axis->high += more;
}

double erg_axis_place(const erg_axis *axis, double value) {
    return ((axis->log ? log10(value) : value) - axis->low) / (axis->high - axis->low);
}

double erg_axis_value(const erg_axis *axis, double place) {
    double v = axis->low + place * (axis->high - axis->low);
    return axis->log ? pow(10, v) : v;
}

/* n 10^exponent, exact to the last bit or two also where 10^exponent is not a normal number. */
static double scaled(double n, int exponent) {
    return exponent < -300 ? n / 1e300 * pow(10, exponent + 300)
           : exponent < 0  ? n / pow(10, -exponent)
                           : n * pow(10, exponent);
}

/* "10" with the exponent in superscript digits. */
static void write_power(char *text, size_t size, int exponent) {
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    int magnitude = exponent < 0 ? -exponent : exponent;
    snprintf(text, size, "10%s%s%s%s", exponent < 0 ? "⁻" : "",
             magnitude >= 100 ? digits[magnitude / 100 % 10] : "",
             magnitude >= 10 ? digits[magnitude / 10 % 10] : "", digits[magnitude % 10]);
}

/* n 10^exponent in plain digits: 25, -2 gives "0.25"; 25, 1 gives "250". */
static void write_decimal(char *text, size_t size, int64_t n, int exponent) {
    char digits[32];
    int zeros = exponent > 0 && n ? exponent : 0, decimals = exponent < 0 ? -exponent : 0;
    /* at least one digit before the point */
    int length = snprintf(digits, sizeof(digits), "%0*" PRId64, decimals + 1, n < 0 ? -n : n);

    snprintf(text, size, "%s%.*s%.*s%s%s", n < 0 ? "−" : "", length - decimals, digits, zeros,
             "0000000000", decimals ? "." : "", digits + length - decimals);
}

static void add_tick(erg_ticks *ticks, double place, const char *label) {
    const double slack = 1e-9;
    if (ticks->count == ERG_TICKS_MAX || !(place >= -slack && place <= 1 + slack)) {
        return;
    }
    ticks->tick[ticks->count].place = place;
    snprintf(ticks->tick[ticks->count].label, sizeof(ticks->tick->label), "%s", label);
    ticks->count++;
}

/* Exponent of the first digit of the largest tick. */
static int leading_exponent(int64_t n, int exponent) {
    for (; n >= 10; n /= 10) {
        exponent++;
    }
    return exponent;
}

/* Ticks between two values. Ordinary numbers are written out; large and small ones get a common
 * factor. */
static void divide_linearly(const erg_axis *axis, double low, double high, int most,
                            erg_ticks *ticks) {
    double wanted = (high - low) / most;
    int exponent = (int)floor(log10(wanted)), step = 1;
    char label[32], power[20];
    while (step < 10 && scaled(step, exponent) < wanted) {
        step = step == 2 ? 5 : 2 * step;
    }
    if (step == 10) {
        step = 1;
        exponent++;
    }
    double unit = scaled(step, exponent);
    int64_t first = (int64_t)ceil(low / unit - 1e-6);
    int64_t last = (int64_t)floor(high / unit + 1e-6);
    int64_t largest = (-first > last ? -first : last) * step;
    int factor = leading_exponent(largest, exponent);
    if (factor >= -3 && factor <= 4) {
        factor = 0;
    } else {
        write_power(power, sizeof(power), factor);
        snprintf(ticks->factor, sizeof(ticks->factor), "×%s", power);
    }
    for (int64_t n = first; n <= last; n++) {
        write_decimal(label, sizeof(label), n * step, exponent - factor);
        add_tick(ticks, erg_axis_place(axis, scaled((double)(n * step), exponent)), label);
    }
}

/* Decades every `stride` powers of ten, and between them multiples, of which those whose bit is set
 * in `named` have a label. */
static void divide_decades(const erg_axis *axis, int stride, unsigned named, erg_ticks *ticks) {
    char power[20], label[32];
    for (int e = (int)floor(axis->low); e <= axis->high + 1e-9; e++) {
        write_power(power, sizeof(power), e);
        for (int m = 1; m < 10 && (m == 1 || stride == 1); m++) {
            label[0] = '\0';
            if (m == 1 && e % stride == 0) {
                snprintf(label, sizeof(label), "%s", power);
            } else if (m > 1 && named >> m & 1) {
                snprintf(label, sizeof(label), "%d×%s", m, power);
            }
            if (*label || stride <= 10) {
                add_tick(ticks, (e + log10(m) - axis->low) / (axis->high - axis->low), label);
            }
        }
    }
}

void erg_axis_ticks(const erg_axis *axis, int most, erg_ticks *ticks) {
    double decades = axis->high - axis->low;
    ticks->count = 0;
    ticks->factor[0] = '\0';
    if (!axis->log) {
        divide_linearly(axis, axis->low, axis->high, most, ticks);
    } else if (decades < 0.7 && axis->low > -300 && axis->high < 308) {
        divide_linearly(axis, pow(10, axis->low), pow(10, axis->high), most, ticks);
    } else if (decades < 2) {
        divide_decades(axis, 1, 1u << 2 | 1u << 5, ticks);
    } else {
        static const int strides[] = {1, 2, 5, 10, 20, 50, 100, 200, 500};
        int i = 0;
        while (decades / strides[i] > most) {
            i++;
        }
        divide_decades(axis, strides[i], 0, ticks);
    }
}

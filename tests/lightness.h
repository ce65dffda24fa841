/* lightness.h: how bright a colour looks. */
#ifndef ERG_TESTS_LIGHTNESS_H
#define ERG_TESTS_LIGHTNESS_H

#include <math.h>
#include <stdint.h>

/* CIE L* of an sRGB colour. */
static double lightness(uint32_t color) {
    static const double weights[3] = {0.2126729, 0.7151522, 0.0721750};
    double y = 0;
    for (int c = 0; c < 3; c++) {
        double v = (color >> (16 - 8 * c) & 0xFF) / 255.0;
        y += weights[c] * (v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
    }
    return y > 216.0 / 24389 ? 116 * cbrt(y) - 16 : 24389.0 / 27 * y;
}

#endif

/* colormap.c: colours for heat maps.
 *
 * A path through the CIE LCh space: lightness rises linearly, while the hue turns from violet over
 * blue and green to yellow, and chroma is as large as the screen's gamut allows on the way. So
 * equal steps of the value look about equally large, also in grey and to the colour-blind.
 * CIE 15:2004 gives Lab, IEC 61966-2-1 sRGB. */
#include <math.h>

#include "canvas.h"

/* The inverse of the Lab compression: f(u) -> u. */
static double expand(double f) {
    return f > 6.0 / 29 ? f * f * f : 3 * (6.0 / 29) * (6.0 / 29) * (f - 4.0 / 29);
}

/* Linear light to one sRGB byte. */
static uint32_t srgb_byte(double light) {
    double v = light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055;
    return (uint32_t)(fmin(fmax(v, 0), 1) * 255 + 0.5);
}

uint32_t erg_colormap(double t) {
    if (t != t) {
        return ERG_COLOR_NAN;
    }
    t = fmin(fmax(t, 0), 1);

    double lightness = 14 + 76 * t;
    double hue = (310 - 300 * t + 95 * t * t) * (3.14159265358979323846 / 180);
    double chroma = 33 - 57 * t + 96 * t * t;

    double fy = (lightness + 16) / 116;
    double x = 0.95047 * expand(fy + chroma * cos(hue) / 500); /* D65 white */
    double y = expand(fy);
    double z = 1.08883 * expand(fy - chroma * sin(hue) / 200);

    return srgb_byte(3.2404542 * x - 1.5371385 * y - 0.4985314 * z) << 16 |
           srgb_byte(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z) << 8 |
           srgb_byte(0.0556434 * x - 0.2040259 * y + 1.0572252 * z);
}

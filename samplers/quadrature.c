/* quadrature.c: the partition function of an energy in the plane, Z = integral of exp(-E), by the
 * midpoint rule on a box that grows until nothing is left outside.
 *
 * For a smooth function that vanishes at the edge the rule's error falls faster than any power of
 * the cell size (Trefethen & Weideman 2014), so the sum is exact once cells are smaller than the
 * finest feature of the density is wide. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "samplers.h"

enum { MAX_POINTS = 4000 };

/* Sums over one box, with everything multiplied by exp(low) so that nothing overflows. */
typedef struct sums {
    double low;    /* the least energy */
    double mass;   /* sum exp(low - E) */
    double energy; /* sum E exp(low - E) */
    double outer;  /* mass in the outer ring */
} sums;

/* The cell centres of row i of the box into points (n, 2). */
static void fill_row(erg_tensor *points, erg_quadrature_options o, double half, int i) {
    double cell = 2 * half / o.points;
    for (int j = 0; j < o.points; j++) {
        erg_tensor_set(points, 2 * j, o.center_x - half + (j + 0.5) * cell);
        erg_tensor_set(points, 2 * j + 1, o.center_y - half + (i + 0.5) * cell);
    }
}

/* Adds an element, rescaling what is there if it is a new least energy. */
static void add(sums *s, double e, bool outer) {
    if (e < s->low) {
        double factor = isfinite(s->low) ? exp(e - s->low) : 0;
        s->mass *= factor;
        s->energy *= factor;
        s->outer *= factor;
        s->low = e;
    }
    double p = e < INFINITY ? exp(s->low - e) : 0;
    s->mass += p;
    s->energy += p > 0 ? e * p : 0;
    s->outer += outer ? p : 0;
}

static erg_status integrate_box(erg_evaluator *evaluator, erg_quadrature_options o, double half,
                                erg_tensor *points, erg_tensor *energies, sums *s) {
    int ring = o.points / 20 > 0 ? o.points / 20 : 1;
    *s = (sums){.low = INFINITY};
    for (int i = 0; i < o.points; i++) {
        fill_row(points, o, half, i);
        erg_status status = erg_evaluator_run(evaluator, points, energies);
        if (status != ERG_OK)
            return status;
        bool edge = i < ring || i >= o.points - ring;
        for (int j = 0; j < o.points; j++) {
            double e = erg_tensor_get(energies, j);
            if (isnan(e) || e == -INFINITY)
                return erg_fail(ERG_ERROR_ARGUMENT, "quadrature: the energy at (%g, %g) is %g",
                                erg_tensor_get(points, 2 * j), erg_tensor_get(points, 2 * j + 1),
                                e);
            add(s, e, edge || j < ring || j >= o.points - ring);
        }
    }
    return ERG_OK;
}

/* One box, with room for a row of its points. */
static erg_status integrate(erg_evaluator *evaluator, erg_quadrature_options o, double half,
                            sums *s) {
    erg_tensor *points = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(o.points, 2));
    erg_tensor *energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(o.points));
    erg_status status = ERG_ERROR_MEMORY;
    if (points && energies)
        status = integrate_box(evaluator, o, half, points, energies, s);
    erg_tensor_free(points);
    erg_tensor_free(energies);
    return status;
}

erg_status erg_quadrature_2d(erg_evaluator *evaluator, erg_quadrature_options options,
                             erg_quadrature *result) {
    erg_quadrature_options o = options;
    o.half_width = o.half_width != 0 ? o.half_width : 4;
    o.points = o.points ? o.points : 400;
    o.tail = o.tail != 0 ? o.tail : 1e-6;
    if (!result || !(o.half_width > 0) || o.points < 2 || o.points > MAX_POINTS || !(o.tail > 0))
        return erg_fail(ERG_ERROR_ARGUMENT, "quadrature: half width %g, %d points (2 to %d), tail "
                        "%g, or no result", o.half_width, o.points, MAX_POINTS, o.tail);
    double half = o.half_width;
    sums s = {0};
    for (; half <= 1000 * o.half_width; half *= 1.5) {
        erg_status status = integrate(evaluator, o, half, &s);
        if (status != ERG_OK)
            return status;
        if (s.mass > 0 && s.outer <= o.tail * s.mass) {
            double cell = 2 * half / o.points;
            *result = (erg_quadrature){.log_z = log(s.mass * cell * cell) - s.low,
                                       .mean_energy = s.energy / s.mass,
                                       .half_width = half,
                                       .outer_mass = s.outer / s.mass};
            return ERG_OK;
        }
        o.points = o.points * 3 / 2 < MAX_POINTS ? o.points * 3 / 2 : MAX_POINTS;
    }
    return erg_fail(ERG_ERROR_ARGUMENT, "quadrature: %g of the mass is in the outer ring of a box "
                    "of half width %g: the energy does not grow enough to be normalised",
                    s.mass > 0 ? s.outer / s.mass : NAN, half / 1.5);
}

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

enum {
    MAX_POINTS = 4000,      /* a side */
    GLANCE = 100,           /* points a side of the coarse look that finds the box */
    BLOCK = GLANCE * GLANCE /* points given to the evaluator at once */
};

/* A grid of points x points cells, and buffers for BLOCK of them. */
typedef struct grid {
    erg_evaluator *evaluator;
    erg_tensor *at, *energies;
    double center_x, center_y, half;
    int points;
} grid;

/* Sums over the cells, with everything multiplied by exp(low) so that nothing overflows. */
typedef struct sums {
    double low;    /* the least energy */
    double mass;   /* sum exp(low - E) */
    double energy; /* sum E exp(low - E) */
    double outer;  /* mass in the outer ring */
} sums;

/* ------------------------------------------------------------------------------- one box */

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

/* The middle of cell number `cell` of the grid. */
static void locate(const grid *g, int cell, double *x, double *y) {
    double width = 2 * g->half / g->points;
    *x = g->center_x - g->half + (cell % g->points + 0.5) * width;
    *y = g->center_y - g->half + (cell / g->points + 0.5) * width;
}

/* The outer ring is a tenth of the half width: a twentieth of the points at each side. */
static bool is_outer(const grid *g, int cell) {
    int ring = g->points / 20 > 0 ? g->points / 20 : 1;
    int i = cell / g->points, j = cell % g->points;
    return i < ring || i >= g->points - ring || j < ring || j >= g->points - ring;
}

/* Adds the cells first .. first + BLOCK - 1, as far as there are so many. */
static erg_status add_block(grid *g, int first, sums *s) {
    int last = g->points * g->points - 1;
    for (int k = 0; k < BLOCK; k++) {
        double x, y;
        locate(g, first + k < last ? first + k : last, &x, &y);
        erg_tensor_set(g->at, 2 * k, x);
        erg_tensor_set(g->at, 2 * k + 1, y);
    }
    erg_status status = erg_evaluator_run(g->evaluator, g->at, g->energies);
    for (int k = 0; status == ERG_OK && k < BLOCK && first + k <= last; k++) {
        double e = erg_tensor_get(g->energies, k);
        if (isnan(e) || e == -INFINITY)
            return erg_fail(ERG_ERROR_ARGUMENT, "quadrature: the energy at (%g, %g) is %s",
                            erg_tensor_get(g->at, 2 * k), erg_tensor_get(g->at, 2 * k + 1),
                            isnan(e) ? "NaN" : "-infinity");
        add(s, e, is_outer(g, first + k));
    }
    return status;
}

static erg_status integrate(grid *g, int points, sums *s) {
    g->points = points;
    *s = (sums){.low = INFINITY};
    erg_status status = ERG_OK;
    for (int first = 0; status == ERG_OK && first < points * points; first += BLOCK)
        status = add_block(g, first, s);
    return status;
}

/* ------------------------------------------------------------------------------- the right box */

static bool holds_all(const sums *s, double tail) {
    return s->mass > 0 && s->outer <= tail * s->mass;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* Each box gets a glance first: one that is too small, or an energy that no box can hold, should
 * not cost millions of points. */
static erg_status search(grid *g, erg_quadrature_options o, sums *s) {
    double limit = 1000 * o.half_width;
    for (int points = o.points; g->half <= limit; points = smaller(points * 3 / 2, MAX_POINTS)) {
        erg_status status = integrate(g, smaller(points, GLANCE), s);
        if (status == ERG_OK && points > GLANCE && holds_all(s, o.tail))
            status = integrate(g, points, s);
        if (status != ERG_OK || holds_all(s, o.tail))
            return status;
        g->half *= 1.5;
    }
    if (!(s->mass > 0))
        return erg_fail(ERG_ERROR_ARGUMENT, "quadrature: the energy is infinite everywhere");
    return erg_fail(ERG_ERROR_ARGUMENT,
                    "quadrature: %g of the mass is in the outer ring of a box of half width %g: "
                    "the energy does not grow enough to be normalised",
                    s->outer / s->mass, g->half / 1.5);
}

static void conclude(const grid *g, const sums *s, erg_quadrature *result) {
    double width = 2 * g->half / g->points;
    *result = (erg_quadrature){.log_z = log(s->mass * width * width) - s->low,
                               .mean_energy = s->energy / s->mass,
                               .half_width = g->half,
                               .outer_mass = s->outer / s->mass};
}

erg_status erg_quadrature_2d(erg_evaluator *evaluator, erg_quadrature_options options,
                             erg_quadrature *result) {
    erg_quadrature_options o = options;
    o.half_width = o.half_width != 0 ? o.half_width : 4;
    o.points = o.points ? o.points : 400;
    o.tail = o.tail != 0 ? o.tail : 1e-6;
    if (!result || !(o.half_width > 0 && isfinite(1000 * o.half_width)) || o.points < 2 ||
        o.points > MAX_POINTS || !(o.tail > 0))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "quadrature: half width %g, %d points (2 to %d), tail %g, or no result",
                        o.half_width, o.points, MAX_POINTS, o.tail);
    grid g = {.evaluator = evaluator,
              .at = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(BLOCK, 2)),
              .energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(BLOCK)),
              .center_x = o.center_x,
              .center_y = o.center_y,
              .half = o.half_width};
    sums s;
    erg_status status = g.at && g.energies ? search(&g, o, &s) : ERG_ERROR_MEMORY;
    if (status == ERG_OK)
        conclude(&g, &s, result);
    erg_tensor_free(g.at);
    erg_tensor_free(g.energies);
    return status;
}

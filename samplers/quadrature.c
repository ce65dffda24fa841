/* quadrature.c: the partition function of an energy in one to three dimensions, Z = integral of
 * exp(-E), by the midpoint rule on a box that grows until nothing is left outside.
 *
 * For a smooth function that vanishes at the edge the rule's error falls faster than any power of
 * the cell size (Trefethen & Weideman 2014), so the sum is exact once cells are smaller than the
 * finest feature of the density is wide. */
#include <stdbool.h>

#include "boltzmann.h"
#include "samplers.h"

enum {
    MAX_DIMS = 3,
    BLOCK = 10000 /* points given to the evaluator at once */
};

/* Points a side, by dimension. */
static const struct {
    int points; /* default */
    int most;   /* 16 million in all */
    int glance; /* of the coarse look that finds the box */
} sides[MAX_DIMS + 1] = {{0}, {4000, 16000000, 1000}, {400, 4000, 100}, {100, 250, 40}};

/* A grid of points^dims cells, and buffers for BLOCK of them. */
typedef struct grid {
    erg_evaluator *evaluator;
    erg_tensor *at, *energies;
    double center[MAX_DIMS];
    double half;
    int dims, points;
} grid;

typedef struct sums {
    erg_boltzmann all, outer; /* the whole box, and its outer ring */
} sums;

/* ------------------------------------------------------------------------------- one box */

/* Writes the middle of a cell to row `row` of the points; true if the cell is in the outer ring, a
 * tenth of the half width: a twentieth of the points at each side. */
static bool locate(const grid *g, int64_t cell, int64_t row) {
    double width = 2 * g->half / g->points;
    int ring = g->points / 20 > 0 ? g->points / 20 : 1;
    bool outer = false;
    for (int axis = 0; axis < g->dims; axis++, cell /= g->points) {
        int i = (int)(cell % g->points);
        outer |= i < ring || i >= g->points - ring;
        erg_tensor_set(g->at, g->dims * row + axis, g->center[axis] - g->half + (i + 0.5) * width);
    }
    return outer;
}

static erg_status refuse_energy(const grid *g, int64_t row, double e) {
    double at[MAX_DIMS];
    for (int axis = 0; axis < g->dims; axis++)
        at[axis] = erg_tensor_get(g->at, g->dims * row + axis);
    const char *what = isnan(e) ? "NaN" : "-infinity";
    if (g->dims == 1)
        return erg_fail(ERG_ERROR_ARGUMENT, "quadrature: the energy at %g is %s", at[0], what);
    if (g->dims == 2)
        return erg_fail(ERG_ERROR_ARGUMENT, "quadrature: the energy at (%g, %g) is %s", at[0],
                        at[1], what);
    return erg_fail(ERG_ERROR_ARGUMENT, "quadrature: the energy at (%g, %g, %g) is %s", at[0],
                    at[1], at[2], what);
}

/* Adds the cells first .. first + BLOCK - 1, as far as there are so many. */
static erg_status add_block(grid *g, int64_t first, int64_t count, sums *s) {
    bool outer[BLOCK];
    for (int k = 0; k < BLOCK; k++)
        outer[k] = locate(g, first + k < count ? first + k : count - 1, k);
    erg_status status = erg_evaluator_run(g->evaluator, g->at, g->energies);
    for (int k = 0; status == ERG_OK && k < BLOCK && first + k < count; k++) {
        double e = erg_tensor_get(g->energies, k);
        if (isnan(e) || e == -INFINITY)
            return refuse_energy(g, k, e);
        erg_boltzmann_add(&s->all, e);
        if (outer[k])
            erg_boltzmann_add(&s->outer, e);
    }
    return status;
}

static erg_status integrate(grid *g, int points, sums *s) {
    int64_t count = 1;
    for (int axis = 0; axis < g->dims; axis++)
        count *= points;
    g->points = points;
    *s = (sums){ERG_BOLTZMANN_EMPTY, ERG_BOLTZMANN_EMPTY};
    erg_status status = ERG_OK;
    for (int64_t first = 0; status == ERG_OK && first < count; first += BLOCK)
        status = add_block(g, first, count, s);
    return status;
}

/* ------------------------------------------------------------------------------- the right box */

static double outer_mass(const sums *s) {
    return exp(erg_boltzmann_log(&s->outer) - erg_boltzmann_log(&s->all));
}

static bool holds_all(const sums *s, double tail) {
    return s->all.mass > 0 && outer_mass(s) <= tail;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* Each box gets a glance first: one that is too small, or an energy that no box can hold, should
 * not cost millions of points. */
static erg_status search(grid *g, erg_quadrature_options o, sums *s) {
    double limit = 1000 * o.half_width;
    const int glance = sides[g->dims].glance, most = sides[g->dims].most;
    for (int points = o.points; g->half <= limit; points = smaller(points * 3 / 2, most)) {
        erg_status status = integrate(g, smaller(points, glance), s);
        if (status == ERG_OK && points > glance && holds_all(s, o.tail))
            status = integrate(g, points, s);
        if (status != ERG_OK || holds_all(s, o.tail))
            return status;
        g->half *= 1.5;
    }
    if (!(s->all.mass > 0))
        return erg_fail(ERG_ERROR_ARGUMENT, "quadrature: the energy is infinite everywhere");
    return erg_fail(ERG_ERROR_ARGUMENT,
                    "quadrature: %g of the mass is in the outer ring of a box of half width %g: "
                    "the energy does not grow enough to be normalised",
                    outer_mass(s), g->half / 1.5);
}

static void conclude(const grid *g, const sums *s, erg_quadrature *result) {
    double width = 2 * g->half / g->points;
    *result = (erg_quadrature){.log_z = erg_boltzmann_log(&s->all) + g->dims * log(width),
                               .mean_energy = s->all.energy / s->all.mass,
                               .half_width = g->half,
                               .outer_mass = outer_mass(s)};
}

static erg_status quadrature(erg_evaluator *evaluator, int dims, erg_quadrature_options options,
                             erg_quadrature *result) {
    erg_quadrature_options o = options;
    o.half_width = o.half_width != 0 ? o.half_width : 4;
    o.points = o.points ? o.points : sides[dims].points;
    o.tail = o.tail != 0 ? o.tail : 1e-6;
    if (!result || !(o.half_width > 0 && isfinite(1000 * o.half_width)) || o.points < 2 ||
        o.points > sides[dims].most || !(o.tail > 0))
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "quadrature: half width %g, %d points (2 to %d), tail %g, or no result",
                        o.half_width, o.points, sides[dims].most, o.tail);
    grid g = {.evaluator = evaluator,
              .at = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(BLOCK, dims)),
              .energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(BLOCK)),
              .center = {o.center_x, o.center_y, o.center_z},
              .half = o.half_width,
              .dims = dims};
    sums s;
    erg_status status = g.at && g.energies ? search(&g, o, &s) : ERG_ERROR_MEMORY;
    if (status == ERG_OK)
        conclude(&g, &s, result);
    erg_tensor_free(g.at);
    erg_tensor_free(g.energies);
    return status;
}

erg_status erg_quadrature_1d(erg_evaluator *evaluator, erg_quadrature_options options,
                             erg_quadrature *result) {
    return quadrature(evaluator, 1, options, result);
}

erg_status erg_quadrature_2d(erg_evaluator *evaluator, erg_quadrature_options options,
                             erg_quadrature *result) {
    return quadrature(evaluator, 2, options, result);
}

erg_status erg_quadrature_3d(erg_evaluator *evaluator, erg_quadrature_options options,
                             erg_quadrature *result) {
    return quadrature(evaluator, 3, options, result);
}

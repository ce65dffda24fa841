/* neighbours.c: precision and recall of samples (Kynkaanniemi et al. 2019). The support of a set of
 * points is taken to be the union of balls around each that reach to its k-th nearest neighbour in
 * the set. */
#include <math.h>
#include <stdlib.h>

#include "points.h"

/* Keeps the k least numbers, in ascending order. */
static void insert(double *least, int k, double x) {
    int place = k;
    for (; place > 0 && x < least[place - 1]; place--)
        if (place < k)
            least[place] = least[place - 1];
    if (place < k)
        least[place] = x;
}

/* The square of each ball's radius; `least` holds k numbers. */
static void find_radii(const erg_points *p, int k, double *least, double *radii) {
    for (int64_t i = 0; i < p->n; i++) {
        for (int n = 0; n < k; n++)
            least[n] = INFINITY;
        for (int64_t j = 0; j < p->n; j++)
            if (j != i)
                insert(least, k, erg_square_distance(p->x + i * p->d, p->x + j * p->d, p->d));
        radii[i] = least[k - 1];
    }
}

/* The part of `points` that lies in a ball around one of `centres`. */
static double part_inside(const erg_points *points, const erg_points *centres,
                          const double *radii) {
    int64_t inside = 0;
    for (int64_t i = 0; i < points->n; i++) {
        int64_t j = 0;
        while (j < centres->n &&
               erg_square_distance(points->x + i * points->d, centres->x + j * points->d,
                                   points->d) > radii[j])
            j++;
        inside += j < centres->n;
    }
    return (double)inside / (double)points->n;
}

erg_status erg_precision_recall(const erg_tensor *samples, const erg_tensor *data, int k,
                                double *precision, double *recall) {
    erg_points p, q;
    int neighbours = k ? k : 3;
    if (!precision || !recall || neighbours < 1 || neighbours > 1000)
        return erg_fail(ERG_ERROR_ARGUMENT, "precision_recall: %d neighbours, or no result",
                        neighbours);
    erg_status status =
        erg_points_read_two("precision_recall", samples, data, (int64_t)neighbours + 1, &p, &q);
    if (status != ERG_OK)
        return status;
    int64_t most = p.n > q.n ? p.n : q.n;
    double *least = calloc((size_t)neighbours, sizeof *least);
    double *radii = calloc((size_t)most, sizeof *radii);
    if (least && radii) {
        find_radii(&q, neighbours, least, radii);
        *precision = part_inside(&p, &q, radii);
        find_radii(&p, neighbours, least, radii);
        *recall = part_inside(&q, &p, radii);
    } else {
        status = erg_fail(ERG_ERROR_MEMORY, "precision_recall: out of memory");
    }
    free(least);
    free(radii);
    free(p.x);
    free(q.x);
    return status;
}

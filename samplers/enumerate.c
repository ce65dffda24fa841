/* enumerate.c: the partition function of a discrete model, Z = sum exp(-E), over all its states. */
#include <stdbool.h>

#include "boltzmann.h"
#include "samplers.h"

enum {
    MAX_BITS = 26, /* at most 2^26 states */
    BLOCK = 4096   /* states given to the evaluator at once */
};

/* Counts in base q: digit k of a state's number is the value of site k. */
typedef struct counter {
    int64_t sites, states;
    int q;
    const double *values; /* NULL: one-hot */
} counter;

/* Writes state number `state` from element `at` on. */
static void write_state(const counter *c, int64_t state, erg_tensor *points, int64_t at) {
    for (int64_t site = 0; site < c->sites; site++, state /= c->q) {
        int digit = (int)(state % c->q);
        if (c->values)
            erg_tensor_set(points, at + site, c->values[digit]);
        for (int k = 0; !c->values && k < c->q; k++)
            erg_tensor_set(points, at + site * c->q + k, k == digit);
    }
}

static erg_status sum_states(erg_evaluator *evaluator, const counter *c, erg_tensor *points,
                             erg_tensor *energies, erg_boltzmann *sum) {
    int64_t rows = erg_tensor_size(energies), width = erg_tensor_size(points) / rows;
    for (int64_t first = 0; first < c->states; first += rows) {
        for (int64_t k = 0; k < rows; k++)
            write_state(c, (first + k) % c->states, points, k * width);
        erg_status status = erg_evaluator_run(evaluator, points, energies);
        for (int64_t k = 0; status == ERG_OK && k < rows && first + k < c->states; k++) {
            double e = erg_tensor_get(energies, k);
            if (isnan(e) || e == -INFINITY)
                return erg_fail(ERG_ERROR_ARGUMENT, "enumerate: the energy of state %lld is %s",
                                (long long)(first + k), isnan(e) ? "NaN" : "-infinity");
            erg_boltzmann_add(sum, e);
        }
        if (status != ERG_OK)
            return status;
    }
    return ERG_OK;
}

/* q^sites, or 0 if that is too many. */
static int64_t count_states(int64_t sites, int q) {
    int64_t states = 1;
    for (int64_t site = 0; site < sites; site++) {
        states *= q;
        if (states > INT64_C(1) << MAX_BITS)
            return 0;
    }
    return states;
}

static erg_status prepare(erg_shape sample, const double *values, int q, counter *c) {
    char text[ERG_SHAPE_TEXT];
    int64_t size = erg_shape_size(sample);
    bool one_hot = !values, fits = sample.ndim < ERG_MAX_DIMS && size > 0 && q >= 1;
    if (fits && one_hot)
        fits = sample.ndim > 0 && sample.dims[sample.ndim - 1] == q;
    if (!fits)
        return erg_fail(ERG_ERROR_ARGUMENT, "enumerate: samples %s of sites with %d values%s",
                        erg_shape_text(sample, text), q,
                        one_hot ? ", one-hot along the last axis" : "");
    int64_t sites = one_hot ? size / q : size;
    *c = (counter){sites, q > 1 ? count_states(sites, q) : 1, q, values};
    return c->states ? ERG_OK
                     : erg_fail(ERG_ERROR_ARGUMENT, "enumerate: %d^%lld states are more than 2^%d",
                                q, (long long)sites, MAX_BITS);
}

/* (rows, sample...) */
static erg_tensor *points_of(int64_t rows, erg_shape sample) {
    int64_t dims[ERG_MAX_DIMS] = {rows};
    for (int k = 0; k < sample.ndim; k++)
        dims[k + 1] = sample.dims[k];
    return erg_tensor_new(ERG_FLOAT64, erg_shape_make(sample.ndim + 1, dims));
}

erg_status erg_enumerate(erg_evaluator *evaluator, erg_shape sample, const double *values, int q,
                         erg_enumeration *result) {
    counter c;
    if (!result)
        return erg_fail(ERG_ERROR_ARGUMENT, "enumerate: no result");
    erg_status status = prepare(sample, values, q, &c);
    if (status != ERG_OK)
        return status;
    int64_t rows = c.states < BLOCK ? c.states : BLOCK;
    erg_tensor *points = points_of(rows, sample);
    erg_tensor *energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(rows));
    erg_boltzmann sum = ERG_BOLTZMANN_EMPTY;
    status =
        points && energies ? sum_states(evaluator, &c, points, energies, &sum) : ERG_ERROR_MEMORY;
    if (status == ERG_OK && !(sum.mass > 0))
        status = erg_fail(ERG_ERROR_ARGUMENT, "enumerate: the energy is infinite everywhere");
    if (status == ERG_OK)
        *result = (erg_enumeration){erg_boltzmann_log(&sum), sum.energy / sum.mass, c.states};
    erg_tensor_free(points);
    erg_tensor_free(energies);
    return status;
}

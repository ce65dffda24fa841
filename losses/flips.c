/* flips.c: the neighbours of a binary sample x of values l and h, as one batch D times as large: row
 * i B + b is sample b with x_i replaced by l + h - x_i. */
#include <math.h>

#include "flips.h"
#include "samples.h"

bool erg_binary_check(const char *loss, erg_node *data, erg_binary *values) {
    erg_graph *graph = erg_node_graph(data);
    if (!data || erg_node_shape(data).ndim < 1)
        return erg_graph_fail(graph, "%s: no %s", loss, data ? "batch axis" : "data");
    if (values->low == 0 && values->high == 0)
        values->high = 1;
    return (values->low < values->high && isfinite(values->low) && isfinite(values->high)) ||
           erg_graph_fail(graph, "%s: values %g and %g", loss, values->low, values->high);
}

/* E(x) - E(x with element i flipped), (D, B). */
static erg_node *drops_of(const char *loss, erg_energy energy, erg_node *data, erg_binary values) {
    erg_node *e = erg_binary_check(loss, data, &values) ? erg_energy_apply(energy, data) : NULL;
    erg_node *units = e ? erg_samples_units(data) : NULL;
    if (!units)
        return NULL;
    int64_t d = erg_node_shape(units).dims[1];
    erg_shape shape = erg_node_shape(data);
    erg_node *x = erg_samples_repeat(erg_samples_flat(data), d);
    erg_node *change = erg_add_scalar(erg_mul_scalar(x, -2), values.low + values.high);
    erg_node *flipped = erg_add(x, erg_mul(units, change));
    shape.dims[0] *= d;
    flipped = erg_reshape(flipped, shape.ndim, shape.dims);
    return erg_sub(e, erg_samples_split(erg_energy_apply(energy, flipped), d));
}

erg_node *erg_flips_loss(const char *loss, erg_energy energy, erg_node *data, erg_binary values,
                         erg_node *(*f)(erg_node *drops)) {
    erg_node *drops = drops_of(loss, energy, data, values);
    return drops ? erg_samples_total(f(drops)) : NULL;
}

/* lattice.c: spins on a lattice of any dimension, neighbours bound along each axis:
 *
 *     Ising  E(s) = -J sum_<ij> s_i s_j - sum_i h_i s_i,             s_i = -1 or 1,
 *     Potts  E(s) = -J sum_<ij> [s_i = s_j] - sum_i h_i(s_i),        s_i one of Q states.
 *
 * With Potts states as vectors of zeros and a one, [s_i = s_j] is their inner product, so that both
 * are the same sums of products. Both energies are polynomials, so they have a gradient by s, which
 * samplers of discrete states use. */
#include "module.h"

/* The sum over the bonds along one axis, (B). Each pair of neighbours counts once: a closed axis of
 * two sites has one bond, not two. */
static erg_node *bonds(erg_node *s, int axis, bool open) {
    int64_t sites = erg_node_shape(s).dims[axis];
    erg_node *sum = erg_module_sum(
        erg_mul(erg_slice(s, axis, 0, sites - 1, 1), erg_slice(s, axis, 1, ERG_END, 1)));
    if (open || sites < 3)
        return sum;
    erg_node *first = erg_slice(s, axis, 0, 1, 1), *last = erg_slice(s, axis, -1, ERG_END, 1);
    return erg_add(sum, erg_module_sum(erg_mul(first, last)));
}

/* s is (B, sites..., inner axes). */
static erg_node *energy(const char *function, const erg_lattice *lattice, erg_node *s, int inner) {
    erg_graph *graph = erg_node_graph(s);
    if (!lattice || !lattice->coupling)
        return erg_graph_fail(graph, "%s: no %s", function, lattice ? "coupling" : "lattice");
    if (erg_node_shape(lattice->coupling).ndim != 0)
        return erg_graph_fail(graph, "%s: the coupling must have shape ()", function);
    erg_shape shape = erg_node_shape(s);
    if (shape.ndim < 2 + inner)
        return erg_module_refuse(function, s, "(B, sites...%s)", inner ? ", states" : "");
    erg_node *sum = NULL;
    for (int axis = 1; axis < shape.ndim - inner; axis++) {
        erg_node *along = bonds(s, axis, lattice->open);
        sum = sum ? erg_add(sum, along) : along;
    }
    erg_node *result = erg_neg(erg_mul(lattice->coupling, sum));
    if (!lattice->field)
        return result;
    erg_node *field = erg_mul(s, lattice->field);
    if (field && !erg_shape_equal(erg_node_shape(field), shape))
        return erg_graph_fail(graph, "%s: the field is larger than a sample", function);
    return erg_sub(result, erg_module_sum(field));
}

erg_node *erg_ising_energy(void *self, erg_node *s) {
    return energy("ising_energy", self, s, 0);
}

erg_node *erg_potts_energy(void *self, erg_node *s) {
    return energy("potts_energy", self, s, 1);
}

/* evaluate.c: an energy at many points, a chunk at a time through one plan. */
#include <stdlib.h>

#include "nn.h"

struct erg_evaluator {
    erg_node *points; /* (chunk, sample...) */
    erg_plan *plan;
};

erg_evaluator *erg_evaluator_new(erg_graph *graph, erg_energy energy, erg_dtype dtype,
                                 erg_shape sample, int64_t chunk) {
    if (sample.ndim < 0 || sample.ndim >= ERG_MAX_DIMS || chunk < 0) {
        erg_graph_fail(graph, "evaluator: needs a sample of 0 to %d axes and a chunk >= 0",
                       ERG_MAX_DIMS - 1);
        return NULL;
    }
    int64_t dims[ERG_MAX_DIMS] = {chunk ? chunk : 1024};
    for (int i = 0; i < sample.ndim; i++)
        dims[i + 1] = sample.dims[i];
    erg_node *points = erg_input(graph, NULL, dtype, erg_shape_make(sample.ndim + 1, dims));
    erg_node *e = erg_energy_apply(energy, points);
    erg_plan *plan = e ? erg_compile(&e, 1) : NULL;
    erg_evaluator *evaluator = plan ? malloc(sizeof *evaluator) : NULL;
    if (plan && !evaluator)
        erg_fail(ERG_ERROR_MEMORY, "evaluator: out of memory");
    if (evaluator)
        *evaluator = (erg_evaluator){points, plan};
    else
        erg_plan_free(plan);
    return evaluator;
}

void erg_evaluator_free(erg_evaluator *evaluator) {
    if (evaluator)
        erg_plan_free(evaluator->plan);
    free(evaluator);
}

static erg_status check(const erg_evaluator *evaluator, const erg_tensor *points,
                        const erg_tensor *energies) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!evaluator || !points || !energies)
        return erg_fail(ERG_ERROR_ARGUMENT, "evaluator_run: no %s",
                        !evaluator ? "evaluator"
                        : points   ? "energies"
                                   : "points");
    erg_shape shape = points->shape, chunk = erg_node_shape(evaluator->points);
    shape.dims[0] = chunk.dims[0];
    if (points->shape.ndim < 1 || points->dtype == ERG_INT32 || !erg_shape_equal(shape, chunk))
        return erg_fail(ERG_ERROR_ARGUMENT, "evaluator_run: points are %s %s, made for %s",
                        erg_dtype_name(points->dtype), erg_shape_text(points->shape, a),
                        erg_shape_text(chunk, b));
    if (energies->dtype != ERG_FLOAT64 ||
        !erg_shape_equal(energies->shape, ERG_SHAPE(points->shape.dims[0])))
        return erg_fail(ERG_ERROR_ARGUMENT, "evaluator_run: energies are %s %s for %lld points",
                        erg_dtype_name(energies->dtype), erg_shape_text(energies->shape, a),
                        (long long)points->shape.dims[0]);
    return ERG_OK;
}

/* Rows first, first + 1, ... of the points into the chunk. The last chunk is filled up with its
 * first point, so that no stale one can be not finite. */
static void fill(erg_tensor *chunk, const erg_tensor *points, int64_t first) {
    int64_t rows = chunk->shape.dims[0], n = points->shape.dims[0];
    int64_t width = erg_tensor_size(chunk) / rows;
    for (int64_t i = 0; i < rows; i++) {
        int64_t row = first + i < n ? first + i : first;
        for (int64_t j = 0; j < width; j++)
            erg_tensor_set(chunk, i * width + j, erg_tensor_get(points, row * width + j));
    }
}

/* The run counter is put back: looking at energies must not change the noise that follows. */
erg_status erg_evaluator_run(erg_evaluator *evaluator, const erg_tensor *points,
                             erg_tensor *energies) {
    erg_status status = check(evaluator, points, energies);
    if (status != ERG_OK)
        return status;
    erg_graph *graph = erg_node_graph(evaluator->points);
    erg_tensor *chunk = erg_value(evaluator->points);
    const erg_tensor *e = erg_output(evaluator->plan, 0);
    int64_t n = points->shape.dims[0], rows = chunk->shape.dims[0];
    uint64_t runs = erg_graph_runs(graph);
    for (int64_t first = 0; first < n; first += rows) {
        fill(chunk, points, first);
        erg_run(evaluator->plan);
        for (int64_t i = 0; i < rows && first + i < n; i++)
            erg_tensor_set(energies, first + i, erg_tensor_get(e, i));
    }
    erg_graph_set_runs(graph, runs);
    return ERG_OK;
}

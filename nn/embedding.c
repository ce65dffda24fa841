/* embedding.c: a table of vectors, one for each index. */
#include "module.h"

erg_embedding *erg_embedding_new(erg_graph *graph, const char *name, int64_t count, int64_t width,
                                 erg_embedding_options options) {
    if (count < 1 || width < 1) {
        erg_graph_fail(graph, "embedding: %lld vectors of width %lld, both must be at least 1",
                       (long long)count, (long long)width);
        return NULL;
    }
    erg_embedding *embedding = erg_module_open(graph, name, sizeof *embedding);
    if (!embedding)
        return NULL;
    embedding->weight = erg_param(graph, "weight", options.dtype, ERG_SHAPE(count, width));
    if (embedding->weight)
        erg_module_check(graph, "embedding", erg_init_normal(embedding->weight, 1));
    return erg_module_close(graph, embedding);
}

erg_node *erg_embedding_apply(const erg_embedding *embedding, erg_node *index) {
    if (!embedding)
        return erg_graph_fail(erg_node_graph(index), "embedding: no layer");
    return erg_take(embedding->weight, index, 0);
}

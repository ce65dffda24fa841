/* rejection.c: accepts proposals, and takes the first accepted one of K. */
#include "rejection.h"

erg_node *erg_rejection(erg_node *proposals, erg_node *probability) {
    erg_node *u = erg_uniform(erg_node_graph(proposals), erg_node_dtype(proposals),
                              erg_node_shape(proposals));
    erg_node *first = erg_unsqueeze(erg_argmax(erg_less(u, probability), -1), -1);
    return erg_squeeze(erg_gather(proposals, first, -1), -1);
}

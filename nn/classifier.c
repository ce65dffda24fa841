/* classifier.c: a classifier is an energy (JEM, Grathwohl et al. 2020). Its logits f(x)[y] define
 * p(x, y) = exp(f(x)[y]) / Z, and so
 *
 *     E(x) = -log sum_y exp(f(x)[y]),   E(x | y) = -f(x)[y],
 *
 * while p(y | x) is the softmax as before. */
#include "module.h"

erg_node *erg_classifier_energy(void *self, erg_node *x) {
    const erg_classifier *classifier = self;
    erg_graph *graph = erg_node_graph(x);
    if (!classifier || !classifier->logits)
        return erg_graph_fail(graph, "classifier_energy: no %s",
                              classifier ? "logits" : "classifier");
    erg_node *logits = classifier->logits(classifier->self, x);
    erg_shape shape = erg_node_shape(logits);
    char text[ERG_SHAPE_TEXT];
    if (logits && (shape.ndim != 2 || shape.dims[0] != erg_node_shape(x).dims[0]))
        return erg_graph_fail(graph, "classifier_energy: the logits are %s, must be (B, classes)",
                              erg_shape_text(shape, text));
    if (!classifier->label)
        return erg_neg(erg_logsumexp(logits, ERG_AXES(1), 0));
    erg_node *label = erg_unsqueeze(classifier->label, 1);
    return erg_neg(erg_squeeze(erg_gather(logits, label, 1), 1));
}

/* classifier.c: a classifier is an energy (JEM, Grathwohl et al. 2020). Its logits f(x)[y] define
 * p(x, y) = exp(f(x)[y]) / Z, and so
 *
 *     E(x, y) = -f(x)[y],   E(x) = -log sum_y exp(f(x)[y]),
 *
 * while p(y | x) is the softmax as before. */
#include "module.h"

static erg_node *logits_of(const erg_classifier *classifier, const char *energy, erg_node *x) {
    erg_graph *graph = erg_node_graph(x);
    if (!classifier || !classifier->logits)
        return erg_graph_fail(graph, "%s: no %s", energy, classifier ? "logits" : "classifier");
    erg_node *logits = classifier->logits(classifier->self, x);
    erg_shape shape = erg_node_shape(logits);
    char text[ERG_SHAPE_TEXT];
    if (!logits || (shape.ndim == 2 && shape.dims[0] == erg_node_shape(x).dims[0]))
        return logits;
    return erg_graph_fail(graph, "%s: the logits are %s, must be (B, classes)", energy,
                          erg_shape_text(shape, text));
}

erg_node *erg_classifier_energy(void *self, erg_node *x) {
    erg_node *logits = logits_of(self, "classifier_energy", x);
    return logits ? erg_neg(erg_logsumexp(logits, ERG_AXES(1), 0)) : NULL;
}

erg_node *erg_classifier_joint_energy(void *self, erg_node *x, erg_node *label) {
    erg_node *logits = logits_of(self, "classifier_joint_energy", x);
    return logits ? erg_neg(erg_squeeze(erg_gather(logits, erg_unsqueeze(label, 1), 1), 1)) : NULL;
}

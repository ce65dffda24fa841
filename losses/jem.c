/* jem.c: a classifier trained as an energy too (Grathwohl et al. 2020). Its logits f(x)[y] define
 * p(x, y) = exp(f(x)[y]) / Z, and log p(x, y) = log p(y | x) + log p(x): the first is the usual
 * cross entropy, the second the likelihood of E(x) = -log sum_y exp(f(x)[y]), by contrast with
 * samples. Samples without a label take part in the second alone. */
#include "parts.h"

/* log sum_y exp(f[y]) - f[label] for labelled rows, 0 for others, whose one-hot row is all 0. */
erg_node *erg_cross_entropy(erg_node *logits, erg_node *labels) {
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    erg_shape shape = erg_node_shape(logits), rows = erg_node_shape(labels);
    if (!logits || !labels)
        return erg_graph_fail(erg_node_graph(logits ? logits : labels), "cross_entropy: no %s",
                              logits ? "labels" : "logits");
    if (shape.ndim != 2 || !erg_shape_equal(rows, ERG_SHAPE(shape.dims[0])))
        return erg_graph_fail(
            erg_node_graph(logits),
            "cross_entropy: logits %s and labels %s, must be (B, classes) and (B)",
            erg_shape_text(shape, a), erg_shape_text(rows, b));
    erg_node *hot = erg_one_hot(labels, shape.dims[1], erg_node_dtype(logits));
    erg_node *surprise = erg_sum(erg_mul(hot, erg_log_softmax(logits, 1)), ERG_ALL, 0);
    erg_node *count = erg_sum(hot, ERG_ALL, 0);
    return erg_neg(erg_div(surprise, erg_maximum(count, erg_full_like(count, 1))));
}

erg_node *erg_jem(const erg_classifier *classifier, erg_node *data, erg_node *labels,
                  erg_node *negatives, erg_jem_options options) {
    erg_graph *graph = erg_node_graph(data);
    double weight = erg_loss_option(options.weight, 1);
    if (!classifier || !classifier->logits)
        return erg_graph_fail(graph, "jem: no %s", classifier ? "logits" : "classifier");
    if (!(weight >= 0 && isfinite(weight)))
        return erg_graph_fail(graph, "jem: weight %g", weight);
    erg_node *entropy = erg_cross_entropy(classifier->logits(classifier->self, data), labels);
    erg_energy energy = {erg_classifier_energy, (void *)classifier};
    erg_node *contrast = erg_contrastive_divergence(
        energy, data, negatives,
        (erg_contrastive_options){.energy_penalty = options.energy_penalty});
    return erg_add(entropy, erg_mul_scalar(contrast, weight));
}

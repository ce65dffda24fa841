/* ranking.c: find the one that is real. Of one sample of the data and K of the noise, in unknown
 * order, the first is the data with probability
 *
 *     r(x_0) / sum_j r(x_j),    r = exp(-E) / p_n,
 *
 * in which Z cancels: ranking NCE (Jozefowicz et al. 2016; Ma & Collins 2018) never needs it. With
 * pairs (x, y) and the other samples' y as the noise this is InfoNCE (van den Oord, Li & Vinyals
 * 2018). */
#include <stdbool.h>

#include "samples.h"

erg_node *erg_info_nce(erg_node *scores) {
    char text[ERG_SHAPE_TEXT];
    erg_shape shape = erg_node_shape(scores);
    if (!scores || shape.ndim != 2 || shape.dims[0] != shape.dims[1])
        return erg_graph_fail(erg_node_graph(scores), "info_nce: scores %s, must be (B, B)",
                              scores ? erg_shape_text(shape, text) : "NULL");
    return erg_neg(erg_mean(erg_diagonal(erg_log_softmax(scores, 1)), ERG_ALL, 0));
}

static bool check(erg_node *data, erg_node *samples) {
    erg_graph *graph = erg_node_graph(data);
    char a[ERG_SHAPE_TEXT], b[ERG_SHAPE_TEXT];
    if (!data || !samples)
        return erg_graph_fail(graph ? graph : erg_node_graph(samples), "ranking: no %s",
                              data ? "samples of the noise" : "data");
    erg_shape real = erg_node_shape(data), fake = erg_node_shape(samples);
    return (real.ndim >= 1 && fake.ndim >= 1 && real.dims[0] > 0 && fake.dims[0] > 0 &&
            fake.dims[0] % real.dims[0] == 0) ||
           erg_graph_fail(graph, "ranking: noise %s is no multiple of data %s",
                          erg_shape_text(fake, b), erg_shape_text(real, a));
}

erg_node *erg_ranking(erg_energy energy, erg_node *data, erg_node *samples,
                      erg_energy noise_energy) {
    if (!check(data, samples))
        return NULL;
    int64_t rivals = erg_node_shape(samples).dims[0] / erg_node_shape(data).dims[0];
    erg_node *all[2] = {data, samples}, *x = erg_concat(all, 2, 0);
    erg_node *log_r = erg_sub(erg_energy_apply(noise_energy, x), erg_energy_apply(energy, x));
    log_r = erg_samples_split(log_r, rivals + 1);
    return erg_neg(erg_mean(erg_select(erg_log_softmax(log_r, 0), 0, 0), ERG_ALL, 0));
}

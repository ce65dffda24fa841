/* flow_contrastive.c: noise-contrastive estimation against noise that follows the data. Far from the
 * data any classifier tells noise apart and learns nothing, so flow contrastive estimation (Gao et al.
 * 2020) fits the noise as well. Here it is a Gaussian with independent elements, which is fitted in
 * closed form, by running means of the data and of its squared distance from them. A batch meets the
 * noise fitted to those before it: noise that knew the batch would be too close to it. */
#include <math.h>
#include <stdbool.h>

#include "projections.h"
#include "samples.h"

/* old + rate (found - old). */
static erg_node *follow(erg_node *old, erg_node *found, erg_node *rate) {
    return erg_add(old, erg_mul(rate, erg_sub(found, old)));
}

/* The moments before this batch, or of the first batch; and the update, in which the first batches
 * count alike, then the rate holds. */
static void fit(erg_fitted_noise *noise, erg_node *data, erg_fitted_noise_options o) {
    erg_graph *graph = erg_node_graph(data);
    erg_dtype dtype = erg_node_dtype(data);
    erg_shape sample = erg_node_shape(erg_select(data, 0, 0));
    erg_node *mean = erg_state(graph, "mean", dtype, sample);
    erg_node *variance = erg_state(graph, "variance", dtype, sample);
    erg_node *batches = erg_state(graph, "batches", dtype, ERG_SCALAR);
    erg_node *count = erg_add_scalar(batches, 1), *x = erg_stop_gradient(data);
    erg_node *rate = erg_maximum(erg_reciprocal(count), erg_scalar(graph, dtype, o.rate));
    erg_node *new_mean = follow(mean, erg_mean(x, ERG_AXES(0), 0), rate);
    erg_node *square = erg_mean(erg_square(erg_sub(x, new_mean)), ERG_AXES(0), 0);
    erg_node *new_variance = follow(variance, square, rate);
    erg_node *known = erg_where(batches, variance, new_variance);
    noise->mean = erg_where(batches, mean, new_mean);
    noise->std = erg_sqrt(erg_clamp(known, o.min_std * o.min_std, INFINITY));
    noise->update =
        erg_group((erg_node *[]){erg_assign(mean, new_mean), erg_assign(variance, new_variance),
                                 erg_assign(batches, count)},
                  3);
}

erg_fitted_noise *erg_fitted_noise_new(const char *name, erg_node *data,
                                       erg_fitted_noise_options options) {
    erg_graph *graph = erg_node_graph(data);
    erg_fitted_noise_options o = options;
    o.rate = erg_loss_option(o.rate, 0.05);
    o.min_std = erg_loss_option(o.min_std, 1e-3);
    if (!data || erg_node_shape(data).ndim < 1 || erg_node_shape(data).dims[0] < 1) {
        erg_graph_fail(graph, "fitted_noise: no %s", data ? "batch of samples" : "data");
        return NULL;
    }
    if (!(o.rate > 0 && o.rate <= 1) || !(o.min_std > 0 && isfinite(o.min_std))) {
        erg_graph_fail(graph, "fitted_noise: rate %g, least std %g", o.rate, o.min_std);
        return NULL;
    }
    erg_fitted_noise *noise = erg_graph_alloc(graph, sizeof *noise);
    if (!noise || erg_graph_error(graph))
        return NULL;
    erg_scope_push(graph, name);
    if (erg_graph_error(graph))
        return NULL;
    fit(noise, data, o);
    erg_scope_pop(graph);
    return erg_graph_error(graph) ? NULL : noise;
}

erg_node *erg_fitted_noise_energy(void *self, erg_node *x) {
    const erg_fitted_noise *noise = self;
    erg_node *z = erg_div(erg_sub(x, noise->mean), noise->std);
    erg_node *level = erg_add_scalar(erg_log(noise->std), 0.5 * log(2 * acos(-1)));
    erg_node *each = erg_add(erg_mul_scalar(erg_square(z), 0.5), level);
    return erg_sum(erg_samples_flat(each), ERG_AXES(1), 0);
}

erg_node *erg_fitted_noise_sample(const erg_fitted_noise *noise, int64_t n) {
    erg_node *mean = noise ? noise->mean : NULL;
    erg_shape sample = erg_node_shape(mean), shape = {.ndim = sample.ndim + 1, .dims = {n}};
    if (!mean)
        return erg_graph_fail(NULL, "fitted_noise_sample: no noise");
    for (int axis = 1; axis < shape.ndim; axis++)
        shape.dims[axis] = sample.dims[axis - 1];
    erg_node *z = erg_normal(erg_node_graph(mean), erg_node_dtype(mean), shape);
    return erg_add(mean, erg_mul(noise->std, z));
}

erg_node *erg_flow_contrastive(erg_energy energy, erg_node *data, erg_fitted_noise *noise,
                               erg_flow_contrastive_options options) {
    erg_graph *graph = erg_node_graph(data);
    int64_t ratio = options.ratio ? options.ratio : 1, batch = erg_node_shape(data).dims[0];
    if (!data || !noise)
        return erg_graph_fail(graph, "flow_contrastive: no %s", data ? "noise" : "data");
    if (ratio < 1 || batch < 1 || ratio > INT64_MAX / batch)
        return erg_graph_fail(graph, "flow_contrastive: %lld noise samples for each of %lld",
                              (long long)ratio, (long long)batch);
    return erg_noise_contrastive(energy, data, erg_fitted_noise_sample(noise, ratio * batch),
                                 (erg_noise){.energy = {erg_fitted_noise_energy, noise}},
                                 (erg_noise_contrastive_options){.log_z = options.log_z});
}

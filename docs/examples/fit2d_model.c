/* fit2d_model.c: the energy that learns, and the noise around the data. */
#include <math.h>

#include "fit2d.h"

static erg_node *with_bowl(const model *model, erg_node *e, erg_node *x) {
    double base = model->base;
    return base > 0 ? erg_add(e, erg_harmonic_energy(&base, x)) : e;
}

static erg_node *plain_energy(void *self, erg_node *x) {
    const model *model = self;
    return with_bowl(model, erg_mlp_energy(model->mlp, x), x);
}

/* Slopes grow as 1 / sigma where the noise is all there is; the network need not learn that. */
static erg_node *level_energy(void *self, erg_node *x, erg_node *sigma) {
    const model *model = self;
    return with_bowl(model, erg_div(erg_noise_mlp_energy(model->noisy, x, sigma), sigma), x);
}

/* The weights start larger than by default, as an energy has to bend sharply around the data. */
static void build_plain(model *model, erg_graph *graph, const int64_t *sizes) {
    erg_mlp_options mlp = {.activation = ERG_SILU, .init = ERG_INIT_KAIMING_UNIFORM};
    model->mlp = erg_mlp_new(graph, "energy", sizes, 4, mlp);
    model->energy = (erg_energy){plain_energy, model};
}

/* What has been learned is the energy at the lowest level. */
static void build_levels(model *model, erg_graph *graph, const int64_t *sizes, double lowest) {
    model->noisy = erg_noise_mlp_new(graph, "energy", sizes, 4, (erg_noise_mlp_options){0});
    model->levels = (erg_pair_energy){level_energy, model};
    model->energy = erg_energy_given(graph, model->levels, erg_scalar(graph, ERG_FLOAT32, lowest));
}

void model_build(model *model, erg_graph *graph, const fit_options *options) {
    int64_t sizes[] = {2, options->hidden, options->hidden, 1};
    *model = (struct model){.base = options->set.base};
    if (options->loss->levels)
        build_levels(model, graph, sizes, options->set.sigma);
    else
        build_plain(model, graph, sizes);
}

/* ------------------------------------------------------------------------------- noise */

erg_gaussian *data_gaussian(erg_graph *graph, const dataset *data, double width) {
    double scale = width * width;
    double covariance[] = {scale * data->std[0] * data->std[0], scale * data->covariance,
                           scale * data->covariance, scale * data->std[1] * data->std[1]};
    return erg_gaussian_new(graph, ERG_FLOAT32, 2, data->mean, covariance, NULL);
}

/* Columns independent of each other: it is a start for chains and need not be exact. */
erg_status fill_noise(void *self, erg_tensor *out, erg_random where) {
    const dataset *data = self;
    erg_status status = erg_random_normal(out, where);
    for (int64_t i = 0; status == ERG_OK && i < erg_tensor_size(out); i++)
        erg_tensor_set(out, i, data->mean[i % 2] + data->std[i % 2] * erg_tensor_get(out, i));
    return status;
}

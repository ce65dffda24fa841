/* init.c: first values of weights. With fan_in inputs of unit variance, a linear map keeps the
 * variance if its weights have variance 1 / fan_in, and the gradient's if they have 1 / fan_out;
 * Kaiming takes the first, Xavier the mean of both, with a gain for what the activation takes away.
 * U(-b, b) has the variance b^2 / 3. */
#include <math.h>

#include "nn.h"

/* value <- scale * value + shift */
static void rescale(erg_tensor *value, double scale, double shift) {
    for (int64_t i = 0; i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, scale * erg_tensor_get(value, i) + shift);
}

erg_status erg_init_uniform(erg_node *leaf, double bound) {
    erg_tensor *value = erg_value(leaf);
    if (!value)
        return ERG_ERROR_ARGUMENT;
    erg_status status = erg_random_uniform(value, erg_graph_random(erg_node_graph(leaf)));
    if (status == ERG_OK)
        rescale(value, 2 * bound, -bound);
    return status;
}

erg_status erg_init_normal(erg_node *leaf, double std) {
    erg_tensor *value = erg_value(leaf);
    if (!value)
        return ERG_ERROR_ARGUMENT;
    erg_status status = erg_random_normal(value, erg_graph_random(erg_node_graph(leaf)));
    if (status == ERG_OK)
        rescale(value, std, 0);
    return status;
}

erg_status erg_init_weight(erg_node *weight, erg_init init, double gain) {
    erg_tensor *value = erg_value(weight);
    if (!value)
        return ERG_ERROR_ARGUMENT;
    double out = value->shape.ndim > 0 ? (double)value->shape.dims[0] : 1;
    double in = value->shape.ndim > 1 ? (double)value->shape.dims[1] : 1;
    for (int i = 2; i < value->shape.ndim; i++) {
        in *= (double)value->shape.dims[i];
        out *= (double)value->shape.dims[i];
    }
    double kaiming = (gain != 0 ? gain : sqrt(2)) / sqrt(in);
    double xavier = (gain != 0 ? gain : 1) * sqrt(2 / (in + out));
    switch (init) {
    case ERG_INIT_FAN_IN:
        return erg_init_uniform(weight, 1 / sqrt(in));
    case ERG_INIT_KAIMING_UNIFORM:
        return erg_init_uniform(weight, sqrt(3) * kaiming);
    case ERG_INIT_KAIMING_NORMAL:
        return erg_init_normal(weight, kaiming);
    case ERG_INIT_XAVIER_UNIFORM:
        return erg_init_uniform(weight, sqrt(3) * xavier);
    case ERG_INIT_XAVIER_NORMAL:
        return erg_init_normal(weight, xavier);
    default:
        erg_tensor_fill(value, 0);
        return ERG_OK;
    }
}

/* init.c: first values of weights. With fan_in inputs of unit variance, a linear map keeps the
 * variance if its weights have variance 1 / fan_in, and the gradient's if they have 1 / fan_out;
 * Kaiming takes the first, Xavier the mean of both, with a gain for what the activation takes away.
 * U(-b, b) has the variance b^2 / 3. */
#include <math.h>

#include "nn.h"

/* Fills the leaf by draw, then value <- scale value + shift. */
static erg_status fill(erg_node *leaf, erg_status (*draw)(erg_tensor *out, erg_random where),
                       double scale, double shift) {
    erg_tensor *value = erg_value(leaf);
    if (!value)
        return ERG_ERROR_ARGUMENT;
    if (!(scale >= 0 && isfinite(scale)))
        return erg_fail(ERG_ERROR_ARGUMENT, "init: a spread of %g, must be finite and not negative",
                        scale);
    erg_status status = draw(value, erg_graph_random(erg_node_graph(leaf)));
    for (int64_t i = 0; status == ERG_OK && i < erg_tensor_size(value); i++)
        erg_tensor_set(value, i, scale * erg_tensor_get(value, i) + shift);
    return status;
}

erg_status erg_init_uniform(erg_node *leaf, double bound) {
    return fill(leaf, erg_random_uniform, 2 * bound, -bound);
}

erg_status erg_init_normal(erg_node *leaf, double std) {
    return fill(leaf, erg_random_normal, std, 0);
}

/* fan_in and fan_out of a weight (out, in, ...). */
static void count_fans(erg_shape shape, double *in, double *out) {
    *out = shape.ndim > 0 ? (double)shape.dims[0] : 1;
    *in = shape.ndim > 1 ? (double)shape.dims[1] : 1;
    for (int i = 2; i < shape.ndim; i++) {
        *in *= (double)shape.dims[i];
        *out *= (double)shape.dims[i];
    }
}

erg_status erg_init_weight(erg_node *weight, erg_init init, double gain) {
    erg_tensor *value = erg_value(weight);
    if (!value)
        return ERG_ERROR_ARGUMENT;
    if (erg_tensor_size(value) == 0)
        return ERG_OK;
    double in, out;
    count_fans(value->shape, &in, &out);
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
    case ERG_INIT_ZEROS:
        erg_tensor_fill(value, 0);
        return ERG_OK;
    }
    return erg_fail(ERG_ERROR_ARGUMENT, "init_weight: unknown initialisation %d", (int)init);
}

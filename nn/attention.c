/* attention.c: multi-head self-attention (Vaswani et al. 2017). With queries, keys and values
 * Q, K, V, linear in x and cut into heads of width d,
 *
 *     head = softmax(Q K^T / sqrt(d) + mask) V,   y = [head_1 ... head_H] W^T + b.
 *
 * Nothing in it depends on the order of the N elements: of a set it makes a set. */
#include <math.h>

#include "module.h"

erg_attention *erg_attention_new(erg_graph *graph, const char *name, int64_t width, int64_t heads,
                                 erg_attention_options options) {
    if (width < 1 || heads < 1 || width % heads != 0) {
        erg_graph_fail(graph, "attention: %lld heads do not divide a width of %lld",
                       (long long)heads, (long long)width);
        return NULL;
    }
    if (width > INT64_MAX / 3) {
        erg_graph_fail(graph, "attention: a width of %lld is too large", (long long)width);
        return NULL;
    }
    erg_attention *attention = erg_module_open(graph, name, sizeof *attention);
    if (!attention)
        return NULL;
    attention->heads = heads;
    attention->in_weight =
        erg_param(graph, "in_proj_weight", options.dtype, ERG_SHAPE(3 * width, width));
    erg_module_init("attention", attention->in_weight, NULL, ERG_INIT_XAVIER_UNIFORM, 0);
    if (!options.no_bias)
        attention->in_bias =
            erg_module_param(graph, "in_proj_bias", options.dtype, ERG_SHAPE(3 * width), 0);
    attention->out =
        erg_linear_new(graph, "out_proj", width, width,
                       (erg_linear_options){.dtype = options.dtype, .no_bias = options.no_bias});
    if (attention->out && attention->out->bias)
        erg_tensor_fill(erg_value(attention->out->bias), 0);
    return erg_module_close(graph, attention);
}

/* Queries, keys and values, (B, H, N, d) each, from (B, N, 3 D). */
static void cut_heads(erg_node *projected, int64_t heads, erg_node *parts[3]) {
    erg_shape shape = erg_node_shape(projected);
    int64_t width = shape.dims[2] / 3;
    erg_node *cut = ERG_RESHAPE(projected, shape.dims[0], shape.dims[1], 3, heads, width / heads);
    for (int i = 0; i < 3; i++)
        parts[i] = erg_permute(erg_select(cut, 2, i), (int[]){0, 2, 1, 3});
}

/* Added to scores (B, H, N, N): the mask gets an axis for the heads. */
static erg_node *add_mask(erg_node *scores, erg_node *mask) {
    if (!mask)
        return scores;
    erg_shape shape = erg_node_shape(scores), given = erg_node_shape(mask);
    int64_t n = shape.dims[3];
    bool fits = given.ndim == 2 || given.ndim == 3;
    if (given.ndim == 3)
        fits = given.dims[0] == 1 || given.dims[0] == shape.dims[0];
    for (int i = given.ndim - 2; fits && i < given.ndim; i++)
        fits = given.dims[i] == n || given.dims[i] == 1;
    char text[ERG_SHAPE_TEXT];
    if (!fits)
        return erg_graph_fail(
            erg_node_graph(scores), "attention: the mask is %s, must fit (%lld, %lld, %lld)",
            erg_shape_text(given, text), (long long)shape.dims[0], (long long)n, (long long)n);
    return erg_add(scores, given.ndim == 3 ? erg_unsqueeze(mask, 1) : mask);
}

erg_node *erg_attention_apply(const erg_attention *attention, erg_node *x, erg_node *mask) {
    if (!attention)
        return erg_graph_fail(erg_node_graph(x), "attention: no layer");
    erg_shape shape = erg_node_shape(x);
    int64_t width = erg_node_shape(attention->in_weight).dims[1];
    if (shape.ndim != 3 || shape.dims[2] != width)
        return erg_module_refuse("attention", x, "(B, N, %lld)", (long long)width);
    erg_linear projection = {attention->in_weight, attention->in_bias};
    erg_node *part[3];
    cut_heads(erg_linear_apply(&projection, x), attention->heads, part);
    erg_node *scores = erg_mul_scalar(erg_matmul_transposed(part[0], 0, part[1], 1),
                                      1 / sqrt((double)(width / attention->heads)));
    erg_node *weights = erg_softmax(add_mask(scores, mask), -1);
    erg_node *heads = erg_permute(erg_matmul(weights, part[2]), (int[]){0, 2, 1, 3});
    return erg_linear_apply(attention->out, erg_reshape(heads, shape.ndim, shape.dims));
}

erg_node *erg_attention_mask(erg_node *visible) {
    return erg_where(visible, erg_full_like(visible, 0), erg_full_like(visible, -INFINITY));
}

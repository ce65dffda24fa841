/* conv.c: 2-D convolution (cross-correlation, as everywhere in deep learning) and its transposes.
 *
 * With x an image, w the filters and y the result (see tensor/conv.h for the indices), consider
 *
 *     T(x, w, y) = sum over all indices of x[b, c, i s + u d - p, ..] w[o, c, u, v] y[b, o, i, j],
 *
 * which is linear in each of the three. The three primitives are its derivatives:
 *
 *     conv2d(x, w) = dT/dy,    conv2d_input(y, w) = dT/dx,    conv2d_weight(x, y) = dT/dw.
 *
 * So the derivative of each by one operand is the primitive that lacks this operand, and the set is
 * closed under differentiation. conv2d_input is also called transposed convolution (Zeiler et al.
 * 2010). */
#include "conv.h"

#define VJP(name)                                                                                  \
    void erg_vjp_##name(erg_node *node, erg_node *g, const bool *wants, erg_node **out)

/* Attributes: these, and the sizes of the two axes that the operands do not tell: of x for
 * conv2d_input, of w for conv2d_weight, not used by conv2d. */
enum { STRIDE = 0, PADDING = 2, DILATION = 4, GROUPS = 6, SIZE = 7, N_ATTR = 9 };

/* ------------------------------------------------------------------------------- geometry */

/* Shapes of x, w, y; of them one is the node's own. */
typedef struct shapes {
    erg_shape x, w, y;
} shapes;

static shapes shapes_of(const erg_node *node) {
    erg_shape a = node->in[0]->shape, b = node->in[1]->shape, own = node->shape;
    if (node->op == ERG_OP_conv2d_weight)
        return (shapes){a, own, b};
    if (node->op == ERG_OP_conv2d_last)
        own = ERG_SHAPE(own.dims[0], own.dims[3], own.dims[1], own.dims[2]);
    return erg_conv_is_transposed(node) ? (shapes){own, b, a} : (shapes){a, b, own};
}

bool erg_conv_is_transposed(const erg_node *node) {
    return node->op == ERG_OP_conv2d_last ? node->attr[ERG_CONV_LAST_ATTRIBUTES - 1] != 0
                                          : node->op == ERG_OP_conv2d_input;
}

erg_conv erg_conv_of(const erg_node *node) {
    shapes s = shapes_of(node);
    erg_conv conv = {.batch = s.x.dims[0],
                     .groups = node->attr[GROUPS],
                     .channels = s.w.dims[1],
                     .filters = s.w.dims[0] / node->attr[GROUPS]};
    for (int k = 0; k < 2; k++)
        conv.axis[k] = (erg_conv_axis){.in = s.x.dims[2 + k],
                                       .kernel = s.w.dims[2 + k],
                                       .out = s.y.dims[2 + k],
                                       .stride = node->attr[STRIDE + k],
                                       .padding = node->attr[PADDING + k],
                                       .dilation = node->attr[DILATION + k]};
    return conv;
}

/* The number of places of a kernel on an axis, or -1 if it fits nowhere. */
static int64_t places(const int64_t *attr, int axis, int64_t in, int64_t kernel) {
    int64_t reach, room;
    if (kernel < 1 || __builtin_mul_overflow(attr[DILATION + axis], kernel - 1, &reach) ||
        __builtin_mul_overflow(attr[PADDING + axis], 2, &room) ||
        __builtin_add_overflow(room, in, &room) || reach >= room)
        return -1;
    return (room - reach - 1) / attr[STRIDE + axis] + 1;
}

/* ------------------------------------------------------------------------------- shape rules */

static bool check_attributes(const erg_node *node) {
    for (int k = 0; k < 2; k++) {
        if (node->attr[STRIDE + k] < 1 || node->attr[DILATION + k] < 1)
            return erg_node_error(node, "stride %lld and dilation %lld of axis %d must be positive",
                                  (long long)node->attr[STRIDE + k],
                                  (long long)node->attr[DILATION + k], 2 + k);
        if (node->attr[PADDING + k] < 0)
            return erg_node_error(node, "padding %lld of axis %d is negative",
                                  (long long)node->attr[PADDING + k], 2 + k);
    }
    return node->attr[GROUPS] >= 1 ||
           erg_node_error(node, "%lld groups, must be positive", (long long)node->attr[GROUPS]);
}

static bool check_operands(const erg_node *node) {
    const erg_node *a = node->in[0], *b = node->in[1];
    char s[ERG_SHAPE_TEXT], t[ERG_SHAPE_TEXT];
    if (!erg_is_float(a->dtype) || a->dtype != b->dtype)
        return erg_node_error(node, "dtypes must be the same float: %s and %s",
                              erg_dtype_name(a->dtype), erg_dtype_name(b->dtype));
    if (a->shape.ndim != 4 || b->shape.ndim != 4)
        return erg_node_error(node, "needs four axes each: %s and %s", erg_shape_text(a->shape, s),
                              erg_shape_text(b->shape, t));
    return check_attributes(node);
}

/* Channels and filters of the three, as far as they have been given. */
static bool check_groups(const erg_node *node, shapes s) {
    int64_t groups = node->attr[GROUPS];
    char x[ERG_SHAPE_TEXT], w[ERG_SHAPE_TEXT];
    if (s.w.dims[0] % groups != 0)
        return erg_node_error(node, "%lld filters do not make %lld groups", (long long)s.w.dims[0],
                              (long long)groups);
    return (s.x.dims[1] % groups == 0 && s.x.dims[1] / groups == s.w.dims[1]) ||
           erg_node_error(node, "image %s and weight %s with %lld groups differ in channels",
                          erg_shape_text(s.x, x), erg_shape_text(s.w, w), (long long)groups);
}

static bool check_places(const erg_node *node, shapes s) {
    for (int k = 0; k < 2; k++) {
        int64_t in = s.x.dims[2 + k], kernel = s.w.dims[2 + k];
        int64_t out = places(node->attr, k, in, kernel);
        if (out < 0)
            return erg_node_error(
                node, "a kernel of %lld, dilation %lld, does not fit into %lld with padding %lld",
                (long long)kernel, (long long)node->attr[DILATION + k], (long long)in,
                (long long)node->attr[PADDING + k]);
        if (out != s.y.dims[2 + k])
            return erg_node_error(node, "axis %d: a kernel has %lld places, not %lld", 2 + k,
                                  (long long)out, (long long)s.y.dims[2 + k]);
    }
    return (s.x.dims[0] == s.y.dims[0] && s.w.dims[0] == s.y.dims[1]) ||
           erg_node_error(node, "batches or filters differ");
}

static bool finish(erg_node *node, erg_shape shape) {
    node->dtype = node->in[0]->dtype;
    node->shape = shape;
    shapes s = shapes_of(node);
    return check_groups(node, s) && check_places(node, s) &&
           (erg_shape_size(shape) >= 0 || erg_node_error(node, "the result is too large"));
}

bool erg_rule_conv2d(erg_node *node) {
    if (!check_operands(node))
        return false;
    const int64_t *x = node->in[0]->shape.dims, *w = node->in[1]->shape.dims;
    return finish(node, (erg_shape){4,
                                    {x[0], w[0], places(node->attr, 0, x[2], w[2]),
                                     places(node->attr, 1, x[3], w[3])}});
}

bool erg_rule_conv2d_input(erg_node *node) {
    if (!check_operands(node))
        return false;
    const int64_t *y = node->in[0]->shape.dims, *w = node->in[1]->shape.dims;
    int64_t channels;
    if (__builtin_mul_overflow(w[1], node->attr[GROUPS], &channels))
        return erg_node_error(node, "the result is too large");
    return finish(node, (erg_shape){4, {y[0], channels, node->attr[SIZE], node->attr[SIZE + 1]}});
}

bool erg_rule_conv2d_weight(erg_node *node) {
    if (!check_operands(node))
        return false;
    const int64_t *x = node->in[0]->shape.dims, *y = node->in[1]->shape.dims;
    return finish(
        node,
        (erg_shape){4, {y[1], x[1] / node->attr[GROUPS], node->attr[SIZE], node->attr[SIZE + 1]}});
}

/* ------------------------------------------------------------------------------- derivatives */

/* A primitive with the attributes given, but for the sizes. */
static erg_node *convolution(erg_op op, erg_node *a, erg_node *b, const int64_t *attr,
                             const int64_t *size) {
    int64_t all[N_ATTR];
    for (int k = 0; k < SIZE; k++)
        all[k] = attr[k];
    all[SIZE] = size ? size[0] : 0;
    all[SIZE + 1] = size ? size[1] : 0;
    return erg_node_new(&(erg_node){.op = op,
                                    .n_in = 2,
                                    .in = (erg_node *[]){a, b},
                                    .n_attr = size ? N_ATTR : SIZE,
                                    .attr = all});
}

static erg_node *by_image(const erg_node *node, erg_node *y, erg_node *w) {
    return convolution(ERG_OP_conv2d_input, y, w, node->attr, shapes_of(node).x.dims + 2);
}

static erg_node *by_weight(const erg_node *node, erg_node *x, erg_node *y) {
    return convolution(ERG_OP_conv2d_weight, x, y, node->attr, shapes_of(node).w.dims + 2);
}

static erg_node *by_result(const erg_node *node, erg_node *x, erg_node *w) {
    return convolution(ERG_OP_conv2d, x, w, node->attr, NULL);
}

VJP(conv2d) { /* operands x, w */
    if (wants[0])
        out[0] = by_image(node, g, node->in[1]);
    if (wants[1])
        out[1] = by_weight(node, node->in[0], g);
}

VJP(conv2d_input) { /* operands y, w */
    if (wants[0])
        out[0] = by_result(node, g, node->in[1]);
    if (wants[1])
        out[1] = by_weight(node, g, node->in[0]);
}

VJP(conv2d_weight) { /* operands x, y */
    if (wants[0])
        out[0] = by_image(node, node->in[1], g);
    if (wants[1])
        out[1] = by_result(node, node->in[0], g);
}

/* ------------------------------------------------------------------------------- builders */

static int64_t or_one(int64_t value) {
    return value ? value : 1;
}

erg_node *erg_conv2d(erg_node *x, erg_node *weight, erg_conv2d_options o) {
    int64_t attr[SIZE] = {or_one(o.stride[0]), or_one(o.stride[1]),   o.padding[0],
                          o.padding[1],        or_one(o.dilation[0]), or_one(o.dilation[1]),
                          or_one(o.groups)};
    return convolution(ERG_OP_conv2d, x, weight, attr, NULL);
}

/* The size of an axis of the image that a kernel has n places on: at first with no padding, then
 * with the padding cut off at both ends. False if there is none. */
static bool image_size(const int64_t *attr, int axis, int64_t n, int64_t kernel, int64_t more,
                       int64_t *size) {
    int64_t reach, cut;
    return !(__builtin_mul_overflow(n - 1, attr[STRIDE + axis], size) ||
             __builtin_mul_overflow(kernel - 1, attr[DILATION + axis], &reach) ||
             __builtin_mul_overflow(attr[PADDING + axis], 2, &cut) ||
             __builtin_add_overflow(*size, reach, size) ||
             __builtin_add_overflow(*size, more, size) ||
             __builtin_sub_overflow(*size, cut, size) || __builtin_add_overflow(*size, 1, size)) &&
           *size > 0;
}

/* Of the image sizes on which a kernel has as many places, output_padding chooses one: they differ
 * by less than the stride. Whole strides are places more, where x is zero. */
erg_node *erg_conv_transpose2d(erg_node *x, erg_node *weight, erg_conv_transpose2d_options o) {
    int64_t attr[SIZE] = {or_one(o.stride[0]), or_one(o.stride[1]),   o.padding[0],
                          o.padding[1],        or_one(o.dilation[0]), or_one(o.dilation[1]),
                          or_one(o.groups)};
    int64_t size[2] = {0, 0};
    erg_node *y = x;
    for (int k = 0; k < 2 && x && weight && x->shape.ndim == 4 && weight->shape.ndim == 4; k++) {
        int64_t n = x->shape.dims[2 + k], more = o.output_padding[k], stride = attr[STRIDE + k];
        int64_t kernel = weight->shape.dims[2 + k];
        if (more < 0 || (more > 0 && more >= stride && more >= attr[DILATION + k]))
            return erg_graph_fail(x->graph,
                                  "conv_transpose2d: output_padding %lld of axis %d must be less "
                                  "than stride or dilation",
                                  (long long)more, 2 + k);
        if (n < 1 || kernel < 1 || !image_size(attr, k, n, kernel, more, &size[k]))
            return erg_graph_fail(x->graph, "conv_transpose2d: axis %d of the result has no size",
                                  2 + k);
        if (stride > 0 && more >= stride)
            y = erg_pad(y, 2 + k, 0, more / stride, 0);
    }
    return convolution(ERG_OP_conv2d_input, y, weight, attr, size);
}

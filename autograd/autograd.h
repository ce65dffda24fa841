/* autograd.h: graphs of tensor operations, their derivatives to any order, and plans that run them.
 *
 * A graph holds nodes. A node is one value: an operation, its operands, a dtype and a shape, never
 * changed once made. Functions here take nodes and return a new node; nothing is computed until a
 * plan is compiled for some nodes and run. Derivatives are nodes like any other, so they can be
 * differentiated again.
 *
 *     erg_graph *g = erg_graph_new(0);
 *     erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(3));
 *     erg_node *dy = erg_gradient(erg_square(erg_sin(x)), x);
 *     erg_plan *plan = erg_compile(&dy, 1);
 *     erg_run(plan);                                    (then read erg_output(plan, 0))
 *
 * Errors. A builder given NULL returns NULL, and one that is misused returns NULL; the graph keeps
 * the message of the first mistake. So a whole model can be built and checked once, at the end:
 * if (erg_graph_error(g)) ... . Unless said otherwise every builder refuses NULL, operands of two
 * graphs, of different dtypes, of int32, and shapes that do not fit.
 *
 * Ownership. The graph owns its nodes and the values of its leaves; erg_graph_free frees all. Plans
 * are freed before their graph. One thread at a time may use a graph and its plans.
 *
 * Notation: x, y are values of the operands, i a multi-index; "elementwise" means that operands are
 * broadcast against each other as in NumPy: shapes are aligned at the last axis and a size of 1
 * stretches. Axes may be negative: -1 is the last. */
#ifndef ERG_AUTOGRAD_H
#define ERG_AUTOGRAD_H

#include "../tensor/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct erg_graph erg_graph;
typedef struct erg_node erg_node;
typedef struct erg_plan erg_plan;

/* ------------------------------------------------------------------------------- graphs */

/* An empty graph. seed is the key of all its random nodes and initialisers. */
ERG_API erg_graph *erg_graph_new(uint64_t seed);
/* Frees the graph, its nodes and the values of its leaves. NULL is allowed. */
ERG_API void erg_graph_free(erg_graph *graph);

/* The message of the first mistake made while building, or NULL if there was none. */
ERG_API const char *erg_graph_error(const erg_graph *graph);
/* Forgets the mistake, so that building can go on from the nodes that exist. */
ERG_API void erg_graph_clear_error(erg_graph *graph);
/* Records a mistake found by a builder of the user's own, "operation: what is wrong", unless the
 * graph has one already. Returns NULL, so that a builder can say: return erg_graph_fail(...). */
ERG_API erg_node *erg_graph_fail(erg_graph *graph, const char *format, ...) ERG_PRINTF(2, 3);

/* Names what is built between push and pop: leaf "weight" in scope "energy" in scope "0" is
 * "energy/0/weight". Scope names are not empty and contain no '/'. */
ERG_API void erg_scope_push(erg_graph *graph, const char *name);
ERG_API void erg_scope_pop(erg_graph *graph);

/* Memory that lives as long as the graph, zeroed, aligned for any type: for the structs of modules.
 * NULL if memory is short (recorded as the graph's error). */
ERG_API void *erg_graph_alloc(erg_graph *graph, size_t size);

/* A stream of random numbers that no other node or caller of this graph uses: for initialisers. */
ERG_API erg_random erg_graph_random(erg_graph *graph);

/* Random nodes draw from (seed, their stream, runs): runs counts the erg_run calls of all plans of
 * the graph. Setting seed and runs repeats or resumes a sequence bit for bit. */
ERG_API uint64_t erg_graph_seed(const erg_graph *graph);
ERG_API uint64_t erg_graph_runs(const erg_graph *graph);
ERG_API void erg_graph_set_runs(erg_graph *graph, uint64_t runs);

/* ------------------------------------------------------------------------------- nodes */

/* All three allow NULL: ERG_FLOAT32, an invalid shape, NULL. */
ERG_API erg_dtype erg_node_dtype(const erg_node *node);
ERG_API erg_shape erg_node_shape(const erg_node *node);
ERG_API erg_graph *erg_node_graph(const erg_node *node);
/* The full name of a leaf or of a node named by erg_name; NULL for others. */
ERG_API const char *erg_node_name(const erg_node *node);
/* Gives an unnamed node a name for messages and printed graphs, under the current scope. Returns
 * the node. */
ERG_API erg_node *erg_name(erg_node *node, const char *name);
#define ERG_NODE_TEXT 256
/* Writes what a message says of a node, "matmul float32 (3, 4) at energy/0", into text, which holds
 * ERG_NODE_TEXT bytes, and returns text. */
ERG_API const char *erg_node_text(const erg_node *node, char *text);

/* ------------------------------------------------------------------------------- leaves
 *
 * A leaf holds a tensor. Between runs it can be read and written through erg_value. Names are
 * unique in a graph; an input or a state may have none (NULL). Values start as zeros. */

ERG_API erg_node *erg_input(erg_graph *graph, const char *name, erg_dtype dtype, erg_shape shape);
/* Trainable; must be a float type. */
ERG_API erg_node *erg_param(erg_graph *graph, const char *name, erg_dtype dtype, erg_shape shape);
/* Kept from run to run, changed by erg_assign. */
ERG_API erg_node *erg_state(erg_graph *graph, const char *name, erg_dtype dtype, erg_shape shape);
/* A copy of the tensor, which never changes. */
ERG_API erg_node *erg_constant(erg_graph *graph, const erg_tensor *value);

/* Every element is the same number; takes no storage. erg_scalar has shape (). */
ERG_API erg_node *erg_full(erg_graph *graph, erg_dtype dtype, erg_shape shape, double value);
ERG_API erg_node *erg_scalar(erg_graph *graph, erg_dtype dtype, double value);
ERG_API erg_node *erg_full_like(erg_node *x, double value);
/* 0, 1, ..., n - 1, shape (n). */
ERG_API erg_node *erg_arange(erg_graph *graph, erg_dtype dtype, int64_t n);

/* The tensor of an input, param or state, owned by the graph; NULL (with a message) for others. */
ERG_API erg_tensor *erg_value(erg_node *leaf);
/* The input, param, state or node with this full name, or NULL (no error). */
ERG_API erg_node *erg_find(erg_graph *graph, const char *name);
/* The params whose full name starts with prefix ("" or NULL: all), in the order they were made.
 * *count is their number; the array lives as long as the graph. NULL if there are none. */
ERG_API erg_node **erg_params(erg_graph *graph, const char *prefix, int *count);
/* Ties two modules: takes a param that no node uses yet out of the graph's names and returns
 * `shared`, a param of the same dtype and shape, for its place: b->weight = erg_tie(b->weight,
 * a->weight) before b is applied. */
ERG_API erg_node *erg_tie(erg_node *param, erg_node *shared);
/* All params and states, in the order they were made: the first after this one, which is NULL to
 * begin with. NULL after the last. A param that was tied to another is passed over. */
ERG_API erg_node *erg_next_variable(const erg_graph *graph, const erg_node *after);
/* 1 for a param, 0 for other nodes and NULL. */
ERG_API int erg_is_param(const erg_node *node);

/* ------------------------------------------------------------------------------- elementwise
 *
 * Where a derivative does not exist the convention is given; elsewhere it is the true one. */

ERG_API erg_node *erg_neg(erg_node *x);
ERG_API erg_node *erg_abs(erg_node *x);  /* |x|; derivative sign(x), 0 at 0 */
ERG_API erg_node *erg_sign(erg_node *x); /* -1, 0, 1; derivative 0 */
ERG_API erg_node *erg_exp(erg_node *x);
ERG_API erg_node *erg_expm1(erg_node *x); /* exp(x) - 1 without cancellation */
ERG_API erg_node *erg_log(erg_node *x);
ERG_API erg_node *erg_log1p(erg_node *x); /* log(1 + x) without cancellation */
ERG_API erg_node *erg_sqrt(erg_node *x);
ERG_API erg_node *erg_rsqrt(erg_node *x); /* 1 / sqrt(x) */
ERG_API erg_node *erg_square(erg_node *x);
ERG_API erg_node *erg_reciprocal(erg_node *x);
ERG_API erg_node *erg_sin(erg_node *x);
ERG_API erg_node *erg_cos(erg_node *x);
ERG_API erg_node *erg_tanh(erg_node *x);
ERG_API erg_node *erg_sigmoid(erg_node *x);  /* 1 / (1 + exp(-x)) */
ERG_API erg_node *erg_softplus(erg_node *x); /* log(1 + exp(x)), for every x */
ERG_API erg_node *erg_erf(erg_node *x);
ERG_API erg_node *erg_lgamma(erg_node *x); /* log |Gamma(x)| */
ERG_API erg_node *erg_digamma(erg_node *x);
/* d^(order+1)/dx^(order+1) log Gamma(x); order >= 0, order 0 is digamma. */
ERG_API erg_node *erg_polygamma(int order, erg_node *x);
ERG_API erg_node *erg_floor(erg_node *x); /* derivative 0 */
/* To another dtype. From float to int32: rounds toward zero, clamps, NaN gives 0, no derivative. */
ERG_API erg_node *erg_cast(erg_node *x, erg_dtype dtype);

ERG_API erg_node *erg_add(erg_node *a, erg_node *b);
ERG_API erg_node *erg_sub(erg_node *a, erg_node *b);
ERG_API erg_node *erg_mul(erg_node *a, erg_node *b);
ERG_API erg_node *erg_div(erg_node *a, erg_node *b);
/* a^b. Derivative in b is 0 where a = 0, in a is 0 where b = 0. */
ERG_API erg_node *erg_pow(erg_node *a, erg_node *b);
ERG_API erg_node *erg_atan2(erg_node *y, erg_node *x); /* angle of (x, y) */
/* NaN if either is. Where both are equal each gets half of the derivative. */
ERG_API erg_node *erg_maximum(erg_node *a, erg_node *b);
ERG_API erg_node *erg_minimum(erg_node *a, erg_node *b);
ERG_API erg_node *erg_add_scalar(erg_node *x, double c);
ERG_API erg_node *erg_mul_scalar(erg_node *x, double c);
ERG_API erg_node *erg_pow_scalar(erg_node *x, double exponent);
/* min(max(x, low), high); low <= high. Derivative 1 inside and at the two ends, 0 outside, as in
 * PyTorch. */
ERG_API erg_node *erg_clamp(erg_node *x, double low, double high);

/* Masks: 1 where true, 0 where false, of the operands' dtype. Derivative 0. */
ERG_API erg_node *erg_less(erg_node *a, erg_node *b);
ERG_API erg_node *erg_less_equal(erg_node *a, erg_node *b);
ERG_API erg_node *erg_greater(erg_node *a, erg_node *b);
ERG_API erg_node *erg_greater_equal(erg_node *a, erg_node *b);
ERG_API erg_node *erg_equal(erg_node *a, erg_node *b);
ERG_API erg_node *erg_not_equal(erg_node *a, erg_node *b);
/* Of masks: an element counts as true if it is not 0. */
ERG_API erg_node *erg_logical_and(erg_node *a, erg_node *b);
ERG_API erg_node *erg_logical_or(erg_node *a, erg_node *b);
ERG_API erg_node *erg_logical_not(erg_node *a);
/* a where mask is not 0, else b. An arm that is not taken has derivative 0 even where its own
 * derivative is infinite or NaN, as long as only elementwise operations lie between the two. */
ERG_API erg_node *erg_where(erg_node *mask, erg_node *a, erg_node *b);

/* Activations. relu, leaky_relu and elu have their left derivative at 0 (relu'(0) = 0). */
ERG_API erg_node *erg_relu(erg_node *x);
ERG_API erg_node *erg_leaky_relu(erg_node *x, double slope); /* slope * x for x <= 0 */
ERG_API erg_node *erg_elu(erg_node *x, double alpha);        /* alpha (exp(x) - 1) for x <= 0 */
ERG_API erg_node *erg_silu(erg_node *x);                     /* x sigmoid(x), also called swish */
ERG_API erg_node *erg_gelu(erg_node *x);        /* x Phi(x) (Hendrycks & Gimpel 2016) */
ERG_API erg_node *erg_gelu_tanh(erg_node *x);   /* their tanh approximation */
ERG_API erg_node *erg_log_sigmoid(erg_node *x); /* -softplus(-x) */

/* ------------------------------------------------------------------------------- reductions */

/* A set of axes: ERG_AXES(0, -1), or ERG_ALL for all of them. */
typedef struct erg_axes {
    int count; /* -1: all */
    int axis[ERG_MAX_DIMS];
} erg_axes;
ERG_API erg_axes erg_axes_make(int count, const int *axes);
#define ERG_AXES(...)                                                                              \
    erg_axes_make((int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__})
#define ERG_ALL erg_axes_make(-1, NULL)

/* The axes are removed, or kept with size 1 if keepdims is not 0. Naming an axis twice is refused.
 * Over no elements sum is 0, prod 1, mean NaN, logsumexp -inf; max and min are refused. */
ERG_API erg_node *erg_sum(erg_node *x, erg_axes axes, int keepdims);
ERG_API erg_node *erg_mean(erg_node *x, erg_axes axes, int keepdims);
/* sum (x - mean)^2 / (n - correction); correction 1 is the unbiased estimate, 0 NumPy's default. */
ERG_API erg_node *erg_var(erg_node *x, erg_axes axes, double correction, int keepdims);
/* NaN if any element is. Elements that share the maximum share its derivative equally. */
ERG_API erg_node *erg_max(erg_node *x, erg_axes axes, int keepdims);
ERG_API erg_node *erg_min(erg_node *x, erg_axes axes, int keepdims);
/* The derivative is the true one also where elements are 0. */
ERG_API erg_node *erg_prod(erg_node *x, erg_axes axes, int keepdims);
/* log sum exp(x), without overflow; -inf with derivative 0 where all are -inf. */
ERG_API erg_node *erg_logsumexp(erg_node *x, erg_axes axes, int keepdims);
/* (sum |x|^p)^(1/p) for p = 1 or 2, max |x| for p = INFINITY. Derivative 0 where it is 0. */
ERG_API erg_node *erg_norm(erg_node *x, double p, erg_axes axes, int keepdims);
ERG_API erg_node *erg_softmax(erg_node *x, int axis);
ERG_API erg_node *erg_log_softmax(erg_node *x, int axis);
/* y_i = x_0 + ... + x_i along the axis. */
ERG_API erg_node *erg_cumsum(erg_node *x, int axis);
/* Index of the first greatest (least) element along the axis, which is removed: int32. A NaN counts
 * as greatest (least). Has no derivative: asking for one is an error. */
ERG_API erg_node *erg_argmax(erg_node *x, int axis);
ERG_API erg_node *erg_argmin(erg_node *x, int axis);

/* ------------------------------------------------------------------------------- linear algebra */

/* NumPy's matmul: (..., M, K) x (..., K, N) -> (..., M, N); leading axes are broadcast, and a
 * one-dimensional operand is a row (left) or a column (right) whose axis is dropped again. A plan
 * may leave out the zeros of a pad, and those of a constant of which most are zeros: what would have
 * been 0 times an infinity, NaN, is then 0. */
ERG_API erg_node *erg_matmul(erg_node *a, erg_node *b);
/* The same with the last two axes of an operand swapped where its flag is not 0; operands have at
 * least two axes. erg_matmul_transposed(x, 0, w, 1) is x w^T. */
ERG_API erg_node *erg_matmul_transposed(erg_node *a, int transpose_a, erg_node *b, int transpose_b);
ERG_API erg_node *erg_dot(erg_node *a, erg_node *b);   /* sum a_i b_i; (N), (N) -> () */
ERG_API erg_node *erg_outer(erg_node *a, erg_node *b); /* (M), (N) -> (M, N) */

/* ------------------------------------------------------------------------------- images
 *
 * Images are (B, C, H, W): batch, channels, height, width. Options are for [0] the height and [1]
 * the width. */

/* Cross-correlation, as PyTorch's conv2d: y (B, O, OH, OW) from x (B, C, H, W) and weight
 * (O, C / groups, KH, KW) is
 *     y[b, o, i, j] = sum_cuv weight[o, c, u, v] x[b, c, i s + u d - p, j s + v d - p],
 * with x zero outside of itself and OH = floor((H + 2 p - d (KH - 1) - 1) / s) + 1. With groups,
 * filter o sees the channels of its group alone: groups divides C and O. */
typedef struct erg_conv2d_options {
    int64_t stride[2];   /* s; default 1 */
    int64_t padding[2];  /* p, at both ends; default 0 */
    int64_t dilation[2]; /* d; default 1 */
    int64_t groups;      /* default 1 */
} erg_conv2d_options;
ERG_API erg_node *erg_conv2d(erg_node *x, erg_node *weight, erg_conv2d_options options);

/* The transpose of conv2d with the same weight and options, as PyTorch's conv_transpose2d: from
 * x (B, C, H, W) and weight (C, O / groups, KH, KW) to (B, O, OH, OW), where
 * OH = (H - 1) s - 2 p + d (KH - 1) + output_padding + 1. */
typedef struct erg_conv_transpose2d_options {
    int64_t stride[2], padding[2]; /* as for conv2d */
    int64_t output_padding[2];     /* less than stride or dilation; default 0 */
    int64_t dilation[2], groups;   /* as for conv2d */
} erg_conv_transpose2d_options;
ERG_API erg_node *erg_conv_transpose2d(erg_node *x, erg_node *weight,
                                       erg_conv_transpose2d_options options);

/* The mean or the maximum of each window, (B, C, H, W) -> (B, C, OH, OW) with
 * OH = floor((H + 2 p - KH) / s) + 1. The padding, at most half of the kernel, counts as zeros in
 * a mean and as -infinity in a maximum. Elements that share the maximum of a window share its
 * derivative equally. Global pooling is erg_mean or erg_max over axes 2 and 3. */
typedef struct erg_pool2d_options {
    int64_t kernel[2];  /* required */
    int64_t stride[2];  /* default: the kernel */
    int64_t padding[2]; /* default 0 */
} erg_pool2d_options;
ERG_API erg_node *erg_avg_pool2d(erg_node *x, erg_pool2d_options options);
ERG_API erg_node *erg_max_pool2d(erg_node *x, erg_pool2d_options options);

/* Each pixel becomes scale x scale pixels; scale >= 1. Any dtype. */
ERG_API erg_node *erg_upsample_nearest2d(erg_node *x, int64_t scale);

/* ------------------------------------------------------------------------------- shape
 *
 * Any dtype. None of these shares memory with its operand as far as a user can tell. */

/* Same elements in row-major order; one size may be -1: what is left. */
ERG_API erg_node *erg_reshape(erg_node *x, int ndim, const int64_t *dims);
#define ERG_RESHAPE(x, ...)                                                                        \
    erg_reshape((x), (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                    \
                (int64_t[]){__VA_ARGS__})
ERG_API erg_node *erg_flatten(erg_node *x, int first_axis); /* (.., a, b, c) -> (.., abc) */
ERG_API erg_node *erg_unsqueeze(erg_node *x, int axis);     /* a size 1 before result's axis */
ERG_API erg_node *erg_squeeze(erg_node *x, int axis);       /* removes an axis of size 1 */
/* Result axis i is operand axis order[i]; order has as many entries as x has axes. */
ERG_API erg_node *erg_permute(erg_node *x, const int *order);
ERG_API erg_node *erg_transpose(erg_node *x); /* swaps the last two axes */
/* To a shape that x's can be stretched to by NumPy's rule. */
ERG_API erg_node *erg_broadcast(erg_node *x, erg_shape shape);
/* Python's x[start:stop:step] along one axis: negative start and stop count from the end, ends out
 * of range are cut; ERG_END as stop means "to the end" (for step < 0: past the first element, and
 * as start: from the last). step is not 0. */
#define ERG_END INT64_MAX
ERG_API erg_node *erg_slice(erg_node *x, int axis, int64_t start, int64_t stop, int64_t step);
/* One index along one axis, which is removed. */
ERG_API erg_node *erg_select(erg_node *x, int axis, int64_t index);
/* Zeros: `before` and `after` at the ends of the axis, `between` between neighbours; all >= 0. */
ERG_API erg_node *erg_pad(erg_node *x, int axis, int64_t before, int64_t after, int64_t between);
/* count >= 1 nodes, equal in all sizes but the axis's. */
ERG_API erg_node *erg_concat(erg_node *const *xs, int count, int axis);
/* count >= 1 nodes of equal shape along a new axis. */
ERG_API erg_node *erg_stack(erg_node *const *xs, int count, int axis);
ERG_API erg_node *erg_flip(erg_node *x, int axis);
/* (..., M, N) -> (..., min(M, N)), and (..., N) -> (..., N, N) with zeros elsewhere. */
ERG_API erg_node *erg_diagonal(erg_node *x);
ERG_API erg_node *erg_diag_embed(erg_node *x);

/* ------------------------------------------------------------------------------- indices
 *
 * Indices are int32 and are read when the plan runs. One out of range reads NaN (int32: INT32_MIN)
 * and writes nothing. */

/* PyTorch's gather: y[i, j, k] = x[i, index[i, j, k], k] for axis 1: x and index have equal sizes
 * but along the axis. */
ERG_API erg_node *erg_gather(erg_node *x, erg_node *index, int axis);
/* The transpose of gather: zeros with `size` along the axis, to which source[i, j, k] is added at
 * [i, index[i, j, k], k]; source and index have equal shapes. */
ERG_API erg_node *erg_scatter_add(erg_node *source, erg_node *index, int axis, int64_t size);
/* NumPy's take: whole slices; the axis is replaced by index's axes. x (V, D), index (N): (N, D). */
ERG_API erg_node *erg_take(erg_node *x, erg_node *index, int axis);
/* index (...) -> (..., classes): 1 at the index, else 0; all 0 if it is out of range. */
ERG_API erg_node *erg_one_hot(erg_node *index, int64_t classes, erg_dtype dtype);

/* ------------------------------------------------------------------------------- random
 *
 * New numbers at each run, see erg_random. No derivative passes through p or logits. */

ERG_API erg_node *erg_uniform(erg_graph *graph, erg_dtype dtype, erg_shape shape);
ERG_API erg_node *erg_normal(erg_graph *graph, erg_dtype dtype, erg_shape shape);
ERG_API erg_node *erg_rademacher(erg_graph *graph, erg_dtype dtype, erg_shape shape);
ERG_API erg_node *erg_bernoulli(erg_node *p);
ERG_API erg_node *erg_categorical(erg_node *logits); /* (..., K) -> int32 (...) */

/* ------------------------------------------------------------------------------- effects */

/* The same value, through which no derivative passes. */
ERG_API erg_node *erg_stop_gradient(erg_node *x);
/* When it is among a plan's outputs, leaf holds the value after the run; all reads in the run see
 * the old one. leaf is an input, param or state; value has its dtype and shape. A plan may assign a
 * leaf once. Has no derivative. */
ERG_API erg_node *erg_assign(erg_node *leaf, erg_node *value);
/* Bundles nodes, so that one output of a plan stands for many: as an output it has the effects of
 * all of them. Its own value is a meaningless int32 0. count >= 1. Has no derivative. */
ERG_API erg_node *erg_group(erg_node *const *nodes, int count);
/* The value that a leaf has after a run with these effects (an assign, or a group of them, of
 * groups and so on): the one assigned, or the leaf itself. */
ERG_API erg_node *erg_after(erg_node *effects, erg_node *leaf);
/* The same effects in runs in which condition, of shape (), is not 0; in others all leaves keep their
 * values. effects: an assign, or a group with at least one. */
ERG_API erg_node *erg_assign_if(erg_node *condition, erg_node *effects);

/* ------------------------------------------------------------------------------- derivatives */

/* dxs[k] = d(sum of y)/d xs[k] for n nodes of any kind in the graph; zeros where y does not depend
 * on xs[k]. y and xs are floats. On a mistake all dxs are NULL. */
ERG_API void erg_grad(erg_node *y, erg_node *const *xs, int n, erg_node **dxs);
/* The same for one x. */
ERG_API erg_node *erg_gradient(erg_node *y, erg_node *x);
/* v^T J with J = dy/dx: v has y's shape, the result x's. */
ERG_API erg_node *erg_vjp(erg_node *y, erg_node *x, erg_node *v);
/* J v: v has x's shape, the result y's. J v is the derivative of u^T J v by u, so it is a vjp of a
 * vjp, of which only the part that u multiplies remains when compiled. */
ERG_API erg_node *erg_jvp(erg_node *y, erg_node *x, erg_node *v);
/* H v with H the Hessian of sum(y) by x; v and the result have x's shape. */
ERG_API erg_node *erg_hvp(erg_node *y, erg_node *x, erg_node *v);
/* For y (B, M) whose row b depends on row b of x (B, N) alone: (B, M, N), [b, i, j] = dy_bi/dx_bj. */
ERG_API erg_node *erg_jacobian(erg_node *y, erg_node *x);
/* For e (B) whose element b depends on x[b] alone, x (B, ...) with D elements a sample: the Hessian
 * of each sample (B, D, D), and its exact trace (B), from D Hessian-vector products. */
ERG_API erg_node *erg_hessian(erg_node *e, erg_node *x);
ERG_API erg_node *erg_laplacian(erg_node *e, erg_node *x);

/* An energy: a function from x (B, ...) to E (B), element b depending on x[b] alone. */
typedef struct erg_energy {
    erg_node *(*fn)(void *self, erg_node *x);
    void *self;
} erg_energy;
/* fn(self, x), with the result's shape checked. */
ERG_API erg_node *erg_energy_apply(erg_energy energy, erg_node *x);
/* The score of p(x) = exp(-E(x)) / Z: -dE/dx, shape of x. */
ERG_API erg_node *erg_score(erg_energy energy, erg_node *x);

/* Compares derivatives with finite differences, at the present values of the leaves.
 * Order 1: the gradient of s0 = sum w * y with random weights w. Order k: the gradient of
 * s(k-1) = sum over the leaves of v * (gradient of s(k-2)), with random directions v. Every element
 * of each gradient is compared, with its sign, against the 6-point central difference
 *     f'(x) ~ [45 (f(x+h) - f(x-h)) - 9 (f(x+2h) - f(x-2h)) + (f(x+3h) - f(x-3h))] / 60 h,
 * whose distance from the 4-point formula is reported as its error estimate. */
typedef struct erg_gradcheck_options {
    int order;        /* 1 to 3: orders 1 .. order are checked; default 1 */
    double step;      /* h; default 1e-3 (float64), times max(1, |x|) */
    double tolerance; /* of |difference| / max(1, |numeric|); default 1e-8 */
    uint64_t seed;    /* of weights and directions */
} erg_gradcheck_options;
typedef struct erg_gradcheck_result {
    double worst;          /* the largest |difference| / max(1, |numeric|) seen */
    int order;             /* where: the order, */
    int leaf;              /* which of xs, */
    int64_t element;       /* which element, flat; -1 if xs hold no elements */
    double analytic;       /* the two values there */
    double numeric;        /*  */
    double error_estimate; /* of numeric */
    char message[256];     /* says all this in a sentence */
} erg_gradcheck_result;
/* y is a float64 node without random nodes; xs are n float64 inputs, params or states, restored
 * afterwards. ERG_OK if all elements agree; ERG_ERROR_ARGUMENT with result->message if one does not
 * (also if one is NaN), or if the call is wrong. result may be NULL. */
ERG_API erg_status erg_gradcheck(erg_node *y, erg_node *const *xs, int n,
                                 erg_gradcheck_options options, erg_gradcheck_result *result);

/* ------------------------------------------------------------------------------- plans
 *
 * ERG_DEBUG, a comma list in the environment read by erg_compile, helps a developer; what it prints
 * goes to stderr:
 *   nan          names the first node of a run that yields a NaN or an infinity
 *   plan         prints the steps and the arena at compile time
 *   time         prints time and bytes per second of each step when the plan is freed
 *   reference    runs the plain interpreter: node by node in double precision, no passes
 *   verify       checks the graph after each pass of the compiler
 *   no-simplify, no-cse, no-factor, no-layout, no-pack, no-epilogue, no-regions, no-chains,
 *   no-code, no-recompute, no-reuse
 *                switch a pass off; results are the same up to rounding
 *   small-tiles  cuts the batch into tiles of 8 rows; results are the same */

/* A plan that computes count >= 1 nodes. NULL if the graph holds an error or memory is short. The
 * caller frees it. Compiling leaves the graph as it is. The plan has memory for erg_threads()
 * threads as that is now; with more threads later it uses no more. */
ERG_API erg_plan *erg_compile(erg_node *const *outputs, int count);
ERG_API void erg_plan_free(erg_plan *plan);
/* Runs once, or n times. Allocates nothing and cannot fail. */
ERG_API void erg_run(erg_plan *plan);
ERG_API void erg_run_n(erg_plan *plan, int64_t n);
/* The value of output number index after a run, owned by the plan; the next run overwrites it. NULL
 * if index is out of range. */
ERG_API const erg_tensor *erg_output(const erg_plan *plan, int index);
/* Number of steps of a run, and bytes of its arena. */
ERG_API int erg_plan_steps(const erg_plan *plan);
ERG_API size_t erg_plan_arena(const erg_plan *plan);

/* Compiles, runs once and returns the value of a node: for trying things out. The caller frees the
 * tensor. NULL on an error. */
ERG_API erg_tensor *erg_evaluate(erg_node *node);

/* Finds where a NaN or an infinity comes from, at the present values of the leaves and with the
 * random numbers of the next run: of the nodes through which one reaches an output, the first that
 * is computed; a leaf comes before all. NULL into *found if the outputs are finite. By the plain
 * interpreter, with memory for all values at once; nothing is assigned. */
ERG_API erg_status erg_find_not_finite(erg_node *const *outputs, int count, erg_node **found);

/* ------------------------------------------------------------------------------- printing */

/* What count nodes need, one line a node: number, name, operation with attributes, operands, dtype
 * and shape; or as Graphviz (pipe it through dot -Tsvg). */
ERG_API erg_status erg_graph_print(erg_node *const *outputs, int count, FILE *out);
ERG_API erg_status erg_graph_dot(erg_node *const *outputs, int count, FILE *out);

#ifdef __cplusplus
}
#endif

#endif

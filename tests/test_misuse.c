/* test_misuse.c: every function of autograd.h called wrongly. A mistake yields an error and nothing
 * else: NULL, a message that names the operation, an unchanged graph, on which building goes on.
 *
 * The tables here are compared with the header: a function without a row fails the test. */
#include <check.h>
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../autograd/graph.h"
#include "../tensor/error.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define BIG (INT64_C(1) << 32)

/* ------------------------------------------------------------------------------- messages */

/* True if a failure was reported since the last call, in words that hold `part`. */
static bool said(const char *part) {
    bool found = erg_error_message()[0] && strstr(erg_error_message(), part);
    if (!found)
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", erg_error_message(), part);
    erg_fail(ERG_OK, "%s", "");
    return found;
}

/* After any mistake the graph still computes: x + x with x = 1, 2, 3, 4. */
static void assert_still_works(erg_graph *graph) {
    erg_graph_clear_error(graph);
    double values[] = {1, 2, 3, 4};
    erg_tensor *tensor = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(2, 2), values);
    erg_node *x = erg_constant(graph, tensor);
    erg_tensor *sum = erg_evaluate(erg_add(x, x));
    ck_assert_msg(sum != NULL, "%s", erg_error_message());
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq(erg_tensor_get(sum, i), 2 * values[i]);
    erg_tensor_free(sum);
    erg_tensor_free(tensor);
}

/* ------------------------------------------------------------------------------- builders */

static erg_node *square_norm(void *self, erg_node *x) {
    (void)self;
    return erg_sum(erg_square(x), ERG_AXES(1), 0);
}

static const erg_energy energy = {square_norm, NULL};

static erg_node *grad_of_one(erg_node *y, erg_node *x) {
    erg_node *dx = y;
    erg_grad(y, &x, 1, &dx);
    return dx;
}

enum {
    INTEGERS = 1, /* takes int32 where it takes floats */
    MIXED = 2     /* takes operands of different dtypes */
};

/* ROW(function, operands, flags, call): one letter an operand in[0], in[1], ..
 *   x float64 (2, 2)   u float64 (2, 1)   v float64 (2)   i int32 (2, 2) */
#define ROWS                                                                                       \
    ROW(full_like, "x", INTEGERS, erg_full_like(in[0], 3))                                         \
    ROW(neg, "x", 0, erg_neg(in[0]))                                                               \
    ROW(abs, "x", 0, erg_abs(in[0]))                                                               \
    ROW(sign, "x", 0, erg_sign(in[0]))                                                             \
    ROW(exp, "x", 0, erg_exp(in[0]))                                                               \
    ROW(expm1, "x", 0, erg_expm1(in[0]))                                                           \
    ROW(log, "x", 0, erg_log(in[0]))                                                               \
    ROW(log1p, "x", 0, erg_log1p(in[0]))                                                           \
    ROW(sqrt, "x", 0, erg_sqrt(in[0]))                                                             \
    ROW(rsqrt, "x", 0, erg_rsqrt(in[0]))                                                           \
    ROW(square, "x", 0, erg_square(in[0]))                                                         \
    ROW(reciprocal, "x", 0, erg_reciprocal(in[0]))                                                 \
    ROW(sin, "x", 0, erg_sin(in[0]))                                                               \
    ROW(cos, "x", 0, erg_cos(in[0]))                                                               \
    ROW(tanh, "x", 0, erg_tanh(in[0]))                                                             \
    ROW(sigmoid, "x", 0, erg_sigmoid(in[0]))                                                       \
    ROW(softplus, "x", 0, erg_softplus(in[0]))                                                     \
    ROW(erf, "x", 0, erg_erf(in[0]))                                                               \
    ROW(lgamma, "x", 0, erg_lgamma(in[0]))                                                         \
    ROW(digamma, "x", 0, erg_digamma(in[0]))                                                       \
    ROW(polygamma, "x", 0, erg_polygamma(2, in[0]))                                                \
    ROW(floor, "x", 0, erg_floor(in[0]))                                                           \
    ROW(cast, "x", INTEGERS, erg_cast(in[0], ERG_FLOAT32))                                         \
    ROW(add, "xx", 0, erg_add(in[0], in[1]))                                                       \
    ROW(sub, "xx", 0, erg_sub(in[0], in[1]))                                                       \
    ROW(mul, "xx", 0, erg_mul(in[0], in[1]))                                                       \
    ROW(div, "xx", 0, erg_div(in[0], in[1]))                                                       \
    ROW(pow, "xx", 0, erg_pow(in[0], in[1]))                                                       \
    ROW(atan2, "xx", 0, erg_atan2(in[0], in[1]))                                                   \
    ROW(maximum, "xx", 0, erg_maximum(in[0], in[1]))                                               \
    ROW(minimum, "xx", 0, erg_minimum(in[0], in[1]))                                               \
    ROW(add_scalar, "x", 0, erg_add_scalar(in[0], 1))                                              \
    ROW(mul_scalar, "x", 0, erg_mul_scalar(in[0], 2))                                              \
    ROW(pow_scalar, "x", 0, erg_pow_scalar(in[0], 3))                                              \
    ROW(clamp, "x", 0, erg_clamp(in[0], -1, 1))                                                    \
    ROW(less, "xx", 0, erg_less(in[0], in[1]))                                                     \
    ROW(less_equal, "xx", 0, erg_less_equal(in[0], in[1]))                                         \
    ROW(greater, "xx", 0, erg_greater(in[0], in[1]))                                               \
    ROW(greater_equal, "xx", 0, erg_greater_equal(in[0], in[1]))                                   \
    ROW(equal, "xx", 0, erg_equal(in[0], in[1]))                                                   \
    ROW(not_equal, "xx", 0, erg_not_equal(in[0], in[1]))                                           \
    ROW(logical_and, "xx", 0, erg_logical_and(in[0], in[1]))                                       \
    ROW(logical_or, "xx", 0, erg_logical_or(in[0], in[1]))                                         \
    ROW(logical_not, "x", 0, erg_logical_not(in[0]))                                               \
    ROW(where, "xxx", 0, erg_where(in[0], in[1], in[2]))                                           \
    ROW(relu, "x", 0, erg_relu(in[0]))                                                             \
    ROW(leaky_relu, "x", 0, erg_leaky_relu(in[0], 0.1))                                            \
    ROW(elu, "x", 0, erg_elu(in[0], 1))                                                            \
    ROW(silu, "x", 0, erg_silu(in[0]))                                                             \
    ROW(gelu, "x", 0, erg_gelu(in[0]))                                                             \
    ROW(gelu_tanh, "x", 0, erg_gelu_tanh(in[0]))                                                   \
    ROW(log_sigmoid, "x", 0, erg_log_sigmoid(in[0]))                                               \
    ROW(sum, "x", 0, erg_sum(in[0], ERG_ALL, 0))                                                   \
    ROW(mean, "x", 0, erg_mean(in[0], ERG_ALL, 0))                                                 \
    ROW(var, "x", 0, erg_var(in[0], ERG_ALL, 0, 0))                                                \
    ROW(max, "x", 0, erg_max(in[0], ERG_ALL, 0))                                                   \
    ROW(min, "x", 0, erg_min(in[0], ERG_ALL, 0))                                                   \
    ROW(prod, "x", 0, erg_prod(in[0], ERG_ALL, 0))                                                 \
    ROW(logsumexp, "x", 0, erg_logsumexp(in[0], ERG_ALL, 0))                                       \
    ROW(norm, "x", 0, erg_norm(in[0], 2, ERG_ALL, 0))                                              \
    ROW(softmax, "x", 0, erg_softmax(in[0], -1))                                                   \
    ROW(log_softmax, "x", 0, erg_log_softmax(in[0], -1))                                           \
    ROW(cumsum, "x", 0, erg_cumsum(in[0], 0))                                                      \
    ROW(argmax, "x", 0, erg_argmax(in[0], 0))                                                      \
    ROW(argmin, "x", 0, erg_argmin(in[0], 0))                                                      \
    ROW(matmul, "xx", 0, erg_matmul(in[0], in[1]))                                                 \
    ROW(matmul_transposed, "xx", 0, erg_matmul_transposed(in[0], 0, in[1], 1))                     \
    ROW(dot, "vv", 0, erg_dot(in[0], in[1]))                                                       \
    ROW(outer, "vv", 0, erg_outer(in[0], in[1]))                                                   \
    ROW(reshape, "x", INTEGERS, ERG_RESHAPE(in[0], 4))                                             \
    ROW(flatten, "x", INTEGERS, erg_flatten(in[0], 0))                                             \
    ROW(unsqueeze, "x", INTEGERS, erg_unsqueeze(in[0], 0))                                         \
    ROW(squeeze, "u", INTEGERS, erg_squeeze(in[0], 1))                                             \
    ROW(permute, "x", INTEGERS, erg_permute(in[0], (int[]){1, 0}))                                 \
    ROW(transpose, "x", INTEGERS, erg_transpose(in[0]))                                            \
    ROW(broadcast, "x", INTEGERS, erg_broadcast(in[0], ERG_SHAPE(3, 2, 2)))                        \
    ROW(slice, "x", INTEGERS, erg_slice(in[0], 0, 0, ERG_END, 2))                                  \
    ROW(select, "x", INTEGERS, erg_select(in[0], 0, 1))                                            \
    ROW(pad, "x", INTEGERS, erg_pad(in[0], 0, 1, 1, 1))                                            \
    ROW(concat, "xx", INTEGERS, erg_concat(in, 2, 0))                                              \
    ROW(stack, "xx", INTEGERS, erg_stack(in, 2, 0))                                                \
    ROW(flip, "x", INTEGERS, erg_flip(in[0], 0))                                                   \
    ROW(diagonal, "x", INTEGERS, erg_diagonal(in[0]))                                              \
    ROW(diag_embed, "x", INTEGERS, erg_diag_embed(in[0]))                                          \
    ROW(gather, "xi", INTEGERS, erg_gather(in[0], in[1], 0))                                       \
    ROW(scatter_add, "xi", 0, erg_scatter_add(in[0], in[1], 0, 2))                                 \
    ROW(take, "xi", INTEGERS, erg_take(in[0], in[1], 0))                                           \
    ROW(one_hot, "i", 0, erg_one_hot(in[0], 3, ERG_FLOAT64))                                       \
    ROW(bernoulli, "x", 0, erg_bernoulli(in[0]))                                                   \
    ROW(categorical, "x", 0, erg_categorical(in[0]))                                               \
    ROW(stop_gradient, "x", INTEGERS, erg_stop_gradient(in[0]))                                    \
    ROW(assign, "xx", INTEGERS, erg_assign(in[0], in[1]))                                          \
    ROW(group, "xx", INTEGERS | MIXED, erg_group(in, 2))                                           \
    ROW(grad, "xx", MIXED, grad_of_one(in[0], in[1]))                                              \
    ROW(gradient, "xx", MIXED, erg_gradient(in[0], in[1]))                                         \
    ROW(vjp, "xxx", 0, erg_vjp(in[0], in[1], in[2]))                                               \
    ROW(jvp, "xxx", 0, erg_jvp(in[0], in[1], in[2]))                                               \
    ROW(hvp, "xxx", 0, erg_hvp(in[0], in[1], in[2]))                                               \
    ROW(jacobian, "xx", MIXED, erg_jacobian(in[0], in[1]))                                         \
    ROW(hessian, "vx", MIXED, erg_hessian(in[0], in[1]))                                           \
    ROW(laplacian, "vx", MIXED, erg_laplacian(in[0], in[1]))                                       \
    ROW(energy_apply, "x", 0, erg_energy_apply(energy, in[0]))                                     \
    ROW(score, "x", 0, erg_score(energy, in[0]))

#define ROW(name, operands, flags, call)                                                           \
    static erg_node *build_##name(erg_node **in) {                                                 \
        return call;                                                                               \
    }
ROWS
#undef ROW

static const struct builder {
    const char *name, *operands;
    int flags;
    erg_node *(*build)(erg_node **in);
} builders[] = {
#define ROW(name, operands, flags, call) {#name, operands, flags, build_##name},
    ROWS
#undef ROW
};

/* An operand of its kind in the graph, with a dtype of its own if it is not the kind's. */
static erg_node *operand(erg_graph *graph, char kind, erg_dtype dtype) {
    erg_shape shape = kind == 'v'   ? ERG_SHAPE(2)
                      : kind == 'u' ? ERG_SHAPE(2, 1)
                                    : ERG_SHAPE(2, 2);
    return erg_state(graph, NULL, dtype, shape);
}

static erg_dtype own_dtype(char kind) {
    return kind == 'i' ? ERG_INT32 : ERG_FLOAT64;
}

static int fill(erg_graph *graph, const struct builder *b, erg_node **in) {
    int n = (int)strlen(b->operands);
    for (int k = 0; k < n; k++)
        in[k] = operand(graph, b->operands[k], own_dtype(b->operands[k]));
    return n;
}

static bool is_primitive(const char *name) {
    for (int op = 0; op < ERG_OP_COUNT; op++)
        if (strcmp(erg_ops[op].name, name) == 0)
            return true;
    return false;
}

/* Calls the builder, which must refuse; `what` tells the reader of a failure. */
static void assert_refused(const struct builder *b, erg_graph *graph, erg_node **in, bool known,
                           const char *what) {
    int count = graph->count;
    erg_fail(ERG_OK, "%s", "");
    ck_assert_msg(b->build(in) == NULL, "%s took %s", b->name, what);
    ck_assert_msg(erg_error_message()[0], "%s refused %s without a word", b->name, what);
    const char *error = erg_graph_error(graph);
    if (known)
        ck_assert_msg(error != NULL, "%s: the graph does not hold the mistake: %s", b->name, what);
    if (is_primitive(b->name))
        ck_assert_msg(graph->count == count, "%s left a node: %s", b->name, what);
    assert_still_works(graph);
}

START_TEST(right_operands_are_taken) {
    const struct builder *b = &builders[_i];
    erg_graph *graph = erg_graph_new(0);
    erg_node *in[3];
    int n = fill(graph, b, in);
    ck_assert_msg(b->build(in) != NULL, "%s: %s", b->name, erg_error_message());
    ck_assert_msg(!erg_graph_error(graph), "%s: %s", b->name, erg_graph_error(graph));
    for (int k = 0; k < n && b->flags & INTEGERS; k++)
        in[k] = operand(graph, b->operands[k], ERG_INT32);
    ck_assert_msg(b->build(in) != NULL, "%s: %s", b->name, erg_error_message());
    assert_still_works(graph);
    erg_graph_free(graph);
}
END_TEST

START_TEST(null_is_refused) {
    const struct builder *b = &builders[_i];
    erg_graph *graph = erg_graph_new(0);
    erg_node *in[3];
    int n = (int)strlen(b->operands);
    for (int k = 0; k < n; k++) {
        fill(graph, b, in);
        in[k] = NULL;
        assert_refused(b, graph, in, n > 1, "NULL");
    }
    memset(in, 0, sizeof in);
    assert_refused(b, graph, in, false, "NULL for all");
    erg_graph_free(graph);
}
END_TEST

START_TEST(two_graphs_are_refused) {
    const struct builder *b = &builders[_i];
    erg_graph *graph = erg_graph_new(0), *other = erg_graph_new(0);
    erg_node *in[3];
    int n = (int)strlen(b->operands);
    for (int k = 1; k < n; k++) {
        fill(graph, b, in);
        in[k] = operand(other, b->operands[k], own_dtype(b->operands[k]));
        assert_refused(b, graph, in, true, "an operand of another graph");
    }
    assert_still_works(other);
    erg_graph_free(graph);
    erg_graph_free(other);
}
END_TEST

START_TEST(wrong_dtypes_are_refused) {
    const struct builder *b = &builders[_i];
    erg_graph *graph = erg_graph_new(0);
    erg_node *in[3];
    int n = fill(graph, b, in), last = n - 1;
    for (int k = 0; k < n; k++) {
        fill(graph, b, in);
        bool index = b->operands[k] == 'i';
        in[k] = operand(graph, b->operands[k], index ? ERG_FLOAT64 : ERG_INT32);
        if (index || !(b->flags & INTEGERS))
            assert_refused(b, graph, in, true, index ? "a float as index" : "int32");
    }
    if (last > 0 && b->operands[last] != 'i' && !(b->flags & MIXED)) {
        fill(graph, b, in);
        in[last] = operand(graph, b->operands[last], ERG_FLOAT32);
        assert_refused(b, graph, in, true, "float64 with float32");
    }
    erg_graph_free(graph);
}
END_TEST

/* ------------------------------------------------------------------------------- axes */

/* AXIS(function, lowest, highest, call): x is float64 (1, 1), i int32 (1, 1). */
#define AXIS_ROWS                                                                                  \
    AXIS(sum, -2, 1, erg_sum(x, ERG_AXES(axis), 0))                                                \
    AXIS(mean, -2, 1, erg_mean(x, ERG_AXES(axis), 0))                                              \
    AXIS(var, -2, 1, erg_var(x, ERG_AXES(axis), 0, 0))                                             \
    AXIS(max, -2, 1, erg_max(x, ERG_AXES(axis), 0))                                                \
    AXIS(min, -2, 1, erg_min(x, ERG_AXES(axis), 0))                                                \
    AXIS(prod, -2, 1, erg_prod(x, ERG_AXES(axis), 0))                                              \
    AXIS(logsumexp, -2, 1, erg_logsumexp(x, ERG_AXES(axis), 0))                                    \
    AXIS(norm, -2, 1, erg_norm(x, 1, ERG_AXES(axis), 0))                                           \
    AXIS(softmax, -2, 1, erg_softmax(x, axis))                                                     \
    AXIS(log_softmax, -2, 1, erg_log_softmax(x, axis))                                             \
    AXIS(cumsum, -2, 1, erg_cumsum(x, axis))                                                       \
    AXIS(argmax, -2, 1, erg_argmax(x, axis))                                                       \
    AXIS(argmin, -2, 1, erg_argmin(x, axis))                                                       \
    AXIS(flatten, -2, 1, erg_flatten(x, axis))                                                     \
    AXIS(unsqueeze, -3, 2, erg_unsqueeze(x, axis))                                                 \
    AXIS(squeeze, -2, 1, erg_squeeze(x, axis))                                                     \
    AXIS(slice, -2, 1, erg_slice(x, axis, 0, 1, 1))                                                \
    AXIS(select, -2, 1, erg_select(x, axis, 0))                                                    \
    AXIS(pad, -2, 1, erg_pad(x, axis, 1, 1, 0))                                                    \
    AXIS(concat, -2, 1, erg_concat((erg_node *[]){x, x}, 2, axis))                                 \
    AXIS(stack, -3, 2, erg_stack((erg_node *[]){x, x}, 2, axis))                                   \
    AXIS(flip, -2, 1, erg_flip(x, axis))                                                           \
    AXIS(gather, -2, 1, erg_gather(x, i, axis))                                                    \
    AXIS(scatter_add, -2, 1, erg_scatter_add(x, i, axis, 1))                                       \
    AXIS(take, -2, 1, erg_take(x, i, axis))

#define AXIS(name, low, high, call)                                                                \
    static erg_node *axis_##name(erg_node *x, erg_node *i, int axis) {                             \
        (void)i;                                                                                   \
        return call;                                                                               \
    }
AXIS_ROWS
#undef AXIS

static const struct axis_row {
    const char *name;
    int low, high;
    erg_node *(*build)(erg_node *x, erg_node *i, int axis);
} axis_rows[] = {
#define AXIS(name, low, high, call) {#name, low, high, axis_##name},
    AXIS_ROWS
#undef AXIS
};

START_TEST(axes_out_of_range_are_refused) {
    const struct axis_row *row = &axis_rows[_i];
    erg_graph *graph = erg_graph_new(0);
    erg_node *x = erg_state(graph, NULL, ERG_FLOAT64, ERG_SHAPE(1, 1));
    erg_node *i = erg_state(graph, NULL, ERG_INT32, ERG_SHAPE(1, 1));
    for (int axis = row->low; axis <= row->high; axis++)
        ck_assert_msg(row->build(x, i, axis) != NULL, "%s, axis %d: %s", row->name, axis,
                      erg_error_message());
    const int wrong[] = {row->low - 1, row->high + 1, INT_MIN, INT_MAX};
    for (int k = 0; k < COUNT(wrong); k++) {
        int count = graph->count;
        ck_assert_msg(row->build(x, i, wrong[k]) == NULL, "%s took axis %d", row->name, wrong[k]);
        ck_assert(said("axis"));
        ck_assert_ptr_nonnull(erg_graph_error(graph));
        if (is_primitive(row->name))
            ck_assert_int_eq(graph->count, count);
        assert_still_works(graph);
    }
    erg_graph_free(graph);
}
END_TEST

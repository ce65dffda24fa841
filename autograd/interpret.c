/* interpret.c: what each operation means, written as plainly as can be. One element at a time, in
 * double precision whatever the dtype, rounded once when stored; no tricks. The library is right if
 * a compiled plan agrees with this file.
 *
 * erg_eval_<op>(node, in, out, run) writes node's elements to out from its operands' elements. */
#include <math.h>
#include <string.h>

#include "../tensor/random.h"
#include "../tensor/special.h"
#include "interpret.h"

#define UNUSED (void)node, (void)in, (void)out, (void)run

static int64_t size_of(const erg_node *node) {
    return erg_shape_size(node->shape);
}

/* ------------------------------------------------------------------------------- leaves */

EVAL(leaf) { /* its value is its tensor */
    UNUSED;
}

EVAL(full) {
    (void)in, (void)run;
    for (int64_t i = 0; i < size_of(node); i++)
        store(node->dtype, out, i, node->number);
}

static erg_random place(const erg_node *node, uint64_t run) {
    return (erg_random){node->graph->seed, (uint32_t)node->attr[0], run};
}

EVAL(uniform) {
    (void)in;
    erg_uniform_range(node->dtype, place(node, run), 0, size_of(node), out);
}

EVAL(normal) {
    (void)in;
    erg_normal_range(node->dtype, place(node, run), 0, size_of(node), out);
}

/* ------------------------------------------------------------------------------- elementwise */

/* f(x) and f(a, b) for the operations of scalar.def. */
#define T double
#define C(c) (c)
#define M(f) f
#define UNARY(name, y)                                                                             \
    case ERG_OP_##name:                                                                            \
        return y;
#define BINARY(name, y)

static double unary(erg_op op, double x) {
    switch (op) {
#include "../tensor/scalar.def"
    default:
        return NAN;
    }
}

#undef UNARY
#undef BINARY
#define UNARY(name, y)
#define BINARY(name, y)                                                                            \
    case ERG_OP_##name:                                                                            \
        return y;

static double binary(erg_op op, double a, double b) {
    switch (op) {
#include "../tensor/scalar.def"
    default:
        return NAN;
    }
}

EVAL(unary) {
    (void)run;
    for (int64_t i = 0; i < size_of(node); i++)
        store(node->dtype, out, i, unary(node->op, load(node->dtype, in[0], i)));
}

EVAL(binary) {
    (void)run;
    for (int64_t i = 0; i < size_of(node); i++) {
        double a = load(node->dtype, in[0], i), b = load(node->dtype, in[1], i);
        store(node->dtype, out, i, binary(node->op, a, b));
    }
}

EVAL(where) {
    (void)run;
    for (int64_t i = 0; i < size_of(node); i++) {
        int arm = load(node->dtype, in[0], i) != 0 ? 1 : 2;
        store(node->dtype, out, i, load(node->dtype, in[arm], i));
    }
}

EVAL(lgamma) {
    (void)run;
    int sign;
    for (int64_t i = 0; i < size_of(node); i++)
        store(node->dtype, out, i, lgamma_r(load(node->dtype, in[0], i), &sign));
}

EVAL(polygamma) {
    (void)run;
    int order = (int)node->attr[0];
    for (int64_t i = 0; i < size_of(node); i++)
        store(node->dtype, out, i, erg_scalar_polygamma(order, load(node->dtype, in[0], i)));
}

EVAL(cast) {
    (void)run;
    for (int64_t i = 0; i < size_of(node); i++)
        store(node->dtype, out, i, load(node->in[0]->dtype, in[0], i));
}

/* Also reshape: the same elements in the same order. */
EVAL(copy) {
    (void)run;
    memcpy(out, in[0], (size_t)size_of(node) * erg_dtype_size(node->dtype));
}

/* ------------------------------------------------------------------------------- reductions */

static erg_span span_of(const erg_node *node, int first, int last) {
    return erg_span_of(node->in[0]->shape, first, last);
}

EVAL(sum) {
    (void)run;
    erg_span s = span_of(node, (int)node->attr[0], (int)node->attr[1]);
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t i = 0; i < s.inner; i++) {
            double sum = 0;
            for (int64_t k = 0; k < s.n; k++)
                sum += load(node->dtype, in[0], (o * s.n + k) * s.inner + i);
            store(node->dtype, out, o * s.inner + i, sum);
        }
}

EVAL(max) {
    (void)run;
    erg_span s = span_of(node, (int)node->attr[0], (int)node->attr[1]);
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t i = 0; i < s.inner; i++) {
            double max = -INFINITY;
            for (int64_t k = 0; k < s.n; k++)
                max = binary(ERG_OP_maximum, max,
                             load(node->dtype, in[0], (o * s.n + k) * s.inner + i));
            store(node->dtype, out, o * s.inner + i, max);
        }
}

EVAL(argmax) {
    (void)run;
    erg_span s = span_of(node, (int)node->attr[0], (int)node->attr[0]);
    erg_dtype dtype = node->in[0]->dtype;
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t i = 0; i < s.inner; i++) {
            int64_t best = 0;
            double max = load(dtype, in[0], o * s.n * s.inner + i);
            for (int64_t k = 1; k < s.n && !isnan(max); k++) {
                double x = load(dtype, in[0], (o * s.n + k) * s.inner + i);
                if (x > max || isnan(x)) {
                    max = x;
                    best = k;
                }
            }
            store(node->dtype, out, o * s.inner + i, (double)best);
        }
}

EVAL(cumsum) {
    (void)run;
    erg_span s = span_of(node, (int)node->attr[0], (int)node->attr[0]);
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t i = 0; i < s.inner; i++) {
            double sum = 0;
            for (int64_t k = 0; k < s.n; k++) {
                int64_t at = (o * s.n + k) * s.inner + i;
                sum += load(node->dtype, in[0], at);
                store(node->dtype, out, at, sum);
            }
        }
}

/* ------------------------------------------------------------------------------- products */

EVAL(matmul) {
    (void)run;
    const erg_node *a = node->in[0];
    int last = node->shape.ndim - 1;
    int64_t m = node->shape.dims[last - 1], n = node->shape.dims[last];
    int64_t k = a->shape.dims[node->attr[0] ? last - 1 : last];
    int64_t batches = erg_span_of(node->shape, last - 1, last).outer;
    for (int64_t b = 0; b < batches; b++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t l = 0; l < k; l++) {
                    int64_t left = node->attr[0] ? l * m + i : i * k + l;
                    int64_t right = node->attr[1] ? j * k + l : l * n + j;
                    sum += load(node->dtype, in[0], b * m * k + left) *
                           load(node->dtype, in[1], b * k * n + right);
                }
                store(node->dtype, out, (b * m + i) * n + j, sum);
            }
}

/* ------------------------------------------------------------------------------- moves */

/* The multi-index of flat element i, and back. */
static void unravel(erg_shape shape, int64_t i, int64_t *index) {
    for (int d = shape.ndim - 1; d >= 0; d--) {
        index[d] = i % shape.dims[d];
        i /= shape.dims[d];
    }
}

static int64_t ravel(erg_shape shape, const int64_t *index) {
    int64_t i = 0;
    for (int d = 0; d < shape.ndim; d++)
        i = i * shape.dims[d] + index[d];
    return i;
}

EVAL(permute) {
    (void)run;
    int64_t to[ERG_MAX_DIMS], from[ERG_MAX_DIMS];
    for (int64_t i = 0; i < size_of(node); i++) {
        unravel(node->shape, i, to);
        for (int d = 0; d < node->shape.ndim; d++)
            from[node->attr[d]] = to[d];
        store(node->dtype, out, i, load(node->dtype, in[0], ravel(node->in[0]->shape, from)));
    }
}

EVAL(broadcast) {
    (void)run;
    int64_t index[ERG_MAX_DIMS];
    erg_shape shape = node->in[0]->shape;
    for (int64_t i = 0; i < size_of(node); i++) {
        unravel(node->shape, i, index);
        for (int d = 0; d < shape.ndim; d++)
            index[d] = shape.dims[d] == 1 ? 0 : index[d];
        store(node->dtype, out, i, load(node->dtype, in[0], ravel(shape, index)));
    }
}

EVAL(slice) {
    (void)run;
    int64_t index[ERG_MAX_DIMS];
    for (int64_t i = 0; i < size_of(node); i++) {
        unravel(node->shape, i, index);
        index[node->attr[0]] = node->attr[1] + index[node->attr[0]] * node->attr[2];
        store(node->dtype, out, i, load(node->dtype, in[0], ravel(node->in[0]->shape, index)));
    }
}

EVAL(pad) {
    (void)run;
    int64_t index[ERG_MAX_DIMS];
    const erg_node *x = node->in[0];
    for (int64_t i = 0; i < size_of(node); i++)
        store(node->dtype, out, i, 0);
    for (int64_t i = 0; i < size_of(x); i++) {
        unravel(x->shape, i, index);
        index[node->attr[0]] = node->attr[1] + index[node->attr[0]] * (node->attr[3] + 1);
        store(node->dtype, out, ravel(node->shape, index), load(node->dtype, in[0], i));
    }
}

EVAL(concat) {
    (void)run;
    int64_t index[ERG_MAX_DIMS], start = 0;
    for (int k = 0; k < node->n_in; k++) {
        const erg_node *x = node->in[k];
        for (int64_t i = 0; i < size_of(x); i++) {
            unravel(x->shape, i, index);
            index[node->attr[0]] += start;
            store(node->dtype, out, ravel(node->shape, index), load(node->dtype, in[k], i));
        }
        start += x->shape.dims[node->attr[0]];
    }
}

/* ------------------------------------------------------------------------------- indices */

EVAL(gather) {
    (void)run;
    int64_t at[ERG_MAX_DIMS], axis = node->attr[0], size = node->in[0]->shape.dims[axis];
    for (int64_t i = 0; i < size_of(node); i++) {
        unravel(node->shape, i, at);
        at[axis] = ((const int32_t *)in[1])[i];
        bool inside = at[axis] >= 0 && at[axis] < size;
        double outside = node->dtype == ERG_INT32 ? INT32_MIN : NAN;
        store(node->dtype, out, i,
              inside ? load(node->dtype, in[0], ravel(node->in[0]->shape, at)) : outside);
    }
}

EVAL(scatter_add) {
    (void)run;
    int64_t at[ERG_MAX_DIMS], axis = node->attr[0];
    const erg_node *source = node->in[0];
    for (int64_t i = 0; i < size_of(node); i++)
        store(node->dtype, out, i, 0);
    for (int64_t i = 0; i < size_of(source); i++) {
        unravel(source->shape, i, at);
        at[axis] = ((const int32_t *)in[1])[i];
        int64_t target = ravel(node->shape, at);
        if (at[axis] >= 0 && at[axis] < node->attr[1])
            store(node->dtype, out, target,
                  load(node->dtype, out, target) + load(node->dtype, in[0], i));
    }
}

/* ------------------------------------------------------------------------------- effects */

/* The value to be stored; the executor stores it when the run is over. */
EVAL(assign) {
    (void)run;
    memcpy(out, in[1], (size_t)size_of(node) * erg_dtype_size(node->dtype));
}

EVAL(group) {
    (void)in, (void)run;
    store(node->dtype, out, 0, 0);
}

/* test_conv.c: convolution and its two derivatives: kernels of every instruction set against plain
 * loops, values and derivatives up to the second against PyTorch's, compiled plans against the
 * interpreter, the same bits for any number of threads, and the transpose as a transpose. */
#include <stdio.h>

#include "arrays.h"
#include "conv_cases.h"
#include "plan_tools.h"

/* ------------------------------------------------------------------------------- kernels */

/* x, w, y and their sizes: operands, and what the kernels make of the other two. */
enum { X, W, Y, ARRAYS };
typedef struct problem {
    erg_conv conv;
    erg_dtype dtype;
    int64_t size[ARRAYS];
    void *given[ARRAYS], *made[ARRAYS];
    double *plain[ARRAYS], *bound[ARRAYS]; /* by plain loops, and the sums of absolute values */
} problem;

static void plain_term(problem *p, int into, int64_t at, int a, int64_t i, int b, int64_t j) {
    double term = get(p->dtype, p->given[a], i) * get(p->dtype, p->given[b], j);
    p->plain[into][at] += term;
    p->bound[into][at] += fabs(term);
}

/* All terms x w y, each added to the three derivatives. */
static void plain_loops(problem *p) {
    erg_conv_axis h = p->conv.axis[0], v = p->conv.axis[1];
    int64_t channels = p->conv.channels, filters = p->conv.filters, groups = p->conv.groups;
    int64_t places = h.out * v.out, kernel = h.kernel * v.kernel, y = 0;
    for (int64_t bo = 0; bo < p->conv.batch * groups * filters; bo++)
        for (int64_t ij = 0; ij < places; ij++, y++)
            for (int64_t cuv = 0; cuv < channels * kernel; cuv++) {
                int64_t image = bo / filters * channels + cuv / kernel;
                int64_t w = bo % (groups * filters) * channels * kernel + cuv;
                int64_t row =
                    ij / v.out * h.stride - h.padding + cuv % kernel / v.kernel * h.dilation;
                int64_t column = ij % v.out * v.stride - v.padding + cuv % v.kernel * v.dilation;
                int64_t x = (image * h.in + row) * v.in + column;
                if (row < 0 || row >= h.in || column < 0 || column >= v.in)
                    continue;
                plain_term(p, Y, y, X, x, W, w);
                plain_term(p, X, x, W, w, Y, y);
                plain_term(p, W, w, X, x, Y, y);
            }
}

static problem problem_new(const golden *g, erg_dtype dtype) {
    problem p = {.conv = conv_of(g), .dtype = dtype};
    const erg_conv_axis *a = p.conv.axis;
    int64_t filters = p.conv.groups * p.conv.filters;
    p.size[X] = p.conv.batch * p.conv.groups * p.conv.channels * a[0].in * a[1].in;
    p.size[W] = filters * p.conv.channels * a[0].kernel * a[1].kernel;
    p.size[Y] = p.conv.batch * filters * a[0].out * a[1].out;
    for (int k = 0; k < ARRAYS; k++) {
        p.given[k] = array_random(dtype, p.size[k], 1 + (uint64_t)k, 1);
        p.made[k] = array_new(dtype, p.size[k]);
        p.plain[k] = calloc((size_t)p.size[k], sizeof(double));
        p.bound[k] = calloc((size_t)p.size[k], sizeof(double));
    }
    plain_loops(&p);
    return p;
}

static void problem_free(problem *p) {
    for (int k = 0; k < ARRAYS; k++) {
        free(p->given[k]);
        free(p->made[k]);
        free(p->plain[k]);
        free(p->bound[k]);
    }
}

static void *scratch_new(size_t size) {
    void *scratch = aligned_alloc(64, (size + 63) / 64 * 64);
    return memset(scratch, 0xff, size); /* NaN */
}

/* The weight with the channels of the result as last axis. */
static void *turned_weight(const problem *p, int transposed) {
    int64_t filters = p->conv.groups * p->conv.filters, channels = p->conv.channels;
    int64_t area = p->conv.axis[0].kernel * p->conv.axis[1].kernel;
    void *turned = array_new(p->dtype, p->size[W]);
    for (int64_t o = 0; o < filters; o++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t t = 0; t < area; t++) {
                int64_t to =
                    transposed ? (o * area + t) * channels + c : (c * area + t) * filters + o;
                set(p->dtype, turned, to,
                    get(p->dtype, p->given[W], (o * channels + c) * area + t));
            }
    return turned;
}

/* Images x or y with the channels last, or back from there to planes. */
static void *turned_images(const problem *p, int which, const void *images, bool back) {
    int64_t channels = p->conv.groups * (which == X ? p->conv.channels : p->conv.filters);
    int64_t pixels = p->size[which] / (channels * p->conv.batch);
    void *turned = array_new(p->dtype, p->size[which]);
    for (int64_t i = 0; i < p->size[which]; i++) {
        int64_t image = i / (channels * pixels), c = i / pixels % channels, pixel = i % pixels;
        int64_t last = (image * pixels + pixel) * channels + c;
        set(p->dtype, turned, back ? i : last, get(p->dtype, images, back ? last : i));
    }
    return turned;
}

/* `step` pieces in a call. */
static void run_pieces(const erg_kernels *kernels, problem *p, erg_conv_form form, const void *bias,
                       int64_t step) {
    erg_conv_needs needs = kernels->conv_needs[p->dtype](&p->conv, form);
    int64_t pieces = p->conv.batch * needs.pieces;
    int from = form.transposed ? Y : X, to = form.transposed ? X : Y;
    void *scratch = scratch_new(needs.scratch);
    void *weight = form.turned ? turned_weight(p, form.transposed) : p->given[W];
    void *source =
        form.source_last ? turned_images(p, from, p->given[from], false) : p->given[from];
    erg_conv_operands operands = {
        .source = source, .weight = weight, .bias = bias, .result = p->made[to]};
    for (int64_t t = 0; t < pieces; t += step)
        kernels->conv[p->dtype](&p->conv, form, t, t + step < pieces ? t + step : pieces, &operands,
                                scratch);
    if (form.result_last) {
        void *result = p->made[to];
        p->made[to] = turned_images(p, to, result, true);
        free(result);
    }
    if (form.turned)
        free(weight);
    if (form.source_last)
        free(source);
    free(scratch);
}

/* What was made, a number for each channel added. */
static void *biased(const problem *p, int to, const void *bias) {
    int64_t channels = p->conv.groups * (to == X ? p->conv.channels : p->conv.filters);
    int64_t pixels = p->size[to] / (channels * p->conv.batch);
    void *sums = array_copy(p->dtype, p->size[to], p->made[to]);
    for (int64_t i = 0; i < p->size[to]; i++) {
        double a = get(p->dtype, sums, i), b = get(p->dtype, bias, i / pixels % channels);
        set(p->dtype, sums, i, p->dtype == F32 ? (double)((float)a + (float)b) : a + b);
    }
    return sums;
}

/* In other pieces, from other layouts, and to others. */
static void check_bits(const erg_kernels *kernels, problem *p, bool transposed) {
    static const struct {
        bool turned, source_last, result_last, biased;
        int step;
        const char *what;
    } ways[] = {{0, 0, 0, 0, 1, "one piece at a time"},
                {0, 0, 0, 0, 3, "three pieces at a time"},
                {1, 0, 0, 0, INT32_MAX, "with a turned weight"},
                {0, 1, 0, 0, 3, "from channels last"},
                {0, 0, 1, 0, INT32_MAX, "to channels last"},
                {1, 1, 1, 0, 1, "from channels last to channels last"},
                {0, 0, 0, 1, INT32_MAX, "with a bias"},
                {1, 1, 1, 1, 3, "with a bias, to channels last"}};
    int to = transposed ? X : Y;
    size_t bytes = (size_t)p->size[to] * size_of(p->dtype);
    void *whole = array_copy(p->dtype, p->size[to], p->made[to]);
    void *bias = array_random(p->dtype, p->size[to], 7, 1);
    void *sums = biased(p, to, bias);
    for (int i = 0; i < COUNT(ways); i++) {
        erg_conv_form form = {transposed, ways[i].turned, ways[i].source_last, ways[i].result_last};
        bool by_channel = kernels->conv_needs[p->dtype](&p->conv, form).by_channel;
        if (!by_channel && (form.result_last || ways[i].biased))
            continue;
        memset(p->made[to], 0xff, bytes);
        run_pieces(kernels, p, form, ways[i].biased ? bias : NULL, ways[i].step);
        ck_assert_msg(memcmp(ways[i].biased ? sums : whole, p->made[to], bytes) == 0,
                      "%s: other bits, %s", kernels->name, ways[i].what);
    }
    free(whole);
    free(bias);
    free(sums);
}

/* The sums are (channels, KH, KW, filters) for each group. */
static void run_weight(const erg_kernels *kernels, problem *p, erg_conv_form form) {
    size_t size;
    int64_t columns = kernels->conv_columns[p->dtype](&p->conv, &size);
    int64_t rows = p->size[W] / (p->conv.groups * p->conv.filters);
    void *scratch = scratch_new(size);
    void *sums = scratch_new((size_t)(p->conv.groups * rows * columns) * size_of(p->dtype));
    void *x = form.source_last ? turned_images(p, X, p->given[X], false) : p->given[X];
    void *y = form.result_last ? turned_images(p, Y, p->given[Y], false) : p->given[Y];
    kernels->conv_weight[p->dtype](&p->conv, form, 0, p->conv.batch, x, y, sums, scratch);
    for (int64_t i = 0; i < p->size[W]; i++) {
        int64_t group = i / rows / p->conv.filters, filter = i / rows % p->conv.filters;
        set(p->dtype, p->made[W], i,
            get(p->dtype, sums, (group * rows + i % rows) * columns + filter));
    }
    if (form.source_last)
        free(x);
    if (form.result_last)
        free(y);
    free(sums);
    free(scratch);
}

/* From other layouts. */
static void check_weight_bits(const erg_kernels *kernels, problem *p) {
    size_t bytes = (size_t)p->size[W] * size_of(p->dtype);
    void *whole = array_copy(p->dtype, p->size[W], p->made[W]);
    for (int way = 1; way < 4; way++) {
        memset(p->made[W], 0xff, bytes);
        run_weight(kernels, p,
                   (erg_conv_form){.source_last = (way & 1) != 0, .result_last = (way & 2) != 0});
        ck_assert_msg(memcmp(whole, p->made[W], bytes) == 0, "%s: other bits by layout %d",
                      kernels->name, way);
    }
    free(whole);
}

static void check_made(const erg_kernels *kernels, const problem *p, int which) {
    for (int64_t i = 0; i < p->size[which]; i++) {
        double got = get(p->dtype, p->made[which], i), want = p->plain[which][i];
        double bound = epsilon_of(p->dtype) * p->bound[which][i] * 64;
        ck_assert_msg(fabs(got - want) <= bound, "%s: %c[%d] is %.17g, not %.17g", kernels->name,
                      "xwy"[which], (int)i, got, want);
    }
}

START_TEST(kernels_agree_with_plain_loops) {
    const erg_kernels *sets[8];
    int count = erg_kernels_all(sets, 8);
    for (erg_dtype dtype = F32; dtype <= F64; dtype++) {
        problem p = problem_new(case_of(_i), dtype);
        for (int k = 0; k < count; k++) {
            run_pieces(sets[k], &p, (erg_conv_form){0}, NULL, INT32_MAX);
            run_pieces(sets[k], &p, (erg_conv_form){.transposed = true}, NULL, INT32_MAX);
            run_weight(sets[k], &p, (erg_conv_form){0});
            for (int which = 0; which < ARRAYS; which++)
                check_made(sets[k], &p, which);
            check_bits(sets[k], &p, false);
            check_bits(sets[k], &p, true);
            check_weight_bits(sets[k], &p);
        }
        problem_free(&p);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- graphs */

/* Numbers that any language makes alike, up to the last bits. */
static erg_node *filled(erg_graph *g, erg_dtype dtype, erg_shape shape, double seed) {
    erg_node *x = erg_input(g, NULL, dtype, shape);
    for (int64_t i = 0; i < erg_tensor_size(erg_value(x)); i++) {
        double n = (double)i;
        erg_tensor_set(erg_value(x), i, sin(seed + 0.7 * n + 0.01 * n * n));
    }
    return x;
}

/* y, ds/dx, ds/dw, dn/dx, dn/dw as in golden_conv.h; dot is y with x and w before it. */
typedef struct model {
    erg_graph *graph;
    erg_node *x, *w, *outputs[5];
} model;

static erg_node *apply(const golden *g, int transposed, erg_node *x, erg_node *w) {
    const int64_t *s = g->size;
    if (!transposed)
        return erg_conv2d(x, w,
                          (erg_conv2d_options){{s[STRIDE], s[STRIDE + 1]},
                                               {s[PADDING], s[PADDING + 1]},
                                               {s[DILATION], s[DILATION + 1]},
                                               s[GROUPS]});
    return erg_conv_transpose2d(x, w,
                                (erg_conv_transpose2d_options){{s[STRIDE], s[STRIDE + 1]},
                                                               {s[PADDING], s[PADDING + 1]},
                                                               {s[MORE], s[MORE + 1]},
                                                               {s[DILATION], s[DILATION + 1]},
                                                               s[GROUPS]});
}

static model model_new(const golden *g, int transposed, erg_dtype dtype) {
    const int64_t *s = g->size;
    int64_t channels = s[GROUPS] * s[CHANNELS], filters = s[GROUPS] * s[FILTERS];
    erg_shape weight = ERG_SHAPE(filters, s[CHANNELS], s[KERNEL], s[KERNEL + 1]);
    if (transposed)
        weight = ERG_SHAPE(channels, s[FILTERS], s[KERNEL], s[KERNEL + 1]);
    model m = {.graph = erg_graph_new(1)};
    m.x = filled(m.graph, dtype, ERG_SHAPE(s[BATCH], channels, s[IMAGE], s[IMAGE + 1]), 1);
    m.w = filled(m.graph, dtype, weight, 2);
    m.outputs[0] = apply(g, transposed, m.x, m.w);
    erg_node *leaves[] = {m.x, m.w};
    erg_grad(erg_sin(m.outputs[0]), leaves, 2, &m.outputs[1]);
    erg_node *norm = erg_add(erg_sum(erg_square(m.outputs[1]), ERG_ALL, 0),
                             erg_sum(erg_square(m.outputs[2]), ERG_ALL, 0));
    erg_grad(norm, leaves, 2, &m.outputs[3]);
    ck_assert_msg(!erg_graph_error(m.graph), "%s", erg_graph_error(m.graph));
    return m;
}

static void check_golden(const golden *g, int transposed) {
    model m = model_new(g, transposed, F64);
    erg_plan *plan = compile_with("verify", m.outputs, 5);
    erg_run(plan);
    for (int k = 0; k < 5; k++) {
        const erg_tensor *t = erg_output(plan, k);
        double sum = 0, bound = 1;
        for (int64_t i = 0; i < erg_tensor_size(t); i++) {
            sum += erg_tensor_get(t, i) * cos(0.3 * (double)i);
            bound += fabs(erg_tensor_get(t, i));
        }
        ck_assert_msg(fabs(sum - g->sums[k]) <= 1e-11 * bound, "output %d: %.17g, not %.17g", k,
                      sum, g->sums[k]);
    }
    erg_plan_free(plan);
    erg_graph_free(m.graph);
}

START_TEST(as_pytorch) {
    check_golden(&golden_conv[_i], 0);
}
END_TEST

START_TEST(transpose_as_pytorch) {
    check_golden(&golden_transpose[_i], 1);
}
END_TEST

static bool is_small(const golden *g) {
    return g->size[BATCH] * g->size[IMAGE] * g->size[IMAGE + 1] * g->size[FILTERS] < 40000;
}

START_TEST(plans_agree_with_the_interpreter) {
    if (!is_small(case_of(_i)))
        return;
    for (erg_dtype dtype = F32; dtype <= F64; dtype++) {
        model m = model_new(case_of(_i), 0, dtype);
        erg_plan *plan = compile_with("verify", m.outputs, 5);
        erg_plan *reference = compile_with("reference", m.outputs, 5);
        for (int run = 0; run < 2; run++)
            erg_run(plan);
        erg_run(reference);
        for (int k = 0; k < 5; k++) {
            double d = distance(erg_output(plan, k), erg_output(reference, k));
            ck_assert_msg(d <= (dtype == F64 ? 1e-12 : 4e-5), "output %d is %g off", k, d);
        }
        erg_plan_free(plan);
        erg_plan_free(reference);
        erg_graph_free(m.graph);
    }
}
END_TEST

START_TEST(threads_change_no_bit) {
    static const int threads[] = {2, 3, 4, 7};
    int before = erg_threads();
    erg_set_threads(1);
    model m = model_new(case_of(_i), 0, _i % 2 ? F64 : F32);
    erg_plan *plan = compile_with("", m.outputs, 5);
    erg_run(plan);
    for (int t = 0; t < COUNT(threads); t++) {
        erg_set_threads(threads[t]);
        erg_plan *other = compile_with("", m.outputs, 5);
        erg_set_threads(threads[(t + 1) % COUNT(threads)]); /* may change after compiling */
        erg_run(other);
        for (int k = 0; k < 5; k++) {
            const erg_tensor *a = erg_output(plan, k), *b = erg_output(other, k);
            size_t bytes = (size_t)erg_tensor_size(a) * erg_dtype_size(a->dtype);
            ck_assert_msg(memcmp(a->data, b->data, bytes) == 0, "%d threads: output %d", threads[t],
                          k);
        }
        erg_plan_free(other);
    }
    erg_plan_free(plan);
    erg_graph_free(m.graph);
    erg_set_threads(before);
}
END_TEST

/* <conv(x), y> = <x, conv_transpose(y)>, also where the two are large sums. */
START_TEST(transpose_is_the_transpose) {
    golden g = *case_of(_i);
    model m = model_new(&g, 0, F64);
    erg_conv conv = conv_of(&g);
    for (int k = 0; k < 2; k++) {
        const erg_conv_axis *a = &conv.axis[k];
        g.size[MORE + k] = (a->in + 2 * a->padding - a->dilation * (a->kernel - 1) - 1) % a->stride;
    }
    erg_node *y = filled(m.graph, F64, erg_node_shape(m.outputs[0]), 3);
    erg_node *back = apply(&g, 1, y, m.w);
    erg_node *outputs[] = {erg_sum(erg_mul(m.outputs[0], y), ERG_ALL, 0),
                           erg_sum(erg_mul(m.x, back), ERG_ALL, 0)};
    ck_assert_msg(!erg_graph_error(m.graph), "%s", erg_graph_error(m.graph));
    erg_plan *plan = compile_with("", outputs, 2);
    erg_run(plan);
    double a = erg_tensor_get(erg_output(plan, 0), 0), b = erg_tensor_get(erg_output(plan, 1), 0);
    ck_assert_msg(fabs(a - b) <= 1e-12 * fmax(1, fabs(a)), "%.17g and %.17g", a, b);
    erg_plan_free(plan);
    erg_graph_free(m.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- in plans */

/* x' = x - dE/dx / 4 on images (batch, 2, 9, 8), with an energy of two convolutions. */
typedef struct chain {
    erg_graph *graph;
    erg_node *x, *weight[2], *bias, *next;
} chain;

static chain chain_new(int64_t batch) {
    chain c = {.graph = erg_graph_new(1)};
    erg_conv2d_options half = {.stride = {2, 2}, .padding = {1, 1}};
    c.x = filled(c.graph, F32, ERG_SHAPE(batch, 2, 9, 8), 1);
    c.weight[0] = filled(c.graph, F32, ERG_SHAPE(24, 2, 3, 3), 2);
    c.weight[1] = filled(c.graph, F32, ERG_SHAPE(20, 24, 3, 3), 3);
    c.bias = filled(c.graph, F32, ERG_SHAPE(24, 1, 1), 4);
    erg_node *y = erg_tanh(erg_add(erg_conv2d(c.x, c.weight[0], half), c.bias));
    erg_node *energy = erg_sum(erg_square(erg_conv2d(y, c.weight[1], half)), ERG_ALL, 0);
    erg_node *slope = erg_mul_scalar(erg_gradient(energy, c.x), 0.25);
    c.next = erg_assign(c.x, erg_sub(c.x, slope));
    ck_assert_msg(!erg_graph_error(c.graph), "%s", erg_graph_error(c.graph));
    return c;
}

/* The images after two runs, a change of the weight, and three more. */
static erg_tensor *chain_run(const chain *c, erg_plan *plan) {
    erg_run_n(plan, 2);
    erg_tensor_set(erg_value(c->weight[1]), 5, 0.75);
    erg_run_n(plan, 3);
    return erg_tensor_clone(erg_value(c->x));
}

/* Images keep apart: runs go tile by tile, with the weights laid out once before them. */
START_TEST(a_transition_of_images_is_one_region) {
    static const char *const words[] = {"small-tiles", "small-tiles,no-pack",
                                        "small-tiles,no-reuse", "verify"};
    chain c = chain_new(37);
    erg_plan *plan = compile_with("no-regions", &c.next, 1);
    erg_tensor *expected = chain_run(&c, plan);
    erg_plan_free(plan);
    erg_graph_free(c.graph);
    for (int i = 0; i < COUNT(words); i++) {
        chain other = chain_new(37);
        plan = compile_with(words[i], &other.next, 1);
        ck_assert_msg(i == 3 || plan->loops, "%s: no loop", words[i]);
        erg_tensor *x = chain_run(&other, plan);
        ck_assert_msg(memcmp(x->data, expected->data, (size_t)erg_tensor_size(x) * 4) == 0,
                      "%s: other bits", words[i]);
        erg_tensor_free(x);
        erg_plan_free(plan);
        erg_graph_free(other.graph);
    }
    erg_tensor_free(expected);
}
END_TEST

/* One image is no region, but its weights are turned in the first run of a call alone. */
START_TEST(weights_are_turned_once_a_call) {
    chain c = chain_new(1), d = chain_new(1);
    erg_plan *plan = compile_with("nan", &c.next, 1);
    erg_plan *plain = compile_with("no-pack", &d.next, 1);
    erg_tensor *x = chain_run(&c, plan), *expected = chain_run(&d, plain);
    ck_assert(memcmp(x->data, expected->data, (size_t)erg_tensor_size(x) * 4) == 0);
    int turned = 0;
    for (int i = 0; i < plan->n_steps; i++) {
        bool is_turn = plan->steps[i].node->op == ERG_OP_permute;
        ck_assert_uint_eq(plan->steps[i].calls, is_turn ? 2 : 5);
        turned += is_turn;
    }
    ck_assert_int_gt(turned, 1);
    erg_tensor_free(x);
    erg_tensor_free(expected);
    erg_plan_free(plan);
    erg_plan_free(plain);
    erg_graph_free(c.graph);
    erg_graph_free(d.graph);
}
END_TEST

/* No array of a whole batch holds the bias of a channel. */
START_TEST(a_bias_is_read_in_place) {
    chain c = chain_new(37);
    erg_plan *plan = compile_with("", &c.next, 1);
    for (int i = 0; i < plan->n_steps; i++) {
        const erg_node *node = plan->steps[i].node;
        ck_assert(node->op != ERG_OP_broadcast || node->shape.dims[0] == 1);
    }
    erg_plan_free(plan);
    erg_graph_free(c.graph);
}
END_TEST

/* A padding beyond any memory costs none, where the derivative by the weight does not need it. */
START_TEST(padding_costs_no_memory) {
    erg_graph *g = erg_graph_new(1);
    int64_t far = INT64_C(1) << 40;
    erg_node *x = filled(g, F64, ERG_SHAPE(1, 1, 2, 2), 1),
             *w = filled(g, F64, ERG_SHAPE(1, 1, 1, 1), 2);
    erg_conv2d_options options = {.stride = {far, far}, .padding = {far, far}};
    erg_node *y = erg_conv2d(x, w, options), *dw = erg_gradient(y, w);
    erg_plan *plan = compile_with("", &y, 1);
    erg_run(plan);
    double expected = erg_tensor_get(erg_value(x), 0) * erg_tensor_get(erg_value(w), 0);
    for (int i = 0; i < 9; i++)
        ck_assert_double_eq(erg_tensor_get(erg_output(plan, 0), i), i == 4 ? expected : 0);
    erg_plan_free(plan);
    ck_assert_ptr_null(erg_compile(&dw, 1));
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "memory"));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("conv");
    TCase *tests = tcase_create("conv");
    int cases = getenv("ERG_TEST_FAST") ? COUNT(golden_conv) : CASES;
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, kernels_agree_with_plain_loops, 0, cases);
    tcase_add_loop_test(tests, as_pytorch, 0, COUNT(golden_conv));
    tcase_add_loop_test(tests, transpose_as_pytorch, 0, COUNT(golden_transpose));
    tcase_add_loop_test(tests, plans_agree_with_the_interpreter, 0, cases);
    tcase_add_loop_test(tests, threads_change_no_bit, 0, cases);
    tcase_add_loop_test(tests, transpose_is_the_transpose, 0, cases);
    tcase_add_test(tests, a_transition_of_images_is_one_region);
    tcase_add_test(tests, weights_are_turned_once_a_call);
    tcase_add_test(tests, a_bias_is_read_in_place);
    tcase_add_test(tests, padding_costs_no_memory);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* test_layout.c: which images have their channels last, that nothing is transposed in vain, and that
 * values are what they were: of networks from a table, and of random ones. */
#include <stdio.h>
#include <string.h>

#include "compiler_graph.h"
#include "random_graph.h"

/* Channels enough for a vector of any kernels. */
enum { BATCH = 20, CHANNELS = 16, SIDE = 9 };

static const erg_conv2d_options same = {.padding = {1, 1}},
                                half = {.stride = {2, 2}, .padding = {1, 1}};

static erg_node *images(const char *name, int64_t channels) {
    return input(name, ERG_SHAPE(BATCH, channels, SIDE, SIDE));
}

static erg_node *weight(const char *name, int64_t filters, int64_t channels) {
    return param(name, ERG_SHAPE(filters, channels, 3, 3));
}

static erg_node *bias(const char *name) {
    return param(name, ERG_SHAPE(CHANNELS, 1, 1));
}

/* One of many channels, from images of one. */
static erg_node *first(void) {
    return erg_conv2d(images("x", 1), weight("w", CHANNELS, 1), same);
}

static erg_node *second(erg_node *x) {
    return erg_conv2d(x, weight("v", CHANNELS, CHANNELS), half);
}

static erg_node *energy(void) {
    erg_node *h = erg_silu(second(erg_silu(erg_add(first(), bias("b")))));
    return erg_sum(erg_square(h), ERG_AXES(1, 2, 3), 0);
}

/* ------------------------------------------------------------------------------- networks */

static erg_node *alone(void) {
    return first();
}

/* The last one is an output, and so in planes. */
static erg_node *two(void) {
    return second(erg_silu(erg_add(first(), bias("b"))));
}

static erg_node *derivative(const char *name) {
    erg_node *e = energy();
    return erg_gradient(e, erg_find(g, name));
}

static erg_node *score(void) {
    return derivative("x");
}

static erg_node *by_weight(void) {
    return derivative("v");
}

static erg_node *by_bias(void) {
    return derivative("b");
}

static erg_node *curvature(void) {
    erg_node *e = energy();
    return erg_hvp(e, erg_find(g, "x"), images("direction", 1));
}

static erg_node *residual(void) {
    erg_node *h = first();
    h = erg_add(h, erg_conv2d(erg_tanh(h), weight("v", CHANNELS, CHANNELS), same));
    return erg_mean(h, ERG_AXES(2, 3), 0);
}

/* Two of three operands come in planes. */
static erg_node *among_strangers(void) {
    erg_node *h = erg_mul(first(), images("y", CHANNELS));
    return second(erg_add(h, images("z", CHANNELS)));
}

/* One does, and two convolutions make members. */
static erg_node *with_a_stranger(void) {
    erg_node *h = erg_mul(first(), images("y", CHANNELS));
    return second(erg_add(h, erg_conv2d(h, weight("u", CHANNELS, CHANNELS), same)));
}

static erg_node *over_channels(void) {
    return erg_sum(first(), ERG_AXES(1), 1);
}

static erg_node *over_rows(void) {
    return erg_max(first(), ERG_AXES(2), 0);
}

/* Channels and rows are no neighbours if the channels are last. */
static erg_node *over_channels_and_rows(void) {
    return erg_sum(first(), ERG_AXES(1, 2), 0);
}

/* Numbers for each image, channel, row; and one. */
static erg_node *stretched(void) {
    erg_node *h = erg_mul(first(), input("each", ERG_SHAPE(BATCH, 1, 1, 1)));
    h = erg_add(h, input("image", ERG_SHAPE(BATCH, CHANNELS, 1, 1)));
    h = erg_maximum(h, input("row", ERG_SHAPE(SIDE, 1)));
    h = erg_where(erg_less(h, erg_full_like(h, 0.3)), erg_mul_scalar(h, 0.1), h);
    return second(h);
}

/* The user's images have their channels last. */
static erg_node *from_last(void) {
    erg_node *x = erg_permute(input("x", ERG_SHAPE(BATCH, SIDE, SIDE, 3)), (int[]){0, 3, 1, 2});
    return erg_sum(erg_silu(erg_conv2d(x, weight("w", CHANNELS, 3), same)), ERG_AXES(2, 3), 0);
}

/* So few channels stay planes. */
static erg_node *few(void) {
    erg_node *h = erg_conv2d(images("x", 1), weight("w", 12, 1), same);
    return erg_mean(erg_silu(h), ERG_AXES(2, 3), 0);
}

static erg_node *few_from_last(void) {
    erg_node *x = erg_permute(input("x", ERG_SHAPE(BATCH, SIDE, SIDE, 3)), (int[]){0, 3, 1, 2});
    return erg_conv2d(x, weight("w", 1, 3), same);
}

/* One member comes in planes, and the derivative by a weight reads another as its cotangent. */
static erg_node *as_a_cotangent(void) {
    erg_node *z = erg_mul(first(), images("y", CHANNELS)), *v = weight("v", CHANNELS, CHANNELS);
    erg_node *h = erg_conv2d(images("h", CHANNELS), v, same);
    return erg_gradient(erg_sum(erg_mul(h, z), ERG_ALL, 0), v);
}

/* Two convolutions make members, and two others want one of these in planes. */
static erg_node *wanted_twice_in_planes(void) {
    erg_node *h = first();
    h = erg_silu(erg_add(h, erg_conv2d(h, weight("v", CHANNELS, CHANNELS), same)));
    erg_node *rows = erg_sum(ERG_RESHAPE(h, BATCH, -1), ERG_AXES(1), 0);
    return erg_mul(rows, erg_sum(erg_slice(h, 3, 0, 4, 1), ERG_AXES(1, 2, 3), 0));
}

static erg_node *as_a_weight(void) {
    return erg_conv2d(images("y", CHANNELS), erg_silu(first()),
                      (erg_conv2d_options){.padding = {SIDE, SIDE}});
}

static erg_node *with_users_last(void) {
    erg_node *y =
        erg_permute(input("y", ERG_SHAPE(BATCH, SIDE, SIDE, CHANNELS)), (int[]){0, 3, 1, 2});
    return erg_mean(erg_mul(first(), y), ERG_AXES(2, 3), 0);
}

static erg_node *stored(void) {
    erg_node *h = erg_silu(first());
    return erg_assign(erg_state(g, "s", F64, h->shape), h);
}

static erg_node *empty(void) {
    erg_node *x = input("x", ERG_SHAPE(BATCH, CHANNELS, 0, 5)),
             *w = weight("w", CHANNELS, CHANNELS);
    erg_node *h = erg_silu(erg_conv2d(x, w, (erg_conv2d_options){.padding = {2, 2}}));
    erg_node *sum = erg_sum(h, ERG_ALL, 0), *dx = erg_gradient(sum, x);
    return erg_add(erg_sum(erg_gradient(sum, w), ERG_ALL, 0), erg_sum(dx, ERG_ALL, 0));
}

static erg_node *to_few_channels(void) {
    return erg_conv_transpose2d(erg_silu(first()), weight("v", CHANNELS, 1),
                                (erg_conv_transpose2d_options){.padding = {1, 1}});
}

static erg_node *in_groups(void) {
    erg_node *h = erg_silu(first());
    return erg_sum(erg_square(erg_conv2d(h, weight("v", 2 * CHANNELS, CHANNELS / 2),
                                         (erg_conv2d_options){.padding = {1, 1}, .groups = 2})),
                   ERG_AXES(1, 2, 3), 0);
}

static erg_node *cast_between(void) {
    return second(erg_cast(erg_cast(first(), F32), F64));
}

static erg_node *looked_at(void) {
    erg_node *h = erg_silu(first());
    return erg_sum(erg_mul(ERG_RESHAPE(h, BATCH, -1), ERG_RESHAPE(h, BATCH, -1)), ERG_AXES(1), 0);
}

typedef struct network {
    const char *name;
    erg_node *(*build)(void);
    int last;  /* convolutions that write channels last, */
    int other; /* and others */
    int moved; /* transpositions of images */
} network;

static const network networks[] = {
    {"alone", alone, 0, 1, 0},
    {"two", two, 1, 1, 0},
    {"score", score, 3, 1, 0},
    {"by weight", by_weight, 2, 0, 0},
    {"by bias", by_bias, 3, 0, 0},
    {"curvature", curvature, 6, 1, 0},
    {"residual", residual, 2, 0, 0},
    {"among strangers", among_strangers, 0, 2, 0},
    {"with a stranger", with_a_stranger, 2, 1, 1},
    {"over channels", over_channels, 1, 0, 0},
    {"over rows", over_rows, 1, 0, 1}, /* of the maxima */
    {"over channels and rows", over_channels_and_rows, 0, 1, 0},
    {"stretched", stretched, 1, 1, 0},
    {"from last", from_last, 1, 0, 0},
    {"to few channels", to_few_channels, 0, 2, 0},
    {"in groups", in_groups, 2, 0, 0},
    {"cast between", cast_between, 1, 1, 0},
    {"looked at", looked_at, 0, 1, 0},
    {"few", few, 0, 1, 0},
    {"few from last", few_from_last, 0, 1, 1},
    {"as a cotangent", as_a_cotangent, 1, 0, 1}, /* y */
    {"wanted twice in planes", wanted_twice_in_planes, 2, 0, 1},
    {"as a weight", as_a_weight, 0, 2, 0},
    {"with users last", with_users_last, 1, 0, 0},
    {"stored", stored, 0, 1, 0},
    {"empty", empty, 1, 0, 0},
};

static int transpositions(const erg_plan *plan) {
    int moved = 0;
    for (int i = 0; i < plan->n_steps; i++) {
        const erg_node *node = plan->steps[i].node;
        moved += node->op == ERG_OP_permute && node->shape.dims[0] == BATCH;
    }
    return moved;
}

static int in_planes(const erg_plan *plan) {
    return computed(plan, ERG_OP_conv2d) + computed(plan, ERG_OP_conv2d_input);
}

START_TEST(channels_are_last_where_that_saves_something) {
    const network *n = &networks[_i];
    erg_node *node = n->build();
    ck_assert_msg(!erg_graph_error(g), "%s: %s", n->name, erg_graph_error(g));
    erg_plan *plan = compile_with("verify", &node, 1);
    int last = computed(plan, ERG_OP_conv2d_last), other = in_planes(plan);
    ck_assert_msg(last == n->last && other == n->other && transpositions(plan) == n->moved,
                  "%s: %d and %d convolutions, %d moved", n->name, last, other,
                  transpositions(plan));
    erg_plan_free(plan);
}
END_TEST

START_TEST(values_are_what_they_were) {
    static const char *const words[] = {
        "", "small-tiles", "no-regions,no-pack", "no-epilogue", "no-simplify", "no-layout"};
    erg_node *node = networks[_i].build();
    for (int i = 0; i < COUNT(words); i++) {
        erg_plan *plan = compile_with(words[i], &node, 1);
        erg_run(plan);
        assert_agrees(plan, &node, 1);
        erg_plan_free(plan);
    }
}
END_TEST

/* Convolutions keep images apart, and read turned weights. */
START_TEST(they_are_steps_of_a_region) {
    erg_node *node = score();
    erg_plan *plan = compile_with("small-tiles", &node, 1);
    for (int p = 0; p < plan->n_phases; p++)
        for (int i = plan->phases[p].first; i < plan->phases[p].first + plan->phases[p].count;
             i++) {
            const erg_node *step = plan->steps[i].node;
            ck_assert(step->op != ERG_OP_conv2d_last ||
                      (plan->phases[p].rows == BATCH && step->in[1]->op == ERG_OP_permute));
        }
    erg_plan_free(plan);
}
END_TEST

/* A bias is added in the convolution, unless it is more than a number for each channel, or somebody
 * else wants the sums without it. */
START_TEST(biases_are_added_in_the_convolution) {
    erg_node *h = first(), *sum = erg_add(h, bias("b"));
    struct {
        erg_node *node;
        int left;
    } rows[] = {
        {erg_silu(sum), 0},
        {erg_add(bias("c"), h), 0},
        {erg_mul(sum, h), 1},
        {erg_add(h, input("each", ERG_SHAPE(BATCH, CHANNELS, 1, 1))), 1},
        {erg_add(h, input("rows", ERG_SHAPE(SIDE, 1))), 1},
        {erg_add(h, input("one", ERG_SHAPE(1, 1, 1, 1))), 1},
        {erg_add(sum, erg_sin(bias("d"))), 1},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        erg_node *node = erg_mean(rows[i].node, ERG_AXES(2, 3), 0);
        erg_plan *plan = compile_with("verify", &node, 1);
        erg_plan *apart = compile_with("no-epilogue", &node, 1);
        ck_assert_int_eq(computed(plan, ERG_OP_conv2d_last), 1);
        ck_assert_int_eq(computed(plan, ERG_OP_add), rows[i].left);
        erg_run(plan);
        erg_run(apart);
        assert_agrees(plan, &node, 1);
        ck_assert(distance(erg_output(plan, 0), erg_output(apart, 0)) == 0);
        erg_plan_free(plan);
        erg_plan_free(apart);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- random networks */

enum { NODES = 14, OUTPUTS = 8 };

typedef struct drawer {
    uint64_t state;
    erg_node *nodes[NODES];
    int count;
} drawer;

static erg_node *pick(drawer *d) {
    return d->nodes[random_below(&d->state, d->count)];
}

/* One of x's shape, perhaps x. */
static erg_node *alike(drawer *d, erg_node *x) {
    for (int i = 0; i < 8; i++) {
        erg_node *y = pick(d);
        if (erg_shape_equal(y->shape, x->shape))
            return y;
    }
    return x;
}

static erg_node *random_param(drawer *d, erg_shape shape) {
    char name[16];
    snprintf(name, sizeof name, "p%d", d->count);
    double terms = (double)(shape.dims[1] * shape.dims[2] * shape.dims[3]);
    return filled(erg_param(g, name, F64, shape), 2 / sqrt(terms));
}

static erg_node *convolve(drawer *d, erg_node *x) {
    static const int64_t filters[] = {1, 4, 16, 24};
    int64_t channels = x->shape.dims[1], kernel = 1 + 2 * random_below(&d->state, 2);
    int64_t groups = channels % 2 == 0 && random_below(&d->state, 4) == 0 ? 2 : 1;
    erg_shape shape = {4, {filters[random_below(&d->state, 4)], 0, kernel, kernel}};
    int64_t stride = 1 + random_below(&d->state, 2);
    if (random_below(&d->state, 3) == 0) {
        shape.dims[1] = shape.dims[0];
        shape.dims[0] = channels;
        return erg_conv_transpose2d(
            x, random_param(d, shape),
            (erg_conv_transpose2d_options){
                .stride = {1, stride}, .padding = {kernel / 2, kernel / 2}, .groups = groups});
    }
    shape.dims[0] *= groups;
    shape.dims[1] = channels / groups;
    return erg_conv2d(x, random_param(d, shape),
                      (erg_conv2d_options){.stride = {stride, 1},
                                           .padding = {kernel / 2, kernel / 2},
                                           .groups = groups});
}

/* Of another kind: a number for each channel or image, or one that is the same for some. */
static erg_node *stretch(drawer *d, erg_node *x) {
    const int64_t *n = x->shape.dims;
    erg_shape shapes[] = {ERG_SHAPE(1, n[1], 1, 1), ERG_SHAPE(n[0], 1, 1, 1),
                          ERG_SHAPE(n[0], n[1], 1, 1), ERG_SHAPE(1, 1, n[2], n[3])};
    return erg_add(x, random_param(d, shapes[random_below(&d->state, 4)]));
}

/* Elements that share a maximum may cease to by rounding: its derivative is not asked for. */
static erg_node *reduce(drawer *d, erg_node *x) {
    int from = random_below(&d->state, 4), to = from + random_below(&d->state, 4 - from);
    erg_axes axes = {.count = to - from + 1};
    for (int k = from; k <= to; k++)
        axes.axis[k - from] = k;
    erg_node *y =
        random_below(&d->state, 2) ? erg_mean(x, axes, 1) : erg_max(erg_stop_gradient(x), axes, 1);
    return erg_mul(x, y);
}

static erg_node *draw(drawer *d) {
    erg_node *x = pick(d);
    switch (random_below(&d->state, 10)) {
    case 0:
    case 1:
    case 2:
        return erg_tanh(convolve(d, x));
    case 3:
        return erg_silu(stretch(d, x));
    case 4:
        return erg_sub(x, alike(d, x));
    case 5:
        return erg_mul(x, erg_sigmoid(alike(d, x)));
    case 6:
        return erg_tanh(reduce(d, x));
    case 7:
        return erg_where(erg_less(x, erg_full_like(x, 0.1)), alike(d, x), erg_mul_scalar(x, 0.5));
    case 8:
        return x->shape.dims[2] > 2 && x->shape.dims[3] > 2
                   ? erg_avg_pool2d(x, (erg_pool2d_options){.kernel = {2, 2}, .stride = {2, 1}})
                   : x;
    default:
        return erg_permute(erg_permute(x, (int[]){0, 2, 3, 1}), (int[]){0, 3, 1, 2});
    }
}

/* Some nodes, and derivatives of first and second order. */
static int random_network(uint64_t seed, erg_node **outputs) {
    static const int64_t batches[] = {1, 3, 20};
    drawer d = {.state = seed};
    int64_t batch = batches[seed % 3];
    erg_node *x = input("x", ERG_SHAPE(batch, seed % 2 ? 1 : 16, 6, 5)), *sum;
    d.nodes[d.count++] = x;
    while (d.count < NODES) {
        d.nodes[d.count] = draw(&d);
        ck_assert_msg(d.nodes[d.count], "seed %d: %s", (int)seed, erg_graph_error(g));
        d.count++;
    }
    outputs[0] = d.nodes[NODES - 2];
    outputs[1] = d.nodes[NODES - 1];
    sum = erg_sum(erg_square(outputs[0]), ERG_ALL, 0);
    sum = erg_add(sum, erg_sum(erg_sin(outputs[1]), ERG_ALL, 0));
    outputs[2] = erg_gradient(sum, x);
    outputs[3] = erg_hvp(sum, x, input("direction", x->shape));
    int n, count = 4;
    erg_node **params = erg_params(g, NULL, &n);
    for (int k = 0; k < n && count < OUTPUTS; k++)
        outputs[count++] = erg_gradient(sum, params[k]);
    ck_assert_msg(!erg_graph_error(g), "seed %d: %s", (int)seed, erg_graph_error(g));
    return count;
}

START_TEST(random_networks_agree_with_the_interpreter) {
    static const char *const words[] = {"verify", "small-tiles", "no-pack,no-cse", "no-layout"};
    for (int i = 0; i < repetitions(300); i++) {
        erg_node *outputs[OUTPUTS];
        int count = random_network((uint64_t)i, outputs);
        erg_plan *reference = compile_with("reference", outputs, count);
        erg_run(reference);
        for (int k = 0; k < COUNT(words); k++) {
            erg_plan *plan = compile_with(words[k], outputs, count);
            erg_run(plan);
            for (int out = 0; out < count; out++) {
                double off = distance(erg_output(plan, out), erg_output(reference, out));
                ck_assert_msg(off < 1e-11, "seed %d, %s, output %d: %g", i, words[k], out, off);
            }
            erg_plan_free(plan);
        }
        erg_plan_free(reference);
        teardown();
        setup();
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("layout");
    TCase *tests = tcase_create("layout");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, channels_are_last_where_that_saves_something, 0, COUNT(networks));
    tcase_add_loop_test(tests, values_are_what_they_were, 0, COUNT(networks));
    tcase_add_test(tests, they_are_steps_of_a_region);
    tcase_add_test(tests, biases_are_added_in_the_convolution);
    tcase_add_test(tests, random_networks_agree_with_the_interpreter);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

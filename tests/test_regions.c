/* test_regions.c: going through a batch tile by tile, and run by run within a tile, changes no bit:
 * for random graphs, and for transitions whose leaves are read in all sorts of ways. */
#include <stdio.h>
#include <string.h>

#include "plan_tools.h"
#include "random_graph.h"

static const int threads[] = {1, 2, 3, 4, 7};

static void assert_same(const erg_tensor *x, const erg_tensor *y, const char *what, int k) {
    size_t bytes = (size_t)erg_tensor_size(x) * erg_dtype_size(x->dtype);
    ck_assert_msg(memcmp(x->data, y->data, bytes) == 0, "%s: other bits in value %d", what, k);
}

static int regions_of(const erg_plan *plan) {
    int regions = 0;
    for (int i = 0; i < plan->n_phases; i++)
        regions += plan->phases[i].rows > 0;
    return regions;
}

/* ------------------------------------------------------------------------------- random graphs */

/* Without the passes that follow too: but a product of a single row is another one with no-pack. */
static void compare_tilings(const random_graph *r, const char *what) {
    static const char *const words[][2] = {{"no-regions", "verify"},
                                           {"no-regions", "small-tiles"},
                                           {"no-regions", "small-tiles,no-reuse"},
                                           {"no-regions", "small-tiles,no-chains"},
                                           {"no-regions,no-pack", "small-tiles,no-pack"}};
    for (int w = 0; w < COUNT(words); w++) {
        erg_plan *whole = compile_with(words[w][0], r->outputs, r->count);
        erg_plan *tiled = compile_with(words[w][1], r->outputs, r->count);
        erg_graph_set_runs(r->graph, 3);
        erg_run(whole);
        for (int i = 0; i < 2; i++) { /* the first run leaves nothing that changes the second */
            erg_graph_set_runs(r->graph, 3);
            erg_run(tiled);
        }
        for (int k = 0; k < r->count; k++)
            assert_same(erg_output(tiled, k), erg_output(whole, k), what, k);
        erg_plan_free(whole);
        erg_plan_free(tiled);
    }
}

START_TEST(tiles_change_no_bit) {
    int before = erg_threads(), regions = 0, graphs = repetitions(400);
    for (int i = 0; i < graphs; i++) {
        uint64_t seed = 20000 + (uint64_t)i;
        random_graph_options options = {.dtype = i % 2 ? F64 : F32,
                                        .operations = 8 + i % 20,
                                        .rows = true,
                                        .derive = i % 3 == 0};
        random_graph r = random_graph_new(seed, options);
        char what[64];
        snprintf(what, sizeof what, "seed %llu", (unsigned long long)seed);
        erg_set_threads(threads[i % COUNT(threads)]);
        compare_tilings(&r, what);
        erg_plan *plan = compile_with("small-tiles", r.outputs, r.count);
        regions += regions_of(plan);
        erg_plan_free(plan);
        erg_graph_free(r.graph);
    }
    ck_assert_int_gt(regions, graphs);
    erg_set_threads(before);
}
END_TEST

/* ------------------------------------------------------------------------------- transitions */

enum { MOST_LEAVES = 4, MOST_OUTPUTS = 6, HIDDEN = 24 };

/* A graph, the leaves it changes, and what a plan is compiled of. */
typedef struct chain {
    erg_graph *graph;
    int64_t rows;
    erg_node *leaves[MOST_LEAVES];
    int n_leaves;
    erg_node *outputs[MOST_OUTPUTS];
    int n_outputs;
} chain;

static erg_node *filled(erg_node *leaf) {
    for (int64_t i = 0; i < erg_tensor_size(erg_value(leaf)); i++)
        erg_tensor_set(erg_value(leaf), i, sin(1.7 * (double)i + 1));
    return leaf;
}

static erg_node *state(chain *c, const char *name, erg_shape shape) {
    return c->leaves[c->n_leaves++] = filled(erg_state(c->graph, name, F32, shape));
}

static void output(chain *c, erg_node *node) {
    c->outputs[c->n_outputs++] = node;
}

/* A small network's energy of each row, its first weight stored transposed. */
static erg_node *energy(erg_node *x, const char *scope) {
    erg_graph *g = erg_node_graph(x);
    int64_t d = x->shape.dims[1];
    erg_scope_push(g, scope);
    erg_node *w = filled(erg_param(g, "w", F32, ERG_SHAPE(HIDDEN, d)));
    erg_node *bias = filled(erg_param(g, "bias", F32, ERG_SHAPE(HIDDEN)));
    erg_node *v = filled(erg_param(g, "v", F32, ERG_SHAPE(HIDDEN, 1)));
    erg_scope_pop(g);
    erg_node *h = erg_silu(erg_add(erg_matmul_transposed(x, 0, w, 1), bias));
    return erg_squeeze(erg_matmul(h, v), 1);
}

static erg_node *langevin(erg_node *x, erg_node *e) {
    erg_node *noise = erg_normal(erg_node_graph(x), F32, x->shape);
    return erg_add(erg_sub(x, erg_mul_scalar(erg_gradient(e, x), 0.05)),
                   erg_mul_scalar(noise, 0.3));
}

static void build_langevin(chain *c) {
    erg_node *x = state(c, "x", ERG_SHAPE(c->rows, 3));
    output(c, erg_assign(x, langevin(x, energy(x, "e"))));
}

/* Position, velocity, energy and a count of accepted steps in each row. */
static void build_several(chain *c) {
    erg_node *x = state(c, "x", ERG_SHAPE(c->rows, 3)), *u = state(c, "u", ERG_SHAPE(c->rows));
    erg_node *p = state(c, "p", ERG_SHAPE(c->rows, 3)), *n = state(c, "n", ERG_SHAPE(c->rows, 1));
    erg_node *y = erg_add(x, erg_mul_scalar(p, 0.1)), *e = energy(y, "e");
    erg_node *accept = erg_less(erg_uniform(c->graph, F32, u->shape), erg_exp(erg_sub(u, e)));
    erg_node *rows = erg_unsqueeze(accept, 1);
    output(c, erg_assign(x, erg_where(rows, y, x)));
    output(c, erg_assign(u, erg_where(accept, e, u)));
    output(c, erg_assign(p, erg_normal(c->graph, F32, p->shape)));
    output(c, erg_assign(n, erg_add(n, rows)));
}

static void build_swap(chain *c) {
    erg_node *x = state(c, "x", ERG_SHAPE(c->rows, 3)), *y = state(c, "y", ERG_SHAPE(c->rows, 3));
    output(c, erg_assign(x, y));
    output(c, erg_assign(y, erg_add_scalar(erg_sin(x), 1)));
    output(c, x);
    output(c, ERG_RESHAPE(y, c->rows * 3));
}

/* Rows are pulled to the mean of all. */
static void build_mixing(chain *c) {
    erg_node *x = state(c, "x", ERG_SHAPE(c->rows, 3));
    erg_node *pull = erg_sub(x, erg_mean(x, ERG_AXES(0), 1));
    output(c, erg_assign(x, langevin(erg_sub(x, erg_mul_scalar(pull, 0.1)), energy(x, "e"))));
}

/* The step becomes smaller from run to run. */
static void build_counting(chain *c) {
    erg_node *x = state(c, "x", ERG_SHAPE(c->rows, 3)), *t = state(c, "t", ERG_SCALAR);
    erg_node *rate = erg_div(erg_full(c->graph, F32, ERG_SCALAR, 1), erg_add_scalar(t, 3));
    output(c, erg_assign(x, erg_sub(x, erg_mul(rate, erg_gradient(energy(x, "e"), x)))));
    output(c, erg_assign(t, erg_add_scalar(t, 1)));
}

/* One number is drawn for all rows. */
static void build_common_noise(chain *c) {
    erg_node *x = state(c, "x", ERG_SHAPE(c->rows, 3));
    erg_node *common = erg_sin(erg_normal(c->graph, F32, ERG_SHAPE(3)));
    output(c, erg_assign(x, erg_add(erg_tanh(x), common)));
}

static void build_two_batches(chain *c) {
    erg_node *x = state(c, "x", ERG_SHAPE(c->rows, 3));
    erg_node *y = state(c, "y", ERG_SHAPE(2 * c->rows + 5, 4));
    output(c, erg_assign(x, langevin(x, energy(x, "e"))));
    output(c, erg_assign(y, langevin(y, energy(y, "f"))));
}

/* Each row looks up another row of the leaf. */
static void build_lookup(chain *c) {
    erg_node *x = state(c, "x", ERG_SHAPE(c->rows, 3));
    erg_node *u = erg_uniform(c->graph, F32, ERG_SHAPE(c->rows));
    erg_node *other = erg_cast(erg_mul_scalar(u, (double)c->rows), ERG_INT32);
    output(c, erg_assign(x, erg_tanh(erg_add(x, erg_take(x, other, 0)))));
}

/* The row's value ends as the mean of another leaf's row, and a value that never changes. */
static void build_invariant(chain *c) {
    erg_node *x = state(c, "x", ERG_SHAPE(c->rows)), *y = state(c, "y", ERG_SHAPE(c->rows, 3));
    erg_node *w = filled(erg_param(c->graph, "w", F32, ERG_SHAPE(c->rows, 3)));
    output(c, erg_assign(x, erg_mean(y, ERG_AXES(1), 0)));
    output(c, erg_assign(y, erg_mul(erg_sin(erg_add(y, w)), erg_sum(w, ERG_AXES(0), 1))));
    output(c, erg_sum(w, ERG_AXES(0), 0));
}

static const struct transition {
    const char *name;
    void (*build)(chain *c);
    bool loops; /* if there are rows for two tiles */
} transitions[] = {
    {"langevin", build_langevin, true},
    {"several leaves", build_several, true},
    {"swap", build_swap, true},
    {"mixing", build_mixing, false},
    {"counting", build_counting, false},
    {"common noise", build_common_noise, false},
    {"two batches", build_two_batches, false},
    {"lookup", build_lookup, false},
    {"invariant", build_invariant, true},
};

static const int64_t batches[] = {0, 1, 7, 16, 37, 64, 150};

static chain chain_new(const struct transition *t, int64_t rows) {
    chain c = {.graph = erg_graph_new(5), .rows = rows};
    t->build(&c);
    ck_assert_msg(!erg_graph_error(c.graph), "%s: %s", t->name, erg_graph_error(c.graph));
    return c;
}

enum { RUNS = 5 };

/* All runs in one call, after one that is alone. */
static void compare_runs(const struct transition *t, const chain *expected, const char *words,
                         const char *what) {
    chain c = chain_new(t, expected->rows);
    erg_plan *plan = compile_with(words, c.outputs, c.n_outputs);
    bool small = strstr(words, "small-tiles") != NULL;
    ck_assert_msg(!small || plan->loops == (t->loops && c.rows >= 16), "%s", what);
    erg_run(plan);
    erg_run_n(plan, 0);
    erg_run_n(plan, RUNS - 1);
    ck_assert_uint_eq(erg_graph_runs(c.graph), RUNS);
    for (int k = 0; k < c.n_leaves; k++)
        assert_same(erg_value(c.leaves[k]), erg_value(expected->leaves[k]), what, k);
    erg_plan_free(plan);
    erg_graph_free(c.graph);
}

START_TEST(runs_in_a_tile_are_runs_of_the_plan) {
    static const char *const words[] = {"", "verify,small-tiles", "small-tiles,no-reuse", "nan"};
    const struct transition *t = &transitions[_i];
    int before = erg_threads();
    for (int b = 0; b < COUNT(batches); b++) {
        chain expected = chain_new(t, batches[b]);
        erg_plan *plan = compile_with("no-regions", expected.outputs, expected.n_outputs);
        for (int i = 0; i < RUNS; i++)
            erg_run(plan);
        for (int k = 0; k < COUNT(threads); k++)
            for (int w = 0; w < COUNT(words); w++) {
                char what[128];
                snprintf(what, sizeof what, "%s, %lld rows, %d threads, %s", t->name,
                         (long long)batches[b], threads[k], words[w]);
                erg_set_threads(threads[k]);
                compare_runs(t, &expected, words[w], what);
            }
        erg_plan_free(plan);
        erg_graph_free(expected.graph);
    }
    erg_set_threads(before);
}
END_TEST

/* Outputs show the last run, whoever reads them. */
START_TEST(outputs_are_those_of_the_last_run) {
    const struct transition *t = &transitions[_i];
    chain a = chain_new(t, 37), b = chain_new(t, 37);
    erg_plan *tiled = compile_with("small-tiles", a.outputs, a.n_outputs);
    erg_plan *whole = compile_with("no-regions", b.outputs, b.n_outputs);
    erg_run_n(tiled, RUNS);
    erg_run_n(whole, RUNS);
    for (int k = 0; k < a.n_outputs; k++)
        assert_same(erg_output(tiled, k), erg_output(whole, k), t->name, k);
    erg_plan_free(tiled);
    erg_plan_free(whole);
    erg_graph_free(a.graph);
    erg_graph_free(b.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- what it is for */

/* A transition is one region, whose inner values need a tile of memory. */
START_TEST(memory_of_a_region_is_a_tile) {
    chain c = chain_new(&transitions[0], 65536);
    int before = erg_threads();
    erg_set_threads(1);
    erg_plan *tiled = compile_with("", c.outputs, c.n_outputs);
    erg_plan *whole = compile_with("no-regions", c.outputs, c.n_outputs);
    ck_assert_int_eq(regions_of(tiled), 1);
    ck_assert_int_eq(regions_of(whole), 0);
    ck_assert(tiled->loops && !whole->loops);
    ck_assert_uint_lt(4 * erg_plan_arena(tiled), erg_plan_arena(whole));
    erg_plan_free(tiled);
    erg_plan_free(whole);
    erg_graph_free(c.graph);
    erg_set_threads(before);
}
END_TEST

/* ERG_DEBUG=time counts runs, not tiles. */
START_TEST(times_are_sums_over_tiles) {
    chain c = chain_new(&transitions[0], 150);
    erg_plan *plan = compile_with("small-tiles,nan", c.outputs, c.n_outputs);
    ck_assert(plan->loops);
    erg_run_n(plan, RUNS);
    const erg_phase *last = &plan->phases[plan->n_phases - 1];
    for (int i = 0; i < plan->n_steps; i++) {
        ck_assert_uint_eq(plan->steps[i].calls, i < last->first ? 1 : RUNS);
        ck_assert_double_gt(plan->steps[i].seconds, 0);
    }
    ck_assert(!plan->found);
    erg_tensor_set(erg_value(c.leaves[0]), 100, NAN); /* some rows down */
    erg_run_n(plan, RUNS);
    ck_assert(plan->found);
    erg_plan_free(plan);
    erg_graph_free(c.graph);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("regions");
    TCase *bits = tcase_create("bits");
    tcase_set_timeout(bits, 240);
    tcase_add_test(bits, tiles_change_no_bit);
    tcase_add_loop_test(bits, runs_in_a_tile_are_runs_of_the_plan, 0, COUNT(transitions));
    tcase_add_loop_test(bits, outputs_are_those_of_the_last_run, 0, COUNT(transitions));
    suite_add_tcase(suite, bits);
    TCase *purpose = tcase_create("purpose");
    tcase_add_test(purpose, memory_of_a_region_is_a_tile);
    tcase_add_test(purpose, times_are_sums_over_tiles);
    suite_add_tcase(suite, purpose);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

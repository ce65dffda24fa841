/* test_passes.c: what the passes of the compiler are for: less to compute, less memory, effects in
 * the right order; and its limits: deep graphs, small stacks, no memory asked for while running.
 * The program is linked with --wrap for malloc and its kin. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "../autograd/plan/arena.h"
#include "../autograd/plan/passes.h"
#include "plan_tools.h"
#include "random_graph.h"

/* ------------------------------------------------------------------------------- requests */

static atomic_int requests, live;

#define WRAP(type, name, parameters)                                                               \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters

static void *counted(void *block) {
    atomic_fetch_add(&requests, 1);
    atomic_fetch_add(&live, block != NULL);
    return block;
}

WRAP(void *, malloc, (size_t size)) {
    return counted(__real_malloc(size));
}

WRAP(void *, calloc, (size_t count, size_t size)) {
    return counted(__real_calloc(count, size));
}

WRAP(void *, aligned_alloc, (size_t alignment, size_t size)) {
    return counted(__real_aligned_alloc(alignment, size));
}

WRAP(void *, realloc, (void *block, size_t size)) {
    atomic_fetch_sub(&live, block != NULL);
    return counted(__real_realloc(block, size));
}

WRAP(void, free, (void *block)) {
    atomic_fetch_sub(&live, block != NULL);
    __real_free(block);
}

/* ------------------------------------------------------------------------------- helpers */

static erg_plan *compile(erg_node *output) {
    return compile_with("verify", &output, 1);
}

static int computed(const erg_plan *plan, erg_op op) {
    int nodes = 0;
    for (int i = 0; i < plan->n_steps; i++)
        for (int k = 0; k < plan->steps[i].n_nodes; k++)
            nodes += plan->steps[i].nodes[k]->op == op;
    return nodes;
}

static erg_node *input(erg_graph *g, const char *name, erg_shape shape) {
    erg_node *x = erg_input(g, name, F64, shape);
    for (int64_t i = 0; i < erg_tensor_size(erg_value(x)); i++)
        erg_tensor_set(erg_value(x), i, sin(1.0 + (double)i));
    return x;
}

static double output_of(const erg_plan *plan, int index) {
    return erg_tensor_get(erg_output(plan, index), 0);
}

static double held_by(erg_node *leaf) {
    return erg_tensor_get(erg_value(leaf), 0);
}

/* ------------------------------------------------------------------------------- less to do */

static erg_node *mlp(erg_node *x) {
    erg_graph *g = erg_node_graph(x);
    erg_node *h = erg_tanh(erg_matmul(x, erg_param(g, "w1", F64, ERG_SHAPE(3, 20))));
    h = erg_tanh(erg_matmul(h, erg_param(g, "w2", F64, ERG_SHAPE(20, 20))));
    return erg_matmul(h, erg_param(g, "w3", F64, ERG_SHAPE(20, 4)));
}

/* Forward mode: two layers for the slopes of tanh, and three for the tangent. The pullbacks that a
 * jvp is made of are gone. Reverse mode: the same two, and two for the cotangent, that of ones being a
 * sum of weights at the last layer. */
START_TEST(derivatives_cost_what_they_must) {
    erg_graph *g = erg_graph_new(1);
    erg_node *x = input(g, "x", ERG_SHAPE(5, 3)), *v = input(g, "v", ERG_SHAPE(5, 3));
    erg_node *y = mlp(x);
    erg_node *nodes[] = {y, erg_jvp(y, x, v), erg_gradient(y, x)};
    static const int products[] = {3, 5, 4};
    for (int k = 0; k < COUNT(nodes); k++) {
        erg_plan *plan = compile(nodes[k]);
        ck_assert_int_eq(computed(plan, ERG_OP_matmul), products[k]);
        erg_plan_free(plan);
    }
    erg_plan *all = compile_with("verify", nodes, COUNT(nodes));
    ck_assert_int_eq(computed(all, ERG_OP_matmul), 3 + 3 + 2);
    ck_assert_int_eq(computed(all, ERG_OP_tanh), 2);
    erg_plan_free(all);
    erg_graph_free(g);
}
END_TEST

/* A product that is wanted as it is too is not computed twice. */
START_TEST(transposing_costs_no_second_product) {
    erg_graph *g = erg_graph_new(1);
    erg_node *x = input(g, "x", ERG_SHAPE(5, 3)),
             *y = erg_matmul(x, input(g, "w", ERG_SHAPE(3, 4)));
    erg_node *outputs[] = {erg_transpose(y), y};
    for (int count = 1; count <= 2; count++) {
        erg_plan *plan = compile_with("verify", outputs, count);
        ck_assert_int_eq(computed(plan, ERG_OP_matmul), 1);
        ck_assert_int_eq(computed(plan, ERG_OP_permute), count - 1);
        erg_plan_free(plan);
    }
    erg_graph_free(g);
}
END_TEST

START_TEST(same_values_are_computed_once) {
    erg_graph *g = erg_graph_new(1);
    erg_node *x = input(g, "x", ERG_SHAPE(5)), *y = input(g, "y", ERG_SHAPE(5));
    erg_tensor *table = erg_tensor_new(F64, ERG_SHAPE(5));
    erg_tensor_set(table, 3, 2);
    erg_node *outputs[] = {
        erg_sin(erg_add(x, y)),
        erg_sin(erg_add(y, x)),
        erg_sin(erg_sub(x, y)),
        erg_sin(erg_sub(y, x)),
        erg_mul(x, erg_constant(g, table)),
        erg_mul(erg_constant(g, table), x),
        erg_slice(x, 0, 1, 3, 1),
        erg_slice(x, 0, 2, 4, 1),
        erg_uniform(g, F64, ERG_SHAPE(5)),
        erg_uniform(g, F64, ERG_SHAPE(5)),
    };
    erg_tensor_free(table);
    erg_plan *plan = compile_with("verify", outputs, COUNT(outputs));
    ck_assert_int_eq(computed(plan, ERG_OP_add), 1);
    ck_assert_int_eq(computed(plan, ERG_OP_sub), 2);
    ck_assert_int_eq(computed(plan, ERG_OP_sin), 3);
    ck_assert_int_eq(computed(plan, ERG_OP_mul), 1);
    ck_assert_int_eq(computed(plan, ERG_OP_slice), 2);
    ck_assert_int_eq(computed(plan, ERG_OP_uniform), 2);
    erg_run(plan);
    ck_assert_ptr_eq(erg_output(plan, 0)->data, erg_output(plan, 1)->data);
    ck_assert_double_ne(output_of(plan, 8), output_of(plan, 9));
    erg_plan *plain = compile_with("no-cse", outputs, COUNT(outputs));
    ck_assert_int_eq(computed(plain, ERG_OP_sin), 4);
    erg_plan_free(plain);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- memory */

/* Ranges given out and back at random. */
START_TEST(arena_keeps_ranges_apart) {
    enum { TAKES = 2000, MOST = 50 };
    struct {
        int range;
        size_t offset, size;
    } used[MOST];
    int count = 0;
    uint64_t state = 5;
    erg_arena arena;
    ck_assert(erg_arena_init(&arena, TAKES));
    for (int i = 0; i < TAKES; i++) {
        size_t bytes = 1 + (size_t)random_below(&state, 1000);
        int range = erg_arena_take(&arena, bytes);
        size_t offset = erg_arena_offset(&arena, range);
        ck_assert_uint_eq(offset % 64, 0);
        ck_assert_uint_le(offset + bytes, arena.size);
        for (int k = 0; k < count; k++)
            ck_assert(offset + bytes <= used[k].offset || used[k].offset + used[k].size <= offset);
        used[count].range = range;
        used[count].offset = offset;
        used[count++].size = bytes;
        while (count == MOST || (count > 0 && random_below(&state, 2))) {
            int k = random_below(&state, count);
            erg_arena_give(&arena, used[k].range);
            used[k] = used[--count];
        }
    }
    while (count)
        erg_arena_give(&arena, used[--count].range);
    ck_assert_uint_lt(arena.size, MOST * 1024);
    erg_arena_free(&arena);
}
END_TEST

/* Holes of 128, 192 and 256 bytes, made in any order. */
START_TEST(arena_fills_the_smallest_hole) {
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    int hole[3], wall[3];
    erg_arena arena;
    ck_assert(erg_arena_init(&arena, 8));
    for (int k = 0; k < 3; k++) {
        hole[k] = erg_arena_take(&arena, 128 + 64 * (size_t)k);
        wall[k] = erg_arena_take(&arena, 64);
    }
    size_t size = arena.size, middle = erg_arena_offset(&arena, hole[1]);
    for (int k = 0; k < 3; k++)
        erg_arena_give(&arena, hole[orders[_i][k]]);
    ck_assert_uint_eq(erg_arena_offset(&arena, erg_arena_take(&arena, 190)), middle);
    erg_arena_give(&arena, wall[2]); /* joins the hole before it, at the end */
    erg_arena_take(&arena, 64 + 256);
    ck_assert_uint_eq(arena.size, size);
    erg_arena_free(&arena);
}
END_TEST

static erg_node *sin_chain(erg_node *x, int length) {
    for (int i = 0; i < length; i++)
        x = erg_sin(x);
    return x;
}

static erg_node *product_chain(erg_node *x, int length) {
    for (int i = 0; i < length; i++)
        x = erg_matmul(x, x);
    return x;
}

/* Elementwise steps in a row work in place, in one step even without that; a product needs an operand
 * and a result. */
START_TEST(memory_of_a_chain_does_not_grow) {
    enum { SIZE = 16 * 16 * 8 };
    erg_graph *g = erg_graph_new(1);
    erg_node *x = input(g, "x", ERG_SHAPE(16, 16));
    for (int length = 3; length < 1000; length *= 10) {
        erg_node *chains[] = {sin_chain(x, length), product_chain(x, length)};
        for (int k = 0; k < 2; k++) {
            erg_plan *plan = compile_with("no-regions,no-pack,no-chains", &chains[k], 1);
            erg_plan *chained = compile_with("no-regions,no-pack", &chains[k], 1);
            erg_plan *plain = compile_with("no-regions,no-pack,no-chains,no-reuse", &chains[k], 1);
            ck_assert_uint_eq(erg_plan_arena(plan), (size_t)(k + 1) * SIZE);
            ck_assert_uint_eq(erg_plan_arena(chained), (size_t)(k + 1) * SIZE);
            ck_assert_uint_eq(erg_plan_arena(plain), (size_t)length * SIZE);
            erg_plan_free(plan);
            erg_plan_free(chained);
            erg_plan_free(plain);
        }
    }
    erg_graph_free(g);
}
END_TEST

/* A value is not overwritten while somebody needs it, nor an input ever. */
START_TEST(in_place_is_safe) {
    erg_graph *g = erg_graph_new(1);
    erg_node *x = input(g, "x", ERG_SHAPE(4)), *a = erg_sin(x), *b = erg_cos(a);
    erg_node *outputs[] = {erg_add(a, b), erg_exp(a), ERG_RESHAPE(a, 2, 2), erg_neg(erg_neg(x))};
    double before = held_by(x), first = sin(before);
    for (int k = 1; k <= COUNT(outputs); k++) {
        erg_plan *plan = compile_with("verify", outputs, k);
        erg_run(plan);
        erg_run(plan);
        ck_assert_double_eq(held_by(x), before);
        ck_assert_double_eq_tol(output_of(plan, 0), first + cos(first), 1e-15);
        if (k > 1)
            ck_assert_double_eq_tol(output_of(plan, 1), exp(first), 1e-15);
        if (k > 2)
            ck_assert_double_eq_tol(output_of(plan, 2), first, 1e-15);
        erg_plan_free(plan);
    }
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- effects */

static const char *const modes[] = {"verify", "reference", "no-simplify,no-cse,no-reuse",
                                    "no-regions"};

typedef struct world {
    erg_graph *graph;
    erg_node *a, *b; /* states of two elements: 1, 1 and 2, 2 */
} world;

static world world_new(void) {
    world w = {.graph = erg_graph_new(1)};
    w.a = erg_state(w.graph, "a", F64, ERG_SHAPE(2));
    w.b = erg_state(w.graph, "b", F64, ERG_SHAPE(2));
    erg_tensor_fill(erg_value(w.a), 1);
    erg_tensor_fill(erg_value(w.b), 2);
    return w;
}

START_TEST(assigned_leaves_swap) {
    world w = world_new();
    erg_node *outputs[] = {erg_assign(w.a, w.b), erg_assign(w.b, w.a)};
    erg_plan *plan = compile_with(modes[_i], outputs, 2);
    for (int run = 0; run < 3; run++) {
        double a = held_by(w.a), b = held_by(w.b);
        erg_run(plan);
        ck_assert_double_eq(held_by(w.a), b);
        ck_assert_double_eq(held_by(w.b), a);
        ck_assert_double_eq(output_of(plan, 0), b);
        ck_assert_double_eq(output_of(plan, 1), a);
    }
    erg_plan_free(plan);
    erg_graph_free(w.graph);
}
END_TEST

/* The counter's reader sees the old value, also as an output and through a reshape. */
START_TEST(all_reads_see_the_old_value) {
    world w = world_new();
    erg_node *next = erg_assign(w.a, erg_add_scalar(w.a, 1));
    erg_node *outputs[] = {next, w.a, ERG_RESHAPE(w.a, 2, 1), erg_mul_scalar(w.a, 10),
                           erg_assign(w.b, ERG_RESHAPE(ERG_RESHAPE(w.a, 1, 2), 2))};
    erg_plan *plan = compile_with(modes[_i], outputs, COUNT(outputs));
    for (int run = 1; run < 4; run++) {
        erg_run(plan);
        ck_assert_double_eq(held_by(w.a), run + 1);
        ck_assert_double_eq(held_by(w.b), run);
        ck_assert_double_eq(output_of(plan, 0), run + 1);
        ck_assert_double_eq(output_of(plan, 1), run);
        ck_assert_double_eq(output_of(plan, 2), run);
        ck_assert_double_eq(output_of(plan, 3), 10 * run);
    }
    erg_plan_free(plan);
    erg_graph_free(w.graph);
}
END_TEST

/* An assign has its effect as an output or in a group that is one, also in a group of groups; as an
 * operand it is only its value. */
START_TEST(groups_have_effects_and_operands_have_not) {
    world w = world_new();
    erg_node *a = erg_assign(w.a, erg_full_like(w.a, 5)), *b = erg_assign(w.b, erg_neg(w.b));
    erg_node *inner = erg_group(&b, 1), *operand = erg_mul_scalar(a, 3);
    erg_node *outputs[] = {operand, erg_group((erg_node *[]){inner, w.a}, 2)};
    erg_plan *plan = compile_with(modes[_i], outputs, 2);
    erg_run(plan);
    ck_assert_double_eq(held_by(w.a), 1);
    ck_assert_double_eq(held_by(w.b), -2);
    ck_assert_double_eq(output_of(plan, 0), 15);
    ck_assert_int_eq(erg_output(plan, 1)->dtype, ERG_INT32);
    ck_assert_double_eq(output_of(plan, 1), 0);
    erg_plan_free(plan);
    erg_graph_free(w.graph);
}
END_TEST

/* Constants, numbers and one value can be stored into several leaves and be outputs too. */
START_TEST(a_value_can_be_stored_twice) {
    world w = world_new();
    erg_node *c = erg_arange(w.graph, F64, 2), *sum = erg_add(w.a, w.b);
    erg_node *d = erg_state(w.graph, "d", F64, ERG_SHAPE(2));
    erg_node *outputs[] = {
        erg_assign(w.a, sum), erg_assign(w.b, sum), sum, c, erg_assign(d, c), sum};
    erg_plan *plan = compile_with(modes[_i], outputs, COUNT(outputs));
    erg_run(plan);
    erg_run(plan);
    ck_assert_double_eq(held_by(w.a), 6);
    ck_assert_double_eq(held_by(w.b), 6);
    ck_assert_double_eq(output_of(plan, 2), 6);
    ck_assert_double_eq(output_of(plan, 5), 6);
    ck_assert_double_eq(erg_tensor_get(erg_output(plan, 3), 1), 1);
    ck_assert_double_eq(erg_tensor_get(erg_value(d), 1), 1);
    erg_plan_free(plan);
    erg_graph_free(w.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- limits */

START_TEST(running_asks_for_no_memory) {
    for (int i = 0; i < 20; i++) {
        random_graph_options options = {
            .dtype = i % 2 ? F64 : F32, .operations = 25, .large = i >= 10};
        random_graph r = random_graph_new((uint64_t)i, options);
        int first = atomic_load(&requests);
        erg_plan *plan = compile_with(i % 2 ? "small-tiles" : "", r.outputs, r.count);
        ck_assert_int_gt(atomic_load(&requests), first); /* they are counted */
        erg_run(plan);                                   /* starts the threads */
        int before = atomic_load(&requests);
        erg_run_n(plan, 2);
        ck_assert_int_eq(atomic_load(&requests), before);
        erg_plan_free(plan);
        erg_graph_free(r.graph);
    }
}
END_TEST

static int chain_length;
static const char *deep_words;

/* y = sin sin .. sin x and dy/dx = product of cosines. */
static void *deep_chain(void *unused) {
    (void)unused;
    erg_graph *g = erg_graph_new(1);
    erg_node *x = erg_input(g, "x", F64, ERG_SCALAR);
    erg_tensor_set(erg_value(x), 0, 1);
    erg_node *y = sin_chain(x, chain_length), *outputs[] = {y, erg_gradient(y, x)};
    erg_plan *plan = compile_with(deep_words, outputs, 2);
    erg_run(plan);
    double value = 1, slope = 1;
    for (int i = 0; i < chain_length; i++) {
        slope *= cos(value);
        value = sin(value);
    }
    ck_assert_double_eq_tol(output_of(plan, 0) / value, 1, 1e-9);
    ck_assert_double_eq_tol(output_of(plan, 1) / slope, 1, 1e-9);
    int nodes = 0;
    for (int i = 0; i < plan->n_steps; i++)
        nodes += plan->steps[i].n_nodes;
    ck_assert_int_eq(nodes, 3 * chain_length - 1);
    erg_plan_free(plan);
    erg_graph_free(g);
    return NULL;
}

START_TEST(a_million_nodes_need_little_stack) {
    pthread_t thread;
    pthread_attr_t attributes;
    chain_length = repetitions(1000000);
    deep_words = _i ? "no-chains" : "";
    pthread_attr_init(&attributes);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, deep_chain, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
}
END_TEST

START_TEST(graphs_leave_nothing_behind) {
    random_graph_options options = {.dtype = F32, .operations = 10};
    int compiled = 0, left = 0, graphs = repetitions(10000);
    for (int i = 0; i < graphs; i++) {
        int before = atomic_load(&live); /* assertions of Check leave blocks of their own */
        random_graph r = random_graph_new((uint64_t)i % 50, options);
        erg_plan *plan = erg_compile(r.outputs, r.count);
        compiled += plan && atomic_load(&live) > before;
        erg_run(plan);
        erg_plan_free(plan);
        erg_graph_free(r.graph);
        left += atomic_load(&live) - before;
    }
    ck_assert_int_eq(compiled, graphs);
    ck_assert_int_eq(left, 0);
}
END_TEST

static bool same_node(const erg_node *a, const erg_node *b) {
    return a->graph == b->graph && a->op == b->op && a->dtype == b->dtype &&
           erg_shape_equal(a->shape, b->shape) && a->id == b->id && a->n_in == b->n_in &&
           a->in == b->in && a->n_attr == b->n_attr && a->attr == b->attr && a->value == b->value &&
           a->name == b->name && a->scope == b->scope &&
           memcmp(&a->number, &b->number, sizeof a->number) == 0;
}

START_TEST(compiling_leaves_the_graph_alone) {
    random_graph r = random_graph_new(3, (random_graph_options){.dtype = F64, .operations = 30});
    erg_graph before = *r.graph;
    erg_node *copies = calloc((size_t)before.count, sizeof *copies);
    for (int i = 0; i < before.count; i++)
        copies[i] = *before.nodes[i];
    erg_plan_free(compile_with("verify", r.outputs, r.count));
    ck_assert_int_eq(r.graph->count, before.count);
    ck_assert_int_eq(r.graph->n_named, before.n_named);
    ck_assert_uint_eq(r.graph->runs, before.runs);
    ck_assert_uint_eq(r.graph->streams, before.streams);
    ck_assert_ptr_eq(r.graph->scope, before.scope);
    ck_assert_ptr_null(erg_graph_error(r.graph));
    for (int i = 0; i < before.count; i++)
        ck_assert(same_node(r.graph->nodes[i], &copies[i]));
    free(copies);
    erg_graph_free(r.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- verify */

static void swap_operands(erg_program *p) {
    p->graph->nodes[2]->in[0] = p->graph->nodes[3];
}

static void change_shape(erg_program *p) {
    p->graph->nodes[3]->shape.dims[0] = 7;
}

static void change_dtype(erg_program *p) {
    p->graph->nodes[3]->dtype = F32;
}

static void change_attribute(erg_program *p) {
    ((int64_t *)p->graph->nodes[3]->attr)[1] = 2;
}

static void drop_operand(erg_program *p) {
    p->graph->nodes[2]->n_in = 1;
}

static void renumber(erg_program *p) {
    p->graph->nodes[1]->id = 0;
}

static void lose_output(erg_program *p) {
    p->graph->count--;
}

static void lose_leaf(erg_program *p) {
    p->graph->nodes[0]->value = NULL;
}

static void mistake_effect(erg_program *p) {
    p->effects[0].value = p->graph->nodes[3];
}

static const struct breakage {
    void (*break_it)(erg_program *p);
    const char *message;
} breakages[] = {
    {swap_operands, "compile: test left %2 add broken: its operands are not nodes before it"},
    {change_shape, "compile: test left %3 sum broken: its dtype or shape is not"},
    {change_dtype, "compile: test left %3 sum broken: its dtype or shape is not"},
    {change_attribute, "compile: test left %3 sum broken: attributes out of range"},
    {drop_operand, "compile: test left %2 add broken: its operands are not nodes before it"},
    {renumber, "compile: test left %0 input broken: it is not where its id says"},
    {lose_output, "compile: test left %3 sum broken: an output outside the graph"},
    {lose_leaf, "compile: test left %0 input broken: a leaf without a value"},
    {mistake_effect, "compile: test left %3 sum broken: not a value for the leaf"},
};

START_TEST(verifier_finds_what_is_broken) {
    erg_graph *g = erg_graph_new(1);
    erg_node *x = input(g, "x", ERG_SHAPE(3, 4)), *y = input(g, "y", ERG_SHAPE(3, 4));
    erg_node *sum = erg_add(x, y);
    erg_node *outputs[] = {erg_sum(sum, ERG_AXES(0), 1), erg_assign(x, sum)};
    erg_program program = {.graph = erg_graph_new(1)};
    ck_assert(erg_program_collect(&program, outputs, 2));
    ck_assert(erg_program_verify(&program, "test"));
    breakages[_i].break_it(&program);
    ck_assert(!erg_program_verify(&program, "test"));
    const char *message = breakages[_i].message;
    ck_assert_msg(strncmp(erg_error_message(), message, strlen(message)) == 0, "%s",
                  erg_error_message());
    erg_graph_free(program.graph);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("passes");
    TCase *less = tcase_create("less");
    tcase_add_test(less, derivatives_cost_what_they_must);
    tcase_add_test(less, transposing_costs_no_second_product);
    tcase_add_test(less, same_values_are_computed_once);
    suite_add_tcase(suite, less);
    TCase *memory = tcase_create("memory");
    tcase_add_test(memory, arena_keeps_ranges_apart);
    tcase_add_loop_test(memory, arena_fills_the_smallest_hole, 0, 6);
    tcase_add_test(memory, memory_of_a_chain_does_not_grow);
    tcase_add_test(memory, in_place_is_safe);
    suite_add_tcase(suite, memory);
    TCase *effects = tcase_create("effects");
    tcase_add_loop_test(effects, assigned_leaves_swap, 0, COUNT(modes));
    tcase_add_loop_test(effects, all_reads_see_the_old_value, 0, COUNT(modes));
    tcase_add_loop_test(effects, groups_have_effects_and_operands_have_not, 0, COUNT(modes));
    tcase_add_loop_test(effects, a_value_can_be_stored_twice, 0, COUNT(modes));
    suite_add_tcase(suite, effects);
    TCase *limits = tcase_create("limits");
    tcase_set_timeout(limits, 240);
    tcase_add_test(limits, running_asks_for_no_memory);
    tcase_add_loop_test(limits, a_million_nodes_need_little_stack, 0, 2);
    tcase_add_test(limits, graphs_leave_nothing_behind);
    tcase_add_test(limits, compiling_leaves_the_graph_alone);
    suite_add_tcase(suite, limits);
    TCase *verify = tcase_create("verify");
    tcase_add_loop_test(verify, verifier_finds_what_is_broken, 0, COUNT(breakages));
    suite_add_tcase(suite, verify);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

/* test_chain.c: the driver with transitions of several runs, statistics, schedules between runs,
 * and the line on a terminal. */
#include <stdio.h>
#include <unistd.h>

#include "mcmc.h"
#include "terminal.h"

/* ------------------------------------------------------------------------------- several runs */

/* Chain b takes b + 1 runs of one transition, each of which adds 1: x ends at b + 1, and `begin`
 * sets the count of runs anew. */
typedef struct stairs {
    erg_graph *graph;
    erg_node *x;
    erg_transition transition;
} stairs;

static stairs new_stairs(void) {
    const double heights[] = {1, 2, 3, 4};
    stairs s = {.graph = erg_graph_new(0)};
    s.x = input_of(s.graph, ERG_SHAPE(4, 1), NULL);
    erg_node *left = erg_state(s.graph, "left", ERG_FLOAT64, ERG_SHAPE(4));
    erg_node *busy = erg_state(s.graph, "busy", ERG_FLOAT64, ERG_SHAPE(4));
    erg_node *goal = input_of(s.graph, ERG_SHAPE(4), heights);
    erg_node *one = erg_full_like(left, 1), *zero = erg_full_like(left, 0);
    erg_node *after = erg_sub(left, one), *done = erg_mul(busy, erg_equal(after, zero));
    erg_node *states[] = {erg_assign(left, after), erg_assign(busy, erg_sub(busy, done))};
    erg_node *begins[] = {erg_assign(left, goal), erg_assign(busy, one)};
    s.transition = (erg_transition){
        .next = erg_add(s.x, erg_unsqueeze(busy, 1)),
        .energy = erg_select(s.x, 1, 0),
        .acceptance = erg_mul_scalar(goal, 0.1),
        .divergent = erg_greater(goal, erg_full_like(goal, 3)),
        .effect = erg_group(states, 2),
        .begin = erg_group(begins, 2),
        .busy = busy,
        .done = done,
        .runs = 9,
    };
    return s;
}

START_TEST(transitions_of_several_runs) {
    stairs s = new_stairs();
    counted c = count_chain(s.x, s.transition);
    ck_assert_int_eq(erg_chain_run(c.chain, 3), ERG_OK);
    ck_assert_uint_eq(erg_graph_runs(s.graph), 30); /* 3 (1 + 9), however many were made */
    erg_statistics_summary one;
    for (int64_t b = 0; b < 4; b++) {
        ck_assert_double_eq(erg_tensor_get(erg_value(s.x), b), 3.0 * (double)(b + 1));
        ck_assert_int_eq(erg_statistics_get(c.statistics, b, &one), ERG_OK);
        ck_assert_double_eq(one.transitions, 3);
        ck_assert_double_eq_tol(one.acceptance, 0.1 * (double)(b + 1), 1e-15);
        ck_assert_double_eq(one.divergent, b == 3 ? 3 : 0);
        ck_assert_double_eq(one.gradient_norm, 0); /* not known */
    }
    one = summary_of(c);
    ck_assert_double_eq(one.transitions, 12);
    ck_assert_double_eq_tol(one.acceptance, 0.25, 1e-15);
    ck_assert_double_eq(one.divergent, 3);
    ck_assert_int_eq(erg_statistics_reset(c.statistics), ERG_OK);
    one = summary_of(c);
    ck_assert_double_eq(one.transitions, 0);
    ck_assert(isnan(one.energy));
    erg_chain_free(c.chain);
    erg_graph_free(s.graph);
}
END_TEST

/* Two plans of one graph move the same chains and count into the same states. */
START_TEST(plans_share_chains) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, 1), NULL);
    erg_transition up = {.next = erg_add_scalar(x, 1), .energy = erg_select(x, 1, 0)};
    erg_transition twice = {.next = erg_add_scalar(x, 2), .energy = erg_select(x, 1, 0)};
    erg_statistics *s = erg_statistics_new(g, "both", 2);
    erg_chain *a = erg_chain_of(x, up, erg_statistics_count(s, up));
    erg_chain *b = erg_chain_of(x, twice, erg_statistics_count(s, twice));
    ck_assert_int_eq(erg_chain_run(a, 3), ERG_OK);
    ck_assert_int_eq(erg_chain_run(b, 2), ERG_OK);
    ck_assert_double_eq(erg_tensor_get(erg_value(x), 1), 7);
    ck_assert_double_eq(erg_tensor_get(erg_value(erg_find(g, "both/transitions")), 1), 5);
    ck_assert_double_eq(erg_tensor_get(erg_value(s->energy), 0), 0 + 1 + 2 + 3 + 5);
    erg_chain_free(a);
    erg_chain_free(b);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- schedules */

/* The step size of a walk as a function of a counter that the chain itself moves. */
static erg_node *constant(erg_node *t) {
    return erg_full_like(t, 0.5);
}

static erg_node *linear(erg_node *t) {
    return erg_linear_schedule(t, 1, 0, 4);
}

static erg_node *geometric(erg_node *t) {
    return erg_geometric_schedule(t, 8, 0.5, 4);
}

static erg_node *cosine(erg_node *t) {
    return erg_cosine_schedule(t, 1, 0, 4);
}

static const struct {
    erg_node *(*make)(erg_node *t);
    double sizes[6];
    int count;
} schedules[] = {
    {constant, {0.5, 0.5, 0.5, 0.5, 0.5, 0.5}, 6},
    {linear, {1, 0.75, 0.5, 0.25, 0, 0}, 6},
    {geometric, {8, 4, 2, 1, 0.5, 0.5}, 6},
    {cosine, {1, 0.85355339059327373, 0.5, 0.14644660940672624, 0}, 5},
};

START_TEST(schedules_need_no_new_plan) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(3, 1), NULL);
    erg_node *t = erg_state(g, "t", ERG_FLOAT64, ERG_SCALAR);
    erg_transition walk = {.next = erg_add(x, schedules[_i].make(t))};
    erg_chain *chain = erg_chain_of(x, walk, erg_assign(t, erg_add_scalar(t, 1)));
    double sum = 0;
    for (int i = 0; i < schedules[_i].count; i++) {
        ck_assert_int_eq(erg_chain_run(chain, 1), ERG_OK);
        sum += schedules[_i].sizes[i];
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), 2), sum, 1e-14);
    }
    erg_chain_free(chain);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- progress */

static int pause_a_little(void *self, int64_t kept, const erg_tensor *x) {
    (void)self;
    (void)x;
    usleep(kept < 2 ? 300000 : 0);
    return 0;
}

/* What a run writes to a file or a pseudo terminal. */
static void sample_to(FILE *file) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(1, 1), NULL);
    erg_chain *chain = erg_chain_new(x, erg_add_scalar(x, 1));
    erg_chain_options o = {.progress = file, .each = pause_a_little, .thin = 40, .burn_in = 3};
    erg_tensor *kept = erg_chain_sample(chain, 4, o);
    ck_assert_double_eq(erg_tensor_get(kept, 3), 163);
    erg_tensor_free(kept);
    erg_chain_free(chain);
    erg_graph_free(g);
}

START_TEST(progress_on_a_terminal) {
    char text[4096];
    if (!read_terminal(sample_to, text))
        return;
    ck_assert_ptr_nonnull(strstr(text, "\rsampling: "));
    ck_assert_ptr_nonnull(strstr(text, " of 163, "));
}
END_TEST

START_TEST(no_progress_in_files) {
    assert_silent(sample_to);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(misuse_is_refused) {
    stairs s = new_stairs();
    erg_graph *g = s.graph;
    erg_statistics_summary summary;
    erg_transition t = s.transition;
    t.busy = NULL;
    FAILS_NULL("needs a state `busy`", erg_chain_of(s.x, t, NULL));
    t.busy = erg_neg(s.x);
    FAILS_NULL("needs a state `busy`", erg_chain_of(s.x, t, NULL));
    t = s.transition;
    t.runs = 0;
    FAILS_NULL("greatest number", erg_chain_of(s.x, t, NULL));
    REFUSES(g, "NULL", erg_chain_of(s.x, (erg_transition){0}, NULL));
    erg_statistics *statistics = erg_statistics_new(g, "s", 3);
    REFUSES(g, "(3)", erg_statistics_count(statistics, s.transition));
    ck_assert_ptr_null(erg_statistics_count(NULL, s.transition));
    ck_assert_ptr_null(erg_statistics_count(statistics, (erg_transition){0}));
    REFUSES(g, "s/transitions", erg_statistics_new(g, "s", 3));
    FAILS("no statistics", erg_statistics_reset(NULL));
    FAILS("chain 3 of 3", erg_statistics_get(statistics, 3, &summary));
    FAILS("chain -2", erg_statistics_get(statistics, -2, &summary));
    FAILS("summary", erg_statistics_get(statistics, 0, NULL));
    erg_node *step = number_input(g, 0);
    REFUSES(g, "geometric_schedule", erg_geometric_schedule(step, 0, 1, 3));
    REFUSES(g, "geometric_schedule", erg_geometric_schedule(step, 1, -1, 3));
    REFUSES(g, "geometric_schedule", erg_geometric_schedule(step, 1, 2, 0));
    REFUSES(g, "geometric_schedule", erg_geometric_schedule(s.x, 1, 2, 3));
    erg_chain *chain = erg_chain_new(s.x, erg_neg(s.x));
    FAILS_NULL("more transitions",
               erg_chain_sample(chain, INT64_MAX / 2, (erg_chain_options){.thin = 3}));
    erg_chain_free(chain);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("chain");
    TCase *all = tcase_create("all");
    tcase_add_test(all, transitions_of_several_runs);
    tcase_add_test(all, plans_share_chains);
    tcase_add_loop_test(all, schedules_need_no_new_plan, 0, COUNT(schedules));
    tcase_add_test(all, progress_on_a_terminal);
    tcase_add_test(all, no_progress_in_files);
    tcase_add_test(all, misuse_is_refused);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}

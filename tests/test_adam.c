/* test_adam.c: Adam as a graph against Adam in plain C, step by step. */
#include "descent.h"

enum { STEPS = 50 };

/* ------------------------------------------------------------------------------- plain C */

typedef struct plain_adam {
    double learning_rate, beta1, beta2, epsilon;
    double clip_norm;                               /* 0: not */
    bool uncorrected, other_epsilon, separate_clip; /* planted mistakes */
} plain_adam;

#define PLAIN(rate, b1, b2, eps, clip)                                                             \
    .learning_rate = (rate), .beta1 = (b1), .beta2 = (b2), .epsilon = (eps), .clip_norm = (clip)

static void gradient(const double *x, double *g) {
    for (int i = 0; i < N; i++)
        g[i] = i < P ? 4 * factors[i] * pow(x[i] - centres[i], 3)
                     : 2 * factors[i] * (x[i] - centres[i]);
}

static void clip(double *g, int from, int to, double limit) {
    double square = 0;
    for (int i = from; i < to; i++)
        square += g[i] * g[i];
    double factor = fmin(1, limit / (sqrt(square) + 1e-6));
    for (int i = from; i < to; i++)
        g[i] *= factor;
}

/* 1 - beta^t = (1 - beta) (1 + beta + ... + beta^(t - 1)), in which nothing cancels. */
static double correction(double beta, int t) {
    double sum = 0;
    for (int k = 0; k < t; k++)
        sum = beta * sum + (1 - beta);
    return sum;
}

static void plain_step(plain_adam a, int t, double *x, double *m, double *v) {
    double g[N];
    gradient(x, g);
    if (a.clip_norm > 0 && !a.separate_clip)
        clip(g, 0, N, a.clip_norm);
    if (a.clip_norm > 0 && a.separate_clip) {
        clip(g, 0, P, a.clip_norm);
        clip(g, P, N, a.clip_norm);
    }
    double c1 = a.uncorrected ? 1 : correction(a.beta1, t);
    double c2 = a.uncorrected ? 1 : correction(a.beta2, t);
    for (int i = 0; i < N; i++) {
        m[i] = a.beta1 * m[i] + (1 - a.beta1) * g[i];
        v[i] = a.beta2 * v[i] + (1 - a.beta2) * g[i] * g[i];
        double size = a.other_epsilon ? sqrt(v[i] / c2 + a.epsilon) : sqrt(v[i] / c2) + a.epsilon;
        x[i] -= a.learning_rate * (m[i] / c1) / size;
    }
}

/* ------------------------------------------------------------------------------- the graph's */

/* The largest relative difference from plain Adam over the steps, in params and both states, which
 * hold m / (1 - b1) and v / (1 - b2). */
static double distance(erg_dtype dtype, erg_adam_options options, plain_adam plain) {
    problem p = make_problem(dtype);
    erg_node *step = erg_adam(p.loss, p.params, 2, options);
    ck_assert_msg(step != NULL, "%s", erg_error_message());
    const char *const names[2][3] = {{"p", "adam/p/m", "adam/p/v"},
                                     {"net/q", "adam/net/q/m", "adam/net/q/v"}};
    erg_plan *plan = erg_compile(&step, 1);
    double x[N], m[N] = {0}, v[N] = {0}, worst = 0;
    memcpy(x, start, sizeof x);
    for (int t = 1; t <= STEPS; t++) {
        erg_run(plan);
        plain_step(plain, t, x, m, v);
        for (int i = 0; i < N; i++) {
            const double expected[] = {x[i], m[i] / (1 - plain.beta1), v[i] / (1 - plain.beta2)};
            for (int k = 0; k < 3; k++) {
                const erg_tensor *value = erg_value(erg_find(p.graph, names[i >= P][k]));
                double got = erg_tensor_get(value, i < P ? i : i - P);
                worst = fmax(worst, fabs(got - expected[k]) / fmax(1e-3, fabs(expected[k])));
            }
        }
    }
    ck_assert_double_eq(erg_tensor_get(erg_value(erg_find(p.graph, "adam/step")), 0), STEPS);
    erg_plan_free(plan);
    erg_graph_free(p.graph);
    return worst;
}

static const struct {
    erg_adam_options options;
    plain_adam plain;
} cases[] = {
    {{0}, {PLAIN(1e-3, 0.9, 0.999, 1e-8, 0)}},
    {{.learning_rate = 0.05}, {PLAIN(0.05, 0.9, 0.999, 1e-8, 0)}},
    {{.beta1 = ERG_ZERO, .learning_rate = 0.01}, {PLAIN(0.01, 0, 0.999, 1e-8, 0)}},
    {{.beta1 = 0.5, .beta2 = 0.9}, {PLAIN(1e-3, 0.5, 0.9, 1e-8, 0)}},
    {{.beta2 = ERG_ZERO, .epsilon = 1e-2}, {PLAIN(1e-3, 0.9, 0, 1e-2, 0)}},
    {{.epsilon = ERG_ZERO}, {PLAIN(1e-3, 0.9, 0.999, 0, 0)}},
    {{.clip_norm = 0.1, .learning_rate = 0.02}, {PLAIN(0.02, 0.9, 0.999, 1e-8, 0.1)}},
    {{.clip_norm = 0.1, .beta1 = ERG_ZERO}, {PLAIN(1e-3, 0, 0.999, 1e-8, 0.1)}},
    {{.clip_norm = 1e9}, {PLAIN(1e-3, 0.9, 0.999, 1e-8, 0)}},
    {{.learning_rate = ERG_ZERO}, {PLAIN(0, 0.9, 0.999, 1e-8, 0)}},
};

START_TEST(adam_is_plain_adam) {
    double far = distance(ERG_FLOAT64, cases[_i].options, cases[_i].plain);
    ck_assert_msg(far < 1e-12, "relative difference %g", far);
    far = distance(ERG_FLOAT32, cases[_i].options, cases[_i].plain);
    ck_assert_msg(far < 1e-3, "float32: relative difference %g", far);
}
END_TEST

/* Plain Adam with a mistake is not what the graph computes. */
static const plain_adam planted[] = {
    {PLAIN(0.02, 0.9, 0.999, 1e-8, 0.1), .uncorrected = true},
    {PLAIN(0.02, 0.9, 0.999, 1e-8, 0.1), .other_epsilon = true},
    {PLAIN(0.02, 0.9, 0.999, 1e-8, 0.1), .separate_clip = true},
    {PLAIN(0.02, 0.9, 0.999, 1e-8, 0)},
    {PLAIN(0.02, 0.9, 0.99, 1e-8, 0.1)},
    {PLAIN(0.02, 0, 0.999, 1e-8, 0.1)},
    {PLAIN(-0.02, 0.9, 0.999, 1e-8, 0.1)},
};

START_TEST(mistakes_in_adam_show) {
    erg_adam_options options = {.clip_norm = 0.1, .learning_rate = 0.02};
    ck_assert_double_gt(distance(ERG_FLOAT64, options, planted[_i]), 1e-10);
}
END_TEST

START_TEST(learning_rate_changes_between_runs) {
    const double rates[] = {0.1, 0.1, 0, 0.05, 0, 1e-4};
    problem p = make_problem(ERG_FLOAT64);
    erg_node *rate = number_input(p.graph, 0);
    erg_node *step = erg_adam(p.loss, p.params, 2,
                              (erg_adam_options){.learning_rate = 7, .learning_rate_node = rate});
    erg_plan *plan = erg_compile(&step, 1);
    double x[N], m[N] = {0}, v[N] = {0};
    memcpy(x, start, sizeof x);
    for (int t = 1; t <= COUNT(rates); t++) {
        erg_tensor_fill(erg_value(rate), rates[t - 1]);
        erg_run(plan);
        plain_step((plain_adam){PLAIN(rates[t - 1], 0.9, 0.999, 1e-8, 0)}, t, x, m, v);
        for (int i = 0; i < N; i++) {
            double got = param_at(p, i);
            ck_assert_double_eq_tol(got, x[i], 1e-12);
        }
    }
    erg_plan_free(plan);
    erg_graph_free(p.graph);
}
END_TEST

/* A whole training: the optimum is found, by two optimisers of one graph in turn. */
START_TEST(adam_descends) {
    problem p = make_problem(ERG_FLOAT64);
    erg_node *steps[] = {
        erg_adam(p.loss, p.params, 1, (erg_adam_options){.learning_rate = 0.02, .name = "first"}),
        erg_adam(p.loss, p.params + 1, 1,
                 (erg_adam_options){.learning_rate = 0.02, .name = "second"}),
    };
    ck_assert_ptr_nonnull(erg_find(p.graph, "first/p/m"));
    ck_assert_ptr_nonnull(erg_find(p.graph, "second/net/q/v"));
    erg_plan *plan = erg_compile(steps, 2);
    double before = number_of(p.loss);
    erg_run_n(plan, 2000);
    ck_assert_double_lt(number_of(p.loss), 1e-4 * before);
    erg_plan_free(plan);
    erg_graph_free(p.graph);
}
END_TEST

START_TEST(adam_refuses_misuse) {
    problem p = make_problem(ERG_FLOAT64);
    erg_graph *g = p.graph;
    erg_node *unnamed = number_input(g, 1), *vector = input_of(g, ERG_SHAPE(2), NULL);
    erg_node *with_unnamed[] = {p.params[0], unnamed}, *with_null[] = {p.params[0], NULL};
    erg_node *mixed[] = {p.params[0], erg_param(g, "f", ERG_FLOAT32, ERG_SHAPE(2))};
    REFUSES(g, "no loss", erg_adam(NULL, p.params, 2, (erg_adam_options){0}));
    REFUSES(g, "no params", erg_adam(p.loss, NULL, 2, (erg_adam_options){0}));
    REFUSES(g, "no params", erg_adam(p.loss, p.params, 0, (erg_adam_options){0}));
    REFUSES(g, "number 1", erg_adam(p.loss, with_unnamed, 2, (erg_adam_options){0}));
    REFUSES(g, "number 1", erg_adam(p.loss, with_null, 2, (erg_adam_options){0}));
    const erg_adam_options bad[] = {
        {.beta1 = 1},     {.beta1 = -0.1},         {.beta2 = 1.5},    {.epsilon = -1},
        {.beta2 = NAN},   {.learning_rate = -0.1}, {.clip_norm = -1}, {.clip_norm = NAN},
        {.epsilon = NAN}, {.learning_rate = NAN},
    };
    for (int i = 0; i < COUNT(bad); i++)
        REFUSES(g, "adam: ", erg_adam(p.loss, p.params, 2, bad[i]));
    REFUSES(g, "shape ()",
            erg_adam(p.loss, p.params, 2, (erg_adam_options){.learning_rate_node = vector}));
    REFUSES(g, "'/'", erg_adam(p.loss, p.params, 2, (erg_adam_options){.name = "a/b"}));
    REFUSES(g, "no derivative",
            erg_adam(erg_cast(erg_argmax(p.params[0], 0), ERG_FLOAT64), p.params, 2,
                     (erg_adam_options){0}));
    REFUSES(g, "mixed", erg_adam(p.loss, mixed, 2, (erg_adam_options){.name = "mixed"}));
    ck_assert_ptr_nonnull(erg_adam(p.loss, p.params, 2, (erg_adam_options){0}));
    REFUSES(g, "already", erg_adam(p.loss, p.params, 2, (erg_adam_options){0}));
    erg_node *after = erg_param(g, "after", ERG_FLOAT64, ERG_SCALAR);
    ck_assert_str_eq(erg_node_name(after), "after");
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("adam");
    TCase *adam = tcase_create("adam");
    tcase_add_loop_test(adam, adam_is_plain_adam, 0, COUNT(cases));
    tcase_add_loop_test(adam, mistakes_in_adam_show, 0, COUNT(planted));
    tcase_add_test(adam, learning_rate_changes_between_runs);
    tcase_add_test(adam, adam_descends);
    tcase_add_test(adam, adam_refuses_misuse);
    suite_add_tcase(suite, adam);
    return run_suite(suite);
}

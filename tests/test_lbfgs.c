/* test_lbfgs.c: L-BFGS on functions whose minimum is known, and its line search on a line. */
#include "../nn/line_search.h"
#include "modules.h"

/* ------------------------------------------------------------------------------- the line search */

/* phi(t) = scale ((t - centre)^2 - centre^2), NaN past a wall. */
typedef struct curve {
    double centre, scale, wall;
    int evaluations;
    double last;
} curve;

static erg_line_point parabola(void *self, double t) {
    curve *c = self;
    c->evaluations++;
    c->last = t;
    if (t >= c->wall)
        return (erg_line_point){t, NAN, NAN};
    double away = t - c->centre;
    return (erg_line_point){t, c->scale * (away * away - c->centre * c->centre),
                            2 * c->scale * away};
}

static const struct {
    double centre, scale, wall, guess;
} lines[] = {
    {1, 1, INFINITY, 1},    {1, 1, INFINITY, 1e-6},   {1, 1, INFINITY, 1e6},
    {1e-9, 1, INFINITY, 1}, {1e9, 1e-9, INFINITY, 1}, {1, 1e12, INFINITY, 1.9999},
    {1, 1, 1.5, 100},       {1, 1, 1.0001, 1e8},      {3, 1, 3.5, 1},
};

START_TEST(line_search_meets_wolfe) {
    curve c = {lines[_i].centre, lines[_i].scale, lines[_i].wall, 0, 0};
    erg_line line = {parabola, &c, parabola(&c, 0)};
    erg_line_point found;
    ck_assert(erg_strong_wolfe(&line, lines[_i].guess, &found));
    ck_assert_double_eq(found.t, c.last);
    ck_assert_double_gt(found.t, 0);
    ck_assert_double_le(found.value, line.start.value + 1e-4 * found.t * line.start.slope);
    ck_assert_double_le(fabs(found.slope), 0.9 * fabs(line.start.slope));
    ck_assert_int_le(c.evaluations, 42);
}
END_TEST

/* A line without end, and one that only rises: no good point, but a lowest one. */
static erg_line_point straight(void *self, double t) {
    double slope = *(double *)self;
    return (erg_line_point){t, slope * t, -1};
}

START_TEST(line_search_gives_up) {
    double down = -1, up = 1;
    erg_line_point found;
    erg_line line = {straight, &down, {0, 0, -1}};
    ck_assert(!erg_strong_wolfe(&line, 1, &found));
    ck_assert_double_lt(found.value, -1e6);
    line.self = &up;
    ck_assert(!erg_strong_wolfe(&line, 1, &found));
    ck_assert_double_eq(found.t, 0);
}
END_TEST

/* ------------------------------------------------------------------------------- known minima */

/* sum 100 (x_(i+1) - x_i^2)^2 + (1 - x_i)^2 */
static erg_node *rosenbrock(erg_node *x) {
    erg_node *a = erg_slice(x, 0, 0, -1, 1), *b = erg_slice(x, 0, 1, ERG_END, 1);
    erg_node *valley = erg_mul_scalar(erg_square(erg_sub(b, erg_square(a))), 100);
    erg_node *along = erg_square(erg_add_scalar(erg_neg(a), 1));
    return erg_sum(erg_add(valley, along), ERG_ALL, 0);
}

static const struct { int n, most; } sizes[] = {{2, 60}, {10, 110}, {100, 700}};

START_TEST(rosenbrock_is_solved) {
    const int n = sizes[_i].n;
    erg_graph *g = erg_graph_new(0);
    erg_node *x = erg_param(g, "x", ERG_FLOAT64, ERG_SHAPE(n));
    for (int i = 0; i < n; i++)
        erg_tensor_set(erg_value(x), i, i % 2 ? 1 : -1.2);
    erg_lbfgs_result r;
    ck_assert_int_eq(erg_lbfgs(rosenbrock(x), &x, 1, (erg_lbfgs_options){0}, &r), ERG_OK);
    ck_assert_msg(r.converged, "%d iterations, gradient %g", (int)r.iterations, r.gradient);
    ck_assert_int_lt(r.evaluations, sizes[_i].most);
    ck_assert_int_gt(r.iterations, 20);
    for (int i = 0; i < n; i++)
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(x), i), 1, 1e-7);
    erg_graph_free(g);
}
END_TEST

/* A quadratic with eigenvalues 1 .. 100, over two params, down to rounding. */
START_TEST(quadratic_is_solved_to_rounding) {
    enum { N = 20 };
    double scales[N];
    for (int i = 0; i < N; i++)
        scales[i] = pow(10, 2.0 * i / (N - 1));
    erg_graph *g = erg_graph_new(0);
    erg_node *params[] = {erg_param(g, "a", ERG_FLOAT64, ERG_SHAPE(2, 3)),
                          erg_param(g, "b", ERG_FLOAT64, ERG_SHAPE(N - 6))};
    erg_node *flat = erg_flatten(params[0], 0);
    erg_node *x = erg_add_scalar(erg_concat((erg_node *[]){flat, params[1]}, 2, 0), -3);
    erg_node *loss = erg_dot(input_of(g, ERG_SHAPE(N), scales), erg_square(x));
    erg_lbfgs_result r;
    erg_lbfgs_options options = {.tolerance = ERG_ZERO, .max_iterations = 500};
    ck_assert_int_eq(erg_lbfgs(loss, params, 2, options, &r), ERG_OK);
    ck_assert_int_lt(r.iterations, 500);
    ck_assert_double_lt(r.loss, 1e-20);
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < erg_tensor_size(erg_value(params[k])); i++)
            ck_assert_double_eq_tol(erg_tensor_get(erg_value(params[k]), i), 3, 1e-10);
    erg_graph_free(g);
}
END_TEST

/* E = 1/2 sum exp(a_d) (x_d - m_d)^2: exact score matching finds means and inverse variances. */
typedef struct model {
    erg_node *a, *m;
} model;

static erg_node *diagonal_gaussian(void *self, erg_node *x) {
    const model *f = self;
    erg_node *square = erg_square(erg_sub(x, f->m));
    return erg_mul_scalar(erg_sum(erg_mul(erg_exp(f->a), square), ERG_AXES(1), 0), 0.5);
}

START_TEST(score_matching_is_solved) {
    const double data[] = {1, 5, 2, -1, 4, 3, -3, 1};
    double mean[2] = {0}, variance[2] = {0};
    for (int i = 0; i < 8; i++)
        mean[i % 2] += data[i] / 4;
    for (int i = 0; i < 8; i++)
        variance[i % 2] += pow(data[i] - mean[i % 2], 2) / 4;
    erg_graph *g = erg_graph_new(0);
    erg_node *params[] = {erg_param(g, "a", ERG_FLOAT64, ERG_SHAPE(2)),
                          erg_param(g, "m", ERG_FLOAT64, ERG_SHAPE(2))};
    model f = {params[0], params[1]};
    erg_node *loss =
        erg_score_matching((erg_energy){diagonal_gaussian, &f}, input_of(g, ERG_SHAPE(4, 2), data));
    erg_lbfgs_result r;
    ck_assert_int_eq(erg_lbfgs(loss, params, 2, (erg_lbfgs_options){0}, &r), ERG_OK);
    ck_assert(r.converged);
    for (int d = 0; d < 2; d++) {
        ck_assert_double_eq_tol(exp(erg_tensor_get(erg_value(params[0]), d)), 1 / variance[d],
                                1e-6);
        ck_assert_double_eq_tol(erg_tensor_get(erg_value(params[1]), d), mean[d], 1e-6);
    }
    double least = -0.5 * (1 / variance[0] + 1 / variance[1]);
    ck_assert_double_eq_tol(r.loss, least, 1e-12);
    erg_graph_free(g);
}
END_TEST

/* Noise in the loss is the same in every evaluation, so that there is a minimum: minus its mean. */
START_TEST(noise_is_held) {
    erg_graph *g = erg_graph_new(5);
    erg_node *p = number_param(g, "p", 0);
    erg_node *noise = erg_normal(g, ERG_FLOAT64, ERG_SHAPE(100));
    erg_node *loss = erg_mean(erg_square(erg_add(p, noise)), ERG_ALL, 0);
    erg_graph_set_runs(g, 7);
    erg_lbfgs_result r;
    ck_assert_int_eq(erg_lbfgs(loss, &p, 1, (erg_lbfgs_options){0}, &r), ERG_OK);
    ck_assert(r.converged);
    erg_graph_set_runs(g, 7);
    double mean = number_of(erg_mean(noise, ERG_ALL, 0));
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(p), 0), -mean, 1e-8);
    erg_graph_free(g);
}
END_TEST

/* A loss with a pole: steps into it are shortened; one that starts there is refused. */
START_TEST(infinities_are_avoided) {
    erg_graph *g = erg_graph_new(0);
    erg_node *p = number_param(g, "p", 1e-3);
    erg_node *loss = erg_sub(p, erg_log(p)); /* least at 1 */
    erg_lbfgs_result r;
    ck_assert_int_eq(erg_lbfgs(loss, &p, 1, (erg_lbfgs_options){.history = 2}, &r), ERG_OK);
    ck_assert(r.converged);
    ck_assert_double_eq_tol(erg_tensor_get(erg_value(p), 0), 1, 1e-8);
    erg_tensor_fill(erg_value(p), -2);
    FAILS("lbfgs: at the start the loss is", erg_lbfgs(loss, &p, 1, (erg_lbfgs_options){0}, NULL));
    ck_assert_double_eq(erg_tensor_get(erg_value(p), 0), -2);
    erg_graph_free(g);
}
END_TEST

START_TEST(lbfgs_refuses_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *p = number_param(g, "p", 1), *sum = erg_add(p, p), *loss = erg_square(p);
    erg_node *single = erg_param(g, "s", ERG_FLOAT32, ERG_SCALAR);
    erg_node *vector = input_of(g, ERG_SHAPE(2), NULL);
    const erg_lbfgs_options none = {0};
    FAILS("no loss", erg_lbfgs(NULL, &p, 1, none, NULL));
    FAILS("no params", erg_lbfgs(loss, NULL, 1, none, NULL));
    FAILS("no params", erg_lbfgs(loss, &p, 0, none, NULL));
    FAILS("float64 ()", erg_lbfgs(vector, &p, 1, none, NULL));
    FAILS("float64 ()", erg_lbfgs(single, &p, 1, none, NULL));
    FAILS("number 0", erg_lbfgs(loss, &sum, 1, none, NULL));
    FAILS("number 0", erg_lbfgs(loss, &single, 1, none, NULL));
    FAILS("history -1", erg_lbfgs(loss, &p, 1, (erg_lbfgs_options){.history = -1}, NULL));
    FAILS("tolerance nan", erg_lbfgs(loss, &p, 1, (erg_lbfgs_options){.tolerance = NAN}, NULL));
    FAILS("-2 iterations", erg_lbfgs(loss, &p, 1, (erg_lbfgs_options){.max_iterations = -2}, NULL));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("lbfgs");
    TCase *search = tcase_create("line search");
    tcase_add_loop_test(search, line_search_meets_wolfe, 0, COUNT(lines));
    tcase_add_test(search, line_search_gives_up);
    suite_add_tcase(suite, search);
    TCase *minima = tcase_create("minima");
    tcase_add_loop_test(minima, rosenbrock_is_solved, 0, COUNT(sizes));
    tcase_add_test(minima, quadratic_is_solved_to_rounding);
    tcase_add_test(minima, score_matching_is_solved);
    tcase_add_test(minima, noise_is_held);
    tcase_add_test(minima, infinities_are_avoided);
    tcase_add_test(minima, lbfgs_refuses_misuse);
    suite_add_tcase(suite, minima);
    return run_suite(suite);
}

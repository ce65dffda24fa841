/* test_score_identities.c: what ties the losses to each other, on energies that are not quadratic: an
 * MLP at a few points, with all sign vectors as directions, and densities on a grid. */
#include "modules.h"

/* ------------------------------------------------------------------------------- setting */

enum { D = 2, ROWS = 4, HIDDEN = 3 };
static const double points[ROWS * D] = {0.31, -0.72, 1.23, 0.44, -0.95, 0.16, 0.8, -0.4};

typedef struct setting {
    erg_graph *graph;
    erg_mlp *mlp;
    erg_node *data;
    erg_energy energy;
} setting;

static setting new_setting(void) {
    setting s = {.graph = erg_graph_new(81)};
    s.mlp = erg_mlp_new(s.graph, "energy", (int64_t[]){D, HIDDEN, HIDDEN, 1}, 4,
                        (erg_mlp_options){.dtype = ERG_FLOAT64, .activation = ERG_TANH});
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(erg_init_normal(s.mlp->layers[i]->weight, 1), ERG_OK);
    s.data = input_of(s.graph, ERG_SHAPE(ROWS, D), points);
    s.energy = (erg_energy){erg_mlp_energy, s.mlp};
    return s;
}

/* All 2^width sign vectors, the same for each sample: (2^width, ROWS, width). */
static erg_node *all_signs(erg_graph *g, int width) {
    int64_t n = INT64_C(1) << width;
    erg_node *signs = input_of(g, ERG_SHAPE(n, ROWS, width), NULL);
    for (int64_t i = 0; i < n * ROWS * width; i++)
        erg_tensor_set(erg_value(signs), i, i / (ROWS * width) >> (i % width) & 1 ? 1 : -1);
    return signs;
}

/* ------------------------------------------------------------------------------- equal losses */

static erg_node *batched(setting s) {
    return erg_trace_score_matching(s.energy, s.data,
                                    (erg_trace_options){.trace = ERG_TRACE_BATCHED});
}
static erg_projections signs_of(setting s, int width) {
    return (erg_projections){.count = INT64_C(1) << width, .directions = all_signs(s.graph, width)};
}
static erg_node *sliced(setting s, int plain, erg_projections projections) {
    return erg_sliced_score_matching(
        s.energy, s.data, (erg_sliced_options){.plain = plain, .projections = projections});
}
static erg_node *reduced(setting s) {
    return sliced(s, 0, signs_of(s, D));
}
static erg_node *plain(setting s) {
    return sliced(s, 1, signs_of(s, D));
}
/* The MLP layer by layer, to name its bends. */
static erg_node *propagated(setting s, erg_projections projections) {
    erg_bend bends[2];
    erg_node *h = s.data;
    for (int i = 0; i < 2; i++) {
        bends[i].before = erg_linear_apply(s.mlp->layers[i], h);
        bends[i].after = h = erg_tanh(bends[i].before);
    }
    erg_node *e = erg_squeeze(erg_linear_apply(s.mlp->layers[2], h), 1);
    return erg_curvature_propagation(e, s.data, bends, 2, projections);
}
static erg_node *propagated_by_signs(setting s) {
    return propagated(s, signs_of(s, 2 * HIDDEN));
}

static erg_node *(*const equals[])(setting s) = {batched, reduced, plain, propagated_by_signs};

/* Values and gradients are those of exact score matching; with one direction fewer they are not. */
START_TEST(loss_is_exact_score_matching) {
    setting s = new_setting();
    erg_node *exact = erg_score_matching(s.energy, s.data), *same = equals[_i](s);
    erg_node *weight = s.mlp->layers[0]->weight;
    ck_assert_double_eq_tol(number_of(exact), number_of(same), 1e-12);
    double *a = elements_of(erg_gradient(exact, weight));
    double *b = elements_of(erg_gradient(same, weight));
    for (int i = 0; i < HIDDEN * D; i++)
        ck_assert_double_eq_tol(a[i], b[i], 1e-12);
    free(a);
    free(b);
    erg_projections few = signs_of(s, D);
    few.directions = erg_slice(few.directions, 0, 0, --few.count, 1);
    ck_assert_double_gt(fabs(number_of(sliced(s, 0, few)) - number_of(exact)), 1e-4);
    erg_graph_free(s.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- limits */

/* Losses that approach one of score matching with an error of order size^order. */
static erg_node *by_differences(setting s, double size) {
    return erg_finite_difference_score_matching(
        s.energy, s.data,
        (erg_finite_difference_options){.step = size, .projections = signs_of(s, D)});
}
static erg_perturbation by_signs(setting s, double size) {
    return (erg_perturbation){.sigma = size, .count = 1 << D, .noise = all_signs(s.graph, D)};
}
/* (loss - 2 log 2) 2 / sigma^2 and (loss - 1) 4 / sigma^2. */
static erg_node *by_conditional_nce(setting s, double size) {
    erg_node *loss = erg_conditional_nce(s.energy, s.data, by_signs(s, size));
    return erg_mul_scalar(erg_add_scalar(loss, -2 * log(2)), 2 / (size * size));
}
static erg_node *by_probability_flow(setting s, double size) {
    erg_node *loss = erg_minimum_probability_flow(s.energy, s.data, by_signs(s, size));
    return erg_mul_scalar(erg_add_scalar(loss, -1), 4 / (size * size));
}
/* Planted: moves to one side only, whose linear term does not cancel. */
static erg_node *by_one_side(setting s, double size) {
    erg_perturbation moves = by_signs(s, size);
    moves.noise = erg_abs(moves.noise);
    erg_node *loss = erg_minimum_probability_flow(s.energy, s.data, moves);
    return erg_mul_scalar(erg_add_scalar(loss, -1), 4 / (size * size));
}

static const struct {
    erg_node *(*loss)(setting s, double size);
    bool right;
} limits[] = {{by_differences, true},
              {by_conditional_nce, true},
              {by_probability_flow, true},
              {by_one_side, false}};

/* Half the size, a quarter of the error. */
START_TEST(small_moves_are_sliced_score_matching) {
    setting s = new_setting();
    double sliced_value = number_of(plain(s));
    double coarse = number_of(limits[_i].loss(s, 0.04)) - sliced_value;
    double fine = number_of(limits[_i].loss(s, 0.02)) - sliced_value;
    bool found = fabs(fine) < 1e-2 && fabs(coarse / fine - 4) < 0.05;
    ck_assert(found == limits[_i].right);
    erg_graph_free(s.graph);
}
END_TEST

/* The gradient of contrastive divergence with one Langevin step y = x - h grad E + sqrt(2 h) v is
 * h times that of score matching, up to h^2 (Hyvarinen 2007); not so with sqrt(h). */
static double langevin_error(double h, double scale) {
    setting s = new_setting();
    erg_node *signs = all_signs(s.graph, D), *x = erg_broadcast(s.data, erg_node_shape(signs));
    erg_node *drift = erg_mul_scalar(erg_score(s.energy, s.data), h);
    erg_node *y = erg_add(erg_add(x, drift), erg_mul_scalar(signs, sqrt(scale * h)));
    erg_node *loss = erg_contrastive_divergence(s.energy, s.data, ERG_RESHAPE(y, -1, D),
                                                (erg_contrastive_options){0});
    erg_node *weight = s.mlp->layers[1]->weight;
    erg_node *exact = erg_gradient(erg_score_matching(s.energy, s.data), weight);
    erg_node *apart = erg_sub(erg_mul_scalar(erg_gradient(loss, weight), 1 / h), exact);
    double error = number_of(erg_norm(apart, 2, ERG_ALL, 0));
    erg_graph_free(s.graph);
    return error;
}

START_TEST(one_short_langevin_step_is_score_matching) {
    double coarse = langevin_error(2e-3, 2), fine = langevin_error(1e-3, 2);
    ck_assert_double_lt(fine, 2e-2);
    ck_assert_double_eq_tol(coarse / fine, 2, 0.05);
    ck_assert_double_gt(langevin_error(1e-3, 1), 0.1);
}
END_TEST

/* ------------------------------------------------------------------------------- bounded domains */

enum { POINTS = 4000 };

/* E = a x^2 / 2 + b x on a part of the line. */
typedef struct tilted {
    erg_node *a, *b;
} tilted;
static erg_node *tilted_energy(void *self, erg_node *x) {
    const tilted *t = self;
    erg_node *e = erg_add(erg_mul(erg_mul_scalar(t->a, 0.5), erg_square(x)), erg_mul(t->b, x));
    return erg_sum(e, ERG_AXES(1), 0);
}

/* The expectation under the normalised exp(-2 x^2 / 2 - 0.5 x) on [low, high] of loss, and of its
 * gradient by a and b. Where high is infinite the density is negligible beyond 8. */
static void expect(erg_node *loss, erg_node *x, tilted t, double low, double high,
                   double result[3]) {
    ck_assert_msg(loss != NULL, "%s", erg_error_message());
    erg_node *outputs[] = {loss, erg_gradient(loss, t.a), erg_gradient(loss, t.b)};
    erg_plan *plan = erg_compile(outputs, 3);
    double sums[4] = {0}, end = fmin(high, 8), begin = fmax(low, -8);
    for (int i = 0; i < POINTS; i++) {
        double place = begin + (i + 0.5) * (end - begin) / POINTS;
        double weight = exp(-place * place - 0.5 * place);
        erg_tensor_set(erg_value(x), 0, place);
        erg_run(plan);
        sums[3] += weight;
        for (int k = 0; k < 3; k++)
            sums[k] += weight * erg_tensor_get(erg_output(plan, k), 0);
    }
    for (int k = 0; k < 3; k++)
        result[k] = sums[k] / sums[3];
    erg_plan_free(plan);
}

static erg_node *parabola(void *self, erg_node *x) {
    (void)self;
    return erg_square(x);
}

static const erg_bounded_options domains[] = {
    {.weight = ERG_BOUNDED_SQUARE},
    {.weight = ERG_BOUNDED_CAPPED, .cap = 0.7},
    {.weight = ERG_BOUNDED_OWN, .fn = parabola},
    {.low = -0.4, .high = 0.9, .weight = ERG_BOUNDED_SQUARE},
    {.low = -0.4, .high = 0.9, .weight = ERG_BOUNDED_CAPPED, .cap = 0.325},
    {.low = -INFINITY, .high = ERG_ZERO, .weight = ERG_BOUNDED_CAPPED},
};

/* At the density of the data the gradient vanishes, elsewhere not, and the value is larger. Without
 * a weight the boundary term is missing: the optimum is elsewhere. */
START_TEST(truncated_density_is_found) {
    erg_bounded_options o = domains[_i];
    double high = o.high == 0 && !signbit(o.high) ? INFINITY : o.high, best[3], other[3];
    erg_graph *g = erg_graph_new(0);
    tilted t = {number_param(g, "a", 2), number_param(g, "b", 0.5)};
    erg_node *x = input_of(g, ERG_SHAPE(1, 1), NULL);
    erg_energy energy = {tilted_energy, &t};
    erg_node *loss = erg_bounded_score_matching(energy, x, o);
    expect(loss, x, t, o.low, high, best);
    ck_assert_double_lt(fabs(best[1]) + fabs(best[2]), 2e-6);
    erg_tensor_fill(erg_value(t.b), 0.6);
    expect(loss, x, t, o.low, high, other);
    ck_assert_double_gt(other[0], best[0]);
    ck_assert_double_gt(fabs(other[2]), 1e-3);
    erg_tensor_fill(erg_value(t.b), 0.5);
    expect(erg_score_matching(energy, x), x, t, o.low, high, other);
    ck_assert_double_gt(fabs(other[2]), 1e-2);
    erg_graph_free(g);
}
END_TEST

/* An exponential density E = b x, from its first two moments alone: b = 2 <x> / <x^2>
 * = 6 / 7 for 1, 2, 3, where the loss is <x^2> b^2 / 2 - 2 <x> b = -12 / 7. */
START_TEST(exponential_has_known_numbers) {
    erg_graph *g = erg_graph_new(0);
    tilted t = {number_input(g, 0), number_param(g, "b", 6.0 / 7)};
    erg_node *x = input_of(g, ERG_SHAPE(3, 1), (double[]){1, 2, 3});
    erg_node *loss =
        erg_bounded_score_matching((erg_energy){tilted_energy, &t}, x, (erg_bounded_options){0});
    ck_assert_double_eq_tol(number_of(erg_gradient(loss, t.b)), 0, 1e-13);
    ck_assert_double_eq_tol(number_of(loss), -12.0 / 7, 1e-13);
    erg_graph_free(g);
}
END_TEST

/* In several dimensions: the estimate by all signs is the exact value, not so by some. */
START_TEST(bounded_estimate_is_exact_over_all_signs) {
    setting s = new_setting();
    erg_bounded_options o = {.low = -2, .high = 1.5}, guess = o;
    guess.hutchinson = 1;
    guess.projections = signs_of(s, D);
    double exact = number_of(erg_bounded_score_matching(s.energy, s.data, o));
    double same = number_of(erg_bounded_score_matching(s.energy, s.data, guess));
    ck_assert_double_eq_tol(exact, same, 1e-12);
    guess.projections.directions = erg_slice(guess.projections.directions, 0, 0, 1, 1);
    guess.projections.count = 1;
    double one = number_of(erg_bounded_score_matching(s.energy, s.data, guess));
    ck_assert_double_gt(fabs(one - exact), 1e-4);
    erg_graph_free(s.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- Stein */

/* The discrepancy of two samples is u(x, y), whose mean over y ~ p is 0 for any x: an integral over
 * N(-b/a, 1/a) on a grid. */
static double stein_mean(double a, double x, erg_stein_options options) {
    erg_graph *g = erg_graph_new(0);
    tilted t = {number_input(g, a), number_input(g, 0.5)};
    erg_node *pair = input_of(g, ERG_SHAPE(2, 1), (double[]){x, 0});
    erg_node *loss = erg_stein_discrepancy((erg_energy){tilted_energy, &t}, pair, options);
    ck_assert_msg(loss != NULL, "%s", erg_error_message());
    erg_plan *plan = erg_compile(&loss, 1);
    double sum = 0, total = 0;
    for (int i = 0; i < 400; i++) {
        double y = -8 + (i + 0.5) * 0.04, weight = exp(-y * y - 0.5 * y);
        erg_tensor_set(erg_value(pair), 1, y);
        erg_run(plan);
        sum += weight * erg_tensor_get(erg_output(plan, 0), 0);
        total += weight;
    }
    erg_plan_free(plan);
    erg_graph_free(g);
    return sum / total;
}

START_TEST(stein_kernel_has_no_mean) {
    const erg_stein_options options[] = {{0},
                                         {.bandwidth = 0.6},
                                         {.kernel = ERG_STEIN_RBF},
                                         {.kernel = ERG_STEIN_RBF, .bandwidth = 1.7}};
    const double places[] = {-1.3, 0, 0.4, 2};
    for (int i = 0; i < COUNT(places); i++) {
        ck_assert_double_lt(fabs(stein_mean(2, places[i], options[_i])), 1e-12);
        ck_assert_double_gt(fabs(stein_mean(2.2, places[i], options[_i])), 1e-3);
    }
}
END_TEST

/* Over both samples of N(-1/4, 1/2): the discrepancy, [0], and its gradient by a and b. */
static void stein_over_pairs(double a, double b, erg_stein_options options, double sums[3]) {
    enum { SIDE = 40 };
    erg_graph *g = erg_graph_new(0);
    tilted t = {number_param(g, "a", a), number_param(g, "b", b)};
    erg_node *pair = input_of(g, ERG_SHAPE(2, 1), NULL);
    erg_node *loss = erg_stein_discrepancy((erg_energy){tilted_energy, &t}, pair, options);
    erg_node *outputs[] = {loss, erg_gradient(loss, t.a), erg_gradient(loss, t.b)};
    erg_plan *plan = erg_compile(outputs, 3);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    double total = 0;
    memset(sums, 0, 3 * sizeof *sums);
    for (int i = 0; i < SIDE * SIDE; i++) {
        double weight = 1;
        for (int k = 0; k < 2; k++) {
            double place = -0.25 + 0.25 * ((k ? i / SIDE : i % SIDE) - SIDE / 2);
            erg_tensor_set(erg_value(pair), k, place);
            weight *= exp(-place * place - 0.5 * place);
        }
        erg_run(plan);
        total += weight;
        for (int k = 0; k < 3; k++)
            sums[k] += weight * erg_tensor_get(erg_output(plan, k), 0);
    }
    for (int k = 0; k < 3; k++)
        sums[k] /= total;
    erg_plan_free(plan);
    erg_graph_free(g);
}

/* Least, and 0, at the density of the data. */
START_TEST(stein_discrepancy_finds_the_gaussian) {
    const double beside[][2] = {{1.7, 0.5}, {2.3, 0.5}, {2, 0.3}, {2, 0.7}};
    const erg_stein_options options = {.kernel = (erg_stein_kernel)_i};
    double sums[3];
    stein_over_pairs(2, 0.5, options, sums);
    for (int k = 0; k < 3; k++)
        ck_assert_double_eq_tol(sums[k], 0, 1e-7);
    for (int i = 0; i < COUNT(beside); i++) {
        int by = beside[i][0] == 2 ? 2 : 1;
        stein_over_pairs(beside[i][0], beside[i][1], options, sums);
        ck_assert_double_gt(sums[0], 1e-3);
        ck_assert_double_gt(sums[by] * (beside[i][by - 1] - (by == 1 ? 2 : 0.5)), 1e-3);
    }
}
END_TEST

/* In two dimensions u = [s s' + s d/dy + s' d/dx + d/dx d/dy] k, with k differentiated by the graph;
 * biased, with the pairs of one sample, which have k = 1. */
START_TEST(stein_discrepancy_is_its_definition) {
    setting s = new_setting();
    erg_node *x = erg_slice(s.data, 0, 0, 1, 1), *y = erg_slice(s.data, 0, 1, 2, 1);
    erg_node *r = erg_sum(erg_square(erg_sub(x, y)), ERG_ALL, 0);
    const double c = 0.8;
    erg_node *k = _i ? erg_exp(erg_mul_scalar(r, -0.5 / (c * c)))
                     : erg_rsqrt(erg_add_scalar(erg_mul_scalar(r, 1 / (c * c)), 1));
    erg_node *sx = erg_score(s.energy, x), *sy = erg_score(s.energy, y);
    erg_node *kx = erg_gradient(k, x), *ky = erg_gradient(k, y);
    erg_node *both = erg_add(erg_mul(sx, ky), erg_mul(sy, kx));
    erg_node *scores = erg_mul(erg_sum(erg_mul(sx, sy), ERG_ALL, 0), k);
    erg_node *u = erg_add(scores, erg_sum(both, ERG_ALL, 0));
    for (int i = 0; i < D; i++) {
        erg_node *mixed = erg_gradient(erg_select(erg_squeeze(kx, 0), 0, i), y);
        u = erg_add(u, erg_select(erg_squeeze(mixed, 0), 0, i));
    }
    erg_stein_options o = {.kernel = _i ? ERG_STEIN_RBF : ERG_STEIN_IMQ,
                           .bandwidth_node = number_input(s.graph, c)};
    erg_node *pair = erg_slice(s.data, 0, 0, 2, 1);
    double apart = number_of(erg_stein_discrepancy(s.energy, pair, o)), expected = number_of(u);
    ck_assert_double_eq_tol(apart, expected, 1e-12);
    o.biased = 1;
    double own = D / (c * c);
    double *square = elements_of(erg_sum(erg_square(erg_score(s.energy, pair)), ERG_AXES(1), 0));
    double with_own = (2 * expected + square[0] + square[1] + 2 * own) / 4;
    ck_assert_double_eq_tol(number_of(erg_stein_discrepancy(s.energy, pair, o)), with_own, 1e-12);
    free(square);
    erg_graph_free(s.graph);
}
END_TEST

START_TEST(bounded_and_stein_refuse_misuse) {
    setting s = new_setting();
    erg_graph *g = s.graph;
    const struct {
        const char *text;
        erg_bounded_options options;
    } bounds[] = {{"domain from 2 to 1", {.low = 2, .high = 1}},
                  {"domain from -inf to inf", {.low = -INFINITY}},
                  {"cap -1", {.cap = -1}},
                  {"weight 2 has no function", {.weight = ERG_BOUNDED_OWN}},
                  {"weight 8", {.weight = (erg_bounded_weight)8}},
                  {"0 to nan", {.high = NAN}}};
    for (int i = 0; i < COUNT(bounds); i++)
        REFUSES(g, bounds[i].text, erg_bounded_score_matching(s.energy, s.data, bounds[i].options));
    FAILS_NULL("no x", erg_bounded_score_matching(s.energy, NULL, (erg_bounded_options){0}));
    REFUSES(g, "bandwidth -1",
            erg_stein_discrepancy(s.energy, s.data, (erg_stein_options){.bandwidth = -1}));
    REFUSES(g, "unknown kernel 5",
            erg_stein_discrepancy(s.energy, s.data,
                                  (erg_stein_options){.kernel = (erg_stein_kernel)5}));
    REFUSES(g, "pairs of samples",
            erg_stein_discrepancy(s.energy, erg_slice(s.data, 0, 0, 1, 1), (erg_stein_options){0}));
    REFUSES(g, "shape ()",
            erg_stein_discrepancy(s.energy, s.data, (erg_stein_options){.bandwidth_node = s.data}));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("score identities");
    TCase *identities = tcase_create("identities");
    tcase_add_loop_test(identities, loss_is_exact_score_matching, 0, COUNT(equals));
    tcase_add_loop_test(identities, small_moves_are_sliced_score_matching, 0, COUNT(limits));
    tcase_add_test(identities, one_short_langevin_step_is_score_matching);
    suite_add_tcase(suite, identities);
    TCase *bounded = tcase_create("bounded");
    tcase_add_loop_test(bounded, truncated_density_is_found, 0, COUNT(domains));
    tcase_add_test(bounded, exponential_has_known_numbers);
    tcase_add_test(bounded, bounded_estimate_is_exact_over_all_signs);
    suite_add_tcase(suite, bounded);
    TCase *stein = tcase_create("stein");
    tcase_add_loop_test(stein, stein_kernel_has_no_mean, 0, 4);
    tcase_add_loop_test(stein, stein_discrepancy_finds_the_gaussian, 0, 2);
    tcase_add_loop_test(stein, stein_discrepancy_is_its_definition, 0, 2);
    tcase_add_test(stein, bounded_and_stein_refuse_misuse);
    suite_add_tcase(suite, stein);
    return run_suite(suite);
}

/* test_score_matching.c: every form of score matching on E = x^T L x / 2, where the optimum is known:
 * L is the inverse of the data's second moments S, those of the moved points for denoising. Random
 * directions are all sign vectors at once, whose mean of v v^T is I exactly. Losses with one mistake
 * must fail the same check. */
#include "modules.h"

/* ------------------------------------------------------------------------------- setting */

enum { D = 3, ROWS = 36, SIGNS = 8 };
static const double SIGMA = 0.5;

/* S = A A^T for the rows of data +-sqrt(3) A e_i: a matrix, and a multiple of I. */
static const double axes[2][D][D] = {{{1.2, 0, 0}, {0.5, 0.8, 0}, {-0.3, 0.4, 1.5}},
                                     {{1.5, 0, 0}, {0, 1.5, 0}, {0, 0, 1.5}}};

typedef struct setting {
    erg_graph *graph;
    erg_node *factor; /* C, of L = C C^T */
    erg_node *data, *noise, *signs;
    double moments[D][D];
} setting;

static erg_node *stretched(erg_node *factor, erg_node *x) {
    return erg_matmul(x, factor);
}
static erg_node *bilinear(void *self, erg_node *x) {
    erg_node *square = erg_sum(erg_square(stretched(self, x)), ERG_AXES(1), 0);
    return erg_mul_scalar(square, 0.5);
}
static erg_node *bilinear_at(void *self, erg_node *x, erg_node *sigma) {
    (void)sigma;
    return bilinear(self, x);
}
static erg_energy model(setting s) {
    return (erg_energy){bilinear, s.factor};
}

/* Data in all combinations with noise +-sqrt(3) e_j: every second moment is exact. */
static setting new_setting(int which) {
    setting s = {.graph = erg_graph_new(71)};
    double data[ROWS][D], noise[ROWS][D], signs[SIGNS][ROWS][D];
    for (int k = 0; k < ROWS; k++)
        for (int i = 0; i < D; i++) {
            data[k][i] = sqrt(3) * (k % 2 ? -1 : 1) * axes[which][i][k / 2 % 3];
            noise[k][i] = k / 12 == i ? sqrt(3) * (k / 6 % 2 ? -1 : 1) : 0;
            for (int v = 0; v < SIGNS; v++)
                signs[v][k][i] = v >> i & 1 ? 1 : -1;
        }
    for (int i = 0; i < D * D; i++)
        for (int k = 0; k < D; k++)
            s.moments[i / D][i % D] += axes[which][i / D][k] * axes[which][i % D][k];
    s.factor = erg_param(s.graph, "factor", ERG_FLOAT64, ERG_SHAPE(D, D));
    s.data = input_of(s.graph, ERG_SHAPE(ROWS, D), data[0]);
    s.noise = input_of(s.graph, ERG_SHAPE(ROWS, D), noise[0]);
    s.signs = input_of(s.graph, ERG_SHAPE(SIGNS, ROWS, D), signs[0][0]);
    return s;
}

/* C with C C^T = M^-1: the transposed inverse of M's Cholesky factor. */
static void root_of_inverse(double m[D][D], double root[D][D]) {
    double l[D][D] = {{0}}, inverse[D][D] = {{0}};
    for (int i = 0; i < D; i++)
        for (int j = 0; j <= i; j++) {
            double sum = m[i][j];
            for (int k = 0; k < j; k++)
                sum -= l[i][k] * l[j][k];
            l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
        }
    for (int j = 0; j < D; j++)
        for (int i = j; i < D; i++) {
            double sum = i == j;
            for (int k = j; k < i; k++)
                sum -= l[i][k] * inverse[k][j];
            inverse[i][j] = sum / l[i][i];
        }
    for (int i = 0; i < D * D; i++)
        root[i / D][i % D] = inverse[i % D][i / D];
}

/* ------------------------------------------------------------------------------- losses */

static erg_projections all_signs(setting s) {
    return (erg_projections){.count = SIGNS, .directions = s.signs};
}
static erg_node *by_trace(setting s, erg_trace trace) {
    return erg_trace_score_matching(
        model(s), s.data, (erg_trace_options){.trace = trace, .projections = all_signs(s)});
}
static erg_node *unrolled(setting s) {
    return by_trace(s, ERG_TRACE_UNROLLED);
}
static erg_node *batched(setting s) {
    return by_trace(s, ERG_TRACE_BATCHED);
}
static erg_node *hutchinson(setting s) {
    return by_trace(s, ERG_TRACE_HUTCHINSON);
}
static erg_node *sliced_with(setting s, int plain) {
    return erg_sliced_score_matching(
        model(s), s.data, (erg_sliced_options){.projections = all_signs(s), .plain = plain});
}
static erg_node *sliced(setting s) {
    return sliced_with(s, 0);
}
static erg_node *plainly_sliced(setting s) {
    return sliced_with(s, 1);
}
static erg_node *differences(setting s) {
    return erg_finite_difference_score_matching(
        model(s), s.data,
        (erg_finite_difference_options){.step = 0.3, .projections = all_signs(s)});
}
static erg_node *propagated(setting s) {
    erg_node *before = stretched(s.factor, s.data), *after = erg_square(before);
    erg_node *e = erg_mul_scalar(erg_sum(after, ERG_AXES(1), 0), 0.5);
    erg_bend bend = {before, after};
    return erg_curvature_propagation(e, s.data, &bend, 1, all_signs(s));
}

/* Levels .5 and 1.1 with weights 1 and 3, the rows taking turns: everything twice. */
static const double LEVELS[] = {0.5, 1.1}, WEIGHTS[] = {1, 3};
static erg_node *leveled(setting s, int preserving, bool weighted) {
    double turns[2 * ROWS];
    for (int i = 0; i < 2 * ROWS; i++)
        turns[i] = i >= ROWS;
    erg_node *data = erg_concat((erg_node *[]){s.data, s.data}, 2, 0);
    erg_node *noise = erg_concat((erg_node *[]){s.noise, s.noise}, 2, 0);
    erg_denoising_levels_options o = {
        .sigmas = erg_mul_scalar(input_of(s.graph, ERG_SHAPE(2), LEVELS), preserving ? 0.5 : 1),
        .weights = weighted ? input_of(s.graph, ERG_SHAPE(2), WEIGHTS) : NULL,
        .levels = erg_cast(input_of(s.graph, ERG_SHAPE(2 * ROWS), turns), ERG_INT32),
        .variance_preserving = preserving,
        .noise = noise};
    return erg_denoising_levels((erg_pair_energy){bilinear_at, s.factor}, data, o);
}
static erg_node *default_levels(setting s) {
    return leveled(s, 0, false);
}
static erg_node *weighted_levels(setting s) {
    return leveled(s, 0, true);
}
static erg_node *preserved_levels(setting s) {
    return leveled(s, 1, true);
}

/* With one mistake each. */
static erg_node *terms(setting s, double kinetic, double curvature) {
    erg_node *e = erg_energy_apply(model(s), s.data), *gradient = erg_gradient(e, s.data);
    erg_node *square = erg_mean(erg_sum(erg_square(gradient), ERG_AXES(1), 0), ERG_ALL, 0);
    return erg_add(erg_mul_scalar(square, kinetic),
                   erg_mul_scalar(erg_mean(erg_laplacian(e, s.data), ERG_ALL, 0), curvature));
}
static erg_node *flipped(setting s) {
    return terms(s, 0.5, 1);
}
static erg_node *negated(setting s) {
    return terms(s, -0.5, 1);
}
static erg_node *no_half(setting s) {
    return terms(s, 1, -1);
}
static erg_node *no_curvature(setting s) {
    return terms(s, 0.5, 0);
}
static erg_node *averaged_dims(setting s) {
    return terms(s, 0.5 / D, -1.0 / D);
}
static erg_node *long_directions(setting s) {
    s.signs = erg_mul_scalar(s.signs, sqrt(2));
    return sliced(s);
}
static erg_node *one_direction(setting s) {
    s.signs = erg_broadcast(erg_slice(s.signs, 0, 0, 1, 1), ERG_SHAPE(SIGNS, ROWS, D));
    return sliced(s);
}
static erg_node *first_bends_only(setting s) {
    s.signs = erg_mul(s.signs, input_of(s.graph, ERG_SHAPE(D), (double[]){1, 1, 0}));
    return propagated(s);
}
static erg_node *inverted_levels(setting s) {
    s.noise = erg_mul_scalar(s.noise, -2);
    return weighted_levels(s);
}

/* ------------------------------------------------------------------------------- the optimum */

/* What is known: the moments of the points that the model should fit are keep S + add I; value is
 * rank tr(L) plus level at the optimum L. */
typedef struct optimum {
    double keep, add, rank, level;
} optimum;

/* The gradient vanishes at the optimum and not beside it, where the value is larger. */
static bool has_optimum(erg_node *loss, setting s, optimum known) {
    ck_assert_msg(loss != NULL, "%s", erg_error_message());
    double target[D][D], root[D][D], trace = 0, gradient = 0;
    for (int i = 0; i < D * D; i++)
        target[i / D][i % D] =
            known.keep * s.moments[i / D][i % D] + (i / D == i % D ? known.add : 0);
    root_of_inverse(target, root);
    erg_plan *plan = erg_compile((erg_node *[]){loss, erg_gradient(loss, s.factor)}, 2);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    for (int i = 0; i < D * D; i++) {
        erg_tensor_set(erg_value(s.factor), i, root[i / D][i % D]);
        trace += root[i / D][i % D] * root[i / D][i % D];
    }
    erg_run(plan);
    double value = erg_tensor_get(erg_output(plan, 0), 0);
    for (int i = 0; i < D * D; i++)
        gradient = fmax(gradient, fabs(erg_tensor_get(erg_output(plan, 1), i)));
    bool good = gradient < 1e-11 && fabs(value - known.rank * trace - known.level) < 1e-11;
    for (int i = 0; i < 2 * D * D; i++) {
        double step = i % 2 ? 0.1 : -0.1, at = root[i / 2 / D][i / 2 % D];
        erg_tensor_set(erg_value(s.factor), i / 2, at + step);
        erg_run(plan);
        good = good && erg_tensor_get(erg_output(plan, 0), 0) > value;
        erg_tensor_set(erg_value(s.factor), i / 2, at);
    }
    erg_plan_free(plan);
    return good;
}

static const optimum EXACT = {1, 0, -0.5, 0};

/* With w_k the levels' weights times their share of the rows, sum_k w_k 1/2 [tr(L M_k L) - 2 tr L
 * + D / sigma_k^2] for the moments M_k of the points moved by level k. */
static optimum levels_optimum(bool preserving, const double *weights) {
    double keep = 0, add = 0, total = 0, level = 0, scale = preserving ? 0.5 : 1;
    for (int k = 0; k < 2; k++) {
        double sigma = scale * LEVELS[k], weight = weights ? weights[k] : sigma * sigma;
        total += weight / 2;
        keep += weight / 2 * (preserving ? 1 - sigma * sigma : 1);
        add += weight / 2 * sigma * sigma;
        level += weight / 2 * D / (2 * sigma * sigma);
    }
    return (optimum){keep / total, add / total, -total / 2, level};
}

static const struct {
    erg_node *(*loss)(setting s);
    bool right;
} exact_losses[] = {{unrolled, true},         {batched, true},        {hutchinson, true},
                    {sliced, true},           {plainly_sliced, true}, {differences, true},
                    {propagated, true},       {flipped, false},       {negated, false},
                    {no_half, false},         {no_curvature, false},  {averaged_dims, false},
                    {long_directions, false}, {one_direction, false}, {first_bends_only, false}};

START_TEST(precision_is_the_inverse_of_the_moments) {
    for (int which = 0; which < 2; which++) {
        setting s = new_setting(which);
        bool found = has_optimum(exact_losses[_i].loss(s), s, EXACT);
        ck_assert(found == exact_losses[_i].right);
        erg_graph_free(s.graph);
    }
}
END_TEST

START_TEST(levels_find_the_moments_with_noise) {
    for (int which = 0; which < 2; which++) {
        setting s = new_setting(which);
        optimum by_default = levels_optimum(false, NULL), weighted = levels_optimum(false, WEIGHTS);
        ck_assert(has_optimum(default_levels(s), s, by_default));
        ck_assert(has_optimum(weighted_levels(s), s, weighted));
        ck_assert(has_optimum(preserved_levels(s), s, levels_optimum(true, WEIGHTS)));
        ck_assert(!has_optimum(weighted_levels(s), s, by_default));
        ck_assert(!has_optimum(default_levels(s), s, weighted));
        ck_assert(!has_optimum(preserved_levels(s), s, weighted));
        ck_assert(!has_optimum(inverted_levels(s), s, weighted));
        ck_assert(!has_optimum(weighted_levels(s), s, EXACT));
        erg_graph_free(s.graph);
    }
}
END_TEST

/* One level with the weight 1 is erg_denoising_score_matching; levels and noise are drawn. */
START_TEST(one_level_is_denoising) {
    setting s = new_setting(0);
    erg_pair_energy pair = {bilinear_at, s.factor};
    for (int i = 0; i < D * D; i++)
        erg_tensor_set(erg_value(s.factor), i, 0.3 + 0.1 * i);
    erg_denoising_levels_options o = {.sigmas = input_of(s.graph, ERG_SHAPE(1), &SIGMA),
                                      .weights = input_of(s.graph, ERG_SHAPE(1), (double[]){1}),
                                      .noise = s.noise};
    double one = number_of(erg_denoising_levels(pair, s.data, o));
    erg_denoising_options usual = {.sigma = SIGMA, .noise = s.noise};
    double same = number_of(erg_denoising_score_matching(model(s), s.data, usual));
    ck_assert_double_eq_tol(one, same, 1e-12);
    o.noise = NULL;
    ck_assert_double_gt(fabs(number_of(erg_denoising_levels(pair, s.data, o)) - same), 1e-6);
    erg_graph_free(s.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- directions */

/* One sample many times: the mean of -v^T H v over new directions, with the variance that each law
 * has for a known H. */
static double directions_z(erg_direction_law law, double scale, double *variance) {
    const int64_t n = draws(200000, 20000);
    setting s = new_setting(0);
    double h[D][D], trace = 0, square = 0, diagonal = 0;
    for (int i = 0; i < D * D; i++)
        erg_tensor_set(erg_value(s.factor), i, axes[0][i / D][i % D]);
    memcpy(h, s.moments, sizeof h);
    for (int i = 0; i < D * D; i++) {
        square += h[i / D][i % D] * h[i / D][i % D];
        trace += i / D == i % D ? h[i / D][i % D] : 0;
        diagonal += i / D == i % D ? h[i / D][i % D] * h[i / D][i % D] : 0;
    }
    *variance = law == ERG_RADEMACHER_DIRECTIONS ? 2 * (square - diagonal)
                : law == ERG_NORMAL_DIRECTIONS   ? 2 * square
                                                 : 2.0 * D / (D + 2) * (square - trace * trace / D);
    erg_node *zero = erg_full(s.graph, ERG_FLOAT64, ERG_SHAPE(n, D), 0);
    erg_node *loss = erg_sliced_score_matching(
        model(s), zero, (erg_sliced_options){.projections = {.count = 2, .law = law}});
    double z = (number_of(loss) * scale + trace) / sqrt(*variance / (2 * (double)n));
    erg_graph_free(s.graph);
    return z;
}

START_TEST(directions_are_isotropic) {
    double variance[3];
    for (int law = 0; law < 3; law++) {
        erg_direction_law each = (erg_direction_law)law;
        ck_assert_double_lt(fabs(directions_z(each, 1, &variance[law])), CRITICAL_Z);
        ck_assert_double_gt(fabs(directions_z(each, 1.05, &variance[law])), CRITICAL_Z);
    }
    ck_assert(variance[0] < variance[1] && variance[2] < variance[1]);
}
END_TEST

/* The mean and the variance over all sign vectors of the loss of one sample with one direction. */
static void over_signs(int plain, double *mean, double *variance) {
    setting s = new_setting(0);
    for (int i = 0; i < D * D; i++)
        erg_tensor_set(erg_value(s.factor), i, axes[0][i / D][i % D]);
    erg_node *x = input_of(s.graph, ERG_SHAPE(1, D), (double[]){0.7, -0.4, 0.9});
    double square = *mean = 0;
    for (int v = 0; v < SIGNS; v++) {
        double signs[D];
        for (int i = 0; i < D; i++)
            signs[i] = v >> i & 1 ? 1 : -1;
        erg_node *directions = input_of(s.graph, ERG_SHAPE(1, 1, D), signs);
        double loss = number_of(erg_sliced_score_matching(
            model(s), x,
            (erg_sliced_options){.plain = plain, .projections = {.directions = directions}}));
        *mean += loss / SIGNS;
        square += loss * loss / SIGNS;
    }
    *variance = square - *mean * *mean;
    double exact = number_of(erg_score_matching(model(s), x));
    ck_assert_double_eq_tol(*mean, exact, 1e-12);
    erg_graph_free(s.graph);
}

START_TEST(reduction_keeps_the_mean_and_cuts_the_variance) {
    double mean[2], variance[2], known;
    over_signs(0, &mean[0], &variance[0]);
    over_signs(1, &mean[1], &variance[1]);
    directions_z(ERG_RADEMACHER_DIRECTIONS, 1, &known);
    ck_assert_double_eq_tol(variance[0], known, 1e-11);
    ck_assert_double_gt(variance[1], 1.2 * variance[0]);
}
END_TEST

/* Samples may be single numbers, (B): a direction is then a sign, and the loss a^2 <x^2> / 2 - a. */
static erg_node *square_of(void *self, erg_node *x) {
    (void)self;
    return erg_mul_scalar(erg_square(x), 0.35);
}
START_TEST(samples_may_be_numbers) {
    erg_graph *g = erg_graph_new(72);
    erg_energy energy = {square_of, NULL};
    erg_node *x = input_of(g, ERG_SHAPE(2), (double[]){1, 2});
    erg_projections sphere = {.count = 3, .law = ERG_SPHERE_DIRECTIONS};
    erg_sliced_options plain = {.plain = 1, .projections = sphere};
    const double expected = 0.49 * 2.5 / 2 - 0.7;
    ck_assert_double_eq_tol(number_of(erg_sliced_score_matching(energy, x, plain)), expected,
                            1e-14);
    erg_trace_options batched_trace = {.trace = ERG_TRACE_BATCHED};
    ck_assert_double_eq_tol(number_of(erg_trace_score_matching(energy, x, batched_trace)), expected,
                            1e-14);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(score_matching_refuses_misuse) {
    setting s = new_setting(0);
    erg_graph *g = s.graph;
    erg_energy e = model(s), none = {0};
    erg_pair_energy pair = {bilinear_at, s.factor};
    erg_trace_options guess = {.trace = ERG_TRACE_HUTCHINSON};
    FAILS_NULL("no data", erg_trace_score_matching(e, NULL, guess));
    REFUSES(g, "no function", erg_trace_score_matching(none, s.data, guess));
    guess.trace = ERG_TRACE_BATCHED;
    REFUSES(g, "no function", erg_trace_score_matching(none, s.data, guess));
    guess.trace = (erg_trace)9;
    REFUSES(g, "unknown trace 9", erg_trace_score_matching(e, s.data, guess));
    erg_sliced_options slices = {.projections = {.count = -1}};
    REFUSES(g, "-1 vectors", erg_sliced_score_matching(e, s.data, slices));
    slices.projections = (erg_projections){.law = (erg_direction_law)7};
    REFUSES(g, "unknown law of directions 7", erg_sliced_score_matching(e, s.data, slices));
    slices.projections = (erg_projections){.directions = s.signs};
    REFUSES(g, "given (8, 36, 3), must be (1, 36, 3)",
            erg_sliced_score_matching(e, s.data, slices));
    FAILS_NULL("no x", erg_sliced_score_matching(e, NULL, slices));
    REFUSES(g, "step -1",
            erg_finite_difference_score_matching(e, s.data,
                                                 (erg_finite_difference_options){.step = -1}));
    FAILS_NULL("no data",
               erg_finite_difference_score_matching(e, NULL, (erg_finite_difference_options){0}));
    erg_node *two = input_of(g, ERG_SHAPE(2), LEVELS), *three = input_of(g, ERG_SHAPE(3), NULL);
    const struct {
        const char *text;
        erg_denoising_levels_options options;
    } levels[] = {{"no sigmas", {0}},
                  {"weights (3) for sigmas (2)", {.sigmas = two, .weights = three}},
                  {"levels (3) for data (36, 3)", {.sigmas = two, .levels = three}},
                  {"noise is (3), data (36, 3)", {.sigmas = two, .noise = three}}};
    for (int i = 0; i < COUNT(levels); i++)
        REFUSES(g, levels[i].text, erg_denoising_levels(pair, s.data, levels[i].options));
    FAILS_NULL("no data", erg_denoising_levels(pair, NULL, levels[0].options));
    erg_node *energies = erg_energy_apply(e, s.data);
    erg_bend bend = {s.data, energies};
    REFUSES(g, "bend 0 leads from (36, 3) to (36)",
            erg_curvature_propagation(energies, s.data, &bend, 1, (erg_projections){0}));
    REFUSES(g, "energies (36, 3) of data",
            erg_curvature_propagation(s.data, s.data, &bend, 1, (erg_projections){0}));
    REFUSES(g, "no bends",
            erg_curvature_propagation(energies, s.data, NULL, 0, (erg_projections){0}));
    REFUSES(g, "no data", erg_curvature_propagation(energies, NULL, &bend, 1, all_signs(s)));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("score matching");
    TCase *optima = tcase_create("optima");
    tcase_add_loop_test(optima, precision_is_the_inverse_of_the_moments, 0, COUNT(exact_losses));
    tcase_add_test(optima, levels_find_the_moments_with_noise);
    tcase_add_test(optima, one_level_is_denoising);
    suite_add_tcase(suite, optima);
    TCase *directions = tcase_create("directions");
    tcase_add_test(directions, directions_are_isotropic);
    tcase_add_test(directions, reduction_keeps_the_mean_and_cuts_the_variance);
    tcase_add_test(directions, samples_may_be_numbers);
    suite_add_tcase(suite, directions);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, score_matching_refuses_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

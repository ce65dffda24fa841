/* test_compositions.c: energies made of energies: values from the values of the parts, normalisers,
 * derivatives to third order, also when nested; energies of a sample and a condition. */
#include "modules.h"

enum { B = 4, D = 2 };

static const double points[B * D] = {0.31, -0.72, 1.23, 0.44, -0.95, 0.16, 1.87, -0.58};

static double stiff = 1.7, soft = 0.6;
static erg_banana banana = {.scale = 1.5, .curvature = 0.4};
static erg_double_well well = {.height = 0.5};

static const erg_energy parts[] = {
    {erg_harmonic_energy, &stiff}, {erg_banana_energy, &banana}, {erg_double_well_energy, &well}};
enum { PARTS = COUNT(parts) };

/* A float64 input of these numbers, or a 0-d one. */
static erg_node *numbers(erg_graph *g, int n, const double *values) {
    return input_of(g, n ? ERG_SHAPE(n) : ERG_SCALAR, values);
}

/* ------------------------------------------------------------------------------- an energy of two */

/* E(x, c) = |x - g(c)|^2 / 2 + c^2, g(c) = (c, 2 c): c is a label (int32), a number or numbers. */
static erg_node *shifted(void *self, erg_node *x, erg_node *c) {
    (void)self;
    if (erg_node_dtype(c) == ERG_INT32)
        c = erg_cast(c, ERG_FLOAT64);
    erg_node *column = erg_node_shape(c).ndim ? ERG_RESHAPE(c, -1, 1) : c;
    erg_node *scale = input_of(erg_node_graph(x), ERG_SHAPE(1, D), (double[]){1, 2});
    erg_node *away = erg_sub(x, erg_mul(column, scale));
    erg_node *e = erg_mul_scalar(erg_sum(erg_square(away), ERG_AXES(1), 0), 0.5);
    erg_node *own = erg_square(c);
    return erg_add(e, erg_node_shape(c).ndim == 2 ? erg_squeeze(own, 1) : own);
}

static double shifted_by_hand(const double *x, double c) {
    return (pow(x[0] - c, 2) + pow(x[1] - 2 * c, 2)) / 2 + c * c;
}

static const erg_pair_energy pair = {shifted, NULL};

/* ------------------------------------------------------------------------------- the cases */

static const double weights[] = {0.5, -1.5, 2}, log_z[] = {0.3, 1.2, -0.7}, labels[] = {2, 0, 1, 2};
static const double guidance = 1.5, temperature = 2.5, level = 0.7, levels[] = {0.1, -0.4, 2, 1};

static erg_energy sum(erg_graph *g) {
    return erg_energy_sum(g, parts, PARTS, NULL);
}
static double sum_of(const double *e, const double *x, int b) {
    (void)x, (void)b;
    return e[0] + e[1] + e[2];
}
static erg_energy weighted(erg_graph *g) {
    return erg_energy_sum(g, parts, PARTS, numbers(g, PARTS, weights));
}
static double weighted_of(const double *e, const double *x, int b) {
    (void)x, (void)b;
    return 0.5 * e[0] - 1.5 * e[1] + 2 * e[2];
}
static erg_energy mixture(erg_graph *g) {
    return erg_energy_mixture(g, parts, PARTS, (erg_energy_mixture_options){0});
}
static double mixture_of(const double *e, const double *x, int b) {
    (void)x, (void)b;
    return -log(exp(-e[0]) + exp(-e[1]) + exp(-e[2]));
}
static erg_energy equal_mixture(erg_graph *g) {
    return erg_energy_mixture(g, parts, PARTS, (erg_energy_mixture_options){.normalised = 1});
}
static double equal_mixture_of(const double *e, const double *x, int b) {
    return mixture_of(e, x, b) + log(3);
}
static erg_energy logit_mixture(erg_graph *g) {
    erg_energy_mixture_options options = {.logits = numbers(g, PARTS, weights)};
    return erg_energy_mixture(g, parts, PARTS, options);
}
static double logit_mixture_of(const double *e, const double *x, int b) {
    (void)x, (void)b;
    return -log(exp(0.5 - e[0]) + exp(-1.5 - e[1]) + exp(2 - e[2]));
}
static erg_energy full_mixture(erg_graph *g) {
    erg_energy_mixture_options options = {
        .logits = numbers(g, PARTS, weights), .log_z = numbers(g, PARTS, log_z), .normalised = 1};
    return erg_energy_mixture(g, parts, PARTS, options);
}
static double full_mixture_of(const double *e, const double *x, int b) {
    (void)x, (void)b;
    double all = exp(0.5) + exp(-1.5) + exp(2);
    return -log((exp(0.5 - e[0] - 0.3) + exp(-1.5 - e[1] - 1.2) + exp(2 - e[2] + 0.7)) / all);
}
static erg_energy mean(erg_graph *g) {
    return erg_energy_mean(g, parts, PARTS);
}
static double mean_of(const double *e, const double *x, int b) {
    return sum_of(e, x, b) / 3;
}
static erg_energy disagreement(erg_graph *g) {
    return erg_energy_disagreement(g, parts, PARTS);
}
static double disagreement_of(const double *e, const double *x, int b) {
    double m = mean_of(e, x, b);
    return sqrt((pow(e[0] - m, 2) + pow(e[1] - m, 2) + pow(e[2] - m, 2)) / 3);
}
static erg_energy tempered(erg_graph *g) {
    return erg_energy_tempered(g, parts[1], numbers(g, 0, &temperature));
}
static double tempered_of(const double *e, const double *x, int b) {
    (void)x, (void)b;
    return e[1] / 2.5;
}
static erg_energy guided(erg_graph *g) {
    return erg_energy_guided(g, parts[1], parts[2], numbers(g, 0, &guidance));
}
static double guided_of(const double *e, const double *x, int b) {
    (void)x, (void)b;
    return 2.5 * e[1] - 1.5 * e[2];
}
static erg_energy nested(erg_graph *g) {
    const erg_energy inner[] = {tempered(g), mixture(g), guided(g)};
    const erg_energy outer[] = {erg_energy_sum(g, inner, 3, NULL), disagreement(g)};
    return erg_energy_mixture(g, outer, 2, (erg_energy_mixture_options){0});
}
static double nested_of(const double *e, const double *x, int b) {
    double inner = tempered_of(e, x, b) + mixture_of(e, x, b) + guided_of(e, x, b);
    return -log(exp(-inner) + exp(-disagreement_of(e, x, b)));
}
static erg_energy given_label(erg_graph *g) {
    erg_node *c = erg_cast(numbers(g, B, labels), ERG_INT32);
    return erg_energy_given(g, pair, c);
}
static double given_label_of(const double *e, const double *x, int b) {
    (void)e;
    return shifted_by_hand(x, labels[b]);
}
static erg_energy given_level(erg_graph *g) {
    return erg_energy_given(g, pair, numbers(g, 0, &level));
}
static double given_level_of(const double *e, const double *x, int b) {
    (void)e, (void)b;
    return shifted_by_hand(x, level);
}
static erg_energy given_levels(erg_graph *g) {
    return erg_energy_given(g, pair, numbers(g, B, levels));
}
static double given_levels_of(const double *e, const double *x, int b) {
    (void)e;
    return shifted_by_hand(x, levels[b]);
}
static erg_energy over_labels(erg_graph *g) {
    return erg_energy_over_labels(g, pair, 3);
}
static double over_labels_of(const double *e, const double *x, int b) {
    (void)e, (void)b;
    double p = 0;
    for (int c = 0; c < 3; c++)
        p += exp(-shifted_by_hand(x, c));
    return -log(p);
}

static const struct {
    const char *name;
    erg_energy (*build)(erg_graph *g);
    double (*by_hand)(const double *parts, const double *x, int b);
} cases[] = {
#define CASE(name)                                                                                 \
    { #name, name, name##_of }
    CASE(sum),           CASE(weighted),     CASE(mixture),     CASE(equal_mixture),
    CASE(logit_mixture), CASE(full_mixture), CASE(mean),        CASE(disagreement),
    CASE(tempered),      CASE(guided),       CASE(nested),      CASE(given_label),
    CASE(given_level),   CASE(given_levels), CASE(over_labels),
};

START_TEST(compositions_have_their_values) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(B, D), points);
    erg_node *e = erg_energy_apply(cases[_i].build(g), x);
    ck_assert_msg(e != NULL, "%s: %s", cases[_i].name, erg_error_message());
    double *got = elements_of(e), *each[PARTS];
    for (int k = 0; k < PARTS; k++)
        each[k] = elements_of(erg_energy_apply(parts[k], x));
    for (int b = 0; b < B; b++) {
        const double values[PARTS] = {each[0][b], each[1][b], each[2][b]};
        double expected = cases[_i].by_hand(values, points + b * D, b);
        ck_assert_msg(fabs(got[b] - expected) < 1e-13 * fmax(1, fabs(expected)),
                      "%s: %.17g, not %.17g", cases[_i].name, got[b], expected);
    }
    for (int k = 0; k < PARTS; k++)
        free(each[k]);
    free(got);
    erg_graph_free(g);
}
END_TEST

START_TEST(compositions_have_true_derivatives) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(B, D), points);
    erg_gradcheck_result result;
    erg_status status = erg_gradcheck(erg_energy_apply(cases[_i].build(g), x), &x, 1,
                                      (erg_gradcheck_options){.order = 3}, &result);
    ck_assert_msg(status == ERG_OK, "%s: %s", cases[_i].name, result.message);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- properties */

static double log_z_of(erg_graph *g, erg_energy energy) {
    erg_quadrature result = {0};
    erg_evaluator *evaluator = erg_evaluator_new(g, energy, ERG_FLOAT64, ERG_SHAPE(D), 0);
    erg_quadrature_options options = {.half_width = 12, .points = 400, .tail = 1e-13};
    ck_assert_int_eq(erg_quadrature_2d(evaluator, options, &result), ERG_OK);
    erg_evaluator_free(evaluator);
    return result.log_z;
}

/* The normalised mixture of normalised parts is normalised; the product of two Gaussians has the sum
 * of their precisions. */
START_TEST(densities_add_and_multiply) {
    erg_graph *g = erg_graph_new(0);
    const erg_energy two[] = {{erg_harmonic_energy, &stiff}, {erg_harmonic_energy, &soft}};
    const double own[] = {log(2 * M_PI / stiff), log(2 * M_PI / soft)};
    erg_energy_mixture_options options = {
        .logits = numbers(g, 2, weights), .log_z = numbers(g, 2, own), .normalised = 1};
    ck_assert_double_eq_tol(log_z_of(g, erg_energy_mixture(g, two, 2, options)), 0, 1e-12);
    options.logits = NULL;
    ck_assert_double_eq_tol(log_z_of(g, erg_energy_mixture(g, two, 2, options)), 0, 1e-12);
    ck_assert_double_eq_tol(log_z_of(g, erg_energy_sum(g, two, 2, NULL)),
                            log(2 * M_PI / (stiff + soft)), 1e-12);
    ck_assert_double_eq_tol(
        log_z_of(g, erg_energy_tempered(g, two[0], numbers(g, 0, &temperature))),
        log(2 * M_PI * temperature / stiff), 1e-12);
    erg_graph_free(g);
}
END_TEST

/* Members that agree: no NaN in any derivative. */
START_TEST(agreement_has_no_slope) {
    erg_graph *g = erg_graph_new(0);
    const erg_energy same[] = {parts[0], parts[0]};
    erg_node *x = input_of(g, ERG_SHAPE(B, D), points);
    erg_energy energy = erg_energy_disagreement(g, same, 2);
    double *score = elements_of(erg_score(energy, x));
    for (int i = 0; i < B * D; i++)
        ck_assert_double_eq(score[i], 0);
    free(score);
    erg_graph_free(g);
}
END_TEST

/* Trained weights: the derivative of sum_k w_k E_k by w_k is E_k. */
START_TEST(weights_have_derivatives) {
    erg_graph *g = erg_graph_new(0);
    erg_node *w = numbers(g, PARTS, weights), *x = input_of(g, ERG_SHAPE(B, D), points);
    erg_node *e = erg_energy_apply(erg_energy_sum(g, parts, PARTS, w), x);
    double *dw = elements_of(erg_gradient(e, w));
    for (int k = 0; k < PARTS; k++) {
        double expected = number_of(erg_sum(erg_energy_apply(parts[k], x), ERG_ALL, 0));
        ck_assert_double_eq_tol(dw[k], expected, 1e-13);
    }
    free(dw);
    erg_graph_free(g);
}
END_TEST

/* The same E(x, z), held at x, held at z, and of both. z (B, 1). */
START_TEST(latent_energies_agree) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(B, D), points), *z = input_of(g, ERG_SHAPE(B, 1), levels);
    erg_node *both = erg_concat((erg_node *[]){x, z}, 2, 1);
    double *by_x = elements_of(erg_energy_apply(erg_energy_given(g, pair, z), x));
    double *by_z = elements_of(erg_energy_apply(erg_energy_of_latent(g, pair, x), z));
    double *of_both = elements_of(erg_energy_apply(erg_energy_joint(g, pair, D), both));
    for (int b = 0; b < B; b++) {
        double expected = shifted_by_hand(points + b * D, levels[b]);
        ck_assert_double_eq_tol(by_x[b], expected, 1e-14);
        ck_assert_double_eq_tol(by_z[b], expected, 1e-14);
        ck_assert_double_eq_tol(of_both[b], expected, 1e-14);
    }
    free(by_x);
    free(by_z);
    free(of_both);
    erg_gradcheck_result result;
    erg_status status = erg_gradcheck(erg_energy_apply(erg_energy_of_latent(g, pair, x), z), &z, 1,
                                      (erg_gradcheck_options){.order = 3}, &result);
    ck_assert_msg(status == ERG_OK, "%s", result.message);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

static erg_node *itself(void *self, erg_node *x, erg_node *condition) {
    (void)self, (void)condition;
    return x;
}

#define REFUSES_ENERGY(graph, text, call) REFUSES(graph, text, (call).fn)

START_TEST(compositions_refuse_misuse) {
    erg_graph *g = erg_graph_new(0);
    const erg_energy lacking[] = {parts[0], {0}};
    erg_node *two = numbers(g, 2, weights), *one = numbers(g, 0, weights);
    erg_node *x = input_of(g, ERG_SHAPE(B, D), points), *y = input_of(g, ERG_SHAPE(3, D), points);
    REFUSES_ENERGY(g, "energy_sum: no energies", erg_energy_sum(g, NULL, 2, NULL));
    REFUSES_ENERGY(g, "energy_mean: no energies", erg_energy_mean(g, parts, 0));
    REFUSES_ENERGY(g, "number 1", erg_energy_disagreement(g, lacking, 2));
    REFUSES_ENERGY(g, "numbers (2) for 3", erg_energy_sum(g, parts, 3, two));
    REFUSES_ENERGY(g, "numbers () for 3",
                   erg_energy_mixture(g, parts, 3, (erg_energy_mixture_options){.log_z = one}));
    REFUSES_ENERGY(g, "numbers (2) for 3",
                   erg_energy_mixture(g, parts, 3, (erg_energy_mixture_options){.logits = two}));
    REFUSES_ENERGY(g, "must be ()", erg_energy_tempered(g, parts[0], two));
    REFUSES_ENERGY(g, "energy_tempered: no number", erg_energy_tempered(g, parts[0], NULL));
    REFUSES_ENERGY(g, "energy_guided: no number", erg_energy_guided(g, parts[0], parts[1], NULL));
    REFUSES_ENERGY(g, "number 0", erg_energy_guided(g, (erg_energy){0}, parts[1], one));
    ck_assert(!erg_energy_sum(NULL, parts, 2, NULL).fn);
    ck_assert_ptr_null(erg_energy_apply(erg_energy_sum(g, parts, 3, NULL), NULL));
    ck_assert_ptr_null(
        erg_energy_apply(erg_energy_mixture(g, parts, 3, (erg_energy_mixture_options){0}), NULL));
    erg_graph_clear_error(g);

    REFUSES_ENERGY(g, "energy_given: no function", erg_energy_given(g, (erg_pair_energy){0}, x));
    REFUSES_ENERGY(g, "energy_given: no second half", erg_energy_given(g, pair, NULL));
    REFUSES_ENERGY(g, "energy_of_latent: no", erg_energy_of_latent(g, pair, NULL));
    REFUSES_ENERGY(g, "energy_joint: no", erg_energy_joint(g, pair, -1));
    REFUSES_ENERGY(g, "energy_over_labels: no", erg_energy_over_labels(g, pair, 0));
    ck_assert(!erg_energy_given(NULL, pair, x).fn);
    REFUSES(g, "(4, 2) and condition (3, 2)", erg_pair_energy_apply(pair, x, y));
    REFUSES(g, "no condition", erg_pair_energy_apply(pair, x, NULL));
    REFUSES(g, "no x", erg_pair_energy_apply(pair, NULL, x));
    REFUSES(g, "no function", erg_pair_energy_apply((erg_pair_energy){0}, x, x));
    REFUSES(g, "gave (4, 2)", erg_pair_energy_apply((erg_pair_energy){itself, NULL}, x, x));
    REFUSES(g, "(B, 5 or more)", erg_energy_apply(erg_energy_joint(g, pair, 5), x));
    REFUSES(g, "no batch",
            erg_energy_over_labels(g, pair, 2).fn(erg_energy_over_labels(g, pair, 2).self, one));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("compositions");
    TCase *values = tcase_create("values");
    tcase_add_loop_test(values, compositions_have_their_values, 0, COUNT(cases));
    tcase_add_loop_test(values, compositions_have_true_derivatives, 0, COUNT(cases));
    suite_add_tcase(suite, values);
    TCase *properties = tcase_create("properties");
    tcase_add_test(properties, densities_add_and_multiply);
    tcase_add_test(properties, agreement_has_no_slope);
    tcase_add_test(properties, weights_have_derivatives);
    tcase_add_test(properties, latent_energies_agree);
    tcase_add_test(properties, compositions_refuse_misuse);
    suite_add_tcase(suite, properties);
    return run_suite(suite);
}

/* test_improved.c: improved contrastive divergence: its KL term through Langevin steps against
 * the closed form of a quadratic energy, and the entropy of samples, against known numbers. */
#include "likelihood.h"

/* ------------------------------------------------------------------------------- improved CD */

/* One Langevin step from x with given noise: x' = x - h a x + sqrt(2 h) xi. With E held,
 * d/da mean a x'^2 / 2 = mean a x' (-h x): the KL term's gradient. */
typedef struct steps {
    double h;
    erg_node *xi;
} steps;

static erg_node *given_noise(void *self, erg_energy energy, erg_node *x) {
    const steps *s = self;
    erg_node *drift = erg_mul_scalar(erg_score(energy, x), s->h);
    return erg_add(erg_add(x, drift), erg_mul_scalar(s->xi, sqrt(2 * s->h)));
}

enum { CHAINS = 6, WIDTH = 2 };

typedef struct improved {
    erg_graph *graph;
    erg_node *a, *data, *x;
    steps steps;
    erg_improved_options options;
} improved;

static improved new_improved(steps *s, double entropy_weight) {
    improved f = {.graph = erg_graph_new(0)};
    f.a = number_param(f.graph, "a", 1.3);
    f.data = normal_leaf(f.graph, ERG_SHAPE(5, WIDTH), 81);
    f.x = normal_leaf(f.graph, ERG_SHAPE(CHAINS, WIDTH), 82);
    *s = (steps){0.1, normal_leaf(f.graph, ERG_SHAPE(CHAINS, WIDTH), 83)};
    f.steps = *s;
    f.options = (erg_improved_options){
        .transition = given_noise, .self = s, .entropy_weight = entropy_weight};
    return f;
}

static erg_node *improved_loss(improved f) {
    return erg_improved_contrastive_divergence((erg_energy){quadratic, f.a}, f.data, f.x,
                                               f.options);
}

/* The gradient of the whole loss: of CD, and `kl` times the KL term's. */
static double expected_slope(improved f, double kl) {
    const erg_tensor *x = erg_value(f.x), *data = erg_value(f.data), *xi = erg_value(f.steps.xi);
    double a = erg_tensor_get(erg_value(f.a), 0), h = f.steps.h;
    double keep = 1 - h * a, root = sqrt(2 * h);
    double xx = dot(x, x) / CHAINS, xn = dot(x, xi) / CHAINS, nn = dot(xi, xi) / CHAINS;
    double moved = keep * keep * xx + 2 * keep * root * xn + 2 * h * nn;
    return (dot(data, data) / 5 - moved) / 2 - kl * h * a * (keep * xx + root * xn);
}

/* Mistakes: the term's sign, its factor, its absence, a derivative through E's params. */
static erg_node *kl_of(improved f, bool held) {
    erg_energy energy = {quadratic, f.a};
    erg_node *moved = given_noise(&f.steps, energy, f.x);
    erg_energy last = {quadratic, held ? erg_stop_gradient(f.a) : f.a};
    return mean(erg_energy_apply(last, moved));
}
static erg_node *without_kl(improved f) {
    f.options.kl_weight = ERG_ZERO;
    return improved_loss(f);
}
static erg_node *by_hand(improved f) {
    return erg_add(without_kl(f), kl_of(f, true));
}
static erg_node *negative_kl(improved f) {
    return erg_sub(without_kl(f), kl_of(f, true));
}
static erg_node *free_kl(improved f) {
    return erg_add(without_kl(f), kl_of(f, false));
}
static erg_node *summed_kl(improved f) {
    f.options.kl_weight = CHAINS;
    return improved_loss(f);
}

static const struct {
    erg_node *(*loss)(improved f);
    bool right;
} improved_losses[] = {
    {improved_loss, true}, {by_hand, true},  {without_kl, false},
    {negative_kl, false},  {free_kl, false}, {summed_kl, false},
};

START_TEST(kl_gradient_is_its_closed_form) {
    steps s;
    improved f = new_improved(&s, ERG_ZERO);
    double slope = slope_of(improved_losses[_i].loss(f), f.a);
    ck_assert((fabs(slope - expected_slope(f, 1)) < 1e-13) == improved_losses[_i].right);
    ck_assert_double_eq_tol(slope_of(without_kl(f), f.a), expected_slope(f, 0), 1e-13);
    f.options.kl_weight = 0.3;
    ck_assert_double_eq_tol(slope_of(improved_loss(f), f.a), expected_slope(f, 0.3), 1e-13);
    erg_graph_free(f.graph);
}
END_TEST

/* Three steps and the entropy: what the loss holds fixed is a second param here, and the states of
 * its negatives are a leaf, so that nothing hides from finite differences. */
START_TEST(improved_gradient_is_that_of_differences) {
    steps s;
    improved f = new_improved(&s, 0.7);
    f.options.steps = 3;
    erg_node *held = number_input(f.graph, 1.3);
    erg_energy energy = {quadratic, f.a}, fixed = {quadratic, held};
    erg_node *x = f.x;
    for (int k = 0; k < 3; k++)
        x = given_noise(&s, energy, x);
    double *states = elements_of(x);
    erg_node *negatives = input_of(f.graph, ERG_SHAPE(CHAINS, WIDTH), states);
    erg_node *likelihood =
        erg_contrastive_divergence(energy, f.data, negatives, (erg_contrastive_options){0});
    erg_node *kl = erg_sub(mean(erg_energy_apply(fixed, x)),
                           erg_mul_scalar(erg_nearest_entropy(x, NULL), 0.7));
    erg_node *plain = erg_add(likelihood, kl), *loss = improved_loss(f);
    erg_gradcheck_result result;
    ck_assert_msg(erg_gradcheck(plain, &f.a, 1, (erg_gradcheck_options){0}, &result) == ERG_OK,
                  "%s", result.message);
    ck_assert_double_eq_tol(number_of(loss), number_of(plain), 1e-13);
    ck_assert_double_eq_tol(slope_of(loss, f.a), slope_of(plain, f.a), 1e-13);
    f.options.entropy_weight = ERG_ZERO;
    ck_assert_double_gt(fabs(slope_of(improved_loss(f), f.a) - slope_of(plain, f.a)), 1e-3);
    free(states);
    erg_graph_free(f.graph);
}
END_TEST

/* By default the transition is Langevin's. */
START_TEST(improved_steps_by_langevin) {
    steps s;
    improved f = new_improved(&s, ERG_ZERO);
    f.options = (erg_improved_options){.langevin = {.step_size = 0.1, .noise = ERG_ZERO},
                                       .entropy_weight = ERG_ZERO};
    erg_tensor_fill(erg_value(f.steps.xi), 0);
    ck_assert_double_eq_tol(slope_of(improved_loss(f), f.a), expected_slope(f, 1), 1e-13);
    erg_graph_free(f.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- entropy */

START_TEST(nearest_entropy_has_known_numbers) {
    erg_graph *g = erg_graph_new(0);
    /* Distances 1, 1, 2 on the line: V = 2, and 1 + 1/2 for two others. */
    erg_node *x = input_of(g, ERG_SHAPE(3, 1), (double[]){0, 1, 3});
    ck_assert_double_eq_tol(number_of(erg_nearest_entropy(x, NULL)), log(2) / 3 + log(2) + 1.5,
                            1e-14);
    /* Distances 5 and 2 in the plane to an archive of one: V = pi. */
    erg_node *y = input_of(g, ERG_SHAPE(2, 2), (double[]){3, 4, 0, 2});
    erg_node *origin = input_of(g, ERG_SHAPE(1, 2), NULL);
    ck_assert_double_eq_tol(number_of(erg_nearest_entropy(y, origin)),
                            log(5) + log(2) + log(M_PI) + 1, 1e-14);
    /* Coincident samples: finite, without derivative. */
    erg_node *same = input_of(g, ERG_SHAPE(2, 2), (double[]){1, 1, 1, 1});
    double *slopes = elements_of(erg_gradient(erg_nearest_entropy(same, NULL), same));
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq(slopes[i], 0);
    free(slopes);
    erg_gradcheck_result result;
    ck_assert_msg(erg_gradcheck(erg_nearest_entropy(y, origin), &y, 1, (erg_gradcheck_options){0},
                                &result) == ERG_OK,
                  "%s", result.message);
    erg_graph_free(g);
}
END_TEST

/* N(0, s^2 I) in D dimensions: D/2 log(2 pi e s^2). The spread of log r^D is near 1.3, more for the
 * dependence between neighbours: 8 / sqrt(n) is far outside. */
START_TEST(nearest_entropy_estimates) {
    const int64_t n = draws(2000, 500);
    const double s = 0.4;
    for (int d = 1; d <= 3; d++) {
        erg_graph *g = erg_graph_new(84);
        erg_node *x = erg_mul_scalar(normal_leaf(g, ERG_SHAPE(n, d), 85), s);
        erg_node *others = erg_mul_scalar(normal_leaf(g, ERG_SHAPE(n, d), 86), s);
        double exact = 0.5 * d * log(2 * M_PI * M_E * s * s), error = 8 / sqrt((double)n);
        double own = number_of(erg_nearest_entropy(x, NULL));
        ck_assert_double_eq_tol(own, exact, error);
        ck_assert_double_eq_tol(number_of(erg_nearest_entropy(x, others)), exact, error);
        /* Planted: without the factor D of the distances. */
        if (d > 1)
            ck_assert_double_gt(fabs(own / d - exact), error);
        erg_graph_free(g);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("improved");
    TCase *tests = tcase_create("improved");
    tcase_add_loop_test(tests, kl_gradient_is_its_closed_form, 0, COUNT(improved_losses));
    tcase_add_test(tests, improved_gradient_is_that_of_differences);
    tcase_add_test(tests, improved_steps_by_langevin);
    tcase_add_test(tests, nearest_entropy_has_known_numbers);
    tcase_add_test(tests, nearest_entropy_estimates);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

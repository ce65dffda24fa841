/* test_discrete_losses.c: losses for binary data on an Ising model of four spins, by exact
 * expectations over all sixteen states: every loss recovers the couplings and fields; losses with one
 * mistake do not. */
#include "modules.h"

enum { D = 4, STATES = 1 << D, COUPLINGS = D * D, NUMBERS = COUPLINGS + D };

/* ------------------------------------------------------------------------------- the model */

/* E(s) = -sum_{i<j} J_ij s_i s_j - sum_i h_i s_i, of which only J above the diagonal is used. */
typedef struct spins {
    erg_node *couplings, *fields, *above;
} spins;
static erg_node *spin_energy(void *self, erg_node *s) {
    const spins *m = self;
    erg_node *pairs = erg_mul(s, erg_matmul(s, erg_mul(m->couplings, m->above)));
    return erg_neg(erg_sum(erg_add(pairs, erg_mul(s, m->fields)), ERG_AXES(1), 0));
}

/* The true numbers: J, then h. Where J is not used it is 0. */
static double truth(int i) {
    if (i >= COUPLINGS)
        return 0.3 - 0.2 * (i - COUPLINGS);
    int row = i / D, column = i % D;
    return row < column ? 0.7 * cos(1 + 2.5 * row + column) : 0;
}

typedef struct setting {
    erg_graph *graph;
    spins model;
    erg_energy energy;
    erg_node *x; /* (1, D), one state */
    double p[STATES];
} setting;

static double spin(int state, int i) {
    return state >> i & 1 ? 1 : -1;
}
static double true_energy(int state) {
    double e = 0;
    for (int i = 0; i < D; i++) {
        e -= truth(COUPLINGS + i) * spin(state, i);
        for (int j = i + 1; j < D; j++)
            e -= truth(i * D + j) * spin(state, i) * spin(state, j);
    }
    return e;
}
static double true_log_z(void) {
    double z = 0;
    for (int state = 0; state < STATES; state++)
        z += exp(-true_energy(state));
    return log(z);
}

static void set_numbers(setting *s, const double *numbers) {
    memcpy(erg_value(s->model.couplings)->data, numbers, COUPLINGS * sizeof *numbers);
    memcpy(erg_value(s->model.fields)->data, numbers + COUPLINGS, D * sizeof *numbers);
}
static void set_truth(setting *s) {
    double numbers[NUMBERS];
    for (int i = 0; i < NUMBERS; i++)
        numbers[i] = truth(i);
    set_numbers(s, numbers);
}

static setting *new_setting(void) {
    erg_graph *g = erg_graph_new(0);
    setting *s = erg_graph_alloc(g, sizeof *s);
    s->graph = g;
    s->model.couplings = erg_param(g, "couplings", ERG_FLOAT64, ERG_SHAPE(D, D));
    s->model.fields = erg_param(g, "fields", ERG_FLOAT64, ERG_SHAPE(D));
    s->model.above = input_of(g, ERG_SHAPE(D, D), NULL);
    for (int i = 0; i < COUPLINGS; i++)
        erg_tensor_set(erg_value(s->model.above), i, i / D < i % D);
    s->energy = (erg_energy){spin_energy, &s->model};
    s->x = input_of(g, ERG_SHAPE(1, D), NULL);
    for (int state = 0; state < STATES; state++)
        s->p[state] = exp(-true_energy(state) - true_log_z());
    set_truth(s);
    return s;
}

/* The expected loss and its gradient under the true distribution. */
typedef struct expected {
    setting *setting;
    erg_plan *plan;
    double value, gradient[NUMBERS];
} expected;

static expected compile(setting *s, erg_node *loss) {
    erg_node *outputs[] = {loss, erg_gradient(loss, s->model.couplings),
                           erg_gradient(loss, s->model.fields)};
    expected e = {.setting = s, .plan = erg_compile(outputs, 3)};
    ck_assert_msg(e.plan != NULL, "%s", erg_error_message());
    return e;
}

static void evaluate(expected *e) {
    e->value = 0;
    memset(e->gradient, 0, sizeof e->gradient);
    for (int state = 0; state < STATES; state++) {
        double p = e->setting->p[state];
        for (int i = 0; i < D; i++)
            erg_tensor_set(erg_value(e->setting->x), i, spin(state, i));
        erg_run(e->plan);
        e->value += p * erg_tensor_get(erg_output(e->plan, 0), 0);
        for (int i = 0; i < NUMBERS; i++)
            e->gradient[i] +=
                p * (i < COUPLINGS ? erg_tensor_get(erg_output(e->plan, 1), i)
                                   : erg_tensor_get(erg_output(e->plan, 2), i - COUPLINGS));
    }
}

/* ------------------------------------------------------------------------------- losses */

static const erg_binary UP_DOWN = {-1, 1};

static erg_node *pseudo(setting *s) {
    return erg_pseudo_likelihood(s->energy, s->x, UP_DOWN);
}
static erg_node *ratios(setting *s) {
    return erg_ratio_matching(s->energy, s->x, UP_DOWN);
}
static erg_node *concrete(setting *s) {
    return erg_concrete_score_matching(s->energy, s->x, UP_DOWN);
}
static erg_node *flow(setting *s) {
    return erg_binary_probability_flow(s->energy, s->x, UP_DOWN);
}
static erg_node *blocks_of(setting *s, int64_t size) {
    return erg_composite_likelihood(s->energy, s->x,
                                    (erg_composite_options){.values = UP_DOWN, .block = size});
}
static erg_node *pairs(setting *s) {
    return blocks_of(s, 0);
}
static erg_node *triples(setting *s) {
    return blocks_of(s, 3);
}
static erg_node *likelihood(setting *s) {
    return blocks_of(s, D);
}

/* With one mistake each. f of E(x) - E(flipped), flip by flip. */
static erg_node *over_flips(setting *s, erg_node *(*f)(erg_node *drop)) {
    erg_node *sum = NULL;
    for (int i = 0; i < D; i++) {
        double change[D] = {1, 1, 1, 1};
        change[i] = -1;
        erg_node *y = erg_mul(s->x, input_of(s->graph, ERG_SHAPE(D), change));
        erg_node *drop = erg_sub(erg_energy_apply(s->energy, s->x), erg_energy_apply(s->energy, y));
        erg_node *term = erg_sum(f(drop), ERG_ALL, 0);
        sum = i ? erg_add(sum, term) : term;
    }
    return sum;
}
static erg_node *inverted(erg_node *drop) {
    return erg_softplus(erg_neg(drop));
}
static erg_node *no_square(erg_node *drop) {
    return erg_sigmoid(drop);
}
static erg_node *one_inverse(erg_node *drop) {
    return erg_sub(erg_exp(erg_mul_scalar(drop, 2)), erg_exp(erg_neg(drop)));
}
static erg_node *no_half(erg_node *drop) {
    return erg_exp(drop);
}
static erg_node *inverted_pseudo(setting *s) {
    return over_flips(s, inverted);
}
static erg_node *ratios_without_square(setting *s) {
    return over_flips(s, no_square);
}
static erg_node *concrete_with_one_inverse(setting *s) {
    return over_flips(s, one_inverse);
}
static erg_node *flow_without_half(setting *s) {
    return over_flips(s, no_half);
}
static erg_node *wrong_values(setting *s) {
    return erg_pseudo_likelihood(s->energy, s->x, (erg_binary){0});
}

static const struct {
    erg_node *(*loss)(setting *s);
    bool right;
} losses[] = {
    {pseudo, true},
    {ratios, true},
    {concrete, true},
    {flow, true},
    {pairs, true},
    {triples, true},
    {likelihood, true},
    {inverted_pseudo, false},
    {ratios_without_square, false},
    {concrete_with_one_inverse, false},
    {flow_without_half, false},
    {wrong_values, false},
};

/* Gradient descent from zeros, with a step that grows while the value
 * falls and shrinks when it rises. */
static bool recovers(expected *e) {
    double numbers[NUMBERS] = {0}, step = 0.05, worst = 0;
    set_numbers(e->setting, numbers);
    evaluate(e);
    for (int t = 0; t < 2000; t++) {
        double next[NUMBERS];
        expected here = *e;
        for (int i = 0; i < NUMBERS; i++)
            next[i] = numbers[i] - step * e->gradient[i];
        set_numbers(e->setting, next);
        evaluate(e);
        bool better = e->value < here.value;
        step *= better ? 1.2 : 0.5;
        memcpy(numbers, better ? next : numbers, sizeof numbers);
        if (!better)
            *e = here;
    }
    for (int i = 0; i < NUMBERS; i++)
        worst = fmax(worst, fabs(numbers[i] - truth(i)));
    return worst < 1e-5;
}

START_TEST(couplings_are_recovered) {
    setting *s = new_setting();
    expected e = compile(s, losses[_i].loss(s));
    evaluate(&e);
    double gradient = 0;
    for (int i = 0; i < NUMBERS; i++)
        gradient = fmax(gradient, fabs(e.gradient[i]));
    ck_assert((gradient < 1e-13) == losses[_i].right);
    ck_assert(recovers(&e) == losses[_i].right);
    erg_plan_free(e.plan);
    erg_graph_free(s->graph);
}
END_TEST

/* ------------------------------------------------------------------------------- known values */

/* Blocks of all elements are the likelihood: E + log Z in each state. Of one: pseudo-likelihood. */
START_TEST(blocks_lead_to_the_likelihood) {
    setting *s = new_setting();
    erg_node *whole = likelihood(s), *single = blocks_of(s, 1), *pseudo_loss = pseudo(s);
    for (int state = 0; state < STATES; state += 5) {
        for (int i = 0; i < D; i++)
            erg_tensor_set(erg_value(s->x), i, spin(state, i));
        ck_assert_double_eq_tol(number_of(whole), true_energy(state) + true_log_z(), 1e-13);
        ck_assert_double_eq_tol(number_of(single), number_of(pseudo_loss), 1e-13);
        ck_assert_double_gt(fabs(number_of(pairs(s)) - number_of(pseudo_loss)), 1e-3);
    }
    erg_graph_free(s->graph);
}
END_TEST

/* Concrete score matching is the mean squared error of the ratios, plus a constant. */
START_TEST(concrete_score_is_the_error_of_the_ratios) {
    setting *s = new_setting();
    expected e = compile(s, concrete(s));
    double constant = 0, numbers[NUMBERS] = {0};
    for (int state = 0; state < STATES; state++)
        for (int i = 0; i < D; i++)
            constant += s->p[state ^ 1 << i] * s->p[state ^ 1 << i] / s->p[state];
    evaluate(&e);
    ck_assert_double_eq_tol(e.value, -constant, 1e-12);
    /* With no couplings the model's ratios are 1. */
    set_numbers(s, numbers);
    evaluate(&e);
    double error = 0;
    for (int state = 0; state < STATES; state++)
        for (int i = 0; i < D; i++)
            error += s->p[state] * pow(1 - s->p[state ^ 1 << i] / s->p[state], 2);
    ck_assert_double_eq_tol(e.value, error - constant, 1e-12);
    erg_plan_free(e.plan);
    erg_graph_free(s->graph);
}
END_TEST

/* Samples of any shape, in batches: the sum over the dimensions, the mean over the batch. */
static erg_node *flat_energy(void *self, erg_node *x) {
    return spin_energy(self, erg_flatten(x, 1));
}
START_TEST(samples_have_any_shape) {
    setting *s = new_setting();
    double numbers[3 * D], sum[5] = {0};
    for (int i = 0; i < 3 * D; i++)
        numbers[i] = spin(7 * (i / D) + 2, i % D);
    erg_energy energy = {flat_energy, &s->model};
    erg_node *x = input_of(s->graph, ERG_SHAPE(3, 2, 2), numbers);
    erg_node *batch[] = {
        erg_pseudo_likelihood(energy, x, UP_DOWN), erg_ratio_matching(energy, x, UP_DOWN),
        erg_concrete_score_matching(energy, x, UP_DOWN),
        erg_binary_probability_flow(energy, x, UP_DOWN),
        erg_composite_likelihood(energy, x, (erg_composite_options){.values = UP_DOWN})};
    erg_node *one[] = {pseudo(s), ratios(s), concrete(s), flow(s), pairs(s)};
    for (int b = 0; b < 3; b++) {
        memcpy(erg_value(s->x)->data, numbers + b * D, D * sizeof *numbers);
        for (int k = 0; k < COUNT(one); k++)
            sum[k] += number_of(one[k]) / 3;
    }
    for (int k = 0; k < COUNT(one); k++)
        ck_assert_double_eq_tol(number_of(batch[k]), sum[k], 1e-12);
    erg_graph_free(s->graph);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(discrete_losses_refuse_misuse) {
    setting *s = new_setting();
    erg_graph *g = s->graph;
    const erg_energy none = {0};
    const erg_binary same = {2, 2}, infinite = {0, INFINITY};
    FAILS_NULL("pseudo_likelihood: no data", erg_pseudo_likelihood(s->energy, NULL, UP_DOWN));
    FAILS_NULL("ratio_matching: no data", erg_ratio_matching(s->energy, NULL, UP_DOWN));
    REFUSES(g, "no function", erg_concrete_score_matching(none, s->x, UP_DOWN));
    REFUSES(g, "pseudo_likelihood: values 2 and 2", erg_pseudo_likelihood(s->energy, s->x, same));
    REFUSES(g, "binary_probability_flow: values 0 and inf",
            erg_binary_probability_flow(s->energy, s->x, infinite));
    REFUSES(g, "no batch axis", erg_ratio_matching(s->energy, number_input(g, 1), UP_DOWN));
    erg_node *empty = input_of(g, ERG_SHAPE(2, 0), NULL);
    erg_energy bowl = {erg_harmonic_energy, &(double){1}};
    REFUSES(g, "without elements", erg_pseudo_likelihood(bowl, empty, UP_DOWN));
    const int64_t bad[] = {-1, D + 1, 1000};
    for (int i = 0; i < COUNT(bad); i++)
        REFUSES(g, "in 4 elements, at most 16", blocks_of(s, bad[i]));
    REFUSES(g, "values 2 and 2",
            erg_composite_likelihood(s->energy, s->x, (erg_composite_options){.values = same}));
    REFUSES(g, "no function",
            erg_composite_likelihood(none, s->x, (erg_composite_options){.values = UP_DOWN}));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("discrete losses");
    TCase *ising = tcase_create("ising");
    tcase_set_timeout(ising, 60);
    tcase_add_loop_test(ising, couplings_are_recovered, 0, COUNT(losses));
    suite_add_tcase(suite, ising);
    TCase *known = tcase_create("known values");
    tcase_add_test(known, blocks_lead_to_the_likelihood);
    tcase_add_test(known, concrete_score_is_the_error_of_the_ratios);
    tcase_add_test(known, samples_have_any_shape);
    suite_add_tcase(suite, known);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, discrete_losses_refuse_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

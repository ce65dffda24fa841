/* test_discrete_losses.c: losses for discrete data on pairwise models of four spins, four bits, and
 * three sites of three states (a Potts model with a coupling of its own for each pair of states), by
 * exact expectations over all states: every loss recovers couplings and fields; losses with one mistake
 * do not. */
#include "modules.h"

/* ------------------------------------------------------------------------------- the model */

enum { MOST = 9, COUPLINGS = MOST * MOST, NUMBERS = COUPLINGS + MOST, MOST_STATES = 27 };

typedef struct space {
    erg_sites kind;
    int sites, states; /* S, K */
} space;
static const space spaces[] = {{ERG_SPINS, 4, 2}, {ERG_BITS, 4, 2}, {ERG_ONE_HOT, 3, 3}};

static int numbers_of(space s) { /* of a site */
    return s.kind == ERG_ONE_HOT ? s.states : 1;
}
static int size_of(space s) { /* of a sample */
    return s.sites * numbers_of(s);
}
static int count_of(space s) {
    return (int)pow(s.states, s.sites);
}
static erg_shape shape_of(space s, int64_t batch) {
    return s.kind == ERG_ONE_HOT ? ERG_SHAPE(batch, s.sites, s.states) : ERG_SHAPE(batch, s.sites);
}

/* Element i of state number `state`, whose digits in base K are the states of the sites. */
static double element(space s, int state, int i) {
    int digit = state / (int)pow(s.states, i / numbers_of(s)) % s.states;
    if (s.kind == ERG_ONE_HOT)
        return digit == i % s.states;
    return s.kind == ERG_SPINS ? 2 * digit - 1 : digit;
}

/* Which numbers are free: J_ij of elements i < j of different sites, and h_i; of one-hot vectors none
 * that belongs to the first state, so that no two sets of numbers are one model. */
static bool is_free(space s, int i, int j) {
    bool first = s.kind == ERG_ONE_HOT && (i % s.states == 0 || j % s.states == 0);
    return !first && i / numbers_of(s) < j / numbers_of(s);
}
static bool has_field(space s, int i) {
    return i < size_of(s) && !(s.kind == ERG_ONE_HOT && i % s.states == 0);
}

/* The true numbers: J, then h; those that are not free are 0. */
static double truth(space s, int k) {
    int i = k / MOST, j = k % MOST;
    if (k >= COUPLINGS)
        return has_field(s, k - COUPLINGS) ? 0.3 - 0.2 * (k - COUPLINGS) / numbers_of(s) : 0;
    bool within = i < size_of(s) && j < size_of(s);
    return within && is_free(s, i, j) ? 0.7 * cos(1 + 2.5 * i + j) : 0;
}

/* E(x) = -sum_{i<j} J_ij x_i x_j - sum_i h_i x_i over elements, of which only the free are used. */
typedef struct pairwise {
    erg_node *couplings, *fields, *free, *has_field;
} pairwise;
static erg_node *pair_energy(void *self, erg_node *x) {
    const pairwise *m = self;
    erg_node *flat = erg_flatten(x, 1);
    erg_node *pairs =
        erg_mul(flat, erg_matmul(flat, erg_transpose(erg_mul(m->couplings, m->free))));
    erg_node *fields = erg_mul(flat, erg_mul(m->fields, m->has_field));
    return erg_neg(erg_sum(erg_add(pairs, fields), ERG_AXES(1), 0));
}

typedef struct setting {
    space space;
    erg_graph *graph;
    pairwise model;
    erg_energy energy;
    erg_node *x; /* (1, ...), one state */
    double p[MOST_STATES];
} setting;

static double true_energy(space s, int state) {
    double e = 0;
    for (int i = 0; i < size_of(s); i++) {
        e -= truth(s, COUPLINGS + i) * element(s, state, i);
        for (int j = 0; j < size_of(s); j++)
            e -= truth(s, i * MOST + j) * element(s, state, i) * element(s, state, j);
    }
    return e;
}
static double true_log_z(space s) {
    double z = 0;
    for (int state = 0; state < count_of(s); state++)
        z += exp(-true_energy(s, state));
    return log(z);
}

static void set_numbers(setting *s, const double *numbers) {
    int d = size_of(s->space);
    for (int i = 0; i < d; i++) {
        erg_tensor_set(erg_value(s->model.fields), i, numbers[COUPLINGS + i]);
        for (int j = 0; j < d; j++)
            erg_tensor_set(erg_value(s->model.couplings), i * d + j, numbers[i * MOST + j]);
    }
}
static void set_truth(setting *s) {
    double numbers[NUMBERS];
    for (int k = 0; k < NUMBERS; k++)
        numbers[k] = truth(s->space, k);
    set_numbers(s, numbers);
}
static void set_state(setting *s, int state) {
    for (int i = 0; i < size_of(s->space); i++)
        erg_tensor_set(erg_value(s->x), i, element(s->space, state, i));
}

static setting *new_setting(space space) {
    erg_graph *g = erg_graph_new(0);
    setting *s = erg_graph_alloc(g, sizeof *s);
    int d = size_of(space);
    s->space = space;
    s->graph = g;
    s->model.couplings = erg_param(g, "couplings", ERG_FLOAT64, ERG_SHAPE(d, d));
    s->model.fields = erg_param(g, "fields", ERG_FLOAT64, ERG_SHAPE(d));
    s->model.free = input_of(g, ERG_SHAPE(d, d), NULL);
    s->model.has_field = input_of(g, ERG_SHAPE(d), NULL);
    for (int i = 0; i < d * d; i++)
        erg_tensor_set(erg_value(s->model.free), i, is_free(space, i / d, i % d));
    for (int i = 0; i < d; i++)
        erg_tensor_set(erg_value(s->model.has_field), i, has_field(space, i));
    s->energy = (erg_energy){pair_energy, &s->model};
    s->x = input_of(g, shape_of(space, 1), NULL);
    for (int state = 0; state < count_of(space); state++)
        s->p[state] = exp(-true_energy(space, state) - true_log_z(space));
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
    const space space = e->setting->space;
    const int d = size_of(space);
    e->value = 0;
    memset(e->gradient, 0, sizeof e->gradient);
    for (int state = 0; state < count_of(space); state++) {
        double p = e->setting->p[state];
        set_state(e->setting, state);
        erg_run(e->plan);
        e->value += p * erg_tensor_get(erg_output(e->plan, 0), 0);
        const double *couplings = erg_output(e->plan, 1)->data;
        const double *fields = erg_output(e->plan, 2)->data;
        for (int i = 0; i < d; i++) {
            e->gradient[COUPLINGS + i] += p * fields[i];
            for (int j = 0; j < d; j++)
                e->gradient[i * MOST + j] += p * couplings[i * d + j];
        }
    }
}

/* ------------------------------------------------------------------------------- losses */

static erg_node *pseudo(setting *s) {
    return erg_pseudo_likelihood(s->energy, s->x, s->space.kind);
}
static erg_node *ratios(setting *s) {
    return erg_ratio_matching(s->energy, s->x, s->space.kind);
}
static erg_node *concrete(setting *s) {
    return erg_concrete_score_matching(s->energy, s->x, s->space.kind);
}
static erg_node *flow(setting *s) {
    return erg_discrete_probability_flow(s->energy, s->x, s->space.kind);
}
static erg_node *blocks_of(setting *s, int64_t size) {
    return erg_composite_likelihood(s->energy, s->x,
                                    (erg_composite_options){.sites = s->space.kind, .block = size});
}
static erg_node *pairs(setting *s) {
    return blocks_of(s, 0);
}
static erg_node *triples(setting *s) {
    return blocks_of(s, 3);
}
static erg_node *likelihood(setting *s) {
    return blocks_of(s, s->space.sites);
}

/* x with one site turned by `places`: x A + b. */
static erg_node *turned(setting *s, int site, int places) {
    const space sp = s->space;
    const int d = size_of(sp), n = numbers_of(sp);
    double a[COUPLINGS] = {0}, b[MOST] = {0};
    for (int i = 0; i < d; i++) {
        bool here = i / n == site;
        if (sp.kind == ERG_ONE_HOT)
            a[i * d + (here ? site * n + (i % n + places) % n : i)] = 1;
        else
            a[i * d + i] = here ? -1 : 1;
        b[i] = here && sp.kind == ERG_BITS;
    }
    erg_node *x = erg_matmul(erg_flatten(s->x, 1), input_of(s->graph, ERG_SHAPE(d, d), a));
    return erg_add(x, input_of(s->graph, ERG_SHAPE(d), b));
}

/* f of E(x) - E(y), neighbour by neighbour, with turns by 1 .. most places. */
static erg_node *over_neighbours(setting *s, int most, erg_node *(*f)(erg_node *drop)) {
    erg_node *sum = NULL;
    for (int site = 0; site < s->space.sites; site++)
        for (int k = 1; k <= most; k++) {
            erg_node *y = turned(s, site, k);
            erg_node *drop =
                erg_sub(erg_energy_apply(s->energy, s->x), erg_energy_apply(s->energy, y));
            erg_node *term = erg_sum(f(drop), ERG_ALL, 0);
            sum = sum ? erg_add(sum, term) : term;
        }
    return sum;
}
static erg_node *wrong_squared(erg_node *drop) {
    return erg_square(erg_sigmoid(drop));
}
static erg_node *error_of(erg_node *drop) {
    return erg_sub(erg_exp(erg_mul_scalar(drop, 2)), erg_mul_scalar(erg_exp(erg_neg(drop)), 2));
}
static erg_node *rate(erg_node *drop) {
    return erg_exp(erg_mul_scalar(drop, 0.5));
}
/* The same written by hand, right in all spaces. */
static erg_node *ratios_by_hand(setting *s) {
    return over_neighbours(s, s->space.states - 1, wrong_squared);
}
static erg_node *concrete_by_hand(setting *s) {
    return over_neighbours(s, s->space.states - 1, error_of);
}
static erg_node *flow_by_hand(setting *s) {
    return over_neighbours(s, s->space.states - 1, rate);
}

/* With one mistake each. */
static erg_node *inverted(erg_node *drop) {
    return erg_softplus(erg_neg(drop));
}
static erg_node *one_inverse(erg_node *drop) {
    return erg_sub(erg_exp(erg_mul_scalar(drop, 2)), erg_exp(erg_neg(drop)));
}
static erg_node *inverted_pseudo(setting *s) {
    return over_neighbours(s, s->space.states - 1, inverted);
}
static erg_node *ratios_without_square(setting *s) {
    return over_neighbours(s, s->space.states - 1, erg_sigmoid);
}
static erg_node *concrete_with_one_inverse(setting *s) {
    return over_neighbours(s, s->space.states - 1, one_inverse);
}
static erg_node *flow_without_half(setting *s) {
    return over_neighbours(s, s->space.states - 1, erg_exp);
}
/* Not all states of a site: x is a neighbour of y, and y none of x. */
static erg_node *ratios_to_the_next_state(setting *s) {
    return over_neighbours(s, 1, wrong_squared);
}
static erg_node *concrete_to_the_next_state(setting *s) {
    return over_neighbours(s, 1, error_of);
}
static erg_node *flow_to_the_next_state(setting *s) {
    return over_neighbours(s, 1, rate);
}
/* Bits as spins, spins as bits, one-hot vectors as independent bits. */
static erg_node *wrong_sites(setting *s) {
    return erg_pseudo_likelihood(s->energy, s->x, s->space.kind == ERG_BITS ? ERG_SPINS : ERG_BITS);
}

enum { RIGHT = 1, RIGHT_FOR_TWO = 2, WRONG = 3 };
static const struct {
    erg_node *(*loss)(setting *s);
    int right;
} losses[] = {
    {pseudo, RIGHT},
    {ratios, RIGHT},
    {concrete, RIGHT},
    {flow, RIGHT},
    {pairs, RIGHT},
    {triples, RIGHT},
    {likelihood, RIGHT},
    {ratios_to_the_next_state, RIGHT_FOR_TWO},
    {concrete_to_the_next_state, RIGHT_FOR_TWO},
    {flow_to_the_next_state, RIGHT_FOR_TWO},
    {inverted_pseudo, WRONG},
    {ratios_without_square, WRONG},
    {concrete_with_one_inverse, WRONG},
    {flow_without_half, WRONG},
    {wrong_sites, WRONG},
};

static bool is_right(int loss, space s) {
    return losses[loss].right == RIGHT || (losses[loss].right == RIGHT_FOR_TWO && s.states == 2);
}

static double steepest(const expected *e) {
    double most = 0;
    for (int i = 0; i < NUMBERS; i++)
        most = fmax(most, fabs(e->gradient[i]));
    return most;
}
/* Gradient descent from zeros, with a step that grows while the value falls and shrinks when it
 * rises. */
static bool recovers(expected *e) {
    double numbers[NUMBERS] = {0}, step = 0.05, worst = 0;
    set_numbers(e->setting, numbers);
    evaluate(e);
    for (int t = 0; t < 2000 && steepest(e) > 1e-8; t++) {
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
        worst = fmax(worst, fabs(numbers[i] - truth(e->setting->space, i)));
    return worst < 1e-5;
}

/* Loss by loss, space by space. */
START_TEST(numbers_are_recovered) {
    const int loss = _i % COUNT(losses);
    const space space = spaces[_i / COUNT(losses)];
    setting *s = new_setting(space);
    expected e = compile(s, losses[loss].loss(s));
    evaluate(&e);
    double gradient = 0;
    for (int i = 0; i < NUMBERS; i++)
        gradient = fmax(gradient, fabs(e.gradient[i]));
    ck_assert_msg((gradient < 1e-13) == is_right(loss, space), "gradient %g at the truth",
                  gradient);
    ck_assert(recovers(&e) == is_right(loss, space));
    erg_plan_free(e.plan);
    erg_graph_free(s->graph);
}
END_TEST

/* ------------------------------------------------------------------------------- known values */

/* Blocks of all sites are the likelihood: E + log Z in each state. Of one: pseudo-likelihood. */
START_TEST(blocks_lead_to_the_likelihood) {
    setting *s = new_setting(spaces[_i]);
    erg_node *whole = likelihood(s), *single = blocks_of(s, 1), *pseudo_loss = pseudo(s);
    for (int state = 0; state < count_of(s->space); state += 5) {
        set_state(s, state);
        double expected = true_energy(s->space, state) + true_log_z(s->space);
        ck_assert_double_eq_tol(number_of(whole), expected, 1e-13);
        ck_assert_double_eq_tol(number_of(single), number_of(pseudo_loss), 1e-13);
        ck_assert_double_gt(fabs(number_of(pairs(s)) - number_of(pseudo_loss)), 1e-3);
    }
    erg_graph_free(s->graph);
}
END_TEST

/* The conditional of each site from the table of all probabilities. Planted: a logistic loss for each
 * neighbour, which is another loss for more than two states. */
START_TEST(pseudo_likelihood_is_that_of_the_sites) {
    setting *s = new_setting(spaces[_i]);
    erg_node *loss = pseudo(s), *planted = over_neighbours(s, s->space.states - 1, erg_softplus);
    for (int state = 0; state < count_of(s->space); state++) {
        double expected = 0;
        for (int site = 0; site < s->space.sites; site++) {
            int unit = (int)pow(s->space.states, site), digit = state / unit % s->space.states;
            double sum = 0;
            for (int k = 0; k < s->space.states; k++)
                sum += s->p[state + (k - digit) * unit];
            expected -= log(s->p[state] / sum);
        }
        set_state(s, state);
        ck_assert_double_eq_tol(number_of(loss), expected, 1e-13);
        ck_assert((fabs(number_of(planted) - expected) < 1e-13) == (s->space.states == 2));
    }
    erg_graph_free(s->graph);
}
END_TEST

/* Neighbour by neighbour as the definition says. */
START_TEST(losses_are_sums_over_neighbours) {
    setting *s = new_setting(spaces[_i]);
    erg_node *library[] = {ratios(s), concrete(s), flow(s)};
    erg_node *by_hand[] = {ratios_by_hand(s), concrete_by_hand(s), flow_by_hand(s)};
    for (int state = 0; state < count_of(s->space); state += 4) {
        set_state(s, state);
        for (int k = 0; k < COUNT(library); k++)
            ck_assert_double_eq_tol(number_of(library[k]), number_of(by_hand[k]), 1e-12);
    }
    erg_graph_free(s->graph);
}
END_TEST

/* Concrete score matching is the mean squared error of the ratios, plus a constant: sum over x and its
 * neighbours y of p(x) (r - p(y) / p(x))^2, where the model's ratios r are 1. */
static double error_of_ones(const setting *s, bool squares_only) {
    double sum = 0;
    for (int x = 0; x < count_of(s->space); x++)
        for (int site = 0; site < s->space.sites; site++)
            for (int k = 0; k < s->space.states; k++) {
                int unit = (int)pow(s->space.states, site), digit = x / unit % s->space.states;
                double ratio = s->p[x + (k - digit) * unit] / s->p[x];
                if (k != digit)
                    sum += s->p[x] * (squares_only ? ratio * ratio : pow(1 - ratio, 2));
            }
    return sum;
}
START_TEST(concrete_score_is_the_error_of_the_ratios) {
    setting *s = new_setting(spaces[_i]);
    expected e = compile(s, concrete(s));
    const double constant = error_of_ones(s, true), numbers[NUMBERS] = {0};
    evaluate(&e);
    ck_assert_double_eq_tol(e.value, -constant, 1e-12 * constant);
    set_numbers(s, numbers); /* no couplings: ratios 1 */
    evaluate(&e);
    ck_assert_double_eq_tol(e.value, error_of_ones(s, false) - constant, 1e-12 * constant);
    erg_plan_free(e.plan);
    erg_graph_free(s->graph);
}
END_TEST

/* Sites of any shape, in batches: the sum over the sites, the mean over the batch. */
START_TEST(samples_have_any_shape) {
    const space space =
        _i == ERG_ONE_HOT ? (struct space){ERG_ONE_HOT, 4, 2} : (struct space){(erg_sites)_i, 4, 2};
    setting *s = new_setting(space);
    const int d = size_of(space);
    erg_shape grid = _i == ERG_ONE_HOT ? ERG_SHAPE(3, 2, 2, 2) : ERG_SHAPE(3, 2, 2);
    erg_node *x = input_of(s->graph, grid, NULL);
    for (int i = 0; i < 3 * d; i++)
        erg_tensor_set(erg_value(x), i, element(space, 7 * (i / d) % 16, i % d));
    erg_sites kind = space.kind;
    erg_node *batch[] = {
        erg_pseudo_likelihood(s->energy, x, kind), erg_ratio_matching(s->energy, x, kind),
        erg_concrete_score_matching(s->energy, x, kind),
        erg_discrete_probability_flow(s->energy, x, kind),
        erg_composite_likelihood(s->energy, x, (erg_composite_options){.sites = kind})};
    erg_node *one[] = {pseudo(s), ratios(s), concrete(s), flow(s), pairs(s)};
    double sum[COUNT(one)] = {0};
    for (int b = 0; b < 3; b++) {
        set_state(s, 7 * b % 16);
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
    setting *s = new_setting(spaces[0]);
    erg_graph *g = s->graph;
    const erg_energy none = {0}, bowl = {erg_harmonic_energy, &(double){1}};
    erg_node *x = s->x, *number = number_input(g, 1), *empty = input_of(g, ERG_SHAPE(2, 0), NULL);
    erg_node *alone = input_of(g, ERG_SHAPE(2, 4, 1), NULL);
    FAILS_NULL("pseudo_likelihood: no data", erg_pseudo_likelihood(s->energy, NULL, ERG_SPINS));
    FAILS_NULL("ratio_matching: no data", erg_ratio_matching(s->energy, NULL, ERG_BITS));
    REFUSES(g, "no function", erg_concrete_score_matching(none, x, ERG_SPINS));
    REFUSES(g, "pseudo_likelihood: unknown kind of sites 7",
            erg_pseudo_likelihood(s->energy, x, (erg_sites)7));
    REFUSES(g, "unknown kind of sites -1",
            erg_discrete_probability_flow(s->energy, x, (erg_sites)-1));
    REFUSES(g, "must be a float (B, sites...)", erg_ratio_matching(s->energy, number, ERG_BITS));
    REFUSES(g, "must be a float (B, sites...)", erg_pseudo_likelihood(bowl, empty, ERG_BITS));
    REFUSES(g, "data is float64 (2, 4, 1), must be a float (B, sites..., states), 2 states or more",
            erg_pseudo_likelihood(bowl, alone, ERG_ONE_HOT));
    REFUSES(g, "states), 2 states", erg_pseudo_likelihood(bowl, number, ERG_ONE_HOT));
    const int64_t bad[] = {-1, s->space.sites + 1, 1000};
    for (int i = 0; i < COUNT(bad); i++)
        REFUSES(g, "in 4 sites, at most 65536 settings", blocks_of(s, bad[i]));
    erg_node *wide = input_of(g, ERG_SHAPE(1, 17), NULL),
             *deep = input_of(g, ERG_SHAPE(1, 2, 257), NULL);
    REFUSES(g, "blocks of 17",
            erg_composite_likelihood(bowl, wide, (erg_composite_options){.block = 17}));
    REFUSES(g, "blocks of 2",
            erg_composite_likelihood(bowl, deep, (erg_composite_options){.sites = ERG_ONE_HOT}));
    REFUSES(g, "no function",
            erg_composite_likelihood(none, x, (erg_composite_options){.sites = ERG_SPINS}));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("discrete losses");
    TCase *models = tcase_create("models");
    tcase_set_timeout(models, 60);
    tcase_add_loop_test(models, numbers_are_recovered, 0, COUNT(spaces) * COUNT(losses));
    suite_add_tcase(suite, models);
    TCase *known = tcase_create("known values");
    tcase_add_loop_test(known, blocks_lead_to_the_likelihood, 0, COUNT(spaces));
    tcase_add_loop_test(known, pseudo_likelihood_is_that_of_the_sites, 0, COUNT(spaces));
    tcase_add_loop_test(known, losses_are_sums_over_neighbours, 0, COUNT(spaces));
    tcase_add_loop_test(known, concrete_score_is_the_error_of_the_ratios, 0, COUNT(spaces));
    tcase_add_loop_test(known, samples_have_any_shape, ERG_BITS, ERG_ONE_HOT + 1);
    suite_add_tcase(suite, known);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, discrete_losses_refuse_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

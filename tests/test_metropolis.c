/* test_metropolis.c: random walk, proposals of one's own, MALA and HMC against their exact laws,
 * each with mistakes that must show. */
#include "mcmc.h"

/* ------------------------------------------------------------------------------- the exact law */

/* Chains that start at rest on N(0, 1) stay at rest, chain by chain independent: the states after
 * some transitions are N(0, 1) by Kolmogorov, the mean acceptance is the known one by z, as are
 * the means of E, 1/2, and of |x|, sqrt(2 / pi). */
typedef struct law {
    double ks, z_acceptance, z_energy, z_gradient;
} law;

typedef erg_transition maker(erg_energy energy, erg_node *x, erg_metropolis_options options);

static law measure(erg_graph *g, erg_node *x, erg_transition transition, double acceptance) {
    const int64_t chains = erg_node_shape(x).dims[0], transitions = 20;
    fill_normal(x, 77);
    counted c = count_chain(x, transition);
    ck_assert_int_eq(erg_chain_run(c.chain, transitions), ERG_OK);
    double *numbers = calloc((size_t)chains, sizeof *numbers);
    law found = {0};
    for (int64_t b = 0; b < chains; b++)
        numbers[b] = erg_tensor_get(erg_value(c.statistics->acceptance), b) / (double)transitions;
    found.z_acceptance = z_of(numbers, chains, acceptance);
    for (int64_t b = 0; b < chains; b++)
        numbers[b] = erg_tensor_get(erg_value(c.statistics->energy), b) / (double)transitions;
    found.z_energy = z_of(numbers, chains, 0.5);
    for (int64_t b = 0; b < chains; b++)
        numbers[b] =
            erg_tensor_get(erg_value(c.statistics->gradient_norm), b) / (double)transitions;
    found.z_gradient = transition.gradient_norm ? z_of(numbers, chains, sqrt(M_2_PI)) : 0;
    for (int64_t b = 0; b < chains; b++)
        numbers[b] = erg_tensor_get(erg_value(x), b);
    found.ks = kolmogorov(numbers, chains, normal_cdf);
    ck_assert_double_eq(summary_of(c).transitions, (double)(chains * transitions));
    free(numbers);
    erg_chain_free(c.chain);
    erg_graph_free(g);
    return found;
}

static bool is_at_rest(law found) {
    return found.ks < CRITICAL_KS && fabs(found.z_energy) < CRITICAL_Z &&
           fabs(found.z_gradient) < CRITICAL_Z;
}

static bool is_exact(law found) {
    return is_at_rest(found) && fabs(found.z_acceptance) < CRITICAL_Z;
}

static law measure_maker(maker *make, double scale, erg_metropolis_options options,
                         double acceptance) {
    erg_graph *g = erg_graph_new(31);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(draws(20000, 2000), 1));
    static double stiffness;
    stiffness = scale;
    return measure(g, x, make((erg_energy){erg_harmonic_energy, &stiffness}, x, options),
                   acceptance);
}

/* HMC on N(0, 1): acceptance (2 / pi) atan(sqrt(2 / mu)), mu = sin^2(L theta) (chi - 1 / chi)^2 /
 * 2, cos theta = 1 - step^2 / 2, chi^2 = 1 - step^2 / 4. MALA is L = 1, step^2 = 2 h. */
static double hmc_acceptance(double step, int steps) {
    double theta = acos(1 - step * step / 2), chi = sqrt(1 - step * step / 4);
    double mu = 0.5 * pow(sin(steps * theta), 2) * pow(chi - 1 / chi, 2);
    return M_2_PI * atan(sqrt(2 / mu));
}

static const struct {
    maker *make;
    double step;
    int steps;
} exact[] = {
    {erg_random_walk, 1, 0}, {erg_random_walk, 2.4, 0}, {erg_random_walk, 0.3, 0},
    {erg_mala, 0.5, 1},      {erg_mala, 1.2, 1},        {erg_hmc, 0.5, 10},
    {erg_hmc, 1.2, 3},       {erg_hmc, 1.7, 1},
};

static double known_acceptance(int i) {
    double step = exact[i].step;
    if (exact[i].make == erg_random_walk)
        return M_2_PI * atan(2 / step);
    return hmc_acceptance(exact[i].make == erg_mala ? sqrt(2 * step) : step, exact[i].steps);
}

START_TEST(acceptance_is_exact) {
    erg_metropolis_options o = {.step_size = exact[_i].step, .steps = exact[_i].steps};
    double acceptance = known_acceptance(_i);
    ck_assert(is_exact(measure_maker(exact[_i].make, 1, o, acceptance)));
    /* Planted: another step, another width. */
    ck_assert(!is_exact(measure_maker(exact[_i].make, 1.2, o, acceptance)));
    o.step_size *= 1.1;
    ck_assert(!is_exact(measure_maker(exact[_i].make, 1, o, acceptance)));
}
END_TEST

START_TEST(published_figures) {
    ck_assert_double_eq_tol(M_2_PI * atan(2.0), .70483276, 1e-8);
    ck_assert_double_eq_tol(M_2_PI * atan(2 / 2.4), .44228412, 1e-8);
    ck_assert_double_eq_tol(hmc_acceptance(.5, 10), .98064371, 1e-8);
}
END_TEST

/* ------------------------------------------------------------------------------- mistakes */

/* Langevin's proposal, right or with one mistake of those that are made. */
typedef enum mistake { RIGHT, NO_DECISION, WRONG_ROOT, WRONG_SIGN, NO_RATIO, OLD_NOISE } mistake;

typedef struct langevin {
    double step;
    mistake mistake;
    erg_node *kept; /* the noise of OLD_NOISE */
} langevin;

static erg_node *propose(void *self, erg_node *x, erg_node **log_ratio) {
    const langevin *l = self;
    double h = l->step, noise = l->mistake == WRONG_ROOT ? sqrt(h) : sqrt(2 * h);
    double sign = l->mistake == WRONG_SIGN ? -1 : 1;
    erg_node *xi = l->mistake == OLD_NOISE
                       ? l->kept
                       : erg_normal(erg_node_graph(x), ERG_FLOAT64, erg_node_shape(x));
    erg_node *y = erg_add(erg_mul_scalar(x, 1 - sign * h), erg_mul_scalar(xi, noise));
    /* On N(0, 1) the whole log ratio is h / 4 (x^2 - y^2), of which E(x) - E(y) is one part. */
    erg_node *x2 = erg_select(erg_square(x), 1, 0), *y2 = erg_select(erg_square(y), 1, 0);
    double factor = l->mistake == NO_DECISION ? -0.5 : h / 4 - 0.5;
    if (l->mistake != NO_RATIO)
        *log_ratio = erg_mul_scalar(erg_sub(x2, y2), factor);
    return y;
}

static law measure_mistake(mistake made, double step) {
    erg_graph *g = erg_graph_new(32);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(draws(20000, 2000), 1));
    langevin l = {step, made, erg_input(g, "kept", ERG_FLOAT64, erg_node_shape(x))};
    fill_normal(l.kept, 78);
    erg_transition t = erg_metropolis_hastings(standard_normal(), x, (erg_proposal){propose, &l});
    return measure(g, x, t, hmc_acceptance(sqrt(2 * step), 1));
}

START_TEST(proposals_are_corrected) {
    ck_assert(is_exact(measure_mistake(RIGHT, 0.7)));
    for (mistake made = NO_DECISION; made <= OLD_NOISE; made++)
        ck_assert_msg(!is_at_rest(measure_mistake(made, 0.7)), "mistake %d does not show", made);
}
END_TEST

/* A proposal that multiplies: y = x exp(xi / 2) on x ~ Exp(1) has q(x | y) / q(y | x) = y / x. */
static erg_node *exponential(void *self, erg_node *x) {
    (void)self;
    return erg_select(x, 1, 0);
}

static erg_node *multiply(void *self, erg_node *x, erg_node **log_ratio) {
    erg_node *xi = erg_normal(erg_node_graph(x), ERG_FLOAT64, erg_node_shape(x));
    erg_node *log_factor = erg_mul_scalar(xi, 0.5);
    if (*(bool *)self)
        *log_ratio = erg_select(log_factor, 1, 0);
    return erg_mul(x, erg_exp(log_factor));
}

static double exponential_cdf(double x) {
    return -expm1(-x);
}

static double measure_exponential(bool corrected) {
    const int64_t chains = draws(20000, 2000);
    erg_graph *g = erg_graph_new(33);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(chains, 1));
    fill_normal(x, 79);
    double *numbers = calloc((size_t)chains, sizeof *numbers);
    for (int64_t b = 0; b < chains; b++)
        erg_tensor_set(erg_value(x), b, -log(normal_cdf(erg_tensor_get(erg_value(x), b))));
    counted c = count_chain(x, erg_metropolis_hastings((erg_energy){exponential, NULL}, x,
                                                       (erg_proposal){multiply, &corrected}));
    erg_chain_run(c.chain, 20);
    for (int64_t b = 0; b < chains; b++)
        numbers[b] = erg_tensor_get(erg_value(x), b);
    double ks = kolmogorov(numbers, chains, exponential_cdf);
    free(numbers);
    erg_chain_free(c.chain);
    erg_graph_free(g);
    return ks;
}

START_TEST(asymmetric_proposals) {
    ck_assert_double_lt(measure_exponential(true), CRITICAL_KS);
    ck_assert_double_gt(measure_exponential(false), CRITICAL_KS);
}
END_TEST

/* ------------------------------------------------------------------------------- leapfrog */

/* On N(0, 1) a leapfrog step keeps (1 - step^2 / 4) x^2 + r^2, and run back with -step it returns.
 * The internals are reached as the library's own files do. */
#include "../samplers/metropolis.h"

START_TEST(leapfrog_is_exact) {
    const double step = 0.7;
    const double at[] = {1, -2, 0.3, 4}, momentum[] = {0.5, 1, -3, 0};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(4, 1), at), *r = input_of(g, ERG_SHAPE(4, 1), momentum);
    erg_phase p = erg_phase_at(standard_normal(), NULL, x, r);
    erg_node *h = erg_scalar(g, ERG_FLOAT64, step), *back = erg_scalar(g, ERG_FLOAT64, -step);
    for (int i = 0; i < 50; i++)
        p = erg_leapfrog(standard_normal(), NULL, p, h);
    double *far =
        elements_of(erg_add(erg_mul_scalar(erg_square(p.x), 1 - step * step / 4), erg_square(p.r)));
    double *x_far = elements_of(p.x);
    for (int i = 0; i < 50; i++)
        p = erg_leapfrog(standard_normal(), NULL, p, back);
    double *x_back = elements_of(p.x), *r_back = elements_of(p.r), moved = 0;
    for (int i = 0; i < 4; i++) {
        double kept = (1 - step * step / 4) * at[i] * at[i] + momentum[i] * momentum[i];
        ck_assert_double_eq_tol(far[i], kept, 1e-12 * kept);
        ck_assert_double_eq_tol(x_back[i], at[i], 1e-12);
        ck_assert_double_eq_tol(r_back[i], momentum[i], 1e-12);
        moved = fmax(moved, fabs(x_far[i] - at[i]));
    }
    ck_assert_double_gt(moved, 0.1);
    free(far);
    free(x_far);
    free(x_back);
    free(r_back);
    erg_graph_free(g);
}
END_TEST

/* E exp(-dH) = 1 over x, r at rest, with any step: here from the library's own H. */
START_TEST(exponential_of_the_energy_error) {
    const int64_t chains = 20000;
    erg_graph *g = erg_graph_new(34);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(chains, 1));
    erg_node *r = erg_input(g, "r", ERG_FLOAT64, ERG_SHAPE(chains, 1));
    fill_normal(x, 80);
    fill_normal(r, 81);
    erg_phase p = erg_phase_at(standard_normal(), NULL, x, r), q = p;
    erg_node *step = erg_scalar(g, ERG_FLOAT64, 0.9);
    for (int i = 0; i < 3; i++)
        q = erg_leapfrog(standard_normal(), NULL, q, step);
    erg_node *error = erg_sub(erg_phase_hamiltonian(q), erg_phase_hamiltonian(p));
    double *ratio = elements_of(erg_exp(erg_neg(error)));
    ck_assert_double_lt(fabs(z_of(ratio, chains, 1)), CRITICAL_Z);
    double *wrong = elements_of(erg_exp(error)); /* planted: the sign */
    ck_assert_double_gt(fabs(z_of(wrong, chains, 1)), CRITICAL_Z);
    free(ratio);
    free(wrong);
    erg_graph_free(g);
}
END_TEST

/* Without a force a leapfrog step goes step (1 + jitter u) r with u uniform in [-1, 1): a square of mean
 * step^2 (1 + jitter^2 / 3), and one u for all elements of a chain. Planted: no jitter. */
static erg_node *no_force(void *self, erg_node *x) {
    (void)self;
    return erg_mul_scalar(erg_sum(x, ERG_AXES(1), 0), 0);
}

START_TEST(jitter_has_its_law) {
    const int64_t chains = draws(20000, 4000);
    const double step = 0.5, jitter = 0.9;
    erg_graph *g = erg_graph_new(36);
    erg_node *x = input_of(g, ERG_SHAPE(chains, 2), NULL);
    erg_metropolis_options o = {.step_size = step, .steps = 1, .jitter = jitter};
    double *moved = elements_of(erg_hmc((erg_energy){no_force, NULL}, x, o).next);
    double *first = calloc((size_t)chains, sizeof *first),
           *both = calloc((size_t)chains, sizeof *both);
    for (int64_t b = 0; b < chains; b++) {
        double y = moved[2 * b] * moved[2 * b], z = moved[2 * b + 1] * moved[2 * b + 1];
        first[b] = y / (step * step);
        both[b] = y * z / pow(step, 4);
    }
    /* E (1 + jitter u)^4 = 1 + 2 jitter^2 + jitter^4 / 5 if the two elements have one u. */
    const double square = 1 + jitter * jitter / 3,
                 shared = 1 + 2 * pow(jitter, 2) + pow(jitter, 4) / 5;
    ck_assert_double_lt(fabs(z_of(first, chains, square)), CRITICAL_Z);
    ck_assert_double_lt(fabs(z_of(both, chains, shared)), CRITICAL_Z);
    ck_assert_double_gt(fabs(z_of(first, chains, 1)), CRITICAL_Z);
    ck_assert_double_gt(fabs(z_of(both, chains, square * square)), CRITICAL_Z);
    free(moved);
    free(first);
    free(both);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- the metric */

static const double covariance[] = {4, 1.9, 1.9, 1};

/* With the metric of the target itself a transition on a correlated Gaussian is the one on N(0, I),
 * of which the chains see the same random numbers: x = L z throughout. */
START_TEST(metric_whitens) {
    maker *const makers[] = {erg_random_walk, erg_mala, erg_hmc};
    const double l[] = {2, 0, 0.95, 0.3122498999199199};
    double *states[2];
    for (int whitened = 0; whitened < 2; whitened++) {
        erg_graph *g = erg_graph_new(35);
        erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(5, 2));
        erg_metric *metric = erg_metric_new(g, "metric", ERG_FLOAT64, ERG_SHAPE(2), ERG_MASS_DENSE);
        erg_tensor *c = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(2, 2), covariance);
        ck_assert_int_eq(erg_metric_set(metric, c), ERG_OK);
        for (int i = 0; i < 4; i++)
            ck_assert_double_eq_tol(erg_tensor_get(erg_value(metric->root), i), l[i], 1e-15);
        erg_gaussian *target = erg_gaussian_new(g, ERG_FLOAT64, 2, NULL, covariance, NULL);
        erg_metropolis_options o = {.step_size = 0.4, .steps = 5};
        erg_energy energy = standard_normal();
        if (!whitened) {
            o.metric = metric;
            energy = (erg_energy){erg_gaussian_energy, target};
        }
        erg_transition t = makers[_i](energy, x, o);
        erg_chain *chain = erg_chain_of(x, t, NULL);
        ck_assert_int_eq(erg_chain_run(chain, 30), ERG_OK);
        states[whitened] = calloc(10, sizeof(double));
        for (int i = 0; i < 10; i++)
            states[whitened][i] = erg_tensor_get(erg_value(x), i);
        erg_tensor_free(c);
        erg_chain_free(chain);
        erg_graph_free(g);
    }
    for (int b = 0; b < 5; b++) {
        const double *x = states[0] + (ptrdiff_t)2 * b, *z = states[1] + (ptrdiff_t)2 * b;
        ck_assert_double_ne(z[0], 0);
        ck_assert_double_eq_tol(x[0], l[0] * z[0], 1e-10);
        ck_assert_double_eq_tol(x[1], l[2] * z[0] + l[3] * z[1], 1e-10);
    }
    free(states[0]);
    free(states[1]);
}
END_TEST

START_TEST(metric_of_widths) {
    erg_graph *g = erg_graph_new(0);
    erg_metric *metric =
        erg_metric_new(g, "widths", ERG_FLOAT32, ERG_SHAPE(2, 1), ERG_MASS_DIAGONAL);
    erg_tensor *c = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(2), (double[]){9, 0.25});
    ck_assert_int_eq(erg_metric_set(metric, c), ERG_OK);
    ck_assert_double_eq(erg_tensor_get(erg_value(erg_find(g, "widths/root")), 0), 3);
    ck_assert_double_eq(erg_tensor_get(erg_value(metric->root), 1), 0.5);
    erg_tensor_set(c, 1, 0);
    FAILS("not positive definite", erg_metric_set(metric, c));
    ck_assert_double_eq(erg_tensor_get(erg_value(metric->root), 1), 0.5);
    erg_tensor_free(c);
    FAILS("no metric", erg_metric_set(NULL, NULL));
    erg_metric *dense = erg_metric_new(g, "dense", ERG_FLOAT64, ERG_SHAPE(2), ERG_MASS_DENSE);
    c = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(2, 2), (double[]){1, 0, 2, 1});
    FAILS("not positive definite", erg_metric_set(dense, c));
    FAILS("covariance is float64 (2, 2)", erg_metric_set(metric, c));
    erg_tensor_free(c);
    REFUSES(g, "unknown mass", erg_metric_new(g, "m", ERG_FLOAT64, ERG_SHAPE(2), (erg_mass)7));
    REFUSES(g, "unknown mass", erg_metric_new(g, "m", ERG_INT32, ERG_SHAPE(2), ERG_MASS_DENSE));
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- bad energies */

/* N(0, 1) on one side; NaN, an infinity or minus infinity beyond x = 1. */
static erg_node *cliff(void *self, erg_node *x) {
    erg_node *inside = erg_less_equal(x, erg_full_like(x, 1));
    erg_node *beyond = erg_full_like(x, *(const double *)self);
    return erg_select(erg_where(inside, erg_mul_scalar(erg_square(x), 0.5), beyond), 1, 0);
}

static const struct {
    maker *make;
    double beyond;
} cliffs[] = {
    {erg_random_walk, NAN},       {erg_random_walk, INFINITY},
    {erg_random_walk, -INFINITY}, {erg_mala, NAN},
    {erg_mala, INFINITY},         {erg_hmc, NAN},
    {erg_hmc, -INFINITY},         {erg_nuts, NAN},
    {erg_nuts, -INFINITY},
};

START_TEST(bad_energies_are_rejected_and_counted) {
    const int64_t chains = 400;
    erg_graph *g = erg_graph_new(36);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(chains, 1));
    double beyond = cliffs[_i].beyond;
    erg_tensor_set(erg_value(x), 0, 2); /* one chain starts where it must not be */
    counted c =
        count_chain(x, cliffs[_i].make((erg_energy){cliff, &beyond}, x,
                                       (erg_metropolis_options){.step_size = 0.8, .steps = 3}));
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(erg_chain_run(c.chain, 1), ERG_OK);
        for (int64_t b = 1; b < chains; b++)
            ck_assert_double_le(erg_tensor_get(erg_value(x), b), 1);
    }
    erg_statistics_summary one;
    double sum = 0;
    for (int64_t b = 0; b < chains; b++) {
        ck_assert_int_eq(erg_statistics_get(c.statistics, b, &one), ERG_OK);
        ck_assert_double_eq(one.transitions, 50);
        sum += one.not_finite;
    }
    ck_assert_double_gt(sum, (double)chains);
    ck_assert_double_eq(summary_of(c).not_finite, sum);
    erg_chain_free(c.chain);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- derivatives */

/* L leapfrog steps on N(0, 1) turn x into cos(L theta) x + ...: the derivative where y is accepted,
 * of sum(next) by x; elsewhere it is 1. The decision has none. */
START_TEST(derivatives_pass_through_proposals) {
    const double step = 1.6, cosine = cos(3 * acos(1 - step * step / 2));
    const int64_t chains = 200;
    erg_graph *g = erg_graph_new(38);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(chains, 1));
    fill_normal(x, 82);
    erg_transition t =
        erg_hmc(standard_normal(), x, (erg_metropolis_options){.step_size = step, .steps = 3});
    erg_plan *plan = erg_compile((erg_node *[]){t.next, erg_gradient(t.next, x)}, 2);
    erg_run(plan);
    int accepted = 0;
    for (int64_t b = 0; b < chains; b++) {
        bool moved = erg_tensor_get(erg_output(plan, 0), b) != erg_tensor_get(erg_value(x), b);
        ck_assert_double_eq_tol(erg_tensor_get(erg_output(plan, 1), b), moved ? cosine : 1, 1e-13);
        accepted += moved;
    }
    ck_assert_int_gt(accepted, 20);
    ck_assert_int_lt(accepted, 180);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

static maker *const makers[] = {erg_random_walk, erg_mala, erg_hmc, erg_nuts};

static erg_node *wrong_shape(void *self, erg_node *x, erg_node **log_ratio) {
    (void)self;
    (void)log_ratio;
    return erg_select(x, 1, 0);
}

START_TEST(misuse_is_refused) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL), *column = input_of(g, ERG_SHAPE(3, 1), NULL);
    const erg_metropolis_options bad[] = {{.step_size = -1}, {.step_size = NAN}, {.steps = -1},
                                          {.jitter = 1},     {.jitter = -0.1},   {.jitter = NAN},
                                          {.max_depth = 21}, {.max_depth = -1},  {.max_error = -1}};
    erg_metric *metric = erg_metric_new(g, "m", ERG_FLOAT64, ERG_SHAPE(3), ERG_MASS_DIAGONAL);
    erg_energy energy = standard_normal();
    for (int k = 0; k < COUNT(makers); k++) {
        for (int i = 0; i < COUNT(bad); i++)
            REFUSES(g, ": step", makers[k](energy, x, bad[i]).next);
        REFUSES(g, "shape ()",
                makers[k](energy, x, (erg_metropolis_options){.step_size_node = column}).next);
        REFUSES(g, "its metric is for samples (3)",
                makers[k](energy, x, (erg_metropolis_options){.metric = metric}).next);
        REFUSES(g, "no function", makers[k]((erg_energy){0}, x, (erg_metropolis_options){0}).next);
        ck_assert_ptr_null(erg_find(g, "nuts/left_x"));
        ck_assert_ptr_null(makers[k](energy, NULL, (erg_metropolis_options){0}).next);
    }
    /* A name that is refused opens no scope, so none is closed. */
    erg_scope_push(g, "outer");
    REFUSES(g, "a/b", erg_nuts(energy, x, (erg_metropolis_options){.name = "a/b"}).next);
    REFUSES(g, "a/b", erg_metric_new(g, "a/b", ERG_FLOAT64, ERG_SHAPE(2), ERG_MASS_DENSE));
    REFUSES(g, "a/b", erg_statistics_new(g, "a/b", 3));
    erg_scope_pop(g);
    ck_assert_ptr_null(erg_graph_error(g));
    REFUSES(g, "no function", erg_metropolis_hastings(energy, x, (erg_proposal){0}).next);
    REFUSES(g, "its proposal (3)",
            erg_metropolis_hastings(energy, x, (erg_proposal){wrong_shape, NULL}).next);
    REFUSES(g, "must be a leaf", erg_nuts(energy, erg_neg(x), (erg_metropolis_options){0}).next);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("metropolis");
    TCase *laws = tcase_create("laws"), *rest = tcase_create("rest");
    tcase_add_loop_test(laws, acceptance_is_exact, 0, COUNT(exact));
    tcase_add_test(laws, published_figures);
    tcase_add_test(laws, proposals_are_corrected);
    tcase_add_test(laws, asymmetric_proposals);
    tcase_add_test(laws, leapfrog_is_exact);
    tcase_add_test(laws, jitter_has_its_law);
    tcase_add_test(laws, exponential_of_the_energy_error);
    tcase_add_loop_test(rest, metric_whitens, 0, 3);
    tcase_add_test(rest, metric_of_widths);
    tcase_add_loop_test(rest, bad_energies_are_rejected_and_counted, 0, COUNT(cliffs));
    tcase_add_test(rest, derivatives_pass_through_proposals);
    tcase_add_test(rest, misuse_is_refused);
    suite_add_tcase(suite, laws);
    suite_add_tcase(suite, rest);
    return run_suite(suite);
}

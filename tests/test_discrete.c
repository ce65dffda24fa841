/* test_discrete.c: samplers of discrete states. Each kernel's transition matrix is enumerated from
 * the probabilities that the library draws from, and must leave p alone; its draws must have the
 * frequencies of that matrix. What chains do in the long run is for test_discrete_chains.c. */
#include "discrete_kernels.h"
#include "enumerate.h"

/* ------------------------------------------------------------------------------- energies
 *
 * With bonds, fields and a bend, (1 or 0) tanh(2 u.x): without the bend they are affine in each site,
 * for bonds between different sites. */

typedef struct model {
    erg_node *bonds, *field, *bend; /* (W, W), (W), (W) */
    bool bent;
} model;

static erg_node *model_energy(void *self, erg_node *x) {
    const model *m = self;
    erg_node *flat = erg_flatten(x, 1);
    erg_node *pairs = erg_sum(erg_mul(erg_matmul(flat, m->bonds), flat), ERG_AXES(1), 0);
    erg_node *e = erg_add(pairs, erg_matmul(flat, m->field));
    erg_node *bend = erg_tanh(erg_mul_scalar(erg_matmul(flat, m->bend), 2));
    return m->bent ? erg_add(e, bend) : e;
}

static erg_node *numbers(erg_graph *graph, erg_dtype dtype, erg_shape shape, double seed) {
    erg_node *leaf = erg_input(graph, NULL, dtype, shape);
    for (int64_t i = 0; i < erg_shape_size(shape); i++)
        erg_tensor_set(erg_value(leaf), i, sin(seed + 1.7 * (double)i + 0.1 * (double)(i * i)));
    return leaf;
}

static model new_model(erg_graph *graph, erg_dtype dtype, space s, bool bent) {
    int w = width(s), inner = s.kind == ERG_ONE_HOT ? s.states : 1;
    model m = {numbers(graph, dtype, ERG_SHAPE(w, w), 1), numbers(graph, dtype, ERG_SHAPE(w), 2),
               numbers(graph, dtype, ERG_SHAPE(w), 3), bent};
    for (int i = 0; i < w; i++)
        for (int j = 0; j < w; j++)
            if (i / inner == j / inner)
                erg_tensor_set(erg_value(m.bonds), i * w + j, 0);
    return m;
}

/* ------------------------------------------------------------------------------- matrices
 *
 * Each function gives the matrix of a kernel, or with a mistake planted, from 1: see the table. */

typedef struct setting {
    space s;
    erg_energy energy;
    erg_graph *graph;
    erg_node *x; /* all states */
} setting;

/* softmax of a row of n logits */
static void shares(const double *logits, int n, double *p) {
    double top = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++)
        top = fmax(top, logits[j]);
    for (int j = 0; j < n; j++)
        sum += p[j] = exp(logits[j] - top);
    for (int j = 0; j < n; j++)
        p[j] /= sum;
}

/* mistake 1: the states of a site are turned the other way round; 2: the sign of E. */
static void gibbs_site(setting t, int site, int mistake, matrix p) {
    erg_node *number = erg_full(t.graph, ERG_INT32, ERG_SCALAR, site);
    erg_node *mask = erg_sites_mask(t.s.kind, t.x, number), *e = erg_energy_apply(t.energy, t.x);
    erg_node *logits = erg_gibbs_logits(erg_gibbs_energies(t.energy, t.s.kind, t.x, e, mask));
    double *rows = elements_of(mistake == 2 ? erg_neg(logits) : logits), share[MOST_STATES];
    memset(p, 0, sizeof(matrix));
    for (int i = 0; i < t.s.size; i++) {
        shares(rows + (size_t)i * (size_t)t.s.states, t.s.states, share);
        for (int j = 0; j < t.s.states; j++) {
            int turn = mistake == 1 ? t.s.states - j : j;
            int value = (digit(t.s, i, site) + turn) % t.s.states;
            p[i][with_digit(t.s, i, site, value)] += share[j];
        }
    }
    free(rows);
}

static void gibbs_raster(setting t, int mistake, matrix p) {
    matrix q;
    gibbs_site(t, 0, mistake, p);
    for (int site = 1; site < t.s.sites; site++) {
        gibbs_site(t, site, mistake, q);
        multiply(t.s.size, p, q, p);
    }
}

static void gibbs_random(setting t, int mistake, matrix p) {
    matrix q;
    memset(p, 0, sizeof(matrix));
    for (int site = 0; site < t.s.sites; site++) {
        gibbs_site(t, site, mistake, q);
        for (int i = 0; i < t.s.size; i++)
            for (int j = 0; j < t.s.size; j++)
                p[i][j] += q[i][j] / t.s.sites;
    }
}

/* The log ratio that a mistake makes of the right one. 1: no correction; 2: for energies alone, not for
 * the probability of the way back; 3: for the way back, but upside down. */
static erg_node *mistaken(int mistake, erg_node *ratio, erg_node *energies) {
    return mistake == 1   ? erg_full_like(ratio, 0)
           : mistake == 2 ? energies
           : mistake == 3 ? erg_sub(erg_mul_scalar(energies, 2), ratio)
                          : ratio;
}

/* Adds moves to the matrix: the plan's outputs are where each state goes, the log of the probability
 * that this is proposed, and the log ratio of going. */
static void add_moves(setting t, erg_plan *plan, matrix p) {
    erg_run(plan);
    for (int i = 0; i < t.s.size; i++) {
        double q = exp(erg_tensor_get(erg_output(plan, 1), i));
        double ratio = erg_tensor_get(erg_output(plan, 2), i);
        if (q > 0)
            p[i][get_state(t.s, erg_output(plan, 0), i)] += q * fmin(1, exp(ratio));
    }
}

static void single_site(setting t, bool informed, int mistake, matrix p) {
    erg_site_view from = erg_site_view_of(t.energy, t.s.kind, informed, t.x);
    erg_node *change = input_of(t.graph, shape_of(t.s, t.s.size), NULL);
    erg_node *next = erg_site_change(t.s.kind, t.x, change);
    erg_site_view to = erg_site_view_of(t.energy, t.s.kind, informed, next);
    erg_node *ratio = erg_site_log_ratio(t.s.kind, from, to, change);
    ratio = mistaken(mistake, ratio, erg_sub(from.energy, to.energy));
    erg_node *some = t.s.kind == ERG_ONE_HOT ? erg_logical_not(t.x) : erg_full_like(t.x, 1);
    erg_node *even = erg_mul_scalar(some, 1.0 / (t.s.sites * (t.s.states - 1)));
    erg_node *q = informed ? erg_softmax(from.logits, 1) : erg_flatten(even, 1);
    erg_node *log_q = erg_log(erg_sum(erg_mul(q, erg_flatten(change, 1)), ERG_AXES(1), 0));
    erg_plan *plan = erg_compile((erg_node *[]){next, log_q, ratio}, 3);
    memset(p, 0, sizeof(matrix));
    for (int c = 0; c < width(t.s); c++) {
        for (int i = 0; i < t.s.size * width(t.s); i++)
            erg_tensor_set(erg_value(change), i, i % width(t.s) == c);
        add_moves(t, plan, p);
    }
    erg_plan_free(plan);
    fill_diagonal(t.s.size, p);
}

static void metropolis(setting t, int mistake, matrix p) {
    single_site(t, false, mistake, p);
}

static void with_gradients(setting t, int mistake, matrix p) {
    single_site(t, true, mistake, p);
}

static void discrete_langevin(setting t, int mistake, matrix p) {
    erg_node *step = erg_scalar(t.graph, ERG_FLOAT64, STEP);
    erg_node *to = input_of(t.graph, shape_of(t.s, t.s.size), NULL);
    erg_site_view here = erg_discrete_langevin_view(t.energy, t.s.kind, t.x, step);
    erg_site_view there = erg_discrete_langevin_view(t.energy, t.s.kind, to, step);
    erg_node *log_q = erg_sites_log_prob(t.s.kind, here.logits, t.x, to);
    erg_node *ratio = erg_discrete_langevin_log_ratio(t.s.kind, here, there);
    ratio = mistaken(mistake, ratio, erg_sub(here.energy, there.energy));
    erg_plan *plan = erg_compile((erg_node *[]){to, log_q, ratio}, 3);
    memset(p, 0, sizeof(matrix));
    for (int y = 0; y < t.s.size; y++) {
        for (int i = 0; i < t.s.size; i++)
            put_state(t.s, erg_value(to), i, y);
        add_moves(t, plan, p);
    }
    erg_plan_free(plan);
    double total = 0;
    for (int y = 0; y < t.s.size; y++)
        total += p[0][y];
    if (mistake == 1)
        ck_assert_double_eq_tol(total, 1, 1e-12);
    fill_diagonal(t.s.size, p);
}

/* Two blocks, of even and of odd sites, on a chain whose bonds are between neighbours alone. */
static bool in_block(int site, int block) {
    return site % 2 == block;
}

/* mistake 1: half of the log odds. */
static void block_gibbs(setting t, int mistake, matrix p) {
    erg_node *gradient = erg_gradient(erg_energy_apply(t.energy, t.x), t.x);
    erg_node *logits = erg_sites_gain(t.s.kind, t.x, gradient);
    bool hot = t.s.kind == ERG_ONE_HOT;
    double *numbers = elements_of(erg_mul_scalar(logits, mistake ? 0.5 : 1));
    for (int block = 0; block < 2; block++) {
        matrix q = {{0}};
        for (int i = 0; i < t.s.size; i++)
            for (int j = 0; j < t.s.size; j++) {
                double share[MOST_STATES];
                q[i][j] = 1;
                for (int site = 0; site < t.s.sites; site++) {
                    int from = digit(t.s, i, site), to = digit(t.s, j, site);
                    const double *at = numbers + i * width(t.s) + (hot ? site * t.s.states : site);
                    if (!in_block(site, block))
                        q[i][j] *= from == to;
                    else if (hot)
                        shares(at, t.s.states, share), q[i][j] *= share[to];
                    else
                        q[i][j] *= 1 / (1 + exp(from == to ? *at : -*at));
                }
            }
        if (block == 0)
            memcpy(p, q, sizeof(matrix));
        else
            multiply(t.s.size, p, q, p);
    }
    free(numbers);
}

/* ------------------------------------------------------------------------------- enumeration */

static const struct {
    const char *name;
    discrete_kernel step;
    void (*enumerate)(setting t, int mistake, matrix p);
    bool reversible, affine; /* affine: for energies affine in each site */
    bool accepted_moves;     /* what is accepted is always another state */
    int mistakes;            /* numbers of planted mistakes that must show */
    int is;                  /* the planted mistake that this kernel is; 0: none */
} kernels[] = {
    {"raster Gibbs", raster_step, gibbs_raster, false, false, false, 2, 0},
    {"random Gibbs", random_step, gibbs_random, true, false, true, 2, 0},
    {"Metropolis", metropolis_step, metropolis, true, false, true, 1, 0},
    {"Gibbs with gradients", gradients_step, with_gradients, true, false, true, 3, 0},
    {"corrected Langevin", langevin_step, discrete_langevin, true, false, false, 3, 0},
    {"uncorrected Langevin", uncorrected_step, discrete_langevin, true, false, false, 0, 1},
    {"block Gibbs", block_step, block_gibbs, false, true, false, 1, 0},
};

static const struct {
    erg_sites kind;
    int sites, states;
} spaces[] = {{ERG_BITS, 4, 2},    {ERG_SPINS, 4, 2},   {ERG_BITS, 1, 2},
              {ERG_ONE_HOT, 3, 3}, {ERG_ONE_HOT, 2, 4}, {ERG_ONE_HOT, 3, 2}};

/* Bonds between neighbours alone, so that every second site is a block. */
static void cut_bonds(model m, space s) {
    int w = width(s), inner = s.kind == ERG_ONE_HOT ? s.states : 1;
    for (int i = 0; i < w; i++)
        for (int j = 0; j < w; j++)
            if (abs(i / inner - j / inner) != 1)
                erg_tensor_set(erg_value(m.bonds), i * w + j, 0);
}

/* Calls `look` with the setting of each space and this kernel's kind of energy. */
static void in_each_space(int kernel, void (*look)(int kernel, setting t)) {
    for (int i = 0; i < COUNT(spaces); i++) {
        setting t = {.s = space_of(spaces[i].kind, spaces[i].sites, spaces[i].states)};
        t.graph = erg_graph_new(40 + (uint64_t)i);
        model m = new_model(t.graph, ERG_FLOAT64, t.s, !kernels[kernel].affine);
        if (kernels[kernel].affine)
            cut_bonds(m, t.s);
        t.energy = (erg_energy){model_energy, &m};
        t.x = all_states(t.graph, ERG_FLOAT64, t.s, 1);
        look(kernel, t);
        erg_graph_free(t.graph);
    }
}

static void check_matrix(int kernel, setting t) {
    double pi[MOST_STATES];
    matrix p;
    const char *name = kernels[kernel].name;
    probabilities(t.graph, t.energy, t.s, pi);
    kernels[kernel].enumerate(t, kernels[kernel].is, p);
    double drift = drift_of(t.s.size, pi, p), imbalance = imbalance_of(t.s.size, pi, p);
    if (kernels[kernel].is == 0) {
        ck_assert_msg(drift < 1e-12, "%s, kind %d: pi P - pi is %g", name, (int)t.s.kind, drift);
        if (kernels[kernel].reversible)
            ck_assert_msg(imbalance < 1e-12, "%s: detailed balance is off by %g", name, imbalance);
    } else {
        ck_assert_msg(drift > 1e-3, "%s is exact, to %g", name, drift);
    }
    for (int mistake = 1; mistake <= kernels[kernel].mistakes; mistake++) {
        if (t.s.sites == 1 || (t.s.states == 2 && mistake == 1 && kernel < 2))
            continue; /* two states have no direction, and one site hardly a kernel */
        kernels[kernel].enumerate(t, mistake, p);
        drift = drift_of(t.s.size, pi, p);
        ck_assert_msg(drift > 1e-3, "%s: mistake %d does not show: %g", name, mistake, drift);
    }
}

START_TEST(kernels_leave_p_alone) {
    in_each_space(_i, check_matrix);
}
END_TEST

/* What the informed proposals prefer, which no correction shows: with energies affine in each site the
 * logit of a change is half of what -E gains; of Langevin's also -|x' - x|^2 / 2 a, for 1, 4 or 2. */
START_TEST(proposals_know_what_is_gained) {
    for (int k = 0; k < COUNT(spaces); k++) {
        space s = space_of(spaces[k].kind, spaces[k].sites, spaces[k].states);
        const bool hot = s.kind == ERG_ONE_HOT;
        const double way = hot ? 2 : s.kind == ERG_SPINS ? 4 : 1;
        erg_graph *g = erg_graph_new(70);
        model m = new_model(g, ERG_FLOAT64, s, false);
        erg_energy energy = {model_energy, &m};
        erg_node *x = all_states(g, ERG_FLOAT64, s, 1), *a = erg_scalar(g, ERG_FLOAT64, STEP);
        double *e = elements_of(erg_energy_apply(energy, x));
        double *single = elements_of(erg_site_view_of(energy, s.kind, true, x).logits);
        double *all = elements_of(erg_discrete_langevin_view(energy, s.kind, x, a).logits);
        for (int i = 0; i < s.size; i++)
            for (int j = 0; j < width(s); j++) {
                int site = hot ? j / s.states : j, now = digit(s, i, site);
                int to = hot ? j % s.states : 1 - now;
                double gain = (e[i] - e[with_digit(s, i, site, to)]) / 2;
                int at = i * width(s) + j;
                if (to == now)
                    ck_assert(single[at] == -INFINITY && fabs(all[at]) < 1e-12);
                else
                    ck_assert(fabs(single[at] - gain) < 1e-12 &&
                              fabs(all[at] - gain + way / (2 * STEP)) < 1e-12);
            }
        free(e);
        free(single);
        free(all);
        erg_graph_free(g);
    }
}
END_TEST

/* Counts where chains go in one transition: `times` from each state, in each of `rounds` runs.
 * Returns the mean acceptance reported. */
static double count_moves(int kernel, setting t, int times, int64_t rounds, matrix counts) {
    erg_node *x = all_states(t.graph, ERG_FLOAT64, t.s, times);
    erg_discrete_step step = kernels[kernel].step(t.energy, x, t.s.kind);
    erg_plan *plan =
        erg_compile((erg_node *[]){step.next, step.acceptance, step.not_finite, step.energy}, 4);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    double accepted = 0, refused = 0, off = 0;
    double *e = elements_of(erg_energy_apply(t.energy, t.x));
    memset(counts, 0, sizeof(matrix));
    for (int64_t k = 0; k < rounds; k++) {
        erg_run(plan);
        for (int row = 0; row < t.s.size * times; row++) {
            int state = get_state(t.s, erg_output(plan, 0), row);
            counts[row / times][state]++;
            off = fmax(off, fabs(erg_tensor_get(erg_output(plan, 3), row) - e[state]));
            accepted += erg_tensor_get(erg_output(plan, 1), row);
            refused += erg_tensor_get(erg_output(plan, 2), row);
        }
    }
    free(e);
    erg_plan_free(plan);
    ck_assert_double_eq(refused, 0);
    ck_assert_double_lt(off, 1e-12);
    return accepted / (double)(t.s.size * times * rounds);
}

static void check_draws(int kernel, setting t) {
    const int times = 100;
    const int64_t rounds = draws(20, 4);
    matrix p, counts;
    if (t.s.size < 16)
        return;
    double accepted = count_moves(kernel, t, times, rounds, counts);
    double n = (double)(t.s.size * times * rounds), moved = n;
    for (int i = 0; i < t.s.size; i++)
        moved -= counts[i][i];
    if (kernels[kernel].accepted_moves)
        ck_assert_double_lt(fabs(accepted - moved / n), CRITICAL_Z * sqrt(0.25 / n));
    kernels[kernel].enumerate(t, kernels[kernel].is, p);
    double misfit = misfit_of(t.s.size, counts, p, (double)(times * rounds));
    ck_assert_msg(misfit < 1, "%s, kind %d: chi-squared is %g of what it may be",
                  kernels[kernel].name, (int)t.s.kind, misfit);
    for (int mistake = 1; mistake <= kernels[kernel].mistakes; mistake++)
        if (t.s.states > 2 || mistake > 1 || kernel > 1) {
            kernels[kernel].enumerate(t, mistake, p);
            misfit = misfit_of(t.s.size, counts, p, (double)(times * rounds));
            ck_assert_msg(misfit > 1, "%s: mistake %d does not show: %g", kernels[kernel].name,
                          mistake, misfit);
        }
}

START_TEST(draws_have_the_frequencies) {
    in_each_space(_i, check_draws);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("discrete");
    TCase *exact = tcase_create("exact");
    tcase_add_loop_test(exact, kernels_leave_p_alone, 0, COUNT(kernels));
    tcase_add_test(exact, proposals_know_what_is_gained);
    suite_add_tcase(suite, exact);
    TCase *drawn = tcase_create("draws");
    tcase_add_loop_test(drawn, draws_have_the_frequencies, 0, COUNT(kernels));
    suite_add_tcase(suite, drawn);
    return run_suite(suite);
}

/* test_calibration.c: simulation-based calibration (Talts et al. 2018). Parameters are drawn from
 * their prior and data from the parameters; a sampler draws from the posterior given the data.
 * Then the rank of the true parameter among L posterior draws is uniform over L + 1 bins. The
 * replicates are chains, each with data of its own, so one plan does them all. */
#include "mcmc.h"

enum { REPLICATES = 1000, DRAWS = 30, BINS = DRAWS + 1, PARAMETERS = 2, DATA = 3 };
static const double CRITICAL = 83.64; /* chi-squared, p = 1e-6 */

/* theta ~ N(0, I), y = A theta + N(0, I). */
static const double design[DATA * PARAMETERS] = {1, 0.5, 0.7, -1, 0, 1.5};

typedef struct model {
    erg_node *y, *design, *weight; /* of the likelihood; 1 is right */
} model;

static erg_node *posterior(void *self, erg_node *theta) {
    const model *m = self;
    erg_node *residual = erg_sub(m->y, erg_matmul_transposed(theta, 0, m->design, 1));
    erg_node *prior = erg_sum(erg_square(theta), ERG_AXES(1), 0);
    erg_node *misfit = erg_sum(erg_square(residual), ERG_AXES(1), 0);
    return erg_mul_scalar(erg_add(prior, erg_mul(misfit, m->weight)), 0.5);
}

static void simulate(model *m, erg_node *truth, erg_node *noise) {
    for (int64_t b = 0; b < REPLICATES; b++)
        for (int64_t i = 0; i < DATA; i++) {
            double y = erg_tensor_get(erg_value(noise), b * DATA + i);
            for (int64_t k = 0; k < PARAMETERS; k++)
                y += design[i * PARAMETERS + k] *
                     erg_tensor_get(erg_value(truth), b * PARAMETERS + k);
            erg_tensor_set(erg_value(m->y), b * DATA + i, y);
        }
}

/* The largest chi-squared over the functions of theta: each element, and their sum. */
static double uniformity(const erg_tensor *kept, const erg_tensor *truth) {
    double worst = 0;
    for (int f = 0; f <= PARAMETERS; f++) {
        const double first = f != 1, second = f != 0;
        int64_t bins[BINS] = {0};
        for (int64_t b = 0; b < REPLICATES; b++) {
            const double *t = (const double *)truth->data + b * PARAMETERS;
            double value = first * t[0] + second * t[1];
            int rank = 0;
            for (int64_t i = 0; i < DRAWS; i++) {
                const double *x = (const double *)kept->data + (i * REPLICATES + b) * PARAMETERS;
                rank += first * x[0] + second * x[1] < value;
            }
            bins[rank]++;
        }
        double chi2 = 0, expected = (double)REPLICATES / BINS;
        for (int k = 0; k < BINS; k++)
            chi2 += pow((double)bins[k] - expected, 2) / expected;
        worst = fmax(worst, chi2);
    }
    return worst;
}

typedef erg_transition maker(erg_energy energy, erg_node *x, erg_metropolis_options options);

/* Langevin without the correction: what a dropped decision is. */
static erg_transition uncorrected(erg_energy energy, erg_node *x, erg_metropolis_options options) {
    erg_langevin_options o = {.step_size = options.step_size};
    return (erg_transition){.next = erg_langevin(energy, x, o)};
}

static const struct {
    maker *make;
    erg_metropolis_options options;
    int64_t thin;
    double weight;
    bool calibrated;
} samplers[] = {
    {erg_hmc, {.step_size = 0.4, .steps = 3, .jitter = 0.3}, 5, 1, true},
    {erg_nuts, {.step_size = 0.5, .max_depth = 5}, 3, 1, true},
    {erg_mala, {.step_size = 0.25}, 20, 1, true},
    /* Planted: a likelihood that counts threefold, a decision that was dropped, no movement. */
    {erg_hmc, {.step_size = 0.4, .steps = 3, .jitter = 0.3}, 5, 3, false},
    {uncorrected, {.step_size = 0.25}, 20, 1, false},
    {erg_random_walk, {.step_size = 0.01}, 1, 1, false},
};

START_TEST(ranks_are_uniform) {
    erg_graph *g = erg_graph_new(51);
    erg_node *truth = erg_input(g, "truth", ERG_FLOAT64, ERG_SHAPE(REPLICATES, PARAMETERS));
    erg_node *noise = erg_input(g, "noise", ERG_FLOAT64, ERG_SHAPE(REPLICATES, DATA));
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(REPLICATES, PARAMETERS));
    model m = {.y = erg_input(g, "y", ERG_FLOAT64, ERG_SHAPE(REPLICATES, DATA)),
               .design = input_of(g, ERG_SHAPE(DATA, PARAMETERS), design),
               .weight = number_input(g, samplers[_i].weight)};
    fill_normal(truth, 1);
    fill_normal(noise, 2);
    fill_normal(x, 3);
    simulate(&m, truth, noise);
    erg_energy energy = {posterior, &m};
    erg_chain *chain = erg_chain_of(x, samplers[_i].make(energy, x, samplers[_i].options), NULL);
    erg_tensor *kept = erg_chain_sample(
        chain, DRAWS, (erg_chain_options){.burn_in = 60, .thin = samplers[_i].thin});
    double chi2 = uniformity(kept, erg_value(truth));
    ck_assert_msg((chi2 < CRITICAL) == samplers[_i].calibrated, "chi-squared %g", chi2);
    erg_tensor_free(kept);
    erg_chain_free(chain);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("calibration");
    TCase *ranks = tcase_create("ranks");
    tcase_add_loop_test(ranks, ranks_are_uniform, 0, COUNT(samplers));
    suite_add_tcase(suite, ranks);
    return run_suite(suite);
}

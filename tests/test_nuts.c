/* test_nuts.c: the no-U-turn sampler on densities that are hard: narrow, bent, of
 * changing width; every figure against the closed form. */
#include "study.h"

/* z of the mean of a function of the state, from the means of the chains, which are independent. */
typedef double moment(const double *x, int64_t k);

static double mean_of(const double *x, int64_t k) {
    return x[k];
}

static double square_of(const double *x, int64_t k) {
    return x[k] * x[k];
}

static double z_moment(const erg_tensor *kept, moment *f, int64_t k, double expected) {
    int64_t n = kept->shape.dims[0], chains = kept->shape.dims[1], d = kept->shape.dims[2];
    double *means = calloc((size_t)chains, sizeof *means);
    for (int64_t i = 0; i < n * chains; i++)
        means[i % chains] += f((const double *)kept->data + i * d, k) / (double)n;
    double z = z_of(means, chains, expected);
    free(means);
    return z;
}

static bool is_right(const erg_tensor *kept, int64_t k, double mean, double square) {
    return fabs(z_moment(kept, mean_of, k, mean)) < CRITICAL_Z &&
           fabs(z_moment(kept, square_of, k, square)) < CRITICAL_Z;
}

/* ------------------------------------------------------------------------------- narrow */

/* Variances from 1 to 1000, in axes turned by a reflection. */
enum { D = 5 };

static void narrow_covariance(double *c) {
    double variance[D], v[D], length = 0;
    for (int i = 0; i < D; i++) {
        variance[i] = pow(1000, i / (D - 1.0));
        v[i] = i + 1;
        length += v[i] * v[i];
    }
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) {
            c[i * D + j] = 0;
            for (int k = 0; k < D; k++)
                c[i * D + j] += ((i == k) - 2 * v[i] * v[k] / length) * variance[k] *
                                ((j == k) - 2 * v[j] * v[k] / length);
        }
}

static const struct {
    maker *make;
    erg_mass mass;
} narrow[] = {
    {erg_nuts, ERG_MASS_DENSE}, {erg_nuts, ERG_MASS_DIAGONAL}, {erg_nuts, ERG_MASS_IDENTITY},
    {erg_hmc, ERG_MASS_DENSE},  {erg_mala, ERG_MASS_DENSE},    {erg_random_walk, ERG_MASS_DENSE},
};

START_TEST(narrow_gaussian) {
    double covariance[D * D];
    narrow_covariance(covariance);
    erg_graph *g = erg_graph_new(41);
    erg_energy energy = {erg_gaussian_energy,
                         erg_gaussian_new(g, ERG_FLOAT64, D, NULL, covariance, NULL)};
    study s = new_study(narrow[_i].make, energy, g, ERG_SHAPE(100, D), narrow[_i].mass);
    warm_up(s, draws(400, 300), 0.8);
    erg_tensor *kept = erg_chain_sample(s.counted.chain, draws(150, 20),
                                        (erg_chain_options){.thin = 2, .burn_in = 50});
    for (int64_t k = 0; k < D; k++) {
        ck_assert_msg(is_right(kept, k, 0, covariance[k * D + k]), "coordinate %d", (int)k);
        ck_assert(!is_right(kept, k, 0, 3 * covariance[k * D + k]));
    }
    erg_statistics_summary all = summary_of(s.counted);
    ck_assert_double_gt(all.acceptance, 0.7);
    if (narrow[_i].make != erg_hmc) /* whose acceptance comes and goes with the length */
        ck_assert_double_lt(all.acceptance, 0.9);
    ck_assert_double_eq(all.divergent, 0);
    ck_assert_double_eq_tol(all.energy, D / 2.0, 0.2 * D);
    erg_tensor_free(kept);
    free_study(s);
}
END_TEST

/* ------------------------------------------------------------------------------- bent */

START_TEST(banana) {
    erg_graph *g = erg_graph_new(42);
    erg_banana shape = {0};
    study s = new_study(erg_nuts, (erg_energy){erg_banana_energy, &shape}, g, ERG_SHAPE(100, 2),
                        ERG_MASS_IDENTITY);
    warm_up(s, draws(300, 150), 0.95);
    erg_tensor *kept =
        erg_chain_sample(s.counted.chain, draws(1000, 200), (erg_chain_options){.burn_in = 50});
    ck_assert(is_right(kept, 0, 0, 100));
    ck_assert(is_right(kept, 1, 0, 19));
    ck_assert(!is_right(kept, 1, 0, 40));
    erg_tensor_free(kept);
    free_study(s);
}
END_TEST

/* ------------------------------------------------------------------------------- the funnel */

/* std of v = scale x_0 over all draws. */
static double width(const erg_tensor *kept, double scale) {
    int64_t n = kept->shape.dims[0] * kept->shape.dims[1], d = kept->shape.dims[2];
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = scale * erg_tensor_get(kept, i * d);
        sum += v;
        squares += v * v;
    }
    return sqrt(squares / (double)n - sum * sum / ((double)n * (double)n));
}

/* v = 3 z_0, x_i = exp(v / 2) z_i: in z the funnel is N(0, I). */
START_TEST(funnel_not_centred) {
    study s = new_study(erg_nuts, standard_normal(), erg_graph_new(43), ERG_SHAPE(200, 10),
                        ERG_MASS_DIAGONAL);
    warm_up(s, draws(200, 60), 0.8);
    erg_tensor *kept = erg_chain_sample(s.counted.chain, draws(500, 100), (erg_chain_options){0});
    ck_assert_double_eq_tol(width(kept, 3), 3, 0.02 * 3);
    ck_assert_double_eq(summary_of(s.counted).divergent, 0);
    erg_tensor_free(kept);
    free_study(s);
}
END_TEST

/* Centred, no step size fits both the neck and the mouth: the sampler says so. */
START_TEST(funnel_centred) {
    erg_graph *g = erg_graph_new(44);
    erg_funnel funnel = {0};
    study s = new_study(erg_nuts, (erg_energy){erg_funnel_energy, &funnel}, g, ERG_SHAPE(30, 10),
                        ERG_MASS_DIAGONAL);
    warm_up(s, draws(150, 40), 0.8);
    erg_tensor *kept = erg_chain_sample(s.counted.chain, draws(100, 50), (erg_chain_options){0});
    ck_assert_double_gt(summary_of(s.counted).divergent, 0);
    ck_assert_double_lt(width(kept, 1), 0.98 * 3);
    erg_tensor_free(kept);
    free_study(s);
}
END_TEST

/* ------------------------------------------------------------------------------- one chain */

/* Chain b has the same bits whatever chains run beside it. */
START_TEST(chains_do_not_depend_on_the_batch) {
    double few[6] = {0};
    for (int64_t chains = 3; chains <= 40; chains += 37) {
        erg_graph *g = erg_graph_new(45);
        erg_banana shape = {0};
        erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(chains, 2));
        erg_chain *chain = erg_chain_of(x,
                                        erg_nuts((erg_energy){erg_banana_energy, &shape}, x,
                                                 (erg_metropolis_options){.step_size = 0.7}),
                                        NULL);
        ck_assert_int_eq(erg_chain_run(chain, 25), ERG_OK);
        ck_assert_uint_eq(erg_graph_runs(g), 25 * 1024);
        if (chains == 3)
            memcpy(few, erg_value(x)->data, sizeof few);
        else
            ck_assert_mem_eq(few, erg_value(x)->data, sizeof few);
        erg_chain_free(chain);
        erg_graph_free(g);
    }
    ck_assert_double_ne(few[0], few[2]);
}
END_TEST

/* A checkpoint between transitions holds all that a chain needs to go on with the same bits. */
START_TEST(chains_resume) {
    double gone_on[6], resumed[6];
    for (int part = 0; part < 2; part++) {
        erg_graph *g = erg_graph_new(49);
        erg_banana shape = {0};
        erg_node *x = erg_state(g, "x", ERG_FLOAT64, ERG_SHAPE(3, 2));
        erg_transition t = erg_nuts((erg_energy){erg_banana_energy, &shape}, x,
                                    (erg_metropolis_options){.step_size = 0.7});
        counted c = count_chain(x, t);
        if (part == 0) {
            ck_assert_int_eq(erg_chain_run(c.chain, 10), ERG_OK);
            ck_assert_int_eq(erg_checkpoint_save("nuts.ckpt", g, (erg_checkpoint_options){0}), 0);
        } else {
            ck_assert_int_eq(erg_checkpoint_load("nuts.ckpt", g, (erg_checkpoint_options){0}), 0);
        }
        ck_assert_int_eq(erg_chain_run(c.chain, 10), ERG_OK);
        ck_assert_double_eq(summary_of(c).transitions, 60);
        memcpy(part ? resumed : gone_on, erg_value(x)->data, sizeof resumed);
        erg_chain_free(c.chain);
        erg_graph_free(g);
    }
    remove("nuts.ckpt");
    ck_assert_mem_eq(gone_on, resumed, sizeof resumed);
}
END_TEST

/* A trajectory never takes more than 2^depth - 1 steps; with depth 1 NUTS is one leapfrog step. */
START_TEST(depth_is_a_bound) {
    for (int depth = 1; depth <= 4; depth++) {
        erg_graph *g = erg_graph_new(46);
        erg_node *x = input_of(g, ERG_SHAPE(20, 2), NULL);
        erg_transition t = erg_nuts(
            standard_normal(), x, (erg_metropolis_options){.step_size = 1e-3, .max_depth = depth});
        erg_chain *chain = erg_chain_of(x, t, NULL);
        ck_assert_int_eq(erg_chain_run(chain, 1), ERG_OK);
        for (int64_t b = 0; b < 20; b++) {
            ck_assert_double_eq(erg_tensor_get(erg_value(erg_find(g, "nuts/steps")), b),
                                exp2(depth) - 1);
            ck_assert_double_eq(erg_tensor_get(erg_value(t.busy), b), 0);
        }
        erg_chain_free(chain);
        erg_graph_free(g);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("nuts");
    TCase *hard = tcase_create("hard"), *rest = tcase_create("rest");
    tcase_add_loop_test(hard, narrow_gaussian, 0, COUNT(narrow));
    tcase_add_test(hard, banana);
    tcase_add_test(hard, funnel_not_centred);
    tcase_add_test(hard, funnel_centred);
    tcase_add_test(rest, chains_do_not_depend_on_the_batch);
    tcase_add_test(rest, chains_resume);
    tcase_add_test(rest, depth_is_a_bound);
    suite_add_tcase(suite, hard);
    suite_add_tcase(suite, rest);
    return run_suite(suite);
}

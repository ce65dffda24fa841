/* test_samplers.c: Langevin dynamics against its exact laws, and the driver of chains. */
#include "modules.h"

/* E = k |x|^2 / 2 with k a node: what the tests differentiate by. */
static erg_node *spring(void *self, erg_node *x) {
    erg_node *square = erg_sum(erg_flatten(erg_square(x), 1), ERG_AXES(1), 0);
    return erg_mul(erg_mul_scalar(self, 0.5), square);
}

/* ------------------------------------------------------------------------------- the exact law */

/* ULA on N(0, 1) is the autoregression x' = (1 - h) x + sqrt(2 h) xi: from 0 it forgets where it
 * began as (1 - h)^t, its variance becomes 1 / (1 - h / 2), and the regression of x' on x is
 * 1 - h. Many chains are run to rest, so the samples are independent: z tests with the exact
 * variances, 2 v^2 / B of the sample variance and 2 h / sum x^2 of the regression. */
typedef struct law {
    double z_variance, z_regression;
} law;

static law measure(double stiffness, double step, erg_langevin_options options) {
    const int64_t chains = draws(60000, 3000), burn_in = 80;
    erg_graph *g = erg_graph_new(21);
    erg_node *x = erg_input(g, "x", ERG_FLOAT32, ERG_SHAPE(chains, 1));
    erg_node *k = erg_scalar(g, ERG_FLOAT32, stiffness);
    erg_chain *chain = erg_chain_new(x, erg_langevin((erg_energy){spring, k}, x, options));
    erg_tensor *two = erg_chain_sample(chain, 2, (erg_chain_options){.burn_in = burn_in});
    ck_assert_ptr_nonnull(two);
    double squares = 0, products = 0;
    for (int64_t b = 0; b < chains; b++) {
        double now = erg_tensor_get(two, b), next = erg_tensor_get(two, chains + b);
        squares += now * now;
        products += now * next;
    }
    erg_tensor_free(two);
    erg_chain_free(chain);
    erg_graph_free(g);
    double expected = 1 / (1 - step / 2), n = (double)chains;
    return (law){(squares / n / expected - 1) / sqrt(2 / n),
                 (products / squares - (1 - step)) / sqrt(2 * step / squares)};
}

static bool is_ula(law found) {
    return fabs(found.z_variance) < CRITICAL_Z && fabs(found.z_regression) < CRITICAL_Z;
}

static const double steps[] = {0.1, 0.2, 0.5, 1.0, 1.5};

START_TEST(langevin_has_its_stationary_law) {
    double h = steps[_i];
    ck_assert(is_ula(measure(1, h, (erg_langevin_options){.step_size = h})));
    ck_assert(is_ula(measure(1, h, (erg_langevin_options){.step_size = h, .noise = sqrt(2 * h)})));
}
END_TEST

/* Planted: noise without the 2, twice too much, proportional to h; step wrong by 2; gradient of
 * the wrong sign or size; a clamp that cuts the tails. */
static const struct {
    double stiffness;
    erg_langevin_options options;
} planted[] = {
    {1, {.step_size = 0.2, .noise = 0.4472135955}},
    {1, {.step_size = 0.2, .noise = 0.8944271910}},
    {1, {.step_size = 0.2, .noise = 0.2}},
    {1, {.step_size = 0.1}},
    {1, {.step_size = 0.1, .noise = 0.6324555320}},
    {-1, {.step_size = 0.2}},
    {2, {.step_size = 0.2}},
    {0.5, {.step_size = 0.2}},
    {1, {.step_size = 0.2, .clamp_low = -2, .clamp_high = 2}},
    {1, {.step_size = 0.2, .clip_gradient = 1}},
};

START_TEST(langevin_mistakes_show) {
    ck_assert(!is_ula(measure(planted[_i].stiffness, 0.2, planted[_i].options)));
}
END_TEST

/* ------------------------------------------------------------------------------- one step */

static const double at[] = {0.5, -2, 3, 0, -0.25, 10};

/* One step of six chains on N(0, 1 / k), k = 2, element by element; with the step size as a node if
 * by_node. */
static double *one_step(erg_langevin_options options, bool by_node) {
    erg_graph *g = erg_graph_new(22);
    erg_node *k = erg_scalar(g, ERG_FLOAT64, 2);
    if (by_node)
        options.step_size_node = number_input(g, options.step_size);
    double *next = elements_of(
        erg_langevin((erg_energy){spring, k}, input_of(g, ERG_SHAPE(6, 1), at), options));
    erg_graph_free(g);
    return next;
}

static double clamped(double x, double low, double high) {
    return fmin(fmax(x, low), high);
}

static const struct {
    erg_langevin_options options; /* without noise */
    double step, clip, low, high; /* what they mean */
} drifts[] = {
    {{0}, 0.01, INFINITY, -INFINITY, INFINITY},
    {{.step_size = 0.3}, 0.3, INFINITY, -INFINITY, INFINITY},
    {{.step_size = 0.3, .clip_gradient = 1.5}, 0.3, 1.5, -INFINITY, INFINITY},
    {{.step_size = 0.3, .clamp_low = -1, .clamp_high = 1}, 0.3, INFINITY, -1, 1},
    {{.step_size = 0.1, .clamp_low = 0, .clamp_high = 1}, 0.1, INFINITY, 0, 1},
    {{.step_size = 10, .clip_gradient = 0.03, .clamp_low = -1, .clamp_high = 1}, 10, 0.03, -1, 1},
};

START_TEST(langevin_drift_is_exact) {
    erg_langevin_options options = drifts[_i].options;
    options.noise = ERG_ZERO;
    double *next = one_step(options, false);
    for (int i = 0; i < 6; i++) {
        double gradient = clamped(2 * at[i], -drifts[_i].clip, drifts[_i].clip);
        double expected =
            clamped(at[i] - drifts[_i].step * gradient, drifts[_i].low, drifts[_i].high);
        ck_assert_double_eq_tol(next[i], expected, 1e-15 * fmax(1, fabs(at[i])));
    }
    free(next);
}
END_TEST

/* The numbers drawn depend on seed and stream alone, so the noise of two options can be compared
 * element by element: next - drift is the standard deviation times the same xi. */
START_TEST(langevin_noise_is_exact) {
    const double h = 0.3;
    for (int by_node = 0; by_node < 2; by_node++) {
        erg_langevin_options options = {.step_size = h};
        double *coupled = one_step(options, by_node), largest = 0;
        options.noise = ERG_ZERO;
        double *drift = one_step(options, by_node);
        options.noise = 1;
        double *unit = one_step(options, by_node);
        options.noise = 0.005;
        double *small = one_step(options, by_node);
        for (int i = 0; i < 6; i++) {
            double xi = unit[i] - drift[i];
            largest = fmax(largest, fabs(xi));
            ck_assert_double_eq_tol(coupled[i] - drift[i], sqrt(2 * h) * xi, 1e-14);
            ck_assert_double_eq_tol(small[i] - drift[i], 0.005 * xi, 1e-14);
        }
        ck_assert_double_gt(largest, 0.1);
        free(drift);
        free(unit);
        free(coupled);
        free(small);
    }
}
END_TEST

/* With nodes for step size and noise the same plan is run with other numbers. */
START_TEST(langevin_numbers_change_between_runs) {
    const double settings[][2] = {{0.1, 0}, {0.4, 0}, {0.4, 0.7}, {0, 1}, {0.25, 0.5}};
    erg_graph *g = erg_graph_new(23);
    erg_node *x = input_of(g, ERG_SHAPE(6, 1), at);
    erg_node *step = number_input(g, 0), *noise = number_input(g, 0);
    erg_energy energy = {spring, erg_scalar(g, ERG_FLOAT64, 2)};
    erg_langevin_options options = {.step_size = 99, .step_size_node = step, .noise_node = noise};
    erg_node *both = erg_langevin(energy, x, options);
    options.noise_node = NULL;
    erg_node *coupled = erg_langevin(energy, x, options);
    options.noise = 1;
    erg_node *unit = erg_langevin(energy, x, options);
    erg_plan *plan = erg_compile((erg_node *[]){both, coupled, unit}, 3);
    for (int k = 0; k < COUNT(settings); k++) {
        double h = settings[k][0], sigma = settings[k][1], spread[3] = {0};
        erg_tensor_fill(erg_value(step), h);
        erg_tensor_fill(erg_value(noise), sigma);
        erg_run(plan);
        const double expected[] = {sigma, sqrt(2 * h), 1};
        for (int j = 0; j < 3; j++)
            for (int i = 0; i < 6; i++) {
                double moved = erg_tensor_get(erg_output(plan, j), i) - (1 - 2 * h) * at[i];
                spread[j] = fmax(spread[j], fabs(moved));
            }
        for (int j = 0; j < 3; j++) {
            ck_assert_double_le(spread[j], 5 * expected[j] + 1e-14);
            ck_assert_double_ge(spread[j], 0.1 * expected[j]);
        }
    }
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* Three steps without noise: x_3 = (1 - h k)^3 x_0, and its derivatives by k, h and x_0. With
 * noise the derivative by x_0 is the same. */
START_TEST(langevin_is_differentiable) {
    const double h = 0.1, k = 2, factor = 1 - h * k;
    double sum = 0;
    for (int i = 0; i < 6; i++)
        sum += at[i];
    for (int noisy = 0; noisy < 2; noisy++) {
        erg_graph *g = erg_graph_new(24);
        erg_node *x0 = input_of(g, ERG_SHAPE(6, 1), at), *x = x0;
        erg_node *stiffness = number_param(g, "k", k), *step = number_input(g, h);
        erg_langevin_options options = {.step_size_node = step, .noise = noisy ? 0.3 : ERG_ZERO};
        for (int t = 0; t < 3; t++)
            x = erg_langevin((erg_energy){spring, stiffness}, x, options);
        double *dx = elements_of(erg_gradient(x, x0));
        for (int i = 0; i < 6; i++)
            ck_assert_double_eq_tol(dx[i], pow(factor, 3), 1e-14);
        free(dx);
        if (!noisy) {
            double *last = elements_of(x);
            for (int i = 0; i < 6; i++)
                ck_assert_double_eq_tol(last[i], pow(factor, 3) * at[i], 1e-14);
            free(last);
            ck_assert_double_eq_tol(number_of(erg_gradient(x, stiffness)),
                                    -3 * h * factor * factor * sum, 1e-13);
            ck_assert_double_eq_tol(number_of(erg_gradient(x, step)),
                                    -3 * k * factor * factor * sum, 1e-13);
        }
        erg_graph_free(g);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- the driver */

typedef struct visits {
    int64_t calls, stop_at;
    double last;
} visits;

static int visit(void *self, int64_t kept, const erg_tensor *x) {
    visits *v = self;
    ck_assert_int_eq(kept, v->calls);
    v->calls++;
    v->last = erg_tensor_get(x, 1);
    return kept == v->stop_at ? 1 : 0;
}

static const struct {
    int64_t count;
    erg_chain_options options;
    int64_t stop_at; /* kept state after which the caller stops; -1: never */
    int64_t kept;
} runs[] = {
    {3, {0}, -1, 3},
    {4, {.burn_in = 10}, -1, 4},
    {3, {.thin = 5}, -1, 3},
    {5, {.burn_in = 7, .thin = 3}, -1, 5},
    {5, {.burn_in = 7, .thin = 3}, 1, 2},
    {5, {.thin = 2}, 0, 1},
    {2, {.thin = 2}, 1, 2},
    {0, {.burn_in = 4}, -1, 0},
};

/* The chain x <- x + 1 counts its transitions. */
START_TEST(driver_burns_thins_and_stops) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, 1, 2), (double[]){0, 100, 200, 300});
    erg_chain *chain = erg_chain_new(x, erg_add_scalar(x, 1));
    visits v = {.stop_at = runs[_i].stop_at};
    erg_chain_options options = runs[_i].options;
    options.each = visit;
    options.self = &v;
    erg_tensor *kept = erg_chain_sample(chain, runs[_i].count, options);
    int64_t thin = options.thin ? options.thin : 1, n = runs[_i].kept;
    ck_assert(erg_shape_equal(kept->shape, ERG_SHAPE(n, 2, 1, 2)));
    ck_assert_int_eq(v.calls, n);
    for (int64_t i = 0; i < 4 * n; i++)
        ck_assert_double_eq(erg_tensor_get(kept, i),
                            100.0 * (double)(i % 4) +
                                (double)(options.burn_in + (i / 4 + 1) * thin));
    double last = (double)(options.burn_in + n * thin);
    ck_assert_double_eq(erg_tensor_get(erg_value(x), 0), last);
    if (n)
        ck_assert_double_eq(v.last, 100 + last);
    ck_assert_int_eq(erg_chain_run(chain, 5), ERG_OK);
    ck_assert_int_eq(erg_chain_run(chain, 0), ERG_OK);
    ck_assert_double_eq(erg_tensor_get(erg_value(x), 0), last + 5);
    erg_tensor_free(kept);
    erg_chain_free(chain);
    erg_graph_free(g);
}
END_TEST

/* A chain on a two-dimensional mixture from rows that depend on the row alone, in float32. */
typedef struct walk {
    erg_graph *graph;
    erg_node *x;
    erg_chain *chain;
} walk;

static walk new_walk(uint64_t seed, int64_t chains) {
    const double means[] = {-2, 0, 2, 1}, stds[] = {1, 0.5};
    walk w = {.graph = erg_graph_new(seed)};
    w.x = erg_input(w.graph, "x", ERG_FLOAT32, ERG_SHAPE(chains, 2));
    for (int64_t i = 0; i < 2 * chains; i++)
        erg_tensor_set(erg_value(w.x), i, 0.1 * (double)i);
    erg_energy energy = {erg_gaussian_mixture_energy,
                         erg_gaussian_mixture_new(w.graph, ERG_FLOAT32, 2, 2, NULL, means, stds)};
    w.chain = erg_chain_new(w.x, erg_langevin(energy, w.x, (erg_langevin_options){0}));
    ck_assert_ptr_nonnull(w.chain);
    return w;
}

static void free_walk(walk w) {
    erg_chain_free(w.chain);
    erg_graph_free(w.graph);
}

static bool same_rows(walk a, walk b, int64_t rows) {
    size_t bytes = (size_t)rows * 2 * sizeof(float);
    return memcmp(erg_value(a.x)->data, erg_value(b.x)->data, bytes) == 0;
}

START_TEST(chains_repeat_and_resume) {
    walk a = new_walk(5, 3), b = new_walk(5, 3), other = new_walk(6, 3), resumed = new_walk(5, 3);
    ck_assert_int_eq(erg_chain_run(a.chain, 50), ERG_OK);
    ck_assert_int_eq(erg_chain_run(b.chain, 50), ERG_OK);
    ck_assert_int_eq(erg_chain_run(other.chain, 50), ERG_OK);
    ck_assert(same_rows(a, b, 3));
    ck_assert(!same_rows(a, other, 3));

    ck_assert_int_eq(erg_tensor_copy(erg_value(resumed.x), erg_value(a.x)), ERG_OK);
    erg_graph_set_runs(resumed.graph, erg_graph_runs(a.graph));
    ck_assert_int_eq(erg_chain_run(a.chain, 20), ERG_OK);
    ck_assert_int_eq(erg_chain_run(resumed.chain, 20), ERG_OK);
    ck_assert(same_rows(a, resumed, 3));
    /* Planted: resumed without the run counter, the chain would use old noise again. */
    ck_assert_int_eq(erg_tensor_copy(erg_value(b.x), erg_value(a.x)), ERG_OK);
    erg_graph_set_runs(b.graph, 0);
    ck_assert_int_eq(erg_chain_run(a.chain, 1), ERG_OK);
    ck_assert_int_eq(erg_chain_run(b.chain, 1), ERG_OK);
    ck_assert(!same_rows(a, b, 3));
    free_walk(a);
    free_walk(b);
    free_walk(other);
    free_walk(resumed);
}
END_TEST

START_TEST(chains_do_not_depend_on_the_batch) {
    walk three = new_walk(7, 3), five = new_walk(7, 5), many = new_walk(7, 300);
    ck_assert_int_eq(erg_chain_run(three.chain, 30), ERG_OK);
    ck_assert_int_eq(erg_chain_run(five.chain, 30), ERG_OK);
    ck_assert_int_eq(erg_chain_run(many.chain, 30), ERG_OK);
    ck_assert(same_rows(three, five, 3));
    ck_assert(same_rows(five, many, 5));
    free_walk(three);
    free_walk(five);
    free_walk(many);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(langevin_refuses_misuse) {
    double stiffness = 1;
    const erg_energy energy = {erg_harmonic_energy, &stiffness};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL), *column = input_of(g, ERG_SHAPE(3, 1), NULL);
    const erg_langevin_options bad[] = {
        {.step_size = -0.1},    {.step_size = NAN},  {.step_size = INFINITY}, {.noise = -1},
        {.noise = NAN},         {.noise = INFINITY}, {.clip_gradient = -1},   {.clamp_low = 1},
        {.clip_gradient = NAN}, {.clamp_low = NAN},  {.clamp_high = -1},
    };
    for (int i = 0; i < COUNT(bad); i++)
        REFUSES(g, "langevin: step", erg_langevin(energy, x, bad[i]));
    REFUSES(g, "shape ()",
            erg_langevin(energy, x, (erg_langevin_options){.step_size_node = column}));
    REFUSES(g, "shape ()", erg_langevin(energy, x, (erg_langevin_options){.noise_node = column}));
    REFUSES(g, "no function", erg_langevin((erg_energy){0}, x, (erg_langevin_options){0}));
    FAILS_NULL("no x", erg_langevin(energy, NULL, (erg_langevin_options){0}));
    erg_node *single = erg_input(g, NULL, ERG_FLOAT32, ERG_SCALAR);
    REFUSES(g, "float32",
            erg_langevin(energy, x, (erg_langevin_options){.step_size_node = single}));
    ck_assert_ptr_nonnull(erg_langevin(energy, x, (erg_langevin_options){0}));
    erg_graph_free(g);
}
END_TEST

START_TEST(driver_refuses_misuse) {
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL);
    REFUSES(g, "assign", erg_chain_new(erg_neg(x), x));
    REFUSES(g, "(3)", erg_chain_new(x, erg_select(x, 1, 0)));
    REFUSES(g, "NULL", erg_chain_new(x, NULL));
    FAILS_NULL("NULL", erg_chain_new(NULL, NULL));
    erg_node *deep = input_of(g, ERG_SHAPE(1, 1, 1, 1, 1, 1, 1, 1), NULL);
    erg_chain *chain = erg_chain_new(x, erg_neg(x)), *deep_chain = erg_chain_new(deep, deep);
    FAILS("no chain", erg_chain_run(NULL, 1));
    FAILS("negative", erg_chain_run(chain, -1));
    FAILS_NULL("no chain", erg_chain_sample(NULL, 1, (erg_chain_options){0}));
    FAILS_NULL("negative", erg_chain_sample(chain, -1, (erg_chain_options){0}));
    FAILS_NULL("negative", erg_chain_sample(chain, 1, (erg_chain_options){.burn_in = -1}));
    FAILS_NULL("negative", erg_chain_sample(chain, 1, (erg_chain_options){.thin = -1}));
    FAILS_NULL("shape", erg_chain_sample(deep_chain, 1, (erg_chain_options){0}));
    FAILS_NULL("", erg_chain_sample(chain, INT64_MAX / 2, (erg_chain_options){0}));
    ck_assert_uint_eq(erg_graph_runs(g), 0);
    erg_chain_free(chain);
    erg_chain_free(deep_chain);
    erg_chain_free(NULL);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("samplers");
    TCase *langevin = tcase_create("langevin");
    tcase_add_loop_test(langevin, langevin_has_its_stationary_law, 0, COUNT(steps));
    tcase_add_loop_test(langevin, langevin_mistakes_show, 0, COUNT(planted));
    tcase_add_loop_test(langevin, langevin_drift_is_exact, 0, COUNT(drifts));
    tcase_add_test(langevin, langevin_noise_is_exact);
    tcase_add_test(langevin, langevin_numbers_change_between_runs);
    tcase_add_test(langevin, langevin_is_differentiable);
    tcase_add_test(langevin, langevin_refuses_misuse);
    suite_add_tcase(suite, langevin);
    TCase *driver = tcase_create("driver");
    tcase_add_loop_test(driver, driver_burns_thins_and_stops, 0, COUNT(runs));
    tcase_add_test(driver, chains_repeat_and_resume);
    tcase_add_test(driver, chains_do_not_depend_on_the_batch);
    tcase_add_test(driver, driver_refuses_misuse);
    suite_add_tcase(suite, driver);
    return run_suite(suite);
}

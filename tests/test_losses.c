/* test_losses.c: score matching where the answer is known: quadratic energies on fixed data, whose
 * loss is a closed form in the moments of the data, value and optimum; with losses that are wrong in
 * one place, which must fail the same check. */
#include "modules.h"

/* E = a |x|^2 / 2 with a node a, the model of every test here. */
static erg_node *quadratic(void *self, erg_node *x) {
    erg_node *square = erg_sum(erg_square(x), ERG_AXES(1), 0);
    return erg_mul(erg_mul_scalar(self, 0.5), square);
}

/* ------------------------------------------------------------------------------- one number */

enum { BATCH = 500, DIMS = 2 };
static const double SIGMA = 0.5, SPREAD = 1.5;

typedef struct fit {
    erg_graph *graph;
    erg_node *a, *data, *noise;
    erg_energy energy;
    double mean_square; /* mean |x|^2 */
    double cross;       /* mean x . n */
    double noise_square;
} fit;

static fit new_fit(void) {
    fit f = {.graph = erg_graph_new(51)};
    f.a = number_param(f.graph, "a", 1);
    f.energy = (erg_energy){quadratic, f.a};
    f.data = input_of(f.graph, ERG_SHAPE(BATCH, DIMS), NULL);
    f.noise = input_of(f.graph, ERG_SHAPE(BATCH, DIMS), NULL);
    erg_tensor *x = erg_value(f.data), *n = erg_value(f.noise);
    ck_assert_int_eq(erg_random_normal(x, (erg_random){.seed = 52}), ERG_OK);
    ck_assert_int_eq(erg_random_normal(n, (erg_random){.seed = 53}), ERG_OK);
    for (int i = 0; i < BATCH * DIMS; i++) {
        erg_tensor_set(x, i, SPREAD * erg_tensor_get(x, i));
        double u = erg_tensor_get(x, i), v = erg_tensor_get(n, i);
        f.mean_square += u * u / BATCH;
        f.cross += u * v / BATCH;
        f.noise_square += v * v / BATCH;
    }
    return f;
}

/* A loss that is quadratic in a: J(a) = A a^2 / 2 - B a + C. */
typedef struct parabola {
    double a, b, c;
} parabola;

/* 1/2 |a x|^2 - a D */
static parabola exact_parabola(fit f) {
    return (parabola){f.mean_square, DIMS, 0};
}
/* 1/2 |a x - x / s^2|^2 */
static parabola fisher_parabola(fit f) {
    double k = 1 / (SPREAD * SPREAD);
    return (parabola){f.mean_square, k * f.mean_square, k * k * f.mean_square / 2};
}
/* 1/2 |-a (x + sigma n) + n / sigma|^2 */
static parabola denoising_parabola(fit f) {
    double moved = f.mean_square + 2 * SIGMA * f.cross + SIGMA * SIGMA * f.noise_square;
    double along = f.cross / SIGMA + f.noise_square;
    return (parabola){moved, along, f.noise_square / (2 * SIGMA * SIGMA)};
}

static erg_node *exact_loss(fit f) {
    return erg_score_matching(f.energy, f.data);
}
static erg_node *fisher_loss(fit f) {
    static double stiffness;
    stiffness = 1 / (SPREAD * SPREAD);
    return erg_fisher_divergence(f.energy, (erg_energy){erg_harmonic_energy, &stiffness}, f.data);
}
static erg_node *denoising_loss(fit f) {
    return erg_denoising_score_matching(f.energy, f.data,
                                        (erg_denoising_options){.sigma = SIGMA, .noise = f.noise});
}
static erg_node *denoising_by_node(fit f) {
    erg_node *sigma = number_input(f.graph, SIGMA);
    return erg_denoising_score_matching(
        f.energy, f.data,
        (erg_denoising_options){.sigma = 9, .sigma_node = sigma, .noise = f.noise});
}

/* Losses with one mistake each. */
static erg_node *half_mean_square(erg_node *x) {
    return erg_mul_scalar(erg_mean(erg_sum(erg_square(x), ERG_AXES(1), 0), ERG_ALL, 0), 0.5);
}
static erg_node *kinetic(fit f) {
    return half_mean_square(erg_score(f.energy, f.data));
}
static erg_node *mean_laplacian(fit f) {
    return erg_mean(erg_laplacian(erg_energy_apply(f.energy, f.data), f.data), ERG_ALL, 0);
}
static erg_node *no_laplacian(fit f) {
    return kinetic(f);
}
static erg_node *flipped_laplacian(fit f) {
    return erg_add(kinetic(f), mean_laplacian(f));
}
static erg_node *no_half(fit f) {
    return erg_sub(erg_mul_scalar(kinetic(f), 2), mean_laplacian(f));
}
static erg_node *negated(fit f) {
    return erg_neg(exact_loss(f));
}
static erg_node *averaged_dims(fit f) {
    return erg_mul_scalar(exact_loss(f), 1.0 / DIMS);
}
static erg_node *summed_batch(fit f) {
    return erg_mul_scalar(exact_loss(f), BATCH);
}
static erg_node *added_score(fit f) {
    erg_node *other = erg_mul_scalar(f.data, 1 / (SPREAD * SPREAD));
    return half_mean_square(erg_sub(erg_score(f.energy, f.data), other));
}

/* Denoising with target + sign n sigma^power, at x + shift n. */
static erg_node *denoising(fit f, double sign, double power, double shift) {
    erg_node *score = erg_score(f.energy, erg_add(f.data, erg_mul_scalar(f.noise, shift)));
    return half_mean_square(erg_add(score, erg_mul_scalar(f.noise, sign * pow(SIGMA, power))));
}
static erg_node *flipped_noise(fit f) {
    return denoising(f, -1, -1, SIGMA);
}
static erg_node *sigma_squared(fit f) {
    return denoising(f, 1, -2, SIGMA);
}
static erg_node *sigma_itself(fit f) {
    return denoising(f, 1, 1, SIGMA);
}
static erg_node *clean_points(fit f) {
    return denoising(f, 1, -1, 0);
}
static erg_node *weighted(fit f) {
    return erg_mul_scalar(denoising(f, 1, -1, SIGMA), SIGMA * SIGMA);
}
static erg_node *inverted_energy(fit f) {
    f.energy.self = erg_neg(f.a);
    return denoising_loss(f);
}

/* The value at two places, and the minimum found from the gradient of the graph: at the root of a
 * gradient that rises. */
static bool is_parabola(erg_node *loss, fit f, parabola p) {
    ck_assert_msg(loss != NULL, "%s", erg_error_message());
    erg_plan *plan = erg_compile((erg_node *[]){loss, erg_gradient(loss, f.a)}, 2);
    const double places[] = {0.3, 1.7};
    double slopes[2];
    bool good = true;
    for (int k = 0; k < 2; k++) {
        double a = places[k], expected = p.a * a * a / 2 - p.b * a + p.c;
        erg_tensor_fill(erg_value(f.a), a);
        erg_run(plan);
        slopes[k] = erg_tensor_get(erg_output(plan, 1), 0);
        good = good && fabs(erg_tensor_get(erg_output(plan, 0), 0) - expected) < 1e-10;
    }
    double curvature = (slopes[1] - slopes[0]) / (places[1] - places[0]);
    double root = places[0] - slopes[0] / curvature;
    erg_tensor_fill(erg_value(f.a), root);
    erg_run(plan);
    good = good && curvature > 0 && fabs(erg_tensor_get(erg_output(plan, 1), 0)) < 1e-10 &&
           fabs(root - p.b / p.a) < 1e-10;
    erg_plan_free(plan);
    return good;
}

static const struct {
    erg_node *(*loss)(fit f);
    parabola (*parabola)(fit f);
    bool right;
} losses[] = {
    {exact_loss, exact_parabola, true},
    {fisher_loss, fisher_parabola, true},
    {denoising_loss, denoising_parabola, true},
    {denoising_by_node, denoising_parabola, true},
    {no_laplacian, exact_parabola, false},
    {flipped_laplacian, exact_parabola, false},
    {no_half, exact_parabola, false},
    {negated, exact_parabola, false},
    {averaged_dims, exact_parabola, false},
    {summed_batch, exact_parabola, false},
    {added_score, fisher_parabola, false},
    {flipped_noise, denoising_parabola, false},
    {sigma_squared, denoising_parabola, false},
    {sigma_itself, denoising_parabola, false},
    {clean_points, denoising_parabola, false},
    {weighted, denoising_parabola, false},
    {inverted_energy, denoising_parabola, false},
};

START_TEST(loss_is_its_closed_form) {
    fit f = new_fit();
    ck_assert(is_parabola(losses[_i].loss(f), f, losses[_i].parabola(f)) == losses[_i].right);
    erg_graph_free(f.graph);
}
END_TEST

/* Samples of three axes: the same sums. */
START_TEST(losses_take_samples_of_any_shape) {
    fit f = new_fit();
    f.data = ERG_RESHAPE(f.data, BATCH / 5, 2, 5, DIMS / 2);
    f.noise = ERG_RESHAPE(f.noise, BATCH / 5, 2, 5, DIMS / 2);
    double stiffness = 0.7, cross = 5 * f.cross, x2 = 5 * f.mean_square, n2 = 5 * f.noise_square;
    erg_energy energy = {erg_harmonic_energy, &stiffness};
    double moved = x2 + 2 * SIGMA * cross + SIGMA * SIGMA * n2, along = cross / SIGMA + n2;
    erg_denoising_options options = {.sigma = SIGMA, .noise = f.noise};
    ck_assert_double_eq_tol(number_of(erg_score_matching(energy, f.data)),
                            0.245 * x2 - 0.7 * 5 * DIMS, 1e-10);
    ck_assert_double_eq_tol(number_of(erg_denoising_score_matching(energy, f.data, options)),
                            0.245 * moved - 0.7 * along + n2 / (2 * SIGMA * SIGMA), 1e-10);
    ck_assert_double_eq_tol(number_of(erg_fisher_divergence(
                                energy, (erg_energy){erg_harmonic_energy, &stiffness}, f.data)),
                            0, 1e-15);
    erg_graph_free(f.graph);
}
END_TEST

/* ------------------------------------------------------------------------------- known numbers */

/* Data {-2, -1, 1, 2}: J(1) = .25, J'(1) = 1.5, minimum -.2 at .4. */
START_TEST(score_matching_has_known_numbers) {
    erg_graph *g = erg_graph_new(0);
    erg_node *a = number_param(g, "a", 1);
    erg_node *data = input_of(g, ERG_SHAPE(4, 1), (double[]){-2, -1, 1, 2});
    erg_node *loss = erg_score_matching((erg_energy){quadratic, a}, data);
    ck_assert_double_eq_tol(number_of(loss), 0.25, 1e-15);
    ck_assert_double_eq_tol(number_of(erg_gradient(loss, a)), 1.5, 1e-15);
    erg_tensor_fill(erg_value(a), 0.4);
    ck_assert_double_eq_tol(number_of(loss), -0.2, 1e-15);
    ck_assert_double_eq_tol(number_of(erg_gradient(loss, a)), 0, 1e-15);
    erg_graph_free(g);
}
END_TEST

/* Data N(0, 1), sigma = .5: the loss is [1.25 a^2 - 2 a + 4] / 2, 1.6 at its minimum a = .8 and
 * 1.65625 at .5. All that counts are the second moments of data and noise, so data +-1 with noise
 * +-1, in all four combinations, give these numbers exactly. */
START_TEST(denoising_has_known_numbers) {
    erg_graph *g = erg_graph_new(0);
    erg_node *a = number_param(g, "a", 0.8), *sigma = number_input(g, 0.5);
    erg_node *data = input_of(g, ERG_SHAPE(4, 1), (double[]){1, 1, -1, -1});
    erg_node *noise = input_of(g, ERG_SHAPE(4, 1), (double[]){1, -1, 1, -1});
    erg_node *loss =
        erg_denoising_score_matching((erg_energy){quadratic, a}, data,
                                     (erg_denoising_options){.sigma_node = sigma, .noise = noise});
    ck_assert_double_eq_tol(number_of(loss), 1.6, 1e-14);
    ck_assert_double_eq_tol(number_of(erg_gradient(loss, a)), 0, 1e-14);
    erg_tensor_fill(erg_value(a), 0.5);
    ck_assert_double_eq_tol(number_of(loss), 1.65625, 1e-14);
    /* Another sigma, without a new graph: the optimum 1 / (s^2 + sigma^2) moves. */
    erg_tensor_fill(erg_value(sigma), 2);
    erg_tensor_fill(erg_value(a), 0.2);
    ck_assert_double_eq_tol(number_of(erg_gradient(loss, a)), 0, 1e-14);
    erg_graph_free(g);
}
END_TEST

/* The same with normal numbers. The residual n / sigma - a x~ is N(0, v), v twice the loss, so the
 * loss of n samples has the standard deviation v / sqrt(2 n). */
static double denoising_z(double a, double sigma, double claim) {
    const int64_t n = draws(400000, 20000);
    erg_graph *g = erg_graph_new(54);
    erg_node *data = erg_normal(g, ERG_FLOAT64, ERG_SHAPE(n, 1));
    erg_node *loss =
        erg_denoising_score_matching((erg_energy){quadratic, erg_scalar(g, ERG_FLOAT64, a)}, data,
                                     (erg_denoising_options){.sigma = sigma});
    double z = (number_of(loss) - claim) / (2 * claim / sqrt(2 * (double)n));
    erg_graph_free(g);
    return z;
}

START_TEST(denoising_draws_its_noise) {
    ck_assert_double_lt(fabs(denoising_z(0.8, 0.5, 1.6)), CRITICAL_Z);
    ck_assert_double_lt(fabs(denoising_z(0.5, 0.5, 1.65625)), CRITICAL_Z);
    /* The default sigma is 0.1: v = a^2 (1 + sigma^2) - 2 a + 1 / sigma^2. */
    ck_assert_double_lt(fabs(denoising_z(1, 0, 0.5 * (1.01 - 2 + 100))), CRITICAL_Z);
    /* Planted: flipped energy, sigma^2 for sigma, a loss without the 1/2. */
    ck_assert_double_gt(fabs(denoising_z(-0.8, 0.5, 1.6)), CRITICAL_Z);
    ck_assert_double_gt(fabs(denoising_z(0.8, 0.25, 1.6)), CRITICAL_Z);
    ck_assert_double_gt(fabs(denoising_z(0.8, 0.5, 3.2)), CRITICAL_Z);
}
END_TEST

/* The derivative of exact score matching is of third order: E = v . tanh(W x + b) at two points. */
START_TEST(score_matching_has_golden_gradients) {
    const double w[] = {0.5, -1, 0.25, 0.75}, b[] = {0.1, -0.2}, v[] = {1.5, -0.5};
    const double points[] = {0.3, -0.7, 1.2, 0.4};
    const double golden[] = {1.64670707443237,  -2.33495012250924,  -0.517984597036244,
                             0.347430670532566, -0.590995820300181, -0.216477424658171,
                             1.89913090745448,  -0.732449270644433};
    erg_graph *g = erg_graph_new(0);
    erg_mlp *mlp = erg_mlp_new(g, "energy", (int64_t[]){2, 2, 1}, 3,
                               (erg_mlp_options){.dtype = ERG_FLOAT64, .activation = ERG_TANH});
    erg_node *params[] = {mlp->layers[0]->weight, mlp->layers[0]->bias, mlp->layers[1]->weight};
    memcpy(erg_value(params[0])->data, w, sizeof w);
    memcpy(erg_value(params[1])->data, b, sizeof b);
    memcpy(erg_value(params[2])->data, v, sizeof v);
    erg_node *loss =
        erg_score_matching((erg_energy){erg_mlp_energy, mlp}, input_of(g, ERG_SHAPE(2, 2), points));
    ck_assert_double_eq_tol(number_of(loss), 2.1807078644090882, 1e-13);
    erg_node *gradients[3];
    erg_grad(loss, params, 3, gradients);
    int at = 0;
    for (int k = 0; k < 3; k++) {
        double *values = elements_of(gradients[k]);
        for (int i = 0; i < (k ? 2 : 4); i++, at++)
            ck_assert_double_eq_tol(values[i], golden[at], 1e-13);
        free(values);
    }
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- a matrix */

/* E = x^T L x / 2: the optimum of exact score matching is the inverse of the data's second moments,
 * with the value -tr / 2; of denoising, that of the moments plus sigma^2. */
static erg_node *bilinear(void *self, erg_node *x) {
    return erg_mul_scalar(erg_sum(erg_mul(x, erg_matmul(x, self)), ERG_AXES(1), 0), 0.5);
}

/* S = A A^T for the rows of data +-sqrt(3) A e_i, and its inverse. */
static const double axes[3][3] = {{1.2, 0, 0}, {0.5, 0.8, 0}, {-0.3, 0.4, 1.5}};

static void invert(double m[3][3], double inverse[3][3]) {
    double determinant = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
            inverse[j][i] = m[a][c] * m[b][d] - m[a][d] * m[b][c];
        }
    for (int j = 0; j < 3; j++)
        determinant += m[0][j] * inverse[j][0];
    for (int i = 0; i < 9; i++)
        inverse[i / 3][i % 3] /= determinant;
}

/* The largest element of the loss's gradient at the inverse of (S + add I). */
static double gradient_at_inverse(bool denoise, double add, double *value, double *trace) {
    double data[36][3], noise[36][3], moments[3][3] = {{0}}, inverse[3][3];
    for (int k = 0; k < 36; k++)
        for (int i = 0; i < 3; i++) {
            data[k][i] = sqrt(3) * (k % 2 ? -1 : 1) * axes[i][k / 2 % 3];
            noise[k][i] = k / 12 == i ? sqrt(3) * (k / 6 % 2 ? -1 : 1) : 0;
        }
    for (int i = 0; i < 9; i++) {
        for (int k = 0; k < 3; k++)
            moments[i / 3][i % 3] += axes[i / 3][k] * axes[i % 3][k];
        moments[i / 3][i % 3] += i / 3 == i % 3 ? add : 0;
    }
    invert(moments, inverse);
    erg_graph *g = erg_graph_new(0);
    erg_node *l = input_of(g, ERG_SHAPE(3, 3), inverse[0]);
    erg_node *x = input_of(g, ERG_SHAPE(36, 3), data[0]),
             *n = input_of(g, ERG_SHAPE(36, 3), noise[0]);
    erg_energy energy = {bilinear, l};
    erg_node *loss = denoise ? erg_denoising_score_matching(
                                   energy, x, (erg_denoising_options){.sigma = SIGMA, .noise = n})
                             : erg_score_matching(energy, x);
    double *gradient = elements_of(erg_gradient(loss, l)), worst = 0;
    *value = number_of(loss);
    *trace = inverse[0][0] + inverse[1][1] + inverse[2][2];
    for (int i = 0; i < 9; i++)
        worst = fmax(worst, fabs(gradient[i]));
    free(gradient);
    erg_graph_free(g);
    return worst;
}

START_TEST(precision_is_the_inverse_covariance) {
    double value, trace;
    ck_assert_double_lt(gradient_at_inverse(false, 0, &value, &trace), 1e-12);
    ck_assert_double_eq_tol(value, -trace / 2, 1e-12);
    ck_assert_double_gt(gradient_at_inverse(false, 0.01, &value, &trace), 1e-3);
    ck_assert_double_lt(gradient_at_inverse(true, SIGMA * SIGMA, &value, &trace), 1e-12);
    ck_assert_double_gt(gradient_at_inverse(true, SIGMA, &value, &trace), 1e-3);
    ck_assert_double_gt(gradient_at_inverse(true, 0, &value, &trace), 1e-3);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

static erg_node *not_one_number(void *self, erg_node *x) {
    (void)self;
    return x;
}

START_TEST(losses_refuse_misuse) {
    fit f = new_fit();
    erg_graph *g = f.graph;
    const erg_energy none = {0}, wrong = {not_one_number, NULL};
    erg_denoising_options usual = {.noise = f.noise};
    REFUSES(g, "no function", erg_score_matching(none, f.data));
    REFUSES(g, "one number", erg_score_matching(wrong, f.data));
    FAILS_NULL("no x", erg_score_matching(f.energy, NULL));
    REFUSES(g, "no function", erg_fisher_divergence(f.energy, none, f.data));
    REFUSES(g, "no function", erg_fisher_divergence(none, f.energy, f.data));
    FAILS_NULL("", erg_fisher_divergence(f.energy, f.energy, NULL));
    REFUSES(g, "no function", erg_denoising_score_matching(none, f.data, usual));
    FAILS_NULL("no data", erg_denoising_score_matching(f.energy, NULL, usual));
    const double bad[] = {-1, NAN, INFINITY};
    for (int i = 0; i < COUNT(bad); i++)
        REFUSES(g, "sigma",
                erg_denoising_score_matching(f.energy, f.data,
                                             (erg_denoising_options){.sigma = bad[i]}));
    erg_node *column = input_of(g, ERG_SHAPE(BATCH, 1), NULL);
    REFUSES(
        g, "noise is (500, 1), data (500, 2)",
        erg_denoising_score_matching(f.energy, f.data, (erg_denoising_options){.noise = column}));
    REFUSES(g, "shape ()",
            erg_denoising_score_matching(f.energy, f.data,
                                         (erg_denoising_options){.sigma_node = column}));
    erg_node *single = erg_input(g, NULL, ERG_FLOAT32, ERG_SHAPE(BATCH, DIMS));
    REFUSES(
        g, "float32",
        erg_denoising_score_matching(f.energy, f.data, (erg_denoising_options){.noise = single}));
    ck_assert_ptr_nonnull(erg_denoising_score_matching(f.energy, f.data, usual));
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("losses");
    TCase *closed = tcase_create("closed forms");
    tcase_add_loop_test(closed, loss_is_its_closed_form, 0, COUNT(losses));
    tcase_add_test(closed, losses_take_samples_of_any_shape);
    tcase_add_test(closed, precision_is_the_inverse_covariance);
    suite_add_tcase(suite, closed);
    TCase *known = tcase_create("known numbers");
    tcase_add_test(known, score_matching_has_known_numbers);
    tcase_add_test(known, denoising_has_known_numbers);
    tcase_add_test(known, denoising_draws_its_noise);
    tcase_add_test(known, score_matching_has_golden_gradients);
    suite_add_tcase(suite, known);
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, losses_refuse_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}

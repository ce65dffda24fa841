/* test_dynamics.c: Langevin dynamics preconditioned, with decaying steps and with a velocity,
 * descent to modes, and gradients through chains, against what linear recursions give exactly. */
#include "modules.h"

/* E = sum_i k_i x_i^2 / 2 with k (D) a node. */
static erg_node *springs(void *self, erg_node *x) {
    return erg_sum(erg_mul_scalar(erg_mul(self, erg_square(x)), 0.5), ERG_AXES(1), 0);
}

static erg_energy springs_of(erg_graph *g, const double *k, int64_t d) {
    return (erg_energy){springs, input_of(g, ERG_SHAPE(d), k)};
}

/* Runs x <- next.x, v <- next.v n times. */
static void run_motion(erg_motion now, erg_motion next, int64_t n) {
    erg_node *both = erg_motion_assign(now, next);
    erg_plan *plan = erg_compile(&both, 1);
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    erg_run_n(plan, n);
    erg_plan_free(plan);
}

/* How many standard errors the mean square of column i of x (B, d) is off: for independent normal
 * numbers of this variance the relative error has variance 2 / B. */
static double z_of_variance(erg_node *x, int64_t i, double variance) {
    const erg_tensor *value = erg_value(x);
    int64_t chains = value->shape.dims[0], d = value->shape.dims[1];
    double squares = 0;
    for (int64_t b = 0; b < chains; b++)
        squares += pow(erg_tensor_get(value, b * d + i), 2);
    return (squares / (double)chains / variance - 1) / sqrt(2.0 / (double)chains);
}

/* The covariance (xx, xv, vv) of (x, v), from 0, after n maps by the matrix m and noise that adds
 * the covariance q each time. */
static void propagate(const double m[2][2], const double q[3], int64_t n, double *c) {
    c[0] = c[1] = c[2] = 0;
    for (int64_t t = 0; t < n; t++) {
        double xx = m[0][0] * m[0][0] * c[0] + 2 * m[0][0] * m[0][1] * c[1] +
                    m[0][1] * m[0][1] * c[2] + q[0];
        double xv = m[0][0] * m[1][0] * c[0] + (m[0][0] * m[1][1] + m[0][1] * m[1][0]) * c[1] +
                    m[0][1] * m[1][1] * c[2] + q[1];
        double vv = m[1][0] * m[1][0] * c[0] + 2 * m[1][0] * m[1][1] * c[1] +
                    m[1][1] * m[1][1] * c[2] + q[2];
        c[0] = xx;
        c[1] = xv;
        c[2] = vv;
    }
}

/* ------------------------------------------------------------------------------- with a velocity */

/* Positions of BAOAB on N(0, 1 / k) have exactly the variance 1 / k, whatever the step. Planted: an
 * energy twice as stiff. */
static const struct {
    double k, step, friction;
} rests[] = {{1, 0.1, 1}, {1, 0.5, 2}, {1, 1.5, 1}, {4, 0.5, 0.5}, {0.25, 1, 5}, {1, 1.9, 1}};

static double baoab(double k, double step, double friction, double claimed) {
    const int64_t chains = draws(40000, 2000);
    erg_graph *g = erg_graph_new(31);
    erg_motion now = {input_of(g, ERG_SHAPE(chains, 1), NULL),
                      input_of(g, ERG_SHAPE(chains, 1), NULL)};
    erg_underdamped_options options = {.step_size = step, .friction = friction};
    run_motion(now, erg_underdamped_langevin(springs_of(g, &k, 1), now, options),
               100 + (int64_t)(60 / step));
    double z = z_of_variance(now.x, 0, claimed);
    erg_graph_free(g);
    return z;
}

START_TEST(baoab_is_exact_for_gaussians) {
    double k = rests[_i].k, step = rests[_i].step, friction = rests[_i].friction;
    ck_assert_double_lt(fabs(baoab(k, step, friction, 1 / k)), CRITICAL_Z);
    /* Nor is it the variance of a scheme whose half kicks have been left out. */
    double error = step * step * k / 4;
    if (error > 0.2)
        ck_assert_double_gt(fabs(baoab(k, step, friction, 1 / (k * (1 - error)))), CRITICAL_Z);
    ck_assert_double_gt(fabs(baoab(2 * k, step / 2, friction, 1 / k)), CRITICAL_Z);
}
END_TEST

/* Without friction it is the leapfrog, with v half a kick ahead: with w = v + h / 2 k x the
 * velocity at x, (1 - h^2 k / 4) k x^2 + w^2 is conserved. */
START_TEST(without_friction_energy_is_conserved) {
    const double k = 2, h = 0.3;
    erg_graph *g = erg_graph_new(0);
    erg_motion now = {input_of(g, ERG_SHAPE(2, 1), (double[]){1, -0.5}),
                      input_of(g, ERG_SHAPE(2, 1), (double[]){0.25, 2})};
    double before[2], moved = 0;
    for (int run = 0; run < 2; run++) {
        for (int i = 0; i < 2; i++) {
            double x = erg_tensor_get(erg_value(now.x), i);
            double w = erg_tensor_get(erg_value(now.v), i) + h / 2 * k * x;
            double invariant = (1 - h * h * k / 4) * k * x * x + w * w;
            if (run == 1)
                ck_assert_double_eq_tol(invariant, before[i], 1e-12);
            before[i] = invariant;
            moved += fabs(x - (i ? -0.5 : 1));
        }
        erg_underdamped_options options = {.step_size = h, .friction = ERG_ZERO};
        run_motion(now, erg_underdamped_langevin(springs_of(g, &k, 1), now, options), 37);
    }
    ck_assert_double_gt(moved, 0.1);
    erg_graph_free(g);
}
END_TEST

/* SGHMC on N(0, 1 / k) is linear: x' = x + v', v' = (1 - a) v - r k x + noise. */
START_TEST(sghmc_has_its_law) {
    const double k = 1.5, rate = 0.04, friction = 0.2, noises[] = {0, 0.05};
    const int64_t chains = draws(40000, 2000), n = 200;
    for (int j = 0; j < COUNT(noises); j++) {
        erg_graph *g = erg_graph_new(32);
        erg_motion now = {input_of(g, ERG_SHAPE(chains, 1), NULL),
                          input_of(g, ERG_SHAPE(chains, 1), NULL)};
        erg_sghmc_options options = {
            .learning_rate = rate, .friction = friction, .gradient_noise = noises[j]};
        run_motion(now, erg_sghmc(springs_of(g, &k, 1), now, options), n);
        const double q = 2 * (friction - noises[j]) * rate;
        const double m[2][2] = {{1 - rate * k, 1 - friction}, {-rate * k, 1 - friction}};
        double c[3];
        propagate(m, (double[]){q, q, q}, n, c);
        ck_assert_double_lt(fabs(z_of_variance(now.x, 0, c[0])), CRITICAL_Z);
        ck_assert_double_lt(fabs(z_of_variance(now.v, 0, c[2])), CRITICAL_Z);
        /* Planted: noise without the 2. */
        ck_assert_double_gt(fabs(z_of_variance(now.x, 0, c[0] / 2)), CRITICAL_Z);
        erg_graph_free(g);
    }
}
END_TEST

START_TEST(nesterov_is_its_recursion) {
    const double k[] = {1, 30};
    for (int heavy = 0; heavy < 2; heavy++) {
        erg_graph *g = erg_graph_new(0);
        double x[] = {1, -2}, v[] = {0, 0}, h = 0.02, momentum = heavy ? 0.9 : 0;
        erg_motion now = {input_of(g, ERG_SHAPE(1, 2), x), input_of(g, ERG_SHAPE(1, 2), v)};
        erg_nesterov_options options = {.step_size = h, .momentum = heavy ? 0 : ERG_ZERO};
        run_motion(now, erg_nesterov(springs_of(g, k, 2), now, options), 150);
        for (int i = 0; i < 2; i++) {
            for (int t = 0; t < 150; t++) {
                v[i] = momentum * v[i] - h * k[i] * (x[i] + momentum * v[i]);
                x[i] += v[i];
            }
            ck_assert_double_eq_tol(erg_tensor_get(erg_value(now.x), i), x[i], 1e-13);
        }
        if (heavy) /* and faster than plain descent, which is at 0.98^150 = 0.05 by then */
            ck_assert_double_lt(fabs(x[0]), 1e-2);
        erg_graph_free(g);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- preconditioner */

/* With P = 1 / k all directions are as fast: the variance is 1 / (k (1 - h / 2)) in each. Planted:
 * a gradient alone, or a noise alone, that is preconditioned is another law. */
START_TEST(preconditioned_law_is_exact) {
    const double k[] = {0.01, 1, 100}, h = 0.5;
    const int64_t chains = draws(20000, 2000);
    double inverse[3];
    for (int i = 0; i < 3; i++)
        inverse[i] = 1 / k[i];
    for (int planted = 0; planted < 2; planted++) {
        erg_graph *g = erg_graph_new(33);
        erg_node *x = input_of(g, ERG_SHAPE(chains, 3), NULL);
        if (planted) /* the root of P where P should be */
            for (int i = 0; i < 3; i++)
                inverse[i] = sqrt(inverse[i]);
        erg_node *p = input_of(g, ERG_SHAPE(3), inverse);
        erg_langevin_options options = {.step_size = planted ? 0.1 : h, .preconditioner = p};
        erg_chain *chain = erg_chain_new(x, erg_langevin(springs_of(g, k, 3), x, options));
        ck_assert_int_eq(erg_chain_run(chain, 60), ERG_OK);
        for (int i = 0; i < 3; i++) {
            double z = z_of_variance(x, i, 1 / (k[i] * (1 - h / 2)));
            ck_assert(planted ? fabs(z) > CRITICAL_Z : fabs(z) < CRITICAL_Z);
        }
        erg_chain_free(chain);
        erg_graph_free(g);
    }
}
END_TEST

/* The noise of one step is sqrt(P) times that without P. */
START_TEST(preconditioner_scales_drift_and_noise) {
    const double k = 3, h = 0.1, p = 4, at[] = {1, -2};
    double *steps[4];
    for (int j = 0; j < 4; j++) {
        erg_graph *g = erg_graph_new(34);
        erg_langevin_options options = {.step_size = h, .noise = j % 2 ? 0.7 : ERG_ZERO};
        if (j / 2)
            options.preconditioner = number_input(g, p);
        steps[j] = elements_of(
            erg_langevin(springs_of(g, &k, 1), input_of(g, ERG_SHAPE(2, 1), at), options));
        erg_graph_free(g);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_double_eq_tol(steps[2][i], at[i] - h * p * k * at[i], 1e-14);
        ck_assert_double_eq_tol(steps[3][i] - steps[2][i], sqrt(p) * (steps[1][i] - steps[0][i]),
                                1e-14);
        ck_assert_double_ne(steps[1][i], steps[0][i]);
    }
    for (int j = 0; j < 4; j++)
        free(steps[j]);
}
END_TEST

/* ------------------------------------------------------------------------------- decaying steps */

/* From 0 on N(0, 1): var <- (1 - h_t)^2 var + 2 h_t, with h_t = scale (offset + t)^-power. */
START_TEST(sgld_has_its_law) {
    const int64_t chains = draws(40000, 2000), n = 60;
    const double one = 1;
    erg_graph *g = erg_graph_new(35);
    erg_node *x = input_of(g, ERG_SHAPE(chains, 1), NULL);
    erg_node *t = erg_state(g, "t", ERG_FLOAT64, ERG_SCALAR);
    erg_sgld_options decay = {.scale = 1.5, .offset = 2, .power = 0.75};
    erg_node *step = erg_sgld_step(t, decay);
    erg_node *next =
        erg_langevin(springs_of(g, &one, 1), x, (erg_langevin_options){.step_size_node = step});
    erg_node *effects[] = {erg_assign(x, next), erg_assign(t, erg_add_scalar(t, 1))};
    erg_plan *plan = erg_compile(effects, 2);
    ck_assert_ptr_nonnull(plan);
    erg_run_n(plan, n);
    double variance = 0, late = 0;
    for (int64_t i = 0; i < n; i++) {
        double h = 1.5 * pow(2 + (double)i, -0.75), later = 1.5 * pow(3 + (double)i, -0.75);
        variance = (1 - h) * (1 - h) * variance + 2 * h;
        late = (1 - later) * (1 - later) * late + h;
    }
    ck_assert_double_lt(fabs(z_of_variance(x, 0, variance)), CRITICAL_Z);
    ck_assert_double_gt(fabs(z_of_variance(x, 0, late)), CRITICAL_Z);
    ck_assert_double_eq_tol(number_of(step), 1.5 * pow(62, -0.75), 1e-15);
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- unrolled */

/* x_k = (1 - h s)^k x_0 + noise, so d(sum x_k^2)/ds and /dx_0 are closed forms without noise, and
 * finite differences agree for an energy that is not quadratic. */
START_TEST(gradients_pass_through_chains) {
    const double h = 0.1, s = 1.7, at[] = {0.5, -2, 3};
    const int64_t k = 5;
    erg_graph *g = erg_graph_new(36);
    erg_node *x = input_of(g, ERG_SHAPE(3, 1), at), *stiffness = number_param(g, "s", s);
    erg_energy energy = {springs, stiffness};
    erg_langevin_options options = {.step_size = h, .noise = ERG_ZERO};
    erg_kernel move = {erg_langevin_kernel, &options};
    erg_node *last = erg_unroll(move, energy, x, k);
    double *states = elements_of(last), *dx = elements_of(erg_gradient(last, x)), sum = 0;
    double factor = 1 - h * s;
    for (int i = 0; i < 3; i++) {
        ck_assert_double_eq_tol(states[i], pow(factor, 5) * at[i], 1e-14);
        ck_assert_double_eq_tol(dx[i], pow(factor, 5), 1e-14);
        sum += at[i] * at[i];
    }
    erg_node *loss = erg_sum(erg_square(last), ERG_ALL, 0);
    ck_assert_double_eq_tol(number_of(erg_gradient(loss, stiffness)),
                            -10 * h * pow(factor, 9) * sum, 1e-12);
    ck_assert_ptr_eq(erg_unroll(move, energy, x, 0), x);
    free(states);
    free(dx);
    erg_graph_free(g);
}
END_TEST

/* E = w x^4 / 4 + b x. */
static erg_node *quartic(void *self, erg_node *x) {
    erg_node **p = self;
    erg_node *fourth = erg_mul_scalar(erg_mul(p[0], erg_pow_scalar(x, 4)), 0.25);
    return erg_sum(erg_add(fourth, erg_mul(p[1], x)), ERG_AXES(1), 0);
}

START_TEST(unrolled_gradients_are_finite_differences) {
    erg_graph *g = erg_graph_new(37);
    erg_node *xs[] = {input_of(g, ERG_SHAPE(3, 1), (double[]){0.5, -1, 1.2}),
                      number_param(g, "w", 0.8), number_param(g, "b", 0.3)};
    erg_langevin_options options = {.step_size = 0.05, .noise = ERG_ZERO};
    erg_node *last = erg_unroll((erg_kernel){erg_langevin_kernel, &options},
                                (erg_energy){quartic, &xs[1]}, xs[0], 4);
    erg_motion now = {last, erg_full_like(last, 0)};
    for (int i = 0; i < 3; i++) /* and through velocities */
        now = erg_nesterov((erg_energy){quartic, &xs[1]}, now, (erg_nesterov_options){0});
    erg_gradcheck_result result;
    ck_assert_msg(erg_gradcheck(now.x, xs, 3, (erg_gradcheck_options){.order = 2}, &result) ==
                      ERG_OK,
                  "%s", result.message);
    erg_graph_free(g);
}
END_TEST

/* Each application has noise of its own: k steps of pure noise have variance 2 h k. */
START_TEST(unrolled_noise_is_new_each_time) {
    const int64_t chains = draws(40000, 2000), k = 8;
    const double h = 0.02, none = 0;
    erg_graph *g = erg_graph_new(38);
    erg_node *x = input_of(g, ERG_SHAPE(chains, 1), NULL);
    erg_langevin_options options = {.step_size = h};
    erg_node *last =
        erg_unroll((erg_kernel){erg_langevin_kernel, &options}, springs_of(g, &none, 1), x, k);
    erg_chain *chain = erg_chain_new(x, last);
    erg_chain_run(chain, 1);
    ck_assert_double_lt(fabs(z_of_variance(x, 0, 2 * h * (double)k)), CRITICAL_Z);
    erg_chain_free(chain);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- rejections */

/* E = -log x, NaN for x < 0 and infinite at 0. */
static erg_node *log_energy(void *self, erg_node *x) {
    (void)self;
    return erg_neg(erg_sum(erg_log(x), ERG_AXES(1), 0));
}

START_TEST(moves_to_no_energy_are_rejected) {
    const double from[] = {1, 2, 3, -4, 5}, to[] = {-1, 0, 0.5, 6, INFINITY};
    const double next[] = {1, 2, 0.5, 6, 5}, rejected[] = {1, 1, 0, 0, 1};
    erg_graph *g = erg_graph_new(0);
    erg_guarded kept = erg_guard((erg_energy){log_energy, NULL}, input_of(g, ERG_SHAPE(5, 1), from),
                                 input_of(g, ERG_SHAPE(5, 1), to));
    double *states = elements_of(kept.next), *marks = elements_of(kept.rejected);
    double *energies = elements_of(kept.energy);
    for (int i = 0; i < 5; i++) {
        ck_assert_double_eq(states[i], next[i]);
        ck_assert_double_eq(marks[i], rejected[i]);
        ck_assert_double_eq_tol(energies[i], -log(next[i]), 1e-14);
    }
    free(states);
    free(marks);
    free(energies);
    erg_graph_free(g);
}
END_TEST

/* What float32 could not hold is an energy like any other in float64. */
START_TEST(great_energies_are_finite) {
    double one = 1;
    erg_graph *g = erg_graph_new(0);
    erg_guarded kept =
        erg_guard((erg_energy){erg_harmonic_energy, &one}, input_of(g, ERG_SHAPE(1, 1), &one),
                  input_of(g, ERG_SHAPE(1, 1), (double[]){1e100}));
    ck_assert_double_eq(number_of(kept.rejected), 0);
    ck_assert_double_eq(number_of(kept.next), 1e100);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

#define REFUSES_MOTION(text, call) REFUSES(g, text, (call).x)

START_TEST(dynamics_refuse_misuse) {
    double one = 1;
    const erg_energy energy = {erg_harmonic_energy, &one};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(3, 2), NULL), *column = input_of(g, ERG_SHAPE(3, 1), NULL);
    const erg_motion good = {x, x}, bad = {x, column}, half = {x, NULL};
    const double numbers[] = {-1, NAN, INFINITY};
    for (int i = 0; i < COUNT(numbers); i++) {
        double n = numbers[i];
        REFUSES_MOTION(
            "underdamped_langevin: step",
            erg_underdamped_langevin(energy, good, (erg_underdamped_options){.step_size = n}));
        REFUSES_MOTION("friction", erg_underdamped_langevin(
                                       energy, good, (erg_underdamped_options){.friction = n}));
        REFUSES_MOTION("sghmc: learning rate",
                       erg_sghmc(energy, good, (erg_sghmc_options){.learning_rate = n}));
        REFUSES_MOTION("friction", erg_sghmc(energy, good, (erg_sghmc_options){.friction = n}));
        REFUSES_MOTION("noise", erg_sghmc(energy, good, (erg_sghmc_options){.gradient_noise = n}));
        REFUSES_MOTION("nesterov: step",
                       erg_nesterov(energy, good, (erg_nesterov_options){.step_size = n}));
        REFUSES_MOTION("momentum",
                       erg_nesterov(energy, good, (erg_nesterov_options){.momentum = n}));
        REFUSES(g, "sgld_step", erg_sgld_step(number_input(g, 0), (erg_sgld_options){.scale = n}));
        REFUSES(g, "sgld_step", erg_sgld_step(number_input(g, 0), (erg_sgld_options){.power = n}));
    }
    REFUSES_MOTION("noise 0.2",
                   erg_sghmc(energy, good, (erg_sghmc_options){.gradient_noise = 0.2}));
    REFUSES_MOTION("x is (3, 2), v is (3, 1)",
                   erg_underdamped_langevin(energy, bad, (erg_underdamped_options){0}));
    REFUSES_MOTION("sghmc: needs x and v", erg_sghmc(energy, half, (erg_sghmc_options){0}));
    REFUSES_MOTION("x is (3, 2)", erg_nesterov(energy, bad, (erg_nesterov_options){0}));
    REFUSES_MOTION("no function", erg_nesterov((erg_energy){0}, good, (erg_nesterov_options){0}));
    REFUSES_MOTION("shape (), not (3, 1)",
                   erg_nesterov(energy, good, (erg_nesterov_options){.step_size_node = column}));
    REFUSES(g, "shape ()", erg_sgld_step(column, (erg_sgld_options){0}));
    REFUSES(
        g, "broadcast",
        erg_langevin(energy, x,
                     (erg_langevin_options){.preconditioner = input_of(g, ERG_SHAPE(4), NULL)}));
    REFUSES(g, "no transition", erg_unroll((erg_kernel){0}, energy, x, 1));
    const erg_kernel move = {erg_langevin_kernel, NULL};
    REFUSES(g, "unroll: -1 times", erg_unroll(move, energy, x, -1));
    REFUSES(g, "no function", erg_unroll(move, (erg_energy){0}, x, 1));
    ck_assert_ptr_null(erg_unroll(move, energy, NULL, 1));
    REFUSES(g, "guard: x is (3, 2), next (3, 1)", erg_guard(energy, x, column).next);
    ck_assert_ptr_null(erg_guard(energy, NULL, x).next);
    ck_assert_ptr_null(erg_nesterov(energy, (erg_motion){0}, (erg_nesterov_options){0}).x);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("dynamics");
    TCase *velocity = tcase_create("velocity");
    tcase_add_loop_test(velocity, baoab_is_exact_for_gaussians, 0, COUNT(rests));
    tcase_add_test(velocity, without_friction_energy_is_conserved);
    tcase_add_test(velocity, sghmc_has_its_law);
    tcase_add_test(velocity, nesterov_is_its_recursion);
    suite_add_tcase(suite, velocity);
    TCase *steps = tcase_create("steps");
    tcase_add_test(steps, preconditioned_law_is_exact);
    tcase_add_test(steps, preconditioner_scales_drift_and_noise);
    tcase_add_test(steps, sgld_has_its_law);
    tcase_add_test(steps, moves_to_no_energy_are_rejected);
    tcase_add_test(steps, great_energies_are_finite);
    suite_add_tcase(suite, steps);
    TCase *unrolled = tcase_create("unrolled");
    tcase_add_test(unrolled, gradients_pass_through_chains);
    tcase_add_test(unrolled, unrolled_gradients_are_finite_differences);
    tcase_add_test(unrolled, unrolled_noise_is_new_each_time);
    suite_add_tcase(suite, unrolled);
    TCase *general = tcase_create("general");
    tcase_add_test(general, dynamics_refuse_misuse);
    suite_add_tcase(suite, general);
    return run_suite(suite);
}

/* test_derivatives.c: what the derivatives of a graph are: known answers to order 3, conventions at
 * the edges, the laws that vjp, jvp, hvp, Jacobians and Hessians obey, and the gradient check. */
#include <stdlib.h>

#include "leaves.h"

/* ------------------------------------------------------------------------------- helpers */

static erg_node *total(erg_node *a, erg_node *b) {
    return erg_sum(erg_mul(a, b), ERG_ALL, 0);
}

static void check_orders(erg_node *y, erg_node *const *xs, int n) {
    erg_gradcheck_result result;
    erg_status status = erg_gradcheck(y, xs, n, (erg_gradcheck_options){.order = 3}, &result);
    ck_assert_msg(status == ERG_OK, "%s", result.message);
}

/* ------------------------------------------------------------------------------- known answers */

/* E = v . tanh(W x + b) and the loss mean(|dE/dx|^2 / 2 - Laplacian): its gradient by W, b and v
 * takes third derivatives of E. */
typedef struct network {
    erg_node *w, *b, *v;
} network;

static erg_node *network_energy(void *self, erg_node *x) {
    const network *net = self;
    erg_node *hidden = erg_tanh(erg_add(erg_matmul_transposed(x, 0, net->w, 1), net->b));
    return erg_matmul(hidden, net->v);
}

START_TEST(score_matching_of_a_network_has_its_gradient) {
    network net = {LEAF((2, 2), 0.5, -1, 0.25, 0.75), VECTOR(0.1, -0.2), VECTOR(1.5, -0.5)};
    erg_node *x = LEAF((2, 2), 0.3, -0.7, 1.2, 0.4), *xs[] = {net.w, net.b, net.v}, *dxs[3];
    erg_energy energy = {network_energy, &net};
    erg_node *square = erg_sum(erg_square(erg_score(energy, x)), ERG_AXES(1), 0);
    erg_node *laplacian = erg_laplacian(erg_energy_apply(energy, x), x);
    erg_node *loss = erg_mean(erg_sub(erg_mul_scalar(square, 0.5), laplacian), ERG_ALL, 0);
    erg_grad(loss, xs, 3, dxs);
    ck_assert_values(loss, 1e-12, 2.1807078644090882);
    ck_assert_values(dxs[0], 1e-12, 1.64670707443237, -2.33495012250924, -0.517984597036244,
                     0.347430670532566);
    ck_assert_values(dxs[1], 1e-12, -0.590995820300181, -0.216477424658171);
    ck_assert_values(dxs[2], 1e-12, 1.89913090745448, -0.732449270644433);
}
END_TEST

/* (1 - x)^2 + 100 (y - x^2)^2 of rows (x, y) */
static erg_node *rosenbrock(erg_node *xy) {
    erg_node *x = erg_select(xy, 1, 0), *y = erg_select(xy, 1, 1);
    erg_node *valley = erg_square(erg_sub(y, erg_square(x)));
    return erg_add(erg_square(erg_sub(erg_full_like(x, 1), x)), erg_mul_scalar(valley, 100));
}

START_TEST(rosenbrock_has_its_derivatives) {
    erg_node *x = LEAF((1, 2), -1.2, 1), *f = rosenbrock(x), *hessian = erg_hessian(f, x);
    ck_assert_values(f, 1e-14, 24.2);
    ck_assert_values(erg_gradient(f, x), 1e-14, -215.6, -88);
    ck_assert_values(hessian, 1e-14, 1330, 480, 480, 200);
    ck_assert_values(erg_laplacian(f, x), 1e-14, 1530);
    erg_node *row = erg_select(hessian, 1, 0); /* f_xx, f_xy */
    ck_assert_values(erg_gradient(erg_select(row, 1, 0), x), 1e-14, -2880, -400);
    ck_assert_values(erg_gradient(erg_select(row, 1, 1), x), 1e-14, -400, 0);
}
END_TEST

static const struct {
    erg_node *(*build)(erg_node *x);
    double x, orders[4];
} known[] = {
    {erg_softplus,
     1,
     {1.3132616875182228, .73105857863000488, .19661193324148185, -.090857747672948409}},
    {erg_gelu,
     1,
     {.84134474606854295, 1.0833154705876863, .24197072451914335, -.72591217355743005}},
    {erg_silu, 1, {.73105857863000488, .92767051187148673, .3023661188100153, -.30789882353508088}},
    {erg_tanh,
     .5,
     {.46211715726000976, .78644773296592741, -.72686198138358728, -.56520928825977036}},
    {erg_lgamma, 1, {0, -.57721566490153286, 1.6449340668482264, -2.4041138063191886}},
    {erg_erf, 0, {0, 1.1283791670955126, 0, -2.2567583341910251}},
};

START_TEST(functions_have_known_orders_0_to_3) {
    erg_node *x = NUMBER(known[_i].x), *y = known[_i].build(x);
    for (int order = 0; order <= 3; order++) {
        check_numbers("order", y, 4e-15, 1, &known[_i].orders[order]);
        y = erg_gradient(y, x);
    }
}
END_TEST

START_TEST(extreme_values_are_exact) {
    erg_node *x = VECTOR(1000, 1000.5, -1e4), *y = erg_softplus(VECTOR(-40));
    ck_assert_values(erg_logsumexp(x, ERG_ALL, 0), 1e-15, 1000.9740769841801);
    ck_assert_values(erg_mul_scalar(y, 1 / 4.248354255291589e-18), 1e-15, 1);
}
END_TEST

/* ------------------------------------------------------------------------------- edges */

/* Arms of which each derivative is infinite or NaN where the arm is not taken. */
static erg_node *x_log_x(erg_node *x) {
    return erg_mul(x, erg_log(x));
}
static erg_node *root_of_masked(erg_node *x) {
    return erg_sqrt(erg_where(erg_greater(x, erg_full_like(x, 0)), erg_sqrt(x), x));
}
static erg_node *three_halves(erg_node *x) {
    return erg_pow_scalar(x, 1.5);
}

static const struct {
    erg_node *(*arm)(erg_node *x);
    double at_4[3]; /* derivatives of order 1 to 3 at x = 4 */
} arms[] = {
    {erg_sqrt, {1. / 4, -1. / 32, 3. / 256}},
    {erg_rsqrt, {-1. / 16, 3. / 128, -15. / 1024}},
    {erg_log, {1. / 4, -1. / 16, 1. / 32}},
    {erg_reciprocal, {-1. / 16, 1. / 32, -3. / 128}},
    {x_log_x, {1 + 2 * M_LN2, 1. / 4, -1. / 16}},
    {three_halves, {3, 3. / 8, -3. / 64}},
    {root_of_masked,
     {0.25 * 0.35355339059327379, -0.1875 * 0.088388347648318447, 0.328125 * 0.022097086912079612}},
};

START_TEST(an_arm_not_taken_has_derivative_0) {
    erg_node *x = VECTOR(-4, 0, 4), *zero = erg_full_like(x, 0), *arm = arms[_i].arm(x);
    erg_node *first = erg_where(erg_greater(x, zero), arm, zero);
    erg_node *second = erg_where(erg_less_equal(x, zero), zero, arm);
    erg_node *both = erg_add(erg_mul_scalar(first, 3), erg_mul_scalar(second, -2));
    for (int order = 0; order < 3; order++) {
        first = erg_gradient(first, x);
        second = erg_gradient(second, x);
        both = erg_gradient(both, x);
        ck_assert_values(first, 1e-14, 0, 0, arms[_i].at_4[order]);
        ck_assert_values(second, 1e-14, 0, 0, arms[_i].at_4[order]);
        ck_assert_values(both, 1e-14, 0, 0, arms[_i].at_4[order]);
    }
}
END_TEST

START_TEST(norm_at_0_is_flat) {
    const double ps[] = {1, 2, INFINITY};
    erg_node *x = LEAF((2, 2), 0, 0, 3, 4);
    for (int i = 0; i < COUNT(ps); i++) {
        erg_node *norm = erg_norm(x, ps[i], ERG_AXES(1), 0);
        erg_node *dx = erg_gradient(norm, x), *hessian = erg_hessian(norm, x);
        ck_assert_values(erg_select(dx, 0, 0), 0, 0, 0);
        ck_assert_values(erg_select(hessian, 0, 0), 0, 0, 0, 0, 0);
        if (ps[i] == 2) {
            ck_assert_values(erg_select(dx, 0, 1), 1e-15, 0.6, 0.8);
            ck_assert_values(erg_select(hessian, 0, 1), 1e-15, 0.128, -0.096, -0.096, 0.072);
        }
    }
}
END_TEST

START_TEST(product_has_true_derivatives_at_zeros) {
    erg_node *x = LEAF((2, 4), 2, 0, 0, 3, 2, 0, 5, 3);
    erg_node *y = erg_prod(x, ERG_AXES(1), 0), *hessian = erg_hessian(y, x);
    ck_assert_values(erg_gradient(y, x), 0, 0, 0, 0, 0, 0, 30, 0, 0);
    ck_assert_values(erg_select(hessian, 0, 0), 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 6, 0, 0, 0, 0, 0, 0);
    erg_node *mixed = erg_select(erg_select(hessian, 1, 1), 1, 2); /* x_0 x_3 */
    ck_assert_values(erg_gradient(mixed, x), 0, 3, 0, 0, 2, 3, 0, 0, 2);
}
END_TEST

START_TEST(logistic_functions_are_smooth_far_out) {
    erg_node *x = VECTOR(-1e4, -750, 0, 750, 1e4);
    erg_node *y = erg_softplus(x), *l = erg_log_sigmoid(x);
    ck_assert_values(y, 0, 0, 0, M_LN2, 750, 1e4);
    ck_assert_values(l, 0, -1e4, -750, -M_LN2, 0, 0);
    y = erg_gradient(y, x), l = erg_gradient(l, x);
    ck_assert_values(y, 0, 0, 0, 0.5, 1, 1);
    ck_assert_values(l, 0, 1, 1, 0.5, 0, 0);
    y = erg_gradient(y, x), l = erg_gradient(l, x);
    ck_assert_values(y, 0, 0, 0, 0.25, 0, 0);
    ck_assert_values(l, 0, 0, 0, -0.25, 0, 0);
    ck_assert_values(erg_gradient(y, x), 0, 0, 0, 0, 0, 0);
    ck_assert_values(erg_gradient(erg_tanh(x), x), 0, 0, 0, 1, 0, 0);
    ck_assert_values(erg_gradient(erg_silu(x), x), 0, 0, 0, 0.5, 1, 1);
    ck_assert_values(erg_gradient(erg_gelu(x), x), 0, 0, 0, 0.5, 1, 1);
}
END_TEST

START_TEST(logsumexp_of_nothing_is_flat) {
    erg_node *x = LEAF((2, 2), -INFINITY, -INFINITY, 0, -INFINITY);
    erg_node *y = erg_logsumexp(x, ERG_AXES(1), 0), *dx = erg_gradient(y, x);
    ck_assert_values(y, 0, -INFINITY, 0);
    ck_assert_values(dx, 0, 0, 0, 1, 0);
    ck_assert_values(erg_gradient(dx, x), 0, 0, 0, 0, 0);
}
END_TEST

/* What a builder's header says of the places without a derivative. */
static erg_node *leaky(erg_node *x) {
    return erg_leaky_relu(x, 0.25);
}
static erg_node *elu(erg_node *x) {
    return erg_elu(x, 2);
}
static erg_node *clamp_low(erg_node *x) {
    return erg_clamp(x, 0, 1);
}
static erg_node *clamp_high(erg_node *x) {
    return erg_clamp(x, -1, 0);
}
static erg_node *against_zero_max(erg_node *x) {
    return erg_maximum(x, erg_full_like(x, 0));
}
static erg_node *against_zero_min(erg_node *x) {
    return erg_minimum(erg_full_like(x, 0), x);
}
static erg_node *cube(erg_node *x) {
    return erg_pow_scalar(x, 3);
}
static erg_node *square(erg_node *x) {
    return erg_pow(x, erg_full_like(x, 2));
}
static erg_node *zeroth(erg_node *x) {
    return erg_pow_scalar(x, 0);
}
static erg_node *power_of_zero(erg_node *x) {
    return erg_pow(erg_full_like(x, 0), x);
}

static const struct {
    erg_node *(*build)(erg_node *x);
    double orders[3]; /* at x = 0 */
} at_zero[] = {
    {erg_relu, {0, 0, 0}},
    {erg_abs, {0, 0, 0}},
    {erg_sign, {0, 0, 0}},
    {erg_floor, {0, 0, 0}},
    {leaky, {0.25, 0, 0}},
    {elu, {2, 2, 2}},
    {clamp_low, {1, 0, 0}},
    {clamp_high, {1, 0, 0}},
    {against_zero_max, {0.5, 0, 0}},
    {against_zero_min, {0.5, 0, 0}},
    {square, {0, 2, 0}},
    {cube, {0, 0, 6}},
    {zeroth, {0, 0, 0}},
    {power_of_zero, {0, 0, 0}},
};

START_TEST(conventions_hold_at_0) {
    erg_node *x = NUMBER(0), *y = at_zero[_i].build(x);
    for (int order = 0; order < 3; order++) {
        y = erg_gradient(y, x);
        ck_assert_values(y, 0, at_zero[_i].orders[order]);
    }
}
END_TEST

START_TEST(ties_share) {
    erg_node *x = LEAF((2, 3), 1, 3, 3, -5, -5, -5), *a = VECTOR(1, 2, 2), *b = VECTOR(2, 1, 2);
    ck_assert_values(erg_gradient(erg_max(x, ERG_AXES(1), 0), x), 1e-16, 0, 0.5, 0.5, 1. / 3,
                     1. / 3, 1. / 3);
    ck_assert_values(erg_gradient(erg_min(x, ERG_AXES(0), 0), x), 0, 0, 0, 0, 1, 1, 1);
    ck_assert_values(erg_gradient(erg_maximum(a, b), a), 0, 0, 1, 0.5);
    ck_assert_values(erg_gradient(erg_maximum(a, b), b), 0, 1, 0, 0.5);
    ck_assert_values(erg_gradient(erg_minimum(a, b), a), 0, 1, 0, 0.5);
    ck_assert_values(erg_gradient(erg_maximum(a, a), a), 0, 1, 1, 1);
}
END_TEST

START_TEST(empty_tensors_have_empty_gradients) {
    erg_node *x = erg_input(g, NULL, ERG_FLOAT64, ERG_SHAPE(0, 3));
    erg_node *ys[] = {erg_sum(x, ERG_ALL, 0), erg_mean(x, ERG_ALL, 0), erg_prod(x, ERG_ALL, 0),
                      erg_logsumexp(x, ERG_ALL, 0), erg_norm(x, 2, ERG_ALL, 0)};
    const double values[] = {0, NAN, 1, -INFINITY, 0};
    for (int i = 0; i < COUNT(ys); i++) {
        check_numbers("over nothing", ys[i], 0, 1, &values[i]);
        erg_tensor *dx = evaluate(erg_gradient(ys[i], x));
        ck_assert(erg_shape_equal(dx->shape, ERG_SHAPE(0, 3)));
        erg_tensor_free(dx);
    }
    ck_assert_ptr_null(erg_max(x, ERG_ALL, 0));
    ck_assert_str_eq(erg_graph_error(g), "max: no elements along axis 0 of (0, 3)");
}
END_TEST

/* ------------------------------------------------------------------------------- what depends */

START_TEST(derivatives_go_to_any_node) {
    erg_node *x = VECTOR(1, 2), *unused = VECTOR(5), *late;
    erg_node *middle = erg_square(x), *y = erg_mul(middle, middle);
    late = erg_exp(y);
    ck_assert_values(erg_gradient(y, middle), 0, 2, 8);
    ck_assert_values(erg_gradient(y, x), 0, 4, 32);
    ck_assert_values(erg_gradient(y, y), 0, 1, 1);
    ck_assert_values(erg_gradient(y, unused), 0, 0);
    ck_assert_values(erg_gradient(y, late), 0, 0, 0);
    ck_assert_values(erg_gradient(unused, unused), 0, 1);
    ck_assert_values(erg_jvp(y, y, VECTOR(3, 4)), 0, 3, 4);
    ck_assert_values(erg_jvp(y, unused, VECTOR(3)), 0, 0, 0);
    ck_assert_values(erg_hvp(y, unused, VECTOR(3)), 0, 0);
    erg_node *xs[] = {x, middle, unused, x}, *dxs[4];
    erg_grad(erg_add(y, x), xs, 4, dxs);
    ck_assert_values(dxs[0], 0, 5, 33);
    ck_assert_values(dxs[1], 0, 2, 8);
    ck_assert_values(dxs[2], 0, 0);
    ck_assert_values(dxs[3], 0, 5, 33);
}
END_TEST

START_TEST(stop_gradient_stops) {
    erg_node *x = VECTOR(2, 3), *stopped = erg_stop_gradient(erg_square(x));
    ck_assert_values(erg_mul(x, stopped), 0, 8, 27);
    ck_assert_values(erg_gradient(erg_mul(x, stopped), x), 0, 4, 9);
    ck_assert_values(erg_gradient(erg_gradient(erg_mul(x, stopped), x), x), 0, 0, 0);
    ck_assert_values(erg_gradient(stopped, x), 0, 0, 0);
    ck_assert_values(erg_gradient(stopped, stopped), 0, 1, 1);
    /* and what stands behind it needs no derivative */
    erg_node *index = erg_cast(erg_argmax(x, 0), ERG_FLOAT64);
    ck_assert_values(erg_gradient(erg_mul(x, erg_stop_gradient(index)), x), 0, 1, 1);
    erg_node *largest = erg_take(x, erg_stop_gradient(erg_argmax(x, 0)), 0);
    ck_assert_values(erg_gradient(largest, x), 0, 0, 1);
}
END_TEST

START_TEST(derivatives_pass_casts) {
    erg_node *x = VECTOR(0.5, 1.5);
    erg_node *y = erg_square(erg_cast(x, ERG_FLOAT32)), *dx = erg_gradient(y, x);
    ck_assert_int_eq(erg_node_dtype(dx), ERG_FLOAT64);
    ck_assert_values(dx, 0, 1, 3);
    ck_assert_values(erg_gradient(dx, x), 0, 2, 2);
}
END_TEST

START_TEST(a_mistake_leaves_no_derivative) {
    erg_node *x = VECTOR(1, 2), *index = erg_argmax(x, 0), *y = erg_take(x, index, 0);
    erg_node *xs[] = {x, NULL}, *dxs[] = {x, x};
    erg_grad(y, xs, 2, dxs);
    ck_assert_str_eq(erg_graph_error(g), "grad: x number 1 is NULL");
    ck_assert(!dxs[0] && !dxs[1]);
    erg_graph_clear_error(g);
    dxs[0] = x;
    erg_grad(y, xs, 1, dxs);
    ck_assert_str_eq(erg_graph_error(g),
                     "argmax: has no derivative (erg_stop_gradient leaves it out)");
    ck_assert_ptr_null(dxs[0]);
}
END_TEST

/* ------------------------------------------------------------------------------- laws */

enum { BATCH = 3, IN = 4, OUT = 2 };

/* (BATCH, IN) -> (BATCH, OUT), rows apart: products, a softmax, a maximum, selection. */
static erg_node *rows_function(erg_node *x) {
    erg_node *w = random_leaf(ERG_SHAPE(IN, OUT), 11), *scale = random_leaf(ERG_SHAPE(OUT), 12);
    erg_node *hidden = erg_tanh(erg_matmul(x, w));
    erg_node *share = erg_mul(erg_softmax(x, 1), erg_max(x, ERG_AXES(1), 1));
    erg_node *rest = erg_silu(erg_slice(share, 1, 0, ERG_END, 2));
    erg_node *bent = erg_where(erg_less(hidden, rest), erg_exp(rest), erg_mul(hidden, scale));
    return erg_add(bent, erg_logsumexp(x, ERG_AXES(1), 1));
}

static erg_node *rows_energy(void *self, erg_node *x) {
    (void)self;
    return erg_sum(erg_square(rows_function(x)), ERG_AXES(1), 0);
}

/* d/dt y(x + t v) at t = 0, by the 6-point difference. */
static erg_node *directional_difference(erg_node *(*build)(erg_node *), erg_node *x, erg_node *v) {
    const double weights[] = {45, -9, 1}, h = 1e-3;
    erg_node *sum = NULL;
    for (int k = 0; k < 3; k++) {
        erg_node *step = erg_mul_scalar(v, (k + 1) * h);
        erg_node *change = erg_sub(build(erg_add(x, step)), build(erg_sub(x, step)));
        change = erg_mul_scalar(change, weights[k] / (60 * h));
        sum = sum ? erg_add(sum, change) : change;
    }
    return sum;
}

START_TEST(jvp_is_a_difference_and_vjp_its_transpose) {
    erg_node *x = random_leaf(ERG_SHAPE(BATCH, IN), 1), *v = random_leaf(ERG_SHAPE(BATCH, IN), 2);
    erg_node *y = rows_function(x), *u = random_leaf(erg_node_shape(y), 3);
    erg_node *jv = erg_jvp(y, x, v);
    ck_assert_same(jv, directional_difference(rows_function, x, v), 1e-10);
    double left = value_of(total(u, jv)), right = value_of(total(erg_vjp(y, x, u), v));
    ck_assert_msg(is_near(left, right, 1e-13), "%.17g, %.17g", left, right);
    ck_assert_double_gt(fabs(left), 0.01);
}
END_TEST

START_TEST(products_are_linear_in_their_direction) {
    erg_node *x = random_leaf(ERG_SHAPE(BATCH, IN), 1), *y = rows_function(x);
    erg_node *v = random_leaf(ERG_SHAPE(BATCH, IN), 2), *w = random_leaf(ERG_SHAPE(BATCH, IN), 3);
    erg_node *mix = erg_sub(erg_mul_scalar(v, 2), erg_mul_scalar(w, 3));
    erg_node *jv = erg_mul_scalar(erg_jvp(y, x, v), 2), *jw = erg_mul_scalar(erg_jvp(y, x, w), 3);
    ck_assert_same(erg_jvp(y, x, mix), erg_sub(jv, jw), 1e-12);
    erg_node *hv = erg_mul_scalar(erg_hvp(y, x, v), 2), *hw = erg_mul_scalar(erg_hvp(y, x, w), 3);
    ck_assert_same(erg_hvp(y, x, mix), erg_sub(hv, hw), 1e-12);
    erg_node *both = erg_add(erg_mul_scalar(y, 2), erg_square(y));
    erg_node *parts =
        erg_add(erg_mul_scalar(erg_gradient(y, x), 2), erg_gradient(erg_square(y), x));
    ck_assert_same(erg_gradient(both, x), parts, 1e-12);
}
END_TEST

START_TEST(hessian_is_symmetric) {
    erg_node *x = random_leaf(ERG_SHAPE(BATCH, IN), 1), *e = rows_energy(NULL, x);
    erg_node *u = random_leaf(ERG_SHAPE(BATCH, IN), 2), *v = random_leaf(ERG_SHAPE(BATCH, IN), 3);
    double left = value_of(total(u, erg_hvp(e, x, v))),
           right = value_of(total(v, erg_hvp(e, x, u)));
    ck_assert_msg(is_near(left, right, 1e-12), "%.17g, %.17g", left, right);
    ck_assert_double_gt(fabs(left), 0.01);
    erg_node *hessian = erg_hessian(e, x);
    ck_assert_same(hessian, erg_transpose(hessian), 1e-12);
}
END_TEST

START_TEST(second_derivatives_agree_with_each_other) {
    erg_node *x = random_leaf(ERG_SHAPE(BATCH, IN), 1), *e = rows_energy(NULL, x);
    erg_node *v = random_leaf(ERG_SHAPE(BATCH, IN), 2), *hessian = erg_hessian(e, x);
    erg_node *product = erg_squeeze(erg_matmul(hessian, erg_unsqueeze(v, 2)), 2);
    ck_assert_same(erg_jacobian(erg_gradient(e, x), x), hessian, 1e-12);
    ck_assert_same(erg_hvp(e, x, v), product, 1e-12);
    ck_assert_same(erg_laplacian(e, x), erg_sum(erg_diagonal(hessian), ERG_AXES(1), 0), 1e-12);
    erg_node *jacobian = erg_jacobian(rows_function(x), x);
    erg_node *jv = erg_squeeze(erg_matmul(jacobian, erg_unsqueeze(v, 2)), 2);
    ck_assert(erg_shape_equal(erg_node_shape(jacobian), ERG_SHAPE(BATCH, OUT, IN)));
    ck_assert_same(jv, directional_difference(rows_function, x, v), 1e-10);
}
END_TEST

START_TEST(second_derivatives_can_be_differentiated) {
    erg_node *x = random_leaf(ERG_SHAPE(2, 2), 1), *v = random_leaf(ERG_SHAPE(2, 2), 2);
    erg_node *f = rosenbrock(erg_tanh(x)), *xs[] = {x, v};
    erg_node *ys[] = {erg_hessian(f, x), erg_laplacian(f, x), erg_jacobian(erg_gradient(f, x), x),
                      erg_jvp(f, x, v), erg_hvp(f, x, v)};
    for (int i = 0; i < COUNT(ys); i++) {
        erg_gradcheck_result result;
        erg_gradcheck_options options = {.order = 2};
        ck_assert_msg(!erg_gradcheck(ys[i], xs, 2, options, &result), "%d %s", i, result.message);
    }
}
END_TEST

START_TEST(samples_may_have_any_shape) {
    erg_node *x = random_leaf(ERG_SHAPE(2, 2, 2), 1), *line = VECTOR(1, 2);
    erg_node *e = erg_sum(erg_exp(erg_cumsum(x, 2)), ERG_AXES(1, 2), 0);
    erg_node *flat = ERG_RESHAPE(x, 2, 4), *again = ERG_RESHAPE(flat, 2, 2, 2);
    erg_node *same = erg_sum(erg_exp(erg_cumsum(again, 2)), ERG_AXES(1, 2), 0);
    ck_assert_same(erg_hessian(e, x), erg_hessian(same, flat), 1e-15);
    ck_assert_same(erg_laplacian(e, x), erg_laplacian(same, flat), 1e-15);
    ck_assert_values(erg_hessian(cube(line), line), 0, 6, 12);
    ck_assert_values(erg_laplacian(cube(line), line), 0, 6, 12);
    erg_node *none = erg_input(g, NULL, ERG_FLOAT64, ERG_SHAPE(2, 0));
    erg_node *zero = erg_sum(none, ERG_AXES(1), 0);
    ck_assert_values(erg_laplacian(zero, none), 0, 0, 0);
    ck_assert(erg_shape_equal(erg_node_shape(erg_hessian(zero, none)), ERG_SHAPE(2, 0, 0)));
    ck_assert(erg_shape_equal(erg_node_shape(erg_jacobian(none, line)), ERG_SHAPE(2, 0, 1)) == 0);
}
END_TEST

/* E = |x|^2 / 2 has the score -x: towards the mode. */
static erg_node *quadratic(void *self, erg_node *x) {
    (void)self;
    return erg_mul_scalar(erg_sum(erg_square(x), ERG_AXES(1), 0), 0.5);
}

START_TEST(score_points_downhill) {
    erg_node *x = LEAF((2, 2), 1, -2, 0.5, 3);
    erg_energy energy = {quadratic, NULL};
    ck_assert_values(erg_energy_apply(energy, x), 0, 2.5, 4.625);
    ck_assert_values(erg_score(energy, x), 0, -1, 2, -0.5, -3);
}
END_TEST

/* Leading axes of the operands of a product, which is broadcast over them. */
static const struct {
    int a_ndim, b_ndim;
    int64_t a[2], b[2];
} leading[] = {{0, 0, {0}, {0}}, {1, 0, {2}, {0}}, {0, 1, {0}, {2}}, {2, 1, {2, 1}, {2}}};

static erg_node *matrices(int ndim, const int64_t *lead, int64_t rows, int64_t columns,
                          uint64_t seed) {
    int64_t dims[4];
    for (int i = 0; i < ndim; i++)
        dims[i] = lead[i];
    dims[ndim] = rows;
    dims[ndim + 1] = columns;
    return random_leaf(erg_shape_make(ndim + 2, dims), seed);
}

START_TEST(products_can_be_differentiated_three_times) {
    for (int flags = 0; flags < 4; flags++) {
        int ta = flags & 1, tb = flags >> 1;
        erg_node *a = matrices(leading[_i].a_ndim, leading[_i].a, ta ? 3 : 1, ta ? 1 : 3, 1);
        erg_node *b = matrices(leading[_i].b_ndim, leading[_i].b, tb ? 2 : 3, tb ? 3 : 2, 2);
        erg_node *y = erg_tanh(erg_matmul_transposed(erg_sin(a), ta, b, tb));
        check_orders(y, (erg_node *[]){a, b}, 2);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- suite */

static TCase *add_case(Suite *suite, const char *name) {
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

static Suite *derivatives_suite(void) {
    Suite *suite = suite_create("derivatives");

    TCase *answers = add_case(suite, "known answers");
    tcase_add_test(answers, score_matching_of_a_network_has_its_gradient);
    tcase_add_test(answers, rosenbrock_has_its_derivatives);
    tcase_add_loop_test(answers, functions_have_known_orders_0_to_3, 0, COUNT(known));
    tcase_add_test(answers, extreme_values_are_exact);

    TCase *edges = add_case(suite, "edges");
    tcase_add_loop_test(edges, an_arm_not_taken_has_derivative_0, 0, COUNT(arms));
    tcase_add_test(edges, norm_at_0_is_flat);
    tcase_add_test(edges, product_has_true_derivatives_at_zeros);
    tcase_add_test(edges, logistic_functions_are_smooth_far_out);
    tcase_add_test(edges, logsumexp_of_nothing_is_flat);
    tcase_add_loop_test(edges, conventions_hold_at_0, 0, COUNT(at_zero));
    tcase_add_test(edges, ties_share);
    tcase_add_test(edges, empty_tensors_have_empty_gradients);

    TCase *dependence = add_case(suite, "dependence");
    tcase_add_test(dependence, derivatives_go_to_any_node);
    tcase_add_test(dependence, stop_gradient_stops);
    tcase_add_test(dependence, derivatives_pass_casts);
    tcase_add_test(dependence, a_mistake_leaves_no_derivative);

    TCase *laws = add_case(suite, "laws");
    tcase_add_test(laws, jvp_is_a_difference_and_vjp_its_transpose);
    tcase_add_test(laws, products_are_linear_in_their_direction);
    tcase_add_test(laws, hessian_is_symmetric);
    tcase_add_test(laws, second_derivatives_agree_with_each_other);
    tcase_add_test(laws, second_derivatives_can_be_differentiated);
    tcase_add_test(laws, samples_may_have_any_shape);
    tcase_add_test(laws, score_points_downhill);
    tcase_add_loop_test(laws, products_can_be_differentiated_three_times, 0, COUNT(leading));
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(derivatives_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

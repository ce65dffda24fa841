/* test_loss_gradients.c: the gradient of each loss by the params and the data against finite
 * differences, through the whole loss, on an MLP; and its value for samples of another shape. Random
 * numbers are given, to stay the same. */
#include "modules.h"

enum { D = 2, ROWS = 3, COPIES = 2, HIDDEN = 4 };

typedef struct setting {
    erg_graph *graph;
    erg_mlp *mlp;
    erg_energy energy;
    erg_node *data, *noise, *many, *log_z;
} setting;

static erg_node *flat(erg_node *x) {
    return erg_node_shape(x).ndim > 2 ? erg_flatten(x, 1) : x;
}
static erg_node *energy_of_flat(void *self, erg_node *x) {
    return erg_mlp_energy(self, flat(x));
}

/* Samples are (D), or (1, D, 1) with the same elements. */
static setting new_setting(bool image) {
    const double numbers[] = {0.31, -0.72, 1.23, 0.44, -0.95, 0.16, 0.8, -0.4, 0.6, 1.1, -1.2, 0.3};
    setting s = {.graph = erg_graph_new(101)};
    s.mlp = erg_mlp_new(s.graph, "energy", (int64_t[]){D, HIDDEN, 1}, 3,
                        (erg_mlp_options){.dtype = ERG_FLOAT64});
    s.energy = (erg_energy){energy_of_flat, s.mlp};
    erg_shape shape = image ? ERG_SHAPE(ROWS, 1, D, 1) : ERG_SHAPE(ROWS, D);
    s.data = input_of(s.graph, shape, numbers);
    s.noise = input_of(s.graph, shape, numbers + 5);
    shape = image ? ERG_SHAPE(COPIES, ROWS, 1, D, 1) : ERG_SHAPE(COPIES, ROWS, D);
    s.many = input_of(s.graph, shape, numbers);
    s.log_z = number_param(s.graph, "log_z", 0.4);
    return s;
}

static erg_projections given(setting s) {
    return (erg_projections){.count = COPIES, .directions = s.many};
}
static erg_perturbation moves(setting s) {
    return (erg_perturbation){.sigma = 0.3, .count = COPIES, .noise = s.many};
}
static erg_node *batched(setting s) {
    return erg_trace_score_matching(s.energy, s.data,
                                    (erg_trace_options){.trace = ERG_TRACE_BATCHED});
}
static erg_node *hutchinson(setting s) {
    erg_trace_options o = {.trace = ERG_TRACE_HUTCHINSON, .projections = given(s)};
    return erg_trace_score_matching(s.energy, s.data, o);
}
static erg_node *plainly_sliced(setting s) {
    return erg_sliced_score_matching(s.energy, s.data,
                                     (erg_sliced_options){.projections = given(s), .plain = 1});
}
static erg_node *differences(setting s) {
    return erg_finite_difference_score_matching(
        s.energy, s.data, (erg_finite_difference_options){.projections = given(s)});
}
/* A stiffness that grows with the level. */
static erg_node *told_of_sigma(void *self, erg_node *x, erg_node *sigma) {
    const setting *s = self;
    erg_node *e = erg_energy_apply(s->energy, x);
    return erg_add(e, erg_mul(sigma, erg_sum(erg_square(flat(x)), ERG_AXES(1), 0)));
}
static erg_node *levels(setting s) {
    erg_denoising_levels_options o = {
        .sigmas = input_of(s.graph, ERG_SHAPE(2), (double[]){0.4, 0.7}),
        .levels = erg_cast(input_of(s.graph, ERG_SHAPE(ROWS), (double[]){1, 0, 1}), ERG_INT32),
        .variance_preserving = 1,
        .noise = s.noise};
    return erg_denoising_levels((erg_pair_energy){told_of_sigma, &s}, s.data, o);
}
static erg_node *propagated(setting s) {
    erg_node *before = erg_linear_apply(s.mlp->layers[0], flat(s.data)), *after = erg_silu(before);
    erg_node *e = erg_squeeze(erg_linear_apply(s.mlp->layers[1], after), 1);
    erg_node *many = ERG_RESHAPE(s.many, COPIES, ROWS, D);
    erg_node *wide = erg_concat((erg_node *[]){many, many}, 2, 2);
    return erg_curvature_propagation(e, s.data, &(erg_bend){before, after}, 1,
                                     (erg_projections){.count = COPIES, .directions = wide});
}
static erg_node *bounded(setting s) {
    return erg_bounded_score_matching(s.energy, s.data,
                                      (erg_bounded_options){.low = -3, .high = 2.5});
}
static erg_node *stein(setting s) {
    return erg_stein_discrepancy(s.energy, s.data, (erg_stein_options){0});
}
static erg_node *gaussian_stein(setting s) {
    return erg_stein_discrepancy(s.energy, s.data,
                                 (erg_stein_options){.kernel = ERG_STEIN_RBF, .biased = 1});
}
static double stiffness = 1.3;
static erg_noise noise_of(void) {
    return (erg_noise){{erg_harmonic_energy, &stiffness}, 0.7};
}
static erg_node *contrast(setting s) {
    return erg_noise_contrastive(s.energy, s.data, s.noise, noise_of(),
                                 (erg_noise_contrastive_options){.log_z = s.log_z, .ratio = 1.7});
}
static erg_node *ranking(setting s) {
    return erg_ranking(s.energy, s.data, erg_concat((erg_node *[]){s.noise, s.data}, 2, 0),
                       noise_of().energy);
}
static erg_node *info(setting s) {
    return erg_info_nce(erg_matmul_transposed(flat(s.data), 0, flat(s.noise), 1));
}
static erg_node *conditional(setting s) {
    return erg_conditional_nce(s.energy, s.data, moves(s));
}
static erg_node *discrepancy(setting s) {
    erg_energy_discrepancy_options o = {.sigma = 0.5,
                                        .count = COPIES,
                                        .noise = erg_unsqueeze(s.noise, 0),
                                        .contrast_noise = s.many};
    return erg_energy_discrepancy(s.energy, s.data, o);
}
static erg_node *flow(setting s) {
    return erg_minimum_probability_flow(s.energy, s.data, moves(s));
}
static erg_node *pseudo(setting s) {
    return erg_pseudo_likelihood(s.energy, s.data, ERG_BITS);
}
static erg_node *ratios(setting s) {
    return erg_ratio_matching(s.energy, s.data, ERG_BITS);
}
static erg_node *concrete(setting s) {
    return erg_concrete_score_matching(s.energy, s.data, ERG_BITS);
}
static erg_node *discrete_flow(setting s) {
    return erg_discrete_probability_flow(s.energy, s.data, ERG_BITS);
}
static erg_node *composite(setting s) {
    return erg_composite_likelihood(s.energy, s.data, (erg_composite_options){0});
}

/* One site of D states. */
static erg_node *one_hot(setting s) {
    return erg_reshape(s.data, 3, (int64_t[]){ROWS, 1, D});
}
static erg_node *category_pseudo(setting s) {
    return erg_pseudo_likelihood(s.energy, one_hot(s), ERG_ONE_HOT);
}
static erg_node *category_flow(setting s) {
    return erg_discrete_probability_flow(s.energy, one_hot(s), ERG_ONE_HOT);
}
static erg_node *category_composite(setting s) {
    return erg_composite_likelihood(s.energy, one_hot(s),
                                    (erg_composite_options){.sites = ERG_ONE_HOT, .block = 1});
}

static erg_node *(*const losses[])(setting s) = {batched,
                                                 hutchinson,
                                                 plainly_sliced,
                                                 differences,
                                                 levels,
                                                 propagated,
                                                 bounded,
                                                 stein,
                                                 gaussian_stein,
                                                 contrast,
                                                 ranking,
                                                 info,
                                                 conditional,
                                                 discrepancy,
                                                 flow,
                                                 pseudo,
                                                 ratios,
                                                 concrete,
                                                 discrete_flow,
                                                 composite,
                                                 category_pseudo,
                                                 category_flow,
                                                 category_composite};

START_TEST(loss_has_its_true_gradient) {
    setting s = new_setting(false);
    erg_node *xs[] = {s.data, s.mlp->layers[0]->weight, s.mlp->layers[0]->bias,
                      s.mlp->layers[1]->weight, s.log_z};
    erg_gradcheck_result result;
    erg_node *loss = losses[_i](s);
    ck_assert_msg(loss != NULL, "%s", erg_error_message());
    check_shape(loss, ERG_SCALAR);
    erg_status status =
        erg_gradcheck(loss, xs, COUNT(xs), (erg_gradcheck_options){.tolerance = 1e-7}, &result);
    ck_assert_msg(status == ERG_OK, "%s", result.message);
    erg_graph_free(s.graph);
}
END_TEST

START_TEST(samples_have_any_shape) {
    setting rows = new_setting(false), images = new_setting(true);
    ck_assert_double_eq_tol(number_of(losses[_i](rows)), number_of(losses[_i](images)), 1e-13);
    erg_graph_free(rows.graph);
    erg_graph_free(images.graph);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("loss gradients");
    TCase *gradients = tcase_create("gradients");
    tcase_add_loop_test(gradients, loss_has_its_true_gradient, 0, COUNT(losses));
    tcase_add_loop_test(gradients, samples_have_any_shape, 0, COUNT(losses));
    suite_add_tcase(suite, gradients);
    return run_suite(suite);
}

/* test_tempered_transition.c: excursions to high temperature and back, as one proposal each, on two modes
 * far apart. */
#include "tempered.h"

/* Chains that began in one mode have the law of both. Planted: what they would do without
 * acceptance, transitions at high temperature. */
START_TEST(tempered_transitions_keep_the_law) {
    const int64_t chains = draws(6000, 600);
    const double step_betas[] = {1, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1};
    const erg_ladder ladder = {.levels = COUNT(step_betas), .betas = step_betas};
    law target = law_of(1);
    for (int planted = 0; planted < 2; planted++) {
        erg_graph *g = erg_graph_new(65);
        erg_node *x = erg_state(g, "x", ERG_FLOAT64, ERG_SHAPE(chains, 1));
        erg_tensor_fill(erg_value(x), -3);
        erg_accepted move =
            erg_tempered_transition(two_modes(g), x, (erg_kernel){walk, NULL}, ladder);
        erg_node *always =
            erg_unroll((erg_kernel){walk, NULL},
                       erg_energy_tempered(g, two_modes(g), number_input(g, 10)), x, 3);
        erg_chain *chain = erg_chain_new(x, planted ? always : move.next);
        ck_assert_msg(chain != NULL, "%s", erg_error_message());
        ck_assert_int_eq(erg_chain_run(chain, 60), ERG_OK);
        double chi2 = misfit(&target, erg_value(x), 0, chains);
        ck_assert_msg(planted ? chi2 > 63.677 : chi2 < 63.677, "chi-squared %g", chi2);
        if (!planted) {
            double *taken = elements_of(move.accepted), part = 0;
            for (int64_t b = 0; b < chains; b++)
                part += taken[b] / (double)chains;
            ck_assert(part > 0.1 && part < 0.9);
            free(taken);
        }
        erg_chain_free(chain);
        erg_graph_free(g);
    }
}
END_TEST

/* Steps of a known length make the ratio a closed form: E(x) = x, each transition adds 1, so that
 * u_i = x + i, d_i = x + 2 n - i, and the sum over i of (b_(i-1) - b_i) (u_(i-1) - d_(i-1)) is
 * -(sum of the gaps times 2 (n - i + 1)). */
static erg_node *climb(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self;
    (void)tempered;
    (void)beta;
    return erg_add_scalar(x, 1);
}

START_TEST(tempered_ratio_is_exact) {
    const double ladder[] = {1, 0.8, 0.5, 0.1};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(2, 1), (double[]){0.5, -7});
    erg_accepted move =
        erg_tempered_transition((erg_energy){first_of, NULL}, x, (erg_kernel){climb, NULL},
                                (erg_ladder){.levels = 4, .betas = ladder});
    double *ratios = elements_of(move.log_ratio), expected = -(0.2 * 6 + 0.3 * 4 + 0.4 * 2);
    for (int b = 0; b < 2; b++)
        ck_assert_double_eq_tol(ratios[b], expected, 1e-14);
    free(ratios);
    erg_graph_free(g);
}
END_TEST

/* E = log x or -log x at 0 is infinite, with one sign or the other, and NaN below. */
static erg_node *log_of_first(void *self, erg_node *x) {
    return erg_mul(self, erg_log(erg_squeeze(x, 1)));
}
static erg_node *fall_to(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)tempered, (void)beta;
    return erg_full_like(x, *(double *)self);
}
START_TEST(tempered_moves_to_no_energy_are_refused) {
    double places[] = {0, -1, 2};
    for (int i = 0; i < 2 * COUNT(places); i++) {
        erg_graph *g = erg_graph_new(66);
        erg_node *x = input_of(g, ERG_SHAPE(1, 1), (double[]){2}),
                 *sign = number_input(g, i % 2 ? 1 : -1);
        erg_accepted move =
            erg_tempered_transition((erg_energy){log_of_first, sign}, x,
                                    (erg_kernel){fall_to, &places[i / 2]}, (erg_ladder){0});
        ck_assert_double_eq(number_of(move.next), 2);
        ck_assert_double_eq(number_of(move.accepted), places[i / 2] == 2);
        erg_graph_free(g);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- misuse */

START_TEST(tempered_transitions_refuse_misuse) {
    double one = 1;
    const erg_energy energy = {erg_harmonic_energy, &one};
    const erg_kernel move = {walk, NULL}, none = {NULL, NULL}, wrong = {shrink, NULL};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = input_of(g, ERG_SHAPE(6, 1), NULL);
    REFUSES(g, "tempered_transition: 1 temp",
            erg_tempered_transition(energy, x, move, (erg_ladder){.levels = 1}).next);
    REFUSES(g, "no transition", erg_tempered_transition(energy, x, none, (erg_ladder){0}).next);
    REFUSES(g, "tempered_transition: the transition makes (6)",
            erg_tempered_transition(energy, x, wrong, (erg_ladder){0}).next);
    REFUSES(g, "no function",
            erg_tempered_transition((erg_energy){0}, x, move, (erg_ladder){0}).next);
    ck_assert_ptr_null(erg_tempered_transition(energy, NULL, move, (erg_ladder){0}).next);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tempered transitions");
    TCase *transitions = tcase_create("transitions");
    tcase_add_test(transitions, tempered_transitions_keep_the_law);
    tcase_add_test(transitions, tempered_ratio_is_exact);
    tcase_add_test(transitions, tempered_moves_to_no_energy_are_refused);
    tcase_add_test(transitions, tempered_transitions_refuse_misuse);
    suite_add_tcase(suite, transitions);
    return run_suite(suite);
}

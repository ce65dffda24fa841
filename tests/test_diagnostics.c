/* test_diagnostics.c: statistics of chains against numbers computed from the published formulas, and
 * against closed forms for autoregressive chains; the table and the pictures. */
#include "golden_diagnostics.h"
#include "modules.h"

/* ------------------------------------------------------------------------------- goldens */

/* The draws of the script that made the goldens, (draws, chains, 1). */
static erg_tensor *golden_draws(const struct golden_chains *golden) {
    erg_tensor *x = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(golden->draws, golden->chains, 1));
    uint64_t state = 12345;
    for (int c = 0; c < golden->chains; c++) {
        double at = 0;
        for (int t = 0; t < golden->draws; t++) {
            state = (state * 1103515245 + 12345) % (UINT64_C(1) << 31);
            at = golden->a * at + ((double)state / 2147483648.0 - 0.5);
            double y = at * (1 + golden->spread * c) + golden->drift * t;
            if (strcmp(golden->kind, "shifted") == 0)
                y += 0.5 * c;
            else if (strcmp(golden->kind, "heavy") == 0)
                y = y / (0.01 + y * y);
            else if (strcmp(golden->kind, "ties") == 0)
                y = floor(4 * y);
            erg_tensor_set(x, (int64_t)t * golden->chains + c, y);
        }
    }
    return x;
}

static erg_diagnosis diagnose(const erg_tensor *draws) {
    erg_diagnosis r;
    ck_assert_msg(erg_diagnose(draws, &r, 1) == ERG_OK, "%s", erg_error_message());
    return r;
}

START_TEST(diagnostics_are_the_published_ones) {
    const struct golden_chains *golden = &golden_chains[_i];
    erg_tensor *draws = golden_draws(golden);
    erg_diagnosis r = diagnose(draws);
    const double found[] = {r.mean,     r.std,        r.mad,         r.q5,       r.median,
                            r.q95,      r.mcse_mean,  r.mcse_std,    r.ess_bulk, r.ess_tail,
                            r.ess_mean, r.rhat_split, r.rhat_folded, r.rhat};
    for (int k = 0; k < COUNT(found); k++)
        ck_assert_msg(fabs(found[k] - golden->statistics[k]) <=
                          1e-9 * fmax(1, fabs(golden->statistics[k])),
                      "%s: statistic %d is %.15g, not %.15g", golden->name, k, found[k],
                      golden->statistics[k]);
    erg_tensor_free(draws);
}
END_TEST

/* ------------------------------------------------------------------------------- closed forms */

/* Chains x' = a x + sqrt(1 - a^2) z, stationary from the start: (draws, chains, 1). */
static erg_tensor *autoregressive(int64_t n, int64_t chains, double a, uint64_t seed) {
    erg_tensor *x = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n, chains, 1));
    erg_random_normal(x, (erg_random){.seed = seed});
    for (int64_t i = chains; i < n * chains; i++)
        erg_tensor_set(x, i,
                       a * erg_tensor_get(x, i - chains) + sqrt(1 - a * a) * erg_tensor_get(x, i));
    return x;
}

static const double memories[] = {0, 0.5, 0.9, -0.5};

/* ESS = S (1 - a) / (1 + a), rho_t = a^t. With 40,000 draws the standard error of an ESS is a few
 * percent; that of rho_t at most sqrt((1 + a^2) / (1 - a^2) / n) (Bartlett 1946). */
START_TEST(autoregressive_chains_have_their_ess) {
    const double a = memories[_i];
    enum { N = 10000, CHAINS = 4 };
    erg_tensor *x = autoregressive(N, CHAINS, a, 11);
    erg_diagnosis r = diagnose(x);
    double ess = N * CHAINS * (1 - a) / (1 + a);
    ck_assert_double_eq_tol(r.ess_mean, ess, 0.15 * ess);
    ck_assert_double_eq_tol(r.ess_bulk, ess, 0.15 * ess);
    ck_assert_double_eq_tol(r.mcse_mean, 1 / sqrt(ess), 0.1 / sqrt(ess));
    ck_assert_double_lt(r.rhat, 1.01);
    ck_assert_double_eq_tol(r.mean, 0, CRITICAL_Z / sqrt(ess));
    erg_tensor *rho = erg_autocorrelation(x, 20);
    double error = CRITICAL_Z * sqrt((1 + a * a) / (1 - a * a) / N);
    for (int i = 0; i < 20 * CHAINS; i++)
        ck_assert_double_eq_tol(erg_tensor_get(rho, i), pow(a, i / CHAINS), error);
    erg_tensor_free(rho);
    erg_tensor_free(x);
}
END_TEST

/* Through the transform the same as by the double sum, for sizes that are no powers of two. */
START_TEST(autocorrelation_is_the_double_sum) {
    const int64_t n = (int64_t[]){2, 3, 7, 64, 100}[_i];
    erg_tensor *x = autoregressive(n, 1, 0.5, 3), *rho = erg_autocorrelation(x, 0);
    const double *v = erg_tensor_f64(x);
    double mean = 0, first = 0;
    for (int64_t t = 0; t < n; t++)
        mean += v[t] / (double)n;
    ck_assert_int_eq(rho->shape.dims[0], n);
    for (int64_t lag = 0; lag < n; lag++) {
        double sum = 0;
        for (int64_t t = 0; t + lag < n; t++)
            sum += (v[t] - mean) * (v[t + lag] - mean);
        first = lag == 0 ? sum : first;
        ck_assert_double_eq_tol(erg_tensor_get(rho, lag), sum / first, 1e-13);
    }
    erg_tensor_free(rho);
    erg_tensor_free(x);
}
END_TEST

/* ------------------------------------------------------------------------------- chains gone wrong */

enum { DRAWS = 500, MANY = 4 };

static const struct {
    const char *name;
    double shift, drift, scale; /* of chain c: times c */
    bool stuck;                 /* each chain at its own place for ever */
    double split, folded;       /* the least R-hat */
} wrong[] = {
    {"one place each", 0, 0, 0, true, 10, 0},
    {"shifted", 1, 0, 0, false, 1.1, 0},
    {"drifting together", 0, 0.01, 0, false, 1.1, 0},
    {"of different scale", 0, 0, 3, false, 0, 1.1},
};

START_TEST(rhat_tells_what_is_wrong) {
    erg_tensor *x = autoregressive(DRAWS, MANY, 0.3, 5);
    ck_assert_double_lt(diagnose(x).rhat, 1.01);
    for (int i = 0; i < DRAWS * MANY; i++) {
        int c = i % MANY;
        double old = erg_tensor_get(x, i) * (1 + wrong[_i].scale * c);
        erg_tensor_set(
            x, i,
            wrong[_i].stuck ? c : old + wrong[_i].shift * c + wrong[_i].drift * (double)(i / MANY));
    }
    erg_diagnosis r = diagnose(x);
    ck_assert_msg(r.rhat_split >= wrong[_i].split, "%s: split %g", wrong[_i].name, r.rhat_split);
    ck_assert_msg(!(r.rhat_folded < wrong[_i].folded), "%s: folded %g", wrong[_i].name,
                  r.rhat_folded);
    ck_assert_double_ge(r.rhat, 1.1);
    if (wrong[_i].scale > 0) /* the split alone does not see it */
        ck_assert_double_lt(r.rhat_split, 1.05);
    erg_tensor_free(x);
}
END_TEST

/* A draw that is not finite spoils its own element alone; constants have a mean and no R-hat. */
START_TEST(diagnostics_of_odd_draws) {
    erg_tensor *x = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(10, 2, 3));
    for (int i = 0; i < 60; i++)
        erg_tensor_set(x, i, i % 3 == 0 ? 2 : i);
    erg_tensor_set(x, 31, NAN);
    erg_diagnosis r[3];
    ck_assert_int_eq(erg_diagnose(x, r, 3), ERG_OK);
    ck_assert(r[0].mean == 2 && r[0].std == 0 && isnan(r[0].rhat) && isnan(r[0].ess_bulk));
    ck_assert(isnan(r[1].mean) && isnan(r[1].rhat) && isnan(r[1].ess_tail));
    ck_assert(r[2].mean == 30.5 && r[2].rhat > 1);
    erg_tensor_free(x);
}
END_TEST

/* White noise has the fraction 2 (a sum of n - 1 differences of variance 2), an autoregressive
 * chain 2 (1 - a). */
START_TEST(ebfmi_is_that_of_its_chain) {
    erg_tensor *x = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(2000, 2));
    erg_tensor *slow = autoregressive(2000, 1, 0.9, 8), *fast = autoregressive(2000, 1, 0, 9);
    for (int t = 0; t < 2000; t++) {
        erg_tensor_set(x, 2 * t, erg_tensor_get(slow, t));
        erg_tensor_set(x, 2 * t + 1, erg_tensor_get(fast, t));
    }
    erg_tensor *result = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(2));
    ck_assert_int_eq(erg_ebfmi(x, result), ERG_OK);
    ck_assert_double_eq_tol(erg_tensor_get(result, 0), 0.2, 0.05);
    ck_assert_double_eq_tol(erg_tensor_get(result, 1), 2, 0.2);
    double exact[] = {1, 3, 2, 2}; /* (4 + 1 + 0) / (1 + 1 + 0 + 0) */
    erg_tensor *four = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(4, 1), exact);
    erg_tensor *one = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(1));
    ck_assert_int_eq(erg_ebfmi(four, one), ERG_OK);
    ck_assert_double_eq(erg_tensor_get(one, 0), 2.5);
    FAILS("ebfmi: energies must be", erg_ebfmi(four, result));
    FAILS("ebfmi: no draws", erg_ebfmi(NULL, result));
    erg_tensor *all[] = {x, slow, fast, result, four, one};
    for (int i = 0; i < COUNT(all); i++)
        erg_tensor_free(all[i]);
}
END_TEST

/* ------------------------------------------------------------------------------- the table */

static char *summary(const erg_tensor *draws, erg_summary_options options) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_msg(erg_summary_print(draws, options, out) == ERG_OK, "%s", erg_error_message());
    fclose(out);
    return text;
}

START_TEST(summary_is_a_table) {
    erg_tensor *x = autoregressive(1000, 4, 0.5, 2);
    char *text = summary(x, (erg_summary_options){.names = (const char *[]){"height"}});
    ck_assert_msg(strstr(text, "4 chains, 1000 draws each.") && strstr(text, "\nheight ") &&
                      strstr(text, " ESS_bulk  ESS_tail     R_hat\n") &&
                      strstr(text, "No problem found."),
                  "%s", text);
    double mean, error;
    ck_assert_int_eq(sscanf(strstr(text, "height"), "height %lf %lf", &mean, &error), 2);
    erg_diagnosis r = diagnose(x);
    ck_assert_double_eq_tol(mean, r.mean, 1e-3 * fabs(r.mean));
    ck_assert_double_eq_tol(error, r.mcse_mean, 1e-3 * r.mcse_mean);
    free(text);
    erg_tensor_free(x);
}
END_TEST

START_TEST(summary_warns) {
    erg_tensor *x = autoregressive(20, 2, 0.9, 2),
               *six = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(20, 2, 2, 3));
    erg_tensor *energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(20, 2));
    for (int i = 0; i < 40; i++)
        erg_tensor_set(energies, i, i);
    char *text = summary(x, (erg_summary_options){.divergences = 3, .energies = energies});
    const char *const expected[] = {
        "R_hat is not below 1.01 for 1 of 1", "ESS is below 100 a chain for 1 of 1",
        "3 divergent transitions", "E-BFMI is not above 0.3", "\nx[0]  "};
    for (int i = 0; i < COUNT(expected); i++)
        ck_assert_msg(strstr(text, expected[i]) != NULL, "no \"%s\" in:\n%s", expected[i], text);
    ck_assert(!strstr(text, "No problem"));
    free(text);
    text = summary(six, (erg_summary_options){0});
    ck_assert(strstr(text, "\nx[0,0] ") && strstr(text, "\nx[1,2] ") && strstr(text, "6 of 6"));
    free(text);
    erg_tensor_free(x);
    erg_tensor_free(six);
    erg_tensor_free(energies);
}
END_TEST

/* ------------------------------------------------------------------------------- pictures */

typedef erg_status plotter(const char *path, const erg_tensor *draws, int64_t element,
                           const char *name);
static plotter *const plotters[] = {erg_trace_plot, erg_rank_plot, erg_autocorrelation_plot};

START_TEST(plots_are_written) {
    erg_tensor *x = autoregressive(150, 3, 0.5, 2);
    char path[] = "test_diagnostics-X.png";
    path[17] = (char)('0' + _i);
    ck_assert_msg(plotters[_i](path, x, 0, "x") == ERG_OK, "%s", erg_error_message());
    FILE *file = fopen(path, "rb");
    ck_assert(file && fgetc(file) == 0x89 && fgetc(file) == 'P');
    fclose(file);
    remove(path);
    FAILS("element 1 of 1", plotters[_i](path, x, 1, "x"));
    FAILS("no draws", plotters[_i](path, NULL, 0, "x"));
    FAILS("", plotters[_i]("no-such-folder/x.png", x, 0, NULL));
    erg_tensor_free(x);
}
END_TEST

START_TEST(diagnostics_refuse_misuse) {
    erg_tensor *x = autoregressive(20, 2, 0.9, 2), *few = autoregressive(7, 2, 0.9, 2);
    erg_tensor *flat = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(20));
    erg_tensor *empty = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(20, 0, 3));
    erg_diagnosis r;
    FAILS("diagnose: no draws", erg_diagnose(NULL, &r, 1));
    FAILS("(20)", erg_diagnose(flat, &r, 1));
    FAILS("(20, 0, 3)", erg_diagnose(empty, &r, 3));
    FAILS("8 draws", erg_diagnose(few, &r, 1));
    FAILS("2 results for 1", erg_diagnose(x, &r, 2));
    FAILS("0 results for 1", erg_diagnose(x, NULL, 1));
    FAILS_NULL("21 lags of 20", erg_autocorrelation(x, 21));
    FAILS_NULL("no draws", erg_autocorrelation(NULL, 1));
    FAILS("no stream", erg_summary_print(x, (erg_summary_options){0}, NULL));
    FAILS("negative", erg_summary_print(x, (erg_summary_options){.divergences = -1}, stdout));
    FAILS("ebfmi", erg_summary_print(x, (erg_summary_options){.energies = flat}, stdout));
    erg_tensor_set(x, 3, NAN);
    FAILS("NaN has no rank", erg_rank_plot("never.png", x, 0, NULL));
    erg_tensor *all[] = {x, few, flat, empty};
    for (int i = 0; i < COUNT(all); i++)
        erg_tensor_free(all[i]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("diagnostics");
    TCase *numbers = tcase_create("numbers");
    tcase_add_loop_test(numbers, diagnostics_are_the_published_ones, 0, COUNT(golden_chains));
    tcase_add_loop_test(numbers, autoregressive_chains_have_their_ess, 0, COUNT(memories));
    tcase_add_loop_test(numbers, autocorrelation_is_the_double_sum, 0, 5);
    tcase_add_loop_test(numbers, rhat_tells_what_is_wrong, 0, COUNT(wrong));
    tcase_add_test(numbers, diagnostics_of_odd_draws);
    tcase_add_test(numbers, ebfmi_is_that_of_its_chain);
    tcase_add_test(numbers, diagnostics_refuse_misuse);
    suite_add_tcase(suite, numbers);
    TCase *shown = tcase_create("shown");
    tcase_add_test(shown, summary_is_a_table);
    tcase_add_test(shown, summary_warns);
    tcase_add_loop_test(shown, plots_are_written, 0, COUNT(plotters));
    suite_add_tcase(suite, shown);
    return run_suite(suite);
}

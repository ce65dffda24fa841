/* enumerate.h: for tests of discrete samplers: all states of a few sites, energies over them, and
 * transition matrices with what they must satisfy. */
#ifndef ERG_TESTS_ENUMERATE_H
#define ERG_TESTS_ENUMERATE_H

#include "modules.h"

/* `sites` sites of one kind with `states` states each; state number s has the digits of s in that
 * base, the first site's first. */
typedef struct space {
    erg_sites kind;
    int sites, states, size;
} space;

static inline space space_of(erg_sites kind, int sites, int states) {
    space s = {kind, sites, states, 1};
    for (int i = 0; i < sites; i++)
        s.size *= states;
    return s;
}

static inline int digit(space s, int state, int site) {
    for (int i = site + 1; i < s.sites; i++)
        state /= s.states;
    return state % s.states;
}

static inline int with_digit(space s, int state, int site, int value) {
    int place = 1;
    for (int i = site + 1; i < s.sites; i++)
        place *= s.states;
    return state + (value - digit(s, state, site)) * place;
}

/* Elements of one sample. */
static inline int width(space s) {
    return s.kind == ERG_ONE_HOT ? s.sites * s.states : s.sites;
}

static inline erg_shape shape_of(space s, int64_t rows) {
    return s.kind == ERG_ONE_HOT ? ERG_SHAPE(rows, s.sites, s.states) : ERG_SHAPE(rows, s.sites);
}

/* Element j of a state as samplers see it. */
static inline double element(space s, int state, int j) {
    if (s.kind == ERG_ONE_HOT)
        return digit(s, state, j / s.states) == j % s.states;
    return s.kind == ERG_SPINS ? 2 * digit(s, state, j) - 1 : digit(s, state, j);
}

/* Writes a state into a row of x. */
static inline void put_state(space s, erg_tensor *x, int64_t row, int state) {
    for (int j = 0; j < width(s); j++)
        erg_tensor_set(x, row * width(s) + j, element(s, state, j));
}

/* The state in a row of x; fails the test if there is none. */
static inline int get_state(space s, const erg_tensor *x, int64_t row) {
    int state = 0, inner = width(s) / s.sites;
    for (int j = 0; j < width(s); j++) {
        bool up = erg_tensor_get(x, row * width(s) + j) == 1;
        int value = s.kind == ERG_ONE_HOT ? j % inner : 1;
        if (up)
            state = with_digit(s, state, j / inner, value);
    }
    for (int j = 0; j < width(s); j++)
        if (erg_tensor_get(x, row * width(s) + j) != element(s, state, j))
            ck_abort_msg("row %lld holds no state", (long long)row);
    return state;
}

/* All states, each `times` times, one after the other. */
static inline erg_node *all_states(erg_graph *graph, erg_dtype dtype, space s, int times) {
    erg_node *x = erg_input(graph, NULL, dtype, shape_of(s, (int64_t)s.size * times));
    for (int row = 0; row < s.size * times; row++)
        put_state(s, erg_value(x), row, row / times);
    return x;
}

/* pi(s) = exp(-E(s)) / Z for all states; an energy that is not finite counts as infinite. */
static inline void probabilities(erg_graph *graph, erg_energy energy, space s, double *pi) {
    double *e = elements_of(erg_energy_apply(energy, all_states(graph, ERG_FLOAT64, s, 1))), z = 0;
    for (int i = 0; i < s.size; i++)
        z += pi[i] = isfinite(e[i]) ? exp(-e[i]) : 0;
    for (int i = 0; i < s.size; i++)
        pi[i] /= z;
    free(e);
}

/* ------------------------------------------------------------------------------- matrices */

enum { MOST_STATES = 27 };
typedef double matrix[MOST_STATES][MOST_STATES];

static inline void multiply(int n, matrix a, matrix b, matrix result) {
    matrix product = {{0}};
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            for (int j = 0; j < n; j++)
                product[i][j] += a[i][k] * b[k][j];
    memcpy(result, product, sizeof product);
}

/* A chain that goes nowhere else stays. */
static inline void fill_diagonal(int n, matrix p) {
    for (int i = 0; i < n; i++) {
        p[i][i] = 1;
        for (int j = 0; j < n; j++)
            p[i][i] -= i == j ? 0 : p[i][j];
    }
}

/* max |pi P - pi|, and how far rows are from summing to 1 and from not being negative. */
static inline double drift_of(int n, const double *pi, matrix p) {
    double worst = 0;
    for (int j = 0; j < n; j++) {
        double next = 0, row = 0;
        for (int i = 0; i < n; i++) {
            next += pi[i] * p[i][j];
            row += p[j][i];
            worst = fmax(worst, -p[j][i]);
        }
        worst = fmax(worst, fmax(fabs(next - pi[j]), fabs(row - 1)));
    }
    return worst;
}

/* max |pi_i P_ij - pi_j P_ji| */
static inline double imbalance_of(int n, const double *pi, matrix p) {
    double worst = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            worst = fmax(worst, fabs(pi[i] * p[i][j] - pi[j] * p[j][i]));
    return worst;
}

/* Chi-squared of counts against the rows of P, over its critical value: above 1 they differ. Cells
 * that expect less than 5 are counted together; what cannot happen must not. */
static inline double misfit_of(int n, matrix counts, matrix p, double per_row) {
    double chi2 = 0;
    int degrees = 0;
    for (int i = 0; i < n; i++) {
        double few = 0, expected_few = 0;
        for (int j = 0; j < n; j++) {
            double expected = p[i][j] * per_row;
            if (expected < 5) {
                few += counts[i][j];
                expected_few += expected;
            } else {
                chi2 += pow(counts[i][j] - expected, 2) / expected;
                degrees++;
            }
            if (p[i][j] <= 0 && counts[i][j] > 0)
                return INFINITY;
        }
        if (expected_few >= 5) {
            chi2 += pow(few - expected_few, 2) / expected_few;
            degrees++;
        }
        degrees--;
    }
    ck_assert_int_ge(degrees, 20);
    return chi2 / critical_chi2(degrees);
}

#endif

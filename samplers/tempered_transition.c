/* tempered_transition.c: an excursion to high temperature and back as one proposal (Neal 1996). Up
 * the ladder the chain makes a transition at each beta_1, .., beta_n, down again in reverse order:
 *     x = u_0 -> u_1 -> .. -> u_n = d_n -> .. -> d_1 -> d_0,
 * and d_0 is accepted with probability
 *     min(1, exp sum_i (beta_(i-1) - beta_i) (E(u_(i-1)) - E(d_(i-1)))),
 * which leaves exp(-E) invariant if each transition satisfies detailed balance for its own. */
#include "metropolis.h"
#include "tempering.h"

/* Adds (beta_(i-1) - beta_i) sign E(at) to the log ratio. */
static erg_node *weigh(erg_node *log_ratio, erg_energy energy, erg_node *at, double factor) {
    erg_node *term = erg_mul_scalar(erg_energy_apply(energy, at), factor);
    return log_ratio ? erg_add(log_ratio, term) : term;
}

erg_accepted erg_tempered_transition(erg_energy energy, erg_node *x, erg_kernel kernel,
                                     erg_ladder ladder) {
    const erg_accepted none = {NULL, NULL, NULL};
    const char *name = "tempered_transition";
    int64_t n = 0;
    const double *betas = erg_ladder_betas(erg_node_graph(x), name, ladder, &n);
    if (!betas || !x)
        return none;
    erg_node *at = x, *log_ratio = NULL;
    for (int64_t i = 1; at && i < n; i++) {
        log_ratio = weigh(log_ratio, energy, at, betas[i - 1] - betas[i]);
        at = erg_kernel_apply(name, kernel, energy, erg_number_like(x, betas[i], NULL), at);
    }
    for (int64_t i = n - 1; at && i > 0; i--) {
        at = erg_kernel_apply(name, kernel, energy, erg_number_like(x, betas[i], NULL), at);
        log_ratio = weigh(log_ratio, energy, at, betas[i] - betas[i - 1]);
    }
    if (!at || !log_ratio)
        return none;
    erg_node *u = erg_uniform(erg_node_graph(x), erg_node_dtype(x), erg_node_shape(log_ratio));
    erg_node *finite = erg_finite_mask(erg_energy_apply(energy, at));
    erg_node *accepted = erg_logical_and(finite, erg_less(erg_log(u), log_ratio));
    erg_node *next = erg_chain_where(accepted, at, x);
    return next ? (erg_accepted){next, accepted, log_ratio} : none;
}

/* derivations.c: the identities of docs/manual/derivations.md, checked by number. Prints a table of
 * what a formula says and what the library computes; exits with 1 if they differ in any row.
 *
 * Expectations are exact: over a grid, where the trapezoidal rule converges faster than any power
 * for a density that vanishes at both ends; or over a few points whose second moments are those of
 * the density, when the integrand is quadratic. Only the Langevin chains are random. */
#include <erg.h>
#include <math.h>

static int wrong;

static void title(const char *text) {
    printf("\n%-40s %19s %19s %11s\n", text, "formula", "computed", "difference");
}

static void row(const char *what, double formula, double computed, double tolerance) {
    double difference = computed - formula;
    int good = fabs(difference) <= tolerance;
    printf("  %-38s %19.12g %19.12g %11.1e%s\n", what, formula, computed, difference,
           good ? "" : "  WRONG");
    wrong += !good;
}

/* The value of a node of one element; NaN, which no row accepts, after a mistake. */
static double number(erg_node *y) {
    erg_tensor *value = erg_evaluate(y);
    double result = value ? erg_tensor_get(value, 0) : NAN;
    if (!value)
        fprintf(stderr, "derivations: %s\n", erg_error_message());
    erg_tensor_free(value);
    return result;
}

static erg_node *column(erg_graph *g, int64_t n, const double *values) {
    erg_tensor *tensor = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(n, 1), values);
    erg_node *node = erg_constant(g, tensor);
    erg_tensor_free(tensor);
    return node;
}

/* A param a at this value, and the energy a x^2 / 2 that it makes: N(0, 1/a). */
static erg_node *stiffness(erg_graph *g, const char *name, double value) {
    erg_node *a = erg_param(g, name, ERG_FLOAT64, ERG_SCALAR);
    erg_tensor_fill(erg_value(a), value);
    return a;
}

static erg_node *spring(void *a, erg_node *x) {
    return erg_mul(erg_mul_scalar(a, 0.5), erg_sum(erg_square(x), ERG_AXES(1), 0));
}

static erg_node *double_well(void *self, erg_node *x) {
    (void)self;
    return erg_sum(erg_square(erg_add_scalar(erg_square(x), -1)), ERG_AXES(1), 0);
}

/* ------------------------------------------------------------------------------- grids */

enum { CELLS = 2000 };
static const double CELL = 20.0 / CELLS; /* from -10 to 10 */

static erg_node *grid(erg_graph *g) {
    erg_node *i = erg_unsqueeze(erg_arange(g, ERG_FLOAT64, CELLS + 1), 1);
    return erg_add_scalar(erg_mul_scalar(i, CELL), -10);
}

/* log of the integral of exp(-e) over the grid. */
static erg_node *log_z(erg_node *e) {
    return erg_add_scalar(erg_logsumexp(erg_neg(e), ERG_ALL, 0), log(CELL));
}

/* The mean of f (N) over the density exp(-e) / Z on the grid. */
static erg_node *expect(erg_node *e, erg_node *f) {
    return erg_dot(erg_softmax(erg_neg(e), 0), f);
}

static erg_node *norm2(erg_node *x) {
    return erg_sum(erg_square(x), ERG_AXES(1), 0);
}

/* ------------------------------------------------------------------------------- derivations */

/* Data N(0, 1), model the double well: s_data = -x, s = 4x - 4x^3. */
static void hyvarinen(erg_graph *g) {
    title("Hyvarinen's identity");
    erg_node *x = grid(g), *one = stiffness(g, "unit", 1);
    erg_node *data = spring(one, x), *e = double_well(NULL, x);
    erg_node *gradient = erg_gradient(e, x);
    erg_node *apart = erg_mul_scalar(norm2(erg_sub(x, gradient)), 0.5);
    erg_node *local = erg_sub(erg_mul_scalar(norm2(gradient), 0.5), erg_laplacian(e, x));
    double fisher = number(expect(data, apart)), exact = number(expect(data, local));
    row("Fisher divergence", 72.5, fisher, 1e-9);
    row("E[|grad E|^2 / 2 - Laplacian E]", 72, exact, 1e-9);
    row("their difference, E|s_data|^2 / 2", 0.5, fisher - exact, 1e-9);

    erg_node *a = stiffness(g, "exact", 0.4);
    erg_node *points = column(g, 4, (double[]){-2, -1, 1, 2});
    erg_node *loss = erg_score_matching((erg_energy){spring, a}, points);
    row("loss at the best stiffness, 0.4", -0.2, number(loss), 1e-14);
    row("its derivative there", 0, number(erg_gradient(loss, a)), 1e-14);
}

/* Data -1, 1 and noise -1, 1 in all pairs: the second moments of N(0, 1) and N(0, 1). */
static void denoising(erg_graph *g) {
    title("Denoising, sigma = 1/2");
    const double sigma = 0.5;
    erg_node *data = column(g, 4, (double[]){-1, -1, 1, 1});
    erg_node *noise = column(g, 4, (double[]){-1, 1, -1, 1});
    erg_denoising_options options = {.sigma = sigma, .noise = noise};
    erg_node *noisy = erg_add(data, erg_mul_scalar(noise, sigma));
    double best = 1 / (1 + sigma * sigma);
    erg_energy blurred = {erg_harmonic_energy, &best}; /* of N(0, 1 + sigma^2) */
    erg_node *a = stiffness(g, "denoising", 0.8);
    erg_energy model = {spring, a};
    erg_node *loss = erg_denoising_score_matching(model, data, options);
    erg_node *fisher = erg_fisher_divergence(model, blurred, noisy);
    row("loss at the best stiffness, 0.8", 1.6, number(loss), 1e-14);
    row("its derivative there", 0, number(erg_gradient(loss, a)), 1e-14);
    for (int i = 0; i < 2; i++) {
        double value = i ? 2 : 0.3;
        erg_tensor_fill(erg_value(a), value);
        row(i ? "loss - Fisher divergence at 2" : "loss - Fisher divergence at 0.3", 1.6,
            number(erg_sub(loss, fisher)), 1e-14);
    }
}

/* E = a x^2 / 2 at a = 2: log Z = log(2 pi / a) / 2. Negatives with the model's second moment. */
static void contrastive(erg_graph *g) {
    title("Contrastive divergence, a = 2");
    erg_node *a = stiffness(g, "contrastive", 2), *x = grid(g), *e = spring(a, x);
    erg_node *log_partition = log_z(e), *slope = erg_mul_scalar(norm2(x), 0.5); /* dE/da */
    row("log Z", 0.5 * log(M_PI), number(log_partition), 1e-13);
    row("d log Z / da = -1 / (2 a)", -0.25, number(erg_gradient(log_partition, a)), 1e-13);
    row("  = - E_p[dE/da]", -0.25, number(erg_neg(expect(e, slope))), 1e-13);

    erg_energy model = {spring, a};
    erg_node *data = column(g, 4, (double[]){-2, -1, 1, 2});
    erg_node *negatives = column(g, 2, (double[]){-M_SQRT1_2, M_SQRT1_2});
    erg_node *likelihood = erg_add(erg_mean(spring(a, data), ERG_ALL, 0), log_partition);
    erg_node *loss =
        erg_contrastive_divergence(model, data, negatives, (erg_contrastive_options){0});
    row("gradient of -log likelihood", 1, number(erg_gradient(likelihood, a)), 1e-13);
    row("gradient of the loss", 1, number(erg_gradient(loss, a)), 1e-13);
}

/* 100000 chains on N(0, 1). The variance's standard error is 4/3 sqrt(2 / 100000) = 0.006. */
static void langevin(erg_graph *g) {
    title("Langevin, step h = 1/2 on N(0, 1)");
    double one = 1;
    erg_energy energy = {erg_harmonic_energy, &one};
    erg_node *x = erg_state(g, "chains", ERG_FLOAT64, ERG_SHAPE(100000, 1));
    erg_node *next = erg_langevin(energy, x, (erg_langevin_options){.step_size = 0.5});
    row("dx'/dx = 1 - h", 0.5, number(erg_gradient(next, x)), 1e-15);
    erg_chain *chain = erg_chain_new(x, next);
    erg_chain_run(chain, 20);
    row("variance 1 / (1 - h/2)", 4.0 / 3, number(erg_var(x, ERG_ALL, 1, 0)), 0.03);
    erg_chain_free(chain);
}

static void log_sum_exp(erg_graph *g) {
    title("Log of a sum of exponentials");
    erg_node *x = column(g, 3, (double[]){1000, 1000.5, -1e4});
    erg_node *y = erg_logsumexp(x, ERG_ALL, 0);
    erg_node *shares = erg_gradient(y, x);
    row("log(e^1000 + e^1000.5 + e^-10000)", 1000.9740769841801, number(y), 1e-12);
    row("derivative by the first", 1 / (1 + exp(0.5)), number(erg_select(shares, 0, 0)), 1e-13);
    row("sum of all derivatives", 1, number(erg_sum(shares, ERG_ALL, 0)), 1e-13);
    erg_node *tail = erg_softplus(erg_scalar(g, ERG_FLOAT64, -40));
    row("log(1 + e^-40)", 4.248354255291589e-18, number(tail), 1e-32);
}

/* Loss 3 p has the constant gradient 3: m / (1 - b1^t) = 3 and v / (1 - b2^t) = 9 at every t. */
static void adam(erg_graph *g) {
    title("Adam, 10 steps of 0.1");
    erg_node *p = stiffness(g, "p", 0);
    erg_node *step =
        erg_adam(erg_mul_scalar(p, 3), &p, 1, (erg_adam_options){.learning_rate = 0.1});
    erg_plan *plan = erg_compile(&step, 1);
    erg_run_n(plan, 10);
    row("-10 lr g / (|g| + eps)", -1 * 3 / (3 + 1e-8), number(p), 1e-14);
    erg_plan_free(plan);
}

int main(void) {
    erg_graph *g = erg_graph_new(7);
    hyvarinen(g);
    denoising(g);
    contrastive(g);
    langevin(g);
    log_sum_exp(g);
    adam(g);
    printf("\n%s\n", wrong ? "Some rows disagree." : "All rows agree.");
    erg_graph_free(g);
    return wrong ? 1 : 0;
}

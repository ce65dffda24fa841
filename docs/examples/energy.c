/* energy.c: learns an energy from samples of two moons, and draws new samples from it. */
#include <erg.h>

/* An energy is a C function from a node to a node: here a small network in a wide bowl. */
static erg_node *energy(void *network, erg_node *x) {
    erg_node *bowl = erg_mul_scalar(erg_sum(erg_square(x), ERG_AXES(1), 0), 0.05);
    return erg_add(erg_mlp_energy(network, x), bowl);
}

static void print_mean(const char *what, erg_energy truth, erg_node *x) {
    erg_tensor *mean = erg_evaluate(erg_mean(erg_energy_apply(truth, x), ERG_ALL, 0));
    printf("mean of -log p, %-13s  %6.2f\n", what, erg_tensor_get(mean, 0));
    erg_tensor_free(mean);
}

int main(void) {
    erg_graph *g = erg_graph_new(1);
    void *network = erg_mlp_new(g, "net", (int64_t[]){2, 32, 32, 1}, 4, (erg_mlp_options){0});
    erg_energy model = {energy, network};

    /* The loss holds dE/dx, the update the loss's derivative by the weights: all in one graph. */
    int n;
    erg_node **weights = erg_params(g, "net", &n);
    erg_node *data = erg_two_moons_sample(g, ERG_FLOAT32, 256, 0.1);
    erg_node *loss =
        erg_denoising_score_matching(model, data, (erg_denoising_options){.sigma = 0.1});
    erg_node *update = erg_adam(loss, weights, n, (erg_adam_options){.learning_rate = 0.01});
    erg_plan *training = erg_compile(&update, 1);

    /* Langevin chains that start far away from the data. */
    erg_node *x = erg_state(g, "chains", ERG_FLOAT32, ERG_SHAPE(500, 2));
    erg_init_normal(x, 2);
    erg_node *next = erg_langevin(model, x, (erg_langevin_options){.step_size = 0.002});
    erg_chain *chain = erg_chain_new(x, next);
    if (!training || !chain)
        return fprintf(stderr, "%s\n", erg_error_message()), 1;

    /* What the loss makes them find is the data's density blurred by sigma. It is known. */
    const double blurred = 0.1414; /* sqrt(0.1^2 + 0.1^2) */
    erg_energy truth = erg_two_moons_energy(g, ERG_FLOAT32, blurred);
    print_mean("chains before", truth, x);
    erg_run_n(training, 2000);
    erg_chain_run(chain, 1500);
    print_mean("chains after", truth, x);
    print_mean("exact samples", truth, erg_two_moons_sample(g, ERG_FLOAT32, 500, blurred));

    erg_chain_free(chain);
    erg_plan_free(training);
    erg_graph_free(g);
    return 0;
}

#include <erg.h>

/* An energy is a C function from a node to a node: here a small network in a wide bowl. */
static erg_node *energy(void *net, erg_node *x) {
    erg_node *bowl = erg_mul_scalar(erg_sum(erg_square(x), ERG_AXES(1), 0), 0.05);
    return erg_add(erg_mlp_energy(net, x), bowl);
}

int main(void) {
    erg_graph *g = erg_graph_new(1);
    erg_mlp *net = erg_mlp_new(g, "net", (int64_t[]){2, 32, 32, 1}, 4, (erg_mlp_options){0});
    erg_energy model = {energy, net}, truth = erg_two_moons_energy(g, ERG_FLOAT32, 0.14);
    erg_node *data = erg_two_moons_sample(g, ERG_FLOAT32, 256, 0.1);
    erg_node *loss = erg_denoising_score_matching(model, data, (erg_denoising_options){0});
    int n;
    erg_node **weights = erg_params(g, "net", &n);
    erg_node *update = erg_adam(loss, weights, n, (erg_adam_options){.learning_rate = 0.01});
    erg_node *x = erg_state(g, "chains", ERG_FLOAT32, ERG_SHAPE(500, 2));
    erg_node *next = erg_langevin(model, x, (erg_langevin_options){.step_size = 0.002});
    erg_node *surprise = erg_mean(erg_energy_apply(truth, next), ERG_ALL, 0);
    erg_plan *train = erg_compile(&update, 1);
    erg_plan *sample = erg_compile((erg_node *[]){surprise, erg_assign(x, next)}, 2);
    if (!train || !sample)
        return fprintf(stderr, "%s\n", erg_error_message()), 1;
    for (int updates = 500; updates <= 2500; updates += 500) {
        erg_run_n(train, 500);
        erg_run_n(sample, 500);
        double mean = erg_tensor_get(erg_output(sample, 0), 0);
        printf("%4d updates: mean of -log p over the chains %.2f\n", updates, mean);
    }
    erg_plan_free(train);
    erg_plan_free(sample);
    erg_graph_free(g);
}

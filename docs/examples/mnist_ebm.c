/* mnist_ebm.c: an energy of handwritten digits, learned by persistent contrastive divergence after
 * the recipe of Lippe (UvA Deep Learning Tutorials 2020, tutorial 8), which follows Du & Mordatch
 * (2019). The loss
 *
 *     mean E(digits) - mean E(chains) + 0.1 mean(E(digits)^2 + E(chains)^2)
 *
 * pushes the energy of digits down and that of what the chains find up. These take 60 steps for each
 * batch from where earlier ones stopped, as a replay buffer remembers, 1 in 20 from noise. */
#include <math.h>

#include "mnist_ebm.h"

/* Step and noise do not belong together as those of Langevin dynamics do: the steps are a descent that
 * is kept in bounds, with just enough noise to keep it moving. */
erg_node *langevin_step(const ebm *ebm, erg_node *x) {
    const erg_langevin_options recipe = {
        .step_size = 10, .noise = 0.005, .clip_gradient = 0.03, .clamp_low = -1, .clamp_high = 1};
    return erg_langevin(ebm->energy, x, recipe);
}

static erg_status make_model(ebm *ebm) {
    const ebm_options *o = ebm->options;
    erg_graph *g = ebm->graph = erg_graph_new(o->common.seed);
    erg_shape shape = ebm->train->shape;
    shape.dims[0] = o->common.batch;
    ebm->energy = (erg_energy){erg_cnn_energy,
                               erg_cnn_new(g, "energy", shape.dims + 1, (erg_cnn_options){0})};
    ebm->digits = erg_input(g, "digits", ERG_FLOAT32, shape);
    erg_node *chains = erg_state(g, "chains", ERG_FLOAT32, shape);
    ebm->batches = erg_dataset_new(ebm->train, NULL, (erg_dataset_options){.seed = o->common.seed});
    ebm->negatives = erg_negatives_new(
        chains, langevin_step(ebm, chains),
        (erg_negatives_options){
            .start = ERG_START_PERSISTENT,
            .steps = o->chain_steps,
            .replay = {.capacity = o->slots, .restart = 0.05, .seed = o->common.seed + 1}});
    return ebm->batches && ebm->negatives ? ERG_OK : erg_error_status();
}

/* Adam without memory of earlier gradients, as the chains change what is to be learned in each
 * step; the rate falls by 3 % with each pass over the digits. */
static erg_status make_trainer(ebm *ebm) {
    const ebm_options *o = ebm->options;
    erg_node *chains = erg_negatives_x(ebm->negatives);
    erg_node *loss = erg_contrastive_divergence(ebm->energy, ebm->digits, chains,
                                                (erg_contrastive_options){.energy_penalty = 0.1});
    erg_node *step = erg_state(ebm->graph, "step", ERG_FLOAT64, ERG_SCALAR);
    double steps_of_pass = (double)(ebm->train->shape.dims[0] / o->common.batch);
    static erg_adam_options adam = {.beta1 = ERG_ZERO, .beta2 = 0.999};
    int n;
    erg_node **params = erg_params(ebm->graph, NULL, &n);
    erg_trainer_options t = digits_trainer_options(&o->common);
    t.rule = (erg_update_rule){erg_adam_rule, &adam};
    t.step = step;
    t.learning_rate_node = erg_exponential_schedule(step, o->rate, pow(0.97, 1 / steps_of_pass));
    t.clip_norm = 0.1;
    t.batches = (erg_batches){.x = ebm->digits,
                              .dataset = ebm->batches,
                              .noise = 0.005,
                              .clamp_low = -1,
                              .clamp_high = 1};
    t.negatives = ebm->negatives;
    t.health.energy = ebm->energy;
    t.history.every = 5;
    ebm->trainer = erg_trainer_new(loss, params, n, t);
    return ebm->trainer ? ERG_OK : erg_error_status();
}

/* ------------------------------------------------------------------------------- the program */

#define AT(field) .offset = offsetof(ebm_options, field)

static const program_option options[] = {
    DIGITS_ROWS(ebm_options),
    DIGITS_ROW(ebm_options, "--batch", "N", "digits, and chains, in a step", PROGRAM_WHOLE, batch,
               1, 1e5),
    {"--chain-steps", "N", "of each chain in a step of training", PROGRAM_WHOLE, AT(chain_steps), 1,
     1e5},
    {"--slots", "N", "of the replay buffer", PROGRAM_WHOLE, AT(slots), 1, 1e6},
    {"--lr", "X", "first learning rate; 3 % less with each pass", PROGRAM_REAL, AT(rate), 1e-9, 1},
    {0},
};

static const program ebm_program = {
    .name = "mnist_ebm",
    .purpose = "an energy of handwritten digits, learned by persistent contrastive divergence.",
    .options = options,
};

static erg_status run(ebm *ebm) {
    const digits_options *o = &ebm->options->common;
    erg_status status = digits_start_pixels(o, &ebm->train, &ebm->held_out);
    if (status == ERG_OK)
        status = make_model(ebm);
    if (status == ERG_OK)
        status = make_trainer(ebm);
    if (status == ERG_OK)
        status = digits_train(ebm->trainer, o, &ebm->seconds);
    return status == ERG_OK ? write_report(ebm) : status;
}

int main(int argc, char **argv) {
    ebm_options o = {.common = {.data = ".",
                                .files = "t10k",
                                .out = "mnist_ebm",
                                .held_out = 2000,
                                .steps = 400,
                                .batch = 128,
                                .seed = 1},
                     .chain_steps = 60,
                     .slots = 8192,
                     .rate = 1e-4};
    int exit_status;
    if (!program_read(&ebm_program, argc, argv, &o, &exit_status))
        return exit_status;
    ebm ebm = {.options = &o, .argc = argc, .argv = argv};
    exit_status = program_end(&ebm_program, run(&ebm));
    erg_trainer_free(ebm.trainer);
    erg_negatives_free(ebm.negatives);
    erg_dataset_free(ebm.batches);
    erg_graph_free(ebm.graph);
    erg_tensor_free(ebm.train);
    erg_tensor_free(ebm.held_out);
    return exit_status;
}

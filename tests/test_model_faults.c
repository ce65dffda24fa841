/* test_model_faults.c: the system gives no memory for modules, optimisers, losses, a training. */
#include <math.h>

#include "../losses/losses.h"
#include "memory_faults.h"

#define F64 ERG_FLOAT64

/* Modules of every kind, of which the residual network runs a plan while it is made. */
static bool make_modules(void) {
    erg_graph *graph = erg_graph_new(1);
    if (!graph)
        return false;
    erg_resnet *net =
        erg_resnet_new(graph, "resnet", 1, (int64_t[]){2}, 1, (erg_resnet_options){0});
    erg_noise_mlp *noise =
        erg_noise_mlp_new(graph, "noise", (int64_t[]){2, 3, 1}, 3, (erg_noise_mlp_options){0});
    erg_attention *attention =
        erg_attention_new(graph, "attention", 4, 2, (erg_attention_options){0});
    erg_layer_norm *norm = erg_layer_norm_new(graph, "norm", ERG_SHAPE(4), (erg_norm_options){0});
    erg_cnn *cnn = erg_cnn_new(graph, "cnn", (int64_t[]){1, 4, 4}, (erg_cnn_options){.width = 1});
    erg_rbm *rbm = erg_rbm_new(graph, "rbm", 3, 2, (erg_rbm_options){0});
    bool all = net && noise && attention && norm && cnn && rbm;
    expect(all == !erg_graph_error(graph), "a module with a mistake, or a mistake without one");
    erg_node *images = erg_input(graph, NULL, ERG_FLOAT32, ERG_SHAPE(2, 1, 4, 4));
    erg_node *sets = erg_input(graph, NULL, ERG_FLOAT32, ERG_SHAPE(2, 3, 4));
    erg_node *outputs[] = {all ? erg_resnet_energy(net, images) : NULL, all ? net->update : NULL,
                           erg_cnn_energy(cnn, images),
                           erg_layer_norm_apply(norm, erg_attention_apply(attention, sets, NULL)),
                           all ? erg_rbm_log_z(rbm) : NULL};
    erg_plan *plan = erg_compile(outputs, COUNT(outputs));
    expect(all || !plan, "compiled with a mistake in the graph");
    if (plan)
        erg_run(plan);
    erg_plan_free(plan);
    erg_graph_free(graph);
    return plan != NULL;
}

/* One loss of each way to make nodes: constants, rows of batches, bends, states, energies of one's
 * own. */
static bool make_losses(void) {
    erg_graph *graph = erg_graph_new(1);
    double stiffness = 1;
    erg_energy e = {erg_harmonic_energy, &stiffness};
    erg_node *x = erg_input(graph, NULL, F64, ERG_SHAPE(2, 3)), *curve = erg_square(x);
    erg_fitted_noise *fitted = erg_fitted_noise_new("noise", x, (erg_fitted_noise_options){0});
    erg_noise noise = {e, 0};
    erg_energy ratio = erg_logistic_energy(graph, e, noise, 1);
    erg_bend bend = {x, curve};
    erg_node *outputs[] = {
        erg_composite_likelihood(e, x, (erg_composite_options){0}),
        erg_pseudo_likelihood(e, x, ERG_BITS),
        erg_trace_score_matching(e, x, (erg_trace_options){.trace = ERG_TRACE_BATCHED}),
        erg_sliced_score_matching(e, x, (erg_sliced_options){.plain = 1}),
        erg_curvature_propagation(erg_sum(curve, ERG_AXES(1), 0), x, &bend, 1,
                                  (erg_projections){0}),
        erg_bounded_score_matching(e, x, (erg_bounded_options){0}),
        erg_stein_discrepancy(e, x, (erg_stein_options){0}),
        erg_energy_discrepancy(e, x, (erg_energy_discrepancy_options){0}),
        erg_flow_contrastive(ratio, x, fitted, (erg_flow_contrastive_options){0}),
        fitted ? fitted->update : NULL};
    erg_plan *plan = erg_compile(outputs, COUNT(outputs));
    bool done = plan && fitted && ratio.fn;
    if (done)
        erg_run(plan);
    for (int k = 0; done && k < COUNT(outputs) - 1; k++)
        expect(isfinite(erg_tensor_get(erg_output(plan, k), 0)), "a loss is not finite");
    erg_plan_free(plan);
    erg_graph_free(graph);
    return done;
}

/* Modules whose structs live in the graph, an optimiser with averages, and a driver. */
static bool optimise(void) {
    erg_graph *graph = erg_graph_new(1), *other = erg_graph_new(2);
    erg_gaussian *gaussian = erg_gaussian_new(graph, F64, 2, NULL, (double[]){2, 1, 1, 3}, NULL);
    erg_energy parts[] = {{erg_gaussian_energy, gaussian}, {erg_rings_energy, NULL}};
    erg_energy energy = erg_energy_sum(graph, parts, 2, NULL);
    erg_node *x = erg_param(graph, "x", F64, ERG_SHAPE(1, 2));
    erg_node *copy = erg_param(other, "x", F64, ERG_SHAPE(1, 2));
    if (x)
        erg_tensor_fill(erg_value(x), 0.5);
    erg_node *loss = energy.fn ? erg_sum(erg_energy_apply(energy, x), ERG_ALL, 0) : NULL;
    erg_node *step = erg_adam(loss, &x, 1, (erg_adam_options){.amsgrad = 1, .clip_norm = 1});
    erg_ema *ema = erg_ema_new(&x, 1, (erg_ema_options){.after = step});
    erg_lbfgs_result result;
    bool done = copy && ema && erg_lbfgs(loss, &x, 1, (erg_lbfgs_options){0}, &result) == ERG_OK;
    if (done)
        expect(result.converged, "L-BFGS has not converged");
    done = done && erg_params_copy(&copy, 1, "", graph, "ema/") == ERG_OK;
    if (done)
        expect(erg_tensor_get(erg_value(copy), 0) == 0.5, "another average");
    erg_graph_free(graph);
    erg_graph_free(other);
    return done;
}

/* Losses that keep something in the graph, or build much. */
static bool lose(void) {
    erg_graph *graph = erg_graph_new(1);
    erg_node *a = erg_param(graph, "a", F64, ERG_SCALAR);
    erg_gaussian *gaussian = erg_gaussian_new(graph, F64, 2, NULL, (double[]){2, 1, 1, 3}, NULL);
    erg_node *x = erg_input(graph, NULL, F64, ERG_SHAPE(3, 2));
    erg_energy energy = {erg_gaussian_energy, gaussian};
    erg_fast_weights *fast = erg_fast_weights_new(graph, "fast", &a, 1);
    erg_node *losses[] = {
        erg_recovery_likelihood(energy, x, x, x, (erg_recovery_options){0}),
        erg_improved_contrastive_divergence(energy, x, x, (erg_improved_options){0}),
        erg_fast_weights_update(fast, erg_mul(a, a), (erg_fast_weights_options){0})};
    erg_plan *plan = erg_compile(losses, 3);
    erg_plan_free(plan);
    erg_graph_free(graph);
    return plan != NULL;
}

/* Weights, a checkpoint with all kinds of parts, and a split data set. */
static bool keep(void) {
    erg_graph *graph = erg_graph_new(1);
    erg_node *w = erg_param(graph, "a/w", F64, ERG_SHAPE(3));
    erg_standardiser *s = erg_standardiser_new(graph, "z", F64, ERG_SCALAR);
    erg_replay *replay =
        erg_replay_new(F64, ERG_SCALAR, (erg_replay_options){.capacity = 3, .seed = 2});
    erg_tensor *x = erg_tensor_new(F64, ERG_SHAPE(5)), *all = NULL;
    erg_dataset *data = x ? erg_dataset_new(x, NULL, (erg_dataset_options){0}) : NULL;
    erg_dataset *train = NULL, *held_out = NULL;
    double number = 4;
    const erg_checkpoint_part parts[] = {erg_replay_part(replay, "replay"),
                                         erg_dataset_part(data, "data")};
    const erg_checkpoint_options options = {.numbers = &(erg_checkpoint_number){"n", &number},
                                            .n_numbers = 1,
                                            .parts = parts,
                                            .n_parts = 2};
    bool done = w && s && replay && data && !erg_standardiser_fit(s, x) &&
                !erg_dataset_split(data, 0.5, 1, &train, &held_out) && (all = erg_dataset_x(train));
    erg_bundle *weights = done ? erg_weights(graph, "a") : NULL;
    done = weights && !erg_checkpoint_save("c", graph, options);
    if (done) {
        erg_tensor_fill(erg_value(w), 7);
        number = 5;
        done = !erg_checkpoint_load("c", graph, options);
        double kept = done ? 0 : 7;
        expect(erg_tensor_get(erg_value(w), 0) == kept && number == (done ? 4 : 5), "half a load");
        erg_tensor_fill(erg_value(w), 7);
        bool loaded = !erg_load_weights(graph, weights, (erg_load_options){.scope = "a"}, NULL);
        expect(erg_tensor_get(erg_value(w), 0) == (loaded ? 0 : 7), "half of the weights");
        done &= loaded;
    }
    erg_bundle_free(weights);
    erg_tensor_free(all);
    erg_dataset_free(train);
    erg_dataset_free(held_out);
    erg_dataset_free(data);
    erg_tensor_free(x);
    erg_replay_free(replay);
    erg_graph_free(graph);
    return done;
}

static erg_node *bowl(void *self, erg_node *x) {
    return erg_mul(self, erg_square(x));
}

/* Whatever the trainer has to do: rows, noise, states in memory and a file, and a way back
 * from a step, at a learning rate too large, at which the loss is not finite. */
static bool train_in_a_loop(void) {
    erg_graph *graph = erg_graph_new(1);
    erg_node *a = erg_param(graph, "a", F64, ERG_SCALAR),
             *x = erg_input(graph, "x", F64, ERG_SHAPE(2));
    erg_node *chains = erg_state(graph, "chains", F64, ERG_SHAPE(2));
    erg_energy energy = {bowl, a};
    if (a)
        erg_tensor_fill(erg_value(a), 2);
    erg_tensor *rows = erg_tensor_new(F64, ERG_SHAPE(4));
    erg_dataset *data = rows ? erg_dataset_new(rows, NULL, (erg_dataset_options){0}) : NULL;
    erg_negatives *negatives = erg_negatives_new(
        chains, erg_langevin(energy, chains, (erg_langevin_options){0}),
        (erg_negatives_options){
            .start = ERG_START_PERSISTENT, .steps = 1, .replay = {.capacity = 4}});
    erg_node *loss = erg_sub(a, erg_log(a));
    loss = erg_add(loss, erg_mul_scalar(erg_mean(chains, ERG_ALL, 0), 0));
    erg_trainer_options options = {.rule = {erg_sgd_rule, NULL},
                                   .learning_rate = 5,
                                   .ema_decay = 0.5,
                                   .batches = {.x = x, .dataset = data, .noise = 0.1},
                                   .negatives = negatives,
                                   .health = {.energy = energy},
                                   .history = {.every = 1, .capacity = 4},
                                   .rollback = {.every = 2, .factor = 0.25},
                                   .saving = {.path = "t"}};
    erg_trainer *trainer = data && negatives ? erg_trainer_new(loss, &a, 1, options) : NULL;
    bool done = trainer && !erg_trainer_run(trainer, 5);
    if (done)
        expect(erg_trainer_rollbacks(trainer) == 1 && erg_trainer_steps(trainer) == 5,
               "not back and forth");
    if (trainer)
        expect(isfinite(erg_tensor_get(erg_value(a), 0)), "a step that was not finite stayed");
    done = done && !erg_trainer_load(trainer, "t");
    erg_trainer_free(trainer);
    erg_negatives_free(negatives);
    erg_dataset_free(data);
    erg_tensor_free(rows);
    erg_graph_free(graph);
    return done;
}

static const scenario scenarios[] = {
    {"make modules", make_modules, 20},
    {"make losses", make_losses, 20},
    {"optimise", optimise, 20},
    {"lose", lose, 20},
    {"keep", keep, 60},
    {"train in a loop", train_in_a_loop, 100},
};

int main(void) {
    return refuse_memory("model_faults", scenarios, COUNT(scenarios));
}

/* test_faults.c: the system gives no memory, or no threads. The k-th request for memory fails, for
 * every k: once, and for ever from then on. Whatever failed, a function returns an error or the
 * right result, nothing crashes, and no memory stays behind.
 *
 * The program is linked with --wrap for all functions that stand in WRAP. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>

#include "../autograd/graph.h"
#include "../nn/nn.h"
#include "../losses/losses.h"
#include "../tensor/threads.h"
#include "faults.h"

#define F64 ERG_FLOAT64

static fault memory, threads;

/* ------------------------------------------------------------------------------- counting blocks */

static atomic_int live;

static bool no_memory(void) {
    bool refused = refuses(&memory);
    if (refused)
        errno = ENOMEM;
    return refused;
}

static void *counted(void *block) {
    atomic_fetch_add(&live, block != NULL);
    return block;
}

WRAP(void *, malloc, (size_t size)) {
    return no_memory() ? NULL : counted(__real_malloc(size));
}

WRAP(void *, calloc, (size_t count, size_t size)) {
    return no_memory() ? NULL : counted(__real_calloc(count, size));
}

WRAP(void *, realloc, (void *block, size_t size)) {
    if (no_memory())
        return NULL;
    void *moved = __real_realloc(block, size);
    return block ? moved : counted(moved);
}

WRAP(void *, aligned_alloc, (size_t alignment, size_t size)) {
    return no_memory() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

WRAP(int, posix_memalign, (void **block, size_t alignment, size_t size)) {
    int failed = no_memory() ? ENOMEM : __real_posix_memalign(block, alignment, size);
    atomic_fetch_add(&live, !failed);
    return failed;
}

WRAP(char *, strdup, (const char *text)) {
    return no_memory() ? NULL : counted(__real_strdup(text));
}

WRAP(char *, realpath, (const char *path, char *resolved)) {
    char *real = no_memory() ? NULL : __real_realpath(path, resolved);
    return resolved ? real : counted(real);
}

WRAP(locale_t, newlocale, (int mask, const char *name, locale_t base)) {
    return no_memory() ? (locale_t)0 : __real_newlocale(mask, name, base);
}

WRAP(void, free, (void *block)) {
    atomic_fetch_sub(&live, block != NULL);
    __real_free(block);
}

/* ------------------------------------------------------------------------------- scenarios */

/* Each returns true, or false after a reported failure. A wrong result is told by expect: Check's
 * own assertions need memory. */

static const char *wrong; /* NULL: nothing */

static void expect(bool condition, const char *what) {
    if (!condition)
        wrong = what;
}

static erg_node *mlp(void *self, erg_node *x) {
    erg_graph *graph = erg_node_graph(x);
    const int64_t sizes[] = {2, 4, 1};
    (void)self;
    erg_node *h = x;
    for (int k = 0; k < 2; k++) {
        char name[] = {(char)('0' + k), '\0'};
        erg_scope_push(graph, name);
        erg_node *w = erg_param(graph, "weight", F64, ERG_SHAPE(sizes[k], sizes[k + 1]));
        erg_node *b = erg_param(graph, "bias", F64, ERG_SHAPE(sizes[k + 1]));
        h = erg_add(erg_matmul(h, w), b);
        h = k ? h : erg_softplus(h);
        erg_scope_pop(graph);
    }
    return erg_squeeze(h, 1);
}

/* One step of training on the sum of the Laplacian, with what it assigns bundled into one node. */
static erg_node *training_step(erg_graph *graph, erg_node *x) {
    enum { MOST = 4 };
    erg_node *laplacian = erg_laplacian(erg_energy_apply((erg_energy){mlp, NULL}, x), x);
    erg_node *loss =
        erg_mean(erg_square(erg_sub(laplacian, erg_normal(graph, F64, ERG_SHAPE(3)))), ERG_ALL, 0);
    int count;
    erg_node **params = erg_params(graph, "", &count), *slopes[MOST], *steps[MOST + 1];
    if (!loss || !params)
        return NULL;
    erg_grad(loss, params, count, slopes);
    for (int k = 0; k < count; k++)
        steps[k] = erg_assign(params[k], erg_sub(params[k], erg_mul_scalar(slopes[k], 0.1)));
    steps[count] = erg_name(loss, "loss");
    return erg_group(steps, count + 1);
}

static bool run_and_print(erg_node **outputs, int count) {
    erg_plan *plan = erg_compile(outputs, count);
    if (!plan)
        return false;
    erg_run_n(plan, 2);
    expect(erg_tensor_get(erg_output(plan, 1), 0) == 36, "3 (2 + 4 + 6) is not 36");
    erg_plan_free(plan);
    FILE *sink = fopen("/dev/null", "w");
    erg_status printed = erg_graph_print(outputs, count, sink);
    erg_status drawn = erg_graph_dot(outputs, count, sink);
    fclose(sink);
    return !printed && !drawn;
}

/* Enough nodes for several blocks of memory and growths of arrays; one with many operands. */
static erg_node *long_chain(erg_node *x) {
    erg_node *parts[12];
    for (int k = 0; k < COUNT(parts); k++) {
        parts[k] = x;
        for (int i = 0; i < 40; i++)
            parts[k] = erg_add(parts[k], x);
    }
    return erg_gradient(erg_concat(parts, COUNT(parts), 0), x);
}

/* A node that could not be added has left no name behind. */
static bool names_have_nodes(const erg_graph *graph) {
    bool all = true;
    for (int i = 0; i < graph->n_named; i++) {
        const erg_node *node = graph->named[i];
        all &= node->id < graph->count && graph->nodes[node->id] == node;
    }
    return all;
}

static bool train(void) {
    erg_graph *graph = erg_graph_new(1);
    if (!graph)
        return false;
    erg_node *x = erg_input(graph, "x", F64, ERG_SHAPE(3, 2));
    erg_node *numbers = erg_cumsum(erg_full(graph, F64, ERG_SHAPE(3), 2), 0);
    erg_node *outputs[] = {training_step(graph, x), erg_sum(erg_mul_scalar(numbers, 3), ERG_ALL, 0),
                           long_chain(x), erg_one_hot(erg_arange(graph, ERG_INT32, 3), 3, F64)};
    bool built = true;
    for (int k = 0; k < COUNT(outputs); k++)
        built &= outputs[k] != NULL;
    expect(built == !erg_graph_error(graph), "one check after building is not enough");
    expect(names_have_nodes(graph), "a name without a node");
    bool done = run_and_print(outputs, COUNT(outputs));
    expect(built || !done, "compiled with a mistake in the graph");
    erg_tensor *value = erg_evaluate(outputs[1]);
    done &= value != NULL;
    erg_tensor_free(value);
    erg_graph_free(graph);
    return done;
}

static bool train_by_interpreter(void) {
    setenv("ERG_DEBUG", "reference", 1);
    bool done = train();
    unsetenv("ERG_DEBUG");
    return done;
}

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

static bool check_gradient(void) {
    erg_graph *graph = erg_graph_new(1);
    if (!graph)
        return false;
    erg_node *x = erg_state(graph, NULL, F64, ERG_SHAPE(2));
    if (x)
        erg_tensor_fill(erg_value(x), 0.5);
    bool done = erg_gradcheck(erg_square(erg_sin(x)), &x, 1, (erg_gradcheck_options){.order = 2},
                              NULL) == ERG_OK;
    expect(!x || erg_tensor_get(erg_value(x), 0) == 0.5, "x is not what it was");
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

static bool same(const erg_tensor *a, const erg_tensor *b) {
    bool equal = erg_shape_equal(a->shape, b->shape);
    for (int64_t i = 0; equal && i < erg_tensor_size(a); i++)
        equal = erg_tensor_get(a, i) == erg_tensor_get(b, i);
    return equal;
}

static bool write_and_read(void) {
    erg_tensor *table = erg_tensor_from(F64, ERG_SHAPE(2, 2), (double[]){1, -2.5, 1e300, 4});
    erg_tensor *copy = table ? erg_tensor_clone(table) : NULL, *npy = NULL, *csv = NULL;
    bool done = copy && !erg_npy_write("a.npy", table) && !erg_csv_write("a.csv", table, "a,b") &&
                (npy = erg_npy_read("a.npy")) && (csv = erg_csv_read("a.csv"));
    if (done)
        expect(same(table, copy) && same(table, npy) && same(table, csv), "another table");
    erg_tensor_free(table);
    erg_tensor_free(copy);
    erg_tensor_free(npy);
    erg_tensor_free(csv);
    return done;
}

/* A .gz file: one packed block with the IDX file 0 0 8 1, 0 0 0 2, 7, 8. */
static const unsigned char labels[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff,
                                       0x63, 0x60, 0xe0, 0x60, 0x64, 0x60, 0x60, 0x60, 0x62, 0xe7,
                                       0x00, 0x00, 0xec, 0xb2, 0x06, 0xd4, 0x0a, 0x00, 0x00, 0x00};

static bool exchange(void) {
    FILE *file = fopen("labels.gz", "wb");
    fwrite(labels, 1, sizeof labels, file);
    fclose(file);
    erg_tensor *table = erg_tensor_from(F64, ERG_SHAPE(2, 2), (double[]){1, -2.5, 1e300, 4});
    erg_bundle *bundle = erg_bundle_new(), *npz = NULL, *safe = NULL;
    const erg_safetensors_options checked = {.checksum = 1};
    char name[] = "a";
    bool done = table && bundle;
    for (; done && name[0] < 'l'; name[0]++)
        done = !erg_bundle_add(bundle, name, table);
    done = done && !erg_npz_write("a.npz", bundle) && !erg_bundle_add_text(bundle, "k", "text") &&
           !erg_safetensors_write("a", bundle, checked) && (npz = erg_npz_read("a.npz")) &&
           (safe = erg_safetensors_read("a"));
    if (done)
        expect(same(table, erg_bundle_find(npz, "k")) && same(table, erg_bundle_find(safe, "k")) &&
                   erg_bundle_text(safe, "k"),
               "another bundle");
    erg_tensor *unpacked = erg_idx_read("labels.gz");
    if (unpacked)
        expect(erg_tensor_get(unpacked, 1) == 8, "other labels");
    done = done && unpacked;
    erg_tensor_free(unpacked);
    erg_tensor_free(table);
    erg_bundle_free(bundle);
    erg_bundle_free(npz);
    erg_bundle_free(safe);
    return done;
}

static erg_node *flips(void *self, erg_energy energy, erg_node *state) {
    (void)self;
    return erg_metropolis_flips(energy, state, (erg_flips_options){.proposals = 2}).next;
}

static erg_node *disagreement(void *self, erg_node *x, erg_node *z) {
    (void)self;
    return erg_sum(erg_square(erg_sub(x, z)), ERG_AXES(1), 0);
}

/* Transitions of discrete states of all kinds. */
static bool sample_discrete(void) {
    erg_graph *graph = erg_graph_new(1);
    if (!graph)
        return false;
    const erg_flips_options two = {.sites = ERG_ONE_HOT, .proposals = 2};
    erg_lattice lattice = {.coupling = erg_scalar(graph, F64, 1)};
    erg_energy ising = {erg_ising_energy, &lattice}, potts = {erg_potts_energy, &lattice};
    erg_node *bits = erg_input(graph, "bits", F64, ERG_SHAPE(2, 2));
    erg_node *s = erg_input(graph, "s", F64, ERG_SHAPE(2, 2, 2, 3));
    erg_node *block = erg_checkerboard(graph, F64, ERG_SHAPE(2, 2), 1);
    erg_latent_states both =
        erg_latent_gibbs((erg_pair_energy){disagreement, NULL}, (erg_latent_states){bits, bits},
                         (erg_latent_move){flips, NULL}, (erg_latent_move){flips, NULL});
    erg_node *next[] = {
        erg_gibbs(ising, bits, (erg_gibbs_options){.scan = ERG_SCAN_RANDOM}).next,
        erg_gibbs(potts, s, (erg_gibbs_options){.sites = ERG_ONE_HOT, .updates = 1}).next,
        erg_metropolis_flips(potts, s, two).next,
        erg_gibbs_with_gradients(potts, s, two).next,
        erg_discrete_langevin(ising, bits, (erg_discrete_langevin_options){0}).next,
        erg_block_gibbs(potts, s, &block, 1, ERG_ONE_HOT).next,
        both.x,
        both.z};
    bool built = true;
    for (int k = 0; k < COUNT(next); k++)
        built &= next[k] != NULL;
    expect(built == !erg_graph_error(graph), "one check after building is not enough");
    erg_plan *plan = erg_compile(next, COUNT(next));
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

/* Chains of several runs with all that belongs to them. */
static bool sample(void) {
    erg_graph *graph = erg_graph_new(1);
    double stiffness = 1;
    erg_energy energy = {erg_harmonic_energy, &stiffness};
    erg_node *x = erg_input(graph, "x", F64, ERG_SHAPE(4, 2));
    erg_node *step = erg_input(graph, "step", F64, ERG_SCALAR);
    erg_metric *metric = erg_metric_new(graph, "metric", F64, ERG_SHAPE(2), ERG_MASS_DENSE);
    erg_metropolis_options options = {.step_size_node = step, .metric = metric, .max_depth = 2};
    erg_transition nuts = erg_nuts(energy, x, options);
    erg_statistics *statistics = erg_statistics_new(graph, "statistics", 4);
    erg_node *count = erg_statistics_count(statistics, nuts);
    erg_chain *chain = count && metric ? erg_chain_of(x, nuts, count) : NULL;
    bool done = chain;
    if (done) {
        erg_tensor_fill(erg_value(step), 0.5);
        done = !erg_warm_up(chain, statistics, step, 9, (erg_warm_up_options){.metric = metric});
    }
    erg_tensor *kept = done ? erg_chain_sample(chain, 2, (erg_chain_options){0}) : NULL;
    done = kept;
    erg_tensor_free(kept);
    erg_chain_free(chain);
    erg_graph_free(graph);
    return done;
}

static erg_node *grow(void *self, erg_node *x, erg_node *t) {
    (void)self;
    (void)t;
    return x;
}

/* Compound transitions as one plan, and a differential equation. */
static bool sample_dynamics(void) {
    double one = 1;
    erg_graph *graph = erg_graph_new(1);
    erg_node *x = erg_state(graph, "x", F64, ERG_SHAPE(4, 1));
    erg_energy energy = {erg_harmonic_energy, &one};
    erg_kernel move = {erg_langevin_kernel, NULL};
    erg_parallel_tempering *tempering = erg_parallel_tempering_new(
        energy, x, move, (erg_parallel_tempering_options){.ladder.levels = 2});
    erg_node *next = tempering ? erg_svgd(energy, tempering->next, (erg_svgd_options){0}) : NULL;
    erg_node *effects[] = {erg_assign(x, erg_unroll(move, energy, next, 2)),
                           tempering ? tempering->update : NULL};
    erg_plan *plan = erg_compile(effects, 2);
    if (plan)
        erg_run(plan);
    erg_ode *ode = erg_ode_new((erg_field){grow, NULL}, x, (erg_ode_options){0});
    if (ode) {
        erg_tensor_fill(erg_value(x), 1);
        bool solved = erg_ode_run(ode, 0, 1) == ERG_OK;
        expect(solved && fabs(erg_tensor_get(erg_value(x), 3) - 2.718281828) < 1e-3, "no exp(1)");
    }
    bool done = plan && ode;
    erg_ode_free(ode);
    erg_plan_free(plan);
    erg_graph_free(graph);
    return done;
}

static bool draw(void) {
    erg_plot *plot = erg_plot_new((erg_plot_options){
        .width = 120, .height = 90, .title = "t", .x_label = "x", .y_label = "y"});
    erg_tensor *values = erg_tensor_from(F64, ERG_SHAPE(2, 2), (double[]){1, 2, 3, 4});
    erg_tensor *line = erg_tensor_from(F64, ERG_SHAPE(3), (double[]){1, 3, 2});
    erg_tensor *images = erg_tensor_new(F64, ERG_SHAPE(3, 4, 4));
    bool done = plot && values && line && images &&
                !erg_plot_heatmap(plot, values, (erg_heatmap_options){.label = "E"}) &&
                !erg_plot_scatter(plot, values, (erg_mark_options){.label = "points"}) &&
                !erg_plot_line(plot, NULL, line, (erg_mark_options){.label = "line"}) &&
                !erg_plot_save(plot, "a.png") && !erg_image_grid_write("b.png", images, 0, 0, 0);
    erg_plot_free(plot);
    erg_tensor_free(values);
    erg_tensor_free(line);
    erg_tensor_free(images);
    return done;
}

static erg_tensor *some_draws(void) {
    erg_tensor *draws = erg_tensor_new(F64, ERG_SHAPE(10, 2, 1));
    for (int i = 0; draws && i < 20; i++)
        erg_tensor_set(draws, i, i * i % 7);
    return draws;
}

static bool picture(void) {
    erg_tensor *draws = some_draws();
    bool done = draws && !erg_rank_plot("a.png", draws, 0, NULL) &&
                !erg_autocorrelation_plot("b.png", draws, 0, NULL);
    erg_tensor_free(draws);
    return done;
}

/* Statistics of chains, their table, and distances between samples. */
static bool examine(void) {
    erg_tensor *draws = some_draws(), *rho = draws ? erg_autocorrelation(draws, 3) : NULL;
    erg_diagnosis diagnosis;
    erg_two_sample test;
    double a = 0, b = 0;
    const erg_two_sample_options fast = {.width = 2, .steps = 2};
    FILE *sink = fopen("/dev/null", "w");
    bool done = rho && !erg_diagnose(draws, &diagnosis, 1) &&
                !erg_summary_print(draws, (erg_summary_options){.energies = draws}, sink) &&
                !erg_mmd(draws, draws, 0, &a) && !erg_energy_distance(draws, draws, &a) &&
                !erg_ksd(draws, draws, (erg_ksd_options){0}, &a) &&
                !erg_precision_recall(draws, draws, 0, &a, &b) &&
                !erg_frechet_distance(draws, draws, &b) &&
                !erg_two_sample_test(draws, draws, fast, &test);
    if (done)
        expect(a == 1 && b < 1e-12, "a set differs from itself");
    fclose(sink);
    erg_tensor_free(draws);
    erg_tensor_free(rho);
    return done;
}

static erg_node *half_langevin(void *self, erg_energy tempered, erg_node *beta, erg_node *x) {
    (void)self, (void)beta;
    return erg_langevin(tempered, x, (erg_langevin_options){0});
}

static erg_node *gaussian_of_noise(void *self, erg_node *x, erg_node *sigma) {
    erg_node *e = erg_harmonic_energy(self, x);
    return erg_div(e, erg_add_scalar(erg_square(sigma), 1));
}

/* log Z by annealing and by sums, and log p by a flow. */
static bool normalise(void) {
    double one = 1, four = 4;
    erg_graph *graph = erg_graph_new(1);
    erg_node *x = erg_input(graph, NULL, F64, ERG_SHAPE(4, 1));
    erg_ais_base base = {{erg_harmonic_energy, &one}, erg_normal(graph, F64, ERG_SHAPE(4, 1)), 0};
    erg_ais *ais = erg_ais_new((erg_energy){erg_harmonic_energy, &four}, base, x,
                               (erg_kernel){half_langevin, NULL});
    erg_flow *flow = erg_flow_new((erg_pair_energy){gaussian_of_noise, &one}, x,
                                  (erg_flow_options){.steps = 2, .probes = 1});
    erg_evaluator *evaluator =
        erg_evaluator_new(graph, (erg_energy){erg_harmonic_energy, &one}, F64, ERG_SHAPE(1), 0);
    erg_tensor *log_p = erg_tensor_new(F64, ERG_SHAPE(4));
    erg_ais_result bracket;
    erg_enumeration sum;
    erg_quadrature integral;
    const erg_ais_options options = {.steps = 200, .adaptive = 0.9, .settle = 1};
    bool done = ais && flow && evaluator && log_p && !erg_ais_run(ais, options, &bracket) &&
                !erg_flow_run(flow, log_p) &&
                !erg_enumerate(evaluator, ERG_SHAPE(1), (double[]){0, 1}, 2, &sum) &&
                !erg_quadrature_1d(evaluator, (erg_quadrature_options){.half_width = 9}, &integral);
    if (done)
        expect(sum.states == 2 && integral.log_z > 0.9189385 && integral.log_z < 0.9189386,
               "another Z");
    erg_tensor_free(log_p);
    erg_evaluator_free(evaluator);
    erg_flow_free(flow);
    erg_ais_free(ais);
    erg_graph_free(graph);
    return done;
}

static const struct scenario {
    const char *name;
    bool (*act)(void);
    int least_requests;
} scenarios[] = {{"train", train, 20},
                 {"train by interpreter", train_by_interpreter, 20},
                 {"make modules", make_modules, 20},
                 {"sample discrete states", sample_discrete, 20},
                 {"make losses", make_losses, 20},
                 {"check_gradient", check_gradient, 10},
                 {"optimise", optimise, 20},
                 {"lose", lose, 20},
                 {"write and read", write_and_read, 10},
                 {"exchange", exchange, 60},
                 {"keep", keep, 60},
                 {"train in a loop", train_in_a_loop, 100},
                 {"sample", sample, 60},
                 {"sample dynamics", sample_dynamics, 40},
                 {"draw", draw, 10},
                 {"picture", picture, 30},
                 {"examine", examine, 60},
                 {"normalise", normalise, 60}};

/* Number k refused, for every k until the scenario asks less often than that. */
static void refuse_each(const struct scenario *s, bool for_ever) {
    for (int k = 1;; k++) {
        erg_fail(ERG_OK, "%s", "");
        wrong = NULL;
        int before = atomic_load(&live);
        arm(&memory, k, for_ever);
        bool done = s->act();
        disarm(&memory);
        ck_assert_msg(!wrong, "%s, request %d: %s", s->name, k, wrong);
        ck_assert_msg(atomic_load(&live) == before, "%s, request %d: %d blocks left", s->name, k,
                      atomic_load(&live) - before);
        ck_assert_msg(done || erg_error_message()[0], "%s, request %d: no message", s->name, k);
        if (atomic_load(&memory.refused) == 0) {
            ck_assert_msg(done, "%s: %s", s->name, erg_error_message());
            ck_assert_int_gt(k, s->least_requests);
            return;
        }
        remove_files("");
    }
}

START_TEST(memory_refused_once) {
    ck_assert(scenarios[_i].act()); /* what is made once and kept is made here */
    refuse_each(&scenarios[_i], false);
}
END_TEST

START_TEST(memory_refused_for_ever) {
    ck_assert(scenarios[_i].act());
    refuse_each(&scenarios[_i], true);
}
END_TEST

/* ------------------------------------------------------------------------------- threads */

WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *self)) {
    return refuses(&threads) ? EAGAIN : __real_pthread_create(thread, attributes, start, self);
}

enum { ELEMENTS = 1000, WANTED = 4 };

typedef struct visits {
    atomic_int element[ELEMENTS];
    atomic_bool thread[WANTED];
} visits;

static void visit(void *self, int64_t begin, int64_t end, int thread) {
    visits *v = self;
    atomic_store(&v->thread[thread], true);
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add(&v->element[i], 1);
}

/* Threads that took part in a loop over all elements, each of which was visited once. */
static int threads_at_work(void) {
    static visits v;
    int count = 0;
    memset(&v, 0, sizeof v);
    erg_parallel_for(ELEMENTS, 1, visit, &v);
    for (int i = 0; i < ELEMENTS; i++)
        ck_assert_int_eq(atomic_load(&v.element[i]), 1);
    for (int i = 0; i < WANTED; i++)
        count += atomic_load(&v.thread[i]);
    return count;
}

/* Those that there are do the work; a new erg_set_threads asks for the others again. */
START_TEST(threads_refused) {
    for (int granted = 0; granted < WANTED; granted++) {
        ck_assert_int_eq(erg_set_threads(WANTED), ERG_OK);
        arm(&threads, granted ? 2 : 1, true);
        ck_assert_int_eq(threads_at_work(), granted + 1);
        ck_assert_int_eq(threads_at_work(), granted + 1);
        ck_assert_int_le(atomic_load(&threads.refused), 1);
        disarm(&threads);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("faults");
    TCase *crew = tcase_create("threads"); /* first: the pool must not have started yet */
    tcase_add_test(crew, threads_refused);
    suite_add_tcase(suite, crew);
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 60); /* files are synchronised, which a busy disk takes its time for */
    tcase_add_checked_fixture(tests, enter_folder, leave_folder);
    tcase_add_loop_test(tests, memory_refused_once, 0, COUNT(scenarios));
    tcase_add_loop_test(tests, memory_refused_for_ever, 0, COUNT(scenarios));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

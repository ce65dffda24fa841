/* test_checkpoint.c: a training that is stopped, built again and loaded goes on with the same bits;
 * whatever is wrong with a file, nothing is taken over; and a kill at any moment leaves a file that is
 * whole. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "modules.h"

#define PATH "checkpoint.safetensors"

/* ------------------------------------------------------------------------------- a folder */

static char folder[64];
static int home;

static void enter_folder(void) {
    home = open(".", O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(home, 0);
    snprintf(folder, sizeof folder, "test_checkpoint-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void leave_folder(void) {
    DIR *directory = opendir(".");
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        remove(entry->d_name);
    closedir(directory);
    ck_assert_int_eq(fchdir(home), 0);
    close(home);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* ------------------------------------------------------------------------------- a training */

/* One with everything that has a state: weights, AdamW and its step, by which the learning rate
 * falls, averages of the weights, a standardiser, dropout and noise, a replay buffer, a shuffled data
 * set, and a number of the program's. */
typedef struct training {
    erg_graph *graph;
    erg_tensor *points;
    erg_dataset *data;
    erg_node *batch;
    erg_negatives *negatives;
    erg_plan *plan;
    double steps;
    erg_checkpoint_number number;
    erg_checkpoint_part parts[2];
} training;

typedef struct model {
    erg_mlp *net;
    erg_standardiser *scale;
    double dropout;
} model;

static erg_node *model_energy(void *self, erg_node *x) {
    const model *m = self;
    return erg_mlp_energy(m->net, erg_dropout(erg_standardise(m->scale, x), m->dropout, NULL));
}

/* A step of AdamW, and after it one of the averages. */
static erg_plan *training_step(erg_graph *g, erg_node *loss) {
    int n;
    erg_node **params = erg_params(g, "net", &n);
    erg_node *step = erg_state(g, "step", ERG_FLOAT64, ERG_SCALAR);
    erg_node *rate = erg_cosine_schedule(step, 0.01, 0.001, 20);
    erg_node *update =
        erg_adamw(loss, params, n, (erg_adam_options){.learning_rate_node = rate, .step = step});
    erg_ema *ema = erg_ema_new(params, n, (erg_ema_options){.decay = 0.9, .after = update});
    return ema ? erg_compile((erg_node *[]){update, ema->update}, 2) : NULL;
}

static erg_tensor *some_points(void) {
    erg_tensor *points = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(50, 2));
    ck_assert_int_eq(erg_random_normal(points, (erg_random){.seed = 5}), ERG_OK);
    return points;
}

static void start(training *t) {
    erg_graph *g = t->graph = erg_graph_new(11);
    model chains = {erg_mlp_new(g, "net", (int64_t[]){2, 8, 1}, 3, (erg_mlp_options){0}),
                    erg_standardiser_new(g, "scale", ERG_FLOAT32, ERG_SHAPE(2)), 0};
    model training = {chains.net, chains.scale, 0.2};
    erg_energy energy = {model_energy, &training};
    t->points = some_points();
    ck_assert_int_eq(erg_standardiser_fit(chains.scale, t->points), ERG_OK);
    t->data = erg_dataset_new(t->points, NULL, (erg_dataset_options){.seed = 3});
    t->batch = erg_input(g, "batch", ERG_FLOAT32, ERG_SHAPE(16, 2));
    erg_node *x = erg_input(g, "negatives", ERG_FLOAT32, ERG_SHAPE(16, 2));
    erg_node *next = erg_langevin((erg_energy){model_energy, &chains}, x,
                                  (erg_langevin_options){.step_size = 0.1});
    t->negatives = erg_negatives_new(
        x, next,
        (erg_negatives_options){
            .start = ERG_START_PERSISTENT, .steps = 3, .replay = {.capacity = 40, .seed = 9}});
    erg_node *loss =
        erg_add(erg_contrastive_divergence(energy, t->batch, x, (erg_contrastive_options){0}),
                erg_denoising_score_matching(energy, t->batch, (erg_denoising_options){0}));
    t->plan = training_step(g, loss);
    ck_assert_msg(t->plan && t->negatives && t->data, "%s", erg_error_message());
    t->steps = 0;
    t->number = (erg_checkpoint_number){"steps", &t->steps};
    t->parts[0] = erg_dataset_part(t->data, "data");
    t->parts[1] = erg_replay_part(erg_negatives_replay(t->negatives), "replay");
}

static void finish(training *t) {
    erg_plan_free(t->plan);
    erg_negatives_free(t->negatives);
    erg_dataset_free(t->data);
    erg_tensor_free(t->points);
    erg_graph_free(t->graph);
}

static void train(training *t, int steps) {
    for (int k = 0; k < steps; k++, t->steps++) {
        ck_assert_int_eq(erg_dataset_next(t->data, erg_value(t->batch), NULL), ERG_OK);
        ck_assert_msg(erg_negatives_run(t->negatives, NULL) == ERG_OK, "%s", erg_error_message());
        erg_run(t->plan);
    }
}

/* `parts` bits choose what besides the graph is kept. */
static erg_checkpoint_options options_of(training *t, int parts) {
    erg_checkpoint_options o = {.numbers = &t->number, .n_numbers = 1};
    o.parts = parts & 1 ? t->parts : t->parts + 1;
    o.n_parts = (parts & 1) + (parts >> 1 & 1);
    return o;
}

static bool same(const erg_tensor *a, const erg_tensor *b) {
    size_t size = (size_t)erg_tensor_size(a) * erg_dtype_size(a->dtype);
    return a->dtype == b->dtype && erg_shape_equal(a->shape, b->shape) &&
           memcmp(a->data, b->data, size) == 0;
}

/* All params, states and slots of the buffer, bit for bit. */
static bool same_trainings(const training *a, const training *b) {
    erg_node *v = NULL, *w = NULL;
    bool equal = same(erg_replay_values(erg_negatives_replay(a->negatives)),
                      erg_replay_values(erg_negatives_replay(b->negatives)));
    while ((v = erg_next_variable(a->graph, v)) && (w = erg_next_variable(b->graph, w)))
        equal = equal && same(erg_value(v), erg_value(w));
    return equal && a->steps == b->steps;
}

/* ------------------------------------------------------------------------------- the same bits */

/* What a faulty checkpoint could leave out. */
enum { NOTHING, DATA, REPLAY, RUNS, STATE, OMISSIONS = STATE + 5 };
static const char *const forgotten[] = {"adamw/net/0/weight/m", "adamw/net/0/weight/v",
                                        "ema/net/0/bias", "scale/mean", "step"};

START_TEST(resumed_training_has_the_same_bits) {
    training whole, first, second;
    int parts = _i == DATA ? 2 : _i == REPLAY ? 1 : 3;
    start(&whole);
    train(&whole, 20);
    start(&first);
    train(&first, 10);
    ck_assert_msg(erg_checkpoint_save(PATH, first.graph, options_of(&first, parts)) == ERG_OK, "%s",
                  erg_error_message());
    finish(&first);
    start(&second);
    train(&second, 4); /* of which nothing may remain */
    if (_i == DATA) {
        erg_dataset_free(second.data);
        second.data = erg_dataset_new(second.points, NULL, (erg_dataset_options){.seed = 3});
    }
    ck_assert_msg(erg_checkpoint_load(PATH, second.graph, options_of(&second, parts)) == ERG_OK,
                  "%s", erg_error_message());
    if (_i == RUNS)
        erg_graph_set_runs(second.graph, 4);
    if (_i >= STATE)
        erg_tensor_fill(erg_value(erg_find(second.graph, forgotten[_i - STATE])), 0);
    train(&second, 10);
    ck_assert_int_eq(same_trainings(&whole, &second), _i == NOTHING);
    finish(&second);
    finish(&whole);
}
END_TEST

/* A checkpoint in memory, to which the same training goes back. */
START_TEST(gone_back_in_memory) {
    training whole, t;
    start(&whole);
    train(&whole, 20);
    start(&t);
    train(&t, 10);
    erg_bundle *taken = erg_checkpoint_take(t.graph, options_of(&t, 3));
    ck_assert_ptr_nonnull(taken);
    for (int i = 0; i < 2; i++) {
        train(&t, 7);
        ck_assert_int_eq(erg_checkpoint_restore(taken, t.graph, options_of(&t, 3)), ERG_OK);
    }
    train(&t, 10);
    ck_assert(same_trainings(&whole, &t));
    ck_assert_int_lt(erg_checkpoint_restore(taken, t.graph, options_of(&t, 2)), 0);
    ck_assert_ptr_nonnull(strstr(erg_error_message(), "is there, but not here"));
    ck_assert_int_lt(erg_checkpoint_restore(NULL, t.graph, options_of(&t, 3)), 0);
    ck_assert_ptr_null(erg_checkpoint_take(NULL, options_of(&t, 3)));
    erg_bundle_free(taken);
    finish(&t);
    finish(&whole);
}
END_TEST

/* The file is one that any reader of the format can look into. */
START_TEST(names_in_the_file) {
    static const char *const names[] = {"net.0.weight",   "adamw.net.1.bias.v", "step",
                                        "ema.net.0.bias", "scale.mean",         "graph.random",
                                        "numbers.steps",  "data.position",      "replay.values",
                                        "replay.order",   "replay.random"};
    training t;
    start(&t);
    train(&t, 2);
    ck_assert_int_eq(erg_checkpoint_save(PATH, t.graph, options_of(&t, 3)), ERG_OK);
    erg_bundle *bundle = erg_safetensors_read(PATH);
    ck_assert_int_eq(erg_bundle_verified(bundle), 1);
    for (int i = 0; i < COUNT(names); i++)
        ck_assert_msg(erg_bundle_find(bundle, names[i]) != NULL, "no %s", names[i]);
    ck_assert_double_eq(erg_tensor_get(erg_bundle_find(bundle, "numbers.steps"), 0), 2);
    ck_assert_ptr_null(erg_bundle_find(bundle, "batch"));
    erg_bundle_free(bundle);
    finish(&t);
}
END_TEST

/* ------------------------------------------------------------------------------- refusals */

/* A small graph, and ways to build another one. */
typedef struct variant {
    const char *message; /* with which it refuses the first one's checkpoint */
    uint64_t seed;
    const char *param;
    erg_dtype dtype;
    int64_t size;
    const char *state; /* NULL: none */
    const char *number;
} variant;

static const variant variants[] = {
    {NULL, 1, "w", ERG_FLOAT64, 3, "s", "lr"},
    {"the graph's seed was 1, here it is 2", 2, "w", ERG_FLOAT64, 3, "s", "lr"},
    {"\"v\" is missing", 1, "v", ERG_FLOAT64, 3, "s", "lr"},
    {"\"w\" is float64 (3), here it is float32 (3)", 1, "w", ERG_FLOAT32, 3, "s", "lr"},
    {"\"w\" is float64 (3), here it is float64 (4)", 1, "w", ERG_FLOAT64, 4, "s", "lr"},
    {"\"s\" is there, but not here", 1, "w", ERG_FLOAT64, 3, NULL, "lr"},
    {"\"numbers.rate\" is missing", 1, "w", ERG_FLOAT64, 3, "s", "rate"},
    {"\"numbers.lr\" is there, but not here", 1, "w", ERG_FLOAT64, 3, "s", NULL},
};

static erg_graph *build(const variant *v, double value) {
    erg_graph *g = erg_graph_new(v->seed);
    erg_tensor_fill(erg_value(erg_param(g, v->param, v->dtype, ERG_SHAPE(v->size))), value);
    if (v->state)
        erg_tensor_fill(erg_value(erg_state(g, v->state, ERG_INT32, ERG_SHAPE(2))), value);
    return g;
}

static bool all_are(const erg_graph *g, double value) {
    for (erg_node *v = NULL; (v = erg_next_variable(g, v));)
        for (int64_t i = 0; i < erg_tensor_size(erg_value(v)); i++)
            if (erg_tensor_get(erg_value(v), i) != value)
                return false;
    return true;
}

START_TEST(misfits_are_refused) {
    double saved = 0.5, number = 7;
    const variant *v = &variants[_i];
    erg_checkpoint_number numbers[] = {{"lr", &saved}, {v->number, &number}};
    erg_graph *first = build(&variants[0], 1), *second = build(v, 2);
    erg_graph_set_runs(first, UINT64_C(1) << 40);
    ck_assert_int_eq(erg_checkpoint_save(
                         PATH, first, (erg_checkpoint_options){.numbers = numbers, .n_numbers = 1}),
                     ERG_OK);
    erg_checkpoint_options options = {.numbers = numbers + 1, .n_numbers = v->number != NULL};
    if (v->message)
        FAILS(v->message, erg_checkpoint_load(PATH, second, options));
    else
        ck_assert_int_eq(erg_checkpoint_load(PATH, second, options), ERG_OK);
    bool loaded = !v->message;
    ck_assert(all_are(second, loaded ? 1 : 2));
    ck_assert_double_eq(number, loaded ? 0.5 : 7);
    ck_assert_uint_eq(erg_graph_runs(second), loaded ? UINT64_C(1) << 40 : 0);
    erg_graph_free(first);
    erg_graph_free(second);
}
END_TEST

/* Any byte that is damaged, any end that is cut off. */
START_TEST(damage_is_refused) {
    erg_graph *g = build(&variants[0], 1);
    const erg_checkpoint_options none = {0};
    ck_assert_int_eq(erg_checkpoint_save(PATH, g, none), ERG_OK);
    unsigned char bytes[2048];
    FILE *file = fopen(PATH, "rb");
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert_uint_gt(size, 200);
    erg_tensor_fill(erg_value(erg_find(g, "w")), 2);
    erg_tensor_fill(erg_value(erg_find(g, "s")), 2);
    for (size_t at = 0; at < 2 * size; at++) {
        bytes[at % size] ^= at < size ? 0x20 : 0;
        file = fopen(PATH, "wb");
        fwrite(bytes, 1, at < size ? size : at - size, file);
        fclose(file);
        if (erg_checkpoint_load(PATH, g, none) >= 0 || !all_are(g, 2))
            ck_abort_msg("damage number %zu is not noticed", at);
        bytes[at % size] ^= at < size ? 0x20 : 0;
    }
    ck_assert_int_eq(erg_error_status(), ERG_ERROR_FORMAT);
    erg_bundle *weights = erg_weights(g, NULL);
    ck_assert_int_eq(erg_safetensors_write(PATH, weights, (erg_safetensors_options){0}), ERG_OK);
    FAILS("no checksum: it is no checkpoint", erg_checkpoint_load(PATH, g, none));
    erg_bundle_free(weights);
    erg_graph_free(g);
}
END_TEST

static erg_status fails_to_save(void *self, erg_bundle *state) {
    (void)self, (void)state;
    return erg_fail(ERG_ERROR_IO, "part: cannot be saved");
}

static erg_status saves_nothing(void *self, erg_bundle *state) {
    (void)self, (void)state;
    return ERG_OK;
}

/* A part that says no, and must then not be asked again. */
static erg_status refuses_to_load(void *self, const erg_bundle *state, int apply) {
    (void)state;
    *(int *)self += apply;
    return erg_fail(ERG_ERROR_FORMAT, "part: will not load");
}

START_TEST(parts_may_refuse) {
    int applied = 0;
    double number = 1;
    erg_checkpoint_part part = {"part", &applied, fails_to_save, refuses_to_load};
    erg_checkpoint_options options = {.parts = &part, .n_parts = 1};
    erg_checkpoint_number nameless = {NULL, &number};
    erg_graph *g = build(&variants[0], 1);
    FAILS("part: cannot be saved", erg_checkpoint_save(PATH, g, options));
    ck_assert_int_ne(access(PATH, F_OK), 0);
    part.save = saves_nothing;
    ck_assert_int_eq(erg_checkpoint_save(PATH, g, options), ERG_OK);
    erg_tensor_fill(erg_value(erg_find(g, "w")), 2);
    erg_tensor_fill(erg_value(erg_find(g, "s")), 2);
    FAILS("part: will not load", erg_checkpoint_load(PATH, g, options));
    ck_assert_int_eq(applied, 0);
    ck_assert(all_are(g, 2));
    part.load = NULL;
    FAILS("part 0 lacks name, save or load", erg_checkpoint_load(PATH, g, options));
    FAILS("number 0 has no name or value",
          erg_checkpoint_save(PATH, g,
                              (erg_checkpoint_options){.numbers = &nameless, .n_numbers = 1}));
    erg_graph_free(g);
}
END_TEST

START_TEST(bad_calls_are_refused) {
    const erg_checkpoint_options none = {0};
    erg_graph *g = build(&variants[0], 1);
    FAILS("no path", erg_checkpoint_save(NULL, g, none));
    FAILS("no graph", erg_checkpoint_load(PATH, NULL, none));
    FAILS("cannot open \"missing\"", erg_checkpoint_load("missing", g, none));
    ck_assert_int_eq(erg_checkpoint_load("missing", g, none), ERG_ERROR_IO);
    erg_state(g, NULL, ERG_FLOAT32, ERG_SHAPE(3, 4));
    FAILS("a state of shape (3, 4) has no name", erg_checkpoint_save(PATH, g, none));
    erg_graph_fail(g, "a mistake");
    FAILS("a mistake", erg_checkpoint_save(PATH, g, none));
    erg_graph_free(g);
}
END_TEST

/* Saves a training, changes one element of the file, with a checksum that is right again, and returns
 * whether the training still takes it over. */
static erg_status load_changed(const char *name, int64_t index, double value) {
    training t;
    start(&t);
    train(&t, 3);
    ck_assert_int_eq(erg_checkpoint_save(PATH, t.graph, options_of(&t, 3)), ERG_OK);
    erg_bundle *bundle = erg_safetensors_read(PATH);
    ck_assert_ptr_nonnull(erg_bundle_find(bundle, name));
    erg_tensor_set(erg_bundle_find(bundle, name), index, value);
    ck_assert_int_eq(erg_safetensors_write(PATH, bundle, (erg_safetensors_options){.checksum = 1}),
                     ERG_OK);
    erg_bundle_free(bundle);
    train(&t, 1);
    erg_status status = erg_checkpoint_load(PATH, t.graph, options_of(&t, 3));
    ck_assert_double_eq(t.steps, status == ERG_OK ? 3 : 4);
    finish(&t);
    return status;
}

START_TEST(states_of_parts_are_checked) {
    ck_assert_int_eq(load_changed("replay.ages", 39, 1000), ERG_OK);
    FAILS("in no order", load_changed("replay.order", 0, 40));
    FAILS("in no order", load_changed("replay.order", 1, -1));
    FAILS("in no order", load_changed("replay.order", 2, 0.5));
    FAILS("in no order", load_changed("replay.order", 3, NAN));
    FAILS("in no order", load_changed("replay.ages", 0, -1));
    FAILS("not finite", load_changed("replay.values", 7, INFINITY));
    FAILS("the buffer's seed was 1, here it is 9", load_changed("replay.random", 0, 1));
    FAILS("row 0 of 51 with seed 3, here it has 50 and 3", load_changed("data.position", 0, 51));
    FAILS("row 0 of 50 with seed 4, here it has 50 and 3", load_changed("data.position", 2, 4));
    FAILS("row 51 of 50", load_changed("data.position", 6, 51));
}
END_TEST

/* ------------------------------------------------------------------------------- kill -9 */

/* Saves 1, 2, 3, ... for ever, and tells through the pipe that it has begun. */
static void save_for_ever(erg_graph *g, erg_tensor *value, int pipe_end) {
    for (double k = 1;; k++) {
        erg_tensor_fill(value, k);
        if (erg_checkpoint_save(PATH, g,
                                (erg_checkpoint_options){
                                    .numbers = &(erg_checkpoint_number){"k", &k}, .n_numbers = 1}))
            _exit(1);
        if (k == 1 && write(pipe_end, "!", 1) != 1)
            _exit(1);
    }
}

/* Starts a child that saves, and kills it some time after the first save. */
static void save_and_kill(erg_graph *g, erg_tensor *value, useconds_t later) {
    int ends[2], status;
    char begun = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        save_for_ever(g, value, ends[1]);
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &begun, 1), 1);
    close(ends[0]);
    usleep(later);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Killed at any moment, the program leaves a file that is whole. */
START_TEST(kill_leaves_a_whole_file) {
    double k = 0;
    erg_graph *g = erg_graph_new(1);
    erg_tensor *value = erg_value(erg_state(g, "x", ERG_FLOAT32, ERG_SHAPE(50000)));
    const erg_checkpoint_options options = {.numbers = &(erg_checkpoint_number){"k", &k},
                                            .n_numbers = 1};
    for (int round = 0; round < draws(40, 3); round++) {
        save_and_kill(g, value, (useconds_t)(round * 977 % 10000));
        k = 0;
        ck_assert_msg(erg_checkpoint_load(PATH, g, options) == ERG_OK, "%s", erg_error_message());
        ck_assert_double_ge(k, 1);
        for (int64_t i = 0; i < 50000; i++)
            if (erg_tensor_get(value, i) != k)
                ck_abort_msg("%g in the checkpoint of %g", erg_tensor_get(value, i), k);
    }
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("checkpoint");
    TCase *tests = tcase_create("checkpoint");
    tcase_add_checked_fixture(tests, enter_folder, leave_folder);
    tcase_add_loop_test(tests, resumed_training_has_the_same_bits, 0, OMISSIONS);
    tcase_add_test(tests, gone_back_in_memory);
    tcase_add_test(tests, names_in_the_file);
    tcase_add_loop_test(tests, misfits_are_refused, 0, COUNT(variants));
    tcase_add_test(tests, damage_is_refused);
    tcase_add_test(tests, parts_may_refuse);
    tcase_add_test(tests, bad_calls_are_refused);
    tcase_add_test(tests, states_of_parts_are_checked);
    tcase_add_test(tests, kill_leaves_a_whole_file);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

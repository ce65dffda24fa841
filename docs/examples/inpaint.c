/* inpaint.c: an energy that repairs handwritten digits. It is trained for that and nothing else: from
 * a digit with noise, or with a hole, the energy is descended by k steps,
 *
 *     x_0 = corrupted,   x_(i+1) = x_i - h grad E(x_i),   loss = 1/2 mean |x_k - clean|^2,
 *
 * and the loss is differentiated through all of them (Domke 2012), by the step size h, too. Nothing
 * is sampled. With a hole only its pixels move. */
#include <math.h>

#include "inpaint.h"

/* ------------------------------------------------------------------------------- corruption */

/* A square of side x side pixels at a place of its own for each of n images: (n, 1, H, W), 1 inside.
 * Pixel i is inside if first <= i < first + side, for its row and for its column. */
static erg_node *holes(erg_graph *g, int64_t n, int64_t height, int64_t width, int64_t side) {
    erg_node *inside[2];
    for (int axis = 0; axis < 2; axis++) {
        int64_t pixels = axis == 0 ? height : width, places = pixels - side + 1;
        erg_node *chance = erg_uniform(g, ERG_FLOAT32, ERG_SHAPE(n, 1));
        erg_node *first = erg_floor(erg_mul_scalar(chance, (double)places));
        erg_node *from_first = erg_sub(erg_arange(g, ERG_FLOAT32, pixels), first);
        erg_node *is =
            erg_logical_and(erg_greater_equal(from_first, erg_full_like(from_first, 0)),
                            erg_less(from_first, erg_full_like(from_first, (double)side)));
        inside[axis] =
            axis == 0 ? ERG_RESHAPE(is, n, 1, pixels, 1) : ERG_RESHAPE(is, n, 1, 1, pixels);
    }
    return erg_logical_and(inside[0], inside[1]);
}

/* Sets task->corrupted and task->missing. A hole is grey. */
static void corrupt(inpaint *task) {
    const inpaint_options *o = task->options;
    erg_shape shape = erg_node_shape(task->clean);
    int64_t half = o->common.batch / 2;
    erg_node *first = erg_slice(task->clean, 0, 0, half, 1);
    erg_node *second = erg_slice(task->clean, 0, half, o->common.batch, 1);
    erg_node *normal = erg_normal(task->graph, ERG_FLOAT32, erg_node_shape(first));
    erg_node *noisy = erg_add(first, erg_mul_scalar(normal, o->noise));
    erg_node *hole =
        holes(task->graph, o->common.batch - half, shape.dims[2], shape.dims[3], o->hole);
    erg_node *holed = erg_where(hole, erg_full_like(second, 0), second);
    task->corrupted = erg_concat((erg_node *[]){noisy, holed}, 2, 0);
    task->missing = erg_concat((erg_node *[]){erg_full_like(first, 1), hole}, 2, 0);
}

/* ------------------------------------------------------------------------------- training */

static erg_status make_model(inpaint *task) {
    const inpaint_options *o = task->options;
    erg_graph *g = task->graph = erg_graph_new(o->common.seed);
    erg_shape shape = task->train->shape;
    if (o->hole > shape.dims[2] || o->hole > shape.dims[3])
        return erg_fail(ERG_ERROR_ARGUMENT, "a hole of %lld pixels in images of %lld x %lld",
                        (long long)o->hole, (long long)shape.dims[2], (long long)shape.dims[3]);
    shape.dims[0] = o->common.batch;
    task->energy = (erg_energy){erg_cnn_energy,
                                erg_cnn_new(g, "energy", shape.dims + 1, (erg_cnn_options){0})};
    task->clean = erg_input(g, "clean", ERG_FLOAT32, shape);
    task->step_size = erg_exp(erg_param(g, "log_step", ERG_FLOAT32, ERG_SCALAR));
    corrupt(task);
    task->batches =
        erg_dataset_new(task->train, NULL, (erg_dataset_options){.seed = o->common.seed});
    task->looks = erg_dataset_new(task->held_out, NULL, (erg_dataset_options){.ordered = 1});
    return task->batches && task->looks ? ERG_OK : erg_error_status();
}

static erg_status make_trainer(inpaint *task) {
    const inpaint_options *o = task->options;
    erg_node *loss = erg_reconstruction_loss(task->energy, task->corrupted, task->clean,
                                             (erg_reconstruction_options){
                                                 .steps = o->descent,
                                                 .step_size_node = task->step_size,
                                                 .missing = task->missing,
                                             });
    erg_node *step = erg_state(task->graph, "step", ERG_FLOAT64, ERG_SCALAR);
    int n;
    erg_node **params = erg_params(task->graph, NULL, &n);
    task->column = (erg_column){"step size", task->step_size};
    erg_trainer_options t = digits_trainer_options(&o->common);
    t.step = step;
    t.learning_rate_node = erg_exponential_schedule(step, o->rate, pow(0.5, 1 / 400.0));
    t.clip_norm = 30;
    t.batches = (erg_batches){.x = task->clean, .dataset = task->batches};
    t.validation = (erg_validation){.node = loss, .dataset = task->looks, .every = 100};
    t.history.columns = &task->column;
    t.history.n_columns = 1;
    task->trainer = erg_trainer_new(loss, params, n, t);
    return task->trainer ? ERG_OK : erg_error_status();
}

/* ------------------------------------------------------------------------------- the program */

#define AT(field) .offset = offsetof(inpaint_options, field)

static const program_option options[] = {
    DIGITS_ROWS(inpaint_options),
    DIGITS_ROW(inpaint_options, "--batch", "N",
               "images in a step: half of them with noise, the others with a hole", PROGRAM_WHOLE,
               batch, 2, 1e5),
    {"--descent", "N", "steps down the energy that repair an image", PROGRAM_WHOLE, AT(descent), 1,
     100},
    {"--noise", "X", "its standard deviation; pixels go from -1 to 1", PROGRAM_REAL, AT(noise), 0,
     10},
    {"--hole", "N", "its side, in pixels", PROGRAM_WHOLE, AT(hole), 1, 1000},
    {"--lr", "X", "first learning rate; it halves every 400 steps", PROGRAM_REAL, AT(rate), 1e-9,
     1},
    {0},
};

static const program inpaint_program = {
    .name = "inpaint",
    .purpose = "an energy whose descent takes noise off digits and fills holes in them.",
    .options = options,
};

static erg_status run(inpaint *task) {
    const digits_options *o = &task->options->common;
    erg_status status = digits_start_pixels(o, &task->train, &task->held_out);
    if (status == ERG_OK)
        status = make_model(task);
    if (status == ERG_OK)
        status = make_trainer(task);
    if (status == ERG_OK)
        status = digits_train(task->trainer, o, &task->seconds);
    return status == ERG_OK ? write_report(task) : status;
}

int main(int argc, char **argv) {
    inpaint_options o = {.common = {.data = ".",
                                    .files = "t10k",
                                    .out = "inpaint",
                                    .held_out = 2000,
                                    .steps = 1000,
                                    .batch = 64,
                                    .seed = 1},
                         .descent = 3,
                         .hole = 12,
                         .noise = 0.5,
                         .rate = 0.004};
    int exit_status;
    if (!program_read(&inpaint_program, argc, argv, &o, &exit_status))
        return exit_status;
    inpaint task = {.options = &o, .argc = argc, .argv = argv};
    exit_status = program_end(&inpaint_program, run(&task));
    erg_trainer_free(task.trainer);
    erg_dataset_free(task.batches);
    erg_dataset_free(task.looks);
    erg_graph_free(task.graph);
    erg_tensor_free(task.train);
    erg_tensor_free(task.held_out);
    return exit_status;
}

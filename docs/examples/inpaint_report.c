/* inpaint_report.c: repairs held-out digits, with the same noise and holes at each call, and compares
 * that with repairs that know nothing of digits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inpaint.h"

enum { NOISE, HOLE, TASKS };
static const char *const task_names[TASKS] = {"noise", "hole"};
static const char *const plain_names[TASKS] = {"the best Gaussian blur", "the smoothest surface"};
static const char *const file_names[TASKS] = {"noise.png", "hole.png"};

/* Sums of squared errors over the pixels that were corrupted. */
typedef struct errors {
    double pixels, mean, plain; /* the mean image; blur or surface */
    double *steps;              /* after 0, 1, ... steps of descent */
} errors;

typedef struct evaluation {
    int64_t steps; /* of descent: twice as many as in training */
    image_size size;
    int64_t pixels;
    erg_plan *plan; /* outputs: missing; the images after 0, 1, ... steps */
    float *mean, *plain;
    double blur; /* its width */
    errors errors[TASKS];
} evaluation;

/* ------------------------------------------------------------------------------- one image */

static double squares(const float *a, const float *b, const float *missing, int64_t pixels) {
    double sum = 0;
    for (int64_t p = 0; p < pixels; p++)
        sum += missing[p] != 0 ? (a[p] - b[p]) * (double)(a[p] - b[p]) : 0;
    return sum;
}

/* Image b of the batch: clean, which pixels are missing, and as it is after k steps. */
static const float *clean_of(const evaluation *e, inpaint *task, int64_t b) {
    return (const float *)erg_value(task->clean)->data + b * e->pixels;
}

static const float *missing_of(const evaluation *e, int64_t b) {
    return (const float *)erg_output(e->plan, 0)->data + b * e->pixels;
}

static const float *after(const evaluation *e, int64_t k, int64_t b) {
    return (const float *)erg_output(e->plan, (int)k + 1)->data + b * e->pixels;
}

/* Into e->plain. */
static void repair_plainly(evaluation *e, int what, int64_t b) {
    if (what == NOISE)
        blur_image(e->plain, after(e, 0, b), e->size, e->blur);
    else
        smooth_holes(e->plain, after(e, 0, b), missing_of(e, b), e->size);
}

static void add_image(evaluation *e, inpaint *task, int what, int64_t b) {
    errors *sums = &e->errors[what];
    const float *clean = clean_of(e, task, b), *missing = missing_of(e, b);
    for (int64_t p = 0; p < e->pixels; p++)
        sums->pixels += missing[p] != 0;
    repair_plainly(e, what, b);
    sums->plain += squares(e->plain, clean, missing, e->pixels);
    sums->mean += squares(e->mean, clean, missing, e->pixels);
    for (int64_t k = 0; k <= e->steps; k++)
        sums->steps[k] += squares(after(e, k, b), clean, missing, e->pixels);
}

/* ------------------------------------------------------------------------------- pictures */

/* Rows: clean, corrupted, after one step, half of them, all, and without learning. */
static erg_status draw_repairs(evaluation *e, inpaint *task, int what) {
    enum { ROWS = 6, COLUMNS = 14 };
    int64_t half = task->options->common.batch / 2, k = task->options->descent;
    int64_t columns = half < COLUMNS ? half : COLUMNS, shown[] = {0, 1, (k + 1) / 2, k};
    erg_tensor *all =
        erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(ROWS * columns, 1, e->size.height, e->size.width));
    for (int64_t c = 0; all && c < columns; c++) {
        int64_t b = what == NOISE ? c : half + c;
        repair_plainly(e, what, b);
        const float *rows[ROWS] = {clean_of(e, task, b), [ROWS - 1] = e->plain};
        for (int i = 0; i < 4; i++)
            rows[1 + i] = after(e, shown[i], b);
        for (int r = 0; r < ROWS; r++)
            memcpy((float *)all->data + (r * columns + c) * e->pixels, rows[r],
                   (size_t)e->pixels * sizeof(float));
    }
    path_text path;
    erg_status status =
        all ? join_path(path, task->options->common.out, file_names[what]) : erg_error_status();
    if (status == ERG_OK)
        status = digits_draw(path, all, (int)columns);
    erg_tensor_free(all);
    return status;
}

static double mean_square(const errors *sums, double sum) {
    return sum / sums->pixels;
}

/* Mean squared errors against the number of steps, which is more than the model has learned for. */
static erg_status draw_descent(const evaluation *e, const inpaint *task) {
    erg_plot *plot = erg_plot_new((erg_plot_options){.width = 720,
                                                     .height = 400,
                                                     .title = "further steps than those trained",
                                                     .x_label = "steps down the energy",
                                                     .y_label = "mean squared error",
                                                     .log_y = 1});
    path_text path;
    erg_status status =
        plot ? join_path(path, task->options->common.out, "descent.png") : ERG_ERROR_MEMORY;
    for (int what = 0; status == ERG_OK && what < TASKS; what++) {
        erg_tensor *curve = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(e->steps + 1));
        for (int64_t k = 0; curve && k <= e->steps; k++)
            erg_tensor_set(curve, k, mean_square(&e->errors[what], e->errors[what].steps[k]));
        status = curve ? erg_plot_line(plot, NULL, curve,
                                       (erg_mark_options){.size = 2, .label = task_names[what]})
                       : erg_error_status();
        erg_tensor_free(curve);
    }
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    return status;
}

/* ------------------------------------------------------------------------------- all images */

static erg_status build(evaluation *e, inpaint *task) {
    const inpaint_options *o = task->options;
    const int64_t *sizes = task->held_out->shape.dims;
    *e = (evaluation){.steps = 2 * o->descent, .size = {sizes[2], sizes[3]}};
    e->pixels = e->size.height * e->size.width;
    erg_node **outputs = calloc((size_t)e->steps + 2, sizeof *outputs);
    e->mean = mean_image(task->train);
    e->plain = calloc((size_t)e->pixels, sizeof *e->plain);
    for (int what = 0; what < TASKS; what++)
        e->errors[what].steps = calloc((size_t)e->steps + 1, sizeof(double));
    erg_status status = erg_fail(ERG_ERROR_MEMORY, "out of memory");
    if (outputs && e->mean && e->plain && e->errors[NOISE].steps && e->errors[HOLE].steps) {
        outputs[0] = task->missing;
        outputs[1] = task->corrupted;
        for (int64_t k = 0; k < e->steps; k++)
            outputs[k + 2] =
                erg_reconstruct(task->energy, outputs[k + 1],
                                (erg_reconstruction_options){.step_size_node = task->step_size,
                                                             .missing = task->missing});
        e->plan = erg_compile(outputs, (int)e->steps + 2);
        status = e->plan ? ERG_OK : erg_error_status();
    }
    free(outputs);
    return status;
}

static void free_evaluation(evaluation *e) {
    erg_plan_free(e->plan);
    free(e->mean);
    free(e->plain);
    for (int what = 0; what < TASKS; what++)
        free(e->errors[what].steps);
}

/* That with the least error on the noisy images of the batch. */
static double best_blur(evaluation *e, inpaint *task) {
    double least = INFINITY, best = 0;
    for (e->blur = 0.4; e->blur < 1.5; e->blur += 0.1) {
        double sum = 0;
        for (int64_t b = 0; b < task->options->common.batch / 2; b++) {
            repair_plainly(e, NOISE, b);
            sum += squares(e->plain, clean_of(e, task, b), missing_of(e, b), e->pixels);
        }
        best = sum < least ? e->blur : best;
        least = fmin(sum, least);
    }
    return best;
}

/* Whole batches of the held-out images; the first makes the pictures. */
static erg_status evaluate(evaluation *e, inpaint *task) {
    int64_t batch = task->options->common.batch;
    erg_dataset *held_out =
        erg_dataset_new(task->held_out, NULL, (erg_dataset_options){.ordered = 1});
    erg_status status = held_out ? ERG_OK : erg_error_status();
    erg_graph_set_runs(task->graph, 0);
    for (int64_t i = 0; status == ERG_OK && i < erg_dataset_size(held_out) / batch; i++) {
        status = erg_dataset_next(held_out, erg_value(task->clean), NULL);
        if (status != ERG_OK)
            break;
        erg_run(e->plan);
        e->blur = i == 0 ? best_blur(e, task) : e->blur;
        for (int what = 0; i == 0 && status == ERG_OK && what < TASKS; what++)
            status = draw_repairs(e, task, what);
        for (int64_t b = 0; b < batch; b++)
            add_image(e, task, b < batch / 2 ? NOISE : HOLE, b);
    }
    erg_dataset_free(held_out);
    return status == ERG_OK ? draw_descent(e, task) : status;
}

/* ------------------------------------------------------------------------------- the page */

/* Decibels for pixels from -1 to 1. */
static double psnr(double mean_squared_error) {
    return 10 * log10(4 / mean_squared_error);
}

static void put_numbers(page *page, const evaluation *e, const inpaint *task) {
    page_table(page, (const char *[]){"held-out digits", "mean squared error", "PSNR"}, 3);
    for (int what = 0; what < TASKS; what++) {
        const errors *sums = &e->errors[what];
        const struct {
            const char *name;
            double sum;
        } rows[] = {{"as it came", sums->steps[0]},
                    {"the mean image", sums->mean},
                    {plain_names[what], sums->plain},
                    {"repaired", sums->steps[task->options->descent]}};
        for (int i = 0; i < 4; i++) {
            double mean = mean_square(sums, rows[i].sum);
            page_row(page);
            page_cell(page, "%s: %s", task_names[what], rows[i].name);
            page_cell(page, "%.4f", mean);
            page_cell(page, "%.2f dB", psnr(mean));
            printf("%-6s %-24s %.4f  %5.2f dB\n", task_names[what], rows[i].name, mean, psnr(mean));
        }
    }
}

static void put_page(page *page, const evaluation *e, const inpaint *task) {
    const inpaint_options *o = task->options;
    page_paragraph(page,
                   "An energy was trained so that %lld steps down its gradient repair a digit. No "
                   "digit below was trained on. Errors are means over the pixels that were "
                   "corrupted, which go from -1 to 1: all of them with noise, those of the hole "
                   "else. The width of the blur, %.1f pixels, was chosen on some of these digits.",
                   (long long)o->descent, e->blur);
    put_numbers(page, e, task);
    page_figure(page, file_names[NOISE],
                "Noise. Rows: clean, corrupted, after the first step, half of the steps and all of "
                "them; last a blur.");
    page_figure(page, file_names[HOLE],
                "A hole. The same rows; last the smoothest surface. Where several digits fit, the "
                "least mean error is a grey mean of them.");
    page_figure(page, "descent.png", "Errors after more steps than the energy was trained for.");
    if (digits_has_history(task->trainer))
        page_figure(page, "loss.png",
                    "Half the squared error of an image, summed over its pixels.");
    page_fact(page, "training steps", "%lld of %lld images",
              (long long)erg_trainer_steps(task->trainer), (long long)o->common.batch);
    page_fact(page, "time of this run's training", "%.0f s", task->seconds);
    page_fact(page, "step size that was learned", "%.4f",
              erg_trainer_get(task->trainer, "step size"));
    page_fact(page, "rollbacks", "%d", erg_trainer_rollbacks(task->trainer));
    if (digits_has_history(task->trainer))
        page_link(page, "history.csv", "the curves");
    page_link(page, "weights.safetensors", "the weights");
}

static erg_status write_page(const evaluation *e, const inpaint *task) {
    path_text path;
    page page;
    erg_status status = join_path(path, task->options->common.out, "index.html");
    if (status == ERG_OK)
        status = page_open(&page, path, "Digits repaired by descending an energy", task->argc,
                           task->argv);
    if (status != ERG_OK)
        return status;
    put_page(&page, e, task);
    return page_close(&page);
}

erg_status write_report(inpaint *task) {
    const char *const curves[] = {"loss", "validation"};
    evaluation e;
    erg_status status = digits_write_training(task->trainer, task->graph, &task->options->common,
                                              curves, 2, "loss.png");
    if (status == ERG_OK) {
        status = build(&e, task);
        if (status == ERG_OK)
            status = evaluate(&e, task);
        if (status == ERG_OK)
            status = write_page(&e, task);
        free_evaluation(&e);
    }
    return status;
}

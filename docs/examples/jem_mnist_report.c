/* jem_mnist_report.c: digits drawn for each class, the reliability diagram, curves, and the page. */
#include "jem_mnist.h"

/* Rows of digits; steps of a chain from noise; digits that a bin must have to be drawn. */
enum { ROWS = 8, SAMPLE_STEPS = 500, FEWEST = 5 };

/* ------------------------------------------------------------------------------- samples */

/* Chains of p(x | y), proportional to exp f(x)[y], from noise: each column is a class. */
static erg_status draw_classes(task *t, int model, const char *name) {
    path_text path;
    erg_graph *g = t->graph;
    erg_shape shape = t->train->shape;
    shape.dims[0] = ROWS * DIGITS_CLASSES;
    erg_node *x = erg_input(g, NULL, ERG_FLOAT32, shape);
    erg_node *y = erg_input(g, NULL, ERG_INT32, ERG_SHAPE(shape.dims[0]));
    erg_pair_energy joint = {erg_classifier_joint_energy, &t->classifiers[model]};
    erg_chain *chain = erg_chain_new(x, langevin_step(erg_energy_given(g, joint, y), x));
    erg_status status =
        chain ? erg_random_uniform(erg_value(x), erg_graph_random(g)) : erg_error_status();
    for (int64_t i = 0; status == ERG_OK && i < erg_tensor_size(erg_value(x)); i++)
        erg_tensor_set(erg_value(x), i, 2 * erg_tensor_get(erg_value(x), i) - 1);
    for (int64_t i = 0; status == ERG_OK && i < shape.dims[0]; i++)
        erg_tensor_set(erg_value(y), i, (double)(i % DIGITS_CLASSES));
    if (status == ERG_OK)
        status = erg_chain_run(chain, SAMPLE_STEPS);
    if (status == ERG_OK)
        status = join_path(path, t->options->common.out, name);
    if (status == ERG_OK)
        status = digits_draw(path, erg_value(x), DIGITS_CLASSES);
    erg_chain_free(chain);
    return status;
}

/* Some chains of the replay buffer. */
static erg_status draw_chains(const task *t) {
    path_text path;
    const erg_tensor *slots = erg_replay_values(erg_negatives_replay(t->negatives));
    int64_t n =
        slots->shape.dims[0] < ROWS * DIGITS_CLASSES ? slots->shape.dims[0] : ROWS * DIGITS_CLASSES;
    erg_tensor *some = digits_first(slots, n);
    erg_status status =
        some ? join_path(path, t->options->common.out, "chains.png") : erg_error_status();
    if (status == ERG_OK)
        status = digits_draw(path, some, DIGITS_CLASSES);
    erg_tensor_free(some);
    return status;
}

/* ------------------------------------------------------------------------------- reliability */

static erg_status draw_line(erg_plot *plot, const double *x, const double *y, int n,
                            erg_mark_options mark) {
    erg_tensor *across = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(n), x);
    erg_tensor *up = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(n), y);
    erg_status status = across && up ? erg_plot_line(plot, across, up, mark) : erg_error_status();
    erg_tensor_free(across);
    erg_tensor_free(up);
    return status;
}

/* The bins of enough digits, as a line. */
static erg_status draw_bins(erg_plot *plot, const calibration *c, const char *name) {
    double x[BINS], y[BINS];
    int n = 0;
    for (int bin = 0; bin < BINS; bin++)
        if (c->count[bin] >= FEWEST) {
            x[n] = c->confidence[bin];
            y[n++] = c->accuracy[bin];
        }
    return draw_line(plot, x, y, n, (erg_mark_options){.size = 2, .label = name});
}

static erg_status draw_reliability(const task *t, const evaluation *e) {
    path_text path;
    const double ends[] = {0, 1};
    erg_plot *plot = erg_plot_new((erg_plot_options){.width = 480,
                                                     .height = 480,
                                                     .x_label = "how sure the model is",
                                                     .y_label = "how often it is right",
                                                     .x_max = 1.02,
                                                     .y_max = 1.02});
    erg_status status =
        plot ? join_path(path, t->options->common.out, "reliability.png") : erg_error_status();
    if (status == ERG_OK)
        status = draw_line(plot, ends, ends, 2, (erg_mark_options){.color = 0xaaaaaa});
    for (int model = 0; status == ERG_OK && model < MODELS; model++)
        status = draw_bins(plot, &e[model].calibration, model_names[model]);
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    return status;
}

/* ------------------------------------------------------------------------------- the page */

static void put_numbers(page *page, const evaluation *e) {
    static const char *const heads[] = {"", "right", "calibration error", "against noise",
                                        "against flipped digits"};
    page_table(page, heads, 5);
    for (int model = 0; model < MODELS; model++) {
        page_row(page);
        page_cell(page, "%s", model == JEM ? "classifier and energy" : "classifier alone");
        page_cell(page, "%.2f %%", 100 * e[model].accuracy);
        page_cell(page, "%.4f", e[model].calibration.error);
        page_cell(page, "%.3f", e[model].noise);
        page_cell(page, "%.3f", e[model].flipped);
    }
}

static erg_status write_page(const task *t, const evaluation *e) {
    page page;
    path_text path;
    erg_status status = join_path(path, t->options->common.out, "index.html");
    if (status == ERG_OK)
        status =
            page_open(&page, path, "A classifier of digits that is an energy", t->argc, t->argv);
    if (status != ERG_OK)
        return status;
    page_paragraph(&page, "Two networks of one kind, trained side by side on the same digits. The "
                          "last two columns are the area under the ROC curve of log p(x) = log sum "
                          "exp of the logits: 1 if every digit is more probable than every one of "
                          "the other images, 0.5 if there is no difference.");
    put_numbers(&page, e);
    page_figure(&page, "classes.png",
                "500 steps of Langevin dynamics in p(x | y), from noise; each "
                "column is a class.");
    page_figure(&page, "plain.png", "The same chains in the classifier alone.");
    page_figure(&page, "chains.png", "Chains of the replay buffer: samples of p(x).");
    page_figure(&page, "reliability.png",
                "On the line a model is as often right as it says. "
                "Bins on the left hold few digits.");
    if (digits_has_history(t->trainer)) {
        page_figure(&page, "history.png", "The cross entropy of both.");
        page_figure(
            &page, "gap.png",
            "Mean energy of the chains minus that of the digits: near 0 while chains keep up.");
    }
    page_heading(&page, "Numbers");
    page_fact(&page, "digits to train on, and held out", "%lld, %lld",
              (long long)t->train->shape.dims[0], (long long)t->held_out->shape.dims[0]);
    page_fact(&page, "mean age in the replay buffer", "%.1f runs",
              erg_replay_mean_age(erg_negatives_replay(t->negatives)));
    page_fact(&page, "time", "%.1f s for %lld steps of both", t->seconds,
              (long long)erg_trainer_steps(t->trainer));
    if (digits_has_history(t->trainer))
        page_link(&page, "history.csv", "the curves");
    page_link(&page, "weights.safetensors", "both networks");
    return page_close(&page);
}

erg_status write_report(task *t, const evaluation *e) {
    static const char *const gap[] = {"energy gap"};
    const char *const columns[] = {t->columns[JEM].name, t->columns[PLAIN].name};
    path_text path;
    erg_status status = draw_classes(t, JEM, "classes.png");
    if (status == ERG_OK)
        status = draw_classes(t, PLAIN, "plain.png");
    if (status == ERG_OK)
        status = draw_chains(t);
    if (status == ERG_OK)
        status = draw_reliability(t, e);
    if (status == ERG_OK)
        status = digits_write_training(t->trainer, t->graph, &t->options->common, columns, 2,
                                       "history.png");
    if (status == ERG_OK)
        status = join_path(path, t->options->common.out, "gap.png");
    if (status == ERG_OK && digits_has_history(t->trainer))
        status = erg_trainer_plot(t->trainer, gap, 1, path);
    return status == ERG_OK ? write_page(t, e) : status;
}

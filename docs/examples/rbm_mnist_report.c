/* rbm_mnist_report.c: filters, samples, curves, and the page. */
#include <math.h>

#include "rbm_mnist.h"

/* Of the picture of samples: chains, and moments of each. */
enum { ROWS = 10, COLUMNS = 16, SWEEPS_BETWEEN = 50, MOST_FILTERS = 256 };

static erg_status draw(const machine *m, erg_tensor *pixels, const char *name, int columns) {
    path_text path;
    erg_status status = pixels ? join_path(path, m->options->common.out, name) : erg_error_status();
    if (status == ERG_OK)
        status = digits_draw(path, pixels, columns);
    erg_tensor_free(pixels);
    return status;
}

/* What each hidden unit looks for: its weights, black and white at three times their root mean
 * square. */
static erg_status draw_filters(const machine *m) {
    const erg_tensor *weight = erg_value(m->rbm->weight);
    int64_t visible = weight->shape.dims[0], hidden = weight->shape.dims[1];
    int64_t n = hidden < MOST_FILTERS ? hidden : MOST_FILTERS;
    erg_tensor *pixels = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(n, 1, m->height, m->width));
    double squares = 0;
    for (int64_t i = 0; i < visible * hidden; i++)
        squares += pow(erg_tensor_get(weight, i), 2) / (double)(visible * hidden);
    for (int64_t i = 0; pixels && i < n * visible; i++)
        erg_tensor_set(pixels, i,
                       erg_tensor_get(weight, i % visible * hidden + i / visible) /
                           (3 * sqrt(squares)));
    return draw(m, pixels, "filters.png", 0);
}

/* Bits, or probabilities, of one row as pixels. */
static void put(erg_tensor *pixels, int64_t at, const erg_tensor *bits, int64_t row) {
    int64_t visible = bits->shape.dims[1];
    for (int64_t i = 0; i < visible; i++)
        erg_tensor_set(pixels, at * visible + i, 2 * erg_tensor_get(bits, row * visible + i) - 1);
}

static erg_status draw_digits(const machine *m) {
    int64_t n =
        m->held_out->shape.dims[0] < ROWS * COLUMNS ? m->held_out->shape.dims[0] : ROWS * COLUMNS;
    erg_tensor *pixels = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(n, 1, m->height, m->width));
    for (int64_t i = 0; pixels && i < n; i++)
        put(pixels, i, m->held_out, i);
    return draw(m, pixels, "digits.png", COLUMNS);
}

/* The chains of training go on at the params as they are; what is drawn is the mean of v given h. */
static erg_status draw_samples(const machine *m) {
    int64_t n = m->options->common.batch < ROWS ? m->options->common.batch : ROWS;
    erg_node *v = erg_negatives_x(m->negatives), *h = erg_rbm_sample_hidden(m->rbm, v);
    erg_tensor *pixels =
        erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(n * COLUMNS, 1, m->height, m->width));
    erg_node *step[] = {erg_assign(v, erg_rbm_sample_visible(m->rbm, h)),
                        erg_rbm_visible(m->rbm, h)};
    erg_plan *plan = erg_compile(step, 2);
    for (int64_t k = 0; pixels && plan && k < COLUMNS; k++) {
        erg_run_n(plan, SWEEPS_BETWEEN);
        for (int64_t i = 0; i < n; i++)
            put(pixels, i * COLUMNS + k, erg_output(plan, 1), i);
    }
    if (!plan) {
        erg_tensor_free(pixels);
        return erg_error_status();
    }
    erg_plan_free(plan);
    return draw(m, pixels, "samples.png", COLUMNS);
}

/* ------------------------------------------------------------------------------- the page */

static void put_numbers(page *page, const machine *m, const likelihood *l) {
    const erg_ais_result *z = &l->log_z;
    page_fact(page, "mean log-likelihood of held-out digits", "%.2f to %.2f nats, \u00b1 %.2f",
              l->mean - z->high, l->mean - z->low, l->error);
    page_fact(page, "of independent pixels", "%.2f nats", l->base);
    page_fact(page, "log Z", "%.3f to %.3f", z->low, z->high);
    if (isfinite(l->exact))
        page_fact(page, "log Z exactly", "%.3f, %s the bracket", l->exact,
                  l->exact >= z->low && l->exact <= z->high ? "inside" : "outside");
    page_fact(page, "on the way there", "%.3f \u00b1 %.3f, %.0f of %lld paths effective",
              z->lower.log_z, z->lower.standard_error, z->lower.effective_size,
              (long long)m->options->paths);
    page_fact(page, "on the way back", "%.3f \u00b1 %.3f, %.0f of %lld paths effective",
              z->upper.log_z, z->upper.standard_error, z->upper.effective_size,
              (long long)m->options->paths);
    page_fact(page, "pseudo-likelihood of held-out digits", "%.1f nats",
              erg_trainer_get(m->trainer, "validation"));
    page_fact(page, "units", "%lld visible, %lld hidden", (long long)erg_tensor_size(m->frequency),
              (long long)m->options->hidden);
    page_fact(page, "digits to train on, and held out", "%lld, %lld",
              (long long)m->train->shape.dims[0], (long long)m->held_out->shape.dims[0]);
    page_fact(page, "time", "%.1f s for %lld steps, %.1f s for log Z", m->seconds,
              (long long)erg_trainer_steps(m->trainer), l->seconds);
}

static erg_status write_page(const machine *m, const likelihood *l) {
    page page;
    path_text path;
    erg_status status = join_path(path, m->options->common.out, "index.html");
    if (status == ERG_OK)
        status =
            page_open(&page, path, "A Boltzmann machine of handwritten digits", m->argc, m->argv);
    if (status != ERG_OK)
        return status;
    page_paragraph(&page,
                   "Trained by persistent contrastive divergence. Z is bracketed by annealed "
                   "importance sampling from independent pixels to the machine and back; the "
                   "ends of the brackets are three standard errors further out.");
    put_numbers(&page, m, l);
    page_figure(
        &page, "samples.png",
        "Samples: each row is a chain, with 50 sweeps of Gibbs sampling between neighbours.");
    page_figure(&page, "digits.png", "Digits that were held out.");
    page_figure(&page, "filters.png",
                "The weights of hidden units: bright where a white pixel "
                "excites them.");
    if (digits_has_history(m->trainer)) {
        page_figure(&page, "pseudo_likelihood.png",
                    "The pseudo-likelihood of held-out digits, which needs no Z.");
        page_link(&page, "history.csv", "the curves");
    }
    page_link(&page, "weights.safetensors", "weight, visible_bias, hidden_bias");
    return page_close(&page);
}

erg_status write_report(const machine *m, const likelihood *l) {
    static const char *const columns[] = {"validation"};
    erg_status status = draw_filters(m);
    if (status == ERG_OK)
        status = draw_digits(m);
    if (status == ERG_OK)
        status = draw_samples(m);
    if (status == ERG_OK)
        status = digits_write_training(m->trainer, m->graph, &m->options->common, columns, 1,
                                       "pseudo_likelihood.png");
    return status == ERG_OK ? write_page(m, l) : status;
}

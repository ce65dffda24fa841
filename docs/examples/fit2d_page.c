/* fit2d_page.c: a page with the pictures, the numbers, and the command that made them. */
#include <stdio.h>

#include "fit2d.h"

static void put_numbers(page *page, const fit *fit) {
    const evaluation *e = fit->evaluation;
    const history *h = fit->history;
    const fit_options *o = fit->options;
    if (e->normalised)
        page_fact(page, "mean log-likelihood of held-out points", "%.4f ± %.4f nats",
                  e->log_likelihood, e->error);
    else
        page_fact(page, "mean log-likelihood", "unknown: %s", e->problem);
    if (fit->data->exact.fn) {
        page_fact(page, "best possible: minus the entropy", "%.4f nats", e->best);
        page_fact(page, "the true density on the held-out points", "%.4f nats", e->exact);
    }
    if (fit->data->exact.fn && o->loss->id == LOSS_DSM)
        page_fact(page, "best possible for dsm: the true density smoothed by σ", "%.4f nats",
                  e->best_smooth);
    page_fact(page, "points to train on, and held out", "%lld, %lld",
              (long long)fit->data->train->shape.dims[0],
              (long long)fit->data->held_out->shape.dims[0]);
    page_fact(page, "steps", "%lld of %lld", (long long)h->steps, (long long)o->steps);
    page_fact(page, "time", "%.1f s training, %.1f s in all", h->seconds, fit->seconds);
    if (e->normalised) {
        page_fact(page, "log Z, in the units of the fit", "%.5f", e->log_z);
        page_fact(page, "half width of the box of the quadrature", "%.4g", e->half_width);
        page_fact(page, "mass in its outer ring", "%.2g", e->outer_mass);
    }
}

static void put_pictures(page *page, const fit *fit) {
    page_figure(page, "landscape.png", "The energy, with points of the data.");
    page_figure(page, "samples.png",
                "The energy, with samples drawn from it by Langevin dynamics.");
    if (fit->evaluation->normalised)
        page_figure(page, "density.png", "The density that the model has learned.");
    if (fit->evaluation->normalised && fit->data->exact.fn)
        page_figure(page, "truth.png",
                    "The density that the data comes from, in the same colours.");
    page_figure(page, "loss.png", "The loss, and its running mean.");
    page_figure(page, "gap.png",
                fit->options->loss->id == LOSS_CD || fit->options->loss->id == LOSS_PCD
                    ? "Mean energy of the chains minus that of the data."
                    : "Mean energy of Gaussian noise as wide as the data, minus that of the data.");
}

erg_status write_page(const fit *fit, const char *path) {
    char title[512];
    page page;
    snprintf(title, sizeof title, "%s, fitted by %s", fit->options->data, fit->options->loss->name);
    erg_status status = page_open(&page, path, title, fit->argc, fit->argv);
    if (status != ERG_OK)
        return status;
    put_numbers(&page, fit);
    put_pictures(&page, fit);
    page_link(&page, "samples.npy", "the samples");
    page_link(&page, "log.csv", "the curves");
    return page_close(&page);
}

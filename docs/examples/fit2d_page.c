/* fit2d_page.c: a page with the pictures, the numbers, and the command that made them. */
#include <stdio.h>

#include "fit2d_report.h"

static void put_likelihoods(page *page, const fit *fit) {
    const evaluation *e = &fit->evaluation;
    if (e->normalised)
        page_fact(page, "mean log-likelihood of held-out points", "%.4f ± %.4f nats",
                  e->log_likelihood, e->error);
    else
        page_fact(page, "mean log-likelihood", "unknown: %s", e->problem);
    if (!fit->truth->points)
        return;
    page_fact(page, "the true density on the held-out points", "%.4f nats", fit->truth->exact);
    if (e->normalised)
        page_fact(page, "the model's for endlessly many points", "%.4f nats", e->mean);
    page_fact(page, "best possible: minus the entropy", "%.4f nats", fit->truth->best);
    if (fit->data.smoothed.fn)
        page_fact(page, "best for a loss that smooths the data", "%.4f nats", e->best_blur);
}

static void put_numbers(page *page, const fit *fit, double seconds) {
    const evaluation *e = &fit->evaluation;
    put_likelihoods(page, fit);
    page_fact(page, "points to train on, and held out", "%lld, %lld",
              (long long)fit->data.train->shape.dims[0],
              (long long)fit->data.held_out->shape.dims[0]);
    page_fact(page, "steps", "%lld of %lld", (long long)erg_trainer_steps(fit->training.trainer),
              (long long)fit->options->set.steps);
    if (fit->training.note[0])
        page_fact(page, "the training diverged", "%s", fit->training.note);
    page_fact(page, "time", "%.1f s training, %.1f s in all", fit->training.seconds, seconds);
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
    if (fit->evaluation.normalised)
        page_figure(page, "density.png", "The density that the model has learned.");
    if (fit->evaluation.normalised && fit->truth->points)
        page_figure(page, "truth.png",
                    "The density that the data comes from, in the same colours.");
    page_figure(page, "loss.png", "The loss, and its running mean.");
    page_figure(page, "gap.png",
                fit->training.objective.others
                    ? "Mean energy of the negatives minus that of the data."
                    : "Mean energy of Gaussian noise as wide as the data, minus that of the data.");
}

erg_status write_page(const fit *fit, const char *path, double seconds, int argc, char **argv) {
    char title[512];
    page page;
    snprintf(title, sizeof title, "%s, fitted by %s", fit->options->data, fit->options->loss->name);
    erg_status status = page_open(&page, path, title, argc, argv);
    if (status != ERG_OK)
        return status;
    put_numbers(&page, fit, seconds);
    put_pictures(&page, fit);
    page_link(&page, "samples.npy", "the samples");
    page_link(&page, "log.csv", "the curves, and more about the training");
    return page_close(&page);
}

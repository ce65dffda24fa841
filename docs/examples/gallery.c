/* gallery.c: fits one energy by every loss there is to the same points, measures each fit in the same
 * way, and makes a page of all of them.
 *
 * The measures are those of a density p that is known up to quadrature, beside the true density q:
 *     int q log p, the mean log-likelihood of endlessly many held-out points, its greatest value
 *     int q log q, and the gap between them, the Kullback-Leibler divergence from q to p;
 *     MMD^2 of points drawn from p and as many held-out points, without bias (Gretton et al. 2012). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gallery.h"

enum { WIDTH = 340 };

/* ------------------------------------------------------------------------------- options */

/* Whether `name` is among the names of a list with commas. */
static bool is_listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += length)
        if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

static bool is_loss_list(const char *text) {
    size_t known = 0, commas = 0;
    for (const loss_entry *loss = loss_entries; loss->name; loss++)
        known += is_listed(text, loss->name);
    for (const char *c = text; *c; c++)
        commas += *c == ',';
    return strcmp(text, "all") == 0 || (known > 0 && known == commas + 1);
}

#define AT(field) .offset = offsetof(gallery, field)

static const program_option options[] = {
    {"--data", "WHAT", "two_moons or eight_gaussians", PROGRAM_TEXT, AT(data), .accepts = is_toy,
     .wanted = "two_moons or eight_gaussians"},
    {"--losses", "LIST", "names with commas between them, see fit2d --help", PROGRAM_TEXT,
     AT(losses), .accepts = is_loss_list, .wanted = "different losses with commas between, or all"},
    {"--out", "DIR", "where pages and pictures go; made if missing", PROGRAM_TEXT, AT(out)},
    {"--steps", "N", "training steps of each loss (its own default)", PROGRAM_WHOLE, AT(steps), 1,
     1e9},
    {"--points", "N", "to train on, held out, and drawn from each fit", PROGRAM_WHOLE, AT(points),
     10, 1e5},
    {"--batch", "N", "points in a step", PROGRAM_WHOLE, AT(batch), 1, 1e6},
    {"--hidden", "N", "width of each of the two hidden layers", PROGRAM_WHOLE, AT(hidden), 1, 4096},
    {"--base", "X", "stiffness of the bowl under the network (each loss's own default)",
     PROGRAM_REAL, AT(base), 1e-9, 1e6},
    {"--seed", "N", "of all random numbers", PROGRAM_SEED, AT(seed)},
    {"--threads", "N", "at most this many; changes no result (all processors)", PROGRAM_WHOLE,
     AT(threads), 1, 256},
    {0},
};

static const program gallery_program = {
    .name = "gallery",
    .purpose = "fits an energy to a toy by every loss, and compares them.",
    .options = options,
};

/* ------------------------------------------------------------------------------- one loss */

static erg_status measure(const gallery *gallery, const fit *fit, erg_energy energy,
                          erg_dtype dtype, result *r) {
    int64_t n = fit->data.held_out->shape.dims[0];
    erg_tensor *samples = draw_from_grid(fit, energy, dtype, &r->evaluation, n);
    r->density = samples ? energy_map(fit->graph, energy, dtype, &gallery->view) : NULL;
    erg_status status =
        r->density ? erg_mmd(samples, fit->data.held_out, BANDWIDTH, &r->mmd) : erg_error_status();
    if (r->density)
        to_density(r->density, r->evaluation.log_z);
    erg_tensor_free(samples);
    return status;
}

/* Trains and measures one loss, in a graph of its own, so that none depends on the others. What goes
 * wrong is part of the result. */
static void fit_loss(const gallery *gallery, result *r) {
    fit fit = {.options = &r->options, .truth = &gallery->truth};
    erg_status status = fit_load(&fit);
    if (status == ERG_OK)
        status = fit_learn(&fit);
    r->evaluation = fit.evaluation;
    r->seconds = fit.training.processor;
    if (status == ERG_OK && r->evaluation.normalised)
        status = measure(gallery, &fit, fit.model.energy, ERG_FLOAT32, r);
    if (status != ERG_OK)
        snprintf(r->problem, sizeof r->problem, "%s", erg_error_message());
    else if (!r->evaluation.normalised)
        snprintf(r->problem, sizeof r->problem, "%s", r->evaluation.problem);
    fit_free(&fit);
}

/* The true density, as if it had been learned. */
static erg_status measure_truth(gallery *gallery, result *r) {
    fit fit = {.options = &r->options, .truth = &gallery->truth};
    erg_status status = fit_load(&fit);
    if (status == ERG_OK)
        status = truth_find(&gallery->truth, fit.graph, &fit.data);
    if (status == ERG_OK) {
        gallery->view = view_of(&fit.data, WIDTH);
        status = evaluate(&fit, fit.data.exact, ERG_FLOAT64, &r->evaluation);
    }
    if (status == ERG_OK)
        status = measure(gallery, &fit, fit.data.exact, ERG_FLOAT64, r);
    fit_free(&fit);
    return status;
}

/* ------------------------------------------------------------------------------- all losses */

double gap_of(const gallery *g, const result *r) {
    return fmax(g->truth.best - r->evaluation.mean, 0);
}

static void print_result(const gallery *g, const result *r) {
    const evaluation *e = &r->evaluation;
    printf("%-16s", r->options.loss ? r->options.loss->name : "truth");
    if (r->density)
        printf(" %9.4f %8.4f %9.5f %8.1f\n", e->mean, gap_of(g, r), r->mmd, r->seconds);
    else
        printf(" %s\n", r->problem);
    fflush(stdout);
}

static fit_options options_of(const gallery *g, const loss_entry *loss) {
    fit_options o = fit2d_defaults;
    o.data = g->data;
    o.loss = loss;
    o.points = g->points;
    o.batch = g->batch;
    o.hidden = g->hidden;
    o.seed = g->seed;
    if (loss)
        take_loss_defaults(&o);
    if (g->steps > 0)
        o.set.steps = g->steps;
    if (g->base > 0)
        o.set.base = g->base;
    return o;
}

/* Whether all has gone well is not known before the page is read: a loss that failed is told there. */
static erg_status run(gallery *g) {
    int n = 1;
    for (const loss_entry *loss = loss_entries; loss->name; loss++)
        n++;
    g->results = calloc((size_t)n, sizeof *g->results);
    if (!g->results)
        return erg_fail(ERG_ERROR_MEMORY, "out of memory");
    g->results[g->count++].options = options_of(g, NULL);
    erg_status status = measure_truth(g, g->results);
    if (status != ERG_OK)
        return status;
    printf("%-16s %9s %8s %9s %8s\n", "loss", "log-lik.", "gap", "MMD^2", "seconds");
    print_result(g, g->results);
    for (const loss_entry *loss = loss_entries; loss->name && !interrupted; loss++)
        if (strcmp(g->losses, "all") == 0 || is_listed(g->losses, loss->name)) {
            result *r = &g->results[g->count++];
            r->options = options_of(g, loss);
            fit_loss(g, r);
            print_result(g, r);
        }
    return ERG_OK;
}

int main(int argc, char **argv) {
    gallery g = {.data = "two_moons",
                 .out = "gallery",
                 .losses = "all",
                 .points = fit2d_defaults.points,
                 .batch = fit2d_defaults.batch,
                 .hidden = fit2d_defaults.hidden,
                 .seed = fit2d_defaults.seed};
    int exit_status;
    if (!program_read(&gallery_program, argc, argv, &g, &exit_status))
        return exit_status;
    if (g.threads > 0)
        erg_set_threads((int)g.threads);
    catch_interrupts();
    double start = seconds_now();
    erg_status status = make_folder(g.out);
    if (status == ERG_OK)
        status = run(&g);
    g.seconds = seconds_now() - start;
    if (status == ERG_OK)
        status = write_gallery(&g, argc, argv);
    if (status == ERG_OK)
        printf("see %s/index.html\n", g.out);
    for (int i = 0; i < g.count; i++)
        erg_tensor_free(g.results[i].density);
    free(g.results);
    truth_free(&g.truth);
    return program_end(&gallery_program, status);
}

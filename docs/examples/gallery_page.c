/* gallery_page.c: a picture of each density, one of all of them, and the page. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gallery.h"

/* Of the picture of all densities: columns, and pixels of a panel across. */
enum { COLUMNS = 7, PANEL = 110 };

/* One panel, and the picture that it is in. */
static const char *name_of(const result *r) {
    return r->options.loss ? r->options.loss->name : "truth";
}

/* ------------------------------------------------------------------------------- pictures */

/* All in the colours of the truth. */
static erg_status draw_result(const gallery *g, const result *r, double high) {
    char title[96], name[64];
    path_text path;
    snprintf(name, sizeof name, "%s.png", name_of(r));
    erg_status status = join_path(path, g->out, name);
    if (status != ERG_OK)
        return status;
    if (!r->density) {
        remove(path); /* a picture of an earlier run */
        return ERG_OK;
    }
    snprintf(title, sizeof title, "%s: %.4f", name_of(r), r->evaluation.mean);
    return draw_plane(path, &g->view, (picture){title, "p(x)", r->density, 0, high, NULL, 0});
}

/* White where there is nothing, then blue, dark where the truth is greatest. */
static void colour(double part, double *rgb) {
    const double dark[] = {0.03, 0.10, 0.35};
    for (int c = 0; c < 3; c++)
        rgb[c] = 1 - (1 - dark[c]) * fmin(fmax(part, 0), 1);
}

/* Densities side by side in the order of the table, without words; failures are blank. */
static erg_status draw_panels(const gallery *g, double high) {
    const view *v = &g->view;
    int height = (int)(PANEL * (v->y_max - v->y_min) / (v->x_max - v->x_min)), n = g->count;
    erg_tensor *panels = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n, height, PANEL, 3));
    path_text path;
    erg_status status = panels ? join_path(path, g->out, "panels.png") : ERG_ERROR_MEMORY;
    for (int64_t i = 0; status == ERG_OK && i < (int64_t)n * height * PANEL; i++) {
        const erg_tensor *map = g->results[i / (height * PANEL)].density;
        int64_t row = height - 1 - i / PANEL % height, column = i % PANEL;
        int64_t cell = row * MAP_CELLS / height * MAP_CELLS + column * MAP_CELLS / PANEL;
        colour(map ? erg_tensor_get(map, cell) / high : 0, (double *)panels->data + 3 * i);
    }
    if (status == ERG_OK)
        status = erg_image_grid_write(path, panels, COLUMNS, 0, 1);
    erg_tensor_free(panels);
    return status;
}

/* ------------------------------------------------------------------------------- the page */

static void put_introduction(page *page, const gallery *g) {
    const result *truth = g->results;
    page_paragraph(
        page,
        "Each row is an energy E, p(x) = exp(-E(x)) / Z, with the same network (2-%lld-%lld-1),"
        " fitted to the same %lld points of %s in batches of %lld, by one loss of erg with"
        " its default settings in fit2d. Seconds are those of the training, of one processor; all in all"
        " it took %.0f s.",
        (long long)g->hidden, (long long)g->hidden, (long long)g->points, g->data,
        (long long)g->batch, g->seconds);
    page_paragraph(
        page,
        "Log-likelihood is the mean of log p over endlessly many held-out points, which is"
        " an integral over the true density q; log Z is an integral too, nothing is"
        " estimated. No density has more than q itself, %.7f nats. The gap to that bound is"
        " the Kullback-Leibler divergence from q to p.",
        g->truth.best);
    page_paragraph(
        page,
        "MMD² is the maximum mean discrepancy, squared, without bias, with the kernel"
        " exp(-|x - y|² / (2 · %g²)), of %lld points of the model and as many held-out points."
        " Points of the model are drawn from p itself: a cell of the quadrature by its mass,"
        " and a place in it, so no chain can miss a part. Its value for the truth, %.5f,"
        " shows how much is chance; an estimate without bias can be below 0.",
        BANDWIDTH, (long long)g->points, truth->mmd);
    page_paragraph(
        page, "Some losses learn the density of data that is moved by noise, not that of the data."
              " For them the table has the log-likelihood of the true density smoothed by that"
              " noise, the best that could be expected.");
}

static void put_row(page *page, const gallery *g, const result *r) {
    const evaluation *e = &r->evaluation;
    page_row(page);
    page_cell(page, "%s", name_of(r));
    page_cell(page, "%s", r->options.loss ? r->options.loss->help : "the true density");
    if (!r->density) {
        page_cell(page, "%s", r->problem);
        return;
    }
    page_cell(page, "%.4f", e->mean);
    page_cell(page, "%.4f", gap_of(g, r));
    page_cell(page, "%.5f", r->mmd);
    if (!r->options.loss)
        return;
    page_cell(page, "%.1f", r->seconds);
    page_cell(page, "%lld", (long long)r->options.set.steps);
    if (blur_of(&r->options) > 0)
        page_cell(page, "%.4f, smoothed by %g", e->best_blur, blur_of(&r->options));
}

static void put_table(page *page, const gallery *g) {
    static const char *const heads[] = {"loss", "what it is", "log-likelihood", "gap to the bound",
                                        "MMD²", "seconds",    "steps",          "own bound"};
    page_table(page, heads, sizeof heads / sizeof heads[0]);
    for (int i = 0; i < g->count; i++)
        put_row(page, g, &g->results[i]);
}

static void put_pictures(page *page, const gallery *g) {
    page_heading(page, "The densities");
    for (int i = 0; i < g->count; i++) {
        const result *r = &g->results[i];
        char name[64];
        snprintf(name, sizeof name, "%s.png", name_of(r));
        if (r->density)
            page_figure(page, name, r->options.loss ? r->options.loss->help : "the true density");
    }
    page_link(page, "panels.png", "all of them in one picture, in the order of the table");
}

erg_status write_gallery(const gallery *g, int argc, char **argv) {
    char title[128];
    path_text path;
    page page;
    double high = greatest_in(g->results[0].density);
    erg_status status = ERG_OK;
    for (int i = 0; status == ERG_OK && i < g->count; i++)
        status = draw_result(g, &g->results[i], high);
    if (status == ERG_OK)
        status = draw_panels(g, high);
    if (status == ERG_OK)
        status = join_path(path, g->out, "index.html");
    snprintf(title, sizeof title, "%s, fitted by every loss", g->data);
    if (status == ERG_OK)
        status = page_open(&page, path, title, argc, argv);
    if (status != ERG_OK)
        return status;
    put_introduction(&page, g);
    put_table(&page, g);
    put_pictures(&page, g);
    return page_close(&page);
}

/* ising_recover_report.c: pictures of the matrices and of the errors, and the page. */
#include <math.h>

#include "ising_recover.h"

/* The strength whose matrices are drawn. */
enum { DRAWN = 1 };

/* ------------------------------------------------------------------------------- matrices */

/* J NULL: the true couplings. */
static erg_status draw_matrix(const recover_options *o, const float *J, const char *title,
                              const char *name) {
    int64_t sites = o->side * o->side;
    path_text path;
    erg_tensor *values = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(sites, sites));
    erg_plot *plot = erg_plot_new((erg_plot_options){.width = 480,
                                                     .height = 420,
                                                     .title = title,
                                                     .x_label = "spin i",
                                                     .y_label = "spin j",
                                                     .equal = 1});
    erg_status status = values && plot ? join_path(path, o->out, name) : erg_error_status();
    for (int64_t i = 0; status == ERG_OK && i < sites * sites; i++)
        erg_tensor_set(values, i, J ? J[i] : true_coupling(o, DRAWN, i / sites, i % sites));
    if (status == ERG_OK)
        status =
            erg_plot_heatmap(plot, values,
                             (erg_heatmap_options){
                                 .low = -0.1, .high = 1.2 * strengths[DRAWN], .label = "coupling"});
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    erg_tensor_free(values);
    return status;
}

static erg_status draw_matrices(const results *r, const recover_options *o) {
    static const char *const names[METHODS] = {"pseudo_likelihood.png", "persistent_cd.png"};
    erg_status status = draw_matrix(o, NULL, "the true couplings", "true.png");
    for (int method = 0; status == ERG_OK && method < METHODS; method++)
        status = draw_matrix(o, matrix_at(r, o, matrix_number(DRAWN, SIZES - 1, method)),
                             method_names[method], names[method]);
    return status;
}

/* ------------------------------------------------------------------------------- errors */

static erg_status draw_curve(erg_plot *plot, const results *r, const recover_options *o,
                             int strength, int method) {
    double x[SIZES], y[SIZES];
    char label[64];
    for (int size = 0; size < SIZES; size++) {
        x[size] = log10((double)sample_count(o, size));
        y[size] =
            coupling_error(o, strength, matrix_at(r, o, matrix_number(strength, size, method)));
    }
    snprintf(label, sizeof label, "%s, %g", method == 0 ? "PL" : "PCD", strengths[strength]);
    erg_tensor *across = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(SIZES), x);
    erg_tensor *up = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(SIZES), y);
    erg_status status =
        across && up ? erg_plot_line(plot, across, up,
                                     (erg_mark_options){.label = label, .size = method ? 1.5 : 3})
                     : erg_error_status();
    erg_tensor_free(across);
    erg_tensor_free(up);
    return status;
}

static erg_status draw_errors(const results *r, const recover_options *o) {
    path_text path;
    erg_plot *plot = erg_plot_new((erg_plot_options){.title = "error of the couplings",
                                                     .x_label = "log10 of the number of samples",
                                                     .y_label = "root mean square error",
                                                     .log_y = 1});
    erg_status status = plot ? join_path(path, o->out, "errors.png") : erg_error_status();
    for (int strength = 0; strength < STRENGTHS; strength++)
        for (int method = 0; status == ERG_OK && method < METHODS; method++)
            status = draw_curve(plot, r, o, strength, method);
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    return status;
}

/* ------------------------------------------------------------------------------- the page */

static void put_table(page *page, const results *r, const recover_options *o) {
    static const char *const heads[] = {"coupling", "samples", "pseudo-likelihood", "persistent CD",
                                        "no coupling at all"};
    page_table(page, heads, 5);
    for (int strength = 0; strength < STRENGTHS; strength++)
        for (int size = 0; size < SIZES; size++) {
            page_row(page);
            page_cell(page, "%g", strengths[strength]);
            page_cell(page, "%lld", (long long)sample_count(o, size));
            for (int method = 0; method < METHODS; method++)
                page_cell(page, "%.4f",
                          coupling_error(o, strength,
                                         matrix_at(r, o, matrix_number(strength, size, method))));
            page_cell(page, "%.4f", coupling_error(o, strength, NULL));
        }
}

static void put_samples(page *page, const results *r) {
    static const char *const heads[] = {"coupling", "neighbours agree", "exactly"};
    page_heading(page, "The samples");
    page_paragraph(page, "The mean product of two neighbours, beside its value by Kaufman's "
                         "formula.");
    page_table(page, heads, 3);
    for (int strength = 0; strength < STRENGTHS; strength++) {
        const double *spins = (const double *)erg_value(r->spins)->data + 3 * strength;
        page_row(page);
        page_cell(page, "%g", strengths[strength]);
        page_cell(page, "%.4f \u00b1 %.4f", spins[0], spins[1]);
        page_cell(page, "%.4f", spins[2]);
    }
}

static erg_status write_page(const results *r, const recover_options *o, int argc, char **argv) {
    page page;
    path_text path;
    erg_status status = join_path(path, o->out, "index.html");
    if (status == ERG_OK)
        status = page_open(&page, path, "Couplings of an Ising model, from samples", argc, argv);
    if (status != ERG_OK)
        return status;
    page_paragraph(
        &page,
        "%lld spins on a torus, bound to their four neighbours. The model that learns has "
        "a number for each of the %lld pairs and is told nothing of the torus. The table "
        "has the root mean square of the error over all pairs; bonds break loose from "
        "chance at couplings above 0.44.",
        (long long)(o->side * o->side),
        (long long)(o->side * o->side * (o->side * o->side - 1) / 2));
    put_table(&page, r, o);
    page_figure(&page, "errors.png",
                "The error falls as one over the root of the number of samples, if the chains "
                "follow. PL: pseudo-likelihood; PCD: persistent CD.");
    page_figure(&page, "true.png", "What is to be found.");
    page_figure(&page, "pseudo_likelihood.png",
                "Found by pseudo-likelihood in the largest number of samples.");
    page_figure(&page, "persistent_cd.png", "Found by persistent CD in the same samples.");
    put_samples(&page, r);
    page_heading(&page, "Numbers");
    page_fact(&page, "time", "%.0f s of learning", r->seconds);
    page_link(&page, "couplings.npy",
              "all matrices: strength, number of samples, method, spin, spin");
    return page_close(&page);
}

erg_status write_report(const results *r, const recover_options *o, int argc, char **argv) {
    path_text path;
    erg_status status = draw_matrices(r, o);
    if (status == ERG_OK)
        status = draw_errors(r, o);
    if (status == ERG_OK)
        status = join_path(path, o->out, "couplings.npy");
    if (status == ERG_OK)
        status = erg_npy_write(path, erg_value(r->couplings));
    return status == ERG_OK ? write_page(r, o, argc, argv) : status;
}

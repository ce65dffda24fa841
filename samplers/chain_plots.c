/* chain_plots.c: pictures of chains, one curve a chain: the trace; the histogram of the ranks that
 * its draws have among all draws, flat if it has mixed with the others (Vehtari et al. 2021); and
 * the autocorrelation. */
#include <stdlib.h>

#include "chains.h"

/* Adds a curve for each chain from rows (chains, n) of y, over x (n) or 0, 1, 2, ...; saves. */
static erg_status save(const char *path, erg_plot_options look, const erg_tensor *x,
                       const double *y, int64_t chains, int64_t n) {
    erg_plot *plot = erg_plot_new(look);
    erg_tensor *curve = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    erg_status status = plot && curve ? ERG_OK : erg_error_status();
    for (int64_t c = 0; status == ERG_OK && c < chains; c++) {
        for (int64_t t = 0; t < n; t++)
            erg_tensor_set(curve, t, y[c * n + t]);
        status = erg_plot_line(plot, x, curve, (erg_mark_options){.opacity = 0.8, .size = 1});
    }
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    erg_tensor_free(curve);
    return status;
}

/* The draws of one element, all finite. */
static erg_status read_element(const char *who, const erg_tensor *draws, int64_t element,
                               erg_chains *chains) {
    int64_t elements;
    erg_status status = erg_chains_check(who, draws, 2, &elements);
    if (status != ERG_OK)
        return status;
    if (element < 0 || element >= elements)
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: element %lld of %lld", who, (long long)element,
                        (long long)elements);
    *chains = erg_chains_new(who, draws);
    if (!chains->x)
        return ERG_ERROR_MEMORY;
    erg_chains_read(chains, draws, element);
    return ERG_OK;
}

erg_status erg_trace_plot(const char *path, const erg_tensor *draws, int64_t element,
                          const char *name) {
    erg_chains c = {0};
    erg_status status = read_element("trace_plot", draws, element, &c);
    const erg_plot_options look = {.title = "trace", .x_label = "draw", .y_label = name};
    if (status == ERG_OK)
        status = save(path, look, NULL, c.x, c.chains, c.n);
    free(c.x);
    return status;
}

/* Counts of each chain's ranks in `bins` bins of the same number of ranks, as steps: the two ends of
 * each bin. */
static void count_ranks(const erg_chains *ranks, int64_t bins, double *steps) {
    double total = (double)(ranks->chains * ranks->n);
    for (int64_t c = 0; c < ranks->chains; c++)
        for (int64_t t = 0; t < ranks->n; t++) {
            double place = (ranks->x[c * ranks->n + t] - 0.5) / total;
            double *bin = &steps[2 * (c * bins + (int64_t)(place * (double)bins))];
            bin[0]++;
            bin[1]++;
        }
}

erg_status erg_rank_plot(const char *path, const erg_tensor *draws, int64_t element,
                         const char *name) {
    enum { BINS = 20 };
    erg_chains c = {0};
    erg_status status = read_element("rank_plot", draws, element, &c);
    const erg_plot_options look = {
        .title = "ranks", .x_label = name, .y_label = "draws of a chain"};
    for (int64_t i = 0; status == ERG_OK && i < c.chains * c.n; i++)
        if (c.x[i] != c.x[i])
            status = erg_fail(ERG_ERROR_ARGUMENT, "rank_plot: NaN has no rank");
    if (status == ERG_OK)
        status = erg_ranks(c.x, c.chains * c.n, c.x);
    erg_tensor *edges = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(2 * BINS));
    double *steps = calloc(2 * BINS * (size_t)(c.chains + 1), sizeof *steps);
    if (status == ERG_OK && (!edges || !steps))
        status = erg_fail(ERG_ERROR_MEMORY, "rank_plot: out of memory");
    if (status == ERG_OK) {
        for (int i = 0; i < 2 * BINS; i++)
            erg_tensor_set(edges, i, (double)((i + 1) / 2 * c.chains * c.n) / BINS);
        count_ranks(&c, BINS, steps);
        status = save(path, look, edges, steps, c.chains, (int64_t)2 * BINS);
    }
    erg_tensor_free(edges);
    free(steps);
    free(c.x);
    return status;
}

erg_status erg_autocorrelation_plot(const char *path, const erg_tensor *draws, int64_t element,
                                    const char *name) {
    enum { LAGS = 100 };
    erg_chains c = {0};
    erg_status status = read_element("autocorrelation_plot", draws, element, &c);
    const erg_plot_options look = {.title = "autocorrelation", .x_label = "lag", .y_label = name};
    erg_chains rho = {.chains = c.chains, .n = c.n < LAGS ? c.n : LAGS};
    erg_tensor *all = status == ERG_OK ? erg_autocorrelation(draws, rho.n) : NULL;
    if (status == ERG_OK && !all)
        status = erg_error_status();
    if (status == ERG_OK) {
        rho.x = c.x;
        erg_chains_read(&rho, all, element);
        status = save(path, look, NULL, rho.x, rho.chains, rho.n);
    }
    erg_tensor_free(all);
    free(c.x);
    return status;
}

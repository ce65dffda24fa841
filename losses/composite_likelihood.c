/* composite_likelihood.c: the likelihood of blocks of sites given all others (Lindsay 1988). The blocks
 * are the S - m + 1 runs of m sites one after the other, each with K^m settings:
 *
 *     -log p(x_block | others) = E(x) + log sum_settings exp(-E(x with that block)).
 *
 * m = 1 is the pseudo-likelihood, m = S the likelihood itself. */
#include "neighbours.h"
#include "samples.h"

enum { MOST_SETTINGS = 1 << 16 };

/* K^m, or 0 if that is too many. */
static int64_t settings_of(int64_t states, int64_t m) {
    int64_t settings = 1;
    for (int64_t i = 0; i < m && settings > 0; i++)
        settings = settings <= MOST_SETTINGS / states ? settings * states : 0;
    return settings;
}

/* What is put into a sample, (rows, 1, S, C): the mask says where, the fill what. */
typedef struct filling {
    erg_tensor *mask, *fill;
} filling;

/* Site number `site` of this row is in this state. */
static void write_site(filling f, const erg_site_data *data, int64_t row, int64_t site,
                       int64_t state) {
    int64_t at = (row * data->sites + site) * data->numbers;
    for (int64_t c = 0; c < data->numbers; c++) {
        double number = data->kind == ERG_ONE_HOT ? (double)(c == state)
                        : data->kind == ERG_SPINS ? (double)(2 * state - 1)
                                                  : (double)state;
        erg_tensor_set(f.mask, at + c, 1);
        erg_tensor_set(f.fill, at + c, number);
    }
}

/* The digits of a setting's number in base K are the states of the block's sites. */
static void write_blocks(filling f, const erg_site_data *data, int64_t m, int64_t settings) {
    int64_t row = 0;
    for (int64_t first = 0; first + m <= data->sites; first++)
        for (int64_t setting = 0; setting < settings; setting++, row++) {
            int64_t digits = setting;
            for (int64_t i = 0; i < m; i++, digits /= data->states)
                write_site(f, data, row, first + i, digits % data->states);
        }
}

/* Each sample with each setting of each block, (rows B, S, C). */
static erg_node *substitute(const erg_site_data *data, int64_t m, int64_t settings) {
    erg_graph *graph = erg_node_graph(data->x);
    erg_dtype dtype = erg_node_dtype(data->x);
    int64_t rows = (data->sites - m + 1) * settings;
    erg_shape shape = ERG_SHAPE(rows, 1, data->sites, data->numbers);
    filling f = {erg_tensor_new(dtype, shape), erg_tensor_new(dtype, shape)};
    erg_node *result = NULL;
    if (f.mask && f.fill) {
        write_blocks(f, data, m, settings);
        result = erg_where(erg_constant(graph, f.mask), erg_constant(graph, f.fill), data->x);
    } else {
        erg_graph_fail(graph, "composite_likelihood: %s", erg_error_message());
    }
    erg_tensor_free(f.mask);
    erg_tensor_free(f.fill);
    return erg_samples_join(result);
}

erg_node *erg_composite_likelihood(erg_energy energy, erg_node *data,
                                   erg_composite_options options) {
    const char *name = "composite_likelihood";
    int64_t m = options.block ? options.block : 2;
    erg_site_data d;
    erg_node *e =
        erg_site_data_of(name, data, options.sites, &d) ? erg_energy_apply(energy, data) : NULL;
    if (!e)
        return NULL;
    int64_t settings = m >= 1 && m <= d.sites ? settings_of(d.states, m) : 0;
    if (settings == 0)
        return erg_graph_fail(erg_node_graph(data),
                              "%s: blocks of %lld in %lld sites, at most %d settings of a block",
                              name, (long long)m, (long long)d.sites, MOST_SETTINGS);
    erg_node *all = substitute(&d, m, settings);
    erg_node *others = all ? erg_site_energies(&d, energy, all) : NULL;
    if (!others)
        return NULL;
    others = ERG_RESHAPE(erg_neg(others), d.sites - m + 1, settings, d.batch);
    return erg_samples_total(erg_add(e, erg_logsumexp(others, ERG_AXES(1), 0)));
}

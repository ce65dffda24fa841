/* mnist_ebm_plots.c: histograms of energies and of ages. */
#include <math.h>
#include <stdlib.h>

#include "mnist_ebm.h"

enum { BARS = 100 };

/* The outline of a histogram of values (N) over `bars` bars from low to high, as parts of N: corner
 * points in x and y. */
static erg_status add_histogram(erg_plot *plot, const erg_tensor *values, int64_t bars, double low,
                                double high, const char *label) {
    int64_t n = erg_tensor_size(values);
    double width = (high - low) / (double)bars;
    erg_tensor *x = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(2 * bars + 2));
    erg_tensor *y = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(2 * bars + 2)); /* 0 at both ends */
    erg_status status = x && y ? ERG_OK : erg_error_status();
    for (int64_t i = 0; status == ERG_OK && i < 2 * bars + 2; i++)
        erg_tensor_set(x, i, low + width * (double)(i / 2));
    for (int64_t i = 0; status == ERG_OK && i < n; i++) {
        double bar = floor((erg_tensor_get(values, i) - low) / width);
        int64_t k = (int64_t)fmin(fmax(bar, 0), (double)(bars - 1));
        for (int64_t corner = 2 * k + 1; corner <= 2 * k + 2; corner++)
            erg_tensor_set(y, corner, erg_tensor_get(y, corner) + 1 / (double)n);
    }
    if (status == ERG_OK)
        status = erg_plot_line(plot, x, y, (erg_mark_options){.size = 2, .label = label});
    erg_tensor_free(x);
    erg_tensor_free(y);
    return status;
}

static erg_status save(erg_plot *plot, erg_status status, const char *path) {
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    return status;
}

erg_status draw_energies(const char *path, const image_set *sets, int n) {
    double low = INFINITY, high = -INFINITY;
    for (int s = 0; s < n; s++)
        for (int64_t i = 0; i < erg_tensor_size(sets[s].energies); i++) {
            low = fmin(low, erg_tensor_get(sets[s].energies, i));
            high = fmax(high, erg_tensor_get(sets[s].energies, i));
        }
    /* The legend has room on the right. */
    erg_plot *plot = erg_plot_new((erg_plot_options){.width = 720,
                                                     .height = 400,
                                                     .title = "energies of images",
                                                     .x_label = "energy  [nats]",
                                                     .y_label = "part of the images",
                                                     .x_min = low - 0.05 * (high - low),
                                                     .x_max = high + 0.35 * (high - low)});
    erg_status status = plot ? ERG_OK : erg_error_status();
    for (int s = 0; status == ERG_OK && s < n; s++)
        status = add_histogram(plot, sets[s].energies, BARS, low, high + 1e-9, sets[s].name);
    return save(plot, status, path);
}

erg_status draw_ages(const char *path, const erg_replay *replay) {
    int64_t slots = erg_replay_values(replay)->shape.dims[0], oldest = 0;
    erg_tensor *ages = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(slots));
    for (int64_t i = 0; ages && i < slots; i++) {
        int64_t age = erg_replay_age(replay, i);
        erg_tensor_set(ages, i, (double)age);
        oldest = age > oldest ? age : oldest;
    }
    erg_plot *plot = erg_plot_new((erg_plot_options){.width = 720,
                                                     .height = 400,
                                                     .title = "ages in the replay buffer",
                                                     .x_label = "training steps in which a chain "
                                                                "took part",
                                                     .y_label = "part of the slots"});
    erg_status status = plot && ages ? ERG_OK : erg_error_status();
    if (status == ERG_OK)
        status = add_histogram(plot, ages, oldest + 1, -0.5, (double)oldest + 0.5, NULL);
    erg_tensor_free(ages);
    return save(plot, status, path);
}

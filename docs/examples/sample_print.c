/* sample_print.c: tables for what is no chain. R-hat and effective sample sizes say nothing there. */
#include <math.h>
#include <stdlib.h>

#include "sample.h"

/* ------------------------------------------------------------------------------- particles */

static erg_status print_moments(const erg_tensor *draws) {
    int64_t d = draws->shape.dims[2];
    erg_diagnosis *rows = calloc((size_t)d, sizeof *rows);
    erg_status status =
        rows ? erg_diagnose(draws, rows, d) : erg_fail(ERG_ERROR_MEMORY, "out of memory");
    if (status == ERG_OK)
        printf("%-8s %9s %9s %9s %9s %9s\n", "", "Mean", "StdDev", "5%", "50%", "95%");
    for (int64_t i = 0; status == ERG_OK && i < d; i++)
        printf("x[%lld]%*s %9.4g %9.4g %9.4g %9.4g %9.4g\n", (long long)i, i < 10 ? 4 : 3, "",
               rows[i].mean, rows[i].std, rows[i].q5, rows[i].median, rows[i].q95);
    free(rows);
    return status;
}

erg_status print_particles(erg_graph *graph, erg_energy energy, const erg_tensor *draws) {
    int64_t n = draws->shape.dims[0], d = draws->shape.dims[2];
    erg_status status = print_moments(draws);
    if (status != ERG_OK)
        return status;
    erg_tensor *points = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(n, d), draws->data);
    erg_tensor *energies = NULL, *scores = NULL;
    double ksd = NAN;
    status = points && energies_and_scores(graph, energy, points, &energies, &scores)
                 ? erg_ksd(points, scores, (erg_ksd_options){0}, &ksd)
                 : erg_error_status();
    if (status == ERG_OK)
        printf(
            "\nThe particles see each other: they are no chains, nor independent draws, and have no\n"
            "R-hat and no effective sample size. Their kernel Stein discrepancy, squared, is %.3g:\n"
            "0 on average for draws of exp(-E), less for points that are more even than these.\n",
            ksd);
    erg_tensor_free(points);
    erg_tensor_free(energies);
    erg_tensor_free(scores);
    return status;
}

/* ------------------------------------------------------------------------------- modes */

/* A place where descents ended. */
typedef struct mode {
    int64_t chains;
    double energy, slope; /* the slope is the worst of them */
    const double *x;
} mode;

static double norm_of(const double *x, const double *y, int64_t d) {
    double sum = 0;
    for (int64_t i = 0; i < d; i++)
        sum += pow(x[i] - (y ? y[i] : 0), 2);
    return sqrt(sum);
}

/* Ends that are near each other are one mode. Returns how many modes there are. */
static int64_t gather(const double *ends, const erg_tensor *energies, const erg_tensor *scores,
                      int64_t chains, int64_t d, mode *modes) {
    int64_t count = 0;
    for (int64_t c = 0; c < chains; c++) {
        const double *x = ends + c * d, *score = (const double *)scores->data + c * d;
        double near = 0.02 * (1 + norm_of(x, NULL, d)), slope = norm_of(score, NULL, d);
        int64_t k = 0;
        while (k < count && norm_of(x, modes[k].x, d) > near)
            k++;
        if (k == count)
            modes[count++] = (mode){.energy = erg_tensor_get(energies, c), .x = x};
        modes[k].chains++;
        modes[k].slope = fmax(modes[k].slope, slope);
    }
    return count;
}

static int by_energy(const void *a, const void *b) {
    double x = ((const mode *)a)->energy, y = ((const mode *)b)->energy;
    return (x > y) - (x < y);
}

static void print_table(const mode *modes, int64_t count, int64_t d) {
    enum { MOST = 20, COLUMNS = 6 };
    printf("%8s %10s %10s  %s\n", "Chains", "Energy", "|grad E|", "at x");
    for (int64_t k = 0; k < count && k < MOST; k++) {
        printf("%8lld %10.4g %10.2g ", (long long)modes[k].chains, modes[k].energy, modes[k].slope);
        for (int64_t i = 0; i < d && i < COLUMNS; i++)
            printf(" %.4g", modes[k].x[i]);
        printf(d > COLUMNS ? " ...\n" : "\n");
    }
    if (count > MOST)
        printf("and %lld places more\n", (long long)(count - MOST));
    printf(
        "\nA descent draws nothing from exp(-E): these are the places where it ended, lowest first.\n"
        "Where |grad E| is not near 0 it was still on its way: give it more --draws or --step.\n");
}

erg_status print_modes(erg_graph *graph, erg_energy energy, const erg_tensor *draws) {
    int64_t steps = draws->shape.dims[0], chains = draws->shape.dims[1], d = draws->shape.dims[2];
    const double *ends = (const double *)draws->data + (steps - 1) * chains * d;
    erg_tensor *points = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(chains, d), ends);
    erg_tensor *energies = NULL, *scores = NULL;
    mode *modes = calloc((size_t)chains, sizeof *modes);
    bool good = points && modes && energies_and_scores(graph, energy, points, &energies, &scores);
    if (good) {
        int64_t count = gather(ends, energies, scores, chains, d, modes);
        qsort(modes, (size_t)count, sizeof *modes, by_energy);
        print_table(modes, count, d);
    }
    free(modes);
    erg_tensor_free(points);
    erg_tensor_free(energies);
    erg_tensor_free(scores);
    return good ? ERG_OK : erg_error_status();
}

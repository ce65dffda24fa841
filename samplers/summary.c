/* summary.c: the table of diagnostics, in the columns in which Stan prints it, and what it warns of. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chains.h"

/* Vehtari et al. 2021 for the first two; Betancourt 2016 for the energies. */
static const double RHAT_LIMIT = 1.01, EBFMI_LIMIT = 0.3;
/* Bulk and tail, for each chain. */
static const double LEAST_ESS = 100;

static void print_number(FILE *out, double x) {
    fprintf(out, " %9.4g", x);
}

static void print_size(FILE *out, double x) {
    fprintf(out, isfinite(x) ? " %9.0f" : " %9g", x);
}

static void print_row(FILE *out, int width, const char *name, const erg_diagnosis *r) {
    const double numbers[] = {r->mean, r->mcse_mean, r->std, r->mad, r->q5, r->median, r->q95};
    fprintf(out, "%-*s", width, name);
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        print_number(out, numbers[k]);
    print_size(out, r->ess_bulk);
    print_size(out, r->ess_tail);
    fprintf(out, isfinite(r->rhat) ? " %9.3f\n" : " %9g\n", r->rhat);
}

/* "x[0,2]" for an element of states (2, 3), or its given name. */
static void name_of(const erg_tensor *draws, const erg_summary_options *o, int64_t element,
                    char *text, size_t size) {
    if (o->names) {
        snprintf(text, size, "%s", o->names[element]);
        return;
    }
    int64_t rest = erg_tensor_size(draws) / draws->shape.dims[0] / draws->shape.dims[1];
    size_t used = (size_t)snprintf(text, size, "x");
    for (int axis = 2; axis < draws->shape.ndim; axis++) {
        rest /= draws->shape.dims[axis];
        int64_t index = element / rest;
        element %= rest;
        used += (size_t)snprintf(text + used, size - used, "%s%lld%s", axis == 2 ? "[" : ",",
                                 (long long)index, axis == draws->shape.ndim - 1 ? "]" : "");
    }
}

/* Prints how many elements are beyond a limit, if any is; NaN counts. */
static int warn(FILE *out, const erg_diagnosis *rows, int64_t count, int64_t chains) {
    int64_t unmixed = 0, few = 0;
    for (int64_t k = 0; k < count; k++) {
        unmixed += !(rows[k].rhat < RHAT_LIMIT);
        few += !(fmin(rows[k].ess_bulk, rows[k].ess_tail) >= LEAST_ESS * (double)chains);
    }
    if (unmixed)
        fprintf(out,
                "Warning: R_hat is not below %g for %lld of %lld: the chains have not mixed.\n",
                RHAT_LIMIT, (long long)unmixed, (long long)count);
    if (few)
        fprintf(out, "Warning: ESS is below %g a chain for %lld of %lld: draw more.\n", LEAST_ESS,
                (long long)few, (long long)count);
    return unmixed || few;
}

static double least_ebfmi(const erg_tensor *fractions) {
    double least = INFINITY;
    for (int64_t k = 0; k < erg_tensor_size(fractions); k++)
        least = fmin(least, erg_tensor_get(fractions, k));
    return least;
}

static int warn_of_energy(FILE *out, const erg_summary_options *o, const erg_tensor *fractions) {
    double least = fractions ? least_ebfmi(fractions) : INFINITY;
    if (fractions)
        fprintf(out, "E-BFMI: %.3g in the worst chain.\n", least);
    if (o->divergences)
        fprintf(out, "Warning: %lld divergent transitions: parts of the density are missed.\n",
                (long long)o->divergences);
    if (!(least > EBFMI_LIMIT))
        fprintf(out, "Warning: E-BFMI is not above %g: the momentum explores energies slowly.\n",
                EBFMI_LIMIT);
    return o->divergences || !(least > EBFMI_LIMIT);
}

static void print_all(FILE *out, const erg_tensor *draws, const erg_summary_options *o,
                      const erg_diagnosis *rows, int64_t count, const erg_tensor *fractions) {
    char name[128];
    int width = 8;
    for (int64_t k = 0; k < count; k++) {
        name_of(draws, o, k, name, sizeof name);
        width = (int)strlen(name) > width ? (int)strlen(name) : width;
    }
    fprintf(out, "%lld chains, %lld draws each.\n\n", (long long)draws->shape.dims[1],
            (long long)draws->shape.dims[0]);
    fprintf(out, "%-*s %9s %9s %9s %9s %9s %9s %9s %9s %9s %9s\n", width, "", "Mean", "MCSE",
            "StdDev", "MAD", "5%", "50%", "95%", "ESS_bulk", "ESS_tail", "R_hat");
    for (int64_t k = 0; k < count; k++) {
        name_of(draws, o, k, name, sizeof name);
        print_row(out, width, name, &rows[k]);
    }
    fprintf(out, "\n");
    int warned = warn(out, rows, count, draws->shape.dims[1]);
    warned |= warn_of_energy(out, o, fractions);
    if (!warned)
        fprintf(out, "No problem found.\n");
}

erg_status erg_summary_print(const erg_tensor *draws, erg_summary_options options, FILE *out) {
    int64_t count;
    erg_status status = erg_chains_check("summary_print", draws, 1, &count);
    if (status != ERG_OK)
        return status;
    if (!out || options.divergences < 0)
        return erg_fail(ERG_ERROR_ARGUMENT, "summary_print: %s",
                        out ? "negative number of divergences" : "no stream");
    erg_tensor *fractions = NULL;
    erg_diagnosis *rows = calloc((size_t)count, sizeof *rows);
    if (!rows)
        return erg_fail(ERG_ERROR_MEMORY, "summary_print: out of memory");
    status = erg_diagnose(draws, rows, count);
    if (status == ERG_OK && options.energies) {
        int64_t chains = options.energies->shape.ndim > 1 ? options.energies->shape.dims[1] : 1;
        fractions = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(chains));
        status = fractions ? erg_ebfmi(options.energies, fractions) : ERG_ERROR_MEMORY;
    }
    if (status == ERG_OK)
        print_all(out, draws, &options, rows, count, fractions);
    if (status == ERG_OK && ferror(out))
        status = erg_fail(ERG_ERROR_IO, "summary_print: the stream refused it");
    erg_tensor_free(fractions);
    free(rows);
    return status;
}

/* sample_options.c: the command line, read by one table. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

#define FIELD(field) offsetof(sample_options, field)

/* A value called N is a whole number, X any number, both from low to high. */
static const struct row {
    const char *name, *value, *help;
    size_t offset;
    double low, high;
} rows[] = {
    {"--energy", "NAME", "what is sampled: exp(-E) (banana)", FIELD(energy), 0, 0},
    {"--sampler", "NAME", "how (nuts)", FIELD(sampler), 0, 0},
    {"--dimension", "N", "of the space, where the energy leaves a choice (2)", FIELD(dimension), 1,
     1000},
    {"--chains", "N", "that never mix (4)", FIELD(chains), 1, 1e4},
    {"--draws", "N", "kept of each chain (1000)", FIELD(draws), 8, 1e6},
    {"--warmup", "N", "transitions of each chain before these (1000)", FIELD(warm_up), 0, 1e9},
    {"--seed", "N", "of all random numbers (1)", FIELD(seed), 0, 1e15},
    {"--step", "X", "step size; the warm-up of an adaptive sampler starts there", FIELD(step), 1e-9,
     1e3},
    {"--threads", "N", "at most this many; changes no result (all processors)", FIELD(threads), 1,
     256},
    {"--out", "DIR", "where draws and pictures go; made if missing (sample)", FIELD(out), 0, 0},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static void print_help(void) {
    printf("sample: Markov chains for an energy of which everything is known, with diagnostics.\n\n"
           "usage: sample [OPTION VALUE]...\n\n");
    for (int i = 0; i < N_ROWS; i++)
        printf("  %-12s %-4s  %s\n", rows[i].name, rows[i].value, rows[i].help);
    printf("  %-12s %-4s  this text\n\nenergies\n", "--help", "");
    for (const energy_entry *e = energy_entries; e->name; e++)
        printf("  %-18s  %s%s\n", e->name, e->help, e->dimension ? ", in the plane" : "");
    printf("\nsamplers (step size)\n");
    for (const sampler_entry *s = sampler_entries; s->name; s++)
        printf("  %-18s  %s (%g%s)\n", s->name, s->help, s->step, s->target > 0 ? ", adapted" : "");
}

/* The entry of that name; the one without a name if there is none. */
static const energy_entry *find_energy(const char *name) {
    const energy_entry *e = energy_entries;
    while (e->name && strcmp(e->name, name) != 0)
        e++;
    return e;
}

static const sampler_entry *find_sampler(const char *name) {
    const sampler_entry *s = sampler_entries;
    while (s->name && strcmp(s->name, name) != 0)
        s++;
    return s;
}

static bool store_number(const struct row *row, const char *text, void *field) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !(number >= row->low && number <= row->high))
        return false;
    if (strcmp(row->value, "X") == 0) {
        *(double *)field = number;
        return true;
    }
    *(int64_t *)field = (int64_t)number;
    return number == floor(number);
}

/* Sets the row's field; false if the text is none of its values. */
static bool store(const struct row *row, const char *text, sample_options *options) {
    void *field = (char *)options + row->offset;
    if (row->high > 0)
        return store_number(row, text, field);
    if (row->offset == FIELD(energy))
        return (options->energy = find_energy(text))->name != NULL;
    if (row->offset == FIELD(sampler))
        return (options->sampler = find_sampler(text))->name != NULL;
    options->out = text;
    return text[0] != '\0';
}

static void print_value_wanted(const struct row *row) {
    if (row->high > 0)
        fprintf(stderr, "a %snumber from %g to %g", strcmp(row->value, "N") == 0 ? "whole " : "",
                row->low, row->high);
    else if (row->offset == FIELD(energy))
        for (const energy_entry *e = energy_entries; e->name; e++)
            fprintf(stderr, "%s%s", e == energy_entries ? "one of " : ", ", e->name);
    else if (row->offset == FIELD(sampler))
        for (const sampler_entry *s = sampler_entries; s->name; s++)
            fprintf(stderr, "%s%s", s == sampler_entries ? "one of " : ", ", s->name);
    else
        fprintf(stderr, "a name");
}

static bool complain(const struct row *row, const char *name, const char *text) {
    if (!row) {
        fprintf(stderr, "sample: no option \"%s\"; --help lists them\n", name);
    } else if (!text) {
        fprintf(stderr, "sample: %s needs a value\n", name);
    } else {
        fprintf(stderr, "sample: %s needs ", name);
        print_value_wanted(row);
        fprintf(stderr, ", not \"%s\"\n", text);
    }
    return false;
}

static const struct row *find_row(const char *name) {
    for (int i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

bool read_options(int argc, char **argv, sample_options *options, int *exit_status) {
    *options = (sample_options){.energy = find_energy("banana"),
                                .sampler = find_sampler("nuts"),
                                .out = "sample",
                                .dimension = 2,
                                .chains = 4,
                                .draws = 1000,
                                .warm_up = 1000,
                                .seed = 1};
    for (int i = 1; i < argc; i += 2) {
        *exit_status = 0;
        if (strcmp(argv[i], "--help") == 0)
            return print_help(), false;
        *exit_status = EXIT_USAGE;
        const struct row *row = find_row(argv[i]);
        if (!row || i + 1 == argc || !store(row, argv[i + 1], options))
            return complain(row, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
    }
    const energy_entry *energy = options->energy;
    if (energy->dimension == 0 || energy->dimension == options->dimension)
        return true;
    *exit_status = EXIT_USAGE;
    fprintf(stderr, "sample: --dimension needs %lld for %s, not %lld\n",
            (long long)energy->dimension, energy->name, (long long)options->dimension);
    return false;
}
